//! One allocator for all: calls of the modules' own are sent to one module's, or to the host's.
//!
//! The functions keep their places; their bodies become a call through the common table. Rust's
//! allocator hooks and C's `malloc` family are known by their symbols, so this needs modules linked
//! with `--emit-relocs`.

use super::linking::Symbol;
use super::module::Module;
use super::place::Links;
use super::plan::Placement;
use wasmparser::{FuncType, ValType};

/// The functions of one language that must come from the same allocator.
type Family = &'static [&'static str];

const RUST: Family = &["__rust_alloc", "__rust_alloc_zeroed", "__rust_dealloc", "__rust_realloc"];
const C: Family = &[
    "malloc",
    "calloc",
    "realloc",
    "free",
    "aligned_alloc",
    "memalign",
    "posix_memalign",
    "malloc_usable_size",
];

/// What a host's functions for 32-bit memory are like: how many numbers go in, whether one comes out.
const HOSTED: [(&str, usize, bool); 12] = [
    ("__rust_alloc", 2, true),
    ("__rust_alloc_zeroed", 2, true),
    ("__rust_dealloc", 3, false),
    ("__rust_realloc", 4, true),
    ("malloc", 1, true),
    ("calloc", 2, true),
    ("realloc", 2, true),
    ("free", 1, false),
    ("aligned_alloc", 2, true),
    ("memalign", 2, true),
    ("posix_memalign", 3, true),
    ("malloc_usable_size", 1, true),
];

/// The allocator functions of a module that are its own: role and function.
fn roles(module: &Module<'_>, family: Family) -> Vec<(&'static str, u32)> {
    let named = module.symbols.iter().filter_map(|symbol| match symbol {
        Symbol::Function { index, name: Some(name) } => Some((*index, *name)),
        _ => None,
    });
    let mut roles: Vec<(&'static str, u32)> = Vec::new();
    for (index, name) in named.filter(|(index, _)| *index >= module.imported_functions) {
        // Rust mangles its hooks into the crate `__rustc`.
        let plain = match name.split_once("___rustc") {
            Some((_, mangled)) => {
                mangled.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_')
            }
            None => name.trim_start_matches('_'),
        };
        let role = family.iter().find(|role| role.trim_start_matches('_') == plain);
        let role = role.filter(|role| name.contains("___rustc") || **role == name);
        let known = |role: &str| roles.iter().any(|(known, _)| *known == role);
        roles.extend(role.filter(|role| !known(role)).map(|role| (*role, index)));
    }
    roles
}

/// Sends the allocator calls of all modules to one of them, language by language.
///
/// Returns what could not be redirected, one line each; adds slots to the table of `slots`.
pub(crate) fn unite(
    modules: &[Module<'_>],
    placements: &[Placement],
    links: &mut [Links],
    slots: &mut u64,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for family in [RUST, C] {
        let all: Vec<_> = modules.iter().map(|module| roles(module, family)).collect();
        let users = || all.iter().enumerate().filter(|(_, roles)| !roles.is_empty());
        // The first that can serve the most: usually one that has every function.
        let provider = users().max_by_key(|(index, roles)| (roles.len(), usize::MAX - index));
        let Some((provider, offered)) = provider else { continue };
        for (user, wanted) in users().filter(|(user, _)| *user != provider) {
            let fits = |(role, function): &(&'static str, u32)| {
                let given = offered.iter().find(|(offered, _)| offered == role);
                let given = given.and_then(|(_, given)| modules[provider].signature(*given));
                given.is_some() && given == modules[user].signature(*function)
            };
            if let Some(missing) = wanted.iter().find(|wanted| !fits(wanted)) {
                warnings.push(format!(
                    "module {user} keeps its own allocator: module {provider} has no {} like its",
                    missing.0
                ));
                continue;
            }
            for (role, function) in wanted {
                let Some((_, given)) = offered.iter().find(|(offered, _)| offered == role) else {
                    continue;
                };
                let (module, placement) = (&modules[provider], &placements[provider]);
                let slot = links[provider].slot(module, placement, *given, slots);
                links[user].redirected.push((*function, slot));
            }
        }
    }
    warnings
}

/// Whether any module has allocator functions of its own that a host can stand in for.
pub(crate) fn any(modules: &[Module<'_>]) -> bool {
    modules.iter().any(|module| [RUST, C].iter().any(|family| !roles(module, family).is_empty()))
}

/// Sends the allocator calls of all modules to slots that the host fills; role and slot of each.
///
/// A family with a function unlike the host's stays as it is: the module is told to have an
/// allocator of its own.
pub(crate) fn lend(
    modules: &[Module<'_>],
    links: &mut [Links],
    slots: &mut u64,
) -> Vec<(&'static str, u64)> {
    let mut hosted: Vec<(&'static str, u64)> = Vec::new();
    for (module, links) in modules.iter().zip(links) {
        for family in [RUST, C] {
            let roles = roles(module, family);
            if !roles.iter().all(|(role, function)| serves(role, module.signature(*function))) {
                continue;
            }
            for (role, function) in roles {
                let known = hosted.iter().find(|(known, _)| *known == role).map(|(_, slot)| *slot);
                let slot = known.unwrap_or_else(|| {
                    hosted.push((role, *slots));
                    *slots += 1;
                    *slots - 1
                });
                links.redirected.push((function, slot));
            }
        }
    }
    hosted
}

/// Whether a host's function of this role can be called as one of this type.
fn serves(role: &str, ty: Option<&FuncType>) -> bool {
    let hosted = HOSTED.iter().find(|(known, ..)| *known == role);
    hosted.zip(ty).is_some_and(|((_, params, answers), ty)| {
        ty.params().len() == *params
            && ty.results().len() == usize::from(*answers)
            && ty.params().iter().chain(ty.results()).all(|ty| *ty == ValType::I32)
    })
}
