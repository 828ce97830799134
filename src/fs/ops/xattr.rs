//! Extended attributes: small values by name that a file carries beside its bytes.

use crate::error::Kind;
use crate::fs::Fs;
use crate::fs::id::Node;
use crate::fs::inode::Name;
use crate::fs::path::NAME_MAX;
use crate::fs::step::{Step, Stop, fail};
use crate::fs::watch::Change;
use std::sync::Arc;

/// The longest value, in bytes, as with Linux.
const VALUE_MAX: usize = 64 * 1024;

/// The most bytes that names and values of one inode take: they are in memory with it.
const ALL_MAX: usize = 1024 * 1024;

/// Names begin with their namespace; this is the one that is the user's.
const USER: &[u8] = b"user.";

/// Whether the attribute may, must or must not be there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetAttr {
    /// It does not matter.
    Any,
    /// It must be missing.
    Create,
    /// It must be there.
    Replace,
}

fn check(name: &[u8]) -> Step<()> {
    match name.strip_prefix(USER) {
        None => fail(Kind::NotSupported),
        Some([]) => fail(Kind::InvalidArgument),
        Some(_) if name.len() > NAME_MAX => fail(Kind::OutOfRange),
        Some(_) => Ok(()),
    }
}

impl Fs {
    /// The value of an attribute.
    ///
    /// # Errors
    /// `ENODATA` if there is none; `ENOTSUP` for names that do not begin with `user.`, `EINVAL`
    /// and `ERANGE` for those too short or too long; `ESTALE`.
    pub fn attr(&self, node: Node, name: &[u8]) -> Step<Arc<[u8]>> {
        check(name)?;
        let Some(extras) = &self.tree.inode(node)?.extras else { return fail(Kind::NoData) };
        match extras.find(name) {
            Ok(at) => Ok(extras.attrs[at].1.clone()),
            Err(_) => fail(Kind::NoData),
        }
    }

    /// Names of all attributes, in order.
    ///
    /// # Errors
    /// `ESTALE`.
    pub fn attrs(&self, node: Node) -> Step<Vec<Name>> {
        let extras = self.tree.inode(node)?.extras.as_ref();
        let attrs = extras.into_iter().flat_map(|extras| &extras.attrs);
        Ok(attrs.map(|(name, _)| name.clone()).collect())
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// `EEXIST` and `ENODATA` as `how` says; `ENOSPC` for a value of more than 64 KiB or an inode
    /// with more than 1 MiB of them; those of [`attr`](Self::attr), `EROFS`.
    pub fn set_attr(&mut self, node: Node, name: &[u8], value: &[u8], how: SetAttr) -> Step<()> {
        check(name)?;
        self.writable(node)?;
        let is_there = match self.attr(node, name) {
            Ok(_) => true,
            Err(Stop::Fail(error)) if error.kind() == Kind::NoData => false,
            Err(stop) => return Err(stop),
        };
        match how {
            SetAttr::Create if is_there => return fail(Kind::Exists),
            SetAttr::Replace if !is_there => return fail(Kind::NoData),
            _ => {}
        }
        let inode = self.tree.inode_mut(node)?;
        let attrs = inode.extras.iter().flat_map(|extras| &extras.attrs);
        let others = attrs.filter(|(other, _)| **other != *name);
        let taken: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        if value.len() > VALUE_MAX || taken + name.len() + value.len() > ALL_MAX {
            return fail(Kind::NoSpace);
        }
        inode.change_extras(|extras| match extras.find(name) {
            Ok(at) => extras.attrs[at].1 = value.into(),
            Err(at) => extras.attrs.insert(at, (Name::from(name), value.into())),
        });
        self.attrs_changed(node);
        Ok(())
    }

    /// Removes an attribute.
    ///
    /// # Errors
    /// Those of [`attr`](Self::attr), `EROFS`.
    pub fn remove_attr(&mut self, node: Node, name: &[u8]) -> Step<()> {
        self.attr(node, name)?;
        self.writable(node)?;
        self.tree.inode_mut(node)?.change_extras(|extras| {
            extras.attrs.retain(|(other, _)| **other != *name);
        });
        self.attrs_changed(node);
        Ok(())
    }

    fn attrs_changed(&mut self, node: Node) {
        let now = self.env.now();
        self.touch_inode(node, now);
        self.announce(Change::Attributes, node);
    }
}
