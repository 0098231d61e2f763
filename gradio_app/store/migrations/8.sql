-- a document that came inside another (an archive, a mail): the task of the container
ALTER TABLE tasks ADD COLUMN parent TEXT NOT NULL DEFAULT '';
CREATE INDEX tasks_by_parent ON tasks (parent, seq) WHERE parent <> '';
-- what a client of another server asked for: its tasks in order, and how it wants their results
CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    family TEXT NOT NULL,
    owner TEXT NOT NULL,
    created_at REAL NOT NULL,
    tasks TEXT NOT NULL DEFAULT '[]',
    fields TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (created_at);
