"""Messages of a cluster: what head, agent and nodes send each other, each checked on arrival.

Covers: head and agent (lines of JSON); agent and node (JSON in calls through Ray); node and its ``worker``
command. Does not cover: files of results; ``transfer`` packs and checks those.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import TypeAdapter

from gradio_app.base.errors import AppError, as_app_error
from gradio_app.workers.interface import Part, PartResult

T = TypeVar("T")
Status = Literal["joining", "ready", "refused", "lost"]


@dataclass(frozen=True, slots=True)
class PartOrder:
    """A ``Part`` without the paths of one machine. Some types are known by the ``suffix`` of the document."""

    fn: str
    options: Mapping[str, Any]
    seconds: float
    vision: bool
    alone: bool
    models: bool
    suffix: str

    @classmethod
    def of(cls, part: Part) -> Self:
        """What a node needs to know of a part."""
        suffix = part.source.suffix.lstrip(".")
        return cls(part.fn, part.options, part.seconds, part.vision, part.alone, part.models, suffix)

    def part(self, folder: Path) -> Part:
        """The part for this machine, with all of its paths in ``folder``."""
        source, flags = folder / f"document.{self.suffix}", (self.vision, self.alone, self.models)
        return Part(self.fn, source, folder / "out", self.options, self.seconds, *flags)


@dataclass(frozen=True, slots=True)
class Read:
    """Head to agent: let ``machine`` read a part of ``source``; put at most ``limit`` bytes into ``out``."""

    number: int
    machine: str
    part: PartOrder
    source: str
    out: str
    limit: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Head to agent: end the part of this number."""

    cancel: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A part raised an ``AppError``; ``kind`` is its class."""

    kind: str
    code: str
    message: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """What the head needs to raise the error again."""
        found = as_app_error(error)
        return cls(type(found).__name__, found.code, found.message)


@dataclass(frozen=True, slots=True)
class Lost:
    """No machine reads the part any more, and why. ``begun``: one had taken the part."""

    lost: str
    begun: bool = True


Outcome = PartResult | Failed | Lost


@dataclass(frozen=True, slots=True)
class Answer:
    """Agent to head: how the part of this number ended."""

    number: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Refused:
    """A node does not work for this head, and why."""

    refused: str


@dataclass(frozen=True, slots=True)
class Facts:
    """A node about itself. ``slots`` has ``compute`` and ``vision``; ``identity`` as in ``Workers``."""

    name: str
    versions: Mapping[str, str]
    slots: Mapping[str, int] = field(default_factory=dict[str, int])
    identity: str = ""
    models: bool = False
    engine: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cards: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class MachineState:
    """A machine as the agent sees it; no ``id``: the head itself. ``since``: Unix seconds of its status."""

    id: str = ""
    address: str = ""
    status: Status = "ready"
    why: str = ""
    since: float | None = None
    facts: Facts = Facts("", {})


@dataclass(frozen=True, slots=True)
class Machines:
    """Agent to head: all machines that joined, also those that were lost a while ago."""

    machines: tuple[MachineState, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Node to the ``worker`` command of its machine, in a file: what became of joining, for people."""

    state: Literal["ready", "refused"]
    text: str


TO_AGENT: TypeAdapter[Read | Cancel] = TypeAdapter(Read | Cancel)
TO_HEAD: TypeAdapter[Answer | Machines] = TypeAdapter(Answer | Machines)
#: the answers of a node to ``open`` (also to ``describe``) and ``read``
OPENED: TypeAdapter[Facts | Refused] = TypeAdapter(Refused | Facts)
OUTCOME: TypeAdapter[PartResult | Failed] = TypeAdapter(PartResult | Failed)
ORDER = TypeAdapter(PartOrder)
VERSIONS = TypeAdapter(dict[str, str])
NOTE = TypeAdapter(Note)


def encode(message: Any) -> str:
    """A message as one line of JSON."""
    return json.dumps(asdict(message))


def decode(kind: TypeAdapter[T], text: str | bytes) -> T:
    """The message in ``text``. Raises ``AppError`` for anything but a message of this kind."""
    try:
        return kind.validate_python(json.loads(text))
    except ValueError as error:
        raise AppError("A machine of the cluster sent what is no message of this program.") from error
