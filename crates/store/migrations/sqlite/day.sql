-- A day's packets, packets/2026-11-23.sqlite. Version 1. Dropping the day is deleting the file.
CREATE TABLE name (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, name BLOB NOT NULL, UNIQUE (kind, name));

CREATE TABLE packet (
  id        INTEGER PRIMARY KEY,                -- received_at in microseconds, made unique
  entity    INTEGER,                            -- name.id
  sender    INTEGER,                            -- name.id
  kind      INTEGER NOT NULL,
  verdict   INTEGER NOT NULL,                   -- 0 accepted, 1 duplicate, 2 implausible, 3 bad
  reason    TEXT,
  latitude  INTEGER,                            -- millionths of a degree
  longitude INTEGER,
  raw       BLOB NOT NULL
);
-- For the packets of a station, object or item, newest first (GET /api/v1/packets?name=); the id is in every index.
CREATE INDEX packet_entity ON packet (entity) WHERE entity IS NOT NULL;

-- Content of imported lines: importing twice adds nothing.
CREATE TABLE imported (hash BLOB PRIMARY KEY) WITHOUT ROWID;

-- accepted, duplicate, implausible, bad: how many; keep: retention leaves this day alone; live: the feed wrote here.
CREATE TABLE counter (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
