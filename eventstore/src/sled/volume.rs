//! One volume: a stretch of the log in two copies and an index.
//!
//! A volume is *active* while events are added to it and *sealed* for ever after. Reads go through the journal, where a
//! record costs one read of its own bytes; if that fails, the database answers, and the volume is suspected, that is,
//! handed to the keeper for mending.

use super::database::{Database, DatabaseFault, Use};
use super::index::{ActiveIndex, IndexFault, Place, SealedIndex, answer_of};
use super::journal::{self, FRAMES_AT, FrameFault, FrameReader, StoredFrame};
use super::mending::{Mending, Part};
use super::recovery::{self, RecoverError, Recovered, Site};
use super::tag::Tag;
use super::{lock, read, write};
use crate::record::{RecordFault, RecordView};
use crate::{Answer, CommandId, PAGE_BYTES_MAX, Position, ReadError, RecordedEvent};
use bytes::Bytes;
use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

/// A stretch of the log.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) first: u64,
    dir: PathBuf,
    database_deadline: Duration,
    journal: RwLock<Arc<File>>,
    /// Where the last durable frame ends.
    end: AtomicU64,
    index: RwLock<Index>,
    database: RwLock<Kept>,
    uncopied: Mutex<Uncopied>,
    /// Held while groups are copied, so that they arrive in order.
    copying: Mutex<()>,
    /// Set from the moment damage is noticed until it is mended, so that it is mended once.
    suspected: AtomicBool,
}

/// The index in either of its forms.
#[derive(Debug)]
pub(crate) enum Index {
    Active(ActiveIndex),
    Sealed(Arc<SealedIndex>),
}

/// The database, or what waits for it.
#[derive(Debug)]
enum Kept {
    Closed,
    /// It is being made; what is committed meanwhile waits.
    Awaited,
    Open(Database),
}

/// What is durable in the journal and not yet in the database.
#[derive(Debug, Default)]
struct Uncopied {
    groups: VecDeque<Group>,
    /// Emptied groups, to be filled again: memory given back and asked for a thousand times a second is not free.
    spare: Vec<Group>,
}

/// How many emptied groups are kept, and of which size at most.
const SPARE_GROUPS_MAX: usize = 4;
const SPARE_GROUP_BYTES_MAX: usize = 1024 * 1024;

/// The records of one group commit, as ranges of its bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: Vec<(Position, Range<usize>)>,
}

impl Group {
    fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
    }
}

/// What became of a read: events, and whether some copy failed on the way.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) suspect: Option<Part>,
}

impl Volume {
    /// Begins a new active volume for up to so many commands, whose database is still to be made.
    pub(crate) fn create(
        dir: PathBuf,
        first: u64,
        commands: usize,
        database_deadline: Duration,
    ) -> std::io::Result<Self> {
        let journal = recovery::create(&dir, first)?;
        let index = Index::Active(ActiveIndex::for_commands(commands));
        Ok(Self::assemble(dir, first, database_deadline, journal, FRAMES_AT, index, Kept::Awaited))
    }

    /// Takes over a volume that was recovered, as the active one.
    pub(crate) fn active(site: Site, recovered: Recovered) -> Self {
        let Recovered { journal, end, index, database, .. } = recovered;
        let index = Index::Active(index);
        Self::assemble(site.dir, site.first, site.database_deadline, journal, end, index, Kept::Open(database))
    }

    /// Takes over a sealed volume, its database closed.
    pub(crate) fn sealed(site: Site, journal: File, end: u64, index: SealedIndex) -> Self {
        let index = Index::Sealed(Arc::new(index));
        Self::assemble(site.dir, site.first, site.database_deadline, journal, end, index, Kept::Closed)
    }

    fn assemble(
        dir: PathBuf,
        first: u64,
        database_deadline: Duration,
        journal: File,
        end: u64,
        index: Index,
        database: Kept,
    ) -> Self {
        Self {
            first,
            dir,
            database_deadline,
            journal: RwLock::new(Arc::new(journal)),
            end: AtomicU64::new(end),
            index: RwLock::new(index),
            database: RwLock::new(database),
            uncopied: Mutex::default(),
            copying: Mutex::default(),
            suspected: AtomicBool::new(false),
        }
    }

    pub(crate) fn journal(&self) -> Arc<File> {
        Arc::clone(&read(&self.journal))
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        read(&self.index)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        write(&self.index)
    }

    /// Returns how many events were accepted here; the last of them may not be durable yet.
    pub(crate) fn events(&self) -> u32 {
        match &*self.index() {
            Index::Active(index) => index.events(),
            Index::Sealed(index) => index.events(),
        }
    }

    pub(crate) fn sealed_index(&self) -> Option<Arc<SealedIndex>> {
        match &*self.index() {
            Index::Active(_) => None,
            Index::Sealed(index) => Some(Arc::clone(index)),
        }
    }

    // Writing, by the commit thread only.

    /// Appends a group to the journal and makes it durable; `end` moves once it is.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), WriteFault> {
        let journal = self.journal();
        if let Err(error) = journal.write_all_at(bytes, self.end()) {
            // Part of it may be there, and must not be taken for more than a failure later on.
            let taken_back = journal.set_len(self.end()).and_then(|()| journal.sync_all());
            return Err(match taken_back {
                Ok(()) => WriteFault::NotWritten(error),
                Err(_) => WriteFault::Unknown(error),
            });
        }
        journal.sync_data().map_err(WriteFault::Unknown)?;
        self.end.fetch_add(bytes.len() as u64, Ordering::AcqRel);
        Ok(())
    }

    /// Returns an empty group to be filled.
    pub(crate) fn spare_group(&self) -> Group {
        lock(&self.uncopied).spare.pop().unwrap_or_default()
    }

    /// Leaves a durable group to be copied into the database, and returns how many wait for that now.
    pub(crate) fn leave(&self, group: Group) -> usize {
        let mut uncopied = lock(&self.uncopied);
        uncopied.groups.push_back(group);
        uncopied.groups.len()
    }

    /// Copies all that waits into the database, unless that is still being made.
    ///
    /// Nobody who was promised anything waits for this: what is in the journal is durable and can be read.
    pub(crate) fn catch_up(&self) -> std::io::Result<()> {
        let _in_order = lock(&self.copying);
        loop {
            let kept = read(&self.database);
            let database = match &*kept {
                Kept::Open(database) => database,
                Kept::Awaited => return Ok(()),
                // After a failure, or for good: what is missing is found in the journal.
                Kept::Closed => {
                    *lock(&self.uncopied) = Uncopied::default();
                    return Ok(());
                }
            };
            let Some(mut group) = lock(&self.uncopied).groups.pop_front() else { return Ok(()) };
            database.with(|records| records.apply(&group.bytes, &group.records))?;
            let mut uncopied = lock(&self.uncopied);
            if uncopied.spare.len() < SPARE_GROUPS_MAX && group.bytes.capacity() <= SPARE_GROUP_BYTES_MAX {
                group.clear();
                uncopied.spare.push(group);
            }
        }
    }

    /// Makes every further write fail, and taking it back as well.
    #[cfg(test)]
    pub(crate) fn break_journal(&self) {
        *write(&self.journal) = Arc::new(File::open(recovery::journal_path(&self.dir)).unwrap());
    }

    // Reading.

    /// Returns where the stream's events after one position and up to another are.
    pub(crate) fn places(&self, tag: Tag, after: u64, until: u64) -> Result<Vec<Place>, IndexFault> {
        let sealed = match &*self.index() {
            Index::Active(index) => return Ok(places_within(index, self.first, tag, after, until)),
            Index::Sealed(index) => Arc::clone(index),
        };
        Ok(between(&sealed.stream(tag)?, self.first, after, until))
    }

    /// Puts the index together anew from the journal, when the one on disk is damaged.
    pub(crate) fn reindexed(&self) -> Result<ActiveIndex, ReadError> {
        let journal = self.journal();
        let mut index = ActiveIndex::default();
        let mut frames = FrameReader::new(&journal, FRAMES_AT, self.end(), Position(self.first));
        while let Some(frame) = frames.next() {
            let added = frame.and_then(|frame| Ok(index.add_stored(&frame)?));
            added.map_err(|fault| ReadError::Corrupt {
                position: Position(self.first + u64::from(index.events())),
                detail: format!("index: damaged; journal: {fault}"),
            })?;
        }
        Ok(index)
    }

    /// Returns the events at these places, from whichever copy has them.
    ///
    /// The journal is asked first: a record there is one read of its own bytes, while the database reads and
    /// decompresses a leaf of 64.
    pub(crate) fn events_at(&self, places: &[Place]) -> Result<Found<Vec<RecordedEvent>>, ReadError> {
        let journal = self.journal();
        let mut events = Vec::with_capacity(places.len());
        let mut suspect = None;
        for place in places {
            match self.event_in_journal(&journal, *place) {
                Ok(event) => events.push(event),
                Err(fault) => {
                    suspect = Some(Part::Journal);
                    events.push(self.event_in_database(*place, &fault)?);
                }
            }
        }
        Ok(Found { value: events, suspect })
    }

    /// Returns up to `limit` events after one position and up to another, in order.
    pub(crate) fn page(&self, after: u64, until: u64, limit: usize) -> Result<Found<Vec<RecordedEvent>>, ReadError> {
        let mut events = Vec::new();
        let mut bytes = 0;
        let Err(fault) = self.page_of_journal(after, until, limit, &mut events, &mut bytes) else {
            return Ok(Found { value: events, suspect: None });
        };
        let mut next = events.last().map_or(after.max(self.first - 1), |event| event.position.0) + 1;
        while next <= until && events.len() < limit && bytes < PAGE_BYTES_MAX {
            let place = Place { nth: (next - self.first) as u32, offset: 0 };
            let event = self.event_in_database(place, &fault)?;
            bytes += event.body().len();
            events.push(event);
            next += 1;
        }
        Ok(Found { value: events, suspect: Some(Part::Journal) })
    }

    fn page_of_journal(
        &self,
        after: u64,
        until: u64,
        limit: usize,
        events: &mut Vec<RecordedEvent>,
        bytes: &mut usize,
    ) -> Result<(), FrameFault> {
        let start = (after + 1).saturating_sub(self.first) as u32;
        let stop = (until - self.first).min(u64::from(start) + limit as u64 - 1) as u32;
        let Some((from, end)) = self.journal_range(start, stop) else { return Ok(()) };
        let journal = self.journal();
        let mut frames = FrameReader::new(&journal, from.offset.into(), end, self.position(from));
        while let Some(frame) = frames.next() {
            let frame = frame?;
            for record in frame.records() {
                let (record, at) = record?;
                let position = record.position().0;
                if position <= after {
                    continue;
                }
                if until < position || events.len() == limit || PAGE_BYTES_MAX <= *bytes {
                    return Ok(());
                }
                let event = record.event(frame.record(at, record))?;
                *bytes += event.body().len();
                events.push(event);
            }
        }
        let reached = events.last().map_or(after, |event| event.position.0);
        let complete = reached == until || events.len() == limit;
        if complete { Ok(()) } else { Err(FrameFault::Short) }
    }

    /// Returns a frame at or before the `start`th event, and where the frames up to the `stop`th end.
    fn journal_range(&self, start: u32, stop: u32) -> Option<(Place, u64)> {
        match &*self.index() {
            Index::Active(index) => {
                let offset = index.offset(start)?;
                // The frame of the first event may have begun some events earlier.
                let nth = (0..=start).rev().take_while(|nth| index.offset(*nth) == Some(offset)).last()?;
                let last = index.offset(stop)?;
                let end = (stop + 1..index.events()).find_map(|nth| index.offset(nth).filter(|next| *next != last));
                Some((Place { nth, offset }, end.map_or(self.end(), u64::from).min(self.end())))
            }
            Index::Sealed(index) => {
                let end = index.signpost_after(stop).map_or(self.end(), |post| post.offset.into());
                Some((index.signpost(start), end))
            }
        }
    }

    fn event_in_journal(&self, journal: &File, place: Place) -> Result<RecordedEvent, FrameFault> {
        journal::read_record(journal, place.offset.into(), |record| {
            if record.position() != self.position(place) {
                return Err(RecordFault::Misplaced);
            }
            record.event(Bytes::copy_from_slice(record.bytes()))
        })
    }

    /// Returns an event from the database, opening it if need be, after the journal failed.
    fn event_in_database(&self, place: Place, journal_fault: &FrameFault) -> Result<RecordedEvent, ReadError> {
        let position = self.position(place);
        let corrupt = |detail: String| ReadError::Corrupt { position, detail };
        if let Err(fault) = self.open_database() {
            return Err(corrupt(format!("journal: {journal_fault}; database: {fault}")));
        }
        let Kept::Open(database) = &*read(&self.database) else {
            return Err(corrupt(format!("journal: {journal_fault}; the database is being rebuilt")));
        };
        let bytes = database.with(|records| records.sound(position));
        let bytes = bytes.ok_or_else(|| corrupt(format!("journal: {journal_fault}; database: no sound record")))?;
        RecordView::trusted(&bytes)
            .and_then(|view| view.event(Bytes::copy_from_slice(&bytes)))
            .map_err(|fault| corrupt(fault.to_string()))
    }

    /// Returns the answer to a command whose frame is at `place`.
    pub(crate) fn answer_at(&self, place: Place, command: CommandId) -> Result<Found<Answer>, ReadError> {
        let from_journal =
            journal::read_frame(&self.journal(), place.offset.into()).and_then(|frame| Ok(answer_in(&frame, command)?));
        let fault = match from_journal {
            Ok(answer) => return Ok(Found { value: answer, suspect: None }),
            Err(fault) => fault,
        };
        let position = self.position(place);
        let corrupt = |detail: String| ReadError::Corrupt { position, detail: format!("journal: {fault}; {detail}") };
        self.open_database().map_err(|fault| corrupt(format!("database: {fault}")))?;
        let Kept::Open(database) = &*read(&self.database) else {
            return Err(corrupt("the database is being rebuilt".into()));
        };
        let frame = recovery::frame_from(database, position.0);
        let frame = frame.ok_or_else(|| corrupt("database: no sound record".into()))?;
        let views = frame.records().filter_map(|bytes| RecordView::trusted(bytes).ok());
        let answer = answer_of(views).ok().flatten().ok_or_else(|| corrupt("database: no such command".into()))?;
        Ok(Found { value: answer, suspect: Some(Part::Journal) })
    }

    fn position(&self, place: Place) -> Position {
        Position(self.first + u64::from(place.nth))
    }

    // Keeping.

    /// Marks the volume as damaged; true for whoever noticed first.
    pub(crate) fn suspect(&self) -> bool {
        !self.suspected.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn trusted_again(&self) {
        self.suspected.store(false, Ordering::Release);
    }

    pub(crate) fn has_open_database(&self) -> bool {
        matches!(&*read(&self.database), Kept::Open(_))
    }

    /// Brings the database up to date, opening it after a bounded look at what it holds if it is closed.
    pub(crate) fn open_database(&self) -> Result<(), DatabaseFault> {
        self.catch_up()?;
        let mut kept = write(&self.database);
        if let Kept::Closed = &*kept {
            let (first, events) = (self.first, self.events());
            let (database, ()) = Database::open(&self.dir, Use::Sealed, self.database_deadline, move |records| {
                const LOOKS: u32 = 64;
                let steps = (0..LOOKS).map(|look| (u64::from(events - 1) * u64::from(look)) / u64::from(LOOKS - 1));
                for nth in steps {
                    let position = Position(first + nth);
                    records.sound(position).ok_or(DatabaseFault::Differs(position))?;
                }
                Ok(())
            })?;
            *kept = Kept::Open(database);
        }
        Ok(())
    }

    /// Closes the database; the journal has everything, and streams are read from there.
    pub(crate) fn close_database(&self) {
        let closed = std::mem::replace(&mut *write(&self.database), Kept::Closed);
        drop(closed);
    }

    /// Makes the database of a new volume, then adds what was committed meanwhile.
    pub(crate) fn make_database(&self) -> Result<(), RecoverError> {
        let made = Database::rebuild(&self.dir, Use::Active, self.database_deadline, |_| Ok(()));
        let (database, ()) = made.inspect_err(|_| self.close_database())?;
        *write(&self.database) = Kept::Open(database);
        Ok(self.catch_up()?)
    }

    /// Makes the active volume's database again from the journal, while commits go on.
    pub(crate) fn remake_database(&self) -> Result<(), RecoverError> {
        let end = {
            let _in_order = lock(&self.copying);
            *write(&self.database) = Kept::Awaited;
            // What is left from now on waits; what was left before is in the journal up to here.
            lock(&self.uncopied).groups.clear();
            self.end()
        };
        let made = recovery::rebuild_database(&self.site(None), &self.journal(), end);
        *write(&self.database) = Kept::Open(made.inspect_err(|_| self.close_database())?);
        Ok(self.catch_up()?)
    }

    /// Seals a full volume and returns its index, which holds from now on.
    pub(crate) fn seal(&self) -> Result<Arc<SealedIndex>, RecoverError> {
        // Before the files that say "sealed": after them, nobody compares the copies at the next opening.
        let flushed = self.catch_up().and_then(|()| self.with_database(|records| records.flush()).unwrap_or(Ok(())));
        if flushed.is_err() {
            // A database that is closed at its sealing is made again from the journal.
            self.close_database();
        }
        let sealed = match &*self.index() {
            Index::Active(index) => recovery::seal(&self.dir, self.first, &self.journal(), self.end(), index)?,
            Index::Sealed(index) => return Ok(Arc::clone(index)),
        };
        let sealed = Arc::new(sealed);
        Ok(sealed)
    }

    /// Lets go of the index in memory, once everybody can go by the sealed one.
    pub(crate) fn retire(&self, sealed: &Arc<SealedIndex>) {
        let retired = std::mem::replace(&mut *self.index_mut(), Index::Sealed(Arc::clone(sealed)));
        drop(retired);
        self.close_database();
    }

    /// Compares and mends both copies and the index of a sealed volume.
    pub(crate) fn mend_sealed(&self, mended: &mut dyn FnMut(Mending)) -> Result<(), RecoverError> {
        let last = self.first + u64::from(self.events()) - 1;
        // Held throughout: a read that needs the database waits until there is one again.
        let mut kept = write(&self.database);
        *kept = Kept::Closed;
        let recovered = recovery::recover(&self.site(Some(last)), mended)?;
        let Recovered { journal, end, index, database, .. } = recovered;
        let sealed = recovery::seal(&self.dir, self.first, &journal, end, &index)?;
        *write(&self.journal) = Arc::new(journal);
        self.end.store(end, Ordering::Release);
        *self.index_mut() = Index::Sealed(Arc::new(sealed));
        drop(database);
        Ok(())
    }

    /// Puts damaged frames of the active journal back in place from the database.
    ///
    /// A frame put together from its records has the same length as the one that was written.
    pub(crate) fn mend_active_journal(&self, mended: &mut dyn FnMut(Mending)) -> Result<(), RecoverError> {
        self.catch_up()?;
        let journal = self.journal();
        let frames = self.durable_frames();
        for place in frames {
            let position = self.position(place);
            if journal::read_frame(&journal, place.offset.into()).is_ok_and(|frame| frame.first == position) {
                continue;
            }
            let Kept::Open(database) = &*read(&self.database) else { return Err(RecoverError::Lost(position)) };
            let frame = recovery::frame_from(database, position.0).ok_or(RecoverError::Lost(position))?;
            journal.write_all_at(frame.bytes(), place.offset.into())?;
            journal.sync_data()?;
            let what = format!("the frame at position {position} was put back from the database");
            mended(Mending::done(self.first, Part::Journal, what));
        }
        Ok(())
    }

    fn durable_frames(&self) -> Vec<Place> {
        let end = self.end();
        let Index::Active(index) = &*self.index() else { return Vec::new() };
        let offsets = (0..index.events()).filter_map(|nth| index.offset(nth).map(|offset| Place { nth, offset }));
        let mut frames: Vec<Place> = offsets.take_while(|place| u64::from(place.offset) < end).collect();
        frames.dedup_by_key(|place| place.offset);
        frames
    }

    pub(crate) fn site(&self, last: Option<u64>) -> Site {
        Site { dir: self.dir.clone(), first: self.first, last, database_deadline: self.database_deadline }
    }

    /// Lends the open database to `work`, for verification.
    pub(crate) fn with_database<T>(&self, work: impl FnOnce(&super::database::Records<'_>) -> T) -> Option<T> {
        match &*read(&self.database) {
            Kept::Open(database) => Some(database.with(work)),
            Kept::Closed | Kept::Awaited => None,
        }
    }
}

/// Returns where a stream's events are, after one position and up to another.
pub(crate) fn places_within(index: &ActiveIndex, first: u64, tag: Tag, after: u64, until: u64) -> Vec<Place> {
    index.stream(tag).map(|stream| between(&stream.places, first, after, until)).unwrap_or_default()
}

fn between(places: &[Place], first: u64, after: u64, until: u64) -> Vec<Place> {
    let start = places.partition_point(|place| first + u64::from(place.nth) <= after);
    let stop = places.partition_point(|place| first + u64::from(place.nth) <= until);
    places.get(start..stop).unwrap_or_default().to_vec()
}

/// How a write to the journal failed.
#[derive(Debug)]
pub(crate) enum WriteFault {
    /// Nothing of it is left.
    NotWritten(std::io::Error),
    /// Nobody can tell what is on disk; after this nothing may be written any more.
    Unknown(std::io::Error),
}

fn answer_in(frame: &StoredFrame, command: CommandId) -> Result<Answer, RecordFault> {
    let mut views = Vec::with_capacity(frame.events as usize);
    for record in frame.records() {
        let (record, _) = record?;
        if record.command() != command {
            return Err(RecordFault::Misplaced);
        }
        views.push(record);
    }
    answer_of(views.into_iter())?.ok_or(RecordFault::Shape)
}
