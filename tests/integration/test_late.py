"""What a start leaves out or puts off, in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.live import ROOT

pytestmark = pytest.mark.integration

OPENAI = """
import sys
from gradio_app import parsing

parsing.JOBS["warm_up"]()
assert "mineru.backend.postprocess.llm_client" in sys.modules
print("openai" in sys.modules)

from mineru.backend.postprocess.llm_client import LLMAidedClient
from mineru.config import LLMAidedConfig

client = LLMAidedClient(LLMAidedConfig(api_key="key", base_url="http://127.0.0.1:9/v1"))
import openai

print(isinstance(client._client, openai.AsyncOpenAI), client._client.api_key)
"""


GRADIO = """
import ast
from gradio_app.quick_start import without_notes_for_authors

parsed = []
parse = ast.parse
ast.parse = lambda source, *args, **options: (parsed.append(source), parse(source, *args, **options))[1]
without_notes_for_authors()
import gradio

print(sum("class Textbox" in str(source) for source in parsed))
with gradio.Blocks() as page:
    text = gradio.Textbox()
    text.submit(lambda value: value.upper(), text, text, api_name="louder")
    gradio.Button().click(print)
print([name for name in page.get_api_info()["named_endpoints"]], len(page.fns))
"""


def answer(script: str) -> list[str]:
    """What a script prints, word by word."""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def test_openai_is_imported_when_a_client_of_it_is_made_and_not_before() -> None:
    assert answer(OPENAI) == ["False", "True", "key"]


def test_gradio_parses_no_source_of_its_components_and_events_are_the_same() -> None:
    plain = GRADIO.replace("\nwithout_notes_for_authors()", "")
    told = answer(GRADIO)
    assert told[0] == "0"
    before = answer(plain)
    assert int(before[0]) > 0, "this Gradio does it no more: without_notes_for_authors can go"
    assert before[1:] == told[1:]
