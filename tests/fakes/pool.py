"""A worker pool with faults on demand. An "upload" for it is a number: how many pages it has."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradio_app.base.errors import AppError, WorkerCrashed
from gradio_app.base.options import select_pages


def _put(path: str, text: str) -> None:
    """A small new file, without what ``write_text`` does beside that: tests write ten thousand."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


class FakePool:
    """Stands in for ``WorkerPool``; writes what the real jobs write, at once or when let go.

    ``faults`` maps a job's name (``inspect``, ``shard:2``, ``document``, ``assemble``) to errors that
    its next runs raise. ``hold`` makes parse jobs wait for ``release``.
    """

    def __init__(self) -> None:
        self.faults: dict[str, list[AppError]] = {}
        #: page -> what every job with this page among its pages raises
        self.poison: dict[int, AppError] = {}
        #: page -> how many jobs read it with parts missing
        self.damage: dict[int, int] = {}
        #: a job's name -> what its answer says beside the result (``notes``, ``coverage``, ...)
        self.found: dict[str, dict[str, Any]] = {}
        #: path -> text of more files that jobs leave in their results
        self.extra: dict[str, str] = {}
        self.tier = "flash"
        self.calls: list[str] = []
        self.running: set[str] = set()
        self.most_running = 0
        self.hold = False
        self.held_inspection = False
        self.killed: list[str] = []
        self.closed = False
        self.spare = False
        self._gates: dict[str, asyncio.Event] = {}
        self._started = asyncio.Condition()

    @property
    def pids(self) -> list[int]:
        return list(range(len(self.running)))

    async def warm(self, count: int) -> None: ...

    async def trim(self, keep: int) -> None: ...

    async def close(self) -> None:
        self.closed = True

    async def run_light(
        self, fn: str, args: dict[str, Any], *, seconds: float, out: Path | None = None
    ) -> dict[str, Any]:
        if fn == "inspect_all":
            return {"found": [await self._inspected(each, seconds) for each in args["files"]]}
        return await self.run(fn, args, seconds=seconds, out=out)

    async def _inspected(self, args: dict[str, Any], seconds: float) -> dict[str, Any]:
        try:
            return await self.run("inspect", args, seconds=seconds)
        except WorkerCrashed:
            raise
        except AppError as error:
            return {"error": {"code": error.code, "message": error.message}}

    async def run(
        self, fn: str, args: dict[str, Any], *, seconds: float, out: Path | None = None, server: str = ""
    ) -> dict[str, Any]:
        name = self._name(fn, args)
        self.calls.append(name)
        pending = self.faults.get(name)
        if pending:
            raise pending.pop(0)
        for page, error in self.poison.items():
            if page in args.get("pages", ()):
                raise error
        held = self.hold if fn.startswith("parse") else self.held_inspection and fn == "inspect"
        if held:
            await self._wait(name)
        answer = getattr(self, f"_{fn}")(args if out is None else args | {"out": out})
        return answer | self.found.get(name, {})

    async def _wait(self, name: str) -> None:
        self.running.add(name)
        self.most_running = max(self.most_running, len(self.running))
        gate = self._gates.setdefault(name, asyncio.Event())
        async with self._started:
            self._started.notify_all()
        try:
            await gate.wait()
        except asyncio.CancelledError:
            self.killed.append(name)
            raise
        finally:
            self.running.discard(name)
            self._gates.pop(name, None)

    async def until_running(self, *names: str) -> None:
        """Waits until these jobs are held."""
        async with asyncio.timeout(5), self._started:
            await self._started.wait_for(lambda: set(names) <= self.running)

    def release(self, name: str) -> None:
        """Lets one held job finish."""
        self._gates[name].set()

    def release_all(self) -> None:
        self.hold = False
        for gate in self._gates.values():
            gate.set()

    def times(self, name: str) -> int:
        return Counter(self.calls)[name]

    def _name(self, fn: str, args: dict[str, Any]) -> str:
        """``long.1-8``: the document's first line and the pages, so that tests can tell jobs apart."""
        if fn in ("assemble", "replace_pages", "correct_block", "read_block", "export"):
            return fn
        label = Path(args["source"]).read_text().split()[1]
        if fn == "parse_shard":
            return f"{label}:{args['pages'][0]}-{args['pages'][-1]}"
        return f"{label}:{'inspect' if fn == 'inspect' else 'document'}"

    def _inspect(self, args: dict[str, Any]) -> dict[str, Any]:
        pages = int(Path(args["source"]).read_text().split()[0])
        return {
            "kind": "pdf",
            "pages_total": pages,
            "pages": list(select_pages(args["page_range"], pages)),
            "parse_mode": "txt",
            "tier": self.tier,
            "parser_version": "fake",
        }

    def _parse_document(self, args: dict[str, Any]) -> dict[str, Any]:
        pages = args["pages"] or range(1, int(Path(args["source"]).read_text().split()[0]) + 1)
        return self._write(Path(args["out"]), list(pages))

    def _parse_shard(self, args: dict[str, Any]) -> dict[str, Any]:
        failed = [page for page in args["pages"] if self.damage.get(page)]
        for page in failed:
            self.damage[page] -= 1
        asked = {"failed": failed, "reason": "it answers 400" if failed else "", "tokens": 10}
        return self._write(Path(args["out"]), list(args["pages"])) | asked

    def _assemble(self, args: dict[str, Any]) -> dict[str, Any]:
        pages = [page for shard in args["shards"] for page in shard["pages"]]
        for shard in args["shards"]:
            assert (Path(shard["folder"]) / "document.md").is_file()
        again = [reading["page"] for reading in args["redone"]]
        return self._write(Path(args["out"]), sorted({*pages, *again}), again)

    def _replace_pages(self, args: dict[str, Any]) -> dict[str, Any]:
        first = json.loads((Path(args["result"]) / "middle.json").read_text())
        again = [reading["page"] for reading in args["pages"]]
        for reading in args["pages"]:
            assert (Path(reading["folder"]) / "pages" / f"{reading['page']}.json").is_file()
        pages = sorted({*first["pages"], *again})
        return self._write(Path(args["out"]), pages, sorted({*first["again"], *again}))

    def _read_block(self, args: dict[str, Any]) -> dict[str, Any]:
        first = json.loads((Path(args["result"]) / "middle.json").read_text())
        said = {"text": first.get("edits", {}).get(str(args["page"]), "read"), "level": 0, "cells": None}
        return {"type": "text", "original": None, **said}

    def _correct_block(self, args: dict[str, Any]) -> dict[str, Any]:
        """A result whose pages say what was typed last."""
        first = json.loads((Path(args["result"]) / "middle.json").read_text())
        edits = {**first.get("edits", {}), str(args["page"]): (args["change"] or {}).get("text", "read")}
        answer = self._write(Path(args["out"]), first["pages"], first["again"])
        _put(f"{args['out']}/middle.json", json.dumps(first | {"edits": edits}))
        text = json.dumps(edits)
        _put(f"{args['out']}/document.md", text)
        return answer | {"sha256": hashlib.sha256(text.encode()).hexdigest()}

    def _export(self, args: dict[str, Any]) -> dict[str, Any]:
        _put(str(args["out"]), (Path(args["result"]) / "document.md").read_text())
        return {}

    def _write(self, out: Path, pages: list[int], again: Sequence[int] = ()) -> dict[str, Any]:
        (out / "pages").mkdir(parents=True)
        (out / "images").mkdir()
        text = "\n\n".join(f"page {page}" + " again" * (page in again) for page in pages)
        _put(f"{out}/document.md", text)
        _put(f"{out}/middle.json", json.dumps({"pages": pages, "again": list(again)}))
        _put(f"{out}/content_list.json", "[]")
        for page in pages:
            record = {"page": page, "markdown": f"page {page}", "blocks": []}
            _put(f"{out}/pages/{page}.json", json.dumps(record))
        for path, more in self.extra.items():
            (out / path).parent.mkdir(exist_ok=True)
            _put(f"{out}/{path}", more)
        return {"pages": len(pages), "sha256": hashlib.sha256(text.encode()).hexdigest()}
