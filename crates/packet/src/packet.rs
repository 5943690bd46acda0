//! From a line to a [`Packet`]: the header, then by data type (APRS 1.0.1 chapter 5).

use crate::{
    Comment, Dao, Diagnostics, Heard, Message, MicEMessage, ParseError, Path, Phg, Position,
    Symbol, Telemetry, Text, Timestamp, Weather, header, message, mic_e, nmea, object, position,
    status, telemetry, weather,
};

/// What kind of packet it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(
    missing_docs,
    reason = "the names are those of the standard; as_str lists them"
)]
pub enum Kind {
    Position,
    MicE,
    Object,
    Item,
    Message,
    Bulletin,
    Announcement,
    Ack,
    Reject,
    Telemetry,
    TelemetryDefinition,
    Weather,
    Status,
    Query,
    Capabilities,
    Nmea,
    UserDefined,
    ThirdParty,
    Grid,
    Df,
    RawWeather,
    Test,
    Unknown,
}

impl Kind {
    /// The word used in JSON and SQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::MicE => "mic_e",
            Self::Object => "object",
            Self::Item => "item",
            Self::Message => "message",
            Self::Bulletin => "bulletin",
            Self::Announcement => "announcement",
            Self::Ack => "ack",
            Self::Reject => "reject",
            Self::Telemetry => "telemetry",
            Self::TelemetryDefinition => "telemetry_definition",
            Self::Weather => "weather",
            Self::Status => "status",
            Self::Query => "query",
            Self::Capabilities => "capabilities",
            Self::Nmea => "nmea",
            Self::UserDefined => "user_defined",
            Self::ThirdParty => "third_party",
            Self::Grid => "grid",
            Self::Df => "df",
            Self::RawWeather => "raw_weather",
            Self::Test => "test",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a packet begins: sender and header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start<'a> {
    pub(crate) source: &'a str,
}

/// A packet, decoded. Absent is `None`: nothing is zero because it is unknown.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Packet<'a> {
    /// The line.
    pub raw: &'a [u8],
    /// The sender's callsign with SSID.
    pub source: &'a str,
    /// The destination: a tocall, or for Mic-E the latitude.
    pub destination: &'a str,
    /// The path.
    pub path: Path<'a>,
    /// The information field: all after the header's colon.
    pub info: &'a [u8],
    /// What it is.
    pub kind: Kind,
    /// An object's or item's name.
    pub name: Option<&'a [u8]>,
    /// Whether an object or item is live; `false` is a kill.
    pub alive: Option<bool>,
    /// Where.
    pub position: Option<Position>,
    /// Metres above sea level.
    pub altitude_m: Option<f64>,
    /// km/h.
    pub speed_kmh: Option<f32>,
    /// Degrees 1..=360; 360 is north.
    pub course_deg: Option<u16>,
    /// What the map draws.
    pub symbol: Option<Symbol>,
    /// The time in the packet, as sent.
    pub timestamp: Option<Timestamp>,
    /// The comment without what was understood in it.
    pub comment: Comment<'a>,
    /// Whether the sender takes messages.
    pub messaging: Option<bool>,
    /// Power, height, gain.
    pub phg: Option<Phg>,
    /// Pre-computed radio range in km.
    pub range_km: Option<f64>,
    /// Datum and added precision.
    pub dao: Option<Dao>,
    /// The Mic-E message type.
    pub mic_e_message: Option<MicEMessage>,
    /// Weather.
    pub weather: Option<Weather>,
    /// Telemetry values.
    pub telemetry: Option<Telemetry>,
    /// A message, bulletin, ack ...
    pub message: Option<Message<'a>>,
    /// Status text.
    pub status: Option<Text<'a>>,
    /// The packet that a gateway passed on (chapter 17).
    pub third_party: Option<Box<Packet<'a>>>,
    /// What is odd about it.
    pub diagnostics: Diagnostics,
}

impl<'a> Packet<'a> {
    /// How it reached the network.
    #[must_use]
    pub fn heard(&self) -> Heard {
        if self.third_party.is_some() && self.path.heard() == Heard::Direct {
            return Heard::Unknown;
        }
        self.path.heard()
    }

    /// Whether an igate heard it by radio, directly or digipeated.
    #[must_use]
    pub fn via_radio(&self) -> bool {
        matches!(self.path.heard(), Heard::Direct | Heard::Digipeated)
    }

    /// The offset in the line of a slice of it.
    pub(crate) fn offset_of(&self, part: &[u8]) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.raw.as_ptr() as usize)
    }

    pub(crate) fn odd(&mut self, code: &'static str, part: &[u8]) {
        let start = self.offset_of(part);
        self.diagnostics.add(code, start, start + part.len());
    }

    pub(crate) fn bad(&self, code: &'static str, at: &[u8]) -> ParseError<'a> {
        ParseError {
            code,
            offset: self.offset_of(at),
            start: Some(Start {
                source: self.source,
            }),
            kind: Some(self.kind),
        }
    }
}

/// Reads a line (without its line end).
///
/// # Errors
/// The header is broken, or the mandatory part of a known data type is; the error says where, and still knows sender
/// and kind when the header was good.
pub fn parse(line: &[u8]) -> Result<Packet<'_>, ParseError<'_>> {
    parse_nested(line, 0)
}

/// Third-party packets within third-party packets are read to this depth.
const DEPTH: u8 = 2;

fn parse_nested(line: &[u8], depth: u8) -> Result<Packet<'_>, ParseError<'_>> {
    let mut packet = parse_header(line)?;
    let Some((&data_type, body)) = packet.info.split_first() else {
        packet.diagnostics.add("info_empty", line.len(), line.len());
        return Ok(packet);
    };
    match data_type {
        b'!' if body.first() == Some(&b'!') => packet.kind = Kind::RawWeather,
        b'!' | b'=' | b'/' | b'@' => position::report(&mut packet, data_type, body)?,
        b'`' | b'\'' | 0x1c | 0x1d => mic_e::report(&mut packet, data_type, body)?,
        b';' => object::object(&mut packet, body)?,
        b')' => object::item(&mut packet, body)?,
        b':' => message::report(&mut packet, body)?,
        b'>' => status::report(&mut packet, body),
        b'_' => weather::positionless(&mut packet, body),
        b'T' if body.first() == Some(&b'#') => telemetry::report(&mut packet, &body[1..])?,
        b'$' if body.starts_with(b"ULTW") => packet.kind = Kind::RawWeather,
        b'$' => nmea::report(&mut packet, body)?,
        b'#' | b'*' => packet.kind = Kind::RawWeather,
        b'<' => text_of(&mut packet, Kind::Capabilities, body),
        b'?' => text_of(&mut packet, Kind::Query, body),
        b'{' => text_of(&mut packet, Kind::UserDefined, body),
        b',' => text_of(&mut packet, Kind::Test, body),
        b'%' => text_of(&mut packet, Kind::Df, body),
        b'[' => position::grid(&mut packet, body),
        b'}' => third_party(&mut packet, body, depth),
        _ => position::anywhere(&mut packet),
    }
    Ok(packet)
}

fn text_of<'a>(packet: &mut Packet<'a>, kind: Kind, body: &'a [u8]) {
    packet.kind = kind;
    packet.comment = Comment::new(body);
}

fn third_party<'a>(packet: &mut Packet<'a>, body: &'a [u8], depth: u8) {
    packet.kind = Kind::ThirdParty;
    if depth >= DEPTH {
        packet.odd("third_party_depth", body);
        packet.comment = Comment::new(body);
        return;
    }
    match parse_nested(body, depth + 1) {
        Ok(inner) => packet.third_party = Some(Box::new(inner)),
        Err(_) => {
            packet.odd("third_party_inner", body);
            packet.comment = Comment::new(body);
        }
    }
}

fn parse_header(line: &[u8]) -> Result<Packet<'_>, ParseError<'_>> {
    match line.first() {
        None => return Err(ParseError::new("line_empty", 0)),
        Some(b'#') => return Err(ParseError::new("line_comment", 0)),
        Some(_) => {}
    }
    let colon = memchr::memchr(b':', line).ok_or(ParseError::new("header_no_colon", line.len()))?;
    let (head, info) = (&line[..colon], &line[colon + 1..]);
    let arrow = memchr::memchr(b'>', head).ok_or(ParseError::new("header_source", 0))?;
    let source = call(&head[..arrow]).ok_or(ParseError::new("header_source", 0))?;
    let rest = &head[arrow + 1..];
    let comma = memchr::memchr(b',', rest).unwrap_or(rest.len());
    let destination =
        call(&rest[..comma]).ok_or(ParseError::new("header_destination", arrow + 1))?;
    let offset = (arrow + comma + 2).min(colon);
    let path = std::str::from_utf8(&line[offset..colon])
        .map_err(|_| ParseError::new("header_path", offset))?;
    let path = if comma < rest.len() {
        Path::parse(path, offset)?
    } else {
        Path::default()
    };
    let mut packet = Packet {
        raw: line,
        source,
        destination,
        path,
        info,
        kind: Kind::Unknown,
        name: None,
        alive: None,
        position: None,
        altitude_m: None,
        speed_kmh: None,
        course_deg: None,
        symbol: None,
        timestamp: None,
        comment: Comment::default(),
        messaging: None,
        phg: None,
        range_km: None,
        dao: None,
        mic_e_message: None,
        weather: None,
        telemetry: None,
        message: None,
        status: None,
        third_party: None,
        diagnostics: Diagnostics::default(),
    };
    if !header::is_ax25(source) {
        packet.diagnostics.add("ssid_not_ax25", 0, source.len());
    }
    Ok(packet)
}

fn call(bytes: &[u8]) -> Option<&str> {
    if header::is_call(bytes) {
        std::str::from_utf8(bytes).ok()
    } else {
        None
    }
}
