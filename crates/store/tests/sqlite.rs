//! What only the embedded engine does: files that go, are lost, damaged, in use.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use std::{path::Path, sync::Arc};

use godwit_store::{Batch, Days, SqliteStore, StoreError};

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
