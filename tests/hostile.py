"""Makes documents that mean harm by what they say: markup, links, formulas and scripts in every place."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from tests.fuzz.seeds import docx, epub, mhtml, odf, pdf_of, pptx, relations, xlsx

#: what a document's text may hold; in no way out may it act, load or run anything
EVIL = (
    "<script>window.__pwned = 1</script>",
    '<img src=x onerror="window.__pwned = 2">',
    '<img src="http://tracker.invalid/a.png">',
    '<a href="javascript:window.__pwned = 3">press</a>',
    '<a href="data:text/html,<script>parent.__pwned = 4</script>">press</a>',
    "[press](javascript:window.__pwned=5)",
    "![seen](http://tracker.invalid/b.png)",
    '<svg onload="window.__pwned = 6"><script>window.__pwned = 7</script></svg>',
    '<iframe src="http://tracker.invalid/c"></iframe>',
    '<style>@import "http://tracker.invalid/d.css";</style>',
    '<link rel="stylesheet" href="http://tracker.invalid/e.css">',
    '"><script>window.__pwned = 8</script>',
    "&lt;script&gt;window.__pwned = 9&lt;/script&gt;",
    "</title></head><script>window.__pwned = 10</script>",
    "]]><script>window.__pwned = 11</script>",
    r"\input{/etc/passwd} \immediate\write18{touch /tmp/pwned} $\input{/etc/passwd}$",
    "=HYPERLINK(\"http://tracker.invalid/f\",\"press\")",
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "{{7*7}} ${7*7} <%= 7*7 %>",
)  # fmt: skip
#: formulas that do more than set a formula
FORMULAS = (
    r"\input{/etc/passwd}",
    r"\immediate\write18{id}",
    r"\href{javascript:window.__pwned=20}{x}",
    r'\text{<script xmlns="http://www.w3.org/1999/xhtml">window.__pwned = 21</script>}',
    r'\text{<img xmlns="http://www.w3.org/1999/xhtml" src="http://tracker.invalid/g.png"/>}',
    r"\includegraphics{http://tracker.invalid/h.png}",
    r"\def\x{\x\x}\x",
    r"\style{background:url(http://tracker.invalid/i.png)}{x}",
    r"a < b",
)
TITLE = "<script>window.__pwned = 30</script> & \"title\"</title>"  # fmt: skip

_EVIL_LINKS = (
    "javascript:window.__pwned=40",
    "file:///etc/passwd",
    "data:text/html,<b>x</b>",
    "\\\\host\\share",
)


def _word_paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p>"


def evil_docx() -> bytes:
    """Text, table cells, links and formulas."""
    links = "".join(
        f'<w:p><w:hyperlink r:id="rId{number}"><w:r><w:t>link {number}</w:t></w:r></w:hyperlink></w:p>'
        for number in range(1, len(_EVIL_LINKS) + 1)
    )
    rows = "".join(
        f"<w:tr><w:tc>{_word_paragraph(text)}</w:tc><w:tc>{_word_paragraph('x')}</w:tc></w:tr>"
        for text in EVIL
    )
    formulas = "".join(f"<m:oMath><m:r><m:t>{escape(text)}</m:t></m:r></m:oMath>" for text in FORMULAS)
    field = (
        '<w:p><w:fldSimple w:instr="DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe &quot;/k calc&quot;">'
        "<w:r><w:t>field</w:t></w:r></w:fldSimple></w:p>"
        '<w:p><w:fldSimple w:instr="HYPERLINK &quot;javascript:window.__pwned=41&quot;">'
        "<w:r><w:t>link field</w:t></w:r></w:fldSimple></w:p>"
    )
    body = "".join(map(_word_paragraph, EVIL)) + links + field + f"<w:tbl>{rows}</w:tbl><w:p>{formulas}</w:p>"
    targets = relations(*(("hyperlink", escape(link)) for link in _EVIL_LINKS), external=True)
    return docx(body, targets)


def evil_xlsx() -> bytes:
    rows = "".join(
        f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
        f'<c r="B{row}"><f>{escape(text.lstrip("=+-@"))}</f><v>1</v></c></row>'
        for row, text in enumerate(EVIL, 1)
    )
    return xlsx(rows)


def evil_csv() -> bytes:
    cells = (f'"{text.replace(chr(34), chr(34) * 2)}",x' for text in EVIL)
    return "\n".join(("a,b", *cells)).encode()


def evil_html() -> bytes:
    """As markup, as text, in a table, in attributes, in code, and as formulas of every notation."""
    raw = "".join(f"<p>{text}</p>" for text in EVIL)
    told = "".join(f"<p>{escape(text)}</p>" for text in EVIL)
    styled = "<td onclick='window.__pwned=50' style='background:url(//tracker.invalid/j)'>"
    cells = "".join(
        f"<tr>{styled}{text}</td></tr><tr><td>{escape(text)}</td></tr>"
        for text in EVIL
        if "</title>" not in text
    )
    links = "".join(f'<p><a href="{escape(link)}">link</a></p>' for link in _EVIL_LINKS)
    formulas = "".join(
        f'<p>\\({escape(text)}\\)</p><math><semantics><mi>x</mi><annotation encoding="application/x-tex">'
        f"{escape(text)}</annotation></semantics></math>"
        f'<script type="math/tex">{text}</script><span class="math">\\({escape(text)}\\)</span>'
        for text in FORMULAS
    )
    code = f"<pre><code class='language-x\" onclick=\"x'>{''.join(map(escape, EVIL))}</code></pre>"
    return (
        f"<html><head><title>{escape(TITLE)}</title><base href='http://tracker.invalid/'>"
        "<meta http-equiv='refresh' content='0;url=http://tracker.invalid/k'></head>"
        f"<body onload='window.__pwned=51'>{told}{links}<table>{cells}</table>{formulas}{code}{raw}"
        "</body></html>"
    ).encode()


def evil_epub() -> bytes:
    told = "".join(f"<p>{escape(text)}</p>" for text in EVIL)
    links = "".join(f'<p><a href="{escape(link)}">link</a></p>' for link in _EVIL_LINKS)
    formulas = "".join(
        '<p><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mi>x</mi>'
        f'<annotation encoding="application/x-tex">{escape(text)}</annotation></semantics></math></p>'
        for text in FORMULAS
    )
    active = (
        '<p onclick="window.__pwned=60">z</p><img src="http://tracker.invalid/l.png" alt="a"/>'
        '<svg xmlns="http://www.w3.org/2000/svg"><script>window.__pwned=61</script></svg>'
        '<iframe src="http://tracker.invalid/m"></iframe><script>window.__pwned=62</script>'
    )
    return epub(told + links + formulas + active, title=escape(TITLE))


def evil_odt() -> bytes:
    told = "".join(f"<text:p>{escape(text)}</text:p>" for text in EVIL)
    links = "".join(
        f'<text:p><text:a xlink:href="{escape(link)}">l</text:a></text:p>' for link in _EVIL_LINKS
    )
    return odf("text", told + links)


def evil_pptx() -> bytes:
    return pptx("</a:t></a:r></a:p><a:p><a:r><a:t>".join(map(escape, EVIL)))


def evil_rtf() -> bytes:
    told = "".join(
        text.replace("\\", r"\\").replace("{", r"\{").replace("}", r"\}") + r"\par " for text in EVIL
    )
    field = r'{\field{\*\fldinst HYPERLINK "javascript:window.__pwned=70"}{\fldrslt press}}'
    include = r'{\field{\*\fldinst INCLUDEPICTURE "http://tracker.invalid/n.png"}{\fldrslt seen}}'
    return (
        r"{\rtf1{\info{\title <script>window.__pwned=71</script>}}" + told + field + include + "}"
    ).encode()


def evil_pdf() -> bytes:
    """Text, a title, actions that run script or start programs, links, an embedded script, a form."""
    signs = str.maketrans({"\\": r"\\", "(": r"\(", ")": r"\)"})
    lines = "".join(
        f"BT /F 9 Tf 40 {800 - 24 * row} Td ({text.translate(signs)}) Tj ET\n"
        for row, text in enumerate(EVIL)
    ).encode()
    title = TITLE.translate(signs).encode()
    uris = b"".join(
        b"<</Type/Annot/Subtype/Link/Rect[40 %d 400 %d]/A<</S/URI/URI(%b)>>>>"
        % (790 - 24 * row, 810 - 24 * row, link.translate(signs).encode())
        for row, link in enumerate(_EVIL_LINKS)
    )
    script = b"<</S/JavaScript/JS(app.launchURL\\('http://tracker.invalid/o'\\))>>"
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R/OpenAction %b/AA<</WC %b>>/Names<</JavaScript<</Names[(a) %b]>>>>>>"
            % (script, script, script),
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/AA<</O %b>>/Annots[%b"
            b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/Launch/F(/bin/sh)>>>>]"
            b"/Resources<</Font<</F 5 0 R>>>>>>" % (script, uris),
            b"<</Length %d>>stream\n%b\nendstream" % (len(lines), lines),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Title(%b)/Author(%b)>>" % (title, title),
        ],
        b"/Info 6 0 R",
    )


#: file name -> how to make it
MARKUP: dict[str, Callable[[], bytes]] = {
    "evil.docx": evil_docx,
    "evil.xlsx": evil_xlsx,
    "evil.csv": evil_csv,
    "evil.html": evil_html,
    "evil.epub": evil_epub,
    "evil.odt": evil_odt,
    "evil.pptx": evil_pptx,
    "evil.rtf": evil_rtf,
    "evil.pdf": evil_pdf,
    "evil.mhtml": lambda: mhtml(evil_html()),
}
