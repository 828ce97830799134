//! The Rhai language: runs a script, a line given with -e, or what is typed, line by line.

use rhai::{AST, Dynamic, Engine, EvalAltResult, Scope};
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;

/// Where the shell stands: WASI knows no current directory.
fn place(text: &str) -> std::path::PathBuf {
    Path::new(&std::env::var("PWD").unwrap_or_else(|_| "/".to_owned())).join(text)
}

fn failed(error: impl Into<Box<EvalAltResult>>) -> Box<EvalAltResult> {
    error.into()
}

/// The language, with what a program needs of the world: files, arguments, input.
fn engine() -> Engine {
    let mut engine = Engine::new();
    engine.set_max_expr_depths(128, 64);
    engine.on_print(|text| println!("{text}"));
    engine.on_debug(|text, _, position| eprintln!("{position:?}: {text}"));
    engine.register_fn("read_file", |path: &str| -> Result<String, Box<EvalAltResult>> {
        std::fs::read_to_string(place(path)).map_err(|error| failed(format!("{path}: {error}")))
    });
    engine.register_fn("write_file", |path: &str, text: &str| -> Result<(), Box<EvalAltResult>> {
        std::fs::write(place(path), text).map_err(|error| failed(format!("{path}: {error}")))
    });
    engine.register_fn("read_line", || -> Dynamic {
        let mut line = String::new();
        match io::stdin().read_line(&mut line) {
            Ok(1..) => line.trim_end_matches(['\r', '\n']).to_owned().into(),
            _ => Dynamic::UNIT,
        }
    });
    engine
}

fn complain(error: &EvalAltResult) -> ExitCode {
    eprintln!("rhai: {error}");
    ExitCode::FAILURE
}

/// Runs one more piece of a conversation; `known` keeps the functions of all pieces.
fn go_on(
    engine: &Engine,
    scope: &mut Scope<'_>,
    known: &mut AST,
    text: &str,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let piece = engine.compile_with_scope(scope, text)?;
    *known = known.merge(&piece);
    let value = engine.eval_ast_with_scope::<Dynamic>(scope, known);
    known.clear_statements();
    value
}

/// Reads, runs and shows, until the input ends; a line that is not complete goes on with the next.
fn converse(engine: &Engine, scope: &mut Scope<'_>) -> io::Result<()> {
    let prompt = |more: bool| {
        print!("{}", if more { "….. " } else { "rhai> " });
        io::stdout().flush()
    };
    let mut text = String::new();
    let mut known = AST::empty();
    prompt(false)?;
    for line in io::stdin().lock().lines() {
        text.push_str(&line?);
        text.push('\n');
        let open = text.matches(['{', '(', '[']).count() > text.matches(['}', ')', ']']).count();
        if !open {
            match go_on(engine, scope, &mut known, &text) {
                Ok(value) if value.is_unit() => {}
                Ok(value) => println!("{value:?}"),
                Err(error) => eprintln!("{error}"),
            }
            text.clear();
        }
        prompt(open)?;
    }
    println!();
    Ok(())
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let engine = engine();
    let mut scope = Scope::new();
    let operands =
        |from: usize| args.iter().skip(from).cloned().map(Dynamic::from).collect::<rhai::Array>();
    match args.first().map(String::as_str) {
        None | Some("-i") => match converse(&engine, &mut scope) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("rhai: {error}");
                ExitCode::FAILURE
            }
        },
        Some("-e") => {
            scope.push("ARGS", operands(2));
            let text = args.get(1).map_or("", String::as_str);
            match engine.eval_with_scope::<Dynamic>(&mut scope, text) {
                Ok(value) if value.is_unit() => ExitCode::SUCCESS,
                Ok(value) => {
                    println!("{value}");
                    ExitCode::SUCCESS
                }
                Err(error) => complain(&error),
            }
        }
        Some(script) => {
            scope.push("ARGS", operands(1));
            let text = match std::fs::read_to_string(place(script)) {
                Ok(text) => text,
                Err(error) => {
                    eprintln!("rhai: {script}: {error}");
                    return ExitCode::FAILURE;
                }
            };
            engine
                .run_with_scope(&mut scope, &text)
                .map_or_else(|error| complain(&error), |()| ExitCode::SUCCESS)
        }
    }
}
