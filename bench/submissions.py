"""How fast documents are accepted: each in a request of its own, many clients at the same time."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.documents import Document, texts
from bench.figures import Bar, ratios, row
from bench.measurement import Contestant, Found, Measurement, Plan, take_turns
from bench.ours import empty, our_server
from bench.peers import MOST_INLINE, MineruApi, mineru_api
from tests.live import LiveServer

CLIENTS = 8
_LINE = "bench-boundary"

#: path, headers, body: put together before the clock runs
Request = tuple[str, dict[str, str], bytes]


def _accepted(plan: Plan) -> Found:
    documents = texts(plan.size(200, 16))
    with ExitStack() as stack:
        server = stack.enter_context(our_server(plan.folder / "data"))
        api = stack.enter_context(mineru_api())
        ours, theirs = (
            [_our_request(each) for each in documents],
            [_their_request(each) for each in documents],
        )
        rates = take_turns(
            plan,
            {
                "ours": Contestant(lambda _: _rate_of_ours(server, ours)),
                "mineru-api": Contestant(lambda _: _rate_of_api(api, theirs)),
            },
        )
    rows = [row(name, values, "accepted/s", kind="rate") for name, values in rates.items()]
    rows.append(row("ours / mineru-api", ratios(rates["ours"], rates["mineru-api"]), bar=Bar(">=", 3)))
    setting = (
        f"{len(documents)} one-page documents, {CLIENTS} connections at the same time; both begin to read"
        " them meanwhile, and are emptied after each round. Ours has each on the disk before it answers;"
        " mineru-api keeps its jobs in memory (--concurrency 1)."
    )
    return Found(rows, setting)


def _rate_of_ours(server: LiveServer, requests: Sequence[Request]) -> float:
    rate = len(requests) / _send_all(server.url, requests, 201, lambda _: None)
    empty(server)
    return rate


def _rate_of_api(api: MineruApi, requests: Sequence[Request]) -> float:
    jobs: list[str] = []
    url = str(api.client.base_url)
    rate = len(requests) / _send_all(url, requests, 202, lambda body: jobs.append(json.loads(body)["job_id"]))
    for job in reversed(jobs):  # the waiting ones first, so that none of them begins
        api.cancel(job)
    for job in jobs:
        api.end(job)
    return rate


def _send_all(url: str, requests: Sequence[Request], status: int, keep: Callable[[bytes], object]) -> float:
    """Seconds until all are answered with ``status``; ``keep`` is given the bodies."""
    groups = [requests[number::CLIENTS] for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        began = time.monotonic()
        answers = list(pool.map(lambda group: _send_group(url, group), groups))
        seconds = time.monotonic() - began
    for code, body in (answer for group in answers for answer in group):
        assert code == status, body[:300]
        keep(body)
    return seconds


def _send_group(url: str, requests: Sequence[Request]) -> list[tuple[int, bytes]]:
    """Over one connection that is kept. No httpx: its own cost would be a good part of the figure."""
    where = urlsplit(url)
    connection = HTTPConnection(where.netloc, timeout=120)
    answers: list[tuple[int, bytes]] = []
    try:
        for path, headers, body in requests:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
    finally:
        connection.close()
    return answers


def _our_request(document: Document) -> Request:
    head = (
        f'--{_LINE}\r\nContent-Disposition: form-data; name="tier"\r\n\r\nflash\r\n'
        f'--{_LINE}\r\nContent-Disposition: form-data; name="use_cache"\r\n\r\nfalse\r\n'
        f'--{_LINE}\r\nContent-Disposition: form-data; name="files"; filename="{document.name}"\r\n\r\n'
    )
    body = head.encode() + document.data + f"\r\n--{_LINE}--\r\n".encode()
    return "/api/v1/tasks", {"Content-Type": f"multipart/form-data; boundary={_LINE}"}, body


def _their_request(document: Document) -> Request:
    assert len(document.data) < MOST_INLINE
    source = {"type": "inline", "name": document.name, "data": base64.b64encode(document.data).decode()}
    body = {"files": [{"source": source}], "tier": "flash", "output_formats": ["markdown"]}
    return "/v1/parse/jobs", {"Content-Type": "application/json"}, json.dumps(body).encode()


MEASUREMENTS = (Measurement("submissions", "200 submissions", _accepted, 1),)
