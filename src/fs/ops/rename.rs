//! Renaming: one change, whatever it replaces.

use crate::error::Kind;
use crate::fs::Fs;
use crate::fs::id::Node;
use crate::fs::inode::{Body, Name};
use crate::fs::journal::Grave;
use crate::fs::path::Place;
use crate::fs::resolve::{Follow, Found, Last};
use crate::fs::step::{At, Step, fail};
use crate::fs::watch::Change;

/// A rename that has been found possible.
struct Move {
    node: Node,
    from: (Node, Name),
    to: (Node, Name),
    replaced: Option<Node>,
}

impl Fs {
    /// Gives what stands at `from` the name `to` instead, replacing what stands there, as one
    /// change: everybody, and the store, sees it before or after. Two names of one inode stay.
    ///
    /// # Errors
    /// `ENOENT`; `EINVAL` into itself; `EISDIR`, `ENOTDIR`, `ENOTEMPTY` for what cannot be
    /// replaced; `EBUSY` for `.`, `..`, roots and mount points; `EXDEV` across stores; `EROFS`.
    pub fn rename(&mut self, from: Place<'_>, to: Place<'_>) -> Step<Node> {
        let planned = self.plan_rename(&from, &to).between(from.path, to.path)?;
        let Move { node, from, to, replaced } = planned;
        if replaced == Some(node) {
            return Ok(node);
        }
        let now = self.env.now();
        self.tree.unlink(from.0, &from.1);
        if let Some(old) = replaced {
            self.tree.forget_link(old, to.0, &to.1);
            self.touch_inode(old, now);
            self.watch.push(Change::Removed, old, to.0, &to.1);
        }
        self.tree.link(to.0, to.1.clone(), node)?;
        self.touch_inode(node, now);
        self.touch_dir(from.0, now);
        self.touch_dir(to.0, now);
        self.watch.push(Change::Removed, node, from.0, &from.1);
        self.watch.push(Change::Created, node, to.0, &to.1);
        if let Some(old) = replaced {
            self.bury(old, to, node);
        }
        Ok(node)
    }

    /// Lets go of a replaced inode, but remembers it until the rename is durable.
    fn bury(&mut self, node: Node, (dir, name): (Node, Name), by: Node) {
        let stored = self.tree.get(node).filter(|inode| inode.stored).cloned();
        let before = self.changes(node.store()).and_then(|c| c.before.get(&node)).cloned();
        self.release(node);
        let is_known = before.as_ref().is_none_or(|before| before.existed);
        let gone = if self.tree.contains(node) || !is_known { None } else { stored };
        let undone = before.is_some() || !is_known;
        let Some(changes) = self.changes(node.store()) else { return };
        let inode = gone.map(|mut inode| {
            if let Some(before) = before {
                inode.body = Body::File(before.file);
            }
            inode.opens = 0;
            inode.links.clear();
            inode
        });
        if inode.is_none() {
            // It cannot come back, but what it had replaced itself still can.
            let same =
                |grave: &&mut Grave| grave.by == node && grave.dir == dir && grave.name == name;
            changes.graves.iter_mut().filter(same).for_each(|grave| grave.by = by);
        }
        changes.graves.push(Grave { dir, name, node, by, undone, inode });
    }

    fn plan_rename(&self, from: &Place<'_>, to: &Place<'_>) -> Step<Move> {
        let old = self.resolve(from, Follow::Name)?;
        let new = self.resolve(to, Follow::Name)?;
        if old.dir.store() != new.dir.store() {
            return fail(Kind::CrossDevice);
        }
        let (Last::Name(old_name), Last::Name(new_name)) = (old.last, new.last) else {
            return fail(Kind::Busy);
        };
        let node = old.existing()?;
        if self.tree.is_mount_point(node) || new.node.is_some_and(|n| self.tree.is_mount_point(n)) {
            return fail(Kind::Busy);
        }
        let is_dir = self.tree.inode(node)?.is_dir();
        if !is_dir && (old.slash || new.slash) {
            return fail(Kind::NotDirectory);
        }
        if self.tree.is_within(new.dir, node) {
            return fail(Kind::InvalidArgument);
        }
        self.may_replace(&old, &new, is_dir)?;
        self.tree.accepts(new.dir)?;
        self.writable(new.dir)?;
        let from = (old.dir, Name::from(old_name));
        let to = (new.dir, Name::from(new_name));
        Ok(Move { node, from, to, replaced: new.node })
    }

    fn may_replace(&self, old: &Found<'_>, new: &Found<'_>, is_dir: bool) -> Step<()> {
        let Some(target) = new.node else { return Ok(()) };
        if self.tree.is_within(old.dir, target) {
            return fail(Kind::NotEmpty);
        }
        if Some(target) == old.node {
            return Ok(());
        }
        match (self.tree.inode(target)?.dir(), is_dir) {
            (None, true) => fail(Kind::NotDirectory),
            (Some(_), false) => fail(Kind::IsDirectory),
            (Some(entries), true) if !entries.is_empty() => fail(Kind::NotEmpty),
            _ => Ok(()),
        }
    }
}
