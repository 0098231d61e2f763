-- ended tasks by the hour; a trigger counts them in the transaction that ends them
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
WHEN NEW.status IN ('cancelled', 'completed', 'failed', 'partial') AND OLD.status NOT IN ('cancelled', 'completed', 'failed', 'partial')
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
