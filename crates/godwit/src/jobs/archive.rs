//! Closed days into the archive.

use godwit_flow::now_us;
use godwit_store::{
    DayState, Days,
    archive::{Archive, ArchiveError},
    day_name,
};

use crate::clock::DAY_US;

/// A day is closed so long after its end: what waited in a spool has come by then.
const CLOSED_AFTER_US: i64 = 2 * 3_600_000_000;

/// Whether a day is to be archived: closed, and not there or grown since.
fn due(state: &DayState, now_us: i64) -> bool {
    let closed = (state.day + 1) * DAY_US + CLOSED_AFTER_US <= now_us;
    closed && state.packets > 0 && state.archived.is_none_or(|rows| rows < state.packets)
}

/// Archives what is due, oldest first; says what it did. Under a clock that is ahead a day may be archived before its end:
/// it is archived again once it has grown.
pub(crate) async fn run(store: &dyn Days, archive: &Archive) -> anyhow::Result<String> {
    let (mut days, mut packets, mut left) = (0, 0, 0);
    for state in store.days().await? {
        if !due(&state, now_us()) {
            continue;
        }
        match archive.store(store, &state).await {
            Ok(done) => {
                tracing::info!(day = day_name(state.day), packets = done.rows, bytes = done.bytes, at = done.at, "archived and read back");
                days += 1;
                packets += done.rows;
            }
            Err(ArchiveError::Changed(_)) => left += 1,
            Err(error @ ArchiveError::Fuller { .. }) => {
                tracing::warn!("{error}");
                left += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(format!("{days} days archived, {packets} packets, {left} left for later"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_archived_when_closed_and_again_when_they_grew() {
        let state = DayState { day: 100, packets: 5, ..DayState::default() };
        let closed = 101 * DAY_US + CLOSED_AFTER_US;
        assert!(!due(&state, closed - 1) && due(&state, closed));
        assert!(!due(&DayState { packets: 0, ..state }, closed));
        assert!(!due(&DayState { archived: Some(5), ..state }, closed));
        assert!(!due(&DayState { archived: Some(9), ..state }, closed), "thinned since");
        assert!(due(&DayState { archived: Some(4), ..state }, closed));
    }
}
