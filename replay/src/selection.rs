//! Which cases of the log are meant, told by their first event and by the labels on their events.

use crate::codec::CodecError;
use chrono::NaiveDate;
use domain::event::{CaseEvent, DecodeError, Event};
use domain::fact::Subject;
use domain::ids::{CaseId, ItemId, OrganisationId, SourceName};
use domain::zone::{self, Instant};
use eventstore::{Micros, Position, RecordedEvent};
use serde::Deserialize;
use std::borrow::Cow;

/// Which cases of the log to look at, and up to where: those that meet every condition given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSelection {
    /// Those of this source: a legacy system, or `own`.
    pub source: Option<SourceName>,
    /// Those about this item; a legacy system's are about none.
    pub item: Option<ItemId>,
    /// Those judged by this version of their item.
    pub item_version: Option<u32>,
    /// Those that concern this organisation or one under it.
    pub organisation: Option<OrganisationId>,
    /// Those applied for (or, of a legacy system, begun) on this day or later.
    pub opened_from: Option<NaiveDate>,
    /// Those applied for before this day.
    pub opened_to: Option<NaiveDate>,
    /// Only what had been recorded at this position.
    pub through: Position,
}

impl LogSelection {
    /// Everything recorded up to and including a position.
    #[must_use]
    pub fn through(through: Position) -> Self {
        Self {
            source: None,
            item: None,
            item_version: None,
            organisation: None,
            opened_from: None,
            opened_to: None,
            through,
        }
    }

    /// Tells whether a case that began so is meant, as far as its beginning can tell.
    #[must_use]
    pub fn holds(&self, opening: &Opening) -> bool {
        self.source.as_ref().is_none_or(|wanted| *wanted == opening.source)
            && self.item.as_ref().is_none_or(|wanted| opening.item.as_ref() == Some(wanted))
            && self.item_version.is_none_or(|wanted| opening.item_version == Some(wanted))
            && self.opened_from.is_none_or(|from| from <= opening.on)
            && self.opened_to.is_none_or(|to| opening.on < to)
    }

    /// Tells whether an event lies with the organisation asked for, or one under it.
    #[must_use]
    pub fn concerns(&self, event: &RecordedEvent) -> bool {
        let Some(wanted) = &self.organisation else { return true };
        let paths = event.labels().filter_map(|label| label.strip_prefix("o:"));
        paths.flat_map(|path| path.split('/')).any(|organisation| organisation == wanted.as_str())
    }

    /// Tells whether the beginning of a case decides anything.
    pub(crate) fn is_open_to_all(&self) -> bool {
        let Self { source, item, item_version, organisation: _, opened_from, opened_to, through: _ } = self;
        source.is_none() && item.is_none() && item_version.is_none() && opened_from.is_none() && opened_to.is_none()
    }
}

/// What the first event of a case says of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Whose history.
    pub source: SourceName,
    /// For which item; none, if it is a legacy system's.
    pub item: Option<ItemId>,
    /// Under which version of it.
    pub item_version: Option<u32>,
    /// The day of application, or of a legacy case's first event.
    pub on: NaiveDate,
}

impl Opening {
    /// Returns what an event says as the first of its case; nothing, if it opens none.
    ///
    /// # Errors
    /// Its body cannot be read.
    pub fn of(recorded: &RecordedEvent) -> Result<Option<Self>, CodecError> {
        if !matches!(recorded.kind(), "case-submitted" | "legacy-case-opened") {
            return Ok(None);
        }
        let on = zone::day_of(crate::codec::instant(recorded.occurred_at)?);
        Ok(match decode(recorded)? {
            Event::Case(CaseEvent::CaseSubmitted(submitted)) => Some(Self {
                source: submitted.source,
                item: Some(submitted.item),
                item_version: Some(submitted.item_version),
                on,
            }),
            Event::Case(CaseEvent::LegacyCaseOpened(opened)) => {
                Some(Self { source: opened.source, item: None, item_version: None, on })
            }
            _ => None,
        })
    }
}

/// Returns the case that an event belongs to, if it belongs to one.
///
/// # Errors
/// The stream's name is none of ours.
pub fn case_of(recorded: &RecordedEvent) -> Result<Option<CaseId>, CodecError> {
    match recorded.stream().parse()? {
        Subject::Case(case) => Ok(Some(case)),
        _ => Ok(None),
    }
}

/// Returns what was recorded, decoded.
///
/// # Errors
/// The type is unknown, or the body does not fit.
pub fn decode(recorded: &RecordedEvent) -> Result<Event, CodecError> {
    Ok(Event::decode(recorded.kind(), recorded.schema, recorded.body())?)
}

/// What counts of a `legacy-activity-recorded`, version 1. Its attributes, most of the body, are passed over.
#[derive(Deserialize)]
pub(crate) struct LegacyStep<'a> {
    #[serde(borrow)]
    pub(crate) source: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) activity: Cow<'a, str>,
    at: Instant,
}

impl<'a> LegacyStep<'a> {
    /// Reads as much of a legacy system's activity as figures need; nothing, if it is something else.
    pub(crate) fn of(recorded: &'a RecordedEvent) -> Result<Option<Self>, CodecError> {
        if recorded.kind() != "legacy-activity-recorded" || recorded.schema != 1 {
            return Ok(None);
        }
        let step = serde_json::from_slice(recorded.body());
        let step = step.map_err(|source| DecodeError::Body {
            kind: recorded.kind().to_owned(),
            schema: recorded.schema,
            source,
        })?;
        Ok(Some(step))
    }

    pub(crate) fn at(&self) -> Micros {
        self.at.timestamp_micros()
    }
}
