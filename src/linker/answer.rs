//! An answer as JavaScript reads it: outputs, each a list of spans to put in a row.

use super::draft::{Draft, Span};
use std::ops::Range;

/// The file of a span that lies in the linker's own memory.
const OWN: usize = u32::MAX as usize;

/// The most bytes of files that stay reserved for the next call.
const KEPT: usize = 16 << 20;

/// One output of an operation.
#[derive(Debug)]
pub(crate) enum Output {
    /// Bytes that came to be here.
    Bytes(Vec<u8>),
    /// A new file in terms of the one of this place in the request.
    File(usize, Draft),
    /// A part of a file of the request, of which an output before is a draft.
    Part(usize, Range<usize>),
}

/// What the last call answered, and the files that it was about.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// All files of the request in a row.
    pub(crate) store: Vec<u8>,
    outputs: Vec<Output>,
    /// For each output: the file or [`OWN`], the first byte there, the length.
    spans: Vec<Vec<[usize; 3]>>,
}

impl Answer {
    pub(crate) const fn new() -> Self {
        Self { store: Vec::new(), outputs: Vec::new(), spans: Vec::new() }
    }

    /// Makes room for files of so many bytes in all; false if there is none.
    ///
    /// What the room holds is left of earlier files.
    pub(crate) fn reserve(&mut self, bytes: usize) -> bool {
        if self.store.len() < bytes {
            self.store = Vec::new();
            if self.store.try_reserve_exact(bytes).is_err() {
                return false;
            }
            self.store.resize(bytes, 0);
        }
        true
    }

    /// Takes what an operation made of the files at these places of the store.
    pub(crate) fn put(&mut self, outputs: Vec<Output>, files: &[Range<usize>]) {
        for output in &outputs {
            if let Output::File(file, draft) = output {
                draft.apply(&mut self.store[files[*file].clone()]);
            }
        }
        let draft_of = |file: usize| {
            outputs.iter().find_map(|output| match output {
                Output::File(found, draft) if *found == file => Some(draft),
                _ => None,
            })
        };
        let address = |bytes: &[u8]| [OWN, bytes.as_ptr().addr(), bytes.len()];
        let located = |spans: Vec<Span>, file: usize, made: &[u8]| {
            let store = &self.store[files[file].clone()];
            let spans = spans.into_iter().map(|span| match span {
                Span::Same(range) => [file, range.start, range.len()],
                Span::Changed(range) => address(&store[range]),
                Span::Made(range) => address(&made[range]),
            });
            spans.collect()
        };
        self.spans = outputs
            .iter()
            .map(|output| match output {
                Output::Bytes(bytes) => vec![address(bytes)],
                Output::File(file, draft) => located(draft.spans(), *file, draft.made()),
                Output::Part(file, range) => {
                    let mut spans = Vec::new();
                    match draft_of(*file) {
                        Some(draft) => draft.stretches(range, &mut spans),
                        None => spans.push(Span::Same(range.clone())),
                    }
                    located(spans, *file, &[])
                }
            })
            .collect();
        self.outputs = outputs;
    }

    /// The spans of every output.
    pub(crate) fn spans(&self) -> &[Vec<[usize; 3]>] {
        &self.spans
    }

    /// Forgets the outputs.
    pub(crate) fn clear(&mut self) {
        self.outputs = Vec::new();
        self.spans = Vec::new();
        if self.store.len() > KEPT {
            self.store = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::leb::Form;
    use super::*;

    #[test]
    fn unchanged_stretches_stay_with_the_host_and_the_rest_is_here() {
        let mut draft = Draft::default();
        draft.keep(0..50);
        draft.make(&[9; 3]);
        draft.patch(10..14, Form::Word(4), 5);
        let mut answer = Answer::new();
        assert!(answer.reserve(100));
        let outputs = vec![
            Output::Bytes(vec![1, 2]),
            Output::File(1, draft.finish()),
            Output::Part(1, 8..12),
        ];
        answer.put(outputs, &[0..40, 40..100]);
        let shape = |index: usize| -> Vec<_> {
            answer.spans()[index].iter().map(|[file, _, length]| (*file, *length)).collect()
        };
        assert_eq!(shape(0), [(OWN, 2)]);
        assert_eq!(shape(1), [(1, 10), (OWN, 4), (1, 36), (OWN, 3)]);
        assert_eq!(shape(2), [(1, 2), (OWN, 2)]);
        assert_eq!(answer.spans()[1][2], [1, 14, 36]);
        assert_eq!(answer.store[50..54], [5, 0, 0, 0]);
        answer.clear();
        assert!(answer.spans().is_empty());
    }
}
