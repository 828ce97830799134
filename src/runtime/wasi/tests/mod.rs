//! A process over files in memory, called as a guest calls: what the tests of all families share.

mod escapes;
mod files;
mod lies;
mod paths;
mod streams;

use super::path::At;
use super::{Abi, Call, Clock, Halt, Step, open};
use crate::fs::{Flags, Fs, MemoryStore, Owner, Place, Seeded};
use crate::runtime::{Config, Errno, Guest, Input, Output, Preopen, Runtime};

/// What a call that sleeps answers here.
const SLEEPS: u16 = 1000;
/// What a call of a process that has ended answers here.
const ENDED: u16 = 1001;

const R: u64 = super::abi::rights::FD_READ;
const W: u64 = super::abi::rights::FD_WRITE;
const CREATE: u32 = 1;
const DIRECTORY: u32 = 2;
const EXCLUSIVE: u32 = 4;
const TRUNCATE: u32 = 8;

/// Where numbers of answers go.
const OUT: u32 = 0;
/// Where the list of buffers stands.
const LIST: u32 = 64;
/// Where paths stand.
const PATH: u32 = 1024;
const PATH2: u32 = 8192;
/// Where bytes come and go.
const DATA: u32 = 16_384;

/// A guest that is nothing but memory and a clock that is set by hand.
#[derive(Debug)]
struct Memory {
    bytes: Vec<u8>,
    now: u64,
}

impl Guest for Memory {
    fn holds(&self, bytes: u64) -> bool {
        bytes <= self.bytes.len() as u64
    }

    fn get(&self, from: u32, to: &mut [u8]) -> bool {
        let from = from as usize;
        match self.bytes.get(from..from.saturating_add(to.len())) {
            Some(bytes) => {
                to.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }

    fn put(&mut self, from: &[u8], to: u32) -> bool {
        let to = to as usize;
        match self.bytes.get_mut(to..to.saturating_add(from.len())) {
            Some(bytes) => {
                bytes.copy_from_slice(from);
                true
            }
            None => false,
        }
    }

    fn random(&mut self, to: u32, len: u32) -> bool {
        let (to, len) = (to as usize, len as usize);
        self.bytes.get_mut(to..to.saturating_add(len)).is_some_and(|bytes| {
            bytes.fill(0xaa);
            true
        })
    }

    fn time(&self, _clock: Clock) -> u64 {
        self.now
    }

    fn resolution(&self, _clock: Clock) -> u64 {
        1000
    }
}

#[derive(Debug)]
struct World {
    runtime: Runtime,
    fs: Fs,
    store: MemoryStore,
    guest: Memory,
    pid: u32,
}

fn preopen(guest: &str, path: &str) -> Preopen {
    Preopen { guest: guest.into(), path: path.into(), read_only: false, create: true }
}

impl World {
    /// A process with `/work` as its only preopen.
    fn new() -> Self {
        Self::with(Config { preopens: vec![preopen("/", "/work")], ..Config::default() })
    }

    fn with(config: Config) -> Self {
        let mut store = MemoryStore::default();
        let mut fs = Fs::new(Box::new(Seeded::new(1_700_000_000_000_000_000, 5)), 8 << 20);
        fs.mount(Place::from("/"), &store.image(), false).expect("a sound image");
        let mut runtime = Runtime::new();
        let pid = start(&mut runtime, &mut store, &mut fs, &config);
        let guest = Memory { bytes: vec![0; 1 << 17], now: 1_000_000 };
        Self { runtime, fs, store, guest, pid }
    }

    /// Calls until the call neither wants files nor anything else; its errno, 0 for none.
    fn call(&mut self, mut op: impl FnMut(&mut Call<'_>) -> Step<()>) -> u16 {
        let Self { runtime, fs, store, guest, pid } = self;
        let done = store.run(fs, |fs| match runtime.call(*pid, fs, guest, &mut op) {
            Err(Halt::Files(stop)) => Err(stop),
            other => Ok(other),
        });
        let findings = self.fs.check();
        assert!(findings.is_empty(), "{findings:?}");
        match done {
            Ok(Ok(())) => 0,
            Ok(Err(Halt::Errno(errno))) => errno.0,
            Ok(Err(Halt::Sleep(_))) => SLEEPS,
            Ok(Err(Halt::Ended(_))) => ENDED,
            Ok(Err(Halt::Files(_))) => unreachable!("the store has done what it asked"),
            Err(error) => Errno::from(error.kind()).0,
        }
    }

    fn bytes(&self, at: u32, len: usize) -> &[u8] {
        &self.guest.bytes[at as usize..][..len]
    }

    fn u32(&self, at: u32) -> u32 {
        u32::from_le_bytes(self.bytes(at, 4).try_into().expect("four bytes"))
    }

    fn u64(&self, at: u32) -> u64 {
        u64::from_le_bytes(self.bytes(at, 8).try_into().expect("eight bytes"))
    }

    fn set(&mut self, at: u32, bytes: &[u8]) -> u32 {
        self.guest.bytes[at as usize..][..bytes.len()].copy_from_slice(bytes);
        bytes.len() as u32
    }

    fn path(&mut self, dir: u32, path: impl AsRef<[u8]>) -> At {
        let len = self.set(PATH, path.as_ref());
        At { dir, path: PATH, len }
    }

    fn second(&mut self, dir: u32, path: &str) -> At {
        let len = self.set(PATH2, path.as_bytes());
        At { dir, path: PATH2, len }
    }

    fn open_with(
        &mut self,
        dir: u32,
        path: &str,
        (lookup, how, base, flags): (u32, u32, u64, u32),
    ) -> Result<u32, u16> {
        let At { path, len, .. } = self.path(dir, path);
        let open = open::Open { dir, lookup, path, len, how, base, flags, to: OUT };
        match self.call(|call| call.path_open(&open)) {
            0 => Ok(self.u32(OUT)),
            errno => Err(errno),
        }
    }

    fn open(&mut self, path: &str, how: u32, base: u64) -> Result<u32, u16> {
        self.open_with(3, path, (0, how, base, 0))
    }

    fn buffer(&mut self, at: u32, len: u32) {
        self.set(LIST, &at.to_le_bytes());
        self.set(LIST + 4, &len.to_le_bytes());
    }

    fn write(&mut self, fd: u32, bytes: &[u8]) -> Result<u32, u16> {
        let len = self.set(DATA, bytes);
        self.buffer(DATA, len);
        match self.call(|call| call.fd_write(fd, LIST, 1, OUT)) {
            0 => Ok(self.u32(OUT)),
            errno => Err(errno),
        }
    }

    fn read(&mut self, fd: u32, len: u32) -> Result<Vec<u8>, u16> {
        self.buffer(DATA, len);
        match self.call(|call| call.fd_read(fd, LIST, 1, OUT)) {
            0 => Ok(self.bytes(DATA, self.u32(OUT) as usize).to_vec()),
            errno => Err(errno),
        }
    }

    fn make(&mut self, path: &str, bytes: &[u8]) {
        let fd = self.open(path, CREATE | TRUNCATE, R | W).expect("a file can be made");
        assert_eq!(self.write(fd, bytes), Ok(bytes.len() as u32));
        assert_eq!(self.call(|call| call.fd_close(fd)), 0);
    }

    fn mkdir(&mut self, path: &str) -> u16 {
        let at = self.path(3, path);
        self.call(|call| call.path_create_directory(at))
    }

    fn symlink(&mut self, target: &str, path: &str) -> u16 {
        let to = self.second(3, path);
        let At { path, len, .. } = self.path(3, target);
        self.call(|call| call.path_symlink(path, len, to))
    }

    fn unlink(&mut self, path: &str) -> u16 {
        let at = self.path(3, path);
        self.call(|call| call.path_unlink_file(at))
    }

    /// Size, type, names and times of what is at `path`.
    fn stat(&mut self, path: &str, lookup: u32) -> Result<Filestat, u16> {
        let at = self.path(3, path);
        match self.call(|call| call.path_filestat_get(at, lookup, DATA, Abi::Preview1)) {
            0 => Ok(self.filestat()),
            errno => Err(errno),
        }
    }

    fn filestat(&self) -> Filestat {
        Filestat {
            ino: self.u64(DATA + 8),
            file_type: self.bytes(DATA + 16, 1)[0],
            nlink: self.u64(DATA + 24),
            size: self.u64(DATA + 32),
            mtime: self.u64(DATA + 48),
        }
    }

    /// Puts a file where no guest should come.
    fn outside(&mut self, path: &str, bytes: &[u8]) {
        let Self { fs, store, .. } = self;
        let flags = Flags::WRITE | Flags::CREATE;
        let handle =
            store.run(fs, |fs| fs.open(Place::from(path), flags, 0o644, Owner(0))).expect("open");
        let mut rest = bytes;
        let put = &mut |to: &mut [u8]| {
            let (now, later) = rest.split_at(to.len());
            to.copy_from_slice(now);
            rest = later;
        };
        store.run(fs, |fs| fs.write_at(handle, 0, bytes.len(), put)).expect("write");
        store.run(fs, |fs| fs.close(handle)).expect("close");
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Filestat {
    ino: u64,
    file_type: u8,
    nlink: u64,
    size: u64,
    mtime: u64,
}

fn start(runtime: &mut Runtime, store: &mut MemoryStore, fs: &mut Fs, config: &Config) -> u32 {
    store
        .run(fs, |fs| runtime.start(fs, config).map_err(|(_, stop)| stop))
        .expect("the process can start")
}

/// A process whose streams are as given.
fn streams(stdin: Input, output: [Output; 2]) -> World {
    World::with(Config { stdin, output, ..Config::default() })
}
