//! A day goes into the archive and comes back as it was; what is damaged or would lose something is refused.

#![cfg(feature = "archive")]
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fs, path::Path, sync::Arc};

use godwit_pipeline::Verdict;
use godwit_store::{
    DayState, Days, PostgresConfig, PostgresStore, SqliteStore, StoredPacket,
    archive::{Archive, ArchiveError, columns_page},
};
use godwit_testkit::TestDatabase;

use common::{DAY, NOON, S, batch};

const TODAY: i64 = NOON / DAY;

fn lines() -> Vec<(i64, Vec<u8>)> {
    let all: [&[u8]; 12] = [
        b"A1B-9>APRS,WIDE1-1*,qAR,IGATE:!4722.85N/00832.46E>147/064Z\xfcrich\0 /A=001234",
        b"A1B-9>APRS,qAR,OTHER:!4722.85N/00832.46E>147/064Z\xfcrich\0 /A=001234",
        b"nonsense <script>\xff",
        b"A1B-9>APRS,qAR,IGATE:;CAMP     *231200z4722.85N/00832.46E;tents",
        b"W1X>APRS,qAR,IGATE:!4722.85N/00832.46E_220/004g005t077r000p000P000h50b09900",
        b"A1B>APRS,qAR,I::B2C      :hello{12",
        b"A1B>APRS,qAR,I:>status \xe2\x82\xac",
        b"A1B>APRS,qAR,I:!1200.00N/00600.00E>far away",
        b"A1B>APRS,qAR,I:}C3D>APRS,TCPIP,A1B*:!4722.85N/00832.46E>inside",
        b"A1B>APRS,qAR,I:)ITEM!4722.85N/00832.46E>",
        b"A1B>APRS,qAR,I:",
        b"",
    ];
    // Three packets of one microsecond among them, and enough for several parts.
    let mut lines: Vec<(i64, Vec<u8>)> =
        all.iter().enumerate().map(|(at, line)| (NOON + i64::try_from(at).unwrap() / 3 * S, line.to_vec())).collect();
    lines.extend((0..500).map(|i| (NOON + 60 * S + i, format!("A{}B>APRS,qAR,I:!4722.85N/00832.46E>number {i}", i % 40).into_bytes())));
    lines
}

async fn fill(store: &dyn Days, lines: &[(i64, Vec<u8>)]) {
    let lines: Vec<(i64, &[u8])> = lines.iter().map(|(at_us, line)| (*at_us, &line[..])).collect();
    let mut batch = batch(&lines);
    for record in batch.records.iter_mut().filter(|record| record.raw.ends_with(b"far away")) {
        (record.verdict, record.position) = (Verdict::Implausible("far_away"), None);
    }
    store.append(batch).await.unwrap();
}

async fn one(store: &dyn Days) -> DayState {
    store.days().await.unwrap().into_iter().find(|state| state.day == TODAY).unwrap_or_default()
}

async fn all(store: &dyn Days) -> Vec<StoredPacket> {
    store.scan(0, i64::MAX, 10_000).await.unwrap()
}

async fn there_and_back(store: Arc<dyn Days>) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path().join("archive").to_str().unwrap(), folder.path()).unwrap();
    fill(&*store, &lines()).await;
    let (before, state) = (all(&*store).await, one(&*store).await);
    assert_eq!(before.len(), 512);
    for verdict in ["accepted", "duplicate", "implausible", "bad"] {
        assert!(before.iter().any(|packet| packet.verdict == verdict), "no {verdict}");
    }
    let done = archive.store(&*store, &state).await.unwrap();
    assert_eq!(done.rows, 512);
    assert!(Path::new(&done.at).ends_with("packets/2026/packets-2026-11-23.parquet") && Path::new(&done.at).is_file(), "{}", done.at);
    assert_eq!(one(&*store).await.archived, Some(512));
    // Again: the same values, the same sums.
    assert_eq!(archive.store(&*store, &one(&*store).await).await.unwrap().checksum, done.checksum);
    assert!(store.drop_day(TODAY, 512).await.unwrap());
    assert!(all(&*store).await.is_empty());
    assert_eq!(archive.restore(&*store, TODAY).await.unwrap(), (512, 512));
    let mut after = all(&*store).await;
    for (packet, was) in after.iter_mut().zip(&before) {
        // Why is read from the line again; the parser may say it better by then.
        assert_eq!(packet.reason.is_some(), was.reason.is_some());
        packet.reason.clone_from(&was.reason);
    }
    assert_eq!(after, before);
    assert!(one(&*store).await.keep);
    assert_eq!(archive.restore(&*store, TODAY).await.unwrap(), (512, 0), "nothing twice");
    // A part of it is there, and a packet that came late has the id of another.
    assert!(store.drop_day(TODAY, 512).await.unwrap());
    fill(&*store, &lines()[100..300]).await;
    fill(&*store, &[(NOON + 60 * S, b"A1B>APRS,qAR,I:>late".to_vec())]).await;
    assert_eq!(archive.restore(&*store, TODAY).await.unwrap(), (512, 312));
    assert_eq!(archive.restore(&*store, TODAY).await.unwrap(), (512, 0));
    let mut raws: Vec<Vec<u8>> = all(&*store).await.iter().map(|packet| packet.raw.to_vec()).collect();
    let mut wanted: Vec<Vec<u8>> = lines().into_iter().map(|(_, line)| line).chain([b"A1B>APRS,qAR,I:>late".to_vec()]).collect();
    raws.sort();
    wanted.sort();
    assert_eq!(raws, wanted);
    assert!(fs::read_dir(folder.path().join("archive.unfinished")).unwrap().next().is_none(), "nothing is left behind");
}

#[tokio::test]
async fn there_and_back_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    there_and_back(Arc::new(SqliteStore::open(folder.path()).unwrap())).await;
}

#[tokio::test]
async fn there_and_back_postgres() {
    let database = TestDatabase::create();
    there_and_back(Arc::new(PostgresStore::open(&PostgresConfig::new(&database.url)).await.unwrap())).await;
}

#[tokio::test]
async fn what_would_lose_something_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("data")).unwrap();
    let archive = Archive::open(folder.path().join("archive").to_str().unwrap(), folder.path()).unwrap();
    assert!(matches!(archive.restore(&store, TODAY).await, Err(ArchiveError::Missing(_))));
    fill(&store, &lines()).await;
    let state = one(&store).await;
    let error = archive.store(&store, &DayState { packets: 511, ..state }).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Changed(_)), "{error}");
    assert_eq!(one(&store).await.archived, None);
    let done = archive.store(&store, &state).await.unwrap();
    // Fewer packets never take the place of more, whether or not the store knows of them.
    store.thin_day(TODAY, 512, godwit_store::Thin::Tracks(60)).await.unwrap().unwrap();
    let thin = one(&store).await;
    for archived in [Some(512), None] {
        let error = archive.store(&store, &DayState { archived, ..thin }).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Fuller { archived: 512, .. }), "{error}");
    }
    // A damaged file is refused, or the damage is where no value is (statistics, say) and it comes back as it was.
    let good = fs::read(&done.at).unwrap();
    assert!(store.drop_day(TODAY, thin.packets).await.unwrap());
    let mut refused = 0;
    for at in (4..good.len()).step_by(good.len() / 150) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(&done.at, &bad).unwrap();
        match archive.restore(&store, TODAY).await {
            Err(error) => {
                assert!(matches!(error, ArchiveError::Differs { .. }), "byte {at}: {error}");
                assert!(all(&store).await.is_empty(), "nothing of a damaged file was kept");
                refused += 1;
            }
            Ok(_) => {
                let mut raws: Vec<Vec<u8>> = all(&store).await.iter().map(|packet| packet.raw.to_vec()).collect();
                let mut wanted: Vec<Vec<u8>> = lines().into_iter().map(|(_, line)| line).collect();
                raws.sort();
                wanted.sort();
                assert_eq!(raws, wanted, "byte {at}");
                assert!(store.drop_day(TODAY, 512).await.unwrap());
            }
        }
    }
    assert!(refused > 75, "{refused}");
    fs::write(&done.at, &good[..good.len() / 2]).unwrap();
    assert!(matches!(archive.restore(&store, TODAY).await, Err(ArchiveError::Differs { .. })));
    assert!(all(&store).await.is_empty());
}

#[test]
fn addresses_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["http://host/x", "/proc/nowhere/archive", "ftp://a"] {
        assert!(matches!(Archive::open(address, folder.path()), Err(ArchiveError::Address(..))), "{address}");
    }
    let archive = Archive::open("s3://bucket/some/prefix/", folder.path()).unwrap();
    assert_eq!(archive.address(TODAY), "s3://bucket/some/prefix/packets/2026/packets-2026-11-23.parquet");
}

/// docs/archive.md holds the table of columns: `make bless` writes it, this compares it.
#[test]
fn the_columns_are_documented_bless() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/archive.md");
    let page = fs::read_to_string(path).unwrap();
    let (begin, rest) = page.split_once("<!-- columns -->\n").unwrap();
    let (found, end) = rest.split_once("<!-- end of columns -->").unwrap();
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, format!("{begin}<!-- columns -->\n{}<!-- end of columns -->{end}", columns_page())).unwrap();
        return;
    }
    assert_eq!(found, columns_page(), "run `make bless`");
}
