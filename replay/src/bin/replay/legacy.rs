//! `import` and `log-stats`: histories that began elsewhere, and the figures by which they are known.

use crate::Outcome;
use crate::arguments::{Import, LogStats};
use crate::check::unreadable;
use crate::data::{Data, reach};
use crate::export::through;
use crate::failure::Failure;
use crate::meter::Meter;
use domain::ids::SourceName;
use domain::zone::Instant;
use replay::import::{ImportError, ImportProgress, ImportRequest, check, copy_log, is_whole, take_in, take_in_whole};
use replay::journal::Journal;
use replay::log_stats::of_history;
use replay::remote::Remote;
use replay::selection::LogSelection;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The tool is where time enters for an import, as the server is for everything else.
#[expect(clippy::disallowed_methods, reason = "an import is recorded at the moment at which it is made")]
pub(crate) fn now() -> Instant {
    SystemTime::now().into()
}

pub(crate) async fn import(data: &Data, import: Import) -> Result<Outcome, Failure> {
    let file = match (import.file, data.remote()) {
        (None, Some(_)) if import.source.is_some() => {
            return Err(Failure::new("a copy keeps the sources it has").advise("leave --source out"));
        }
        (None, Some(remote)) => return copy(data, remote).await,
        (Some(file), None) => file,
        (Some(_), Some(_)) => {
            return Err(Failure::new("a file and a server at once").advise("import one, then the other"));
        }
        (None, None) => return Err(Failure::new("there is nothing to import").advise("name a file, or a --server")),
    };
    if !file.is_file() {
        let what = format!("there is no file {}", file.display());
        return Err(Failure::new(what)
            .advise("name a .xes, .csv, .json or .sqlite (OCEL) or .jsonl file, text packed (.gz) or not"));
    }
    if import.source.is_none() && is_whole(&file) {
        let journal = Journal::new(data.open_or_make().await?);
        let imported =
            take_in_whole(&journal, &file, metered("making again", "bytes")).await.map_err(import_failure)?;
        return Outcome::new(&imported, true);
    }
    let source = match import.source {
        Some(source) => source,
        None => source_named_after(&file)?,
    };
    let request = ImportRequest { file, source, organisation: import.org };
    let checked = check(request, metered("checking", "bytes")).await.map_err(import_failure)?;
    let journal = Journal::new(data.open_or_make().await?);
    let imported =
        take_in(&journal, checked, Arc::new(now), metered("taking in", "bytes")).await.map_err(import_failure)?;
    Outcome::new(&imported, true)
}

/// Copies a running server's log into the data directory, or what is missing there.
async fn copy(data: &Data, remote: &Remote) -> Result<Outcome, Failure> {
    if !data.is_named() {
        return Err(Failure::new("nothing says where the copy goes").advise("name its directory with --data"));
    }
    let from = reach(remote).await?;
    let journal = Journal::new(data.open_or_make().await?);
    let copied = copy_log(&from.history, "the server", &journal, metered("copying", "events")).await;
    Outcome::new(&copied.map_err(import_failure)?, true)
}

/// Shows how much is read.
fn metered(doing: &'static str, unit: &'static str) -> impl FnMut(ImportProgress) + Send {
    let mut meter = None;
    move |progress| {
        let meter = meter.get_or_insert_with(|| Meter::new(doing, unit, progress.bytes_total));
        meter.at(progress.bytes);
    }
}

fn import_failure(why: ImportError) -> Failure {
    match why {
        // These say themselves what to do next.
        ImportError::Reserved(_)
        | ImportError::File { .. }
        | ImportError::Broken { .. }
        | ImportError::Aside { .. }
        | ImportError::AnotherHistory { .. }
        | ImportError::Append { .. } => Failure::new("import failed").because(why),
        ImportError::History { source } => unreadable(source),
        ImportError::Thread(_) => {
            Failure::new("import failed").because(why).advise("see `replay verify`, then import again")
        }
    }
}

fn source_named_after(file: &Path) -> Result<SourceName, Failure> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    stem.parse().map_err(|why| {
        let what = format!("the name of {} cannot name a source", file.display());
        Failure::new(what).because(why).advise("give one with --source")
    })
}

pub(crate) async fn log_stats(data: &Data, wanted: LogStats) -> Result<Outcome, Failure> {
    let opened = data.open().await?;
    let through = through(&opened.history, wanted.as_of).await?;
    let meter = Meter::new("counting", "events", through.0);
    let selection = LogSelection { source: wanted.source, item: wanted.item, ..LogSelection::through(through) };
    let gathered = of_history(&opened.history, &selection, |position| meter.at_position(position));
    let gathered = gathered.await.map_err(unreadable)?;
    Outcome::new(&gathered.finish(wanted.zone), true)
}
