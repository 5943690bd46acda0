//! The latest state of every entity, and the tiles that hold them. Owner: [`crate::Live`], behind its lock.
//! Bound: a number of entities and an age; whoever was silent longest leaves first.

use std::collections::{BTreeSet, HashMap, HashSet};

use godwit_pipeline::{EntityChange, EntityKey, EntityState, Fix};

use crate::{
    DENSITY_GRID, LEVELS, TileAddress,
    address::{locate, mercator},
    tile::Tile,
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

/// Entities found, and whether there were more.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Their states.
    pub states: Vec<EntityState>,
    /// There were more than asked for.
    pub truncated: bool,
}

#[derive(Debug)]
struct Entity {
    state: EntityState,
    /// The tile of each of [`LEVELS`] that shows it.
    shown: Option<[TileAddress; 4]>,
    cell: usize,
}

#[derive(Debug)]
pub(crate) struct World {
    ids: HashMap<EntityKey, u32>,
    entities: HashMap<u32, Entity>,
    by_age: BTreeSet<(i64, u32)>,
    pub(crate) tiles: HashMap<TileAddress, Tile>,
    pub(crate) dirty: HashSet<TileAddress>,
    pub(crate) density: Vec<u32>,
    pub(crate) density_changed: bool,
    next_id: u32,
    max_entities: usize,
}

impl World {
    pub(crate) fn new(max_entities: usize) -> Self {
        Self {
            ids: HashMap::new(),
            entities: HashMap::new(),
            by_age: BTreeSet::new(),
            tiles: HashMap::new(),
            dirty: HashSet::new(),
            density: vec![0; usize::from(DENSITY_GRID) * usize::from(DENSITY_GRID)],
            density_changed: false,
            next_id: 1,
            max_entities,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entities.len()
    }

    pub(crate) fn state(&self, id: u32) -> Option<&EntityState> {
        self.entities.get(&id).map(|entity| &entity.state)
    }

    /// All keys with their ids, in no order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&EntityKey, u32)> {
        self.ids.iter().map(|(key, id)| (key, *id))
    }

    pub(crate) fn get(&self, key: &EntityKey) -> Option<&EntityState> {
        self.state(*self.ids.get(key)?)
    }

    /// Takes a state from the store; what is known already and newer stays.
    pub(crate) fn fill(&mut self, state: EntityState) {
        if let Some(id) = self.ids.get(&state.key).copied() {
            if self.state(id).is_some_and(|known| known.last_heard_us >= state.last_heard_us) {
                return;
            }
            self.remove(id);
        }
        self.insert(state);
        self.make_room();
    }

    pub(crate) fn apply(&mut self, change: &EntityChange) {
        let Some(id) = self.ids.get(&change.key).copied() else {
            self.insert(EntityState::new(change));
            self.make_room();
            return;
        };
        let Some(entity) = self.entities.get_mut(&id) else {
            return;
        };
        self.by_age.remove(&(entity.state.last_heard_us, id));
        entity.state.apply(change);
        self.by_age.insert((entity.state.last_heard_us, id));
        self.show(id);
    }

    /// Lets those go that were silent since before this time.
    pub(crate) fn expire(&mut self, before_us: i64) {
        while let Some((heard_us, id)) = self.by_age.first().copied()
            && heard_us < before_us
        {
            self.remove(id);
        }
    }

    fn make_room(&mut self) {
        while self.entities.len() > self.max_entities
            && let Some((_, id)) = self.by_age.first().copied()
        {
            self.remove(id);
        }
    }

    fn insert(&mut self, state: EntityState) {
        let id = self.next_id;
        self.next_id += 1;
        self.ids.insert(state.key, id);
        self.by_age.insert((state.last_heard_us, id));
        self.entities.insert(id, Entity { state, shown: None, cell: 0 });
        self.show(id);
    }

    fn remove(&mut self, id: u32) {
        self.hide(id);
        if let Some(entity) = self.entities.remove(&id) {
            self.by_age.remove(&(entity.state.last_heard_us, id));
            self.ids.remove(&entity.state.key);
        }
    }

    /// Puts an entity into the tiles where its state says that it is.
    fn show(&mut self, id: u32) {
        let Some(entity) = self.entities.get_mut(&id) else {
            return;
        };
        let Some(point) = drawn(&entity.state).map(|fix| mercator(fix.latitude, fix.longitude)) else {
            self.hide(id);
            return;
        };
        let tiles = LEVELS.map(|level| locate(point, level).0);
        let grid = usize::from(DENSITY_GRID);
        let cell = (point.1 * grid as f64) as usize * grid + (point.0 * grid as f64) as usize;
        if entity.shown != Some(tiles) {
            self.hide(id);
            if let Some(entity) = self.entities.get_mut(&id) {
                entity.shown = Some(tiles);
                entity.cell = cell;
                self.density[cell] += 1;
                self.density_changed = true;
            }
        } else if entity.cell != cell {
            self.density[entity.cell] -= 1;
            self.density[cell] += 1;
            entity.cell = cell;
            self.density_changed = true;
        }
        for address in tiles {
            let tile = self.tiles.entry(address).or_default();
            tile.members.insert(id);
            tile.changed.insert(id);
            tile.removed.remove(&id);
            self.dirty.insert(address);
        }
    }

    fn hide(&mut self, id: u32) {
        let Some(entity) = self.entities.get_mut(&id) else {
            return;
        };
        let Some(tiles) = entity.shown.take() else {
            return;
        };
        self.density[entity.cell] -= 1;
        self.density_changed = true;
        for address in tiles {
            if let Some(tile) = self.tiles.get_mut(&address) {
                tile.members.remove(&id);
                tile.changed.remove(&id);
                tile.removed.insert(id);
                self.dirty.insert(address);
            }
        }
    }

    /// Entities with a position in an area, heard since a time.
    pub(crate) fn within(&self, area: &Area, since_us: i64, limit: usize) -> Found {
        let mut found = Found::default();
        let mut take = |state: &EntityState| {
            let inside = state.last_heard_us >= since_us && drawn(state).is_some_and(|fix| area.contains(fix.latitude, fix.longitude));
            if inside && found.states.len() >= limit {
                found.truncated = true;
            } else if inside {
                found.states.push(state.clone());
            }
            !found.truncated
        };
        // A small box asks its tiles, a large one everybody.
        const LEVEL: u8 = 7;
        let (west, north) = (locate(mercator(area.north, area.west), LEVEL).0, locate(mercator(area.south, area.east), LEVEL).0);
        let tiles = (usize::from(north.x.saturating_sub(west.x)) + 1) * (usize::from(north.y.saturating_sub(west.y)) + 1);
        if area.west <= area.east && tiles <= 256 {
            for x in west.x..=north.x {
                for y in west.y..=north.y {
                    let Some(tile) = self.tiles.get(&TileAddress { level: LEVEL, x, y }) else {
                        continue;
                    };
                    if !tile.members.iter().filter_map(|id| self.state(*id)).all(&mut take) {
                        return found;
                    }
                }
            }
        } else {
            let _ = self.entities.values().map(|entity| &entity.state).all(take);
        }
        found
    }
}

/// Where the map draws it: alive, with a position.
pub(crate) fn drawn(state: &EntityState) -> Option<&Fix> {
    state.position.as_ref().filter(|_| state.alive).map(|(_, fix, _)| fix)
}
