//! The data directory: where everything of one city lies.

use crate::check::unreadable;
use crate::failure::Failure;
use crate::meter::Meter;
use eventstore::{EventStore, Head, OpenError, Options, Sled};
use replay::case_index::{CaseIndex, IndexError};
use replay::checkpoint::Checkpoints;
use replay::history::History;
use replay::layout::Layout;
use replay::pages::Pages;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A data directory, not opened yet.
pub(crate) struct Data {
    layout: Layout,
}

/// Its log, opened.
pub(crate) struct Opened {
    pub(crate) store: Arc<Sled>,
    pub(crate) history: History,
    pub(crate) head: Head,
    pub(crate) checkpoints: Checkpoints,
}

/// An index that may be changed at will: a copy that goes away with this.
pub(crate) struct BorrowedIndex {
    pub(crate) index: CaseIndex,
    _directory: TempDir,
}

impl Data {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { layout: Layout::new(root) }
    }

    /// Opens a log that is there.
    pub(crate) async fn open(&self) -> Result<Opened, Failure> {
        let log = self.layout.log();
        if !log.is_dir() {
            let what = format!("there is no event log in {}", log.display());
            return Err(Failure::new(what).advise("name the data directory of a server with --data"));
        }
        self.open_or_make().await
    }

    /// Opens the log, or makes one.
    pub(crate) async fn open_or_make(&self) -> Result<Opened, Failure> {
        let log = self.layout.log();
        let opening = log.clone();
        let opened = tokio::task::spawn_blocking(move || {
            fs::create_dir_all(&opening).ok();
            Sled::open(&opening, Options::standard())
        });
        let opened = opened.await.map_err(|why| Failure::new("the opening of the event log broke off").because(why))?;
        let store = Arc::new(opened.map_err(open_failure)?);
        let history = History::new(store.clone() as Arc<dyn EventStore>);
        let head = history.head().await.map_err(|why| Failure::new("cannot read the event log").because(why))?;
        let checkpoints = Checkpoints::new(self.layout.checkpoints(), history.clone());
        Ok(Opened { store, history, head, checkpoints })
    }

    /// Returns a copy of the index, if there is one. The index itself is the server's: opening it would write to it.
    pub(crate) fn borrow_index(&self) -> Result<Option<BorrowedIndex>, Failure> {
        let file = CaseIndex::file(&self.layout.index());
        if !file.is_file() {
            return Ok(None);
        }
        let failed = |why| Failure::new(format!("cannot copy the case index {}", file.display())).because(why);
        let directory = tempfile::tempdir().map_err(failed)?;
        fs::copy(&file, CaseIndex::file(directory.path())).map_err(failed)?;
        Ok(Some(borrowed(directory)?))
    }

    /// Returns an index that knows nothing which is not in the log: a copy of the one that is there, or an empty one.
    pub(crate) async fn aligned_index(&self, opened: &Opened) -> Result<BorrowedIndex, Failure> {
        let borrowed = match self.borrow_index()? {
            Some(borrowed) => borrowed,
            None => self.empty_index()?,
        };
        borrowed.index.align(&opened.history).await.map_err(index_failure)?;
        Ok(borrowed)
    }

    /// Returns an index that knows the whole log: a copy of the one that is there, brought to the end.
    pub(crate) async fn whole_index(&self, opened: &Opened) -> Result<BorrowedIndex, Failure> {
        let borrowed = self.aligned_index(opened).await?;
        let (after, head) = (borrowed.index.position(), opened.head.position);
        if after < head {
            let meter = Meter::new("indexing", "events", head.0 - after.0);
            let pages = Pages::between(&opened.history, after, head);
            let index = borrowed.index.clone();
            let filled = pages.fold_into(Ok(()), move |filled: &mut Result<(), IndexError>, facts| {
                if filled.is_ok() {
                    *filled = index.take_in(facts);
                    meter.at(facts.last().map_or(0, |fact| fact.position - after.0));
                }
            });
            filled.await.map_err(unreadable)?.map_err(index_failure)?;
        }
        Ok(borrowed)
    }

    /// Returns an empty index, to be filled and compared.
    pub(crate) fn empty_index(&self) -> Result<BorrowedIndex, Failure> {
        let failed = |why| Failure::new("cannot make a temporary directory").because(why);
        borrowed(tempfile::tempdir().map_err(failed)?)
    }
}

fn borrowed(directory: TempDir) -> Result<BorrowedIndex, Failure> {
    let index = CaseIndex::open(directory.path());
    let index = index.map_err(|why| Failure::new("cannot open the copy of the case index").because(why))?;
    Ok(BorrowedIndex { index, _directory: directory })
}

fn index_failure(why: IndexError) -> Failure {
    Failure::new("cannot use the case index").because(why)
}

fn open_failure(why: OpenError) -> Failure {
    let advice = match &why {
        OpenError::Locked { .. } => "stop the server, or work on a backup",
        OpenError::Newer { .. } => "use the version of the software that wrote it",
        OpenError::NotALog { .. } => "name the data directory of a server with --data",
        OpenError::Corrupt { .. } => "restore the volume that holds this position from a backup",
        OpenError::Io { .. } => "see that the directory can be read and written",
    };
    Failure::new("cannot open the event log").because(why).advise(advice)
}
