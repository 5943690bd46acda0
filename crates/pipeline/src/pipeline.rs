//! The steps a line goes through, in order: read, attribute, duplicate, plausible (the place, then the way there), entity.

use std::sync::Arc;

use godwit_packet::{DiagnosticCode, Heard, Kind, Packet, PositionFormat, parse};

use crate::{
    DuplicateWindow, EntityChange, EntityKey, EntityKind, Fix, Name, Record, Verdict,
    whereabouts::{Sighting, Whereabouts},
};

/// What a line came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What the store keeps.
    pub record: Record,
    /// What the latest state follows: the entity the packet is about first. Empty for bad lines; without a position for
    /// duplicates.
    pub changes: Vec<EntityChange>,
}

/// Reason of [`Verdict::Implausible`]: the station cannot have come there from where it was in the time between.
pub const TOO_FAST: &str = "too_fast";

/// A reason of a verdict as a sentence: [`TOO_FAST`], or a code of the parser.
#[must_use]
pub fn sentence(reason: &str) -> Option<&'static str> {
    if reason == TOO_FAST {
        return Some("The station cannot have come here from where it was in the time between.");
    }
    DiagnosticCode::ALL.iter().find(|code| code.as_str() == reason).map(|code| code.message())
}

/// Decides about one line after the other. Its only state is the duplicate window and where stations were.
#[derive(Debug, Default)]
pub struct Pipeline {
    duplicates: DuplicateWindow,
    whereabouts: Whereabouts,
}

impl Pipeline {
    /// Takes a line: when it arrived (microseconds since 1970 UTC) and its bytes without the line end.
    pub fn accept(&mut self, received_at_us: i64, line: &[u8]) -> Outcome {
        self.decide(received_at_us, line, true)
    }

    /// Takes a line of which nobody knows when it arrived, and that counts as received now: how far its station came in
    /// the time says nothing.
    pub fn accept_untimed(&mut self, now_us: i64, line: &[u8]) -> Outcome {
        self.decide(now_us, line, false)
    }

    fn decide(&mut self, received_at_us: i64, line: &[u8], timed: bool) -> Outcome {
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
            // A copy says that the station was heard, and nothing new.
            record.verdict = Verdict::Duplicate;
        } else if let Some(reason) = implausible(subject) {
            record.verdict = Verdict::Implausible(reason);
            record.position = None;
        } else if timed
            && let Some(sighting) = sighting(subject)
            && let Some(EntityKey { kind: EntityKind::Station, name }) = record.entity
            && !self.whereabouts.believes(received_at_us, name, &sighting)
        {
            record.verdict = Verdict::Implausible(TOO_FAST);
            record.position = None;
        }
        let changes = changes(&record, &packet, subject);
        Outcome { record, changes }
    }
}

/// The changes that a stored record stands for, derived again from its raw line: how the store repairs its latest
/// state after a crash and how a better parser improves old data.
#[must_use]
pub fn changes_of(record: &Record) -> Vec<EntityChange> {
    match (record.verdict, parse(&record.raw)) {
        (Verdict::Accepted | Verdict::Duplicate | Verdict::Implausible(_), Ok(packet)) => changes(record, &packet, packet.innermost()),
        _ => Vec::new(),
    }
}

/// The changes of a line that a pipeline decided about elsewhere: another replica needs its time, its bytes and whether
/// its position counts (it was [`Verdict::Accepted`]), and comes to the same changes. Empty for bad lines.
#[must_use]
pub fn changes_again(received_at_us: i64, raw: &Arc<[u8]>, fix_counts: bool) -> Vec<EntityChange> {
    let Ok(packet) = parse(raw) else {
        return Vec::new();
    };
    let subject = packet.innermost();
    let record = Record {
        received_at_us,
        raw: raw.clone(),
        sender: Name::new(subject.source.as_bytes()),
        entity: entity_of(subject),
        kind: packet.kind.as_str(),
        position: None,
        // Whatever was not accepted moves nothing.
        verdict: if fix_counts { Verdict::Accepted } else { Verdict::Duplicate },
    };
    changes(&record, &packet, subject)
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
    (position.latitude == 0.0 && position.longitude == 0.0).then_some(DiagnosticCode::PosNull.as_str())
}

/// What can be held against where the station was: a place known to a street, not to a county.
fn sighting(packet: &Packet<'_>) -> Option<Sighting> {
    let position = packet.position.filter(|position| position.format != PositionFormat::Grid && position.ambiguity == 0)?;
    Some(Sighting {
        latitude: position.latitude,
        longitude: position.longitude,
        altitude_m: packet.altitude_m,
        speed_kmh: packet.speed_kmh,
        symbol: packet.symbol.map(|symbol| (symbol.table, symbol.code)),
    })
}

fn fix(packet: &Packet<'_>) -> Option<Fix> {
    // A locator is a square kilometres wide: not a place to put a station that may be known exactly.
    let position = packet.position.filter(|position| position.format != PositionFormat::Grid)?;
    let (symbol_table, symbol_code) = packet.symbol.map_or((0, 0), |symbol| (ascii(symbol.table), ascii(symbol.code)));
    let heard = packet.heard();
    Some(Fix {
        latitude: position.latitude,
        longitude: position.longitude,
        symbol_table,
        symbol_code,
        course_deg: packet.course_deg.map(|course| (course.round() as u16).max(1)),
        speed_kmh: packet.speed_kmh.map(|speed| speed as f32),
        ambiguity: position.ambiguity,
        radio: matches!(heard, Heard::Direct | Heard::Digipeated),
        direct: heard == Heard::Direct,
        weather: packet.weather.is_some(),
        range_km: packet.range_km.or_else(|| packet.phg.map(|phg| phg.range_km())).map(|range| range as f32),
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

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn names(outcome: &Outcome) -> Vec<String> {
        outcome
            .changes
            .iter()
            .map(|change| format!("{} {}{}", change.key.kind.as_str(), change.key.name, if change.fix.is_some() { " placed" } else { "" }))
            .collect()
    }

    #[test]
    fn a_clock_that_jumps_leaves_no_duplicates_and_no_doubts_behind() {
        const YEAR: i64 = 400 * 86_400 * S;
        let mut pipeline = Pipeline::default();
        let here = b"DL1ABC-9>APRS,qAR,I:!4722.85N/00832.46E>here";
        // Two hours' drive away: believed under a clock that was ahead in between.
        let there = b"DL1ABC-9>APRS,qAR,I:!4822.85N/01032.46E>there";
        let start = 800 * 86_400 * S;
        for (at_us, line, verdict) in [
            (start, &here[..], Verdict::Accepted),
            (start + YEAR, there, Verdict::Accepted),
            (start + YEAR + S, there, Verdict::Duplicate),
            (start + 60 * S, here, Verdict::Accepted),
            (start + 61 * S, here, Verdict::Duplicate),
            (start - YEAR, there, Verdict::Accepted),
            (start + 120 * S, here, Verdict::Accepted),
            (start + 180 * S, there, Verdict::Implausible(TOO_FAST)),
        ] {
            assert_eq!(pipeline.accept(at_us, line).record.verdict, verdict, "{} s", (at_us - start) / S);
        }
    }

    #[test]
    fn a_position_is_about_its_station() {
        let outcome = Pipeline::default().accept(S, b"DL1ABC-9>APRS,DB0XYZ*,qAR,DB0IG:!4722.85N/00832.46E>147/064hi");
        assert_eq!(names(&outcome), ["station DL1ABC-9 placed"]);
        let fix = outcome.changes[0].fix.expect("fix");
        assert_eq!((fix.course_deg, fix.symbol_code, fix.radio, fix.direct), (Some(147), b'>', true, false));
        assert_eq!((outcome.record.kind, outcome.record.verdict), ("position", Verdict::Accepted));
        assert_eq!(fix_of(b"DL1ABC-9>APRS,DB0XYZ*,qAR,DB0IG:!4722.85N/00832.46E>147/064hi", &outcome.changes[0].key), Some(fix));
    }

    #[test]
    fn heard_directly_is_what_no_digipeater_repeated() {
        let flags = |path: &str| {
            let line = format!("DB0XYZ>APRS,{path}:!4722.85N/00832.46E#");
            Pipeline::default().accept(S, line.as_bytes()).changes[0].fix.expect("fix").flags(EntityKind::Object)
        };
        assert_eq!(flags("WIDE1-1,WIDE2-1,qAR,DB0IG"), 1 | 4 | 128);
        assert_eq!(flags("DB0A*,WIDE2-1,qAR,DB0IG"), 1 | 4);
        assert_eq!(flags("WIDE1*,qAR,DB0IG"), 1 | 4, "one that gave no name");
        assert_eq!(flags("TCPIP*,qAC,T2"), 1);
        assert_eq!(flags("WIDE1-1"), 1, "the path does not say");
    }

    #[test]
    fn the_range_is_the_stated_one_or_the_one_of_the_formula() {
        let range = |info: &str| {
            let line = format!("DB0XYZ>APRS,TCPIP*,qAC,T2:!4722.85N/00832.46E#{info}");
            Pipeline::default().accept(S, line.as_bytes()).changes[0].fix.expect("fix").range_km
        };
        // 25 W, 20 feet, 3 dB: 7.9 miles by the example of chapter 7.
        let phg = range("PHG5132 Wide").expect("range");
        assert!((phg - 12.8).abs() < 0.2, "{phg}");
        assert!((range("RNG0050").expect("range") - 80.5).abs() < 0.1);
        assert_eq!(range("hello"), None);
    }

    #[test]
    fn an_object_is_placed_and_whoever_reports_it_is_heard() {
        let mut pipeline = Pipeline::default();
        let live = pipeline.accept(S, b"DL1ABC>APRS,TCPIP*,qAC,T2:;CAMP 7   *231015z4722.85N/00832.46E;");
        assert_eq!(names(&live), ["object CAMP 7 placed", "station DL1ABC"]);
        assert_eq!((live.changes[0].alive, live.changes[0].owner), (true, Name::new(b"DL1ABC")));
        let killed = pipeline.accept(2 * S, b"DL1ABC>APRS,TCPIP*,qAC,T2:;CAMP 7   _231015z4722.85N/00832.46E;");
        assert!(!killed.changes[0].alive);
    }

    #[test]
    fn a_third_party_packet_is_about_its_inner_sender() {
        let outcome = Pipeline::default().accept(S, b"OE9G-10>APRS,qAR,OE9X:}DL1AA>APRS,TCPIP,OE9G-10*:!4722.85N/00832.46E-");
        assert_eq!(names(&outcome), ["station DL1AA placed", "station OE9G-10"]);
        assert_eq!(outcome.record.sender, Name::new(b"DL1AA"));
    }

    #[test]
    fn copies_say_heard_null_positions_say_nothing_of_a_place_bad_lines_nothing_at_all() {
        let mut pipeline = Pipeline::default();
        pipeline.accept(S, b"A1B>APRS,qAR,X:!4722.85N/00832.46E-");
        let copy = pipeline.accept(2 * S, b"A1B>APRS,OTHER*,qAR,Y:!4722.85N/00832.46E-");
        assert_eq!((copy.record.verdict, names(&copy)), (Verdict::Duplicate, vec!["station A1B".to_owned()]));
        let null = pipeline.accept(3 * S, b"A1B>APRS,qAR,X:!0000.00N/00000.00E-");
        assert_eq!(names(&null), ["station A1B"]);
        let bad = pipeline.accept(4 * S, b"A1B>APRS,qAR,X:!4722.8");
        assert!(matches!(bad.record.verdict, Verdict::Bad(_)) && bad.changes.is_empty());
        assert_eq!(bad.record.sender, Name::new(b"A1B"));
        assert_eq!(changes_of(&copy.record), copy.changes);
    }

    #[test]
    fn a_leap_moves_nothing_and_says_heard() {
        let mut pipeline = Pipeline::default();
        let mut told = |at_s: i64, info: &str| {
            let outcome = pipeline.accept(at_s * S, format!("A1B-9>APRS,qAR,X:{info}").as_bytes());
            (outcome.record.verdict, outcome.record.position.is_some(), outcome.changes[0].fix.is_some())
        };
        let (believed, doubted) = ((Verdict::Accepted, true, true), (Verdict::Implausible(TOO_FAST), false, false));
        assert_eq!(told(0, "!4722.85N/00832.46E>"), believed);
        assert_eq!(told(60, "!5222.85N/00832.46E>"), doubted);
        assert_eq!(told(120, "!4723.85N/00832.46E>"), believed);
        assert_eq!(told(130, "!52  .  N/008  .  E>"), believed, "known to a degree: nothing to hold against it");
        // An object is where its owner puts it.
        assert_eq!(told(140, ";CAMP 7   *231015z4722.85N/00832.46E;"), believed);
        assert_eq!(told(150, ";CAMP 7   *231016z5222.85N/00832.46E;"), believed);
        assert_eq!(pipeline.accept_untimed(160 * S, b"A1B-9>APRS,qAR,X:!5222.85N/00832.46E>").record.verdict, Verdict::Accepted);
    }

    #[test]
    fn every_reason_has_a_sentence() {
        assert!(sentence(TOO_FAST).is_some() && sentence("pos_null").is_some() && sentence("x").is_none());
    }

    #[test]
    fn another_replica_comes_to_the_same_changes() {
        let mut pipeline = Pipeline::default();
        let lines: [&[u8]; 7] = [
            b"DL1ABC-9>APRS,DB0XYZ*,qAR,DB0IG:!4722.85N/00832.46E>147/064hi",
            b"DL1ABC-9>APRS,qAR,DB0IG:!4722.85N/00832.46E>147/064hi",
            b"DL1ABC>APRS,TCPIP*,qAC,T2:;CAMP 7   *231015z4722.85N/00832.46E;",
            b"DL1ABC>APRS,TCPIP*,qAC,T2:;CAMP 7   _231015z4722.85N/00832.46E;",
            b"OE9G-10>APRS,qAR,OE9X:}DL1AA>APRS,TCPIP,OE9G-10*:!4722.85N/00832.46E-",
            b"A1B>APRS,qAR,X:!0000.00N/00000.00E-",
            b"A1B>APRS,qAR,X:!4722.8",
        ];
        for (at_us, line) in (S..).zip(lines) {
            let Outcome { record, changes } = pipeline.accept(at_us, line);
            let again = changes_again(at_us, &record.raw, record.verdict == Verdict::Accepted);
            assert_eq!(again, changes, "{}", line.escape_ascii());
        }
    }
}
