-- What was appended lately, in the order of commits (appends take turns): replicas follow it. Trimmed by those who append.
CREATE TABLE appended (
  position bigint      PRIMARY KEY,               -- packets appended since the beginning, with these
  ids      bigint[]    NOT NULL,                  -- in the order of the batch
  at       timestamptz NOT NULL DEFAULT now()
);
INSERT INTO counter VALUES ('appended', 0);
