//! The live side of a replica: the world behind a lock, the tick, and what viewers and the API ask.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use godwit_pipeline::{EntityChange, EntityKey, EntityState};
use tokio::sync::watch;

use crate::{
    Area, DENSITY_GRID, Found, Near, TileAddress,
    tile::{News, Tile},
    viewer::Viewer,
    wire,
    world::World,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Entities known.
    pub entities: u32,
    /// Viewers connected.
    pub viewers: u32,
}

/// What a tile answers over plain HTTP.
#[derive(Debug, Clone)]
pub enum TileAnswer {
    /// The whole tile, and what to call it (`EPOCH-SEQ`).
    Full(String, Vec<Bytes>),
    /// What changed since.
    Deltas(String, Vec<Bytes>),
    /// Nothing changed since.
    Nothing(String),
}

/// How long a tile is logged after the last viewer left: who comes back within it resumes.
const LINGER_US: i64 = 60_000_000;

/// The live side of a replica.
#[derive(Debug)]
pub struct Live {
    world: Mutex<World>,
    density: Mutex<(u32, Bytes)>,
    epoch: u64,
    limits: Limits,
    viewers: AtomicU32,
    packets_per_minute: AtomicU32,
    tick: watch::Sender<u64>,
}

impl Live {
    /// The tick: 250 ms.
    pub const TICK_MS: u16 = 250;

    /// An empty world. `now_us` makes the epoch: ids and sequence numbers hold within it.
    #[must_use]
    pub fn new(limits: Limits, now_us: i64) -> Arc<Self> {
        Arc::new(Self {
            world: Mutex::new(World::new(limits.entities)),
            density: Mutex::new((0, wire::density(0, now_us, DENSITY_GRID, &[]))),
            epoch: u64::try_from(now_us).unwrap_or(1),
            limits,
            viewers: AtomicU32::new(0),
            packets_per_minute: AtomicU32::new(0),
            tick: watch::Sender::new(0),
        })
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes states from the store.
    pub fn fill(&self, states: impl IntoIterator<Item = EntityState>) {
        let mut world = self.world();
        for state in states {
            world.fill(state);
        }
    }

    /// Follows packets.
    pub fn apply(&self, changes: &[EntityChange]) {
        let mut world = self.world();
        for change in changes {
            world.apply(change);
        }
    }

    /// Encodes what changed since the last tick, once, for tiles that are watched, and wakes the viewers. Wide views
    /// need no quick updates: level 3 moves each second tick of four, the density each twentieth (5 s).
    pub fn tick(&self, now_us: i64, number: u64) {
        let mut world = self.world();
        world.expire(now_us - self.limits.age_us);
        let due: Vec<TileAddress> = world.dirty.iter().filter(|address| address.level > 3 || number.is_multiple_of(4)).copied().collect();
        for address in due {
            world.dirty.remove(&address);
            let Some(mut tile) = world.tiles.remove(&address) else {
                continue;
            };
            step(&world, address, &mut tile, now_us);
            let idle = tile.members.is_empty() && tile.watched_until_us < now_us;
            if !idle || tile.seq > 0 {
                world.tiles.insert(address, tile);
            }
        }
        if number.is_multiple_of(20) && std::mem::take(&mut world.density_changed) {
            let mut density = self.density.lock().unwrap_or_else(PoisonError::into_inner);
            let seq = density.0 + 1;
            *density = (seq, wire::density(seq, now_us, DENSITY_GRID, &world.density));
        }
        drop(world);
        self.tick.send_replace(number);
    }

    /// A viewer, if there is room for one more.
    #[must_use]
    pub fn viewer(self: &Arc<Self>) -> Option<Viewer> {
        let full = self
            .viewers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |viewers| (viewers < self.limits.viewers).then_some(viewers + 1))
            .is_err();
        (!full).then(|| Viewer::new(self.clone(), self.tick.subscribe()))
    }

    pub(crate) fn viewer_left(&self) {
        self.viewers.fetch_sub(1, Ordering::Relaxed);
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

    pub(crate) fn packets_per_minute(&self) -> u32 {
        self.packets_per_minute.load(Ordering::Relaxed)
    }

    /// How much there is.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures { entities: u32::try_from(self.world().len()).unwrap_or(u32::MAX), viewers: self.viewers.load(Ordering::Relaxed) }
    }

    /// Entities with a position in an area, heard since a time.
    #[must_use]
    pub fn within(&self, area: &Area, since_us: i64, limit: usize) -> Found {
        self.world().within(area, since_us, limit)
    }

    /// The state of an entity.
    #[must_use]
    pub fn get(&self, key: &EntityKey) -> Option<EntityState> {
        self.world().get(key).cloned()
    }

    /// Entities whose name fits a text: a name, a beginning or part of it, or a pattern with `*` and `?`.
    #[must_use]
    pub fn search(&self, text: &str, limit: usize) -> Vec<EntityState> {
        self.world().search(text, limit)
    }

    /// The entities nearest to a point (degrees), nearest first.
    #[must_use]
    pub fn nearest(&self, latitude: f64, longitude: f64, limit: usize) -> Vec<Near> {
        self.world().nearest(latitude, longitude, limit)
    }

    /// What a tile has beyond what is known (`None`: nothing is known), as frames, with its sequence number.
    pub(crate) fn news(&self, address: TileAddress, known: Option<u32>, now_us: i64) -> (u32, Vec<Bytes>) {
        if address.level == 0 {
            let density = self.density.lock().unwrap_or_else(PoisonError::into_inner);
            return (density.0, if known == Some(density.0) { Vec::new() } else { vec![density.1.clone()] });
        }
        let mut world = self.world();
        let tile = world.tiles.entry(address).or_default();
        tile.watched_until_us = now_us + LINGER_US;
        match known.map_or(News::Gap, |seq| tile.since(seq)) {
            News::Nothing => return (tile.seq, Vec::new()),
            News::Deltas(deltas) => return (tile.seq, deltas),
            News::Gap => {}
        }
        // What waits for the next tick would be in the snapshot and again in the next delta, which does no harm.
        let seq = tile.seq;
        if let Some((at, bytes)) = &tile.snapshot
            && *at == seq
        {
            return (seq, vec![bytes.clone()]);
        }
        let members: Vec<u32> = tile.members.iter().copied().collect();
        let entities: Vec<(u32, &EntityState)> = members.iter().filter_map(|id| Some((*id, world.state(*id)?))).collect();
        let bytes = wire::snapshot(address, seq, &wire::batch(address.level, now_us, &entities, &[]));
        if let Some(tile) = world.tiles.get_mut(&address) {
            tile.snapshot = Some((seq, bytes.clone()));
        }
        (seq, vec![bytes])
    }

    /// The same over plain HTTP. `since` is epoch and sequence number of what the client has.
    #[must_use]
    pub fn tile(&self, address: TileAddress, since: Option<(u64, u32)>, now_us: i64) -> TileAnswer {
        let known = since.filter(|(epoch, _)| *epoch == self.epoch).map(|(_, seq)| seq);
        let (seq, frames) = self.news(address, known, now_us);
        let tag = format!("{:x}-{seq}", self.epoch);
        match (known, frames.is_empty()) {
            (Some(_), true) => TileAnswer::Nothing(tag),
            (Some(before), false) if before < seq && frames.first().is_some_and(|frame| frame.first() == Some(&3)) => {
                TileAnswer::Deltas(tag, frames)
            }
            _ => TileAnswer::Full(tag, frames),
        }
    }
}

/// Moves a tile's sequence number on by one and logs the delta if somebody watches.
fn step(world: &World, address: TileAddress, tile: &mut Tile, now_us: i64) {
    let from = tile.seq;
    tile.seq = tile.seq.wrapping_add(1);
    let changed = std::mem::take(&mut tile.changed);
    let removed: Vec<u32> = std::mem::take(&mut tile.removed).into_iter().collect();
    if tile.watched_until_us < now_us {
        tile.forget();
        return;
    }
    let entities: Vec<(u32, &EntityState)> = changed.iter().filter_map(|id| Some((*id, world.state(*id)?))).collect();
    tile.log(wire::delta(address, from, tile.seq, &wire::batch(address.level, now_us, &entities, &removed)));
}
