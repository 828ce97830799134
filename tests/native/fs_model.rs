//! The same random operations on the filesystem and on real files: same results, same errors.
#![cfg(target_os = "linux")]

mod fs_support;

use fs_support::{Disk, PUBLISH, Picture, Thing, difference, pattern};
use isolith::fs::{EXTENT, FileType, Flags, Follow, HandleId, Owner, Place, Whence};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Linux's numbers, which `std` does not name.
const O_DIRECTORY: i32 = 0o200_000;
const O_NOFOLLOW: i32 = 0o400_000;

#[derive(Clone, Debug)]
enum Op {
    Mkdir(String),
    MkdirAll(String),
    Rmdir(String),
    Unlink(String),
    RemoveAll(String),
    Rename(String, String),
    Link(String, String),
    Symlink(String, String),
    Readlink(String),
    Stat(String, bool),
    List(String),
    Realpath(String),
    Truncate(String, u64),
    WriteWhole(String, u64, usize),
    ReadWhole(String),
    Open(String, u32),
    Close(usize),
    Read(usize, usize),
    ReadAt(usize, u64, usize),
    Write(usize, u64, usize),
    WriteAt(usize, u64, u64, usize),
    Seek(usize, i64, u8),
    Resize(usize, u64),
    Commit,
    Fold,
    Remount,
}

/// What an operation yields, in a form both sides have.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Yield {
    Nothing,
    Bytes(Bytes),
    Number(u64),
    Names(Vec<(Vec<u8>, FileType)>),
    Stat(FileType, u64, u64),
}

/// Bytes that show themselves in short.
#[derive(Clone, PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sum = self.0.iter().fold(0_u64, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte));
        let head = String::from_utf8_lossy(&self.0[..self.0.len().min(20)]);
        write!(f, "{} bytes {sum:x} {head:?}", self.0.len())
    }
}

type Answer = Result<Yield, u16>;

fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(String::from),
        1 => Just(".".into()),
        1 => Just("..".into()),
    ];
    let parts = prop_oneof![
        4 => prop::collection::vec(part.clone(), 1..2),
        4 => prop::collection::vec(part.clone(), 2..3),
        2 => prop::collection::vec(part, 3..5),
    ];
    (parts, 0..12_u8).prop_map(|(parts, end)| {
        let path = parts.join("/");
        if end == 0 { path + "/" } else { path }
    })
}

fn size() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        0..200_u64,
        4000..4200_u64,
        0..(EXTENT as u64 * 3),
        Just(EXTENT as u64),
        Just(EXTENT as u64 / 4),
    ]
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..300_usize, 2 => 3000..10_000_usize, 1 => 0..300_000_usize]
}

fn op() -> impl Strategy<Value = Op> {
    let seed = any::<u64>;
    let file = || 0..6_usize;
    prop_oneof![
        4 => path().prop_map(Op::Mkdir),
        1 => path().prop_map(Op::MkdirAll),
        2 => path().prop_map(Op::Rmdir),
        2 => path().prop_map(Op::Unlink),
        1 => path().prop_map(Op::RemoveAll),
        5 => (path(), path()).prop_map(|(a, b)| Op::Rename(a, b)),
        3 => (path(), path()).prop_map(|(a, b)| Op::Link(a, b)),
        3 => (path(), path()).prop_map(|(a, b)| Op::Symlink(a, b)),
        1 => path().prop_map(Op::Readlink),
        2 => (path(), any::<bool>()).prop_map(|(p, follow)| Op::Stat(p, follow)),
        1 => path().prop_map(Op::List),
        1 => path().prop_map(Op::Realpath),
        2 => (path(), size()).prop_map(|(p, n)| Op::Truncate(p, n)),
        5 => (path(), seed(), length()).prop_map(|(p, s, n)| Op::WriteWhole(p, s, n)),
        1 => path().prop_map(Op::ReadWhole),
        6 => (path(), any::<u32>()).prop_map(|(p, bits)| Op::Open(p, bits)),
        2 => file().prop_map(Op::Close),
        2 => (file(), length()).prop_map(|(f, n)| Op::Read(f, n)),
        2 => (file(), size(), length()).prop_map(|(f, at, n)| Op::ReadAt(f, at, n)),
        4 => (file(), seed(), length()).prop_map(|(f, s, n)| Op::Write(f, s, n)),
        5 => (file(), seed(), size(), length()).prop_map(|(f, s, at, n)| Op::WriteAt(f, s, at, n)),
        1 => (file(), -5000..5000_i64, 0..3_u8).prop_map(|(f, by, w)| Op::Seek(f, by, w)),
        2 => (file(), size()).prop_map(|(f, n)| Op::Resize(f, n)),
        3 => Just(Op::Commit),
        1 => Just(Op::Fold),
        1 => Just(Op::Remount),
    ]
}

/// A directory of real files that goes away with the test.
struct Real {
    root: PathBuf,
    files: Vec<File>,
}

impl Real {
    fn new() -> Self {
        static NEXT: Mutex<u32> = Mutex::new(0);
        let number = {
            let mut next = NEXT.lock().expect("no test panics with it");
            *next += 1;
            *next
        };
        let name = format!("isolith-fs-model-{}-{number}", std::process::id());
        let root = std::env::temp_dir().join(name);
        fs::create_dir(&root).expect("a temporary directory");
        Self { root, files: Vec::new() }
    }

    fn at(&self, path: &str) -> PathBuf {
        // Not `join`: that would normalise what is tested here.
        let bytes = [self.root.as_os_str().as_bytes(), b"/", path.as_bytes()].concat();
        PathBuf::from(OsStr::from_bytes(&bytes))
    }

    fn run(&mut self, op: &Op) -> std::io::Result<Yield> {
        let nothing = |()| Yield::Nothing;
        match op {
            Op::Mkdir(p) => fs::create_dir(self.at(p)).map(nothing),
            Op::MkdirAll(p) => fs::create_dir_all(self.at(p)).map(nothing),
            Op::Rmdir(p) => fs::remove_dir(self.at(p)).map(nothing),
            Op::Unlink(p) => fs::remove_file(self.at(p)).map(nothing),
            Op::RemoveAll(p) => {
                let path = self.at(p);
                let is_dir = fs::symlink_metadata(&path)?.is_dir();
                let remove =
                    if is_dir { fs::remove_dir_all } else { |p: PathBuf| fs::remove_file(p) };
                remove(path).map(nothing)
            }
            Op::Rename(a, b) => fs::rename(self.at(a), self.at(b)).map(nothing),
            Op::Link(a, b) => fs::hard_link(self.at(a), self.at(b)).map(nothing),
            Op::Symlink(t, p) => std::os::unix::fs::symlink(t, self.at(p)).map(nothing),
            Op::Readlink(p) => fs::read_link(self.at(p))
                .map(|t| Yield::Bytes(Bytes(t.into_os_string().into_vec()))),
            Op::Stat(p, true) => fs::metadata(self.at(p)).map(|m| stat_of(&m)),
            Op::Stat(p, false) => fs::symlink_metadata(self.at(p)).map(|m| stat_of(&m)),
            Op::List(p) => {
                let mut names = Vec::new();
                for entry in fs::read_dir(self.at(p))? {
                    let entry = entry?;
                    names.push((entry.file_name().into_vec(), type_of(entry.file_type()?)));
                }
                names.sort_by(|a, b| a.0.cmp(&b.0));
                Ok(Yield::Names(names))
            }
            Op::Realpath(p) => {
                let root = fs::canonicalize(&self.root)?;
                let real = fs::canonicalize(self.at(p))?.into_os_string().into_vec();
                let below = real[root.as_os_str().len()..].to_vec();
                Ok(Yield::Bytes(Bytes(if below.is_empty() { b"/".to_vec() } else { below })))
            }
            Op::Truncate(p, size) => {
                OpenOptions::new().write(true).open(self.at(p))?.set_len(*size).map(nothing)
            }
            Op::WriteWhole(p, seed, len) => {
                fs::write(self.at(p), pattern(*seed, *len)).map(nothing)
            }
            Op::ReadWhole(p) => fs::read(self.at(p)).map(|bytes| Yield::Bytes(Bytes(bytes))),
            Op::Open(p, bits) => {
                let flags = open_flags(*bits);
                let mut extra = 0;
                extra |= if flags.has(Flags::DIRECTORY) { O_DIRECTORY } else { 0 };
                extra |= if flags.has(Flags::NOFOLLOW) { O_NOFOLLOW } else { 0 };
                let file = OpenOptions::new()
                    .read(flags.has(Flags::READ))
                    .write(flags.has(Flags::WRITE))
                    .append(flags.has(Flags::APPEND))
                    .create(flags.has(Flags::CREATE))
                    .create_new(flags.has(Flags::EXCLUSIVE))
                    .truncate(flags.has(Flags::TRUNCATE))
                    .custom_flags(extra)
                    .open(self.at(p))?;
                self.files.push(file);
                Ok(Yield::Nothing)
            }
            Op::Close(f) => {
                let at = f % self.files.len();
                self.files.remove(at);
                Ok(Yield::Nothing)
            }
            _ => self.run_file(op),
        }
    }

    fn run_file(&mut self, op: &Op) -> std::io::Result<Yield> {
        let count = self.files.len();
        // `std` reads and writes through shared references, too.
        let file = |f: &usize| -> &File { &self.files[f % count] };
        match op {
            Op::Read(f, len) => {
                let mut bytes = vec![0; *len];
                let done = file(f).read(&mut bytes)?;
                bytes.truncate(done);
                Ok(Yield::Bytes(Bytes(bytes)))
            }
            Op::ReadAt(f, at, len) => {
                let mut bytes = vec![0; *len];
                let done = file(f).read_at(&mut bytes, *at)?;
                bytes.truncate(done);
                Ok(Yield::Bytes(Bytes(bytes)))
            }
            Op::Write(f, seed, len) => {
                file(f).write(&pattern(*seed, *len)).map(|done| Yield::Number(done as u64))
            }
            Op::WriteAt(f, seed, at, len) => {
                let bytes = pattern(*seed, *len);
                file(f).write_at(&bytes, *at).map(|done| Yield::Number(done as u64))
            }
            Op::Seek(f, by, whence) => {
                let to = match whence {
                    0 => SeekFrom::Start(by.unsigned_abs()),
                    1 => SeekFrom::Current(*by),
                    _ => SeekFrom::End(*by),
                };
                file(f).seek(to).map(Yield::Number)
            }
            Op::Resize(f, size) => file(f).set_len(*size).map(|()| Yield::Nothing),
            _ => Ok(Yield::Nothing),
        }
    }

    fn picture(&self) -> Picture {
        let mut picture = Picture::new();
        let mut dirs = vec![(self.root.clone(), Vec::new())];
        while let Some((dir, prefix)) = dirs.pop() {
            for entry in fs::read_dir(dir).expect("a directory") {
                let entry = entry.expect("an entry");
                let path = [&prefix[..], b"/", entry.file_name().as_bytes()].concat();
                let kind = entry.file_type().expect("a type");
                let thing = if kind.is_dir() {
                    dirs.push((entry.path(), path.clone()));
                    Thing::Dir
                } else if kind.is_symlink() {
                    let target = fs::read_link(entry.path()).expect("a link");
                    Thing::Symlink(target.into_os_string().into_vec())
                } else {
                    let nlink = entry.metadata().expect("a file").nlink() as u32;
                    Thing::File { bytes: fs::read(entry.path()).expect("its bytes"), nlink }
                };
                picture.insert(path, thing);
            }
        }
        picture
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.files.clear();
        let removed = fs::remove_dir_all(&self.root);
        assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
    }
}

fn type_of(kind: fs::FileType) -> FileType {
    match () {
        () if kind.is_dir() => FileType::Dir,
        () if kind.is_symlink() => FileType::Symlink,
        () => FileType::File,
    }
}

/// Sizes and link counts of directories are each file system's own matter.
fn stat_of(meta: &fs::Metadata) -> Yield {
    match type_of(meta.file_type()) {
        FileType::Dir => Yield::Stat(FileType::Dir, 0, 0),
        kind => Yield::Stat(kind, meta.size(), meta.nlink()),
    }
}

/// Combinations that `std` lets through.
fn open_flags(bits: u32) -> Flags {
    let base = match bits % 8 {
        0 | 1 => Flags::READ,
        2 => Flags::WRITE,
        3 => Flags::WRITE | Flags::APPEND,
        4 => Flags::READ | Flags::WRITE | Flags::APPEND,
        _ => Flags::READ | Flags::WRITE,
    };
    let mut flags = base;
    if base.has(Flags::WRITE) {
        let made =
            [Flags::default(), Flags::CREATE, Flags::CREATE, Flags::CREATE | Flags::EXCLUSIVE];
        flags = flags | made[(bits / 8 % 4) as usize];
        let plain = !base.has(Flags::APPEND) && !flags.has(Flags::EXCLUSIVE);
        flags = if plain && bits / 32 % 3 == 0 { flags | Flags::TRUNCATE } else { flags };
    }
    let create = flags.has(Flags::CREATE);
    flags = if bits / 128 % 8 == 0 && !create { flags | Flags::DIRECTORY } else { flags };
    if bits / 1024 % 4 == 0 { flags | Flags::NOFOLLOW } else { flags }
}

/// Our side: everything within a jail at `/`, so that no path can leave what both sides share.
struct Ours {
    disk: Disk,
    jail: HandleId,
    files: Vec<HandleId>,
}

impl Ours {
    fn new(cache: usize) -> Self {
        let mut disk = Disk::new(cache, 7);
        let jail = disk.open("/", Flags::READ | Flags::DIRECTORY).expect("the root");
        Self { disk, jail, files: Vec::new() }
    }

    /// Whether some path of the operation would leave the shared directory.
    fn escapes(&mut self, op: &Op) -> bool {
        let paths: Vec<&String> = match op {
            Op::Rename(a, b) | Op::Link(a, b) => vec![a, b],
            Op::Mkdir(p) | Op::MkdirAll(p) | Op::Rmdir(p) | Op::Unlink(p) | Op::RemoveAll(p) => {
                vec![p]
            }
            Op::Symlink(_, p) | Op::Readlink(p) | Op::Stat(p, _) | Op::List(p) => vec![p],
            Op::Realpath(p) | Op::Truncate(p, _) | Op::WriteWhole(p, ..) => vec![p],
            Op::ReadWhole(p) | Op::Open(p, _) => vec![p],
            _ => vec![],
        };
        let jail = self.jail;
        let mut left = |path: &String, follow| {
            let place = Place::jailed(jail, path.as_bytes());
            self.disk.code(|fs| fs.node_at(place, follow)) == "EPERM"
        };
        // Making parents looks at every part of the path.
        let parts = |path: &String| -> Vec<String> {
            let ends = path.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at);
            ends.chain([path.len()]).map(|end| path[..end].to_string()).collect()
        };
        let all = paths.into_iter().flat_map(parts).filter(|path| !path.is_empty());
        all.into_iter().any(|path| left(&path, Follow::Yes) || left(&path, Follow::No))
    }

    fn run(&mut self, op: &Op) -> isolith::Result<Yield> {
        let jail = self.jail;
        let at = |path: &'_ String| -> Place<'_> {
            // A lifetime longer than the closure's argument cannot be named here.
            Place::jailed(jail, Box::leak(path.clone().into_boxed_str()).as_bytes())
        };
        let disk = &mut self.disk;
        match op {
            Op::Mkdir(p) => disk.run(|fs| fs.mkdir(at(p), 0o755)).map(|_| Yield::Nothing),
            Op::MkdirAll(p) => disk.run(|fs| fs.mkdir_all(at(p), 0o755)).map(|_| Yield::Nothing),
            Op::Rmdir(p) => disk.run(|fs| fs.rmdir(at(p))).map(|_| Yield::Nothing),
            Op::Unlink(p) => disk.run(|fs| fs.unlink(at(p))).map(|_| Yield::Nothing),
            Op::RemoveAll(p) => disk.run(|fs| fs.remove_all(at(p))).map(|_| Yield::Nothing),
            Op::Rename(a, b) => disk.run(|fs| fs.rename(at(a), at(b))).map(|_| Yield::Nothing),
            Op::Link(a, b) => {
                disk.run(|fs| fs.link(at(a), at(b), Follow::No)).map(|_| Yield::Nothing)
            }
            Op::Symlink(t, p) => {
                disk.run(|fs| fs.symlink(t.as_bytes(), at(p))).map(|_| Yield::Nothing)
            }
            Op::Readlink(p) => disk
                .run(|fs| fs.readlink(at(p)).map(<[u8]>::to_vec))
                .map(|bytes| Yield::Bytes(Bytes(bytes))),
            Op::Stat(p, follow) => {
                let follow = if *follow { Follow::Yes } else { Follow::No };
                disk.run(|fs| fs.stat(at(p), follow)).map(|stat| match stat.file_type {
                    FileType::Dir => Yield::Stat(FileType::Dir, 0, 0),
                    kind => Yield::Stat(kind, stat.size, u64::from(stat.nlink)),
                })
            }
            Op::List(p) => disk
                .run(|fs| {
                    let mut names = Vec::new();
                    fs.list(at(p), &mut |name, _, kind| names.push((name.to_vec(), kind)))?;
                    Ok(names)
                })
                .map(Yield::Names),
            Op::Realpath(p) => {
                disk.run(|fs| fs.realpath(at(p))).map(|bytes| Yield::Bytes(Bytes(bytes)))
            }
            Op::Truncate(p, size) => {
                disk.run(|fs| fs.truncate(at(p), *size)).map(|_| Yield::Nothing)
            }
            Op::WriteWhole(p, seed, len) => {
                disk.write_place(at(p), &pattern(*seed, *len)).map(|_| Yield::Nothing)
            }
            Op::ReadWhole(p) => disk.read_place(at(p)).map(|bytes| Yield::Bytes(Bytes(bytes))),
            Op::Open(p, bits) => {
                let flags = open_flags(*bits);
                let handle = disk.run(|fs| fs.open(at(p), flags, 0o644, Owner(1)))?;
                self.files.push(handle);
                Ok(Yield::Nothing)
            }
            Op::Close(f) => {
                let handle = self.files.remove(f % self.files.len());
                disk.run(|fs| fs.close(handle)).map(|()| Yield::Nothing)
            }
            _ => self.run_file(op),
        }
    }

    fn run_file(&mut self, op: &Op) -> isolith::Result<Yield> {
        let handle = |f: &usize| self.files[f % self.files.len()];
        let disk = &mut self.disk;
        match op {
            Op::Read(f, len) => {
                let mut bytes = Vec::new();
                let handle = handle(f);
                // A small cache moves less at a time; the next call goes on.
                loop {
                    let (want, before) = (*len - bytes.len(), bytes.len());
                    disk.run(|fs| {
                        fs.read(handle, want, &mut |part| bytes.extend_from_slice(part))
                    })?;
                    if bytes.len() == before || bytes.len() == *len {
                        return Ok(Yield::Bytes(Bytes(bytes)));
                    }
                }
            }
            Op::ReadAt(f, at, len) => {
                let mut bytes = Vec::new();
                loop {
                    let done = bytes.len();
                    bytes.extend(disk.read_handle(handle(f), at + done as u64, len - done)?);
                    if bytes.len() == done || bytes.len() == *len {
                        return Ok(Yield::Bytes(Bytes(bytes)));
                    }
                }
            }
            Op::Write(f, seed, len) => {
                let (handle, bytes) = (handle(f), pattern(*seed, *len));
                let done = disk.run(|fs| {
                    let mut rest = &bytes[..];
                    fs.write(handle, bytes.len(), &mut |part| {
                        let (head, tail) = rest.split_at(part.len());
                        part.copy_from_slice(head);
                        rest = tail;
                    })
                })?;
                // A small cache moves less at a time; the offset stands where it should go on.
                let rest = &bytes[done..];
                if !rest.is_empty() {
                    let at = disk.run(|fs| fs.seek(handle, 0, Whence::Current))?;
                    disk.write_handle(handle, at, rest)?;
                    disk.run(|fs| fs.seek(handle, rest.len() as i64, Whence::Current))?;
                }
                Ok(Yield::Number(bytes.len() as u64))
            }
            Op::WriteAt(f, seed, at, len) => {
                let bytes = pattern(*seed, *len);
                if bytes.is_empty() {
                    return disk
                        .run(|fs| fs.write_at(handle(f), *at, 0, &mut |_| ()))
                        .map(|n| Yield::Number(n as u64));
                }
                disk.write_handle(handle(f), *at, &bytes).map(|done| Yield::Number(done as u64))
            }
            Op::Seek(f, by, whence) => {
                let (by, whence) = match whence {
                    0 => (by.abs(), Whence::Start),
                    1 => (*by, Whence::Current),
                    _ => (*by, Whence::End),
                };
                disk.run(|fs| fs.seek(handle(f), by, whence)).map(Yield::Number)
            }
            Op::Resize(f, size) => {
                disk.run(|fs| fs.ftruncate(handle(f), *size)).map(|()| Yield::Nothing)
            }
            Op::Commit => {
                disk.commit();
                Ok(Yield::Nothing)
            }
            Op::Fold => {
                disk.fold();
                Ok(Yield::Nothing)
            }
            _ => Ok(Yield::Nothing),
        }
    }
}

/// Whether the two sides cannot be compared on this operation.
fn is_out_of_scope(op: &Op, real: &Real) -> bool {
    match op {
        // `std` asks for `a/.` before there is an `a`; ours goes from left to right.
        Op::MkdirAll(p) => p.split('/').any(|part| part.starts_with('.')),
        // `std` empties the directory before it finds that it cannot go; ours is one change.
        Op::RemoveAll(p) => p.ends_with('/') || p.ends_with('.'),
        // A directory's offset means something else on each file system.
        Op::Seek(f, ..) | Op::Read(f, _) | Op::ReadAt(f, ..) => {
            real.files[f % real.files.len()].metadata().is_ok_and(|meta| meta.is_dir())
        }
        _ => false,
    }
}

fn needs_file(op: &Op) -> bool {
    matches!(
        op,
        Op::Close(_)
            | Op::Read(..)
            | Op::ReadAt(..)
            | Op::Write(..)
            | Op::WriteAt(..)
            | Op::Seek(..)
            | Op::Resize(..)
    )
}

fn compare(ops: &[Op], cache: usize) {
    let (mut real, mut ours) = (Real::new(), Ours::new(cache));
    for (number, op) in ops.iter().enumerate() {
        if needs_file(op) && real.files.is_empty() || is_out_of_scope(op, &real) {
            continue;
        }
        if let Op::Remount = op {
            ours.disk.commit();
            let expected = real.picture();
            let shown = ours.disk.remounted().picture();
            assert_eq!(difference(&expected, &shown), None, "mounted anew after {number}");
            continue;
        }
        if ours.escapes(op) {
            continue;
        }
        let expected: Answer =
            real.run(op).map_err(|error| error.raw_os_error().unwrap_or(0) as u16);
        let answer: Answer = ours.run(op).map_err(|error| error.number());
        assert_eq!(answer, expected, "operation {number}: {op:?}");
        let findings = ours.disk.fs.check();
        assert!(findings.is_empty(), "operation {number}: {op:?}: {findings:?}");
    }
    assert_eq!(difference(&real.picture(), &ours.disk.picture()), None, "at the end");
    real.files.clear();
    for handle in std::mem::take(&mut ours.files) {
        ours.disk.run(|fs| fs.close(handle)).expect("an open file");
    }
    ours.disk.fold();
    let mut again = ours.disk.remounted();
    assert_eq!(difference(&real.picture(), &again.picture()), None, "mounted anew");
    let strays = again.fs.check_extents(again.id, again.store.keys());
    assert!(strays.is_empty(), "{strays:?}");
    assert!(Path::new(&real.root).is_dir());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 250,
        rng_seed: RngSeed::Fixed(0x0150_1174),
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn it_answers_as_real_files_do(ops in prop::collection::vec(op(), 1..150)) {
        compare(&ops, 64 << 20);
    }

    #[test]
    fn a_tiny_cache_changes_no_answer(ops in prop::collection::vec(op(), 1..150)) {
        compare(&ops, 4 * EXTENT);
    }
}
