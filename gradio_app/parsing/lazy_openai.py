"""Late import of openai, which MinerU imports for a case that does not come here."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

#: MinerU's one module that imports openai, for its titles made by a language model elsewhere (off as shipped)
_CLIENT = "mineru.backend.postprocess.llm_client"


def postpone_openai() -> None:
    """Keeps openai out of this process until MinerU makes a client of it.

    Its import is nearly half of what the first document of a process computes (1.2 of 2.8 s), and 50 MB.
    """
    if _CLIENT in sys.modules or "openai" in sys.modules:
        return
    stand_in: Any = ModuleType("openai")
    stand_in.AsyncOpenAI = _client
    sys.modules["openai"] = stand_in
    try:
        import_module(_CLIENT)
    finally:
        del sys.modules["openai"]


def _client(**options: Any) -> Any:
    """``openai.AsyncOpenAI``, imported now."""
    return import_module("openai").AsyncOpenAI(**options)
