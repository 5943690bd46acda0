//! Lines in: the APRS-IS client and the file feed.
//!
//! Out come [`Received`] lines: bytes and when they arrived. Invariant: nothing here knows the grammar beyond line ends
//! and `#` lines, and bytes are never decoded.

mod aprs_is;
pub mod file;
mod line;
mod login;
mod session;
mod status;

use std::sync::Arc;

pub use aprs_is::{AprsIs, Timing};
pub use line::LineReader;
pub use login::{Login, LoginError, check_callsign, check_server, passcode};
pub use session::{Event, Session};
pub use status::{FeedState, FeedStatus, Hint, Snapshot};

/// A line as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// When, microseconds since 1970 UTC.
    pub received_at_us: i64,
    /// The bytes without the line end.
    pub line: Arc<[u8]>,
}
