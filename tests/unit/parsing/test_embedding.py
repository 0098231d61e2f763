"""Pictures inside an exported page: which are, and how large the page may become."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gradio_app.parsing.embedding import with_pictures

TEXT = '<p>a</p><img class="x" src="images/a.jpg" alt="A"><td><img src=\'images/b.png\'></td>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.jpg").write_bytes(b"first")
    (tmp_path / "images/b.png").write_bytes(b"second")
    return tmp_path


def data(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def test_each_picture_lies_in_its_place(folder: Path) -> None:
    page = with_pictures(TEXT, folder)
    assert f'<img class="x" src="{data("jpeg", b"first")}" alt="A">' in page
    assert f"<td><img src='{data('png', b'second')}'></td>" in page
    assert page.startswith("<p>a</p>") and "images/" not in page


@pytest.mark.parametrize(
    "address",
    ["images/gone.jpg", "images/../a.jpg", "other/a.jpg", "images/a.exe", "https://far.invalid/images/a.jpg"],
)
def test_what_is_no_picture_of_the_result_stays_as_it_is(folder: Path, address: str) -> None:
    (folder / "a.jpg").write_bytes(b"above")
    (folder / "images/a.exe").write_bytes(b"x")
    page = f'<img src="{address}"><p>src="images/a.jpg"</p>'
    assert with_pictures(page, folder) == page


def test_a_link_leads_nowhere(folder: Path) -> None:
    (folder / "secret.png").write_bytes(b"secret")
    (folder / "images/link.png").symlink_to(folder / "secret.png")
    page = '<img src="images/link.png">'
    assert with_pictures(page, folder) == page


def test_beyond_the_limit_the_page_links_to_all(folder: Path) -> None:
    assert with_pictures(TEXT, folder, most=10) == TEXT
    assert with_pictures(TEXT, folder, most=11) != TEXT
