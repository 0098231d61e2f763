"""Documents say what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradio_app.errors import BY_CODE
from gradio_app.settings import describe

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
    for link in re.findall(r"\]\((?!https?://|#)([^)]+)\)", text):
        assert (ROOT / link.split("#")[0]).exists(), f"{name} links to {link}, which is not there"


def test_every_error_code_is_explained() -> None:
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    for code in BY_CODE:
        assert f"`{code}`" in text, f"docs/errors.md does not explain {code}"
