//! What was read of the log once. The log only grows, so a fact stays as it is, and a stream is what was read of it and what
//! was added since: asking whether anything was added costs far less than reading it all again.
//!
//! Nothing here knows who asks. Rights, masks and erasures are looked at by whoever shows it, each time.

use crate::bounded::Bounded;
use domain::fact::{Fact, Subject};
use domain::ids::CaseId;
use eventstore::Position;
use projections::Projection as _;
use projections::case_file::CaseFile;
use replay::history::{History, HistoryError};
use std::sync::Arc;

/// Files of cases that are kept.
const FILES_MAX: usize = 8_192;
/// Short streams that are kept.
const STREAMS_MAX: usize = 8_192;
/// A longer stream than this is not kept.
const STREAM_FACTS_MAX: usize = 32;
/// Single facts that are kept.
const FACTS_MAX: usize = 16_384;

/// Facts and files read before, a bounded number of each.
pub struct Remembered {
    files: Bounded<CaseId, Arc<CaseFile>>,
    streams: Bounded<Subject, Arc<Vec<Fact>>>,
    facts: Bounded<u64, Arc<Fact>>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self { files: Bounded::new(FILES_MAX), streams: Bounded::new(STREAMS_MAX), facts: Bounded::new(FACTS_MAX) }
    }
}

impl Remembered {
    /// Returns the facts of a short stream, all of them as of now.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn stream(&self, history: &History, subject: &Subject) -> Result<Arc<Vec<Fact>>, HistoryError> {
        let known = self.streams.get(subject);
        let read =
            known.as_ref().and_then(|known| known.last()).map_or(Position::START, |last| Position(last.position));
        let added = history.stream_after(subject, read).await?;
        if let Some(known) = known.clone().filter(|_| added.is_empty()) {
            return Ok(known);
        }
        let mut all = known.map_or_else(Vec::new, |known| known.to_vec());
        all.extend(added);
        let all = Arc::new(all);
        if all.len() <= STREAM_FACTS_MAX {
            self.streams.put(subject.clone(), Arc::clone(&all));
        }
        Ok(all)
    }

    /// Returns the file of a case as of now, read from its stream; nothing if there is no such case.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn file(&self, history: &History, case: CaseId) -> Result<Option<Arc<CaseFile>>, HistoryError> {
        let known = self.files.get(&case);
        let read = known.as_ref().map_or(Position::START, |known| Position(known.position));
        let added = history.stream_after(&Subject::Case(case), read).await?;
        if let Some(known) = known.clone().filter(|_| added.is_empty()) {
            return Ok(Some(known));
        }
        let mut file = known.map_or_else(CaseFile::default, |known| CaseFile::clone(&known));
        added.iter().for_each(|fact| file.apply(fact));
        Ok(file.id.is_some().then(|| self.keep(case, file)))
    }

    /// Returns the file of an open case as it stands in the views: the one kept, if nothing has been added since.
    pub fn open_file(&self, case: CaseId, file: &CaseFile) -> Arc<CaseFile> {
        let known = self.files.get(&case).filter(|known| known.position == file.position);
        known.unwrap_or_else(|| self.keep(case, file.clone()))
    }

    fn keep(&self, case: CaseId, file: CaseFile) -> Arc<CaseFile> {
        let file = Arc::new(file);
        self.files.put(case, Arc::clone(&file));
        file
    }

    /// Returns the fact at a position; nothing where there is none.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn fact(&self, history: &History, position: u64) -> Result<Option<Arc<Fact>>, HistoryError> {
        if let Some(known) = self.facts.get(&position) {
            return Ok(Some(known));
        }
        let page = history.page(Position(position.saturating_sub(1)), 1).await?;
        let fact = page.facts.into_iter().next().filter(|fact| fact.position == position).map(Arc::new);
        if let Some(fact) = &fact {
            self.facts.put(position, Arc::clone(fact));
        }
        Ok(fact)
    }
}
