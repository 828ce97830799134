//! Opening and closing.

use crate::error::Kind;
use crate::fs::Fs;
use crate::fs::handle::{Flags, Handle, HandleId, Owner};
use crate::fs::id::Node;
use crate::fs::inode::Body;
use crate::fs::path::Place;
use crate::fs::resolve::{Follow, Found, Last};
use crate::fs::step::{At, Step, fail};

impl Fs {
    /// Opens `place`, creating a file with permissions `mode` if asked.
    ///
    /// # Errors
    /// As POSIX has them: `ENOENT`, `EEXIST` (with exclusive creation), `EISDIR` (a directory to
    /// be written, cut or created), `ENOTDIR`, `ELOOP` (a link with [`Flags::NOFOLLOW`]),
    /// `EINVAL` (create a directory), `EROFS`, `EMFILE`.
    pub fn open(
        &mut self,
        place: Place<'_>,
        flags: Flags,
        mode: u32,
        owner: Owner,
    ) -> Step<HandleId> {
        let node = self.open_node(&place, flags, mode).at(place.path)?;
        self.open_handle(node, flags, owner)
    }

    fn open_node(&mut self, place: &Place<'_>, flags: Flags, mode: u32) -> Step<Node> {
        let create = flags.has(Flags::CREATE);
        if create && flags.has(Flags::DIRECTORY) {
            return fail(Kind::InvalidArgument);
        }
        let exclusive = create && flags.has(Flags::EXCLUSIVE);
        let follow = match exclusive || flags.has(Flags::NOFOLLOW) {
            true if create => Follow::CreateNew,
            false if create => Follow::Create,
            true => Follow::No,
            false => Follow::Yes,
        };
        let found = self.resolve(place, follow)?;
        match found.node {
            None if create => {
                let Found { dir, last: Last::Name(name), .. } = found else {
                    return fail(Kind::IsDirectory);
                };
                self.tree.accepts(dir)?;
                self.writable(dir)?;
                let name = name.to_vec();
                let body = Body::File(self.new_file(dir.store()));
                self.create(dir, &name, body, mode)
            }
            None => fail(Kind::NotFound),
            Some(_) if exclusive => fail(Kind::Exists),
            Some(node) => {
                self.may_open(node, flags)?;
                if flags.has(Flags::TRUNCATE | Flags::WRITE) {
                    self.resize(node, 0)?;
                }
                Ok(node)
            }
        }
    }

    /// Whether an existing inode may be opened so.
    fn may_open(&self, node: Node, flags: Flags) -> Step<()> {
        let changes = flags.bits() & (Flags::WRITE | Flags::TRUNCATE).bits() != 0;
        match &self.tree.inode(node)?.body {
            Body::Symlink(_) if flags.has(Flags::DIRECTORY) => fail(Kind::NotDirectory),
            Body::Symlink(_) => fail(Kind::SymlinkLoop),
            Body::Dir(_) if changes || flags.has(Flags::CREATE) => fail(Kind::IsDirectory),
            Body::Dir(_) => Ok(()),
            Body::File(_) if flags.has(Flags::DIRECTORY) => fail(Kind::NotDirectory),
            Body::File(_) if changes => self.writable(node),
            Body::File(_) => Ok(()),
        }
    }

    pub(crate) fn open_handle(&mut self, node: Node, flags: Flags, owner: Owner) -> Step<HandleId> {
        let lasting = Flags::READ | Flags::WRITE | Flags::STATUS;
        let flags = flags & lasting;
        let handle = Handle { node, flags, offset: 0, owner, changed: 0, shares: 1 };
        let handle = self.handles.insert(handle)?;
        self.tree.inode_mut(node)?.opens += 1;
        Ok(handle)
    }

    /// Lets one more descriptor share the open file: [`close`](Self::close) as often as this and
    /// once more.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn share(&mut self, handle: HandleId) -> Step<()> {
        self.handles.get_mut(handle)?.shares += 1;
        Ok(())
    }

    /// Closes one descriptor's share of an open file. A file without a name goes with its last.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn close(&mut self, handle: HandleId) -> Step<()> {
        let open = self.handles.get_mut(handle)?;
        open.shares -= 1;
        if open.shares == 0 {
            let node = self.handles.remove(handle)?.node;
            self.let_go(node);
        }
        Ok(())
    }

    /// Closes everything that belongs to `owner`: its process or thread is dead.
    pub fn close_all(&mut self, owner: Owner) {
        let all: Vec<_> = self
            .handles
            .iter()
            .filter(|(_, handle)| handle.owner == owner)
            .map(|(id, handle)| (id, handle.node))
            .collect();
        for (handle, node) in all {
            if self.handles.remove(handle).is_ok() {
                self.let_go(node);
            }
        }
    }

    /// Whom an open file belongs to.
    pub fn owner_of(&self, handle: HandleId) -> Option<Owner> {
        self.handles.get(handle).ok().map(|handle| handle.owner)
    }

    /// One holder of `node` less.
    pub(crate) fn let_go(&mut self, node: Node) {
        if let Some(inode) = self.tree.get_mut(node) {
            inode.opens -= 1;
        }
        self.release(node);
    }

    /// The flags of an open file.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn flags(&self, handle: HandleId) -> Step<Flags> {
        Ok(self.handles.get(handle)?.flags)
    }

    /// Replaces the changeable flags ([`Flags::STATUS`]) of an open file by those in `flags`.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_flags(&mut self, handle: HandleId, flags: Flags) -> Step<()> {
        let handle = self.handles.get_mut(handle)?;
        handle.flags = handle.flags.without(Flags::STATUS) | flags & Flags::STATUS;
        Ok(())
    }

    /// The inode of an open file.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn node_of(&self, handle: HandleId) -> Step<Node> {
        Ok(self.handles.get(handle)?.node)
    }
}
