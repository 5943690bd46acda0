//! The latest state of every entity, and the tiles that hold them. Owner: [`crate::Live`], behind its lock.
//! Bound: a number of entities and an age; whoever was silent longest leaves first.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::{Bound, Deref},
    sync::Arc,
};

use godwit_pipeline::{BeaconInterval, EntityChange, EntityKey, EntityState, Fix};

use crate::{
    DENSITY_GRID, LEVELS, TileAddress,
    address::{locate, mercator},
    tile::Tile,
    wire::Row,
};

/// A box on the globe, degrees; `west > east` crosses the date line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Degrees east, -180..=180.
    pub west: f64,
    /// Degrees north, -90..=90.
    pub south: f64,
    /// Degrees east, -180..=180.
    pub east: f64,
    /// Degrees north, -90..=90.
    pub north: f64,
}

impl Area {
    /// Whether a point lies in it.
    #[must_use]
    pub fn contains(&self, latitude: f64, longitude: f64) -> bool {
        let between = if self.west <= self.east {
            (self.west..=self.east).contains(&longitude)
        } else {
            longitude >= self.west || longitude <= self.east
        };
        between && (self.south..=self.north).contains(&latitude)
    }
}

/// A page of the entities in an area.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Their states, in the order of their keys.
    pub states: Vec<EntityState>,
    /// Where the next page goes on: after this key. `None`: this page is the last one. A page may be short, or empty, and
    /// not be the last one.
    pub next: Option<EntityKey>,
    /// Entities that were looked at.
    pub looked_at: usize,
}

#[derive(Debug)]
struct Entity {
    state: EntityState,
    interval: BeaconInterval,
    /// Web Mercator of the position.
    point: (f64, f64),
    /// The tile of each of [`LEVELS`] that shows it.
    shown: Option<[TileAddress; 4]>,
    cell: usize,
    /// Last heard, as the tiles were told.
    told_us: i64,
    /// When it was heard last, by steady time.
    steady_us: i64,
}

/// A watched tile and what happened in it since its last step.
#[derive(Debug)]
struct Watched {
    tile: Arc<Tile>,
    changed: BTreeSet<u32>,
    removed: BTreeSet<u32>,
    /// When the packet was heard that waits longest for the next step.
    heard_us: i64,
}

/// A step of a tile, to be encoded once the world is free again.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) tile: Arc<Tile>,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) heard_us: i64,
    pub(crate) rows: Vec<Row>,
    pub(crate) removed: Box<[u32]>,
}

#[derive(Debug)]
pub(crate) struct World {
    /// In order: lists are paged by key.
    ids: BTreeMap<EntityKey, u32>,
    entities: HashMap<u32, Entity>,
    /// Who was heard when, by steady time: a clock that is set makes nobody older.
    by_age: BTreeSet<(i64, u32)>,
    /// The clock and steady time at the last tick.
    now_us: i64,
    steady_us: i64,
    /// Who is in a tile; a tile without members has no entry.
    members: HashMap<TileAddress, BTreeSet<u32>>,
    /// Tiles that somebody watches, or watched until a while ago.
    watched: HashMap<TileAddress, Watched>,
    dirty: HashSet<TileAddress>,
    pub(crate) density: Vec<u32>,
    pub(crate) density_changed: bool,
    /// Counts the ticks in which something changed; the sequence number of a tile is that of its last step.
    seq: u32,
    next_id: u32,
    max_entities: usize,
}

/// Rows copied out of the world while it is locked.
pub(crate) const ROWS_AT_A_TIME: usize = 2048;

/// Entities looked at, or copied out, while the world is locked by somebody who looks at many.
pub(crate) const LOOKED_AT_A_TIME: usize = 512;

/// Entities that one page of an area looks at.
const MOST_LOOKED_AT: usize = 50_000;

/// Members of tiles that are listed while the world is locked: where there are more, all entities are looked at instead,
/// some at a time.
pub(crate) const MOST_LISTED: usize = 20_000;

/// Entities that leave for their age in one tick at most: the others wait, so that the lock is held for a short time.
const MOST_EXPIRED: usize = 500;

/// A packet that says no more than that an entity lives is told when so long has passed since the tiles were told last.
const HEARD_AGAIN_US: i64 = 30_000_000;

impl World {
    /// An empty one, made at this time; steady time is counted from it.
    pub(crate) fn new(max_entities: usize, now_us: i64) -> Self {
        Self {
            ids: BTreeMap::new(),
            entities: HashMap::new(),
            by_age: BTreeSet::new(),
            now_us,
            steady_us: now_us,
            members: HashMap::new(),
            watched: HashMap::new(),
            dirty: HashSet::new(),
            density: vec![0; usize::from(DENSITY_GRID) * usize::from(DENSITY_GRID)],
            density_changed: false,
            seq: 1,
            next_id: 1,
            max_entities,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entities.len()
    }

    /// Tiles that somebody watches or watched until a while ago.
    pub(crate) fn watched(&self) -> impl Iterator<Item = &Arc<Tile>> {
        self.watched.values().map(|watched| &watched.tile)
    }

    pub(crate) fn state(&self, id: u32) -> Option<&EntityState> {
        self.entities.get(&id).map(|entity| &entity.state)
    }

    /// All entities after this key, in the order of their keys.
    pub(crate) fn after(&self, key: Option<EntityKey>) -> impl Iterator<Item = &EntityState> {
        let from = key.map_or(Bound::Unbounded, Bound::Excluded);
        self.ids.range((from, Bound::Unbounded)).filter_map(|(_, id)| self.state(*id))
    }

    pub(crate) fn get(&self, key: &EntityKey) -> Option<&EntityState> {
        self.state(*self.ids.get(key)?)
    }

    /// Takes a state from the store that is `as_of_us` now; what is known already and newer stays. A time that lies in the
    /// future is brought back.
    pub(crate) fn fill(&mut self, mut state: EntityState, as_of_us: i64) {
        if state.last_heard_us > as_of_us.saturating_add(EntityState::FUTURE_US) {
            state.bring_back(as_of_us);
        }
        let steady_us = self.steady_us - (as_of_us.saturating_sub(state.last_heard_us)).max(0);
        let known = self.ids.get(&state.key).copied().and_then(|id| Some((id, self.entities.get_mut(&id)?)));
        let Some((id, entity)) = known else {
            self.insert(state, steady_us);
            self.make_room();
            return;
        };
        let heard_us = state.last_heard_us;
        if entity.state.last_heard_us < heard_us {
            entity.state = state;
            let before_us = std::mem::replace(&mut entity.steady_us, steady_us);
            self.by_age.remove(&(before_us, id));
            self.by_age.insert((steady_us, id));
            self.show(id, heard_us);
        }
    }

    /// When something was heard, by steady time: not in the future, and as long ago as the clock says.
    fn steady(&self, heard_us: i64) -> i64 {
        self.steady_us.saturating_sub(self.now_us.saturating_sub(heard_us).max(-EntityState::FUTURE_US))
    }

    pub(crate) fn apply(&mut self, change: &EntityChange) {
        let steady_us = self.steady(change.heard_at_us);
        let now_us = self.now_us;
        let Some(id) = self.ids.get(&change.key).copied() else {
            self.insert(EntityState::new(change), steady_us);
            self.make_room();
            return;
        };
        let Some(entity) = self.entities.get_mut(&id) else {
            return;
        };
        let before_us = entity.state.last_heard_us;
        let fix = drawn(&entity.state).copied();
        entity.interval.hear(change.heard_at_us.saturating_sub(before_us), change.fix.is_some());
        entity.state.apply_at(change, now_us);
        let heard_us = entity.state.last_heard_us;
        // It may be earlier than before: the clock was ahead when it was heard last.
        entity.told_us = entity.told_us.min(heard_us);
        if steady_us > entity.steady_us {
            self.by_age.remove(&(entity.steady_us, id));
            self.by_age.insert((steady_us, id));
            entity.steady_us = steady_us;
        }
        if drawn(&entity.state).copied() != fix || heard_us - entity.told_us >= HEARD_AGAIN_US {
            self.show(id, change.heard_at_us);
        }
    }

    /// Notes the time of the clock and steady time, and lets those go that were silent for longer than this.
    pub(crate) fn expire(&mut self, now_us: i64, steady_us: i64, age_us: i64) {
        (self.now_us, self.steady_us) = (now_us, steady_us);
        let before_us = steady_us.saturating_sub(age_us);
        for _ in 0..MOST_EXPIRED {
            match self.by_age.first().copied() {
                Some((heard_us, id)) if heard_us < before_us => self.remove(id),
                _ => break,
            }
        }
    }

    fn make_room(&mut self) {
        while self.entities.len() > self.max_entities
            && let Some((_, id)) = self.by_age.first().copied()
        {
            self.remove(id);
        }
    }

    fn insert(&mut self, state: EntityState, steady_us: i64) {
        let (id, heard_us) = (self.next_id, state.last_heard_us);
        self.next_id += 1;
        self.ids.insert(state.key, id);
        self.by_age.insert((steady_us, id));
        let interval = BeaconInterval::default();
        self.entities.insert(id, Entity { state, interval, point: (0.0, 0.0), shown: None, cell: 0, told_us: heard_us, steady_us });
        self.show(id, heard_us);
    }

    fn remove(&mut self, id: u32) {
        self.hide(id, i64::MAX);
        if let Some(entity) = self.entities.remove(&id) {
            self.by_age.remove(&(entity.steady_us, id));
            self.ids.remove(&entity.state.key);
        }
    }

    /// Puts an entity into the tiles where its state says that it is. `heard_us`: the packet that says so.
    fn show(&mut self, id: u32, heard_us: i64) {
        let Some(entity) = self.entities.get_mut(&id) else {
            return;
        };
        entity.told_us = entity.state.last_heard_us;
        let Some(point) = drawn(&entity.state).map(|fix| mercator(fix.latitude, fix.longitude)) else {
            self.hide(id, heard_us);
            return;
        };
        entity.point = point;
        let tiles = LEVELS.map(|level| locate(point, level).0);
        let grid = usize::from(DENSITY_GRID);
        let cell = (point.1 * grid as f64) as usize * grid + (point.0 * grid as f64) as usize;
        let before = entity.shown;
        if before != Some(tiles) || entity.cell != cell {
            self.hide(id, heard_us);
            if let Some(entity) = self.entities.get_mut(&id) {
                entity.shown = Some(tiles);
                entity.cell = cell;
            }
            self.density[cell] += 1;
            self.density_changed = true;
            for address in tiles {
                self.members.entry(address).or_default().insert(id);
            }
        }
        for address in tiles {
            if let Some(watched) = self.watched.get_mut(&address) {
                watched.changed.insert(id);
                watched.removed.remove(&id);
                watched.heard_us = watched.heard_us.min(heard_us);
                self.dirty.insert(address);
            }
        }
    }

    fn hide(&mut self, id: u32, heard_us: i64) {
        let Some(entity) = self.entities.get_mut(&id) else {
            return;
        };
        let Some(tiles) = entity.shown.take() else {
            return;
        };
        self.density[entity.cell] -= 1;
        self.density_changed = true;
        for address in tiles {
            if let Some(members) = self.members.get_mut(&address) {
                members.remove(&id);
                if members.is_empty() {
                    self.members.remove(&address);
                }
            }
            if let Some(watched) = self.watched.get_mut(&address) {
                watched.changed.remove(&id);
                watched.removed.insert(id);
                watched.heard_us = watched.heard_us.min(heard_us);
                self.dirty.insert(address);
            }
        }
    }

    /// The tile for somebody who will watch it.
    pub(crate) fn watch(&mut self, address: TileAddress, now_us: i64) -> Arc<Tile> {
        let watched = self.watched.entry(address).or_insert_with(|| Watched {
            tile: Arc::new(Tile::new(address, self.seq, now_us)),
            changed: BTreeSet::new(),
            removed: BTreeSet::new(),
            heard_us: i64::MAX,
        });
        watched.tile.watch(now_us);
        watched.tile.clone()
    }

    /// The tile for somebody who asks once: `None` if it has no members and nobody watches, so that asking for every
    /// address there is makes nothing.
    pub(crate) fn ask(&mut self, address: TileAddress, now_us: i64) -> Option<Arc<Tile>> {
        let exists = self.watched.contains_key(&address) || self.members.contains_key(&address);
        exists.then(|| self.watch(address, now_us))
    }

    /// Takes the steps of the tiles that changed and whose level moves on this tick.
    pub(crate) fn step(&mut self, moves: impl Fn(u8) -> bool) -> Vec<Due> {
        let due: Vec<TileAddress> = self.dirty.iter().filter(|address| moves(address.level)).copied().collect();
        if due.is_empty() {
            return Vec::new();
        }
        self.seq += 1;
        let mut steps = Vec::with_capacity(due.len());
        for address in due {
            self.dirty.remove(&address);
            let Some(watched) = self.watched.get_mut(&address) else {
                continue;
            };
            let changed = std::mem::take(&mut watched.changed);
            let removed = std::mem::take(&mut watched.removed);
            let heard_us = std::mem::replace(&mut watched.heard_us, i64::MAX);
            let tile = watched.tile.clone();
            let (from, to) = (tile.seq(), self.seq);
            steps.push(Due { rows: self.rows(address, changed), removed: removed.into_iter().collect(), tile, from, to, heard_us });
        }
        steps
    }

    /// The number of the density's next state.
    pub(crate) fn next_seq(&mut self) -> u32 {
        self.seq += 1;
        self.seq
    }

    /// Lets go of tiles that nobody watches any more. What changes in one of them from now on has no number, so it must
    /// not be made again with a number that somebody may hold of it.
    pub(crate) fn forget(&mut self, now_us: i64) {
        let before = self.watched.len();
        let latest_us = now_us.saturating_add(2 * Tile::LINGER_US);
        // Ours is one of the two owners when a viewer has the tile.
        // A time far ahead was written under a clock that has been set back.
        self.watched
            .retain(|_, watched| Arc::strong_count(&watched.tile) > 1 || (now_us..=latest_us).contains(&watched.tile.watched_until_us()));
        self.seq += u32::from(self.watched.len() < before);
        self.watched.shrink_to(self.watched.len() * 4);
    }

    /// What a tile says of these entities; those that are not in it are left out.
    fn rows(&self, address: TileAddress, ids: impl IntoIterator<Item = u32>) -> Vec<Row> {
        ids.into_iter().filter_map(|id| self.row(address, id)).collect()
    }

    fn row(&self, address: TileAddress, id: u32) -> Option<Row> {
        let entity = self.entities.get(&id)?;
        let fix = drawn(&entity.state)?;
        if !entity.shown?.contains(&address) {
            return None;
        }
        let (_, x, y) = locate(entity.point, address.level);
        Some(Row::new(id, &entity.state, fix, (x, y), entity.interval))
    }

    /// What leads from an older state of a tile to the present one: of the entities touched since then, those that are
    /// in it with their latest state, and the ids of those that are not. Who has left since the last step is told by the
    /// next one, together with where it went. `None` if so much of the tile was touched that a snapshot is shorter, or that
    /// the lock would be held for long (a snapshot is copied in parts).
    pub(crate) fn catch_up(&self, tile: &Tile, touched: &BTreeSet<u32>) -> Option<(Vec<Row>, Vec<u32>)> {
        let members = self.members.get(&tile.address).map_or(0, BTreeSet::len);
        if touched.len() > 32 && (touched.len() > members / 2 || touched.len() > ROWS_AT_A_TIME) {
            return None;
        }
        let leaving = self.watched.get(&tile.address).map(|watched| &watched.removed);
        let rows = self.rows(tile.address, touched.iter().copied());
        let there: BTreeSet<u32> = rows.iter().map(|row| row.id).collect();
        let gone = touched.difference(&there).filter(|id| leaving.is_none_or(|leaving| !leaving.contains(id))).copied().collect();
        Some((rows, gone))
    }

    /// The members of a tile.
    pub(crate) fn members(&self, address: TileAddress) -> Vec<u32> {
        self.members.get(&address).into_iter().flatten().copied().collect()
    }

    /// How many are in a tile.
    pub(crate) fn count_of(&self, address: TileAddress) -> usize {
        self.members.get(&address).map_or(0, BTreeSet::len)
    }

    /// What a tile says of some of its members.
    pub(crate) fn rows_of(&self, address: TileAddress, ids: &[u32], rows: &mut Vec<Row>) {
        rows.extend(ids.iter().filter_map(|id| self.row(address, *id)));
    }

    /// Members of the tiles that a small area lies in; `None` for a large one, or if they are many.
    fn members_within(&self, area: &Area) -> Option<Vec<u32>> {
        const LEVEL: u8 = 7;
        const MOST_TILES: usize = 256;
        let (west, north) = (locate(mercator(area.north, area.west), LEVEL).0, locate(mercator(area.south, area.east), LEVEL).0);
        let tiles = (usize::from(north.x.saturating_sub(west.x)) + 1) * (usize::from(north.y.saturating_sub(west.y)) + 1);
        if area.west > area.east || tiles > MOST_TILES {
            return None;
        }
        let addresses = (west.x..=north.x).flat_map(|x| (west.y..=north.y).map(move |y| TileAddress { level: LEVEL, x, y }));
        let sets: Vec<&BTreeSet<u32>> = addresses.filter_map(|address| self.members.get(&address)).collect();
        let count: usize = sets.iter().map(|set| set.len()).sum();
        (count <= MOST_LISTED).then(|| sets.into_iter().flatten().copied().collect())
    }
}

/// A page of the entities with a position in an area, heard since a time, in the order of their keys: at most `limit` of
/// those after a key. An entity that is in the area all the time is on exactly one page, whatever else comes and goes.
///
/// `world` locks the world anew for each step.
pub(crate) fn within<W: Deref<Target = World>>(
    world: impl Fn() -> W,
    area: &Area,
    since_us: i64,
    after: Option<EntityKey>,
    limit: usize,
) -> Found {
    let inside =
        |state: &EntityState| state.last_heard_us >= since_us && drawn(state).is_some_and(|fix| area.contains(fix.latitude, fix.longitude));
    let listed = world().members_within(area);
    let Some(members) = listed else { return within_all(world, inside, after, limit) };
    let mut found = Found { looked_at: members.len(), ..Found::default() };
    let mut keys = Vec::new();
    for ids in members.chunks(LOOKED_AT_A_TIME) {
        let world = world();
        let states = ids.iter().filter_map(|id| world.state(*id));
        keys.extend(states.filter(|state| inside(state) && Some(state.key) > after).map(|state| state.key));
    }
    keys.sort_unstable();
    if keys.len() > limit {
        keys.truncate(limit);
        found.next = keys.last().copied();
    }
    for keys in keys.chunks(LOOKED_AT_A_TIME) {
        let world = world();
        found.states.extend(keys.iter().filter_map(|key| world.get(key)).filter(|state| inside(state)).cloned());
    }
    found
}

/// As [`within`], of all entities.
fn within_all<W: Deref<Target = World>>(
    world: impl Fn() -> W,
    inside: impl Fn(&EntityState) -> bool,
    after: Option<EntityKey>,
    limit: usize,
) -> Found {
    let mut found = Found::default();
    let mut last = after;
    loop {
        let world = world();
        let mut looked_at = 0;
        for state in world.after(last).take(LOOKED_AT_A_TIME) {
            looked_at += 1;
            if inside(state) {
                if found.states.len() == limit {
                    found.next = last;
                    found.looked_at += looked_at;
                    return found;
                }
                found.states.push(state.clone());
            }
            last = Some(state.key);
        }
        found.looked_at += looked_at;
        if looked_at < LOOKED_AT_A_TIME {
            return found;
        }
        if found.looked_at >= MOST_LOOKED_AT {
            found.next = last;
            return found;
        }
    }
}

/// Where the map draws it: alive, with a position.
pub(crate) fn drawn(state: &EntityState) -> Option<&Fix> {
    state.position.as_ref().filter(|_| state.alive).map(|(_, fix, _)| fix)
}
