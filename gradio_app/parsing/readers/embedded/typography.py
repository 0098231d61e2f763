"""Typography of document text: accents that stand alone, and what numbers, captions and list marks look like.

Every pattern takes time that is linear in the length of the text.
"""

from __future__ import annotations

import html
import re

#: a cell that holds a figure: a number with signs, units and brackets; a dash; "n/a"
NUMBER = re.compile(
    r"^[\s$€£¥+\-–−(~<>≈±]*\d[\d.,:/\s]*[%)KMBTkx°*†‡a-z]{0,3}\)?$|^[-–—−]$|^n/?a$",
    re.IGNORECASE,
)
#: the beginning of a caption: what it names, and its number; "table tops" and "Tables" are none
CAPTION = re.compile(
    r"^\s*(?:(?i:table|tab\.|figure|fig\.)\s*(?:\d{1,3}|[IVXLC]{1,6}|[A-Z]\.?\d{0,3})\b"
    r"|[表图圖]\s*[\d一二三四五六七八九十])"
)
#: a word that begins an item of a list: a sign, a number or a letter with a full stop or a bracket
BULLET = re.compile("^(?:[•●◦▪■□☐☑☒➢✓\\-–—*·\ue000-\uf8ff]|" r"\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])$")

#: accents that stand alone -> the combining mark
MARKS = dict(zip("´`¨ˇˆ˜¸˚", "\u0301\u0300\u0308\u030c\u0302\u0303\u0327\u030a", strict=True))
#: kana, Chinese signs and their compatibility forms
SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(f"[{SIGNS}]|[^\\W{SIGNS}]+")
_TAG = re.compile(r"<[^<>]{1,2000}>")


def tokens(text: str) -> list[str]:
    """The words of a text, and the signs of scripts that set none apart: these are counted one by one."""
    return _TOKEN.findall(text)


def plain(markup: str) -> str:
    """A text without the tags of tables."""
    return html.unescape(_TAG.sub(" ", markup))
