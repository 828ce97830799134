//! A process's descriptors: numbers, what stands behind them, and the rights they still have.

use super::errno::Errno;
use super::wasi::{Halt, Step};
use crate::fs::HandleId;

/// Where a process's input comes from.
#[derive(Debug)]
pub enum Source {
    /// Nothing: at its end at once.
    Empty,
    /// Bytes, and how many have been read.
    Bytes(Vec<u8>, usize),
    /// The reading end of a pipe.
    Pipe(u32),
}

/// Where a process's output goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sink {
    /// Nowhere.
    Discard,
    /// Into the process's buffer of this number, for whoever started it.
    Capture(usize),
    /// The writing end of a pipe.
    Pipe(u32),
}

/// What stands behind a descriptor.
#[derive(Debug)]
pub enum What {
    /// A file.
    File(HandleId),
    /// A directory, and the name it was given if it is a preopen.
    Dir(HandleId, Option<Box<[u8]>>),
    /// An input stream.
    Input(Source),
    /// An output stream.
    Output(Sink),
}

/// One descriptor.
#[derive(Debug)]
pub struct Entry {
    /// What it is.
    pub what: What,
    /// What may be done with it.
    pub rights: u64,
    /// What may at most be done with what is opened through it.
    pub inheriting: u64,
    /// It is, or was opened through, a preopen that is read-only.
    pub read_only: bool,
    /// A stream: whether it is a terminal, and does not block.
    pub terminal: bool,
    /// A stream: reading and writing answer `EAGAIN` instead of waiting.
    pub nonblocking: bool,
}

impl Entry {
    /// Refuses what the descriptor has no right to.
    ///
    /// # Errors
    /// `ENOTCAPABLE`.
    pub fn needs(&self, rights: u64) -> Step<()> {
        if self.rights & rights == rights { Ok(()) } else { Err(Errno::NOTCAPABLE.into()) }
    }
}

/// Descriptors by number.
#[derive(Debug, Default)]
pub struct Table {
    entries: Vec<Option<Entry>>,
    /// No number below this is free.
    lowest: usize,
}

/// A process has at most this many descriptors.
const MOST: usize = 1 << 16;

impl Table {
    /// The descriptor `fd`.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn get(&self, fd: u32) -> Step<&Entry> {
        self.entries.get(fd as usize).and_then(Option::as_ref).ok_or(BAD)
    }

    /// The descriptor `fd`, to change it.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn get_mut(&mut self, fd: u32) -> Step<&mut Entry> {
        self.entries.get_mut(fd as usize).and_then(Option::as_mut).ok_or(BAD)
    }

    /// The number that the next descriptor will have: the lowest that is free.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn next(&self) -> Step<u32> {
        if self.lowest >= MOST { Err(Errno::MFILE.into()) } else { Ok(self.lowest as u32) }
    }

    /// Whether no descriptor ever had the number `fd` or a greater one, and one may have it.
    pub fn is_fresh(&self, fd: u32) -> bool {
        (self.entries.len()..MOST).contains(&(fd as usize))
    }

    /// Gives a descriptor the number [`next`](Self::next).
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn insert(&mut self, entry: Entry) -> Step<u32> {
        let fd = self.next()?;
        self.put(fd, entry);
        Ok(fd)
    }

    /// Gives a descriptor the number `fd`, and returns the one that had it.
    pub fn put(&mut self, fd: u32, entry: Entry) -> Option<Entry> {
        let at = fd as usize;
        if at >= self.entries.len() {
            self.entries.resize_with(at + 1, || None);
        }
        let old = self.entries[at].replace(entry);
        while self.entries.get(self.lowest).is_some_and(Option::is_some) {
            self.lowest += 1;
        }
        old
    }

    /// Takes the descriptor `fd` away.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn remove(&mut self, fd: u32) -> Step<Entry> {
        let entry = self.entries.get_mut(fd as usize).and_then(Option::take).ok_or(BAD)?;
        self.lowest = self.lowest.min(fd as usize);
        Ok(entry)
    }

    /// Takes all descriptors away.
    pub fn drain(&mut self) -> impl Iterator<Item = Entry> + '_ {
        self.lowest = 0;
        self.entries.drain(..).flatten()
    }
}

const BAD: Halt = Halt::Errno(Errno::BADF);

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let (rights, inheriting) = (3, 0);
        let what = What::Output(Sink::Discard);
        Entry { what, rights, inheriting, read_only: false, terminal: false, nonblocking: false }
    }

    #[test]
    fn the_lowest_free_number_is_next() {
        let mut table = Table::default();
        for fd in 0..5 {
            assert_eq!(table.insert(entry()), Ok(fd));
        }
        table.remove(3).unwrap();
        table.remove(1).unwrap();
        assert_eq!(table.insert(entry()), Ok(1));
        assert_eq!(table.insert(entry()), Ok(3));
        assert_eq!(table.insert(entry()), Ok(5));
        assert!(table.put(9, entry()).is_none());
        assert_eq!(table.insert(entry()), Ok(6));
        assert!(table.remove(7).is_err() && table.get(u32::MAX).is_err());
    }

    #[test]
    fn rights_are_needed_in_full() {
        assert!(entry().needs(1).is_ok());
        assert_eq!(entry().needs(5), Err(Errno::NOTCAPABLE.into()));
    }
}
