"""Draws docs/architecture.svg: the packages of tests/unit/test_imports.py, and the way of a document.

A package stands above all that it may import. A new module appears in its package by itself.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.unit.test_imports import ALLOWED, PATHS, part_of  # noqa: E402

TARGET = ROOT / "docs" / "architecture.svg"
#: the way of a document: numbers on packages, told in docs/architecture.md
STEPS = ("web", "task_manager", "queue", "store", "workers", "parsing", "engine", "cleanup")
#: who calls whom on that way; each is an import, which a test checks
ARROWS = [
    ("__main__", "app"),
    ("__main__", "commands"),
    ("app", "web"),
    ("web", "task_manager"),
    ("task_manager", "queue"),
    ("task_manager", "cleanup"),
    ("queue", "workers"),
    ("queue", "store"),
    ("workers", "engine"),
    ("workers", "parsing"),
    ("engine", "model_server"),
    ("model_server", "machine"),
]
WIDTH, EDGE, LINE, GAP, DROP = 1180, 10, 16, 18, 30
STYLE = """
svg { --ground: #ffffff; --line: #c6ccd8; --ink: #181c24; --soft: #586172; --accent: #2457d6; --on: #ffffff;
  --box: #f4f5f7; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #0e1116; --line: #3a4352; --ink: #e8ebf0; --soft: #a0a9b8; --accent: #86a9ff; --on: #0b1530;
    --box: #161a21; }
}
text { font: 11.5px ui-monospace, "SF Mono", "Liberation Mono", monospace; fill: var(--soft); }
.package { font: 600 14px system-ui, "Noto Sans", sans-serif; fill: var(--ink); }
.ground { fill: var(--ground); }
.box { fill: var(--box); stroke: var(--line); } .way { stroke: var(--accent); }
.step { fill: var(--accent); }
.number { fill: var(--on); text-anchor: middle; font-size: 10px; font-weight: 700; }
.arrow { fill: none; stroke: var(--accent); stroke-width: 1.4; opacity: 0.75; }
.tip { fill: var(--accent); opacity: 0.75; }
""".strip()


@cache
def level(package: str) -> int:
    """How far a package is above ``base``: one more than the highest that it may import."""
    return 1 + max((level(other) for other in ALLOWED[package]), default=-1)


def modules(package: str) -> list[str]:
    """The modules of a package, without its name; those of a folder in it as ``folder/``."""
    inside = {name.split(".")[2] for name in PATHS if part_of(name) == package and name.count(".") > 1}
    folders = {name.split(".")[2] for name in PATHS if part_of(name) == package and name.count(".") > 2}
    return sorted(name + "/" * (name in folders) for name in inside)


class Box:
    """A package's place: ``x`` and ``y`` of its upper left corner, its size, and its lines of text."""

    def __init__(self, package: str, x: int, y: int, wide: int) -> None:
        self.package, self.x, self.y, self.wide = package, x, y, wide
        self.lines = wrap("  ".join(modules(package)), max(12, (wide - 24) // 7))
        self.high = 34 + LINE * len(self.lines) + 6 * bool(self.lines)

    def svg(self) -> str:
        """The box with its name, its number on the way, and its modules."""
        way = self.package in STEPS
        found = (
            f'<rect class="box{" way" * way}" x="{self.x}" y="{self.y}" width="{self.wide}" '
            f'height="{self.high}" rx="7"/>'
            f'<text class="package" x="{self.x + 12 + 22 * way}" y="{self.y + 22}">{self.package}</text>'
        )
        if way:
            number = STEPS.index(self.package) + 1
            found += f'<circle class="step" cx="{self.x + 20}" cy="{self.y + 17}" r="8"/>'
            found += f'<text class="number" x="{self.x + 20}" y="{self.y + 20.5}">{number}</text>'
        for place, line in enumerate(self.lines):
            found += f'<text x="{self.x + 12}" y="{self.y + 42 + LINE * place}">{line}</text>'
        return found


class Picture:
    """The boxes, level by level from the top, and the SVG that they make."""

    def __init__(self) -> None:
        self.boxes: dict[str, Box] = {}
        y = EDGE
        for height in sorted({level(package) for package in ALLOWED}, reverse=True):
            row = [package for package in ALLOWED if level(package) == height]
            wanted = [60 + 12 * len(modules(package)) for package in row]
            room, x = WIDTH - 2 * EDGE - GAP * (len(row) - 1), EDGE
            for package, share in zip(row, wanted, strict=True):
                wide = min(room * share // sum(wanted), 420 if not modules(package) else room)
                self.boxes[package] = Box(package, x, y, wide)
                x += wide + GAP
            y += max(self.boxes[package].high for package in row) + DROP
        self.height = y - DROP + EDGE

    def svg(self) -> str:
        """The whole picture."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" role="img"'
            ' aria-labelledby="title"><title id="title">The packages of gradio_app</title>',
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{self.height}"/>',
            *(self._arrow(*pair) for pair in ARROWS),  # long ones go behind boxes, not over their text
            *(box.svg() for box in self.boxes.values()),
        ]
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _arrow(self, start: str, end: str) -> str:
        """From the lower edge of one to the upper edge of the other, straight down where that fits."""
        above, below = self.boxes[start], self.boxes[end]
        x2 = below.x + below.wide / 2
        x1 = min(max(x2, above.x + 20), above.x + above.wide - 20)
        y1, y2 = above.y + above.high, below.y
        bend = (y2 - y1) / 2
        tip = f"M{x2 - 4:g},{y2 - 7} L{x2:g},{y2} L{x2 + 4:g},{y2 - 7} Z"
        line = f"M{x1:g},{y1} C{x1:g},{y1 + bend:g} {x2:g},{y2 - bend:g} {x2:g},{y2 - 5}"
        return f'<path class="arrow" d="{line}"/><path class="tip" d="{tip}"/>'


def picture() -> str:
    """The SVG for the packages as they are."""
    return Picture().svg()


if __name__ == "__main__":
    TARGET.write_text(picture(), "utf-8")
    print(TARGET.relative_to(ROOT))
