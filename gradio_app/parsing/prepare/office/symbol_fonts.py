"""Fonts of symbols: which characters their letters stand for.

Documents name a letter of Symbol, Wingdings or Webdings, or a character U+F000 to U+F0FF for it. After the
tables of these fonts in Unicode (Adobe's for Symbol); signs that Unicode has no common one for take the one
that looks most like it, and boxes with a tick or a cross are all ``TICKED``.
"""

from __future__ import annotations

from collections.abc import Mapping

TICKED, EMPTY = "☒", "☐"


def _table(*rows: tuple[int, str]) -> Mapping[int, str]:
    return {first + at: char for first, text in rows for at, char in enumerate(text)}


# fmt: off
_SYMBOL = _table(
    (0x20, " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟ"),
    (0x50, "ΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"),
    (0xA0, "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…|—↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉"),
    (0xD0, "∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪"),
    (0xF1, "〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"),
)
_WINGDINGS = _table(
    (0x20, " 🖉✂✁👓🕭🕮🕯🕿✆🖂🖃📪📫📬📭📁📂📄🗏🗐🗄⌛🖮🖰🖲🖳🖴🖫🖬✇✍🖎✌👌👍👎☜☞☝☟🖐☺😐☹💣☠🏳"),
    (0x50, "🏱✈☼💧❄🕆✞🕈✠✡☪☯ॐ☸♈♉♊♋♌♍♎♏♐♑♒♓🙰🙵●🔾■☐☐❑❒⬧⧫◆❖⬥☒⮹⌘🏵🏶🙶🙷"),
    (0x80, "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿🙢🙠🙡🙣🙞🙜🙝🙟·•⬝○🞆🞈🞊🞋🔿▪☐🟀🟁★🟋🟏🟓🟑"),
    (0xB0, "⯐⌖⯎⯏⯑✪✰🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🕛⮰⮱⮲⮳⮴⮵⮶⮷🙪🙫🙕🙔🙗🙖🙐🙑🙒🙓⌫⌦⮘➢⮙⮛⮈⮊⮉⮋←"),
    (0xE0, "→↑↓↖↗↙↘⬅➔⬆⬇⬉⬈⬋⬊⇦⇨⇧⇩⬄⇳⬁⬀⬃⬂▭▫✗✓☒☒⊞"),
)
#: of these only the signs that forms and lists use; the others become ``_OTHER``
_WINGDINGS_2 = _table(
    (0x4F, "✗✓☒☒☒☒☒☒"), (0x95, "·•●"), (0xA0, "■▪■☐▫◆◇"),
)
_WINGDINGS_3 = _table(
    (0x66, "←→↑↓↖↗↙↘"), (0x70, "▲▼△▽◀▶◁▷"), (0x7D, "▶"),
)
_WEBDINGS = _table(
    (0x31, "🞂"), (0x33, "◀▶▲▼"), (0x3C, "■"), (0x61, "✓"), (0x63, "☐"), (0x67, "■"), (0x6E, "●"), (0x72, "✗"),
    (0x78, "☒"),
)
# fmt: on
_FONTS: Mapping[str, Mapping[int, str]] = {
    "symbol": _SYMBOL,
    "wingdings": _WINGDINGS,
    "wingdings 2": _WINGDINGS_2,
    "wingdings 3": _WINGDINGS_3,
    "webdings": _WEBDINGS,
}
_OTHER = "▪"
#: what a character of the private area is where its font is not known: mostly Wingdings', and Symbol's dot
_UNKNOWN = {**_WINGDINGS, 0xB7: "•"}


def is_symbol_font(font: str) -> bool:
    """Whether letters in this font are signs."""
    return font.strip().lower() in _FONTS


def sign(code: int, font: str = "") -> str:
    """The character for ``code`` (0x20 to 0xFF, or with 0xF000 added) in a font, or where that is unknown.

    A code that is no letter of such a font is the character itself.
    """
    letter = code - 0xF000 if 0xF000 <= code <= 0xF0FF else code
    table = _FONTS.get(font.strip().lower())
    if table is None:
        return _UNKNOWN.get(letter, chr(code)) if letter != code else chr(code)
    return table.get(letter, _OTHER) if 0x20 <= letter <= 0xFF else chr(code)


def readable(text: str, font: str = "") -> str:
    """Text whose letters of symbol fonts are the characters that they look like."""
    if not is_symbol_font(font) and not any("\uf000" <= char <= "\uf0ff" for char in text):
        return text
    return "".join(sign(ord(char), font) for char in text)
