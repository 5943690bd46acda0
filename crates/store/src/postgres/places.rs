//! Where stations were last, as far as this process knows: the distance of a link needs both ends, and igates are heard
//! of in every batch. Forgotten after a while, for other processes write too.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use godwit_pipeline::Name;

use crate::tally::Place;

const FRESH: Duration = Duration::from_secs(600);
const LIMIT: usize = 200_000;

#[derive(Debug)]
pub(super) struct Places(Mutex<(Instant, HashMap<Name, Option<Place>>)>);

impl Default for Places {
    fn default() -> Self {
        Self(Mutex::new((Instant::now(), HashMap::new())))
    }
}

impl Places {
    /// The outer `None`: not known; the inner: known to be nowhere.
    pub(super) fn get(&self, name: Name) -> Option<Option<Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.get(&name).copied()
    }

    pub(super) fn set(&self, name: Name, place: Option<Place>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0.elapsed() > FRESH || known.1.len() >= LIMIT {
            known.1.clear();
            known.0 = Instant::now();
        }
        known.1.insert(name, place);
    }
}
