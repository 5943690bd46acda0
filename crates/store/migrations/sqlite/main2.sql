-- Version 2: aggregates of days whose packets are dropped. Those of all other days are in the days' own files.
CREATE TABLE name (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE);

CREATE TABLE hour (
  hour        INTEGER PRIMARY KEY,              -- hours since 1970-01-01 UTC
  accepted    INTEGER NOT NULL,
  duplicate   INTEGER NOT NULL,
  implausible INTEGER NOT NULL,
  bad         INTEGER NOT NULL
);

CREATE TABLE heard_day (
  day      INTEGER PRIMARY KEY,                 -- days since 1970-01-01 UTC
  stations INTEGER NOT NULL,
  objects  INTEGER NOT NULL,
  items    INTEGER NOT NULL
);

-- By day first: a day is written and forgotten in one piece.
CREATE TABLE heard_link (
  day       INTEGER NOT NULL,
  heard     INTEGER NOT NULL,                   -- name.id
  hearer    INTEGER NOT NULL,
  packets   INTEGER NOT NULL,
  longest_m INTEGER,
  PRIMARY KEY (day, heard, hearer)
) WITHOUT ROWID;
CREATE INDEX heard_link_hearer ON heard_link (day, hearer);

-- Files of days whose aggregates are here: not taken in twice if dropping one broke off.
CREATE TABLE moved (born INTEGER PRIMARY KEY, day INTEGER NOT NULL);
