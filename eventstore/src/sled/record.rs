//! One event as bytes: the record that stands, byte for byte the same, in the journal and in the database.
//!
//! `docs/event-log.md` describes it field by field. What only the commit thread knows stands first, at fixed places,
//! so that a writer's own task can encode the rest and the commit thread fills it in.

use crate::{
    By, CommandDigest, CommandId, EventId, Frame, Micros, NewEvent, Position, RecordedEvent, StreamName, StreamVersion,
    Write,
};
use bytes::Bytes;
use std::ops::Range;

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

    /// Decodes everything; `body` is asked for the bytes at a range of the record.
    pub(crate) fn decode(self, body: impl FnOnce(Range<usize>) -> Bytes) -> Result<RecordedEvent, RecordFault> {
        let mut fields = Fields { bytes: self.0, at: STREAM };
        let stream = StreamName::try_from(fields.short()?).map_err(|_| RecordFault::Shape)?;
        let kind = fields.short()?.to_owned();
        let by = By {
            id: fields.long()?.to_owned(),
            role: fields.long()?.to_owned(),
            organisation: fields.long()?.to_owned(),
            window: fields.long()?.to_owned(),
            acting_for: fields.long()?.to_owned(),
            channel: fields.long()?.to_owned(),
        };
        let labels_len = fields.take(1)?[0];
        let labels = (0..labels_len).map(|_| Ok(fields.long()?.to_owned())).collect::<Result<_, RecordFault>>()?;
        let body_bytes = u32::from_le_bytes(array(fields.take(4)?)) as usize;
        let body_at = fields.at;
        fields.take(body_bytes)?;
        if fields.at + CRC_BYTES != self.0.len() {
            return Err(RecordFault::Shape);
        }
        let caused = self.0[FLAGS] & CAUSED != 0;
        Ok(RecordedEvent {
            position: self.position(),
            stream,
            version: self.version(),
            id: EventId(u128::from_le_bytes(self.fixed(EVENT_ID))),
            kind,
            schema: u16::from_le_bytes(self.fixed(SCHEMA)),
            recorded_at: self.recorded_at(),
            occurred_at: Micros::from_le_bytes(self.fixed(OCCURRED_AT)),
            by,
            command: self.command(),
            digest: self.digest(),
            correlation: u128::from_le_bytes(self.fixed(CORRELATION)),
            causation: caused.then(|| EventId(u128::from_le_bytes(self.fixed(CAUSATION)))),
            labels,
            body: body(body_at..body_at + body_bytes),
        })
    }

    fn fixed<const N: usize>(self, at: usize) -> [u8; N] {
        array(&self.0[at..at + N])
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

    fn short(&mut self) -> Result<&'a str, RecordFault> {
        let len = self.take(1)?[0];
        self.text(len.into())
    }

    fn long(&mut self) -> Result<&'a str, RecordFault> {
        let len = u16::from_le_bytes(array(self.take(2)?));
        self.text(len.into())
    }
}

/// Copies a slice whose length the caller has just made certain.
pub(crate) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}
