//! Every function called with whatever a guest may make up: an errno, never a panic, nothing out of place.

use super::*;
use proptest::prelude::*;

/// Numbers that guests use, and those that nobody should.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..16_u32,
        0..0x2_0000_u32,
        Just(0x1_ffff),
        Just(0x2_0000),
        Just(u32::MAX),
        Just(0x8000_0000),
        (u32::MAX - 64)..=u32::MAX,
        any::<u32>(),
    ]
}

fn long() -> impl Strategy<Value = u64> {
    prop_oneof![0..200_u64, Just(u64::MAX), Just(1 << 63), Just(i64::MAX as u64), any::<u64>()]
}

/// A function by number, with arguments by position.
fn invoke(call: &mut Call<'_>, function: u32, n: &[u32; 8], w: &[u64; 2]) -> Step<()> {
    let [a, b, c, d, e, f, g, h] = *n;
    let abi = if h % 2 == 0 { Abi::Preview1 } else { Abi::Unstable };
    let at = At { dir: a, path: b, len: c };
    let to = At { dir: d, path: e, len: f };
    match function {
        0 => call.args_sizes_get(a, b),
        1 => call.args_get(a, b),
        2 => call.environ_sizes_get(a, b),
        3 => call.environ_get(a, b),
        4 => call.clock_res_get(a, b),
        5 => call.clock_time_get(a, b),
        6 => call.random_get(a, b),
        7 => call.fd_advise(a, b),
        8 => call.fd_allocate(a, w[0], w[1] % (1 << 20)),
        9 => call.fd_close(a),
        10 => call.fd_sync(a, 1),
        11 => call.fd_fdstat_get(a, b),
        12 => call.fd_fdstat_set_flags(a, b),
        13 => call.fd_fdstat_set_rights(a, w[0], w[1]),
        14 => call.fd_filestat_get(a, b, abi),
        15 => call.fd_filestat_set_size(a, w[0] % (1 << 20)),
        16 => call.fd_filestat_set_times(a, w[0], w[1], b),
        17 => call.fd_read(a, b, c, d),
        18 => call.fd_pread(a, b, c, w[0], d),
        19 => call.fd_write(a, b, c, d),
        20 => call.fd_pwrite(a, b, c, w[0], d),
        21 => call.fd_prestat_get(a, b),
        22 => call.fd_prestat_dir_name(a, b, c),
        23 => call.fd_readdir(a, b, c, w[0], d),
        24 => call.fd_renumber(a, b),
        25 => call.fd_seek(a, w[0].cast_signed(), b, c, abi),
        26 => call.fd_tell(a, b),
        27 => call.path_create_directory(at),
        28 => call.path_filestat_get(at, d, e, abi),
        29 => call.path_filestat_set_times(at, d, w[0], w[1], e),
        30 => call.path_link(at, g, to),
        31 => call.path_open(&open::Open {
            dir: a,
            lookup: b,
            path: c,
            len: d,
            how: e,
            base: w[0],
            flags: f,
            to: g,
        }),
        32 => call.path_readlink(at, d, e, f),
        33 => call.path_remove_directory(at),
        34 => call.path_rename(at, to),
        35 => call.path_symlink(a, b, At { dir: c, path: d, len: e }),
        36 => call.path_unlink_file(at),
        37 => call.poll_oneoff(a, b, c % 4096, d, w[0], abi),
        38 => call.proc_raise(a),
        _ => call.not_a_socket(a),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_call_does_harm(
        calls in proptest::collection::vec(
            (0..40_u32, proptest::array::uniform8(number()), proptest::array::uniform2(long())),
            1..60,
        ),
        noise in proptest::collection::vec(any::<u8>(), 512),
    ) {
        let mut world = World::with(Config {
            preopens: vec![preopen("/", "/work"), Preopen { read_only: true, ..preopen("ro", "/ro") }],
            stdin: Input::Bytes(noise.clone()),
            output: [Output::Capture, Output::Discard],
            args: vec![b"prog".to_vec()],
            ..Config::default()
        });
        world.outside("/secret", b"secret");
        world.make("f", b"contents");
        // Numbers that stand for addresses of these find names, buffers and subscriptions there.
        world.set(0, &noise);
        world.set(PATH, b"f/../d/../../secret");
        for (function, numbers, longs) in &calls {
            let mut fds = *numbers;
            fds[0] = if *function % 3 == 0 { fds[0] } else { fds[0] % 8 };
            if world.call(|call| invoke(call, *function, &fds, longs)) == ENDED {
                break;
            }
        }
        let World { fs, store, .. } = &mut world;
        let mut seen = Vec::new();
        store
            .run(fs, |fs| {
                seen.clear();
                fs.read_whole(Place::from("/secret"), &mut |_| {}, &mut |bytes| seen.extend_from_slice(bytes))
            })
            .expect("the secret is still there");
        prop_assert_eq!(seen, b"secret");
        prop_assert_eq!(world.guest.bytes.len(), 1 << 17);
    }
}
