//! Directories: making, removing, renaming, and listing while they change.

use crate::report::*;
use crate::say;

pub fn make() {
    say!("made", path_create_directory(ROOT, "d"));
    say!("again", path_create_directory(ROOT, "d"));
    say!("below", path_create_directory(ROOT, "d/e"));
    say!("below nothing", path_create_directory(ROOT, "x/y"));
    file(ROOT, "f", b"");
    say!("over a file", path_create_directory(ROOT, "f"));
    say!("no name", path_create_directory(ROOT, ""));
    say!("kind", kind(ROOT, "d/e"));
}

pub fn remove() {
    dir(ROOT, "d");
    dir(ROOT, "d/e");
    file(ROOT, "f", b"");
    say!("not empty", path_remove_directory(ROOT, "d"));
    say!("a file", path_remove_directory(ROOT, "f"));
    say!("nothing", path_remove_directory(ROOT, "x"));
    say!("empty", path_remove_directory(ROOT, "d/e"));
    say!("now empty", path_remove_directory(ROOT, "d"));
    say!("gone", kind(ROOT, "d"));
}

pub fn unlink() {
    dir(ROOT, "d");
    file(ROOT, "f", b"");
    let as_directory = |errno| if errno == ERRNO_PERM { ERRNO_ISDIR } else { errno };
    say!("a directory", path_unlink_file(ROOT, "d").map_err(as_directory));
    say!("nothing", path_unlink_file(ROOT, "x"));
    say!("a file", path_unlink_file(ROOT, "f"));
    say!("gone", kind(ROOT, "f"));
}

pub fn rename_files() {
    file(ROOT, "a", b"a");
    file(ROOT, "b", b"b");
    dir(ROOT, "d");
    say!("onto nothing", path_rename(ROOT, "a", ROOT, "c"));
    say!("onto a file", path_rename(ROOT, "c", ROOT, "b"));
    say!("b", contents(ROOT, "b"));
    say!("c", kind(ROOT, "c"));
    say!("onto a directory", path_rename(ROOT, "b", ROOT, "d"));
    say!("into a directory", path_rename(ROOT, "b", ROOT, "d/b"));
    say!("from nothing", path_rename(ROOT, "x", ROOT, "y"));
    say!("into nothing", path_rename(ROOT, "d/b", ROOT, "x/y"));
    say!("onto itself", path_rename(ROOT, "d/b", ROOT, "d/b"));
    say!("to another preopen", path_rename(ROOT, "d/b", OTHER, "b"));
    say!("there", contents(OTHER, "b"));
}

pub fn rename_directories() {
    for name in ["a", "a/x", "b", "full", "full/x"] {
        dir(ROOT, name);
    }
    file(ROOT, "f", b"");
    say!("onto an empty one", path_rename(ROOT, "a", ROOT, "b"));
    say!("with all in it", kind(ROOT, "b/x"));
    say!("onto a full one", path_rename(ROOT, "b", ROOT, "full"));
    say!("onto a file", path_rename(ROOT, "b", ROOT, "f"));
    say!("into itself", path_rename(ROOT, "b", ROOT, "b/x/y"));
    say!("onto nothing", path_rename(ROOT, "b", ROOT, "c"));
    say!("there", kind(ROOT, "c/x"));
}

/// An entry of a directory as it stands in the buffer.
struct Listed {
    next: u64,
    kind: &'static str,
    name: String,
}

/// Reads entries from `cookie` on; those that are whole, and how many bytes the host wrote.
fn page(fd: Fd, cookie: u64, size: usize) -> Result<(Vec<Listed>, usize), Errno> {
    const HEAD: usize = size_of::<Dirent>();
    let mut bytes = vec![0u8; size];
    // SAFETY: the buffer has this length.
    let used = unsafe { fd_readdir(fd, bytes.as_mut_ptr(), size, cookie) }?;
    let mut found = Vec::new();
    let mut at = 0;
    while at + HEAD <= used {
        // SAFETY: a whole head lies here; it may be unaligned.
        let head = unsafe { bytes.as_ptr().add(at).cast::<Dirent>().read_unaligned() };
        let Some(name) = bytes[..used].get(at + HEAD..at + HEAD + head.d_namlen as usize) else {
            break;
        };
        found.push(Listed {
            next: head.d_next,
            kind: type_name(head.d_type),
            name: String::from_utf8_lossy(name).into_owned(),
        });
        at += HEAD + head.d_namlen as usize;
    }
    Ok((found, used))
}

fn names(entries: &[Listed]) -> Vec<String> {
    let mut names: Vec<_> =
        entries.iter().map(|Listed { name, kind, .. }| format!("{name} ({kind})")).collect();
    names.sort();
    names
}

fn opened(name: &str) -> Fd {
    open(ROOT, name, OFLAGS_DIRECTORY, RIGHTS_FD_READDIR | RIGHTS_PATH_OPEN, 0)
        .expect("the directory")
}

pub fn list() {
    dir(ROOT, "d");
    let fd = opened("d");
    say!("an empty one", page(fd, 0, 4096).map(|(found, _)| names(&found)));
    file(ROOT, "d/file", b"x");
    dir(ROOT, "d/dir");
    // SAFETY: both paths outlive the call.
    unsafe { path_symlink("file", ROOT, "d/link") }.expect("a link");
    say!("a full one", page(fd, 0, 4096).map(|(found, _)| names(&found)));
    say!(
        "of a file",
        page(open(ROOT, "d/file", 0, READ, 0).expect("the file"), 0, 4096).map(|_| ())
    );
    say!("of nothing", page(99, 0, 4096).map(|_| ()));
}

pub fn list_short() {
    dir(ROOT, "d");
    for n in 0..10 {
        file(ROOT, &format!("d/file-{n}"), b"");
    }
    let fd = opened("d");
    // A buffer that is filled to its end says that there may be more.
    let (found, used) = page(fd, 0, 100).expect("entries");
    println!("the buffer is full: {}, entries that are whole: {}", used == 100, found.len() >= 2);
    let (found, used) = page(fd, 0, 10).expect("entries");
    println!("a buffer smaller than a head is filled: {}, entries: {}", used == 10, found.len());
    let (_, used) = page(fd, 0, 4096).expect("entries");
    println!("a large one is not: {}", used < 4096);
}

pub fn list_cookies() {
    dir(ROOT, "d");
    for n in 0..50 {
        file(ROOT, &format!("d/file-{n:02}"), b"");
    }
    let fd = opened("d");
    let (mut all, mut cookie) = (Vec::new(), 0);
    loop {
        let (found, used) = page(fd, cookie, 200).expect("entries");
        if found.is_empty() {
            println!("at the end nothing comes: {}", used == 0);
            break;
        }
        cookie = found.last().map_or(0, |last| last.next);
        all.extend(found);
    }
    let listed = names(&all);
    println!(
        "{} entries, the first {}, the last {}",
        listed.len(),
        listed[0],
        listed[listed.len() - 1]
    );
    let (whole, _) = page(fd, 0, 1 << 16).expect("entries");
    println!("page by page and at once are the same: {}", names(&whole) == listed);
    let (again, _) = page(fd, all[9].next, 1 << 16).expect("entries");
    println!("from the tenth on: {}", again.len() == all.len() - 10);
}

pub fn list_changing() {
    dir(ROOT, "d");
    for n in 0..20 {
        file(ROOT, &format!("d/file-{n:02}"), b"");
    }
    let fd = opened("d");
    let (mut seen, mut cookie) = (Vec::new(), 0);
    loop {
        let (found, _) = page(fd, cookie, 150).expect("entries");
        let Some(last) = found.last() else { break };
        cookie = last.next;
        for Listed { name, kind, .. } in found {
            if kind == "file" && !seen.contains(&name) {
                // SAFETY: the path outlives the call.
                unsafe { path_unlink_file(fd, &name) }.expect("a file that was listed");
                seen.push(name);
            }
        }
    }
    println!("{} files were seen and removed", seen.len());
    say!("left", page(fd, 0, 4096).map(|(found, _)| names(&found)));
}
