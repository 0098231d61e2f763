"""Many documents of one user, then one of another: how many of the first user's go before it."""

from __future__ import annotations

import time
from contextlib import ExitStack

import httpx

from bench.documents import Document, texts
from bench.figures import Bar, Row, row
from bench.measurement import Contestant, Found, Measurement, Plan, take_turns
from bench.ours import our_server
from bench.peers import ACTIVE, MineruApi, mineru_api
from tests.live import ENDED

TOKEN = "a-shared-token"
#: pages of each document: too long for our express lane
PAGES = 10


def _fairness(plan: Plan) -> Found:
    many, one = texts(plan.size(20, 3), PAGES), texts(1, PAGES, seed=500)[0]
    waited: dict[str, list[float]] = {"ours": [], "mineru-api": []}
    with ExitStack() as stack:
        server = stack.enter_context(our_server(plan.folder / "data", "--token", TOKEN))
        people = [stack.enter_context(_somebody(server.url)) for _ in range(2)]
        for person in people:
            person.get("/", params={"token": TOKEN}).raise_for_status()
        api = stack.enter_context(mineru_api())
        before = take_turns(
            plan,
            {
                "ours": Contestant(lambda _: _ours(people, many, one, waited["ours"])),
                "mineru-api": Contestant(
                    lambda _: _theirs(api, many, one, waited["mineru-api"]), plan.at_most(2)
                ),
            },
        )
    return Found(
        _rows(before, waited),
        f"{len(many)} documents of {PAGES} pages, and half a second later one of somebody else. Counted:"
        " how many of the first user's begin between that moment and its own. mineru-api knows no users.",
    )


def _rows(before: dict[str, list[float]], waited: dict[str, list[float]]) -> list[Row]:
    rows = [
        row(
            f"{name}, documents that go before", values, "documents", Bar("<=", 0) if name == "ours" else None
        )
        for name, values in before.items()
    ]
    return rows + [row(f"{name}, wait", values, "s", kind="seconds") for name, values in waited.items()]


def _somebody(url: str) -> httpx.Client:
    """A browser of its own: it comes in with the shared token, and has cookies from then on."""
    return httpx.Client(base_url=url, timeout=70, follow_redirects=True)


def _ours(people: list[httpx.Client], many: list[Document], one: Document, waited: list[float]) -> float:
    first, second = people
    theirs = _post(first, many)
    time.sleep(0.5)
    began = time.time()
    (other,) = _post(second, [one])
    mine = _ended(second, other)
    starts = [_ended(first, task_id)["started_at"] for task_id in theirs]
    waited.append(mine["started_at"] - began)
    return float(sum(began < start < mine["started_at"] for start in starts))


def _post(client: httpx.Client, documents: list[Document]) -> list[str]:
    files = [("files", (each.name, each.data)) for each in documents]
    answer = client.post("/api/v1/tasks", files=files, data={"tier": "flash", "use_cache": "false"})
    answer.raise_for_status()
    return [task["id"] for task in answer.json()["tasks"]]


def _ended(client: httpx.Client, task_id: str) -> dict[str, float]:
    while True:
        task = client.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).json()
        if task["status"] in ENDED:
            assert task["status"] == "completed", task["error"]
            return task


def _theirs(api: MineruApi, many: list[Document], one: Document, waited: list[float]) -> float:
    jobs = [api.send(document) for document in many]
    time.sleep(0.5)
    began = time.monotonic()
    waiting = sum(api.status(job) == "queued" for job in jobs)
    other = api.send(one)
    while api.status(other) == "queued":
        time.sleep(0.01)
    waited.append(time.monotonic() - began)
    still = sum(api.status(job) == "queued" for job in jobs)
    for job in [*jobs, other]:
        assert api.end(job) not in ACTIVE
    return float(waiting - still)


MEASUREMENTS = (Measurement("fairness", "20 jobs of one user, then one of another", _fairness, 1.5),)
