//! Raw weather stations: Ultimeter (`$ULTW`, `!!`) and Peet U-II (`#`, `*`), hexadecimal words.

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Outcome, Trace};
use crate::{Field, Weather, comment};

/// True if thirteen hexadecimal digits follow the `#` or `*` of a Peet station.
pub(crate) fn is_peet(body: &[u8]) -> bool {
    body.len() >= 9 && body[..9].iter().all(u8::is_ascii_hexdigit)
}

pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, info: &'a [u8]) -> Outcome {
    let (mut weather, len) = if let Some(rest) = info.strip_prefix(b"$ULTW") {
        let (words, len) = words(rest);
        (ultimeter_packet(&words), 5 + len)
    } else if let Some(rest) = info.strip_prefix(b"!!") {
        let (words, len) = words(rest);
        (ultimeter_logging(&words), 2 + len)
    } else {
        (peet(info), 1 + info[1..].iter().take(13).take_while(|byte| byte.is_ascii_hexdigit()).count())
    };
    if weather == Weather::default() {
        return Err(d.refuse(Code::WxRange, info));
    }
    // A vane that rests at zero while there is no wind says nothing.
    let is_calm = [weather.wind_speed_ms, weather.wind_gust_ms].iter().all(|speed| speed.is_none_or(|speed| speed == 0.0));
    if is_calm && weather.wind_direction_deg == Some(360.0) {
        weather.wind_direction_deg = None;
    }
    d.mark(Field::RawWeather, &info[..len]);
    d.packet.weather = Some(weather);
    comment::keep(d, &info[len..]);
    Ok(())
}

/// Up to 13 words of four digits; `----` and what is missing are absent. Also the length read.
fn words(bytes: &[u8]) -> ([Option<u16>; 13], usize) {
    let mut words = [None; 13];
    let mut len = 0;
    for (place, word) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        if word == b"----" {
            len += 4;
            continue;
        }
        let value = std::str::from_utf8(word).ok().filter(|_| word.iter().all(u8::is_ascii_hexdigit));
        let Some(value) = value.and_then(|hex| u16::from_str_radix(hex, 16).ok()) else {
            break;
        };
        *place = Some(value);
        len += 4;
    }
    (words, len)
}

fn tenth_kmh(word: Option<u16>) -> Option<f64> {
    word.map(|value| f64::from(value) / 36.0)
}

fn direction(word: Option<u16>) -> Option<f64> {
    word.map(|value| f64::from(value & 0xFF) * 360.0 / 256.0).map(|degrees| if degrees == 0.0 { 360.0 } else { degrees })
}

/// Tenths of °F, a signed word. What no thermometer outdoors reads is no temperature: some stations fill the place with
/// something else.
fn temperature(word: Option<u16>) -> Option<f64> {
    let fahrenheit = f64::from(word?.cast_signed()) / 10.0;
    (-150.0..=200.0).contains(&fahrenheit).then_some((fahrenheit - 32.0) / 1.8)
}

fn rain(word: Option<u16>) -> Option<f64> {
    word.map(|value| f64::from(value) * 0.254)
}

fn pressure(word: Option<u16>) -> Option<f64> {
    word.map(|value| f64::from(value) / 10.0).filter(|hpa| (500.0..=1100.0).contains(hpa))
}

fn humidity(word: Option<u16>) -> Option<f64> {
    word.map(|value| f64::from(value) / 10.0).filter(|percent| (0.1..=100.0).contains(percent))
}

fn ultimeter_packet(words: &[Option<u16>; 13]) -> Weather<'static> {
    Weather {
        wind_gust_ms: tenth_kmh(words[0]),
        wind_direction_deg: direction(words[1]),
        temperature_c: temperature(words[2]),
        rain_total_mm: rain(words[3]),
        pressure_hpa: pressure(words[4]),
        humidity_percent: humidity(words[8]),
        rain_midnight_mm: rain(words[11]),
        wind_speed_ms: tenth_kmh(words[12]),
        ..Weather::default()
    }
}

fn ultimeter_logging(words: &[Option<u16>; 13]) -> Weather<'static> {
    Weather {
        // The last word, if sent, is the mean of a minute and better than the reading of the moment.
        wind_speed_ms: tenth_kmh(words[11]).or_else(|| tenth_kmh(words[0])),
        wind_direction_deg: direction(words[1]),
        temperature_c: temperature(words[2]),
        rain_total_mm: rain(words[3]),
        pressure_hpa: pressure(words[4]),
        indoor_temperature_c: temperature(words[5]),
        humidity_percent: humidity(words[6]),
        indoor_humidity_percent: humidity(words[7]),
        rain_midnight_mm: rain(words[10]),
        ..Weather::default()
    }
}

/// Direction 1 digit, speed 2 (`#` mph, `*` km/h), temperature 2 (°F + 56), rain counter 4.
fn peet(info: &[u8]) -> Weather<'static> {
    let hex = |from: usize, to: usize| {
        let text = info.get(from..to).and_then(|part| std::str::from_utf8(part).ok())?;
        u32::from_str_radix(text, 16).ok()
    };
    let metres_per_second = if info[0] == b'#' { 0.447_04 } else { 1.0 / 3.6 };
    Weather {
        wind_direction_deg: hex(1, 2).map(|step| f64::from(step) * 22.5).map(|d| if d == 0.0 { 360.0 } else { d }),
        wind_speed_ms: hex(2, 4).map(|speed| f64::from(speed) * metres_per_second),
        temperature_c: hex(4, 6).map(|value| (f64::from(value) - 56.0 - 32.0) / 1.8),
        rain_counter: hex(6, 10),
        ..Weather::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, parse};

    fn read(info: &str) -> Weather<'static> {
        let line = format!("OE9XXX>APRS:{info}");
        let packet = parse(Box::leak(line.into_bytes().into_boxed_slice())).expect(info);
        assert_eq!(packet.kind, Kind::RawWeather);
        packet.weather.expect(info)
    }

    fn tenth(value: Option<f64>) -> f64 {
        (value.expect("sent") * 10.0).round() / 10.0
    }

    #[test]
    fn ultimeter() {
        let weather = read("$ULTW005200A3021300002794------------030200F5025800070031");
        assert_eq!((tenth(weather.wind_gust_ms.map(|ms| ms * 3.6)), tenth(weather.wind_direction_deg)), (8.2, 229.2));
        assert_eq!((tenth(weather.temperature_c.map(|c| c * 1.8 + 32.0)), tenth(weather.pressure_hpa)), (53.1, 1013.2));
        assert_eq!((tenth(weather.humidity_percent), tenth(weather.wind_speed_ms.map(|ms| ms * 3.6))), (77.0, 4.9));
        assert!((weather.rain_midnight_mm.expect("sent") - 1.778).abs() < 1e-9);
        let logging = read("!!005200A3FF9C----2794----0302----00F50258");
        assert_eq!((tenth(logging.temperature_c), tenth(logging.humidity_percent)), (-23.3, 77.0));
        assert_eq!(logging.indoor_temperature_c, None);
        assert_eq!(read("!!006B00580000----000086A00001----011901CC00000005").indoor_temperature_c, None);
        assert_eq!(read("$ULTW00000000020D2FD6277B0001873B0001030600C8003900000000").wind_direction_deg, None, "calm");
    }

    #[test]
    fn peet_station() {
        let weather = read("#50B7500820082");
        assert_eq!((tenth(weather.wind_direction_deg), tenth(weather.wind_speed_ms)), (112.5, 4.9));
        assert_eq!((tenth(weather.temperature_c), weather.rain_counter), (16.1, Some(0x82)));
    }

    #[test]
    fn nothing_readable_is_refused() {
        assert!(parse(b"OE9XXX>APRS:$ULTWxyz").is_err());
        assert!(parse(b"OE9XXX>APRS:!!----").is_err());
    }
}
