//! The pool's shared state: which job goes next, the ring to each worker, and its export door.
//!
//! | file | holds |
//! |---|---|
//! | `crew` | jobs and workers: who gets what, who gives some back, who comes and who goes |
//! | `queue` | jobs that wait: priorities without starvation, first come first served within one |
//! | `link` | the ring between a pool and one worker, with a doorbell on both sides |
//! | `export` | the pool's door to JavaScript, and the ends of threads |

pub mod crew;
#[cfg(target_arch = "wasm32")]
pub mod export;
pub mod link;
pub mod queue;
