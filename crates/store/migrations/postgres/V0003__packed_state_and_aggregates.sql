-- The latest state, packed: one value holds all that an answer needs, also what its raw lines say, so that a box of the
-- map is answered without parsing (store, packed.rs). The columns before it only find it.
-- The old one is kept aside.
ALTER TABLE entity RENAME TO entity_v2;
ALTER INDEX entity_pkey RENAME TO entity_v2_pkey;
CREATE TABLE entity (
  id            integer PRIMARY KEY,              -- name.id; no foreign key: names never go
  latitude      integer,                          -- millionths of a degree
  longitude     integer,
  -- The square of half a degree that it is in, counted from the south-west, 720 in a row. Most moves stay within one:
  -- then the update touches no index (HOT, hence the room left on a page).
  cell          integer,
  last_heard_us bigint  NOT NULL,
  alive         boolean NOT NULL,
  state         bytea   NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
-- What is in a box of the map.
CREATE INDEX entity_cell ON entity (cell);

-- For QGIS and the like.
CREATE VIEW entity_map AS
  SELECT e.id, n.kind, convert_from(n.name, 'LATIN1') AS name, to_timestamp(e.last_heard_us / 1e6) AS last_heard, e.alive,
         ST_SetSRID(ST_MakePoint(e.longitude / 1e6, e.latitude / 1e6), 4326) AS geom
  FROM entity e JOIN name n USING (id) WHERE e.latitude IS NOT NULL;

-- How it moves, so that a track is read from the index alone.
ALTER TABLE packet
  ADD altitude_m integer,
  ADD speed_tenth_kmh smallint,
  ADD course_deg smallint,                        -- -1: the position is implausible, see verdict
  ADD weather    bytea;                           -- its readings, packed
DROP INDEX packet_track;
CREATE INDEX packet_track ON packet (entity, id) INCLUDE (latitude, longitude, altitude_m, speed_tenth_kmh, course_deg);
-- A series of weather, too, is read from its index alone.
CREATE INDEX packet_weather ON packet (entity, id) INCLUDE (weather) WHERE weather IS NOT NULL;
COMMENT ON COLUMN packet.sender IS 'null: the entity itself, if there is one';

ALTER TABLE appended ALTER ids SET STORAGE EXTERNAL;

-- Packets received in each hour.
CREATE TABLE hour (
  hour        integer PRIMARY KEY,                -- hours since 1970-01-01 UTC
  accepted    bigint NOT NULL,
  duplicate   bigint NOT NULL,
  implausible bigint NOT NULL,
  bad         bigint NOT NULL
) WITH (fillfactor = 20);

-- Entities heard on each day, and how many.
CREATE TABLE heard_entity (day integer, entity integer, PRIMARY KEY (day, entity));
CREATE TABLE heard_day (
  day      integer PRIMARY KEY,
  stations bigint NOT NULL,
  objects  bigint NOT NULL,
  items    bigint NOT NULL
) WITH (fillfactor = 20);

-- Who heard whom on radio without anything in between, on each day. Found from either end.
CREATE TABLE heard_link (
  heard     integer NOT NULL,                     -- name.id
  day       integer NOT NULL,
  hearer    integer NOT NULL,
  packets   integer NOT NULL,
  longest_m integer,
  PRIMARY KEY (heard, day, hearer)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX heard_link_hearer ON heard_link (hearer, day);

-- Partitions are vacuumed soon after they grow: an index alone answers only for pages known to be all visible.
CREATE OR REPLACE FUNCTION prepare_day(day integer) RETURNS boolean LANGUAGE plpgsql AS $$
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
  EXECUTE format('CREATE TABLE %I (LIKE packet INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
                  WITH (autovacuum_vacuum_insert_scale_factor = 0.05)', child);
  EXECUTE format('WITH moved AS (DELETE FROM packet_default WHERE id >= %s AND id < %s RETURNING *)
                  INSERT INTO %I SELECT * FROM moved', low, high, child);
  EXECUTE format('ALTER TABLE packet ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', child, low, high);
  RETURN true;
END $$;
