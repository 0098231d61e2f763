"""What is replaced inside MinerU's client: each name is there, and only jobs that ask the model notice."""

from __future__ import annotations

import asyncio
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from gradio_app.base.errors import EngineUnavailable
from gradio_app.parsing.readers import vlm

# pyright: reportPrivateUsage=false


@pytest.mark.parametrize(("owner", "name", "why"), [(row[0], row[1], row[3]) for row in vlm.PATCHES])
def test_each_patched_name_is_in_the_pinned_version(owner: str, name: str, why: str) -> None:
    module, _, cls = owner.partition(":")
    found = import_module(module)
    assert callable(getattr(getattr(found, cls) if cls else found, name)) and why


def test_without_a_job_the_original_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = SimpleNamespace(double=lambda number: 2 * number)
    vlm._patch(owner, "double", lambda watch, original, number: original(number) + watch.tokens)
    assert owner.double(2) == 4
    monkeypatch.setattr(vlm, "_current", vlm.Watch({}, tokens=5))
    assert owner.double(2) == 9


class Answered(Exception):
    """As ``HttpResponseError``."""

    def __init__(self, status: int) -> None:
        self.status_code = status


def predict(monkeypatch: pytest.MonkeyPatch, *outcomes: Any) -> tuple[str, vlm.Watch, int]:
    """The text of a block of page 2, whose requests end so one after the other; and how many were sent."""
    from mineru_vl_utils.vlm_client import base_client

    monkeypatch.setattr(base_client, "HttpResponseError", Answered)
    watch, page, block, left = vlm.Watch({}), object(), object(), list(outcomes)
    watch.add_page(object())
    watch.add_page(page)
    watch.add_piece(block, page)

    async def original(_client: Any, _image: Any) -> str:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    text = asyncio.run(vlm._predict(watch, original, None, block))
    return text, watch, len(outcomes) - len(left)


@pytest.mark.parametrize(
    ("outcomes", "text", "sent", "failed"),
    [
        (["text"], "text", 1, []),
        ([Answered(500), "text"], "text", 2, []),
        ([Answered(500), Answered(500), "never"], "", 2, [7]),
        ([Answered(400), "never"], "", 1, [7]),
        ([ValueError(), "never"], "", 1, [7]),
    ],
)
def test_a_block_that_fails_leaves_its_page_marked(
    monkeypatch: pytest.MonkeyPatch, outcomes: list[Any], text: str, sent: int, failed: list[int]
) -> None:
    found, watch, asked = predict(monkeypatch, *outcomes)
    assert (found, asked, watch.report([3, 7])["failed"]) == (text, sent, failed)
    assert bool(watch.reason) is bool(failed)


def test_a_server_at_fault_is_not_the_fault_of_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineUnavailable, match="503"):
        predict(monkeypatch, Answered(503))
