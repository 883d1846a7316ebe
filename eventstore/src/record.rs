//! One event as bytes: the record that stands, byte for byte the same, in the journal and in the database.
//!
//! `docs/event-log.md` describes it field by field. What only the commit thread knows stands first, at fixed places,
//! so that a writer's own task can encode the rest and the commit thread fills it in.

use crate::{By, CommandDigest, CommandId, EventId, Frame, Micros, NewEvent, Position, StreamVersion, Write};
use bytes::Bytes;
use std::fmt;

/// The version of the record's format, its first byte.
pub(crate) const RECORD_FORMAT: u8 = 1;

const POSITION: usize = 1;
const VERSION: usize = 9;
const RECORDED_AT: usize = 17;
const OCCURRED_AT: usize = 25;
const EVENT_ID: usize = 33;
const COMMAND: usize = 49;
const DIGEST: usize = 65;
const CORRELATION: usize = 81;
const CAUSATION: usize = 97;
const SCHEMA: usize = 113;
const FLAGS: usize = 115;
const STREAM: usize = 116;
const CRC_BYTES: usize = 4;
const CAUSED: u8 = 1;
/// How many words say who wrote.
const BY_WORDS: usize = 6;

/// Bytes that are not a record, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordFault {
    #[error("the checksum of the record does not match")]
    Checksum,
    #[error("the record is of format {0}, which this version does not know")]
    Format(u8),
    #[error("the record's fields do not add up")]
    Shape,
    #[error("the record belongs to another position or stream")]
    Misplaced,
}

/// Bytes that no store wrote, or not all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct DamagedRecord(RecordFault);

/// Appends the record of one event, with zeros for what the commit thread fills in.
pub(crate) fn encode(frame: &Frame, write: &Write, event: &NewEvent, out: &mut Vec<u8>) {
    out.push(RECORD_FORMAT);
    out.extend_from_slice(&[0; OCCURRED_AT - POSITION]);
    out.extend_from_slice(&event.occurred_at.to_le_bytes());
    out.extend_from_slice(&event.id.0.to_le_bytes());
    out.extend_from_slice(&frame.command.0.to_le_bytes());
    out.extend_from_slice(&frame.digest.0);
    out.extend_from_slice(&frame.correlation.to_le_bytes());
    out.extend_from_slice(&frame.causation.map_or(0, |id| id.0).to_le_bytes());
    out.extend_from_slice(&event.schema.to_le_bytes());
    out.push(if frame.causation.is_some() { CAUSED } else { 0 });
    put_short(out, write.stream.as_str());
    put_short(out, &event.kind);
    let by = &frame.by;
    for word in [&by.id, &by.role, &by.organisation, &by.window, &by.acting_for, &by.channel] {
        put_long(out, word);
    }
    // All lengths were checked against their limits before anything is encoded.
    out.push(event.labels.len() as u8);
    for label in &event.labels {
        put_long(out, label);
    }
    out.extend_from_slice(&(event.body.len() as u32).to_le_bytes());
    out.extend_from_slice(&event.body);
    out.extend_from_slice(&[0; CRC_BYTES]);
}

/// Fills in what the commit thread assigned, and closes the record with its checksum.
pub(crate) fn complete(record: &mut [u8], position: Position, version: StreamVersion, recorded_at: Micros) {
    record[POSITION..VERSION].copy_from_slice(&position.0.to_le_bytes());
    record[VERSION..RECORDED_AT].copy_from_slice(&version.0.to_le_bytes());
    record[RECORDED_AT..OCCURRED_AT].copy_from_slice(&recorded_at.to_le_bytes());
    let (fields, crc) = record.split_at_mut(record.len() - CRC_BYTES);
    crc.copy_from_slice(&crc32c::crc32c(fields).to_le_bytes());
}

/// Returns the checksum with which a complete record ends.
pub(crate) fn checksum(record: &[u8]) -> u32 {
    u32::from_le_bytes(array(&record[record.len() - CRC_BYTES..]))
}

fn put_short(out: &mut Vec<u8>, word: &str) {
    out.push(word.len() as u8);
    out.extend_from_slice(word.as_bytes());
}

fn put_long(out: &mut Vec<u8>, word: &str) {
    out.extend_from_slice(&(word.len() as u16).to_le_bytes());
    out.extend_from_slice(word.as_bytes());
}

/// A record whose fixed fields can be looked at without decoding the rest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordView<'a>(&'a [u8]);

impl<'a> RecordView<'a> {
    /// Takes bytes whose checksum somebody verified already.
    pub(crate) fn trusted(bytes: &'a [u8]) -> Result<Self, RecordFault> {
        match bytes.first() {
            Some(&RECORD_FORMAT) if STREAM + CRC_BYTES < bytes.len() => Ok(Self(bytes)),
            Some(&RECORD_FORMAT) | None => Err(RecordFault::Shape),
            Some(&other) => Err(RecordFault::Format(other)),
        }
    }

    /// Takes bytes that carry their own proof.
    pub(crate) fn verified(bytes: &'a [u8]) -> Result<Self, RecordFault> {
        let Some(fields_bytes) = bytes.len().checked_sub(CRC_BYTES) else { return Err(RecordFault::Shape) };
        let (fields, crc) = bytes.split_at(fields_bytes);
        if crc32c::crc32c(fields).to_le_bytes() != crc {
            return Err(RecordFault::Checksum);
        }
        Self::trusted(bytes)
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn position(self) -> Position {
        Position(u64::from_le_bytes(self.fixed(POSITION)))
    }

    pub(crate) fn version(self) -> StreamVersion {
        StreamVersion(u64::from_le_bytes(self.fixed(VERSION)))
    }

    pub(crate) fn recorded_at(self) -> Micros {
        Micros::from_le_bytes(self.fixed(RECORDED_AT))
    }

    pub(crate) fn command(self) -> CommandId {
        CommandId(u128::from_le_bytes(self.fixed(COMMAND)))
    }

    pub(crate) fn digest(self) -> CommandDigest {
        CommandDigest(self.fixed(DIGEST))
    }

    pub(crate) fn stream(self) -> Result<&'a str, RecordFault> {
        Fields { bytes: self.0, at: STREAM }.short()
    }

    pub(crate) fn checksum(self) -> u32 {
        checksum(self.0)
    }

    /// Takes the record as an event; `record` are the bytes of this view, to be kept.
    pub(crate) fn event(self, record: Bytes) -> Result<RecordedEvent, RecordFault> {
        let mut fields = Fields { bytes: self.0, at: STREAM };
        fields.pass_short()?;
        let kind_at = fields.at;
        fields.pass_short()?;
        let by_at = fields.at;
        for _ in 0..BY_WORDS {
            fields.pass_long()?;
        }
        let labels_at = fields.at;
        for _ in 0..fields.take(1)?[0] {
            fields.pass_long()?;
        }
        let body_bytes = u32::from_le_bytes(array(fields.take(4)?)) as usize;
        let body_at = fields.at;
        fields.take(body_bytes)?;
        if fields.at + CRC_BYTES != self.0.len() {
            return Err(RecordFault::Shape);
        }
        let caused = self.0[FLAGS] & CAUSED != 0;
        Ok(RecordedEvent {
            position: self.position(),
            version: self.version(),
            id: EventId(u128::from_le_bytes(self.fixed(EVENT_ID))),
            schema: u16::from_le_bytes(self.fixed(SCHEMA)),
            recorded_at: self.recorded_at(),
            occurred_at: Micros::from_le_bytes(self.fixed(OCCURRED_AT)),
            command: self.command(),
            digest: self.digest(),
            correlation: u128::from_le_bytes(self.fixed(CORRELATION)),
            causation: caused.then(|| EventId(u128::from_le_bytes(self.fixed(CAUSATION)))),
            record,
            // Within the limits of a frame no record comes near 4 GiB.
            kind_at: kind_at as u32,
            by_at: by_at as u32,
            labels_at: labels_at as u32,
            body_at: body_at as u32,
        })
    }

    fn fixed<const N: usize>(self, at: usize) -> [u8; N] {
        array(&self.0[at..at + N])
    }
}

/// One event as it stands in the log. Its words and its body are read where they stand, so taking millions of events
/// allocates nothing for them.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Where it stands in the log.
    pub position: Position,
    /// Where it stands in its stream.
    pub version: StreamVersion,
    /// Its id.
    pub id: EventId,
    /// The version of its type's body.
    pub schema: u16,
    /// When the log recorded it; never runs backwards along positions.
    pub recorded_at: Micros,
    /// When it happened; never after `recorded_at`.
    pub occurred_at: Micros,
    /// The command that caused it.
    pub command: CommandId,
    /// The digest of that command's request.
    pub digest: CommandDigest,
    /// What belongs together.
    pub correlation: u128,
    /// The event that led to the command, if one did.
    pub causation: Option<EventId>,
    record: Bytes,
    kind_at: u32,
    by_at: u32,
    labels_at: u32,
    body_at: u32,
}

impl RecordedEvent {
    /// Returns the event that a frame brings, as a store records it.
    ///
    /// # Panics
    /// If a word is longer than a store's limits.
    #[must_use]
    pub fn of(
        frame: &Frame,
        write: &Write,
        event: &NewEvent,
        position: Position,
        version: StreamVersion,
        recorded_at: Micros,
    ) -> Self {
        let mut record = Vec::new();
        encode(frame, write, event, &mut record);
        complete(&mut record, position, version, recorded_at);
        let record = Bytes::from(record);
        let event = RecordView(&record).event(record.clone());
        #[expect(clippy::expect_used, reason = "what was encoded above within the limits can be read back")]
        event.expect("a record within the limits can be read")
    }

    /// Takes a record that was kept or sent elsewhere.
    ///
    /// # Errors
    /// It is not, byte for byte, what a store wrote.
    pub fn read(record: Bytes) -> Result<Self, DamagedRecord> {
        let view = RecordView::verified(&record).map_err(DamagedRecord)?;
        view.event(record.clone()).map_err(DamagedRecord)
    }

    /// Returns the record as it stands in the log, with its checksum.
    #[must_use]
    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// Returns the name of its stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        self.words(STREAM as u32).short().unwrap_or_default()
    }

    /// Returns the wire name of its type.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.words(self.kind_at).short().unwrap_or_default()
    }

    /// Returns who wrote it.
    #[must_use]
    pub fn by(&self) -> By<&str> {
        self.words(self.by_at).by().unwrap_or_default()
    }

    /// Tells whether the same wrote another event, in every word: without taking the words apart.
    #[must_use]
    pub fn is_by_author_of(&self, other: &Self) -> bool {
        let words = |event: &'_ Self| event.by_at as usize..event.labels_at as usize;
        self.record[words(self)] == other.record[words(other)]
    }

    /// Returns the opaque words by which feeds are filtered.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        let mut words = self.words(self.labels_at);
        let count = words.take(1).map_or(0, |count| count[0]);
        (0..count).map_while(move |_| words.long().ok())
    }

    /// Returns the body, byte for byte as handed in.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.record[self.body_at as usize..self.record.len() - CRC_BYTES]
    }

    // The places of all words were walked when the record was taken, and by its checksum they hold what was encoded
    // from text, so none of these readings fails.
    fn words(&self, at: u32) -> Fields<'_> {
        Fields { bytes: &self.record, at: at as usize }
    }
}

impl fmt::Debug for RecordedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedEvent")
            .field("position", &self.position)
            .field("stream", &self.stream())
            .field("version", &self.version)
            .field("kind", &self.kind())
            .field("schema", &self.schema)
            .field("recorded_at", &self.recorded_at)
            .field("occurred_at", &self.occurred_at)
            .field("by", &self.by())
            .field("command", &self.command)
            .field("labels", &self.labels().collect::<Vec<_>>())
            .field("body", &String::from_utf8_lossy(self.body()))
            .finish_non_exhaustive()
    }
}

/// The variable part of a record, taken field by field.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], RecordFault> {
        let end = self.at + len;
        let taken = self.bytes.get(self.at..end).ok_or(RecordFault::Shape)?;
        self.at = end;
        Ok(taken)
    }

    fn text(&mut self, len: usize) -> Result<&'a str, RecordFault> {
        std::str::from_utf8(self.take(len)?).map_err(|_| RecordFault::Shape)
    }

    fn pass_short(&mut self) -> Result<(), RecordFault> {
        let len = self.take(1)?[0];
        self.take(len.into()).map(drop)
    }

    fn pass_long(&mut self) -> Result<(), RecordFault> {
        let len = u16::from_le_bytes(array(self.take(2)?));
        self.take(len.into()).map(drop)
    }

    fn short(&mut self) -> Result<&'a str, RecordFault> {
        let len = self.take(1)?[0];
        self.text(len.into())
    }

    fn long(&mut self) -> Result<&'a str, RecordFault> {
        let len = u16::from_le_bytes(array(self.take(2)?));
        self.text(len.into())
    }

    fn by(&mut self) -> Result<By<&'a str>, RecordFault> {
        Ok(By {
            id: self.long()?,
            role: self.long()?,
            organisation: self.long()?,
            window: self.long()?,
            acting_for: self.long()?,
            channel: self.long()?,
        })
    }
}

/// Copies a slice whose length the caller has just made certain.
pub(crate) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}
