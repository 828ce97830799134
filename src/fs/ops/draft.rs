//! Drafts: files without a name that take the place of another's contents as a whole.

use crate::error::Kind;
use crate::fs::Fs;
use crate::fs::handle::{Flags, HandleId, Owner};
use crate::fs::id::Node;
use crate::fs::inode::{Body, Inode};
use crate::fs::path::Place;
use crate::fs::resolve::{Follow, Found, Last};
use crate::fs::step::{At, Step, fail};

/// How a draft is published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Publish {
    /// Permissions of a file that is created.
    pub mode: u32,
    /// The file must be missing.
    pub exclusive: bool,
}

impl Fs {
    /// Opens an empty file without a name in the store of `place`, to be written and then
    /// [`publish`](Self::publish)ed there, `exclusive` as there: what could not be published now is
    /// refused now. Its bytes may be committed meanwhile: a file of any
    /// size is replaced as one change. Closed unpublished, it is gone; so it is after a crash.
    ///
    /// # Errors
    /// `EISDIR`, `EEXIST` if exclusive, those of any path; `EROFS`, `EMFILE`.
    pub fn draft(&mut self, place: Place<'_>, exclusive: bool, owner: Owner) -> Step<HandleId> {
        let (near, _) = self.destination(&place, exclusive).at(place.path)?;
        self.writable(near).at(place.path)?;
        let node = self.fresh_node(near.store());
        let body = Body::File(self.new_file(near.store()));
        let now = self.env.now();
        self.tree.insert(node, Inode::new(body, 0o600, now));
        let opened = self.open_handle(node, Flags::READ | Flags::WRITE, owner);
        if opened.is_err() {
            self.release(node);
        }
        opened
    }

    /// Gives the bytes of a draft to the file at `place`, which is created if it is missing and
    /// otherwise stays the same inode with the same names and permissions. The draft is empty
    /// afterwards, to be closed.
    ///
    /// # Errors
    /// `EISDIR`, `EEXIST` if exclusive, `EXDEV` if `place` is in another store, `EROFS`, and
    /// those of any path.
    pub fn publish(&mut self, draft: HandleId, place: Place<'_>, how: Publish) -> Step<Node> {
        let source = self.handles.get(draft)?.node;
        let bytes = *self.tree.file(source)?;
        let mut run = || {
            let target = self.target(&place, how, Some(source))?;
            let empty = self.new_file(source.store());
            *self.tree.file_mut(source)? = empty;
            if let Some(changes) = self.changes(source.store()) {
                changes.before.remove(&source);
                changes.inodes.insert(source);
            }
            self.replace_bytes(target, bytes)?;
            Ok(target)
        };
        run().at(place.path)
    }

    /// The file at `place` whose bytes are to be replaced, created empty if it is missing.
    pub(crate) fn target(
        &mut self,
        place: &Place<'_>,
        how: Publish,
        like: Option<Node>,
    ) -> Step<Node> {
        let (near, name) = self.destination(place, how.exclusive)?;
        if like.is_some_and(|like| like.store() != near.store()) {
            return fail(Kind::CrossDevice);
        }
        self.writable(near)?;
        let Some(name) = name.map(<[u8]>::to_vec) else { return Ok(near) };
        let body = Body::File(self.new_file(near.store()));
        self.create(near, &name, body, how.mode)
    }

    /// The file at `place`, or the directory in which it is to be created and the name.
    fn destination<'a>(
        &'a self,
        place: &Place<'a>,
        exclusive: bool,
    ) -> Step<(Node, Option<&'a [u8]>)> {
        let follow = if exclusive { Follow::CreateNew } else { Follow::Create };
        match self.resolve(place, follow)? {
            Found { node: Some(_), .. } if exclusive => fail(Kind::Exists),
            Found { node: Some(node), .. } => self.tree.file(node).map(|_| (node, None)),
            Found { dir, last: Last::Name(name), .. } => {
                self.tree.accepts(dir)?;
                Ok((dir, Some(name)))
            }
            _ => fail(Kind::IsDirectory),
        }
    }
}
