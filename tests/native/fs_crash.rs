//! After a crash at any point the store shows the tree as it was at some batch, and it is sound.

mod fs_support;

use fs_support::{Disk, Picture, difference, pattern};
use isolith::fs::{Batch, EXTENT, Flags, Fold, Follow, HandleId, MemoryStore, Owner, Place};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[derive(Clone, Debug)]
enum Op {
    Whole(u8, u64, usize),
    Draft(u8, u64, usize),
    Write(u8, u64, u64, usize),
    Truncate(u8, u64),
    /// Cut and grown again, with what was there out of memory.
    Recut(u8, u64, u64),
    Rename(u8, u8),
    Link(u8, u8),
    Unlink(u8),
    Mkdir(u8),
    Rmdir(u8),
    RemoveAll(u8),
    Hold(u8),
    LetGo,
    /// Takes a batch; it is written only once the next operations have run.
    Take(bool),
    Finish,
    /// The transaction fails for a reason other than space.
    Fail,
    Crash,
    Evict,
}

fn path(name: u8) -> String {
    // Few, so that the same ones are met again and again.
    let names = ["/a", "/a", "/a", "/a", "/b", "/b", "/c", "/d/a", "/d/b", "/d", "/e", "/e/a"];
    names[name as usize % names.len()].to_string()
}

fn op() -> impl Strategy<Value = Op> {
    let name = any::<u8>;
    let len = || prop_oneof![0..5000_usize, 40_000..300_000_usize];
    let at = || prop_oneof![0..6000_u64, 0..(3 * EXTENT as u64 / 2)];
    prop_oneof![
        4 => (name(), any::<u64>(), len()).prop_map(|(n, s, l)| Op::Whole(n, s, l)),
        1 => (name(), any::<u64>(), len()).prop_map(|(n, s, l)| Op::Draft(n, s, l)),
        6 => (name(), any::<u64>(), at(), len()).prop_map(|(n, s, o, l)| Op::Write(n, s, o, l)),
        3 => (name(), at()).prop_map(|(n, size)| Op::Truncate(n, size)),
        6 => (name(), at(), at()).prop_map(|(n, a, b)| Op::Recut(n, a.min(b), a.max(b))),
        4 => (name(), name()).prop_map(|(a, b)| Op::Rename(a, b)),
        1 => (name(), name()).prop_map(|(a, b)| Op::Link(a, b)),
        2 => name().prop_map(Op::Unlink),
        3 => name().prop_map(Op::Mkdir),
        1 => name().prop_map(Op::Rmdir),
        1 => name().prop_map(Op::RemoveAll),
        1 => name().prop_map(Op::Hold),
        1 => Just(Op::LetGo),
        6 => any::<bool>().prop_map(Op::Take),
        6 => Just(Op::Finish),
        1 => Just(Op::Fail),
        1 => Just(Op::Crash),
        6 => Just(Op::Evict),
    ]
}

/// So large that nothing must be committed by force: the test alone says when.
const CACHE: usize = 64 << 20;

/// A disk whose batches can be held in flight, and what the tree was when each was taken.
struct Lab {
    disk: Disk,
    flight: Option<(Batch, Picture)>,
    durable: Picture,
    held: Vec<HandleId>,
}

impl Lab {
    fn new() -> Self {
        let disk = Disk::new(CACHE, 5);
        Self { disk, flight: None, durable: Picture::new(), held: Vec::new() }
    }

    fn take(&mut self, all: bool) {
        if self.flight.is_none() {
            self.disk.load_for_fold();
            let picture = self.disk.picture();
            let fold = if all { Fold::All } else { Fold::Auto };
            if let Some(batch) = self.disk.fs.take_batch(self.disk.id, fold) {
                self.flight = Some((batch, picture));
            }
        }
    }

    fn finish(&mut self) {
        if let Some((batch, picture)) = self.flight.take() {
            self.disk.store.apply(&batch).expect("space");
            self.disk.fs.batch_done(self.disk.id, batch.epoch, Ok(()));
            self.durable = picture;
        }
    }

    fn fail(&mut self) {
        if let Some((batch, _)) = self.flight.take() {
            let error =
                Disk::new(0, 0).run(|fs| fs.unlink(Place::from("/none"))).expect_err("none");
            self.disk.fs.batch_done(self.disk.id, batch.epoch, Err(error));
        }
    }

    /// What a mount of the store as it is now shows is the last batch's tree.
    fn verify(&self) {
        let mut again = self.disk.remounted();
        assert_eq!(difference(&self.durable, &again.picture()), None, "after a crash");
        // Left-overs of open files go, and nothing else is in the store's way.
        again.fs.sweep_orphans(again.id);
        again.fold();
        again.fold();
        let strays = again.fs.check_extents(again.id, again.store.keys());
        assert!(strays.is_empty(), "{strays:?}");
        assert_eq!(difference(&self.durable, &again.remounted().picture()), None, "swept");
    }

    fn run(&mut self, op: &Op) {
        let disk = &mut self.disk;
        match op {
            Op::Whole(n, seed, len) => drop(disk.write(&path(*n), &pattern(*seed, *len))),
            Op::Draft(n, seed, len) => {
                let (path, bytes) = (path(*n), pattern(*seed, *len));
                if let Ok(draft) = disk.run(|fs| fs.draft(Place::from(&*path), false, Owner(1))) {
                    disk.write_handle(draft, 0, &bytes).expect("a draft takes bytes");
                    if seed % 3 != 0 {
                        drop(
                            disk.run(|fs| {
                                fs.publish(draft, Place::from(&*path), fs_support::PUBLISH)
                            }),
                        );
                        disk.run(|fs| fs.close(draft)).expect("an open draft");
                    } else {
                        self.held.push(draft);
                    }
                }
            }
            Op::Write(n, seed, at, len) => {
                if let Ok(handle) = disk.open(&path(*n), Flags::WRITE | Flags::CREATE) {
                    disk.write_handle(handle, *at, &pattern(*seed, *len)).expect("a file");
                    disk.run(|fs| fs.close(handle)).expect("an open file");
                }
            }
            Op::Truncate(n, size) => {
                drop(disk.run(|fs| fs.truncate(Place::from(&*path(*n)), *size)));
            }
            Op::Recut(n, low, high) => {
                disk.fs.set_cache_bytes(0);
                disk.fs.set_cache_bytes(CACHE);
                for size in [low, high] {
                    drop(disk.run(|fs| fs.truncate(Place::from(&*path(*n)), *size)));
                }
            }
            Op::Rename(a, b) => {
                let (a, b) = (path(*a), path(*b));
                drop(disk.run(|fs| fs.rename(Place::from(&*a), Place::from(&*b))));
            }
            Op::Link(a, b) => {
                let (a, b) = (path(*a), path(*b));
                drop(disk.run(|fs| fs.link(Place::from(&*a), Place::from(&*b), Follow::No)));
            }
            Op::Unlink(n) => drop(disk.run(|fs| fs.unlink(Place::from(&*path(*n))))),
            Op::Mkdir(n) => drop(disk.run(|fs| fs.mkdir(Place::from(&*path(*n)), 0o755))),
            Op::Rmdir(n) => drop(disk.run(|fs| fs.rmdir(Place::from(&*path(*n))))),
            Op::RemoveAll(n) => drop(disk.run(|fs| fs.remove_all(Place::from(&*path(*n))))),
            Op::Hold(n) => self.held.extend(disk.open(&path(*n), Flags::READ)),
            Op::LetGo => {
                if let Some(handle) = self.held.pop() {
                    disk.run(|fs| fs.close(handle)).expect("an open file");
                }
            }
            Op::Take(all) => self.take(*all),
            Op::Finish => self.finish(),
            Op::Fail => self.fail(),
            Op::Crash => self.verify(),
            Op::Evict => {
                disk.fs.set_cache_bytes(0);
                disk.fs.set_cache_bytes(CACHE);
            }
        }
        let findings = self.disk.fs.check();
        assert!(findings.is_empty(), "{op:?}: {findings:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        rng_seed: RngSeed::Fixed(0xc7a5),
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_crash_shows_the_tree_of_the_last_batch(ops in prop::collection::vec(op(), 1..70)) {
        let mut lab = Lab::new();
        for op in &ops {
            lab.run(op);
        }
        lab.verify();
        lab.finish();
        for all in [false, true, true] {
            lab.take(all);
            lab.finish();
        }
        lab.verify();
    }
}

/// A long life: enough batches that the log is folded by itself many times over.
#[test]
fn a_store_that_folds_by_itself_shows_the_last_batch() {
    let mut lab = Lab::new();
    lab.disk.run(|fs| fs.mkdir(Place::from("/d"), 0o755)).expect("a directory");
    lab.disk.write("/big", &pattern(1, 8 * EXTENT)).expect("space");
    for round in 0..1500_u64 {
        let name = format!("/d/{}", round % 40);
        lab.disk.write(&name, &pattern(round, 100 + (round as usize * 7) % 3000)).expect("space");
        let big = lab.disk.open("/big", Flags::WRITE).expect("a file");
        let at = (round * 40_961) % (8 * EXTENT as u64 - 5000);
        lab.disk.write_handle(big, at, &pattern(round, 4096)).expect("space");
        lab.disk.run(|fs| fs.close(big)).expect("an open file");
        lab.disk.load_for_fold();
        let batch = lab.disk.fs.take_batch(lab.disk.id, Fold::Auto).expect("changes");
        assert!(batch.bytes() < 32 << 20);
        lab.disk.store.apply(&batch).expect("space");
        lab.disk.fs.batch_done(lab.disk.id, batch.epoch, Ok(()));
        if round % 150 == 149 {
            lab.durable = lab.disk.picture();
            lab.verify();
        }
    }
    let logs = lab.disk.store.keys().filter(|key| matches!(key, isolith::fs::Key::Log(_)));
    assert!(logs.count() < 1100, "the log stays short");
    assert!(lab.disk.store.bytes() < 32 << 20, "and the store in proportion");
}

#[test]
fn a_mount_refuses_what_is_damaged_and_what_is_newer() {
    let mut disk = Disk::new(1 << 20, 1);
    disk.write("/a", b"hello").expect("space");
    disk.commit();
    let mut image = disk.store.image();
    let key = isolith::fs::Key::Super;
    image.add(key, vec![9]).expect("no extent");
    let code = |image: &isolith::fs::Image| {
        let env = isolith::fs::Seeded::new(0, 1);
        let mut fs = isolith::fs::Fs::new(Box::new(env), 1 << 20);
        match fs.mount(Place::from("/"), image, false) {
            Err(isolith::fs::Stop::Fail(error)) => error.code(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code(&image), "ENOTSUP");
    let mut torn = disk.store.image();
    torn.add(isolith::fs::Key::Log(1), vec![1, 2, 3]).expect("no extent");
    assert_eq!(code(&torn), "EIO");
    let mut headless = isolith::fs::Image::default();
    headless.add(isolith::fs::Key::Log(1), vec![]).expect("no extent");
    assert_eq!(code(&headless), "EIO");
    let empty = MemoryStore::default().image();
    assert!(empty.is_empty());
}
