//! Keeps what the intake hands on. With a database: in it, else in the spool, and from there in it (docs/adr/0007).

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use godwit_flow::{Backoff, Health, Part, Stop, now_us};
use godwit_pipeline::{Record, changes_of};
use godwit_store::{Appended, Batch, Fence, Spool, SpoolError, Store, StoreError, Waiting};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, interval, sleep, sleep_until},
};

use crate::{
    database::{Database, TOLERANCE_US},
    intake::{BATCH_SIZE, Counters, Work},
    leader::{Leader, Role},
};

/// Batches between intake and keeper: 16 s.
pub(crate) const WORKS: usize = 64;

/// Batches that wait in memory for one that is under way: 2 s; then they go to the spool.
const BACKLOG: usize = 8;

/// Packets that go together when the store is behind: it takes a fifth more of them in a second than one by one thousand.
const BEHIND_SIZE: usize = 4 * BATCH_SIZE;

/// Packets younger than this were kept by nobody else: no comparison.
const FRESH_US: i64 = 5_000_000;

/// A replica that does not lead empties its spool of packets older than this: what the leader keeps without comparison
/// is kept by then, or never. It begins while they are fresh, waits at most three times for the database (a connection,
/// a partition, the batch), and its clock may differ.
fn settled_us(database_timeout: Duration) -> i64 {
    FRESH_US + TOLERANCE_US + i64::try_from(database_timeout.as_micros()).unwrap_or(i64::MAX / 4) * 3
}

/// How long the end may wait for the spool to become empty.
const END: Duration = Duration::from_secs(5);

/// Tries to store a batch after the end was asked for, all batches together.
const TRIES_AT_THE_END: u32 = 3;

/// What the keeper of the embedded store reports to.
pub(crate) struct Reports {
    pub(crate) counters: Arc<Counters>,
    pub(crate) health: Health,
    /// What was wrong with the files when they were opened, and stays so until the next start.
    pub(crate) standing: Option<String>,
}

impl Reports {
    /// Says in status, metrics and log what is wrong with the disk; once in the log, and again when it is something else.
    fn disk(&self, trouble: Option<String>) {
        let changed = self.counters.store.note(trouble.clone());
        self.health.report(Part::Disk, trouble.clone().or_else(|| self.standing.clone()), now_us());
        match trouble {
            Some(trouble) if changed => tracing::error!("packets could not be stored and wait in memory: {trouble}"),
            None if changed => tracing::info!("packets are stored again"),
            _ => {}
        }
    }
}

/// Keeps batches of the only replica, trying again while the store cannot: the same batch, which the store keeps once.
/// While it ends it does not wait for a broken disk for ever.
pub(crate) async fn keep_alone(mut works: mpsc::Receiver<Work>, store: Arc<dyn Store>, reports: Reports, ending: Stop) {
    let counters = &reports.counters;
    let mut tries_at_the_end = 0;
    reports.disk(None);
    while let Some(work) = works.recv().await {
        let mut batch = Batch { records: work.records, changes: work.changes, fence: None };
        // What gathered meanwhile goes together.
        while batch.records.len() + BATCH_SIZE <= BEHIND_SIZE
            && let Ok(next) = works.try_recv()
        {
            batch.records.extend(next.records);
            batch.changes.extend(next.changes);
        }
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        loop {
            let began = Instant::now();
            let kept = store.append(batch.clone()).await;
            counters.store.count(batch.records.len(), began.elapsed(), kept.is_ok());
            let Err(error) = kept else {
                counters.stored(&batch.records);
                reports.disk(None);
                break;
            };
            reports.disk(Some(sentence(&error)));
            tries_at_the_end += u32::from(ending.is_wanted());
            if tries_at_the_end > TRIES_AT_THE_END {
                tracing::error!(packets = batch.records.len(), "packets could not be stored and are lost: {}", sentence(&error));
                counters.lose_at_the_end(batch.records.len());
                break;
            }
            let wait = backoff.next_wait().min(if ending.is_wanted() { Duration::from_secs(1) } else { Duration::MAX });
            // The end does not wait for a long pause to pass.
            if ending.is_wanted() {
                sleep(wait).await;
            } else {
                ending.or(sleep(wait)).await;
            }
        }
        counters.settle(batch.records.len());
    }
}

/// An error with what to do, in one line.
fn sentence(error: &dyn std::fmt::Display) -> String {
    error.to_string().replace("\n\n  hint: ", "; ").replace('\n', " ")
}

/// What the status tells of the spool.
#[derive(Debug, Default)]
pub(crate) struct SpoolFigures {
    packets: AtomicU64,
    bytes: AtomicU64,
    capacity: AtomicU64,
    spooled: AtomicU64,
    drained: AtomicU64,
    already_there: AtomicU64,
    damaged: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl SpoolFigures {
    pub(crate) fn json(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "packets": read(&self.packets), "bytes": read(&self.bytes), "capacity_bytes": read(&self.capacity),
            "spooled": read(&self.spooled), "drained": read(&self.drained),
            "already_there": read(&self.already_there), "damaged_segments": read(&self.damaged),
            "trouble": *self.trouble.lock().unwrap_or_else(PoisonError::into_inner),
        })
    }

    fn note(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// What is under way to the database.
enum Going {
    Work(Work),
    Spooled(Waiting),
}

/// What is under way, with which right, and its answer to come.
struct Sent {
    going: Going,
    fence: Option<Fence>,
    answer: JoinHandle<Result<Appended, StoreError>>,
}

/// The keeper before a database.
pub(crate) struct Keeper {
    database: Arc<Database>,
    leader: Arc<Leader>,
    role: watch::Receiver<Role>,
    spool: Spool,
    counters: Arc<Counters>,
    figures: Arc<SpoolFigures>,
    backlog: VecDeque<Work>,
    sent: Option<Sent>,
    backoff: Backoff,
    settled_us: i64,
    /// Nothing is sent before.
    rest_until: Option<Instant>,
    /// The spool refuses: said once.
    refusing: bool,
    /// What is wrong with the spool's disk.
    disk: Option<String>,
    health: Health,
    /// The intake has ended: what is refused now is lost at the end.
    ending: bool,
}

impl Keeper {
    /// Opens the spool in the data folder.
    pub(crate) fn new(
        database: Arc<Database>,
        leader: Arc<Leader>,
        (data, spool_mb): (&Path, u64),
        (counters, health): (Arc<Counters>, Health),
        figures: Arc<SpoolFigures>,
    ) -> Result<Self, SpoolError> {
        let spool = Spool::open(&data.join("spool"), spool_mb << 20)?;
        figures.capacity.store(spool_mb << 20, Ordering::Relaxed);
        if !spool.is_empty() {
            tracing::warn!(packets = spool.len(), "the spool holds packets of an earlier run; they go to the database first");
        }
        let (role, settled_us) = (leader.role(), settled_us(database.timeout()));
        let keeper = Self {
            database,
            leader,
            role,
            spool,
            counters,
            figures,
            backlog: VecDeque::new(),
            sent: None,
            backoff: Backoff::new(Duration::from_millis(250), Duration::from_secs(3)),
            settled_us,
            rest_until: None,
            refusing: false,
            disk: None,
            health,
            ending: false,
        };
        keeper.tell();
        Ok(keeper)
    }

    /// Keeps until the intake has ended; then what it can within [`END`]. The rest stays in the spool.
    pub(crate) async fn run(mut self, mut works: mpsc::Receiver<Work>) {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut end: Option<Instant> = None;
        loop {
            self.send();
            if let Some(end) = end
                && (self.sent.is_none() && self.backlog.is_empty() && self.spool.is_empty() || Instant::now() >= end)
            {
                break;
            }
            let rest_until = self.rest_until;
            tokio::select! {
                biased;
                kept = answered(self.sent.as_mut()) => if let Some(sent) = self.sent.take() {
                    self.settle(sent, kept);
                },
                work = works.recv(), if end.is_none() => match work {
                    Some(work) => {
                        self.backlog.push_back(work);
                        self.spill();
                    }
                    None => {
                        self.ending = true;
                        end = Some(Instant::now() + END);
                    }
                },
                _ = self.role.changed() => {}
                () = async { sleep_until(rest_until.unwrap_or_else(Instant::now)).await }, if rest_until.is_some() => self.rest_until = None,
                _ = second.tick() => {
                    self.sync();
                    self.report();
                }
            }
            self.tell();
        }
        // A database that does not answer is not waited for: the next start compares what it kept of this batch.
        if let Some(Sent { going: Going::Work(work), .. }) = self.sent.take() {
            self.push(&work.records);
        }
        while let Some(work) = self.backlog.pop_front() {
            self.push(&work.records);
        }
        self.sync();
        self.tell();
        if !self.spool.is_empty() {
            tracing::warn!(packets = self.spool.len(), "the spool still holds packets; the next start keeps them");
        }
    }

    fn fence(&self) -> Option<Fence> {
        match &*self.role.borrow() {
            Role::Leading(fence) => Some(fence.clone()),
            _ => None,
        }
    }

    /// Sends the next batch, if there is one that may go now.
    fn send(&mut self) {
        if self.sent.is_some() || self.rest_until.is_some() {
            return;
        }
        let fence = self.fence();
        if fence.is_none() || !self.spool.is_empty() {
            self.spill_all();
        }
        if let Some(mut work) = self.backlog.pop_front() {
            // What gathered meanwhile goes together.
            while let Some(next) =
                self.backlog.pop_front_if(|next| next.compare == work.compare && work.records.len() + next.records.len() <= BEHIND_SIZE)
            {
                work.records.extend(next.records);
                work.changes.extend(next.changes);
            }
            let oldest_us = work.records.iter().map(|record| record.received_at_us).min().unwrap_or(0);
            work.compare |= now_us() - oldest_us > FRESH_US;
            let batch = Batch { records: work.records.clone(), changes: work.changes.clone(), fence: None };
            let compare = work.compare;
            self.start(Going::Work(work), batch, fence, compare);
        } else if *self.role.borrow() != Role::CutOff {
            self.send_spooled(fence);
        }
    }

    fn send_spooled(&mut self, fence: Option<Fence>) {
        let waiting = match tokio::task::block_in_place(|| self.spool.front(BEHIND_SIZE)) {
            Ok(Some(waiting)) => waiting,
            Ok(None) => return,
            Err(error) => {
                tracing::error!("{error}");
                self.figures.note(Some(error.to_string()));
                self.rest();
                return;
            }
        };
        if fence.is_none() {
            let newest_us = waiting.records.iter().map(|record| record.received_at_us).max().unwrap_or(0);
            let wait_us = newest_us + self.settled_us - now_us();
            if wait_us > 0 {
                // A clock that is set must not make the wait endless.
                let wait = Duration::from_micros(u64::try_from(wait_us).unwrap_or(0)).min(Duration::from_secs(2));
                self.rest_until = Some(Instant::now() + wait);
                return;
            }
        }
        let changes = waiting.records.iter().flat_map(changes_of).collect();
        let batch = Batch { records: waiting.records.clone(), changes, fence: None };
        self.start(Going::Spooled(waiting), batch, fence, true);
    }

    fn start(&mut self, going: Going, batch: Batch, fence: Option<Fence>, compare: bool) {
        let (database, counters) = (self.database.clone(), self.counters.clone());
        let with = fence.clone();
        let answer = tokio::spawn(async move {
            let (began, packets) = (Instant::now(), batch.records.len());
            let kept = database.keep(batch, with, compare).await;
            counters.store.count(packets, began.elapsed(), kept.is_ok());
            kept
        });
        self.sent = Some(Sent { going, fence, answer });
    }

    /// What became of a batch.
    fn settle(&mut self, sent: Sent, kept: Result<Appended, StoreError>) {
        match (&sent.going, kept) {
            (Going::Work(work), Ok(appended)) => {
                self.counters.stored(&work.records);
                self.figures.already_there.fetch_add(appended.already_there, Ordering::Relaxed);
                self.backoff.reset();
            }
            (Going::Spooled(waiting), Ok(appended)) => {
                self.counters.stored(&waiting.records);
                self.figures.drained.fetch_add(waiting.records.len() as u64, Ordering::Relaxed);
                self.figures.already_there.fetch_add(appended.already_there, Ordering::Relaxed);
                self.spool.remove(waiting);
                self.backoff.reset();
                if self.spool.is_empty() {
                    tracing::info!("the spool is empty: everything is in the database");
                }
            }
            (_, Err(error)) => {
                match &error {
                    StoreError::Fenced(_) => {
                        if let Some(fence) = &sent.fence {
                            self.leader.lost(fence);
                        }
                    }
                    error if error.is_temporary() => {
                        if self.spool.is_empty() {
                            tracing::warn!("{error}; packets go to the spool");
                        }
                        self.rest();
                    }
                    error => {
                        tracing::error!("packets could not be kept and wait in the spool: {error}");
                        self.rest();
                    }
                }
                if let Going::Work(work) = sent.going {
                    self.push(&work.records);
                }
            }
        }
    }

    fn rest(&mut self) {
        self.rest_until = Some(Instant::now() + self.backoff.next_wait());
    }

    /// Memory is for moments: what waits longer goes to the disk.
    fn spill(&mut self) {
        if self.backlog.len() > BACKLOG || self.rest_until.is_some() {
            self.spill_all();
        }
    }

    fn spill_all(&mut self) {
        while let Some(work) = self.backlog.pop_front() {
            self.push(&work.records);
        }
    }

    fn push(&mut self, records: &[Record]) {
        let pushed = tokio::task::block_in_place(|| self.spool.push(records));
        match pushed {
            Ok(()) => {
                self.figures.spooled.fetch_add(records.len() as u64, Ordering::Relaxed);
                if std::mem::replace(&mut self.refusing, false) {
                    tracing::info!("the spool takes packets again");
                    self.figures.note(None);
                    self.disk = None;
                }
            }
            Err(error) => {
                if self.ending {
                    self.counters.lose_at_the_end(records.len());
                } else {
                    self.counters.refused(records.len());
                }
                if !std::mem::replace(&mut self.refusing, true) {
                    tracing::error!("packets are lost until this ends: {error}");
                }
                self.figures.note(Some(error.to_string()));
                self.disk = Some(sentence(&error));
            }
        }
    }

    fn sync(&mut self) {
        match tokio::task::block_in_place(|| self.spool.sync()) {
            Ok(()) if !self.refusing => self.disk = None,
            Ok(()) => {}
            Err(error) => {
                let trouble = sentence(&error);
                if self.disk.as_ref() != Some(&trouble) {
                    tracing::error!("{trouble}");
                }
                self.disk = Some(trouble);
            }
        }
    }

    /// Says to operators what is wrong with the database and with the spool's disk.
    fn report(&self) {
        let away =
            self.database.trouble().map(|trouble| format!("{trouble}; what is received waits in the spool, see that the database answers"));
        self.health.report(Part::Database, away, now_us());
        self.health.report(Part::Disk, self.disk.clone(), now_us());
    }

    fn tell(&self) {
        self.figures.packets.store(self.spool.len(), Ordering::Relaxed);
        self.figures.bytes.store(self.spool.bytes(), Ordering::Relaxed);
        self.figures.damaged.store(self.spool.damaged(), Ordering::Relaxed);
    }
}

/// Waits for what is under way; for ever if nothing is.
async fn answered(sent: Option<&mut Sent>) -> Result<Appended, StoreError> {
    match sent {
        Some(sent) => match (&mut sent.answer).await {
            Ok(kept) => kept,
            Err(error) => Err(StoreError::Database { at: "that was configured".to_owned(), why: error.to_string() }),
        },
        None => std::future::pending().await,
    }
}
