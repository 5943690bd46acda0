//! The API's routes about the past over a real socket, from a real store: what they answer, their bounds, and names that
//! mean harm.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{net::SocketAddr, sync::Arc};

use godwit_flow::{Stopper, Tasks, now_us};
use godwit_live::{Limits, Live};
use godwit_pipeline::Pipeline;
use godwit_store::{Batch, SqliteStore, Store as _};
use godwit_web::{Audience, Bounds, Devices, Panics, Proxies, Server as WebServer, Site, Timing, ViewerTiming};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// 2026-11-20 12:00:00 UTC.
const NOON: i64 = 1_795_176_000_000_000;
const MINUTE: i64 = 60_000_000;
const NOW: i64 = NOON + 20 * MINUTE;

/// A handler with a fault.
async fn faulty() -> &'static str {
    tokio::task::yield_now().await;
    panic!("on purpose")
}

struct Server {
    address: SocketAddr,
    _folder: tempfile::TempDir,
    _ending: Stopper,
    tasks: Tasks,
}

impl Server {
    /// Keeps lines, each so many minutes after noon, and answers twenty minutes after noon.
    async fn start(lines: &[(i64, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let live = Live::new(Limits { entities: 1000, age_us: i64::MAX / 2, viewers: 10 }, now_us());
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let mut pipeline = Pipeline::default();
        let mut batch = Batch::default();
        for (minute, line) in lines {
            let outcome = pipeline.accept(NOON + minute * MINUTE, line);
            batch.records.push(outcome.record);
            batch.changes.extend(outcome.changes);
        }
        live.apply(&batch.changes);
        store.append(batch).await.unwrap();
        let (ending, tasks) = (Stopper::default(), Tasks::default());
        let site = Site {
            live,
            blocks: Arc::new(godwit_store::Blocks::new(store.clone(), now_us, 1 << 20)),
            store,
            limit: None,
            answers: godwit_web::Answers::default(),
            devices: Devices::default(),
            page: Arc::default(),
            status: Arc::new(|| serde_json::json!({})),
            ready: Arc::new(|| (true, serde_json::json!({}))),
            health: godwit_flow::Health::default(),
            tasks: tasks.clone(),
            panics: Panics::default(),
            image_hosts: "".into(),
            basemap_file: None,
            clock: || NOW,
            stop: ending.stop(),
            viewers: ViewerTiming::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let site = Arc::new(site);
        let faulty = axum::Router::new().route("/faulty", axum::routing::get(faulty));
        let router = godwit_web::router(site.clone(), Audience::Operators).merge(godwit_web::guarded(site, faulty));
        let server = WebServer::new(Bounds::default(), Timing::default(), Proxies::default());
        tokio::spawn(server.serve(listener, Audience::Public, router, ending.stop()));
        Self { address, _folder: folder, _ending: ending, tasks }
    }

    /// Two requests on one connection; both answers.
    async fn get_twice(&self, first: &str, second: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let requests =
            format!("GET {first} HTTP/1.1\r\nHost: test\r\n\r\nGET {second} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(requests.as_bytes()).await.unwrap();
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).await.unwrap();
        String::from_utf8_lossy(&answers).into_owned()
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    async fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// An error, as JSON with a sentence that says `part`.
    async fn refused(&self, path: &str, status: u16, part: &str) {
        let (got, body) = self.get(path).await;
        let message = serde_json::from_str::<Value>(&body).unwrap()["error"]["message"].as_str().unwrap().to_owned();
        assert!(got == status && message.contains(part), "{path}: {got} {message}");
    }
}

fn list<'a>(value: &'a Value, field: &str) -> Vec<&'a Value> {
    value[field].as_array().unwrap().iter().collect()
}

#[tokio::test]
async fn weather_is_a_series_and_can_be_thinned() {
    let line = |gust: u8, fahrenheit: u8| {
        format!("WX1A-13>APRS,TCPIP*:@201200z4722.85N/00832.46E_090/010g{gust:03}t{fahrenheit:03}r000p000P000h50b10132")
    };
    let lines: Vec<String> = vec![line(40, 50), line(10, 52), line(5, 54), line(7, 56)];
    let all: Vec<(i64, &[u8])> = lines.iter().enumerate().map(|(at, line)| (at as i64 * 5, line.as_bytes())).collect();
    let server = Server::start(&all).await;

    let whole = server.json("/api/v1/stations/wx1a-13/weather").await;
    assert_eq!(
        (whole["name"].as_str(), whole["kind"].as_str(), whole["truncated"].as_bool()),
        (Some("WX1A-13"), Some("station"), Some(false))
    );
    let reports = list(&whole, "reports");
    assert_eq!(reports.len(), 4);
    assert_eq!(
        (reports[0]["temperature_c"].as_f64(), reports[0]["humidity_percent"].as_f64(), reports[0]["pressure_hpa"].as_f64()),
        (Some(10.0), Some(50.0), Some(1013.2))
    );
    assert!(reports[0].get("snow_24h_mm").is_none(), "what was not sent is absent");
    assert_eq!(reports[1]["received_at"], "2026-11-20T12:05:00.000Z");

    // Of 12:00 and 12:05 the latter, with the gust of the former; then 12:10 and 12:15.
    let thin = server.json("/api/v1/stations/WX1A-13/weather?every=600").await;
    let thin = list(&thin, "reports");
    assert_eq!(thin.iter().map(|one| one["received_at"].as_str().unwrap()[11..16].to_owned()).collect::<Vec<_>>(), ["12:05", "12:15"]);
    assert_eq!(thin[0]["wind_gust_ms"], reports[0]["wind_gust_ms"]);
    assert_eq!(thin[1]["wind_gust_ms"], reports[3]["wind_gust_ms"]);

    let part = server.json("/api/v1/stations/WX1A-13/weather?limit=3").await;
    assert_eq!((list(&part, "reports").len(), part["truncated"].as_bool()), (3, Some(true)));
    let none = server.json("/api/v1/stations/WX1A-13/weather?until=2026-11-20T12:00:00Z").await;
    assert!(list(&none, "reports").is_empty(), "known, and silent then");

    for (query, part) in [
        ("since=2026-09-01T00:00:00Z", "32 days"),
        ("every=0", "every = \"0\""),
        ("limit=10001", "1 to 10000"),
        ("since=yesterday", "RFC 3339"),
        ("kind=ship", "station, object or item"),
    ] {
        server.refused(&format!("/api/v1/stations/WX1A-13/weather?{query}"), 400, part).await;
    }
    server.refused("/api/v1/stations/NOBODY/weather", 404, "NOBODY").await;
}

#[tokio::test]
async fn telemetry_comes_with_what_its_station_said_of_it() {
    let server = Server::start(&[
        (0, b"TL1A>APRS,TCPIP*::TL1A     :PARM.Battery,Temp"),
        (1, b"TL1A>APRS,TCPIP*::TL1A     :UNIT.V,deg C"),
        (2, b"TL1A>APRS,TCPIP*::TL1A     :EQNS.0,0.1,0,0,1,-50"),
        (2, b"OTHER>APRS,TCPIP*::OTHER    :PARM.Not this"),
        (3, b"TL1A>APRS,TCPIP*:T#001,130,070,255,000,010,10000001"),
        (4, b"TL1A>APRS,TCPIP*:T#002,131,071"),
        (5, b"TL1A>APRS,TCPIP*:>no telemetry"),
    ])
    .await;
    let answer = server.json("/api/v1/stations/TL1A/telemetry").await;
    assert_eq!(answer["channels"][0], serde_json::json!({ "name": "Battery", "unit": "V", "equation": [0.0, 0.1, 0.0] }));
    assert_eq!((answer["channels"][1]["unit"].as_str(), list(&answer, "bits").len()), (Some("deg C"), 8));
    let reports = list(&answer, "reports");
    assert_eq!(reports.len(), 2);
    assert_eq!(
        (reports[0]["values"][0].as_f64(), reports[0]["values"][1].as_f64(), reports[0]["raw_values"][0].as_f64()),
        (Some(13.0), Some(20.0), Some(130.0))
    );
    assert_eq!((reports[0]["sequence"].as_u64(), reports[0]["bits"].as_str()), (Some(1), Some("10000001")));
    assert!(reports[1]["values"][2].is_null() && reports[1].get("bits").is_none());
    let newest = server.json("/api/v1/stations/TL1A/telemetry?limit=1").await;
    assert_eq!((newest["reports"][0]["sequence"].as_u64(), newest["truncated"].as_bool()), (Some(2), Some(true)));
    // Without its definitions it is as it was sent.
    let late = server.json("/api/v1/stations/TL1A/telemetry?since=2026-11-20T12:03:00Z").await;
    assert_eq!(late["reports"][0]["values"][0].as_f64(), Some(130.0));
    assert!(late["reports"][0].get("raw_values").is_none());
    server.refused("/api/v1/stations/NOBODY/telemetry", 404, "NOBODY").await;
    server.refused("/api/v1/stations/TL1A/telemetry?limit=0", 400, "limit").await;
}

#[tokio::test]
async fn packets_are_filtered_and_explained() {
    let server = Server::start(&[
        (0, b"OE1A-9>APRS,OE2B*,qAR,OE9X:!4722.85N/00832.46E>088/036 On the ROAD"),
        (1, b"OE1A-9>APRS,qAR,OE9X:>status"),
        (2, b"no packet at all <script>"),
        (3, b"OE1B>APRS,qAR,OE9X:!4722.85N/00832.46E>another road"),
        (4, b"\xff\xfe>nothing"),
    ])
    .await;
    let of = async |query: &str| -> Vec<String> {
        let answer = server.json(&format!("/api/v1/packets?{query}")).await;
        list(&answer, "packets").iter().map(|one| one["raw"].as_str().unwrap().chars().take(6).collect()).collect()
    };
    assert_eq!(of("").await.len(), 5);
    assert_eq!(of("kind=position").await, ["OE1B>A", "OE1A-9"]);
    assert_eq!(of("verdict=bad").await.len(), 2);
    let bad = server.json("/api/v1/packets?verdict=bad&text=script").await;
    let (reason, message) = (&bad["packets"][0]["reason"], &bad["packets"][0]["message"]);
    assert!(reason == "header_source" && message.as_str().unwrap().starts_with("The source is no callsign"), "{bad}");
    assert_eq!(of("text=road").await.len(), 2, "capitals or not");
    assert_eq!(of("text=road&name=oe1a-9").await, ["OE1A-9"]);
    assert_eq!(of("kind=weather").await.len(), 0);
    assert_eq!(of("text=%3Cscript%3E").await, ["no pac"]);
    let first = server.json("/api/v1/packets?kind=position&limit=1").await;
    assert_eq!(list(&first, "packets").len(), 1);
    let rest = server.json(&format!("/api/v1/packets?kind=position&limit=1&cursor={}", first["next"].as_str().unwrap())).await;
    assert!(rest["packets"][0]["raw"].as_str().unwrap().starts_with("OE1A-9"));
    for (query, part) in
        [("kind=x", "position"), ("verdict=x", "implausible"), ("limit=0", "limit"), (&*format!("text={}", "x".repeat(513)), "512")]
    {
        server.refused(&format!("/api/v1/packets?{query}"), 400, part).await;
    }

    // Each byte once, in order, with what it means.
    for packet in list(&server.json("/api/v1/packets").await, "packets") {
        let one = server.json(&format!("/api/v1/packets/{}", packet["id"].as_str().unwrap())).await;
        let mut at = 0;
        for span in list(&one, "explanation") {
            assert_eq!(span["start"].as_u64(), Some(at), "{span}");
            at = span["end"].as_u64().unwrap();
            assert!(!span["meaning"].as_str().unwrap().is_empty());
        }
        assert!(at > 0);
        assert_eq!(one["verdict"] == "bad", one.get("error").is_some());
    }
    let moved = list(&first, "packets")[0]["id"].as_str().unwrap().to_owned();
    let one = server.json(&format!("/api/v1/packets/{moved}")).await;
    let latitude = list(&one, "explanation").into_iter().find(|span| span["field"] == "latitude").unwrap();
    assert_eq!((latitude["text"].as_str(), latitude["value"].as_str()), (Some("4722.85N"), Some("47.38083 degrees")));
}

#[tokio::test]
async fn packets_of_the_future_are_not_the_newest() {
    let year = 400 * 24 * 60;
    let (ahead, now) = (b"A1B>APRS:>ahead", b"A1B>APRS:>now");
    let server = Server::start(&[(year, ahead), (year + 1, b"A1B>APRS:>further ahead"), (5, now), (6, b"A1B>APRS:>later")]).await;
    let raws = async |query: &str| {
        let page = server.json(&format!("/api/v1/packets?{query}")).await;
        list(&page, "packets").iter().map(|one| one["raw"].as_str().unwrap()[9..].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(raws("").await, [">later", ">now"]);
    assert_eq!(raws("text=ahead").await, [">further ahead", ">ahead"], "there are no others");
    assert_eq!(raws("text=now").await, [">now"]);
    assert_eq!(raws("until=2029-01-01T00:00:00Z").await, [">further ahead", ">ahead", ">later", ">now"]);
    assert_eq!(raws("since=2027-06-01T00:00:00Z").await, [">further ahead", ">ahead"]);
    let first = server.json("/api/v1/packets?since=2027-06-01T00:00:00Z&limit=1").await;
    let next = first["next"].as_str().unwrap();
    assert_eq!(raws(&format!("since=2027-06-01T00:00:00Z&cursor={next}")).await, [">ahead"], "pages go on there");
    // A clock that is behind all that is stored shows what there is.
    let server = Server::start(&[(year, ahead)]).await;
    assert_eq!(list(&server.json("/api/v1/packets").await, "packets").len(), 1);
}

#[tokio::test]
async fn who_heard_whom_and_packets_an_hour() {
    let server = Server::start(&[
        (0, b"OE9X>APRS,TCPIP*:!4722.85N/00932.46E&"),
        (1, b"OE1A-9>APRS,qAR,OE9X:!4722.85N/00832.46E>one"),
        (2, b"OE1A-9>APRS,qAR,OE9X:!4722.85N/00832.46E>two"),
        (3, b"OE1A-9>APRS,OE2B*,qAR,OE9X:!4722.85N/00832.46E>three"),
        (4, b"no packet"),
    ])
    .await;
    let by = server.json("/api/v1/stations/oe1a-9/heard").await;
    assert_eq!((by["name"].as_str(), by["side"].as_str(), by["days"].as_u64()), (Some("OE1A-9"), Some("heard_by"), Some(30)));
    let by = list(&by, "stations");
    assert_eq!(
        (by[0]["name"].as_str(), by[0]["packets"].as_u64(), by[0]["last_day"].as_str()),
        (Some("OE9X"), Some(2), Some("2026-11-20"))
    );
    let km = by[0]["longest_km"].as_f64().unwrap();
    assert!((70.0..80.0).contains(&km), "a degree east at 47 north: {km}");
    assert_eq!((by[1]["name"].as_str(), by[1].get("longest_km")), (Some("OE2B"), None), "nobody knows where it is");
    let heard = server.json("/api/v1/stations/OE9X/heard?side=heard&days=1&limit=1").await;
    assert_eq!((heard["stations"][0]["name"].as_str(), heard["truncated"].as_bool()), (Some("OE1A-9"), Some(false)));
    assert_eq!(server.json("/api/v1/stations/OE1A-9/heard?limit=1").await["truncated"], true);
    assert!(list(&server.json("/api/v1/stations/OE9X/heard").await, "stations").is_empty(), "known, and heard by nobody");
    for (query, part) in [("side=x", "heard_by"), ("days=0", "366"), ("days=9999", "366"), ("limit=1001", "1000")] {
        server.refused(&format!("/api/v1/stations/OE1A-9/heard?{query}"), 400, part).await;
    }
    server.refused("/api/v1/stations/NOBODY/heard", 404, "NOBODY").await;

    let hours = server.json("/api/v1/packets/hours").await;
    assert_eq!(list(&hours, "hours").len(), 1);
    assert_eq!(
        hours["hours"][0],
        serde_json::json!({ "hour": "2026-11-20T12:00:00.000Z", "accepted": 4, "duplicate": 0, "implausible": 0, "bad": 1 })
    );
    server.refused("/api/v1/packets/hours?since=2026-01-01T00:00:00Z", 400, "32 days").await;
}

#[tokio::test]
async fn the_list_of_routes_is_true() {
    let server = Server::start(&[(0, b"OE1A>APRS,qAR,OE9X:!4722.85N/00832.46E>")]).await;
    let id = server.json("/api/v1/packets").await["packets"][0]["id"].as_str().unwrap().to_owned();
    let routes = server.json("/api/v1").await;
    assert!(list(&routes, "routes").len() >= 10);
    for route in list(&routes, "routes") {
        let mut path = route["path"].as_str().unwrap().replace("{name}", "OE1A").replace("{id}", &id);
        let query: Vec<String> = list(route, "parameters")
            .iter()
            .filter(|one| one["in"] == "query" && one["example"] != "")
            .map(|one| format!("{}={}", one["name"].as_str().unwrap(), one["example"].as_str().unwrap()))
            .collect();
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        server.json(&path).await;
    }
    assert_eq!(server.json("/api/v1/status").await["kept"]["stored"], 1);
}

#[tokio::test]
async fn names_that_mean_harm_are_only_names() {
    let server = Server::start(&[
        (0, b"OE1A>APRS,TCPIP*:;<b>EVE   *201200z4722.85N/00832.46E-"),
        (1, b"OE1A>APRS,TCPIP*:;100%/../ *201200z4722.85N/00832.46E_090/010g005t050"),
    ])
    .await;
    let weather = server.json("/api/v1/stations/100%25%2F..%2F/weather?kind=object").await;
    assert_eq!((weather["name"].as_str(), list(&weather, "reports").len()), (Some("100%/../"), 1));
    assert_eq!(server.json("/api/v1/stations/%3Cb%3EEVE/telemetry").await["kind"], "object");
    for name in ["%00", "%FF", "'%3B--", "%E2%80%AE", &"A".repeat(300), "..%2F..%2Fetc%2Fpasswd", "%3Cscript%3E"] {
        for route in ["weather", "telemetry", "track", "heard"] {
            let (status, body) = server.get(&format!("/api/v1/stations/{name}/{route}")).await;
            let error = serde_json::from_str::<Value>(&body).unwrap()["error"]["message"].as_str().unwrap().to_owned();
            assert!(matches!(status, 400 | 404) && !error.contains('\0') && error.len() < 300, "{name} {route}: {status} {error}");
        }
    }
    for path in ["/api/v1/nonsense", "/api/v2", "/api/v1/packets/x/y", "/api/v1/stations/OE1A/"] {
        server.refused(path, 404, "docs/api.md").await;
    }
}

#[tokio::test]
async fn a_leap_is_told_with_its_reason_and_moves_nothing() {
    let server = Server::start(&[
        (0, b"A1B-9>APRS,qAR,I:!4722.85N/00832.46E>147/064 on tour"),
        (2, b"A1B-9>APRS,qAR,I:!5222.85N/00832.46E>147/064 far away"),
    ])
    .await;
    let station: Value = server.json("/api/v1/stations/A1B-9").await;
    assert!((station["latitude"].as_f64().unwrap() - 47.38).abs() < 0.01, "{station}");
    assert_eq!(station["last_heard"], "2026-11-20T12:02:00.000Z");
    let track: Value = server.json("/api/v1/stations/A1B-9/track?since=2026-11-20T00:00:00Z").await;
    assert_eq!((&track["points"][0]["verdict"], &track["points"][1]["verdict"]), (&"accepted".into(), &"implausible".into()));
    assert_eq!(track["points"][1]["reason"], "too_fast");
    let packets: Value = server.json("/api/v1/packets?verdict=implausible").await;
    let [packet] = &packets["packets"].as_array().unwrap()[..] else { panic!("{packets}") };
    assert_eq!((&packet["reason"], packet["message"].is_string()), (&"too_fast".into(), true));
}

#[tokio::test]
async fn a_panic_in_a_handler_is_a_counted_500_and_the_connection_goes_on() {
    let server = Server::start(&[]).await;
    let answers = server.get_twice("/faulty", "/api/v1/status").await;
    assert!(answers.starts_with("HTTP/1.1 500 "), "{answers}");
    assert!(answers.contains(r#"{"error":{"code":"internal","message":"#) && !answers.contains("on purpose"), "{answers}");
    let (_, status) = answers.split_once("HTTP/1.1 200 OK").expect("the second answer on the same connection");
    let status: Value = serde_json::from_str(status.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(status["panics"], serde_json::json!({ "handlers": 1, "viewers": 0 }));
}

#[tokio::test]
async fn livez_names_a_task_that_has_failed() {
    let server = Server::start(&[]).await;
    assert_eq!(server.get("/livez").await, (200, "ok".to_owned()));
    Stopper::new(server.tasks.clone()).essential("intake", async { panic!("a secret") });
    server.tasks.failure().await;
    assert_eq!(server.get("/livez").await, (500, "the task intake has failed".to_owned()));
}

#[tokio::test]
async fn a_station_is_told_as_it_was_at_a_time() {
    let server = Server::start(&[
        (0, b"A1B-9>APRS,qAR,I:!4722.85N/00832.46E>147/064 first"),
        (2, b"A1B-9>APRS,qAR,I:>only a status"),
        (4, b"A1B-9>APRS,qAR,I:!4723.85N/00832.46E>147/064 second"),
        (6, b"A1B>APRS,qAR,I:;T2ZURICH *201200z4722.85N/00832.46E- object"),
    ])
    .await;
    let at = async |minute: u8| server.json(&format!("/api/v1/stations/A1B-9?at=2026-11-20T12:0{minute}:00Z")).await;
    let first = at(0).await;
    assert_eq!(
        (&first["comment"], &first["last_heard"]),
        (&"first".into(), &"2026-11-20T12:00:00.000Z".into()),
        "a packet of that very time counts"
    );
    let between = at(3).await;
    assert_eq!((&between["comment"], &between["last_heard"]), (&"first".into(), &"2026-11-20T12:02:00.000Z".into()));
    assert_eq!((&between["status"], &between["received_at"]), (&"only a status".into(), &"2026-11-20T12:00:00.000Z".into()));
    assert!(between["raw"].as_str().unwrap().ends_with("first"), "{between}");
    let now = server.json("/api/v1/stations/A1B-9").await;
    assert_eq!((at(5).await["comment"].clone(), now["comment"].clone()), ("second".into(), "second".into()));
    server.refused("/api/v1/stations/A1B-9?at=2026-11-20T11:59:59Z", 404, "no packet is kept").await;
    server.refused("/api/v1/stations/A1B-9?at=noon", 400, "at").await;
    // Without a kind an object is found under its plain name, at a time too.
    for query in ["", "?at=2026-11-20T12:06:00Z"] {
        assert_eq!(server.json(&format!("/api/v1/stations/T2ZURICH{query}")).await["kind"], "object");
    }
}

#[tokio::test]
async fn a_search_tells_how_many_there_are() {
    let lines: Vec<String> = (0..12).map(|n| format!("SP9A{}>APRS,qAR,I:!4722.85N/00832.46E>", char::from(b'A' + n))).collect();
    let all: Vec<(i64, &[u8])> = lines.iter().map(|line| (0, line.as_bytes())).collect();
    let server = Server::start(&all).await;
    let some = server.json("/api/v1/search?q=SP9*&limit=5").await;
    assert_eq!((list(&some, "results").len(), &some["total"]), (5, &12.into()));
    assert_eq!(server.json("/api/v1/search?q=QQ*").await["total"], 0);
}
