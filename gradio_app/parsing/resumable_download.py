"""Resumable download of large files of a Hugging Face repository.

The hub's library starts a file anew when its process ended in the middle; it checks the files afterwards.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import errno
import hashlib
import http.client
import importlib
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

#: files below this size are left to the library, in bytes
LARGE = 64 * 2**20
#: how often a connection that breaks is made again, and the first pause before it, in seconds
TRIES = 6
PAUSE = 1.0
#: how long nothing may come, in seconds
SILENCE = 30.0
_BLOCK = 2**20


def fetch_large(repo_id: str, folder: Path, wanted: Sequence[str]) -> None:
    """Fetches the large files of a repository that are not in ``folder`` yet.

    ``wanted``: paths of files and folders in it; the empty one means everything. Raises OSError when the
    network or the disk fails.
    """
    from huggingface_hub.utils import build_hf_headers

    headers = build_hf_headers()
    for url, name, size, digest in _large(repo_id, wanted):
        if not (folder / name).exists():
            fetch_file(url, folder / name, size, digest, headers)


def _large(repo_id: str, wanted: Sequence[str]) -> Iterator[tuple[str, str, int, str]]:
    """Address, path, size and SHA-256 of each; nothing when the hub does not tell sizes."""
    from huggingface_hub import HfApi, hf_hub_url

    info = HfApi().model_info(repo_id, files_metadata=True)
    for item in info.siblings or ():
        name, lfs = item.rfilename, item.lfs
        inside = any(not path or name == path or name.startswith(path + "/") for path in wanted)
        if lfs is not None and lfs.size >= LARGE and inside and ".." not in Path(name).parts:
            yield hf_hub_url(repo_id, name, revision=info.sha), name, int(lfs.size), str(lfs.sha256)


def fetch_file(url: str, target: Path, size: int, digest: str, headers: Mapping[str, str]) -> None:
    """Fetches one file of ``size`` bytes, or the rest of it, and puts it in place if its SHA-256 is right.

    A file that came out wrong is dropped, for the library to fetch it. Raises OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{digest[:8]}.part")
    for left in reversed(range(TRIES)):
        try:
            _append(url, part, size, headers)
            break
        except (OSError, http.client.HTTPException) as error:
            if not left or not _may_pass(error):
                raise error if isinstance(error, OSError) else OSError(str(error)) from error
            time.sleep(PAUSE * 2 ** (TRIES - 1 - left))
    with part.open("rb") as file:
        right = hashlib.file_digest(file, "sha256").hexdigest() == digest
    if right:
        part.replace(target)
    else:
        part.unlink()


def _may_pass(error: Exception) -> bool:
    """Whether trying again can help: not when the hub refuses, and not when the disk is full."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return error.code >= 500 or error.code == 429
    return not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES)


def _append(url: str, part: Path, size: int, headers: Mapping[str, str]) -> None:
    """Fetches what is missing of ``part``. Raises ConnectionError when less came than was announced."""
    have = part.stat().st_size if part.exists() else 0
    if have == size:
        return
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if 0 < have < size else {})
    for name, value in headers.items():
        request.add_unredirected_header(name, value)  # the key is the hub's, not its file server's
    with urllib.request.urlopen(request, timeout=SILENCE) as answer, part.open("ab") as file:
        if answer.status != 206:
            file.truncate(0)
            have = 0
        with _bar(part.name.rpartition(".")[0].rpartition(".")[0], size, have) as bar:
            while block := answer.read(_BLOCK):
                file.write(block)
                bar.update(len(block))
    if part.stat().st_size != size:
        raise ConnectionError(f"the connection broke off after {part.stat().st_size} of {size} bytes")


def _bar(name: str, size: int, have: int) -> Any:
    """A bar like those of the library; TQDM_DISABLE hides it."""
    tqdm: Any = importlib.import_module("tqdm").tqdm
    return tqdm(desc=name, total=size, initial=have, unit="B", unit_scale=True)
