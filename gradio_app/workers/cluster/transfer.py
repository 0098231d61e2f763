"""Transfer of result folders between machines, as bytes; what arrives is checked."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from gradio_app.base.errors import FileTooLarge, WorkerCrashed
from gradio_app.base.files import MOST_ENTRIES


def pack(folder: Path) -> bytes:
    """All files below ``folder``. Links and everything else that is no plain file are left out."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            if not path.is_symlink() and (path.is_file() or path.is_dir()):
                tar.add(path, str(path.relative_to(folder)), recursive=False)
    return made.getvalue()


def unpack(data: bytes, folder: Path, limit: int) -> None:
    """Makes ``folder`` with the files of ``pack`` in it.

    Raises ``FileTooLarge`` for more than ``limit`` bytes, ``WorkerCrashed`` for what ``pack`` never makes.
    """
    folder.mkdir()
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            _extract(tar, folder, limit)
    except (tarfile.TarError, FileExistsError, NotADirectoryError, UnicodeError, EOFError) as error:
        raise WorkerCrashed(f"A machine of the cluster sent what is no result: {error}.") from error


def _extract(tar: tarfile.TarFile, folder: Path, limit: int) -> None:
    total = 0
    for number, member in enumerate(tar):
        name = PurePosixPath(member.name)
        plain = member.isdir() or member.isfile()
        if not plain or name.is_absolute() or ".." in name.parts or number >= MOST_ENTRIES:
            raise WorkerCrashed("A machine of the cluster sent a result that reaches out of its folder.")
        target = folder / name
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        total += member.size
        if total > limit:
            raise FileTooLarge("The result of this part is larger than one document may take.")
        target.parent.mkdir(parents=True, exist_ok=True)
        content = tar.extractfile(member)
        assert content is not None
        with target.open("xb") as file:
            shutil.copyfileobj(content, file)
