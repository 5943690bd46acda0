//! An APRS-IS session as a state machine without I/O: bytes and time go in, events come out
//! (protocol: aprs-is.net, "Connecting to APRS-IS").
//!
//! The server speaks first (`# name version`), and a full server says so then, so the login waits for the first line, or
//! a bounded time if there is none. Anything received counts as a sign of life. Times are microseconds of a steady
//! clock: one that is never set.

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
    /// The login was answered: the state, and the server's own name. Once for each connection at most.
    LoggedIn(FeedState, Option<String>),
    /// Packets come although the login was not answered in the time that a banner may take. Once at most.
    Unanswered,
    /// Close the connection; the state says why, the text explains.
    Close(FeedState, String),
}

/// Longest text of a server that is kept.
const TEXT: usize = 200;

/// One connection's state. Bound: one partial line.
#[derive(Debug)]
pub struct Session {
    login: String,
    lines: LineReader,
    started_us: i64,
    last_sign_us: i64,
    silence_us: i64,
    banner_wait_us: i64,
    /// A line came, so the login is to be sent after all that came with it.
    login_due: bool,
    login_sent_us: Option<i64>,
    logged_in: bool,
    unanswered: bool,
    closed: bool,
    software_known: bool,
    comments: u64,
}

impl Session {
    /// A session on a connection just made. `steady_us`: the steady clock now.
    #[must_use]
    pub fn new(login: &Login, silence_us: i64, banner_wait_us: i64, steady_us: i64) -> Self {
        Self {
            login: login.line(),
            lines: LineReader::new(LineReader::APRS_IS_LIMIT),
            started_us: steady_us,
            last_sign_us: steady_us,
            silence_us,
            banner_wait_us,
            login_due: false,
            login_sent_us: None,
            logged_in: false,
            unanswered: false,
            closed: false,
            software_known: false,
            comments: 0,
        }
    }

    /// Takes bytes from the server.
    pub fn on_bytes(&mut self, steady_us: i64, bytes: &[u8], events: &mut Vec<Event>) {
        self.last_sign_us = steady_us;
        let mut lines = std::mem::replace(&mut self.lines, LineReader::new(0));
        lines.push(bytes, |line| self.on_line(steady_us, line, events));
        self.lines = lines;
        if self.login_due {
            self.send_login(steady_us, events);
        }
    }

    /// Takes the passing of time. Call at [`Session::wake_at_us`].
    pub fn on_time(&mut self, steady_us: i64, events: &mut Vec<Event>) {
        if steady_us >= self.started_us + self.banner_wait_us {
            self.send_login(steady_us, events);
        }
        if steady_us >= self.last_sign_us + self.silence_us {
            let seconds = self.silence_us / 1_000_000;
            self.close(FeedState::Waiting, format!("the server sent nothing for {seconds} s"), events);
        }
    }

    /// When [`Session::on_time`] wants to be called, by the steady clock.
    #[must_use]
    pub fn wake_at_us(&self) -> i64 {
        let silence = self.last_sign_us + self.silence_us;
        if self.login_sent_us.is_some() { silence } else { silence.min(self.started_us + self.banner_wait_us) }
    }

    /// Takes another login, before the first is sent.
    pub fn set_login(&mut self, login: &Login) {
        self.login = login.line();
    }

    /// Whether the login was sent.
    #[must_use]
    pub fn login_is_sent(&self) -> bool {
        self.login_sent_us.is_some()
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

    fn send_login(&mut self, steady_us: i64, events: &mut Vec<Event>) {
        self.login_due = false;
        // Nothing is sent to a server that has no room.
        if !self.closed && self.login_sent_us.is_none() {
            self.login_sent_us = Some(steady_us);
            events.push(Event::Send(self.login.clone().into_bytes()));
        }
    }

    fn close(&mut self, state: FeedState, why: String, events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.closed, true) {
            events.push(Event::Close(state, why));
        }
    }

    fn on_line(&mut self, steady_us: i64, line: &[u8], events: &mut Vec<Event>) {
        if self.closed {
            return;
        }
        self.login_due = self.login_sent_us.is_none();
        let Some(comment) = line.strip_prefix(b"#") else {
            let overdue = self.login_sent_us.is_some_and(|sent_us| steady_us >= sent_us + self.banner_wait_us);
            if overdue && !self.logged_in && !std::mem::replace(&mut self.unanswered, true) {
                events.push(Event::Unanswered);
            }
            events.push(Event::Line(line.to_vec()));
            return;
        };
        self.comments += 1;
        // After the login comments are signs of life and news, nothing more.
        if !self.logged_in {
            self.on_comment(&plain(comment), events);
        }
    }

    fn on_comment(&mut self, text: &str, events: &mut Vec<Event>) {
        let lower = text.to_ascii_lowercase();
        if lower == "logresp" || lower.starts_with("logresp ") {
            // An answer to a login that was not sent is none.
            if self.login_sent_us.is_some() {
                self.on_answer(text, &lower, events);
            }
        } else if lower.contains("server full") {
            self.close(FeedState::ServerFull, text.to_owned(), events);
        } else if lower.contains("port full") {
            self.close(FeedState::PortFull, text.to_owned(), events);
        } else if ["invalid login", "login failed", "access denied", "not allowed", "banned"].iter().any(|word| lower.contains(word)) {
            self.close(FeedState::Rejected, text.to_owned(), events);
        } else if !self.software_known {
            self.software_known = true;
            let words: Vec<&str> = text.split_whitespace().take(2).collect();
            if !words.is_empty() {
                events.push(Event::Software(words.join(" ")));
            }
        }
    }

    fn on_answer(&mut self, text: &str, lower: &str, events: &mut Vec<Event>) {
        let Some(answer) = lower.strip_prefix("logresp ") else { return };
        let server = answer
            .find("server ")
            .and_then(|at| text.get("logresp ".len() + at + 7..))
            .map(|id| id.split([',', ' ']).next().unwrap_or_default().to_owned());
        match answer.split([' ', ',']).nth(1) {
            Some("verified") => self.logged_in(FeedState::Verified, server, events),
            Some("unverified") => self.logged_in(FeedState::Unverified, server, events),
            _ => self.close(FeedState::Rejected, text.to_owned(), events),
        }
    }

    fn logged_in(&mut self, state: FeedState, server: Option<String>, events: &mut Vec<Event>) {
        self.logged_in = true;
        events.push(Event::LoggedIn(state, server.filter(|id| !id.is_empty())));
    }
}

/// A server's text for logs and pages: printable ASCII without what has a meaning in HTML, not longer than [`TEXT`].
fn plain(bytes: &[u8]) -> String {
    let good = |byte: u8| (0x20..0x7f).contains(&byte) && !matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'' | b'`');
    let text: String = bytes.iter().take(TEXT).map(|byte| if good(*byte) { char::from(*byte) } else { '?' }).collect();
    text.trim().to_owned()
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
        let again = feed(&mut session, S, b"# logresp N0CALL-1 verified, server OTHER\r\n# logresp N0CALL-1 refused\r\n");
        assert!(again.is_empty(), "a login is answered once: {again:?}");
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
            feed(&mut session, 0, b"# aprsc 2.1\r\n");
            let events = feed(&mut session, 0, format!("{line}\r\n").as_bytes());
            let closed = events.iter().find_map(|event| if let Event::Close(state, _) = event { Some(*state) } else { None });
            assert_eq!(closed.unwrap_or(FeedState::LoggingIn), state, "{line}");
        }
        let mut verified = session();
        feed(&mut verified, 0, b"# aprsc 2.1\r\n");
        assert_eq!(
            feed(&mut verified, 0, b"# logresp N0CALL-1 verified, server X, more\r\n"),
            [Event::LoggedIn(FeedState::Verified, Some("X".to_owned()))]
        );
    }

    #[test]
    fn nothing_is_sent_to_a_server_that_has_no_room() {
        for banner in ["# Server full\r\n", "# aprsc 2.1\r\n# Port full\r\n", "# Server full\r\nA1B>APRS:>hi\r\n# aprsc 2.1\r\n"] {
            let mut session = session();
            let mut events = feed(&mut session, 0, banner.as_bytes());
            events.extend(time(&mut session, 5 * S));
            events.extend(time(&mut session, 70 * S));
            assert!(events.iter().any(|event| matches!(event, Event::Close(FeedState::ServerFull | FeedState::PortFull, _))), "{banner}");
            assert!(!events.iter().any(|event| matches!(event, Event::Send(_) | Event::Line(_))), "{banner}: {events:?}");
            assert_eq!(events.iter().filter(|event| matches!(event, Event::Close(..))).count(), 1, "{banner}");
            assert!(!events.iter().any(|event| matches!(event, Event::Software(name) if name.contains("full"))), "{banner}");
        }
    }

    #[test]
    fn an_answer_before_the_login_is_none_and_packets_without_an_answer_are_noticed_once() {
        let mut session = session();
        let events = feed(&mut session, 0, b"# logresp N0CALL-1 verified, server X\r\n");
        assert!(matches!(&events[..], [Event::Send(_)]), "{events:?}");
        assert_eq!(feed(&mut session, S, b"A1B>APRS:>1\r\n"), [Event::Line(b"A1B>APRS:>1".to_vec())]);
        assert_eq!(feed(&mut session, 5 * S, b"A1B>APRS:>2\r\n"), [Event::Unanswered, Event::Line(b"A1B>APRS:>2".to_vec())]);
        assert_eq!(feed(&mut session, 9 * S, b"A1B>APRS:>3\r\n"), [Event::Line(b"A1B>APRS:>3".to_vec())]);
        let late = feed(&mut session, 9 * S, b"# logresp N0CALL-1 unverified, server X\r\n");
        assert!(matches!(&late[..], [Event::LoggedIn(FeedState::Unverified, _)]));
    }

    #[test]
    fn what_a_server_says_is_plain_text() {
        let mut session = session();
        let events = feed(&mut session, 0, b"# <script>alert('1')</script>\x1b[31m & more\r\n");
        assert_eq!(events[0], Event::Software("?script?alert(?1?)?/script??[31m ?".to_owned()));
        assert_eq!(plain(&[b'x'; 600]).len(), TEXT);
    }
}
