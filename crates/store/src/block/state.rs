//! Who was where at the start of a block.

use std::cmp::Ordering;

use godwit_pipeline::EntityKey;

use super::{
    BLOCK_S, Facts, GONE_S,
    facts::{KILLED, Look},
};

/// An entity at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) key: EntityKey,
    pub(super) look: Look,
    /// Steps of the grid.
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) course: u8,
    pub(super) speed: u8,
    /// Of its last fix, seconds since 1970.
    pub(super) last_s: i64,
}

/// Who was where at the start of a block: everybody with a fix in the two hours before it, unless killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) block: i64,
    /// Ascending by key.
    pub(super) placed: Vec<Placed>,
}

impl State {
    /// Nobody.
    pub(super) fn empty(block: i64) -> Self {
        Self { block, placed: Vec::new() }
    }

    /// The state at the start of the next block, by what happened in this one.
    pub(super) fn after(&self, facts: &Facts) -> Self {
        let (start_s, next_s) = (self.block * BLOCK_S, (self.block + 1) * BLOCK_S);
        let mut placed = Vec::with_capacity(self.placed.len().max(facts.entities.len()));
        let mut before = self.placed.iter().peekable();
        let mut news = facts.entities.iter().peekable();
        loop {
            let order = match (before.peek(), news.peek()) {
                (Some(one), Some(new)) => one.key.cmp(&new.key),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            if order == Ordering::Less {
                placed.extend(before.next().filter(|one| next_s - one.last_s < GONE_S));
                continue;
            }
            if order == Ordering::Equal {
                before.next();
            }
            let Some(new) = news.next() else { break };
            if let Some(last) = facts.events(new).last().filter(|last| last.course != KILLED) {
                placed.push(Placed {
                    key: new.key,
                    look: new.look,
                    x: last.x,
                    y: last.y,
                    course: last.course,
                    speed: last.speed,
                    last_s: start_s + i64::from(new.last_s),
                });
            }
        }
        Self { block: self.block + 1, placed }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::facts::tests::{gathered, packet},
        *,
    };

    #[test]
    fn a_state_is_the_same_from_wherever_it_is_folded() {
        // Blocks 0 to 29: A1B is heard once, C1D in each block, the object lives and is killed.
        let facts: Vec<Facts> = (0..30)
            .map(|block| {
                let at = |second: f64| block as f64 * 600.0 + second;
                let mut packets = vec![packet(at(1.0), &format!("C1D>APRS,qAR,G1:!4722.{block:02}N/00832.46E>"))];
                if block == 3 {
                    packets.push(packet(at(2.0), "A1B>APRS,qAR,G1:!4722.85N/00832.46E#"));
                    packets.push(packet(at(3.0), "A1B>APRS,TCPIP*,qAC,X:;CAMP     *231015z4722.85N/00832.46E;"));
                }
                if block == 5 {
                    packets.push(packet(at(3.0), "A1B>APRS,TCPIP*,qAC,X:;CAMP     _231015z4722.85N/00832.46E;"));
                }
                gathered(block, &packets)
            })
            .collect();
        let fold = |from: i64, to: i64| {
            (from..to).fold(State::empty(from), |state, block| state.after(&facts[usize::try_from(block).expect("block")]))
        };
        let names = |state: &State| state.placed.iter().map(|one| one.key.name.to_string()).collect::<Vec<_>>();
        for block in 13..30 {
            assert_eq!(fold(0, block), fold(block - 12, block), "{block}");
        }
        assert_eq!(names(&fold(0, 5)), ["A1B", "C1D", "CAMP"]);
        assert_eq!(names(&fold(0, 6)), ["A1B", "C1D"]);
        // Heard at 3 × 600 + 2: at 15 × 600 it is 7,198 s old, a block later it is gone.
        assert_eq!((names(&fold(0, 15)).len(), names(&fold(0, 16)).len()), (2, 1));
    }
}
