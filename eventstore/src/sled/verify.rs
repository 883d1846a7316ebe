//! A walk over the whole log: every checksum, every version, both copies and the index.

use super::index::{ActiveIndex, LastVersions};
use super::journal::{FRAMES_AT, Footer, FrameReader, StoredFrame};
use super::keeper::Job;
use super::mending::Part;
use super::tag::Tag;
use super::volume::{Index, Volume};
use super::{Shared, recovery};
use crate::record::RecordView;
use crate::{Micros, Position, ReadError};
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};

/// How far a verification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to here was looked at.
    pub through: Position,
    /// Where the walk will end.
    pub of: Position,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The first bad position; of an index, the first position of its volume.
    pub position: Position,
    /// What is wrong there.
    pub part: Part,
    /// In words.
    pub detail: String,
}

/// What a verification saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// How many events it looked at, in both copies.
    pub events: u64,
    /// In how many volumes.
    pub volumes: usize,
    /// What was damaged, in order of position; empty if all is well. All of it is mended by now.
    pub findings: Vec<Finding>,
}

const PROGRESS_EVENTS: u64 = 1 << 16;

pub(super) fn verify(shared: &Arc<Shared>, progress: &mut dyn FnMut(Progress)) -> Result<Verified, ReadError> {
    // Volumes that are full but not sealed yet are sealed first, so that each is walked in its final form.
    flush(shared);
    let head = shared.head().position;
    let versions = LastVersions::new();
    let mut walk = Walk { versions, recorded_at: Micros::MIN, recorded_at_before: Micros::MIN, head, progress };
    let mut verified = Verified { events: head.0, ..Verified::default() };
    let volumes = shared.volumes();
    for (nth, volume) in volumes.iter().enumerate() {
        let last = volumes.get(nth + 1).map_or(head.0, |next| head.0.min(next.first - 1));
        if last < volume.first {
            break;
        }
        let (findings, mut index) = walk.volume(volume, last);
        if let Some(first) = findings.first() {
            shared.suspect(volume, first.part);
            flush(shared);
            // What the other copy could not mend is lost, and the caller must know that first of all.
            let (left, mended) = walk.volume(volume, last);
            if let Some(Finding { position, part, detail }) = left.into_iter().next() {
                return Err(ReadError::Corrupt { position, detail: format!("{part}: {detail}") });
            }
            index = mended;
        }
        // Streams go on in the next volume from where they stood in this one.
        walk.recorded_at_before = walk.recorded_at;
        walk.versions.add(index.iter().flat_map(ActiveIndex::last_versions));
        verified.findings.extend(findings);
        verified.volumes += 1;
    }
    Ok(verified)
}

/// Waits until the keeper has done what it was asked so far.
fn flush(shared: &Shared) {
    let (done, wait) = mpsc::sync_channel(1);
    shared.keep(Job::Flush(done));
    // A keeper that is gone has nothing left to do.
    let _ = wait.recv();
}

struct Walk<'a> {
    versions: LastVersions,
    recorded_at: Micros,
    /// The last event's of the volume before.
    recorded_at_before: Micros,
    head: Position,
    progress: &'a mut dyn FnMut(Progress),
}

impl Walk<'_> {
    /// Compares all there is of one volume; the index is there if its journal is sound.
    fn volume(&mut self, volume: &Arc<Volume>, last: u64) -> (Vec<Finding>, Option<ActiveIndex>) {
        let mut findings = Vec::new();
        let index = self.journal(volume, last, &mut findings);
        if let Some(index) = &index {
            findings.extend(self.footer_and_index(volume, index));
        }
        findings.extend(database(volume, last));
        findings.sort_by_key(|finding| (finding.position, finding.part));
        (findings, index)
    }

    /// Walks the frames, and returns the index that belongs to them if all are sound.
    fn journal(&mut self, volume: &Volume, last: u64, findings: &mut Vec<Finding>) -> Option<ActiveIndex> {
        let journal = volume.journal();
        let mut index = ActiveIndex::default();
        let mut frames = FrameReader::new(&journal, FRAMES_AT, volume.end(), Position(volume.first));
        let mut next = volume.first;
        self.recorded_at = self.recorded_at_before;
        while next <= last {
            let finding = |detail: String| Finding { position: Position(next), part: Part::Journal, detail };
            let frame = match frames.next() {
                Some(Ok(frame)) => frame,
                Some(Err(fault)) => {
                    findings.push(finding(fault.to_string()));
                    return None;
                }
                None => {
                    findings.push(finding("the journal ends early".into()));
                    return None;
                }
            };
            if let Err(detail) = self.frame(&frame, &mut index) {
                findings.push(finding(detail));
                return None;
            }
            let reported = next / PROGRESS_EVENTS;
            next = frame.last().next().0;
            if reported != next / PROGRESS_EVENTS || last < next {
                (self.progress)(Progress { through: Position(next - 1), of: self.head });
            }
        }
        Some(index)
    }

    fn frame(&mut self, frame: &StoredFrame, index: &mut ActiveIndex) -> Result<(), String> {
        let mut within: BTreeMap<Tag, u64> = BTreeMap::new();
        for record in frame.records() {
            let (view, _) = record.map_err(|fault| fault.to_string())?;
            let record = RecordView::verified(view.bytes()).map_err(|fault| fault.to_string())?;
            let name = record.stream().map_err(|fault| fault.to_string())?;
            let tag = Tag::of_name(name);
            let before = || index.stream(tag).map_or_else(|| self.versions.get(tag), |stream| stream.version());
            let version = within.entry(tag).or_insert_with(before);
            *version += 1;
            if record.version().0 != *version {
                return Err(format!("stream {name} is at version {} where {version} should be", record.version()));
            }
            if record.recorded_at() < self.recorded_at {
                return Err("recorded_at runs backwards".into());
            }
            self.recorded_at = record.recorded_at();
        }
        index.add_stored(frame).map_err(|fault| fault.to_string())
    }

    fn footer_and_index(&self, volume: &Volume, walked: &ActiveIndex) -> Option<Finding> {
        let part = |part, detail: String| Some(Finding { position: Position(volume.first), part, detail });
        let site = volume.site(None);
        if let Index::Active(_) = &*volume.index() {
            return None;
        }
        let last = volume.first + u64::from(walked.events()) - 1;
        let footer = Footer { first: volume.first, last, offset: volume.end(), digest: walked.digest() };
        if !matches!(Footer::read(&volume.journal()), Ok(Some(found)) if found == footer) {
            return part(Part::Journal, "the footer does not match".into());
        }
        match std::fs::read(recovery::index_path(&site.dir)) {
            Ok(bytes) if bytes == walked.to_file(volume.first) => None,
            Ok(_) => part(Part::Index, "it differs from what the records say".into()),
            Err(error) => part(Part::Index, error.to_string()),
        }
    }
}

/// Compares the database with the journal, record by record.
fn database(volume: &Arc<Volume>, last: u64) -> Option<Finding> {
    let finding =
        |position: u64, detail: String| Some(Finding { position: Position(position), part: Part::Database, detail });
    let was_open = volume.has_open_database();
    if let Err(fault) = volume.open_database() {
        return finding(volume.first, fault.to_string());
    }
    let journal = volume.journal();
    let compared = volume.with_database(|records| {
        let mut kept = records.iter();
        let mut frames = FrameReader::new(&journal, FRAMES_AT, volume.end(), Position(volume.first));
        // A fault of the journal is found, and told, by the walk over the journal.
        while let Some(Ok(frame)) = frames.next() {
            for record in frame.records().filter_map(Result::ok) {
                let position = record.0.position().0;
                if last < position {
                    return None;
                }
                match kept.next() {
                    Some(Ok((key, value))) if key == position.to_be_bytes() && value == record.0.bytes() => (),
                    Some(Ok(_)) => return finding(position, "it differs from the journal".into()),
                    Some(Err(error)) => return finding(position, error.to_string()),
                    None => return finding(position, "it ends early".into()),
                }
            }
        }
        None
    });
    if !was_open {
        volume.close_database();
    }
    compared.unwrap_or_else(|| finding(volume.first, "it is closed".into()))
}
