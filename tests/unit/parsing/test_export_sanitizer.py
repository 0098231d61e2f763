"""What is taken out of formulas and pages before somebody opens an export."""

from __future__ import annotations

import pytest

from gradio_app.parsing.export_sanitizer import LONGEST_FORMULA, Cleaner, is_mathematics, offline_html


@pytest.mark.parametrize(
    "formula",
    [
        r"\frac{a}{b} < \sqrt[3]{x} \leq \operatorname*{argmax}_{x \in \mathbb{R}} f(x)",
        r"\begin{pmatrix}a&b\\c&d\end{pmatrix}",
        r"\left\{ \begin{array}{ll} x, & x > 0 \\ -x, & \text{else} \end{array} \right.",
        r"\begin{align*} E &= mc^2 \tag{1} \end{align*}",
        r"\sum_{i=1}^{n}\limits \hat{\boldsymbol{\theta}}_i^{\prime} \xrightarrow{p} \mathcal{N}(0, 1)",
        "x^2",
    ],
)
def test_mathematics_is_left_alone(formula: str) -> None:
    assert is_mathematics(formula)


@pytest.mark.parametrize(
    "formula",
    [
        r"\input{/etc/passwd}",
        r"\immediate\write18{id}",
        r"x \) \include{x} \( y",
        r"\csname input\endcsname{x}",
        "^^5cinput{x}",
        "^^^^005cinput{x}",
        r"\def\x{\x\x}\x",
        r"\newcommand{\a}{b}",
        r"\catcode`\@=11 \@@input x",
        r"\@@input x",
        r"\href{javascript:alert(1)}{x}",
        r"\style{background:url(http://x)}{y}",
        r"\class{x}{y}",
        r"\includegraphics{x}",
        r"\begin{filecontents}{x}y\end{filecontents}",
        r"\begin {filecontents*}{x}",
        r"\\\input x",
        r"\loop\repeat",
        "x" * (LONGEST_FORMULA + 1),
    ],
)
def test_what_does_more_than_set_a_formula_is_none(formula: str) -> None:
    assert not is_mathematics(formula)


PAGE = (
    '<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<script src="https://cdn.invalid/x.js"></script>\n'
    "</head>\n<body>{}</body>\n</html>"
)


def carrier(latex: str) -> str:
    return (
        f'<span class="docvortex-math" data-formula-display="inline" data-docvortex-latex="{latex}">x</span>'
    )


def test_formulas_become_mathml_and_scripts_go() -> None:
    page = offline_html(PAGE.format(carrier(r"\frac{a}{b}")))
    assert "<mfrac>" in page and "<script" not in page and "cdn.invalid" not in page
    assert page.count("Content-Security-Policy") == 1 and "default-src 'none'" in page


@pytest.mark.parametrize(
    "latex", [r"\text{&lt;script&gt;alert(1)&lt;/script&gt;}", r"\href{javascript:x}{y}", "{"]
)
def test_a_formula_that_is_no_mathml_is_shown_as_text(latex: str) -> None:
    page = offline_html(PAGE.format(carrier(latex)))
    assert "<code>" in page and "<script" not in page and "href=" not in page


def test_a_page_without_scripts_only_gets_its_policy() -> None:
    page = PAGE.format("<p>text").replace('<script src="https://cdn.invalid/x.js"></script>\n', "")
    before, rest = offline_html(page).split("<meta http-equiv", 1)
    assert before + rest.split(">\n", 1)[1] == page


def test_pictures_on_other_servers_become_links() -> None:
    page = offline_html(
        PAGE.format('<p><img src="https://far.invalid/a.png" alt="A map"><img src="images/b.jpg">')
    )
    assert '<a href="https://far.invalid/a.png" rel="noopener noreferrer">A map</a>' in page
    assert page.count("<img") == 1


def test_signs_that_xml_cannot_hold_are_replaced() -> None:
    from docvortex.schema import BlockType, DocTitleBlock, MiddleJson, PageInfo, TextSpan

    heading = DocTitleBlock(
        type=BlockType.DOC_TITLE, index=0, level=1, content=[TextSpan(type="text", content="a\x01\uffffb")]
    )
    middle = MiddleJson.model_construct(pages=[PageInfo(page_idx=0, blocks=[heading])])
    Cleaner("epub").clean(middle)
    assert heading.content == [TextSpan(type="text", content="a\ufffd\ufffdb")]


@pytest.mark.parametrize(
    ("markup", "wanted"),
    [
        ("<table>x<th>1</th><td>2</td></table>", "<table>x<tr><th>1</th><td>2</td></tr></table>"),
        (
            "<table><tr><td>1</td></tr><td>2</td></table>",
            "<table><tr><td>1</td></tr><tr><td>2</td></tr></table>",
        ),
        ("<table><tr><td>1</td></tr></table>", "<table><tr><td>1</td></tr></table>"),
    ],
)
def test_cells_stand_in_rows(markup: str, wanted: str) -> None:
    assert Cleaner("docx")._markup(markup) == wanted  # pyright: ignore[reportPrivateUsage]
