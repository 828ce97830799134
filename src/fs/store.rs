//! A store of records in memory: the contract that every durable store keeps, at its plainest.

use super::Fs;
use super::commit::Fold;
use super::id::StoreId;
use super::image::Image;
use super::record::{Batch, Key, Write};
use super::step::{Step, Stop};
use crate::error::{Error, Kind, Result};
use std::collections::BTreeMap;

/// Records by key. It stands in for IndexedDB or a container file in tests, where it can be cut
/// short at any batch and filled up to any size.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    records: BTreeMap<Key, Vec<u8>>,
    /// Refuse batches that would make the records take more bytes than this.
    pub capacity: Option<usize>,
    /// Batches refused so far.
    pub refused: usize,
}

impl MemoryStore {
    /// Everything a mount reads.
    pub fn image(&self) -> Image {
        let mut image = Image::default();
        for (key, value) in self.records.range(..Key::FIRST_EXTENT) {
            // Extents are excluded by the range, so nothing is refused.
            let added = image.add(*key, value.clone());
            debug_assert!(added.is_ok());
        }
        image
    }

    /// The log records after number `seq`, or everything if the next one is gone already.
    pub fn news(&self, seq: u64) -> Image {
        let next = self.records.range(Key::Log(0)..Key::FIRST_EXTENT).next();
        if next.is_some_and(|(key, _)| *key > Key::Log(seq + 1)) {
            return self.image();
        }
        let mut image = Image::default();
        for (key, value) in self.records.range(Key::Log(seq + 1)..Key::FIRST_EXTENT) {
            let added = image.add(*key, value.clone());
            debug_assert!(added.is_ok());
        }
        image
    }

    /// One record.
    pub fn get(&self, key: Key) -> Option<&[u8]> {
        self.records.get(&key).map(Vec::as_slice)
    }

    /// All keys in order.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.records.keys().copied()
    }

    /// Bytes of all records.
    pub fn bytes(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }

    /// Writes a batch, as a whole or not at all.
    ///
    /// # Errors
    /// `ENOSPC` with the bytes used and available if the records would exceed the capacity.
    pub fn apply(&mut self, batch: &Batch) -> Result<()> {
        let mut next = self.records.clone();
        for write in &batch.writes {
            match write {
                Write::Put(key, value) => {
                    next.insert(*key, value.clone());
                }
                Write::Delete(first, last) => next.retain(|key, _| key < first || key > last),
            }
        }
        let bytes: usize = next.values().map(Vec::len).sum();
        if let Some(capacity) = self.capacity.filter(|capacity| bytes > *capacity) {
            self.refused += 1;
            let used = self.bytes();
            let left = capacity.saturating_sub(used);
            let message = format!("no space left: {used} bytes used, {left} available");
            return Err(Error::with(Kind::NoSpace, message));
        }
        self.records = next;
        Ok(())
    }

    /// Takes one batch from `fs` and writes it. Returns whether there was one.
    ///
    /// # Errors
    /// As [`apply`](Self::apply); the filesystem has been told.
    pub fn commit(&mut self, fs: &mut Fs, store: StoreId, fold: Fold) -> Result<bool> {
        let Some(batch) = fs.take_batch(store, fold) else { return Ok(false) };
        let result = self.apply(&batch);
        fs.batch_done(store, batch.epoch, result.clone());
        result.map(|()| true)
    }

    /// Runs an operation to its end: loads what it needs, commits when the cache is full.
    ///
    /// # Errors
    /// The operation's, or those of a commit that it had to wait for.
    pub fn run<T>(&mut self, fs: &mut Fs, mut op: impl FnMut(&mut Fs) -> Step<T>) -> Result<T> {
        loop {
            match op(fs) {
                Ok(value) => return Ok(value),
                Err(Stop::Fail(error)) => return Err(error),
                Err(Stop::Load(needs)) => {
                    for need in needs {
                        let filled = fs.fill(&need, self.get(need.key()));
                        if let Err(Stop::Fail(error)) = filled {
                            return Err(error);
                        }
                    }
                }
                Err(Stop::Commit(store)) => {
                    self.commit(fs, store, Fold::Auto)?;
                }
                Err(Stop::Own(store)) => {
                    let refresh = |fs: &mut Fs| fs.refresh(store, &self.news(fs.last_log(store)));
                    if let Err(Stop::Fail(error)) = refresh(fs) {
                        return Err(error);
                    }
                    fs.set_owned(store, true);
                }
            }
        }
    }
}
