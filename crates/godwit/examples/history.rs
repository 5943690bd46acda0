//! What time travel costs: reading a block beside a bare scan of the same packets, the first answer, the next ones, and
//! the bytes of a day over a country. `cargo run --release --example history -- HOURS PACKETS_PER_SECOND`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use godwit_pipeline::Pipeline;
use godwit_simulator::{Simulator, SimulatorConfig};
use godwit_store::{BLOCK_S, Batch, Blocks, Part, SqliteStore, Store};

static NOW_US: AtomicI64 = AtomicI64::new(0);

fn now() -> i64 {
    NOW_US.load(Ordering::Relaxed)
}

/// The first block: an hour begins with it.
const FIRST: i64 = 2_992_392;

/// Tiles of a window of 1440 by 900 over Germany and a fifth more on each side, as the page asks for them.
fn tiles(zoom: i32, level: u8) -> Vec<(u8, u16, u16)> {
    let world_px = 256.0 * f64::from(1 << zoom);
    let (x, y) = (0.5 + 11.0 / 360.0, 0.5 - (49.5_f64.to_radians().sin().atanh()) / std::f64::consts::TAU);
    let side = f64::from(1_u32 << level);
    let range = |middle: f64, px: f64| {
        let reach = px * 0.7 / world_px;
        (((middle - reach) * side) as u16, ((middle + reach) * side) as u16)
    };
    let ((west, east), (north, south)) = (range(x, 1440.0), range(y, 900.0));
    (north..=south).flat_map(|y| (west..=east).map(move |x| (level, x, y))).collect()
}

fn ms(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let hours: i64 = arguments.next().map_or(5, |text| text.parse().unwrap());
    let rate: f64 = arguments.next().map_or(200.0, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    // A third argument is a folder that was filled before with the same two.
    let again = arguments.next();
    let path = again.as_deref().map_or(folder.path(), std::path::Path::new);
    let filled = path.join("godwit.sqlite").exists();
    let store = Arc::new(SqliteStore::open(path).unwrap());
    let start_us = FIRST * BLOCK_S * 1_000_000;
    let mut simulator = Simulator::new(&SimulatorConfig { seed: 1, stations: 40_000, rate, start_us });
    let (mut pipeline, mut batch, mut packets) = (Pipeline::default(), Batch::default(), 0_u64);
    loop {
        let line = simulator.next_line();
        if filled || line.at_us >= start_us + hours * 3_600_000_000 {
            break;
        }
        let outcome = pipeline.accept(line.at_us, &line.bytes);
        batch.records.push(outcome.record);
        batch.changes.extend(outcome.changes);
        packets += 1;
        if batch.records.len() == 5000 {
            store.append(std::mem::take(&mut batch)).await.unwrap();
        }
    }
    store.append(batch).await.unwrap();
    NOW_US.store(start_us + (hours + 1) * 3_600_000_000, Ordering::Relaxed);
    println!("{packets} packets of {hours} h, {rate} a second");

    let middle = u32::try_from(FIRST + (hours * 3).max(13)).unwrap();
    let country = tiles(6, 3);
    let blocks = Blocks::new(store.clone(), now, 256 << 20);
    let began = Instant::now();
    for tile in &country {
        blocks.answer(*tile, middle, Part::Whole).await.unwrap();
    }
    println!("first view of a country, nothing remembered: {:.0} ms ({} tiles, 13 blocks read)", ms(began), country.len());
    let figures = blocks.figures();
    let read_ms = figures.reading_ms as f64 / figures.blocks_read as f64;
    let (mut after, until, mut scanned) = (i64::from(middle) * BLOCK_S * 1_000_000 - 1, (i64::from(middle) + 1) * BLOCK_S * 1_000_000, 0);
    let began = Instant::now();
    loop {
        let found = store.scan(after, until, 10_000).await.unwrap();
        let Some(last) = found.last() else { break };
        (after, scanned) = (last.id, scanned + found.len());
    }
    let bare_ms = ms(began);
    println!("reading a block: {read_ms:.0} ms, bare scan of its {scanned} packets {bare_ms:.0} ms: ratio {:.2}", read_ms / bare_ms);

    let warm = Blocks::new(store.clone(), now, 256 << 20);
    while warm.warm_one().await.unwrap().is_some() {}
    println!("made ahead: {} blocks, {} bytes in memory", warm.figures().blocks_read, warm.figures().bytes);
    let began = Instant::now();
    for tile in &country {
        warm.answer(*tile, middle, Part::Whole).await.unwrap();
    }
    println!("first view of a country, made ahead: {:.1} ms", ms(began));
    let began = Instant::now();
    warm.answer(country[0], middle + 1, Part::Moves).await.unwrap();
    println!("the moves of the next block: {:.1} ms", ms(began));
    let began = Instant::now();
    for _ in 0..10_000 {
        warm.answer(country[0], middle + 1, Part::Moves).await.unwrap();
    }
    println!("an answer that is remembered: {:.2} us", ms(began) / 10.0);

    for (zoom, level) in [(6, 3), (7, 5), (9, 7), (11, 9)] {
        let view = tiles(zoom, level);
        let (mut key, mut block, mut hourly) = (0, 0, 0);
        let first = u32::try_from(FIRST + 12).unwrap();
        let day = (hours - 2).min(24);
        for tile in &view {
            key += warm.answer(*tile, first, Part::Whole).await.unwrap().bytes.len();
            block += warm.answer(*tile, first + 1, Part::Moves).await.unwrap().bytes.len();
            for hour in 0..u32::try_from(day).unwrap() {
                hourly += warm.answer(*tile, first + 6 * hour, Part::Hour).await.unwrap().bytes.len();
            }
        }
        println!(
            "zoom {zoom}: {} tiles; start {:.0} kB, a block {:.0} kB, {day} h at 3600x {:.0} kB",
            view.len(),
            key as f64 / 1000.0,
            block as f64 / 1000.0,
            hourly as f64 / 1000.0
        );
    }
}
