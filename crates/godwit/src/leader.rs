//! Who ingests: a lease in the database, renewed while this replica has it, asked for while it has not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use godwit_flow::{Stop, now_us};
use godwit_store::{Fence, StoreError};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep},
};

use crate::database::Database;

/// The lease's name.
const LEASE: &str = "ingest";

/// What the database last said about this replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// There are no others: the store is embedded.
    Alone,
    /// We have the lease; batches carry this.
    Leading(Fence),
    /// Another has it.
    Standing,
    /// The database has not answered for long enough that nobody knows.
    CutOff,
}

impl Role {
    /// Whether what we receive is what all see and what is kept.
    pub(crate) fn leads(&self) -> bool {
        matches!(self, Self::Alone | Self::Leading(_))
    }

    /// The word used in JSON.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::Leading(_) => "leading",
            Self::Standing => "standing_by",
            Self::CutOff => "cut_off",
        }
    }
}

/// Keeps the role.
#[derive(Debug)]
pub(crate) struct Leader {
    holder: String,
    ttl: Duration,
    role: watch::Sender<Role>,
    wake: Notify,
    takeovers: AtomicU64,
    /// When the lease was got or renewed, microseconds since 1970 UTC.
    renewed_us: AtomicI64,
}

impl Leader {
    /// A replica by this name, unique among those that run, and how long a lease lasts. It stands by at first.
    pub(crate) fn new(holder: String, ttl: Duration) -> Self {
        Self {
            holder,
            ttl,
            role: watch::Sender::new(Role::Standing),
            wake: Notify::new(),
            takeovers: AtomicU64::new(0),
            renewed_us: AtomicI64::new(0),
        }
    }

    /// The role as it changes.
    pub(crate) fn role(&self) -> watch::Receiver<Role> {
        self.role.subscribe()
    }

    /// Times that this replica got the lease.
    pub(crate) fn takeovers(&self) -> u64 {
        self.takeovers.load(Ordering::Relaxed)
    }

    /// How long ago the lease was got or renewed, milliseconds; `None` without it.
    pub(crate) fn lease_age_ms(&self) -> Option<i64> {
        matches!(&*self.role.borrow(), Role::Leading(_)).then(|| (now_us() - self.renewed_us.load(Ordering::Relaxed)) / 1000)
    }

    /// Asks and renews until told to stop; the lease is still ours then: what was received must be kept first, then
    /// [`Leader::release`].
    pub(crate) async fn run(self: Arc<Self>, database: Arc<Database>, stop: Stop) {
        let mut answered = Instant::now();
        loop {
            let asked = self.ask(&database).await;
            match asked {
                Ok(()) => answered = Instant::now(),
                Err(error) => {
                    tracing::debug!(%error, "the lease could not be asked for");
                    if answered.elapsed() > self.ttl * 2 {
                        self.become_cut_off();
                    }
                }
            }
            // A stand-by asks often: a lease that is given back is taken at once.
            let wait = if self.role.borrow().leads() { self.ttl / 3 } else { (self.ttl / 6).min(Duration::from_millis(300)) };
            let waiting = async {
                tokio::select! { () = sleep(wait) => {}, () = self.wake.notified() => {} }
            };
            if stop.or(waiting).await.is_none() {
                return;
            }
        }
    }

    async fn ask(&self, database: &Database) -> Result<(), StoreError> {
        let lease = database.lease()?;
        let role = self.role.borrow().clone();
        if let Role::Leading(fence) = role {
            if lease.renew(&fence, self.ttl).await? {
                self.renewed_us.store(now_us(), Ordering::Relaxed);
            } else {
                self.lost(&fence);
            }
            return Ok(());
        }
        match lease.try_acquire(LEASE, &self.holder, self.ttl).await? {
            Some(fence) => {
                tracing::info!(token = fence.token, "this replica ingests from now on");
                self.takeovers.fetch_add(1, Ordering::Relaxed);
                self.renewed_us.store(now_us(), Ordering::Relaxed);
                self.role.send_replace(Role::Leading(fence));
            }
            None => {
                self.role.send_if_modified(|role| {
                    let changed = *role == Role::CutOff;
                    if changed {
                        *role = Role::Standing;
                    }
                    changed
                });
            }
        }
        Ok(())
    }

    fn become_cut_off(&self) {
        self.role.send_if_modified(|role| {
            let changed = *role == Role::Standing;
            if changed {
                tracing::warn!("the database does not say who ingests: what this replica receives goes to its spool");
                *role = Role::CutOff;
            }
            changed
        });
    }

    /// The database refused this fence: another replica ingests.
    pub(crate) fn lost(&self, fence: &Fence) {
        self.role.send_if_modified(|role| {
            let changed = matches!(role, Role::Leading(ours) if ours == fence);
            if changed {
                tracing::warn!(token = fence.token, "another replica ingests; this one stands by");
                *role = Role::Standing;
            }
            changed
        });
        self.wake.notify_one();
    }

    /// Asks the database whether we still lead, after we did not run for a while. If it does not answer, we are as sure
    /// as before.
    pub(crate) async fn confirm(&self, database: &Database) -> bool {
        let role = self.role.borrow().clone();
        let Role::Leading(fence) = role else {
            return false;
        };
        let Ok(lease) = database.lease() else { return true };
        if matches!(lease.renew(&fence, self.ttl).await, Ok(false)) {
            self.lost(&fence);
        }
        self.role.borrow().leads()
    }

    /// Gives the lease back, so that another replica has it at once.
    pub(crate) async fn release(&self, database: &Database) {
        let role = self.role.borrow().clone();
        if let (Role::Leading(fence), Ok(lease)) = (role, database.lease()) {
            match lease.release(&fence).await {
                Ok(_) => tracing::info!("the right to ingest is given back"),
                Err(error) => tracing::warn!(%error, "the right to ingest could not be given back; it ends by itself"),
            }
            self.role.send_replace(Role::Standing);
        }
    }
}
