//! The JSON form of a decoded line (docs/decode.md): absent means absent, no nulls, no zeros for unknown.

use serde_json::{Map, Value, json};

use crate::{Format, Packet, Text, parse, symbol_name};

/// One object for a line: `raw`, and either `error` or what was decoded. Bytes of `raw` that are not UTF-8 are shown as
/// [`Text`] shows them, and the exact bytes stand in `raw_hex`.
#[must_use]
pub fn json(line: &[u8]) -> Value {
    let mut object = match parse(line) {
        Ok(packet) => decoded(&packet),
        Err(error) => {
            let mut object = Map::new();
            object.insert("error".into(), json!({ "code": error.code(), "message": error.message(), "offset": error.offset() }));
            object
        }
    };
    if !Text(line).is_utf8() {
        object.insert(
            "raw_hex".into(),
            line.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into(),
        );
    }
    object.insert("raw".into(), text(line));
    Value::Object(object)
}

fn text(bytes: &[u8]) -> Value {
    Text(bytes).to_text().into_owned().into()
}

/// At most so many decimals: what the form of the packet can tell.
fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}

fn decoded(packet: &Packet<'_>) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            object.insert(name.into(), value);
        }
    };
    put("source", packet.source.into());
    put("destination", packet.destination.into());
    put(
        "path",
        packet
            .path
            .iter()
            .map(|hop| json!({ "callsign": hop.callsign, "used": hop.used }))
            .collect(),
    );
    put("q_construct", packet.path.q_construct().into());
    put("igate", packet.path.igate().into());
    put("heard", packet.heard().as_str().into());
    put("kind", packet.kind.as_str().into());
    put("name", packet.name.map_or(Value::Null, text));
    put("alive", packet.alive.into());
    put("position", packet.position.map_or(Value::Null, |position| {
        let decimals = if position.format == Format::Plain && position.ambiguity > 0 { 5 } else { 6 };
        json!({
            "latitude": rounded(position.latitude, decimals), "longitude": rounded(position.longitude, decimals),
            "ambiguity": position.ambiguity, "resolution_m": rounded(position.resolution_m, 2), "format": position.format.as_str(),
        })
    }));
    put(
        "altitude_m",
        packet.altitude_m.map(|metres| rounded(metres, 2)).into(),
    );
    put(
        "speed_kmh",
        packet
            .speed_kmh
            .map(|speed| rounded(f64::from(speed), 3))
            .into(),
    );
    put("course_deg", packet.course_deg.into());
    put("symbol", packet.symbol.map_or(Value::Null, |symbol| {
        json!({ "table": char::from(symbol.table).to_string(), "code": char::from(symbol.code).to_string(), "name": symbol_name(symbol.table, symbol.code) })
    }));
    if !packet.comment.is_empty() {
        put("comment", packet.comment.to_string().into());
    }
    put("messaging", packet.messaging.into());
    put("phg", packet.phg.map_or(Value::Null, |phg| {
        json!({ "power_w": phg.power_w, "height_m": rounded(phg.height_m, 2), "gain_db": phg.gain_db, "directivity_deg": phg.directivity_deg })
    }));
    put(
        "range_km",
        packet.range_km.map(|range| rounded(range, 3)).into(),
    );
    put(
        "dao",
        packet.dao.map_or(
            Value::Null,
            |dao| json!({ "datum": char::from(dao.datum).to_string() }),
        ),
    );
    put(
        "mic_e_message",
        packet
            .mic_e_message
            .map_or(Value::Null, |message| message.as_str().into()),
    );
    put("weather", weather(packet));
    put(
        "telemetry",
        packet.telemetry.map_or(Value::Null, |telemetry| {
            let mut object = Map::new();
            if let Some(sequence) = telemetry.sequence {
                object.insert("sequence".into(), sequence.into());
            }
            let last = telemetry
                .values
                .iter()
                .rposition(Option::is_some)
                .map_or(0, |last| last + 1);
            object.insert(
                "values".into(),
                telemetry.values[..last]
                    .iter()
                    .map(|value| Value::from(*value))
                    .collect(),
            );
            if let Some(bits) = telemetry.bits {
                object.insert("bits".into(), bits.map(u8::from).to_vec().into());
            }
            Value::Object(object)
        }),
    );
    put(
        "message",
        packet.message.map_or(Value::Null, |message| {
            let mut object = Map::new();
            object.insert("addressee".into(), text(message.addressee.0));
            object.insert("text".into(), text(message.text.0));
            for (name, part) in [("id", message.id), ("reply_ack", message.reply_ack)] {
                if let Some(part) = part {
                    object.insert(name.into(), text(part.0));
                }
            }
            Value::Object(object)
        }),
    );
    put(
        "status",
        packet.status.map_or(Value::Null, |status| text(status.0)),
    );
    put(
        "third_party",
        packet.third_party.as_ref().map_or(Value::Null, |inner| {
            let mut object = decoded(inner);
            object.insert("raw".into(), text(inner.raw));
            Value::Object(object)
        }),
    );
    let diagnostics: Vec<Value> = packet
        .diagnostics
        .iter()
        .map(|odd| json!({ "code": odd.code, "message": odd.message(), "start": odd.start, "end": odd.end }))
        .collect();
    put("diagnostics", diagnostics.into());
    object
}

fn weather(packet: &Packet<'_>) -> Value {
    let Some(weather) = packet.weather else {
        return Value::Null;
    };
    let mut object = Map::new();
    let numbers = [
        ("temperature_c", weather.temperature_c),
        ("pressure_hpa", weather.pressure_hpa),
        ("wind_speed_ms", weather.wind_speed_ms),
        ("wind_gust_ms", weather.wind_gust_ms),
        ("rain_1h_mm", weather.rain_1h_mm),
        ("rain_24h_mm", weather.rain_24h_mm),
        ("rain_midnight_mm", weather.rain_midnight_mm),
        ("snow_24h_mm", weather.snow_24h_mm),
        ("humidity_percent", weather.humidity_percent.map(f64::from)),
        (
            "wind_direction_deg",
            weather.wind_direction_deg.map(f64::from),
        ),
        ("luminosity_wm2", weather.luminosity_wm2.map(f64::from)),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            object.insert(name.into(), rounded(value, 3).into());
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::json;

    #[test]
    fn absent_means_absent() {
        let value = json(b"OE9XXX-9>APRS,WIDE1-1,qAR,OE9XYZ:!4722.85N/00832.46E-");
        assert_eq!(value["position"]["latitude"], 47.380_833);
        assert_eq!(value["igate"], "OE9XYZ");
        assert!(
            value.get("altitude_m").is_none()
                && value.get("comment").is_none()
                && value.get("error").is_none()
        );
        assert_eq!(value["diagnostics"], serde_json::json!([]));
    }

    #[test]
    fn a_bad_line_says_what_and_where() {
        let value = json(b"nonsense \xff");
        assert_eq!(value["error"]["code"], "header_no_colon");
        assert_eq!(value["raw_hex"], "6e6f6e73656e736520ff");
        assert_eq!(value["raw"], "nonsense ÿ");
    }
}
