//! What everybody calls: operations on paths and on open files.

use super::desk::{Desk, employ};
use super::{
    input, isolith_fs_give, isolith_fs_size, isolith_fs_take, serve, tell, tell_bytes, tell_ticket,
};
use crate::fs::step::{Step, Stop};
use crate::fs::{
    Access, FileType, Flags, Follow, HandleId, Node, Owner, Place, Publish, SetTime, Stat, Ticket,
};
use crate::sys::thread;

/// The path length that says: the open file that comes with it is meant.
const BY_HANDLE: usize = usize::MAX;

pub(super) fn follow(yes: u32) -> Follow {
    if yes != 0 { Follow::Yes } else { Follow::No }
}

/// Tells whose change it was.
pub(super) fn changed(desk: &mut Desk, node: Node) -> Step<()> {
    tell_ticket(desk.fs.ticket(node));
    Ok(())
}

/// The inode that a path or an open file stands for.
pub(super) fn target(desk: &Desk, len: usize, handle: u32, links: Follow) -> Step<Node> {
    match len {
        BY_HANDLE => desk.fs.node_of(HandleId::from_number(handle)),
        _ => desk.fs.node_at(Place::root(&input(0, len)), links),
    }
}

const fn type_number(file_type: FileType) -> u8 {
    match file_type {
        FileType::File => 1,
        FileType::Dir => 2,
        FileType::Symlink => 3,
    }
}

fn take(bytes: &[u8]) {
    isolith_fs_take(bytes.as_ptr(), bytes.len());
}

fn give(bytes: &mut [u8]) {
    isolith_fs_give(bytes.as_mut_ptr(), bytes.len());
}

/// Opens a file; number 0 of the answer is its handle.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_open(len: usize, flags: u32, mode: u32, owner: u32) -> u32 {
    serve(&mut |desk| {
        let path = input(0, len);
        let flags = Flags::from_bits(flags);
        let handle = desk.fs.open(Place::root(&path), flags, mode, Owner(owner))?;
        tell(0, &[f64::from(handle.number())]);
        let node = desk.fs.node_of(handle)?;
        changed(desk, node)
    })
}

/// Closes an open file.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_close(handle: u32) -> u32 {
    serve(&mut |desk| desk.fs.close(HandleId::from_number(handle)))
}

/// The worker `owner` uses files from now on, until it is dead.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_join(owner: u32) {
    let _inside = thread::enter();
    employ(owner, true);
}

/// The thread `owner` is dead: closes everything that it has open, unmaps what it has mapped, and
/// ends its watching.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_close_all(owner: u32) -> u32 {
    {
        let _inside = thread::enter();
        employ(owner, false);
    }
    serve(&mut |desk| {
        while desk.unwatch(owner) {}
        let Desk { fs, maps, .. } = desk;
        maps.retain(|(handle, mapping)| {
            let is_its = fs.owner_of(HandleId::from_number(*handle)) == Some(Owner(owner));
            if is_its {
                fs.unmap(*mapping);
            }
            !is_its
        });
        fs.close_all(Owner(owner));
        Ok(())
    })
}

/// Reads at `offset`, or where the handle stands if that is negative; number 0: how many bytes.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_read(handle: u32, offset: f64, len: usize) -> u32 {
    serve(&mut |desk| {
        let handle = HandleId::from_number(handle);
        let done = match offset < 0.0 {
            true => desk.fs.read(handle, len, &mut take),
            false => desk.fs.read_at(handle, offset as u64, len, &mut take),
        };
        tell(0, &[done? as f64]);
        Ok(())
    })
}

/// Writes at `offset`, or where the handle stands if that is negative; number 0: how many bytes.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_write(handle: u32, offset: f64, len: usize) -> u32 {
    serve(&mut |desk| {
        let handle = HandleId::from_number(handle);
        let done = match offset < 0.0 {
            true => desk.fs.write(handle, len, &mut give),
            false => desk.fs.write_at(handle, offset as u64, len, &mut give),
        };
        tell(0, &[done? as f64]);
        let node = desk.fs.node_of(handle)?;
        changed(desk, node)
    })
}

/// Reads a whole file; `EFBIG` if it takes several calls.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_read_whole(len: usize) -> u32 {
    serve(&mut |desk| {
        let path = input(0, len);
        desk.fs.read_whole(Place::root(&path), &mut |len| isolith_fs_size(len), &mut take)?;
        Ok(())
    })
}

/// Replaces a whole file; `EFBIG` if it takes several calls.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_write_whole(
    len: usize,
    bytes: usize,
    mode: u32,
    exclusive: u32,
) -> u32 {
    serve(&mut |desk| {
        let path = input(0, len);
        let how = Publish { mode, exclusive: exclusive != 0 };
        let node = desk.fs.write_whole(Place::root(&path), how, bytes, &mut give)?;
        changed(desk, node)
    })
}

/// Number 0: how many bytes one call may move.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_limit() -> u32 {
    serve(&mut |desk| {
        tell(0, &[desk.fs.whole_limit() as f64]);
        Ok(())
    })
}

/// Opens a draft that is to become the contents of the path; number 0: its handle.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_draft(len: usize, exclusive: u32, owner: u32) -> u32 {
    serve(&mut |desk| {
        let handle = desk.fs.draft(Place::root(&input(0, len)), exclusive != 0, Owner(owner))?;
        tell(0, &[f64::from(handle.number())]);
        Ok(())
    })
}

/// Makes a draft the contents of the path, as one change.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_publish(
    handle: u32,
    len: usize,
    mode: u32,
    exclusive: u32,
) -> u32 {
    serve(&mut |desk| {
        let how = Publish { mode, exclusive: exclusive != 0 };
        let path = input(0, len);
        let node = desk.fs.publish(HandleId::from_number(handle), Place::root(&path), how)?;
        changed(desk, node)
    })
}

/// Copies bytes between open files; number 0: how many.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_copy(
    from: u32,
    from_offset: f64,
    to: u32,
    to_offset: f64,
    len: usize,
) -> u32 {
    serve(&mut |desk| {
        let source = (HandleId::from_number(from), from_offset as u64);
        let sink = (HandleId::from_number(to), to_offset as u64);
        let done = desk.fs.copy_range(source, sink, len)?;
        tell(0, &[done as f64]);
        let node = desk.fs.node_of(sink.0)?;
        changed(desk, node)
    })
}

/// Numbers 0 to 14: device, inode, mode, names, size, then four times as milliseconds and the
/// nanoseconds within, then user and group.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_stat(len: usize, handle: u32, links: u32) -> u32 {
    serve(&mut |desk| {
        let stat = match len {
            BY_HANDLE => desk.fs.fstat(HandleId::from_number(handle))?,
            _ => desk.fs.stat(Place::root(&input(0, len)), follow(links))?,
        };
        tell_stat(&stat);
        Ok(())
    })
}

fn tell_stat(stat: &Stat) {
    let split =
        |nanos: i64| [nanos.div_euclid(1_000_000) as f64, nanos.rem_euclid(1_000_000) as f64];
    let Stat { dev, ino, nlink, size, times, .. } = *stat;
    let numbers =
        [dev as f64, ino as f64, f64::from(stat.st_mode()), f64::from(nlink), size as f64];
    tell(0, &numbers);
    for (at, time) in [times.atime, times.mtime, times.ctime, times.btime].into_iter().enumerate() {
        tell(5 + at * 2, &split(time));
    }
    tell(13, &[f64::from(stat.uid), f64::from(stat.gid)]);
}

/// Makes a directory, or all of a path; number 0: how much of the path was made first, or -1.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_mkdir(len: usize, mode: u32, all: u32) -> u32 {
    serve(&mut |desk| {
        let path = input(0, len);
        let place = Place::root(&path);
        let made = match all {
            0 => desk.fs.mkdir(place, mode).map(|_| Some(len))?,
            _ => desk.fs.mkdir_all(place, mode)?,
        };
        tell(0, &[made.map_or(-1.0, |len| len as f64)]);
        let node = desk.fs.node_at(place, Follow::Yes)?;
        changed(desk, node)
    })
}

/// The entries of a directory by name. Number 0: its stamp; number 1: how many entries, or -1 if
/// the stamp is `seen`: then they are what they were. The answer is a byte of type for each, then
/// the names with a slash after each.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_list(len: usize, seen: f64) -> u32 {
    serve(&mut |desk| {
        let path = input(0, len);
        let place = Place::root(&path);
        let stamp = desk.fs.list_stamp(place)? as f64;
        if stamp == seen {
            tell(0, &[stamp, -1.0]);
            return Ok(());
        }
        let (mut bytes, mut names) = (Vec::new(), Vec::new());
        desk.fs.list(place, &mut |name, _, file_type| {
            bytes.push(type_number(file_type));
            names.extend_from_slice(name);
            names.push(b'/');
        })?;
        tell(0, &[stamp, bytes.len() as f64]);
        bytes.append(&mut names);
        tell_bytes(bytes);
        Ok(())
    })
}

/// Removes a name (0), an empty directory (1), or whatever there is with all below it (2).
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_remove(len: usize, what: u32) -> u32 {
    serve(&mut |desk| {
        let path = input(0, len);
        let place = Place::root(&path);
        let dir = match what {
            0 => desk.fs.unlink(place),
            1 => desk.fs.rmdir(place),
            _ => desk.fs.remove_all(place),
        };
        let dir = dir?;
        changed(desk, dir)
    })
}

/// Two paths, one after the other: renames (0), links (1), or makes a symbolic link that says the
/// first (2).
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_name(from: usize, to: usize, what: u32) -> u32 {
    serve(&mut |desk| {
        let (first, second) = (input(0, from), input(from, to));
        let (first, place) = (first.as_slice(), Place::root(&second));
        let node = match what {
            0 => desk.fs.rename(Place::root(first), place),
            1 => desk.fs.link(Place::root(first), place, Follow::No),
            _ => desk.fs.symlink(first, place),
        };
        let node = node?;
        changed(desk, node)
    })
}

/// The bytes of a symbolic link, or with `real` the path without links.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_readlink(len: usize, real: u32) -> u32 {
    serve(&mut |desk| {
        let path = input(0, len);
        let place = Place::root(&path);
        let bytes = match real {
            0 => desk.fs.readlink(place)?.to_vec(),
            _ => desk.fs.realpath(place)?,
        };
        tell_bytes(bytes);
        Ok(())
    })
}

/// Sets permissions.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_chmod(len: usize, handle: u32, links: u32, mode: u32) -> u32 {
    serve(&mut |desk| {
        let node = target(desk, len, handle, follow(links))?;
        desk.fs.chmod(node, mode)?;
        changed(desk, node)
    })
}

/// Sets user and group; -1 leaves one as it is.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_chown(
    len: usize,
    handle: u32,
    links: u32,
    uid: f64,
    gid: f64,
) -> u32 {
    let set = |id: f64| (id >= 0.0).then_some(id as u32);
    serve(&mut |desk| {
        let node = target(desk, len, handle, follow(links))?;
        desk.fs.chown(node, set(uid), set(gid))?;
        changed(desk, node)
    })
}

/// Sets times, in milliseconds; what is no number stays.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_times(
    len: usize,
    handle: u32,
    links: u32,
    atime: f64,
    mtime: f64,
) -> u32 {
    // Milliseconds and their fraction apart: together they need more bits than a double has.
    let set = |millis: f64| match millis.is_nan() {
        true => SetTime::Keep,
        false => {
            let nanos = (millis.fract() * 1e6).round() as i64;
            SetTime::To((millis.trunc() as i64).saturating_mul(1_000_000).saturating_add(nanos))
        }
    };
    serve(&mut |desk| {
        let node = target(desk, len, handle, follow(links))?;
        desk.fs.set_times(node, set(atime), set(mtime))?;
        changed(desk, node)
    })
}

/// Cuts or grows a file.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_truncate(len: usize, handle: u32, size: f64) -> u32 {
    serve(&mut |desk| {
        let node = match len {
            BY_HANDLE => {
                let handle = HandleId::from_number(handle);
                desk.fs.ftruncate(handle, size as u64)?;
                desk.fs.node_of(handle)?
            }
            _ => desk.fs.truncate(Place::root(&input(0, len)), size as u64)?,
        };
        changed(desk, node)
    })
}

/// Whether the bits of `wanted` (4 read, 2 write, 1 execute) are allowed.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_access(len: usize, wanted: u32) -> u32 {
    serve(&mut |desk| {
        let access =
            Access { read: wanted & 4 != 0, write: wanted & 2 != 0, execute: wanted & 1 != 0 };
        // Another tab that writes now does not make a file read-only.
        match desk.fs.access(Place::root(&input(0, len)), access) {
            Err(Stop::Own(_)) => Ok(()),
            other => other,
        }
    })
}

/// Numbers 0 to 6: store, bytes used and available, inodes, longest name, block size, and 1 for a
/// store that is in memory only.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_statfs(len: usize) -> u32 {
    serve(&mut |desk| {
        let path = input(0, len);
        let place = Place::root(&path);
        let stat = desk.fs.statfs(place)?;
        let store = desk.fs.node_at(place, Follow::Yes)?.store().number();
        tell(0, &[f64::from(store), stat.space.used as f64, stat.space.available as f64]);
        let sizes = [stat.files as f64, f64::from(stat.name_max), f64::from(stat.block_size)];
        tell(3, &sizes);
        tell(6, &[f64::from(u8::from(stat.in_memory))]);
        Ok(())
    })
}

/// Claims the durability of what was changed through an open file, or with `disk` of all changes of
/// the file, on the disk itself. Fails for what was changed through it and has failed already.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_sync(handle: u32, disk: u32) -> u32 {
    serve(&mut |desk| {
        let handle = HandleId::from_number(handle);
        let mut ticket = desk.fs.ticket_of(handle)?;
        if disk != 0 {
            if let Some(Err(error)) = desk.fs.settled(ticket) {
                return Err(Stop::Fail(error));
            }
            ticket = desk.fs.harden(ticket.node);
        }
        tell_ticket(ticket);
        Ok(())
    })
}

/// How a change ended, by its ticket: 0 durable, an error's number, `AGAIN` while it has not.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_settled(store: u32, node: f64, epoch: f64) -> u32 {
    serve(&mut |desk| {
        let store = crate::fs::StoreId::from_number(store);
        let node = Node::new(store, node as u64);
        match desk.fs.settled(Ticket { node, epoch: epoch as u64 }) {
            None => Err(Stop::Commit(store)),
            Some(result) => result.map_err(Stop::Fail),
        }
    })
}
