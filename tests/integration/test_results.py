"""What comes out equals what MinerU itself makes, whichever way a document goes through."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from gradio_app import parsing
from gradio_app.parsing.parse import with_marginals
from gradio_app.parsing.readers.flash import text_of
from gradio_app.queue.scheduler import cut
from tests.documents import paper_pdf, table_csv, text_pdf, web_page, word
from tests.live import LiveServer

pytestmark = pytest.mark.integration

DOCUMENTS = {
    "text.pdf": text_pdf(2),
    "paper.pdf": paper_pdf(3),
    "letter.docx": word(),
    "table.csv": table_csv(),
    "page.html": web_page(),
}


def without_anchors(data: bytes) -> bytes:
    """HTML only: MinerU makes its anchors from the path of the file, we from a fixed one, for links only."""
    linked = re.sub(rb'<a id="html-[0-9a-f]{20}"></a>\n', b"", data)
    return re.sub(rb"html-[0-9a-f]{20}", b"html-anchor", linked)


def reference(folder: Path, name: str, data: bytes, page_range: str = "") -> dict[str, bytes]:
    """What ``mineru.parse`` and ``save`` write, by path; heads and feet of a PDF come back as ours do.

    Nothing but them may be new: all of MinerU's words are there.
    """
    from mineru.parser import parse
    from mineru.parser.writer import FileBasedDataWriter

    source = folder / name
    source.write_bytes(data)
    found: Any = parse(source, tier="flash", page_range=page_range)
    theirs, whole = words(found.markdown()), with_marginals(found, "unusual")
    marginal = words(" ".join(map(text_of, marginals(found))))
    found.middle_json = whole
    out = folder / "reference"
    found.save(FileBasedDataWriter(str(out)))
    wanted = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    ours = words(wanted["markdown.md"].decode())
    assert theirs <= ours <= theirs + marginal
    return wanted


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", re.sub(r"!\[[^]]*\]\([^)]*\)", "", text)))


def marginals(found: Any) -> list[Any]:
    """Blocks of heads and feet in a result of ``mineru.parse``."""
    pages = found._model_output.to_dict(skip_defaults=False)["pages"] if found._model_output else []
    return [block for page in pages for block in page if block["type"] in ("header", "footer")]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_result_is_byte_equal_to_mineru(server: LiveServer, tmp_path: Path, name: str) -> None:
    wanted = reference(tmp_path, name, DOCUMENTS[name])
    task = server.end(server.submit(name, DOCUMENTS[name], tier="flash"))
    assert task["status"] == "completed"
    same = without_anchors if name.endswith(".html") else bytes
    assert same(server.result(task["id"])) == same(wanted["markdown.md"])
    assert same(server.result(task["id"], "json")) == same(wanted["middle_json.json"])
    pictures = {path: data for path, data in wanted.items() if path.startswith("images/")}
    for path, data in pictures.items():
        assert server.client.get(f"/api/v1/tasks/{task['id']}/files/{path}").content == data
    with zipfile.ZipFile(io.BytesIO(server.result(task["id"], "zip"))) as archive:
        assert set(archive.namelist()) == {"document.md", "middle.json", "content_list.json", *pictures}
        assert archive.read("document.md") == server.result(task["id"])


def test_a_page_range_is_byte_equal_too(server: LiveServer, tmp_path: Path) -> None:
    data = text_pdf(6)
    wanted = reference(tmp_path, "a.pdf", data, "2-4,6")
    task = server.end(server.submit("a.pdf", data, page_range="2-4,6", tier="flash"))
    assert server.result(task["id"]) == wanted["markdown.md"]
    assert server.result(task["id"], "json") == wanted["middle_json.json"]


def test_joined_shards_equal_an_unsplit_parse(tmp_path: Path) -> None:
    """Regular pages, cut at several sizes: Markdown, JSON and every picture, byte for byte."""
    data = paper_pdf(30)
    wanted = reference(tmp_path, "paper.pdf", data)
    source, pages = str(tmp_path / "paper.pdf"), range(1, 31)
    for size in (8, 16):
        shards: list[dict[str, object]] = []
        for index, part in enumerate(cut(pages, size)):
            folder = tmp_path / str(size) / str(index)
            parsing.parse_shard(source, str(folder), part, "flash", "txt")
            assert "base64" not in (folder / "model.json").read_text(), "pictures are files"
            shards.append({"folder": str(folder), "pages": part})
        out = tmp_path / str(size) / "out"
        parsing.assemble(shards, str(out), 30)
        assert (out / "document.md").read_bytes() == wanted["markdown.md"]
        assert (out / "middle.json").read_bytes() == wanted["middle_json.json"]
        names = {path for path in wanted if path.startswith("images/")}
        assert {f"images/{path.name}" for path in (out / "images").iterdir()} == names
        assert all((out / name).read_bytes() == wanted[name] for name in names)


def test_a_join_without_a_failed_part_keeps_page_numbers(tmp_path: Path) -> None:
    source = tmp_path / "a.pdf"
    source.write_bytes(text_pdf(20))
    shards: list[dict[str, object]] = []
    for pages in (range(1, 9), range(15, 21)):
        folder = tmp_path / str(pages.start)
        parsing.parse_shard(str(source), str(folder), pages, "flash", "txt")
        shards.append({"folder": str(folder), "pages": list(pages)})
    done = parsing.assemble(shards, str(tmp_path / "out"), 20)
    middle = json.loads((tmp_path / "out" / "middle.json").read_text())
    assert done["pages"] == 14
    assert [page["page_idx"] for page in middle["pages"]] == [*range(8), *range(14, 20)]
    assert not (tmp_path / "out" / "pages" / "9.json").exists()


def test_a_document_in_parts_goes_through_the_server(server: LiveServer, tmp_path: Path) -> None:
    data = paper_pdf(20, seed=5)
    wanted = reference(tmp_path, "paper.pdf", data)
    task = server.end(server.submit("paper.pdf", data, tier="flash"))
    assert (task["status"], task["pages_done"]) == ("completed", 20)
    assert server.result(task["id"]) == wanted["markdown.md"]
    assert server.leftovers() == []


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("html", b"<!DOCTYPE"),
        ("docx", b"PK"),
        ("epub", b"PK"),
        ("latex", b"% !TeX"),
        ("content_list", b"["),
        ("docling", b"{"),
    ],
)
def test_other_formats(server: LiveServer, form: str, start: bytes) -> None:
    task = server.end(server.submit("paper.pdf", DOCUMENTS["paper.pdf"]))
    data = server.result(task["id"], form)
    assert data.lstrip()[:40].lower().startswith(start.lower()[:40]), data[:60]
    assert server.result(task["id"], form) == data, "kept beside the result"
    unknown = server.client.get(f"/api/v1/tasks/{task['id']}/result", params={"format": "exe"})
    assert unknown.status_code == 422
    assert server.leftovers() == []


def test_pages_and_pictures(server: LiveServer) -> None:
    task = server.end(server.submit("paper.pdf", DOCUMENTS["paper.pdf"]))
    page = server.client.get(f"/api/v1/tasks/{task['id']}/pages/2").json()
    assert page["page"] == 2 and page["width"] > 500
    assert "marker 2." in page["markdown"]
    assert {"id", "type", "bbox", "markdown"} <= page["blocks"][0].keys()
    assert {"table", "image"} & {block["type"] for block in page["blocks"]}
    drawn = server.client.get(f"/api/v1/tasks/{task['id']}/pages/2.png", params={"width": 300})
    assert drawn.headers["content-type"] == "image/png" and drawn.content.startswith(b"\x89PNG")
    for missing in ("pages/4", "pages/4.png", "pages/0", "files/images/none.jpg", "files/../../queue.db"):
        answer = server.client.get(f"/api/v1/tasks/{task['id']}/{missing}")
        assert answer.status_code == 404 and answer.json()["error"]["code"] == "not_found", missing
    assert server.client.get(f"/api/v1/tasks/{task['id']}/source").content == DOCUMENTS["paper.pdf"]


def test_words_are_found_in_finished_pages(server: LiveServer) -> None:
    task = server.end(server.submit("paper.pdf", DOCUMENTS["paper.pdf"]))

    def search(**query: Any) -> httpx.Response:
        return server.client.get(f"/api/v1/tasks/{task['id']}/search", params=query)

    found = search(q="HERE stands  marker").json()
    assert [hit["page"] for hit in found["hits"]] == [1, 2, 3] and not found["more"]
    hit = found["hits"][1]
    assert hit["match"] == "Here stands marker" and hit["after"].startswith(" 2.")
    blocks = server.client.get(f"/api/v1/tasks/{task['id']}/pages/2").json()["blocks"]
    assert "marker 2." in next(block["markdown"] for block in blocks if block["id"] == hit["block"])
    some = search(q="marker", limit=2).json()
    assert len(some["hits"]) == 2 and some["more"]
    assert search(q="nowhere to be found").json()["hits"] == []
    for query in ({"q": ""}, {"q": "  "}, {"q": "x" * 201}, {"q": "x", "limit": 0}, {}):
        assert search(**query).status_code == 422, query


def test_pages_are_readable_while_the_rest_is_parsed(server: LiveServer) -> None:
    task_id = server.submit("long.pdf", paper_pdf(60, seed=9))
    server.until(task_id, pages_done=1)
    task = server.task(task_id)
    assert task["status"] == "processing", "the document is too short for this machine"
    page = next(
        answer.json()
        for number in range(1, 61)
        if (answer := server.client.get(f"/api/v1/tasks/{task_id}/pages/{number}")).status_code == 200
    )
    assert "marker" in page["markdown"]
    picture = next(block["markdown"] for block in page["blocks"] if "images/" in block["markdown"])
    path = picture.split("](")[1].split(")")[0]
    assert server.client.get(f"/api/v1/tasks/{task_id}/files/{path}").status_code == 200
    assert server.client.get(f"/api/v1/tasks/{task_id}/result").status_code == 404
    began_cancel = server.client.post(f"/api/v1/tasks/{task_id}/cancel")
    assert began_cancel.json()["status"] == "cancelled" and began_cancel.elapsed.total_seconds() < 1
