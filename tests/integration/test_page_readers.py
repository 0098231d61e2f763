"""A page reader by its name, from the upload to the receipt: a real server, a model that answers badly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.documents import scan_pdf
from tests.fakes import reader_answers
from tests.fakes.sglang import FakeSglang
from tests.live import LiveServer

pytestmark = pytest.mark.integration

NAME = "dots.mocr"


@pytest.fixture(scope="module")
def server(fake: FakeSglang, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose model server elsewhere serves dots.mocr; MinerU's own models are not there."""
    data = tmp_path_factory.mktemp("readers") / "data"
    flags = ("--sglang-url", fake.url, "--reader", NAME, "--workers", "2", "--shard-pages-vlm", "2")
    with LiveServer(data, *flags, "--model-dir", str(data.parent / "no models")) as live:
        yield live


def test_pages_are_read_by_the_reader_that_is_named(server: LiveServer, fake: FakeSglang) -> None:
    def end(**fields: str) -> dict[str, object]:
        return server.end(server.submit("scan.pdf", scan_pdf(3), **fields))

    assert server.client.get("/api/v1/queue").json()["engine"]["reader"] == NAME  # so that the page offers it
    good = end(tier=NAME)
    assert (good["status"], good["tier"], good["pages_done"], good["notes"]) == ("completed", NAME, 3, []), (
        good
    )
    receipt = good["receipt"]
    assert isinstance(receipt, dict)
    assert receipt["readers"] == {NAME: "1-3"} and receipt["engine"] == "remote"
    words = server.result(str(good["id"])).decode()
    assert words.count(reader_answers.WORDS) == 3 and words.count("# A title of") == 3
    again = end(tier=NAME)
    assert isinstance(again["receipt"], dict) and again["receipt"]["cached"] is True

    # other tiers of the same file are other results, and say what they need
    refused = end(tier="standard")
    assert refused["status"] == "failed" and isinstance(refused["error"], dict)
    assert refused["error"]["code"] == "engine_unavailable" and NAME in refused["error"]["message"]
    assert end(tier="auto")["tier"] == "basic"
    unknown = server.post("scan.pdf", scan_pdf(1), tier="dots.nothing")
    assert unknown.status_code == 422 and unknown.json()["error"]["code"] == "option_invalid"
    assert NAME in unknown.json()["error"]["message"]

    # a bad answer marks its pages, and the document is there
    fake.set(answer="loop")
    try:
        bad = end(tier=NAME, use_cache="false")
    finally:
        fake.set(answer="")
    assert (bad["status"], bad["pages_failed"]) == ("partial", 3), bad
    assert isinstance(bad["error"], dict) and "ran in a circle" in bad["error"]["message"]
    server.client.post(f"/api/v1/tasks/{bad['id']}/retry")
    assert server.end(str(bad["id"]))["status"] == "completed"
    assert server.result(str(bad["id"])).decode() == words

    # a page of a document that was read otherwise is read again by the reader
    first = end(tier="flash")
    redo = server.client.post(f"/api/v1/tasks/{first['id']}/pages/2/redo", json={"tier": NAME})
    assert redo.status_code == 201, redo.text
    assert server.end(redo.json()["id"])["tier"] == NAME
