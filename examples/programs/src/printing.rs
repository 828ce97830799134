//! Programs that only write: echo, env, seq, and the two that say yes and no.

use crate::args::Args;
use crate::{Call, Failure, Outcome};
use std::io::Write;

/// `echo`
pub fn echo(call: &mut Call<'_>) -> Outcome {
    let bare = call.args.first().is_some_and(|arg| arg == "-n");
    write!(call.out, "{}", call.args[usize::from(bare)..].join(" "))?;
    if !bare {
        writeln!(call.out)?;
    }
    Ok(())
}

/// `env`
pub fn env(call: &mut Call<'_>) -> Outcome {
    for (name, value) in std::env::vars() {
        writeln!(call.out, "{name}={value}")?;
    }
    Ok(())
}

/// `seq`
pub fn seq(call: &mut Call<'_>) -> Outcome {
    let operands = Args::read(call, "", "")?.at_least(1)?;
    let number = |text: &String| {
        text.parse::<i64>().map_err(|_| Failure::Usage(format!("{text:?} is no number")))
    };
    let (first, last) = match operands.as_slice() {
        [last] => (1, number(last)?),
        [first, last] => (number(first)?, number(last)?),
        _ => return Err(Failure::Usage("there are too many operands".to_owned())),
    };
    for n in first..=last {
        writeln!(call.out, "{n}")?;
    }
    Ok(())
}

/// `true`
pub fn succeeds(_: &mut Call<'_>) -> Outcome {
    Ok(())
}

/// `false`
pub fn fails(call: &mut Call<'_>) -> Outcome {
    call.code = 1;
    Ok(())
}
