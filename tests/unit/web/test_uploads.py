"""Receiving files: whatever the chunks, the same files; and nothing is left when it ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from starlette.requests import ClientDisconnect

from gradio_app.base.errors import AppError, FileEmpty, FileTooLarge, OptionInvalid, TooManyFiles
from gradio_app.web import uploads
from gradio_app.web.uploads import FLUSH_BYTES, MAX_FIELD, MAX_FIELDS, Receiver, receive_file

pytestmark = pytest.mark.anyio

MB = 2**20
FORM = 'multipart/form-data; boundary="=edge="'
#: content that looks like the end of a part, to try the parser
TRICKY = b"\r\n--=edg\r\n--=edge\r\r\n--\r\n-\x00\xff\r"


def part(name: str, data: bytes, filename: str | None = None) -> bytes:
    """One part of a form; a file if it has a file name."""
    as_file = "" if filename is None else f'; filename="{filename}"\r\nContent-Type: application/pdf'
    head = f'--=edge=\r\nContent-Disposition: form-data; name="{name}"{as_file}\r\n\r\n'
    return head.encode() + data + b"\r\n"


END = b"--=edge=--\r\n"
BODY = (
    part("tier", b"flash")
    + part("files", TRICKY, "报告 1.pdf")
    + part("page_range", "1-3，é".encode())
    + part("files", b"x", "../../etc/b.txt")
    + END
)


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class Received:
    """What a receiver made of a body, and what was there before it ended."""

    def __init__(self, form: Receiver) -> None:
        self.fields = form.fields
        self.files = [(file.name, file.path.read_bytes()) for file in form.uploads]
        self.uploads = form.uploads


async def receive(
    folder: Path,
    pieces: Iterable[bytes] | AsyncIterator[bytes],
    content_type: str = FORM,
    max_size: int = MB,
    max_files: int = 10,
) -> Received:
    """Receives a body; afterwards the folder is empty, also after an error."""
    body = pieces if isinstance(pieces, AsyncIterator) else stream(*pieces)
    try:
        async with Receiver(folder, max_size, max_files) as form:
            await form.read(content_type, body)
            return Received(form)
    finally:
        assert os.listdir(folder) == []


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> list[int | Path]:
    """Disks are slow; the calls are counted instead."""
    synced: list[int | Path] = []
    monkeypatch.setattr("gradio_app.base.data_folder.os.fsync", synced.append)
    monkeypatch.setattr("gradio_app.web.uploads.sync_disk", synced.append)
    return synced


# ---------------------------------------------------------------- what comes out


async def test_files_and_fields_come_out_as_they_were_sent(
    tmp_path: Path, no_fsync: list[int | Path]
) -> None:
    got = await receive(tmp_path, [BODY])
    assert got.fields == {"tier": "flash", "page_range": "1-3，é"}
    assert got.files == [("报告 1.pdf", TRICKY), ("b.txt", b"x")]
    for upload, (_, data) in zip(got.uploads, got.files, strict=True):
        assert (upload.sha256, upload.size) == (sha256(data).hexdigest(), len(data))
        assert upload.path.parent == tmp_path and upload.path.name.startswith("upload-")
    assert len(no_fsync) == 2, "files are on disk for good before anybody is answered"


async def test_many_files_are_put_on_the_disk_in_one_go(tmp_path: Path, no_fsync: list[int | Path]) -> None:
    await receive(tmp_path, [*(part("files", b"x", f"{number}.pdf") for number in range(4)), END])
    assert no_fsync == [tmp_path]


async def test_a_file_larger_than_memory_buffers_comes_out_whole(tmp_path: Path) -> None:
    block = bytes(range(256)) * 1024
    body = part("files", block * 20, "big.pdf") + END
    pieces = [body[at : at + 65536] for at in range(0, len(body), 65536)]
    got = await receive(tmp_path, pieces, max_size=len(block) * 20)
    assert got.uploads[0].sha256 == sha256(block * 20).hexdigest()


async def test_a_preamble_line_break_and_an_epilogue_do_not_matter(tmp_path: Path) -> None:
    got = await receive(tmp_path, [b"\r\n" + part("files", b"x", "a.pdf") + END + b"bye\r\n"])
    assert got.files == [("a.pdf", b"x")]


async def test_the_last_value_of_a_field_counts(tmp_path: Path) -> None:
    got = await receive(tmp_path, [part("tier", b"flash") + part("tier", b"") + END])
    assert got.fields == {"tier": ""} and got.files == []


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ('a \\"b\\".pdf', 'a "b".pdf'),
        ("C:\\\\papers\\\\a.pdf", "a.pdf"),
        ("", "document"),
        ("..", "document"),
        ("x" * 300 + ".pdf", "x" * 195 + "….pdf"),
        ("🎉.pdf", "🎉.pdf"),
        ("a.pdf\"; filename*=\"UTF-8''b.pdf", "a.pdf"),
    ],
)
async def test_a_file_name_is_made_safe(tmp_path: Path, sent: str, shown: str) -> None:
    assert (await receive(tmp_path, [part("files", b"x", sent) + END])).files == [(shown, b"x")]


async def test_bytes_that_are_no_text_do_not_stop_a_form(tmp_path: Path) -> None:
    body = part("tier", b"\xff\xfe") + part("files", b"x", "NAME").replace(b"NAME", b"\xff.pdf") + END
    got = await receive(tmp_path, [body])
    assert got.fields == {"tier": "��"} and got.files == [("ÿ.pdf", b"x")]


# ---------------------------------------------------------------- limits


async def test_a_file_may_be_as_large_as_the_limit_and_no_larger(tmp_path: Path) -> None:
    body = part("files", b"x" * 1000, "a.pdf") + END
    assert (await receive(tmp_path, [body], max_size=1000)).uploads[0].size == 1000
    with pytest.raises(FileTooLarge, match=r"a\.pdf is larger than"):
        await receive(tmp_path, [body], max_size=999)


async def test_the_limit_is_one_for_each_file(tmp_path: Path) -> None:
    body = part("files", b"x" * 600, "a.pdf") + part("files", b"y" * 600, "b.pdf") + END
    assert len((await receive(tmp_path, [body], max_size=600)).files) == 2


async def test_a_file_that_is_too_large_is_cut_off_while_it_arrives(tmp_path: Path) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield part("files", b"", "endless.pdf")[:-2]
        while True:
            taken += 65536
            assert taken < 10 * MB
            yield bytes(65536)

    with pytest.raises(FileTooLarge, match=r"endless\.pdf is larger than the 2 MB"):
        await receive(tmp_path, endless(), max_size=2 * MB)
    assert taken <= 2 * MB + FLUSH_BYTES + 65536


async def test_what_is_kept_in_memory_is_little(tmp_path: Path) -> None:
    async with Receiver(tmp_path, 50 * MB, 10) as form:

        async def watched() -> AsyncIterator[bytes]:
            yield part("files", b"", "a.pdf")[:-2]
            for count in range(100):
                yield bytes(65536)
                on_disk = sum(path.stat().st_size for path in tmp_path.iterdir())
                assert count * 65536 - on_disk <= FLUSH_BYTES + 2 * 65536
            yield b"\r\n" + END

        await form.read(FORM, watched())
        assert form.uploads[0].size == 100 * 65536


async def test_one_file_more_than_allowed_is_refused_as_soon_as_it_begins(tmp_path: Path) -> None:
    async def three() -> AsyncIterator[bytes]:
        for index in range(3):
            yield part("files", b"x", f"{index}.pdf")
        pytest.fail("read on")

    with pytest.raises(TooManyFiles, match="More than 2 files in one go"):
        await receive(tmp_path, three(), max_files=2)
    body = part("files", b"x", "1.pdf") + part("files", b"x", "2.pdf") + END
    assert len((await receive(tmp_path, [body], max_files=2)).files) == 2


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_an_empty_file_is_refused_by_name(tmp_path: Path, place: int) -> None:
    names = ["a.pdf", "b.pdf", "c.pdf"]
    body = b"".join(part("files", b"" if i == place else b"x", name) for i, name in enumerate(names))
    with pytest.raises(FileEmpty) as caught:
        await receive(tmp_path, [body + END])
    assert caught.value.message.startswith(f"{names[place]} is empty")


async def test_a_field_may_not_be_endless(tmp_path: Path) -> None:
    got = await receive(tmp_path, [part("tier", b"x" * MAX_FIELD) + END])
    assert len(got.fields["tier"]) == MAX_FIELD
    for size in (MAX_FIELD + 1, MAX_FIELD * 9):
        pieces = part("t" * 99, b"x" * size) + END
        with pytest.raises(OptionInvalid, match=f"'{'t' * 40}' is too long"):
            await receive(tmp_path, [pieces[at : at + 5000] for at in range(0, len(pieces), 5000)])


async def test_there_may_not_be_endless_fields(tmp_path: Path) -> None:
    fields = [part(f"f{index}", b"x") for index in range(MAX_FIELDS + 1)]
    assert len((await receive(tmp_path, [*fields[:-1], END])).fields) == MAX_FIELDS
    with pytest.raises(OptionInvalid, match="too many fields"):
        await receive(tmp_path, [*fields, END])


async def test_a_file_is_closed_before_the_next_one_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "FLUSH_BYTES", 1)
    async with Receiver(tmp_path, MB, 10) as form:
        await form.read(FORM, stream(*[part("files", b"x", f"{i}.pdf") for i in range(5)], END))
        opened: list[int] = []

        async def counted() -> AsyncIterator[bytes]:
            for index in range(5):
                yield part("files", b"x", f"{index}.pdf")
                links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
                opened.append(sum(str(tmp_path) in os.path.realpath(link) for link in links))
            yield END

        await form.read(FORM, counted())
    assert max(opened) <= 1


# ---------------------------------------------------------------- bodies that are no form


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "application/json",
        "text/plain; boundary==edge=",
        f"multipart/form-data; boundary={'x' * 1000}",
    ],
)
async def test_what_is_no_form_is_refused(tmp_path: Path, content_type: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        await receive(tmp_path, [BODY], content_type)
    assert "multipart/form-data" in caught.value.message or "malformed" in caught.value.message


async def test_the_type_of_the_body_may_be_written_otherwise(tmp_path: Path) -> None:
    assert (
        len((await receive(tmp_path, [BODY], "Multipart/Form-Data;charset=utf-8; boundary==edge=")).files)
        == 2
    )


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"--other\r\n\r\n",
        b"--=edge=x",
        part("files", b"x", "a.pdf").replace(b"Content-Disposition", b"Content Disposition") + END,
        b"--=edge=\r\n" + b"a: b\r\n" * 1000 + b"\r\n" + END,
        b"--=edge=\r\n" + b"Content-Disposition: " + b"x" * 100_000,
    ],
)
async def test_a_malformed_form_is_refused(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(OptionInvalid, match="broken off or malformed"):
        await receive(tmp_path, [body])


@pytest.mark.parametrize("missing", [3, 10, 20, 100, len(BODY)])
async def test_a_form_that_is_broken_off_is_refused(tmp_path: Path, missing: int) -> None:
    with pytest.raises(OptionInvalid, match="broken off or malformed"):
        await receive(tmp_path, [BODY[: len(BODY) - missing]])


@pytest.mark.parametrize("name", ["file", "", "fi\u200bles", "n" * 99])
async def test_files_in_other_fields_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionInvalid, match="fields named 'files', not "):
        await receive(tmp_path, [part("files", b"x", "a.pdf") + part(name, b"x", "b.pdf") + END])


# ---------------------------------------------------------------- nothing is left


async def test_a_sender_who_goes_away_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield BODY[:200]
        raise ClientDisconnect()

    with pytest.raises(OptionInvalid):  # no fault of ours, so no line in the log
        await receive(tmp_path, broken())


async def test_a_cancelled_request_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "FLUSH_BYTES", 1)
    begun = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield part("files", b"x" * 100, "a.pdf")
        begun.set()
        await asyncio.Event().wait()

    job = asyncio.create_task(receive(tmp_path, stuck()))
    await begun.wait()
    assert len(os.listdir(tmp_path)) == 1
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert os.listdir(tmp_path) == []


async def test_what_was_adopted_meanwhile_may_be_gone_at_the_end(tmp_path: Path) -> None:
    async with Receiver(tmp_path, MB, 10) as form:
        await form.read(FORM, stream(BODY))
        form.uploads[0].path.unlink()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("size", [100, 100_000])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
async def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    ids = [UUID(int=2), UUID(int=1)]
    for number in ids:
        (tmp_path / f"upload-{number.hex}").symlink_to("/dev/full")
    monkeypatch.setattr(uploads.uuid, "uuid4", ids.pop)
    with pytest.raises((OSError, AppError)):
        await receive(tmp_path, [part("files", b"x" * size, "a.pdf") + part("files", b"x", "b.pdf") + END])


# ---------------------------------------------------------------- a file that is here already


def test_a_local_file_is_taken_in(tmp_path: Path, no_fsync: list[int | Path]) -> None:
    source, folder = tmp_path / "gradio.bin", tmp_path / "tmp"
    folder.mkdir()
    data = bytes(range(256)) * 9000
    source.write_bytes(data)
    with source.open("rb") as file:
        upload = receive_file(file, "papers/报告.pdf", folder, len(data))
    assert (upload.name, upload.size, upload.sha256) == ("报告.pdf", len(data), sha256(data).hexdigest())
    assert upload.path.parent == folder and upload.path.read_bytes() == source.read_bytes() == data
    assert len(no_fsync) == 1


@pytest.mark.parametrize(("size", "error"), [(0, FileEmpty), (1001, FileTooLarge)])
def test_a_local_file_has_the_same_limits(tmp_path: Path, size: int, error: type[AppError]) -> None:
    source, folder = tmp_path / "gradio.bin", tmp_path / "tmp"
    folder.mkdir()
    source.write_bytes(bytes(size))
    with source.open("rb") as file, pytest.raises(error, match=r"^a\.pdf is "):
        receive_file(file, "a.pdf", folder, 1000)
    assert os.listdir(folder) == []
