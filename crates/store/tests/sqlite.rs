//! What only the embedded engine does: files that go, are lost, damaged, in use.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use std::{path::Path, sync::Arc};

use godwit_store::{Batch, Days, SqliteStore, Store, StoreError};

use common::{DAY, NOON, S, batch};

fn open(folder: &Path) -> Arc<dyn Days> {
    Arc::new(SqliteStore::open(folder).unwrap())
}

#[tokio::test]
async fn old_days_go_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for day in 0..4 {
        store.append(batch(&[(NOON + day * DAY, b"A1B>APRS:>x")])).await.unwrap();
    }
    for day in [NOON / DAY, NOON / DAY + 1] {
        assert!(store.drop_day(day, 1).await.unwrap());
    }
    let files = std::fs::read_dir(folder.path().join("packets"))
        .unwrap()
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "sqlite"))
        .count();
    assert_eq!(files, 2);
}

#[tokio::test]
async fn a_lost_main_file_is_made_again_from_the_packets() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store
        .append(batch(&[
            (NOON, b"A1B>APRS:!4722.85N/00832.46E-"),
            (NOON + S, b"A1B>APRS:!0000.00N/00000.00E-"),
            (NOON + DAY, b"X1Y>APRS:>later"),
        ]))
        .await
        .unwrap();
    let before = store.entities(0).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("godwit.sqlite{end}")));
    }
    let store = open(folder.path());
    let mut after = store.entities(0).await.unwrap();
    after.sort_by_key(|state| state.key);
    let mut before = before;
    before.sort_by_key(|state| state.key);
    assert_eq!(after, before);
    assert!(after[0].position.as_ref().is_some_and(|(at_us, ..)| *at_us == NOON), "the null position was not taken");
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert!(matches!(SqliteStore::open(folder.path()), Err(StoreError::InUse(_))));
    store.close().await.unwrap();
    assert!(matches!(store.append(Batch::default()).await, Ok(_) | Err(StoreError::Closed)));
    drop(store);
    let main = folder.path().join("godwit.sqlite");
    rusqlite::Connection::open(&main).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SqliteStore::open(folder.path()), Err(StoreError::Newer { found: 99, .. })));
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("godwit.sqlite{end}")));
    }
    std::fs::write(&main, vec![b'x'; 100_000]).unwrap();
    let error = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(matches!(SqliteStore::open(Path::new("/proc/nowhere")), Err(StoreError::Folder { .. })));
}

#[tokio::test]
async fn a_lost_main_file_is_made_again_from_more_packets_than_are_read_at_a_time() {
    // More than two pages of repair (10,000 packets each) in a day, and one more day.
    const PACKETS: i64 = 20_500;
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let texts: Vec<String> = (0..PACKETS).map(|number| format!("S{}>APRS:>{number}", number % 5000)).collect();
    for (number, part) in (0..).zip(texts.chunks(4000)) {
        let lines: Vec<(i64, &[u8])> =
            (0..).zip(part).map(|(at, text): (i64, &String)| (NOON + number * 4000 * S / 1000 + at * 1000, text.as_bytes())).collect();
        store.append(batch(&lines)).await.unwrap();
    }
    store.append(batch(&[(NOON + DAY, b"X1Y>APRS:>later")])).await.unwrap();
    let sorted = |mut states: Vec<godwit_pipeline::EntityState>| {
        states.sort_by_key(|state| state.key);
        states
    };
    let before = sorted(store.entities(0).await.unwrap());
    assert_eq!(before.len(), 5001);
    store.close().await.unwrap();
    drop(store);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("godwit.sqlite{end}")));
    }
    assert_eq!(sorted(open(folder.path()).entities(0).await.unwrap()), before);
}

#[tokio::test]
async fn an_empty_file_of_a_day_is_said_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for day in 0..3 {
        store.append(batch(&[(NOON + day * DAY, b"A1B>APRS:>x")])).await.unwrap();
    }
    store.close().await.unwrap();
    drop(store);
    let day = folder.path().join("packets/2026-11-24.sqlite");
    std::fs::write(&day, b"").unwrap();
    for _ in 0..2 {
        let store = SqliteStore::open(folder.path()).unwrap();
        assert_eq!(store.empty_days(), std::slice::from_ref(&day));
        assert_eq!(store.days().await.unwrap().iter().map(|day| day.day).collect::<Vec<_>>(), [NOON / DAY, NOON / DAY + 2]);
        assert_eq!(std::fs::metadata(&day).unwrap().len(), 0);
        store.close().await.unwrap();
    }
    // A packet of that day makes a day of it.
    let store = open(folder.path());
    store.append(batch(&[(NOON + DAY, b"A1B>APRS:>late")])).await.unwrap();
    assert_eq!(store.days().await.unwrap().len(), 3);
    store.close().await.unwrap();
    drop(store);
    assert!(SqliteStore::open(folder.path()).unwrap().empty_days().is_empty());
}
