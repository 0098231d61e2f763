"""Text, Markdown, JSON, notebooks and XML come out as what they say; old files as what they are."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import FileCorrupt, FileTooLarge, FileTypeUnsupported
from gradio_app.parsing.kinds import kind_of_file
from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.prepare import Wanted, plain_text, prepare
from tests.documents import picture, text_pdf


def markdown(tmp_path: Path, name: str, content: str | bytes) -> str:
    """What becomes of a file of this name."""
    source, out = tmp_path / name, tmp_path / "out"
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    kind = kind_of_file(source)
    found = prepare(source, kind, out, Wanted())
    plain = tmp_path / f"plain.{found.kind or kind}"
    plain.write_bytes((out if found.kind else source).read_bytes())
    parse_document(str(plain), str(tmp_path / "result"), (), "flash", "")
    return (tmp_path / "result" / "document.md").read_text("utf-8")


def test_a_text_keeps_its_paragraphs_and_lines(tmp_path: Path) -> None:
    text = "The mill\nstands alone.\n\nIt turns *slowly*.\n\n> said he, for $5 and $6\n"
    shown = "The mill\nstands alone.\n\nIt turns \\*slowly\\*.\n\n\\> said he, for \\$5 and \\$6"
    assert markdown(tmp_path, "a.txt", text).strip() == shown


@pytest.mark.parametrize("encoding", ["utf-16", "cp1251", "utf-8-sig"])
def test_a_text_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    assert (
        markdown(tmp_path, "a.TXT", "Мельница стоит у реки.".encode(encoding)).strip()
        == "Мельница стоит у реки."
    )


def test_what_stands_in_columns_is_code(tmp_path: Path) -> None:
    table = "name      price\nbread     3.20\nsalt      0.90"
    assert table in markdown(tmp_path, "a.txt", f"Prices of today.\n\n{table}\n\nThe end.\n")


def test_a_text_that_looks_like_a_page_is_text(tmp_path: Path) -> None:
    assert "&lt;b&gt;bold" in markdown(tmp_path, "a.txt", "<html><b>bold</b> is written so\n")


def test_a_log_is_code(tmp_path: Path) -> None:
    lines = "2026-11-30 12:00:00 INFO __main__ *start*\n2026-11-30 12:00:01 WARN a_b_c"
    assert lines in markdown(tmp_path, "a.log", lines)


DOCUMENT = """# The mill

First paragraph with **bold**, *italic*, `code` and a [link](https://example.org/a).

## Parts

- wheel
- stone
  - upper
  - lower

1. grind
2. sift

| part | price |
| --- | --- |
| wheel | 3 |
| stone | $5 |

```python
def grind(x):
    return x * 2  # $a$
```

The area is $\\pi r^2$ and costs \\$5 and \\$6.

$$
\\sum_{n=1}^{3} n
$$"""


def test_markdown_comes_back_as_it_was(tmp_path: Path) -> None:
    text = markdown(tmp_path, "a.md", DOCUMENT).strip()
    wanted = [line for line in DOCUMENT.split("\n") if line.strip()]
    lines = [line for line in text.split("\n") if line.strip()]
    assert [line.replace("    - ", "  - ") for line in lines] == wanted


def test_what_heads_a_markdown_file_is_kept(tmp_path: Path) -> None:
    text = markdown(tmp_path, "a.markdown", "---\ntitle: Mill\ntags: [a, b]\n---\n\n# Head\n\nText.\n")
    assert "title: Mill\ntags: [a, b]" in text and "# Head" in text


def test_json_is_shown_as_it_is_written(tmp_path: Path) -> None:
    written = '{\n   "price": 1.10,\n   "big": 12345678901234567890\n}'
    assert f"```json\n{written}\n```" in markdown(tmp_path, "a.json", written)


def test_json_on_one_line_gets_lines(tmp_path: Path) -> None:
    line = '{"a":[1.10,{"b":"c, {d}: \\" e"}],"n":[],"o":{},"t":true}'
    text = markdown(tmp_path, "a.json", line).partition("```json\n")[2].partition("\n```")[0]
    assert json.loads(text) == json.loads(line) and "1.10" in text
    assert text.split("\n")[:4] == ["{", '  "a": [', "    1.10,", "    {"]


def test_a_notebook_is_its_cells_and_what_they_gave(tmp_path: Path) -> None:
    image = b64encode(picture(30, 20)).decode()
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "text": ["7\n", "8\n"]},
        {
            "output_type": "execute_result",
            "data": {"text/html": "<table><tr><th>k</th></tr><tr><td>9</td></tr></table>"},
        },
        {"output_type": "display_data", "data": {"image/png": image, "text/plain": "<Figure>"}},
        {"output_type": "error", "traceback": ["\x1b[31mValueError\x1b[0m: no flour"]},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Bread\n", "and $x^2$"]},
        {"cell_type": "code", "source": "print(7)", "outputs": outputs},
    ]
    notebook = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4}
    text = markdown(tmp_path, "a.ipynb", json.dumps(notebook))
    for part in (
        "# Bread",
        "$x^2$",
        "```python\nprint(7)\n```",
        "7\n8",
        "| 9 |",
        "](images/",
        "ValueError: no flour",
    ):
        assert part in text
    assert "Figure" not in text and "[31m" not in text


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"cells": 5}', '{"cells": [5, {"outputs": {}}]}', "[" * 100_000]
)
def test_a_strange_notebook_is_no_crash(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.ipynb").write_text(content)
    try:
        prepare(tmp_path / "a.ipynb", "ipynb", tmp_path / "out", Wanted())
    except FileCorrupt:
        assert not content.startswith('{"')


def test_xml_is_code(tmp_path: Path) -> None:
    xml = '<?xml version="1.0" encoding="windows-1251"?>\n<a>\n  <b>Мука и хлеб</b>\n</a>'
    assert "  <b>Мука и хлеб</b>" in markdown(tmp_path, "a.xml", xml.encode("cp1251"))


def test_no_entity_is_expanded(tmp_path: Path) -> None:
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(12))
    xml = f"<?xml version='1.0'?><!DOCTYPE x [{bomb}]>" + WORKBOOK.replace("<x/>", "&a11;")
    began = time.process_time()
    assert "lollol" not in markdown(tmp_path, "a.xml", xml)
    assert time.process_time() - began < 5


def test_too_long_a_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_text, "MOST_TEXT", 3_000_000)
    with pytest.raises(FileTooLarge, match="4 MB; at most 3 MB"):
        markdown(tmp_path, "a.txt", "word " * 800_000)


HOSTILE = {
    "blanks.txt": "x\n\n" + " " * 1_000_000 + "\n" + " \n" * 200_000 + "bread",
    "columns.txt": ("a" + " " * 1000) * 1000 + "\nbread",
    "dollars.md": "$a " * 100_000 + "\n\nbread",
    "displays.md": "$$a " * 50_000 + "\n\nbread",
    "brackets.md": "[" * 20_000 + "bread",
    "quotes.md": ">" * 20_000 + "bread",
    "stars.md": "**a " * 20_000 + "bread",
    "front.md": "---\n" * 20_000 + "bread",
    "deep.json": "[" * 200_000 + '"bread"',
    "open.json": '"' * 200_001 + "bread",
    "open.xml": "<a" * 200_000 + "bread",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_no_time(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(HOSTILE[name])
    began = time.process_time()
    prepare(tmp_path / name, name.rpartition(".")[2], tmp_path / "out", Wanted())
    assert time.process_time() - began < 10
    assert "bread" in (tmp_path / "out").read_text()


# ------------------------------------------------------------ old files that are something else

WORKBOOK = (
    '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
    'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Bakery"><Table>'
    '<Row><Cell><Data ss:Type="String">day</Data></Cell><Cell ss:Index="3">'
    '<Data ss:Type="String">sold</Data></Cell></Row>'
    '<Row><Cell><Data ss:Type="DateTime">2026-11-30T00:00:00.000</Data></Cell>'
    '<Cell ss:Index="3"><Data ss:Type="Number">12</Data></Cell></Row></Table></Worksheet><x/></Workbook>'
)
WORD = (
    '<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:wordDocument '
    'xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"><w:body><w:p><w:r><w:t>Bread is '
    "</w:t></w:r><w:r><w:t>made here.</w:t></w:r></w:p></w:body></w:wordDocument>"
)
ROWS = "bread,3\nsalt,1\nflour,2\n"
OLD = {
    "csv": ("a.xls", ROWS, "| salt | 1 |"),
    "tsv": ("a.xls", ROWS.replace(",", "\t"), "| salt | 1 |"),
    "tsv in UTF-16": ("a.xls", ROWS.replace(",", "\t").encode("utf-16"), "| salt | 1 |"),
    "csv in Latin": (
        "a.xls",
        "brød;pris\nrundstykke;7\nflødebolle;9\n".encode("cp1252"),
        "| flødebolle | 9 |",
    ),
    "table": (
        "a.xls",
        "<table><tr><td>bread</td><td>3</td></tr><tr><td>salt</td><td>1</td></tr></table>",
        "| salt | 1 |",
    ),
    "page": (
        "a.xls",
        "<html><body><table><tr><td>k</td></tr><tr><td>salt</td></tr></table></body></html>",
        "| salt |",
    ),
    "workbook": ("a.xls", '<?xml version="1.0"?>\n' + WORKBOOK, "| 2026-11-30 |  | 12 |"),
    "rtf": ("a.doc", r"{\rtf1\ansi Bread is made here.\par}", "Bread is made here."),
    "html": ("a.doc", "<html><body><p>Bread is made here.</p></body></html>", "Bread is made here."),
    "word": ("a.doc", WORD, "Bread is made here."),
    "text": ("a.doc", "Bread is made here.\n\nAnd salt is sold.\n", "Bread is made here."),
}


@pytest.mark.parametrize(("name", "content", "shown"), OLD.values(), ids=OLD)
def test_an_old_file_is_read_as_what_it_is(
    tmp_path: Path, name: str, content: str | bytes, shown: str
) -> None:
    text = markdown(tmp_path, name, content)
    assert shown in text
    if content == OLD["workbook"][1]:
        assert "## Bakery" in text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(600)),
        ("a.txt", bytes(range(256)) * 40),
        ("a.json", b"\x7fELF" + bytes(900)),
    ],
)
def test_what_is_no_text_is_not_taken_for_it(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with suppress(FileTypeUnsupported):
        assert kind_of_file(tmp_path / name) not in ("txt", "json", "csv")


def test_a_document_under_the_name_of_a_text_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(text_pdf())
    assert kind_of_file(tmp_path / "a.txt") == "pdf"


@pytest.mark.parametrize(
    ("name", "content"), [("a.py", b"hello"), ("a.docx", b"PK\x03\x04 no more"), ("a", b"{}")]
)
def test_text_under_another_name_is_no_document(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileTypeUnsupported):
        kind_of_file(tmp_path / name)
