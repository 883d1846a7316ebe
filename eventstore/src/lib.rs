//! Bytes in order, forever.
//!
//! An event store keeps streams of immutable events in one total order. What it promises is written, and numbered,
//! on [`EventStore`]; `testing::conformance` (feature `testing`) holds one test per promise, and every backend and
//! every decorator runs them all.
//!
//! The store knows neither the meaning of an event nor the time of day: bodies are bytes, labels are opaque, and the
//! writer's clock arrives with the frame, so that the verdict on a frame depends only on the log so far and on it.

mod error;
mod event;
mod memory;
mod record;
mod sled;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod verdict;

pub use error::{AppendError, BoxError, ReadError};
pub use event::{
    Answer, Appended, By, CommandDigest, CommandId, EventId, Expected, Frame, Guard, Head, Micros, NewEvent, Position,
    StreamName, StreamNameError, StreamVersion, Write,
};
pub use memory::InMemory;
pub use record::{DamagedRecord, RecordedEvent};
pub use sled::{
    CommitObserver, FORMAT, Finding, Mending, OnMending, OpenError, Options, Outcome, Part, Progress, Sled,
    VOLUME_EVENTS, Verified,
};
pub use store::{
    EVENT_BYTES_MAX, EVENTS_PER_FRAME_MAX, EventLog, EventStore, PAGE_BYTES_MAX, PAGE_EVENTS_MAX, Page, Selection,
};
pub use verdict::{
    BY_BYTES_MAX, CLOCK_BEHIND_MICROS_MAX, KIND_BYTES_MAX, LABEL_BYTES_MAX, LABELS_MAX, Refusal, STREAMS_PER_FRAME_MAX,
};
