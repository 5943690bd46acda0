//! The tasks a program cannot do without: one that panics or ends too early is logged, counted and ends the program.

use std::{
    any::Any,
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::{Health, Part, now_us};

/// A task that ended although it had to live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The task's name.
    pub task: &'static str,
    /// What happened: `it panicked: MESSAGE`, or `it ended too early`.
    pub why: String,
}

/// The essential tasks of a program and their failures. Clones share them. Bounded: one counter for each name, and the
/// first failure.
#[derive(Debug, Clone, Default)]
pub struct Tasks(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    health: Health,
    failed: CancellationToken,
    ending: CancellationToken,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    failures: BTreeMap<&'static str, u64>,
    first: Option<Failure>,
}

impl Tasks {
    /// Tasks whose failure is reported as [`Part::Tasks`] of this health.
    #[must_use]
    pub fn new(health: Health) -> Self {
        Self(Arc::new(Shared { health, ..Shared::default() }))
    }

    /// Waits for the first failure.
    pub async fn failure(&self) -> Failure {
        self.0.failed.cancelled().await;
        // The failure is written down before the token is cancelled.
        self.failed().unwrap_or(Failure { task: "unknown", why: String::new() })
    }

    /// The first failure, if there was one.
    #[must_use]
    pub fn failed(&self) -> Option<Failure> {
        self.known().first.clone()
    }

    /// The end of the program has begun: from now on tasks may end. A panic is still a failure.
    pub fn begin_end(&self) {
        self.0.ending.cancel();
    }

    /// How often each essential task has failed; tasks that never failed are there with 0.
    #[must_use]
    pub fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.known().failures.clone()
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.0.ending.is_cancelled()
    }

    /// Shows a task with 0 failures before it is started.
    pub fn register(&self, task: &'static str) {
        self.known().failures.entry(task).or_default();
    }

    pub(crate) fn fail(&self, task: &'static str, why: String) {
        tracing::error!(task, "a task that must live has failed: {why}");
        let sentence = format!("the task {task} has failed: {why}; the program ends, its supervisor should start it again");
        self.0.health.report(Part::Tasks, Some(sentence), now_us());
        let mut known = self.known();
        *known.failures.entry(task).or_default() += 1;
        known.first.get_or_insert(Failure { task, why });
        drop(known);
        self.0.failed.cancel();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The message of a panic, on one line.
#[must_use]
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").split_whitespace().collect::<Vec<_>>().join(" ")
}
