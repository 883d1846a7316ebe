//! All cases ever, found by what is asked of them, as they stood at any position.
//!
//! The index holds nothing that the log does not: it is fed by the same facts, keeps its own position, may be deleted
//! at any time, and is covered by `rebuild` and `verify`. Since rows are written once and carry their position, a list
//! as of an earlier position is the same search with another bound.

mod accesses;
mod batch;
mod certificates;
mod changes;
mod findings;
mod matcher;
mod search;
mod tables;

use crate::history::History;
use crate::moment::{Late, Slice};
use crate::view::Digest;
pub use accesses::{Accesses, Looked};
use batch::Batch;
use certificates::{CERTIFICATE_LISTS, CERTIFICATES};
pub use certificates::{CertificateCursor, CertificateFilter, CertificatePage};
use chrono::NaiveDate;
use domain::case::Phase;
use domain::event::case::ClosingKind;
use domain::fact::Fact;
use domain::ids::{CaseId, ItemId, OrganisationId, SourceName, SubjectId};
use eventstore::{Micros, Position};
pub use findings::{Finding, FindingCursor, FindingFilter, FindingKind, FindingPage, PageOfFindings};
use redb::{Database, Durability, ReadableDatabase, ReadableTable};
use search::Search;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tables::{
    ACCESSES, CASES, CHANGES, DAYS, ENDED, ENTRIES, FINDINGS, LATE, META, OPEN, POSTINGS, TAKEN_BACK, TRACES,
};
use tracing::warn;

/// Grows with every change of the tables or of what is put into them; an index of another format is made anew.
const FORMAT: i64 = 5;
/// The index is flushed to the disk after so many events; what a crash takes is read from the log again.
const EVENTS_PER_FLUSH: u64 = 200_000;
/// How much of the index is kept in memory, in bytes.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Why the index could not be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The directory.
    #[error("cannot use the case index in {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process holds it.
    #[error("the case index in {path} is in use by another process")]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// The engine.
    #[error("the case index failed")]
    Engine(#[source] Box<redb::Error>),
}

impl From<redb::Error> for IndexError {
    fn from(error: redb::Error) -> Self {
        Self::Engine(Box::new(error))
    }
}

/// Whose cases are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's.
    #[default]
    Anyone,
    /// Those of one source: `own`, or a legacy system.
    Source(SourceName),
}

/// Which cases are asked for: all that meet every condition given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Whose history.
    pub whose: Whose,
    /// For this item.
    pub item: Option<ItemId>,
    /// Taken in, handled, decided, consulted or handed out by one of these; an empty set finds nothing.
    pub organisations: Option<BTreeSet<OrganisationId>>,
    /// In this phase.
    pub phase: Option<Phase>,
    /// Under way, or not.
    pub open: Option<bool>,
    /// Ended so.
    pub closing: Option<ClosingKind>,
    /// Of this person: applicant, agent or beneficiary.
    pub subject: Option<SubjectId>,
    /// Applied for on this day or later.
    pub opened_from: Option<NaiveDate>,
    /// Applied for before this day.
    pub opened_to: Option<NaiveDate>,
    /// With a case or receipt number that begins so.
    pub number_prefix: Option<String>,
    /// One of these, of which something is known that the index does not know.
    pub among: Option<Arc<BTreeSet<CaseId>>>,
}

/// In which order cases are listed: that in which they entered the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
}

/// Where a page of cases ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseCursor(pub u64);

/// Which page is asked for.
#[derive(Debug, Clone, Copy)]
pub struct PageOfCases {
    /// Where the last page ended; `None` for the first.
    pub after: Option<CaseCursor>,
    /// How many cases at most.
    pub limit: usize,
    /// In which order.
    pub order: Order,
}

/// Some cases in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CasePage {
    /// The cases; possibly fewer than asked for, even where more follow, because the work for one page is bounded.
    pub cases: Vec<CaseId>,
    /// Where to go on, if anything may follow.
    pub next: Option<CaseCursor>,
}

/// Facts recorded after a slice that belong to its moment, as far as the index knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownLate {
    /// Where they are, in order.
    pub positions: Vec<Position>,
    /// Facts beyond this position are not known here.
    pub through: Position,
}

/// The index over all cases of one log. Cheap to clone; its methods block for as long as the disk takes.
#[derive(Clone)]
pub struct CaseIndex {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    position: AtomicU64,
    recorded_at: AtomicI64,
    flushed: AtomicU64,
}

impl CaseIndex {
    /// The name under which digests and lags are told.
    pub const NAME: &'static str = "case-index";

    /// Opens the index in a directory; one that is missing, damaged or of another format is begun anew.
    ///
    /// # Errors
    /// The directory cannot be used, or another process uses it.
    pub fn open(directory: &Path) -> Result<Self, IndexError> {
        let at = |source| IndexError::Io { path: directory.to_owned(), source };
        fs::create_dir_all(directory).map_err(at)?;
        let path = Self::file(directory);
        match Self::try_open(&path) {
            Ok(index) => return Ok(index),
            Err(redb::Error::DatabaseAlreadyOpen) => return Err(IndexError::InUse { path }),
            Err(why) => warn!(path = %path.display(), "the case index is begun anew: {why}"),
        }
        fs::remove_file(&path).map_err(at)?;
        Ok(Self::try_open(&path)?)
    }

    /// Returns the one file of the index in a directory.
    #[must_use]
    pub fn file(directory: &Path) -> PathBuf {
        directory.join("cases.redb")
    }

    fn try_open(path: &Path) -> Result<Self, redb::Error> {
        let database = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
        let write = database.begin_write()?;
        let (position, recorded_at) = {
            let mut meta = write.open_table(META)?;
            let stored =
                |key| Ok::<_, redb::Error>(meta.get(key)?.map(|value: redb::AccessGuard<'_, i64>| value.value()));
            let (format, position) = (stored("format")?, stored("position")?.unwrap_or(0));
            let recorded_at = stored("recorded_at")?.unwrap_or(0);
            if format.is_some_and(|format| format != FORMAT) {
                return Err(redb::Error::Corrupted("it has the format of another version".to_owned()));
            }
            meta.insert("format", FORMAT)?;
            (u64::try_from(position).unwrap_or(0), recorded_at)
        };
        open_all(&write)?;
        write.commit()?;
        let inner =
            Inner { database, position: position.into(), recorded_at: recorded_at.into(), flushed: position.into() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the position of the last fact taken in.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.inner.position.load(Ordering::Acquire))
    }

    /// Returns when the last fact taken in was recorded.
    #[must_use]
    pub fn recorded_at(&self) -> Micros {
        self.inner.recorded_at.load(Ordering::Acquire)
    }

    /// Takes in the facts that it does not have yet.
    ///
    /// # Errors
    /// The disk refuses; nothing of these facts is then in the index.
    ///
    /// # Panics
    /// If a fact is missing between the index and the facts.
    pub fn take_in(&self, facts: &[Fact]) -> Result<(), IndexError> {
        let position = self.position().0;
        let facts = &facts[facts.partition_point(|fact| fact.position <= position)..];
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { return Ok(()) };
        assert_eq!(first.position, position + 1, "facts are taken in in the order of the log, without a hole");
        let flush = EVENTS_PER_FLUSH <= last.position - self.inner.flushed.load(Ordering::Acquire);
        self.commit(facts, last, if flush { Durability::Immediate } else { Durability::None })?;
        if flush {
            self.inner.flushed.store(last.position, Ordering::Release);
        }
        self.inner.recorded_at.store(last.recorded_at.timestamp_micros(), Ordering::Release);
        self.inner.position.store(last.position, Ordering::Release);
        Ok(())
    }

    fn commit(&self, facts: &[Fact], last: &Fact, durability: Durability) -> Result<(), redb::Error> {
        let mut write = self.inner.database.begin_write()?;
        write.set_durability(durability)?;
        let mut batch = Batch::default();
        batch.take_in(&write, facts)?;
        batch.write(&write, last)?;
        certificates::take_in(&write, facts)?;
        write.commit()?;
        Ok(())
    }

    /// Makes everything taken in durable.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn flush(&self) -> Result<(), IndexError> {
        let position = self.position().0;
        let flush = || -> Result<(), redb::Error> {
            let mut write = self.inner.database.begin_write()?;
            write.set_durability(Durability::Immediate)?;
            Ok(write.commit()?)
        };
        flush()?;
        self.inner.flushed.store(position, Ordering::Release);
        Ok(())
    }

    /// Forgets everything if the index belongs to another log, or is ahead of this one.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn align(&self, history: &History) -> Result<(), IndexError> {
        let position = self.position();
        if position == Position::START || history.recorded_at(position).await.ok() == Some(self.recorded_at()) {
            return Ok(());
        }
        warn!("the case index belongs to another log and is begun anew");
        Ok(self.clear()?)
    }

    fn clear(&self) -> Result<(), redb::Error> {
        let write = self.inner.database.begin_write()?;
        write.delete_table(CASES)?;
        write.delete_table(ENTRIES)?;
        write.delete_table(CHANGES)?;
        write.delete_table(POSTINGS)?;
        write.delete_table(OPEN)?;
        write.delete_table(ENDED)?;
        write.delete_table(TRACES)?;
        write.delete_table(DAYS)?;
        write.delete_table(FINDINGS)?;
        write.delete_table(TAKEN_BACK)?;
        write.delete_table(LATE)?;
        write.delete_table(ACCESSES)?;
        write.delete_table(CERTIFICATES)?;
        write.delete_table(CERTIFICATE_LISTS)?;
        write.delete_table(META)?;
        open_all(&write)?;
        write.open_table(META)?.insert("format", FORMAT)?;
        write.commit()?;
        self.inner.position.store(0, Ordering::Release);
        self.inner.recorded_at.store(0, Ordering::Release);
        self.inner.flushed.store(0, Ordering::Release);
        Ok(())
    }

    /// Returns a page of the cases that a filter finds, as they stood at the end of a slice.
    ///
    /// # Errors
    /// The disk refuses, or the index is damaged.
    pub fn cases(&self, filter: &CaseFilter, slice: &Slice, page: &PageOfCases) -> Result<CasePage, IndexError> {
        let find = || -> Result<CasePage, redb::Error> {
            let read = self.inner.database.begin_read()?;
            Search::new(&read, *slice)?.page(filter, page)
        };
        Ok(find()?)
    }

    /// Returns where somebody looked at something, the latest first.
    ///
    /// # Errors
    /// The disk refuses, or the index is damaged.
    pub fn accesses(&self, asked: &Accesses, limit: usize) -> Result<Vec<Position>, IndexError> {
        let find = || -> Result<Vec<Position>, redb::Error> {
            let table = self.inner.database.begin_read()?.open_table(ACCESSES)?;
            let key = asked.whose.key();
            let (first, last) = (asked.after.0.saturating_add(1), asked.through.0);
            if last < first {
                return Ok(Vec::new());
            }
            let rows = table.range((key.as_slice(), first)..=(key.as_slice(), last))?.rev().take(limit);
            rows.map(|row| Ok(Position(row?.0.value().1))).collect()
        };
        Ok(find()?)
    }

    /// Returns the facts recorded after a position that were effective by a moment.
    ///
    /// # Errors
    /// The disk refuses, or the index is damaged.
    pub fn late_facts(&self, after: Position, late: &Late) -> Result<KnownLate, IndexError> {
        let until = late.until.timestamp_micros();
        let find = || -> Result<KnownLate, redb::Error> {
            let known = self.position().min(late.known);
            let table = self.inner.database.begin_read()?.open_table(LATE)?;
            let mut positions = Vec::new();
            if after < known {
                for row in table.range(after.0 + 1..=known.0)? {
                    let (position, effective_at) = row?;
                    if effective_at.value() <= until {
                        positions.push(Position(position.value()));
                    }
                }
            }
            Ok(KnownLate { positions, through: known })
        };
        Ok(find()?)
    }

    /// Returns the digest of everything in the index: equal logs give equal digests.
    ///
    /// # Errors
    /// The disk refuses, or the index is damaged.
    pub fn digest(&self) -> Result<Digest, IndexError> {
        let digest = || -> Result<Digest, redb::Error> {
            let read = self.inner.database.begin_read()?;
            let mut sha = Sha256::new();
            digest_table(&read.open_table(CASES)?, &mut sha)?;
            digest_table(&read.open_table(ENTRIES)?, &mut sha)?;
            digest_table(&read.open_table(CHANGES)?, &mut sha)?;
            digest_table(&read.open_table(POSTINGS)?, &mut sha)?;
            digest_table(&read.open_table(OPEN)?, &mut sha)?;
            digest_table(&read.open_table(ENDED)?, &mut sha)?;
            digest_table(&read.open_table(TRACES)?, &mut sha)?;
            digest_table(&read.open_table(DAYS)?, &mut sha)?;
            digest_table(&read.open_table(FINDINGS)?, &mut sha)?;
            digest_table(&read.open_table(TAKEN_BACK)?, &mut sha)?;
            digest_table(&read.open_table(LATE)?, &mut sha)?;
            digest_table(&read.open_table(ACCESSES)?, &mut sha)?;
            digest_table(&read.open_table(CERTIFICATES)?, &mut sha)?;
            digest_table(&read.open_table(CERTIFICATE_LISTS)?, &mut sha)?;
            digest_table(&read.open_table(META)?, &mut sha)?;
            Ok(Digest(sha.finalize().into()))
        };
        Ok(digest()?)
    }
}

/// A table exists from its first opening for writing; readers then never miss one.
fn open_all(write: &redb::WriteTransaction) -> Result<(), redb::Error> {
    write.open_table(CASES)?;
    write.open_table(ENTRIES)?;
    write.open_table(CHANGES)?;
    write.open_table(POSTINGS)?;
    write.open_table(OPEN)?;
    write.open_table(ENDED)?;
    write.open_table(TRACES)?;
    write.open_table(DAYS)?;
    write.open_table(FINDINGS)?;
    write.open_table(TAKEN_BACK)?;
    write.open_table(LATE)?;
    write.open_table(ACCESSES)?;
    write.open_table(CERTIFICATES)?;
    write.open_table(CERTIFICATE_LISTS)?;
    write.open_table(META)?;
    Ok(())
}

fn digest_table<K: redb::Key + 'static, V: redb::Value + 'static>(
    table: &redb::ReadOnlyTable<K, V>,
    sha: &mut Sha256,
) -> Result<(), redb::Error> {
    for row in table.iter()? {
        let (key, value) = row?;
        let (key, value) = (key.value(), value.value());
        for bytes in [K::as_bytes(&key).as_ref(), V::as_bytes(&value).as_ref()] {
            sha.update(bytes.len().to_le_bytes());
            sha.update(bytes);
        }
    }
    sha.update([0xff]);
    Ok(())
}
