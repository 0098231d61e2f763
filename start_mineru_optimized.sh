#!/usr/bin/env bash
# The front door: makes the environment in .venv on first use, then runs one part of MinerU Optimized.
# Written for bash 3.2 and the tools that Linux and macOS both have.
set -euo pipefail

# One line a mode: its name, and what it does. `python -m gradio_app` has the same.
modes() {
    cat <<'MODES'
gradio   serve the page and the API
sglang   run the SGLang server with the profile of this card
api      run the LitServe service, without page and queue
client   send a folder of documents to LitServe services
worker   join this machine to a cluster
models   fetch the model weights
users    say who may sign in by name
backup   copy the data folder while the server runs
monitor  watch memory, load and the engine
doctor   say what was found, what would be used, what is missing
MODES
}

usage() {
    local mode text
    echo "Usage: ./start_mineru_optimized.sh MODE [flags]"
    echo
    echo "Modes:"
    while read -r mode text; do
        printf '  %-8s %s\n' "$mode" "$text"
    done < <(modes)
    printf '  %-8s %s\n' setup "only make the environment, with one flag or none:"
    printf '             %-8s  %s\n' --gpu "with torch: MinerU's layout and OCR models on the graphics card too" \
        --cluster "with Ray, for several machines" --dev "with the tools for tests" --sglang "that of SGLang, which has one of its own"
    echo
    echo "'MODE --help' shows the flags of a mode. The first start makes the environment in .venv"
    echo "(network needed, about a minute); later starts need no network. Set PYTHON to choose the"
    echo "Python that it is made with (3.11 to 3.14)."
}

say() { printf '%s\n' "$*" >&2; }

die() {
    local status=$1
    shift
    say "$@"
    exit "$status"
}

# The file behind a chain of symbolic links (macOS long had no `readlink -f`).
follow() {
    local path=$1 target
    while [[ -L $path ]]; do
        target=$(readlink "$path")
        case $target in
            /*) path=$target ;;
            *) path=${path%/*}/$target ;;
        esac
    done
    printf '%s\n' "$path"
}

script=${BASH_SOURCE[0]}
[[ $script == */* ]] || script=./$script
script=$(follow "$script")
root=$(CDPATH='' cd -P -- "${script%/*}" && pwd)
python=$root/.venv/bin/python

# --- secrets among the flags -----------------------------------------------------------------------------

# Every user of a machine reads the command lines of all processes, and making an environment takes minutes. So
# this script starts itself anew with *** in place of each secret; gradio_app/base/hidden_arguments.py has the
# same list, and takes the secrets from the variable.
hide_secrets() {
    local word name follows='' found='' secrets='' separator=$'\037'
    local words=()
    for word in "$@"; do
        name=''
        if [[ -n $follows ]]; then
            follows='' name=+
        else
            case $word in
                --token=* | --admin-token=* | --sglang-api-key=* | --ray-token=* | \
                    --api-key=* | --admin-api-key=* | --ssl-keyfile-password=*) name=${word%%=*}= ;;
                --token | --admin-token | --sglang-api-key | --ray-token | \
                    --api-key | --admin-api-key | --ssl-keyfile-password) follows=yes ;;
            esac
        fi
        if [[ -n $name ]]; then
            [[ $name != + ]] || name=''
            secrets+=${found:+$separator}${word#"$name"}
            word=$name'***' found=yes
        fi
        words+=("$word")
    done
    [[ -n $found ]] || return 0
    export MINERU_APP_HIDDEN_ARGUMENTS=$secrets
    exec "$BASH" "$script" "${words[@]}"
}

# --- the environment -------------------------------------------------------------------------------------

# What an environment depends on; it is good as long as its stamp says the same.
fingerprint() {
    follow "$python"
    cksum "$root/pyproject.toml" "$root/constraints.txt"
}

ready() { # $1: the stamp
    [[ -x $python && -f $1 && "$(<"$1")" == "$(fingerprint)" ]]
}

# Prints the real interpreter behind a command if it is one that MinerU runs on.
usable() {
    "$1" -c 'if 1:
        import sys
        if not (3, 11) <= sys.version_info < (3, 15):
            sys.exit(1)
        print(getattr(sys, "_base_executable", sys.executable))' 2>/dev/null
}

find_python() {
    local candidate
    if [[ -n ${PYTHON:-} ]]; then
        usable "$PYTHON" || die 1 "PYTHON=$PYTHON is not a Python from 3.11 to 3.14."
        return
    fi
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        ! usable "$candidate" || return 0
    done
    if command -v uv >/dev/null; then
        candidate=$(uv python find '>=3.11,<3.15' 2>/dev/null || true)
        [[ -z $candidate ]] || ! usable "$candidate" || return 0
    fi
    say "No Python from 3.11 to 3.14 was found. To install one:"
    say "  Debian, Ubuntu   sudo apt install python3 python3-venv"
    say "  macOS            brew install python@3.12"
    say "  with uv          uv python install 3.12"
    die 1 "If it is somewhere else: PYTHON=/path/to/python3 ./start_mineru_optimized.sh ..."
}

# One setup at a time. The lock belongs to file descriptor 9, which this shell keeps after Python is gone.
take_lock() { # $1: an interpreter
    "$1" -c 'if 1:
        import fcntl, sys
        try:
            fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another start is setting up the environment; waiting for it...", file=sys.stderr)
            fcntl.flock(9, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks'
}

make_venv() { # $1: an interpreter, $2: the folder
    if command -v uv >/dev/null; then
        uv venv --python "$1" "$2"
    else
        "$1" -m venv "$2"
    fi
}

install() { # $1: what, as pip names it
    # The tools that build are pinned like the rest; relative, as these variables are cut at spaces.
    export PIP_BUILD_CONSTRAINT=constraints.txt UV_BUILD_CONSTRAINT=constraints.txt
    if command -v uv >/dev/null; then
        uv pip install --compile-bytecode --python "$python" -c constraints.txt -e "$1"
    else
        "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip || return
        "$python" -m pip install --disable-pip-version-check -c constraints.txt -e "$1"
    fi
}

failed() { # $1: the log, $2: the GB that it takes
    say "Setting up the environment failed. The last lines of $root/$1:"
    tail -n 15 "$1" | sed 's/^/  | /' >&2
    say "Without a network it cannot be made: check the connection, a proxy (HTTPS_PROXY) or a mirror"
    say "(PIP_INDEX_URL, with uv UV_INDEX_URL), and that the disk has $2 GB free. Then start again."
    exit 1
}

# Runs in a subshell, so that the lock goes with it. The lock file has text in it while an environment is
# being made: found there by the next setup, it means that this one was interrupted.
make_environment() ( # $1: the stamp, $2: what to install, $3: how long it takes, $4: the GB that it takes
    stamp=$1 what=$2 log=.venv.log
    base=$(find_python)
    cd -- "$root"
    { exec 9>>.venv.lock; } 2>/dev/null || die 1 "Cannot write to $root, where the environment belongs."
    take_lock "$base"
    ! ready "$stamp" || exit 0

    if [[ -s .venv.lock ]]; then
        say "The last setup did not finish; starting over."
        rm -rf .venv
    elif ! usable "$python" >/dev/null; then
        rm -rf .venv
    fi
    if [[ ! -e .venv ]] && ! command -v uv >/dev/null && ! "$base" -c 'import ensurepip, venv' 2>/dev/null; then
        say "$base cannot make environments: its venv module is missing."
        die 1 "On Debian and Ubuntu: sudo apt install python3-venv (or install uv), then start again."
    fi
    say "Setting up the environment (once, $3)..."
    echo unfinished >.venv.lock
    : >"$log"
    if [[ ! -e .venv ]]; then
        say "  making .venv with $base"
        make_venv "$base" .venv >>"$log" 2>&1 || failed "$log" "$4"
    fi
    say "  installing the packages (log: $root/$log)"
    install "$what" >>"$log" 2>&1 || failed "$log" "$4"
    fingerprint >.venv/.ready
    [[ $stamp -ef .venv/.ready ]] || cp .venv/.ready "$stamp"
    # the tools for tests have what these modes need
    [[ $what != *dev* ]] || tee .venv/.ready-api .venv/.ready-cluster <.venv/.ready >/dev/null
    : >.venv.lock
    rm -f "$log"
    say "The environment is ready."
)

need_environment() { # $1: --dev, --gpu, --api, --cluster or nothing
    local stamp=$root/.venv/.ready what=. time="about a minute" room=2
    case ${1:-} in
        --dev) stamp=$root/.venv/.ready-dev what='.[dev]' ;;
        --api) stamp=$root/.venv/.ready-api what='.[api]' ;;
        --cluster) stamp=$root/.venv/.ready-cluster what='.[cluster]' ;;
        --gpu) stamp=$root/.venv/.ready-gpu what='.[gpu]' time="several GB, some minutes" room=12 ;;
    esac
    ready "$stamp" || make_environment "$stamp" "$what" "$time" "$room"
}

# --- the built-in models: files of the environment, out of wheels whose packages are not installed ---------

# Says the same as long as no file is gone or cut off and no other files are wanted.
models_now() {
    local folder=${MINERU_APP_BUILTIN_MODELS:-$root/.venv/share/mineru-optimized/models}
    cksum "$root/gradio_app/machine/builtin_models.py"
    wc -c "$folder"/*.onnx 2>/dev/null || printf 'none in %s\n' "$folder"
}

# All else works without them, so a failure starts nevertheless, and one more start tries again.
need_models() {
    local stamp=$root/.venv/.ready-models tried=$root/.venv/.tried-models status=0
    [[ ! -f $stamp || "$(<"$stamp")" != "$(models_now)" ]] || return 0
    [[ -w $root/.venv ]] || return 0 # somebody else's: the log of the start says what is missing
    "$python" -P -m gradio_app models --source builtin >&2 || status=$?
    case $status in
        0) rm -f "$tried" ;;
        130 | 143) exit "$status" ;; # stopped by Ctrl-C or kill
        *)
            if [[ ! -e $tried ]]; then
                : >"$tried"
                say "The next start tries again."
                return 0
            fi
            ;;
    esac
    models_now >"$stamp"
}

# --- SGLang's environment: one of its own, as its pins would bind everything else --------------------------

sglang=sglang==0.5.23
sglang_venv=$root/.venv-sglang

sglang_ready() {
    [[ -x $sglang_venv/bin/python && -f $sglang_venv/.ready && "$(<"$sglang_venv/.ready")" == "$sglang" ]]
}

install_sglang() {
    if command -v uv >/dev/null; then
        uv pip install --compile-bytecode --python "$sglang_venv/bin/python" "$sglang"
    else
        "$sglang_venv/bin/python" -m pip install --disable-pip-version-check "$sglang"
    fi
}

# Like make_environment. What was downloaded before an interruption is in the installer's cache.
make_sglang() (
    log=.venv-sglang.log
    [[ $(uname -s) == Linux ]] || die 1 "SGLang needs Linux and an NVIDIA card; elsewhere there is --sglang-url."
    base=$(find_python)
    cd -- "$root"
    { exec 9>>.venv-sglang.lock; } 2>/dev/null || die 1 "Cannot write to $root, where SGLang belongs."
    take_lock "$base"
    ! sglang_ready || exit 0
    say "Setting up $sglang in .venv-sglang (once; several GB, some minutes; log: $root/$log)..."
    [[ ! -s .venv-sglang.lock ]] || rm -rf .venv-sglang
    echo unfinished >.venv-sglang.lock
    : >"$log"
    if ! usable "$sglang_venv/bin/python" >/dev/null; then
        rm -rf .venv-sglang
        make_venv "$base" .venv-sglang >>"$log" 2>&1 || failed "$log" 15
    fi
    install_sglang >>"$log" 2>&1 || failed "$log" 15
    printf '%s\n' "$sglang" >.venv-sglang/.ready
    : >.venv-sglang.lock
    rm -f "$log"
    say "SGLang is ready."
)

# --- the modes -------------------------------------------------------------------------------------------

setup() {
    [[ $# -le 1 ]] || die 2 "setup takes one flag at a time, not: $*"
    case ${1:-} in
        '' | --dev | --gpu | --cluster)
            need_environment "$@"
            need_models
            ;;
        --sglang) sglang_ready || make_sglang ;;
        *) die 2 "setup takes --cluster, --dev, --gpu, --sglang or nothing, not: $1" ;;
    esac
}

run() { # $1: the mode, then its flags
    local wanted=$1
    shift
    [[ $'\n'$(modes) == *$'\n'"$wanted "* ]] || die 2 "There is no mode '$wanted'. See: ./start_mineru_optimized.sh --help"
    case "$wanted ${MINERU_APP_RAY_ADDRESS:+cluster}$*" in
        api\ * | client\ *) need_environment --api ;;
        worker\ * | gradio\ cluster* | gradio\ *--ray-address*) need_environment --cluster ;;
        *) need_environment ;;
    esac
    case "$wanted $*" in
        *\ --builtin-models*) ;; # a folder of one's own
        gradio\ * | api\ * | worker\ *) need_models ;;
    esac
    export GRADIO_ANALYTICS_ENABLED=False HF_HUB_DISABLE_TELEMETRY=1 ORT_DISABLE_TELEMETRY=1
    # -P: a folder that happens to be the current one is not searched for modules.
    exec "$python" -P -m gradio_app "$wanted" "$@"
}

[[ -n ${MINERU_APP_HIDDEN_ARGUMENTS+hidden} ]] || hide_secrets "$@"
case ${1:-} in
    '' | -h | --help) usage ;;
    setup)
        shift
        setup "$@"
        ;;
    *) run "$@" ;;
esac
