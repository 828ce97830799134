//! The dynamic route: side modules with a `dylink.0` section.

use super::fault::{Fault, Result};
use super::module::Module;
use super::place::{Rewritten, Surroundings};
use super::plan::{Placement, Plan};
use crate::error::Kind;

pub(crate) fn plan(module: &Module<'_>) -> Result<Plan> {
    let at = module.dylink.as_ref().map_or(0, |dylink| dylink.at);
    Err(Fault::new(Kind::UnsupportedModule, at, "side modules are not supported"))
}

pub(crate) fn place(
    module: &Module<'_>,
    _plan: &Plan,
    _placement: &Placement,
    _around: &Surroundings,
) -> Result<Rewritten> {
    plan(module).map(|_| Rewritten { bytes: Vec::new(), image: Vec::new() })
}
