//! Data extensions (chapter 7): the seven bytes after the symbol code.

use crate::diagnostic::DiagnosticCode as Code;
use crate::packet::{Decoder, Trace};
use crate::text::{digits, take};
use crate::{Field, comment, df, object};

const KMH_PER_KNOT: f64 = 1.852;
const KM_PER_MILE: f64 = 1.609_344;
const METRES_PER_FOOT: f64 = 0.3048;

/// Power, antenna height, gain and directivity of a station (`PHGphgd`).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Phg {
    /// Transmit power, watts.
    pub power_w: f64,
    /// Antenna height above average terrain, metres.
    pub height_m: f64,
    /// Antenna gain, dBi (addendum 1.1).
    pub gain_db: f64,
    /// Direction of strongest radiation, degrees 45 to 360; `None` is the same all round.
    pub directivity_deg: Option<u16>,
    /// Beacons an hour (1.2, `PHGphgdr/`).
    pub beacons_per_hour: Option<u8>,
}

impl Phg {
    /// The range the specification's formula gives, km (chapter 7).
    #[must_use]
    pub fn range_km(&self) -> f64 {
        let feet = self.height_m / METRES_PER_FOOT;
        (2.0 * feet * ((self.power_w / 10.0) * (10_f64.powf(self.gain_db / 10.0) / 2.0)).sqrt()).sqrt() * KM_PER_MILE
    }
}

/// Signal strength report of a station hunting a direction (`DFSshgd`).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Dfs {
    /// S-points, 0 (not heard) to 9.
    pub strength: u8,
    /// Antenna height above average terrain, metres.
    pub height_m: f64,
    /// Antenna gain, dBi.
    pub gain_db: f64,
    /// Antenna direction, degrees 45 to 360; `None` is all round.
    pub directivity_deg: Option<u16>,
}

/// Reads the extensions at the start of `rest` and returns what follows. Two in a row are taken and flagged.
#[inline(always)]
pub(crate) fn decode<'a, T: Trace>(d: &mut Decoder<'a, '_, T>, rest: &'a [u8], is_plain: bool) -> &'a [u8] {
    if is_plain && let Some(after) = object::area(d, rest) {
        return after;
    }
    let mut after = rest;
    if is_plain && let Some((course, speed)) = course_speed(rest) {
        d.mark(Field::CourseSpeed, &rest[..7]);
        set_course(d, course, &rest[..3]);
        d.packet.speed_kmh = speed.map(|knots| f64::from(knots) * KMH_PER_KNOT);
        after = df::bearing(d, &rest[7..]);
    }
    let first = after.len() == rest.len();
    match lettered(d, after) {
        None => after,
        Some(len) => {
            if !first {
                d.flag(Code::ExtSecond, &after[..len]);
            } else if !is_plain {
                d.flag(Code::ExtLate, &after[..len]);
            }
            &after[len..]
        }
    }
}

/// Course 001 to 360; 000 and anything over 360 are unknown.
fn set_course<T: Trace>(d: &mut Decoder<'_, '_, T>, course: Option<u16>, part: &[u8]) {
    match course {
        Some(degrees @ 1..=360) => d.packet.course_deg = Some(f64::from(degrees)),
        Some(0) | None => {}
        Some(_) => d.flag(Code::CourseRange, part),
    }
}

/// `CCC/SSS`: two numbers of three digits; dots or blanks are unknown.
#[inline(always)]
pub(crate) fn course_speed(bytes: &[u8]) -> Option<(Option<u16>, Option<u16>)> {
    let &[a, b, c, b'/', x, y, z, ..] = bytes else {
        return None;
    };
    Some((three([a, b, c])?, three([x, y, z])?))
}

#[inline]
fn three(bytes: [u8; 3]) -> Option<Option<u16>> {
    let [a, b, c] = bytes.map(|byte| byte.wrapping_sub(b'0'));
    if a <= 9 && b <= 9 && c <= 9 {
        return Some(Some(u16::from(a) * 100 + u16::from(b) * 10 + u16::from(c)));
    }
    bytes.iter().all(|byte| matches!(byte, b'.' | b' ')).then_some(None)
}

/// `PHG`, `RNG` or `DFS` at the start of `bytes`; returns the length read.
#[inline(always)]
pub(crate) fn lettered<T: Trace>(d: &mut Decoder<'_, '_, T>, bytes: &[u8]) -> Option<usize> {
    if matches!(bytes.first(), Some(b'P' | b'R' | b'D')) { read_lettered(d, bytes) } else { None }
}

fn read_lettered<T: Trace>(d: &mut Decoder<'_, '_, T>, bytes: &[u8]) -> Option<usize> {
    let (head, _) = take(bytes, 7)?;
    match &head[..3] {
        b"PHG" => phg(d, bytes),
        b"RNG" => {
            let miles = digits(&head[3..])?;
            if d.packet.range_km.is_none() {
                d.packet.range_km = Some(f64::from(miles) * KM_PER_MILE);
            }
            d.mark(Field::Range, head);
            Some(7)
        }
        b"DFS" => {
            let strength = head[3].wrapping_sub(b'0');
            let (height_m, gain_db, directivity_deg) = height_gain_direction(&head[4..])?;
            if strength > 9 {
                return None;
            }
            d.packet.dfs = Some(Dfs { strength, height_m, gain_db, directivity_deg });
            d.mark(Field::Dfs, head);
            Some(7)
        }
        _ => None,
    }
}

fn phg<T: Trace>(d: &mut Decoder<'_, '_, T>, bytes: &[u8]) -> Option<usize> {
    let power = f64::from(bytes[3].checked_sub(b'0').filter(|&digit| digit <= 9)?);
    let (height_m, gain_db, directivity_deg) = height_gain_direction(&bytes[4..7])?;
    let beacons_per_hour = match bytes[7..] {
        [digit @ b'1'..=b'9', b'/', ..] => Some(digit - b'0'),
        [letter @ b'A'..=b'Z', b'/', ..] => Some(letter - b'A' + 10),
        _ => None,
    };
    // The slash that ends the rate may at once begin an altitude.
    let len = match beacons_per_hour {
        None => 7,
        Some(_) => 9 - usize::from(comment::altitude(&bytes[8..]).is_some()),
    };
    // No rate is zero, so the two bytes are text (1.2 probes note).
    if bytes[7..].starts_with(b"0/") {
        d.flag(Code::PhgrZero, &bytes[7..8]);
    }
    if bytes[6] == b'9' {
        d.flag(Code::ExtRange, &bytes[6..7]);
    }
    d.packet.phg = Some(Phg { power_w: power * power, height_m, gain_db, directivity_deg, beacons_per_hour });
    d.mark(Field::Phg, &bytes[..len]);
    Some(len)
}

/// Three bytes: height as a power of two (may go beyond 9), gain, direction in eighths of a circle.
fn height_gain_direction(bytes: &[u8]) -> Option<(f64, f64, Option<u16>)> {
    let &[height, gain, direction] = bytes else {
        return None;
    };
    let height = height.checked_sub(b'0').filter(|&exponent| exponent <= 78)?;
    let gain = gain.checked_sub(b'0').filter(|&digit| digit <= 9)?;
    let direction = direction.checked_sub(b'0').filter(|&digit| digit <= 9)?;
    // Up to 10 * 2^20 feet is beyond every orbit that carries APRS; more is text.
    if height > 20 {
        return None;
    }
    let feet = 10.0 * f64::from(1_u32 << height);
    let degrees = (1..=8).contains(&direction).then(|| u16::from(direction) * 45);
    Some((feet * METRES_PER_FOOT, f64::from(gain), degrees))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Packet, parse};

    fn body(rest: &str) -> Packet<'static> {
        parse(Box::leak(format!("OE9XXX-9>APRS:!4722.85N/00832.46E>{rest}").into_bytes().into_boxed_slice())).expect(rest)
    }

    #[test]
    fn course_and_speed() {
        let packet = body("088/036 hi");
        assert_eq!((packet.course_deg, packet.comment.to_string_lossy().as_ref()), (Some(88.0), "hi"));
        assert!((packet.speed_kmh.expect("has one") - 66.672).abs() < 1e-9);
        let unknown = body("000/000");
        assert_eq!((unknown.course_deg, unknown.speed_kmh), (None, Some(0.0)));
        assert_eq!((body(".../...").course_deg, body(".../...").speed_kmh), (None, None));
        assert!(body("361/010").diagnostics.has(Code::CourseRange));
        assert_eq!(body("360/010").course_deg, Some(360.0));
        assert_eq!(body("12a/010").comment.to_string_lossy(), "12a/010");
    }

    #[test]
    fn phg_of_the_specification() {
        let phg = body("PHG7360").phg.expect("has one");
        assert_eq!((phg.power_w, phg.gain_db, phg.directivity_deg), (49.0, 6.0, None));
        assert!((phg.height_m - 24.384).abs() < 1e-9);
        assert!((phg.range_km() / KM_PER_MILE - 22.4).abs() < 0.1);
        let east = body("PHG5132").phg.expect("has one");
        assert_eq!(east.directivity_deg, Some(90));
        assert!((east.range_km() / KM_PER_MILE - 7.9).abs() < 0.05);
        assert_eq!(body("PHG73609/hi").phg.expect("has one").beacons_per_hour, Some(9));
        let zero = body("PHG00000/W1 Digi");
        assert_eq!((zero.phg.expect("has one").beacons_per_hour, zero.comment.to_string_lossy().as_ref()), (None, "0/W1 Digi"));
        assert!(zero.diagnostics.has(Code::PhgrZero));
        let shared = body("PHG23601/A=001414hi");
        assert_eq!((shared.phg.expect("has one").beacons_per_hour, shared.comment.to_string_lossy().as_ref()), (Some(1), "hi"));
        assert!(shared.altitude_m.is_some_and(|metres| (metres - 430.99).abs() < 0.01));
        assert_eq!(body("PHG23601/A=00141").comment.to_string_lossy(), "A=00141");
        assert_eq!(body("PHG5:32").phg.expect("high").height_m, 10_240.0 * METRES_PER_FOOT);
    }

    #[test]
    fn two_extensions_and_late_ones_are_taken_and_flagged() {
        let two = body("000/000PHG2360");
        assert!(two.phg.is_some() && two.speed_kmh == Some(0.0) && two.diagnostics.has(Code::ExtSecond));
        let late = body("Digi RNG0050 north");
        assert!(late.range_km.is_some() && late.diagnostics.has(Code::ExtLate));
        assert_eq!(late.comment.to_string_lossy(), "Digi  north");
        assert_eq!(body("DFS2360").dfs.expect("has one").strength, 2);
    }
}
