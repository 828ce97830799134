//! Standard streams, pipes, polling, arguments, clocks, and the end of a process.

use super::*;
use crate::runtime::pipe::Flow;
use crate::runtime::wasi::abi::filetype;

#[test]
fn streams_have_neither_offset_nor_size() {
    let mut world = streams(Input::Bytes(b"input".to_vec()), [Output::Capture, Output::Discard]);
    assert_eq!(world.read(0, 3).as_deref(), Ok(&b"inp"[..]));
    assert_eq!(world.read(0, 30).as_deref(), Ok(&b"ut"[..]));
    assert_eq!(world.read(0, 30).as_deref(), Ok(&b""[..]));
    assert_eq!(world.write(1, b"out"), Ok(3));
    assert_eq!(world.write(2, b"err"), Ok(3));
    assert_eq!(world.write(0, b"x"), Err(Errno::BADF.0));
    assert_eq!(world.read(1, 1), Err(Errno::BADF.0));
    for fd in 0..3 {
        world.buffer(DATA, 4);
        assert_eq!(world.call(|call| call.fd_seek(fd, 0, 0, OUT, Abi::Preview1)), Errno::SPIPE.0);
        assert_eq!(world.call(|call| call.fd_tell(fd, OUT)), Errno::SPIPE.0);
        assert_eq!(world.call(|call| call.fd_pread(fd, LIST, 1, 0, OUT)), Errno::SPIPE.0);
        assert_eq!(world.call(|call| call.fd_pwrite(fd, LIST, 1, 0, OUT)), Errno::SPIPE.0);
        world.set(DATA, &[1; 64]);
        assert_eq!(world.call(|call| call.fd_filestat_get(fd, DATA, Abi::Preview1)), 0);
        assert_eq!(world.bytes(DATA, 64), [0; 64]);
        assert_eq!(world.call(|call| call.not_a_socket(fd)), Errno::NOTSOCK.0);
    }
    assert_eq!(world.runtime.take_captured(world.pid, 0), b"out");
    assert_eq!(world.runtime.take_captured(world.pid, 1), b"");
}

#[test]
fn a_terminal_is_known_by_its_type_and_rights() {
    let mut world = World::with(Config { terminal: [true, true, false], ..Config::default() });
    for (fd, expected) in
        [(0, filetype::CHARACTER_DEVICE), (1, filetype::CHARACTER_DEVICE), (2, filetype::UNKNOWN)]
    {
        assert_eq!(world.call(|call| call.fd_fdstat_get(fd, DATA)), 0);
        assert_eq!(world.bytes(DATA, 1)[0], expected);
        assert_eq!(world.u64(DATA + 8) & (1 << 2 | 1 << 5), 0, "neither seek nor tell");
    }
}

#[test]
fn a_reader_sleeps_until_there_is_something() {
    let mut world = streams(Input::Empty, [Output::Discard; 2]);
    let pipe = world.runtime.make_pipe(8).unwrap();
    let config = Config { stdin: Input::Pipe(pipe), ..Config::default() };
    world.pid = start(&mut world.runtime, &mut world.store, &mut world.fs, &config);
    let pid = world.pid;
    let rings = |world: &mut World| {
        let bell = world.runtime.bell(pid).unwrap().address();
        // SAFETY: the process with its bell is there.
        unsafe { (*bell).load(crate::sync::primitive::Ordering::Relaxed) }
    };
    let before = rings(&mut world);
    assert_eq!(world.read(0, 5), Err(SLEEPS));
    assert_eq!(rings(&mut world), before);
    let put = |world: &mut World, bytes: &[u8]| {
        assert!(world.runtime.with_pipe(pipe, &mut |pipe| {
            let flow = pipe.write(bytes.len(), &mut |to| to.copy_from_slice(&bytes[..to.len()]));
            assert_eq!(flow, Flow::Moved(bytes.len()));
            true
        }));
    };
    put(&mut world, b"abc");
    assert_ne!(rings(&mut world), before);
    assert_eq!(world.read(0, 5).as_deref(), Ok(&b"abc"[..]));
    assert_eq!(world.call(|call| call.fd_fdstat_set_flags(0, 4)), 0);
    assert_eq!(world.read(0, 5), Err(Errno::AGAIN.0));
    assert_eq!(world.call(|call| call.fd_fdstat_set_flags(0, 0)), 0);
    assert_eq!(world.read(0, 5), Err(SLEEPS));
    world.runtime.with_pipe(pipe, &mut |pipe| {
        pipe.page_stops_writing();
        true
    });
    assert_eq!(world.read(0, 5).as_deref(), Ok(&b""[..]));
}

#[test]
fn a_pipe_between_processes_ends_with_them() {
    let mut world = streams(Input::Empty, [Output::Discard; 2]);
    let pipe = world.runtime.make_pipe(4).unwrap();
    let writer = Config { output: [Output::Pipe(pipe); 2], ..Config::default() };
    let reader = Config { stdin: Input::Pipe(pipe), ..Config::default() };
    let writer = start(&mut world.runtime, &mut world.store, &mut world.fs, &writer);
    let reader = start(&mut world.runtime, &mut world.store, &mut world.fs, &reader);
    world.pid = writer;
    assert_eq!(world.write(1, b"abcdef"), Ok(4));
    assert_eq!(world.write(2, b"x"), Err(SLEEPS));
    world.pid = reader;
    assert_eq!(world.read(0, 9).as_deref(), Ok(&b"abcd"[..]));
    world.pid = writer;
    assert_eq!(world.call(|call| call.fd_close(1)), 0);
    assert_eq!(world.write(2, b"x"), Ok(1));
    assert_eq!(world.call(|call| call.proc_exit(3)), ENDED);
    assert_eq!(world.runtime.exit_code(writer), Some(3));
    world.pid = reader;
    assert_eq!(world.read(0, 9).as_deref(), Ok(&b"x"[..]));
    assert_eq!(world.read(0, 9).as_deref(), Ok(&b""[..]), "nobody writes any more");
    world.runtime.end(reader, 0);
    let other = Config { output: [Output::Pipe(pipe), Output::Discard], ..Config::default() };
    world.pid = start(&mut world.runtime, &mut world.store, &mut world.fs, &other);
    assert_eq!(world.write(1, b"x"), Err(Errno::PIPE.0), "nobody reads any more");
}

#[test]
fn ended_processes_stay_ended_and_their_numbers_are_not_the_next_ones() {
    let mut world = World::new();
    let old = world.pid;
    world.runtime.end(old, 9);
    world.runtime.end(old, 8);
    assert_eq!(world.runtime.exit_code(old), Some(9), "the first code counts");
    assert_eq!(world.write(1, b"x"), Err(ENDED));
    world.runtime.free(old, &mut world.fs);
    let config = Config::default();
    world.pid = start(&mut world.runtime, &mut world.store, &mut world.fs, &config);
    assert_ne!(world.pid, old);
    assert_eq!(world.write(1, b"x"), Ok(1));
    world.pid = old;
    assert_eq!(world.write(1, b"x"), Err(ENDED));
}

#[test]
fn signals_end_a_process_or_do_nothing() {
    for (signal, expected) in [
        (0, 0),
        (16, 0),
        (15, ENDED),
        (6, ENDED),
        (9, ENDED),
        (18, Errno::NOTSUP.0),
        (31, Errno::INVAL.0),
    ] {
        let mut world = World::new();
        assert_eq!(world.call(|call| call.proc_raise(signal)), expected, "{signal}");
        let code = world.runtime.exit_code(world.pid);
        assert_eq!(code, (expected == ENDED).then_some(128 + signal));
    }
}

#[test]
fn arguments_and_variables_end_with_zeros() {
    let mut world = World::with(Config {
        args: vec![b"prog".to_vec(), "grün".into()],
        env: vec![b"K=v".to_vec()],
        ..Config::default()
    });
    assert_eq!(world.call(|call| call.args_sizes_get(DATA, DATA + 4)), 0);
    assert_eq!((world.u32(DATA), world.u32(DATA + 4)), (2, 11));
    assert_eq!(world.call(|call| call.args_get(DATA, DATA + 100)), 0);
    assert_eq!((world.u32(DATA), world.u32(DATA + 4)), (DATA + 100, DATA + 105));
    assert_eq!(world.bytes(DATA + 100, 11), "prog\0grün\0".as_bytes());
    assert_eq!(world.call(|call| call.environ_sizes_get(DATA, DATA + 4)), 0);
    assert_eq!((world.u32(DATA), world.u32(DATA + 4)), (1, 4));
    assert_eq!(world.call(|call| call.environ_get(DATA, DATA + 8)), 0);
    assert_eq!(world.bytes(DATA + 8, 4), b"K=v\0");
    let end = world.guest.bytes.len() as u32;
    assert_eq!(world.call(|call| call.args_get(DATA, end - 10)), Errno::FAULT.0);
    assert_eq!(world.call(|call| call.args_sizes_get(DATA, end - 3)), Errno::FAULT.0);
}

#[test]
fn clocks_are_the_real_and_the_monotonic_one() {
    let mut world = World::new();
    for clock in 0..2 {
        assert_eq!(world.call(|call| call.clock_time_get(clock, DATA)), 0);
        assert_eq!(world.u64(DATA), 1_000_000);
        assert_eq!(world.call(|call| call.clock_res_get(clock, DATA)), 0);
        assert_eq!(world.u64(DATA), 1000);
    }
    for clock in [2, 3, 4, u32::MAX] {
        assert_eq!(world.call(|call| call.clock_time_get(clock, DATA)), Errno::INVAL.0);
        assert_eq!(world.call(|call| call.clock_res_get(clock, DATA)), Errno::INVAL.0);
    }
}

/// Writes a subscription of 48 bytes.
fn subscribe(world: &mut World, at: u32, user: u64, kind: u8, rest: &[(u32, u64)]) {
    let at = DATA + at * 48;
    world.set(at, &[0; 48]);
    world.set(at, &user.to_le_bytes());
    world.set(at + 8, &[kind]);
    for (offset, value) in rest {
        world.set(at + offset, &value.to_le_bytes());
    }
}

const EVENTS: u32 = DATA + 4096;

fn poll(world: &mut World, count: u32, since: u64) -> Result<Vec<(u64, u8, u64, u16)>, u16> {
    match world.call(|call| call.poll_oneoff(DATA, EVENTS, count, OUT, since, Abi::Preview1)) {
        0 => Ok((0..world.u32(OUT))
            .map(|at| {
                let at = EVENTS + at * 32;
                assert_eq!(world.bytes(at + 8, 2), [0, 0], "no error in the event");
                let flags = world.bytes(at + 24, 1)[0].into();
                (world.u64(at), world.bytes(at + 10, 1)[0], world.u64(at + 16), flags)
            })
            .collect()),
        errno => Err(errno),
    }
}

#[test]
fn polling_tells_all_that_is_due_and_sleeps_otherwise() {
    let mut world = streams(Input::Bytes(b"12345".to_vec()), [Output::Discard; 2]);
    assert_eq!(poll(&mut world, 0, 0), Err(Errno::INVAL.0));
    let now = world.guest.now;
    let clock = |id: u64, time: u64, absolute: u64| [(16, id), (24, time), (40, absolute)];
    subscribe(&mut world, 0, 7, 0, &clock(1, 500, 0));
    assert_eq!(poll(&mut world, 1, now), Err(SLEEPS));
    world.guest.now += 499;
    assert_eq!(poll(&mut world, 1, now), Err(SLEEPS));
    world.guest.now += 1;
    assert_eq!(poll(&mut world, 1, now), Ok(vec![(7, 0, 0, 0)]));
    let later = world.guest.now + 10;
    subscribe(&mut world, 0, 8, 0, &clock(0, later, 1));
    assert_eq!(poll(&mut world, 1, 0), Err(SLEEPS), "absolute");
    subscribe(&mut world, 1, 9, 1, &[(16, 0)]);
    subscribe(&mut world, 2, 10, 2, &[(16, 1)]);
    let due = poll(&mut world, 3, 0).unwrap();
    assert_eq!(due, [(9, 1, 5, 0), (10, 2, u64::from(u32::MAX), 0)]);
    world.read(0, 10).unwrap();
    subscribe(&mut world, 0, 9, 1, &[(16, 0)]);
    assert_eq!(poll(&mut world, 1, 0), Ok(vec![(9, 1, 0, 1)]), "at its end");
    for (kind, fd, errno) in
        [(1, 99, Errno::BADF), (2, 0, Errno::BADF), (1, 1, Errno::BADF), (3, 0, Errno::INVAL)]
    {
        subscribe(&mut world, 1, 1, kind, &[(16, fd)]);
        assert_eq!(poll(&mut world, 2, 0), Err(errno.0), "{kind} {fd}");
    }
    subscribe(&mut world, 1, 1, 0, &clock(2, 1, 0));
    assert_eq!(poll(&mut world, 2, 0), Err(Errno::INVAL.0), "no such clock");
}

#[test]
fn polling_wakes_for_pipes_and_knows_what_is_left_of_files() {
    let mut world = streams(Input::Empty, [Output::Discard; 2]);
    let pipe = world.runtime.make_pipe(4).unwrap();
    let config = Config {
        stdin: Input::Pipe(pipe),
        preopens: vec![preopen("/", "/work")],
        ..Config::default()
    };
    world.pid = start(&mut world.runtime, &mut world.store, &mut world.fs, &config);
    subscribe(&mut world, 0, 1, 1, &[(16, 0)]);
    assert_eq!(poll(&mut world, 1, 0), Err(SLEEPS));
    world.runtime.with_pipe(pipe, &mut |pipe| {
        assert_eq!(pipe.write(2, &mut |to| to.fill(1)), Flow::Moved(2));
        true
    });
    assert_eq!(poll(&mut world, 1, 0), Ok(vec![(1, 1, 2, 0)]));
    world.make("f", b"123456");
    let fd = world.open("f", 0, R).unwrap();
    world.read(fd, 2).unwrap();
    subscribe(&mut world, 0, 1, 1, &[(16, u64::from(fd))]);
    assert_eq!(poll(&mut world, 1, 0), Ok(vec![(1, 1, 4, 0)]));
}

#[test]
fn the_older_generation_subscribes_in_another_layout() {
    let mut world = streams(Input::Empty, [Output::Discard; 2]);
    world.set(DATA, &[0; 56]);
    world.set(DATA, &5_u64.to_le_bytes());
    world.set(DATA + 24, &1_u32.to_le_bytes());
    world.set(DATA + 32, &100_u64.to_le_bytes());
    let poll = |world: &mut World, since| {
        world.call(|call| call.poll_oneoff(DATA, EVENTS, 1, OUT, since, Abi::Unstable))
    };
    let now = world.guest.now;
    assert_eq!(poll(&mut world, now), SLEEPS);
    assert_eq!(poll(&mut world, now - 100), 0);
    assert_eq!(world.u64(EVENTS), 5);
}

#[test]
fn captured_output_has_a_limit() {
    let mut world = streams(Input::Empty, [Output::Capture, Output::Discard]);
    let bytes = vec![b'x'; 100_000];
    let mut total = 0_u64;
    let refused = loop {
        match world.write(1, &bytes) {
            Ok(count) => total += u64::from(count),
            Err(errno) => break errno,
        }
    };
    assert_eq!(refused, Errno::NOSPC.0);
    assert!((100 << 20..=128 << 20).contains(&total));
    assert_eq!(world.runtime.take_captured(world.pid, 0).len() as u64, total);
    assert!(world.write(1, &bytes).is_ok());
}
