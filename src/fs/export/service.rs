//! What the thread that owns the stores calls: mounts, loads, batches, the right to write.

use super::desk::{DESK, Desk, WORDS};
use super::{Browser, input, serve, tell, tell_bytes};
use crate::error::{Error, Kind};
use crate::fs::step::Stop;
use crate::fs::{Fold, Fs, HandleId, Key, Place, Seeded, Space, StoreId, Write};
use crate::sys::thread;

/// The length that says: no such record.
const NONE: usize = usize::MAX;

/// Address of the words that threads wait on; see `desk::Words`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_words() -> *const u8 {
    (&raw const WORDS).cast()
}

/// Makes the filesystem, without any store yet, unless it is there.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_init(seed_low: u32, seed_high: u32, cache_bytes: f64) -> u32 {
    let seed = u64::from(seed_high) << 32 | u64::from(seed_low);
    let _inside = thread::enter();
    DESK.lock().get_or_insert_with(|| {
        let env = Browser { last: 0, random: Seeded::new(0, seed) };
        Desk::new(Fs::new(Box::new(env), cache_bytes as usize))
    });
    0
}

/// Changes the cache's budget.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_budget(bytes: f64) -> u32 {
    serve(&mut |desk| {
        desk.fs.set_cache_bytes(bytes as usize);
        Ok(())
    })
}

/// Number 0: bytes of memory that file contents take.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_cached() -> u32 {
    serve(&mut |desk| {
        tell(0, &[desk.fs.cached_bytes() as f64]);
        Ok(())
    })
}

/// Adds a record (its key, then its value) to the image of the next mount or refresh.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_image(key: usize, value: usize) -> u32 {
    serve(&mut |desk| Ok(desk.image.add(Key::from_bytes(&input(0, key))?, input(key, value))?))
}

/// Mounts records (0, from the image), memory (1) or a remote tree (2); number 0: the store.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_mount(len: usize, kind: u32, read_only: u32) -> u32 {
    serve(&mut |desk| {
        let path = input(0, len);
        let place = Place::root(&path);
        let image = std::mem::take(&mut desk.image);
        let store = match kind {
            0 => desk.fs.mount(place, &image, read_only != 0),
            1 => desk.fs.mount_memory(place),
            _ => desk.fs.mount_remote(place),
        };
        tell(0, &[f64::from(store?.number())]);
        Ok(())
    })
}

/// Takes a store away; with `lose` also one whose changes are not durable.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_unmount(store: u32, lose: u32) -> u32 {
    serve(&mut |desk| desk.fs.unmount(StoreId::from_number(store), lose != 0))
}

/// Adds a file to a remote tree.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_remote(len: usize, size: f64, mtime: f64, mode: u32) -> u32 {
    serve(&mut |desk| {
        let nanos = (mtime * 1e6) as i64;
        desk.fs.add_remote(Place::root(&input(0, len)), size as u64, nanos, mode)?;
        Ok(())
    })
}

/// Makes a store read-only.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_seal(store: u32) -> u32 {
    serve(&mut |desk| {
        desk.fs.seal(StoreId::from_number(store));
        Ok(())
    })
}

/// Follows what another tab has written, from the image.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_refresh(store: u32) -> u32 {
    serve(&mut |desk| {
        let image = std::mem::take(&mut desk.image);
        desk.fs.refresh(StoreId::from_number(store), &image)
    })
}

/// Number 0: the last log record that this kernel knows.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_last_log(store: u32) -> u32 {
    serve(&mut |desk| {
        tell(0, &[desk.fs.last_log(StoreId::from_number(store)) as f64]);
        Ok(())
    })
}

/// Says whether this tab may write to the store.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_owned(store: u32, yes: u32) -> u32 {
    serve(&mut |desk| {
        desk.fs.set_owned(StoreId::from_number(store), yes != 0);
        if yes != 0 {
            desk.post(store).own = false;
        }
        Ok(())
    })
}

/// Says that this tab cannot get the right to write, for words in the input: who wants it is told
/// so. Without words it may be asked for again.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_own_failed(store: u32, len: usize) -> u32 {
    serve(&mut |desk| {
        let words = String::from_utf8_lossy(&input(0, len)).into_owned();
        let post = desk.post(store);
        post.own = false;
        post.refused = (len > 0).then(|| Error::with(Kind::Io, words));
        Ok(())
    })
}

/// Tells how full a store is.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_space(store: u32, used: f64, available: f64) -> u32 {
    serve(&mut |desk| {
        let space = Space { used: used as u64, available: available as u64 };
        desk.fs.set_space(StoreId::from_number(store), space);
        Ok(())
    })
}

/// Number 0: what the store is asked for, in bits; see `Desk::poll`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_poll(store: u32) -> u32 {
    serve(&mut |desk| {
        let asked = desk.poll(store);
        tell(0, &[f64::from(asked)]);
        Ok(())
    })
}

/// Asks for a commit of what has changed.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_flush(store: u32) -> u32 {
    serve(&mut |desk| {
        desk.post(store).commit = true;
        Ok(())
    })
}

/// 0 if all changes of the store are durable; asks for a commit otherwise and answers `AGAIN`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_clean(store: u32) -> u32 {
    serve(&mut |desk| {
        let store = StoreId::from_number(store);
        if desk.fs.is_clean(store) { Ok(()) } else { Err(Stop::Commit(store)) }
    })
}

/// Takes what is to be loaded: for each a number (4 bytes), the inode and the offset (8 each, as
/// doubles), the length of the key (4) and the key.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_loads(store: u32) -> u32 {
    serve(&mut |desk| {
        let mut bytes = Vec::new();
        for (number, need) in desk.take_loads(store) {
            let key = need.key().to_bytes();
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(&(need.node().id() as f64).to_le_bytes());
            bytes.extend_from_slice(&(need.offset() as f64).to_le_bytes());
            bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&key);
        }
        tell_bytes(bytes);
        Ok(())
    })
}

/// Answers a load with `len` bytes of the input, or with `usize::MAX` for no record.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_fill(number: u32, len: usize) -> u32 {
    serve(&mut |desk| match len {
        NONE => desk.fill(number, None),
        _ => super::frame(|frame| desk.fill(number, frame.input.get(..len))),
    })
}

/// Answers a load with a failure, its words in the input; without words it is asked again.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_fill_failed(number: u32, len: usize) -> u32 {
    serve(&mut |desk| {
        let words = String::from_utf8_lossy(&input(0, len)).into_owned();
        let error = (len > 0).then(|| Error::with(Kind::Io, words));
        desk.fill_failed(number, error);
        Ok(())
    })
}

/// Queues the loads that folding the log needs.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_fold(store: u32) -> u32 {
    serve(&mut |desk| {
        for need in desk.fs.fold_needs(StoreId::from_number(store)) {
            desk.want(need)?;
        }
        Ok(())
    })
}

/// Takes a batch, unless one is in flight or there are no changes. Numbers: its epoch, 0 without
/// one; 1 if it must be on the disk itself when it is done. Output: for each write its kind (4 bytes: 0 put, 1 delete a range), the length of the key,
/// the second number (a value's length, or the last key's), a value's address, then the keys.
/// With `little` only a batch that is asked for and takes the page no time.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_batch(store: u32, little: u32) -> u32 {
    serve(&mut |desk| {
        let id = StoreId::from_number(store);
        let refused = little != 0 && !(desk.poll(store) & !8 == 2 && desk.fs.is_little(id));
        let answered = !refused && !desk.fs.flies(id);
        let batch = if answered { desk.fs.take_batch(id, Fold::Auto) } else { None };
        let mut bytes = Vec::new();
        for write in batch.iter().flat_map(|batch| &batch.writes) {
            let (kind, key, second, at, last) = match write {
                Write::Put(key, value) => {
                    (0, key.to_bytes(), value.len(), value.as_ptr().addr(), Vec::new())
                }
                Write::Delete(first, last) => {
                    let last = last.to_bytes();
                    (1, first.to_bytes(), last.len(), 0, last)
                }
            };
            for number in [kind, key.len() as u32, second as u32, at as u32] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            bytes.extend_from_slice(&key);
            bytes.extend_from_slice(&last);
        }
        let epoch = batch.as_ref().map_or(0.0, |batch| batch.epoch as f64);
        tell(0, &[epoch, f64::from(u8::from(desk.fs.is_hard(id)))]);
        tell_bytes(bytes);
        if answered {
            let post = desk.post(store);
            post.commit = false;
            post.batch = batch;
        }
        Ok(())
    })
}

/// Gives the memory of a batch back: its bytes have been copied.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_batch_copied(store: u32) -> u32 {
    serve(&mut |desk| {
        desk.post(store).batch = None;
        Ok(())
    })
}

/// Ends the batch of that epoch: 0 it is durable, 28 there was no space, else it failed; words in
/// the input.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_batch_done(
    store: u32,
    epoch: f64,
    error: u32,
    len: usize,
) -> u32 {
    serve(&mut |desk| {
        let words = String::from_utf8_lossy(&input(0, len)).into_owned();
        let result = match error {
            0 => Ok(()),
            28 => Err(Error::with(Kind::NoSpace, words)),
            _ => Err(Error::with(Kind::Io, words)),
        };
        desk.fs.batch_done(StoreId::from_number(store), epoch as u64, result);
        Ok(())
    })
}

/// Drops what is not durable: another tab has taken over. A refresh with the whole store must follow.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_abandon(store: u32) -> u32 {
    serve(&mut |desk| {
        let words = "input/output error: another tab has taken over while this one did not answer";
        desk.fs.abandon(StoreId::from_number(store), Error::new(Kind::Io, words));
        Ok(())
    })
}

/// Deletes inodes without names: nobody else has the store open.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_sweep(store: u32) -> u32 {
    serve(&mut |desk| {
        desk.fs.sweep_orphans(StoreId::from_number(store));
        Ok(())
    })
}

/// What is not as it must be, line by line; nothing if all is sound.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_check() -> u32 {
    serve(&mut |desk| {
        let mut text = Vec::new();
        for line in desk.fs.check() {
            if !text.is_empty() {
                text.push(b'\n');
            }
            text.extend_from_slice(line.as_bytes());
        }
        tell_bytes(text);
        Ok(())
    })
}

/// Maps an open file. Numbers 0 to 2: address, bytes of the file, bytes mapped.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_map(handle: u32) -> u32 {
    serve(&mut |desk| {
        let mapping = match desk.mapping(handle) {
            Some(mapping) => mapping,
            None => {
                let mapping = desk.fs.map(HandleId::from_number(handle))?;
                desk.maps.push((handle, mapping));
                mapping
            }
        };
        desk.fs.load_mapped(&mapping)?;
        tell(0, &[mapping.address as f64, mapping.len as f64, mapping.capacity as f64]);
        Ok(())
    })
}

/// Notes that mapped bytes have been written.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_map_sync(handle: u32, offset: usize, len: usize) -> u32 {
    serve(&mut |desk| {
        let Some(mapping) = desk.mapping(handle) else {
            return Err(Error::new(Kind::BadHandle, "the file is not mapped").into());
        };
        desk.fs.sync_mapped(&mapping, offset, len)?;
        let node = desk.fs.node_of(HandleId::from_number(handle))?;
        super::tell_ticket(desk.fs.ticket(node));
        Ok(())
    })
}

/// Ends a mapping.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_unmap(handle: u32) -> u32 {
    serve(&mut |desk| {
        if let Some(at) = desk.maps.iter().position(|(mapped, _)| *mapped == handle) {
            let mapping = desk.maps.swap_remove(at).1;
            desk.fs.unmap(mapping);
        }
        Ok(())
    })
}
