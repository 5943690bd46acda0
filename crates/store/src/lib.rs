//! Kept: packets, latest state, imports.
