//! Weather (chapter 12, addendum 1.1, 1.2 weather notes): behind a position with symbol `_`, and without position.

use crate::diagnostic::DiagnosticCode as Code;
use crate::extension;
use crate::packet::{Decoder, Outcome, Trace};
use crate::text::{digits, take};
use crate::{Field, Text, Timestamp, comment};

const MS_PER_MPH: f64 = 0.447_04;
const MM_PER_HUNDREDTH_INCH: f64 = 0.254;
const KMH_PER_MPH: f64 = 1.609_344;

/// Weather readings. A reading that was not sent, or sent as unknown, is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Weather<'a> {
    /// Where the wind comes from, degrees 1 to 360.
    pub wind_direction_deg: Option<f64>,
    /// Mean wind of one minute (raw stations: of their own interval), m/s.
    pub wind_speed_ms: Option<f64>,
    /// Strongest gust of five minutes, m/s.
    pub wind_gust_ms: Option<f64>,
    /// °C.
    pub temperature_c: Option<f64>,
    /// Relative humidity, percent, 1 to 100.
    pub humidity_percent: Option<f64>,
    /// Air pressure, hPa.
    pub pressure_hpa: Option<f64>,
    /// Rain of the last hour, mm.
    pub rain_1h_mm: Option<f64>,
    /// Rain of the last 24 hours, mm.
    pub rain_24h_mm: Option<f64>,
    /// Rain since local midnight, mm.
    pub rain_midnight_mm: Option<f64>,
    /// Total of the gauge since some unknown time, mm (raw stations).
    pub rain_total_mm: Option<f64>,
    /// Raw counter of the gauge, in its own unit.
    pub rain_counter: Option<u32>,
    /// Snow of the last 24 hours, mm.
    pub snow_24h_mm: Option<f64>,
    /// Sunlight, W/m².
    pub luminosity_wm2: Option<f64>,
    /// Water above flood stage, m.
    pub water_level_m: Option<f64>,
    /// Battery, volts.
    pub battery_v: Option<f64>,
    /// Radiation, nSv/h.
    pub radiation_nsvh: Option<f64>,
    /// Indoor temperature, °C (raw stations).
    pub indoor_temperature_c: Option<f64>,
    /// Indoor humidity, percent (raw stations).
    pub indoor_humidity_percent: Option<f64>,
    /// Software and type of station, as sent.
    pub software: Option<Text<'a>>,
}

/// The body of `_`: `MMDDHHMM` and fields.
pub(crate) fn positionless<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, body: &'a [u8]) -> Outcome {
    let Some((time, rest)) = take(body, 8) else {
        return Err(d.refuse(Code::TimeBad, body));
    };
    d.packet.timestamp = Timestamp::eight(time);
    d.mark(Field::Timestamp, time);
    let mut weather = Weather::default();
    let after = fields(d, rest, &mut weather, true);
    if d.packet.timestamp.is_none() {
        if after.len() == rest.len() {
            return Err(d.refuse(Code::TimeBad, body));
        }
        d.flag(Code::TimeBad, time);
    }
    finish(d, weather, after);
    Ok(())
}

/// Weather behind a position with symbol `_`; returns what is left for the comment. A station that sends no weather
/// at all (only a comment) has none.
pub(crate) fn behind_position<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, rest: &'a [u8], is_plain: bool) -> &'a [u8] {
    let mut weather = Weather::default();
    let mut after = rest;
    let mut has_wind = false;
    if !is_plain {
        // The two bytes behind a compressed position are wind here.
        weather.wind_direction_deg = d.packet.course_deg.take();
        weather.wind_speed_ms = d.packet.speed_kmh.take().map(|kmh| kmh / 3.6);
        if weather.wind_speed_ms == Some(0.0) && weather.wind_direction_deg == Some(360.0) {
            weather.wind_direction_deg = Some(0.0);
        }
        has_wind = weather.wind_speed_ms.is_some();
    }
    if let Some((direction, speed)) = wind(rest) {
        // LoRa trackers send the wind again behind a compressed position; there it says more, unknown included.
        if !is_plain {
            d.flag(Code::ExtSecond, &rest[..7]);
            weather.wind_direction_deg = None;
        }
        d.mark(Field::Wind, &rest[..7]);
        set_wind(d, &mut weather, direction, speed, &rest[..3]);
        after = &rest[7..];
        has_wind = true;
    }
    let behind = fields(d, after, &mut weather, !has_wind);
    if behind.len() == after.len() && weather == Weather::default() && !has_wind {
        return extension::decode(d, rest, is_plain);
    }
    software(d, weather, behind)
}

/// `DDD/SSS` of a weather station; also with dashes or blanks for unknown.
fn wind(bytes: &[u8]) -> Option<(Option<u16>, Option<u16>)> {
    if let Some(wind) = extension::course_speed(bytes) {
        return Some(wind);
    }
    let (form, _) = take(bytes, 7)?;
    let part = |part: &[u8]| match digits(part) {
        Some(value) => Some(u16::try_from(value).ok()),
        None => part.iter().all(|byte| matches!(byte, b'.' | b' ' | b'-')).then_some(None),
    };
    (form[3] == b'/').then_some((part(&form[..3])?, part(&form[4..])?))
}

fn set_wind<T: Trace>(d: &mut Decoder<'_, '_, T>, weather: &mut Weather<'_>, direction: Option<u16>, speed: Option<u16>, part: &[u8]) {
    match direction {
        // What 0 means depends on the gust, which follows: see `north_or_calm`.
        Some(degrees @ 0..=360) => weather.wind_direction_deg = Some(f64::from(degrees)),
        None => {}
        Some(_) => d.flag(Code::CourseRange, part),
    }
    weather.wind_speed_ms = speed.map(|mph| f64::from(mph) * MS_PER_MPH);
}

/// A direction of 0 is north if there is wind or a gust, as vanes of 16 points send it; in calm air it is none.
fn north_or_calm(weather: &mut Weather<'_>) {
    if weather.wind_direction_deg == Some(0.0) {
        let has_wind = [weather.wind_speed_ms, weather.wind_gust_ms].into_iter().flatten().any(|speed| speed > 0.0);
        weather.wind_direction_deg = has_wind.then_some(360.0);
    }
}

/// Weather behind another symbol: only the unmistakable run `gNNNtNNN`, flagged.
#[inline]
pub(crate) fn behind_other_symbol<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, rest: &'a [u8]) -> &'a [u8] {
    match rest {
        [b'g', _, _, _, b't', ..] if number(&rest[1..4]).is_some() && rest.get(5..8).and_then(number).is_some() => {
            d.flag(Code::WxOrder, rest);
            // A course of 000 is no course, but as a direction it may be north.
            let is_zero =
                d.line.get(..d.offset(rest)).is_some_and(|before| before.len() > 7 && before[before.len() - 7..].starts_with(b"000/"));
            let mut weather = Weather {
                wind_direction_deg: d.packet.course_deg.take().or_else(|| (is_zero && d.packet.speed_kmh.is_some()).then_some(0.0)),
                wind_speed_ms: d.packet.speed_kmh.take().map(|kmh| kmh / 1.852 * KMH_PER_MPH / 3.6),
                ..Weather::default()
            };
            let after = fields(d, rest, &mut weather, false);
            software(d, weather, after)
        }
        [b'F', first, ..] if (first.is_ascii_digit() || *first == b'-') && d.packet.symbol.is_some_and(|symbol| symbol.code == 'w') => {
            let mut weather = Weather::default();
            let after = fields(d, rest, &mut weather, false);
            software(d, weather, after)
        }
        _ => rest,
    }
}

/// Takes three to five word characters that end the packet as the name of the software.
fn software<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, mut weather: Weather<'a>, rest: &'a [u8]) -> &'a [u8] {
    let is_name = matches!(rest.len(), 3..=5) && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_name {
        d.mark(Field::WeatherUnit, rest);
        weather.software = Some(Text(rest));
    }
    north_or_calm(&mut weather);
    d.packet.weather = Some(weather);
    if is_name { &[] } else { rest }
}

fn finish<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, weather: Weather<'a>, rest: &'a [u8]) {
    let rest = software(d, weather, rest);
    comment::decode(d, rest);
}

/// A field's digits: `None` if they are neither a number nor a way to say unknown; `Some(None)` is unknown.
fn number(bytes: &[u8]) -> Option<Option<i32>> {
    if let Some(value) = digits(bytes) {
        return Some(i32::try_from(value).ok());
    }
    if bytes.iter().all(|byte| matches!(byte, b'.' | b' ' | b'-')) {
        return Some(None);
    }
    let text = bytes.trim_ascii();
    let value = match text {
        [b'-', rest @ ..] => -i32::try_from(digits(rest)?).ok()?,
        rest => i32::try_from(digits(rest)?).ok()?,
    };
    Some(Some(value))
}

/// Some stations send humidity in three digits (`h100`, `h058`), cold below -99 °F in four characters (`t-103`), gusts and
/// temperatures in four digits (`g0006`). `Some(None)` is one that is out of range.
fn one_digit_more(rest: &[u8], letter: u8) -> Option<Option<i32>> {
    let len = match (letter, rest) {
        (b'h', [_, b'0' | b'1', ..]) => 3,
        (b't' | b'g', _) => 4,
        _ => return None,
    };
    let wide = rest.get(1..=len)?;
    if rest.get(len + 1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let (sign, wide) = match wide {
        [b'-', wide @ ..] if letter == b't' => (-1, wide),
        wide => (1, wide),
    };
    let value = sign * i32::try_from(digits(wide)?).ok()?;
    let possible = match letter {
        b'h' => 0..=100,
        b't' => -200..=200,
        _ => 0..=9999,
    };
    Some(Some(value).filter(|value| possible.contains(value)))
}

/// A field with fewer digits than it should have, or fewer dots for unknown: its value and how many bytes that takes.
/// Pressure needs four digits; snow, which may have a point, keeps its width.
fn narrow(letter: u8, value: &[u8]) -> Option<(Option<i32>, usize)> {
    let least = match letter {
        b'c' | b'g' | b't' | b'r' | b'p' | b'P' | b'L' | b'l' | b'h' | b's' => 1,
        b'b' => 4,
        b'V' | b'X' => return short_extra(letter, value),
        _ => return None,
    };
    let sign = usize::from(letter == b't' && value.first() == Some(&b'-'));
    let len = value[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if len >= least {
        let magnitude = i32::try_from(digits(&value[sign..sign + len])?).ok()?;
        return Some((Some(if sign == 1 { -magnitude } else { magnitude }), sign + len));
    }
    let dots = value.iter().take_while(|&&byte| byte == b'.').count();
    (dots > 0).then_some((None, dots))
}

/// A voltage with a point (`V20.7`), or two digits of which one cannot say what they mean: the exponent of radiation is
/// missing, or the place of a voltage's point unknown.
fn short_extra(letter: u8, value: &[u8]) -> Option<(Option<i32>, usize)> {
    let two = digits(value.get(..2)?)?;
    match (letter, value.get(2..)?) {
        (b'V', [b'.', tenth @ b'0'..=b'9', ..]) => Some((i32::try_from(two * 10 + u32::from(tenth - b'0')).ok(), 4)),
        (_, [b'.', ..]) => None,
        _ => Some((None, 2)),
    }
}

/// Inches of snow: whole, or with a point.
fn inches(bytes: &[u8]) -> Option<Option<f64>> {
    match number(bytes) {
        Some(value) => Some(value.map(f64::from)),
        None if bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') => {
            Some(Some(std::str::from_utf8(bytes).ok()?.parse().ok()?))
        }
        None => None,
    }
}

/// Reads fields as long as they are well formed, in any order; returns what follows.
fn fields<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, mut rest: &'a [u8], weather: &mut Weather<'a>, mut wind_free: bool) -> &'a [u8] {
    let mut seen = 0_u32;
    loop {
        let Some(len) = one_field(d, rest, weather, &mut wind_free, &mut seen) else {
            let filler = filler(rest, seen != 0);
            let next = &rest[filler..];
            if filler == 0 || !starts_field(next) {
                return rest;
            }
            if rest[..filler].iter().any(u8::is_ascii_digit) {
                d.flag(Code::WxFieldWidth, &rest[..filler]);
            }
            d.mark(Field::Padding, &rest[..filler]);
            rest = next;
            continue;
        };
        rest = &rest[len..];
    }
}

/// Length of what may stand between two fields, and is passed only if a field follows: a slash, or dots and blanks; behind
/// a field also up to two digits more than it should have (`b100630h01`).
fn filler(rest: &[u8], behind_field: bool) -> usize {
    if rest.first() == Some(&b'/') {
        return 1;
    }
    let blanks = rest.iter().take_while(|byte| matches!(byte, b'.' | b' ')).count();
    let more = rest[blanks..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if behind_field && more <= 2 { blanks + more } else { blanks }
}

/// True if a field of three digits or more stands here, which resumes a run after fillers.
fn starts_field(rest: &[u8]) -> bool {
    let digits = match rest.first() {
        Some(b'g' | b't' | b'r' | b'p' | b'P' | b'L' | b'l' | b's') => 3,
        Some(b'h') => 2,
        Some(b'b') => 5,
        _ => return false,
    };
    rest.get(1..=digits).is_some_and(|value| number(value).is_some())
}

/// Reads one field; returns its length, `None` if there is none here.
fn one_field<T: Trace>(
    d: &mut Decoder<'_, '_, T>,
    rest: &[u8],
    weather: &mut Weather<'_>,
    wind_free: &mut bool,
    seen: &mut u32,
) -> Option<usize> {
    let letter = *rest.first()?;
    let mut len = match letter {
        b'c' | b'g' | b't' | b'r' | b'p' | b'P' | b'L' | b'l' | b's' | b'V' | b'X' => 4,
        b'h' | b'Z' => 3,
        b'b' => 6,
        b'F' | b'f' => 5,
        b'#' => 1 + rest[1..].iter().take(6).take_while(|byte| byte.is_ascii_digit()).count(),
        b'v' => 1 + rest[1..].iter().take(4).take_while(|byte| matches!(byte, b'0'..=b'9' | b'-')).count(),
        _ => return None,
    };
    let is_wind = *wind_free && matches!(letter, b'c' | b's');
    if letter == b'c' && !is_wind {
        return None;
    }
    if matches!(letter, b'#' | b'v') && len < 2 {
        return None;
    }
    let is_snow = letter == b's' && !is_wind;
    let whole = rest.get(1..len);
    let (mut value, snow, value_len) = if is_snow {
        match whole.and_then(inches) {
            Some(inches) => (None, inches, len - 1),
            None => {
                let dots = rest[1..].iter().take_while(|&&byte| byte == b'.').count();
                let is_unknown = dots > 0 && !rest.get(1 + dots).is_some_and(u8::is_ascii_digit);
                (None, None, is_unknown.then_some(dots)?)
            }
        }
    } else if letter == b'Z' {
        (whole?.iter().all(u8::is_ascii_alphanumeric).then_some(None)?, None, len - 1)
    } else {
        match whole.and_then(number) {
            Some(value) => (value, None, len - 1),
            None => narrow(letter, &rest[1..]).map(|(value, len)| (value, None, len))?,
        }
    };
    let value_bytes = &rest[1..=value_len];
    let is_odd = value_len + 1 != len;
    len = value_len + 1;
    if !is_odd && let Some(wide) = one_digit_more(rest, letter) {
        d.flag(Code::WxFieldWidth, &rest[..=len]);
        value = wide;
        len += 1;
    }
    let part = &rest[..len];
    if value.is_some_and(|value| value < 0) && !matches!(letter, b't' | b'F' | b'f' | b'v') {
        return None;
    }
    let slot = match letter {
        b'c' => 0,
        b's' if is_wind => 1,
        b'g' => 2,
        b't' => 3,
        b'r' => 4,
        b'p' => 5,
        b'P' => 6,
        b'h' => 7,
        b'b' => 8,
        b'L' | b'l' => 9,
        b's' => 10,
        b'#' => 11,
        b'F' | b'f' => 12,
        b'V' => 13,
        b'X' => 14,
        _ => 15,
    };
    if is_odd {
        // What comes again and is too short is the name of the software (`t2k`).
        if *seen >> slot & 1 == 1 {
            return None;
        }
        d.flag(Code::WxFieldWidth, part);
    }
    if *seen >> slot & 1 == 1 {
        d.flag(Code::WxDup, part);
        return Some(len);
    }
    *seen |= 1 << slot;
    if is_wind && letter == b's' {
        *wind_free = false;
    }
    let real = value.map(f64::from);
    let field = match letter {
        b'c' => {
            weather.wind_direction_deg = real.filter(|degrees| (0.0..=360.0).contains(degrees));
            Field::WindDirection
        }
        b's' if is_wind => {
            weather.wind_speed_ms = real.map(|mph| mph * MS_PER_MPH);
            Field::WindSpeed
        }
        b'g' => {
            weather.wind_gust_ms = real.map(|mph| mph * MS_PER_MPH);
            Field::WindGust
        }
        b't' => {
            *wind_free = false;
            if real.is_some_and(|fahrenheit| !(-100.0..=150.0).contains(&fahrenheit)) {
                d.flag(Code::WxRange, part);
            }
            if value.is_some() && value_bytes.contains(&b' ') {
                d.flag(Code::WxFieldWidth, part);
            }
            weather.temperature_c = real.map(|fahrenheit| (fahrenheit - 32.0) / 1.8);
            Field::Temperature
        }
        b'r' => {
            weather.rain_1h_mm = real.map(|hundredths| hundredths * MM_PER_HUNDREDTH_INCH);
            Field::Rain1h
        }
        b'p' => {
            weather.rain_24h_mm = real.map(|hundredths| hundredths * MM_PER_HUNDREDTH_INCH);
            Field::Rain24h
        }
        b'P' => {
            weather.rain_midnight_mm = real.map(|hundredths| hundredths * MM_PER_HUNDREDTH_INCH);
            Field::RainMidnight
        }
        b'h' => {
            weather.humidity_percent = value.map(|percent| if percent == 0 { 100.0 } else { f64::from(percent) });
            Field::Humidity
        }
        b'b' => {
            pressure(d, weather, value, part);
            Field::Pressure
        }
        b'L' | b'l' => {
            weather.luminosity_wm2 = real.map(|watts| if letter == b'l' { watts + 1000.0 } else { watts });
            Field::Luminosity
        }
        b's' => {
            weather.snow_24h_mm = snow.map(|inches| inches * 25.4);
            Field::Snow
        }
        b'#' => {
            weather.rain_counter = value.and_then(|count| u32::try_from(count).ok());
            Field::RainCounter
        }
        b'F' => {
            weather.water_level_m = real.map(|tenths_of_feet| tenths_of_feet * 0.030_48);
            Field::WaterLevel
        }
        b'f' => {
            d.flag(Code::WxOrder, part);
            weather.water_level_m = real.map(|tenths| tenths / 10.0);
            Field::WaterLevel
        }
        b'V' => {
            weather.battery_v = real.map(|tenths| tenths / 10.0);
            Field::Battery
        }
        b'X' => {
            weather.radiation_nsvh = value.filter(|&value| value > 0).map(|value| f64::from(value / 10) * 10_f64.powi(value % 10));
            Field::Radiation
        }
        b'v' => {
            d.flag(Code::WxOrder, part);
            Field::WeatherOther
        }
        _ => Field::WeatherOther,
    };
    d.mark(field, part);
    Some(len)
}

/// Tenths of hPa; inches of mercury are refused, other impossible values flagged.
fn pressure<T: Trace>(d: &mut Decoder<'_, '_, T>, weather: &mut Weather<'_>, value: Option<i32>, part: &[u8]) {
    let Some(tenths) = value else { return };
    if !(8000..=11_000).contains(&tenths) {
        d.flag(Code::WxRange, part);
    }
    if tenths >= 5000 {
        weather.pressure_hpa = Some(f64::from(tenths) / 10.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Packet, parse};

    fn packet(info: &str) -> Packet<'static> {
        parse(Box::leak(format!("OE9XXX-13>APRS:{info}").into_bytes().into_boxed_slice())).expect(info)
    }

    fn behind(rest: &str) -> Weather<'static> {
        packet(&format!("@231015z4722.85N/00832.46E_{rest}")).weather.expect(rest)
    }

    /// Rounded to a tenth.
    fn tenth(value: Option<f64>) -> Option<f64> {
        value.map(|value| (value * 10.0).round() / 10.0)
    }

    #[test]
    fn a_complete_station() {
        let weather = behind("232/004g011t-07r000p012P008h00b10132L123xWx");
        assert_eq!(weather.wind_direction_deg, Some(232.0));
        assert_eq!((tenth(weather.wind_speed_ms), tenth(weather.wind_gust_ms)), (Some(1.8), Some(4.9)));
        assert_eq!(tenth(weather.temperature_c), Some(-21.7));
        assert_eq!((weather.rain_1h_mm, tenth(weather.rain_24h_mm), tenth(weather.rain_midnight_mm)), (Some(0.0), Some(3.0), Some(2.0)));
        assert_eq!((weather.humidity_percent, weather.pressure_hpa, weather.luminosity_wm2), (Some(100.0), Some(1013.2), Some(123.0)));
        assert_eq!(weather.software, Some(Text(b"xWx")));
    }

    #[test]
    fn positionless_with_absent_readings() {
        let packet = packet("_11231015c232s004g011t047r...p...h..b.....");
        let weather = packet.weather.expect("has some");
        assert_eq!(packet.timestamp.map(|time| (time.month, time.day, time.hour)), Some((11, 23, 10)));
        assert_eq!((tenth(weather.wind_speed_ms), tenth(weather.temperature_c)), (Some(1.8), Some(8.3)));
        assert_eq!((weather.rain_1h_mm, weather.rain_24h_mm, weather.humidity_percent, weather.pressure_hpa), (None, None, None, None));
        assert!(packet.comment.is_empty());
    }

    #[test]
    fn compressed_positions_carry_wind() {
        let packet = packet("=/0&RhTiV'_[L[g011t047");
        let weather = packet.weather.expect("has some");
        assert_eq!((weather.wind_direction_deg, tenth(weather.wind_speed_ms)), (Some(232.0), Some(13.6)));
        assert_eq!((packet.course_deg, packet.speed_kmh, tenth(weather.temperature_c)), (None, None, Some(8.3)));
        let again = self::packet("=/0&RhTiV'_[L[156/001g011t047").weather.expect("has some");
        assert_eq!((again.wind_direction_deg, tenth(again.wind_speed_ms)), (Some(156.0), Some(0.4)));
        let unknown = self::packet("=/0&RhTiV'_[L[.../...g011t047").weather.expect("has some");
        assert_eq!((unknown.wind_direction_deg, unknown.wind_speed_ms), (None, None));
        let fields = self::packet("=/0&RhTiV'_ !Gc041s002g000t092").weather.expect("has some");
        assert_eq!((fields.wind_direction_deg, tenth(fields.wind_speed_ms)), (Some(41.0), Some(0.9)));
    }

    #[test]
    fn unknown_readings_and_odd_widths() {
        let weather = behind(".../...g...t...r...p...P...h..b.....");
        assert_eq!(weather, Weather::default());
        assert_eq!(behind("000/000g000t000h100b10132").humidity_percent, Some(100.0));
        assert_eq!(behind("000/000g000t000h058b10132").humidity_percent, Some(58.0));
        assert_eq!(tenth(behind("000/000g000t-103h50").temperature_c), Some(-75.0));
        assert_eq!(behind("000/000g000t-555r000h50").temperature_c, None, "below absolute zero");
        assert_eq!(tenth(behind("000/000g000t-7 h50").temperature_c), Some(-21.7));
        assert_eq!(behind("000/000g000t050h50b02992").pressure_hpa, None);
        assert_eq!(tenth(behind("000/000g000t050s004").snow_24h_mm), Some(101.6));
        assert_eq!(tenth(behind("000/000g000t050s0.5").snow_24h_mm), Some(12.7));
        for text in ["sinf", "s1e2", "s1", "s00/"] {
            assert_eq!(behind(&format!("000/000g000t050{text}")).snow_24h_mm, None, "{text}");
        }
        let narrow = behind("000/000g5t72P0p12h9b9948");
        assert_eq!((tenth(narrow.temperature_c), narrow.rain_midnight_mm, tenth(narrow.rain_24h_mm)), (Some(22.2), Some(0.0), Some(3.0)));
        assert_eq!((tenth(narrow.wind_gust_ms), narrow.humidity_percent, narrow.pressure_hpa), (Some(2.2), Some(9.0), Some(994.8)));
        assert_eq!(behind("000/000g000t050h101b10132").humidity_percent, None);
        assert_eq!(behind("000/000g000t050s.h50").humidity_percent, Some(50.0));
        assert_eq!(behind("000/000g000t050b10132X01L010").luminosity_wm2, Some(10.0));
        assert_eq!(behind("000/000g000t050V20.7").battery_v, Some(20.7));
        assert_eq!(packet("@231015z4722.85N/00832.46E_232/004g011t050V62.DsVP").comment.to_string_lossy(), "V62.DsVP");
        assert_eq!(behind("000/000g000t050b10132t2k").software, Some(Text(b"t2k")));
        let four = behind("006/006g0006t0091h21");
        assert_eq!((tenth(four.wind_gust_ms), tenth(four.temperature_c)), (Some(2.7), Some(32.8)));
        assert_eq!(behind("006/006g000t1310h21").temperature_c, None);
        let wide = behind("000/000g000t050p1220b100630h01");
        assert_eq!((tenth(wide.rain_24h_mm), wide.pressure_hpa, wide.humidity_percent), (Some(31.0), Some(1006.3), Some(1.0)));
        assert_eq!(behind("000/000g000t050l123").luminosity_wm2, Some(1123.0));
        assert_eq!(behind("000/000g000t050X123").radiation_nsvh, Some(12_000.0));
        assert_eq!(behind("000/000g000t050V138").battery_v, Some(13.8));
        assert_eq!(behind("000/000g000t050p000....h16b10150").humidity_percent, Some(16.0));
    }

    #[test]
    fn text_is_never_searched_for_weather() {
        let packet = packet("@231015z4722.85N/00832.46E_232/004g011t050b100630 HP1000 p200");
        let weather = packet.weather.expect("has some");
        assert_eq!((weather.pressure_hpa, weather.rain_24h_mm), (Some(1006.3), None));
        assert_eq!(packet.comment.to_string_lossy(), "0 HP1000 p200");
    }

    #[test]
    fn calm_is_no_direction() {
        let weather = behind("000/000g000t050");
        assert_eq!((weather.wind_direction_deg, weather.wind_speed_ms), (None, Some(0.0)));
    }

    #[test]
    fn direction_zero_in_wind_is_north() {
        for (rest, direction) in [
            ("000/004g011t050", Some(360.0)),
            ("000/000g007t050", Some(360.0)),
            ("000/...g007t050", Some(360.0)),
            ("000/000g000t050", None),
            ("000/...g...t050", None),
            (".../004g011t050", None),
            ("   /004g011t050", None),
            ("360/000g000t050", Some(360.0)),
        ] {
            assert_eq!(behind(rest).wind_direction_deg, direction, "{rest}");
        }
        let direction = |info: &str| packet(info).weather.expect(info).wind_direction_deg;
        assert_eq!(direction("_11231015c000s004g011t047"), Some(360.0));
        assert_eq!(direction("_11231015c000s000g000t047"), None);
        assert_eq!(direction("!4722.85N/00832.46E-000/004g011t047"), Some(360.0), "behind a house");
        assert_eq!(direction("!4722.85N/00832.46E-000/000g000t047"), None);
        assert_eq!(direction("!4722.85N/00832.46E-.../004g011t047"), None);
        assert_eq!(direction("=/0&RhTiV'_!!Gg005t047"), Some(360.0), "compressed, calm but for a gust");
        assert_eq!(direction("=/0&RhTiV'_!!Gg000t047"), None);
    }
}
