"""Encodings: bytes of text become characters, by mark, declaration, UTF-8, or what the letters tell."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import log2

from gradio_app.parsing.prepare.alphabets import (
    DOUBLE_BYTE,
    HANGUL,
    KANJI,
    LETTERS,
    RARE_SIGNS,
    SIGNS,
    SIMPLIFIED,
    SINGLE_BYTE,
    TRADITIONAL,
)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: names that mean another encoding than they say, as browsers take them (WHATWG's standard of encodings)
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "cp950",
    "utf-16": "utf-8",  # what can be read as ASCII is not UTF-16
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
    "utf-7": "",  # no browser takes it
}
#: encodings of text, among all of Python's codecs
_TEXT = re.compile(r"(utf-8|gb18030|big5hkscs|euc_jp|iso2022_jp|koi8-[rut]|(cp|iso8859-|mac-)\w+)", re.I)
#: bytes that are looked at where letters have to tell the encoding
_SAMPLE = 100_000
#: bits by which the best reading has to be likelier than the next one that reads otherwise
_SURE = 8.0
#: valid letters of UTF-8 for each byte that is none, from which on it is taken for damaged UTF-8
_VALID = 20
#: last letter of the Latin alphabets
_LATIN = "\u024f"
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
#: what stands around words, within one
_TORN = re.compile(r"(?<=[^\W\d_])[“”„«»€§°•](?=[^\W\d_])")
_WORD = re.compile(r"[^\W\d_]+")


#: how people call what their programs offer under several names
_NAMES = {
    "cp932": "Shift-JIS",
    "euc_jp": "EUC-JP",
    "gb18030": "GB18030",
    "cp950": "Big5",
    "cp949": "EUC-KR",
    "koi8_r": "KOI8-R",
    "koi8_u": "KOI8-U",
    "mac_roman": "Mac Roman",
    "iso8859_2": "ISO 8859-2",
    "iso8859_5": "ISO 8859-5",
    "cp437": "DOS 437",
    "cp850": "DOS 850",
    "cp852": "DOS 852",
    "cp866": "DOS 866",
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text and the encoding that it was in (Python's name); ``guessed``: letters alone told it, hardly."""

    text: str
    encoding: str
    guessed: bool = False

    @property
    def name(self) -> str:
        """The encoding as people call it."""
        return _NAMES.get(self.encoding) or re.sub("^CP", "Windows-", self.encoding.upper())


def decode(data: bytes, declared: str = "") -> Decoded:
    """The text of ``data``, without a mark at its beginning. ``declared`` is what the file says of itself."""
    for mark, encoding in _MARKS:
        if data.startswith(mark) and (text := _strict(data, encoding)) is not None:
            return Decoded(text, encoding)
    if b"\x00" in data and (wide := _wide(data)):
        return wide
    named = meant(declared)
    utf8 = _strict(data, "utf-8")
    # what reads as UTF-8 by chance is nearly never met: a declaration that says otherwise is wrong
    if utf8 is not None and b"\x1b" not in data:
        return Decoded(utf8, "utf-8")
    if utf8 is not None and (text := _strict(data, "iso2022_jp_ext")) is not None:
        return Decoded(text, "iso2022_jp")
    if utf8 is not None:
        return Decoded(utf8, "utf-8")
    if named and (text := _strict(data, named)) is not None and not _CONTROL.search(text):
        return Decoded(text, named)
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    if sum(map(text.count, set(text) - _ASCII)) >= (_VALID + 1) * wrong:
        return Decoded(text, "utf-8", guessed=True)
    return _by_letters(data, named)


def meant(label: str) -> str:
    """Python's name of the encoding that a declaration means; empty for none that browsers know."""
    try:
        name = codecs.lookup(label.strip(" \t\r\n\"'")).name if label.isascii() else ""
    except (LookupError, ValueError):
        name = {"ks_c_5601-1987": "cp949", "x-sjis": "cp932", "windows-31j": "cp932"}.get(label.lower(), "")
    name = _MEANT.get(name, name)
    return name if _TEXT.fullmatch(name) else ""


_ASCII = {chr(code) for code in range(128)}


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _wide(data: bytes) -> Decoded | None:
    """UTF-16 or UTF-32 without a mark: the reading that has the fewest strange characters, if any has few."""
    readings: list[tuple[float, Decoded]] = []
    for encoding in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        text = _strict(data, encoding)
        if text:
            sample = text[:_SAMPLE]
            known = sum(char.isalnum() or char in " \t\r\n,;|\"'.:-<>/=" for char in sample)
            spaced = sum(map(sample.count, " \t\n,;"))
            nul = sample.count("\0")
            readings.append(((known + spaced - 10 * nul) / len(sample), Decoded(text, encoding)))
    best = max(readings, key=lambda reading: reading[0], default=None)
    return best[1] if best and best[0] > 0.7 else None


# ------------------------------------------------------------ by letters


def _by_letters(data: bytes, named: str) -> Decoded:
    """The likeliest reading; where there is none, as declared, without the bytes that are damaged."""
    sample = _sampled(data)
    found = sorted(_readings(sample), key=lambda reading: reading[0])
    for bits, encoding, text in found:
        whole = _strict(data, encoding)
        if whole is None:
            continue
        others = [other for other in found if other[2] != text]
        sure = not others or others[0][0] - bits >= _SURE
        return Decoded(whole, encoding, guessed=not sure)
    encoding = named or (found[0][1] if found else "cp1252")
    return Decoded(_CONTROL.sub("\ufffd", data.decode(encoding, "replace")), encoding, guessed=True)


def _sampled(data: bytes) -> bytes:
    """Lines that hold more than ASCII, each once, up to about ``_SAMPLE`` bytes."""
    lines: dict[bytes, None] = {}
    size = 0
    for line in data[: 50 * _SAMPLE].split(b"\n"):
        if not line.isascii() and line not in lines:
            lines[line] = None
            size += len(line)
        if size > _SAMPLE:
            break
    return b"\n".join(lines)[: 2 * _SAMPLE]


def _read_sample(sample: bytes, encoding: str) -> str | None:
    """As ``_strict``; the last letter may be cut."""
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError as error:
        cut = len(sample) == 2 * _SAMPLE and error.start >= len(sample) - 3
        return sample[: error.start].decode(encoding) if cut else None


def _readings(sample: bytes) -> Iterator[tuple[float, str, str]]:
    """Bits, encoding and text for each encoding in which ``sample`` can be read."""
    runs = len(re.findall(rb"[\x80-\xff]+", sample))
    for encoding in DOUBLE_BYTE:
        text = _read_sample(sample, encoding)
        if text is not None:
            # that bytes come in pairs is seldom by chance
            yield _double(encoding, text) + 3 - min(runs, 20), encoding, text
    for encoding, (rarer, languages) in SINGLE_BYTE.items():
        text = _strict(sample, encoding)
        if text is not None and not re.search(r"[\x80-\x9f]", text):
            yield _single(text, languages) + rarer, encoding, text


def _single(text: str, languages: tuple[str, ...]) -> float:
    """Bits of what is not ASCII, in the language that explains it best; and of words in mixed case."""
    letters = Counter(char for char in text.lower() if char > "\x7f")
    least = min(
        sum(count * _cost(char, language) for char, count in letters.items()) for language in languages
    )
    return least + _case(text)


@cache
def _cost(char: str, language: str) -> float:
    place = LETTERS[language].find(char)
    if place >= 0:
        many = len(LETTERS[language]) > 20  # all letters are counted, not only those with a sign
        return (3.2 if many else 1.5) + 1.2 * log2(1 + place)
    return _sign(char) or (11.0 if char.isalpha() else 14.0)


def _sign(char: str) -> float:
    return 4.5 if char in SIGNS else 11.0 if char in RARE_SIGNS else 0.0


def _case(text: str) -> float:
    """Bits of capitals, few where a word begins or is all in capitals, and of torn or mixed words."""
    bits = 8.0 * len(_TORN.findall(text))
    for found in _WORD.finditer(text):
        word = found[0]
        if word.isascii():
            continue
        if max(word) > _LATIN and any("a" <= char.lower() <= "z" for char in word):
            bits += 8
        if (low := word.lower()) == word:
            continue
        inner = word[1:]
        usual = inner == low[1:] or word == word.upper()
        bits += (2 if inner else 4) if usual else 6 * sum(char.isupper() for char in inner)
    return bits


def _double(encoding: str, text: str) -> float:
    costs = _COSTS[encoding]
    return sum(count * costs(char) for char, count in Counter(text).items() if char > "\x7f")


def _japanese(char: str) -> float:
    if "\u3040" <= char <= "\u309f":
        return 6.0
    if "\u30a0" <= char <= "\u30ff":
        return 6.5
    if "\uff61" <= char <= "\uff9f":
        return 9.0
    return 8.5 if char in _KANJI else _ranked(char, "shift_jis", range(0x88, 0x98))


def _simplified(char: str) -> float:
    if "\u3040" <= char <= "\u30ff":
        return 15.0
    return 8.5 if char in _SIMPLIFIED else _ranked(char, "gb2312", range(0xB0, 0xD8))


def _traditional(char: str) -> float:
    return 8.5 if char in _TRADITIONAL else _ranked(char, "big5", range(0xA4, 0xC7))


def _korean(char: str) -> float:
    if char in _HANGUL:
        return 7.5
    return 15.5 if "\u4e00" <= char <= "\u9fff" else _ranked(char, "euc_kr", range(0xB0, 0xC9))


def _ranked(char: str, encoding: str, common: range) -> float:
    """Bits of a letter by its place in the older, smaller encoding: ``common`` begin the frequent ones."""
    if char in SIGNS or "\u3000" <= char <= "\u3017" or "\uff01" <= char <= "\uff5e":
        return 7.0
    try:
        lead = char.encode(encoding)[0]
    except UnicodeEncodeError:
        return 18.0
    if not ("\u4e00" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3"):
        return 14.0
    return 12.0 if lead in common else 15.0


_KANJI, _SIMPLIFIED, _TRADITIONAL, _HANGUL = map(frozenset, (KANJI, SIMPLIFIED, TRADITIONAL, HANGUL))
_COSTS = {
    "cp932": _japanese,
    "euc_jp": _japanese,
    "gb18030": _simplified,
    "cp950": _traditional,
    "cp949": _korean,
}
