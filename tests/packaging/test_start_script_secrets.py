"""The start script and secrets: hidden before anything that takes time."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from tests.packaging.start_script import House


def test_secrets_are_in_no_command_line_while_the_environment_is_made(tmp_path: Path) -> None:
    """It takes minutes, and every user of the machine reads command lines."""
    house = House(tmp_path)
    flags = [
        "gradio",
        "--admin-token=geheim 1",
        "--ray-token",
        "geheim 2",
        "--api-key",
        "geheim=3",
        "--port",
        "1",
    ]
    running = house.popen(*flags, UV_SLEEP="1", FAKE_SHOWS="MINERU_APP_HIDDEN_ARGUMENTS")
    deadline = time.monotonic() + 9
    while not any("pip install" in call for call in house.uv_calls()):
        assert time.monotonic() < deadline and running.process.poll() is None
    seen = [
        " ".join(process.info["cmdline"] or ())
        for process in psutil.process_iter(["cmdline"])
        if str(house.root) in " ".join(process.info["cmdline"] or ())
    ]
    done = running.wait_for_end()
    assert len(seen) >= 2 and not [line for line in seen if "geheim" in line]
    assert any("--ray-token *** --api-key *** --port 1" in line for line in seen)
    assert "<--admin-token=***>\n<--ray-token>\n<***>\n<--api-key>\n<***>\n<--port>\n<1>\n" in done.out
    assert "shown=geheim 1\x1fgeheim 2\x1fgeheim=3\n" in done.out
