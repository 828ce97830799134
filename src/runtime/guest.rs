//! A guest's memory as the kernel sees it: bytes in and out at addresses that are believed in nothing.

use super::errno::Errno;
use super::wasi::{Clock, Halt, Step};

/// The memory of a guest, and what only its side can do.
pub trait Guest {
    /// Whether the memory has so many bytes now; it may only grow.
    fn holds(&self, bytes: u64) -> bool;

    /// Copies bytes out of the memory; false if they are not all in it.
    fn get(&self, from: u32, to: &mut [u8]) -> bool;

    /// Copies bytes into the memory; false if they do not all fit, then nothing has been copied.
    fn put(&mut self, from: &[u8], to: u32) -> bool;

    /// Fills bytes of the memory from a source fit for keys; false if they are not all in it.
    fn random(&mut self, to: u32, len: u32) -> bool;

    /// Nanoseconds on a clock.
    fn time(&self, clock: Clock) -> u64;

    /// The step of a clock in nanoseconds.
    fn resolution(&self, clock: Clock) -> u64;
}

/// A place in the guest's memory, a length with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// Where it begins.
    pub at: u32,
    /// Its bytes.
    pub len: u32,
}

/// At most this many buffers in one call, as `IOV_MAX` has it.
pub const MOST_SPANS: u32 = 1024;

/// How many buffers are kept without an allocation.
const FEW: usize = 16;

/// The buffers of a call that reads or writes, each within the guest's memory.
#[derive(Debug)]
pub struct Spans {
    few: [Span; FEW],
    many: Vec<Span>,
    count: usize,
    /// The bytes of all.
    pub total: usize,
}

impl Spans {
    /// The buffers in order.
    pub fn all(&self) -> &[Span] {
        if self.count <= FEW { &self.few[..self.count] } else { &self.many }
    }
}

impl dyn Guest + '_ {
    /// Refuses bytes that are not in the memory.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn check(&self, at: u32, len: u32) -> Step<()> {
        if self.holds(u64::from(at) + u64::from(len)) { Ok(()) } else { fault() }
    }

    /// Copies bytes out of the memory.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn read(&self, from: u32, to: &mut [u8]) -> Step<()> {
        if self.get(from, to) { Ok(()) } else { fault() }
    }

    /// Copies bytes into the memory.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write(&mut self, from: &[u8], to: u32) -> Step<()> {
        if self.put(from, to) { Ok(()) } else { fault() }
    }

    /// Writes a number of four bytes.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write_u32(&mut self, value: u32, to: u32) -> Step<()> {
        self.write(&value.to_le_bytes(), to)
    }

    /// Writes a number of eight bytes.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write_u64(&mut self, value: u64, to: u32) -> Step<()> {
        self.write(&value.to_le_bytes(), to)
    }

    /// The buffers listed at `at`, checked, and with them that the memory has `least` bytes: one
    /// question for both, for each costs as much as a small copy.
    ///
    /// # Errors
    /// `EFAULT`; `EINVAL` for more than [`MOST_SPANS`], or more bytes in all than 32 bits count.
    pub fn spans(&self, at: u32, count: u32, least: u64) -> Step<Spans> {
        if count > MOST_SPANS {
            return Err(Errno::INVAL.into());
        }
        let count = count as usize;
        let mut spans = Spans { few: [Span::default(); FEW], many: Vec::new(), count, total: 0 };
        let mut few = [0; FEW * 8];
        let mut many = Vec::new();
        let (bytes, list) = if count <= FEW {
            (&mut few[..count * 8], &mut spans.few[..count])
        } else {
            many.resize(count * 8, 0);
            spans.many.resize(count, Span::default());
            (&mut many[..], &mut spans.many[..])
        };
        self.read(at, bytes)?;
        let mut end = least;
        let mut total = 0;
        for (pair, span) in bytes.as_chunks::<8>().0.iter().zip(list) {
            let [a, b, c, d, e, f, g, h] = *pair;
            let (at, len) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
            end = end.max(u64::from(at) + u64::from(len));
            total += u64::from(len);
            *span = Span { at, len };
        }
        if !self.holds(end) {
            return fault();
        }
        spans.total = match u32::try_from(total) {
            Ok(total) => total as usize,
            Err(_) => return Err(Errno::INVAL.into()),
        };
        Ok(spans)
    }
}

fn fault<T>() -> Step<T> {
    Err(Halt::Errno(Errno::FAULT))
}

/// Where the next bytes of several buffers go or come from.
#[derive(Debug)]
pub struct Cursor<'a> {
    spans: &'a [Span],
    /// Bytes of the first of `spans` that are done.
    done: u32,
}

impl<'a> Cursor<'a> {
    /// At the beginning.
    pub const fn new(spans: &'a [Span]) -> Self {
        Self { spans, done: 0 }
    }

    /// The next piece of at most `len` bytes; empty at the end.
    pub fn next(&mut self, len: usize) -> Span {
        while let [first, rest @ ..] = self.spans {
            let left = first.len - self.done;
            if left == 0 {
                (self.spans, self.done) = (rest, 0);
                continue;
            }
            let len = left.min(u32::try_from(len).unwrap_or(u32::MAX));
            let span = Span { at: first.at + self.done, len };
            self.done += len;
            return span;
        }
        Span::default()
    }

    /// Spreads `bytes` over the next pieces.
    pub fn scatter(&mut self, guest: &mut dyn Guest, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let span = self.next(bytes.len());
            if span.len == 0 {
                return;
            }
            let (now, rest) = bytes.split_at(span.len as usize);
            // Checked when the spans were read, and memory does not shrink.
            let fits = guest.put(now, span.at);
            debug_assert!(fits, "spans are checked");
            bytes = rest;
        }
    }

    /// Fills `bytes` from the next pieces.
    pub fn gather(&mut self, guest: &dyn Guest, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let span = self.next(bytes.len());
            if span.len == 0 {
                return;
            }
            let (now, rest) = bytes.split_at_mut(span.len as usize);
            let fits = guest.get(span.at, now);
            debug_assert!(fits, "spans are checked");
            bytes = rest;
        }
    }
}
