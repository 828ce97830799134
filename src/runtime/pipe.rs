//! Pipes: a bounded ring of bytes, whose ends guests block on and the page awaits.

use crate::sync::primitive::{AtomicU32, Ordering};
use crate::sys::futex;

/// Bytes that a pipe holds unless told otherwise, as in Linux.
pub const CAPACITY: usize = 64 * 1024;

/// What a pipe answers to a reader or writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// So many bytes went through, at least one unless none were wanted.
    Moved(usize),
    /// Nothing now; the bell rings when that changes.
    Blocked,
    /// The other side is gone: the end for a reader, `EPIPE` for a writer.
    Closed,
}

/// A word that counts changes: sleep on it while it is what it was before one looked.
#[derive(Debug)]
pub struct Bell(Box<AtomicU32>);

impl Default for Bell {
    fn default() -> Self {
        Self(Box::new(AtomicU32::new(0)))
    }
}

impl Bell {
    /// Counts and wakes everybody: a terminated worker may stand among the sleepers.
    pub fn ring(&self) {
        // Release: who sees the new count sees what was changed before. The lock around the
        // runtime orders everything else.
        self.0.fetch_add(1, Ordering::Release);
        futex::wake(&self.0, u32::MAX);
    }

    /// Address of the word, the same for the bell's life.
    pub fn address(&self) -> *const AtomicU32 {
        &raw const *self.0
    }
}

/// One pipe.
#[derive(Debug)]
pub struct Pipe {
    ring: Box<[u8]>,
    start: usize,
    len: usize,
    /// Holders of the ends. Until a process gets an end the page holds it.
    readers: u32,
    writers: u32,
    page_reads: bool,
    page_writes: bool,
    /// Processes whose bell is to ring at the next change.
    waiters: Vec<u32>,
    /// For the page.
    bell: Bell,
}

impl Pipe {
    /// An empty pipe, both ends with the page; none without memory.
    pub fn new(capacity: usize) -> Option<Self> {
        let mut ring = Vec::new();
        ring.try_reserve_exact(capacity).ok()?;
        ring.resize(capacity, 0);
        Some(Self {
            ring: ring.into(),
            start: 0,
            len: 0,
            readers: 1,
            writers: 1,
            page_reads: true,
            page_writes: true,
            waiters: Vec::new(),
            bell: Bell::default(),
        })
    }

    /// The bell that the page listens to.
    pub const fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Bytes to be read now.
    pub const fn available(&self) -> usize {
        self.len
    }

    /// Bytes that can be written now.
    pub const fn room(&self) -> usize {
        self.ring.len() - self.len
    }

    /// Whether anybody can still read.
    pub const fn is_read(&self) -> bool {
        self.readers > 0
    }

    /// Whether anybody can still write.
    pub const fn is_written(&self) -> bool {
        self.writers > 0
    }

    /// Hands up to `len` bytes to `sink` in at most two pieces.
    pub fn read(&mut self, len: usize, sink: &mut dyn FnMut(&[u8])) -> Flow {
        if len == 0 {
            return Flow::Moved(0);
        }
        if self.len == 0 {
            return if self.is_written() { Flow::Blocked } else { Flow::Closed };
        }
        let len = len.min(self.len);
        let first = len.min(self.ring.len() - self.start);
        sink(&self.ring[self.start..self.start + first]);
        if first < len {
            sink(&self.ring[..len - first]);
        }
        self.start = (self.start + len) % self.ring.len();
        self.len -= len;
        Flow::Moved(len)
    }

    /// Lets `source` write up to `len` bytes in at most two pieces.
    pub fn write(&mut self, len: usize, source: &mut dyn FnMut(&mut [u8])) -> Flow {
        if !self.is_read() {
            return Flow::Closed;
        }
        if len == 0 {
            return Flow::Moved(0);
        }
        let len = len.min(self.room());
        if len == 0 {
            return Flow::Blocked;
        }
        let at = (self.start + self.len) % self.ring.len();
        let first = len.min(self.ring.len() - at);
        source(&mut self.ring[at..at + first]);
        if first < len {
            source(&mut self.ring[..len - first]);
        }
        self.len += len;
        Flow::Moved(len)
    }

    /// A process gets the reading end; the page has it no more.
    pub fn add_reader(&mut self) {
        self.readers += 1;
        self.page_stops_reading();
    }

    /// A process gets the writing end; the page has it no more.
    pub fn add_writer(&mut self) {
        self.writers += 1;
        self.page_stops_writing();
    }

    /// A process has closed its reading end.
    pub fn drop_reader(&mut self) {
        self.readers -= 1;
    }

    /// A process has closed its writing end.
    pub fn drop_writer(&mut self) {
        self.writers -= 1;
    }

    /// The page gives the reading end up.
    pub fn page_stops_reading(&mut self) {
        self.readers -= u32::from(std::mem::take(&mut self.page_reads));
    }

    /// The page gives the writing end up.
    pub fn page_stops_writing(&mut self) {
        self.writers -= u32::from(std::mem::take(&mut self.page_writes));
    }

    /// The process's bell is to ring at the next change.
    pub fn wait(&mut self, pid: u32) {
        if !self.waiters.contains(&pid) {
            self.waiters.push(pid);
        }
    }

    /// Something has changed: rings for the page, and names the processes to ring for.
    pub fn changed(&mut self) -> Vec<u32> {
        self.bell.ring();
        std::mem::take(&mut self.waiters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(pipe: &mut Pipe, bytes: &[u8]) -> Flow {
        let mut at = 0;
        pipe.write(bytes.len(), &mut |to| {
            to.copy_from_slice(&bytes[at..at + to.len()]);
            at += to.len();
        })
    }

    fn read(pipe: &mut Pipe, len: usize) -> (Flow, Vec<u8>) {
        let mut seen = Vec::new();
        let flow = pipe.read(len, &mut |bytes| seen.extend_from_slice(bytes));
        (flow, seen)
    }

    #[test]
    fn bytes_come_out_in_order_around_the_ring() {
        let mut pipe = Pipe::new(8).unwrap();
        let (mut sent, mut got) = (Vec::new(), Vec::new());
        for n in 0..100_u8 {
            let bytes = [n; 5];
            let Flow::Moved(moved) = write(&mut pipe, &bytes) else { panic!("there is room") };
            sent.extend_from_slice(&bytes[..moved]);
            let (flow, seen) = read(&mut pipe, 3 + usize::from(n % 4));
            assert_eq!(flow, Flow::Moved(seen.len()));
            got.extend(seen);
        }
        got.extend(read(&mut pipe, 100).1);
        assert_eq!(got, sent);
    }

    #[test]
    fn it_blocks_when_full_or_empty_and_ends_when_the_other_side_is_gone() {
        let mut pipe = Pipe::new(4).unwrap();
        assert_eq!(read(&mut pipe, 1).0, Flow::Blocked);
        assert_eq!(write(&mut pipe, b"abcdef"), Flow::Moved(4));
        assert_eq!(write(&mut pipe, b"x"), Flow::Blocked);
        pipe.page_stops_writing();
        pipe.page_stops_writing();
        assert_eq!(read(&mut pipe, 9), (Flow::Moved(4), b"abcd".to_vec()));
        assert_eq!(read(&mut pipe, 9).0, Flow::Closed);
        pipe.page_stops_reading();
        assert_eq!(write(&mut pipe, b"x"), Flow::Closed);
    }

    #[test]
    fn a_process_takes_its_end_from_the_page() {
        let mut pipe = Pipe::new(4).unwrap();
        pipe.add_writer();
        pipe.page_stops_writing();
        assert!(pipe.is_written());
        pipe.drop_writer();
        assert!(!pipe.is_written() && pipe.is_read());
    }
}
