//! A line received once, as the store keeps it: the bytes, when, and the few facts that find it again.

use std::sync::Arc;

use crate::{EntityKey, Name};

/// What the pipeline decided about a line. Nothing is dropped silently: every verdict is counted, kept and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Decoded, new.
    Accepted,
    /// The same packet was heard within the last 30 s by another way (the network's rule: source, destination
    /// without SSID, and information field, path ignored).
    Duplicate,
    /// Decoded, but its position is not one to show; the reason says why: `pos_null` of the parser, or
    /// [`TOO_FAST`](crate::TOO_FAST).
    Implausible(&'static str),
    /// Not a packet, or one whose mandatory part is broken; the reason is the parser's error code.
    Bad(&'static str),
}

impl Verdict {
    /// The word used in SQL, JSON and pages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Implausible(_) => "implausible",
            Self::Bad(_) => "bad",
        }
    }

    /// Why, for the verdicts that have a reason: a stable snake_case code.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Implausible(reason) | Self::Bad(reason) => Some(reason),
            Self::Accepted | Self::Duplicate => None,
        }
    }
}

/// A line received once.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// When it reached us, microseconds since 1970 UTC.
    pub received_at_us: i64,
    /// The bytes as they arrived, without the line end.
    pub raw: Arc<[u8]>,
    /// The callsign that sent it (the inner one of a third-party packet), if the header could be read.
    pub sender: Option<Name>,
    /// What it is about: the object or item it names, else the sending station.
    pub entity: Option<EntityKey>,
    /// The kind of packet, in the words of `godwit_packet::Kind::as_str`; `"unknown"` when the header was broken.
    pub kind: &'static str,
    /// Degrees north and east, if it holds a position worth finding it by.
    pub position: Option<(f64, f64)>,
    /// What was decided about it.
    pub verdict: Verdict,
}
