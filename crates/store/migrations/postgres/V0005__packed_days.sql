-- Days are dropped one by one, by drop_day.
DROP FUNCTION drop_days(integer);
-- Nothing has read the latest state of version 2 since version 3.
DROP TABLE entity_v2;
-- Whether the indexes of a day were built anew after it ended.
ALTER TABLE day ADD COLUMN packed boolean NOT NULL DEFAULT false;
