//! A small APRS-IS server with believable traffic, the same for the same seed.
