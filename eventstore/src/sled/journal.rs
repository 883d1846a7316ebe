//! The journal of a volume: frames one after another, each whole or not there.
//!
//! ```text
//! header 32 │ frame │ frame │ … │ footer 64, once the volume is sealed
//! frame:   magic 4 │ CRC-32C 4 │ bytes after this header 4 │ events 4 │ first position 8 │ durable through 8
//!          then per event: bytes 4 │ record
//! ```
//! "Durable through" is the last position known to be on disk when the frame was written. It tells a torn tail, which
//! nobody was ever promised, from damage to something acknowledged.

use crate::record::{self, RecordFault, RecordView, array};
use crate::{Frame, Micros, Position, StreamVersion};
use bytes::Bytes;
use smallvec::SmallVec;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where the first frame of a journal stands.
pub(crate) const FRAMES_AT: u64 = 32;
const FILE_MAGIC: [u8; 8] = *b"YCVOLUME";
const FILE_FORMAT: u32 = 1;
const FRAME_MAGIC: [u8; 4] = *b"YCfr";
const FRAME_HEADER: usize = 32;
/// The size of the length that stands before each record.
pub(crate) const LENGTH_BYTES: u32 = 4;
const FOOTER_MAGIC: [u8; 4] = *b"YCed";
/// The size of a footer, in bytes.
pub(crate) const FOOTER_BYTES: usize = 64;
/// Small enough for a processor's own cache: what was copied in is still near when it is checked and decoded.
const READ_BYTES: usize = 256 * 1024;

/// Why no frame stands at some place of a journal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameFault {
    #[error("the journal ends within a frame")]
    Short,
    #[error("the checksum of the frame does not match")]
    Checksum,
    #[error("no frame begins here")]
    Magic,
    #[error("the frame begins with position {found}, not {expected}")]
    Misplaced { expected: u64, found: u64 },
    #[error(transparent)]
    Record(#[from] RecordFault),
    #[error("the journal cannot be read")]
    Io(#[from] io::Error),
}

/// Returns the header of a journal whose first event stands at `first`.
pub(crate) fn file_header(first: u64) -> [u8; FRAMES_AT as usize] {
    let mut header = [0; FRAMES_AT as usize];
    header[..8].copy_from_slice(&FILE_MAGIC);
    header[8..12].copy_from_slice(&FILE_FORMAT.to_le_bytes());
    header[12..20].copy_from_slice(&first.to_le_bytes());
    let crc = crc32c::crc32c(&header[..28]);
    header[28..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Tells whether the file begins like the journal of the volume at `first`.
pub(crate) fn has_header(file: &File, first: u64) -> bool {
    let mut found = [0; FRAMES_AT as usize];
    file.read_exact_at(&mut found, 0).is_ok() && found == file_header(first)
}

/// Returns the format that a sound header names, if it is not the one known here.
pub(crate) fn foreign_format(file: &File) -> Option<u32> {
    let mut header = [0; FRAMES_AT as usize];
    file.read_exact_at(&mut header, 0).ok()?;
    let format = u32::from_le_bytes(array(&header[8..12]));
    let sound = header[..8] == FILE_MAGIC && crc32c::crc32c(&header[..28]).to_le_bytes() == header[28..];
    (sound && format != FILE_FORMAT).then_some(format)
}

/// A frame as the writer's task prepares it and the commit thread completes it.
#[derive(Debug)]
pub(crate) struct EncodedFrame {
    bytes: Vec<u8>,
    /// Where each record begins; it ends four bytes before the next begins.
    starts: Starts,
}

/// Nearly every frame brings one event, and needs nothing allocated for this.
type Starts = SmallVec<[u32; 2]>;

impl EncodedFrame {
    /// Encodes all that is known before the verdict.
    pub(crate) fn of(frame: &Frame) -> Self {
        let events = frame.writes.iter().map(|write| write.events.len()).sum();
        let bodies: usize = frame.writes.iter().flat_map(|write| &write.events).map(|event| event.body.len()).sum();
        let mut bytes = Vec::with_capacity(FRAME_HEADER + bodies + events * 384);
        let mut starts = Starts::with_capacity(events);
        bytes.extend_from_slice(&[0; FRAME_HEADER]);
        for write in &frame.writes {
            for event in &write.events {
                begin_record(&mut bytes, &mut starts);
                record::encode(frame, write, event, &mut bytes);
                end_record(&mut bytes, &starts);
            }
        }
        Self { bytes, starts }
    }

    /// Makes a frame of records that exist already, as when a journal is rebuilt.
    pub(crate) fn of_records<'a>(records: impl Iterator<Item = RecordView<'a>>) -> Self {
        let mut frame = Self { bytes: vec![0; FRAME_HEADER], starts: Starts::new() };
        for record in records {
            begin_record(&mut frame.bytes, &mut frame.starts);
            frame.bytes.extend_from_slice(record.bytes());
            end_record(&mut frame.bytes, &frame.starts);
        }
        frame
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges().map(|range| &self.bytes[range])
    }

    /// Returns where in the frame's bytes each record stands.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        (0..self.starts.len()).map(|nth| self.range(nth))
    }

    /// Returns the checksums of the completed records.
    pub(crate) fn checksums(&self) -> impl Iterator<Item = u32> {
        self.records().map(record::checksum)
    }

    pub(crate) fn complete_record(&mut self, nth: usize, position: Position, version: StreamVersion, at: Micros) {
        let range = self.range(nth);
        record::complete(&mut self.bytes[range], position, version, at);
    }

    /// Closes the frame once all its records are complete.
    pub(crate) fn complete(&mut self, first: Position, durable: Position) {
        let payload = (self.bytes.len() - FRAME_HEADER) as u32;
        let events = self.starts.len() as u32;
        let bytes = &mut self.bytes;
        bytes[..4].copy_from_slice(&FRAME_MAGIC);
        bytes[8..12].copy_from_slice(&payload.to_le_bytes());
        bytes[12..16].copy_from_slice(&events.to_le_bytes());
        bytes[16..24].copy_from_slice(&first.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&durable.0.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    }

    fn range(&self, nth: usize) -> std::ops::Range<usize> {
        let end = self.starts.get(nth + 1).map_or(self.bytes.len(), |next| *next as usize - 4);
        self.starts[nth] as usize..end
    }
}

fn begin_record(bytes: &mut Vec<u8>, starts: &mut Starts) {
    bytes.extend_from_slice(&[0; 4]);
    starts.push(bytes.len() as u32);
}

fn end_record(bytes: &mut [u8], starts: &[u32]) {
    if let Some(start) = starts.last().map(|start| *start as usize) {
        let len = (bytes.len() - start) as u32;
        bytes[start - 4..start].copy_from_slice(&len.to_le_bytes());
    }
}

/// A frame as it stands in a journal, its checksum verified.
#[derive(Debug, Clone)]
pub(crate) struct StoredFrame {
    /// Where in the file it begins.
    pub(crate) offset: u64,
    pub(crate) first: Position,
    pub(crate) events: u32,
    /// The last position known to be durable when it was written.
    pub(crate) durable: Position,
    bytes: Bytes,
}

impl StoredFrame {
    /// Takes the frame at the start of `bytes`, of which there may be more.
    pub(crate) fn parse(bytes: &Bytes, offset: u64) -> Result<Self, FrameFault> {
        let total = frame_bytes(bytes)?;
        if bytes.len() < total {
            return Err(FrameFault::Short);
        }
        let frame = bytes.slice(..total);
        if crc32c::crc32c(&frame[8..]).to_le_bytes() != frame[4..8] {
            return Err(FrameFault::Checksum);
        }
        let first = Position(u64::from_le_bytes(array(&frame[16..24])));
        let durable = Position(u64::from_le_bytes(array(&frame[24..32])));
        let events = u32::from_le_bytes(array(&frame[12..16]));
        Ok(Self { offset, first, events, durable, bytes: frame })
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(crate) fn last(&self) -> Position {
        Position(self.first.0 + u64::from(self.events) - 1)
    }

    /// Walks the records; they are covered by the frame's checksum.
    pub(crate) fn records(&self) -> impl Iterator<Item = Result<(RecordView<'_>, usize), RecordFault>> {
        let mut at = FRAME_HEADER;
        (0..self.events).map(move |_| {
            let length = self.bytes.get(at..at + 4).ok_or(RecordFault::Shape)?;
            let start = at + 4;
            at = start + u32::from_le_bytes(array(length)) as usize;
            let record = RecordView::trusted(self.bytes.get(start..at).ok_or(RecordFault::Shape)?)?;
            Ok((record, start))
        })
    }

    /// Returns the bytes of a record that stands at `start`, without copying them.
    pub(crate) fn record(&self, start: usize, record: RecordView<'_>) -> Bytes {
        self.bytes.slice(start..start + record.bytes().len())
    }
}

/// Returns how many bytes the frame takes that begins here, judging by its header alone.
fn frame_bytes(bytes: &[u8]) -> Result<usize, FrameFault> {
    if bytes.len() < FRAME_HEADER {
        return Err(FrameFault::Short);
    }
    let events = u32::from_le_bytes(array(&bytes[12..16])) as usize;
    if bytes[..4] != FRAME_MAGIC || events == 0 || crate::EVENTS_PER_FRAME_MAX < events {
        return Err(FrameFault::Magic);
    }
    Ok(FRAME_HEADER + u32::from_le_bytes(array(&bytes[8..12])) as usize)
}

/// Reads the one frame that begins at `offset`.
pub(crate) fn read_frame(file: &File, offset: u64) -> Result<StoredFrame, FrameFault> {
    const GUESS: usize = 2048;
    let mut bytes = vec![0; GUESS];
    let got = read_up_to(file, &mut bytes, offset)?;
    bytes.truncate(got);
    let total = frame_bytes(&bytes)?;
    if got < total {
        // A damaged length must not make us reserve gigabytes.
        if file.metadata()?.len() < offset + total as u64 {
            return Err(FrameFault::Short);
        }
        bytes.resize(total, 0);
        file.read_exact_at(&mut bytes[got..], offset + got as u64)?;
    }
    StoredFrame::parse(&bytes.into(), offset)
}

/// Reads the one record whose length stands at `offset`, which proves itself by its own checksum, and hands it over.
pub(crate) fn read_record<T>(
    file: &File,
    offset: u64,
    take: impl FnOnce(RecordView<'_>) -> Result<T, RecordFault>,
) -> Result<T, FrameFault> {
    // Nearly every record fits, and then nothing needs to be allocated for it.
    let mut guess = [0; 1024];
    let got = read_up_to(file, &mut guess, offset)?;
    let start = LENGTH_BYTES as usize;
    let length = guess.get(..start.min(got)).filter(|length| length.len() == start).ok_or(FrameFault::Short)?;
    let end = start + u32::from_le_bytes(array(length)) as usize;
    if RECORD_BYTES_MAX < end {
        return Err(RecordFault::Shape.into());
    }
    if end <= got {
        return Ok(take(RecordView::verified(&guess[start..end])?)?);
    }
    let mut bytes = vec![0; end];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(take(RecordView::verified(&bytes[start..])?)?)
}

/// More than any record within the limits takes.
const RECORD_BYTES_MAX: usize = 512 * 1024;

/// Reads the bytes from `start` to `end`.
pub(crate) fn read_range(file: &File, start: u64, end: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; (end - start) as usize];
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes.into())
}

fn read_up_to(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Walks the frames of a journal in order, a piece of the file at a time.
#[derive(Debug)]
pub(crate) struct FrameReader<'a> {
    file: &'a File,
    /// Where the next frame begins.
    pub(crate) offset: u64,
    end: u64,
    position: u64,
    piece: Bytes,
}

impl<'a> FrameReader<'a> {
    /// Starts at `offset`, where the frame of `position` begins, and stops before `end`.
    pub(crate) fn new(file: &'a File, offset: u64, end: u64, position: Position) -> Self {
        Self { file, offset, end, position: position.0, piece: Bytes::new() }
    }

    /// Returns the next frame; after a fault the reader stays where the fault is.
    pub(crate) fn next(&mut self) -> Option<Result<StoredFrame, FrameFault>> {
        if self.end <= self.offset {
            return None;
        }
        let frame = match self.advance() {
            Ok(frame) => frame,
            Err(fault) => return Some(Err(fault)),
        };
        if frame.first.0 != self.position {
            return Some(Err(FrameFault::Misplaced { expected: self.position, found: frame.first.0 }));
        }
        self.position += u64::from(frame.events);
        self.offset += frame.len();
        self.piece = self.piece.slice(frame.len() as usize..);
        Some(Ok(frame))
    }

    fn advance(&mut self) -> Result<StoredFrame, FrameFault> {
        let needed = match frame_bytes(&self.piece) {
            Ok(total) => total,
            Err(FrameFault::Short) => FRAME_HEADER,
            Err(fault) => return Err(fault),
        };
        if self.piece.len() < needed {
            self.refill(needed)?;
            let total = frame_bytes(&self.piece)?;
            if self.piece.len() < total {
                self.refill(total)?;
            }
        }
        StoredFrame::parse(&self.piece, self.offset)
    }

    fn refill(&mut self, needed: usize) -> Result<(), FrameFault> {
        let left = (self.end - self.offset) as usize;
        if left < needed {
            return Err(FrameFault::Short);
        }
        let mut piece = vec![0; needed.max(READ_BYTES).min(left)];
        self.file.read_exact_at(&mut piece, self.offset)?;
        self.piece = piece.into();
        Ok(())
    }
}

/// Finds every whole frame of a damaged journal, also those behind the damage.
pub(crate) fn salvage(file: &File) -> io::Result<Vec<StoredFrame>> {
    let end = file.metadata()?.len();
    let bytes = read_range(file, 0, end)?;
    let mut frames: Vec<StoredFrame> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match StoredFrame::parse(&bytes.slice(at..), at as u64) {
            Ok(frame) => {
                at += frame.len() as usize;
                frames.push(frame);
            }
            Err(_) => {
                let rest = &bytes[at + 1..];
                let next = rest.windows(FRAME_MAGIC.len()).position(|window| window == FRAME_MAGIC);
                at = next.map_or(bytes.len(), |next| at + 1 + next);
            }
        }
    }
    Ok(frames)
}

/// What closes the journal of a sealed volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Where the footer itself begins: the end of the last frame.
    pub(crate) offset: u64,
    /// The checksum of all records' checksums, in order.
    pub(crate) digest: u32,
}

impl Footer {
    pub(crate) fn to_bytes(self) -> [u8; FOOTER_BYTES] {
        let mut bytes = [0; FOOTER_BYTES];
        bytes[..4].copy_from_slice(&FOOTER_MAGIC);
        bytes[8..16].copy_from_slice(&(self.last + 1 - self.first).to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.last.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.offset.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.digest.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the footer at the end of the file, if it has one.
    pub(crate) fn read(file: &File) -> io::Result<Option<Self>> {
        let Some(at) = file.metadata()?.len().checked_sub(FOOTER_BYTES as u64) else { return Ok(None) };
        let mut bytes = [0; FOOTER_BYTES];
        file.read_exact_at(&mut bytes, at)?;
        let word = |from: usize| u64::from_le_bytes(array(&bytes[from..from + 8]));
        let digest = u32::from_le_bytes(array(&bytes[40..44]));
        let footer = Self { first: word(16), last: word(24), offset: word(32), digest };
        let fits = footer.first <= footer.last && footer.last < u64::MAX;
        Ok((fits && footer.offset == at && footer.to_bytes() == bytes).then_some(footer))
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
