//! The analyst's and auditor's tool: parse, call, print.

mod arguments;
mod as_of;
mod check;
mod data;
mod diff;
mod export;
mod failure;
mod legacy;
mod meter;
mod process_map;
mod what_if;

use arguments::{Arguments, Verb};
use clap::Parser as _;
use failure::Failure;
use serde::Serialize;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// What a verb ends with: its answer in JSON, and whether that is the answer hoped for.
struct Outcome {
    answer: Vec<u8>,
    good: bool,
}

impl Outcome {
    fn new(answer: &impl Serialize, good: bool) -> Result<Self, Failure> {
        // Written at once: on the way through a `Value` the order of the answer's keys, which means something, is lost.
        let answer =
            serde_json::to_vec_pretty(answer).map_err(|why| Failure::new("cannot show the answer").because(why))?;
        Ok(Self { answer, good })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = if arguments.verbose { tracing::Level::INFO } else { tracing::Level::WARN };
    tracing_subscriber::fmt().with_writer(io::stderr).with_max_level(level).with_target(false).init();
    let verbose = arguments.verbose;
    match run(arguments).await.and_then(print) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            failure.tell(verbose);
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<Outcome, Failure> {
    let data = data::Data::new(arguments.place)?;
    match arguments.verb {
        Verb::Import(import) => legacy::import(&data, import).await,
        Verb::Export(wanted) => export::export(&data, wanted).await,
        Verb::LogStats(stats) => legacy::log_stats(&data, stats).await,
        Verb::ProcessMap(wanted) => process_map::process_map(&data, wanted).await,
        Verb::Rebuild(rebuild) => check::rebuild(&data, rebuild).await,
        Verb::AsOf(as_of) => as_of::as_of(&data, as_of).await,
        Verb::Diff(wanted) => diff::diff(&data, wanted).await,
        Verb::WhatIf(wanted) => what_if::what_if(&data, wanted).await,
        Verb::Verify => check::verify(&data).await,
    }
}

/// Prints the answer, and returns whether it is the one hoped for. A reader that has seen enough is no failure.
fn print(outcome: Outcome) -> Result<bool, Failure> {
    let write = || {
        let mut out = io::stdout().lock();
        out.write_all(&outcome.answer)?;
        writeln!(out)?;
        out.flush()
    };
    match write() {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new("cannot write the answer to the output").because(why))
        }
        Ok(()) | Err(_) => Ok(outcome.good),
    }
}
