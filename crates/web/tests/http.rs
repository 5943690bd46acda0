//! HTTP as strangers and attackers speak it, over real sockets: methods, conditional requests, headers, what is told to
//! whom, many expensive requests at once, lists that are read while packets come.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use godwit_flow::{Part, Stopper, now_us};
use godwit_live::{Limits, Live};
use godwit_pipeline::Pipeline;
use godwit_store::SqliteStore;
use godwit_web::{Answers, Audience, Devices, Site, ViewerTiming};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const LONG: Duration = Duration::from_secs(60);

struct Server {
    live: Arc<Live>,
    health: godwit_flow::Health,
    ready: Arc<AtomicBool>,
    public: SocketAddr,
    operators: SocketAddr,
    pipeline: Pipeline,
    _folder: tempfile::TempDir,
    _ending: Stopper,
}

struct Reply {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Server {
    async fn start(answers: Answers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let live = Live::new(Limits { entities: 100_000, age_us: i64::MAX / 2, viewers: 10 }, now_us());
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let (ending, ready, health) = (Stopper::default(), Arc::new(AtomicBool::new(false)), godwit_flow::Health::default());
        let is_ready = ready.clone();
        let site = Arc::new(Site {
            live: live.clone(),
            blocks: Arc::new(godwit_store::Blocks::new(store.clone(), now_us, 1 << 20)),
            store,
            limit: None,
            answers,
            devices: Devices::default(),
            page: Arc::default(),
            status: Arc::new(|| {
                json!({
                    "feed": { "state": "waiting", "server": "10.9.8.7:14580", "login": "N0CALL-7", "last_error": "10.9.8.7 refused" },
                    "packets": { "received": 5 },
                    "jobs": [{ "name": "devices", "last_result": "https://10.9.8.7/x failed" }],
                    "cluster": { "role": "cut_off", "replica": "host-10.9.8.7", "token": 7, "database": { "trouble": "10.9.8.7 (25006)" } },
                })
            }),
            ready: Arc::new(move || {
                (is_ready.load(Ordering::SeqCst), json!({ "ready": is_ready.load(Ordering::SeqCst), "why": "10.9.8.7/godwit (25006)" }))
            }),
            health: health.clone(),
            tasks: godwit_flow::Tasks::default(),
            panics: godwit_web::Panics::default(),
            image_hosts: "".into(),
            basemap_file: None,
            clock: now_us,
            stop: ending.stop(),
            viewers: ViewerTiming::default(),
        });
        let server = godwit_web::Server::new(godwit_web::Bounds::default(), godwit_web::Timing::default(), godwit_web::Proxies::default());
        let mut addresses = Vec::new();
        for audience in [Audience::Public, Audience::Operators] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(listener.local_addr().unwrap());
            let router = godwit_web::router(site.clone(), audience);
            tokio::spawn(server.clone().serve(listener, audience, router, ending.stop()));
        }
        let [public, operators] = addresses[..] else { panic!("two") };
        Self { live, health, ready, public, operators, pipeline: Pipeline::default(), _folder: folder, _ending: ending }
    }

    /// Stations with these numbers beacon, spread over the world.
    fn beacons(&mut self, numbers: impl Iterator<Item = u32>) {
        for number in numbers {
            let (north, east) = (number % 80, number * 7 % 170);
            let line = format!("S{number:05}>APRS,TCPIP*,qAC,T2:!{north:02}30.00N/{east:03}30.00E>");
            self.live.apply(&self.pipeline.accept(now_us(), line.as_bytes()).changes);
        }
    }

    async fn get(&self, path: &str) -> Reply {
        ask(self.public, "GET", path, "").await
    }
}

async fn ask(address: SocketAddr, method: &str, target: &str, headers: &str) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(format!("{method} {target} HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n{headers}\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    timeout(LONG, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let headers =
        head.lines().skip(1).filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Reply { status: head[9..12].parse().unwrap(), headers: headers.collect(), body: answer[end + 4..].to_vec() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_stations_is_read_in_pages_while_packets_come() {
    let mut server = Server::start(Answers::default()).await;
    // Even numbers are there all the time; the others come, go for want of a position, and move meanwhile.
    server.beacons((0..6000).map(|n| n * 2));
    for bbox in ["", "bbox=-180,-90,180,90&", "bbox=0,0,4,4&"] {
        let everybody = server.live.figures().entities;
        let (mut names, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = server.get(&format!("/api/v1/stations?{bbox}limit=500{cursor}")).await;
            assert_eq!(page.status, 200, "{}", page.text());
            let page = page.json();
            let list = page["stations"].as_array().unwrap();
            assert!(list.len() <= 500);
            names.extend(list.iter().map(|one| one["name"].as_str().unwrap().to_owned()));
            pages += 1;
            // Half of these are known and beacon again, half are new: before and behind where the list is.
            server.beacons((0..40).map(|n| n * 150 + pages));
            assert_eq!(page["truncated"].as_bool(), Some(page["next"].is_string()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let mut once = names.clone();
        once.sort();
        assert_eq!(names, once, "in order");
        once.dedup();
        assert_eq!(names.len(), once.len(), "nobody is there twice");
        let there = |n: u32| bbox != "bbox=0,0,4,4&" || (n % 80 < 4 && n * 7 % 170 < 4);
        for n in (0..6000).map(|n| n * 2).filter(|n| there(*n)) {
            assert!(once.binary_search(&format!("S{n:05}")).is_ok(), "{bbox}: {n} is missing of {everybody}");
        }
    }
    assert_eq!(server.get("/api/v1/stations").await.json()["stations"].as_array().unwrap().len(), 1000);
    assert_eq!(server.get("/api/v1/stations?limit=5000").await.json()["stations"].as_array().unwrap().len(), 5000);
    for (query, part) in
        [("limit=5001", "1 to 5000"), ("cursor=x", "next"), ("cursor=", "next"), ("limit=1&limit=2", "limit"), ("bbox=%FF", "bbox")]
    {
        let refused = server.get(&format!("/api/v1/stations?{query}")).await;
        let error = &refused.json()["error"];
        assert!(
            refused.status == 400 && error["code"] == "bad_request" && error["message"].as_str().unwrap().contains(part),
            "{query}: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_expensive_requests_are_answered_or_refused_and_probes_go_on() {
    let mut server = Server::start(Answers::default()).await;
    server.beacons(0..20_000);
    let paths =
        ["/api/v1/stations?limit=5000", "/api/v1/search?q=*9*9*&limit=100", "/api/v1/stations/near?latitude=-89&longitude=0&limit=100"];
    let asking: Vec<_> = (0..300)
        .map(|n| {
            let (address, path) = (server.public, paths[n % paths.len()]);
            tokio::spawn(async move { ask(address, "GET", path, "").await })
        })
        .collect();
    // Probes are asked one after the other until the last of these has its answer.
    let probing = tokio::spawn({
        let address = server.public;
        async move {
            let mut probes = 0;
            loop {
                assert_eq!(ask(address, "GET", "/livez", "").await.status, 200);
                probes += 1;
                tokio::task::yield_now().await;
                if probes >= 20 {
                    return;
                }
            }
        }
    });
    let (mut answered, mut refused) = (0, 0);
    for one in asking {
        let reply = one.await.unwrap();
        match reply.status {
            200 => answered += 1,
            503 => {
                assert_eq!((&reply.json()["error"]["code"], reply.header("retry-after")), (&"busy".into(), "5"));
                refused += 1;
            }
            other => panic!("{other}: {}", reply.text()),
        }
    }
    probing.await.unwrap();
    assert!(answered >= 16 && answered + refused == 300, "{answered} answered, {refused} refused");
    let figures = server.get("/api/v1/status").await.json()["answers"].clone();
    assert_eq!(figures, json!({ "under_way": 0, "waiting": 0, "refused": refused }));
}

#[tokio::test]
async fn strangers_are_told_no_hosts_names_or_errors_and_operators_are() {
    let server = Server::start(Answers::default()).await;
    server.health.report(Part::Disk, Some("/var/lib/godwit is full".to_owned()), 1_795_176_000_000_000);
    let whole = ask(server.operators, "GET", "/api/v1/status", "").await.json();
    assert!(whole["cluster"]["token"] == 7 && whole["feed"]["server"] == "10.9.8.7:14580" && whole["health"]["disk"]["ok"] == false);
    let ready = ask(server.operators, "GET", "/readyz?verbose", "").await;
    assert_eq!((ready.status, &ready.json()["parts"]["disk"]["trouble"]), (503, &"/var/lib/godwit is full".into()));
    assert_eq!(ready.json()["parts"]["disk"]["since"], "2026-11-20T12:00:00.000Z");
    assert_eq!(ready.json()["parts"]["clock"], json!({ "ok": true, "trouble": null, "since": null }));
    assert!(ask(server.operators, "GET", "/readyz", "").await.json().get("parts").is_none());
    for path in ["/api/v1/status", "/readyz", "/readyz?verbose", "/startupz", "/livez", "/live/v1/page.json"] {
        let reply = server.get(path).await;
        for secret in ["10.9.8.7", "25006", "N0CALL-7", "host-", "token", "/var/lib", "last_result"] {
            assert!(!reply.text().contains(secret), "{path}: {}", reply.text());
        }
    }
    let shown = server.get("/api/v1/status").await;
    assert_eq!((&shown.json()["feed"]["state"], &shown.json()["packets"]["received"]), (&"waiting".into(), &5.into()));
    assert_eq!((&shown.json()["cluster"], &shown.json()["kept"]["stored"]), (&json!({ "role": "cut_off" }), &0.into()));
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(server.get("/readyz").await.json(), json!({ "ready": false }));
    // Started once, and then for good; ready or not.
    assert_eq!(server.get("/startupz").await.status, 503);
    server.ready.store(true, Ordering::SeqCst);
    assert_eq!((server.get("/startupz").await.status, server.get("/readyz").await.status), (200, 200));
    server.ready.store(false, Ordering::SeqCst);
    assert_eq!((server.get("/startupz").await.status, server.get("/readyz").await.status), (200, 503));
}

#[tokio::test]
async fn only_reading_is_answered_and_what_is_not_there_is_not_the_page() {
    let server = Server::start(Answers::default()).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS", "BREW"] {
        for target in ["/", "/api/v1/packets", "/api/v1/nonsense", "/livez", "/live/v1/ws", "/assets/x", "*", "evil.example:443"] {
            let form = match method {
                "CONNECT" => target.ends_with(":443"),
                "OPTIONS" => !target.ends_with(":443") && !target.starts_with("/api/"),
                _ => target.starts_with('/'),
            };
            if !form {
                continue;
            }
            let reply = ask(server.public, method, target, "").await;
            assert_eq!(reply.status, 405, "{method} {target}: {}", reply.text());
            assert!(
                reply.header("allow").starts_with("GET, HEAD") && reply.json()["error"]["code"] == "method_not_allowed",
                "{method} {target}"
            );
        }
    }
    for path in [
        "/health",
        "/ready",
        "/healthz",
        "/metrics",
        "/.well-known/security.txt",
        "/.well-known",
        "/messages",
        "/embed/",
        "/telemetry/SR9POD",
        "/a/b/c",
    ] {
        let reply = server.get(path).await;
        assert_eq!((reply.status, reply.header("content-type")), (404, "text/plain; charset=utf-8"), "{path}");
        assert_eq!(reply.header("cache-control"), "no-store");
        let page = ask(server.public, "GET", path, "Accept: text/html,*/*;q=0.8\r\nAccept-Language: de-AT,en;q=0.5\r\n").await;
        assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"), "{path}");
        assert!(page.text().contains("Hier ist nichts") && page.text().contains("href=\"/\""), "{}", page.text());
    }
    assert_eq!((server.get("/404.css").await.status, server.get("/robots.txt").await.status), (200, 200));
    assert!(server.get("/robots.txt").await.text().contains("Disallow: /api/"));
    for path in ["/", "/DL1ABC-9", "/MESSAGES", "/packets", "/info/X", "/api"] {
        let reply = server.get(path).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
    }
}

#[tokio::test]
async fn representations_have_tags_of_their_own_and_are_asked_for_conditionally() {
    let mut server = Server::start(Answers::default()).await;
    server.beacons(0..50);
    let get = async |path: &str, headers: &str| ask(server.public, "GET", path, headers).await;
    let (plain, gzip) = (get("/", "").await, get("/", "Accept-Encoding: gzip\r\n").await);
    assert!(
        plain.header("etag") != gzip.header("etag") || gzip.header("content-encoding").is_empty(),
        "a front-end that is built is packed"
    );
    assert_eq!(gzip.header("vary"), "accept-encoding");
    for (path, headers) in [
        ("/", "Accept-Encoding: gzip\r\n"),
        ("/basemap/3/4/2.mvt", "Accept-Encoding: gzip\r\n"),
        ("/live/v1/tiles/3/4/2", ""),
        ("/history/v1/3/4/2/1000000", ""),
    ] {
        let tag = get(path, headers).await.header("etag").to_owned();
        let bare = tag.trim_start_matches("W/");
        for known in [tag.clone(), format!("W/{bare}"), format!("\"x\", {tag}"), format!("\"x\", W/\"y\",W/{bare}"), "*".to_owned()] {
            let reply = get(path, &format!("{headers}If-None-Match: {known}\r\n")).await;
            assert_eq!((reply.status, reply.body.len(), reply.header("etag")), (304, 0, &*tag), "{path} {known}");
        }
        assert_eq!(get(path, &format!("{headers}If-None-Match: \"x\", W/\"y\"\r\n")).await.status, 200, "{path}");
    }
    let (map, refused) = (get("/basemap/3/4/2.mvt", "Accept-Encoding: gzip\r\n").await, get("/basemap/3/4/2.mvt", "").await);
    assert_eq!((map.header("vary"), refused.header("vary"), refused.status), ("accept-encoding", "accept-encoding", 406));
}

#[tokio::test]
async fn headers_say_who_may_read_what_and_for_how_long() {
    let server = Server::start(Answers::new(31_536_000, "https://map.example.org".parse().unwrap())).await;
    let page = server.get("/").await;
    assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
    assert_eq!((page.header("cross-origin-resource-policy"), page.header("access-control-allow-origin")), ("same-origin", ""));
    assert!(page.header("permissions-policy").contains("geolocation=(self)") && page.header("permissions-policy").contains("camera=()"));
    for (path, status, cache) in
        [("/api/v1/stations", 200, "no-cache"), ("/api/v1/nothing", 404, "no-store"), ("/api/v1/status", 200, "no-store")]
    {
        let reply = server.get(path).await;
        assert_eq!(
            (reply.status, reply.header("cache-control"), reply.header("access-control-allow-origin")),
            (status, cache, "*"),
            "{path}"
        );
        assert_eq!(reply.header("cross-origin-resource-policy"), "cross-origin");
    }
    let preflight =
        ask(server.public, "OPTIONS", "/api/v1/packets", "Origin: https://other.example\r\nAccess-Control-Request-Method: GET\r\n").await;
    assert_eq!((preflight.status, preflight.body.len()), (204, 0));
    assert_eq!((preflight.header("access-control-allow-origin"), preflight.header("access-control-max-age")), ("*", "86400"));
    assert!(preflight.header("access-control-allow-methods").contains("GET"));
    assert_eq!(Server::start(Answers::default()).await.get("/").await.header("strict-transport-security"), "");
    // Tiles stay lean: no more than six headers but the date.
    let tile = server.get("/live/v1/tiles/3/4/2").await;
    let beyond = tile.headers.keys().filter(|name| !["date", "content-length", "connection"].contains(&name.as_str())).count();
    assert!(tile.status == 200 && beyond <= 6, "{:?}", tile.headers);
}

const HANDSHAKE: &str =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn handshake(address: SocketAddr, origin: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET /live/v1/ws HTTP/1.1\r\nHost: site.example\r\n{origin}{HANDSHAKE}\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(LONG, stream.read_u8()).await.unwrap().unwrap());
    }
    (String::from_utf8(head).unwrap(), stream)
}

#[tokio::test]
async fn live_streams_are_for_pages_of_this_site_and_for_programs() {
    let server = Server::start(Answers::new(0, "https://map.example.org".parse().unwrap())).await;
    for origin in ["", "Origin: https://site.example\r\n", "Origin: http://site.example\r\n", "Origin: https://map.example.org\r\n"] {
        assert!(handshake(server.public, origin).await.0.starts_with("HTTP/1.1 101 "), "{origin}");
    }
    for origin in ["https://evil.example", "null", "https://site.example.evil.example", "https://site.example:444"] {
        assert!(handshake(server.public, &format!("Origin: {origin}\r\n")).await.0.starts_with("HTTP/1.1 403 "), "{origin}");
    }
}

#[tokio::test]
async fn who_sends_too_much_still_reads_why_it_is_closed() {
    let server = Server::start(Answers::default()).await;
    let (_, mut stream) = handshake(server.public, "").await;
    // A text that says it is long, and much more of it than the server reads before it has had enough.
    stream.write_all(&[0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4]).await.unwrap();
    stream.write_all(&vec![0; 1 << 20]).await.unwrap();
    let mut said = Vec::new();
    timeout(LONG, stream.read_to_end(&mut said)).await.unwrap().expect("it is not broken off");
    let at = said.windows(2).rposition(|bytes| bytes == 1008_u16.to_be_bytes()).expect("a close frame");
    assert_eq!((said[at - 2], &said[at + 2..]), (0x88, &b"the text is over 8192 bytes"[..]));
}
