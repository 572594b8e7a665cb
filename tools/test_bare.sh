#!/bin/sh
# The newcomer's test: clones the last commit to a temporary folder and runs the README's two commands there, with a
# plain PATH, an empty home, empty caches and nothing of this shell's environment. Cleans up behind itself.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
python=$(command -v "${PYTHON:-python3}") || { echo "No ${PYTHON:-python3} found." >&2; exit 1; }
# The interpreter itself, not a shim that needs a home to find it.
python=$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')

place=$(mktemp -d "${TMPDIR:-/tmp}/solvent-bare.XXXXXX")
trap 'chmod -R u+w "$place"; rm -rf "$place"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$place/home" "$place/cache" "$place/tmp"

git clone --quiet "$root" "$place/solvent"

bare() {
  # Only what a machine behind a proxy or with its own certificates cannot do without is let through.
  env -i \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME="$place/home" XDG_CACHE_HOME="$place/cache" TMPDIR="$place/tmp" LANG=C.UTF-8 TERM=dumb \
    ${https_proxy:+https_proxy="$https_proxy"} ${SSL_CERT_FILE:+SSL_CERT_FILE="$SSL_CERT_FILE"} \
    make -C "$place/solvent" PYTHON="$python" "$@" </dev/null
}

started=$(date +%s)
echo "== make test, in $place/solvent"
bare test
tested=$(date +%s)
echo "== make run, in $place/solvent"
bare run
ended=$(date +%s)
left=$(git -C "$place/solvent" status --porcelain)
if [ -n "$left" ]; then
  echo "The two commands left files behind that git sees:" >&2
  echo "$left" >&2
  exit 1
fi
echo "== both passed: make test $((tested - started)) s with set-up, make run $((ended - tested)) s"
