//! The one commit thread: it drains what waits, checks it, assigns positions, writes, and answers.
//!
//! One writer means that positions are given in commit order, so no reader can ever miss an event that appears behind
//! its back. One `fdatasync` for all that waited is what makes it quick.

use super::index::{Offsets, Place};
use super::journal::{EncodedFrame, LENGTH_BYTES};
use super::keeper::Job;
use super::tag::Tag;
use super::volume::{Group, Index, Volume, WriteFault};
use super::{Shared, copier};
use crate::verdict::{self, Claim, Misfit};
use crate::{AppendError, Appended, CommandDigest, CommandId, Frame, Head, Micros, Position, StreamVersion};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, mpsc as std_mpsc};
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

/// How many groups may wait for the copier before the commit thread lends a hand: they are held in memory.
const UNCOPIED_GROUPS_MAX: usize = 16;

/// A frame on its way to the commit thread, with all that could be prepared without knowing its place.
///
/// The usual frame, with one event and a guard at most, holds nothing but its bytes on the heap.
#[derive(Debug)]
pub(crate) struct Prepared {
    command: CommandId,
    digest: CommandDigest,
    claim: Claim,
    /// How many of the claim's streams are guards; the rest are written.
    guards: usize,
    /// How many events each write brings.
    counts: SmallVec<[u32; 2]>,
    /// The tag of each stream, and the version that it had reached in the sealed volumes.
    streams: SmallVec<[(Tag, u64); 2]>,
    /// How many volumes were sealed when that was looked up.
    sealed: usize,
    encoded: EncodedFrame,
}

impl Prepared {
    /// Encodes the frame and looks its streams up in the sealed volumes.
    pub(crate) fn new(frame: &Frame, claim: Claim, sealed: usize, version_of: impl Fn(Tag) -> u64) -> Self {
        let tags = verdict::expectations(frame).map(|(stream, _)| Tag::of(stream));
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

    /// Returns the tag of each written stream and how many events it gets.
    fn written(&self) -> impl Iterator<Item = (Tag, u32)> {
        let tags = self.streams.iter().skip(self.guards).map(|(tag, _)| *tag);
        tags.zip(self.counts.iter().copied())
    }
}

/// A prepared frame and whoever waits for its verdict.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) frame: Prepared,
    pub(crate) reply: Reply,
}

type Reply = oneshot::Sender<Judged>;

/// A verdict, and the bytes it was about, which go back to the thread that allocated them: freed on the commit
/// thread, they would hold up everybody who allocates.
#[derive(Debug)]
pub(crate) struct Judged {
    verdict: Verdict,
    _bytes: EncodedFrame,
}

/// What the commit thread found, told once the group is durable.
#[derive(Debug)]
enum Verdict {
    Written {
        first: Position,
        recorded_at: Micros,
        /// The version of each stream before the frame, guards included.
        before: SmallVec<[u64; 2]>,
    },
    Misfit(Misfit),
    Said(Result<Appended, AppendError>),
    /// The command wrote something before, perhaps in this very group: answer as then, after reading it back.
    Repeats(Arc<Volume>, Place, CommandId),
}

impl Judged {
    /// Puts the answer together, on the task that waits for it.
    pub(crate) fn answer(self, frame: &Frame, shared: &Shared) -> Result<Appended, AppendError> {
        match self.verdict {
            Verdict::Written { first, recorded_at, before } => Ok(appended(frame, first, recorded_at, &before)),
            Verdict::Misfit(misfit) => Err(misfit.of(frame)),
            Verdict::Said(said) => said,
            Verdict::Repeats(volume, place, command) => shared.answer_at(&volume, place, command).map_or_else(
                |error| Err(AppendError::Unknown { source: Box::new(error) }),
                |answer| Ok(answer.appended),
            ),
        }
    }
}

fn appended(frame: &Frame, first: Position, recorded_at: Micros, before: &[u64]) -> Appended {
    let mut last = first.0 - 1;
    let mut versions = Vec::with_capacity(frame.writes.len());
    for (write, before) in frame.writes.iter().zip(before.iter().skip(frame.guards.len())) {
        let events = write.events.len() as u64;
        last += events;
        if 0 < events {
            versions.push((write.stream.clone(), StreamVersion(before + events)));
        }
    }
    Appended { first, last: Position(last), recorded_at, versions }
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
    /// Told of every volume that has something to be copied.
    copier: std_mpsc::Sender<Arc<Volume>>,
    /// The frames of the current group, kept from group to group for its memory.
    judged: Vec<(Prepared, Verdict, Reply)>,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        head: Head,
        active: Arc<Volume>,
        copier: std_mpsc::Sender<Arc<Volume>>,
    ) -> Self {
        let sealed = shared.sealed_count();
        let durable = head.position;
        Self { shared, head, durable, active, unsealed: VecDeque::new(), sealed, copier, judged: Vec::new() }
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
        let index_digest = self.index_digest();
        let mut group = self.active.spare_group();
        while let Some(next) = waiting.front() {
            if self.is_full_for(next) && !self.judged.is_empty() {
                break;
            }
            let Some(Waiting { mut frame, reply }) = waiting.pop_front() else { break };
            let verdict = self.judge(&mut frame, &mut group);
            self.judged.push((frame, verdict, reply));
        }
        let fsync = match self.write(&group) {
            Ok(fsync) => fsync,
            Err(WriteFault::NotWritten(error)) => {
                self.take_back(before, index_digest);
                return self.answer_all(|| not_written(io::Error::new(error.kind(), error.to_string())));
            }
            Err(WriteFault::Unknown(error)) => {
                self.shared.stop(format!("a write of the journal failed: {error}"));
                return self.answer_all(|| AppendError::Unknown {
                    source: Box::new(io::Error::new(error.kind(), error.to_string())),
                });
            }
        };
        let (frames, events) = (self.judged.len(), group.records.len());
        if 0 < events {
            self.durable = self.head.position;
            self.shared.publish(self.head);
        }
        for (frame, verdict, reply) in self.judged.drain(..) {
            // A writer that no longer waits can still ask for the answer by its command id.
            let _ = reply.send(Judged { verdict, _bytes: frame.encoded });
        }
        if 0 < events {
            self.copy(group);
            self.shared.observe(frames, events, fsync, began.elapsed());
        }
    }

    fn write(&self, group: &Group) -> Result<std::time::Duration, WriteFault> {
        let began = Instant::now();
        if !group.records.is_empty() {
            self.active.write(&group.bytes)?;
        }
        Ok(began.elapsed())
    }

    /// Has a durable group copied into the database.
    fn copy(&self, group: Group) {
        let waiting = self.active.leave(group);
        if UNCOPIED_GROUPS_MAX <= waiting {
            copier::catch_up(&self.shared, &self.active);
        } else if waiting == 1 {
            // The copier takes all there is, so only the first needs to be told of. A copier that is gone left
            // everything in the journal.
            let _ = self.copier.send(Arc::clone(&self.active));
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
        let before: SmallVec<[u64; 2]> =
            frame.streams.iter().map(|(tag, known)| self.version(frame, *tag, *known)).collect();
        let judged = frame.claim.judge(self.head, |nth| StreamVersion(before.get(nth).copied().unwrap_or_default()));
        match judged {
            Err(misfit) => Verdict::Misfit(misfit),
            Ok(_) if frame.claim.events == 0 => Verdict::Said(Ok(verdict::nothing_appended(self.head))),
            Ok(recorded_at) => {
                let first = self.accept(frame, &before, recorded_at, group);
                Verdict::Written { first, recorded_at, before }
            }
        }
    }

    /// Finds an earlier frame of the same command in the volumes that the writer's task did not look through.
    fn known(&self, frame: &Prepared) -> Result<Option<(Arc<Volume>, Place, CommandDigest)>, crate::ReadError> {
        for volume in std::iter::once(&self.active).chain(&self.unsealed) {
            if let Index::Active(index) = &*volume.index()
                && let Some(found) = index.command(frame.command)
            {
                return Ok(Some((Arc::clone(volume), found.place, found.digest)));
            }
        }
        // Asked after looking at the unsealed volumes: one that was published meanwhile is found among the sealed.
        if frame.sealed == self.shared.sealed_count() {
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
        if frame.sealed == self.shared.sealed_count() { known } else { self.shared.last_versions().get(tag) }
    }

    /// Completes the frame at its place, adds it to the group, and returns the position of its first event.
    fn accept(&mut self, frame: &mut Prepared, before: &[u64], at: Micros, group: &mut Group) -> Position {
        let first = self.head.position.next();
        let offset = self.active.end() + group.bytes.len() as u64;
        let mut nth = 0;
        for (before, count) in before.iter().skip(frame.guards).zip(&frame.counts) {
            for version in before + 1..=before + u64::from(*count) {
                let position = Position(first.0 + nth as u64);
                frame.encoded.complete_record(nth, position, StreamVersion(version), at);
                nth += 1;
            }
        }
        frame.encoded.complete(first, self.durable);
        self.index(frame, before, offset as u32);
        let frame_at = group.bytes.len();
        group.bytes.extend_from_slice(frame.encoded.bytes());
        let ranges = frame.encoded.ranges().map(|range| frame_at + range.start..frame_at + range.end);
        group.records.extend((first.0..).map(Position).zip(ranges));
        self.head = Head { position: Position(first.0 + nth as u64 - 1), recorded_at: at };
        first
    }

    fn index(&self, frame: &Prepared, before: &[u64], offset: u32) {
        let mut index = self.active.index_mut();
        let Index::Active(index) = &mut *index else { return };
        index.add_command(frame.command, frame.digest, offset);
        let mut records = frame.encoded.ranges().zip(frame.encoded.checksums());
        for (before, (tag, count)) in before.iter().skip(frame.guards).zip(frame.written()) {
            for (range, checksum) in records.by_ref().take(count as usize) {
                let at = Offsets { frame: offset, record: offset + range.start as u32 - LENGTH_BYTES };
                index.add_event(tag, || *before, at, checksum);
            }
        }
    }

    /// Takes a group that did not reach the journal back out of the index.
    fn take_back(&mut self, before: Head, digest: u32) {
        self.head = before;
        let mut index = self.active.index_mut();
        let Index::Active(index) = &mut *index else { return };
        for (frame, verdict, _) in self.judged.iter().rev() {
            if let Verdict::Written { .. } = verdict {
                let written: Vec<_> = frame.written().filter(|(_, count)| 0 < *count).collect();
                index.take_back(frame.command, &written, digest);
            }
        }
    }

    /// Answers a group that failed as a whole.
    fn answer_all(&mut self, error: impl Fn() -> AppendError) {
        for (frame, _, reply) in self.judged.drain(..) {
            let _ = reply.send(Judged { verdict: Verdict::Said(Err(error())), _bytes: frame.encoded });
        }
    }

    fn index_digest(&self) -> u32 {
        match &*self.active.index() {
            Index::Active(index) => index.digest(),
            Index::Sealed(_) => 0,
        }
    }

    fn is_full_for(&self, next: &Waiting) -> bool {
        let events = (self.head.position.0 + 1).saturating_sub(self.active.first);
        let over = u64::from(self.shared.options().volume_events) < events + next.frame.claim.events as u64;
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
        let sealed = self.shared.sealed_count();
        for _ in self.sealed..sealed {
            self.unsealed.pop_front();
        }
        self.sealed = sealed;
    }
}

fn refuse(waiting: &mut VecDeque<Waiting>, why: &str) {
    for Waiting { frame, reply } in waiting.drain(..) {
        let refused = Err(not_written(io::Error::other(why.to_owned())));
        let _ = reply.send(Judged { verdict: Verdict::Said(refused), _bytes: frame.encoded });
    }
}

fn not_written(error: io::Error) -> AppendError {
    AppendError::NotWritten { source: Box::new(error) }
}
