//! A walk over the whole log as facts: nothing missing, nothing out of order, nothing unreadable, and the index as the
//! log says. Checksums and the two copies are the store's own to verify.

use crate::case_index::{CaseIndex, IndexError};
use crate::codec;
use crate::history::History;
use domain::fact::Fact;
use eventstore::{Micros, PAGE_EVENTS_MAX, Page, Position, ReadError, RecordedEvent};
use serde::Serialize;
use std::collections::HashMap;

/// How many findings are listed; the first is what matters.
const FINDINGS_MAX: usize = 100;

/// Why a verification did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log cannot be read at all.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The index cannot be compared.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where.
    pub position: u64,
    /// What.
    pub what: String,
}

/// Whether an index holds what the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IndexVerdict {
    /// The position up to which the index had come.
    pub position: u64,
    /// Whether it holds exactly what the log says up to there.
    pub agrees: bool,
}

/// What a walk found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Walked {
    /// How many events were looked at.
    pub events: u64,
    /// How many streams they belong to.
    pub streams: u64,
    /// What is wrong, in order of position.
    pub findings: Vec<Finding>,
    /// About the index, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexVerdict>,
}

impl Walked {
    /// Tells whether all is well.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty() && self.index.is_none_or(|index| index.agrees)
    }
}

/// Walks the log from its first event to its present end, telling now and then how far it is.
///
/// `index` is the index to be judged, and an empty one that is filled to compare it with.
///
/// # Errors
/// The log cannot be read, or the index cannot.
pub async fn verify(
    history: &History,
    index: Option<(&CaseIndex, &CaseIndex)>,
    progress: impl Fn(Position),
) -> Result<Walked, VerifyError> {
    let head = history.head().await?.position;
    let mut walk = Walk::default();
    let mut after = Position::START;
    while after < head {
        let page = history.raw_page(after, PAGE_EVENTS_MAX).await?;
        let facts = walk.page(&page);
        if let Some((judged, fresh)) = index {
            take_in_whole(fresh, facts, judged.position())?;
        }
        after = page.through;
        progress(after);
        if page.end {
            break;
        }
    }
    if walk.position < head {
        walk.find(walk.position.next(), format!("the log ends here, but its head is at {head}"));
    }
    let mut walked = walk.finish();
    if let Some((judged, fresh)) = index {
        let agrees = judged.position() == fresh.position() && judged.digest()? == fresh.digest()?;
        walked.index = Some(IndexVerdict { position: judged.position().0, agrees });
    }
    Ok(walked)
}

/// Facts behind an unreadable one cannot be taken in; the index then disagrees, as it should.
fn take_in_whole(index: &CaseIndex, mut facts: Vec<Fact>, through: Position) -> Result<(), IndexError> {
    facts.truncate(facts.partition_point(|fact| fact.position <= through.0));
    let next = index.position().next().0;
    match facts.first() {
        Some(first) if first.position == next => index.take_in(&facts),
        Some(_) | None => Ok(()),
    }
}

#[derive(Default)]
struct Walk {
    position: Position,
    recorded_at: Micros,
    versions: HashMap<Box<str>, u64>,
    events: u64,
    findings: Vec<Finding>,
}

impl Walk {
    /// Looks at a page, and returns its facts up to the first that cannot be read.
    fn page(&mut self, page: &Page) -> Vec<Fact> {
        let mut facts = Vec::with_capacity(page.events.len());
        let mut whole = true;
        for event in &page.events {
            self.event(event);
            match codec::fact(event) {
                Ok(fact) if whole => facts.push(fact),
                Ok(_) => (),
                Err(why) => {
                    whole = false;
                    self.find(event.position, chain(&why));
                }
            }
        }
        facts
    }

    fn event(&mut self, event: &RecordedEvent) {
        let expected = self.position.next();
        if event.position != expected {
            self.find(expected, format!("expected position {expected}, found {}", event.position));
        }
        if event.recorded_at < self.recorded_at {
            self.find(event.position, "it was recorded before its predecessor".to_owned());
        }
        if event.recorded_at < event.occurred_at {
            self.find(event.position, "it was recorded before it happened".to_owned());
        }
        let version = self.versions.entry(event.stream().into()).or_default();
        *version += 1;
        let expected = *version;
        *version = event.version.0;
        if event.version.0 != expected {
            let found = event.version;
            self.find(event.position, format!("expected version {expected} of {}, found {found}", event.stream()));
        }
        self.position = event.position;
        self.recorded_at = event.recorded_at;
        self.events += 1;
    }

    fn find(&mut self, position: Position, what: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { position: position.0, what });
        }
    }

    fn finish(self) -> Walked {
        let streams = u64::try_from(self.versions.len()).unwrap_or(u64::MAX);
        Walked { events: self.events, streams, findings: self.findings, index: None }
    }
}

/// Returns an error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
