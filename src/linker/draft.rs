//! A new file as it will be written: numbers to change in the old one, then pieces of it in a row.
//!
//! Most of a module stays as it is. A draft says so without copying it, so that whoever has the
//! old file writes the new one in one pass.

use super::leb::Form;
use std::ops::Range;

/// The bytes of the longest number.
const NUMBER: usize = 10;

/// The most bytes between two changed numbers that count as changed too. All of these have been
/// taken in, because the blocks of both numbers have.
const NEAR: usize = super::intake::BLOCK;

/// A number of the old file and what it becomes, in as many bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Patch {
    at: usize,
    length: usize,
    form: Form,
    value: u64,
}

impl Patch {
    /// The bytes of the new number.
    fn spelled(&self) -> [u8; NUMBER] {
        let mut bytes = [0; NUMBER];
        self.form.write(&mut bytes[..self.length], self.value);
        bytes
    }
}

/// A stretch of the new file as whoever has the old one finds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Span {
    /// Bytes of the old file as they are.
    Same(Range<usize>),
    /// Bytes of the old file once [`Draft::apply`] has been there.
    Changed(Range<usize>),
    /// Bytes of [`Draft::made`].
    Made(Range<usize>),
}

/// A stretch of the new file.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    /// Bytes of the old file, with its patches.
    Kept(Range<usize>),
    /// Bytes that the old file does not have: a range of [`Draft::made`].
    Made(Range<usize>),
}

/// A new file in terms of an old one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Draft {
    /// By their place once the draft is [`finished`](Self::finish).
    patches: Vec<Patch>,
    pieces: Vec<Piece>,
    made: Vec<u8>,
}

impl Draft {
    /// Writes `value` over the number at `site` of the old file; not for [`Form::Free`].
    pub(crate) fn patch(&mut self, site: Range<usize>, form: Form, value: u64) {
        debug_assert!(site.len() <= NUMBER, "a number of {} bytes", site.len());
        self.patches.push(Patch { at: site.start, length: site.len(), form, value });
    }

    /// Adds bytes to the end of the new file.
    pub(crate) fn make(&mut self, bytes: &[u8]) {
        let start = self.made.len();
        self.made.extend_from_slice(bytes);
        match self.pieces.last_mut() {
            Some(Piece::Made(last)) => last.end = self.made.len(),
            _ => self.pieces.push(Piece::Made(start..self.made.len())),
        }
    }

    /// Adds a stretch of the old file to the end of the new one.
    pub(crate) fn keep(&mut self, range: Range<usize>) {
        match self.pieces.last_mut() {
            Some(Piece::Kept(last)) if last.end == range.start => last.end = range.end,
            _ if range.is_empty() => {}
            _ => self.pieces.push(Piece::Kept(range)),
        }
    }

    /// Orders the patches, after which the draft can be read.
    pub(crate) fn finish(mut self) -> Self {
        // Stable: of two numbers at one place the later counts.
        self.patches.sort_by_key(|patch| patch.at);
        self
    }

    /// Writes the new numbers into the old file, whose stretches then are those of the new one.
    pub fn apply(&self, file: &mut [u8]) {
        for patch in &self.patches {
            let bytes = &patch.spelled()[..patch.length];
            file[patch.at..patch.at + patch.length].copy_from_slice(bytes);
        }
    }

    /// The new file as whoever has the old one puts it together.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Made(range) => spans.push(Span::Made(range.clone())),
                Piece::Kept(range) => self.stretches(range, &mut spans),
            }
        }
        spans
    }

    /// Divides a stretch of the old file by whether numbers in it change.
    pub fn stretches(&self, range: &Range<usize>, spans: &mut Vec<Span>) {
        let mut from = range.start;
        let mut changed = range.start..range.start;
        for patch in self.within(range) {
            if patch.at.saturating_sub(changed.end) >= NEAR || changed.is_empty() {
                close(&mut from, &changed, spans);
                changed = patch.at.max(range.start)..patch.at;
            }
            changed.end = changed.end.max((patch.at + patch.length).min(range.end));
        }
        close(&mut from, &changed, spans);
        if from < range.end {
            spans.push(Span::Same(from..range.end));
        }
    }

    /// The bytes that the old file does not have.
    pub fn made(&self) -> &[u8] {
        &self.made
    }

    /// The new file.
    pub fn bytes(&self, file: &[u8]) -> Vec<u8> {
        let length = self.pieces.iter().map(|piece| match piece {
            Piece::Kept(range) | Piece::Made(range) => range.len(),
        });
        let mut out = Vec::with_capacity(length.sum());
        for piece in &self.pieces {
            match piece {
                Piece::Kept(range) => self.copy(file, range, &mut out),
                Piece::Made(range) => out.extend_from_slice(&self.made[range.clone()]),
            }
        }
        out
    }

    /// A stretch of the old file with its new numbers.
    pub fn cut(&self, file: &[u8], range: &Range<usize>) -> Vec<u8> {
        let mut out = Vec::with_capacity(range.len());
        self.copy(file, range, &mut out);
        out
    }

    fn copy(&self, file: &[u8], range: &Range<usize>, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&file[range.clone()]);
        let copy = &mut out[start..];
        for patch in self.within(range) {
            // A broken module can have a number across the border: the part inside counts.
            for (at, byte) in (patch.at..).zip(&patch.spelled()[..patch.length]) {
                if range.contains(&at) {
                    copy[at - range.start] = *byte;
                }
            }
        }
    }

    /// The patches that touch a stretch of the old file.
    fn within(&self, range: &Range<usize>) -> &[Patch] {
        let first = self.patches.partition_point(|patch| patch.at + NUMBER <= range.start);
        let after = self.patches.partition_point(|patch| patch.at < range.end);
        let near = &self.patches[first..after.max(first)];
        let skipped = near.iter().take_while(|patch| patch.at + patch.length <= range.start);
        &near[skipped.count()..]
    }
}

/// Adds what is the same up to the changed bytes, and these.
fn close(from: &mut usize, changed: &Range<usize>, spans: &mut Vec<Span>) {
    if changed.is_empty() {
        return;
    }
    if *from < changed.start {
        spans.push(Span::Same(*from..changed.start));
    }
    spans.push(Span::Changed(changed.clone()));
    *from = changed.end;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let mut draft = Draft::default();
        draft.patch(12..16, Form::Word(4), 0x0403_0201);
        draft.patch(4..9, Form::Unsigned(5), 0);
        draft.keep(0..8);
        draft.make(&[7; 3]);
        draft.keep(8..20);
        draft.keep(20..24);
        draft.finish()
    }

    #[test]
    fn bytes_are_what_pieces_of_the_patched_file_are() {
        let file: Vec<u8> = (100..130).collect();
        let draft = draft();
        let mut patched = file.clone();
        draft.apply(&mut patched);
        let mut joined = patched[..8].to_vec();
        joined.extend([7; 3]);
        joined.extend_from_slice(&patched[8..24]);
        assert_eq!(draft.bytes(&file), joined);
        assert_eq!(joined[4..12], [0x80, 0x80, 0x80, 0x80, 7, 7, 7, 0]);
        assert_eq!(draft.cut(&file, &(10..14)), [110, 111, 1, 2]);
        assert_eq!(draft.cut(&file, &(14..18)), [3, 4, 116, 117]);
        let kept = [Span::Same(16..24)];
        assert_eq!(draft.spans()[draft.spans().len() - 1..], kept);
    }

    #[test]
    fn numbers_near_each_other_change_as_one_stretch_and_far_ones_alone() {
        let mut draft = Draft::default();
        for at in [100, 3000, 20_000] {
            draft.patch(at..at + 4, Form::Word(4), 1);
        }
        let draft = draft.finish();
        let stretches = |range: Range<usize>| {
            let mut spans = Vec::new();
            draft.stretches(&range, &mut spans);
            spans
        };
        let all = stretches(0..30_000);
        let expected = [
            Span::Same(0..100),
            Span::Changed(100..3004),
            Span::Same(3004..20_000),
            Span::Changed(20_000..20_004),
            Span::Same(20_004..30_000),
        ];
        assert_eq!(all, expected);
        assert_eq!(stretches(3002..3003), [Span::Changed(3002..3003)]);
        assert_eq!(stretches(104..3000), [Span::Same(104..3000)]);
        assert_eq!(stretches(50..50), []);
    }
}
