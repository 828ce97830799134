//! Puts foreign wasm modules side by side into one memory: bytes in, bytes out.
//!
//! A leaf of the crate, without browser, clock or shared memory: it is built on its own as
//! `linker.wasm` and runs wherever WebAssembly does.
//!
//! ```text
//! bytes → parse → Module → exact | pic | dynamic → Plan ─┐
//!                                   layout → Placement ──┴→ place → splice → Draft → bytes
//! ```
//!
//! A plan says what every number that has to change *means*; a placement gives the new value of
//! each meaning. Rewriting replaces bytes in place and appends to lists, so no index of a module
//! ever changes. Deliberately absent: a tree of the module, types of operands, a validator (the
//! engine validates what it compiles).
//!
//! [`meter()`] is the second user of the same splicer: it makes a module pay for what it runs.
//!
//! Invariants: a number is changed only if its bytes hold what the plan says they hold; the areas
//! of two modules never overlap; no input makes the linker panic.

mod allocator;
mod answer;
mod code;
mod combine;
mod depth;
mod draft;
mod dynamic;
mod exact;
pub mod export;
mod extent;
mod fault;
mod inspect;
mod intake;
mod json;
mod layout;
mod leb;
mod linking;
mod locals;
mod meter;
mod module;
mod parse;
mod pic;
mod place;
mod plan;
mod purse;
mod reach;
mod splice;
mod startup;
mod suspects;
mod well_known;

pub use combine::{
    Combined, DEFAULT_GUARD, Known, Options, Placed, combine, combine_beside, heap_base, relocate,
};
pub use depth::{Bounded, bound_stack};
pub use draft::{Draft, Span};
pub use fault::{Fault, Result};
pub use inspect::inspect;
pub use intake::{Wish as Intake, take_in};
pub use meter::{Meter, Metered, Mode, meter};
