//! Tells what a module is made of, and whether and how it can be relocated.

use super::combine;
use super::extent::known_address;
use super::fault::{Fault, Result};
use super::json::Json;
use super::module::{ExternalKind, FuncType, GlobalType, MemoryType, Module, TableType, TypeRef};
use super::parse::parse;
use super::plan::Plan;
use super::startup::Startup;
use wasmparser::{BinaryReader, ProducersSectionReader};

/// A report on a module as JSON text.
///
/// A module that cannot be relocated is reported all the same: the refusal stands in the report.
///
/// # Errors
/// `ERR_MALFORMED_MODULE` or `ERR_UNSUPPORTED_MODULE` where the bytes are no module.
pub fn inspect(file: &[u8]) -> Result<String> {
    let module = parse(file)?;
    let addresses = Startup::of(&module).map(|startup| startup.segment_addresses(&module));
    let plan = combine::plan(&module);
    Ok(Json::object(|json| {
        json.number("size", file.len() as u64);
        sections(json, &module);
        json.list("memories", |json| {
            for (index, memory) in module.memories.iter().enumerate() {
                json.item(|json| {
                    memory_type(json, memory);
                    json.flag("imported", (index as u32) < module.imported_memories);
                });
            }
        });
        imports(json, &module);
        exports(json, &module);
        data(json, &module, addresses.as_deref().unwrap_or(&[]));
        json.number_or_null("heapBase", known_address(&module, "__heap_base"));
        json.number_or_null("start", module.start.map(u64::from));
        custom(json, &module);
        json.list("needed", |json| {
            let needed = module.dylink.iter().flat_map(|dylink| &dylink.needed);
            needed.for_each(|name| json.string_item(name));
        });
        json.object_field("relocation", |json| relocation(json, &plan));
    }))
}

fn sections(json: &mut Json, module: &Module<'_>) {
    json.list("sections", |json| {
        for section in &module.sections {
            json.item(|json| {
                json.number("id", section.id.into());
                json.string("name", section.label());
                json.number("offset", section.body.start as u64);
                json.number("size", section.body.len() as u64);
            });
        }
    });
}

fn imports(json: &mut Json, module: &Module<'_>) {
    json.list("imports", |json| {
        for import in &module.imports {
            json.item(|json| {
                json.string("module", import.module);
                json.string("name", import.name);
                match import.ty {
                    TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                        json.string("kind", "function");
                        signature(json, function_type(module, ty));
                    }
                    TypeRef::Table(table) => {
                        json.string("kind", "table");
                        table_type(json, &table);
                    }
                    TypeRef::Memory(memory) => {
                        json.string("kind", "memory");
                        memory_type(json, &memory);
                    }
                    TypeRef::Global(global) => {
                        json.string("kind", "global");
                        global_type(json, &global);
                    }
                    TypeRef::Tag(_) => json.string("kind", "tag"),
                }
            });
        }
    });
}

fn exports(json: &mut Json, module: &Module<'_>) {
    json.list("exports", |json| {
        for export in &module.exports {
            json.item(|json| {
                json.string("name", export.name);
                match export.kind {
                    ExternalKind::Func | ExternalKind::FuncExact => {
                        json.string("kind", "function");
                        let ty = module.functions.get(export.index as usize);
                        signature(json, ty.and_then(|ty| function_type(module, *ty)));
                    }
                    ExternalKind::Table => json.string("kind", "table"),
                    ExternalKind::Memory => json.string("kind", "memory"),
                    ExternalKind::Tag => json.string("kind", "tag"),
                    ExternalKind::Global => {
                        json.string("kind", "global");
                        if let Some(global) = module.own_global(export.index) {
                            global_type(json, &global.ty);
                            json.number_or_null("value", global.init.constant());
                        }
                    }
                }
            });
        }
    });
}

fn data(json: &mut Json, module: &Module<'_>, addresses: &[Option<u64>]) {
    json.list("data", |json| {
        for (index, data) in module.data.iter().enumerate() {
            json.item(|json| {
                json.flag("passive", data.offset.is_none());
                json.number_or_null("address", addresses.get(index).copied().flatten());
                json.number("size", data.bytes.len() as u64);
                json.number("offset", data.bytes.start as u64);
            });
        }
    });
}

/// What the toolchain wrote about itself. Notes that cannot be read are left out.
fn custom(json: &mut Json, module: &Module<'_>) {
    let body = |name: &str| {
        let section = module.sections.iter().find(|section| section.name == name)?;
        let start = section.content;
        let bytes = module.bytes.get(start..section.body.end)?;
        Some(BinaryReader::new(bytes, start as u64))
    };
    json.list("producers", |json| {
        let reader = body("producers").and_then(|body| ProducersSectionReader::new(body).ok());
        for field in reader.into_iter().flatten().map_while(std::result::Result::ok) {
            for value in field.values.into_iter().map_while(std::result::Result::ok) {
                json.item(|json| {
                    json.string("field", field.name);
                    json.string("name", value.name);
                    json.string("version", value.version);
                });
            }
        }
    });
    json.list("features", |json| {
        let Some(mut reader) = body("target_features") else { return };
        let count = reader.read_var_u32().unwrap_or(0);
        for _ in 0..count {
            let (Ok(prefix), Ok(name)) = (reader.read_u8(), reader.read_string()) else { return };
            json.string_item(&format!("{}{name}", char::from(prefix)));
        }
    });
}

fn relocation(json: &mut Json, plan: &std::result::Result<Plan, Fault>) {
    match plan {
        Ok(plan) => {
            let extent = &plan.extent;
            json.string("route", plan.route.name());
            json.number("numbers", plan.fixes.len() as u64);
            json.range("data", (extent.data_start, extent.data_end));
            json.number("stackTop", extent.stack_top);
            json.number("end", extent.heap_base);
            json.number("align", extent.align);
            json.list("warnings", |json| {
                plan.warnings.iter().for_each(|warning| json.string_item(warning));
            });
        }
        Err(fault) => {
            json.string("route", "none");
            json.string("code", fault.error().code());
            json.string("message", fault.error().message());
            json.number("offset", fault.offset() as u64);
        }
    }
}

fn function_type<'m>(module: &'m Module<'_>, ty: u32) -> Option<&'m FuncType> {
    module.types.get(ty as usize)?.as_ref()
}

fn signature(json: &mut Json, ty: Option<&FuncType>) {
    let Some(ty) = ty else { return };
    for (key, types) in [("params", ty.params()), ("results", ty.results())] {
        json.list(key, |json| {
            for ty in types {
                json.string_item(&ty.to_string());
            }
        });
    }
}

fn memory_type(json: &mut Json, memory: &MemoryType) {
    json.number("initial", memory.initial);
    json.number_or_null("maximum", memory.maximum);
    json.flag("shared", memory.shared);
    json.flag("memory64", memory.memory64);
}

fn table_type(json: &mut Json, table: &TableType) {
    json.number("initial", table.initial);
    json.number_or_null("maximum", table.maximum);
}

fn global_type(json: &mut Json, global: &GlobalType) {
    json.string("type", &global.content_type.to_string());
    json.flag("mutable", global.mutable);
}
