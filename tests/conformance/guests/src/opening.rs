//! `path_open`: what is made, what is refused, and by which names.

use crate::report::*;
use crate::say;

pub fn missing() {
    say!("nothing there", open(ROOT, "f", 0, READ, 0));
    say!("no directory there", open(ROOT, "d/f", OFLAGS_CREAT, WRITE, 0));
    say!("no name", open(ROOT, "", 0, READ, 0));
}

pub fn create() {
    say!("made", open(ROOT, "f", OFLAGS_CREAT, READ | WRITE, 0).map(drop));
    say!("as what", kind(ROOT, "f"));
    say!("opened", open(ROOT, "f", OFLAGS_CREAT, READ | WRITE, 0).map(drop));
    say!("only if new", open(ROOT, "f", OFLAGS_CREAT | OFLAGS_EXCL, READ | WRITE, 0));
    say!("new", open(ROOT, "g", OFLAGS_CREAT | OFLAGS_EXCL, READ | WRITE, 0).map(drop));
    say!("an ending slash", open(ROOT, "h/", OFLAGS_CREAT, READ | WRITE, 0));
    say!("was not made", kind(ROOT, "h"));
}

pub fn directory() {
    dir(ROOT, "d");
    file(ROOT, "f", b"x");
    say!("a directory", open(ROOT, "d", OFLAGS_DIRECTORY, RIGHTS_FD_READDIR, 0).map(drop));
    say!("a directory without saying so", open(ROOT, "d", 0, RIGHTS_FD_READ, 0).map(drop));
    say!(
        "a directory to write",
        open(ROOT, "d", OFLAGS_DIRECTORY, RIGHTS_FD_READ | RIGHTS_FD_WRITE, 0)
    );
    say!("a directory to make", open(ROOT, "d", OFLAGS_CREAT, READ | WRITE, 0));
    say!("a file as a directory", open(ROOT, "f", OFLAGS_DIRECTORY, RIGHTS_FD_READDIR, 0));
    say!("below a file", open(f(), "x", 0, READ, 0));
    say!("to make a directory", open(ROOT, "new", OFLAGS_CREAT | OFLAGS_DIRECTORY, READ, 0));
    say!("nothing was made", kind(ROOT, "new"));
}

fn f() -> Fd {
    open(ROOT, "f", 0, READ, 0).expect("the file")
}

pub fn truncate() {
    file(ROOT, "f", b"text");
    say!("truncated", open(ROOT, "f", OFLAGS_TRUNC, READ | WRITE, 0).map(drop));
    say!("whole", contents(ROOT, "f"));
    say!("nothing there", open(ROOT, "g", OFLAGS_TRUNC, READ | WRITE, 0));
    dir(ROOT, "d");
    say!("a directory", open(ROOT, "d", OFLAGS_TRUNC, READ | WRITE, 0));
}

pub fn names() {
    let long = "n".repeat(255);
    say!("255 letters", open(ROOT, &long, OFLAGS_CREAT, WRITE, 0).map(drop));
    say!("256 letters", open(ROOT, &format!("{long}n"), OFLAGS_CREAT, WRITE, 0));
    say!("letters of the world", open(ROOT, "grün-石", OFLAGS_CREAT, WRITE, 0).map(drop));
    say!("seen", kind(ROOT, "grün-石"));
    say!("a zero", open(ROOT, "a\0b", OFLAGS_CREAT, WRITE, 0));
    // No text at all: only the bare function takes it.
    let bytes = [0xff_u8, 0xfe];
    let (mut fd, at) = (0, bytes.as_ptr() as i32);
    let flags = i32::from(OFLAGS_CREAT);
    // SAFETY: the bytes and the descriptor outlive the call.
    let code = unsafe {
        let result = (&raw mut fd) as i32;
        wasi_snapshot_preview1::path_open(ROOT as i32, 0, at, 2, flags, WRITE as i64, 0, 0, result)
    };
    println!(
        "no text: {}",
        if code == i32::from(ERRNO_ILSEQ.raw()) { "EILSEQ" } else { "something else" }
    );
}

pub fn dots() {
    dir(ROOT, "d");
    file(ROOT, "d/f", b"deep");
    say!(".", kind(ROOT, "."));
    say!("d/./f", contents(ROOT, "d/./f"));
    say!("d//f", contents(ROOT, "d//f"));
    say!("d/../d/f", contents(ROOT, "d/../d/f"));
    say!("missing/../d/f", contents(ROOT, "missing/../d/f"));
    let d = open(ROOT, "d", OFLAGS_DIRECTORY, RIGHTS_FD_READDIR | RIGHTS_PATH_OPEN, 0)
        .expect("the directory");
    say!("below d", contents(d, "f"));
    say!("above d", contents(d, "../d/f"));
    say!("d itself", kind(d, "."));
}

pub fn trailing() {
    dir(ROOT, "d");
    file(ROOT, "f", b"x");
    say!("d/", kind(ROOT, "d/"));
    say!("f/", kind(ROOT, "f/"));
    say!("open f/", open(ROOT, "f/", 0, READ, 0));
    say!("make new/", path_create_directory(ROOT, "new/"));
    say!("unlink f/", path_unlink_file(ROOT, "f/"));
    say!("remove d/", path_remove_directory(ROOT, "d/"));
    say!("rename f to g/", path_rename(ROOT, "f", ROOT, "g/"));
    say!("link f to g/", path_link(ROOT, 0, "f", ROOT, "g/"));
}

pub fn through_file() {
    file(ROOT, "f", b"x");
    say!("open", open(ROOT, "f/g", 0, READ, 0));
    say!("make", open(ROOT, "f/g", OFLAGS_CREAT, WRITE, 0));
    say!("stat", kind(ROOT, "f/g"));
    say!("directory", path_create_directory(ROOT, "f/g"));
    say!("unlink", path_unlink_file(ROOT, "f/g"));
    say!("dot dot", kind(ROOT, "f/.."));
}
