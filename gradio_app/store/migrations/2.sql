-- which model read a document, and which pages were read incompletely
ALTER TABLE tasks ADD COLUMN engine TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN failed_pages TEXT NOT NULL DEFAULT '';
ALTER TABLE shards ADD COLUMN bad TEXT NOT NULL DEFAULT '[]';
