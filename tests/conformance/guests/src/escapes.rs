//! Attempts to reach what is not below a preopen, or to change what may only be read: all must be refused.

use crate::report::*;

/// Prints one attempt, and whether the host refused it; the number of an error is the host's choice.
fn refused<T>(what: &str, result: Result<T, Errno>) {
    println!("{what}: {}", if result.is_err() { "refused" } else { "NOT REFUSED" });
}

fn link(to: &str, path: &str) {
    // SAFETY: both paths outlive the call. Hosts may refuse targets that are absolute already here.
    let _ = unsafe { path_symlink(to, ROOT, path) };
}

/// Paths that lead out of `/`, from which `inside/deep` is below.
const WAYS: &[&str] = &[
    "..",
    "../",
    "../secret",
    "../secret/file",
    "./../secret",
    ".//../secret",
    "inside/../../secret",
    "inside/deep/../../../secret",
    "inside/./.././../secret",
    "/",
    "/secret",
    "/secret/file",
    "//secret",
    "/../secret",
    "/etc/passwd",
    "/proc/self/root",
    "inside/../../conformance/../secret",
    "../work",
    "../work/inside",
    "../work/../secret",
    "up",
    "up/secret",
    "up/work/inside",
    "up-far/secret",
    "out",
    "out/file",
    "absolute",
    "absolute/file",
    "inside/up-two/secret",
    "inside/to-out/file",
    "chain/file",
    "inside/deep/../../up/secret",
    "self/up/secret",
];

pub fn escapes() {
    dir(ROOT, "inside");
    dir(ROOT, "inside/deep");
    file(ROOT, "mine", b"mine");
    link("..", "up");
    link("../../../..", "up-far");
    link("../secret", "out");
    link("/secret", "absolute");
    link("../..", "inside/up-two");
    link("../out", "inside/to-out");
    link("inside/to-out", "chain");
    link(".", "self");
    for path in WAYS {
        refused(&format!("read {path}"), open(ROOT, path, 0, READ, 0));
        refused(&format!("list {path}"), open(ROOT, path, OFLAGS_DIRECTORY, RIGHTS_FD_READDIR, 0));
        // SAFETY: the paths outlive the calls.
        unsafe {
            refused(
                &format!("stat {path}"),
                path_filestat_get(ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, path),
            );
            let below = format!("{path}/new");
            refused(&format!("write {below}"), open(ROOT, &below, OFLAGS_CREAT, WRITE, 0));
            refused(&format!("make {below}"), path_create_directory(ROOT, &below));
            refused(
                &format!("unlink {path}/file"),
                path_unlink_file(ROOT, &format!("{path}/file")),
            );
            refused(
                &format!("remove {path}/empty"),
                path_remove_directory(ROOT, &format!("{path}/empty")),
            );
            refused(
                &format!("move in {path}/file"),
                path_rename(ROOT, &format!("{path}/file"), ROOT, "got"),
            );
            refused(&format!("move out {below}"), path_rename(ROOT, "mine", ROOT, &below));
            refused(
                &format!("link in {path}/file"),
                path_link(ROOT, 0, &format!("{path}/file"), ROOT, "got"),
            );
            refused(&format!("link out {below}"), path_link(ROOT, 0, "mine", ROOT, &below));
            refused(&format!("symlink out {below}"), path_symlink("x", ROOT, &below));
            refused(
                &format!("set times of {path}/file"),
                path_filestat_set_times(
                    ROOT,
                    LOOKUPFLAGS_SYMLINK_FOLLOW,
                    &format!("{path}/file"),
                    1,
                    1,
                    FSTFLAGS_MTIM,
                ),
            );
            refused(
                &format!("read the link {path}/link"),
                path_readlink(ROOT, &format!("{path}/link"), [0u8; 64].as_mut_ptr(), 64),
            );
        }
    }
    // A directory below a preopen is a jail of its own, even where its parent is ours.
    let deep = open(ROOT, "inside/deep", OFLAGS_DIRECTORY, RIGHTS_FD_READDIR | RIGHTS_PATH_OPEN, 0)
        .expect("a directory");
    for path in ["..", "../deep", "../../mine", "./.."] {
        refused(&format!("from below: {path}"), open(deep, path, 0, RIGHTS_FD_READ, 0));
    }
    println!("mine is still here: {:?}", contents(ROOT, "mine").ok());
}

/// What would change a directory that may only be read; it holds `f`, `d/g` and the link `l` to `f`.
pub fn read_only() {
    let both = READ | WRITE;
    println!("reading works: {}", told(contents(RO, "f")));
    refused("write", open(RO, "f", 0, both, 0));
    refused("truncate", open(RO, "f", OFLAGS_TRUNC, READ, 0));
    refused("truncate and write", open(RO, "f", OFLAGS_TRUNC, both, 0));
    refused("create", open(RO, "new", OFLAGS_CREAT, READ, 0));
    refused("create to write", open(RO, "new", OFLAGS_CREAT, both, 0));
    refused("write deeper", open(RO, "d/g", 0, both, 0));
    refused("write by a link", open(RO, "l", 0, both, 0));
    file(ROOT, "mine", b"mine");
    // SAFETY: the paths outlive the calls.
    unsafe {
        refused("make", path_create_directory(RO, "new"));
        refused("remove", path_remove_directory(RO, "d"));
        refused("unlink", path_unlink_file(RO, "f"));
        refused("rename", path_rename(RO, "f", RO, "g"));
        refused("rename out", path_rename(RO, "f", ROOT, "f"));
        refused("rename in", path_rename(ROOT, "mine", RO, "mine"));
        refused("link", path_link(RO, 0, "f", RO, "g"));
        refused("link out", path_link(RO, 0, "f", ROOT, "f"));
        refused("link in", path_link(ROOT, 0, "mine", RO, "mine"));
        refused("symlink", path_symlink("f", RO, "m"));
        refused("set times", path_filestat_set_times(RO, 0, "f", 1, 1, FSTFLAGS_MTIM));
        let fd = open(RO, "f", 0, READ, 0).expect("the file");
        refused("set size", fd_filestat_set_size(fd, 0));
        refused("write to it", write(fd, b"x"));
        refused("set its times", fd_filestat_set_times(fd, 1, 1, FSTFLAGS_MTIM));
        let d = open(RO, "d", OFLAGS_DIRECTORY, RIGHTS_FD_READDIR | RIGHTS_PATH_OPEN, 0)
            .expect("the directory");
        refused("write below", open(d, "g", 0, both, 0));
        refused("create below", open(d, "h", OFLAGS_CREAT, both, 0));
        refused("unlink below", path_unlink_file(d, "g"));
    }
    println!("f is as it was: {}", told(contents(RO, "f")));
}
