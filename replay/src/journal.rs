//! A history that can also append. Held by the one write path of the server and by import, and by nobody else.

use crate::codec;
use crate::history::History;
use domain::actor::Actor;
use domain::event::Event;
use domain::fact::Subject;
use domain::ids::{CommandId, EventId};
use domain::zone::Instant;
use eventstore::{Answer, AppendError, Appended, CommandDigest, EventStore, Expected, Frame, Guard, ReadError, Write};
use std::sync::Arc;
use ulid::Ulid;

/// One event as decided, with what was made for it once and survives a retry.
#[derive(Debug, Clone)]
pub struct NewFact {
    /// Its id.
    pub id: EventId,
    /// When it happened; not after the moment of recording.
    pub occurred_at: Instant,
    /// Opaque words by which feeds are filtered.
    pub labels: Vec<String>,
    /// What happened.
    pub event: Event,
}

/// One command's whole effect.
#[derive(Debug, Clone)]
pub struct Append {
    /// Identifies it for ever.
    pub command: CommandId,
    /// Tells a repeated request from another one under the same id.
    pub digest: CommandDigest,
    /// The writer's clock.
    pub now: Instant,
    /// Who wrote.
    pub by: Actor,
    /// What belongs together.
    pub correlation: Ulid,
    /// The event that led to it, if one did.
    pub causation: Option<EventId>,
    /// Streams relied on.
    pub guards: Vec<(Subject, Expected)>,
    /// Streams written, each named once.
    pub writes: Vec<(Subject, Expected, Vec<NewFact>)>,
}

/// The log, to be read and to be written.
#[derive(Clone)]
pub struct Journal {
    history: History,
    store: Arc<dyn EventStore>,
}

impl Journal {
    /// Returns the journal over a store.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>) -> Self {
        Self { history: History::new(store.clone()), store }
    }

    /// Returns the reading half.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Returns the answer once given to a command, if it wrote something.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn answer(&self, command: CommandId) -> Result<Option<Answer>, ReadError> {
        self.store.answer(eventstore::CommandId(command.0.into())).await
    }

    /// Appends one command's whole effect and returns once it is durable.
    ///
    /// The place in line is taken when the future is first polled, as
    /// [`EventStore::append`] promises.
    ///
    /// # Errors
    /// As the store says; a subject that no stream can be named for is [`AppendError::NotWritten`].
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let frame = frame(append).map_err(|source| AppendError::NotWritten { source: source.into() })?;
        self.append_frame(frame).await
    }

    /// Appends a frame whose events are encoded already.
    pub(crate) async fn append_frame(&self, frame: Frame) -> Result<Appended, AppendError> {
        self.store.append(frame).await
    }
}

fn frame(append: Append) -> Result<Frame, codec::CodecError> {
    let mut guards = Vec::with_capacity(append.guards.len());
    for (subject, expected) in &append.guards {
        guards.push(Guard { stream: codec::stream_name(subject)?, expected: *expected });
    }
    let mut writes = Vec::with_capacity(append.writes.len());
    for (subject, expected, facts) in append.writes {
        let mut events = Vec::with_capacity(facts.len());
        for fact in facts {
            events.push(codec::new_event(fact.id, fact.occurred_at, fact.labels, &fact.event)?);
        }
        writes.push(Write { stream: codec::stream_name(&subject)?, expected, events });
    }
    Ok(Frame {
        command: eventstore::CommandId(append.command.0.into()),
        digest: append.digest,
        now: codec::micros(append.now),
        by: codec::by(&append.by),
        correlation: append.correlation.into(),
        causation: append.causation.map(|id| eventstore::EventId(id.0.into())),
        guards,
        writes,
    })
}
