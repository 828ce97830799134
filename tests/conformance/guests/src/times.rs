//! Times and the other facts of files.

use crate::report::*;
use crate::say;

const A: Timestamp = 1_234_567_890_123_456_789;
const M: Timestamp = 987_654_321_000_000_001;

fn of(path: &str) -> Result<(Timestamp, Timestamp), Errno> {
    // SAFETY: the path outlives the call.
    unsafe { path_filestat_get(ROOT, 0, path) }.map(|stat| (stat.atim, stat.mtim))
}

pub fn times() {
    file(ROOT, "f", b"x");
    let fd = open(ROOT, "f", 0, READ | WRITE, 0).expect("the file");
    say!("both", fd_filestat_set_times(fd, A, M, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    say!("told", of("f"));
    say!("one", fd_filestat_set_times(fd, 5, 6, FSTFLAGS_MTIM));
    say!("told", of("f"));
    say!("none", fd_filestat_set_times(fd, 7, 8, 0));
    say!("told", of("f"));
    say!("by path", path_filestat_set_times(ROOT, 0, "f", A, M, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
    say!("told", of("f"));
    say!("now", path_filestat_set_times(ROOT, 0, "f", 0, 0, FSTFLAGS_MTIM_NOW));
    let (atime, mtime) = of("f").expect("times");
    println!("one stayed: {}, one is recent: {}", atime == A, mtime > 1_700_000_000_000_000_000);
    dir(ROOT, "d");
    say!(
        "of a directory",
        path_filestat_set_times(ROOT, 0, "d", A, M, FSTFLAGS_ATIM | FSTFLAGS_MTIM)
    );
    say!("told", of("d"));
}

pub fn of_links() {
    file(ROOT, "f", b"x");
    // SAFETY: both paths outlive the call.
    unsafe { path_symlink("f", ROOT, "l") }.expect("a link");
    let both = FSTFLAGS_ATIM | FSTFLAGS_MTIM;
    say!("the file's", path_filestat_set_times(ROOT, 0, "f", 1, 2, both));
    say!("the link's", path_filestat_set_times(ROOT, 0, "l", A, M, both));
    say!("file", of("f"));
    say!("link", of("l"));
    say!(
        "through the link",
        path_filestat_set_times(ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, "l", 3_000, 4_000, both)
    );
    say!("file", of("f"));
    say!("link's modification", of("l").map(|(_, mtime)| mtime));
}

pub fn wrong() {
    file(ROOT, "f", b"x");
    let fd = open(ROOT, "f", 0, READ | WRITE, 0).expect("the file");
    say!("now and then", fd_filestat_set_times(fd, 1, 1, FSTFLAGS_ATIM | FSTFLAGS_ATIM_NOW));
    say!("now and then", fd_filestat_set_times(fd, 1, 1, FSTFLAGS_MTIM | FSTFLAGS_MTIM_NOW));
    say!("by path", path_filestat_set_times(ROOT, 0, "f", 1, 1, FSTFLAGS_MTIM | FSTFLAGS_MTIM_NOW));
    say!("of nothing", path_filestat_set_times(ROOT, 0, "x", 1, 1, FSTFLAGS_MTIM));
}

pub fn filestat() {
    file(ROOT, "f", b"four");
    dir(ROOT, "d");
    file(ROOT, "g", b"");
    // SAFETY: the paths outlive the calls.
    let stats =
        ["f", "d", "g"].map(|path| unsafe { path_filestat_get(ROOT, 0, path) }.expect("facts"));
    for (name, stat) in ["f", "d", "g"].iter().zip(&stats) {
        let size = if stat.filetype == FILETYPE_DIRECTORY { 0 } else { stat.size };
        println!(
            "{name}: {}, {size} bytes, recent: {}",
            type_name(stat.filetype),
            stat.mtim > 1_700_000_000_000_000_000
        );
    }
    println!(
        "each has a number of its own: {}",
        stats[0].ino != stats[1].ino
            && stats[1].ino != stats[2].ino
            && stats[0].ino != stats[2].ino
    );
    println!("all on one device: {}", stats.iter().all(|stat| stat.dev == stats[0].dev));
    println!("links of files: {} and {}", stats[0].nlink, stats[2].nlink);
    let fd = open(ROOT, "f", 0, READ, 0).expect("the file");
    say!(
        "open and by name the same",
        fd_filestat_get(fd).map(|stat| stat.ino == stats[0].ino && stat.size == 4)
    );
    say!("nothing", path_filestat_get(ROOT, 0, "x").map(|_| ()));
    say!("no name", path_filestat_get(ROOT, 0, "").map(|_| ()));
}
