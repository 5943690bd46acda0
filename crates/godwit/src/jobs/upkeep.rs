//! What jobs ask of the store, whichever engine it is.

use std::time::Duration;

use async_trait::async_trait;
use godwit_pipeline::Record;
use godwit_store::{DayState, Days, JobClaim, JobPlan, JobState, JobTable, StoreError, Thin, TimeEvidence};

use crate::database::Database;

/// A store that looks after its days and has the table of jobs.
pub(crate) trait Upkeep: Days + JobTable {}

impl<T: Days + JobTable> Upkeep for T {}

#[async_trait]
impl Days for Database {
    async fn days(&self) -> Result<Vec<DayState>, StoreError> {
        self.store()?.days().await
    }

    async fn time_evidence(&self) -> Result<TimeEvidence, StoreError> {
        self.store()?.time_evidence().await
    }

    async fn prepare_ahead(&self, days: u16) -> Result<usize, StoreError> {
        self.store()?.prepare_ahead(days).await
    }

    async fn drop_day(&self, day: i64, packets: u64) -> Result<bool, StoreError> {
        self.store()?.drop_day(day, packets).await
    }

    async fn thin_day(&self, day: i64, packets: u64, thin: Thin) -> Result<Option<u64>, StoreError> {
        self.store()?.thin_day(day, packets, thin).await
    }

    async fn restore(&self, day: i64, records: Vec<Record>) -> Result<(), StoreError> {
        self.store()?.restore(day, records).await
    }

    async fn forget_aggregates(&self, before_day: i64) -> Result<u64, StoreError> {
        self.store()?.forget_aggregates(before_day).await
    }

    async fn pack_days(&self, before_day: i64) -> Result<usize, StoreError> {
        self.store()?.pack_days(before_day).await
    }

    async fn set_archived(&self, day: i64, packets: u64, checksum: &str) -> Result<(), StoreError> {
        self.store()?.set_archived(day, packets, checksum).await
    }
}

#[async_trait]
impl JobTable for Database {
    async fn announce_jobs(&self, plans: &[JobPlan]) -> Result<(), StoreError> {
        self.store()?.announce_jobs(plans).await
    }

    async fn claim_job(&self, holder: &str, names: &[&str], lease: Duration) -> Result<Option<JobClaim>, StoreError> {
        self.store()?.claim_job(holder, names, lease).await
    }

    async fn renew_job(&self, claim: &JobClaim, lease: Duration) -> Result<bool, StoreError> {
        self.store()?.renew_job(claim, lease).await
    }

    async fn finish_job(&self, claim: &JobClaim, ok: bool, result: &str, next_in: Duration) -> Result<bool, StoreError> {
        self.store()?.finish_job(claim, ok, result, next_in).await
    }

    async fn jobs(&self) -> Result<Vec<JobState>, StoreError> {
        self.store()?.jobs().await
    }

    async fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        JobTable::keep(self.store()?, name, bytes).await
    }

    async fn kept(&self, name: &str, after_us: i64) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        self.store()?.kept(name, after_us).await
    }
}
