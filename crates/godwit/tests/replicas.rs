//! Replicas while something is away: what they say, and what their viewers see.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod stage;

use std::time::{Duration, Instant};

use godwit_testkit::ledger;
use serde_json::Value;
use stage::{MINUTE, Replica, Stage, until};

/// The number of the newest line that a replica's live map has of the station that sent this line.
fn seen(replica: &Replica, of: u64) -> Option<u64> {
    let line = ledger::line(of);
    let (_, body) = replica.get(&format!("/api/v1/stations/{}", line.split('>').next()?))?;
    ledger::number(serde_json::from_str::<Value>(&body).ok()?["raw"].as_str()?)
}

/// Sends for a moment and waits until each replica shows the last line.
fn all_see_the_newest(stage: &Stage, when: &str) {
    stage.ledger.pace(200);
    std::thread::sleep(Duration::from_millis(500));
    stage.ledger.pace(0);
    std::thread::sleep(Duration::from_millis(100));
    let last = stage.ledger.sent() - 1;
    until(when, Duration::from_secs(20), || stage.replicas.iter().all(|replica| seen(replica, last) == Some(last)).then_some(()));
}

fn world(replica: &Replica) -> Option<Value> {
    Some(replica.cluster()?["world"].clone())
}

/// Waits until the follower counts what came this way: a station that the live map does not have yet is answered from
/// the store.
fn came(stage: &Stage, way: &str) {
    until(way, MINUTE, || world(&stage.replicas[1 - stage.leader()?])?[way].as_u64().filter(|count| *count > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_of_every_replica_see_the_same_with_redis_and_without() {
    let mut stage = Stage::set(&["--standby", "warm"]).await;
    let url = stage.redis.url();
    stage.more.extend(["--redis-url".to_owned(), url]);
    stage.start(2);
    all_see_the_newest(&stage, "by the bus");
    came(&stage, "by_bus");
    stage.redis.stop();
    until("the store is followed", MINUTE, || (world(&stage.replicas[1 - stage.leader()?])?["follows"] == "store").then_some(()));
    all_see_the_newest(&stage, "by the store");
    came(&stage, "by_store");
    stage.redis.start_again();
    until("the bus is followed again", MINUTE, || (world(&stage.replicas[1 - stage.leader()?])?["follows"] == "bus").then_some(()));
    all_see_the_newest(&stage, "by the bus again");
    // A new one has it all when it is ready.
    let last = stage.ledger.sent() - 1;
    let replica = stage.launch(3);
    until("the third is ready", MINUTE, || (replica.get("/readyz")?.0 == 200).then_some(()));
    assert_eq!(seen(&replica, last), Some(last));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_a_replica_starts_shows_what_it_receives_says_so_and_keeps_it() {
    let mut stage = Stage::set(&["--database-timeout-seconds", "2", "--lease-seconds", "1"]).await;
    stage.postgres.stop();
    stage.replicas.push(stage.launch(1));
    let replica = &stage.replicas[0];
    let details = until("it answers", MINUTE, || replica.get("/readyz"));
    let said: Value = serde_json::from_str(&details.1).unwrap();
    assert_eq!((details.0, &said["ready"]), (503, &Value::Bool(false)), "{said}");
    assert!(said["why"].as_str().unwrap().contains("database"), "{said}");
    until("it listens although nobody says who ingests", MINUTE, || (stage.ledger.clients() == 1).then_some(()));
    stage.ledger.pace(200);
    until("it shows what it receives and keeps it on disk", MINUTE, || {
        let spooled = replica.cluster()?["spool"]["packets"].as_u64()?;
        (spooled > 100 && seen(replica, 0).is_some()).then_some(())
    });
    let (status, head, body) = replica.answer("/api/v1/packets").unwrap();
    assert!(status == 503 && head.to_ascii_lowercase().contains("retry-after"), "{status} {head}");
    assert!(body.contains("store_unavailable"), "{body}");
    // Killed now, it has them still; and all of them go where they belong when the database is back.
    stage.ledger.pace(0);
    std::thread::sleep(Duration::from_millis(600));
    stage.replicas[0].kill();
    stage.restart(0);
    stage.postgres.start_again();
    stage.all_ready();
    stage.accounted("the database is back", true);
    let breaker = stage.replicas[0].cluster().unwrap()["database"]["breaker"].clone();
    assert!(breaker["state"].is_string(), "{breaker}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_refuses_the_newest_and_says_how_many() {
    let mut stage = Stage::set(&["--spool-mb", "1", "--lease-seconds", "1", "--database-timeout-seconds", "2"]).await;
    stage.start(1);
    stage.postgres.stop();
    stage.ledger.pace(5000);
    let replica = &stage.replicas[0];
    let refused = || serde_json::from_str::<Value>(&replica.get("/api/v1/status")?.1).ok()?["packets"]["refused"].as_u64();
    until("it refuses", MINUTE, || refused().filter(|refused| *refused > 0));
    let newest = stage.ledger.sent() - 1;
    until("the live map goes on", MINUTE, || seen(replica, newest).filter(|seen| *seen >= newest));
    stage.ledger.pace(0);
    stage.postgres.start_again();
    until("the spool is empty", MINUTE, || (replica.cluster()?["spool"]["packets"] == 0).then_some(()));
    let (rows, lines) = stage.stored();
    assert_eq!((rows, lines + refused().unwrap()), (lines, stage.ledger.sent()), "stored and refused are all that was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_of_a_replica_is_a_series_and_who_ingests_can_be_counted() {
    let mut stage = Stage::set(&["--standby", "warm"]).await;
    let url = stage.redis.url();
    stage.more.extend(["--redis-url".to_owned(), url]);
    stage.start(2);
    let leader = stage.leader().unwrap();
    for (at, replica) in stage.replicas.iter().enumerate() {
        let (status, metrics) = replica.get("/metrics").unwrap();
        assert_eq!(status, 200);
        let is = |series: &str| metrics.lines().find_map(|line| line.strip_prefix(series)).map(|value| value.trim().to_owned());
        for (role, present) in [("alone", false), ("leading", at == leader), ("standing_by", at != leader), ("cut_off", false)] {
            let series = format!("godwit_role{{role=\"{role}\"}}");
            assert_eq!(is(&series), Some(u8::from(present).to_string()), "{series}: {metrics}");
        }
        for breaker in ["database_reads", "bus", "limit", "devices_fetch"] {
            let states = ["closed", "open", "half_open"];
            let sum: u32 = states
                .iter()
                .map(|state| {
                    is(&format!("godwit_breaker_state{{breaker=\"{breaker}\",state=\"{state}\"}}")).unwrap().parse::<u32>().unwrap()
                })
                .sum();
            assert_eq!(sum, u32::from(breaker != "devices_fetch"), "{breaker}: {metrics}");
        }
        let follows = |source: &str| is(&format!("godwit_world_follows{{source=\"{source}\"}}")).unwrap();
        assert_ne!(follows("bus"), follows("store"));
        for task in ["intake", "keeper", "leader", "follower_bus", "follower_store", "publisher", "tick", "web", "jobs", "feed"] {
            assert_eq!(is(&format!("godwit_task_failed_total{{task=\"{task}\"}}")).as_deref(), Some("0"), "{task}: {metrics}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_frozen_pooler_the_end_keeps_its_deadline_and_loses_nothing() {
    let mut stage = Stage::set(&["--end-seconds", "15", "--database-timeout-seconds", "25", "--filter", "t/p"]).await;
    stage.start(1);
    stage.ledger.pace(300);
    until("it stores", MINUTE, || (stage.stored().0 > 300).then_some(()));
    stage.bouncer.pause();
    let received =
        |replica: &Replica| serde_json::from_str::<Value>(&replica.get("/api/v1/status")?.1).ok()?["packets"]["received"].as_u64();
    let before = received(&stage.replicas[0]).unwrap();
    until("some come while it is frozen", MINUTE, || received(&stage.replicas[0]).filter(|now| *now > before + 600));
    stage.ledger.pace(0);
    let sent = stage.ledger.sent();
    until("all are received", MINUTE, || received(&stage.replicas[0]).filter(|received| *received == sent));
    let began = Instant::now();
    let code = stage.replicas[0].end();
    let took = began.elapsed();
    stage.bouncer.resume();
    let log = std::fs::read_to_string(stage.folder.join("r1.log")).unwrap();
    assert!(took < Duration::from_secs(18), "{took:?}: {log}");
    assert_eq!(code, 0, "everything is in the database or the spool: {log}");
    stage.restart(0);
    stage.all_ready();
    stage.accounted("it is started again", true);
}
