"""How far it reaches, on paper: figures that were measured or published, named assumptions, and what follows.

``python -m bench.capacity`` prints its tables of docs/scaling.md; every assumption is a flag.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from bench.scaling.costs import Costs

DAY, MILLION = 86_400, 1_000_000


@dataclass(frozen=True, slots=True)
class Card:
    """A card and its published pages per second (arXiv 2509.22186, Table 3) with MinerU2.5 on vLLM."""

    name: str
    pages_per_second: float
    #: the field of ``Assumptions`` that has its price
    price: str


#: nobody has published figures of MinerU2.5 on SGLang; an older model on SGLang read 2.84 pages a second
#: on an A100, so these are no flattery
CARDS = (
    Card("RTX 4090 48G", 1.70, "price_4090"),
    Card("A100 80G", 2.12, "price_a100"),
    Card("H200", 4.47, "price_h200"),
)


def _assumed(default: float, text: str) -> float:
    """A field that is an assumption: its value, and what it says."""
    from dataclasses import field

    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What nobody measured for your site: change it to what you know. Dollars, bytes, seconds."""

    price_4090: float = _assumed(0.45, "dollars for an hour of an RTX 4090 48G")
    price_a100: float = _assumed(1.60, "dollars for an hour of an A100 80G")
    price_h200: float = _assumed(3.50, "dollars for an hour of an H200")
    price_core: float = _assumed(0.04, "dollars for an hour of a processor core with 4 GB of memory")
    price_store: float = _assumed(0.023, "dollars for a gigabyte in an object store for a month")
    busy: float = _assumed(0.85, "share of the paid time in which cards and cores work")
    bytes_in: float = _assumed(100_000, "bytes of a page in the file that comes")
    pages: float = _assumed(16, "pages of a document")
    months: float = _assumed(1, "months that files and results are kept")


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured on 2 shared cores without a card (docs/benchmarks.md, benchmark table and text)."""

    #: core-seconds of a page at tier flash: text only, and of a paper (290 ms at most)
    flash_text: float = 0.065
    flash_paper: float = 0.12
    #: core-seconds of a page beside the card at tier standard, with stand-ins for the small models
    vision_computing: float = 0.35
    #: bytes of a page's result, pictures included: 47 kB for a paper of 10 pages
    bytes_out: float = 4_700
    #: pages of a part, by the settings' defaults
    shard_flash: int = 64
    shard_vision: int = 8


MEASURED = Measured()


def cost_per_million(card: Card, given: Assumptions) -> float:
    """Dollars for a million pages: the card's hours, and the cores beside it."""
    hours = MILLION / card.pages_per_second / 3600 / given.busy
    cores = MEASURED.vision_computing * card.pages_per_second
    return hours * (getattr(given, card.price) + cores * given.price_core)


def cards_table(given: Assumptions) -> list[str]:
    """One card of each kind: what it reads, what it needs beside it, what a million pages cost."""
    rows = [
        "| card | pages/s | pages a day | cores beside it | network in | dollars for a million pages |",
        "|---|---|---|---|---|---|",
    ]
    for card in CARDS:
        rate = card.pages_per_second
        rows.append(
            f"| {card.name} | {rate:.2f} | {rate * DAY:,.0f} | {rate * MEASURED.vision_computing:.1f} "
            f"| {rate * given.bytes_in / 1e6:.2f} MB/s | {cost_per_million(card, given):,.0f} |"
        )
    return rows


def flash_table(given: Assumptions) -> list[str]:
    """One core at tier flash."""
    rows = [
        "| one core, tier flash | pages/s | pages a day | dollars for a million pages |",
        "|---|---|---|---|",
    ]
    for name, seconds in (("text only", MEASURED.flash_text), ("papers", MEASURED.flash_paper)):
        dollars = MILLION * seconds / 3600 / given.busy * given.price_core
        rows.append(f"| {name} | {1 / seconds:.1f} | {DAY / seconds:,.0f} | {dollars:.2f} |")
    return rows


def storage_per_million(given: Assumptions) -> tuple[float, float]:
    """Gigabytes of a million pages (files and results), and dollars to keep them."""
    size = MILLION * (given.bytes_in + MEASURED.bytes_out) / 1e9
    return size, size * given.price_store * given.months


def scale_table(given: Assumptions, costs: Costs) -> list[str]:
    """What so many pages a day take, read by H200 cards."""
    card = CARDS[-1]
    documents = head_limit(costs, given.pages, MEASURED.shard_vision)[0]
    rows = [
        "| pages a day | pages/s | H200 cards | cores beside them | network in | kept a day | heads |",
        "|---|---|---|---|---|---|---|",
    ]
    for power in (4, 5, 6, 7, 8, 9):
        rate = 10**power / DAY
        cards = math.ceil(rate / card.pages_per_second / given.busy)
        cores = math.ceil(rate * MEASURED.vision_computing / given.busy)
        stored = 10**power * (given.bytes_in + MEASURED.bytes_out) / 1e9
        heads = math.ceil(rate / given.pages / documents / given.busy)
        rows.append(
            f"| 10^{power} | {rate:,.1f} | {cards:,} | {cores:,} | {rate * given.bytes_in / 1e6:,.1f} MB/s "
            f"| {stored:,.0f} GB | {heads} |"
        )
    return rows


def head_limit(costs: Costs, pages: float, shard_pages: int) -> tuple[float, str]:
    """Documents per second that one head can take, and what ends it: the slowest of its lines.

    The web process computes on one core, the store writes one change after the other, files are looked at one
    at a time.
    """
    parts = max(1, math.ceil(pages / shard_pages))
    web = costs.web(parts, whole=False)
    disk = sum(step.computing + step.disk for step in costs.steps(parts, whole=False))
    look = costs.look + costs.inspect + costs.inspect_page * pages + costs.plan.computing + costs.plan.disk
    seconds, name = max((web, "web process"), (disk, "store"), (look, "inspection"))
    return 1 / seconds, name


def head_table(costs: Costs) -> list[str]:
    """Where one head ends, by the length of the documents."""
    rows = [
        "| pages of a document | documents/s | pages/s | parts/s | H200 cards it can feed | what ends it |",
        "|---|---|---|---|---|---|",
    ]
    for pages in (1, 8, 16, 64, 400):
        rate, name = head_limit(costs, pages, MEASURED.shard_vision)
        parts = math.ceil(pages / MEASURED.shard_vision)
        cards = rate * pages / CARDS[-1].pages_per_second
        rows.append(
            f"| {pages} | {rate:.1f} | {rate * pages:,.0f} | {rate * parts:,.0f} | {cards:,.0f} | {name} |"
        )
    return rows


def assumptions_table(given: Assumptions) -> list[str]:
    """Every assumption, with the flag that changes it."""
    rows = ["| assumption | value | flag |", "|---|---|---|"]
    for item in fields(Assumptions):
        value = getattr(given, item.name)
        rows.append(f"| {item.metadata['help']} | {value:g} | `--{item.name.replace('_', '-')}` |")
    return rows


def tables(given: Assumptions, costs: Costs) -> list[list[str]]:
    """All tables, in the order of the document."""
    return [
        assumptions_table(given),
        cards_table(given),
        flash_table(given),
        scale_table(given, costs),
        head_table(costs),
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    for item in fields(Assumptions):
        flag, text = "--" + item.name.replace("_", "-"), str(item.metadata["help"])
        parser.add_argument(flag, type=float, default=item.default, help=f"{text} (default: {item.default})")
    given = Assumptions(**vars(parser.parse_args(argv)))
    for table in tables(given, Costs.kept()):
        print("\n".join(table) + "\n")


if __name__ == "__main__":
    main()
