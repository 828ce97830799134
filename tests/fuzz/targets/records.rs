//! Any bytes as records of a store: it opens or is refused, and what opens can be read and written.
#![no_main]

use isolith::fs::{Fs, Image, Key, Place, Seeded};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut image = Image::default();
    let _ = image.add(Key::Super, vec![isolith::fs::FORMAT as u8]);
    let mut rest = bytes;
    for number in 0.. {
        let Some((length, after)) = rest.split_first_chunk::<2>() else { break };
        let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
        let (value, after) = after.split_at(length);
        let key = if number % 2 == 0 { Key::Log(number / 2 + 1) } else { Key::Pack(number as u32 / 2) };
        let _ = image.add(key, value.to_vec());
        rest = after;
    }
    let mut fs = Fs::new(Box::new(Seeded::new(0, 1)), 1 << 20);
    if let Ok(store) = fs.mount(Place::from("/"), &image, false) {
        // A tree of damaged records may be unsound, and says so; it must not bring anything down.
        let _ = fs.check();
        let _ = fs.mkdir(Place::from("/new"), 0o755);
        let _ = fs.remove_all(Place::from("/a"));
        let _ = fs.take_batch(store, isolith::fs::Fold::All);
    }
});
