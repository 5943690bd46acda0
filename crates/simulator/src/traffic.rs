//! What stations say, and over which path it comes in.

use fastrand::Rng;
use godwit_packet::{
    Symbol,
    encode::{self, Header, Phg, Position, Time, Weather},
};

use crate::{
    places::PLACES,
    station::{Fix, Role, Station, callsign, distance_km},
    weather,
};

/// The tocall of experiments.
const TOCALL: &str = "APZGDW";

/// What is said: the destination (Mic-E keeps half of the position there) and the information field.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    destination: String,
    info: Vec<u8>,
}

impl Words {
    /// What an encoder writes.
    fn of(write: impl FnOnce(&mut Vec<u8>, &Header<'_>)) -> Self {
        let mut line = Vec::with_capacity(120);
        write(&mut line, &Header::new("N", TOCALL, ""));
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(0);
        Self { destination: String::from_utf8_lossy(&line[2..colon]).into_owned(), info: line.split_off(colon + 1) }
    }

    /// Information as it stands.
    pub(crate) fn raw(info: impl Into<Vec<u8>>) -> Self {
        Self { destination: TOCALL.to_owned(), info: info.into() }
    }

    /// The line of who says it over which path.
    pub(crate) fn line(&self, source: &str, path: &str) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.info.len() + 60);
        Header::new(source, &self.destination, path).write(&mut line);
        line.extend_from_slice(&self.info);
        line
    }
}

/// Day of month, hour and minute in UTC, for timestamps.
fn day_hour_minute(at_us: i64) -> Time {
    let minutes = at_us.div_euclid(60_000_000);
    let days = minutes.div_euclid(1440) + 719_468;
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let day = of_year - (153 * ((5 * of_year + 2) / 153) + 2) / 5 + 1;
    let small = |value: i64| u8::try_from(value).unwrap_or(0);
    Time::DayHourMinute(small(day), small(minutes.rem_euclid(1440) / 60), small(minutes.rem_euclid(60)))
}

/// The digipeater and the igate of a city.
pub(crate) fn infrastructure(place: u16) -> (String, String) {
    let city = &PLACES[usize::from(place)];
    let index = 150_000 + usize::from(place);
    (format!("{}-2", callsign(city, index)), format!("{}-10", callsign(city, index + 1000)))
}

/// The path that fits where the sender is: near the igate directly, farther over the digipeater; some over the internet.
pub(crate) fn path(random: &mut Rng, station: &Station, fix: &Fix, other: bool) -> String {
    let city = &PLACES[usize::from(station.place)];
    let (digi, igate) = infrastructure(station.place);
    let internet = match station.role {
        Role::Igate => true,
        Role::Home | Role::Weather => ((station.phase * 1000.0) as u32).is_multiple_of(3),
        _ => false,
    };
    if internet {
        return "TCPIP*,qAC,GODWIT-S".to_owned();
    }
    let base = |call: &str| call.split('-').next().unwrap_or_default().to_owned();
    let reach = if matches!(station.role, Role::Aircraft | Role::Balloon) { 8.0 } else { 1.0 };
    let distance = distance_km((city.latitude, city.longitude), (fix.latitude, fix.longitude)) / reach;
    let kind = if random.u8(..8) == 0 { "qAO" } else { "qAR" };
    match distance {
        _ if other => format!("{digi},WIDE1*,WIDE2-1,{kind},{}-11", base(&igate)),
        d if d < 14.0 => format!("WIDE1-1,WIDE2-1,{kind},{igate}"),
        d if d < 45.0 => format!("{digi}*,WIDE2-1,{kind},{igate}"),
        _ => format!("{}-3,WIDE1,{digi},WIDE2*,{kind},{igate}", base(&digi)),
    }
}

/// Texts as people write them, and such as try to break pages.
const COMMENTS: [&str; 11] = [
    "",
    "",
    "Hello from the road",
    "QRV 145.500",
    "Grüße aus dem Auto",
    "Mobile",
    "<b>bold</b> & \"quoted\"",
    "on tour",
    "438.700MHz T088",
    "Op: Alex",
    "!W52!",
];

/// A position report, in the form that the station's kind of radio sends.
pub(crate) fn position(random: &mut Rng, station: &Station, fix: &Fix, at_us: i64) -> Words {
    let form = (station.phase * 1000.0) as u32 % 10;
    let moving = fix.speed_kmh > 0.0;
    let mut position = Position::new(fix.latitude, fix.longitude, station.symbol.table, station.symbol.code);
    position.altitude_m = fix.altitude_m;
    if station.role == Role::Weather {
        position.time = Some(day_hour_minute(at_us));
        position.messaging = true;
        let weather = weather_of(station, fix, at_us);
        return Words::of(|out, header| encode::weather(out, header, &position, &weather));
    }
    position.comment = match station.role {
        Role::Digipeater => "Fill-in and wide digipeater",
        Role::Igate => "Igate, receive only",
        _ => COMMENTS[random.usize(..COMMENTS.len())],
    };
    if moving {
        position.course_speed = Some((fix.course_deg, fix.speed_kmh));
    } else if matches!(station.role, Role::Digipeater | Role::Igate) {
        position.phg = Some(Phg { power: 5, height: 2, gain: 6, direction: 0 });
    }
    if moving && form < 3 && fix.altitude_m.is_none() {
        let mut words = Words::of(|out, header| encode::mic_e(out, header, &position, 1));
        words.info.extend_from_slice(b"_5");
        return words;
    }
    position.is_compressed = matches!(form, 5 | 6);
    position.messaging = form == 9 || form == 4;
    position.time = matches!(form, 3 | 4).then(|| day_hour_minute(at_us));
    let mut words = Words::of(|out, header| encode::position(out, header, &position));
    if form == 7 && !moving {
        // Ambiguous by choice: the last digits of latitude and longitude left out.
        for at in [6, 7, 16, 17] {
            words.info[at] = b' ';
        }
    }
    if form == 8 && random.u8(..4) == 0 {
        words.info.extend_from_slice(b" Z\xfcrich");
    }
    words
}

fn weather_of(station: &Station, fix: &Fix, at_us: i64) -> Weather<'static> {
    let weather = weather::at(fix.latitude, fix.longitude, station.phase, at_us);
    Weather {
        wind_direction_deg: Some(weather.wind_direction_deg),
        wind_speed_ms: Some(weather.wind_ms),
        wind_gust_ms: Some(weather.wind_ms * 1.5),
        temperature_c: Some(weather.temperature_c),
        rain_1h_mm: Some(weather.rain_1h_mm),
        rain_24h_mm: Some(weather.rain_24h_mm),
        rain_midnight_mm: Some(weather.rain_midnight_mm),
        humidity_percent: Some(weather.humidity_percent),
        pressure_hpa: Some(weather.pressure_hpa),
        luminosity_wm2: None,
        software: "Godwit WX",
    }
}

/// Something else that a fixed station sends: status, telemetry with its definitions, a bulletin, capabilities.
pub(crate) fn other(random: &mut Rng, station: &mut Station) -> Words {
    station.sequence += 1;
    let sequence = u16::try_from(station.sequence % 1000).unwrap_or(0);
    let call = &station.call;
    match random.u8(..8) {
        0 => Words::of(|out, header| encode::telemetry_names(out, header, call, &["Battery", "Temp", "Load", "Rx", "Tx", "PTT", "Door"])),
        1 => Words::of(|out, header| encode::telemetry_units(out, header, call, &["Volt", "deg.C", "%", "pkt", "pkt", "on", "open"])),
        2 => {
            let equations = [[0.0, 0.1, 0.0], [0.0, 0.5, -20.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]];
            Words::of(|out, header| encode::telemetry_equations(out, header, call, &equations))
        }
        3 => Words::of(|out, header| encode::bulletin(out, header, '1', "", "Club meeting on Friday, all welcome")),
        4 | 5 => {
            let values = [120 + random.u8(..20), 60 + (sequence % 30) as u8, random.u8(..100), random.u8(..), 4];
            Words::of(|out, header| encode::telemetry(out, header, sequence, values, 0b1000_0000, ""))
        }
        6 if station.role == Role::Igate => Words::raw(format!("<IGATE,MSG_CNT={sequence},LOC_CNT={}", random.u32(..60))),
        _ => Words::of(|out, header| encode::status(out, header, None, &format!("Godwit simulator, beacon {sequence}"))),
    }
}

/// An object at a place.
pub(crate) fn object(name: &str, alive: bool, place: (f64, f64), at_us: i64, text: &str) -> Words {
    let symbol = if text.contains("MHz") { Symbol::new('/', 'r') } else { Symbol::new('/', ';') };
    let mut position = Position::new(place.0, place.1, symbol.table, symbol.code);
    position.time = Some(day_hour_minute(at_us));
    position.comment = text;
    Words::of(|out, header| encode::object(out, header, name, alive, &position))
}

/// A message, and its acknowledgement.
pub(crate) fn message(from: &str, to: &str, text: &str, id: &str) -> (Words, Words) {
    (Words::of(|out, header| encode::message(out, header, to, text, Some(id))), Words::of(|out, header| encode::ack(out, header, from, id)))
}

/// What no parser should take for a position.
pub(crate) fn malformed(random: &mut Rng) -> Words {
    const LINES: [&str; 5] = ["!4903.50N/0720", "!49XX.50N/07201.75W-", ";SHORT", "=/5L!!<*", "!0000.00N/00000.00E-no fix"];
    Words::raw(LINES[random.usize(..LINES.len())])
}
