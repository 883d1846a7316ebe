//! Foreign histories, read one case at a time.
//!
//! A reader holds one case in memory, never the file. It orders a case by time, ties in the order of the document, and
//! says of everything it leaves out where it stood and why. What it makes of a file is what pm4py makes of it: an event
//! counts if it has a case, an activity and a time; defaults that a log declares for missing values are not filled in.

mod csv;
mod gathered;
mod input;
mod lines;
mod ocel;
pub mod timestamp;
mod xes;

pub use input::{Progress, UNPACKED_BYTES_MAX, UNPACKED_RATIO_MAX};
pub(crate) use lines::PlainLines;

use input::{Input, Limit};
use std::fmt;
use std::io;
use std::path::Path;

/// The most events of one case.
pub const EVENTS_PER_CASE_MAX: usize = 100_000;
/// The largest case, in bytes of the file's text.
pub const CASE_BYTES_MAX: u64 = 64 << 20;
/// The largest element or row outside a case, in bytes of the file's text.
pub const ELEMENT_BYTES_MAX: u64 = 16 << 20;
/// The deepest nesting of attributes within attributes.
pub const ATTRIBUTE_DEPTH_MAX: usize = 32;

/// Opens a foreign log: XES, a table (`.csv`), OCEL 2.0 in JSON (`.json`, `.jsonocel`) or CloudEvents one a line
/// (`.jsonl`), packed or not, or OCEL 2.0 as an SQLite database, told by its content where the name is silent.
///
/// # Errors
///
/// The file cannot be read, or is none of these.
pub fn open(path: &Path) -> Result<ForeignLog, FormatError> {
    let (mut input, progress) = Input::open(path)?;
    let (entries, progress) = match shape(path, &mut input)? {
        Shape::Table => csv::read(path, input)?,
        Shape::Lines => (lines::read(input)?, progress),
        Shape::Ocel => (ocel::read(path, input)?, progress),
        Shape::Database => (ocel::read_database(path)?, progress),
        Shape::Xes => (Box::new(xes::Reader::new(input)) as Entries, progress),
    };
    Ok(ForeignLog { entries, progress, broken: false })
}

/// Opens a file to be read line by line.
pub(crate) fn plain_lines(path: &Path) -> Result<(PlainLines, Progress), FormatError> {
    let (input, progress) = Input::open(path)?;
    Ok((PlainLines::new(input), progress))
}

/// The cases of a foreign file, and what was left out of them, in the order of the file.
///
/// Ends after the first error: what was handed out before it are whole cases.
pub struct ForeignLog {
    entries: Entries,
    progress: Progress,
    broken: bool,
}

type Entries = Box<dyn Iterator<Item = Result<Entry, FormatError>> + Send>;

impl ForeignLog {
    /// Returns how far the file has been read.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl Iterator for ForeignLog {
    type Item = Result<Entry, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let entry = self.entries.next();
        self.broken = matches!(entry, Some(Err(_)));
        entry
    }
}

/// One thing found in a foreign log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A case with at least one event.
    Case(ForeignCase),
    /// Something that was left out.
    LeftOut(LeftOut),
}

/// One case of a foreign log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignCase {
    /// Its id in that log; never empty.
    pub id: String,
    /// What else is known of it, as given.
    pub attributes: Vec<Attribute>,
    /// What happened, by time, ties in the order of the document; never empty.
    pub events: Vec<ForeignEvent>,
}

/// One event of a foreign log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignEvent {
    /// What was done (`concept:name`); never empty.
    pub activity: String,
    /// When, in microseconds since 1970 in UTC.
    pub occurred_at: i64,
    /// The step in the activity's life (`lifecycle:transition`).
    pub lifecycle: Option<String>,
    /// Who did it (`org:resource`).
    pub resource: Option<String>,
    /// The group they belong to (`org:group`).
    pub group: Option<String>,
    /// In which role (`org:role`).
    pub role: Option<String>,
    /// Everything else, as given.
    pub attributes: Vec<Attribute>,
}

/// An attribute as the file has it: nothing is converted, so nothing is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its key.
    pub key: String,
    /// The type it was declared with.
    pub kind: Kind,
    /// Its value as written; empty for lists.
    pub value: String,
    /// Attributes nested in it, or the values of a list.
    pub children: Vec<Attribute>,
}

/// The declared type of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text; also every cell of a table.
    String,
    /// A moment.
    Date,
    /// A whole number.
    Int,
    /// A number with a fraction.
    Float,
    /// A truth value.
    Boolean,
    /// An identifier.
    Id,
    /// A list, its values being the children.
    List,
    /// A type the standard doesn't know, by its name.
    Other(String),
}

/// Something of the file that is in no case, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stood.
    pub place: Place,
    /// Why it was left out.
    pub reason: Reason,
}

/// A place in a foreign file; everything counts from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A whole trace, by its place in the log, and the line where it ends.
    Trace {
        /// Its place in the log.
        trace: u64,
        /// The line of its end.
        line: u64,
    },
    /// An event, by its place in its trace.
    Event {
        /// The trace's place in the log.
        trace: u64,
        /// The event's place in the trace.
        event: u64,
        /// The line of its end.
        line: u64,
    },
    /// A line of a table.
    Line(u64),
    /// Something with an id of its own.
    Id(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trace { trace, line } => write!(f, "trace {trace} (line {line})"),
            Self::Event { trace, event, line } => write!(f, "event {event} of trace {trace} (line {line})"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Id(id) => write!(f, "{id:?}"),
        }
    }
}

/// Why something was left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Its case is not named.
    #[error("no case id (concept:name)")]
    NoCaseId,
    /// The event says not what was done.
    #[error("no activity (concept:name)")]
    NoActivity,
    /// The event says not when.
    #[error("no time (time:timestamp)")]
    NoTime,
    /// The event's time cannot be understood.
    #[error("{0:?} is no time (time:timestamp)")]
    NotATime(String),
    /// No event of the case could be used.
    #[error("no event with activity and time")]
    NoEvents,
    /// The event belongs to no case.
    #[error("an event outside of any trace")]
    OutsideACase,
    /// The row has another number of cells than the header.
    #[error("{found} cells, the header has {expected}")]
    Cells {
        /// Cells of the header.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// The row is no text.
    #[error("not UTF-8")]
    NotText,
}

/// Why a file cannot be read on. Line and byte are those of the unpacked text.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The file system refused.
    #[error("the file cannot be read")]
    Unreadable {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no place to sort the rows of a table by case.
    #[error("the table's rows cannot be sorted by case in {directory}")]
    Scratch {
        /// Where it was tried.
        directory: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is something else than a log.
    #[error("not an event log: {found}")]
    NotALog {
        /// What was found instead.
        found: String,
    },
    /// It stops in the middle.
    #[error("the file ends too early, at line {line} (byte {byte}): {detail}")]
    Truncated {
        /// The line it stops in.
        line: u64,
        /// The bytes of text before.
        byte: u64,
        /// What was still open.
        detail: String,
    },
    /// It breaks the rules of its format.
    #[error("the file is broken at line {line} (byte {byte}): {detail}")]
    Broken {
        /// The line.
        line: u64,
        /// The bytes of text before.
        byte: u64,
        /// Which rule.
        detail: String,
    },
    /// It is too large for its kind, or a bomb.
    #[error("the file is refused at line {line} (byte {byte}): {detail}")]
    TooLarge {
        /// The line.
        line: u64,
        /// The bytes of text before.
        byte: u64,
        /// Which limit.
        detail: String,
    },
}

impl FormatError {
    /// Tells what an error of the input itself means, after the parser came as far as `line` and `byte`.
    fn of_input(error: &io::Error, line: u64, byte: u64) -> Self {
        let limit = error.get_ref().and_then(|inner| inner.downcast_ref::<Limit>());
        if let Some(limit) = limit {
            return Self::TooLarge { line, byte, detail: limit.to_string() };
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated { line, byte, detail: "packed data is missing".into() },
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Self::Broken { line, byte, detail: error.to_string() }
            }
            kind => Self::Unreadable { source: io::Error::new(kind, error.to_string()) },
        }
    }
}

/// The forms that are read.
enum Shape {
    Xes,
    Table,
    Ocel,
    Database,
    Lines,
}

fn shape(path: &Path, input: &mut Input) -> Result<Shape, FormatError> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if name.ends_with(".csv") {
        return Ok(Shape::Table);
    }
    let is_packed = input.is_packed();
    let start = input.peek().map_err(|error| FormatError::of_input(&error, 1, 0))?;
    if start.starts_with(ocel::MAGIC) {
        let packed = || FormatError::NotALog { found: "an SQLite database that is packed; unpack it".into() };
        return if is_packed { Err(packed()) } else { Ok(Shape::Database) };
    }
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    match start.first() {
        Some(b'<') => Ok(Shape::Xes),
        Some(_) if name.ends_with(".xes") => Err(FormatError::NotALog { found: "text that is no XML".into() }),
        Some(b'{') if name.ends_with(".jsonl") || says(start, "\"specversion\"") => Ok(Shape::Lines),
        Some(b'{') => Ok(Shape::Ocel),
        Some(_) => Err(FormatError::NotALog {
            found: "neither XES (.xes, .xes.gz), a table (.csv), OCEL (.json, .sqlite) nor CloudEvents (.jsonl)".into(),
        }),
        None => Err(FormatError::NotALog { found: "an empty file".into() }),
    }
}

/// Tells whether the first line says something.
fn says(start: &[u8], what: &str) -> bool {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or(start);
    line.windows(what.len()).any(|part| part == what.as_bytes())
}

/// Orders events as they happened; those of the same moment stay in the order of the document.
fn by_time(events: &mut [ForeignEvent]) {
    if !events.is_sorted_by_key(|event| event.occurred_at) {
        events.sort_by_key(|event| event.occurred_at);
    }
}
