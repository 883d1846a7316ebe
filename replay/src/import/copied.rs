//! The log of a running server, made again here: the same records at the same positions, in frames as they were.

use super::{ImportError, ImportProgress, Imported};
use crate::history::History;
use crate::journal::Journal;
use eventstore::{
    AppendError, Appended, By, Expected, Frame, NewEvent, PAGE_EVENTS_MAX, Position, RecordedEvent, StreamName,
    StreamVersion, Write,
};
use futures::poll;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

/// Frames on their way to the disk at once. Each has its place in line before the next one is handed in.
const FRAMES_IN_FLIGHT_MAX: usize = 64;

/// Copies what another log has and this one lacks. What is there already must be the beginning of it.
///
/// Copying ends where the other log ended when it began. Broken off, what was copied stays, and doing it again goes on
/// from there.
///
/// # Errors
/// Either log cannot be used, or this one holds another history.
pub async fn copy_log(
    from: &History,
    from_name: &str,
    journal: &Journal,
    mut progress: impl FnMut(ImportProgress) + Send,
) -> Result<Imported, ImportError> {
    let here = journal.history().head().await?.position;
    let there = from.head().await?.position;
    let another = |position| ImportError::AnotherHistory { from: from_name.to_owned(), position };
    if there < here || last_of(from, here).await? != last_of(journal.history(), here).await? {
        return Err(another(here));
    }
    let mut imported = Imported::default();
    imported.already_there.events = here.0;
    let mut line = Line::new(journal, &another);
    let mut frame: Vec<RecordedEvent> = Vec::new();
    let mut after = here;
    while after < there {
        let page = from.raw_page(after, PAGE_EVENTS_MAX).await?;
        for event in page.events {
            if frame.first().is_some_and(|first| first.command != event.command) {
                if there < event.position {
                    break;
                }
                line.hand_in(std::mem::take(&mut frame)).await?;
            }
            imported.cases += u64::from(matches!(event.kind(), "case-submitted" | "legacy-case-opened"));
            imported.events += 1;
            frame.push(event);
        }
        after = page.through;
        progress(ImportProgress { bytes: after.0.min(there.0), bytes_total: there.0, events: imported.events });
        if page.end {
            break;
        }
    }
    // A log shows whole frames only, so what was begun ends with its last page.
    if !frame.is_empty() {
        line.hand_in(frame).await?;
    }
    line.finish().await?;
    Ok(imported)
}

/// Returns the record at a position as it stands; nothing before the first.
async fn last_of(history: &History, position: Position) -> Result<Option<RecordedEvent>, ImportError> {
    let Some(before) = position.0.checked_sub(1) else { return Ok(None) };
    let page = history.raw_page(Position(before), 1).await?;
    Ok(page.events.into_iter().find(|event| event.position == position))
}

type Appending<'a> = Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send + 'a>>;

/// Frames handed in, in order, and where each must come to stand.
struct Line<'a, A> {
    journal: &'a Journal,
    another: &'a A,
    waiting: VecDeque<(Position, Appending<'a>)>,
}

impl<'a, A: Fn(Position) -> ImportError> Line<'a, A> {
    fn new(journal: &'a Journal, another: &'a A) -> Self {
        Self { journal, another, waiting: VecDeque::new() }
    }

    async fn hand_in(&mut self, events: Vec<RecordedEvent>) -> Result<(), ImportError> {
        let Some(first) = events.first().map(|event| event.position) else { return Ok(()) };
        let frame = frame_of(events).map_err(|source| AppendError::NotWritten { source })?;
        let mut appending: Appending<'a> = Box::pin(self.journal.append_frame(frame));
        // The first look takes the place in line.
        match poll!(&mut appending) {
            Poll::Ready(appended) => {
                while !self.waiting.is_empty() {
                    self.settle_first().await?;
                }
                self.judge(first, appended)
            }
            Poll::Pending => {
                self.waiting.push_back((first, appending));
                if FRAMES_IN_FLIGHT_MAX <= self.waiting.len() { self.settle_first().await } else { Ok(()) }
            }
        }
    }

    async fn finish(&mut self) -> Result<(), ImportError> {
        while !self.waiting.is_empty() {
            self.settle_first().await?;
        }
        Ok(())
    }

    async fn settle_first(&mut self) -> Result<(), ImportError> {
        let Some((first, appending)) = self.waiting.pop_front() else { return Ok(()) };
        self.judge(first, appending.await)
    }

    fn judge(&self, first: Position, appended: Result<Appended, AppendError>) -> Result<(), ImportError> {
        match appended {
            Ok(appended) if appended.first == first => Ok(()),
            Ok(_) | Err(AppendError::Conflict { .. } | AppendError::CommandReused { .. }) => Err((self.another)(first)),
            Err(why) => Err(why.into()),
        }
    }
}

/// Returns the frame that wrote these events, the bytes of their bodies untouched.
fn frame_of(events: Vec<RecordedEvent>) -> Result<Frame, eventstore::BoxError> {
    let first = events.first().ok_or("a frame without events")?;
    let by = first.by();
    let mut frame = Frame {
        command: first.command,
        digest: first.digest,
        now: first.recorded_at,
        by: By {
            id: by.id.into(),
            role: by.role.into(),
            organisation: by.organisation.into(),
            window: by.window.into(),
            acting_for: by.acting_for.into(),
            channel: by.channel.into(),
        },
        correlation: first.correlation,
        causation: first.causation,
        guards: Vec::new(),
        writes: Vec::new(),
    };
    for event in &events {
        let new = NewEvent {
            id: event.id,
            kind: event.kind().into(),
            schema: event.schema,
            occurred_at: event.occurred_at,
            labels: event.labels().map(str::to_owned).collect(),
            body: event.body().to_vec().into(),
        };
        match frame.writes.last_mut().filter(|write| write.stream.as_str() == event.stream()) {
            Some(write) => write.events.push(new),
            None => {
                let expected = Expected::at(StreamVersion(event.version.0 - 1));
                let stream = StreamName::try_from(event.stream())?;
                frame.writes.push(Write { stream, expected, events: vec![new] });
            }
        }
    }
    Ok(frame)
}
