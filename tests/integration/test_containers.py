"""Archives, mails and portfolios sent to a running server."""

from __future__ import annotations

import io
import json
import sqlite3
import time
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents import text_pdf
from tests.live import LiveServer
from tests.outlook import attachment, compound, message, wide
from tests.unit.parsing.test_containers import packed, portfolio, zip_crypto

pytestmark = pytest.mark.integration


def parts(server: LiveServer, task_id: str) -> list[dict[str, Any]]:
    """The tasks of the documents inside, in their order there."""
    answer = server.client.get("/api/v1/tasks", params={"parent": task_id, "sort": "oldest"})
    assert answer.status_code == 200, answer.text
    return answer.json()["tasks"]


def codes(task: dict[str, Any]) -> dict[str, str]:
    return {note["code"]: note["message"] for note in task["notes"]}


BOX = packed({"papers/2026/one.pdf": text_pdf(2, seed=71), "two.md": b"# Second\n\nText.", "tool.exe": b"MZ"})


def test_an_archive(server: LiveServer) -> None:
    box = server.end(server.submit("box.zip", BOX, ocr_mode="txt"))
    assert (box["status"], box["kind"], box["pages_done"], box["pages_total"]) == ("completed", "zip", 3, 3)
    assert (
        "2 documents" in codes(box)["parts_queued"] and "tool.exe" in codes(box)["attachments_not_converted"]
    )
    one, two = parts(server, box["id"])
    assert (one["name"], one["folder"], one["parent"]) == ("one.pdf", "papers/2026", box["id"])
    assert (two["name"], two["folder"], two["ocr_mode"]) == ("two.md", "", "txt")
    assert {one["status"], two["status"]} == {"completed"} and one["finished_at"] <= box["finished_at"]
    listed = server.result(box["id"]).decode()
    assert "papers/2026/one.pdf" in listed and "tool.exe" in listed
    assert "Second" in server.result(two["id"]).decode()
    with zipfile.ZipFile(io.BytesIO(server.result(box["id"], "zip"))) as archive:
        names = archive.namelist()
    assert {"document.md", "parts/papers/2026/one/document.md", "parts/two/document.md"} <= set(names)
    assert server.client.delete(f"/api/v1/tasks/{box['id']}").status_code == 204
    assert server.client.get(f"/api/v1/tasks/{one['id']}").status_code == 404


def test_a_mail(server: LiveServer) -> None:
    mail, inner = EmailMessage(), EmailMessage()
    mail["From"], mail["Subject"] = "Ann <ann@example.org>", "The figures of May"
    mail.set_content("Please find the figures attached.")
    mail.add_attachment(b"name,value\nwater,41\n", "text", "csv", filename="figures.csv")
    inner["Subject"] = "As you wrote"
    inner.set_content("Words of the older mail.")
    inner.add_attachment(text_pdf(), "application", "pdf", filename="deep.pdf")
    mail.add_attachment(inner)
    told = server.end(server.submit("mail.eml", mail.as_bytes()))
    text = server.result(told["id"]).decode()
    assert "# The figures of May" in text and "ann@example.org" in text and "Please find" in text
    table, older = parts(server, told["id"])
    assert "water" in server.result(table["id"]).decode()
    assert "Words of the older mail" in server.result(older["id"]).decode()
    assert "deep.pdf" in codes(older)["attachments_not_converted"] and parts(server, older["id"]) == []


def test_a_mail_of_outlook_and_a_portfolio(server: LiveServer) -> None:
    tree = message("From Outlook", wide(0x1000, "Text of the mail."), [attachment("a.csv", b"a,b\n1,2\n")])
    mail = server.submit("mail.msg", compound(tree))
    book = server.submit("portfolio.pdf", portfolio({"inner.pdf": text_pdf(1, title="Inner report")}))
    told, found = server.end(mail), server.end(book)
    assert (told["kind"], found["kind"]) == ("msg", "pdf")
    assert "Text of the mail." in server.result(mail).decode()
    assert [each["name"] for each in parts(server, mail)] == ["a.csv"]
    (inner,) = parts(server, book)
    assert "Inner report" in server.result(inner["id"]).decode()
    assert "parts_queued" in codes(found) and "attachments_not_converted" not in codes(found)


MIXED = packed({"2026/one_[x](y).pdf": text_pdf(1, seed=72), "box.md": b"# Second", "bad.pdf": b"no PDF"})


def test_clients_of_other_servers_get_the_documents_inside(server: LiveServer) -> None:
    """By the routes of MinerU 2, 3 and 4, of docling-serve, and of ``/convert``."""
    form = [("files", ("box.zip", MIXED)), ("files", ("box_one_[x](y).md", b"Another."))]
    results = server.client.post("/file_parse", files=form).json()["results"]
    assert set(results) == {"box", "box_one_[x](y)", "box_one_[x](y)_2", "box_box", "box_bad"}
    assert "Another" in results["box_one_[x](y)"]["md_content"]
    assert "marker 1" in results["box_one_[x](y)_2"]["md_content"]
    assert "cannot be converted" in results["box_bad"]["error"]
    wanted = {"response_format_zip": "true", "return_middle_json": "true"}
    told = server.client.post("/tasks", files=form[:1], data=wanted).json()
    server.end(server.client.get("/api/v1/tasks").json()["tasks"][0]["id"])
    assert {
        "box/auto/box.md",
        "box_box/auto/box_box_middle.json",
        "box_bad/auto/box_bad_notes.json",
    } < unzipped(server.client.get(told["result_url"]))
    text = server.client.post("/convert", files={"file": form[0][1]}).json()["markdown"]
    assert "# 2026/one_\\[x\\](y).pdf\n\n" in text and "marker 1" in text and "# Second" in text
    assert "not converted. This type of file" in text
    fields = {"to_formats": ["md", "json"]}
    answer = server.client.post("/v1/convert/file", files=form[:1], data=fields).json()
    assert (
        "marker 1" in answer["document"]["md_content"] and "target_type=zip" in answer["notes"][0]["message"]
    )
    fields["target_type"] = ["zip"]
    names = unzipped(server.client.post("/v1/convert/file", files=form[:1], data=fields))
    assert {"box.md", "box_box.md", "box_box.json", "box_bad_notes.json"} < names
    query = {"response_format": "zip"}
    names = unzipped(server.client.post("/v1/file_parse", params=query, files=form[:1]))
    assert {"markdown.md", "parts/box/markdown.md"} < names


def unzipped(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return set(zipfile.ZipFile(io.BytesIO(answer.content)).namelist())


def test_a_document_that_fails_makes_it_partial(server: LiveServer) -> None:
    box = server.end(server.submit("box.zip", packed({"good.txt": b"Good words.", "bad.pdf": b"no PDF"})))
    assert box["status"] == "partial" and "bad.pdf" in box["error"]["message"]
    assert [each["status"] for each in parts(server, box["id"])] == ["completed", "failed"]
    again = server.client.post(f"/api/v1/tasks/{box['id']}/retry").json()
    assert again["attempt"] == 2 and server.end(box["id"])["status"] == "partial"


@pytest.mark.parametrize(
    ("name", "data", "code", "says"),
    [
        ("many.zip", packed({f"{n}.txt": b"x" for n in range(6)}), "too_many_files", "5"),
        ("large.zip", packed({"a.txt": bytes(9 * 2**20)}), "file_too_large", "a.txt"),
        ("cut.zip", BOX[:300], "file_corrupt", "damaged"),
        ("nothing.zip", packed({"a.exe": b"MZ"}), "file_type_unsupported", "a.exe"),
        ("locked.zip", zip_crypto("a.txt", b"Locked words", b"secret"), "file_encrypted", "password"),
    ],
)
def test_refused_whole(server: LiveServer, name: str, data: bytes, code: str, says: str) -> None:
    box = server.end(server.submit(name, data))
    assert (box["status"], box["error"]["code"]) == ("failed", code) and says in box["error"]["message"]
    assert parts(server, box["id"]) == []
    if code == "file_encrypted":
        server.client.post(f"/api/v1/tasks/{box['id']}/retry", json={"password": "secret"})
        assert server.end(box["id"])["status"] == "completed"
        assert "Locked words" in server.result(parts(server, box["id"])[0]["id"]).decode()


def test_others_see_nothing_of_it(house: LiveServer) -> None:
    box = house.end(house.submit("box.zip", BOX))
    assert len(parts(house, box["id"])) == 2
    with house.asked_with("mo-key-of-bob") as bob:
        assert parts(bob, box["id"]) == []
    with house.asked_with("mo-key-of-root") as root:
        assert len(parts(root, box["id"])) == 2


@pytest.mark.slow
def test_kill_after_kill_makes_each_document_once(tmp_path: Path) -> None:
    """Kills before an archive is taken apart, right after it, and while its documents are read."""
    count, database = 20, tmp_path / "data" / "queue.db"
    moments = ["id = ?", "parent = ?", "parent = ? AND status = 'completed'"]
    with LiveServer(tmp_path / "data", "--workers", "1") as server:
        ids: list[str] = []
        for box, moment in enumerate(moments):
            data = packed({f"d{n}.md": b"# %d of %d" % (n, box) for n in range(count)})
            ids.append(server.submit("box.zip", data))
            until_there(database, moment, ids[-1])
            server.kill()
            check_all_or_none(tmp_path / "data", ids, count)
            server.start()
        for task_id in ids:
            assert server.end(task_id)["status"] == "completed"
            names = [each["name"] for each in parts(server, task_id)]
            assert sorted(names) == sorted(f"d{n}.md" for n in range(count))
        assert server.leftovers() == []


def until_there(database: Path, where: str, task_id: str) -> None:
    """Waits for a row of this kind, without a way through the server, which takes longer."""
    deadline = time.monotonic() + 60
    with sqlite3.connect(database) as db:
        while not db.execute(f"SELECT 1 FROM tasks WHERE {where}", (task_id,)).fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.005)


def check_all_or_none(data: Path, ids: list[str], count: int) -> None:
    with sqlite3.connect(data / "queue.db") as db:
        for task_id in ids:
            rows = db.execute("SELECT source FROM tasks WHERE parent = ?", (task_id,)).fetchall()
            assert len(rows) in (0, count)
            assert all((data / "sources" / row[0]).is_file() for row in rows), json.dumps(rows)
