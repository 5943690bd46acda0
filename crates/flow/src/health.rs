//! What is wrong now, part by part, for operators.

use std::sync::{Arc, Mutex, PoisonError};

/// A part of the program whose trouble operators are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The local clock: it disagrees with the database's clock or with the newest stored packet.
    Clock,
    /// The database: PostgreSQL, or the embedded files.
    Database,
    /// The disk of the data folder.
    Disk,
    /// The connection to APRS-IS.
    Feed,
    /// A task that must live has ended.
    Tasks,
}

impl Part {
    /// All parts, in the order they are shown.
    pub const ALL: [Self; 5] = [Self::Clock, Self::Database, Self::Disk, Self::Feed, Self::Tasks];

    /// The stable name in status, `/readyz?verbose` and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Database => "database",
            Self::Disk => "disk",
            Self::Feed => "feed",
            Self::Tasks => "tasks",
        }
    }
}

/// The state of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Which part.
    pub part: Part,
    /// What is wrong and what to do, one sentence; `None`: nothing.
    pub trouble: Option<String>,
    /// When it became so, microseconds since 1970 UTC; 0: since the start.
    pub since_us: i64,
}

/// The conditions of all parts. Clones share them. Bounded: one condition a part.
#[derive(Debug, Clone)]
pub struct Health(Arc<Mutex<[Condition; Part::ALL.len()]>>);

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Part::ALL.map(|part| Condition { part, trouble: None, since_us: 0 }))))
    }
}

impl Health {
    /// Reports the state of a part. True if the part went from well to trouble or back: worth one line in the log. A
    /// sentence that merely changes keeps `since_us`.
    pub fn report(&self, part: Part, trouble: Option<String>, now_us: i64) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(condition) = all.iter_mut().find(|condition| condition.part == part) else { return false };
        let turned = condition.trouble.is_some() != trouble.is_some();
        if turned {
            condition.since_us = now_us;
        }
        condition.trouble = trouble;
        turned
    }

    /// The state of every part, in the order of [`Part::ALL`].
    #[must_use]
    pub fn conditions(&self) -> Vec<Condition> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_told_from_a_changed_sentence() {
        let health = Health::default();
        assert!(!health.report(Part::Disk, None, 5), "it was well before");
        assert!(health.report(Part::Disk, Some("full".to_owned()), 7));
        assert!(!health.clone().report(Part::Disk, Some("damaged".to_owned()), 9));
        let condition = health.conditions().into_iter().find(|condition| condition.part == Part::Disk).expect("all are there");
        assert_eq!((condition.trouble.as_deref(), condition.since_us), (Some("damaged"), 7));
        assert!(health.report(Part::Disk, None, 11));
        let parts: Vec<Part> = health.conditions().into_iter().map(|condition| condition.part).collect();
        assert_eq!(parts, Part::ALL);
    }
}
