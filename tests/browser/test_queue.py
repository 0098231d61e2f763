"""Ten thousand documents in the list: found, sorted, scrolled, picked, stopped, deleted, saved."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gradio_app.store.task import Task
from tests.browser.conftest import PATIENCE, OpenPage, Watch, row
from tests.crowd import fill
from tests.documents import text_pdf
from tests.live import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COUNT = 10_000
#: rows and elements of the whole page; the list alone would be 300,000
MOST_ROWS, MOST_NODES = 400, 12_000


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveServer, list[Task]]]:
    data = tmp_path_factory.mktemp("crowd") / "data"
    tasks = fill(data, COUNT)
    with LiveServer(data, "--workers", "1", "--max-queue-per-user", "5000") as live:
        yield live, tasks


@pytest.fixture(scope="module")
def server(crowd: tuple[LiveServer, list[Task]]) -> LiveServer:
    """In place of the one that all other tests share."""
    return crowd[0]


def count(page: Page) -> int:
    """What stands on the button of the kind that is shown."""
    text = page.get_by_role("group", name="Which documents").get_by_role("button", pressed=True).inner_text()
    return int(re.sub(r"\D", "", text) or 0)


def shown(page: Page) -> list[str]:
    return page.locator(".mo-row .mo-row-base").all_text_contents()


def kind(page: Page, name: str) -> Any:
    return page.locator(".mo-kind").filter(has_text=name)


def search(page: Page, words: str) -> None:
    page.get_by_role("searchbox", name="Find names and text").fill(words)


def order(page: Page, by: str) -> None:
    page.get_by_role("combobox", name="Order").select_option(label=by)


def pick(page: Page, index: int, **options: Any) -> None:
    page.locator(".mo-row .mo-tick").nth(index).click(**options)


def picks(page: Page) -> Any:
    return page.get_by_role("toolbar", name="What to do with the selected")


def test_the_first_rows_of_ten_thousand_and_what_is_in_the_document(page: Page) -> None:
    expect(page.locator(".mo-row").first).to_be_visible()
    expect(page.get_by_role("button", name="All 10,000")).to_be_visible()
    expect(kind(page, "Waiting")).to_contain_text("2,000")
    expect(kind(page, "Done")).to_contain_text("6,000")
    expect(page.locator(".mo-group-waiting .mo-row")).to_have_count(8)
    assert page.locator(".mo-row").count() < MOST_ROWS
    assert page.evaluate("document.querySelectorAll('*').length") < MOST_NODES
    known = page.evaluate("() => import('/page/common/hub.js').then((hub) => hub.state.tasks.size)")
    assert known < MOST_ROWS, "nor are they all in memory"


def test_more_come_while_one_scrolls_and_go_when_out_of_sight(page: Page) -> None:
    order(page, "Newest first")
    body = page.locator(".mo-queue-body")
    expect(page.locator(".mo-row").first).to_contain_text("09999")
    seen = set(shown(page))
    for _ in range(400):
        body.evaluate("node => node.scrollBy(0, 700)")
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        seen |= set(shown(page))
        if len(seen) >= 1000:
            break
    assert len(seen) >= 1000, "each comes to sight"
    numbers = sorted((int(name[-9:-4]) for name in seen), reverse=True)
    assert numbers == list(range(9999, 9999 - len(numbers), -1)), "none is left out"
    assert page.locator(".mo-row").count() < MOST_ROWS
    assert page.evaluate("document.querySelectorAll('*').length") < MOST_NODES
    body.evaluate("node => node.scrollTo(0, 0)")
    expect(page.locator(".mo-row").first).to_contain_text("09999")
    expect(page.locator(".mo-row").first).to_be_in_viewport()


def test_one_is_found_by_its_name_and_some_by_their_folder(page: Page) -> None:
    expect(page.locator(".mo-row").first).to_be_visible()
    search(page, "invoice 01234")
    expect(page.locator(".mo-row")).to_have_count(0)
    expect(page.get_by_text("No document matches.")).to_be_visible()
    page.get_by_role("button", name="Show all documents").click()
    expect(page.get_by_role("button", name="All 10,000")).to_be_visible()
    search(page, "MINUTES 01234")
    expect(page.locator(".mo-row")).to_have_count(1)
    expect(page.locator(".mo-row")).to_contain_text("01234.pdf")
    search(page, "archive/2003 thesis")
    expect(page.locator(".mo-row").first).to_contain_text("archive/2003/thesis")
    assert count(page) > 10
    expect(page.locator(".mo-sr[aria-live=polite]")).to_contain_text("found")


def test_each_order_and_each_kind_is_asked_of_the_server(page: Page) -> None:
    expect(page.locator(".mo-row").first).to_be_visible()
    for by, first in (
        ("Oldest first", "river report 00000"),
        ("Newest first", "thesis 09999"),
        ("By name", "field guide 00001"),
        ("Last finished", "thesis 09999"),
    ):
        order(page, by)
        expect(page.locator(".mo-row").first).to_contain_text(first)
    order(page, "Most pages")
    kind(page, "Done").click()
    expect(page.locator(".mo-row").first).to_contain_text("299 pages")
    kind(page, "Failed").click()
    expect(page.locator(".mo-row").first).to_have_attribute("data-status", "failed")
    statuses = page.locator(".mo-row").evaluate_all(
        "rows => [...new Set(rows.map((row) => row.dataset.status))]"
    )
    assert statuses == ["failed"]
    expect(kind(page, "Failed")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".mo-row").first).to_contain_text("The file is damaged")
    order(page, "By state")
    kind(page, "Waiting").click()
    expect(page.locator(".mo-group-waiting .mo-row").nth(30)).to_be_attached()


def test_a_run_is_picked_with_shift_and_escape_lets_go(page: Page) -> None:
    order(page, "Newest first")
    expect(page.locator(".mo-row").first).to_contain_text("09999")
    pick(page, 1)
    expect(picks(page)).to_contain_text("1 selected")
    pick(page, 6, modifiers=["Shift"])
    expect(picks(page)).to_contain_text("6 selected")
    # 9998 cancelled? The pattern is fixed: 98 is failed, 97 and 96 wait, 95 to 93 are done
    expect(picks(page).get_by_role("button", name="Cancel: 2 documents")).to_be_enabled()
    expect(picks(page).get_by_role("button", name="Try again: 1 document")).to_be_enabled()
    expect(picks(page).get_by_role("button", name="Download: 3 documents")).to_be_enabled()
    expect(picks(page).get_by_role("button", name="Delete: 6 documents")).to_be_enabled()
    pick(page, 3)
    expect(picks(page)).to_contain_text("5 selected")
    page.keyboard.press("Escape")
    expect(picks(page)).to_be_hidden()
    expect(page.locator(".mo-tick:checked")).to_have_count(0)


def test_many_are_saved_as_one_archive_with_their_folders(page: Page) -> None:
    kind(page, "Done").click()
    expect(page.locator(".mo-row").first).to_contain_text("Done")
    pick(page, 0)
    pick(page, 29, modifiers=["Shift"])
    expect(picks(page)).to_contain_text("30 selected")
    with page.expect_download() as download:
        picks(page).get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "documents.zip"
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert archive.testzip() is None
        names = [name for name in archive.namelist() if name.endswith("document.md")]
        assert len(names) == 30
        assert any(re.fullmatch(r"archive/20\d\d/[a-z ]+ \d{5}/document\.md", name) for name in names)
        assert archive.read("survey 09995/document.md") == b"# survey 09995.pdf\n"


def test_focus_and_place_stay_while_other_rows_change(page: Page, server: LiveServer) -> None:
    order(page, "Newest first")
    expect(page.locator(".mo-row").first).to_contain_text("09999")
    body = page.locator(".mo-queue-body")
    body.evaluate("node => node.scrollTo(0, 900)")
    button = row(page, "09980.pdf").get_by_role("button", name=re.compile("^Delete"))
    button.focus()
    expect(button).to_be_focused()
    row(page, "09980.pdf").evaluate("node => (node.same = true)")
    before = body.evaluate("node => node.scrollTop")
    changed = row(page, "09977.pdf")
    expect(changed).to_have_attribute("data-status", "queued")
    server.client.post(f"/api/v1/tasks/{9977:032x}/cancel").raise_for_status()
    expect(changed).to_have_attribute("data-status", "cancelled")
    expect(button).to_be_focused()
    assert row(page, "09980.pdf").evaluate("node => node.same"), "it was not made again"
    assert body.evaluate("node => node.scrollTop") == before
    # a new one comes in above
    server.submit("newcomer.pdf", text_pdf(1, seed=400))
    expect(page.get_by_role("button", name="All 10,001")).to_be_visible()
    expect(button).to_be_focused()
    expect(button).to_be_in_viewport()
    server.client.delete(
        f"/api/v1/tasks/{server.client.get('/api/v1/tasks?limit=1').json()['tasks'][0]['id']}"
    )
    expect(page.get_by_role("button", name="All 10,000")).to_be_visible()


def test_j_and_k_walk_on_where_rows_are_not_in_the_document(page: Page, watch: Watch) -> None:
    watch.refused.append("/pages/")  # these have no pages
    kind(page, "Failed").click()
    expect(page.locator(".mo-row").first).to_have_attribute("data-status", "failed")
    page.locator(".mo-queue-body").focus()
    for _ in range(130):
        page.keyboard.press("j")
    chosen = page.locator(".mo-row.mo-selected")
    expect(chosen).to_have_count(1)
    expect(chosen).to_be_in_viewport()
    at = page.evaluate(
        """() => Promise.all([import('/page/queue/state.js'), import('/page/common/hub.js')])
            .then(([queue, hub]) => queue.pane.sections[0].ids.indexOf(hub.state.selected))"""
    )
    assert at >= 99, "the next rows are fetched on the way"
    assert page.locator(".mo-row").count() < MOST_ROWS


def test_the_keyboard_alone_picks_and_deletes(page: Page) -> None:
    kind(page, "Cancelled").click()
    expect(page.locator(".mo-row").first).to_have_attribute("data-status", "cancelled")
    before = count(page)
    tick = page.get_by_role("checkbox", name=re.compile("^Select ")).first
    tick.focus()
    page.keyboard.press("Space")
    expect(tick).to_be_checked()
    expect(picks(page)).to_contain_text("1 selected")
    delete = picks(page).get_by_role("button", name="Delete: 1 document")
    delete.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Delete 1 document")).to_be_visible()
    page.keyboard.press("Escape")
    expect(delete).to_be_focused()
    expect(picks(page)).to_contain_text("1 selected")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(kind(page, "Cancelled")).to_contain_text(f"{before - 1:,}")
    expect(picks(page)).to_be_hidden()


# ---------------------------------------------------------------- these change the crowd: they come last


def test_all_that_match_are_cancelled_then_deleted(page: Page, server: LiveServer) -> None:
    kind(page, "Waiting").click()
    expect(page.locator(".mo-group-waiting .mo-row").nth(30)).to_be_attached()
    waiting = server.client.get("/api/v1/tasks?limit=0&status=queued").json()["total"]
    pick(page, 0)
    picks(page).get_by_role("button", name=f"Select all {waiting:,}").click()
    expect(picks(page)).to_contain_text(f"{waiting:,} selected")
    picks(page).get_by_role("button", name=f"Cancel: {waiting:,} documents").click()
    expect(page.get_by_text(f"{waiting:,} documents cancelled.").first).to_be_visible(timeout=PATIENCE)
    assert server.client.get("/api/v1/tasks?limit=0&status=queued,pending").json()["total"] == 0
    expect(kind(page, "Cancelled")).to_contain_text("2,9", timeout=PATIENCE)

    kind(page, "Failed").click()
    expect(page.locator(".mo-row").first).to_have_attribute("data-status", "failed")
    pick(page, 0)
    picks(page).get_by_role("button", name="Select all 1,000").click()
    picks(page).get_by_role("button", name="Delete: 1,000 documents").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("1,000 documents deleted.").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("No document matches.")).to_be_visible()
    assert server.client.get("/api/v1/tasks?limit=0&status=failed").json()["total"] == 0


def test_a_folder_that_is_dropped_keeps_its_structure(page: Page, server: LiveServer) -> None:
    server.client.post("/api/v1/queue/resume").raise_for_status()
    page.evaluate(
        """data => {
            const bytes = data.map((one) => Uint8Array.from(one));
            const file = (name, index, path) => ({
                isFile: true, name, fullPath: path,
                file: (done) => done(new File([bytes[index]], name)),
            });
            const folder = (name, inside) => ({
                isDirectory: true, name,
                createReader: () => {
                    const batches = [inside, []];
                    return { readEntries: (done) => done(batches.shift()) };
                },
            });
            const tree = folder("letters", [
                folder("2023", [
                    file("one.pdf", 0, "/letters/2023/one.pdf"),
                    file("a.exe", 0, "/letters/2023/a.exe"),
                ]),
                folder("2024", [file("one.pdf", 1, "/letters/2024/one.pdf")]),
                folder(".git", [file("x.pdf", 1, "/letters/.git/x.pdf")]),
            ]);
            const item = { kind: "file", webkitGetAsEntry: () => tree, getAsFile: () => null };
            const event = new Event("drop", { cancelable: true });
            event.dataTransfer = { types: ["Files"], items: [item] };
            window.dispatchEvent(event);
        }""",
        [list(text_pdf(1, seed=410)), list(text_pdf(1, seed=411))],
    )
    expect(page.get_by_text("1 file was skipped")).to_be_visible()
    search(page, "letters")
    expect(page.locator(".mo-row")).to_have_count(2, timeout=PATIENCE)
    expect(kind(page, "Done")).to_contain_text("2", timeout=PATIENCE)
    expect(page.locator(".mo-row").filter(has_text="letters/2023/one.pdf")).to_contain_text(
        "Done", timeout=PATIENCE
    )
    expect(page.locator(".mo-row").filter(has_text="letters/2024/one.pdf")).to_contain_text(
        "Done", timeout=PATIENCE
    )
    pick(page, 0)
    picks(page).get_by_role("button", name="Select all 2").click()
    with page.expect_download() as download:
        picks(page).get_by_role("button", name="Download: 2 documents").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        names = {name for name in archive.namelist() if name.endswith("document.md")}
        assert names == {"letters/2023/one/document.md", "letters/2024/one/document.md"}


def test_a_folder_is_chosen_with_the_button(page: Page, tmp_path: Any) -> None:
    inside = tmp_path / "course" / "week 1"
    inside.mkdir(parents=True)
    (inside / "slides.pdf").write_bytes(text_pdf(1, seed=420))
    page.locator("#mo-intake [data-part=pick-folder]").set_input_files(tmp_path / "course")
    search(page, "course slides")
    found = page.locator(".mo-row").filter(has_text="course/week 1/slides.pdf")
    expect(found).to_contain_text("Done", timeout=PATIENCE)


def test_pasting_a_file_takes_it_in_and_pasting_words_does_not(page: Page) -> None:
    paste = """([selector, data]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(data)], "pasted.pdf"));
        if (selector) transfer.setData("text/plain", "words");
        const target = selector ? document.querySelector(selector) : document.body;
        const options = { clipboardData: transfer, bubbles: true, cancelable: true };
        return target.dispatchEvent(new ClipboardEvent("paste", options));
    }"""
    data = list(text_pdf(1, seed=430))
    assert page.evaluate(paste, ["#mo-queue input[type=search]", data]), "the field gets the words"
    assert not page.evaluate(paste, [None, data])
    search(page, "pasted")
    expect(row(page, "pasted.pdf")).to_have_count(1, timeout=PATIENCE)
    expect(row(page, "pasted.pdf")).to_contain_text("Done", timeout=PATIENCE)


def test_a_notice_tells_when_mine_is_done_and_the_title_counts(
    open_page: OpenPage, browser: Browser, server: LiveServer
) -> None:
    page = open_page()
    page.evaluate(
        """() => {
            window.told = [];
            window.Notification = class {
                static permission = "default";
                static async requestPermission() {
                    window.asked = (window.asked ?? 0) + 1;
                    return (Notification.permission = "granted");
                }
                constructor(title, options) { window.told.push(options.body); }
                close() {}
            };
        }"""
    )
    bell = page.get_by_role("button", name="Tell me when my documents are done: off")
    expect(bell).to_be_visible()
    assert page.evaluate("window.asked") is None, "never unasked"
    bell.click()
    expect(page.get_by_role("button", name="Tell me when my documents are done: on")).to_be_visible()
    assert page.evaluate("localStorage.getItem('mineru.bell')") == "on"
    server.client.post("/api/v1/queue/pause").raise_for_status()
    ids = [server.submit(f"bell {index}.pdf", text_pdf(1, seed=440 + index)) for index in range(2)]
    expect(page).to_have_title("(2) MinerU Optimized")
    # the tab goes to the background
    page.evaluate(
        """() => {
            Object.defineProperty(document, "hidden", { get: () => window.away });
            window.away = true;
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    server.client.post("/api/v1/queue/resume").raise_for_status()
    for task_id in ids:
        server.end(task_id)
    page.wait_for_function("window.told.length > 0", timeout=PATIENCE)
    told = json.dumps(page.evaluate("window.told"))
    assert "bell " in told or "2 documents done" in told
    expect(page).to_have_title("MinerU Optimized", timeout=PATIENCE)
