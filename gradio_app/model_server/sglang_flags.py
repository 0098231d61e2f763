"""SGLang's flags: which exist (a list made from its own parser), their old names, merging, and checks."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gradio_app.base.errors import OptionInvalid

#: the least context, in tokens, that MinerU's requests fit into (docs/adr/0004-vram-profiles.md)
CONTEXT_FLOOR = 8192

NO_GRAPHS = ("--cuda-graph-backend-decode", "disabled", "--cuda-graph-backend-prefill", "disabled")


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of SGLang's parser; the first of its ``names`` is shown, ``--no-x`` is a name of ``--x``.

    ``values`` is argparse's nargs: 0, 1, ``?``, ``*`` or ``+``.
    """

    names: tuple[str, ...]
    values: int | str
    kind: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """One flag as somebody gave it: the flag (None: SGLang has none of that name), its name, its values."""

    flag: Flag | None
    name: str
    values: tuple[str, ...]

    @property
    def key(self) -> str:
        """What two spellings of the same flag have in common."""
        return self.flag.names[0] if self.flag else self.name

    def words(self) -> list[str]:
        """As it is typed; a value that begins with a dash needs the form with an equals sign."""
        stray = self.flag is not None and self.flag.values == 0
        if len(self.values) == 1 and (stray or _is_flag(self.values[0])):
            return [f"{self.name}={self.values[0]}"]
        return [self.name, *self.values]


def version() -> str:
    """The version of SGLang that the list was made from."""
    return str(_table()["version"])


@cache
def known() -> dict[str, Flag]:
    """Every name of every flag."""
    flags = (
        Flag(tuple(names), values, kind, tuple(choices)) for names, values, kind, choices in _table()["flags"]
    )
    return {name: flag for flag in flags for name in flag.names}


@cache
def _table() -> dict[str, Any]:
    return json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))


def _is_flag(word: str) -> bool:
    """Whether argparse takes a word for a flag: a dash in front, and no number behind it."""
    return len(word) > 1 and word[0] == "-" and " " not in word and not re.fullmatch(r"-\d*\.?\d+", word)


def _find(name: str) -> tuple[Flag | None, str]:
    """The flag of that name and the name; or, as argparse does it, of the only one that begins so."""
    longer = {flag.names: (flag, other) for other, flag in known().items() if other.startswith(name)}
    if name in known() or len(longer) != 1 or not name.startswith("--"):
        return known().get(name), name
    return longer.popitem()[1]


def split(args: Sequence[str]) -> list[Given]:
    """The words of a command line as flags with their values. Raises ``OptionInvalid`` for a stray word."""
    found: list[Given] = []
    rest = list(args)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not _is_flag(name):
            raise OptionInvalid(f"{name + equals + value!r} is not a flag of SGLang; they begin with --")
        old = _OLD.get(name)
        flag, name = (known().get(name), name) if old else _find(name)
        values = [value] if equals else _take(rest, old.values if old else flag.values if flag else "*")
        found.append(Given(flag, name, tuple(values)))
    return found


def _take(rest: list[str], count: int | str) -> list[str]:
    most = count if isinstance(count, int) else 1 if count == "?" else len(rest)
    taken: list[str] = []
    while rest and len(taken) < most and not _is_flag(rest[0]):
        taken.append(rest.pop(0))
    return taken


@dataclass(frozen=True, slots=True)
class _Old:
    """A flag that SGLang no longer has, or never had: how many values it takes, what stands for it, why.

    ``{}`` in ``now`` is the value that was given. An empty ``now`` leaves the flag out.
    """

    values: int
    now: tuple[str, ...]
    why: str


_EIGHT_BIT = ("--quantization", "fp8")
_OLD = {
    "--load-in-4bit": _Old(
        0,
        _EIGHT_BIT,
        "the flag is gone, and loading MinerU's weights in 4 bit (bitsandbytes) ends in an error in this"
        " version of SGLang; 8 bit is the least that works",
    ),
    "--load-in-8bit": _Old(
        0, _EIGHT_BIT, "the flag is gone; fp8 is the 8 bit format that SGLang makes itself"
    ),
    "--max-model-len": _Old(1, ("--context-length", "{}"), "SGLang's name for it"),
    "--gpu-memory-utilization": _Old(
        1,
        ("--mem-fraction-static", "{}"),
        "SGLang's name for it; it counts from the memory that is free at the start, not from the whole card",
    ),
    "--max-num-seqs": _Old(1, ("--max-running-requests", "{}"), "SGLang's name for it"),
    "--max-num-batched-tokens": _Old(1, ("--chunked-prefill-size", "{}"), "SGLang's nearest"),
    "--cuda-graph-max-bs": _Old(1, ("--cuda-graph-max-bs-decode", "{}"), "the short name is ambiguous now"),
    "--disable-cuda-graph": _Old(0, NO_GRAPHS, "the short name is on its way out"),
    "--enforce-eager": _Old(0, NO_GRAPHS, "SGLang's name for it"),
    "--torchao-config": _Old(1, (), "SGLang no longer has it"),
}


def translate(args: Sequence[str], capability: tuple[int, int] | None = None) -> tuple[list[str], list[str]]:
    """Old names as today's, and a sentence for every change.

    ``capability`` is the card's (None: not known), as below 8.0 there is no 8 bit. A context that is given
    by its old name is raised to ``CONTEXT_FLOOR``; by today's name it stays, with a warning.
    """
    given = split(args)
    explicit = {item.key for item in given if item.flag}
    out: list[str] = []
    notices: list[str] = []
    for item in given:
        old = _OLD.get(item.name)
        words = _modern(item, old, notices) if old else item.words()
        if old and words and words[0] in explicit:
            notices[-1] = f"{item.name} is left out: {words[0]} is given too, and wins."
            words = []
        if words == list(_EIGHT_BIT) and capability is not None and capability < (8, 0):
            notices.append("--quantization fp8 is left out: this card is older than Ampere and has no 8 bit.")
            words = []
        out += words
        notices += _doubts(item)
    return out, notices


def _modern(item: Given, old: _Old, notices: list[str]) -> list[str]:
    """The words that stand for an old flag; adds the sentence that says so."""
    value, why = item.values[0] if item.values else "", old.why
    if len(item.values) < old.values:
        raise OptionInvalid(f"{item.name} needs a value")
    if not old.values and value.lower() in ("false", "0", "no"):
        return []
    if item.name == "--max-model-len" and _is_small(value):
        why += (
            ", and raised, as a page alone is about 1,370 tokens, a block up to 2,048, and the answer comes"
            f" on top: with {value} most pages would fail"
        )
        value = str(CONTEXT_FLOOR)
    words = [word.replace("{}", value) for word in old.now]
    shown = " ".join((item.name, *item.values[: old.values]))
    now = f"became {' '.join(words)}" if words else "is left out"
    notices.append(f"{shown} {now}: {why}.")
    return words


def _is_small(context: str) -> bool:
    """Whether a context is too short for a page; false for what is no number."""
    size = parse_size(context)
    return size is not None and size < CONTEXT_FLOOR


def parse_size(text: str) -> int | None:
    """A number as SGLang reads it where it counts tokens: ``8192``, ``8Ki`` or ``8.2k``; None: it is none."""
    match = re.fullmatch(r"(-?\d+)|(\d+)([KMGT]i)|(\d+(?:\.\d+)?)([kMGT])", text.strip())
    if match is None:
        return None
    if match[1]:
        return int(match[1])
    if match[2]:
        return int(match[2]) * 1024 ** ("KMGT".index(match[3][0]) + 1)
    return int(float(match[4]) * 1000 ** ("kMGT".index(match[5]) + 1))


def _doubts(item: Given) -> list[str]:
    """Warnings about flags that are passed on as they are."""
    value = item.values[0] if item.values else ""
    if item.key == "--context-length" and _is_small(value):
        return [
            f"--context-length {value} stays as you gave it, but MinerU's pages need {CONTEXT_FLOOR:,}:"
            " expect pages that fail."
        ]
    if item.key == "--quantization" and value == "bitsandbytes":
        return [
            "--quantization bitsandbytes stays as you gave it, but this version of SGLang ends with an"
            " error when it loads MinerU's weights so. --quantization fp8 works."
        ]
    if item.key == "--trust-remote-code":
        return ["--trust-remote-code runs code that comes with the weights; MinerU's model needs none."]
    return []


#: a flag that somebody gave -> flags of the profile that were calculated from its own value of it
_GIVES_WAY = {
    "--mem-fraction-static": ("--max-total-tokens",),
    "--max-running-requests": ("--cuda-graph-max-bs-decode",),
    "--tp-size": ("--dp-size",),
}


def merge(profile_flags: Sequence[str], user_flags: Sequence[str]) -> list[str]:
    """Both sets as one, each flag once, under whichever of its names: the user's wins, then the later one."""
    given = split(user_flags)
    stale = {name for item in given for name in _GIVES_WAY.get(item.key, ())}
    chosen = {item.key: item for item in split(profile_flags) if item.key not in stale}
    chosen |= {item.key: item for item in given}
    return [word for item in chosen.values() for word in item.words()]


def value_of(flags: Sequence[str], name: str) -> str | None:
    """The first value of a flag (the last one given; empty: a switch), None when it is not there."""
    found = [item for item in split(flags) if item.key == known()[name].names[0]]
    return None if not found else found[-1].values[0] if found[-1].values else ""


def number_of(flags: Sequence[str], name: str) -> int:
    """The value of a flag that counts something, at least 1; 1 also for what is no number."""
    value = value_of(flags, name) or "1"
    return max(1, int(value)) if value.isdecimal() else 1


def copies(flags: Sequence[str]) -> int:
    """How many cards the flags ask for."""
    return math.prod(number_of(flags, name) for name in ("--tp-size", "--dp-size", "--pp-size"))


def check(flags: Sequence[str], also: Sequence[str] = ()) -> None:
    """Raises ``OptionInvalid``, with one sentence, for what SGLang's parser would refuse.

    ``also``: other names that somebody may have meant.
    """
    for item in split(flags):
        if item.flag is None:
            near = difflib.get_close_matches(item.name, [*also, *known(), *_OLD], n=1, cutoff=0.6)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise OptionInvalid(f"SGLang {version()} has no flag {item.name}.{hint}")
        problem = _problem(item, item.flag)
        if problem:
            raise OptionInvalid(f"{item.name} {problem}")


def _problem(item: Given, flag: Flag) -> str:
    if flag.values == 0 and item.values:
        return f"takes no value, not {item.values[0]!r}"
    if flag.values in (1, "+") and not item.values:
        return "needs a value"
    for value in item.values:
        if flag.choices and value not in flag.choices:
            return f"must be one of {', '.join(flag.choices)}, not {value!r}"
        if flag.kind in _NUMBERS and not _is_number(value, flag.kind):
            return f"needs {_NUMBERS[flag.kind]}, not {value!r}"
    return ""


_NUMBERS = {"int": "a whole number", "float": "a number", "size": "a whole number such as 8192 or 8Ki"}


def _is_number(value: str, kind: str) -> bool:
    try:
        return {"int": int, "float": float, "size": parse_size}[kind](value) is not None
    except ValueError:
        return False
