//! The trait behind which storage can be replaced, and the promises every storage makes.

use crate::{Answer, AppendError, Appended, CommandId, Frame, Head, Position, ReadError, RecordedEvent, StreamName};
use async_trait::async_trait;

/// The largest body of one event, in bytes.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;
/// The most events of one frame.
pub const EVENTS_PER_FRAME_MAX: usize = 256;
/// The most events of one page; a larger `limit` is refused by clamping to this, and one of zero counts as one.
pub const PAGE_EVENTS_MAX: usize = 4096;
/// A page ends with the event whose body brings it to this many bytes, whatever its `limit`.
pub const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Which events to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The whole log.
    All,
    /// One stream.
    Stream(StreamName),
}

/// Some events in order, and how far the store looked.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The selected events, in the order of the log.
    pub events: Vec<RecordedEvent>,
    /// Everything selected up to and including this position has been returned; read on after it.
    pub through: Position,
    /// Nothing selected was durable beyond `through` when this page was read.
    pub end: bool,
}

/// The reading half of an [`EventStore`]: promises 1, 6, 7 and 8 are its own.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Returns up to `limit` selected events after `after` (a position in the log, also for one stream).
    ///
    /// The bodies of a page may share one buffer: copy a body that is to outlive its page by long.
    async fn read(&self, selection: &Selection, after: Position, limit: usize) -> Result<Page, ReadError>;

    /// Returns the end of the durable log.
    async fn head(&self) -> Result<Head, ReadError>;

    /// Waits, without polling, until the durable log has grown past `position`, and returns its new end.
    async fn grown_past(&self, position: Position) -> Result<Position, ReadError>;
}

/// An append-only log of streams in one total order.
///
/// Every backend and every decorator keeps these promises, each shown by one test of the conformance suite:
///
/// 1. Events are read back in order, their bytes untouched.
/// 2. A frame is all or nothing.
/// 3. A stale version or guard is a conflict that names the actual version.
/// 4. [`Expected::Empty`](crate::Expected::Empty) refuses an existing stream.
/// 5. A repeated command id is answered as the first time and writes nothing; with another digest it is refused.
/// 6. Positions grow by one and are never reused.
/// 7. A reader sees a gapless prefix of what is durable, never more.
/// 8. `recorded_at` never runs backwards, and is never before `occurred_at`.
/// 9. Of two writers at one version exactly one wins.
/// 10. What was acknowledged survives a killed process, a power cut, and the loss of either copy.
/// 11. Limits are refused, never truncated.
#[async_trait]
pub trait EventStore: EventLog {
    /// Appends a frame and returns once it is durable.
    ///
    /// The frame takes its place in line when the future is first polled, so a writer may hand in a second frame for
    /// the same stream, expecting the version the first will reach, without waiting for the disk.
    /// A frame whose clock is more than five seconds behind the head is refused as `NotWritten`.
    async fn append(&self, frame: Frame) -> Result<Appended, AppendError>;

    /// Returns the answer once given to this command, if it wrote something.
    async fn answer(&self, command: CommandId) -> Result<Option<Answer>, ReadError>;
}

/// Returns how many events a page may hold.
pub(crate) fn page_limit(asked: usize) -> usize {
    asked.clamp(1, PAGE_EVENTS_MAX)
}
