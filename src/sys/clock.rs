//! Time: since some fixed moment, monotonic for one thread or for all, and by the wall clock.

use std::time::Duration;

#[cfg(all(target_arch = "wasm32", not(loom)))]
mod platform {
    use std::time::Duration;
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = performance, js_name = now)]
        fn performance_now() -> f64;
        #[wasm_bindgen(js_namespace = performance, js_name = timeOrigin, thread_local_v2)]
        static TIME_ORIGIN: f64;
        #[wasm_bindgen(js_namespace = Date, js_name = now)]
        fn date_now() -> f64;
    }

    pub(super) fn now() -> Duration {
        Duration::from_secs_f64(performance_now().max(0.0) / 1000.0)
    }

    pub(super) fn shared() -> Duration {
        let millis = TIME_ORIGIN.with(|origin| *origin) + performance_now();
        Duration::from_secs_f64(millis.max(0.0) / 1000.0)
    }

    pub(super) fn wall() -> Duration {
        Duration::from_millis(date_now().max(0.0) as u64)
    }
}

#[cfg(all(not(target_arch = "wasm32"), not(loom)))]
mod platform {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    static START: OnceLock<Instant> = OnceLock::new();

    pub(super) fn now() -> Duration {
        START.get_or_init(Instant::now).elapsed()
    }

    pub(super) fn shared() -> Duration {
        now()
    }

    pub(super) fn wall() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// In a model no time passes.
#[cfg(loom)]
mod platform {
    use std::time::Duration;

    pub(super) fn now() -> Duration {
        Duration::ZERO
    }

    pub(super) fn shared() -> Duration {
        Duration::ZERO
    }

    pub(super) fn wall() -> Duration {
        Duration::ZERO
    }
}

/// The time since a moment that is fixed for this thread; never goes backwards.
///
/// Browsers round it to between 5 and 100 µs, and each worker counts from its own start.
pub fn now() -> Duration {
    platform::now()
}

/// The time since a moment that is the same for all threads of a page; never goes backwards.
pub fn shared() -> Duration {
    platform::shared()
}

/// The time since 1970 by the wall clock, which may be set, to the millisecond.
pub fn wall() -> Duration {
    platform::wall()
}

/// The step of [`shared`], found by watching it: up to some milliseconds the first time on each
/// thread, then nothing.
pub fn step() -> Duration {
    std::thread_local! {
        static STEP: std::cell::Cell<Duration> = const { std::cell::Cell::new(Duration::ZERO) };
    }
    if STEP.get().is_zero() {
        STEP.set(watch_step());
    }
    STEP.get()
}

/// The least of a few steps: a thread that is interrupted sees a longer one.
fn watch_step() -> Duration {
    const STEPS: u32 = 8;
    const LOOKS: u32 = 200_000;
    let mut least = Duration::from_millis(1);
    let mut before = now();
    let mut seen = 0;
    for _ in 0..LOOKS {
        let here = now();
        if here != before {
            least = least.min(here - before);
            (before, seen) = (here, seen + 1);
        }
        if seen > STEPS {
            break;
        }
    }
    least.max(Duration::from_nanos(1))
}

#[cfg(all(test, not(loom)))]
mod tests {
    #[test]
    fn it_never_goes_backwards() {
        let first = super::now();
        assert!(super::now() >= first);
    }

    #[test]
    fn the_step_is_no_more_than_a_millisecond() {
        let step = super::step();
        assert!(!step.is_zero() && step.as_micros() <= 1000);
        assert_eq!(super::step(), step);
    }
}
