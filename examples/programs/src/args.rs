//! Options of one letter, as POSIX has them: `-la`, `-n 5`, `-n5`, `--`, and operands in between.

use crate::{Call, Failure};

/// Options and operands of a call.
pub struct Args {
    flags: Vec<char>,
    values: Vec<(char, String)>,
    /// What is no option.
    pub operands: Vec<String>,
}

impl Args {
    /// Reads the arguments: `flags` are letters that stand alone, `valued` those that take a value.
    pub fn read(call: &mut Call<'_>, flags: &str, valued: &str) -> Result<Self, Failure> {
        let mut read = Self { flags: Vec::new(), values: Vec::new(), operands: Vec::new() };
        let mut rest = std::mem::take(&mut call.args).into_iter();
        while let Some(arg) = rest.next() {
            if arg == "--" {
                read.operands.extend(rest);
                break;
            }
            let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                read.operands.push(arg);
                continue;
            };
            let mut letters = letters.chars();
            while let Some(letter) = letters.next() {
                if valued.contains(letter) {
                    let mut value: String = letters.by_ref().collect();
                    if value.is_empty() {
                        let missing = || Failure::Usage(format!("-{letter} needs a value"));
                        value = rest.next().ok_or_else(missing)?;
                    }
                    read.values.push((letter, value));
                } else if flags.contains(letter) {
                    read.flags.push(letter);
                } else {
                    return Err(Failure::Usage(format!("there is no option -{letter}")));
                }
            }
        }
        Ok(read)
    }

    /// Whether a flag was given.
    pub fn has(&self, flag: char) -> bool {
        self.flags.contains(&flag)
    }

    /// The last value of an option, as a number.
    pub fn number(&self, option: char) -> Result<Option<usize>, Failure> {
        let Some((_, text)) = self.values.iter().rev().find(|(one, _)| *one == option) else {
            return Ok(None);
        };
        let wrong = || Failure::Usage(format!("-{option} needs a number, not {text:?}"));
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// The operands, or a complaint that there are fewer than `least`.
    pub fn at_least(self, least: usize) -> Result<Vec<String>, Failure> {
        if self.operands.len() < least {
            return Err(Failure::Usage("an operand is missing".to_owned()));
        }
        Ok(self.operands)
    }
}
