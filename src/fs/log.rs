//! The contents of log and pack records: inodes and changes of data, encoded and decoded.

use super::codec::{Reader, Writer, damaged};
use super::dir::Dir;
use super::id::{Data, Node, StoreId};
use super::inode::{Body, Extras, File, Inode, Link, Name, Times};
use crate::error::Result;
use std::sync::Arc;

/// One change in a log record. The last word on an inode wins; changes of data apply in order.
#[derive(Clone, Debug)]
pub(crate) enum Op<'a> {
    /// The inode is now this, and lives in this pack.
    Inode(Node, Inode, u32),
    /// The inode is no more.
    Delete(Node),
    /// The data is no more, nor are its extents.
    Drop(Data),
    /// Everything at and beyond this offset is zero.
    Cut(Data, u64),
    /// These bytes at this offset within one extent, over what was there.
    Piece(Data, u64, &'a [u8]),
    /// The extent's record holds all of it: earlier pieces are void.
    Extent(Data, u32),
    /// From here on the store has this format: its writer has migrated it.
    Format(u64),
}

const INODE: u8 = 1;
const DELETE: u8 = 2;
const DROP: u8 = 3;
const CUT: u8 = 4;
const PIECE: u8 = 5;
const EXTENT: u8 = 6;
const FORMAT: u8 = 7;

/// More packs than memory could hold the inodes of: a number beyond is damage.
pub(crate) const PACKS: u32 = 1 << 16;

const FILE: u8 = 1;
const DIR: u8 = 2;
const SYMLINK: u8 = 3;

/// Added to the type of an inode that has [`Extras`], which then end its record. Since format 2.
const WITH_EXTRAS: u8 = 0x80;

impl Writer {
    pub(crate) fn op_inode(&mut self, node: Node, inode: &Inode, pack: u32) {
        self.byte(INODE);
        self.number(u64::from(pack));
        self.inode(node, inode);
    }

    pub(crate) fn op_delete(&mut self, node: Node) {
        self.byte(DELETE);
        self.id(node.id());
    }

    pub(crate) fn op_drop(&mut self, data: Data) {
        self.byte(DROP);
        self.id(data.id());
    }

    pub(crate) fn op_cut(&mut self, data: Data, size: u64) {
        self.byte(CUT);
        self.id(data.id());
        self.number(size);
    }

    pub(crate) fn op_piece(&mut self, data: Data, offset: u64, bytes: &[u8]) {
        self.byte(PIECE);
        self.id(data.id());
        self.number(offset);
        self.string(bytes);
    }

    pub(crate) fn op_extent(&mut self, data: Data, index: u32) {
        self.byte(EXTENT);
        self.id(data.id());
        self.number(u64::from(index));
    }

    pub(crate) fn op_format(&mut self, format: u64) {
        self.byte(FORMAT);
        self.number(format);
    }

    /// An inode as packs and logs hold it. Directories have no entries here: each inode names
    /// the directories it stands in.
    pub(crate) fn inode(&mut self, node: Node, inode: &Inode) {
        self.id(node.id());
        let extras = inode.extras.as_deref();
        let flag = if extras.is_some() { WITH_EXTRAS } else { 0 };
        match &inode.body {
            Body::File(file) => {
                self.byte(FILE | flag);
                self.number(file.size);
                self.id(file.data.id());
                self.number(file.based);
            }
            Body::Dir(_) => self.byte(DIR | flag),
            Body::Symlink(target) => {
                self.byte(SYMLINK | flag);
                self.string(target);
            }
        }
        self.number(inode.version);
        self.number(u64::from(inode.mode));
        let Times { atime, mtime, ctime, btime } = inode.times;
        self.id(mtime.cast_unsigned());
        // Mostly equal or near: differences take a byte each.
        for time in [atime, ctime, btime] {
            self.signed(time.wrapping_sub(mtime));
        }
        self.number(inode.links.len() as u64);
        for link in &inode.links {
            self.id(link.dir.id());
            self.string(&link.name);
        }
        if let Some(Extras { uid, gid, attrs }) = extras {
            self.number(u64::from(*uid));
            self.number(u64::from(*gid));
            self.number(attrs.len() as u64);
            for (name, value) in attrs {
                self.string(name);
                self.string(value);
            }
        }
    }
}

impl<'a> Reader<'a> {
    fn node(&mut self, store: StoreId) -> Result<Node> {
        Ok(Node::new(store, self.id()?))
    }

    /// A size that a file may have.
    fn size(&mut self) -> Result<u64> {
        let size = self.number()?;
        let fits = size <= super::MAX_SIZE;
        if fits { Ok(size) } else { Err(damaged("a size in a record is too large")) }
    }

    fn data(&mut self, store: StoreId) -> Result<Data> {
        Ok(Data::new(store, self.id()?))
    }

    /// The next change of a log record, until it is empty.
    pub(crate) fn op(&mut self, store: StoreId) -> Result<Op<'a>> {
        Ok(match self.byte()? {
            INODE => {
                let pack = self.small()?;
                if pack > PACKS {
                    return Err(damaged("an inode record names a pack out of range"));
                }
                let (node, inode) = self.inode(store)?;
                Op::Inode(node, inode, pack)
            }
            DELETE => Op::Delete(self.node(store)?),
            DROP => Op::Drop(self.data(store)?),
            CUT => Op::Cut(self.data(store)?, self.size()?),
            PIECE => self.piece(store)?,
            EXTENT => Op::Extent(self.data(store)?, self.small()?),
            FORMAT => Op::Format(self.number()?),
            _ => return Err(damaged("a log record holds an unknown change")),
        })
    }

    fn piece(&mut self, store: StoreId) -> Result<Op<'a>> {
        let (data, offset, bytes) = (self.data(store)?, self.number()?, self.string()?);
        let within = (offset % super::EXTENT as u64) as usize;
        if within + bytes.len() > super::EXTENT || offset / super::EXTENT as u64 > super::LAST {
            return Err(damaged("a piece in a log record crosses extents"));
        }
        Ok(Op::Piece(data, offset, bytes))
    }

    pub(crate) fn inode(&mut self, store: StoreId) -> Result<(Node, Inode)> {
        let node = self.node(store)?;
        let kind = self.byte()?;
        let body = match kind & !WITH_EXTRAS {
            FILE => Body::File(File {
                size: self.size()?,
                data: self.data(store)?,
                based: self.size()?,
                stamp: 0,
                stored: true,
            }),
            DIR => Body::Dir(Dir::new(node)),
            SYMLINK => Body::Symlink(self.string()?.into()),
            _ => return Err(damaged("an inode record holds an unknown type")),
        };
        let version = self.number()?;
        let mode = self.small()? & 0o7777;
        let mtime = self.id()?.cast_signed();
        let mut near = || Ok::<_, crate::Error>(self.signed()?.wrapping_add(mtime));
        let times = Times { mtime, atime: near()?, ctime: near()?, btime: near()? };
        let mut links = Vec::new();
        for _ in 0..self.number()? {
            let dir = self.node(store)?;
            links.push(Link { dir, name: Name::from(self.string()?) });
        }
        let extras = if kind & WITH_EXTRAS == 0 { None } else { Some(Arc::new(self.extras()?)) };
        Ok((node, Inode { body, mode, times, links, opens: 0, stored: true, version, extras }))
    }

    fn extras(&mut self) -> Result<Extras> {
        let (uid, gid) = (self.small()?, self.small()?);
        let mut extras = Extras { uid, gid, ..Extras::default() };
        for _ in 0..self.number()? {
            extras.attrs.push((Name::from(self.string()?), self.string()?.into()));
        }
        match extras.attrs.is_sorted_by(|(one, _), (next, _)| one < next) {
            true => Ok(extras),
            false => Err(damaged("the attributes of an inode record are out of order")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inode_comes_back_as_it_was() {
        let store = StoreId(3);
        let (node, data) = (Node::new(store, 77), Data::new(store, 99));
        let file = File { size: 1 << 40, data, based: 12, stamp: 0, stored: true };
        let mut inode = Inode::new(Body::File(file), 0o644, 1_700_000_000_123_456_789);
        inode.times.atime = -5;
        inode.stored = true;
        inode.links.push(Link { dir: Node::new(store, 1), name: Name::from(&b"\xff"[..]) });
        inode.change_extras(|extras| {
            extras.gid = u32::MAX;
            extras.attrs.push((Name::from(&b"user.\xff"[..]), (&[0, 1, 2][..]).into()));
        });
        let mut writer = Writer::default();
        writer.op_inode(node, &inode, 5);
        writer.op_cut(data, 4097);
        let mut reader = Reader::new(&writer.bytes);
        let Op::Inode(same, read, 5) = reader.op(store).unwrap() else { panic!("an inode") };
        assert_eq!(same, node);
        assert_eq!(read.file(), Some(&file));
        assert_eq!((read.times, read.mode, read.links), (inode.times, 0o644, inode.links));
        assert_eq!(read.extras, inode.extras);
        assert!(matches!(reader.op(store), Ok(Op::Cut(d, 4097)) if d == data));
        assert!(reader.is_empty());
    }

    #[test]
    fn damaged_records_are_refused() {
        let mut writer = Writer::default();
        writer.op_piece(Data::new(StoreId(0), 1), super::super::EXTENT as u64 - 1, b"ab");
        assert!(Reader::new(&writer.bytes).op(StoreId(0)).is_err());
        let mut writer = Writer::default();
        writer.op_cut(Data::new(StoreId(0), 1), u64::MAX);
        assert!(Reader::new(&writer.bytes).op(StoreId(0)).is_err());
        assert!(Reader::new(&[9]).op(StoreId(0)).is_err());
        assert!(Reader::new(&[INODE, 0]).op(StoreId(0)).is_err());
    }
}
