//! Locks and queues over shared memory; nothing here allocates.

pub mod lock;
pub(crate) mod primitive;
