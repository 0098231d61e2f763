"""A data folder of any older version is taken over; old migrations stay as they were."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from gradio_app.base.findings import Findings
from gradio_app.base.names import label_of
from gradio_app.store.database import MIGRATIONS, SCHEMA_VERSION, migration
from gradio_app.store.listing import Wanted
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.task import Shard
from tests.unit.records import finish_shard

#: version -> SHA-256 of all tables, indexes and triggers. Never change one: databases like it are in use
SCHEMAS = {
    1: "a31dbe87cd99a9c0a4240ee0aa8b13206de9838bcaa5538c08f9e8eddbea627a",
    2: "3c9feb53cdfc78b343efec60e980d296398d3dea40c376092a5b904d372a3189",
    3: "df77a093cdb03ee034c8580cc5b4b1ccd5e860e923f8f1b71a9d0a87a9f07b72",
    4: "1994add2984b19b83fb0021f4f87b63a12a0fb333095918c4f98894457f483e7",
    5: "6fa40920e4a98c62f90494df9fbe12c47a5bf2afa40e78176da91fa0ac8c1503",
    6: "be8e524db8bc9793a80209062e045ba9fbd1d9a7a43b233a2b4ce23fe0c80ea3",
    7: "7abacdc5359d3897d2164d6871a2d544291eed009416624c9a6d5c8fd111bf97",
    8: "ac7bdc1ee7f5ab8be0d6918006e90d0b082d0b73f7441ce3c7fe0d79628897be",
}
TASK = {
    "id": "old",
    "name": "thesis.pdf",
    "owner": "ann",
    "status": "partial",
    "tier_asked": "auto",
    "page_range": "1-3",
    "ocr_mode": "txt",
    "priority": 2,
    "use_cache": 1,
    "source": "5ec7e7",
    "size": 7,
    "created_at": 1000.0,
    "rev": 5,
    "kind": "pdf",
    "tier": "flash",
    "pages_total": 3,
    "pages_done": 2,
    "pages_failed": 1,
    "shards_total": 2,
    "parse_seconds": 1.5,
    "finished_at": 1010.0,
    "cache_key": "same",
}
SHARDS = [("old", 0, "[1, 2]", 1, None, 1.5), ("old", 1, "[3]", 0, '["worker_crashed", "It crashed."]', 0.0)]


def write_first(folder: Path) -> Path:
    """A database as the first version left it, with a task that ended early."""
    database = folder / "queue.db"
    raw = sqlite3.connect(database)
    raw.executescript(migration(1) + "PRAGMA user_version = 1;")
    names = ", ".join(TASK)
    raw.execute(f"INSERT INTO tasks ({names}) VALUES ({', '.join('?' * len(TASK))})", list(TASK.values()))
    raw.executemany("INSERT INTO shards VALUES (?, ?, ?, ?, ?, ?)", SHARDS)
    raw.execute("INSERT INTO submissions VALUES ('ann', 'key', 'print', '[\"old\"]', 1000.0)")
    raw.execute("INSERT INTO rates VALUES ('flash', 0.25)")
    raw.execute("UPDATE counters SET value = 5 WHERE name = 'rev'")
    raw.commit()
    raw.close()
    return database


def columns(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Name, type, default and so on of each column, by table."""
    raw = sqlite3.connect(database)
    try:
        return {
            table: raw.execute(
                f"SELECT name, type, [notnull], dflt_value, pk FROM pragma_table_info('{table}')"
            ).fetchall()
            for (table,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        }
    finally:
        raw.close()


def made(database: Path, kind: str) -> list[str]:
    """What makes the triggers, or the indexes, of a database."""
    raw = sqlite3.connect(database)
    try:
        found = raw.execute(
            "SELECT sql FROM sqlite_master WHERE type = ? AND sql <> '' ORDER BY name", (kind,)
        )
        return [text for (text,) in found]
    finally:
        raw.close()


def version(database: Path) -> int:
    raw = sqlite3.connect(database)
    try:
        return int(raw.execute("PRAGMA user_version").fetchone()[0])
    finally:
        raw.close()


def test_everything_of_the_first_version_can_be_read(tmp_path: Path) -> None:
    database = write_first(tmp_path)
    assert version(database) == 1
    store = Store(database)
    assert version(tmp_path / "queue-schema1.db") == 1, "as it was, for whoever goes back"
    task = store.get("old")
    assert (task.name, task.status, task.options.page_range) == ("thesis.pdf", TaskStatus.PARTIAL, "1-3")
    assert (task.engine, task.failed_pages, task.pages_done) == ("", "", 2)
    assert task.receipt()["engine"] == "none"
    assert (task.findings, task.tier_used, task.scan_pages, task.prepared) == (Findings(), "flash", "", "")
    assert all(shard.version == "" for shard in store.shards("old"))
    assert store.listing.page(Wanted("ann", words="THESIS"), 5).tasks == [task]
    reason = json.dumps(["worker_crashed", "It crashed."])
    assert store.shards("old") == [
        Shard("old", 0, (1, 2), True, None, 1.5),
        Shard("old", 1, (3,), False, reason),
    ]
    assert store.submission("ann", "key", "print") == [task]
    assert store.rates() == {"flash": 0.25} and store.rev() == 5
    assert store.counts() == {"partial": 1}
    store.close()
    assert version(database) == SCHEMA_VERSION == 8


def test_what_was_taken_over_goes_on(tmp_path: Path) -> None:
    store = Store(write_first(tmp_path))
    task = store.requeue("old")
    assert (task.status, task.shards_total, task.pages_done) == (TaskStatus.QUEUED, 2, 2)
    store.move("old", TaskStatus.PROCESSING)
    finish_shard(store, "old", 1, task.attempt, 1.0, bad=(3,), engine='["remote", "", "m"]')
    assert store.shards("old")[1].bad == (3,) and store.get("old").pages_done == 3
    store.close()


def test_a_folder_is_taken_over_once(tmp_path: Path) -> None:
    database = write_first(tmp_path)
    for _ in range(2):
        store = Store(database)
        assert store.task_ids() == {"old"}
        store.close()


def test_it_becomes_what_a_new_folder_is(tmp_path: Path) -> None:
    Store(write_first(tmp_path)).close()
    Store(tmp_path / "new.db").close()
    assert columns(tmp_path / "queue.db") == columns(tmp_path / "new.db")
    for kind in ("trigger", "index"):
        assert made(tmp_path / "queue.db", kind) == made(tmp_path / "new.db", kind) != []


def schema_digest(version: int) -> str:
    raw = sqlite3.connect(":memory:")
    raw.create_function("task_label", 2, label_of, deterministic=True)
    for step in range(1, version + 1):
        raw.executescript(migration(step))
    rows = raw.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    counters = raw.execute("SELECT * FROM counters ORDER BY name").fetchall()
    raw.close()
    text = " ".join(json.dumps([rows, counters]).replace("\\n", " ").split())
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("version", SCHEMAS)
def test_an_old_migration_is_never_edited(version: int) -> None:
    assert schema_digest(version) == SCHEMAS[version]


def test_there_is_a_way_from_each_version_to_the_newest() -> None:
    assert {path.name for path in MIGRATIONS.iterdir()} == {f"{number}.sql" for number in SCHEMAS}
    assert max(SCHEMAS) == SCHEMA_VERSION
