# Everything a person does with this project. Plain `make` lists the targets.
# `make run` and `make test` set everything up by themselves: Python 3.11 or newer and make are all they need.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help setup run test test-deep test-bare mutants check bench docs locks clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ACCOUNTS ?= 20000
SEED ?= 7
WORKERS ?= 2

# One process compiles the kernels before several need them.
WARM := if [ -f src/solvent/engine/warm.py ]; then $(BIN)/python -m solvent.engine.warm; fi

RUN_STAMP := $(VENV)/.ready-run
DEV_STAMP := $(VENV)/.ready-dev

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(DEV_STAMP) ## make .venv with everything needed to run, test and check (once per change of the locks)

$(RUN_STAMP): pyproject.toml requirements/run.lock tools/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh tools/setup.sh requirements/run.lock
	@touch $@

$(DEV_STAMP): pyproject.toml requirements/run.lock requirements/dev.lock tools/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh tools/setup.sh requirements/dev.lock
	@touch $(RUN_STAMP) $@

run: $(RUN_STAMP) ## replay the crash of 19 May 2021 with 20,000 accounts (ACCOUNTS=, SEED= change it)
	@$(BIN)/solvent replay may-2021 --accounts $(ACCOUNTS) --seed $(SEED)

test: $(DEV_STAMP) ## run the fast tests
	@$(WARM)
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not deep"

test-deep: $(DEV_STAMP) ## run all tests, the long ones too; the engine's also uncompiled and bounds-checked
	@$(WARM)
	@SOLVENT_TESTS=deep $(BIN)/python -m pytest -n $(WORKERS)
	@if [ -d tests/engine ]; then \
	  echo "== the engine with its compiler off"; NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n $(WORKERS) -m "not deep" tests/engine && \
	  echo "== the engine with bounds checked"; NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest -n $(WORKERS) -m "not deep" tests/engine; fi

test-bare: ## clone to a temporary folder and run the README's two commands with nothing else around
	@PYTHON="$(PYTHON)" sh tools/test_bare.sh

mutants: $(DEV_STAMP) ## plant faults one at a time and see the fast tests catch each
	@$(BIN)/python tools/mutants.py

check: $(DEV_STAMP) ## lint, format, types, layers and the house rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports
	@$(BIN)/python tools/tidy.py

bench: $(RUN_STAMP) ## measure, each figure as a ratio to something measured in the same run
	@$(BIN)/solvent bench

docs: $(DEV_STAMP) ## regenerate the generated pages, then check links and code blocks of all pages
	@$(BIN)/python tools/mutants.py --docs
	@$(BIN)/python tools/venue_pages.py
	@$(BIN)/python tools/docs.py

locks: ## renew requirements/*.lock (needs uv on the path)
	@sh tools/locks.sh

clean: ## remove .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
