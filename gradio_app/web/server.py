"""Composition root: builds everything from settings, mounts page and REST on one server, and runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import uvicorn
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from loguru import logger
from starlette.middleware import Middleware

from gradio_app import __version__
from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, DiskFull
from gradio_app.base.logs import configure_logging
from gradio_app.base.settings import Settings, older_names
from gradio_app.engine import ModelSingleton
from gradio_app.machine.cards import read_cards
from gradio_app.model_server.choose import choose_backends
from gradio_app.store.store import Store
from gradio_app.task_manager import TaskManager
from gradio_app.web import api, error_answers, made_secrets
from gradio_app.web.addresses import Forwarded, Proxies
from gradio_app.web.api.poll_fast_path import Polls
from gradio_app.web.auth import audit
from gradio_app.web.auth.credentials import LOCAL, Credentials, made_token, server_secret
from gradio_app.web.auth.guard import Guard
from gradio_app.web.auth.origin import is_loopback
from gradio_app.web.auth.signed_out import SignedOut
from gradio_app.web.auth.users import Users
from gradio_app.web.bodies import Bodies, Closing, limits_of
from gradio_app.web.card_history import CardHistory
from gradio_app.web.compat import routes as compat
from gradio_app.web.connections import PatientProtocol, most_connections
from gradio_app.web.methods import Heads, Options
from gradio_app.web.request_ids import RequestIds
from gradio_app.web.shared_links import SharedLinks
from gradio_app.web.startup import nothing_is_garbage, without_notes_for_authors
from gradio_app.web.watch_folder import WatchFolder
from gradio_app.workers.cluster.ray_process import address_of, cluster_token, join_line, say_how_to_join
from gradio_app.workers.interface import Workers
from gradio_app.workers.local import LocalWorkers
from gradio_app.workers.pool import WorkerPool

#: open connections get this long at shutdown, in seconds; long polls end by themselves
GRACE = 2
#: connections that wait to be taken; more at once would need more files than are kept back for the work
BACKLOG = 128


class Server(uvicorn.Server):
    """uvicorn that lets long polls and Gradio's heartbeats go as soon as a stop is asked for.

    It ends with exit code 0: uvicorn's own way raises the signal again at the end.
    """

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Called by uvicorn around serving."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _stop(self, number: int) -> None:
        self._on_exit()
        self.handle_exit(number, None)


def build(
    settings: Settings, folders: Folders, store: Store, credentials: Credentials, cluster: str = ""
) -> FastAPI:
    """The whole application: REST, page and guard. The queue starts with the server's lifespan.

    ``cluster`` is the password of the cluster, if there is one.
    """

    backends = choose_backends(settings, folders.run)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        servers = len(backends) if backends[0].kind != "none" else 0
        keep = settings.workers + 1 + settings.workers_vlm * servers
        pool = WorkerPool.of(settings, folders, keep)
        timeouts = settings.gpu_idle_timeout, settings.gpu_release_timeout
        engine = ModelSingleton(backends, *timeouts, room=settings.workers_vlm).open()
        workers: Workers = LocalWorkers(settings, folders, pool, engine)
        if settings.ray_address:
            from gradio_app.workers.cluster.head import ClusterWorkers

            workers = ClusterWorkers(settings, folders, workers, cluster).open()
        manager = TaskManager(settings, folders, store, workers)
        app.state.manager = manager
        read = partial(read_cards, limit=settings.gpu_memory)
        history = app.state.card_history = CardHistory(engine, read, settings.gpu, manager.note_engine)
        await manager.start()
        loops = [pool.warm(settings.workers), history.run(), manager.texts.run()]
        if settings.watch_dir:
            everybody = LOCAL.name if credentials.open else ""
            loops.append(WatchFolder(manager, Path(settings.watch_dir), everybody).run())
        beside = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await manager.stop()
            await engine.close()

    # the usual FastAPI loads its documentation page from outside
    app = FastAPIOffline(
        title="MinerU Optimized",
        version=__version__,
        summary="Documents in, Markdown out, through a queue that forgets nothing.",
        lifespan=lifespan,
        root_path=settings.root_path,
        redoc_url=None,
    )
    app.state.event_streams = Counter[str]()
    app.state.closing = Closing()
    app.state.links = SharedLinks(folders.links)
    app.include_router(api.router)
    app.include_router(compat.router)
    error_answers.register(app)
    gate = _mount_page(app, settings, folders)
    layers = _layers(settings, folders, credentials, app.state.closing)
    app.user_middleware = [*layers, gate, Middleware(Options)]
    return app


def _layers(
    settings: Settings, folders: Folders, credentials: Credentials, closing: Closing
) -> list[Middleware]:
    """What a request passes on its way to the routes, from outside to inside; the gate of Gradio follows."""
    return [
        # outermost: all others see who really asks
        Middleware(Forwarded, proxies=Proxies(settings.trusted_proxies)),
        # all others log and answer with the request's id
        Middleware(RequestIds),
        # before all that acts on a method: a HEAD is a GET for them
        Middleware(Heads),
        # before the guard, which reads the form of a sign-in
        Middleware(
            Bodies,
            limits=limits_of(settings),
            room=partial(_check_disk, settings, folders),
            closing=closing,
            root_path=settings.root_path,
        ),
        # before all that belongs to the application: nobody without an identity gets further
        Middleware(
            Guard,
            credentials=credentials,
            root_path=settings.root_path,
            allowed_hosts=settings.allowed_hosts,
            requests_per_minute=settings.max_requests_per_minute,
            allowed_origins=settings.allowed_origins,
            trusted_clients=settings.trusted_clients,
        ),
        # behind the guard, as answers depend on who asks; before the gate and the routes, which cost more
        Middleware(Polls, root_path=settings.root_path),
    ]


def _check_disk(settings: Settings, folders: Folders, more: int) -> None:
    if folders.free_bytes() - more < settings.disk_reserve:
        raise DiskFull()


def _mount_page(app: FastAPI, settings: Settings, folders: Folders) -> Middleware:
    """Mounts the page; returns the gate that stands before Gradio's own routes."""
    # Gradio reads these at import: no analytics, its own temporary folder inside ours
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = str(folders.gradio)
    without_notes_for_authors()
    from gradio_app.web.ui import mount

    return mount(app, settings, folders)


def choose_tokens(settings: Settings, secret: bytes) -> tuple[str, str]:
    """The shared token and the administrator's: the given ones, or those of this data folder.

    A shared one is made when this server is reached from elsewhere and nobody could sign in. They stay the
    same at the next start, so that nobody has to sign in again; deleting ``data/secret`` makes new ones.
    """
    token = settings.token
    if not token and not settings.users and not is_loopback(settings.host):
        token = made_token(secret, "shared")
    return token, settings.admin_token or (made_token(secret, "admin") if token else "")


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket; raises ``AppError`` with a sentence when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer takes 40 ms
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host.strip("[]"), port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise AppError(
            f"Cannot listen on {host} port {port}: {error.strerror}. Choose another --port."
        ) from None
    return sock


def address(settings: Settings, sock: socket.socket, token: str) -> str:
    """The URL to open in a browser, with the token where one is needed."""
    host = settings.host
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    host = f"[{host}]" if ":" in host else host
    query = f"/?token={quote(token, safe='')}" if token else ""
    return f"http://{host}:{sock.getsockname()[1]}{settings.root_path}{query}"


def _secrets(
    settings: Settings, sock: socket.socket, secrets: tuple[str, str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """For ``made_secrets``: addresses with tokens, and how machines join; given ones, and made ones."""
    token, admin_token, cluster = secrets
    given, made = dict[str, str](), dict[str, str]()
    if token:
        (given if settings.token else made)["everybody opens"] = address(settings, sock, token)
    if admin_token and not settings.admin_token:
        made["the administrator opens"] = address(settings, sock, admin_token)
    if settings.ray_address and cluster and not settings.ray_token and not address_of(settings).alone:
        made["other machines join with"] = f"MINERU_APP_RAY_TOKEN={cluster} {join_line(settings)}"
    return given, made


async def serve(settings: Settings, folders: Folders) -> None:
    """Runs until SIGTERM or Ctrl-C. Raises ``AppError`` when the port or the data folder is taken."""
    users = Users(settings.users) if settings.users else None
    sock = open_socket(settings.host, settings.port)
    store = Store(folders.database)
    secret = server_secret(folders.secret)
    token, admin_token = choose_tokens(settings, secret)
    credentials = Credentials(token, admin_token, users, secret, SignedOut(folders.signed_out))
    cluster = cluster_token(settings, made_token(secret, "cluster"))
    with nothing_is_garbage():
        app = build(settings, folders, store, credentials, cluster)

    def let_go() -> None:
        manager: TaskManager | None = getattr(app.state, "manager", None)
        if manager is not None:
            asyncio.get_running_loop().create_task(manager.begin_closing())
        app.state.closing.begin()
        app.state.stop_event.set()

    PatientProtocol.limit_to(most_connections(), Proxies(settings.trusted_proxies))
    config = uvicorn.Config(
        app,
        loop="asyncio",  # uvloop comes with other packages: how we behave must not depend on that
        http=PatientProtocol,
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # uvicorn believes every program of this machine; ``Forwarded`` does it
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=30,
        server_header=False,
        lifespan="on",
    )
    server = Server(config, let_go)
    logger.bind(action="listen").info("open {} in a browser", address(settings, sock, ""))
    if settings.ray_address:
        say_how_to_join(settings)
    made_secrets.tell(*_secrets(settings, sock, (token, admin_token, cluster)), folders.sign_in)
    await server.serve(sockets=[sock])
    if not server.started:
        raise SystemExit(3)


def main(argv: Sequence[str] | None = None) -> None:
    """Reads the settings, then serves."""
    settings = Settings.load(sys.argv[1:] if argv is None else argv)
    configure_logging(settings.log_level, settings.log_format)
    for sentence in older_names(os.environ):
        logger.info(sentence)
    os.umask(0o077)  # documents are private, whatever the data folder allows
    try:
        folders = Folders(settings.data_dir)
        folders.create()
        audit.open_file(folders.audit)
        # Gradio's handlers may hand out files below the working and the temporary folder: both are private
        os.environ["TMPDIR"] = str(folders.run / "tmp")
        os.chdir(folders.run / "cwd")
        asyncio.run(serve(settings, folders))
    except AppError as error:
        logger.error(error.message)
        raise SystemExit(1) from None
