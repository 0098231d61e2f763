"""Words are found in the text of all documents that one may read; kills and damage undo nothing."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.documents import text_pdf
from tests.integration.conftest import KEY
from tests.live import LiveServer

pytestmark = pytest.mark.integration


def listed(server: LiveServer, words: str, **more: str) -> dict[str, Any]:
    answer = server.client.get("/api/v1/tasks", params={"q": words, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(server: LiveServer, words: str) -> list[str]:
    return [task["id"] for task in listed(server, words)["tasks"]]


def until_found(server: LiveServer, words: str, wanted: list[str]) -> None:
    """Waits until the index has followed the queue."""
    deadline = time.monotonic() + 20
    while found(server, words) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found(server, words) == wanted


def convert(server: LiveServer, name: str, data: bytes) -> str:
    task_id = server.submit(name, data)
    assert server.end(task_id)["status"] == "completed"
    return task_id


def test_a_word_is_found_by_those_who_may_read_it_until_it_is_deleted(house: LiveServer) -> None:
    letter = "# Ein Gruß\n\nThe Okapiësque   creature, in **bold**.\n\n这是一份机器学习报告。"
    task_id = convert(house, "letter.md", letter.encode())
    until_found(house, "okapi", [task_id])
    [task] = listed(house, "okapi")["tasks"]
    [hit] = task["hits"]
    assert hit["page"] == 1 and [hit["line"][start:end] for start, end in hit["marks"]] == ["Okapi"]
    for words in ('"creature, in bold"', "OKAPIESQUE gruß", "学习", "报", "letter", "okapi letter.md"):
        assert found(house, words) == ([] if words == "okapi letter.md" else [task_id]), words
    assert listed(house, "letter")["tasks"][0]["hits"] == []
    assert listed(house, "okapi", status="failed")["tasks"] == [] and listed(house, "okapi")["total"] == 1
    assert house.client.get("/api/v1/tasks/ids", params={"q": "okapi"}).json()["ids"] == {
        "completed": [task_id]
    }
    with house.asked_with(KEY + "bob") as bob, house.asked_with(KEY + "root") as root:
        assert found(bob, "okapi") == [] and found(root, "okapi") == [task_id]
        assert bob.client.get("/api/v1/tasks/ids", params={"q": "okapi"}).json()["ids"] == {}
    for words in ('"', "* AND (", "NEAR(", "a\0b", "\U0001f408", "-" * 200):
        listed(house, words)
    assert house.client.get("/api/v1/tasks", params={"q": "a" * 10_000}).status_code == 422
    assert house.client.get("/api/v1/tasks?q=%ed%a0%80").status_code == 200
    house.client.delete(f"/api/v1/tasks/{task_id}")
    assert found(house, "okapi") == []
    until_gone(house.data, "okapi")


def until_gone(data: Path, word: str) -> None:
    """Waits until the words of a deleted text have left the file."""
    deadline = time.monotonic() + 20
    while holds(data, word) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not holds(data, word)


def holds(data: Path, word: str) -> bool:
    return any(word.encode() in path.read_bytes().lower() for path in data.glob("search.db*"))


@pytest.mark.slow
def test_a_kill_before_the_index_and_a_damaged_index_lose_no_text(tmp_path: Path) -> None:
    with LiveServer(tmp_path / "data", "--workers", "1") as server:
        first = convert(server, "first.pdf", text_pdf(3))
        text = server.client.get(f"/api/v1/tasks/{first}/pages/3").json()["markdown"]
        word = max(re.findall("[A-Za-z]+", text), key=len)
        server.kill()
        index = server.data / "search.db"
        for path in server.data.glob("search.db*"):
            path.unlink()
        server.start()
        until_found(server, word, [first])
        while not server.client.get("/api/v1/tasks", params={"q": word}).json()["complete"]:
            time.sleep(0.05)
        server.kill()
        index.write_bytes(b"SQLite format 3\0" + bytes(90_000))
        server.start()
        until_found(server, word, [first])
        # while it runs: half of the file is lost
        server.stop()
        index.write_bytes(index.read_bytes()[:5000])
        server.start()
        until_found(server, word, [first])
