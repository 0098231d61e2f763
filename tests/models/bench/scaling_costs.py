"""Costs for tests of the simulation: round figures, so that what must come out can be worked out by hand."""

from __future__ import annotations

from bench.scaling.costs import Costs, Step

NOTHING = Costs(
    client=0.0,
    accept=0.0,
    look=0.0,
    task=0.0,
    part=0.0,
    decide=0.0,
    add=Step(0.0),
    plan=Step(0.0),
    begin=Step(0.0),
    checkpoint=Step(0.0),
    finish=Step(0.0),
    whole=Step(0.0),
    settle=0.0,
    inspect=0.0,
    inspect_page=0.0,
    parse=0.0,
    parse_page=1.0,
    parse_square=0.0,
    join=0.0,
    join_page=0.0,
)
