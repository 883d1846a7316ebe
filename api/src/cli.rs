//! The command line: parse, call, say what went wrong in one line.

use std::process::ExitCode;

/// Runs the command that the arguments name; 0 done, 1 the answer is no, 2 wrong usage or unusable input.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
