//! Time blocks: the world as it was, in immutable pieces of ten minutes a tile (docs/protocol.md, "Time blocks").
//!
//! [`Facts`] are what happened in one block, made from its packets alone. A [`State`] is who was where at the start of a
//! block: folded from the facts of the twelve blocks before it. An answer is encoded from a state and the facts that
//! follow. So each piece is a function of packets: every replica comes to the same bytes, wherever it begins.
//! [`Blocks`] makes them when they are asked for and remembers what fits.

mod answer;
mod blocks;
mod cache;
mod facts;
mod pack;
mod state;

pub use blocks::{Answer, BlockError, BlockFigures, Blocks, BlocksRange, Part};

use facts::Facts;
use state::State;

/// Seconds of a block.
pub const BLOCK_S: i64 = 600;

/// Blocks of an hour.
const HOUR_BLOCKS: i64 = 6;

/// An entity is gone when its last fix is so old, seconds: twelve blocks.
const GONE_S: i64 = 7200;

/// An entity is quiet when its last fix is so old, seconds: beacons of half an hour are not.
const QUIET_S: i64 = 2400;

/// A block is closed so long after its end, seconds: what is late comes until then.
const LATE_S: i64 = 900;

/// Bits of a coordinate: 2^23 steps around the world, 4.8 m at the equator; no answer is finer.
const GRID_BITS: u32 = 23;

/// Web Mercator in steps of the grid, from the west and from the north.
fn grid(latitude: f64, longitude: f64) -> (u32, u32) {
    let radians = latitude.clamp(-85.051_128_78, 85.051_128_78).to_radians();
    let steps = f64::from(1_u32 << GRID_BITS);
    let step = |part: f64| (part * steps).clamp(0.0, steps - 1.0) as u32;
    (step(longitude / 360.0 + 0.5), step(0.5 - radians.sin().atanh() / std::f64::consts::TAU))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_the_world() {
        let last = (1 << GRID_BITS) - 1;
        assert_eq!(grid(90.0, -180.0), (0, 0));
        assert_eq!(grid(-90.0, 180.0), (last, last));
        assert_eq!(grid(0.0, 0.0), (1 << (GRID_BITS - 1), 1 << (GRID_BITS - 1)));
    }
}
