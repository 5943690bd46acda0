//! Stopping: a message that reaches every task, a receipt from each, and a deadline.

use std::{future::Future, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

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

/// What the program holds: it starts tasks and ends them.
#[derive(Debug, Default)]
pub struct Stopper {
    token: CancellationToken,
    tasks: TaskTracker,
}

impl Stopper {
    /// For a task to hold.
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(self.token.clone())
    }

    /// Starts a task whose end is waited for.
    pub fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Tells every task to end and waits for them, at most so long; false if some had not ended by then.
    pub async fn finish(&self, deadline: Duration) -> bool {
        self.token.cancel();
        self.tasks.close();
        tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_learn_of_the_end_and_are_waited_for() {
        let stopper = Stopper::default();
        let stop = stopper.stop();
        let task = stopper.spawn(async move { stop.or(std::future::pending::<()>()).await });
        assert!(stopper.finish(Duration::from_secs(10)).await);
        assert_eq!(task.await.expect("task"), None);
        assert!(stopper.stop().is_wanted());
    }
}
