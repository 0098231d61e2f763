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
from gradio_app.web.startup import without_notes_for_authors

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


ONE_APP = """
import sys
import tempfile
from pathlib import Path
from fastapi import FastAPI
import gradio.routes
from gradio_app.base.data_folder import Folders
from gradio_app.base.settings import Settings
from gradio_app.web.ui import mount

App, made = gradio.routes.App, []
begin = App.__init__
App.__init__ = lambda self, *args, **options: (made.append(self), begin(self, *args, **options))[1]
app, folders = FastAPI(), Folders(Path(tempfile.mkdtemp()))
mount(app, Settings(), folders)
blocks = made[-1].get_blocks()
print(len(made), blocks.app is made[-1], blocks.app.get_blocks() is blocks)
App.create_app(blocks)  # as it was
with gradio.Blocks():
    pass
print(len(made))
"""

LOOK = """
from docvortex.document.pdf import PDFDocument, classify
from gradio_app.parsing import speedups
from tests.documents import paper_pdf, scan_pdf, text_pdf

documents = [text_pdf(2, lines=20), paper_pdf(1), scan_pdf(1)]
seen = lambda: [str(PDFDocument(data).classify()) for data in documents]
before, asked = seen(), [getattr(classify, name) for name in speedups.ASKED_IN_INSPECTION]
speedups.for_inspection()
print(before == seen())
print(*(getattr(classify, name) is not plain for name, plain in zip(speedups.ASKED_IN_INSPECTION, asked)))
"""


PAGES = """
import io, re, tempfile
from hashlib import sha256
from importlib import import_module
from inspect import unwrap
from pathlib import Path
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from gradio_app import parsing
from gradio_app.parsing import speedups
from tests.documents import paper_pdf, text_pdf

LINE = "一个文件的队列，页面 *a_b* 和 `code` $5 C:\\\\_x ~ 结果保存在文件夹中。"

def chinese_pdf():
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    canvas.setFont("STSong-Light", 12)
    for line in range(20):
        canvas.drawString(70, 700 - 20 * line, LINE)
    canvas.save()
    return out.getvalue()

speedups.for_pages = speedups.for_markdown = lambda: None  # plainly
for data in (text_pdf(3, lines=20), paper_pdf(2), chinese_pdf()):
    folder = Path(tempfile.mkdtemp())
    (folder / "a.pdf").write_bytes(data)
    parsing.parse_document(str(folder / "a.pdf"), str(folder / "out"), [], "flash", "txt")
    for path in sorted((folder / "out").rglob("*.*")):
        print(path.relative_to(folder), sha256(path.read_bytes()).hexdigest())
modules = [import_module(f"docvortex.analyzers.native.pdf.{name}") for name in speedups.MATCHING_CHARACTERS]
inline = import_module("docvortex.render._internal.markdown.inline")
print(*(module.re is re for module in modules))
print(unwrap(inline.escape_conservative_markdown_text) is not speedups.escape)
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


@pytest.mark.slow
def test_gradio_makes_its_application_once_and_its_queue_has_that_one() -> None:
    assert answer(ONE_APP) == ["1", "True", "True", "4"]


def test_what_is_asked_of_each_character_is_remembered_and_the_look_is_the_same() -> None:
    assert answer(LOOK) == ["True", "True", "True"]


def test_pages_are_read_with_shortcuts_and_are_the_same_to_the_byte() -> None:
    plain = answer(PAGES)
    told = answer(PAGES.replace("\nspeedups.for_pages = speedups.for_markdown = lambda: None", ""))
    assert plain[-5:] == ["True"] * 5, "this MinerU has other places: the speedups can go, or have to move"
    assert told[-5:] == ["False"] * 5
    assert len(plain) > 30 and told[:-5] == plain[:-5]
