//! Several kernels on one store, as tabs are: each sees what the others have committed.

mod fs_support;

use fs_support::{Disk, difference, pattern};
use isolith::fs::{EXTENT, Flags, Fold, MemoryStore, Place};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[derive(Clone, Debug)]
enum Op {
    Write(u8, u64, usize),
    Patch(u8, u64, u64, usize),
    Truncate(u8, u64),
    Rename(u8, u8),
    Unlink(u8),
    Mkdir(u8),
    Fold,
    Read(u8),
    /// Another tab takes over.
    Switch(usize),
}

fn path(name: u8) -> String {
    ["/a", "/b", "/d", "/d/a", "/d/b"][name as usize % 5].to_string()
}

fn op() -> impl Strategy<Value = Op> {
    let name = any::<u8>;
    let len = || prop_oneof![0..5000_usize, 0..400_000_usize];
    let at = || 0..(2 * EXTENT as u64);
    prop_oneof![
        4 => (name(), any::<u64>(), len()).prop_map(|(n, s, l)| Op::Write(n, s, l)),
        4 => (name(), any::<u64>(), at(), len()).prop_map(|(n, s, o, l)| Op::Patch(n, s, o, l)),
        2 => (name(), at()).prop_map(|(n, size)| Op::Truncate(n, size)),
        3 => (name(), name()).prop_map(|(a, b)| Op::Rename(a, b)),
        2 => name().prop_map(Op::Unlink),
        2 => name().prop_map(Op::Mkdir),
        2 => Just(Op::Fold),
        2 => name().prop_map(Op::Read),
        8 => (0..3_usize).prop_map(Op::Switch),
    ]
}

/// Three tabs; the store is wherever the writer is.
struct Tabs {
    tabs: Vec<Disk>,
    writer: usize,
}

impl Tabs {
    fn new() -> Self {
        let mut first = Disk::new(16 << 20, 1);
        first.commit();
        let tabs = vec![
            Disk::on(first.store.clone(), 16 << 20, 2),
            Disk::on(first.store.clone(), 4 << 20, 3),
            Disk::on(first.store, 16 << 20, 4),
        ];
        let mut all = Self { tabs, writer: 0 };
        for tab in 1..3 {
            let id = all.tabs[tab].id;
            all.tabs[tab].fs.set_owned(id, false);
        }
        all
    }

    fn switch(&mut self, to: usize) {
        let from = &mut self.tabs[self.writer];
        from.commit();
        from.fs.set_owned(from.id, false);
        let store = std::mem::take(&mut from.store);
        let tab = &mut self.tabs[to];
        tab.store = store;
        let news = tab.store.news(tab.fs.last_log(tab.id));
        tab.fs.refresh(tab.id, &news).expect("a sound store");
        tab.fs.set_owned(tab.id, true);
        self.writer = to;
    }

    fn run(&mut self, op: &Op) {
        let disk = &mut self.tabs[self.writer];
        match op {
            Op::Write(n, seed, len) => drop(disk.write(&path(*n), &pattern(*seed, *len))),
            Op::Patch(n, seed, at, len) => {
                if let Ok(handle) = disk.open(&path(*n), Flags::WRITE) {
                    disk.write_handle(handle, *at, &pattern(*seed, *len)).expect("a file");
                    disk.run(|fs| fs.close(handle)).expect("an open file");
                }
            }
            Op::Truncate(n, size) => {
                drop(disk.run(|fs| fs.truncate(Place::from(&*path(*n)), *size)));
            }
            Op::Rename(a, b) => {
                let (a, b) = (path(*a), path(*b));
                drop(disk.run(|fs| fs.rename(Place::from(&*a), Place::from(&*b))));
            }
            Op::Unlink(n) => drop(disk.run(|fs| fs.unlink(Place::from(&*path(*n))))),
            Op::Mkdir(n) => drop(disk.run(|fs| fs.mkdir(Place::from(&*path(*n)), 0o755))),
            Op::Fold => disk.fold(),
            Op::Read(n) => drop(disk.read(&path(*n))),
            Op::Switch(to) => {
                let before = disk.picture();
                self.switch(*to);
                let shown = self.tabs[self.writer].picture();
                assert_eq!(difference(&before, &shown), None, "tab {to} sees the others' work");
            }
        }
        let findings = self.tabs[self.writer].fs.check();
        assert!(findings.is_empty(), "{op:?}: {findings:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        rng_seed: RngSeed::Fixed(0x7ab5),
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_tab_that_takes_over_sees_all_that_was_committed(
        ops in prop::collection::vec(op(), 1..60),
    ) {
        let mut tabs = Tabs::new();
        for op in &ops {
            tabs.run(op);
        }
        let mut again = tabs.tabs[tabs.writer].remounted();
        tabs.tabs[tabs.writer].commit();
        again.run(|_| Ok(())).expect("nothing to do");
    }
}

#[test]
fn a_tab_that_may_not_write_says_so_and_keeps_reading() {
    let mut tabs = Tabs::new();
    tabs.tabs[0].write("/a", b"one").expect("space");
    tabs.switch(1);
    assert_eq!(tabs.tabs[1].read("/a").expect("a file"), b"one");
    let place = Place::from("/b");
    let refused = tabs.tabs[0].fs.mkdir(place, 0o755);
    assert_eq!(refused, Err(isolith::fs::Stop::Own(tabs.tabs[0].id)));
    let open = tabs.tabs[0].fs.open(Place::from("/a"), Flags::READ, 0, isolith::fs::Owner(0));
    assert!(open.is_ok());
}

#[test]
fn open_files_live_through_what_other_tabs_do() {
    let mut tabs = Tabs::new();
    tabs.tabs[0].write("/a", b"one").expect("space");
    tabs.tabs[0].write("/b", b"two").expect("space");
    let open = |tabs: &mut Tabs, path| tabs.tabs[0].open(path, Flags::READ).expect("a file");
    let (a, b) = (open(&mut tabs, "/a"), open(&mut tabs, "/b"));
    tabs.switch(1);
    tabs.tabs[1].write("/a", b"longer than before").expect("space");
    tabs.tabs[1].run(|fs| fs.unlink(Place::from("/b"))).expect("a file");
    tabs.switch(0);
    assert_eq!(tabs.tabs[0].read_handle(a, 0, 100).expect("open"), b"longer than before");
    let stat = tabs.tabs[0].fs.fstat(b).expect("open, without a name");
    assert_eq!(stat.nlink, 0);
    tabs.tabs[0].run(|fs| fs.close(b)).expect("open");
    assert!(tabs.tabs[0].fs.check().is_empty());
}

#[test]
fn a_tab_that_missed_records_is_told_to_read_everything() {
    let mut tabs = Tabs::new();
    for round in 0..5_u64 {
        tabs.tabs[0].write("/a", &pattern(round, 100)).expect("space");
        tabs.tabs[0].commit();
    }
    let store: MemoryStore = tabs.tabs[0].store.clone();
    let mut news = isolith::fs::Image::default();
    let last = store.keys().filter(|key| matches!(key, isolith::fs::Key::Log(_))).last();
    let last = last.expect("a log");
    news.add(last, store.get(last).expect("its record").to_vec()).expect("no extent");
    let id = tabs.tabs[1].id;
    match tabs.tabs[1].fs.refresh(id, &news) {
        Err(isolith::fs::Stop::Fail(error)) => assert_eq!(error.code(), "ESTALE"),
        other => panic!("{other:?}"),
    }
    tabs.tabs[0].write("/b", b"dirty").expect("space");
    let id = tabs.tabs[0].id;
    assert!(tabs.tabs[0].fs.take_batch(id, Fold::Auto).is_some());
    match tabs.tabs[0].fs.refresh(id, &store.image()) {
        Err(isolith::fs::Stop::Fail(error)) => assert_eq!(error.code(), "EBUSY"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tabs_agree_on_where_inodes_are_packed() {
    let mut tabs = Tabs::new();
    // More than a pack holds; the second tab mounts late, when the first pack has room again.
    for number in 0..300 {
        tabs.tabs[0].write(&format!("/{number}"), b"x").expect("space");
        if number == 280 {
            tabs.tabs[0].fold();
        }
    }
    tabs.tabs[0].commit();
    tabs.tabs[0].run(|fs| fs.unlink(Place::from("/5"))).expect("a file");
    tabs.tabs[0].commit();
    tabs.tabs[1] = Disk::on(tabs.tabs[0].store.clone(), 4 << 20, 7);
    let id = tabs.tabs[1].id;
    tabs.tabs[1].fs.set_owned(id, false);
    tabs.tabs[0].fold();
    for number in 270..300 {
        tabs.switch(number % 2);
        let path = format!("/{number}");
        let tab = tabs.writer;
        tabs.tabs[tab].run(|fs| fs.unlink(Place::from(&*path))).expect("a file");
        tabs.tabs[tab].fold();
        assert_eq!(tabs.tabs[tab].remounted().picture().len(), tabs.tabs[tab].picture().len());
    }
}
