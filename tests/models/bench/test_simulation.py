"""The simulated fleet: nothing is lost or counted twice, and queues behave as their theory says."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st

from bench.scaling.costs import Costs, Step
from bench.scaling.fleet import simulate
from bench.scaling.outcome import percentiles
from bench.scaling.processor import Line, Processor
from bench.scaling.shape import Fleet, Load, of_pages, papers
from gradio_app.queue.scheduler import cut
from tests.models.bench.scaling_costs import NOTHING

#: machines of which each reads one part after the other, beside a head that computes nothing
SERVER = Fleet(nodes=1, cores=1, slots=1, head_computes=False)
SOME = replace(NOTHING, accept=0.01, look=0.01, task=0.02, part=0.01, add=Step(0.001, 0.002), inspect=0.02)


def took(processor: Processor, env: simpy.Environment, jobs: list[tuple[float, float]]) -> list[float]:
    """When jobs ended that came at a time and take so many seconds."""
    ends = [0.0] * len(jobs)

    def job(number: int, at: float, seconds: float):
        yield env.timeout(at)
        yield from processor.run(seconds)
        ends[number] = env.now

    for number, (at, seconds) in enumerate(jobs):
        env.process(job(number, at, seconds))
    env.run()
    return ends


def test_cores_are_shared_evenly_and_nobody_gets_more_than_one() -> None:
    env = simpy.Environment()
    processor = Processor(env, cores=2)
    # alone until 1, three on two cores until the second job ends, then two with a core each
    assert took(processor, env, [(0, 3), (1, 1), (1, 2)]) == pytest.approx([3.5, 2.5, 3.5])
    assert processor.spent == pytest.approx(6)


def test_crowded_cores_and_parts_of_cores_slow_a_job_down() -> None:
    env = simpy.Environment()
    assert took(Processor(env, 2, crowding=1.5), env, [(0, 1), (0, 1)]) == pytest.approx([1.5, 1.5])
    env = simpy.Environment()
    assert took(Processor(env, 0.5), env, [(0, 1)]) == pytest.approx([2.0])
    env = simpy.Environment()
    assert took(Processor(env, 1.5), env, [(0, 1), (1, 0.5)]) == pytest.approx([1.0, 1.5])


def test_a_job_that_is_interrupted_leaves_its_share_to_the_others() -> None:
    env = simpy.Environment()
    processor = Processor(env, cores=1)
    ends: list[float] = []

    def job():
        try:
            yield from processor.run(2)
            ends.append(env.now)
        except simpy.Interrupt:
            ends.append(-env.now)

    doomed = env.process(job())
    env.process(job())
    env.timeout(1).callbacks.append(lambda _: doomed.interrupt())
    env.run()
    assert ends == pytest.approx([-1, 2.5])


def test_a_line_serves_one_after_the_other() -> None:
    env = simpy.Environment()
    line, ends = Line(env), list[float]()

    def customer():
        yield from line.take(2)
        ends.append(env.now)

    for _ in range(3):
        env.process(customer())
    env.run()
    assert ends == [2, 4, 6] and line.busy == 6


def test_one_slot_reads_one_document_after_the_other() -> None:
    found = simulate(SERVER, Load(10, of_pages(3)), NOTHING)
    assert found.seconds == pytest.approx(30)
    assert found.busy["nodes"] == pytest.approx(1)
    assert found.pages_per_second == pytest.approx(1)


@pytest.mark.slow
def test_one_slot_and_random_arrivals_wait_as_an_md1_queue() -> None:
    """Mean wait of M/D/1 (Pollaczek and Khinchine): load / (2 (1 - load)) service times."""
    found = simulate(SERVER, Load(1500, of_pages(1), rate=0.5, owners=1), NOTHING, seed=3)
    waits = [wait for _, wait in found.record.waits]
    assert sum(waits) / len(waits) == pytest.approx(0.5, rel=0.15)


def test_tasks_inside_are_arrivals_times_their_stay() -> None:
    """Little's law, which holds for every run that begins and ends empty."""
    found = simulate(replace(SERVER, nodes=3), Load(300, papers, rate=0.1), SOME)
    record, end = found.record, found.record.since
    stays = [stay for _, stay in record.stays]
    assert record.inside / end == pytest.approx(len(stays) / end * (sum(stays) / len(stays)))
    assert len(stays) == 300 and record.now_inside == 0


@given(
    st.integers(0, 2**16),
    st.sampled_from([math.inf, 300.0, 60.0]),
    st.integers(1, 4),
    st.booleans(),
)
def test_every_part_ends_once_also_when_machines_die(
    seed: int, lifetime: float, nodes: int, vision: bool
) -> None:
    fleet = replace(SERVER, nodes=nodes, slots=2, cores=2, lifetime=lifetime, replacement=20, bytes_in=10)
    fleet = replace(fleet, cards=int(vision), card_rate=4.0, head_network=1000, node_network=100)
    load = Load(6, lambda rng: rng.randrange(1, 40), shard_pages=8, rate=0.2)
    found = simulate(fleet, load, SOME, seed)
    record = found.record
    assert set(record.tasks.values()) == {1} and len(record.tasks) == load.documents
    assert set(record.parts.values()) == {1}
    assert record.now_inside == 0
    pages = [document.pages for document in load.draw(random.Random(seed))]
    assert len(record.parts) == sum(len(cut(range(count), load.shard_pages)) for count in pages)
    assert sum(pages) == sum(read for _, read in record.pages)
    assert (found.deaths > 0) >= (found.again > 0) and (found.lost > 0) == (found.again > 0)


def test_deaths_cost_work_and_time() -> None:
    load = Load(40, of_pages(16), shard_pages=8)
    calm = simulate(replace(SERVER, nodes=4), load, NOTHING)
    rough = simulate(replace(SERVER, nodes=4, lifetime=60, replacement=10), load, NOTHING)
    assert rough.deaths > 0 and rough.again > 0 and 0 < rough.lost < 1
    assert rough.seconds > calm.seconds == pytest.approx(160)


def test_the_same_seed_gives_the_same_figures() -> None:
    fleet = replace(SERVER, nodes=3, lifetime=200)
    runs = [simulate(fleet, Load(60, papers, rate=0.2), SOME, seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_cards_limit_what_their_slots_read() -> None:
    fleet = replace(SERVER, cores=8, cards=1, card_rate=4.0, card_full=4, card_parts=8)
    found = simulate(fleet, Load(200, of_pages(8), backlog=20, shard_pages=8), NOTHING, warm_up=0.2)
    assert found.pages_per_second == pytest.approx(4, rel=0.05)
    assert found.bottleneck == "nodes" and found.busy["nodes"] == pytest.approx(1, rel=0.02)


def test_a_head_that_computes_too_much_is_the_bottleneck() -> None:
    costs = replace(NOTHING, task=0.5, parse_page=0.1)
    found = simulate(replace(SERVER, nodes=20), Load(100, of_pages(1), backlog=40), costs, warm_up=0.2)
    assert found.bottleneck == "web process"
    assert found.documents_per_second == pytest.approx(2, rel=0.05)


def test_short_documents_do_not_wait_behind_a_long_one() -> None:
    """Our own rules: when long documents hold all slots, a short one gets an extra one."""
    sizes = iter([400, *[1] * 5])
    found = simulate(SERVER, Load(6, lambda _: next(sizes), shard_pages=8, owners=1), NOTHING)
    assert max(wait for _, wait in found.record.waits) < 30


def test_costs_survive_their_file() -> None:
    assert Costs.from_json(SOME.to_json()) == SOME
    with pytest.raises(TypeError):
        Costs.from_json(SOME.to_json().replace('"accept"', '"except"'))


def test_percentiles_are_values_that_were_there() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentiles(values) == {50: 50, 95: 95, 99: 99}
    assert percentiles([7.0]) == {50: 7, 95: 7, 99: 7}
    assert all(math.isnan(value) for value in percentiles([]).values())
