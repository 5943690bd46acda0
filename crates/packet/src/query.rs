//! Queries and station capabilities (chapter 15).

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::{Field, Kind, Packet, Text, comment};

/// The capabilities of a station, in order and with repeats: a word, and a value if there is one.
#[derive(Debug, Clone)]
pub struct Capabilities<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Capabilities<'a> {
    type Item = (Text<'a>, Option<Text<'a>>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        let (part, after) = match memchr::memchr(b',', rest) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        self.rest = after;
        Some(match memchr::memchr(b'=', part) {
            Some(at) => (Text(part[..at].trim_ascii()), Some(Text(part[at + 1..].trim_ascii()))),
            None => (Text(part.trim_ascii()), None),
        })
    }
}

/// `?TYPE?` with an optional area.
pub(crate) fn general<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome {
    match memchr::memchr(b'?', body) {
        Some(end) => {
            d.mark(Field::Query, &body[..end]);
            d.mark(Field::Separator, &body[end..=end]);
            let rest = &body[end + 1..];
            if d.packet.query_area().is_some() {
                d.mark(Field::QueryArea, rest);
            } else {
                comment::keep(d, rest);
            }
        }
        None if !body.is_empty() && body.trim_ascii_end().iter().all(u8::is_ascii_uppercase) => {
            d.flag(Code::QueryForm, body);
            d.mark(Field::Query, body);
        }
        None => return Err(d.refuse(Code::QueryForm, body)),
    }
    Ok(())
}

pub(crate) fn capabilities<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome {
    d.mark(Field::Capability, body);
    d.packet.comment.set(body);
    Ok(())
}

impl<'a> Packet<'a> {
    /// What the station says it can do (`<IGATE,MSG_CNT=12`).
    #[must_use]
    pub fn capabilities(&self) -> Option<Capabilities<'a>> {
        (self.kind == Kind::Capabilities).then(|| Capabilities { rest: Some(&self.info[1..]) })
    }

    /// What is asked for: the word of a general query, or the text of one sent to a station.
    #[must_use]
    pub fn query(&self) -> Option<Text<'a>> {
        match self.message {
            _ if self.kind != Kind::Query => None,
            Some(message) => Some(Text(message.text.bytes().trim_ascii())),
            None => Some(Text(self.info[1..].split(|&byte| byte == b'?').next().unwrap_or_default())),
        }
    }

    /// Latitude, longitude (degrees) and radius (km) that limit a general query.
    #[must_use]
    pub fn query_area(&self) -> Option<(f64, f64, f64)> {
        let after = self.info.strip_prefix(b"?")?.splitn(2, |&byte| byte == b'?').nth(1)?;
        let mut parts = std::str::from_utf8(after).ok()?.split(',').map(|part| part.trim().parse::<f64>().ok());
        let (latitude, longitude, miles) = (parts.next()??, parts.next()??, parts.next()??);
        (latitude.abs() <= 90.0 && longitude.abs() <= 180.0).then_some((latitude, longitude, miles * 1.609_344))
    }
}

#[cfg(test)]
mod tests {
    use crate::{DiagnosticCode, Kind, parse};

    #[test]
    fn queries() {
        let general = parse(b"OE9XXX>APRS:?APRS? 47.38,8.54,0200").expect("good");
        assert!(general.comment.is_empty());
        assert_eq!((general.kind, general.query().expect("one").bytes()), (Kind::Query, b"APRS".as_slice()));
        let (latitude, longitude, km) = general.query_area().expect("an area");
        assert!((latitude, longitude) == (47.38, 8.54) && (km - 321.8688).abs() < 1e-9);
        assert!(parse(b"OE9XXX>APRS:?APRS").expect("taken").diagnostics.has(DiagnosticCode::QueryForm));
        assert_eq!(parse(b"OE9XXX>APRS:?why not").expect_err("talk").code, DiagnosticCode::QueryForm);
        let directed = parse(b"OE9XXX>APRS::OE9YYY   :?APRSD").expect("good");
        assert_eq!(directed.query().expect("one").bytes(), b"?APRSD");
    }

    #[test]
    fn capabilities_keep_order() {
        let packet = parse(b"OE9XXX>APRS:<IGATE,MSG_CNT=12, LOC_CNT=3").expect("good");
        let list: Vec<_> = packet.capabilities().expect("some").map(|(k, v)| (k.to_string(), v.map(|v| v.to_string()))).collect();
        assert_eq!(list, [("IGATE".into(), None), ("MSG_CNT".into(), Some("12".into())), ("LOC_CNT".into(), Some("3".into()))]);
    }
}
