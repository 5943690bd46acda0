//! How fast the embedded store takes packets in on top of MILLIONS (default 5) of rows, beside bare inserts into a table
//! without an index in the same run; bytes a packet; how long questions take after it was opened again. The ratios hold
//! on other machines, the rates do not. FOLDER=DIR keeps what was filled for another run.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a bench")]

mod common;

use std::time::{Duration, Instant};

use common::{DAY_US, START_US, Traffic, WIDE_COLUMNS, bytes, cpu, questions, rates, rows, wide_row};
use godwit_store::{Batch, Days, SqliteStore, Store};

const SIZES: [(usize, usize); 2] = [(1000, 100), (4000, 25)];

#[tokio::main]
async fn main() {
    let kept = std::env::var_os("FOLDER");
    let temporary = tempfile::tempdir().unwrap();
    let folder = kept.map_or_else(|| temporary.path().to_owned(), Into::into);
    let data = folder.join("data");
    let rows = rows();
    let timed: usize = SIZES.iter().map(|(size, batches)| size * batches).sum();
    let mut traffic = Traffic::new(rows + timed);
    let store = SqliteStore::open(&data).unwrap();
    if store.counts().await.unwrap().stored == 0 {
        let began = Instant::now();
        while traffic.next < rows {
            store.append(traffic.batch(5000)).await.unwrap();
        }
        eprintln!("filled in {:.0} s", began.elapsed().as_secs_f64());
    }
    // Of an earlier run, perhaps: on from there.
    let counts = store.counts().await.unwrap();
    traffic.next = (counts.stored + counts.duplicates + counts.bad) as usize;
    println!("rows before          {:>10}", traffic.next);
    for (size, batches) in SIZES {
        ingest(&store, &folder, (0..batches).map(|_| traffic.batch(size)).collect()).await;
    }
    store.close().await.unwrap();
    drop(store);
    let held = |path| bytes(path) as f64 / traffic.next as f64;
    println!("on disk              {:>10.0} bytes a packet, all files", held(&data));
    println!("  of that the days   {:>10.0}", held(&data.join("packets")));

    let began = Instant::now();
    let store = SqliteStore::open(&data).unwrap();
    let states = store.entities(0).await.unwrap();
    println!("open and fill        {:>10.0} ms for {} entities", began.elapsed().as_secs_f64() * 1e3, states.len());
    questions(&store, START_US + 7 * DAY_US).await;
    if temporary.path() == folder {
        let began = Instant::now();
        let day = store.days().await.unwrap()[0];
        assert!(store.drop_day(day.day, day.packets).await.unwrap());
        println!("dropping a day       {:>10.1} ms for {} packets", began.elapsed().as_secs_f64() * 1e3, day.packets);
    }
}

/// In turn, so that all see the same machine.
async fn ingest(store: &SqliteStore, folder: &std::path::Path, batches: Vec<Batch>) {
    let bare = |name: &str, columns: &str| {
        let path = folder.join(name);
        let _ = std::fs::remove_file(&path);
        let connection = rusqlite::Connection::open(path).unwrap();
        let pragmas = "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL";
        connection.execute_batch(&format!("{pragmas}; CREATE TABLE p ({columns})")).unwrap();
        connection
    };
    let (two, wide) =
        (bare("two", "id INTEGER PRIMARY KEY, raw BLOB"), bare("wide", &WIDE_COLUMNS.replace("geometry(Point, 4326)", "blob")));
    let wide_insert = format!("INSERT INTO p VALUES ({})", vec!["?"; 35].join(","));
    let (mut two_took, mut wide_took, mut ours, mut ours_cpu, mut packets) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO, 0);
    let size = batches[0].records.len();
    for batch in batches {
        packets += batch.records.len();
        let rows: Vec<_> = batch.records.iter().map(wide_row).collect();
        let began = Instant::now();
        two.execute_batch("BEGIN").unwrap();
        for record in &batch.records {
            two.prepare_cached("INSERT INTO p (raw) VALUES (?1)").unwrap().execute([&record.raw[..]]).unwrap();
        }
        two.execute_batch("COMMIT").unwrap();
        two_took += began.elapsed();
        let began = Instant::now();
        wide.execute_batch("BEGIN").unwrap();
        for row in &rows {
            wide.prepare_cached(&wide_insert).unwrap().execute(rusqlite::params_from_iter(row)).unwrap();
        }
        wide.execute_batch("COMMIT").unwrap();
        wide_took += began.elapsed();
        let (began, began_cpu) = (Instant::now(), cpu(None));
        store.append(batch).await.unwrap();
        ours += began.elapsed();
        ours_cpu += cpu(None).saturating_sub(began_cpu);
    }
    println!("batches of {size}");
    rates(packets, ours, &[("bare insert, 2 columns", two_took), ("bare insert, 35 columns", wide_took)]);
    println!("    {:.1} µs of processor a packet", ours_cpu.as_secs_f64() * 1e6 / packets as f64);
}
