#!/usr/bin/env bash
# Makes .venv-sglang-cpu: a real SGLang that serves on a plain CPU, for tests (2.9 GB, about two minutes, once).
# usage: tests/sglang_cpu/setup.sh [PYTHON]
# Where it cannot be had, it says why, leaves the reason in .venv-sglang-cpu.missing, and is content: the
# tests that need it are then left out with that reason. A broken network is no such reason: that fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=tests/sglang_cpu venv=.venv-sglang-cpu missing=.venv-sglang-cpu.missing log=.venv-sglang-cpu.log
base=${1:-.venv/bin/python}

leave_out() { # $1: why
    printf '%s\n' "$1" | tee "$missing"
    exit 0
}

fingerprint() {
    { cat "$here/requirements.txt" "$here/setup.sh"; "$base" -V; } | cksum
}

# uv knows by itself where CPU builds of torch are; pip may have been told of indexes that uv does not know.
install() { # what, as pip names it
    {
        { command -v uv >/dev/null && uv pip install --no-deps --torch-backend cpu --python "$venv/bin/python" "$@"; } ||
            "$venv/bin/python" -m pip install --no-deps --no-compile --disable-pip-version-check "$@"
    } >>"$log" 2>&1
}

failed() { # $1: what
    echo "$1 failed. The last lines of $log:" >&2
    tail -n 15 "$log" >&2
    exit 1
}

copy_plugin() {
    local site
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    cp "$here"/plugin/*.py "$site/"
    echo "import sglang_on_cpu_setup" >"$site/sglang_on_cpu.pth"
    mkdir -p "$site/sglang_on_cpu-1.dist-info"
    printf 'Metadata-Version: 2.1\nName: sglang-on-cpu\nVersion: 1\n' >"$site/sglang_on_cpu-1.dist-info/METADATA"
    printf '[sglang.srt.platforms]\non_cpu = sglang_on_cpu:activate\n' \
        >"$site/sglang_on_cpu-1.dist-info/entry_points.txt"
}

rm -f "$missing"
if [[ $(uname -sm) != "Linux x86_64" ]]; then
    leave_out "SGLang on a CPU is tested on x86-64 Linux only; this is $(uname -sm)."
fi
if ! "$base" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; then
    leave_out "SGLang's packages are built for Python up to 3.13; this is $("$base" -V)."
fi

if [[ ! -f $venv/.ready || $(cat "$venv/.ready") != "$(fingerprint)" ]]; then
    echo "Making $venv, a real SGLang for tests (2.9 GB, about two minutes; log: $log)..."
    rm -rf "$venv"
    : >"$log"
    "$base" -m venv "$venv" >>"$log" 2>&1 || uv venv --clear --seed --python "$base" "$venv" >>"$log" 2>&1 ||
        failed "Making the environment"
    torch=$(grep '^torch==' "$here/requirements.txt")
    if ! install "$torch"; then
        # Is it the network, or is only this build not offered?
        install "$(grep '^tqdm==' "$here/requirements.txt")" || failed "Installing"
        leave_out "No package index here offers $torch, a CPU build (PIP_EXTRA_INDEX_URL can name one that does)."
    fi
    install -r "$here/requirements.txt" || failed "Installing"
    copy_plugin
    # A server is three processes that each import thousands of files: half a minute less for each start.
    "$venv/bin/python" -m compileall -q -j 0 "$venv/lib" >>"$log" 2>&1 || true # some are templates
    fingerprint >"$venv/.ready"
fi
copy_plugin
