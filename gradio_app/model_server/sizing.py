"""From a card's memory to SGLang's flags, calculated and explained (what was measured of it: ADR 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gradio_app.base.errors import GpuOutOfMemory
from gradio_app.base.settings import ENV_PREFIX
from gradio_app.model_server.sglang_flags import CONTEXT_FLOOR, check, merge, translate

__all__ = [
    "CONTEXT_FLOOR",
    "Plan",
    "base_flags",
    "cache_tokens",
    "check",
    "environment",
    "merge",
    "plan",
    "translate",
]

MIB, GIB = 2**20, 2**30
#: the first cards that compute in bfloat16, and in 8 bit
AMPERE = (8, 0)

#: the model's own longest context, in tokens
CONTEXT_MOST = 16384
#: bytes of cache a token takes: keys and values, 24 layers, 2 heads of 64, 2 bytes each (12 KiB)
KV_BYTES = 2 * 24 * 2 * 64 * 2
#: tokens that a request takes as a rule: a page picture (1,370), its prompt and an answer
TYPICAL = 3072
#: the weights in bytes: as published, and with the linear layers of both parts in 8 bit
WEIGHTS = {"": int(2.2 * GIB), "fp8": int(1.25 * GIB)}
#: what CUDA and the libraries take before SGLang looks how much is free (an estimate)
RUNTIME = GIB // 2
#: SGLang takes 100 MB from the cache's share for pictures that it has read already
PICTURES = 100 * MIB
#: work space of the attention kernels, 384 MiB and tables (an estimate)
KERNELS = GIB // 2
#: CUDA graphs: a basis, and what each batch size adds (estimates; the latter is SGLang's own)
GRAPHS, GRAPH = GIB // 4, 2 * MIB
#: what is lost when a fraction is rounded
ROUNDING = 32 * MIB


@dataclass(frozen=True, slots=True)
class Plan:
    """Flags for one card. ``needs``: bytes of free memory that it takes. ``why``: sentences for people.

    ``slots`` is how many requests run at the same time, on each card if there are several.
    """

    profile: str
    flags: tuple[str, ...]
    fraction: float
    context: int
    quantization: str
    slots: int
    needs: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Profile:
    """A row of the well-known table: size of the card in GB, share of its memory, 8 bit or less, limits."""

    name: str
    size: int
    fraction: float
    small: bool
    slots: int
    chunk: int


_PROFILES = (
    _Profile("8gb", 0, 0.4, True, 16, 2048),
    _Profile("12gb", 12, 0.5, True, 32, 2048),
    _Profile("16gb", 16, 0.6, True, 48, 4096),
    _Profile("24gb", 24, 0.8, False, 128, 4096),
    _Profile("max", 1000, 0.95, False, 256, 8192),
)


@dataclass(frozen=True, slots=True)
class _Rung:
    """A step down from a profile: its share of the profile's cache and of its chunks; whether in 8 bit."""

    cache: float
    chunk: float
    small: bool
    text: str


_RUNGS = (
    _Rung(1.0, 1.0, False, ""),
    _Rung(0.7, 0.5, False, "One step down: less cache, and smaller chunks."),
    _Rung(0.5, 0.25, True, "Two steps down: half of the cache, and the weights in 8 bit where possible."),
)


def base_flags(sleep: bool = True, guard: bool = True) -> tuple[str, ...]:
    """What every start has: sleep without losing the weights, figures, and the guard against repetition.

    The guard (a custom logit processor) makes the server unpickle, so run, what clients send: only on
    loopback, and only behind a key.
    """
    return (
        *(("--enable-memory-saver", "--enable-weights-cpu-backup") if sleep else ()),
        "--enable-metrics",
        *(("--enable-custom-logit-processor",) if guard else ()),
    )


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that SGLang is started with: no calls to the outside, none of our own secrets.

    ``expandable_segments`` and the memory saver exclude each other.
    """
    kept = {name: value for name, value in env.items() if not name.startswith(ENV_PREFIX)}
    for name in ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"):
        options = [part for part in kept.pop(name, "").split(",") if part]
        if rest := [part for part in options if not part.strip().startswith("expandable_segments")]:
            kept[name] = ",".join(rest)
    offline = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    return kept | dict.fromkeys(offline, "1")


def plan(
    total: int,
    free: int,
    capability: tuple[int, int],
    profile: str = "auto",
    step: int = 0,
    cards: int = 1,
    beside: int = 0,
) -> Plan:
    """The flags for a card with ``free`` of ``total`` bytes free now.

    ``step``: how often it ran out of memory with the plan before; each takes less than the one before.
    ``cards``: how many such cards there are. ``beside``: bytes of the free ones that are left to others;
    SGLang's fraction counts from all that is free, so it is smaller then. Raises ``GpuOutOfMemory`` when
    nothing (more) fits.
    """
    row = _row(total, profile)
    mine = free - beside
    sizes = [found for rung in _RUNGS if (found := _fit(row, rung, mine, capability, beside))]
    if step < len(sizes):
        return _explained(sizes[step], mine, capability, cards, beside)
    raise GpuOutOfMemory(
        f"{'The smallest plan' if sizes else 'The vision model'} needs {_least(row, capability) / GIB:.1f} GB"
        f" of the card; {mine / GIB:.1f} of {total / GIB:.1f} GB are free{' for it' * bool(beside)}"
        f"{', and it ran out' * bool(sizes)}."
        " Close other programs that use the card, choose another card (--gpu), or read with tier flash, which"
        " needs none."
    )


def cache_tokens(free: int, fraction: float, quantization: str) -> int:
    """How many tokens SGLang's cache holds with that fraction of ``free`` bytes; negative: none at all."""
    static = (free - RUNTIME) * fraction
    return int((static - WEIGHTS.get(quantization, WEIGHTS[""]) - PICTURES) // KV_BYTES)


def _row(total: int, profile: str) -> _Profile:
    """The profile of that name; ``auto``: the largest that the card has the size for, but not ``max``."""
    if profile != "auto":
        return next(row for row in _PROFILES if row.name == profile)
    # a card that is sold with 24 GB reports between 22 and 24.5
    return [row for row in _PROFILES[:-1] if not row.size or row.size * 0.9 * GIB <= total][-1]


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What one rung of a profile comes to on a card."""

    row: _Profile
    rung: _Rung
    quantization: str
    fraction: float
    own: float  # of what is free for it, where others have a part
    context: int
    tokens: int
    slots: int

    @property
    def chunk(self) -> int:
        return int(self.row.chunk * self.rung.chunk)

    @property
    def cache(self) -> int:
        return self.tokens * KV_BYTES

    @property
    def rest(self) -> int:
        """Bytes that are neither weights nor cache."""
        return RUNTIME + PICTURES + _slack(self.row, self.rung)

    @property
    def needs(self) -> int:
        return WEIGHTS[self.quantization] + self.cache + self.rest


def _format(row: _Profile, rung: _Rung, capability: tuple[int, int]) -> str:
    return "fp8" if (row.small or rung.small) and capability >= AMPERE else ""


def _slack(row: _Profile, rung: _Rung) -> int:
    """Bytes for kernels, activations (0.75 GiB with chunks of 2,048 tokens) and graphs."""
    activations = int(GIB * (0.5 + 0.25 * row.chunk * rung.chunk / 2048))
    return KERNELS + activations + GRAPHS + GRAPH * int(row.slots * rung.cache)


def _least(row: _Profile, capability: tuple[int, int]) -> int:
    """The free bytes that the last rung needs."""
    last = _RUNGS[-1]
    static = WEIGHTS[_format(row, last, capability)] + PICTURES + CONTEXT_FLOOR * KV_BYTES + ROUNDING
    return RUNTIME + static + _slack(row, last)


def _fit(row: _Profile, rung: _Rung, free: int, capability: tuple[int, int], beside: int) -> _Sizes | None:
    """The sizes of one rung for ``free`` bytes, or None when it does not fit. ``beside``: more, of others.

    SGLang's cache gets what is free after loading, less ``launch * (1 - fraction)``, less the pictures:
    weights, pictures and cache have ``launch * fraction`` together.
    """
    quantization = _format(row, rung, capability)
    launch, fixed = free - RUNTIME, WEIGHTS[quantization] + PICTURES
    planned = min(launch * row.fraction, launch - _slack(row, _RUNGS[0]))
    usual = planned - WEIGHTS[_format(row, _RUNGS[0], capability)] - PICTURES
    static = fixed + max(usual * rung.cache, CONTEXT_FLOOR * KV_BYTES + ROUNDING)
    if static > launch - _slack(row, rung):
        return None
    own, fraction = (math.floor(1e4 * static / most) / 1e4 for most in (launch, launch + beside))
    room = cache_tokens(free + beside, fraction, quantization)
    context = CONTEXT_MOST if room >= 4 * CONTEXT_MOST else CONTEXT_FLOOR
    most = int(row.slots * rung.cache)
    tokens = min(room, most * context) // 64 * 64
    slots = max(1, min(most, tokens // TYPICAL))
    return _Sizes(row, rung, quantization, fraction, own, context, tokens, slots)


def _explained(sizes: _Sizes, free: int, capability: tuple[int, int], cards: int, beside: int) -> Plan:
    why = (
        f"Of the {free / GIB:.1f} GB that are free, weights take {WEIGHTS[sizes.quantization] / GIB:.1f}, the"
        f" cache {sizes.cache / GIB:.1f} ({sizes.tokens:,} tokens of 12 KiB) and the rest about"
        f" {sizes.rest / GIB:.1f}: {sizes.needs / GIB:.1f} GB together (calculated).",
        *_about_fraction(sizes.row, sizes.rung, sizes.own),
        *_about_others(sizes, beside),
        *_about_format(sizes.row, sizes.quantization, capability),
        f"Context {sizes.context:,}: a page is about 1,370 tokens, a block up to 2,048, and the answer comes"
        f" on top; less than {CONTEXT_FLOOR:,} would cut pages off.",
        *_about_cards(cards),
    )
    flags = _flags(sizes, capability, cards)
    name, fraction, context = sizes.row.name, sizes.fraction, sizes.context
    return Plan(name, flags, fraction, context, sizes.quantization, sizes.slots, sizes.needs, why)


def _flags(sizes: _Sizes, capability: tuple[int, int], cards: int) -> tuple[str, ...]:
    return (
        *("--mem-fraction-static", f"{sizes.fraction:g}", "--context-length", str(sizes.context)),
        *("--max-running-requests", str(sizes.slots), "--max-total-tokens", str(sizes.tokens)),
        *("--chunked-prefill-size", str(sizes.chunk), "--cuda-graph-max-bs-decode", str(sizes.slots)),
        *(("--quantization", sizes.quantization) if sizes.quantization else ()),
        *(("--dtype", "half") if capability < AMPERE else ()),
        *(("--dp-size", str(cards)) if cards > 1 else ()),
    )


def _about_fraction(row: _Profile, rung: _Rung, fraction: float) -> list[str]:
    usual = (
        f"{row.name} usually takes {row.fraction:g} of the memory that is free; here it takes {fraction:g}"
    )
    if rung.text:
        return [rung.text]
    if fraction > row.fraction:
        return [f"{usual}, as less would not hold the weights and one page."]
    if fraction < row.fraction - 2e-4:
        return [f"{usual}, to leave room for activations and CUDA graphs."]
    return []


def _about_others(sizes: _Sizes, beside: int) -> list[str]:
    if not beside:
        return []
    return [
        f"Another {beside / GIB:.1f} GB that are free stay for others; SGLang counts from all that is free,"
        f" so the fraction is {sizes.fraction:g}."
    ]


def _about_format(row: _Profile, quantization: str, capability: tuple[int, int]) -> list[str]:
    this = ".".join(map(str, capability))
    said: list[str] = []
    if row.name == "8gb" and quantization:
        said.append("8 bit instead of the usual 4: SGLang cannot load MinerU's weights in 4 bit.")
    if row.small and not quantization:
        said.append(f"Weights in 16 bit: 8 bit needs an Ampere card (8.0) or later, and this one is {this}.")
    if quantization and capability < (8, 9):
        said.append("8 bit saves memory but no time on this card: it computes in 16 bit.")
    if capability < AMPERE:
        said.append("float16, as bfloat16 needs an Ampere card (8.0) or later.")
    if capability < (7, 5):
        said.append(f"SGLang is built for cards from 7.5 (Turing) on; on this one ({this}) it may not start.")
    return said


def _about_cards(cards: int) -> list[str]:
    if cards == 1:
        return []
    return [f"{cards} cards: a copy of the model on each. It is small; splitting it would only add traffic."]
