//! A mix of packets to measure with when there is no recorded traffic; shares as on the network in 2012.

use godwit_packet::encode::{self, Header, Position, Time, Weather};

/// `count` made-up lines, always the same.
pub(crate) fn lines(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(line).collect()
}

fn line(number: usize) -> Vec<u8> {
    let n = number as f64;
    let latitude = (n * 7.919) % 160.0 - 80.0;
    let longitude = (n * 13.37) % 350.0 - 175.0;
    let source = format!("N{}CALL-{}", number % 10, number % 16);
    let header =
        Header::new(&source, "APZGDW", ["WIDE1-1,WIDE2-1,qAR,N0GATE-10", "TCPIP*,qAC,T2TEST", "N0DIGI*,WIDE2,qAo,N0GATE"][number % 3]);
    let place = Position::new(latitude, longitude, '/', '>').course_speed((number % 361) as u16, n % 120.0);
    let mut out = Vec::new();
    match number % 20 {
        0..=4 => encode::position(&mut out, &header, &place.altitude(n % 3000.0).comment("on the road")),
        5..=7 => {
            encode::position(&mut out, &header, &place.time(Time::DayHourMinute(23, 10, 15)).messaging().comment("145.600MHz T123 hello"))
        }
        8 => encode::position(&mut out, &header, &place.compressed().comment("compressed")),
        9..=11 => encode::mic_e(&mut out, &header, &place.altitude(n % 3000.0).comment("mobile"), (number % 7) as u8),
        12..=13 => encode::object(&mut out, &header, "CAMP 7", number % 5 > 0, &place.comment("open")),
        14..=15 => {
            let readings = Weather {
                wind_direction_deg: Some(n % 360.0 + 1.0),
                wind_speed_ms: Some(n % 20.0),
                temperature_c: Some(n % 40.0 - 10.0),
                humidity_percent: Some(n % 99.0 + 1.0),
                pressure_hpa: Some(1000.0 + n % 30.0),
                rain_1h_mm: Some(0.0),
                ..Weather::default()
            };
            encode::weather(&mut out, &header, &place, &readings);
        }
        16..=17 => encode::status(&mut out, &header, None, "net at 20:00 on 145.600"),
        18 => encode::telemetry(&mut out, &header, (number % 1000) as u16, [1, 2, 3, 4, 5], 170, ""),
        _ => encode::message(&mut out, &header, "N0CALL-1", "hello there", Some("7")),
    }
    out
}
