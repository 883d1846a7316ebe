//! A cache that cannot grow without bound and needs no list of who was used last.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Keeps at least the last `capacity / 2` and at most `capacity` entries that were put in or asked for.
///
/// Two generations: what is asked for moves to the young one; when that is full it becomes the old one, and the old
/// one is dropped.
#[derive(Debug)]
pub struct Bounded<K, V> {
    generation_max: usize,
    generations: Mutex<Generations<K, V>>,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Hash + Eq, V: Clone> Bounded<K, V> {
    /// An empty cache for at most this many entries.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new() };
        Self { generation_max: capacity.div_ceil(2).max(1), generations: Mutex::new(generations) }
    }

    /// Returns the entry, and keeps it for longer.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = generations.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = generations.old.remove_entry(key)?;
        generations.put(key, value.clone(), self.generation_max);
        Some(value)
    }

    /// Puts an entry in, in place of an earlier one of the same key.
    pub fn put(&self, key: K, value: V) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.old.remove(&key);
        generations.put(key, value, self.generation_max);
    }

    /// Forgets an entry.
    pub fn remove<Q: Hash + Eq + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.remove(key);
        generations.old.remove(key);
    }
}

impl<K: Hash + Eq, V> Generations<K, V> {
    fn put(&mut self, key: K, value: V, generation_max: usize) {
        if generation_max <= self.young.len() && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let cache = Bounded::new(8);
        for key in 0..100 {
            cache.put(key, key);
            assert_eq!(cache.get(&0), Some(0), "asked for all the time");
        }
        let kept = (0..100).filter(|key| cache.get(key).is_some()).count();
        assert!((4..=8).contains(&kept), "{kept}");
    }
}
