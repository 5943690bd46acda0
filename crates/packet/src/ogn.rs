//! Fields of the Open Glider Network in a comment: kept in the text, read on request.

use crate::Packet;
use crate::signal::number;

/// What an aircraft says of itself in its `id` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OgnAircraft {
    /// 24-bit address.
    pub address: u32,
    /// 0 random or unknown, 1 ICAO, 2 FLARM, 3 OGN, 4 Naviter, 5 FANET.
    pub address_type: u8,
    /// 0 unknown, 1 glider, 2 tow plane, 3 rotorcraft, 4 parachute, 5 drop plane, 6 hang glider, 7 paraglider,
    /// 8 piston aeroplane, 9 jet, 11 balloon, 12 airship, 13 drone, 14 ground vehicle, 15 static.
    pub aircraft_type: u8,
    /// The pilot asks to be hidden.
    pub stealth: bool,
    /// The pilot asks not to be tracked.
    pub no_track: bool,
}

/// The fields of one OGN report.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Ogn<'a> {
    /// The `id` field.
    pub aircraft: Option<OgnAircraft>,
    /// Climb, m/s.
    pub climb_ms: Option<f64>,
    /// Turn to the right, degrees a second.
    pub turn_deg_s: Option<f64>,
    /// Pressure altitude, hundreds of feet.
    pub flight_level: Option<f64>,
    /// Signal to noise ratio, dB.
    pub snr_db: Option<f64>,
    /// Bit errors corrected.
    pub bit_errors: Option<u32>,
    /// Frequency offset, kHz.
    pub frequency_offset_khz: Option<f64>,
    /// Satellite accuracy, horizontal and vertical, metres.
    pub accuracy_m: Option<(u32, u32)>,
    /// Power, dBm.
    pub power_dbm: Option<f64>,
    /// Software version, as sent.
    pub software: Option<&'a str>,
    /// Hardware version, as sent.
    pub hardware: Option<&'a str>,
    /// Flight, registration and type, as sent.
    pub flight: Option<&'a str>,
    /// Registration.
    pub registration: Option<&'a str>,
    /// Aircraft type.
    pub model: Option<&'a str>,
}

/// What a receiver of the network says of itself in its status. Figures not sent are absent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct OgnReceiver<'a> {
    /// Software version and hardware, as sent (`v0.2.7.RPI-GPU`).
    pub version: Option<&'a str>,
    /// Load of the processor, 1 is one core busy.
    pub cpu_load: Option<f64>,
    /// Memory free and in all, MB.
    pub memory_mb: Option<(f64, f64)>,
    /// How far the clock is off, milliseconds.
    pub clock_offset_ms: Option<f64>,
    /// How fast the clock drifts, parts per million.
    pub clock_drift_ppm: Option<f64>,
    /// Temperature of the processor, °C.
    pub temperature_c: Option<f64>,
    /// Aircraft now and in the last hour.
    pub aircraft: Option<(u32, u32)>,
    /// Correction of the receiver's oscillator, parts per million: set, and measured.
    pub frequency_correction_ppm: Option<(f64, f64)>,
    /// Noise, dB.
    pub noise_db: Option<f64>,
}

fn receiver_field<'a>(receiver: &mut OgnReceiver<'a>, token: &'a str) {
    let pair = |text: &'a str, unit: &str| -> Option<(&'a str, &'a str)> { text.strip_suffix(unit)?.split_once('/') };
    if token.len() > 1 && token.starts_with('v') && token.as_bytes()[1].is_ascii_digit() {
        receiver.version = Some(token);
    } else if let Some(text) = token.strip_prefix("CPU:") {
        receiver.cpu_load = number(text.as_bytes());
    } else if let Some((free, all)) = token.strip_prefix("RAM:").and_then(|text| pair(text, "MB")) {
        receiver.memory_mb = number(free.as_bytes()).zip(number(all.as_bytes()));
    } else if let Some((offset, drift)) = token.strip_prefix("NTP:").and_then(|text| pair(text, "ppm")) {
        receiver.clock_offset_ms = offset.strip_suffix("ms").and_then(|text| number(text.as_bytes()));
        receiver.clock_drift_ppm = number(drift.as_bytes());
    } else if let Some(text) = token.strip_suffix('C') {
        receiver.temperature_c = number(text.as_bytes()).or(receiver.temperature_c);
    } else if let Some((now, hour)) = pair(token, "Acfts[1h]") {
        receiver.aircraft = now.parse().ok().zip(hour.parse().ok());
    } else if let Some(text) = token.strip_prefix("RF:") {
        let mut parts = text.split('/');
        if let Some(ppm) = parts.next().and_then(|part| part.strip_suffix("ppm")) {
            // Two signed numbers without a separator: `+10+3.1ppm`.
            let second = ppm.get(1..).and_then(|rest| rest.find(['+', '-'])).map(|at| at + 1);
            receiver.frequency_correction_ppm =
                second.and_then(|at| number(ppm.get(..at)?.as_bytes()).zip(number(ppm.get(at..)?.as_bytes())));
        }
        receiver.noise_db = parts.next().and_then(|part| part.strip_suffix("dB")).and_then(|part| number(part.as_bytes()));
    }
}

fn hex(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u64::from_str_radix(text, 16).ok())?
}

fn aircraft(text: &str) -> Option<OgnAircraft> {
    let bits = hex(text)?;
    let address = u32::try_from(bits & 0xFF_FFFF).ok()?;
    let byte = |shift: u32, mask: u64| u8::try_from(bits >> shift & mask).unwrap_or(0);
    match text.len() {
        8 => Some(OgnAircraft {
            address,
            address_type: byte(24, 3),
            aircraft_type: byte(26, 15),
            no_track: bits >> 30 & 1 == 1,
            stealth: bits >> 31 & 1 == 1,
        }),
        10 => Some(OgnAircraft {
            address,
            address_type: byte(28, 63),
            aircraft_type: byte(34, 15),
            no_track: bits >> 38 & 1 == 1,
            stealth: bits >> 39 & 1 == 1,
        }),
        _ => None,
    }
}

fn field<'a>(ogn: &mut Ogn<'a>, token: &'a str) {
    let of = |unit: &str| token.strip_suffix(unit).and_then(|text| text.strip_prefix('#').unwrap_or(text).parse::<f64>().ok());
    if let Some(text) = token.strip_prefix("id") {
        ogn.aircraft = aircraft(text).or(ogn.aircraft);
    } else if let Some(fpm) = of("fpm") {
        ogn.climb_ms = Some(fpm * 0.3048 / 60.0);
    } else if let Some(half_turns_a_minute) = of("rot") {
        ogn.turn_deg_s = Some(half_turns_a_minute * 3.0);
    } else if let Some(text) = token.strip_prefix("FL") {
        ogn.flight_level = number(text.as_bytes()).or(ogn.flight_level);
    } else if let Some(dbm) = of("dBm") {
        ogn.power_dbm = Some(dbm);
    } else if let Some(db) = of("dB") {
        ogn.snr_db = Some(db);
    } else if let Some(khz) = of("kHz") {
        ogn.frequency_offset_khz = Some(khz);
    } else if let Some((h, v)) = token.strip_prefix("gps").and_then(|text| text.split_once('x')) {
        ogn.accuracy_m = h.parse().ok().zip(v.parse().ok());
    } else if let Some(errors) = token.strip_suffix('e').and_then(|text| text.parse().ok()) {
        ogn.bit_errors = Some(errors);
    } else if let Some(text) = token.strip_prefix("reg") {
        ogn.registration = Some(text);
    } else if let Some(text) = token.strip_prefix("model") {
        ogn.model = Some(text);
    } else if let Some(text) = token.strip_prefix("fn") {
        ogn.flight = Some(text);
    } else if let Some(text) = token.strip_prefix('s').filter(|text| text.starts_with(|c: char| c.is_ascii_digit())) {
        ogn.software = Some(text);
    } else if let Some(text) = token.strip_prefix('h').filter(|text| text.len() == 2 && hex(text).is_some()) {
        ogn.hardware = Some(text);
    }
}

impl<'a> Packet<'a> {
    /// The Open Glider Network fields of the comment, if the packet comes from there: a destination of that network,
    /// or an `id` field behind the older destination `APRS`.
    #[must_use]
    pub fn ogn(&self) -> Option<Ogn<'a>> {
        let mut ogn = Ogn::default();
        for piece in self.comment.pieces() {
            for token in std::str::from_utf8(piece).unwrap_or("").split_ascii_whitespace() {
                field(&mut ogn, token);
            }
        }
        let network = self.destination.as_bytes().starts_with(b"OG") || self.destination == "FXCAPP";
        ((network && ogn != Ogn::default()) || ogn.aircraft.is_some()).then_some(ogn)
    }

    /// What a receiver of the Open Glider Network says of itself in its status text.
    #[must_use]
    pub fn ogn_receiver(&self) -> Option<OgnReceiver<'a>> {
        let text = std::str::from_utf8(self.status.as_ref()?.text.bytes()).ok()?;
        let mut receiver = OgnReceiver::default();
        for token in text.split_ascii_whitespace() {
            receiver_field(&mut receiver, token);
        }
        // A version and one figure more: enough to tell it from other people's status texts.
        (receiver.version.is_some() && (receiver.cpu_load.is_some() || receiver.noise_db.is_some())).then_some(receiver)
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn a_glider() {
        let line = b"FLRDD89C9>OGFLR,qAS,LSZF:/101530h4722.85N/00832.46E'088/036/A=001414 !W47! id06DD89C9 +198fpm -0.8rot FL012.34 7.0dB 3e +0.7kHz gps2x3 s6.09 h02 +10.0dBm";
        let packet = parse(line).expect("good");
        let ogn = packet.ogn().expect("from the network");
        let aircraft = ogn.aircraft.expect("has an id");
        assert_eq!((aircraft.address, aircraft.address_type, aircraft.aircraft_type), (0xDD_89C9, 2, 1));
        assert!(!aircraft.stealth && !aircraft.no_track);
        assert!((ogn.climb_ms.expect("sent") - 1.0058).abs() < 1e-3);
        assert!((ogn.turn_deg_s.expect("sent") + 2.4).abs() < 1e-9);
        assert_eq!((ogn.flight_level, ogn.snr_db, ogn.bit_errors), (Some(12.34), Some(7.0), Some(3)));
        assert_eq!((ogn.frequency_offset_khz, ogn.accuracy_m, ogn.power_dbm), (Some(0.7), Some((2, 3)), Some(10.0)));
        assert_eq!((ogn.software, ogn.hardware), (Some("6.09"), Some("02")));
    }

    #[test]
    fn a_receiver() {
        let line = b"LSZF>OGNSDR,TCPIP*,qAC,GLIDERN1:>101530h v0.2.7.RPI-GPU CPU:1.0 RAM:204.3/970.5MB NTP:1.4ms/-4.6ppm +52.5C 1/3Acfts[1h] RF:+10+3.1ppm/+6.85dB";
        let receiver = parse(line).expect("good").ogn_receiver().expect("a receiver");
        assert_eq!((receiver.version, receiver.cpu_load), (Some("v0.2.7.RPI-GPU"), Some(1.0)));
        assert_eq!((receiver.memory_mb, receiver.clock_offset_ms), (Some((204.3, 970.5)), Some(1.4)));
        assert_eq!((receiver.clock_drift_ppm, receiver.temperature_c), (Some(-4.6), Some(52.5)));
        assert_eq!((receiver.aircraft, receiver.frequency_correction_ppm), (Some((1, 3)), Some((10.0, 3.1))));
        assert_eq!(receiver.noise_db, Some(6.85));
        assert!(parse(b"OE9XXX>APRS:>v2 of my station, 20C").expect("good").ogn_receiver().is_none());
    }

    #[test]
    fn other_stations_have_none() {
        assert!(parse(b"OE9XXX>APRS:!4722.85N/00832.46E>idea 7.0dB").expect("good").ogn().is_none());
    }
}
