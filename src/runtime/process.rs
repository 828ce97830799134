//! Processes and pipes by number: starting, ending, and calling for one of them.

use super::descriptor::{Entry, Sink, Source, Table, What};
use super::errno::Errno;
use super::guest::Guest;
use super::pipe::{Bell, Pipe};
use super::wasi::abi::rights;
use super::wasi::{Call, Halt, Step};
use crate::fs::{FileType, Flags, Fs, HandleId, Owner, Place, Stop};

/// A directory that a process is given.
#[derive(Clone, Debug)]
pub struct Preopen {
    /// What the guest calls it.
    pub guest: Vec<u8>,
    /// Where it is, from the root.
    pub path: Vec<u8>,
    /// Nothing in it may be changed.
    pub read_only: bool,
    /// Make it if it is missing.
    pub create: bool,
}

/// Where standard input comes from.
#[derive(Clone, Debug, Default)]
pub enum Input {
    /// At its end at once.
    #[default]
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// A pipe, by number.
    Pipe(u32),
}

/// Where standard output or error goes.
#[derive(Clone, Copy, Debug, Default)]
pub enum Output {
    /// Nowhere.
    #[default]
    Discard,
    /// Kept until it is taken.
    Capture,
    /// A pipe, by number.
    Pipe(u32),
}

/// How a process starts.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Arguments, the program's name first; without zero bytes.
    pub args: Vec<Vec<u8>>,
    /// Variables as `name=value`; without zero bytes.
    pub env: Vec<Vec<u8>>,
    /// Directories, from descriptor 3 on.
    pub preopens: Vec<Preopen>,
    /// Descriptor 0.
    pub stdin: Input,
    /// Descriptors 1 and 2.
    pub output: [Output; 2],
    /// Which of descriptors 0 to 2 are a terminal.
    pub terminal: [bool; 3],
}

/// Strings one after the other, each with its terminating zero.
#[derive(Debug, Default)]
pub struct Strings {
    /// How many.
    pub count: u32,
    /// The bytes of all.
    pub bytes: Vec<u8>,
}

impl Strings {
    fn new(list: &[Vec<u8>]) -> Self {
        let bytes = list.iter().flat_map(|one| one.iter().copied().chain([0])).collect();
        Self { count: list.len() as u32, bytes }
    }
}

/// One process.
#[derive(Debug)]
pub struct Process {
    pub(super) pid: u32,
    pub(super) args: Strings,
    pub(super) env: Strings,
    pub(super) table: Table,
    /// What has been written to descriptors 1 and 2 where they are captured.
    pub(super) captured: [Vec<u8>; 2],
    /// Its exit code, once it has ended.
    pub(super) ended: Option<u32>,
    pub(super) bell: Bell,
}

impl Process {
    /// Whom its open files belong to.
    pub(super) const fn owner(&self) -> Owner {
        // Apart from the numbers of threads, which own files too.
        Owner(0x8000_0000 | self.pid)
    }
}

/// A table whose numbers say which use of a slot is meant: an old number is not the next holder's.
#[derive(Debug)]
struct Slots<T>(Vec<(u32, Option<T>)>);

const SLOT_BITS: u32 = 10;

impl<T> Slots<T> {
    fn insert(&mut self, make: impl FnOnce(u32) -> T) -> Option<u32> {
        let free = self.0.iter().position(|(_, value)| value.is_none());
        let slot = free.unwrap_or_else(|| {
            self.0.push((0, None));
            self.0.len() - 1
        });
        if slot >> SLOT_BITS != 0 {
            self.0.pop();
            return None;
        }
        let entry = &mut self.0[slot];
        // 21 bits, so that a number is positive and never 0.
        entry.0 = (entry.0 + 1) & 0x1f_ffff | u32::from(entry.0 == 0x1f_ffff);
        let number = entry.0 << SLOT_BITS | slot as u32;
        entry.1 = Some(make(number));
        Some(number)
    }

    fn peek(&self, number: u32) -> Option<&T> {
        let slot = (number & ((1 << SLOT_BITS) - 1)) as usize;
        let (generation, value) = self.0.get(slot)?;
        if *generation == number >> SLOT_BITS { value.as_ref() } else { None }
    }

    fn entry(&mut self, number: u32) -> Option<&mut Option<T>> {
        let slot = (number & ((1 << SLOT_BITS) - 1)) as usize;
        let entry = self.0.get_mut(slot)?;
        (entry.0 == number >> SLOT_BITS).then_some(&mut entry.1)
    }

    fn get(&mut self, number: u32) -> Option<&mut T> {
        self.entry(number)?.as_mut()
    }
}

/// The pipes by number.
#[derive(Debug)]
pub struct Pipes(Slots<Pipe>);

impl Pipes {
    /// The pipe, if it is there, to look at.
    pub fn peek(&self, pipe: u32) -> Option<&Pipe> {
        self.0.peek(pipe)
    }

    /// The pipe, if it is there.
    pub fn get(&mut self, pipe: u32) -> Option<&mut Pipe> {
        self.0.get(pipe)
    }
}

/// All processes and pipes.
#[derive(Debug)]
pub struct Runtime {
    processes: Slots<Box<Process>>,
    pipes: Pipes,
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { processes: Slots(Vec::new()), pipes: Pipes(Slots(Vec::new())) }
    }

    /// Makes a pipe of `capacity` bytes, at least one; its number.
    ///
    /// # Errors
    /// `ENOMEM`, `EMFILE` when there are too many.
    pub fn make_pipe(&mut self, capacity: usize) -> Step<u32> {
        let pipe = Pipe::new(capacity.max(1)).ok_or(Halt::Errno(Errno::NOMEM))?;
        self.pipes.0.insert(|_| pipe).ok_or(Halt::Errno(Errno::MFILE))
    }

    /// Uses a pipe from the page's side, and tells everybody if `visit` says that it has changed.
    pub fn with_pipe(&mut self, pipe: u32, visit: &mut dyn FnMut(&mut Pipe) -> bool) -> bool {
        let Some(found) = self.pipes.get(pipe) else { return false };
        if visit(found) {
            let rung = found.changed();
            self.ring(&rung);
        }
        true
    }

    /// Forgets a pipe; whoever still has an end sees the other side gone.
    pub fn free_pipe(&mut self, pipe: u32) {
        if let Some(mut gone) = self.pipes.0.entry(pipe).and_then(Option::take) {
            let rung = gone.changed();
            self.ring(&rung);
        }
    }

    /// Starts a process; its number. An error comes with the preopen that it is about, if any.
    ///
    /// # Errors
    /// Those of opening the preopens; `EMFILE` with too many processes; `EINVAL` for a pipe that
    /// is not there.
    pub fn start(
        &mut self,
        fs: &mut Fs,
        config: &Config,
    ) -> std::result::Result<u32, (Option<usize>, Stop)> {
        use crate::error::{Error, Kind};
        let wrong = |kind, words| (None, Stop::Fail(Error::new(kind, words)));
        for pipe in config.pipes() {
            if self.pipes.get(pipe).is_none() {
                return Err(wrong(Kind::InvalidArgument, "there is no such pipe"));
            }
        }
        let process = |pid| {
            Box::new(Process {
                pid,
                args: Strings::new(&config.args),
                env: Strings::new(&config.env),
                table: Table::default(),
                captured: [Vec::new(), Vec::new()],
                ended: None,
                bell: Bell::default(),
            })
        };
        let Some(pid) = self.processes.insert(process) else {
            return Err(wrong(Kind::TooManyHandles, "too many processes"));
        };
        let opened = self.furnish(pid, fs, config);
        if opened.is_err() {
            self.free(pid, fs);
        }
        opened.map(|()| pid)
    }

    /// Gives a new process its descriptors.
    fn furnish(
        &mut self,
        pid: u32,
        fs: &mut Fs,
        config: &Config,
    ) -> std::result::Result<(), (Option<usize>, Stop)> {
        let Some(process) = self.processes.get(pid) else { return Ok(()) };
        let mut dirs = Vec::new();
        for (at, preopen) in config.preopens.iter().enumerate() {
            dirs.push(open_preopen(fs, preopen, process.owner()).map_err(|stop| (Some(at), stop))?);
        }
        let source = match &config.stdin {
            Input::Empty => Source::Empty,
            Input::Bytes(bytes) => Source::Bytes(bytes.clone(), 0),
            Input::Pipe(pipe) => {
                self.pipes.get(*pipe).into_iter().for_each(Pipe::add_reader);
                Source::Pipe(*pipe)
            }
        };
        let mut stream = |fd: u32, what, rights| {
            let terminal = config.terminal[fd as usize];
            let entry = Entry {
                what,
                rights,
                inheriting: rights,
                read_only: false,
                terminal,
                nonblocking: false,
            };
            process.table.put(fd, entry);
        };
        stream(0, What::Input(source), rights::INPUT);
        for (at, output) in config.output.iter().enumerate() {
            let sink = match *output {
                Output::Discard => Sink::Discard,
                Output::Capture => Sink::Capture(at),
                Output::Pipe(pipe) => {
                    self.pipes.get(pipe).into_iter().for_each(Pipe::add_writer);
                    Sink::Pipe(pipe)
                }
            };
            stream(at as u32 + 1, What::Output(sink), rights::OUTPUT);
        }
        for (at, (handle, preopen)) in dirs.into_iter().zip(&config.preopens).enumerate() {
            let entry = Entry {
                what: What::Dir(handle, Some(preopen.guest.clone().into())),
                rights: rights::DIR,
                inheriting: rights::DIR | rights::FILE,
                read_only: preopen.read_only,
                terminal: false,
                nonblocking: false,
            };
            process.table.put(at as u32 + 3, entry);
        }
        Ok(())
    }

    /// Runs a call for the process `pid`.
    ///
    /// # Errors
    /// `Ended` for a process that has ended or is not there, and what the call halts for.
    pub fn call(
        &mut self,
        pid: u32,
        fs: &mut Fs,
        guest: &mut dyn Guest,
        op: &mut dyn FnMut(&mut Call<'_>) -> Step<()>,
    ) -> Step<()> {
        let Some(process) = self.processes.get(pid) else { return Err(Halt::Ended(u32::MAX)) };
        if let Some(code) = process.ended {
            return Err(Halt::Ended(code));
        }
        let mut call =
            Call { process, pipes: &mut self.pipes, fs, guest, rung: Vec::new(), durable: None };
        let done = op(&mut call);
        let rung = call.rung;
        if !rung.is_empty() {
            self.ring(&rung);
        }
        if let Err(Halt::Ended(code)) = done {
            self.end(pid, code);
        }
        done
    }

    /// Ends a process from outside or by its own wish: its ends of pipes close, all that sleeps
    /// for it wakes up, and its calls answer [`Halt::Ended`]. The first code counts.
    pub fn end(&mut self, pid: u32, code: u32) {
        let Some(process) = self.processes.get(pid).filter(|process| process.ended.is_none())
        else {
            return;
        };
        process.ended = Some(code);
        process.bell.ring();
        let mut rung = Vec::new();
        for entry in process.table.drain() {
            rung.extend(self.pipes.let_go(&entry));
        }
        self.ring(&rung);
    }

    /// Ends and forgets a process and closes its files.
    pub fn free(&mut self, pid: u32, fs: &mut Fs) {
        self.end(pid, u32::MAX);
        if let Some(process) = self.processes.entry(pid).and_then(Option::take) {
            fs.close_all(process.owner());
        }
    }

    /// The word that rings when a sleeping call of the process should look again.
    pub fn bell(&mut self, pid: u32) -> Option<&Bell> {
        self.processes.get(pid).map(|process| &process.bell)
    }

    /// Takes what has been captured of descriptor 1 (0) or 2 (1).
    pub fn take_captured(&mut self, pid: u32, which: usize) -> Vec<u8> {
        let buffer = self.processes.get(pid).and_then(|process| process.captured.get_mut(which));
        buffer.map(std::mem::take).unwrap_or_default()
    }

    /// The exit code of a process that has ended.
    pub fn exit_code(&mut self, pid: u32) -> Option<u32> {
        self.processes.get(pid)?.ended
    }

    fn ring(&mut self, pids: &[u32]) {
        for pid in pids {
            if let Some(process) = self.processes.get(*pid) {
                process.bell.ring();
            }
        }
    }
}

impl Pipes {
    /// A descriptor is closed: if it is the end of a pipe, names the processes to ring for.
    pub(super) fn let_go(&mut self, entry: &Entry) -> Vec<u32> {
        let (pipe, reads) = match entry.what {
            What::Input(Source::Pipe(pipe)) => (pipe, true),
            What::Output(Sink::Pipe(pipe)) => (pipe, false),
            _ => return Vec::new(),
        };
        let Some(pipe) = self.get(pipe) else { return Vec::new() };
        if reads {
            pipe.drop_reader();
        } else {
            pipe.drop_writer();
        }
        pipe.changed()
    }
}

impl Config {
    fn pipes(&self) -> impl Iterator<Item = u32> {
        let input = if let Input::Pipe(pipe) = self.stdin { Some(pipe) } else { None };
        let output = self.output.iter().filter_map(|output| match output {
            Output::Pipe(pipe) => Some(*pipe),
            _ => None,
        });
        input.into_iter().chain(output)
    }
}

fn open_preopen(fs: &mut Fs, preopen: &Preopen, owner: Owner) -> crate::fs::Step<HandleId> {
    let place = Place::root(&preopen.path);
    if preopen.create && fs.stat(place, crate::fs::Follow::Yes).is_err() {
        fs.mkdir_all(place, 0o755)?;
    }
    let handle = fs.open(place, Flags::READ | Flags::DIRECTORY, 0, owner)?;
    debug_assert_eq!(fs.fstat(handle).map(|stat| stat.file_type), Ok(FileType::Dir));
    Ok(handle)
}
