"""Tables in plain text (CSV, TSV): UTF-8, and small enough for MinerU to read."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from gradio_app.base.errors import FileTooLarge
from gradio_app.parsing.prepare.encodings import Decoded, decode
from gradio_app.parsing.prepare.prepared import Prepared, Wanted

#: cells of a table that MinerU reads (docvortex.analyzers.native.csv)
MOST_CELLS = 250_000
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
    _check_size(text)
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


def _check_size(text: str) -> None:
    """Raises ``FileTooLarge`` with numbers for a table of more cells than MinerU reads."""
    if len(text) <= MOST_CELLS:
        return
    first = text[: text.find("\n", 1) + 1] or text[:10_000]
    delimiter = max(_DELIMITERS, key=first.count)
    rows = widest = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows, widest = rows + 1, max(widest, len(row))
    except csv.Error:
        return  # MinerU says what is wrong
    if rows * widest > MOST_CELLS:
        raise FileTooLarge(
            f"The table has {rows * widest:,} cells ({rows:,} rows, {widest} columns); "
            f"at most {MOST_CELLS:,} can be converted. Split it, and send the parts."
        )
