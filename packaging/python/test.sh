#!/usr/bin/env bash
# Installs the wheel in an environment of its own, uses it as docs/from-python.md does, and removes it again:
# packaging/python/test.sh WHEEL. pytest, requests and aiohttp come from PyPI.
set -euo pipefail
wheel=$(realpath "$1")
page=$(dirname "$(realpath "$0")")/../../docs/from-python.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME=$work
unset XDG_DATA_HOME XDG_CACHE_HOME SECURE_IO_CA_DIR
python3 -m venv python
PATH=$work/python/bin:$PATH
pip install --quiet --disable-pip-version-check "$wheel" pytest requests aiohttp
[ "$(command -v secure-io)" = "$work/python/bin/secure-io" ]
[ "$(secure-io --version)" = "$(python -m secure_io --version)" ]
sed -n '/^<!-- file: test_clients.py -->$/,/^```$/p' "$page" | sed '1,2d;$d' > test_clients.py
python -m pytest --quiet test_clients.py
pip uninstall --quiet --yes secure-io
left=$(find python -iname 'secure[_-]io*')
[ -z "$left" ] || { echo "left behind: $left" >&2; exit 1; }
echo "$(basename "$wheel"): installed, used and removed: ok ($(du -k "$wheel" | cut -f1) KiB)"
