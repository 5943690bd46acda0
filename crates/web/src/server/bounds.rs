//! How much at a time: connections, of all and of one client; bytes of answers. What was taken is given back when dropped.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A number of units of which some are taken.
#[derive(Debug)]
pub(super) struct Pool {
    most: u64,
    taken: AtomicU64,
}

/// Units that are in use.
#[derive(Debug)]
pub(super) struct Taken {
    pool: Arc<Pool>,
    units: u64,
}

impl Pool {
    pub(super) fn new(most: u64) -> Arc<Self> {
        Arc::new(Self { most, taken: AtomicU64::new(0) })
    }

    /// Takes so many, if they are left.
    pub(super) fn take(self: &Arc<Self>, units: u64) -> Option<Taken> {
        let fits = |taken: u64| taken.checked_add(units).filter(|taken| *taken <= self.most);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Taken { pool: self.clone(), units })
    }

    /// Units in use, and how many there are.
    pub(super) fn read(&self) -> (u64, u64) {
        (self.taken.load(Ordering::Relaxed), self.most)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.pool.taken.fetch_sub(self.units, Ordering::Relaxed);
    }
}

/// Places of which every client has the same number. Bound: a client is remembered only while it has one.
#[derive(Debug)]
pub(crate) struct PerClient {
    most: u32,
    taken: Mutex<HashMap<IpAddr, u32>>,
}

/// One place of a client.
#[derive(Debug)]
pub(crate) struct Place {
    of: Arc<PerClient>,
    client: IpAddr,
}

impl PerClient {
    pub(super) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// Takes one place of a client, if it has one left.
    pub(crate) fn take(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.entry(client) {
            Entry::Occupied(entry) if *entry.get() >= self.most => return None,
            Entry::Occupied(mut entry) => *entry.get_mut() += 1,
            Entry::Vacant(_) if self.most == 0 => return None,
            Entry::Vacant(entry) => drop(entry.insert(1)),
        }
        Some(Place { of: self.clone(), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = taken.entry(self.client) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_gives_what_it_has_and_takes_it_back() {
        let pool = Pool::new(10);
        let seven = pool.take(7).expect("seven of ten");
        assert!(pool.take(4).is_none() && pool.take(u64::MAX).is_none());
        let three = pool.take(3).expect("the rest");
        assert_eq!(pool.read(), (10, 10));
        drop((seven, three));
        assert_eq!(pool.read(), (0, 10));
    }

    #[test]
    fn each_client_has_its_places_and_is_forgotten_with_the_last() {
        let places = PerClient::new(2);
        let client = |last: u8| IpAddr::from([192, 0, 2, last]);
        let (first, second) = (places.take(client(1)).expect("one"), places.take(client(1)).expect("two"));
        assert!(places.take(client(1)).is_none());
        let other = places.take(client(2)).expect("another client");
        drop(first);
        let third = places.take(client(1)).expect("one is free again");
        drop((second, third, other));
        assert!(places.taken.lock().expect("whole").is_empty());
        assert!(PerClient::new(0).take(client(1)).is_none());
    }
}
