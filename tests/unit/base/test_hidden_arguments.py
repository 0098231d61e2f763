"""Secrets of the command line: which words are some, and that they come back as they were typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradio_app.base.hidden_arguments import FLAGS, MARK, VARIABLE, masked, restored

ROOT = Path(__file__).resolve().parents[3]

LINES = [
    ["gradio", "--port", "80"],
    ["gradio", "--token", "a b", "--port", "80", "--admin-token=x=y"],
    ["gradio", "--token", "", "--ray-token", "--sglang-api-key"],
    ["sglang", "--api-key", "--token", "--host", "0.0.0.0"],
    ["monitor", "--token"],
    ["gradio", f"--token={MARK}", "--token", "x"],
]


@pytest.mark.parametrize("words", LINES)
def test_hidden_words_come_back(words: list[str]) -> None:
    hidden, secrets = masked(words)
    env = {VARIABLE: "\x1f".join(secrets), "HOME": "/"} if secrets else {"HOME": "/"}
    found = restored(hidden, env)
    assert env == {"HOME": "/"}, "no child gets it"
    if f"--token={MARK}" not in words:
        assert found == words
    assert masked(hidden) == (hidden, []), "it is not hidden twice"


@pytest.mark.parametrize("flag", FLAGS)
def test_a_secret_is_not_seen(flag: str) -> None:
    for words in (["gradio", flag, "geheim", "--port", "80"], ["gradio", f"{flag}=geheim"]):
        hidden, secrets = masked(words)
        assert secrets == ["geheim"] and "geheim" not in " ".join(hidden)
        assert hidden[1].partition("=")[0] == flag


def test_the_start_script_hides_the_same_flags() -> None:
    script = (ROOT / "start_mineru_optimized.sh").read_text("utf-8")
    body = script.partition("hide_secrets() {")[2].partition("\n}")[0]
    assert VARIABLE in body and MARK in body
    assert set(re.findall(r"(--[a-z-]+)=\*", body)) == set(FLAGS)
    assert set(re.findall(r"(--[a-z-]+)(?: |\))", body)) == set(FLAGS)
