-- folders, second readings of pages, and an index for each order in which tasks are listed (see listing.py)
ALTER TABLE tasks ADD COLUMN folder TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN redo_of TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN redo_page INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN redone TEXT NOT NULL DEFAULT '';
CREATE INDEX tasks_redo ON tasks (redo_of) WHERE redo_of <> '';
ALTER TABLE tasks ADD COLUMN label TEXT NOT NULL DEFAULT '';
UPDATE tasks SET label = task_label(name, folder);
DROP INDEX tasks_owner;
CREATE INDEX tasks_owner ON tasks (owner) WHERE redo_of = '';
CREATE INDEX tasks_owner_status ON tasks (owner, status) WHERE redo_of = '';
CREATE INDEX tasks_status ON tasks (status) WHERE redo_of = '';
CREATE INDEX tasks_by_name ON tasks (label, seq, status, owner) WHERE redo_of = '';
CREATE INDEX tasks_by_pages ON tasks (pages_total, seq, status, owner) WHERE redo_of = '';
CREATE INDEX tasks_by_finish ON tasks (ifnull(finished_at, 0), seq, status, owner) WHERE redo_of = '';
