//! Texts that say where: Maidenhead locators and coordinates in the usual writings.

/// A point that a text names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Location {
    /// `locator` or `coordinates`.
    pub(crate) kind: &'static str,
    /// How it is usually written.
    pub(crate) text: String,
    /// Degrees north; of a locator the middle of its square.
    pub(crate) latitude: f64,
    /// Degrees east.
    pub(crate) longitude: f64,
    /// Zoom of a map that shows it well.
    pub(crate) zoom: u8,
}

/// What a text may mean: a locator, or coordinates.
pub(crate) fn locations(text: &str) -> Vec<Location> {
    [locator(text.trim()), coordinates(text)].into_iter().flatten().collect()
}

/// A Maidenhead locator of 2, 4, 6 or 8 characters: fields of 20° by 10°, squares of 2° by 1°, subsquares of 5' by
/// 2.5', and tenths of these.
fn locator(text: &str) -> Option<Location> {
    const STEPS: [(u8, u8, f64, f64, u8); 4] = [
        (b'A', 18, 20.0, 10.0, 4),
        (b'0', 10, 2.0, 1.0, 8),
        (b'A', 24, 2.0 / 24.0, 1.0 / 24.0, 12),
        (b'0', 10, 2.0 / 240.0, 1.0 / 240.0, 15),
    ];
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) || bytes.len() > 8 {
        return None;
    }
    let (mut west, mut south) = (-180.0, -90.0);
    let (mut shown, mut size, mut zoom) = (String::new(), (0.0, 0.0), 0);
    for (at, (pair, (zero, count, wide, high, shows_at))) in bytes.chunks(2).zip(STEPS).enumerate() {
        let digit = |byte: u8| byte.to_ascii_uppercase().checked_sub(zero).filter(|digit| *digit < count);
        let (east, north) = (digit(pair[0])?, digit(pair[1])?);
        (west, south) = (west + f64::from(east) * wide, south + f64::from(north) * high);
        (size, zoom) = ((wide, high), shows_at);
        let case = |byte: u8| if at == 2 { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() };
        shown.extend([char::from(case(pair[0])), char::from(case(pair[1]))]);
    }
    (zoom > 0).then(|| Location { kind: "locator", text: shown, latitude: south + size.1 / 2.0, longitude: west + size.0 / 2.0, zoom })
}

/// A piece of coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    Number {
        value: f64,
        negative: bool,
        whole: bool,
    },
    /// N, S, E or W.
    Side(char),
}

/// Latitude and longitude: decimal degrees, degrees and minutes, or degrees, minutes and seconds, with signs or with N, S,
/// E and W before or after; `4722.85N/00832.46E` as APRS writes them; `geo:` URIs. Longitude may come first if the
/// letters say so.
fn coordinates(text: &str) -> Option<Location> {
    let pieces = pieces(text)?;
    let sides = pieces.iter().filter(|piece| matches!(piece, Piece::Side(_))).count();
    let mut halves: Vec<(Option<char>, &[Piece])> = Vec::new();
    if sides == 0 {
        if !pieces.len().is_multiple_of(2) {
            return None;
        }
        let (first, second) = pieces.split_at(pieces.len() / 2);
        halves.extend([(None, first), (None, second)]);
    } else {
        // Either every letter stands before its numbers or every one after them.
        let before = matches!(pieces.first(), Some(Piece::Side(_)));
        let mut numbers = 0..0;
        let mut side = None;
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Number { .. } => numbers.end = at + 1,
                Piece::Side(letter) if before => {
                    halves.extend(side.map(|side| (Some(side), &pieces[numbers.clone()])));
                    (side, numbers) = (Some(*letter), at + 1..at + 1);
                }
                Piece::Side(letter) => {
                    halves.push((Some(*letter), &pieces[numbers.start..at]));
                    numbers = at + 1..at + 1;
                }
            }
        }
        halves.extend(side.map(|side| (Some(side), &pieces[numbers.clone()])));
        if !before && !numbers.is_empty() {
            return None;
        }
    }
    let [(first_side, first), (second_side, second)] = halves[..] else {
        return None;
    };
    let (latitude, longitude) = match (first_side, second_side) {
        (None, None) | (Some('N' | 'S'), Some('E' | 'W')) => (degrees(first, first_side, 90.0)?, degrees(second, second_side, 180.0)?),
        (Some('E' | 'W'), Some('N' | 'S')) => (degrees(second, second_side, 90.0)?, degrees(first, first_side, 180.0)?),
        _ => return None,
    };
    let text = format!("{latitude:.5}, {longitude:.5}");
    Some(Location { kind: "coordinates", text, latitude, longitude, zoom: 13 })
}

/// Degrees from one to three numbers: only the last may have a fraction, minutes and seconds are below 60.
fn degrees(numbers: &[Piece], side: Option<char>, most: f64) -> Option<f64> {
    let (mut degrees, mut unit, mut negative) = (0.0, 1.0, matches!(side, Some('S' | 'W')));
    if numbers.is_empty() || numbers.len() > 3 {
        return None;
    }
    for (at, number) in numbers.iter().enumerate() {
        let Piece::Number { value, negative: minus, whole } = *number else {
            return None;
        };
        let last = at + 1 == numbers.len();
        if (minus && (at > 0 || side.is_some())) || (!whole && !last) || (at > 0 && value >= 60.0) {
            return None;
        }
        negative |= minus;
        if at == 0 && last && side.is_some() && value > most {
            // DDMM.hh of APRS.
            let (whole_degrees, minutes) = ((value / 100.0).floor(), value % 100.0);
            degrees = if minutes < 60.0 { whole_degrees + minutes / 60.0 } else { return None };
        } else {
            degrees += value * unit;
        }
        unit /= 60.0;
    }
    (degrees <= most).then_some(if negative { -degrees } else { degrees })
}

fn pieces(text: &str) -> Option<Vec<Piece>> {
    let text = text.trim();
    let text = text.strip_prefix("geo:").map_or(text, |uri| uri.split(';').next().unwrap_or(uri));
    let characters: Vec<char> = text.chars().collect();
    let digit_at = |at: usize| characters.get(at).is_some_and(char::is_ascii_digit);
    // Two tight commas and no point: 47,38 8,54 has decimal commas, 47,8 has none.
    let tight = |at: usize| characters[at] == ',' && at > 0 && digit_at(at - 1) && digit_at(at + 1);
    let decimal_commas = !text.contains('.') && (0..characters.len()).filter(|at| tight(*at)).count() == 2;
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(c) = characters.get(at).copied() {
        let sign = matches!(c, '-' | '+' | '−') && digit_at(at + 1);
        if sign || c.is_ascii_digit() {
            let mut number = String::new();
            at += usize::from(sign);
            let mut whole = true;
            while let Some(c) = characters.get(at).copied() {
                let point = whole && digit_at(at + 1) && (c == '.' || (decimal_commas && c == ','));
                if !c.is_ascii_digit() && !point {
                    break;
                }
                whole &= !point;
                number.push(if point { '.' } else { c });
                at += 1;
            }
            pieces.push(Piece::Number { value: number.parse().ok()?, negative: matches!(c, '-' | '−'), whole });
        } else {
            match c.to_ascii_uppercase() {
                side @ ('N' | 'S' | 'E' | 'W') => pieces.push(Piece::Side(side)),
                ' ' | ',' | ';' | '/' | '°' | 'º' | '˚' | '\'' | '’' | '′' | '"' | '”' | '″' | '\u{a0}' => {}
                _ => return None,
            }
            at += 1;
        }
        if pieces.len() > 8 {
            return None;
        }
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<(f64, f64)> {
        let round = |degrees: f64| (degrees * 1e4).round() / 1e4;
        coordinates(text).map(|found| (round(found.latitude), round(found.longitude)))
    }

    #[test]
    fn coordinates_in_the_usual_writings() {
        for text in [
            "47.38083, 8.541",
            "47.38083 8.541",
            "47,38083 8,541",
            "47,38083, 8,541",
            "47,38083;8,541",
            "+47.38083,+8.541",
            "47.38083N 8.541E",
            "8.541E, 47.38083N",
            "N47.38083 E8.541",
            "n47.38083 e 8.541",
            "47 22.85N 8 32.46E",
            "47° 22.85' N 008° 32.46' E",
            "N 47° 22.85′ E 008° 32.46′",
            "47°22'51\"N 8°32'27.6\"E",
            "47 22 51 8 32 27.6",
            "4722.85N/00832.46E",
            "4722.85N 00832.46E",
            "geo:47.38083,8.541;u=35",
        ] {
            assert_eq!(at(text), Some((47.3808, 8.541)), "{text}");
        }
        assert_eq!(at("-33.9, 18.4"), Some((-33.9, 18.4)));
        assert_eq!(at("33.9S 70.5W"), Some((-33.9, -70.5)));
        assert_eq!(at("-0 30 0 30"), Some((-0.5, 0.5)));
        assert_eq!(at("47,8"), Some((47.0, 8.0)));
        assert_eq!(coordinates("47,8").map(|found| found.text), Some("47.00000, 8.00000".to_owned()));
    }

    #[test]
    fn what_is_no_coordinate_is_none() {
        for text in [
            "",
            "47",
            "DL1ABC",
            "N",
            "NE",
            "91 8",
            "47 181",
            "47 61 8 10",
            "47.5 30 8 10",
            "47N 8N",
            "47N 8E 9",
            "N47 8",
            "-47N 8E",
            "1 2 3 4 5",
            "1 2 3 4 5 6 7 8 9 10",
            "4799.99N 00832.46E",
            "1e5 2",
            "47..5 8",
            "N 47 E",
            "é 1 2",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn locators_of_two_to_eight_characters() {
        for (text, shown, latitude, longitude) in [
            ("jn", "JN", 45.0, 10.0),
            ("JN47", "JN47", 47.5, 9.0),
            ("jn47QI", "JN47qi", 47.354_17, 9.375),
            ("JN47qi50", "JN47qi50", 47.335_42, 9.379_17),
            ("AA00aa", "AA00aa", -89.979_17, -179.958_33),
            ("rr99XX99", "RR99xx99", 89.997_92, 179.995_83),
        ] {
            let found = locator(text).expect(text);
            assert_eq!(found.text, shown);
            assert!((found.latitude - latitude).abs() < 1e-4 && (found.longitude - longitude).abs() < 1e-4, "{text} {found:?}");
        }
        for text in ["", "J", "JN4", "JS47qi5", "JN47yi", "SN47", "J147", "JN47qi500", "JN4é"] {
            assert_eq!(locator(text), None, "{text}");
        }
    }
}
