//! The path: which digipeaters repeated the packet, how it came to APRS-IS, who heard it (chapters 3 and 4;
//! q constructs as documented at aprs-is.net). Elements are read from the line when asked for.

/// How the packet was heard by the station that passed it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Heard {
    /// On radio from the sender itself.
    Direct,
    /// On radio by way of at least one digipeater.
    Digipeated,
    /// Not on radio: sent over the internet, or through a gateway of a voice network.
    Internet,
    /// The path does not say. With `qAS` a server passed on what a client or another server gave it.
    Unknown,
}

impl Heard {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Digipeated => "digipeated",
            Self::Internet => "internet",
            Self::Unknown => "unknown",
        }
    }
}

/// One path element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hop<'a> {
    /// Callsign or alias, without the `*`.
    pub callsign: &'a str,
    /// True when this element or a later one carries the used mark `*`.
    pub used: bool,
}

/// Part of a header as text. Only ASCII ever gets here.
fn ascii(part: &[u8]) -> &str {
    std::str::from_utf8(part).unwrap_or_default()
}

/// The path elements after the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Path<'a> {
    /// ASCII, as the header's reader has seen; made text only when asked for.
    text: &'a [u8],
    /// Number of elements up to and with the last one marked used.
    used: u8,
    /// Number of elements.
    len: u8,
    /// Index of the q construct, `u8::MAX` if none.
    q: u8,
    /// Offset of the q construct in `text`.
    q_start: u16,
}

impl<'a> Path<'a> {
    pub(crate) fn new(text: &'a [u8], len: u8, used: u8, q: Option<(u8, u16)>) -> Self {
        let (q, q_start) = q.unwrap_or((u8::MAX, 0));
        Self { text, used, len, q, q_start }
    }

    /// The path as sent: elements separated by commas.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        ascii(self.text)
    }

    /// How many elements.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// True when the packet has no path.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All elements in order: digipeaters, q construct and what follows it.
    #[must_use]
    pub fn iter(&self) -> Hops<'a> {
        Hops { rest: self.text, left: self.len, used: self.used }
    }

    /// The elements before the q construct (or before a final `CALL,I`), which are all that was on radio.
    #[must_use]
    pub fn radio(&self) -> Hops<'a> {
        let left = match self.q {
            u8::MAX if self.igate_mark().is_some() => self.len - 2,
            u8::MAX => self.len,
            q => q,
        };
        Hops { rest: self.text, left, used: self.used }
    }

    /// The first q construct (`qAR` ...); case matters.
    #[must_use]
    pub fn q_construct(&self) -> Option<&'a str> {
        let start = usize::from(self.q_start);
        (self.q != u8::MAX).then(|| ascii(self.text.get(start..start + 3).unwrap_or_default()))
    }

    /// The elements after the q construct: igate, servers, trace list.
    #[must_use]
    pub fn after_q(&self) -> Hops<'a> {
        match self.q {
            u8::MAX => Hops { rest: &[], left: 0, used: 0 },
            q => {
                let rest = self.text.get(usize::from(self.q_start) + 4..).unwrap_or_default();
                Hops { rest, left: self.len - q - 1, used: 0 }
            }
        }
    }

    /// The older `CALL,I` at the end of a path that names the igate.
    fn igate_mark(&self) -> Option<&'a str> {
        let before = self.text.strip_suffix(b",I")?;
        let call = before.rsplit(|&byte| byte == b',').next().unwrap_or(before);
        Some(ascii(call.strip_suffix(b"*").unwrap_or(call)))
    }

    /// The station that heard the packet on radio and passed it to APRS-IS; `None` for what came by internet, whatever
    /// the q construct (`TCPIP*,qAS,CALL` is another server or client passing it on). With `qAS` it may be a server that
    /// never heard the packet: [`Path::heard`] tells.
    #[must_use]
    pub fn igate(&self) -> Option<&'a str> {
        let igate = match self.q_construct() {
            Some("qAR" | "qAr" | "qAo" | "qAO" | "qAS" | "qAI") => self.after_q().next().map(|hop| hop.callsign),
            Some(_) => None,
            None => self.igate_mark(),
        };
        igate.filter(|_| self.heard() != Heard::Internet)
    }

    /// How the packet was heard. A path without q construct and without used elements says nothing, nor does `qAS` without
    /// used elements; one used element is certain evidence of radio, unless it is the mark of a voice network.
    #[must_use]
    pub fn heard(&self) -> Heard {
        let q = self.q_construct();
        if matches!(q, Some("qAC" | "qAX" | "qAU")) || self.radio().any(|hop| matches!(hop.callsign, "TCPIP" | "TCPXX")) {
            return Heard::Internet;
        }
        if let Some(first) = self.radio().next().filter(|hop| hop.used) {
            return if is_network_mark(first.callsign) { Heard::Internet } else { Heard::Digipeated };
        }
        match q {
            Some("qAR" | "qAr" | "qAo" | "qAO") => Heard::Direct,
            None if self.igate_mark().is_some() => Heard::Direct,
            _ => Heard::Unknown,
        }
    }

    /// The digipeaters that repeated the packet, in order. An alias with no callsign before it stands for a
    /// digipeater that did not give its name.
    #[must_use]
    pub fn digipeaters(&self) -> Digipeaters<'a> {
        Digipeaters { hops: self.radio(), named: false }
    }
}

impl<'a> IntoIterator for &Path<'a> {
    type Item = Hop<'a>;
    type IntoIter = Hops<'a>;

    fn into_iter(self) -> Hops<'a> {
        self.iter()
    }
}

/// Goes through path elements.
#[derive(Debug, Clone)]
pub struct Hops<'a> {
    rest: &'a [u8],
    left: u8,
    used: u8,
}

impl<'a> Iterator for Hops<'a> {
    type Item = Hop<'a>;

    fn next(&mut self) -> Option<Hop<'a>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        // `>` only stands between the hops of an AEA header.
        let end = self.rest.iter().position(|&byte| matches!(byte, b',' | b'>')).unwrap_or(self.rest.len());
        let element = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        let used = self.used > 0;
        self.used = self.used.saturating_sub(1);
        Some(Hop { callsign: ascii(element.strip_suffix(b"*").unwrap_or(element)), used })
    }
}

/// Goes through the digipeaters that repeated the packet; `None` for one that left only an alias.
#[derive(Debug, Clone)]
pub struct Digipeaters<'a> {
    hops: Hops<'a>,
    named: bool,
}

impl<'a> Iterator for Digipeaters<'a> {
    type Item = Option<&'a str>;

    fn next(&mut self) -> Option<Self::Item> {
        for hop in self.hops.by_ref().take_while(|hop| hop.used) {
            if matches!(hop.callsign, "TCPIP" | "TCPXX") || is_network_mark(hop.callsign) {
                continue;
            }
            let before = std::mem::replace(&mut self.named, !is_alias(hop.callsign));
            if self.named {
                return Some(Some(hop.callsign));
            }
            if !before {
                return Some(None);
            }
        }
        None
    }
}

/// Path elements that gateways write for the network a packet came from: digital voice, linked repeaters, paging, and
/// services that hold packets back. In capital letters, without SSID.
pub const NETWORK_MARKS: [&str; 19] = [
    "ALLSTAR", "C4FM", "DAPNET", "DMR", "DPMR", "DSTAR", "ECHOLINK", "FUSION", "IRLP", "M17", "MMDVM", "NXDN", "OGNDELAY", "P25", "POCSAG",
    "TETRA", "WIRES", "WIRESX", "YSF",
];

/// True for the mark of a network ([`NETWORK_MARKS`]), with or without SSID: it is no station, and heard nothing.
#[must_use]
pub fn is_network_mark(element: &str) -> bool {
    let base = element.split('-').next().unwrap_or(element);
    NETWORK_MARKS.iter().any(|mark| base.eq_ignore_ascii_case(mark))
}

/// True for what is a request to digipeaters and no station: `WIDE2-1`, `TRACE3`, `RELAY`, `HUN3-3` ...
#[must_use]
pub fn is_alias(element: &str) -> bool {
    if matches!(element, "RELAY" | "WIDE" | "TRACE" | "GATE" | "ECHO" | "TEMP" | "RFONLY" | "NOGATE") {
        return true;
    }
    let (base, left) = element.split_once('-').unwrap_or((element, "0"));
    let (Some(&n), Ok(left)) = (base.as_bytes().last(), left.parse::<u8>()) else {
        return false;
    };
    let letters = &base.as_bytes()[..base.len() - 1];
    let place = matches!(letters, b"WIDE" | b"TRACE") || (matches!(letters.len(), 2 | 3) && letters.iter().all(u8::is_ascii_uppercase));
    place && (b'1'..=b'7').contains(&n) && left <= n - b'0'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn path(text: &str) -> Path<'static> {
        let line = format!("OE9XXX-9>APRS{}{text}:>x", if text.is_empty() { "" } else { "," });
        parse(Box::leak(line.into_bytes().into_boxed_slice())).expect(text).path
    }

    fn digipeaters(text: &str) -> Vec<Option<&'static str>> {
        path(text).digipeaters().collect()
    }

    #[test]
    fn used_is_everything_up_to_the_last_star() {
        let hops: Vec<_> = path("OE1A,WIDE1*,WIDE2-1").iter().map(|hop| (hop.callsign, hop.used)).collect();
        assert_eq!(hops, [("OE1A", true), ("WIDE1", true), ("WIDE2-1", false)]);
        assert_eq!(path("A1A*,B1B*,C1C").iter().filter(|hop| hop.used).count(), 2);
        assert_eq!(path("").iter().count(), 0);
    }

    #[test]
    fn an_alias_belongs_to_the_callsign_before_it() {
        assert_eq!(digipeaters("WIDE1-1,WIDE2-1"), []);
        assert_eq!(digipeaters("OE1A,WIDE1*,WIDE2-1"), [Some("OE1A")]);
        assert_eq!(digipeaters("OE1A*,WIDE2-1"), [Some("OE1A")]);
        assert_eq!(digipeaters("OE1A,OE2B*,WIDE2"), [Some("OE1A"), Some("OE2B")]);
        assert_eq!(digipeaters("OE1A,OE2B,WIDE2*"), [Some("OE1A"), Some("OE2B")]);
        assert_eq!(digipeaters("WIDE1*,WIDE2-1"), [None]);
        assert_eq!(digipeaters("OE1A*,OE2B"), [Some("OE1A")]);
        assert_eq!(digipeaters("RS0ISS*,qAR,OE9A"), [Some("RS0ISS")]);
    }

    #[test]
    fn heard_follows_stars_and_q_constructs() {
        let heard = |text: &str| path(text).heard();
        assert_eq!(heard("WIDE1-1,WIDE2-1,qAR,OE9XYZ-10"), Heard::Direct);
        assert_eq!(heard("OE9A*,WIDE2-1,qAR,OE9XYZ-10"), Heard::Digipeated);
        assert_eq!(heard("TCPIP*,qAC,T2TEST"), Heard::Internet);
        assert_eq!(heard("qAX,CWOP-1"), Heard::Internet);
        assert_eq!(heard("TCPIP,OE9G-10*"), Heard::Internet);
        assert_eq!(heard("WIDE1-1,OE9G,I"), Heard::Direct);
        assert_eq!(heard("WIDE1-1"), Heard::Unknown);
        assert_eq!(heard("qAZ,OE9G"), Heard::Unknown);
        for q in ["qAr", "qAo", "qAO"] {
            assert_eq!(heard(&format!("WIDE1-1,{q},OE9G")), Heard::Direct, "{q}");
        }
    }

    #[test]
    fn with_qas_only_a_used_digipeater_is_certain() {
        for (text, heard, first) in [
            ("qAS,WXSRV", Heard::Unknown, None),
            ("WIDE1-1,WIDE2-1,qAS,OE9G", Heard::Unknown, None),
            ("OE9A*,WIDE2-1,qAS,OE9G", Heard::Digipeated, Some(Some("OE9A"))),
            ("WIDE1*,qAS,OE9G", Heard::Digipeated, Some(None)),
            ("TCPIP*,qAS,OE9G", Heard::Internet, None),
        ] {
            assert_eq!((path(text).heard(), path(text).digipeaters().next()), (heard, first), "{text}");
        }
    }

    #[test]
    fn marks_of_networks_are_no_stations() {
        let lines = [
            "ALLSTAR*,qAR,OE9G",
            "C4FM*,qAR,OE9G-R",
            "DAPNET*,qAR,OE9G",
            "DMR*,qAR,OE9G-10",
            "DPMR*,qAR,OE9G",
            "DSTAR*,qAR,OE9G-B",
            "ECHOLINK*,qAR,OE9G",
            "FUSION*,qAR,OE9G",
            "IRLP*,qAR,OE9G",
            "M17*,qAR,OE9G-H",
            "MMDVM*,qAR,OE9G",
            "NXDN*,qAR,OE9G-N",
            "OGNDELAY*,qAS,DELAY",
            "P25*,qAR,OE9G-P",
            "POCSAG*,qAR,OE9G",
            "TETRA*,qAR,OE9G",
            "WIRES*,qAR,OE9G",
            "WIRESX*,qAR,OE9G",
            "YSF*,qAR,OE9G-Y",
        ];
        assert_eq!(lines.map(|line| line.split('*').next().expect("a mark")), NETWORK_MARKS);
        for line in lines {
            let path = path(line);
            assert_eq!((path.heard(), path.digipeaters().next(), path.igate()), (Heard::Internet, None, None), "{line}");
        }
        assert_eq!(path("DMR-2*,WIDE1-1,qAR,OE9G").heard(), Heard::Internet, "with SSID");
        assert_eq!(path("dStar*,qAR,OE9G").heard(), Heard::Internet, "in other letters");
        assert_eq!(path("DSTAR,qAR,OE9G").heard(), Heard::Direct, "not used");
        assert_eq!((path("OE9A,OGNDELAY*,qAS,X").heard(), digipeaters("OE9A,OGNDELAY*,qAS,X")), (Heard::Digipeated, vec![Some("OE9A")]));
        for call in ["DM0DMR", "PY5YSF", "IRLP6950", "ECHO"] {
            assert!(!is_network_mark(call), "{call}");
        }
    }

    #[test]
    fn igate_is_the_callsign_after_a_radio_q_construct() {
        let path = path("OE9A*,WIDE2-1,qAR,OE9XYZ-10,T2TEST");
        assert_eq!((path.q_construct(), path.igate()), (Some("qAR"), Some("OE9XYZ-10")));
        assert_eq!(path.radio().count(), 2);
        assert_eq!(path.after_q().count(), 2);
        assert_eq!(self::path("WIDE1-1,OE9G,I").igate(), Some("OE9G"));
        assert_eq!(self::path("TCPIP*,qAC,T2TEST").igate(), None);
        assert_eq!(self::path("TCPIP*,qAS,OE9G-15").igate(), None);
        assert_eq!(self::path("qAR").igate(), None);
        assert_eq!(self::path("qAS,20010DB8000000000000000000000001").igate(), Some("20010DB8000000000000000000000001"));
    }

    #[test]
    fn regional_aliases_need_a_sensible_count() {
        for alias in ["WIDE1-1", "WIDE2", "WIDE7-7", "TRACE3-2", "MA2-2", "HUN3-3", "OH7", "RELAY"] {
            assert!(is_alias(alias), "{alias}");
        }
        for call in ["OE1A", "OH7RDA", "WIDE2-3", "W1-2A", "N8", "OE9XYZ-10", "W1AW-1", "OH8"] {
            assert!(!is_alias(call), "{call}");
        }
    }
}
