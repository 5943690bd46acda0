//! Background jobs: one small scheduler for both engines (docs/adr/0006).
//!
//! The table of jobs in the store says what is due; whoever takes a job holds its lease and renews it while it runs. So
//! of many replicas one runs it, and when that one dies another takes over. A job must bear being run again from its
//! beginning: every one of ours does nothing where nothing is left to do.

#[cfg(feature = "archive")]
pub(crate) mod archive;
mod board;
#[cfg(feature = "archive")]
mod devices;
mod list;
pub(crate) mod retention;
mod upkeep;

use std::{future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};

use godwit_flow::{Stop, local_us, steady_us};
use godwit_store::{JobClaim, JobPlan, JobTable};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

pub(crate) use board::Board;
pub(crate) use list::{Jobs, start};
pub(crate) use upkeep::Upkeep;

/// Jobs that run at a time in a process: a long one does not keep an urgent one waiting.
const SLOTS: usize = 2;

/// How long a job is ours without a renewal. A replica that dies is replaced after at most this.
const LEASE: Duration = Duration::from_secs(60);

/// How often the table is looked at.
const LOOK: Duration = Duration::from_secs(10);

/// The wait after a first failure; it doubles with each up to the job's usual wait.
const FIRST_RETRY: Duration = Duration::from_secs(30);

/// A clock that was set by more than this, microseconds, may have left times in the table that lie far ahead.
const SET_US: i64 = 60_000_000;

/// What a run says: a sentence for the operator.
type Run = Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send>>;

/// A job.
#[derive(Clone)]
pub(crate) struct Job {
    /// Its name in the table, the status and the metrics.
    pub(crate) name: &'static str,
    /// Of those due, the greatest goes first.
    pub(crate) priority: i16,
    /// From the end of a good run to the next.
    pub(crate) every: Duration,
    /// A random part of this is added, so that many sites do not ask one server at once.
    pub(crate) jitter: Duration,
    /// From the first start of a new store to the first run.
    pub(crate) first_in: Duration,
    /// A run that takes longer has failed.
    pub(crate) longest: Duration,
    run: Arc<dyn Fn() -> Run + Send + Sync>,
}

impl Job {
    /// A job that runs this every so often; priority 0, first at once, no jitter, an hour at most.
    pub(crate) fn new<F>(name: &'static str, every: Duration, run: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<String>> + Send + 'static,
    {
        let run = Arc::new(move || Box::pin(run()) as Run);
        Self { name, priority: 0, every, jitter: Duration::ZERO, first_in: Duration::ZERO, longest: Duration::from_secs(3600), run }
    }

    fn plan(&self) -> JobPlan {
        JobPlan { name: self.name, priority: self.priority, first_in: self.first_in + part(self.jitter), every: self.every + self.jitter }
    }

    /// The wait after a run.
    fn next_in(&self, ok: bool, failures_before: u32) -> Duration {
        let usual = self.every + part(self.jitter);
        if ok {
            return usual;
        }
        let retry = FIRST_RETRY.saturating_mul(1 << failures_before.min(16));
        (retry + part(retry / 4)).min(usual)
    }
}

/// A random part of a time.
fn part(time: Duration) -> Duration {
    time.mul_f64(fastrand::f64())
}

/// Runs jobs until it is time to end. `holder` names this replica in the table.
async fn run(jobs: Vec<Job>, table: Arc<dyn JobTable>, holder: String, board: Arc<Board>, stop: Stop) {
    let plans: Vec<JobPlan> = jobs.iter().map(Job::plan).collect();
    let names: Vec<&'static str> = jobs.iter().map(|job| job.name).collect();
    while let Err(error) = table.announce_jobs(&plans).await {
        tracing::warn!(%error, "the table of jobs cannot be written; trying again");
        if stop.or(sleep(LOOK)).await.is_none() {
            return;
        }
    }
    let mut running = JoinSet::new();
    let mut offset = local_us() - steady_us();
    while !stop.is_wanted() {
        let before = std::mem::replace(&mut offset, local_us() - steady_us());
        if offset.abs_diff(before) > SET_US.unsigned_abs()
            && let Err(error) = table.announce_jobs(&plans).await
        {
            tracing::warn!(%error, "the clock was set, and the table of jobs cannot be brought up to it; trying again");
            offset = before;
        }
        while running.len() < SLOTS {
            match table.claim_job(&holder, &names, LEASE).await {
                Ok(Some(claim)) => {
                    let Some(job) = jobs.iter().find(|job| job.name == claim.name) else { break };
                    running.spawn(one(job.clone(), claim, table.clone(), stop.clone()));
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "the table of jobs does not answer");
                    break;
                }
            }
        }
        board.refresh(&*table).await;
        tokio::select! {
            () = stop.wanted() => {}
            () = sleep(LOOK) => {}
            Some(_) = running.join_next() => board.refresh(&*table).await,
        }
    }
    while running.join_next().await.is_some() {}
}

/// One run: keeps the lease while it lasts, and says how it went.
async fn one(job: Job, claim: JobClaim, table: Arc<dyn JobTable>, stop: Stop) {
    let name = job.name;
    tracing::debug!(job = name, "begins");
    // A task of its own: a panic ends the run, not the scheduler.
    let run = job.run.clone();
    let longest = job.longest;
    let mut work = tokio::spawn(async move { timeout(longest, AssertUnwindSafe(run())).await });
    let mut until = Instant::now() + LEASE;
    let outcome = loop {
        tokio::select! {
            ended = &mut work => break match ended {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(anyhow::anyhow!("not done within {} s", job.longest.as_secs())),
                Err(error) => Err(anyhow::anyhow!("the job broke: {error}")),
            },
            () = stop.wanted() => {
                work.abort();
                // Another replica may begin at once.
                let _ = table.renew_job(&claim, Duration::ZERO).await;
                return;
            }
            () = sleep(LEASE / 4) => match table.renew_job(&claim, LEASE).await {
                Ok(true) => until = Instant::now() + LEASE,
                Err(error) if Instant::now() < until => tracing::warn!(job = name, %error, "the lease is not renewed"),
                Ok(false) | Err(_) => {
                    work.abort();
                    tracing::warn!(job = name, "was taken over by another replica");
                    return;
                }
            },
        }
    };
    let ok = outcome.is_ok();
    let next_in = job.next_in(ok, claim.failures);
    let said = match outcome {
        Ok(said) => said,
        Err(error) => {
            tracing::error!(job = name, error = format!("{error:#}"), again_in_s = next_in.as_secs(), "failed");
            format!("{error:#}")
        }
    };
    let said: String = said.chars().take(500).collect();
    if let Err(error) = table.finish_job(&claim, ok, &said, next_in).await {
        // The lease ends by itself, and the job is run again.
        tracing::warn!(job = name, %error, "how the job went cannot be written down");
    }
}

#[cfg(test)]
#[path = "jobs_test.rs"]
mod tests;
