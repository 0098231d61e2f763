"""What ``web.connections`` and ``web.server`` rely on inside uvicorn, for a new version of it."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gradio_app.web.connections import PatientProtocol
from gradio_app.web.server import Server


async def app(_scope: Any, _receive: Any, _send: Any) -> None:
    """An application that is never asked."""


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("connection_made", ["transport"]),
        ("data_received", ["data"]),
        ("connection_lost", ["exc"]),
        ("on_message_begin", []),
        ("on_header", ["name", "value"]),
        ("on_headers_complete", []),
        ("on_body", ["body"]),
        ("pause_writing", []),
        ("resume_writing", []),
        ("send_400_response", ["msg"]),
    ],
)
def test_the_protocol_is_called_in_these_ways(name: str, arguments: list[str]) -> None:
    assert list(inspect.signature(getattr(HttpToolsProtocol, name)).parameters)[1:] == arguments


LIMITS = {"most", "most_of_one", "most_of_near", "limit_to", "proxies", "network"}


def test_our_protocol_adds_no_other_way() -> None:
    ours = {name for name in vars(PatientProtocol) if not name.startswith("_")} - LIMITS
    assert ours - set(dir(HttpToolsProtocol)) == set()


@pytest.mark.anyio
async def test_the_protocol_knows_its_connections_and_what_it_answers() -> None:
    config = uvicorn.Config(app, http=PatientProtocol, lifespan="off", log_config=None)
    config.load()
    state = uvicorn.Server(config).server_state
    protocol = PatientProtocol(config=config, server_state=state, app_state={})
    assert protocol.connections is state.connections and protocol.cycle is None
    assert protocol.transport is None and protocol.loop is not None
    assert "self.response_complete = " in inspect.getsource(RequestResponseCycle)


def test_the_server_stops_as_we_replace_it() -> None:
    assert "with self.capture_signals():" in inspect.getsource(uvicorn.Server.serve)
    # read from the module: sse-starlette, which comes with MCP, puts a wrapper of its own in its place
    assert "def handle_exit(self, sig: int, frame: " in inspect.getsource(sys.modules["uvicorn.server"])
    assert "handle_exit" not in vars(Server) and "capture_signals" in vars(Server)
