"""Draws docs/architecture.svg: the floors as tests/unit/test_floors.py has them, and the way of a document.

A new module appears by itself on its floor, in the last column unless ``COLUMNS`` names it.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.unit.test_floors import FLOORS  # noqa: E402

TARGET = ROOT / "docs" / "architecture.svg"
#: what stands above each other because it belongs together
COLUMNS = {
    "doors": "ui api uploads auth users credentials sign_in sign_in_page connections audit origin limits "
    "metrics watch_folder app __main__",
    "queue": "task_manager intake looking seen dispatch schedule ledger states task second_reading recovery "
    "trouble listing history clock",
    "files": "store database schema folders cleanup durable archive",
    "reading": "jobs workers worker parsing joining jail",
    "engine": "engine model_server backends backend sglang_server mps remote_server model_api leases backoff "
    "card_watch gpu weights profiles sglang_install sglang_flags sglang_log child tether",
    "everything": "",
}
WIDTHS = [186, 326, 176, 190, 250, 150]
#: the way of a document: numbers on modules, told in docs/architecture.md
STEPS = (
    "api",
    "task_manager",
    "intake",
    "ledger",
    "jobs",
    "schedule",
    "dispatch",
    "parsing",
    "engine",
    "joining",
    "cleanup",
)
#: who calls whom on that way; each is an import, which a test checks
ARROWS = [
    ("ui", "api"),
    ("api", "task_manager"),
    ("watch_folder", "task_manager"),
    ("task_manager", "intake"),
    ("task_manager", "dispatch"),
    ("task_manager", "cleanup"),
    ("intake", "ledger"),
    ("task_manager", "looking"),
    ("looking", "jobs"),
    ("dispatch", "schedule"),
    ("dispatch", "jobs"),
    ("dispatch", "joining"),
    ("workers", "engine"),
    ("ledger", "store"),
    ("jobs", "workers"),
    ("worker", "parsing"),
]
LEFT, CHIP, GAP, PAD = 44, 24, 6, 10
STARTS = [LEFT + sum(WIDTHS[:place]) for place in range(len(WIDTHS))]
STYLE = """
svg { --ground: #ffffff; --band: #f4f5f7; --line: #dfe3ea; --ink: #181c24; --soft: #586172; --accent: #2457d6;
  --on: #ffffff; --chip: #ffffff; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #0e1116; --band: #161a21; --line: #3a4352; --ink: #e8ebf0; --soft: #a0a9b8;
    --accent: #86a9ff; --on: #0b1530; --chip: #1f252e; }
}
text { font: 12px ui-monospace, "SF Mono", "Liberation Mono", monospace; fill: var(--ink); }
.head { font: 600 13px system-ui, "Noto Sans", sans-serif; }
.floor { fill: var(--soft); text-anchor: middle; }
.ground { fill: var(--ground); } .band { fill: var(--band); }
.chip { fill: var(--chip); stroke: var(--line); } .way { stroke: var(--accent); }
.step { fill: var(--accent); }
.number { fill: var(--on); text-anchor: middle; font-size: 10px; font-weight: 700; }
.arrow { fill: none; stroke: var(--accent); stroke-width: 1.4; opacity: 0.75; }
.tip { fill: var(--accent); opacity: 0.75; }
""".strip()


def column(module: str) -> int:
    """Where a module stands; the last column takes what nobody named."""
    for place, names in enumerate(COLUMNS.values()):
        if module in names.split():
            return place
    return len(COLUMNS) - 1


def order(module: str) -> tuple[int, str]:
    """Those on the way of a document come first, in its order."""
    return (STEPS.index(module) if module in STEPS else len(STEPS), module)


class Picture:
    """The chips' places, floor by floor from the top, and the SVG that they make."""

    def __init__(self, floors: dict[str, int]) -> None:
        self.bands: list[tuple[int, int, int]] = []
        self.chips: dict[str, tuple[int, int, int]] = {}
        top = 34
        for floor in sorted(set(floors.values()), reverse=True):
            high = self._fill(sorted((name for name in floors if floors[name] == floor), key=order), top)
            self.bands.append((floor, top, high))
            top += high + 4
        self.height = top + 4
        self.width = LEFT + sum(WIDTHS)

    def _fill(self, modules: list[str], top: int) -> int:
        """Places a floor's modules; how high the floor is."""
        lines = [1] * len(COLUMNS)
        used = [0] * len(COLUMNS)
        for module in modules:
            place, wide = column(module), 7.25 * len(module) + 16 + (20 if module in STEPS else 0)
            if used[place] and used[place] + wide > WIDTHS[place] - PAD:
                lines[place] += 1
                used[place] = 0
            x, y = STARTS[place] + used[place], top + PAD // 2 + (lines[place] - 1) * (CHIP + GAP)
            self.chips[module] = (x, y, round(wide))
            used[place] += round(wide) + GAP
        return max(lines) * (CHIP + GAP) - GAP + PAD

    def svg(self) -> str:
        """The whole picture."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" role="img"'
            ' aria-labelledby="title"><title id="title">The floors of gradio_app: imports point down</title>',
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{self.width}" height="{self.height}"/>',
        ]
        for place, name in enumerate(COLUMNS):
            parts.append(f'<text class="head" x="{STARTS[place]}" y="20">{name}</text>')
        for floor, top, high in self.bands:
            parts.append(
                f'<rect class="band" x="4" y="{top}" width="{self.width - 8}" height="{high}" rx="6"/>'
            )
            parts.append(f'<text class="floor" x="23" y="{top + high / 2 + 4:g}">{floor}</text>')
        parts += [self._arrow(*pair) for pair in ARROWS]
        parts += [self._chip(name) for name in self.chips]
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _chip(self, name: str) -> str:
        x, y, wide = self.chips[name]
        way = " way" if name in STEPS else ""
        text = x + 8 + (20 if way else 0)
        found = f'<rect class="chip{way}" x="{x}" y="{y}" width="{wide}" height="{CHIP}" rx="5"/>'
        found += f'<text class="module" x="{text}" y="{y + 16}">{name}</text>'
        if way:
            found += f'<circle class="step" cx="{x + 15}" cy="{y + 12}" r="8"/>'
            found += f'<text class="number" x="{x + 15}" y="{y + 15.5}">{STEPS.index(name) + 1}</text>'
        return found

    def _arrow(self, start: str, end: str) -> str:
        (x1, y1, w1), (x2, y2, w2) = self.chips[start], self.chips[end]
        x1, y1, x2 = x1 + w1 / 2, y1 + CHIP, x2 + w2 / 2
        bend = (y2 - y1) / 2
        tip = f"M{x2 - 4:g},{y2 - 7} L{x2:g},{y2} L{x2 + 4:g},{y2 - 7} Z"
        line = f"M{x1:g},{y1} C{x1:g},{y1 + bend:g} {x2:g},{y2 - bend:g} {x2:g},{y2 - 5}"
        return f'<path class="arrow" d="{line}"/><path class="tip" d="{tip}"/>'


def picture() -> str:
    """The SVG for the floors as they are."""
    return Picture({name: floor for name, floor in FLOORS.items() if name != "__init__"}).svg()


if __name__ == "__main__":
    TARGET.write_text(picture(), "utf-8")
    print(TARGET.relative_to(ROOT))
