//! What a line means to us: duplicate, bad, which entity, what changed.
