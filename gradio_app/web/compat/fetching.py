"""Files from addresses: fetched by a confined process of their own, each redirect judged anew.

Covers: which addresses the setting allows, redirects, limits, names. Does not cover: resolution and the
connection itself (``machine.fetch``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import mimetypes
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urljoin, urlsplit

from loguru import logger

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import Forbidden, OptionInvalid
from gradio_app.base.files import open_beneath, remove_tree
from gradio_app.base.host_names import accepts
from gradio_app.base.names import display_name
from gradio_app.base.settings import Settings
from gradio_app.machine import fetch as program
from gradio_app.store.task import Upload
from gradio_app.web.form_names import file_name
from gradio_app.web.uploads import receive_file

#: in ``fetch_addresses``: any host with a public address
PUBLIC = "public"
MOST_REDIRECTS = 5
#: seconds for one file, with all its redirects
SECONDS = 60.0
#: files that are fetched at the same time, for everybody together
_AT_ONCE = asyncio.Semaphore(4)
_ANSWER = 64 * 1024


class FetchFailed(OptionInvalid):
    """The file at the address could not be fetched. Send the file itself."""


class FetchForbidden(Forbidden):
    """This server fetches no addresses (setting: fetch_addresses). Send the file itself."""


async def fetched(settings: Settings, folders: Folders, url: str) -> Upload:
    """The file at an address, on the disk; the caller deletes ``Upload.path``.

    Raises ``FetchForbidden`` where the setting does not allow it, ``FetchFailed``, ``FileEmpty``.
    """
    if not settings.fetch_addresses:
        raise FetchForbidden()
    folder = folders.run / f"fetch-{secrets.token_hex(8)}"
    try:
        async with _AT_ONCE, asyncio.timeout(SECONDS):
            await asyncio.to_thread(folder.mkdir, mode=0o700)
            last, answer = await _followed(settings, folder, url)
        return await asyncio.to_thread(_received, settings, folders, folder, name_of(last, answer))
    except TimeoutError:
        raise FetchFailed("The server of the address is too slow. Send the file itself.") from None
    finally:
        await asyncio.shield(asyncio.to_thread(remove_tree, folder))


async def _followed(settings: Settings, folder: Path, url: str) -> tuple[str, dict[str, Any]]:
    """The last address of a row of redirects and what its server answered."""
    for _ in range(MOST_REDIRECTS + 1):
        try:
            _, host, _ = program.checked_url(url)
        except program.Refused as refused:
            raise FetchFailed(str(refused)) from None
        named = accepts(settings.fetch_addresses - {PUBLIC}, host.lower())
        if not named and PUBLIC not in settings.fetch_addresses:
            raise FetchForbidden(
                "This server does not fetch from this host (setting: fetch_addresses). Send the file itself."
            )
        answer = await _run(settings, folder, url, named)
        if "error" in answer:
            raise FetchFailed(str(answer["error"])[:300])
        if "location" not in answer:
            return url, answer
        try:
            url = urljoin(url, str(answer["location"]).strip())
        except ValueError:
            raise FetchFailed("The server of the address sends elsewhere, to what is no address.") from None
    raise FetchFailed(f"The address leads to another one more than {MOST_REDIRECTS} times.")


async def _run(settings: Settings, folder: Path, url: str, named: bool) -> dict[str, Any]:
    """One step, in a process that ends with it."""
    orders = {
        "url": url,
        "folder": str(folder),
        "most": settings.max_file_size,
        "seconds": SECONDS,
        "named": named,
        "confined": settings.worker_jail,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", program.__file__),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=folder,
        env={name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ},
        start_new_session=True,
        limit=_ANSWER,
    )
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(orders).encode() + b"\n")
        line = await process.stdout.readline()
        answer = json.loads(line)
    except (ValueError, ConnectionError):
        logger.bind(action="fetch").warning("the process that fetches an address ended without an answer")
        raise FetchFailed() from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())
    if not isinstance(answer, dict):
        raise FetchFailed()
    return cast(dict[str, Any], answer)


def _received(settings: Settings, folders: Folders, folder: Path, name: str) -> Upload:
    with open(open_beneath(folder, "body"), "rb") as body:
        return receive_file(body, name, folders.tmp, settings.max_file_size)


def name_of(url: str, answer: dict[str, Any]) -> str:
    """A name for a fetched file: as its server says, else the end of its address; safe to show."""
    said = file_name(str(answer.get("name") or "").encode("latin-1", "replace")) or ""
    name = display_name(said or unquote(urlsplit(url).path))
    if "." not in name[1:]:  # the suffix of a page or a paper comes from its type
        name += mimetypes.guess_extension(str(answer.get("media") or ""), strict=False) or ""
    return name
