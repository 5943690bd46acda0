-- Version 4: which file an import read, by a hash of what was before next_offset. NULL: an earlier version did not know.
ALTER TABLE import ADD COLUMN fingerprint BLOB;

-- The day to which an import wrote a line without a time, so that not every day is asked for it. Written before the day
-- is; whether the line is there, the day's own table says.
CREATE TABLE imported (hash BLOB PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;

-- Which file this is: a day's counter 'indexed' names the main file that has its lines without a time.
INSERT INTO meta VALUES ('born', random());
