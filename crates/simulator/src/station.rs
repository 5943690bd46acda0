//! One station: what it is, where it lives, how it moves.

use fastrand::Rng;
use godwit_packet::Symbol;

use crate::places::{PLACES, Place, WATERS};

/// What a station is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Car,
    Walker,
    Boat,
    Aircraft,
    Balloon,
    Home,
    Weather,
    Digipeater,
    Igate,
}

/// A leg of a journey: from, to, when it began, how fast.
#[derive(Debug, Clone, Copy)]
struct Leg {
    from: (f64, f64),
    to: (f64, f64),
    began_us: i64,
    speed_kmh: f64,
}

/// Where a station is at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fix {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    pub(crate) course_deg: u16,
    pub(crate) speed_kmh: f64,
    pub(crate) altitude_m: Option<f64>,
}

#[derive(Debug)]
pub(crate) struct Station {
    pub(crate) call: String,
    pub(crate) role: Role,
    pub(crate) symbol: Symbol,
    pub(crate) place: u16,
    pub(crate) home: (f64, f64),
    /// Sets one station apart from another where nothing else does.
    pub(crate) phase: f64,
    pub(crate) sequence: u32,
    leg: Option<Leg>,
}

const KM_PER_DEGREE: f64 = 111.2;

/// Kilometres between two places that are not far apart; good to a percent up to some hundred.
pub(crate) fn distance_km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let east = (b.1 - a.1) * ((a.0 + b.0) / 2.0).to_radians().cos();
    (b.0 - a.0).hypot(east) * KM_PER_DEGREE
}

fn around(random: &mut Rng, centre: (f64, f64), km: f64) -> (f64, f64) {
    let (angle, radius) = (random.f64() * std::f64::consts::TAU, random.f64().sqrt() * km / KM_PER_DEGREE);
    let latitude = (centre.0 + radius * angle.sin()).clamp(-84.0, 84.0);
    (latitude, centre.1 + radius * angle.cos() / latitude.to_radians().cos())
}

impl Station {
    pub(crate) fn new(random: &mut Rng, index: usize, place: u16, role: Role) -> Self {
        let city = &PLACES[usize::from(place)];
        let centre = (city.latitude, city.longitude);
        let home = match role {
            Role::Digipeater | Role::Igate => around(random, centre, 12.0),
            Role::Boat => {
                let nearest =
                    WATERS.iter().min_by(|a, b| distance_km(centre, **a).total_cmp(&distance_km(centre, **b))).copied().unwrap_or(centre);
                around(random, nearest, 15.0)
            }
            _ => {
                // Most live near the city, some far out in the country.
                let spread = 12.0 + 130.0 * random.f64().powi(2);
                around(random, centre, spread)
            }
        };
        let pick = |symbols: &[u8], random: &mut Rng| Symbol::new('/', char::from(symbols[random.usize(..symbols.len())]));
        let (symbol, ssid) = match role {
            Role::Car => (pick(b">>>>kvjuUR<", random), "-9"),
            Role::Walker => (pick(b"[[b", random), "-7"),
            Role::Boat => (pick(b"sY", random), "-8"),
            Role::Aircraft => (pick(b"''^X", random), "-11"),
            Role::Balloon => (Symbol::new('/', 'O'), "-11"),
            Role::Home => (pick(b"---yInK", random), ["", "-1", "-5", "-10"][random.usize(..4)]),
            Role::Weather => (Symbol::new('/', '_'), "-13"),
            Role::Digipeater => (Symbol::new(if random.bool() { '/' } else { '1' }, '#'), "-2"),
            Role::Igate => (Symbol::new(['I', 'R', 'T', 'L'][random.usize(..4)], '&'), "-10"),
        };
        let call = format!("{}{ssid}", callsign(city, index));
        Self { call, role, symbol, place, home, phase: random.f64() * std::f64::consts::TAU, sequence: random.u32(..900), leg: None }
    }

    /// How often it beacons beside others: a larger number is more often.
    pub(crate) fn weight(&self) -> f64 {
        match self.role {
            Role::Aircraft => 8.0,
            Role::Balloon | Role::Car => 5.0,
            Role::Boat => 3.0,
            Role::Walker => 2.5,
            Role::Weather => 1.2,
            Role::Home | Role::Digipeater | Role::Igate => 0.6,
        }
    }

    pub(crate) fn moves(&self) -> bool {
        !matches!(self.role, Role::Home | Role::Weather | Role::Digipeater | Role::Igate)
    }

    /// Where it is at a time; times only grow.
    pub(crate) fn at(&mut self, random: &mut Rng, at_us: i64) -> Fix {
        if !self.moves() {
            return Fix { latitude: self.home.0, longitude: self.home.1, course_deg: 0, speed_kmh: 0.0, altitude_m: None };
        }
        let mut leg = self.leg.unwrap_or_else(|| self.begin(random, self.home, at_us));
        let mut along = progress(&leg, at_us);
        if along >= 1.0 {
            leg = self.begin(random, leg.to, at_us);
            along = 0.0;
        }
        self.leg = Some(leg);
        let here = self.point(&leg, along);
        let ahead = self.point(&leg, (along + 0.01).min(1.01));
        let east = (ahead.1 - here.1) * here.0.to_radians().cos();
        let bearing = east.atan2(ahead.0 - here.0).to_degrees().rem_euclid(360.0).round() as u16;
        let altitude_m = match self.role {
            // Up in the first fifth, down in the last.
            Role::Aircraft => Some(9_500.0 * (along * 5.0).min((1.0 - along) * 5.0).clamp(0.03, 1.0)),
            // Up for three quarters of the flight, then by parachute.
            Role::Balloon => Some(300.0 + 29_700.0 * if along < 0.75 { along / 0.75 } else { (1.0 - along) / 0.25 }),
            _ => None,
        };
        Fix {
            latitude: here.0,
            longitude: wrap(here.1),
            course_deg: if bearing == 0 { 360 } else { bearing },
            speed_kmh: leg.speed_kmh,
            altitude_m,
        }
    }

    fn begin(&self, random: &mut Rng, from: (f64, f64), at_us: i64) -> Leg {
        let between = |random: &mut Rng, low: f64, high: f64| low + random.f64() * (high - low);
        let (to, speed_kmh) = match self.role {
            Role::Car => (around(random, self.home, 40.0), between(random, 35.0, 115.0)),
            Role::Walker => (around(random, self.home, 3.0), between(random, 3.0, 6.0)),
            Role::Boat => (around(random, self.home, 20.0), between(random, 8.0, 30.0)),
            Role::Balloon => ((from.0 + between(random, -0.6, 0.6), from.1 + between(random, 1.0, 3.0)), between(random, 40.0, 90.0)),
            _ => {
                let city = &PLACES[random.usize(..PLACES.len())];
                let there = (city.latitude, city.longitude);
                let to = if distance_km(from, there) < 2500.0 { there } else { around(random, from, 600.0) };
                (to, between(random, 380.0, 880.0))
            }
        };
        Leg { from, to, began_us: at_us, speed_kmh }
    }

    /// A point on the way; roads bend, so cars swing a little about the straight line.
    fn point(&self, leg: &Leg, along: f64) -> (f64, f64) {
        let (north, east) = (leg.to.0 - leg.from.0, leg.to.1 - leg.from.1);
        let swing = if self.role == Role::Car { 0.03 * ((along * 9.0 + self.phase).sin() - self.phase.sin()) * (1.0 - along) } else { 0.0 };
        (leg.from.0 + north * along - east * swing, leg.from.1 + east * along + north * swing)
    }
}

fn progress(leg: &Leg, at_us: i64) -> f64 {
    let hours = (at_us - leg.began_us) as f64 / 3.6e9;
    hours * leg.speed_kmh / distance_km(leg.from, leg.to).max(0.05)
}

fn wrap(longitude: f64) -> f64 {
    (longitude + 180.0).rem_euclid(360.0) - 180.0
}

/// A callsign of the place's country: a digit and letters counted from the index, so that no two are alike.
pub(crate) fn callsign(city: &Place, index: usize) -> String {
    let letter = |value: usize| char::from(b'A' + u8::try_from(value % 26).unwrap_or(0));
    // Spread over the alphabet; the multiplier has no factor in common with 26^3.
    let number = index * 7919;
    let digit = index / 17_576 % 10;
    let tail: String = [number / 676, number / 26, number].map(letter).iter().collect();
    if city.prefix.ends_with(|c: char| c.is_ascii_digit()) && city.prefix.len() > 2 {
        return format!("{}{tail}", city.prefix);
    }
    format!("{}{digit}{tail}", &city.prefix[..city.prefix.len().min(2)])
}
