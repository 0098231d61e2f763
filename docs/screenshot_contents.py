"""What the pictures of the documentation show: documents made here, and figures that are made up."""

from __future__ import annotations

import io
import math
import random
import sqlite3
import time
from pathlib import Path
from typing import Any

import docx
from pypdf import PdfReader, PdfWriter
from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer

GB = 1 << 30

PROSE = (
    "The river was measured at twelve stations between March and October. Water level, flow and turbidity "
    "were read every hour, and samples were taken by hand once a week. Where a sensor failed, the gap was "
    "closed from its two neighbours; this concerns less than two percent of all readings. "
    "Summer was dry: from June on the flow stayed below the mean of the last thirty years, and it recovered "
    "only with the rains of early October."
)


def prose(number: int) -> str:
    """The sentences in another order for each page: what repeats is taken for a header."""
    sentences = PROSE.split(". ")
    turned = [sentences[(place + number - 1) % len(sentences)].rstrip(".") for place in range(len(sentences))]
    return ". ".join(turned) + "."


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
            Paragraph(prose(number), styles["BodyText"]),
            Spacer(1, 14),
            drawing,
            Paragraph(f"Figure {number}: monthly mean, in cubic metres per second.", styles["Italic"]),
            Spacer(1, 10),
            Paragraph(prose(number + 2), styles["BodyText"]),
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


# ------------------------------------------------------------ made up: nothing of this was measured


def month_of_work(database: Path) -> None:
    """Thirty days of documents and of the engine, as the service would have counted them. Made up."""
    now, chance = int(time.time() // 3600), random.Random(11)
    tasks, engine = [], []
    days = [chance.uniform(0.35, 1) for _ in range(31)]
    for ago in range(1, 30 * 24):
        hour = now - ago
        clock = time.localtime(hour * 3600)
        busy = max(0.0, math.sin((clock.tm_hour - 6) / 14 * math.pi)) if 6 < clock.tm_hour < 20 else 0.04
        load = busy * (0.2 if clock.tm_wday > 4 else 1) * days[clock.tm_mday - 1] * chance.uniform(0.6, 1)
        wait = chance.uniform(2, 8) + 20 * load
        for tier, share in (("flash", 40), ("basic", 9), ("standard", 24), ("advanced", 6)):
            count = round(load * share)
            tasks += (
                [(hour, tier, "completed", count, count * 17, count * wait, count * 6.5)] if count else []
            )
        for status, every in (("partial", 7), ("failed", 9), ("cancelled", 13)):
            if load > 0.2 and chance.random() < 3 / every:
                tasks.append((hour, "standard", status, chance.randint(1, 4), 5, 12.0, 4.0))
        ready = round(3600 * min(1.0, load * 1.1))
        engine += [(hour, "ready", ready, 14 * GB, 24 * GB)] if ready else []
        engine += [(hour, "starting", 60, 8 * GB, 24 * GB)] if clock.tm_hour == 7 else []
        rest = "asleep" if ready else "stopped"
        engine.append((hour, rest, 3600 - ready, 2 * GB if ready else 0, 24 * GB))
    with sqlite3.connect(database, timeout=20) as db:
        db.executemany("INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?, ?, ?)", tasks)
        db.executemany("INSERT OR REPLACE INTO engine_history VALUES (?, ?, ?, ?, ?)", engine)
    db.close()


def an_hour(now: float) -> list[list[Any]]:
    """An hour of work and rest of an engine, as /gpu/status tells it. Made up."""
    hour = (("stopped", 2, 9), ("starting", 8, 1), ("ready", 14, 16), ("asleep", 2.6, 12), ("ready", 14, 14))
    spans = [span for span in hour for _ in range(6 * span[2])]
    rest = [("asleep", 2.6, 0)] * (360 - len(spans))
    return [
        [now - 10 * (360 - place), int(size * GB), 90 if state == "ready" else 3, state]
        for place, (state, size, _) in enumerate([*spans, *rest])
    ]


def second_reading(first: str) -> str:
    """What a vision model could have made of the page: the chart as a table. Made up."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug")
    values = (14, 18, 25, 21, 14, 11, 7, 11)
    rows = "".join(
        f"<tr><td>{month}</td><td>{value}</td></tr>" for month, value in zip(months, values, strict=True)
    )
    table = f"<table><tr><th>Month</th><th>m³/s</th></tr>{rows}</table>"
    return "\n\n".join(table if part.startswith("![") else part for part in first.split("\n\n"))
