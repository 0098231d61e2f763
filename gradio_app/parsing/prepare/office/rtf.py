"""RTF: deleted text is left out, signs of symbol fonts and check boxes are characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gradio_app.parsing.prepare.prepared import Prepared, Wanted
from gradio_app.parsing.prepare.symbol_fonts import EMPTY, TICKED, is_symbol_font, readable

#: a word with its number and the blank behind it, a character as hexadecimal digits, any other sign with a
#: backslash, a bracket, plain text
_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9a-fA-F]{2})|\\(?P<sign>.)"
    rb"|(?P<bracket>[{}])|(?P<text>[^\\{}]+)|(?P<other>\\)",
    re.S,
)
_FONT = re.compile(rb"\{\\f(\d{1,6})\b([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
#: what is looked for before the file is read word by word
_SIGNS = (b"\\deleted", b"\\fcharset2", b"FORMCHECKBOX", b"\\*\\pn\\")
#: groups that hold no text of the document
_TABLES = frozenset(
    ("fonttbl", "colortbl", "stylesheet", "info", "pict", "objdata", "themedata", "datastore")
)
_MOST_DEPTH = 10_000


def prepare(source: Path, out: Path, wanted: Wanted) -> Prepared:
    """See ``prepare.prepare``."""
    data = source.read_bytes()
    if not any(sign in data for sign in _SIGNS):
        return Prepared()
    plain = b"".join(_Writer(data).tokens())
    if plain == data:
        return Prepared()
    out.write_bytes(plain)
    return Prepared("rtf")


@dataclass(frozen=True, slots=True)
class _State:
    """What holds for text: it was deleted, its symbol font, it is none of the document."""

    deleted: bool = False
    font: str = ""
    table: bool = False


class _Writer:
    """Writes the tokens of a file again, without those that are deleted."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._fonts = dict(_symbol_fonts(data))
        self._box: dict[str, int] = {}

    def tokens(self) -> Iterator[bytes]:
        """The file as it is to be read."""
        data, at, state = self._data, 0, _State()
        stack: list[_State] = []
        while match := _TOKEN.match(data, at):
            at = match.end()
            kind = match.lastgroup
            if match["bracket"] == b"{":
                if data.startswith(b"\\*\\pn\\", at):
                    at = _end_of_group(data, at)
                    continue
                if len(stack) >= _MOST_DEPTH:
                    raise ValueError("the groups of the file are too deep")
                stack.append(state)
                yield b"{"
            elif match["bracket"]:
                state = stack.pop() if stack else state
                yield b"}"
            elif match["word"]:
                word, number = match["word"].decode("ascii"), match["number"]
                state = self._changed(state, word, number)
                if word == "bin" and number:
                    end = at + max(0, int(number))
                    yield data[match.start() : end]
                    at = end
                elif word == "u" and number and not state.table:
                    at, shown = self._unicode(state, match, at)
                    yield shown
                else:
                    yield match[0] + self._boxed(word)
            elif state.table:
                yield match[0]
            elif state.deleted and kind in ("hex", "text", "sign"):
                yield b"\r\n" if match[0].isspace() else b""
            elif state.font and kind in ("hex", "text"):
                yield _signs(match["hex"], match["text"], state.font)
            else:
                yield match[0]
        yield data[at:]

    def _changed(self, state: _State, word: str, number: bytes | None) -> _State:
        """The state behind a word."""
        if word == "deleted":
            return replace(state, deleted=number != b"0")
        if word == "plain":
            return replace(state, deleted=False, font="")
        if word == "f" and number:
            return replace(state, font=self._fonts.get(int(number), ""))
        if word in _TABLES:
            return replace(state, table=True)
        if word in ("fftype", "ffres", "ffdefres") and number:
            self._box[word] = int(number)
        return state

    def _boxed(self, word: str) -> bytes:
        """The sign of a check box, whose result is empty."""
        if word != "fldrslt":
            return b""
        box, self._box = self._box, {}
        if box.get("fftype") != 1:
            return b""
        chosen = box.get("ffres", 25)
        ticked = box.get("ffdefres", 0) if chosen == 25 else chosen
        return _escaped(TICKED if ticked else EMPTY)

    def _unicode(self, state: _State, match: re.Match[bytes], at: int) -> tuple[int, bytes]:
        r"""What ``\uN`` with the character behind it stands for, and where the text goes on."""
        code = int(match["number"]) % 65536
        if not state.deleted and not 0xF000 <= code <= 0xF0FF:
            return at, match[0]
        behind = _TOKEN.match(self._data, at)
        if behind is not None and behind["hex"]:
            at = behind.end()
        elif behind is not None and behind["text"]:
            at += 1
        return at, b"" if state.deleted else _escaped(readable(chr(code), state.font))


def _symbol_fonts(data: bytes) -> Iterator[tuple[int, str]]:
    """Numbers and names of fonts whose letters are signs."""
    start = data.find(b"\\fonttbl")
    table = data[start : _end_of_group(data, start)] if start >= 0 else b""
    for match in _FONT.finditer(table):
        words = re.sub(rb"\{[^{}]*\}|\\[a-z*]+-?\d* ?", b"", match[2])
        name = words.split(b";")[0].decode("latin-1").strip()
        if is_symbol_font(name):
            yield int(match[1]), name


def _end_of_group(data: bytes, at: int) -> int:
    """Where the group that ``at`` is in ends, behind its bracket."""
    depth = 1
    while match := _TOKEN.match(data, at):
        at = match.end()
        if match["bracket"]:
            depth += 1 if match["bracket"] == b"{" else -1
            if not depth:
                break
    return at


def _signs(code: bytes | None, text: bytes | None, font: str) -> bytes:
    if code:
        return _escaped(readable(chr(int(code, 16)), font))
    kept = (text or b"").decode("latin-1")
    return b"".join(
        char.encode("latin-1") if char in "\r\n" else _escaped(readable(char, font)) for char in kept
    )


def _escaped(text: str) -> bytes:
    r"""Characters as ``\uN?``, those beyond the first plane as two."""
    units = text.encode("utf-16-le")
    codes = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
    return b"".join(f"\\u{code}?".encode() for code in codes)
