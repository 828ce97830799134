//! Takes in of a module's file what the linker will look at, and leaves the rest where it is.
//!
//! Most of a large file is data and debugging data, of which linking reads a few numbers, if any:
//! whoever has the file can put the rest into the new one without it ever coming by here.

use super::linking;
use super::module::{Module, Section, id, is_debugging};
use super::parse::data;
use std::ops::Range;
use wasmparser::BinaryReader;

/// What is read at a time.
pub(crate) const BLOCK: usize = 4096;

/// More than the header of a data segment, as linkers write it, and of a section.
const HEADER: usize = 64;

/// What an operation looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// All of it.
    Everything,
    /// What moving the module needs; with what speaks to debuggers if that is to move.
    Relocation {
        /// Whether the sections `.debug_*` move along.
        debugging: bool,
    },
    /// The same, without numbers in data that no relocation entry names.
    Addresses,
}

/// Fills the parts of `bytes`, which is as long as the file, that the operation will look at.
///
/// `read` is given an offset into the file and the bytes to fill from there. Parts that are not
/// filled keep what they held. Of a broken file everything is taken in.
pub fn take_in(bytes: &mut [u8], wish: Wish, read: impl FnMut(usize, &mut [u8])) {
    let taken = vec![false; bytes.len().div_ceil(BLOCK)];
    let mut intake = Intake { bytes, taken, read };
    if wish == Wish::Everything || intake.parts(wish).is_none() {
        intake.take(0..intake.bytes.len());
    }
}

struct Intake<'b, R> {
    bytes: &'b mut [u8],
    /// Which blocks have been read.
    taken: Vec<bool>,
    read: R,
}

impl<R: FnMut(usize, &mut [u8])> Intake<'_, R> {
    /// Reads the blocks of a range that have not been read.
    fn take(&mut self, range: Range<usize>) {
        let end = range.end.min(self.bytes.len());
        let (mut next, after) = (range.start / BLOCK, end.div_ceil(BLOCK));
        while next < after {
            let first = next;
            while next < after && !self.taken[next] {
                self.taken[next] = true;
                next += 1;
            }
            if first < next {
                let from = first * BLOCK;
                let to = (next * BLOCK).min(self.bytes.len());
                (self.read)(from, &mut self.bytes[from..to]);
            }
            next += 1;
        }
    }

    /// A reader from `at` on, of which the first bytes are there.
    fn peek(&mut self, at: usize) -> BinaryReader<'_> {
        self.take(at..at + HEADER);
        let rest = self.bytes.get(at..).unwrap_or(&[]);
        BinaryReader::new(rest, at as u64)
    }

    /// Takes in what is wished for; `None` where the file is broken.
    fn parts(&mut self, wish: Wish) -> Option<()> {
        let mut sections = 0;
        let (mut code, mut segments) = (None, None);
        let mut relocations = Vec::new();
        let mut at = 8;
        self.take(0..at);
        while at < self.bytes.len() {
            let (section, name) = self.section(at)?;
            let wanted = match section.id {
                id::DATA => {
                    segments = Some((sections, section.body.clone()));
                    false
                }
                id::CUSTOM if is_debugging(&name) => wish == Wish::Relocation { debugging: true },
                _ => true,
            };
            if wanted {
                self.take(section.body.clone());
            }
            match section.id {
                id::CODE => code = Some(sections),
                id::CUSTOM if name.starts_with("reloc.") && !is_debugging(&name) => {
                    relocations.push(section.content..section.body.end);
                }
                _ => {}
            }
            at = section.body.end;
            sections += 1;
        }
        let Some((place, body)) = segments else { return Some(()) };
        let mut exact = false;
        for range in relocations {
            let (section, sites) = self.sites(range)?;
            exact |= section == place || Some(section) == code;
            if section == place {
                for site in sites {
                    let site = body.start.checked_add(site)?;
                    self.take(site..site.checked_add(10)?.min(body.end));
                }
            }
        }
        // Without relocation entries all of the data is searched for addresses.
        if !exact && wish != Wish::Addresses {
            self.take(body);
            return Some(());
        }
        self.segments(body)
    }

    /// The section at a byte, and its name if it is a custom one.
    fn section(&mut self, head: usize) -> Option<(Section<'static>, String)> {
        let length = self.bytes.len();
        let mut reader = self.peek(head);
        let id = reader.read_u8().ok()?;
        let size = reader.read_var_u32().ok()? as usize;
        let start = reader.original_position() as usize;
        let body = start..start.checked_add(size).filter(|end| *end <= length)?;
        let mut content = start;
        let mut name = String::new();
        if id == id::CUSTOM {
            // Names are short; a longer one is none that matters here.
            let mut reader = self.peek(start);
            if let Ok(found) = reader.read_string() {
                content = reader.original_position() as usize;
                name = if content <= start + HEADER { found.to_owned() } else { String::new() };
            }
        }
        Some((Section { id, name: "", head, body, content }, name))
    }

    /// The section that a `reloc.*` section speaks of, and the places in it.
    fn sites(&mut self, content: Range<usize>) -> Option<(u32, Vec<usize>)> {
        let mut module = Module::default();
        let bytes = self.bytes.get(content.clone())?;
        linking::relocations(&mut module, BinaryReader::new(bytes, content.start as u64)).ok()?;
        let relocations = module.relocations.pop()?;
        let offsets =
            relocations.entries.into_iter().map(|entry| Some(entry.ok()?.offset as usize));
        Some((relocations.section, offsets.collect::<Option<_>>()?))
    }

    /// Takes in the headers of the data segments.
    fn segments(&mut self, body: Range<usize>) -> Option<()> {
        let mut reader = self.peek(body.start);
        let count = reader.read_var_u32().ok()?;
        let mut at = reader.original_position() as usize;
        for _ in 0..count {
            let segment = data(&mut self.peek(at)).ok()?;
            if segment.bytes.start > at + HEADER || segment.bytes.end > body.end {
                return None;
            }
            at = segment.bytes.end;
        }
        Some(())
    }
}
