//! How fast the embedded store takes packets in, beside a bare insert in the same run; how much room they take; how
//! long filling the live map takes. Prints ratios: they hold on other machines, the rates do not.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::time::Instant;

use godwit_pipeline::Pipeline;
use godwit_store::{Batch, SqliteStore, Store};

const PACKETS: usize = 400_000;
const STATIONS: usize = 50_000;
const BATCH: usize = 1000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let mut pipeline = Pipeline::default();
    let start_us = 1_795_435_200_000_000_i64;
    let batches: Vec<Batch> = (0..PACKETS / BATCH)
        .map(|number| {
            let mut batch = Batch::default();
            for i in number * BATCH..(number + 1) * BATCH {
                let who = i * 7919 % STATIONS;
                let line = format!(
                    "N{who}B>APRS,WIDE1-1,qAR,GATE{}:!{:02}{:02}.{:02}N/00832.46E>147/064/A=001414 on the road",
                    who % 100,
                    who % 80,
                    i / 100 % 60,
                    i % 100
                );
                let outcome = pipeline.accept(start_us + i as i64 * 5000, line.as_bytes());
                batch.records.push(outcome.record);
                batch.changes.extend(outcome.changes);
            }
            batch
        })
        .collect();

    let bare = rusqlite::Connection::open(folder.path().join("bare")).unwrap();
    bare.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE p (id INTEGER PRIMARY KEY, raw BLOB)").unwrap();
    let began = Instant::now();
    for batch in &batches {
        bare.execute_batch("BEGIN").unwrap();
        for record in &batch.records {
            bare.prepare_cached("INSERT INTO p (raw) VALUES (?1)").unwrap().execute([&record.raw[..]]).unwrap();
        }
        bare.execute_batch("COMMIT").unwrap();
    }
    let bare_rate = PACKETS as f64 / began.elapsed().as_secs_f64();

    let data = folder.path().join("data");
    let store = SqliteStore::open(&data).unwrap();
    let began = Instant::now();
    for batch in batches {
        runtime.block_on(store.append(batch)).unwrap();
    }
    let rate = PACKETS as f64 / began.elapsed().as_secs_f64();
    runtime.block_on(store.close()).unwrap();
    drop(store);
    let bytes: u64 = walk(&data);
    println!("bare insert         {bare_rate:>10.0} packets/s");
    println!("with latest state   {rate:>10.0} packets/s   {:.3} of bare", rate / bare_rate);
    println!("on disk             {:>10.0} bytes a packet, all files", bytes as f64 / PACKETS as f64);

    let began = Instant::now();
    let store = SqliteStore::open(&data).unwrap();
    let states = runtime.block_on(store.entities(0)).unwrap();
    println!("open and fill       {:>10.0} ms for {} entities", began.elapsed().as_secs_f64() * 1e3, states.len());
    let began = Instant::now();
    assert_eq!(runtime.block_on(store.retain_since(i64::MAX)).unwrap(), 1);
    println!("dropping the day    {:>10.1} ms for {PACKETS} packets", began.elapsed().as_secs_f64() * 1e3);
}

fn walk(folder: &std::path::Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { entry.metadata().unwrap().len() })
        .sum()
}
