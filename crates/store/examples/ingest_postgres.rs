//! How fast the PostgreSQL store takes packets in on top of MILLIONS (default 5) of rows, beside bare COPY BINARY into a
//! table without an index in the same run; bytes a packet; how long questions take after the server was started again;
//! by which index each is answered. The ratios hold on other machines, the rates do not. Starts a PostgreSQL of its own
//! with fsync on, as in production.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a bench")]

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use godwit_pipeline::{EntityKey, EntityKind, Name, Pipeline};
use godwit_store::{Area, Batch, PacketQuery, PostgresConfig, PostgresStore, Store};
use godwit_testkit::{Postgres, PostgresOptions, psql};
use tokio_postgres::{NoTls, binary_copy::BinaryCopyInWriter, types::Type};

/// Heard now and then, in one place or moving.
const STATIONS: usize = 50_000;
/// Cars: every tenth packet two times.
const TRACKERS: usize = 500;
/// Weather every ten minutes: every tenth packet.
const WEATHER: usize = 500;
const DAY_US: i64 = 86_400_000_000;
/// 2026-11-23 00:00:00 UTC.
const START_US: i64 = 1_795_392_000_000_000;

/// Batches over seven days.
struct Traffic {
    pipeline: Pipeline,
    next: usize,
    step_us: i64,
}

impl Traffic {
    fn batch(&mut self, size: usize) -> Batch {
        let mut batch = Batch::default();
        for i in self.next..self.next + size {
            let outcome = self.pipeline.accept(START_US + i as i64 * self.step_us, line(i).as_bytes());
            batch.records.push(outcome.record);
            batch.changes.extend(outcome.changes);
        }
        self.next += size;
        batch
    }
}

fn line(i: usize) -> String {
    let round = i / 10;
    match i % 10 {
        0 => {
            let who = round % WEATHER;
            format!("W{who}B>APRS,TCPIP*,qAC,T2X:!{}_220/004g005t{:03}r000p002P001h50b09900", place(who * 97, 0), i / 7 % 100)
        }
        at @ (3 | 7) => {
            let who = (round * 2 + at / 7) % TRACKERS;
            let path = ["WIDE1-1,qAR,GATE7", "DIGI4*,WIDE2-1,qAR,GATE9"][i / 10 % 2];
            format!("T{who}B-9>APRS,{path}:!{}>147/064/A=001414 on the road", place(who * 89, round / TRACKERS))
        }
        _ => {
            let who = i * 7919 % STATIONS;
            format!("N{who}B>APRS,WIDE1-1,qAR,GATE{}:!{}-147/064/A=001414 on the road", who % 100, place(who, i / 2 / STATIONS))
        }
    }
}

/// 35 to 60 north, 0 to 40 east.
fn place(who: usize, moved: usize) -> String {
    format!("{}{:02}.{:02}N/{:03}{:02}.46E", 35 + who % 25, who % 60, moved % 100, who / 25 % 40, who / 60 % 60)
}

#[tokio::main]
async fn main() {
    let rows = (std::env::var("MILLIONS").map_or(5.0, |millions| millions.parse::<f64>().unwrap()) * 1e6) as usize;
    let server = Postgres::start(PostgresOptions { fsync: true, shared_buffers_mb: 1024 });
    let url = server.url(&server.database());
    let store = PostgresStore::open(&PostgresConfig::new(&url)).await.unwrap();
    let sizes = [(1000, 100), (4000, 25)];
    let timed: usize = sizes.iter().map(|(size, batches)| size * batches).sum();
    let mut traffic = Traffic { pipeline: Pipeline::default(), next: 0, step_us: 7 * DAY_US / (rows + timed) as i64 };
    let began = Instant::now();
    while traffic.next < rows {
        store.append(traffic.batch(5000)).await.unwrap();
    }
    eprintln!("filled in {:.0} s", began.elapsed().as_secs_f64());
    psql(&url, "VACUUM ANALYZE");
    println!("rows before          {rows:>10}");
    for (size, batches) in sizes {
        ingest(&store, &url, (0..batches).map(|_| traffic.batch(size)).collect()).await;
    }
    let packets = traffic.next as f64;
    let size = |what: &str| {
        let sql = format!(
            "SELECT sum({what}(c.oid)) FROM pg_class c WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace
                           AND relname NOT IN ('spatial_ref_sys', 'bare')"
        );
        psql(&url, &sql).parse::<f64>().unwrap() / packets
    };
    println!("tables               {:>10.0} bytes a packet", size("pg_table_size"));
    println!("indexes              {:>10.0} bytes a packet", size("pg_indexes_size"));
    println!("in all               {:>10.0} bytes a packet", size("pg_total_relation_size"));
    psql(&url, "VACUUM ANALYZE");
    store.close().await.unwrap();

    server.stop();
    server.start_again();
    let store = PostgresStore::open(&PostgresConfig::new(&url)).await.unwrap();
    questions(&store, START_US + 7 * DAY_US).await;
    plans(&store).await;
    let began = Instant::now();
    let days = store.retain_since(i64::MAX).await.unwrap();
    println!("dropping a day       {:>10.1} ms", began.elapsed().as_secs_f64() * 1e3 / days as f64);
}

/// In turn, so that both see the same machine.
async fn ingest(store: &PostgresStore, url: &str, batches: Vec<Batch>) {
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
        .batch_execute(
            "DROP TABLE IF EXISTS bare; CREATE TABLE bare (id bigint, entity integer, latitude integer, longitude integer, kind smallint,
             verdict smallint, raw bytea, altitude_m integer, speed_tenth_kmh smallint, course_deg smallint)",
        )
        .await
        .unwrap();
    let types = [Type::INT8, Type::INT4, Type::INT4, Type::INT4, Type::INT2, Type::INT2, Type::BYTEA, Type::INT4, Type::INT2, Type::INT2];
    let (mut bare, mut ours, mut packets) = (Duration::ZERO, Duration::ZERO, 0);
    let size = batches[0].records.len();
    for batch in batches {
        packets += batch.records.len();
        let began = Instant::now();
        let transaction = client.transaction().await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "straight to the server")]
        let sink = transaction.copy_in("COPY bare FROM STDIN BINARY").await.unwrap();
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for record in &batch.records {
            let (id, raw) = (&record.received_at_us, &&record.raw[..]);
            writer
                .as_mut()
                .write(&[id, &7_i32, &47_000_000_i32, &8_000_000_i32, &1_i16, &0_i16, raw, &431_i32, &1185_i16, &147_i16])
                .await
                .unwrap();
        }
        writer.finish().await.unwrap();
        transaction.commit().await.unwrap();
        bare += began.elapsed();
        let began = Instant::now();
        store.append(batch).await.unwrap();
        ours += began.elapsed();
    }
    let rate = |time: Duration| packets as f64 / time.as_secs_f64();
    println!("batches of {size}");
    println!("  bare COPY BINARY   {:>10.0} packets/s", rate(bare));
    println!("  with latest state  {:>10.0} packets/s   {:.3} of bare", rate(ours), rate(ours) / rate(bare));
}

fn station(name: &str) -> EntityKey {
    EntityKey { kind: EntityKind::Station, name: Name::new(name.as_bytes()).unwrap() }
}

fn tracker(draw: usize) -> EntityKey {
    station(&format!("T{}B-9", draw * 7 % TRACKERS))
}

fn weather(draw: usize) -> EntityKey {
    station(&format!("W{}B", draw * 7 % WEATHER))
}

const BOXES: [(&str, f64, f64); 3] = [("city", 0.4, 0.5), ("country", 6.0, 8.0), ("continent", 35.0, 50.0)];

fn area(draw: usize, height: f64, width: f64) -> Area {
    let (south, west) = ((35 + draw * 7 % 20) as f64, (draw * 11 % 35) as f64);
    Area { south, west, north: south + height, east: west + width }
}

fn newest(about: Option<Vec<EntityKey>>) -> PacketQuery {
    PacketQuery { since_us: 0, until_us: i64::MAX, about, duplicates: false, limit: 100, before_id: None }
}

/// Every question is about something that was not touched since the server started.
async fn questions(store: &PostgresStore, now_us: i64) {
    let (day, week) = (now_us - DAY_US, now_us - 7 * DAY_US);
    time("track 24 h", async |draw| store.track(tracker(draw), day, now_us, 10_000).await.unwrap().len()).await;
    time("weather 7 days", async |draw| store.weather(weather(draw), week, now_us, 10_000).await.unwrap().len()).await;
    for (what, height, width) in BOXES {
        time(&format!("box {what}"), async |draw| store.in_area(area(draw, height, width), 0, 100_000).await.unwrap().len()).await;
    }
    time("newest of a station", async |draw| store.packets(newest(Some(vec![tracker(draw)]))).await.unwrap().packets.len()).await;
    time("newest of all", async |_| store.packets(newest(None)).await.unwrap().packets.len()).await;
}

async fn time(what: &str, ask: impl AsyncFn(usize) -> usize) {
    let (mut times, mut found) = (Vec::new(), 0);
    for draw in 0..200 {
        let began = Instant::now();
        found += ask(draw).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let ms = |at: usize| times[times.len() * at / 100].as_secs_f64() * 1e3;
    println!("{what:<20} {:>10.2} ms p50 {:>8.2} ms p95   {} rows on average", ms(50), ms(95), found / times.len());
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
