"""The tables of docs/scaling.md that come from the simulation, and its picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.scaling.scenarios import CARD, Results, Row

#: sizes of jobs, in powers of ten pages
POWERS = range(4, 10)
PICTURE = Path(__file__).parents[2] / "docs" / "scaling.svg"


def throughput_table(results: Results) -> list[str]:
    """One head and more of them, with always enough work."""
    rows = [
        "| cards | heads | inspections at once | pages/s | of what the cards can | documents/s | busiest |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in (*results.of("one head"), *results.of("four looks"), *results.of("heads")):
        share, busy = min(1.0, row.share), min(1.0, row.busy[row.bottleneck])
        rows.append(
            f"| {row.cards:,} | {row.heads} | {row.looks} | {row.pages_per_second:,.0f} | {share:.0%} "
            f"| {row.documents_per_second:.1f} | {row.bottleneck}, {busy:.0%} |"
        )
    return rows


def waits_table(results: Results) -> list[str]:
    """How long a document waits until its first part is read."""
    rows = [
        "| documents come at this share of the cards' speed | wait, p50 | p95 | p99 |",
        "|---|---|---|---|",
    ]
    for row in results.of("waits"):
        waits = " | ".join(f"{row.wait[share]:.1f} s" for share in ("50", "95", "99"))
        rows.append(f"| {row.pressure:.0%} | {waits} |")
    return rows


def deaths_table(results: Results) -> list[str]:
    """What is lost when machines die."""
    rows = ["| a machine lives | deaths | work that was done again | pages/s |", "|---|---|---|---|"]
    for row in results.of("deaths"):
        rows.append(f"| {_lifetime(row)} | {row.deaths} | {row.lost:.2%} | {row.pages_per_second:.1f} |")
    return rows


def _lifetime(row: Row) -> str:
    return f"{row.lifetime * 24:.2g} h on average" if row.lifetime else "for ever"


def jobs_table(results: Results) -> list[str]:
    """How long so many pages take at the steady throughput: a window is simulated, the rest follows."""
    best = best_rows(results)
    rows = [
        "| pages | " + " | ".join(f"{row.cards:,} cards" for row in best) + " |",
        "|---|" + "---|" * len(best),
    ]
    for power in POWERS:
        cells = (_duration(10**power / row.pages_per_second) for row in best)
        rows.append(f"| 10^{power} | " + " | ".join(cells) + " |")
    return rows


def best_rows(results: Results) -> list[Row]:
    """The quickest arrangement for each number of cards."""
    found: dict[int, Row] = {}
    for row in results.rows:
        if row.group in ("one head", "four looks", "heads"):
            known = found.get(row.cards)
            if known is None or row.pages_per_second > known.pages_per_second:
                found[row.cards] = row
    return [found[cards] for cards in sorted(found)]


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"


def draw(results: Results, target: Path = PICTURE) -> None:
    """Throughput by cards, and waits by load, as one SVG. The same results give the same file."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "scaling", "svg.fonttype": "none", "font.size": 9}
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    cards = [row.cards for row in results.of("one head")]
    left.loglog(
        cards, [count * CARD.pages_per_second for count in cards], "--", color="gray", label="all cards"
    )
    for name, rows in _lines(results):
        left.loglog([row.cards for row in rows], [row.pages_per_second for row in rows], "o-", label=name)
    left.set(xlabel="H200 cards", ylabel="pages per second", title="Throughput")
    waits = results.of("waits")
    for share in ("50", "95", "99"):
        right.semilogy(
            [100 * row.pressure for row in waits], [row.wait[share] for row in waits], "o-", label=f"p{share}"
        )
    right.set(
        xlabel="load in percent of 10 cards", ylabel="seconds", title="Wait until the first page is read"
    )
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(target, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def _lines(results: Results) -> Iterator[tuple[str, list[Row]]]:
    yield "one head", results.of("one head")
    yield "one head, 4 inspections at once", results.of("four looks")
    yield "more heads", best_rows(results)
