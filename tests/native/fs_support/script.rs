//! Any bytes as a script of file operations: what they do to a filesystem must leave it sound, and durable as it was told.

use super::{Disk, Picture, difference, pattern};
use isolith::fs::{
    EXTENT, Flags, Follow, Fs, HandleId, MAX_SIZE, Owner, Place, SetAttr, SetTime, Step, Whence,
};

/// Reads a script; beyond its end all is zero.
struct Script<'a> {
    rest: &'a [u8],
}

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.rest.split_first().unwrap_or((&0, &[]));
        self.rest = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// Mostly small, sometimes at an edge, sometimes anything.
    fn size(&mut self) -> u64 {
        match self.byte() % 8 {
            0 => self.number(),
            1 => MAX_SIZE.wrapping_add(u64::from(self.byte())).wrapping_sub(128),
            2 => EXTENT as u64 + u64::from(self.byte()) - 128,
            3 => 4096 + u64::from(self.byte()) - 128,
            _ => u64::from(self.byte()) * 97,
        }
    }

    /// Mostly of few names, so that they meet; sometimes any bytes at all.
    fn path(&mut self) -> Vec<u8> {
        let kind = self.byte();
        if kind.is_multiple_of(8) {
            let length = usize::from(self.byte());
            return (0..length).map(|_| self.byte()).collect();
        }
        if kind == 1 {
            return vec![b'n'; usize::from(self.byte()) * 20];
        }
        let names: [&[u8]; 8] = [b"a", b"b", b"c", b".", b"..", b"", b"\xff\xfe", b"a"];
        let parts: Vec<_> =
            (0..=kind % 4).map(|_| names[usize::from(self.byte() % 8)].to_vec()).collect();
        parts.join(&b'/')
    }
}

/// Runs `script` and checks the filesystem after each operation.
///
/// # Panics
/// If something is not as it must be.
pub(crate) fn run(script: &[u8]) {
    let mut script = Script { rest: script };
    let mut disk = Disk::new(4 * EXTENT, 1);
    let mut open: Vec<HandleId> = Vec::new();
    while !script.rest.is_empty() {
        let code = script.byte() % 32;
        match code {
            28 => disk.commit(),
            29 => disk.fold(),
            30 => remount(&mut disk, &mut open),
            31 => disk.fs.set_cache_bytes(4 * EXTENT),
            18..=27 if !open.is_empty() => by_handle(&mut disk, &mut script, code, &mut open),
            _ => by_path(&mut disk, &mut script, code, &mut open),
        }
        let findings = disk.fs.check();
        assert!(findings.is_empty(), "after {code}: {findings:?}");
    }
    remount(&mut disk, &mut open);
    let strays = disk.fs.check_extents(disk.id, disk.store.keys());
    assert!(strays.is_empty(), "{strays:?}");
}

/// The tree that comes back from the store is the one that was there.
fn remount(disk: &mut Disk, open: &mut Vec<HandleId>) {
    for handle in open.drain(..) {
        disk.run(|fs| fs.close(handle)).expect("an open file");
    }
    disk.fold();
    // Other numbers than the last mount made up: the same would meet.
    let seed = disk.fs.last_log(disk.id) + 1000;
    let mut again = Disk::on(disk.store.clone(), 4 * EXTENT, seed);
    assert_eq!(again.fs.check(), [] as [String; 0]);
    assert_eq!(difference(&small(disk), &small(&mut again)), None, "mounted anew");
    *disk = again;
}

/// The tree, without files too large to be read.
fn small(disk: &mut Disk) -> Picture {
    let is_large = |fs: &Fs, path: &[u8]| {
        fs.stat(Place::root(path), Follow::No).is_ok_and(|stat| stat.size > 8 << 20)
    };
    let mut large = Vec::new();
    let mut dirs = vec![Vec::new()];
    while let Some(dir) = dirs.pop() {
        let mut below = Vec::new();
        let at = if dir.is_empty() { b"/".to_vec() } else { dir.clone() };
        let mut visit = |name: &[u8], _, kind| below.push((name.to_vec(), kind));
        disk.fs.list(Place::root(&at), &mut visit).expect("a directory");
        for (name, kind) in below {
            let path = [&dir[..], b"/", &name].concat();
            match kind {
                isolith::fs::FileType::Dir => dirs.push(path),
                _ if is_large(&disk.fs, &path) => large.push(path),
                _ => {}
            }
        }
    }
    for path in large {
        disk.run(|fs| fs.truncate(Place::root(&path), 1000)).expect("a file");
    }
    disk.picture()
}

/// What came of it, if it went well.
fn any<T>(disk: &mut Disk, op: impl FnMut(&mut Fs) -> Step<T>) -> Option<T> {
    disk.run(op).ok()
}

/// What came of it does not matter, only what it left behind.
fn just<T>(disk: &mut Disk, op: impl FnMut(&mut Fs) -> Step<T>) {
    let _ = disk.run(op);
}

fn by_path(disk: &mut Disk, script: &mut Script<'_>, code: u8, open: &mut Vec<HandleId>) {
    let path = script.path();
    let place = Place::root(&path);
    match code {
        0 => just(disk, |fs| fs.mkdir(place, 0o755)),
        1 => just(disk, |fs| fs.mkdir_all(place, 0o755)),
        2 => just(disk, |fs| fs.rmdir(place)),
        3 => just(disk, |fs| fs.unlink(place)),
        4 => just(disk, |fs| fs.remove_all(place)),
        5..=8 => {
            let other = script.path();
            let to = Place::root(&other);
            match code {
                5 | 6 => just(disk, |fs| fs.rename(place, to)),
                7 => just(disk, |fs| fs.link(place, to, Follow::No)),
                _ => just(disk, |fs| fs.symlink(&path, to)),
            }
        }
        9 => {
            let size = script.size();
            just(disk, |fs| fs.truncate(place, size));
        }
        10 | 11 => {
            let bytes = pattern(u64::from(code), script.size().min(600_000) as usize);
            let _ = disk.write_place(place, &bytes);
        }
        12 => just(disk, |fs| fs.realpath(place)),
        13 => {
            let (uid, gid) = (script.byte(), script.byte());
            let Some(node) = any(disk, |fs| fs.node_at(place, Follow::Yes)) else { return };
            just(disk, |fs| fs.chown(node, Some(u32::from(uid)), Some(u32::from(gid))));
        }
        14 => {
            let (name, value) = (script.path(), script.path());
            let name = [b"user.", &name[..]].concat();
            let Some(node) = any(disk, |fs| fs.node_at(place, Follow::Yes)) else { return };
            just(disk, |fs| fs.set_attr(node, &name, &value, SetAttr::Any));
        }
        15 => {
            let time = script.number().cast_signed();
            let Some(node) = any(disk, |fs| fs.node_at(place, Follow::No)) else { return };
            just(disk, |fs| fs.set_times(node, SetTime::To(time), SetTime::Now));
        }
        _ if open.len() < 8 => {
            let flags = Flags::from_bits(script.number() as u32 & 0xff);
            open.extend(any(disk, |fs| fs.open(place, flags, 0o644, Owner(1))));
        }
        _ => {}
    }
}

fn by_handle(disk: &mut Disk, script: &mut Script<'_>, code: u8, open: &mut Vec<HandleId>) {
    let at = usize::from(script.byte()) % open.len();
    let handle = open[at];
    match code {
        18 => {
            just(disk, |fs| fs.close(handle));
            open.swap_remove(at);
        }
        19 | 20 => {
            let (offset, length) = (script.size(), script.size().min(600_000) as usize);
            let _ = disk.write_handle(handle, offset, &pattern(u64::from(code), length));
        }
        21 => {
            let (offset, length) = (script.size(), script.size().min(600_000) as usize);
            let _ = disk.read_handle(handle, offset, length);
        }
        22 => {
            let size = script.size();
            just(disk, |fs| fs.ftruncate(handle, size));
        }
        23 => {
            let to = script.number().cast_signed();
            just(disk, |fs| fs.seek(handle, to, Whence::Current));
        }
        24 => {
            let (from, to, length) = (script.size(), script.size(), script.size().min(600_000));
            let other = open[usize::from(script.byte()) % open.len()];
            just(disk, |fs| fs.copy_range((handle, from), (other, to), length as usize));
        }
        25 => {
            // What is mapped is unmapped at once: nobody else may hold the memory.
            let Some(mapping) = any(disk, |fs| match fs.fstat(handle)?.size {
                0..1_000_000 => fs.map(handle).map(Some),
                _ => Ok(None),
            }) else {
                return;
            };
            if let Some(mapping) = mapping {
                just(disk, |fs| fs.load_mapped(&mapping));
                just(disk, |fs| fs.sync_mapped(&mapping, 0, 100));
                disk.fs.unmap(mapping);
            }
        }
        26 => {
            disk.fs.close_all(Owner(1));
            open.clear();
        }
        _ => just(disk, |fs| fs.fstat(handle)),
    }
}
