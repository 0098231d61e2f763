"""Where the clients of other servers are that tests run, and why they are not there."""

from __future__ import annotations

from tests.live import ROOT

_FOLDER = ROOT / ".venv-clients"
PYTHON, DOCLING = _FOLDER / "bin" / "python", _FOLDER / "bin" / "docling"


def why_missing() -> str:
    """Empty when the environment is there; else a sentence for people."""
    return "" if (_FOLDER / ".ready").exists() else "run `make clients` first"
