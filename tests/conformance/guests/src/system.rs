//! What has nothing to do with files: arguments, clocks, random numbers, waiting, sockets, the end.

use crate::report::*;
use crate::say;
use std::mem::MaybeUninit;

pub fn arguments() {
    println!("{:?}", std::env::args().collect::<Vec<_>>());
    let mut variables: Vec<_> = std::env::vars().collect();
    variables.sort();
    println!("{variables:?}");
    say!("args sizes", args_sizes_get().map(|(count, bytes)| (count, bytes)));
    say!("environ sizes", environ_sizes_get().map(|(count, bytes)| (count, bytes)));
}

pub fn clocks() {
    for (name, clock) in [("realtime", CLOCKID_REALTIME), ("monotonic", CLOCKID_MONOTONIC)] {
        // SAFETY: asking clocks touches no memory of ours.
        let (resolution, first, second) =
            unsafe { (clock_res_get(clock), clock_time_get(clock, 0), clock_time_get(clock, 1)) };
        println!("{name} has a resolution: {}", resolution.is_ok_and(|ns| ns > 0));
        println!(
            "{name} goes on: {}",
            second.is_ok_and(|second| first.is_ok_and(|first| second >= first))
        );
    }
    // SAFETY: as above.
    let now = unsafe { clock_time_get(CLOCKID_REALTIME, 0) }.unwrap_or(0);
    println!("it is after 2024: {}", now > 1_700_000_000_000_000_000);
}

pub fn random() {
    let mut sum = 0u64;
    for len in [0usize, 1, 7, 65_536, 65_537, 200_000] {
        let mut bytes = vec![0u8; len];
        // SAFETY: the buffer has this length.
        let result = unsafe { random_get(bytes.as_mut_ptr(), len) };
        let zeros = bytes.iter().filter(|byte| **byte == 0).count();
        println!("{len} bytes: {}, plausible: {}", told(result), zeros <= len / 64 + 1);
        sum += bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }
    println!("the mean is near 127.5: {}", (sum as f64 / 330_000.0 - 127.5).abs() < 6.0);
}

pub fn yields() {
    say!("sched_yield", sched_yield());
}

pub fn sockets() {
    file(ROOT, "f", b"x");
    let fd = open(ROOT, "f", 0, READ | WRITE, 0).expect("the file");
    for (name, fd) in [("a file", fd), ("a directory", ROOT), ("nothing", 99)] {
        say!(format!("accept on {name}"), sock_accept(fd, 0));
        say!(format!("receive on {name}"), sock_recv(fd, &[], 0).map(|(size, _)| size));
        say!(format!("send on {name}"), sock_send(fd, &[], 0));
        say!(format!("shut down {name}"), sock_shutdown(fd, SDFLAGS_RD));
    }
}

fn clock(userdata: u64, id: Clockid, timeout: u64, flags: Subclockflags) -> Subscription {
    let clock = SubscriptionClock { id, timeout, precision: 0, flags };
    Subscription {
        userdata,
        u: SubscriptionU { tag: EVENTTYPE_CLOCK.raw(), u: SubscriptionUU { clock } },
    }
}

fn ready(userdata: u64, tag: Eventtype, file_descriptor: Fd) -> Subscription {
    let fd_read = SubscriptionFdReadwrite { file_descriptor };
    Subscription { userdata, u: SubscriptionU { tag: tag.raw(), u: SubscriptionUU { fd_read } } }
}

fn poll(subscriptions: &[Subscription]) -> Result<Vec<Event>, Errno> {
    let mut events = vec![MaybeUninit::<Event>::uninit(); subscriptions.len().max(1)];
    // SAFETY: there is room for an event for each subscription; as many as are told are written.
    let count = unsafe {
        poll_oneoff(subscriptions.as_ptr(), events.as_mut_ptr().cast(), subscriptions.len())
    }?;
    // SAFETY: so these are initialised.
    Ok(events[..count].iter().map(|event| unsafe { event.assume_init() }).collect())
}

fn tell(label: &str, result: Result<Vec<Event>, Errno>) {
    let result = result.map(|mut events| {
        events.sort_by_key(|event| event.userdata);
        let one = |event: &Event| (event.userdata, event.error.name(), event.type_.name());
        events.iter().map(one).collect::<Vec<_>>()
    });
    println!("{label}: {}", told(result));
}

fn now(id: Clockid) -> u64 {
    // SAFETY: asking clocks touches no memory of ours.
    unsafe { clock_time_get(id, 0) }.expect("a clock")
}

pub fn poll_clocks() {
    const MS: u64 = 1_000_000;
    for (name, id) in [("monotonic", CLOCKID_MONOTONIC), ("realtime", CLOCKID_REALTIME)] {
        let from = now(CLOCKID_MONOTONIC);
        tell(&format!("{name}, relative"), poll(&[clock(7, id, 30 * MS, 0)]));
        println!("it slept: {}", now(CLOCKID_MONOTONIC) - from >= 25 * MS);
        let from = now(CLOCKID_MONOTONIC);
        let until = now(id) + 30 * MS;
        tell(
            &format!("{name}, absolute"),
            poll(&[clock(8, id, until, SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME)]),
        );
        println!("it slept: {}", now(CLOCKID_MONOTONIC) - from >= 25 * MS);
        tell(
            &format!("{name}, absolute and past"),
            poll(&[clock(9, id, 1, SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME)]),
        );
    }
    let two =
        [clock(1, CLOCKID_MONOTONIC, 20 * MS, 0), clock(2, CLOCKID_MONOTONIC, 3_600_000 * MS, 0)];
    tell("the earlier of two", poll(&two));
    std::thread::sleep(std::time::Duration::from_millis(5));
    println!("sleep returned");
}

pub fn poll_files() {
    file(ROOT, "f", b"hello");
    let fd = open(ROOT, "f", 0, READ | WRITE, 0).expect("the file");
    tell("a file to read", poll(&[ready(1, EVENTTYPE_FD_READ, fd)]));
    tell("a file to write", poll(&[ready(2, EVENTTYPE_FD_WRITE, fd)]));
    tell(
        "stdout to write",
        poll(&[ready(3, EVENTTYPE_FD_WRITE, 1), ready(4, EVENTTYPE_FD_WRITE, 2)]),
    );
    let both =
        [ready(5, EVENTTYPE_FD_READ, fd), clock(6, CLOCKID_MONOTONIC, 3_600_000_000_000_000, 0)];
    tell("a file before a clock", poll(&both));
}

pub fn poll_wrong() {
    tell("nothing to wait for", poll(&[]));
    tell("a descriptor that is none", poll(&[ready(1, EVENTTYPE_FD_READ, 99)]));
}

pub fn exit() {
    println!("before the end");
    std::process::exit(42);
}

pub fn bad_pointers() {
    use wasi_snapshot_preview1 as raw;
    let outside = -16;
    // SAFETY: the host must refuse addresses that are not ours; that is what is tried.
    unsafe {
        let show = |label: &str, code: i32| {
            println!("{label}: {}", if code == 21 { "EFAULT" } else { "something else" })
        };
        show("fd_prestat_get", raw::fd_prestat_get(3, outside));
        show("fd_fdstat_get", raw::fd_fdstat_get(3, outside));
        show("fd_filestat_get", raw::fd_filestat_get(3, outside));
        show("random_get", raw::random_get(outside, 64));
        show("clock_time_get", raw::clock_time_get(0, 0, outside));
        show("args_sizes_get", raw::args_sizes_get(outside, outside));
        show("path_open", raw::path_open(3, 0, outside, 64, 0, 0, 0, 0, 0));
        show("path_filestat_get", raw::path_filestat_get(3, 0, outside, 64, 0));
        show("fd_write", raw::fd_write(1, outside, 2, 0));
        show("fd_readdir", raw::fd_readdir(3, outside, 4096, 0, 0));
    }
}
