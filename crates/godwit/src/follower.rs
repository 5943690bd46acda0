//! The world of a replica beside others: filled from the store, then by the bus; by the store when the bus has a gap,
//! is away, or is not there (docs/adr/0007).

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use godwit_flow::{Stop, now_us};
use godwit_live::{
    Live,
    bus::{Bus, Event, Message},
};
use godwit_pipeline::{EntityChange, changes_again};
use godwit_store::{Store, StoreError, StoredPacket};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, interval, timeout},
};

use crate::{
    clock::{APART_US, Clock},
    database::Database,
    intake::Rate,
    leader::Role,
};

/// The store is asked this often while it is followed.
const POLL: Duration = Duration::from_millis(500);

/// A position in the store is noted this often while the bus is followed.
const NOTE: Duration = Duration::from_secs(5);

/// What the bus brings late is in the store at most so long: where following begins, and how long it goes on after the
/// bus is whole again.
const OVERLAP: Duration = Duration::from_secs(10);

/// Packets of one answer.
const PAGE: usize = 2000;

/// A bus that is silent for so long has nothing older for us.
const QUIET: Duration = Duration::from_secs(1);

/// How the world is followed, and what the status tells of it.
#[derive(Debug)]
pub(crate) struct Progress {
    filled: AtomicBool,
    /// The bus was read up to now, or is away.
    caught_up: AtomicBool,
    by_bus: AtomicU64,
    by_store: AtomicU64,
    /// Messages of the bus whose time cannot be right.
    refused: AtomicU64,
    /// From the receipt of the newest packet of the bus to its arrival here, milliseconds.
    bus_lag_ms: AtomicI64,
    /// The store is followed until then; `None`: for ever.
    until: Mutex<Option<Instant>>,
    following: AtomicBool,
}

impl Progress {
    pub(crate) fn new(bus: bool) -> Self {
        Self {
            filled: AtomicBool::new(false),
            caught_up: AtomicBool::new(!bus),
            by_bus: AtomicU64::new(0),
            by_store: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            bus_lag_ms: AtomicI64::new(0),
            until: Mutex::new(bus.then(Instant::now)),
            following: AtomicBool::new(!bus),
        }
    }

    /// Whether the world has what the store and the bus have.
    pub(crate) fn complete(&self) -> bool {
        self.filled.load(Ordering::Relaxed) && self.caught_up.load(Ordering::Relaxed)
    }

    pub(crate) fn json(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "filled": self.filled.load(Ordering::Relaxed), "follows": if self.following.load(Ordering::Relaxed) { "store" } else { "bus" },
            "by_bus": read(&self.by_bus), "by_store": read(&self.by_store),
            "refused": read(&self.refused), "bus_lag_ms": self.bus_lag_ms.load(Ordering::Relaxed)
        })
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow_store_for(&self, time: Duration) {
        if let Some(until) = self.until().as_mut() {
            *until = (*until).max(Instant::now() + time);
        }
    }

    fn follow_store(&self) {
        *self.until() = None;
    }

    fn store_wanted(&self) -> bool {
        self.until().is_none_or(|until| Instant::now() < until)
    }
}

/// What follows.
pub(crate) struct Follower {
    pub(crate) database: Arc<Database>,
    pub(crate) live: Arc<Live>,
    pub(crate) role: watch::Receiver<Role>,
    pub(crate) progress: Arc<Progress>,
    /// How long a silent entity stays, microseconds.
    pub(crate) age_us: i64,
    /// When something came by the bus.
    pub(crate) heard_us: Arc<AtomicI64>,
    pub(crate) clock: Arc<Clock>,
}

impl Follower {
    /// Follows the bus until told to stop. It subscribes before the store is read.
    pub(crate) async fn follow_bus(self: Arc<Self>, bus: Arc<dyn Bus>, subscribed: watch::Sender<bool>, stop: Stop) {
        let Some(mut subscription) = stop.or(bus.subscribe(None)).await else { return };
        subscribed.send_replace(true);
        let (began_us, mut rate) = (now_us(), Rate::default());
        loop {
            let caught_up = self.progress.caught_up.load(Ordering::Relaxed);
            let event = match stop.or(timeout(if caught_up { Duration::from_secs(3600) } else { QUIET }, subscription.next())).await {
                None => return,
                Some(Err(_)) => {
                    self.progress.caught_up.store(true, Ordering::Relaxed);
                    continue;
                }
                Some(Ok(event)) => event,
            };
            match event {
                Event::Batch(_, messages) => self.take(&messages, began_us, &mut rate),
                Event::Gap(reason) => {
                    tracing::info!(?reason, "the bus has a gap: the store is followed for a while");
                    self.progress.follow_store_for(OVERLAP);
                }
                Event::Down(why) => {
                    tracing::warn!("the bus is away, the store is followed instead: {why}");
                    self.progress.follow_store();
                    self.progress.caught_up.store(true, Ordering::Relaxed);
                }
                Event::Up => {
                    tracing::info!("the bus is back");
                    *self.progress.until() = Some(Instant::now() + OVERLAP);
                }
            }
        }
    }

    fn take(&self, messages: &[Message], began_us: i64, rate: &mut Rate) {
        let now_us = now_us();
        let in_time: Vec<&Message> = messages.iter().filter(|message| self.believes(message, now_us)).collect();
        let Some(newest) = in_time.last() else { return };
        self.heard_us.store(now_us, Ordering::Relaxed);
        if newest.received_at_us >= began_us - 1_000_000 {
            self.progress.caught_up.store(true, Ordering::Relaxed);
        }
        // Whoever ingests knows its own; what another one published before is in the store.
        if self.role.borrow().leads() {
            return;
        }
        self.progress.bus_lag_ms.store((now_us - newest.received_at_us) / 1000, Ordering::Relaxed);
        self.progress.by_bus.fetch_add(in_time.len() as u64, Ordering::Relaxed);
        let oldest_us = now_us - self.age_us;
        for message in in_time.into_iter().filter(|message| message.received_at_us >= oldest_us) {
            self.live.apply(&message.changes());
            if let Some(per_minute) = rate.count(message.received_at_us) {
                self.live.set_packets_per_minute(per_minute);
            }
        }
    }

    /// Whether a message's time may be right: what the bus held before this replica subscribed may be of any time before,
    /// what came since is at most [`APART_US`] away from now. Others are counted and left out.
    fn believes(&self, message: &Message, now_us: i64) -> bool {
        let at_us = message.received_at_us;
        let oldest_us = if self.progress.caught_up.load(Ordering::Relaxed) { now_us - APART_US } else { 0 };
        let believed = (oldest_us..=now_us + APART_US).contains(&at_us);
        if !believed && self.progress.refused.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(received_at_us = at_us, "the bus carries packets whose time cannot be right: they are left out and counted");
        }
        believed
    }

    /// Fills the world, then follows the store when it is wanted, until told to stop. The bus must be subscribed to.
    pub(crate) async fn follow_store(self: Arc<Self>, mut subscribed: watch::Receiver<bool>, stop: Stop) {
        let ready = async {
            let _ = subscribed.wait_for(|subscribed| *subscribed).await;
            self.database.opened().await;
        };
        if stop.or(ready).await.is_none() {
            return;
        }
        let mut place: Option<Place> = None;
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut failing = false;
        while stop.or(poll.tick()).await.is_some() {
            let Some(step) = stop.or(self.step(&mut place)).await else { return };
            match step {
                Ok(()) => failing = false,
                Err(error) if !std::mem::replace(&mut failing, true) => tracing::warn!("the store cannot be followed: {error}"),
                Err(_) => {}
            }
        }
    }

    async fn step(&self, place: &mut Option<Place>) -> Result<(), StoreError> {
        let Some(place) = place else {
            let position = self.database.follow(None, 1).await?.position;
            self.fill().await?;
            *place = Some(Place { position, notes: VecDeque::from([(Instant::now(), position)]) });
            return Ok(());
        };
        let wanted = self.progress.store_wanted();
        let before = self.progress.following.swap(wanted, Ordering::Relaxed);
        if wanted && !before {
            place.go_back();
        }
        // Once more after it is no longer wanted.
        if wanted || before {
            self.follow(place).await.inspect_err(|_| self.progress.following.store(true, Ordering::Relaxed))
        } else {
            place.note(&self.database).await
        }
    }

    async fn fill(&self) -> Result<(), StoreError> {
        // The answer sets the time of this process right, if the database was not there at the start.
        let _ = self.clock.look(&*self.database).await?;
        let filled_us = self.clock.stored_now_us();
        let states = self.database.entities(filled_us - self.age_us).await?;
        tracing::info!(entities = states.len(), "the live map is filled from the store");
        self.live.fill(states, filled_us);
        self.progress.filled.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn follow(&self, place: &mut Place) -> Result<(), StoreError> {
        loop {
            let followed = self.database.follow(Some(place.position), PAGE).await?;
            if followed.gap {
                // Away for hours: what cannot be followed any more is in the latest state.
                self.fill().await?;
            }
            place.moved_to(followed.position);
            self.apply(&followed.packets);
            if followed.packets.len() < PAGE / 2 {
                return Ok(());
            }
        }
    }

    fn apply(&self, packets: &[StoredPacket]) {
        let now_us = now_us();
        let believed = now_us - self.age_us..=now_us + APART_US;
        for packet in packets.iter().filter(|packet| packet.verdict != "bad" && believed.contains(&packet.received_at_us)) {
            let changes = changes_again(packet.received_at_us, &packet.raw, packet.verdict == "accepted");
            let news: Vec<EntityChange> = changes.into_iter().filter(|change| self.is_news(change)).collect();
            if !news.is_empty() {
                self.live.apply(&news);
                self.progress.by_store.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Whether a change changes anything: viewers are not told again what the bus brought already.
    fn is_news(&self, change: &EntityChange) -> bool {
        self.live.get(&change.key).is_none_or(|known| {
            // A known time that lies in the future is a wrong one: what comes now is news.
            if known.last_heard_us > now_us() + APART_US {
                return true;
            }
            let mut after = known.clone();
            after.apply(change);
            after.last_heard_us > known.last_heard_us || after.position.map(|(at_us, ..)| at_us) != known.position.map(|(at_us, ..)| at_us)
        })
    }
}

/// Where following goes on, and where it would begin after a gap.
struct Place {
    position: i64,
    /// Positions and when they were the newest; the first is at least [`OVERLAP`] old, if we are that old.
    notes: VecDeque<(Instant, i64)>,
}

impl Place {
    fn go_back(&mut self) {
        self.position = self.notes.front().map_or(self.position, |(_, position)| *position);
    }

    fn moved_to(&mut self, position: i64) {
        self.position = position;
        self.keep(position);
    }

    fn keep(&mut self, position: i64) {
        if self.notes.back().is_none_or(|(at, _)| at.elapsed() >= NOTE) {
            self.notes.push_back((Instant::now(), position));
        }
        while self.notes.get(1).is_some_and(|(at, _)| at.elapsed() >= OVERLAP) {
            self.notes.pop_front();
        }
    }

    async fn note(&mut self, database: &Database) -> Result<(), StoreError> {
        if self.notes.back().is_none_or(|(at, _)| at.elapsed() >= NOTE) {
            let position = database.follow(None, 1).await?.position;
            self.moved_to(position);
        }
        Ok(())
    }
}
