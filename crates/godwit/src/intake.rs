//! Lines in: from the feed through the pipeline, and by the role to the live side, the bus and the keeper, or into the
//! ring of a standby (docs/adr/0007).

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use godwit_feed::{AprsIs, FeedStatus, Login, Received, Timing};
use godwit_flow::{Gauge, Reader, Stop, Stopper, Tasks, now_us, queue};
use godwit_live::{
    Live,
    bus::{Bus, Message},
};
use godwit_pipeline::{EntityChange, Outcome, Pipeline, Record, Verdict};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, interval, sleep_until},
};

use crate::{
    database::Database,
    gauges::Stored,
    leader::{Leader, Role},
    ring::Ring,
};

/// Lines that may wait for the pipeline; when full, the feed's socket waits.
const QUEUE: usize = 10_000;

/// Records in a batch at most.
pub(crate) const BATCH_SIZE: usize = 1000;

/// How long a record waits for its batch at most.
const BATCH_AGE: Duration = Duration::from_millis(250);

/// We look at the time this often; much longer between two looks means that the process did not run.
const LOOK: Duration = Duration::from_millis(250);

/// So long without running, and another may have taken over meanwhile.
const ABSENT: Duration = Duration::from_secs(1);

/// So long, and what waits in the socket is received too late to be compared with what others kept.
const LATE: Duration = Duration::from_secs(5);

/// The bus counts as silent after so many microseconds: four batches a second are usual.
const SILENT_US: i64 = 3_000_000;

/// What went through since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    received: AtomicU64,
    stored: AtomicU64,
    duplicates: AtomicU64,
    implausible: AtomicU64,
    bad: AtomicU64,
    /// Not kept: the spool (or the waiting room of the embedded store) was full.
    refused: AtomicU64,
    /// Of those refused: while the program ended.
    lost_at_the_end: AtomicU64,
    /// Handed to the keeper of the embedded store and neither stored nor refused yet.
    waiting: AtomicU64,
    /// Batches and how long the store took.
    pub(crate) store: Stored,
}

impl Counters {
    pub(crate) fn json(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "received": read(&self.received), "stored": read(&self.stored), "duplicates": read(&self.duplicates),
            "implausible": read(&self.implausible), "bad": read(&self.bad), "refused": read(&self.refused)
        })
    }

    fn count(&self, verdict: Verdict) {
        self.received.fetch_add(1, Ordering::Relaxed);
        match verdict {
            Verdict::Duplicate => self.duplicates.fetch_add(1, Ordering::Relaxed),
            Verdict::Implausible(_) => self.implausible.fetch_add(1, Ordering::Relaxed),
            Verdict::Bad(_) => self.bad.fetch_add(1, Ordering::Relaxed),
            Verdict::Accepted => 0,
        };
    }

    pub(crate) fn stored(&self, records: &[Record]) {
        let good = records.iter().filter(|record| matches!(record.verdict, Verdict::Accepted | Verdict::Implausible(_))).count();
        self.stored.fetch_add(good as u64, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self, packets: usize) {
        self.refused.fetch_add(packets as u64, Ordering::Relaxed);
    }

    /// Counts packets that could not be kept before the program ended.
    pub(crate) fn lose_at_the_end(&self, packets: usize) {
        self.refused(packets);
        self.lost_at_the_end.fetch_add(packets as u64, Ordering::Relaxed);
    }

    /// Counts packets that the keeper of the embedded store has done with.
    pub(crate) fn settle(&self, packets: usize) {
        self.waiting.fetch_sub(packets as u64, Ordering::Relaxed);
    }

    /// Packets that are lost because the program ends now: they could not be stored, or still wait for it.
    pub(crate) fn lost_by_ending_now(&self) -> u64 {
        self.lost_at_the_end.load(Ordering::Relaxed) + self.waiting.load(Ordering::Relaxed)
    }

    /// Packets that were received and are lost.
    pub(crate) fn lost(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// What the keeper gets.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// In the order of arrival.
    pub(crate) records: Vec<Record>,
    pub(crate) changes: Vec<EntityChange>,
    /// Another replica may have kept them.
    pub(crate) compare: bool,
}

impl Work {
    fn push(&mut self, outcome: Outcome) {
        self.records.push(outcome.record);
        self.changes.extend(outcome.changes);
    }
}

/// What a replica does while another one ingests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standby {
    /// Holds a connection.
    Warm,
    /// Does not.
    Cold,
}

/// Where lines come from.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Servers and login while ingesting.
    pub(crate) main: (Vec<String>, watch::Receiver<Login>),
    /// The same while standing by.
    pub(crate) standby: (Vec<String>, watch::Receiver<Login>),
    pub(crate) timing: Timing,
    pub(crate) status: FeedStatus,
    /// Who notices when the connection's task fails.
    pub(crate) tasks: Tasks,
}

/// The name of a connection's task.
const FEED: &str = "feed";

impl Plan {
    fn connect(&self, leads: bool, figures: &Figures) -> Connection {
        let (servers, login) = if leads { self.main.clone() } else { self.standby.clone() };
        let feed = AprsIs { servers, login, timing: self.timing.clone(), status: self.status.clone() };
        let (lines, reader) = queue(QUEUE);
        figures.show_feed(Some(lines.gauge()));
        let stopper = Stopper::new(self.tasks.clone());
        stopper.essential(FEED, feed.run(lines, stopper.stop()));
        Connection { stopper, reader }
    }
}

struct Connection {
    /// Dropped first, so that the feed is told to end before nobody takes its lines.
    stopper: Stopper,
    reader: Reader<Received>,
}

impl Connection {
    /// Ends it; what waits in its queue can still be taken.
    async fn end(&self) {
        self.stopper.finish(Duration::from_secs(2)).await;
    }
}

/// What the status tells of the intake.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    ring: AtomicU64,
    ring_since_us: AtomicI64,
    absences: AtomicU64,
    /// The queue of the connection that there is.
    feed: Mutex<Option<Gauge>>,
}

impl Figures {
    /// Lines that wait for the pipeline, and how many may; who puts waits, so none is dropped.
    pub(crate) fn feed(&self) -> Option<(usize, usize, u64)> {
        let feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        feed.as_ref().map(|gauge| (usize::try_from(gauge.depth()).unwrap_or(usize::MAX), gauge.capacity(), 0))
    }

    fn show_feed(&self, gauge: Option<Gauge>) {
        *self.feed.lock().unwrap_or_else(PoisonError::into_inner) = gauge;
    }

    /// Packets in the ring and when the oldest of them was received; `None` without any.
    pub(crate) fn ring(&self) -> Option<(u64, i64)> {
        let packets = self.ring.load(Ordering::Relaxed);
        (packets > 0).then(|| (packets, self.ring_since_us.load(Ordering::Relaxed)))
    }

    /// Times that the process did not run for a while.
    pub(crate) fn absences(&self) -> u64 {
        self.absences.load(Ordering::Relaxed)
    }
}

/// What the intake works with.
pub(crate) struct Ports {
    pub(crate) live: Arc<Live>,
    pub(crate) role: watch::Receiver<Role>,
    /// With a database: who knows whether we lead.
    pub(crate) leader: Option<(Arc<Leader>, Arc<Database>)>,
    pub(crate) keeper: mpsc::Sender<Work>,
    pub(crate) publisher: Option<mpsc::Sender<Vec<Message>>>,
    /// When something came by the bus, microseconds since 1970 UTC.
    pub(crate) heard_us: Arc<AtomicI64>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) figures: Arc<Figures>,
}

/// The intake.
pub(crate) struct Intake {
    plan: Plan,
    standby: Standby,
    ports: Ports,
    role: Role,
    connection: Option<Connection>,
    pipeline: Pipeline,
    ring: Ring,
    batch: Work,
    messages: Vec<Message>,
    due: Option<Instant>,
    looked: Instant,
    rate: Rate,
}

impl Intake {
    pub(crate) fn new(plan: Plan, standby: Standby, ports: Ports) -> Self {
        let role = ports.role.borrow().clone();
        // A cold standby has no connection yet.
        plan.tasks.register(FEED);
        Self {
            plan,
            standby,
            ports,
            role,
            connection: None,
            pipeline: Pipeline::default(),
            ring: Ring::default(),
            batch: Work::default(),
            messages: Vec::new(),
            due: None,
            looked: Instant::now(),
            rate: Rate::default(),
        }
    }

    /// Takes lines until told to stop; then the feed is closed, and what it had received is handed on.
    pub(crate) async fn run(mut self, stop: Stop) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        self.connect_or_not().await;
        loop {
            let due = self.due;
            tokio::select! {
                biased;
                () = stop.wanted() => break,
                changed = self.ports.role.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.follow_role().await;
                }
                _ = look.tick() => drop(self.look().await),
                () = async { sleep_until(due.unwrap_or_else(Instant::now)).await }, if due.is_some() => self.flush().await,
                line = next(self.connection.as_mut()) => match line {
                    // The feed's task has failed: the program is about to end.
                    None => self.connection = None,
                    // A line that was received too late is another replica's.
                    Some(line) => if !self.look().await {
                        self.line(&line).await;
                    }
                }
            }
        }
        self.finish().await;
    }

    async fn finish(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            connection.end().await;
            while let Some(line) = connection.reader.take().await {
                self.line(&line).await;
            }
        }
        self.flush().await;
    }

    async fn connect_or_not(&mut self) {
        let wanted = self.role != Role::Standing || self.standby == Standby::Warm;
        match (&self.connection, wanted) {
            (None, true) => self.connection = Some(self.plan.connect(self.role.leads(), &self.ports.figures)),
            (Some(_), false) => self.disconnect().await,
            _ => {}
        }
    }

    /// Closes the connection and forgets what waits in it.
    async fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.end().await;
            self.ports.figures.show_feed(None);
        }
    }

    async fn follow_role(&mut self) {
        self.flush().await;
        let role = self.ports.role.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.role, role);
        if self.role.leads() && !before.leads() {
            tracing::info!(
                packets = self.ring.len(),
                before = before.as_str(),
                "taking over: what this replica received last is compared with what is kept"
            );
        }
        if self.role != Role::Standing {
            self.empty_ring().await;
        }
        self.connect_or_not().await;
    }

    /// Hands on what the standby received, to be compared with what is kept.
    async fn empty_ring(&mut self) {
        for outcome in self.ring.take() {
            if self.role.leads() {
                self.ports.counters.count(outcome.record.verdict);
            }
            if self.shows() {
                self.ports.live.apply(&outcome.changes);
            }
            self.batch.compare = true;
            self.batch.push(outcome);
            if self.batch.records.len() >= BATCH_SIZE {
                self.flush().await;
            }
        }
        self.flush().await;
        self.tell();
    }

    /// Whether what we receive goes to our own viewers: they may have nothing else.
    fn shows(&self) -> bool {
        match self.role {
            Role::Alone | Role::Leading(_) => true,
            Role::Standing => false,
            Role::CutOff => now_us() - self.ports.heard_us.load(Ordering::Relaxed) > SILENT_US,
        }
    }

    /// Notices that the process did not run: stopped, or its machine was. True if what waited in the socket is given up.
    async fn look(&mut self) -> bool {
        let absent = std::mem::replace(&mut self.looked, Instant::now()).elapsed();
        if absent < ABSENT {
            return false;
        }
        self.ports.figures.absences.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(seconds = format_args!("{:.1}", absent.as_secs_f64()), "this process did not run for a while");
        let given_up = match (&self.role, self.ports.leader.clone()) {
            // What waits in the socket gets the time of now; if another replica took over, it has it with the right one.
            (Role::Leading(_), Some((leader, database))) => !leader.confirm(&database).await,
            (Role::Standing, _) => absent >= LATE,
            _ => false,
        };
        if given_up {
            self.ring.clear();
            self.disconnect().await;
            self.follow_role().await;
        }
        self.looked = Instant::now();
        given_up
    }

    async fn line(&mut self, received: &Received) {
        let outcome = self.pipeline.accept(received.received_at_us, &received.line);
        if self.role == Role::Standing {
            self.ring.push(std::time::Instant::now(), outcome);
            self.tell();
            return;
        }
        self.ports.counters.count(outcome.record.verdict);
        if self.shows() {
            if let Some(per_minute) = self.rate.count(received.received_at_us) {
                self.ports.live.set_packets_per_minute(per_minute);
            }
            self.ports.live.apply(&outcome.changes);
        }
        if self.role.leads() && self.ports.publisher.is_some() {
            self.messages.extend(Message::of(&outcome));
        }
        self.batch.compare |= self.role == Role::CutOff;
        self.batch.push(outcome);
        self.due = self.due.or_else(|| Some(Instant::now() + BATCH_AGE));
        if self.batch.records.len() >= BATCH_SIZE {
            self.flush().await;
        }
    }

    /// Hands the batch on. The keeper takes it soon or refuses it; the publisher waits for Redis a bounded time.
    async fn flush(&mut self) {
        self.due = None;
        let messages = std::mem::take(&mut self.messages);
        if let Some(publisher) = self.ports.publisher.as_ref().filter(|_| !messages.is_empty()) {
            // It ends after us.
            let _ = publisher.send(messages).await;
        }
        let work = std::mem::take(&mut self.batch);
        if work.records.is_empty() {
            return;
        }
        if self.role == Role::Alone {
            // The live map does not wait for a disk.
            let packets = work.records.len();
            self.ports.counters.waiting.fetch_add(packets as u64, Ordering::Relaxed);
            if let Err(mpsc::error::TrySendError::Full(work)) = self.ports.keeper.try_send(work) {
                self.ports.counters.refused(work.records.len());
                self.ports.counters.settle(packets);
            }
        } else {
            let _ = self.ports.keeper.send(work).await;
        }
    }

    fn tell(&self) {
        self.ports.figures.ring.store(self.ring.len() as u64, Ordering::Relaxed);
        self.ports.figures.ring_since_us.store(self.ring.since_us().unwrap_or(0), Ordering::Relaxed);
    }
}

/// The next line; waits for ever without a connection.
async fn next(connection: Option<&mut Connection>) -> Option<Received> {
    match connection {
        Some(connection) => connection.reader.take().await,
        None => std::future::pending().await,
    }
}

/// Publishes what the intake hands on, in order, until it ends. Redis away costs each batch a bounded time; then the
/// breaker none.
pub(crate) async fn publish(bus: Arc<dyn Bus>, mut batches: mpsc::Receiver<Vec<Message>>) {
    let mut well = true;
    while let Some(batch) = batches.recv().await {
        match bus.publish(&batch).await {
            Ok(()) if !std::mem::replace(&mut well, true) => tracing::info!("batches reach the other replicas by the bus again"),
            Err(error) if std::mem::replace(&mut well, false) => tracing::warn!("{error}"),
            _ => {}
        }
    }
}

/// Packets of the last minute, in steps of five seconds.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    step: i64,
    now: u32,
    past: VecDeque<u32>,
}

impl Rate {
    const STEP_US: i64 = 5_000_000;
    const STEPS: usize = 12;

    /// Counts a packet; at the end of a step tells how many came in a minute.
    pub(crate) fn count(&mut self, at_us: i64) -> Option<u32> {
        let step = at_us / Self::STEP_US;
        let ended = self.step != 0 && step != self.step;
        if ended {
            self.past.push_back(std::mem::take(&mut self.now));
            if self.past.len() > Self::STEPS {
                self.past.pop_front();
            }
        }
        self.step = step;
        self.now += 1;
        let steps = u32::try_from(self.past.len()).unwrap_or(1);
        ended.then(|| self.past.iter().sum::<u32>() * 12 / steps.max(1))
    }
}
