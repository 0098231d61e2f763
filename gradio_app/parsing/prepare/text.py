"""Tables in plain text (CSV, TSV): UTF-8; with many cells as rows, as MinerU reads no more than 250,000."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from gradio_app.base.errors import FileTooLarge
from gradio_app.base.file_types import SHEETS
from gradio_app.parsing import sheets
from gradio_app.parsing.prepare.encodings import Decoded, decode
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

#: cells of a table that MinerU reads (docvortex.analyzers.native.csv)
MOST_CELLS = 250_000
#: cells and columns that are read at all: larger ones become ``parsing.sheets``, as large workbooks do
_MOST_READ, _MOST_COLUMNS = 2_000_000, 16_384
#: what Windows means by the control characters of ISO 8859-1
_C1 = {code: bytes([code]).decode("cp1252", "replace") for code in range(0x80, 0xA0)}
_DELIMITERS = ",;\t|"


def prepare_table(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    data = source.read_bytes()
    decoded = decode(data)
    prepared = Prepared()
    note_guess(prepared, decoded)
    text = without_c1(decoded.text)
    if rows := _rows_of_many(text):
        sheets.write(out, "csv", ["", *rows])
        prepared.kind = SHEETS
        return prepared
    if decoded.encoding.startswith("utf-8") and not decoded.guessed and text == decoded.text:
        return prepared
    out.write_bytes(text.encode("utf-8", "replace"))
    prepared.kind = "tsv" if source.suffix.lower() == ".tsv" else "csv"
    return prepared


def note_guess(prepared: Prepared, decoded: Decoded) -> None:
    """Says so where the encoding was guessed."""
    if decoded.guessed:
        prepared.note(
            "encoding_guessed",
            f"The file does not say how its letters are written; they were read as {decoded.name}. "
            "Where they are wrong, save the file as UTF-8 and convert it again.",
        )


def without_c1(text: str) -> str:
    """Control characters that stand for a sign of Windows (``\\x96`` is a dash) become the sign."""
    return text.translate(_C1) if re.search("[\x80-\x9f]", text) else text


def _rows_of_many(text: str) -> list[list[str]]:
    """The rows of a table with more cells than MinerU reads; none of a smaller one.

    Raises ``FileTooLarge`` with numbers for one that is larger than any that is read.
    """
    if len(text) <= MOST_CELLS:
        return []
    delimiter, text = _delimiter(text)
    rows: list[list[str]] = []
    cells = widest = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            cells, widest = cells + len(row), max(widest, len(row))
            if widest > _MOST_COLUMNS or cells > _MOST_READ:
                raise FileTooLarge(
                    f"The table has more than {_MOST_READ:,} cells or {_MOST_COLUMNS:,} columns, as many as "
                    "are read. Split it, and send the parts."
                )
            rows.append(row)
    except csv.Error:
        return []  # MinerU says what is wrong
    if len(rows) * widest <= MOST_CELLS:
        return []
    if len(rows) * widest > _MOST_READ:
        raise FileTooLarge(
            f"The table has {len(rows) * widest:,} cells ({len(rows):,} rows, {widest:,} columns); at most "
            f"{_MOST_READ:,} are read. Split it, and send the parts."
        )
    return [row + [""] * (widest - len(row)) for row in rows]


def _delimiter(text: str) -> tuple[str, str]:
    """What parts the cells, and the text without the line that may say so."""
    if found := re.match(r"sep=([,;\t|])(?:\r\n|\n|\r)", text, re.IGNORECASE):
        return found[1], text[found.end() :]
    first = text[: text.find("\n", 1) + 1] or text[:10_000]
    return max(_DELIMITERS, key=first.count), text
