//! The data directory: where everything of one city lies.

use crate::arguments::Place;
use crate::check::unreadable;
use crate::failure::Failure;
use crate::meter::Meter;
use eventstore::{Head, OpenError, Options, ReadError, Sled};
use replay::case_index::{CaseIndex, IndexError};
use replay::checkpoint::Checkpoints;
use replay::history::History;
use replay::layout::Layout;
use replay::pages::Pages;
use replay::remote::Remote;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Where everything lies unless it is said.
const DIRECTORY: &str = "data";
/// No token is longer.
const TOKEN_BYTES_MAX: u64 = 8 * 1024;

/// A data directory, or a running server, not opened yet.
pub(crate) struct Data {
    layout: Layout,
    named: bool,
    remote: Option<Remote>,
}

/// A log, opened to be looked at.
pub(crate) struct Opened {
    /// The store, where it is ours: a running server keeps its own.
    pub(crate) store: Option<Arc<Sled>>,
    pub(crate) history: History,
    pub(crate) head: Head,
    /// What was kept aside; nothing of a running server's.
    pub(crate) checkpoints: Checkpoints,
    _nothing: Option<TempDir>,
}

/// An index that may be changed at will: a copy that goes away with this.
pub(crate) struct BorrowedIndex {
    pub(crate) index: CaseIndex,
    _directory: TempDir,
}

impl Data {
    pub(crate) fn new(place: Place) -> Result<Self, Failure> {
        let Place { data, server, token_file, purpose } = place;
        let remote = match (server, token_file) {
            (Some(server), Some(file)) => Some(remote(&server, &file, &purpose)?),
            (Some(_), None) => {
                return Err(Failure::new("a server without a token").advise("name its file with --token-file"));
            }
            (None, Some(_)) => return Err(Failure::new("a token without a server").advise("name one with --server")),
            (None, None) => None,
        };
        let named = data.is_some();
        let layout = Layout::new(data.unwrap_or_else(|| PathBuf::from(DIRECTORY)));
        Ok(Self { layout, named, remote })
    }

    /// Whether the directory was named, and is not just the usual one.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// Returns the running server that is asked, if it is one.
    pub(crate) fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// Opens a log that is there, or reaches the server's.
    pub(crate) async fn open(&self) -> Result<Opened, Failure> {
        if let Some(remote) = &self.remote {
            if self.named {
                return Err(Failure::new("a data directory and a server at once").advise("name the one to look at"));
            }
            return reach(remote).await;
        }
        let log = self.layout.log();
        if !log.is_dir() {
            let what = format!("there is no event log in {}", log.display());
            return Err(Failure::new(what).advise("name the data directory of a server with --data"));
        }
        let store = self.open_or_make().await?;
        let history = History::new(store.clone());
        let head = history.head().await.map_err(|why| Failure::new("cannot read the event log").because(why))?;
        let checkpoints = Checkpoints::new(self.layout.checkpoints(), history.clone());
        Ok(Opened { store: Some(store), history, head, checkpoints, _nothing: None })
    }

    /// Opens the log of the data directory, or makes one.
    pub(crate) async fn open_or_make(&self) -> Result<Arc<Sled>, Failure> {
        let log = self.layout.log();
        let opening = log.clone();
        let opened = tokio::task::spawn_blocking(move || {
            fs::create_dir_all(&opening).ok();
            Sled::open(&opening, Options::standard())
        });
        let opened = opened.await.map_err(|why| Failure::new("the opening of the event log broke off").because(why))?;
        Ok(Arc::new(opened.map_err(open_failure)?))
    }

    /// Returns a copy of the index, if there is one. The index itself is the server's: opening it would write to it.
    pub(crate) fn borrow_index(&self) -> Result<Option<BorrowedIndex>, Failure> {
        let file = CaseIndex::file(&self.layout.index());
        if self.remote.is_some() || !file.is_file() {
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

/// Reaches a server's log. What lies in a data directory is of another one, so nothing of it is used.
pub(crate) async fn reach(remote: &Remote) -> Result<Opened, Failure> {
    let history = History::new(Arc::new(remote.clone()));
    let head = history.head().await.map_err(unreachable)?;
    let nothing = tempfile::tempdir();
    let nothing = nothing.map_err(|why| Failure::new("cannot make a temporary directory").because(why))?;
    let checkpoints = Checkpoints::new(nothing.path().to_owned(), history.clone());
    Ok(Opened { store: None, history, head, checkpoints, _nothing: Some(nothing) })
}

fn remote(server: &str, token_file: &Path, purpose: &str) -> Result<Remote, Failure> {
    let told = |why| Failure::new(format!("cannot read the token {}", token_file.display())).because(why);
    let mut token = String::new();
    fs::File::open(token_file).and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_string(&mut token)).map_err(told)?;
    Remote::new(server, &token, purpose).map_err(|why| Failure::new("cannot ask the server").because(why))
}

fn unreachable(why: ReadError) -> Failure {
    match why {
        // The server's own words, or what became of it, say what to do.
        ReadError::Unavailable { source } => Failure::new("cannot read the server's log").because_of(source),
        why @ ReadError::Corrupt { .. } => Failure::new("cannot read the server's log").because(why),
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
