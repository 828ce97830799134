//! What the core cannot know by itself: the time and randomness, handed in by whoever builds it.

use std::fmt;

/// Source of time and random numbers. Called with the filesystem's lock held: must not block.
pub trait Env: Send {
    /// Nanoseconds since the Unix epoch, on the clock that file timestamps use.
    fn now(&mut self) -> i64;

    /// 64 random bits; identifiers of inodes and data are made of them, so that two tabs that
    /// create files at the same time do not meet.
    fn random(&mut self) -> u64;
}

impl fmt::Debug for dyn Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

/// An environment that counts: every call to the clock is a microsecond later, random numbers
/// follow from the seed. For tests and for images that must come out equal each time.
#[derive(Debug, Clone)]
pub struct Seeded {
    time: i64,
    state: u64,
}

impl Seeded {
    /// Starts at `time` nanoseconds with random numbers that follow from `seed`.
    pub const fn new(time: i64, seed: u64) -> Self {
        Self { time, state: seed }
    }
}

impl Env for Seeded {
    fn now(&mut self) -> i64 {
        self.time += 1_000;
        self.time
    }

    fn random(&mut self) -> u64 {
        // SplitMix64: a bijection of a counter, so numbers do not repeat within 2^64 calls.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
