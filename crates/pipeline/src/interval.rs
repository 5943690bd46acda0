//! How often an entity is usually heard: what makes a silence long or short.

/// The usual time between two packets of an entity, from the gaps as they come. Two bytes: there is one for each entity.
///
/// It follows a new rhythm within a few packets and is not thrown off by a single long silence: a gap counts as twice the
/// usual one at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BeaconInterval {
    /// Seconds; 0 is unknown.
    seconds: u16,
}

impl BeaconInterval {
    /// Copies of a packet over other ways come within this time (the network's duplicate rule), seconds.
    const COPIES_S: i64 = 30;

    /// Takes the gap between two packets, microseconds. A short one counts only if the later packet brought a position:
    /// else it may be a copy of the first, or one of several packets sent together.
    pub fn hear(&mut self, gap_us: i64, placed: bool) {
        let gap_s = gap_us / 1_000_000;
        if gap_s <= 0 || (gap_s < Self::COPIES_S && !placed) {
            return;
        }
        let usual = i64::from(self.seconds);
        let next = match usual {
            0 => gap_s,
            // Three quarters old, one quarter new, rounded up so that it never sticks at 0.
            _ => (3 * usual + gap_s.min(2 * usual) + 3) / 4,
        };
        self.seconds = u16::try_from(next).unwrap_or(u16::MAX);
    }

    /// Seconds, 1..=65535 (longer ones count as that); `None` until two packets were heard.
    #[must_use]
    pub fn seconds(self) -> Option<u16> {
        (self.seconds > 0).then_some(self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn after(gaps: &[(i64, bool)]) -> Option<u16> {
        let mut interval = BeaconInterval::default();
        for (gap_s, placed) in gaps {
            interval.hear(gap_s * S, *placed);
        }
        interval.seconds()
    }

    #[test]
    fn regular_beacons_copies_and_silences() {
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[(600, true); 10]), Some(600));
        assert_eq!(after(&[(2, false), (598, true), (3, false), (597, true)]), Some(598));
        assert_eq!(after(&[(5, true); 20]), Some(5));
        assert_eq!(after(&[(0, true), (-100 * S, true)]), None);
        let outage = after(&[(600, true), (600, true), (90_000, true), (600, true), (600, true), (600, true)]).expect("known");
        assert!((600..700).contains(&outage), "one silence of a day hardly counts: {outage}");
        let faster = after(&[[(3600, true); 3].as_slice(), &[(60, true); 20]].concat()).expect("known");
        assert!(faster < 90, "a new rhythm is learnt: {faster}");
        assert_eq!(after(&[(200_000, true); 5]), Some(u16::MAX));
    }
}
