-- Days are dropped one by one, by drop_day.
DROP FUNCTION drop_days(integer);
