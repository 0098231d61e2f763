"""Two pictures of the results: how far bars are reached, and contestants. SVG, for light and dark readers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from bench.figures import Row
from bench.report import Result, number

WIDTH, LEFT, RIGHT, LINE = 860, 390, 110, 22
STYLE = """
svg { --ground: #ffffff; --line: #dfe3ea; --ink: #181c24; --soft: #586172; --ours: #2457d6; --other: #9aa5b8;
  --good: #1a7f4b; --bad: #c0392b; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #0e1116; --line: #3a4352; --ink: #e8ebf0; --soft: #a0a9b8; --ours: #86a9ff;
    --other: #5d6879; --good: #58c58b; --bad: #ff8a7a; }
}
text { font: 12px system-ui, "Noto Sans", sans-serif; fill: var(--ink); }
.head { font-weight: 600; font-size: 13px; } .soft { fill: var(--soft); } .name { text-anchor: end; }
.ground { fill: var(--ground); } .axis { stroke: var(--line); } .spread { stroke: var(--ink); opacity: 0.6; }
.ours { fill: var(--ours); } .other { fill: var(--other); }
.good { fill: var(--good); } .bad { fill: var(--bad); }
""".strip()


def bars(results: Sequence[Result]) -> str:
    """How far each figure with a bar gets, on a scale of doublings; the line in the middle is the bar."""
    rows = [(result.title, row) for result in results for row in result.rows if row.bar is not None]
    room, middle = WIDTH - LEFT - RIGHT, LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts, top = [f'<text class="soft" x="{middle}" y="16" text-anchor="middle">the bar</text>'], 24
    for title, row in rows:
        assert row.bar is not None
        steps = max(-3.0, min(3.0, math.log2(max(row.bar.reached(row.figure), 1e-9))))
        length = abs(steps) / 3 * room / 2
        x = middle if steps >= 0 else middle - length
        shade = "good" if row.met else "bad"
        parts += [
            _name(f"{title}: {row.who}", top),
            _bar(shade, x, top, max(length, 2)),
            f'<text x="{WIDTH - RIGHT + 8}" y="{top + 15}">{escape(_figure(row))}</text>',
        ]
        top += LINE
    parts.append(f'<line class="axis" x1="{middle}" y1="20" x2="{middle}" y2="{top}"/>')
    return _picture("How far each figure gets; to the right of the line its bar is met", parts, top + 8)


def contestants(results: Sequence[Result]) -> str:
    """Those of the same kind beside each other, with their spread; each group to its own scale."""
    parts: list[str] = []
    top = 6
    for result in results:
        kinds = dict.fromkeys(row.kind for row in result.rows if row.kind)
        for kind in kinds:
            rows = [row for row in result.rows if row.kind == kind]
            parts.append(
                f'<text class="head" x="12" y="{top + 15}">{escape(f"{result.title}: {kind}")}</text>'
            )
            top += LINE
            parts += _group(rows, top)
            top += LINE * len(rows) + 10
    return _picture("The contestants of each measurement", parts, top + 4)


def _group(rows: Sequence[Row], top: int) -> Iterable[str]:
    most = max((row.high for row in rows), default=0) or 1
    room = WIDTH - LEFT - RIGHT
    for place, row in enumerate(rows):
        y, shade = top + place * LINE, "ours" if row.who.startswith("ours") else "other"
        length, low, high = (LEFT + room * value / most for value in (row.figure, row.low, row.high))
        yield _name(row.who, y)
        yield _bar(shade, LEFT, y, max(length - LEFT, 1))
        if row.rounds > 1:
            yield f'<line class="spread" x1="{low:.1f}" y1="{y + 11}" x2="{high:.1f}" y2="{y + 11}"/>'
        yield f'<text x="{WIDTH - RIGHT + 8}" y="{y + 15}">{escape(_figure(row))}</text>'


def _bar(shade: str, x: float, top: int, length: float) -> str:
    return (
        f'<rect class="{shade}" x="{x:.1f}" y="{top + 4}" width="{length:.1f}" height="{LINE - 8}" rx="2"/>'
    )


def _figure(row: Row) -> str:
    return f"{number(row.figure)} {row.unit}".strip()


def _name(text: str, top: int) -> str:
    """To the left of a line; long ones lose their middle."""
    short = text if len(text) <= 62 else f"{text[:30]}…{text[-31:]}"
    return f'<text class="name" x="{LEFT - 8}" y="{top + 15}">{escape(short)}</text>'


def _picture(title: str, parts: Iterable[str], height: int) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-labelledby="title"><title id="title">{escape(title)}</title><style>{STYLE}</style>'
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"
