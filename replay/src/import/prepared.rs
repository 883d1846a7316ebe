//! Cases as they will be appended: named, encoded, and kept aside until the file is known to be whole.
//!
//! A file is read once. What it says is encoded on another thread while it is read on, and waits in a file without a
//! name; so a broken file leaves nothing in the log, and appending has nothing left to compute.

use super::{Derived, Rejected, to_json};
use crate::format::{self, Entry, ForeignCase, FormatError, Progress};
use bytes::Bytes;
use domain::event::case::{LegacyActivityRecorded, LegacyCaseOpened};
use domain::event::{CaseEvent, Event};
use domain::ids::{CaseId, EventId, SourceName};
use domain::zone::Instant;
use eventstore::{EVENTS_PER_FRAME_MAX, Micros};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::mpsc;
use ulid::Ulid;

/// Portions on their way from the reader to whoever encodes them, and back.
const PORTIONS_AHEAD_MAX: usize = 8;
const BUFFER_BYTES: usize = 256 * 1024;
/// Before each part that is kept aside: what it is, and its length.
const PART_HEADER_BYTES: u64 = 5;

/// A case, ready to be appended.
#[derive(Serialize, Deserialize)]
pub(super) struct Prepared {
    pub(super) case: Ulid,
    /// Its id where it comes from, for messages.
    pub(super) external_id: String,
    /// Which of the traces with its id it is.
    pub(super) trace: u32,
    /// What opens it, then what happened.
    pub(super) events: Vec<PreparedEvent>,
}

/// An event, named and encoded.
#[derive(Serialize, Deserialize)]
pub(super) struct PreparedEvent {
    pub(super) id: Ulid,
    /// When it happened, as given.
    pub(super) at: Micros,
    pub(super) opens: bool,
    /// The version of the body.
    pub(super) schema: u16,
    /// JSON.
    pub(super) body: Bytes,
}

/// Something read.
pub(super) enum Part {
    /// The cases of one frame; or one case, too long for a frame or seen before.
    Cases(Encoded),
    LeftOut(Rejected),
}

/// Cases as they are kept aside. Whoever appends them decodes them, on its own thread.
pub(super) struct Encoded {
    /// Whether one of them has a trace before this one.
    pub(super) seen_before: bool,
    bytes: Vec<u8>,
}

impl Encoded {
    pub(super) fn cases(&self) -> io::Result<Vec<Prepared>> {
        rmp_serde::from_slice(&self.bytes).map_err(io::Error::other)
    }
}

// What a part that is kept aside is, in its first byte.
const CASES: u8 = 0;
const CASES_SEEN_BEFORE: u8 = 1;
const LEFT_OUT: u8 = 2;

/// Why a file could not be prepared.
pub(super) enum PrepareError {
    Format(FormatError),
    Aside(io::Error),
}

impl From<FormatError> for PrepareError {
    fn from(why: FormatError) -> Self {
        Self::Format(why)
    }
}

/// Everything that a file says, in order, kept aside.
#[derive(Debug)]
pub(super) struct Kept {
    file: BufReader<File>,
    read: u64,
    bytes: u64,
}

impl Kept {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Returns the next part; nothing after the last.
    pub(super) fn next_part(&mut self) -> io::Result<Option<Part>> {
        if self.read == self.bytes {
            return Ok(None);
        }
        let (mut kind, mut length) = ([0; 1], [0; 4]);
        self.file.read_exact(&mut kind)?;
        self.file.read_exact(&mut length)?;
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        self.file.read_exact(&mut bytes)?;
        self.read += PART_HEADER_BYTES + bytes.len() as u64;
        Ok(Some(match kind[0] {
            LEFT_OUT => Part::LeftOut(rmp_serde::from_slice(&bytes).map_err(io::Error::other)?),
            kind => Part::Cases(Encoded { seen_before: kind == CASES_SEEN_BEFORE, bytes }),
        }))
    }
}

/// Reads a file through and keeps what it says aside, telling `progress` now and then how far it is.
pub(super) fn prepare(
    file: &Path,
    source: &SourceName,
    mut progress: impl FnMut(&Progress),
) -> Result<Kept, PrepareError> {
    let log = format::open(file)?;
    let position = log.progress();
    let (out, portions) = mpsc::sync_channel(PORTIONS_AHEAD_MAX);
    let (give_back, spent) = mpsc::channel();
    let of = source.clone();
    let keeping = std::thread::spawn(move || keep(&of, &portions, &give_back));
    let read = read_portions(log, source, |portion| {
        progress(&position);
        // Millions of texts, freed here where they were made: freed over there, each would wait for this thread's heap.
        spent.try_iter().for_each(drop::<Vec<ReadCase>>);
        // Nobody takes any more if it could not be kept; that is told below.
        out.send(portion).is_ok()
    });
    drop(out);
    let kept = keeping.join().unwrap_or_else(|why| std::panic::resume_unwind(why));
    read?;
    kept.map_err(PrepareError::Aside)
}

/// A case as read, and which of the traces with its id it is.
struct ReadCase {
    case: ForeignCase,
    trace: u32,
}

enum Portion {
    Cases(Vec<ReadCase>),
    LeftOut(Rejected),
}

fn read_portions(
    log: format::ForeignLog,
    source: &SourceName,
    mut send: impl FnMut(Portion) -> bool,
) -> Result<(), FormatError> {
    let mut frame: Vec<ReadCase> = Vec::new();
    let mut frame_events = 0;
    // A few dozen bytes a case: a log may name a case in several traces, and only then must they be told apart.
    let mut traces: HashMap<u128, u32> = HashMap::new();
    for entry in log {
        let case = match entry? {
            Entry::Case(case) => case,
            Entry::LeftOut(left_out) => {
                let rejected = Rejected { place: left_out.place.to_string(), reason: left_out.reason.to_string() };
                if !send(Portion::LeftOut(rejected)) {
                    return Ok(());
                }
                continue;
            }
        };
        let seen = traces.entry(Derived::case(source, &case.id).0.into()).or_default();
        let trace = *seen;
        *seen += 1;
        // The event that opens the case stands before its own.
        let events = case.events.len() + 1;
        let alone = trace > 0 || events > EVENTS_PER_FRAME_MAX;
        if !frame.is_empty() && (alone || frame_events + events > EVENTS_PER_FRAME_MAX) {
            frame_events = 0;
            if !send(Portion::Cases(std::mem::take(&mut frame))) {
                return Ok(());
            }
        }
        frame.push(ReadCase { case, trace });
        frame_events += events;
        if alone {
            frame_events = 0;
            if !send(Portion::Cases(std::mem::take(&mut frame))) {
                return Ok(());
            }
        }
    }
    if !frame.is_empty() {
        send(Portion::Cases(frame));
    }
    Ok(())
}

fn keep(
    source: &SourceName,
    portions: &mpsc::Receiver<Portion>,
    give_back: &mpsc::Sender<Vec<ReadCase>>,
) -> io::Result<Kept> {
    let mut aside = BufWriter::with_capacity(BUFFER_BYTES, tempfile::tempfile()?);
    let (mut bytes, mut part) = (0, Vec::new());
    for portion in portions {
        part.clear();
        let kind = match portion {
            Portion::LeftOut(rejected) => {
                rmp_serde::encode::write(&mut part, &rejected).map_err(io::Error::other)?;
                LEFT_OUT
            }
            Portion::Cases(cases) => {
                let prepared: Vec<Prepared> =
                    cases.iter().map(|case| prepared_case(source, case)).collect::<io::Result<_>>()?;
                rmp_serde::encode::write(&mut part, &prepared).map_err(io::Error::other)?;
                // Nobody takes them back once all is read.
                let _ = give_back.send(cases);
                if prepared.iter().any(|case| case.trace > 0) { CASES_SEEN_BEFORE } else { CASES }
            }
        };
        let length = u32::try_from(part.len()).map_err(io::Error::other)?;
        aside.write_all(&[kind])?;
        aside.write_all(&length.to_le_bytes())?;
        aside.write_all(&part)?;
        bytes += PART_HEADER_BYTES + u64::from(length);
    }
    let mut file = aside.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(Kept { file: BufReader::with_capacity(BUFFER_BYTES, file), read: 0, bytes })
}

/// Returns everything a case says, its opening first.
fn prepared_case(source: &SourceName, read: &ReadCase) -> io::Result<Prepared> {
    let ReadCase { case: foreign, trace } = read;
    let case = Derived::case(source, &foreign.id);
    let mut events = Vec::with_capacity(foreign.events.len() + 1);
    let opened = LegacyCaseOpened {
        source: source.clone(),
        external_id: foreign.id.clone(),
        attributes: to_json(&foreign.attributes),
    };
    let first = foreign.events.first().map_or(Micros::MAX, |event| event.occurred_at);
    events.push(prepared_event(Derived::opening(case), first, true, opened.into())?);

    let mut seen: BTreeMap<EventId, u32> = BTreeMap::new();
    for event in &foreign.events {
        let id = named(case, *trace, event, &mut seen);
        let at = event.occurred_at;
        let recorded = LegacyActivityRecorded {
            source: source.clone(),
            activity: event.activity.clone(),
            // Every date that a reader accepts lies within the years 0 to 9999.
            at: Instant::from_timestamp_micros(at).unwrap_or_default(),
            lifecycle: event.lifecycle.clone(),
            resource: event.resource.clone(),
            group: event.group.clone(),
            role: event.role.clone(),
            attributes: to_json(&event.attributes),
        };
        events.push(prepared_event(id, at, false, recorded.into())?);
    }
    Ok(Prepared { case: case.0, external_id: foreign.id.clone(), trace: *trace, events })
}

fn named(case: CaseId, trace: u32, event: &format::ForeignEvent, seen: &mut BTreeMap<EventId, u32>) -> EventId {
    let first_of_its_kind = Derived::event(case, trace, event, 0);
    let twins = seen.entry(first_of_its_kind).or_default();
    let id = if *twins == 0 { first_of_its_kind } else { Derived::event(case, trace, event, *twins) };
    *twins += 1;
    id
}

fn prepared_event(id: EventId, at: Micros, opens: bool, event: CaseEvent) -> io::Result<PreparedEvent> {
    let event = Event::Case(event);
    let schema = event.schema().version;
    let body = event.encode().map_err(io::Error::other)?;
    Ok(PreparedEvent { id: id.0, at, opens, schema, body: body.into() })
}
