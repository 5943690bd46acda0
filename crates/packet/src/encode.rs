//! The reverse: information fields for what a station sends. Each function appends to a buffer; [`line`] puts a header
//! in front. Values out of range are clamped: an encoder never makes a packet that cannot be read.

use crate::Symbol;

/// `SOURCE>DESTINATION,PATH:` and the information field.
#[must_use]
pub fn line(source: &str, destination: &str, path: &str, info: &[u8]) -> Vec<u8> {
    let mut line =
        Vec::with_capacity(source.len() + destination.len() + path.len() + info.len() + 3);
    line.extend_from_slice(source.as_bytes());
    line.push(b'>');
    line.extend_from_slice(destination.as_bytes());
    if !path.is_empty() {
        line.push(b',');
        line.extend_from_slice(path.as_bytes());
    }
    line.push(b':');
    line.extend_from_slice(info);
    line
}

/// `DDMM.hhN` table `DDDMM.hhE` code (chapter 6).
pub fn position(out: &mut Vec<u8>, latitude: f64, longitude: f64, symbol: Symbol) {
    let (degrees, minutes) = degrees_minutes(latitude.abs().min(90.0));
    out.extend_from_slice(
        format!("{degrees:02}{:02}.{:02}", minutes / 100, minutes % 100).as_bytes(),
    );
    out.push(if latitude < 0.0 { b'S' } else { b'N' });
    out.push(symbol.table);
    let (degrees, minutes) = degrees_minutes(longitude.abs().min(180.0));
    out.extend_from_slice(
        format!("{degrees:03}{:02}.{:02}", minutes / 100, minutes % 100).as_bytes(),
    );
    out.push(if longitude < 0.0 { b'W' } else { b'E' });
    out.push(symbol.code);
}

fn degrees_minutes(value: f64) -> (u32, u32) {
    let hundredths = (value * 6000.0).round() as u32;
    (hundredths / 6000, hundredths % 6000)
}

/// The 13 bytes of a compressed position (chapter 9) with course (degrees) and speed (km/h) if given.
pub fn compressed(
    out: &mut Vec<u8>,
    latitude: f64,
    longitude: f64,
    symbol: Symbol,
    course_speed: Option<(u16, f64)>,
) {
    let table = if symbol.table.is_ascii_digit() {
        symbol.table - b'0' + b'a'
    } else {
        symbol.table
    };
    out.push(table);
    base91(
        out,
        (380_926.0 * (90.0 - latitude.clamp(-90.0, 90.0))).round() as u32,
        4,
    );
    base91(
        out,
        (190_463.0 * (180.0 + longitude.clamp(-180.0, 180.0))).round() as u32,
        4,
    );
    out.push(symbol.code);
    match course_speed {
        Some((course, speed_kmh)) => {
            let knots = (speed_kmh / 1.852).max(0.0);
            let s = ((knots + 1.0).ln() / 1.08_f64.ln())
                .round()
                .clamp(0.0, 90.0);
            out.push(b'!' + u8::try_from(course % 360 / 4).unwrap_or(0));
            out.push(b'!' + s as u8);
            // Current fix, RMC, made by software.
            out.push(b'!' + 0b11_1010);
        }
        None => out.extend_from_slice(b"  !"),
    }
}

fn base91(out: &mut Vec<u8>, mut value: u32, digits: usize) {
    let start = out.len();
    for _ in 0..digits {
        out.insert(start, b'!' + u8::try_from(value % 91).unwrap_or(0));
        value /= 91;
    }
}

/// `CCC/SSS`: degrees and km/h as knots (chapter 7).
pub fn course_speed(out: &mut Vec<u8>, course_deg: u16, speed_kmh: f64) {
    out.extend_from_slice(
        format!(
            "{:03}/{:03}",
            course_deg.min(360),
            (speed_kmh / 1.852).round().clamp(0.0, 999.0)
        )
        .as_bytes(),
    );
}

/// `/A=dddddd`: metres as feet (chapter 6).
pub fn altitude(out: &mut Vec<u8>, altitude_m: f64) {
    let feet = (altitude_m / 0.3048).round().clamp(-99_999.0, 999_999.0) as i32;
    out.extend_from_slice(
        if feet < 0 {
            format!("/A=-{:05}", -feet)
        } else {
            format!("/A={feet:06}")
        }
        .as_bytes(),
    );
}

/// `;NAME     *DDHHMMz`, to be followed by a position (chapter 11).
pub fn object(out: &mut Vec<u8>, name: &str, alive: bool, (day, hour, minute): (u8, u8, u8)) {
    out.extend_from_slice(
        format!(
            ";{name:<9.9}{}{day:02}{hour:02}{minute:02}z",
            if alive { '*' } else { '_' }
        )
        .as_bytes(),
    );
}

/// `)NAME!`, to be followed by a position (chapter 11).
pub fn item(out: &mut Vec<u8>, name: &str, alive: bool) {
    out.extend_from_slice(format!("){name:<3.9}{}", if alive { '!' } else { '_' }).as_bytes());
}

/// `:ADDRESSEE:text{id` (chapter 14); an empty id asks for no acknowledgement.
pub fn message(out: &mut Vec<u8>, addressee: &str, text: &str, id: &str) {
    out.extend_from_slice(format!(":{addressee:<9.9}:{text}").as_bytes());
    if !id.is_empty() {
        out.push(b'{');
        out.extend_from_slice(id.as_bytes());
    }
}

/// The Mic-E destination and information field (chapter 10) of a position with course and speed; message type En Route.
#[must_use]
pub fn mic_e(
    latitude: f64,
    longitude: f64,
    symbol: Symbol,
    course_deg: u16,
    speed_kmh: f64,
) -> (String, Vec<u8>) {
    let (degrees, hundredths) = degrees_minutes(latitude.abs().min(90.0));
    let digits = [
        degrees / 10,
        degrees % 10,
        hundredths / 1000,
        hundredths / 100 % 10,
        hundredths / 10 % 10,
        hundredths % 10,
    ];
    let (east_degrees, east_hundredths) = degrees_minutes(longitude.abs().min(179.999_9));
    let far = !(10..100).contains(&east_degrees);
    // En Route is bits 110; then north, +100, west.
    let set = [true, true, false, latitude >= 0.0, far, longitude < 0.0];
    let destination = digits
        .iter()
        .zip(set)
        .map(|(digit, set)| char::from(if set { b'P' } else { b'0' } + *digit as u8))
        .collect();
    let degree_byte = match east_degrees {
        0..=9 => east_degrees + 118,
        100..=109 => east_degrees + 8,
        110.. => east_degrees - 72,
        _ => east_degrees + 28,
    };
    let minutes = east_hundredths / 100;
    let knots = (speed_kmh / 1.852).round().clamp(0.0, 799.0) as u32;
    let course = u32::from(course_deg.min(360));
    let tens = if knots < 200 {
        knots / 10 + 80
    } else {
        knots / 10
    };
    let bytes = [
        u32::from(b'`'),
        degree_byte,
        if minutes < 10 {
            minutes + 88
        } else {
            minutes + 28
        },
        east_hundredths % 100 + 28,
        tens + 28,
        knots % 10 * 10 + (course / 100 + 4) + 28,
        course % 100 + 28,
        u32::from(symbol.code),
        u32::from(symbol.table),
    ];
    (destination, bytes.map(|byte| byte as u8).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;
    use proptest::prelude::*;

    const CAR: Symbol = Symbol {
        table: b'/',
        code: b'>',
    };

    proptest! {
        #[test]
        fn positions_come_back(latitude in -90.0..90.0_f64, longitude in -180.0..180.0_f64, course in 1..=360_u16, knots in 0..=799_u16) {
            let speed_kmh = f64::from(knots) * 1.852;
            let mut info = b"!".to_vec();
            position(&mut info, latitude, longitude, CAR);
            course_speed(&mut info, course, speed_kmh);
            altitude(&mut info, 431.0);
            let plain = line("N0CALL-9", "APRS", "WIDE1-1", &info);
            let packet = parse(&plain).expect("plain");
            let back = packet.position.expect("position");
            prop_assert!((back.latitude - latitude).abs() < 1e-4 && (back.longitude - longitude).abs() < 1e-4);
            prop_assert_eq!(packet.course_deg, Some(course));
            prop_assert!((f64::from(packet.speed_kmh.expect("speed")) - speed_kmh).abs() < 0.01);

            let mut info = b"=".to_vec();
            compressed(&mut info, latitude, longitude, CAR, Some((course, speed_kmh)));
            let packed = line("N0CALL-9", "APRS", "", &info);
            let back = parse(&packed).expect("compressed").position.expect("position");
            prop_assert!((back.latitude - latitude).abs() < 1e-5 && (back.longitude - longitude).abs() < 1e-5);

            let (destination, info) = mic_e(latitude, longitude, CAR, course, speed_kmh);
            let mic = line("N0CALL-9", &destination, "", &info);
            let packet = parse(&mic).expect("Mic-E");
            let back = packet.position.expect("position");
            prop_assert!((back.latitude - latitude).abs() < 1e-4 && (back.longitude - longitude).abs() < 1e-4, "{:?} {} {}", back, latitude, longitude);
            prop_assert_eq!(packet.course_deg, Some(course));
            prop_assert!((f64::from(packet.speed_kmh.expect("speed")) - speed_kmh).abs() < 0.01);
        }

        #[test]
        fn messages_come_back(text in "[a-zA-Z0-9 ,.?!]{0,67}", id in "[a-zA-Z0-9]{0,5}") {
            let mut info = Vec::new();
            message(&mut info, "N0CALL-1", &text, &id);
            let line = line("N0CALL-9", "APRS", "", &info);
            let packet = parse(&line).expect("message");
            if let (Some(message), crate::Kind::Message) = (packet.message, packet.kind) {
                prop_assert_eq!(message.text.to_text(), text);
                prop_assert_eq!(message.id.map(|id| id.to_string()).unwrap_or_default(), id);
            }
        }

        #[test]
        fn nothing_panics(info in proptest::collection::vec(any::<u8>(), 0..120), head in "[A-Z0-9>,*:-]{0,30}") {
            let mut line = head.into_bytes();
            line.extend(&info);
            let _ = parse(&line);
            let mut line = b"N0CALL>TW2RX5:".to_vec();
            line.extend(&info);
            let _ = parse(&line);
        }

        #[test]
        fn damaged_packets_do_not_panic(which in 0..8_usize, cut in 0..90_usize, at in 0..90_usize, byte: u8) {
            let good: [&[u8]; 8] = [
                b"OE9XXX-9>APRS,OE9A*,WIDE2-1,qAR,OE9XYZ:!4722.85N/00832.46E>147/064/A=001414!W47!PHG5132 hi",
                b"A1B>APRS:@231015z4722.85N/00832.46E_232/004g011t-07r000p012P008h00b10132L123xWx",
                b"OE9XXX-9>TW2RX5,WIDE1-1,qAR,OE9XYZ:`~<JrIK>/`\"8Z}Test_5", b"A1B>APRS:=/0&RhTiV'>MqS|\"#!&0P!'|",
                b"A1B>APRS:;CAMP 7   *231015z4722.85N/00832.46E;Open", b"A1B>APRS::OE9XXX-9 :Dinner{12}AB",
                b"A1B>APRS:T#093,5,-12.6,,255,0,10110000Balloon", b"A1B>GPSMV:$GPRMC,101530,A,6012.330,N,02456.304,E,027.0,232.0,231126,,*1F",
            ];
            let mut line = good[which].to_vec();
            line.truncate(cut.max(1));
            let at = at % line.len();
            line[at] = byte;
            if let Ok(packet) = parse(&line) && let Some(position) = packet.position {
                prop_assert!((-90.0..=90.0).contains(&position.latitude) && (-180.0..=180.0).contains(&position.longitude));
            }
        }
    }
}
