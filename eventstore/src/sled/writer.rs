//! The one commit thread: it drains what waits, checks it, assigns positions, writes, and answers.
//!
//! One writer means that positions are given in commit order, so no reader can ever miss an event that appears behind
//! its back. One `fdatasync` for all that waited is what makes it quick.

use super::Shared;
use super::index::Offsets;
use super::journal::{EncodedFrame, LENGTH_BYTES};
use super::keeper::Job;
use super::tag::Tag;
use super::volume::{Group, Index, Volume, WriteFault};
use crate::verdict::{self, Claim};
use crate::{
    AppendError, Appended, CommandDigest, CommandId, Frame, Head, Micros, Position, StreamName, StreamVersion,
};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// The most frames that one `fdatasync` makes durable.
const GROUP_FRAMES_MAX: usize = 1024;
/// A group ends with the frame that brings it to this many bytes.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A volume ends with the group that brings its journal to this many bytes, so that offsets fit in 32 bits.
const JOURNAL_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// How many full volumes may wait for sealing before writers wait too: each of them is held in memory.
const UNSEALED_VOLUMES_MAX: usize = 2;

/// A frame on its way to the commit thread, with all that could be prepared without knowing its place.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) command: CommandId,
    pub(crate) digest: CommandDigest,
    pub(crate) claim: Claim,
    /// How many of the claim's expectations are guards; the rest are writes.
    guards: usize,
    /// How many events each write brings.
    counts: Vec<u32>,
    /// The tag of each expectation, and the version that its stream had reached in the sealed volumes.
    streams: Vec<(Tag, u64)>,
    /// How many volumes were sealed when that was looked up.
    sealed: usize,
    encoded: EncodedFrame,
}

impl Prepared {
    /// Encodes the frame and looks its streams up in the sealed volumes.
    pub(crate) fn new(frame: &Frame, claim: Claim, sealed: usize, version_of: impl Fn(Tag) -> u64) -> Self {
        let tags = claim.expectations.iter().map(|(stream, _)| Tag::of(stream));
        Self {
            command: frame.command,
            digest: frame.digest,
            guards: frame.guards.len(),
            counts: frame.writes.iter().map(|write| write.events.len() as u32).collect(),
            streams: tags.map(|tag| (tag, version_of(tag))).collect(),
            sealed,
            encoded: EncodedFrame::of(frame),
            claim,
        }
    }
}

/// A prepared frame and whoever waits for its verdict.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) frame: Prepared,
    pub(crate) reply: oneshot::Sender<Result<Appended, AppendError>>,
}

/// What the commit thread told a writer, once the group is durable.
enum Verdict {
    Said(Result<Appended, AppendError>),
    /// The command wrote something before, perhaps in this very group: answer as then, after reading it back.
    Repeats(Arc<Volume>, super::index::Place, CommandId),
}

/// The commit thread's own view of the log.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    /// Including what is accepted but not durable yet.
    head: Head,
    durable: Position,
    active: Arc<Volume>,
    /// Full volumes whose index is not yet published, oldest first.
    unsealed: VecDeque<Arc<Volume>>,
    /// How many volumes were published when the current group began.
    sealed: usize,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, head: Head, active: Arc<Volume>) -> Self {
        let sealed = shared.sealed().len();
        Self { shared, head, durable: head.position, active, unsealed: VecDeque::new(), sealed }
    }

    /// Serves the queue until all its senders are gone.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        let mut waiting = VecDeque::new();
        while let Some(first) = queue.blocking_recv() {
            let mut bytes = first.frame.encoded.bytes().len();
            waiting.push_back(first);
            while waiting.len() < GROUP_FRAMES_MAX && bytes < GROUP_BYTES_MAX {
                let Ok(next) = queue.try_recv() else { break };
                bytes += next.frame.encoded.bytes().len();
                waiting.push_back(next);
            }
            while !waiting.is_empty() {
                self.commit(&mut waiting);
            }
        }
    }

    /// Commits as much of what waits as goes into the active volume.
    fn commit(&mut self, waiting: &mut VecDeque<Waiting>) {
        let began = Instant::now();
        self.forget_sealed();
        if let Some(why) = self.shared.stopped() {
            return refuse(waiting, &why);
        }
        if let Err(error) = self.make_room(waiting) {
            let why = error.to_string();
            return refuse(waiting, &why);
        }
        let before = self.head;
        let bytes = waiting.iter().map(|next| next.frame.encoded.bytes().len()).sum();
        let mut group = Group { bytes: Vec::with_capacity(bytes), records: Vec::with_capacity(waiting.len()) };
        let mut verdicts = Vec::with_capacity(waiting.len());
        let mut frames = Vec::with_capacity(waiting.len());
        let index_digest = self.index_digest();
        while let Some(next) = waiting.front() {
            if self.is_full_for(next) && !verdicts.is_empty() {
                break;
            }
            let Some(Waiting { mut frame, reply }) = waiting.pop_front() else { break };
            verdicts.push((self.judge(&mut frame, &mut group), reply));
            frames.push(frame);
        }
        let fsync = match self.write(&group) {
            Ok(fsync) => fsync,
            Err(WriteFault::NotWritten(error)) => {
                self.take_back(before, &frames, &verdicts, index_digest);
                return answer_all(verdicts, || not_written(io::Error::new(error.kind(), error.to_string())));
            }
            Err(WriteFault::Unknown(error)) => {
                self.shared.stop(format!("a write of the journal failed: {error}"));
                return answer_all(verdicts, || AppendError::Unknown {
                    source: Box::new(io::Error::new(error.kind(), error.to_string())),
                });
            }
        };
        let events = group.records.len();
        if 0 < events {
            self.apply(group);
            self.durable = self.head.position;
            self.shared.publish(self.head);
        }
        let committed = verdicts.len();
        for (verdict, reply) in verdicts {
            // A writer that no longer waits can still ask for the answer by its command id.
            let _ = reply.send(self.said(verdict));
        }
        if 0 < events {
            self.shared.observe(committed, events, fsync, began.elapsed());
        }
    }

    fn write(&self, group: &Group) -> Result<std::time::Duration, WriteFault> {
        let began = Instant::now();
        if !group.records.is_empty() {
            self.active.write(&group.bytes)?;
        }
        Ok(began.elapsed())
    }

    fn apply(&self, group: Group) {
        if self.active.apply(group).is_err() {
            // The journal has it; the database is made again from there.
            self.shared.suspect(&self.active, super::Part::Database);
        }
    }

    fn judge(&mut self, frame: &mut Prepared, group: &mut Group) -> Verdict {
        match self.known(frame) {
            Ok(Some((volume, place, digest))) if verdict::same_request(frame.digest, digest) => {
                return Verdict::Repeats(volume, place, frame.command);
            }
            Ok(Some(_)) => return Verdict::Said(Err(AppendError::CommandReused { command: frame.command })),
            Err(error) => return Verdict::Said(Err(AppendError::NotWritten { source: Box::new(error) })),
            Ok(None) => (),
        }
        let versions: Vec<u64> = frame.streams.iter().map(|(tag, known)| self.version(frame, *tag, *known)).collect();
        let mut nth = versions.iter();
        let judged = frame.claim.judge(self.head, |_| StreamVersion(nth.next().copied().unwrap_or_default()));
        match judged {
            Err(error) => Verdict::Said(Err(error)),
            Ok(_) if frame.claim.events == 0 => Verdict::Said(Ok(verdict::nothing_appended(self.head))),
            Ok(recorded_at) => Verdict::Said(Ok(self.accept(frame, &versions, recorded_at, group))),
        }
    }

    /// Finds an earlier frame of the same command in the volumes that the writer's task did not look through.
    fn known(
        &self,
        frame: &Prepared,
    ) -> Result<Option<(Arc<Volume>, super::index::Place, CommandDigest)>, crate::ReadError> {
        for volume in std::iter::once(&self.active).chain(&self.unsealed) {
            if let Index::Active(index) = &*volume.index()
                && let Some(found) = index.command(frame.command)
            {
                return Ok(Some((Arc::clone(volume), found.place, found.digest)));
            }
        }
        // Asked after looking at the unsealed volumes: one that was published meanwhile is found among the sealed.
        if frame.sealed == self.shared.sealed().len() {
            return Ok(None);
        }
        let found = self.shared.find_command(frame.command, frame.sealed)?;
        Ok(found.map(|(volume, place, answer)| (volume, place, answer.digest)))
    }

    fn version(&self, frame: &Prepared, tag: Tag, known: u64) -> u64 {
        for volume in std::iter::once(&self.active).chain(self.unsealed.iter().rev()) {
            if let Index::Active(index) = &*volume.index()
                && let Some(stream) = index.stream(tag)
            {
                return stream.version();
            }
        }
        if frame.sealed == self.shared.sealed().len() { known } else { self.shared.last_versions().get(tag) }
    }

    fn accept(&mut self, frame: &mut Prepared, versions: &[u64], at: Micros, group: &mut Group) -> Appended {
        let first = self.head.position.next();
        let offset = self.active.end() + group.bytes.len() as u64;
        let mut reached = Vec::with_capacity(frame.counts.len());
        let mut nth = 0;
        for (write, count) in frame.counts.iter().enumerate() {
            let before = versions[frame.guards + write];
            for version in before + 1..=before + u64::from(*count) {
                let position = Position(first.0 + nth as u64);
                frame.encoded.complete_record(nth, position, StreamVersion(version), at);
                nth += 1;
            }
            if 0 < *count {
                let stream: &StreamName = &frame.claim.expectations[frame.guards + write].0;
                reached.push((stream.clone(), StreamVersion(before + u64::from(*count))));
            }
        }
        frame.encoded.complete(first, self.durable);
        self.index(frame, versions, offset as u32);
        let frame_at = group.bytes.len();
        group.bytes.extend_from_slice(frame.encoded.bytes());
        let ranges = frame.encoded.ranges().map(|range| frame_at + range.start..frame_at + range.end);
        group.records.extend((first.0..).map(Position).zip(ranges));
        let last = Position(first.0 + nth as u64 - 1);
        self.head = Head { position: last, recorded_at: at };
        Appended { first, last, recorded_at: at, versions: reached }
    }

    fn index(&self, frame: &Prepared, versions: &[u64], offset: u32) {
        let mut index = self.active.index_mut();
        let Index::Active(index) = &mut *index else { return };
        index.add_command(frame.command, frame.digest, offset);
        let mut records = frame.encoded.ranges().zip(frame.encoded.checksums());
        for (write, count) in frame.counts.iter().enumerate() {
            let (tag, _) = frame.streams[frame.guards + write];
            for (range, checksum) in records.by_ref().take(*count as usize) {
                let at = Offsets { frame: offset, record: offset + range.start as u32 - LENGTH_BYTES };
                index.add_event(tag, || versions[frame.guards + write], at, checksum);
            }
        }
    }

    /// Takes a group that did not reach the journal back out of the index.
    fn take_back(&mut self, before: Head, frames: &[Prepared], verdicts: &[(Verdict, Reply)], digest: u32) {
        self.head = before;
        let mut index = self.active.index_mut();
        let Index::Active(index) = &mut *index else { return };
        for (frame, (verdict, _)) in frames.iter().zip(verdicts).rev() {
            if let Verdict::Said(Ok(appended)) = verdict
                && appended.first <= appended.last
            {
                let tags = frame.streams.iter().skip(frame.guards).map(|(tag, _)| *tag);
                let written: Vec<_> = tags.zip(frame.counts.iter().copied()).filter(|(_, count)| 0 < *count).collect();
                index.take_back(frame.command, &written, digest);
            }
        }
    }

    fn said(&self, verdict: Verdict) -> Result<Appended, AppendError> {
        match verdict {
            Verdict::Said(said) => said,
            Verdict::Repeats(volume, place, command) => self.shared.answer_at(&volume, place, command).map_or_else(
                |error| Err(AppendError::Unknown { source: Box::new(error) }),
                |answer| Ok(answer.appended),
            ),
        }
    }

    fn index_digest(&self) -> u32 {
        match &*self.active.index() {
            Index::Active(index) => index.digest(),
            Index::Sealed(_) => 0,
        }
    }

    fn is_full_for(&self, next: &Waiting) -> bool {
        let events = self.active.events();
        let over = self.shared.options().volume_events < events.saturating_add(next.frame.claim.events as u32);
        0 < events && 0 < next.frame.claim.events && (over || JOURNAL_BYTES_MAX <= self.active.end())
    }

    /// Begins the next volume if the first of what waits does not go into this one.
    fn make_room(&mut self, waiting: &VecDeque<Waiting>) -> io::Result<()> {
        if !waiting.front().is_some_and(|next| self.is_full_for(next)) {
            return Ok(());
        }
        if UNSEALED_VOLUMES_MAX <= self.unsealed.len() {
            self.shared.wait_for_sealing(self.sealed)?;
            self.forget_sealed();
        }
        let next = Arc::new(self.shared.create_volume(self.head.position.next())?);
        self.shared.add_volume(Arc::clone(&next));
        let full = std::mem::replace(&mut self.active, Arc::clone(&next));
        self.unsealed.push_back(Arc::clone(&full));
        self.shared.keep(Job::MakeDatabase(next));
        self.shared.keep(Job::Seal(full));
        Ok(())
    }

    fn forget_sealed(&mut self) {
        let sealed = self.shared.sealed().len();
        for _ in self.sealed..sealed {
            self.unsealed.pop_front();
        }
        self.sealed = sealed;
    }
}

type Reply = oneshot::Sender<Result<Appended, AppendError>>;

fn refuse(waiting: &mut VecDeque<Waiting>, why: &str) {
    for Waiting { reply, .. } in waiting.drain(..) {
        let _ = reply.send(Err(not_written(io::Error::other(why.to_owned()))));
    }
}

fn answer_all(verdicts: Vec<(Verdict, Reply)>, error: impl Fn() -> AppendError) {
    for (_, reply) in verdicts {
        let _ = reply.send(Err(error()));
    }
}

fn not_written(error: io::Error) -> AppendError {
    AppendError::NotWritten { source: Box::new(error) }
}
