//! Now: bus, world, tiles, wire.
