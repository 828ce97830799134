//! Opening files and directories below a directory.

use super::abi::{self, rights};
use super::{Call, Path, Step};
use crate::fs::{FileType, Flags, Follow, HandleId, Place};
use crate::runtime::descriptor::{Entry, What};
use crate::runtime::errno::Errno;

const CREATE: u32 = 1;
const DIRECTORY: u32 = 1 << 1;
const EXCLUSIVE: u32 = 1 << 2;
const TRUNCATE: u32 = 1 << 3;

/// Permissions of a file that a guest creates.
const MODE: u32 = 0o644;

/// Whether a last link is followed, from the bits of `lookupflags`.
///
/// # Errors
/// `EINVAL` for bits that mean nothing.
pub(super) fn follow(bits: u32) -> Step<Follow> {
    match bits {
        0 => Ok(Follow::No),
        1 => Ok(Follow::Yes),
        _ => Err(Errno::INVAL.into()),
    }
}

/// The arguments of `path_open`.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    /// The directory, and whether a last link is followed.
    pub dir: u32,
    /// `lookupflags`.
    pub lookup: u32,
    /// The path's address.
    pub path: u32,
    /// The path's bytes.
    pub len: u32,
    /// `oflags`.
    pub how: u32,
    /// Of these only reading and writing count.
    pub base: u64,
    /// `fdflags`.
    pub flags: u32,
    /// Where the descriptor goes.
    pub to: u32,
}

impl Call<'_> {
    /// `path_open`: the lowest free descriptor for what stands at the path.
    ///
    /// # Errors
    /// Those of opening as POSIX has them, `EPERM` for what is outside of the directory or
    /// changes a read-only one, `ENOTCAPABLE`, `EINVAL`, `EFAULT`, `EILSEQ`, `EMFILE`.
    pub fn path_open(&mut self, open: &Open) -> Step<()> {
        let wants = |bit: u32| open.how & bit != 0;
        let writes = open.base & rights::FD_WRITE != 0;
        let changes = writes || wants(CREATE) || wants(TRUNCATE);
        let (dir, entry) = self.dir(open.dir, rights::PATH_OPEN, false)?;
        let (read_only, inheriting) = (entry.read_only, entry.inheriting);
        if wants(CREATE) {
            entry.needs(rights::PATH_CREATE_FILE)?;
        }
        let access = open.base & (rights::FD_READ | rights::FD_WRITE);
        if access & !inheriting != 0 {
            return Err(Errno::NOTCAPABLE.into());
        }
        let follow = follow(open.lookup)?;
        let kept = abi::flags_from(open.flags).ok_or(Errno::INVAL)?;
        let creates = wants(CREATE) || wants(EXCLUSIVE) || wants(TRUNCATE);
        if open.how > 15 || (wants(DIRECTORY) && creates) {
            return Err(Errno::INVAL.into());
        }
        let path = Path::read(self.guest, open.path, open.len)?;
        self.guest.check(open.to, 4)?;
        self.process.table.next()?;
        let place = Place::jailed(dir, path.bytes());
        if read_only && changes {
            // What is outside is refused for that, and what is missing may be known to be so.
            if !wants(CREATE) {
                self.fs.node_at(place, follow)?;
            }
            return Err(Errno::PERM.into());
        }
        let flags = [
            (open.base & rights::FD_READ != 0, Flags::READ),
            // Cutting needs it of the filesystem; the guest's right to write is its own matter.
            (writes || wants(TRUNCATE), Flags::WRITE),
            (wants(CREATE), Flags::CREATE),
            (wants(EXCLUSIVE), Flags::EXCLUSIVE),
            (wants(DIRECTORY), Flags::DIRECTORY),
            (wants(TRUNCATE), Flags::TRUNCATE),
            (follow == Follow::No, Flags::NOFOLLOW),
        ];
        let flags = flags.iter().filter(|(set, _)| *set).fold(kept, |all, (_, flag)| all | *flag);
        let handle = self.fs.open(place, flags, MODE, self.process.owner())?;
        let (what, rights, passed_on) = match self.kind_of(handle)? {
            FileType::Dir => (What::Dir(handle, None), rights::DIR, inheriting),
            _ => {
                let other = rights::FILE & !(rights::FD_READ | rights::FD_WRITE);
                // Nothing is opened through a file, so it has nothing to pass on.
                (What::File(handle), other | access, 0)
            }
        };
        let fd = self.process.table.insert(Entry {
            what,
            rights: rights & inheriting,
            inheriting: passed_on,
            read_only,
            terminal: false,
            nonblocking: false,
        })?;
        self.guest.write_u32(fd, open.to)
    }

    fn kind_of(&self, handle: HandleId) -> Step<FileType> {
        Ok(self.fs.fstat(handle)?.file_type)
    }
}
