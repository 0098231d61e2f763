"""What is simulated: machines and cards, what goes wrong with them, and the documents that come."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fleet:
    """Machines of one kind below one head. Times in seconds, bandwidths in bytes per second."""

    nodes: int = 1
    #: cores of a node, and parts that are computed there at the same time (``workers``)
    cores: int = 2
    slots: int = 2
    #: cards of a node, pages that one reads in a second when it is full, how many parts fill it, and how many
    #: are given to it at the same time (``workers_vlm``)
    cards: int = 0
    card_rate: float = 0.0
    card_full: float = 4.0
    card_parts: int = 8
    #: core-seconds of the node for each page that a card reads: pictures before, post-processing after
    page_computing: float = 0.0
    #: seconds that a part alone on the node takes for that, where some of it is done side by side; 0: as long
    page_alone: float = 0.0
    #: pages of a part that are prepared before the first of them is read (MinerU's window, as we set it)
    window: int = 4
    #: the head's cores; the only node is the head itself (as with ``--workers``), or none is
    head_cores: float = 2
    head_computes: bool = True
    #: documents that are inspected at the same time
    looks: int = 1
    #: bytes of a page that go to a node and come back; 0 where nothing leaves the machine
    bytes_in: float = 0.0
    bytes_out: float = 0.0
    head_network: float = math.inf
    node_network: float = math.inf
    #: mean time until a node dies, until the head knows (as Ray is set), until another takes its place
    lifetime: float = math.inf
    detection: float = 6.0
    replacement: float = 300.0

    @property
    def vision(self) -> bool:
        return self.cards > 0

    @property
    def parts_at_once(self) -> int:
        """Slots of one node for the parts that are simulated."""
        return self.cards * self.card_parts if self.vision else self.slots

    @property
    def stages(self) -> int:
        """Parts of a node that prepare or finish pages at the same time, as ``LocalWorkers`` has it."""
        return max(1, self.slots - 1)

    @property
    def pages_per_second(self) -> float:
        """What all cards read, if nothing else took time."""
        return self.nodes * self.cards * self.card_rate


@dataclass(frozen=True, slots=True)
class Document:
    """``arrival`` in seconds since the start."""

    arrival: float
    owner: str
    pages: int


#: pages of one document, drawn
Sizes = Callable[[random.Random], int]


def of_pages(pages: int) -> Sizes:
    """All documents alike."""
    return lambda _: pages


def papers(rng: random.Random) -> int:
    """Half have at most 8 pages, a few have hundreds; 16 on average."""
    return min(1000, max(1, round(rng.lognormvariate(math.log(8), 1.2))))


@dataclass(frozen=True, slots=True)
class Load:
    """Documents that come: all at once, at a rate (Poisson), or a new one whenever one ends (``backlog``)."""

    documents: int
    sizes: Sizes
    rate: float = math.inf
    backlog: int = 0
    owners: int = 20
    shard_pages: int = 64
    #: the client computes on the head's machine and sends one document after the other
    local_client: bool = False

    def draw(self, rng: random.Random) -> Iterator[Document]:
        """The documents in the order of their arrival."""
        now = 0.0
        for _ in range(self.documents):
            if math.isfinite(self.rate):
                now += rng.expovariate(self.rate)
            yield Document(now, f"owner-{rng.randrange(self.owners)}", self.sizes(rng))
