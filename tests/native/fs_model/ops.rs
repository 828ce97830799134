//! What both sides are asked, what they answer, and how it is made up.

use isolith::fs::{EXTENT, FileType, Flags};
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Op {
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
pub(crate) enum Yield {
    Nothing,
    Bytes(Bytes),
    Number(u64),
    Names(Vec<(Vec<u8>, FileType)>),
    Stat(FileType, u64, u64),
}

/// Bytes that show themselves in short.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sum = self.0.iter().fold(0_u64, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte));
        let head = String::from_utf8_lossy(&self.0[..self.0.len().min(20)]);
        write!(f, "{} bytes {sum:x} {head:?}", self.0.len())
    }
}

pub(crate) type Answer = Result<Yield, u16>;

pub(crate) fn path() -> impl Strategy<Value = String> {
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

pub(crate) fn size() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        0..200_u64,
        4000..4200_u64,
        0..(EXTENT as u64 * 3),
        Just(EXTENT as u64),
        Just(EXTENT as u64 / 4),
    ]
}

pub(crate) fn length() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..300_usize, 2 => 3000..10_000_usize, 1 => 0..300_000_usize]
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
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

/// Combinations that `std` lets through.
pub(crate) fn open_flags(bits: u32) -> Flags {
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
        flags =
            if plain && (bits / 32).is_multiple_of(3) { flags | Flags::TRUNCATE } else { flags };
    }
    let create = flags.has(Flags::CREATE);
    flags =
        if (bits / 128).is_multiple_of(8) && !create { flags | Flags::DIRECTORY } else { flags };
    if (bits / 1024).is_multiple_of(4) { flags | Flags::NOFOLLOW } else { flags }
}
