//! History from a read replica, as long as it is not too far behind.
//!
//! How far behind it is: the primary is asked how far its log has come, and somewhat later the replica up to where it has
//! applied it. So the time since which something may be missing is known by this process's clock alone, also when
//! nothing is written for hours, or when the replica has lost its connection and thinks that it has everything.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::time::timeout;
use tokio_postgres::Row;

use super::{
    PostgresStore,
    connect::{Connections, Failed, Param},
    lock,
};
use crate::StoreError;

/// How often it is measured while there are questions.
const EVERY: Duration = Duration::from_secs(1);

/// How long a measurement may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a replica that failed is not asked.
const REST: Duration = Duration::from_secs(5);

/// Positions of the primary that are remembered.
const MARKS: usize = 600;

/// Where the primary's log is.
const PRIMARY: &str = "SELECT (pg_current_wal_flush_lsn() - '0/0')::int8";

/// Up to where the replica has applied it, and whether that is all that it has received. A server that is nobody's
/// replica is the primary, by another name.
const REPLICA: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::int8 ELSE 9223372036854775807 END,
  NOT pg_is_in_recovery() OR coalesce(pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn(), false)";

/// A read replica, as the status shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaFigures {
    /// Host, port and database.
    pub at: String,
    /// Whether a question would go there, by what was measured last.
    pub used: bool,
    /// For how long something may be missing there, milliseconds; `None`: not known.
    pub behind_ms: Option<u64>,
    /// Questions that it answered.
    pub answered: u64,
    /// Questions that went to the primary because it was too far behind or failed.
    pub passed_on: u64,
}

pub(super) struct Replica {
    pub(super) connections: Connections,
    at: String,
    most_behind: Duration,
    lag: Mutex<Lag>,
    measuring: tokio::sync::Mutex<()>,
    answered: AtomicU64,
    passed_on: AtomicU64,
}

/// What is known of how far it is behind.
#[derive(Debug, Default)]
struct Lag {
    /// When the primary was where, oldest first; the last one moves on as long as the primary stands still.
    marks: VecDeque<(Instant, i64)>,
    /// It has all that was written before this.
    whole_at: Option<Instant>,
    checked_at: Option<Instant>,
    /// It failed, and rests until then.
    rests_until: Option<Instant>,
}

impl Lag {
    /// Takes in a measurement. Without the primary nothing newer can be known, and hardly anything newer be written: a
    /// replica that has applied all that it received is as good as it was.
    fn measured(&mut self, now: Instant, primary: Option<i64>, (replayed, has_all): (i64, bool)) {
        match (primary, self.marks.back_mut()) {
            (Some(position), Some(last)) if last.1 >= position => last.0 = now,
            (Some(position), _) => self.marks.push_back((now, position)),
            (None, Some(last)) if has_all && replayed >= last.1 => last.0 = now,
            (None, _) => {}
        }
        if self.marks.len() > MARKS {
            self.marks.pop_front();
        }
        while self.marks.front().is_some_and(|(_, position)| *position <= replayed) {
            self.whole_at = self.marks.front().map(|(at, _)| *at);
            if self.marks.len() == 1 {
                break;
            }
            self.marks.pop_front();
        }
    }

    fn behind(&self, now: Instant) -> Option<Duration> {
        self.whole_at.map(|at| now.saturating_duration_since(at))
    }

    fn rests(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|until| now < until)
    }
}

impl Replica {
    pub(super) fn new((connections, at): (Connections, String), most_behind: Duration) -> Self {
        Self {
            connections,
            at,
            most_behind,
            lag: Mutex::default(),
            measuring: tokio::sync::Mutex::default(),
            answered: AtomicU64::default(),
            passed_on: AtomicU64::default(),
        }
    }

    /// Whether it may answer now; measured anew if that is long ago.
    async fn is_fresh(&self, store: &PostgresStore) -> bool {
        if !self.is_due() {
            return self.may_answer(Instant::now());
        }
        let _one_at_a_time = self.measuring.lock().await;
        if self.is_due() {
            let now = Instant::now();
            lock(&self.lag).checked_at = Some(now);
            let primary = timeout(PATIENCE, store.read_one(PRIMARY, &[])).await.ok().and_then(Result::ok);
            let replica = timeout(PATIENCE, store.one(&self.connections, REPLICA, &[])).await;
            let mut lag = lock(&self.lag);
            match replica {
                Ok(Ok(rows)) => lag.measured(now, primary.map(|rows| rows[0].get(0)), (rows[0].get(0), rows[0].get(1))),
                _ => lag.rests_until = Some(Instant::now() + REST),
            }
        }
        self.may_answer(Instant::now())
    }

    fn is_due(&self) -> bool {
        let (lag, now) = (lock(&self.lag), Instant::now());
        !lag.rests(now) && lag.checked_at.is_none_or(|at| now.saturating_duration_since(at) >= EVERY)
    }

    fn may_answer(&self, now: Instant) -> bool {
        let lag = lock(&self.lag);
        !lag.rests(now) && lag.behind(now).is_some_and(|behind| behind <= self.most_behind)
    }
}

impl PostgresStore {
    /// One statement about history: from the replica if there is one that is near enough, else from the primary.
    pub(super) async fn history(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let Some(replica) = &self.replica else {
            return self.read(sql, params).await;
        };
        self.note_plan(sql, params).await?;
        if replica.is_fresh(self).await {
            let began = Instant::now();
            match self.one(&replica.connections, sql, params).await {
                Ok(rows) => {
                    replica.answered.fetch_add(1, Relaxed);
                    return Ok(rows);
                }
                // It took all the time there was: the primary is not to do it once more.
                Err(Failed::Other(error)) if began.elapsed() >= self.timeout => return Err(error),
                // Away, or it had to apply what the statement was reading.
                Err(Failed::Gone(error) | Failed::Other(error)) if error.is_temporary() => {
                    lock(&replica.lag).rests_until = Some(Instant::now() + REST);
                }
                Err(_) => {}
            }
        }
        replica.passed_on.fetch_add(1, Relaxed);
        self.primary(sql, params).await
    }

    /// The read replica, if there is one.
    #[must_use]
    pub fn replica(&self) -> Option<ReplicaFigures> {
        let (replica, now) = (self.replica.as_ref()?, Instant::now());
        Some(ReplicaFigures {
            at: replica.at.clone(),
            used: replica.may_answer(now),
            behind_ms: lock(&replica.lag).behind(now).and_then(|behind| u64::try_from(behind.as_millis()).ok()),
            answered: replica.answered.load(Relaxed),
            passed_on: replica.passed_on.load(Relaxed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_missing_is_known_from_the_primarys_positions() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut lag = Lag::default();
        let mut behind = |seconds, primary, replica| {
            lag.measured(at(seconds), primary, replica);
            lag.behind(at(seconds)).map(|behind| behind.as_secs())
        };
        assert_eq!(behind(0, Some(100), (90, true)), None, "never seen with all of it");
        assert_eq!(behind(1, Some(200), (150, true)), Some(1), "all up to the first mark");
        assert_eq!(behind(2, Some(300), (300, true)), Some(0));
        assert_eq!(behind(9, Some(300), (300, true)), Some(0), "nothing is written");
        assert_eq!(behind(12, Some(400), (300, true)), Some(3), "cut off, and thinks it has everything");
        assert_eq!(behind(20, Some(500), (400, false)), Some(8));
        assert_eq!(behind(21, None, (400, false)), Some(9), "the primary is away and it has not applied all");
        assert_eq!(behind(30, None, (500, true)), Some(0), "the primary is away and it has all that is known");
        assert_eq!(behind(31, Some(600), (i64::MAX, true)), Some(0), "the primary itself");
    }
}
