//! Panics in answers and viewers: counted, and kept from ending more than what panicked.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

use serde_json::{Value, json};

/// How often an answer or a viewer panicked since the start. Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct Panics(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    handlers: AtomicU64,
    viewers: AtomicU64,
}

impl Panics {
    /// Runs the handler of a request; `None`, and counted, if it panics.
    pub(crate) async fn of_handler<T>(&self, handler: impl Future<Output = T>) -> Option<T> {
        counted(&self.0.handlers, handler).await
    }

    /// Runs a viewer's connection to its end; a panic ends it and is counted.
    pub(crate) async fn of_viewer(&self, viewer: impl Future<Output = ()>) {
        counted(&self.0.viewers, viewer).await;
    }

    /// `handlers` and `viewers`, for the status.
    pub(crate) fn json(&self) -> Value {
        json!({ "handlers": self.0.handlers.load(Ordering::Relaxed), "viewers": self.0.viewers.load(Ordering::Relaxed) })
    }
}

async fn counted<T>(counter: &AtomicU64, future: impl Future<Output = T>) -> Option<T> {
    let ended = caught(future).await.ok();
    counter.fetch_add(u64::from(ended.is_none()), Ordering::Relaxed);
    ended
}

/// Runs a future; what it panicked with, if it does. Shared state is not left in pieces: locks are taken over with what
/// they hold, as everywhere here.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    // After a panic the future is not polled again.
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_counted_where_it_happened_and_goes_no_further() {
        let panics = Panics::default();
        assert_eq!(panics.of_handler(async { 7 }).await, Some(7));
        let fails = async {
            tokio::task::yield_now().await;
            assert_eq!(1, 2, "on purpose");
        };
        assert_eq!(panics.of_handler(fails).await, None);
        panics.of_viewer(async {}).await;
        assert_eq!(panics.json(), json!({ "handlers": 1, "viewers": 0 }));
        panics.of_viewer(async { panic!("on purpose") }).await;
        assert_eq!(panics.json(), json!({ "handlers": 1, "viewers": 1 }));
    }
}
