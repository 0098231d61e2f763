"""How busy the vision model is kept: a stand-in with 8 slots and half a second a request as the limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.jobs import Run, mineru_api, our_server
from tests.documents import scan_pdf
from tests.fakes.sglang import FakeSglang
from tests.stub_weights import write_small_models

SLOTS, DELAY = 8, 0.5
API_CONCURRENCIES = (1, 4, 8)


def vision_rates(
    folder: Path, rounds: int, tiers: tuple[str, ...] = ("standard", "advanced")
) -> Iterator[str]:
    """Rows with seconds and shares of what the slots allow, for six scans of eight pages."""
    models = folder / "models"
    write_small_models(models)
    for tier in ("standard", "advanced"):
        yield from _of_tier(folder / tier, models, tier, rounds)


def _of_tier(folder: Path, models: Path, tier: str, rounds: int) -> Iterator[str]:
    with ExitStack() as stack:
        fake = stack.enter_context(FakeSglang(slots=SLOTS, delay=DELAY))
        folder.mkdir()
        flags = ("--sglang-url", fake.url, "--model-dir", str(models))
        contestants: dict[str, Run] = {"ours": stack.enter_context(our_server(folder / "data", tier, *flags))}
        env = {
            "MINERU_MODEL_BASE_DIR": str(models),
            "MINERU_MODEL_SOURCE": "local",
            "MINERU_MODEL_VLM_SERVER_URL": fake.url,
        }
        for concurrency in API_CONCURRENCIES:
            api = stack.enter_context(mineru_api(concurrency, tier, env))
            contestants[f"mineru-api at {concurrency}"] = api
        fake.set(delay=0.02)
        for run in contestants.values():  # models loaded, processes warm
            run([scan_pdf(8, seed=900 + index) for index in range(6)])
        fake.set(delay=DELAY)
        seconds: dict[str, list[float]] = {name: [] for name in contestants}
        limits: dict[str, list[float]] = {name: [] for name in contestants}
        for number in range(rounds):
            scans = [scan_pdf(8, seed=10 * number + index) for index in range(6)]
            for name, run in contestants.items():
                before = fake.stats()["requests"]
                seconds[name].append(run(scans))
                limits[name].append((fake.stats()["requests"] - before) * DELAY / SLOTS)
    what = f"six 8-page scans, {tier}"
    for name, values in seconds.items():
        shares = [limit / value for limit, value in zip(limits[name], values, strict=True)]
        yield f"| {what}: {name} | {median(values):.1f} s | {min(values):.1f} to {max(values):.1f} |"
        spread = f"{min(shares):.2f} to {max(shares):.2f}"
        yield f"| {what}: {name}, share of what {SLOTS} slots allow | {median(shares):.2f} | {spread} |"
