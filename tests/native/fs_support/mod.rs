//! What the filesystem's native tests share: a filesystem with its store, and pictures of trees.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub(crate) mod script;

use isolith::Result;
use isolith::fs::{
    EXTENT, FileType, Flags, Fold, Follow, Fs, HandleId, MemoryStore, Node, Owner, Place, Publish,
    Seeded, Step, StoreId,
};
use std::collections::BTreeMap;

/// A filesystem on a store of records, driven synchronously.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) fs: Fs,
    pub(crate) store: MemoryStore,
    pub(crate) id: StoreId,
}

/// What stands at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Thing {
    File { bytes: Vec<u8>, nlink: u32 },
    Dir,
    Symlink(Vec<u8>),
}

/// A whole tree by path.
pub(crate) type Picture = BTreeMap<Vec<u8>, Thing>;

pub(crate) const PUBLISH: Publish = Publish { mode: 0o644, exclusive: false };

impl Disk {
    pub(crate) fn new(cache: usize, seed: u64) -> Self {
        Self::on(MemoryStore::default(), cache, seed)
    }

    /// Mounts what `store` holds.
    pub(crate) fn on(store: MemoryStore, cache: usize, seed: u64) -> Self {
        let env = Seeded::new(1_700_000_000_000_000_000, seed);
        let mut fs = Fs::new(Box::new(env), cache);
        let id = fs.mount(Place::from("/"), &store.image(), false).expect("a sound image");
        Self { fs, store, id }
    }

    pub(crate) fn run<T>(&mut self, op: impl FnMut(&mut Fs) -> Step<T>) -> Result<T> {
        self.store.run(&mut self.fs, op)
    }

    pub(crate) fn commit(&mut self) {
        while self.store.commit(&mut self.fs, self.id, Fold::Auto).expect("space") {}
    }

    pub(crate) fn fold(&mut self) {
        self.load_for_fold();
        self.store.commit(&mut self.fs, self.id, Fold::All).expect("space");
        self.load_for_fold();
        self.store.commit(&mut self.fs, self.id, Fold::All).expect("space");
    }

    pub(crate) fn load_for_fold(&mut self) {
        for need in self.fs.fold_needs(self.id) {
            self.fs.fill(&need, self.store.get(need.key())).expect("memory");
        }
    }

    pub(crate) fn write(&mut self, path: &str, bytes: &[u8]) -> Result<Node> {
        self.write_place(Place::from(path), bytes)
    }

    /// Replaces a file as a whole: in one step if it fits, by a draft otherwise.
    pub(crate) fn write_place(&mut self, place: Place<'_>, bytes: &[u8]) -> Result<Node> {
        if bytes.len() > self.fs.whole_limit() {
            let draft = self.run(|fs| fs.draft(place, false, Owner(0)))?;
            let written = self.write_handle(draft, 0, bytes);
            let published = written.and_then(|_| self.run(|fs| fs.publish(draft, place, PUBLISH)));
            self.run(|fs| fs.close(draft))?;
            return published;
        }
        self.run(|fs| {
            let mut rest = bytes;
            let mut source = |part: &mut [u8]| {
                let (head, tail) = rest.split_at(part.len());
                part.copy_from_slice(head);
                rest = tail;
            };
            fs.write_whole(place, PUBLISH, bytes.len(), &mut source)
        })
    }

    pub(crate) fn read(&mut self, path: &str) -> Result<Vec<u8>> {
        self.read_place(Place::from(path))
    }

    pub(crate) fn read_place(&mut self, place: Place<'_>) -> Result<Vec<u8>> {
        let handle = self.run(|fs| fs.open(place, Flags::READ, 0, Owner(0)))?;
        let mut bytes = Vec::new();
        let result = loop {
            match self.read_handle(handle, bytes.len() as u64, EXTENT * 3) {
                Ok(part) if part.is_empty() => break Ok(bytes),
                Ok(part) => bytes.extend(part),
                Err(error) => break Err(error),
            }
        };
        self.run(|fs| fs.close(handle))?;
        result
    }

    pub(crate) fn read_handle(
        &mut self,
        handle: HandleId,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.run(|fs| fs.read_at(handle, offset, len, &mut |part| bytes.extend_from_slice(part)))?;
        Ok(bytes)
    }

    pub(crate) fn write_handle(
        &mut self,
        handle: HandleId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<usize> {
        let mut done = 0;
        while done < bytes.len() {
            done += self.run(|fs| {
                let mut rest = &bytes[done..];
                fs.write_at(handle, offset + done as u64, rest.len(), &mut |part| {
                    let (head, tail) = rest.split_at(part.len());
                    part.copy_from_slice(head);
                    rest = tail;
                })
            })?;
        }
        Ok(done)
    }

    pub(crate) fn open(&mut self, path: &str, flags: Flags) -> Result<HandleId> {
        self.run(|fs| fs.open(Place::from(path), flags, 0o644, Owner(0)))
    }

    pub(crate) fn code<T>(&mut self, op: impl FnMut(&mut Fs) -> Step<T>) -> &'static str {
        self.run(op).err().map_or("ok", |error| error.code())
    }

    /// Everything in the tree, contents included.
    pub(crate) fn picture(&mut self) -> Picture {
        let mut picture = Picture::new();
        let mut dirs = vec![b"/".to_vec()];
        while let Some(dir) = dirs.pop() {
            let mut below = Vec::new();
            let mut visit = |name: &[u8], _: Node, kind: FileType| {
                let slash: &[u8] = if dir == b"/" { b"" } else { b"/" };
                below.push(([&dir, slash, name].concat(), kind));
            };
            self.fs.list(Place::root(&dir), &mut visit).expect("a directory");
            for (path, kind) in below {
                let thing = match kind {
                    FileType::Dir => {
                        dirs.push(path.clone());
                        Thing::Dir
                    }
                    FileType::Symlink => {
                        let target = self.fs.readlink(Place::root(&path)).expect("a link");
                        Thing::Symlink(target.to_vec())
                    }
                    FileType::File => {
                        let stat = self.fs.stat(Place::root(&path), Follow::No).expect("a file");
                        let bytes = self.read_place(Place::root(&path)).expect("its bytes");
                        assert_eq!(bytes.len() as u64, stat.size);
                        Thing::File { bytes, nlink: stat.nlink }
                    }
                };
                picture.insert(path, thing);
            }
        }
        picture
    }

    /// The tree that a fresh mount of the store shows, which must be sound.
    pub(crate) fn remounted(&self) -> Disk {
        let disk = Disk::on(self.store.clone(), 8 * EXTENT, 99);
        assert_eq!(disk.fs.check(), [] as [String; 0]);
        disk
    }
}

/// Bytes that tell where they come from.
pub(crate) fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Never zero, so that holes stand out.
        (state as u8) | 1
    };
    (0..len).map(|_| next()).collect()
}

/// The first difference of two trees in words, for a message that can be read.
pub(crate) fn difference(left: &Picture, right: &Picture) -> Option<String> {
    let name = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    for path in left.keys().chain(right.keys()) {
        match (left.get(path), right.get(path)) {
            (Some(a), Some(b)) if a == b => {}
            (
                Some(Thing::File { bytes: a, nlink: n }),
                Some(Thing::File { bytes: b, nlink: m }),
            ) => {
                let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
                let (path, a, b) = (name(path), a.len(), b.len());
                return Some(format!("{path}: {a} and {b} bytes, differ at {at}, links {n}, {m}"));
            }
            (a, b) => {
                let short = |thing: Option<&Thing>| match thing {
                    Some(Thing::File { bytes, .. }) => format!("a file of {}", bytes.len()),
                    other => format!("{other:?}"),
                };
                return Some(format!("{}: {} and {}", name(path), short(a), short(b)));
            }
        }
    }
    None
}
