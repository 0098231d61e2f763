"""What a reader imports for its first document, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.live import ROOT

pytestmark = pytest.mark.integration

SCRIPT = """
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


def test_openai_is_imported_when_a_client_of_it_is_made_and_not_before() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["False", "True", "key"]
