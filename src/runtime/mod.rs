//! The wasm runtime: what guests are made of, and what they see of the world.

pub mod shape;
