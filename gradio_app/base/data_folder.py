"""The layout of the data folder, and the only functions that move files in it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from gradio_app.base.errors import AppError, NotFound, StorageUnavailable
from gradio_app.base.files import (
    is_plain,
    link_or_copy,
    names_beneath,
    open_beneath,
    read_beneath,
    replace_folder,
    sync_file,
)

#: the file of a result that keeps its corrections
EDITS_FILE = "edits.json"


class DataFolderInUse(AppError):
    """Another server already uses this data folder. Stop it, or choose another --data-dir."""


class Folders:
    """Paths below ``root`` (``data_dir``).

    ``shards/`` holds finished shards while a task runs; ``resume/`` those of an incomplete task for a retry.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.database = self.root / "queue.db"
        self.search_index = self.root / "search.db"
        self.sources = self.root / "sources"
        self.prepared_files = self.root / "prepared"
        self.tasks = self.root / "tasks"
        self.tmp = self.root / "tmp"
        self.uploads = self.root / "uploads"
        self.run = self.root / "run"
        self.gate = self.run / "gate"
        self.audit = self.root / "audit.log"
        self.secret = self.root / "secret"
        self.sign_in = self.root / "sign-in.txt"
        self.signed_out = self.root / "signed_out"
        self.links = self.root / "links.json"
        self.gradio = self.run / "gradio"
        self._adopted = False
        #: device and number of a folder in it, to tell another folder at the same place
        self._identity: tuple[int, int] | None = None

    def create(self) -> None:
        """Makes the folders; readable by this user only, as documents are private."""
        folders = (self.root, self.sources, self.prepared_files, self.tasks, self.tmp, self.uploads, self.run)
        private = (self.run / "cwd", self.run / "tmp", self.gate, self.gradio)
        try:
            for folder in (*folders, *private):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._identity = _identity(self.tmp)
            probe = self.run / "probe"
            try:
                probe.write_bytes(b"x")
            finally:
                probe.unlink(missing_ok=True)
        except OSError as error:
            raise AppError(
                f"The data folder {self.root} cannot be written: {error.strerror}. Make it writable for this "
                "user, make room, or choose another --data-dir."
            ) from error

    def source(self, digest: str) -> Path:
        """An upload, by SHA-256 of its content."""
        return self.sources / digest

    def prepared(self, name: str) -> Path:
        """The plain file that was made of an upload; its name begins with the upload's digest."""
        return self.prepared_files / name

    def put_prepared(self, name: str, made: Path) -> None:
        """Keeps a file that a worker has made plain."""
        sync_file(made)
        made.replace(self.prepared(name))
        sync_file(self.prepared_files)

    def upload(self, upload_id: str) -> Path:
        """A file that was sent before the job that reads it."""
        return self.uploads / upload_id

    def put_upload(self, upload_id: str, made: Path) -> None:
        """Keeps such a file, for good."""
        made.replace(self.upload(upload_id))
        sync_file(self.uploads)

    def task(self, task_id: str) -> Path:
        return self.tasks / task_id

    def result(self, task_id: str) -> Path:
        return self.tasks / task_id / "result"

    def shards(self, task_id: str) -> Path:
        return self.tasks / task_id / "shards"

    def resume(self, task_id: str) -> Path:
        return self.tasks / task_id / "resume"

    def redone(self, task_id: str, page: int) -> Path:
        """A second reading of a page (1-based) that was kept: a result of its own."""
        return self.tasks / task_id / "redone" / f"{page:05d}"

    def put_redone(self, task_id: str, page: int, other_id: str) -> None:
        """Links the result of another task there."""
        self._link_result(other_id, self.redone(task_id, page))

    def job(self, task_id: str) -> Path:
        """The temporary folder of a task's running jobs."""
        return self.tmp / task_id

    def work(self, task_id: str, name: str) -> Path:
        """A fresh folder for one job of a task."""
        while True:
            self.check()  # else the folders would be made where it was
            folder = self.job(task_id) / f"{name}-{secrets.token_hex(4)}"
            # another job of this task may take the empty parent away between our two steps
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                folder.parent.mkdir(parents=True, exist_ok=True)
                folder.mkdir()
                return folder

    def drop_work(self, folder: Path) -> None:
        """Deletes what is left of a job, and the task's temporary folder with its last one."""
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()

    def linked_source(self, digest: str, folder: Path, suffix: str, prepared: str = "") -> Path:
        """The upload under a neutral name with its suffix, which MinerU needs to know some types.

        ``prepared`` names the plain file that is read in its place.
        """
        suffix = prepared.rpartition(".")[2] or suffix
        safe = suffix.lower() if suffix.isalnum() and len(suffix) <= 8 else "bin"
        path = folder / f"document.{safe}"
        link_or_copy(self.prepared(prepared) if prepared else self.source(digest), path)
        return path

    def adopt(self, *uploads: tuple[Path, str]) -> None:
        """Stores uploaded files under their digests; on the disk for good with ``sync_sources``."""
        for incoming, digest in uploads:
            if not self.source(digest).exists():
                link_or_copy(incoming, self.source(digest))
                self._adopted = True

    def drop_sources(self, digests: Iterable[str], needed: Callable[[str], bool]) -> None:
        """Deletes these uploads, except those that are ``needed``."""
        for digest in digests:
            if not needed(digest):
                self.source(digest).unlink(missing_ok=True)
                for path in self.prepared_files.glob(f"{digest}.*"):
                    path.unlink(missing_ok=True)

    def sync_sources(self) -> None:
        """Puts on the disk for good what was adopted."""
        if self._adopted:
            sync_file(self.sources)
            self._adopted = False

    def put_shard(self, task_id: str, index: int, out: Path) -> None:
        """Makes a parsed shard a checkpoint."""
        replace_folder(out, self.shard(task_id, index))

    def shard(self, task_id: str, index: int) -> Path:
        return self.shards(task_id) / f"{index:05d}"

    def put_result(self, task_id: str, out: Path) -> None:
        """Makes an assembled result the task's result."""
        replace_folder(out, self.result(task_id))

    def mend(self, task_id: str) -> None:
        """Ends a replacement that a crash has cut in two: one of both folders is there and whole."""
        for parent in (self.task(task_id), self.task(task_id) / "redone"):
            for old in parent.glob("*.old"):
                target = old.with_suffix("")
                if target.exists():
                    shutil.rmtree(old, ignore_errors=True)
                else:
                    old.rename(target)

    def corrected(self, task_id: str) -> str:
        """The digest of a result's Markdown, where blocks of it were corrected; else empty."""
        with contextlib.suppress(NotFound, ValueError, TypeError, KeyError):
            return str(json.loads(read_beneath(self.result(task_id), EDITS_FILE))["sha256"])[:64]
        return ""

    def link_result(self, donor_id: str, task_id: str) -> bool:
        """Gives a task the stored result of another (hard links); False when it is gone."""
        try:
            self._link_result(donor_id, self.result(task_id))
        except (OSError, shutil.Error, NotFound):
            return False
        return True

    def has_result(self, task_id: str) -> bool:
        """Whether there is a result, and no link in its place."""
        with contextlib.suppress(FileNotFoundError):
            return stat.S_ISDIR(os.lstat(self.result(task_id)).st_mode)
        return False

    def exported(self, task_id: str, name: str) -> bool:
        """Whether an export is there. Raises ``NotFound`` where no plain result is to make it of."""
        result = self.result(task_id)
        with contextlib.suppress(NotFound):
            os.close(open_beneath(result, f"exports/{name}"))
            return True
        with contextlib.suppress(NotFound):
            os.close(open_beneath(result, "middle.json"))
            self.check_plain(result)
            return False
        raise NotFound("The task has no result yet.")

    def put_export(self, task_id: str, result: int, name: str, made: Path) -> None:
        """Keeps an export beside the result of which it was made, an open folder.

        Where another result is in its place by now, that one does not get it. Raises ``NotFound`` when the
        task was deleted meanwhile.
        """
        sync_file(made)  # half of it after a power cut would stay
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir("exports", 0o700, dir_fd=result)
            os.rename(made, f"exports/{name}", dst_dir_fd=result)
        except FileNotFoundError:
            if not self.has_result(task_id):
                raise NotFound() from None

    def check_plain(self, *made: Path) -> None:
        """Raises ``NotFound`` where folders that workers made hold anything but files and folders.

        Workers of older versions could leave links there, and the next worker would follow them.
        """
        for folder in made:
            with contextlib.suppress(FileNotFoundError):
                if not is_plain(folder, shared=True):
                    raise NotFound("The result of this document holds what is no result. Convert it again.")

    def _link_result(self, donor_id: str, target: Path) -> None:
        self.check_plain(self.result(donor_id))  # a link in it would become the file that it leads to
        work = self.work(donor_id, "link")
        try:
            exports = shutil.ignore_patterns("exports")
            shutil.copytree(self.result(donor_id), work / "out", copy_function=link_or_copy, ignore=exports)
            replace_folder(work / "out", target)
        finally:
            self.drop_work(work)

    def park_shards(self, task_id: str) -> None:
        """The task ended early: finished shards wait in ``resume/`` for a retry."""
        shards = self.shards(task_id)
        if shards.is_dir() and any(shards.iterdir()):
            replace_folder(shards, self.resume(task_id))
        else:
            shutil.rmtree(shards, ignore_errors=True)

    def unpark_shards(self, task_id: str) -> None:
        """The task runs again: its finished shards are taken back."""
        if self.resume(task_id).is_dir():
            replace_folder(self.resume(task_id), self.shards(task_id))

    def drop_shards(self, task_id: str) -> None:
        self._drop(self.shards(task_id), self.resume(task_id))

    def drop_task(self, task_id: str) -> None:
        """Deletes the files of a task."""
        self._drop(self.task(task_id))
        shutil.rmtree(self.job(task_id), ignore_errors=True)

    def _drop(self, *folders: Path) -> None:
        """Deletes folders, each whole or not at all: neither a reader nor a next start finds half of one."""
        for folder in folders:
            gone = self.tmp / f"gone-{secrets.token_hex(8)}"
            with contextlib.suppress(OSError):
                folder.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)  # it could not be moved

    def page(self, task_id: str, page: int) -> int:
        """The record of a finished page (1-based), from the result or from a finished shard, opened."""
        return self._first(task_id, f"pages/{page}.json")

    def pages(self, task_id: str) -> list[tuple[int, Path]]:
        """Number and record of every finished page, in order; read them with ``read``."""
        found: dict[int, Path] = {}
        for folder in self._readable(task_id):
            for name in names_beneath(folder, "pages"):
                stem, _, suffix = name.rpartition(".")
                if suffix == "json" and stem.isascii() and stem.isdigit():
                    found.setdefault(int(stem), folder / "pages" / name)
        return sorted(found.items())

    def read(self, path: Path) -> bytes:
        """A file of a task, of which no link is followed; else ``NotFound``."""
        return read_beneath(self.tasks, path.relative_to(self.tasks).as_posix())

    def file(self, task_id: str, relative: str) -> int:
        """A plain file below ``images/``, also while the task runs, opened; else ``NotFound``."""
        parts = PurePosixPath(relative).parts
        if len(parts) != 2 or parts[0] != "images" or parts[1].startswith("."):
            raise NotFound()
        return self._first(task_id, "/".join(parts))

    def _first(self, task_id: str, relative: str) -> int:
        for folder in self._readable(task_id):
            with contextlib.suppress(NotFound):
                return open_beneath(folder, relative)
        raise NotFound()

    def _readable(self, task_id: str) -> Iterator[Path]:
        yield self.result(task_id)
        for parent in (self.shards(task_id), self.resume(task_id)):
            with contextlib.suppress(FileNotFoundError):  # also when they move right now
                yield from sorted(parent.iterdir())

    def free_bytes(self) -> int:
        """Free space on the disk of the data folder. Raises ``StorageUnavailable`` when that is not there."""
        self.check()
        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            raise StorageUnavailable() from None

    def check(self) -> None:
        """Raises ``StorageUnavailable`` when the data folder was moved away, or another one is there."""
        if self._identity and self._identity != _identity(self.tmp):
            raise StorageUnavailable(
                "The data folder of this server is not where it was. Move it back; nothing is lost, and the "
                "work goes on then."
            )


def _identity(folder: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = folder.stat()
        return found.st_dev, found.st_ino
    return None


def lock_folder(path: Path) -> IO[str]:
    """Holds the data folder for this process until the handle is closed; ``DataFolderInUse`` otherwise."""
    handle = path.open("a")  # never written: a full disk is no hindrance
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise DataFolderInUse() from None
    return handle
