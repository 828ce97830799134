//! Paths: opening, making, removing, renaming, linking, listing, and the errno of each mistake.

use super::*;
use crate::runtime::wasi::abi::filetype;

#[test]
fn opening_answers_as_posix_does() {
    let mut world = World::new();
    world.make("file", b"x");
    assert_eq!(world.mkdir("dir"), 0);
    assert_eq!(world.symlink("file", "to-file"), 0);
    assert_eq!(world.symlink("dir", "to-dir"), 0);
    assert_eq!(world.symlink("nothing", "dangling"), 0);
    assert_eq!(world.symlink("loop", "loop"), 0);
    let follow = 1;
    let table: &[(&str, u32, u32, u64, Errno)] = &[
        ("none", 0, 0, R, Errno::NOENT),
        ("none/x", 0, CREATE, R, Errno::NOENT),
        ("", 0, 0, R, Errno::NOENT),
        ("file", 0, CREATE | EXCLUSIVE, R, Errno::EXIST),
        ("dangling", 0, CREATE | EXCLUSIVE, R, Errno::EXIST),
        ("file", 0, DIRECTORY, R, Errno::NOTDIR),
        ("file/", 0, 0, R, Errno::NOTDIR),
        ("file/x", 0, 0, R, Errno::NOTDIR),
        ("dir", 0, 0, R | W, Errno::ISDIR),
        ("dir", 0, DIRECTORY, R | W, Errno::ISDIR),
        ("dir", 0, TRUNCATE, R, Errno::ISDIR),
        ("dir", 0, CREATE, R, Errno::ISDIR),
        (".", 0, DIRECTORY, R | W, Errno::ISDIR),
        ("dir", 0, DIRECTORY | CREATE, R, Errno::INVAL),
        ("to-file", 0, 0, R, Errno::LOOP),
        ("to-file", 0, CREATE, R, Errno::LOOP),
        ("to-dir", 0, DIRECTORY, R, Errno::NOTDIR),
        ("to-file", follow, DIRECTORY, R, Errno::NOTDIR),
        ("dangling", 0, 0, R, Errno::LOOP),
        ("dangling", follow, 0, R, Errno::NOENT),
        ("loop", follow, 0, R, Errno::LOOP),
        ("loop", 0, 0, R, Errno::LOOP),
        ("a\0b", 0, 0, R, Errno::INVAL),
    ];
    for (path, lookup, how, base, errno) in table {
        let opened = world.open_with(3, path, (*lookup, *how, *base, 0));
        assert_eq!(opened, Err(errno.0), "{path} {lookup} {how} {base}");
    }
    for (path, lookup, how, base) in [
        ("to-file", follow, 0, R),
        ("to-dir", follow, DIRECTORY, R),
        ("to-dir/", 0, 0, R),
        ("dir/", 0, 0, R),
        ("dir///", 0, 0, 0),
        (".", 0, 0, 0),
        ("dir/.//../dir/../file", 0, 0, R),
        ("dangling", follow, CREATE, W),
    ] {
        assert!(world.open_with(3, path, (lookup, how, base, 0)).is_ok(), "{path}");
    }
    assert_eq!(world.stat("nothing", 0).map(|stat| stat.size), Ok(0), "made through the link");
}

#[test]
fn names_that_are_no_text_or_too_long_are_refused() {
    let mut world = World::new();
    for bytes in [&b"\xff"[..], b"a/\xc3", b"\xed\xa0\x80"] {
        let at = world.path(3, bytes);
        assert_eq!(world.call(|call| call.path_create_directory(at)), Errno::ILSEQ.0);
        assert_eq!(world.call(|call| call.path_unlink_file(at)), Errno::ILSEQ.0);
    }
    assert_eq!(world.mkdir(&"n".repeat(256)), Errno::NAMETOOLONG.0);
    assert_eq!(world.mkdir(&"n".repeat(255)), 0);
    assert_eq!(world.mkdir(&"a/".repeat(2048)), Errno::NAMETOOLONG.0);
    let at = At { dir: 3, path: 0, len: 100_000 };
    assert_eq!(world.call(|call| call.path_create_directory(at)), Errno::NAMETOOLONG.0);
    let at = At { dir: 3, path: 0, len: u32::MAX };
    assert_eq!(world.call(|call| call.path_create_directory(at)), Errno::FAULT.0);
}

#[test]
fn removing_answers_as_posix_does() {
    let mut world = World::new();
    world.make("file", b"");
    assert_eq!(world.mkdir("dir"), 0);
    assert_eq!(world.mkdir("dir"), Errno::EXIST.0);
    assert_eq!(world.mkdir("dir/sub/"), 0);
    let rmdir = |world: &mut World, path: &str| {
        let at = world.path(3, path);
        world.call(|call| call.path_remove_directory(at))
    };
    assert_eq!(rmdir(&mut world, "dir"), Errno::NOTEMPTY.0);
    assert_eq!(rmdir(&mut world, "file"), Errno::NOTDIR.0);
    assert_eq!(rmdir(&mut world, "file/"), Errno::NOTDIR.0);
    assert_eq!(rmdir(&mut world, "none"), Errno::NOENT.0);
    assert_eq!(rmdir(&mut world, "."), Errno::INVAL.0);
    assert_eq!(rmdir(&mut world, "dir/sub/"), 0);
    assert_eq!(world.unlink("dir"), Errno::ISDIR.0);
    assert_eq!(world.unlink("dir/"), Errno::ISDIR.0);
    assert_eq!(world.unlink("file/"), Errno::NOTDIR.0);
    assert_eq!(world.unlink("file"), 0);
    assert_eq!(world.unlink("file"), Errno::NOENT.0);
    assert_eq!(world.symlink("dir", "link"), 0);
    assert_eq!(world.unlink("link"), 0);
    assert_eq!(rmdir(&mut world, "dir"), 0);
}

#[test]
fn renaming_replaces_what_it_may() {
    let mut world = World::new();
    let rename = |world: &mut World, from: &str, to: &str| {
        let to = world.second(3, to);
        let from = world.path(3, from);
        world.call(|call| call.path_rename(from, to))
    };
    world.make("a", b"a");
    world.make("b", b"b");
    for dir in ["dir", "empty", "full", "full/x"] {
        assert_eq!(world.mkdir(dir), 0);
    }
    assert_eq!(rename(&mut world, "a", "b"), 0);
    assert_eq!(world.stat("a", 0), Err(Errno::NOENT.0));
    assert_eq!(rename(&mut world, "b", "empty"), Errno::ISDIR.0);
    assert_eq!(rename(&mut world, "dir", "b"), Errno::NOTDIR.0);
    assert_eq!(rename(&mut world, "dir", "full"), Errno::NOTEMPTY.0);
    assert_eq!(rename(&mut world, "full", "full/x/y"), Errno::INVAL.0);
    assert_eq!(rename(&mut world, "dir", "empty"), 0);
    assert_eq!(rename(&mut world, "empty/", "moved"), 0);
    assert_eq!(rename(&mut world, "moved", "back/"), 0);
    assert_eq!(rename(&mut world, "none", "x"), Errno::NOENT.0);
}

#[test]
fn links_have_names_and_say_where_they_lead() {
    let mut world = World::new();
    world.make("file", b"12");
    assert_eq!(world.mkdir("dir"), 0);
    assert_eq!(world.symlink("target", "soft"), 0);
    let link = |world: &mut World, lookup, from: &str, to: &str| {
        let to = world.second(3, to);
        let from = world.path(3, from);
        world.call(|call| call.path_link(from, lookup, to))
    };
    assert_eq!(link(&mut world, 0, "file", "hard"), 0);
    let (one, other) = (world.stat("file", 0).unwrap(), world.stat("hard", 0).unwrap());
    assert_eq!(one, other);
    assert_eq!(one.nlink, 2);
    assert_eq!(link(&mut world, 0, "file", "hard"), Errno::EXIST.0);
    assert_eq!(link(&mut world, 0, "file", "soft"), Errno::EXIST.0);
    assert_eq!(link(&mut world, 0, "dir", "x"), Errno::PERM.0);
    assert_eq!(link(&mut world, 0, "file", "x/"), Errno::NOENT.0);
    assert_eq!(link(&mut world, 1, "soft", "x"), Errno::INVAL.0);
    assert_eq!(link(&mut world, 0, "soft", "x"), 0);
    assert_eq!(world.stat("x", 0).unwrap().file_type, filetype::SYMBOLIC_LINK);

    assert_eq!(world.symlink("s", "new/"), Errno::NOENT.0);
    assert_eq!(world.symlink("s", "dir/"), Errno::EXIST.0);
    assert_eq!(world.symlink("s", "file"), Errno::EXIST.0);
    assert_eq!(world.symlink("s", "file/"), Errno::NOTDIR.0);
    assert_eq!(world.symlink("", "e"), Errno::NOENT.0);

    let at = world.path(3, "soft");
    world.set(DATA, &[b'.'; 10]);
    assert_eq!(world.call(|call| call.path_readlink(at, DATA, 10, OUT)), 0);
    assert_eq!((world.u32(OUT), world.bytes(DATA, 8)), (6, &b"target.."[..]));
    world.set(DATA, &[b'.'; 10]);
    assert_eq!(world.call(|call| call.path_readlink(at, DATA, 4, OUT)), 0);
    assert_eq!((world.u32(OUT), world.bytes(DATA, 5)), (4, &b"targ."[..]));
    let at = world.path(3, "file");
    assert_eq!(world.call(|call| call.path_readlink(at, DATA, 4, OUT)), Errno::INVAL.0);
}

#[test]
fn times_of_a_link_are_its_own() {
    let mut world = World::new();
    world.make("file", b"");
    assert_eq!(world.symlink("file", "link"), 0);
    let before = world.stat("file", 0).unwrap().mtime;
    let at = world.path(3, "link");
    assert_eq!(world.call(|call| call.path_filestat_set_times(at, 0, 0, 77, 4)), 0);
    assert_eq!(world.stat("link", 0).unwrap().mtime, 77);
    assert_eq!(world.stat("file", 0).unwrap().mtime, before);
    let at = world.path(3, "link");
    assert_eq!(world.call(|call| call.path_filestat_set_times(at, 1, 0, 88, 4)), 0);
    assert_eq!(world.stat("file", 0).unwrap().mtime, 88);
    let at = world.path(3, "link");
    assert_eq!(world.call(|call| call.path_filestat_set_times(at, 1, 0, 0, 12)), Errno::INVAL.0);
}

/// Entries in `len` bytes after `cookie`: name, type, cookie; and whether that was all.
fn list(world: &mut World, fd: u32, len: u32, cookie: u64) -> (Vec<(String, u8, u64)>, bool) {
    assert_eq!(world.call(|call| call.fd_readdir(fd, DATA, len, cookie, OUT)), 0);
    let used = world.u32(OUT);
    assert!(used <= len);
    let mut entries = Vec::new();
    let mut at = 0;
    while at + 24 <= used {
        let name = world.u32(DATA + at + 16);
        if at + 24 + name > used {
            break;
        }
        let text = world.bytes(DATA + at + 24, name as usize).to_vec();
        let kind = world.bytes(DATA + at + 20, 1)[0];
        entries.push((String::from_utf8(text).unwrap(), kind, world.u64(DATA + at)));
        at += 24 + name;
    }
    (entries, used < len)
}

#[test]
fn listing_goes_on_where_it_stopped_whatever_happens_meanwhile() {
    let mut world = World::new();
    for at in 0..50 {
        world.make(&format!("file.{at}"), b"");
    }
    let (mut seen, mut cookie) = (Vec::new(), 0);
    loop {
        let (entries, ended) = list(&mut world, 3, 200, cookie);
        for (name, ..) in &entries {
            if name.starts_with('f') {
                assert_eq!(world.unlink(name), 0);
            }
        }
        cookie = entries.last().map_or(cookie, |entry| entry.2);
        seen.extend(entries.into_iter().map(|entry| entry.0));
        if ended {
            break;
        }
    }
    let expected: Vec<_> = (0..50).map(|at| format!("file.{at}")).collect();
    assert_eq!(seen[..2], [".", ".."]);
    assert_eq!(seen[2..], expected);
}

#[test]
fn listing_tells_types_and_cuts_the_last_entry_short() {
    let mut world = World::new();
    world.make("file", b"");
    assert_eq!(world.mkdir("dir"), 0);
    assert_eq!(world.symlink("file", "link"), 0);
    let (entries, ended) = list(&mut world, 3, 4096, 0);
    let names: Vec<_> = entries.iter().map(|(name, kind, _)| (name.as_str(), *kind)).collect();
    assert!(ended);
    assert_eq!(names, [(".", 3), ("..", 3), ("file", 4), ("dir", 3), ("link", 7)]);
    for len in 0..200 {
        assert_eq!(world.call(|call| call.fd_readdir(3, DATA, len, 0, OUT)), 0);
        assert_eq!(world.u32(OUT), len.min(25 + 26 + 28 + 27 + 28));
    }
    let own = {
        assert_eq!(world.call(|call| call.fd_filestat_get(3, DATA, Abi::Preview1)), 0);
        world.filestat().ino
    };
    assert_eq!(world.call(|call| call.fd_readdir(3, DATA, 60, 0, OUT)), 0);
    assert_eq!((world.u64(DATA + 8), world.u64(DATA + 25 + 8)), (own, own), "nothing from above");
    let fd = world.open("file", 0, R).unwrap();
    assert_eq!(world.call(|call| call.fd_readdir(fd, DATA, 60, 0, OUT)), Errno::BADF.0);
}

#[test]
fn the_older_layout_is_shorter() {
    let mut world = World::new();
    world.make("file", b"12345");
    let at = world.path(3, "file");
    world.set(DATA, &[0xee; 64]);
    assert_eq!(world.call(|call| call.path_filestat_get(at, 0, DATA, Abi::Unstable)), 0);
    assert_eq!((world.u32(DATA + 20), world.u64(DATA + 24)), (1, 5));
    assert_eq!(world.bytes(DATA + 56, 8), [0xee; 8]);
}
