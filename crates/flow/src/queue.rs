//! A queue with a size and a policy when full: who puts waits. How deep it is and how much went through can be read.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::mpsc;

/// Makes a queue that holds at most `capacity` things. When it is full, putting waits: back-pressure down to the socket.
#[must_use]
pub fn queue<T>(capacity: usize) -> (Queue<T>, Reader<T>) {
    let (sender, receiver) = mpsc::channel(capacity);
    let gauge = Gauge { counters: Arc::default(), capacity };
    (Queue { sender, gauge: gauge.clone() }, Reader { receiver, gauge })
}

#[derive(Debug, Default)]
struct Counters {
    put: AtomicU64,
    taken: AtomicU64,
}

/// What can be read about a queue.
#[derive(Debug, Clone)]
pub struct Gauge {
    counters: Arc<Counters>,
    capacity: usize,
}

impl Gauge {
    /// Things in it now.
    #[must_use]
    pub fn depth(&self) -> u64 {
        let taken = self.counters.taken.load(Ordering::Relaxed);
        self.counters.put.load(Ordering::Relaxed).saturating_sub(taken)
    }

    /// Things it can hold.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Things put in so far.
    #[must_use]
    pub fn put(&self) -> u64 {
        self.counters.put.load(Ordering::Relaxed)
    }
}

/// The end that puts.
#[derive(Debug)]
pub struct Queue<T> {
    sender: mpsc::Sender<T>,
    gauge: Gauge,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), gauge: self.gauge.clone() }
    }
}

impl<T> Queue<T> {
    /// Puts a thing in, waiting for room; false when nobody takes any more.
    pub async fn put(&self, thing: T) -> bool {
        let sent = self.sender.send(thing).await.is_ok();
        self.count(sent)
    }

    /// The same from a thread that may block.
    pub fn put_blocking(&self, thing: T) -> bool {
        let sent = self.sender.blocking_send(thing).is_ok();
        self.count(sent)
    }

    /// What can be read about it.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }

    fn count(&self, sent: bool) -> bool {
        if sent {
            self.gauge.counters.put.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }
}

/// The end that takes.
#[derive(Debug)]
pub struct Reader<T> {
    receiver: mpsc::Receiver<T>,
    gauge: Gauge,
}

impl<T> Reader<T> {
    /// Takes the next thing; `None` when all ends that put are gone and nothing is left.
    pub async fn take(&mut self) -> Option<T> {
        let thing = self.receiver.recv().await;
        if thing.is_some() {
            self.gauge.counters.taken.fetch_add(1, Ordering::Relaxed);
        }
        thing
    }

    /// Takes the next thing if there is one now.
    pub fn take_now(&mut self) -> Option<T> {
        let thing = self.receiver.try_recv().ok();
        if thing.is_some() {
            self.gauge.counters.taken.fetch_add(1, Ordering::Relaxed);
        }
        thing
    }

    /// The same as [`Reader::take`] from a thread that may block.
    pub fn take_blocking(&mut self) -> Option<T> {
        let thing = self.receiver.blocking_recv();
        if thing.is_some() {
            self.gauge.counters.taken.fetch_add(1, Ordering::Relaxed);
        }
        thing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn putting_waits_when_full_and_everything_comes_out_in_order() {
        let (queue, mut reader) = queue(2);
        let gauge = queue.gauge();
        let putting = tokio::spawn(async move {
            for number in 0..100 {
                assert!(queue.put(number).await);
            }
        });
        let mut taken = Vec::new();
        while let Some(number) = reader.take().await {
            assert!(gauge.depth() <= 3);
            taken.push(number);
        }
        putting.await.expect("task");
        assert_eq!(taken, (0..100).collect::<Vec<_>>());
        assert_eq!((gauge.put(), gauge.depth()), (100, 0));
    }
}
