"""Documents say what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradio_app.base.errors import BY_CODE
from gradio_app.base.notes import CODES
from gradio_app.base.settings import describe

ROOT = Path(__file__).resolve().parents[2]


def settings_table() -> str:
    """The table of docs/settings.md, from the settings themselves."""
    rows = ["| setting | flag | environment | default | what it does |", "|---|---|---|---|---|"]
    for row in describe():
        names = " ".join(f"`{name}`" for name in row["env"].split(", "))
        default = f"`{row['default']}`" if row["default"] else "none"
        rows.append(f"| {row['name']} | `{row['flag']}` | {names} | {default} | {row['help']} |")
    return "\n".join(rows)


def test_the_settings_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert settings_table() in page, (
        f"docs/settings.md is out of date; its table should be:\n{settings_table()}"
    )


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_readmes_show_what_is_there(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    for command in (
        "./start_mineru_optimized.sh gradio",
        "make test",
        "gradio_client",
        "/api/v1/tasks",
        "/mcp",
    ):
        assert command in text


def test_every_error_code_is_explained() -> None:
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    for code in BY_CODE:
        assert f"`{code}`" in text, f"docs/errors.md does not explain {code}"


def test_every_code_of_a_note_is_explained() -> None:
    section = (ROOT / "docs/scripting.md").read_text("utf-8").split("### Notes")[1].split("###")[0]
    assert set(re.findall(r"`(\w+_\w+|handwriting)`(?=[, |])", section)) == set(CODES)


def test_every_metric_is_told_and_none_that_is_not_there() -> None:
    told = set(
        re.findall(r"`(mineru_app_\w+?)(?:_total)?[`{]", (ROOT / "docs/operations.md").read_text("utf-8"))
    )
    source = (ROOT / "gradio_app" / "web" / "metrics.py").read_text("utf-8")
    named = {f"mineru_app_{name}" for name in re.findall(r'_(?:gauge|counter)\("(\w+)"', source)}
    assert named - told == set(), "docs/operations.md does not tell of these"
    # those that are put together of a part and a name
    assert {name for name in told - named if not name.startswith("mineru_app_card_")} == set()


DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def without_code(page: Path) -> str:
    """A document's text; what stands in code is no link and no heading."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What can follow ``#`` in a link to this document, as GitHub makes it of its headings."""
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} (.+)$", without_code(page), re.MULTILINE):
        plain = re.sub(r"\]\([^)]*\)", "", heading).lower()
        name = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        found.append(f"{name}-{found.count(name)}" if name in found else name)
    return set(found)


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)\)", without_code(page))
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} is not there"
        assert not anchor or anchor in anchors(target), f"there is no heading for {link}"


def test_every_document_is_listed() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, (
            f"docs/README.md does not name {page.name}"
        )


def test_both_readmes_have_the_same_parts() -> None:
    """The same headings by number and level, blocks of code, rows of tables, and links."""
    english, chinese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))
    for shape in (
        r"^(#+) ",
        r"^```(\w*)$",
        r"^\|(.)",
        r"!\[[^\]]*\]\((docs/screenshots/)",
        r"\]\((docs/[\w.#-]+)",
    ):
        found = [re.findall(shape, text, re.MULTILINE) for text in (english, chinese)]
        assert sorted(found[0]) == sorted(found[1]), shape
    code = [re.findall(r"^```\w+\n(.*?)^```", text, re.DOTALL | re.MULTILINE) for text in (english, chinese)]
    assert [without_comments(block) for block in code[0]] == [without_comments(block) for block in code[1]]


def without_comments(code: str) -> list[str]:
    """What is run; what is said about it differs between languages."""
    return [line.split("#")[0].rstrip() for line in code.splitlines()]
