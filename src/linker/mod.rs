//! Puts foreign wasm modules side by side into one memory: bytes in, bytes out.
