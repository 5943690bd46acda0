-- Which file an import read, by a hash of what was before next_offset. NULL: an earlier version did not know.
ALTER TABLE import ADD COLUMN fingerprint bytea;
