//! What was made before: bounded by bytes, what was used longest ago leaves first.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: usize,
    used: u64,
}

#[derive(Debug)]
pub(super) struct Cache<K, V> {
    entries: HashMap<K, Entry<V>>,
    by_use: BTreeMap<u64, K>,
    uses: u64,
    bytes: usize,
    most_bytes: usize,
}

impl<K: Copy + Eq + Hash, V: Clone> Cache<K, V> {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { entries: HashMap::new(), by_use: BTreeMap::new(), uses: 0, bytes: 0, most_bytes }
    }

    pub(super) fn get(&mut self, key: K) -> Option<V> {
        let entry = self.entries.get_mut(&key)?;
        self.by_use.remove(&entry.used);
        self.uses += 1;
        entry.used = self.uses;
        self.by_use.insert(self.uses, key);
        Some(entry.value.clone())
    }

    /// Takes a value; the bytes are what it needs in memory. One that is too large for the whole is not taken.
    pub(super) fn put(&mut self, key: K, value: V, bytes: usize) {
        if let Some(old) = self.entries.remove(&key) {
            self.by_use.remove(&old.used);
            self.bytes -= old.bytes;
        }
        if bytes > self.most_bytes {
            return;
        }
        self.uses += 1;
        self.by_use.insert(self.uses, key);
        self.entries.insert(key, Entry { value, bytes, used: self.uses });
        self.bytes += bytes;
        while self.bytes > self.most_bytes
            && let Some((_, key)) = self.by_use.pop_first()
            && let Some(old) = self.entries.remove(&key)
        {
            self.bytes -= old.bytes;
        }
    }

    pub(super) fn has(&self, key: K) -> bool {
        self.entries.contains_key(&key)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a tenth of the room at most is left: more would push out what is there.
    pub(super) fn full(&self) -> bool {
        self.bytes > self.most_bytes / 10 * 9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_leaves_first() {
        let mut cache = Cache::new(100);
        for key in 0..5 {
            cache.put(key, key, 20);
        }
        assert!(cache.full());
        assert_eq!(cache.get(0), Some(0));
        cache.put(5, 5, 30);
        assert_eq!((0..6).filter(|key| cache.has(*key)).collect::<Vec<_>>(), [0, 3, 4, 5]);
        cache.put(0, 7, 10);
        assert_eq!((cache.get(0), cache.bytes()), (Some(7), 80));
        cache.put(9, 9, 101);
        assert!(!cache.has(9));
    }
}
