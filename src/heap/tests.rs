//! The heap over an arena: properties of single calls, random sequences, and threads at once.

use super::cache::Cache;
use super::core::Heap;
use super::pages::{PAGE, Pages};
use super::stats::Block;
use proptest::prelude::*;
use std::alloc::{Layout, alloc_zeroed, dealloc};

/// Address space of a test heap, committed by the system only where it is touched.
#[derive(Debug)]
struct Arena {
    start: usize,
    pages: usize,
    limit: usize,
}

const SIZE: usize = 64 << 20;

impl Arena {
    fn layout() -> Layout {
        Layout::from_size_align(SIZE, PAGE).expect("constant")
    }

    fn heap(limit: usize) -> Heap<Arena> {
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(Self::layout()) }.addr();
        assert_ne!(start, 0);
        Heap::new(Arena { start, pages: 2, limit }, start)
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: made in `heap` with this layout; the heap that used it goes as well.
        unsafe { dealloc(self.start as *mut u8, Self::layout()) };
    }
}

// SAFETY: every page of the arena is handed out once, and the arena lives as long as its heap.
unsafe impl Pages for Arena {
    fn initial(&self) -> [(usize, usize); 2] {
        let middle = self.start + PAGE;
        [(self.start + 1000, middle - 5000), (middle + 300, middle + PAGE)]
    }

    fn grow(&mut self, pages: usize) -> Option<usize> {
        let end = self.pages + pages;
        (end <= self.limit && end * PAGE <= SIZE).then(|| {
            let start = self.start + self.pages * PAGE;
            self.pages = end;
            start
        })
    }

    fn count(&self) -> usize {
        self.pages
    }
}

fn fresh() -> (Heap<Arena>, usize) {
    let heap = Arena::heap(SIZE / PAGE);
    let cache = heap.attach().expect("room for a cache") as *const Cache as usize;
    (heap, cache)
}

fn cache(address: usize) -> &'static Cache {
    // SAFETY: every test keeps the heap, and so its caches, alive for longer than it uses this.
    unsafe { &*(address as *const Cache) }
}

fn alloc(heap: &Heap<Arena>, at: usize, size: u32, align: u32) -> usize {
    // SAFETY: each test thread uses the cache that it attached.
    unsafe { heap.alloc(cache(at), size, align) }
}

fn free(heap: &Heap<Arena>, at: usize, ptr: usize) -> Result<(), &'static str> {
    // SAFETY: each test thread uses the cache that it attached.
    unsafe { heap.free(cache(at), ptr) }.map_err(|error| error.code())
}

#[test]
fn blocks_are_aligned_as_asked() {
    let (heap, mine) = fresh();
    for align in [1, 2, 16, 32, 64, 4096, 65536] {
        for size in [0, 1, 15, 16, 17, 4000, 5000, 100_000] {
            let ptr = alloc(&heap, mine, size, align);
            assert_eq!(ptr % (align.max(16) as usize), 0, "{size} at {align}");
            assert_eq!(heap.sizeof(ptr), Ok(size));
        }
    }
    heap.check().expect("sound");
}

#[test]
fn double_wild_and_interior_frees_are_told_apart_and_harm_nothing() {
    let (heap, mine) = fresh();
    for size in [10, 5000, 500_000] {
        let ptr = alloc(&heap, mine, size, 16);
        assert_eq!(free(&heap, mine, ptr + 16), Err("ERR_WILD_POINTER"));
        assert_eq!(free(&heap, mine, ptr + 3), Err("ERR_WILD_POINTER"));
        assert_eq!(free(&heap, mine, ptr), Ok(()));
        assert_eq!(free(&heap, mine, ptr), Err("ERR_DOUBLE_FREE"));
        assert_eq!(free(&heap, mine, 0), Err("ERR_WILD_POINTER"));
        assert_eq!(free(&heap, mine, usize::MAX & !15), Err("ERR_WILD_POINTER"));
        heap.check().expect("sound");
    }
    assert_eq!(heap.stats().blocks, 0);
}

#[test]
fn a_pointer_to_where_an_older_block_began_is_wild_inside_a_newer_one() {
    let (heap, mine) = fresh();
    let small = [alloc(&heap, mine, 5000, 16), alloc(&heap, mine, 5000, 16)];
    small.iter().for_each(|&ptr| free(&heap, mine, ptr).expect("live"));
    let large = alloc(&heap, mine, 12_000, 16);
    let inside = small.into_iter().find(|&ptr| ptr > large && ptr < large + 12_000);
    assert_eq!(free(&heap, mine, inside.expect("reused")), Err("ERR_WILD_POINTER"));
    heap.check().expect("sound");
}

#[test]
fn an_overwritten_header_is_told_and_the_block_kept() {
    let (heap, mine) = fresh();
    let ptr = alloc(&heap, mine, 100, 16);
    let size = (ptr - 16) as *mut u32;
    // SAFETY: the header lies before the block; this is the overrun under test.
    unsafe { *size ^= 0xFF };
    assert_eq!(free(&heap, mine, ptr), Err("ERR_HEAP_CORRUPT"));
    assert!(heap.check().expect_err("damaged").message().contains(&ptr.to_string()));
    // SAFETY: as above, undoing it.
    unsafe { *size ^= 0xFF };
    assert_eq!(free(&heap, mine, ptr), Ok(()));
}

#[test]
fn debug_mode_tells_a_write_behind_the_block_and_fills_freed_ones() {
    let (heap, mine) = fresh();
    heap.set_debug(true);
    let ptr = alloc(&heap, mine, 10, 16);
    // SAFETY: the zone behind the block is memory of the chunk; this is the overrun under test.
    unsafe { *((ptr + 10) as *mut u8) = 0 };
    assert!(heap.check().is_err());
    assert_eq!(free(&heap, mine, ptr), Err("ERR_HEAP_CORRUPT"));
    // SAFETY: as above, undoing it.
    unsafe { *((ptr + 10) as *mut u8) = super::header::ZONE_BYTE };
    assert_eq!(free(&heap, mine, ptr), Ok(()));
    // SAFETY: the arena is still mapped; the block's bytes lie in a cached chunk.
    assert_eq!(unsafe { *((ptr + 9) as *const u8) }, super::header::FREED_BYTE);
}

#[test]
fn realloc_keeps_the_common_part() {
    let (heap, mine) = fresh();
    let mut ptr = alloc(&heap, mine, 8, 64);
    // SAFETY: eight bytes of a live block.
    unsafe { (ptr as *mut u8).copy_from(b"isolith!".as_ptr(), 8) };
    for size in [9, 100, 4000, 5000, 200_000, 300_000, 4096, 8] {
        // SAFETY: this thread owns its cache.
        ptr = unsafe { heap.realloc(cache(mine), ptr, size) }.expect("live");
        assert_eq!(ptr % 64, 0);
        assert_eq!(heap.sizeof(ptr), Ok(size));
        // SAFETY: eight bytes of a live block.
        assert_eq!(unsafe { std::slice::from_raw_parts(ptr as *const u8, 8) }, b"isolith!");
        heap.check().expect("sound");
    }
    assert_eq!(heap.stats().blocks, 1);
}

#[test]
fn exhaustion_is_an_answer_and_what_is_freed_can_be_had_again() {
    let heap = Arena::heap(8);
    let mine = heap.attach().expect("room") as *const Cache as usize;
    let mut blocks = Vec::new();
    loop {
        match alloc(&heap, mine, 4000, 16) {
            0 => break,
            ptr => blocks.push(ptr),
        }
    }
    assert!(blocks.len() > 100, "{}", blocks.len());
    assert_eq!(alloc(&heap, mine, 1 << 30, 16), 0);
    blocks.iter().for_each(|&ptr| free(&heap, mine, ptr).expect("live"));
    heap.check().expect("sound");
    assert_ne!(alloc(&heap, mine, 300_000, 16), 0);
}

#[test]
fn figures_follow_one_thread_exactly() {
    let (heap, mine) = fresh();
    let first = alloc(&heap, mine, 1000, 16);
    let second = alloc(&heap, mine, 100_000, 16);
    free(&heap, mine, first).expect("live");
    let stats = heap.stats();
    assert_eq!((stats.bytes_in_use, stats.peak_bytes, stats.blocks), (100_000, 101_000, 1));
    assert!(stats.largest_free <= stats.free_bytes);
    let mut list = [Block::default(); 4];
    assert_eq!(heap.list(0, &mut list), 1);
    assert_eq!((list[0].ptr, list[0].size), (second as u32, 100_000));
}

#[derive(Clone, Debug)]
enum Step {
    Alloc { size: u32, align: u32 },
    Free(usize),
    Resize(usize, u32),
    Again,
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![0u32..300, 0u32..6000, 0u32..200_000];
    prop_oneof![
        3 => (size.clone(), 0u32..9).prop_map(|(size, shift)| Step::Alloc { size, align: 1 << shift }),
        3 => any::<usize>().prop_map(Step::Free),
        1 => (any::<usize>(), size).prop_map(|(which, size)| Step::Resize(which, size)),
        1 => Just(Step::Again),
    ]
}

/// Writes a pattern that depends on the block, so that an overlap shows.
fn paint(ptr: usize, size: u32) {
    for at in 0..size as usize {
        // SAFETY: within a live block.
        unsafe { *((ptr + at) as *mut u8) = (ptr / 16 + at) as u8 };
    }
}

fn is_painted(ptr: usize, made_at: usize, size: u32) -> bool {
    // SAFETY: within a live block.
    (0..size as usize).all(|at| unsafe { *((ptr + at) as *const u8) } == (made_at / 16 + at) as u8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_leaves_patterns_and_structure_whole(
        steps in prop::collection::vec(step(), 1..200),
        debug in any::<bool>(),
    ) {
        let (heap, mine) = fresh();
        heap.set_debug(debug);
        let mut live: Vec<(usize, u32)> = Vec::new();
        let mut dead = None;
        for step in steps {
            match step {
                Step::Alloc { size, align } => {
                    let ptr = alloc(&heap, mine, size, align);
                    if ptr != 0 {
                        paint(ptr, size);
                        live.push((ptr, size));
                    }
                }
                Step::Free(which) if !live.is_empty() => {
                    let (ptr, size) = live.swap_remove(which % live.len());
                    prop_assert!(is_painted(ptr, ptr, size));
                    prop_assert_eq!(free(&heap, mine, ptr), Ok(()));
                    dead = Some(ptr);
                }
                Step::Resize(which, to) if !live.is_empty() => {
                    let at = which % live.len();
                    let (ptr, from) = live[at];
                    // SAFETY: this thread owns its cache.
                    let new = unsafe { heap.realloc(cache(mine), ptr, to) }.expect("live");
                    if new != 0 {
                        prop_assert!(is_painted(new, ptr, from.min(to)));
                        paint(new, to);
                        live[at] = (new, to);
                    }
                }
                Step::Again => {
                    if let Some(ptr) = dead.filter(|ptr| live.iter().all(|(at, _)| at != ptr)) {
                        let inside = live.iter().any(|&(at, size)| ptr > at && ptr < at + size as usize);
                        let told = if inside { "ERR_WILD_POINTER" } else { "ERR_DOUBLE_FREE" };
                        prop_assert_eq!(free(&heap, mine, ptr), Err(told));
                    }
                }
                _ => {}
            }
            prop_assert_eq!(heap.check().map_err(|error| error.to_string()), Ok(()));
        }
        for (ptr, size) in live {
            prop_assert!(is_painted(ptr, ptr, size));
            prop_assert_eq!(free(&heap, mine, ptr), Ok(()));
        }
        prop_assert_eq!(heap.stats().blocks, 0);
    }
}

#[test]
fn threads_that_free_each_others_blocks_leave_the_heap_whole() {
    let heap = Arena::heap(SIZE / PAGE);
    let (send, receive) = std::sync::mpsc::sync_channel::<(usize, u32)>(64);
    let receive = std::sync::Mutex::new(receive);
    std::thread::scope(|scope| {
        for thread in 0..2u32 {
            let (heap, send) = (&heap, send.clone());
            scope.spawn(move || {
                let mine = heap.attach().expect("room");
                for round in 0..20_000u32 {
                    let size = (round.wrapping_mul(2_654_435_761).wrapping_add(thread) >> 20) % 700;
                    // SAFETY: this thread attached the cache.
                    let ptr = unsafe { heap.alloc(mine, size, 16) };
                    paint(ptr, size);
                    send.send((ptr, size)).expect("a receiver");
                }
                // SAFETY: this thread attached the cache and ends here.
                unsafe { heap.detach(mine) };
            });
        }
        drop(send);
        for _ in 0..2 {
            let (heap, receive) = (&heap, &receive);
            scope.spawn(move || {
                let mine = heap.attach().expect("room");
                loop {
                    let Ok((ptr, size)) = receive.lock().expect("no panic").recv() else { break };
                    assert!(is_painted(ptr, ptr, size));
                    // SAFETY: this thread attached the cache.
                    unsafe { heap.free(mine, ptr) }.expect("live");
                }
                // SAFETY: this thread attached the cache and ends here.
                unsafe { heap.detach(mine) };
            });
        }
    });
    heap.check().expect("sound");
    assert_eq!((heap.stats().blocks, heap.stats().bytes_in_use), (0, 0));
}
