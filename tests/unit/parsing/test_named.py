"""Pages read by a reader that was named: real pages, real MinerU, a model that answers as it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gradio_app.base.errors import AppError, EngineUnavailable
from gradio_app.base.page_readers import Picture
from gradio_app.parsing.inspection import inspect
from gradio_app.parsing.parse import parse_shard
from gradio_app.parsing.readers.page_model import fitted
from tests.documents import paper_pdf, scan_pdf
from tests.fakes import reader_answers
from tests.fakes.sglang_answers import question, size

NAMES = ["deepseek-ocr-2", "dots.mocr"]


class Model(ThreadingHTTPServer):
    """Answers chats by ``reader_answers``; ``bad`` are kinds for the first questions, in their order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Chat)
        self.bodies: list[dict[str, Any]] = []
        self.bad: list[str] = []
        self.status = 200
        self.lock = threading.Lock()

    @property
    def endpoint(self) -> dict[str, Any]:
        guard = '{"callable": "x"}'
        return {
            "url": f"http://127.0.0.1:{self.server_port}",
            **{"model": "m", "api_key": "k", "guard": guard, "max_tokens": 0, "context": 12288},
        }


class _Chat(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt, picture = question(body["messages"])
        with self.server.lock:
            kind = self.server.bad.pop(0) if self.server.bad else ""
            self.server.bodies.append(body)
        text = reader_answers.good(prompt, sha256(picture).hexdigest()[:6], size(picture)) or "Only words."
        text = reader_answers.BAD.get(kind, str)(text)
        choice = {"message": {"content": text}, "finish_reason": "length" if kind == "cut" else "stop"}
        data = json.dumps({"choices": [choice], "usage": {"completion_tokens": 7}}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def running() -> Iterator[Model]:
    with Model() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def model(running: Model) -> Model:
    running.bodies, running.bad, running.status = [], [], 200
    return running


def read(model: Model, folder: Path, name: str, data: bytes, pages: list[int] | None = None) -> Any:
    source, out = folder / "document.pdf", folder / f"out-{len(model.bodies)}"
    source.write_bytes(data)
    answer = parse_shard(str(source), str(out), pages or [], name, "ocr", endpoint=model.endpoint)
    return answer, [json.loads(path.read_text()) for path in sorted((out / "pages").glob("*.json"))]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_what_the_model_says(model: Model, tmp_path: Path, name: str) -> None:
    answer, (page,) = read(model, tmp_path, name, scan_pdf(3), [2])
    assert (answer["failed"], answer["tokens"], answer["readers"]) == ([], 7, {name: "2"})
    kinds = [block["type"] for block in page["blocks"]]
    assert kinds == ["doc_title", "list", "text", "table", "equation", "image"]
    for words in (reader_answers.WORDS, "# A title of", "| picture |", "$x^2$", "![](images/"):
        assert words in page["markdown"]
    assert page["page"] == 2 and all(0 <= side <= 1 for block in page["blocks"] for side in block["bbox"])


def test_a_question_is_asked_as_the_model_knows_it(model: Model, tmp_path: Path) -> None:
    read(model, tmp_path, "deepseek-ocr-2", scan_pdf(1))
    (body,) = model.bodies
    assert [message["role"] for message in body["messages"]] == ["user"], "no system prompt"
    assert body["skip_special_tokens"] is False and body["temperature"] == 0
    assert body["max_tokens"] == 8192
    assert (
        body["custom_params"]["ngram_size"] == 30 and 128821 in body["custom_params"]["whitelist_token_ids"]
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", sorted(reader_answers.BAD))
def test_a_bad_answer_is_asked_for_again_and_then_marks_its_page(
    model: Model, tmp_path: Path, name: str, kind: str
) -> None:
    model.bad = [kind]
    answer, pages = read(model, tmp_path, name, scan_pdf(1))
    assert len(pages) == 1 and pages[0]["blocks"]
    model.bad = [kind] * 4
    answer, pages = read(model, tmp_path, name, scan_pdf(2))
    assert len(pages) == 2 and all(page["blocks"] for page in pages)
    assert set(answer["failed"]) <= {1, 2} and bool(answer["failed"]) is bool(answer["reason"])
    if kind in ("cut", "loop", "empty"):
        assert answer["failed"] == [1, 2]
    if kind == "empty":
        assert [note["code"] for note in answer["notes"]] == ["pages_without_text"]


def test_a_picture_that_no_box_places_is_noted(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_answers, "good", lambda *_: "Words\n\n![a map](page_1.png)")
    answer, _ = read(model, tmp_path, "qwen3-vl", scan_pdf(2))
    (note,) = answer["notes"]
    assert (note["code"], note["pages"], answer["failed"]) == ("content_left_out", "1-2", [])
    assert "Pictures on these pages were left out" in note["message"]


def test_a_circle_is_in_the_result_once(model: Model, tmp_path: Path) -> None:
    model.bad = ["loop"] * 2
    _, (page,) = read(model, tmp_path, "deepseek-ocr-2", scan_pdf(1))
    assert page["markdown"].count("again and again") == 1


def test_a_page_that_is_digital_is_compared_with_its_text_layer(model: Model, tmp_path: Path) -> None:
    answer, _ = read(model, tmp_path, "dots.mocr", paper_pdf(1))
    assert answer["coverage"] < 0.5
    assert "text_left_out" in [note["code"] for note in answer["notes"]]


def test_an_empty_page_is_not_asked_about(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "white.png"
    Image.new("RGB", (300, 400), "white").save(path)
    out = str(tmp_path / "out")
    answer = parse_shard(str(path), out, [], "dots.mocr", "ocr", endpoint=model.endpoint)
    assert (answer["failed"], model.bodies, answer["pages"]) == ([], [], 1)


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_server_at_fault_is_not_the_fault_of_the_page(model: Model, tmp_path: Path, status: int) -> None:
    model.status = status
    with pytest.raises(EngineUnavailable, match=str(status)):
        read(model, tmp_path, "dots.mocr", scan_pdf(1))


def test_a_server_that_reads_no_page_at_all_is_at_fault(model: Model, tmp_path: Path) -> None:
    model.status = 500
    with pytest.raises(EngineUnavailable, match="could not read these pages: it answers 500"):
        read(model, tmp_path, "dots.mocr", scan_pdf(1))
    assert len(model.bodies) == 4, "each of two questions twice"


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        (Picture(), (1654, 2339)),
        (Picture(factor=28), (1652, 2324)),
        (Picture(longest=1288), (910, 1288)),
        (Picture(most=1_000_000, factor=28), (840, 1176)),
    ],
)
def test_pictures_by_their_rules(how: Picture, wanted: tuple[int, int]) -> None:
    assert fitted((1654, 2339), how) == wanted


MINERU, DOTS = "remote http://a", "remote http://b reader=dots.mocr/1"


@pytest.mark.parametrize(
    ("tier", "engine", "chosen"),
    [
        ("dots.mocr", DOTS, "dots.mocr"),
        ("dots.mocr", f"{MINERU} + {DOTS}", "dots.mocr"),
        ("auto", DOTS, "basic"),
        ("auto", MINERU, "standard"),
        ("standard", f"{MINERU} + {DOTS}", "standard"),
    ],
)
def test_the_reader_that_the_engine_serves(tmp_path: Path, tier: str, engine: str, chosen: str) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(scan_pdf(1))
    found = inspect(str(path), "", tier, "auto", 100, 2**30, engine=engine, models=True)
    assert found["tier"] == chosen


@pytest.mark.parametrize(
    ("tier", "engine", "words"),
    [
        ("dots.mocr", "", "Reader dots.mocr needs a model server. Nobody has one."),
        ("dots.mocr", MINERU, "serves MinerU's own model, not dots.mocr. Start it with --reader dots.mocr"),
        ("deepseek-ocr-2", DOTS, "serves dots.mocr, not deepseek-ocr-2"),
        ("standard", DOTS, "serves dots.mocr. Choose dots.mocr instead of the tier"),
    ],
)
def test_a_reader_that_is_not_served_is_a_sentence(
    tmp_path: Path, tier: str, engine: str, words: str
) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(scan_pdf(1))
    with pytest.raises(AppError) as caught:
        inspect(str(path), "", tier, "auto", 100, 2**30, engine, "Nobody has one.", models=True)
    assert caught.value.code == "engine_unavailable" and words in caught.value.message


def test_what_has_no_pages_is_read_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html><body><p>words</p></body></html>")
    assert inspect(str(path), "", "dots.mocr", "auto", 100, 2**30, engine=DOTS)["tier"] == "flash"
