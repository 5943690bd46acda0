//! The header `SOURCE>DESTINATION,PATH:` (TNC2 form; APRS 1.0.1 chapter 3, q constructs: aprs-is.net).

use crate::diagnostic::ParseError;

/// One element of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop<'a> {
    /// A callsign, an alias such as `WIDE2-1`, or a q construct.
    pub callsign: &'a str,
    /// A digipeater has repeated it: it or an element after it bears the star.
    pub used: bool,
}

/// The path: what stands after the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Path<'a> {
    text: &'a str,
    /// Elements up to and with the last star.
    used: u8,
    elements: u8,
    /// Index of the first q construct.
    q: Option<u8>,
}

/// How a packet reached the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// An igate heard the sender itself.
    Direct,
    /// An igate heard a digipeater that repeated it.
    Digipeated,
    /// It was sent over the internet.
    Internet,
    /// The path does not tell.
    Unknown,
}

impl Heard {
    /// The word used in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Digipeated => "digipeated",
            Self::Internet => "internet",
            Self::Unknown => "unknown",
        }
    }
}

impl<'a> Path<'a> {
    /// The most elements that are read.
    pub const MOST: usize = 24;

    pub(crate) fn parse(text: &'a str, offset: usize) -> Result<Self, ParseError<'a>> {
        let mut path = Self {
            text,
            ..Self::default()
        };
        let mut at = offset;
        for element in Elements(Some(text).filter(|text| !text.is_empty())) {
            if usize::from(path.elements) == Self::MOST {
                return Err(ParseError::new("path_long", at));
            }
            let (call, star) = element
                .strip_suffix('*')
                .map_or((element, false), |call| (call, true));
            let after_q = path.q.is_some();
            if !(is_call(call.as_bytes())
                || after_q && call.len() == 32 && call.bytes().all(|byte| byte.is_ascii_hexdigit()))
            {
                return Err(ParseError::new("header_path", at));
            }
            if is_q(call) && path.q.is_none() {
                path.q = Some(path.elements);
            }
            path.elements += 1;
            if star && !after_q {
                path.used = path.elements;
            }
            at += element.len() + 1;
        }
        Ok(path)
    }

    /// The elements in order.
    #[must_use]
    pub fn iter(&self) -> Hops<'a> {
        Hops {
            elements: Elements(Some(self.text).filter(|text| !text.is_empty())),
            index: 0,
            used: self.used,
        }
    }

    /// Its text, as sent.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The q construct, such as `qAR`.
    #[must_use]
    pub fn q_construct(&self) -> Option<&'a str> {
        self.iter()
            .nth(usize::from(self.q?))
            .map(|hop| hop.callsign)
    }

    /// The elements that are about radio: those before the q construct (and before an `CALL,I` at the end).
    pub fn radio(&self) -> impl Iterator<Item = Hop<'a>> {
        let end = self.q.map_or_else(
            || usize::from(self.elements).saturating_sub(if self.ends_with_i() { 2 } else { 0 }),
            usize::from,
        );
        self.iter().take(end)
    }

    /// Who passed it on to the internet: the station after the q construct where that stands for a gateway.
    #[must_use]
    pub fn igate(&self) -> Option<&'a str> {
        match self.q {
            Some(q) => {
                let mut rest = self.iter().skip(usize::from(q));
                match rest.next()?.callsign {
                    "qAR" | "qAr" | "qAo" | "qAO" | "qAS" | "qAI" => {
                        rest.next().map(|hop| hop.callsign)
                    }
                    _ => None,
                }
            }
            None if self.ends_with_i() => self
                .iter()
                .nth(usize::from(self.elements) - 2)
                .map(|hop| hop.callsign),
            None => None,
        }
    }

    /// How it reached the network.
    #[must_use]
    pub fn heard(&self) -> Heard {
        let internet = |hop: Hop<'_>| matches!(hop.callsign, "TCPIP" | "TCPXX");
        if self.radio().any(internet) {
            return Heard::Internet;
        }
        match self.q_construct() {
            Some("qAC" | "qAX" | "qAU") => Heard::Internet,
            Some("qAR" | "qAr" | "qAo" | "qAO" | "qAS") => self.digipeated_or_direct(),
            None if self.ends_with_i() || self.used > 0 => self.digipeated_or_direct(),
            _ => Heard::Unknown,
        }
    }

    fn digipeated_or_direct(&self) -> Heard {
        if self.radio().any(|hop| hop.used) {
            Heard::Digipeated
        } else {
            Heard::Direct
        }
    }

    fn ends_with_i(&self) -> bool {
        self.elements >= 2 && self.text.ends_with(",I")
    }
}

/// The elements of a [`Path`].
#[derive(Debug, Clone)]
pub struct Hops<'a> {
    elements: Elements<'a>,
    index: u8,
    used: u8,
}

impl<'a> Iterator for Hops<'a> {
    type Item = Hop<'a>;

    fn next(&mut self) -> Option<Hop<'a>> {
        let element = self.elements.next()?;
        self.index = self.index.saturating_add(1);
        Some(Hop {
            callsign: element.strip_suffix('*').unwrap_or(element),
            used: self.index <= self.used,
        })
    }
}

#[derive(Debug, Clone)]
struct Elements<'a>(Option<&'a str>);

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0?;
        match memchr::memchr(b',', text.as_bytes()) {
            Some(comma) => {
                self.0 = text.get(comma + 1..);
                text.get(..comma)
            }
            None => self.0.take(),
        }
    }
}

fn is_q(call: &str) -> bool {
    let bytes = call.as_bytes();
    bytes.len() == 3 && bytes[0] == b'q' && bytes[1..].iter().all(u8::is_ascii_alphabetic)
}

/// A callsign as APRS-IS takes it: 1 to 9 letters, digits and dashes, none at either end.
pub(crate) fn is_call(bytes: &[u8]) -> bool {
    (1..=9).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        && bytes[0] != b'-'
        && bytes[bytes.len() - 1] != b'-'
}

/// A callsign as AX.25 takes it: up to 6 capitals and digits, SSID 0 to 15.
pub(crate) fn is_ax25(call: &str) -> bool {
    let (base, ssid) = call
        .split_once('-')
        .map_or((call, None), |(base, ssid)| (base, Some(ssid)));
    (1..=6).contains(&base.len())
        && base
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && ssid.is_none_or(|ssid| {
            ssid.len() <= 2 && ssid.parse::<u8>().is_ok_and(|number| number <= 15)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path<'_> {
        Path::parse(text, 0).expect("path")
    }

    #[test]
    fn used_means_up_to_the_last_star() {
        let used: Vec<_> = path("OE1A,WIDE1*,WIDE2-1,qAR,OE9XYZ")
            .iter()
            .map(|hop| hop.used)
            .collect();
        assert_eq!(used, [true, true, false, false, false]);
    }

    #[test]
    fn who_heard_it() {
        for (text, heard, igate) in [
            (
                "WIDE1-1,WIDE2-1,qAR,OE9XYZ-10",
                Heard::Direct,
                Some("OE9XYZ-10"),
            ),
            (
                "OE9A*,WIDE2-1,qAR,OE9XYZ-10",
                Heard::Digipeated,
                Some("OE9XYZ-10"),
            ),
            ("TCPIP*,qAC,T2TEST", Heard::Internet, None),
            ("qAS,RECEIVER", Heard::Direct, Some("RECEIVER")),
            ("WIDE1-1,OE9XYZ,I", Heard::Direct, Some("OE9XYZ")),
            ("OE9A*", Heard::Digipeated, None),
            ("WIDE1-1", Heard::Unknown, None),
            ("", Heard::Unknown, None),
        ] {
            assert_eq!(
                (path(text).heard(), path(text).igate()),
                (heard, igate),
                "{text}"
            );
        }
    }

    #[test]
    fn broken_paths_are_refused_where_they_break() {
        for (text, offset) in [
            ("A,,B", 2),
            ("A*B", 0),
            ("A,TOOLONGCALL", 2),
            ("A,B C", 2),
            (",", 0),
            ("A,B-", 2),
        ] {
            assert_eq!(
                Path::parse(text, 0).expect_err(text).offset(),
                offset,
                "{text}"
            );
        }
        let long = vec!["A"; 25].join(",");
        assert_eq!(Path::parse(&long, 0).expect_err("long").code(), "path_long");
        assert!(Path::parse("qAC,20010DB8000000000000000000000001", 0).is_ok());
    }
}
