//! The command line: parse, call, say what went wrong in one line.

use crate::auth::{Claims, TokenVerifier};
use crate::clock::Clock;
use crate::config::Config;
use crate::demo::Asked;
use crate::node::{self, Node, StartError};
use crate::telemetry;
use chrono::TimeDelta;
use clap::{Args, Parser, Subcommand};
use domain::actor::Role;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Wrong usage or unusable input.
const UNUSABLE: u8 = 2;
/// The longest life of a token, in days.
const TTL_DAYS_MAX: i64 = 366;

/// 一窗: a city's one-window government service on an event log.
#[derive(Debug, Parser)]
#[command(name = "yichuang", version)]
pub struct Command {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Tell the chain of causes of an error.
    #[arg(long, global = true)]
    pub verbose: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Simulate months of a city's work into a log, then serve it and print a token per role.
    Demo(Demo),
    /// Serve the log in the data directory; at the first start, record the built-in catalogue, organisations,
    /// calendar and policies.
    Serve(Serve),
    /// Print a bearer token, signed with the local secret.
    Token(Token),
}

/// Where the data are and where to listen.
#[derive(Debug, Args)]
pub struct Serve {
    /// The data directory; `./data` unless the settings say otherwise.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Where to listen; `127.0.0.1:8080` unless the settings say otherwise.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// The settings, a TOML file.
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// Which city to simulate, and where to serve it.
#[derive(Debug, Args)]
pub struct Demo {
    /// About how many cases.
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub cases: u64,
    /// The beginning of all chance: the same seed and last day give the same history.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The last day, such as 2026-11-20; today if absent.
    #[arg(long)]
    pub until: Option<chrono::NaiveDate>,
    /// The data directory.
    #[arg(long, default_value = "./data/demo")]
    pub data: PathBuf,
    /// Where to listen; `127.0.0.1:8080` unless the settings say otherwise.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// The settings, a TOML file.
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// For whom a token is.
#[derive(Debug, Args)]
pub struct Token {
    /// The role, such as `clerk`.
    #[arg(long)]
    pub role: Role,
    /// The organisation or region code, such as `361023100`.
    #[arg(long)]
    pub org: String,
    /// The member of staff, or a resident's person reference; the role's name if absent.
    #[arg(long)]
    pub subject: Option<String>,
    /// How long it holds: a number and `s`, `m`, `h` or `d`.
    #[arg(long, default_value = "8h", value_parser = ttl)]
    pub ttl: TimeDelta,
    /// The window they sit at.
    #[arg(long)]
    pub window: Option<String>,
    /// The settings, a TOML file.
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The settings cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The server cannot start or broke off.
    #[error(transparent)]
    Start(#[from] StartError),
    /// There is no token for that.
    #[error("cannot make a token: {0}")]
    Token(String),
    /// The program cannot even begin.
    #[error("cannot start the program's threads")]
    Runtime(#[source] std::io::Error),
}

/// Runs the command that the arguments name; 0 done, 1 the answer is no, 2 wrong usage or unusable input.
#[must_use]
pub fn main() -> ExitCode {
    let command = Command::parse();
    match run(command.verb) {
        Ok(code) => code,
        Err(error) => {
            tell(&error, command.verbose);
            ExitCode::from(UNUSABLE)
        }
    }
}

fn run(verb: Verb) -> Result<ExitCode, CliError> {
    match verb {
        Verb::Demo(demo) => actix_web::rt::System::new().block_on(start_demo(demo)),
        Verb::Serve(serve) => actix_web::rt::System::new().block_on(start(serve)),
        Verb::Token(token) => print_token(&token),
    }
}

/// One line: what was attempted, on what, and what to do next; the causes only on demand.
fn tell(error: &CliError, verbose: bool) {
    let mut line = format!("error: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause.filter(|_| verbose) {
        line += &format!("\n  because {error}");
        cause = error.source();
    }
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}

async fn start(serve: Serve) -> Result<ExitCode, CliError> {
    let mut config = Config::load(serve.config.as_deref(), std::env::vars())?;
    telemetry::start_logging(config.log_format);
    config.data = serve.data.unwrap_or(config.data);
    config.listen = serve.listen.unwrap_or(config.listen);
    let node = Node::open(config, Arc::new(Clock::system())).await?;
    node::serve(node).await?;
    Ok(ExitCode::SUCCESS)
}

async fn start_demo(demo: Demo) -> Result<ExitCode, CliError> {
    let mut config = Config::load(demo.config.as_deref(), std::env::vars())?;
    telemetry::start_logging(config.log_format);
    config.data = demo.data;
    config.listen = demo.listen.unwrap_or(config.listen);
    let Demo { cases, seed, until, .. } = demo;
    crate::demo::run(Asked { cases, seed, until, config }).await?;
    Ok(ExitCode::SUCCESS)
}

fn print_token(token: &Token) -> Result<ExitCode, CliError> {
    let config = Config::load(token.config.as_deref(), std::env::vars())?;
    let secret = config.auth.jwt_secret.as_ref().ok_or(StartError::NoSecret)?;
    let verifier = TokenVerifier::new(secret).map_err(StartError::from)?;
    let now = Clock::system().now();
    let claims = Claims {
        sub: token.subject.clone().unwrap_or_else(|| token.role.as_str().to_owned()),
        role: token.role.as_str().to_owned(),
        org: token.org.clone(),
        exp: (now + token.ttl).timestamp(),
        window: token.window.clone(),
    };
    let signed = verifier.issue(&claims).map_err(|error| CliError::Token(error.to_string()))?;
    // What would not be accepted is not printed.
    verifier.verify(&signed, now).map_err(|_| {
        CliError::Token("the role must be one of people, org and subject codes without blanks".to_owned())
    })?;
    let printed = writeln!(std::io::stdout(), "{signed}");
    printed.map_err(|error| CliError::Token(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

fn ttl(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("{text:?} is not a duration such as 30m, 8h or 7d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let seconds_each: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let seconds = i64::from(number) * seconds_each;
    match (1..=TTL_DAYS_MAX * 86_400).contains(&seconds) {
        true => Ok(TimeDelta::seconds(seconds)),
        false => Err(format!("a token holds from one second to {TTL_DAYS_MAX} days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Command::command().debug_assert();
    }

    #[test]
    fn a_life_is_a_number_and_a_unit() {
        assert_eq!(ttl("8h"), Ok(TimeDelta::hours(8)));
        for wrong in ["", "8", "h", "8w", "-1h", "0s", "400d", "8时"] {
            assert!(ttl(wrong).is_err(), "{wrong}");
        }
    }
}
