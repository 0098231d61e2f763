"""The tiers that a model server reads: real MinerU, stand-in weights, a stand-in server with faults."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

from bench.reading.climb import formula_page
from tests.documents import POISON, paper_pdf, scan_pdf, text_pdf
from tests.fakes.sglang import FakeSglang
from tests.live import LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.integration

VISION = ("standard", "advanced")


@pytest.fixture(scope="module")
def server(vision_server: LiveServer) -> LiveServer:
    return vision_server


@pytest.fixture(autouse=True)
def no_faults(fake: FakeSglang) -> Iterator[None]:
    yield
    if fake.process and fake.process.poll() is not None:
        fake.restart()
    fake.set(delay=0.0, fail_status=0, fail_match=None, fail_every=1, poison=None, garbage="", endless=False)


def end(server: LiveServer, data: bytes, tier: str, **fields: str) -> dict[str, Any]:
    """A finished task, read anew."""
    return server.end(server.submit("document.pdf", data, tier=tier, use_cache="false", **fields))


@pytest.fixture(scope="module")
def uncut(
    fake: FakeSglang, stand_in_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """One that reads a document in one call."""
    data = tmp_path_factory.mktemp("uncut") / "data"
    flags = ("--sglang-url", fake.url, "--model-dir", str(stand_in_weights), "--shard-pages-vlm", "64")
    with LiveServer(data, *flags, "--workers", "2") as live:
        yield live


@pytest.mark.parametrize(
    ("kind", "tier"),
    first_then_long(*product(("scan", "digital"), ("standard", "advanced", "basic"))),
)
def test_parts_read_as_the_whole(server: LiveServer, uncut: LiveServer, tier: str, kind: str) -> None:
    data = scan_pdf(9) if kind == "scan" else paper_pdf(9)
    cut, whole = end(server, data, tier), end(uncut, data, tier)
    assert (cut["status"], cut["pages_done"], cut["tier"]) == ("completed", 9, tier), cut
    for form in ("markdown", "content_list", "json"):
        assert server.result(cut["id"], form) == uncut.result(whole["id"], form), form


def test_the_receipt_tells_who_read_it(server: LiveServer) -> None:
    receipt = end(server, scan_pdf(1), "advanced")["receipt"]
    assert receipt["engine"] == "remote"
    assert receipt["versions"]["model"] == "fake-model" and receipt["versions"]["sglang"]


def test_auto_asks_the_model_only_where_there_is_doubt(server: LiveServer, fake: FakeSglang) -> None:
    before = fake.stats()["requests"]
    assert end(server, text_pdf(1), "auto")["tier"] == "flash"
    assert fake.stats()["requests"] == before


def test_a_model_that_does_not_say_what_stands_on_the_page_is_told(server: LiveServer) -> None:
    """The stand-in sees the same boxes on each page, and has none for the last paragraph of this one."""
    task = end(server, paper_pdf(2), "standard")
    codes = {note["code"]: note["pages"] for note in task["notes"]}
    assert codes.get("text_left_out") == "1-2" and task["receipt"]["coverage"] < 0.9


def test_a_request_has_a_cap_and_a_guard(server: LiveServer, fake: FakeSglang) -> None:
    end(server, scan_pdf(1, seed=6), "advanced")
    for body in fake.stats()["bodies"]:
        assert 256 <= body["max_tokens"] <= 8192
        assert body["custom_params"] == {"ngram_size": 100, "window_size": 256}
        assert "NoRepeatNGram" in bytes.fromhex(body["custom_logit_processor"][14:-2]).decode()


@pytest.mark.slow
@pytest.mark.parametrize("tier", VISION)
def test_a_server_that_dies_in_the_middle_costs_the_parts_in_flight(
    server: LiveServer, fake: FakeSglang, tier: str, tmp_path: Path
) -> None:
    """Asked as a script asks, by gradio_client."""
    fake.set(delay=0.4)
    path = tmp_path / "scan.pdf"
    path.write_bytes(scan_pdf(20, seed=7))
    client = Client(server.url, verbose=False, download_files=tmp_path, analytics_enabled=False)
    (task,) = client.predict([handle_file(path)], tier, "", "auto", api_name="/submit")
    shards = server.data / "tasks" / task["id"] / "shards"
    server.until(task["id"], pages_done=6)
    kept = {path.name: path.stat().st_mtime_ns for path in shards.iterdir()}
    fake.restart()
    finished = {path.name: path.stat().st_mtime_ns for path in shards.iterdir() if path.name in kept}
    done = server.end(task["id"])
    assert (done["status"], done["pages_done"], done["error"]) == ("completed", 20, None)
    assert kept and kept == finished
    markdown, archive = client.predict(task["id"], api_name="/result")
    assert markdown and Path(archive).suffix == ".zip"
    fake.set(delay=0.0)
    assert server.result(task["id"]) == server.result(end(server, path.read_bytes(), tier)["id"])
    assert "Traceback" not in server.log.read_text()


def test_blocks_that_the_server_refuses_leave_the_rest_whole(server: LiveServer, fake: FakeSglang) -> None:
    data = scan_pdf(10, seed=8, poison={3, 9})
    fake.set(fail_status=400, fail_match={"color": list(POISON)})
    task = end(server, data, "standard")
    assert (task["status"], task["pages_done"], task["pages_failed"]) == ("partial", 10, 2)
    assert task["receipt"]["failed_pages"] == "3,9"
    assert "Pages 3,9 could not be read completely" in task["error"]["message"]
    assert "400" in task["error"]["message"]
    page = server.client.get(f"/api/v1/tasks/{task['id']}/pages/4").json()
    assert page["markdown"]
    assert server.client.get(f"/api/v1/tasks/{task['id']}/pages/3").status_code == 200
    before = fake.stats()["requests"]
    fake.set(fail_status=0, fail_match=None)
    server.client.post(f"/api/v1/tasks/{task['id']}/retry")
    again = server.end(task["id"])
    assert (again["status"], again["pages_failed"], again["error"]) == ("completed", 0, None)
    assert fake.stats()["requests"] - before == 2 * 4, "only the two pages, of four blocks each"
    whole = server.result(end(server, data, "standard")["id"])
    assert server.result(task["id"]) == whole


@pytest.mark.slow
def test_a_page_that_kills_the_server_is_found(server: LiveServer, fake: FakeSglang) -> None:
    data = scan_pdf(8, seed=9, poison={6})
    fake.set(poison={"color": list(POISON)})
    task = server.submit("scan.pdf", data, tier="standard", use_cache="false")
    done, deaths = None, 0
    while done is None:
        if fake.process and fake.process.poll() is not None:
            deaths += 1
            with contextlib.suppress(AssertionError):  # it may die before it has answered us
                fake.restart()
        told = server.client.get(f"/api/v1/tasks/{task}", params={"wait": 1}).json()
        done = told if told["status"] in ("completed", "partial", "failed") else None
    assert (done["status"], done["receipt"]["failed_pages"]) == ("partial", "6"), done
    assert done["pages_done"] == 7
    assert deaths <= 8, "three tries of the whole, one of each half, no more"


@pytest.mark.parametrize(
    ("faults", "reason"),
    first_then_long(
        ({"fail_status": 500, "fail_match": {"color": list(POISON)}}, "500"),
        ({"endless": True}, "no end"),
        ({"garbage": "text"}, "understood"),
        ({"garbage": "json"}, "understood"),
        ({"garbage": "shape"}, "understood"),
        ({"garbage": "binary"}, "understood"),
        ({"garbage": "empty"}, "understood"),
        first=3,
    ),
)
def test_bad_answers_are_told(
    server: LiveServer, fake: FakeSglang, faults: dict[str, Any], reason: str
) -> None:
    fake.set(**faults)
    task = end(server, scan_pdf(2, seed=10, poison={2}), "standard")
    assert task["status"] in ("partial", "failed"), task
    assert reason in task["error"]["message"]


@pytest.mark.slow
def test_a_server_that_is_away_for_good_is_told_in_time(stand_in_weights: Path, tmp_path: Path) -> None:
    flags = ("--sglang-url", "http://127.0.0.1:9", "--engine-patience", "3")
    with LiveServer(tmp_path / "data", *flags, "--model-dir", str(stand_in_weights)) as server:
        # a page that would climb keeps its first reading
        page = formula_page(random.Random(1))
        first = server.end(server.submit("formulas.pdf", page), 60)
        assert (first["status"], first["receipt"]["readers"]) == ("completed", {"flash": "1"})
        (note,) = [note for note in first["notes"] if note["code"] == "read_again"]
        assert "Not read again" in note["message"] and "does not answer" in note["message"]
        assert server.result(first["id"])
        task = server.end(server.submit("scan.pdf", scan_pdf(1), tier="standard"), 60)
        assert (task["status"], task["error"]["code"]) == ("failed", "engine_unavailable")
        assert "does not answer" in task["error"]["message"]
        # while it is away, auto makes do with what is here
        other = server.end(server.submit("scan.pdf", scan_pdf(1, seed=3), tier="auto"))
        assert (other["status"], other["tier"]) == ("completed", "basic")


def test_without_an_engine_the_better_tiers_say_why(stand_in_weights: Path, tmp_path: Path) -> None:
    flags = ("--engine", "none", "--model-dir", str(stand_in_weights))
    with LiveServer(tmp_path / "data", *flags) as server:
        task = server.end(server.submit("scan.pdf", scan_pdf(1), tier="advanced"))
        assert task["error"]["code"] == "engine_unavailable"
        assert "switched off" in task["error"]["message"]
        assert server.client.get("/gpu/status").json()["engine"]["kind"] == "none"
        assert server.client.post("/gpu/release").status_code == 200
