-- Commits survive a crash of the process. After a crash of the machine the last ones may be missing; the watch then sees
-- those changes again. The lock keeps out a second process, which would handle every change, too.
PRAGMA busy_timeout = 2000;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;

-- All changes. To act on them, for example to send messages, read them and remember the version up to which they were
-- handled. The last 100,000 are kept.
CREATE TABLE IF NOT EXISTS changes (version INTEGER PRIMARY KEY, id TEXT NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS changes_id ON changes (id);

-- The last state of each job, until an hour after the job has ended.
CREATE TABLE IF NOT EXISTS jobs (
	id TEXT PRIMARY KEY, version INTEGER NOT NULL UNIQUE, name TEXT, ended INTEGER, changed_at INTEGER NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_name ON jobs (name);
CREATE INDEX IF NOT EXISTS jobs_ended ON jobs (changed_at) WHERE ended;
CREATE TRIGGER IF NOT EXISTS change AFTER INSERT ON changes BEGIN
	INSERT OR REPLACE INTO jobs VALUES (new.id, new.version, new.state ->> 'name', new.state ->> 'ended',
		unixepoch(new.state ->> 'changed_at'), new.state);
	DELETE FROM jobs WHERE ended AND changed_at < unixepoch(new.state ->> 'changed_at') - 3600;
	DELETE FROM changes WHERE version <= new.version - 100000;
END;

-- Each request that was or may have been submitted: its hash, the time, how many times it was sent to this service, and
-- its job, once that is known. It is kept while its job runs, and for at least five minutes: a job that is not listed by
-- then does not exist.
CREATE TABLE IF NOT EXISTS requests (
	name TEXT PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL, times INTEGER NOT NULL, job TEXT);
CREATE VIEW IF NOT EXISTS requested AS SELECT requests.name, jobs.ended, jobs.version, jobs.state FROM requests
	JOIN jobs ON jobs.id = requests.job OR requests.job IS NULL AND jobs.name = requests.name;
CREATE TRIGGER IF NOT EXISTS settled BEFORE INSERT ON requests BEGIN
	DELETE FROM requests WHERE at < new.at - 300 AND name NOT IN (SELECT name FROM requested WHERE ended IS NULL);
END;
