//! Stopping: a message that reaches every task, a receipt from each, and a deadline.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Tasks, tasks::panic_message};

/// What a task holds: it learns here that it should end.
#[derive(Debug, Clone, Default)]
pub struct Stop(CancellationToken);

impl Stop {
    /// Waits until it is time to end.
    pub async fn wanted(&self) {
        self.0.cancelled().await;
    }

    /// Whether it is time to end.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Runs a future unless it is time to end first; `None` then.
    pub async fn or<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.0.cancelled() => None,
            value = future => Some(value),
        }
    }
}

/// What the program holds: it starts tasks and ends them. Dropping it tells its tasks to end.
#[derive(Debug, Default)]
pub struct Stopper {
    token: CancellationToken,
    tracker: TaskTracker,
    tasks: Tasks,
    /// Essential tasks and errands that have not ended, by name.
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Stopper {
    /// A stopper whose essential tasks are watched here.
    #[must_use]
    pub fn new(tasks: Tasks) -> Self {
        Self { token: CancellationToken::new(), tracker: TaskTracker::new(), tasks, running: Arc::default() }
    }

    /// For a task to hold.
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(self.token.clone())
    }

    /// Starts a task whose end is waited for. Nobody notices its panic: for parts of a task that is watched, and tests.
    pub fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn(task)
    }

    /// Starts a task that must live until this stopper tells it to end, or the end of the program has begun. Its earlier
    /// end and its panic at any time are a failure ([`Tasks`]).
    pub fn essential(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.watch(name, true, task);
    }

    /// Starts a task that may end when its work is done. Its panic is a failure ([`Tasks`]).
    pub fn errand(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.watch(name, false, task);
    }

    fn watch(&self, name: &'static str, must_live: bool, task: impl Future<Output = ()> + Send + 'static) {
        #[cfg(feature = "faults")]
        let task = crate::faults::breakable(name, task);
        self.tasks.register(name);
        let running = Running::new(name, self.running.clone());
        let (tasks, token) = (self.tasks.clone(), self.token.clone());
        self.tracker.spawn(async move {
            let _running = running;
            // A task of its own, so that its panic ends there and can be read.
            match tokio::spawn(task).await {
                Ok(()) if !must_live || token.is_cancelled() || tasks.is_ending() => {}
                Ok(()) => tasks.fail(name, "it ended too early".to_owned()),
                // Without a panic the runtime is being dropped.
                Err(error) => {
                    if let Ok(payload) = error.try_into_panic() {
                        tasks.fail(name, format!("it panicked: {}", panic_message(&*payload)));
                    }
                }
            }
        });
    }

    /// Tells every task to end and waits for them until the deadline; false if some had not ended by then.
    pub async fn finish(&self, deadline: Duration) -> bool {
        self.token.cancel();
        self.tracker.close();
        tokio::time::timeout(deadline, self.tracker.wait()).await.is_ok()
    }

    /// The names of the essential tasks and errands that have not ended.
    #[must_use]
    pub fn running(&self) -> Vec<&'static str> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

/// Counts a task as running until it is dropped.
struct Running {
    name: &'static str,
    all: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Running {
    fn new(name: &'static str, all: Arc<Mutex<BTreeMap<&'static str, usize>>>) -> Self {
        *all.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
        Self { name, all }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                all.remove(self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Health, Part};

    #[tokio::test]
    async fn tasks_learn_of_the_end_and_are_waited_for() {
        let stopper = Stopper::default();
        let stop = stopper.stop();
        let task = stopper.spawn(async move { stop.or(std::future::pending::<()>()).await });
        assert!(stopper.finish(Duration::from_secs(10)).await);
        assert_eq!(task.await.expect("task"), None);
        assert!(stopper.stop().is_wanted());
    }

    #[tokio::test]
    async fn a_panic_and_an_early_end_are_failures_by_name_and_an_end_in_time_is_none() {
        let health = Health::default();
        let tasks = Tasks::new(health.clone());
        let stopper = Stopper::new(tasks.clone());
        let stop = stopper.stop();
        stopper.essential("good", async move { stop.wanted().await });
        stopper.errand("done", async {});
        stopper.essential("bad", async { panic!("at line\n{}", 7) });
        let failure = tasks.failure().await;
        assert_eq!((failure.task, failure.why.as_str()), ("bad", "it panicked: at line 7"));
        stopper.essential("short", async {});
        while tasks.failures()["short"] == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(tasks.failed().expect("a failure").task, "bad", "the first one stays");
        assert_eq!(stopper.running(), ["good"]);
        assert!(stopper.finish(Duration::from_secs(10)).await);
        assert_eq!(stopper.running(), Vec::<&str>::new());
        assert_eq!(tasks.failures().into_iter().collect::<Vec<_>>(), [("bad", 1), ("done", 0), ("good", 0), ("short", 1)]);
        let said = health.conditions().into_iter().find(|condition| condition.part == Part::Tasks).and_then(|said| said.trouble);
        assert!(said.is_some_and(|said| said.contains("the task short has failed")));
    }

    #[tokio::test]
    async fn once_the_end_has_begun_tasks_may_end_and_must_not_panic() {
        let tasks = Tasks::default();
        tasks.begin_end();
        let stopper = Stopper::new(tasks.clone());
        stopper.essential("early", async {});
        stopper.essential("bad", async { panic!("late") });
        assert!(stopper.finish(Duration::from_secs(10)).await);
        assert_eq!(tasks.failures().into_iter().collect::<Vec<_>>(), [("bad", 1), ("early", 0)]);
    }

    #[tokio::test]
    async fn what_does_not_end_is_named_and_a_dropped_stopper_ends_its_tasks() {
        let (stopper, other) = (Stopper::default(), Stopper::default());
        stopper.essential("deaf", std::future::pending());
        assert!(!stopper.finish(Duration::from_millis(1)).await);
        assert_eq!(stopper.running(), ["deaf"]);
        let stop = other.stop();
        drop(other);
        stop.wanted().await;
    }
}
