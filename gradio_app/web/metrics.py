"""Prometheus metrics, read from the queue at scrape time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gradio_app.base.notes import CODES
from gradio_app.engine import ModelSingleton
from gradio_app.machine.cards import Card
from gradio_app.model_server.states import EngineStatus
from gradio_app.store.states import QueueStatus, TaskStatus
from gradio_app.task_manager import TaskManager

_EVENTS = "Starts, sleeps, wakes, stops and crashes"
#: values of labels -> figure
Figures = Iterable[tuple[Sequence[str], float | None]]


async def render(manager: TaskManager, cards: Sequence[Card]) -> bytes:
    """The metrics page in Prometheus' text format."""
    queue = _queue(manager, await manager.counts(), await manager.longest_wait())
    return generate_latest(_Snapshot([*_cards(cards), *queue]))


class _Snapshot(list[Metric], Collector):
    """Figures of one moment, in the form that ``generate_latest`` takes."""

    def collect(self) -> Iterable[Metric]:
        return self


def _gauge(name: str, text: str, figures: Figures | float, *labels: str) -> Metric:
    return _filled(GaugeMetricFamily(f"mineru_app_{name}", text, labels=labels), figures)


def _counter(name: str, text: str, figures: Figures | float, *labels: str) -> Metric:
    return _filled(CounterMetricFamily(f"mineru_app_{name}", text, labels=labels), figures)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, figures: Figures | float) -> Metric:
    """Without the figures that are unknown (None)."""
    for labels, figure in [((), figures)] if isinstance(figures, int | float) else figures:
        if figure is not None:
            family.add_metric(labels, figure)
    return family


def _is(status: str, statuses: Iterable[str], *before: str) -> Figures:
    """1 for the status that it is, 0 for the others."""
    return [((*before, each), float(each == status)) for each in statuses]


def _queue(manager: TaskManager, counts: Mapping[str, int], wait: float) -> Iterator[Metric]:
    workers, folders, settings = manager.workers, manager.folders, manager.settings
    tasks = [([status], counts.get(status, 0)) for status in TaskStatus]
    ended = [([status], count) for status, count in manager.ended.items()]
    yield _gauge("tasks", "Tasks in the store by status.", tasks, "status")
    yield _counter("tasks_ended", "Tasks ended since start.", ended, "status")
    noted = [([code], manager.notes[code]) for code in CODES]
    yield _counter("notes", "Notes on results since start, by code.", noted, "code")
    yield _counter("pages_parsed", "Pages parsed since start.", manager.pages_parsed)
    yield _gauge("queue_status", "1 for the queue's status.", _is(manager.status, QueueStatus), "status")
    yield _gauge("oldest_waiting_seconds", "How long the oldest waiting task has waited.", wait)
    yield _gauge("held", "1 while no work begins: disk or database.", float(manager.notice is not None))
    if settings.watch_dir:
        kinds = [([kind], manager.problems.count(f"watch_{kind}")) for kind in ("folder", "file")]
        text = "Folders and files of the watch folder that are put off."
        yield _gauge("watch_problems", text, kinds, "kind")
    yield from _engine(manager.engine)
    yield _gauge("workers", "Live worker processes.", len(workers.here.pids))
    yield from _cluster(workers.describe()["machines"])
    yield _gauge("search_index_bytes", "Size of the search index.", manager.texts.bytes)
    yield _gauge("disk_free_bytes", "Free space of the data folder.", folders.free_bytes())
    yield _gauge("disk_reserve_bytes", "Free space below which nothing is accepted.", settings.disk_reserve)


def _cluster(machines: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """Nothing where there is no cluster."""
    found = [machine["status"] for machine in machines]
    if found:
        figures = [([status], found.count(status)) for status in ("joining", "ready", "refused", "lost")]
        yield _gauge("machines", "Machines of the cluster by status, this one included.", figures, "status")


def _engine(engine: ModelSingleton) -> Iterator[Metric]:
    now = engine.describe()
    events = [([event], count) for event, count in now["counts"].items()]
    yield _gauge("engine_status", "1 for the engine's status.", _is(engine.status, EngineStatus), "status")
    yield _gauge("engine_in_flight", "Shards that use the engine now.", now["in_flight"])
    yield _gauge("engine_waiting", "Shards that wait for the engine.", now["waiting"])
    yield _counter("engine_events", f"{_EVENTS}.", events, "event")
    yield _counter("tokens", "Tokens that the model wrote.", engine.tokens)
    yield from _servers(now["servers"])


def _servers(servers: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """The same of each model server, by its number; the figures above are of all together."""
    numbered = [(str(number), server) for number, server in enumerate(servers, 1)]
    status = [row for number, server in numbered for row in _is(server["status"], EngineStatus, number)]
    flight = [([number], server["in_flight"]) for number, server in numbered]
    events = [((number, event), count) for number, one in numbered for event, count in one["counts"].items()]
    yield _gauge("server_status", "1 for a model server's status.", status, "server", "status")
    yield _gauge("server_in_flight", "Shards that use a server now.", flight, "server")
    yield _counter("server_events", f"{_EVENTS} of a server.", events, "server", "event")


def _cards(cards: Sequence[Card]) -> Iterator[Metric]:
    """Memory, load and temperature of each card."""
    for attribute, name, text in (
        ("used", "used_bytes", "Memory in use"),
        ("total", "total_bytes", "Memory"),
        ("load", "load", "Load in percent"),
        ("temperature", "temperature", "Degrees Celsius"),
    ):
        figures = [([card.uuid], getattr(card, attribute)) for card in cards]
        yield _gauge(f"card_{name}", f"{text}, by card.", figures, "card")
