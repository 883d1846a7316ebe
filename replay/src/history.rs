//! Facts, typed and read-only: all that any way of looking at the past may hold.

use crate::codec::{self, CodecError};
use crate::moment::{Basis, Late, Moment, Slice};
use domain::fact::{Fact, Subject};
use domain::zone::Instant;
use eventstore::{EventLog, Head, Micros, PAGE_EVENTS_MAX, Page, Position, ReadError, Selection};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The most positions whose moment is remembered; a search over ten million events touches some twenty.
const LANDMARKS_MAX: usize = 16_384;

/// Why facts could not be had.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The store could not read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log holds something that this program does not understand.
    #[error("cannot understand the event at position {position}")]
    Decode {
        /// Where.
        position: Position,
        /// What.
        source: CodecError,
    },
}

/// Some facts in order, and how far was looked.
#[derive(Debug, Clone, Default)]
pub struct FactPage {
    /// The facts, in the order of the log.
    pub facts: Vec<Fact>,
    /// Everything selected up to and including this position is here; read on after it.
    pub through: Position,
    /// Nothing selected was durable beyond `through`.
    pub end: bool,
}

/// The log as typed facts. Cheap to clone; it cannot write.
#[derive(Clone)]
pub struct History {
    log: Arc<dyn EventLog>,
    // What was recorded at these positions; true for ever, so it is never taken back.
    landmarks: Arc<Mutex<BTreeMap<Position, Micros>>>,
}

impl History {
    /// Returns the history that a log holds.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, landmarks: Arc::default() }
    }

    /// Returns the end of the durable log.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn head(&self) -> Result<Head, ReadError> {
        self.log.head().await
    }

    /// Returns up to `limit` facts after a position.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown.
    pub async fn page(&self, after: Position, limit: usize) -> Result<FactPage, HistoryError> {
        decoded(&self.raw_page(after, limit).await?)
    }

    /// Returns up to `limit` events after a position, as recorded: with labels, bodies undecoded.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn raw_page(&self, after: Position, limit: usize) -> Result<Page, ReadError> {
        self.log.read(&Selection::All, after, limit).await
    }

    /// Returns up to `limit` of a subject's events after a position, as recorded; nothing, if there is no such stream.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn raw_stream_page(&self, subject: &Subject, after: Position, limit: usize) -> Result<Page, ReadError> {
        match codec::stream_name(subject) {
            Ok(name) => self.log.read(&Selection::Stream(name), after, limit).await,
            // A subject whose id no stream can carry has no history.
            Err(_) => Ok(Page { events: Vec::new(), through: after, end: true }),
        }
    }

    /// Returns everything that happened to a subject; nothing, if there is no such stream.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown.
    pub async fn stream(&self, subject: &Subject) -> Result<Vec<Fact>, HistoryError> {
        self.stream_after(subject, Position::START).await
    }

    /// Returns what happened to a subject after a position.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown.
    pub async fn stream_after(&self, subject: &Subject, after: Position) -> Result<Vec<Fact>, HistoryError> {
        let mut facts = Vec::new();
        self.each_stream_page(subject, after, |page| {
            facts.extend(decoded(page)?.facts);
            Ok(())
        })
        .await?;
        Ok(facts)
    }

    /// Returns what happened to a subject up to and including a position.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown.
    pub async fn stream_through(&self, subject: &Subject, through: Position) -> Result<Vec<Fact>, HistoryError> {
        self.stream_in(subject, &Slice::through(through)).await
    }

    /// Returns what happened to a subject within a slice of history, in the order in which it is to be folded.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown.
    pub async fn stream_in(&self, subject: &Subject, slice: &Slice) -> Result<Vec<Fact>, HistoryError> {
        let mut facts = self.stream(subject).await?;
        facts.retain(|fact| slice.holds(fact));
        Ok(facts)
    }

    /// Returns a subject's events as recorded: with labels, bodies undecoded.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn raw_stream(&self, subject: &Subject) -> Result<Vec<eventstore::RecordedEvent>, HistoryError> {
        let mut events = Vec::new();
        self.each_stream_page(subject, Position::START, |page| {
            events.extend_from_slice(&page.events);
            Ok(())
        })
        .await?;
        Ok(events)
    }

    async fn each_stream_page(
        &self,
        subject: &Subject,
        mut after: Position,
        mut take: impl FnMut(&Page) -> Result<(), HistoryError>,
    ) -> Result<(), HistoryError> {
        loop {
            let page = self.raw_stream_page(subject, after, PAGE_EVENTS_MAX).await?;
            take(&page)?;
            if page.end {
                return Ok(());
            }
            after = page.through;
        }
    }

    /// Returns the last position recorded by a moment.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn position_at(&self, at: Instant) -> Result<Position, ReadError> {
        let at = codec::micros(at);
        let head = self.head().await?;
        if head.recorded_at <= at {
            return Ok(head.position);
        }
        // Built bit by bit from the top, so that the same few positions are asked for whatever the head is.
        let mut found = 0;
        for bit in (0..=head.position.0.checked_ilog2().unwrap_or(0)).rev() {
            let candidate = Position(found | (1 << bit));
            if candidate <= head.position && self.recorded_at(candidate).await? <= at {
                found = candidate.0;
            }
        }
        Ok(Position(found))
    }

    /// Returns when the first event was recorded; nothing in an empty log.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn began_at(&self) -> Result<Option<Instant>, ReadError> {
        self.moment_of(Position(1)).await
    }

    /// Returns when an event was recorded; nothing where there is none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn moment_of(&self, position: Position) -> Result<Option<Instant>, ReadError> {
        if position == Position::START || self.head().await?.position < position {
            return Ok(None);
        }
        let recorded_at = self.recorded_at(position).await?;
        Ok(codec::instant(recorded_at).ok())
    }

    /// Returns the slice that a moment means today.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn slice(&self, moment: Moment) -> Result<Slice, ReadError> {
        match moment {
            Moment::Now => Ok(Slice::through(self.head().await?.position)),
            Moment::Through(position) => Ok(Slice::through(position)),
            Moment::At(at, Basis::Recorded) => Ok(Slice::through(self.position_at(at).await?)),
            Moment::At(at, Basis::Effective) => {
                let known = self.head().await?.position;
                Ok(Slice { through: self.position_at(at).await?, late: Some(Late { until: at, known }) })
            }
        }
    }

    /// Waits, without polling, until the durable log has grown past a position, and returns its new end.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn grown_past(&self, position: Position) -> Result<Position, ReadError> {
        self.log.grown_past(position).await
    }

    pub(crate) async fn recorded_at(&self, position: Position) -> Result<Micros, ReadError> {
        let known = self.landmarks.lock().unwrap_or_else(PoisonError::into_inner).get(&position).copied();
        if let Some(recorded_at) = known {
            return Ok(recorded_at);
        }
        let page = self.raw_page(Position(position.0 - 1), 1).await?;
        let Some(event) = page.events.first().filter(|event| event.position == position) else {
            return Err(ReadError::Corrupt { position, detail: "there is no event at this position".to_owned() });
        };
        let mut landmarks = self.landmarks.lock().unwrap_or_else(PoisonError::into_inner);
        if landmarks.len() >= LANDMARKS_MAX {
            landmarks.clear();
        }
        landmarks.insert(position, event.recorded_at);
        Ok(event.recorded_at)
    }
}

/// Returns the facts of a page.
///
/// # Errors
/// The page holds something unknown.
fn decoded(page: &Page) -> Result<FactPage, HistoryError> {
    match decoded_up_to_fault(page) {
        (facts, None) => Ok(FactPage { facts, through: page.through, end: page.end }),
        (_, Some(why)) => Err(why),
    }
}

/// Returns the facts of a page up to the first that cannot be read, and why that one cannot.
pub(crate) fn decoded_up_to_fault(page: &Page) -> (Vec<Fact>, Option<HistoryError>) {
    let (facts, fault) = codec::facts_up_to_fault(&page.events);
    (facts, fault.map(|(position, source)| HistoryError::Decode { position, source }))
}
