//! An APRS-IS session as a state machine without I/O: bytes and time go in, events come out
//! (protocol: aprs-is.net, "Connecting to APRS-IS").
//!
//! The server speaks first (`# name version`); a missing or slow banner is borne with: after [`Session::BANNER_WAIT_US`]
//! the login goes out anyway. Anything received counts as a sign of life.

use crate::{FeedState, LineReader, Login};

/// What a session wants done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Deliver this line: a packet, as far as the session can tell.
    Line(Vec<u8>),
    /// The server told its software and version.
    Software(String),
    /// The login was answered: the state, and the server's own name.
    LoggedIn(FeedState, Option<String>),
    /// Close the connection; the state says why, the text explains.
    Close(FeedState, String),
}

/// One connection's state. Bound: one partial line.
#[derive(Debug)]
pub struct Session {
    login: String,
    lines: LineReader,
    started_us: i64,
    last_sign_us: i64,
    silence_us: i64,
    banner_wait_us: i64,
    sent_login: bool,
    logged_in: bool,
    software_known: bool,
    comments: u64,
}

impl Session {
    /// How long to wait for the banner: 5 s.
    pub const BANNER_WAIT_US: i64 = 5_000_000;

    /// A session on a connection just made.
    #[must_use]
    pub fn new(login: &Login, silence_us: i64, banner_wait_us: i64, now_us: i64) -> Self {
        Self {
            login: login.line(),
            lines: LineReader::new(LineReader::APRS_IS_LIMIT),
            started_us: now_us,
            last_sign_us: now_us,
            silence_us,
            banner_wait_us,
            sent_login: false,
            logged_in: false,
            software_known: false,
            comments: 0,
        }
    }

    /// Takes bytes from the server.
    pub fn on_bytes(&mut self, now_us: i64, bytes: &[u8], events: &mut Vec<Event>) {
        self.last_sign_us = now_us;
        let mut lines = std::mem::replace(&mut self.lines, LineReader::new(0));
        lines.push(bytes, |line| self.on_line(line, events));
        self.lines = lines;
    }

    /// Takes the passing of time. Call at [`Session::wake_at_us`].
    pub fn on_time(&mut self, now_us: i64, events: &mut Vec<Event>) {
        if !self.sent_login && now_us >= self.started_us + self.banner_wait_us {
            self.send_login(events);
        }
        if now_us >= self.last_sign_us + self.silence_us {
            let seconds = self.silence_us / 1_000_000;
            events.push(Event::Close(FeedState::Waiting, format!("the server sent nothing for {seconds} s")));
        }
    }

    /// When [`Session::on_time`] wants to be called.
    #[must_use]
    pub fn wake_at_us(&self) -> i64 {
        let silence = self.last_sign_us + self.silence_us;
        if self.sent_login { silence } else { silence.min(self.started_us + self.banner_wait_us) }
    }

    /// Lines skipped because they were too long.
    #[must_use]
    pub fn oversize(&self) -> u64 {
        self.lines.oversize()
    }

    /// `#` lines received.
    #[must_use]
    pub fn comments(&self) -> u64 {
        self.comments
    }

    /// Bytes of memory held for a partial line.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.lines.capacity()
    }

    fn send_login(&mut self, events: &mut Vec<Event>) {
        self.sent_login = true;
        events.push(Event::Send(self.login.clone().into_bytes()));
    }

    fn on_line(&mut self, line: &[u8], events: &mut Vec<Event>) {
        let Some(comment) = line.strip_prefix(b"#") else {
            events.push(Event::Line(line.to_vec()));
            // Who sends packets before the banner will not send one.
            if !self.sent_login {
                self.send_login(events);
            }
            return;
        };
        self.comments += 1;
        let text: String = comment.iter().take(200).map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '?' }).collect();
        let text = text.trim();
        if !self.software_known && !text.to_ascii_lowercase().starts_with("logresp") {
            self.software_known = true;
            let words: Vec<&str> = text.split_whitespace().take(2).collect();
            if !words.is_empty() {
                events.push(Event::Software(words.join(" ")));
            }
        }
        if !self.sent_login {
            self.send_login(events);
        }
        self.on_comment(text, events);
    }

    fn on_comment(&mut self, text: &str, events: &mut Vec<Event>) {
        let lower = text.to_ascii_lowercase();
        if let Some(answer) = lower.strip_prefix("logresp ") {
            let server = answer
                .find("server ")
                .and_then(|at| text.get("logresp ".len() + at + 7..))
                .map(|id| id.split([',', ' ']).next().unwrap_or_default().to_owned());
            let mut words = answer.split([' ', ',']).skip(1);
            match words.next() {
                Some("verified") => self.logged_in(FeedState::Verified, server, events),
                Some("unverified") => self.logged_in(FeedState::Unverified, server, events),
                _ => events.push(Event::Close(FeedState::Rejected, text.to_owned())),
            }
        } else if self.logged_in {
            // Comments after the login are signs of life and news, nothing more.
        } else if lower.contains("server full") {
            events.push(Event::Close(FeedState::ServerFull, text.to_owned()));
        } else if lower.contains("port full") {
            events.push(Event::Close(FeedState::PortFull, text.to_owned()));
        } else if ["invalid login", "login failed", "access denied", "not allowed", "banned"].iter().any(|word| lower.contains(word)) {
            events.push(Event::Close(FeedState::Rejected, text.to_owned()));
        }
    }

    fn logged_in(&mut self, state: FeedState, server: Option<String>, events: &mut Vec<Event>) {
        self.logged_in = true;
        events.push(Event::LoggedIn(state, server.filter(|id| !id.is_empty())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn session() -> Session {
        Session::new(&Login::new("N0CALL-1", None, None).expect("login"), 60 * S, 5 * S, 0)
    }

    fn feed(session: &mut Session, now_us: i64, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        session.on_bytes(now_us, bytes, &mut events);
        events
    }

    fn time(session: &mut Session, now_us: i64) -> Vec<Event> {
        let mut events = Vec::new();
        session.on_time(now_us, &mut events);
        events
    }

    #[test]
    fn the_usual_way() {
        let mut session = session();
        let events = feed(&mut session, 0, b"# aprsc 2.1.21-g1\r\n");
        assert!(
            matches!(&events[..], [Event::Software(name), Event::Send(login)] if name == "aprsc 2.1.21-g1" && login.starts_with(b"user N0CALL-1 pass -1 vers Godwit "))
        );
        let events = feed(&mut session, S, b"# logresp N0CALL-1 unverified, server T2TEST\r\nA1B>APRS:>hi\r\n# keep alive\r\n");
        assert_eq!(events, [Event::LoggedIn(FeedState::Unverified, Some("T2TEST".into())), Event::Line(b"A1B>APRS:>hi".to_vec())]);
        assert!(feed(&mut session, S, b"# server full of joy\r\n").is_empty(), "news after the login are no refusal");
        assert!(time(&mut session, 60 * S).is_empty());
        assert!(matches!(&time(&mut session, 61 * S)[..], [Event::Close(FeedState::Waiting, _)]));
    }

    #[test]
    fn a_missing_banner_is_borne_with() {
        let mut session = session();
        assert_eq!(session.wake_at_us(), 5 * S);
        assert!(time(&mut session, 4 * S).is_empty());
        assert!(matches!(&time(&mut session, 5 * S)[..], [Event::Send(_)]));
        assert!(feed(&mut session, 6 * S, b"# late 1.0\r\n").iter().all(|event| !matches!(event, Event::Send(_))), "one login only");
    }

    #[test]
    fn refusals_are_told_apart() {
        for (line, state) in [
            ("# Server full", FeedState::ServerFull),
            ("# Port full", FeedState::PortFull),
            ("# Invalid login: software name missing", FeedState::Rejected),
            ("# Login failed", FeedState::Rejected),
            ("# logresp N0CALL-1 refused", FeedState::Rejected),
            ("# logresp", FeedState::LoggingIn),
        ] {
            let mut session = session();
            let events = feed(&mut session, 0, format!("{line}\r\n").as_bytes());
            let closed = events.iter().find_map(|event| if let Event::Close(state, _) = event { Some(*state) } else { None });
            assert_eq!(closed.unwrap_or(FeedState::LoggingIn), state, "{line}");
        }
        let mut verified = session();
        assert!(
            matches!(&feed(&mut verified, 0, b"# logresp N0CALL-1 verified, server X, more\r\n")[..], [Event::Send(_), Event::LoggedIn(FeedState::Verified, Some(id))] if id == "X")
        );
    }
}
