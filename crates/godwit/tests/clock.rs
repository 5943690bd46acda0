//! A clock that is wrong, at the start and while the program runs, alone and as one of three replicas: no day is lost, the
//! map is not emptied, and the status says it.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod stage;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use godwit_testkit::{LedgerServer, ledger, psql};
use serde_json::Value;
use stage::{MINUTE, Replica, Stage, faketime, program, until};

const DAY_S: i64 = 86_400;

/// Days with packets before today.
const DAYS: i64 = 5;

/// Stations of the imported packets: names that the ledger does not use.
const STATIONS: usize = 20;

fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A file of packets of the last days and of the last hour.
fn history(folder: &Path) -> PathBuf {
    let file = folder.join("history.txt");
    let now_s = now_s();
    let times = (1..=DAYS).rev().map(|days| now_s - days * DAY_S).chain([now_s - 60]);
    let lines: Vec<String> = times
        .flat_map(|at| (0..STATIONS).map(move |station| format!("{} OE9T-{station}>APRS,qAR,G1:!4722.85N/00832.46E>{at}", at + 1)))
        .collect();
    fs::write(&file, lines.join("\n")).unwrap();
    file
}

/// A store of its own, its feed, and the file that says what the clock of the program is off by.
struct Alone {
    ledger: LedgerServer,
    folder: tempfile::TempDir,
}

impl Alone {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let alone = Self { ledger: LedgerServer::start().await, folder };
        let imported = alone.command("import").arg(history(alone.folder.path())).output().unwrap();
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
        assert_eq!(alone.days().len(), usize::try_from(DAYS).unwrap() + 1);
        alone
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program());
        command.args([name, "--data", self.folder.path().join("data").to_str().unwrap()]);
        command.env_remove("GODWIT_CONFIG").current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn set_clock(&self, offset: &str) {
        // Renamed into place: it is read while it is written.
        let (new, file) = (self.folder.path().join("new"), self.folder.path().join("offset"));
        fs::write(&new, offset).unwrap();
        fs::rename(&new, &file).unwrap();
    }

    /// `godwit serve` with the feed, keeping thirty days.
    fn serve(&self, offset: &str) -> Replica {
        self.set_clock(offset);
        let address = format!("127.0.0.1:{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = self.command("serve");
        command.args(["--listen", &address, "--metrics-listen", &address, "--retention-days", "30", "--drain-seconds", "0"]);
        command.args(["--callsign", "N0CALL-1", "--aprs-is", &self.ledger.address.to_string()]);
        command.env("LD_PRELOAD", faketime()).env("FAKETIME_TIMESTAMP_FILE", self.folder.path().join("offset"));
        command.env("FAKETIME_CACHE_DURATION", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Replica { child, address, name: "alone".to_owned() }
    }

    /// The days that have a file.
    fn days(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path().join("data/packets")).unwrap().flatten().map(|entry| entry.file_name());
        let mut days: Vec<String> = names.filter_map(|name| name.to_str()?.strip_suffix(".sqlite").map(str::to_owned)).collect();
        days.sort();
        days
    }

    /// All of these days are there, and the log tells of none that was dropped.
    fn has_all(&self, wanted: &[String], when: &str) {
        let days = self.days();
        assert!(wanted.iter().all(|day| days.contains(day)), "{when}: {days:?} of {wanted:?}");
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
        assert!(!log.contains("dropped a day") && !log.contains("panicked"), "{when}: {log}");
    }
}

fn status(replica: &Replica) -> Option<Value> {
    serde_json::from_str(&replica.get("/api/v1/status")?.1).ok()
}

fn job(replica: &Replica, name: &str) -> Option<Value> {
    status(replica)?["jobs"].as_array()?.iter().find(|job| job["name"] == name).cloned()
}

/// What health says of the clock.
fn trouble(replica: &Replica) -> Option<String> {
    status(replica)?["health"]["clock"]["trouble"].as_str().map(str::to_owned)
}

/// Waits until health says this of the clock, and the metric that something is wrong.
fn says(replica: &Replica, words: &str) {
    until(words, MINUTE, || trouble(replica).filter(|why| why.contains(words)));
    let metrics = replica.get("/metrics").unwrap().1;
    assert!(metrics.contains("godwit_healthy{part=\"clock\"} 0"), "{metrics}");
}

/// How many of the imported stations the live map shows.
fn shown(replica: &Replica) -> usize {
    let (_, body) = replica.get("/api/v1/stations?bbox=8,47,9,48&limit=1000").unwrap();
    let stations: Value = serde_json::from_str(&body).unwrap();
    stations["stations"].as_array().unwrap().iter().filter(|one| one["name"].as_str().unwrap().starts_with("OE9T-")).count()
}

/// The seconds of the newest packet of the list.
fn newest_s(replica: &Replica) -> i64 {
    let (_, body) = replica.get("/api/v1/packets?limit=1").unwrap();
    let page: Value = serde_json::from_str(&body).unwrap();
    page["packets"][0]["received_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
}

fn stored(replica: &Replica) -> Option<u64> {
    status(replica)?["packets"]["stored"].as_u64()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_at_the_start_costs_no_day() {
    for (offset, words) in [("+400d", "the clock is ahead"), ("-400d", "the clock is behind")] {
        let alone = Alone::new().await;
        let days = alone.days();
        let mut replica = alone.serve(offset);
        says(&replica, words);
        alone.ledger.pace(200);
        until("packets are stored under the wrong time", MINUTE, || stored(&replica).filter(|stored| *stored > 200));
        until("retention ran and refused", MINUTE, || {
            let job = job(&replica, "retention")?;
            (job["last_ok"] == false && job["last_result"].as_str()?.contains("nothing is dropped")).then_some(())
        });
        assert_eq!(shown(&replica), STATIONS, "{offset}: the map is filled");
        alone.ledger.pace(0);
        assert_eq!(replica.end(), 0);
        alone.has_all(&days, offset);
        // By hand it is refused, too.
        let offset_file = alone.folder.path().join("offset");
        let mut by_hand = alone.command("retention");
        by_hand.env("LD_PRELOAD", faketime()).env("FAKETIME_TIMESTAMP_FILE", offset_file).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let refused = by_hand.output().unwrap();
        assert!(!refused.status.success(), "{offset}: {}", String::from_utf8_lossy(&refused.stdout));
        alone.has_all(&days, "by hand");
        // With the right clock nothing is in doubt, and what was stored ahead is not the newest.
        let mut replica = alone.serve("+0");
        until("the clocks agree", MINUTE, || (status(&replica)?["health"]["clock"]["ok"] == true).then_some(()));
        assert!((now_s() - newest_s(&replica)).abs() < 3600, "{offset}");
        assert_eq!(shown(&replica), STATIONS, "{offset}: the map is filled");
        assert_eq!(replica.end(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_while_it_runs_costs_no_day_and_empties_no_map() {
    let alone = Alone::new().await;
    let days = alone.days();
    let mut replica = alone.serve("+0");
    let runs = |replica: &Replica| job(replica, "retention")?["runs"].as_u64();
    until("retention ran", MINUTE, || runs(&replica).filter(|runs| *runs > 0));
    alone.ledger.pace(200);
    for (offset, words) in [("+400d", "ahead"), ("-400d", "behind")] {
        alone.set_clock(offset);
        says(&replica, words);
        let before = stored(&replica).unwrap();
        until("it goes on storing", MINUTE, || stored(&replica).filter(|stored| *stored > before + 200));
        assert_eq!(shown(&replica), STATIONS, "{offset}: the map is as it was");
        alone.has_all(&days, offset);
        if offset.starts_with('+') {
            // By the clock that is ahead every job is due.
            until("retention ran again", MINUTE, || runs(&replica).filter(|runs| *runs > 1));
            assert_eq!(job(&replica, "retention").unwrap()["last_ok"], false);
            alone.has_all(&days, "after retention ran");
        }
        alone.set_clock("+0");
        until("the clocks agree", MINUTE, || (status(&replica)?["health"]["clock"]["ok"] == true).then_some(()));
        // What was heard ahead does not stand still: every station of the feed speaks now.
        let from = alone.ledger.sent();
        until("all have spoken again", MINUTE, || (alone.ledger.sent() > from + 500).then_some(()));
        until("the newest of each is shown", MINUTE, || {
            let (_, body) = replica.get(&format!("/api/v1/stations/{}", ledger::line(from).split('>').next()?))?;
            let heard: Value = serde_json::from_str(&body).ok()?;
            let at: jiff::Timestamp = heard["last_heard"].as_str()?.parse().ok()?;
            ((at.as_second() - now_s()).abs() < 60).then_some(())
        });
        assert!((now_s() - newest_s(&replica)).abs() < 3600, "{offset}");
        until("the jobs are due as planned", MINUTE, || {
            let next: jiff::Timestamp = job(&replica, "retention")?["next_run"].as_str()?.parse().ok()?;
            (next.as_second() < now_s() + 2 * 3600).then_some(())
        });
    }
    alone.ledger.pace(0);
    assert_eq!(replica.end(), 0);
    alone.has_all(&days, "at the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_of_three_with_a_wrong_clock_drops_nothing_and_stores_under_the_right_time() {
    for offset in ["+400d", "-400d"] {
        let mut stage = Stage::set(&["--retention-days", "30", "--standby", "warm"]).await;
        let redis = stage.redis.url();
        stage.more.extend(["--redis-url".to_owned(), redis]);
        let url = stage.postgres.url(&stage.database);
        let mut import = Command::new(program());
        import.arg("import").arg(history(&stage.folder)).env("GODWIT_DATABASE_URL", &url).env_remove("GODWIT_CONFIG");
        assert!(import.output().unwrap().status.success());
        let yesterday = now_s() / DAY_S - 1;
        let sum = format!("SELECT count(*), sum(accepted + duplicate + implausible + bad) FROM day WHERE day <= {yesterday}");
        let days = || psql(&url, &sum);
        let before = days();
        // The wrong one is there first: it runs the jobs, and it ingests.
        stage.replicas.push(stage.launch_at(1, Some(offset)));
        until("it ingests", MINUTE, || stage.replicas[0].leads().then_some(()));
        says(&stage.replicas[0], "clock of the database");
        until("retention ran and refused", MINUTE, || {
            (job(&stage.replicas[0], "retention")?["last_result"].as_str()?.contains("nothing is dropped")).then_some(())
        });
        let metrics = stage.replicas[0].get("/metrics").unwrap().1;
        let ahead = metrics.lines().find_map(|line| line.strip_prefix("godwit_clock_ahead_of_database_seconds ")).unwrap();
        let wanted = offset.trim_end_matches('d').parse::<f64>().unwrap() * 86_400.0;
        assert!((ahead.parse::<f64>().unwrap() - wanted).abs() < 60.0, "{ahead}");
        stage.replicas.push(stage.launch(2));
        stage.replicas.push(stage.launch(3));
        stage.all_ready();
        stage.ledger.pace(200);
        until("packets are sent", MINUTE, || (stage.ledger.sent() > 600).then_some(()));
        stage.ledger.pace(0);
        let sent = stage.ledger.sent();
        let wanted = usize::try_from(sent).unwrap() + STATIONS * (usize::try_from(DAYS).unwrap() + 1);
        until("all is stored", MINUTE, || (psql(&url, "SELECT count(*) FROM packet") == wanted.to_string()).then_some(()));
        // Under the time of the database, within the minutes that the test takes.
        let wrong = "SELECT count(*) FROM packet WHERE id > now_us() + 60000000 OR id < now_us() - 20 * 86400000000";
        assert_eq!(psql(&url, wrong), "0", "{offset}");
        assert_eq!(days(), before, "{offset}: no day is lost");
        // The others see what it ingests, by the bus, and refuse nothing.
        for replica in &stage.replicas[1..] {
            let seen = || {
                let (_, body) = replica.get(&format!("/api/v1/stations/{}", ledger::line(sent - 1).split('>').next()?))?;
                ledger::number(serde_json::from_str::<Value>(&body).ok()?["raw"].as_str()?)
            };
            until("the newest is seen", MINUTE, || (seen() == Some(sent - 1)).then_some(()));
            let world = replica.cluster().unwrap()["world"].clone();
            assert_eq!(world["refused"], 0, "{world}");
            assert_eq!(shown(replica), STATIONS);
            assert!(trouble(replica).is_none(), "{:?}", trouble(replica));
        }
        assert_eq!(shown(&stage.replicas[0]), STATIONS, "{offset}: also the wrong one shows the map");
    }
}

/// Messages of the bus are forged by whoever has its password: what is far from now reaches no map.
#[tokio::test(flavor = "multi_thread")]
async fn packets_of_the_bus_with_an_impossible_time_are_refused_and_counted() {
    use godwit_live::{
        RedisAddress,
        bus::{Bus as _, Message, RedisBus, RedisBusConfig},
    };
    let mut stage = Stage::set(&["--standby", "warm"]).await;
    let redis = stage.redis.url();
    stage.more.extend(["--redis-url".to_owned(), redis.clone()]);
    stage.start(2);
    stage.ledger.pace(200);
    let follower = &stage.replicas[1 - stage.leader().unwrap()];
    let world = |name: &str| follower.cluster()?["world"][name].as_u64();
    until("it follows the bus", MINUTE, || world("by_bus").filter(|count| *count > 0));
    let config = RedisBusConfig { key: "{godwit}:bus:1".to_owned(), ..RedisBusConfig::default() };
    let forger = RedisBus::new(RedisAddress::parse(&redis, None).unwrap(), config);
    let now_us = now_s() * 1_000_000;
    let hour = 3_600_000_000;
    let times = [i64::MIN, i64::MAX, -1, now_us + 2 * hour, now_us - 2 * hour, 4_670_000_000_000_000_000];
    let message = |(number, received_at_us): (usize, i64)| Message {
        received_at_us,
        raw: format!("F0RGED-{number}>APRS,qAR,G1:!4722.85N/00832.46E>x").into_bytes().into(),
        fix_counts: true,
    };
    forger.publish(&times.into_iter().enumerate().map(message).collect::<Vec<_>>()).await.unwrap();
    until("they are counted", MINUTE, || world("refused").filter(|refused| *refused == times.len() as u64));
    // One that is in time goes through: it was the time.
    forger.publish(&[message((99, now_us))]).await.unwrap();
    until("the plausible one is taken", MINUTE, || (follower.get("/api/v1/stations/F0RGED-99")?.0 == 200).then_some(()));
    for (number, time) in times.iter().enumerate() {
        assert_eq!(follower.get(&format!("/api/v1/stations/F0RGED-{number}")).unwrap().0, 404, "{time}");
    }
    stage.ledger.pace(0);
}
