-- what preparing the upload found, which is true of every reading of it
ALTER TABLE tasks ADD COLUMN prepared_notes TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN keep_headers INTEGER NOT NULL DEFAULT 0;
-- what opens the upload, encrypted (see vault.py); empty as soon as the task is not pending any more
ALTER TABLE tasks ADD COLUMN password TEXT NOT NULL DEFAULT '';
