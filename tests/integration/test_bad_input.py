"""Every sort of bad input: its own code, a sentence, nothing left behind, and the queue goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.documents import BAD, encrypted_pdf, picture, scan_pdf, text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", autouse=True)
def goes_on(server: LiveServer) -> Iterator[None]:
    yield
    good = server.end(server.submit("good.pdf", text_pdf(), use_cache="false"))
    assert good["status"] == "completed", "the queue goes on after all of them"


#: they take all the memory that a worker may have; tests/integration/test_workers.py has the same ones
BOMBS = ("flate.pdf", "bomb.docx")


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [pytest.param(*row, id=row[0], marks=[pytest.mark.slow] * (row[0] in BOMBS)) for row in BAD],
)
def test_bad_file(server: LiveServer, name: str, make: Callable[[], bytes], code: str) -> None:
    answer = server.post(name, make())
    if answer.status_code != 201:
        error = answer.json()["error"]
    else:
        task = server.end(answer.json()["tasks"][0]["id"])
        assert task["status"] == "failed"
        error = task["error"]
        assert server.client.get(f"/api/v1/tasks/{task['id']}/result").status_code == 404
        server.client.delete(f"/api/v1/tasks/{task['id']}")
    assert error["code"] == code
    assert len(error["message"]) > 40 and "Traceback" not in error["message"], "a sentence that helps"
    assert server.leftovers() == []


def test_without_models_scans_name_the_command_that_adds_them(tmp_path: Path) -> None:
    none = str(tmp_path / "none")
    bare = ("--builtin-models", none, "--model-dir", none, "--workers", "1")
    with LiveServer(tmp_path / "data", *bare) as server:
        for name, data in (("scan.pdf", scan_pdf(1)), ("photo.png", picture())):
            task = server.end(server.submit(name, data))
            assert (task["status"], task["error"]["code"]) == ("failed", "file_without_text")
            assert "./start_mineru_optimized.sh models --source builtin" in task["error"]["message"]
        assert server.end(server.submit("a.pdf", text_pdf(1), tier="basic"))["status"] == "completed"
        assert server.leftovers() == []


def test_a_file_over_the_limit_is_cut_off(server: LiveServer) -> None:
    answer = server.post("big.pdf", b"%PDF-1.7\n" + b"x" * (9 << 20))
    assert answer.status_code == 413 and answer.json()["error"]["code"] == "file_too_large"
    assert server.leftovers() == []


def test_an_owner_password_alone_is_no_hindrance(server: LiveServer) -> None:
    assert server.end(server.submit("owner.pdf", encrypted_pdf(user="")))["status"] == "completed"


@pytest.mark.parametrize(
    "page_range", ["5-3", "0", "a-b", "1-", "-3", "1,,2", "0-2", "r0", "1-5-9", "١", "99999999999"]
)
def test_page_ranges_that_cannot_be_read(server: LiveServer, page_range: str) -> None:
    answer = server.post("a.pdf", text_pdf(), page_range=page_range)
    assert answer.status_code == 422 and answer.json()["error"]["code"] == "page_range_invalid"


@pytest.mark.parametrize("page_range", ["999", "r5", "2-1000000"])
def test_page_ranges_that_select_nothing(server: LiveServer, page_range: str) -> None:
    task = server.end(server.submit("a.pdf", text_pdf(), page_range=page_range))
    assert (task["status"], task["error"]["code"]) == ("failed", "page_range_invalid")


def test_a_page_range_selects_pages(server: LiveServer) -> None:
    task = server.end(server.submit("a.pdf", text_pdf(5), page_range=" 2-3, r1 "))
    assert (task["status"], task["pages_total"]) == ("completed", 3)
    text = server.result(task["id"]).decode()
    assert [f"marker {page} " in text for page in range(1, 6)] == [False, True, True, False, True]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"tier": "best"}, "option_invalid"),
        ({"ocr_mode": "maybe"}, "option_invalid"),
        ({"priority": "many"}, "option_invalid"),
        ({"priority": "11"}, "option_invalid"),
        ({"use_cache": "perhaps"}, "option_invalid"),
    ],
)
def test_options_that_do_not_exist(server: LiveServer, fields: dict[str, str], code: str) -> None:
    answer = server.post("a.pdf", text_pdf(), **fields)
    assert answer.status_code == 422 and answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("tier", "code"),
    [
        ("standard", "engine_unavailable"),
        ("advanced", "engine_unavailable"),
    ],
)
def test_tiers_say_what_they_lack(server: LiveServer, tier: str, code: str) -> None:
    task = server.end(server.submit("a.pdf", text_pdf(), tier=tier))
    assert (task["status"], task["error"]["code"]) == ("failed", code)


HOSTILE_NAMES = {
    "../../etc/passwd.pdf": "passwd.pdf",
    "C:\\Users\\x\\report.pdf": "report.pdf",
    "two\nlines\r\n.pdf": "two lines .pdf",
    "x" * 300 + ".pdf": None,
    "📄 résumé 报告.pdf": "📄 résumé 报告.pdf",
    '<img src=x onerror="alert(1)">.pdf': '<img src=x onerror="alert(1)">.pdf',
    "..": "document",
    "a%2f..%2fb.pdf": "b.pdf",  # some clients escape names
    "\u202egnp.pdf": "gnp.pdf",
}


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_file_names_are_only_ever_shown(server: LiveServer, name: str) -> None:
    data = text_pdf()
    body = _multipart(name, data)
    headers = {"Content-Type": "multipart/form-data; boundary=frontier"}
    answer = server.client.post("/api/v1/tasks", content=body, headers=headers)
    assert answer.status_code == 201, answer.text
    task = answer.json()["tasks"][0]
    shown = task["name"]
    assert shown == HOSTILE_NAMES[name] if HOSTILE_NAMES[name] else len(shown) <= 200
    ended = server.end(task["id"])
    if shown.endswith(".pdf"):
        assert ended["status"] == "completed"
        saved = server.client.get(f"/api/v1/tasks/{task['id']}/result")
        disposition = saved.headers["content-disposition"]
        assert disposition.startswith("attachment;") and "\n" not in disposition
    assert server.leftovers() == []


def _multipart(name: str, data: bytes) -> bytes:
    """As a hostile client would write it: quotes and line ends escaped as browsers do, nothing else."""
    escaped = name.replace('"', "%22") if "onerror" not in name else name.replace('"', '\\"')
    line = escaped.replace("\r", " ").replace("\n", " ") if "\n" in name else escaped
    head = f'--frontier\r\nContent-Disposition: form-data; name="files"; filename="{line}"\r\n\r\n'
    return head.encode() + data + b"\r\n--frontier--\r\n"


def test_a_broken_form_is_no_server_error(server: LiveServer) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=frontier"}
    for body in (b"", b"--frontier", b"garbage", b"--frontier\r\n\r\n", b"--frontier--\r\n"):
        answer = server.client.post("/api/v1/tasks", content=body, headers=headers)
        assert answer.status_code == 422 and answer.json()["error"]["code"] == "option_invalid", body
    answer = server.client.post("/api/v1/tasks", json={"files": []})
    assert answer.status_code == 422
    assert server.leftovers() == []


@pytest.mark.parametrize("path", ["queue/join", "cancel", "run/tasks", "call/status", "reset"])
@pytest.mark.parametrize("body", [b"\xd7\xce", b'"\x90"', b"[1", b"null", b"1e\xff"])
def test_a_body_that_is_no_text_is_not_a_fault(server: LiveServer, path: str, body: bytes) -> None:
    for kind in ("text/plain", "application/json"):
        answer = server.client.post(f"/gradio_api/{path}", content=body, headers={"Content-Type": kind})
        assert 400 <= answer.status_code < 500, (path, body, kind, answer.text)
