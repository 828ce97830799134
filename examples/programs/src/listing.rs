//! Programs that show the tree: ls and tree.

use crate::args::Args;
use crate::paths::place;
use crate::{Call, Outcome};
use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Columns of a screen, unless the variable COLUMNS tells.
const COLUMNS: usize = 80;

/// A name, and what is known of it.
struct Entry {
    name: String,
    facts: Metadata,
}

fn entries(path: &Path, all: bool) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if all || !name.starts_with('.') {
            found.push(Entry { name, facts: fs::symlink_metadata(entry.path())? });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The name as a screen shows it: coloured by kind, where there is a screen.
fn shown(name: &str, facts: &Metadata) -> String {
    let colour = match facts.file_type() {
        kind if kind.is_dir() => "34;1",
        kind if kind.is_symlink() => "36",
        _ => "",
    };
    match (colour, std::env::var_os("COLOR")) {
        ("", _) | (_, None) => name.to_owned(),
        (colour, Some(_)) => format!("\x1b[{colour}m{name}\x1b[0m"),
    }
}

/// Year, month, day, hour and minute of a time, in UTC (Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
fn date(seconds: u64) -> String {
    let days = (seconds / 86_400) as i64 + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}")
}

fn long(call: &mut Call<'_>, dir: &Path, Entry { name, facts }: &Entry) -> io::Result<()> {
    let kind = match facts.file_type() {
        kind if kind.is_dir() => 'd',
        kind if kind.is_symlink() => 'l',
        _ => '-',
    };
    let modified = facts.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.map_or_else(String::new, |since| date(since.as_secs()));
    let target = match kind {
        'l' => fs::read_link(dir.join(name)).map(|to| format!(" -> {}", to.display())),
        _ => Ok(String::new()),
    };
    let target = target.unwrap_or_default();
    writeln!(call.out, "{kind} {:>10} {modified} {}{target}", facts.len(), shown(name, facts))
}

/// Names side by side, down the columns, as wide as the screen allows.
fn columns(call: &mut Call<'_>, entries: &[Entry]) -> io::Result<()> {
    let width = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let longest = entries.iter().map(|entry| entry.name.chars().count()).max().unwrap_or(0) + 2;
    let across = (width.unwrap_or(COLUMNS) / longest).max(1);
    let down = entries.len().div_ceil(across);
    for row in 0..down {
        let mut at = row;
        while let Some(Entry { name, facts }) = entries.get(at) {
            write!(call.out, "{}", shown(name, facts))?;
            at += down;
            if at < entries.len() {
                write!(call.out, "{:1$}", "", longest - name.chars().count())?;
            }
        }
        writeln!(call.out)?;
    }
    Ok(())
}

/// `ls`: in columns on a screen, a name a line elsewhere.
pub fn ls(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "la1", "")?;
    let (all, detailed) = (args.has('a'), args.has('l'));
    let single = args.has('1') || std::env::var_os("COLOR").is_none();
    let mut names = args.operands;
    if names.is_empty() {
        names.push(".".to_owned());
    }
    let several = names.len() > 1;
    for name in names {
        let path = place(&name);
        let listed = fs::symlink_metadata(&path).and_then(|facts| match path.is_dir() {
            true => entries(&path, all),
            false => Ok(vec![Entry { name: name.clone(), facts }]),
        });
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => {
                call.complain(&name, &error);
                continue;
            }
        };
        if several && path.is_dir() {
            writeln!(call.out, "{name}:")?;
        }
        let dir = if path.is_dir() { path.as_path() } else { Path::new("/") };
        match (detailed, single) {
            (true, _) => listed.iter().try_for_each(|entry| long(call, dir, entry))?,
            (_, true) => listed
                .iter()
                .try_for_each(|entry| writeln!(call.out, "{}", shown(&entry.name, &entry.facts)))?,
            _ => columns(call, &listed)?,
        }
    }
    Ok(())
}

/// How many directories and files a tree has.
#[derive(Default)]
struct Count {
    directories: usize,
    files: usize,
}

fn branch(
    call: &mut Call<'_>,
    path: &Path,
    lead: &str,
    all: bool,
    count: &mut Count,
) -> io::Result<()> {
    let listed = entries(path, all)?;
    let last = listed.len().saturating_sub(1);
    for (at, Entry { name, facts }) in listed.iter().enumerate() {
        let (here, below) =
            if at == last { ("└── ", "    ") } else { ("├── ", "│   ") };
        writeln!(call.out, "{lead}{here}{}", shown(name, facts))?;
        if facts.is_dir() {
            count.directories += 1;
            branch(call, &path.join(name), &format!("{lead}{below}"), all, count)?;
        } else {
            count.files += 1;
        }
    }
    Ok(())
}

/// `tree`
pub fn tree(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "a", "")?;
    let all = args.has('a');
    let mut names = args.operands;
    if names.is_empty() {
        names.push(".".to_owned());
    }
    let mut count = Count::default();
    for name in names {
        writeln!(call.out, "{name}")?;
        match branch(call, &place(&name), "", all, &mut count) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(error.into()),
            Err(error) => call.complain(&name, &error),
            Ok(()) => {}
        }
    }
    let some = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let directories = some(count.directories, "directory", "directories");
    writeln!(call.out, "\n{directories}, {}", some(count.files, "file", "files"))?;
    Ok(())
}
