//! What the store reads out of a record's raw line before it is kept: how it moves, what weather it reports, who heard
//! it on radio.

use godwit_packet::{Heard, Packet, parse};
use godwit_pipeline::{EntityKey, EntityKind, Name, Record, Verdict};

use crate::points::{Motion, WeatherPoint};

/// The facts of one record. Nothing of a bad one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// A point of the entity's track. Not of copies: they say nothing new.
    pub(crate) motion: Option<Motion>,
    /// Its weather, packed. Not of copies.
    pub(crate) weather: Option<Vec<u8>>,
    /// Who was heard on radio, and by whom, directly.
    pub(crate) heard: Option<(Name, Name)>,
    /// The frame of a packet-radio node that no digipeater repeated: nodes hand such frames on over the internet.
    pub(crate) is_node_frame: bool,
}

impl Facts {
    pub(crate) fn of(record: &Record) -> Self {
        let Ok(packet) = (if matches!(record.verdict, Verdict::Bad(_)) { return Self::default() } else { parse(&record.raw) }) else {
            return Self::default();
        };
        let copy = record.verdict == Verdict::Duplicate;
        Self {
            motion: Motion::of(&packet).filter(|_| !copy),
            weather: packet.innermost().weather.as_ref().filter(|_| !copy).map(WeatherPoint::pack),
            heard: heard(&packet),
            is_node_frame: is_node_frame(&packet),
        }
    }
}

/// The station of this name.
pub(crate) fn station(name: Name) -> EntityKey {
    EntityKey { kind: EntityKind::Station, name }
}

/// Who heard whom without anything in between: the first digipeater heard the sender, or without one the igate did. A
/// digipeater that left only an alias has no name and is left out, and so is a station that heard itself.
fn heard(packet: &Packet<'_>) -> Option<(Name, Name)> {
    let by = match packet.heard() {
        Heard::Direct => packet.path.igate()?,
        Heard::Digipeated => packet.path.digipeaters().next()??,
        _ => return None,
    };
    let (heard, by) = (Name::new(packet.source.as_bytes())?, Name::new(by.as_bytes())?);
    (heard != by).then_some((heard, by))
}

/// Destinations of frames by which nodes, digipeaters and mailboxes say who they are.
const NODE_DESTINATIONS: [&str; 6] = ["BEACON", "CQ", "ID", "MAIL", "NODES", "QST"];

fn is_node_frame(packet: &Packet<'_>) -> bool {
    let destination = packet.destination.as_str();
    let base = destination.split('-').next().unwrap_or(destination);
    NODE_DESTINATIONS.contains(&base) && packet.path.digipeaters().next().is_none()
}

#[cfg(test)]
mod tests {
    use godwit_pipeline::Pipeline;

    use super::*;

    fn link(line: &str) -> Option<String> {
        let record = Pipeline::default().accept(1, line.as_bytes()).record;
        Facts::of(&record).heard.map(|(heard, by)| format!("{heard} by {by}"))
    }

    #[test]
    fn the_first_in_the_path_heard_the_sender() {
        assert_eq!(link("A1B>APRS,WIDE1-1,qAR,GATE:>x").as_deref(), Some("A1B by GATE"), "the igate, itself");
        assert_eq!(link("A1B>APRS,DIGI*,WIDE1*,OTHER,qAR,GATE:>x").as_deref(), Some("A1B by DIGI"));
        assert_eq!(link("A1B>APRS,DIGI,OTHER*,qAR,GATE:>x").as_deref(), Some("A1B by DIGI"));
        assert_eq!(link("A1B>APRS,WIDE1*,qAR,GATE:>x"), None, "one that gave no name");
        assert_eq!(link("A1B>APRS,TCPIP*,qAC,T2:>x"), None, "not on radio");
        assert_eq!(link("A1B>APRS:>x"), None);
        assert_eq!(link("A1B>APRS,qAR,A1B:>x"), None, "itself");
        assert_eq!(link("OE9G-10>APRS,qAR,OE9X:}DL1AA>APRS,TCPIP,OE9G-10*:!4722.85N/00832.46E-").as_deref(), Some("OE9G-10 by OE9X"));
        assert_eq!(link("nonsense"), None);
        assert_eq!(link("A1B>APDPRS,DSTAR*,qAR,GATE:>x"), None, "out of a voice network");
        assert_eq!(link("A1B>APRS,qAS,WXSRV:>x"), None, "by a server, for all that is known");
        assert_eq!(link("A1B>APRS,DIGI*,qAS,WXSRV:>x").as_deref(), Some("A1B by DIGI"));
    }

    #[test]
    fn node_frames_are_known_by_their_destination() {
        let is_node_frame = |line: &str| Facts::of(&Pipeline::default().accept(1, line.as_bytes()).record).is_node_frame;
        for destination in ["BEACON", "CQ", "ID", "MAIL", "NODES", "QST", "ID-1"] {
            assert!(is_node_frame(&format!("A1B>{destination},WIDE2-1,qAR,GATE:A1B/R")), "{destination}");
        }
        assert!(!is_node_frame("A1B>ID,DIGI*,qAR,GATE:A1B/R"), "repeated by radio");
        assert!(!is_node_frame("A1B>APRS,qAR,GATE:>x"));
    }
}
