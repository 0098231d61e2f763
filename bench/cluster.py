"""Two machines of a cluster against one: all of them on this one, each a Ray node of its own."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.documents import Document, scans, texts
from bench.figures import Bar, Row, ratios, row
from bench.measurement import Contestant, Found, Measurement, Plan, take_turns
from bench.ours import convert, our_server
from bench.vision import QUICK
from tests.cluster import Head, machines
from tests.fakes.sglang import FakeSglang
from tests.live import LiveServer

#: requests that the model server of each machine answers at the same time, and seconds for each
SLOTS, DELAY = 4, 1.0
#: the last part of the addresses of the machines: one cluster of one, one of two
ONE, TWO = (21,), (22, 23)


def _cluster(plan: Plan) -> Found:
    # what the second has besides the first is in tests/integration/test_cluster.py: a quick run is the first
    return Found([*_pages(plan), *([] if plan.quick else _model(plan))], _SETTING)


_SETTING = (
    "All machines are this one, and the head reads nothing itself. Each reads one part at a time at tier"
    " flash, where the head, Ray and two readers share the cores that are there: beside it what one"
    " machine gains from a second reader. At tier standard each machine has a stand-in for a model server"
    f" with {SLOTS} slots and {DELAY} s a request, so that waiting for the model is what takes the time, as"
    " beside a card."
)


def _pages(plan: Plan) -> list[Row]:
    """What is limited by the processor; beside it two processes of one machine, with nothing in between."""
    documents = texts(plan.size(8, 2), plan.size(30, 8), seed=40)
    with ExitStack() as stack:
        servers: dict[str, LiveServer] = {
            f"a cluster of {len(numbers)}": stack.enter_context(_machines(plan, numbers))
            for numbers in (ONE, TWO)
        }
        for count in (1, 2):
            folder = plan.folder / f"alone-{count}"
            servers[f"one machine, {count} readers"] = stack.enter_context(
                our_server(folder, "--workers", str(count))
            )
        seconds = _race(plan, servers, documents, "flash")
    rows = [row(f"flash, {name}", values, "s", kind="seconds") for name, values in seconds.items()]
    one, two, alone, pair = seconds.values()
    rows.append(row("flash, two machines / one", ratios(one, two), bar=Bar(">=", 1.7)))
    return [*rows, row("flash, two readers / one, on one machine", ratios(alone, pair))]


def _model(plan: Plan) -> list[Row]:
    """What is limited by the model."""
    from tests.stub_weights import write_small_models  # which imports onnx and mineru

    documents = scans(plan.size(4, 2), plan.size(16, 2))
    models = plan.folder / "models"
    write_small_models(models)
    with ExitStack() as stack:
        servers: dict[str, LiveServer] = {}
        fakes: list[FakeSglang] = []
        for numbers in (ONE, TWO):
            own = {number: stack.enter_context(FakeSglang(slots=SLOTS, delay=QUICK)) for number in numbers}
            fakes += own.values()
            flags = {
                number: ("--sglang-url", fake.url, "--model-dir", str(models)) for number, fake in own.items()
            }
            name = f"a cluster of {len(numbers)}"
            servers[name] = stack.enter_context(_machines(plan, numbers, flags, models))
        _race(Plan(plan.folder, 1, quick=True), servers, documents, "standard")  # models loaded
        for fake in fakes:
            fake.set(delay=plan.size(DELAY, QUICK))
        seconds = _race(plan, servers, documents, "standard")
    rows = [row(f"standard, {name}", values, "s", kind="seconds") for name, values in seconds.items()]
    one, two = seconds.values()
    return [*rows, row("standard, two machines / one", ratios(one, two), bar=Bar(">=", 1.7))]


@contextmanager
def _machines(
    plan: Plan,
    numbers: Sequence[int],
    flags: dict[int, tuple[str, ...]] | None = None,
    models: Path | None = None,
) -> Generator[Head]:
    """A head with machines at these addresses, warm."""
    folder = plan.folder / f"{'model' if flags else 'pages'}-{len(numbers)}"
    folder.mkdir()
    own = ("--model-dir", str(models)) if models else ()
    with Head(folder / "head", *own) as head, machines(head, folder, *numbers, flags=flags or {}):
        convert(head, texts(2 * len(numbers), 4, seed=900))
        yield head


def _race(
    plan: Plan, servers: dict[str, LiveServer], documents: Sequence[Document], tier: str
) -> dict[str, list[float]]:
    return take_turns(
        plan,
        {
            name: Contestant(lambda _, server=server: convert(server, documents, tier))
            for name, server in servers.items()
        },
    )


MEASUREMENTS = (Measurement("cluster", "two machines of a cluster against one", _cluster, 6),)
