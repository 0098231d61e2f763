"""Sizing: calculates SGLang's flags from a card's memory, and explains them (measured in ADR 4)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gradio_app.base.errors import GpuOutOfMemory
from gradio_app.base.page_readers import MINERU, PageReader, Serve
from gradio_app.base.settings import ENV_PREFIX
from gradio_app.model_server.sglang_flags import CONTEXT_FLOOR

MIB, GIB = 2**20, 2**30
#: the first cards that compute in bfloat16, and in 8 bit
AMPERE = (8, 0)

#: what CUDA and the libraries take before SGLang measures what is free (an estimate)
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
    passed = {name: value for name, value in env.items() if not name.startswith(ENV_PREFIX)}
    for name in ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"):
        options = [option for option in passed.pop(name, "").split(",") if option]
        if rest := [one for one in options if not one.strip().startswith("expandable_segments")]:
            passed[name] = ",".join(rest)
    offline = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    return passed | dict.fromkeys(offline, "1")


def plan(
    total: int,
    free: int,
    capability: tuple[int, int],
    profile: str = "auto",
    step: int = 0,
    cards: int = 1,
    beside: int = 0,
    reader: PageReader = MINERU,
) -> Plan:
    """The plan for ``reader`` on a card with ``free`` of ``total`` bytes free now.

    ``step``: how often it ran out of memory with the plan before; each takes less than the one before.
    ``cards``: how many such cards there are. ``beside``: bytes of the free ones that are left to others;
    SGLang's fraction counts from all that is free, so it is smaller then. Raises ``GpuOutOfMemory`` when
    nothing (more) fits.
    """
    row, mine = _row(total, profile), free - beside
    levels = [_Level(row, rung, capability, reader) for rung in _RUNGS]
    plans = [found for level in levels if (found := _fit(level, mine, beside, cards))]
    if step < len(plans):
        return plans[step]
    raise GpuOutOfMemory(
        f"{'The smallest plan' if plans else levels[0].named} needs {levels[-1].least / GIB:.1f} GB"
        f" of the card; {mine / GIB:.1f} of {total / GIB:.1f} GB are free{' for it' * bool(beside)}"
        f"{', and it ran out' * bool(plans)}."
        " Close other programs that use the card, choose another card (--gpu), or read with tier flash, which"
        " needs none."
    )


def cache_tokens(free: int, fraction: float, quantization: str, serve: Serve = MINERU.serve) -> int:
    """How many tokens SGLang's cache holds with that fraction of ``free`` bytes; negative: none at all."""
    static = (free - RUNTIME) * fraction
    return int((static - weights_of(serve, quantization) - PICTURES) // serve.kv)


def weights_of(serve: Serve, quantization: str) -> int:
    """Bytes of the weights as they are loaded."""
    return serve.small if quantization == "fp8" and serve.small else serve.weights


def too_old(reader: PageReader, capability: tuple[int, int]) -> str:
    """Why a reader's model cannot run on cards of this capability, in a sentence; empty: it can."""
    if reader is MINERU or capability >= reader.serve.capability:
        return ""
    needs, has = (".".join(map(str, each)) for each in (reader.serve.capability, capability))
    return (
        f"{reader.titles['en']} needs a card of compute capability {needs} or newer, and this one has {has}. "
        "Choose another card (--gpu), or another reader (--reader)."
    )


def _row(total: int, profile: str) -> _Profile:
    """The profile of that name; ``auto``: the largest that the card has the size for, but not ``max``."""
    if profile != "auto":
        return next(row for row in _PROFILES if row.name == profile)
    # a card that is sold with 24 GB reports between 22 and 24.5
    return [row for row in _PROFILES[:-1] if not row.size or row.size * 0.9 * GIB <= total][-1]


@dataclass(frozen=True, slots=True)
class _Level:
    """One rung of a profile on a card of that capability."""

    row: _Profile
    rung: _Rung
    capability: tuple[int, int]
    reader: PageReader = MINERU

    @property
    def serve(self) -> Serve:
        return self.reader.serve

    @property
    def named(self) -> str:
        return "The vision model" if self.reader is MINERU else self.reader.titles["en"]

    @property
    def quantization(self) -> str:
        wanted = (self.row.small or self.rung.small) and self.serve.small
        return "fp8" if wanted and self.capability >= AMPERE else ""

    @property
    def chunk(self) -> int:
        return int(self.row.chunk * self.rung.chunk)

    @property
    def slots(self) -> int:
        return int(self.row.slots * self.rung.cache)

    @property
    def fixed(self) -> int:
        return weights_of(self.serve, self.quantization) + PICTURES

    @property
    def slack(self) -> int:
        """Bytes for kernels, activations (0.75 GiB with chunks of 2,048 tokens) and graphs."""
        activations = int(GIB * (0.5 + 0.25 * self.row.chunk * self.rung.chunk / 2048))
        return KERNELS + activations + GRAPHS + GRAPH * self.slots

    @property
    def least(self) -> int:
        """The free bytes that it needs."""
        return RUNTIME + self.fixed + self.serve.least * self.serve.kv + ROUNDING + self.slack


def _fit(level: _Level, free: int, beside: int, cards: int) -> Plan | None:
    """The plan of one level for ``free`` bytes, or None when it does not fit. ``beside``: more, of others.

    SGLang's cache gets what is free after loading, less ``launch * (1 - fraction)``, less the pictures:
    weights, pictures and cache have ``launch * fraction`` together.
    """
    first = _Level(level.row, _RUNGS[0], level.capability, level.reader)
    serve = level.serve
    launch = free - RUNTIME
    usual = min(launch * level.row.fraction, launch - first.slack) - first.fixed
    static = level.fixed + max(usual * level.rung.cache, serve.least * serve.kv + ROUNDING)
    if static > launch - level.slack:
        return None
    own, fraction = (math.floor(1e4 * static / most) / 1e4 for most in (launch, launch + beside))
    room = cache_tokens(free + beside, fraction, level.quantization, serve)
    context = serve.context if room >= 4 * serve.context else serve.least
    tokens = min(room, level.slots * context) // 64 * 64
    slots = max(1, min(level.slots, tokens // serve.typical))
    return Plan(level, free, beside, cards, fraction, own, context, tokens, slots)


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes for one card with ``free`` bytes for it and ``beside`` more for others.

    ``fraction`` is the flag's, of all that is free; ``own`` is that of ``free`` alone. ``tokens`` is the
    cache, ``slots`` how many requests run at the same time on each of the ``cards``.
    """

    level: _Level
    free: int
    beside: int
    cards: int
    fraction: float
    own: float
    context: int
    tokens: int
    slots: int

    @property
    def profile(self) -> str:
        """The name of the profile."""
        return self.level.row.name

    @property
    def quantization(self) -> str:
        """``fp8``, or empty: as published."""
        return self.level.quantization

    @property
    def rest(self) -> int:
        """Bytes that are neither weights nor cache."""
        return RUNTIME + PICTURES + self.level.slack

    @property
    def needs(self) -> int:
        """Bytes of free memory that it takes."""
        return weights_of(self.level.serve, self.quantization) + self.tokens * self.level.serve.kv + self.rest

    @property
    def flags(self) -> tuple[str, ...]:
        """SGLang's flags."""
        return (
            *("--mem-fraction-static", f"{self.fraction:g}", "--context-length", str(self.context)),
            *("--max-running-requests", str(self.slots), "--max-total-tokens", str(self.tokens)),
            *("--chunked-prefill-size", str(self.level.chunk)),
            *("--cuda-graph-max-bs-decode", str(self.slots)),
            *(("--quantization", self.quantization) if self.quantization else ()),
            *(("--dtype", "half") if self.level.capability < AMPERE else ()),
            *(("--dp-size", str(self.cards)) if self.cards > 1 else ()),
        )

    @property
    def why(self) -> tuple[str, ...]:
        """How it was calculated, in sentences for people."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        serve = self.level.serve
        yield (
            f"Of the {self.free / GIB:.1f} GB that are free, weights take"
            f" {weights_of(serve, self.quantization) / GIB:.1f}, the cache {self.tokens * serve.kv / GIB:.1f}"
            f" ({self.tokens:,} tokens of {serve.kv // 1024} KiB) and the rest about {self.rest / GIB:.1f}:"
            f" {self.needs / GIB:.1f} GB together (calculated)."
        )
        yield from self._about_fraction()
        if self.beside:
            yield (
                f"Another {self.beside / GIB:.1f} GB that are free stay for others; SGLang counts from all"
                f" that is free, so the fraction is {self.fraction:g}."
            )
        yield from self._about_format()
        yield self._about_context()
        if self.cards > 1:
            yield (
                f"{self.cards} cards: a copy of the model on each. It is small; splitting it would only add"
                " traffic."
            )

    def _about_fraction(self) -> Iterator[str]:
        row, text = self.level.row, self.level.rung.text
        usual = f"{row.name} usually takes {row.fraction:g} of the memory that is free; here it takes"
        if text:
            yield text
        elif self.own > row.fraction:
            yield f"{usual} {self.own:g}, as less would not hold the weights and one page."
        elif self.own < row.fraction - 2e-4:
            yield f"{usual} {self.own:g}, to leave room for activations and CUDA graphs."

    def _about_context(self) -> str:
        if self.level.reader is not MINERU:
            picture = max(ask.picture.tokens for ask in self.level.reader.asks)
            return (
                f"Context {self.context:,}: a picture takes up to {picture:,} tokens, and the answer comes on"
                f" top; less than {self.level.serve.least:,} would cut pages off."
            )
        return (
            f"Context {self.context:,}: a page is about 1,370 tokens, a block up to 2,048, and the answer"
            f" comes on top; less than {CONTEXT_FLOOR:,} would cut pages off."
        )

    def _about_format(self) -> Iterator[str]:
        row, capability = self.level.row, self.level.capability
        this = ".".join(map(str, capability))
        if row.name == "8gb" and self.quantization:
            yield "8 bit instead of the usual 4: SGLang cannot load MinerU's weights in 4 bit."
        if row.small and not self.level.serve.small:
            yield f"Weights in 16 bit: {self.level.named} is not loaded in 8 bit here."
        elif row.small and not self.quantization:
            yield f"Weights in 16 bit: 8 bit needs an Ampere card (8.0) or later, and this one is {this}."
        if self.quantization and capability < (8, 9):
            yield "8 bit saves memory but no time on this card: it computes in 16 bit."
        if capability < AMPERE:
            yield "float16, as bfloat16 needs an Ampere card (8.0) or later."
        if capability < (7, 5):
            yield f"SGLang is built for cards from 7.5 (Turing) on; on this one ({this}) it may not start."
