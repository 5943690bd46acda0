//! What of a batch is not kept yet. Two replicas that listen to the network receive a line at slightly different times;
//! the same bytes sent again by the station come half a minute later or more.

use std::collections::{HashMap, VecDeque};

use godwit_pipeline::Record;
use tokio_postgres::{Client, Error, types::Type};

/// The records that are not kept. Times are compared within the tolerance, microseconds.
pub(super) async fn from<'b>(client: &Client, records: Vec<&'b Record>, tolerance_us: i64) -> Result<Vec<&'b Record>, Error> {
    let times = || records.iter().map(|record| record.received_at_us);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Ok(records);
    };
    let (since, until) = (first.saturating_sub(tolerance_us), last.saturating_add(tolerance_us));
    let raws: Vec<&[u8]> = records.iter().map(|record| &record.raw[..]).collect();
    let sql = "SELECT id, raw FROM packet WHERE id >= $1 AND id <= $2 AND raw = ANY ($3) ORDER BY id";
    let rows = client.query_typed(sql, &[(&since, Type::INT8), (&until, Type::INT8), (&raws, Type::BYTEA_ARRAY)]).await?;
    let mut kept = HashMap::<&[u8], VecDeque<i64>>::new();
    for row in &rows {
        kept.entry(row.get(1)).or_default().push_back(row.get(0));
    }
    Ok(without(records, kept, tolerance_us))
}

/// Leaves out records that are kept. In the order of time each takes the earliest one near enough that no record before
/// it took.
fn without<'b>(mut records: Vec<&'b Record>, mut kept: HashMap<&[u8], VecDeque<i64>>, tolerance_us: i64) -> Vec<&'b Record> {
    records.sort_by_key(|record| record.received_at_us);
    records.retain(|record| {
        let Some(times) = kept.get_mut(&record.raw[..]) else {
            return true;
        };
        while times.front().is_some_and(|at_us| *at_us < record.received_at_us.saturating_sub(tolerance_us)) {
            times.pop_front();
        }
        let there = times.front().is_some_and(|at_us| *at_us <= record.received_at_us.saturating_add(tolerance_us));
        if there {
            times.pop_front();
        }
        !there
    });
    records
}

#[cfg(test)]
mod tests {
    use godwit_pipeline::Pipeline;

    use super::*;

    const S: i64 = 1_000_000;

    fn left(received: &[(i64, &[u8])], kept: &[(i64, &'static [u8])]) -> Vec<i64> {
        let records: Vec<Record> = received.iter().map(|(at_s, line)| Pipeline::default().accept(at_s * S, line).record).collect();
        let mut times = HashMap::<&[u8], VecDeque<i64>>::new();
        for (at_s, line) in kept {
            times.entry(line).or_default().push_back(at_s * S);
        }
        without(records.iter().collect(), times, 15 * S).iter().map(|record| record.received_at_us / S).collect()
    }

    #[test]
    fn each_packet_kept_stands_for_one_that_was_received() {
        let (a, b) = (&b"A1B>APRS:>a"[..], &b"A1B>APRS:>b"[..]);
        assert_eq!(left(&[(10, a), (11, b), (12, b)], &[(9, a), (13, b)]), [12], "one of two copies is kept");
        assert_eq!(left(&[(10, a), (50, a)], &[(12, a)]), [50], "the later one is another transmission");
        assert_eq!(left(&[(10, a), (50, a)], &[(48, a)]), [10], "the earlier one is missing");
        assert_eq!(left(&[(10, a), (50, a)], &[(12, a), (48, a)]), [0_i64; 0]);
        assert_eq!(left(&[(50, a), (10, a)], &[]), [10, 50], "in the order of time");
    }
}
