//! The figures of what stands in the log.

use super::LogStats;
use crate::codec::CodecError;
use crate::history::{History, HistoryError};
use domain::event::{CaseEvent, DecodeError, Event};
use domain::fact::Subject;
use domain::ids::{CaseId, ItemId, SourceName};
use domain::zone::Instant;
use eventstore::{PAGE_EVENTS_MAX, Page, Position, RecordedEvent};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Which cases of the log to look at.
#[derive(Debug, Clone)]
pub struct LogSelection {
    /// Those of this source: a legacy system, or `own`; all, if none is named.
    pub source: Option<SourceName>,
    /// Those about this item; a legacy system's are about none.
    pub item: Option<ItemId>,
    /// Only what had been recorded at this position.
    pub through: Position,
}

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
    let mut gathering = Gathering { selection, own: BTreeSet::new(), stats: LogStats::default() };
    let mut page = Page::default();
    while !page.end && page.through < selection.through {
        // The next page is on its way while this one is gathered.
        let next = history.raw_page(page.through, PAGE_EVENTS_MAX);
        let (next, gathered) = tokio::join!(next, async { gathering.add_page(&page) });
        gathered?;
        progress(page.through);
        page = next?;
    }
    gathering.add_page(&page)?;
    Ok(gathering.stats)
}

struct Gathering<'a> {
    selection: &'a LogSelection,
    /// The selected cases among the city's own.
    own: BTreeSet<CaseId>,
    stats: LogStats<CaseId>,
}

/// What counts of a `legacy-activity-recorded`, version 1. Its attributes, most of the body, are passed over.
#[derive(Deserialize)]
struct LegacyStep<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    activity: Cow<'a, str>,
    at: Instant,
}

impl Gathering<'_> {
    fn add_page(&mut self, page: &Page) -> Result<(), HistoryError> {
        for event in page.events.iter().take_while(|event| event.position <= self.selection.through) {
            self.add(event).map_err(|source| HistoryError::Decode { position: event.position, source })?;
        }
        Ok(())
    }

    fn add(&mut self, recorded: &RecordedEvent) -> Result<(), CodecError> {
        let Subject::Case(case) = recorded.stream().parse()? else { return Ok(()) };
        match (recorded.kind(), recorded.schema) {
            ("legacy-activity-recorded", 1) => return self.add_legacy(case, recorded),
            ("legacy-case-opened", _) => return Ok(()),
            _ => (),
        }
        let Event::Case(event) = Event::decode(recorded.kind(), recorded.schema, recorded.body())? else {
            return Ok(());
        };
        if let CaseEvent::CaseSubmitted(submitted) = &event
            && self.is_selected(submitted.source.as_str(), Some(&submitted.item))
        {
            self.own.insert(case);
        }
        if self.own.contains(&case) {
            self.stats.observe(case, event.schema().name, recorded.occurred_at);
        }
        Ok(())
    }

    fn add_legacy(&mut self, case: CaseId, recorded: &RecordedEvent) -> Result<(), CodecError> {
        let step: LegacyStep = serde_json::from_slice(recorded.body()).map_err(|source| DecodeError::Body {
            kind: recorded.kind().to_owned(),
            schema: recorded.schema,
            source,
        })?;
        if self.is_selected(&step.source, None) {
            self.stats.observe(case, &step.activity, step.at.timestamp_micros());
        }
        Ok(())
    }

    fn is_selected(&self, source: &str, item: Option<&ItemId>) -> bool {
        let LogSelection { source: wanted_source, item: wanted_item, .. } = self.selection;
        wanted_source.as_ref().is_none_or(|wanted| wanted.as_str() == source)
            && wanted_item.as_ref().is_none_or(|wanted| Some(wanted) == item)
    }
}
