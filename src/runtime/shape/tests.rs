//! Shapes of hand-made modules, of every prefix of them, and of what chance makes of them.

use super::*;

/// A section: its number, its length, its bytes.
fn section(id: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![id, body.len() as u8];
    bytes.extend(body);
    bytes
}

fn name(text: &str) -> Vec<u8> {
    let mut bytes = vec![text.len() as u8];
    bytes.extend(text.as_bytes());
    bytes
}

/// A module with one of everything.
fn module() -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    // (i32, i64) -> (f32, f64); (); an array of bytes in a group of its own.
    let mut types = vec![3, 0x60, 2, 0x7f, 0x7e, 2, 0x7d, 0x7c, 0x60, 0, 0];
    types.extend([0x4e, 1, 0x50, 0, 0x5e, 0x78, 1]);
    bytes.extend(section(id::TYPE, &types));
    let mut imports = vec![4];
    for (field, ty) in
        [("f", &[0, 0][..]), ("m", &[2, 3, 1, 2]), ("g", &[3, 0x7e, 0]), ("t", &[1, 0x70, 1, 1, 9])]
    {
        imports.extend(name("env"));
        imports.extend(name(field));
        imports.extend(ty);
    }
    bytes.extend(section(id::IMPORT, &imports));
    bytes.extend(section(id::FUNCTION, &[1, 1]));
    bytes.extend(section(id::TABLE, &[1, 0x40, 0, 0x63, 0x6f, 0, 4, 0xd0, 0x6f, 0x0b]));
    bytes.extend(section(id::MEMORY, &[1, 0, 5]));
    bytes.extend(section(id::TAG, &[1, 0, 1]));
    bytes.extend(section(id::GLOBAL, &[1, 0x7c, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b]));
    let mut exports = vec![6];
    let items = [
        ("im\"port", 0, 0),
        ("own", 0, 1),
        ("memory", 2, 1),
        ("table", 1, 1),
        ("global", 3, 1),
        ("tag", 4, 0),
    ];
    for (text, kind, index) in items {
        exports.extend(name(text));
        exports.extend([kind, index]);
    }
    bytes.extend(section(id::EXPORT, &exports));
    bytes.extend(section(id::START, &[1]));
    bytes.extend(section(id::CODE, &[1, 2, 0, 0x0b]));
    bytes
}

#[test]
fn everything_is_told() {
    let shape = shape(&module()).unwrap();
    let signature = Extern::Func(vec![Value::I32, Value::I64], vec![Value::F32, Value::F64]);
    let shared = Limits { initial: 1, maximum: Some(2), shared: true, wide: false };
    let env = |name: &str, ty| ("env".to_owned(), name.to_owned(), ty);
    let table = Limits { initial: 1, maximum: Some(9), shared: false, wide: false };
    assert_eq!(
        shape.imports,
        [
            env("f", signature.clone()),
            env("m", Extern::Memory(shared)),
            env("g", Extern::Global(Value::I64, false)),
            env("t", Extern::Table(table, Value::FuncRef)),
        ]
    );
    let own = |initial| Limits { initial, maximum: None, shared: false, wide: false };
    assert_eq!(
        shape.exports,
        [
            ("im\"port".to_owned(), signature),
            ("own".to_owned(), Extern::Func(vec![], vec![])),
            ("memory".to_owned(), Extern::Memory(own(5))),
            ("table".to_owned(), Extern::Table(own(4), Value::ExternRef)),
            ("global".to_owned(), Extern::Global(Value::F64, true)),
            ("tag".to_owned(), Extern::Tag(vec![])),
        ]
    );
    assert_eq!(shape.memories, [own(5)]);
    assert!(shape.start);
}

#[test]
fn names_are_quoted_in_the_text() {
    let text = json(&shape(&module()));
    assert!(
        text.contains(
            r#"{"name":"im\"port","kind":"func","params":["i32","i64"],"results":["f32","f64"]}"#
        ),
        "{text}"
    );
    assert!(text.ends_with(r#""start":true}"#), "{text}");
}

#[test]
fn every_prefix_before_the_code_needs_more() {
    let module = module();
    let code = module.len() - 6;
    for length in 0..code {
        let read = shape(&module[..length]);
        // Between two sections a file may end.
        assert!(matches!(read, Err(Refusal::More) | Ok(_)), "{length}: {read:?}");
    }
    assert_eq!(shape(&module[..code + 2]), shape(&module));
}

#[test]
fn what_is_no_module_is_named() {
    assert!(matches!(shape(b"MZ..binary"), Err(Refusal::Malformed(0, "not WebAssembly"))));
    assert!(matches!(shape(b"\0asm\x02\0\0\0"), Err(Refusal::Malformed(8, _))));
    assert_eq!(shape(b"\0asm\x0d\0\x01\0"), Err(Refusal::Component));
}

#[test]
fn an_export_of_nothing_is_refused() {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    bytes.extend(section(id::EXPORT, &[1, 1, b'f', 0, 7]));
    assert!(matches!(
        shape(&bytes),
        Err(Refusal::Malformed(_, "an export of something that is not there"))
    ));
}

#[test]
fn no_change_of_bytes_makes_it_panic() {
    let module = module();
    let mut state = 0x9e37_79b9_u32;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    for _ in 0..20_000 {
        let mut bytes = module.clone();
        for _ in 0..1 + random() % 4 {
            let at = 8 + random() as usize % (bytes.len() - 8);
            bytes[at] = random() as u8;
        }
        let _ = json(&shape(&bytes));
    }
}
