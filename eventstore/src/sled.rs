//! The log on disk: a row of volumes, each a journal and a sled database that can rebuild each other.
//!
//! `docs/event-log.md` describes the files byte by byte, and why nothing here depends on sled surviving anything.

mod copier;
mod database;
mod index;
mod journal;
mod keeper;
mod mending;
mod recovery;
mod root;
mod sieve;
mod tag;
mod verify;
mod volume;
mod writer;

pub use mending::{Mending, Outcome, Part};
pub use root::{FORMAT, OpenError};
pub use verify::{Finding, Progress, Verified};

use crate::store::{PAGE_BYTES_MAX, page_limit};
use crate::verdict::{self, Claim};
use crate::{
    Answer, AppendError, Appended, CommandId, EventLog, EventStore, Frame, Head, Page, Position, ReadError, Selection,
    StreamName,
};
use async_trait::async_trait;
use index::{ActiveIndex, LastVersions, Place, SealedIndex, Summary};
use keeper::Job;
use recovery::Site;
use sieve::Sieves;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tag::{Tag, command_key};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc as queue, oneshot, watch};
use volume::{Found, Index, Volume};
use writer::{Prepared, Waiting, Writer};

/// What may be chosen when a log is opened.
#[derive(Clone)]
pub struct Options {
    /// How many events a volume holds; another number may be chosen at every opening. [`VOLUME_EVENTS`] normally.
    pub volume_events: u32,
    /// How many frames may wait for the commit thread before writers wait to hand in theirs.
    pub queue_frames_max: usize,
    /// After how long a database that does not open is given up and rebuilt.
    pub database_deadline: Duration,
    /// Told of every repair, at once and on whatever thread it happens.
    pub on_mending: Option<OnMending>,
}

/// Called with every repair.
pub type OnMending = Arc<dyn Fn(&Mending) + Send + Sync>;

/// The size of a volume that was measured to be good.
pub const VOLUME_EVENTS: u32 = 1 << 18;

impl Options {
    /// Returns what a service uses.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            volume_events: VOLUME_EVENTS,
            queue_frames_max: 4096,
            database_deadline: Duration::from_secs(60),
            on_mending: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("volume_events", &self.volume_events).finish_non_exhaustive()
    }
}

/// Watches commits, for metrics. Called on the commit thread: be quick.
pub trait CommitObserver: Send + Sync {
    /// Tells that one group became durable: how many frames were judged and how many events written, how long the
    /// disk took, and how long the whole group from its first frame's judgement to the last answer.
    fn committed(&self, frames: usize, events: usize, fsync: Duration, total: Duration);
}

/// The event log on disk. Dropping it closes it.
#[derive(Debug)]
pub struct Sled {
    shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

#[derive(Debug)]
struct Threads {
    writer: JoinHandle<()>,
    copier: JoinHandle<()>,
    keeper: JoinHandle<()>,
    /// Held for as long as the threads may write.
    lock: File,
}

/// What the store's threads and callers share.
pub(crate) struct Shared {
    root: PathBuf,
    options: Options,
    volumes: RwLock<Arc<Vec<Arc<Volume>>>>,
    sealed: RwLock<Arc<Vec<Sealed>>>,
    /// How many of them there are, for the many who need no more. Never more than can be found there.
    sealed_count: AtomicUsize,
    one_more_sealed: (Mutex<()>, Condvar),
    last_versions: LastVersions,
    /// In the order of `sealed`.
    commands: Sieves,
    queue: RwLock<Option<queue::Sender<Waiting>>>,
    durable: watch::Sender<Durable>,
    stopped: RwLock<Option<String>>,
    keeper: Mutex<mpsc::Sender<Job>>,
    mended: Mutex<Vec<Mending>>,
    observer: RwLock<Option<Arc<dyn CommitObserver>>>,
}

/// A sealed volume whose streams are counted in [`LastVersions`].
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    volume: Arc<Volume>,
    index: Arc<SealedIndex>,
}

#[derive(Debug, Clone, Copy)]
struct Durable {
    head: Head,
    closed: bool,
}

/// How long the commit thread waits for a volume to be sealed before it refuses what waits.
const SEALING_DEADLINE: Duration = Duration::from_secs(30);
/// Longer pages are read on a thread that may block.
const INLINE_EVENTS_MAX: usize = 256;

impl Sled {
    /// Opens the log in `path`, or makes one, after mending whatever a crash or damage left there.
    ///
    /// # Errors
    /// The directory is in use, of a newer format, something else, unreadable, or damaged beyond mending.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let root = path.as_ref().to_owned();
        let lock = root::lock(&root)?;
        let (jobs, job_queue) = mpsc::channel();
        let (sender, waiting) = queue::channel(options.queue_frames_max.max(1));
        let shared = Shared {
            root,
            options,
            volumes: RwLock::default(),
            sealed: RwLock::default(),
            sealed_count: AtomicUsize::new(0),
            one_more_sealed: Default::default(),
            last_versions: LastVersions::new(),
            commands: Sieves::default(),
            queue: RwLock::new(Some(sender)),
            durable: watch::Sender::new(Durable { head: Head::default(), closed: false }),
            stopped: RwLock::new(None),
            keeper: Mutex::new(jobs),
            mended: Mutex::default(),
            observer: RwLock::default(),
        };
        let shared = Arc::new(shared);
        let active = shared.load()?;
        let root = shared.root.clone();
        let io = OpenError::io(&root);
        let (copies, to_copy) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&shared), shared.head(), active, copies);
        let writer = std::thread::Builder::new().name("eventstore-commit".into()).spawn(move || writer.run(waiting));
        let copied = Arc::clone(&shared);
        let copier = std::thread::Builder::new().name("eventstore-copier".into());
        let copier = copier.spawn(move || copier::run(&copied, &to_copy)).map_err(&io)?;
        let kept = Arc::clone(&shared);
        let keeper = std::thread::Builder::new().name("eventstore-keeper".into());
        let keeper = keeper.spawn(move || keeper::run(&kept, &job_queue)).map_err(&io)?;
        let threads = Threads { writer: writer.map_err(&io)?, copier, keeper, lock };
        Ok(Self { shared, threads: Mutex::new(Some(threads)) })
    }

    /// Returns what was mended since the log was opened, the opening included.
    #[must_use]
    pub fn mended(&self) -> Vec<Mending> {
        lock(&self.shared.mended).clone()
    }

    /// Returns why nothing is accepted any more, after a write whose outcome nobody knows.
    ///
    /// The process had better end then: at the next opening the disk says what it holds.
    #[must_use]
    pub fn stopped(&self) -> Option<String> {
        self.shared.stopped()
    }

    /// Lets `observer` watch all further commits.
    pub fn set_observer(&self, observer: Arc<dyn CommitObserver>) {
        *write(&self.shared.observer) = Some(observer);
    }

    /// Walks the whole log and compares both copies and the index of every volume, reporting progress as it goes.
    ///
    /// What is found damaged is mended from the other copy before this returns. Blocks: call it on a thread that may.
    ///
    /// # Errors
    /// Some position is damaged in both copies.
    pub fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<Verified, ReadError> {
        self.shared.check_open()?;
        verify::verify(&self.shared, progress)
    }

    /// Answers what was accepted, flushes, and lets go of the directory. Further appends and reads are refused.
    ///
    /// Blocks for as long as the last flush takes. Closing twice does nothing.
    pub fn close(&self) {
        let Some(Threads { writer, copier, keeper, lock: held }) = lock(&self.threads).take() else { return };
        write(&self.shared.queue).take();
        // A thread that panicked has nothing left to finish.
        let _ = writer.join();
        // Ends by itself when the commit thread has.
        let _ = copier.join();
        self.shared.keep(Job::Stop);
        let _ = keeper.join();
        for volume in self.shared.volumes().iter() {
            volume.close_database();
        }
        self.shared.durable.send_modify(|durable| durable.closed = true);
        // Said aloud, because closing the file alone leaves the lock to any copy that a child process still has of it.
        // If it fails, the lock goes with the process.
        let _ = held.unlock();
    }
}

impl Drop for Sled {
    fn drop(&mut self) {
        self.close();
    }
}

#[async_trait]
impl EventStore for Sled {
    async fn append(&self, frame: Frame) -> Result<Appended, AppendError> {
        let claim = Claim::of(&frame)?;
        let not_written = |source| AppendError::NotWritten { source };
        let sealed = self.shared.sealed_count();
        let known = self.shared.find_command(frame.command, 0).map_err(|error| not_written(Box::new(error)))?;
        if let Some((_, _, answer)) = known {
            return verdict::repeated(&frame, answer);
        }
        let prepared = Prepared::new(&frame, claim, sealed, |tag| self.shared.last_versions.get(tag));
        let (reply, verdict) = oneshot::channel();
        self.shared.hand_in(Waiting { frame: prepared, reply }).await.map_err(not_written)?;
        match verdict.await {
            Ok(judged) => judged.answer(&frame, &self.shared),
            Err(source) => Err(AppendError::Unknown { source: Box::new(source) }),
        }
    }

    async fn answer(&self, command: CommandId) -> Result<Option<Answer>, ReadError> {
        self.shared.check_open()?;
        // What was sealed before the unsealed volumes are looked at is looked at after them.
        if let Some((volume, place)) = self.shared.find_unsealed_command(command) {
            return self.shared.answer_at(&volume, place, command).map(Some);
        }
        Ok(self.shared.find_command(command, 0)?.map(|(_, _, answer)| answer))
    }
}

#[async_trait]
impl EventLog for Sled {
    async fn read(&self, selection: &Selection, after: Position, limit: usize) -> Result<Page, ReadError> {
        self.shared.check_open()?;
        let limit = page_limit(limit);
        let shared = Arc::clone(&self.shared);
        match selection {
            Selection::All if limit <= INLINE_EVENTS_MAX => shared.page_of_all(after, limit),
            Selection::All => blocking(move || shared.page_of_all(after, limit)).await,
            Selection::Stream(stream) => shared.page_of_stream(stream, after, limit),
        }
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.shared.check_open()?;
        Ok(self.shared.head())
    }

    async fn grown_past(&self, position: Position) -> Result<Position, ReadError> {
        let mut durable = self.shared.durable.subscribe();
        let grown = durable.wait_for(|durable| durable.closed || position < durable.head.position).await;
        let grown = *grown.map_err(|source| ReadError::Unavailable { source: Box::new(source) })?;
        if position < grown.head.position { Ok(grown.head.position) } else { Err(closed()) }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|source| Err(ReadError::Unavailable { source: Box::new(source) }))
}

const CLOSED: &str = "the log is closed";

fn closed() -> ReadError {
    ReadError::Unavailable { source: CLOSED.into() }
}

impl Shared {
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn last_versions(&self) -> &LastVersions {
        &self.last_versions
    }

    pub(crate) fn volumes(&self) -> Arc<Vec<Arc<Volume>>> {
        Arc::clone(&read(&self.volumes))
    }

    pub(crate) fn sealed(&self) -> Arc<Vec<Sealed>> {
        Arc::clone(&read(&self.sealed))
    }

    pub(crate) fn sealed_count(&self) -> usize {
        self.sealed_count.load(Ordering::Acquire)
    }

    pub(crate) fn head(&self) -> Head {
        self.durable.borrow().head
    }

    fn check_open(&self) -> Result<(), ReadError> {
        if self.durable.borrow().closed { Err(closed()) } else { Ok(()) }
    }

    // For the commit thread and the keeper.

    pub(crate) fn publish(&self, head: Head) {
        self.durable.send_modify(|durable| durable.head = head);
    }

    /// Refuses all further frames: nobody knows any more what is on disk.
    pub(crate) fn stop(&self, why: String) {
        write(&self.stopped).get_or_insert(why);
    }

    pub(crate) fn stopped(&self) -> Option<String> {
        read(&self.stopped).clone()
    }

    pub(crate) fn observe(&self, frames: usize, events: usize, fsync: Duration, total: Duration) {
        if let Some(observer) = &*read(&self.observer) {
            observer.committed(frames, events, fsync, total);
        }
    }

    pub(crate) fn keep(&self, job: Job) {
        // Fails only when the keeper has stopped, and then the next opening does the job.
        let _ = lock(&self.keeper).send(job);
    }

    pub(crate) fn tell(&self, mending: Mending) {
        if let Some(told) = &self.options.on_mending {
            told(&mending);
        }
        lock(&self.mended).push(mending);
    }

    /// Puts a frame in line for the commit thread, waiting while the line is too long.
    async fn hand_in(&self, waiting: Waiting) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let (queue, waiting) = {
            let queue = read(&self.queue);
            let queue = queue.as_ref().ok_or(CLOSED)?;
            // Every copy of the sender is counted in memory that all writers share, so only who has to wait makes one.
            match queue.try_send(waiting) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(_)) => return Err(CLOSED.into()),
                Err(TrySendError::Full(waiting)) => (queue.clone(), waiting),
            }
        };
        // The place in line is taken when this is first polled: the queue is fair, and unconstrained means that a task
        // which has done much already is not made to come back later.
        tokio::task::unconstrained(queue.send(waiting)).await.map_err(|_| CLOSED.into())
    }

    /// Has the keeper look after a volume of which some part failed.
    pub(crate) fn suspect(&self, volume: &Arc<Volume>, part: Part) {
        if volume.suspect() {
            self.keep(Job::Mend(Arc::clone(volume), part));
        }
    }

    pub(crate) fn create_volume(&self, first: Position) -> std::io::Result<Volume> {
        let dir = root::volume_dir(&self.root, first.0);
        let volume = Volume::create(dir, first.0, self.options.volume_events as usize, self.options.database_deadline)?;
        // In this order: a mark never names a volume that a crash could leave unmade.
        root::mark_last(&self.root, first.0)?;
        Ok(volume)
    }

    pub(crate) fn add_volume(&self, volume: Arc<Volume>) {
        let mut volumes = write(&self.volumes);
        *volumes = Arc::new(volumes.iter().cloned().chain([volume]).collect());
    }

    /// Adds what the next sealed volume holds to what is known of all.
    pub(crate) fn add_summary(&self, summary: Summary) {
        self.last_versions.add(summary.versions.into_iter());
        self.commands.add(&summary.commands);
    }

    pub(crate) fn add_sealed(&self, volume: Sealed) {
        {
            let mut sealed = write(&self.sealed);
            *sealed = Arc::new(sealed.iter().cloned().chain([volume]).collect());
            self.sealed_count.store(sealed.len(), Ordering::Release);
        }
        let (count, changed) = &self.one_more_sealed;
        drop(lock(count));
        changed.notify_all();
    }

    /// Waits until more than `sealed` volumes are sealed, but not for ever.
    pub(crate) fn wait_for_sealing(&self, sealed: usize) -> std::io::Result<()> {
        let (count, changed) = &self.one_more_sealed;
        let waited = changed.wait_timeout_while(lock(count), SEALING_DEADLINE, |()| self.sealed().len() <= sealed);
        if waited.is_ok_and(|(_, timeout)| timeout.timed_out()) {
            return Err(std::io::Error::other("full volumes cannot be sealed, and there is no room for another"));
        }
        Ok(())
    }

    // Reading.

    fn observed<T>(&self, volume: &Arc<Volume>, found: Found<T>) -> T {
        if let Some(part) = found.suspect {
            self.suspect(volume, part);
        }
        found.value
    }

    pub(crate) fn answer_at(
        &self,
        volume: &Arc<Volume>,
        place: Place,
        command: CommandId,
    ) -> Result<Answer, ReadError> {
        Ok(self.observed(volume, volume.answer_at(place, command)?))
    }

    fn find_unsealed_command(&self, command: CommandId) -> Option<(Arc<Volume>, Place)> {
        let head = self.head().position;
        for volume in self.volumes().iter().rev() {
            let Index::Active(index) = &*volume.index() else { return None };
            if let Some(found) = index.command(command) {
                let durable = volume.first + u64::from(found.place.nth) <= head.0;
                return durable.then(|| (Arc::clone(volume), found.place));
            }
        }
        None
    }

    /// Finds a command in the sealed volumes from the `from`th on, with the answer it was given.
    pub(crate) fn find_command(
        &self,
        command: CommandId,
        from: usize,
    ) -> Result<Option<(Arc<Volume>, Place, Answer)>, ReadError> {
        let perhaps = self.commands.may_hold(command_key(command), from);
        if perhaps.is_empty() {
            return Ok(None);
        }
        let sealed = self.sealed();
        for Sealed { volume, index } in perhaps.iter().filter_map(|nth| sealed.get(*nth)) {
            let place = match index.command(command) {
                Ok(place) => place,
                Err(_) => self.reindexed(volume)?.command(command).map(|found| found.place),
            };
            if let Some(place) = place {
                return Ok(Some((Arc::clone(volume), place, self.answer_at(volume, place, command)?)));
            }
        }
        Ok(None)
    }

    /// Puts together what a damaged index said, while the keeper mends it.
    fn reindexed(&self, volume: &Arc<Volume>) -> Result<ActiveIndex, ReadError> {
        self.suspect(volume, Part::Index);
        volume.reindexed()
    }

    fn volumes_after(&self, after: Position) -> (Arc<Vec<Arc<Volume>>>, usize) {
        let volumes = self.volumes();
        let later = volumes.partition_point(|volume| volume.first <= after.next().0);
        (volumes, later.saturating_sub(1))
    }

    fn page_of_all(&self, after: Position, limit: usize) -> Result<Page, ReadError> {
        let head = self.head().position;
        let (volumes, from) = self.volumes_after(after);
        let mut events = Vec::new();
        let mut bytes = 0;
        for (nth, volume) in volumes.iter().enumerate().skip(from) {
            let seen = events.last().map_or(after, |event: &crate::RecordedEvent| event.position);
            let last = volumes.get(nth + 1).map_or(head.0, |next| head.0.min(next.first - 1));
            if last <= seen.0 || limit <= events.len() || PAGE_BYTES_MAX <= bytes {
                continue;
            }
            let found = volume.page(seen.0, last, limit - events.len())?;
            let more = self.observed(volume, found);
            bytes += more.iter().map(|event| event.body().len()).sum::<usize>();
            events.extend(more);
        }
        let through = events.last().map_or(after, |event| event.position).max(after);
        Ok(Page { end: head <= through, events, through })
    }

    fn page_of_stream(&self, stream: &StreamName, after: Position, limit: usize) -> Result<Page, ReadError> {
        let head = self.head().position;
        let tag = Tag::of(stream);
        let (volumes, from) = self.volumes_after(after);
        let mut events: Vec<crate::RecordedEvent> = Vec::new();
        let mut bytes = 0;
        for volume in volumes.iter().skip(from).take_while(|volume| volume.first <= head.0) {
            let places = match volume.places(tag, after.0, head.0) {
                Ok(places) => places,
                Err(_) => volume::places_within(&self.reindexed(volume)?, volume.first, tag, after.0, head.0),
            };
            if places.is_empty() {
                continue;
            }
            let mut places = places.as_slice();
            while !places.is_empty() {
                let room = limit - events.len();
                if room == 0 || PAGE_BYTES_MAX <= bytes {
                    let through = events.last().map_or(after, |event| event.position);
                    return Ok(Page { events, through, end: false });
                }
                let (piece, rest) = places.split_at(places.len().min(room).min(PIECE_EVENTS));
                let more = self.observed(volume, volume.events_at(piece)?);
                bytes += more.iter().map(|event| event.body().len()).sum::<usize>();
                events.extend(more);
                places = rest;
            }
        }
        Ok(Page { events, through: head.max(after), end: true })
    }

    // Opening.

    /// Loads all volumes, mending what needs it, and returns the active one.
    fn load(&self) -> Result<Arc<Volume>, OpenError> {
        if root::check_format(&self.root)? == root::FormatFile::Mended {
            self.tell(Mending::done(0, Part::Format, "written again: it was missing or damaged"));
        }
        let mark = root::last_mark(&self.root)?;
        let mut firsts = root::volumes(&self.root)?;
        let is_new = firsts.is_empty();
        let missing = match mark {
            root::LastMark::Of(begun) => firsts.last().is_none_or(|last| *last < begun).then_some(begun),
            root::LastMark::Damaged => is_new.then_some(1),
            root::LastMark::Missing => None,
        };
        if let Some(begun) = missing {
            let detail = format!(
                "the volume that begins there is missing, and perhaps others; put volumes/{begun:020} back, \
                 or remove the file LAST to go on without it"
            );
            return Err(OpenError::Corrupt { path: self.root.clone(), position: Position(begun), detail });
        }
        if is_new {
            firsts.push(1);
        }
        if let Some(first) = firsts.first().filter(|first| **first != 1) {
            let detail = format!("the volumes before position {first} are missing");
            return Err(OpenError::Corrupt { path: self.root.clone(), position: Position(1), detail });
        }
        let mut volumes = Vec::with_capacity(firsts.len());
        let mut head = Head::default();
        for (nth, first) in firsts.iter().enumerate() {
            let site = Site {
                dir: root::volume_dir(&self.root, *first),
                first: *first,
                last: firsts.get(nth + 1).map(|next| next - 1),
                database_deadline: self.options.database_deadline,
            };
            let journal = File::open(recovery::journal_path(&site.dir)).ok();
            if let Some(found) = journal.as_ref().and_then(journal::foreign_format) {
                return Err(OpenError::Newer { path: self.root.clone(), found });
            }
            let volume = match site.last {
                Some(_) => self.load_sealed(site)?,
                None => self.load_active(site, &mut head)?,
            };
            volumes.push(Arc::new(volume));
        }
        let active = volumes.last().cloned();
        self.mark_last(mark, firsts.last().copied().unwrap_or(1), is_new)?;
        if head.position == Position::START && 1 < volumes.len() {
            head = self.head_of(&volumes)?;
        }
        let sealed = volumes
            .iter()
            .filter_map(|volume| volume.sealed_index().map(|index| Sealed { volume: Arc::clone(volume), index }));
        let sealed: Vec<Sealed> = sealed.collect();
        self.sealed_count.store(sealed.len(), Ordering::Release);
        *write(&self.sealed) = Arc::new(sealed);
        *write(&self.volumes) = Arc::new(volumes);
        self.publish(head);
        active.ok_or_else(|| OpenError::io(&self.root)(std::io::Error::other("no volume")))
    }

    /// Lets the mark name the last volume there is: a crash may have come before it was written.
    fn mark_last(&self, mark: root::LastMark, last: u64, is_new: bool) -> Result<(), OpenError> {
        let lost = match mark {
            root::LastMark::Of(begun) if begun == last => return Ok(()),
            root::LastMark::Of(_) => None,
            root::LastMark::Missing => Some("missing"),
            root::LastMark::Damaged => Some("damaged"),
        };
        root::mark_last(&self.root, last).map_err(OpenError::io(&self.root))?;
        if let Some(lost) = lost.filter(|_| !is_new) {
            self.tell(Mending::done(last, Part::Last, format!("written again: it was {lost}")));
        }
        Ok(())
    }

    /// Returns the end of the last sealed volume, when the active one is still empty.
    fn head_of(&self, volumes: &[Arc<Volume>]) -> Result<Head, OpenError> {
        let corrupt = |position: u64, detail: String| OpenError::Corrupt {
            path: self.root.clone(),
            position: Position(position),
            detail,
        };
        let [.., sealed, active] = volumes else { return Ok(Head::default()) };
        let last = active.first - 1;
        let found = sealed.page(last - 1, last, 1).map_err(|error| corrupt(last, error.to_string()))?;
        let event = self.observed(sealed, found).pop().ok_or_else(|| corrupt(last, "it is missing".into()))?;
        Ok(Head { position: event.position, recorded_at: event.recorded_at })
    }

    fn load_active(&self, site: Site, head: &mut Head) -> Result<Volume, OpenError> {
        let recovered = self.recover(&site)?;
        let events = u64::from(recovered.index.events());
        if 0 < events {
            *head = Head { position: Position(site.first + events - 1), recorded_at: recovered.recorded_at };
        }
        // A footer may be left of a sealing that was overtaken by a crash; frames go on where it stood.
        recovered.journal.set_len(recovered.end).map_err(OpenError::io(&self.root))?;
        Ok(Volume::active(site, recovered))
    }

    fn load_sealed(&self, site: Site) -> Result<Volume, OpenError> {
        let (journal, end, index, summary) = match recovery::open_sealed(&site) {
            Ok(sealed) => sealed,
            Err(unfit) => {
                let recovered = self.recover(&site)?;
                let sealed = recovery::seal(&site.dir, site.first, &recovered.journal, recovered.end, &recovered.index);
                let index = sealed.map_err(|error| self.unrecoverable(&site, error))?;
                if let Some(mending) = unfit {
                    self.tell(mending);
                }
                let summary = index.summary();
                let summary = summary.map_err(|fault| OpenError::io(&self.root)(std::io::Error::other(fault)))?;
                (recovered.journal, recovered.end, index, summary)
            }
        };
        if site.last != Some(site.first + u64::from(index.events()) - 1) {
            let detail = format!("the volume holds {} events, which is not where the next begins", index.events());
            return Err(OpenError::Corrupt { path: self.root.clone(), position: Position(site.first), detail });
        }
        self.add_summary(summary);
        Ok(Volume::sealed(site, journal, end, index))
    }

    fn recover(&self, site: &Site) -> Result<recovery::Recovered, OpenError> {
        recovery::recover(site, &mut |mending| self.tell(mending)).map_err(|error| self.unrecoverable(site, error))
    }

    fn unrecoverable(&self, site: &Site, error: recovery::RecoverError) -> OpenError {
        let path = self.root.clone();
        match error {
            recovery::RecoverError::Io(source) => OpenError::Io { path, source },
            recovery::RecoverError::Lost(position) => {
                OpenError::Corrupt { path, position, detail: "no copy of it is sound".into() }
            }
            recovery::RecoverError::Database(_) | recovery::RecoverError::Journal(_) => {
                OpenError::Corrupt { path, position: Position(site.first), detail: error.to_string() }
            }
        }
    }
}

/// How many events of a stream are fetched before looking again at how much room the page has.
const PIECE_EVENTS: usize = 64;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("root", &self.root)
            .field("durable", &*self.durable.borrow())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Expected;
    use crate::testing::conformance::append;
    use crate::testing::frame;

    #[tokio::test(flavor = "multi_thread")]
    async fn after_a_write_of_unknown_outcome_nothing_more_is_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let store = Sled::open(dir.path(), Options::standard()).unwrap();
        append(&store, frame(1).write("a", Expected::Empty, 1)).await;
        store.shared.volumes()[0].break_journal();
        let unknown = store.append(frame(2).write("a", Expected::Any, 1)).await;
        assert!(matches!(unknown, Err(AppendError::Unknown { .. })), "{unknown:?}");
        let refused = store.append(frame(3).write("b", Expected::Any, 1)).await;
        assert!(matches!(refused, Err(AppendError::NotWritten { .. })), "{refused:?}");
        assert!(store.stopped().is_some());
        // What was durable is still there to be read, and nothing else.
        assert_eq!(store.head().await.unwrap().position, Position(1));
        assert_eq!(store.answer(CommandId(2)).await.unwrap(), None);
        let page = store.read(&Selection::All, Position::START, 10).await.unwrap();
        assert_eq!((page.events.len(), page.end), (1, true));
        store.close();
        let store = Sled::open(dir.path(), Options::standard()).unwrap();
        append(&store, frame(2).write("a", Expected::Any, 1)).await;
    }
}
