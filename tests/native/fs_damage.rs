//! Damaged records and hostile paths: an error or a finding, never a panic.

mod fs_support;

use fs_support::{Disk, pattern};
use isolith::fs::{EXTENT, Flags, Follow, Fs, Image, Key, Owner, Place, Seeded, Stop};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::sync::LazyLock;

/// A store with something of everything.
fn sample() -> Disk {
    let mut disk = Disk::new(64 << 20, 1);
    disk.run(|fs| fs.mkdir(Place::from("/d"), 0o755)).expect("space");
    disk.write("/d/large", &pattern(1, EXTENT + 5000)).expect("space");
    disk.write("/small", b"small").expect("space");
    disk.run(|fs| fs.symlink(b"d/large", Place::from("/link"))).expect("space");
    disk.run(|fs| fs.link(Place::from("/small"), Place::from("/d/hard"), Follow::No))
        .expect("space");
    disk.fold();
    let handle = disk.open("/d/large", Flags::WRITE).expect("there");
    disk.write_handle(handle, 70_000, &pattern(2, 5000)).expect("space");
    disk.run(|fs| fs.ftruncate(handle, 100_000)).expect("space");
    disk.commit();
    disk.write("/d/new", &pattern(3, 3000)).expect("space");
    disk.run(|fs| fs.unlink(Place::from("/small"))).expect("there");
    disk.commit();
    disk
}

/// What a mount of the sample reads.
static RECORDS: LazyLock<Vec<(Key, Vec<u8>)>> = LazyLock::new(|| {
    let disk = sample();
    let keys = disk.store.keys().filter(|key| *key < Key::FIRST_EXTENT);
    keys.map(|key| (key, disk.store.get(key).expect("its record").to_vec())).collect()
});

/// Walks everything, whatever it is; no result matters.
fn use_it(fs: &mut Fs) {
    let mut dirs = vec![(b"/".to_vec(), 0)];
    while let Some((dir, depth)) = dirs.pop() {
        let mut below = Vec::new();
        drop(fs.list(Place::root(&dir), &mut |name, _, _| {
            below.push([&dir[..], &b"/"[..], name].concat());
        }));
        for path in below {
            let place = Place::root(&path);
            drop(fs.stat(place, Follow::Yes));
            drop(fs.realpath(place));
            if let Ok(handle) = fs.open(place, Flags::READ | Flags::WRITE, 0, Owner(0)) {
                if let Err(Stop::Load(needs)) = fs.read_at(handle, 0, 100_000, &mut |_| ()) {
                    needs.iter().for_each(|need| drop(fs.fill(need, Some(b"whatever"))));
                }
                drop(fs.write_at(handle, 5, 10, &mut |part| part.fill(1)));
                drop(fs.ftruncate(handle, 7));
                drop(fs.close(handle));
            }
            if depth < 5 {
                dirs.push((path, depth + 1));
            }
        }
    }
    drop(fs.check());
}

fn mount(image: &Image) -> Option<Fs> {
    let mut fs = Fs::new(Box::new(Seeded::new(0, 1)), 16 << 20);
    fs.mount(Place::from("/"), image, false).ok().map(|_| fs)
}

/// What happens to a record.
#[derive(Clone, Debug)]
enum Damage {
    Flip(usize, usize, u8),
    Cut(usize, usize),
    Drop(usize),
    Repeat(usize, u64),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => (any::<usize>(), any::<usize>(), 1..=255_u8).prop_map(|(r, at, x)| Damage::Flip(r, at, x)),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(r, at)| Damage::Cut(r, at)),
        1 => any::<usize>().prop_map(Damage::Drop),
        1 => (any::<usize>(), 0..9_u64).prop_map(|(r, seq)| Damage::Repeat(r, seq)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        rng_seed: RngSeed::Fixed(0xda3a6e),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn damaged_records_do_not_panic(damages in prop::collection::vec(damage(), 1..4)) {
        let mut records = RECORDS.clone();
        for damage in &damages {
            let count = records.len();
            match damage {
                Damage::Flip(record, at, x) => {
                    let value = &mut records[record % count].1;
                    if let len @ 1.. = value.len() {
                        value[at % len] ^= x;
                    }
                }
                Damage::Cut(record, at) => {
                    let value = &mut records[record % count].1;
                    let at = at % (value.len() + 1);
                    value.truncate(at);
                }
                Damage::Drop(record) if count > 1 => drop(records.remove(record % count)),
                Damage::Drop(_) => {}
                Damage::Repeat(record, seq) => {
                    let value = records[record % count].1.clone();
                    records.push((Key::Log(*seq), value));
                }
            }
        }
        let mut image = Image::default();
        for (key, value) in records {
            image.add(key, value).expect("no extent");
        }
        if let Some(mut fs) = mount(&image) {
            use_it(&mut fs);
        }
    }

    #[test]
    fn any_bytes_are_a_path_or_an_error(
        path in prop::collection::vec(prop_oneof![
            3 => prop::sample::select(b"/.ad".to_vec()),
            1 => any::<u8>(),
        ], 0..40),
    ) {
        let mut disk = Disk::new(1 << 20, 1);
        disk.run(|fs| fs.mkdir_all(Place::from("/d/a"), 0o755)).expect("space");
        let place = Place::root(&path);
        let flags = Flags::WRITE | Flags::CREATE;
        drop(disk.run(|fs| fs.open(place, flags, 0o644, Owner(0))));
        drop(disk.run(|fs| fs.mkdir_all(place, 0o755)));
        drop(disk.run(|fs| fs.rename(Place::from("/d"), place)));
        drop(disk.run(|fs| fs.rename(place, Place::from("/d/x"))));
        drop(disk.run(|fs| fs.symlink(&path, Place::from("/any"))));
        drop(disk.run(|fs| fs.realpath(Place::from("/any/x"))));
        drop(disk.run(|fs| fs.remove_all(place)));
        prop_assert_eq!(disk.fs.check(), Vec::<String>::new());
    }
}
