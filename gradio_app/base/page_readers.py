"""Page readers: the models that can read pages on the engine, by name, with what each of them needs.

Covers: what a reader is, which ones are installed (entry points of the group ``mineru_optimized.readers``).
Does not cover: how pages reach them (``parsing/readers/page_model.py``), their files (``page_readers/``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from loguru import logger

GROUP = "mineru_optimized.readers"
#: the reader that the engine serves unless the setting says otherwise: MinerU's own vision model
DEFAULT = "mineru"
#: what a name may be: it stands in options, file names, logs and the store
NAME = re.compile(r"[a-z][a-z0-9]*([.-][a-z0-9]+)*")
MOST_NAME = 40
GIB, KIB = 2**30, 2**10
#: for models without a guard of their makers: 100 tokens do not come again within 256
NO_CIRCLES: Mapping[str, Any] = {"ngram_size": 100, "window_size": 256}


@dataclass(frozen=True, slots=True)
class Weights:
    """Where a model's weights come from. ``folder`` is their place below the folder of all weights.

    ``repo`` is that of Hugging Face, ``mirror`` that of ModelScope where its name is another one; ``size`` is
    in bytes. A licence that ``must_accept`` is agreed to once, before the model is fetched or served; its
    text is at ``terms``.
    """

    repo: str
    folder: str
    size: int
    licence: str
    mirror: str = ""
    terms: str = ""
    must_accept: bool = False


@dataclass(frozen=True, slots=True)
class Serve:
    """What a model takes on a card, for the plan of its server. Bytes and tokens.

    ``weights`` are loaded as published, ``small`` in 8 bit (0: not offered). ``kv`` is the cache of one
    token. A page does not fit into a context below ``least``; the model's own longest is ``context``;
    ``typical`` is what a request takes as a rule. ``capability`` is that of the oldest card. In ``flags`` of
    SGLang ``{model}`` stands for the folder of the weights, ``{here}`` for that of the reader's module.
    """

    weights: int
    kv: int
    context: int
    least: int
    typical: int
    small: int = 0
    capability: tuple[int, int] = (7, 5)
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """How a page becomes the picture that the model sees: drawn at ``dpi``, then made smaller.

    ``longest`` is the longest side and ``most`` the number of pixels (0: no limit). Both sides become
    multiples of ``factor``. ``tokens``: the most that such a picture takes of the context.
    """

    dpi: int = 200
    longest: int = 0
    most: int = 0
    factor: int = 1
    tokens: int = 4096


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the model. ``sampling`` are fields of the request, such as ``temperature``.

    ``guard`` are the parameters of SGLang's guard against repetition, where the server has one.
    """

    prompt: str = ""
    picture: Picture = Picture()
    sampling: Mapping[str, Any] = field(default_factory=dict[str, Any])
    most_tokens: int = 8192
    guard: Mapping[str, Any] = field(default_factory=dict[str, Any])
    text_first: bool = False

    def at(self, *temperatures: float) -> tuple[Ask, ...]:
        """The same question once at each temperature: a higher one leads out of a bad answer."""
        return tuple(replace(self, sampling={**self.sampling, "temperature": each}) for each in temperatures)


@dataclass(frozen=True, slots=True)
class Shown:
    """The picture that an answer is about: its size in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Found:
    """Something on a page as a model tells of it. Nothing of it is checked yet.

    ``label`` is MinerU's type of a block, or ``title``, ``list_item``, ``formula``, ``picture``; any other
    is text. ``box`` is x0, y0, x1, y1 in shares of the picture (None: not told). ``text`` is Markdown, HTML
    for a table, LaTeX for an equation.
    """

    label: str
    text: str = ""
    box: Sequence[float] | None = None


#: stands where a part of an answer could not be understood: the page is read, and marked
LOST = Found("lost")


class Unreadable(ValueError):
    """An answer is not of the form that its model promises; its text says why, in some words."""


Read = Callable[[str, Shown, int], Sequence[Found]]


def _mineru(_answer: str, _shown: Shown, _page: int) -> Sequence[Found]:
    raise Unreadable("MinerU reads the answers of its model itself")


@dataclass(frozen=True, slots=True)
class PageReader:
    """A way to read pages by one model on the engine.

    ``kind``: ``page`` asks about a whole page; ``mineru`` is MinerU's own path. ``asks`` are questions, tried
    in their order until an answer is good. ``titles`` and ``good_at`` are for people, by language
    (``en``, ``zh``). ``read`` takes an answer, what was shown and the page's number (from 1), and gives what
    is on it in reading order, nothing for an empty answer; it raises ``Unreadable``. ``version`` is raised
    when the text of any page changes.
    """

    name: str
    titles: Mapping[str, str]
    good_at: Mapping[str, str]
    kind: Literal["page", "mineru"]
    weights: Weights
    serve: Serve
    asks: Sequence[Ask]
    read: Read
    version: int = 1
    #: where its module lies, for ``{here}``; given by who loads it
    here: str = ""

    @property
    def identity(self) -> str:
        """What stands for it in keys of results."""
        return f"reader={self.name}/{self.version}"

    def flags(self, model: str) -> list[str]:
        """SGLang's flags that this model needs, with the folder of its weights."""
        return [flag.replace("{model}", model).replace("{here}", self.here) for flag in self.serve.flags]


MINERU = PageReader(
    name=DEFAULT,
    titles={"en": "MinerU2.5-Pro", "zh": "MinerU2.5-Pro"},
    good_at={"en": "clean pages, tables, formulas, Chinese", "zh": "清晰页面、表格、公式、中文"},
    kind="mineru",
    weights=Weights(
        repo="opendatalab/MinerU2.5-Pro-2605-1.2B",
        mirror="OpenDataLab/MinerU2.5-Pro-2605-1.2B",
        folder="MinerU2.5-Pro-2605-1.2B",
        size=5 * 2**29,
        licence="see its repository",
    ),
    serve=Serve(
        # as published, and with the linear layers of language and vision in 8 bit
        weights=int(2.2 * GIB),
        small=int(1.25 * GIB),
        # keys and values, 24 layers, 2 heads of 64, 2 bytes each (12 KiB)
        kv=2 * 24 * 2 * 64 * 2,
        context=16384,
        least=8192,
        # a page picture (1,370), its prompt and an answer
        typical=3072,
    ),
    asks=(),
    read=_mineru,
)

#: name -> module and attribute of those that come with us
_OURS = {
    "deepseek-ocr-2": "gradio_app.page_readers.deepseek:READER",
    "dots.mocr": "gradio_app.page_readers.dots:READER",
    "lightonocr-3": "gradio_app.page_readers.lighton:READER",
    "olmocr-2": "gradio_app.page_readers.olmocr:READER",
    "qwen3-vl": "gradio_app.page_readers.qwen:READER",
}


@cache
def installed() -> Mapping[str, EntryPoint]:
    """Readers by name, not loaded: ours, and those of other packages in this environment."""
    others = {point.name: point for point in entry_points(group=GROUP)}
    return others | {name: EntryPoint(name, place, GROUP) for name, place in _OURS.items()}


def names() -> list[str]:
    """Names of all readers that can be loaded, ours first; without ``mineru``."""
    known = sorted(installed(), key=lambda name: (name not in _OURS, name))
    return [name for name in known if find(name) is not None]


@cache
def find(name: str) -> PageReader | None:
    """The reader of that name; None where there is none, or where it cannot be loaded."""
    if name == DEFAULT:
        return MINERU
    point = installed().get(name) if NAME.fullmatch(name) and len(name) <= MOST_NAME else None
    if point is None:
        return None
    try:
        return _checked(point, point.load())
    except Exception as error:  # somebody else's package: whatever it does, the others are there
        logger.warning("the reader {} cannot be loaded: {}", name, error)
        return None


def _checked(point: EntryPoint, found: Any) -> PageReader:
    """What an entry point gave, as a reader. Raises ``TypeError`` or ``ValueError`` for anything else."""
    if not isinstance(found, PageReader):
        raise TypeError(f"{point.value} is no PageReader")
    if found.name != point.name or found.kind != "page":
        raise ValueError(f"{point.value} is named {found.name!r} and of kind {found.kind!r}")
    if not NAME.fullmatch(found.weights.folder.lower().replace("_", "-")) or "." in found.weights.folder:
        raise ValueError(f"{found.weights.folder!r} is no name of a folder")
    if not found.asks:
        raise ValueError("it asks nothing about a page")
    module = import_module(point.module)
    return replace(found, here=str(Path(module.__file__ or "").parent))


def by_tier(tier: str) -> PageReader | None:
    """The reader that a task asks for by its name instead of a tier; None for a tier, or an unknown name."""
    return find(tier) if tier != DEFAULT else None


def known(text: str) -> str:
    """A reader's name as somebody typed it. Raises ``ValueError`` that names those that are there."""
    name = text.strip().lower()
    if find(name) is None:
        raise ValueError(
            f"there is no reader {text[:MOST_NAME]!r}; readers are {', '.join([DEFAULT, *names()])}"
        )
    return name


def reader_of(name: str) -> PageReader:
    """The reader of a name that was checked before."""
    found = find(name)
    if found is None:
        raise ValueError(f"the reader {name} is not installed any more")
    return found


_SERVED = re.compile(r"\breader=([a-z0-9.-]+)/\d+")


def served(identity: str) -> frozenset[str]:
    """Names of the readers that the model servers of this identity serve; those of several stand by ``+``."""
    parts = identity.split(" + ") if identity else []
    return frozenset(found[1] if (found := _SERVED.search(part)) else DEFAULT for part in parts)


def serves_mineru(identity: str) -> bool:
    """Whether a model server of this identity serves MinerU's own vision model."""
    return DEFAULT in served(identity)
