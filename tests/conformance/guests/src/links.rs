//! Symbolic and hard links.

use crate::report::*;
use crate::say;

fn follow(path: &str) -> Result<&'static str, Errno> {
    // SAFETY: the path outlives the call.
    unsafe { path_filestat_get(ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, path) }
        .map(|stat| type_name(stat.filetype))
}

fn link(to: &str, path: &str) {
    // SAFETY: both paths outlive the call.
    unsafe { path_symlink(to, ROOT, path) }.expect("a link");
}

pub fn symlinks() {
    file(ROOT, "f", b"text");
    dir(ROOT, "d");
    file(ROOT, "d/g", b"deep");
    say!("to a file", path_symlink("f", ROOT, "to-f"));
    say!("to a directory", path_symlink("d", ROOT, "to-d"));
    say!("over what is there", path_symlink("f", ROOT, "d"));
    say!("no target", path_symlink("", ROOT, "empty"));
    say!("no name", path_symlink("f", ROOT, ""));
    say!("itself", kind(ROOT, "to-f"));
    say!("what it leads to", follow("to-f"));
    say!("through it", contents(ROOT, "to-f"));
    say!("through a directory", contents(ROOT, "to-d/g"));
    say!("unlink it", path_unlink_file(ROOT, "to-f"));
    say!("the file is there", kind(ROOT, "f"));
    say!("remove as a directory", path_remove_directory(ROOT, "to-d"));
    say!("rename it", path_rename(ROOT, "to-d", ROOT, "moved"));
    say!("still a link", kind(ROOT, "moved"));
}

pub fn chains() {
    file(ROOT, "f", b"text");
    dir(ROOT, "d");
    link("../f", "d/up");
    link("d/up", "first");
    link("first", "second");
    say!("three links", contents(ROOT, "second"));
    link("d/", "slash");
    say!("a link with a slash", contents(ROOT, "slash/up"));
    link("./d/./up", "dots");
    say!("a link with dots", contents(ROOT, "dots"));
    for n in 0..60 {
        let to = if n == 0 { "f".to_owned() } else { format!("l{}", n - 1) };
        link(&to, &format!("l{n}"));
    }
    say!("eight links", contents(ROOT, "l7"));
    say!("too many", contents(ROOT, "l59"));
}

pub fn loops() {
    link("a", "a");
    link("c", "b");
    link("b", "c");
    say!("open", open(ROOT, "a", 0, READ, 0));
    say!("stat", follow("a"));
    say!("stat of itself", kind(ROOT, "a"));
    say!("two", open(ROOT, "b", 0, READ, 0));
    say!("through", open(ROOT, "a/x", 0, READ, 0));
    say!("make below", path_create_directory(ROOT, "a/x"));
    say!("unlink", path_unlink_file(ROOT, "a"));
}

pub fn dangling() {
    link("nothing", "d");
    say!("open", open(ROOT, "d", 0, READ, 0));
    say!("stat", follow("d"));
    say!("itself", kind(ROOT, "d"));
    say!("make a directory", path_create_directory(ROOT, "d"));
    say!("only if new", open(ROOT, "d", OFLAGS_CREAT | OFLAGS_EXCL, READ | WRITE, 0));
    say!("made through it", open(ROOT, "d", OFLAGS_CREAT, READ | WRITE, 0).map(drop));
    say!("there", kind(ROOT, "nothing"));
}

pub fn nofollow() {
    file(ROOT, "f", b"text");
    dir(ROOT, "d");
    link("f", "to-f");
    link("d", "to-d");
    say!("a file", path_open(ROOT, 0, "to-f", 0, READ, 0, 0));
    let as_loop = |errno| if errno == ERRNO_NOTDIR { ERRNO_LOOP } else { errno };
    say!(
        "a directory",
        path_open(ROOT, 0, "to-d", OFLAGS_DIRECTORY, RIGHTS_FD_READDIR, 0, 0).map_err(as_loop)
    );
    say!("to make", path_open(ROOT, 0, "to-f", OFLAGS_CREAT, READ | WRITE, 0, 0));
    say!("no link", path_open(ROOT, 0, "f", 0, READ, 0, 0).map(drop));
}

pub fn readlink() {
    file(ROOT, "f", b"text");
    link("a-rather-long-target", "l");
    let mut bytes = [b'.'; 32];
    say!("whole", path_readlink(ROOT, "l", bytes.as_mut_ptr(), 32));
    println!("{:?}", String::from_utf8_lossy(&bytes));
    let mut short = [b'.'; 8];
    say!("cut", path_readlink(ROOT, "l", short.as_mut_ptr(), 5));
    println!("{:?}", String::from_utf8_lossy(&short));
    say!("no room", path_readlink(ROOT, "l", short.as_mut_ptr(), 0));
    say!("a file", path_readlink(ROOT, "f", bytes.as_mut_ptr(), 32));
    say!("nothing", path_readlink(ROOT, "x", bytes.as_mut_ptr(), 32));
}

fn facts(path: &str) -> (u64, u64) {
    // SAFETY: the path outlives the call.
    let stat = unsafe { path_filestat_get(ROOT, 0, path) }.expect("the file");
    (stat.ino, stat.nlink)
}

pub fn hard() {
    file(ROOT, "f", b"text");
    dir(ROOT, "d");
    say!("link", path_link(ROOT, 0, "f", ROOT, "d/g"));
    println!("one file of two names: {}", facts("f") == facts("d/g") && facts("f").1 == 2);
    let fd = open(ROOT, "d/g", OFLAGS_TRUNC, READ | WRITE, 0).expect("the file");
    say!("write by one", write(fd, b"new"));
    say!("read by the other", contents(ROOT, "f"));
    say!("unlink one", path_unlink_file(ROOT, "f"));
    println!("names left: {}", facts("d/g").1);
    say!("read", contents(ROOT, "d/g"));
    link("d/g", "l");
    say!("a link to a link", path_link(ROOT, 0, "l", ROOT, "m"));
    say!("is a link", kind(ROOT, "m"));
    say!("from another preopen", path_link(ROOT, 0, "d/g", OTHER, "g"));
    say!("there", contents(OTHER, "g"));
}

pub fn hard_wrong() {
    file(ROOT, "f", b"text");
    file(ROOT, "g", b"");
    dir(ROOT, "d");
    link("f", "l");
    say!("over a file", path_link(ROOT, 0, "f", ROOT, "g"));
    say!("over itself", path_link(ROOT, 0, "f", ROOT, "f"));
    say!("over a directory", path_link(ROOT, 0, "f", ROOT, "d"));
    let as_perm = |errno| if errno == ERRNO_ACCES { ERRNO_PERM } else { errno };
    say!("a directory", path_link(ROOT, 0, "d", ROOT, "e").map_err(as_perm));
    say!("nothing", path_link(ROOT, 0, "x", ROOT, "y"));
    say!("into nothing", path_link(ROOT, 0, "f", ROOT, "x/y"));
    say!("following", path_link(ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, "l", ROOT, "m"));
    say!("over a link", path_link(ROOT, 0, "f", ROOT, "l"));
}
