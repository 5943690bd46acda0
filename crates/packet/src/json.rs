//! The JSON form of a packet (feature `serde`): the contract of `godwit decode --format json`. What is not in the
//! packet is not in the object.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::timestamp::rfc3339;
use crate::{DaoPrecision, DeviceDatabase, DiagnosticCode, Packet, ParseError, Text, Tone, Weather, parse};

/// A line as a JSON object: the packet, or `error`.
///
/// `raw` is the line as text. A line that is not valid UTF-8 is written with each byte as the character of the same
/// number (Latin-1), and `"raw_encoding": "latin1"` is added, so that the bytes can be had back.
#[derive(Debug)]
pub struct Json<'a, 'd> {
    raw: &'a [u8],
    packet: Result<Packet<'a>, ParseError<'a>>,
    received_at_us: Option<i64>,
    devices: &'d DeviceDatabase,
}

/// Reads a line for serializing. Timestamps without a full date are left out, since no time of reception is known.
#[must_use]
pub fn json(line: &[u8]) -> Json<'_, 'static> {
    json_with(line, None, DeviceDatabase::built_in())
}

/// Reads a line for serializing, with the time of reception (microseconds since 1970 UTC) that timestamps are resolved
/// against, and the devices to look in.
#[must_use]
pub fn json_with<'a, 'd>(line: &'a [u8], received_at_us: Option<i64>, devices: &'d DeviceDatabase) -> Json<'a, 'd> {
    Json { raw: crate::info::strip_end(line), packet: parse(line), received_at_us, devices }
}

impl Serialize for Json<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.packet {
            Ok(packet) => View { packet, received_at_us: self.received_at_us, devices: self.devices }.serialize(serializer),
            Err(error) => {
                let mut map = serializer.serialize_map(None)?;
                raw(&mut map, self.raw)?;
                if let Some(header) = &error.header {
                    map.serialize_entry("source", header.source.as_str())?;
                    map.serialize_entry("destination", header.destination.as_str())?;
                }
                if let Some(kind) = error.kind {
                    map.serialize_entry("kind", kind.as_str())?;
                }
                if let Some(name) = error.name {
                    map.serialize_entry("name", &name.to_string_lossy())?;
                }
                let error = serde_json::json!({"code": error.code.as_str(), "message": error.message(), "offset": error.offset});
                map.serialize_entry("error", &error)?;
                map.end()
            }
        }
    }
}

fn raw<M: SerializeMap>(map: &mut M, line: &[u8]) -> Result<(), M::Error> {
    if let Ok(text) = std::str::from_utf8(line) {
        return map.serialize_entry("raw", text);
    }
    map.serialize_entry("raw", &line.iter().map(|&byte| char::from(byte)).collect::<String>())?;
    map.serialize_entry("raw_encoding", "latin1")
}

/// One packet, nested ones included.
struct View<'p, 'a> {
    packet: &'p Packet<'a>,
    received_at_us: Option<i64>,
    devices: &'p DeviceDatabase,
}

/// Writes an entry if there is a value.
fn optional<M: SerializeMap, V: Serialize>(map: &mut M, key: &'static str, value: Option<V>) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(key, &value),
        None => Ok(()),
    }
}

/// Writes a text if there is one.
fn text<M: SerializeMap>(map: &mut M, key: &'static str, value: Text<'_>) -> Result<(), M::Error> {
    optional(map, key, (!value.is_empty()).then(|| value.to_string_lossy()))
}

impl Serialize for View<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let packet = self.packet;
        raw(&mut map, packet.raw)?;
        header(&mut map, packet)?;
        place(&mut map, packet)?;
        let time = packet.timestamp.and_then(|time| match (time.form, self.received_at_us) {
            (crate::TimestampForm::Full, _) => time.resolve(0),
            (_, Some(received)) => time.resolve(received),
            (_, None) => None,
        });
        optional(&mut map, "timestamp", time.map(rfc3339))?;
        let comment = packet.comment.to_string_lossy();
        optional(&mut map, "comment", (!comment.is_empty()).then_some(comment))?;
        optional(&mut map, "messaging", packet.messaging)?;
        extras(&mut map, packet)?;
        optional(&mut map, "weather", packet.weather.as_ref().filter(|w| **w != Weather::default()).map(weather))?;
        contents(&mut map, packet)?;
        let device = self.devices.identify(packet).filter(|device| !device.is_unknown()).map(|device| {
            let mut object = serde_json::Map::new();
            let parts =
                [("tocall", packet.destination.as_str()), ("vendor", &device.vendor), ("model", &device.model), ("class", &device.class)];
            for (key, value) in parts {
                let is_mic_e = key == "tocall" && packet.mic_e.is_some();
                if !value.is_empty() && !is_mic_e {
                    object.insert(key.to_owned(), value.into());
                }
            }
            object
        });
        optional(&mut map, "device", device)?;
        let inner = packet.third_party.as_deref();
        optional(&mut map, "third_party", inner.map(|packet| View { packet, ..*self }))?;
        let diagnostics: Vec<_> = packet.diagnostics.iter().map(|d| diagnostic(d.code, d.start, d.end)).collect();
        map.serialize_entry("diagnostics", &diagnostics)?;
        map.end()
    }
}

fn diagnostic(code: DiagnosticCode, start: u16, end: u16) -> serde_json::Value {
    serde_json::json!({"code": code.as_str(), "message": code.message(), "start": start, "end": end})
}

fn header<M: SerializeMap>(map: &mut M, packet: &Packet<'_>) -> Result<(), M::Error> {
    map.serialize_entry("source", packet.source.as_str())?;
    map.serialize_entry("destination", packet.destination.as_str())?;
    let path: Vec<_> = packet.path.iter().map(|hop| serde_json::json!({"callsign": hop.callsign, "used": hop.used})).collect();
    map.serialize_entry("path", &path)?;
    optional(map, "q_construct", packet.q_construct())?;
    optional(map, "igate", packet.igate())?;
    map.serialize_entry("heard", packet.heard().as_str())?;
    map.serialize_entry("kind", packet.kind.as_str())?;
    optional(map, "name", packet.name.map(Text::to_string_lossy))?;
    optional(map, "alive", packet.alive)
}

fn place<M: SerializeMap>(map: &mut M, packet: &Packet<'_>) -> Result<(), M::Error> {
    let position = packet.position.map(|position| {
        serde_json::json!({
            "latitude": position.latitude, "longitude": position.longitude, "ambiguity": position.ambiguity,
            "resolution_m": position.resolution_m, "format": position.format.as_str(),
        })
    });
    optional(map, "position", position)?;
    optional(map, "altitude_m", packet.altitude_m)?;
    optional(map, "speed_kmh", packet.speed_kmh)?;
    optional(map, "course_deg", packet.course_deg)?;
    optional(map, "symbol", packet.symbol.map(|symbol| serde_json::json!({"table": symbol.table, "code": symbol.code})))
}

fn extras<M: SerializeMap>(map: &mut M, packet: &Packet<'_>) -> Result<(), M::Error> {
    let phg = packet.phg.map(|phg| {
        serde_json::json!({
            "power_w": phg.power_w, "height_m": phg.height_m, "gain_db": phg.gain_db, "directivity_deg": phg.directivity_deg,
        })
    });
    optional(map, "phg", phg)?;
    optional(map, "range_km", packet.range_km)?;
    let dao = packet.dao.map(|dao| {
        let precision = match dao.precision {
            DaoPrecision::DatumOnly => "datum",
            DaoPrecision::Digit => "digit",
            DaoPrecision::Base91 => "base91",
        };
        serde_json::json!({"datum": dao.datum, "precision": precision})
    });
    optional(map, "dao", dao)?;
    optional(map, "frequency", packet.frequency.map(frequency))?;
    optional(map, "bearing_deg", packet.df.map(|df| df.bearing_deg))?;
    optional(map, "storm", packet.storm().map(storm))?;
    optional(map, "signpost", packet.signpost().map(Text::to_string_lossy))?;
    let outline = packet.outline().map(|outline| {
        let corners: Vec<_> = outline.offsets.iter().map(|&(north, east)| [north, east]).collect();
        serde_json::json!({"line": outline.line, "closed": outline.is_closed, "offsets_deg": corners})
    });
    optional(map, "outline", outline)?;
    let dx = packet.dx_spot().map(|spot| {
        serde_json::json!({"spotter": spot.spotter, "frequency_khz": spot.frequency_khz, "spotted": spot.spotted,
            "text": spot.text.to_string_lossy()})
    });
    optional(map, "dx_spot", dx)?;
    optional(map, "mic_e_message", packet.mic_e_message.map(crate::MicEMessage::as_str))
}

fn frequency(frequency: crate::Frequency) -> serde_json::Map<String, serde_json::Value> {
    let mut object = serde_json::Map::new();
    object.insert("mhz".into(), frequency.mhz.into());
    let tone = frequency.tone.map(|tone| match tone {
        Tone::Ctcss(hertz) => serde_json::json!({"ctcss_hz": hertz}),
        Tone::ToneSquelch(hertz) => serde_json::json!({"tone_squelch_hz": hertz}),
        Tone::Dcs(code) => serde_json::json!({"dcs": format!("{code:03}")}),
        Tone::Burst => serde_json::json!({"burst_hz": 1750}),
        Tone::Off => serde_json::json!("off"),
    });
    let parts = [
        ("tone", tone),
        ("offset_khz", frequency.offset_khz.map(Into::into)),
        ("range_km", frequency.range_km.map(Into::into)),
        ("receive_mhz", frequency.receive_mhz.map(Into::into)),
    ];
    for (key, value) in parts {
        if let Some(value) = value {
            object.insert(key.into(), value);
        }
    }
    object
}

fn storm(storm: crate::Storm) -> serde_json::Map<String, serde_json::Value> {
    let readings = [
        ("wind_speed_ms", storm.wind_speed_ms),
        ("wind_gust_ms", storm.wind_gust_ms),
        ("pressure_hpa", storm.pressure_hpa),
        ("hurricane_radius_km", storm.hurricane_radius_km),
        ("storm_radius_km", storm.storm_radius_km),
        ("gale_radius_km", storm.gale_radius_km),
    ];
    let mut object: serde_json::Map<_, _> = readings.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect();
    object.insert("stage".into(), storm.stage.as_str().into());
    object
}

fn weather(weather: &Weather<'_>) -> serde_json::Map<String, serde_json::Value> {
    let readings = [
        ("temperature_c", weather.temperature_c),
        ("humidity_percent", weather.humidity_percent),
        ("pressure_hpa", weather.pressure_hpa),
        ("wind_direction_deg", weather.wind_direction_deg),
        ("wind_speed_ms", weather.wind_speed_ms),
        ("wind_gust_ms", weather.wind_gust_ms),
        ("rain_1h_mm", weather.rain_1h_mm),
        ("rain_24h_mm", weather.rain_24h_mm),
        ("rain_midnight_mm", weather.rain_midnight_mm),
        ("rain_total_mm", weather.rain_total_mm),
        ("rain_counter", weather.rain_counter.map(f64::from)),
        ("snow_24h_mm", weather.snow_24h_mm),
        ("luminosity_wm2", weather.luminosity_wm2),
        ("water_level_m", weather.water_level_m),
        ("battery_v", weather.battery_v),
        ("radiation_nsvh", weather.radiation_nsvh),
        ("indoor_temperature_c", weather.indoor_temperature_c),
        ("indoor_humidity_percent", weather.indoor_humidity_percent),
    ];
    let mut object: serde_json::Map<_, _> = readings.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect();
    if let Some(software) = weather.software {
        object.insert("software".into(), software.to_string_lossy().into());
    }
    object
}

fn contents<M: SerializeMap>(map: &mut M, packet: &Packet<'_>) -> Result<(), M::Error> {
    let telemetry = packet.telemetry.map(|telemetry| {
        let mut object = serde_json::Map::new();
        let sequence = telemetry.sequence.map_or_else(|| telemetry.sequence_text.to_string_lossy().into(), Into::into);
        object.insert("sequence".into(), sequence);
        // The place in the list says which channel; one left empty between others can only be null.
        object.insert("values".into(), telemetry.values().into());
        if let Some(bits) = telemetry.bits {
            object.insert("bits".into(), format!("{bits:08b}").into());
        }
        object
    });
    optional(map, "telemetry", telemetry)?;
    optional(map, "message", packet.message.as_ref().map(Message))?;
    optional(map, "status", packet.status.map(|status| status.text.to_string_lossy()))
}

struct Message<'p, 'a>(&'p crate::Message<'a>);

impl Serialize for Message<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("addressee", &self.0.addressee.to_string_lossy())?;
        text(&mut map, "text", self.0.text)?;
        text(&mut map, "id", self.0.id.unwrap_or_default())?;
        text(&mut map, "reply_ack", self.0.reply_ack.unwrap_or_default())?;
        map.end()
    }
}
