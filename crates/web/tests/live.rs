//! Viewers over real sockets: who does not read is closed and delays nobody, who leaves is let go without a break, and
//! what is said wrongly is answered.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use godwit_flow::{Stopper, Tasks, now_us};
use godwit_live::{Limits, Live};
use godwit_pipeline::Pipeline;
use godwit_store::SqliteStore;
use godwit_web::{Audience, Bounds, Devices, Panics, Proxies, Server as WebServer, Site, Timing, ViewerTiming};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

const LONG: Duration = Duration::from_secs(30);
const TILE: &str = r#"{"tiles":[[7,66,44]]}"#;

struct Server {
    live: Arc<Live>,
    address: SocketAddr,
    ending: Stopper,
    pipeline: Pipeline,
    ticks: u64,
    _serving: Stopper,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start(viewers: ViewerTiming) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let live = Live::new(Limits { entities: 100_000, age_us: 86_400_000_000, viewers: 100 }, now_us());
        let ending = Stopper::default();
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let site = Site {
            live: live.clone(),
            blocks: Arc::new(godwit_store::Blocks::new(store.clone(), now_us, 1 << 20)),
            store,
            devices: Devices::default(),
            page: Arc::default(),
            status: Arc::new(|| serde_json::json!({})),
            ready: Arc::new(|| (true, serde_json::json!({}))),
            health: godwit_flow::Health::default(),
            tasks: Tasks::default(),
            panics: Panics::default(),
            image_hosts: "".into(),
            basemap_file: None,
            clock: now_us,
            stop: ending.stop(),
            viewers,
            limit: None,
            answers: godwit_web::Answers::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (server, serving) = (WebServer::new(Bounds::default(), Timing::default(), Proxies::default()), Stopper::default());
        let router = godwit_web::router(Arc::new(site), Audience::Operators);
        tokio::spawn(server.serve(listener, Audience::Public, router, serving.stop()));
        Self { live, address, ending, pipeline: Pipeline::default(), ticks: 0, _serving: serving, _folder: folder }
    }

    /// So many stations near 47.5 N 7.5 E beacon from a new place, and a tick passes.
    fn beacons(&mut self, count: u32) {
        self.ticks += 1;
        for station in 0..count {
            let minutes = 10.0 + f64::from(station % 40) + self.ticks as f64 / 100.0 % 1.0;
            let line = format!("S{station}>APRS,TCPIP*,qAC,T2:!47{minutes:05.2}N/00730.00E>{}", self.ticks);
            self.live.apply(&self.pipeline.accept(now_us(), line.as_bytes()).changes);
        }
        self.live.tick(now_us(), now_us(), self.ticks);
    }

    async fn get(&self, path: &str, header: &str) -> (String, Vec<u8>) {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        (String::from_utf8(answer[..end].to_ascii_lowercase()).unwrap(), answer[end + 4..].to_vec())
    }
}

/// A page, as far as the wire.
struct Page(TcpStream);

impl Page {
    async fn open(address: SocketAddr, receive_buffer: u32) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(receive_buffer).unwrap();
        let mut page = Self(socket.connect(address).await.unwrap());
        let ask = "GET /live/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        page.0.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(page.0.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        page
    }

    async fn watching(address: SocketAddr) -> Self {
        let mut page = Self::open(address, 1 << 20).await;
        page.say(0x81, TILE.as_bytes()).await;
        assert_eq!(page.frame(1).await.len(), 8 + 8 + 2 + env!("CARGO_PKG_VERSION").len());
        page.frame(2).await;
        page
    }

    /// Sends a short frame.
    async fn say(&mut self, first: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).unwrap();
        assert!(length < 126);
        let masked: Vec<u8> = payload.iter().map(|byte| byte ^ 7).collect();
        self.0.write_all(&[&[first, 0x80 | length, 7, 7, 7, 7][..], &masked].concat()).await.unwrap();
    }

    /// The next WebSocket frame; `None` at the end of the connection.
    async fn hear(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.0.read_u8().await.ok()?;
        let length = match self.0.read_u8().await.ok()? {
            126 => u64::from(self.0.read_u16().await.ok()?),
            127 => self.0.read_u64().await.ok()?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((first, payload))
    }

    /// The body of the next live frame of a kind.
    async fn frame(&mut self, wanted: u8) -> Vec<u8> {
        loop {
            let (first, payload) = timeout(LONG, self.hear()).await.expect("in time").expect("connected");
            assert_eq!((first, payload[0]), (0x82, 1), "{payload:?}");
            let mut rest = &payload[1..];
            while let [kind, after @ ..] = rest {
                let (mut length, mut at) = (0, 0);
                loop {
                    length |= usize::from(after[at] & 0x7f) << (7 * at);
                    at += 1;
                    if after[at - 1] < 0x80 {
                        break;
                    }
                }
                let body = &after[at..at + length];
                if *kind == wanted {
                    return body.to_vec();
                }
                rest = &after[at + length..];
            }
        }
    }

    /// The code it is closed with.
    async fn closed(mut self) -> u16 {
        loop {
            let (first, payload) = timeout(LONG, self.hear()).await.expect("in time").expect("a close frame");
            if first == 0x88 {
                assert!(timeout(LONG, self.hear()).await.expect("in time").is_none());
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_closed_and_nobody_waits_for_it() {
    let mut server = Server::start(ViewerTiming { patience: Duration::from_millis(400), ..ViewerTiming::default() }).await;
    server.beacons(2000);
    let mut reader = Page::watching(server.address).await;
    let mut deaf = Page::open(server.address, 4096).await;
    deaf.say(0x81, TILE.as_bytes()).await;
    let mut seq = None;
    let mut deltas = 0;
    timeout(LONG, async {
        while server.live.figures().viewers_closed_slow == 0 {
            server.beacons(2000);
            // Each tick reaches the one that reads before the next begins.
            let delta = reader.frame(7).await;
            let [from, to] = [5, 9].map(|at| u32::from_le_bytes(delta[at..at + 4].try_into().unwrap()));
            assert!(seq.is_none_or(|seq| seq == from), "nothing is left out");
            seq = Some(to);
            deltas += 1;
        }
    })
    .await
    .expect("the deaf one is closed");
    assert!(deltas > 2, "it had some patience: {deltas}");
    assert_eq!(server.live.figures().viewers, 1);
    // What was sent before still comes; the end is not a goodbye.
    while let Some((first, _)) = timeout(LONG, deaf.hear()).await.expect("in time") {
        assert_eq!(first, 0x82);
    }
}

#[tokio::test]
async fn whoever_is_asked_to_leave_follows_until_it_has_moved() {
    let drain = Duration::from_millis(500);
    let mut server = Server::start(ViewerTiming { drain, ..ViewerTiming::default() }).await;
    server.beacons(10);
    let mut pages = Vec::new();
    for _ in 0..20 {
        pages.push(Page::watching(server.address).await);
    }
    server.ending.finish(Duration::ZERO).await;
    let mut delays = BTreeSet::new();
    for page in &mut pages {
        let leave = page.frame(6).await;
        delays.insert(u32::from_le_bytes(leave.try_into().unwrap()));
    }
    assert!(delays.len() > 10 && delays.iter().all(|delay| *delay < 500), "spread: {delays:?}");
    // The map goes on meanwhile.
    server.beacons(10);
    for page in &mut pages {
        page.frame(3).await;
    }
    let (answer, _) = server.get("/live/v1/ws", "Upgrade: websocket\r\n").await;
    assert!(answer.starts_with("http/1.1 426"), "{answer}");
    let last = pages.pop().unwrap();
    drop(pages);
    assert_eq!(last.closed().await, 1001, "who stays is closed in the end");
    timeout(LONG, server.live.deserted()).await.expect("nobody is left");
}

#[tokio::test]
async fn lists_that_come_faster_than_anybody_pans_wait() {
    let server = Server::start(ViewerTiming::default()).await;
    let mut page = Page::open(server.address, 1 << 16).await;
    let began = Instant::now();
    for x in 0..40 {
        page.say(0x81, format!(r#"{{"tiles":[[9,{x},0]]}}"#).as_bytes()).await;
    }
    let mut before = 0;
    while before < 8 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let tiles = server.live.figures().tiles as usize;
        assert!(tiles <= 1 + began.elapsed().as_millis() as usize / 100, "{tiles} lists in {:?}", began.elapsed());
        assert!(tiles >= before && began.elapsed() < LONG, "none is left out");
        before = tiles;
    }
}

#[tokio::test]
async fn what_a_page_says_is_answered() {
    let server = Server::start(ViewerTiming::default()).await;
    let mut page = Page::open(server.address, 1 << 16).await;
    page.say(0x89, b"there?").await;
    page.frame(1).await;
    assert_eq!(page.hear().await, Some((0x8a, b"there?".to_vec())));
    page.say(0x88, &[3, 232]).await;
    assert_eq!(page.closed().await, 1000);
    for (first, text, code) in [
        (0x81, &br#"{"tiles":7}"#[..], 1008),
        (0x81, br#"{"tiles":[[4,0,0]]}"#, 1008),
        (0x81, b"\xff", 1007),
        (0x82, b"x", 1003),
        (0xc1, b"x", 1002),
    ] {
        let mut page = Page::open(server.address, 1 << 16).await;
        page.say(first, text).await;
        assert_eq!(page.closed().await, code, "{first:x}");
    }
    timeout(LONG, server.live.deserted()).await.expect("all are gone");
}

#[tokio::test]
async fn tiles_over_http_are_named_and_cached() {
    let mut server = Server::start(ViewerTiming::default()).await;
    server.beacons(10);
    let (answer, body) = server.get("/live/v1/tiles/7/66/44", "").await;
    let tag = answer.lines().find_map(|line| line.strip_prefix("etag: w/")).unwrap().to_owned();
    assert!(answer.starts_with("http/1.1 200") && answer.contains("cache-control: public, max-age=1, stale") && body[0] == 1, "{answer}");
    assert_eq!(server.get("/live/v1/tiles/7/66/44", "").await.1, body);
    let (answer, body) = server.get("/live/v1/tiles/7/66/44", &format!("If-None-Match: W/{tag}\r\n")).await;
    assert!(answer.starts_with("http/1.1 304") && answer.contains(&tag) && answer.contains("max-age=1") && body.is_empty(), "{answer}");
    let since = format!("/live/v1/tiles/7/66/44?since={}", tag.trim_matches('"'));
    assert!(server.get(&since, "").await.0.starts_with("http/1.1 204"));
    server.beacons(1);
    let (answer, deltas) = server.get(&since, "").await;
    assert!(answer.starts_with("http/1.1 200") && deltas.len() < 130, "{answer} {}", deltas.len());
    assert!(server.get("/live/v1/tiles/0/0/0", "").await.0.contains("max-age=5"));
    for path in ["/live/v1/tiles/4/0/0", "/live/v1/tiles/3/8/0"] {
        assert!(server.get(path, "").await.0.starts_with("http/1.1 404"), "{path}");
    }
    assert!(server.get("/live/v1/tiles/3/0/0?since=x", "").await.0.starts_with("http/1.1 400"));
}

#[tokio::test]
async fn a_path_that_cannot_be_read_is_told_of_as_every_error() {
    let server = Server::start(ViewerTiming::default()).await;
    for path in ["/live/v1/tiles/999/1/1", "/history/v1/5/1/1/-1", "/history/v1/5/1/1/99999999999/hour", "/basemap/a/b/c"] {
        let (head, body) = server.get(path, "").await;
        assert!(head.starts_with("http/1.1 400"), "{path}: {head}");
        let body: serde_json::Value = serde_json::from_slice(&body).expect(path);
        assert_eq!(body["error"]["code"], "bad_request", "{path}: {body}");
    }
}

#[tokio::test]
async fn the_status_says_how_long_packets_take() {
    let mut server = Server::start(ViewerTiming::default()).await;
    let mut page = Page::watching(server.address).await;
    for _ in 0..4 {
        server.beacons(1);
        page.frame(3).await;
    }
    let read = async || serde_json::from_slice::<serde_json::Value>(&server.get("/api/v1/status", "").await.1).unwrap();
    let status = timeout(LONG, async {
        // A message is counted once it is written, which the page may learn first.
        loop {
            let status = read().await;
            if status["live"]["latency_ms"]["count"] == 4 {
                return status;
            }
        }
    })
    .await
    .expect("four messages");
    let live = &status["live"];
    assert!(live["latency_ms"]["p50"].as_f64().unwrap() <= live["latency_ms"]["p99"].as_f64().unwrap());
    assert_eq!(live["latency_ms"]["buckets"].as_array().unwrap().last().unwrap()["count"], 4);
    assert_eq!((live["tiles"].as_u64(), live["viewers_closed_slow"].as_u64()), (Some(1), Some(0)));
}
