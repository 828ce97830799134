//! The filesystem's operations beyond what real files can be asked: cache, mounts, jails, watching.

mod fs_support;

use fs_support::{Disk, PUBLISH, pattern};
use isolith::fs::{
    Access, Change, EXTENT, FileType, Flags, Follow, Fs, MemoryStore, Owner, PAGE, Place, Seeded,
    SetTime, Stop, Whence,
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
