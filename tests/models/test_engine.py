"""The engine in random interleavings, in virtual time; ten thousand of them are in tests/chaos."""

from __future__ import annotations

from hypothesis import given, settings

from tests.simulation import Scene, play, scenes


@settings(max_examples=150, deadline=None, derandomize=True)
@given(scenes)
def test_no_interleaving_breaks_a_rule(scene: Scene) -> None:
    play(scene)
