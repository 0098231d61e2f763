"""A stand-in for NVIDIA's control program of CUDA MPS, for the script and for the service."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# Its socket is a file, its clients are lines of another: "SERVER CLIENT".
MPS_CONTROL = r"""#!/bin/sh
echo "$CUDA_MPS_PIPE_DIRECTORY $*" >>"$FAKE/calls"
pipe=$CUDA_MPS_PIPE_DIRECTORY
if [ "$1" = -d ]; then
    [ -z "$MPS_BROKEN" ] || { echo "Cannot open the device" >>"$CUDA_MPS_LOG_DIRECTORY/control.log"; exit 1; }
    [ ! -e "$pipe/control" ] || exit 1
    echo 4711 >"$pipe/nvidia-cuda-mps-control.pid"
    : >"$pipe/control"
    : >"$FAKE/alive"
    exit 0
fi
[ -e "$FAKE/alive" ] || exit 1
read -r command first second
echo "$command $first $second" >>"$FAKE/commands"
case $command in
get_server_list) cut -d' ' -f1 "$FAKE/clients" | sort -u ;;
get_client_list) grep "^$first " "$FAKE/clients" | cut -d' ' -f2 ;;
get_default_active_thread_percentage) cat "$FAKE/share" 2>/dev/null ;;
set_default_active_thread_percentage) echo "$first" >"$FAKE/share" ;;
quit) rm -f "$FAKE/alive" "$pipe/control" ;;
esac
"""


class FakeMps:
    """A daemon that runs: ``bin`` is for PATH, ``pipe`` for CUDA_MPS_PIPE_DIRECTORY, ``home`` for FAKE."""

    def __init__(self, home: Path) -> None:
        self.home, self.bin, self.pipe = home, home / "bin", home / "pipe"
        self.bin.mkdir(parents=True)
        self.pipe.mkdir()
        program = self.bin / "nvidia-cuda-mps-control"
        # the service hands on none of its variables but the folder and the PATH
        program.write_text(MPS_CONTROL.replace("#!/bin/sh", f"#!/bin/sh\nFAKE={home}", 1))
        program.chmod(0o755)
        (self.pipe / "control").touch()
        (home / "alive").touch()
        self.attach([])

    def attach(self, pids: Iterable[int], server: int = 10) -> None:
        """These compute through it from now on, and nobody else."""
        (self.home / "clients").write_text("".join(f"{server} {pid}\n" for pid in pids))

    def follow(self, folder: Path) -> None:
        """Every fake model server (``FakePython`` of that folder) that gets ready is attached by itself."""
        ready = r's/.*"event": "ready", "pid": \([0-9]*\).*/10 \1/p'
        program = self.bin / "nvidia-cuda-mps-control"
        look = f"cat {folder}/events.jsonl 2>/dev/null | sed -n '{ready}' >$FAKE/clients\n"
        program.write_text(program.read_text().replace("read -r command", look + "read -r command", 1))

    def end(self) -> None:
        """As when the daemon was killed: its files stay, and nobody answers."""
        (self.home / "alive").unlink()

    def variables(self, path: str) -> dict[str, str]:
        """For the environment of whoever uses it; ``path`` is the PATH until now."""
        return {"PATH": f"{self.bin}:{path}", "CUDA_MPS_PIPE_DIRECTORY": str(self.pipe)}
