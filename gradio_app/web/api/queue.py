"""Queue routes: status, pause, history, cluster, probes and metrics."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from gradio_app import __version__
from gradio_app.base import clock
from gradio_app.base.errors import AppError
from gradio_app.store.states import QueueStatus
from gradio_app.store.statistics import HOUR
from gradio_app.task_manager import TaskManager
from gradio_app.web import metrics
from gradio_app.web.api.access import for_admin, identity_of, manager_of, reads_all
from gradio_app.web.api.schemas import ERRORS, ClusterView, HistoryView, Problem, QueueView
from gradio_app.web.auth.credentials import Identity

router = APIRouter()

#: of the engine and of the settings, for the page's bar; all of the engine is in ``/gpu/status``
_OF_ENGINE = ("kind", "status", "in_flight", "waiting", "notice", "error")
#: problems that the page is told of; the log has all of them
_SHOWN = 10
_LIMITS = ("max_file_size", "max_files", "max_pages")


@router.get("/api/v1/queue", tags=["queue"], response_model=QueueView)
async def queue(request: Request) -> JSONResponse:
    """What the queue does, how many tasks there are, and how long until all of them are done."""
    return JSONResponse(await summary(manager_of(request), identity_of(request)))


async def summary(manager: TaskManager, who: Identity) -> dict[str, Any]:
    """The queue as ``QueueView`` describes it."""
    engine, workers, settings = manager.engine, manager.workers, manager.settings
    about_engine, notice = engine.describe(), manager.notice
    return {
        "status": manager.status,
        "notice": notice.to_dict() if notice else None,
        "problems": [problem.message for problem in manager.problems.seen_by(who.name, reads_all(who))][
            :_SHOWN
        ],
        "counts": await (manager.counts() if reads_all(who) else manager.counts_for(who.name)),
        "eta_seconds": round(manager.tail_eta(), 1),
        "workers": workers.slots[False],
        "engine": {name: about_engine[name] for name in _OF_ENGINE} | {"reader": settings.reader},
        "limits": {name: getattr(settings, name) for name in _LIMITS},
        "user": {"name": who.name, "admin": who.admin},
    }


@router.post("/api/v1/queue/pause", tags=["queue"], response_model=QueueView, responses=ERRORS)
async def pause(request: Request) -> JSONResponse:
    """Nothing new starts until resume; for the admin."""
    with for_admin(request, "pause"):
        await manager_of(request).set_paused(True)
    return await queue(request)


@router.post("/api/v1/queue/resume", tags=["queue"], response_model=QueueView, responses=ERRORS)
async def resume(request: Request) -> JSONResponse:
    """Ends a pause; for the admin."""
    with for_admin(request, "resume"):
        await manager_of(request).set_paused(False)
    return await queue(request)


@router.get("/api/v1/history", tags=["queue"], response_model=HistoryView)
async def history(
    request: Request, hours: Annotated[int, Query(ge=1, le=24 * 366, description="How far back")] = 24
) -> JSONResponse:
    """What was done in each hour: tasks by tier and how they ended, and what the engine did.

    Everybody's together, without names. Deleted tasks stay counted.
    """
    hour = int(clock.stamp() // HOUR)
    return JSONResponse({"hour": hour, **await manager_of(request).history(hour - hours + 1)})


@router.get("/api/v1/cluster", tags=["queue"], response_model=ClusterView)
async def cluster(request: Request) -> ClusterView:
    """The machines that read, when there are several: what each can do, and does."""
    workers = manager_of(request).workers
    return ClusterView.model_validate(workers.describe())


@router.get("/health", tags=["probes"])
async def health(request: Request) -> JSONResponse:
    """Alive. Clients of MinerU 3 and of docling read `status`, MinerU 3's the rest, too."""
    manager: TaskManager | None = getattr(request.app.state, "manager", None)
    told = {
        "status": "healthy",
        "version": __version__,
        "protocol_version": 2,
        "max_concurrent_requests": max(1, manager.settings.workers) if manager else 1,
        "processing_window_size": manager.settings.shard_pages_flash if manager else 64,
    }
    return JSONResponse(told)


@router.get("/ready", tags=["probes"], responses={503: {"model": Problem}})
async def ready(request: Request) -> JSONResponse:
    """200 when work is taken; 503 while starting or stopping, or without the data folder.

    `degraded` is there when something beside the queue does not work: `["watch_folder"]`.
    """
    manager: TaskManager | None = getattr(request.app.state, "manager", None)
    if manager is None or not manager.started or manager.status is QueueStatus.DRAINING:
        return JSONResponse({"status": "draining" if manager and manager.started else "starting"}, 503)
    try:
        manager.folders.check()
    except AppError as error:
        return JSONResponse({"status": error.code}, 503)
    # anybody may ask: no names of folders
    degraded = {"degraded": ["watch_folder"]} if manager.problems.count("watch_folder") else {}
    return JSONResponse({"status": "ready", "engine": manager_of(request).engine.status, **degraded})


@router.get("/metrics", tags=["probes"], response_class=PlainTextResponse)
async def prometheus(request: Request) -> Response:
    """Prometheus metrics."""
    cards = await request.app.state.card_history.cards()
    page = await metrics.render(manager_of(request), cards)
    return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")
