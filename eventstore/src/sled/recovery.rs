//! Making a volume whole again: what a crash left unfinished, and what was damaged in either copy.
//!
//! Of every record there are two copies, each with its own checksum. The journal is believed as far as its frames are
//! whole; behind a broken one, whole frames and the database fill the gap. What neither has may be cut off only if
//! nobody was promised it: no later frame says that it was durable, the database never saw it, and no volume follows.

use super::database::{Database, DatabaseFault, Filler, Records, Use};
use super::index::{ActiveIndex, SealedIndex, Summary};
use super::journal::{self, EncodedFrame, FRAMES_AT, Footer, FrameFault, FrameReader, StoredFrame, sync_dir};
use super::mending::{Mending, Part};
use crate::record::RecordView;
use crate::{Micros, Position};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a volume could not be made whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecoverError {
    #[error("the volume cannot be read or written")]
    Io(#[from] io::Error),
    #[error("position {0} is damaged in both copies")]
    Lost(Position),
    #[error("the database cannot be rebuilt: {0}")]
    Database(#[from] DatabaseFault),
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] FrameFault),
}

/// A volume whose copies agree.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) journal: File,
    /// Where the journal's last frame ends.
    pub(crate) end: u64,
    pub(crate) index: ActiveIndex,
    pub(crate) recorded_at: Micros,
    pub(crate) database: Database,
}

/// Which volume to recover.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) dir: PathBuf,
    pub(crate) first: u64,
    /// The position it must reach, if a volume follows it.
    pub(crate) last: Option<u64>,
    pub(crate) database_deadline: Duration,
}

/// Compares the two copies of a volume, and rebuilds from the sound one what is missing or damaged in the other.
pub(crate) fn recover(site: &Site, mended: &mut dyn FnMut(Mending)) -> Result<Recovered, RecoverError> {
    let mut found = scan(site)?;
    let (mut database, comparison) = open_database(site, &found, mended)?;
    let promised = site.last.max(found.promised()).max(comparison.as_ref().and_then(|compared| compared.beyond));
    if promised.is_some_and(|promised| found.next <= promised) {
        found = rewrite(site, found, database.as_ref(), promised, mended)?;
    } else {
        cut_tail(site, &mut found, mended)?;
    }
    let Some(journal) = found.journal.take() else { return Err(RecoverError::Lost(Position(site.first))) };
    let agrees = comparison.is_some_and(|compared| compared.agrees && compared.through + 1 == found.next);
    if !agrees {
        database = None;
    }
    let database = match database {
        Some(database) => database,
        None => rebuild_database(site, &journal, found.end)?,
    };
    if site.last.is_some() {
        // Once a volume counts as sealed, nobody compares its copies at the next opening.
        database.with(|records| records.flush())?;
    }
    Ok(Recovered { journal, end: found.end, index: found.index, recorded_at: found.recorded_at, database })
}

/// Opens a sealed volume without looking further than its ends and its index; its database stays closed.
///
/// A volume that is not fit for that must be recovered; if that is more than a sealing cut short, the mending says so.
pub(crate) fn open_sealed(site: &Site) -> Result<(File, u64, SealedIndex, Summary), Option<Mending>> {
    let journal = File::options().read(true).write(true).open(journal_path(&site.dir)).map_err(|_| None)?;
    if !journal::has_header(&journal, site.first) || super::database::is_suspect(&site.dir) {
        return Err(None);
    }
    let footer = Footer::read(&journal).ok().flatten();
    let has_index = index_path(&site.dir).exists();
    let broken = |part, what: String| Some(Mending::done(site.first, part, what));
    let Some(footer) = footer.filter(|footer| footer.first == site.first && Some(footer.last) == site.last) else {
        // Without either, the volume was full and its sealing had not begun.
        return Err(if has_index { broken(Part::Journal, "its footer was written again".into()) } else { None });
    };
    let index = File::open(index_path(&site.dir)).map_err(|error| {
        let cut_short = error.kind() == io::ErrorKind::NotFound;
        broken(Part::Index, if cut_short { "written, it was missing".into() } else { error.to_string() })
    })?;
    let opened = SealedIndex::open(index, site.first).and_then(|index| Ok((index.summary()?, index)));
    match opened {
        Ok((summary, index)) => Ok((journal, footer.offset, index, summary)),
        Err(fault) => Err(broken(Part::Index, format!("written again: {fault}"))),
    }
}

/// Closes a recovered or full volume: footer, then index.
pub(crate) fn seal(
    dir: &Path,
    first: u64,
    journal: &File,
    end: u64,
    index: &ActiveIndex,
) -> Result<SealedIndex, RecoverError> {
    let last = first + u64::from(index.events()) - 1;
    let footer = Footer { first, last, offset: end, digest: index.digest() };
    if Footer::read(journal)? != Some(footer) {
        journal.set_len(end)?;
        journal.write_all_at(&footer.to_bytes(), end)?;
        journal.sync_all()?;
    }
    let unfinished = dir.join("index.new");
    fs::write(&unfinished, index.to_file(first))?;
    File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, index_path(dir))?;
    sync_dir(dir)?;
    let file = File::open(index_path(dir))?;
    SealedIndex::open(file, first).map_err(|fault| RecoverError::Io(io::Error::other(fault)))
}

/// Makes the directory and the empty journal of a new volume, durable before anything is written to it.
pub(crate) fn create(dir: &Path, first: u64) -> io::Result<File> {
    fs::create_dir_all(dir)?;
    let journal = File::options().read(true).write(true).create(true).truncate(true).open(journal_path(dir))?;
    journal.write_all_at(&journal::file_header(first), 0)?;
    journal.sync_all()?;
    sync_dir(dir)?;
    if let Some(parent) = dir.parent() {
        sync_dir(parent)?;
    }
    Ok(journal)
}

/// Returns where the journal of a volume stands.
pub(crate) fn journal_path(dir: &Path) -> PathBuf {
    dir.join("journal")
}

/// Returns where the index of a sealed volume stands.
pub(crate) fn index_path(dir: &Path) -> PathBuf {
    dir.join("index")
}

/// What the journal alone has to say.
struct Scan {
    /// Absent if the file is missing or does not begin like this volume's journal.
    journal: Option<File>,
    file_bytes: u64,
    end: u64,
    /// The position after the last whole frame.
    next: u64,
    recorded_at: Micros,
    index: ActiveIndex,
    /// Whole frames behind a broken one.
    later: Vec<StoredFrame>,
    fault: Option<FrameFault>,
}

impl Scan {
    /// Returns the last position that some frame knows to have been durable.
    fn promised(&self) -> Option<u64> {
        self.later.iter().map(|frame| frame.durable.0).max()
    }
}

fn scan(site: &Site) -> Result<Scan, RecoverError> {
    let mut found = Scan {
        journal: None,
        file_bytes: 0,
        end: FRAMES_AT,
        next: site.first,
        recorded_at: 0,
        index: ActiveIndex::default(),
        later: Vec::new(),
        fault: None,
    };
    let file = match File::options().read(true).write(true).open(journal_path(&site.dir)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error.into()),
    };
    found.file_bytes = file.metadata()?.len();
    if !journal::has_header(&file, site.first) {
        found.later = journal::salvage(&file)?;
        return Ok(found);
    }
    let footer = Footer::read(&file)?.filter(|footer| footer.first == site.first);
    let end = footer.map_or(found.file_bytes, |footer| footer.offset);
    let mut frames = FrameReader::new(&file, FRAMES_AT, end, Position(site.first));
    while let Some(frame) = frames.next() {
        match frame.and_then(|frame| found.take(&frame).map(|()| frame.last())) {
            Ok(last) => found.next = last.next().0,
            Err(FrameFault::Io(error)) => return Err(error.into()),
            Err(fault) => {
                found.fault = Some(fault);
                break;
            }
        }
        found.end = frames.offset;
    }
    if found.fault.is_some() {
        found.later = journal::salvage(&file)?;
        found.later.retain(|frame| found.next < frame.first.0);
    }
    found.journal = Some(file);
    Ok(found)
}

impl Scan {
    fn take(&mut self, frame: &StoredFrame) -> Result<(), FrameFault> {
        self.index.add_stored(frame)?;
        if let Some(first) = frame.records().next() {
            self.recorded_at = first?.0.recorded_at();
        }
        Ok(())
    }
}

/// How the database compares with the whole part of the journal.
#[derive(Debug)]
struct Comparison {
    /// It holds the same bytes, except perhaps for a missing end, which was filled in.
    agrees: bool,
    /// The last position at which both are the same.
    through: u64,
    /// The last sound position that it has beyond the journal's end.
    beyond: Option<u64>,
    filled: u64,
}

fn open_database(
    site: &Site,
    found: &Scan,
    mended: &mut dyn FnMut(Mending),
) -> Result<(Option<Database>, Option<Comparison>), RecoverError> {
    let journal = found.journal.as_ref().map(File::try_clone).transpose()?;
    let (first, end) = (site.first, found.end);
    let opened = Database::open(&site.dir, Use::Active, site.database_deadline, move |records| {
        compare(records, journal.as_ref(), first, end)
    });
    let said = match &opened {
        // A new volume has no database yet, and one that is empty has lost nothing.
        Err(DatabaseFault::Missing) if found.next == site.first => None,
        Err(fault) => Some(format!("rebuilt from the journal: {fault}")),
        Ok((_, compared)) if !compared.agrees => {
            Some(format!("rebuilt from the journal: it differs at position {}", compared.through + 1))
        }
        Ok((_, compared)) if 0 < compared.filled => {
            Some(format!("{} events that it had not flushed were added from the journal", compared.filled))
        }
        Ok(_) => None,
    };
    if let Some(what) = said {
        mended(Mending::done(site.first, Part::Database, what));
    }
    Ok(opened.map_or((None, None), |(database, compared)| (Some(database), Some(compared))))
}

fn compare(records: &Records<'_>, journal: Option<&File>, first: u64, end: u64) -> Result<Comparison, DatabaseFault> {
    let mut compared = Comparison { agrees: true, through: first - 1, beyond: None, filled: 0 };
    let mut kept = records.iter();
    let mut filler = Filler::new(records);
    if let Some(journal) = journal {
        let mut frames = FrameReader::new(journal, FRAMES_AT, end, Position(first));
        while let Some(frame) = frames.next() {
            let frame = frame.map_err(io::Error::other)?;
            for record in frame.records() {
                let (record, _) = record.map_err(io::Error::other)?;
                match kept.next().transpose()? {
                    Some((key, value)) => {
                        let same = key == record.position().0.to_be_bytes() && value == record.bytes();
                        if !same || 0 < compared.filled {
                            compared.agrees = false;
                            compared.beyond = sound_from(records, Position(compared.through + 1));
                            return Ok(compared);
                        }
                    }
                    None => {
                        filler.add(record)?;
                        compared.filled += 1;
                    }
                }
                compared.through = record.position().0;
            }
        }
    }
    filler.finish()?;
    compared.beyond = sound_from(records, Position(compared.through + 1));
    Ok(compared)
}

/// Returns the last of the sound records that follow one another from `start`.
fn sound_from(records: &Records<'_>, start: Position) -> Option<u64> {
    (start.0..).take_while(|position| records.sound(Position(*position)).is_some()).last()
}

/// Writes the journal anew from whole frames and the database.
fn rewrite(
    site: &Site,
    found: Scan,
    database: Option<&Database>,
    promised: Option<u64>,
    mended: &mut dyn FnMut(Mending),
) -> Result<Scan, RecoverError> {
    let why = match (&found.journal, &found.fault) {
        (None, _) => "it is missing or does not begin like a journal".to_owned(),
        (Some(_), Some(fault)) => fault.to_string(),
        (Some(_), None) => "it ends early".to_owned(),
    };
    let unfinished = site.dir.join("journal.new");
    let new = File::options().read(true).write(true).create(true).truncate(true).open(&unfinished)?;
    new.write_all_at(&journal::file_header(site.first), 0)?;
    let kept_end = if let Some(old) = &found.journal {
        copy(old, &new, FRAMES_AT, found.end)?;
        found.end
    } else {
        FRAMES_AT
    };
    let later: BTreeMap<u64, StoredFrame> = found.later.into_iter().map(|frame| (frame.first.0, frame)).collect();
    let next = fill_gap(&new, kept_end, found.next, &later, database)?;
    if promised.is_some_and(|promised| next <= promised) {
        return Err(RecoverError::Lost(Position(next)));
    }
    new.sync_all()?;
    fs::rename(&unfinished, journal_path(&site.dir))?;
    sync_dir(&site.dir)?;
    let what = format!("rebuilt from its whole frames and the database from position {} on: {why}", found.next);
    mended(Mending::done(site.first, Part::Journal, what));
    scan(site)
}

fn fill_gap(
    new: &File,
    mut end: u64,
    mut next: u64,
    later: &BTreeMap<u64, StoredFrame>,
    database: Option<&Database>,
) -> Result<u64, RecoverError> {
    loop {
        if let Some(frame) = later.get(&next) {
            new.write_all_at(frame.bytes(), end)?;
            end += frame.len();
            next += u64::from(frame.events);
        } else if let Some(frame) = database.and_then(|database| frame_from(database, next)) {
            new.write_all_at(frame.bytes(), end)?;
            end += frame.bytes().len() as u64;
            next += frame.records().count() as u64;
        } else {
            return Ok(next);
        }
    }
}

/// Puts the frame that begins at `first` together from the database: the records of one command.
pub(crate) fn frame_from(database: &Database, first: u64) -> Option<EncodedFrame> {
    database.with(|records| {
        let beginning = records.sound(Position(first))?;
        let command = RecordView::trusted(&beginning).ok()?.command();
        let mut kept = vec![beginning];
        for position in first + 1.. {
            let Some(bytes) = records.sound(Position(position)) else { break };
            if RecordView::trusted(&bytes).ok()?.command() != command {
                break;
            }
            kept.push(bytes);
        }
        let views = kept.iter().filter_map(|bytes| RecordView::trusted(bytes).ok());
        let mut frame = EncodedFrame::of_records(views);
        frame.complete(Position(first), Position(first - 1));
        Some(frame)
    })
}

fn copy(from: &File, to: &File, start: u64, end: u64) -> io::Result<()> {
    const PIECE: u64 = 1024 * 1024;
    let mut at = start;
    while at < end {
        let stop = end.min(at + PIECE);
        to.write_all_at(&journal::read_range(from, at, stop)?, at)?;
        at = stop;
    }
    Ok(())
}

/// Cuts off what nobody was promised, and leaves a journal that begins properly.
fn cut_tail(site: &Site, found: &mut Scan, mended: &mut dyn FnMut(Mending)) -> Result<(), RecoverError> {
    match &found.journal {
        None => found.journal = Some(create(&site.dir, site.first)?),
        Some(journal) if found.fault.is_some() => {
            journal.set_len(found.end)?;
            journal.sync_all()?;
            let torn = found.file_bytes - found.end;
            let what = format!("{torn} bytes at its end, which nobody was promised, were cut off");
            mended(Mending::done(site.first, Part::Journal, what));
        }
        Some(_) => (),
    }
    Ok(())
}

/// Fills a new database from the frames of the journal.
pub(crate) fn rebuild_database(site: &Site, journal: &File, end: u64) -> Result<Database, RecoverError> {
    let journal = journal.try_clone()?;
    let first = Position(site.first);
    let (database, ()) = Database::rebuild(&site.dir, Use::Active, FILL_DEADLINE, move |records| {
        let mut filler = Filler::new(records);
        let mut frames = FrameReader::new(&journal, FRAMES_AT, end, first);
        while let Some(frame) = frames.next() {
            for record in frame.map_err(io::Error::other)?.records() {
                filler.add(record.map_err(io::Error::other)?.0)?;
            }
        }
        Ok(filler.finish()?)
    })?;
    Ok(database)
}

/// A new database has nothing to hang on; this only keeps the wait from being endless.
const FILL_DEADLINE: Duration = Duration::from_secs(600);
