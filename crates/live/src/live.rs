//! The live side of a replica: the world behind a lock, the tick, and what viewers and the API ask.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use bytes::{Bytes, BytesMut};
use godwit_pipeline::{EntityChange, EntityKey, EntityState};
use tokio::sync::watch;

use crate::{
    Area, DENSITY_GRID, Found, Near, TileAddress, find,
    latency::{Latency, LatencyReading},
    tile::{News, Step, Tile, TileMessage},
    viewer::Viewer,
    wire,
    world::{self, Due, ROWS_AT_A_TIME, World},
};

/// What the live side may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entities; the longest silent leave first.
    pub entities: usize,
    /// Microseconds after which a silent entity leaves.
    pub age_us: i64,
    /// Viewers at a time.
    pub viewers: u32,
}

/// How much there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Entities known.
    pub entities: u32,
    /// Viewers connected.
    pub viewers: u32,
    /// Tiles that somebody watches, or watched less than a minute ago.
    pub tiles: usize,
    /// Bytes of deltas that these keep.
    pub log_bytes: usize,
    /// Viewers that were closed because they did not read, since the start.
    pub viewers_closed_slow: u64,
    /// From a packet's arrival to the write to a viewer's socket.
    pub latency: LatencyReading,
}

/// What a tile answers over plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TileAnswer {
    /// The whole tile.
    Full(TileMessage),
    /// What changed since.
    Deltas(TileMessage),
    /// Nothing changed since; the `ETag` of its state.
    Nothing(Bytes),
}

/// Tiles of a level move together, wide views less often: a symbol there moves by less than a pixel in the meantime.
const EVERY: [(u8, u64); 5] = [(9, 1), (7, 1), (5, 2), (3, 4), (0, 20)];

/// States and packets taken into the world while it is locked: who brings many lets others in between.
const TAKEN_AT_A_TIME: usize = 256;

/// The sequence number of a tile that holds nothing and that nobody watches: no other tile has it.
const EMPTY: u32 = 0;

/// The live side of a replica.
#[derive(Debug)]
pub struct Live {
    world: Mutex<World>,
    density: Arc<Tile>,
    epoch: u64,
    limits: Limits,
    entities: AtomicU32,
    viewers: watch::Sender<u32>,
    packets_per_minute: AtomicU32,
    /// For those who watch level 7 or 9, level 5, and wider.
    ticks: [watch::Sender<u64>; 3],
    latency: Latency,
    closed_slow: AtomicU64,
}

impl Live {
    /// The tick: 250 ms.
    pub const TICK_MS: u16 = 250;

    /// An empty world. `now_us` makes the epoch: ids and sequence numbers hold within it.
    #[must_use]
    pub fn new(limits: Limits, now_us: i64) -> Arc<Self> {
        let address = TileAddress { level: 0, x: 0, y: 0 };
        let density = Tile::new(address, 1, now_us);
        density.replace(1, wire::density(1, now_us, DENSITY_GRID, &[]));
        Arc::new(Self {
            world: Mutex::new(World::new(limits.entities, now_us)),
            density: Arc::new(density),
            epoch: u64::try_from(now_us).unwrap_or(1),
            limits,
            entities: AtomicU32::new(0),
            viewers: watch::Sender::new(0),
            packets_per_minute: AtomicU32::new(0),
            ticks: std::array::from_fn(|_| watch::Sender::new(0)),
            latency: Latency::new(now_us),
            closed_slow: AtomicU64::new(0),
        })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, world: &World) {
        self.entities.store(u32::try_from(world.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Takes states from the store; their ages are those at `as_of_us`, microseconds since 1970 UTC: now, or the time of the
    /// newest of them if the clock is wrong.
    pub fn fill(&self, states: impl IntoIterator<Item = EntityState>, as_of_us: i64) {
        let mut states = states.into_iter().peekable();
        while states.peek().is_some() {
            let mut world = self.world();
            states.by_ref().take(TAKEN_AT_A_TIME).for_each(|state| world.fill(state, as_of_us));
            self.count(&world);
        }
    }

    /// Follows packets.
    pub fn apply(&self, changes: &[EntityChange]) {
        for changes in changes.chunks(TAKEN_AT_A_TIME) {
            let mut world = self.world();
            changes.iter().for_each(|change| world.apply(change));
            self.count(&world);
        }
    }

    /// Encodes what changed since the last tick, once, for tiles that are watched, and wakes the viewers. One task
    /// calls it, each [`Live::TICK_MS`], with the number of the tick. Who was silent for too long leaves by `steady_us`,
    /// microseconds of a clock that nobody sets, counted from the `now_us` of [`Live::new`]: when the other one jumps, nobody
    /// does.
    pub fn tick(&self, now_us: i64, steady_us: i64, number: u64) {
        let moves = |level| EVERY.iter().any(|(of, every)| *of == level && number.is_multiple_of(*every));
        let mut world = self.world();
        world.expire(now_us, steady_us, self.limits.age_us);
        let steps = world.step(moves);
        let mut density = None;
        if moves(0) {
            self.density.watch(now_us);
            world.forget(now_us);
            density = std::mem::take(&mut world.density_changed).then(|| (world.next_seq(), world.density.clone()));
        }
        self.count(&world);
        drop(world);
        for Due { tile, from, to, heard_us, rows, removed } in steps {
            let frame = wire::delta(tile.address, from, to, &wire::batch(now_us, &rows, &removed));
            let changed = rows.iter().map(|row| row.id).collect();
            tile.log(Step { from, to, at_us: now_us, heard_us, changed, removed, frame });
        }
        if let Some((seq, cells)) = density {
            self.density.replace(seq, wire::density(seq, now_us, DENSITY_GRID, &cells));
        }
        self.latency.turn(now_us);
        for (ticks, level) in self.ticks.iter().zip([9, 5, 3]) {
            if moves(level) {
                ticks.send_replace(number);
            }
        }
    }

    /// Ticks for whoever watches nothing finer than this level.
    pub(crate) fn ticks(&self, finest: u8) -> watch::Receiver<u64> {
        let [fine, middle, wide] = &self.ticks;
        match finest {
            7.. => fine,
            5..=6 => middle,
            _ => wide,
        }
        .subscribe()
    }

    /// A viewer, if there is room for one more.
    #[must_use]
    pub fn viewer(self: &Arc<Self>) -> Option<Viewer> {
        let room = self.viewers.send_if_modified(|viewers| {
            let room = *viewers < self.limits.viewers;
            *viewers += u32::from(room);
            room
        });
        room.then(|| Viewer::new(self.clone()))
    }

    pub(crate) fn viewer_left(&self) {
        self.viewers.send_modify(|viewers| *viewers = viewers.saturating_sub(1));
    }

    /// Waits until the last viewer has left.
    pub async fn deserted(&self) {
        // The sender is ours, so there is always an end to wait for.
        let _ = self.viewers.subscribe().wait_for(|viewers| *viewers == 0).await;
    }

    /// The epoch, as viewers name it.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Tells viewers how busy the network is.
    pub fn set_packets_per_minute(&self, packets: u32) {
        self.packets_per_minute.store(packets, Ordering::Relaxed);
    }

    pub(crate) fn pulse(&self, now_us: i64) -> Bytes {
        let entities = self.entities.load(Ordering::Relaxed);
        wire::pulse(now_us, *self.viewers.borrow(), entities, self.packets_per_minute.load(Ordering::Relaxed))
    }

    /// How long a packet took from our socket to a viewer's.
    pub(crate) fn note_latency(&self, latency_us: i64) {
        self.latency.note(latency_us);
    }

    /// Counts a viewer that was closed because it did not read.
    pub(crate) fn note_closed_slow(&self) {
        self.closed_slow.fetch_add(1, Ordering::Relaxed);
    }

    /// How much there is.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let (tiles, log_bytes) = {
            let world = self.world();
            world.watched().fold((0, 0), |(tiles, bytes), tile| (tiles + 1, bytes + tile.log_bytes()))
        };
        Figures {
            entities: self.entities.load(Ordering::Relaxed),
            viewers: *self.viewers.borrow(),
            tiles,
            log_bytes,
            viewers_closed_slow: self.closed_slow.load(Ordering::Relaxed),
            latency: self.latency.read(),
        }
    }

    /// A page of the entities with a position in an area, heard since a time, in the order of their keys: at most `limit`
    /// of those after a key. An entity that is in the area all the time is on exactly one page, whatever else comes and
    /// goes meanwhile. The world is locked for some entities at a time.
    #[must_use]
    pub fn within(&self, area: &Area, since_us: i64, after: Option<EntityKey>, limit: usize) -> Found {
        world::within(|| self.world(), area, since_us, after, limit)
    }

    /// The state of an entity.
    #[must_use]
    pub fn get(&self, key: &EntityKey) -> Option<EntityState> {
        self.world().get(key).cloned()
    }

    /// Entities whose name fits a text (a name, a beginning or part of it, or a pattern with `*` and `?`), at most
    /// `limit`; and how many fit in all.
    #[must_use]
    pub fn search(&self, text: &str, limit: usize) -> (Vec<EntityState>, usize) {
        find::search(|| self.world(), text, limit)
    }

    /// The entities nearest to a point (degrees), nearest first.
    #[must_use]
    pub fn nearest(&self, latitude: f64, longitude: f64, limit: usize) -> Vec<Near> {
        find::nearest(|| self.world(), latitude, longitude, limit)
    }

    /// The tiles of these addresses, for a viewer to hold.
    pub(crate) fn watch(&self, addresses: &[TileAddress], now_us: i64) -> Vec<Arc<Tile>> {
        let mut world = self.world();
        let tile = |address: &TileAddress| if address.level == 0 { self.density.clone() } else { world.watch(*address, now_us) };
        addresses.iter().map(tile).collect()
    }

    /// Pushes what a tile has beyond what is known (`None`: nothing is known) and returns its sequence number, and when
    /// the packet was heard that waited longest for it, if that can be told.
    pub(crate) fn news(&self, tile: &Tile, known: Option<u32>, now_us: i64, out: &mut Vec<Bytes>) -> (u32, Option<i64>) {
        if let Some(known) = known {
            match tile.since(known, out) {
                (seq, News::Nothing) => return (seq, None),
                (seq, News::Deltas(heard_us)) => return (seq, Some(heard_us)),
                (_, News::Behind) => {
                    if let Some((seq, frame, heard_us)) = self.catch_up(tile, known, now_us) {
                        out.push(frame);
                        return (seq, Some(heard_us));
                    }
                }
                (_, News::Gap) => {}
            }
        }
        (self.snapshot(tile, now_us, out), None)
    }

    /// One delta over all that was missed, with the latest state of each entity. `None`: a snapshot is shorter.
    fn catch_up(&self, tile: &Tile, known: u32, now_us: i64) -> Option<(u32, Bytes, i64)> {
        if let Some(made) = tile.catch_up(known) {
            return Some(made);
        }
        let world = self.world();
        let seq = tile.seq();
        let (touched, heard_us) = tile.touched_since(known)?;
        let (rows, gone) = world.catch_up(tile, &touched)?;
        drop(world);
        let frame = wire::delta(tile.address, known, seq, &wire::batch(now_us, &rows, &gone));
        tile.keep_catch_up(known, seq, &frame);
        Some((seq, frame, heard_us))
    }

    /// Pushes the kept snapshot and the few deltas since, or a new one, and returns the number it leads to.
    fn snapshot(&self, tile: &Tile, now_us: i64, out: &mut Vec<Bytes>) -> u32 {
        if let Some(seq) = tile.snapshot(out) {
            return seq;
        }
        let _alone = tile.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seq) = tile.snapshot(out) {
            return seq;
        }
        // What changes while the rows are copied is in the next delta as well, which does no harm.
        let (seq, members) = {
            let world = self.world();
            (tile.seq(), world.members(tile.address))
        };
        let mut rows = Vec::with_capacity(members.len());
        for ids in members.chunks(ROWS_AT_A_TIME) {
            self.world().rows_of(tile.address, ids, &mut rows);
        }
        let bytes = wire::snapshot(tile.address, seq, &wire::batch(now_us, &rows, &[]));
        tile.keep_snapshot(seq, bytes.clone());
        out.push(bytes);
        seq
    }

    /// What a tile has over plain HTTP. `since` is epoch and sequence number of what the client has.
    #[must_use]
    pub fn tile(&self, address: TileAddress, since: Option<(u64, u32)>, now_us: i64) -> TileAnswer {
        let known = since.filter(|(epoch, _)| *epoch == self.epoch).map(|(_, seq)| seq);
        let tile = if address.level == 0 { Some(self.density.clone()) } else { self.world().ask(address, now_us) };
        let Some(tile) = tile else {
            if known == Some(EMPTY) {
                return TileAnswer::Nothing(self.tag(EMPTY));
            }
            let empty = wire::snapshot(address, EMPTY, &wire::batch(now_us, &[], &[]));
            return TileAnswer::Full(self.message(EMPTY, &[empty], now_us));
        };
        let mut frames = Vec::new();
        match known.map(|known| tile.since(known, &mut frames)) {
            Some((seq, News::Nothing)) => return TileAnswer::Nothing(self.tag(seq)),
            Some((seq, News::Deltas(_))) => return TileAnswer::Deltas(self.message(seq, &frames, now_us)),
            Some((_, News::Behind)) => {
                if let Some((seq, frame, _)) = known.and_then(|known| self.catch_up(&tile, known, now_us)) {
                    return TileAnswer::Deltas(self.message(seq, &[frame], now_us));
                }
            }
            Some((_, News::Gap)) | None => {}
        }
        if let Some(message) = tile.whole() {
            return TileAnswer::Full(message);
        }
        let seq = self.snapshot(&tile, now_us, &mut frames);
        let message = self.message(seq, &frames, now_us);
        tile.keep_whole(seq, &message);
        TileAnswer::Full(message)
    }

    /// The name of a tile's state. Weak: the bytes of a state may differ by the time they were made at.
    fn tag(&self, seq: u32) -> Bytes {
        format!("W/\"{:x}-{seq}\"", self.epoch).into()
    }

    fn message(&self, seq: u32, frames: &[Bytes], now_us: i64) -> TileMessage {
        let hello = wire::hello(self.epoch, now_us, Self::TICK_MS, env!("CARGO_PKG_VERSION"));
        let mut body = BytesMut::with_capacity(1 + hello.len() + frames.iter().map(Bytes::len).sum::<usize>());
        body.extend_from_slice(&[wire::VERSION]);
        body.extend_from_slice(&hello);
        frames.iter().for_each(|frame| body.extend_from_slice(frame));
        TileMessage { tag: self.tag(seq), body: body.freeze() }
    }
}
