//! The bytes of docs/protocol.md, "Time blocks".

use std::iter::Peekable;

use godwit_pipeline::EntityKey;

use super::{
    BLOCK_S, Facts, GONE_S, GRID_BITS, HOUR_BLOCKS, QUIET_S, State,
    facts::{Entity, KILLED, Look},
    pack::{count, deflate, varint, zigzag},
    state::Placed,
};

const VERSION: u8 = 1;

/// Cells along each side of the density.
const DENSITY_BITS: u32 = 6;

/// Bits of a position within a tile.
const TILE_BITS: u32 = 14;

const GONE: u8 = 254;
const QUIET: u8 = 253;

/// A tile of the live stream's levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    pub(super) level: u8,
    pub(super) x: u16,
    pub(super) y: u16,
}

impl Tile {
    /// A tile that exists; `None` for others.
    pub(super) fn new(level: u8, x: u16, y: u16) -> Option<Self> {
        let exists = matches!(level, 0 | 3 | 5 | 7 | 9) && u32::from(x) < 1 << level && u32::from(y) < 1 << level;
        exists.then_some(Self { level, x, y })
    }

    /// Seconds of which the last fix is kept, in a block and in an hour.
    fn slot_s(self, hour: bool) -> i64 {
        match (self.level, hour) {
            (3, false) => 60,
            (5, false) => 30,
            (7, false) => 10,
            (_, false) => 1,
            (3 | 5, true) => 600,
            (_, true) => 60,
        }
    }

    /// Steps of the grid to steps of the tile, from its corner.
    fn place(self, x: u32, y: u32) -> (i32, i32) {
        let shift = GRID_BITS - TILE_BITS - u32::from(self.level);
        let part = |step: u32, tile: u16| (step >> shift) as i32 - (i32::from(tile) << TILE_BITS);
        (part(x, self.x), part(y, self.y))
    }
}

fn within((x, y): (i32, i32)) -> bool {
    (0..1 << TILE_BITS).contains(&x) && (0..1 << TILE_BITS).contains(&y)
}

/// What happens to an entity, as a page is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    what: u8,
    at_s: i64,
    place: (i32, i32),
    speed: u8,
}

/// An entity on its way through a span of time.
struct Walk {
    slot_s: i64,
    hour: bool,
    /// Where the page has it, if it has it.
    shown: Option<(i32, i32)>,
    last_s: i64,
    quiet: bool,
    inside: bool,
    look: Look,
    told: Vec<Told>,
}

impl Walk {
    /// It grows quiet and goes, if no fix comes until this second.
    fn wait(&mut self, until_s: i64) {
        if self.shown.is_none() {
            return;
        }
        if !self.quiet && self.last_s + QUIET_S <= until_s {
            self.quiet = true;
            self.told.push(Told { what: QUIET, at_s: self.last_s + QUIET_S, place: (0, 0), speed: 255 });
        }
        if self.last_s + GONE_S <= until_s {
            self.leave(self.last_s + GONE_S);
        }
    }

    fn leave(&mut self, at_s: i64) {
        if self.shown.take().is_some() {
            self.told.push(Told { what: GONE, at_s, place: (0, 0), speed: 255 });
        }
    }

    fn fix(&mut self, at_s: i64, place: (i32, i32), course: u8, speed: u8) {
        self.wait(at_s);
        self.last_s = at_s;
        self.inside |= within(place);
        if self.shown == Some(place) && !self.quiet {
            return;
        }
        let rests = self.shown == Some(place);
        self.shown = Some(place);
        self.quiet = false;
        // Who was quiet for a part of an hour and is where it was need not be told of.
        if self.hour && rests && self.told.last().is_some_and(|last| last.what == QUIET) {
            self.told.pop();
            return;
        }
        // In an hour a page reckons course and speed from the way.
        let (what, speed) = if self.hour { (255, 255) } else { (course, speed) };
        let told = Told { what, at_s, place, speed };
        match self.told.last_mut() {
            Some(last) if last.what != GONE && last.what != QUIET && last.at_s / self.slot_s == at_s / self.slot_s => *last = told,
            _ => self.told.push(told),
        }
    }

    /// What the facts of a block, which begins at this second of the span, say of it.
    fn follow(&mut self, begins_s: i64, facts: &Facts, entity: &Entity, tile: Tile) {
        let mut rests = None;
        for event in facts.events(entity) {
            let at_s = begins_s + i64::from(event.at_s);
            if event.course == KILLED {
                self.wait(at_s);
                self.leave(at_s);
                rests = None;
            } else {
                let place = tile.place(event.x, event.y);
                self.fix(at_s, place, event.course, event.speed);
                rests = Some((place, event.course, event.speed));
            }
        }
        if let Some((place, course, speed)) = rests {
            self.fix(begins_s + i64::from(entity.last_s), place, course, speed);
            self.look = entity.look;
        }
    }
}

/// The answer for a tile: with a key frame or without, over one block or the six of an hour. Facts are those of the
/// blocks from the state's on; fewer than the span has when it is not over.
pub(super) fn encode(state: &State, facts: &[&Facts], tile: Tile, key: bool, hour: bool) -> Vec<u8> {
    let span_s = if hour { HOUR_BLOCKS * BLOCK_S } else { BLOCK_S };
    let covered_s: i64 = facts.iter().map(|facts| i64::from(facts.covered_s)).sum();
    let mut content = Vec::new();
    if tile.level == 0 {
        density(&mut content, state);
    } else {
        content.push(u8::from(key));
        if key {
            key_frame(&mut content, state, tile);
        }
        moves(&mut content, state, facts, tile, covered_s, hour);
    }
    let mut out = vec![VERSION, tile.level];
    out.extend_from_slice(&tile.x.to_le_bytes());
    out.extend_from_slice(&tile.y.to_le_bytes());
    out.extend_from_slice(&u32::try_from(state.block).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&u16::try_from(span_s).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&u16::try_from(covered_s).unwrap_or(0).to_le_bytes());
    // A few hundred bytes do not get smaller by packing.
    if content.len() > 200 {
        out.push(1);
        out.extend_from_slice(&deflate(&content, 6));
    } else {
        out.push(0);
        out.extend_from_slice(&content);
    }
    out
}

fn density(out: &mut Vec<u8>, state: &State) {
    let mut cells = vec![0_u32; 1 << (2 * DENSITY_BITS)];
    for one in &state.placed {
        let cell = (one.y >> (GRID_BITS - DENSITY_BITS)) << DENSITY_BITS | one.x >> (GRID_BITS - DENSITY_BITS);
        if let Some(cell) = cells.get_mut(cell as usize) {
            *cell += 1;
        }
    }
    out.extend_from_slice(&(1_u16 << DENSITY_BITS).to_le_bytes());
    count(out, cells.iter().filter(|entities| **entities > 0).count());
    let mut before = 0;
    for (cell, entities) in (0_u32..).zip(cells).filter(|(_, entities)| *entities > 0) {
        varint(out, cell - before);
        varint(out, entities);
        before = cell;
    }
}

fn who<'e>(out: &mut Vec<u8>, entities: &[(&'e EntityKey, Look)]) {
    count(out, entities.len());
    out.extend(entities.iter().map(|(key, _)| u8::try_from(key.name.as_bytes().len()).unwrap_or(0)));
    out.extend(entities.iter().flat_map(|(key, _): &(&'e EntityKey, Look)| key.name.as_bytes()));
    out.extend(entities.iter().map(|(_, look)| look.symbol_table));
    out.extend(entities.iter().map(|(_, look)| look.symbol_code));
    out.extend(entities.iter().map(|(_, look)| look.flags));
}

fn key_frame(out: &mut Vec<u8>, state: &State, tile: Tile) {
    let here: Vec<(&Placed, (i32, i32))> =
        state.placed.iter().map(|one| (one, tile.place(one.x, one.y))).filter(|(_, place)| within(*place)).collect();
    let entities: Vec<_> = here.iter().map(|(one, _)| (&one.key, one.look)).collect();
    who(out, &entities);
    out.extend(here.iter().map(|(one, _)| one.course));
    out.extend(here.iter().map(|(one, _)| one.speed));
    let column = |number: i32| u16::try_from(number).unwrap_or(0).to_le_bytes();
    out.extend(here.iter().flat_map(|(_, (x, _))| column(*x)));
    out.extend(here.iter().flat_map(|(_, (_, y))| column(*y)));
    let start_s = state.block * BLOCK_S;
    out.extend(here.iter().map(|(one, _)| u8::try_from((start_s - one.last_s) / 60).unwrap_or(u8::MAX)));
}

fn moves(out: &mut Vec<u8>, state: &State, facts: &[&Facts], tile: Tile, covered_s: i64, hour: bool) {
    let mut before = state.placed.iter().peekable();
    let mut news: Vec<Peekable<std::slice::Iter<'_, Entity>>> = facts.iter().map(|facts| facts.entities.iter().peekable()).collect();
    let start_s = state.block * BLOCK_S;
    let mut found: Vec<(&EntityKey, Walk)> = Vec::new();
    loop {
        let first = news.iter_mut().filter_map(|one| one.peek().map(|entity| &entity.key));
        let Some(key) = first.chain(before.peek().map(|one| &one.key)).min() else {
            break;
        };
        let mut walk = Walk {
            slot_s: tile.slot_s(hour),
            hour,
            shown: None,
            last_s: 0,
            quiet: false,
            inside: false,
            look: Look { flags: key.kind as u8, ..Look::default() },
            told: Vec::new(),
        };
        if let Some(one) = before.next_if(|one| one.key == *key) {
            let place = tile.place(one.x, one.y);
            walk.shown = Some(place);
            walk.last_s = one.last_s - start_s;
            walk.quiet = walk.last_s + QUIET_S <= 0;
            walk.inside = within(place);
            walk.look = one.look;
        }
        let mut begins_s = 0;
        for (one, facts) in news.iter_mut().zip(facts) {
            if let Some(entity) = one.next_if(|entity| entity.key == *key) {
                walk.follow(begins_s, facts, entity, tile);
            }
            begins_s += BLOCK_S;
        }
        walk.wait(covered_s);
        if walk.inside && !walk.told.is_empty() {
            found.push((key, walk));
        }
    }
    let entities: Vec<_> = found.iter().map(|(key, walk)| (*key, walk.look)).collect();
    who(out, &entities);
    found.iter().for_each(|(_, walk)| count(out, walk.told.len()));
    let told = || found.iter().map(|(_, walk)| &walk.told[..]);
    let fixes = || told().map(|told| told.iter().filter(|one| one.what != GONE && one.what != QUIET));
    out.extend(told().flatten().map(|one| one.what));
    for one in told() {
        differences(out, one.iter().map(|one| one.at_s as i32), |out, step| varint(out, step as u32));
    }
    fixes().for_each(|one| differences(out, one.map(|one| one.place.0), zigzag));
    fixes().for_each(|one| differences(out, one.map(|one| one.place.1), zigzag));
    out.extend(fixes().flatten().map(|one| one.speed));
}

fn differences(out: &mut Vec<u8>, numbers: impl Iterator<Item = i32>, write: impl Fn(&mut Vec<u8>, i32)) {
    let mut before = 0;
    for number in numbers {
        write(out, number - before);
        before = number;
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::PathBuf};

    use godwit_pipeline::{EntityKind, Name};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{
        super::{
            facts::tests::{gathered, packet},
            grid,
            pack::{Columns, inflate},
        },
        *,
    };
    use crate::StoredPacket;

    /// What a page has of an entity: its place, and whether it is quiet.
    type Seen = ((i32, i32), bool);

    #[derive(Debug, Default)]
    struct Page(BTreeMap<(u8, Vec<u8>), Seen>);

    impl Page {
        fn inside(&self) -> Vec<((u8, Vec<u8>), Seen)> {
            self.0.iter().filter(|(_, (place, _))| within(*place)).map(|(key, seen)| (key.clone(), *seen)).collect()
        }

        fn follow(&mut self, answer: &Value) {
            for one in answer["key"].as_array().into_iter().flatten() {
                self.0.insert(key_of(one), ((number(one, "x"), number(one, "y")), number(one, "age_min") >= 40));
            }
            for one in answer["moves"].as_array().into_iter().flatten() {
                for event in one["events"].as_array().into_iter().flatten() {
                    match event["what"].as_str() {
                        Some("gone") => drop(self.0.remove(&key_of(one))),
                        Some("quiet") => {
                            if let Some(seen) = self.0.get_mut(&key_of(one)) {
                                seen.1 = true;
                            }
                        }
                        _ => drop(self.0.insert(key_of(one), ((number(event, "x"), number(event, "y")), false))),
                    }
                }
            }
            // Whoever ended outside is no longer told of.
            self.0.retain(|_, (place, _)| within(*place));
        }
    }

    fn key_of(one: &Value) -> (u8, Vec<u8>) {
        let name: Vec<u8> = one["name"].as_array().into_iter().flatten().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
        (u8::try_from(number(one, "flags") & 3).expect("kind"), name)
    }

    fn number(one: &Value, field: &str) -> i32 {
        i32::try_from(one[field].as_i64().expect(field)).expect(field)
    }

    /// Reads an answer into what it says.
    fn decode(bytes: &[u8]) -> Option<Value> {
        let (head, body) = bytes.split_at_checked(15)?;
        let u16_at = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let block = u32::from_le_bytes([head[6], head[7], head[8], head[9]]);
        let content = if head[14] == 1 { inflate(body)? } else { body.to_vec() };
        let mut columns = Columns(&content);
        let mut answer = json!({
            "version": head[0], "level": head[1], "x": u16_at(2), "y": u16_at(4), "block": block, "span_s": u16_at(10), "covered_s": u16_at(12),
        });
        if head[1] == 0 {
            let grid = columns.bytes(2)?;
            answer["grid"] = u16::from_le_bytes([grid[0], grid[1]]).into();
            let mut cell = 0;
            let cells: Vec<Value> = (0..columns.varint()?)
                .map(|_| {
                    cell += columns.varint()?;
                    Some(json!({ "cell": cell, "entities": columns.varint()? }))
                })
                .collect::<Option<_>>()?;
            answer["cells"] = cells.into();
        } else {
            if columns.bytes(1)? == [1] {
                answer["key"] = key(&mut columns)?.into();
            }
            answer["moves"] = moved(&mut columns)?.into();
        }
        columns.0.is_empty().then_some(answer)
    }

    fn who(columns: &mut Columns<'_>) -> Option<Vec<Value>> {
        let count = columns.varint()? as usize;
        let lengths = columns.bytes(count)?;
        let names: Vec<&[u8]> = lengths.iter().map(|length| columns.bytes(usize::from(*length))).collect::<Option<_>>()?;
        let (tables, codes, flags) = (columns.bytes(count)?, columns.bytes(count)?, columns.bytes(count)?);
        let one = |at: usize| json!({ "name": names[at], "symbol_table": tables[at], "symbol_code": codes[at], "flags": flags[at] });
        Some((0..count).map(one).collect())
    }

    fn key(columns: &mut Columns<'_>) -> Option<Vec<Value>> {
        let mut entities = who(columns)?;
        let count = entities.len();
        let (courses, speeds) = (columns.bytes(count)?, columns.bytes(count)?);
        let (xs, ys, ages) = (columns.bytes(2 * count)?, columns.bytes(2 * count)?, columns.bytes(count)?);
        let u16_at = |bytes: &[u8], at: usize| u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]);
        for (at, one) in entities.iter_mut().enumerate() {
            one["course"] = courses[at].into();
            one["speed"] = speeds[at].into();
            (one["x"], one["y"]) = (u16_at(xs, at).into(), u16_at(ys, at).into());
            one["age_min"] = ages[at].into();
        }
        Some(entities)
    }

    fn moved(columns: &mut Columns<'_>) -> Option<Vec<Value>> {
        let mut entities = who(columns)?;
        let counts: Vec<usize> = entities.iter().map(|_| columns.varint().map(|count| count as usize)).collect::<Option<_>>()?;
        let whats = columns.bytes(counts.iter().sum())?;
        let mut at = 0;
        for (one, count) in entities.iter_mut().zip(&counts) {
            let mut at_s = 0;
            let events: Vec<Value> = whats[at..at + count]
                .iter()
                .map(|what| {
                    at_s += columns.varint()?;
                    Some(match *what {
                        GONE => json!({ "what": "gone", "at_s": at_s }),
                        QUIET => json!({ "what": "quiet", "at_s": at_s }),
                        course => json!({ "what": "fix", "at_s": at_s, "course": course }),
                    })
                })
                .collect::<Option<_>>()?;
            at += count;
            one["events"] = events.into();
        }
        for field in ["x", "y"] {
            for one in &mut entities {
                let mut place = 0;
                for event in one["events"].as_array_mut()?.iter_mut().filter(|event| event["what"] == "fix") {
                    place += columns.zigzag()?;
                    event[field] = place.into();
                }
            }
        }
        for one in &mut entities {
            for event in one["events"].as_array_mut()?.iter_mut().filter(|event| event["what"] == "fix") {
                event["speed"] = columns.bytes(1)?[0].into();
            }
        }
        Some(entities)
    }

    fn aprs(latitude: f64, longitude: f64) -> String {
        let part = |degrees: f64, digits: usize| format!("{:0digits$}{:05.2}", degrees as u32, (degrees % 1.0 * 60.0).min(59.99));
        format!("{}N/{}E", part(latitude, 2), part(longitude, 3))
    }

    fn tile_at(level: u8, latitude: f64, longitude: f64) -> Tile {
        let (x, y) = grid(latitude, longitude);
        let part = |step: u32| u16::try_from(step >> (GRID_BITS - u32::from(level))).expect("tile");
        Tile::new(level, part(x), part(y)).expect("tile")
    }

    #[derive(Debug, Clone)]
    struct Heard {
        at_s: u32,
        who: u8,
        latitude: f64,
        longitude: f64,
        killed: bool,
    }

    fn heard() -> impl Strategy<Value = Heard> {
        // Around a corner where tiles of all levels meet.
        let near = |middle: f64| prop_oneof![Just(middle), middle - 0.4..middle + 0.4, middle - 0.01..middle + 0.01];
        (0_u32..30 * 600, 0_u8..12, near(40.979_9), near(45.0), prop::bool::weighted(0.15))
            .prop_map(|(at_s, who, latitude, longitude, killed)| Heard { at_s, who, latitude, longitude, killed })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        /// A page that begins with a key frame and goes on with moves comes to what a later key frame says.
        #[test]
        fn moves_lead_from_key_frame_to_key_frame(mut all in prop::collection::vec(heard(), 1..400), level in prop::sample::select(vec![3_u8, 5, 7, 9]), hour in any::<bool>()) {
            all.sort_by_key(|one| one.at_s);
            let packets: Vec<StoredPacket> = all.iter().map(|one| {
                let place = aprs(one.latitude, one.longitude);
                // Four are objects, which may be killed.
                let line = if one.who < 4 {
                    format!("N0CALL>APRS,TCPIP*,qAC,X:;OBJ{}     {}231015z{place};", one.who, if one.killed { '_' } else { '*' })
                } else {
                    format!("T{}>APRS,qAR,G1:!{place}>", one.who)
                };
                packet(f64::from(one.at_s) + 0.5, &line)
            }).collect();
            let facts: Vec<Facts> = (0..30).map(|block| gathered(block, &packets)).collect();
            let states: Vec<State> = facts.iter().scan(State::empty(0), |state, facts| {
                let now = state.clone();
                *state = state.after(facts);
                Some(now)
            }).collect();
            let tile = tile_at(level, 40.979_9, 45.0);
            let ask = |block: usize, key: bool, hour: bool| {
                let span: Vec<&Facts> = facts[block..if hour { block + 6 } else { block + 1 }].iter().collect();
                decode(&encode(&states[block], &span, tile, key, hour)).expect("readable")
            };
            let step = if hour { 6 } else { 1 };
            let mut page = Page::default();
            page.follow(&json!({ "key": ask(0, true, false)["key"] }));
            for block in (0..24).step_by(step) {
                page.follow(&ask(block, false, hour));
                let mut later = Page::default();
                later.follow(&json!({ "key": ask(block + step, true, false)["key"] }));
                prop_assert_eq!(page.inside(), later.inside(), "block {}", block);
            }
        }
    }

    fn vectors() -> Vec<(&'static str, Vec<u8>)> {
        let packets: Vec<StoredPacket> = [
            (0.0, "OLD1>APRS,qAR,G1:!4810.00N/01130.00E-"),
            (4500.0, "QUIET>APRS,qAR,G1:!4811.00N/01130.00E#"),
            (7190.0, "N0CALL-9>APRS,DB0XYZ*,qAR,G1:!4808.23N/01134.54E>072/039"),
            (7195.0, "WX1>APRS,TCPIP*,qAC,T2X:!4808.  NW01134.  E_.../...g...t050"),
            (7196.0, "N0CALL>APRS,TCPIP*,qAC,X:;CAMP \u{e9}  *231015z4808.00N/01135.00E;"),
            (7205.0, "N0CALL-9>APRS,DB0XYZ*,qAR,G1:!4808.33N/01134.74E>072/039"),
            (7260.0, "N0CALL-9>APRS,DB0XYZ*,qAR,G1:!4808.43N/01134.94E>074/300"),
            (7300.0, "WX1>APRS,TCPIP*,qAC,T2X:!4808.  NW01134.  E_.../...g...t051"),
            (7400.0, "N0CALL>APRS,TCPIP*,qAC,X:;CAMP \u{e9}  _231015z4808.00N/01135.00E;"),
            (7500.0, "NEW1>APRS,qAR,G1:)ITEM!4809.00N/01136.00E-"),
            (9000.0, "N0CALL-9>APRS,DB0XYZ*,qAR,G1:!4818.43N/01144.94E>"),
        ]
        .map(|(at, line)| packet(at, line))
        .into();
        let facts: Vec<Facts> = (0..18).map(|block| gathered(block, &packets)).collect();
        let state = facts[..12].iter().fold(State::empty(0), |state, facts| state.after(facts));
        let span: Vec<&Facts> = facts[12..18].iter().collect();
        let (fine, coarse) = (tile_at(9, 48.13, 11.57), tile_at(3, 48.13, 11.57));
        vec![
            ("whole", encode(&state, &span[..1], fine, true, false)),
            ("moves", encode(&state, &span[..1], fine, false, false)),
            ("hour", encode(&state, &span, coarse, false, true)),
            ("density", encode(&state, &span[..1], Tile::new(0, 0, 0).expect("tile"), true, false)),
        ]
    }

    /// The bytes that other clients may rely on; `bless` renews them.
    #[test]
    fn vectors_bless() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/history");
        for (name, bytes) in vectors() {
            let says = decode(&bytes).expect("readable");
            let text = serde_json::to_string_pretty(&says).expect("json") + "\n";
            if std::env::var_os("BLESS").is_some() {
                std::fs::create_dir_all(&folder).expect("folder");
                std::fs::write(folder.join(format!("{name}.bin")), &bytes).expect("written");
                std::fs::write(folder.join(format!("{name}.json")), &text).expect("written");
            }
            let known = std::fs::read(folder.join(format!("{name}.bin"))).expect("testdata/history; make bless writes it");
            // The bytes of DEFLATE may differ from one version of a library to the next; what they say must not.
            assert_eq!(decode(&known).as_ref(), Some(&says), "{name}: the form changed; see docs/protocol.md, then make bless");
            assert_eq!(std::fs::read_to_string(folder.join(format!("{name}.json"))).expect("json"), text, "{name}");
        }
    }

    #[test]
    fn the_vectors_say_what_happened() {
        let says: BTreeMap<&str, Value> = vectors().into_iter().map(|(name, bytes)| (name, decode(&bytes).expect(name))).collect();
        let names = |list: &Value| -> Vec<String> {
            let text = |one: &Value| Name::new(&key_of(one).1).expect("name").to_string();
            list.as_array().into_iter().flatten().map(text).collect()
        };
        // OLD1 is two hours old at the start.
        assert_eq!(names(&says["whole"]["key"]), ["N0CALL-9", "QUIET", "WX1", "CAMP é"]);
        assert_eq!(says["whole"]["key"][1]["age_min"], 45);
        // QUIET was told of before, WX1 stands where it stood: neither moves.
        assert_eq!(names(&says["moves"]["moves"]), ["N0CALL-9", "CAMP é", "ITEM"]);
        assert_eq!(says["moves"]["moves"], says["whole"]["moves"]);
        assert_eq!(says["moves"]["moves"][1]["events"], json!([{ "what": "gone", "at_s": 200 }]));
        assert_eq!(says["moves"]["moves"][2]["flags"], json!(EntityKind::Item as u8 | 4 | 128));
        // In the hour of a coarse tile only the last fix of ten minutes is left.
        let car = &says["hour"]["moves"][0]["events"];
        assert_eq!(car.as_array().map(Vec::len), Some(2), "{car}");
        assert_eq!((&car[0]["at_s"], &car[1]["at_s"], &car[0]["course"]), (&60.into(), &1800.into(), &255.into()));
        let total: i64 =
            says["density"]["cells"].as_array().into_iter().flatten().map(|cell| cell["entities"].as_i64().expect("count")).sum();
        assert_eq!(total, 4);
    }

    #[test]
    fn tiles_that_do_not_exist() {
        assert!(
            Tile::new(4, 0, 0).is_none()
                && Tile::new(3, 8, 0).is_none()
                && Tile::new(0, 0, 1).is_none()
                && Tile::new(9, 511, 511).is_some()
        );
    }
}
