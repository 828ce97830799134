//! Open files: bytes, offsets, sizes.

use crate::report::*;
use crate::say;

fn both(name: &str) -> Fd {
    open(ROOT, name, OFLAGS_CREAT, READ | WRITE, 0).expect("a file")
}

pub fn read_write() {
    let fd = both("f");
    say!("write", write(fd, b"hello, world"));
    say!("read at the end", read(fd, 5));
    say!("back", fd_seek(fd, 0, WHENCE_SET));
    say!("read", read(fd, 5));
    say!("tell", fd_tell(fd));
    say!("overwrite", write(fd, b"!"));
    say!("whole", contents(ROOT, "f"));
    say!("nothing written", write(fd, b""));
    say!("nothing read", read(fd, 0));
    say!("no buffers", fd_read(fd, &[]));
}

pub fn positional() {
    let fd = both("f");
    say!("write", write(fd, b"0123456789"));
    let mut bytes = [0u8; 4];
    let iovec = [Iovec { buf: bytes.as_mut_ptr(), buf_len: 4 }];
    say!("read at 3", fd_pread(fd, &iovec, 3));
    println!("{:?}", String::from_utf8_lossy(&bytes));
    say!("read at 8", fd_pread(fd, &iovec, 8));
    say!("read past the end", fd_pread(fd, &iovec, 100));
    let ciovec = [Ciovec { buf: b"XY".as_ptr(), buf_len: 2 }];
    say!("write at 4", fd_pwrite(fd, &ciovec, 4));
    say!("write past the end", fd_pwrite(fd, &ciovec, 12));
    say!("the offset stays", fd_tell(fd));
    say!("whole", contents(ROOT, "f"));
}

pub fn vectors() {
    let fd = both("f");
    let parts: [&[u8]; 4] = [b"ab", b"", b"cde", b"f"];
    let out = parts.map(|part| Ciovec { buf: part.as_ptr(), buf_len: part.len() });
    // A host may stop after any buffer: what counts is the order of bytes.
    let mut next = 0;
    while next < out.len() {
        // SAFETY: the buffers outlive the call.
        let mut written = unsafe { fd_write(fd, &out[next..]) }.expect("bytes to go");
        while next < out.len() && written >= out[next].buf_len {
            written -= out[next].buf_len;
            next += 1;
        }
        assert_eq!(written, 0, "a buffer was cut");
    }
    say!("gathered", contents(ROOT, "f"));
    say!("back", fd_seek(fd, 0, WHENCE_SET));
    let mut first = [0u8; 1];
    let mut second = [0u8; 9];
    let into = [
        Iovec { buf: first.as_mut_ptr(), buf_len: 1 },
        Iovec { buf: second.as_mut_ptr(), buf_len: 9 },
    ];
    // SAFETY: both buffers outlive the calls.
    let mut read = unsafe { fd_read(fd, &into) }.expect("bytes");
    if read == 1 {
        // SAFETY: as above.
        read += unsafe { fd_read(fd, &into[1..]) }.expect("the rest");
    }
    println!("{read}: {first:?} {:?}", &second[..5]);
}

pub fn append() {
    file(ROOT, "f", b"one");
    let fd = open(ROOT, "f", 0, READ | WRITE, FDFLAGS_APPEND).expect("the file");
    say!("offset", fd_tell(fd));
    say!("write", write(fd, b"two"));
    say!("back", fd_seek(fd, 0, WHENCE_SET));
    say!("write", write(fd, b"three"));
    say!("whole", contents(ROOT, "f"));
    say!("no longer", fd_fdstat_set_flags(fd, 0));
    say!("back", fd_seek(fd, 0, WHENCE_SET));
    say!("write", write(fd, b"ONE"));
    say!("whole", contents(ROOT, "f"));
}

pub fn seek() {
    let fd = both("f");
    say!("write", write(fd, b"0123456789"));
    say!("from the end", fd_seek(fd, -3, WHENCE_END));
    say!("from here", fd_seek(fd, 1, WHENCE_CUR));
    say!("read", read(fd, 10));
    say!("past the end", fd_seek(fd, 100, WHENCE_SET));
    say!("read there", read(fd, 10));
    say!("before the start", fd_seek(fd, -1, WHENCE_SET));
    say!("before the start from here", fd_seek(fd, -101, WHENCE_CUR));
    say!("the offset stays", fd_tell(fd));
    say!("write there", write(fd, b"x"));
    say!("size", fd_filestat_get(fd).map(|stat| stat.size));
    say!("of a directory", fd_seek(ROOT, 0, WHENCE_CUR));
}

pub fn sizes() {
    let fd = both("f");
    say!("write", write(fd, b"0123456789"));
    say!("shorter", fd_filestat_set_size(fd, 4));
    say!("whole", contents(ROOT, "f"));
    say!("the offset stays", fd_tell(fd));
    say!("longer", fd_filestat_set_size(fd, 6));
    say!("whole", contents(ROOT, "f"));
    say!("much longer", fd_filestat_set_size(fd, 1 << 33));
    say!("size", fd_filestat_get(fd).map(|stat| stat.size));
    say!("of a directory", fd_filestat_set_size(ROOT, 0));
}

pub fn allocate() {
    let fd = both("f");
    say!("write", write(fd, b"0123"));
    let result = unsafe_allocate(fd, 0, 8);
    // A host may say that it cannot; one that can must have made the file longer.
    println!("allocated or not supported: {}", matches!(result, Ok(()) | Err(ERRNO_NOTSUP)));
    let wanted = if result.is_ok() { 8 } else { 4 };
    say!("size is right", fd_filestat_get(fd).map(|stat| stat.size == wanted));
}

fn unsafe_allocate(fd: Fd, offset: Filesize, len: Filesize) -> Result<(), Errno> {
    // SAFETY: nothing of ours is handed over.
    unsafe { fd_allocate(fd, offset, len) }
}

pub fn advise() {
    let fd = both("f");
    for advice in [
        ADVICE_NORMAL,
        ADVICE_SEQUENTIAL,
        ADVICE_RANDOM,
        ADVICE_WILLNEED,
        ADVICE_DONTNEED,
        ADVICE_NOREUSE,
    ] {
        say!(advice.name(), fd_advise(fd, 0, 10, advice));
    }
    say!("on a directory", fd_advise(ROOT, 0, 0, ADVICE_NORMAL).map_err(|_| ERRNO_BADF));
}

pub fn sync() {
    let fd = both("f");
    say!("write", write(fd, b"0123"));
    say!("sync", fd_sync(fd));
    say!("datasync", fd_datasync(fd));
}

pub fn read_only_file() {
    file(ROOT, "f", b"text");
    let fd = open(ROOT, "f", 0, READ, 0).expect("the file");
    say!("read", read(fd, 10));
    say!("write", write(fd, b"x"));
    say!(
        "set size",
        fd_filestat_set_size(fd, 0).map_err(|errno| if errno == ERRNO_INVAL {
            ERRNO_BADF
        } else {
            errno
        })
    );
    say!("whole", contents(ROOT, "f"));
}

pub fn write_only_file() {
    let fd = open(ROOT, "f", OFLAGS_CREAT, WRITE, 0).expect("the file");
    say!("write", write(fd, b"text"));
    say!("back", fd_seek(fd, 0, WHENCE_SET));
    say!("read", read(fd, 10));
}

pub fn directory_as_file() {
    dir(ROOT, "d");
    let fd = open(ROOT, "d", OFLAGS_DIRECTORY, RIGHTS_FD_READDIR, 0).expect("the directory");
    say!("read", read(fd, 10));
    say!("write", write(fd, b"x"));
    say!("type", fd_filestat_get(fd).map(|stat| type_name(stat.filetype)));
}

pub fn unlinked_open() {
    let fd = both("f");
    say!("write", write(fd, b"still here"));
    say!("unlink", path_unlink_file(ROOT, "f"));
    say!("gone", kind(ROOT, "f"));
    say!("back", fd_seek(fd, 0, WHENCE_SET));
    say!("read", read(fd, 20));
    say!("links", fd_filestat_get(fd).map(|stat| stat.nlink));
}
