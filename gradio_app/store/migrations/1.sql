-- tasks, their shards, submissions by idempotency key, deleted ids, rates and counters
CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    status TEXT NOT NULL CHECK (
        status IN ('cancelled', 'cancelling', 'completed', 'failed', 'partial', 'pending', 'processing', 'queued')
    ),
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
    cache_key TEXT
);
CREATE INDEX tasks_rev ON tasks (rev);
CREATE INDEX tasks_owner ON tasks (owner, rev);
CREATE INDEX tasks_source ON tasks (source);
CREATE INDEX tasks_active ON tasks (owner, status) WHERE status IN ('cancelling', 'pending', 'processing', 'queued');
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_cache ON tasks (cache_key) WHERE status = 'completed';
CREATE TABLE shards (
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    idx INTEGER NOT NULL,
    pages TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    seconds REAL NOT NULL DEFAULT 0,
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
