//! `export`: the log in forms that others read.

use crate::Outcome;
use crate::arguments::Export;
use crate::check::unreadable;
use crate::data::Data;
use crate::diff::has_passed;
use crate::failure::Failure;
use crate::meter::Meter;
use chrono::{DateTime, FixedOffset};
use eventstore::Position;
use replay::export::{ExportError, ExportRequest, KEY_BYTES, PseudonymKey, check, export as write};
use replay::history::History;
use replay::moment::{Basis, Moment};
use replay::selection::LogSelection;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A key shorter than this could be guessed.
const KEY_FILE_BYTES_MIN: usize = 16;
/// Nobody keeps a key of this size.
const KEY_FILE_BYTES_MAX: u64 = 1024 * 1024;

pub(crate) async fn export(data: &Data, wanted: Export) -> Result<Outcome, Failure> {
    if let (Some(from), Some(to)) = (wanted.from, wanted.to)
        && to < from
    {
        return Err(Failure::new(format!("--to {to} lies before --from {from}")).advise("exchange the two"));
    }
    let key = match &wanted.key_file {
        Some(file) => key_of(file)?,
        None => key_by_chance()?,
    };
    let mut request = ExportRequest {
        format: wanted.format,
        out: wanted.out,
        replace: wanted.force,
        selection: LogSelection {
            source: wanted.source,
            item: wanted.item,
            item_version: None,
            organisation: wanted.org,
            opened_from: wanted.from,
            opened_to: wanted.to,
            through: Position::START,
        },
        among: None,
        profile: wanted.profile,
        byte_order_mark: wanted.bom,
        whole: wanted.whole,
        key,
    };
    // Looked at before the log is opened, so that a slip is told at once.
    check(&request).map_err(failure)?;
    let opened = data.open().await?;
    request.selection.through = through(&opened.history, wanted.as_of).await?;

    let meter = Meter::new("reading", "events", request.selection.through.0);
    let broken_off = Arc::new(AtomicBool::new(false));
    let stops = broken_off.clone();
    let progress = Arc::new(move |position| {
        meter.at_position(position);
        if stops.load(Ordering::Relaxed) { Err(ExportError::BrokenOff) } else { Ok(()) }
    });
    let writing = write(&opened.history, &request, progress);
    tokio::pin!(writing);
    let written = tokio::select! {
        written = &mut writing => written,
        _ = tokio::signal::ctrl_c() => {
            broken_off.store(true, Ordering::Relaxed);
            writing.await
        }
    };
    Outcome::new(&written.map_err(failure)?, true)
}

/// Returns the position that a moment means; the end of the log, if none is given.
pub(crate) async fn through(history: &History, as_of: Option<DateTime<FixedOffset>>) -> Result<Position, Failure> {
    if let Some(at) = as_of {
        has_passed(at)?;
    }
    let moment = as_of.map_or(Moment::Now, |at| Moment::At(at.to_utc(), Basis::Recorded));
    let slice = history.slice(moment).await.map_err(|why| unreadable(why.into()))?;
    Ok(slice.through)
}

fn key_of(file: &Path) -> Result<PseudonymKey, Failure> {
    let failed = |why| Failure::new(format!("cannot read the key {}", file.display())).because(why);
    let bytes = fs::metadata(file).map_err(failed)?.len();
    if KEY_FILE_BYTES_MAX < bytes {
        let what = format!("{} has {bytes} bytes and is no key", file.display());
        return Err(Failure::new(what).advise("name a file of some dozen random bytes"));
    }
    let key = fs::read(file).map_err(failed)?;
    if key.len() < KEY_FILE_BYTES_MIN {
        let what = format!("the key {} is shorter than {KEY_FILE_BYTES_MIN} bytes", file.display());
        return Err(Failure::new(what).advise("make one with: head -c 32 /dev/urandom > FILE"));
    }
    Ok(PseudonymKey::of_text(&key))
}

/// The tool is where chance enters for an export: nobody can tell two exports' pseudonyms apart or together.
fn key_by_chance() -> Result<PseudonymKey, Failure> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|why| Failure::new("the system has no random numbers").because(why))?;
    Ok(PseudonymKey::new(key))
}

fn failure(why: ExportError) -> Failure {
    match why {
        ExportError::History(why) => unreadable(why),
        // These say themselves what to do next.
        ExportError::Exists(_)
        | ExportError::Options(_)
        | ExportError::Write { .. }
        | ExportError::Scratch(_)
        | ExportError::TooManyColumns
        | ExportError::BrokenOff => Failure::new("nothing was exported").because(why),
    }
}
