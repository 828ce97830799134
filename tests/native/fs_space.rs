//! A store without space: the caller who does not fit is told, everybody else goes on.

mod fs_support;

use fs_support::{Disk, Thing, pattern};
use isolith::fs::{EXTENT, Flags, Fold, Node, Owner, Place, Ticket};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;

fn full(disk: &mut Disk, room: usize) {
    disk.fold();
    disk.store.capacity = Some(disk.store.bytes() + room);
}

fn outcome(disk: &Disk, node: Node, ticket: Ticket) -> &'static str {
    assert_eq!(ticket.node, node);
    match disk.fs.settled(ticket) {
        None => "open",
        Some(Ok(())) => "durable",
        Some(Err(error)) => error.code(),
    }
}

/// Commits until nothing is left or nothing more fits.
fn settle(disk: &mut Disk) {
    for _ in 0..20 {
        if disk.store.commit(&mut disk.fs, disk.id, Fold::Auto) == Ok(false) {
            return;
        }
    }
}

#[test]
fn what_does_not_fit_is_undone_and_what_fits_is_kept() {
    let mut disk = Disk::new(64 << 20, 3);
    disk.write("/old", b"the old version").expect("memory");
    full(&mut disk, 20_000);
    let old = disk.write("/old", &pattern(1, 4 * EXTENT)).expect("memory");
    let new = disk.write("/new", &pattern(2, 4 * EXTENT)).expect("memory");
    let small = disk.write("/small", b"fits").expect("memory");
    let dir = disk.run(|fs| fs.mkdir(Place::from("/dir"), 0o755)).expect("memory");
    let tickets = [old, new, small, dir].map(|node| disk.fs.ticket(node));
    assert_eq!(outcome(&disk, old, tickets[0]), "open");
    settle(&mut disk);
    assert_eq!(outcome(&disk, old, tickets[0]), "ENOSPC");
    assert_eq!(outcome(&disk, new, tickets[1]), "ENOSPC");
    assert_eq!(outcome(&disk, small, tickets[2]), "durable");
    assert_eq!(outcome(&disk, dir, tickets[3]), "durable");
    assert!(disk.fs.check().is_empty(), "{:?}", disk.fs.check());
    for disk in [&mut disk.remounted(), &mut disk] {
        assert_eq!(disk.read("/old").expect("it stays"), b"the old version");
        assert_eq!(disk.read("/small").expect("it fits"), b"fits");
        assert_eq!(disk.read("/new").expect_err("never there").code(), "ENOENT");
    }
    let later = disk.write("/later", b"goes on").expect("memory");
    let ticket = disk.fs.ticket(later);
    settle(&mut disk);
    assert_eq!(outcome(&disk, later, ticket), "durable");
}

#[test]
fn an_open_file_knows_how_its_own_last_change_ended() {
    let mut disk = Disk::new(64 << 20, 3);
    disk.write("/old", b"the old version").expect("memory");
    full(&mut disk, 20_000);
    let [large, small] = ["/old", "/small"]
        .map(|path| disk.open(path, Flags::WRITE | Flags::CREATE).expect("memory"));
    let idle = disk.open("/old", Flags::WRITE).expect("memory");
    disk.write_handle(large, 0, &pattern(1, 4 * EXTENT)).expect("memory");
    disk.write_handle(small, 0, b"fits").expect("memory");
    let ends = |disk: &Disk| {
        [large, small, idle].map(|handle| {
            let ticket = disk.fs.ticket_of(handle).expect("open");
            outcome(disk, ticket.node, ticket)
        })
    };
    assert_eq!(ends(&disk), ["open", "open", "durable"]);
    settle(&mut disk);
    assert_eq!(ends(&disk), ["ENOSPC", "durable", "durable"]);
    // Later changes that land, of the same file too, do not make up for it.
    disk.write_handle(idle, 0, b"a version that fits").expect("memory");
    settle(&mut disk);
    assert_eq!(ends(&disk), ["ENOSPC", "durable", "durable"]);
    disk.run(|fs| fs.ftruncate(large, 5)).expect("memory");
    assert_eq!(ends(&disk), ["open", "durable", "durable"]);
    settle(&mut disk);
    assert_eq!(ends(&disk), ["durable", "durable", "durable"]);
    disk.run(|fs| fs.close(large)).expect("open");
    assert_eq!(disk.code(|fs| fs.ticket_of(large)), "EBADF");
}

#[test]
fn a_rename_over_a_file_is_undone_with_the_bytes_that_do_not_fit() {
    let mut disk = Disk::new(64 << 20, 3);
    disk.write("/target", b"the old version").expect("memory");
    full(&mut disk, 20_000);
    disk.write("/temporary", &pattern(1, 4 * EXTENT)).expect("memory");
    let node = disk
        .run(|fs| fs.rename(Place::from("/temporary"), Place::from("/target")))
        .expect("memory");
    let ticket = disk.fs.ticket(node);
    settle(&mut disk);
    assert_eq!(outcome(&disk, node, ticket), "ENOSPC");
    assert!(disk.fs.check().is_empty(), "{:?}", disk.fs.check());
    assert_eq!(disk.read("/target").expect("it stays"), b"the old version");
    assert_eq!(disk.remounted().read("/target").expect("it stays"), b"the old version");
    assert!(disk.read("/temporary").is_err());
}

#[test]
fn deleting_makes_room_again() {
    let mut disk = Disk::new(64 << 20, 3);
    disk.write("/big", &pattern(1, 8 * EXTENT)).expect("memory");
    full(&mut disk, 10_000);
    let node = disk.write("/next", &pattern(2, 4 * EXTENT)).expect("memory");
    let ticket = disk.fs.ticket(node);
    settle(&mut disk);
    assert_eq!(outcome(&disk, node, ticket), "ENOSPC");
    disk.run(|fs| fs.unlink(Place::from("/big"))).expect("a file");
    settle(&mut disk);
    let node = disk.write("/next", &pattern(2, 4 * EXTENT)).expect("memory");
    let ticket = disk.fs.ticket(node);
    settle(&mut disk);
    assert_eq!(outcome(&disk, node, ticket), "durable");
    assert_eq!(disk.remounted().read("/next").expect("durable"), pattern(2, 4 * EXTENT));
}

#[test]
fn a_failure_that_is_not_about_space_undoes_nothing() {
    let mut disk = Disk::new(64 << 20, 3);
    let node = disk.write("/a", b"kept").expect("memory");
    let ticket = disk.fs.ticket(node);
    let batch = disk.fs.take_batch(disk.id, Fold::Auto).expect("changes");
    assert!(disk.fs.take_batch(disk.id, Fold::Auto).is_none(), "one batch at a time");
    let later = disk.write("/b", b"meanwhile").expect("memory");
    let error = disk.run(|fs| fs.unlink(Place::from("/none"))).expect_err("none");
    disk.fs.batch_done(disk.id, batch.epoch, Err(error));
    assert_eq!(outcome(&disk, node, ticket), "ENOENT");
    let ticket = disk.fs.ticket(later);
    disk.commit();
    assert_eq!(outcome(&disk, later, ticket), "durable");
    assert_eq!(disk.remounted().read("/a").expect("kept"), b"kept");
}

/// Found by the test of histories below: told `ENOSPC`, and there all the same.
#[test]
fn who_is_told_of_failure_does_not_come_back_later() {
    let mut disk = Disk::new(64 << 20, 11);
    disk.store.capacity = Some(143);
    disk.write("/large", &pattern(1, 72_548)).expect("memory");
    let node = disk.write("/name", b"").expect("memory");
    let ticket = disk.fs.ticket(node);
    let batch = disk.fs.take_batch(disk.id, Fold::Auto).expect("changes");
    disk.write("/other", b"x").expect("memory");
    let refused = disk.store.apply(&batch);
    assert!(refused.is_err());
    disk.fs.batch_done(disk.id, batch.epoch, refused);
    disk.write("/temporary", b"y").expect("memory");
    disk.run(|fs| fs.rename(Place::from("/temporary"), Place::from("/name"))).expect("memory");
    settle(&mut disk);
    disk.store.capacity = None;
    settle(&mut disk);
    let is_there = disk.remounted().read("/name").is_ok();
    assert_eq!(outcome(&disk, node, ticket) == "durable", is_there);
}

#[derive(Clone, Debug)]
enum Op {
    Whole(u8, u64, usize),
    Through(u8, u8, u64, usize),
    Unlink(u8),
    Commit,
    TakeThen(Vec<(u8, u64, usize)>),
    Room(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let name = || 0..5_u8;
    let len = || prop_oneof![0..3000_usize, 0..600_000_usize];
    let write = move || (name(), any::<u64>(), len());
    prop_oneof![
        6 => write().prop_map(|(n, s, l)| Op::Whole(n, s, l)),
        3 => (name(), write()).prop_map(|(m, (n, s, l))| Op::Through(m, n, s, l)),
        2 => name().prop_map(Op::Unlink),
        4 => Just(Op::Commit),
        2 => prop::collection::vec(write(), 1..4).prop_map(Op::TakeThen),
        1 => (0..1_500_000_usize).prop_map(Op::Room),
    ]
}

/// Every version a file may have: the last one acknowledged, and those that came after.
#[derive(Default)]
struct History {
    acknowledged: Option<Vec<u8>>,
    open: Vec<(Ticket, Option<Vec<u8>>)>,
}

struct Lab {
    disk: Disk,
    files: BTreeMap<u8, History>,
}

impl Lab {
    fn path(name: u8) -> String {
        format!("/{name}")
    }

    fn note(&mut self, name: u8, node: Node, version: Option<Vec<u8>>) {
        let ticket = self.disk.fs.ticket(node);
        self.files.entry(name).or_default().open.push((ticket, version));
    }

    fn write(&mut self, name: u8, seed: u64, len: usize) {
        let bytes = pattern(seed, len);
        if let Ok(node) = self.disk.write(&Self::path(name), &bytes) {
            self.note(name, node, Some(bytes));
        }
    }

    /// Hears of every ticket that is settled: from then on that version or a later one stands.
    fn listen(&mut self) {
        for history in self.files.values_mut() {
            while let Some((ticket, _)) = history.open.first() {
                match self.disk.fs.settled(*ticket) {
                    None => break,
                    Some(Ok(())) => history.acknowledged = history.open.remove(0).1,
                    Some(Err(_)) => drop(history.open.remove(0)),
                }
            }
        }
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Whole(name, seed, len) => self.write(*name, *seed, *len),
            Op::Through(temporary, name, seed, len) if temporary != name => {
                // The way that careful programs replace files.
                let (from, to) = (format!("/t{temporary}"), Self::path(*name));
                let bytes = pattern(*seed, *len);
                if self.disk.write(&from, &bytes).is_ok() {
                    let rename = |fs: &mut isolith::fs::Fs| {
                        fs.rename(Place::from(&*from), Place::from(&*to))
                    };
                    if let Ok(node) = self.disk.run(rename) {
                        self.note(*name, node, Some(bytes));
                    }
                }
            }
            Op::Through(..) => {}
            Op::Unlink(name) => {
                let path = Self::path(*name);
                if let Ok(dir) = self.disk.run(|fs| fs.unlink(Place::from(&*path))) {
                    self.note(*name, dir, None);
                }
            }
            Op::Commit => settle(&mut self.disk),
            Op::TakeThen(writes) => {
                let batch = self.disk.fs.take_batch(self.disk.id, Fold::Auto);
                for (name, seed, len) in writes {
                    self.write(*name, *seed, *len);
                }
                if let Some(batch) = batch {
                    let result = self.disk.store.apply(&batch);
                    self.disk.fs.batch_done(self.disk.id, batch.epoch, result);
                }
            }
            Op::Room(room) => self.disk.store.capacity = Some(self.disk.store.bytes() + room),
        }
        self.listen();
        let findings = self.disk.fs.check();
        assert!(findings.is_empty(), "{op:?}: {findings:?}");
    }

    /// The store shows, of each file, the acknowledged version or one that came after.
    fn verify(&self) {
        let picture = self.disk.remounted().picture();
        for (name, history) in &self.files {
            let shown = match picture.get(Self::path(*name).as_bytes()) {
                Some(Thing::File { bytes, .. }) => Some(bytes.clone()),
                _ => None,
            };
            let later = history.open.iter().map(|(_, version)| version);
            let mut allowed = later.chain([&history.acknowledged]);
            let len = shown.as_ref().map(Vec::len);
            assert!(allowed.any(|version| *version == shown), "file {name} is torn: {len:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        rng_seed: RngSeed::Fixed(0x5bace),
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_file_is_an_acknowledged_version_or_a_later_one(
        ops in prop::collection::vec(op(), 1..50),
    ) {
        let disk = Disk::new(64 << 20, 11);
        let mut lab = Lab { disk, files: BTreeMap::new() };
        lab.disk.store.capacity = Some(1_000_000);
        for op in &ops {
            lab.run(op);
            lab.verify();
        }
        // With room again everything can be written, and what is shown is what is there.
        lab.disk.store.capacity = None;
        lab.disk.fold();
        let shown = lab.disk.remounted().picture();
        prop_assert_eq!(fs_support::difference(&shown, &lab.disk.picture()), None);
    }
}

#[test]
fn a_full_cache_asks_for_a_commit_and_goes_on() {
    let mut disk = Disk::new(8 * EXTENT, 1);
    let handle = disk.open("/a", Flags::WRITE | Flags::CREATE).expect("memory");
    let bytes = pattern(4, 40 * EXTENT);
    disk.write_handle(handle, 0, &bytes).expect("commits make room");
    assert!(disk.fs.cached_bytes() <= 10 * EXTENT, "{}", disk.fs.cached_bytes());
    disk.commit();
    assert_eq!(disk.read("/a").expect("a file"), bytes);
    disk.fs.close_all(Owner(0));
    assert_eq!(disk.remounted().read("/a").expect("a file"), bytes);
}
