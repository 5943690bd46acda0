//! Which day it is, as far as clocks and stored packets agree. What deletes goes by that day only; where the readings
//! disagree nothing is deleted, and operators are told.
//!
//! The readings: the local clock, the clock of the database (with PostgreSQL), the days that hold packets, and steady time,
//! which nobody can set.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use godwit_flow::{CLOCK_TOLERANCE_US, Health, Part, Stop, follow_reference, local_us, now_us, reference_us, steady_us};
use godwit_store::{Days, StoreError, TimeEvidence, day_name};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

/// Microseconds of a day.
pub(crate) const DAY_US: i64 = 86_400_000_000;

const HOUR_US: i64 = 3_600_000_000;

/// How far two clocks may be apart for anything to be deleted: one hour. It is also how far in the future the time of a
/// packet may lie.
pub(crate) const APART_US: i64 = HOUR_US;

/// A longer stretch without packets, in days, is a pause of the program or a wrong clock: which, later days must show.
const GAP_DAYS: i64 = 7;

/// After a gap at most as many days with packets must follow as there were before it, but at least so many.
const LEAST_WITNESSES: i64 = 3;

/// How often the readings are compared.
const LOOK: Duration = Duration::from_secs(5);

/// A reading that took longer says too little of the time.
const LONGEST_LOOK_US: i64 = 2_000_000;

/// The readings of one moment, microseconds since 1970 UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Readings<'d> {
    /// The local clock.
    pub(crate) local_us: i64,
    /// The clock of the database, if it has one of its own.
    pub(crate) database_us: Option<i64>,
    /// The days that hold packets, oldest first; days since 1970-01-01 UTC.
    pub(crate) days: &'d [i64],
}

/// Why there is no day to go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Disagreement {
    /// Local clock and database clock are too far apart.
    #[error("the local clock is {} {} the clock of the database: set both by NTP", span(*.0), side(*.0))]
    Database(i64),
    /// The local day is far later than the stored packets show.
    #[error(
        "the local clock says {}, but the newest day that the stored packets confirm is {}: the clock is ahead, or no packets were stored in between; set the clock, or wait until more days are stored",
        day_name(*.local), day_name(*.stored)
    )]
    Ahead { local: i64, stored: i64 },
    /// Most days with packets are later than the local day.
    #[error("the local clock says {}, but packets are stored up to {}: the clock is behind; set the clock", day_name(*.local), day_name(*.stored))]
    Behind { local: i64, stored: i64 },
    /// The local clock was moved while the program ran: by so many microseconds in all.
    #[error("the local clock was set {} {} while the program ran", span(*.0), if *.0 > 0 { "forward" } else { "back" })]
    Stepped(i64),
}

/// How long, in the largest fitting unit.
fn span(us: i64) -> String {
    let s = us.unsigned_abs() / 1_000_000;
    match s {
        0..=120 => format!("{s} s"),
        121..=7200 => format!("{} min", s / 60),
        7201..=172_800 => format!("{} h", s / 3600),
        _ => format!("{} days", s / 86_400),
    }
}

fn side(us: i64) -> &'static str {
    if us > 0 { "ahead of" } else { "behind" }
}

/// Today, as days since 1970-01-01 UTC: the earliest day that the readings name, if they agree.
///
/// The stored packets are evidence against a clock that is ahead. Packets of a clock that was ahead for a while are stored
/// under days that nothing else confirms, so after a gap of more than [`GAP_DAYS`] a day counts only once as many days
/// hold packets after the gap as the gap has weeks, or as there are days before it.
pub(crate) fn agree(readings: &Readings<'_>) -> Result<i64, Disagreement> {
    let Readings { local_us, database_us, days } = *readings;
    if let Some(database_us) = database_us
        && local_us.abs_diff(database_us) > APART_US.unsigned_abs()
    {
        return Err(Disagreement::Database(local_us.saturating_sub(database_us)));
    }
    let local = local_us.div_euclid(DAY_US);
    let clocks = database_us.map_or(local, |us| local.min(us.div_euclid(DAY_US)));
    // Around midnight a packet may be of the next day.
    let ahead = days.iter().filter(|day| **day > local + 1);
    if let Some(last) = ahead.clone().next_back()
        && ahead.count() * 2 > days.len()
    {
        return Err(Disagreement::Behind { local, stored: *last });
    }
    let Some(stored) = confirmed(days, local) else { return Ok(clocks) };
    if local - stored > GAP_DAYS {
        return Err(Disagreement::Ahead { local, stored });
    }
    Ok(clocks.min(stored))
}

/// The newest day up to the local one (and the one after it) that the days with packets confirm.
fn confirmed(days: &[i64], local: i64) -> Option<i64> {
    let mut days = days.iter().copied().filter(|day| *day <= local + 1);
    let (mut newest, mut before, mut after) = (days.next()?, 1, 0);
    for day in days {
        after += 1;
        let gap = day - newest;
        let wanted = ((gap + GAP_DAYS - 1) / GAP_DAYS).min(LEAST_WITNESSES.max(before));
        if gap <= GAP_DAYS || after >= wanted {
            (newest, before, after) = (day, before + after, 0);
        }
    }
    Some(newest)
}

/// The clocks of this process, watched.
#[derive(Debug)]
pub(crate) struct Clock {
    health: Health,
    watched: Mutex<Watched>,
    /// How far the local clock is ahead of the database's, microseconds; meaningful once `measured`.
    ahead_us: AtomicI64,
}

/// No offset was measured.
const UNKNOWN: i64 = i64::MIN;

#[derive(Debug)]
struct Watched {
    /// Local and steady time when they were last compared.
    last: (i64, i64),
    /// By how much the local clock was moved in all, microseconds, and when that was, by steady time; smaller moves than
    /// [`APART_US`] are not counted.
    moved: (i64, i64),
    /// The day that the stored packets confirm, where the local clock is ahead of it.
    stored: Option<i64>,
}

impl Clock {
    /// Nothing is compared yet.
    pub(crate) fn new(health: Health) -> Self {
        let watched = Watched { last: (local_us(), steady_us()), moved: (0, 0), stored: None };
        Self { health, watched: Mutex::new(watched), ahead_us: AtomicI64::new(UNKNOWN) }
    }

    /// Reads everything, tells health, and makes the clock of the database the time of this process; the day that the
    /// readings agree on.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn look(&self, store: &dyn Days) -> Result<Result<i64, Disagreement>, StoreError> {
        let asked_us = steady_us();
        let TimeEvidence { database_us, days } = store.time_evidence().await?;
        let took_us = steady_us() - asked_us;
        let database_us = database_us.map(|us| us + took_us / 2);
        if took_us <= LONGEST_LOOK_US
            && let Some(us) = database_us
        {
            self.ahead_us.store(local_us().saturating_sub(us), Ordering::Relaxed);
            self.follow(us);
        }
        let moved = self.moved(local_us(), steady_us());
        let agreed = agree(&Readings { local_us: local_us(), database_us, days: &days });
        let agreed = match (agreed, moved) {
            // The database's clock is a second witness: the local clock may have been set right.
            (Ok(_), Some(us)) if database_us.is_none() => Err(Disagreement::Stepped(us)),
            (agreed, _) => agreed,
        };
        self.watched().stored = match agreed {
            Err(Disagreement::Ahead { stored, .. }) => Some(stored),
            _ => None,
        };
        self.tell(agreed.err());
        Ok(agreed)
    }

    /// Takes the clock of the database for the time of this process, unless that clock was moved while the local one and
    /// steady time still agree.
    fn follow(&self, database_us: i64) {
        let near = |a: i64, b: i64| a.abs_diff(b) <= CLOCK_TOLERANCE_US.unsigned_abs();
        let local_us = local_us();
        let moved = reference_us().is_some_and(|known_us| !near(known_us, database_us) && near(known_us, local_us));
        if !moved {
            follow_reference(database_us);
        }
    }

    /// By how much the local clock was moved against steady time within the last day; `None` if it was not.
    fn moved(&self, local_us: i64, steady_us: i64) -> Option<i64> {
        let mut watched = self.watched();
        let (last_local, last_steady) = std::mem::replace(&mut watched.last, (local_us, steady_us));
        let step = (local_us - last_local) - (steady_us - last_steady);
        if step.abs() > APART_US {
            watched.moved = (watched.moved.0.saturating_add(step), steady_us);
        }
        let (moved, at) = watched.moved;
        // Back where it was, or all that was deleted by it would have been deleted long ago.
        if moved.abs() <= APART_US || steady_us - at > DAY_US {
            watched.moved = (0, 0);
            return None;
        }
        Some(moved)
    }

    fn tell(&self, disagreement: Option<Disagreement>) {
        let ahead_us = self.ahead_us();
        let off = ahead_us.filter(|us| us.abs() > CLOCK_TOLERANCE_US).map(Disagreement::Database);
        let trouble = disagreement.or(off).map(|why| why.to_string());
        let sentence = trouble.clone();
        if self.health.report(Part::Clock, trouble, now_us()) {
            match sentence {
                Some(why) => tracing::warn!("the clock is in doubt: {why}"),
                None => tracing::info!("the clocks and the stored packets agree again"),
            }
        }
    }

    /// How far the local clock is ahead of the database's, microseconds (negative: behind); `None` without a database of
    /// its own clock, or before it answered.
    pub(crate) fn ahead_us(&self) -> Option<i64> {
        Some(self.ahead_us.load(Ordering::Relaxed)).filter(|us| *us != UNKNOWN)
    }

    /// The time that the latest states of the store are to be judged by, microseconds since 1970 UTC: now, or the end of
    /// the newest day that the stored packets confirm where the local clock is far ahead of it.
    pub(crate) fn stored_now_us(&self) -> i64 {
        let stored = self.watched().stored;
        stored.map_or_else(now_us, |day| now_us().min((day + 1) * DAY_US))
    }

    /// `clock` of the operators' status.
    pub(crate) fn json(&self) -> Value {
        json!({ "ahead_of_database_ms": self.ahead_us().map(|us| us / 1000) })
    }

    fn watched(&self) -> std::sync::MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares the clocks until it is time to end. A store that does not answer is asked again.
pub(crate) async fn watch(clock: std::sync::Arc<Clock>, store: std::sync::Arc<dyn crate::jobs::Upkeep>, stop: Stop) {
    loop {
        if let Err(error) = clock.look(&*store).await {
            tracing::debug!(%error, "the clocks are not compared: the store does not answer");
        }
        if stop.or(sleep(LOOK)).await.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: i64 = 20_000;

    fn at(day: i64) -> i64 {
        day * DAY_US + DAY_US / 2
    }

    fn embedded(local: i64, days: &[i64]) -> Result<i64, Disagreement> {
        agree(&Readings { local_us: at(local), database_us: None, days })
    }

    fn month() -> Vec<i64> {
        (TODAY - 30..=TODAY).collect()
    }

    #[test]
    fn a_right_clock_agrees() {
        assert_eq!(embedded(TODAY, &[]), Ok(TODAY));
        assert_eq!(embedded(TODAY, &month()), Ok(TODAY));
        assert_eq!(embedded(TODAY + 1, &month()), Ok(TODAY), "the earliest of the readings");
        assert_eq!(embedded(TODAY + 7, &month()), Ok(TODAY), "a week without packets is no disagreement");
        let weekends: Vec<i64> = (0..20).flat_map(|week| [TODAY - 140 + week * 7, TODAY - 139 + week * 7]).collect();
        assert_eq!(embedded(TODAY - 6, &weekends), Ok(TODAY - 6));
    }

    #[test]
    fn a_clock_that_is_ahead_or_behind_names_no_day() {
        for ahead in [8, 40, 400] {
            let wrong = Disagreement::Ahead { local: TODAY + ahead, stored: TODAY };
            assert_eq!(embedded(TODAY + ahead, &month()), Err(wrong), "{ahead}");
            // Packets that were received meanwhile are stored under the wrong day, also over a midnight.
            let days: Vec<i64> = month().into_iter().chain([TODAY + ahead]).collect();
            assert!(embedded(TODAY + ahead, &days).is_err(), "{ahead}");
        }
        let days: Vec<i64> = month().into_iter().chain([TODAY + 400, TODAY + 401]).collect();
        assert!(matches!(embedded(TODAY + 401, &days), Err(Disagreement::Ahead { stored: TODAY, .. })));
        assert!(embedded(TODAY + 400, &[TODAY, TODAY + 400]).is_err(), "also in a store of one day");
        assert!(matches!(embedded(TODAY - 400, &month()), Err(Disagreement::Behind { stored: TODAY, .. })));
        let days: Vec<i64> = [TODAY - 400].into_iter().chain(month()).collect();
        assert!(matches!(embedded(TODAY - 400, &days), Err(Disagreement::Behind { .. })), "packets of that time are stored already");
    }

    #[test]
    fn stray_days_change_nothing_once_the_clock_is_right() {
        let ahead: Vec<i64> = month().into_iter().chain([TODAY + 400, TODAY + 401]).collect();
        assert_eq!(embedded(TODAY, &ahead), Ok(TODAY));
        let behind: Vec<i64> = [0, 1].into_iter().chain(month()).collect();
        assert_eq!(embedded(TODAY, &behind), Ok(TODAY));
        assert_eq!(embedded(TODAY, &[0, TODAY - 2, TODAY - 1, TODAY]), Ok(TODAY));
    }

    #[test]
    fn after_a_long_stop_the_days_that_follow_confirm_the_clock() {
        let mut days = month();
        let ended = (1..).find(|stored| {
            let today = TODAY + 40 + stored;
            days.push(today);
            embedded(today, &days) == Ok(today)
        });
        assert_eq!(ended, Some(7), "as many days as the gap has weeks");
        let mut days = month();
        let ended = (1..).find(|stored| {
            let today = TODAY + 4000 + stored;
            days.push(today);
            embedded(today, &days) == Ok(today)
        });
        assert_eq!(ended, Some(31), "at most as many as there were before");
    }

    #[test]
    fn a_database_that_says_another_time_is_a_disagreement() {
        let both = |local_us, database_us| agree(&Readings { local_us, database_us: Some(database_us), days: &month() });
        assert_eq!(both(at(TODAY), at(TODAY) + APART_US), Ok(TODAY));
        assert_eq!(both(at(TODAY), at(TODAY) + APART_US + 1), Err(Disagreement::Database(-APART_US - 1)));
        assert_eq!(both(at(TODAY + 400), at(TODAY)), Err(Disagreement::Database(400 * DAY_US)));
        assert!(matches!(both(at(TODAY + 400), at(TODAY + 400)), Err(Disagreement::Ahead { .. })), "one wrong clock for both");
        assert_eq!(both(TODAY * DAY_US + 1, TODAY * DAY_US - 1), Ok(TODAY - 1), "the earliest of the readings");
        assert!(both(i64::MAX, i64::MIN).is_err());
    }

    #[test]
    fn a_clock_that_is_moved_while_the_program_runs_is_noticed_until_it_is_back() {
        let clock = Clock::new(Health::default());
        let (local, steady) = clock.watched().last;
        let s = 1_000_000;
        assert_eq!(clock.moved(local + 5 * s, steady + 5 * s), None);
        assert_eq!(clock.moved(local + 65 * s, steady + 10 * s), None, "a small correction");
        assert_eq!(clock.moved(local + 65 * s + 400 * DAY_US, steady + 10 * s), Some(400 * DAY_US));
        assert_eq!(clock.moved(local + 75 * s + 400 * DAY_US, steady + 20 * s), Some(400 * DAY_US));
        assert_eq!(clock.moved(local + 85 * s, steady + 30 * s), None, "it is back");
        assert_eq!(clock.moved(local + 95 * s - 9 * DAY_US, steady + 40 * s), Some(-9 * DAY_US));
        assert_eq!(clock.moved(local + 96 * s - 8 * DAY_US, steady + 41 * s + DAY_US), None, "a day later it is the time");
    }

    #[test]
    fn sentences_say_what_is_wrong() {
        let said = |us| Disagreement::Database(us).to_string();
        assert_eq!(said(400 * DAY_US), "the local clock is 400 days ahead of the clock of the database: set both by NTP");
        assert_eq!(said(-20_000_000), "the local clock is 20 s behind the clock of the database: set both by NTP");
    }
}
