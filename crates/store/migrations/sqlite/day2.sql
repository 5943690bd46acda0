-- Version 2: aggregates of the day, kept in the transaction of its packets. When the day is dropped they move into
-- godwit.sqlite. A day of version 1 has none of the time before.
ALTER TABLE name ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;   -- 1: a packet told of this entity today

-- Packets by hour.
CREATE TABLE hour (
  hour        INTEGER PRIMARY KEY,              -- hours since 1970-01-01 UTC
  accepted    INTEGER NOT NULL,
  duplicate   INTEGER NOT NULL,
  implausible INTEGER NOT NULL,
  bad         INTEGER NOT NULL
);

-- Who heard whom on radio without anything in between. Found from either end.
CREATE TABLE heard_link (
  heard     INTEGER NOT NULL,                   -- name.id
  hearer    INTEGER NOT NULL,
  packets   INTEGER NOT NULL,
  longest_m INTEGER,
  PRIMARY KEY (heard, hearer)
) WITHOUT ROWID;
CREATE INDEX heard_link_hearer ON heard_link (hearer);

-- stations, objects, items: how many were heard; born: which file this is, also when the day is made anew later.
INSERT INTO counter VALUES ('born', random());
