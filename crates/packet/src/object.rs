//! Objects and items (chapter 11).

use crate::{Kind, Packet, ParseError, position, time};

/// `;` name of nine, `*` or `_`, time, position.
pub(crate) fn object<'a>(packet: &mut Packet<'a>, body: &'a [u8]) -> Result<(), ParseError<'a>> {
    packet.kind = Kind::Object;
    // Nine characters by the standard; some send fewer and do not pad.
    let flag = if matches!(body.get(9), Some(b'*' | b'_')) {
        9
    } else {
        let short = (1..body.len().min(9))
            .find(|at| matches!(body[*at], b'*' | b'_') && time::take(&body[at + 1..]).is_some());
        let Some(short) = short else {
            return Err(packet.bad("object_form", &body[body.len().min(9)..]));
        };
        packet.odd("object_name", &body[..short]);
        short
    };
    named(packet, &body[..flag], body[flag] == b'*');
    let rest = &body[flag + 1..];
    let rest = match time::take(rest) {
        Some((timestamp, after)) => {
            packet.timestamp = timestamp;
            if timestamp.is_none() {
                packet.odd("time_bad", &rest[..7]);
            }
            after
        }
        None => {
            packet.odd("time_missing", &rest[..0]);
            rest
        }
    };
    position::located(packet, rest)
}

/// `)` name of three to nine, `!` or `_`, position.
pub(crate) fn item<'a>(packet: &mut Packet<'a>, body: &'a [u8]) -> Result<(), ParseError<'a>> {
    packet.kind = Kind::Item;
    let end = body
        .iter()
        .take(10)
        .position(|byte| matches!(byte, b'!' | b'_'));
    let Some(end @ 3..=9) = end else {
        return Err(packet.bad("item_name", body));
    };
    named(packet, &body[..end], body[end] == b'!');
    position::located(packet, &body[end + 1..])
}

fn named<'a>(packet: &mut Packet<'a>, name: &'a [u8], alive: bool) {
    packet.name = Some(name.trim_ascii_end());
    packet.alive = Some(alive);
}

#[cfg(test)]
mod tests {
    use crate::{Kind, parse};

    #[test]
    fn objects_and_items_live_and_killed() {
        for (info, name, alive, kind) in [
            (
                ";CAMP 7   *231015z4722.85N/00832.46E;Open till 18h",
                "CAMP 7",
                true,
                Kind::Object,
            ),
            (
                ";CAMP 7   _231015z4722.85N/00832.46E;",
                "CAMP 7",
                false,
                Kind::Object,
            ),
            (")GATE!4722.85N/00832.46Ej", "GATE", true, Kind::Item),
            (")GATE_4722.85N/00832.46Ej", "GATE", false, Kind::Item),
            (";AB*231015z4722.85N/00832.46E;", "AB", true, Kind::Object),
            (
                ";NOTIME   *4722.85N/00832.46E;",
                "NOTIME",
                true,
                Kind::Object,
            ),
        ] {
            let line = format!("A1B>APRS:{info}");
            let packet = parse(line.as_bytes()).expect(info);
            assert_eq!(
                (packet.name, packet.alive, packet.kind),
                (Some(name.as_bytes()), Some(alive), kind)
            );
            assert!((packet.position.expect("position").latitude - 47.380_833).abs() < 1e-5);
        }
    }

    #[test]
    fn without_a_mark_there_is_no_object() {
        assert_eq!(
            parse(b"A1B>APRS:;CAMP 7   231015z4722.85N/00832.46E;")
                .expect_err("form")
                .code(),
            "object_form"
        );
        assert_eq!(
            parse(b"A1B>APRS:)AB!4722.85N/00832.46Ej")
                .expect_err("name")
                .code(),
            "item_name"
        );
        assert_eq!(
            parse(b"A1B>APRS:;").expect_err("nothing").code(),
            "object_form"
        );
    }
}
