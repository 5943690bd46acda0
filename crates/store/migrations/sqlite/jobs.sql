-- jobs.sqlite: background jobs, apart from godwit.sqlite so that they never wait for the writer. Version 1.
CREATE TABLE job (
  name             TEXT    PRIMARY KEY,
  priority         INTEGER NOT NULL,
  next_run_us      INTEGER NOT NULL,
  lease_until_us   INTEGER NOT NULL DEFAULT 0,       -- greater than now: it runs
  holder           TEXT,
  token            INTEGER NOT NULL DEFAULT 0,
  last_run_us      INTEGER,
  last_duration_us INTEGER,
  last_ok          INTEGER,
  last_result      TEXT,
  last_ok_us       INTEGER,
  failures         INTEGER NOT NULL DEFAULT 0,
  runs             INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- What a job fetched.
CREATE TABLE kept (name TEXT PRIMARY KEY, at_us INTEGER NOT NULL, bytes BLOB NOT NULL);

-- Days in the archive: how many packets, and the checksum of the file.
CREATE TABLE archived (day INTEGER PRIMARY KEY, rows INTEGER NOT NULL, checksum TEXT NOT NULL, at_us INTEGER NOT NULL);
