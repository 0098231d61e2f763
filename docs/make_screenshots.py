"""Takes the pictures of the documentation: a real server, documents made here, a real browser.

Chinese needs a Chinese font on this machine (Debian: fonts-noto-cjk or fonts-wqy-microhei).
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import docx
from PIL import Image
from playwright.sync_api import Browser, Page, Route, sync_playwright
from pypdf import PdfReader, PdfWriter
from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.fakes.cards import FakeDriver  # noqa: E402
from tests.fakes.nvml import GB, FakeCard  # noqa: E402
from tests.fakes.sglang import FakePython  # noqa: E402
from tests.live import LiveServer  # noqa: E402
from tests.stub_weights import write_small_models, write_vision_model  # noqa: E402

TARGET = ROOT / "docs" / "screenshots"
BROWSERS = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
LARGEST = 300_000  # bytes of one picture

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

PROSE = (
    "The river was measured at twelve stations between March and October. Water level, flow and turbidity "
    "were read every hour, and samples were taken by hand once a week. Where a sensor failed, the gap was "
    "closed from its two neighbours; this concerns less than two percent of all readings. "
    "Summer was dry: from June on the flow stayed below the mean of the last thirty years, and it recovered "
    "only with the rains of early October."
)


def report() -> bytes:
    """Four pages with headings, prose and a chart."""
    out, styles = io.BytesIO(), getSampleStyleSheet()
    story: list[object] = []
    for number, title in enumerate(("Stations", "Flow", "Turbidity", "Outlook"), 1):
        chart = VerticalBarChart()
        chart.x, chart.y, chart.width, chart.height = 30, 20, 380, 130
        chart.data = [[12 + number, 18, 25, 21, 14, 9 + number, 7, 11]]
        chart.bars[0].fillColor = HexColor("#2457d6")
        drawing = Drawing(420, 160)
        drawing.add(chart)
        story += [
            Paragraph("River report" if number == 1 else "", styles["Title"]),
            Paragraph(f"{number}. {title}", styles["Heading1"]),
            Paragraph(PROSE, styles["BodyText"]),
            Spacer(1, 14),
            drawing,
            Paragraph(f"Figure {number}: monthly mean, in cubic metres per second.", styles["Italic"]),
            Spacer(1, 10),
            Paragraph(PROSE, styles["BodyText"]),
            PageBreak(),
        ]
    SimpleDocTemplate(out, pagesize=A4, title="River report").build(story[:-1])  # type: ignore[arg-type]
    return out.getvalue()


def book(pages: int, title: str) -> bytes:
    """Many pages of plain text, so that something is running."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    for page in range(1, pages + 1):
        canvas.drawString(70, 770, f"{title}, page {page}")
        for line in range(40):
            canvas.drawString(70, 740 - 16 * line, f"{line + 1} {PROSE[line * 7 : line * 7 + 80]}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def minutes() -> bytes:
    """A Word file with a table."""
    out, document = io.BytesIO(), docx.Document()
    document.add_heading("Minutes of the meeting", 0)
    document.add_paragraph(PROSE)
    table = document.add_table(3, 2)
    for row, (who, what) in zip(
        table.rows, (("Who", "What"), ("Ann", "Stations"), ("Li", "Report")), strict=True
    ):
        row.cells[0].text, row.cells[1].text = who, what
    document.save(out)
    return out.getvalue()


def locked() -> bytes:
    """A PDF that needs a password."""
    out, writer = io.BytesIO(), PdfWriter(clone_from=PdfReader(io.BytesIO(book(1, "Contract"))))
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def main() -> None:
    """Makes all pictures again."""
    TARGET.mkdir(parents=True, exist_ok=True)
    path = next((found for name in BROWSERS if name and (found := shutil.which(name))), None)
    if path is None:
        raise SystemExit("Chromium is needed: see CONTRIBUTING.md.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        flags = ("--workers", "2", "--shard-pages-flash", "8")
        with LiveServer(Path(folder) / "data", *flags) as server:
            empty(browser, server)
            full(browser, server)
        engine(browser, Path(folder))
        browser.close()


def empty(browser: Browser, server: LiveServer) -> None:
    """The page as it greets."""
    page = open_page(browser, server.url, WIDE)
    page.get_by_text("nothing is lost").wait_for()
    save(page, "empty")
    save(open_page(browser, server.url, PHONE, True, "zh-CN"), "phone-empty")


def full(browser: Browser, server: LiveServer) -> None:
    """Everything at once: read, running, waiting, failed."""
    for name, data in (("contract.pdf", locked()), ("minutes.docx", minutes())):
        server.end(server.submit(name, data))
    shown = server.submit("river-report.pdf", report())
    server.end(shown)
    running = server.submit("field-guide.pdf", book(600, "Field guide"))
    for name in ("thesis.pdf", "handbook.pdf"):
        server.submit(name, book(400, name))
    server.until(running, pages_done=100)
    url = f"{server.url}/#task={shown}"
    for name, size, dark, locale in (
        ("convert-light-en", WIDE, False, "en-US"),
        ("convert-dark-zh", WIDE, True, "zh-CN"),
        ("phone-light-en", PHONE, False, "en-US"),
        ("phone-dark-zh", PHONE, True, "zh-CN"),
        ("wide-dark-en", {"width": 1600, "height": 900}, True, "en-US"),
    ):
        page = open_page(browser, url, size, dark, locale)
        page.locator("#mo-text").get_by_text("twelve stations").first.wait_for()
        page.locator(".mo-summary", has_text="·").wait_for()
        if size["width"] > 1400:
            page.locator(".mo-picture img").evaluate("image => image.decode()")
        if size is PHONE:
            page.evaluate("window.scrollTo(0, 0)")
            save(page, f"{name}-list")
            page.locator("#mo-right").scroll_into_view_if_needed()
            page.evaluate("document.getElementById('mo-right').scrollIntoView()")
        save(page, name)


def engine(browser: Browser, folder: Path) -> None:
    """The panel of the engine. Card, model server and the hour before are stand-ins: nothing is measured."""
    python, models = FakePython(folder / "sglang"), folder / "models"
    driver = FakeDriver(folder / "driver", python)
    driver.tell([FakeCard(used=2 * GB, load=3, processes={4242: GB})], {4242: "blender"})
    write_small_models(models)
    write_vision_model(models)
    flags = ("--workers", "1", "--engine", "sglang", "--sglang-python", str(python.path))
    env = {"PYTHONPATH": str(driver.path)}
    with LiveServer(folder / "engine", *flags, "--model-dir", str(models), env=env) as server:
        server.end(server.submit("river-report.pdf", report(), tier="standard"))
        server.client.post("/gpu/offload").raise_for_status()
        for name, size, dark, locale in (
            ("engine-light-en", WIDE, False, "en-US"),
            ("engine-dark-zh", WIDE, True, "zh-CN"),
            ("phone-engine", PHONE, False, "en-US"),
        ):
            page = open_page(browser, server.url, size, dark, locale)
            page.route("**/gpu/status", with_history)
            page.locator(".mo-engine-chip", has_text="GB").wait_for(state="attached")
            page.locator(".mo-engine-chip").click()
            page.locator(".mo-plot-band").nth(4).wait_for(state="attached")
            save(page, name)


def with_history(route: Route) -> None:
    """An hour of work and rest before the answer's own figures."""
    answer = route.fetch()
    told, now = answer.json(), time.time()
    hour = (("stopped", 2, 9), ("starting", 8, 1), ("ready", 14, 16), ("asleep", 2.6, 12), ("ready", 14, 14))
    spans = [span for span in hour for _ in range(6 * span[2])]
    rest = [("asleep", 2.6, 0)] * (360 - len(spans))
    told["history"] = [
        [now - 10 * (360 - place), int(size * GB), 90 if state == "ready" else 3, state]
        for place, (state, size, _) in enumerate([*spans, *rest])
    ]
    route.fulfill(response=answer, json=told)


def open_page(
    browser: Browser, url: str, size: dict[str, int], dark: bool = False, locale: str = "en-US"
) -> Page:
    """A page in a profile of its own."""
    page = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if dark else "light",
        locale=locale,
        reduced_motion="reduce",
    ).new_page()
    page.goto(url)
    page.locator(".mo-alive .mo-primary").wait_for()
    return page


def save(page: Page, name: str) -> None:
    """One picture, as small as it gets without losing colours."""
    path = TARGET / f"{name}.png"
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}  {size / 1000:.0f} kB")
    if size > LARGEST:
        raise SystemExit(f"{path} is too large.")


if __name__ == "__main__":
    main()
