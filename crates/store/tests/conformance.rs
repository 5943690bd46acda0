//! What every engine must do: one suite, run on SQLite, on PostgreSQL, and on PostgreSQL through PgBouncer. The suite
//! knows only `dyn Days`; an engine is a [`Ground`] on which one can be opened, again and again.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use godwit_pipeline::{EntityKey, EntityKind, Name, Pipeline, Verdict};
use godwit_store::{
    Area, DayState, Days, HeardDay, HeardLink, HeardSide, HourCounts, ImportCounts, ImportPoint, Imported, ImportedLine, PacketQuery,
    PostgresConfig, PostgresStore, SqliteStore,
};
use godwit_testkit::{PgBouncer, TestDatabase};

use common::{DAY, NOON, S, batch};

/// Where a store is kept.
enum Ground {
    Folder(tempfile::TempDir),
    Database(TestDatabase),
    Pooled(PgBouncer, TestDatabase),
}

impl Ground {
    fn pooled() -> Self {
        let database = TestDatabase::create();
        let server = database.server.as_ref().expect("our own server");
        Self::Pooled(PgBouncer::start(server, 3), database)
    }

    async fn open(&self) -> Arc<dyn Days> {
        let url = match self {
            Self::Folder(folder) => return Arc::new(SqliteStore::open(folder.path()).unwrap()),
            Self::Database(database) => database.url.clone(),
            Self::Pooled(bouncer, database) => bouncer.url(database.name()),
        };
        Arc::new(PostgresStore::open(&PostgresConfig::new(url)).await.unwrap())
    }
}

/// One test for each engine, in a module that bears its name.
macro_rules! each_store {
    ($($test:ident),* $(,)?) => {
        each_store!(@ sqlite, Ground::Folder(tempfile::tempdir().unwrap()), $($test)*);
        each_store!(@ postgres, Ground::Database(TestDatabase::create()), $($test)*);
        each_store!(@ pgbouncer, Ground::pooled(), $($test)*);
    };
    (@ $engine:ident, $ground:expr, $($test:ident)*) => {
        mod $engine {
            use super::*;
            $(#[tokio::test]
            async fn $test() {
                super::$test($ground).await;
            })*
        }
    };
}

each_store! {
    what_goes_in_comes_out_byte_for_byte_and_after_reopening,
    pages_go_on_where_they_stopped_while_new_packets_come,
    packets_of_one_microsecond_all_find_room,
    importing_twice_adds_nothing_and_progress_is_kept,
    equal_lines_without_a_time_are_kept_as_often_as_they_stand_in_a_file,
    old_days_go_and_the_counts_stay_right,
    time_is_not_turned_back_by_what_was_heard_earlier,
    a_state_of_the_future_gives_way_and_its_packets_are_found_by_their_time,
    a_scan_gives_duplicates_and_bad_ones_too,
    several_stations_at_once_newest_first,
    appends_from_many_sides_all_arrive,
    a_track_goes_forward_with_its_doubtful_points_marked,
    weather_goes_forward,
    an_area_holds_what_lives_in_it,
    a_scan_reads_everything_once_by_id,
    who_follows_misses_no_late_batch,
    aggregates_grow_with_each_batch_and_no_line_counts_twice,
    only_distances_of_radio_count_and_marks_of_networks_heard_nothing,
}

fn point(next_offset: u64, fingerprint: &[u8]) -> ImportPoint {
    ImportPoint { source: "file".to_owned(), next_offset, fingerprint: fingerprint.to_vec() }
}

fn imported(lines: &[(i64, &[u8], bool)], next_offset: u64) -> Imported {
    let mut pipeline = Pipeline::default();
    let mut seen = std::collections::HashMap::<&[u8], u32>::new();
    let lines = lines.iter().map(|(at_us, line, timed)| {
        let outcome = pipeline.accept(*at_us, line);
        let occurrence = if *timed { 1 } else { *seen.entry(line).and_modify(|count| *count += 1).or_insert(1) };
        ImportedLine { record: outcome.record, changes: outcome.changes, timed: *timed, occurrence }
    });
    Imported { lines: lines.collect(), point: Some(point(next_offset, b"print")), keep_before_us: NOON - 30 * DAY }
}

fn all() -> PacketQuery {
    PacketQuery { since_us: 0, until_us: i64::MAX, about: None, duplicates: false, limit: 1000, before_id: None }
}

fn station(name: &str) -> EntityKey {
    EntityKey { kind: EntityKind::Station, name: Name::new(name.as_bytes()).unwrap() }
}

/// Packets that were kept under a clock that was ahead, and those after it was set right.
async fn a_state_of_the_future_gives_way_and_its_packets_are_found_by_their_time(ground: Ground) {
    let store = ground.open().await;
    let ahead = NOON + 4000 * DAY;
    store.append(batch(&[(ahead, b"A1B>APRS,qAR,I:!4822.85N/00932.46E>ahead"), (ahead, b"OLD>APRS:>ahead")])).await.unwrap();
    store.append(batch(&[(NOON, b"A1B>APRS,qAR,I:!4722.85N/00832.46E>now")])).await.unwrap();
    let state = store.entity(station("A1B")).await.unwrap().unwrap();
    assert_eq!((state.first_heard_us, state.last_heard_us), (NOON, NOON));
    assert!(state.raw.ends_with(b">now") && state.position.unwrap().1.latitude < 48.0);
    // An import turns nothing back.
    store.append_imported(imported(&[(NOON + S, b"OLD>APRS:>imported", true)], 1)).await.unwrap();
    assert_eq!(store.entity(station("OLD")).await.unwrap().unwrap().last_heard_us, ahead);
    let up_to_now = store.packets(PacketQuery { until_us: NOON + 2 * S, ..all() }).await.unwrap();
    assert_eq!(up_to_now.packets.len(), 2);
    let later = store.packets(PacketQuery { since_us: NOON + 2 * S, ..all() }).await.unwrap();
    assert_eq!(later.packets.len(), 2);
    let newest = store.packets(PacketQuery { until_us: NOON + 2 * S, limit: 1, ..all() }).await.unwrap();
    let next = store.packets(PacketQuery { until_us: NOON + 2 * S, before_id: newest.next, ..all() }).await.unwrap();
    assert_eq!((newest.packets.len(), next.packets.len()), (1, 1));
}

async fn what_goes_in_comes_out_byte_for_byte_and_after_reopening(ground: Ground) {
    let store = ground.open().await;
    let lines: [(i64, &[u8]); 6] = [
        (NOON, b"A1B-9>APRS,WIDE1-1,qAR,IGATE:!4722.85N/00832.46E>147/064Z\xfcrich\0"),
        (NOON + S, b"A1B-9>APRS,qAR,OTHER:!4722.85N/00832.46E>147/064Z\xfcrich\0"),
        (NOON + 2 * S, b"A1B-9>APRS,qAR,IGATE:;CAMP     *231200z4722.85N/00832.46E;tents"),
        (NOON + 3 * S, b"nonsense <script>"),
        (NOON + 4 * S, b"A1B-9>APRS,qAR,IGATE:;CAMP     _231200z4722.85N/00832.46E;"),
        (NOON + 5 * S, b"A1B-9>APRS:>status"),
    ];
    store.append(batch(&lines)).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    for _ in 0..2 {
        let store = ground.open().await;
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
        store.close().await.unwrap();
        drop(store);
    }
}

async fn pages_go_on_where_they_stopped_while_new_packets_come(ground: Ground) {
    let store = ground.open().await;
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

async fn packets_of_one_microsecond_all_find_room(ground: Ground) {
    let store = ground.open().await;
    for round in 0..3 {
        let texts: Vec<String> = (0..500).map(|i| format!("A1B>APRS:>{round} {i}")).collect();
        let lines: Vec<(i64, &[u8])> = texts.iter().map(|text| (NOON, text.as_bytes())).collect();
        store.append(batch(&lines)).await.unwrap();
    }
    let page = store.packets(PacketQuery { limit: 5000, ..all() }).await.unwrap();
    assert_eq!(page.packets.len(), 1500);
    assert!(page.packets.iter().all(|packet| packet.id < NOON + S));
}

async fn importing_twice_adds_nothing_and_progress_is_kept(ground: Ground) {
    let store = ground.open().await;
    let old = NOON - 400 * DAY;
    let lines: [(i64, &[u8], bool); 3] =
        [(old, b"A1B>APRS:>old", true), (NOON, b"A1B>APRS:>untimed", false), (NOON + S, b"A1B>APRS:>old", true)];
    let first = store.append_imported(imported(&lines, 77)).await.unwrap();
    assert_eq!((first.stored, first.already_there), (3, 0));
    assert_eq!(store.import_progress("file").await.unwrap(), Some(point(77, b"print")));
    assert_eq!(store.import_progress("another").await.unwrap(), None);
    // What cannot be resumed leaves the point alone.
    store.append_imported(Imported { point: None, ..imported(&lines, 99) }).await.unwrap();
    assert_eq!(store.import_progress("file").await.unwrap(), Some(point(77, b"print")));
    let later: [(i64, &[u8], bool); 3] =
        [(old, b"A1B>APRS:>old", true), (NOON + 5 * DAY, b"A1B>APRS:>untimed", false), (NOON + S, b"A1B>APRS:>old", true)];
    let second = store.append_imported(imported(&later, 77)).await.unwrap();
    assert_eq!((second.stored, second.already_there), (0, 3));
    assert_eq!(store.counts().await.unwrap().stored, 3);
    let kept = |day: i64, on_purpose: bool| DayState { day, packets: 1 + u64::from(!on_purpose), keep: on_purpose, ..DayState::default() };
    assert_eq!(store.days().await.unwrap(), [kept(old / DAY, true), kept(NOON / DAY, false)], "the old day was imported on purpose");
    assert_eq!(store.packets(all()).await.unwrap().packets.len(), 3);
}

async fn equal_lines_without_a_time_are_kept_as_often_as_they_stand_in_a_file(ground: Ground) {
    let store = ground.open().await;
    let (x, y) = (&b"A1B>APRS:>x"[..], &b"A1B>APRS:>y"[..]);
    let first = [(NOON, x, false), (NOON, y, false), (NOON, x, false), (NOON, b"bad", false)];
    let counts = store.append_imported(imported(&first, 1)).await.unwrap();
    // The second one is a copy as the network knows them.
    assert_eq!(counts, ImportCounts { stored: 2, duplicates: 1, bad: 1, already_there: 0 });
    // On another day, once more of each, after the store was opened again.
    store.close().await.unwrap();
    drop(store);
    let store = ground.open().await;
    let (x_again, y_again) = ((NOON + DAY, x, false), (NOON + DAY, y, false));
    let second = [x_again, y_again, x_again, x_again, y_again];
    let counts = store.append_imported(imported(&second, 1)).await.unwrap();
    assert_eq!((counts.stored + counts.duplicates, counts.already_there), (2, 3));
    let again = store.append_imported(imported(&second, 1)).await.unwrap();
    assert_eq!(again, ImportCounts { already_there: 5, ..ImportCounts::default() });
    // Its day is dropped, and with it what is known of its lines: those of the other day are still known.
    let packets = store.days().await.unwrap()[0].packets;
    assert!(store.drop_day(NOON / DAY, packets).await.unwrap());
    let third = store.append_imported(imported(&[(NOON + 2 * DAY, x, false), (NOON + 2 * DAY, y, false)], 1)).await.unwrap();
    assert_eq!((third.stored, third.already_there), (2, 0));
    let third = store.append_imported(imported(&second, 1)).await.unwrap();
    assert_eq!((third.stored + third.duplicates, third.already_there), (1, 4), "the second x alone is gone");
}

async fn old_days_go_and_the_counts_stay_right(ground: Ground) {
    let store = ground.open().await;
    for day in 0..4 {
        store.append(batch(&[(NOON + day * DAY, b"A1B>APRS:>x"), (NOON + day * DAY + S, b"bad")])).await.unwrap();
    }
    assert_eq!(store.counts().await.unwrap().stored, 4);
    for day in [NOON / DAY, NOON / DAY + 1] {
        assert!(store.drop_day(day, 2).await.unwrap());
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.stored, counts.bad), (2, 2));
    assert_eq!(store.packets(all()).await.unwrap().packets.len(), 4);
}

async fn time_is_not_turned_back_by_what_was_heard_earlier(ground: Ground) {
    let store = ground.open().await;
    let place = |minute: u8| format!("A1B>APRS:!47{minute}.00N/00832.00E>");
    let (late, early) = (place(22), place(11));
    store.append(batch(&[(NOON, late.as_bytes()), (NOON + S, b"A1B>APRS:>on")])).await.unwrap();
    store.append(batch(&[(NOON - DAY, early.as_bytes()), (NOON - S, b"A1B>APRS:>off")])).await.unwrap();
    let state = store.entity(station("A1B")).await.unwrap().unwrap();
    assert_eq!((state.first_heard_us, state.last_heard_us), (NOON - DAY, NOON + S));
    assert_eq!(state.raw[..], *b"A1B>APRS:>on");
    let (at_us, fix, raw) = state.position.unwrap();
    assert_eq!((at_us, &raw[..]), (NOON, late.as_bytes()));
    assert!((fix.latitude - (47.0 + 22.0 / 60.0)).abs() < 1e-6);
    assert_eq!(store.counts().await.unwrap().entities, 1);
}

async fn a_scan_gives_duplicates_and_bad_ones_too(ground: Ground) {
    let store = ground.open().await;
    let copy = b"A1B>APRS,qAR,I:>x";
    store.append(batch(&[(NOON - DAY, b"A1B>APRS:>old"), (NOON, copy), (NOON + S, copy), (NOON + 2 * S, b"bad")])).await.unwrap();
    let content = store.scan(NOON - 1, i64::MAX, 100).await.unwrap();
    let expected: [(i64, &[u8]); 3] = [(NOON, copy), (NOON + S, copy), (NOON + 2 * S, b"bad")];
    assert_eq!(content.iter().map(|packet| (packet.received_at_us, &packet.raw[..])).collect::<Vec<_>>(), expected);
    assert!(store.scan(NOON + DAY, i64::MAX, 100).await.unwrap().is_empty());
}

async fn several_stations_at_once_newest_first(ground: Ground) {
    let store = ground.open().await;
    store
        .append(batch(&[(NOON, b"A1B>APRS:>1"), (NOON + S, b"X1Y>APRS:>2"), (NOON + 2 * S, b"Z9Z>APRS:>3"), (NOON + DAY, b"A1B>APRS:>4")]))
        .await
        .unwrap();
    let query = PacketQuery { about: Some(vec![station("A1B"), station("X1Y"), station("NOBODY")]), limit: 2, ..all() };
    let page = store.packets(query.clone()).await.unwrap();
    assert_eq!(page.packets.iter().map(|packet| packet.received_at_us).collect::<Vec<_>>(), [NOON + DAY, NOON + S]);
    assert_eq!(page.packets[0].sender, Name::new(b"A1B"));
    let page = store.packets(PacketQuery { before_id: page.next, ..query }).await.unwrap();
    assert_eq!((page.packets.len(), page.next), (1, None));
}

async fn appends_from_many_sides_all_arrive(ground: Ground) {
    let store = ground.open().await;
    let tasks: Vec<_> = (0..8_i64)
        .map(|side| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..5_i64 {
                    let texts: Vec<String> = (0..20).map(|i| format!("S{}>APRS:>{side} {round} {i}", i % 4)).collect();
                    let lines: Vec<(i64, &[u8])> = texts.iter().map(|text| (NOON + round, text.as_bytes())).collect();
                    store.append(batch(&lines)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut raws: Vec<_> = store.packets(all()).await.unwrap().packets.into_iter().map(|packet| packet.raw).collect();
    raws.sort();
    raws.dedup();
    assert_eq!(raws.len(), 800);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.stored, counts.entities), (800, 4));
}

async fn a_track_goes_forward_with_its_doubtful_points_marked(ground: Ground) {
    let store = ground.open().await;
    let lines: [(i64, &[u8]); 8] = [
        (NOON - DAY, b"A1B-9>APRS,qAR,I:!4711.00N/00832.00E>088/036/A=001414 yesterday"),
        (NOON, b"A1B-9>APRS,qAR,I:!4722.85N/00832.46E>147/064"),
        (NOON + S, b"A1B-9>APRS,qAR,OTHER:!4722.85N/00832.46E>147/064"),
        (NOON + 2 * S, b"A1B-9>APRS,qAR,I:!1200.00N/00600.00E>far away"),
        (NOON + 3 * S, b"A1B-9>APRS,qAR,I:>no place"),
        (NOON + 4 * S, b"X1Y>APRS,qAR,I:!4722.85S/00832.46W>another"),
        (NOON + 5 * S, b"A1B-9>APRS,qAR,I:!4723.00N/00833.00E>"),
        (NOON + 6 * S, b"A1B-9>APRS,qAR,I:!47 broken"),
    ];
    let mut batch = batch(&lines);
    (batch.records[3].verdict, batch.records[3].position) = (Verdict::Implausible("far_away"), None);
    batch.changes[3].fix = None;
    store.append(batch).await.unwrap();
    let key = station("A1B-9");
    let track = store.track(key, 0, i64::MAX, 100).await.unwrap();
    let seen: Vec<_> = track.iter().map(|point| (point.received_at_us, point.verdict)).collect();
    assert_eq!(
        seen,
        [(NOON - DAY, "accepted"), (NOON, "accepted"), (NOON + 2 * S, "implausible"), (NOON + 5 * S, "accepted")],
        "copies, bad lines and others are no points"
    );
    assert_eq!((track[0].altitude_m, track[0].course_deg), (Some(431), Some(88)));
    assert!((track[0].speed_kmh.unwrap() - 66.7).abs() < 1e-4, "36 knots: {:?}", track[0].speed_kmh);
    assert!((track[0].latitude - (47.0 + 11.0 / 60.0)).abs() < 1e-6 && (track[0].longitude - (8.0 + 32.0 / 60.0)).abs() < 1e-6);
    assert_eq!((track[2].reason.as_deref(), track[2].latitude), (Some("far_away"), 12.0));
    assert_eq!((track[3].altitude_m, track[3].course_deg, track[3].speed_kmh), (None, None, None));
    assert_eq!(store.packet(track[1].id).await.unwrap().unwrap().raw[..], *lines[1].1);
    let some = store.track(key, NOON, NOON + 5 * S, 1).await.unwrap();
    assert_eq!(some, track[1..2], "from, until and how many");
    assert_eq!(store.track(key, NOON + S, NOON + 5 * S, 9).await.unwrap(), track[2..3]);
    assert!(store.track(station("NOBODY"), 0, i64::MAX, 100).await.unwrap().is_empty());
}

async fn weather_goes_forward(ground: Ground) {
    let store = ground.open().await;
    let lines: [(i64, &[u8]); 5] = [
        (NOON - 3 * DAY, b"W1X>APRS,qAR,I:!4722.85N/00832.46E_220/004g005t077r001p002P003h50b09900"),
        (NOON, b"W1X>APRS,qAR,I:!4722.85N/00832.46E-no weather"),
        (NOON + S, b"W1X>APRS,qAR,I:_11231200c045s003g...t-05"),
        (NOON + 2 * S, b"W1X>APRS,qAR,J:_11231200c045s003g...t-05"),
        (NOON + 3 * S, b"A1B>APRS,qAR,I:_11231200c045s003g...t-05"),
    ];
    store.append(batch(&lines)).await.unwrap();
    let weather = store.weather(station("W1X"), 0, i64::MAX, 100).await.unwrap();
    assert_eq!(weather.iter().map(|point| point.received_at_us).collect::<Vec<_>>(), [NOON - 3 * DAY, NOON + S]);
    let (first, second) = (&weather[0], &weather[1]);
    assert_eq!((first.temperature_c, first.pressure_hpa, first.humidity_percent), (Some(25.0), Some(990.0), Some(50.0)));
    assert_eq!((first.rain_1h_mm, first.wind_direction_deg, first.wind_speed_ms), (Some(0.25), Some(220.0), Some(1.79)));
    assert_eq!((second.temperature_c, second.wind_gust_ms, second.pressure_hpa), (Some(-20.56), None, None));
    assert_eq!(store.weather(station("W1X"), 0, i64::MAX, 1).await.unwrap(), weather[..1]);
    assert_eq!(store.weather(station("W1X"), NOON, NOON + DAY, 9).await.unwrap(), weather[1..]);
}

async fn an_area_holds_what_lives_in_it(ground: Ground) {
    let store = ground.open().await;
    let lines: [(i64, &[u8]); 7] = [
        (NOON, b"A1B>APRS,qAR,I:!4722.85N/00832.46E>in"),
        (NOON + S, b"A1B>APRS,qAR,I:>still in"),
        (NOON, b"X1Y>APRS,qAR,I:!4722.85N/00932.46E>out"),
        (NOON, b"O1O>APRS,qAR,I:;DEAD     _231200z4722.85N/00832.46E;"),
        (NOON - DAY, b"L1L>APRS,qAR,I:!4722.85N/00832.46E>long ago"),
        (NOON, b"F1J>APRS,qAR,I:!1800.00S/17959.00E>Fiji"),
        (NOON, b"S1P>APRS,qAR,I:!9000.00S/01200.00W>the pole"),
    ];
    store.append(batch(&lines)).await.unwrap();
    let area = |south, west, north, east| Area { south, west, north, east };
    let names = |states: Vec<godwit_pipeline::EntityState>| {
        let mut names: Vec<String> = states.iter().map(|state| state.key.name.to_string()).collect();
        names.sort();
        names
    };
    let zurich = area(47.0, 8.0, 48.0, 9.0);
    let found = store.in_area(zurich, NOON, 100).await.unwrap();
    assert_eq!(found, [store.entity(station("A1B")).await.unwrap().unwrap()], "the very state that the entity has");
    assert_eq!(names(store.in_area(zurich, 0, 100).await.unwrap()), ["A1B", "L1L"]);
    assert_eq!(store.in_area(zurich, 0, 1).await.unwrap().len(), 1);
    assert_eq!(names(store.in_area(area(-20.0, 179.0, -10.0, -179.0), 0, 9).await.unwrap()), ["F1J"], "over the antimeridian");
    assert_eq!(names(store.in_area(area(-20.0, 179.99, -10.0, -179.0), 0, 9).await.unwrap()), <[&str; 0]>::default());
    let world = area(-90.0, -180.0, 90.0, 180.0);
    assert_eq!(names(store.in_area(world, 0, 9).await.unwrap()), ["A1B", "F1J", "L1L", "S1P", "X1Y"]);
    store.append(batch(&[(NOON + DAY, b"A1B>APRS,qAR,I:!4722.85N/00932.46E>away")])).await.unwrap();
    assert_eq!(names(store.in_area(zurich, 0, 100).await.unwrap()), ["L1L"], "it moved");
}

async fn a_scan_reads_everything_once_by_id(ground: Ground) {
    let store = ground.open().await;
    let texts: Vec<String> =
        (0..60).map(|i| if i % 7 == 0 { format!("bad {i}") } else { format!("A1B-{}>APRS:>{}", i % 3, i / 9) }).collect();
    for part in [30..60, 0..30] {
        let lines: Vec<(i64, &[u8])> = part.map(|i| (NOON + i as i64 * DAY / 20, texts[i].as_bytes())).collect();
        store.append(batch(&lines)).await.unwrap();
    }
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let packets = store.scan(after, i64::MAX, 7).await.unwrap();
        let Some(last) = packets.last() else { break };
        after = last.id;
        seen.extend(packets);
    }
    assert_eq!(
        seen.iter().map(|packet| packet.raw.to_vec()).collect::<Vec<_>>(),
        texts.iter().map(|text| text.clone().into_bytes()).collect::<Vec<_>>()
    );
    assert_eq!(seen.iter().filter(|packet| packet.verdict == "bad").count(), 9);
    assert_eq!(store.scan(seen[9].id, seen[20].id, 100).await.unwrap(), seen[10..20], "after the one, before the other");
    assert_eq!(store.packet(seen[3].id).await.unwrap().as_ref(), Some(&seen[3]));
    assert_eq!(store.packet(seen[3].id + 1).await.unwrap(), None);
}

async fn who_follows_misses_no_late_batch(ground: Ground) {
    let store = ground.open().await;
    store.append(batch(&[(NOON, b"A1B>APRS:>before")])).await.unwrap();
    let start = store.follow(None, 100).await.unwrap();
    assert!(start.packets.is_empty() && !start.gap);
    assert_eq!(store.follow(Some(start.position), 100).await.unwrap(), start, "nothing new");
    store.append(batch(&[(NOON + 2 * S, b"A1B>APRS:>1"), (NOON + 3 * S, b"A1B>APRS:>2"), (NOON + 3 * S, b"bad")])).await.unwrap();
    // What waited in a spool, from before all others, among them a copy.
    store.append(batch(&[(NOON - DAY, b"A1B>APRS:>late"), (NOON - DAY, b"A1B>APRS:>late")])).await.unwrap();
    store.append_imported(imported(&[(NOON - 2 * DAY, b"A1B>APRS:>imported", true)], 9)).await.unwrap();
    let (mut position, mut seen) = (start.position, Vec::new());
    loop {
        let followed = store.follow(Some(position), 2).await.unwrap();
        assert!(!followed.gap && followed.packets.len() <= 2);
        if followed.packets.is_empty() {
            assert_eq!(followed.position, position);
            break;
        }
        position = followed.position;
        seen.extend(followed.packets.into_iter().map(|packet| String::from_utf8_lossy(&packet.raw).into_owned()));
    }
    assert_eq!(seen, ["A1B>APRS:>1", "A1B>APRS:>2", "bad", "A1B>APRS:>late", "A1B>APRS:>late", "A1B>APRS:>imported"]);
    assert_eq!(store.follow(None, 0).await.unwrap().position, position);
    let all = store.follow(Some(start.position), 100).await.unwrap();
    assert_eq!((all.packets.len(), all.position), (6, position));
    assert!(store.follow(Some(position + 1_000_000), 9).await.unwrap().gap, "a position of another store");
}

async fn aggregates_grow_with_each_batch_and_no_line_counts_twice(ground: Ground) {
    const HOUR: i64 = 3600 * S;
    const TODAY: i64 = NOON / DAY;
    let store = ground.open().await;
    let here = b"A1B>APRS,WIDE1-1,qAR,GATE:!4722.85N/00832.46E-";
    let copy = b"A1B>APRS,WIDE1-1,qAR,GATE2:!4722.85N/00832.46E-";
    let lines: [(i64, &[u8]); 6] = [
        (NOON, here),
        (NOON + S, copy),
        (NOON + 2 * S, b"GATE>APRS,TCPIP*,qAC,T2:!4722.85N/00932.46E-"),
        (NOON + 3 * S, b"A1B>APRS,DIGI*,WIDE2-1,qAR,GATE:;CAMP     *231200z4722.85N/00832.46E;tents"),
        (NOON + 4 * S, b"X1Y>APRS,TCPIP*,qAC,T2:)ITEM!4722.85N/00832.46E;"),
        (NOON + 5 * S, b"nonsense"),
    ];
    store.append(batch(&lines)).await.unwrap();
    let later: [(i64, &[u8]); 2] = [(NOON + HOUR, here), (NOON + DAY, b"Z9Z>APRS,qAR,GATE:>tomorrow")];
    store.append(batch(&later)).await.unwrap();
    // An import of what is there, and of more, two times.
    let more: [(i64, &[u8], bool); 2] =
        [(NOON + HOUR + S, b"A1B>APRS,qAR,GATE:>more", true), (NOON - DAY, b"A1B>APRS,qAR,GATE:>before", true)];
    for _ in 0..2 {
        store.append_imported(imported(&more, 5)).await.unwrap();
    }
    store.close().await.unwrap();
    drop(store);
    let store = ground.open().await;

    let hour = |begins_us, accepted, duplicate, bad| HourCounts { begins_us, accepted, duplicate, bad, implausible: 0 };
    let hours = store.hours(0, i64::MAX).await.unwrap();
    assert_eq!(hours, [hour(NOON - DAY, 1, 0, 0), hour(NOON, 4, 1, 1), hour(NOON + HOUR, 2, 0, 0), hour(NOON + DAY, 1, 0, 0)]);
    assert_eq!(store.hours(NOON + S, NOON + HOUR).await.unwrap(), hours[1..2], "the hour that began before is one of them");
    assert_eq!(store.hours(NOON, NOON + HOUR + 1).await.unwrap(), hours[1..3]);
    assert!(store.hours(NOON + HOUR, NOON).await.unwrap().is_empty());

    let day = |day, stations, objects, items| HeardDay { day, stations, objects, items };
    let days = store.heard_days(0, i64::MAX).await.unwrap();
    assert_eq!(days, [day(TODAY - 1, 1, 0, 0), day(TODAY, 3, 1, 1), day(TODAY + 1, 1, 0, 0)]);
    assert_eq!(store.heard_days(NOON, NOON + 1).await.unwrap(), days[1..2]);
    assert!(store.heard_days(NOON, NOON - DAY).await.unwrap().is_empty());

    let name = |name: &str| Name::new(name.as_bytes()).unwrap();
    let link = |other, packets, longest_m, last_day| HeardLink { other: name(other), packets, longest_m, last_day };
    // One degree of longitude on a sphere of 6,371.0088 km at 47°22.85' N.
    let far = 75_292;
    let by_gate = store.heard(name("GATE"), HeardSide::By, 0, 9).await.unwrap();
    assert_eq!(by_gate, [link("A1B", 4, Some(far), TODAY), link("Z9Z", 1, None, TODAY + 1)]);
    assert_eq!(store.heard(name("GATE"), HeardSide::By, 0, 1).await.unwrap(), by_gate[..1]);
    let of_a1b = store.heard(name("A1B"), HeardSide::Of, NOON, 9).await.unwrap();
    assert_eq!(of_a1b, [link("GATE", 3, Some(far), TODAY), link("DIGI", 1, None, TODAY), link("GATE2", 1, None, TODAY)]);
    assert_eq!(store.heard(name("GATE"), HeardSide::By, NOON + DAY, 9).await.unwrap(), by_gate[1..]);
    assert!(store.heard(name("GATE"), HeardSide::Of, 0, 9).await.unwrap().is_empty());
    assert!(store.heard(name("NOBODY"), HeardSide::By, 0, 9).await.unwrap().is_empty());
}

async fn only_distances_of_radio_count_and_marks_of_networks_heard_nothing(ground: Ground) {
    let store = ground.open().await;
    let lines: [(i64, &[u8]); 14] = [
        (NOON, b"OE9G>APRS,TCPIP*,qAC,T2:!4722.85N/00832.46E&"),
        (NOON + S, b"HF>APRS,TCPIP*,qAC,T2:!4722.85N/00832.46E&"),
        (NOON + 2 * S, b"A1B>APRS,qAR,OE9G:!4722.85N/00822.46E-near"),
        (NOON + 3 * S, b"A1B>APRS,qAR,DMR:!4722.85N/00822.46E-a mark where the igate stands"),
        (NOON + 4 * S, b"A1B>APRS,DSTAR*,qAR,OE9G:!4722.85N/00822.46E-out of a voice network"),
        (NOON + 5 * S, b"A1B>APRS,qAS,WXSRV:!4722.85N/00822.46E-by a server"),
        (NOON + 6 * S, b"FAR>APRS,qAR,OE9G:!2022.85N/00832.46E>27 degrees"),
        (NOON + 7 * S, b"NODE>ID,qAR,OE9G:!3722.85N/00832.46E#10 degrees, by a tunnel"),
        (NOON + 8 * S, b"DUCT>APRS,qAR,OE9G:!3722.85N/00832.46E>10 degrees, by air"),
        (NOON + 9 * S, b"TINY>APRS,qAR,OE9G:!1234.56N/12345.67W>before its first fix"),
        (NOON + 10 * S, b"S2>APRS,qAR,HF:!4522.85N/00832.46E>2 degrees"),
        (NOON + 11 * S, b"S3>APRS,qAR,HF:!4422.85N/00832.46E>3 degrees"),
        (NOON + 12 * S, b"S7>APRS,qAR,HF:!4022.85N/00832.46E>7 degrees"),
        (NOON + 13 * S, b"S7>APRS,OE9G*,qAR,HF:!4022.85N/00832.46E>7 degrees, again"),
    ];
    store.append(batch(&lines)).await.unwrap();
    let name = |name: &str| Name::new(name.as_bytes()).unwrap();
    let degree = |degrees: f64| Some((degrees * 111_195.08).round() as u32);
    let link = |other, packets, longest_m| HeardLink { other: name(other), packets, longest_m, last_day: NOON / DAY };
    // In the files or partitions of packets, and when nothing is left but what was added up.
    for dropped in [false, true] {
        if dropped {
            assert!(store.drop_day(NOON / DAY, 14).await.unwrap());
        }
        let by_oe9g = store.heard(name("OE9G"), HeardSide::By, NOON, 9).await.unwrap();
        let near = by_oe9g[0].longest_m;
        assert!(near.is_some_and(|metres| (12_000..13_000).contains(&metres)), "{by_oe9g:?}");
        let others = [("DUCT", degree(10.0)), ("FAR", None), ("NODE", None), ("S7", degree(7.0)), ("TINY", None)];
        let expected: Vec<HeardLink> =
            [("A1B", near)].into_iter().chain(others).map(|(other, longest_m)| link(other, 1, longest_m)).collect();
        assert_eq!(by_oe9g, expected, "dropped: {dropped}");
        let by_hf = store.heard(name("HF"), HeardSide::By, NOON, 9).await.unwrap();
        assert_eq!(by_hf, [link("S2", 1, None), link("S3", 1, None), link("S7", 1, None)], "dropped: {dropped}");
        let of_s7 = store.heard(name("S7"), HeardSide::Of, NOON, 9).await.unwrap();
        assert_eq!(of_s7, [link("HF", 1, None), link("OE9G", 1, degree(7.0))], "dropped: {dropped}");
        let of_a1b = store.heard(name("A1B"), HeardSide::Of, NOON, 9).await.unwrap();
        assert_eq!(of_a1b, [link("OE9G", 1, near)], "neither DMR nor DSTAR nor WXSRV; dropped: {dropped}");
        assert!(store.heard(name("DMR"), HeardSide::By, NOON, 9).await.unwrap().is_empty());
    }
}
