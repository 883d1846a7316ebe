//! The figures of what stands in the log.

use super::LogStats;
use crate::history::{History, HistoryError};
use crate::pages::Pages;
use domain::event::case::{CaseSubmitted, LegacyActivityRecorded};
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ItemId, SourceName};
use eventstore::Position;
use std::collections::BTreeSet;

/// The name of the city's own history, beside those of legacy systems.
const OWN: &str = "own";

/// Which cases of the log to look at.
#[derive(Debug, Clone)]
pub struct LogSelection {
    /// Those of this legacy system (`own`: the city's own); all, if none is named.
    pub source: Option<SourceName>,
    /// Those about this item; a legacy system's are about none.
    pub item: Option<ItemId>,
    /// Only what had been recorded at this position.
    pub through: Position,
}

/// Gathers the events of the selected cases. The activity of an event of the city's own is its type.
///
/// Must be called within a tokio runtime.
///
/// # Errors
/// The log cannot be read, or holds something unknown.
pub async fn of_history(history: &History, selection: &LogSelection) -> Result<LogStats<CaseId>, HistoryError> {
    let mut gathering = Gathering { selection, about_item: BTreeSet::new(), stats: LogStats::default() };
    let mut pages = Pages::between(history, Position::START, selection.through);
    while let Some(page) = pages.next().await {
        page?.iter().for_each(|fact| gathering.add(fact));
    }
    Ok(gathering.stats)
}

struct Gathering<'a> {
    selection: &'a LogSelection,
    /// The cases about the selected item.
    about_item: BTreeSet<CaseId>,
    stats: LogStats<CaseId>,
}

impl Gathering<'_> {
    fn add(&mut self, fact: &Fact) {
        let (Subject::Case(case), Event::Case(event)) = (&fact.subject, &fact.event) else { return };
        match event {
            CaseEvent::LegacyActivityRecorded(recorded) => self.add_legacy(*case, recorded),
            CaseEvent::LegacyCaseOpened(_) => (),
            event => {
                if let CaseEvent::CaseSubmitted(submitted) = event {
                    self.note_item(*case, submitted);
                }
                if self.is_selected(OWN) && (self.selection.item.is_none() || self.about_item.contains(case)) {
                    self.stats.observe(*case, event.schema().name, fact.occurred_at.timestamp_micros());
                }
            }
        }
    }

    fn add_legacy(&mut self, case: CaseId, recorded: &LegacyActivityRecorded) {
        if self.is_selected(recorded.source.as_str()) && self.selection.item.is_none() {
            self.stats.observe(case, &recorded.activity, recorded.at.timestamp_micros());
        }
    }

    fn note_item(&mut self, case: CaseId, submitted: &CaseSubmitted) {
        if self.selection.item.as_ref() == Some(&submitted.item) {
            self.about_item.insert(case);
        }
    }

    fn is_selected(&self, source: &str) -> bool {
        self.selection.source.as_ref().is_none_or(|wanted| wanted.as_str() == source)
    }
}
