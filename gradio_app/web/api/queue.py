"""The queue as a whole, and what supervisors ask: probes and metrics."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from gradio_app.base import clock
from gradio_app.store.states import QueueStatus
from gradio_app.store.statistics import HOUR
from gradio_app.task_manager import TaskManager
from gradio_app.web import metrics
from gradio_app.web.api.access import for_admin, identity_of, manager_of
from gradio_app.web.api.schemas import ERRORS, ClusterView, HistoryView, Problem, QueueView
from gradio_app.web.auth.credentials import Identity

router = APIRouter()


@router.get("/api/v1/queue", tags=["queue"], response_model=QueueView)
async def queue(request: Request) -> JSONResponse:
    """What the queue does, how many tasks there are, and how long until all of them are done."""
    return JSONResponse(await summary(manager_of(request), identity_of(request)))


async def summary(manager: TaskManager, who: Identity) -> dict[str, Any]:
    """The queue as ``QueueView`` describes it."""
    return {
        "status": manager.status,
        "notice": manager.notice.to_dict() if manager.notice else None,
        "counts": await manager.counts(),
        "eta_seconds": round(manager.tail_eta(), 1),
        "workers": manager.workers.slots[False],
        "engine": _engine(manager),
        "limits": {
            "max_file_size": manager.settings.max_file_size,
            "max_files": manager.settings.max_files,
            "max_pages": manager.settings.max_pages,
        },
        "user": {"name": who.name, "admin": who.admin},
    }


def _engine(manager: TaskManager) -> dict[str, Any]:
    """The engine in a word, for the page's bar; all of it is in ``/gpu/status``."""
    told = manager.engine.describe()
    return {name: told[name] for name in ("kind", "status", "in_flight", "waiting", "notice", "error")}


@router.post("/api/v1/queue/pause", tags=["queue"], response_model=QueueView, responses=ERRORS)
async def pause(request: Request) -> JSONResponse:
    """Nothing new starts until resume; for the admin."""
    with for_admin(request, "pause"):
        await manager_of(request).pause()
    return await queue(request)


@router.post("/api/v1/queue/resume", tags=["queue"], response_model=QueueView, responses=ERRORS)
async def resume(request: Request) -> JSONResponse:
    """Ends a pause; for the admin."""
    with for_admin(request, "resume"):
        await manager_of(request).resume()
    return await queue(request)


@router.get("/api/v1/history", tags=["queue"], response_model=HistoryView)
async def history(
    request: Request, hours: Annotated[int, Query(ge=1, le=24 * 366, description="How far back")] = 24
) -> JSONResponse:
    """What was done in each hour: tasks by tier and how they ended, and what the engine did.

    Everybody's together, without names. Deleted tasks stay counted.
    """
    manager = manager_of(request)
    hour = int(clock.stamp() // HOUR)
    found = await manager.store.do(manager.store.sync.history.since, hour - hours + 1)
    return JSONResponse({"hour": hour, **found})


@router.get("/api/v1/cluster", tags=["queue"], response_model=ClusterView)
async def cluster(request: Request) -> ClusterView:
    """The machines that read, when there are several: what each can do, and does."""
    return ClusterView.model_validate(manager_of(request).workers.describe())


@router.get("/health", tags=["probes"])
async def health() -> JSONResponse:
    """Alive."""
    return JSONResponse({"status": "ok"})


@router.get("/ready", tags=["probes"], responses={503: {"model": Problem}})
async def ready(request: Request) -> JSONResponse:
    """200 when work is taken; 503 while starting or stopping."""
    manager: TaskManager | None = getattr(request.app.state, "manager", None)
    if manager is None or not manager.started or manager.status is QueueStatus.DRAINING:
        return JSONResponse({"status": "draining" if manager and manager.started else "starting"}, 503)
    return JSONResponse({"status": "ready", "engine": manager.engine.status})


@router.get("/metrics", tags=["probes"], response_class=PlainTextResponse)
async def prometheus(request: Request) -> Response:
    """Prometheus metrics."""
    cards = await request.app.state.watch.cards()
    page = await metrics.render(manager_of(request), cards)
    return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")
