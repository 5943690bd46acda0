//! Every job, in one list.

use std::{sync::Arc, time::Duration};

use godwit_flow::{BreakerReading, Stopper, now_us};
use godwit_web::Devices;

use super::{Board, Job, Upkeep, retention, retention::Rules};
use crate::{
    clock::{Clock, DAY_US},
    config::Settings,
};

const HOUR: Duration = Duration::from_secs(3600);

/// After it ended a day gets what waited in spools for so long.
const CLOSED_US: i64 = DAY_US / 4;

/// Days made ahead beside today.
const AHEAD: u16 = 3;

/// Reads a breaker.
pub(crate) type Reading = Box<dyn Fn() -> BreakerReading + Send + Sync>;

/// What can be read about the jobs.
pub(crate) struct Jobs {
    pub(crate) board: Arc<Board>,
    /// Of the fetch of the table of devices, if there is one.
    pub(crate) fetch: Option<Reading>,
}

/// Starts the scheduler with the jobs that the settings ask for. `holder` names this replica.
///
/// # Errors
/// The archive's address or that of the table of devices cannot be used.
pub(crate) fn start(
    settings: &Settings,
    store: &Arc<dyn Upkeep>,
    devices: &Devices,
    clock: &Arc<Clock>,
    holder: String,
    tasks: &Stopper,
) -> anyhow::Result<Jobs> {
    let mut list = Vec::new();
    if store.engine() == "postgresql" {
        let ahead = store.clone();
        let run = move || {
            let store = ahead.clone();
            async move { Ok(format!("{} partitions made", store.prepare_ahead(AHEAD).await?)) }
        };
        list.push(Job { priority: 100, longest: HOUR / 6, ..Job::new("partitions", HOUR, run) });
        let closed = (store.clone(), clock.clone());
        let run = move || {
            let (store, clock) = closed.clone();
            async move {
                let today = clock.look(&*store).await?.map_err(|why| anyhow::anyhow!("nothing is packed: {why}"))?;
                let closed = (now_us() - CLOSED_US).div_euclid(DAY_US);
                Ok(format!("{} days packed", store.pack_days(closed.min(today)).await?))
            }
        };
        list.push(Job { priority: 20, longest: HOUR * 6, ..Job::new("pack", HOUR, run) });
    }
    let (rules, old) = (Rules::new(settings), (store.clone(), clock.clone()));
    let run = move || {
        let (store, clock) = old.clone();
        async move { retention::run(&*store, rules, &clock).await }
    };
    list.push(Job { priority: 50, longest: HOUR * 6, ..Job::new("retention", HOUR, run) });
    list.extend(archive(settings, store)?);
    let fetch = fetch(settings, store, devices, tasks, &mut list)?;
    let jobs = Jobs { board: Arc::default(), fetch };
    tasks.essential("jobs", super::run(list, store.clone(), holder, jobs.board.clone(), tasks.stop()));
    Ok(jobs)
}

#[cfg(feature = "archive")]
fn archive(settings: &Settings, store: &Arc<dyn Upkeep>) -> anyhow::Result<Option<Job>> {
    let Some(address) = settings.get("archive") else { return Ok(None) };
    let archive = Arc::new(godwit_store::archive::Archive::open(address, crate::run::data(settings))?);
    let store = store.clone();
    let run = move || {
        let (store, archive) = (store.clone(), archive.clone());
        async move { super::archive::run(&*store, &archive).await }
    };
    Ok(Some(Job { priority: 40, longest: HOUR * 12, ..Job::new("archive", HOUR, run) }))
}

#[cfg(feature = "archive")]
fn fetch(
    settings: &Settings,
    store: &Arc<dyn Upkeep>,
    devices: &Devices,
    tasks: &Stopper,
    list: &mut Vec<Job>,
) -> anyhow::Result<Option<Reading>> {
    // Also without an address of our own: another replica may have one.
    tasks.essential("devices", super::devices::load(store.clone(), devices.clone(), tasks.stop()));
    let Some(url) = settings.get("devices-url") else { return Ok(None) };
    let fetch = Arc::new(super::devices::Fetch::new(url)?);
    let (store, fetching) = (store.clone(), fetch.clone());
    let run = move || {
        let (store, fetch) = (store.clone(), fetching.clone());
        async move { fetch.run(&*store).await }
    };
    let first_in = Duration::from_secs(60);
    list.push(Job { priority: 10, jitter: HOUR * 24, first_in, longest: HOUR / 6, ..Job::new("devices", HOUR * 24 * 7, run) });
    Ok(Some(Box::new(move || fetch.breaker.read())))
}

#[cfg(not(feature = "archive"))]
fn archive(settings: &Settings, _: &Arc<dyn Upkeep>) -> anyhow::Result<Option<Job>> {
    anyhow::ensure!(settings.get("archive").is_none(), "archive is set, but this program was built without the feature archive");
    Ok(None)
}

#[cfg(not(feature = "archive"))]
fn fetch(settings: &Settings, _: &Arc<dyn Upkeep>, _: &Devices, _: &Stopper, _: &mut [Job]) -> anyhow::Result<Option<Reading>> {
    anyhow::ensure!(settings.get("devices-url").is_none(), "devices-url is set, but this program was built without the feature archive");
    Ok(None)
}
