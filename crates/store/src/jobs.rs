//! Background jobs that replicas share: when each is due, who runs it, how it went. One row a job, and everything by
//! the clock of the store: replicas need not agree on the time.

use std::time::Duration;

use async_trait::async_trait;

use crate::StoreError;

/// A job as the program announces it at its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPlan {
    /// Its name, stable.
    pub name: &'static str,
    /// Of those that are due, the greatest is run first.
    pub priority: i16,
    /// How long after it was first announced it is due.
    pub first_in: Duration,
    /// It is due no later than this from now, also if an older plan said so.
    pub every: Duration,
}

impl JobPlan {
    /// No lease ends later than this from now: a later end was written by a clock that was ahead and has been set back.
    pub const LONGEST_LEASE: Duration = Duration::from_secs(600);
}

/// The right to run a job until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobClaim {
    /// Which job.
    pub name: String,
    /// Greater with each claim: who lost the lease cannot say how the job went.
    pub token: i64,
    /// Failures in a row before this run.
    pub failures: u32,
}

/// Where a job stands. Times are microseconds since 1970 UTC by the store's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobState {
    /// Which job.
    pub name: String,
    /// See [`JobPlan::priority`].
    pub priority: i16,
    /// When it is due.
    pub next_run_us: i64,
    /// Who runs it now.
    pub running_at: Option<String>,
    /// When the last run began.
    pub last_run_us: Option<i64>,
    /// How long the last finished run took.
    pub last_duration_us: Option<i64>,
    /// Whether the last finished run went well.
    pub last_ok: Option<bool>,
    /// What the last finished run said.
    pub last_result: Option<String>,
    /// When a run last went well.
    pub last_ok_us: Option<i64>,
    /// Failures in a row.
    pub failures: u32,
    /// Runs that ended, ever.
    pub runs: u64,
}

/// The table of jobs, and what jobs fetched for all replicas.
#[async_trait]
pub trait JobTable: Send + Sync {
    /// Makes rows for jobs that have none; brings the others up to the plan. Times that lie further ahead than the plan
    /// and [`JobPlan::LONGEST_LEASE`] allow (the clock was ahead when they were written) are brought back.
    ///
    /// # Errors
    /// The table cannot be written.
    async fn announce_jobs(&self, plans: &[JobPlan]) -> Result<(), StoreError>;

    /// Takes one of these jobs that is due and that nobody runs; whoever ran it and let the lease end has lost it.
    ///
    /// # Errors
    /// The table cannot be written.
    async fn claim_job(&self, holder: &str, names: &[&str], lease: Duration) -> Result<Option<JobClaim>, StoreError>;

    /// Keeps the lease for so long from now; false if the job was taken over.
    ///
    /// # Errors
    /// The table cannot be written.
    async fn renew_job(&self, claim: &JobClaim, lease: Duration) -> Result<bool, StoreError>;

    /// Ends a run: how it went, in words, and when the next is due. False if the job was taken over.
    ///
    /// # Errors
    /// The table cannot be written.
    async fn finish_job(&self, claim: &JobClaim, ok: bool, result: &str, next_in: Duration) -> Result<bool, StoreError>;

    /// All rows, by name.
    ///
    /// # Errors
    /// The table cannot be read.
    async fn jobs(&self) -> Result<Vec<JobState>, StoreError>;

    /// Keeps bytes for all replicas under a name, in place of what was there.
    ///
    /// # Errors
    /// The table cannot be written.
    async fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// What was kept under a name after this time, and when; `None` if nothing was.
    ///
    /// # Errors
    /// The table cannot be read.
    async fn kept(&self, name: &str, after_us: i64) -> Result<Option<(i64, Vec<u8>)>, StoreError>;
}
