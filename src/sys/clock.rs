//! Monotonic time: how long since some fixed moment in the past.

use std::time::Duration;

#[cfg(all(target_arch = "wasm32", not(loom)))]
mod platform {
    use std::time::Duration;
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = performance, js_name = now)]
        fn performance_now() -> f64;
    }

    pub(super) fn now() -> Duration {
        Duration::from_secs_f64(performance_now().max(0.0) / 1000.0)
    }
}

#[cfg(all(not(target_arch = "wasm32"), not(loom)))]
mod platform {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant};

    static START: OnceLock<Instant> = OnceLock::new();

    pub(super) fn now() -> Duration {
        START.get_or_init(Instant::now).elapsed()
    }
}

/// In a model no time passes.
#[cfg(loom)]
mod platform {
    use std::time::Duration;

    pub(super) fn now() -> Duration {
        Duration::ZERO
    }
}

/// The time since a moment that is fixed for this thread; never goes backwards.
///
/// Browsers round it to between 5 and 100 µs, and each worker counts from its own start.
pub fn now() -> Duration {
    platform::now()
}

#[cfg(all(test, not(loom)))]
mod tests {
    #[test]
    fn it_never_goes_backwards() {
        let first = super::now();
        assert!(super::now() >= first);
    }
}
