//! One guest with many cases: the first argument names the case, what it prints is its report.
//!
//! Reports hold nothing that differs from run to run: no inode numbers, no times of the clock. The
//! directory `/` (descriptor 3) may be changed, `/ro` (4) only read, `/other` (5) is a second one.

mod descriptors;
mod directories;
mod escapes;
mod files;
mod links;
mod opening;
mod report;
mod system;
mod times;

/// Every case by its name.
const CASES: &[(&str, fn())] = &[
    ("arguments", system::arguments),
    ("clocks", system::clocks),
    ("random", system::random),
    ("yields", system::yields),
    ("sockets", system::sockets),
    ("poll-clocks", system::poll_clocks),
    ("poll-files", system::poll_files),
    ("poll-wrong", system::poll_wrong),
    ("exit", system::exit),
    ("bad-pointers", system::bad_pointers),
    ("preopens", descriptors::preopens),
    ("stdio", descriptors::stdio),
    ("renumber", descriptors::renumber),
    ("renumber-stdio", descriptors::renumber_stdio),
    ("lowest", descriptors::lowest),
    ("rights", descriptors::rights),
    ("flags", descriptors::flags),
    ("closed", descriptors::closed),
    ("close-preopen", descriptors::close_preopen),
    ("read-write", files::read_write),
    ("positional", files::positional),
    ("vectors", files::vectors),
    ("append", files::append),
    ("seek", files::seek),
    ("sizes", files::sizes),
    ("allocate", files::allocate),
    ("advise", files::advise),
    ("sync", files::sync),
    ("read-only-file", files::read_only_file),
    ("write-only-file", files::write_only_file),
    ("directory-as-file", files::directory_as_file),
    ("unlinked-open", files::unlinked_open),
    ("open-missing", opening::missing),
    ("open-create", opening::create),
    ("open-directory", opening::directory),
    ("open-truncate", opening::truncate),
    ("open-names", opening::names),
    ("open-dots", opening::dots),
    ("open-trailing", opening::trailing),
    ("open-through-file", opening::through_file),
    ("make-directory", directories::make),
    ("remove-directory", directories::remove),
    ("unlink", directories::unlink),
    ("rename-files", directories::rename_files),
    ("rename-directories", directories::rename_directories),
    ("list", directories::list),
    ("list-short", directories::list_short),
    ("list-cookies", directories::list_cookies),
    ("list-changing", directories::list_changing),
    ("symlinks", links::symlinks),
    ("symlink-chains", links::chains),
    ("symlink-loops", links::loops),
    ("dangling", links::dangling),
    ("nofollow", links::nofollow),
    ("readlink", links::readlink),
    ("hard-links", links::hard),
    ("hard-links-wrong", links::hard_wrong),
    ("times", times::times),
    ("times-links", times::of_links),
    ("times-wrong", times::wrong),
    ("filestat", times::filestat),
    ("escapes", escapes::escapes),
    ("read-only", escapes::read_only),
];

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    match CASES.iter().find(|(one, _)| *one == name) {
        Some((_, run)) => run(),
        None => CASES.iter().for_each(|(name, _)| println!("{name}")),
    }
}
