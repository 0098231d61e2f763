"""The database's tables. A change here raises SCHEMA_VERSION and adds a migration."""

from __future__ import annotations

from collections.abc import Iterable

from gradio_app.store.states import ACTIVE, TERMINAL, TaskStatus

SCHEMA_VERSION = 5


def sql_list(statuses: Iterable[TaskStatus]) -> str:
    """``'failed', 'queued'``: statuses as a SQL list. They are our own constants, never input."""
    return ", ".join(f"'{status.value}'" for status in sorted(statuses))


ACTIVE_SQL = sql_list(ACTIVE)

#: ended tasks by the hour; a trigger counts them in the transaction that ends them, so that none is missed
HISTORY = f"""
CREATE TABLE history (
    hour INTEGER NOT NULL,
    tier TEXT NOT NULL,
    status TEXT NOT NULL,
    tasks INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    waited REAL NOT NULL,
    parsed REAL NOT NULL,
    PRIMARY KEY (hour, tier, status)
) WITHOUT ROWID;
CREATE TABLE engine_history (
    hour INTEGER NOT NULL,
    status TEXT NOT NULL,
    seconds REAL NOT NULL,
    used INTEGER,
    total INTEGER,
    PRIMARY KEY (hour, status)
) WITHOUT ROWID;
CREATE TRIGGER tasks_ended AFTER UPDATE OF status ON tasks
WHEN NEW.status IN ({sql_list(TERMINAL)}) AND OLD.status NOT IN ({sql_list(TERMINAL)})
BEGIN
    INSERT INTO history VALUES (
        CAST(coalesce(NEW.finished_at, NEW.created_at) / 3600 AS INTEGER),
        CASE NEW.tier WHEN '' THEN NEW.tier_asked ELSE NEW.tier END,
        NEW.status,
        1,
        NEW.pages_done,
        max(0, coalesce(NEW.started_at, NEW.finished_at, NEW.created_at) - NEW.created_at),
        NEW.parse_seconds
    )
    ON CONFLICT DO UPDATE SET tasks = tasks + 1, pages = pages + excluded.pages,
        waited = waited + excluded.waited, parsed = parsed + excluded.parsed;
END;
"""

#: in the orders in which tasks are listed; what is asked of a row on the way is in them too (see listing.py)
LISTED = """
CREATE INDEX tasks_owner ON tasks (owner) WHERE redo_of = '';
CREATE INDEX tasks_owner_status ON tasks (owner, status) WHERE redo_of = '';
CREATE INDEX tasks_status ON tasks (status) WHERE redo_of = '';
CREATE INDEX tasks_by_name ON tasks (label, seq, status, owner) WHERE redo_of = '';
CREATE INDEX tasks_by_pages ON tasks (pages_total, seq, status, owner) WHERE redo_of = '';
CREATE INDEX tasks_by_finish ON tasks (ifnull(finished_at, 0), seq, status, owner) WHERE redo_of = '';
"""

#: how many tasks are in each status, by triggers: to count them takes a second where there are a million
COUNTED = """
CREATE TABLE status_counts (status TEXT PRIMARY KEY, tasks INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER tasks_counted AFTER INSERT ON tasks
BEGIN
    INSERT INTO status_counts VALUES (NEW.status, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;
CREATE TRIGGER tasks_uncounted AFTER DELETE ON tasks
BEGIN
    UPDATE status_counts SET tasks = tasks - 1 WHERE status = OLD.status;
END;
CREATE TRIGGER tasks_counted_again AFTER UPDATE OF status ON tasks WHEN NEW.status <> OLD.status
BEGIN
    UPDATE status_counts SET tasks = tasks - 1 WHERE status = OLD.status;
    INSERT INTO status_counts VALUES (NEW.status, 1) ON CONFLICT DO UPDATE SET tasks = tasks + 1;
END;
"""

SCHEMA = f"""
CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ({sql_list(TaskStatus)})),
    tier_asked TEXT NOT NULL,
    page_range TEXT NOT NULL,
    ocr_mode TEXT NOT NULL,
    priority INTEGER NOT NULL,
    use_cache INTEGER NOT NULL,
    source TEXT NOT NULL,
    size INTEGER NOT NULL,
    created_at REAL NOT NULL,
    rev INTEGER NOT NULL,
    kind TEXT NOT NULL DEFAULT '',
    tier TEXT NOT NULL DEFAULT '',
    parse_mode TEXT NOT NULL DEFAULT '',
    parser_version TEXT NOT NULL DEFAULT '',
    source_pages INTEGER NOT NULL DEFAULT 0,
    pages_total INTEGER NOT NULL DEFAULT 0,
    pages_done INTEGER NOT NULL DEFAULT 0,
    pages_failed INTEGER NOT NULL DEFAULT 0,
    shards_total INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 1,
    started_at REAL,
    finished_at REAL,
    parse_seconds REAL NOT NULL DEFAULT 0,
    cached INTEGER NOT NULL DEFAULT 0,
    result_sha256 TEXT NOT NULL DEFAULT '',
    error_code TEXT,
    error_message TEXT,
    cache_key TEXT,
    engine TEXT NOT NULL DEFAULT '',
    failed_pages TEXT NOT NULL DEFAULT '',
    folder TEXT NOT NULL DEFAULT '',
    redo_of TEXT NOT NULL DEFAULT '',
    redo_page INTEGER NOT NULL DEFAULT 0,
    redone TEXT NOT NULL DEFAULT '',
    label TEXT NOT NULL DEFAULT ''
);
CREATE INDEX tasks_rev ON tasks (rev);
CREATE INDEX tasks_source ON tasks (source);
CREATE INDEX tasks_active ON tasks (owner, status) WHERE status IN ({ACTIVE_SQL});
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_cache ON tasks (cache_key) WHERE status = 'completed';
CREATE INDEX tasks_redo ON tasks (redo_of) WHERE redo_of <> '';
{LISTED}CREATE TABLE shards (
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    idx INTEGER NOT NULL,
    pages TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    seconds REAL NOT NULL DEFAULT 0,
    bad TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (task_id, idx)
) WITHOUT ROWID;
CREATE TABLE submissions (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    task_ids TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (owner, key)
) WITHOUT ROWID;
CREATE TABLE deleted (rev INTEGER PRIMARY KEY, task_id TEXT NOT NULL, owner TEXT NOT NULL);
CREATE TABLE rates (tier TEXT PRIMARY KEY, seconds_per_page REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('rev', 0), ('forgotten', 0), ('paused', 0);
{HISTORY}{COUNTED}"""

#: version -> what makes the next one of it
MIGRATIONS = {
    1: """
ALTER TABLE tasks ADD COLUMN engine TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN failed_pages TEXT NOT NULL DEFAULT '';
ALTER TABLE shards ADD COLUMN bad TEXT NOT NULL DEFAULT '[]';
""",
    2: HISTORY,
    3: """
ALTER TABLE tasks ADD COLUMN folder TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN redo_of TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN redo_page INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN redone TEXT NOT NULL DEFAULT '';
CREATE INDEX tasks_redo ON tasks (redo_of) WHERE redo_of <> '';
ALTER TABLE tasks ADD COLUMN label TEXT NOT NULL DEFAULT '';
UPDATE tasks SET label = task_label(name, folder);
DROP INDEX tasks_owner;
"""
    + LISTED,
    4: COUNTED + "INSERT INTO status_counts SELECT status, count(*) FROM tasks GROUP BY status;\n",
}
