//! Weather (chapter 12; 1.1 spec-wx, 1.2 weather-new): wind, then fields of a letter and a fixed width in any order.
//! Dots and blanks mean unknown; the first byte that is no field ends the weather.

use crate::{
    Comment, Kind, Packet, comment, position, time,
    units::{MM_PER_HUNDREDTH_INCH, MM_PER_INCH, MS_PER_KNOT, MS_PER_MPH, celsius, digits},
};

/// A weather report. What was not sent, or sent as unknown, is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Weather {
    /// Where the wind comes from, degrees 1..=360; `None` also when calm.
    pub wind_direction_deg: Option<u16>,
    /// Sustained over a minute, m/s.
    pub wind_speed_ms: Option<f64>,
    /// Peak of five minutes, m/s.
    pub wind_gust_ms: Option<f64>,
    /// °C.
    pub temperature_c: Option<f64>,
    /// mm in the last hour.
    pub rain_1h_mm: Option<f64>,
    /// mm in the last 24 hours.
    pub rain_24h_mm: Option<f64>,
    /// mm since the station's midnight.
    pub rain_midnight_mm: Option<f64>,
    /// mm of snow in the last 24 hours.
    pub snow_24h_mm: Option<f64>,
    /// Relative, 1..=100 %.
    pub humidity_percent: Option<u8>,
    /// hPa.
    pub pressure_hpa: Option<f64>,
    /// W/m².
    pub luminosity_wm2: Option<u16>,
}

/// `_MMDDHHMM` and fields.
pub(crate) fn positionless<'a>(packet: &mut Packet<'a>, body: &'a [u8]) {
    packet.kind = Kind::Weather;
    let mut rest = body;
    if let Some(stamp) = time::month_day_hour_minute(rest) {
        packet.timestamp = Some(stamp);
        rest = &rest[8..];
    } else {
        packet.odd("time_bad", &rest[..rest.len().min(8)]);
        rest = rest.get(8..).unwrap_or_default();
    }
    let mut weather = Weather::default();
    if let Some(direction) = rest.strip_prefix(b"c").and_then(|rest| rest.get(..3)) {
        weather.wind_direction_deg = direction_of(direction);
        rest = &rest[4..];
    }
    if let Some(speed) = rest
        .strip_prefix(b"s")
        .and_then(|rest| rest.get(..3))
        .filter(|speed| is_field(speed))
    {
        weather.wind_speed_ms = digits(speed).map(|mph| f64::from(mph) * MS_PER_MPH);
        rest = &rest[4..];
    }
    finish(packet, weather, rest);
}

/// What follows a position with the weather symbol.
pub(crate) fn with_position<'a>(packet: &mut Packet<'a>, bytes: &'a [u8]) {
    if packet.kind == Kind::Position {
        packet.kind = Kind::Weather;
    }
    let mut weather = Weather::default();
    let mut rest = bytes;
    if packet
        .position
        .is_some_and(|position| position.format == crate::Format::Compressed)
    {
        // In a compressed report the cs bytes are the wind (chapters 9 and 12).
        weather.wind_direction_deg = packet.course_deg.take();
        weather.wind_speed_ms = packet
            .speed_kmh
            .take()
            .map(|speed| f64::from(speed) / 1.852 * MS_PER_KNOT);
    } else if let Some((_, speed)) = position::course_and_speed(rest) {
        weather.wind_direction_deg = direction_of(&rest[..3]);
        weather.wind_speed_ms = speed.map(|mph| f64::from(mph) * MS_PER_MPH);
        rest = &rest[7..];
    }
    finish(packet, weather, rest);
}

/// Whether weather fields follow although the symbol is another: `g...t...`.
pub(crate) fn looks_like(bytes: &[u8]) -> bool {
    bytes.len() >= 8
        && bytes[0] == b'g'
        && is_field(&bytes[1..4])
        && bytes[4] == b't'
        && is_field(&bytes[5..8])
}

/// The same, when they do; course and speed before them are the wind.
pub(crate) fn fields_behind<'a>(packet: &mut Packet<'a>, rest: &'a [u8]) {
    let mut weather = Weather {
        wind_direction_deg: packet.course_deg.take(),
        ..Weather::default()
    };
    weather.wind_speed_ms = packet
        .speed_kmh
        .take()
        .map(|speed| f64::from(speed) / 1.852 * MS_PER_MPH);
    packet.odd("weather_order", &rest[..1]);
    finish(packet, weather, rest);
}

fn direction_of(text: &[u8]) -> Option<u16> {
    digits(text)
        .and_then(|degrees| u16::try_from(degrees).ok())
        .filter(|degrees| (1..=360).contains(degrees))
}

/// Digits, dots, blanks, dashes.
fn is_field(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b' ' | b'-'))
}

fn finish<'a>(packet: &mut Packet<'a>, mut weather: Weather, bytes: &'a [u8]) {
    let mut rest = bytes;
    while let Some((&letter, after)) = rest.split_first() {
        let width = match letter {
            b'g' | b't' | b'r' | b'p' | b'P' | b'L' | b'l' | b's' | b'#' => 3,
            b'h' => 2,
            b'b' => 5,
            _ => break,
        };
        let Some(value) = after.get(..width).filter(|value| is_field(value)) else {
            break;
        };
        // A 0 may be cut off a three-digit `h100`; the width by the standard is two.
        let (value, width) = if letter == b'h' && after.starts_with(b"100") {
            (&after[..3], 3)
        } else {
            (value, width)
        };
        field(&mut weather, letter, value);
        rest = &after[width..];
    }
    if weather != Weather::default() || packet.kind == Kind::Weather {
        packet.weather = Some(weather);
    }
    if packet.position.is_some() {
        comment::read(packet, rest);
    } else {
        packet.comment = Comment::new(rest);
    }
}

fn field(weather: &mut Weather, letter: u8, text: &[u8]) {
    let trimmed = text.trim_ascii();
    let whole = digits(trimmed).map(f64::from);
    let signed = match trimmed.strip_prefix(b"-") {
        Some(rest) => digits(rest.trim_ascii()).map(|number| -f64::from(number)),
        None => whole,
    };
    let set = |slot: &mut Option<f64>, value: Option<f64>| *slot = slot.or(value);
    match letter {
        b'g' => set(&mut weather.wind_gust_ms, whole.map(|mph| mph * MS_PER_MPH)),
        b't' => set(&mut weather.temperature_c, signed.map(celsius)),
        b'r' => set(
            &mut weather.rain_1h_mm,
            whole.map(|hundredths| hundredths * MM_PER_HUNDREDTH_INCH),
        ),
        b'p' => set(
            &mut weather.rain_24h_mm,
            whole.map(|hundredths| hundredths * MM_PER_HUNDREDTH_INCH),
        ),
        b'P' => set(
            &mut weather.rain_midnight_mm,
            whole.map(|hundredths| hundredths * MM_PER_HUNDREDTH_INCH),
        ),
        b's' => {
            let inches = std::str::from_utf8(trimmed)
                .ok()
                .and_then(|text| text.parse::<f64>().ok());
            set(
                &mut weather.snow_24h_mm,
                inches
                    .filter(|inches| *inches >= 0.0)
                    .map(|inches| inches * MM_PER_INCH),
            );
        }
        b'b' => {
            let hpa = whole
                .map(|tenths| tenths / 10.0)
                .filter(|hpa| (800.0..=1100.0).contains(hpa));
            set(&mut weather.pressure_hpa, hpa);
        }
        b'h' => {
            let percent = digits(trimmed).and_then(|number| u8::try_from(number).ok());
            weather.humidity_percent = weather.humidity_percent.or(percent
                .map(|percent| if percent == 0 { 100 } else { percent })
                .filter(|percent| *percent <= 100));
        }
        b'L' | b'l' => {
            let watts = digits(trimmed).and_then(|number| u16::try_from(number).ok());
            weather.luminosity_wm2 = weather
                .luminosity_wm2
                .or(watts.map(|watts| if letter == b'l' { watts + 1000 } else { watts }));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::{Kind, parse};

    fn near(value: Option<f64>, expected: f64) {
        assert!(
            (value.expect("value") - expected).abs() < 0.01,
            "{value:?} is not {expected}"
        );
    }

    #[test]
    fn complete_report() {
        let packet = parse(
            b"A1B>APRS:@231015z4722.85N/00832.46E_232/004g011t-07r000p012P008h00b10132L123xWx",
        )
        .expect("packet");
        let weather = packet.weather.expect("weather");
        assert_eq!(
            (
                packet.kind,
                weather.wind_direction_deg,
                weather.humidity_percent
            ),
            (Kind::Weather, Some(232), Some(100))
        );
        near(weather.wind_speed_ms, 4.0 * 0.44704);
        near(weather.wind_gust_ms, 11.0 * 0.44704);
        near(weather.temperature_c, -21.67);
        near(weather.rain_1h_mm, 0.0);
        near(weather.rain_24h_mm, 3.048);
        near(weather.pressure_hpa, 1013.2);
        assert_eq!(
            (weather.luminosity_wm2, packet.course_deg, packet.speed_kmh),
            (Some(123), None, None)
        );
        assert_eq!(packet.comment.to_string(), "xWx");
    }

    #[test]
    fn unknown_is_absent_not_zero() {
        let weather = parse(b"A1B>APRS:_11231015c232s004g011t047r...p...h..b.....")
            .expect("packet")
            .weather
            .expect("weather");
        near(weather.temperature_c, 8.33);
        assert_eq!(
            (
                weather.rain_1h_mm,
                weather.humidity_percent,
                weather.pressure_hpa
            ),
            (None, None, None)
        );
        let words =
            parse(b"A1B>APRS:!4722.85N/00832.46E_.../...g...t...ESP32 HP1000").expect("packet");
        let weather = words.weather.expect("weather");
        assert_eq!(
            (
                weather.wind_gust_ms,
                weather.rain_24h_mm,
                weather.pressure_hpa
            ),
            (None, None, None)
        );
        assert_eq!(words.comment.to_string(), "ESP32 HP1000");
    }

    #[test]
    fn six_digits_of_pressure_keep_the_first_five() {
        let weather = parse(b"A1B>APRS:!4722.85N/00832.46E_000/000g000t050b100630")
            .expect("packet")
            .weather
            .expect("weather");
        near(weather.pressure_hpa, 1006.3);
        assert_eq!(
            (weather.wind_direction_deg, weather.wind_speed_ms),
            (None, Some(0.0))
        );
    }
}
