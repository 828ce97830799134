//! A refusal of the linker: the crate's error plus the byte of the module that it is about.

use crate::error::{Error, Kind};
use std::fmt;

/// What every fallible operation of the linker returns.
pub type Result<T> = std::result::Result<T, Fault>;

/// Why a module was refused, and where.
///
/// `offset` counts bytes from the start of the module file. `module` is the module's place in the
/// list given to [`combine`](super::combine()), 0 where only one was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault {
    kind: Kind,
    error: Error,
    offset: usize,
    module: usize,
}

impl Fault {
    pub(crate) fn new(kind: Kind, offset: usize, message: impl fmt::Display) -> Self {
        Self { kind, error: Error::with(kind, message.to_string()), offset, module: 0 }
    }

    /// The same fault, told of the module at place `module` of a list.
    pub(crate) fn in_module(self, module: usize) -> Self {
        Self { module, ..self }
    }

    /// The first byte of the module file that the fault is about.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The place of the refused module among those given.
    pub fn module(&self) -> usize {
        self.module
    }

    /// The code and message without the place.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl From<wasmparser::Error> for Fault {
    fn from(error: wasmparser::Error) -> Self {
        Self::new(Kind::MalformedModule, error.offset() as usize, error.message())
    }
}

impl From<Fault> for Error {
    /// Folds the place into the message, for callers that know only the crate's error.
    fn from(fault: Fault) -> Self {
        let Fault { kind, error, offset, module } = fault;
        Self::with(kind, format!("module {module}, byte {offset:#x}: {}", error.message()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (module {}, byte {:#x})", self.error, self.module, self.offset)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Fault {}
