//! The APRS-IS client: one connection at a time, servers in turn, growing jittered waits between attempts.
//! [`Session`] decides; this drives it over a socket. Memory: one read buffer and one partial line.

use std::{
    future::pending,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use godwit_flow::{Backoff, Queue, Stop, now_us};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    sync::watch,
    time::{sleep, timeout},
};

use crate::{Event, FeedState, FeedStatus, Hint, Login, Received, Session};

/// The times a client keeps to.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Silence after which the connection is given up; 60 s.
    pub silence: Duration,
    /// How long to wait for the server's banner before logging in anyway; 5 s.
    pub banner: Duration,
    /// How long a connection may take to be made; 15 s.
    pub connect: Duration,
    /// The first wait before another attempt; 1 s.
    pub first_wait: Duration,
    /// The longest; 2 min.
    pub longest_wait: Duration,
    /// Time without packets after the login that is unusual for a port that needs no filter; 2 min.
    pub nothing: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(60),
            banner: Duration::from_secs(5),
            connect: Duration::from_secs(15),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
            nothing: Duration::from_secs(120),
        }
    }
}

/// An APRS-IS client.
#[derive(Debug)]
pub struct AprsIs {
    /// `HOST:PORT`, tried in turn.
    pub servers: Vec<String>,
    /// Who logs in. When it changes, the new filter is set on the connection that there is; the next connection uses all
    /// of it.
    pub login: watch::Receiver<Login>,
    /// The times to keep to.
    pub timing: Timing,
    /// Where the state can be read.
    pub status: FeedStatus,
}

/// The port that servers have for clients with a filter of their own.
const FILTER_PORT: &str = "14580";

/// How a connection ended.
struct Ended {
    state: FeedState,
    why: String,
    /// It brought packets.
    packets: bool,
    /// Nobody takes packets any more.
    unwanted: bool,
}

impl Ended {
    fn new(state: FeedState, why: String, packets: bool) -> Self {
        Self { state, why, packets, unwanted: false }
    }
}

/// One connection, as far as hints depend on it.
struct Connection<'a> {
    server: &'a str,
    since: Instant,
    packets: bool,
}

impl AprsIs {
    /// Takes lines in until told to stop, or nobody takes them any more.
    pub async fn run(mut self, out: Queue<Received>, stop: Stop) {
        let mut backoff = Backoff::new(self.timing.first_wait, self.timing.longest_wait);
        let servers = std::mem::take(&mut self.servers);
        let mut attempt = 0_usize;
        let mut waited = Duration::ZERO;
        while let Some(server) = servers.get(attempt % servers.len().max(1)) {
            let login = self.login.borrow_and_update().clone();
            self.status.update(|status| {
                status.state = FeedState::Connecting;
                status.server = Some(server.clone());
                status.server_software = None;
                status.server_id = None;
                status.login = Some(login.callsign().to_owned());
            });
            let began = Instant::now();
            let Some(ended) = stop.clone().or(self.connection(server, login, attempt, &out)).await else { break };
            if ended.unwanted {
                break;
            }
            attempt += 1;
            // A server that sends a little and closes at once is not asked again each second: the connection must have
            // lasted as long as the wait before it.
            if ended.packets && began.elapsed() >= waited {
                backoff.reset();
            }
            waited = backoff.next_wait();
            tracing::warn!(
                server,
                state = ended.state.as_str(),
                wait_s = format_args!("{:.1}", waited.as_secs_f64()),
                "APRS-IS: {}",
                ended.why
            );
            self.status.update(|status| {
                status.state = ended.state;
                status.connected_at_us = None;
                status.last_error = Some(ended.why);
            });
            if stop.or(sleep(waited)).await.is_none() {
                break;
            }
        }
        self.status.update(|status| {
            status.state = FeedState::Stopped;
            status.connected_at_us = None;
            status.last_error = None;
            status.hint = None;
        });
    }

    async fn connection(&mut self, server: &str, login: Login, attempt: usize, out: &Queue<Received>) -> Ended {
        let failed = |why: String| Ended::new(FeedState::Waiting, why, false);
        let stream = match timeout(self.timing.connect, connect(server, attempt)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return failed(format!("cannot connect to {server}: {error}")),
            Err(_) => {
                return failed(format!("no connection to {server} within {} s", self.timing.connect.as_secs()));
            }
        };
        self.status.update(|status| {
            status.state = FeedState::LoggingIn;
            status.connected_at_us = Some(now_us());
            status.reconnects += u64::from(attempt > 0);
        });
        tracing::info!(server, "APRS-IS: connected");
        self.converse(stream, server, login, out).await
    }

    async fn converse(&mut self, mut stream: TcpStream, server: &str, mut login: Login, out: &Queue<Received>) -> Ended {
        let us = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4);
        // Silence is measured by a clock that nobody sets; the other one only dates packets.
        let mut on = Connection { server, since: Instant::now(), packets: false };
        let mut session = Session::new(&login, us(self.timing.silence), us(self.timing.banner), 0);
        let mut buffer = vec![0; 16_384];
        let mut events = Vec::new();
        let ended = |on: &Connection<'_>, state: FeedState, why: String| Ended::new(state, why, on.packets);
        loop {
            self.hint(&on, &login);
            let steady_us = us(on.since.elapsed());
            let wait = Duration::from_micros(u64::try_from(session.wake_at_us() - steady_us).unwrap_or(0));
            let look = self.timing.nothing.saturating_sub(on.since.elapsed());
            let wait = if on.packets || look.is_zero() { wait } else { wait.min(look) };
            let read = tokio::select! {
                read = timeout(wait, stream.read(&mut buffer)) => read,
                () = changed(&mut self.login) => {
                    login = self.login.borrow_and_update().clone();
                    if !session.login_is_sent() {
                        session.set_login(&login);
                        continue;
                    }
                    tracing::info!(filter = login.filter().unwrap_or("none"), "APRS-IS: the filter is changed");
                    if let Err(error) = stream.write_all(login.filter_line().as_bytes()).await {
                        return ended(&on, FeedState::Waiting, format!("the filter could not be sent: {error}"));
                    }
                    continue;
                }
            };
            let (now, steady_us) = (now_us(), us(on.since.elapsed()));
            match read {
                Ok(Ok(0)) => return ended(&on, FeedState::Waiting, "the server closed the connection".to_owned()),
                Ok(Ok(length)) => session.on_bytes(steady_us, &buffer[..length], &mut events),
                Ok(Err(error)) => return ended(&on, FeedState::Waiting, format!("the connection broke: {error}")),
                Err(_) => session.on_time(steady_us, &mut events),
            }
            self.status.with(|status| {
                status.oversize = session.oversize();
                status.comments = session.comments();
            });
            for event in events.drain(..) {
                match event {
                    Event::Send(bytes) => {
                        if let Err(error) = stream.write_all(&bytes).await {
                            return ended(&on, FeedState::Waiting, format!("the login could not be sent: {error}"));
                        }
                    }
                    Event::Line(line) => {
                        on.packets = true;
                        self.status.with(|status| {
                            status.lines += 1;
                            status.last_packet_at_us = Some(now);
                        });
                        if !out.put(Received { received_at_us: now, line: Arc::from(line) }).await {
                            let why = "nobody takes packets any more".to_owned();
                            return Ended { unwanted: true, ..ended(&on, FeedState::Stopped, why) };
                        }
                    }
                    Event::Software(name) => self.status.with(|status| status.server_software = Some(name)),
                    Event::LoggedIn(state, id) => {
                        tracing::info!(state = state.as_str(), server_id = id.as_deref().unwrap_or("?"), "APRS-IS: logged in");
                        self.status.update(|status| {
                            status.state = state;
                            status.server_id = id;
                            status.last_error = None;
                        });
                    }
                    Event::Unanswered => self.status.update(|status| {
                        status.state = FeedState::Unanswered;
                        status.last_error = None;
                    }),
                    Event::Close(state, why) => return ended(&on, state, why),
                }
            }
        }
    }

    /// Notices what the operator should change; a change is logged once.
    fn hint(&self, on: &Connection<'_>, login: &Login) {
        let (state, known) = self.status.with(|status| (status.state, status.hint));
        let logged_in = matches!(state, FeedState::Verified | FeedState::Unverified);
        let filter_port = on.server.rsplit(':').next() == Some(FILTER_PORT);
        let hint = if !on.packets && login.filter().is_none() && (filter_port || logged_in && on.since.elapsed() >= self.timing.nothing) {
            Some(Hint::NoFilter)
        } else if login.passcode_is_wrong() && state == FeedState::Unverified {
            Some(Hint::WrongPasscode)
        } else if state == FeedState::Unanswered {
            Some(Hint::Unanswered)
        } else {
            None
        };
        if hint != known {
            if let Some(hint) = hint {
                tracing::warn!(server = on.server, "{}", hint.sentence());
            }
            self.status.update(|status| status.hint = hint);
        }
    }
}

/// Waits until the login is changed; for ever if nobody can change it.
async fn changed(login: &mut watch::Receiver<Login>) {
    if login.changed().await.is_err() {
        pending::<()>().await;
    }
}

/// Resolves the name anew and connects, beginning with another of its addresses each time.
async fn connect(server: &str, attempt: usize) -> std::io::Result<TcpStream> {
    let mut addresses: Vec<SocketAddr> = lookup_host(server).await?.collect();
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    if !addresses.is_empty() {
        let start = attempt % addresses.len();
        addresses.rotate_left(start);
    }
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(10));
                socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
