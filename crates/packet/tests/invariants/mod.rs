//! What must hold for any bytes at all: run by the property tests here and by the fuzz targets in `fuzz/`.

use godwit_packet::encode::{self, Header, Phg, Position, Time};
use godwit_packet::{Packet, Text, explain, parse, parse_into};

/// Parsing never panics, gives the same twice, also into a packet that held another, and every value is within its range
/// or absent.
pub(crate) fn parsed(line: &[u8]) {
    let first = parse(line);
    let mut packet = Packet::default();
    assert_eq!(parse_into(b"OE9XXX-9>APRS:!4722.85N/00832.46E_088/036g005t050/A=001414|!!!!|", &mut packet), Ok(()));
    let second = parse_into(line, &mut packet);
    assert_eq!(first, second.map(|()| packet));
    match &first {
        Ok(packet) => in_range(packet, line.len()),
        Err(error) => assert!(error.offset <= line.len(), "offset {} of {}", error.offset, line.len()),
    }
}

fn in_range(packet: &Packet<'_>, line_len: usize) {
    if let Some(position) = packet.position {
        assert!((-90.0..=90.0).contains(&position.latitude), "latitude {}", position.latitude);
        assert!((-180.0..=180.0).contains(&position.longitude), "longitude {}", position.longitude);
        assert!(position.ambiguity <= 4 && position.resolution_m > 0.0);
    }
    assert!(packet.course_deg.is_none_or(|course| course > 0.0 && course <= 360.0), "course {:?}", packet.course_deg);
    assert!(packet.speed_kmh.is_none_or(|speed| (0.0..20_000.0).contains(&speed)), "speed {:?}", packet.speed_kmh);
    for value in [packet.altitude_m, packet.range_km] {
        assert!(value.is_none_or(f64::is_finite));
    }
    if let Some(weather) = packet.weather {
        assert!(weather.humidity_percent.is_none_or(|percent| percent > 0.0 && percent <= 100.0));
        assert!(weather.wind_direction_deg.is_none_or(|degrees| degrees > 0.0 && degrees <= 360.0));
        assert!(weather.temperature_c.is_none_or(f64::is_finite));
    }
    for diagnostic in &packet.diagnostics {
        assert!(diagnostic.start <= diagnostic.end && usize::from(diagnostic.end) <= line_len);
    }
    // Everything read on request must be as safe.
    let _ = (packet.signal(), packet.ogn(), packet.emergencies(), packet.no_archive(), packet.device());
    let _ = (packet.telemetry_definition(), packet.query(), packet.query_area(), packet.capabilities().map(Iterator::count));
    let _ = packet.message.map(|message| (message.bulletin(), message.nws()));
    for received_at_us in [0, 1_795_428_930_000_000, i64::from(u32::MAX) * 1_000_000] {
        let _ = packet.timestamp.and_then(|time| time.resolve(received_at_us));
    }
    let text: Vec<u8> = packet.comment.pieces().flatten().copied().collect();
    assert_eq!(text, packet.comment.bytes().as_ref());
    lossless(&packet.comment.bytes(), &packet.comment.to_string_lossy());
    let message = packet.message.map(|message| [message.addressee, message.text, message.id.unwrap_or_default()]);
    for text in [packet.name, packet.status.map(|status| status.text)].into_iter().flatten().chain(message.into_iter().flatten()) {
        lossless(text.bytes(), &text.to_string_lossy());
    }
    if let Some(inner) = &packet.third_party {
        in_range(inner, line_len);
    }
}

/// The text shown gives the bytes sent: as UTF-8, or each byte as a character of its own.
fn lossless(bytes: &[u8], shown: &str) {
    if std::str::from_utf8(bytes).is_ok() {
        assert_eq!(bytes, shown.as_bytes());
        return;
    }
    let mut characters = shown.chars();
    for &byte in bytes {
        let one = [byte];
        let alone = Text::new(&one).to_string_lossy();
        assert_eq!(characters.next(), alone.chars().next());
    }
    assert_eq!(characters.next(), None);
}

/// Spans cover the line exactly once and in order.
pub(crate) fn explained(line: &[u8]) {
    let explanation = explain(line);
    let mut at = 0;
    for explained in &explanation.spans {
        assert_eq!(usize::from(explained.span.start), at);
        assert!(explained.span.end > explained.span.start);
        at = usize::from(explained.span.end);
    }
    assert_eq!(at, line.len().min(usize::from(u16::MAX)));
    assert_eq!(explanation.packet, parse(line));
    let _ = explanation.to_string();
}

/// The path of any header: counts agree, digipeaters are among the used elements.
pub(crate) fn path(text: &[u8]) {
    let line = [b"OE9XXX-9>APZGDW,".as_slice(), text, b":>x"].concat();
    let Ok(packet) = parse(&line) else { return };
    let path = packet.path;
    assert_eq!(path.iter().count(), path.len());
    let used = path.radio().filter(|hop| hop.used).count();
    assert!(path.digipeaters().count() <= used);
    assert!(path.q_construct().is_none_or(|q| q.len() == 3 && q.starts_with('q')));
    assert!(path.radio().count() + path.after_q().count() <= path.len());
    let _ = (packet.heard(), packet.igate());
}

/// What is encoded from any numbers and text comes back.
pub(crate) fn encoded(numbers: [i32; 6], flags: u8, comment: &str) {
    let header = Header::new("OE9XXX-9", "APZGDW", "WIDE1-1");
    let latitude = f64::from(numbers[0] % 900_000) / 10_000.0;
    let longitude = f64::from(numbers[1] % 1_800_000) / 10_000.0;
    let on = |bit: u8| flags >> bit & 1 == 1;
    let mut sent = Position::new(latitude, longitude, if on(0) { '/' } else { 'E' }, '>');
    // What cannot be an element comes back as it is: without a point there is no frequency (`255.991 mhz`).
    let words: String = comment.chars().filter(|c| matches!(c, 'a'..='z' | '0'..='9' | ' ' | '/')).take(30).collect();
    sent.comment = &words;
    sent.is_compressed = on(1);
    sent.messaging = on(2);
    sent.time = on(3).then_some(Time::DayHourMinute(23, 10, 15));
    sent.altitude_m = on(4).then(|| f64::from(numbers[2] % 20_000));
    let (course, knots) = (u16::try_from(numbers[3].unsigned_abs() % 361).unwrap_or(0), numbers[4].unsigned_abs() % 700);
    sent.course_speed = on(5).then(|| (course, f64::from(knots) * 1.852));
    sent.phg = (on(6) && !on(1)).then_some(Phg { power: 7, height: 3, gain: 6, direction: 0 });

    let mut line = Vec::new();
    encode::position(&mut line, &header, &sent);
    let packet = parse(&line).unwrap_or_else(|error| panic!("{error}: {}", line.escape_ascii()));
    let step = if on(1) { 1e-5 } else { 1e-4 };
    match packet.position {
        Some(position) => {
            assert!((position.latitude - latitude).abs() < step, "{}", line.escape_ascii());
            assert!((position.longitude - longitude).abs() < step, "{}", line.escape_ascii());
        }
        None => assert!(latitude.abs() < step && longitude.abs() < step),
    }
    assert_eq!(packet.symbol.map(|symbol| symbol.table), Some(sent.table));
    assert_eq!((packet.messaging, packet.timestamp.is_some()), (Some(on(2)), on(3)));
    assert_eq!(packet.comment.to_string_lossy(), words);
    assert_eq!((packet.altitude_m.is_some(), packet.phg.is_some()), (on(4), sent.phg.is_some()));
    if let Some(metres) = sent.altitude_m {
        assert!((packet.altitude_m.unwrap_or(f64::NAN) - metres).abs() < 0.2);
    }
    if on(5) && !on(1) {
        assert_eq!(packet.course_deg, Some(f64::from(course)).filter(|&course| course > 0.0));
        assert!((packet.speed_kmh.unwrap_or(f64::NAN) - f64::from(knots) * 1.852).abs() < 1e-6);
    }
    let mut radio = Vec::new();
    encode::mic_e(&mut radio, &header, &sent, flags & 7);
    let packet = parse(&radio).unwrap_or_else(|error| panic!("{error}: {}", radio.escape_ascii()));
    if let Some(position) = packet.position {
        let near = |a: f64, b: f64| (a - b).abs() < 2e-4;
        assert!(near(position.latitude, latitude) && near(position.longitude, longitude), "{}", radio.escape_ascii());
    }
    assert_eq!(packet.comment.to_string_lossy(), words);
    weather_and_telemetry(&header, &sent, numbers, &words);
    let mut object = Vec::new();
    encode::object(&mut object, &header, "CAMP 7", on(7), &sent);
    let packet = parse(&object).unwrap_or_else(|error| panic!("{error}: {}", object.escape_ascii()));
    assert_eq!((packet.alive, packet.name.map(|name| name.to_string())), (Some(on(7)), Some("CAMP 7".to_owned())));
    let mut message = Vec::new();
    encode::message(&mut message, &header, "OE9YYY-1", comment, Some("7"));
    assert!(parse(&message).is_ok());
    assert!(!message.contains(&b'\n'));
}

/// Readings come back within the step of their unit, and are absent if they were not sent.
fn weather_and_telemetry(header: &Header<'_>, place: &Position<'_>, numbers: [i32; 6], words: &str) {
    let part = |at: usize, limit: u32| f64::from(numbers[at].unsigned_abs() % limit);
    let sent = encode::Weather {
        wind_direction_deg: Some(part(0, 360) + 1.0),
        wind_speed_ms: (numbers[1] > 0).then(|| part(1, 100)),
        wind_gust_ms: (numbers[2] > 0).then(|| part(2, 100)),
        temperature_c: (numbers[3] > 0).then(|| part(3, 120) - 60.0),
        humidity_percent: (numbers[4] > 0).then(|| part(4, 100) + 1.0),
        pressure_hpa: (numbers[5] > 0).then(|| part(5, 3000) / 10.0 + 800.0),
        ..encode::Weather::default()
    };
    let mut line = Vec::new();
    encode::weather(&mut line, header, place, &sent);
    let packet = parse(&line).unwrap_or_else(|error| panic!("{error}: {}", line.escape_ascii()));
    let got = packet.weather.unwrap_or_default();
    for (name, sent, got, step) in [
        ("direction", sent.wind_direction_deg, got.wind_direction_deg, 0.5),
        ("speed", sent.wind_speed_ms, got.wind_speed_ms, 0.23),
        ("gust", sent.wind_gust_ms, got.wind_gust_ms, 0.23),
        ("temperature", sent.temperature_c, got.temperature_c, 0.28),
        ("humidity", sent.humidity_percent, got.humidity_percent, 0.5),
        ("pressure", sent.pressure_hpa, got.pressure_hpa, 0.06),
    ] {
        let same = match (sent, got) {
            (Some(sent), Some(got)) => (sent - got).abs() <= step,
            (sent, got) => sent.is_none() && got.is_none(),
        };
        assert!(same, "{name} {sent:?} {got:?}: {}", line.escape_ascii());
    }
    line.clear();
    let values = [0, 1, 2, 3, 4].map(|at| numbers[at].to_le_bytes()[0]);
    encode::telemetry(&mut line, header, 93, values, values[0], words);
    let got = parse(&line).ok().and_then(|packet| packet.telemetry);
    let got = got.unwrap_or_else(|| panic!("no report: {}", line.escape_ascii()));
    assert_eq!((got.sequence, got.values, got.bits), (Some(93), values.map(|value| Some(f64::from(value))), Some(values[0])));
}
