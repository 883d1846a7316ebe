//! The sled half of a volume, of which nothing is believed that was not checked.
//!
//! This sled may fail, panic, hang for ever or come up empty when it is opened after a crash (docs/adr). So it is
//! opened on a thread of its own with a deadline, between making and removing a mark on disk, and whoever opens it
//! compares it with the journal before the mark goes. A database found marked has already failed somebody.

use super::journal::sync_dir;
use super::lock;
use crate::Position;
use crate::record::RecordView;
use sled::{Batch, Db, InlineArray, Tree};
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

const LEAF_FANOUT: usize = 64;
const ZSTD_LEVEL: i32 = 1;
const CACHE_BYTES: usize = 8 * 1024 * 1024;
const FLUSH_ACTIVE_MS: usize = 1_000;
/// Sealed databases have nothing to flush; closing them flushes anyway.
const FLUSH_SEALED_MS: usize = 3_600_000;
const RECORDS: &str = "records";
const MARK: &str = "opening";
const BATCH_EVENTS: usize = 1024;

/// Why a database cannot be used; it is rebuilt from the journal then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseFault {
    #[error("it was being opened when the process ended")]
    Marked,
    #[error("it is missing")]
    Missing,
    #[error("it did not open within {0:?}")]
    Hung(Duration),
    #[error("it panicked")]
    Panicked,
    #[error("it differs from the journal at position {0}")]
    Differs(Position),
    #[error("it failed: {0}")]
    Io(#[from] io::Error),
}

/// How often an open database flushes itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    Active,
    Sealed,
}

/// An open database: position, big-endian, to record.
pub(crate) struct Database {
    // Neither `Db` nor `Tree` may be shared between threads, so each use borrows a handle and puts it back. Boxed,
    // because each is some ten kilobytes.
    handles: Mutex<Vec<Box<Tree<LEAF_FANOUT>>>>,
    main: Mutex<Box<(Db<LEAF_FANOUT>, Tree<LEAF_FANOUT>)>>,
}

impl Database {
    /// Opens the database beside a journal and lets `check` compare the two, all within the deadline.
    pub(crate) fn open<T: Send + 'static>(
        volume: &Path,
        use_: Use,
        deadline: Duration,
        check: impl FnOnce(&Records<'_>) -> Result<T, DatabaseFault> + Send + 'static,
    ) -> Result<(Self, T), DatabaseFault> {
        let mark = volume.join(MARK);
        if mark.exists() {
            return Err(DatabaseFault::Marked);
        }
        if !directory(volume).exists() {
            return Err(DatabaseFault::Missing);
        }
        make_mark(volume)?;
        let opened = within(deadline, volume.to_owned(), use_, check)?;
        fs::remove_file(&mark)?;
        Ok(opened)
    }

    /// Makes an empty database in place of whatever stood there, and fills it from `batches`.
    pub(crate) fn rebuild<T: Send + 'static>(
        volume: &Path,
        use_: Use,
        deadline: Duration,
        fill: impl FnOnce(&Records<'_>) -> Result<T, DatabaseFault> + Send + 'static,
    ) -> Result<(Self, T), DatabaseFault> {
        make_mark(volume)?;
        put_aside(volume)?;
        let opened = within(deadline, volume.to_owned(), use_, move |records| {
            let filled = fill(records)?;
            records.flush()?;
            Ok(filled)
        })?;
        // Sled writes the first of these files without an fsync; a power cut would leave a database that cannot open.
        sync_files(&directory(volume))?;
        sync_dir(volume)?;
        fs::remove_file(volume.join(MARK))?;
        Ok(opened)
    }

    /// Lends the records to `work`.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&Records<'_>) -> T) -> T {
        let idle = lock(&self.handles).pop();
        let tree = idle.unwrap_or_else(|| Box::new(lock(&self.main).1.clone()));
        let done = work(&Records { tree: &tree });
        lock(&self.handles).push(tree);
        done
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Sled's own `Debug` prints every record.
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

/// The records of one open database, borrowed by one thread.
pub(crate) struct Records<'a> {
    tree: &'a Tree<LEAF_FANOUT>,
}

impl Records<'_> {
    /// Returns the bytes kept for this position, unverified.
    pub(crate) fn get(&self, position: Position) -> io::Result<Option<InlineArray>> {
        guarded(|| self.tree.get(position.0.to_be_bytes()))
    }

    /// Returns the record of this position if it is there and sound.
    pub(crate) fn sound(&self, position: Position) -> Option<InlineArray> {
        let bytes = self.get(position).ok()??;
        let record = RecordView::verified(&bytes).ok()?;
        (record.position() == position).then_some(bytes)
    }

    /// Adds one group of records, given as ranges of `bytes`; all become readable together.
    pub(crate) fn apply(&self, bytes: &[u8], records: &[(Position, Range<usize>)]) -> io::Result<()> {
        let mut batch = Batch::default();
        for (position, range) in records {
            batch.insert(position.0.to_be_bytes(), &bytes[range.clone()]);
        }
        guarded(|| self.tree.apply_batch(batch))
    }

    /// Makes everything applied so far durable, as far as sled can.
    pub(crate) fn flush(&self) -> io::Result<()> {
        guarded(|| self.tree.flush().map(|_| ()))
    }

    /// Walks all records in order, for comparison with the journal.
    pub(crate) fn iter(&self) -> impl Iterator<Item = io::Result<(InlineArray, InlineArray)>> + use<> {
        self.tree.iter()
    }
}

/// Collects records into batches while a database is filled.
pub(crate) struct Filler<'a> {
    records: &'a Records<'a>,
    batch: Batch,
    waiting: usize,
}

impl<'a> Filler<'a> {
    pub(crate) fn new(records: &'a Records<'a>) -> Self {
        Self { records, batch: Batch::default(), waiting: 0 }
    }

    pub(crate) fn add(&mut self, record: RecordView<'_>) -> io::Result<()> {
        self.batch.insert(record.position().0.to_be_bytes(), record.bytes());
        self.waiting += 1;
        if self.waiting == BATCH_EVENTS { self.send() } else { Ok(()) }
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        self.waiting = 0;
        let batch = std::mem::take(&mut self.batch);
        guarded(|| self.records.tree.apply_batch(batch))
    }
}

/// Returns where the database of a volume stands.
pub(crate) fn directory(volume: &Path) -> PathBuf {
    volume.join("sled")
}

/// Tells, without opening it, that the database of a volume cannot be used as it is.
pub(crate) fn is_suspect(volume: &Path) -> bool {
    volume.join(MARK).exists() || !directory(volume).is_dir()
}

/// Runs an operation of sled, which reports some kinds of damage by panicking.
fn guarded<T>(operation: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(operation))
        .unwrap_or_else(|_| Err(io::Error::other("sled panicked")))
}

fn within<T: Send + 'static>(
    deadline: Duration,
    volume: PathBuf,
    use_: Use,
    work: impl FnOnce(&Records<'_>) -> Result<T, DatabaseFault> + Send + 'static,
) -> Result<(Database, T), DatabaseFault> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let opener = std::thread::Builder::new().name("eventstore-open".into());
    // A thread that hangs is left behind: there is no way to stop it, and it holds nothing that we still need.
    opener.spawn(move || {
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open_and_check(&volume, use_, work)));
        // Fails only if nobody waits any longer; the database is dropped then.
        let _ = sender.send(opened.unwrap_or(Err(DatabaseFault::Panicked)));
    })?;
    match receiver.recv_timeout(deadline) {
        Ok(opened) => opened,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(DatabaseFault::Hung(deadline)),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(DatabaseFault::Panicked),
    }
}

fn open_and_check<T>(
    volume: &Path,
    use_: Use,
    work: impl FnOnce(&Records<'_>) -> Result<T, DatabaseFault>,
) -> Result<(Database, T), DatabaseFault> {
    let flush_every_ms = match use_ {
        Use::Active => FLUSH_ACTIVE_MS,
        Use::Sealed => FLUSH_SEALED_MS,
    };
    let config = sled::Config::new()
        .path(directory(volume))
        .cache_capacity_bytes(CACHE_BYTES)
        .flush_every_ms(Some(flush_every_ms))
        .zstd_compression_level(ZSTD_LEVEL);
    let db: Db<LEAF_FANOUT> = config.open()?;
    let tree = db.open_tree(RECORDS)?;
    let done = work(&Records { tree: &tree })?;
    Ok((Database { handles: Mutex::default(), main: Mutex::new(Box::new((db, tree))) }, done))
}

fn make_mark(volume: &Path) -> io::Result<()> {
    File::create(volume.join(MARK))?.sync_all()?;
    sync_dir(volume)
}

/// Keeps a database that cannot be used for whoever wants to look into it; the last one only.
fn put_aside(volume: &Path) -> io::Result<()> {
    let current = directory(volume);
    if current.exists() {
        let aside = volume.join("sled.damaged");
        match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => fs::rename(&current, &aside)?,
        }
    }
    sync_dir(volume)
}

fn sync_files(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_files(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_dir(dir)
}
