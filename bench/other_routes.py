"""Documents through a route of another server, ``/file_parse``, beside our own REST."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from bench.documents import Document, papers
from bench.figures import Bar, ratios, row
from bench.measurement import Contestant, Found, Measurement, Plan, take_turns
from bench.ours import our_server
from bench.processes import peak_resident
from tests.live import ENDED

CONNECTIONS = 8

#: converts one document over a connection, and returns its Markdown
Convert = Callable[[httpx.Client, Document], str]


def _file_parse(plan: Plan) -> Found:
    count = plan.size(50, 4)
    with our_server(plan.folder / "data") as server:
        assert server.process is not None

        def contestant(convert: Convert, place: int) -> Contestant:
            def turn(number: int) -> float:
                # no document comes twice, so that none comes from the cache
                documents = papers(count, seed=10_000 * (2 * number + place))
                return count / _convert_all(server.url, convert, documents)

            return Contestant(turn)

        _convert_all(server.url, _by_rest, papers(CONNECTIONS, seed=1))
        rates = take_turns(
            plan, {"/file_parse": contestant(_by_file_parse, 2), "REST": contestant(_by_rest, 2)}
        )
        memory = peak_resident(server.process.pid)
    rows = [row(name, values, "jobs/s", kind="rate") for name, values in rates.items()]
    rows.append(row("/file_parse / REST", ratios(rates["/file_parse"], rates["REST"]), bar=Bar(">=", 0.9)))
    rows.append(row("web process, most memory", [memory], "MB", Bar("<=", 250), "memory"))
    setting = (
        f"{count} one-page papers, {CONNECTIONS} connections, tier flash. REST: submit, wait for the end,"
        " then the Markdown. /file_parse: one request, whose answer has it."
    )
    return Found(rows, setting)


def _convert_all(url: str, convert: Convert, documents: Sequence[Document]) -> float:
    """Seconds until all are converted, over connections that stay open."""

    def some(number: int) -> None:
        with httpx.Client(base_url=url, timeout=300) as client:
            for document in documents[number::CONNECTIONS]:
                assert convert(client, document)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        began = time.monotonic()
        list(pool.map(some, range(CONNECTIONS)))
        return time.monotonic() - began


def _by_file_parse(client: httpx.Client, document: Document) -> str:
    files = {"files": (document.name, document.data)}
    answer = client.post("/file_parse", files=files, data={"tier": "flash"}).raise_for_status()
    [result] = answer.json()["results"].values()
    return result["md_content"]


def _by_rest(client: httpx.Client, document: Document) -> str:
    files = {"files": (document.name, document.data)}
    answer = client.post("/api/v1/tasks", files=files, data={"tier": "flash"}).raise_for_status()
    path = f"/api/v1/tasks/{answer.json()['tasks'][0]['id']}"
    while (task := client.get(path, params={"wait": 50}).raise_for_status().json())["status"] not in ENDED:
        pass
    assert task["status"] == "completed", task
    return client.get(f"{path}/result").raise_for_status().text


MEASUREMENTS = (Measurement("file_parse", "a route of MinerU 2 beside REST", _file_parse, 2),)
