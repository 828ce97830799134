//! The toolbox: one program that is many, by the name it is called with, as busybox is.

mod args;
mod files;
mod filters;
mod listing;
mod paths;
mod printing;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

/// What a program works with: its name, its arguments, its output.
pub struct Call<'a> {
    /// The name it was called with.
    pub name: &'a str,
    /// What follows the name.
    pub args: Vec<String>,
    /// Standard output, buffered; flushed at the end.
    pub out: BufWriter<io::Stdout>,
    /// What it exits with if nothing worse happens.
    pub code: u8,
}

impl Call<'_> {
    /// Says what went wrong with one operand; the others go on.
    pub fn complain(&mut self, what: &str, error: &io::Error) {
        // What was written so far comes before it on a screen that shows both.
        let _ = self.out.flush();
        eprintln!("{}: {what}: {}", self.name, words(error));
        self.code = 1;
    }
}

/// An error that ends a program.
pub enum Failure {
    /// Wrong arguments: the text says how it is used.
    Usage(String),
    /// Reading or writing failed.
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What a program ends with.
pub type Outcome = Result<(), Failure>;

/// Every program: its name, what runs it, what `help` says of it.
const PROGRAMS: &[(&str, fn(&mut Call<'_>) -> Outcome, &str)] = &[
    ("cat", filters::cat, "cat [FILE]…: writes files one after another"),
    ("cp", files::cp, "cp [-r] FROM… TO: copies files, with -r directories"),
    ("echo", printing::echo, "echo [-n] [WORD]…: writes its arguments"),
    ("env", printing::env, "env: writes the environment"),
    ("false", printing::fails, "false: does nothing, without success"),
    ("grep", filters::grep, "grep [-ivnclr] PATTERN [FILE]…: lines that match"),
    ("head", filters::head, "head [-n LINES] [FILE]…: the first lines"),
    ("ls", listing::ls, "ls [-la1] [PATH]…: what a directory holds"),
    ("mkdir", files::mkdir, "mkdir [-p] DIRECTORY…: makes directories"),
    ("mv", files::mv, "mv FROM… TO: renames, or moves into a directory"),
    ("rm", files::rm, "rm [-rf] PATH…: removes files, with -r directories"),
    ("seq", printing::seq, "seq [FIRST] LAST: counts"),
    ("sort", filters::sort, "sort [-rnu] [FILE]…: lines in order"),
    ("tail", filters::tail, "tail [-n LINES] [FILE]…: the last lines"),
    ("tee", filters::tee, "tee [-a] FILE…: writes its input to files, and on"),
    ("touch", files::touch, "touch FILE…: makes empty files"),
    ("tree", listing::tree, "tree [-a] [PATH]…: a directory and all below it"),
    ("true", printing::succeeds, "true: does nothing, with success"),
    ("uniq", filters::uniq, "uniq [-c] [FILE]: one of each run of equal lines"),
    ("wc", filters::wc, "wc [-lwc] [FILE]…: counts lines, words, bytes"),
];

fn main() -> ExitCode {
    let mut args = std::env::args();
    let full = args.next().unwrap_or_default();
    let name = full.rsplit('/').next().unwrap_or_default();
    let Some((name, run, usage)) = PROGRAMS.iter().find(|(one, ..)| *one == name) else {
        for (.., usage) in PROGRAMS {
            println!("{usage}");
        }
        return ExitCode::from(u8::from(!matches!(name, "help" | "toolbox")));
    };
    let out = BufWriter::with_capacity(32 * 1024, io::stdout());
    let mut call = Call { name, args: args.collect(), out, code: 0 };
    let outcome = run(&mut call).and_then(|()| Ok(call.out.flush()?));
    match outcome {
        Ok(()) => ExitCode::from(call.code),
        // Nobody reads any more, as after `| head`: no fault of this program.
        Err(Failure::Io(error)) if error.kind() == ErrorKind::BrokenPipe => quit(call, 141),
        Err(Failure::Io(error)) => {
            eprintln!("{name}: {}", words(&error));
            quit(call, 1)
        }
        Err(Failure::Usage(text)) => {
            eprintln!("{name}: {text}\nusage: {usage}");
            quit(call, 2)
        }
    }
}

/// Ends without another try at writing what is left in the buffer.
fn quit(call: Call<'_>, code: u8) -> ExitCode {
    let _ = call.out.into_parts();
    ExitCode::from(code)
}

/// An error as people say it, without the number that Rust adds.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
