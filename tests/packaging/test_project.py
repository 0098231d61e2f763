"""pyproject.toml, its lock and the Makefile."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]


def test_the_lock_holds_exact_versions_only() -> None:
    pinned = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.+]*( ; [a-z_0-9 ()'<>=!.A-Z]+)?")
    assert [line for line in LOCK if not pinned.fullmatch(line)] == []
    assert len(LOCK) > 100


def test_the_lock_names_no_address_and_no_machine() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert not re.search(r"https?:|file:|--|/(home|root|tmp|usr|work)/", text)


@pytest.mark.parametrize("system", ["linux", "darwin"])
@pytest.mark.parametrize("python", ["3.11.9", "3.12.9", "3.13.9", "3.14.9"])
def test_the_lock_pins_each_package_once(python: str, system: str) -> None:
    where = {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "sys_platform": system,
        "platform_machine": "arm64" if system == "darwin" else "x86_64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    pins = {}
    for requirement in map(Requirement, LOCK):
        if requirement.marker is None or requirement.marker.evaluate(where):
            assert requirement.name not in pins
            pins[requirement.name] = requirement.specifier.__str__().removeprefix("==")
    project, extras = PROJECT["project"], PROJECT["project"]["optional-dependencies"]
    assert "torch" in pins, "the extra gpu is locked too"
    lists = project["dependencies"], *extras.values()
    for wanted in (Requirement(line) for some in lists for line in some if project["name"] not in line):
        assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)])


def test_what_we_lean_on_from_inside_is_pinned_in_the_project_itself() -> None:
    exact = {Requirement(line).name for line in PROJECT["project"]["dependencies"] if "==" in line}
    assert exact == {"mineru", "mineru-vl-utils", "gradio", "uvicorn", "docling-core"}


def test_make_alone_lists_the_targets() -> None:
    done = subprocess.run(["make"], cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    listed = {line.split()[1] for line in done.stdout.splitlines()}
    assert {
        "setup",
        "test",
        "test-all",
        "unit",
        "integration",
        "browser",
        "check",
        "chaos",
        "gpu",
        "bench",
    } <= listed
    assert {"bench", "screenshots", "lock", "clean"} <= listed


def runs(target: str) -> list[list[str]]:
    """What a target gives to pytest, run by run, after it has made the environment."""
    command = ["make", "--dry-run", target]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    setup, _, rest = done.stdout.partition("\n")
    assert setup == "./start_mineru_optimized.sh setup --dev"
    return [shlex.split(run) for run in re.findall(r"-m pytest ([^|;\n]*)", rest)]


def test_make_test_and_test_all_run_every_test_once() -> None:
    """The quick ones and the long ones are told apart by one marker; the card has its own target."""
    single, most = runs("test")
    (long,) = runs("test-all")
    assert single[-1] == "tests/unit" and "-m" not in single
    assert most[most.index("-m") + 1] == "not slow" and long[long.index("-m") + 1] == "slow"
    folders = [word for word in most if word.startswith("tests/")]
    assert folders == [word for word in long if word.startswith("tests/")]
    files = (path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py"))
    there = {"/".join(path.parts[:2]) for path in files}
    assert sorted([*folders, "tests/unit", "tests/gpu"]) == sorted(there)
    marked = re.compile(r"^(@pytest\.mark\.slow|pytestmark.*slow)", re.MULTILINE)
    units = (ROOT / "tests/unit").rglob("*.py")
    assert not [path for path in units if marked.search(path.read_text("utf-8"))], "all of them are quick"


@pytest.mark.parametrize("target", ["unit", "integration", "browser"])
def test_one_kind_of_tests_can_be_run(target: str) -> None:
    (words,) = runs(target)
    assert "-m" not in words and f"tests/{target}" in words
