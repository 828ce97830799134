//! A process's file descriptors: small numbers for open files, the lowest free one first.

use super::step::{Step, fail, fault};
use crate::error::Kind;

/// Descriptors of one process. Generic over what they stand for, so that a WASI process can keep
/// pipes, terminals and preopens in the same table as files.
#[derive(Debug, Clone)]
pub struct Table<T> {
    slots: Vec<Option<T>>,
    limit: usize,
}

impl<T> Table<T> {
    /// An empty table with at most `limit` descriptors.
    pub const fn new(limit: usize) -> Self {
        Self { slots: Vec::new(), limit }
    }

    /// Gives `value` the lowest free number.
    ///
    /// # Errors
    /// `EMFILE` if the table is full.
    pub fn insert(&mut self, value: T) -> Step<u32> {
        let free = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        self.place(free, value)?;
        Ok(free as u32)
    }

    /// Gives `value` the number `fd` and hands back what had it.
    ///
    /// # Errors
    /// `EMFILE` if `fd` is beyond the limit.
    pub fn insert_at(&mut self, fd: u32, value: T) -> Step<Option<T>> {
        self.place(fd as usize, value)
    }

    fn place(&mut self, index: usize, value: T) -> Step<Option<T>> {
        if index >= self.limit {
            return fail(Kind::TooManyHandles);
        }
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, || None);
        }
        Ok(self.slots[index].replace(value))
    }

    /// What `fd` stands for.
    ///
    /// # Errors
    /// `EBADF` if nothing.
    pub fn get(&self, fd: u32) -> Step<&T> {
        self.slots.get(fd as usize).and_then(Option::as_ref).ok_or(fault(Kind::BadHandle))
    }

    /// As [`get`](Self::get), to change it.
    ///
    /// # Errors
    /// `EBADF` if nothing.
    pub fn get_mut(&mut self, fd: u32) -> Step<&mut T> {
        self.slots.get_mut(fd as usize).and_then(Option::as_mut).ok_or(fault(Kind::BadHandle))
    }

    /// Frees the number `fd` and hands back what it stood for, for the caller to close.
    ///
    /// # Errors
    /// `EBADF` if nothing.
    pub fn remove(&mut self, fd: u32) -> Step<T> {
        self.slots.get_mut(fd as usize).and_then(Option::take).ok_or(fault(Kind::BadHandle))
    }

    /// Moves `from` to the number `to` and hands back what `to` stood for (WASI's
    /// `fd_renumber`). Onto itself it does nothing.
    ///
    /// # Errors
    /// `EBADF` if either is not open.
    pub fn renumber(&mut self, from: u32, to: u32) -> Step<Option<T>> {
        self.get(from)?;
        self.get(to)?;
        if from == to {
            return Ok(None);
        }
        let value = self.remove(from)?;
        self.insert_at(to, value)
    }

    /// All open descriptors in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let numbered = self.slots.iter().enumerate();
        numbered.filter_map(|(fd, slot)| slot.as_ref().map(|value| (fd as u32, value)))
    }

    /// Empties the table; yields what was open, for the caller to close.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        self.slots.drain(..).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_number_is_used_again() {
        let mut table = Table::new(4);
        let numbers: Vec<_> = (0..3).map(|value| table.insert(value).unwrap()).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(table.remove(1).unwrap(), 1);
        assert_eq!(table.insert(9).unwrap(), 1);
        assert_eq!(table.insert(3).unwrap(), 3);
        assert!(table.insert(4).is_err());
        assert!(table.insert_at(4, 4).is_err());
    }

    #[test]
    fn renumbering_needs_both_and_closes_the_target() {
        let mut table = Table::new(8);
        table.insert('a').unwrap();
        table.insert('b').unwrap();
        assert!(table.renumber(0, 5).is_err());
        assert_eq!(table.renumber(1, 0).unwrap(), Some('a'));
        assert!(table.get(1).is_err());
        assert_eq!(table.get(0).unwrap(), &'b');
        assert_eq!(table.renumber(0, 0).unwrap(), None);
        assert_eq!(table.drain().collect::<Vec<_>>(), ['b']);
    }
}
