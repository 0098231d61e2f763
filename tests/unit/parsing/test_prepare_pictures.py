"""Several pictures of a file are pages, those of telephones are read, and of a damaged one what can be."""

from __future__ import annotations

import io
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageDraw

from gradio_app.base.errors import FileCorrupt, FileTypeUnsupported
from gradio_app.parsing import inspection
from gradio_app.parsing.prepare import Prepared, Wanted, pictures, prepare

#: 96 x 64 pixels, red with a black corner at the top left; nothing here writes HEIC
HEIC = b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAUJtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "AA5waXRtAAAAAAABAAAAImlsb2MAAAAAREAAAQABAAAAAAFmAAEAAAAAAAAAUAAAACNpaW5mAAAAAAABAAAAFWluZmUCAAAAAAEA"
    "AGh2YzEAAAAAwmlwcnAAAACkaXBjbwAAAHhodmNDAQNwAAAAAAAAAAAAHvAA/P34+AAADwMgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQCEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoDCBBZbqSSmubgQEDAgAAAMACAAAAwAIQCIAAQAHRAHBcrAiQAAAABRpc3Bl"
    "AAAAAAAAAGAAAABAAAAAEHBpeGkAAAAAAwgICAAAABZpcG1hAAAAAAAAAAEAAQOBAoMAAABYbWRhdAAAAEwoAa9YCpU28KBa//q2"
    "TKjoa/IPzJFWTroIpD/gwKBQ/ynLWszoupVM0pwjSe1wNu82f6gfWypGwhAxXGOtrr/UX7HK0gZxLFUd/ZmX"
)
RED, GREEN, BLUE = (200, 30, 30), (30, 160, 30), (30, 30, 200)


def sheet(color: tuple[int, int, int], size: tuple[int, int] = (120, 80), note: str = "") -> Image.Image:
    image = Image.new("RGB", size, color)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 20, 20), fill="black")
    draw.text((30, 30), note, fill="white", font_size=20)
    return image


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def several(form: str, *images: Image.Image, **options: Any) -> bytes:
    return saved(images[0], form, save_all=True, append_images=images[1:], **options)


def prepared(tmp_path: Path, content: bytes, kind: str) -> tuple[Prepared, list[tuple[int, int, int]]]:
    """What is said of a file, and the colour in the middle of each page."""
    source, out = tmp_path / f"source.{kind}", tmp_path / "out"
    source.write_bytes(content)
    found = prepare(source, kind, out, Wanted())
    assert out.exists() == bool(found.kind)
    document = pypdfium2.PdfDocument(out) if found.kind else []
    drawn = [np.asarray(page.render(scale=4).to_pil().convert("RGB"), int) for page in document]
    return found, [tuple(each[each.shape[0] * 3 // 4, each.shape[1] * 3 // 4]) for each in drawn]


def close(found: tuple[int, int, int], color: tuple[int, int, int]) -> bool:
    return max(abs(a - b) for a, b in zip(found, color, strict=True)) < 16


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_pictures_are_pages(tmp_path: Path, form: str) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    content = several(form, sheet(RED), sheet(GREEN), sheet(BLUE), **options)
    found, colors = prepared(tmp_path, content, form.lower())
    assert (found.kind, found.notes, len(colors)) == ("pdf", [], 3)
    assert all(map(close, colors, (RED, GREEN, BLUE)))


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
def test_pictures_that_look_the_same_are_one_page(tmp_path: Path, form: str) -> None:
    nearly = sheet(RED)
    nearly.putpixel((60, 60), (210, 40, 40))
    content = several(
        form, sheet(RED), nearly, sheet(RED), sheet(GREEN), sheet(GREEN), sheet(RED), duration=50
    )
    _, colors = prepared(tmp_path, content, form.lower())
    assert len(colors) == 3 and all(map(close, colors, (RED, GREEN, RED)))


def test_a_page_with_another_word_is_another_page(tmp_path: Path) -> None:
    slides = [sheet(BLUE, (800, 600), word) for word in ("Yes", "No", "No")]
    assert len(prepared(tmp_path, several("GIF", *slides), "gif")[1]) == 2


def test_of_a_film_the_first_pictures_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_MOST_OF_ANIMATION", 4)
    frames = [sheet((20 * n, 100, 250 - 20 * n)) for n in range(12)]
    found, colors = prepared(tmp_path, several("GIF", *frames), "gif")
    assert len(colors) == 4
    assert [(note.code, "first 4 different" in note.message) for note in found.notes] == [
        ("content_left_out", True)
    ]


def test_of_a_camera_s_two_pictures_the_first_counts(tmp_path: Path) -> None:
    content = several("MPO", sheet(RED), sheet(GREEN))
    assert prepared(tmp_path, content, "jpg") == (Prepared(), [])


# ------------------------------------------------------------ formats of telephones


def test_a_heic_becomes_a_page(tmp_path: Path) -> None:
    found, colors = prepared(tmp_path, HEIC, "heic")
    assert (found.kind, found.notes) == ("pdf", []) and [close(color, RED) for color in colors] == [True]


def test_an_avif_becomes_a_page(tmp_path: Path) -> None:
    found, colors = prepared(tmp_path, saved(sheet(BLUE), "AVIF", quality=95), "avif")
    assert (found.kind, found.notes) == ("pdf", []) and [close(color, BLUE) for color in colors] == [True]


@pytest.mark.parametrize("name", ["photo.heic", "photo.HEIF", "photo.jpg", "photo"])
def test_a_heic_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(HEIC)
    found = inspection.inspect(str(tmp_path / name), "", "flash", "auto", 9, 2**30, out=str(tmp_path / "out"))
    assert (found["kind"], found["prepared"], found["pages_total"]) == ("heic", "pdf", 1)


def test_a_film_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(HEIC[:4] + b"ftypisom" + HEIC[12:])
    with pytest.raises(FileTypeUnsupported):
        inspection.inspect(str(tmp_path / "a.heic"), "", "flash", "auto", 9, 2**30, out=str(tmp_path / "out"))


def test_a_broken_heic_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(HEIC[:300])
    with pytest.raises(FileCorrupt):
        inspection.inspect(str(tmp_path / "a.heic"), "", "flash", "auto", 9, 2**30, out=str(tmp_path / "out"))


# ------------------------------------------------------------ damage


def test_of_a_tiff_that_ends_early_the_whole_pictures_are_read(tmp_path: Path) -> None:
    content = several("TIFF", sheet(RED), sheet(GREEN), sheet(BLUE))
    found, colors = prepared(tmp_path, content[: len(content) * 5 // 6], "tiff")
    assert all(map(close, colors, (RED, GREEN))) and len(colors) >= 2
    assert [note.code for note in found.notes] == ["content_left_out"]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_of_a_picture_that_ends_early_the_beginning_is_read(tmp_path: Path, form: str) -> None:
    noise = Image.effect_noise((400, 400), 60).convert("RGB")
    content = saved(noise, form)
    found, colors = prepared(tmp_path, content[: len(content) // 2], form.lower().replace("jpeg", "jpg"))
    if form == "WEBP":
        assert [note.code for note in found.notes] == ["not_prepared"]
    else:
        assert len(colors) == 1 and [note.code for note in found.notes] == ["content_left_out"]


def test_a_sound_picture_is_left_alone(tmp_path: Path) -> None:
    for form, kind in (("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("GIF", "gif"), ("BMP", "bmp")):
        assert prepared(tmp_path, saved(sheet(RED), form), kind) == (Prepared(), [])
