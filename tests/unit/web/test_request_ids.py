"""Each request has one id: in its answer, in its log records and audit line, and in its error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from loguru import logger
from starlette.middleware import Middleware

from gradio_app.base.errors import NotFound
from gradio_app.base.logs import as_json, configure_logging
from gradio_app.web import error_answers
from gradio_app.web.auth import audit
from gradio_app.web.request_ids import RequestIds

pytestmark = pytest.mark.anyio

APP = FastAPI(middleware=[Middleware(RequestIds)])
error_answers.register(APP)


@APP.get("/fine")
async def fine() -> str:
    logger.info("it is read")
    audit.record("cancel", "ann", "10.0.0.4", "abc")
    return "fine"


@APP.get("/{way}")
async def broken(way: str, number: int = 0) -> None:
    errors = {"missing": NotFound(), "http": HTTPException(405), "full": OSError(28, "full")}
    raise errors.get(way) or RuntimeError("secret")


@pytest.fixture
def records() -> Iterator[list[dict[str, Any]]]:
    """What is logged, as in the JSON format."""
    found: list[dict[str, Any]] = []
    sink = logger.add(lambda message: found.append(json.loads(as_json(message.record))))
    yield found
    logger.remove(sink)


async def get(path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://mineru.test") as client:
        return await client.get(path, headers=headers)


async def test_each_request_has_an_id_of_its_own() -> None:
    ids = {(await get("/fine")).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5 and all(re.fullmatch("[0-9a-f]{16}", each) for each in ids)


async def test_an_id_that_is_given_is_taken() -> None:
    answer = await get("/fine", **{"X-Request-Id": "nginx-7.3_a"})
    assert answer.headers.get_list("x-request-id") == ["nginx-7.3_a"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 'a"b', "a\tb", "<b>", "{extra}"])
async def test_an_id_that_could_be_something_else_is_replaced(given: str) -> None:
    answer = await get("/fine", **{"X-Request-Id": given})
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])


async def test_records_and_the_audit_line_have_it(records: list[dict[str, Any]], tmp_path: Path) -> None:
    sink = audit.open_file(tmp_path / "audit.log")
    await get("/fine", **{"X-Request-Id": "one"})
    logger.info("later")
    logger.remove(sink)
    assert [(each["message"], each.get("request")) for each in records] == [
        ("it is read", "one"),
        ("", "one"),
        ("later", None),
    ]
    assert json.loads((tmp_path / "audit.log").read_text())["request"] == "one"


async def test_people_see_it_at_the_end_of_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    try:
        await get("/fine", **{"X-Request-Id": "one"})
        logger.info("later")
        assert [line[28:] for line in capsys.readouterr().err.splitlines()] == ["it is read [one]", "later"]
    finally:
        logger.remove()


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/missing", 404, "not_found"),
        ("/http", 405, "option_invalid"),
        ("/missing?number=x", 422, "option_invalid"),
        ("/full", 507, "disk_full"),
        ("/other", 500, "internal_error"),
    ],
)
async def test_an_error_tells_the_id(
    records: list[dict[str, Any]], path: str, status: int, code: str
) -> None:
    answer = await get(path, **{"X-Request-Id": "one"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["request_id"]) == (status, code, "one")
    assert answer.headers["x-request-id"] == "one"
    assert error.keys() == {"code", "message", "retryable", "request_id"} and "secret" not in answer.text
    assert [each["request"] for each in records] == (["one"] if status >= 500 else [])


async def test_an_answer_that_has_begun_is_broken_off() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(RequestIds(app))) as client:
            await client.get("http://mineru.test/")


async def test_what_is_not_http_passes() -> None:
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope)

    layer: Any = RequestIds(app)
    await layer({"type": "lifespan"}, None, None)
    assert seen == [{"type": "lifespan"}]
