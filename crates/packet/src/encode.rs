//! The reverse: packets a station sends, as TNC2 lines.
//!
//! Values are rounded to what the form can hold and limited to its range, so nothing here fails; text is written as
//! given except that control characters become blanks, which keeps a line one line.
//!
//! ```
//! use godwit_packet::encode::{self, Header, Position};
//! let header = Header::new("OE9XXX-9", "APZGDW", "WIDE1-1,WIDE2-1");
//! let mut line = Vec::new();
//! encode::position(&mut line, &header, &Position::new(47.380833, 8.541, '/', '>').comment("on the road"));
//! assert_eq!(line, b"OE9XXX-9>APZGDW,WIDE1-1,WIDE2-1:!4722.85N/00832.46E>on the road");
//! ```

use std::io::Write as _;

use crate::base91;

/// Who sends by which way; written in front of every packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Callsign of the sender.
    pub source: &'a str,
    /// Destination, usually the tocall of the software.
    pub destination: &'a str,
    /// Path elements separated by commas; may be empty.
    pub path: &'a str,
}

impl<'a> Header<'a> {
    /// A header of these parts.
    #[must_use]
    pub const fn new(source: &'a str, destination: &'a str, path: &'a str) -> Self {
        Self { source, destination, path }
    }

    /// Appends `SOURCE>DESTINATION,PATH:`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.source.as_bytes());
        out.push(b'>');
        out.extend_from_slice(self.destination.as_bytes());
        if !self.path.is_empty() {
            out.push(b',');
            out.extend_from_slice(self.path.as_bytes());
        }
        out.push(b':');
    }
}

/// A time to put into a packet (chapter 6), UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Time {
    /// `DDHHMMz`: day, hour, minute.
    DayHourMinute(u8, u8, u8),
    /// `HHMMSSh`: hour, minute, second.
    HourMinuteSecond(u8, u8, u8),
}

impl Time {
    fn write(self, out: &mut Vec<u8>) {
        let (a, b, c, zone) = match self {
            Self::DayHourMinute(day, hour, minute) => (day.clamp(1, 31), hour.min(23), minute.min(59), 'z'),
            Self::HourMinuteSecond(hour, minute, second) => (hour.min(23), minute.min(59), second.min(59), 'h'),
        };
        put(out, format_args!("{a:02}{b:02}{c:02}{zone}"));
    }
}

/// Power, height, gain and directivity as the digits of `PHGphgd` (chapter 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phg {
    /// Power is the square of this, watts; 0 to 9.
    pub power: u8,
    /// Height is 10 feet times two to this; 0 to 9.
    pub height: u8,
    /// Gain, dBi; 0 to 9.
    pub gain: u8,
    /// Direction in steps of 45 degrees, 0 all round; 0 to 8.
    pub direction: u8,
}

/// A position with what may surround it. Fill it in by chaining.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct Position<'a> {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Symbol table (`/`, `\`, or an overlay 0-9 A-Z).
    pub table: char,
    /// Symbol code.
    pub code: char,
    /// Base-91 form instead of text.
    pub is_compressed: bool,
    /// Whether the station takes messages.
    pub messaging: bool,
    /// Time of the report.
    pub time: Option<Time>,
    /// Course, degrees 0 to 360 (0 is unknown), and speed, km/h.
    pub course_speed: Option<(u16, f64)>,
    /// Metres above sea level.
    pub altitude_m: Option<f64>,
    /// Power and antenna.
    pub phg: Option<Phg>,
    /// Free text.
    pub comment: &'a str,
}

impl<'a> Position<'a> {
    /// A plain position without anything else.
    pub const fn new(latitude: f64, longitude: f64, table: char, code: char) -> Self {
        Self {
            latitude,
            longitude,
            table,
            code,
            is_compressed: false,
            messaging: false,
            time: None,
            course_speed: None,
            altitude_m: None,
            phg: None,
            comment: "",
        }
    }

    /// In base-91 form.
    pub const fn compressed(mut self) -> Self {
        self.is_compressed = true;
        self
    }

    /// From a station that takes messages.
    pub const fn messaging(mut self) -> Self {
        self.messaging = true;
        self
    }

    /// With a time.
    pub const fn time(mut self, time: Time) -> Self {
        self.time = Some(time);
        self
    }

    /// With course (degrees) and speed (km/h).
    pub const fn course_speed(mut self, course_deg: u16, speed_kmh: f64) -> Self {
        self.course_speed = Some((course_deg, speed_kmh));
        self
    }

    /// With altitude (metres).
    pub const fn altitude(mut self, metres: f64) -> Self {
        self.altitude_m = Some(metres);
        self
    }

    /// With power and antenna.
    pub const fn phg(mut self, phg: Phg) -> Self {
        self.phg = Some(phg);
        self
    }

    /// With a comment. What reads as an element (`/A=001234`, `145.600MHz` ...) is read as one.
    pub const fn comment(mut self, comment: &'a str) -> Self {
        self.comment = comment;
        self
    }

    /// Coordinates, symbol and extension; what follows is weather or [`Position::write_tail`].
    fn write_place(&self, out: &mut Vec<u8>) {
        if self.is_compressed {
            self.write_compressed(out);
        } else {
            plain(out, self);
            if let Some((course, kmh)) = self.course_speed {
                let knots = (kmh.max(0.0) / 1.852).round().min(999.0);
                put(out, format_args!("{:03}/{knots:03.0}", course.min(360)));
            }
        }
        if let Some(phg) = self.phg {
            let [power, height, gain] = [phg.power, phg.height, phg.gain].map(|digit| digit.min(9));
            put(out, format_args!("PHG{power}{height}{gain}{}", phg.direction.min(8)));
        }
    }

    fn write_compressed(&self, out: &mut Vec<u8>) {
        let table = match self.table {
            digit @ '0'..='9' => b'a' + (digit as u8 - b'0'),
            other => ascii(other),
        };
        out.push(table);
        base91::push(out, round_u32((90.0 - clamp(self.latitude, 90.0)) * 380_926.0), 4);
        base91::push(out, round_u32((180.0 + clamp(self.longitude, 180.0)) * 190_463.0), 4);
        out.push(ascii(self.code));
        match self.course_speed {
            Some((course, kmh)) if course > 0 => {
                base91::push(out, u32::from((course + 2) / 4 % 90), 1);
                base91::push(out, round_u32((kmh.max(0.0) / 1.852 + 1.0).ln() / 1.08_f64.ln()).min(90), 1);
                // Current fix, RMC, made by software.
                base91::push(out, 0b11_1010, 1);
            }
            _ => out.extend_from_slice(b"  !"),
        }
    }

    fn write_tail(&self, out: &mut Vec<u8>) {
        if let Some(metres) = self.altitude_m {
            let feet = (metres / 0.3048).round().clamp(-99_999.0, 999_999.0);
            if feet < 0.0 {
                put(out, format_args!("/A=-{:05.0}", -feet));
            } else {
                put(out, format_args!("/A={feet:06.0}"));
            }
        }
        comment(out, self.comment, b"PRDFg");
    }
}

/// A comment. One that starts with a delimiter, or as something else does (with a letter of `taken`, or no letter at all),
/// gets a slash in front, which readers drop (chapter 18).
fn comment(out: &mut Vec<u8>, comment: &str, taken: &[u8]) {
    if comment.bytes().next().is_some_and(|first| first < 0x80 && (!first.is_ascii_alphabetic() || taken.contains(&first))) {
        out.push(b'/');
    }
    text(out, comment);
}

/// `4722.85N/00832.46E>`.
fn plain(out: &mut Vec<u8>, position: &Position<'_>) {
    let part = |value: f64, limit: f64| {
        let hundredths = round_u32(clamp(value, limit).abs() * 6000.0);
        (hundredths / 6000, hundredths % 6000 / 100, hundredths % 100)
    };
    let (degrees, minutes, hundredths) = part(position.latitude, 90.0);
    let north = if position.latitude < 0.0 { 'S' } else { 'N' };
    put(out, format_args!("{degrees:02}{minutes:02}.{hundredths:02}{north}"));
    out.push(ascii(position.table));
    let (degrees, minutes, hundredths) = part(position.longitude, 180.0);
    let east = if position.longitude < 0.0 { 'W' } else { 'E' };
    put(out, format_args!("{degrees:03}{minutes:02}.{hundredths:02}{east}"));
    out.push(ascii(position.code));
}

/// Appends a position report (`! = / @`).
pub fn position(out: &mut Vec<u8>, header: &Header<'_>, position: &Position<'_>) {
    begin_position(out, header, position);
    position.write_place(out);
    position.write_tail(out);
}

fn begin_position(out: &mut Vec<u8>, header: &Header<'_>, position: &Position<'_>) {
    header.write(out);
    out.push(match (position.time.is_some(), position.messaging) {
        (false, false) => b'!',
        (false, true) => b'=',
        (true, false) => b'/',
        (true, true) => b'@',
    });
    if let Some(time) = position.time {
        time.write(out);
    }
}

/// Appends a Mic-E packet: the destination of `header` is replaced by the encoded latitude. Speed, altitude and
/// comment are taken from `position`; `message` is 0 (off duty) to 6 (priority), 7 emergency.
pub fn mic_e(out: &mut Vec<u8>, header: &Header<'_>, position: &Position<'_>, message: u8) {
    let hundredths = round_u32(clamp(position.latitude, 90.0).abs() * 6000.0);
    let digits = format!("{:02}{:02}{:02}", hundredths / 6000, hundredths % 6000 / 100, hundredths % 100).into_bytes();
    let east = round_u32(clamp(position.longitude, 180.0).abs() * 6000.0).min(180 * 6000 - 1);
    let (degrees, minutes, rest) = (east / 6000, east % 6000 / 100, east % 100);
    let high = [
        message & 4 == 0,
        message & 2 == 0,
        message & 1 == 0,
        position.latitude >= 0.0,
        !(10..100).contains(&degrees),
        position.longitude < 0.0,
    ];
    let destination: String =
        digits.iter().zip(high).map(|(&digit, high)| char::from(if high { digit - b'0' + b'P' } else { digit })).collect();
    Header { destination: &destination, ..*header }.write(out);
    out.push(b'`');
    let first = match degrees {
        0..=9 => degrees + 118,
        10..=99 => degrees + 28,
        100..=109 => degrees + 8,
        _ => degrees - 72,
    };
    let second = if minutes < 10 { minutes + 88 } else { minutes + 28 };
    let (course, kmh) = position.course_speed.unwrap_or((0, 0.0));
    let knots = round_u32(kmh.max(0.0) / 1.852).min(799);
    let course = u32::from(course.min(360)) + 400;
    // Adding 800 to small speeds keeps the byte printable.
    let tens = if knots < 200 { knots / 10 + 80 } else { knots / 10 };
    for byte in [first, second, rest + 28, tens + 28, knots % 10 * 10 + course / 100 + 28, course % 100 + 28] {
        out.push(u8::try_from(byte).unwrap_or(b' '));
    }
    out.push(ascii(position.code));
    out.push(ascii(position.table));
    out.push(b'`');
    if let Some(metres) = position.altitude_m {
        base91::push(out, round_u32(metres.clamp(-10_000.0, 50_000.0) + 10_000.0), 3);
        out.push(b'}');
    }
    comment(out, position.comment, b"ABCDEFPR");
}

/// Appends an object; `name` is cut or padded to nine characters. Without a time in `position`, `111111z` is sent,
/// which by custom marks a permanent object.
pub fn object(out: &mut Vec<u8>, header: &Header<'_>, name: &str, alive: bool, position: &Position<'_>) {
    header.write(out);
    out.push(b';');
    padded(out, name, 9);
    out.push(if alive { b'*' } else { b'_' });
    match position.time {
        Some(time) => time.write(out),
        None => out.extend_from_slice(b"111111z"),
    }
    position.write_place(out);
    position.write_tail(out);
}

/// Appends an item; `name` is cut to nine characters, filled to three, and loses `!` and `_`.
pub fn item(out: &mut Vec<u8>, header: &Header<'_>, name: &str, alive: bool, position: &Position<'_>) {
    header.write(out);
    out.push(b')');
    let start = out.len();
    out.extend(name.bytes().filter(|byte| (b' '..0x7F).contains(byte) && !matches!(byte, b'!' | b'_')).take(9));
    while out.len() < start + 3 {
        out.push(b' ');
    }
    out.push(if alive { b'!' } else { b'_' });
    position.write_place(out);
    position.write_tail(out);
}

/// Appends a message with an optional number (one to five letters or digits).
pub fn message(out: &mut Vec<u8>, header: &Header<'_>, addressee: &str, message: &str, id: Option<&str>) {
    begin_message(out, header, addressee);
    text(out, message);
    if let Some(id) = id {
        out.push(b'{');
        text(out, id);
    }
}

/// Appends a message that can acknowledge another along the way (addendum 1.1): `{id}` or `{id}acknowledged`. The two
/// numbers have two characters by the addendum; one to five are written as given.
pub fn message_reply_ack(out: &mut Vec<u8>, header: &Header<'_>, addressee: &str, message: &str, id: &str, acknowledged: Option<&str>) {
    self::message(out, header, addressee, message, Some(id));
    out.push(b'}');
    text(out, acknowledged.unwrap_or_default());
}

/// Appends the acknowledgement of message `id` of `addressee`.
pub fn ack(out: &mut Vec<u8>, header: &Header<'_>, addressee: &str, id: &str) {
    begin_message(out, header, addressee);
    out.extend_from_slice(b"ack");
    text(out, id);
}

/// Appends the rejection of message `id` of `addressee`.
pub fn reject(out: &mut Vec<u8>, header: &Header<'_>, addressee: &str, id: &str) {
    begin_message(out, header, addressee);
    out.extend_from_slice(b"rej");
    text(out, id);
}

/// Appends a bulletin (`line` a digit) or announcement (a capital letter), for a group or for all (`""`).
pub fn bulletin(out: &mut Vec<u8>, header: &Header<'_>, line: char, group: &str, bulletin: &str) {
    begin_message(out, header, &format!("BLN{line}{group}"));
    text(out, bulletin);
}

fn begin_message(out: &mut Vec<u8>, header: &Header<'_>, addressee: &str) {
    header.write(out);
    out.push(b':');
    padded(out, addressee, 9);
    out.push(b':');
}

/// Appends a status text.
pub fn status(out: &mut Vec<u8>, header: &Header<'_>, time: Option<Time>, status: &str) {
    header.write(out);
    out.push(b'>');
    if let Some(time) = time {
        time.write(out);
    }
    text(out, status);
}

/// Weather readings to send; what is `None` is sent as unknown or left out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Weather<'a> {
    /// Where the wind comes from, degrees 1 to 360.
    pub wind_direction_deg: Option<f64>,
    /// m/s.
    pub wind_speed_ms: Option<f64>,
    /// m/s.
    pub wind_gust_ms: Option<f64>,
    /// °C.
    pub temperature_c: Option<f64>,
    /// mm.
    pub rain_1h_mm: Option<f64>,
    /// mm.
    pub rain_24h_mm: Option<f64>,
    /// mm.
    pub rain_midnight_mm: Option<f64>,
    /// Percent.
    pub humidity_percent: Option<f64>,
    /// hPa.
    pub pressure_hpa: Option<f64>,
    /// W/m², up to 1999.
    pub luminosity_wm2: Option<f64>,
    /// Name of the software, three to five letters, or other text.
    pub software: &'a str,
}

impl Weather<'_> {
    fn write_wind(&self, out: &mut Vec<u8>, before: [&str; 2]) {
        for (prefix, value) in before.into_iter().zip([self.wind_direction_deg, self.wind_speed_ms.map(|ms| ms / 0.447_04)]) {
            out.extend_from_slice(prefix.as_bytes());
            three(out, value);
        }
    }

    fn write_fields(&self, out: &mut Vec<u8>) {
        out.push(b'g');
        three(out, self.wind_gust_ms.map(|ms| ms / 0.447_04));
        out.push(b't');
        match self.temperature_c.map(|celsius| (celsius * 1.8 + 32.0).round().clamp(-99.0, 999.0)) {
            Some(fahrenheit) if fahrenheit < 0.0 => put(out, format_args!("-{:02.0}", -fahrenheit)),
            fahrenheit => three(out, fahrenheit),
        }
        for (letter, rain) in [(b'r', self.rain_1h_mm), (b'p', self.rain_24h_mm), (b'P', self.rain_midnight_mm)] {
            if let Some(mm) = rain {
                out.push(letter);
                three(out, Some(mm / 0.254));
            }
        }
        if let Some(percent) = self.humidity_percent {
            put(out, format_args!("h{:02}", round_u32(percent.clamp(1.0, 100.0)) % 100));
        }
        if let Some(hpa) = self.pressure_hpa {
            put(out, format_args!("b{:05}", round_u32(hpa.clamp(0.0, 1200.0) * 10.0)));
        }
        if let Some(watts) = self.luminosity_wm2.map(|watts| round_u32(watts.clamp(0.0, 1999.0))) {
            put(out, format_args!("{}{:03}", if watts < 1000 { 'L' } else { 'l' }, watts % 1000));
        }
        text(out, self.software);
    }
}

/// Three digits, or dots for unknown.
fn three(out: &mut Vec<u8>, value: Option<f64>) {
    match value {
        Some(value) => put(out, format_args!("{:03}", round_u32(value.clamp(0.0, 999.0)))),
        None => out.extend_from_slice(b"..."),
    }
}

/// Appends weather with a position, whose symbol code becomes `_`; its course, speed and comment are not sent.
pub fn weather(out: &mut Vec<u8>, header: &Header<'_>, position: &Position<'_>, weather: &Weather<'_>) {
    let place = Position { code: '_', course_speed: None, phg: None, is_compressed: false, ..*position };
    begin_position(out, header, &place);
    place.write_place(out);
    weather.write_wind(out, ["", "/"]);
    weather.write_fields(out);
}

/// Appends weather without position; the time is month, day, hour, minute, UTC.
pub fn weather_positionless(out: &mut Vec<u8>, header: &Header<'_>, time: (u8, u8, u8, u8), weather: &Weather<'_>) {
    header.write(out);
    let (month, day, hour, minute) = (time.0.clamp(1, 12), time.1.clamp(1, 31), time.2.min(23), time.3.min(59));
    put(out, format_args!("_{month:02}{day:02}{hour:02}{minute:02}"));
    weather.write_wind(out, ["c", "s"]);
    weather.write_fields(out);
}

/// Appends a telemetry report: up to five values, and bits with B1 in the highest place.
pub fn telemetry(out: &mut Vec<u8>, header: &Header<'_>, sequence: u16, values: [u8; 5], bits: u8, comment: &str) {
    header.write(out);
    let [a, b, c, d, e] = values;
    put(out, format_args!("T#{:03},{a:03},{b:03},{c:03},{d:03},{e:03},{bits:08b}", sequence % 1000));
    text(out, comment);
}

/// Appends names of telemetry channels and bits (`PARM.`) for `station`.
pub fn telemetry_names(out: &mut Vec<u8>, header: &Header<'_>, station: &str, names: &[&str]) {
    definition(out, header, station, "PARM.", names);
}

/// Appends units of telemetry channels and labels of bits (`UNIT.`).
pub fn telemetry_units(out: &mut Vec<u8>, header: &Header<'_>, station: &str, units: &[&str]) {
    definition(out, header, station, "UNIT.", units);
}

/// Appends the equations a·v² + b·v + c of each channel (`EQNS.`).
pub fn telemetry_equations(out: &mut Vec<u8>, header: &Header<'_>, station: &str, equations: &[[f64; 3]]) {
    let numbers: Vec<String> = equations.iter().flatten().take(15).map(f64::to_string).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    definition(out, header, station, "EQNS.", &numbers);
}

/// Appends the sense of the bits, B1 in the highest place, and the project's name (`BITS.`).
pub fn telemetry_bits(out: &mut Vec<u8>, header: &Header<'_>, station: &str, sense: u8, project: &str) {
    definition(out, header, station, "BITS.", &[&format!("{sense:08b}"), project]);
}

fn definition(out: &mut Vec<u8>, header: &Header<'_>, station: &str, word: &str, parts: &[&str]) {
    begin_message(out, header, station);
    out.extend_from_slice(word.as_bytes());
    for (at, part) in parts.iter().take(15).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        text(out, part);
    }
}

fn put(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(arguments);
}

/// Text with control characters made blanks.
fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().map(|byte| if byte < b' ' || byte == 0x7F { b' ' } else { byte }));
}

/// Printable ASCII of `name`, cut or filled with blanks to `width`.
fn padded(out: &mut Vec<u8>, name: &str, width: usize) {
    let start = out.len();
    out.extend(name.bytes().filter(|byte| (b' '..0x7F).contains(byte)).take(width));
    out.resize(start + width, b' ');
}

/// A printable ASCII character as a byte; others become `.`.
fn ascii(character: char) -> u8 {
    u8::try_from(character).ok().filter(|byte| (0x21..0x7F).contains(byte)).unwrap_or(b'.')
}

/// Within plus and minus `limit`; not a number is zero.
fn clamp(value: f64, limit: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(-limit, limit) }
}

/// Rounded, not below zero; callers keep it far below 2^32.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates, which is the limit wanted")]
fn round_u32(value: f64) -> u32 {
    value.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Packet, TelemetryDefinition, parse};

    const HEADER: Header<'_> = Header::new("OE9XXX-9", "APZGDW", "WIDE1-1");

    #[test]
    fn reply_acks_come_back() {
        for acknowledged in [None, Some("AA")] {
            let packet = read(|out| message_reply_ack(out, &HEADER, "OE9YYY-1", "hello", "MM", acknowledged));
            let message = packet.message.expect("a message");
            assert_eq!((packet.kind, message.text.bytes()), (Kind::Message, b"hello".as_slice()));
            assert_eq!(message.id.map(|id| id.to_string()).as_deref(), Some("MM"));
            assert_eq!(message.reply_ack.map(|id| id.to_string()), Some(acknowledged.unwrap_or_default().to_owned()));
        }
    }

    fn read(write: impl FnOnce(&mut Vec<u8>)) -> Packet<'static> {
        let mut out = Vec::new();
        write(&mut out);
        let line: &'static [u8] = Box::leak(out.into_boxed_slice());
        parse(line).unwrap_or_else(|error| panic!("{error}: {}", line.escape_ascii()))
    }

    fn near(a: f64, b: f64, by: f64) -> bool {
        (a - b).abs() <= by
    }

    #[test]
    fn mic_e_comes_back() {
        for longitude in [0.5, 8.541, 55.0, 99.99, 105.5, 150.0, -179.99, -5.25] {
            for latitude in [47.380_833, -33.5] {
                let sent = Position::new(latitude, longitude, '/', '>').course_speed(147, 118.528).altitude(431.0).comment("hi");
                let packet = read(|out| mic_e(out, &HEADER, &sent, 1));
                let position = packet.position.expect("has one");
                assert!(near(position.latitude, latitude, 1e-4) && near(position.longitude, longitude, 1e-4), "{latitude} {longitude}");
                assert_eq!((packet.course_deg, packet.altitude_m), (Some(147.0), Some(431.0)));
                assert!(near(packet.speed_kmh.expect("sent"), 118.528, 1e-9));
                assert_eq!(packet.comment.to_string_lossy(), "hi");
            }
        }
    }

    #[test]
    fn objects_items_and_messages_come_back() {
        let place = Position::new(47.380_833, 8.541, '/', ';').comment("Open");
        let object = read(|out| object(out, &HEADER, "CAMP 7", false, &place));
        assert_eq!((object.kind, object.alive, object.name.expect("named").to_string()), (Kind::Object, Some(false), "CAMP 7".into()));
        let item = read(|out| item(out, &HEADER, "GATE", true, &place));
        assert_eq!((item.kind, item.alive), (Kind::Item, Some(true)));
        let message = read(|out| message(out, &HEADER, "OE9YYY-1", "hello\nthere", Some("7")));
        assert_eq!(
            message.message.map(|m| (m.text.to_string(), m.id.map(|id| id.to_string()))),
            Some(("hello there".into(), Some("7".into())))
        );
        assert_eq!(read(|out| ack(out, &HEADER, "OE9YYY-1", "7")).kind, Kind::Ack);
        assert_eq!(read(|out| reject(out, &HEADER, "OE9YYY-1", "7")).kind, Kind::Reject);
        assert_eq!(read(|out| bulletin(out, &HEADER, '3', "CLUB", "Net moved")).kind, Kind::Bulletin);
        assert_eq!(read(|out| status(out, &HEADER, None, "on air")).status.expect("one").text, "on air");
    }

    #[test]
    fn comments_that_start_like_something_else_come_back() {
        for comment in
            [" two", "/hi", "123/456 Main St", "PHG5132", "RNG0010", "DFS2360", "g001t050", ".../...", "CAFE 12", "7F00 it is", "}x", ""]
        {
            for altitude_m in [None, Some(431.0)] {
                let sent = Position { altitude_m, ..Position::new(47.380_833, 8.541, '/', '>') }.comment(comment);
                let plain = read(|out| position(out, &HEADER, &sent));
                let compressed = read(|out| position(out, &HEADER, &sent.compressed()));
                let mic_e = read(|out| mic_e(out, &HEADER, &sent, 1));
                for packet in [plain, compressed, mic_e] {
                    let late = packet.phg.is_some() || packet.dfs.is_some() || packet.range_km.is_some();
                    assert!(late || packet.comment.to_string_lossy() == comment, "{comment}: {}", packet.raw.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn weather_comes_back() {
        let sent = Weather {
            wind_direction_deg: Some(232.0),
            wind_speed_ms: Some(1.788_16),
            temperature_c: Some(-20.0),
            humidity_percent: Some(100.0),
            pressure_hpa: Some(1013.2),
            luminosity_wm2: Some(1123.0),
            rain_24h_mm: Some(2.54),
            software: "gdwt",
            ..Weather::default()
        };
        let place = Position::new(47.380_833, 8.541, '/', '_');
        let positionless = read(|out| weather_positionless(out, &HEADER, (11, 23, 10, 15), &sent));
        for packet in [read(|out| weather(out, &HEADER, &place, &sent)), positionless] {
            let got = packet.weather.expect("has some");
            assert_eq!((got.wind_direction_deg, got.humidity_percent, got.pressure_hpa), (Some(232.0), Some(100.0), Some(1013.2)));
            assert_eq!((got.luminosity_wm2, got.rain_1h_mm, got.wind_gust_ms), (Some(1123.0), None, None));
            assert!(near(got.temperature_c.expect("sent"), -20.0, 0.3) && near(got.wind_speed_ms.expect("sent"), 1.788, 0.01));
            assert_eq!(got.software.expect("sent"), "gdwt");
        }
    }

    #[test]
    fn telemetry_comes_back() {
        let report = read(|out| telemetry(out, &HEADER, 93, [1, 2, 3, 4, 255], 0b1011_0000, "hi"));
        let got = report.telemetry.expect("has one");
        assert_eq!((got.sequence, got.values[4], got.bits), (Some(93), Some(255.0), Some(0b1011_0000)));
        let equations = read(|out| telemetry_equations(out, &HEADER, "OE9XXX-9", &[[0.0, 0.01, -40.0]]));
        let Some(TelemetryDefinition::Equations(values)) = equations.telemetry_definition() else { panic!("no equations") };
        assert_eq!(values[0], [0.0, 0.01, -40.0]);
        assert!(matches!(
            read(|out| telemetry_bits(out, &HEADER, "OE9XXX-9", 3, "Project")).telemetry_definition(),
            Some(TelemetryDefinition::Bits { sense: 3, .. })
        ));
    }
}
