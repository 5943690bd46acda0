//! What happened in one block: for each entity that sent a position or was killed, its fixes in order of time.
//! Made from the packets of the block alone. Bounds: [`MOST_ENTITIES`] and [`MOST_EVENTS`]; what comes beyond is left out.

use std::collections::HashMap;

use godwit_pipeline::{EntityKey, EntityKind, Fix, Name, changes_again};

use super::{
    BLOCK_S, grid,
    pack::{Columns, count, deflate, inflate, varint, zigzag},
};
use crate::StoredPacket;

/// Several times the whole network.
const MOST_ENTITIES: usize = 500_000;
const MOST_EVENTS: usize = 4_000_000;

/// Kinds that move nothing on the map, so that they need no reading: a third of all packets. (A locator, which a status
/// or a grid beacon may have, moves nothing: it is a square kilometres wide.)
const PLACELESS: [&str; 11] = [
    "message",
    "bulletin",
    "announcement",
    "ack",
    "reject",
    "telemetry",
    "telemetry_definition",
    "status",
    "query",
    "capabilities",
    "grid",
];

/// A course that says: killed.
pub(super) const KILLED: u8 = 254;

/// How an entity looks and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Look {
    pub(super) symbol_table: u8,
    pub(super) symbol_code: u8,
    /// As in a batch of the live stream.
    pub(super) flags: u8,
}

/// A fix, or the kill that `course` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event {
    /// Seconds after the start of the block.
    pub(super) at_s: u16,
    /// Steps of the grid.
    pub(super) x: u32,
    pub(super) y: u32,
    /// 2° steps; 255 unknown; [`KILLED`].
    pub(super) course: u8,
    /// km/h; 254 that or more; 255 unknown.
    pub(super) speed: u8,
}

/// One entity's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entity {
    pub(super) key: EntityKey,
    /// Of its last fix.
    pub(super) look: Look,
    /// Of its last fix, which may have been at the place of the last event: seconds after the start of the block.
    pub(super) last_s: u16,
    /// Which events are its.
    first: u32,
    events: u32,
}

/// What happened in one block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Facts {
    /// Ascending by key.
    pub(super) entities: Vec<Entity>,
    all: Vec<Event>,
    /// Seconds of the block that had passed.
    pub(super) covered_s: u16,
}

impl Facts {
    pub(super) fn events(&self, entity: &Entity) -> &[Event] {
        let first = entity.first as usize;
        self.all.get(first..first + entity.events as usize).unwrap_or_default()
    }

    /// The facts in bytes, a fifth of what they take in memory.
    pub(super) fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entities.len() * 24);
        varint(&mut out, u32::from(self.covered_s));
        count(&mut out, self.entities.len());
        out.extend(self.entities.iter().map(|entity| u8::try_from(entity.key.name.as_bytes().len()).unwrap_or(0)));
        out.extend(self.entities.iter().flat_map(|entity| entity.key.name.as_bytes()));
        out.extend(self.entities.iter().map(|entity| entity.look.symbol_table));
        out.extend(self.entities.iter().map(|entity| entity.look.symbol_code));
        out.extend(self.entities.iter().map(|entity| entity.look.flags));
        for entity in &self.entities {
            varint(&mut out, u32::from(entity.last_s));
            varint(&mut out, entity.events);
        }
        let events = || self.entities.iter().map(|entity| self.events(entity));
        out.extend(events().flatten().map(|event| event.course));
        out.extend(events().flatten().map(|event| event.speed));
        for one in events() {
            let (mut at_s, mut x, mut y) = (0, 0, 0);
            for event in one {
                varint(&mut out, u32::from(event.at_s) - at_s);
                zigzag(&mut out, event.x as i32 - x);
                zigzag(&mut out, event.y as i32 - y);
                (at_s, x, y) = (u32::from(event.at_s), event.x as i32, event.y as i32);
            }
        }
        deflate(&out, 3)
    }

    /// The facts in these bytes; `None` if they are damaged.
    pub(super) fn unpack(packed: &[u8]) -> Option<Self> {
        let content = inflate(packed)?;
        let mut columns = Columns(&content);
        let covered_s = u16::try_from(columns.varint()?).ok()?;
        let entities = columns.varint()? as usize;
        let lengths = columns.bytes(entities)?;
        let names: Vec<Name> = lengths.iter().map(|length| Name::new(columns.bytes(usize::from(*length))?)).collect::<Option<_>>()?;
        let (tables, codes, flags) = (columns.bytes(entities)?, columns.bytes(entities)?, columns.bytes(entities)?);
        let numbers = columns.varints(2 * entities)?;
        let mut facts = Self { entities: Vec::with_capacity(entities), all: Vec::new(), covered_s };
        let mut first = 0_u32;
        for (at, name) in names.into_iter().enumerate() {
            let kind = EntityKind::from_number(flags[at] & 3)?;
            let look = Look { symbol_table: tables[at], symbol_code: codes[at], flags: flags[at] };
            let (last_s, events) = (u16::try_from(numbers[2 * at]).ok()?, numbers[2 * at + 1]);
            facts.entities.push(Entity { key: EntityKey { kind, name }, look, last_s, first, events });
            first = first.checked_add(events)?;
        }
        let (courses, speeds) = (columns.bytes(first as usize)?, columns.bytes(first as usize)?);
        let mut next = 0;
        for entity in &facts.entities {
            let (mut at_s, mut x, mut y) = (0_u32, 0_i32, 0_i32);
            for _ in 0..entity.events {
                at_s = at_s.checked_add(columns.varint()?)?;
                x = x.checked_add(columns.zigzag()?)?;
                y = y.checked_add(columns.zigzag()?)?;
                let at_s = u16::try_from(at_s).ok()?;
                facts.all.push(Event { at_s, x: x as u32, y: y as u32, course: courses[next], speed: speeds[next] });
                next += 1;
            }
        }
        Some(facts)
    }
}

/// Gathers the packets of a block, in any portions, oldest first.
#[derive(Debug)]
pub(super) struct Gather {
    start_us: i64,
    index: HashMap<EntityKey, usize>,
    entities: Vec<(EntityKey, Look, u16, Vec<Event>)>,
    events: usize,
}

impl Gather {
    pub(super) fn new(block: i64) -> Self {
        Self { start_us: block * BLOCK_S * 1_000_000, index: HashMap::new(), entities: Vec::new(), events: 0 }
    }

    pub(super) fn take(&mut self, packet: &StoredPacket) {
        let Ok(at_s) = u16::try_from((packet.received_at_us - self.start_us).div_euclid(1_000_000)) else {
            return;
        };
        if i64::from(at_s) >= BLOCK_S || self.events >= MOST_EVENTS || packet.verdict != "accepted" || PLACELESS.contains(&packet.kind) {
            return;
        }
        for change in changes_again(packet.received_at_us, &packet.raw, true) {
            if !change.alive {
                self.note(change.key, None, Event { at_s, x: 0, y: 0, course: KILLED, speed: 255 });
            } else if let Some(fix) = change.fix {
                self.note(change.key, Some(look(change.key.kind, &fix)), event(at_s, &fix));
            }
        }
    }

    fn note(&mut self, key: EntityKey, look: Option<Look>, event: Event) {
        let at = match self.index.get(&key) {
            Some(at) => *at,
            None if self.entities.len() >= MOST_ENTITIES => return,
            None => {
                let unseen = Look { flags: key.kind as u8, ..Look::default() };
                self.index.insert(key, self.entities.len());
                self.entities.push((key, unseen, event.at_s, Vec::new()));
                self.entities.len() - 1
            }
        };
        let Some((_, known, last_s, events)) = self.entities.get_mut(at) else {
            return;
        };
        *known = look.unwrap_or(*known);
        *last_s = event.at_s;
        match events.last_mut() {
            // At rest: its last time says enough.
            Some(last) if (last.x, last.y) == (event.x, event.y) && (last.course == KILLED) == (event.course == KILLED) => {}
            Some(last) if last.at_s == event.at_s && last.course != KILLED && event.course != KILLED => *last = event,
            _ => {
                events.push(event);
                self.events += 1;
            }
        }
    }

    /// What happened in the first `covered_s` seconds.
    pub(super) fn finish(mut self, covered_s: u16) -> Facts {
        self.entities.sort_unstable_by_key(|(key, ..)| *key);
        let mut facts = Facts { entities: Vec::with_capacity(self.entities.len()), all: Vec::with_capacity(self.events), covered_s };
        for (key, look, last_s, events) in self.entities {
            let first = u32::try_from(facts.all.len()).unwrap_or(u32::MAX);
            facts.entities.push(Entity { key, look, last_s, first, events: u32::try_from(events.len()).unwrap_or(0) });
            facts.all.extend(events);
        }
        facts
    }
}

fn look(kind: EntityKind, fix: &Fix) -> Look {
    Look { symbol_table: fix.symbol_table, symbol_code: fix.symbol_code, flags: fix.flags(kind) }
}

fn event(at_s: u16, fix: &Fix) -> Event {
    let (x, y) = grid(fix.latitude, fix.longitude);
    let course = fix.course_deg.map_or(255, |course| u8::try_from(course.min(360) / 2).unwrap_or(255));
    let speed = fix.speed_kmh.map_or(255, |speed| speed.round().clamp(0.0, 254.0) as u8);
    Event { at_s, x, y, course, speed }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A packet as the store gives it; the block is 0.
    pub(crate) fn packet(at_s: f64, raw: &str) -> StoredPacket {
        let at_us = (at_s * 1e6) as i64;
        StoredPacket {
            id: at_us,
            received_at_us: at_us,
            sender: None,
            kind: "position",
            verdict: "accepted",
            reason: None,
            raw: raw.as_bytes().into(),
        }
    }

    pub(crate) fn gathered(block: i64, packets: &[StoredPacket]) -> Facts {
        let mut gather = Gather::new(block);
        packets.iter().for_each(|packet| gather.take(packet));
        gather.finish(600)
    }

    #[test]
    fn kinds_that_are_not_read_exist_and_move_nothing() {
        assert!(PLACELESS.iter().all(|kind| crate::model::KINDS.contains(kind)));
        for raw in ["A1B>APRS,TCPIP*,qAC,T2:[IO91SX]35 miles", "A1B>APRS,TCPIP*,qAC,T2:>IO91SX/G hello"] {
            let packet = packet(1.0, raw);
            let moved = changes_again(packet.received_at_us, &packet.raw, true).into_iter().any(|change| change.fix.is_some());
            assert!(!moved, "{raw}");
        }
    }

    #[test]
    fn rest_is_one_event_and_the_last_time_counts() {
        let mut packets: Vec<StoredPacket> =
            [1.0, 100.0, 500.5].iter().map(|at| packet(*at, "A1B>APRS,qAR,G1:!4722.85N/00832.46E#")).collect();
        packets.push(packet(501.0, "A1B>APRS,qAR,G1:!4722.95N/00832.46E#"));
        packets.push(packet(501.5, "A1B>APRS,qAR,G1:!4723.95N/00832.46E#"));
        packets.push(packet(600.0, "A1B>APRS,qAR,G1:!4722.85N/00832.46E#"));
        let mut copy = packet(300.0, "C1D>APRS,qAR,G1:!4722.85N/00832.46E#");
        copy.verdict = "implausible";
        packets.push(copy);
        let facts = gathered(0, &packets);
        assert_eq!(facts.entities.len(), 1);
        let events = facts.events(&facts.entities[0]);
        assert_eq!(events.iter().map(|event| event.at_s).collect::<Vec<_>>(), [1, 501], "the last fix of a second counts");
        assert_eq!(facts.entities[0].last_s, 501);
        assert_eq!(facts.entities[0].look, Look { symbol_table: b'/', symbol_code: b'#', flags: 4 | 128 });
    }

    #[test]
    fn packed_facts_come_back_and_damaged_ones_do_not_panic() {
        let mut packets: Vec<StoredPacket> = (0..300)
            .map(|i| packet(f64::from(i), &format!("T{}>APRS,qAR,G1:!4722.{:02}N/00832.46E>{:03}/036", i % 40, i % 100, i % 360 + 1)))
            .collect();
        packets.push(packet(400.0, "T1>APRS,TCPIP*,qAC,X:;CAMP \u{e9}  _231015z4722.85N/00832.46E;"));
        let facts = gathered(0, &packets);
        assert_eq!(facts.entities.len(), 41);
        let packed = facts.pack();
        assert_eq!(Facts::unpack(&packed), Some(facts));
        for end in 0..packed.len() {
            let _ = Facts::unpack(&packed[..end]);
        }
        let content = inflate(&packed).expect("own bytes");
        for at in 0..content.len() {
            let mut bad = content.clone();
            bad[at] ^= 0x55;
            let _ = Facts::unpack(&deflate(&bad, 1));
        }
    }
}
