-- Background jobs: one row each, by this database's clock. The token grows with each claim.
CREATE TABLE job (
  name             text     PRIMARY KEY,
  priority         smallint NOT NULL,
  next_run_us      bigint   NOT NULL,
  lease_until_us   bigint   NOT NULL DEFAULT 0,      -- greater than now: somebody runs it
  holder           text,
  token            bigint   NOT NULL DEFAULT 0,
  last_run_us      bigint,
  last_duration_us bigint,
  last_ok          boolean,
  last_result      text,
  last_ok_us       bigint,
  failures         integer  NOT NULL DEFAULT 0,
  runs             bigint   NOT NULL DEFAULT 0
) WITH (fillfactor = 20);

-- What a job fetched for all replicas.
CREATE TABLE kept (name text PRIMARY KEY, at_us bigint NOT NULL, bytes bytea NOT NULL);

-- Days in the archive: how many packets, and the checksum of the file.
CREATE TABLE archived (day integer PRIMARY KEY, rows bigint NOT NULL, checksum text NOT NULL, at_us bigint NOT NULL);

-- What became of a day: lines that are no packets taken out; only one position for each entity and so many seconds left.
ALTER TABLE day ADD COLUMN without_bad boolean NOT NULL DEFAULT false;
ALTER TABLE day ADD COLUMN thinned_s integer NOT NULL DEFAULT 0;

-- Drops a day that holds this number of packets; false if it holds another. Costs removing its files.
CREATE FUNCTION drop_day(which integer, packets bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7161140, 1);
  PERFORM pg_advisory_xact_lock(7161140, 2);
  DELETE FROM day WHERE day.day = which AND accepted + duplicate + implausible + bad = packets;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  EXECUTE format('DROP TABLE IF EXISTS %I', day_table(which));
  DELETE FROM packet_default WHERE id >= which * 86400000000 AND id < (which + 1) * 86400000000;
  DELETE FROM imported WHERE imported.day = which;
  RETURN true;
END $$;

-- The first half of thinning a day: what is left of it, in a table beside. No lock that a writer waits for. Of entities
-- the first accepted position in each stretch of every_s seconds, or with 0 all but what is no packet.
CREATE FUNCTION thin_beside(which integer, every_s integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  beside text := day_table(which) || '_thin';
  low bigint := which * 86400000000;
  high bigint := low + 86400000000;
BEGIN
  EXECUTE format('DROP TABLE IF EXISTS %I', beside);
  EXECUTE format('CREATE TABLE %I (LIKE packet INCLUDING ALL)', beside);
  -- Known to hold this day only: attaching need not look.
  EXECUTE format('ALTER TABLE %I ADD CONSTRAINT one_day CHECK (id >= %s AND id < %s)', beside, low, high);
  IF every_s = 0 THEN
    EXECUTE format('INSERT INTO %I SELECT * FROM packet WHERE id >= %s AND id < %s AND verdict <> 3', beside, low, high);
  ELSE
    EXECUTE format('INSERT INTO %I SELECT * FROM packet WHERE id IN (
                      SELECT min(id) FROM packet WHERE id >= %s AND id < %s AND verdict = 0 AND latitude IS NOT NULL
                        AND entity IS NOT NULL GROUP BY entity, id / (%s * 1000000::bigint))
                    AND id >= %s AND id < %s', beside, low, high, every_s, low, high);
  END IF;
END $$;

-- The second half: puts that table in the place of the day's if the day still holds this number of packets; how many are
-- left, NULL if it holds another number.
CREATE FUNCTION thin_day(which integer, packets bigint, every_s integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  child text := day_table(which);
  beside text := child || '_thin';
  low bigint := which * 86400000000;
  high bigint := low + 86400000000;
  verdicts bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock(7161140, 1);
  PERFORM pg_advisory_xact_lock(7161140, 2);
  IF NOT EXISTS (SELECT 1 FROM day WHERE day.day = which AND accepted + duplicate + implausible + bad = packets FOR UPDATE) THEN
    EXECUTE format('DROP TABLE IF EXISTS %I', beside);
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT array[count(*) FILTER (WHERE verdict = 0), count(*) FILTER (WHERE verdict = 1),
                  count(*) FILTER (WHERE verdict = 2), count(*) FILTER (WHERE verdict = 3)] FROM %I', beside) INTO verdicts;
  IF to_regclass(child) IS NOT NULL THEN
    EXECUTE format('ALTER TABLE packet DETACH PARTITION %I', child);
    EXECUTE format('DROP TABLE %I', child);
  END IF;
  DELETE FROM packet_default WHERE id >= low AND id < high;
  EXECUTE format('ALTER TABLE %I RENAME TO %I', beside, child);
  EXECUTE format('ALTER TABLE packet ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', child, low, high);
  EXECUTE format('ALTER TABLE %I DROP CONSTRAINT one_day', child);
  UPDATE day SET accepted = verdicts[1], duplicate = verdicts[2], implausible = verdicts[3], bad = verdicts[4],
    without_bad = true, thinned_s = greatest(thinned_s, every_s) WHERE day.day = which;
  RETURN verdicts[1] + verdicts[2] + verdicts[3] + verdicts[4];
END $$;
