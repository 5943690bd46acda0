//! The program as a person or a supervisor uses it: the real binary, real sockets, real files.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use godwit_feed::FeedState;
use godwit_testkit::{Server, Step, good_login};
use serde_json::Value;

fn godwit(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_godwit"));
    // Nothing of this may land in the folder of the sources.
    command.args(arguments).env_remove("GODWIT_CONFIG").current_dir(std::env::temp_dir()).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = godwit(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The program may end without reading all of it.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `godwit serve` on a free port, killed when dropped.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(data: &Path, more: &[&str]) -> Self {
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        // Its own address is the operators', unless a test says another.
        let operators = if more.contains(&"--metrics-listen") { vec![] } else { vec!["--metrics-listen", &address] };
        let arguments =
            [&["serve", "--listen", &address, "--data", data.to_str().unwrap(), "--log", "warn"], &operators[..], more].concat();
        let mut child = godwit(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("is ready on"), "{line}");
        Self { child, address }
    }

    /// Status and body of a GET.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = text(&answer);
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
        (status, body)
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    fn until(&self, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let status = self.json("/api/v1/status");
            if reached(&status) {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{what}: {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn end(mut self) -> i32 {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn decode_writes_one_object_a_line() {
    let input = b"OE9XXX-9>APRS,OE9A*,WIDE2-1,qAR,OE9XYZ:!4722.85N/00832.46E>147/064/A=001414Hi\nnonsense\n\nA1B>APRS:>caf\xe9\n";
    let output = run(&["decode", "-", "--format", "json"], input);
    assert!(output.status.success());
    let objects: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 4);
    assert_eq!(objects[0]["kind"], "position");
    assert_eq!((&objects[0]["heard"], &objects[0]["igate"]), (&"digipeated".into(), &"OE9XYZ".into()));
    assert!((objects[0]["position"]["latitude"].as_f64().unwrap() - 47.380_833).abs() < 1e-5);
    assert!(objects[1]["error"]["code"].is_string() && objects[1]["raw"] == "nonsense");
    assert_eq!((&objects[2]["raw"], &objects[2]["error"]["code"]), (&"".into(), &"line_empty".into()));
    assert_eq!(objects[3]["status"], "café");
    let long = [b"x".repeat(200_000).as_slice(), b"\nA1B>APRS:>on air"].concat();
    let objects: Vec<Value> =
        text(&run(&["decode", "--format", "json"], &long).stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((objects.len(), &objects[0]["error"]["code"], &objects[1]["status"]), (2, &"line_long".into(), &"on air".into()));
    let dated = run(&["decode", "--format", "json", "--received-at", "2026-11-01T00:03:00Z"], b"A1B>APRS:>312358zUp\n");
    let dated: Value = serde_json::from_str(&text(&dated.stdout)).unwrap();
    assert_eq!(dated["timestamp"], "2026-10-31T23:58:00Z");
    assert_eq!(run(&["decode", "--received-at", "yesterday"], b"").status.code(), Some(2));
    let explained = run(&["decode", "--explain"], input);
    assert!(explained.status.success() && text(&explained.stdout).contains("not readable"));
    assert!(!text(&run(&["decode", "--explain"], b"A1B>APRS:>\x1b[31mred\n").stdout).contains('\x1b'), "no control of the terminal");
}

#[test]
fn configuration_is_shown_and_refused() {
    let output = godwit(&["config", "show", "--passcode", "12345", "--retention-days", "7"]).env("GODWIT_RATE", "99").output().unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success() && !shown.contains("12345"));
    assert!(shown.lines().any(|line| line.starts_with("retention-days") && line.contains("= 7") && line.contains("# flag")));
    assert!(shown.lines().any(|line| line.starts_with("rate") && line.contains("= 99") && line.contains("# environment")));
    for (arguments, words) in [
        (&["serve", "--listen", "nonsense"][..], "listen"),
        (&["serve", "--callsign", "X"], "callsign"),
        (&["serve", "--aprs-is", "127.0.0.1:1"], "needs a callsign"),
        (&["serve", "--demo", "--callsign", "N0CALL"], "do not go together"),
        (&["serve", "--database-url", "postgresql://x:notaport/y"], "database URL"),
        (&["serve", "--redis-url", "redis://127.0.0.1:1"], "without database-url"),
        (&["serve", "--log", "a=b=c"], "log"),
        (&["simulate", "--rate", "0"], "rate"),
        (&["import", "/nowhere/at/all", "--data", "/proc/nowhere"], "data folder"),
        (&["nonsense"], "nonsense"),
    ] {
        let output = run(arguments, b"");
        let error = text(&output.stderr);
        assert!(!output.status.success() && error.contains(words) && !error.contains("panicked"), "{arguments:?}: {error}");
    }
}

#[test]
fn importing_twice_adds_nothing_and_what_is_imported_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("packets.txt");
    let lines: Vec<String> = (0..3000)
        .map(|i| format!("2026-11-22T10:{:02}:{:02}Z A{}B>APRS,qAR,G1:!4722.85N/00832.46E>number {i}", i / 60 % 60, i % 60, i % 50))
        .collect();
    std::fs::write(&file, lines.join("\n") + "\nnot a packet\nU1T>APRS:>without a time\n").unwrap();
    let import = || run(&["import", file.to_str().unwrap(), "--data", data.to_str().unwrap(), "--retention-days", "0"], b"");
    let first = import();
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert!(
        text(&first.stdout).contains("3002 lines in 203.")
            && text(&first.stdout).contains(": 3001 stored, 0 duplicates, 1 bad, 0 already there"),
        "{}",
        text(&first.stdout)
    );
    let again = text(&import().stdout);
    assert!(again.contains(": 0 stored, 0 duplicates, 0 bad, 3002 already there (imported before"), "{again}");
    let piped = run(&["import", "-", "--data", data.to_str().unwrap()], &std::fs::read(&file).unwrap());
    assert!(text(&piped.stdout).starts_with("standard input: 3002 lines in 203."), "{}", text(&piped.stdout));
    assert!(text(&piped.stdout).contains(": 0 stored, 0 duplicates, 0 bad, 3002 already there"), "{}", text(&piped.stdout));
    let serving = Serving::start(&data, &["--retention-days", "0"]);
    let page = serving.json("/api/v1/packets?limit=10000&until=2026-11-23T00:00:00Z");
    assert_eq!(page["packets"].as_array().unwrap().len(), 3000);
    assert_eq!(serving.json("/api/v1/packets?name=a7b&limit=10000")["packets"].as_array().unwrap().len(), 60);
    assert_eq!(serving.json("/api/v1/status")["feed"]["state"], "disabled");
    assert_eq!(serving.end(), 0);
}

#[test]
fn the_demo_moves_and_every_route_answers() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &["--demo", "--rate", "1000", "--stations", "2000"]);
    let status =
        serving.until("stations", |status| status["entities"].as_u64() > Some(1000) && status["packets"]["stored"].as_u64() > Some(2000));
    assert_eq!(status["engine"], "sqlite");
    assert!(status["feed"]["connected_at"].is_string() && status["version"].is_string() && status["viewers"] == 0);
    let stations = serving.json("/api/v1/stations?bbox=-180,-90,180,90&limit=50");
    let stations_list = stations["stations"].as_array().unwrap();
    assert_eq!((stations_list.len(), &stations["truncated"]), (50, &Value::Bool(true)));
    for station in stations_list {
        let name = station["name"].as_str().unwrap();
        let path: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let one = serving.json(&format!("/api/v1/stations/{path}"));
        assert!(one["raw"].is_string() && one["path"].is_array() && one["symbol_name"].is_string(), "{one}");
    }
    let name = stations_list[0]["name"].as_str().unwrap();
    assert!(!serving.json(&format!("/api/v1/search?q={}", &name[..2].replace('<', "%3C")))["results"].as_array().unwrap().is_empty());
    let range = serving.json("/history/v1/range");
    let open = range["open_block"].as_i64().unwrap();
    assert_eq!((&range["oldest_block"], &range["block_s"]), (&range["open_block"], &600.into()));
    assert!(serving.get(&format!("/history/v1/0/0/0/{open}")).0 == 200 && serving.json("/api/v1/status")["history"]["blocks_read"] == 1);
    let packets = serving.json("/api/v1/packets?limit=200");
    let repeated = packets["packets"].as_array().unwrap().iter().find(|packet| packet["raw"].as_str().unwrap().contains("*,qAR,")).unwrap();
    let one = serving.json(&format!("/api/v1/packets/{}", repeated["id"].as_str().unwrap()));
    let hops = one["hops"].as_array().unwrap();
    assert_eq!((&one["raw"], &one["heard"]), (&repeated["raw"], &"digipeated".into()));
    assert_eq!((&hops[0]["role"], &hops[hops.len() - 1]["role"]), (&"source".into(), &"igate".into()));
    assert!(hops.iter().any(|hop| hop["role"] == "digipeater" && hop["used"] == true), "{one}");
    let moved = packets["packets"].as_array().unwrap().iter().find(|packet| packet["kind"] == "position").unwrap();
    let track = serving.json(&format!("/api/v1/stations/{}/track?limit=1", moved["source"].as_str().unwrap()));
    assert!(track["points"][0]["verdict"] == "accepted" && track["points"][0]["latitude"].is_number(), "{track}");
    let near = serving.json("/api/v1/stations/near?latitude=48.1&longitude=11.5&limit=5");
    let ways: Vec<f64> = near["stations"].as_array().unwrap().iter().map(|one| one["distance_km"].as_f64().unwrap()).collect();
    assert!(ways.len() == 5 && ways.is_sorted(), "{near}");
    let found = serving.json("/api/v1/search?q=JN47");
    assert_eq!(found["locations"][0]["text"], "JN47");
    assert_eq!(serving.json("/api/v1/search?q=wien&limit=1")["places"][0]["country"], "AT");
    for (path, status) in [
        ("/", 200),
        ("/api/v1/stations/NOBODY-99/track", 404),
        ("/api/v1/stations/NOBODY-99/track?kind=x", 400),
        ("/api/v1/packets/1", 404),
        ("/api/v1/packets/x", 404),
        ("/history/v1/3/4/2/1000000", 200),
        ("/history/v1/3/4/2/1000000/moves", 200),
        ("/history/v1/3/4/2/1000002/hour", 200),
        ("/history/v1/3/4/2/1000000/hour", 404),
        ("/history/v1/3/4/2/1000000/nonsense", 404),
        ("/history/v1/4/4/2/1000000", 404),
        ("/history/v1/3/4/2/4294967295", 404),
        ("/history/v1/3/4/2/-1", 400),
        ("/api/v1/stations/near?latitude=1", 400),
        ("/api/v1/stations/near?latitude=91&longitude=0", 400),
        ("/DL1ABC-9", 200),
        ("/livez", 200),
        ("/readyz", 200),
        ("/live/v1/page.json", 200),
        ("/live/v1/tiles/3/4/2", 200),
        ("/api/v1/stations/NOBODY-99", 404),
        ("/api/v1/nonsense", 404),
        ("/assets/nonsense.js", 404),
        ("/live/v1/tiles/4/0/0", 404),
        ("/api/v1/stations?bbox=1,2", 400),
        ("/api/v1/packets?limit=0", 400),
        ("/api/v1/packets?since=yesterday", 400),
        ("/api/v1/packets?cursor=x", 400),
        ("/api/v1/stations?limit=9999999", 400),
        ("/basemap/0/0/0.mvt", 406),
        ("/basemap/40/0/0.mvt", 404),
    ] {
        let (answer, body) = serving.get(path);
        assert_eq!(answer, status, "{path}: {body}");
        if path.starts_with("/api/") && status >= 400 {
            let error: Value = serde_json::from_str(&body).unwrap();
            assert!(error["error"]["code"].is_string() && error["error"]["message"].is_string(), "{body}");
        }
    }
    assert_eq!(serving.end(), 0);
}

#[test]
fn operators_read_metrics_on_their_own_address_alone() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let operators = format!("127.0.0.1:{port}");
    let mut serving = Serving::start(folder.path(), &["--demo", "--metrics-listen", &operators]);
    serving.until("stored", |status| status["packets"]["stored"].as_u64() > Some(100));
    assert!(!serving.get("/metrics").1.contains("godwit_packets"), "visitors get none");
    let shown = serving.json("/api/v1/status");
    assert!(shown["feed"]["state"] == "unverified" && shown.get("jobs").is_none() && shown["feed"].get("server").is_none(), "{shown}");
    let site = std::mem::replace(&mut serving.address, operators);
    let (status, metrics) = serving.get("/metrics");
    assert_eq!(status, 200);
    for family in [
        "godwit_ready 1",
        "godwit_role{role=\"alone\"} 1",
        "godwit_role{role=\"leading\"} 0",
        "godwit_role{role=\"standing_by\"} 0",
        "godwit_role{role=\"cut_off\"} 0",
        "godwit_feed_state{state=\"unverified\"} 1",
        "godwit_breaker_state{breaker=\"bus\",state=\"open\"} 0",
        "godwit_task_failed_total{task=\"intake\"} 0",
        "godwit_task_failed_total{task=\"keeper\"} 0",
        "godwit_task_failed_total{task=\"feed\"} 0",
        "godwit_task_failed_total{task=\"tick\"} 0",
        "godwit_task_failed_total{task=\"web\"} 0",
        "godwit_handler_panics_total 0",
        "godwit_viewer_panics_total 0",
        "godwit_packets_received_total ",
        "godwit_queue_depth{queue=\"keeper\"} ",
        "godwit_queue_capacity{queue=\"feed\"} 10000",
        "godwit_store_append_seconds_bucket{le=\"+Inf\"} ",
        "godwit_job_runs_total{job=\"retention\"} ",
        "godwit_limit_allowed_total 0",
        "godwit_delivery_seconds_count ",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(family)), "{family}: {metrics}");
    }
    let of_feed: BTreeSet<&str> = metrics.lines().filter(|line| line.starts_with("godwit_feed_state{")).collect();
    for state in FeedState::ALL {
        let series = format!("godwit_feed_state{{state=\"{}\"}} {}", state.as_str(), u8::from(state == FeedState::Unverified));
        assert!(of_feed.contains(series.as_str()), "{series}: {of_feed:?}");
    }
    assert_eq!(of_feed.len(), FeedState::ALL.len());
    assert_eq!(serving.get("/livez").0, 200);
    serving.address = site;
    assert_eq!(serving.end(), 0);
    let same = format!("127.0.0.1:{port}");
    let arguments = ["serve", "--listen", &same, "--metrics-listen", &same, "--data", folder.path().to_str().unwrap(), "--log", "warn"];
    let mut child = godwit(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let serving = Serving { child, address: same.clone() };
    assert_eq!(serving.get("/metrics").0, 200, "on the site's own address if that is said to be theirs");
    assert_eq!(serving.end(), 0);
}

#[test]
fn silent_strangers_leave_files_for_the_store_and_the_operators() {
    rlimit::increase_nofile_limit(4096).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let port = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (address, operators) = (format!("127.0.0.1:{}", port()), format!("127.0.0.1:{}", port()));
    let program = env!("CARGO_BIN_EXE_godwit");
    let command = format!(
        "ulimit -n 400; exec {program} serve --demo --rate 500 --stations 500 --log error --listen {address} --metrics-listen {operators} --data {}",
        folder.path().display()
    );
    let mut child = Command::new("sh").args(["-c", &command]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("is ready on"), "{line}");
    let serving = Serving { child, address: operators };
    let stored = |status: &Value| status["packets"]["stored"].as_u64().unwrap();
    let strangers: Vec<TcpStream> = (0..1300).map(|_| TcpStream::connect(&address).unwrap()).collect();
    // 200 of the 400 files are for strangers.
    let full = serving.until("the rest is refused", |status| status["connections"]["refused"]["connections"].as_u64() >= Some(1100));
    assert_eq!(full["connections"]["listeners"]["public"]["most"], 200);
    assert_eq!(full["connections"]["accept_failed"], 0);
    serving.until("packets are stored", |status| stored(status) > stored(&full) + 500);
    assert_eq!(serving.json("/api/v1/status")["packets"]["refused"], 0);
    drop(strangers);
    serving.until("places are given back", |status| status["connections"]["listeners"]["public"]["open"] == 0);
    assert!(TcpStream::connect(&address).is_ok());
    assert_eq!(serving.end(), 0);
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &["--rate-limit", "5", "--rate-burst", "5"]);
    let ask = |path: &str, client: &str| {
        let mut stream = TcpStream::connect(&serving.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n{client}Connection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        text(&answer)
    };
    let client = "X-Forwarded-For: 203.0.113.9\r\n";
    for _ in 0..5 {
        assert!(ask("/api/v1/status", client).contains(" 200 "));
    }
    let refused = ask("/history/v1/range", client);
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    let (head, body) = refused.split_once("\r\n\r\n").unwrap();
    let seconds: u64 = head.to_ascii_lowercase().split_once("retry-after: ").unwrap().1.lines().next().unwrap().parse().unwrap();
    assert!((1..=120).contains(&seconds), "{head}");
    assert!(head.contains("content-security-policy"), "{head}");
    assert!(head.contains("ratelimit-policy: \"default\";q=5;w=60") && head.contains("ratelimit: \"default\";r=0;t="), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["code"], "too_many_requests");
    // The live map, others, and programs of this machine go on.
    assert!(ask("/live/v1/page.json", client).contains(" 200 "));
    assert!(ask("/api/v1/status", "X-Forwarded-For: 203.0.113.10\r\n").contains(" 200 "));
    for _ in 0..20 {
        assert!(ask("/api/v1/status", "").contains(" 200 "));
    }
    let limit = &serving.json("/api/v1/status")["limit"];
    assert_eq!((&limit["refused"], &limit["allowed"]), (&1.into(), &6.into()));
    assert_eq!(serving.end(), 0);
}

#[test]
fn a_backup_is_taken_while_it_runs_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let serving = Serving::start(&data, &["--demo", "--rate", "1000", "--stations", "500"]);
    let status = serving.until("packets", |status| status["packets"]["stored"].as_u64() > Some(2000));
    let backup = || run(&["backup", copy.to_str().unwrap(), "--data", data.to_str().unwrap()], b"");
    let output = backup();
    assert!(output.status.success() && text(&output.stdout).contains("checked"), "{}", text(&output.stderr));
    let again = backup();
    assert!(!again.status.success() && text(&again.stderr).contains("never overwrites"), "{}", text(&again.stderr));
    assert_eq!(serving.end(), 0);
    let serving = Serving::start(&copy, &[]);
    let mut kept = 0;
    let mut cursor = String::new();
    loop {
        let page = serving.json(&format!("/api/v1/packets?limit=10000{cursor}"));
        kept += page["packets"].as_array().unwrap().len() as u64;
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert!(kept >= status["packets"]["stored"].as_u64().unwrap(), "{kept}: {status}");
    assert_eq!(serving.end(), 0);
    let elsewhere = run(&["backup", "x", "--database-url", "postgresql://u:geheim@h/d"], b"");
    let said = text(&elsewhere.stderr);
    assert!(!elsewhere.status.success() && said.contains("pg_dump") && !said.contains("geheim"), "{said}");
}

#[test]
fn an_import_goes_on_where_a_file_grew_and_begins_anew_with_another_file_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("rot\u{202e}.log"));
    let import = || {
        let done = run(&["import", file.to_str().unwrap(), "--data", data.to_str().unwrap(), "--retention-days", "0"], b"");
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout)
    };
    let timed = |from: usize, to: usize, what: &str| -> String {
        (from..to).map(|i| format!("2026-11-22T10:{:02}:{:02}Z A{}B>APRS,qAR,G1:>{what} {i}\n", i / 60 % 60, i % 60, i % 50)).collect()
    };
    std::fs::write(&file, timed(0, 1000, "first") + "A1B>APRS:>hi\nA1B>APRS:>hi\n# comment\n\n" + &"x".repeat(5000) + "\nA1B>APRS:>cut")
        .unwrap();
    let said = import();
    assert!(said.contains("rot\\u{202e}.log: 1004 lines in "), "{said}");
    assert!(said.contains(": 1002 stored, 1 duplicates, 0 bad, 0 already there, 1 skipped (longer than 4096 bytes)"), "{said}");
    assert!(said.contains("; 2 comments and empty lines"), "{said}");

    // It grew: its last line is whole now, equal lines are counted on.
    let grown = std::fs::read_to_string(&file).unwrap() + " no more\nA1B>APRS:>hi\n";
    std::fs::write(&file, &grown).unwrap();
    let said = import();
    let begin = grown.find("A1B>APRS:>cut").unwrap();
    assert!(said.contains(&format!("goes on at byte {begin} of {}", grown.len())), "{said}");
    assert!(said.contains(": 2 lines in ") && said.contains(" 0 bad, 0 already there"), "{said}");
    assert!(import().contains("1005 lines in "), "all of it once more");

    // It was rotated: another file, and longer.
    std::fs::write(&file, timed(0, 3000, "second")).unwrap();
    let said = import();
    assert!(said.contains("another file than the one imported under this name before"), "{said}");
    assert!(said.contains(": 3000 stored, 0 duplicates, 0 bad, 0 already there\n"), "{said}");
    let piped = run(&["import", "-", "--data", data.to_str().unwrap()], grown.as_bytes());
    assert!(text(&piped.stdout).contains(": 0 stored, 0 duplicates, 0 bad, 1004 already there"), "{}", text(&piped.stdout));
}

#[cfg(feature = "archive")]
#[test]
fn days_go_into_the_archive_are_dropped_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (data, archive) = (folder.path().join("data"), folder.path().join("archive"));
    let (data, archive) = (data.to_str().unwrap(), archive.to_str().unwrap());
    let file = folder.path().join("packets.txt");
    let lines: Vec<String> =
        (0..900).map(|i| format!("2025-03-{:02}T10:00:{:02}Z A{}B>APRS,qAR,G1:>number {i}", 1 + i % 3, i % 60, i % 50)).collect();
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    // Not kept on purpose: they are within the retention.
    let days = ["--retention-days", "36500", "--data", data];
    let imported = run(&[&["import", file.to_str().unwrap()], &days[..]].concat(), b"");
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    let serving = Serving::start(data.as_ref(), &["--retention-days", "30", "--archive", archive]);
    // Retention may have run before the archive: it waits for it, and the days stay until its next run.
    let job =
        |status: &Value, name: &str| status["jobs"].as_array().unwrap().iter().find(|job| job["name"] == name).cloned().unwrap_or_default();
    let status = serving.until("archived", |status| job(status, "archive")["runs"] == 1 && job(status, "retention")["runs"] == 1);
    assert_eq!(job(&status, "archive")["last_result"], "3 days archived, 900 packets, 0 left for later", "{status}");
    assert_eq!(job(&status, "archive")["last_ok"], true);
    assert!(job(&status, "retention")["next_run"].is_string());
    assert_eq!(serving.end(), 0);
    let day = std::path::Path::new(archive).join("packets/2025/packets-2025-03-02.parquet");
    assert!(day.is_file());
    // Again by hand: nothing is left to do; one day is written anew and is the same.
    let command = |name: &str, more: &[&str]| run(&[&[name, "--data", data, "--archive", archive], more].concat(), b"");
    let all = command("archive", &[]);
    assert!(text(&all.stdout).contains("0 days archived"), "{} {}", text(&all.stdout), text(&all.stderr));
    let one = command("archive", &["2025-03-02"]);
    assert!(text(&one.stdout).contains("300 packets"), "{} {}", text(&one.stdout), text(&one.stderr));
    // Nothing that is stored confirms that it is so much later: a run of its own drops nothing, and who insists keeps the newest.
    let careful = command("retention", &["--retention-days", "30"]);
    assert!(!careful.status.success() && text(&careful.stderr).contains("nothing is dropped"), "{}", text(&careful.stderr));
    let forced = command("retention", &["--retention-days", "30", "--force"]);
    assert!(text(&forced.stdout).contains("2 days dropped, 0 thinned"), "{} {}", text(&forced.stdout), text(&forced.stderr));
    for missing in ["300 of them were missing", "0 of them were missing"] {
        let back = command("restore", &["2025-03-02"]);
        assert!(text(&back.stdout).contains(missing), "{} {}", text(&back.stdout), text(&back.stderr));
    }
    let serving = Serving::start(data.as_ref(), &["--retention-days", "30"]);
    assert_eq!(serving.json("/api/v1/packets?limit=10000")["packets"].as_array().unwrap().len(), 600);
    assert_eq!(serving.end(), 0);
    for (name, more, words) in [
        ("restore", &["2025-03-09"][..], "has no"),
        ("restore", &["9th of March"], "is not a day"),
        ("archive", &["2025-03-09"], "has nothing of"),
    ] {
        let output = command(name, more);
        assert!(!output.status.success() && text(&output.stderr).contains(words), "{name} {more:?}: {}", text(&output.stderr));
    }
    let nowhere = run(&["archive", "--data", data], b"");
    assert!(text(&nowhere.stderr).contains("no archive is named"), "{}", text(&nowhere.stderr));
}

/// Numbers of the packets that are stored, and how many rows there are.
fn stored(serving: &Serving) -> (BTreeSet<u64>, usize) {
    let (mut numbers, mut rows, mut cursor) = (BTreeSet::new(), 0, String::new());
    loop {
        let page = serving.json(&format!("/api/v1/packets?limit=10000{cursor}"));
        for packet in page["packets"].as_array().unwrap() {
            rows += 1;
            numbers.insert(packet["raw"].as_str().unwrap().rsplit(' ').next().unwrap().parse().unwrap());
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (numbers, rows),
        }
    }
}

/// A server that sends numbered packets, some each few milliseconds.
async fn numbered(from: u64, count: u64) -> Server {
    let packets = (from..from + count)
        .collect::<Vec<_>>()
        .chunks(20)
        .flat_map(|chunk| {
            let text: String = chunk.iter().map(|number| format!("A{}B>APRS,qAR,G1:>number {number}\r\n", number % 40)).collect();
            [Step::Send(text.into_bytes()), Step::Wait(Duration::from_millis(10))]
        })
        .collect::<Vec<_>>();
    Server::start(vec![good_login().into_iter().chain(packets).chain([Step::Hang]).collect()]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_mid_traffic_it_loses_only_the_last_moment_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = numbered(0, 4000).await;
    let feed = |server: &Server| ["--aprs-is".to_owned(), server.address.to_string(), "--callsign".to_owned(), "N0CALL-1".to_owned()];
    let arguments = feed(&first);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut serving = Serving::start(folder.path(), &arguments);
    let status = serving.until("a thousand stored", |status| status["packets"]["stored"].as_u64() > Some(1000));
    let known = status["packets"]["stored"].as_u64().unwrap();
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
    drop(first);

    // It comes back, goes on, and is told to end: everything received is stored.
    let second = numbered(10_000, 500).await;
    let arguments = feed(&second);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let serving = Serving::start(folder.path(), &arguments);
    serving.until("all received", |status| status["packets"]["received"].as_u64() == Some(500));
    assert_eq!(serving.end(), 0);

    let serving = Serving::start(folder.path(), &[]);
    let (numbers, rows) = stored(&serving);
    assert_eq!(rows, numbers.len(), "nothing twice");
    let before: Vec<u64> = numbers.iter().copied().filter(|number| *number < 10_000).collect();
    assert!(before.len() as u64 >= known, "what the status counted as stored is there: {} of {known}", before.len());
    assert!(before.iter().enumerate().all(|(at, number)| at as u64 == *number), "no hole before the end");
    assert_eq!(numbers.len() - before.len(), 500);
    assert_eq!(serving.json("/api/v1/stations/A1B")["kind"], "station");
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_other_than_term_do_not_kill_it_and_quit_ends_it_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = numbered(0, 300).await;
    let data = folder.path().join("data");
    let address = server.address.to_string();
    let mut serving = Serving::start(&data, &["--aprs-is", &address, "--callsign", "N0CALL-1", "--filter", "t/p"]);
    for name in ["USR1", "USR2", "HUP"] {
        signal(&serving.child, name);
    }
    serving.until("all received", |status| status["packets"]["received"].as_u64() == Some(300));
    signal(&serving.child, "USR1");
    signal(&serving.child, "QUIT");
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
    let serving = Serving::start(&data, &[]);
    assert_eq!(stored(&serving).1, 300, "what was received last is stored");
    assert_eq!(serving.end(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn hangup_reads_log_and_filter_again_and_says_what_needs_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    // The second line that this server reads is the new filter.
    let script: Vec<Step> = good_login().into_iter().chain([Step::Login, Step::Hang]).collect();
    let server = Server::start(vec![script]).await;
    let file = folder.path().join("godwit.toml");
    let configure =
        |text: &str| std::fs::write(&file, format!("callsign = \"N0CALL-1\"\naprs-is = \"{}\"\n{text}", server.address)).unwrap();
    configure("filter = \"t/p\"\nlog = \"warn\"\n");
    let (port, log) = (std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(), folder.path().join("log"));
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["serve", "--config", file.to_str().unwrap(), "--listen", &listen, "--data", folder.path().to_str().unwrap()];
    let mut child = godwit(&arguments).stdout(Stdio::piped()).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let serving = Serving { child, address: listen };
    serving.until("logged in", |status| status["feed"]["state"] == "unverified");
    let said = |words: &str| {
        let began = Instant::now();
        while !std::fs::read_to_string(&log).unwrap().contains(words) {
            assert!(began.elapsed() < Duration::from_secs(60), "{words}: {}", std::fs::read_to_string(&log).unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    configure("filter = [\n");
    signal(&serving.child, "HUP");
    said("the configuration is left as it was");
    configure("filter = \"r/47/8/100\"\nlog = \"info\"\nrate-limit = 7\n");
    signal(&serving.child, "HUP");
    said("the filter is changed");
    said("the configuration was read again");
    said("\"filter, log\"");
    said("\"rate-limit\"");
    let began = Instant::now();
    while server.seen().logins.len() < 2 {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(server.seen().logins[1], "#filter r/47/8/100\r\n");
    assert_eq!(serving.json("/api/v1/status")["feed"]["reconnects"], 0);
    assert_eq!(serving.end(), 0);
}
