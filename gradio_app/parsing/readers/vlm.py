"""The way to the vision model: what MinerU's client sends, and what becomes of pages that it cannot read.

MinerU sends neither a cap on answers nor a guard that SGLang keeps, and one failed block fails the whole
document. Both are mended here, on the inside of the pinned mineru-vl-utils: docs/adr/0005.
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
from pathlib import Path
from typing import Any

from loguru import logger

from gradio_app.base.errors import EngineUnavailable

#: longest wait for one answer, in seconds; the queue notices sooner when the server is gone
ANSWER_TIMEOUT = 300
#: tokens that may not come again in the same order, MinerU's own figure, and how far back is looked:
#: SGLang's guard compares in Python, for every token, so a longer look back slows all requests
NGRAM, NGRAM_WINDOW = 100, 256
#: an idle connection is kept for so many seconds
_IDLE = 1.0
#: seconds between two looks whether it is our turn to compute
_GATE_PAUSE = 0.01
#: these answers mean that the server, not the page, is the trouble
_SERVER_TROUBLE = frozenset({401, 403, 404, 407, 408, 429, 502, 503, 504})


#: the report of a job that asked no model
NOTHING_FAILED: dict[str, Any] = {"failed": [], "reason": "", "tokens": 0}


@dataclass(slots=True)
class Watch:
    """What one job asked of the model. ``failed`` are positions of pages with a block that failed."""

    endpoint: Mapping[str, Any]
    gate: Mapping[str, Any] | None = None
    failed: set[int] = field(default_factory=set[int])
    reason: str = ""
    answers: int = 0
    tokens: int = 0
    #: id of a picture -> position of its page. Pictures are kept, so that no id is used twice
    pages: dict[int, int] = field(default_factory=dict[int, int])
    kept: list[Any] = field(default_factory=list[Any])
    seen: int = 0

    def report(self, pages: Sequence[int]) -> dict[str, Any]:
        """For the queue: the numbers of the failed among ``pages`` (empty: all), why, tokens written."""
        numbers = [pages[position] if pages else position + 1 for position in sorted(self.failed)]
        return {"failed": numbers, "reason": self.reason, "tokens": self.tokens}

    def lost(self, picture: Any, reason: str) -> None:
        """Notes that the answer about this picture will be missing."""
        self.reason = self.reason or reason
        position = self.pages.get(id(picture))
        if position is not None:
            self.failed.add(position)


#: the job that runs now: a worker runs one at a time
_current: Watch | None = None
#: whether the answer that this block got was cut off at the cap
_cut_off: ContextVar[bool] = ContextVar("cut_off", default=False)


@contextmanager
def model_server(
    endpoint: Mapping[str, Any] | None, gate: Mapping[str, Any] | None = None
) -> Generator[Watch | None]:
    """Sends what MinerU asks inside the block to this server (None: no model is needed).

    ``gate`` is ``{"folder", "slots"}``: how many workers may compute at the same time while others wait
    for the server. Raises ``EngineUnavailable`` when it answered nothing at all.
    """
    global _current
    if endpoint is None:
        yield None
        return
    _install()
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


@functools.cache
def _install() -> None:
    """Puts our hooks into the client, once in a process."""
    from mineru.backend.analysis.pdf import window
    from mineru_vl_utils import mineru_client
    from mineru_vl_utils.mineru_client import MinerUClient, MinerUClientHelper
    from mineru_vl_utils.vlm_client.http_client import HttpVlmClient

    _wrap(window, "local_model_stage", _compute)
    _wrap(mineru_client, "get_png_bytes", _encode)
    _wrap(HttpVlmClient, "_new_aio_client", _without_retries)
    _wrap(HttpVlmClient, "build_request_body", _build_body)
    _wrap(HttpVlmClient, "get_response_data", _look_at_answer)
    _wrap(HttpVlmClient, "aio_predict", _predict)
    _wrap(MinerUClient, "aio_batch_extract_with_layout", _remember_pages)
    _wrap(MinerUClient, "aio_batch_two_step_extract", _remember_pages)
    _wrap(MinerUClientHelper, "prepare_for_layout", _remember_page)
    _wrap(MinerUClientHelper, "prepare_for_extract", _remember_blocks)


def _wrap(owner: Any, name: str, hook: Callable[..., Any]) -> None:
    """Replaces a method by ``hook``, which gets the original as its first argument."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return hook(original, *args, **kwargs)

    setattr(owner, name, wrapped)


@contextmanager
def _compute(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Generator[None]:
    """A stage that computes here, before or after the model. Only some workers do so at the same time.

    Without this gate all documents prepare their pages together, wait together and finish together: the
    model is idle for a third of the time (docs/benchmarks.md, "The vision model kept busy").
    """
    gate = _current.gate if _current is not None else None
    with _turn(gate) if gate else nullcontext(), original(*args, **kwargs):
        yield


@contextmanager
def _turn(gate: Mapping[str, Any]) -> Generator[None]:
    """One of ``slots`` file locks in ``folder``; a worker that dies gives its lock back."""
    files = [Path(gate["folder"], f"turn-{number}") for number in range(gate["slots"])]
    while True:
        for file in files:
            with file.open("a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield
                return
        time.sleep(_GATE_PAUSE)


# ---------------------------------------------------------------- requests


async def _without_retries(original: Callable[..., Any], client: Any) -> Any:
    """Broken connections are not tried again here: the queue reads the part again, when the server is back.

    Else a page that kills the server kills the next one too, four times for each try of ours. Answers
    that ask for patience (429, 502 to 504) still are. So none may break for a lesser reason: SGLang closes
    what is idle for five seconds, and a client that keeps it as long sends into one that closes.
    """
    client.keepalive_expiry = _IDLE
    made = await original(client)
    transport = made._transport
    transport.retry = transport.retry.copy_with(retry_on_exceptions=())
    return made


def _encode(_original: Callable[..., bytes], image: Any) -> bytes:
    """A PNG that is quick to make: the same pixels, a little longer. It travels on loopback or a LAN."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _build_body(original: Callable[..., dict[str, Any]], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Adds the cap, and the guard where the server takes it."""
    body = original(*args, **kwargs)
    if _current is not None:
        endpoint = _current.endpoint
        if endpoint["max_tokens"]:
            body["max_tokens"] = min(endpoint["max_tokens"], body.get("max_tokens") or endpoint["max_tokens"])
        if endpoint["guard"]:
            body["custom_logit_processor"] = endpoint["guard"]
            body["custom_params"] = {"ngram_size": NGRAM, "window_size": NGRAM_WINDOW}
    return body


def _look_at_answer(original: Callable[..., dict[str, Any]], *args: Any, **kwargs: Any) -> dict[str, Any]:
    data = original(*args, **kwargs)
    if _current is not None:
        usage, choices = data.get("usage"), data.get("choices")
        _current.tokens += int(usage.get("completion_tokens") or 0) if isinstance(usage, dict) else 0
        first = choices[0] if isinstance(choices, list) and choices else None
        _cut_off.set(isinstance(first, dict) and first.get("finish_reason") == "length")
    return data


async def _predict(original: Callable[..., Any], client: Any, image: Any, *args: Any, **kwargs: Any) -> str:
    """One block. What only this block is to blame for leaves it empty and its page marked."""
    watch = _current
    if watch is None:
        return await original(client, image, *args, **kwargs)
    for attempt in (1, 2):
        _cut_off.set(False)
        try:
            text = await original(client, image, *args, **kwargs)
        except Exception as error:
            reason = _blame(error)
            if attempt == 2 or not _worth_another_try(error):
                logger.debug("a block was given up: {}", reason)
                watch.lost(image, reason)
                return ""
        else:
            watch.answers += 1
            if _cut_off.get():
                watch.lost(image, "an answer found no end")
            return text
    raise AssertionError("not reached")


def _blame(error: Exception) -> str:
    """What is wrong with the block, in words; raises ``EngineUnavailable`` when the server is to blame."""
    import httpx
    from mineru_vl_utils.vlm_client.base_client import HttpResponseError, RequestError, ServerError

    if isinstance(error, httpx.TransportError):
        raise EngineUnavailable(
            f"The model server does not answer any more ({type(error).__name__})."
        ) from error
    if isinstance(error, HttpResponseError):
        if error.status_code in _SERVER_TROUBLE:
            raise EngineUnavailable(f"The model server answers {error.status_code}.") from error
        return f"it answers {error.status_code}"
    # the latter three: an answer of another shape than the client goes through
    if isinstance(error, RequestError | ServerError | ValueError | LookupError | TypeError | AttributeError):
        return "its answer cannot be understood"
    raise error


def _worth_another_try(error: Exception) -> bool:
    """500 is what SGLang answers when something went wrong inside; the same block may pass next time."""
    return getattr(error, "status_code", 0) >= 500


# ---------------------------------------------------------------- which picture belongs to which page


async def _remember_pages(
    original: Callable[..., Any], client: Any, images: Sequence[Any], *args: Any, **kwargs: Any
) -> Any:
    if _current is not None:
        for image in images:
            _keep(image, _current.seen)
            _current.seen += 1
    return await original(client, images, *args, **kwargs)


def _remember_page(original: Callable[..., Any], helper: Any, image: Any, *args: Any, **kwargs: Any) -> Any:
    prepared = original(helper, image, *args, **kwargs)
    _belongs(prepared, image)
    return prepared


def _remember_blocks(original: Callable[..., Any], helper: Any, image: Any, *args: Any, **kwargs: Any) -> Any:
    prepared = original(helper, image, *args, **kwargs)
    for block in prepared[0]:
        _belongs(block, image)
    return prepared


def _belongs(part: Any, page: Any) -> None:
    if _current is not None and id(page) in _current.pages:
        _keep(part, _current.pages[id(page)])


def _keep(picture: Any, position: int) -> None:
    assert _current is not None
    _current.pages[id(picture)] = position
    _current.kept.append(picture)
