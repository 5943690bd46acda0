//! Which radio or program sent a packet: by destination (tocall), Mic-E suffix or legacy Mic-E type byte.
//!
//! The table built in is the public aprs-deviceid database (CC BY-SA 2.0, see `data/devices.tsv`); a newer one can be
//! loaded in its own JSON form with feature `serde`. The most specific entry wins.

use std::sync::OnceLock;

use crate::{Kind, Packet};

/// The table at the time of release.
const BUILT_IN: &str = include_str!("../data/devices.tsv");

/// A kind of radio or program. Unknown parts are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// The pattern that matched: a tocall with `?`, `n` (digit) and `*` as wildcards, or a Mic-E suffix.
    pub pattern: String,
    /// Who makes it.
    pub vendor: String,
    /// What it is called.
    pub model: String,
    /// `tracker`, `rig`, `ht`, `app`, `software`, `wx`, `igate` ...
    pub class: String,
}

impl Device {
    /// Vendor and model for people, unknown parts left out; empty if nothing is known.
    #[must_use]
    pub fn name(&self) -> String {
        let known = [&self.vendor, &self.model].into_iter().filter(|part| !part.is_empty() && *part != "Unknown");
        known.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// True for entries that say only that nothing is known, such as that of the address `APRS`.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.vendor == "Unknown" && self.model == "Unknown"
    }
}

/// Bytes of a tocall that are compared; an address has at most nine, of which the SSID does not count.
const WIDTH: usize = 8;
/// Bytes a pattern is filed under where they are literal.
const HEAD: u64 = 0xFFFF_FFFF;

/// A tocall as a number, its first byte in the lowest place, and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tocall {
    bytes: u64,
    len: usize,
}

impl Tocall {
    /// The address up to its SSID.
    #[inline]
    fn of(address: &[u8]) -> Self {
        let (bytes, len) = match (address.first_chunk::<4>(), address.last_chunk::<4>()) {
            (Some(&first), Some(&last)) if address.len() <= WIDTH => {
                let shift = 8 * (address.len() - 4);
                (u64::from(u32::from_le_bytes(first)) | u64::from(u32::from_le_bytes(last)) << shift, address.len())
            }
            _ => {
                let bytes = address.iter().take(WIDTH).rfold(0, |all, &byte| all << 8 | u64::from(byte));
                (bytes, address.len())
            }
        };
        // The lowest byte that is a dash, if any, has its highest bit set here.
        let differs = bytes ^ u64::from_ne_bytes([b'-'; 8]);
        let dash = differs.wrapping_sub(u64::from_ne_bytes([1; 8])) & !differs & u64::from_ne_bytes([0x80; 8]);
        if dash == 0 {
            return Self { bytes, len };
        }
        let len = dash.trailing_zeros() as usize / 8;
        Self { bytes: bytes & ((1 << (8 * len)) - 1), len }
    }
}

/// A pattern made ready to compare.
#[derive(Debug, Clone, Copy)]
struct Pattern {
    /// All bits of the bytes that are literal, and what they are.
    literal: u64,
    bytes: u64,
    /// All bits of the bytes that must be digits.
    digits: u64,
    /// The least length, and how much longer the tocall may be: nothing, or anything if a tail of any sort may follow.
    len: usize,
    tail: usize,
    device: u16,
}

impl Pattern {
    fn new(pattern: &str, device: u16) -> Option<Self> {
        let (body, tail) = pattern.strip_suffix('*').map_or((pattern, 0), |body| (body, usize::MAX / 2));
        let mut made = Self { literal: 0, bytes: 0, digits: 0, len: body.len(), tail, device };
        for (at, byte) in body.bytes().enumerate() {
            let shift = u32::try_from(at * 8).ok()?;
            match byte {
                b'?' => {}
                b'n' => made.digits |= 0xFF_u64.checked_shl(shift)?,
                _ => {
                    made.literal |= 0xFF_u64.checked_shl(shift)?;
                    made.bytes |= u64::from(byte) << shift;
                }
            }
        }
        Some(made)
    }

    #[inline]
    fn matches(&self, tocall: Tocall) -> bool {
        tocall.bytes & self.literal == self.bytes
            && tocall.len.wrapping_sub(self.len) <= self.tail
            && (self.digits == 0 || self.has_digits(tocall))
    }

    fn has_digits(&self, tocall: Tocall) -> bool {
        // Digits become 0 to 9; adding 0x76 sets the highest bit of all that is more.
        let digits = (tocall.bytes ^ u64::from_ne_bytes([b'0'; 8])) & self.digits;
        let beyond = digits | digits.wrapping_add(u64::from_ne_bytes([0x76; 8]) & self.digits);
        beyond & u64::from_ne_bytes([0x80; 8]) == 0
    }
}

/// Devices by tocall and Mic-E suffix. A few hundred entries.
#[derive(Debug, Clone, Default)]
pub struct DeviceDatabase {
    devices: Vec<Device>,
    /// Patterns of the same first four bytes together, the most specific of them first; then those with wildcards there.
    patterns: Vec<Pattern>,
    /// Where in `patterns` those with a wildcard among the first four bytes start.
    loose: usize,
    /// By hash of the first four bytes: those bytes, and where in `patterns` they start. Zero is an empty place. A power
    /// of two, less than half full.
    heads: Vec<(u32, u16)>,
    /// Two-byte Mic-E suffixes.
    suffixes: Vec<([u8; 2], u16)>,
    /// Type byte and, if any, one-byte suffix.
    legacy: Vec<(u8, Option<u8>, u16)>,
}

fn is_wildcard(byte: u8) -> bool {
    matches!(byte, b'?' | b'*' | b'n')
}

/// Literal bytes, then fewer wildcards, then digits before any character before any tail: greater is more specific.
fn specificity(pattern: &str) -> (usize, usize, usize) {
    let wild = pattern.bytes().filter(|&byte| is_wildcard(byte)).count();
    let rank = pattern.bytes().map(|byte| usize::from(byte == b'*') * 100 + usize::from(byte == b'?')).sum::<usize>();
    (pattern.len() - wild, usize::MAX - wild, usize::MAX - rank)
}

/// Place of a head in a table of `places`, a power of two.
#[inline]
fn place(head: u32, places: usize) -> usize {
    // The high bits of the product depend on all four bytes.
    (head.wrapping_mul(0x9E37_79B9) >> 20) as usize & (places - 1)
}

impl DeviceDatabase {
    /// The table built into the crate, made ready on first use.
    #[must_use]
    pub fn built_in() -> &'static Self {
        static TABLE: OnceLock<DeviceDatabase> = OnceLock::new();
        TABLE.get_or_init(|| {
            let mut table = Self::default();
            for line in BUILT_IN.lines().filter(|line| !line.starts_with("# ")) {
                let mut parts = line.split('\t');
                if let (Some(kind), Some(pattern)) = (parts.next(), parts.next()) {
                    let mut part = || parts.next().unwrap_or("").to_owned();
                    let device = Device { pattern: pattern.to_owned(), vendor: part(), model: part(), class: part() };
                    table.add(kind, device);
                }
            }
            table.sort();
            table
        })
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// True when there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// `kind` is `tocall`, `mice` or `legacy`; others are left out.
    fn add(&mut self, kind: &str, device: Device) {
        let Ok(at) = u16::try_from(self.devices.len()) else {
            return;
        };
        match (kind, device.pattern.as_bytes()) {
            ("tocall", text) if text.len() <= WIDTH => self.patterns.extend(Pattern::new(&device.pattern, at)),
            ("mice", &[a, b]) => self.suffixes.push(([a, b], at)),
            ("legacy", &[prefix]) => self.legacy.push((prefix, None, at)),
            ("legacy", &[prefix, suffix]) => self.legacy.push((prefix, Some(suffix), at)),
            _ => return,
        }
        self.devices.push(device);
    }

    /// Brings the patterns into the order they are looked up in.
    fn sort(&mut self) {
        let devices = &self.devices;
        let head = |pattern: &Pattern| (pattern.literal & HEAD == HEAD).then_some((pattern.bytes & HEAD) as u32);
        self.patterns.sort_by_key(|pattern| {
            let head = head(pattern);
            (head.is_none(), head, std::cmp::Reverse(specificity(&devices[usize::from(pattern.device)].pattern)))
        });
        self.loose = self.patterns.partition_point(|pattern| head(pattern).is_some());
        self.heads = vec![(0, 0); (self.loose * 2 + 2).next_power_of_two()];
        let places = self.heads.len();
        let mut last = None;
        for (at, pattern) in self.patterns[..self.loose].iter().enumerate() {
            let (Some(head), Ok(at)) = (head(pattern), u16::try_from(at)) else { continue };
            if last == Some(head) {
                continue;
            }
            last = Some(head);
            let mut free = place(head, places);
            while self.heads[free].0 != 0 {
                free = (free + 1) % places;
            }
            self.heads[free] = (head, at);
        }
        self.suffixes.sort_unstable();
        self.legacy.sort_by_key(|&(_, suffix, _)| suffix.is_none());
    }

    /// The device of a destination, SSID ignored.
    #[must_use]
    pub fn by_tocall(&self, destination: &str) -> Option<&Device> {
        self.by_address(destination.as_bytes())
    }

    fn by_address(&self, destination: &[u8]) -> Option<&Device> {
        let tocall = Tocall::of(destination);
        let head = (tocall.bytes & HEAD) as u32;
        for pattern in self.of_head(head) {
            if pattern.bytes & HEAD != u64::from(head) {
                break;
            }
            if pattern.matches(tocall) {
                return self.devices.get(usize::from(pattern.device));
            }
        }
        let pattern = self.patterns.get(self.loose..)?.iter().find(|pattern| pattern.matches(tocall))?;
        self.devices.get(usize::from(pattern.device))
    }

    /// The patterns that start with these four bytes, with more behind them.
    #[inline]
    fn of_head(&self, head: u32) -> &[Pattern] {
        if self.heads.is_empty() {
            return &[];
        }
        let mut at = place(head, self.heads.len());
        while let Some(&(found, start)) = self.heads.get(at)
            && found != 0
        {
            if found == head {
                return self.patterns.get(usize::from(start)..self.loose).unwrap_or_default();
            }
            at = (at + 1) & (self.heads.len() - 1);
        }
        &[]
    }

    /// The device of a Mic-E packet: two-byte suffix, else type byte with one-byte suffix, else type byte alone.
    #[must_use]
    pub fn by_mic_e(&self, type_byte: u8, suffix: &[u8]) -> Option<&Device> {
        // The blank that ends a VX-8's suffix gets lost on the way.
        let suffix = if suffix == b"_" { b"_ " } else { suffix };
        let at = match *suffix {
            [a, b] if matches!(type_byte, b'`' | b'\'') => {
                let place = self.suffixes.binary_search_by_key(&[a, b], |&(suffix, _)| suffix).ok()?;
                self.suffixes.get(place)?.1
            }
            _ => {
                let one = suffix.first().copied();
                self.legacy.iter().find(|&&(prefix, wanted, _)| prefix == type_byte && (wanted == one || wanted.is_none()))?.2
            }
        };
        self.devices.get(usize::from(at))
    }

    /// The device that sent `packet`: by Mic-E suffix for Mic-E, by destination for all else.
    #[must_use]
    pub fn identify(&self, packet: &Packet<'_>) -> Option<&Device> {
        if packet.kind == Kind::MicE {
            let mic_e = packet.mic_e?;
            return self.by_mic_e(mic_e.type_byte?, mic_e.suffix.bytes());
        }
        self.by_address(packet.destination.as_bytes())
    }

    /// Reads the database's own JSON (`tocalls.dense.json` or `tocalls.pretty.json`), to refresh the table built in.
    ///
    /// # Errors
    /// When the text is no JSON of that shape.
    #[cfg(feature = "serde")]
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        #[derive(serde::Deserialize, Default)]
        #[serde(default)]
        struct Entry {
            vendor: String,
            model: String,
            class: String,
            tocall: String,
            suffix: String,
            prefix: String,
        }
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Entries {
            Named(std::collections::BTreeMap<String, Entry>),
            List(Vec<Entry>),
        }
        #[derive(serde::Deserialize)]
        struct File {
            tocalls: Entries,
            mice: Option<Entries>,
            micelegacy: Option<Entries>,
        }
        let file: File = serde_json::from_str(json)?;
        let mut table = Self::default();
        for (kind, entries) in [("tocall", Some(file.tocalls)), ("mice", file.mice), ("legacy", file.micelegacy)] {
            let entries: Vec<(String, Entry)> = match entries {
                None => continue,
                Some(Entries::Named(map)) => map.into_iter().collect(),
                Some(Entries::List(list)) => list.into_iter().map(|entry| (String::new(), entry)).collect(),
            };
            for (name, entry) in entries {
                let pattern = match kind {
                    "tocall" if !entry.tocall.is_empty() => entry.tocall,
                    "mice" if !entry.suffix.is_empty() => entry.suffix,
                    "legacy" if !entry.prefix.is_empty() => entry.prefix + &entry.suffix,
                    _ => name,
                };
                table.add(kind, Device { pattern, vendor: entry.vendor, model: entry.model, class: entry.class });
            }
        }
        table.sort();
        Ok(table)
    }
}

impl Packet<'_> {
    /// The radio or program that sent this, from the table built in.
    #[must_use]
    pub fn device(&self) -> Option<&'static Device> {
        DeviceDatabase::built_in().identify(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn the_most_specific_entry_wins() {
        let mut table = DeviceDatabase::default();
        for pattern in ["APX???", "APXY??", "APXYZ?", "APXYnn", "APXYZQ", "AP*"] {
            let device = Device { pattern: pattern.into(), vendor: String::new(), model: String::new(), class: String::new() };
            table.add("tocall", device);
        }
        table.sort();
        let pattern = |tocall| table.by_tocall(tocall).map(|device| device.pattern.as_str());
        assert_eq!(pattern("APXYZQ"), Some("APXYZQ"));
        assert_eq!(pattern("APXYZ1-3"), Some("APXYZ?"));
        assert_eq!(pattern("APXY12"), Some("APXYnn"));
        assert_eq!(pattern("APXYA2"), Some("APXY??"));
        assert_eq!(pattern("APXA12"), Some("APX???"));
        assert_eq!(pattern("APA"), Some("AP*"));
        assert_eq!(pattern("BEACON"), None);
        assert_eq!(pattern(""), None);
        assert_eq!(pattern("AP"), Some("AP*"));
        assert_eq!(pattern("APXYZQW"), Some("AP*"));
        assert_eq!(pattern("APXYZ"), Some("AP*"));
    }

    #[test]
    fn an_address_ends_at_its_ssid() {
        let word = |bytes: [u8; 8]| u64::from_le_bytes(bytes);
        assert_eq!(Tocall::of(b"APRS-12"), Tocall { bytes: word(*b"APRS\0\0\0\0"), len: 4 });
        assert_eq!(Tocall::of(b"APDR16-15"), Tocall { bytes: word(*b"APDR16\0\0"), len: 6 });
        assert_eq!(Tocall::of(b"APDR16"), Tocall { bytes: word(*b"APDR16\0\0"), len: 6 });
        assert_eq!(Tocall::of(b"AP"), Tocall { bytes: word(*b"AP\0\0\0\0\0\0"), len: 2 });
        assert_eq!(Tocall::of(b"OGNINRE"), Tocall { bytes: word(*b"OGNINRE\0"), len: 7 });
        assert_eq!(Tocall::of(b"ABCDEFGHI"), Tocall { bytes: word(*b"ABCDEFGH"), len: 9 });
    }

    #[test]
    fn every_pattern_of_the_table_is_found_by_what_it_stands_for() {
        let table = DeviceDatabase::built_in();
        for pattern in &table.patterns {
            let wanted = &table.devices[usize::from(pattern.device)].pattern;
            let example = wanted.replace('?', "Q").replace('n', "7").replace('*', "Q");
            let found = table.by_tocall(&example).expect(wanted);
            assert!(specificity(&found.pattern) >= specificity(wanted), "{example}: {} before {wanted}", found.pattern);
            assert!(pattern.matches(Tocall::of(example.as_bytes())), "{wanted}");
        }
    }

    #[test]
    fn the_built_in_table_knows_tocalls_and_radios() {
        assert!(DeviceDatabase::built_in().len() > 350);
        let model = |line: &[u8]| parse(line).expect("good").device().map(|device| device.model.as_str());
        assert_eq!(model(b"OE9XXX-9>TW2RX5:`~<JrIK>/`Test_5"), Some("FTM-510D"));
        assert_eq!(model(b"OE9XXX-9>TW2RX5:`~<JrIK>/>Test="), Some("TH-D72"));
        assert_eq!(model(b"OE9XXX-9>TW2RX5:`~<JrIK>/>Test"), Some("TH-D7A"));
        assert_eq!(model(b"OE9XXX-9>TW2RX5:`~<JrIK>/]Test= "), Some("TM-D710"));
        assert_eq!(model(b"OE9XXX-9>TW2RX5:`~<JrIK>/`Test_\"  "), Some("FTM-350"));
        assert_eq!(model(b"OE9XXX-9>TW2RX5:`~<JrIK>/`Test_ "), Some("VX-8"));
        assert_eq!(model(b"OE9XXX-9>TW2RX5:`~<JrIK>/`Test_"), Some("VX-8"));
        assert_eq!(model(b"OE9XXX-9>APDR16:>x"), Some("APRSdroid"));
        assert_eq!(model(b"OE9XXX-9>BEACON:>x"), None);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_newer_table_can_be_loaded() {
        let json = r#"{"classes":{},"tocalls":{"APGDW?":{"vendor":"Godwit","model":"Godwit","class":"software"}},
            "mice":{"_5":{"vendor":"Yaesu","model":"FTM-510D"}},"micelegacy":{">=":{"prefix":">","suffix":"=","model":"TH-D72"}}}"#;
        let table = DeviceDatabase::from_json(json).expect("good");
        assert_eq!(table.by_tocall("APGDW1").map(|device| device.vendor.as_str()), Some("Godwit"));
        assert_eq!(table.by_mic_e(b'>', b"=").map(|device| device.model.as_str()), Some("TH-D72"));
        assert!(DeviceDatabase::from_json("[]").is_err());
    }
}
