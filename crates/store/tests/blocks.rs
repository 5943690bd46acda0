//! Time blocks over a real store: read once, whoever asks; the same bytes from everybody; closed for good.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use godwit_pipeline::Pipeline;
use godwit_store::{Answer, Batch, BlockError, Blocks, Part, SqliteStore, Store};

const S: i64 = 1_000_000;

/// The clock of these tests, one for all: each test is a process of its own.
static NOW_US: AtomicI64 = AtomicI64::new(0);

fn now() -> i64 {
    NOW_US.load(Ordering::Relaxed)
}

/// The block in which the traffic begins.
const FIRST: u32 = 2_900_004;

fn start_us(block: u32) -> i64 {
    i64::from(block) * 600 * S
}

async fn append(store: &SqliteStore, pipeline: &mut Pipeline, at_us: i64, line: &str) {
    let outcome = pipeline.accept(at_us, line.as_bytes());
    store.append(Batch { records: vec![outcome.record], changes: outcome.changes, fence: None }).await.unwrap();
}

/// Four hours of a car and a station at rest; the clock stands a day later.
async fn traffic(store: &SqliteStore) {
    let mut pipeline = Pipeline::default();
    let mut batch = Batch::default();
    for i in 0..480 {
        let at_us = start_us(FIRST) + i * 30 * S;
        let car = format!("CAR>APRS,qAR,G1:!48{:02}.{:02}N/01134.54E>", i / 60, i % 60 * 100 / 60);
        for line in [car.as_str(), "DIGI>APRS,qAR,G1:!4808.00N/01134.54E#"] {
            let outcome = pipeline.accept(at_us, line.as_bytes());
            batch.records.push(outcome.record);
            batch.changes.extend(outcome.changes);
        }
    }
    store.append(batch).await.unwrap();
    NOW_US.store(start_us(FIRST) + 86_400 * S, Ordering::Relaxed);
}

async fn opened() -> (tempfile::TempDir, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    (folder, store)
}

const TILE: (u8, u16, u16) = (3, 4, 2);

async fn ask(blocks: &Blocks, block: u32, part: Part) -> Answer {
    blocks.answer(TILE, block, part).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_read_once_however_many_ask() {
    let (_folder, store) = opened().await;
    traffic(&store).await;
    let blocks = Arc::new(Blocks::new(store.clone(), now, 64 << 20));
    let asked: Vec<_> = (0..100)
        .map(|_| {
            let blocks = blocks.clone();
            tokio::spawn(async move { ask(&blocks, FIRST + 20, Part::Whole).await })
        })
        .collect();
    let mut tags = Vec::new();
    for one in asked {
        tags.push(one.await.unwrap().tag);
    }
    tags.dedup();
    let figures = blocks.figures();
    assert_eq!((tags.len(), figures.answers_made, figures.answers_remembered), (1, 1, 99));
    // The block, and the twelve before it that make its key frame.
    assert_eq!(figures.blocks_read, 13);
    ask(&blocks, FIRST + 21, Part::Moves).await;
    assert_eq!(blocks.figures().blocks_read, 14, "going on costs one more");
    assert!(figures.bytes > 0 && figures.bytes < 1 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_comes_to_the_same_bytes() {
    let (_folder, store) = opened().await;
    traffic(&store).await;
    let (one, other) = (Blocks::new(store.clone(), now, 64 << 20), Blocks::new(store.clone(), now, 1));
    for block in FIRST..FIRST + 40 {
        let parts = if block.is_multiple_of(6) { &[Part::Whole, Part::Moves, Part::Hour][..] } else { &[Part::Whole, Part::Moves] };
        for part in parts {
            // One goes forward from state to state, the other remembers nothing and folds anew each time.
            let (a, b) = (ask(&one, block, *part).await, ask(&other, block, *part).await);
            assert!(a.bytes == b.bytes && a.tag == b.tag && a.closed, "{block} {part:?}");
        }
    }
    assert!(one.figures().blocks_read < other.figures().blocks_read / 5);
    // After the last fix the map empties within two hours.
    let (last, empty) = (ask(&one, FIRST + 24, Part::Whole).await, ask(&one, FIRST + 36, Part::Whole).await);
    assert!(last.bytes.len() > empty.bytes.len());
}

#[tokio::test]
async fn an_open_block_grows_and_is_closed_when_late_packets_have_come() {
    let (_folder, store) = opened().await;
    let mut pipeline = Pipeline::default();
    append(&store, &mut pipeline, start_us(FIRST) + 10 * S, "A1B>APRS,qAR,G1:!4808.00N/01134.54E#").await;
    let blocks = Blocks::new(store.clone(), now, 64 << 20);
    let at = |second: i64| NOW_US.store(start_us(FIRST) + second * S, Ordering::Relaxed);
    at(20);
    assert!(matches!(blocks.answer(TILE, FIRST + 1, Part::Whole).await, Err(BlockError::Nothing)));
    let first = ask(&blocks, FIRST, Part::Whole).await;
    assert!(!first.closed);
    append(&store, &mut pipeline, start_us(FIRST) + 25 * S, "C1D>APRS,qAR,G1:!4808.00N/01134.54E#").await;
    at(29);
    assert_eq!(ask(&blocks, FIRST, Part::Whole).await.tag, first.tag, "made anew at most each ten seconds");
    at(31);
    let second = ask(&blocks, FIRST, Part::Whole).await;
    assert_ne!(second.tag, first.tag);
    at(1490);
    assert!(!ask(&blocks, FIRST, Part::Whole).await.closed);
    // Late, and just in time: what was made before must not pass for closed.
    append(&store, &mut pipeline, start_us(FIRST) + 500 * S, "E1F>APRS,qAR,G1:!4808.00N/01134.54E#").await;
    at(1500);
    let closed = ask(&blocks, FIRST, Part::Whole).await;
    assert!(closed.closed && closed.bytes.windows(3).any(|name| name == b"E1F"));
    append(&store, &mut pipeline, start_us(FIRST) + 501 * S, "G1H>APRS,qAR,G1:!4808.00N/01134.54E#").await;
    at(100_000);
    assert_eq!(ask(&blocks, FIRST, Part::Whole).await.tag, closed.tag);
}

#[tokio::test]
async fn blocks_are_made_ahead_newest_first_and_the_range_is_known() {
    let (_folder, store) = opened().await;
    traffic(&store).await;
    let blocks = Blocks::new(store.clone(), now, 64 << 20);
    let range = blocks.range().await.unwrap();
    assert_eq!((range.oldest, range.open), (i64::from(FIRST), i64::from(FIRST) + 144));
    let mut made = 0;
    while blocks.warm_one().await.unwrap().is_some() {
        made += 1;
    }
    // All but the open one and those that late packets may still come to.
    assert_eq!(made, 142);
    let read = blocks.figures().blocks_read;
    ask(&blocks, FIRST + 20, Part::Whole).await;
    assert_eq!(blocks.figures().blocks_read, read, "all is there");
    let empty = Blocks::new(store, || start_us(1000), 64 << 20);
    assert_eq!(empty.range().await.unwrap().oldest, 1000);
}
