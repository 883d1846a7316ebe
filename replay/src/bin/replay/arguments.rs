//! What may be asked for on the command line.

use chrono::{DateTime, FixedOffset, NaiveDate};
use clap::{Args, Parser, Subcommand};
use domain::ids::{CaseId, ItemId, OrganisationId, SourceName};
use projections::processing_times::Cohort;
use projections::scope::Attribution;
use replay::export::{Format, Profile};
use replay::moment::Basis;
use serde::de::DeserializeOwned;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Look at a city's history: as it is, as it was, and whether it is whole.
#[derive(Debug, Parser)]
#[command(name = "replay", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Tell the chain of causes of a failure
    #[arg(long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Where the history is.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The data directory: of a server that does not run, or a backup [default: data]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Instead of a data directory: a running server, such as http://127.0.0.1:8080; `import` copies its log to --data
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The file with the token that the server is asked with: an administrator's, for the whole city
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// What for, as the server keeps it on record
    #[arg(long, global = true, value_name = "WORD", default_value = "audit",
        value_parser = ["supervision", "analysis", "audit", "report"])]
    pub(crate) purpose: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Take a foreign, de-identified history in as cases of a legacy system
    Import(Import),
    /// Write the log in a form that others read
    Export(Export),
    /// Print the figures of the log as process miners know them
    LogStats(LogStats),
    /// Draw the process as it really runs: what follows what, where work waits, who skips steps; two periods side by side
    ProcessMap(ProcessMap),
    /// Fold everything from the first event, and compare with what was kept aside
    Rebuild(Rebuild),
    /// Print a view as it stood at an earlier moment
    AsOf(AsOf),
    /// Print what changed between two moments, and which events did it; exit 1 if anything did
    Diff(Diff),
    /// Fold history under changed rules or edited events, and print actual beside imagined
    WhatIf(WhatIf),
    /// Walk the whole log: contiguity, checksums, decodability, both copies and the index
    Verify,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The history: XES, CSV, OCEL 2.0 (.json, .sqlite) or CloudEvents (.jsonl), text packed (.gz) or not; or a log of
    /// our own kept whole. With --server there is none
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The legacy system it comes from [default: the file's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<SourceName>,
    /// The organisation that takes it in; whoever sees all of it sees the cases
    #[arg(long, value_name = "CODE", default_value = "361000")]
    pub(crate) org: OrganisationId,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// `xes`, `ocel`, `csv`, `parquet` or `jsonl` (CloudEvents, one a line)
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// Where to; `.gz` at the end packs XES, CSV and lines, `.sqlite` makes a database of OCEL
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Only histories of this source: `own`, or a legacy system
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<SourceName>,
    /// Only cases for this item
    #[arg(long, value_name = "ID")]
    pub(crate) item: Option<ItemId>,
    /// Only cases that concern this organisation or one under it
    #[arg(long, value_name = "CODE")]
    pub(crate) org: Option<OrganisationId>,
    /// Only cases applied for (or, of a legacy system, begun) on this day or later
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<NaiveDate>,
    /// Only cases applied for before this day
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<NaiveDate>,
    /// As recorded by this moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<DateTime<FixedOffset>>,
    /// For whom a CSV table is laid out: `pm4py`, `disco` or `celonis` (with a table of cases beside it)
    #[arg(long, value_name = "TOOL", default_value = "pm4py")]
    pub(crate) profile: Profile,
    /// Begin a CSV table with a byte order mark, for spreadsheets
    #[arg(long)]
    pub(crate) bom: bool,
    /// Pseudonyms follow from the bytes of this file, so that two exports name the same alike [default: by chance]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Lines keep ids, labels and sealed texts as they stand, so that `import` makes the same log of them
    #[arg(long)]
    pub(crate) whole: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogStats {
    /// Only histories of this source: `own`, or a legacy system
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<SourceName>,
    /// Only cases for this item
    #[arg(long, value_name = "ID")]
    pub(crate) item: Option<ItemId>,
    /// As recorded by this moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<DateTime<FixedOffset>>,
    /// The zone of days: `UTC`, or an offset such as +08:00
    #[arg(long, value_name = "ZONE", default_value = "+08:00", value_parser = zone, allow_hyphen_values = true)]
    pub(crate) zone: FixedOffset,
}

#[derive(Debug, Args)]
pub(crate) struct ProcessMap {
    /// Only histories of this source: `own`, or a legacy system
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<SourceName>,
    /// Only cases for this item
    #[arg(long, value_name = "ID")]
    pub(crate) item: Option<ItemId>,
    /// Only cases judged by this version of their item
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u32>,
    /// Only cases that concern this organisation or one under it
    #[arg(long, value_name = "CODE")]
    pub(crate) org: Option<OrganisationId>,
    /// Only cases applied for (or, of a legacy system, begun) on this day or later
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<NaiveDate>,
    /// Only cases applied for before this day
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<NaiveDate>,
    /// Beside them, cases applied for on this day or later
    #[arg(long, value_name = "DATE")]
    pub(crate) compare_from: Option<NaiveDate>,
    /// Beside them, cases applied for before this day
    #[arg(long, value_name = "DATE")]
    pub(crate) compare_to: Option<NaiveDate>,
    /// As recorded by this moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<DateTime<FixedOffset>>,
}

#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    /// Only this one; `case-index` for the index over all cases
    #[arg(long, value_name = "NAME")]
    pub(crate) projection: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AsOf {
    /// The moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) at: DateTime<FixedOffset>,
    /// `recorded`: as known then; `effective`: as known now
    #[arg(long, value_name = "BASIS", default_value_t = Basis::Recorded)]
    pub(crate) basis: Basis,
    /// `queues`, `processing-times`, `satisfaction`, `balance`, `halls`, `certificate-free`, `supplements`, `reference`, or `case:<id>`
    #[arg(value_name = "VIEW")]
    pub(crate) view: ViewName,
    #[command(flatten)]
    pub(crate) ask: Ask,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The earlier moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) from: DateTime<FixedOffset>,
    /// The later moment (RFC 3339); it may be the same one on the other basis
    #[arg(long, value_name = "TIME")]
    pub(crate) to: DateTime<FixedOffset>,
    /// The basis of the earlier moment
    #[arg(long, value_name = "BASIS", default_value_t = Basis::Recorded)]
    pub(crate) from_basis: Basis,
    /// The basis of the later moment; `effective` is what is known now
    #[arg(long, value_name = "BASIS", default_value_t = Basis::Recorded)]
    pub(crate) to_basis: Basis,
    /// `queues`, `processing-times`, `satisfaction`, `balance`, `oversight`, or `case:<id>`
    #[arg(value_name = "VIEW")]
    pub(crate) view: ViewName,
    #[command(flatten)]
    pub(crate) ask: Ask,
}

#[derive(Debug, Args)]
pub(crate) struct WhatIf {
    /// What is otherwise: a scenario, as docs/scenarios.md describes it
    #[arg(value_name = "SCENARIO.toml")]
    pub(crate) scenario: PathBuf,
    /// `processing-times`, `queues`, `satisfaction`, `balance`, `oversight`, or `case:<id>`
    #[arg(value_name = "VIEW")]
    pub(crate) view: ViewName,
    /// As recorded by this moment (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<DateTime<FixedOffset>>,
    #[command(flatten)]
    pub(crate) ask: Ask,
}

/// What a view is asked.
#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// Tell figures apart by these, such as `item_version,step`
    #[arg(long, value_name = "DIMENSIONS", value_delimiter = ',')]
    pub(crate) group_by: Vec<String>,
    /// Only this item
    #[arg(long, value_name = "ID")]
    pub(crate) item: Option<ItemId>,
    /// Only this organisation and those under it
    #[arg(long, value_name = "CODE")]
    pub(crate) org: Option<OrganisationId>,
    /// Only what counts from this day on
    #[arg(long, value_name = "DATE")]
    pub(crate) days_from: Option<NaiveDate>,
    /// Only what counts before this day
    #[arg(long, value_name = "DATE")]
    pub(crate) days_to: Option<NaiveDate>,
    /// `finished` or `accepted`: which day of a case counts
    #[arg(long, value_name = "COHORT", default_value = "finished")]
    pub(crate) cohort: Word<Cohort>,
    /// `intake`, `handling`, `deciding` or `delivering`: which organisation a case belongs to
    #[arg(long, value_name = "RULE", default_value = "deciding")]
    pub(crate) attribution: Word<Attribution>,
}

/// One of an enumeration's words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<T>(pub(crate) T);

impl<T: DeserializeOwned> FromStr for Word<T> {
    type Err = serde_json::Error;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        serde_json::from_value(serde_json::Value::from(word)).map(Self)
    }
}

/// A view by its name on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ViewName {
    /// One case.
    Case(CaseId),
    /// A projection.
    Projection(String),
}

impl FromStr for ViewName {
    type Err = domain::ids::IdError;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.strip_prefix("case:") {
            Some(id) => Ok(Self::Case(id.parse()?)),
            None => Ok(Self::Projection(name.to_owned())),
        }
    }
}

impl fmt::Display for ViewName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case(case) => write!(f, "case:{case}"),
            Self::Projection(name) => f.write_str(name),
        }
    }
}

fn zone(name: &str) -> Result<FixedOffset, String> {
    if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") {
        return Ok(chrono::Offset::fix(&chrono::Utc));
    }
    name.parse().map_err(|_| "a zone is UTC or an offset such as +08:00".to_owned())
}
