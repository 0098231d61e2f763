"""Service of the ``api`` mode: LitServe with so many readers a device behind ``POST /predict``.

It keeps no queue and forgets what it was asked when it ends; clients ask again. For work that must not be
lost, and for many people, there is the ``gradio`` mode.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

# no annotations as text here: LitServe reads that of decode_request

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import Any, cast

import litserve
import psutil
from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from litserve import server as litserve_server
from loguru import logger
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException

from gradio_app.base.errors import AppError, OptionInvalid, as_app_error
from gradio_app.base.logs import configure_logging
from gradio_app.base.settings import Settings, add_flags, given_flags, secret_of
from gradio_app.commands import models
from gradio_app.commands.api.guard import Guard, document_offline
from gradio_app.commands.api.options import KEY_VARIABLE, Order, read_order
from gradio_app.commands.api.reader import Reader
from gradio_app.machine.cards import choose_cards, read_cards
from gradio_app.model_server.choose import engine_kind

#: bodies are base64 and JSON around it
_INFLATION = 1.4
#: settings that are flags of this mode too
OURS = ("data_dir", "model_dir", "builtin_models", "allowed_hosts", "sglang_url", "engine", "log_level")


@dataclass(frozen=True)
class Plan:
    """What the flags say beyond the settings."""

    accelerator: str
    devices: int | str
    workers_per_device: int
    output_dir: Path | None


class Predict(BaseModel):
    """The body of a request: a document in base64, and how to read it (see ``options.py``)."""

    file: str
    options: dict[str, Any] = {}


class DocumentAPI(litserve.LitAPI):
    """One reader a worker process. LitServe pickles it, so until ``setup`` it holds plain values only."""

    def __init__(self, settings: Settings, root: Path, output_dir: Path | None) -> None:
        super().__init__()
        self._settings = settings
        self._root = root
        self._output_dir = output_dir
        self._runner: asyncio.Runner | None = None
        self._opened: AbstractAsyncContextManager[Reader] | None = None
        self._reader: Reader | None = None

    def setup(self, device: str) -> None:
        """Opens the reader of this worker process. ``device``: ``cpu``, ``mps``, ``cuda:0``."""
        configure_logging(self._settings.log_level, self._settings.log_format)
        settings = self._settings
        kind, _, index = device.partition(":")
        os.environ["MINERU_DEVICE_MODE"] = device
        if kind == "cuda":  # each worker has one card, and one server on it
            settings = replace(settings, gpu=_card_of(settings.gpu, int(index)), engine_replicas=1)
        self._runner = asyncio.Runner()
        self._opened = Reader.opened(settings, self._root / f"worker-{os.getpid()}")
        self._reader = self._runner.run(self._opened.__aenter__())
        logger.bind(action="reader").info("reads documents on {} in process {}", device, os.getpid())

    def decode_request(self, request: Predict, **kwargs: Any) -> Order:
        """The order in a request; errors as ``HTTPException``, which LitServe passes on."""
        try:
            return read_order(request.file, request.options, self._settings.max_file_size)
        except AppError as error:
            raise _answerable(error) from None

    def predict(self, x: Order, **kwargs: Any) -> dict[str, Any]:
        """Reads the document."""
        assert self._runner is not None and self._reader is not None
        try:
            return self._runner.run(self._reader.read(x, self._output_dir))
        except Exception as error:
            if not isinstance(error, AppError):
                logger.opt(exception=error).error("a document could not be read")
            raise _answerable(as_app_error(error)) from None

    def teardown(self) -> None:
        """Ends the reader's processes."""
        if self._runner is not None and self._opened is not None:
            self._runner.run(self._opened.__aexit__(None, None, None))
            self._runner.close()


def _card_of(setting: str, device: int) -> str:
    """The setting ``gpu`` of the worker on LitServe's device of that number."""
    if setting in ("auto", "all"):
        return str(device)
    named = setting.split(",")
    return named[device % len(named)]


def _answerable(error: AppError) -> HTTPException:
    return HTTPException(error.status, error.to_dict())


def build(settings: Settings, plan: Plan, key: str = "") -> litserve.LitServer:
    """The server with its routes: ``/predict``, ``/health``, ``/info``, ``/docs``."""
    root = settings.data_dir.resolve() / "api"
    shutil.rmtree(root, ignore_errors=True)  # what a killed service has left
    root.mkdir(parents=True, mode=0o700)
    if plan.output_dir is not None:
        plan.output_dir.mkdir(parents=True, exist_ok=True)
    guard = {
        "key": key,
        "allowed_hosts": settings.allowed_hosts,
        "max_body": int(settings.max_file_size * _INFLATION) + 2**20,
    }
    server = litserve.LitServer(
        DocumentAPI(settings, root, plan.output_dir),
        accelerator=cast(Any, plan.accelerator),
        devices=cast(Any, plan.devices),
        workers_per_device=plan.workers_per_device,
        timeout=False,  # documents take as long as they take; task_timeout ends what hangs
        restart_workers=True,
        track_requests=True,
        middlewares=[(Guard, guard)],
    )
    document_offline(server.app)
    server.app.add_exception_handler(StarletteHTTPException, _answer)
    server.app.add_exception_handler(RequestValidationError, _answer_invalid)
    return server


async def _answer(_request: Request, error: Exception) -> JSONResponse:
    """Errors in the shape that the rest of this program gives them."""
    assert isinstance(error, StarletteHTTPException)
    detail: Any = error.detail
    if not isinstance(detail, dict):
        codes = {404: "not_found", 405: "not_found", 413: "file_too_large", 422: "option_invalid"}
        phrase = HTTPStatus(error.status_code).phrase
        detail = {
            "code": codes.get(error.status_code, "internal_error"),
            "message": f"{detail or phrase}.".replace("..", "."),
            "retryable": error.status_code >= 500,
        }
    return JSONResponse({"error": detail}, error.status_code)


async def _answer_invalid(_request: Request, _error: Exception) -> JSONResponse:
    error = OptionInvalid('Send a JSON object: {"file": the document in base64, "options": {...}}.')
    return JSONResponse({"error": error.to_dict()}, error.status)


def main(argv: Sequence[str] | None = None) -> None:
    """The ``api`` mode of the start script. Exit code 1 when something is missing, 2 for a bad flag."""
    parser = _parser()
    flags = parser.parse_args(sys.argv[1:] if argv is None else list(argv))
    settings = _settings(flags)
    plan = _plan(parser, flags, settings)
    configure_logging(settings.log_level, settings.log_format)
    os.umask(0o077)
    if flags.fetch_models:
        models.main([f"--source={settings.model_source}", f"--model-dir={settings.model_dir}"])
    key = secret_of(os.environ, KEY_VARIABLE)
    os.environ.pop(KEY_VARIABLE, None)  # workers need not know it
    if settings.host not in ("127.0.0.1", "localhost", "::1") and not key:
        parser.error(f"on a network this service needs a key: set {KEY_VARIABLE} (clients send X-API-Key).")
    # LitServe looks for the package "mcp", imports "fastmcp" instead, and stops where only the first is there
    litserve_server._MCP_AVAILABLE = False  # pyright: ignore[reportPrivateUsage]
    server = build(settings, plan, key)
    signal.signal(signal.SIGTERM, _end)
    server.run(
        host=settings.host,
        port=settings.port,
        generate_client_file=False,
        num_api_servers=1,
        log_level="warning",
        pretty_logs=False,
    )


def _end(_number: int, _frame: FrameType | None) -> None:
    """LitServe leaves its processes behind at SIGTERM. Nothing is lost: who has no answer asks again."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
    os._exit(0)


def _settings(flags: argparse.Namespace) -> Settings:
    address = ["--host", flags.host, "--port", str(flags.port)]
    return Settings.load(address + given_flags(flags, OURS))


def _plan(parser: argparse.ArgumentParser, flags: argparse.Namespace, settings: Settings) -> Plan:
    accelerator = flags.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if read_cards(os.environ) else "cpu"
    devices = flags.devices if flags.devices == "auto" else int(flags.devices)
    if accelerator == "cuda" and devices == "auto":
        # LitServe would ask torch, which is not here
        found = read_cards(os.environ)
        devices = len(choose_cards(found, settings.gpu)) if "," in settings.gpu else len(found)
    own_engine = accelerator == "cuda" and engine_kind(settings)[0] == "sglang"
    if own_engine and flags.workers_per_device > 1:
        parser.error(
            "several workers on one card would each start a model server there. Start one for each card "
            "(./start_mineru_optimized.sh sglang) and name it with --sglang-url."
        )
    output = Path(flags.output_dir).resolve() if flags.output_dir else None
    return Plan(accelerator, devices, flags.workers_per_device, output)


def _number(text: str) -> str:
    if text != "auto" and not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be auto or a number from 1, not {text!r}")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="start_mineru_optimized.sh api",
        description="Serve POST /predict: a document in, Markdown out, on every device of this machine.",
        epilog="Settings of the gradio mode count here too, as environment variables: worker_memory_limit, "
        "task_timeout, max_file_size, max_pages and others. MINERU_APP_API_KEY is the key that clients send, "
        "or MINERU_APP_API_KEY_FILE names a file that holds it.",
        allow_abbrev=False,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
    parser.add_argument("--accelerator", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    parser.add_argument(
        "--devices", type=_number, default="auto", help="how many cards to use (default: all)"
    )
    parser.add_argument(
        "--workers-per-device", type=int, choices=range(1, 65), default=1, metavar="N", help="(default: 1)"
    )
    parser.add_argument("--output-dir", help="keep results here, and answer with their folder")
    parser.add_argument("--fetch-models", action="store_true", help="fetch missing weights before serving")
    add_flags(parser, OURS)
    return parser
