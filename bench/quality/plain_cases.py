"""Cases of text: CSV and web pages in many encodings, plain text, Markdown, JSON, notebooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from bench.quality.case import Case, Heading, Truth
from bench.quality.contents import CHINESE, HARBOUR, KITCHEN, LETTER
from bench.quality.writers import markdown, web_page
from bench.reading.metric import Grid

#: encoding -> a table in its language
_TABLES: dict[str, Grid] = {
    "utf-8": [["Ort", "Höhe", "Preis"], ["Zürich", "408", "12,50"], ["Bregenz", "427", "9,80"]],
    "cp1252": [
        ["Ville", "Élèves", "Prix"],
        ["Orléans", "1204", "45 €"],
        ["Besançon", "873", "38 €"],
        ["Angoulême", "655", "31 €"],
        ["Châteauroux", "540", "29 €"],
    ],
    "cp1250": [
        ["Město", "Počet", "Řeka"],
        ["Plzeň", "1750", "Mže"],
        ["Žďár", "2104", "Sázava"],
        ["Kroměříž", "2890", "Morava"],
        ["Říčany", "1630", "Rokytka"],
    ],
    "cp1251": [
        ["Город", "Жители", "Река"],
        ["Тверь", "416219", "Волга"],
        ["Псков", "193082", "Великая"],
        ["Рязань", "528599", "Ока"],
        ["Новгород", "224286", "Волхов"],
    ],
    "shift_jis": [
        ["駅名", "乗客数", "開業年"],
        ["北の浜", "1820", "1934"],
        ["さくら台", "2745", "1961"],
        ["みなと町", "3310", "1928"],
        ["やまのべ", "960", "1942"],
    ],
    "big5": [
        ["車站", "旅客", "開業"],
        ["北濱", "1820", "1934"],
        ["櫻花臺", "2745", "1961"],
        ["港口町", "3310", "1928"],
        ["山邊鄉", "960", "1942"],
    ],
    "euc_kr": [
        ["역이름", "승객", "개업"],
        ["북항", "1820", "1934"],
        ["벚꽃마을", "2745", "1961"],
        ["항구동", "3310", "1928"],
        ["산아래", "960", "1942"],
    ],
    "gb18030": [
        ["车站", "旅客", "开业"],
        ["北港", "1820", "1934"],
        ["樱花台", "2745", "1961"],
        ["港口镇", "3310", "1928"],
        ["山边乡", "960", "1942"],
    ],
    "utf-16": [["Λιμάνι", "Πλοία"], ["Βόρειο", "1204"], ["Νότιο", "873"]],
}
_LONG = [["Number", "Name", "Value"], *([f"{n:05}", f"Item {n}", f"{n * 7.25:,.2f}"] for n in range(1, 61))]


def cases() -> Iterator[Case]:
    """All of them."""
    for encoding, table in _TABLES.items():
        yield Case(f"table-{encoding}.csv", "csv", _encoded(_csv(table, ","), encoding), Truth([table]))
    yield Case("quoted-long.csv", "csv", _encoded(_csv(_LONG, ",")), Truth([_LONG]))
    yield Case("semicolons.csv", "csv", _encoded(_csv(_TABLES["utf-8"], ";")), Truth([_TABLES["utf-8"]]))
    yield Case("tabs.tsv", "csv", _encoded(_csv(HARBOUR[3], "\t")), Truth([HARBOUR[3]]))
    yield from _pages()
    yield from _texts()


def _csv(grid: Grid | str, sign: str) -> str:
    assert not isinstance(grid, str)
    return "".join(
        sign.join(f'"{c}"' if "," in c and sign == "," else c for c in row) + "\r\n" for row in grid
    )


def _encoded(text: str, encoding: str = "utf-8") -> Callable[[], bytes]:
    return lambda: text.encode(encoding)


def _pages() -> Iterator[Case]:
    for number, blocks in enumerate((HARBOUR, KITCHEN)):
        yield Case(f"page-{number}.html", "html", _encoded(web_page(blocks)), Truth(blocks))
    for encoding, label in (("gb2312", "gb2312"), ("cp1252", "iso-8859-1"), ("shift_jis", "shift_jis")):
        blocks = {
            "gb2312": [block.replace(",", "，") if type(block) is str else block for block in CHINESE],
            "cp1252": [Heading("Café Größe"), "Der „Preis“ beträgt 45 € – für Gäste aus Besançon 38 €."],
            "shift_jis": [Heading("駅の案内"), "北の浜駅は1934年に開業した。みなと町まで25分かかる。"],
        }[encoding]
        page = web_page(blocks, f'<meta charset="{label}">')
        yield Case(f"page-{encoding}.html", "html", _encoded(page, encoding), Truth(blocks))
    body = (
        "<header><p>Call 0457 218 390 for tickets</p></header><aside><p>Closed on 24 December</p></aside>"
        "<main><h1>River tours</h1><p>Boats leave at 10:15 and 14:45 from pier 3.</p>"
        "<p style='display:none'>zanzibarhidden</p><script>var quokkascript = 1</script></main>"
        "<footer><p>Register number 88-204-17</p></footer>"
    )
    truth = Truth(
        [
            "Call 0457 218 390 for tickets",
            "Closed on 24 December",
            Heading("River tours"),
            "Boats leave at 10:15 and 14:45 from pier 3.",
            "Register number 88-204-17",
        ],
        absent=["zanzibarhidden", "quokkascript"],
    )
    yield Case("whole-page.html", "html", _encoded(f"<html><body>{body}</body></html>"), truth)


def _texts() -> Iterator[Case]:
    said = [str(block) for block in LETTER]
    yield Case("letter.txt", "txt", _encoded("\n\n".join(said) + "\n"), Truth(said))
    russian = "Пристань открыта с 8:15 до 21:30. Билеты продаются в кассе номер 12 у старого маяка."
    yield Case("russian.txt", "txt", _encoded(russian + "\n", "cp1251"), Truth([russian]))
    yield Case(
        "signs.txt",
        "txt",
        _encoded("Pay $5 and $6, see [x] or <b>now</b> for a_b_c.\n"),
        Truth(["Pay $5 and $6, see [x] or <b>now</b> for a_b_c."]),
    )
    for number, blocks in enumerate((HARBOUR, KITCHEN)):
        yield Case(f"text-{number}.md", "md", _encoded(markdown(blocks)), Truth(blocks))
    ports = (
        '<?xml version="1.0"?><ports><port depth="12.5">Northquay</port><port>Southquay 408</port></ports>'
    )
    told = Truth(["ports port depth 12.5 Northquay port Southquay 408"])
    yield Case("ports.xml", "xml", _encoded(ports), told)
    order = {"order": "2024-00817", "items": [{"name": "White beans", "grams": 250}, {"name": "Onions"}]}
    told = ["order 2024-00817 items name White beans grams 250 name Onions"]
    yield Case("order.json", "json", _encoded(json.dumps(order, indent=1)), Truth(told))
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Tides\n", "\n", "Levels of 14 days."]},
        {
            "cell_type": "code",
            "metadata": {},
            "source": ["print(sum(levels))"],
            "execution_count": 1,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["3482.75\n"]}],
        },
    ]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    truth = Truth([Heading("Tides"), "Levels of 14 days.", "print(sum(levels))", "3482.75"])
    yield Case("tides.ipynb", "ipynb", _encoded(json.dumps(book)), truth)
