"""Parsing: the jobs of worker processes, and the only package that imports mineru.

Every job takes paths and plain values, writes only below the folder it is given, and raises ``AppError``.
Does not cover: queues, stores, processes.
"""

from collections.abc import Callable
from typing import Any

from gradio_app.parsing.assembly import assemble, correct_block, read_block, replace_pages
from gradio_app.parsing.docling_exports import export_for_docling
from gradio_app.parsing.inspection import inspect_all
from gradio_app.parsing.mineru_exports import export_for_mineru
from gradio_app.parsing.parse import parse_document, parse_shard, warm_up
from gradio_app.parsing.results import export, page_picture
from gradio_app.parsing.search import page_texts, search

#: the jobs of a worker, by name
JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    "warm_up": warm_up,
    "inspect_all": inspect_all,
    "parse_document": parse_document,
    "parse_shard": parse_shard,
    "assemble": assemble,
    "replace_pages": replace_pages,
    "read_block": read_block,
    "correct_block": correct_block,
    "export": export,
    "export_for_docling": export_for_docling,
    "export_for_mineru": export_for_mineru,
    "page_picture": page_picture,
    "page_texts": page_texts,
    "search": search,
}
