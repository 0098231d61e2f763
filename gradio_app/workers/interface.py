"""Interface to workers: a part of a document to read, its result, and ``Workers``, which read parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from gradio_app.base.errors import WorkerCrashed
from gradio_app.base.findings import Findings
from gradio_app.base.notes import MOST_NOTES, Note, check_range
from gradio_app.base.options import MOST_PAGES, is_reader
from gradio_app.engine import ModelSingleton
from gradio_app.workers.pool import WorkerPool

Range = Annotated[str, AfterValidator(check_range)]
#: how many parts are read at the same time: those that compute (False), those for the vision model (True)
Slots = Mapping[bool, int]


@dataclass(frozen=True, slots=True)
class Part:
    """A document, or some of its pages, to be read by ``parsing.JOBS[fn]``.

    ``source`` is the document and ``out`` the folder for the result, which does not exist yet. Both are on
    this machine, whichever reads it. ``seconds`` is how long it may compute.
    ``vision``: the vision model reads its pages; ``alone``: and nobody else's at the same time.
    """

    fn: str
    source: Path
    out: Path
    options: Mapping[str, Any]
    seconds: float
    vision: bool = False
    alone: bool = False


#: readers of the pages of one part
MOST_READERS = 20


def _known(name: str) -> str:
    if not is_reader(name):
        raise ValueError("no reader of that name")
    return name


Reader = Annotated[str, AfterValidator(_known)]


@dataclass(frozen=True, slots=True)
class PartResult:
    """The outcome of a part; its files are in ``Part.out``.

    ``pages`` were read. ``sha256`` is that of the Markdown, where the job wrote a finished result. ``failed``
    are 1-based pages with blocks missing, for ``reason``. ``seconds`` were computed. ``engine`` (JSON: kind,
    version, model) read the pages and wrote ``tokens``. ``notes``, ``coverage``, ``words`` and ``readers``
    are as in ``Findings``. ``kept`` are pages of which a joined document has the first reading, although
    another one read them again.
    """

    pages: Annotated[int, Field(ge=0, le=MOST_PAGES)]
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    failed: tuple[Annotated[int, Field(ge=1, le=MOST_PAGES)], ...] = ()
    reason: Annotated[str, Field(max_length=2000)] = ""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    engine: Annotated[str, Field(max_length=2000)] = ""
    tokens: Annotated[int, Field(ge=0, le=2**53)] = 0
    notes: Annotated[tuple[Note, ...], Field(max_length=MOST_NOTES)] = ()
    coverage: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    words: Annotated[int, Field(ge=0, le=2**53)] = 0
    readers: Annotated[
        Mapping[Annotated[str, AfterValidator(_known)], Range], Field(max_length=MOST_READERS)
    ] = field(default_factory=dict[str, Range])
    kept: Range = ""

    @property
    def findings(self) -> Findings:
        """What was found beside the text."""
        return Findings(self.notes, self.coverage, self.words, {**self.readers})

    @staticmethod
    def of(answer: Mapping[str, Any]) -> PartResult:
        """From a job's answer as JSON. A hostile document may have written it.

        Raises ``WorkerCrashed`` for an answer that no job of ours gives.
        """
        try:
            return _RESULT.validate_python(answer)
        except ValidationError as error:
            raise WorkerCrashed() from error


_RESULT = TypeAdapter(PartResult)


def nobody() -> None:
    """Nobody is to be told: what ``changed`` is until the queue is there."""


class Workers(Protocol):
    """What the queue needs of those who read."""

    #: called when there are more slots than before, or another engine
    changed: Callable[[], None]
    #: the model server of this machine
    engine: ModelSingleton
    #: the processes of this machine, for jobs whose files are here
    here: WorkerPool

    @property
    def slots(self) -> Slots:
        """How many parts may be read at the same time now."""
        ...

    @property
    def identity(self) -> str:
        """What would read pages at the tiers with the vision model now; empty: nothing, see ``no_engine``."""
        ...

    @property
    def models_elsewhere(self) -> bool:
        """Whether another machine has MinerU's own small models."""
        return False

    @property
    def no_engine(self) -> str:
        """Why ``identity`` is empty, in a sentence; else empty."""
        ...

    async def read(self, part: Part) -> PartResult:
        """Reads a part into ``part.out``.

        Raises the job's own ``AppError``, ``TaskTimeout``, ``WorkerOutOfMemory``, ``WorkerCrashed``, or why
        there is no engine; ``EngineLost`` when it went away meanwhile. Cancelled, it is stopped at once.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """For people: ``address`` of the cluster (empty: there is none), ``error``, and its ``machines``."""
        return {"address": "", "error": "", "machines": []}

    async def close(self) -> None:
        """Ends all workers. Parts that are still being read raise ``WorkerCrashed``."""
