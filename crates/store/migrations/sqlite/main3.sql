-- Version 3: where an entity is, in squares of half a degree (src/cell.rs), for the question of an area. NULL: it has no
-- position. -1: kept by an earlier version and not heard since; every question looks at these too.
ALTER TABLE entity ADD COLUMN cell INTEGER;
UPDATE entity SET cell = -1 WHERE positioned_us IS NOT NULL;
CREATE INDEX entity_cell ON entity (cell) WHERE cell IS NOT NULL;
