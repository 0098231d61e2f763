-- what preparing the upload found, which is true of every reading of it
ALTER TABLE tasks ADD COLUMN prepared_notes TEXT NOT NULL DEFAULT '';
