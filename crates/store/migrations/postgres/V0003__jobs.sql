-- Background jobs: one row each, by this database's clock. The token grows with each claim.
CREATE TABLE job (
  name             text     PRIMARY KEY,
  priority         smallint NOT NULL,
  next_run_us      bigint   NOT NULL,
  lease_until_us   bigint   NOT NULL DEFAULT 0,      -- greater than now: somebody runs it
  holder           text,
  token            bigint   NOT NULL DEFAULT 0,
  last_run_us      bigint,
  last_duration_us bigint,
  last_ok          boolean,
  last_result      text,
  last_ok_us       bigint,
  failures         integer  NOT NULL DEFAULT 0,
  runs             bigint   NOT NULL DEFAULT 0
) WITH (fillfactor = 20);

-- What a job fetched for all replicas.
CREATE TABLE kept (name text PRIMARY KEY, at_us bigint NOT NULL, bytes bytea NOT NULL);

-- Days in the archive: how many packets, and the checksum of the file.
CREATE TABLE archived (day integer PRIMARY KEY, rows bigint NOT NULL, checksum text NOT NULL, at_us bigint NOT NULL);
