//! The JSON form of a packet (feature `serde`): the contract of `godwit decode --format json`. What is not in the
//! packet is not in the object.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::timestamp::rfc3339;
use crate::{DaoPrecision, DeviceDatabase, DiagnosticCode, Kind, Packet, ParseError, TelemetryDefinition, Text, Tone, Weather, parse};

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
        // Capabilities are no comment; they have a key of their own.
        let comment = packet.comment.to_string_lossy();
        optional(&mut map, "comment", (!comment.is_empty() && packet.kind != Kind::Capabilities).then_some(comment))?;
        optional(&mut map, "messaging", packet.messaging)?;
        extras(&mut map, packet)?;
        optional(&mut map, "weather", packet.weather.as_ref().filter(|w| **w != Weather::default()).map(weather))?;
        contents(&mut map, packet)?;
        marks(&mut map, packet)?;
        let device = self.devices.identify(packet).filter(|device| !device.is_unknown()).map(|device| {
            let mut object = serde_json::Map::new();
            let tocall = packet.destination.as_str().split('-').next().unwrap_or_default();
            let parts = [("tocall", tocall), ("vendor", &device.vendor), ("model", &device.model), ("class", &device.class)];
            for (key, value) in parts {
                let is_mic_e = key == "tocall" && packet.mic_e.is_some();
                if !value.is_empty() && value != "Unknown" && !is_mic_e {
                    object.insert(key.to_owned(), value.into());
                }
            }
            object
        });
        optional(&mut map, "device", device)?;
        let inner = packet.third_party.as_deref();
        optional(&mut map, "third_party", inner.map(|packet| View { packet, ..*self }))?;
        if packet.kind == Kind::ThirdParty
            && inner.is_none()
            && let Some(raw) = packet.info.get(1..)
            && let Err(error) = parse(raw)
        {
            map.serialize_entry("third_party", &Json { raw, packet: Err(error), received_at_us: None, devices: self.devices })?;
        }
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
    text(map, "name", packet.name.unwrap_or_default())?;
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
        let mut object = antenna(phg.height_m, phg.gain_db, phg.directivity_deg);
        object.insert("power_w".into(), phg.power_w.into());
        if let Some(rate) = phg.beacons_per_hour {
            object.insert("beacons_per_hour".into(), rate.into());
        }
        object
    });
    optional(map, "phg", phg)?;
    let dfs = packet.dfs.map(|dfs| {
        let mut object = antenna(dfs.height_m, dfs.gain_db, dfs.directivity_deg);
        object.insert("strength".into(), dfs.strength.into());
        object
    });
    optional(map, "dfs", dfs)?;
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
    optional(map, "bearing_error_deg", packet.df.and_then(|df| df.error_deg))?;
    optional(map, "bearing_range_km", packet.df.and_then(|df| df.range_km))?;
    let area = packet.area.map(|area| {
        let mut object = serde_json::Map::new();
        object.insert("shape".into(), area.shape.into());
        object.insert("colour".into(), area.colour.into());
        object.insert("latitude_offset_deg".into(), area.latitude_offset.into());
        object.insert("longitude_offset_deg".into(), area.longitude_offset.into());
        if let Some(miles) = area.corridor_miles {
            object.insert("corridor_km".into(), (miles * 1.609_344).into());
        }
        object
    });
    optional(map, "area", area)?;
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

/// What `PHG` and `DFS` have in common; all round is null.
fn antenna(height_m: f64, gain_db: f64, directivity_deg: Option<u16>) -> serde_json::Map<String, serde_json::Value> {
    let mut object = serde_json::Map::new();
    object.insert("height_m".into(), height_m.into());
    object.insert("gain_db".into(), gain_db.into());
    object.insert("directivity_deg".into(), directivity_deg.into());
    object
}

/// Numbers that are there, by name.
fn readings(readings: &[(&str, Option<f64>)]) -> serde_json::Map<String, serde_json::Value> {
    readings.iter().filter_map(|&(key, value)| Some((key.to_owned(), value?.into()))).collect()
}

/// What gateways and gliders add to the text, and marks in it; the text keeps them.
fn marks<M: SerializeMap>(map: &mut M, packet: &Packet<'_>) -> Result<(), M::Error> {
    let signal = packet.signal().map(|signal| {
        readings(&[("rssi_dbm", signal.rssi_dbm), ("snr_db", signal.snr_db), ("frequency_error_hz", signal.frequency_error_hz)])
    });
    optional(map, "signal", signal)?;
    optional(map, "ogn", packet.ogn().map(ogn))?;
    optional(map, "no_archive", packet.no_archive().then_some(true))?;
    let emergencies: Vec<_> = packet.emergencies().into_iter().map(crate::Emergency::as_str).collect();
    optional(map, "emergency", (!emergencies.is_empty()).then_some(emergencies))?;
    let query = packet.query().filter(|_| packet.message.is_none()).map(|asked| {
        let (latitude, longitude, range_km) = packet.query_area().map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)));
        let mut object = readings(&[("latitude", latitude), ("longitude", longitude), ("range_km", range_km)]);
        object.insert("type".into(), asked.to_string_lossy().into());
        object
    });
    optional(map, "query", query)
}

fn ogn(ogn: crate::Ogn<'_>) -> serde_json::Map<String, serde_json::Value> {
    let mut object = readings(&[
        ("climb_ms", ogn.climb_ms),
        ("turn_deg_s", ogn.turn_deg_s),
        ("flight_level", ogn.flight_level),
        ("snr_db", ogn.snr_db),
        ("bit_errors", ogn.bit_errors.map(f64::from)),
        ("frequency_offset_khz", ogn.frequency_offset_khz),
        ("horizontal_accuracy_m", ogn.accuracy_m.map(|(horizontal, _)| f64::from(horizontal))),
        ("vertical_accuracy_m", ogn.accuracy_m.map(|(_, vertical)| f64::from(vertical))),
        ("power_dbm", ogn.power_dbm),
    ]);
    if let Some(aircraft) = ogn.aircraft {
        object.insert("address".into(), format!("{:06X}", aircraft.address).into());
        object.insert("address_type".into(), aircraft.address_type.into());
        object.insert("aircraft_type".into(), aircraft.aircraft_type.into());
        object.insert("stealth".into(), aircraft.stealth.into());
        object.insert("no_track".into(), aircraft.no_track.into());
    }
    let words = [
        ("software", ogn.software),
        ("hardware", ogn.hardware),
        ("flight", ogn.flight),
        ("registration", ogn.registration),
        ("model", ogn.model),
    ];
    object.extend(words.into_iter().filter_map(|(key, word)| Some((key.to_owned(), word?.into()))));
    object
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
    let mut object = readings(&[
        ("wind_speed_ms", storm.wind_speed_ms),
        ("wind_gust_ms", storm.wind_gust_ms),
        ("pressure_hpa", storm.pressure_hpa),
        ("hurricane_radius_km", storm.hurricane_radius_km),
        ("storm_radius_km", storm.storm_radius_km),
        ("gale_radius_km", storm.gale_radius_km),
    ]);
    object.insert("stage".into(), storm.stage.as_str().into());
    object
}

fn weather(weather: &Weather<'_>) -> serde_json::Map<String, serde_json::Value> {
    let mut object = readings(&[
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
    ]);
    if let Some(software) = weather.software {
        object.insert("software".into(), software.to_string_lossy().into());
    }
    object
}

fn contents<M: SerializeMap>(map: &mut M, packet: &Packet<'_>) -> Result<(), M::Error> {
    let telemetry = packet.telemetry.map(|telemetry| {
        let mut object = serde_json::Map::new();
        match telemetry.sequence {
            Some(number) => _ = object.insert("sequence".into(), number.into()),
            None if telemetry.sequence_text.is_empty() => {}
            None => _ = object.insert("sequence".into(), telemetry.sequence_text.to_string_lossy().into()),
        }
        // The place in the list says which channel; one left empty between others can only be null.
        object.insert("values".into(), telemetry.values().into());
        if let Some(bits) = telemetry.bits {
            object.insert("bits".into(), format!("{bits:08b}").into());
        }
        object
    });
    optional(map, "telemetry", telemetry)?;
    optional(map, "telemetry_definition", packet.telemetry_definition().map(definition))?;
    optional(map, "message", packet.message.as_ref().map(Message))?;
    text(map, "status", packet.status.map(|status| status.text).unwrap_or_default())?;
    optional(map, "beam_deg", packet.status.and_then(|status| status.beam_deg))?;
    optional(map, "erp_w", packet.status.and_then(|status| status.power_w))?;
    let capabilities = packet.capabilities().map(|list| {
        let entry = |(name, value): (Text<'_>, Option<Text<'_>>)| match value {
            Some(value) => serde_json::json!({"name": name.to_string_lossy(), "value": value.to_string_lossy()}),
            None => serde_json::json!({"name": name.to_string_lossy()}),
        };
        list.filter(|(name, _)| !name.is_empty()).map(entry).collect::<Vec<_>>()
    });
    optional(map, "capabilities", capabilities.filter(|list| !list.is_empty()))
}

/// One key for each sort of definition. The place in a list says which channel or bit; one without a name is empty.
fn definition(definition: TelemetryDefinition<'_>) -> serde_json::Value {
    let words = |list: Vec<Text<'_>>| list.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>();
    match definition {
        TelemetryDefinition::Names(list) => serde_json::json!({"names": words(list)}),
        TelemetryDefinition::Units(list) => serde_json::json!({"units": words(list)}),
        TelemetryDefinition::Equations(equations) => serde_json::json!({"equations": equations}),
        TelemetryDefinition::Bits { sense, project } if project.is_empty() => serde_json::json!({"sense": format!("{sense:08b}")}),
        TelemetryDefinition::Bits { sense, project } => {
            serde_json::json!({"sense": format!("{sense:08b}"), "project": project.to_string_lossy()})
        }
    }
}

struct Message<'p, 'a>(&'p crate::Message<'a>);

impl Serialize for Message<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("addressee", &self.0.addressee.to_string_lossy())?;
        text(&mut map, "text", self.0.text)?;
        text(&mut map, "id", self.0.id.unwrap_or_default())?;
        // Empty is a value here: the sender can read such answers and has none to give.
        optional(&mut map, "reply_ack", self.0.reply_ack.map(Text::to_string_lossy))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telemetry_definitions_are_fields() {
        let definition = |text: &str| {
            let line = format!("OE9XXX-11>APRS::OE9XXX-11:{text}");
            serde_json::to_value(json(line.as_bytes())).expect("writes")["telemetry_definition"].clone()
        };
        assert_eq!(definition("PARM.Volt,,Temp"), serde_json::json!({"names": ["Volt", "", "Temp"]}));
        assert_eq!(definition("UNIT.V{12"), serde_json::json!({"units": ["V"]}));
        assert_eq!(definition("EQNS.0,0.5,-1")["equations"][0], serde_json::json!([0.0, 0.5, -1.0]));
        assert_eq!(definition("BITS.10100000,Hut"), serde_json::json!({"sense": "10100000", "project": "Hut"}));
        assert_eq!(definition("BITS.no"), serde_json::Value::Null);
    }
}
