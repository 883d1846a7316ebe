//! `rebuild` and `verify`: whether what is kept is what the log says.

use crate::Outcome;
use crate::arguments::Rebuild;
use crate::data::{Data, Opened};
use crate::failure::Failure;
use crate::meter::Meter;
use eventstore::{Position, ReadError, Sled, Verified};
use replay::case_index::CaseIndex;
use replay::history::HistoryError;
use replay::pages::Pages;
use replay::rebuild::{RebuildError, Rebuilt};
use replay::remote::RemoteError;
use replay::verify::{VerifyError, Walked};
use replay::view::Digest;
use replay::views::Views;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

#[derive(Serialize)]
struct RebuildAnswer {
    events: u64,
    seconds: f64,
    events_per_second: f64,
    agrees: bool,
    #[serde(flatten)]
    projections: Option<Rebuilt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_index: Option<IndexAnswer>,
}

#[derive(Serialize)]
struct IndexAnswer {
    position: u64,
    seconds: f64,
    events_per_second: f64,
    found: Digest,
    rebuilt: Digest,
    agrees: bool,
}

pub(crate) async fn rebuild(data: &Data, rebuild: Rebuild) -> Result<Outcome, Failure> {
    let only = rebuild.projection.as_deref();
    let names = Views::default().names();
    if let Some(name) = only.filter(|name| *name != CaseIndex::NAME && !names.contains(name)) {
        let what = format!("there is no projection {name:?}");
        return Err(Failure::new(what).advise(format!("choose from {}, {}", names.join(", "), CaseIndex::NAME)));
    }
    let opened = data.open().await?;
    let begun = Instant::now();
    let projections = match only {
        Some(CaseIndex::NAME) => None,
        Some(_) | None => Some(rebuild_views(&opened, only).await?),
    };
    let seconds = begun.elapsed().as_secs_f64();
    let case_index = match only {
        Some(CaseIndex::NAME) | None => rebuild_index(data, &opened).await?,
        Some(_) => None,
    };
    let events = opened.head.position.0;
    let agrees =
        projections.as_ref().is_none_or(Rebuilt::agrees) && case_index.as_ref().is_none_or(|index| index.agrees);
    let rate = per_second(events, seconds);
    Outcome::new(&RebuildAnswer { events, seconds, events_per_second: rate, agrees, projections, case_index }, agrees)
}

async fn rebuild_views(opened: &Opened, only: Option<&str>) -> Result<Rebuilt, Failure> {
    let meter = Arc::new(Meter::new("folding", "events", opened.head.position.0));
    let progress = move |position| meter.at_position(position);
    replay::rebuild::rebuild(&opened.history, &opened.checkpoints, only, progress).await.map_err(|why| match why {
        RebuildError::History(why) => unreadable(why),
        RebuildError::State(why) => Failure::new("cannot compare the projections").because(why),
    })
}

/// Fills an empty index up to where the kept one has come, and compares the two.
async fn rebuild_index(data: &Data, opened: &Opened) -> Result<Option<IndexAnswer>, Failure> {
    let Some(kept) = data.borrow_index()? else { return Ok(None) };
    let fresh = data.empty_index()?;
    let position = kept.index.position().min(opened.head.position);
    let meter = Meter::new("indexing", "events", position.0);
    let begun = Instant::now();
    let pages = Pages::between(&opened.history, Position::START, position);
    let filled = pages.fold_into((fresh.index.clone(), Ok(())), move |(index, result), facts| {
        if result.is_ok() {
            *result = index.take_in(facts);
        }
        meter.at(index.position().0);
    });
    let failed = |why| Failure::new("cannot rebuild the case index").because(why);
    let (_, result) = filled.await.map_err(unreadable)?;
    result.map_err(failed)?;
    let seconds = begun.elapsed().as_secs_f64();
    let (found, rebuilt) = (kept.index.digest().map_err(failed)?, fresh.index.digest().map_err(failed)?);
    let events_per_second = per_second(position.0, seconds);
    Ok(Some(IndexAnswer { position: position.0, seconds, events_per_second, found, rebuilt, agrees: found == rebuilt }))
}

#[derive(Serialize)]
struct VerifyAnswer {
    sound: bool,
    first_bad_position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volumes: Option<usize>,
    store: Vec<StoreFinding>,
    #[serde(flatten)]
    walked: Walked,
}

#[derive(Serialize)]
struct StoreFinding {
    position: u64,
    part: String,
    what: String,
}

pub(crate) async fn verify(data: &Data) -> Result<Outcome, Failure> {
    let opened = data.open().await?;
    let head = opened.head.position;
    // Of a running server's log, each record's checksum is compared as it arrives; its copies are its own to compare.
    let copies = match opened.store.clone() {
        Some(store) => match compare_copies(store, head).await? {
            Ok(copies) => Some(copies),
            Err(damage) => return damaged(&damage),
        },
        None => None,
    };
    let (kept, fresh) = (data.borrow_index()?, data.empty_index()?);
    let meter = Meter::new("reading", "events", head.0);
    let indexes = kept.as_ref().map(|kept| (&kept.index, &fresh.index));
    let walked = replay::verify::verify(&opened.history, indexes, |position| meter.at_position(position));
    let walked = match walked.await {
        Err(VerifyError::Read(damage @ ReadError::Corrupt { .. })) => return damaged(&damage),
        walked => walked.map_err(|why| Failure::new("cannot walk the event log").because(why))?,
    };
    let volumes = copies.as_ref().map(|copies| copies.volumes);
    let store: Vec<_> = copies
        .into_iter()
        .flat_map(|copies| copies.findings)
        .map(|found| StoreFinding { position: found.position.0, part: found.part.to_string(), what: found.detail })
        .collect();
    let sound = store.is_empty() && walked.is_sound();
    let bad = store.iter().map(|found| found.position).chain(walked.findings.iter().map(|found| found.position));
    let first_bad_position = bad.min();
    Outcome::new(&VerifyAnswer { sound, first_bad_position, volumes, store, walked }, sound)
}

async fn compare_copies(store: Arc<Sled>, head: Position) -> Result<Result<Verified, ReadError>, Failure> {
    let comparing = tokio::task::spawn_blocking(move || {
        let meter = Meter::new("comparing both copies", "events", head.0);
        store.verify(&mut |progress| meter.at_position(progress.through))
    });
    match comparing.await.map_err(|why| Failure::new("the verification broke off").because(why))? {
        Err(why @ ReadError::Unavailable { .. }) => Err(Failure::new("cannot read the event log").because(why)),
        compared => Ok(compared),
    }
}

fn damaged(damage: &ReadError) -> Result<Outcome, Failure> {
    let position = match damage {
        ReadError::Corrupt { position, .. } => Some(position.0),
        ReadError::Unavailable { .. } => None,
    };
    let answer = serde_json::json!({ "sound": false, "first_bad_position": position, "damage": damage.to_string() });
    Outcome::new(&answer, false)
}

pub(crate) fn unreadable(why: HistoryError) -> Failure {
    let failure = Failure::new("cannot read the event log");
    match why {
        // A server that went away, or what it says, tells by itself what to do.
        HistoryError::Read(ReadError::Unavailable { source }) if source.is::<RemoteError>() => {
            failure.because_of(source)
        }
        why => failure.because(why).advise("see `replay verify`"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate is told to a few digits")]
fn per_second(events: u64, seconds: f64) -> f64 {
    if seconds == 0.0 { 0.0 } else { (events as f64 / seconds).round() }
}
