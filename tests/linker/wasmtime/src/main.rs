//! Runs modules under wasmtime, alone or side by side in one memory, and prints what each answers.
//!
//! A request on standard input is a line for each group: `pages maximum shared` and then the files.
//! The answer is a record for each group and seed, with what each module's `run` says as its units:
//! ASCII's separators, because the texts have lines.

use std::io::BufRead;
use wasmtime::{Config, Engine, Extern, Instance, Linker, Memory, MemoryType, Module, SharedMemory, Store};

/// What `run` is called with, one after the other.
const SEEDS: [i32; 4] = [0, 1, 12345, 0xffff];

fn main() -> wasmtime::Result<()> {
    let mut config = Config::new();
    config.wasm_threads(true).wasm_bulk_memory(true);
    let engine = Engine::new(&config)?;
    for line in std::io::stdin().lock().lines() {
        group(&engine, &line?)?;
    }
    Ok(())
}

/// Instantiates the modules of a line on one memory and calls them in turns.
fn group(engine: &Engine, line: &str) -> wasmtime::Result<()> {
    let mut words = line.split(' ');
    let mut number = || words.next().and_then(|word| word.parse().ok()).expect("three numbers");
    let (pages, maximum, shared): (u32, u32, u32) = (number(), number(), number());
    let mut store = Store::new(engine, ());
    let mut linker = Linker::new(engine);
    let memory: Extern = match shared {
        0 => Memory::new(&mut store, MemoryType::new(pages, Some(maximum)))?.into(),
        _ => SharedMemory::new(engine, MemoryType::shared(pages, maximum))?.into(),
    };
    linker.define(&mut store, "env", "memory", memory.clone())?;
    let mut instances = Vec::new();
    for file in words {
        let module = Module::from_file(engine, file)?;
        linker.define_unknown_imports_as_traps(&module)?;
        instances.push(linker.instantiate(&mut store, &module)?);
    }
    for seed in SEEDS {
        let answers: Vec<String> = instances
            .iter()
            .map(|instance| answer(&mut store, instance, &memory, seed))
            .collect::<wasmtime::Result<_>>()?;
        print!("{}\x1e", answers.join("\x1f"));
    }
    Ok(())
}

/// The text that `run` answers: a pointer to a pointer and a length.
fn answer(store: &mut Store<()>, instance: &Instance, memory: &Extern, seed: i32) -> wasmtime::Result<String> {
    let at = instance.get_typed_func::<i32, i32>(&mut *store, "run")?.call(&mut *store, seed)? as u32;
    let own = instance.get_memory(&mut *store, "memory").map(Extern::from);
    let memory = own.as_ref().unwrap_or(memory);
    let word = |bytes: Vec<u8>| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    let ptr = word(read(store, memory, at, 4));
    let length = word(read(store, memory, at + 4, 4));
    Ok(String::from_utf8_lossy(&read(store, memory, ptr, length)).into_owned())
}

fn read(store: &Store<()>, memory: &Extern, at: u32, length: u32) -> Vec<u8> {
    let range = at as usize..(at + length) as usize;
    match memory {
        Extern::Memory(memory) => memory.data(store)[range].to_vec(),
        // SAFETY: one thread, and the bytes are read once.
        Extern::SharedMemory(memory) => memory.data()[range].iter().map(|cell| unsafe { *cell.get() }).collect(),
        _ => Vec::new(),
    }
}
