//! The server through real sockets: who is refused, who is closed and when, and who must notice nothing. The times are
//! short here, so that a test does not wait for the real ones.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, http::Response, routing::get};
use godwit_flow::{Stop, Stopper, now_us};
use godwit_live::{
    Limits, Live,
    limit::{Limiter, Rate},
};
use godwit_store::SqliteStore;
use godwit_web::{Audience, Bounds, Devices, Limit, Server, Site, Timing, ViewerTiming};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
/// Times that do not come in a test.
const NEVER: Duration = Duration::from_secs(3600);
const PATIENT: Timing = Timing { head: NEVER, idle: NEVER, answer: NEVER, write: NEVER, end: NEVER };
const SOON: Duration = Duration::from_millis(300);
/// The length of `/long`.
const LONG_BYTES: usize = 4 << 20;

struct House {
    address: SocketAddr,
    server: Arc<Server>,
    ending: Stopper,
    _site: Stopper,
    _folder: tempfile::TempDir,
}

impl House {
    async fn start(bounds: Bounds, timing: Timing) -> Self {
        Self::limited(bounds, timing, None).await
    }

    /// 127.0.0.1 is a trusted proxy.
    async fn limited(bounds: Bounds, timing: Timing, limit: Option<Limit>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let site_ending = Stopper::default();
        let site = Arc::new(Site {
            live: Live::new(Limits { entities: 1000, age_us: i64::MAX / 2, viewers: 100 }, now_us()),
            blocks: Arc::new(godwit_store::Blocks::new(store.clone(), now_us, 1 << 20)),
            store,
            devices: Devices::default(),
            page: Arc::default(),
            status: Arc::new(|| serde_json::json!({})),
            ready: Arc::new(|| (true, serde_json::json!({}))),
            health: godwit_flow::Health::default(),
            tasks: godwit_flow::Tasks::default(),
            panics: godwit_web::Panics::default(),
            answers: godwit_web::Answers::default(),
            image_hosts: "".into(),
            basemap_file: None,
            clock: now_us,
            stop: site_ending.stop(),
            viewers: ViewerTiming::default(),
            limit,
        });
        let special = Router::new()
            .route("/long", get(async || Response::new(Body::from(vec![7; LONG_BYTES]))))
            .route("/never", get(async || std::future::pending::<&'static str>().await));
        let router = godwit_web::router(site.clone(), Audience::Public).merge(godwit_web::guarded(site, special));
        let server = Server::new(bounds, timing, "127.0.0.1".parse().unwrap());
        let (ending, listener) = (Stopper::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        let stop: Stop = ending.stop();
        ending.spawn(server.clone().serve(listener, Audience::Public, router, stop));
        Self { address, server, ending, _site: site_ending, _folder: folder }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a connection of its own; all that comes until it is closed.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }

    async fn get(&self, path: &str, headers: &str) -> String {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").as_bytes()).await
    }

    fn figure(&self, place: &str) -> u64 {
        self.server.json().pointer(place).and_then(Value::as_u64).unwrap_or_else(|| panic!("{place} is not in {}", self.server.json()))
    }

    /// Waits until a number is what it should be.
    async fn until(&self, place: &str, reached: impl Fn(u64) -> bool) {
        let began = Instant::now();
        while !reached(self.figure(place)) {
            assert!(began.elapsed() < LONG, "{place}: {}", self.server.json());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// All that comes until the connection is closed; a reset ends it, too.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut all)).await.expect("the connection is closed");
    String::from_utf8_lossy(&all).into_owned()
}

/// Reads one answer that has a length; its head.
async fn answer(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(LONG, stream.read_u8()).await.expect("an answer").expect("not closed"));
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.split_once("content-length: ").unwrap().1.lines().next().unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    head
}

const LIVEZ: &[u8] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn whoever_says_nothing_or_half_a_header_is_closed_after_the_time_for_a_header() {
    let house = House::start(Bounds::default(), Timing { head: SOON, ..PATIENT }).await;
    for said in ["", "G", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: "] {
        let began = Instant::now();
        assert_eq!(house.raw(said.as_bytes()).await, "", "{said}");
        assert!(began.elapsed() >= SOON, "{said}: not at once");
    }
    // A header that trickles in gets no more time.
    let mut stream = house.connect().await;
    let began = Instant::now();
    while stream.write_all(b"a").await.is_ok() && !matches!(timeout(Duration::from_millis(10), stream.read_u8()).await, Ok(Err(_))) {
        assert!(began.elapsed() < LONG, "it is closed");
    }
    house.until("/closed/header", |closed| closed == 4).await;
    house.until("/listeners/public/open", |open| open == 0).await;
    // After an answer the time for the next request counts, which is another one.
    let mut stream = house.connect().await;
    stream.write_all(LIVEZ).await.unwrap();
    answer(&mut stream).await;
    assert!(timeout(SOON * 2, stream.read_u8()).await.is_err(), "it is still open");
    stream.write_all(&LIVEZ[..20]).await.unwrap();
    assert_eq!(rest(&mut stream).await, "", "half of the next header");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let house = House::start(Bounds::default(), Timing { idle: SOON, ..PATIENT }).await;
    let mut stream = house.connect().await;
    let began = Instant::now();
    while began.elapsed() < SOON * 3 {
        stream.write_all(LIVEZ).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("http/1.1 200 "));
    }
    assert_eq!(rest(&mut stream).await, "");
    assert_eq!(house.figure("/closed/idle"), 1);
}

#[tokio::test]
async fn an_answer_that_does_not_begin_is_a_503() {
    let house = House::start(Bounds::default(), Timing { answer: SOON, ..PATIENT }).await;
    let late = house.get("/never", "").await;
    assert!(late.starts_with("HTTP/1.1 503 ") && late.contains("retry-after: 5") && late.contains(r#""code":"busy""#), "{late}");
    assert_eq!(house.figure("/refused/late"), 1);
}

#[tokio::test]
async fn who_does_not_read_is_closed_and_who_reads_slowly_gets_all_of_it() {
    let house = House::start(Bounds::default(), Timing { write: SOON * 2, ..PATIENT }).await;
    let ask = async || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16_384).unwrap();
        let mut stream = socket.connect(house.address).await.unwrap();
        stream.write_all(b"GET /long HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
        stream
    };
    let stuck = ask().await;
    let mut slow = ask().await;
    let (began, mut read, mut buffer) = (Instant::now(), 0, vec![0; 65_536]);
    let mut pauses = 0;
    while let Ok(more @ 1..) = slow.read(&mut buffer).await {
        read += more;
        // Slower than the patience in all, and never silent for as long.
        if read > pauses * LONG_BYTES / 20 {
            pauses += 1;
            tokio::time::sleep(SOON / 3).await;
        }
    }
    assert!(read > LONG_BYTES && began.elapsed() > SOON * 2, "{read} bytes in {:?}", began.elapsed());
    house.until("/listeners/public/open", |open| open == 0).await;
    assert_eq!(house.figure("/answers/bytes"), 0, "what was not written is given back");
    drop(stuck);
}

#[tokio::test]
async fn answers_that_wait_for_their_readers_have_a_bound_together() {
    let house = House::start(Bounds { answer_bytes: 2 * LONG_BYTES as u64, ..Bounds::default() }, PATIENT).await;
    let mut readers = Vec::new();
    for number in 1..=2 {
        let mut stream = house.connect().await;
        stream.write_all(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        readers.push(stream);
        house.until("/answers/bytes", |bytes| bytes == number * LONG_BYTES as u64).await;
    }
    let refused = house.get("/long", "").await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 5"), "{refused}");
    assert_eq!(house.figure("/refused/answer_memory"), 1);
    assert!(house.get("/livez", "").await.starts_with("HTTP/1.1 200 "), "short answers go on");
    for mut reader in readers {
        assert!(answer(&mut reader).await.starts_with("http/1.1 200 "));
    }
    house.until("/answers/bytes", |bytes| bytes == 0).await;
    assert!(house.get("/long", "").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn what_is_no_proper_request_is_refused_and_the_connection_ends() {
    let house = House::start(Bounds::default(), PATIENT).await;
    // HTTP/2 is not spoken: neither its preface nor an upgrade to it.
    let preface = house.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await;
    assert!(preface.is_empty() || preface.starts_with("HTTP/1.1 4"), "{preface:?}");
    let upgrade = house.get("/livez", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n").await;
    assert!(upgrade.starts_with("HTTP/1.1 200 "), "{upgrade}");
    for (wrong, status) in [
        ("GET /livez HTTP/1.1\r\n\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET /livez HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n", "413"),
        ("POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "413"),
        ("GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", "413"),
    ] {
        let refused = house.raw(wrong.as_bytes()).await;
        assert!(
            refused.starts_with(&format!("HTTP/1.1 {status} ")) || refused.starts_with(&format!("HTTP/1.0 {status} ")),
            "{wrong}: {refused}"
        );
        assert!(refused.contains("connection: close") && refused.contains(r#"{"error":{"#), "{refused}");
    }
    assert!(house.raw(b"GET /livez HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200 "));
    assert!(house.get("/livez", "Content-Length: 0\r\n").await.starts_with("HTTP/1.1 200 "));
    let long = format!("GET /livez HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    assert!(house.raw(long.as_bytes()).await.starts_with("HTTP/1.1 431 "));
    assert_eq!((house.figure("/refused/host"), house.figure("/refused/request_body")), (3, 3));
}

#[tokio::test]
async fn connections_have_a_bound_in_all_and_operators_have_places_of_their_own() {
    let house = House::start(Bounds { connections: 3, operators: 1, ..Bounds::default() }, PATIENT).await;
    let ending = Stopper::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let operators = listener.local_addr().unwrap();
    let router = Router::new().route("/metrics", get(async || "all"));
    ending.spawn(house.server.clone().serve(listener, Audience::Operators, router, ending.stop()));
    let held = [house.connect().await, house.connect().await, house.connect().await];
    house.until("/listeners/public/open", |open| open == 3).await;
    let mut more = house.connect().await;
    let refused = rest(&mut more).await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after"), "{refused}");
    assert_eq!(house.figure("/refused/connections"), 1);
    let mut asked = TcpStream::connect(operators).await.unwrap();
    asked.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(answer(&mut asked).await.starts_with("http/1.1 200 "), "operators are answered");
    let mut second = TcpStream::connect(operators).await.unwrap();
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 503 "), "they have a bound, too");
    drop(held);
    house.until("/listeners/public/open", |open| open == 0).await;
    assert!(house.get("/livez", "").await.starts_with("HTTP/1.1 200 "));
    assert!(ending.finish(LONG).await);
}

#[tokio::test]
async fn one_client_of_a_proxy_does_not_take_the_places_of_the_others() {
    let house = House::start(Bounds { connections_per_client: 2, viewers_per_client: 2, ..Bounds::default() }, PATIENT).await;
    let ask = async |path: &str, client: &str, more: &str| {
        let mut stream = house.connect().await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.66, {client}\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    };
    // Requests that are being answered count, for the client and not for the proxy.
    let held = [ask("/never", "203.0.113.5", "").await, ask("/never", "203.0.113.5", "").await];
    let began = Instant::now();
    loop {
        let mut stream = ask("/livez", "203.0.113.5", "").await;
        if answer(&mut stream).await.starts_with("http/1.1 429 ") {
            break;
        }
        assert!(began.elapsed() < LONG, "the third is refused");
    }
    assert!(answer(&mut ask("/livez", "203.0.113.6", "").await).await.starts_with("http/1.1 200 "));
    drop(held);
    let began = Instant::now();
    while !answer(&mut ask("/livez", "203.0.113.5", "").await).await.starts_with("http/1.1 200 ") {
        assert!(began.elapsed() < LONG, "places are given back");
    }
    // Viewers; all of one IPv6 /64 are one client.
    let socket =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut viewers = Vec::new();
    for (client, status) in [
        ("2001:db8:1:2::1", "101"),
        ("2001:db8:1:2::2", "101"),
        ("2001:db8:1:2::3", "429"),
        ("2001:db8:1:3::1", "101"),
        ("203.0.113.5", "101"),
    ] {
        let mut stream = ask("/live/v1/ws", client, socket).await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{client}: {head}");
        viewers.push(stream);
    }
    assert_eq!(house.figure("/refused/viewers_of_client"), 1);
    // The one that was refused was closed.
    house.until("/listeners/public/open", |open| open == 4).await;
    // Programs of this machine are not bounded.
    for _ in 0..5 {
        let mut stream = house.connect().await;
        stream.write_all(format!("GET /live/v1/ws HTTP/1.1\r\nHost: localhost\r\n{socket}\r\n").as_bytes()).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'H');
        viewers.push(stream);
    }
    drop(viewers);
    house.until("/listeners/public/open", |open| open == 0).await;
}

#[tokio::test]
async fn a_direct_stranger_has_a_bound_on_connections() {
    // 127.0.0.0/8 is not bounded, and a test has no other addresses of IPv4; the rule is the same for all others.
    let Ok(listener) = TcpListener::bind(("0.0.0.0", 0)).await else { return };
    let Some(own) = own_address().await else { return };
    let house = House::start(Bounds { connections_per_client: 2, ..Bounds::default() }, PATIENT).await;
    let ending = Stopper::default();
    let address = SocketAddr::from((own, listener.local_addr().unwrap().port()));
    ending.spawn(house.server.clone().serve(listener, Audience::Public, Router::new().route("/livez", get(async || "ok")), ending.stop()));
    let held = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    house.until("/listeners/public/open", |open| open == 2).await;
    let mut third = TcpStream::connect(address).await.unwrap();
    assert!(rest(&mut third).await.starts_with("HTTP/1.1 429 "));
    assert_eq!(house.figure("/refused/connections_of_client"), 1);
    drop(held);
}

/// The address of this machine on a network, if it has one: no packet is sent for it.
async fn own_address() -> Option<std::net::IpAddr> {
    let socket = tokio::net::UdpSocket::bind("0.0.0.0:0").await.ok()?;
    socket.connect("192.0.2.1:9").await.ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback() && !address.is_unspecified())
}

#[tokio::test]
async fn answers_say_what_is_left_and_loopback_is_free_only_without_forwarding_headers() {
    let rate = Rate { units: 60, window: Duration::from_secs(3600), burst: 3 };
    let limit = || Arc::new(Limiter::new(rate, None));
    let house = House::limited(Bounds::default(), PATIENT, Some(Limit { limiter: limit(), light: limit() })).await;
    for left in [2, 1, 0] {
        let answered = house.get("/api/v1", "X-Forwarded-For: 203.0.113.9\r\n").await;
        assert!(answered.contains("ratelimit-policy: \"default\";q=3;w=180\r\n"), "{answered}");
        assert!(answered.contains(&format!("ratelimit: \"default\";r={left};t=")), "{answered}");
    }
    let refused = house.get("/api/v1", "X-Forwarded-For: 203.0.113.9\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("r=0;t=") && refused.contains("retry-after"), "{refused}");
    // What is cheap has a limit of its own, and does not speak of it.
    let page = house.get("/live/v1/page.json", "X-Forwarded-For: 203.0.113.9\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200 ") && !page.contains("ratelimit"), "{page}");
    for _ in 0..2 {
        house.get("/live/v1/page.json", "X-Forwarded-For: 203.0.113.9\r\n").await;
    }
    assert!(house.get("/", "X-Forwarded-For: 203.0.113.9\r\n").await.starts_with("HTTP/1.1 429 "));
    // A proxy that says it does not know, or says it in another header, does not make its clients programs of this machine.
    for header in ["X-Forwarded-For: unknown\r\n", "X-Forwarded-For:\r\n", "Forwarded: for=203.0.113.9\r\n", "X-Real-IP: 203.0.113.9\r\n"] {
        house.get("/api/v1", header).await;
    }
    assert!(house.get("/api/v1", "X-Real-IP: 203.0.113.77\r\n").await.starts_with("HTTP/1.1 429 "), "all of them are the proxy");
    for _ in 0..10 {
        let answered = house.get("/api/v1", "").await;
        assert!(answered.starts_with("HTTP/1.1 200 ") && !answered.contains("\r\nratelimit"), "{answered}");
    }
}

#[tokio::test]
async fn at_the_end_idle_and_half_open_connections_cost_nothing_and_requests_are_answered() {
    let house = House::start(Bounds::default(), PATIENT).await;
    let (mut silent, mut half, mut idle) = (house.connect().await, house.connect().await, house.connect().await);
    half.write_all(b"GET /livez HT").await.unwrap();
    idle.write_all(LIVEZ).await.unwrap();
    answer(&mut idle).await;
    let mut reading = house.connect().await;
    reading.write_all(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    house.until("/answers/bytes", |bytes| bytes > 0).await;
    let ended = tokio::spawn(async move { house.ending.finish(LONG).await });
    for stream in [&mut silent, &mut half, &mut idle] {
        assert_eq!(rest(stream).await, "");
    }
    assert!(!ended.is_finished(), "an answer is under way");
    assert!(rest(&mut reading).await.len() > LONG_BYTES);
    assert!(ended.await.unwrap());
}

#[tokio::test]
async fn requests_that_do_not_end_are_given_up_at_the_deadline() {
    let house = House::start(Bounds::default(), Timing { end: SOON, ..PATIENT }).await;
    let mut stream = house.connect().await;
    stream.write_all(b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    house.until("/listeners/public/open", |open| open == 1).await;
    assert!(house.ending.finish(LONG).await);
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_turn() {
    let house = House::start(Bounds::default(), PATIENT).await;
    let mut stream = house.connect().await;
    let pipelined = [LIVEZ, LIVEZ, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"].concat();
    stream.write_all(&pipelined).await.unwrap();
    assert_eq!(rest(&mut stream).await.matches("HTTP/1.1 200 OK").count(), 3);
}
