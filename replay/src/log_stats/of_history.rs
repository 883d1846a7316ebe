//! The figures of what stands in the log.

use super::LogStats;
use crate::codec::CodecError;
use crate::history::{History, HistoryError};
use crate::pages::RawPages;
use crate::selection::{LegacyStep, LogSelection, Opening, case_of, decode};
use domain::event::Event;
use domain::ids::CaseId;
use eventstore::{Page, Position, RecordedEvent};
use std::collections::BTreeSet;

/// Gathers the events of the selected cases. The activity of an event of the city's own is its type.
///
/// Tells `progress` now and then up to which position it has come.
///
/// # Errors
/// The log cannot be read, or holds something unknown.
pub async fn of_history(
    history: &History,
    selection: &LogSelection,
    mut progress: impl FnMut(Position),
) -> Result<LogStats<CaseId>, HistoryError> {
    let mut gathering = Gathering::new(selection);
    let mut pages = RawPages::up_to(history, selection.through);
    while let Some(page) = pages.next().await {
        let page = page?;
        gathering.add_page(&page)?;
        progress(page.through);
    }
    Ok(gathering.finish())
}

struct Gathering<'a> {
    selection: &'a LogSelection,
    /// A legacy system's activities name their source themselves, and often nothing else is asked.
    by_source_alone: bool,
    /// The cases that began as asked.
    chosen: BTreeSet<CaseId>,
    /// Those that concern the organisation asked for.
    concerned: BTreeSet<CaseId>,
    stats: LogStats<CaseId>,
}

impl<'a> Gathering<'a> {
    fn new(selection: &'a LogSelection) -> Self {
        let anything_else = LogSelection { source: None, ..selection.clone() };
        Self {
            selection,
            by_source_alone: anything_else.is_open_to_all(),
            chosen: BTreeSet::new(),
            concerned: BTreeSet::new(),
            stats: LogStats::default(),
        }
    }

    fn add_page(&mut self, page: &Page) -> Result<(), HistoryError> {
        for event in &page.events {
            self.add(event).map_err(|source| HistoryError::Decode { position: event.position, source })?;
        }
        Ok(())
    }

    fn add(&mut self, recorded: &RecordedEvent) -> Result<(), CodecError> {
        let Some(case) = case_of(recorded)? else { return Ok(()) };
        if self.selection.organisation.is_some() && self.selection.concerns(recorded) {
            self.concerned.insert(case);
        }
        if let Some(step) = LegacyStep::of(recorded)? {
            let meant = if self.by_source_alone {
                self.selection.source.as_ref().is_none_or(|wanted| wanted.as_str() == step.source)
            } else {
                self.chosen.contains(&case)
            };
            if meant {
                self.stats.observe(case, &step.activity, step.at());
            }
            return Ok(());
        }
        let is_legacy = recorded.kind() == "legacy-case-opened";
        if is_legacy && self.by_source_alone {
            return Ok(());
        }
        if let Some(opening) = Opening::of(recorded)?
            && self.selection.holds(&opening)
        {
            self.chosen.insert(case);
        }
        if is_legacy {
            return Ok(());
        }
        let Event::Case(event) = decode(recorded)? else { return Ok(()) };
        if self.chosen.contains(&case) {
            self.stats.observe(case, event.schema().name, recorded.occurred_at);
        }
        Ok(())
    }

    fn finish(mut self) -> LogStats<CaseId> {
        if self.selection.organisation.is_some() {
            self.stats.retain(|case| self.concerned.contains(case));
        }
        self.stats
    }
}
