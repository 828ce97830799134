//! Writes a shape as JSON text, the way it goes to JavaScript.

use super::{Extern, Limits, Refusal, Shape, Value};
use std::fmt::Write as _;

/// The text of an answer: `{"imports":…}`, `{"more":true}`, `{"component":true}` or `{"wrong":…}`.
pub fn json(answer: &Result<Shape, Refusal>) -> String {
    let mut text = String::new();
    match answer {
        Ok(shape) => whole(&mut text, shape),
        Err(Refusal::More) => text.push_str("{\"more\":true}"),
        Err(Refusal::Component) => text.push_str("{\"component\":true}"),
        Err(Refusal::Malformed(at, what)) => {
            text.push_str("{\"wrong\":");
            quote(&mut text, what);
            put(&mut text, format_args!(",\"at\":{at}}}"));
        }
    }
    text
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = text.write_fmt(what);
}

fn whole(text: &mut String, shape: &Shape) {
    text.push_str("{\"imports\":[");
    for (at, (module, name, ty)) in shape.imports.iter().enumerate() {
        text.push_str(if at == 0 { "{\"module\":" } else { ",{\"module\":" });
        quote(text, module);
        text.push_str(",\"name\":");
        quote(text, name);
        external(text, ty);
    }
    text.push_str("],\"exports\":[");
    for (at, (name, ty)) in shape.exports.iter().enumerate() {
        text.push_str(if at == 0 { "{\"name\":" } else { ",{\"name\":" });
        quote(text, name);
        external(text, ty);
    }
    text.push_str("],\"memories\":[");
    for (at, memory) in shape.memories.iter().enumerate() {
        text.push_str(if at == 0 { "{\"own\":true" } else { ",{\"own\":true" });
        limits(text, memory);
        text.push('}');
    }
    put(text, format_args!("],\"start\":{}}}", shape.start));
}

/// The rest of an object that has begun: kind and type.
fn external(text: &mut String, ty: &Extern) {
    match ty {
        Extern::Func(params, results) => {
            text.push_str(",\"kind\":\"func\",\"params\":");
            values(text, params);
            text.push_str(",\"results\":");
            values(text, results);
        }
        Extern::Table(size, of) => {
            put(text, format_args!(",\"kind\":\"table\",\"type\":\"{}\"", value(*of)));
            limits(text, size);
        }
        Extern::Memory(size) => {
            text.push_str(",\"kind\":\"memory\"");
            limits(text, size);
        }
        Extern::Global(of, mutable) => {
            let of = value(*of);
            put(text, format_args!(",\"kind\":\"global\",\"type\":\"{of}\",\"mutable\":{mutable}"));
        }
        Extern::Tag(params) => {
            text.push_str(",\"kind\":\"tag\",\"params\":");
            values(text, params);
        }
    }
    text.push('}');
}

fn limits(text: &mut String, limits: &Limits) {
    put(text, format_args!(",\"initial\":{}", limits.initial));
    if let Some(maximum) = limits.maximum {
        put(text, format_args!(",\"maximum\":{maximum}"));
    }
    put(text, format_args!(",\"shared\":{},\"wide\":{}", limits.shared, limits.wide));
}

fn values(text: &mut String, values: &[Value]) {
    text.push('[');
    for (at, one) in values.iter().enumerate() {
        text.push_str(if at == 0 { "\"" } else { ",\"" });
        text.push_str(value(*one));
        text.push('"');
    }
    text.push(']');
}

const fn value(value: Value) -> &'static str {
    match value {
        Value::I32 => "i32",
        Value::I64 => "i64",
        Value::F32 => "f32",
        Value::F64 => "f64",
        Value::V128 => "v128",
        Value::FuncRef => "funcref",
        Value::ExternRef => "externref",
        Value::Ref => "ref",
    }
}

fn quote(text: &mut String, string: &str) {
    text.push('"');
    for char in string.chars() {
        match char {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\0'..='\u{1f}' => put(text, format_args!("\\u{:04x}", u32::from(char))),
            _ => text.push(char),
        }
    }
    text.push('"');
}
