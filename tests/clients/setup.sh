#!/usr/bin/env bash
# Makes .venv-clients: clients of other servers that tests run against ours (200 MB, half a minute, once).
# usage: tests/clients/setup.sh [PYTHON]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=tests/clients venv=.venv-clients log=.venv-clients.log
base=${1:-.venv/bin/python}

wanted=$({ cat "$here/requirements.txt" "$here/setup.sh"; "$base" -V; } | cksum)
[[ -f $venv/.ready && $(cat "$venv/.ready") == "$wanted" ]] && exit 0

failed() { # $1: what
    echo "$1 failed. The last lines of $log:" >&2
    tail -n 15 "$log" >&2
    exit 1
}

echo "Making $venv, clients of other servers for tests (200 MB, half a minute; log: $log)..."
rm -rf "$venv"
: >"$log"
"$base" -m venv "$venv" >>"$log" 2>&1 || failed "Making the environment"
"$venv/bin/python" -m pip install --no-deps --no-compile --disable-pip-version-check -r "$here/requirements.txt" \
    >>"$log" 2>&1 || failed "Installing"
printf '%s\n' "$wanted" >"$venv/.ready"
