//! What stations say, and over which path it comes in.

use fastrand::Rng;
use godwit_packet::{Symbol, encode};

use crate::{
    places::PLACES,
    station::{Fix, Role, Station, callsign, distance_km},
    weather,
};

/// Day of month, hour and minute in UTC, for timestamps.
pub(crate) fn day_hour_minute(at_us: i64) -> (u8, u8, u8) {
    let minutes = at_us.div_euclid(60_000_000);
    let days = minutes.div_euclid(1440) + 719_468;
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let day = of_year - (153 * ((5 * of_year + 2) / 153) + 2) / 5 + 1;
    let small = |value: i64| u8::try_from(value).unwrap_or(0);
    (
        small(day),
        small(minutes.rem_euclid(1440) / 60),
        small(minutes.rem_euclid(60)),
    )
}

/// The digipeater and the igate of a city.
pub(crate) fn infrastructure(place: u16) -> (String, String) {
    let city = &PLACES[usize::from(place)];
    let index = 150_000 + usize::from(place);
    (
        format!("{}-2", callsign(city, index)),
        format!("{}-10", callsign(city, index + 1000)),
    )
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
    let reach = if matches!(station.role, Role::Aircraft | Role::Balloon) {
        8.0
    } else {
        1.0
    };
    let distance = distance_km(
        (city.latitude, city.longitude),
        (fix.latitude, fix.longitude),
    ) / reach;
    let kind = if random.u8(..8) == 0 { "qAO" } else { "qAR" };
    match distance {
        _ if other => format!(
            "{digi},WIDE1*,WIDE2-1,{kind},{}-11",
            igate.split('-').next().unwrap_or_default()
        ),
        d if d < 14.0 => format!("WIDE1-1,WIDE2-1,{kind},{igate}"),
        d if d < 45.0 => format!("{digi}*,WIDE2-1,{kind},{igate}"),
        _ => format!(
            "{}-3,WIDE1,{digi},WIDE2*,{kind},{igate}",
            digi.split('-').next().unwrap_or_default()
        ),
    }
}

/// Texts as people write them: with umlauts in UTF-8 and in Latin-1, and such as try to break pages.
const COMMENTS: [&[u8]; 12] = [
    b"",
    b"",
    b"Hello from the road",
    b"QRV 145.500",
    b"Gr\xc3\xbc\xc3\x9fe aus dem Auto",
    b"Mobile",
    b"73 de Z\xfcrich",
    b"<b>bold</b> & \"quoted\"",
    b"on tour",
    b"438.700MHz T088",
    b"Op: Alex",
    b"!W52!",
];

fn comment(random: &mut Rng, info: &mut Vec<u8>) {
    info.extend_from_slice(COMMENTS[random.usize(..COMMENTS.len())]);
}

/// A position report, in the form that the station's kind of radio sends.
pub(crate) fn position(
    random: &mut Rng,
    station: &Station,
    fix: &Fix,
    at_us: i64,
) -> (String, Vec<u8>) {
    let form = (station.phase * 1000.0) as u32 % 10;
    let moving = fix.speed_kmh > 0.0;
    if station.role == Role::Weather {
        return ("APRS".to_owned(), weather_report(station, fix, at_us));
    }
    if moving && form < 3 && fix.altitude_m.is_none() {
        let (destination, mut info) = encode::mic_e(
            fix.latitude,
            fix.longitude,
            station.symbol,
            fix.course_deg,
            fix.speed_kmh,
        );
        info.push(b'`');
        comment(random, &mut info);
        info.extend_from_slice(b"_5");
        return (destination, info);
    }
    let mut info = Vec::with_capacity(80);
    let timed = form == 3 || form == 4;
    info.push(if timed {
        b'@'
    } else if form == 9 {
        b'='
    } else {
        b'!'
    });
    if timed {
        let (day, hour, minute) = day_hour_minute(at_us);
        info.extend_from_slice(format!("{day:02}{hour:02}{minute:02}z").as_bytes());
    }
    if matches!(form, 5 | 6) {
        encode::compressed(
            &mut info,
            fix.latitude,
            fix.longitude,
            station.symbol,
            moving.then_some((fix.course_deg, fix.speed_kmh)),
        );
    } else {
        encode::position(&mut info, fix.latitude, fix.longitude, station.symbol);
        if form == 7 && !moving {
            // Ambiguous by choice: the last digits left out.
            let from = info.len() - 19;
            for at in [5, 6, 15, 16] {
                info[from + at] = b' ';
            }
        }
        if moving {
            encode::course_speed(&mut info, fix.course_deg, fix.speed_kmh);
        } else if matches!(station.role, Role::Digipeater | Role::Igate) {
            info.extend_from_slice(b"PHG5260");
        }
    }
    if let Some(altitude_m) = fix.altitude_m {
        encode::altitude(&mut info, altitude_m);
    }
    match station.role {
        Role::Digipeater => info.extend_from_slice(b"Fill-in and wide digipeater"),
        Role::Igate => info.extend_from_slice(b"Igate, receive only"),
        _ => comment(random, &mut info),
    }
    ("APZGDW".to_owned(), info)
}

fn weather_report(station: &Station, fix: &Fix, at_us: i64) -> Vec<u8> {
    let weather = weather::at(fix.latitude, fix.longitude, station.phase, at_us);
    let (day, hour, minute) = day_hour_minute(at_us);
    let mut info = format!("@{day:02}{hour:02}{minute:02}z").into_bytes();
    encode::position(&mut info, fix.latitude, fix.longitude, station.symbol);
    let temperature = if weather.temperature_f < 0 {
        format!("-{:02}", -weather.temperature_f)
    } else {
        format!("{:03}", weather.temperature_f)
    };
    info.extend_from_slice(
        format!(
            "{:03}/{:03}g{:03}t{temperature}r{:03}p{:03}P{:03}h{:02}b{:05}Godwit WX",
            weather.wind_direction_deg,
            weather.wind_mph,
            weather.gust_mph,
            weather.rain_1h.min(999),
            weather.rain_24h.min(999),
            weather.rain_midnight.min(999),
            weather.humidity_percent % 100,
            weather.pressure_tenths_hpa
        )
        .as_bytes(),
    );
    info
}

/// Something else that a fixed station sends: status, telemetry with its definitions, a bulletin, capabilities.
pub(crate) fn other(random: &mut Rng, station: &mut Station) -> Vec<u8> {
    station.sequence += 1;
    let sequence = station.sequence % 1000;
    let mut info = Vec::new();
    match random.u8(..8) {
        0 => encode::message(
            &mut info,
            &station.call,
            "PARM.Battery,Temp,Load,Rx,Tx,PTT,Door",
            "",
        ),
        1 => encode::message(
            &mut info,
            &station.call,
            "UNIT.Volt,deg.C,%,pkt,pkt,on,open",
            "",
        ),
        2 => encode::message(
            &mut info,
            &station.call,
            "EQNS.0,0.1,0,0,0.5,-20,0,1,0,0,1,0,0,1,0",
            "",
        ),
        3 => encode::message(&mut info, "BLN1", "Club meeting on Friday, all welcome", ""),
        4 | 5 => {
            let (battery, load, heard) =
                (120 + random.u32(..20), random.u32(..100), random.u32(..255));
            info.extend_from_slice(
                format!(
                    "T#{sequence:03},{battery:03},{:03},{load:03},{heard:03},004,10000000",
                    60 + sequence % 30
                )
                .as_bytes(),
            );
        }
        6 if station.role == Role::Igate => info.extend_from_slice(
            format!("<IGATE,MSG_CNT={},LOC_CNT={}", sequence, random.u32(..60)).as_bytes(),
        ),
        _ => info.extend_from_slice(format!(">Godwit simulator, beacon {sequence}").as_bytes()),
    }
    info
}

/// An object near its owner.
pub(crate) fn object(
    name: &str,
    alive: bool,
    place: (f64, f64),
    at_us: i64,
    text: &str,
) -> Vec<u8> {
    let mut info = Vec::new();
    encode::object(&mut info, name, alive, day_hour_minute(at_us));
    let symbol = if text.contains("MHz") {
        Symbol {
            table: b'/',
            code: b'r',
        }
    } else {
        Symbol {
            table: b'/',
            code: b';',
        }
    };
    encode::position(&mut info, place.0, place.1, symbol);
    info.extend_from_slice(text.as_bytes());
    info
}

/// What no parser should take for a position.
pub(crate) fn malformed(random: &mut Rng) -> &'static [u8] {
    const LINES: [&[u8]; 5] = [
        b"!4903.50N/0720",
        b"!49XX.50N/07201.75W-",
        b";SHORT",
        b"=/5L!!<*",
        b"!0000.00N/00000.00E-no fix",
    ];
    LINES[random.usize(..LINES.len())]
}
