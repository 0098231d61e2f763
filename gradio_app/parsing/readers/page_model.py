"""Reads pages by a reader of ``base.page_readers``: draws them, asks the model server, tidies its answers.

A bad answer (cut off, running in a circle, empty, of another form) is asked for again as the reader says; in
the end its page is marked, and holds what could be read, or its picture.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
from loguru import logger
from PIL import Image

from gradio_app.base.errors import EngineUnavailable
from gradio_app.base.page_readers import LOST, Ask, Found, PageReader, Picture, Shown, Unreadable
from gradio_app.parsing.readers import flash
from gradio_app.parsing.readers.embedded.blocks import Block
from gradio_app.parsing.readers.loops import without_loop
from gradio_app.parsing.readers.tidy import Tidied, tidy
from gradio_app.parsing.readers.vlm import ANSWER_TIMEOUT, SERVER_FAULTS, Watch

#: pages that are asked about at the same time
AT_ONCE = 8
#: longest answer in letters, and its HTTP body in bytes: a page has fewer
MOST_ANSWER, MOST_BODY = 200_000, 4 << 20
#: pixels of a page that is drawn, whatever its size
_MOST_DRAWN = 12_000_000
#: tokens of a question's text and of what the template adds
_AROUND = 600
#: least that an answer may have, whatever the context
_SHORTEST = 256
#: difference of light below which nothing is on a page
_INK = 12
#: quality of the pictures that are cut out
_QUALITY = 85


@dataclass(slots=True)
class _Answer:
    """What the model said. ``problem`` is what is wrong with it, in words; empty: nothing."""

    found: list[Found] = field(default_factory=list[Found])
    problem: str = ""


def read(reader: PageReader, document: Any, numbers: Sequence[int], watch: Watch) -> dict[int, Tidied]:
    """What is on these pages (from 1) of an open PDF. Marks on ``watch`` those that miss something.

    Raises ``EngineUnavailable`` when the server is to blame.
    """
    pages: dict[int, Tidied] = {}
    with _client(watch.endpoint) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        waiting: list[tuple[int, int, _Page, Future[_Answer]]] = []
        for position, number in enumerate(numbers):
            page = _Page(document[number - 1])  # pdfium draws in one thread only
            pictures = {ask.picture: page.shown(ask.picture) for ask in reader.asks}
            if page.blank:  # a model would make something up
                pages[number] = Tidied()
                continue
            answer = pool.submit(_ask_in_turn, client, watch, reader, pictures, number)
            waiting.append((position, number, page, answer))
            if len(waiting) >= AT_ONCE:
                _finish(*waiting.pop(0), watch, pages)
        for each in waiting:
            _finish(*each, watch, pages)
    return pages


def _finish(
    position: int,
    number: int,
    page: _Page,
    waiting: Future[_Answer],
    watch: Watch,
    pages: dict[int, Tidied],
) -> None:
    """Puts the page of an answer into ``pages``; one that misses something is marked."""
    answer = waiting.result()
    made = tidy(answer.found, page.cut)
    problem = answer.problem or _problem_of(made)
    if not flash.is_sound(made.blocks):
        problem, made = "its blocks are refused", Tidied()
    if problem and not made.blocks:
        made = Tidied([page.whole()])
    pages[number] = made
    if problem:
        logger.debug("page {} was not read completely: {}", number, problem)
        watch.failed.add(position)
        watch.reason = watch.reason or problem


def _problem_of(made: Tidied) -> str:
    return f"{made.dropped} parts of an answer could not be used" if made.dropped else ""


# ---------------------------------------------------------------- asking


def _client(endpoint: Mapping[str, Any]) -> httpx.Client:
    key = endpoint["api_key"]
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # SGLang closes what is idle for five seconds; proxies of the environment are for the way out
    limits = httpx.Limits(keepalive_expiry=1.0)
    return httpx.Client(headers=headers, timeout=ANSWER_TIMEOUT, limits=limits, trust_env=False)


def _ask_in_turn(
    client: httpx.Client,
    watch: Watch,
    reader: PageReader,
    pictures: Mapping[Picture, Image.Image],
    number: int,
) -> _Answer:
    """The first good answer; else the one with most text."""
    best = _Answer(problem="nothing was asked")
    for ask in reader.asks:
        answer = _asked(client, watch, reader, ask, pictures[ask.picture], number)
        if not answer.problem:
            return answer
        if _letters(answer) >= _letters(best):
            best = answer
    return best


def _letters(answer: _Answer) -> int:
    return sum(len(each.text) for each in answer.found)


def _asked(
    client: httpx.Client, watch: Watch, reader: PageReader, ask: Ask, picture: Image.Image, number: int
) -> _Answer:
    try:
        text, cut_off = _chat(client, watch, ask, picture)
    except Unreadable as error:
        return _Answer(problem=str(error))
    whole, looped = without_loop(text[:MOST_ANSWER])
    cut_off = cut_off or len(text) > MOST_ANSWER
    problem = "an answer ran in a circle" if looped else "an answer found no end" if cut_off else ""
    try:
        found = list(reader.read(whole, Shown(*picture.size), number))
    except Unreadable as error:
        return _Answer(problem=str(error))
    except Exception as error:  # a parser of whomever: its page is marked, the others are read
        logger.opt(exception=error).warning("the reader {} failed on page {}", reader.name, number)
        return _Answer(problem="its answer cannot be understood")
    sound = [each for each in found if isinstance(each, Found)]  # pyright: ignore[reportUnnecessaryIsInstance]
    if all(each is LOST for each in sound):
        problem = problem or "its answer is empty"
    return _Answer(sound, problem)


def _chat(client: httpx.Client, watch: Watch, ask: Ask, picture: Image.Image) -> tuple[str, bool]:
    """Text of the answer and whether it was cut off. A 500 is tried once more.

    Raises ``Unreadable`` for what is the page's fault, ``EngineUnavailable`` for what is the server's.
    """
    endpoint, status = watch.endpoint, 0
    url = f"{str(endpoint['url']).rstrip('/').removesuffix('/v1')}/v1/chat/completions"
    body = json.dumps(_body(endpoint, ask, picture))
    for _attempt in range(2):
        try:
            status, data = _post(client, url, body)
        except httpx.TransportError as error:
            raise EngineUnavailable(
                f"The model server does not answer any more ({type(error).__name__})."
            ) from error
        if status == 200:
            watch.answers += 1
            return _text_of(watch, data)
        if status in SERVER_FAULTS:
            raise EngineUnavailable(f"The model server answers {status}.")
        if status < 500:
            break
    raise Unreadable(f"it answers {status}")


def _post(client: httpx.Client, url: str, body: str) -> tuple[int, bytes]:
    """Status and content, as far as an answer may go."""
    data = bytearray()
    headers = {"Content-Type": "application/json"}
    with client.stream("POST", url, content=body, headers=headers) as answer:
        for chunk in answer.iter_bytes():
            data += chunk
            if len(data) > MOST_BODY:
                raise Unreadable("its answer has no end")
        return answer.status_code, bytes(data)


def _body(endpoint: Mapping[str, Any], ask: Ask, picture: Image.Image) -> dict[str, Any]:
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    url = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
    image = {"type": "image_url", "image_url": {"url": url}}
    text = [{"type": "text", "text": ask.prompt}] if ask.prompt else []
    context = int(endpoint.get("context") or 0)
    room = context - ask.picture.tokens - _AROUND if context else ask.most_tokens
    body: dict[str, Any] = {
        "model": endpoint["model"],
        "messages": [{"role": "user", "content": [*text, image] if ask.text_first else [image, *text]}],
        "max_tokens": max(_SHORTEST, min(ask.most_tokens, room)),
        **ask.sampling,
    }
    if ask.guard and endpoint["guard"]:
        body |= {"custom_logit_processor": endpoint["guard"], "custom_params": dict(ask.guard)}
    return body


def _text_of(watch: Watch, data: bytes) -> tuple[str, bool]:
    try:
        answer: Any = json.loads(data)
        choice = answer["choices"][0]
        text, cut_off = choice["message"]["content"], choice.get("finish_reason") == "length"
        tokens = answer.get("usage", {}).get("completion_tokens") or 0
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Unreadable("its answer cannot be understood") from None
    if not isinstance(text, str):
        raise Unreadable("its answer is empty")
    watch.tokens += tokens if isinstance(tokens, int) and 0 < tokens < 1_000_000 else 0
    return text, cut_off


# ---------------------------------------------------------------- pictures


class _Page:
    """A page of a PDF, drawn as a reader wants it; pictures are cut out of the largest drawing."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._drawn: Image.Image | None = None

    def shown(self, how: Picture) -> Image.Image:
        """The page as a picture by these rules."""
        width, height = cast(tuple[float, float], self._page.get_size())
        scale = min(how.dpi / 72, (_MOST_DRAWN / max(1.0, width * height)) ** 0.5)
        drawn = cast(Image.Image, self._page.render(scale=scale).to_pil().convert("RGB"))
        if self._drawn is None or drawn.width > self._drawn.width:
            self._drawn = drawn
        size = fitted(drawn.size, how)
        return drawn if size == drawn.size else drawn.resize(size, Image.Resampling.LANCZOS)

    @property
    def blank(self) -> bool:
        """Whether nothing is on it, once it was drawn."""
        assert self._drawn is not None
        darkest, lightest = cast(tuple[int, int], self._drawn.convert("L").getextrema())
        return lightest - darkest < _INK

    def cut(self, box: Sequence[float]) -> str:
        """A part of the page (shares of it) as a data address of a JPEG."""
        assert self._drawn is not None
        width, height = self._drawn.size
        left, top = int(box[0] * width), int(box[1] * height)
        right, bottom = max(left + 2, int(box[2] * width)), max(top + 2, int(box[3] * height))
        out = io.BytesIO()
        self._drawn.crop((left, top, right, bottom)).save(out, "JPEG", quality=_QUALITY)
        return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()

    def whole(self) -> Block:
        """The page as a picture, so that nothing of it is lost."""
        box = [0.0, 0.0, 1.0, 1.0]
        return {"type": "image", "bbox": box, "content": "", "image_base64": self.cut(box)}


def fitted(size: tuple[int, int], how: Picture) -> tuple[int, int]:
    """Width and height, in proportion, within the limits of ``how`` and multiples of its factor."""
    width, height = size
    ratio = 1.0
    if how.longest:
        ratio = min(ratio, how.longest / max(size))
    if how.most:
        ratio = min(ratio, (how.most / (width * height)) ** 0.5)

    def side(length: int) -> int:
        return max(how.factor, int(length * ratio / how.factor + 1e-6) * how.factor)

    return side(width), side(height)
