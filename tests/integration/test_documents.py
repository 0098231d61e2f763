"""The examples of the documents do what they say: each block is run, or its commands are checked."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from mineru_optimized_client.command import parser

from gradio_app.__main__ import MODES
from gradio_app.base.settings import describe
from tests.documents import paper_pdf, text_pdf, word
from tests.live import ROOT, LiveServer

pytestmark = pytest.mark.integration

ADDRESS = "http://127.0.0.1:7860"
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("*.md"))]
#: first words of lines that say what to type before or beside this program
ELSEWHERE = ("git", "cd", "make", "alias", "gpu", "docker", "python")


def found(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[tuple[str, str]]:
    """Each block of code of a language, and where it stands."""
    return [
        (f"{page.relative_to(ROOT)}, block {number}", code)
        for page in PAGES
        for number, code in enumerate(
            re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.S | re.M), 1
        )
    ]


@pytest.fixture(scope="module")
def server(server: LiveServer) -> LiveServer:
    """The common server, with a document in the list."""
    server.end(server.submit("report.pdf", text_pdf(2, seed=900)))
    return server


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the files that the examples name, and a curl that fails when it is refused."""
    (tmp_path / "paper.pdf").write_bytes(paper_pdf(3, seed=901))
    (tmp_path / "a.pdf").write_bytes(text_pdf(1, seed=902))
    (tmp_path / "b.docx").write_bytes(word())
    real = shutil.which("curl")
    assert real, "the examples need curl"
    curl = tmp_path / "bin" / "curl"
    curl.parent.mkdir()
    curl.write_text(f'#!/bin/sh\nexec {real} --silent --show-error --fail-with-body "$@"\n')
    curl.chmod(curl.stat().st_mode | stat.S_IEXEC)
    return tmp_path


def run(command: list[str], desk: Path) -> str:
    """What a command printed; it must end well."""
    env = {
        **os.environ,
        "PATH": f"{desk / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "TMPDIR": str(desk),
    }
    done = subprocess.run(command, cwd=desk, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


#: those of the LitServe service, which tests/integration/test_litserve.py runs against one
OF_LITSERVE = "gradio_app.commands.api"


@pytest.mark.parametrize(
    ("where", "code"),
    [block for block in blocks("python") if OF_LITSERVE not in block[1]],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.slow
def test_each_python_block_runs(where: str, code: str, server: LiveServer, desk: Path) -> None:
    script = desk / "example.py"
    script.write_text(code.replace(ADDRESS, server.url), "utf-8")
    told = run([sys.executable, str(script)], desk)
    if "mcp" in code:
        assert "'submit'" in told and "marker 1" in told and "marker 3" in told
    elif "/download" in code:
        assert re.search(r"[1-9]\d* documents", told) and (desk / "reports.zip").read_bytes()[:2] == b"PK"
    elif "/tasks" in code and "def " not in code:
        assert "b.docx" in told


@pytest.mark.parametrize(
    ("where", "code"),
    [block for block in blocks("sh") if "curl" in block[1]],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.slow
def test_each_curl_block_runs(where: str, code: str, server: LiveServer, desk: Path) -> None:
    """``ID`` stands for a task that has ended; one that may be retried where that is what it shows."""
    server.client.post("/api/v1/queue/resume").raise_for_status()
    task = server.submit("paper.pdf", paper_pdf(3, seed=903))
    server.end(task)
    if "/retry" in code:
        server.client.post("/api/v1/queue/pause").raise_for_status()
        task = server.submit("later.pdf", text_pdf(2, seed=904), use_cache="false")
        server.client.post(f"/api/v1/tasks/{task}/cancel").raise_for_status()
        server.client.post("/api/v1/queue/resume").raise_for_status()
        server.end(task)
    text = re.sub(r"\bID\b", task, code.replace(ADDRESS, server.url))
    told = run(["bash", "-euo", "pipefail", "-c", text], desk)
    if "-o paper.md" in code:
        assert "marker 1" in (desk / "paper.md").read_text("utf-8")
    if "/search" in code:
        assert (desk / "page-1.png").read_bytes()[:4] == b"\x89PNG" and '"hits"' in told
    if "/keep" in code:
        assert server.task(task)["redone"] == "2"


@cache
def flags(mode: str) -> set[str]:
    """The flags that a mode of the start script takes, as its help says."""
    if mode == "gradio":
        return {row["flag"] for row in describe()}
    if mode == "setup":
        return {"--gpu", "--cluster", "--dev", "--sglang"}
    command = [sys.executable, "-m", "gradio_app", mode, "--help"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    return set(re.findall(r"--[a-z][a-z0-9-]*", told))


def commands() -> list[tuple[str, str]]:
    """Each line with the start script in it, wherever it stands in the documents."""
    return [
        (str(page.relative_to(ROOT)), line)
        for page in PAGES
        for line in re.findall(r"\./start_mineru_optimized\.sh[^\n`|#)]*", page.read_text("utf-8"))
    ]


def test_each_command_and_each_of_its_flags_exists() -> None:
    wrong: list[str] = []
    for where, line in commands():
        words = shlex.split(line.strip().rstrip(".,:;"))[1:]
        mode = words[0] if words else ""
        if not re.fullmatch("[a-z]+", mode):  # the script itself is meant
            continue
        known = flags(mode) if mode in MODES or mode == "setup" else None
        if known is None:
            wrong.append(f"{where}: no mode {mode}")
        elif mode != "sglang":  # it passes SGLang's own flags on
            wrong += [
                f"{where}: {word} in: {line}"
                for word in words[1:]
                if word.startswith("--") and word not in known
            ]
    assert len(commands()) > 20 and wrong == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.slow
def test_each_mode_has_an_example_in_both_readmes_and_tells_its_flags(mode: str) -> None:
    for name in ("README.md", "README.zh.md"):
        assert any(where == name and line.split()[1:2] == [mode] for where, line in commands()), name
    done = subprocess.run(
        ["./start_mineru_optimized.sh", mode, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.lower().startswith("usage:") and "--help" in done.stdout


def test_the_clients_commands_are_understood() -> None:
    lines = [line for _, code in blocks("sh") for line in code.splitlines()]
    commands_of_client = [line.split()[1:] for line in lines if line.startswith("mineru-optimized ")]
    told = [parser().parse_args(words) for words in commands_of_client]
    assert told and all(given.paths for given in told)


def test_no_shell_block_is_left_unseen() -> None:
    """A line of a block is run (with curl), checked (ours and the client's), or of other programs."""
    unseen = [
        f"{where}: {line}"
        for where, code in blocks("sh")
        if "curl" not in code
        for line in code.splitlines()
        if line.split("#")[0].strip()
        and not re.match(r"\S*\./start_mineru|mineru-optimized ", line)
        and line.split()[0] not in ELSEWHERE
    ]
    assert unseen == []
