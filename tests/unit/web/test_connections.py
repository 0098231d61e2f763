"""A connection that a model server closes just then must not lose a request: none is kept so long.

SGLang (uvicorn) closes what is idle for five seconds, and httpx would keep it as long.
"""

from __future__ import annotations

from typing import Any

import pytest

from gradio_app.model_server.http_client import ModelApi
from gradio_app.parsing.readers import vlm

pytestmark = pytest.mark.anyio

#: seconds after which uvicorn closes a connection, and what a busy machine may be late by
CLOSES, LATE = 5.0, 2.0


def kept(transport: Any) -> float:
    """For how many seconds a transport of httpx keeps an idle connection."""
    return transport._pool._keepalive_expiry


async def test_those_that_read_pages() -> None:
    from mineru_vl_utils.vlm_client.http_client import HttpVlmClient

    client = HttpVlmClient("model", "http://127.0.0.1:1", skip_model_name_checking=True)
    made = await vlm._without_retries(vlm.Watch({}), HttpVlmClient._new_aio_client, client)
    transport: Any = made._transport
    assert kept(transport._async_transport) < CLOSES - LATE
    assert not transport.retry.is_retryable_exception(ConnectionResetError())
    await made.aclose()


async def test_those_that_look_after_the_server() -> None:
    api = ModelApi("http://127.0.0.1:1")
    assert kept(api._http._transport) < CLOSES - LATE
    await api.close()
