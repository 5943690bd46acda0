//! What the operator sees of a feed: shared by the feed that writes and the pages that read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use godwit_flow::{Health, Part, now_us};

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
    /// Packets come, and the login was never answered.
    Unanswered,
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
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Disabled,
        Self::Connecting,
        Self::LoggingIn,
        Self::Unanswered,
        Self::Verified,
        Self::Unverified,
        Self::ServerFull,
        Self::PortFull,
        Self::Rejected,
        Self::Waiting,
        Self::Stopped,
    ];

    /// The word used in JSON and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Connecting => "connecting",
            Self::LoggingIn => "logging_in",
            Self::Unanswered => "unanswered",
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

/// Why a feed that is connected is not as the operator wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// No filter was given, and a port for filters sends nothing without one.
    NoFilter,
    /// The passcode is not that of the callsign.
    WrongPasscode,
    /// Packets come, and the server never answered the login.
    Unanswered,
}

impl Hint {
    /// The stable word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoFilter => "no_filter",
            Self::WrongPasscode => "wrong_passcode",
            Self::Unanswered => "unanswered",
        }
    }

    /// What is wrong and what to do, one sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoFilter => {
                "APRS-IS sends no packets: no filter is set, and a port for filters (14580) sends nothing without one; set filter, such as \
                 r/47.4/8.5/200 or t/poimqstunw"
            }
            Self::WrongPasscode => {
                "the APRS-IS login stays unverified: the passcode does not belong to the callsign; correct it, or leave it out to read only"
            }
            Self::Unanswered => {
                "APRS-IS sends packets but never answered the login, so a filter may not be in force; check that the port is one for \
                 clients, or take another server"
            }
        }
    }
}

/// The state of a feed at one moment. What a server sent is in it only as printable ASCII without `<`, `>`, `&` and quotes.
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
    /// Why no packets come, or not as they should, though the connection stands.
    pub hint: Option<Hint>,
}

impl Snapshot {
    /// What is wrong with the feed and what to do, one sentence; `None`: nothing.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        if let Some(hint) = self.hint {
            return Some(hint.sentence().to_owned());
        }
        let error = self.last_error.as_deref()?;
        let advice = match self.state {
            FeedState::ServerFull | FeedState::PortFull => "give several servers (aprs-is)",
            FeedState::Rejected => "check callsign and passcode",
            _ => "it is tried again; check network and aprs-is if this lasts",
        };
        Some(format!("APRS-IS: {error}; {advice}"))
    }
}

/// A handle to the state of a feed.
#[derive(Debug, Clone, Default)]
pub struct FeedStatus {
    snapshot: Arc<Mutex<Snapshot>>,
    health: Health,
}

impl FeedStatus {
    /// A feed whose trouble is reported as [`Part::Feed`] of this health.
    #[must_use]
    pub fn new(health: Health) -> Self {
        Self { snapshot: Arc::default(), health }
    }

    /// The state now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    /// Reads, or changes counters and times.
    pub(crate) fn with<T>(&self, with: impl FnOnce(&mut Snapshot) -> T) -> T {
        with(&mut self.lock())
    }

    /// Changes the state, the hint or the last error, and reports the trouble that there is then.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = self.lock();
        change(&mut snapshot);
        self.health.report(Part::Feed, snapshot.trouble(), now_us());
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
