"""Many documents at once: our server, a bare pool as the limit, MinerU's API at its best, and its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from bench.documents import Document, mixed, papers, texts
from bench.figures import Bar, Row, ratios, row
from bench.measurement import Contestant, Found, Measurement, Plan, take_turns
from bench.ours import convert, our_server
from bench.peers import bare_pool, mineru_api, mineru_webui
from bench.processes import CORES

#: MinerU's API is tried with so many jobs at the same time; the fastest one takes part
CONCURRENCIES = (1, 2, 4)
#: its page takes one file at a time: so many are enough to know its rate
ONE_BY_ONE = 10


def _one_page(make: Callable[..., list[Document]], bar: float, plan: Plan) -> Found:
    count = plan.size(50, 4)
    warm_up, documents = make(plan.size(8, 4), seed=1000), make(count)
    return _rates(plan, warm_up, documents, bar)


def _mixed(plan: Plan) -> Found:
    documents = mixed(plan.size(100, 5), plan.corpus)
    with bare_pool(plan.folder / "look") as pool:
        readable = pool.readable(documents)
    left_out = sorted({each.name for each in documents} - {each.name for each in readable})
    found = _rates(plan, papers(plan.size(8, 4), seed=1000), readable, 0.95)
    more = f"{len(readable)} documents"
    if left_out:
        more += f"; left out, as they need models that are not here: {', '.join(left_out)}"
    return Found(found.rows, f"{found.setting} {more}.")


def _rates(plan: Plan, warm_up: Sequence[Document], documents: Sequence[Document], bar: float) -> Found:
    with ExitStack() as stack:
        ours = stack.enter_context(our_server(plan.folder / "data"))
        pool = stack.enter_context(bare_pool(plan.folder / "bare"))
        page = stack.enter_context(mineru_webui())
        few = documents[: plan.size(ONE_BY_ONE, 1)]
        concurrency, tried = (1, "one") if plan.quick else _best(warm_up, documents)
        api = stack.enter_context(mineru_api(concurrency))
        rates = take_turns(
            plan,
            {
                "ours": Contestant(_warm(partial(convert, ours), warm_up, documents)),
                "bare pool": Contestant(_warm(pool.convert, warm_up, documents)),
                "mineru-api": Contestant(_warm(api.convert, warm_up, documents)),
                "mineru-webui": Contestant(_warm(page.convert, warm_up[:1], few), plan.at_most(2)),
            },
        )
    setting = (
        f"Bare pool: {CORES} processes that parse and save. mineru-api: --concurrency {concurrency}, the best"
        f" of {tried}. mineru-webui: {len(few)} files, one after the other. All at tier flash,"
        f" each warmed up by {len(warm_up)} other documents before each of its turns."
    )
    return Found(rate_rows(rates, {"bare pool": bar, "mineru-api": 1.8}), setting)


def _warm(
    run: Callable[[Sequence[Document]], float], warm_up: Sequence[Document], documents: Sequence[Document]
) -> Callable[[int], float]:
    """A turn: documents per second, after some that do not count. Nobody pays for others' long turns."""

    def turn(_: int) -> float:
        run(warm_up)
        return len(documents) / run(documents)

    return turn


def _best(warm_up: Sequence[Document], documents: Sequence[Document]) -> tuple[int, str]:
    """The concurrency at which MinerU's API was fastest in one try each, and all tries in words."""
    few = documents[:25]
    tries: dict[int, float] = {}
    for concurrency in CONCURRENCIES:
        with mineru_api(concurrency) as api:
            api.convert(warm_up)
            tries[concurrency] = len(few) / api.convert(few)
    told = ", ".join(f"{concurrency} ({rate:.1f} jobs/s)" for concurrency, rate in tries.items())
    return max(tries, key=lambda concurrency: tries[concurrency]), told


def rate_rows(rates: dict[str, list[float]], bars: dict[str, float]) -> list[Row]:
    """Each contestant's jobs per second, and ours by those that have a bar."""
    found = [row(name, values, "jobs/s", kind="rate") for name, values in rates.items()]
    for name, values in rates.items():
        if name != "ours":
            bar = Bar(">=", bars[name]) if name in bars else None
            found.append(row(f"ours / {name}", ratios(rates["ours"], values), bar=bar))
    return found


MEASUREMENTS = (
    Measurement(
        "papers", "50 one-page PDFs with figure and table at once", partial(_one_page, papers, 0.95), 2.5
    ),
    Measurement("texts", "50 one-page text PDFs at once", partial(_one_page, texts, 0.85), 2),
    Measurement("mixed", "a mixed folder at once", _mixed, 9),
)
