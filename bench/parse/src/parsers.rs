//! The parsers, each as one function: does it recognise this packet?

use std::hint::black_box;

/// A parser to measure.
pub(crate) struct Parser {
    /// Name of the crate, or of the floor.
    pub(crate) name: &'static str,
    /// True if the line is a packet of a kind it knows, decoded without error.
    pub(crate) recognises: fn(&[u8]) -> bool,
    /// Reads only one in so many lines in the timed rounds.
    pub(crate) slowness: usize,
}

/// Ours first.
pub(crate) const ALL: &[Parser] = &[
    Parser { name: "godwit-packet", recognises: godwit, slowness: 1 },
    Parser { name: "pdn-aprs", recognises: pdn, slowness: 1 },
    Parser { name: "pdn-aprs with device", recognises: pdn_device, slowness: 4 },
    Parser { name: "aprs-parser", recognises: aprs_parser, slowness: 1 },
    Parser { name: "ogn-parser", recognises: ogn, slowness: 1 },
    #[cfg(feature = "fap")]
    Parser { name: "fap", recognises: fap, slowness: 20 },
    Parser { name: "floor: line split", recognises: split, slowness: 1 },
    Parser { name: "floor: header scan", recognises: header, slowness: 1 },
];

fn godwit(line: &[u8]) -> bool {
    let mut packet = godwit_packet::Packet::default();
    match godwit_packet::parse_into(line, &mut packet) {
        Ok(()) => {
            black_box(packet.device());
            let known = packet.kind != godwit_packet::Kind::Unknown;
            black_box(&packet);
            known
        }
        Err(error) => {
            black_box(&error);
            false
        }
    }
}

/// Without device identification, which ours includes: the harder comparison.
fn pdn(line: &[u8]) -> bool {
    match &pdn_aprs::Packet::decode_tnc2(line, pdn_aprs::ParseOptions::default()) {
        Ok(packet) => {
            let known = !matches!(packet.data, pdn_aprs::Data::Unrecognized(_));
            black_box(packet);
            known
        }
        Err(_) => false,
    }
}

fn pdn_device(line: &[u8]) -> bool {
    match &pdn_aprs::Packet::decode_tnc2(line, pdn_aprs::ParseOptions::default()) {
        Ok(packet) => {
            black_box(packet.device());
            !matches!(packet.data, pdn_aprs::Data::Unrecognized(_))
        }
        Err(_) => false,
    }
}

fn aprs_parser(line: &[u8]) -> bool {
    match &aprs_parser::AprsPacket::decode_textual(line) {
        Ok(packet) => {
            let known = !matches!(packet.data, aprs_parser::AprsData::Unknown(_));
            black_box(packet);
            known
        }
        Err(_) => false,
    }
}

fn ogn(line: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(line) else { return false };
    match &ogn_parser::parse(text) {
        Ok(packet) => {
            let known = !matches!(packet.data, ogn_parser::AprsData::Unknown);
            black_box(packet);
            known
        }
        Err(_) => false,
    }
}

#[cfg(feature = "fap")]
fn fap(line: &[u8]) -> bool {
    fap::Packet::new(line).is_ok()
}

/// What finding the lines alone costs, which all rows do.
fn split(line: &[u8]) -> bool {
    black_box(line);
    true
}

/// What finding the lines and the separators of their headers costs: `:`, `>`, every comma, the q construct.
fn header(line: &[u8]) -> bool {
    let Some(end) = memchr::memchr(b':', line) else { return false };
    let header = &line[..end];
    let Some(source) = memchr::memchr(b'>', header) else { return false };
    let mut q = 0;
    let mut at = source;
    while let Some(next) = memchr::memchr(b',', &header[at..]) {
        at += next + 1;
        if header.get(at) == Some(&b'q') {
            q = at;
        }
    }
    black_box((source, at, q));
    true
}
