//! Descriptors: which there are, what they are told to be, renumbering and closing.

use crate::report::*;
use crate::say;

fn prestat(fd: Fd) -> Result<String, Errno> {
    // SAFETY: the buffer has the length that the host has told.
    unsafe {
        let length = fd_prestat_get(fd)?.u.dir.pr_name_len;
        let mut name = vec![0u8; length];
        fd_prestat_dir_name(fd, name.as_mut_ptr(), length)?;
        Ok(String::from_utf8_lossy(&name).into_owned())
    }
}

pub fn preopens() {
    for fd in 0..8 {
        say!(format!("prestat of {fd}"), prestat(fd));
    }
    file(ROOT, "f", b"x");
    let fd = open(ROOT, "f", 0, READ, 0).expect("the file");
    say!("prestat of a file", prestat(fd));
    let mut short = [0u8; 8];
    say!("a name into too little room", fd_prestat_dir_name(5, short.as_mut_ptr(), 1));
}

fn fdstat(fd: Fd) -> Result<(&'static str, Fdflags), Errno> {
    // SAFETY: nothing of ours is handed over.
    unsafe { fd_fdstat_get(fd) }.map(|stat| (type_name(stat.fs_filetype), stat.fs_flags))
}

pub fn stdio() {
    say!("seek on stdout", fd_seek(1, 0, WHENCE_CUR));
    say!("tell on stdin", fd_tell(0));
    say!("read stdin", read(0, 10));
    say!("read stdin at its end", read(0, 10));
    say!("write to stdin", write(0, b"x"));
    say!("sizes of stdout", fd_filestat_set_size(1, 0));
    say!("write to stderr", write(2, b""));
}

pub fn renumber() {
    file(ROOT, "a", b"aaa");
    file(ROOT, "b", b"bbb");
    let a = open(ROOT, "a", 0, READ, 0).expect("a");
    let b = open(ROOT, "b", 0, READ, 0).expect("b");
    say!("b onto a", fd_renumber(b, a));
    say!("b is gone", fdstat(b));
    say!("a reads b", read(a, 10));
    say!("onto itself", fd_renumber(a, a));
    say!("still there", fdstat(a));
    say!("from nothing", fd_renumber(99, a));
}

pub fn renumber_stdio() {
    file(ROOT, "input", b"from a file");
    let fd = open(ROOT, "input", 0, READ, 0).expect("input");
    say!("onto stdin", fd_renumber(fd, 0));
    say!("read stdin", read(0, 100));
    let out = open(ROOT, "output", OFLAGS_CREAT, WRITE, 0).expect("output");
    say!("onto stderr", fd_renumber(out, 2));
    say!("write to stderr", write(2, b"into a file"));
    say!("output", contents(ROOT, "output"));
}

pub fn lowest() {
    file(ROOT, "f", b"x");
    let fds: Vec<_> = (0..4).map(|_| open(ROOT, "f", 0, READ, 0).expect("the file")).collect();
    close(fds[1]);
    close(fds[0]);
    let again = open(ROOT, "f", 0, READ, 0).expect("the file");
    let then = open(ROOT, "f", 0, READ, 0).expect("the file");
    println!("the lowest that was free: {} and {}", again == fds[0], then == fds[1]);
}

pub fn rights() {
    file(ROOT, "f", b"x");
    let has = |fd: Fd, right: Rights| {
        // SAFETY: nothing of ours is handed over.
        unsafe { fd_fdstat_get(fd) }.is_ok_and(|stat| stat.fs_rights_base & right == right)
    };
    println!("a directory can be opened below: {}", has(ROOT, RIGHTS_PATH_OPEN));
    println!("a directory has no offset: {}", !has(ROOT, RIGHTS_FD_SEEK));
    let reader = open(ROOT, "f", 0, READ, 0).expect("the file");
    println!(
        "a reader reads: {}, seeks: {}",
        has(reader, RIGHTS_FD_READ),
        has(reader, RIGHTS_FD_SEEK)
    );
    let both = open(ROOT, "f", 0, READ | WRITE, 0).expect("the file");
    println!("a writer writes: {}", has(both, RIGHTS_FD_WRITE));
    say!("rights of nothing", fd_fdstat_set_rights(99, 0, 0));
}

pub fn flags() {
    file(ROOT, "f", b"x");
    let fd = open(ROOT, "f", 0, READ | WRITE, FDFLAGS_APPEND).expect("the file");
    say!("opened to append", fdstat(fd));
    say!("no longer", fd_fdstat_set_flags(fd, 0));
    say!("told so", fdstat(fd));
    say!("again", fd_fdstat_set_flags(fd, FDFLAGS_APPEND));
    say!("told so", fdstat(fd));
    say!("of nothing", fd_fdstat_set_flags(99, 0));
    say!("a directory's", fdstat(ROOT));
}

pub fn closed() {
    file(ROOT, "f", b"x");
    let fd = open(ROOT, "f", 0, READ, 0).expect("the file");
    say!("close", fd_close(fd));
    say!("close again", fd_close(fd));
    say!("read", read(fd, 1));
    say!("write", write(fd, b"x"));
    say!("seek", fd_seek(fd, 0, WHENCE_SET));
    say!("tell", fd_tell(fd));
    say!("sync", fd_sync(fd));
    say!("datasync", fd_datasync(fd));
    say!("advise", fd_advise(fd, 0, 0, ADVICE_NORMAL));
    say!("allocate", fd_allocate(fd, 0, 1));
    say!("filestat", fd_filestat_get(fd).map(|stat| stat.size));
    say!("set size", fd_filestat_set_size(fd, 0));
    say!("set times", fd_filestat_set_times(fd, 0, 0, 0));
    say!("readdir", fd_readdir(fd, [0u8; 64].as_mut_ptr(), 64, 0));
    say!("open below", open(fd, "x", 0, READ, 0));
    say!("make below", path_create_directory(fd, "x"));
}

pub fn close_preopen() {
    say!("prestat", prestat(OTHER));
    say!("close", fd_close(OTHER));
    say!("prestat", prestat(OTHER));
    say!("open below", open(OTHER, "x", OFLAGS_CREAT, WRITE, 0));
    file(ROOT, "f", b"x");
    let fd = open(ROOT, "f", 0, READ, 0).expect("the file");
    println!("its number is used again: {}", fd == OTHER);
    say!("and is no preopen", prestat(fd));
    say!("renumbered onto a preopen", fd_renumber(fd, RO));
}
