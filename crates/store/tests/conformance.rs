//! What every engine must do. The suite knows only `dyn Store`; an engine is a way to open one in a folder.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{path::Path, sync::Arc};

use godwit_pipeline::{EntityKey, EntityKind, Name, Pipeline};
use godwit_store::{Batch, Imported, PacketQuery, SqliteStore, Store, StoreError};

/// 2026-11-23 12:00:00 UTC.
const NOON: i64 = 1_795_435_200_000_000;
const S: i64 = 1_000_000;
const DAY: i64 = 86_400 * S;

fn open(folder: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(folder).unwrap())
}

fn batch(lines: &[(i64, &[u8])]) -> Batch {
    let mut pipeline = Pipeline::default();
    let mut batch = Batch::default();
    for (at_us, line) in lines {
        let outcome = pipeline.accept(*at_us, line);
        batch.records.push(outcome.record);
        batch.changes.extend(outcome.changes);
    }
    batch
}

fn imported(lines: &[(i64, &[u8], bool)], next_offset: u64) -> Imported {
    let mut pipeline = Pipeline::default();
    let lines = lines.iter().map(|(at_us, line, timed)| {
        let outcome = pipeline.accept(*at_us, line);
        (outcome.record, outcome.changes, *timed)
    });
    Imported { lines: lines.collect(), source: "file".to_owned(), next_offset, keep_before_us: NOON - 30 * DAY }
}

fn all() -> PacketQuery {
    PacketQuery { since_us: 0, until_us: i64::MAX, about: None, duplicates: false, limit: 1000, before_id: None }
}

fn station(name: &str) -> EntityKey {
    EntityKey { kind: EntityKind::Station, name: Name::new(name.as_bytes()).unwrap() }
}

#[tokio::test]
async fn what_goes_in_comes_out_byte_for_byte_and_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let lines: [(i64, &[u8]); 6] = [
        (NOON, b"A1B-9>APRS,WIDE1-1,qAR,IGATE:!4722.85N/00832.46E>147/064Z\xfcrich\0"),
        (NOON + S, b"A1B-9>APRS,qAR,OTHER:!4722.85N/00832.46E>147/064Z\xfcrich\0"),
        (NOON + 2 * S, b"A1B-9>APRS,qAR,IGATE:;CAMP     *231200z4722.85N/00832.46E;tents"),
        (NOON + 3 * S, b"nonsense <script>"),
        (NOON + 4 * S, b"A1B-9>APRS,qAR,IGATE:;CAMP     _231200z4722.85N/00832.46E;"),
        (NOON + 5 * S, b"A1B-9>APRS:>status"),
    ];
    store.append(batch(&lines)).await.unwrap();
    for round in 0..2 {
        let store = if round == 0 {
            store.clone()
        } else {
            store.close().await.unwrap();
            drop(store.clone());
            continue;
        };
        let page = store.packets(all()).await.unwrap();
        assert_eq!(page.packets.len(), 5, "the duplicate is kept, but not listed");
        assert_eq!(page.packets[0].raw[..], *lines[5].1);
        assert_eq!(page.packets[4].raw[..], *lines[0].1);
        assert_eq!((page.packets[2].verdict, page.packets[2].reason.as_deref()), ("bad", Some("header_source")));
        let every = store.packets(PacketQuery { duplicates: true, ..all() }).await.unwrap();
        assert_eq!(every.packets.len(), 6);
        let counts = store.counts().await.unwrap();
        assert_eq!((counts.stored, counts.duplicates, counts.bad, counts.entities), (4, 1, 1, 2));
        let state = store.entity(station("A1B-9")).await.unwrap().unwrap();
        assert_eq!((state.first_heard_us, state.last_heard_us), (NOON, NOON + 5 * S));
        let (at_us, fix, _) = state.position.unwrap();
        assert_eq!((at_us, fix.course_deg, fix.symbol_code), (NOON, Some(147), b'>'));
        let camp = EntityKey { kind: EntityKind::Object, name: Name::new(b"CAMP").unwrap() };
        assert!(!store.entity(camp).await.unwrap().unwrap().alive);
        assert_eq!(store.entities(NOON + 5 * S).await.unwrap().len(), 1);
    }
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.packets(all()).await.unwrap().packets.len(), 5);
    assert_eq!(store.counts().await.unwrap().stored, 4);
}

#[tokio::test]
async fn pages_go_on_where_they_stopped_while_new_packets_come() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let line = |i: i64| format!("A1B-{}>APRS:>number {i}", i % 3);
    for day in 0..2 {
        let texts: Vec<String> = (0..50).map(line).collect();
        let lines: Vec<(i64, &[u8])> =
            texts.iter().enumerate().map(|(i, text)| (NOON + day * DAY + i64::try_from(i).unwrap() * S, text.as_bytes())).collect();
        store.append(batch(&lines)).await.unwrap();
    }
    let (mut query, mut seen) = (PacketQuery { limit: 7, ..all() }, Vec::new());
    loop {
        let page = store.packets(query.clone()).await.unwrap();
        seen.extend(page.packets.iter().map(|packet| packet.id));
        store.append(batch(&[(NOON + 3 * DAY + i64::try_from(seen.len()).unwrap(), b"X1Y>APRS:>new")])).await.unwrap();
        query.before_id = page.next;
        if page.next.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 100);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first, none twice");
    let about = PacketQuery { about: Some(vec![station("A1B-1")]), since_us: NOON + DAY, ..all() };
    assert_eq!(store.packets(about).await.unwrap().packets.len(), 17);
    let nobody = PacketQuery { about: Some(vec![station("NOBODY")]), ..all() };
    assert!(store.packets(nobody).await.unwrap().packets.is_empty());
}

#[tokio::test]
async fn packets_of_one_microsecond_all_find_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for round in 0..3 {
        let texts: Vec<String> = (0..500).map(|i| format!("A1B>APRS:>{round} {i}")).collect();
        let lines: Vec<(i64, &[u8])> = texts.iter().map(|text| (NOON, text.as_bytes())).collect();
        store.append(batch(&lines)).await.unwrap();
    }
    let page = store.packets(PacketQuery { limit: 5000, ..all() }).await.unwrap();
    assert_eq!(page.packets.len(), 1500);
    assert!(page.packets.iter().all(|packet| packet.id < NOON + S));
}

#[tokio::test]
async fn importing_twice_adds_nothing_and_progress_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let old = NOON - 400 * DAY;
    let lines: [(i64, &[u8], bool); 3] =
        [(old, b"A1B>APRS:>old", true), (NOON, b"A1B>APRS:>untimed", false), (NOON + S, b"A1B>APRS:>old", true)];
    let first = store.append_imported(imported(&lines, 77)).await.unwrap();
    assert_eq!((first.stored, first.already_there), (3, 0));
    assert_eq!(store.import_progress("file").await.unwrap(), 77);
    assert_eq!(store.import_progress("another").await.unwrap(), 0);
    let later: [(i64, &[u8], bool); 3] =
        [(old, b"A1B>APRS:>old", true), (NOON + 5 * DAY, b"A1B>APRS:>untimed", false), (NOON + S, b"A1B>APRS:>old", true)];
    let second = store.append_imported(imported(&later, 77)).await.unwrap();
    assert_eq!((second.stored, second.already_there), (0, 3));
    assert_eq!(store.counts().await.unwrap().stored, 3);
    assert_eq!(store.retain_since(NOON - 30 * DAY).await.unwrap(), 0, "the old day was imported on purpose");
    assert_eq!(store.packets(all()).await.unwrap().packets.len(), 3);
}

#[tokio::test]
async fn old_days_go_as_files_and_the_counts_stay_right() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for day in 0..4 {
        store.append(batch(&[(NOON + day * DAY, b"A1B>APRS:>x"), (NOON + day * DAY + S, b"bad")])).await.unwrap();
    }
    assert_eq!(store.counts().await.unwrap().stored, 4);
    assert_eq!(store.retain_since(NOON + 2 * DAY).await.unwrap(), 2);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.stored, counts.bad), (2, 2));
    assert_eq!(store.packets(all()).await.unwrap().packets.len(), 4);
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
