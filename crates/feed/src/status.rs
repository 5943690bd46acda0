//! What the operator sees of a feed: shared by the feed that writes and the pages that read.

use std::sync::{Arc, Mutex, PoisonError};

/// What a feed is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeedState {
    /// There is none.
    #[default]
    Disabled,
    /// Resolving the name, connecting.
    Connecting,
    /// Connected; the login has not been answered.
    LoggingIn,
    /// Logged in, the passcode was right.
    Verified,
    /// Logged in to read only: the normal state of a map.
    Unverified,
    /// The server has no room (`Server full`).
    ServerFull,
    /// The port has no room (`Port full`).
    PortFull,
    /// The server refused the login.
    Rejected,
    /// Not connected; waiting before the next attempt.
    Waiting,
    /// Ended by the operator.
    Stopped,
}

impl FeedState {
    /// The word used in JSON and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Connecting => "connecting",
            Self::LoggingIn => "logging_in",
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::ServerFull => "server_full",
            Self::PortFull => "port_full",
            Self::Rejected => "rejected",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
        }
    }
}

/// The state of a feed at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is doing.
    pub state: FeedState,
    /// The server's address as configured, and what it says of itself (`aprsc 2.1.21`).
    pub server: Option<String>,
    /// The server's software and version, from its first `#` line.
    pub server_software: Option<String>,
    /// The server's own name, from the login's answer.
    pub server_id: Option<String>,
    /// The callsign used.
    pub login: Option<String>,
    /// Since when it is connected, microseconds since 1970 UTC.
    pub connected_at_us: Option<i64>,
    /// When the last packet came.
    pub last_packet_at_us: Option<i64>,
    /// Connections after the first.
    pub reconnects: u64,
    /// Lines received, comments not counted.
    pub lines: u64,
    /// `#` lines received.
    pub comments: u64,
    /// Lines skipped because they were over 512 bytes.
    pub oversize: u64,
    /// Why the last connection ended or could not be made.
    pub last_error: Option<String>,
}

/// A handle to the state of a feed.
#[derive(Debug, Clone, Default)]
pub struct FeedStatus(Arc<Mutex<Snapshot>>);

impl FeedStatus {
    /// The state now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
