//! A log of our own, kept whole as lines, made again: the same events at the same positions, in frames as they were.

use super::{ImportError, ImportProgress, Imported, stood_before};
use crate::format::{self, FormatError};
use crate::journal::{Append, Journal, NewFact};
use domain::actor::Actor;
use domain::event::Event;
use domain::fact::Subject;
use domain::ids::{CommandId, EventId};
use domain::zone::Instant;
use eventstore::{AppendError, CommandDigest, EVENTS_PER_FRAME_MAX, Expected, Position, StreamVersion};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::sync::mpsc;
use ulid::Ulid;

/// Frames read ahead of the one that is appended.
const FRAMES_AHEAD_MAX: usize = 64;

/// A line as `export --whole` writes it.
#[derive(Deserialize)]
struct Line {
    id: Ulid,
    r#type: String,
    time: Instant,
    dataschema: String,
    sequence: String,
    partitionkey: String,
    recordedtime: Instant,
    streamversion: String,
    command: Ulid,
    correlation: Ulid,
    causation: Option<Ulid>,
    actor: String,
    actorrole: String,
    organisation: String,
    #[serde(default)]
    window: String,
    #[serde(default)]
    actingfor: String,
    channel: String,
    labels: String,
    commanddigest: String,
    data: serde_json::Value,
}

/// Tells whether a file is a log of our own, kept whole.
#[must_use]
pub fn is_whole(file: &Path) -> bool {
    let first = format::plain_lines(file).and_then(|(mut lines, _)| lines.next_line());
    first.is_ok_and(|line| line.is_some_and(|line| serde_json::from_slice::<Line>(&line).is_ok()))
}

/// Makes the log again that a file keeps whole. What is there already is not added a second time.
///
/// The file is read in a stream; what was made before it turned out to be broken stays, and importing it again once it
/// is whole adds the rest.
///
/// # Errors
/// The file is broken, or the log holds another history.
pub async fn take_in_whole(
    journal: &Journal,
    file: &Path,
    mut progress: impl FnMut(ImportProgress) + Send,
) -> Result<Imported, ImportError> {
    let head = journal.history().head().await?.position;
    let another = |position| ImportError::AnotherHistory { from: file.display().to_string(), position };
    let (out, mut frames) = mpsc::channel(FRAMES_AHEAD_MAX);
    let path = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || read(&path, &out));
    let mut imported = Imported::default();
    while let Some((bytes, bytes_total, frame)) = frames.recv().await {
        let (append, first): (Append, Position) = frame;
        let events = append.writes.iter().map(|(_, _, facts)| facts.len() as u64).sum::<u64>();
        let opens = append
            .writes
            .iter()
            .filter(|(subject, expected, _)| matches!(subject, Subject::Case(_)) && *expected == Expected::Empty);
        let cases = opens.count() as u64;
        let appended = journal.append(append).await.map_err(|why| match why {
            AppendError::Conflict { .. } => another(first),
            why => why.into(),
        })?;
        if appended.first != first {
            return Err(another(first));
        }
        if stood_before(&appended, head) {
            imported.already_there.cases += cases;
            imported.already_there.events += events;
        } else {
            imported.cases += cases;
            imported.events += events;
        }
        let events = imported.events + imported.already_there.events;
        progress(ImportProgress { bytes, bytes_total, events });
    }
    reading.await?.map_err(|source| ImportError::Broken { file: file.to_owned(), source })?;
    Ok(imported)
}

type Frame = (Append, Position);
type Out = mpsc::Sender<(u64, u64, Frame)>;

/// Reads frames: the lines of one command follow one another. Ends early if nobody listens any more.
fn read(file: &Path, out: &Out) -> Result<(), FormatError> {
    let (mut lines, progress) = format::plain_lines(file)?;
    let send = |frame| out.blocking_send((progress.read(), progress.total(), frame)).is_ok();
    let mut frame: Vec<Line> = Vec::new();
    while let Some(line) = lines.next_line()? {
        let line: Line =
            serde_json::from_slice(&line).map_err(|why| lines.broken(format!("not a line of ours: {why}")))?;
        if frame.first().is_some_and(|first| first.command != line.command) {
            let whole = frame_of(std::mem::take(&mut frame)).map_err(|detail| lines.broken(detail))?;
            if !send(whole) {
                return Ok(());
            }
        }
        frame.push(line);
        if EVENTS_PER_FRAME_MAX < frame.len() {
            return Err(lines.broken(format!("more than {EVENTS_PER_FRAME_MAX} events of one command")));
        }
    }
    if !frame.is_empty() {
        send(frame_of(frame).map_err(|detail| lines.broken(detail))?);
    }
    Ok(())
}

fn frame_of(lines: Vec<Line>) -> Result<Frame, String> {
    let first = lines.first().ok_or("a frame without lines")?;
    let position = Position(number(&first.sequence)?);
    let (command, correlation, causation) = (first.command, first.correlation, first.causation);
    let (now, by, digest) = (first.recordedtime, actor(first)?, digest(&first.commanddigest)?);
    let mut writes: Vec<(Subject, Expected, Vec<NewFact>)> = Vec::new();
    let mut places: BTreeMap<Subject, usize> = BTreeMap::new();
    for line in lines {
        let at = |why: &dyn std::fmt::Display| format!("the event at position {}: {why}", line.sequence);
        let subject = line.partitionkey.parse::<Subject>().map_err(|why| at(&why))?;
        let schema = line.dataschema.rsplit(':').next().unwrap_or_default();
        let schema = schema.parse::<u16>().map_err(|_| at(&"its schema has no version"))?;
        let body = serde_json::to_vec(&line.data).map_err(|why| at(&why))?;
        let event = Event::decode(&line.r#type, schema, &body).map_err(|why| at(&why))?;
        let place = match places.get(&subject) {
            Some(place) => *place,
            None => {
                let before = number(&line.streamversion)?.saturating_sub(1);
                writes.push((subject.clone(), Expected::at(StreamVersion(before)), Vec::new()));
                places.insert(subject, writes.len() - 1);
                writes.len() - 1
            }
        };
        let labels = line.labels.split(' ').filter(|label| !label.is_empty()).map(str::to_owned).collect();
        writes[place].2.push(NewFact { id: EventId(line.id), occurred_at: line.time, labels, event });
    }
    let causation = causation.map(EventId);
    let append =
        Append { command: CommandId(command), digest, now, by, correlation, causation, guards: Vec::new(), writes };
    Ok((append, position))
}

fn actor(line: &Line) -> Result<Actor, String> {
    let by = eventstore::By {
        id: line.actor.as_str(),
        role: line.actorrole.as_str(),
        organisation: line.organisation.as_str(),
        window: line.window.as_str(),
        acting_for: line.actingfor.as_str(),
        channel: line.channel.as_str(),
    };
    crate::codec::actor(&by).map_err(|why| format!("the event at position {}: {why}", line.sequence))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{:?} is no number", text.chars().take(32).collect::<String>()))
}

fn digest(hex: &str) -> Result<CommandDigest, String> {
    let mut bytes = [0; 16];
    let is_hex = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return Err("the digest of a command has 32 hexadecimal digits".to_owned());
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).unwrap_or_default();
    }
    Ok(CommandDigest(bytes))
}
