//! The APRS-IS client: one connection at a time, servers in turn, growing jittered waits between attempts.
//! [`Session`] decides; this drives it over a socket. Memory: one read buffer and one partial line.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use godwit_flow::{Backoff, Queue, Stop, now_us};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    time::{sleep, timeout},
};

use crate::{Event, FeedState, FeedStatus, Login, Received, Session};

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
    /// A connection that brought packets for so long makes the next wait the first one again; 30 s.
    pub settled: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(60),
            banner: Duration::from_secs(5),
            connect: Duration::from_secs(15),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
            settled: Duration::from_secs(30),
        }
    }
}

/// An APRS-IS client.
#[derive(Debug)]
pub struct AprsIs {
    /// `HOST:PORT`, tried in turn.
    pub servers: Vec<String>,
    /// Who logs in.
    pub login: Login,
    /// The times to keep to.
    pub timing: Timing,
    /// Where the state can be read.
    pub status: FeedStatus,
}

/// How a connection ended.
struct Ended {
    state: FeedState,
    why: String,
    /// It brought packets for long enough to count as good.
    good: bool,
}

impl AprsIs {
    /// Takes lines in until told to stop, or nobody takes them any more.
    pub async fn run(self, out: Queue<Received>, stop: Stop) {
        let mut backoff = Backoff::new(self.timing.first_wait, self.timing.longest_wait);
        self.status.update(|status| status.login = Some(self.login.callsign().to_owned()));
        let mut attempt = 0_usize;
        loop {
            let server = &self.servers[attempt % self.servers.len().max(1)];
            self.status.update(|status| {
                status.state = FeedState::Connecting;
                status.server = Some(server.clone());
                status.server_software = None;
                status.server_id = None;
            });
            let Some(ended) = stop.or(self.connection(server, attempt, &out)).await else {
                break;
            };
            attempt += 1;
            if ended.good {
                backoff.reset();
            }
            let wait = backoff.next_wait();
            tracing::warn!(
                server,
                state = ended.state.as_str(),
                wait_s = format_args!("{:.1}", wait.as_secs_f64()),
                "APRS-IS: {}",
                ended.why
            );
            self.status.update(|status| {
                status.state = ended.state;
                status.connected_at_us = None;
                status.last_error = Some(ended.why);
            });
            if stop.or(sleep(wait)).await.is_none() {
                break;
            }
        }
        self.status.update(|status| {
            status.state = FeedState::Stopped;
            status.connected_at_us = None;
        });
    }

    async fn connection(&self, server: &str, attempt: usize, out: &Queue<Received>) -> Ended {
        let failed = |why: String| Ended { state: FeedState::Waiting, why, good: false };
        let stream = match timeout(self.timing.connect, connect(server, attempt)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return failed(format!("cannot connect to {server}: {error}")),
            Err(_) => {
                return failed(format!("no connection to {server} within {} s", self.timing.connect.as_secs()));
            }
        };
        let connected_at_us = now_us();
        self.status.update(|status| {
            status.state = FeedState::LoggingIn;
            status.connected_at_us = Some(connected_at_us);
            status.reconnects += u64::from(attempt > 0);
        });
        tracing::info!(server, "APRS-IS: connected");
        self.converse(stream, connected_at_us, out).await
    }

    async fn converse(&self, mut stream: TcpStream, connected_at_us: i64, out: &Queue<Received>) -> Ended {
        let us = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4);
        let mut session = Session::new(&self.login, us(self.timing.silence), us(self.timing.banner), connected_at_us);
        let mut buffer = vec![0; 16_384];
        let mut events = Vec::new();
        let mut packets = false;
        loop {
            let wait = Duration::from_micros(u64::try_from(session.wake_at_us() - now_us()).unwrap_or(0));
            // A clock that is set while we wait must not make the wait endless.
            let read = timeout(wait.min(self.timing.silence), stream.read(&mut buffer)).await;
            let now = now_us();
            let good = |packets: bool| packets && now - connected_at_us >= us(self.timing.settled);
            match read {
                Ok(Ok(0)) => {
                    return Ended { state: FeedState::Waiting, why: "the server closed the connection".to_owned(), good: good(packets) };
                }
                Ok(Ok(length)) => session.on_bytes(now, &buffer[..length], &mut events),
                Ok(Err(error)) => {
                    return Ended { state: FeedState::Waiting, why: format!("the connection broke: {error}"), good: good(packets) };
                }
                Err(_) => session.on_time(now, &mut events),
            }
            self.status.update(|status| {
                status.oversize = session.oversize();
                status.comments = session.comments();
            });
            for event in events.drain(..) {
                match event {
                    Event::Send(bytes) => {
                        if let Err(error) = stream.write_all(&bytes).await {
                            return Ended { state: FeedState::Waiting, why: format!("the login could not be sent: {error}"), good: false };
                        }
                    }
                    Event::Line(line) => {
                        packets = true;
                        self.status.update(|status| {
                            status.lines += 1;
                            status.last_packet_at_us = Some(now);
                        });
                        if !out.put(Received { received_at_us: now, line: Arc::from(line) }).await {
                            return Ended { state: FeedState::Stopped, why: "nobody takes packets any more".to_owned(), good: true };
                        }
                    }
                    Event::Software(name) => self.status.update(|status| status.server_software = Some(name)),
                    Event::LoggedIn(state, id) => {
                        tracing::info!(state = state.as_str(), server_id = id.as_deref().unwrap_or("?"), "APRS-IS: logged in");
                        self.status.update(|status| {
                            status.state = state;
                            status.server_id = id;
                            status.last_error = None;
                        });
                    }
                    Event::Close(state, why) => {
                        return Ended { state, why, good: good(packets) };
                    }
                }
            }
        }
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
