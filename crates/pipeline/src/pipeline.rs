//! The steps a line goes through, in order: read, attribute, duplicate, plausible, entity.

use std::sync::Arc;

use godwit_packet::{Heard, Kind, Packet, PositionFormat, parse};

use crate::{DuplicateWindow, EntityChange, EntityKey, EntityKind, Fix, Name, Record, Verdict};

/// What a line came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What the store keeps.
    pub record: Record,
    /// What the latest state follows: the entity the packet is about first. Empty for duplicates and bad lines.
    pub changes: Vec<EntityChange>,
}

/// Decides about one line after the other. Its only state is the duplicate window.
#[derive(Debug, Default)]
pub struct Pipeline {
    duplicates: DuplicateWindow,
}

impl Pipeline {
    /// Takes a line: when it arrived (microseconds since 1970 UTC) and its bytes without the line end.
    pub fn accept(&mut self, received_at_us: i64, line: &[u8]) -> Outcome {
        let raw: Arc<[u8]> = line.into();
        let mut record = Record {
            received_at_us,
            raw: raw.clone(),
            sender: None,
            entity: None,
            kind: Kind::Unknown.as_str(),
            position: None,
            verdict: Verdict::Accepted,
        };
        let packet = match parse(line) {
            Ok(packet) => packet,
            Err(error) => {
                record.sender = error.header.and_then(|header| Name::new(header.source.as_bytes()));
                record.entity = record.sender.map(|name| EntityKey { kind: EntityKind::Station, name });
                record.kind = error.kind.unwrap_or(Kind::Unknown).as_str();
                record.verdict = Verdict::Bad(error.code.as_str());
                return Outcome { record, changes: Vec::new() };
            }
        };
        let subject = packet.innermost();
        record.sender = Name::new(subject.source.as_bytes());
        record.entity = entity_of(subject);
        record.kind = packet.kind.as_str();
        record.position = subject.position.map(|position| (position.latitude, position.longitude));
        let source = packet.source.as_bytes();
        if self.duplicates.check(received_at_us, source, packet.destination.as_bytes(), packet.info) {
            record.verdict = Verdict::Duplicate;
            return Outcome { record, changes: Vec::new() };
        }
        if let Some(reason) = implausible(subject) {
            record.verdict = Verdict::Implausible(reason);
            record.position = None;
        }
        let changes = changes(&record, &packet, subject);
        Outcome { record, changes }
    }

    /// How many keys the duplicate window remembers.
    #[must_use]
    pub fn duplicate_keys(&self) -> usize {
        self.duplicates.len()
    }
}

/// The changes that a stored record stands for, derived again from its raw line: how the store repairs its latest
/// state after a crash and how a better parser improves old data.
#[must_use]
pub fn changes_of(record: &Record) -> Vec<EntityChange> {
    match (record.verdict, parse(&record.raw)) {
        (Verdict::Accepted | Verdict::Implausible(_), Ok(packet)) => changes(record, &packet, packet.innermost()),
        _ => Vec::new(),
    }
}

/// Where the packet says that this entity is; `None` if the line does not parse, is about something else or has no
/// position fit to show.
#[must_use]
pub fn fix_of(raw: &[u8], key: &EntityKey) -> Option<Fix> {
    let packet = parse(raw).ok()?;
    let subject = packet.innermost();
    if implausible(subject).is_some() || entity_of(subject)? != *key {
        return None;
    }
    fix(subject)
}

fn ascii(c: char) -> u8 {
    u8::try_from(c).unwrap_or(0)
}

fn entity_of(packet: &Packet<'_>) -> Option<EntityKey> {
    let (kind, name) = match packet.kind {
        Kind::Object => (EntityKind::Object, packet.name?.bytes()),
        Kind::Item => (EntityKind::Item, packet.name?.bytes()),
        _ => (EntityKind::Station, packet.source.as_bytes()),
    };
    Some(EntityKey { kind, name: Name::new(name)? })
}

/// Why a position must not reach the map.
fn implausible(packet: &Packet<'_>) -> Option<&'static str> {
    let position = packet.position?;
    // A receiver without a fix sends zeros; nobody transmits from this point of the Gulf of Guinea.
    (position.latitude == 0.0 && position.longitude == 0.0).then_some("null_position")
}

fn fix(packet: &Packet<'_>) -> Option<Fix> {
    // A locator is a square kilometres wide: not a place to put a station that may be known exactly.
    let position = packet.position.filter(|position| position.format != PositionFormat::Grid)?;
    let (symbol_table, symbol_code) = packet.symbol.map_or((0, 0), |symbol| (ascii(symbol.table), ascii(symbol.code)));
    Some(Fix {
        latitude: position.latitude,
        longitude: position.longitude,
        symbol_table,
        symbol_code,
        course_deg: packet.course_deg.map(|course| (course.round() as u16).max(1)),
        speed_kmh: packet.speed_kmh.map(|speed| speed as f32),
        ambiguity: position.ambiguity,
        radio: matches!(packet.heard(), Heard::Direct | Heard::Digipeated),
        weather: packet.weather.is_some(),
    })
}

fn changes(record: &Record, packet: &Packet<'_>, subject: &Packet<'_>) -> Vec<EntityChange> {
    let heard = |name: Name| EntityChange {
        key: EntityKey { kind: EntityKind::Station, name },
        owner: None,
        alive: true,
        heard_at_us: record.received_at_us,
        fix: None,
        raw: record.raw.clone(),
    };
    let mut changes = Vec::with_capacity(2);
    if let Some(key) = record.entity {
        let plausible = matches!(record.verdict, Verdict::Accepted);
        let named = key.kind != EntityKind::Station;
        changes.push(EntityChange {
            key,
            owner: if named { record.sender } else { None },
            alive: subject.alive.unwrap_or(true),
            fix: if plausible { fix(subject) } else { None },
            ..heard(key.name)
        });
        // Whoever reports an object transmitted, and so did the gateway of a third-party packet.
        if named {
            changes.extend(record.sender.map(heard));
        }
    }
    if packet.third_party.is_some() {
        changes.extend(Name::new(packet.source.as_bytes()).map(heard));
    }
    changes
}
