"""Runs a command that dies with the process that started it (Linux). Standard library only: it starts fast.

``python -I die_with_parent.py PARENT_PID COMMAND...``. The setting survives ``exec``: the command keeps its
process id, its exit code and its signals for the caller.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Becomes the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before we asked
            raise SystemExit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
