#!/bin/sh
# Makes or renews the virtual environment from one lock file, then installs the project itself, editable.
# Uses uv where it is there, else venv and pip. Usage: PYTHON=python3 VENV=.venv sh tools/setup.sh LOCK
set -eu

lock=$1
python=${PYTHON:-python3}
venv=${VENV:-.venv}

say() { printf '%s\n' "$*" >&2; }

command -v "$python" >/dev/null 2>&1 || { say "No $python found: solvent needs Python 3.11 or newer (make PYTHON=... names another)."; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  say "$python is $("$python" -V 2>&1): solvent needs Python 3.11 or newer (make PYTHON=python3.12 names another)."
  exit 1
}
minor=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

if [ -x "$venv/bin/python" ] && [ "$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" != "$minor" ]; then
  say "$venv belongs to another Python: it is made anew."
  rm -rf "$venv"
fi

if command -v uv >/dev/null 2>&1; then
  export UV_PYTHON_DOWNLOADS=never
  say "Setting up $venv with uv and Python $minor ..."
  [ -x "$venv/bin/python" ] || uv venv --quiet --python "$python" "$venv"
  uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"
  uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e .
else
  say "Setting up $venv with venv, pip and Python $minor ..."
  if [ ! -x "$venv/bin/python" ]; then
    "$python" -c 'import ensurepip' 2>/dev/null || {
      say "This Python cannot make virtual environments (no ensurepip)."
      say "On Debian or Ubuntu: apt-get install python$minor-venv (or python3-venv). Or install uv."
      exit 1
    }
    "$python" -m venv "$venv"
  fi
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
fi
say "$venv is ready."
