//! Third-party packets (chapter 17): a packet inside a packet, carried from another network.

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::{Field, Packet, comment, header, info};

/// How deep packets may be nested.
const DEPTH: u8 = 2;

pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome {
    if d.depth >= DEPTH {
        d.flag(Code::ThirdPartyDepth, body);
        comment::keep(d, body);
        return Ok(());
    }
    let Some(scanned) = header::scan(body).ok().or_else(|| header::scan_aea(body)).or_else(|| header::scan_inner(body).ok()) else {
        d.flag(Code::ThirdPartyInner, body);
        comment::keep(d, body);
        return Ok(());
    };
    if T::ON {
        let base = d.offset(body);
        header::mark(body, scanned.end, |field, start, end| {
            d.trace.mark(field, base + start, base + end);
        });
    }
    let mut packet = Box::<Packet<'a>>::default();
    packet.begin(body, scanned.header, &body[scanned.end..]);
    let mut inner = Decoder { line: d.line, depth: d.depth + 1, packet: &mut packet, trace: &mut *d.trace };
    match info::decode(&mut inner) {
        Ok(()) => d.packet.third_party = Some(packet),
        Err(refused) => {
            let from = refused.offset.min(d.line.len());
            let part = &d.line[from..];
            d.flag(Code::ThirdPartyInner, part);
            d.flag(refused.code, part);
            d.packet.comment.set(body);
            d.mark(Field::Text, &body[scanned.end..]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, parse};

    #[test]
    fn the_inner_packet_is_read_in_full() {
        let packet = parse(b"OE9G-10>APRS,WIDE1-1:}DL1AA>APRS,TCPIP,OE9G-10*::OE9XXX-9 :hello{3").expect("good");
        let inner = packet.innermost();
        assert_eq!((packet.kind, packet.source.as_str()), (Kind::ThirdParty, "OE9G-10"));
        assert_eq!((inner.kind, inner.source.as_str(), inner.heard().as_str()), (Kind::Message, "DL1AA", "internet"));
        assert_eq!(inner.message.expect("a message").text, "hello");
        let foreign = parse(b"OE9G-10>APRS:}node_7 #2>APRS,NET,OE9G-10*:>on air").expect("good");
        assert_eq!((foreign.innermost().source.as_str(), foreign.innermost().kind), ("node_7 #2", Kind::Status));
        let no_source = parse(b"OE9G-10>APRS:}>APRS:>on air").expect("taken");
        assert!(no_source.third_party.is_none());
    }

    #[test]
    fn the_form_of_aea_controllers() {
        let packet = parse(b"OE9G-10>APRS:}DL1AA>DB0X>DB0Y>APRS:>on air").expect("good");
        let inner = packet.innermost();
        assert_eq!((inner.source.as_str(), inner.destination.as_str(), inner.kind), ("DL1AA", "APRS", Kind::Status));
        assert_eq!(inner.path.iter().map(|hop| hop.callsign).collect::<Vec<_>>(), ["DB0X", "DB0Y"]);
        assert!(parse(b"OE9G-10>APRS:}DL1AA>DB0X>:>on").expect("good").third_party.is_none());
        let spans = crate::explain(b"OE9G-10>APRS:}DL1AA>DB0X>DB0Y>APRS:>on air").spans;
        let field = |text: &str| spans.iter().rfind(|part| part.text == text).map(|part| part.span.field);
        assert_eq!([field("DB0X"), field("DB0Y"), field("APRS")], [Some(Field::Hop), Some(Field::Hop), Some(Field::Destination)]);
    }

    #[test]
    fn a_broken_inner_packet_is_kept_as_text() {
        let packet = parse(b"OE9G-10>APRS:}no header here").expect("taken");
        assert!(packet.third_party.is_none() && packet.diagnostics.has(Code::ThirdPartyInner));
        assert_eq!(packet.comment.to_string_lossy(), "no header here");
        let broken = parse(b"OE9G-10>APRS:}DL1AA>APRS:!nonsense").expect("taken");
        assert!(broken.diagnostics.has(Code::PosFormat));
    }

    #[test]
    fn nesting_is_bounded() {
        let line = format!("OE9G>APRS:{}>end", "}A1A>APRS:".repeat(40));
        let packet = parse(line.as_bytes()).expect("taken");
        let inner = packet.innermost();
        assert!(inner.diagnostics.has(Code::ThirdPartyDepth));
    }
}
