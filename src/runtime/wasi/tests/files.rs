//! Descriptors and files: reading, writing, offsets, flags, rights, numbers, sizes, times.

use super::*;
use crate::runtime::wasi::abi::rights;

#[test]
fn bytes_go_through_several_buffers_in_order() {
    let mut world = World::new();
    let fd = world.open("f", CREATE, R | W).unwrap();
    assert_eq!(fd, 4, "the lowest free number");
    world.set(DATA, b"hello world");
    for (at, (from, len)) in [(0, 6), (0, 0), (6, 5)].into_iter().enumerate() {
        let at = LIST + at as u32 * 8;
        world.set(at, &(DATA + from as u32).to_le_bytes());
        world.set(at + 4, &u32::to_le_bytes(len));
    }
    assert_eq!(world.call(|call| call.fd_write(fd, LIST, 3, OUT)), 0);
    assert_eq!(world.u32(OUT), 11);
    assert_eq!(world.call(|call| call.fd_seek(fd, 2, 0, OUT, Abi::Preview1)), 0);
    world.set(DATA, &[b'.'; 20]);
    world.set(LIST, &(DATA + 10).to_le_bytes());
    world.set(LIST + 4, &3_u32.to_le_bytes());
    world.set(LIST + 8, &DATA.to_le_bytes());
    world.set(LIST + 12, &9_u32.to_le_bytes());
    assert_eq!(world.call(|call| call.fd_read(fd, LIST, 2, OUT)), 0);
    assert_eq!(world.u32(OUT), 9);
    assert_eq!(world.bytes(DATA, 14), b" world....llo.");
    assert_eq!(world.call(|call| call.fd_read(fd, LIST, 1025, OUT)), Errno::INVAL.0);
}

#[test]
fn many_buffers_are_as_good_as_few() {
    let mut world = World::new();
    let fd = world.open("f", CREATE, R | W).unwrap();
    let bytes: Vec<u8> = (0..200).collect();
    world.set(DATA, &bytes);
    let list = DATA + 4096;
    for at in 0..100_u32 {
        world.set(list + at * 8, &(DATA + 198 - at * 2).to_le_bytes());
        world.set(list + at * 8 + 4, &2_u32.to_le_bytes());
    }
    assert_eq!(world.call(|call| call.fd_write(fd, list, 100, OUT)), 0);
    assert_eq!(world.u32(OUT), 200);
    assert_eq!(world.call(|call| call.fd_seek(fd, 0, 0, OUT, Abi::Preview1)), 0);
    let mut turned: Vec<u8> = bytes.as_chunks::<2>().0.iter().rev().flatten().copied().collect();
    assert_eq!(world.read(fd, 300).as_deref(), Ok(turned.as_slice()));
    turned.clear();
}

#[test]
fn positional_calls_leave_the_offset_and_appending_ignores_it() {
    let mut world = World::new();
    let fd = world.open("f", CREATE, R | W).unwrap();
    world.write(fd, b"abcdef").unwrap();
    world.buffer(DATA, 2);
    world.set(DATA, b"XY");
    assert_eq!(world.call(|call| call.fd_pwrite(fd, LIST, 1, 1, OUT)), 0);
    assert_eq!(world.call(|call| call.fd_tell(fd, OUT)), 0);
    assert_eq!(world.u64(OUT), 6);
    world.buffer(DATA, 3);
    assert_eq!(world.call(|call| call.fd_pread(fd, LIST, 1, 0, OUT)), 0);
    assert_eq!(world.bytes(DATA, 3), b"aXY");
    assert_eq!(world.call(|call| call.fd_pread(fd, LIST, 1, 1 << 63, OUT)), Errno::INVAL.0);

    let fd = world.open_with(3, "f", (0, 0, R | W, 1)).unwrap();
    world.set(DATA, b"+");
    world.buffer(DATA, 1);
    assert_eq!(world.call(|call| call.fd_pwrite(fd, LIST, 1, 0, OUT)), 0);
    assert_eq!(world.stat("f", 0).unwrap().size, 7);
    assert_eq!(world.call(|call| call.fd_fdstat_set_flags(fd, 0)), 0);
    assert_eq!(world.call(|call| call.fd_pwrite(fd, LIST, 1, 0, OUT)), 0);
    assert_eq!(world.stat("f", 0).unwrap().size, 7);
}

#[test]
fn flags_are_kept_and_told_and_unknown_ones_refused() {
    let mut world = World::new();
    let fd = world.open_with(3, "f", (0, CREATE, R | W, 0b11111)).unwrap();
    assert_eq!(world.call(|call| call.fd_fdstat_get(fd, DATA)), 0);
    assert_eq!(world.bytes(DATA, 4), [4, 0, 0b11111, 0]);
    assert_eq!(world.call(|call| call.fd_fdstat_set_flags(fd, 0b101)), 0);
    assert_eq!(world.call(|call| call.fd_fdstat_get(fd, DATA)), 0);
    assert_eq!(world.bytes(DATA + 2, 1), [0b101]);
    assert_eq!(world.call(|call| call.fd_fdstat_set_flags(fd, 0b10_0000)), Errno::INVAL.0);
    assert_eq!(world.open_with(3, "f", (0, 0, R, 1 << 5)), Err(Errno::INVAL.0));
    assert_eq!(world.open_with(3, "f", (2, 0, R, 0)), Err(Errno::INVAL.0));
    assert_eq!(world.open("f", 16, R), Err(Errno::INVAL.0));
}

#[test]
fn reading_and_writing_are_as_opened() {
    let mut world = World::new();
    world.make("f", b"1234");
    for (base, reads, writes) in [(R, true, false), (W, false, true), (0, false, false)] {
        let fd = world.open("f", 0, base).unwrap();
        assert_eq!(world.call(|call| call.fd_fdstat_get(fd, DATA)), 0);
        assert_eq!(world.u64(DATA + 8) & (R | W), base);
        assert_eq!(world.read(fd, 1).is_ok(), reads);
        assert_eq!(world.write(fd, b"x").is_ok(), writes);
        if !reads {
            assert_eq!(world.read(fd, 1), Err(Errno::BADF.0));
        }
        let size = world.call(|call| call.fd_filestat_set_size(fd, 4));
        assert_eq!(size, if writes { 0 } else { Errno::INVAL.0 });
        let more = world.call(|call| call.fd_allocate(fd, 0, 4));
        assert_eq!(more, if writes { 0 } else { Errno::BADF.0 });
    }
    let fd = world.open("f", TRUNCATE, 0).unwrap();
    assert_eq!(world.stat("f", 0).unwrap().size, 0, "cutting needs no right to write");
    assert_eq!(world.write(fd, b"x"), Err(Errno::BADF.0));
}

#[test]
fn rights_can_be_dropped_but_not_got_back() {
    let mut world = World::new();
    let fd = world.open("f", CREATE, R | W).unwrap();
    world.write(fd, b"1234").unwrap();
    let all = rights::FILE;
    // A file has nothing to pass on.
    assert_eq!(world.call(|call| call.fd_fdstat_set_rights(fd, all, R)), Errno::NOTCAPABLE.0);
    assert_eq!(world.call(|call| call.fd_fdstat_set_rights(fd, all & !W, 0)), 0);
    assert_eq!(world.write(fd, b"x"), Err(Errno::BADF.0));
    assert_eq!(world.call(|call| call.fd_fdstat_set_rights(fd, all, 0)), Errno::NOTCAPABLE.0);
    assert_eq!(world.call(|call| call.fd_fdstat_set_rights(fd, R, 0)), 0);
    let denied = Errno::NOTCAPABLE.0;
    assert_eq!(world.call(|call| call.fd_seek(fd, 0, 0, OUT, Abi::Preview1)), denied);
    assert_eq!(world.call(|call| call.fd_filestat_get(fd, DATA, Abi::Preview1)), denied);
    assert_eq!(world.call(|call| call.fd_sync(fd, rights::FD_SYNC)), denied);
    let inherit = rights::DIR | rights::FILE & !W;
    assert_eq!(world.call(|call| call.fd_fdstat_set_rights(3, rights::DIR, inherit)), 0);
    assert_eq!(world.open("f", 0, W), Err(denied));
    assert!(world.open("f", 0, R).is_ok());
    let less = rights::PATH_OPEN;
    assert_eq!(world.call(|call| call.fd_fdstat_set_rights(3, less, inherit)), 0);
    assert_eq!(world.open("g", CREATE, R), Err(denied));
    assert_eq!(world.mkdir("d"), denied);
    assert_eq!(world.unlink("f"), denied);
}

#[test]
fn what_is_for_files_is_not_for_directories() {
    let mut world = World::new();
    let bad = Errno::BADF.0;
    world.buffer(DATA, 16);
    assert_eq!(world.call(|call| call.fd_read(3, LIST, 1, OUT)), bad);
    assert_eq!(world.call(|call| call.fd_pread(3, LIST, 1, 0, OUT)), bad);
    assert_eq!(world.call(|call| call.fd_write(3, LIST, 1, OUT)), bad);
    assert_eq!(world.call(|call| call.fd_pwrite(3, LIST, 1, 0, OUT)), bad);
    for whence in 0..3 {
        assert_eq!(world.call(|call| call.fd_seek(3, 0, whence, OUT, Abi::Preview1)), bad);
    }
    assert_eq!(world.call(|call| call.fd_tell(3, OUT)), bad);
    assert_eq!(world.call(|call| call.fd_advise(3, 4)), bad);
    assert_eq!(world.call(|call| call.fd_allocate(3, 0, 0)), bad);
    assert_eq!(world.call(|call| call.fd_sync(3, rights::FD_SYNC)), bad);
    assert_eq!(world.call(|call| call.fd_sync(3, rights::FD_DATASYNC)), bad);
    assert_eq!(world.call(|call| call.fd_fdstat_set_flags(3, 4)), bad);
    assert_eq!(world.call(|call| call.fd_filestat_set_size(3, 0)), bad);
    assert_eq!(world.call(|call| call.not_a_socket(3)), Errno::NOTSOCK.0);
    assert_eq!(world.call(|call| call.not_a_socket(420)), bad);
    assert_eq!(world.call(|call| call.fd_fdstat_get(3, DATA)), 0);
    assert_eq!(world.bytes(DATA, 4), [3, 0, 0, 0]);
    assert_eq!(world.u64(DATA + 8) & (rights::FD_SEEK | rights::FD_FILESTAT_SET_SIZE), 0);
    let file = world.open("f", CREATE, R).unwrap();
    assert_eq!(world.open_with(file, "x", (0, 0, R, 0)), Err(Errno::NOTDIR.0));
    assert_eq!(world.open_with(0, "x", (0, 0, R, 0)), Err(bad));
}

#[test]
fn preopens_are_told_and_nothing_else_is_one() {
    let mut world = World::with(Config {
        preopens: vec![preopen("/", "/work"), preopen("data", "/d")],
        ..Config::default()
    });
    assert_eq!(world.call(|call| call.fd_prestat_get(4, DATA)), 0);
    assert_eq!((world.u32(DATA), world.u32(DATA + 4)), (0, 4));
    assert_eq!(world.call(|call| call.fd_prestat_dir_name(4, DATA, 3)), Errno::NAMETOOLONG.0);
    assert_eq!(world.call(|call| call.fd_prestat_dir_name(4, DATA, 9)), 0);
    assert_eq!(world.bytes(DATA, 4), b"data");
    let dir = world.open(".", DIRECTORY, 0).unwrap();
    for fd in [0, 2, dir, 99] {
        assert_eq!(world.call(|call| call.fd_prestat_get(fd, DATA)), Errno::BADF.0, "{fd}");
    }
    assert_eq!(world.call(|call| call.fd_prestat_dir_name(dir, DATA, 9)), Errno::NOTDIR.0);
    assert_eq!(world.call(|call| call.fd_close(3)), 0);
    assert_eq!(world.call(|call| call.fd_prestat_get(3, DATA)), Errno::BADF.0);
    assert_eq!(world.open_with(dir, "f", (0, CREATE, R, 0)), Ok(3));
}

#[test]
fn renumbering_closes_what_was_there() {
    let mut world = World::new();
    world.make("a", b"a");
    world.make("b", b"b");
    let (a, b) = (world.open("a", 0, R).unwrap(), world.open("b", 0, R).unwrap());
    assert_eq!(world.call(|call| call.fd_renumber(a, b)), 0);
    assert_eq!(world.read(b, 9).as_deref(), Ok(&b"a"[..]));
    assert_eq!(world.call(|call| call.fd_close(a)), Errno::BADF.0);
    assert_eq!(world.call(|call| call.fd_renumber(b, a)), Errno::BADF.0);
    assert_eq!(world.call(|call| call.fd_renumber(b, b)), 0);
    assert_eq!(world.call(|call| call.fd_renumber(b, 99)), 0, "far beyond");
    assert_eq!(world.call(|call| call.fd_renumber(99, b)), Errno::BADF.0, "closed");
    assert_eq!(world.call(|call| call.fd_renumber(99, u32::MAX)), Errno::BADF.0);
    assert_eq!(world.call(|call| call.fd_renumber(0, 50)), Errno::BADF.0, "passed by");
    let b = 99;
    assert_eq!(world.call(|call| call.fd_renumber(b, 1)), 0, "onto a stream");
    assert_eq!(world.call(|call| call.fd_renumber(2, 3)), 0, "a stream onto a preopen");
    assert_eq!(world.open("a", 0, R), Err(Errno::BADF.0));
    assert_eq!(world.write(3, b"x"), Ok(1));
}

#[test]
fn offsets_have_their_limits() {
    let mut world = World::new();
    let fd = world.open("f", CREATE, R | W).unwrap();
    world.write(fd, &[0; 100]).unwrap();
    let mut seek = |offset, whence, abi| {
        let errno = world.call(|call| call.fd_seek(fd, offset, whence, OUT, abi));
        if errno == 0 { Ok(world.u64(OUT)) } else { Err(errno) }
    };
    assert_eq!(seek(-50, 1, Abi::Preview1), Ok(50));
    assert_eq!(seek(-1, 2, Abi::Preview1), Ok(99));
    assert_eq!(seek(7, 0, Abi::Preview1), Ok(7));
    assert_eq!(seek(1000, 1, Abi::Preview1), Ok(1007));
    assert_eq!(seek(-2000, 1, Abi::Preview1), Err(Errno::INVAL.0));
    assert_eq!(seek(0, 3, Abi::Preview1), Err(Errno::INVAL.0));
    assert_eq!(seek(3, 2, Abi::Unstable), Ok(3));
    assert_eq!(seek(4, 0, Abi::Unstable), Ok(7));
    assert_eq!(seek(0, 1, Abi::Unstable), Ok(100));
}

#[test]
fn sizes_grow_by_zeros_and_times_are_set_to_the_nanosecond() {
    let mut world = World::new();
    let fd = world.open("f", CREATE, R | W).unwrap();
    assert_eq!(world.call(|call| call.fd_allocate(fd, 90, 20)), 0);
    assert_eq!(world.call(|call| call.fd_allocate(fd, 10, 10)), 0);
    assert_eq!(world.stat("f", 0).unwrap().size, 110);
    assert_eq!(world.call(|call| call.fd_allocate(fd, 1, u64::MAX)), Errno::FBIG.0);
    assert_eq!(world.call(|call| call.fd_filestat_set_size(fd, 4)), 0);
    assert_eq!(world.read(fd, 9).as_deref(), Ok(&[0; 4][..]));
    assert_eq!(world.call(|call| call.fd_filestat_set_times(fd, 1, 123_456_789, 4)), 0);
    assert_eq!(world.stat("f", 0).unwrap().mtime, 123_456_789);
    for flags in [3, 12, 15, 16] {
        let errno = world.call(|call| call.fd_filestat_set_times(fd, 1, 2, flags));
        assert_eq!(errno, Errno::INVAL.0, "{flags}");
    }
    assert_eq!(world.stat("f", 0).unwrap().mtime, 123_456_789);
    assert_eq!(world.call(|call| call.fd_filestat_set_times(3, 1, 5, 5)), 0, "a directory");
    assert_eq!(world.call(|call| call.fd_advise(fd, 5)), 0);
    assert_eq!(world.call(|call| call.fd_advise(fd, 6)), Errno::INVAL.0);
}

#[test]
fn synchronising_names_what_must_be_durable() {
    let mut world = World::new();
    let fd = world.open("f", CREATE, R | W).unwrap();
    let mut ticket = None;
    assert_eq!(
        world.call(|call| {
            call.fd_sync(fd, rights::FD_SYNC)?;
            ticket = call.durable;
            Ok(())
        }),
        0
    );
    let ticket = ticket.expect("a claim");
    assert!(world.fs.settled(ticket).is_none());
    let store = ticket.node.store();
    let batch = world.fs.take_batch(store, crate::fs::Fold::Auto).expect("changes");
    assert!(world.fs.is_hard(store), "it waits for the disk");
    world.store.apply(&batch).unwrap();
    world.fs.batch_done(store, batch.epoch, Ok(()));
    assert_eq!(world.fs.settled(ticket), Some(Ok(())));
    assert_eq!(world.call(|call| call.fd_sync(fd, rights::FD_SYNC)), 0);
    assert!(world.fs.is_clean(store), "nothing has changed since");
    // What a batch for nobody has carried is made hard afterwards.
    world.write(fd, b"more").unwrap();
    world.store.commit(&mut world.fs, store, crate::fs::Fold::Auto).unwrap();
    let mut ticket = None;
    let synchronised = world.call(|call| {
        call.fd_sync(fd, rights::FD_SYNC)?;
        ticket = call.durable;
        Ok(())
    });
    assert_eq!((synchronised, world.fs.settled(ticket.unwrap())), (0, None));
    let ticket = ticket.expect("a claim");
    world.store.commit(&mut world.fs, store, crate::fs::Fold::Auto).unwrap();
    assert_eq!(world.fs.settled(ticket), Some(Ok(())));
    // So does every write where the flags ask for it.
    let fd = world.open_with(3, "g", (0, CREATE, W, 16)).unwrap();
    world.buffer(DATA, 1);
    let mut durable = None;
    let wrote = world.call(|call| {
        call.fd_write(fd, LIST, 1, OUT)?;
        durable = call.durable;
        Ok(())
    });
    assert!(wrote == 0 && durable.is_some());
}

#[test]
fn files_close_with_their_process() {
    let mut world = World::new();
    world.open("f", CREATE, R | W).unwrap();
    assert_eq!(world.unlink("f"), 0);
    world.runtime.free(world.pid, &mut world.fs);
    assert!(world.fs.check().is_empty());
    assert_eq!(world.call(|call| call.fd_close(1)), ENDED);
}

#[test]
fn buffers_outside_of_the_memory_change_nothing() {
    let mut world = World::new();
    world.make("f", b"abcdef");
    let fd = world.open("f", 0, R | W).unwrap();
    let end = world.guest.bytes.len() as u32;
    let wrong = [(end - 2, 3), (end, 1), (u32::MAX, 1), (1, u32::MAX), (end + 1, 0)];
    for (at, len) in wrong {
        world.buffer(DATA, 2);
        world.set(LIST + 8, &at.to_le_bytes());
        world.set(LIST + 12, &u32::to_le_bytes(len));
        let fault = Errno::FAULT.0;
        assert_eq!(world.call(|call| call.fd_read(fd, LIST, 2, OUT)), fault, "{at} {len}");
        assert_eq!(world.call(|call| call.fd_pread(fd, LIST, 2, 0, OUT)), fault);
        assert_eq!(world.call(|call| call.fd_write(fd, LIST, 2, OUT)), fault);
        assert_eq!(world.call(|call| call.fd_pwrite(fd, LIST, 2, 0, OUT)), fault);
    }
    world.buffer(DATA, 2);
    for list in [end - 4, u32::MAX - 3] {
        assert_eq!(world.call(|call| call.fd_read(fd, list, 1, OUT)), Errno::FAULT.0);
    }
    assert_eq!(world.call(|call| call.fd_read(fd, LIST, 1, end - 3)), Errno::FAULT.0);
    assert_eq!(world.call(|call| call.fd_write(fd, LIST, 1, end - 3)), Errno::FAULT.0);
    assert_eq!(world.read(fd, 20).as_deref(), Ok(&b"abcdef"[..]), "neither moved nor changed");
    // Bytes that overlap may be named again and again, but not more than can be counted.
    for at in 0..64 {
        world.set(DATA + at * 8, &0_u32.to_le_bytes());
        world.set(DATA + at * 8 + 4, &end.to_le_bytes());
    }
    assert_eq!(world.call(|call| call.fd_write(fd, DATA, 64, OUT)), 0);
    assert_eq!(world.stat("f", 0).unwrap().size, u64::from(world.u32(OUT)) + 6);
}
