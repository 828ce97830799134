//! How JavaScript says what process to start: records of a tag, a number, a length and bytes.
//!
//! | tag | number | bytes |
//! |---|---|---|
//! | 0 | | an argument |
//! | 1 | | a variable, `name=value` |
//! | 2 | 1 read-only, 2 to be made | a preopen's name |
//! | 3 | | the last preopen's path |
//! | 4 | | standard input |
//! | 5 | a pipe | standard input |
//! | 6, 7 | a pipe, or 0 to capture | descriptors 1 and 2 |
//! | 8 | which of descriptors 0 to 2 are terminals, in bits | |

use crate::runtime::process::{Config, Input, Output, Preopen};

/// The configuration, if the bytes are one.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Config> {
    let mut config = Config::default();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_first_chunk::<12>()?;
        let number =
            |at: usize| head[at..].first_chunk::<4>().map_or(0, |four| u32::from_le_bytes(*four));
        let (value, rest) = rest.split_at_checked(number(8) as usize)?;
        bytes = rest;
        add(&mut config, number(0), number(4), value)?;
    }
    Some(config)
}

fn add(config: &mut Config, tag: u32, number: u32, value: &[u8]) -> Option<()> {
    match tag {
        0 => config.args.push(value.to_vec()),
        1 => config.env.push(value.to_vec()),
        2 => config.preopens.push(Preopen {
            guest: value.to_vec(),
            path: Vec::new(),
            read_only: number & 1 != 0,
            create: number & 2 != 0,
        }),
        3 => config.preopens.last_mut()?.path = value.to_vec(),
        4 => config.stdin = Input::Bytes(value.to_vec()),
        5 => config.stdin = Input::Pipe(number),
        6 | 7 => {
            let output = if number == 0 { Output::Capture } else { Output::Pipe(number) };
            config.output[tag as usize - 6] = output;
        }
        8 => config.terminal = [0, 1, 2].map(|bit| number >> bit & 1 != 0),
        _ => return None,
    }
    Some(())
}
