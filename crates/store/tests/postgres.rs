//! What only the PostgreSQL engine does: leases, partitions, replicas that start at once, servers that die.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use godwit_pipeline::{EntityKey, EntityKind, Name};
use godwit_store::{Area, Batch, Days, HeardSide, Lease, PacketQuery, PostgresConfig, PostgresStore, Store, StoreError, Thin};
use godwit_testkit::{Authority, Frozen, PgBouncer, Postgres, PostgresOptions, TestDatabase, psql};

use common::{DAY, NOON, S, batch};

const LONG: Duration = Duration::from_secs(600);

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(&PostgresConfig::new(url)).await.unwrap()
}

fn key(name: &str) -> EntityKey {
    EntityKey { kind: EntityKind::Station, name: Name::new(name.as_bytes()).unwrap() }
}

fn all() -> PacketQuery {
    PacketQuery { since_us: 0, until_us: i64::MAX, about: None, duplicates: true, limit: 10_000, before_id: None }
}

#[tokio::test]
async fn of_two_that_want_a_lease_one_has_it_and_the_one_before_it_is_refused() {
    let database = TestDatabase::create();
    let (one, other) = (open(&database.url).await, open(&database.url).await);
    let (a, b) = tokio::join!(one.try_acquire("ingest", "one", LONG), other.try_acquire("ingest", "other", LONG));
    let taken = [a.unwrap(), b.unwrap()];
    assert_eq!(taken.iter().flatten().count(), 1, "one of them: {taken:?}");
    let (winner, loser, loser_name) = if taken[0].is_some() { (&one, &other, "other") } else { (&other, &one, "one") };
    let fence = taken.into_iter().flatten().next().unwrap();
    let fenced = |fence, at, line: &'static [u8]| Batch { fence: Some(fence), ..batch(&[(at, line)]) };
    winner.append(fenced(fence.clone(), NOON, b"A1B>APRS:>first")).await.unwrap();
    assert!(winner.renew(&fence, Duration::ZERO).await.unwrap(), "and is over at once");

    let next = loser.try_acquire("ingest", loser_name, LONG).await.unwrap().expect("expired");
    assert!(next.token > fence.token);
    let refused = winner.append(fenced(fence.clone(), NOON + S, b"ZOMBIE>APRS:>late")).await;
    assert!(matches!(refused, Err(StoreError::Fenced(_))), "{refused:?}");
    assert!(!winner.renew(&fence, LONG).await.unwrap());
    assert!(!winner.release(&fence).await.unwrap());
    loser.append(fenced(next.clone(), NOON + S, b"A1B>APRS:>second")).await.unwrap();
    assert_eq!(one.packets(all()).await.unwrap().packets.len(), 2, "nothing of the refused batch");
    assert_eq!(one.counts().await.unwrap().entities, 1);

    assert!(loser.release(&next).await.unwrap());
    let refused = loser.append(fenced(next.clone(), NOON, b"A1B>APRS:>x")).await;
    assert!(matches!(refused, Err(StoreError::Fenced(_))), "given back is given back");
    assert!(one.try_acquire("ingest", "third", LONG).await.unwrap().unwrap().token > next.token);
}

/// The writers' lock, the sign of who writes by a lease, and the check of the fence: what a batch holds in its midst.
fn in_the_midst(fence: &str) -> String {
    format!("BEGIN; SELECT pg_advisory_xact_lock(7161140, 1); {fence} COPY import FROM STDIN;\nsome\t1")
}

#[tokio::test]
async fn a_writer_that_froze_in_mid_batch_does_not_keep_the_lease() {
    let database = TestDatabase::create();
    let store = open(&database.url).await;
    let fence = store.try_acquire("ingest", "frozen", Duration::from_secs(1)).await.unwrap().unwrap();
    let check = format!("SELECT pg_advisory_xact_lock_shared(7161140, 4); SELECT check_fence('ingest', {});", fence.token);
    let frozen = Frozen::after(&database.url, &in_the_midst(&check));
    assert_eq!(store.try_acquire("ingest", "next", LONG).await.unwrap(), None, "not before it expires");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked = std::time::Instant::now();
    let next = store.try_acquire("ingest", "next", LONG).await.unwrap().expect("expired");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    store.append(Batch { fence: Some(next), ..batch(&[(NOON, b"A1B>APRS:>next")]) }).await.unwrap();
    assert_eq!(psql(&database.url, "SELECT count(*) FROM import"), "0", "nothing of the frozen one");
    drop(frozen);
}

#[tokio::test]
async fn a_writer_without_lease_that_froze_in_mid_batch_stops_others_for_a_while_only() {
    let database = TestDatabase::create();
    let config = PostgresConfig { statement_timeout: Duration::from_secs(1), ..PostgresConfig::new(&database.url) };
    let store = PostgresStore::open(&config).await.unwrap();
    let frozen = Frozen::after(&database.url, &in_the_midst(""));
    let mut waited = 0;
    while let Err(error) = store.append(batch(&[(NOON, b"A1B>APRS:>next")])).await {
        assert!(error.is_temporary(), "{error}");
        waited += 1;
        assert!(waited < 6, "{error}");
    }
    assert!(waited > 0, "it held the lock");
    assert_eq!(psql(&database.url, "SELECT count(*) FROM packet"), "1");
    drop(frozen);
}

#[tokio::test]
async fn tls_is_as_strict_as_the_url_says() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = Postgres::start_with(PostgresOptions::default(), |folder| {
        let (certificate, key) = ours.issue(folder, "DNS:localhost");
        ["ssl=on".to_owned(), format!("ssl_cert_file={}", certificate.display()), format!("ssl_key_file={}", key.display())]
            .into_iter()
            .flat_map(|setting| ["-c".to_owned(), setting])
            .collect()
    });
    let name = server.database();
    let by = |host: &str, query: String| server.url(&name).replace("127.0.0.1", host) + &query;
    let (right, wrong) = (ours.certificate().display().to_string(), other.certificate().display().to_string());
    let encrypted = "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'godwit' AND s.ssl";
    for (host, query, tls) in [
        ("127.0.0.1", "?sslmode=disable".to_owned(), false),
        ("127.0.0.1", String::new(), true),
        ("127.0.0.1", "?sslmode=require".to_owned(), true),
        ("127.0.0.1", format!("?sslmode=verify-ca&sslrootcert={right}"), true),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={right}"), true),
    ] {
        let store =
            PostgresStore::open(&PostgresConfig::new(by(host, query.clone()))).await.unwrap_or_else(|error| panic!("{query}: {error}"));
        assert_eq!(psql(&server.url("postgres"), encrypted) != "0", tls, "{query}");
        store.close().await.unwrap();
        drop(store);
        while psql(&server.url("postgres"), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'godwit'") != "0" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    for (host, query, said) in [
        ("localhost", format!("?sslmode=verify-ca&sslrootcert={wrong}"), "is signed by no authority of sslrootcert="),
        ("localhost", format!("?sslmode=require&sslrootcert={wrong}"), "is signed by no authority of sslrootcert="),
        ("localhost", "?sslmode=verify-full".to_owned(), "is signed by no authority of this system"),
        ("127.0.0.1", format!("?sslmode=verify-full&sslrootcert={right}"), "is not for 127.0.0.1, the host in the URL"),
        ("localhost", "?sslmode=verify-full&sslrootcert=/nowhere.pem".to_owned(), "sslrootcert=/nowhere.pem cannot be read"),
        ("localhost", "?sslmode=strict".to_owned(), "sslmode=strict is not known"),
    ] {
        let error = PostgresStore::open(&PostgresConfig::new(by(host, query.clone()))).await.expect_err(&query);
        let text = error.to_string();
        assert!(text.contains(said) && text.contains("hint:") && text.lines().count() == 3 && !error.is_temporary(), "{query}: {text}");
    }
}

#[tokio::test]
async fn replicas_may_start_at_once_and_a_newer_schema_is_left_alone() {
    let database = TestDatabase::create();
    let openings: Vec<_> = (0..6)
        .map(|_| {
            let url = database.url.clone();
            tokio::spawn(async move { PostgresStore::open(&PostgresConfig::new(url)).await.map(|_| ()) })
        })
        .collect();
    for opening in openings {
        opening.await.unwrap().unwrap();
    }
    assert_eq!(psql(&database.url, "SELECT count(*), max(version) FROM schema_version"), "6|6");
    psql(&database.url, "INSERT INTO schema_version VALUES (99)");
    let error = PostgresStore::open(&PostgresConfig::new(&database.url)).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 99, known: 6, .. }), "{error}");
}

#[tokio::test]
async fn what_cannot_be_opened_says_whether_to_try_again() {
    let server = Postgres::shared();
    let bouncer = PgBouncer::start(&server, 2);
    let missing = PostgresStore::open(&PostgresConfig::new(server.url("nowhere"))).await.unwrap_err();
    assert!(matches!(missing, StoreError::Refused { .. }), "{missing}");
    let missing = PostgresStore::open(&PostgresConfig::new(bouncer.url("nowhere"))).await.unwrap_err();
    assert!(matches!(missing, StoreError::Refused { .. }), "{missing}");
    let closed = PostgresStore::open(&PostgresConfig::new("postgresql://postgres@127.0.0.1:1/x")).await.unwrap_err();
    assert!(closed.is_temporary(), "{closed}");
    let nonsense = PostgresStore::open(&PostgresConfig::new("mysql://x")).await.unwrap_err();
    assert!(matches!(nonsense, StoreError::Refused { .. }), "{nonsense}");
    let tls = PostgresStore::open(&PostgresConfig::new(format!("{}?sslmode=require", server.url("postgres")))).await.unwrap_err();
    assert!(tls.to_string().contains("TLS") && !tls.is_temporary(), "{tls}");

    let name = server.database();
    psql(&server.url(&name), &format!("DROP EXTENSION postgis; CREATE ROLE {name} LOGIN; GRANT ALL ON SCHEMA public TO {name}"));
    let poor = server.url(&name).replace("postgres@", &format!("{name}@"));
    let error = PostgresStore::open(&PostgresConfig::new(poor)).await.unwrap_err();
    assert!(matches!(error, StoreError::NoPostgis { .. }), "{error}");
}

#[tokio::test]
async fn packets_of_a_day_without_partition_wait_in_the_default_one() {
    // A day that no start prepares: 2025-10-19.
    const OLD: i64 = NOON - 400 * DAY;
    let database = TestDatabase::create();
    let store = open(&database.url).await;
    store.append(batch(&[(OLD, b"A1B>APRS:>before")])).await.unwrap();
    // As retention by another replica does while this one still believes the day is there.
    psql(&database.url, "DROP TABLE packet_20251019");
    store.append(batch(&[(OLD + S, b"A1B>APRS:>one"), (OLD + 2 * S, b"A1B>APRS:>two")])).await.unwrap();
    assert_eq!(psql(&database.url, "SELECT count(*) FROM packet_default"), "2");
    assert_eq!(store.packets(all()).await.unwrap().packets.len(), 2);
    let other = open(&database.url).await;
    assert_eq!(other.prepare_days(OLD, 3).await.unwrap(), 3);
    assert_eq!(other.prepare_days(OLD, 3).await.unwrap(), 0);
    assert_eq!(psql(&database.url, "SELECT count(*) FROM packet_default"), "0");
    assert_eq!(psql(&database.url, "SELECT count(*) FROM packet_20251019"), "2");
    assert!(other.drop_day(OLD / DAY, 3).await.unwrap());
    assert_eq!(psql(&database.url, "SELECT to_regclass('packet_20251019') IS NULL"), "t");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_and_comes_back_has_every_batch_once() {
    let server = Arc::new(Postgres::start(PostgresOptions::default()));
    let database = TestDatabase::on(&server);
    let bouncer = PgBouncer::start(&server, 2);
    let store = Arc::new(open(&bouncer.url(database.name())).await);
    let (failed, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = {
        let (store, failed, enough) = (store.clone(), failed.clone(), enough.clone());
        tokio::spawn(async move {
            let mut batches = 0_i64;
            while !enough.load(Ordering::Relaxed) {
                let texts: Vec<String> = (0..50).map(|i| format!("S{i}>APRS:>{batches} {i}")).collect();
                let lines: Vec<(i64, &[u8])> = texts.iter().map(|text| (NOON + batches * S, text.as_bytes())).collect();
                let batch = batch(&lines);
                while let Err(error) = store.append(batch.clone()).await {
                    assert!(error.is_temporary(), "{error}");
                    failed.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                batches += 1;
            }
            batches
        })
    };
    type Act<'a> = &'a dyn Fn();
    let faults: [(Act, Act); 3] = [
        (&|| server.kill(), &|| server.start_again()),
        (&|| bouncer.kill(), &|| bouncer.start_again()),
        (&|| server.stop(), &|| server.start_again()),
    ];
    for (fault, repair) in faults {
        let stored = store.counts().await.unwrap().stored;
        while store.counts().await.unwrap().stored < stored + 1000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let before = failed.load(Ordering::Relaxed);
        tokio::task::block_in_place(fault);
        // Until the writer has felt it: repaired sooner, a fault can pass between two batches.
        while failed.load(Ordering::Relaxed) == before {
            assert!(!writer.is_finished(), "the writer gave up");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::task::block_in_place(repair);
        while let Err(error) = store.counts().await {
            assert!(error.is_temporary(), "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    enough.store(true, Ordering::Relaxed);
    let packets = writer.await.unwrap() * 50;
    assert_eq!(psql(&database.url, "SELECT count(*), count(DISTINCT raw) FROM packet"), format!("{packets}|{packets}"));
    assert_eq!(i64::try_from(store.counts().await.unwrap().stored), Ok(packets));
}

#[tokio::test]
async fn a_track_and_a_box_are_read_from_their_indexes() {
    let database = TestDatabase::create();
    let store = open(&database.url).await;
    for round in 0..40_i64 {
        let texts: Vec<String> = (0..1000)
            .map(|i| format!("S{i}>APRS:!{:02}{:02}.{:02}N/{:03}{:02}.00E>{round}", i % 80, i % 60, round, i % 170, i % 59))
            .collect();
        let lines: Vec<(i64, &[u8])> =
            texts.iter().enumerate().map(|(i, text)| (NOON + round * 60 * S + i as i64, text.as_bytes())).collect();
        store.append(batch(&lines)).await.unwrap();
    }
    psql(&database.url, "VACUUM ANALYZE");
    let key = EntityKey { kind: EntityKind::Station, name: Name::new(b"S77").unwrap() };
    let track = store.track(key, NOON, NOON + DAY, 1000).await.unwrap();
    assert_eq!(track.len(), 40);
    assert!((track[0].latitude - (77.0 + 17.0 / 60.0)).abs() < 1e-5, "{:?}", track[0]);
    let area = Area { south: 77.2, west: 77.0, north: 77.4, east: 77.5 };
    let found = store.in_area(area, 0, 100).await.unwrap();
    assert!(found.iter().any(|state| state.key == key), "{}", found.len());
    for state in &found {
        let fix = state.position.as_ref().unwrap().1;
        assert!((area.south..=area.north).contains(&fix.latitude) && (area.west..=area.east).contains(&fix.longitude), "{fix:?}");
    }
    let around = Area { south: -90.0, west: 179.0, north: 90.0, east: -179.0 };
    assert!(store.in_area(around, 0, 100).await.unwrap().is_empty());
    assert_eq!(store.in_area(Area { west: 100.0, east: 99.99, ..around }, 0, 10_000).await.unwrap().len(), 1000);

    let day = plan(&store, store.track(key, NOON, NOON + DAY, 1000)).await;
    assert_eq!(find(&day, "Relation Name", "packet_20261123").expect("the day")["Node Type"], "Index Only Scan", "{day:#}");
    let city = plan(&store, store.in_area(area, 0, 1000)).await;
    assert!(find(&city, "Index Name", "entity_cell").is_some(), "{city:#}");
}

/// How the database answers a question of one statement.
async fn plan(store: &PostgresStore, question: impl Future) -> serde_json::Value {
    let (_, plans) = store.plans_of(question).await;
    assert_eq!(plans.len(), 1);
    serde_json::from_str(&plans[0]).unwrap()
}

/// The first node of a plan with this value.
fn find<'p>(plan: &'p serde_json::Value, field: &str, value: &str) -> Option<&'p serde_json::Value> {
    if plan[field] == value {
        return Some(plan);
    }
    match plan {
        serde_json::Value::Object(fields) => fields.values().find_map(|inner| find(inner, field, value)),
        serde_json::Value::Array(list) => list.iter().find_map(|inner| find(inner, field, value)),
        _ => None,
    }
}

#[tokio::test]
async fn what_another_replica_kept_already_is_not_kept_again() {
    let database = TestDatabase::create();
    let (one, other) = (open(&database.url).await, open(&database.url).await);
    one.append(batch(&[(NOON, b"A1B>APRS:>first"), (NOON + S, b"A1B>APRS:>second")])).await.unwrap();
    // The other one heard it all a little later, and something more, and one line again half a minute later.
    let heard = batch(&[
        (NOON + S / 2, b"A1B>APRS:>first"),
        (NOON + S + 7, b"A1B>APRS:>second"),
        (NOON + 2 * S, b"A1B>APRS:>third"),
        (NOON + 31 * S, b"A1B>APRS:>first"),
    ]);
    let appended = other.append_missing(&heard, 15 * S).await.unwrap();
    assert_eq!((appended.stored, appended.already_there), (2, 2));
    // At once from both sides, again and again: one of them keeps each line.
    let both = batch(&(0..50).map(|at| (NOON + 60 * S + at, &b"A1B>APRS:>again"[..])).collect::<Vec<_>>());
    let (a, b) = tokio::join!(one.append_missing(&both, 15 * S), other.append_missing(&both, 15 * S));
    assert_eq!(a.unwrap().stored + b.unwrap().stored, 50);
    assert_eq!(one.append_missing(&heard, 15 * S).await.unwrap().stored, 0);
    let packets = one.packets(all()).await.unwrap().packets;
    assert_eq!(packets.len(), 54);
    assert_eq!(packets.iter().filter(|packet| &*packet.raw == b"A1B>APRS:>first").count(), 2);
    assert_eq!(one.counts().await.unwrap().stored + one.counts().await.unwrap().duplicates, 54);
}

#[tokio::test]
async fn a_schema_is_left_alone_when_told_so() {
    let database = TestDatabase::create();
    let config = PostgresConfig { migrate: false, ..PostgresConfig::new(&database.url) };
    let error = PostgresStore::open(&config).await.unwrap_err();
    assert!(matches!(error, StoreError::OlderSchema { found: 0, .. }) && error.to_string().contains("godwit migrate"), "{error}");
    assert_eq!(
        psql(&database.url, "SELECT count(*) FROM pg_tables WHERE tablename IN ('packet', 'schema_version')"),
        "0",
        "nothing was made"
    );
    open(&database.url).await;
    PostgresStore::open(&config).await.unwrap();
}

/// Waits until the replica has what the primary has.
async fn caught_up(primary: &Postgres, replica: &Postgres) {
    let at = psql(&primary.url("postgres"), "SELECT pg_current_wal_flush_lsn()");
    let there = format!("SELECT pg_last_wal_replay_lsn() >= '{at}'");
    while psql(&replica.url("postgres"), &there) != "t" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Longer than a measurement of the replica counts.
async fn until_measured_again() {
    tokio::time::sleep(Duration::from_millis(1100)).await;
}

#[tokio::test]
async fn history_comes_from_the_replica_unless_it_is_too_far_behind() {
    const MOST_BEHIND: Duration = Duration::from_secs(3);
    let primary = Arc::new(Postgres::start(PostgresOptions::default()));
    let database = TestDatabase::on(&primary);
    let replica = Postgres::replica_of(&primary);
    let url = Some(replica.url(database.name()));
    let config = PostgresConfig { read_url: url, read_lag: MOST_BEHIND, read_pool: 2, ..PostgresConfig::new(&database.url) };
    let store = PostgresStore::open(&config).await.unwrap();
    let packets = async || store.packets(all()).await.unwrap().packets.len();
    let figures = || store.replica().unwrap();
    let pools = store.pools();
    assert_eq!(pools.iter().map(|pool| (pool.name, pool.open)).collect::<Vec<_>>(), [("write", 2), ("read", 2), ("replica", 2)], "warm");
    store.append(batch(&[(NOON, b"A1B>APRS:>first")])).await.unwrap();
    caught_up(&primary, &replica).await;
    assert_eq!(packets().await, 1);
    assert_eq!((figures().answered, figures().passed_on), (1, 0));

    // It stands still, and what it does not have yet is soon asked of the primary.
    psql(&replica.url("postgres"), "SELECT pg_wal_replay_pause()");
    store.append(batch(&[(NOON + S, b"A1B>APRS:>second")])).await.unwrap();
    let began = std::time::Instant::now();
    while packets().await == 1 {
        assert!(began.elapsed() < MOST_BEHIND + Duration::from_secs(2), "{:?}", figures());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let behind = figures();
    assert!(!behind.used && behind.behind_ms >= Some(3000) && behind.answered > 1 && behind.passed_on == 1, "{behind:?}");
    assert!(store.track(key("A1B"), 0, i64::MAX, 9).await.unwrap().is_empty());
    assert_eq!(figures().passed_on, 2, "all history");

    // Nothing more is written, and it goes on: it has everything again.
    psql(&replica.url("postgres"), "SELECT pg_wal_replay_resume()");
    caught_up(&primary, &replica).await;
    until_measured_again().await;
    let answered = figures().answered;
    assert_eq!(packets().await, 2);
    assert_eq!((figures().answered, figures().used), (answered + 1, true));

    // It dies: the primary answers that very question.
    replica.kill();
    assert_eq!(packets().await, 2);
    assert!(!figures().used, "{:?}", figures());
    replica.start_again();

    // The primary dies: the replica, with all that it received, goes on.
    tokio::time::sleep(Duration::from_secs(5)).await;
    caught_up(&primary, &replica).await;
    assert_eq!(packets().await, 2);
    assert!(figures().used, "{:?}", figures());
    primary.kill();
    until_measured_again().await;
    assert_eq!(packets().await, 2);
    assert!(store.append(batch(&[(NOON, b"A1B>APRS:>no")])).await.unwrap_err().is_temporary());
    primary.start_again();
}

#[tokio::test]
async fn a_pool_tells_who_had_to_wait() {
    let database = TestDatabase::create();
    let config = PostgresConfig { read_pool: 1, ..PostgresConfig::new(&database.url) };
    let store = Arc::new(PostgresStore::open(&config).await.unwrap());
    let read = || store.pools().into_iter().find(|pool| pool.name == "read").unwrap();
    let before = read();
    assert_eq!((before.most, before.open, before.idle, before.waiting, before.saturated), (1, 1, 1, 0, 0));
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.counts().await.unwrap() })
        })
        .collect();
    for one in asked {
        one.await.unwrap();
    }
    let after = read();
    assert_eq!((after.taken, after.open, after.waiting), (before.taken + 8, 1, 0));
    assert!(after.saturated > 0 && after.wait_us > 0 && after.longest_wait_us <= after.wait_us, "{after:?}");
}

#[tokio::test]
async fn the_slowest_statements_are_known_where_they_are_measured() {
    let without = TestDatabase::create();
    assert_eq!(open(&without.url).await.slowest_statements(9).await.unwrap(), None);
    psql(&without.url, "CREATE EXTENSION pg_stat_statements");
    assert_eq!(open(&without.url).await.slowest_statements(9).await.unwrap(), None, "made, but not loaded");

    let preload = |_: &_| vec!["-c".to_owned(), "shared_preload_libraries=pg_stat_statements".to_owned()];
    let server = Arc::new(Postgres::start_with(PostgresOptions::default(), preload));
    let database = TestDatabase::on(&server);
    let store = open(&database.url).await;
    assert_eq!(store.slowest_statements(9).await.unwrap(), None, "loaded, but not made");
    psql(&database.url, "CREATE EXTENSION pg_stat_statements");
    for at in 0..3 {
        store.append(batch(&[(NOON + at * S, b"A1B>APRS:>x")])).await.unwrap();
    }
    let all = store.slowest_statements(1000).await.unwrap().unwrap();
    let copy = all.iter().find(|figures| figures.statement.starts_with("COPY packet (id, entity,")).expect("the COPY of a batch");
    assert_eq!((copy.calls, copy.rows), (3, 3));
    assert!(copy.total_ms > 0.0 && copy.longest_ms >= copy.mean_ms, "{copy:?}");
    assert!(all.iter().all(|figures| figures.statement.len() <= 300 && !figures.statement.contains('\n')));
    assert!(all.is_sorted_by(|a, b| a.total_ms >= b.total_ms), "those that took most time first");
    assert_eq!(store.slowest_statements(2).await.unwrap().unwrap().len(), 2);
}

#[tokio::test]
async fn days_that_ended_are_packed_once() {
    let database = TestDatabase::create();
    let bouncer = PgBouncer::start(database.server.as_ref().unwrap(), 3);
    let store = open(&bouncer.url(database.name())).await;
    for round in 0..20_i64 {
        let texts: Vec<String> = (0..500).map(|i| format!("S{}>APRS:!4722.85N/00832.46E>{round}", i * 7 % 500)).collect();
        let lines: Vec<(i64, &[u8])> =
            texts.iter().enumerate().map(|(i, text)| (NOON + round * 60 * S + i as i64, text.as_bytes())).collect();
        store.append(batch(&lines)).await.unwrap();
    }
    let size = || psql(&database.url, "SELECT pg_indexes_size('packet_20261123')").parse::<u64>().unwrap();
    let (before, today) = (size(), NOON / DAY);
    assert_eq!(store.pack_days(today).await.unwrap(), 0, "it has not ended");
    assert_eq!(size(), before);
    // What a time before this left when it broke off.
    psql(
        &database.url,
        "CREATE INDEX left_ccnew ON packet_20261123 (raw); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'left_ccnew'::regclass",
    );
    assert_eq!(store.pack_days(today + 1).await.unwrap(), 1);
    assert_eq!(psql(&database.url, "SELECT to_regclass('left_ccnew') IS NULL"), "t");
    assert!(size() < before * 85 / 100, "{} of {before}", size());
    assert_eq!(store.track(key("S77"), 0, i64::MAX, 100).await.unwrap().len(), 20);
    assert_eq!(store.pack_days(today + 1).await.unwrap(), 0, "once");
    store.append(batch(&[(NOON + 7, b"S77>APRS:!4722.85N/00832.46E>late")])).await.unwrap();
    assert_eq!(store.track(key("S77"), 0, i64::MAX, 100).await.unwrap().len(), 21);
    store.thin_day(today, 10_001, Thin::Tracks(60)).await.unwrap().unwrap();
    assert_eq!(store.pack_days(today + 1).await.unwrap(), 1, "again, for its table is another");
}

#[tokio::test]
async fn packing_lays_the_states_of_neighbours_side_by_side() {
    let database = TestDatabase::create();
    let bouncer = PgBouncer::start(database.server.as_ref().unwrap(), 3);
    let store = open(&bouncer.url(database.name())).await;
    // Heard in turn from fifty places far from each other.
    let texts: Vec<String> = (0..2000).map(|i| format!("S{i}>APRS:!{:02}22.85N/00832.46E>side by side", 10 + i % 50)).collect();
    let lines: Vec<(i64, &[u8])> = texts.iter().enumerate().map(|(i, text)| (NOON + i as i64, text.as_bytes())).collect();
    store.append(batch(&lines)).await.unwrap();
    psql(&database.url, "ANALYZE entity");
    let pages = "SELECT max(pages) FROM (SELECT count(DISTINCT (ctid::text::point)[0]) AS pages FROM entity GROUP BY cell) c";
    let pages = || psql(&database.url, pages).parse::<u64>().unwrap();
    assert!(pages() > 20, "{}", pages());
    // Somebody holds the states: the day is packed, they are not in order, and that is said.
    let (client, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE entity IN ACCESS SHARE MODE").await.unwrap();
    assert!(store.pack_days(NOON / DAY + 1).await.is_err());
    assert!(pages() > 20, "{}", pages());
    assert_eq!(store.pack_days(NOON / DAY + 1).await.unwrap(), 0, "the day is packed");
    drop(client);
    connection.await.unwrap().unwrap();
    store.append(batch(&[(NOON + DAY, b"S0>APRS:!1022.85N/00832.46E>the next day")])).await.unwrap();
    assert_eq!(store.pack_days(NOON / DAY + 2).await.unwrap(), 1);
    assert!(pages() <= 4, "{}", pages());
    let found = store.in_area(Area { south: 12.0, west: 8.0, north: 13.0, east: 9.0 }, 0, 1000).await.unwrap();
    assert_eq!(found.len(), 40);
}

/// Tables as large as the planner needs to see which index pays, with statistics of their own: 20,000 stations, a day
/// of 200,000 packets, ten years of hours and days, a week of who heard whom.
async fn grown(database: &TestDatabase) -> PostgresStore {
    let store = open(&database.url).await;
    store.prepare_days(NOON, 1).await.unwrap();
    let (midnight, today) = (NOON - DAY / 2, NOON / DAY);
    psql(
        &database.url,
        &format!(
            "INSERT INTO name (kind, name) SELECT 0, convert_to('S' || i, 'LATIN1') FROM generate_series(1, 20000) i;
             INSERT INTO entity SELECT id, 40000000 + id * 777 % 20000000, id * 999 % 40000000,
               (130000000 + id * 777 % 20000000) / 500000 * 720 + (180000000 + id * 999 % 40000000) / 500000, {NOON}, true, '' FROM name;
             INSERT INTO packet (id, entity, latitude, longitude, kind, verdict, raw, weather)
               SELECT {midnight} + i * 400000::bigint, 1 + i % 20000, 1, 1, 1, 0, decode(repeat('41', 80), 'hex'),
                 CASE WHEN i % 10 = 0 THEN '\\x00'::bytea END FROM generate_series(0, 199999) i;
             INSERT INTO appended SELECT i * 1000, array_fill({NOON}::bigint, '{{1000}}') FROM generate_series(1, 1000) i;
             INSERT INTO hour SELECT {today} * 24 - i, 1, 1, 1, 1 FROM generate_series(0, 87600) i;
             INSERT INTO heard_day SELECT {today} - i, 1, 1, 1 FROM generate_series(0, 3650) i;
             INSERT INTO heard_link SELECT 1 + i % 20000, {today} - i / 20000, 1 + i * 7 % 500, 1, 1 FROM generate_series(0, 139999) i;
             ANALYZE"
        ),
    );
    psql(&database.url, "VACUUM");
    store
}

#[tokio::test]
async fn every_index_answers_a_question_or_keeps_rows_apart() {
    let database = TestDatabase::create();
    let store = grown(&database).await;
    let (s77, name) = (key("S77"), Name::new(b"S7").unwrap());
    let city = Area { south: 47.2, west: 8.0, north: 47.6, east: 8.5 };
    let about = PacketQuery { about: Some(vec![s77]), limit: 100, ..all() };
    let mut used = std::collections::BTreeSet::new();
    let mut questions: Vec<(&str, Vec<String>)> = Vec::new();
    macro_rules! ask {
        ($index:literal, $question:expr) => {
            questions.push(($index, store.plans_of($question).await.1));
        };
    }
    ask!("packet_track", store.track(s77, NOON, NOON + DAY, 1000));
    ask!("packet_track", store.packets(about));
    ask!("packet_weather", store.weather(s77, NOON, NOON + DAY, 1000));
    ask!("packet_pkey", store.packets(PacketQuery { limit: 100, ..all() }));
    ask!("packet_pkey", store.packet(NOON));
    ask!("packet_pkey", store.scan(NOON, NOON + DAY, 1000));
    ask!("entity_cell", store.in_area(city, 0, 1000));
    ask!("entity_pkey", store.entity(s77));
    ask!("name_kind_name_key", store.entity(s77));
    ask!("name_pkey", store.packet(NOON));
    ask!("appended_pkey", store.follow(Some(990_000), 1000));
    ask!("hour_pkey", store.hours(NOON - DAY, NOON));
    ask!("heard_day_pkey", store.heard_days(NOON - 7 * DAY, NOON));
    ask!("heard_link_pkey", store.heard(name, HeardSide::Of, NOON - 7 * DAY, 100));
    ask!("heard_link_hearer", store.heard(name, HeardSide::By, NOON - 2 * DAY, 100));
    // Those of a partition are named by the parent's.
    let parents = psql(&database.url, "SELECT inhrelid::regclass, inhparent::regclass FROM pg_inherits");
    let parents: std::collections::HashMap<&str, &str> = parents.lines().filter_map(|line| line.split_once('|')).collect();
    for (index, plans) in questions {
        let mut found: Vec<String> = Vec::new();
        for plan in &plans {
            indexes(&serde_json::from_str(plan).unwrap(), &mut found);
        }
        let found: Vec<&str> = found.iter().map(|name| parents.get(name.as_str()).copied().unwrap_or(name)).collect();
        assert!(found.contains(&index), "{index}: {found:?} {plans:?}");
        used.insert(index);
    }
    // Of one row for each key: what ON CONFLICT, or a row's own key, finds it by.
    let keys = [
        "archived_pkey",
        "counter_pkey",
        "day_pkey",
        "heard_entity_pkey",
        "import_pkey",
        "imported_pkey",
        "job_pkey",
        "kept_pkey",
        "last_batch_pkey",
        "lease_pkey",
        "schema_version_pkey",
    ];
    let indexes = psql(
        &database.url,
        "SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND c.relname <> 'spatial_ref_sys'",
    );
    let unused: Vec<&str> = indexes.lines().filter(|index| !used.contains(index) && !keys.contains(index)).collect();
    assert!(unused.is_empty(), "indexes that answer nothing: {unused:?}");
}

/// The names of all indexes in a plan.
fn indexes(plan: &serde_json::Value, found: &mut Vec<String>) {
    match plan {
        serde_json::Value::Object(fields) => {
            found.extend(fields.get("Index Name").and_then(|name| name.as_str()).map(str::to_owned));
            fields.values().for_each(|inner| indexes(inner, found));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|inner| indexes(inner, found)),
        _ => {}
    }
}
