"""Any text that is sent as a name or a folder is safe."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from gradio_app.base.names import display_name, folder_and_name

NAMES = st.text(max_size=30) | st.text("./\\ .\n\0\u202eaé报🎉", max_size=400)


@given(NAMES)
@example("." + "x" * 300)
@example("x" * 200 + "." + "y" * 10)
@example("x" * 200 + "." + "y" * 11)
@example("." * 300 + "a" * 300)
def test_any_text_becomes_a_safe_name(raw: str) -> None:
    name = display_name(raw)
    assert 0 < len(name) <= 200
    assert not set(name) & set("/\\") and name not in (".", "..")
    assert not any(unicodedata.category(char)[0] == "C" for char in name)
    assert name == name.strip() and name.encode()
    assert display_name(name) == name and len(name.encode()) <= 240


@given(st.text(max_size=400))
def test_whatever_is_sent_as_a_folder_leads_nowhere_else(raw: str) -> None:
    folder, name = folder_and_name(raw)
    assert len(folder) <= 300 and name and "/" not in name
    parts = folder.split("/") if folder else []
    assert len(parts) <= 10 and all(part.strip(". ") for part in parts)
    assert all(char.isprintable() or char == " " for char in folder if not char.isspace())
