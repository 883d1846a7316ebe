//! Takes foreign histories into the log, each case as a stream of its own, so that doing it again adds nothing.
//!
//! Every id is derived: the case's from its source and its id there, an event's from what it says, a frame's from its
//! events. A frame that was taken in before is therefore answered as the first time; where only a part of a case is
//! there (another export of the same system, an import that was broken off), just the rest is appended.

mod attributes;
mod copied;
mod derived;
mod prepared;
mod together;
mod whole;

pub use attributes::to_json;
pub use copied::copy_log;
pub use whole::{is_whole, take_in_whole};

use crate::format::FormatError;
use crate::history::HistoryError;
use crate::journal::Journal;
use derived::Derived;
use domain::ids::{OrganisationId, SourceName};
use domain::zone::Instant;
use eventstore::{AppendError, Position, ReadError};
use prepared::{Kept, Part, PrepareError};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use together::{Taken, Taker};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

/// How many left-out things are listed; all are counted.
pub const REJECTED_LISTED_MAX: usize = 100;

/// Frames on their way to the disk at once: enough to keep the log's writer busy.
const FRAMES_IN_FLIGHT_MAX: usize = 16;
/// Frames read ahead of those.
const FRAMES_AHEAD_MAX: usize = 16;

/// What to take in, and as what.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The file.
    pub file: PathBuf,
    /// The legacy system whose history it is.
    pub source: SourceName,
    /// The organisation that takes it in; whoever sees all of that sees it.
    pub organisation: OrganisationId,
}

/// The clock by which the import is recorded.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Cases that were not in the log before.
    pub cases: u64,
    /// Events that were not in the log before.
    pub events: u64,
    /// What the log had already.
    pub already_there: AlreadyThere,
    /// Things of the file that were left out.
    pub rejected_total: u64,
    /// The first of them.
    pub rejected: Vec<Rejected>,
}

/// What an import found in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AlreadyThere {
    /// Cases.
    pub cases: u64,
    /// Events.
    pub events: u64,
}

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Where it stands in the file.
    #[serde(rename = "where")]
    pub place: String,
    /// Why it cannot be used.
    pub reason: String,
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress {
    /// Bytes of the file read, in this reading of it.
    pub bytes: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
    /// Events taken in, or found there.
    pub events: u64,
}

/// Names that mean something else than a legacy system wherever a source is asked for.
const RESERVED: [&str; 2] = ["own", "all"];

/// Why an import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No legacy system can have this name.
    #[error("a foreign history cannot be named {0}; give it the name of its system")]
    Reserved(SourceName),
    /// The file is unusable; nothing of it was taken in.
    #[error("cannot import {}: {source}; nothing was taken in", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: FormatError,
    },
    /// What the file says cannot be kept aside.
    #[error("what the file says cannot be kept in {}: {source}; make room and import again", std::env::temp_dir().display())]
    Aside {
        /// Why.
        source: io::Error,
    },
    /// The file is broken further on.
    #[error("{} is broken: {source}; import it again when it is whole, only the rest will be added", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// What is wrong with it now.
        source: FormatError,
    },
    /// The log is not the beginning of what is to be made again.
    #[error(
        "the log holds another history than {from} from position {position} on; import it into an empty data directory"
    )]
    AnotherHistory {
        /// The file, or the server.
        from: String,
        /// Where they part.
        position: Position,
    },
    /// The log did not take a frame.
    #[error("the log stopped taking in cases: {source}; import again, only the rest will be added")]
    Append {
        /// Why.
        #[from]
        source: AppendError,
    },
    /// The log could not be asked what it has.
    #[error("the log cannot be read: {source}")]
    History {
        /// Why.
        #[from]
        source: HistoryError,
    },
    /// A thread of the import died.
    #[error("a thread of the import ended early")]
    Thread(#[from] JoinError),
}

impl From<ReadError> for ImportError {
    fn from(source: ReadError) -> Self {
        HistoryError::from(source).into()
    }
}

/// A request whose file was whole when it was read through, and what it says.
///
/// Reading comes first and by itself, so that a broken file leaves nothing behind, not even a log that was opened
/// for it.
#[derive(Debug)]
pub struct Checked {
    request: ImportRequest,
    kept: Kept,
}

/// Reads the file through and keeps what it says aside, telling `progress` now and then how far it is.
///
/// # Errors
/// The file is unusable, there is no room for what it says, or the source has a name that no legacy system can have.
pub async fn check(
    request: ImportRequest,
    mut progress: impl FnMut(ImportProgress) + Send,
) -> Result<Checked, ImportError> {
    if RESERVED.contains(&request.source.as_str()) {
        return Err(ImportError::Reserved(request.source));
    }
    let (path, source) = (request.file.clone(), request.source.clone());
    let (out, mut reports) = mpsc::channel(1);
    let reading = tokio::task::spawn_blocking(move || {
        prepared::prepare(&path, &source, |position| {
            // Nobody waits for a report: if the last one was not taken yet, this one is not missed.
            let _ = out.try_send((position.read(), position.total()));
        })
    });
    while let Some((bytes, bytes_total)) = reports.recv().await {
        progress(ImportProgress { bytes, bytes_total, events: 0 });
    }
    match reading.await? {
        Ok(kept) => Ok(Checked { request, kept }),
        Err(PrepareError::Format(source)) => Err(ImportError::File { file: request.file, source }),
        Err(PrepareError::Aside(source)) => Err(ImportError::Aside { source }),
    }
}

/// Takes a checked file in, telling `progress` now and then how far it is.
///
/// What the file says is taken in a stream, so memory does not grow with it. A case of up to 255 events is appended all or
/// nothing; of a longer one, what is missing after a crash is added by the next import.
///
/// # Errors
/// The log is unusable.
pub async fn take_in(
    journal: &Journal,
    checked: Checked,
    clock: Clock,
    mut progress: impl FnMut(ImportProgress) + Send,
) -> Result<Imported, ImportError> {
    let Checked { request, mut kept } = checked;
    let bytes_total = kept.bytes();
    let head = journal.history().head().await?.position;
    let taker = Arc::new(Taker::new(journal.clone(), &request, clock, head));
    let (out, mut parts) = mpsc::channel(FRAMES_AHEAD_MAX);
    let reader = tokio::task::spawn_blocking(move || {
        loop {
            let part = kept.next_part();
            let last = !matches!(part, Ok(Some(_)));
            // Nobody listening is nobody to tell.
            if out.blocking_send((kept.read(), part)).is_err() || last {
                return;
            }
        }
    });

    let mut imported = Imported::default();
    let mut in_flight = JoinSet::new();
    while let Some((bytes, part)) = parts.recv().await {
        match part.map_err(|source| ImportError::Aside { source })? {
            None => break,
            Some(Part::LeftOut(rejected)) => imported.reject(rejected),
            Some(Part::Cases(encoded)) => {
                // A second trace of a case must find the first one in the log.
                let limit = if encoded.seen_before { 1 } else { FRAMES_IN_FLIGHT_MAX };
                while limit <= in_flight.len() {
                    imported.join(&mut in_flight).await?;
                }
                let taker = taker.clone();
                in_flight.spawn(async move {
                    let cases = encoded.cases().map_err(|source| ImportError::Aside { source })?;
                    taker.take(cases).await
                });
            }
        }
        let events = imported.events + imported.already_there.events;
        progress(ImportProgress { bytes, bytes_total, events });
    }
    reader.await?;
    while !in_flight.is_empty() {
        imported.join(&mut in_flight).await?;
    }
    Ok(imported)
}

impl Imported {
    fn reject(&mut self, rejected: Rejected) {
        self.rejected_total += 1;
        if self.rejected.len() < REJECTED_LISTED_MAX {
            self.rejected.push(rejected);
        }
    }

    async fn join(&mut self, in_flight: &mut JoinSet<Result<Taken, ImportError>>) -> Result<(), ImportError> {
        let Some(done) = in_flight.join_next().await else { return Ok(()) };
        let Taken { added, already_there, rejected } = done??;
        self.cases += added.cases;
        self.events += added.events;
        self.already_there.cases += already_there.cases;
        self.already_there.events += already_there.events;
        rejected.into_iter().for_each(|rejected| self.reject(rejected));
        Ok(())
    }
}

/// Tells whether everything appended stood in the log at `head` already.
fn stood_before(appended: &eventstore::Appended, head: Position) -> bool {
    appended.last <= head
}
