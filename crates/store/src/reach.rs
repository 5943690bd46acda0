//! Which distances of radio links count. VHF reaches some hundred kilometres, over warm sea or by sporadic E more; what a path
//! shows beyond that is mostly something else: tunnels between nodes, trackers that never had a fix, HF gateways.

use std::collections::HashSet;

use godwit_pipeline::Name;

use crate::{
    HeardLink, HeardSide,
    tally::{Place, distance_m},
};

/// No packet came farther on VHF near the ground, m.
pub(crate) const FARTHEST_M: i32 = 2_500_000;
/// The frame of a node that was heard from farther away came through a tunnel, m.
const FARTHEST_NODE_M: i32 = 800_000;
/// A gateway that hears a station from this near hears it on VHF, m.
pub(crate) const NEAR_M: i32 = 100_000;
/// HF gateways hear many stations from farther away than this, m.
pub(crate) const FAR_M: i32 = 700_000;
/// From fewer stations nothing is concluded.
const LEAST_SENDERS: i64 = 3;
/// So many hearers of a station are judged at most, the farthest of them: each costs a look at all that it heard.
const MOST_JUDGED: usize = 100;
/// Days before those asked for that an HF gateway is judged by, too.
pub(crate) const JUDGED_DAYS: i32 = 30;

/// Where devices say they are before they know, whatever the hemisphere: TinyTrak (12°34.56' 123°45.67'), Pi-Star (50° 3°).
const DEFAULT_PLACES: [Place; 3] = [(0.0, 0.0), (12.576, 123.761_167), (50.0, 3.0)];
/// Half of a hundredth of a minute and what rounding adds, degrees.
const SAME_DEG: f64 = 0.000_2;

/// True for a place that a device invents: a default of its maker, zero, a pole.
fn is_default((latitude, longitude): Place) -> bool {
    let same = |a: f64, b: f64| (a.abs() - b).abs() < SAME_DEG;
    latitude.abs() > 90.0 - SAME_DEG || DEFAULT_PLACES.iter().any(|&(north, east)| same(latitude, north) && same(longitude, east))
}

/// The distance of a packet between two places, m; `None` if one is invented, or a node's frame came too far. Longer than
/// [`FARTHEST_M`] it is kept, for HF gateways are known by such distances, but does not count.
pub(crate) fn of_packet(from: Place, to: Place, is_node_frame: bool) -> Option<i32> {
    let metres = distance_m(from, to);
    let is_refused = is_default(from) || is_default(to) || is_node_frame && metres > FARTHEST_NODE_M;
    (!is_refused).then_some(metres)
}

/// The stations that one hears, of those whose distance is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Senders {
    pub(crate) placed: i64,
    /// Nearer than [`NEAR_M`] at their farthest.
    pub(crate) near: i64,
    /// Farther than [`FAR_M`].
    pub(crate) far: i64,
}

impl Senders {
    pub(crate) fn add(&mut self, longest_m: i32) {
        self.placed += 1;
        self.near += i64::from(longest_m < NEAR_M);
        self.far += i64::from(longest_m > FAR_M);
    }

    /// True for who hears at least three stations, none from near by and three in ten from far away: on HF, or by a tunnel.
    /// A receiver that hears over a sea duct hears near stations, too.
    pub(crate) fn are_of_hf_gate(self) -> bool {
        self.placed >= LEAST_SENDERS && self.near == 0 && self.far * 10 >= self.placed * 3
    }
}

/// The station of a link that heard.
fn hearer(link: &HeardLink, station: Name, side: HeardSide) -> Name {
    match side {
        HeardSide::By => station,
        HeardSide::Of => link.other,
    }
}

/// The hearers of these links that may be HF gateways, at most [`MOST_JUDGED`]: who hears a station from near by is none.
pub(crate) fn hearers_to_judge(links: &[HeardLink], station: Name, side: HeardSide) -> Vec<Name> {
    let is_far = |metres: u32| metres >= NEAR_M.unsigned_abs();
    let placed = || links.iter().filter_map(|link| Some((link.longest_m?, hearer(link, station, side))));
    if side == HeardSide::By {
        let may_be_gate = placed().next().is_some() && placed().all(|(metres, _)| is_far(metres));
        return if may_be_gate { vec![station] } else { Vec::new() };
    }
    let mut far: Vec<(u32, Name)> = placed().filter(|&(metres, _)| is_far(metres)).collect();
    far.sort_unstable_by(|a, b| b.cmp(a));
    far.truncate(MOST_JUDGED);
    far.into_iter().map(|(_, hearer)| hearer).collect()
}

/// Leaves the links of HF gateways without a distance.
pub(crate) fn forget_distances_of(links: &mut [HeardLink], station: Name, side: HeardSide, gates: &HashSet<Name>) {
    for link in links {
        if gates.contains(&hearer(link, station, side)) {
            link.longest_m = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_places_and_tunnels_have_no_distance() {
        let home = (47.38, 8.54);
        assert_eq!(of_packet(home, (47.38, 8.54), false), Some(0));
        for place in [(0.0, 0.0), (90.0, 8.0), (-90.0, 8.0), (12.576, -123.761_17), (12.576, 123.761_17), (50.0, -3.0)] {
            assert_eq!((of_packet(home, place, false), of_packet(place, home, false)), (None, None), "{place:?}");
        }
        assert!(of_packet(home, (0.01, 0.01), false).is_some() && of_packet(home, (50.01, -3.0), false).is_some());
        // 8 degrees of latitude are 890 km, 7 are 778.
        let at = |degrees: f64| (home.0 - degrees, home.1);
        assert_eq!((of_packet(home, at(8.0), true), of_packet(home, at(7.0), true)), (None, Some(778_366)));
        assert_eq!(of_packet(home, at(8.0), false), Some(889_561));
    }

    #[test]
    fn only_who_hears_nothing_near_is_judged() {
        let name = |name: &str| Name::new(name.as_bytes()).expect("short");
        let links = |kilometres: &[Option<u32>]| -> Vec<HeardLink> {
            let link = |(at, km): (usize, &Option<u32>)| HeardLink {
                other: name(&format!("X{at}")),
                packets: 1,
                longest_m: km.map(|km| km * 1000),
                last_day: 0,
            };
            kilometres.iter().enumerate().map(link).collect()
        };
        let judged = |kilometres: &[Option<u32>], side| hearers_to_judge(&links(kilometres), name("ME"), side);
        assert_eq!(judged(&[Some(99), None, Some(800)], HeardSide::By), []);
        assert_eq!(judged(&[None], HeardSide::By), []);
        assert_eq!(judged(&[Some(100), None, Some(800)], HeardSide::By), [name("ME")]);
        assert_eq!(judged(&[Some(99), Some(100), None, Some(800)], HeardSide::Of), [name("X3"), name("X1")]);
        assert_eq!(judged(&[Some(500); 150], HeardSide::Of).len(), MOST_JUDGED);
    }

    #[test]
    fn hf_gates_are_known_by_whom_they_hear() {
        let judge = |kilometres: &[i32]| {
            let mut senders = Senders::default();
            kilometres.iter().for_each(|km| senders.add(km * 1000));
            senders.are_of_hf_gate()
        };
        assert!(judge(&[800, 300, 400]) && judge(&[3000, 900, 120]));
        assert!(!judge(&[800, 900]), "two are too few");
        assert!(!judge(&[99, 800, 900, 1000]), "hears a near one");
        assert!(!judge(&[300, 400, 500, 900]), "a quarter is not three in ten");
        assert!(judge(&[300, 400, 500, 600, 650, 680, 699, 701, 900, 1000]), "three in ten are");
    }
}
