//! The allocator over one memory: talc behind a lock, block headers, caches per thread.
