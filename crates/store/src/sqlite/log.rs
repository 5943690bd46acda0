//! What was appended, in the order of commits, as long as the process runs: one process has the folder open, so who
//! follows is in it too.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

/// Packets that can be followed: a quarter of an hour of the world network. 1.6 MB.
const KEPT: usize = 200_000;

/// The ids, shared by the writer and those that follow.
#[derive(Debug, Clone)]
pub(super) struct Log(Arc<Mutex<Entries>>);

#[derive(Debug)]
struct Entries {
    /// The position behind the last one.
    end: i64,
    ids: VecDeque<i64>,
}

impl Log {
    /// Begins at the clock's microseconds: above every position of an earlier run, however fast it was.
    pub(super) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let end = i64::try_from(now.as_micros()).unwrap_or(0);
        Self(Arc::new(Mutex::new(Entries { end, ids: VecDeque::new() })))
    }

    pub(super) fn push(&self, ids: &[i64]) {
        let mut entries = self.lock();
        entries.ids.extend(ids);
        entries.end += i64::try_from(ids.len()).unwrap_or(0);
        let excess = entries.ids.len().saturating_sub(KEPT);
        entries.ids.drain(..excess);
    }

    /// The ids after a position, the position behind them, and whether some are missing before them.
    pub(super) fn after(&self, after: Option<i64>, limit: usize) -> (Vec<i64>, i64, bool) {
        let entries = self.lock();
        let Some(after) = after else {
            return (Vec::new(), entries.end, false);
        };
        let begin = entries.end - i64::try_from(entries.ids.len()).unwrap_or(0);
        let gap = !(begin..=entries.end).contains(&after);
        let from = if gap { begin } else { after };
        let skipped = usize::try_from(from - begin).unwrap_or(0);
        let ids: Vec<i64> = entries.ids.iter().skip(skipped).take(limit).copied().collect();
        let position = from + i64::try_from(ids.len()).unwrap_or(0);
        (ids, position, gap)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_far_back_is_a_gap() {
        let log = Log::new();
        let (_, start, _) = log.after(None, 10);
        let ids: Vec<i64> = (0..1000).collect();
        for _ in 0..KEPT / 1000 + 1 {
            log.push(&ids);
        }
        let (found, position, gap) = log.after(Some(start), 3);
        assert_eq!((found, position, gap), (vec![0, 1, 2], start + 1003, true));
        assert_eq!(log.after(Some(position), 2), (vec![3, 4], position + 2, false));
        let (_, end, _) = log.after(None, 0);
        assert_eq!(log.after(Some(end), 5), (vec![], end, false));
        assert!(log.after(Some(end + 1), 5).2, "a position of another log");
    }
}
