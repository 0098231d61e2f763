"""Each measurement runs in its smallest form: rows come out, nothing stays behind. Speed is no test."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench import card, report
from bench.documents import prose_pdf
from bench.suite import MEASUREMENTS
from gradio_app.base.settings import Settings
from gradio_app.machine.weights import VISION_MODEL
from tests.fakes.sglang import FakePython
from tests.live import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.slow]

#: the same code as ``vision`` and ``papers`` with other words
LEFT_OUT = {"vision-advanced", "texts"}
#: figures that may be zero: documents that go before, changes, the rest of a share
MAY_BE_ZERO = ("go before", "slope", "processor", "nothing moves", "more than")
TINY = card.Trial(pages=2, blocks=1, rounds=1, at_once=2)


@pytest.mark.parametrize("name", sorted(MEASUREMENTS.keys() - LEFT_OUT))
def test_a_quick_run(name: str, tmp_path: Path) -> None:
    results, temporary = tmp_path / "results.json", tmp_path / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-m", "bench", "--quick", "--only", name, "--results", str(results)]
    env = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    (result,) = report.load(results)
    assert result.name == name and result.rows and result.setting
    for row in result.rows:
        assert row.low <= row.figure <= row.high and math.isfinite(row.figure), row
        assert row.figure > 0 or any(words in row.who for words in MAY_BE_ZERO), row
    assert report.table([result]) in done.stdout
    assert [path.name for path in temporary.iterdir()] == []
    assert [process for process in psutil.process_iter(["environ"]) if _has(process, temporary)] == []


def _has(process: psutil.Process, temporary: Path) -> bool:
    """Whether it works for a measurement that put its files there."""
    return (process.info["environ"] or {}).get("TMPDIR", "").startswith(str(temporary))


def test_one_that_fails_is_a_row_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Without redis-server the queue has nobody to race against."""
    tools = tmp_path / "tools"
    tools.mkdir()
    results = tmp_path / "results.json"
    command = [sys.executable, "-m", "bench", "--quick", "--only", "queue", "--only", "equality"]
    env = {**os.environ, "PATH": str(tools)}
    done = subprocess.run(
        [*command, "--results", str(results)], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    queue, equality = report.load(results)
    assert "redis-server is not installed" in queue.failed and equality.rows and not equality.failed
    assert "| the queue alone | failed: RuntimeError: redis-server" in done.stdout


# ---------------------------------------------------------------- a card, as far as that goes without one


def test_without_a_card_it_says_why(tmp_path: Path) -> None:
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "MINERU_APP_SGLANG_PYTHON": sys.executable}
    command = [sys.executable, "-m", "bench.card", "--results", str(tmp_path / "results.json")]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "There is no NVIDIA card to measure here" in done.stderr
    assert not (tmp_path / "results.json").exists()


@pytest.mark.anyio
async def test_its_plumbing_with_a_stand_in(tmp_path: Path) -> None:
    python = FakePython(tmp_path / "sglang", delay=0.01)
    settings = Settings.load(["--sglang-python", str(python.path), "--model-dir", str(tmp_path / "none")])
    settings, which = card.settled(settings, tmp_path / "models")
    assert which == "random weights of the true shape"
    rows = await card.life(settings, tmp_path / "one", TINY, lambda: 1.0)
    rows += await card.beside(settings, tmp_path / "beside", TINY)
    found = {row.who: row.figure for row in rows}
    for step in ("start", "first request", "sleep", "wake", "release"):
        assert found[step] > 0 and found[f"after {step}, memory of the card"] == 1.0
    assert found["one server"] > 0 and found["2 servers under MPS, tokens"] > 0
    assert all("dummy" in flags for flags in python.starts()) and len(python.starts()) == 3
    assert python.rule_breaks() == [] and python.alive() == []


@pytest.mark.anyio
async def test_its_plumbing_with_a_real_sglang(real_sglang: Path, tiny_model: Path, tmp_path: Path) -> None:
    from tests.sglang_cpu.environment import FLAGS

    models = tmp_path / "models"
    models.mkdir()
    (models / VISION_MODEL).symlink_to(tiny_model)
    settings = Settings.load(
        ["--sglang-python", str(real_sglang), "--model-dir", str(models), "--sglang-args", " ".join(FLAGS)]
    )
    settings, which = card.settled(settings, tmp_path / "random")
    assert which == "the real weights", "a tiny model is whole, too"
    found = {row.who: row for row in await card.life(settings, tmp_path / "one", TINY, lambda: 0.0)}
    assert found["one server, tokens"].figure > 0 and found["wake"].figure > 0


# ---------------------------------------------------------------- reading


def test_made_pages_and_a_list_of_pages_are_measured(tmp_path: Path) -> None:
    """One page of each kind by ours alone, and a list of one page; both print a table."""
    files = tmp_path / "files"
    path = files / "an+owner" / "a.pdf"
    path.parent.mkdir(parents=True)
    path.write_bytes(prose_pdf())
    page = {"repository": "an/owner", "commit": "", "path": "a.pdf", "page": 1, "plain": True}
    page["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps({"rule": "", "pages": [page]}))
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    parts = {
        "made": ["made", "--quick", "--tier", "flash", "--only", "ours", "--peers", sys.executable],
        "pages": ["pages", "--list", str(listed), "--files", str(files), "--tier", "flash"],
        "corpus": ["corpus", str(files), "--tier", "flash"],
    }
    said = {
        name: subprocess.run(
            [sys.executable, "-m", "bench.reading", "--results", str(tmp_path), *part],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=240,
        )
        for name, part in parts.items()
    }
    assert {name: done.stderr[-2000:] for name, done in said.items() if done.returncode} == {}
    assert "| digital (1) | ours, flash |" in said["made"].stdout
    assert "| owner a.pdf | 1.000 | – |" in said["pages"].stdout
    assert "| a.pdf | 1 | 0." in said["corpus"].stdout
    path.write_bytes(b"another file")
    command = [sys.executable, "-m", "bench.reading", "--results", str(tmp_path), *parts["pages"]]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "an/owner a.pdf" in done.stderr
