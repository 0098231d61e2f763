"""The command line: each mode runs its module, and older ways to start say what took their place."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from gradio_app import MOVED, __main__
from gradio_app.__main__ import MODES, main


def test_every_mode_is_listed_and_has_a_module(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    told = capsys.readouterr().out
    for mode, (module, text) in MODES.items():
        assert f"  {mode:<8} {text}\n" in told
        found = find_spec(module)
        assert found and found.origin and "def main(" in Path(found.origin).read_text("utf-8"), module


@pytest.mark.parametrize(
    ("words", "module", "flags"),
    [
        (["doctor", "--json"], "doctor", ["--json"]),
        (["gradio", "--port", "80"], "app", ["--port", "80"]),
        # the image was called with flags alone before it had modes
        (["--port", "80"], "app", ["--port", "80"]),
    ],
)
def test_flags_go_to_the_mode(
    words: list[str], module: str, flags: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, list[str]]] = []

    class Loaded:
        def __init__(self, name: str) -> None:
            self.main = lambda flags: ran.append((name.rpartition(".")[2], flags))

    monkeypatch.setattr(__main__, "import_module", Loaded)
    main(words)
    assert ran == [(module, flags)]


def test_an_unknown_mode_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve"])
    assert ended.value.code == 2
    assert "There is no mode 'serve'. See: python -m gradio_app --help" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["gradio_app.users", "gradio_app.multi_gpu.client"])
def test_an_older_command_line_says_what_to_write(module: str) -> None:
    done = subprocess.run([sys.executable, "-m", module], capture_output=True, text=True)
    assert done.returncode == 1
    assert "has moved. Write instead: python -m gradio_app" in done.stderr


@pytest.mark.parametrize("module", MOVED)
def test_an_older_import_says_what_to_write(module: str) -> None:
    with pytest.raises(ImportError, match="has moved"):
        import_module(module)
    assert MOVED[module].split()[3] in MODES
