//! The only door to the platform: futex wait and wake, clocks, randomness.

pub mod futex;
