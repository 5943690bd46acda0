//! What a row of the archive holds: this list is the schema, the writer and docs/archive.md.

use std::borrow::Cow;

use godwit_packet::{Packet, Text, parse};
use godwit_pipeline::EntityKind;

use crate::StoredPacket;

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'p> {
    Whole(i64),
    Number(f64),
    Bytes(Cow<'p, [u8]>),
}

/// How a column is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// INT64.
    Whole,
    /// INT64, microseconds since 1970 UTC as a timestamp.
    Time,
    /// DOUBLE.
    Number,
    /// BYTE_ARRAY as UTF-8.
    Text,
    /// BYTE_ARRAY.
    Bytes,
}

impl Kind {
    /// As docs/archive.md calls it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "INT64",
            Self::Time => "TIMESTAMP (µs, UTC)",
            Self::Number => "DOUBLE",
            Self::Text => "STRING",
            Self::Bytes => "BYTE_ARRAY",
        }
    }
}

/// A packet and what it says.
pub(super) struct Row<'p> {
    packet: &'p StoredPacket,
    outer: Option<&'p Packet<'p>>,
    /// The packet inside a third-party one, else the packet.
    subject: Option<&'p Packet<'p>>,
}

/// A column.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Every row has it.
    pub(super) required: bool,
    pub(super) what: &'static str,
    value: for<'p> fn(&Row<'p>) -> Option<Value<'p>>,
}

/// The columns of a row, in the order of [`COLUMNS`].
pub(super) fn with_values(packet: &StoredPacket, mut take: impl FnMut(usize, Option<Value<'_>>)) {
    // A bad line has no columns but those of the store, as far as its header could be read.
    let parsed = parse(&packet.raw).ok();
    let row = Row { packet, outer: parsed.as_ref(), subject: parsed.as_ref().map(Packet::innermost) };
    for (at, column) in COLUMNS.iter().enumerate() {
        take(at, (column.value)(&row));
    }
}

fn text<'p>(text: &(impl AsRef<str> + ?Sized)) -> Option<Value<'p>> {
    let text = text.as_ref();
    (!text.is_empty()).then(|| Value::Bytes(Cow::Owned(text.as_bytes().to_vec())))
}

fn lossy<'p>(value: Text<'_>) -> Option<Value<'p>> {
    text(&value.to_string_lossy())
}

macro_rules! column {
    ($name:literal, $kind:ident, required, $what:literal, $value:expr) => {
        Column { name: $name, kind: Kind::$kind, required: true, what: $what, value: $value }
    };
    ($name:literal, $kind:ident, $what:literal, $value:expr) => {
        Column { name: $name, kind: Kind::$kind, required: false, what: $what, value: $value }
    };
}

/// A number of its weather.
macro_rules! weather {
    ($name:literal, $field:ident, $what:literal) => {
        column!($name, Number, $what, |row| row.subject?.weather.as_ref()?.$field.map(Value::Number))
    };
}

/// Every column. A new one goes to the end; none changes its meaning.
pub(super) const COLUMNS: &[Column] = &[
    column!("id", Whole, required, "unique number of the packet: `received_at` in microseconds, made unique", |row| Some(Value::Whole(
        row.packet.id
    ))),
    column!("received_at", Time, required, "when it was received", |row| Some(Value::Whole(row.packet.received_at_us))),
    column!("verdict", Text, required, "`accepted`, `duplicate`, `implausible`, `bad`", |row| text(row.packet.verdict)),
    column!("reason", Text, "why, for the last two", |row| text(row.packet.reason.as_ref()?)),
    column!("kind", Text, required, "`position`, `mic_e`, `object`, `message` ... (docs/decode.md)", |row| text(row.packet.kind)),
    column!("raw", Bytes, required, "the line as received, byte for byte, without its end", |row| Some(Value::Bytes(Cow::Borrowed(
        &row.packet.raw
    )))),
    column!("source", Text, "callsign of the sender (of the packet inside a third-party one)", |row| text(&row.packet.sender?.to_string())),
    column!("entity_kind", Text, "what the packet is about: `station`, `object`, `item`", |row| text(entity(row.subject?).0.as_str())),
    column!("name", Text, "callsign, or name of the object or item", |row| lossy_bytes(entity(row.subject?).1)),
    column!("destination", Text, "destination address: mostly the sender's software (tocall)", |row| text(
        row.subject?.destination.as_str()
    )),
    column!("path", Text, "path as sent, of the outer packet, with `*` and q construct", |row| text(row.outer?.path.as_str())),
    column!("igate", Text, "callsign of the igate", |row| text(row.outer?.path.igate()?)),
    column!("latitude", Number, "degrees north, WGS84", |row| Some(Value::Number(row.subject?.position?.latitude))),
    column!("longitude", Number, "degrees east", |row| Some(Value::Number(row.subject?.position?.longitude))),
    column!("ambiguity", Whole, "digits of the position left out, 0 to 4", |row| Some(Value::Whole(
        row.subject?.position?.ambiguity.into()
    ))),
    column!("altitude_m", Number, "metres above sea level", |row| row.subject?.altitude_m.map(Value::Number)),
    column!("speed_kmh", Number, "km/h over ground", |row| row.subject?.speed_kmh.map(Value::Number)),
    column!("course_deg", Number, "course over ground, above 0 to 360", |row| row.subject?.course_deg.map(Value::Number)),
    column!("symbol", Text, "symbol table (or overlay) and code, two characters", |row| {
        let symbol = row.subject?.symbol?;
        text(&format!("{}{}", symbol.table, symbol.code))
    }),
    column!("comment", Text, "comment", |row| text(&row.subject?.comment.to_string_lossy())),
    column!("status", Text, "status text", |row| lossy(row.subject?.status.as_ref()?.text)),
    column!("addressee", Text, "addressee of a message or bulletin", |row| lossy(row.subject?.message.as_ref()?.addressee)),
    column!("message", Text, "text of a message or bulletin", |row| lossy(row.subject?.message.as_ref()?.text)),
    column!("message_id", Text, "number of a message", |row| lossy(row.subject?.message.as_ref()?.id?)),
    weather!("temperature_c", temperature_c, "°C"),
    weather!("humidity_percent", humidity_percent, "relative humidity, percent"),
    weather!("pressure_hpa", pressure_hpa, "air pressure, hPa"),
    weather!("wind_direction_deg", wind_direction_deg, "where the wind comes from, degrees"),
    weather!("wind_speed_ms", wind_speed_ms, "mean wind, m/s"),
    weather!("wind_gust_ms", wind_gust_ms, "strongest gust, m/s"),
    weather!("rain_1h_mm", rain_1h_mm, "rain of the last hour, mm"),
    weather!("rain_24h_mm", rain_24h_mm, "rain of the last 24 hours, mm"),
    weather!("rain_midnight_mm", rain_midnight_mm, "rain since local midnight, mm"),
    weather!("snow_24h_mm", snow_24h_mm, "snow of the last 24 hours, mm"),
    weather!("luminosity_wm2", luminosity_wm2, "sunlight, W/m²"),
];

fn entity<'p>(packet: &'p Packet<'p>) -> (EntityKind, &'p [u8]) {
    let named = packet.name.map(godwit_packet::Text::bytes);
    match (packet.kind, named) {
        (godwit_packet::Kind::Object, Some(name)) => (EntityKind::Object, name),
        (godwit_packet::Kind::Item, Some(name)) => (EntityKind::Item, name),
        _ => (EntityKind::Station, packet.source.as_bytes()),
    }
}

fn lossy_bytes<'p>(bytes: &[u8]) -> Option<Value<'p>> {
    text(&godwit_pipeline::Name::new(bytes)?.to_string())
}

/// The page docs/archive.md has this table in it.
#[must_use]
pub fn columns_page() -> String {
    let mut page = String::from("| column | type | absent | what |\n|---|---|---|---|\n");
    for column in COLUMNS {
        let absent = if column.required { "never" } else { "unless sent" };
        page += &format!("| `{}` | {} | {absent} | {} |\n", column.name, column.kind.as_str(), column.what);
    }
    page
}
