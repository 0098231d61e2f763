"""Prometheus metrics, read from the queue at scrape time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gradio_app.engine import ModelSingleton
from gradio_app.machine.cards import Card
from gradio_app.model_server.states import EngineStatus
from gradio_app.store.states import QueueStatus, TaskStatus
from gradio_app.task_manager import TaskManager


class _Snapshot(Collector):
    def __init__(self, manager: TaskManager, counts: Mapping[str, int], wait: float) -> None:
        self._manager = manager
        self._counts = counts
        self._wait = wait

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        tasks = GaugeMetricFamily("mineru_app_tasks", "Tasks in the store by status.", labels=["status"])
        for status in TaskStatus:
            tasks.add_metric([status.value], self._counts.get(status.value, 0))
        yield tasks
        ended = CounterMetricFamily("mineru_app_tasks_ended", "Tasks ended since start.", labels=["status"])
        for status, count in self._manager.store.ended.items():
            ended.add_metric([status], count)
        yield ended
        pages = self._manager.pages_parsed
        yield CounterMetricFamily("mineru_app_pages_parsed", "Pages parsed since start.", value=pages)
        state = GaugeMetricFamily("mineru_app_queue_status", "1 for the queue's status.", labels=["status"])
        for status in QueueStatus:
            state.add_metric([status.value], float(status is self._manager.status))
        yield state
        text = "How long the oldest waiting task has waited."
        yield GaugeMetricFamily("mineru_app_oldest_waiting_seconds", text, value=self._wait)
        held = float(self._manager.notice is not None)
        yield GaugeMetricFamily("mineru_app_held", "1 while no work begins: disk or database.", value=held)
        yield from _engine(self._manager.engine)
        workers = len(self._manager.workers.here.pids)
        yield GaugeMetricFamily("mineru_app_workers", "Live worker processes.", value=workers)
        yield from _cluster(self._manager.workers.describe()["machines"])
        free = self._manager.folders.free_bytes()
        yield GaugeMetricFamily("mineru_app_disk_free_bytes", "Free space of the data folder.", value=free)
        reserve = self._manager.settings.disk_reserve
        text = "Free space below which nothing is accepted."
        yield GaugeMetricFamily("mineru_app_disk_reserve_bytes", text, value=reserve)


def _cluster(machines: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """Nothing where there is no cluster."""
    if machines:
        text = "Machines of the cluster by status, this one included."
        family = GaugeMetricFamily("mineru_app_machines", text, labels=["status"])
        for status in ("joining", "ready", "refused", "lost"):
            family.add_metric([status], sum(machine["status"] == status for machine in machines))
        yield family


def _engine(engine: ModelSingleton) -> Iterator[Metric]:
    state = GaugeMetricFamily("mineru_app_engine_status", "1 for the engine's status.", labels=["status"])
    for status in EngineStatus:
        state.add_metric([status.value], float(status is engine.status))
    yield state
    told = engine.describe()
    for name, text in (("in_flight", "use the engine now"), ("waiting", "wait for the engine")):
        yield GaugeMetricFamily(f"mineru_app_engine_{name}", f"Parts that {text}.", value=told[name])
    events = CounterMetricFamily(
        "mineru_app_engine_events", "Starts, sleeps, wakes, stops and crashes.", labels=["event"]
    )
    for event, count in told["counts"].items():
        events.add_metric([event], count)
    yield events
    yield CounterMetricFamily("mineru_app_tokens", "Tokens that the model wrote.", value=engine.tokens)
    yield from _servers(told["servers"])


def _servers(servers: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """The same of each model server, by its number; the figures above are of all together."""
    by = ["server", "status"]
    state = GaugeMetricFamily("mineru_app_server_status", "1 for a model server's status.", labels=by)
    flight = GaugeMetricFamily("mineru_app_server_in_flight", "Parts that use a server now.", labels=by[:1])
    text = "Starts, sleeps, wakes, stops and crashes of a server."
    events = CounterMetricFamily("mineru_app_server_events", text, labels=["server", "event"])
    for number, server in enumerate(servers, 1):
        for status in EngineStatus:
            state.add_metric([str(number), status.value], float(status.value == server["status"]))
        flight.add_metric([str(number)], server["in_flight"])
        for event, count in server["counts"].items():
            events.add_metric([str(number), event], count)
    yield from (state, flight, events)


class _Cards(Collector):
    def __init__(self, cards: Sequence[Card]) -> None:
        self._cards = cards

    def collect(self) -> Iterator[Metric]:
        """Memory, load and temperature of each card."""
        for name, text in (
            ("used", "Memory in use"),
            ("total", "Memory"),
            ("load", "Load in percent"),
            ("temperature", "Degrees Celsius"),
        ):
            unit = "_bytes" if name in ("used", "total") else ""
            figure = GaugeMetricFamily(f"mineru_app_card_{name}{unit}", f"{text}, by card.", labels=["card"])
            for card in self._cards:
                value = getattr(card, name)
                if value is not None:
                    figure.add_metric([card.uuid], value)
            yield figure


async def render(manager: TaskManager, cards: Sequence[Card]) -> bytes:
    """The metrics page in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Cards(cards))
    registry.register(_Snapshot(manager, await manager.counts(), await manager.longest_wait()))
    return generate_latest(registry)
