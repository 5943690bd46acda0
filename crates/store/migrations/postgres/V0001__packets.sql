-- Packets and the latest state. A number stands for a name: 4 bytes instead of 10, twice a packet.
CREATE TABLE name (
  id   integer  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind smallint NOT NULL,                         -- 0 station, 1 object, 2 item
  name bytea    NOT NULL,
  UNIQUE (kind, name)
);

-- The latest state. Apart from `name` because it changes with every batch and the name never does: an update that moves
-- the entity touches two indexes, one that does not touches none (HOT, hence the room left on a page).
-- Raw lines define the state; what they say is read from them again (docs/adr/0001).
CREATE TABLE entity (
  id             integer PRIMARY KEY REFERENCES name,
  alive          boolean NOT NULL,
  owner          bytea,
  first_heard_us bigint  NOT NULL,
  last_heard_us  bigint  NOT NULL,
  raw            bytea   NOT NULL,
  positioned_us  bigint,
  position_raw   bytea,                           -- the packet that gave the position
  geom           geometry(Point, 4326)
) WITH (fillfactor = 70);
-- What is in a box of the map.
CREATE INDEX entity_geom ON entity USING gist (geom);

-- A partition for each UTC day, packet_20261123, made by prepare_day. Columns of fixed width come first and in falling
-- size: no padding.
CREATE TABLE packet (
  id        bigint   NOT NULL,                    -- received_at in microseconds, made unique
  entity    integer,                              -- name.id; no foreign key: a check for each packet, and names never go
  sender    integer,                              -- name.id
  latitude  integer,                              -- millionths of a degree, if the packet was accepted
  longitude integer,
  kind      smallint NOT NULL,
  verdict   smallint NOT NULL,                    -- 0 accepted, 1 duplicate, 2 implausible, 3 bad
  raw       bytea    NOT NULL,
  reason    text,
  -- A B-tree, not BRIN: GET /api/v1/packets reads the newest N of a day from its end, and making an id unique asks for
  -- single ids. BRIN would have to sort a range of pages for either.
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);

-- A track (entity, from, to) is read from this index alone: without it each point costs a page of the table. It also
-- answers GET /api/v1/packets?name=, newest first.
CREATE INDEX packet_track ON packet (entity, id) INCLUDE (latitude, longitude);

-- Packets of a day without a partition are kept here until prepare_day moves them: never lost, only slower.
CREATE TABLE packet_default PARTITION OF packet DEFAULT;

-- How much each day holds, kept with each batch. keep: an import put it here on purpose; retention leaves it alone
-- unless the feed wrote here too.
CREATE TABLE day (
  day         integer PRIMARY KEY,                -- days since 1970-01-01 UTC
  accepted    bigint  NOT NULL,
  duplicate   bigint  NOT NULL,
  implausible bigint  NOT NULL,
  bad         bigint  NOT NULL,
  keep        boolean NOT NULL
) WITH (fillfactor = 20);

CREATE TABLE counter (key text PRIMARY KEY, value bigint NOT NULL) WITH (fillfactor = 20);
INSERT INTO counter VALUES ('entities', 0);

-- The last batch of each writer: tells, after a connection broke in mid-commit, whether the batch is kept.
CREATE SEQUENCE writer;
CREATE TABLE last_batch (writer bigint PRIMARY KEY, batch bytea NOT NULL, at timestamptz NOT NULL) WITH (fillfactor = 20);

-- Content of imported lines (xxh3, 128 bits): importing twice adds nothing.
CREATE TABLE imported (hash bytea PRIMARY KEY, day integer NOT NULL);
-- How far an import got, by what it reads.
CREATE TABLE import (source text PRIMARY KEY, next_offset bigint NOT NULL);

-- Who may write. The token grows with each new holder; a writer with an older one is refused by check_fence.
CREATE TABLE lease (name text PRIMARY KEY, holder text NOT NULL, token bigint NOT NULL, expires_us bigint NOT NULL);

CREATE FUNCTION now_us() RETURNS bigint LANGUAGE sql VOLATILE
  RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- Ends the transaction with GW001 unless the lease has this very token. The row stays locked until the transaction
-- ends: who takes the lease over waits for that.
CREATE FUNCTION check_fence(lease_name text, lease_token bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM lease WHERE name = lease_name AND token = lease_token FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the lease "%" is not held with token % any more', lease_name, lease_token USING ERRCODE = 'GW001';
  END IF;
END $$;

CREATE FUNCTION day_table(day integer) RETURNS text LANGUAGE sql STABLE
  RETURN 'packet_' || to_char(DATE '1970-01-01' + day, 'YYYYMMDD');

-- Makes the partition of a day; true if it was not there. Made apart and then attached: that takes a weaker lock on
-- the parent, so that readers and writers of other days do not wait.
CREATE FUNCTION prepare_day(day integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  child text := day_table(day);
  low bigint := day * 86400000000;
  high bigint := low + 86400000000;
BEGIN
  PERFORM pg_advisory_xact_lock(7161140, 2);
  IF to_regclass(child) IS NOT NULL THEN
    RETURN false;
  END IF;
  LOCK TABLE packet_default IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('CREATE TABLE %I (LIKE packet INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child);
  EXECUTE format('WITH moved AS (DELETE FROM packet_default WHERE id >= %s AND id < %s RETURNING *)
                  INSERT INTO %I SELECT * FROM moved', low, high, child);
  EXECUTE format('ALTER TABLE packet ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', child, low, high);
  RETURN true;
END $$;

-- Drops the days before this one that are not kept on purpose; how many. Each costs removing its files.
CREATE FUNCTION drop_days(first integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  old record;
  dropped integer[] := '{}';
BEGIN
  PERFORM pg_advisory_xact_lock(7161140, 1);
  PERFORM pg_advisory_xact_lock(7161140, 2);
  FOR old IN DELETE FROM day WHERE day.day < first AND NOT keep RETURNING day.day LOOP
    dropped := dropped || old.day;
    EXECUTE format('DROP TABLE IF EXISTS %I', day_table(old.day));
    DELETE FROM packet_default WHERE id >= old.day * 86400000000 AND id < (old.day + 1) * 86400000000;
  END LOOP;
  IF dropped <> '{}' THEN
    DELETE FROM imported WHERE imported.day = ANY (dropped);
  END IF;
  RETURN cardinality(dropped);
END $$;
