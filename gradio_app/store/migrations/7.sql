-- what preparing the upload found, which is true of every reading of it
ALTER TABLE tasks ADD COLUMN prepared_notes TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN keep_headers INTEGER NOT NULL DEFAULT 0;
