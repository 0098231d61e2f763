"""Tables of a run and a gallery of before and after, in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from bench.quality.case import Case
from bench.quality.contestants import Answer
from bench.quality.score import MEASURES, Score

OURS, BEFORE = "ours", "MinerU alone"
#: pictures of before and after, and how much of each result they show
_SHOWN, _LINES, _LETTERS, _CONTEXT = 12, 10, 160, 40
#: of them so many may be of documents that have no result without us
_NEW = 3
#: a case is told as one where another is better from this difference on
_BETTER = 0.02
#: a picture that is written into the text
_DATA = re.compile(r"\]\(data:[^)]*\)")


@dataclass(frozen=True, slots=True)
class Run:
    """A case by a contestant; ``score`` is None where no truth is known."""

    case: Case
    who: str
    answer: Answer
    score: Score | None

    def of(self, measure: str) -> float | None:
        """One of ``MEASURES``; None where the truth has no such thing."""
        return getattr(self.score, measure) if self.score else None


def report(runs: Sequence[Run], absent: Sequence[str]) -> str:
    """All of it: the whole, each measure by kind, notes, where another is better, the gallery."""
    who = list(dict.fromkeys(run.who for run in runs))
    known = [run for run in runs if run.score]
    parts = ["### All cases", *_whole(known, who)] if known else []
    if absent:
        parts += ["", f"Not here: {', '.join(absent)}."]
    for measure in MEASURES:
        if rows := _by_kind(known, who, measure):
            parts += ["", f"### {measure.capitalize()}", "", *rows]
    parts += ["", "### Notes", "", *_notes([run for run in runs if run.who == OURS])]
    parts += ["", "### Where another is better", "", *_better(known)]
    if gallery := _gallery(known):
        parts += ["", "### Before and after", "", *gallery]
    return "\n".join(parts) + "\n"


def _whole(runs: Sequence[Run], who: Sequence[str]) -> list[str]:
    lines = ["", f"| by | with a result | {' | '.join(MEASURES)} | hidden words shown |", "|---" * 8 + "|"]
    for name in who:
        mine = [run for run in runs if run.who == name]
        read = sum(bool(run.answer.text.strip()) for run in mine)
        shown = sum(run.score.shown for run in mine if run.score)
        figures = " | ".join(_mean(mine, measure) for measure in MEASURES)
        lines.append(f"| {name} | {read} of {len(mine)} | {figures} | {shown} |")
    return lines


def _mean(runs: Sequence[Run], measure: str) -> str:
    """Of the cases that have it; an empty kind has a dash, and one without any result too."""
    found = [value for run in runs if (value := run.of(measure)) is not None]
    return f"{mean(found):.3f}" if found and any(run.answer.text.strip() for run in runs) else "–"


def _by_kind(runs: Sequence[Run], who: Sequence[str], measure: str) -> list[str]:
    lines = [f"| kind (cases) | {' | '.join(who)} |", "|---" * (1 + len(who)) + "|"]
    for kind in dict.fromkeys(run.case.kind for run in runs):
        some = [run for run in runs if run.case.kind == kind and run.of(measure) is not None]
        if count := sum(run.who == who[0] for run in some):
            cells = (_mean([run for run in some if run.who == name], measure) for name in who)
            lines.append(f"| {kind} ({count}) | {' | '.join(cells)} |")
    return lines if len(lines) > 2 else []


def _notes(runs: Sequence[Run]) -> list[str]:
    """Whether sound cases have none, and cases with a loss have one."""
    known = [run for run in runs if run.case.truth]
    sound = [run for run in known if run.case.truth and not run.case.truth.loss]
    lossy = [run for run in known if run.case.truth and run.case.truth.loss]
    false = [f"{run.case.name} ({', '.join(run.answer.notes)})" for run in sound if run.answer.notes]
    missed = [run.case.name for run in lossy if not run.answer.notes and not run.answer.failed]
    silent = [run.case.name for run in sound if _lost(run) and not run.answer.notes and not run.answer.failed]
    failed = [f"{run.case.name} ({run.answer.failed})" for run in runs if run.answer.failed]
    unknown = [run for run in runs if not run.case.truth]
    lines = [
        f"- Sound cases with a note: {len(false)} of {len(sound)}. {_listed(false)}",
        f"- Cases with a loss that no note tells: {len(missed)} of {len(lossy)}. {_listed(missed)}",
        f"- Sound cases with less than 0.98 of their words and no note: {len(silent)}. {_listed(silent)}",
        f"- Without a result: {len(failed)}. {_listed(failed)}",
    ]
    if unknown:
        noted = [f"{run.case.name} ({', '.join(run.answer.notes)})" for run in unknown if run.answer.notes]
        lines.append(
            f"- Files without a truth that have a note: {len(noted)} of {len(unknown)}. {_listed(noted)}"
        )
    return [line.rstrip() for line in lines]


def _lost(run: Run) -> bool:
    return run.score is not None and run.score.words < 0.98


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(f"`{name}`" for name in names[:20]) + more


def _better(runs: Sequence[Run]) -> list[str]:
    """Cases and measures in which ours is below the best of the others."""
    lines: list[str] = []
    for mine in (run for run in runs if run.who == OURS):
        others = [run for run in runs if run.case is mine.case and run.who != OURS]
        for measure in MEASURES:
            value = mine.of(measure)
            best = max(others, key=lambda run: run.of(measure) or 0.0, default=None)
            top = best.of(measure) if best else None
            if best and value is not None and top is not None and top - value > _BETTER:
                lines.append(f"| `{mine.case.name}` | {measure} | {value:.3f} | {top:.3f}, {best.who} |")
    return ["| case | measure | ours | best |", "|---|---|---|---|", *lines] if lines else ["None."]


# ------------------------------------------------------------ before and after


def _gallery(runs: Sequence[Run]) -> list[str]:
    """Of each kind the case where ours gains most: those that had a result before, then new ones."""
    before = {run.case.name: run for run in runs if run.who == BEFORE}
    best: dict[str, tuple[float, Run]] = {}
    for run in (run for run in runs if run.who == OURS and run.case.name in before):
        old = before[run.case.name]
        gain = _sum(run) - _sum(old)
        rank = gain + 2 * bool(old.answer.text.strip())
        if gain > _BETTER and rank > best.get(run.case.kind, (0.0, run))[0]:
            best[run.case.kind] = (rank, run)
    gains = [run for _, run in sorted(best.values(), key=lambda each: -each[0])]
    changed = [run for run in gains if before[run.case.name].answer.text.strip()]
    new = [run for run in gains if run not in changed][:_NEW]
    lines: list[str] = []
    for run in [*changed[: _SHOWN - len(new)], *new]:
        old = before[run.case.name].answer
        first, second = _apart(_lines(old.text), _lines(run.answer.text))
        lines += [
            f"**`{run.case.name}`**, {BEFORE}:",
            *_excerpt(old, first),
            "Ours:",
            *_excerpt(run.answer, second),
        ]
    return lines


def _sum(run: Run) -> float:
    """The mean of what the case has; a hidden word that is shown takes a whole one."""
    values = [value for measure in MEASURES if (value := run.of(measure)) is not None]
    return mean(values) - (run.score.shown if run.score else 0)


def _lines(text: str) -> list[str]:
    return [line for line in _DATA.sub("](…)", text).strip().splitlines() if line.strip()]


def _apart(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """Both from a line before the first that differs, and that one from a little before where it does."""
    both = min(len(old), len(new))
    same = next((number for number in range(both) if old[number] != new[number]), both)
    if same < both:
        signs = zip(old[same], new[same], strict=False)
        alike = next((number for number, (a, b) in enumerate(signs) if a != b), 0)
        start = max(0, alike - _CONTEXT)
        for lines in (old, new):
            lines[same] = ("… " if start else "") + lines[same][start:]
    first = max(0, same - 1)
    return old[first:], new[first:]


def _excerpt(answer: Answer, lines: Sequence[str]) -> list[str]:
    if not answer.text.strip():
        # the first word is the kind of error: what follows may name places of this machine
        return ["", f"> no result ({answer.failed.partition(':')[0] or 'empty'})", ""]
    shown = [line[:_LETTERS] + (" …" if len(line) > _LETTERS else "") for line in lines[:_LINES]]
    return ["", "````text", *shown, *(["…"] if len(lines) > _LINES else []), "````", ""]
