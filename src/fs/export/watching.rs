//! What watchers call: begin, read what has happened since, end.

use super::{serve, tell, tell_bytes};
use crate::fs::watch::Change;

/// Begins to record changes for the thread `owner`; number 0: the number of the next event.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_watch(owner: u32) -> u32 {
    serve(&mut |desk| {
        tell(0, &[desk.watch(owner) as f64]);
        Ok(())
    })
}

/// Ends one `isolith_fs_watch` of `owner`.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_unwatch(owner: u32) -> u32 {
    serve(&mut |desk| {
        desk.unwatch(owner);
        Ok(())
    })
}

/// Events from number `seq` on: a byte of kind, two of the directory's length, two of the name's,
/// then both. Numbers 0 and 1: what to ask with next, whether some are lost.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn isolith_fs_events(seq: f64) -> u32 {
    serve(&mut |desk| {
        let found = desk.fs.events(seq as u64);
        let mut bytes = Vec::new();
        for event in &found.events {
            let Ok(dir) = desk.fs.path_of(event.dir) else { continue };
            bytes.push(match event.change {
                Change::Created => 1,
                Change::Removed => 2,
                Change::Modified => 3,
                Change::Attributes => 4,
            });
            bytes.extend_from_slice(&(dir.len() as u16).to_le_bytes());
            bytes.extend_from_slice(&(event.name.len() as u16).to_le_bytes());
            bytes.extend_from_slice(&dir);
            bytes.extend_from_slice(&event.name);
        }
        tell(0, &[found.next as f64, f64::from(u8::from(found.overflow))]);
        tell_bytes(bytes);
        Ok(())
    })
}
