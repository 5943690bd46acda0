//! How fast the PostgreSQL store takes packets in on top of MILLIONS (default 1) of rows, beside bare COPY BINARY into a
//! table without an index in the same run; bytes a packet; how long questions take. The ratios hold on other machines,
//! the rates do not. Starts a PostgreSQL of its own with fsync on, as in production.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a bench")]

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use godwit_pipeline::{EntityKey, EntityKind, Name, Pipeline};
use godwit_store::{Area, Batch, PostgresConfig, PostgresStore, Store};
use godwit_testkit::{Postgres, PostgresOptions, psql};
use tokio_postgres::{NoTls, binary_copy::BinaryCopyInWriter, types::Type};

const STATIONS: usize = 50_000;
const BATCH: usize = 1000;
/// Batches that are timed, after the rows beneath them.
const TIMED: usize = 200;
/// 2026-11-23 00:00:00 UTC.
const START_US: i64 = 1_795_392_000_000_000;

/// Batches over a day; a station is heard again and again, and every second packet has moved.
struct Traffic {
    pipeline: Pipeline,
    next: usize,
    step_us: i64,
}

impl Iterator for Traffic {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        for i in self.next..self.next + BATCH {
            let who = i * 7919 % STATIONS;
            let (latitude, longitude) = (35 + who % 25, who / 25 % 40);
            let line = format!(
                "N{who}B>APRS,WIDE1-1,qAR,GATE{}:!{latitude}{:02}.{:02}N/{longitude:03}{:02}.46E>147/064/A=001414 on the road",
                who % 100,
                who % 60,
                i / 2 / STATIONS % 100,
                who / 60 % 60,
            );
            let outcome = self.pipeline.accept(START_US + i as i64 * self.step_us, line.as_bytes());
            batch.records.push(outcome.record);
            batch.changes.extend(outcome.changes);
        }
        self.next += BATCH;
        Some(batch)
    }
}

#[tokio::main]
async fn main() {
    let rows = std::env::var("MILLIONS").map_or(1.0, |millions| millions.parse::<f64>().unwrap()) * 1e6;
    let before = rows as usize / BATCH;
    let server = Postgres::start(PostgresOptions { fsync: true, shared_buffers_mb: 1024 });
    let url = server.url(&server.database());
    let store = PostgresStore::open(&PostgresConfig::new(&url)).await.unwrap();
    let step_us = 86_000_000_000 / (((before + TIMED) * BATCH) as i64);
    let mut traffic = Traffic { pipeline: Pipeline::default(), next: 0, step_us };
    for batch in traffic.by_ref().take(before) {
        store.append(batch).await.unwrap();
    }
    psql(&url, "VACUUM ANALYZE");

    let timed: Vec<Batch> = traffic.take(TIMED).collect();
    // In turn, so that both see the same machine.
    let (mut bare, mut ours) = (Duration::ZERO, Duration::ZERO);
    let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE TABLE bare (id bigint, raw bytea)").await.unwrap();
    for batch in timed {
        let began = Instant::now();
        let transaction = client.transaction().await.unwrap();
        let sink = transaction.copy_in("COPY bare FROM STDIN BINARY").await.unwrap();
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &[Type::INT8, Type::BYTEA]));
        for record in &batch.records {
            writer.as_mut().write(&[&record.received_at_us, &&record.raw[..]]).await.unwrap();
        }
        writer.finish().await.unwrap();
        transaction.commit().await.unwrap();
        bare += began.elapsed();
        let began = Instant::now();
        store.append(batch).await.unwrap();
        ours += began.elapsed();
    }
    let rate = |time: Duration| (TIMED * BATCH) as f64 / time.as_secs_f64();
    println!("rows before          {:>10}", before * BATCH);
    println!("bare COPY BINARY     {:>10.0} packets/s", rate(bare));
    println!("with latest state    {:>10.0} packets/s   {:.3} of bare", rate(ours), rate(ours) / rate(bare));
    let packets = (before + TIMED) * BATCH;
    let size = |sql: &str| psql(&url, sql).parse::<f64>().unwrap() / packets as f64;
    println!("heap                 {:>10.0} bytes a packet", size("SELECT pg_table_size('packet_20261123')"));
    println!("indexes              {:>10.0} bytes a packet", size("SELECT pg_indexes_size('packet_20261123')"));
    println!(
        "latest state         {:>10.0} bytes a packet",
        size("SELECT pg_total_relation_size('entity') + pg_total_relation_size('name')")
    );
    questions(&store).await;
    let began = Instant::now();
    assert_eq!(store.retain_since(i64::MAX).await.unwrap(), 1);
    println!("dropping the day     {:>10.1} ms", began.elapsed().as_secs_f64() * 1e3);
}

async fn questions(store: &PostgresStore) {
    let mut times = Vec::new();
    let mut found = 0;
    for draw in 0..200 {
        let name = format!("N{}B", draw * 241 % STATIONS);
        let key = EntityKey { kind: EntityKind::Station, name: Name::new(name.as_bytes()).unwrap() };
        let began = Instant::now();
        found += store.track(key, START_US, START_US + 86_400_000_000, 10_000).await.unwrap().len();
        times.push(began.elapsed());
    }
    report("track 24 h", &mut times, found);
    for (what, height, width) in [("box city", 0.4, 0.5), ("box country", 6.0, 8.0), ("box continent", 35.0, 50.0)] {
        let (mut times, mut found) = (Vec::new(), 0);
        for draw in 0..200_u32 {
            let (south, west) = (f64::from(35 + draw * 7 % 20), f64::from(draw * 11 % 35));
            let area = Area { south, west, north: south + height, east: west + width };
            let began = Instant::now();
            found += store.in_area(area, 0, 100_000).await.unwrap().len();
            times.push(began.elapsed());
        }
        report(what, &mut times, found);
    }
}

fn report(what: &str, times: &mut [Duration], found: usize) {
    times.sort_unstable();
    let ms = |at: usize| times[times.len() * at / 100].as_secs_f64() * 1e3;
    println!("{what:<20} {:>10.2} ms p50 {:>8.2} ms p95   {} rows on average", ms(50), ms(95), found / times.len());
}
