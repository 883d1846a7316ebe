//! The log in the forms that others read: XES, OCEL 2.0, CSV, Parquet, and CloudEvents a line each.
//!
//! The log is gone through once and its rows are put in order by case within a fixed memory, so that neither its size
//! nor how its cases interleave matters. Nothing that goes out names a person or a case: ids are pseudonyms, texts
//! about people stay sealed in the log. A file comes into being whole or not at all.

mod columns;
mod csv;
mod lines;
mod ocel;
mod parquet;
mod pseudonyms;
mod stamp;
mod table;
mod told;
mod xes;

pub use columns::COLUMNS_MAX;
pub use csv::Profile;
pub use pseudonyms::{KEY_BYTES, PseudonymKey};

use crate::history::{History, HistoryError};
use crate::runs::Records;
use crate::selection::LogSelection;
use columns::Columns;
use domain::ids::CaseId;
use eventstore::Position;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use table::{Case, Table};
use tempfile::{NamedTempFile, TempPath};

const WRITE_BYTES: usize = 1024 * 1024;

/// A form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// IEEE 1849.
    Xes,
    /// OCEL 2.0, as JSON or (`.sqlite`) as a database.
    Ocel,
    /// A table, one event a row.
    Csv,
    /// The same, typed and by column.
    Parquet,
    /// CloudEvents, one a line, in the order of the log.
    Jsonl,
}

impl FromStr for Format {
    type Err = FormatNameError;
    fn from_str(name: &str) -> Result<Self, FormatNameError> {
        match name {
            "xes" => Ok(Self::Xes),
            "ocel" => Ok(Self::Ocel),
            "csv" => Ok(Self::Csv),
            "parquet" => Ok(Self::Parquet),
            "jsonl" => Ok(Self::Jsonl),
            _ => Err(FormatNameError(name.chars().take(32).collect())),
        }
    }
}

/// No format has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a format is \"xes\", \"ocel\", \"csv\", \"parquet\" or \"jsonl\", not {0:?}")]
pub struct FormatNameError(pub String);

/// What to write, and how.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// In which form.
    pub format: Format,
    /// Where to; `.gz` at the end packs it, `.sqlite` makes a database of OCEL.
    pub out: PathBuf,
    /// A file that is there may be replaced.
    pub replace: bool,
    /// Which cases, and up to where.
    pub selection: LogSelection,
    /// Of those only these, where somebody may not have all; what is of no case does not go out then.
    pub among: Option<Arc<BTreeSet<CaseId>>>,
    /// For whom a table is laid out.
    pub profile: Profile,
    /// A table begins with a byte order mark, for spreadsheets.
    pub byte_order_mark: bool,
    /// Lines keep ids, labels and sealed texts as they stand, so that `import` makes the same log of them.
    pub whole: bool,
    /// What makes the pseudonyms.
    pub key: PseudonymKey,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Cases in it; of lines, none are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases: Option<u64>,
    /// Events in it.
    pub events: u64,
    /// The last position that it knows of.
    pub position: u64,
}

/// Told up to which position the log was read; an error ends the export.
pub type ExportProgress = Arc<dyn Fn(Position) -> Result<(), ExportError> + Send + Sync>;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is a file of that name.
    #[error("{} is there already; --force replaces it", .0.display())]
    Exists(PathBuf),
    /// The options contradict each other or the file's name.
    #[error("{0}")]
    Options(&'static str),
    /// The file cannot be made.
    #[error("cannot write {}: {source}; nothing was left behind", file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The place beside it, where rows are put in order, cannot be used.
    #[error("cannot put rows in order beside the file: {0}; nothing was left behind")]
    Scratch(io::Error),
    /// The log has more attributes than a table can have.
    #[error("the events have more than {COLUMNS_MAX} different attributes; limit the export by item or source")]
    TooManyColumns,
    /// Somebody asked to stop.
    #[error("the export was broken off; nothing was left behind")]
    BrokenOff,
}

/// What can go wrong while a form is written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Csv(#[from] ::csv::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Parquet(#[from] ::parquet::errors::ParquetError),
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// Writes the log in a form, and returns once the file is whole, durable and under its name.
///
/// # Errors
/// The log cannot be read, or the file cannot be made; then it is not there, and one that was there is untouched.
pub async fn export(
    history: &History,
    request: &ExportRequest,
    progress: ExportProgress,
) -> Result<Exported, ExportError> {
    let (aside, written) = write(history, request, progress).await?;
    let (file, through) = (request.out.clone(), request.selection.through.0);
    let kept = off_the_runtime(move || aside.keep());
    let bytes = kept.await.map_err(|source| ExportError::Write { file: file.clone(), source })?;
    Ok(Exported { file, bytes, cases: written.cases, events: written.events, position: through })
}

/// What was written to be sent on: no directory names the files, and they are gone once they are closed.
#[derive(Debug)]
pub struct Unnamed {
    /// The log.
    pub file: File,
    /// The table of cases beside it, for a profile that has one.
    pub table_of_cases: Option<File>,
    /// Cases in it; of lines, none are counted.
    pub cases: Option<u64>,
    /// Events in it.
    pub events: u64,
}

/// Writes the log in a form as `export` does, but into files that stay where they were made aside and lose their names:
/// the one that was asked for tells only its form and where there is room.
///
/// # Errors
/// As `export`.
pub async fn export_unnamed(
    history: &History,
    request: &ExportRequest,
    progress: ExportProgress,
) -> Result<Unnamed, ExportError> {
    let (aside, written) = write(history, request, progress).await?;
    let opened = off_the_runtime(move || -> io::Result<_> {
        let table_of_cases = aside.cases.as_ref().map(|(path, _)| File::open(path)).transpose()?;
        Ok((File::open(&aside.path)?, table_of_cases))
    });
    let failed = |source| ExportError::Write { file: request.out.clone(), source };
    let (file, table_of_cases) = opened.await.map_err(failed)?;
    Ok(Unnamed { file, table_of_cases, cases: written.cases, events: written.events })
}

async fn write(
    history: &History,
    request: &ExportRequest,
    progress: ExportProgress,
) -> Result<(Aside, Written), ExportError> {
    check(request)?;
    let aside = Arc::new(Aside::new(request)?);
    let written = match request.format {
        Format::Jsonl => lines::write(history, request, &aside, progress).await?,
        Format::Xes | Format::Ocel | Format::Csv | Format::Parquet => {
            let table = Table::gather(history, request, &aside.directory, progress.clone()).await?;
            let (request, place) = (request.clone(), aside.clone());
            off_the_runtime(move || write_cases(table, &request, &place, &progress)).await?
        }
    };
    let still = || io::Error::other("the file is still being written");
    let aside = Arc::into_inner(aside);
    let aside = aside.ok_or_else(|| ExportError::Write { file: request.out.clone(), source: still() })?;
    Ok((aside, written))
}

async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // Blocking work is never cancelled, so the only other ending is a panic, which goes on here.
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| std::panic::resume_unwind(why.into_panic()))
}

/// # Errors
/// The request contradicts itself, or a file is in the way.
pub fn check(request: &ExportRequest) -> Result<(), ExportError> {
    let is_table = request.format == Format::Csv;
    if request.profile != Profile::Pm4py && !is_table {
        return Err(ExportError::Options("a profile is for CSV only"));
    }
    if request.byte_order_mark && !is_table {
        return Err(ExportError::Options("a byte order mark is for CSV only"));
    }
    if request.whole && request.format != Format::Jsonl {
        return Err(ExportError::Options("only lines (jsonl) can keep everything"));
    }
    let selects = request.selection != LogSelection::through(request.selection.through) || request.among.is_some();
    if request.whole && selects {
        return Err(ExportError::Options("what is kept whole is the whole log; leave the filters out"));
    }
    let packs = matches!(request.format, Format::Xes | Format::Csv | Format::Jsonl);
    if is_packed(&request.out) && !packs {
        return Err(ExportError::Options("only XES, CSV and lines can be packed (.gz)"));
    }
    let files = std::iter::once(request.out.clone()).chain(cases_beside(request));
    match files.into_iter().find(|file| !request.replace && file.exists()) {
        Some(file) => Err(ExportError::Exists(file)),
        None => Ok(()),
    }
}

fn is_packed(out: &Path) -> bool {
    out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

/// How much was written.
struct Written {
    cases: Option<u64>,
    events: u64,
}

/// A form in which cases are written one after another.
trait Form {
    fn case(&mut self, columns: &Columns, case: &Case<'_>) -> Result<(), WriteError>;
    fn finish(self: Box<Self>) -> Result<(), WriteError>;
}

fn write_cases(
    mut table: Table,
    request: &ExportRequest,
    aside: &Aside,
    progress: &ExportProgress,
) -> Result<Written, ExportError> {
    let failed = |why: WriteError| ExportError::Write { file: request.out.clone(), source: why.into_io() };
    let mut form = open(&table, request, aside).map_err(failed)?;
    let mut records = Records::default();
    let (mut cases, mut events) = (0, 0);
    let columns = std::mem::take(&mut table.columns);
    while let Some(case) = table.next_case(&mut records)? {
        form.case(&columns, &case).map_err(failed)?;
        cases += 1;
        events += case.events.len() as u64;
        if cases % 1024 == 0 {
            progress(request.selection.through)?;
        }
    }
    form.finish().map_err(failed)?;
    Ok(Written { cases: Some(cases), events })
}

fn open(table: &Table, request: &ExportRequest, aside: &Aside) -> Result<Box<dyn Form>, WriteError> {
    let sink = || Sink::open(&aside.path, is_packed(&request.out));
    let is_database = request
        .out
        .extension()
        .is_some_and(|extension| ["sqlite", "sqlite3", "db"].iter().any(|known| extension.eq_ignore_ascii_case(known)));
    Ok(match request.format {
        Format::Xes => Box::new(xes::Xes::new(sink()?)?),
        Format::Csv => {
            let cases = aside.cases.as_ref().map(|(path, _)| Sink::open(path, is_packed(&request.out))).transpose()?;
            Box::new(csv::Csv::new(sink()?, cases, &table.columns, request.profile, request.byte_order_mark)?)
        }
        Format::Parquet => Box::new(parquet::Parquet::new(sink()?, &table.columns)?),
        Format::Ocel if is_database => Box::new(ocel::Database::new(&aside.path, &aside.directory, table)?),
        Format::Ocel => Box::new(ocel::Json::new(sink()?, &aside.directory, table)?),
        Format::Jsonl => return Err(io::Error::other("lines are not written by case").into()),
    })
}

/// A file in the making, beside the place where it is to be. Dropping it leaves nothing behind.
struct Aside {
    path: TempPath,
    /// The table of cases, for a profile that has one of its own, and its name.
    cases: Option<(TempPath, PathBuf)>,
    directory: PathBuf,
    out: PathBuf,
    replace: bool,
}

impl Aside {
    fn new(request: &ExportRequest) -> Result<Self, ExportError> {
        let out = request.out.clone();
        let directory = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            Some(_) | None => PathBuf::from("."),
        };
        let make = || {
            let file = tempfile::Builder::new().prefix(".export-").suffix(".part").tempfile_in(&directory);
            file.map(NamedTempFile::into_temp_path)
        };
        let failed = |source| ExportError::Write { file: out.clone(), source };
        let path = make().map_err(failed)?;
        let cases = match cases_beside(request) {
            Some(name) => Some((make().map_err(failed)?, name)),
            None => None,
        };
        Ok(Self { path, cases, directory, out, replace: request.replace })
    }

    /// Makes the file durable and gives it its name; returns its size.
    fn keep(self) -> io::Result<u64> {
        // The file that was asked for comes last: once it is there, all is.
        if let Some((path, name)) = self.cases {
            keep(path, &name, self.replace)?;
        }
        let bytes = keep(self.path, &self.out, self.replace)?;
        // The names are durable once their directory is; a file system that cannot do that has no better promise.
        File::open(&self.directory)?.sync_all().ok();
        Ok(bytes)
    }
}

fn keep(path: TempPath, name: &Path, replace: bool) -> io::Result<u64> {
    let file = File::open(&path)?;
    file.sync_all()?;
    let bytes = file.metadata()?.len();
    if replace {
        path.persist(name)?
    } else {
        path.persist_noclobber(name)?
    }
    Ok(bytes)
}

/// Where the table of cases goes: `log.csv` has `log.cases.csv` beside it.
fn cases_beside(request: &ExportRequest) -> Option<PathBuf> {
    if request.profile != Profile::Celonis {
        return None;
    }
    let name = request.out.file_name()?.to_string_lossy().into_owned();
    let (stem, rest) = name.split_once('.').unwrap_or((&name, "csv"));
    Some(request.out.with_file_name(format!("{stem}.cases.{rest}")))
}

/// Where bytes go: packed or not.
enum Sink {
    Plain(BufWriter<File>),
    Packed(Box<GzEncoder<BufWriter<File>>>),
}

impl Sink {
    fn open(path: &Path, packed: bool) -> io::Result<Self> {
        let file = BufWriter::with_capacity(WRITE_BYTES, File::create(path)?);
        Ok(if packed {
            Self::Packed(Box::new(GzEncoder::new(file, Compression::default())))
        } else {
            Self::Plain(file)
        })
    }

    fn finish(self) -> io::Result<()> {
        let mut file = match self {
            Self::Plain(file) => file,
            Self::Packed(packed) => packed.finish()?,
        };
        file.flush()
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Packed(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Packed(file) => file.flush(),
        }
    }
}

impl WriteError {
    /// Why the disk refused, where it did, whoever told of it.
    fn into_io(self) -> io::Error {
        match self {
            Self::Io(why) => why,
            Self::Csv(why) => match why.kind() {
                ::csv::ErrorKind::Io(told) => io::Error::new(told.kind(), why),
                _ => io::Error::other(why),
            },
            Self::Json(why) => why.into(),
            Self::Parquet(::parquet::errors::ParquetError::External(why)) => match why.downcast::<io::Error>() {
                Ok(why) => *why,
                Err(why) => io::Error::other(why),
            },
            Self::Parquet(why) => io::Error::other(why),
            Self::Database(why) if why.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) => {
                io::Error::new(io::ErrorKind::StorageFull, why)
            }
            Self::Database(why) => io::Error::other(why),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_at_the_latest_when_a_file_is_finished() {
        let sink = Sink::open(Path::new("/dev/full"), false).unwrap();
        let form: Box<dyn Form> = Box::new(xes::Xes::new(sink).unwrap());
        let full = form.finish().unwrap_err();
        assert_eq!(full.into_io().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_full_disk_is_told_as_such_by_every_form() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let of_database = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        for told in [
            WriteError::from(full()),
            ::csv::Error::from(full()).into(),
            serde_json::Error::io(full()).into(),
            ::parquet::errors::ParquetError::from(full()).into(),
            rusqlite::Error::SqliteFailure(of_database, None).into(),
        ] {
            let told_by = format!("{told:?}");
            assert_eq!(told.into_io().kind(), io::ErrorKind::StorageFull, "{told_by}");
        }
    }
}
