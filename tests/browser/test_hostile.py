"""What hostile documents cannot do in a browser: on our page, and in the files that people download."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE, Watch, choose
from tests.documents import paper_pdf
from tests.hostile import MARKUP
from tests.live import LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.browser

#: sign of a script that ran, whatever window it ran in
PWNED = """() => [window, ...[...Array(frames.length).keys()].map((number) => frames[number])].map((one) => {
    try { return one.__pwned } catch { return null }
}).filter(Boolean)"""


@pytest.mark.parametrize("name", first_then_long(*MARKUP, first=2))
def test_nothing_acts_on_the_page(page: Page, watch: Watch, name: str) -> None:
    watch.told += ["Content Security Policy", "KaTeX"]
    watch.refused += ["/images/", "/x"]
    choose(page, (name, MARKUP[name]()))
    mine = page.locator(".mo-row").filter(has_text=name).first
    expect(mine).to_contain_text("Done", timeout=PATIENCE)
    expect(page.locator("#mo-text")).to_contain_text("pwned", timeout=PATIENCE)
    _press_everything(page)
    page.get_by_role("tab", name="Markdown").click()
    expect(page.locator("#mo-text pre").first).to_contain_text("pwned")
    assert page.evaluate(PWNED) == []
    expect(page.locator("#mo-bar")).to_contain_text("Ready")
    # that nothing was fetched from another host is seen by the watch


def _press_everything(page: Page) -> None:
    """Each link and button of the shown document, as a reader might; links lead nowhere in this test."""
    page.evaluate(
        """() => document.querySelectorAll("#mo-text a, #mo-text button").forEach((node) => {
            const away = /^https?:/.test(node.href || "");
            if (!away) node.dispatchEvent(new MouseEvent("click", { cancelable: true }));
        })"""
    )


FIELDS = ("closest", "parentNode")


@pytest.mark.parametrize("names", [(), FIELDS], ids=["plain", "with names of what looks at it"])
def test_no_form_of_a_document_is_sent(
    page: Page, watch: Watch, server: LiveServer, names: tuple[str]
) -> None:
    """It would act in the reader's name: a click on a picture of a button paused the queue."""
    task = server.end(server.submit("form.pdf", paper_pdf(1, seed=500 + len(names))))
    path = server.data / "tasks" / task["id"] / "result" / "pages" / "1.json"
    record = json.loads(path.read_text())
    fields = "".join(f'<input name="{name}">' for name in names)
    form = f'<form action="/api/v1/queue/pause" method="post">{fields}<button>Go on</button></form>'
    block = record["blocks"][0] | {"auxiliary": False, "markdown": form}
    path.write_text(json.dumps(record | {"blocks": [block], "markdown": form}))
    page.goto(f"{server.url}/#task={task['id']}&page=1")
    button = page.locator("#mo-text form button")
    expect(button).to_have_count(1, timeout=PATIENCE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    button.evaluate("(node) => node.click()")
    page.wait_for_function("new Promise((done) => setTimeout(() => done(true)))")
    expect(page.locator("#mo-bar")).to_contain_text("Ready")
    assert "POST" not in asked and server.client.get("/api/v1/queue").json()["status"] != "paused"


@pytest.mark.parametrize("name", first_then_long("evil.html", "evil.docx", "evil.epub"))
def test_nothing_acts_in_a_downloaded_file(
    browser: Browser, server: LiveServer, tmp_path: Path, name: str
) -> None:
    task = server.end(server.submit(name, MARKUP[name]()))
    (tmp_path / "page.html").write_bytes(server.result(task["id"], "html"))
    with zipfile.ZipFile(io.BytesIO(server.result(task["id"], "epub"))) as book:
        book.extractall(tmp_path / "book")
    pages = [tmp_path / "page.html", *sorted(tmp_path.rglob("*.xhtml"))]
    assert len(pages) >= 3
    context = browser.new_context()
    try:
        for path in pages:
            shown, asked = context.new_page(), list[str]()
            shown.on("request", lambda request, asked=asked: asked.append(request.url))
            shown.goto(path.as_uri())
            assert "pwned" in shown.locator("body").inner_text() or "nav" in path.name
            shown.evaluate(
                "document.querySelectorAll('a:not([href^=http], [href*=xhtml])').forEach(a => a.click())"
            )
            assert shown.evaluate(PWNED) == []
            assert [url for url in asked if not url.startswith(tmp_path.as_uri())] == []
            shown.close()
    finally:
        context.close()
