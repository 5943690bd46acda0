//! What must hold for any bytes at all: run by the property tests here and by the fuzz targets in `fuzz/`.

use godwit_packet::encode::{self, Header, Phg, Position, Time};
use godwit_packet::{Packet, explain, parse, parse_into};

/// Parsing never panics, gives the same twice, also into a packet that held another, and every value is within its range
/// or absent.
pub(crate) fn parsed(line: &[u8]) {
    let first = parse(line);
    let mut packet = Packet::default();
    assert_eq!(parse_into(b"OE9XXX-9>APRS:!4722.85N/00832.46E_088/036g005t050/A=001414|!!!!|", &mut packet), Ok(()));
    let second = parse_into(line, &mut packet);
    assert_eq!(first, second.map(|()| packet));
    match &first {
        Ok(packet) => in_range(packet),
        Err(error) => assert!(error.offset <= line.len(), "offset {} of {}", error.offset, line.len()),
    }
}

fn in_range(packet: &Packet<'_>) {
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
        assert!(diagnostic.start <= diagnostic.end);
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
    if let Some(inner) = &packet.third_party {
        in_range(inner);
    }
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
    let words: String = comment.chars().filter(char::is_ascii_lowercase).take(30).collect();
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
    let mut object = Vec::new();
    encode::object(&mut object, &header, "CAMP 7", on(7), &sent);
    let packet = parse(&object).unwrap_or_else(|error| panic!("{error}: {}", object.escape_ascii()));
    assert_eq!((packet.alive, packet.name.map(|name| name.to_string())), (Some(on(7)), Some("CAMP 7".to_owned())));
    let mut message = Vec::new();
    encode::message(&mut message, &header, "OE9YYY-1", comment, Some("7"));
    assert!(parse(&message).is_ok());
    assert!(!message.contains(&b'\n'));
}
