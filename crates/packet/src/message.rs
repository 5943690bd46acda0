//! Messages, bulletins, acknowledgements (chapter 14; reply-acks: 1.1 addendum) and telemetry definitions.

use crate::{Kind, Packet, ParseError, Text};

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// To whom, without padding.
    pub addressee: Text<'a>,
    /// The text; empty for an acknowledgement.
    pub text: Text<'a>,
    /// Its number, or the number that is acknowledged or rejected.
    pub id: Option<Text<'a>>,
    /// The number of an earlier message that this one acknowledges on the side. Empty: none, but the sender can.
    pub reply_ack: Option<Text<'a>>,
}

/// `:` addressee of nine, `:` text `{` id.
pub(crate) fn report<'a>(packet: &mut Packet<'a>, body: &'a [u8]) -> Result<(), ParseError<'a>> {
    packet.kind = Kind::Message;
    let colon = if body.get(9) == Some(&b':') {
        Some(9)
    } else {
        memchr::memchr(b':', &body[..body.len().min(9)]).filter(|at| *at > 0)
    };
    let Some(colon) = colon else {
        return Err(packet.bad("message_form", &body[body.len().min(9)..]));
    };
    if colon < 9 {
        packet.odd("message_short_addressee", &body[..colon]);
    }
    let addressee = body[..colon].trim_ascii_end();
    let text = &body[colon + 1..];
    packet.kind = kind(addressee, text);
    let mut message = Message {
        addressee: Text(addressee),
        text: Text(text),
        id: None,
        reply_ack: None,
    };
    match packet.kind {
        Kind::Ack | Kind::Reject => {
            let id = text[3..].trim_ascii_end();
            message.text = Text(&[]);
            (message.id, message.reply_ack) = split_id(id);
        }
        Kind::Message | Kind::Bulletin | Kind::Announcement => {
            if let Some(brace) = memchr::memrchr(b'{', text)
                .filter(|brace| is_id(text[brace + 1..].trim_ascii_end()))
            {
                message.text = Text(&text[..brace]);
                (message.id, message.reply_ack) = split_id(text[brace + 1..].trim_ascii_end());
            }
            if message.text.0.len() > 67 {
                packet.odd("message_long", &text[67..]);
            }
        }
        _ => {}
    }
    packet.message = Some(message);
    Ok(())
}

fn kind(addressee: &[u8], text: &[u8]) -> Kind {
    let acknowledges = |word: &[u8]| {
        text.strip_prefix(word)
            .is_some_and(|id| is_id(id.trim_ascii_end()))
    };
    if [&b"PARM."[..], b"UNIT.", b"EQNS.", b"BITS."]
        .iter()
        .any(|word| text.starts_with(word))
    {
        return Kind::TelemetryDefinition;
    }
    match addressee
        .strip_prefix(b"BLN")
        .and_then(|rest| rest.split_first())
    {
        Some((b'A'..=b'Z', b"")) => return Kind::Announcement,
        Some(_) => return Kind::Bulletin,
        None => {}
    }
    if [&b"NWS-"[..], b"NWS_", b"SKY", b"CWA", b"BOM"]
        .iter()
        .any(|word| addressee.starts_with(word))
    {
        return Kind::Bulletin;
    }
    if acknowledges(b"ack") {
        Kind::Ack
    } else if acknowledges(b"rej") {
        Kind::Reject
    } else if text.starts_with(b"?") {
        Kind::Query
    } else {
        Kind::Message
    }
}

/// One to five letters or digits, or the reply-ack form `MM}` and `MM}AA`.
fn is_id(id: &[u8]) -> bool {
    let plain =
        |part: &[u8]| (1..=5).contains(&part.len()) && part.iter().all(u8::is_ascii_alphanumeric);
    match memchr::memchr(b'}', id) {
        Some(brace) => plain(&id[..brace]) && (brace + 1 == id.len() || plain(&id[brace + 1..])),
        None => plain(id),
    }
}

fn split_id(id: &[u8]) -> (Option<Text<'_>>, Option<Text<'_>>) {
    match memchr::memchr(b'}', id) {
        Some(brace) => (Some(Text(&id[..brace])), Some(Text(&id[brace + 1..]))),
        None => (Some(Text(id)), None),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Kind, parse};

    #[test]
    fn kinds_ids_and_reply_acks() {
        for (info, kind, text, id, reply_ack) in [
            (
                ":OE9XXX-9 :Dinner at {six}?{12}AB",
                Kind::Message,
                "Dinner at {six}?",
                Some("12"),
                Some("AB"),
            ),
            (
                ":OE9XXX-9 :hello{3",
                Kind::Message,
                "hello",
                Some("3"),
                None,
            ),
            (
                ":OE9XXX-9 :hello {world",
                Kind::Message,
                "hello ",
                Some("world"),
                None,
            ),
            (
                ":OE9XXX-9 :hello {wide world",
                Kind::Message,
                "hello {wide world",
                None,
                None,
            ),
            (":OE9XXX-9 :ack5", Kind::Ack, "", Some("5"), None),
            (":OE9XXX-9 :ackMM}AA", Kind::Ack, "", Some("MM"), Some("AA")),
            (":OE9XXX-9 :rej7", Kind::Reject, "", Some("7"), None),
            (
                ":OE9XXX-9 :acknowledged!",
                Kind::Message,
                "acknowledged!",
                None,
                None,
            ),
            (
                ":BLN3CLUB :Net moved",
                Kind::Bulletin,
                "Net moved",
                None,
                None,
            ),
            (
                ":BLNQ     :Announcement",
                Kind::Announcement,
                "Announcement",
                None,
                None,
            ),
            (":OE9XXX-9 :?APRSP", Kind::Query, "?APRSP", None, None),
            (
                ":OE9XXX-9 :PARM.Volt,Temp",
                Kind::TelemetryDefinition,
                "PARM.Volt,Temp",
                None,
                None,
            ),
        ] {
            let line = format!("A1B>APRS:{info}");
            let packet = parse(line.as_bytes()).expect(info);
            let message = packet.message.expect("message");
            assert_eq!(packet.kind, kind, "{info}");
            assert_eq!(message.text.to_text(), text, "{info}");
            assert_eq!(message.id.map(|id| id.to_string()).as_deref(), id, "{info}");
            assert_eq!(
                message.reply_ack.map(|id| id.to_string()).as_deref(),
                reply_ack,
                "{info}"
            );
        }
        assert_eq!(
            parse(b"A1B>APRS:no colon").expect("text").kind,
            Kind::Unknown
        );
        assert_eq!(
            parse(b"A1B>APRS::OE9XXX no colon")
                .expect_err("form")
                .code(),
            "message_form"
        );
    }
}
