//! A wait-free ring of 32-bit words for one producer and one consumer.
//!
//! Model: two odometers that run over twice the length of the ring, so that "full" and "empty"
//! differ without a spare slot. Each side owns one odometer and keeps a private copy of the
//! other's, refreshed only when it seems to have run out of room or items.
//!
//! The layout is a contract with `js/src/sync/ring.ts`, in 32-bit words from the base: 0 write
//! odometer, 16 read odometer, 32 kind, 33 length, 35 consumer asleep, 36 producer asleep,
//! 37 shut, 38 and 39 the bells they sleep on, 48 … the elements.

use super::primitive::{AtomicU32, Ordering, store_inside};

/// The two odometers of a ring, each on a cache line of its own.
#[derive(Debug)]
#[repr(C)]
pub struct Header {
    write: AtomicU32,
    spare_write: [u32; 15],
    read: AtomicU32,
    spare_read: [u32; 15],
}

impl Header {
    /// The header of an empty ring.
    pub fn new() -> Self {
        Self {
            write: AtomicU32::new(0),
            spare_write: [0; 15],
            read: AtomicU32::new(0),
            spare_read: [0; 15],
        }
    }
}

impl Default for Header {
    fn default() -> Self {
        Self::new()
    }
}

fn used(write: u32, read: u32, length: u32) -> u32 {
    if write >= read { write - read } else { write + 2 * length - read }
}

fn advance(odometer: u32, by: u32, length: u32) -> u32 {
    let next = odometer + by;
    if next >= 2 * length { next - 2 * length } else { next }
}

/// The producing end. At most one per ring may exist at a time.
#[derive(Debug)]
pub struct Producer<'a> {
    header: &'a Header,
    slots: &'a [AtomicU32],
    write: u32,
    read_seen: u32,
}

/// The consuming end. At most one per ring may exist at a time.
#[derive(Debug)]
pub struct Consumer<'a> {
    header: &'a Header,
    slots: &'a [AtomicU32],
    read: u32,
    write_seen: u32,
}

impl<'a> Producer<'a> {
    /// Takes up the producing end where the last producer left it.
    pub fn new(header: &'a Header, slots: &'a [AtomicU32]) -> Self {
        // Relaxed: only producers write it, and the end was handed over with its own ordering.
        let write = header.write.load(Ordering::Relaxed);
        let read_seen = header.read.load(Ordering::Acquire);
        Self { header, slots, write, read_seen }
    }

    /// Pushes as many of `items` as there is room for, in order; says how many.
    ///
    /// Wait-free: one pass, no retry.
    pub fn push(&mut self, items: &[u32]) -> usize {
        let length = self.slots.len() as u32;
        let mut room = length - used(self.write, self.read_seen, length);
        if (room as usize) < items.len() {
            // Acquire, with the consumer's Release: it has read the slots that become free here.
            self.read_seen = self.header.read.load(Ordering::Acquire);
            room = length - used(self.write, self.read_seen, length);
        }
        let count = items.len().min(room as usize);
        for &item in &items[..count] {
            let at = if self.write >= length { self.write - length } else { self.write };
            store_inside(&self.slots[at as usize], item);
            self.write = advance(self.write, 1, length);
        }
        // Release: the elements are visible to the consumer that sees this odometer.
        self.header.write.store(self.write, Ordering::Release);
        count
    }
}

impl<'a> Consumer<'a> {
    /// Takes up the consuming end where the last consumer left it.
    pub fn new(header: &'a Header, slots: &'a [AtomicU32]) -> Self {
        let read = header.read.load(Ordering::Relaxed);
        let write_seen = header.write.load(Ordering::Acquire);
        Self { header, slots, read, write_seen }
    }

    /// Pops as many elements as are there and fit, in order; says how many. Wait-free.
    pub fn pop(&mut self, into: &mut [u32]) -> usize {
        let length = self.slots.len() as u32;
        let mut there = used(self.write_seen, self.read, length);
        if (there as usize) < into.len() {
            // Acquire, with the producer's Release: the elements up to here are written.
            self.write_seen = self.header.write.load(Ordering::Acquire);
            there = used(self.write_seen, self.read, length);
        }
        let count = into.len().min(there as usize);
        for item in &mut into[..count] {
            let at = if self.read >= length { self.read - length } else { self.read };
            *item = self.slots[at as usize].load(Ordering::Relaxed);
            self.read = advance(self.read, 1, length);
        }
        // Release: these loads are over before the producer sees the room and overwrites.
        self.header.read.store(self.read, Ordering::Release);
        count
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_holds_exactly_its_length_at_every_offset() {
        for length in 1..6u32 {
            let header = Header::new();
            let slots: Vec<_> = (0..length).map(|_| AtomicU32::new(0)).collect();
            let mut producer = Producer::new(&header, &slots);
            let mut consumer = Consumer::new(&header, &slots);
            let mut next = 0;
            for _ in 0..3 * length {
                let items: Vec<u32> = (next..next + length + 2).collect();
                assert_eq!(producer.push(&items), length as usize);
                let mut into = vec![0; length as usize + 2];
                assert_eq!(consumer.pop(&mut into), length as usize);
                assert_eq!(into[..length as usize], items[..length as usize]);
                next += length;
                // Shift the offset by one for the next round.
                assert_eq!(producer.push(&[next]), 1);
                assert_eq!(consumer.pop(&mut into[..1]), 1);
                next += 1;
            }
        }
    }

    #[test]
    fn an_end_taken_up_again_goes_on_where_it_was() {
        let header = Header::new();
        let slots: Vec<_> = (0..4).map(|_| AtomicU32::new(0)).collect();
        assert_eq!(Producer::new(&header, &slots).push(&[1, 2, 3]), 3);
        let mut one = [0];
        assert_eq!(Consumer::new(&header, &slots).pop(&mut one), 1);
        assert_eq!(Producer::new(&header, &slots).push(&[4, 5, 6]), 2);
        let mut rest = [0; 8];
        assert_eq!(Consumer::new(&header, &slots).pop(&mut rest), 4);
        assert_eq!(rest[..4], [2, 3, 4, 5]);
    }
}
