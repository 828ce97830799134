//! Locks and queues over shared memory; nothing here allocates.

pub mod event;
#[cfg(target_arch = "wasm32")]
pub mod export;
pub mod lock;
pub mod mutex;
pub(crate) mod primitive;
pub mod queue;
pub mod ring;
