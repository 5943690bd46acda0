//! Which radio or program sent a packet: by destination (tocall), Mic-E suffix or legacy Mic-E type byte.
//!
//! The table built in is the public aprs-deviceid database (CC BY-SA 2.0, see `data/devices.tsv`); a newer one can be
//! loaded in its own JSON form with feature `serde`. The most specific entry wins.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
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
    /// True for entries that say only that nothing is known, such as that of the address `APRS`.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.vendor == "Unknown" && self.model == "Unknown"
    }
}

/// Hashes a few bytes of a tocall: the table is built from trusted data, so nobody can aim at collisions.
#[derive(Debug, Clone, Copy, Default)]
struct TocallHasher(u64);

impl Hasher for TocallHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
        self.0 = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

type ByTocall<K, V> = HashMap<K, V, BuildHasherDefault<TocallHasher>>;

/// Devices by tocall and Mic-E suffix. A few hundred entries.
#[derive(Debug, Clone, Default)]
pub struct DeviceDatabase {
    devices: Vec<Device>,
    /// Tocalls by their first four bytes where those are literal, most specific first; with the rest of the pattern.
    by_head: ByTocall<[u8; 4], Vec<([u8; TAIL], u16)>>,
    /// The other tocalls, most specific first.
    loose: Vec<u16>,
    /// Two-byte Mic-E suffixes.
    suffixes: ByTocall<[u8; 2], u16>,
    /// Type byte and, if any, one-byte suffix.
    legacy: Vec<(u8, Option<u8>, u16)>,
}

/// Bytes kept of a pattern behind its first four; an address has six in all.
const TAIL: usize = 4;

fn is_wildcard(byte: u8) -> bool {
    matches!(byte, b'?' | b'*' | b'n')
}

/// Literal bytes, then fewer wildcards, then digits before any character before any tail: greater is more specific.
fn specificity(pattern: &str) -> (usize, usize, usize) {
    let wild = pattern.bytes().filter(|&byte| is_wildcard(byte)).count();
    let rank = pattern.bytes().map(|byte| usize::from(byte == b'*') * 100 + usize::from(byte == b'?')).sum::<usize>();
    (pattern.len() - wild, usize::MAX - wild, usize::MAX - rank)
}

fn matches(pattern: &[u8], tocall: &[u8]) -> bool {
    let mut rest = tocall;
    for &wanted in pattern {
        match wanted {
            b'*' => return true,
            // The filling of a short pattern.
            0 => break,
            _ => {}
        }
        let Some((&byte, after)) = rest.split_first() else {
            return false;
        };
        let fits = match wanted {
            b'?' => true,
            b'n' => byte.is_ascii_digit(),
            _ => byte == wanted,
        };
        if !fits {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
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
        let pattern = device.pattern.as_bytes();
        match (kind, pattern) {
            ("tocall", &[a, b, c, e, ref rest @ ..]) if rest.len() <= TAIL && ![a, b, c, e].iter().any(|&byte| is_wildcard(byte)) => {
                let mut tail = [0; TAIL];
                tail[..rest.len()].copy_from_slice(rest);
                self.by_head.entry([a, b, c, e]).or_default().push((tail, at));
            }
            ("tocall", _) => self.loose.push(at),
            ("mice", &[a, b]) => {
                self.suffixes.insert([a, b], at);
            }
            ("legacy", &[prefix]) => self.legacy.push((prefix, None, at)),
            ("legacy", &[prefix, suffix]) => self.legacy.push((prefix, Some(suffix), at)),
            _ => return,
        }
        self.devices.push(device);
    }

    fn sort(&mut self) {
        let devices = &self.devices;
        let order = |at: &u16| std::cmp::Reverse(specificity(&devices[usize::from(*at)].pattern));
        self.by_head.values_mut().for_each(|list| list.sort_by_key(|(_, at)| order(at)));
        self.loose.sort_by_key(order);
        self.legacy.sort_by_key(|&(_, suffix, _)| suffix.is_none());
    }

    /// The device of a destination, SSID ignored.
    #[must_use]
    pub fn by_tocall(&self, destination: &str) -> Option<&Device> {
        let tocall = destination.as_bytes();
        let end = tocall.iter().position(|&byte| byte == b'-').unwrap_or(tocall.len());
        let tocall = &tocall[..end];
        let near = tocall.split_first_chunk::<4>().and_then(|(head, rest)| {
            let list = self.by_head.get(head)?;
            list.iter().find(|(tail, _)| matches(tail, rest)).map(|(_, at)| at)
        });
        let loose = |at: &&u16| matches(self.devices[usize::from(**at)].pattern.as_bytes(), tocall);
        let at = near.or_else(|| self.loose.iter().find(loose))?;
        self.devices.get(usize::from(*at))
    }

    /// The device of a Mic-E packet: two-byte suffix, else type byte with one-byte suffix, else type byte alone.
    #[must_use]
    pub fn by_mic_e(&self, type_byte: u8, suffix: &[u8]) -> Option<&Device> {
        let at = match *suffix {
            [a, b] if matches!(type_byte, b'`' | b'\'') => *self.suffixes.get(&[a, b])?,
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
        self.by_tocall(packet.destination)
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
    }

    #[test]
    fn the_built_in_table_knows_tocalls_and_radios() {
        assert!(DeviceDatabase::built_in().len() > 350);
        let model = |line: &[u8]| parse(line).expect("good").device().map(|device| device.model.as_str());
        assert_eq!(model(b"OE9XXX-9>TW2RX5:`~<JrIK>/`Test_5"), Some("FTM-510D"));
        assert_eq!(model(b"OE9XXX-9>TW2RX5:`~<JrIK>/>Test="), Some("TH-D72"));
        assert_eq!(model(b"OE9XXX-9>TW2RX5:`~<JrIK>/>Test"), Some("TH-D7A"));
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
