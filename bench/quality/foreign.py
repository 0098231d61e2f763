"""Runs in an environment of its own: a program reads files, asked and answered in JSON lines.

``PYTHON foreign.py NAME``: imports nothing of this project.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

Read = Callable[[str], str]

#: pandoc's names of what it reads
_PANDOC = {
    **{each: each for each in ("csv", "tsv", "html", "docx", "odt", "rtf", "ipynb", "pptx", "xlsx", "epub")},
    "md": "gfm",
    "txt": "markdown",
}


def mineru_reader() -> Read:
    """MinerU at the tier that needs no models."""
    from mineru.parser import parse

    return lambda path: parse(path, tier="flash").markdown()


def markitdown_reader() -> Read:
    """markitdown with its default options."""
    from markitdown import MarkItDown

    converter = MarkItDown()
    return lambda path: converter.convert(path).markdown


def pandoc_reader() -> Read:
    """pandoc to GitHub's Markdown; raises ``KeyError`` for what it does not read."""
    import pypandoc

    return lambda path: pypandoc.convert_file(path, "gfm", format=_PANDOC[Path(path).suffix.lstrip(".")])


def pymupdf4llm_reader() -> Read:
    """pymupdf4llm with its default options."""
    import pymupdf4llm

    return lambda path: pymupdf4llm.to_markdown(path, show_progress=False)


READERS = {
    "mineru": mineru_reader,
    "markitdown": markitdown_reader,
    "pandoc": pandoc_reader,
    "pymupdf4llm": pymupdf4llm_reader,
}


def main() -> None:
    """Answers each line, a path, with ``text`` or ``failed``."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # what libraries print
    read = READERS[sys.argv[1]]()
    for line in sys.stdin:
        try:
            answer = {"text": read(json.loads(line)) or ""}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
