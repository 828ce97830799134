//! Programs that change the tree: cp, mv, rm, mkdir, touch.

use crate::args::Args;
use crate::paths::{into, place};
use crate::{Call, Failure, Outcome};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

/// Does `work` for each of several sources and one target; several need a directory to go to.
fn each_into(
    call: &mut Call<'_>,
    mut operands: Vec<String>,
    work: impl Fn(&Path, &Path) -> io::Result<()>,
) -> Outcome {
    let to = place(&operands.pop().unwrap_or_default());
    if operands.len() > 1 && !to.is_dir() {
        return Err(Failure::Usage(format!("{} is no directory", to.display())));
    }
    for from in operands {
        if let Err(error) = work(&place(&from), &into(&from, &to)) {
            call.complain(&from, &error);
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, recursive: bool) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    if !recursive {
        return Err(io::Error::other("Is a directory (-r copies it)"));
    }
    if to.starts_with(from) {
        return Err(io::Error::other("cannot be copied into itself"));
    }
    if !to.is_dir() {
        fs::create_dir(to)?;
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()), true)?;
    }
    Ok(())
}

/// `cp`
pub fn cp(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "rR", "")?;
    let recursive = args.has('r') || args.has('R');
    let operands = args.at_least(2)?;
    each_into(call, operands, |from, to| copy(from, to, recursive))
}

/// `mv`
pub fn mv(call: &mut Call<'_>) -> Outcome {
    let operands = Args::read(call, "f", "")?.at_least(2)?;
    each_into(call, operands, |from, to| fs::rename(from, to))
}

/// `rm`
pub fn rm(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "rRf", "")?;
    let (recursive, force) = (args.has('r') || args.has('R'), args.has('f'));
    for name in args.at_least(usize::from(!force))? {
        let path = place(&name);
        let removed = fs::symlink_metadata(&path).and_then(|facts| match facts.is_dir() {
            true if !recursive => Err(io::Error::other("Is a directory (-r removes it)")),
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        });
        match removed {
            Err(error) if force && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => call.complain(&name, &error),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// `mkdir`
pub fn mkdir(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "p", "")?;
    let parents = args.has('p');
    for name in args.at_least(1)? {
        let path = place(&name);
        let made = if parents { fs::create_dir_all(&path) } else { fs::create_dir(&path) };
        if let Err(error) = made {
            call.complain(&name, &error);
        }
    }
    Ok(())
}

/// `touch`
pub fn touch(call: &mut Call<'_>) -> Outcome {
    for name in Args::read(call, "", "")?.at_least(1)? {
        let opened = OpenOptions::new().create(true).append(true).open(place(&name));
        let touched = opened.and_then(|file| file.set_modified(std::time::SystemTime::now()));
        if let Err(error) = touched {
            call.complain(&name, &error);
        }
    }
    Ok(())
}
