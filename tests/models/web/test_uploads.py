"""Receiving files: whatever the chunks, the same files."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_app.web import uploads
from tests.unit.web.test_uploads import BODY, TRICKY, receive

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disks are slow, and several hundred bodies are received here."""
    monkeypatch.setattr("gradio_app.base.data_folder.os.fsync", lambda _: None)
    monkeypatch.setattr("gradio_app.web.uploads.sync_disk", lambda _: None)


async def test_every_way_to_cut_the_body_in_two_gives_the_same(tmp_path: Path) -> None:
    whole = await receive(tmp_path, [BODY])
    for cut in range(len(BODY)):
        got = await receive(tmp_path, [BODY[:cut], BODY[cut:]])
        assert (got.fields, got.files) == (whole.fields, whole.files), cut


@given(st.lists(st.integers(0, 40), min_size=1), st.integers(1, 500))
def test_chunks_of_any_sizes_give_the_same(sizes: list[int], flush: int) -> None:
    pieces, rest = list[bytes](), BODY
    for size in sizes:
        pieces, rest = [*pieces, rest[:size]], rest[size:]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(uploads, "FLUSH_BYTES", flush)
        patch.setattr("gradio_app.base.data_folder.os.fsync", lambda _: None)
        got = asyncio.run(receive(Path(folder), [*pieces, rest]))
    assert got.fields == {"tier": "flash", "page_range": "1-3，é"}
    assert got.files == [("报告 1.pdf", TRICKY), ("b.txt", b"x")]
