//! The web server: who may connect and for how long, on hyper's HTTP/1.1 (docs/operating.md, "Connections").
//!
//! Bounds: connections in all and of one client, viewers of one client, bytes of answers on their way, the size of a
//! header, and a time for each thing that a connection can wait for. What does not fit is refused at once and counted. A
//! WebSocket keeps its place but has its own patience ([`crate::ViewerTiming`]).

mod answer;
mod bounds;
mod io;
mod visit;

use std::{
    future::{Future as _, poll_fn},
    io as std_io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use axum::Router;
use godwit_flow::Stop;
use godwit_live::limit::one_client;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

pub(crate) use self::{
    bounds::Place,
    io::{Places, Socket},
    visit::{Client, Shared},
};
use self::{
    bounds::{PerClient, Pool},
    io::{Overdue, Progress},
    visit::Visit,
};
use crate::{Audience, Proxies};

/// The most that a request's line and headers may be, bytes.
const HEAD_BYTES: usize = 32_768;

/// Bytes the kernel takes that are not yet on their way. With more it would say for minutes that a slow reader takes
/// nothing.
const UNSENT: u32 = 32_768;

/// The pauses after an accept that failed because something is used up.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How long a connection may wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// A request's line and headers, from the first byte (of the first request: from the connection) to the last.
    pub head: Duration,
    /// The next request.
    pub idle: Duration,
    /// The beginning of an answer; then the answer is 503.
    pub answer: Duration,
    /// A client that reads nothing of an answer.
    pub write: Duration,
    /// Requests under way when the program ends.
    pub end: Duration,
}

impl Default for Timing {
    /// 10, 75, 30, 30 and 5 s.
    fn default() -> Self {
        let [head, idle, answer, write, end] = [10, 75, 30, 30, 5].map(Duration::from_secs);
        Self { head, idle, answer, write, end }
    }
}

/// How much there may be at a time.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections to the public address, those of viewers among them.
    pub connections: u32,
    /// Of these, connections of one client; through a proxy, requests of one client that are being answered.
    pub connections_per_client: u32,
    /// Viewers of one client.
    pub viewers_per_client: u32,
    /// Connections to the operators' address.
    pub operators: u32,
    /// Bytes of answers that are not yet written.
    pub answer_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 24_000, connections_per_client: 256, viewers_per_client: 100, operators: 32, answer_bytes: 64 << 20 }
    }
}

/// What was refused or closed, by reason.
#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicU64,
    accept_failed: AtomicU64,
    refused_all: AtomicU64,
    refused_client: AtomicU64,
    refused_viewers: AtomicU64,
    refused_memory: AtomicU64,
    refused_body: AtomicU64,
    refused_host: AtomicU64,
    closed_head: AtomicU64,
    closed_idle: AtomicU64,
    closed_write: AtomicU64,
    late: AtomicU64,
}

/// What all listeners of the program share.
#[derive(Debug)]
pub struct Server {
    timing: Timing,
    proxies: Proxies,
    public: Arc<Pool>,
    operators: Arc<Pool>,
    connections: Arc<PerClient>,
    viewers: Arc<PerClient>,
    answers: Arc<Pool>,
    counters: Counters,
    /// Whether the log says already that a proxy does not say who asks.
    told_silent_proxy: AtomicBool,
}

/// Adds one.
fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Server {
    /// A server that listens nowhere yet. `proxies` are believed about who asks.
    #[must_use]
    pub fn new(bounds: Bounds, timing: Timing, proxies: Proxies) -> Arc<Self> {
        Arc::new(Self {
            timing,
            proxies,
            public: Pool::new(bounds.connections.into()),
            operators: Pool::new(bounds.operators.into()),
            connections: PerClient::new(bounds.connections_per_client),
            viewers: PerClient::new(bounds.viewers_per_client),
            answers: Pool::new(bounds.answer_bytes),
            counters: Counters::default(),
            told_silent_proxy: AtomicBool::new(false),
        })
    }

    /// Answers all who connect until `stop`. Then idle connections are closed, and it ends when requests under way are
    /// answered, at the latest after [`Timing::end`].
    pub async fn serve(self: Arc<Self>, listener: TcpListener, audience: Audience, router: Router, stop: Stop) {
        let mut http = http1::Builder::new();
        // Times are ours: hyper's time for a header counts the wait between two requests too.
        http.max_buf_size(HEAD_BYTES).max_header_size(HEAD_BYTES).header_read_timeout(None);
        let (open, held) = watch::channel(());
        let mut pause = PAUSES.0;
        while let Some(accepted) = stop.or(listener.accept()).await {
            match accepted {
                Ok((stream, peer)) => {
                    pause = PAUSES.0;
                    if let Some(places) = self.places(&stream, peer, audience) {
                        let connection = self.clone().connection((stream, places), peer, http.clone(), router.clone(), stop.clone());
                        let held = held.clone();
                        tokio::spawn(async move {
                            connection.await;
                            drop(held);
                        });
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    // Files or memory are used up: it is not better at once, and must not be asked in a circle.
                    count(&self.counters.accept_failed);
                    if pause == PAUSES.0 {
                        tracing::warn!(%error, "a connection cannot be accepted; this is tried again each second");
                    }
                    if stop.or(sleep(pause)).await.is_none() {
                        break;
                    }
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
        drop((listener, held));
        open.closed().await;
    }

    /// Places for a connection; it is refused where there are none.
    fn places(&self, stream: &TcpStream, peer: SocketAddr, audience: Audience) -> Option<Places> {
        count(&self.counters.accepted);
        let pool = if audience == Audience::Public { &self.public } else { &self.operators };
        let Some(of_all) = pool.take(1) else {
            count(&self.counters.refused_all);
            refuse(stream, "503 Service Unavailable");
            return None;
        };
        let address = peer.ip().to_canonical();
        // Many clients come through a proxy: there their requests count. Programs of this machine are no strangers.
        let bound = audience == Audience::Public && !address.is_loopback() && !self.proxies.contain(address);
        let of_client = if bound { self.connections.take(one_client(address)) } else { None };
        if bound && of_client.is_none() {
            count(&self.counters.refused_client);
            refuse(stream, "429 Too Many Requests");
            return None;
        }
        Some(Places { _of_all: of_all, _of_client: of_client })
    }

    /// Answers the requests of one connection to its end.
    async fn connection(
        self: Arc<Self>,
        (stream, places): (TcpStream, Places),
        peer: SocketAddr,
        http: http1::Builder,
        router: Router,
        stop: Stop,
    ) {
        self.tune(&stream);
        let progress = Progress::new();
        let visit = Arc::new(Visit::new(self.clone(), peer, progress.clone(), router));
        let service = service_fn(move |request| visit.clone().answer(request));
        let socket = TokioIo::new(Socket { stream, progress: progress.clone(), places });
        let mut served = pin!(http.serve_connection(socket, service).with_upgrades());
        let mut ending = pin!(stop.wanted());
        let mut ends_at = None;
        let mut timer = pin!(sleep_until(Instant::now() + self.timing.head));
        let overdue = poll_fn(|context| {
            // An error is the client's, who has gone, speaks another language, or does not read: the last the kernel may
            // notice first.
            if let Poll::Ready(ended) = served.as_mut().poll(context) {
                return Poll::Ready(ended.is_err_and(|error| timed_out(&error)).then_some(Overdue::Write));
            }
            if ends_at.is_none() && ending.as_mut().poll(context).is_ready() {
                if !progress.is_answering() {
                    return Poll::Ready(None);
                }
                ends_at = Some(Instant::now() + self.timing.end);
                served.as_mut().graceful_shutdown();
                if served.as_mut().poll(context).is_ready() {
                    return Poll::Ready(None);
                }
            }
            let due = progress.due(&self.timing);
            let Some(at) = [ends_at, due.map(|(at, _)| at)].into_iter().flatten().min() else {
                return Poll::Pending;
            };
            // A later time is looked at when the timer's is over.
            if at < timer.deadline() || timer.is_elapsed() {
                timer.as_mut().reset(at);
            }
            while timer.as_mut().poll(context).is_ready() {
                if at <= Instant::now() {
                    return Poll::Ready(due.filter(|(due_at, _)| *due_at == at).map(|(_, why)| why));
                }
                timer.as_mut().reset(at);
            }
            Poll::Pending
        })
        .await;
        match overdue {
            None => {}
            Some(Overdue::Head) => count(&self.counters.closed_head),
            Some(Overdue::Idle) => count(&self.counters.closed_idle),
            Some(Overdue::Write) => count(&self.counters.closed_write),
        }
    }

    /// A failure here only costs comfort.
    fn tune(&self, stream: &TcpStream) {
        // Answers are written whole: waiting for more would only delay their last part.
        let _ = stream.set_nodelay(true);
        let socket = SockRef::from(stream);
        let _ = socket.set_tcp_notsent_lowat(UNSENT);
        // What is left with the kernel when a client does not read is given up, too.
        let _ = socket.set_tcp_user_timeout(Some(self.timing.write));
    }

    /// What is open, was refused and was closed, for the status.
    #[must_use]
    pub fn json(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let pool = |pool: &Pool| {
            let (open, most) = pool.read();
            json!({ "open": open, "most": most })
        };
        let (bytes, most_bytes) = self.answers.read();
        let counters = &self.counters;
        json!({
            "listeners": { "public": pool(&self.public), "operators": pool(&self.operators) },
            "accepted": read(&counters.accepted),
            "accept_failed": read(&counters.accept_failed),
            "answers": { "bytes": bytes, "most_bytes": most_bytes },
            "refused": {
                "connections": read(&counters.refused_all), "connections_of_client": read(&counters.refused_client),
                "viewers_of_client": read(&counters.refused_viewers), "answer_memory": read(&counters.refused_memory),
                "request_body": read(&counters.refused_body), "host": read(&counters.refused_host), "late": read(&counters.late)
            },
            "closed": { "header": read(&counters.closed_head), "idle": read(&counters.closed_idle), "write": read(&counters.closed_write) }
        })
    }
}

/// Says why, as far as the kernel takes it at once: nobody is waited for.
fn refuse(stream: &TcpStream, status: &str) {
    let answer = format!("HTTP/1.1 {status}\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.try_write(answer.as_bytes());
}

/// Whether the kernel gave up a connection on which nothing was acknowledged ([`Server::tune`]).
fn timed_out(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std_io::Error>());
    cause.is_some_and(|error| error.kind() == std_io::ErrorKind::TimedOut)
}

/// Whether an accept failed for a reason that lies with the one who connected.
fn is_of_one_connection(error: &std_io::Error) -> bool {
    use std_io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
