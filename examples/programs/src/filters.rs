//! Programs that read text, from files or standard input, and write what they make of it.

use crate::args::Args;
use crate::paths::place;
use crate::{Call, Failure, Outcome};
use regex_lite::RegexBuilder;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};

/// Lines that `head` and `tail` write unless told otherwise.
const LINES: usize = 10;

fn open(name: &str) -> io::Result<Box<dyn Read>> {
    match name {
        "-" => Ok(Box::new(io::stdin())),
        name if place(name).is_dir() => Err(io::Error::other("Is a directory")),
        name => Ok(Box::new(File::open(place(name))?)),
    }
}

/// Hands each input to `visit` with its name; those that fail are complained of, the others go on.
fn each(
    call: &mut Call<'_>,
    mut names: Vec<String>,
    mut visit: impl FnMut(&mut Call<'_>, &str, BufReader<Box<dyn Read>>) -> io::Result<()>,
) -> Outcome {
    if names.is_empty() {
        names.push("-".to_owned());
    }
    for name in names {
        let input = match open(&name) {
            Ok(input) => BufReader::with_capacity(32 * 1024, input),
            Err(error) => {
                call.complain(&name, &error);
                continue;
            }
        };
        match visit(call, &name, input) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(error.into()),
            Err(error) => call.complain(&name, &error),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Lines as bytes, without their ends: what is no UTF-8 passes unharmed.
fn lines(input: BufReader<Box<dyn Read>>) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    input.split(b'\n')
}

fn write_line(call: &mut Call<'_>, line: &[u8]) -> io::Result<()> {
    call.out.write_all(line)?;
    call.out.write_all(b"\n")
}

/// `cat`
pub fn cat(call: &mut Call<'_>) -> Outcome {
    let names = Args::read(call, "u", "")?.operands;
    each(call, names, |call, _, mut input| {
        io::copy(&mut input, &mut call.out)?;
        call.out.flush()
    })
}

/// `head`
pub fn head(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "", "n")?;
    let most = args.number('n')?.unwrap_or(LINES);
    let several = args.operands.len() > 1;
    each(call, args.operands, |call, name, input| {
        if several {
            writeln!(call.out, "==> {name} <==")?;
        }
        lines(input).take(most).try_for_each(|line| write_line(call, &line?))
    })
}

/// `tail`
pub fn tail(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "", "n")?;
    let most = args.number('n')?.unwrap_or(LINES);
    each(call, args.operands, |call, _, input| {
        let mut last = VecDeque::with_capacity(most.min(4096));
        for line in lines(input) {
            last.push_back(line?);
            if last.len() > most {
                last.pop_front();
            }
        }
        last.iter().try_for_each(|line| write_line(call, line))
    })
}

/// `wc`
pub fn wc(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "lwc", "")?;
    let all = !"lwc".chars().any(|flag| args.has(flag));
    let chosen = "lwc".chars().map(|flag| all || args.has(flag)).collect::<Vec<_>>();
    let mut totals = [0u64; 3];
    let several = args.operands.len() > 1;
    let write = |call: &mut Call<'_>, counts: [u64; 3], name: &str| {
        let figures = counts.iter().zip(&chosen).filter(|(_, shown)| **shown);
        let figures = figures.map(|(count, _)| format!("{count:>8}")).collect::<String>();
        let name = if name == "-" { String::new() } else { format!(" {name}") };
        writeln!(call.out, "{figures}{name}")
    };
    each(call, args.operands, |call, name, mut input| {
        let (mut counts, mut inside) = ([0u64; 3], false);
        loop {
            let bytes = input.fill_buf()?;
            if bytes.is_empty() {
                break;
            }
            for &byte in bytes {
                counts[0] += u64::from(byte == b'\n');
                counts[1] += u64::from(!inside && !byte.is_ascii_whitespace());
                inside = !byte.is_ascii_whitespace();
            }
            let read = bytes.len();
            counts[2] += read as u64;
            input.consume(read);
        }
        for (total, count) in totals.iter_mut().zip(counts) {
            *total += count;
        }
        write(call, counts, name)
    })?;
    if several {
        write(call, totals, "total")?;
    }
    Ok(())
}

/// `sort`
pub fn sort(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "rnu", "")?;
    let (reverse, numeric, unique) = (args.has('r'), args.has('n'), args.has('u'));
    let mut all = Vec::new();
    each(call, args.operands, |_, _, input| {
        for line in lines(input) {
            all.push(line?);
        }
        Ok(())
    })?;
    let number = |line: &[u8]| {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_start();
        let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+'));
        text[..end.unwrap_or(text.len())].parse::<f64>().unwrap_or(0.0)
    };
    match numeric {
        true => all.sort_by(|a, b| number(a).total_cmp(&number(b)).then_with(|| a.cmp(b))),
        false => all.sort(),
    }
    if unique {
        all.dedup();
    }
    if reverse {
        all.reverse();
    }
    Ok(all.iter().try_for_each(|line| write_line(call, line))?)
}

/// `uniq`
pub fn uniq(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "c", "")?;
    let counted = args.has('c');
    each(call, args.operands, |call, _, input| {
        let mut run: Option<(Vec<u8>, u64)> = None;
        let end = |call: &mut Call<'_>, run: Option<(Vec<u8>, u64)>| -> io::Result<()> {
            let Some((line, count)) = run else { return Ok(()) };
            if counted {
                write!(call.out, "{count:>7} ")?;
            }
            write_line(call, &line)
        };
        for line in lines(input) {
            let line = line?;
            match &mut run {
                Some((last, count)) if *last == line => *count += 1,
                _ => end(call, run.replace((line, 1)))?,
            }
        }
        end(call, run)
    })
}

/// `tee`
pub fn tee(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "a", "")?;
    let mut how = OpenOptions::new();
    how.create(true).write(true).append(args.has('a')).truncate(!args.has('a'));
    let mut files = Vec::new();
    for name in args.operands {
        match how.open(place(&name)) {
            Ok(file) => files.push(file),
            Err(error) => call.complain(&name, &error),
        }
    }
    let mut input = io::stdin().lock();
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        call.out.write_all(bytes)?;
        call.out.flush()?;
        for file in &mut files {
            file.write_all(bytes)?;
        }
        let read = bytes.len();
        input.consume(read);
    }
}

/// Files below a directory, by name.
fn below(name: &str, found: &mut Vec<String>) -> io::Result<()> {
    let mut names: Vec<_> = fs::read_dir(place(name))?.collect::<io::Result<_>>()?;
    names.sort_by_key(fs::DirEntry::file_name);
    for entry in names {
        let path =
            format!("{}/{}", name.trim_end_matches('/'), entry.file_name().to_string_lossy());
        match entry.file_type()? {
            kind if kind.is_dir() => below(&path, found)?,
            kind if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    Ok(())
}

/// `grep`: exits with 1 if nothing matched.
pub fn grep(call: &mut Call<'_>) -> Outcome {
    let args = Args::read(call, "ivnclrE", "")?;
    let (invert, numbered) = (args.has('v'), args.has('n'));
    let (counted, listed, recursive) = (args.has('c'), args.has('l'), args.has('r'));
    let ignore_case = args.has('i');
    let mut names = args.at_least(1)?;
    let pattern = names.remove(0);
    let regex = RegexBuilder::new(&pattern).case_insensitive(ignore_case).build();
    let regex = regex.map_err(|error| Failure::Usage(error.to_string()))?;
    if recursive {
        let roots =
            if names.is_empty() { vec![".".to_owned()] } else { std::mem::take(&mut names) };
        for root in roots {
            if !place(&root).is_dir() {
                names.push(root);
            } else if let Err(error) = below(&root, &mut names) {
                call.complain(&root, &error);
            }
        }
        if names.is_empty() {
            call.code = call.code.max(1);
            return Ok(());
        }
    }
    let named = names.len() > 1 || recursive;
    let mut matched = false;
    each(call, names, |call, name, input| {
        let label = if named { format!("{name}:") } else { String::new() };
        let mut count = 0;
        for (at, line) in lines(input).enumerate() {
            let line = line?;
            if regex.is_match(&String::from_utf8_lossy(&line)) == invert {
                continue;
            }
            count += 1;
            if listed {
                break;
            }
            if counted {
                continue;
            }
            write!(call.out, "{label}")?;
            if numbered {
                write!(call.out, "{}:", at + 1)?;
            }
            write_line(call, &line)?;
        }
        matched |= count > 0;
        match (listed, counted) {
            (true, _) if count > 0 => writeln!(call.out, "{name}"),
            (false, true) => writeln!(call.out, "{label}{count}"),
            _ => Ok(()),
        }
    })?;
    if !matched {
        call.code = call.code.max(1);
    }
    Ok(())
}
