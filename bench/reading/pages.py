"""The kept pages through the product's REST: words, order and false tables of one tier beside flash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from bench.ours import our_server
from bench.processes import processor_seconds, tree
from bench.reading import reference
from bench.reading.kept import Kept
from bench.reading.metric import Score, score
from tests.live import LiveServer

#: what the reader is asked for: each mean at least
WORDS, ORDER = 0.98, 0.97
#: what a document may lose beside flash
LOSS = 0.01


@dataclass(frozen=True, slots=True)
class Reading:
    """A page at a tier. ``failed`` is a code, and then ``score`` counts as nothing found."""

    page: Kept
    tier: str
    score: Score
    seconds: float
    failed: str = ""


def read_all(pages: Sequence[Kept], files: Path, tiers: Sequence[str], data: Path) -> list[Reading]:
    """Each page at each tier, one after the other, by a server of its own."""
    found: list[Reading] = []
    with our_server(data) as server:
        for page in pages:
            lines = reference.lines_of(page.file(files), page.page)
            for tier in tiers:
                before = _processor(server)
                markdown, marginals, failed = _read(server, page, files, tier)
                got = score(lines, markdown, marginals)
                found.append(Reading(page, tier, got, _processor(server) - before, failed))
    return found


def _read(server: LiveServer, page: Kept, files: Path, tier: str) -> tuple[str, list[str], str]:
    """Markdown of a page, its headers and footers, and the code of an error, if it failed."""
    data = page.file(files).read_bytes()
    fields = {"tier": tier, "page_range": str(page.page), "use_cache": "false"}
    answer = server.post(Path(page.path).name, data, **fields)
    if answer.status_code != 201:
        return "", [], answer.json()["error"]["code"]
    task = server.end(answer.json()["tasks"][0]["id"], 600)
    if task["status"] != "completed":
        return "", [], (task["error"] or {"code": task["status"]})["code"]
    view = server.client.get(f"/api/v1/tasks/{task['id']}/pages/{page.page}")
    view.raise_for_status()
    found: dict[str, Any] = view.json()
    return found["markdown"], [each["markdown"] for each in found["blocks"] if each["auxiliary"]], ""


def _processor(server: LiveServer) -> float:
    assert server.process is not None
    return processor_seconds(tree(server.process.pid))


def documents(readings: Iterable[Reading]) -> dict[str, dict[str, list[Reading]]]:
    """Readings by document, then by tier."""
    found: dict[str, dict[str, list[Reading]]] = {}
    for each in readings:
        name = f"{each.page.repository.partition('/')[2]} {Path(each.page.path).name}"
        found.setdefault(name, {}).setdefault(each.tier, []).append(each)
    return found


def words_of(readings: Iterable[Reading]) -> float:
    """The mean over pages."""
    return mean(each.score.words for each in readings)


def order_of(readings: Iterable[Reading]) -> float | None:
    """The mean over pages that have an order; None where no page has."""
    found = [each.score.order for each in readings if each.score.order is not None]
    return mean(found) if found else None


def report(readings: Sequence[Reading]) -> str:
    """Tables in Markdown: each document, then what they have together."""
    tiers = list(dict.fromkeys(each.tier for each in readings))
    head = " | ".join(f"{what}, {tier}" for what in ("words", "order") for tier in tiers)
    lines = [f"| document | {head} |", "|---" * (1 + 2 * len(tiers)) + "|"]
    for name, by_tier in documents(readings).items():
        row = [_figure(words_of(by_tier[tier])) for tier in tiers]
        row += [_figure(order_of(by_tier[tier])) for tier in tiers]
        lines.append(f"| {name} | {' | '.join(row)} |")
    return "\n".join([*lines, "", summary(readings)])


def summary(readings: Sequence[Reading]) -> str:
    """Means, the worst, what fell below flash, and tables on pages that have none; a column for each tier."""
    tiers = {tier: [each for each in readings if each.tier == tier] for tier in _tiers(readings)}
    rows = {
        "words, mean of pages": lambda some: _figure(words_of(some)),
        "words, without headers and footers": lambda some: _figure(mean(each.score.body for each in some)),
        "order, mean of pages": lambda some: _figure(order_of(some)),
        "words, worst page": lambda some: _worst({each.page.name: each.score.words for each in some}),
        "order, worst page": lambda some: _worst({each.page.name: each.score.order for each in some}),
        "pages below 0.98 in words": lambda some: str(sum(each.score.words < WORDS for each in some)),
        "pages below 0.97 in order": lambda some: str(
            sum(each.score.order is not None and each.score.order < ORDER for each in some)
        ),
        "tables on pages of plain text": _false_tables,
        "pages that failed": lambda some: (
            ", ".join(f"{e.page.name}: {e.failed}" for e in some if e.failed) or "0"
        ),
        "processor seconds a page": lambda some: f"{mean(each.seconds for each in some):.2f}",
    }
    lines = [f"| | {' | '.join(tiers)} |", "|---" * (1 + len(tiers)) + "|"]
    lines += [f"| {name} | {' | '.join(of(some) for some in tiers.values())} |" for name, of in rows.items()]
    for tier in tiers.keys() - {"flash"}:
        if "flash" in tiers:
            lines += ["", f"More than {LOSS} below flash at {tier}: {below_flash(readings, tier) or 'none'}."]
    return "\n".join(lines)


def _tiers(readings: Sequence[Reading]) -> list[str]:
    return list(dict.fromkeys(each.tier for each in readings))


def below_flash(readings: Sequence[Reading], tier: str) -> str:
    """Documents of which a tier has fewer words, or a worse order, than flash by more than 0.01."""
    found: list[str] = []
    for name, by_tier in documents(readings).items():
        ours, flash = by_tier[tier], by_tier["flash"]
        for what, mine, other in (
            ("words", words_of(ours), words_of(flash)),
            ("order", order_of(ours), order_of(flash)),
        ):
            if mine is not None and other is not None and mine < other - LOSS:
                found.append(f"{name} ({what} {mine:.3f} for {other:.3f})")
    return ", ".join(found)


def _false_tables(readings: Sequence[Reading]) -> str:
    found = {each.page.name: each.score.tables for each in readings if each.page.plain and each.score.tables}
    plain = sum(each.page.plain for each in readings)
    return f"{sum(found.values())} on {plain} pages" + (f" ({', '.join(found)})" if found else "")


def _worst(figures: Mapping[str, float | None]) -> str:
    found = [(figure, name) for name, figure in figures.items() if figure is not None]
    return "{:.3f} ({})".format(*min(found)) if found else "–"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def to_json(readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """For the file of results."""
    return [asdict(each) for each in readings]
