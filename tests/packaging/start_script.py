"""A copy of the start script in a folder of its own, with stand-ins for everything that it calls."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = "start_mineru_optimized.sh"
TABLE = "gradio_app/machine/builtin_models.py"

# Stands in for the interpreter of the environment: shows what it was called with. Asked for anything else
# than a module, it is the real one.
FAKE_PYTHON = f"""#!/bin/sh
[ "$2" = -m ] || exec '{sys.executable}' "$@"
if [ "$4 $5 $6" = "models --source builtin" ]; then
    echo "$@" >>"$MODEL_CALLS"
    [ -z "$MODELS_END" ] || exit "$MODELS_END"
    [ -z "$MODELS_MADE" ] || {{ mkdir -p "$MODELS_MADE" && echo 1234 >"$MODELS_MADE/a.onnx"; }}
    exit 0
fi
echo "cwd=$PWD analytics=$GRADIO_ANALYTICS_ENABLED pid=$$"
for argument; do echo "<$argument>"; done
[ -z "$FAKE_SHOWS" ] || printenv "$FAKE_SHOWS" | sed 's/^/shown=/'
"""

# Stands in for uv: notes each call, makes a fake environment, fails or dallies when told.
FAKE_UV = """#!/bin/sh
echo "$@" >>"$UV_CALLS"
case $1 in
venv)
    mkdir -p "$4/bin" && cp "$FAKE_PYTHON" "$4/bin/python" ;;
pip)
    sleep "${UV_SLEEP:-0}"
    [ -z "$UV_KILLS" ] || kill -9 "$PPID"
    [ -z "$UV_FAILS" ] || { echo "no route to the index"; exit 1; } ;;
esac
"""


class House:
    """A copy of the script in a folder of its own, with stand-ins for everything it calls."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "a house with spaces"
        self.bin = tmp_path / "bin"
        self.calls = tmp_path / "uv_calls"
        self.fetches = tmp_path / "model_calls"
        self.root.mkdir()
        self.bin.mkdir()
        (self.root / TABLE).parent.mkdir(parents=True)
        for name in (SCRIPT, "pyproject.toml", "constraints.txt", TABLE):
            shutil.copy(ROOT / name, self.root / name)
        self.write(self.bin / "fake_python", FAKE_PYTHON)
        self.write(self.bin / "uv", FAKE_UV)
        self.env = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "PYTHON": sys.executable,
            "UV_CALLS": str(self.calls),
            "MODEL_CALLS": str(self.fetches),
            "FAKE_PYTHON": str(self.bin / "fake_python"),
        }

    @staticmethod
    def write(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def start(self, *arguments: str, script: Path | str = "", **more: str) -> Running:
        return self.popen(*arguments, script=script, **more).wait_for_end()

    def popen(self, *arguments: str, script: Path | str = "", cwd: str = "", **more: str) -> Running:
        command = [str(script or self.root / SCRIPT), *arguments]
        return Running(command, cwd or str(self.root.parent), {**self.env, **more})

    def model_calls(self) -> int:
        """How often the built-in models were fetched."""
        return len(self.fetches.read_text().splitlines()) if self.fetches.exists() else 0

    def uv_calls(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


class Running:
    def __init__(self, command: list[str], cwd: str, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command, cwd=cwd, env=dict(env), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def wait_for_end(self) -> Running:
        try:
            self.out, self.err = self.process.communicate(timeout=10)
        finally:
            self.process.kill()
        self.code = self.process.returncode
        return self
