-- Days are dropped one by one, by drop_day.
DROP FUNCTION drop_days(integer);
-- Nothing has read the latest state of version 2 since version 3.
DROP TABLE entity_v2;
