//! The filesystem's operations beyond what real files can be asked: cache, mounts, jails, watching.

mod fs_support;

use fs_support::{Disk, PUBLISH, pattern};
use isolith::fs::{
    Access, Change, EXTENT, FileType, Flags, Fold, Follow, Fs, Image, Key, MemoryStore, Owner,
    PAGE, Place, Seeded, SetAttr, SetTime, Stop, Whence,
};

/// Everything clean leaves the cache.
fn evict(disk: &mut Disk) {
    disk.fs.set_cache_bytes(0);
    disk.fs.set_cache_bytes(64 << 20);
}

#[test]
fn bytes_cut_off_do_not_come_back_from_the_store() {
    let mut disk = Disk::new(64 << 20, 1);
    disk.write("/a", &pattern(1, EXTENT + 100_000)).expect("space");
    disk.fold();
    evict(&mut disk);
    assert_eq!(disk.fs.cached_bytes(), 0);
    disk.run(|fs| fs.truncate(Place::from("/a"), 1000)).expect("a file");
    disk.run(|fs| fs.truncate(Place::from("/a"), 2 * EXTENT as u64)).expect("a file");
    let mut expected = pattern(1, 1000);
    expected.resize(2 * EXTENT, 0);
    assert_eq!(disk.read("/a").expect("a file"), expected);
    disk.commit();
    evict(&mut disk);
    assert_eq!(disk.read("/a").expect("a file"), expected);
    assert_eq!(disk.remounted().read("/a").expect("a file"), expected);
    disk.fold();
    assert_eq!(disk.remounted().read("/a").expect("a file"), expected);
}

#[test]
fn owners_and_attributes_are_kept_and_cost_nothing_where_there_are_none() {
    let mut disk = Disk::new(64 << 20, 1);
    disk.write("/f", b"bytes").expect("space");
    let node = disk.fs.node_at(Place::from("/f"), Follow::Yes).expect("a file");
    let set = |disk: &mut Disk, name: &str, value: &[u8], how| {
        disk.code(|fs| fs.set_attr(node, name.as_bytes(), value, how))
    };
    assert_eq!(set(&mut disk, "system.a", b"1", SetAttr::Any), "ENOTSUP");
    assert_eq!(set(&mut disk, "user.", b"1", SetAttr::Any), "EINVAL");
    assert_eq!(set(&mut disk, &format!("user.{:251}", 1), b"1", SetAttr::Any), "ERANGE");
    assert_eq!(set(&mut disk, "user.b", b"1", SetAttr::Replace), "ENODATA");
    assert_eq!(set(&mut disk, "user.b", b"1", SetAttr::Create), "ok");
    assert_eq!(set(&mut disk, "user.b", b"2", SetAttr::Create), "EEXIST");
    assert_eq!(set(&mut disk, "user.b", b"2", SetAttr::Replace), "ok");
    assert_eq!(set(&mut disk, "user.a", &[0; 65536], SetAttr::Any), "ok");
    assert_eq!(set(&mut disk, "user.a", &[0; 65537], SetAttr::Any), "ENOSPC");
    for number in 0..15 {
        set(&mut disk, &format!("user.many-{number}"), &[1; 65000], SetAttr::Any);
    }
    assert_eq!(set(&mut disk, "user.c", &[1; 65000], SetAttr::Any), "ENOSPC");
    for number in 0..15 {
        let name = format!("user.many-{number}");
        assert_eq!(disk.code(|fs| fs.remove_attr(node, name.as_bytes())), "ok");
    }
    assert_eq!(disk.code(|fs| fs.remove_attr(node, b"user.many-1")), "ENODATA");
    disk.run(|fs| fs.chown(node, Some(7), None)).expect("a file");
    disk.commit();
    for folds in [false, true] {
        if folds {
            disk.fold();
        }
        let again = disk.remounted();
        let stat = again.fs.stat(Place::from("/f"), Follow::Yes).expect("a file");
        assert_eq!((stat.uid, stat.gid), (7, 0));
        let names = again.fs.attrs(node).expect("a file");
        assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), [b"user.a", b"user.b"]);
        assert_eq!(&*again.fs.attr(node, b"user.b").expect("set"), b"2");
    }
    // What is ordinary again takes as much room as ever.
    let bytes = |disk: &mut Disk| {
        disk.fold();
        disk.store.bytes()
    };
    let with = bytes(&mut disk);
    disk.run(|fs| fs.chown(node, Some(0), None)).expect("a file");
    disk.run(|fs| fs.remove_attr(node, b"user.a")).expect("set");
    disk.run(|fs| fs.remove_attr(node, b"user.b")).expect("set");
    assert!(bytes(&mut disk) + 65536 < with);
    let mut plain = Disk::new(64 << 20, 1);
    plain.write("/f", b"bytes").expect("space");
    let pack = |disk: &Disk| disk.store.get(Key::Pack(0)).expect("folded").len();
    plain.fold();
    assert!(pack(&disk) <= pack(&plain) + 8);
}

#[test]
fn files_beyond_four_gigabytes_take_only_what_is_written() {
    let mut disk = Disk::new(8 << 20, 1);
    let handle = disk.open("/huge", Flags::READ | Flags::WRITE | Flags::CREATE).expect("new");
    let far = (5_u64 << 30) + 17;
    disk.write_handle(handle, far, b"far out").expect("space");
    assert_eq!(disk.run(|fs| fs.fstat(handle)).expect("open").size, far + 7);
    disk.fold();
    assert!(disk.store.bytes() < 20 * EXTENT);
    evict(&mut disk);
    assert_eq!(disk.read_handle(handle, far - 3, 10).expect("open"), b"\0\0\0far out");
    assert_eq!(disk.read_handle(handle, 1 << 30, 4).expect("open"), [0; 4]);
    disk.run(|fs| fs.ftruncate(handle, 100)).expect("open");
    disk.fold();
    assert!(disk.store.keys().all(|key| !matches!(key, isolith::fs::Key::Extent { .. })));
    let end = isolith::fs::MAX_SIZE - 1;
    assert_eq!(disk.write_handle(handle, end, b"xy").expect_err("too far").code(), "EFBIG");
    assert_eq!(disk.code(|fs| fs.ftruncate(handle, end + 2)), "EFBIG");
}

#[test]
fn a_small_write_into_a_large_file_writes_little_and_reads_nothing() {
    let mut disk = Disk::new(64 << 20, 1);
    disk.write("/large", &pattern(1, 64 * EXTENT / 4)).expect("space");
    disk.fold();
    evict(&mut disk);
    let handle = disk.open("/large", Flags::WRITE).expect("a file");
    let page = pattern(9, PAGE);
    let mut source = |part: &mut [u8]| part.copy_from_slice(&page);
    // Not driven: a page that is overwritten as a whole needs nothing from the store.
    assert_eq!(disk.fs.write_at(handle, 10 * PAGE as u64, PAGE, &mut source), Ok(PAGE));
    let batch = disk.fs.take_batch(disk.id, Fold::Auto).expect("a change");
    assert!(batch.bytes() < PAGE + 300, "{}", batch.bytes());
    assert_eq!(batch.writes.len(), 1, "one record for all of it");
}

#[test]
fn a_thousand_small_files_are_one_record() {
    let mut disk = Disk::new(64 << 20, 1);
    for number in 0..1000 {
        disk.write(&format!("/{number}"), &pattern(number, 1024)).expect("space");
    }
    let batch = disk.fs.take_batch(disk.id, Fold::Auto).expect("changes");
    let puts = batch.writes.iter().filter(|write| matches!(write, isolith::fs::Write::Put(..)));
    assert_eq!(puts.count(), 2, "the format and the log");
    assert!(batch.bytes() < 1_150_000, "{}", batch.bytes());
}

#[test]
fn a_tree_of_ten_thousand_files_mounts_from_few_records() {
    let mut disk = Disk::new(64 << 20, 1);
    for number in 0..10_000 {
        let dir = format!("/{}", number / 100);
        if number % 100 == 0 {
            disk.run(|fs| fs.mkdir(Place::from(&*dir), 0o755)).expect("space");
        }
        disk.write(&format!("{dir}/{number}"), b"some bytes").expect("space");
    }
    disk.fold();
    let read = disk.store.keys().filter(|key| *key < isolith::fs::Key::FIRST_EXTENT);
    assert!(read.count() < 50);
    let mut again = disk.remounted();
    assert_eq!(again.read("/57/5799").expect("a file"), b"some bytes");
    assert_eq!(again.fs.statfs(Place::from("/")).expect("mounted").files, 10_101);
}

/// A tree with ways out of `/jail`, and the attempts to take them.
#[test]
fn a_jail_refuses_every_way_out() {
    let mut disk = Disk::new(64 << 20, 1);
    let fs = &mut disk.fs;
    for dir in ["/jail", "/jail/in", "/out", "/jail/in/deep"] {
        fs.mkdir(Place::from(dir), 0o755).expect("new");
    }
    for (target, link) in [
        ("../out", "/jail/up"),
        ("/out", "/jail/absolute"),
        ("in/../../out", "/jail/round"),
        ("..", "/jail/parent"),
        ("up/secret", "/jail/chain"),
        ("../../jail/in", "/jail/in/back"),
        ("deep", "/jail/in/fine"),
    ] {
        fs.symlink(target.as_bytes(), Place::from(link)).expect("new");
    }
    disk.write("/out/secret", b"secret").expect("space");
    disk.write("/jail/in/file", b"mine").expect("space");
    let open = |disk: &mut Disk, path| disk.open(path, Flags::READ | Flags::DIRECTORY);
    let jail = open(&mut disk, "/jail").expect("a directory");
    let escapes = [
        "..",
        "../out/secret",
        "/out/secret",
        "/",
        "/jail/in/file",
        "in/../../out/secret",
        "up/secret",
        "up",
        "absolute",
        "absolute/secret",
        "round",
        "parent",
        "parent/out",
        "chain",
        "in/../..",
        "./../jail/in/file",
        "in/back",
        "in/back/file",
        "../jail/in/file",
        "in/deep/../../../out",
        "up/../jail",
        "parent/jail/in/file",
        "//out",
        "in/./.././../x",
    ];
    for path in escapes {
        let place = Place::jailed(jail, path.as_bytes());
        let code = disk.code(|fs| fs.open(place, Flags::READ, 0, Owner(1)));
        assert_eq!(code, "EPERM", "open {path}");
        let write = Flags::WRITE | Flags::CREATE;
        assert_eq!(disk.code(|fs| fs.open(place, write, 0o644, Owner(1))), "EPERM", "{path}");
        // A link's own name is inside; replacing it is no way out.
        if disk.code(|fs| fs.node_at(place, Follow::Name)) == "EPERM" {
            let inside = Place::jailed(jail, b"in/file");
            assert_eq!(disk.code(|fs| fs.rename(inside, place)), "EPERM", "rename to {path}");
            assert_eq!(disk.code(|fs| fs.rename(place, inside)), "EPERM", "rename {path}");
            assert_eq!(disk.code(|fs| fs.link(inside, place, Follow::No)), "EPERM", "link {path}");
            assert_eq!(disk.code(|fs| fs.unlink(place)), "EPERM", "unlink {path}");
            assert_eq!(disk.code(|fs| fs.rmdir(place)), "EPERM", "rmdir {path}");
            assert_eq!(disk.code(|fs| fs.symlink(b"x", place)), "EPERM", "symlink {path}");
        }
        assert_eq!(disk.code(|fs| fs.list(place, &mut |_, _, _| ())), "EPERM", "list {path}");
    }
    for path in ["in/file", "in/fine/../file", "in/deep/../../in/file", "./in//file"] {
        let place = Place::jailed(jail, path.as_bytes());
        assert_eq!(disk.read_place(place).expect(path), b"mine");
    }
    // Judged by the directory at hand: what is inside for one is outside for another.
    let deep = open(&mut disk, "/jail/in/deep").expect("a directory");
    let place = Place::jailed(deep, b"../file");
    assert_eq!(disk.code(|fs| fs.stat(place, Follow::Yes)), "EPERM");
    // A directory that is moved away keeps its jail with it.
    disk.run(|fs| fs.rename(Place::from("/jail/in/deep"), Place::from("/out/deep"))).expect("move");
    assert_eq!(disk.code(|fs| fs.stat(place, Follow::Yes)), "EPERM");
    assert_eq!(disk.code(|fs| fs.stat(Place::from_dir(deep, b"../secret"), Follow::Yes)), "ok");
    assert_eq!(disk.read("/out/secret").expect("untouched"), b"secret");
}

#[test]
fn names_are_bytes_and_have_limits() {
    let mut disk = Disk::new(1 << 20, 1);
    let fs = &mut disk.fs;
    fs.mkdir(Place::root(b"/\xff\xfe"), 0o755).expect("any bytes");
    let long = [b"/".as_slice(), &[b'n'; 255]].concat();
    fs.mkdir(Place::root(&long), 0o755).expect("255 bytes");
    let error = fs.mkdir(Place::root(&[&long[..], b"n"].concat()), 0o755).expect_err("256");
    let Stop::Fail(error) = error else { panic!("a failure") };
    assert_eq!(error.code(), "ENAMETOOLONG");
    assert!(error.message().contains("/nnn"), "{error}");
    assert_eq!(disk.code(|fs| fs.mkdir(Place::root(&[b'/'; 4096]), 0o755)), "ENAMETOOLONG");
    let picture = disk.picture();
    disk.commit();
    assert_eq!(disk.remounted().picture(), picture);
}

#[test]
fn cookies_survive_changes_between_reads() {
    let mut disk = Disk::new(1 << 20, 1);
    for name in 0..10 {
        disk.write(&format!("/{name}"), b"").expect("space");
    }
    let dir = disk.open("/", Flags::READ | Flags::DIRECTORY).expect("the root");
    let read = |fs: &Fs, from: u64, most: usize| {
        let mut seen = Vec::new();
        fs.read_dir(dir, from, &mut |entry| {
            seen.push((entry.cookie, String::from_utf8_lossy(entry.name).into_owned()));
            seen.len() < most
        })
        .expect("open");
        seen
    };
    let first = read(&disk.fs, 0, 5);
    assert_eq!(first[0].1, ".");
    assert_eq!(first[1].1, "..");
    let cookie = first[4].0;
    for gone in ["/0", "/3", "/9"] {
        disk.run(|fs| fs.unlink(Place::from(gone))).expect("a file");
    }
    disk.write("/new", b"").expect("space");
    let rest: Vec<_> = read(&disk.fs, cookie, 100).into_iter().map(|(_, name)| name).collect();
    assert_eq!(rest, ["4", "5", "6", "7", "8", "new"]);
    assert_eq!(read(&disk.fs, cookie, 1).len(), 1);
}

#[test]
fn other_stores_are_other_devices() {
    let mut disk = Disk::new(4 << 20, 1);
    disk.write("/file", b"on records").expect("space");
    disk.run(|fs| fs.mkdir(Place::from("/mem"), 0o755)).expect("space");
    let memory = disk.fs.mount_memory(Place::from("/mem")).expect("a directory");
    disk.write("/mem/a", &pattern(1, 8 * EXTENT)).expect("no budget for what is memory's");
    assert_eq!(disk.read("/mem/../mem/a").expect("there"), pattern(1, 8 * EXTENT));
    let (file, inside) = (Place::from("/file"), Place::from("/mem/b"));
    assert_eq!(disk.code(|fs| fs.rename(file, inside)), "EXDEV");
    assert_eq!(disk.code(|fs| fs.link(file, inside, Follow::No)), "EXDEV");
    assert_eq!(disk.code(|fs| fs.rmdir(Place::from("/mem"))), "EBUSY");
    assert_eq!(disk.code(|fs| fs.rename(Place::from("/mem"), Place::from("/other"))), "EBUSY");
    assert_eq!(disk.code(|fs| fs.remove_all(Place::from("/mem"))), "EBUSY");
    let node = disk.fs.node_at(Place::from("/mem/a"), Follow::No).expect("there");
    assert_eq!(node.store(), memory);
    assert_eq!(disk.fs.settled(disk.fs.ticket(node)), Some(Ok(())));
    let stat = disk.fs.stat(Place::from("/mem"), Follow::No).expect("there");
    assert_eq!((stat.dev, stat.ino), (memory.device(), 1));
    assert_eq!(disk.fs.realpath(Place::from("/mem/a")), Ok(b"/mem/a".to_vec()));
    let open = disk.open("/mem/a", Flags::READ).expect("there");
    assert_eq!(disk.code(|fs| fs.unmount(memory, false)), "EBUSY");
    disk.run(|fs| fs.close(open)).expect("open");
    disk.run(|fs| fs.unmount(memory, false)).expect("unused");
    assert_eq!(disk.read("/mem/a").expect_err("gone").code(), "ENOENT");
    assert!(disk.fs.check().is_empty(), "{:?}", disk.fs.check());
    assert!(disk.fs.cached_bytes() < 2 * EXTENT);
}

#[test]
fn a_remote_store_is_read_only_and_asks_for_bytes() {
    let mut disk = Disk::new(4 << 20, 1);
    disk.run(|fs| fs.mkdir(Place::from("/net"), 0o755)).expect("space");
    let store = disk.fs.mount_remote(Place::from("/net")).expect("a directory");
    let bytes = pattern(5, EXTENT + 10);
    let size = bytes.len() as u64;
    disk.fs.add_remote(Place::from("/net/page"), size, 7, 0o444).expect("new");
    disk.fs.seal(store);
    let handle = disk.open("/net/page", Flags::READ).expect("there");
    let Err(Stop::Load(needs)) = disk.fs.read_at(handle, 0, EXTENT + 10, &mut |_| ()) else {
        panic!("nothing is there yet");
    };
    assert_eq!(needs.iter().map(|need| need.offset()).collect::<Vec<_>>(), [0, EXTENT as u64]);
    for need in needs {
        let start = need.offset() as usize;
        disk.fs.fill(&need, Some(&bytes[start..])).expect("memory");
    }
    assert_eq!(disk.read("/net/page").expect("there"), bytes);
    for code in [
        disk.code(|fs| fs.open(Place::from("/net/page"), Flags::WRITE, 0, Owner(0))),
        disk.code(|fs| fs.mkdir(Place::from("/net/dir"), 0o755)),
        disk.code(|fs| fs.unlink(Place::from("/net/page"))),
        disk.code(|fs| fs.truncate(Place::from("/net/page"), 0)),
        disk.write("/net/new", b"x").expect_err("sealed").code(),
    ] {
        assert_eq!(code, "EROFS");
    }
}

#[test]
fn a_mapping_is_the_file() {
    let mut disk = Disk::new(64 << 20, 1);
    let bytes = pattern(1, 2 * EXTENT + 500);
    disk.write("/a", &bytes).expect("space");
    disk.fold();
    evict(&mut disk);
    let handle = disk.open("/a", Flags::READ | Flags::WRITE).expect("a file");
    let mapping = disk.run(|fs| fs.map(handle)).expect("memory");
    disk.run(|fs| fs.load_mapped(&mapping)).expect("loaded");
    assert_eq!((mapping.len, mapping.capacity), (bytes.len(), 3 * EXTENT));
    // SAFETY: the mapping is alive, and nothing else runs.
    let mapped = || unsafe {
        std::slice::from_raw_parts_mut(
            std::ptr::with_exposed_provenance_mut::<u8>(mapping.address),
            mapping.capacity,
        )
    };
    assert_eq!(&mapped()[..bytes.len()], bytes);
    disk.write_handle(handle, 7, b"through the call").expect("space");
    assert_eq!(&mapped()[7..23], b"through the call");
    mapped()[EXTENT..EXTENT + 3].copy_from_slice(b"own");
    disk.run(|fs| fs.sync_mapped(&mapping, EXTENT, 3)).expect("writable");
    evict(&mut disk);
    assert_eq!(disk.read_handle(handle, EXTENT as u64, 3).expect("open"), b"own");
    disk.commit();
    assert_eq!(disk.remounted().read("/a").expect("there")[EXTENT..EXTENT + 3], *b"own");
    disk.run(|fs| fs.ftruncate(handle, 10)).expect("open");
    assert_eq!(&mapped()[10..30], [0; 20]);
    disk.run(|fs| fs.unlink(Place::from("/a"))).expect("there");
    disk.run(|fs| fs.close(handle)).expect("open");
    assert_eq!(&mapped()[7..10], b"thr", "the mapping keeps the file");
    disk.fs.unmap(mapping);
    assert!(disk.fs.check().is_empty(), "{:?}", disk.fs.check());
    assert_eq!(disk.fs.cached_bytes(), 0);
}

#[test]
fn watchers_hear_what_happened_in_order() {
    let mut disk = Disk::new(4 << 20, 1);
    disk.write("/before", b"").expect("space");
    let start = disk.fs.watch();
    disk.write("/a", b"1").expect("space");
    disk.run(|fs| fs.rename(Place::from("/a"), Place::from("/before"))).expect("there");
    let node = disk.fs.node_at(Place::from("/before"), Follow::No).expect("there");
    disk.run(|fs| fs.chmod(node, 0o600)).expect("there");
    disk.run(|fs| fs.unlink(Place::from("/before"))).expect("there");
    let seen = disk.fs.events(start);
    let heard: Vec<_> = seen
        .events
        .iter()
        .map(|event| (event.change, String::from_utf8_lossy(&event.name).into_owned()))
        .collect();
    let name = |change, name: &str| (change, name.to_string());
    let expected = [
        name(Change::Created, "a"),
        name(Change::Modified, "a"),
        name(Change::Removed, "before"),
        name(Change::Removed, "a"),
        name(Change::Created, "before"),
        name(Change::Attributes, "before"),
        name(Change::Removed, "before"),
    ];
    assert_eq!(heard, expected);
    assert!(disk.fs.events(seen.next).events.is_empty());
    disk.fs.unwatch();
}

#[test]
fn attributes_are_kept_and_reported() {
    let mut disk = Disk::new(4 << 20, 1);
    let node = disk.write("/a", b"x").expect("space");
    disk.run(|fs| fs.symlink(b"a", Place::from("/link"))).expect("new");
    let link = disk.fs.node_at(Place::from("/link"), Follow::No).expect("there");
    disk.run(|fs| fs.set_times(node, SetTime::To(-5), SetTime::To(1_234_567_891))).expect("there");
    disk.run(|fs| fs.set_times(link, SetTime::To(42), SetTime::Keep)).expect("there");
    disk.run(|fs| fs.chmod(node, 0o100_640)).expect("there");
    disk.commit();
    let again = disk.remounted();
    for fs in [&disk.fs, &again.fs] {
        let stat = fs.stat(Place::from("/link"), Follow::Yes).expect("there");
        assert_eq!((stat.times.atime, stat.times.mtime), (-5, 1_234_567_891));
        assert_eq!(stat.st_mode(), 0o100_640);
        let stat = fs.stat(Place::from("/link"), Follow::No).expect("there");
        assert_eq!((stat.times.atime, stat.file_type), (42, FileType::Symlink));
        let write = Access { write: true, ..Access::default() };
        let execute = Access { execute: true, ..Access::default() };
        assert_eq!(fs.access(Place::from("/a"), write), Ok(()));
        assert!(fs.access(Place::from("/a"), execute).is_err());
    }
}

#[test]
fn handles_share_an_offset_and_die_with_their_owner() {
    let mut disk = Disk::new(4 << 20, 1);
    disk.write("/a", b"abcdef").expect("space");
    let place = Place::from("/a");
    let handle = disk.run(|fs| fs.open(place, Flags::READ, 0, Owner(7))).expect("there");
    disk.run(|fs| fs.share(handle)).expect("open");
    disk.run(|fs| fs.read(handle, 2, &mut |_| ())).expect("open");
    disk.run(|fs| fs.close(handle)).expect("shared");
    assert_eq!(disk.run(|fs| fs.seek(handle, 1, Whence::Current)).expect("open"), 3);
    assert_eq!(disk.code(|fs| fs.seek(handle, -4, Whence::Current)), "EINVAL");
    disk.run(|fs| fs.unlink(place)).expect("there");
    disk.fs.close_all(Owner(7));
    assert_eq!(disk.code(|fs| fs.fstat(handle)), "EBADF");
    assert!(disk.fs.check().is_empty());
}

#[test]
fn what_a_draft_could_not_replace_is_refused_when_it_is_opened() {
    let mut disk = Disk::new(4 << 20, 1);
    disk.write("/file", b"x").expect("space");
    disk.run(|fs| fs.mkdir(Place::from("/dir"), 0o755)).expect("space");
    for (target, name) in [("missing", "/link"), ("no/where", "/deep"), ("dir", "/to-dir")] {
        disk.run(|fs| fs.symlink(target.as_bytes(), Place::from(name))).expect("space");
    }
    let refusals = [
        ("/file", "", "EEXIST"),
        ("/link", "", "EEXIST"),
        ("/deep", "ENOENT", "EEXIST"),
        ("/dir", "EISDIR", "EEXIST"),
        ("/to-dir", "EISDIR", "EEXIST"),
        ("/dir/", "EISDIR", "EISDIR"),
        ("/none/file", "ENOENT", "ENOENT"),
        ("/file/file", "ENOTDIR", "ENOTDIR"),
    ];
    for (path, plain, exclusive) in refusals {
        for (how, code) in [(false, plain), (true, exclusive)] {
            match disk.run(|fs| fs.draft(Place::from(path), how, Owner(1))) {
                Ok(draft) => {
                    assert_eq!("", code, "{path} {how}");
                    disk.run(|fs| fs.close(draft)).expect("open");
                }
                Err(error) => assert_eq!(error.code(), code, "{path} {how}"),
            }
        }
    }
    let draft = disk.run(|fs| fs.draft(Place::from("/link"), false, Owner(1))).expect("space");
    disk.run(|fs| fs.publish(draft, Place::from("/link"), PUBLISH)).expect("space");
    assert_eq!(disk.read("/missing").expect("created"), b"");
}

#[test]
fn a_store_that_is_given_up_takes_its_last_changes_along_and_says_so() {
    let mut disk = Disk::new(4 << 20, 1);
    disk.run(|fs| fs.mkdir(Place::from("/gone"), 0o755)).expect("space");
    let store = disk.fs.mount(Place::from("/gone"), &Image::default(), false).expect("a directory");
    let node = disk.write("/gone/file", &pattern(1, 3 * EXTENT)).expect("space");
    let ticket = disk.fs.ticket(node);
    let batch = disk.fs.take_batch(store, Fold::Auto).expect("changes");
    disk.write("/gone/other", b"later").expect("space");
    let open = disk.open("/gone/other", Flags::READ).expect("there");
    assert_eq!(disk.code(|fs| fs.unmount(store, true)), "EBUSY");
    disk.run(|fs| fs.close(open)).expect("open");
    assert_eq!(disk.code(|fs| fs.unmount(store, false)), "EBUSY");
    assert_eq!(disk.fs.settled(ticket), None);
    disk.run(|fs| fs.unmount(store, true)).expect("unused");
    let settled = disk.fs.settled(ticket).expect("told").expect_err("not durable");
    assert_eq!(settled.code(), "EIO");
    disk.fs.batch_done(store, batch.epoch, Ok(()));
    assert!(
        disk.fs.settled(ticket).is_some_and(|told| told.is_err()),
        "a late batch changes nothing"
    );
    assert_eq!(disk.read("/gone/file").expect_err("gone").code(), "ENOENT");
    let again = disk.fs.mount(Place::from("/gone"), &Image::default(), false).expect("a directory");
    assert_ne!(again, store);
    assert!(disk.fs.check().is_empty(), "{:?}", disk.fs.check());
}

#[test]
fn a_draft_is_nobodys_until_it_is_published() {
    let mut disk = Disk::new(8 * EXTENT, 1);
    let node = disk.write("/a", b"old").expect("space");
    disk.run(|fs| fs.link(Place::from("/a"), Place::from("/b"), Follow::No)).expect("there");
    let bytes = pattern(3, 20 * EXTENT);
    let draft = disk.run(|fs| fs.draft(Place::from("/a"), false, Owner(1))).expect("space");
    disk.write_handle(draft, 0, &bytes).expect("space");
    disk.commit();
    assert_eq!(disk.remounted().read("/a").expect("there"), b"old");
    let published = disk.run(|fs| fs.publish(draft, Place::from("/a"), PUBLISH)).expect("space");
    assert_eq!(published, node, "the same inode");
    disk.run(|fs| fs.close(draft)).expect("open");
    assert_eq!(disk.read("/b").expect("there"), bytes);
    disk.commit();
    let mut again = disk.remounted();
    assert_eq!(again.read("/b").expect("there"), bytes);
    again.fs.sweep_orphans(again.id);
    again.fold();
    assert!(again.fs.check_extents(again.id, again.store.keys()).is_empty());
}

#[test]
fn copies_do_not_leave_the_cache() {
    let mut disk = Disk::new(64 << 20, 1);
    let bytes = pattern(6, 3 * EXTENT);
    disk.write("/a", &bytes).expect("space");
    let from = disk.open("/a", Flags::READ).expect("there");
    let to = disk.open("/b", Flags::WRITE | Flags::CREATE).expect("new");
    let mut done = 0;
    loop {
        let step = disk.run(|fs| fs.copy_range((from, done), (to, done), usize::MAX));
        match step.expect("space") {
            0 => break,
            part => done += part as u64,
        }
    }
    assert_eq!(disk.read("/b").expect("there"), bytes);
}

#[test]
fn an_answer_that_comes_too_late_is_dropped() {
    let mut disk = Disk::new(64 << 20, 1);
    disk.write("/a", &pattern(1, 50_000)).expect("space");
    disk.fold();
    evict(&mut disk);
    let handle = disk.open("/a", Flags::READ | Flags::WRITE).expect("there");
    let Err(Stop::Load(needs)) = disk.fs.read_at(handle, 0, 10, &mut |_| ()) else {
        panic!("nothing is there");
    };
    let old = disk.store.get(needs[0].key()).expect("its record").to_vec();
    disk.run(|fs| fs.ftruncate(handle, 5)).expect("open");
    disk.run(|fs| fs.ftruncate(handle, 20_000)).expect("open");
    disk.fs.fill(&needs[0], Some(&old)).expect("dropped");
    let read = disk.read_handle(handle, 0, 10).expect("open");
    assert_eq!(read, [&pattern(1, 5)[..], &[0; 5]].concat());
}

#[test]
fn the_first_store_is_the_root_whatever_it_is() {
    let mut fs = Fs::new(Box::new(Seeded::new(0, 1)), 1 << 20);
    assert!(fs.stat(Place::from("/"), Follow::Yes).is_err());
    fs.mount_memory(Place::from("/")).expect("nothing in the way");
    fs.mkdir(Place::from("/a"), 0o755).expect("space");
    let image = MemoryStore::default().image();
    fs.mount(Place::from("/a"), &image, false).expect("a directory");
    assert!(fs.mount(Place::from("/a"), &image, false).is_err(), "taken");
    assert_eq!(fs.mkdir_all(Place::from("/a/b/c/d"), 0o755), Ok(Some("/a/b".len())));
    assert!(fs.check().is_empty());
}
