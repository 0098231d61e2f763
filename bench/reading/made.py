"""Pages made from known text: scans in English and Chinese, dense pages, photographs, digital ones."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pypdfium2 as pdfium
from PIL import Image, ImageFilter
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from bench.reading.metric import Grid
from bench.reading.truth import Truth

_ENGLISH_WORDS = """
the of and to in is was for that with on as by from this which at have been they were not but are
its committee report annual revenue increase decrease budget municipal water supply engineering
district measurement laboratory temperature between several observed analysis published number
before after during household population average percent quarter million agreement contract section
paragraph council member decision meeting chairman proposal building station railway harbour winter
summer northern southern region industry workers machine production quality customer delivery
payment invoice account balance interest history century library museum collection manuscript author
chapter volume edition question answer problem method result conclusion figure evidence experiment
hypothesis statistical significant sample control group project schedule deadline responsible
department office manager employee training safety environment energy
"""
_CHINESE_WORDS = """
报告 年度 城市 建设 管理 委员会 会议 决定 项目 资金 投入 增长 下降 比例 人口 统计
数据 分析 结果 研究 方法 实验 温度 测量 工程 质量 安全 环境 保护 能源 供水 交通 铁路
港口 北方 南方 地区 冬季 夏季 企业 生产 设备 工人 培训 客户 合同 付款 账户 余额 利息
历史 世纪 图书馆 博物馆 收藏 作者 章节 出版 问题 答案 证据 结论 部门 经理 职员 计划
时间 负责 办公室 提高 减少 根据 由于 因此 但是 同时 以及 目前 已经 继续 进行 完成
开始 重要 主要 全国 社会 经济 发展 技术 教育 医院 学校 学生 教师 科学 文化 艺术 农业
土地 粮食 市场 价格 贸易 国际 合作
"""
_ENGLISH, _CHINESE = _ENGLISH_WORDS.split(), _CHINESE_WORDS.split()

Pen = random.Random


@dataclass(frozen=True, slots=True)
class Made:
    """A page: what is on it, as a PDF and, where it is a picture, as that. ``language``: ``en`` or ``zh``."""

    name: str
    kind: str
    language: str
    truth: Truth
    pdf: bytes
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """How a page becomes a picture. ``tilt`` in degrees; ``noise`` is the deviation of grey levels."""

    dpi: int
    tilt: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    photograph: bool = False


def made_pages(quick: bool = False) -> list[Made]:
    """All of them, or one of each kind."""
    found = [*_scans(), *_dense(), *_photographs(), *digital()]
    if not quick:
        return found
    return list({(each.kind, each.language): each for each in reversed(found)}.values())


def _scans() -> Iterator[Made]:
    """20 pages: two languages, two resolutions, straight and tilted, clean and noisy."""
    ways = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 12.0, 0.0), (-1.0, 12.0, 0.0), (1.0, 18.0, 0.6))
    for language in ("en", "zh"):
        for dpi in (150, 200):
            for number, (tilt, noise, blur) in enumerate(ways):
                pen = Pen(f"{language}{dpi}{number}")
                truth = _mixed(pen, language)
                pdf, picture = photographed(typeset(truth, language), Camera(dpi, tilt, noise, blur), pen)
                yield Made(
                    f"scan-{language}-{dpi}-{number}", f"scan, {language}", language, truth, pdf, picture
                )


def _dense() -> Iterator[Made]:
    for number in range(2):
        pen = Pen(f"dense{number}")
        truth = Truth([_title(pen, "en"), *(_paragraph(pen, "en", 8) for _ in range(8))])
        pdf, picture = photographed(typeset(truth, "en", size=8.5), Camera(200, 0.0, 6.0), pen)
        yield Made(f"dense-{number}", "dense scan", "en", truth, pdf, picture)


def _photographs() -> Iterator[Made]:
    for number in range(2):
        pen = Pen(f"photograph{number}")
        truth = _mixed(pen, "en")
        pdf, picture = photographed(typeset(truth, "en"), Camera(200, 0.7, 8.0, 0.7, photograph=True), pen)
        yield Made(f"photograph-{number}", "photograph", "en", truth, pdf, picture)


def digital() -> Iterator[Made]:
    """Ten pages with a text layer: prose, and tables without rules."""
    for number in range(5):
        pen = Pen(f"digital{number}")
        truth = Truth([_title(pen, "en"), *(_paragraph(pen, "en", 5) for _ in range(7))])
        yield Made(f"digital-{number}", "digital", "en", truth, typeset(truth, "en"))
    for number in range(5):
        pen = Pen(f"tables{number}")
        blocks: list[str | Grid] = [_title(pen, "en")]
        for _ in range(3):
            blocks += [_paragraph(pen, "en", 3), _grid(pen, "en")]
        yield Made(
            f"tables-{number}",
            "digital with tables",
            "en",
            Truth(blocks),
            typeset(Truth(blocks), "en", ruled=False),
        )


def _mixed(pen: Pen, language: str) -> Truth:
    """A heading, paragraphs, a ruled table, paragraphs."""
    some = [_paragraph(pen, language, 4) for _ in range(5)]
    return Truth([_title(pen, language), *some[:2], _grid(pen, language), *some[2:]])


def _title(pen: Pen, language: str) -> str:
    words = pen.sample([word for word in _ENGLISH if len(word) > 5], 4)
    return " ".join(words).capitalize() if language == "en" else "".join(pen.sample(_CHINESE, 4))


def _paragraph(pen: Pen, language: str, sentences: int) -> str:
    blank = " " if language == "en" else ""
    return blank.join(_sentence(pen, language) for _ in range(sentences))


def _sentence(pen: Pen, language: str) -> str:
    """With numbers now and then, as these are what must not be wrong."""
    if language == "zh":
        words = pen.choices(_CHINESE, k=pen.randint(6, 11))
        if pen.random() < 0.5:
            words.insert(3, f"{pen.randint(1900, 2026)}年")
        words.insert(5, "，")
        return "".join(words) + "。"
    words = pen.choices(_ENGLISH, k=pen.randint(9, 16))
    if pen.random() < 0.5:
        words.insert(
            4, pen.choice([f"{pen.randint(100, 9999):,}", f"{pen.uniform(0, 99):.1f}%", "(see below)"])
        )
    words[6] += ","
    return " ".join(words)[:1].upper() + " ".join(words)[1:] + "."


def _grid(pen: Pen, language: str) -> Grid:
    words = _ENGLISH[80:] if language == "en" else _CHINESE
    names = pen.sample([word.capitalize() for word in words if len(word) > 1], 9)
    head = [names[0], *names[1:4]]
    return [
        head,
        *(
            [name, f"{pen.randint(10, 99999):,}", f"{pen.uniform(0, 100):.2f}", f"{pen.randint(1950, 2026)}"]
            for name in names[4:]
        ),
    ]


@cache
def _chinese_font() -> str:
    """The font with Chinese signs that comes with docvortex, which MinerU needs."""
    path = files("docvortex") / "resources" / "fonts" / "DroidSansFallbackFull.ttf"
    pdfmetrics.registerFont(TTFont("BenchChinese", str(path)))
    return "BenchChinese"


def typeset(truth: Truth, language: str, size: float = 10.5, ruled: bool = True) -> bytes:
    """A page of A4 with the blocks of a truth. Without ``ruled`` tables have a line below their head only."""
    out = io.BytesIO()
    font = "Times-Roman" if language == "en" else _chinese_font()
    wrap: dict[str, Any] = {} if language == "en" else {"wordWrap": "CJK"}
    body = ParagraphStyle(
        "body", fontName=font, fontSize=size, leading=1.25 * size, spaceAfter=0.8 * size, **wrap
    )
    title = ParagraphStyle("title", body, fontSize=1.6 * size, leading=2 * size, spaceAfter=size)
    lines: list[Any] = [("FONT", (0, 0), (-1, -1), font, size)]
    lines += (
        [("GRID", (0, 0), (-1, -1), 0.7, colors.black)]
        if ruled
        else [("LINEBELOW", (0, 0), (-1, 0), 0.7, colors.black)]
    )
    story: list[Flowable] = []
    for number, block in enumerate(truth.blocks):
        if isinstance(block, str):
            story.append(Paragraph(block, body if number else title))
        else:
            story += [
                Table(block, colWidths=[115] * len(block[0]), style=TableStyle(lines)),
                Spacer(1, 1.2 * size),
            ]
    document = SimpleDocTemplate(out, pagesize=A4, invariant=1, leftMargin=60, rightMargin=60, topMargin=60)
    document.build(story)
    with pdfium.PdfDocument(out.getvalue()) as built:
        assert len(built) == 1, f"{len(built)} pages: a made page must be one"
    return out.getvalue()


def photographed(pdf: bytes, camera: Camera, pen: Pen) -> tuple[bytes, bytes]:
    """A PDF of one picture without text, and the picture (PNG; a photograph is JPEG)."""
    with pdfium.PdfDocument(pdf) as document:
        image = document[0].render(scale=camera.dpi / 72).to_pil().convert("L")
    if camera.tilt:
        image = image.rotate(camera.tilt, Image.Resampling.BICUBIC, fillcolor=255)
    if camera.photograph:
        image = _on_a_desk(image, pen)
    if camera.blur:
        image = image.filter(ImageFilter.GaussianBlur(camera.blur))
    if camera.noise:
        grain = np.random.default_rng(pen.randrange(2**32)).normal(
            0, camera.noise, (image.height, image.width)
        )
        image = Image.fromarray(np.clip(np.asarray(image, dtype=float) + grain, 0, 255).astype(np.uint8))
    shown, inside = io.BytesIO(), io.BytesIO()
    if camera.photograph:
        image.convert("RGB").save(shown, "JPEG", quality=88)
    else:
        image.save(shown, "PNG", dpi=(camera.dpi, camera.dpi))
    image.save(inside, "PDF", resolution=camera.dpi, quality=88)
    return inside.getvalue(), shown.getvalue()


def _on_a_desk(image: Image.Image, pen: Pen) -> Image.Image:
    """A sheet as a camera sees it from aside: narrower at the top, on a dark desk, darker in a corner."""
    width, height = image.size
    margin = int(0.05 * width)
    corners = [(margin + pen.randint(0, margin), margin), (width + margin, margin + pen.randint(0, margin))]
    corners += [(width + 2 * margin, height + margin), (pen.randint(0, margin), height + 2 * margin)]
    size = (width + 3 * margin, height + 3 * margin)
    desk = Image.new("L", size, 70)
    flat = [(0, 0), (width, 0), (width, height), (0, height)]
    found = _perspective(corners, flat)
    way, best = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
    sheet = image.transform(size, way, found, best, fillcolor=255)
    inside = Image.new("L", image.size, 255).transform(size, way, found, best, fillcolor=0)
    desk.paste(sheet, mask=inside)
    down, right = np.mgrid[0 : size[1], 0 : size[0]]
    light = 1.0 - 0.35 * (right / size[0]) * (down / size[1])
    return Image.fromarray((np.asarray(desk, dtype=float) * light).astype(np.uint8))


def _perspective(seen: Sequence[tuple[int, int]], flat: Sequence[tuple[int, int]]) -> tuple[float, ...]:
    """The eight figures with which PIL finds for a place that is seen the place on the flat sheet."""
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(seen, flat, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    wanted = np.array([value for place in flat for value in place], dtype=float)
    return tuple(float(value) for value in np.linalg.solve(np.array(rows, dtype=float), wanted))
