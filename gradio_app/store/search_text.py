"""Text of pages as it is searched: what is kept of it, its words, queries, and where their words stand.

Index and highlighting fold with the same function, character by character, so that offsets stay true.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

#: characters of a very long page that are searched together
PIECE = 20_000
#: longer words are cut, in the index and in queries alike
_LONGEST_WORD = 64
#: scripts without spaces between words: Thai to Khmer, kana, Chinese; searched by pairs of characters
_RUN = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_IN_RUN = re.compile(f"[{_RUN}]")
_WORD = re.compile(f"[{_RUN}]+|[^\\W_{_RUN}]+")
_QUOTED = re.compile('"([^"]*)"?')
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»„", '"'))
#: characters shown before the first word of a hit, and after it
_BEFORE, _AFTER = 50, 110
#: words of a query that are beginnings of words; of a longer query all words are whole: beginnings cost more
_MOST_OPEN = 8
#: places of one word that are looked at, to find the line with most of the words
_PLACES = 50


class _Kept(dict[int, str | None]):
    """What becomes of a character in the text that is kept: accents without a letter of their own go."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        kind = unicodedata.category(char)
        if kind == "Cf" or (kind == "Mn" and not _IN_RUN.match(char)):
            kept = None
        else:
            kept = " " if kind[0] == "C" and char != "\n" else char
        self[code] = kept
        return kept


class _Folded(dict[int, str]):
    """One character for each: small, and without its accent."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        plain, *marks = unicodedata.normalize("NFD", char)
        plain = plain if marks and all(map(unicodedata.combining, marks)) else char
        small = plain.casefold()
        self[code] = small if len(small) == 1 else plain
        return self[code]


_KEPT, _FOLDED = _Kept(), _Folded()


def cleaned(text: str) -> str:
    """What is kept of a text: one way to write each character, single spaces, no empty lines."""
    text = unicodedata.normalize("NFKC", text).translate(_KEPT)
    return "\n".join(line for each in text.split("\n") if (line := " ".join(each.split())))


def folded(text: str) -> str:
    """As it is compared; as long as ``text``, which is ``cleaned``."""
    return text.lower() if text.isascii() else text.translate(_FOLDED)


def pieces(text: str) -> list[str]:
    """A ``cleaned`` text in parts of at most ``PIECE`` characters, cut at white space where there is some."""
    found: list[str] = []
    while len(text) > PIECE:
        cut = max(text.rfind("\n", 1, PIECE), text.rfind(" ", PIECE // 2, PIECE))
        cut = cut if cut > 0 else PIECE
        found.append(text[:cut])
        text = text[cut:].lstrip()
    return [*found, text] if text else found


def index_words(text: str) -> str:
    """The words of a ``cleaned`` text, with spaces between them, as they go into the index."""
    small = folded(text)
    found = _WORD.findall(small)
    if _IN_RUN.search(small):
        return " ".join(each for word in found for each in _parts(word))
    return " ".join(word[:_LONGEST_WORD] for word in found)


def _parts(word: str) -> Iterator[str]:
    if not _IN_RUN.match(word):
        yield word[:_LONGEST_WORD]
        return
    for start in range(len(word)):
        yield word[start : start + 2]


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other. ``open``: the last one may go on.

    ``run``: the words are the pairs of this run of characters.
    """

    words: tuple[str, ...]
    open: bool
    run: str = ""

    @property
    def match(self) -> str:
        """In the language of FTS5; words hold letters and digits only."""
        return f'"{" ".join(self.words)}"{"*" if self.open else ""}'

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds it in ``folded`` text."""
        if self.run:
            return re.compile(re.escape(self.run))
        words = r"[\W_]+".join(map(re.escape, self.words))
        return re.compile(rf"(?<![^\W_]){words}" + ("" if self.open else r"(?![^\W_])"))


def terms_of(query: str) -> list[Term]:
    """What all has to stand on a page: words as beginnings, "words in quotes" whole and in a row."""
    query = folded(cleaned(query.translate(_QUOTES)))
    found: list[Term] = []
    rest = _QUOTED.sub(lambda quoted: found.extend(_terms(quoted[1], False)) or " ", query)
    words = rest.split()
    for word in words:
        found += _terms(word, len(words) <= _MOST_OPEN)
    return list(dict.fromkeys(found))


def _terms(text: str, open_: bool) -> Iterator[Term]:
    words = list[str]()
    for word in _WORD.findall(text):
        if _IN_RUN.match(word):
            pairs = tuple(_parts(word))
            # a character alone begins a pair, or stands at the end by itself
            yield Term(pairs[:-1] or pairs, len(word) == 1, word)
        else:
            words.append(word[:_LONGEST_WORD])
    if words:
        # a single letter begins too much
        yield Term(tuple(words), open_ and len(words[-1]) > 1)


def phrases_of(query: str) -> list[str]:
    """The same for a name: parts of it that all have to be there, as they were written."""
    query = query.translate(_QUOTES).encode(errors="replace").decode()  # half a character fits no database
    found = [quoted.strip() for quoted in _QUOTED.findall(query)]
    return [phrase for phrase in (*found, *_QUOTED.sub(" ", query).split()) if phrase]


@dataclass(frozen=True, slots=True)
class Line:
    """Text around words, and where they begin and end in it, counted in characters."""

    text: str
    marks: list[tuple[int, int]]


def line_of(text: str, terms: Sequence[Term]) -> Line:
    """The line of a ``cleaned`` text with most of the terms, and their places in it."""
    small = folded(text)
    places = [[each.span() for each in islice(term.pattern.finditer(small), _PLACES)] for term in terms]
    begins = [start for spans in places for start, _ in spans]
    if not begins:
        return Line(text[:_AFTER].partition("\n")[0], [])

    def richness(begin: int) -> int:
        return sum(any(begin <= start < begin + _AFTER for start, _ in spans) for spans in places)

    best = max(sorted(begins)[:_PLACES], key=richness)
    start, end = _window(text, best)
    inside = sorted(span for spans in places for span in spans if start <= span[0] and span[1] <= end)
    marks: list[tuple[int, int]] = []
    for begin, stop in inside:
        if marks and begin - start <= marks[-1][1]:
            marks[-1] = marks[-1][0], max(marks[-1][1], stop - start)
        else:
            marks.append((begin - start, stop - start))
    return Line(text[start:end].replace("\n", " "), marks)


def _window(text: str, place: int) -> tuple[int, int]:
    """From a little before ``place``, in its own line, to some way after it; cut between words."""
    line = text.rfind("\n", 0, place) + 1
    start = max(line, place - _BEFORE)
    if start > line and (space := text.find(" ", start, place)) >= 0:
        start = space + 1
    end = min(len(text), place + _AFTER)
    if end < len(text) and (space := text.rfind(" ", place + _AFTER // 2, end)) >= 0:
        end = space
    return start, end
