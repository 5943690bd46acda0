//! Status (chapter 16): text, perhaps with a time, or with a locator and symbol.

use crate::{Kind, Packet, Symbol, Text, position, time};

/// `>`: status.
pub(crate) fn report<'a>(packet: &mut Packet<'a>, body: &'a [u8]) {
    packet.kind = Kind::Status;
    let mut text = body;
    if let Some((timestamp @ Some(_), rest)) = time::take(text) {
        packet.timestamp = timestamp;
        text = rest;
    } else {
        for length in [6, 4] {
            let Some(head) = text.get(..length + 2) else {
                continue;
            };
            let after = text.get(length + 2);
            let (table, code) = (head[length], head[length + 1]);
            let symbol = matches!(table, b'/' | b'\\' | b'0'..=b'9' | b'A'..=b'Z')
                && (b'!'..=b'~').contains(&code);
            if symbol
                && after.is_none_or(|byte| *byte == b' ')
                && let Some(square) = position::locator(&head[..length])
            {
                packet.position = Some(square);
                packet.symbol = Some(Symbol { table, code });
                text = text.get(length + 3..).unwrap_or_default();
                break;
            }
        }
    }
    packet.status = Some(Text(text));
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn with_time_locator_or_neither() {
        let status = |line: &'static str| parse(line.as_bytes()).expect(line);
        assert_eq!(
            status("A1B>APRS:>Net Control Centre")
                .status
                .expect("status")
                .to_text(),
            "Net Control Centre"
        );
        let timed = status("A1B>APRS:>092345zNet Control");
        assert!(
            timed.timestamp.is_some() && timed.status.expect("status").to_text() == "Net Control"
        );
        let grid = status("A1B>APRS:>JN47GL/- QRV");
        let position = grid.position.expect("position");
        assert!(
            (position.latitude - 47.479_167).abs() < 1e-5
                && (position.longitude - 8.541_667).abs() < 1e-5
        );
        assert!(status("A1B>APRS:>hello/world").position.is_none());
    }
}
