-- The main file, godwit.sqlite: the latest state of every entity. Version 1.
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

-- Raw lines define the state; what they say is read from them again (docs/adr/0001).
CREATE TABLE entity (
  kind           INTEGER NOT NULL,              -- 0 station, 1 object, 2 item
  name           BLOB    NOT NULL,
  owner          BLOB,
  alive          INTEGER NOT NULL,
  first_heard_us INTEGER NOT NULL,
  last_heard_us  INTEGER NOT NULL,
  raw            BLOB    NOT NULL,
  positioned_us  INTEGER,
  position_raw   BLOB,                          -- NULL: the same as raw
  PRIMARY KEY (kind, name)
) WITHOUT ROWID;

-- How far an import got, by what it reads.
CREATE TABLE import (source TEXT PRIMARY KEY, next_offset INTEGER NOT NULL) WITHOUT ROWID;
