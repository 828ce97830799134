//! No bytes break the filesystem: scripts of operations made of anything leave it sound. `tests/fuzz` goes on where this ends.

mod fs_support;

use fs_support::script;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        rng_seed: RngSeed::Fixed(0x0150_1174),
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_script_leaves_it_sound(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        script::run(&bytes);
    }
}
