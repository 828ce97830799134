//! Rewrites a module by replacing ranges of its bytes, mending every length around them.

use super::draft::Draft;
use super::leb::Form;
use super::module::{Module, Section, id};
use std::ops::Range;
use wasm_encoder::Encode;

/// A module under change: edits are collected and written out in one pass.
///
/// Edits may not overlap; empty ranges insert, in the order in which they were given. Indices
/// never move, because nothing is inserted but at the end of a list.
#[derive(Debug)]
pub(crate) struct Splicer<'m, 'a> {
    module: &'m Module<'a>,
    /// The new file, of which only the changes that keep their length are known yet.
    draft: Draft,
    edits: Vec<(Range<usize>, Vec<u8>)>,
    dropped: Vec<bool>,
    appended: Vec<Appended>,
    /// Sections that the module lacks and that edits bring in.
    created: Vec<(u8, Appended)>,
}

/// Items to put at the end (or the front) of a section's list.
#[derive(Clone, Debug, Default)]
struct Appended {
    count: u32,
    front: Vec<u8>,
    bytes: Vec<u8>,
    removed: u32,
}

impl<'m, 'a> Splicer<'m, 'a> {
    pub(crate) fn new(module: &'m Module<'a>) -> Self {
        let sections = module.sections.len();
        Self {
            module,
            draft: Draft::default(),
            edits: Vec::new(),
            dropped: vec![false; sections],
            appended: vec![Appended::default(); sections],
            created: Vec::new(),
        }
    }

    /// Writes another number in the same bytes; not for [`Form::Free`].
    ///
    /// Much cheaper than [`replace`](Self::replace) for many; the two may not meet at one place.
    pub(crate) fn patch(&mut self, site: Range<usize>, form: Form, value: u64) {
        self.draft.patch(site, form, value);
    }

    /// Replaces a range of the file.
    pub(crate) fn replace(&mut self, range: Range<usize>, bytes: Vec<u8>) {
        self.edits.push((range, bytes));
    }

    /// Inserts before the byte at `offset`.
    pub(crate) fn insert(&mut self, offset: usize, bytes: Vec<u8>) {
        self.edits.push((offset..offset, bytes));
    }

    /// Leaves out the section at place `index` of the file.
    pub(crate) fn drop_section(&mut self, index: usize) {
        self.dropped[index] = true;
    }

    /// Leaves out every section with this id.
    pub(crate) fn drop_all(&mut self, id: u8) {
        for (dropped, section) in self.dropped.iter_mut().zip(&self.module.sections) {
            *dropped |= section.id == id;
        }
    }

    /// Takes one item out of the list of section `section`.
    pub(crate) fn remove_item(&mut self, section: u8, range: Range<usize>) {
        self.list(section).removed += 1;
        self.edits.push((range, Vec::new()));
    }

    /// Adds an encoded item to the end of the list of section `section`, made if it is missing.
    pub(crate) fn append(&mut self, section: u8, item: &[u8]) {
        let list = self.list(section);
        list.count += 1;
        list.bytes.extend_from_slice(item);
    }

    /// Adds an encoded item to the front of the list of section `section`.
    pub(crate) fn prepend(&mut self, section: u8, item: &[u8]) {
        let list = self.list(section);
        list.count += 1;
        list.front.extend_from_slice(item);
    }

    fn list(&mut self, section: u8) -> &mut Appended {
        let found = self.module.sections.iter().position(|found| found.id == section);
        if let Some(index) = found {
            return &mut self.appended[index];
        }
        let index = match self.created.iter().position(|(id, _)| *id == section) {
            Some(index) => index,
            None => {
                self.created.push((section, Appended::default()));
                self.created.len() - 1
            }
        };
        &mut self.created[index].1
    }

    /// The new file.
    pub(crate) fn finish(mut self) -> Draft {
        self.mend_lists();
        self.mend_bodies();
        // Stable: insertions at one place keep their order.
        self.edits.sort_by_key(|(range, _)| (range.start, range.end));
        let module = self.module;
        let mut draft = self.draft;
        draft.keep(0..8);
        self.created.sort_by_key(|(id, _)| order(*id));
        let mut created = self.created.into_iter().peekable();
        let mut edits = self.edits.into_iter().peekable();
        for (index, section) in module.sections.iter().enumerate() {
            while let Some((id, list)) = created
                .next_if(|(id, _)| section.id != id::CUSTOM && order(*id) < order(section.id))
            {
                create(&mut draft, id, &list);
            }
            let mut inside = Vec::new();
            while let Some(edit) = edits.next_if(|(range, _)| {
                range.start < section.body.end
                    || (range.start == section.body.end && range.is_empty())
            }) {
                inside.push(edit);
            }
            if !self.dropped[index] {
                section_with(&mut draft, section, &inside);
            }
        }
        for (id, list) in created {
            create(&mut draft, id, &list);
        }
        draft.finish()
    }

    /// Rewrites the count in front of every list that gained or lost items.
    fn mend_lists(&mut self) {
        for (index, list) in std::mem::take(&mut self.appended).into_iter().enumerate() {
            if list.count == 0 && list.removed == 0 {
                continue;
            }
            let body = self.module.sections[index].body.clone();
            let (count, after) = read_u32(self.module.bytes, body.start);
            let mut front = encoded(count + list.count - list.removed);
            front.extend_from_slice(&list.front);
            self.edits.push((body.start..after, front));
            self.edits.push((body.end..body.end, list.bytes));
        }
    }

    /// Rewrites the length in front of every function body that changes its length.
    fn mend_bodies(&mut self) {
        let bodies = &self.module.bodies;
        let mut deltas: Vec<(usize, isize)> = Vec::new();
        for (range, bytes) in &self.edits {
            let delta = bytes.len() as isize - range.len() as isize;
            let index = bodies.partition_point(|body| body.range.end <= range.start);
            let inside = bodies.get(index).is_some_and(|body| body.range.start <= range.start);
            if inside && delta != 0 {
                deltas.push((index, delta));
            }
        }
        deltas.sort_unstable_by_key(|(index, _)| *index);
        for group in deltas.chunk_by(|a, b| a.0 == b.0) {
            let body = &bodies[group[0].0];
            let delta: isize = group.iter().map(|(_, delta)| delta).sum();
            let length = body.range.len().strict_add_signed(delta);
            self.edits.push((body.size.clone(), encoded(length as u32)));
        }
    }
}

fn create(draft: &mut Draft, id: u8, list: &Appended) {
    let count = encoded(list.count);
    draft.make(&[id]);
    draft.make(&encoded((count.len() + list.front.len() + list.bytes.len()) as u32));
    draft.make(&count);
    draft.make(&list.front);
    draft.make(&list.bytes);
}

fn section_with(draft: &mut Draft, section: &Section<'_>, edits: &[(Range<usize>, Vec<u8>)]) {
    let removed: usize = edits.iter().map(|(range, _)| range.len()).sum();
    let added: usize = edits.iter().map(|(_, bytes)| bytes.len()).sum();
    if removed == added {
        // The length stays as it is spelled, so that offsets into the file stay true.
        draft.keep(section.head..section.body.start);
    } else {
        draft.make(&[section.id]);
        draft.make(&encoded((section.body.len() - removed + added) as u32));
    }
    let mut from = section.body.start;
    for (range, new) in edits {
        debug_assert!(from <= range.start, "edits overlap at byte {from:#x}");
        draft.keep(from..range.start);
        draft.make(new);
        from = range.end;
    }
    draft.keep(from..section.body.end);
}

/// The place of a section in the order that the binary format prescribes.
fn order(id: u8) -> u8 {
    const ORDER: [u8; 13] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];
    ORDER.iter().position(|known| *known == id).map_or(u8::MAX, |place| place as u8)
}

fn read_u32(bytes: &[u8], at: usize) -> (u32, usize) {
    let mut value = 0;
    for (index, byte) in bytes[at..].iter().take(5).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return (value, at + index + 1);
        }
    }
    unreachable!("the parser has read this number")
}

/// A number in LEB128, unsigned for unsigned types and signed for signed ones.
pub(crate) fn encoded(value: impl Encode) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5);
    value.encode(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    const FILE: &[u8] = include_bytes!("../../tests/linker/golden/threads-plain.wasm");

    fn sections(bytes: &[u8]) -> Vec<u8> {
        let module = parse(bytes).expect("a module");
        module.sections.iter().map(|section| section.id).collect()
    }

    #[test]
    fn no_edits_leave_the_file_as_it_is() {
        let module = parse(FILE).expect("a module");
        assert_eq!(Splicer::new(&module).finish().bytes(FILE), FILE);
    }

    #[test]
    fn a_body_that_grows_takes_its_lengths_along() {
        let module = parse(FILE).expect("a module");
        let mut splicer = Splicer::new(&module);
        for body in &module.bodies {
            // Before the last `end`: 100 times `nop`.
            splicer.insert(body.range.end - 1, vec![1; 100]);
        }
        let grown = splicer.finish().bytes(FILE);
        let grown = parse(&grown).expect("still a module");
        for (before, after) in module.bodies.iter().zip(&grown.bodies) {
            assert_eq!(after.range.len(), before.range.len() + 100);
        }
        assert_eq!(grown.data.len(), module.data.len());
    }

    #[test]
    fn lists_grow_at_both_ends_and_sections_come_where_they_belong() {
        let module = parse(FILE).expect("a module");
        let mut splicer = Splicer::new(&module);
        splicer.prepend(id::GLOBAL, &[0x7f, 0, 0x41, 1, 0x0b]);
        splicer.append(id::GLOBAL, &[0x7f, 0, 0x41, 2, 0x0b]);
        splicer.append(id::MEMORY, &[0, 9]);
        splicer.drop_all(id::EXPORT);
        let made = splicer.finish().bytes(FILE);
        let after = parse(&made).expect("still a module");
        assert_eq!(after.globals.len(), module.globals.len() + 2);
        assert_eq!(after.globals.first().and_then(|global| global.init.constant()), Some(1));
        assert_eq!(after.globals.last().and_then(|global| global.init.constant()), Some(2));
        assert!(after.exports.is_empty());
        let ids: Vec<u8> = sections(&made).into_iter().filter(|id| *id != 0).collect();
        assert!(ids.is_sorted_by_key(|id| order(*id)), "{ids:?}");
        assert!(ids.contains(&id::MEMORY));
    }

    #[test]
    fn removing_an_item_counts_it_out() {
        let module = parse(FILE).expect("a module");
        let mut splicer = Splicer::new(&module);
        splicer.remove_item(id::IMPORT, module.imports[0].range.clone());
        let made = splicer.finish().bytes(FILE);
        assert_eq!(parse(&made).expect("still a module").imports.len(), module.imports.len() - 1);
    }
}
