"""Mode ``backup DIR``: a copy of the data folder that a server can start from, made while one runs.

Covers: the queue, uploads, results and finished shards, the secret of sessions, the audit log. Does not
cover: the users file, settings, weights, uploads that are still under way, and passwords of documents.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError
from gradio_app.base.files import link_or_copy, sync_disk
from gradio_app.base.settings import Settings, add_flags, given_flags
from gradio_app.store.database import copy_database
from gradio_app.store.states import READABLE
from gradio_app.store.store import Store
from gradio_app.store.task import Task

#: a folder that changes while it is copied is copied again, so many times
_TRIES = 5


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the mode: exit code 1, with a sentence, when there is no backup."""
    parser = argparse.ArgumentParser(prog="start_mineru_optimized.sh backup", description=__doc__)
    parser.add_argument("dir", type=Path, help="a folder that does not exist, or is empty")
    add_flags(parser, ["data_dir"])
    args = parser.parse_args(argv)
    folders = Folders(Settings.load(given_flags(args, ["data_dir"])).data_dir)
    os.umask(0o077)  # documents are private
    try:
        count = back_up(folders, args.dir.expanduser().resolve())
    except AppError as error:
        raise SystemExit(error.message) from None
    except OSError as error:
        raise SystemExit(f"There is no backup: {error.strerror} ({error.filename}).") from None
    print(f"{count} tasks are in {args.dir}. Start from it with: --data-dir {args.dir}")


def back_up(folders: Folders, target: Path) -> int:
    """Copies the data folder to ``target`` and returns how many tasks are in the copy.

    Files are linked where the disk allows, as none of them changes after it was written. ``target`` appears
    when it is complete. Raises ``AppError`` or ``OSError``.
    """
    if not folders.database.is_file():
        raise AppError(f"There is nothing to back up: {folders.root} is not the data folder of a server.")
    if target.is_relative_to(folders.root):
        raise AppError("A backup cannot be inside the data folder. Choose another folder.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise AppError(f"{target} exists and is not empty. Choose another folder, or empty this one.")
    target.parent.mkdir(parents=True, exist_ok=True)
    made = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)  # what somebody else put there, such as a link, would get all documents
    copy = Folders(made)
    try:
        copy.create()
        # first the queue: what it does not know yet is not missed, and what is gone meanwhile was deleted
        copy_database(folders.database, copy.database)
        for name in (folders.secret.name, folders.signed_out.name, folders.links.name, folders.audit.name):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(folders.root / name, made / name)
        count = _copy_tasks(folders, copy)
        sync_disk(made)
        if target.exists():
            target.rmdir()
        made.rename(target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return count


def _copy_tasks(folders: Folders, copy: Folders) -> int:
    """The files of each task of the copied queue; a task whose files were deleted meanwhile leaves it."""
    store = Store(copy.database)
    try:
        store.erase_passwords()
        ids = store.task_ids()
        for task_id in ids:
            if not _copy_task(folders, copy, task := store.get(task_id), store):
                with store.together() as db:
                    db.execute("DELETE FROM tasks WHERE id = ?", (task.id,))
                shutil.rmtree(copy.task(task.id), ignore_errors=True)
        return len(store.task_ids())
    finally:
        store.close()


def _copy_task(folders: Folders, copy: Folders, task: Task, store: Store) -> bool:
    for _ in range(_TRIES):
        shutil.rmtree(copy.task(task.id), ignore_errors=True)
        if _link_tree(folders.task(task.id), copy.task(task.id)):
            break
    else:
        raise AppError(
            f"The files of task {task.id} keep changing while they are copied. Back up again later."
        )
    kept = copy.source(task.source)
    if not kept.exists():
        try:
            link_or_copy(folders.source(task.source), kept)
        except FileNotFoundError:
            return False
    with contextlib.suppress(FileNotFoundError, FileExistsError):
        if task.prepared:
            link_or_copy(folders.prepared(task.prepared), copy.prepared(task.prepared))
    if task.status in READABLE:
        return copy.result(task.id).is_dir()
    lost = [
        shard.index
        for shard in store.shards(task.id)
        if shard.done and not any((place / f"{shard.index:05d}").is_dir() for place in _shards(copy, task.id))
    ]
    with store.together() as db:
        for index in lost:  # it was joined meanwhile: the copy reads it again
            db.execute("UPDATE shards SET done = 0 WHERE task_id = ? AND idx = ?", (task.id, index))
    return True


def _shards(folders: Folders, task_id: str) -> tuple[Path, Path]:
    return folders.shards(task_id), folders.resume(task_id)


def _link_tree(source: Path, target: Path) -> bool:
    """Links or copies all files below ``source``; False when some went away meanwhile."""
    whole = True

    def gone(_error: OSError) -> None:
        nonlocal whole
        whole = whole and not source.exists()

    for parent, _, names in os.walk(source, onerror=gone):
        there = target / os.path.relpath(parent, source)
        there.mkdir(parents=True, exist_ok=True)
        for name in names:
            if os.path.islink(os.path.join(parent, name)):
                continue  # nothing of ours; a link would become the file that it leads to
            try:
                link_or_copy(os.path.join(parent, name), there / name)
            except FileNotFoundError:
                whole = False
    return whole
