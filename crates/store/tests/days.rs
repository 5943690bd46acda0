//! Whole days in every engine: thinned, dropped, brought back.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use godwit_pipeline::{EntityKey, EntityKind, Name, Pipeline, Record};
use godwit_store::{
    DayState, Days, HeardDay, HeardLink, HeardSide, HourCounts, PacketQuery, PostgresConfig, PostgresStore, SqliteStore, Thin, day_name,
    day_number,
};
use godwit_testkit::{PgBouncer, TestDatabase};

use common::{DAY, NOON, S, batch};

/// What must live as long as the store, and the store.
type Ground = (Box<dyn std::any::Any>, Arc<dyn Days>);

async fn sqlite() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    (Box::new(folder), Arc::new(store))
}

async fn postgres() -> Ground {
    let database = TestDatabase::create();
    let store = PostgresStore::open(&PostgresConfig::new(&database.url)).await.unwrap();
    (Box::new(database), Arc::new(store))
}

async fn pgbouncer() -> Ground {
    let database = TestDatabase::create();
    let bouncer = PgBouncer::start(database.server.as_ref().unwrap(), 3);
    let store = PostgresStore::open(&PostgresConfig::new(bouncer.url(database.name()))).await.unwrap();
    (Box::new((bouncer, database)), Arc::new(store))
}

macro_rules! each_engine {
    ($($engine:ident)*: $tests:tt) => { $(each_engine!(@ $engine $tests);)* };
    (@ $engine:ident [$($test:ident)*]) => {
        mod $engine { $(#[tokio::test] async fn $test() { super::$test(super::$engine().await).await; })* }
    };
}

each_engine!(sqlite postgres pgbouncer: [
    a_day_goes_only_if_nothing_came_since
    a_thinned_day_has_one_position_for_each_entity_and_stretch
    lines_that_are_no_packets_can_go_first
    what_is_restored_is_as_it_was_and_stays
    aggregates_outlive_their_packets_until_they_are_forgotten
]);

const TODAY: i64 = NOON / DAY;

/// A day of three stations, each with a position every 40 s for ten minutes, and what else there is.
fn lines() -> Vec<(i64, Vec<u8>)> {
    let mut lines = Vec::new();
    for i in 0..15 {
        let at_us = NOON + i * 40 * S;
        for station in 0..3 {
            let text = format!("A{station}B>APRS,qAR,G1:!47{:02}.85N/00832.46E>{i}", 10 + i);
            lines.push((at_us + station, text.into_bytes()));
        }
        lines.push((at_us + 5, b"A0B>APRS,qAR,G2:>a status".to_vec()));
        lines.push((at_us + 6, format!("no packet {i}").into_bytes()));
        lines.push((at_us + 7, format!("A1B>APRS,qAR,G2:!47{:02}.85N/00832.46E>{i}", 10 + i).into_bytes()));
    }
    lines
}

async fn fill(store: &dyn Days, lines: &[(i64, Vec<u8>)]) {
    let lines: Vec<(i64, &[u8])> = lines.iter().map(|(at_us, line)| (*at_us, &line[..])).collect();
    store.append(batch(&lines)).await.unwrap();
}

async fn one(store: &dyn Days) -> DayState {
    store.days().await.unwrap().into_iter().find(|state| state.day == TODAY).unwrap()
}

async fn a_day_goes_only_if_nothing_came_since((_ground, store): Ground) {
    assert!(store.days().await.unwrap().is_empty());
    fill(&*store, &lines()).await;
    fill(&*store, &[(NOON + DAY, b"A1B>APRS:>tomorrow".to_vec())]).await;
    assert_eq!(one(&*store).await, DayState { day: TODAY, packets: 90, ..DayState::default() });
    assert!(!store.drop_day(TODAY, 89).await.unwrap());
    assert!(!store.drop_day(TODAY - 1, 0).await.unwrap(), "there is no such day");
    store.set_archived(TODAY, 89, "abc").await.unwrap();
    store.set_archived(TODAY, 90, "abd").await.unwrap();
    assert_eq!(one(&*store).await.archived, Some(90));
    assert!(store.drop_day(TODAY, 90).await.unwrap());
    assert_eq!(store.days().await.unwrap().iter().map(|state| state.day).collect::<Vec<_>>(), [TODAY + 1]);
    assert_eq!(store.scan(0, i64::MAX, 1000).await.unwrap().len(), 1);
    assert_eq!(store.entity(station("A0B")).await.unwrap().unwrap().last_heard_us, NOON + 560 * S + 5, "the latest state stays");
    // A late packet makes the day anew.
    fill(&*store, &[(NOON, b"A1B>APRS:>late".to_vec())]).await;
    assert_eq!(one(&*store).await.packets, 1);
    store.prepare_ahead(3).await.unwrap();
    assert_eq!(store.prepare_ahead(3).await.unwrap(), 0);
}

fn station(name: &str) -> EntityKey {
    EntityKey { kind: EntityKind::Station, name: Name::new(name.as_bytes()).unwrap() }
}

async fn a_thinned_day_has_one_position_for_each_entity_and_stretch((_ground, store): Ground) {
    fill(&*store, &lines()).await;
    assert_eq!(store.thin_day(TODAY, 89, Thin::Tracks(120)).await.unwrap(), None, "another number");
    assert_eq!(one(&*store).await.packets, 90, "nothing happened");
    assert_eq!(store.thin_day(TODAY, 90, Thin::Tracks(120)).await.unwrap(), Some(15));
    let left = store.scan(0, i64::MAX, 1000).await.unwrap();
    let wanted: Vec<i64> = (0..5).flat_map(|stretch| (0..3).map(move |station| NOON + stretch * 120 * S + station)).collect();
    assert_eq!(left.iter().map(|packet| packet.id).collect::<Vec<_>>(), wanted);
    assert!(left.iter().all(|packet| packet.verdict == "accepted"));
    let state = one(&*store).await;
    assert_eq!((state.packets, state.thinned_s), (15, 120));
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.stored, counts.duplicates, counts.bad), (15, 0, 0));
    assert_eq!(store.track(station("A2B"), 0, i64::MAX, 100).await.unwrap().len(), 5);
    // The day goes on as any other.
    fill(&*store, &[(NOON + 9 * S, b"A2B>APRS:>late".to_vec())]).await;
    assert_eq!(one(&*store).await.packets, 16);
    assert_eq!(store.scan(0, i64::MAX, 1000).await.unwrap().len(), 16);
    let query =
        PacketQuery { since_us: 0, until_us: i64::MAX, about: Some(vec![station("A2B")]), duplicates: false, limit: 9, before_id: None };
    assert_eq!(store.packets(query).await.unwrap().packets.len(), 6);
    assert!(store.drop_day(TODAY, 16).await.unwrap());
}

async fn lines_that_are_no_packets_can_go_first((_ground, store): Ground) {
    fill(&*store, &lines()).await;
    assert_eq!(store.thin_day(TODAY, 90, Thin::WithoutBad).await.unwrap(), Some(75));
    let state = one(&*store).await;
    assert_eq!((state.packets, state.without_bad, state.thinned_s), (75, true, 0));
    assert!(store.scan(0, i64::MAX, 1000).await.unwrap().iter().all(|packet| packet.verdict != "bad"));
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.bad, 0);
    assert_eq!(counts.stored + counts.duplicates, 75);
    assert_eq!(store.thin_day(TODAY, 75, Thin::Tracks(120)).await.unwrap(), Some(15));
}

async fn what_is_restored_is_as_it_was_and_stays((_ground, store): Ground) {
    fill(&*store, &lines()).await;
    let before = store.scan(0, i64::MAX, 1000).await.unwrap();
    let mut pipeline = Pipeline::default();
    let records: Vec<Record> = lines().iter().map(|(at_us, line)| pipeline.accept(*at_us, line).record).collect();
    assert!(store.drop_day(TODAY, 90).await.unwrap());
    let state = store.entity(station("A0B")).await.unwrap();
    for part in records.chunks(40) {
        store.restore(TODAY, part.to_vec()).await.unwrap();
    }
    assert_eq!(store.scan(0, i64::MAX, 1000).await.unwrap(), before);
    assert_eq!(one(&*store).await, DayState { day: TODAY, packets: 90, keep: true, ..DayState::default() });
    assert_eq!(store.entity(station("A0B")).await.unwrap(), state);
    assert_eq!(store.track(station("A2B"), 0, i64::MAX, 100).await.unwrap().len(), 15);
}

/// All aggregates: packets of each hour, how many were heard on each day, whom G1 heard and who heard A1B.
async fn aggregates(store: &dyn Days) -> (Vec<HourCounts>, Vec<HeardDay>, [Vec<HeardLink>; 2]) {
    let name = |name: &str| Name::new(name.as_bytes()).unwrap();
    let by = store.heard(name("G1"), HeardSide::By, 0, 100).await.unwrap();
    let of = store.heard(name("A1B"), HeardSide::Of, 0, 100).await.unwrap();
    (store.hours(0, i64::MAX).await.unwrap(), store.heard_days(0, i64::MAX).await.unwrap(), [by, of])
}

async fn aggregates_outlive_their_packets_until_they_are_forgotten((_ground, store): Ground) {
    let late = |text: &str| vec![(NOON + S, text.as_bytes().to_vec())];
    fill(&*store, &lines()).await;
    let before = aggregates(&*store).await;
    assert_eq!((before.0.len(), before.1.len(), before.2[0].len(), before.2[1].len()), (1, 1, 3, 2));
    assert_eq!((before.2[0][0].packets, before.2[1][1].packets), (15, 15));
    store.thin_day(TODAY, 90, Thin::Tracks(120)).await.unwrap().unwrap();
    assert_eq!(aggregates(&*store).await, before, "thinned");
    assert!(store.drop_day(TODAY, 15).await.unwrap());
    assert_eq!(aggregates(&*store).await, before, "dropped");
    let mut pipeline = Pipeline::default();
    let records: Vec<Record> = lines().iter().map(|(at_us, line)| pipeline.accept(*at_us, line).record).collect();
    store.restore(TODAY, records).await.unwrap();
    assert_eq!(aggregates(&*store).await, before, "restored");
    assert!(store.drop_day(TODAY, 90).await.unwrap());

    // A late packet makes the day anew, and it is dropped again.
    fill(&*store, &late("A1B>APRS,qAR,G1:>late")).await;
    let after = aggregates(&*store).await;
    assert_eq!(after.0[0].accepted, before.0[0].accepted + 1);
    assert_eq!((after.2[0][0].packets, after.2[0][0].other), (16, Name::new(b"A1B").unwrap()));
    assert!(store.drop_day(TODAY, 1).await.unwrap());
    assert_eq!(aggregates(&*store).await, after);

    fill(&*store, &late("A1B>APRS,qAR,G1:>later")).await;
    fill(&*store, &[(NOON + DAY, b"A1B>APRS,qAR,G1:>tomorrow".to_vec())]).await;
    assert!(store.forget_aggregates(TODAY + 1).await.unwrap() > 0);
    assert_eq!(store.forget_aggregates(TODAY + 1).await.unwrap(), 0);
    let left = aggregates(&*store).await;
    assert_eq!((left.0.len(), left.1.len(), left.2.map(|links| links.len())), (1, 1, [1, 1]), "those of tomorrow");
    assert_eq!(store.scan(0, i64::MAX, 9).await.unwrap().len(), 2, "packets stay");
}

#[test]
fn days_have_names() {
    assert_eq!(day_name(TODAY), "2026-11-23");
    assert_eq!(day_number("2026-11-23"), Some(TODAY));
    for wrong in ["", "2026-11", "2026-02-30", "23.11.2026", "2026-11-23T00:00", "../2026-11-23"] {
        assert_eq!(day_number(wrong), None, "{wrong}");
    }
}
