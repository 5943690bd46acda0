//! How fast the PostgreSQL store takes packets in on top of MILLIONS (default 5) of rows, beside bare COPY BINARY into a
//! table without an index in the same run; bytes a packet; how long questions take after the server was started again;
//! by which index each is answered. The ratios hold on other machines, the rates do not. Starts a PostgreSQL of its own
//! with fsync on, as in production.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a bench")]

mod common;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use common::{BOXES, DAY_US, START_US, Traffic, WIDE_COLUMNS, area, cpu, newest, questions, rates, rows, time, tracker, weather, wide_row};
use godwit_pipeline::Record;
use godwit_store::{Batch, Days, PostgresConfig, PostgresStore, Store};
use godwit_testkit::{Postgres, PostgresOptions, psql};
use tokio_postgres::NoTls;

const SIZES: [(usize, usize); 2] = [(1000, 100), (4000, 25)];

/// A server of our own, or one that somebody else keeps filled.
enum Server {
    Own(Postgres),
    Given { restart: String },
}

impl Server {
    fn restart(&self) {
        match self {
            Self::Own(server) => {
                server.stop();
                server.start_again();
            }
            Self::Given { restart } => assert!(std::process::Command::new("sh").args(["-c", restart]).status().unwrap().success()),
        }
    }
}

#[tokio::main]
async fn main() {
    let (server, url) = if let Ok(url) = std::env::var("DATABASE_URL") {
        (Server::Given { restart: std::env::var("RESTART").expect("RESTART, a command that restarts that server") }, url)
    } else {
        let preload = |_: &_| vec!["-c".to_owned(), "shared_preload_libraries=pg_stat_statements".to_owned()];
        let server = Postgres::start_with(PostgresOptions { fsync: true, shared_buffers_mb: 1024 }, preload);
        let url = server.url(&server.database());
        (Server::Own(server), url)
    };
    psql(&url, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    let rows = rows();
    let store = PostgresStore::open(&PostgresConfig::new(&url)).await.unwrap();
    let timed: usize = SIZES.iter().map(|(size, batches)| size * batches).sum();
    let mut traffic = Traffic::new(rows + timed);
    if store.counts().await.unwrap().stored == 0 {
        let began = Instant::now();
        while traffic.next < rows {
            store.append(traffic.batch(5000)).await.unwrap();
            // Autovacuum looks once a minute, some ten thousand times in seven days; here they are over in one or two.
            if traffic.next.is_multiple_of(rows / 20) {
                psql(&url, "VACUUM entity, heard_link, heard_entity");
            }
        }
        eprintln!("filled in {:.0} s", began.elapsed().as_secs_f64());
        psql(&url, "VACUUM ANALYZE");
    }
    // Of an earlier run, perhaps: on from there.
    let counts = store.counts().await.unwrap();
    traffic.next = (counts.stored + counts.duplicates + counts.bad) as usize;
    println!("rows before          {:>10}", traffic.next);
    for (size, batches) in SIZES {
        psql(&url, "SELECT pg_stat_statements_reset()");
        ingest(&store, &url, (0..batches).map(|_| traffic.batch(size)).collect()).await;
        for figures in store.slowest_statements(14).await.unwrap().unwrap() {
            let us = figures.total_ms * 1e3 / timed as f64 * SIZES.len() as f64;
            println!("    {us:>6.2} µs a packet  {}", figures.statement.chars().take(70).collect::<String>());
        }
    }
    let packets = traffic.next as f64;
    let size = |what: &str| {
        let sql = format!(
            "SELECT sum({what}(c.oid)) FROM pg_class c WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace
                           AND relname NOT IN ('spatial_ref_sys', 'narrow', 'wide')"
        );
        psql(&url, &sql).parse::<f64>().unwrap() / packets
    };
    let began = Instant::now();
    let packed = store.pack_days((START_US + 6 * DAY_US) / DAY_US).await.unwrap();
    println!("packed               {packed:>10} days that ended, in {:.1} s", began.elapsed().as_secs_f64());
    println!("tables               {:>10.0} bytes a packet", size("pg_table_size"));
    println!("indexes              {:>10.0} bytes a packet", size("pg_indexes_size"));
    println!("in all               {:>10.0} bytes a packet", size("pg_total_relation_size"));
    psql(&url, "VACUUM ANALYZE");
    store.close().await.unwrap();

    server.restart();
    let store = PostgresStore::open(&PostgresConfig::new(&url)).await.unwrap();
    // What the way there and back takes by itself.
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    time("the least statement", async |_| client.query_typed("SELECT 1", &[]).await.unwrap().len()).await;
    questions(&store, START_US + 7 * DAY_US).await;
    plans(&store).await;
    if matches!(server, Server::Own(_)) {
        let began = Instant::now();
        let day = store.days().await.unwrap()[0];
        assert!(store.drop_day(day.day, day.packets).await.unwrap());
        println!("dropping a day       {:>10.1} ms for {} packets", began.elapsed().as_secs_f64() * 1e3, day.packets);
    }
}

/// The columns that the store keeps of a packet.
fn narrow_row(record: &Record) -> Vec<Option<Vec<u8>>> {
    let number = |value: i32| Some(value.to_be_bytes().to_vec());
    let small = |value: i16| Some(value.to_be_bytes().to_vec());
    vec![
        Some(record.received_at_us.to_be_bytes().to_vec()),
        number(7),
        number(47_000_000),
        number(8_000_000),
        small(1),
        small(0),
        Some(record.raw.to_vec()),
        number(431),
        small(1185),
        small(147),
    ]
}

/// Rows as COPY BINARY takes them.
fn copy_of(rows: impl Iterator<Item = Vec<Option<Vec<u8>>>>) -> Bytes {
    let mut out = BytesMut::new();
    out.put_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for row in rows {
        out.put_i16(i16::try_from(row.len()).unwrap());
        for value in row {
            out.put_i32(value.as_ref().map_or(-1, |value| i32::try_from(value.len()).unwrap()));
            out.put_slice(value.as_deref().unwrap_or_default());
        }
    }
    out.put_i16(-1);
    out.freeze()
}

async fn copy(client: &mut tokio_postgres::Client, table: &str, rows: Bytes) -> Duration {
    let began = Instant::now();
    let transaction = client.transaction().await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "straight to the server")]
    let sink = transaction.copy_in(&format!("COPY {table} FROM STDIN BINARY")).await.unwrap();
    let mut sink = std::pin::pin!(sink);
    std::future::poll_fn(|context| futures_sink::Sink::poll_ready(sink.as_mut(), context)).await.unwrap();
    futures_sink::Sink::start_send(sink.as_mut(), rows).unwrap();
    sink.finish().await.unwrap();
    transaction.commit().await.unwrap();
    began.elapsed()
}

/// In turn, so that all see the same machine.
async fn ingest(store: &PostgresStore, url: &str, batches: Vec<Batch>) {
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let tables = format!(
        "DROP TABLE IF EXISTS narrow, wide; CREATE TABLE wide ({WIDE_COLUMNS});
         CREATE TABLE narrow (id bigint, entity integer, latitude integer, longitude integer, kind smallint, verdict smallint,
           raw bytea, altitude_m integer, speed_tenth_kmh smallint, course_deg smallint)"
    );
    client.batch_execute(&tables).await.unwrap();
    // All backends of the store: its pool takes them in turn. The floors have one that is not named so.
    let pids = psql(url, "SELECT pid FROM pg_stat_activity WHERE application_name = 'godwit' AND datname = current_database()");
    let backends = || pids.lines().map(|pid| cpu(pid.parse().ok())).sum::<Duration>();
    let floor = client.query_typed("SELECT pg_backend_pid()", &[]).await.unwrap()[0].get::<_, i32>(0).unsigned_abs();
    let busy = |pid| cpu(None) + cpu(Some(pid));
    let (mut narrow, mut wide, mut ours, mut ours_cpu, mut packets) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO, 0);
    let (mut narrow_cpu, mut wide_cpu) = (Duration::ZERO, Duration::ZERO);
    let size = batches[0].records.len();
    let before = backends();
    for batch in batches {
        packets += batch.records.len();
        let rows = (copy_of(batch.records.iter().map(narrow_row)), copy_of(batch.records.iter().map(wide_row)));
        let at = busy(floor);
        narrow += copy(&mut client, "narrow", rows.0).await;
        let between = busy(floor);
        wide += copy(&mut client, "wide", rows.1).await;
        (narrow_cpu, wide_cpu) = (narrow_cpu + (between - at), wide_cpu + (busy(floor) - between));
        let (began, began_cpu) = (Instant::now(), cpu(None));
        store.append(batch).await.unwrap();
        ours += began.elapsed();
        ours_cpu += cpu(None).saturating_sub(began_cpu);
    }
    let backend = backends().saturating_sub(before);
    println!("batches of {size}");
    rates(packets, ours, &[("bare COPY, our 10 columns", narrow), ("bare COPY, 35 columns", wide)]);
    let us = |time: Duration| time.as_secs_f64() * 1e6 / packets as f64;
    println!(
        "    processor a packet: {:.1} µs here, {:.1} in the backend; both of 10 columns {:.1}, of 35 columns {:.1}: {:.3} and {:.3} of ours",
        us(ours_cpu),
        us(backend),
        us(narrow_cpu),
        us(wide_cpu),
        us(narrow_cpu) / us(ours_cpu + backend),
        us(wide_cpu) / us(ours_cpu + backend)
    );
}

/// The indexes by which the planner answers each question here, with real statistics.
async fn plans(store: &PostgresStore) {
    let until = START_US + 7 * DAY_US;
    show(store, "track", store.track(tracker(3), until - DAY_US, until, 1000)).await;
    show(store, "weather", store.weather(weather(3), START_US, until, 10_000)).await;
    for (what, height, width) in BOXES {
        show(store, what, store.in_area(area(3, height, width), 0, 100_000)).await;
    }
    show(store, "newest of a station", store.packets(newest(Some(vec![tracker(3)])))).await;
    show(store, "newest", store.packets(newest(None))).await;
    show(store, "packet", store.packet(START_US)).await;
    show(store, "scan", store.scan(START_US + DAY_US, i64::MAX, 1000)).await;
}

async fn show(store: &PostgresStore, what: &str, question: impl Future) {
    for plan in store.plans_of(question).await.1 {
        let mut scans: Vec<String> = Vec::new();
        for line in plan.lines().map(str::trim).filter(|line| line.starts_with("\"Node Type\"") || line.starts_with("\"Index Name\"")) {
            let value = line.split('"').nth(3).unwrap_or_default();
            if line.contains("Index Name") || value == "Seq Scan" {
                scans.push(value.to_owned());
            }
        }
        scans.dedup();
        println!("plan of {what:<20} {}", scans.join(", "));
    }
}
