//! What a batch adds to the aggregates: packets an hour, entities heard a day, and who heard whom a day. Both engines
//! keep them in the transaction that keeps the latest state.

use std::collections::{BTreeMap, BTreeSet};

use godwit_pipeline::{EntityKey, EntityState, Name, Record};

use crate::{
    facts::{Facts, station},
    model::{VERDICTS, day_of, hour_of},
    reach,
};

/// What is added.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// By hour since 1970, packets by verdict.
    pub(crate) hours: BTreeMap<i32, [i64; 4]>,
    /// By day since 1970: who was heard.
    pub(crate) heard: BTreeSet<(i32, EntityKey)>,
    /// By day, who was heard and who heard: how often, and how far at most.
    pub(crate) links: BTreeMap<(i32, Name, Name), Link>,
}

/// How often, and how far at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) packets: i32,
    /// Metres, if both places are known.
    pub(crate) longest_m: Option<i32>,
}

/// Degrees north and east.
pub(crate) type Place = (f64, f64);

impl Tally {
    /// Counts records; `place` knows where a station is.
    pub(crate) fn count<'r>(&mut self, records: impl IntoIterator<Item = (&'r Record, &'r Facts)>, place: impl Fn(Name) -> Option<Place>) {
        for (record, facts) in records {
            let verdict = VERDICTS.iter().position(|verdict| *verdict == record.verdict.as_str()).unwrap_or(0);
            self.hours.entry(hour_of(record.received_at_us)).or_default()[verdict] += 1;
            let Some((heard, by)) = facts.heard else {
                continue;
            };
            // Where it says that it is, if it speaks of itself; else where it was last.
            let itself = record.entity == Some(station(heard)) && verdict == 0;
            let own = facts.motion.filter(|_| itself).map(|motion| (f64::from(motion.latitude) / 1e6, f64::from(motion.longitude) / 1e6));
            let distance =
                own.or_else(|| place(heard)).zip(place(by)).and_then(|(from, to)| reach::of_packet(from, to, facts.is_node_frame));
            let link = self.links.entry((day_of(record.received_at_us), heard, by)).or_default();
            link.packets += 1;
            link.longest_m = link.longest_m.max(distance);
        }
    }
}

/// Where a state says that it is.
pub(crate) fn place_of(state: &EntityState) -> Option<Place> {
    state.position.as_ref().map(|(_, fix, _)| (fix.latitude, fix.longitude))
}

/// Metres on a sphere of the Earth's mean radius: right to half a percent.
pub(crate) fn distance_m(from: Place, to: Place) -> i32 {
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let h = half(from.0, to.0) + from.0.to_radians().cos() * to.0.to_radians().cos() * half(from.1, to.1);
    (2.0 * 6_371_008.8 * h.sqrt().min(1.0).asin()).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_a_sphere() {
        assert_eq!(distance_m((47.0, 8.0), (47.0, 8.0)), 0);
        assert_eq!(distance_m((0.0, 0.0), (1.0, 0.0)), 111_195);
        assert_eq!(distance_m((0.0, 179.5), (0.0, -179.5)), 111_195, "over the antimeridian");
        assert_eq!(distance_m((90.0, 0.0), (-90.0, 0.0)), 20_015_114);
    }
}
