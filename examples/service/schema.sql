-- Commits survive a crash of the process. After a crash of the machine the last ones may be missing; the watch then sees
-- those changes again. The lock keeps out a second process, which would handle every change, too.
PRAGMA busy_timeout = 2000;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;

-- All changes; the last 100,000 are kept. To act on them, for example to send messages, read them in this process (the
-- lock keeps out others) and store the last version that was handled.
CREATE TABLE IF NOT EXISTS changes (version INTEGER PRIMARY KEY, id TEXT NOT NULL, state TEXT NOT NULL);

-- The latest state of each job. That of an ended job is deleted with its change.
CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL,
	ended INTEGER AS (coalesce(state ->> 'ended', 0)), lost INTEGER AS (state ->> 'status' = 'lost'));
CREATE INDEX IF NOT EXISTS jobs_ended ON jobs (version) WHERE ended;
CREATE TRIGGER IF NOT EXISTS change AFTER INSERT ON changes BEGIN
	INSERT OR REPLACE INTO jobs (id, version, state) VALUES (new.id, new.version, new.state);
	DELETE FROM jobs WHERE ended AND version <= new.version - 100000;
	DELETE FROM changes WHERE version <= new.version - 100000;
END;

-- The requests of the last five minutes that were or may have been submitted: for each its hash, its time, how many times
-- it was received, and its job, once that is known. A job that is not listed after five minutes is assumed not to exist.
CREATE TABLE IF NOT EXISTS submissions (
	name TEXT PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL, times INTEGER NOT NULL, job TEXT);
CREATE TRIGGER IF NOT EXISTS expire_submissions BEFORE INSERT ON submissions BEGIN
	DELETE FROM submissions WHERE at <= new.at - 300;
END;
