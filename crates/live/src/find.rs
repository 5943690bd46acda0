//! Finding entities in the world: by name, and by nearness. Both lock the world for some entities at a time, and copy only
//! what they answer with.

use std::ops::Deref;

use godwit_pipeline::{EARTH_KM, EntityKey, EntityState, distance_km};

use crate::{
    LEVELS, TileAddress,
    address::{locate, mercator},
    world::{LOOKED_AT_A_TIME, MOST_LISTED, World, drawn},
};

/// An entity near a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// Its state; it has a position.
    pub state: EntityState,
    /// Along the great circle, km.
    pub distance_km: f64,
    /// From the point towards it, degrees, 0 (north) to below 360.
    pub bearing_deg: f64,
}

/// What a name is compared with: in capitals, `*` for any bytes, `?` for one.
struct Pattern {
    text: Vec<u8>,
    wild: bool,
}

impl Pattern {
    fn new(text: &str) -> Self {
        let text = text.trim().to_ascii_uppercase().into_bytes();
        let wild = text.iter().any(|byte| matches!(byte, b'*' | b'?'));
        Self { text, wild }
    }

    /// How well a name fits, best first: the name itself, the same call with any SSID, a beginning, a part.
    fn rank(&self, name: &[u8]) -> Option<u8> {
        // Names are at most 9 bytes.
        let mut upper = [0; 9];
        let upper = upper.get_mut(..name.len())?;
        upper.copy_from_slice(name);
        upper.make_ascii_uppercase();
        if self.wild {
            return glob(&self.text, upper).then_some(0);
        }
        match upper.strip_prefix(&self.text[..]) {
            Some([]) => Some(0),
            Some([b'-', ..]) => Some(1),
            Some(_) => Some(2),
            None => memchr::memmem::find(upper, &self.text).map(|_| 3),
        }
    }
}

/// Whether a text fits a pattern. Each `*` is tried from the left, and only the last one again: no pattern is slow.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The best of many by some order, in bounded memory.
struct Best<K, T> {
    limit: usize,
    all: Vec<(K, T)>,
}

impl<K: Ord + Copy, T> Best<K, T> {
    fn new(limit: usize) -> Self {
        Self { limit, all: Vec::new() }
    }

    fn push(&mut self, order: K, one: T) {
        self.all.push((order, one));
        if self.all.len() >= 2 * self.limit + 1024 {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.all.len() > self.limit {
            self.all.select_nth_unstable_by_key(self.limit, |(order, _)| *order);
            self.all.truncate(self.limit);
        }
    }

    /// The best first.
    fn sorted(mut self) -> Vec<(K, T)> {
        self.cut();
        self.all.sort_unstable_by_key(|(order, _)| *order);
        self.all
    }
}

/// Calls for every entity, in the order of keys. The world is locked for [`LOOKED_AT_A_TIME`] of them at once.
fn each<W: Deref<Target = World>>(world: &impl Fn() -> W, mut look: impl FnMut(&EntityState)) {
    let mut last = None;
    loop {
        let mut looked_at = 0;
        for state in world().after(last).take(LOOKED_AT_A_TIME) {
            looked_at += 1;
            look(state);
            last = Some(state.key);
        }
        if looked_at < LOOKED_AT_A_TIME {
            return;
        }
    }
}

/// Entities on the map whose name fits, ignoring case: the best fit first, then the last heard; and how many fit, those
/// beyond the limit among them. `world` locks the world anew for each step.
pub(crate) fn search<W: Deref<Target = World>>(world: impl Fn() -> W, text: &str, limit: usize) -> (Vec<EntityState>, usize) {
    let pattern = Pattern::new(text);
    if pattern.text.is_empty() {
        return (Vec::new(), 0);
    }
    let (mut best, mut total) = (Best::new(limit), 0);
    each(&world, |state| {
        if let Some(rank) = pattern.rank(state.key.name.as_bytes()).filter(|_| drawn(state).is_some()) {
            total += 1;
            best.push((rank, -state.last_heard_us, state.key), ());
        }
    });
    let world = world();
    (best.sorted().into_iter().filter_map(|((.., key), ())| world.get(&key).cloned()).collect(), total)
}

/// The entities nearest to a point, nearest first: from the tiles around it, finest level first, as soon as what lies
/// beyond them must be farther. `world` locks the world anew for each step.
pub(crate) fn nearest<W: Deref<Target = World>>(world: impl Fn() -> W, latitude: f64, longitude: f64, limit: usize) -> Vec<Near> {
    let measured = |state: &EntityState| {
        let km = drawn(state).map(|fix| distance_km(latitude, longitude, fix.latitude, fix.longitude))?;
        // Distances are never negative, so their bits are in their order.
        Some((km, km.to_bits()))
    };
    for level in LEVELS.iter().rev() {
        let Some((members, safe_km)) = world().around(latitude, longitude, *level) else { break };
        let (mut best, mut count) = (Best::new(limit), 0);
        for ids in members.chunks(LOOKED_AT_A_TIME) {
            let world = world();
            for state in ids.iter().filter_map(|id| world.state(*id)) {
                if let Some((km, order)) = measured(state).filter(|(km, _)| *km <= safe_km) {
                    count += 1;
                    best.push((order, state.key), km);
                }
            }
        }
        if count >= limit {
            return near(&world(), best, latitude, longitude);
        }
    }
    let mut best = Best::new(limit);
    each(&world, |state| {
        if let Some((km, order)) = measured(state) {
            best.push((order, state.key), km);
        }
    });
    near(&world(), best, latitude, longitude)
}

fn near(world: &World, best: Best<(u64, EntityKey), f64>, latitude: f64, longitude: f64) -> Vec<Near> {
    let one = |((_, key), distance_km): ((u64, EntityKey), f64)| {
        let state = world.get(&key)?;
        let fix = drawn(state)?;
        let bearing_deg = bearing_deg(latitude, longitude, fix.latitude, fix.longitude);
        Some(Near { state: state.clone(), distance_km, bearing_deg })
    };
    best.sorted().into_iter().filter_map(one).collect()
}

impl World {
    /// Members of a tile and its eight neighbours, and up to which distance nobody else can be. `None` if they are many.
    fn around(&self, latitude: f64, longitude: f64, level: u8) -> Option<(Vec<u32>, f64)> {
        let at = mercator(latitude, longitude);
        let (tile, ..) = locate(at, level);
        let side = 1_i32 << level;
        let mut members = Vec::new();
        for dy in -1..=1 {
            for dx in -1..=1 {
                let y = i32::from(tile.y) + dy;
                if !(0..side).contains(&y) {
                    continue;
                }
                let x = (i32::from(tile.x) + dx).rem_euclid(side);
                let (x, y) = (u16::try_from(x).unwrap_or(0), u16::try_from(y).unwrap_or(0));
                let address = TileAddress { level, x, y };
                if members.len() + self.count_of(address) > MOST_LISTED {
                    return None;
                }
                members.extend(self.members(address));
            }
        }
        let tile_deg = 360.0 / f64::from(side);
        let west_deg = at.0 * 360.0 - (f64::from(tile.x) - 1.0) * tile_deg;
        let east_deg = 3.0 * tile_deg - west_deg;
        let edge = |y: f64| (std::f64::consts::PI * (1.0 - 2.0 * y / f64::from(side))).sinh().atan().to_degrees();
        let north_deg = edge(f64::from(tile.y) - 1.0) - latitude;
        let south_deg = latitude - edge(f64::from(tile.y) + 2.0);
        // A meridian is nearest where the great circle meets it at a right angle, a parallel due north or south.
        let meridian = |degrees: f64| (degrees.min(90.0).to_radians().sin() * latitude.to_radians().cos()).asin().to_degrees();
        let safe_deg = meridian(west_deg).min(meridian(east_deg)).min(north_deg).min(south_deg);
        Some((members, safe_deg.max(0.0).to_radians() * EARTH_KM))
    }
}

/// The direction in which the great circle begins, degrees from north.
fn bearing_deg(latitude: f64, longitude: f64, to_latitude: f64, to_longitude: f64) -> f64 {
    let (a, b, turn) = (latitude.to_radians(), to_latitude.to_radians(), (to_longitude - longitude).to_radians());
    let east = turn.sin() * b.cos();
    let north = a.cos() * b.sin() - a.sin() * b.cos() * turn.cos();
    // -0.0 and rounding must not make it 360.
    let degrees = east.atan2(north).to_degrees().rem_euclid(360.0);
    if degrees < 360.0 { degrees } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use godwit_pipeline::Pipeline;
    use proptest::prelude::*;

    use super::*;

    fn world(lines: impl IntoIterator<Item = String>) -> World {
        let mut world = World::new(1_000_000, 0);
        let mut pipeline = Pipeline::default();
        for (at_us, line) in (1_000_000_i64..).zip(lines) {
            for change in pipeline.accept(at_us, line.as_bytes()).changes {
                world.apply(&change);
            }
        }
        world
    }

    fn placed(name: &str, latitude: f64, longitude: f64) -> String {
        let dm = |degrees: f64, digits: usize| format!("{:0digits$}{:05.2}", degrees.abs() as u32, (degrees.abs() % 1.0 * 60.0).min(59.99));
        let (ns, ew) = (if latitude < 0.0 { 'S' } else { 'N' }, if longitude < 0.0 { 'W' } else { 'E' });
        format!("{name}>APRS,qAR,G1:!{}{ns}/{}{ew}-", dm(latitude, 2), dm(longitude, 3))
    }

    fn found_by_name(world: &World, text: &str, limit: usize) -> (Vec<EntityState>, usize) {
        search(|| world, text, limit)
    }

    fn names(found: &[EntityState]) -> Vec<String> {
        found.iter().map(|state| state.key.name.to_string()).collect()
    }

    #[test]
    fn names_are_found_by_call_ssid_beginning_part_and_wildcard() {
        let calls = ["DL1ABC-9", "DL1ABC", "DL1ABCD", "XDL1ABC", "OE1A-10", "DL1ABC-15"];
        let world = world(calls.iter().map(|call| placed(call, 47.0, 8.0)));
        let found = |text: &str, limit: usize| found_by_name(&world, text, limit).0;
        assert_eq!(names(&found(" dl1abc ", 9)), ["DL1ABC", "DL1ABC-15", "DL1ABC-9", "DL1ABCD", "XDL1ABC"]);
        assert_eq!(names(&found("dl1abc", 2)), ["DL1ABC", "DL1ABC-15"]);
        assert_eq!(names(&found("*-1?", 9)), ["DL1ABC-15", "OE1A-10"]);
        assert_eq!(names(&found("DL*ABC", 9)), ["DL1ABC"]);
        assert!(found("", 9).is_empty() && found("ZZ*", 9).is_empty());
        let (some, all) = found_by_name(&world, "*", 3);
        assert_eq!((some.len(), all), (3, found("*", 99).len()));
    }

    #[test]
    fn globs() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("", "", true),
            ("A*", "A", true),
            ("A*B*C", "AxxBxBxC", true),
            ("A*B*C", "AxxBxBx", false),
            ("??", "A", false),
        ] {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} {text}");
        }
        assert!(!glob("*a".repeat(4000).as_bytes(), "a".repeat(3999).as_bytes()));
    }

    #[test]
    fn distance_and_bearing_of_known_ways() {
        // Vienna to Munich, from the tables of any atlas: 355 km, a little north of west.
        assert!((distance_km(48.2082, 16.3738, 48.1372, 11.5756) - 355.5).abs() < 1.0);
        assert!((bearing_deg(48.2082, 16.3738, 48.1372, 11.5756) - 270.6).abs() < 0.5);
        assert_eq!(bearing_deg(0.0, 0.0, 0.0, 1.0), 90.0);
        assert_eq!(bearing_deg(10.0, 5.0, 11.0, 5.0), 0.0);
        assert!((distance_km(0.0, 179.5, 0.0, -179.5) - 111.195).abs() < 0.01);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// The short cut over tiles finds what looking at everybody finds, also at the date line and near the poles.
        #[test]
        fn the_nearest_are_the_nearest(
            places in prop::collection::vec((-89.0..89.0_f64, -179.9..179.9_f64), 1..300),
            crowd in prop::collection::vec((-0.5..0.5_f64, -0.5..0.5_f64), 0..60),
            latitude in -89.9..89.9_f64, longitude in -180.0..180.0_f64,
        ) {
            let near_by = crowd.iter().map(|(a, b)| ((latitude + a).clamp(-89.0, 89.0), (longitude + b).clamp(-179.9, 179.9)));
            let all: Vec<(f64, f64)> = places.iter().copied().chain(near_by).collect();
            let world = world(all.iter().enumerate().map(|(at, (latitude, longitude))| placed(&format!("T{at}"), *latitude, *longitude)));
            let fixes = world.after(None).filter_map(drawn);
            let mut expected: Vec<f64> = fixes.map(|fix| distance_km(latitude, longitude, fix.latitude, fix.longitude)).collect();
            expected.sort_unstable_by(f64::total_cmp);
            expected.truncate(10);
            let found: Vec<f64> = nearest(|| &world, latitude, longitude, 10).iter().map(|near| near.distance_km).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
