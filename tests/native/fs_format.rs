//! Stores of every format that was ever written still open, and newer ones are refused by name.
//!
//! `tests/fixtures/fs/format-N.bin` holds the records of a store as format N wrote them: for each the
//! length of its key, the key, the length of its value, the value, lengths as four bytes. A fixture
//! is never written again: `ISOLITH_BLESS=1` makes only that of the present format, if it is missing.

mod fs_support;

use fs_support::{Disk, Picture, difference, pattern};
use isolith::fs::{
    Batch, EXTENT, FORMAT, Flags, Follow, Fs, Key, MemoryStore, Place, SetAttr, Write,
};
use std::path::PathBuf;

/// What was done to the store before it was saved. Each format's story stays as it is: the tree that
/// the fixture must show is the one that the story makes today.
fn story(format: u64) -> Disk {
    let mut disk = Disk::new(64 << 20, format);
    let all = |disk: &mut Disk, path: &str| disk.run(|fs| fs.mkdir_all(Place::from(path), 0o750));
    all(&mut disk, "/dir/below/deep").expect("new");
    disk.write("/dir/small", &pattern(1, 700)).expect("space");
    disk.write("/dir/empty", b"").expect("space");
    let large = disk.open("/large", Flags::READ | Flags::WRITE | Flags::CREATE).expect("new");
    disk.write_handle(large, EXTENT as u64 - 50_000, &pattern(2, 100_000)).expect("space");
    for number in 0..300 {
        disk.write(&format!("/dir/many-{number}"), &pattern(number, 3)).expect("space");
    }
    disk.run(|fs| fs.symlink(b"../large", Place::from("/dir/link"))).expect("new");
    let (from, to) = (Place::from("/dir/small"), Place::from("/dir/below/same"));
    disk.run(|fs| fs.link(from, to, Follow::No)).expect("new");
    disk.fold();
    // What follows stands in the log only: changes of packed inodes, pieces over extents, a cut.
    disk.write_handle(large, EXTENT as u64 - 100, &pattern(3, 200)).expect("space");
    disk.run(|fs| fs.ftruncate(large, EXTENT as u64 + 20_000)).expect("open");
    disk.commit();
    disk.write_handle(large, EXTENT as u64 + 30_000, b"after the cut").expect("space");
    disk.run(|fs| fs.close(large)).expect("open");
    for number in 0..300 {
        if number % 3 == 0 {
            let path = format!("/dir/many-{number}");
            disk.run(|fs| fs.unlink(Place::from(&*path))).expect("there");
        }
    }
    let (from, to) = (Place::from("/dir/many-1"), Place::from("/dir/below/renamed \u{fc}"));
    disk.run(|fs| fs.rename(from, to)).expect("there");
    disk.write("/dir/small", &pattern(4, 900)).expect("space");
    if format >= 2 {
        let node = disk.fs.node_at(Place::from("/dir/small"), Follow::Yes).expect("there");
        disk.run(|fs| fs.chown(node, Some(33), Some(44))).expect("there");
        disk.run(|fs| fs.set_attr(node, b"user.kind", b"small", SetAttr::Any)).expect("there");
    }
    disk.commit();
    disk
}

fn fixture(format: u64) -> PathBuf {
    let name = format!("tests/fixtures/fs/format-{format}.bin");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn save(store: &MemoryStore) -> Vec<u8> {
    let mut bytes = Vec::new();
    for key in store.keys() {
        for part in [&key.to_bytes()[..], store.get(key).expect("a record")] {
            bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
            bytes.extend_from_slice(part);
        }
    }
    bytes
}

fn load(bytes: &[u8]) -> MemoryStore {
    let mut rest = bytes;
    let mut part = || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (part, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        rest = after;
        Some(part.to_vec())
    };
    let mut writes = Vec::new();
    while let Some(key) = part() {
        let key = Key::from_bytes(&key).expect("a key");
        writes.push(Write::Put(key, part().expect("a value")));
    }
    let mut store = MemoryStore::default();
    let id = Disk::new(0, 0).id;
    store.apply(&Batch { store: id, epoch: 1, writes }).expect("no limit");
    store
}

fn saved(format: u64) -> MemoryStore {
    let path = fixture(format);
    if !path.exists() && format == FORMAT && std::env::var_os("ISOLITH_BLESS").is_some() {
        std::fs::write(&path, save(&story(format).store)).expect("a folder to write to");
    }
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    load(&bytes)
}

fn same(left: &Picture, right: &Picture, when: &str) {
    assert_eq!(difference(left, right), None, "{when}");
}

#[test]
fn every_format_opens_and_is_written_on() {
    for format in 1..=FORMAT {
        let expected = story(format).picture();
        assert!(expected.len() > 200);
        let mut disk = Disk::on(saved(format), 8 * EXTENT, 7);
        assert_eq!(disk.fs.check(), [] as [String; 0], "format {format}");
        same(&disk.picture(), &expected, &format!("format {format}"));
        if format >= 2 {
            let stat = disk.fs.stat(Place::from("/dir/small"), Follow::Yes).expect("there");
            assert_eq!((stat.uid, stat.gid), (33, 44));
            let node = disk.fs.node_at(Place::from("/dir/small"), Follow::Yes).expect("there");
            assert_eq!(&*disk.fs.attr(node, b"user.kind").expect("set"), b"small");
        }
        disk.write("/dir/small", b"written by a later version").expect("space");
        disk.commit();
        assert_eq!(disk.store.get(Key::Super), Some(&[FORMAT as u8][..]), "it is migrated");
        let again = disk.remounted().read("/dir/small").expect("a file");
        assert_eq!(again, b"written by a later version");
        disk.write("/dir/small", &pattern(4, 900)).expect("space");
        disk.fold();
        let when = format!("format {format}, folded");
        same(&disk.remounted().picture(), &expected, &when);
        let strays = disk.fs.check_extents(disk.id, disk.store.keys());
        assert!(strays.is_empty(), "{strays:?}");
    }
}

#[test]
fn what_is_only_read_stays_in_its_format() {
    let mut disk = Disk::on(saved(1), 8 * EXTENT, 7);
    disk.picture();
    disk.commit();
    assert_eq!(disk.store.get(Key::Super), Some(&[1][..]));
}

#[test]
fn a_tab_that_follows_the_log_learns_of_a_migration_or_refuses_it() {
    let mut writer = Disk::on(saved(1), 8 * EXTENT, 7);
    let mut reader = Disk::on(saved(1), 8 * EXTENT, 8);
    let last = reader.fs.last_log(reader.id);
    let node = writer.fs.node_at(Place::from("/dir/small"), Follow::Yes).expect("there");
    writer.run(|fs| fs.chown(node, Some(5), None)).expect("there");
    writer.commit();
    reader.fs.refresh(reader.id, &writer.store.news(last)).expect("what this version knows");
    let stat = reader.fs.stat(Place::from("/dir/small"), Follow::Yes).expect("there");
    assert_eq!(stat.uid, 5);
    // A log record that begins by naming a later format.
    let mut image = isolith::fs::Image::default();
    image
        .add(Key::Log(reader.fs.last_log(reader.id) + 1), vec![7, FORMAT as u8 + 1])
        .expect("a log");
    let code = match reader.fs.refresh(reader.id, &image) {
        Err(isolith::fs::Stop::Fail(error)) => error.code(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code, "ENOTSUP");
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let mut store = saved(1);
    let super_block = Write::Put(Key::Super, vec![FORMAT as u8 + 1]);
    let id = Disk::new(0, 0).id;
    store.apply(&Batch { store: id, epoch: 1, writes: vec![super_block] }).expect("no limit");
    let env = isolith::fs::Seeded::new(0, 1);
    let mut fs = Fs::new(Box::new(env), 1 << 20);
    let error = match fs.mount(Place::from("/"), &store.image(), false) {
        Err(isolith::fs::Stop::Fail(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error.code(), "ENOTSUP");
    let message = error.to_string();
    assert!(message.contains(&format!("format {}", FORMAT + 1)), "{message}");
}
