"""The command line: each mode runs its module."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from gradio_app import __main__
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
