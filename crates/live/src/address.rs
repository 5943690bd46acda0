//! Tile addresses: Web Mercator, as web maps cut the world (docs/protocol.md).

use std::f64::consts::PI;

/// The levels that hold entities.
pub const LEVELS: [u8; 4] = [3, 5, 7, 9];

/// Cells along each side of the density tile (level 0).
pub const DENSITY_GRID: u16 = 64;

/// The latitude where Web Mercator ends.
const EDGE_DEG: f64 = 85.051_128_78;

/// A tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileAddress {
    /// 0 (density), 3, 5, 7 or 9.
    pub level: u8,
    /// From the west, below `2^level`.
    pub x: u16,
    /// From the north, below `2^level`.
    pub y: u16,
}

impl TileAddress {
    /// An address that exists; `None` for others.
    #[must_use]
    pub fn new(level: u8, x: u16, y: u16) -> Option<Self> {
        let exists = (level == 0 || LEVELS.contains(&level)) && u32::from(x) < 1 << level && u32::from(y) < 1 << level;
        exists.then_some(Self { level, x, y })
    }
}

/// Degrees to Web Mercator, 0..1 from the west and from the north.
pub(crate) fn mercator(latitude: f64, longitude: f64) -> (f64, f64) {
    let radians = latitude.clamp(-EDGE_DEG, EDGE_DEG).to_radians();
    let below_one = 1.0 - f64::EPSILON;
    let x = (longitude / 360.0 + 0.5).clamp(0.0, below_one);
    let y = (0.5 - radians.sin().atanh() / (2.0 * PI)).clamp(0.0, below_one);
    (x, y)
}

/// The tile of a level that a point lies in, and where within it, in 65,536ths.
pub(crate) fn locate((x, y): (f64, f64), level: u8) -> (TileAddress, u16, u16) {
    let scale = f64::from(1_u32 << level) * 65_536.0;
    let (x, y) = ((x * scale) as u64, (y * scale) as u64);
    let part = |value: u64| u16::try_from(value & 0xffff).unwrap_or(0);
    let tile = |value: u64| u16::try_from(value >> 16).unwrap_or(0);
    (TileAddress { level, x: tile(x), y: tile(y) }, part(x), part(y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_and_poles_have_tiles() {
        for level in LEVELS {
            let last = (1 << level) - 1;
            for (latitude, longitude, x, y) in [
                (90.0, -180.0, 0, 0),
                (-90.0, 180.0, last, last),
                (85.1, 179.999_999, last, 0),
                (0.0, 0.0, 1 << (level - 1), 1 << (level - 1)),
            ] {
                let (tile, ..) = locate(mercator(latitude, longitude), level);
                assert_eq!((tile.x, tile.y), (x, y), "{latitude} {longitude} at {level}");
                assert_eq!(TileAddress::new(level, tile.x, tile.y), Some(tile));
            }
        }
        assert!(TileAddress::new(4, 0, 0).is_none() && TileAddress::new(3, 8, 0).is_none() && TileAddress::new(0, 0, 0).is_some());
    }
}
