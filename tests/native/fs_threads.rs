//! Threads behind the kernel's lock, with an I/O worker that commits for all of them.

mod fs_support;

use fs_support::{Disk, PUBLISH, pattern};
use isolith::fs::{Flags, Fold, Fs, MemoryStore, Owner, Place, Step, Stop, StoreId, Ticket};
use isolith::sync::lock::Lock;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// What threads ask of the I/O worker.
enum Ask {
    Load(isolith::fs::Need),
    Commit,
}

const DEADLINE: Duration = Duration::from_secs(60);

/// The I/O worker's loop: one load or one batch at a time, until nobody can ask any more.
fn serve(fs: &Lock<Fs>, mut store: MemoryStore, id: StoreId, asks: &Receiver<Ask>) -> MemoryStore {
    let mut batches = 0;
    while let Ok(ask) = asks.recv() {
        match ask {
            Ask::Load(need) => {
                let bytes = store.get(need.key()).map(<[u8]>::to_vec);
                fs.lock().fill(&need, bytes.as_deref()).expect("memory");
            }
            Ask::Commit => {
                let batch = fs.lock().take_batch(id, Fold::Auto);
                if let Some(batch) = batch {
                    // Outside of the lock: others go on meanwhile.
                    let result = store.apply(&batch);
                    fs.lock().batch_done(id, batch.epoch, result);
                    batches += 1;
                }
            }
        }
    }
    assert!(batches > 0);
    store
}

/// A thread's driver: asks, waits a little, runs the operation again.
fn run<T>(fs: &Lock<Fs>, worker: &Sender<Ask>, mut op: impl FnMut(&mut Fs) -> Step<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        let result = op(&mut fs.lock());
        match result {
            Ok(value) => return value,
            Err(Stop::Load(needs)) => {
                needs.into_iter().for_each(|need| worker.send(Ask::Load(need)).expect("a worker"));
            }
            Err(Stop::Commit(_)) => worker.send(Ask::Commit).expect("a worker"),
            Err(stop) => panic!("{stop:?}"),
        }
        std::thread::yield_now();
    }
    panic!("no answer in time");
}

fn durable(fs: &Lock<Fs>, worker: &Sender<Ask>, ticket: Ticket) {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        worker.send(Ask::Commit).expect("a worker");
        if let Some(result) = fs.lock().settled(ticket) {
            return result.expect("space");
        }
        std::thread::yield_now();
    }
    panic!("not durable in time");
}

#[test]
fn what_threads_were_told_is_durable_is_there() {
    let mut disk = Disk::new(2 << 20, 1);
    disk.write("/shared", &pattern(0, 1 << 20)).expect("space");
    disk.fold();
    let Disk { fs, store, id } = disk;
    let fs = Arc::new(Lock::new(fs));
    let (sender, asks) = channel();
    let worker = {
        let fs = fs.clone();
        std::thread::spawn(move || serve(&fs, store, id, &asks))
    };
    let threads: Vec<_> = (0..4_u64)
        .map(|number| {
            let (fs, sender) = (fs.clone(), sender.clone());
            std::thread::spawn(move || {
                for round in 0..40_u64 {
                    let path = format!("/{number}-{}", round % 7);
                    let bytes = pattern(number * 1000 + round, 20_000);
                    let ticket = run(&fs, &sender, |fs| {
                        let mut rest = &bytes[..];
                        let node = fs.write_whole(
                            Place::from(&*path),
                            PUBLISH,
                            bytes.len(),
                            &mut |part| {
                                let (head, tail) = rest.split_at(part.len());
                                part.copy_from_slice(head);
                                rest = tail;
                            },
                        )?;
                        Ok(fs.ticket(node))
                    });
                    let place = Place::from("/shared");
                    let shared = run(&fs, &sender, |fs| {
                        fs.open(place, Flags::READ, 0, Owner(number as u32))
                    });
                    let read = run(&fs, &sender, |fs| {
                        let mut bytes = Vec::new();
                        let at = round * 20_000;
                        fs.read_at(shared, at, 5000, &mut |part| bytes.extend_from_slice(part))?;
                        Ok(bytes)
                    });
                    let at = (round * 20_000) as usize;
                    assert_eq!(read, pattern(0, 1 << 20)[at..at + 5000]);
                    durable(&fs, &sender, ticket);
                }
                fs.lock().close_all(Owner(number as u32));
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    drop(sender);
    let store = worker.join().expect("no panic");
    assert!(fs.lock().check().is_empty());
    let mut again = Disk::on(store, 64 << 20, 2);
    for number in 0..4 {
        for name in 0..7 {
            let last = (0..40).filter(|round| round % 7 == name).max().expect("some");
            let expected = pattern(number * 1000 + last, 20_000);
            assert_eq!(again.read(&format!("/{number}-{name}")).expect("durable"), expected);
        }
    }
}
