//! Answers that cost more than about a millisecond: how many are under way, how many are computed at once, who waits.
//!
//! Three bounds, all over the whole site. [`UNDER_WAY`] answers have a place, from before the store is asked until the
//! answer is written; one less than there are processors is computed at a time, on threads for blocking work, so that
//! probes, intake and live viewers always find a processor; [`WAITING`] more wait for a place, for at most [`PATIENCE`].
//! All others are refused at once: 503 with `Retry-After`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::available_parallelism,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use crate::error::ApiError;

/// Answers that have a place: their rows may be in memory.
const UNDER_WAY: usize = 16;

/// Requests that wait for a place.
const WAITING: usize = 64;

/// How long they wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// The bounds of a site.
#[derive(Debug)]
pub(crate) struct Heavy {
    places: Arc<Semaphore>,
    waiting: Semaphore,
    processors: Arc<Semaphore>,
    refused: AtomicU64,
}

impl Default for Heavy {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
        Self {
            places: Arc::new(Semaphore::new(UNDER_WAY)),
            waiting: Semaphore::new(WAITING),
            processors: Arc::new(Semaphore::new(processors)),
            refused: AtomicU64::new(0),
        }
    }
}

impl Heavy {
    /// A place for an answer.
    ///
    /// # Errors
    /// `busy`: too many others are under way.
    pub(crate) async fn enter(&self) -> Result<Place, ApiError> {
        let place = match self.places.clone().try_acquire_owned() {
            Ok(place) => Some(place),
            Err(_) => match self.waiting.try_acquire() {
                Ok(_waiting) => timeout(PATIENCE, self.places.clone().acquire_owned()).await.ok().and_then(Result::ok),
                Err(_) => None,
            },
        };
        match place {
            Some(place) => Ok(Place { _place: place, processors: self.processors.clone() }),
            None => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(busy())
            }
        }
    }

    /// What the status says of it.
    pub(crate) fn json(&self) -> Value {
        json!({
            "under_way": UNDER_WAY - self.places.available_permits(),
            "waiting": WAITING - self.waiting.available_permits(),
            "refused": self.refused.load(Ordering::Relaxed),
        })
    }
}

fn busy() -> ApiError {
    ApiError::busy("Too many large answers are under way. Try again in a few seconds.")
}

/// A place among the answers under way, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    processors: Arc<Semaphore>,
}

impl Place {
    /// Runs work for this answer on a thread for blocking work, when a processor is free. Goes on to its end, and counts
    /// until then, also if the client has gone.
    ///
    /// # Errors
    /// `busy`: the program is ending.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let processor = self.processors.clone().acquire_owned().await.map_err(|_| busy())?;
        let done = spawn_blocking(move || {
            let result = work();
            drop(processor);
            result
        });
        match done.await {
            Ok(result) => Ok(result),
            // A panic goes on as one of the handler.
            Err(error) => Err(error.try_into_panic().map_or_else(|_| busy(), |panic| std::panic::resume_unwind(panic))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn what_is_too_much_is_refused_at_once_and_the_rest_is_answered() {
        let heavy = Arc::new(Heavy::default());
        let mut places = Vec::new();
        for _ in 0..UNDER_WAY {
            places.push(heavy.enter().await.expect("a place"));
        }
        let waiting: Vec<_> = (0..WAITING)
            .map(|_| {
                let heavy = heavy.clone();
                tokio::spawn(async move { heavy.enter().await.is_ok() })
            })
            .collect();
        while heavy.json()["waiting"] != WAITING {
            tokio::task::yield_now().await;
        }
        assert!(heavy.enter().await.is_err());
        assert_eq!(heavy.json()["waiting"], WAITING, "it was refused before any of these");
        places.clear();
        let mut answered = 0;
        for one in waiting {
            answered += usize::from(one.await.expect("no panic"));
        }
        assert_eq!(answered, WAITING);
        assert_eq!(heavy.json(), json!({ "under_way": 0, "waiting": 0, "refused": 1 }));
        for _ in 0..UNDER_WAY {
            places.push(heavy.enter().await.expect("a place"));
        }
        assert!(heavy.enter().await.is_err(), "nobody waits for ever");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_run_than_processors_but_one() {
        let heavy = Arc::new(Heavy::default());
        let most = available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
        let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..UNDER_WAY)
            .map(|_| {
                let (heavy, now, peak) = (heavy.clone(), now.clone(), peak.clone());
                tokio::spawn(async move {
                    let place = heavy.enter().await.expect("a place");
                    let work = move || {
                        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    };
                    place.run(work).await.expect("it runs");
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        assert!((1..=most).contains(&peak.load(Ordering::SeqCst)), "{peak:?} of {most}");
    }
}
