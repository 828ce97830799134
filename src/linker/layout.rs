//! Where modules go in one memory: side by side, with guard gaps, overlap impossible.

use super::fault::{Fault, Result};
use super::place::PAGE;
use super::plan::{Extent, Placement, Plan};
use crate::error::Kind;

/// What a stack is a multiple of.
const STACK_ALIGN: u64 = 16;

/// What [`arrange`] is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wish {
    /// Bytes of stack for each module beyond those it was linked with.
    pub(crate) additional_stack: u64,
    /// Bytes left unused between modules.
    pub(crate) guard: u64,
    /// The first address that may be used.
    pub(crate) base: u64,
}

/// The memory of one module at its new place: `low..high` is its own, and nobody else's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Area {
    pub(crate) low: u64,
    pub(crate) high: u64,
    pub(crate) placement: Placement,
}

impl Area {
    /// The module at exactly `offset`, with the stack it was linked with.
    pub(crate) fn at(extent: &Extent, offset: u64, additional_stack: u64) -> Option<Self> {
        let stack = additional_stack.checked_next_multiple_of(STACK_ALIGN)?;
        let has_stack = extent.stack_top != 0;
        let (below, above) = match (has_stack, extent.stack_first()) {
            (false, _) => (0, 0),
            (true, true) => (stack, 0),
            (true, false) => (0, stack),
        };
        let low = offset.checked_sub(below)?;
        let high = offset.checked_add(extent.heap_base)?.checked_add(above)?;
        let stack_low = if extent.stack_first() { low } else { offset + extent.data_end };
        let placement = Placement {
            offset,
            stack_top: offset + extent.stack_top + above,
            stack_low,
            heap_base: high,
            heap_end: high,
            slots: 0,
        };
        Some(Self { low, high, placement })
    }
}

/// Lays modules out in the order given; every area starts where the last one's guard gap ends.
///
/// Returns the areas and the end of the last: the common heap base.
///
/// # Errors
/// `ERR_LAYOUT_OVERFLOW` if they do not fit into the address space.
pub(crate) fn arrange(plans: &[Plan], wish: &Wish, limit: u64) -> Result<(Vec<Area>, u64)> {
    let mut areas: Vec<Area> = Vec::with_capacity(plans.len());
    let mut cursor = wish.base;
    for (index, plan) in plans.iter().enumerate() {
        let area = next(&plan.extent, wish, cursor).filter(|area| area.high <= limit);
        let Some(area) = area else {
            let message = format!("the modules up to this one need more than {limit:#x} bytes");
            return Err(Fault::new(Kind::LayoutOverflow, 0, message).in_module(index));
        };
        if areas.last().is_some_and(|last| last.high > area.low) {
            let message = "two modules overlap";
            return Err(Fault::new(Kind::LayoutOverflow, 0, message).in_module(index));
        }
        cursor = area.high.saturating_add(wish.guard);
        areas.push(area);
    }
    let end = areas.last().map_or(wish.base, |area| area.high);
    let heap_base = end.next_multiple_of(STACK_ALIGN);
    for area in &mut areas {
        area.placement.heap_base = heap_base;
        // An empty gap: the allocators of Rust and C that know it take their memory by growing,
        // so that no two of them own the same bytes.
        area.placement.heap_end = heap_base;
    }
    Ok((areas, heap_base))
}

fn next(extent: &Extent, wish: &Wish, cursor: u64) -> Option<Area> {
    let below = Area::at(extent, u64::MAX >> 8, wish.additional_stack)?;
    let below = (u64::MAX >> 8) - below.low;
    let offset = cursor.checked_add(below)?.checked_next_multiple_of(extent.align)?;
    Area::at(extent, offset, wish.additional_stack)
}

/// The pages that hold `bytes` bytes.
pub(crate) fn pages(bytes: u64) -> u64 {
    bytes.div_ceil(PAGE)
}

#[cfg(test)]
mod tests {
    use super::super::plan::Route;
    use super::*;
    use proptest::prelude::*;

    fn plan(extent: Extent) -> Plan {
        Plan {
            route: Route::Exact,
            extent,
            fixes: Vec::new(),
            segments: Vec::new(),
            heap_base_used: None,
            heap_end_used: None,
            movable_table: true,
            warnings: Vec::new(),
        }
    }

    prop_compose! {
        /// A module as linkers lay one out: stack before or after the data, or none.
        fn extent()(
            stack in 0..0x10_0000u64,
            data in 0..0x20_0000u64,
            align in 4..9u32,
            order in 0..3u8,
        ) -> Extent {
            let align = 1 << align;
            let stack = stack.next_multiple_of(16);
            let (data_start, stack_top, end) = match order {
                0 => (stack.next_multiple_of(align), stack, stack.next_multiple_of(align) + data),
                1 => (1024, (1024 + data).next_multiple_of(16) + stack, 0),
                _ => (1024, 0, 1024 + data),
            };
            let end = end.max(stack_top);
            let data_end = data_start + data;
            Extent { data_start, data_end, stack_top, heap_base: end.next_multiple_of(16), align }
        }
    }

    proptest! {
        #[test]
        fn areas_are_apart_aligned_and_in_order(
            extents in prop::collection::vec(extent(), 1..8),
            additional_stack in 0..0x2_0000u64,
            guard in 0..0x2_0000u64,
            base in 0..0x10_0000u64,
        ) {
            let plans: Vec<_> = extents.into_iter().map(plan).collect();
            let wish = Wish { additional_stack, guard, base };
            let (areas, heap_base) = arrange(&plans, &wish, 1 << 32).expect("small enough");
            let mut free_from = base;
            for (area, plan) in areas.iter().zip(&plans) {
                let Extent { data_start, data_end, stack_top, align, .. } = plan.extent;
                let Placement { offset, .. } = area.placement;
                prop_assert!(area.low >= free_from);
                prop_assert!(offset.is_multiple_of(align));
                prop_assert!(offset + data_start.min(data_end) >= area.low);
                prop_assert!(offset + data_end <= area.high && area.high <= heap_base);
                if stack_top != 0 {
                    let top = area.placement.stack_top;
                    prop_assert!(area.placement.stack_low >= area.low && top <= area.high);
                    prop_assert!(top.is_multiple_of(16));
                }
                prop_assert_eq!(area.placement.heap_base, heap_base);
                free_from = area.high + guard;
            }
        }

        #[test]
        fn what_does_not_fit_is_refused(extent in extent(), additional_stack: u64, base: u64) {
            let plans = [plan(extent), plan(extent)];
            let limit = extent.heap_base * 2;
            let wish = Wish { additional_stack, guard: 0, base };
            if let Ok((areas, heap_base)) = arrange(&plans, &wish, limit) {
                prop_assert!(areas[0].high <= areas[1].low && heap_base <= limit);
            }
        }
    }
}
