//! Entities: what a symbol on the map stands for, and how packets change them.
//!
//! [`EntityState`] is the latest state of one entity, kept by the store and by the live world alike; both let it
//! follow [`EntityChange`]s by the one rule in [`EntityState::apply`], so they cannot disagree.

use std::{fmt, sync::Arc};

/// A callsign, object or item name: 1 to 9 bytes as sent (APRS 1.0.1 chapters 4 and 11), kept inline.
///
/// Names are compared as bytes: `wx1` and `WX1` are two. Trailing padding spaces are not part of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    bytes: [u8; 9],
    length: u8,
}

impl Name {
    /// The name in these bytes, without trailing spaces; `None` if nothing is left or it is longer than 9 bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.trim_ascii_end();
        if bytes.is_empty() || bytes.len() > 9 {
            return None;
        }
        let mut name = Self { bytes: [0; 9], length: 0 };
        name.bytes[..bytes.len()].copy_from_slice(bytes);
        name.length = u8::try_from(bytes.len()).ok()?;
        Some(name)
    }

    /// The bytes as sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// UTF-8 if it is, else byte for byte as Latin-1: readable, and never replaced by question marks.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        match std::str::from_utf8(self.as_bytes()) {
            Ok(text) => f.write_str(text),
            Err(_) => self.as_bytes().iter().try_for_each(|&byte| f.write_char(char::from(byte))),
        }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

/// What an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    /// A callsign with SSID that transmits.
    Station = 0,
    /// An object (APRS 1.0.1 chapter 11), named by whoever reports it.
    Object = 1,
    /// An item (chapter 11): an object without a time.
    Item = 2,
}

impl EntityKind {
    /// The word used in SQL, JSON and pages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Object => "object",
            Self::Item => "item",
        }
    }

    /// The kind for a stored number; `None` for one we do not know.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Station),
            1 => Some(Self::Object),
            2 => Some(Self::Item),
            _ => None,
        }
    }
}

/// Which entity: an object may bear the name of a callsign and is another entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityKey {
    /// What it is.
    pub kind: EntityKind,
    /// Its name.
    pub name: Name,
}

/// Where an entity was said to be, and what the map draws there. Derived from the raw line next to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// Degrees north, -90..=90.
    pub latitude: f64,
    /// Degrees east, -180..=180.
    pub longitude: f64,
    /// Symbol table as sent: `/`, `\`, or an overlay `0`-`9` `A`-`Z`; 0 if the packet has no symbol.
    pub symbol_table: u8,
    /// Symbol code, `!`..=`~`; 0 if the packet has no symbol.
    pub symbol_code: u8,
    /// Degrees, 1..=360 (360 is north); `None` unknown.
    pub course_deg: Option<u16>,
    /// km/h.
    pub speed_kmh: Option<f32>,
    /// Digits of position ambiguity, 0..=4 (APRS 1.0.1 chapter 6).
    pub ambiguity: u8,
    /// Was heard by radio: by an igate that says so, or by a digipeater.
    pub radio: bool,
    /// The igate heard the sender itself: [`Fix::radio`], and no digipeater repeated the packet.
    pub direct: bool,
    /// Carries weather.
    pub weather: bool,
    /// Radio range in km: as stated (`RNG`), else by the formula for power, height and gain (`PHG`, APRS 1.0.1
    /// chapter 7). `None` if the packet says neither.
    pub range_km: Option<f32>,
}

impl Fix {
    /// The flags of an entity of this kind as all answers in bytes tell them (docs/protocol.md): bits 0-1 kind, 2 radio,
    /// 3 weather, 4-6 ambiguity, 7 heard directly.
    #[must_use]
    pub fn flags(&self, kind: EntityKind) -> u8 {
        kind as u8 | u8::from(self.radio) << 2 | u8::from(self.weather) << 3 | self.ambiguity.min(4) << 4 | u8::from(self.direct) << 7
    }
}

/// One packet's effect on one entity.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityChange {
    /// Which entity.
    pub key: EntityKey,
    /// Who reported it, for objects and items.
    pub owner: Option<Name>,
    /// False when an object or item was killed.
    pub alive: bool,
    /// When it was heard: our receive time, microseconds since 1970 UTC.
    pub heard_at_us: i64,
    /// Where it is, if the packet says so and the pipeline found it fit to show.
    pub fix: Option<Fix>,
    /// The packet.
    pub raw: Arc<[u8]>,
}

/// The latest state of one entity.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityState {
    /// Which entity.
    pub key: EntityKey,
    /// Who reported it last, for objects and items.
    pub owner: Option<Name>,
    /// False after a kill; stays known, is not drawn.
    pub alive: bool,
    /// When it was heard first and last, microseconds since 1970 UTC.
    pub first_heard_us: i64,
    /// See `first_heard_us`.
    pub last_heard_us: i64,
    /// The latest packet about it.
    pub raw: Arc<[u8]>,
    /// The latest position with the time it was received and the packet that said so.
    pub position: Option<(i64, Fix, Arc<[u8]>)>,
}

impl EntityState {
    /// The state after the first packet about an entity.
    #[must_use]
    pub fn new(change: &EntityChange) -> Self {
        let mut state = Self {
            key: change.key,
            owner: change.owner,
            alive: change.alive,
            first_heard_us: change.heard_at_us,
            last_heard_us: change.heard_at_us,
            raw: change.raw.clone(),
            position: None,
        };
        state.apply(change);
        state
    }

    /// How far in the future, microseconds, a time may lie; one further ahead was written under a clock that was ahead: one
    /// hour.
    pub const FUTURE_US: i64 = 3_600_000_000;

    /// Follows a packet as [`EntityState::apply`] does, at this time (microseconds since 1970 UTC): a known time that lies
    /// in the future is a wrong one, and gives way. Else the entity would stand still until that time comes.
    pub fn apply_at(&mut self, change: &EntityChange, now_us: i64) {
        let latest_us = now_us.saturating_add(Self::FUTURE_US);
        if self.last_heard_us > latest_us && change.heard_at_us <= latest_us {
            self.bring_back(change.heard_at_us);
        }
        self.apply(change);
    }

    /// Brings its times back to this one where they are later.
    pub fn bring_back(&mut self, to_us: i64) {
        self.first_heard_us = self.first_heard_us.min(to_us);
        self.last_heard_us = self.last_heard_us.min(to_us);
        if let Some((at_us, ..)) = &mut self.position {
            *at_us = (*at_us).min(to_us);
        }
    }

    /// Follows a packet. One that was heard earlier than what is known (an import, a replay) does not turn time
    /// back. Following the same packet twice changes nothing.
    pub fn apply(&mut self, change: &EntityChange) {
        self.first_heard_us = self.first_heard_us.min(change.heard_at_us);
        if change.heard_at_us >= self.last_heard_us {
            self.last_heard_us = change.heard_at_us;
            self.owner = change.owner;
            self.alive = change.alive;
            self.raw = change.raw.clone();
        }
        if let Some(fix) = change.fix
            && self.position.as_ref().is_none_or(|(at_us, ..)| change.heard_at_us >= *at_us)
        {
            self.position = Some((change.heard_at_us, fix, change.raw.clone()));
        }
    }
}
