"""Of a page all is read that a person sees, and nothing else; a hostile one takes no time."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from gradio_app.parsing.parse import parse_document
from gradio_app.parsing.prepare import Prepared, Wanted, prepare

ARTICLE = "".join(
    f"<p>Paragraph {n} of the article tells at some length how bread is made.</p>" for n in range(9)
)


def prepared(tmp_path: Path, page: str | bytes, wanted: Wanted | None = None) -> tuple[Prepared, bytes]:
    source, out = tmp_path / "source.html", tmp_path / "out"
    content = page.encode() if isinstance(page, str) else page
    source.write_bytes(content)
    found = prepare(source, "html", out, wanted or Wanted())
    return found, out.read_bytes() if found.kind else content


def markdown(tmp_path: Path, page: str, wanted: Wanted | None = None) -> str:
    source = tmp_path / "plain.html"
    source.write_bytes(prepared(tmp_path, page, wanted)[1])
    parse_document(str(source), str(tmp_path / "result"), (), "flash", "")
    return (tmp_path / "result" / "document.md").read_text("utf-8")


AROUND = {
    "header": "<header><p>Bakery of the square</p></header>{}",
    "header by class": '<div class="header"><p>Bakery of the square</p></div><div class="content">{}</div>',
    "navigation": "<nav><p>Bakery of the square</p></nav><main>{}</main>",
    "sidebar": '<main>{}</main><div class="sidebar"><p>Bakery of the square</p></div>',
    "comments": '<article>{}</article><section id="comments"><p>Bakery of the square</p></section>',
    "footer": '<div id="main" role="main">{}</div><footer><p>Bakery of the square</p></footer>',
    "advert": '<div itemprop="articleBody">{}</div><div class="widget"><p>Bakery of the square</p></div>',
    "within": '<article>{}<div class="related"><p>Bakery of the square</p></div></article>',
    "form": '<article>{}</article><form action="x"><p>Bakery of the square</p></form>',
    "button": "<article>{}</article><button>Bakery of the square</button>",
    "dialog": "<article>{}</article><dialog open>Bakery of the square</dialog>",
    "legend": "<article>{}</article><fieldset><legend>Bakery of the square</legend></fieldset>",
}


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
def test_what_stands_around_an_article_is_read(tmp_path: Path, around: str) -> None:
    text = markdown(tmp_path, f"<html><body>{around.format(ARTICLE)}</body></html>")
    assert "Bakery of the square" in text and "Paragraph 0" in text and "Paragraph 8" in text


def test_only_the_article_where_that_is_wanted(tmp_path: Path) -> None:
    page = f"<html><body>{AROUND['sidebar'].format(ARTICLE)}</body></html>"
    wanted = Wanted(main_content_only=True)
    assert prepared(tmp_path, page, wanted)[0].kind == ""
    assert "Bakery" not in markdown(tmp_path, page, wanted)


@pytest.mark.parametrize(
    ("title", "heading", "wanted"),
    [
        ("River tours", "<h2>River  <em>tours</em></h2>", ["## River *tours*"]),
        ("River tours", "<h1>River tours</h1>", ["# River tours"]),
        ("The river", "<h2>River tours</h2>", ["# The river", "## River tours"]),
    ],
)
def test_a_title_that_a_heading_repeats_is_given_once(
    tmp_path: Path, title: str, heading: str, wanted: list[str]
) -> None:
    page = f"<html><head><title>{title}</title></head><body>{heading}<p>Boats leave.</p></body></html>"
    lines = markdown(tmp_path, page).splitlines()
    assert [line for line in lines if line.startswith("#")] == wanted


def test_a_page_without_frames_is_left_alone(tmp_path: Path) -> None:
    page = f"<!DOCTYPE html><html><head><title>T</title></head><body><h1>Bread</h1>{ARTICLE}</body></html>"
    assert prepared(tmp_path, page)[0] == Prepared()


HIDDEN = (
    "<div hidden>secret</div>",
    '<div style="display:none">secret</div>',
    '<div style="color: red; DISPLAY : NONE">secret</div>',
    '<div class="gone">secret</div>',
    '<section class="gone">secret</section>',
    '<section class="off">secret</section>',
    '<div id="panel">secret</div>',
    "<script>secret</script>",
    "<template><p>secret</p></template>",
    '<input type="hidden" value="secret">',
    '<input type="password" value="secret">',
    "<dialog>secret</dialog>",
    "<!-- secret -->",
    '<form hidden><input value="secret"></form>',
)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_is_hidden_stays_out(tmp_path: Path, hidden: str) -> None:
    style = "<style>.gone{display:none} section.off{display:none} #panel, #x{display:none}</style>"
    text = markdown(
        tmp_path, f"<html><head>{style}</head><body><p>Seen.</p>{hidden}<div>Last.</div></body></html>"
    )
    assert "secret" not in text and "Seen." in text and "Last." in text


@pytest.mark.parametrize("media", ["print", "(max-width: 600px)", "screen and (max-width:9em)"])
def test_rules_for_other_media_hide_nothing(tmp_path: Path, media: str) -> None:
    style = f"<style>@media {media} {{ p{{color:red}} .wide{{display:none}} #k{{display:none}} }}</style>"
    page = (
        f'<html><head>{style}</head><body><div class="wide">Wide.</div><div id="k">Tall.</div></body></html>'
    )
    text = markdown(tmp_path, page)
    assert "Wide." in text and "Tall." in text


def test_a_form_shows_what_is_in_its_fields(tmp_path: Path) -> None:
    form = (
        '<form><p>Name: <input value="Ada"></p>'
        "<p>Size: <select><option>small<option selected>large</select></p>"
        '<p><input type="checkbox" checked> by post</p><p><input type="radio"> by boat</p>'
        "<p>Remark: <textarea>two\nlines</textarea></p></form>"
    )
    text = markdown(tmp_path, f"<html><body><h1>Order</h1>{form}</body></html>")
    for line in ("Name: Ada", "Size: large", "☑ by post", "☐ by boat", "Remark: two lines"):
        assert line in re.sub(" +", " ", text)
    assert "small" not in text


CELLS = {
    "<ul><li>First item</li><li>Second item</li></ul>": "• First item<br>• Second item",
    "<ol start=3><li>a<li>b</ol>": "3. a<br>4. b",
    "<div>x</div><div>y</div>z": "x<br>y<br>z",
    "<p>one</p><p>two</p>": "one<br>two",
    "before<div>in</div>after": "before<br>in<br>after",
    "<h3>Head</h3>text": "Head<br>text",
    "<div><div><div>deep</div></div></div>": "deep",
    "a<br>b": "a<br>b",
    "<ul><li>a<ul><li>b</li></ul></li></ul>": "• a<br>• b",
}


@pytest.mark.parametrize(("cell", "shown"), CELLS.items())
def test_blocks_in_cells_are_lines(tmp_path: Path, cell: str, shown: str) -> None:
    page = f"<table><tr><th>k</th><th>v</th></tr><tr><td>1</td><td>{cell}</td></tr></table>"
    assert f"| 1 | {shown} |" in markdown(tmp_path, f"<html><body>{page}</body></html>")


def test_a_page_that_was_exported_is_read_back_exactly(tmp_path: Path) -> None:
    from mineru.parser import parse
    from mineru.render import RenderFormat, render

    source = tmp_path / "first.csv"
    source.write_text("a,b\n1,2\n")
    page = render(parse(source, tier="flash").middle_json, RenderFormat.HTML)
    content = page if isinstance(page, str | bytes) else page.content
    assert prepared(tmp_path, content)[0].kind == ""


# ------------------------------------------------------------ bounds

DEEP = {
    "blocks": ("<div>w", "</div>"),
    "inline": ("<b>w", "</b>"),
    "tables": ("<table><tr><td>w", "</td></tr></table>"),
    "lists": ("<ul><li>w", "</li></ul>"),
    "quotes": ("<blockquote>w", "</blockquote>"),
}


@pytest.mark.parametrize("levels", [100, 300, 3000, 30_000])
@pytest.mark.parametrize("kind", DEEP)
def test_what_is_nested_deeply_is_all_there(tmp_path: Path, kind: str, levels: int) -> None:
    begin, end = DEEP[kind]
    began = time.process_time()
    page = f"<html><body>{begin * levels}bottom{end * levels}<p>after</p></body></html>"
    _, plain = prepared(tmp_path, page)
    assert time.process_time() - began < 10
    text = re.sub(r"<[^>]*>", " ", plain.decode())
    assert text.count("w") == levels and "bottom" in text and "after" in text
    if levels == 300:
        assert "bottom" in (read := markdown(tmp_path, page)) and "after" in read


HOSTILE = {
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(200_000)) + ">bread</p>",
    "data": "<p " + " ".join(f"data-{n}='x > y'" for n in range(100_000)) + ">bread</p>",
    "bare": "<p" + "".join(f" a{n}" for n in range(200_000)) + ">bread</p>",
    "open": "<span>" * 100_000 + "bread",
    "comments": "bread" + "<!--" * 100_000,
    "angles": "<" * 300_000 + " bread",
    "ends": "</div>" * 100_000 + "bread",
    "rules": "<style>" + "@media print{" * 50_000 + "</style><div>bread</div>",
    "style comments": "<style>" + "/*" * 100_000 + "</style><div>bread</div>",
    "blanks": "<p" + " " * 300_000 + "><p" + " /" * 300_000 + ">bread",
    "scripts": "<script>" * 50_000 + "</script>bread",
}


@pytest.mark.parametrize("page", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_page_takes_no_time(tmp_path: Path, page: str) -> None:
    began = time.process_time()
    found, plain = prepared(tmp_path, f"<html><body>{page}<p>after</p></body></html>")
    assert time.process_time() - began < 5
    assert b"bread" in plain and b"after" in plain
    if "a9" in page or "data" in page[:10]:
        assert [note.code for note in found.notes] == ["content_left_out"]
        began = time.process_time()
        assert "bread" in markdown(tmp_path, f"<html><body>{page}</body></html>")
        assert time.process_time() - began < 10


def test_no_attribute_of_a_usual_page_is_lost(tmp_path: Path) -> None:
    picture = 'src="data:image/gif;base64,' + "R0lGODlh" * 500 + '" alt="a > b"'
    found, plain = prepared(tmp_path, f"<html><body><div><img {picture}></div></body></html>")
    assert found.notes == [] and picture.encode()[:4000] in plain
