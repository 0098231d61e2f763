-- what reading found: notes, coverage and pages by reader, which pages are scans, and the prepared file
ALTER TABLE tasks ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN coverage REAL;
ALTER TABLE tasks ADD COLUMN readers TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN scan_pages TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN prepared TEXT NOT NULL DEFAULT '';
ALTER TABLE shards ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE shards ADD COLUMN coverage REAL;
ALTER TABLE shards ADD COLUMN words INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shards ADD COLUMN readers TEXT NOT NULL DEFAULT '';
ALTER TABLE shards ADD COLUMN version TEXT NOT NULL DEFAULT '';
