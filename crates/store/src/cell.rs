//! Squares of half a degree, numbered: what both engines find the entities of an area by.

use crate::Area;

const COLUMNS: i32 = 720;
const ROWS: i32 = 360;

/// The square of a place in millionths of a degree: 720 in a row from the antimeridian, rows from the south pole.
pub(crate) fn cell(latitude: i32, longitude: i32) -> i32 {
    let (row, column) = ((latitude + 90_000_000) / 500_000, (longitude + 180_000_000) / 500_000);
    row.clamp(0, ROWS - 1) * COLUMNS + column.clamp(0, COLUMNS - 1)
}

/// Millionths of a degree, as the squares are counted in.
pub(crate) fn millionths(degrees: f64) -> i32 {
    (degrees * 1e6).round() as i32
}

/// South, west, north, east of an area in millionths of a degree.
pub(crate) fn edges(area: &Area) -> [i32; 4] {
    let scaled = |degrees: f64, most: f64| millionths(degrees.clamp(-most, most));
    [scaled(area.south, 90.0), scaled(area.west, 180.0), scaled(area.north, 90.0), scaled(area.east, 180.0)]
}

/// The squares that an area touches: the first and the last of each run, two in a row over the antimeridian.
pub(crate) fn runs([south, west, north, east]: [i32; 4]) -> impl Iterator<Item = (i32, i32)> {
    let (first, last) = (cell(south, west), cell(north, east));
    let (left, right) = (first % COLUMNS, last % COLUMNS);
    let parts = if west <= east { [Some((left, right)), None] } else { [Some((left, COLUMNS - 1)), Some((0, right))] };
    (first / COLUMNS..=last / COLUMNS)
        .flat_map(move |row| parts.into_iter().flatten().map(move |(from, to)| (row * COLUMNS + from, row * COLUMNS + to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runs_of_an_area_hold_the_squares_of_its_places() {
        let area = |south, west, north, east| Area { south, west, north, east };
        let places = [(-90.0, -180.0), (90.0, 180.0), (0.0, 0.0), (47.4, 8.5), (-17.0, 179.9), (-17.0, -179.9), (47.49, 8.99)];
        for area in [area(-90.0, -180.0, 90.0, 180.0), area(47.0, 8.4, 47.5, 9.0), area(-20.0, 179.0, -10.0, -179.0)] {
            let runs: Vec<_> = runs(edges(&area)).collect();
            for (latitude, longitude) in places {
                let square = cell(millionths(latitude), millionths(longitude));
                let held = runs.iter().any(|(from, to)| (*from..=*to).contains(&square));
                assert!(held || !area.contains(latitude, longitude), "{latitude} {longitude} of {area:?}");
            }
        }
        assert_eq!(runs(edges(&area(47.0, 8.4, 47.4, 9.0))).collect::<Vec<_>>(), [(274 * 720 + 376, 274 * 720 + 378)]);
        assert_eq!(runs(edges(&area(-17.0, 179.9, -17.0, -179.9))).count(), 2);
        assert_eq!(runs(edges(&area(10.0, 0.0, 5.0, 1.0))).count(), 0, "upside down is nowhere");
    }
}
