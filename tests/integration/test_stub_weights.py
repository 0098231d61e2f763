"""MinerU itself with stand-ins for all weights: every tier runs, page by page, without a download."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.documents import POISON, paper_pdf, scan_pdf
from tests.fakes.sglang import FakeSglang
from tests.live import ROOT
from tests.stub_weights import WORD

pytestmark = [pytest.mark.integration, pytest.mark.slow]

#: reads lines [tier, path, pages] and answers with Markdown: one process, as MinerU takes seconds to load
_PARSER = """
import json, sys
from loguru import logger
from mineru.config import VlmConfig
from mineru.parser import MinerUParser

def main():
    logger.remove()
    for line in sys.stdin:
        tier, path, pages = json.loads(line)
        parser = MinerUParser(tier=tier, vlm_config=VlmConfig(server_url=sys.argv[1]))
        try:
            answer = parser.parse(path, page_range=pages).markdown()
        except Exception as error:
            answer = f"failed: {type(error).__name__}"
        print(json.dumps(answer), flush=True)

if __name__ == "__main__":
    main()
"""


class Parser:
    """MinerU in a process of its own."""

    def __init__(self, url: str, weights: Path, home: Path) -> None:
        program = home / "parser.py"
        program.write_text(_PARSER)
        local = {
            "MINERU_MODEL_BASE_DIR": str(weights),
            "MINERU_MODEL_SOURCE": "local",
            "MINERU_HOME": str(home),
        }
        self.process = subprocess.Popen(
            [sys.executable, program, url],
            cwd=ROOT,
            env={**os.environ, **local},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __call__(self, tier: str, path: Path, pages: str = "") -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([tier, str(path), pages]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate(timeout=20)


def pictures_in(markdown: str) -> list[str]:
    """The marks of the pictures that the fake model saw, in order."""
    return re.findall(r"picture (?:\| )?([0-9a-f]{10})", markdown)


def test_every_tier(stand_in_weights: Path, tmp_path: Path) -> None:
    scan, paper = tmp_path / "scan.pdf", tmp_path / "paper.pdf"
    scan.write_bytes(scan_pdf(4))
    paper.write_bytes(paper_pdf(2))
    with FakeSglang() as server, Parser(server.url, stand_in_weights, tmp_path) as parse:

        def requests(*job: Any) -> int:
            before = server.stats()["requests"]
            assert "failed" not in parse(*job)
            return server.stats()["requests"] - before

        assert WORD in parse("basic", scan) and server.stats()["requests"] == 0
        assert "Here stands marker 2" in parse("basic", paper)
        assert [requests(tier, scan, "1") for tier in ("standard", "advanced")] == [4, 8]
        assert "Here stands marker 1" in parse("standard", paper)
        assert [requests(tier, paper, "1") for tier in ("standard", "advanced")] == [1, 4]
        for tier, marks in (("standard", 4), ("advanced", 5)):
            whole = pictures_in(parse(tier, scan))
            assert whole == pictures_in(parse(tier, scan, "1-3")) + pictures_in(parse(tier, scan, "4"))
            assert len(whole) == len(set(whole)) == 4 * marks


def test_a_poisoned_page_kills_the_server_and_no_other_does(stand_in_weights: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(scan_pdf(3, poison={3}))
    faulty = FakeSglang(poison={"color": POISON})
    with faulty as server, Parser(server.url, stand_in_weights, tmp_path) as parse:
        for tier in ("standard", "advanced"):
            assert "failed" not in parse(tier, scan, "1-2")
            assert parse(tier, scan, "3") == "failed: ConnectError"
            assert server.process and server.process.wait(5) == -9
            server.start()
