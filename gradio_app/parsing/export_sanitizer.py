"""Sanitizer of exports: removes from a result what would act when somebody opens an export.

MinerU's exporters clean text, links and tables themselves. What they leave in: formulas go into LaTeX as they
are (``\\input``, ``\\def``), and into MathML with their links and even with markup (``\\text{<script>}``);
pictures on other servers stay linked; HTML fetches scripts for formulas and code from outside. This module
ends that, before and after an export.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, cast
from xml.etree import ElementTree

from bs4 import BeautifulSoup, Tag

#: longer formulas are shown as text: converting one takes time that grows with the square of its length
LONGEST_FORMULA = 10_000
#: what a browser may do with an exported page, should anything have been missed
_POLICY = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'"

# a backslash before any other sign belongs to that sign: in \\c there is no \c
_COMMAND = re.compile(r"\\(?:([A-Za-z@]+\*?)|.)", re.DOTALL)
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{([^}]*)\}")
#: commands that latex2mathml knows and that do more than set a formula
_ACTIVE = {
    "href",
    "class",
    "style",
    "unicode",
    "def",
    "newcommand",
    "newenvironment",
    "DeclareMathOperator",
    "verb",
}
#: mathematics that latex2mathml does not know
_MORE = """
    ensuremath mathbbm mathds label ref eqref intertext textcircled hfill hdots hdotsfor textsuperscript
    textsubscript arg vspace cline multicolumn multirow allowbreak nobreak break newline linebreak par
    noindent S P dag ddag copyright aa ae o l ss i j textdegree celsius permil vcentcolon Tilde Hat Bar Vec
    displaylimits prescript raisebox textsc scalebox null arrowvert Arrowvert bracevert lbrace rbrace
"""
_ENVIRONMENTS = """
    matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array subarray cases dcases rcases aligned
    alignedat align alignat gather gathered split multline equation eqnarray tabular
"""
#: a cell of a table that does not stand in a row
_LOOSE_CELL = re.compile(r"(?:<(?:table|thead|tbody|tfoot)\b[^<>]*>|</tr>)[^<>]*<t[dh]\b", re.IGNORECASE)
_NO_XML = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")
_MATHML = "{http://www.w3.org/1998/Math/MathML}m"
_WEB = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_WEB_PICTURE = re.compile(r"""<img\b[^>]*\bsrc=["']?(?:https?:)?//""", re.IGNORECASE)


@lru_cache(maxsize=1)
def _mathematics() -> frozenset[str]:
    """Names of the commands that only set mathematics."""
    from latex2mathml import commands
    from latex2mathml.symbols_parser import SYMBOLS

    found: set[str] = set(SYMBOLS)
    for value in vars(commands).values():
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, dict | tuple | list | set | frozenset):
            found |= {item for item in cast(Any, value) if isinstance(item, str)}
    names = {match[1] for item in found if (match := _COMMAND.fullmatch(item)) and match[1]}
    return frozenset(names | set(_MORE.split())) - _ACTIVE


def is_mathematics(formula: str) -> bool:
    """Whether a formula in LaTeX only sets mathematics: nothing that reads, writes, defines or links."""
    if len(formula) > LONGEST_FORMULA or "^^" in formula:  # ^^5c is a backslash to TeX
        return False
    known = _mathematics()
    commands = filter(None, cast(list[str], _COMMAND.findall(formula)))
    return all(name in known or name.rstrip("*") in known for name in commands) and all(
        name.strip().rstrip("*") in _ENVIRONMENTS.split() for name in _ENVIRONMENT.findall(formula)
    )


# ---------------------------------------------------------------- before an export


class Cleaner:
    """Changes a MiddleJson in place.

    What is no mathematics is shown as code, and what XML cannot hold as a question mark: MinerU's EPUB
    refuses the whole document for one such sign in a heading.
    """

    def __init__(self, form: str) -> None:
        # latex2mathml puts the text of a formula into MathML as if it were markup; LaTeX knows no \\lt
        self._signs = {} if form == "latex" else {"<": r"\lt ", ">": r"\gt "}

    def clean(self, middle: Any) -> None:
        """All pages of ``middle``."""
        for page in middle.pages:
            page.blocks = [self._block(block) for block in page.blocks]

    def _block(self, block: Any) -> Any:
        from docvortex.schema import BlockType, CodeInlineSpan, TextBlock

        equation = block.type == BlockType.EQUATION
        if equation and not is_mathematics(block.content):
            code = CodeInlineSpan(type="code_inline", content=_readable(block.content))
            return TextBlock(type=BlockType.TEXT, index=block.index, bbox=block.bbox, content=[code])
        if equation:
            block.content = self._formula(block.content)
        content = getattr(block, "content", None)
        if isinstance(content, list):
            block.content = [self._part(item) for item in cast(list[Any], content)]
        elif isinstance(content, str) and not equation:
            text = _readable(content)
            block.content = self._markup(text) if hasattr(block, "image_path") else text
        return block

    def _part(self, part: Any) -> Any:
        """A child block, or a span of a line."""
        from docvortex.schema import BlockBase, CodeInlineSpan, EquationInlineSpan, HyperlinkSpan

        if isinstance(part, BlockBase):
            return self._block(part)
        if isinstance(part, EquationInlineSpan):
            if not is_mathematics(part.content):
                return CodeInlineSpan(type="code_inline", content=_readable(part.content))
            part.content = self._formula(part.content)
        elif isinstance(part, HyperlinkSpan):
            part.content = [self._part(item) for item in part.content]
        else:
            part.content = _readable(part.content)
        return part

    def _formula(self, formula: str) -> str:
        formula = _readable(formula)
        for sign, command in self._signs.items():
            formula = formula.replace(sign, command)
        return formula

    def _markup(self, markup: str) -> str:
        """HTML of a table or picture; the same string when there is nothing to change."""
        from docvortex.content.links import OFFICE_EXTERNAL_HYPERLINK_SCHEMES, sanitize_hyperlink_target

        if not re.search(r"<(?:eq|a)\b", markup, re.IGNORECASE) and not _LOOSE_CELL.search(markup):
            return markup
        soup = BeautifulSoup(markup, "html.parser")
        for group in soup.find_all(["table", "thead", "tbody", "tfoot"]):
            _put_into_rows(soup, group)
        for formula in soup.find_all("eq"):
            text = formula.get_text()
            if is_mathematics(text):
                formula.string = self._formula(text)
            else:
                formula.name = "code"
        for link in soup.find_all("a"):
            address = str(link.get("href") or "")
            schemes = OFFICE_EXTERNAL_HYPERLINK_SCHEMES
            target = sanitize_hyperlink_target(
                address, allowed_schemes=schemes, allow_relative=True, allow_fragment=True
            )
            if target is None:
                link.unwrap()  # MinerU's DOCX refuses the whole document for a link without a target
        return str(soup)


def _put_into_rows(soup: BeautifulSoup, group: Tag) -> None:
    """Gives cells that stand in a table without a row one: for them MinerU's DOCX refuses the document."""
    row: Tag | None = None
    for child in list(group.children):
        if not isinstance(child, Tag):
            continue
        if child.name not in ("td", "th"):
            row = None
            continue
        if row is None:
            row = soup.new_tag("tr")
            child.insert_before(row)
        row.append(child.extract())


def _readable(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


# ---------------------------------------------------------------- after an export


def offline_html(page: str) -> str:
    """An exported page without scripts and with a policy of its own.

    Formulas become MathML; pictures on other servers become links to them.
    """
    if "<script" in page or _WEB_PICTURE.search(page):
        soup = BeautifulSoup(page, "html.parser")
        for script in soup.find_all("script"):
            script.decompose()
        for formula in soup.select(".docvortex-math"):
            _set_formula(soup, formula)
        for canvas in soup.select(".docvortex-flowchart-canvas"):  # without a script it stays empty
            canvas.decompose()
        for picture in soup.find_all("img"):
            if _WEB.match(address := str(picture.get("src"))):
                link = soup.new_tag("a", href=address, rel="noopener noreferrer")
                link.string = str(picture.get("alt") or address)
                picture.replace_with(link)
        page = str(soup)
    head = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    return re.sub(r'<meta charset="utf-8" ?/?>', lambda _: head, page, count=1)


def _set_formula(soup: BeautifulSoup, carrier: Tag) -> None:
    latex = str(carrier.get("data-docvortex-latex") or "")
    markup = _mathml(latex, "block" if carrier.get("data-formula-display") == "block" else "inline")
    carrier.clear()
    if markup:
        carrier.append(BeautifulSoup(markup, "html.parser"))
    else:
        code = soup.new_tag("code")
        code.string = latex
        carrier.append(code)


def _mathml(latex: str, display: str) -> str:
    """The formula as MathML; empty when it cannot be converted."""
    from latex2mathml.converter import convert

    if not is_mathematics(latex):
        return ""
    try:
        markup = convert(latex, display=cast(Any, display))
        names = {element.tag for element in ElementTree.fromstring(markup).iter()}
    except Exception:  # it raises whatever comes up; the formula is shown as it was written
        return ""
    return markup if all(name.startswith(_MATHML) for name in names) else ""
