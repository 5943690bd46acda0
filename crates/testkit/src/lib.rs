//! Tests only: an APRS-IS server that misbehaves on demand.
