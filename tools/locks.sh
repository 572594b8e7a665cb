#!/bin/sh
# Renews the lock files: every version with its hashes, no host named. Needs uv.
set -eu
cd "$(dirname "$0")/.."
lock="uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate"
$lock --extra test --extra dev pyproject.toml requirements/build.in -o requirements/dev.lock
$lock --constraint requirements/dev.lock pyproject.toml requirements/build.in -o requirements/run.lock
if grep -nE '://|--index-url|--find-links' requirements/*.lock; then
  echo "A lock file names a host (above)." >&2
  exit 1
fi
