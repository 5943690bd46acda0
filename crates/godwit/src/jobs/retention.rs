//! Days that are over their time: dropped, or thinned, each whole. What belongs in the archive waits for it.
//!
//! A run changes one day at most, and only by a day on which the clocks and the stored packets agree ([`crate::clock`]): a
//! wrong clock that nothing contradicts costs one day an hour at most, not all at once. The newest day that holds packets
//! always stays.

use godwit_store::{DayState, Days, Thin, day_name};

use crate::{clock::Clock, config::Settings};

/// How long each kind is kept, in days; 0: see each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Packets; 0: for ever.
    pub(crate) packets: i64,
    /// Lines that are no packets; 0: as long as packets.
    pub(crate) bad: i64,
    /// Thinned tracks, counted as packets are; 0: not beyond them.
    pub(crate) tracks: i64,
    /// Of a thinned track, one position in so many seconds.
    pub(crate) track_s: u32,
    /// Aggregates; 0: for ever.
    pub(crate) aggregates: i64,
    /// Nothing goes that the archive does not have.
    pub(crate) archive: bool,
}

impl Rules {
    pub(crate) fn new(settings: &Settings) -> Self {
        let days = |name| i64::try_from(settings.whole(name)).unwrap_or(36_500);
        Self {
            packets: days("retention-days"),
            bad: days("retention-bad-days"),
            tracks: days("retention-track-days"),
            track_s: u32::try_from(settings.whole("track-seconds")).unwrap_or(300),
            aggregates: days("retention-aggregate-days"),
            archive: settings.get("archive").is_some(),
        }
    }

    /// What is to be done with a day.
    fn due(&self, state: &DayState, today: i64) -> Due {
        let age = today - state.day;
        let due = if state.keep {
            Due::Nothing
        } else if self.packets > 0 && age > self.packets.max(self.tracks) {
            Due::Drop
        } else if self.packets > 0 && age > self.packets && state.thinned_s == 0 {
            Due::Thin(Thin::Tracks(self.track_s))
        } else if self.bad > 0 && age > self.bad && !state.without_bad && state.thinned_s == 0 {
            Due::Thin(Thin::WithoutBad)
        } else {
            Due::Nothing
        };
        let archived = state.archived.is_some_and(|rows| rows >= state.packets);
        if due != Due::Nothing && self.archive && !archived { Due::Wait } else { due }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    Drop,
    Thin(Thin),
    /// The archive does not have it yet.
    Wait,
}

/// Does what is due by the day that the clocks and the stored packets agree on, to one day at most; says what it did.
///
/// # Errors
/// The readings disagree: nothing was done. Or the store does not answer.
pub(crate) async fn run(store: &dyn Days, rules: Rules, clock: &Clock) -> anyhow::Result<String> {
    let today = clock.look(store).await?.map_err(|why| anyhow::anyhow!("nothing is dropped: {why}"))?;
    let mut said = change(store, rules, today, 1).await?;
    let forgotten = if rules.aggregates > 0 { store.forget_aggregates(today - rules.aggregates).await? } else { 0 };
    if forgotten > 0 {
        said += &format!(", {forgotten} rows of aggregates forgotten");
    }
    Ok(said)
}

/// Drops and thins what is due on this day, oldest first, at most so many days; says what it did.
///
/// # Errors
/// The store does not answer. What was done before stays done.
pub(crate) async fn change(store: &dyn Days, rules: Rules, today: i64, most: usize) -> anyhow::Result<String> {
    let (mut dropped, mut thinned, mut waiting, mut busy, mut left) = (0, 0, 0, 0, 0);
    let days = store.days().await?;
    let newest = days.iter().filter(|state| state.packets > 0).map(|state| state.day).max();
    for state in &days {
        let due = rules.due(state, today);
        match due {
            Due::Nothing => continue,
            Due::Wait => {
                waiting += 1;
                continue;
            }
            Due::Drop | Due::Thin(_) if newest == Some(state.day) => continue,
            Due::Drop | Due::Thin(_) if dropped + thinned >= most => {
                left += 1;
                continue;
            }
            Due::Drop | Due::Thin(_) => {}
        }
        let day = day_name(state.day);
        let done = if let Due::Thin(thin) = due {
            store.thin_day(state.day, state.packets, thin).await?.map(|kept| {
                tracing::info!(day, packets = state.packets, kept, "thinned a day: it was over its time");
                thinned += 1;
            })
        } else {
            store.drop_day(state.day, state.packets).await?.then(|| {
                tracing::info!(day, packets = state.packets, "dropped a day: it was over its time");
                dropped += 1;
            })
        };
        // Packets came meanwhile: another time.
        busy += usize::from(done.is_none());
    }
    let mut said = format!("{dropped} days dropped, {thinned} thinned");
    for (count, what) in [(left, "are left for the next runs"), (waiting, "wait for the archive"), (busy, "were busy")] {
        if count > 0 {
            said += &format!(", {count} {what}");
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { packets: 30, bad: 0, tracks: 0, track_s: 300, aggregates: 0, archive: false };
    const TODAY: i64 = 20_000;

    fn aged(age: i64) -> DayState {
        DayState { day: TODAY - age, packets: 100, ..DayState::default() }
    }

    #[test]
    fn each_kind_has_its_time() {
        let tracks = Rules { tracks: 365, bad: 7, ..RULES };
        let thinned = |age| DayState { thinned_s: 300, ..aged(age) };
        let without_bad = |age| DayState { without_bad: true, ..aged(age) };
        for (rules, state, wanted) in [
            (RULES, aged(0), Due::Nothing),
            (RULES, aged(30), Due::Nothing),
            (RULES, aged(31), Due::Drop),
            (RULES, DayState { keep: true, ..aged(9000) }, Due::Nothing),
            (Rules { packets: 0, tracks: 90, ..RULES }, aged(9000), Due::Nothing),
            (tracks, aged(7), Due::Nothing),
            (tracks, aged(8), Due::Thin(Thin::WithoutBad)),
            (tracks, without_bad(8), Due::Nothing),
            (tracks, without_bad(31), Due::Thin(Thin::Tracks(300))),
            (tracks, thinned(31), Due::Nothing),
            (tracks, thinned(365), Due::Nothing),
            (tracks, thinned(366), Due::Drop),
            (Rules { packets: 0, bad: 7, ..RULES }, aged(8), Due::Thin(Thin::WithoutBad)),
            (Rules { tracks: 10, ..RULES }, aged(31), Due::Drop),
        ] {
            assert_eq!(rules.due(&state, TODAY), wanted, "{rules:?} {state:?}");
        }
    }

    #[test]
    fn nothing_goes_that_the_archive_does_not_have() {
        let rules = Rules { archive: true, tracks: 365, ..RULES };
        let archived = |archived, age| DayState { archived, ..aged(age) };
        assert_eq!(rules.due(&archived(None, 31), TODAY), Due::Wait);
        assert_eq!(rules.due(&archived(Some(99), 366), TODAY), Due::Wait, "packets came after it was archived");
        assert_eq!(rules.due(&archived(Some(100), 366), TODAY), Due::Drop);
        assert_eq!(rules.due(&archived(Some(5000), 366), TODAY), Due::Drop, "it was thinned since");
        assert_eq!(rules.due(&archived(None, 30), TODAY), Due::Nothing);
    }

    #[tokio::test]
    async fn days_over_their_time_go_and_the_rest_stays() {
        use godwit_flow::{Health, now_us};
        use godwit_pipeline::Pipeline;
        use godwit_store::{Batch, SqliteStore, Store as _};

        use crate::clock::DAY_US;
        let folder = tempfile::tempdir().expect("folder");
        let store = SqliteStore::open(folder.path()).expect("store");
        let today = now_us().div_euclid(DAY_US);
        let clock = Clock::new(Health::default());
        let mut pipeline = Pipeline::default();
        for age in [0, 1, 2, 3, 4, 9] {
            let at_us = (today - age) * DAY_US + 1;
            let records = [&b"A1B>APRS,qAR,I:!4722.85N/00832.46E>x"[..], b"A1B>APRS:>status", b"nonsense"]
                .map(|line| pipeline.accept(at_us, line).record)
                .to_vec();
            store.append(Batch { records, ..Batch::default() }).await.expect("stored");
        }
        let rules = Rules { packets: 2, bad: 1, tracks: 4, ..RULES };
        let mut said = Vec::new();
        for _ in 0..5 {
            said.push(run(&store, rules, &clock).await.expect("run"));
        }
        let wanted = [
            "1 days dropped, 0 thinned, 3 are left for the next runs",
            "0 days dropped, 1 thinned, 2 are left for the next runs",
            "0 days dropped, 1 thinned, 1 are left for the next runs",
            "0 days dropped, 1 thinned",
            "0 days dropped, 0 thinned",
        ];
        assert_eq!(said, wanted);
        let left = async || {
            let days = store.days().await.expect("days");
            days.iter().map(|day| (today - day.day, day.packets)).collect::<Vec<_>>()
        };
        assert_eq!(left().await, [(4, 1), (3, 1), (2, 2), (1, 3), (0, 3)]);
        // By another clock all days but the newest are over their time; that one stays however often it runs.
        for _ in 0..2 {
            change(&store, rules, today + 400, usize::MAX).await.expect("run");
        }
        assert_eq!(left().await, [(0, 3)]);
    }
}
