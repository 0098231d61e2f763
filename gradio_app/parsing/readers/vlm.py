"""Reader for the tiers with a vision model: MinerU's client, patched, and a report of pages that failed.

MinerU sends neither a cap on answers nor a guard that SGLang accepts, and one failed block fails the whole
document. ``PATCHES`` lists each replaced function of the pinned versions: docs/adr/0005.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import fcntl
import functools
import io
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from loguru import logger

from gradio_app.base.errors import EngineUnavailable

#: longest wait for one answer, in seconds; the queue notices sooner when the server is gone
ANSWER_TIMEOUT = 300
#: tokens that may not come again in the same order, MinerU's own figure, and how far back the guard compares:
#: SGLang's guard compares in Python, for every token, so a larger window slows all requests
NGRAM, NGRAM_WINDOW = 100, 256
#: an idle connection is kept for so many seconds
_IDLE = 1.0
#: seconds between two attempts to get a turn to compute
_GATE_PAUSE = 0.01
#: these answers mean that the server is at fault, not the page
SERVER_FAULTS = frozenset({401, 403, 404, 407, 408, 429, 502, 503, 504})


@dataclass(slots=True)
class Watch:
    """What one job asked of the model. ``failed`` are positions of pages with a block that failed."""

    endpoint: Mapping[str, Any]
    gate: Sequence[str] = ()
    failed: set[int] = field(default_factory=set[int])
    reason: str = ""
    answers: int = 0
    tokens: int = 0
    #: id of a picture -> the position of its page, and the picture, so that no id is used twice
    pages: dict[int, tuple[int, Any]] = field(default_factory=dict[int, tuple[int, Any]])
    seen: int = 0

    def report(self, pages: Sequence[int]) -> dict[str, Any]:
        """For the queue: the numbers of the failed among ``pages`` (empty: all), why, tokens written."""
        numbers = [pages[position] if pages else position + 1 for position in sorted(self.failed)]
        return {"failed": numbers, "reason": self.reason, "tokens": self.tokens}

    def fail(self, picture: Any, reason: str) -> None:
        """Notes that the answer about this picture will be missing."""
        self.reason = self.reason or reason
        if found := self.pages.get(id(picture)):
            self.failed.add(found[0])

    def add_page(self, picture: Any) -> None:
        """Notes the picture of the next page."""
        self.pages[id(picture)] = self.seen, picture
        self.seen += 1

    def add_piece(self, piece: Any, page: Any) -> None:
        """Notes a picture that was made of the picture of a page."""
        if found := self.pages.get(id(page)):
            self.pages[id(piece)] = found[0], piece


#: the job that runs now: a worker runs one at a time
_current: Watch | None = None
#: whether the answer that this block got was cut off at the cap
_cut_off: ContextVar[bool] = ContextVar("cut_off", default=False)


@contextmanager
def model_server(
    endpoint: Mapping[str, Any] | None, gate: Sequence[str] = (), mineru: bool = True
) -> Generator[Watch | None]:
    """Sends what MinerU asks inside the block to this server (None: no model is needed).

    ``gate`` are files: as many workers may compute at the same time while others wait for the server.
    Unless ``mineru`` asks, the block does so itself. Raises ``EngineUnavailable`` when it answered nothing at
    all.
    """
    global _current
    if endpoint is None:
        yield None
        return
    if mineru:
        _patch_all()
    watch = _current = Watch(endpoint, gate)
    try:
        yield watch
    finally:
        _current = None
    if watch.reason and not watch.answers:
        raise EngineUnavailable(f"The model server could not read these pages: {watch.reason}")


def vlm_config(endpoint: Mapping[str, Any]) -> Any:
    """MinerU's settings for this server."""
    from mineru.config import VlmConfig

    return VlmConfig(
        server_url=str(endpoint["url"]),
        api_key=str(endpoint["api_key"]),
        model=str(endpoint["model"]),
        http_timeout=ANSWER_TIMEOUT,
    )


# ---------------------------------------------------------------- hooks, called with job and original


@contextmanager
def _compute(watch: Watch, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Generator[None]:
    """A stage that computes here, before or after the model."""
    with _turn(watch.gate) if watch.gate else nullcontext(), original(*args, **kwargs):
        yield


@contextmanager
def _turn(gate: Sequence[str]) -> Generator[None]:
    """Locks one of these files; a worker that dies gives its lock back."""
    while True:
        for file in gate:
            with open(file, "rb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield
                return
        time.sleep(_GATE_PAUSE)


async def _without_retries(_watch: Watch, original: Callable[..., Any], client: Any) -> Any:
    """Answers that ask for patience (429, 502 to 504) are still tried again.

    SGLang closes what is idle for five seconds; a client that keeps a connection as long sends into one that
    closes, and no connection may break for so little here.
    """
    client.keepalive_expiry = _IDLE
    made = await original(client)
    transport = made._transport
    transport.retry = transport.retry.copy_with(retry_on_exceptions=())
    return made


def _encode(_watch: Watch, _original: Callable[..., bytes], image: Any) -> bytes:
    """The same pixels, a little longer: they travel on loopback or a LAN."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _build_body(watch: Watch, original: Callable[..., dict[str, Any]], *args: Any, **kwargs: Any) -> Any:
    body, endpoint = original(*args, **kwargs), watch.endpoint
    if endpoint["max_tokens"]:
        body["max_tokens"] = min(endpoint["max_tokens"], body.get("max_tokens") or endpoint["max_tokens"])
    if endpoint["guard"]:
        body["custom_logit_processor"] = endpoint["guard"]
        body["custom_params"] = {"ngram_size": NGRAM, "window_size": NGRAM_WINDOW}
    return body


def _read_usage(watch: Watch, original: Callable[..., dict[str, Any]], *args: Any, **kwargs: Any) -> Any:
    data = original(*args, **kwargs)
    usage, choices = data.get("usage"), data.get("choices")
    watch.tokens += int(usage.get("completion_tokens") or 0) if isinstance(usage, dict) else 0
    first = choices[0] if isinstance(choices, list) and choices else None
    _cut_off.set(isinstance(first, dict) and first.get("finish_reason") == "length")
    return data


async def _predict(
    watch: Watch, original: Callable[..., Any], client: Any, image: Any, *args: Any, **kwargs: Any
) -> str:
    """One block. A failed one is left empty, and its page marked; a 500 is tried once more."""
    reason = ""
    for _attempt in range(2):
        _cut_off.set(False)
        try:
            text = await original(client, image, *args, **kwargs)
        except Exception as error:
            reason = _blame(error)
            if getattr(error, "status_code", 0) < 500:
                break
        else:
            watch.answers += 1
            if _cut_off.get():
                watch.fail(image, "an answer found no end")
            return text
    logger.debug("a block was given up: {}", reason)
    watch.fail(image, reason)
    return ""


def _blame(error: Exception) -> str:
    """What is wrong with the block, in words; raises ``EngineUnavailable`` when the server is to blame."""
    import httpx
    from mineru_vl_utils.vlm_client.base_client import HttpResponseError, RequestError, ServerError

    if isinstance(error, httpx.TransportError):
        raise EngineUnavailable(
            f"The model server does not answer any more ({type(error).__name__})."
        ) from error
    if isinstance(error, HttpResponseError):
        if error.status_code in SERVER_FAULTS:
            raise EngineUnavailable(f"The model server answers {error.status_code}.") from error
        return f"it answers {error.status_code}"
    # the latter three: an answer of another shape than the client goes through
    if isinstance(error, RequestError | ServerError | ValueError | LookupError | TypeError | AttributeError):
        return "its answer cannot be understood"
    raise error


async def _remember_pages(
    watch: Watch, original: Callable[..., Any], client: Any, images: Sequence[Any], *args: Any, **kwargs: Any
) -> Any:
    for image in images:
        watch.add_page(image)
    return await original(client, images, *args, **kwargs)


def _remember_pieces(
    watch: Watch, original: Callable[..., Any], helper: Any, image: Any, *args: Any, **kwargs: Any
) -> Any:
    prepared = original(helper, image, *args, **kwargs)
    for piece in prepared[0] if isinstance(prepared, tuple) else [prepared]:
        watch.add_piece(piece, image)
    return prepared


# ---------------------------------------------------------------- patches

_WINDOW = "mineru.backend.analysis.pdf.window"
_CLIENT = "mineru_vl_utils.mineru_client"
_HTTP = "mineru_vl_utils.vlm_client.http_client:HttpVlmClient"
_WHICH_PAGE = "MinerU does not say which page a failed block belongs to"
#: module (and class), the function that is replaced there, its hook, and why. MinerU has a setting for none
PATCHES: tuple[tuple[str, str, Callable[..., Any], str], ...] = (
    (_WINDOW, "local_model_stage", _compute, "else all workers compute together, then all wait"),
    (_CLIENT, "get_png_bytes", _encode, "speed: packing a picture takes a third of the time"),
    (_HTTP, "_new_aio_client", _without_retries, "a page that kills the server would kill it four times"),
    (_HTTP, "build_request_body", _build_body, "SGLang needs a cap on tokens, and a guard of its own"),
    (_HTTP, "get_response_data", _read_usage, "tokens are counted; an answer that was cut off is noticed"),
    (_HTTP, "aio_predict", _predict, "one failed block would fail the whole document"),
    (f"{_CLIENT}:MinerUClient", "aio_batch_extract_with_layout", _remember_pages, _WHICH_PAGE),
    (f"{_CLIENT}:MinerUClient", "aio_batch_two_step_extract", _remember_pages, _WHICH_PAGE),
    (f"{_CLIENT}:MinerUClientHelper", "prepare_for_layout", _remember_pieces, _WHICH_PAGE),
    (f"{_CLIENT}:MinerUClientHelper", "prepare_for_extract", _remember_pieces, _WHICH_PAGE),
)


@functools.cache
def _patch_all() -> None:
    """Applies ``PATCHES``, once in a process."""
    for owner, name, hook, _why in PATCHES:
        module, _, cls = owner.partition(":")
        found = import_module(module)
        _patch(getattr(found, cls) if cls else found, name, hook)


def _patch(owner: Any, name: str, hook: Callable[..., Any]) -> None:
    """Replaces a function by ``hook`` while a job asks the model; without one MinerU's own runs."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def patched(*args: Any, **kwargs: Any) -> Any:
        watch = _current
        return original(*args, **kwargs) if watch is None else hook(watch, original, *args, **kwargs)

    setattr(owner, name, patched)
