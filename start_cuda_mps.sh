#!/usr/bin/env bash
# NVIDIA's Multi-Process Service for one card: several processes compute on it at the same time instead of in
# turns. Starts and stops its control daemon with folders of its own, and says who is attached.
# https://docs.nvidia.com/deploy/mps/
set -euo pipefail

OLDEST=70  # compute capability 7.0 (Volta): older cards isolate no memory between clients
LONGEST=90 # characters of the pipe folder: a Unix socket's address has 108, with the names in it

usage() {
    cat <<USAGE
Usage: ./start_cuda_mps.sh start|stop|restart|status [--force]

  start    check driver, card and mode, then start the control daemon; nothing happens if it runs
  stop     end it, when no process is attached any more (--force: whoever is attached)
  restart  both
  status   whether it runs, and which processes are attached; exit status 3 when it does not run

Environment:
  CUDA_MPS_PIPE_DIRECTORY              folder of its sockets (now: $pipe)
  CUDA_MPS_LOG_DIRECTORY               folder of its logs (now: $log)
  CUDA_MPS_ACTIVE_THREAD_PERCENTAGE    share of the card's processors that one client may use at most, 1 to 100
  CUDA_MPS_PINNED_DEVICE_MEM_LIMIT     memory that one client may take, such as 0=8G (card=size)
  CUDA_VISIBLE_DEVICES                 cards that it serves; all when empty

Programs find it through CUDA_MPS_PIPE_DIRECTORY: start them with the same value, and as the same user.
Containers need both folders and the host's IPC.
USAGE
}

say() { printf '%s\n' "$*"; }

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

runtime=/tmp/mineru-mps-$(id -u) # not TMPDIR: programs that are started otherwise must find it
pipe=${CUDA_MPS_PIPE_DIRECTORY:-$runtime/pipe}
log=${CUDA_MPS_LOG_DIRECTORY:-$runtime/log}
export CUDA_MPS_PIPE_DIRECTORY=$pipe CUDA_MPS_LOG_DIRECTORY=$log

# --- the daemon ------------------------------------------------------------------------------------------

# One command for the control daemon; fails when none listens.
control() { printf '%s\n' "$*" | nvidia-cuda-mps-control 2>/dev/null; }

# It makes its socket when it starts, and answers as long as it lives.
running() { [[ -e $pipe/control ]] && control get_server_list >/dev/null; }

daemon_pid() {
    [[ -f $pipe/nvidia-cuda-mps-control.pid ]] && cat "$pipe/nvidia-cuda-mps-control.pid" || echo "?"
}

# "SERVER CLIENT" a line, of all that compute through it.
clients() {
    local server client
    for server in $(control get_server_list); do
        for client in $(control get_client_list "$server"); do
            echo "$server $client"
        done
    done
}

# --- what must be so -------------------------------------------------------------------------------------

check_machine() {
    [[ $(uname -s) == Linux ]] || die "CUDA MPS exists on Linux only."
    command -v nvidia-smi >/dev/null || die "No NVIDIA driver was found: nvidia-smi is not there. Install the driver first."
    command -v nvidia-cuda-mps-control >/dev/null ||
        die "nvidia-cuda-mps-control is not there. It comes with the driver's compute tools (Debian and Ubuntu: nvidia-compute-utils-VERSION)."
    check_cards
    check_flags
}

# MIG cuts a card into parts that MPS cannot join; a card in the mode "prohibited" computes for nobody.
check_cards() {
    local rows index name capability mode mig seen=0
    rows=$(nvidia-smi --query-gpu=index,name,compute_cap,compute_mode,mig.mode.current --format=csv,noheader) ||
        die "The driver does not answer: $(nvidia-smi 2>&1 | head -n 1)"
    while IFS=, read -r index name capability mode mig; do
        index=${index// /} name=${name# } capability=${capability// /} mode=${mode# } mig=${mig// /}
        wanted "$index" || continue
        seen=$((seen + 1))
        [[ $mig != Enabled ]] ||
            die "Card $index ($name) is divided by MIG. MPS needs whole cards: turn MIG off (nvidia-smi -i $index -mig 0), or run one process on each part."
        [[ $mode != Prohibited ]] ||
            die "Card $index ($name) is in the compute mode 'Prohibited'. Change it: nvidia-smi -i $index -c DEFAULT."
        if [[ $capability =~ ^([0-9]+)\.([0-9]+)$ ]] && ((BASH_REMATCH[1] * 10 + BASH_REMATCH[2] < OLDEST)); then
            die "Card $index ($name) has compute capability $capability. MPS separates the memory of its clients from 7.0 (Volta) on."
        fi
        [[ $mode == Exclusive_Process ]] ||
            say "Note: card $index is in the compute mode '$mode'. Processes without MPS can use it too; 'nvidia-smi -i $index -c EXCLUSIVE_PROCESS' keeps them away."
    done <<<"$rows"
    ((seen > 0)) || die "CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES-} names no card of this machine."
}

# Numbers only: cards that are named by UUID are looked at too.
wanted() {
    [[ -n ${CUDA_VISIBLE_DEVICES-} && $CUDA_VISIBLE_DEVICES =~ ^[0-9,]+$ ]] || return 0
    [[ ",$CUDA_VISIBLE_DEVICES," == *",$1,"* ]]
}

# The processes of one tensor-parallel group wait for each other: sharing a card's time would block them.
check_flags() {
    [[ ! "${MINERU_APP_SGLANG_ARGS-} " =~ --(tp|tp-size|tensor-parallel-size)[=\ ]+([2-9]|[1-9][0-9]) ]] ||
        die "sglang_args spreads one model over several cards (${BASH_REMATCH[0]}). That and MPS do not go together."
    local share=${CUDA_MPS_ACTIVE_THREAD_PERCENTAGE-}
    [[ -z $share || ($share =~ ^[0-9]{1,3}$ && $share -ge 1 && $share -le 100) ]] ||
        die "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE must be 1 to 100, not '$share'."
    local limit=${CUDA_MPS_PINNED_DEVICE_MEM_LIMIT-}
    [[ -z $limit || $limit =~ ^[0-9]+=[0-9]+[GMgm](,[0-9]+=[0-9]+[GMgm])*$ ]] ||
        die "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT must look like 0=8G or 0=8G,1=512M, not '$limit'."
}

# Whoever can write into the pipe folder can stop the daemon: it must be ours alone.
make_folders() {
    local folder
    ((${#pipe} <= LONGEST)) || die "The path $pipe is too long for a socket. Choose a shorter CUDA_MPS_PIPE_DIRECTORY."
    for folder in "$runtime" "$pipe" "$log"; do
        [[ $folder != "$runtime" || $pipe == "$runtime"/* || $log == "$runtime"/* ]] || continue
        [[ ! -L $folder ]] || die "$folder is a symbolic link. Remove it, or choose another folder."
        (umask 077 && mkdir -p "$folder") || die "$folder cannot be made. Choose another folder."
        [[ -O $folder ]] || die "$folder belongs to somebody else. Choose another folder."
    done
    chmod 700 "$pipe" "$log"
}

# --- commands --------------------------------------------------------------------------------------------

start() {
    if running; then
        say "CUDA MPS runs already (process $(daemon_pid), pipe folder $pipe)."
        return
    fi
    check_machine
    make_folders
    # a daemon that was killed leaves its files behind, and a new one would think it runs
    rm -f "$pipe/control" "$pipe/control_lock" "$pipe/control_privileged" "$pipe/log" "$pipe/nvidia-cuda-mps-control.pid"
    nvidia-cuda-mps-control -d || die "The daemon did not start. What it says: $log/control.log$(last_words)"
    local tries=50
    until running; do
        ((tries-- > 0)) || die "The daemon does not answer. What it says: $log/control.log$(last_words)"
        sleep 0.1
    done
    set_limits
    say "CUDA MPS runs (process $(daemon_pid))."
    say "For programs that shall use it: export CUDA_MPS_PIPE_DIRECTORY=$pipe"
}

last_words() { [[ ! -s $log/control.log ]] || printf '\n%s' "$(tail -n 3 "$log/control.log")"; }

# For clients that come later; those of their own environment count for themselves.
set_limits() {
    local part limits=${CUDA_MPS_PINNED_DEVICE_MEM_LIMIT-}
    [[ -z ${CUDA_MPS_ACTIVE_THREAD_PERCENTAGE-} ]] ||
        control set_default_active_thread_percentage "$CUDA_MPS_ACTIVE_THREAD_PERCENTAGE" >/dev/null
    for part in ${limits//,/ }; do
        control set_default_device_pinned_mem_limit "${part%%=*}" "${part#*=}" >/dev/null
    done
}

stop() { # $1: --force, or nothing
    if ! running; then
        say "CUDA MPS does not run."
        return
    fi
    local attached
    attached=$(clients)
    if [[ -n $attached && ${1-} != --force ]]; then
        show_clients "$attached" >&2
        die "They would lose their card. Stop them first, or use: ./start_cuda_mps.sh stop --force"
    fi
    # -t: seconds until clients that are still there are ended
    control quit -t 10 || true
    local tries=150
    while running; do
        ((tries-- > 0)) || die "The daemon (process $(daemon_pid)) does not end. What it says: $log/control.log$(last_words)"
        sleep 0.1
    done
    say "CUDA MPS was stopped."
}

status() {
    if ! running; then
        say "CUDA MPS does not run (pipe folder $pipe)."
        return 3
    fi
    say "CUDA MPS runs (process $(daemon_pid), pipe folder $pipe, logs $log)."
    local share attached
    share=$(control get_default_active_thread_percentage || true)
    [[ -z $share ]] || say "Each client may use up to $share % of the card's processors."
    attached=$(clients)
    if [[ -z $attached ]]; then say "No process is attached."; else show_clients "$attached"; fi
}

show_clients() { # $1: what clients() printed
    local server client
    say "Attached:"
    while read -r server client; do
        say "  $client  $(ps -o args= -p "$client" 2>/dev/null || echo "(not to be seen from here)")  [server $server]"
    done <<<"$1"
}

case ${1-} in
    start) start ;;
    stop) stop "${2-}" ;;
    restart)
        check_machine # before anything is stopped that could not be started again
        stop "${2-}"
        start
        ;;
    status) status ;;
    -h | --help) usage ;;
    *)
        usage >&2
        exit 2
        ;;
esac
