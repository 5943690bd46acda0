//! How much of the pools is used, and how long it takes to get a connection.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::{PostgresStore, connect::Connections};
use crate::StoreError;

/// Connections of each pool that are made at the start: the first questions find them.
const WARM: usize = 4;

/// A pool of connections to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolFigures {
    /// `write`, `read` or `replica`.
    pub name: &'static str,
    /// Connections at most.
    pub most: usize,
    /// Connections that are open.
    pub open: usize,
    /// Open ones that nobody uses.
    pub idle: usize,
    /// Who waits for one now.
    pub waiting: usize,
    /// How often one was asked for.
    pub taken: u64,
    /// How often all of them were in use then: who asked had to wait for another.
    pub saturated: u64,
    /// Waiting for one and making new ones, microseconds in all.
    pub wait_us: u64,
    /// The longest of these waits, microseconds.
    pub longest_wait_us: u64,
}

/// What was waited for.
#[derive(Debug, Default)]
pub(super) struct Waits {
    taken: AtomicU64,
    saturated: AtomicU64,
    wait_us: AtomicU64,
    longest_wait_us: AtomicU64,
}

impl Waits {
    pub(super) fn note(&self, saturated: bool, waited: Duration) {
        let us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.taken.fetch_add(1, Relaxed);
        self.saturated.fetch_add(u64::from(saturated), Relaxed);
        self.wait_us.fetch_add(us, Relaxed);
        self.longest_wait_us.fetch_max(us, Relaxed);
    }
}

impl Connections {
    fn figures(&self, name: &'static str) -> PoolFigures {
        let status = self.status();
        PoolFigures {
            name,
            most: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
            taken: self.waits.taken.load(Relaxed),
            saturated: self.waits.saturated.load(Relaxed),
            wait_us: self.waits.wait_us.load(Relaxed),
            longest_wait_us: self.waits.longest_wait_us.load(Relaxed),
        }
    }

    /// Makes the first connections.
    pub(super) async fn warm(&self, store: &PostgresStore) -> Result<(), StoreError> {
        let mut made = Vec::new();
        while made.len() < self.status().max_size.min(WARM) {
            made.push(store.connection(self).await?);
        }
        Ok(())
    }
}

impl PostgresStore {
    /// How much of the pools is used: for the status and for metrics.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolFigures> {
        let replica = self.replica.as_ref().map(|replica| replica.connections.figures("replica"));
        [self.write.figures("write"), self.read.figures("read")].into_iter().chain(replica).collect()
    }
}
