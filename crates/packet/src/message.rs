//! Messages (chapter 14, reply-acks of 1.1): to stations and groups, bulletins, announcements, acknowledgements.

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::{Field, Kind, Text};

/// Longest text the specification allows.
const TEXT_ALLOWED: usize = 67;
const ADDRESSEE: usize = 9;

/// A message of any sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Who it is for, padding removed.
    pub addressee: Text<'a>,
    /// The text without message number; empty for an acknowledgement or rejection.
    pub text: Text<'a>,
    /// Number of the message (bulletins carry a check of their text there, which asks for no answer); for [`Kind::Ack`] and [`Kind::Reject`] the number answered.
    pub id: Option<Text<'a>>,
    /// Number acknowledged along the way; empty when the sender only shows that it can (addendum 1.1).
    pub reply_ack: Option<Text<'a>>,
}

/// Which bulletin or announcement a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bulletin<'a> {
    /// Line number or announcement letter.
    pub line: char,
    /// Group, empty if for all.
    pub group: Text<'a>,
}

/// What a weather-service bulletin says in front of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NwsBulletin<'a> {
    /// When it expires, as sent (`DDHHMMz`).
    pub expires: Text<'a>,
    /// What it warns of (`TORNADO`, `WINTER_STORM` ...).
    pub event: Text<'a>,
    /// Zones and the rest, in order.
    pub zones: Vec<Text<'a>>,
}

impl<'a> Message<'a> {
    /// Line and group, if the addressee is that of a bulletin or announcement.
    #[must_use]
    pub fn bulletin(&self) -> Option<Bulletin<'a>> {
        let [line, group @ ..] = self.addressee.bytes().strip_prefix(b"BLN")? else {
            return None;
        };
        Some(Bulletin { line: char::from(*line), group: Text(group) })
    }

    /// Expiry, event and zones of a weather-service bulletin.
    #[must_use]
    pub fn nws(&self) -> Option<NwsBulletin<'a>> {
        if !is_nws(self.addressee.bytes()) {
            return None;
        }
        let mut parts = self.text.bytes().split(|&byte| byte == b',').map(Text);
        let expires = parts.next().filter(|time| time.bytes().len() == 7 && time.bytes().ends_with(b"z"))?;
        Some(NwsBulletin { expires, event: parts.next()?, zones: parts.collect() })
    }
}

fn is_nws(addressee: &[u8]) -> bool {
    [b"NWS-".as_slice(), b"NWS_", b"SKY", b"CWA", b"BOM"]
        .iter()
        .any(|prefix| addressee.len() > prefix.len() && addressee.starts_with(prefix))
}

fn is_id(bytes: &[u8]) -> bool {
    matches!(bytes.len(), 1..=5) && bytes.iter().all(u8::is_ascii_alphanumeric)
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\r' | b'\n'] = bytes {
        bytes = rest;
    }
    bytes
}

pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome {
    let (field, text) = addressee(d, body)?;
    let addressee = trim_end(field);
    d.mark(Field::Addressee, field);
    let mut message = Message { addressee: Text(addressee), text: Text(text), id: None, reply_ack: None };
    d.packet.kind = by_addressee(addressee);
    if d.packet.kind == Kind::Message {
        if answer(d, text, &mut message) {
            d.packet.message = Some(message);
            return Ok(());
        }
        if crate::telemetry::is_definition(text) {
            d.packet.kind = Kind::TelemetryDefinition;
            number(d, text, &mut message);
            if T::ON {
                crate::telemetry::mark_definition(d, message.text.bytes());
            }
            if addressee != d.packet.source.as_bytes() {
                d.flag(Code::TelemForeign, field);
            }
            d.packet.message = Some(message);
            return Ok(());
        }
    }
    number(d, text, &mut message);
    if d.packet.kind == Kind::Message && is_query(message.text.bytes()) {
        d.packet.kind = Kind::Query;
        if let Some(id) = message.id {
            d.flag(Code::MsgId, id.bytes());
        }
    }
    d.mark(Field::MessageText, message.text.bytes());
    if message.text.bytes().len() > TEXT_ALLOWED && !is_nws(addressee) {
        d.flag(Code::MsgLong, &message.text.bytes()[TEXT_ALLOWED..]);
    }
    if !message.text.is_utf8() {
        d.flag(Code::EncodingFallback, message.text.bytes());
    }
    d.packet.message = Some(message);
    Ok(())
}

/// The addressee with its padding, and the text behind the second `:`.
fn addressee<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome<(&'a [u8], &'a [u8])> {
    let window = &body[..body.len().min(ADDRESSEE + 1)];
    let end = match window.get(ADDRESSEE) {
        Some(b':') => ADDRESSEE,
        _ => window.iter().position(|&byte| byte == b':').ok_or_else(|| d.refuse(Code::MsgShortAddressee, body))?,
    };
    let field = &body[..end];
    let text = trim_end(field);
    if text.is_empty() || text.iter().any(|byte| !(0x20..0x7F).contains(byte)) {
        return Err(d.refuse(Code::MsgAddressee, body));
    }
    if end < ADDRESSEE {
        d.flag(Code::MsgShortAddressee, field);
    }
    if text.contains(&b' ') {
        d.flag(Code::MsgAddressee, field);
    }
    d.mark(Field::Separator, &body[end..=end]);
    Ok((field, &body[end + 1..]))
}

fn by_addressee(addressee: &[u8]) -> Kind {
    match addressee {
        [b'B', b'L', b'N', letter] if letter.is_ascii_uppercase() => Kind::Announcement,
        [b'B', b'L', b'N', ..] => Kind::Bulletin,
        _ if is_nws(addressee) => Kind::Bulletin,
        _ => Kind::Message,
    }
}

/// Queries to a station that chapter 15 and the 1.2 notes define.
const QUERIES: [&[u8]; 9] = [b"APRSD", b"APRSH", b"APRSM", b"APRSO", b"APRSP", b"APRSS", b"APRST", b"PING?", b"VER?"];

/// `?TYPE` and perhaps a callsign behind it. Other text that starts with a question mark is talk.
fn is_query(text: &[u8]) -> bool {
    let Some(asked) = text.strip_prefix(b"?") else { return false };
    let known = QUERIES.iter().find(|known| asked.get(..known.len()).is_some_and(|head| head.eq_ignore_ascii_case(known)));
    let (len, is_known) = match known {
        Some(known) => (known.len(), true),
        None => (asked.iter().take_while(|byte| byte.is_ascii_uppercase()).count(), false),
    };
    let rest = &asked[len..];
    let target = rest.strip_prefix(b"?").unwrap_or(rest).trim_ascii();
    let is_apart = is_known || matches!(rest.first(), None | Some(b' ' | b'?'));
    len >= 2 && is_apart && target.len() <= 9 && target.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// `ackNNNNN`, `rejNNNNN`, and `ackMM}AA`; true if the text is one.
fn answer<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, text: &'a [u8], message: &mut Message<'a>) -> bool {
    let kind = match text {
        [b'a', b'c', b'k', ..] => Kind::Ack,
        [b'r', b'e', b'j', ..] => Kind::Reject,
        _ => return false,
    };
    let rest = trim_end(&text[3..]);
    let brace = rest.iter().position(|&byte| byte == b'}');
    let id = &rest[..brace.unwrap_or(rest.len())];
    let free = brace.map(|at| &rest[at + 1..]);
    if !is_id(id) || free.is_some_and(|free| !free.is_empty() && !is_id(free)) {
        if rest.contains(&b'{') && rest.len() < 12 {
            d.flag(Code::MsgId, rest);
        }
        return false;
    }
    d.packet.kind = kind;
    d.mark(Field::MessageText, &text[..3]);
    d.mark(Field::Acknowledged, id);
    if let Some(free) = free {
        d.mark(Field::ReplyAck, &rest[id.len()..]);
        message.reply_ack = Some(Text(free));
    }
    message.text = Text(&[]);
    message.id = Some(Text(id));
    true
}

/// Takes `{id`, `{MM}` or `{MM}AA` off the end of the text; the last two only off messages, which are answered.
fn number<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, text: &'a [u8], message: &mut Message<'a>) {
    let Some(open) = memchr::memrchr(b'{', text) else {
        return;
    };
    let rest = trim_end(&text[open + 1..]);
    let brace = rest.iter().position(|&byte| byte == b'}');
    let id = &rest[..brace.unwrap_or(rest.len())];
    let free = brace.map(|at| &rest[at + 1..]);
    let is_answered = d.packet.kind == Kind::Message;
    if !is_id(id) || free.is_some_and(|free| !is_answered || !free.is_empty() && !is_id(free)) {
        return;
    }
    d.mark(Field::Separator, &text[open..=open]);
    d.mark(Field::MessageId, id);
    if let Some(free) = free {
        d.mark(Field::ReplyAck, &rest[id.len()..]);
        message.reply_ack = Some(Text(free));
    }
    message.text = Text(&text[..open]);
    message.id = Some(Text(id));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Packet, parse};

    fn body(info: &str) -> Packet<'static> {
        parse(Box::leak(format!("OE9YYY-1>APRS:{info}").into_bytes().into_boxed_slice())).expect(info)
    }

    /// Kind, text, id and reply-ack.
    fn read(info: &str) -> (Kind, String, Option<String>, Option<String>) {
        let packet = body(info);
        let message = packet.message.expect(info);
        let text = |text: Text<'_>| text.to_string();
        (packet.kind, text(message.text), message.id.map(text), message.reply_ack.map(text))
    }

    #[test]
    fn numbers_stand_behind_the_last_brace() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read(":OE9XXX-9 :hello{7"), (Kind::Message, "hello".into(), some("7"), None));
        assert_eq!(read(":OE9XXX-9 :Dinner at {six}?{12}AB"), (Kind::Message, "Dinner at {six}?".into(), some("12"), some("AB")));
        assert_eq!(read(":OE9XXX-9 :hi{12}"), (Kind::Message, "hi".into(), some("12"), some("")));
        assert_eq!(read(":OE9XXX-9 :a {brace} here"), (Kind::Message, "a {brace} here".into(), None, None));
        assert_eq!(read(":OE9XXX-9 :{1"), (Kind::Message, String::new(), some("1"), None));
    }

    #[test]
    fn answers() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read(":OE9XXX-9 :ack12"), (Kind::Ack, String::new(), some("12"), None));
        assert_eq!(read(":OE9XXX-9 :rej7"), (Kind::Reject, String::new(), some("7"), None));
        assert_eq!(read(":OE9XXX-9 :ackMM}AA"), (Kind::Ack, String::new(), some("MM"), some("AA")));
        assert_eq!(read(":OE9XXX-9 :rejAR}"), (Kind::Reject, String::new(), some("AR"), some("")));
        assert_eq!(read(":OE9XXX-9 :acknowledged").0, Kind::Message);
        assert!(body(":OE9XXX-9 :ack5{7").diagnostics.has(Code::MsgId));
    }

    #[test]
    fn bulletins_announcements_and_weather_service() {
        let group = body(":BLN3CLUB :Net moved");
        let bulletin = group.message.and_then(|message| message.bulletin()).expect("a bulletin");
        assert_eq!((group.kind, bulletin.line, bulletin.group), (Kind::Bulletin, '3', Text(b"CLUB")));
        assert_eq!(read(":BLNQ     :hello").0, Kind::Announcement);
        assert_eq!(read(":BLN1     :see {QRV}").1, "see {QRV}");
        let warning = body(":NWS-WARN :232300z,WINTER_STORM,SSC123-456{ABCDE");
        let nws = warning.message.and_then(|message| message.nws()).expect("a warning");
        assert_eq!((warning.kind, nws.event, nws.zones.len()), (Kind::Bulletin, Text(b"WINTER_STORM"), 1));
        assert_eq!(warning.message.and_then(|message| message.id), Some(Text(b"ABCDE")));
    }

    #[test]
    fn queries_and_definitions() {
        assert_eq!(read(":OE9XXX-9 :?APRSD").0, Kind::Query);
        for query in ["?APRSH OE9XXX-9", "?APRSHOE9XXX  ", "?PING?", "?aprst", "?IGATE?", "?FOO OE9XXX"] {
            assert_eq!(read(&format!(":OE9XXX-9 :{query}")).0, Kind::Query, "{query}");
        }
        for talk in ["?", "??", "? when", "?what now", "?APRSM for the last 10 messages", "?A"] {
            assert_eq!(read(&format!(":OE9XXX-9 :{talk}")).0, Kind::Message, "{talk}");
        }
        assert!(body(":OE9XXX-9 :?APRST{07").diagnostics.has(Code::MsgId));
        assert_eq!(read(":OE9YYY-1 :PARM.Volt,Temp").0, Kind::TelemetryDefinition);
        let numbered = read(":OE9YYY-1 :UNIT.V,C{5");
        assert_eq!((numbered.1.as_str(), numbered.2.as_deref()), ("UNIT.V,C", Some("5")));
        assert!(body(":OE9XXX-11:EQNS.0,0.01,0").diagnostics.has(Code::TelemForeign));
    }

    #[test]
    fn odd_addressees() {
        assert!(body(":OE9X:hi").diagnostics.has(Code::MsgShortAddressee));
        assert!(body(":OE9X -5  :hi").diagnostics.has(Code::MsgAddressee));
        assert!(parse(b"OE9YYY>APRS::no colon").is_err());
        assert!(parse(b"OE9YYY>APRS::         :x").is_err());
        assert!(body(&format!(":OE9XXX-9 :{}", "x".repeat(80))).diagnostics.has(Code::MsgLong));
    }
}
