//! The heap's operations: blocks with headers over chunks, chunks from caches over talc.

use super::cache::Cache;
use super::growth::Growth;
use super::header::{self, FREED_BYTE, HEADER, Header, ZONE, ZONE_BYTE};
use super::live::{GRANULE, LEAF_BYTES, LiveMap, Place};
use super::pages::Pages;
use super::{class, class::TAG};
use crate::error::{Error, Kind, Result};
use crate::sync::lock::Lock;
use crate::sync::primitive::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::alloc::Layout;
use talc::base::Talc;

const WILD: Error =
    Error::new(Kind::WildPointer, "the address is not the start of a block of this heap");
const DOUBLE: Error = Error::new(Kind::DoubleFree, "the block was already freed");
const CORRUPT: Error = Error::new(
    Kind::HeapCorrupt,
    "the header before the block, or the zone behind it, was overwritten",
);

pub(super) type Inner<P> = Talc<Growth<P>, talc::DefaultBinning>;

/// Chunks that one trip to talc brings at the most.
const BATCH: u32 = 32;

/// The heap of one memory, shared by all its threads; each brings its own [`Cache`].
#[derive(Debug)]
pub struct Heap<P: Pages> {
    /// The address that the live map counts from: 0 in WebAssembly.
    base: usize,
    pub(super) inner: Lock<Inner<P>>,
    pub(super) live: LiveMap,
    /// Address of the first cache of the list; grows at the front only.
    pub(super) caches: AtomicUsize,
    /// Bytes in use as far as published.
    pub(super) bytes: AtomicU64,
    pub(super) peak: AtomicU64,
    /// 1 when blocks get zones and freed ones are filled.
    debug: AtomicU32,
    serial: AtomicU32,
}

impl<P: Pages> Heap<P> {
    /// A heap that takes its memory, all within 4 GiB from `base` on, from `pages` when needed.
    pub const fn new(pages: P, base: usize) -> Self {
        Self {
            base,
            inner: Lock::new(Talc::new(Growth::new(pages))),
            live: LiveMap::new(),
            caches: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            debug: AtomicU32::new(0),
            serial: AtomicU32::new(0),
        }
    }

    /// From now on blocks end in a guarded zone and freed ones are filled with `0xDD`.
    pub fn set_debug(&self, on: bool) {
        self.debug.store(u32::from(on), Ordering::Relaxed);
    }

    /// Allocates a block and returns its address, or 0 when memory is exhausted.
    ///
    /// `align` is a power of two; less than 16 counts as 16. The bytes are not cleared. Any thread;
    /// blocks only for the heap's lock, which a page's main thread spins for.
    ///
    /// # Safety
    /// The calling thread owns `cache`.
    pub unsafe fn alloc(&self, cache: &Cache, size: u32, align: u32) -> usize {
        debug_assert!(align.is_power_of_two());
        let align = (align as usize).max(HEADER);
        // No Rust object, and so no chunk of talc's, is larger than half the address space.
        if size as usize > isize::MAX as usize - align - ZONE {
            return 0;
        }
        let zoned = self.debug.load(Ordering::Relaxed) != 0;
        let (bytes, align) = header::chunk(size, align, zoned);
        // SAFETY: by the contract.
        let raw = unsafe { self.chunk_alloc(cache, bytes, align) };
        if raw == 0 {
            return 0;
        }
        let ptr = raw + align;
        let serial = if zoned { self.serial.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
        // SAFETY: the chunk reaches from one alignment, at least a header, before `ptr` to `size`
        // bytes behind it, and the zone if there is one.
        unsafe { self.dress(ptr, size, align as u32, zoned, serial) };
        if !self.live.set(self.offset(ptr)) && !self.cover(self.offset(ptr)) {
            // SAFETY: the chunk was just made with this size and alignment.
            unsafe { self.chunk_free(cache, raw, bytes, align) };
            return 0;
        }
        if cache.made(size) {
            self.publish(cache);
        }
        ptr
    }

    /// Frees a block that any thread made.
    ///
    /// # Errors
    /// `ERR_DOUBLE_FREE`, `ERR_WILD_POINTER` (never a block's start, or of another heap) and
    /// `ERR_HEAP_CORRUPT` (the header or the zone behind the block was overwritten: the block then
    /// stays as it is). The heap is intact after each.
    ///
    /// # Safety
    /// The calling thread owns `cache`.
    pub unsafe fn free(&self, cache: &Cache, ptr: usize) -> Result<()> {
        if !self.may_be_block(ptr) {
            return Err(WILD);
        }
        match self.live.clear(self.offset(ptr)) {
            Place::Live => {}
            place => return Err(self.mistake(ptr, place)),
        }
        // SAFETY: the live bit was set, so a header was written here, and only we cleared it.
        let header = unsafe { self.header(ptr) };
        // SAFETY: as above.
        if !header.is_sound(ptr) || !unsafe { zone_is_sound(ptr, &header) } {
            self.live.set(self.offset(ptr));
            return Err(CORRUPT);
        }
        if header.is_zoned() {
            // SAFETY: the block is ours alone now and `size` bytes long.
            unsafe { (ptr as *mut u8).write_bytes(FREED_BYTE, header.size as usize) };
        }
        if cache.freed(header.size) {
            self.publish(cache);
        }
        let (bytes, align) = header.chunk();
        // SAFETY: a sound header tells the size and alignment that the chunk was made with.
        unsafe { self.chunk_free(cache, ptr - align, bytes, align) };
        Ok(())
    }

    /// Changes a block's size, in place where possible; returns its address, 0 when exhausted (the
    /// block is then unchanged).
    ///
    /// # Errors
    /// As [`Heap::free`].
    ///
    /// # Safety
    /// The calling thread owns `cache`, and nobody frees the block meanwhile.
    pub unsafe fn realloc(&self, cache: &Cache, ptr: usize, size: u32) -> Result<usize> {
        let old = self.inspect(ptr)?;
        // SAFETY: `inspect` found a sound header.
        if !unsafe { zone_is_sound(ptr, &old) } {
            return Err(CORRUPT);
        }
        let (from, align) = old.chunk();
        if size as usize > isize::MAX as usize - align - ZONE {
            return Ok(0);
        }
        let (to, _) = header::chunk(size, align, old.is_zoned());
        // SAFETY: the chunk under a sound header has that size and alignment.
        if unsafe { self.chunk_resize(ptr - align, from, to, align) } {
            // SAFETY: the chunk now reaches `size` bytes behind `ptr` and the zone.
            unsafe { self.dress(ptr, size, align as u32, old.is_zoned(), old.serial) };
            cache.made(size);
            cache.freed(old.size);
            self.publish(cache);
            return Ok(ptr);
        }
        // SAFETY: by the contract.
        let new = unsafe { self.alloc(cache, size, align as u32) };
        if new != 0 {
            let common = old.size.min(size) as usize;
            // SAFETY: two live blocks, each at least `common` bytes long, do not overlap.
            unsafe { (new as *mut u8).copy_from_nonoverlapping(ptr as *const u8, common) };
            // SAFETY: by the contract.
            unsafe { self.free(cache, ptr)? };
        }
        Ok(new)
    }

    /// The sound header of a live block.
    ///
    /// # Errors
    /// As [`Heap::free`].
    pub(super) fn inspect(&self, ptr: usize) -> Result<Header> {
        if !self.may_be_block(ptr) {
            return Err(WILD);
        }
        match self.live.look(self.offset(ptr)) {
            place @ (Place::Freed | Place::Never) => Err(self.mistake(ptr, place)),
            Place::Live => {
                // SAFETY: a set live bit means that a header was written here.
                let header = unsafe { self.header(ptr) };
                if header.is_sound(ptr) { Ok(header) } else { Err(CORRUPT) }
            }
        }
    }

    /// The error for an address that is no live block. An address that once was one, but now lies
    /// inside a newer block, is a wild pointer and not a second free.
    #[cold]
    fn mistake(&self, ptr: usize, place: Place) -> Error {
        if place == Place::Never {
            return WILD;
        }
        let below = self.live.before(self.offset(ptr)).map(|offset| self.address(offset));
        // SAFETY: a live stamp means that a header was written before that address.
        match below.map(|at| (at, unsafe { self.header(at) })) {
            Some((at, header)) if header.is_sound(at) && ptr < at + header.size as usize => WILD,
            _ => DOUBLE,
        }
    }

    /// Size that the block was asked for.
    ///
    /// # Errors
    /// As [`Heap::free`].
    pub fn sizeof(&self, ptr: usize) -> Result<u32> {
        self.inspect(ptr).map(|header| header.size)
    }

    /// Takes a chunk of memory without a header: what Rust's global allocator hands out.
    ///
    /// # Safety
    /// The calling thread owns `cache`; `bytes` is not 0 and `align` a power of two.
    #[inline(always)]
    pub(super) unsafe fn chunk_alloc(&self, cache: &Cache, bytes: usize, align: usize) -> usize {
        if align <= GRANULE
            && let Some(class) = class::of(bytes)
        {
            // SAFETY: by the contract.
            return match unsafe { cache.take(class) } {
                Some(chunk) => chunk,
                // SAFETY: by the contract.
                None => unsafe { self.refill(cache, class) },
            };
        }
        let Ok(layout) = Layout::from_size_align(bytes, align.max(GRANULE)) else { return 0 };
        // SAFETY: `bytes` is not 0.
        match unsafe { self.inner.lock().allocate(layout) } {
            Some(chunk) => chunk.as_ptr().addr(),
            None => {
                // SAFETY: by the contract. What this thread has at hand may be what is missing.
                unsafe { self.drain(cache) };
                // SAFETY: `bytes` is not 0.
                unsafe { self.inner.lock().allocate(layout) }.map_or(0, |it| it.as_ptr().addr())
            }
        }
    }

    /// Gives back a chunk of `chunk_alloc`, asked with the same size and alignment.
    ///
    /// # Safety
    /// The calling thread owns `cache`, and the chunk is its to give.
    #[inline(always)]
    pub(super) unsafe fn chunk_free(
        &self,
        cache: &Cache,
        chunk: usize,
        bytes: usize,
        align: usize,
    ) {
        if align <= GRANULE
            && let Some(class) = class::of(bytes)
        {
            // SAFETY: by the contract; the class is a function of size and alignment.
            if unsafe { cache.put(class, chunk) } {
                // SAFETY: by the contract.
                unsafe { self.flush(cache, class) };
            }
            return;
        }
        if let Ok(layout) = Layout::from_size_align(bytes, align.max(GRANULE)) {
            // SAFETY: the chunk was made with this layout.
            unsafe { self.inner.lock().deallocate(chunk as *mut u8, layout) };
        }
    }

    /// Resizes a chunk in place if its class stays, or talc finds room behind it.
    ///
    /// # Safety
    /// The chunk was made with size `from` and this alignment, and is the caller's.
    pub(super) unsafe fn chunk_resize(
        &self,
        chunk: usize,
        from: usize,
        to: usize,
        align: usize,
    ) -> bool {
        if align <= GRANULE {
            match (class::of(from), class::of(to)) {
                (None, None) => {}
                (was, is) => return was == is,
            }
        }
        let Ok(layout) = Layout::from_size_align(from, align.max(GRANULE)) else { return false };
        if Layout::from_size_align(to, align.max(GRANULE)).is_err() {
            return false;
        }
        // SAFETY: the caller's chunk was made with this layout, and `to` is a header at least.
        unsafe { self.inner.lock().try_realloc_in_place(chunk as *mut u8, layout, to) }
    }

    /// Brings a batch of chunks of the class from talc; returns one of them, 0 when exhausted.
    #[cold]
    unsafe fn refill(&self, cache: &Cache, class: usize) -> usize {
        let Some(layout) = class_layout(class) else { return 0 };
        let mut inner = self.inner.lock();
        // SAFETY: classes are not empty.
        let Some(first) = (unsafe { inner.allocate(layout) }) else { return 0 };
        for _ in 1..BATCH.min(class::limit(class) / 2) {
            // SAFETY: as above. Only the first may grow memory: the rest is a convenience.
            let Some(chunk) = (unsafe { inner.try_allocate(layout) }) else { break };
            // SAFETY: the caller owns the cache and the chunk is fresh.
            unsafe { cache.put(class, chunk.as_ptr().addr()) };
        }
        first.as_ptr().addr()
    }

    /// Gives half of a full shelf back to talc, so that other threads and sizes can use it.
    #[cold]
    unsafe fn flush(&self, cache: &Cache, class: usize) {
        let Some(layout) = class_layout(class) else { return };
        let mut inner = self.inner.lock();
        for _ in 0..class::limit(class) / 2 {
            // SAFETY: the caller owns the cache; its chunks were made with the class's layout.
            let Some(chunk) = (unsafe { cache.take(class) }) else { break };
            // SAFETY: as above.
            unsafe { inner.deallocate(chunk as *mut u8, layout) };
        }
    }

    /// Gives all chunks of a cache back to talc.
    ///
    /// # Safety
    /// The calling thread owns `cache`, or its owner is dead.
    pub(super) unsafe fn drain(&self, cache: &Cache) {
        let mut inner = self.inner.lock();
        for class in 0..class::COUNT {
            let Some(layout) = class_layout(class) else { continue };
            // SAFETY: by the contract; chunks of a class have its layout.
            while let Some(chunk) = unsafe { cache.take(class) } {
                // SAFETY: as above.
                unsafe { inner.deallocate(chunk as *mut u8, layout) };
            }
        }
    }

    /// Makes the live map cover `offset` with a leaf from talc, and marks the block there.
    #[cold]
    fn cover(&self, offset: usize) -> bool {
        let Ok(layout) = Layout::from_size_align(LEAF_BYTES, GRANULE) else { return false };
        let mut inner = self.inner.lock();
        if self.live.is_covered(offset) {
            return self.live.set(offset);
        }
        // SAFETY: a leaf is not empty.
        let Some(leaf) = (unsafe { inner.allocate(layout) }) else { return false };
        // SAFETY: the leaf is zeroed here, never given back, and we hold the lock.
        unsafe {
            leaf.as_ptr().write_bytes(0, LEAF_BYTES);
            self.live.install(offset, leaf.as_ptr());
        }
        self.live.set(offset)
    }

    /// Adds a thread's difference to the heap's count and forgets it.
    pub(super) fn publish(&self, cache: &Cache) {
        let difference = i64::from(cache.bytes.get().cast_signed()).cast_unsigned();
        let highest = i64::from(cache.peak.get().cast_signed()).cast_unsigned();
        // Relaxed: counts order nothing.
        let before = self.bytes.fetch_add(difference, Ordering::Relaxed);
        let candidate = before.wrapping_add(highest);
        if candidate.cast_signed() > 0 {
            self.peak.fetch_max(candidate, Ordering::Relaxed);
        }
        cache.bytes.set(0);
        cache.peak.set(0);
    }

    /// An owned cache for the calling thread, or nothing when memory is exhausted.
    pub fn attach(&self) -> Option<&Cache> {
        for cache in self.each_cache() {
            // Acquire pairs with the Release in `detach`: the last owner's shelves are visible.
            if cache.owned.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return Some(cache);
            }
        }
        let mut inner = self.inner.lock();
        // SAFETY: a cache is not empty.
        let room = unsafe { inner.allocate(Layout::new::<Cache>()) }?.cast::<Cache>();
        let next = self.caches.load(Ordering::Relaxed);
        // SAFETY: the room fits a cache, is ours, and is never given back.
        let cache = unsafe {
            room.write(Cache::new(next));
            room.as_ref()
        };
        // Release: who walks the list sees a finished cache. The lock keeps other pushes out.
        self.caches.store(room.as_ptr().addr(), Ordering::Release);
        Some(cache)
    }

    /// Ends a thread's use of its cache: everything in it goes back to the heap.
    ///
    /// # Safety
    /// The calling thread owns the cache and never uses it again, or its owner is dead.
    pub unsafe fn detach(&self, cache: &Cache) {
        // SAFETY: by the contract.
        unsafe { self.drain(cache) };
        self.publish(cache);
        cache.owned.store(0, Ordering::Release);
    }

    /// Every cache that was ever made.
    pub(super) fn each_cache(&self) -> impl Iterator<Item = &Cache> {
        let mut next = self.caches.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: entries are addresses of caches that are never freed.
            let cache = unsafe { (next as *const Cache).as_ref() }?;
            next = cache.next;
            Some(cache)
        })
    }

    pub(super) fn offset(&self, ptr: usize) -> usize {
        ptr.wrapping_sub(self.base)
    }

    /// Bytes that a chunk really takes: its class's, or its own rounded up.
    pub(super) fn footprint(&self, bytes: usize, align: usize) -> usize {
        match class::of(bytes) {
            Some(class) if align <= GRANULE => class::size_of_class(class) + TAG,
            _ => (bytes + TAG).next_multiple_of(GRANULE),
        }
    }

    pub(super) fn address(&self, offset: usize) -> usize {
        self.base + offset
    }

    fn may_be_block(&self, ptr: usize) -> bool {
        ptr.is_multiple_of(GRANULE) && ptr >= self.base + HEADER
    }

    unsafe fn header(&self, ptr: usize) -> Header {
        // SAFETY: the caller knows that a header lies before `ptr`, which is aligned to 16.
        unsafe { ((ptr - HEADER) as *const Header).read() }
    }

    unsafe fn dress(&self, ptr: usize, size: u32, align: u32, zoned: bool, serial: u32) {
        // SAFETY: the caller's chunk has room for the header before and the zone behind the block.
        unsafe {
            ((ptr - HEADER) as *mut Header).write(Header::new(ptr, size, align, zoned, serial));
            if zoned {
                ((ptr + size as usize) as *mut u8).write_bytes(ZONE_BYTE, ZONE);
            }
        }
    }
}

/// Whether nothing was written behind a block that has a zone there.
///
/// # Safety
/// `header` is the sound header of the live block at `ptr`.
pub(super) unsafe fn zone_is_sound(ptr: usize, header: &Header) -> bool {
    if !header.is_zoned() {
        return true;
    }
    // SAFETY: the chunk has a zone behind the block, as its header says.
    let zone =
        unsafe { std::slice::from_raw_parts((ptr + header.size as usize) as *const u8, ZONE) };
    zone.iter().all(|&byte| byte == ZONE_BYTE)
}

fn class_layout(class: usize) -> Option<Layout> {
    debug_assert!((class::size_of_class(class) + TAG).is_multiple_of(GRANULE));
    Layout::from_size_align(class::size_of_class(class), GRANULE).ok()
}
