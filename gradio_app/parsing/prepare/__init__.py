"""Preparation: inputs are made plain before anybody reads them, one module a kind.

Each preparer takes a file and writes another one, or leaves what is plain already alone, byte for byte. What
is read, shown and read again is the prepared file. Runs in workers.
Does not cover: where prepared files are kept (``base.data_folder``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from loguru import logger

from gradio_app.base.errors import AppError, FileCorrupt
from gradio_app.base.file_types import ALL_PICTURES, PREPARED_ONLY
from gradio_app.parsing.prepare import html, markdown_text, mhtml, pdf, pictures, plain_text, text
from gradio_app.parsing.prepare.office import docx, odf, pptx, rtf, xlsx
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

__all__ = ["Prepared", "Wanted", "prepare"]

#: a preparer reads the first file, writes the second and says so, or leaves it unwritten
Preparer = Callable[[Path, Path, Wanted], Prepared]

_PREPARERS: Mapping[str, Preparer] = {
    "pdf": pdf.prepare,
    "docx": docx.prepare,
    "pptx": pptx.prepare,
    "rtf": rtf.prepare,
    **{kind: partial(odf.prepare, kind=kind) for kind in ("odt", "ods", "odp")},
    "xlsx": xlsx.prepare,
    **dict.fromkeys(ALL_PICTURES, pictures.prepare),
    **dict.fromkeys(("csv", "tsv"), text.prepare_table),
    "html": html.prepare,
    "mhtml": mhtml.prepare,
    "txt": plain_text.prepare_text,
    "log": plain_text.prepare_log,
    "json": plain_text.prepare_json,
    "xml": plain_text.prepare_xml,
    "md": markdown_text.prepare_markdown,
    "ipynb": markdown_text.prepare_notebook,
}


def prepare(source: Path, kind: str, out: Path, wanted: Wanted) -> Prepared:
    """Writes a plain file to ``out`` where ``source``, a file of type ``kind``, is not plain.

    A preparer that fails leaves the original, with a note, as MinerU reads most of what is unusual. Raises
    the ``AppError`` of a file that nobody should read.
    """
    preparer = _PREPARERS.get(kind)
    if preparer is None:
        return Prepared()
    try:
        prepared = preparer(source, out, wanted)
    except AppError:
        out.unlink(missing_ok=True)
        raise
    except Exception as error:
        if kind in PREPARED_ONLY:
            out.unlink(missing_ok=True)
            raise FileCorrupt() from error
        logger.opt(exception=error).warning("a {} is read as it came, as it could not be prepared", kind)
        prepared = Prepared()
        prepared.note(
            "not_prepared", "The file was read as it came; what is not in its main text may be missing."
        )
    if not prepared.kind:
        out.unlink(missing_ok=True)
    return prepared
