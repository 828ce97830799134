//! The same random operations on the filesystem and on real files: same results, same errors.
#![cfg(target_os = "linux")]

mod fs_support;
#[path = "fs_model/ops.rs"]
mod ops;
#[path = "fs_model/real.rs"]
mod real;

use fs_support::{Disk, difference, pattern};
use isolith::fs::{EXTENT, FileType, Flags, Follow, HandleId, Owner, Place, Whence};
use ops::{Answer, Bytes, Op, Yield, op, open_flags};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use real::Real;
use std::collections::HashMap;

/// Our side: everything within a jail at `/`, so that no path can leave what both sides share.
struct Ours {
    disk: Disk,
    jail: HandleId,
    files: Vec<HandleId>,
    /// What each stamp of a directory stood for.
    listings: HashMap<u64, Vec<(Vec<u8>, FileType)>>,
}

impl Ours {
    fn new(cache: usize) -> Self {
        let mut disk = Disk::new(cache, 7);
        let jail = disk.open("/", Flags::READ | Flags::DIRECTORY).expect("the root");
        Self { disk, jail, files: Vec::new(), listings: HashMap::new() }
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
                    Ok((fs.list_stamp(at(p))?, names))
                })
                .map(|(stamp, names)| {
                    let known = self.listings.entry(stamp).or_insert_with(|| names.clone());
                    assert_eq!(*known, names, "one stamp stands for two listings");
                    Yield::Names(names)
                }),
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
        ours.run(&Op::List(".".into())).expect("the root");
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
    assert!(real.root.is_dir());
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
