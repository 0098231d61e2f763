"""MCP server: Gradio's, cut down to tools. Nothing in it connects to an address that a request names.

Covers: the handshake, ``ping``, ``tools/list`` and ``tools/call``. Does not cover: what a tool does
(``functions``), and headers, which the gate removes before Gradio sees them.
"""

from __future__ import annotations

import json
from typing import Any, cast

import gradio as gr
from mcp import types

#: requests that are answered; ``initialize`` and notifications belong to the session, not to handlers.
#: Gradio answers resources and prompts by a client of its own, connected to where headers say.
_ANSWERED = (types.PingRequest, types.ListToolsRequest, types.CallToolRequest)


def restrict(demo: gr.Blocks) -> None:
    """Restricts the server of a mounted ``demo`` to tools."""
    server = cast(Any, demo).mcp_server_obj
    handlers = server.mcp_server.request_handlers
    for kind in [kind for kind in handlers if kind not in _ANSWERED]:
        del handlers[kind]
    server._get_or_create_client = _refuse
    # documents reach the functions as they are written: Gradio would decode ``data:`` without a limit
    server.convert_strings_to_filedata = _unchanged
    _speak_json(server)


def _unchanged(value: Any, _positions: Any) -> Any:
    return value


def _refuse() -> None:
    raise RuntimeError("the server connects to nothing; each tool is called in place")


def _speak_json(server: Any) -> None:
    """Tools answer with JSON. Gradio would send Python's way of writing it, which no client can read."""
    plain = server.postprocess_output_data

    def told(data: list[Any], root_url: str) -> Any:
        written = [_json(value) if isinstance(value, dict | list) else value for value in data]
        return plain(written, root_url)

    server.postprocess_output_data = told


def _json(value: Any) -> Any:
    """What a tool answered, as text. Files stay what they are: Gradio makes addresses of them."""
    a_file = isinstance(value, dict) and "path" in value and "meta" in value
    return cast(Any, value) if a_file else json.dumps(value, ensure_ascii=False)
