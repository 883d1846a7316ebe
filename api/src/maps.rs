//! Process maps that were drawn, each kept until something is recorded that belongs on it.
//!
//! A map is drawn from the streams of thousands of cases, and what is recorded from one moment to the next hardly ever
//! belongs to one of them. So what came since it was drawn is looked at, not all that it was drawn from.

use crate::bounded::Bounded;
use bytes::Bytes;
use chrono::DateTime;
use domain::fact::Subject;
use domain::ids::{CaseId, ItemId, OrganisationId};
use domain::zone::day_of;
use eventstore::{Position, ReadError, RecordedEvent};
use projections::scope::{Period, Source};
use replay::history::History;
use replay::moment::Slice;
use std::sync::Arc;

/// Maps that are kept.
const MAPS_MAX: usize = 64;
/// After so many events a map is drawn again rather than brought up to them.
const EVENTS_SINCE_MAX: usize = 20_000;
/// How many of them are read at once.
const PAGE_EVENTS: usize = 256;

/// What a map was asked for, and by whom it may be seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MapQuestion {
    /// One period, or two side by side: first day, and first day after.
    pub periods: Vec<(chrono::NaiveDate, chrono::NaiveDate)>,
    /// Only this item.
    pub item: Option<ItemId>,
    /// Only cases judged by this version of it.
    pub version: Option<u32>,
    /// Whose histories.
    pub source: String,
    /// The organisation named in the answer.
    pub organisation: OrganisationId,
    /// Only cases that concern it and those under it.
    pub within: bool,
    /// Cases are named.
    pub names_cases: bool,
    /// The past that it is asked of; nothing for the present.
    pub past: Option<Slice>,
}

impl MapQuestion {
    /// Asks about these periods and this source.
    #[must_use]
    pub fn new(periods: &[Period], source: &Source, organisation: OrganisationId) -> Self {
        Self {
            periods: periods.iter().map(|period| (period.from, period.to)).collect(),
            item: None,
            version: None,
            source: source.to_string(),
            organisation,
            within: false,
            names_cases: false,
            past: None,
        }
    }
}

/// A map that was drawn.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The answer as JSON, without its stamp.
    pub json: Bytes,
    /// The cases on it, in order.
    pub cases: Arc<[CaseId]>,
    /// Everything recorded up to here was looked at.
    pub through: Position,
}

/// Maps already drawn.
pub struct Maps {
    kept: Bounded<MapQuestion, Drawn>,
}

impl Default for Maps {
    fn default() -> Self {
        Self { kept: Bounded::new(MAPS_MAX) }
    }
}

impl Maps {
    /// Returns the map kept for a question, if it is still what would be drawn at this position.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn kept(
        &self,
        question: &MapQuestion,
        history: &History,
        through: Position,
    ) -> Result<Option<Drawn>, ReadError> {
        let Some(mut drawn) = self.kept.get(question) else { return Ok(None) };
        // The past stays as it was.
        if question.past.is_some() || through <= drawn.through {
            return Ok(Some(drawn));
        }
        let mut looked_at = 0;
        while drawn.through < through {
            let page = history.raw_page(drawn.through, PAGE_EVENTS).await?;
            let since = page.events.iter().take_while(|event| event.position <= through);
            if EVENTS_SINCE_MAX < looked_at || since.clone().any(|event| question.concerns(&drawn.cases, event)) {
                return Ok(None);
            }
            looked_at += since.count();
            drawn.through = if page.end { through } else { page.through.min(through) };
        }
        self.kept.put(question.clone(), drawn.clone());
        Ok(Some(drawn))
    }

    /// Keeps a map.
    pub fn keep(&self, question: MapQuestion, drawn: Drawn) {
        self.kept.put(question, drawn);
    }
}

impl MapQuestion {
    /// Whether something recorded may change the map of these cases.
    fn concerns(&self, cases: &[CaseId], event: &RecordedEvent) -> bool {
        let Ok(subject) = event.stream().parse::<Subject>() else { return true };
        match subject {
            // A case may come to concern an organisation by any of its acts.
            Subject::Case(case) => self.within || cases.binary_search(&case).is_ok() || self.is_new_case(event),
            // What days are counted by, which steps an item has, and which organisations stand under which.
            Subject::Calendar | Subject::Item(_) | Subject::Organisation(_) => true,
            Subject::Rating(_)
            | Subject::Hall(_)
            | Subject::Slots(_)
            | Subject::Certificate(_)
            | Subject::Library(_)
            | Subject::Roster(..)
            | Subject::ServicePoint(_)
            | Subject::Instrument(_)
            | Subject::Kin(_)
            | Subject::Checklist(_)
            | Subject::Inspection(_)
            | Subject::Campaign(_)
            | Subject::Policy
            | Subject::Template(_)
            | Subject::Access(_) => false,
        }
    }

    fn is_new_case(&self, event: &RecordedEvent) -> bool {
        let opened_on = DateTime::from_timestamp_micros(event.occurred_at).map(day_of);
        let within = |day| self.periods.iter().any(|(from, to)| *from <= day && day < *to);
        event.version.0 == 1 && opened_on.is_none_or(within)
    }
}
