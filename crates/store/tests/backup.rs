//! A backup taken while packets are written is a store without holes, and its latest state is what its packets say.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use godwit_pipeline::{EntityKey, EntityState, Pipeline};
use godwit_store::{BackupError, PacketQuery, SqliteStore, Store, backup};

use common::{DAY, NOON, S, batch};

/// Number `n` of a story that goes through three days, one packet a batch: its time tells its number again.
fn line(n: usize) -> (i64, Vec<u8>) {
    let at_us = NOON + i64::try_from(n % 3).unwrap() * DAY + i64::try_from(n).unwrap() * S;
    (at_us, format!("A{}B>APRS,qAR,G1:!4722.{:02}N/00832.46E>number {n}", n % 40, n % 100).into_bytes())
}

/// All packets, oldest first.
async fn packets(store: &dyn Store) -> Vec<(i64, Vec<u8>)> {
    let mut query = PacketQuery { since_us: 0, until_us: i64::MAX, about: None, duplicates: true, limit: 5000, before_id: None };
    let mut all = Vec::new();
    loop {
        let page = store.packets(query.clone()).await.unwrap();
        all.extend(page.packets.iter().map(|packet| (packet.received_at_us, packet.raw.to_vec())));
        let Some(next) = page.next else { break };
        query.before_id = Some(next);
    }
    all.reverse();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_of_a_store_that_is_written_to_have_no_hole() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = Arc::new(SqliteStore::open(&data).unwrap());
    let (written, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let writing = tokio::spawn({
        let (store, written, enough) = (store.clone(), written.clone(), enough.clone());
        async move {
            for n in 0.. {
                if enough.load(Ordering::Relaxed) {
                    break;
                }
                let (at_us, line) = line(n);
                store.append(batch(&[(at_us, &line)])).await.unwrap();
                written.store(n + 1, Ordering::SeqCst);
            }
        }
    });
    for round in 1..=5 {
        while written.load(Ordering::SeqCst) < round * 300 {
            tokio::task::yield_now().await;
        }
        let before = written.load(Ordering::SeqCst);
        let (from, to) = (data.clone(), folder.path().join(format!("backup {round}")));
        // Packets come between one file and the next: at each step we wait for some.
        let counter = written.clone();
        let done = tokio::task::spawn_blocking(move || {
            backup(&from, &to, |_| {
                let seen = counter.load(Ordering::SeqCst);
                while counter.load(Ordering::SeqCst) < seen + 10 {
                    std::thread::yield_now();
                }
            })
        });
        let done = done.await.unwrap().unwrap();
        let copy = SqliteStore::open(&folder.path().join(format!("backup {round}"))).unwrap();
        let kept = packets(&copy).await;
        assert_eq!(u64::try_from(kept.len()).unwrap(), done.packets);
        assert!(kept.len() >= before, "{} of {before}", kept.len());
        // Each day is a beginning of its story: what was written before is there, without a hole.
        for day in 0..3 {
            let mut of_day = kept.iter().filter(|(at_us, _)| (at_us - NOON) / DAY == day);
            assert!((usize::try_from(day).unwrap()..).step_by(3).map(line).zip(of_day.by_ref()).all(|(wanted, found)| wanted == *found));
            assert!(of_day.next().is_none());
        }
        // The latest state is what these packets say.
        let mut states: BTreeMap<EntityKey, EntityState> = BTreeMap::new();
        let mut pipeline = Pipeline::default();
        for change in kept.iter().flat_map(|(at_us, raw)| pipeline.accept(*at_us, raw).changes) {
            states.entry(change.key).and_modify(|state| state.apply(&change)).or_insert_with(|| EntityState::new(&change));
        }
        let mut found = copy.entities(0).await.unwrap();
        found.sort_by_key(|state| state.key);
        assert_eq!(found, states.into_values().collect::<Vec<_>>());
    }
    enough.store(true, Ordering::Relaxed);
    writing.await.unwrap();
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_half_done_stays() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let target = folder.path().join("copy");
    assert!(matches!(backup(&data, &target, |_| ()), Err(BackupError::NoStore(_))));
    let store = SqliteStore::open(&data).unwrap();
    store.append(batch(&[(NOON, b"A1B>APRS:>one"), (NOON + DAY, b"A1B>APRS:>two")])).await.unwrap();
    store.close().await.unwrap();
    fs::write(&target, "precious").unwrap();
    assert!(matches!(backup(&data, &target, |_| ()), Err(BackupError::Exists(_))));
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert!(matches!(backup(&data, Path::new("/proc/nowhere/copy"), |_| ()), Err(BackupError::Write { .. })));
    // A day whose counters do not fit its packets, and one that is no database at all.
    let day = fs::read_dir(data.join("packets")).unwrap().next().unwrap().unwrap().path();
    rusqlite::Connection::open(&day).unwrap().execute("DELETE FROM packet", []).unwrap();
    let other = folder.path().join("other");
    assert!(matches!(backup(&data, &other, |_| ()), Err(BackupError::Differs { .. })));
    fs::write(&day, vec![b'x'; 50_000]).unwrap();
    assert!(matches!(backup(&data, &other, |_| ()), Err(BackupError::Store(_))));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
