//! Sorted maps and sets of numbers, and short sorted rows: one instance of the code serves them all.
//!
//! Each kind of key and value that a `BTreeMap` is used with costs some ten kilobytes of module.

use super::id::{Data, Node};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// What fits a 64-bit word and sorts as it does.
pub(crate) trait Word: Copy {
    fn word(self) -> u64;
    fn of(word: u64) -> Self;
}

macro_rules! word {
    ($($type:ty: $self:ident => $to:expr, $word:ident => $from:expr;)*) => {
        $(impl Word for $type {
            fn word($self) -> u64 {
                $to
            }

            fn of($word: u64) -> Self {
                $from
            }
        })*
    };
}

word! {
    u64: self => self, word => word;
    u32: self => u64::from(self), word => word as u32;
    usize: self => self as u64, word => word as usize;
    bool: self => u64::from(self), word => word != 0;
    (): self => 0, _word => ();
    Node: self => self.to_word(), word => Self::from_word(word);
    Data: self => self.to_word(), word => Self::from_word(word);
}

/// A map between words, sorted by key. Keys and values go in and come out by value.
#[derive(Clone)]
pub(crate) struct Map<K, V> {
    words: BTreeMap<u64, u64>,
    types: PhantomData<(K, V)>,
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self { words: BTreeMap::new(), types: PhantomData }
    }
}

impl<K: Word, V: Word> Map<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(crate) fn get(&self, key: K) -> Option<V> {
        self.words.get(&key.word()).map(|word| V::of(*word))
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.words.contains_key(&key.word())
    }

    /// Returns what the key had before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.words.insert(key.word(), value.word()).map(V::of)
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        self.words.remove(&key.word()).map(V::of)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, V)> {
        self.words.iter().map(|(key, value)| (K::of(*key), V::of(*value)))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = K> {
        self.words.keys().map(|key| K::of(*key))
    }

    /// Adds all of `other`, whose values count.
    pub(crate) fn extend(&mut self, other: Self) {
        for (key, value) in other.iter() {
            self.insert(key, value);
        }
    }

    /// Takes the first out.
    pub(crate) fn pop_first(&mut self) -> Option<(K, V)> {
        let (key, value) = self.iter().next()?;
        self.remove(key);
        Some((key, value))
    }
}

impl<K: Word + fmt::Debug, V: Word + fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A sorted set of words.
#[derive(Clone)]
pub(crate) struct Set<K>(Map<K, ()>);

impl<K> Default for Set<K> {
    fn default() -> Self {
        Self(Map::default())
    }
}

impl<K: Word> Set<K> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.0.contains(key)
    }

    /// Whether the key is new.
    pub(crate) fn insert(&mut self, key: K) -> bool {
        self.0.insert(key, ()).is_none()
    }

    /// Whether the key was there.
    pub(crate) fn remove(&mut self, key: K) -> bool {
        self.0.remove(key).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = K> {
        self.0.keys()
    }

    pub(crate) fn first(&self) -> Option<K> {
        self.iter().next()
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl<K: Word> FromIterator<K> for Set<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut set = Self::default();
        keys.into_iter().for_each(|key| _ = set.insert(key));
        set
    }
}

impl<K: Word + fmt::Debug> fmt::Debug for Set<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Values by number in one sorted vector: for the extents of a file, which mostly come in order
/// and are a few thousand at most.
#[derive(Clone, Debug)]
pub(crate) struct Row<V>(Vec<(u32, V)>);

impl<V> Default for Row<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Row<V> {
    /// Where `at` is, or would be.
    fn find(&self, at: u32) -> Result<usize, usize> {
        match self.0.last() {
            Some((last, _)) if *last >= at => self.0.binary_search_by(|(key, _)| key.cmp(&at)),
            _ => Err(self.0.len()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, at: u32) -> Option<&V> {
        self.find(at).ok().map(|place| &self.0[place].1)
    }

    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut V> {
        self.find(at).ok().map(|place| &mut self.0[place].1)
    }

    /// The value at `at`, made by `make` if there is none.
    pub(crate) fn get_or_insert_with(&mut self, at: u32, make: impl FnOnce() -> V) -> &mut V {
        let place = self.find(at).unwrap_or_else(|place| {
            self.0.insert(place, (at, make()));
            place
        });
        &mut self.0[place].1
    }

    pub(crate) fn remove(&mut self, at: u32) -> Option<V> {
        self.find(at).ok().map(|place| self.0.remove(place).1)
    }

    /// Takes out everything from `at` on.
    pub(crate) fn split_off(&mut self, at: u32) -> Self {
        let (Ok(place) | Err(place)) = self.find(at);
        Self(self.0.split_off(place))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &V)> {
        self.0.iter().map(|(at, value)| (*at, value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut V)> {
        self.0.iter_mut().map(|(at, value)| (*at, value))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_sorted_whatever_order_it_is_filled_in() {
        let mut row = Row::default();
        for at in [5, 1, 9, 3, 7] {
            assert_eq!(*row.get_or_insert_with(at, || at * 10), at * 10);
        }
        assert_eq!(*row.get_or_insert_with(3, || 0), 30);
        assert_eq!(row.iter().map(|(at, _)| at).collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
        assert_eq!((row.remove(5), row.remove(5), row.get(4)), (Some(50), None, None));
        assert_eq!(row.split_off(4).iter().map(|(at, _)| at).collect::<Vec<_>>(), [7, 9]);
        assert_eq!(row.split_off(9).iter().count(), 0);
        assert_eq!(row.values().copied().collect::<Vec<_>>(), [10, 30]);
    }

    #[test]
    fn words_sort_and_come_back_as_what_they_were() {
        let mut map = Map::<u32, bool>::default();
        assert_eq!(map.insert(9, true), None);
        assert_eq!(map.insert(2, false), None);
        assert_eq!(map.insert(9, false), Some(true));
        assert_eq!(map.iter().collect::<Vec<_>>(), [(2, false), (9, false)]);
        assert_eq!(map.pop_first(), Some((2, false)));
        let set: Set<u64> = [3, 1, 3].into_iter().collect();
        assert_eq!((set.len(), set.first(), set.contains(3)), (2, Some(1), true));
    }
}
