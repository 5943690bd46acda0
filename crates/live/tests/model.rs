//! A client that follows snapshots and deltas by docs/protocol.md, whatever it misses, ends up with the world.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, io::Read as _, sync::Arc};

use godwit_live::{Area, Limits, Live, Message, SubscribeError, TileAddress, TileAnswer, Viewer};
use godwit_pipeline::{EntityChange, EntityKey, EntityKind, EntityState, Fix, Name};
use proptest::prelude::*;

const S: i64 = 1_000_000;

/// Reads bytes as a page does.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(length);
        self.0 = rest;
        head
    }
    fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }
    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take(2).try_into().unwrap())
    }
    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().unwrap())
    }
    fn varint(&mut self) -> u32 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.u8();
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }
}

type Tile = (u32, BTreeMap<u32, (String, u16, u16)>);

/// What a page knows.
#[derive(Default)]
struct Page {
    epoch: u64,
    tiles: BTreeMap<(u8, u16, u16), Tile>,
    density: u32,
    snapshots: u32,
    deltas: u32,
}

impl Page {
    /// Takes a message; an empty one is not sent.
    fn message(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut message = Bytes(bytes);
        assert_eq!(message.u8(), 1, "version");
        while !message.0.is_empty() {
            let kind = message.u8();
            let length = message.varint() as usize;
            let mut body = Bytes(message.take(length));
            match kind {
                1 => self.epoch = u64::from_le_bytes(body.take(8).try_into().unwrap()),
                2 | 3 | 7 => self.tile(kind, &mut body),
                4 => {
                    body.take(9);
                    let content = unpack(&mut body);
                    let mut cells = Bytes(&content);
                    cells.take(6);
                    self.density = (0..cells.varint())
                        .map(|_| {
                            cells.varint();
                            cells.varint()
                        })
                        .sum();
                }
                _ => {}
            }
        }
    }

    fn tile(&mut self, kind: u8, body: &mut Bytes<'_>) {
        let address = (body.u8(), body.u16(), body.u16());
        if kind == 2 {
            self.snapshots += 1;
            let seq = body.u32();
            let content = unpack(body);
            let mut tile = (seq, BTreeMap::new());
            batch(&mut Bytes(&content), &mut tile.1);
            self.tiles.insert(address, tile);
        } else {
            self.deltas += 1;
            let (from, to) = (body.u32(), body.u32());
            let tile = self.tiles.get_mut(&address).expect("a delta follows a snapshot");
            assert_eq!(tile.0, from, "no step is missed or told twice");
            tile.0 = to;
            if kind == 7 {
                batch(&mut Bytes(&inflate(body.0)), &mut tile.1);
            } else {
                batch(body, &mut tile.1);
            }
        }
    }

    fn wish(&self, tiles: &[(u8, u16, u16)]) -> String {
        let tiles: Vec<String> = tiles
            .iter()
            .map(|at| match self.tiles.get(at) {
                Some((seq, _)) => format!("[{},{},{},{seq}]", at.0, at.1, at.2),
                None => format!("[{},{},{}]", at.0, at.1, at.2),
            })
            .collect();
        format!(r#"{{"tiles":[{}],"epoch":"{:x}"}}"#, tiles.join(","), self.epoch)
    }
}

fn unpack(body: &mut Bytes<'_>) -> Vec<u8> {
    if body.u8() == 0 {
        return body.0.to_vec();
    }
    inflate(body.0)
}

fn inflate(packed: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    flate2::read::DeflateDecoder::new(packed).read_to_end(&mut content).unwrap();
    content
}

fn batch(bytes: &mut Bytes<'_>, known: &mut BTreeMap<u32, (String, u16, u16)>) {
    bytes.take(4);
    let stride = usize::from(bytes.u8());
    let count = bytes.varint() as usize;
    let mut id = 0;
    let ids: Vec<u32> = (0..count)
        .map(|_| {
            id += bytes.varint();
            id
        })
        .collect();
    let xs: Vec<u16> = (0..count).map(|_| bytes.u16()).collect();
    let ys: Vec<u16> = (0..count).map(|_| bytes.u16()).collect();
    bytes.take((stride - 4) * count);
    let lengths: Vec<usize> = (0..count).map(|_| usize::from(bytes.u8())).collect();
    for (at, length) in lengths.into_iter().enumerate() {
        let name = String::from_utf8_lossy(bytes.take(length)).into_owned();
        known.insert(ids[at], (name, xs[at], ys[at]));
    }
    let mut id = 0;
    for _ in 0..bytes.varint() {
        id += bytes.varint();
        known.remove(&id);
    }
    assert!(bytes.0.is_empty());
}

fn change(name: &str, at_us: i64, place: Option<(f64, f64)>, alive: bool) -> EntityChange {
    EntityChange {
        key: EntityKey { kind: if alive { EntityKind::Station } else { EntityKind::Object }, name: Name::new(name.as_bytes()).unwrap() },
        owner: None,
        alive,
        heard_at_us: at_us,
        raw: Arc::from(&b"raw"[..]),
        fix: place.map(|(latitude, longitude)| Fix {
            latitude,
            longitude,
            symbol_table: b'/',
            symbol_code: b'>',
            course_deg: None,
            speed_kmh: None,
            ambiguity: 0,
            radio: true,
            direct: false,
            weather: false,
            range_km: None,
        }),
    }
}

fn object(name: &str, at_us: i64, alive: bool) -> EntityChange {
    let key = EntityKey { kind: EntityKind::Object, name: Name::new(name.as_bytes()).unwrap() };
    EntityChange { key, alive, ..change(name, at_us, Some((47.0, 8.0)), true) }
}

fn live() -> Arc<Live> {
    Live::new(Limits { entities: 500, age_us: 86_400 * S, viewers: 10 }, 1_000 * S)
}

fn joined(message: &Message) -> Vec<u8> {
    message.pieces.concat()
}

/// All names that the world has on a level, by tile.
fn truth(live: &Arc<Live>, tiles: &[(u8, u16, u16)], now_us: i64) -> BTreeMap<(u8, u16, u16), Vec<String>> {
    let mut fresh = Page::default();
    let mut viewer = live.viewer().unwrap();
    viewer.subscribe(&fresh.wish(tiles), now_us).unwrap();
    fresh.message(&joined(&viewer.news(now_us)));
    names(&fresh)
}

fn names(page: &Page) -> BTreeMap<(u8, u16, u16), Vec<String>> {
    page.tiles
        .iter()
        .map(|(at, tile)| {
            let mut list: Vec<String> = tile.1.values().map(|(name, x, y)| format!("{name} {x} {y}")).collect();
            list.sort();
            (*at, list)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn whoever_follows_ends_up_with_the_world(steps in proptest::collection::vec((0..40_usize, -60.0..60.0_f64, -180.0..180.0_f64, 0..10_u8), 1..120)) {
        let live = live();
        let tiles: Vec<(u8, u16, u16)> = (0..8).flat_map(|x| (0..8).map(move |y| (3, x, y))).collect();
        let mut page = Page::default();
        let mut viewer = live.viewer().unwrap();
        let mut now_us = 1_000 * S;
        page.message(&joined(&viewer.hello(0)));
        viewer.subscribe(&page.wish(&tiles), now_us).unwrap();
        for (number, (who, latitude, longitude, what)) in (1_u64..).zip(steps) {
            now_us += S;
            let name = format!("N{who}");
            match what {
                0 => live.apply(&[object(&name, now_us, false)]),
                1 => live.apply(&[object(&name, now_us, true)]),
                2 => live.apply(&[change(&name, now_us, None, true)]),
                _ => live.apply(&[change(&name, now_us, Some((latitude, longitude)), true)]),
            }
            live.tick(now_us, now_us, number * 4);
            match what {
                // Slow: takes nothing this time.
                3 | 4 => {}
                // The connection drops and comes back.
                5 => {
                    drop(viewer);
                    viewer = live.viewer().unwrap();
                    viewer.subscribe(&page.wish(&tiles), now_us).unwrap();
                }
                // Away for long: the tiles are let go and made anew.
                6 => {
                    drop(viewer);
                    now_us += 100 * S;
                    live.tick(now_us, now_us, 20);
                    live.apply(&[change(&name, now_us, Some((longitude / 4.0, latitude)), true)]);
                    viewer = live.viewer().unwrap();
                    viewer.subscribe(&page.wish(&tiles), now_us).unwrap();
                }
                _ => page.message(&joined(&viewer.news(now_us))),
            }
        }
        live.tick(now_us, now_us, 4);
        page.message(&joined(&viewer.news(now_us)));
        prop_assert_eq!(names(&page), truth(&live, &tiles, now_us));
    }
}

#[test]
fn who_comes_back_gets_only_what_was_missed_after_another_epoch_everything() {
    let live = live();
    let tiles = [(5, 16, 11)];
    let mut page = Page::default();
    let mut viewer = live.viewer().unwrap();
    page.message(&joined(&viewer.hello(0)));
    viewer.subscribe(&page.wish(&tiles), S).unwrap();
    for i in 0..100 {
        live.apply(&[change(&format!("S{i}"), S, Some((47.0, 8.0 + f64::from(i) / 100.0)), true)]);
    }
    live.tick(S, S, 2);
    page.message(&joined(&viewer.news(S)));
    assert_eq!((page.snapshots, page.tiles[&tiles[0]].1.len()), (1, 100));
    drop(viewer);
    live.apply(&[change("S1", 2 * S, Some((47.1, 8.0)), true)]);
    live.tick(2 * S, 2 * S, 4);
    let mut viewer = live.viewer().unwrap();
    viewer.subscribe(&page.wish(&tiles), S).unwrap();
    let bytes = joined(&viewer.news(2 * S));
    page.message(&bytes);
    assert_eq!((page.snapshots, page.deltas), (1, 1));
    assert!(bytes.len() < 120, "one record, not the tile: {}", bytes.len());
    page.epoch += 1;
    viewer = live.viewer().unwrap();
    viewer.subscribe(&page.wish(&tiles), S).unwrap();
    page.message(&joined(&viewer.news(2 * S)));
    assert_eq!(page.snapshots, 2);
    assert!(viewer.news(2 * S).len() <= 1, "nothing new, nothing sent");
}

#[test]
fn the_killed_stay_dead_and_the_silent_leave() {
    let live = live();
    live.apply(&[object("CAMP", 10 * S, true)]);
    let everywhere = Area { west: -180.0, south: -90.0, east: 180.0, north: 90.0 };
    assert_eq!(live.within(&everywhere, 0, None, 10).states.len(), 1);
    live.apply(&[object("CAMP", 20 * S, false)]);
    live.apply(&[object("CAMP", 15 * S, true)]);
    assert!(live.within(&everywhere, 0, None, 10).states.is_empty(), "a late copy does not revive it");
    for i in 0..600 {
        live.apply(&[change(&format!("S{i}"), i * S, Some((1.0, 1.0)), true)]);
    }
    assert_eq!(live.figures().entities, 500, "bounded");
    assert!(live.get(&change("S1", 0, None, true).key).is_none() && live.get(&change("S599", 0, None, true).key).is_some());
    live.tick((86_400 + 590) * S, (86_400 + 590) * S, 1);
    assert_eq!(live.figures().entities, 10, "old ones left");
}

#[test]
fn a_clock_that_jumps_empties_nothing_and_freezes_nobody() {
    let live = live();
    const YEAR: i64 = 400 * 86_400 * S;
    let now_us = 1_000 * S;
    for i in 0..100 {
        live.apply(&[change(&format!("S{i}"), now_us, Some((1.0, 1.0)), true)]);
    }
    // Forward, then back behind where it began; ten ticks would let thousands go.
    for (number, at_us) in [now_us + YEAR, now_us - 900 * S].into_iter().cycle().take(20).enumerate() {
        let second = i64::try_from(number).unwrap();
        live.tick(at_us, now_us + second * S, u64::try_from(number).unwrap());
        assert_eq!(live.figures().entities, 100, "the clock says {at_us}");
    }
    // Heard under the clock that was ahead: a known station, and a new one.
    live.tick(now_us + YEAR, now_us + 30 * S, 1);
    live.apply(&[change("S0", now_us + YEAR, Some((2.0, 2.0)), true), change("AHEAD", now_us + YEAR, Some((2.0, 2.0)), true)]);
    // The clock is right again: what it says now counts.
    live.tick(now_us + 40 * S, now_us + 40 * S, 2);
    live.apply(&[change("S0", now_us + 40 * S, Some((3.0, 3.0)), true)]);
    let state = live.get(&change("S0", 0, None, true).key).unwrap();
    assert_eq!((state.last_heard_us, state.position.unwrap().1.latitude), (now_us + 40 * S, 3.0));
    // What comes from the store with a time far ahead does not stand still either.
    let far = EntityState::new(&change("FAR", now_us + YEAR, Some((4.0, 4.0)), true));
    live.fill([far], now_us + 40 * S);
    assert_eq!(live.get(&change("FAR", 0, None, true).key).unwrap().last_heard_us, now_us + 40 * S);
    // Everybody leaves a day after being heard, whatever time that was.
    live.tick(now_us + 86_405 * S, now_us + 86_405 * S, 3);
    assert_eq!(live.figures().entities, 3, "heard within a day");
    live.tick(now_us + 86_450 * S, now_us + 86_450 * S, 4);
    assert_eq!(live.figures().entities, 0);
}

#[test]
fn a_world_of_another_day_is_shown_as_of_that_day() {
    let live = live();
    const YEAR: i64 = 400 * 86_400 * S;
    let state = |name: &str, at_us| EntityState::new(&change(name, at_us, Some((4.0, 4.0)), true));
    live.fill([state("NEW", 500 * S), state("OLD", 500 * S - 86_000 * S)], 600 * S);
    live.tick(YEAR, 1_000 * S, 1);
    assert_eq!(live.figures().entities, 2);
    live.tick(YEAR, 1_400 * S, 2);
    assert_eq!(live.figures().entities, 1);
    assert!(live.get(&change("NEW", 0, None, true).key).is_some());
}

#[test]
fn questions_of_the_api() {
    let live = live();
    live.apply(&[
        change("DL1ABC-9", S, Some((52.5, 13.4)), true),
        change("DL1ABC", 2 * S, Some((52.6, 13.5)), true),
        change("ZL1XYZ", 3 * S, Some((-36.8, 179.9)), true),
        change("3D2AB", 4 * S, Some((-17.0, -179.9)), true),
        change("NOPOS", 5 * S, None, true),
    ]);
    let within = |west, south, east, north, since| live.within(&Area { west, south, east, north }, since, None, 10).states.len();
    assert_eq!(within(13.0, 52.0, 14.0, 53.0, 0), 2);
    assert_eq!(within(13.0, 52.0, 14.0, 53.0, 2 * S), 1);
    assert_eq!(within(170.0, -40.0, -170.0, 0.0, 0), 2, "across the date line");
    assert_eq!(within(-180.0, -90.0, 180.0, 90.0, 0), 4);
    assert!(live.within(&Area { west: 13.0, south: 52.0, east: 14.0, north: 53.0 }, 0, None, 1).next.is_some());
    let found: Vec<String> = live.search("dl1abc", 10).0.iter().map(|state| state.key.name.to_string()).collect();
    assert_eq!(found, ["DL1ABC", "DL1ABC-9"], "the exact one first");
    assert_eq!(live.search("1", 2).0.len(), 2);
}

#[test]
fn density_counts_everybody_once() {
    let live = live();
    for i in 0..50 {
        live.apply(&[change(&format!("S{i}"), S, Some((f64::from(i), f64::from(i) * 3.0 - 80.0)), true)]);
    }
    live.tick(S, S, 20);
    let mut page = Page::default();
    let mut viewer = live.viewer().unwrap();
    viewer.subscribe(r#"{"tiles":[[0,0,0]]}"#, S).unwrap();
    page.message(&joined(&viewer.news(S)));
    assert_eq!(page.density, 50);
}

#[test]
fn what_viewers_send_is_checked_and_how_many_there_are() {
    let live = live();
    let mut viewer: Viewer = live.viewer().unwrap();
    for text in [
        "",
        "null",
        "[]",
        r#"{"tiles":1}"#,
        r#"{"tiles":[[3]]}"#,
        r#"{"tiles":[[3,1,1,1,1]]}"#,
        r#"{"tiles":[[-1,0,0]]}"#,
        r#"{"tiles":[],"x":1}"#,
    ] {
        assert!(matches!(viewer.subscribe(text, S), Err(SubscribeError::Form(_))), "{text}");
    }
    assert_eq!(viewer.subscribe(r#"{"tiles":[[4,0,0]]}"#, S), Err(SubscribeError::NoTile(4, 0, 0)));
    assert_eq!(viewer.subscribe(r#"{"tiles":[[3,8,0]]}"#, S), Err(SubscribeError::NoTile(3, 8, 0)));
    let many = format!(r#"{{"tiles":[{}[9,0,0]]}}"#, "[9,1,1],".repeat(64));
    assert_eq!(viewer.subscribe(&many, S), Err(SubscribeError::Many));
    assert_eq!(viewer.subscribe(&" ".repeat(9000), S), Err(SubscribeError::Long));
    let others: Vec<_> = (0..20).map_while(|_| live.viewer()).collect();
    assert_eq!(others.len(), 9, "at most ten viewers");
    drop(others);
    assert!(live.viewer().is_some());
}

fn named(tag: &[u8]) -> (u64, u32) {
    let state = std::str::from_utf8(tag).unwrap().trim_start_matches("W/").trim_matches('"');
    let (epoch, seq) = state.split_once('-').unwrap();
    (u64::from_str_radix(epoch, 16).unwrap(), seq.parse().unwrap())
}

#[test]
fn the_same_over_http() {
    let live = live();
    let tile = TileAddress::new(7, 67, 44).unwrap();
    live.apply(&[change("A1", S, Some((47.5, 9.0)), true)]);
    live.tick(S, S, 1);
    let TileAnswer::Full(first) = live.tile(tile, None, S) else { panic!("the whole tile first") };
    assert_eq!(live.tile(tile, None, 2 * S), TileAnswer::Full(first.clone()), "made once while nothing changes");
    let known = named(&first.tag);
    assert!(matches!(live.tile(tile, Some(known), S), TileAnswer::Nothing(tag) if tag == first.tag));
    let mut page = Page::default();
    page.message(&first.body);
    for step in 2..40 {
        live.apply(&[change("A1", step * S, Some((47.5 + step as f64 / 1000.0, 9.0)), true)]);
        live.tick(step * S, step * S, u64::try_from(step).unwrap());
    }
    let TileAnswer::Deltas(deltas) = live.tile(tile, Some(known), 40 * S) else { panic!("only what was missed") };
    page.message(&deltas.body);
    assert_eq!((page.snapshots, page.deltas), (1, 1), "the one entity that moved, once");
    assert!(matches!(live.tile(tile, Some((known.0 + 1, known.1)), 2 * S), TileAnswer::Full(..)));
    let TileAnswer::Full(whole) = live.tile(tile, None, 40 * S) else { panic!("the whole tile") };
    let mut fresh = Page::default();
    fresh.message(&whole.body);
    assert_eq!(names(&page), names(&fresh));
}

#[test]
fn tiles_exist_while_they_are_watched_and_never_start_at_a_number_that_was_given_before() {
    let live = live();
    for x in 0..512 {
        for y in 0..50 {
            let TileAnswer::Full(empty) = live.tile(TileAddress::new(9, x, y).unwrap(), None, S) else { panic!("empty tiles are told") };
            let known = named(&empty.tag);
            assert!(matches!(live.tile(TileAddress::new(9, x, y).unwrap(), Some(known), S), TileAnswer::Nothing(_)));
        }
    }
    assert_eq!(live.figures().tiles, 0, "asking for every address makes nothing");
    live.apply(&[change("A1", S, Some((47.5, 9.0)), true)]);
    let tiles = [(9, 268, 178), (9, 268, 179), (9, 0, 0)];
    let mut page = Page::default();
    let mut now_us = S;
    let mut number = 0;
    let mut held = 0;
    for round in 0..5 {
        let mut viewer = live.viewer().unwrap();
        page.message(&joined(&viewer.hello(now_us)));
        viewer.subscribe(&page.wish(&tiles), now_us).unwrap();
        page.message(&joined(&viewer.news(now_us)));
        assert!(page.tiles.values().all(|tile| tile.0 > held), "made anew at a number that nobody held");
        for step in 0..10 {
            now_us += S;
            number += 1;
            live.apply(&[change("A1", now_us, Some((47.5, 9.0 + f64::from(round * 10 + step) / 10_000.0)), true)]);
            live.tick(now_us, now_us, number);
            page.message(&joined(&viewer.news(now_us)));
        }
        assert_eq!(live.figures().tiles, 3);
        assert_eq!(names(&page), truth(&live, &tiles, now_us));
        held = page.tiles.values().map(|tile| tile.0).max().unwrap();
        drop(viewer);
        now_us += 100 * S;
        number = (number / 20 + 1) * 20;
        live.tick(now_us, now_us, number);
        assert_eq!(live.figures().tiles, 0, "let go after a minute");
        assert_eq!(live.figures().log_bytes, 0);
        // What happens now has no number; the page comes back with its old ones.
        live.apply(&[change("A1", now_us, Some((47.6, 9.0 + f64::from(round) / 1000.0)), true)]);
    }
    assert_eq!(page.snapshots, 15, "each return after that begins with snapshots");
}

#[test]
fn who_is_behind_gets_each_entity_once_and_then_a_snapshot() {
    let live = live();
    let tiles = [(7, 67, 44)];
    for i in 0..200 {
        live.apply(&[change(&format!("S{i}"), S, Some((47.5, 9.0 + f64::from(i) / 1000.0)), true)]);
    }
    let mut page = Page::default();
    let mut viewer = live.viewer().unwrap();
    page.message(&joined(&viewer.hello(S)));
    viewer.subscribe(&page.wish(&tiles), S).unwrap();
    page.message(&joined(&viewer.news(S)));
    let mut now_us = 2 * S;
    let mut run = |steps: u64, who: fn(u64) -> u64| {
        for number in 1..=steps {
            now_us += S / 4;
            live.apply(&[change(&format!("S{}", who(number)), now_us, Some((47.5 + number as f64 / 10_000.0, 9.1)), true)]);
            live.tick(now_us, now_us, number);
        }
        now_us
    };
    let at_us = run(100, |number| number % 3);
    let message = viewer.news(at_us);
    assert!(message.len() < 250, "three entities, not a hundred deltas: {}", message.len());
    page.message(&joined(&message));
    assert_eq!((page.snapshots, page.deltas), (1, 1));
    let at_us = run(200, |number| number % 200);
    let message = viewer.news(at_us);
    page.message(&joined(&message));
    assert_eq!((page.snapshots, page.deltas), (2, 1), "all of them moved: a snapshot is shorter");
    let at_us = run(2000, |number| number % 2);
    page.message(&joined(&viewer.news(at_us)));
    assert_eq!((page.snapshots, page.deltas), (3, 1), "the log does not reach back");
    assert_eq!(names(&page), truth(&live, &tiles, at_us));
    assert!(live.figures().log_bytes < 300_000);
}

#[test]
fn wide_views_move_less_often() {
    let live = live();
    let tiles = [(3, 4, 2), (5, 16, 11), (7, 67, 44), (9, 268, 178)];
    let mut page = Page::default();
    let mut viewer = live.viewer().unwrap();
    viewer.subscribe(&page.wish(&tiles), S).unwrap();
    page.message(&joined(&viewer.news(S)));
    let first: BTreeMap<_, _> = page.tiles.iter().map(|(at, tile)| (*at, tile.0)).collect();
    let mut moves: BTreeMap<u8, usize> = BTreeMap::new();
    let mut before = first;
    for number in 1..=20 {
        let now_us = S + i64::try_from(number).unwrap() * S / 4;
        live.apply(&[change("A1", now_us, Some((47.8, 9.0 - number as f64 / 10_000.0)), true)]);
        live.tick(now_us, now_us, number);
        page.message(&joined(&viewer.news(now_us)));
        for (at, tile) in &page.tiles {
            *moves.entry(at.0).or_default() += usize::from(before.insert(*at, tile.0) != Some(tile.0));
        }
    }
    assert_eq!(moves.into_iter().collect::<Vec<_>>(), [(3, 5), (5, 10), (7, 20), (9, 20)]);
}

#[test]
fn a_station_that_only_says_again_that_it_lives_is_told_every_half_minute() {
    let live = live();
    let tiles = [(7, 67, 44)];
    let mut page = Page::default();
    let mut viewer = live.viewer().unwrap();
    viewer.subscribe(&page.wish(&tiles), S).unwrap();
    for second in 1..=120 {
        live.apply(&[change("A1", second * S, Some((47.5, 9.0)), true)]);
        live.tick(second * S, second * S, 1);
        page.message(&joined(&viewer.news(second * S)));
    }
    assert_eq!(page.snapshots + page.deltas, 4);
}

#[test]
fn a_delta_of_many_is_packed() {
    let live = live();
    let tiles = [(7, 67, 44)];
    let beacon = |second: i64| {
        let all: Vec<_> =
            (0..40).map(|i| change(&format!("DL{i}AB-9"), second * S, Some((47.5, 9.0 + (i + second) as f64 / 300.0)), true)).collect();
        live.apply(&all);
    };
    beacon(1);
    let mut page = Page::default();
    let mut viewer = live.viewer().unwrap();
    viewer.subscribe(&page.wish(&tiles), S).unwrap();
    page.message(&joined(&viewer.news(S)));
    beacon(2);
    live.tick(2 * S, 2 * S, 1);
    let message = viewer.news(2 * S);
    assert!(message.len() < 26 * 40 * 3 / 4, "{}", message.len());
    page.message(&joined(&message));
    assert_eq!((page.snapshots, page.deltas), (1, 1));
    assert_eq!(names(&page), truth(&live, &tiles, 2 * S));
}

#[test]
fn a_snapshot_of_many_is_small() {
    let live = Live::new(Limits { entities: 5000, age_us: 86_400 * S, viewers: 10 }, 1_000 * S);
    let mut random = 1_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) as f64 / f64::from(1_u32 << 31)
    };
    for i in 0..4000 {
        let name = format!(
            "{}{}{}",
            ["DL", "OE", "HB9", "F"][i % 4],
            i % 10,
            ["ABC", "XYZ-9", "QRV-7", "KLM"][i / 10 % 4].to_owned() + &(i / 40).to_string()
        )
        .chars()
        .take(9)
        .collect::<String>();
        let (at_us, place) = ((1_000 - (next() * 900.0) as i64) * S, (45.0 + next() * 10.0, 1.0 + next() * 20.0));
        let mut latest = change(&name, at_us, Some(place), true);
        // One in eight says a range; beacons come every 1 to 30 minutes.
        latest.fix.as_mut().unwrap().range_km = (i % 8 == 0).then(|| (next() * 60.0) as f32);
        live.apply(&[change(&name, at_us - [60, 120, 180, 300, 600, 1200, 1800][(next() * 7.0) as usize] * S, Some(place), true), latest]);
    }
    let mut page = Page::default();
    let mut viewer = live.viewer().unwrap();
    viewer.subscribe(&page.wish(&[(3, 4, 2)]), 1_000 * S).unwrap();
    let bytes = joined(&viewer.news(1_000 * S));
    page.message(&bytes);
    let entities = page.tiles.values().map(|tile| tile.1.len()).sum::<usize>();
    assert!(entities > 1000);
    let each = bytes.len() as f64 / entities as f64;
    println!("{each:.1} bytes an entity");
    assert!(each <= 15.0, "{each:.1} bytes an entity");
}
