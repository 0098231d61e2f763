"""The page's JavaScript: where state lives, first lines, names in the frames and texts, and its size."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gradio_app.base.notes import CODES
from gradio_app.web.ui.static import ASSETS, STYLES

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = sorted(ASSETS.rglob("*.js"))
PANES = {"code", "common", "engine", "intake", "overview", "queue", "reader"}
#: lines of all scripts together, comments and blanks included
MOST_LINES = 7200


def name_of(path: Path) -> str:
    return path.relative_to(ASSETS).as_posix()


def test_the_folders_are_the_panes() -> None:
    assert {path.name for path in ASSETS.iterdir() if path.is_dir()} == PANES
    assert [name_of(path) for path in SCRIPTS if path.parent == ASSETS] == ["bar.js"], "what starts the page"


def test_no_state_outside_the_state_objects() -> None:
    """``let`` at the top of a module is state that nobody can list."""
    loose = [
        f"{name_of(path)}: {line}"
        for path in SCRIPTS
        for line in path.read_text("utf-8").splitlines()
        if re.match(r"(export )?(let|var)\b", line)
    ]
    assert loose == []


@pytest.mark.parametrize("pane", sorted(PANES - {"common"}))
def test_a_pane_has_one_state_object(pane: str) -> None:
    text = (ASSETS / pane / "state.js").read_text("utf-8")
    assert len(re.findall(r"^/\*\* @type \{\w+State\} \*/\nexport const pane = \{$", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_a_module_says_what_it_owns_and_is_checked(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.match(r"// [A-Z][^\n]+\.\n\n", text) or re.match(r"// [A-Z][^\n]+\n// [^\n]+\.\n\n", text)
    assert not re.search(r"@ts-(nocheck|ignore|expect-error)", text)


def test_imports_name_files_that_exist() -> None:
    for path in SCRIPTS:
        for name in re.findall(r'from "([^"]+)"', path.read_text("utf-8")):
            assert (path.parent / name).is_file(), f"{name_of(path)} imports {name}"


def test_styles_and_texts_exist() -> None:
    assert sorted(STYLES) == sorted(name_of(path) for path in ASSETS.rglob("*.css"))
    assert {path.parent.name for path in ASSETS.rglob("texts.js")} == PANES


@pytest.mark.parametrize("pane", sorted(PANES - {"common"}))
def test_the_types_have_the_names_in_the_frames(pane: str) -> None:
    frames = "".join(path.read_text("utf-8") for path in (ASSETS / pane).glob("*.html"))
    types = (ASSETS / pane / "types.d.ts").read_text("utf-8")
    parts = set(re.findall(r'data-part="([^"]+)"', frames))
    rows = set(re.findall(r'data-row="([^"]+)"', frames))
    panel = {"dialog", "close", "body"}  # PanelParts
    assert (
        sorted(name for name in (parts | rows) - panel if not re.search(rf'"{name}"|\b{name}: ', types)) == []
    )
    typed = re.findall(r"^  part:(.*?);\n  (?:/|\w)", types, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r'"([\w-]+)"', typed[0])) - parts == set()


def test_every_text_that_is_named_exists() -> None:
    texts = "".join(path.read_text("utf-8") for path in ASSETS.rglob("texts.js"))
    known = set(re.findall(r'^  "([^"]+)": \[', texts, re.MULTILINE))
    frames = "".join(path.read_text("utf-8") for path in ASSETS.rglob("*.html"))
    code = "".join(path.read_text("utf-8") for path in SCRIPTS)
    named = re.findall(r'data-t(?:-label|-hint)?="([^"]+)"', frames) + re.findall(r'\bt\("([^"]+)"', code)
    assert sorted(set(named) - known) == []


def test_every_note_has_a_chinese_sentence() -> None:
    texts = (ASSETS / "common/texts.js").read_text("utf-8")
    chinese = re.findall(r'^  (\w+): "', texts[texts.index("NOTES_ZH") :], re.MULTILINE)
    assert chinese == list(CODES)


def test_the_page_stays_small() -> None:
    lines = sum(path.read_text("utf-8").count("\n") for path in SCRIPTS)
    assert lines <= MOST_LINES


def test_the_checker_is_pinned_and_its_lock_names_no_addresses() -> None:
    pinned = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    lock = (ROOT / "package-lock.json").read_text("utf-8")
    assert re.fullmatch(r"\d+\.\d+\.\d+", pinned["typescript"])
    assert json.loads(lock)["packages"]["node_modules/typescript"]["version"] == pinned["typescript"]
    assert "://" not in lock
