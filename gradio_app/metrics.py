"""Prometheus metrics, read from the queue at scrape time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gradio_app.states import QueueStatus, TaskStatus
from gradio_app.task_manager import TaskManager


class _Snapshot(Collector):
    def __init__(self, manager: TaskManager, counts: Mapping[str, int]) -> None:
        self._manager = manager
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        tasks = GaugeMetricFamily("mineru_app_tasks", "Tasks in the store by status.", labels=["status"])
        for status in TaskStatus:
            tasks.add_metric([status.value], self._counts.get(status.value, 0))
        yield tasks
        ended = CounterMetricFamily("mineru_app_tasks_ended", "Tasks ended since start.", labels=["status"])
        for status, count in self._manager.ledger.ended.items():
            ended.add_metric([status], count)
        yield ended
        pages = self._manager.pages_parsed
        yield CounterMetricFamily("mineru_app_pages_parsed", "Pages parsed since start.", value=pages)
        state = GaugeMetricFamily("mineru_app_queue_status", "1 for the queue's status.", labels=["status"])
        for status in QueueStatus:
            state.add_metric([status.value], float(status is self._manager.status))
        yield state
        workers = len(self._manager.pool.pids)
        yield GaugeMetricFamily("mineru_app_workers", "Live worker processes.", value=workers)
        free = self._manager.folders.free_bytes()
        yield GaugeMetricFamily("mineru_app_disk_free_bytes", "Free space of the data folder.", value=free)


async def render(manager: TaskManager) -> bytes:
    """The metrics page in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(manager, await manager.counts()))
    return generate_latest(registry)
