//! Whether a station can have got to where it says it is, from where it was believed to be.
//!
//! Packets reach us late, damaged, and from two stations that share a callsign. A place that is too far to get to in the
//! time is doubted: its packet is kept and marked, and moves nothing. It is believed after all when the station says
//! three times in a row that it is about there (then the earlier place was the wrong one), or when nothing fits for long.
//! So a callsign used at two places stays at one of them, as long as that is heard often enough, instead of jumping to and fro.
//!
//! Owner: one pipeline. Bound: two generations of [`Whereabouts::CAPACITY`] stations; a generation ends when it is full or
//! three hours old, and who was not heard during a whole one is forgotten.

use std::collections::HashMap;

use crate::{Name, distance_km};

/// Nearer than this is no journey, km: receivers wander, and igates hand on what is a minute old.
const NEAR_KM: f64 = 2.0;
/// How late a packet may have reached us, beyond the time that passed, s.
const LATE_S: f64 = 15.0;
/// Nobody on the ground is faster, km/h, unless they say so.
const GROUND_KMH: f64 = 400.0;
/// Nobody in the air is, and nobody is believed to be.
const AIR_KMH: f64 = 1300.0;
/// From here on it is the air, m.
const AIR_FROM_M: f64 = 4000.0;
/// From here on it is a rocket or a satellite, and no speed is too high, m.
const SPACE_FROM_M: f64 = 35_000.0;
/// Symbols that fly higher than that without saying so.
const SPACE_SYMBOLS: [(char, char); 2] = [('/', 'S'), ('\\', 'S')];
/// So many times in a row about there is where it is.
const AGREEING: u8 = 3;
/// After so many doubts in a row that do not even agree, nothing is known.
const DOUBTS: u8 = 8;

/// What a packet says of where its station is, and how fast it may have come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sighting {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    pub(crate) altitude_m: Option<f64>,
    pub(crate) speed_kmh: Option<f64>,
    pub(crate) symbol: Option<(char, char)>,
}

impl Sighting {
    /// km/h; infinite when nothing is too fast.
    fn fastest_kmh(&self) -> f64 {
        let altitude_m = self.altitude_m.unwrap_or(0.0);
        if altitude_m > SPACE_FROM_M || self.symbol.is_some_and(|symbol| SPACE_SYMBOLS.contains(&symbol)) {
            return f64::INFINITY;
        }
        let usual = if altitude_m > AIR_FROM_M { AIR_KMH } else { GROUND_KMH };
        usual.max((self.speed_kmh.unwrap_or(0.0) * 2.5).min(AIR_KMH))
    }
}

/// A place at a time: a second and two metres are near enough for kilometres.
#[derive(Debug, Clone, Copy, Default)]
struct Spot {
    at_s: u32,
    latitude: f32,
    longitude: f32,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    believed: Spot,
    /// Where it was said to be last, and was not believed; means something while `doubts` is not 0.
    doubted: Spot,
    /// In a row.
    doubts: u8,
    /// Of these, the last ones that agree.
    agreeing: u8,
}

/// Remembers where stations were.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    recent: HashMap<Name, Known>,
    older: HashMap<Name, Known>,
    /// When `recent` began.
    began_s: u32,
    capacity: usize,
}

impl Default for Whereabouts {
    fn default() -> Self {
        Self::with_capacity(Self::CAPACITY)
    }
}

impl Whereabouts {
    /// A generation, s: after a silence of this one may have got anywhere.
    const SPAN_S: u32 = 3 * 3600;
    /// Stations of a generation: some times what the world sends in three hours, at about 50 bytes each.
    const CAPACITY: usize = 200_000;

    fn with_capacity(capacity: usize) -> Self {
        Self { recent: HashMap::new(), older: HashMap::new(), began_s: 0, capacity }
    }

    /// How many stations are remembered.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.recent.len() + self.older.len()
    }

    /// Whether the station can be there; remembers where it was said to be.
    pub(crate) fn believes(&mut self, at_us: i64, station: Name, sighting: &Sighting) -> bool {
        let at_s = u32::try_from(at_us / 1_000_000).unwrap_or(0);
        self.turn(at_s);
        #[expect(clippy::cast_possible_truncation, reason = "see Spot")]
        let here = Spot { at_s, latitude: sighting.latitude as f32, longitude: sighting.longitude as f32 };
        let known = self.recent.get(&station).copied().or_else(|| self.older.remove(&station));
        let (known, believed) = match known {
            Some(known) if at_s.abs_diff(known.believed.at_s) < Self::SPAN_S => known.told(here, sighting.fastest_kmh()),
            _ => (Known::at(here), true),
        };
        self.recent.insert(station, known);
        believed
    }

    /// Ends the generation when it is full or old. A clock that was set back ends it, too.
    fn turn(&mut self, now_s: u32) {
        if self.recent.len() >= self.capacity || now_s.abs_diff(self.began_s) > Self::SPAN_S {
            self.older = std::mem::take(&mut self.recent);
            self.began_s = now_s;
        }
    }
}

impl Known {
    fn at(believed: Spot) -> Self {
        Self { believed, doubted: Spot::default(), doubts: 0, agreeing: 0 }
    }

    /// What is known once it said that it is here, and whether that is believed.
    fn told(self, here: Spot, fastest_kmh: f64) -> (Self, bool) {
        if reaches(self.believed, here, fastest_kmh) {
            return (Self::at(here), true);
        }
        let agreeing = if self.doubts > 0 && reaches(self.doubted, here, fastest_kmh) { self.agreeing + 1 } else { 1 };
        let doubts = self.doubts + 1;
        if agreeing >= AGREEING || doubts >= DOUBTS {
            return (Self::at(here), true);
        }
        (Self { doubted: here, doubts, agreeing, ..self }, false)
    }
}

/// Whether one gets from one place to the other in the time between, and a little more.
fn reaches(from: Spot, to: Spot, fastest_kmh: f64) -> bool {
    let [latitude, longitude, to_latitude, to_longitude] = [from.latitude, from.longitude, to.latitude, to.longitude].map(f64::from);
    let km = distance_km(latitude, longitude, to_latitude, to_longitude);
    km <= NEAR_KM || km <= fastest_kmh * (f64::from(to.at_s.abs_diff(from.at_s)) + LATE_S) / 3600.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> Sighting {
        Sighting { latitude, longitude, altitude_m: None, speed_kmh: None, symbol: None }
    }

    /// Whether each of one station's sightings, at its minute, is believed.
    fn told(sightings: &[(i64, Sighting)]) -> Vec<bool> {
        let mut whereabouts = Whereabouts::default();
        let name = Name::new(b"N0CALL-9").expect("name");
        sightings.iter().map(|(minute, sighting)| whereabouts.believes(minute * 60_000_000, name, sighting)).collect()
    }

    const HOME: (f64, f64) = (48.0, 11.0);
    const FAR: (f64, f64) = (53.5, 10.0);

    fn home() -> Sighting {
        at(HOME.0, HOME.1)
    }

    fn far() -> Sighting {
        at(FAR.0, FAR.1)
    }

    #[test]
    fn a_leap_is_doubted_and_the_way_home_is_not() {
        assert_eq!(told(&[(1, home()), (2, far()), (3, home())]), [true, false, true]);
    }

    #[test]
    fn three_times_in_a_row_is_where_it_is() {
        assert_eq!(told(&[(1, far()), (2, home()), (3, home()), (4, home()), (5, far())]), [true, false, false, true, false]);
    }

    #[test]
    fn a_callsign_at_two_places_stays_at_one() {
        let both: Vec<_> = (0..20).map(|minute| (minute, if minute % 2 == 0 { home() } else { far() })).collect();
        assert!(told(&both).iter().enumerate().all(|(at, believed)| *believed == (at % 2 == 0)));
        // Two of three are the other's: never three in a row.
        let most: Vec<_> = (0..21).map(|minute| (minute, if minute % 3 == 0 { home() } else { far() })).collect();
        assert!(told(&most).iter().enumerate().all(|(at, believed)| *believed == (at % 3 == 0)));
    }

    #[test]
    fn time_speed_height_and_space_allow_more() {
        let near = at(48.3, 11.0);
        assert_eq!(told(&[(1, home()), (2, near)]), [true, false], "33 km in a minute");
        assert_eq!(told(&[(1, home()), (6, near)]), [true, true], "in five minutes: 400 km/h");
        assert_eq!(told(&[(1, home()), (3, Sighting { speed_kmh: Some(500.0), ..near })]), [true, true], "it says 500 km/h");
        assert_eq!(told(&[(1, home()), (3, Sighting { altitude_m: Some(9000.0), ..near })]), [true, true], "an airliner");
        assert_eq!(told(&[(1, home()), (2, Sighting { altitude_m: Some(420_000.0), ..far() })]), [true, true], "a satellite");
        assert_eq!(
            told(&[(1, home()), (2, Sighting { symbol: Some(('\\', 'S')), ..far() })]),
            [true, true],
            "one that does not say how high"
        );
        assert_eq!(
            told(&[(1, home()), (2, Sighting { speed_kmh: Some(1e9), ..far() })]),
            [true, false],
            "speeds are not believed without end"
        );
        assert_eq!(told(&[(1, home()), (182, far())]), [true, true], "a long silence");
        assert_eq!(told(&[(1, at(0.0, 179.999)), (2, at(0.0, -179.999))]), [true, true], "the date line is no leap");
    }

    #[test]
    fn what_never_fits_is_shown_again_at_last() {
        let wild: Vec<_> = (0..9).map(|minute| (minute, at(10.0 * minute as f64 - 40.0, 20.0))).collect();
        assert_eq!(told(&wild), [true, false, false, false, false, false, false, false, true]);
    }

    #[test]
    fn it_stays_bounded_and_forgets() {
        let mut whereabouts = Whereabouts::with_capacity(100);
        for number in 0..1000_i64 {
            let name = Name::new(format!("S{number}").as_bytes()).expect("name");
            assert!(whereabouts.believes(number * 1_000_000, name, &home()));
            assert!(whereabouts.len() <= 200);
        }
        let name = Name::new(b"S0").expect("name");
        assert!(whereabouts.believes(1_000_000_000, name, &far()), "it was forgotten");
    }
}
