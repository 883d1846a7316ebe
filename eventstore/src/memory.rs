//! The reference model: a log in memory, by the same rules, as strict as any and easy to reason about.

use crate::store::{PAGE_BYTES_MAX, page_limit};
use crate::verdict::{self, Claim};
use crate::{
    Answer, AppendError, Appended, CommandId, EventLog, EventStore, Frame, Head, Micros, Page, Position, ReadError,
    RecordedEvent, Selection, StreamName, StreamVersion,
};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A log in memory, gone with the process: for tests, and as the model that other backends are compared with.
#[derive(Debug)]
pub struct InMemory {
    log: Mutex<Log>,
    head: watch::Sender<Head>,
}

#[derive(Debug, Default)]
struct Log {
    /// The event at position `p` stands at `p - 1`.
    events: Vec<RecordedEvent>,
    streams: BTreeMap<StreamName, Vec<Position>>,
    answers: BTreeMap<CommandId, Answer>,
}

impl InMemory {
    /// Returns an empty log.
    #[must_use]
    pub fn new() -> Self {
        Self { log: Mutex::default(), head: watch::Sender::new(Head::default()) }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // A frame is pushed as a whole after its verdict, so the log is sound even if some caller panicked.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for InMemory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl EventStore for InMemory {
    async fn append(&self, frame: Frame) -> Result<Appended, AppendError> {
        let claim = Claim::of(&frame)?;
        let mut log = self.log();
        if let Some(answer) = log.answers.get(&frame.command) {
            return verdict::repeated(&frame, answer.clone());
        }
        let head = log.head();
        let mut streams = verdict::expectations(&frame).map(|(stream, _)| stream);
        let judged = claim.judge(head, |_| streams.next().map_or(StreamVersion::EMPTY, |stream| log.version(stream)));
        let recorded_at = judged.map_err(|misfit| misfit.of(&frame))?;
        if claim.events == 0 {
            return Ok(verdict::nothing_appended(head));
        }
        let appended = log.record(&frame, recorded_at);
        self.head.send_replace(log.head());
        Ok(appended)
    }

    async fn answer(&self, command: CommandId) -> Result<Option<Answer>, ReadError> {
        Ok(self.log().answers.get(&command).cloned())
    }
}

#[async_trait]
impl EventLog for InMemory {
    async fn read(&self, selection: &Selection, after: Position, limit: usize) -> Result<Page, ReadError> {
        let log = self.log();
        Ok(match selection {
            Selection::All => log.page(log.events.iter().skip(index_after(after)), after, limit),
            Selection::Stream(stream) => {
                let places = log.streams.get(stream).map_or(&[][..], Vec::as_slice);
                let later = places.partition_point(|place| *place <= after);
                let events = places.iter().skip(later).filter_map(|place| log.at(*place));
                log.page(events, after, limit)
            }
        })
    }

    async fn head(&self) -> Result<Head, ReadError> {
        Ok(self.log().head())
    }

    async fn grown_past(&self, position: Position) -> Result<Position, ReadError> {
        let mut heads = self.head.subscribe();
        let head = heads.wait_for(|head| position < head.position).await;
        head.map(|head| head.position).map_err(|source| ReadError::Unavailable { source: Box::new(source) })
    }
}

impl Log {
    fn head(&self) -> Head {
        self.events
            .last()
            .map_or_else(Head::default, |last| Head { position: last.position, recorded_at: last.recorded_at })
    }

    fn version(&self, stream: &StreamName) -> StreamVersion {
        StreamVersion(self.streams.get(stream).map_or(0, |places| places.len() as u64))
    }

    fn at(&self, position: Position) -> Option<&RecordedEvent> {
        self.events.get(index_after(position).checked_sub(1)?)
    }

    fn record(&mut self, frame: &Frame, recorded_at: Micros) -> Appended {
        let first = self.head().position.next();
        let mut versions = Vec::with_capacity(frame.writes.len());
        for write in &frame.writes {
            let places = self.streams.entry(write.stream.clone()).or_default();
            let brought = !write.events.is_empty();
            for event in &write.events {
                let position = Position(self.events.len() as u64 + 1);
                places.push(position);
                let version = StreamVersion(places.len() as u64);
                self.events.push(RecordedEvent::of(frame, write, event, position, version, recorded_at));
            }
            if brought {
                versions.push((write.stream.clone(), StreamVersion(places.len() as u64)));
            }
        }
        let appended = Appended { first, last: self.head().position, recorded_at, versions };
        self.answers.insert(frame.command, Answer { digest: frame.digest, appended: appended.clone() });
        appended
    }

    fn page<'a>(&self, selected: impl Iterator<Item = &'a RecordedEvent>, after: Position, limit: usize) -> Page {
        let mut selected = selected.peekable();
        let mut events = Vec::new();
        let mut bytes = 0;
        while let Some(event) = selected.peek() {
            if events.len() == page_limit(limit) || PAGE_BYTES_MAX <= bytes {
                break;
            }
            bytes += event.body().len();
            events.extend(selected.next().cloned());
        }
        let end = selected.peek().is_none();
        let seen = events.last().map_or(after, |event: &RecordedEvent| event.position);
        Page { events, through: if end { seen.max(self.head().position) } else { seen }, end }
    }
}

fn index_after(position: Position) -> usize {
    usize::try_from(position.0).unwrap_or(usize::MAX)
}
