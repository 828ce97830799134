//! The oracle: real files in a temporary directory.

use super::fs_support::{Picture, Thing, pattern};
use super::ops::{Bytes, Op, Yield, open_flags};
use isolith::fs::{FileType, Flags};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Mutex;

/// Linux's numbers, which `std` does not name.
const O_DIRECTORY: i32 = 0o200_000;
const O_NOFOLLOW: i32 = 0o400_000;

/// A directory of real files that goes away with the test.
pub(crate) struct Real {
    pub(crate) root: PathBuf,
    pub(crate) files: Vec<File>,
}

impl Real {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        // Not `join`: that would normalise what is tested here.
        let bytes = [self.root.as_os_str().as_bytes(), b"/", path.as_bytes()].concat();
        PathBuf::from(OsStr::from_bytes(&bytes))
    }

    pub(crate) fn run(&mut self, op: &Op) -> std::io::Result<Yield> {
        let nothing = |()| Yield::Nothing;
        match op {
            Op::Mkdir(p) => fs::create_dir(self.at(p)).map(nothing),
            Op::MkdirAll(p) => self.make_dirs(p).map(nothing),
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

    /// As Node.js does it: of a link in the way that leads nowhere, what it leads to is missing.
    fn make_dirs(&self, path: &str) -> std::io::Result<()> {
        let error = match fs::create_dir_all(self.at(path)) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => error,
            other => return other,
        };
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            let part = &path[..end];
            if fs::symlink_metadata(self.at(part.trim_end_matches('/'))).is_ok() {
                fs::metadata(self.at(part))?;
            }
        }
        Err(error)
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

    pub(crate) fn picture(&self) -> Picture {
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

pub(crate) fn type_of(kind: fs::FileType) -> FileType {
    match () {
        () if kind.is_dir() => FileType::Dir,
        () if kind.is_symlink() => FileType::Symlink,
        () => FileType::File,
    }
}

/// Sizes and link counts of directories are each file system's own matter.
pub(crate) fn stat_of(meta: &fs::Metadata) -> Yield {
    match type_of(meta.file_type()) {
        FileType::Dir => Yield::Stat(FileType::Dir, 0, 0),
        kind => Yield::Stat(kind, meta.size(), meta.nlink()),
    }
}
