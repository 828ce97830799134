//! Ways out of a preopen, all refused: by paths, links, names, moves, and through read-only doors.

use super::*;

/// `/work` with a way or two in it, a secret beside it.
fn prison() -> World {
    let mut world = World::with(Config {
        preopens: vec![
            preopen("/", "/work"),
            Preopen { read_only: true, ..preopen("/ro", "/shared") },
            preopen("/other", "/other"),
        ],
        ..Config::default()
    });
    world.outside("/secret", b"secret");
    world.outside("/shared/file", b"shared");
    for dir in ["dir", "dir/sub"] {
        assert_eq!(world.mkdir(dir), 0);
    }
    for (target, path) in [
        ("../secret", "up"),
        ("..", "parent"),
        ("../work/dir", "round"),
        ("dir/../../secret", "winding"),
        ("up", "chain"),
        ("dir", "inside"),
        ("../dir", "dir/sideways"),
        ("../../secret", "dir/deep"),
        ("../../../../../../secret", "far"),
        ("./.././secret", "dotted"),
        ("parent/secret", "through"),
    ] {
        assert_eq!(world.symlink(target, path), 0, "{path}");
    }
    // Links that the page has made may say anything.
    for (target, path) in
        [("/secret", "/work/absolute"), ("/", "/work/root"), ("/work/dir", "/work/own")]
    {
        let World { fs, store, .. } = &mut world;
        store.run(fs, |fs| fs.symlink(target.as_bytes(), Place::from(path))).unwrap();
    }
    world
}

/// Paths that lead out, also those that come back in.
const OUT_OF: &[&str] = &[
    "/secret",
    "/",
    "//",
    "/work/dir",
    "..",
    "../",
    "../secret",
    "../work",
    "../work/dir",
    "./../secret",
    ".//..//secret",
    "dir/../../secret",
    "dir/../../work/dir",
    "dir/sub/../../../secret",
    "dir/sub/../../..",
    "up",
    "up/",
    "parent",
    "parent/",
    "parent/secret",
    "parent/work/dir",
    "round",
    "round/",
    "round/sub",
    "winding",
    "chain",
    "dir/deep",
    "far",
    "dotted",
    "through",
    "absolute",
    "root",
    "root/",
    "root/secret",
    "root/work/dir",
    "own",
    "own/sub",
    "inside/../../secret",
    "inside/../parent/secret",
];

#[test]
fn no_path_leads_out() {
    let mut world = prison();
    for path in OUT_OF {
        for (lookup, how, base) in
            [(1, 0, R), (1, 0, 0), (1, DIRECTORY, R), (1, CREATE, W), (1, TRUNCATE, W)]
        {
            let opened = world.open_with(3, path, (lookup, how, base, 0));
            let last_slash = path.ends_with('/') && how & CREATE != 0;
            let refused =
                opened == Err(Errno::PERM.0) || last_slash && opened == Err(Errno::ISDIR.0);
            assert!(refused, "{path} with {how}: {opened:?}");
        }
        assert_eq!(world.stat(path, 1), Err(Errno::PERM.0), "stat {path}");
        let at = world.path(3, path);
        assert_eq!(world.call(|call| call.path_filestat_set_times(at, 1, 0, 1, 4)), Errno::PERM.0);
    }
}

#[test]
fn no_name_outside_is_made_removed_moved_or_linked() {
    let mut world = prison();
    let outside =
        ["/new", "../new", "dir/../../new", "parent/new", "root/new", "round/new", "own/new"];
    let there =
        ["/secret", "../secret", "dir/../../secret", "parent/secret", "root/secret", "../work/dir"];
    for path in outside {
        assert_eq!(world.mkdir(path), Errno::PERM.0, "mkdir {path}");
        assert_eq!(world.symlink("x", path), Errno::PERM.0, "symlink {path}");
        for from in ["dir", "inside"] {
            let to = world.second(3, path);
            let from = world.path(3, from);
            assert_eq!(world.call(|call| call.path_rename(from, to)), Errno::PERM.0, "to {path}");
            assert_eq!(world.call(|call| call.path_link(from, 0, to)), Errno::PERM.0, "to {path}");
        }
    }
    for path in there {
        let to = world.second(3, "got");
        let at = world.path(3, path);
        assert_eq!(world.call(|call| call.path_rename(at, to)), Errno::PERM.0, "from {path}");
        assert_eq!(world.call(|call| call.path_link(at, 0, to)), Errno::PERM.0, "from {path}");
        assert_eq!(world.call(|call| call.path_unlink_file(at)), Errno::PERM.0, "{path}");
        assert_eq!(world.call(|call| call.path_remove_directory(at)), Errno::PERM.0, "{path}");
        assert_eq!(world.call(|call| call.path_readlink(at, DATA, 9, OUT)), Errno::PERM.0);
    }
    assert_eq!(world.symlink("/secret", "new"), Errno::PERM.0);
    let at = world.path(3, "absolute");
    assert_eq!(world.call(|call| call.path_readlink(at, DATA, 9, OUT)), Errno::PERM.0);
}

#[test]
fn each_directory_is_a_jail_of_its_own() {
    let mut world = prison();
    world.make("dir/here", b"");
    world.make("beside", b"");
    let dir = world.open("dir", DIRECTORY, R).unwrap();
    assert!(world.open_with(dir, "here", (0, 0, R, 0)).is_ok());
    for path in ["../beside", "sub/../../beside", "sideways", "..", "sub/../.."] {
        assert_eq!(world.open_with(dir, path, (1, 0, R, 0)), Err(Errno::PERM.0), "{path}");
    }
    assert!(world.open_with(3, "dir/sideways", (1, 0, R, 0)).is_ok(), "inside of its preopen");
    // Moved elsewhere, it stays what it was.
    let to = world.second(5, "moved");
    let from = world.path(3, "dir");
    assert_eq!(world.call(|call| call.path_rename(from, to)), 0);
    assert!(world.open_with(dir, "here", (0, 0, R, 0)).is_ok());
    assert_eq!(world.open_with(dir, "..", (0, 0, R, 0)), Err(Errno::PERM.0));
}

#[test]
fn nothing_changes_through_a_read_only_door() {
    let mut world = prison();
    world.make("mine", b"");
    let denied = Errno::PERM.0;
    assert!(world.open_with(4, "file", (0, 0, R, 0)).is_ok());
    for (how, base) in
        [(0, W), (0, R | W), (TRUNCATE, 0), (TRUNCATE, R), (CREATE, R), (CREATE | EXCLUSIVE, W)]
    {
        assert_eq!(world.open_with(4, "file", (0, how, base, 0)), Err(denied), "{how} {base}");
    }
    assert_eq!(world.open_with(4, "new", (0, CREATE, W, 0)), Err(denied));
    let fd = world.open_with(4, "file", (0, 0, R, 0)).unwrap();
    assert_eq!(world.call(|call| call.fd_filestat_set_times(fd, 0, 1, 4)), denied);
    assert_eq!(world.call(|call| call.fd_filestat_set_size(fd, 0)), denied);
    assert_eq!(world.call(|call| call.fd_allocate(fd, 0, 100)), denied);
    let dir = world.open_with(4, ".", (0, DIRECTORY, R, 0)).unwrap();
    for dir in [4, dir] {
        assert_eq!(world.call(|call| call.fd_filestat_set_times(dir, 0, 1, 4)), denied);
        assert_eq!(world.open_with(dir, "file", (0, TRUNCATE, 0, 0)), Err(denied));
        let at = world.path(dir, "file");
        assert_eq!(world.call(|call| call.path_unlink_file(at)), denied);
        assert_eq!(world.call(|call| call.path_remove_directory(at)), denied);
        assert_eq!(world.call(|call| call.path_create_directory(at)), denied);
        assert_eq!(world.call(|call| call.path_filestat_set_times(at, 0, 0, 1, 4)), denied);
        assert_eq!(world.call(|call| call.path_symlink(PATH, 4, at)), denied);
        // Neither into it nor out of it: a second name would be a way around.
        let mine = world.second(3, "mine");
        let got = world.second(3, "got");
        assert_eq!(world.call(|call| call.path_link(at, 0, got)), denied);
        assert_eq!(world.call(|call| call.path_rename(at, got)), denied);
        let at = world.path(dir, "new");
        let mine = At { path: mine.path, ..mine };
        assert_eq!(world.call(|call| call.path_link(mine, 0, at)), denied);
        assert_eq!(world.call(|call| call.path_rename(mine, at)), denied);
    }
    let fd = world.open_with(4, "file", (0, 0, R, 0)).unwrap();
    assert_eq!(world.read(fd, 20).as_deref(), Ok(&b"shared"[..]));
}
