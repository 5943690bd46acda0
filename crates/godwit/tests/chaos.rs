//! The crash matrix: replicas, database, pooler and Redis die in mid-traffic. Afterwards what is stored is what was
//! sent, each line once.
//!
//! `make test` runs it once with short outages. `make chaos` runs it ROUNDS times with long ones, within
//! GODWIT_CHAOS_SECONDS. The order of the faults and when in the traffic they come is drawn from GODWIT_CHAOS_SEED, which
//! a failure's report names.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod stage;

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use stage::{MINUTE, Stage, until};

const RATE: u64 = 200;

/// How often, and how long outages last.
struct Measure {
    rounds: usize,
    seconds: u64,
    database_away: Duration,
    frozen: Duration,
    /// Waits for every spool after each fault, not only at the end.
    thorough: bool,
    seed: u64,
}

fn measure() -> Measure {
    let number = |name, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let full = std::env::var_os("GODWIT_CHAOS_SECONDS").is_some();
    Measure {
        rounds: usize::try_from(number("ROUNDS", 1)).unwrap(),
        seconds: number("GODWIT_CHAOS_SECONDS", 300),
        database_away: Duration::from_secs(if full { 60 } else { 4 }),
        frozen: Duration::from_secs(if full { 30 } else { 6 }),
        thorough: full,
        seed: number("GODWIT_CHAOS_SEED", u64::from(std::process::id())),
    }
}

fn flow(stage: &Stage, time: Duration) {
    stage.ledger.pace(RATE);
    sleep(time);
}

const MOMENT: Duration = Duration::from_millis(1500);

/// Waits until somebody else than this one ingests; how long that took.
fn taken_over(stage: &Stage, from: usize) -> Duration {
    let began = Instant::now();
    until("another replica ingests", Duration::from_secs(30), || {
        stage.replicas.iter().enumerate().any(|(at, replica)| at != from && replica.leads()).then_some(())
    });
    began.elapsed()
}

fn kill_the_ingester(stage: &mut Stage) -> String {
    let leader = stage.leader().unwrap();
    stage.replicas[leader].kill();
    let took = taken_over(stage, leader);
    assert!(took < Duration::from_secs(5), "{took:?}");
    flow(stage, MOMENT);
    stage.restart(leader);
    stage.all_ready();
    format!("taken over in {} ms", took.as_millis())
}

fn kill_a_standby(stage: &mut Stage) -> String {
    let standby = (stage.leader().unwrap() + 1) % stage.replicas.len();
    stage.replicas[standby].kill();
    flow(stage, MOMENT);
    stage.restart(standby);
    stage.all_ready();
    String::new()
}

fn stop_redis(stage: &mut Stage) -> String {
    stage.redis.stop();
    flow(stage, MOMENT * 2);
    assert!(stage.leader().is_some(), "leadership does not need Redis");
    stage.redis.start_again();
    flow(stage, MOMENT);
    String::new()
}

fn stop_postgres(stage: &mut Stage, away: Duration) -> String {
    stage.postgres.stop();
    flow(stage, away);
    let spooled: u64 =
        stage.replicas.iter().filter_map(|replica| replica.cluster()?["spool"]["packets"].as_u64()).max().unwrap_or_default();
    assert!(spooled > 0, "packets wait on disk");
    stage.postgres.start_again();
    flow(stage, MOMENT);
    format!("{spooled} packets waited in a spool")
}

fn kill_postgres(stage: &mut Stage) -> String {
    stage.postgres.kill();
    flow(stage, MOMENT);
    stage.postgres.start_again();
    flow(stage, MOMENT);
    String::new()
}

fn restart_pgbouncer(stage: &mut Stage) -> String {
    stage.bouncer.kill();
    flow(stage, Duration::from_millis(300));
    stage.bouncer.start_again();
    flow(stage, MOMENT);
    String::new()
}

fn freeze_the_ingester(stage: &mut Stage, time: Duration) -> String {
    let leader = stage.leader().unwrap();
    stage.replicas[leader].signal("STOP");
    let frozen = Instant::now();
    // The frozen one does not answer: only the others are asked.
    until("another replica ingests", Duration::from_secs(30), || {
        stage.replicas.iter().enumerate().any(|(at, replica)| at != leader && replica.leads()).then_some(())
    });
    let took = frozen.elapsed();
    sleep(time.saturating_sub(frozen.elapsed()));
    stage.replicas[leader].signal("CONT");
    until("the zombie stands by", MINUTE, || (stage.replicas[leader].cluster()?["role"] == "standing_by").then_some(()));
    flow(stage, MOMENT);
    stage.all_ready();
    format!("taken over in {} ms", took.as_millis())
}

fn restart_one_by_one(stage: &mut Stage) -> String {
    let mut longest = Duration::ZERO;
    for at in 0..stage.replicas.len() {
        let led = stage.replicas[at].leads();
        let began = Instant::now();
        assert_eq!(stage.replicas[at].end(), 0);
        if led {
            taken_over(stage, at);
            longest = longest.max(began.elapsed());
        }
        stage.restart(at);
        stage.all_ready();
        flow(stage, MOMENT);
    }
    format!("handed over in {} ms at most, the end of the old one included", longest.as_millis())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_dies_everything_sent_is_stored_once() {
    let measure = measure();
    let mut stage = Stage::set(&["--standby", "warm", "--database-timeout-seconds", "2"]).await;
    let url = stage.redis.url();
    stage.more.extend(["--redis-url".to_owned(), url]);
    stage.note(&format!("GODWIT_CHAOS_SEED={}", measure.seed));
    stage.start(3);
    let mut chance = fastrand::Rng::with_seed(measure.seed);
    let began = Instant::now();
    let mut rounds = 0;
    'rounds: for round in 1..=measure.rounds {
        type Fault<'a> = (&'a str, &'a dyn Fn(&mut Stage) -> String);
        let mut faults: [Fault<'_>; 8] = [
            ("kill -9 the ingester", &kill_the_ingester),
            ("kill -9 a standby", &kill_a_standby),
            ("stop and start Redis", &stop_redis),
            ("restart PgBouncer", &restart_pgbouncer),
            ("kill -9 PostgreSQL", &kill_postgres),
            ("stop and start PostgreSQL", &|stage| stop_postgres(stage, measure.database_away)),
            ("freeze the ingester", &|stage| freeze_the_ingester(stage, measure.frozen)),
            ("restart all, one by one", &restart_one_by_one),
        ];
        chance.shuffle(&mut faults);
        for (name, fault) in faults {
            if began.elapsed() > Duration::from_secs(measure.seconds) {
                break 'rounds;
            }
            flow(&stage, MOMENT + Duration::from_millis(chance.u64(..500)));
            stage.note(&format!("round {round}: {name}"));
            let said = fault(&mut stage);
            stage.note(&format!("it is over: {said}"));
            stage.accounted(name, measure.thorough);
            stage.note("all stored once");
            println!("round {round}: {name}: {} sent, all stored once; {said}", stage.ledger.sent());
        }
        rounds = round;
    }
    stage.accounted("the end", true);
    println!(
        "seed {}: {rounds} whole rounds in {} s, {} lines sent, none lost, none twice",
        measure.seed,
        began.elapsed().as_secs(),
        stage.ledger.sent()
    );
}
