//! What supervisors look for again: marks of wrong paths, warnings, the orders of bad ratings and what was not adopted.
//!
//! A row is written once, by the day on which it counts, so a question about a month reads a month; its position says in
//! which slices it stands.

use super::tables::{FINDINGS, LATE, TAKEN_BACK, each_change};
use super::{CaseIndex, IndexError, Order, Whose, changes::Attribute};
use crate::moment::Slice;
use chrono::{Datelike, NaiveDate};
use domain::event::case::{Anomaly, Threshold};
use domain::event::rating::{BadRatingOpened, RatingNotAdopted};
use domain::event::{CaseEvent, RatingEvent};
use domain::fact::{Fact, Subject};
use domain::ids::{ItemId, OrganisationId, SourceName, StaffId};
use domain::zone::day_of;
use projections::oversight::{Responsible, of_warning, responsible};
use redb::{ReadOnlyTable, ReadableDatabase, ReadableTable, StorageError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most rows examined for one page; a page that ends early says where to go on.
const ROWS_PER_PAGE_MAX: usize = 8_000;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A mark of a wrong path.
    Anomaly(Anomaly),
    /// A warning.
    Warning(Threshold),
    /// 差评工单.
    Order,
    /// 不予采纳.
    NotAdopted,
}

impl FindingKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Anomaly(kind) => kind.as_str(),
            Self::Warning(Threshold::Yellow) => "warning-yellow",
            Self::Warning(Threshold::Red) => "warning-red",
            Self::Order => "rating-order",
            Self::NotAdopted => "rating-not-adopted",
        }
    }
}

/// Which findings are asked for: all that meet every condition given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingFilter {
    /// Of these kinds.
    pub kinds: Vec<FindingKind>,
    /// Whose history.
    pub whose: Whose,
    /// Concerning one of these; an empty set finds nothing.
    pub organisations: Option<BTreeSet<OrganisationId>>,
    /// Concerning this person.
    pub person: Option<StaffId>,
    /// For this item.
    pub item: Option<ItemId>,
    /// On this day or later.
    pub from: Option<NaiveDate>,
    /// Before this day.
    pub to: Option<NaiveDate>,
}

/// Where a page of findings ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FindingCursor {
    day: i32,
    position: u64,
    kind: FindingKind,
}

/// Which page is asked for.
#[derive(Debug, Clone, Copy)]
pub struct PageOfFindings {
    /// Where the last page ended; `None` for the first.
    pub after: Option<FindingCursor>,
    /// How many at most.
    pub limit: usize,
    /// By day.
    pub order: Order,
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// The day on which it counts.
    pub on: NaiveDate,
    /// The position of the fact it stands on.
    pub position: u64,
    /// The stream of that fact.
    pub about: Subject,
    /// Which organisation it concerns.
    pub organisation: OrganisationId,
    /// Whom there.
    pub person: Option<StaffId>,
    /// For which item.
    pub item: Option<ItemId>,
}

/// Some findings in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingPage {
    /// The findings; possibly fewer than asked for, even where more follow, because the work for one page is bounded.
    pub findings: Vec<Finding>,
    /// Where to go on, if anything may follow.
    pub next: Option<FindingCursor>,
}

/// What a row holds besides its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    about: String,
    /// The first fact of the case, by which what is taken back is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
    organisation: OrganisationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<StaffId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<ItemId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<SourceName>,
}

/// What a case says of itself in its first fact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) item: Option<ItemId>,
    pub(super) source: Option<SourceName>,
}

impl Words {
    /// What the opening of a case says of it.
    pub(super) fn told(event: &CaseEvent) -> Option<Self> {
        if let CaseEvent::CaseSubmitted(body) = event {
            return Some(Self { item: Some(body.item.clone()), source: Some(body.source.clone()) });
        }
        if let CaseEvent::LegacyCaseOpened(body) = event {
            return Some(Self { item: None, source: Some(body.source.clone()) });
        }
        None
    }

    /// Reads them back from the changes of a case that was entered earlier.
    pub(super) fn stored(
        changes: &impl ReadableTable<(u64, u64), &'static [u8]>,
        entry: u64,
    ) -> Result<Self, redb::Error> {
        let mut words = Self::default();
        if let Some(row) = changes.get((entry, entry))? {
            each_change(row.value(), |attribute, value| match attribute {
                Attribute::Item => words.item = value.parse().ok(),
                Attribute::Source => words.source = value.parse().ok(),
                Attribute::Organisation
                | Attribute::Subject
                | Attribute::Number
                | Attribute::Phase
                | Attribute::Closing
                | Attribute::OpenedOn => (),
            });
        }
        Ok(words)
    }
}

/// Kind, day on which it counts, position.
type RowKey = (&'static str, i32, u64);

/// Rows to be written, by their keys.
#[derive(Default)]
pub(super) struct Findings {
    rows: Vec<(RowKey, Vec<u8>)>,
    taken_back: Vec<(u64, u64)>,
}

impl Findings {
    /// Whether the fact of a case says anything that is looked for; asked first, because hardly any does.
    pub(super) fn concerns(event: &CaseEvent) -> bool {
        !event.anomalies().is_empty()
            || matches!(event, CaseEvent::WarningRaised(_) | CaseEvent::DeemedAcceptanceReversed(_))
    }

    pub(super) fn of_case(&mut self, fact: &Fact, event: &CaseEvent, entry: u64, words: &Words) {
        for anomaly in event.anomalies() {
            let whom = responsible(*anomaly, event, fact);
            self.note(FindingKind::Anomaly(*anomaly), fact, Some(entry), &whom, words);
        }
        if let CaseEvent::WarningRaised(raised) = event {
            self.note(FindingKind::Warning(raised.threshold), fact, Some(entry), &of_warning(raised, fact), words);
        }
        if let CaseEvent::DeemedAcceptanceReversed(_) = event {
            self.taken_back.push((entry, fact.position));
        }
    }

    pub(super) fn of_rating(&mut self, fact: &Fact, event: &RatingEvent) {
        let (kind, service) = match event {
            RatingEvent::BadRatingOpened(BadRatingOpened { service, .. }) => (FindingKind::Order, service),
            RatingEvent::RatingNotAdopted(RatingNotAdopted { rating, .. }) => {
                (FindingKind::NotAdopted, &rating.service)
            }
            RatingEvent::RatingInvited(_)
            | RatingEvent::Rated(_)
            | RatingEvent::RatingRevised(_)
            | RatingEvent::OrderAssigned(_)
            | RatingEvent::OrderVerified(_)
            | RatingEvent::OrderRectified(_)
            | RatingEvent::OrderReplied(_)
            | RatingEvent::OrderCalledBack(_)
            | RatingEvent::OrderAppealed(_)
            | RatingEvent::AppealReviewed(_)
            | RatingEvent::OrderClosed(_) => return,
        };
        let person = service.staff.as_ref();
        let whom = Responsible { organisation: &service.organisation, person, on: day_of(fact.occurred_at) };
        let words = Words { item: service.item.clone(), source: Some(service.source.clone()) };
        self.note(kind, fact, None, &whom, &words);
    }

    fn note(&mut self, kind: FindingKind, fact: &Fact, entry: Option<u64>, whom: &Responsible<'_>, words: &Words) {
        let row = Row {
            about: fact.subject.to_string(),
            entry,
            organisation: whom.organisation.clone(),
            person: whom.person.cloned(),
            item: words.item.clone(),
            source: words.source.clone(),
        };
        // A row is a plain struct of texts and numbers, which JSON always takes.
        let bytes = serde_json::to_vec(&row).unwrap_or_default();
        self.rows.push(((kind.as_str(), whom.on.num_days_from_ce(), fact.position), bytes));
    }

    pub(super) fn write(&mut self, write: &redb::WriteTransaction) -> Result<(), redb::Error> {
        self.rows.sort_unstable();
        let mut table = write.open_table(FINDINGS)?;
        for (key, row) in &self.rows {
            table.insert(key, row.as_slice())?;
        }
        let mut table = write.open_table(TAKEN_BACK)?;
        for key in &self.taken_back {
            table.insert(key, ())?;
        }
        Ok(())
    }
}

impl CaseIndex {
    /// Returns a page of the findings that a filter finds, as they stood at the end of a slice.
    ///
    /// # Errors
    /// The disk refuses, or the index is damaged.
    pub fn findings(
        &self,
        filter: &FindingFilter,
        slice: &Slice,
        page: &PageOfFindings,
    ) -> Result<FindingPage, IndexError> {
        let find = || -> Result<FindingPage, redb::Error> {
            let read = self.inner.database.begin_read()?;
            let search = Search {
                findings: read.open_table(FINDINGS)?,
                taken_back: read.open_table(TAKEN_BACK)?,
                late: read.open_table(LATE)?,
                slice: *slice,
            };
            search.page(filter, page)
        };
        Ok(find()?)
    }
}

struct Search {
    findings: ReadOnlyTable<RowKey, &'static [u8]>,
    taken_back: ReadOnlyTable<(u64, u64), ()>,
    late: ReadOnlyTable<u64, i64>,
    slice: Slice,
}

type Candidate = (FindingCursor, Vec<u8>);
type Candidates<'a> = Box<dyn Iterator<Item = Result<Candidate, StorageError>> + 'a>;

impl Search {
    fn page(&self, filter: &FindingFilter, wanted: &PageOfFindings) -> Result<FindingPage, redb::Error> {
        let mut page = FindingPage::default();
        for (examined, candidate) in self.candidates(filter, wanted)?.enumerate() {
            let (at, bytes) = candidate?;
            if examined == ROWS_PER_PAGE_MAX || page.findings.len() == wanted.limit {
                return Ok(page);
            }
            if self.stands(at, &bytes)?
                && let Some(found) = found(filter, at, &bytes)
            {
                page.findings.push(found);
            }
            // Kept only if something may follow.
            page.next = Some(at);
        }
        page.next = None;
        Ok(page)
    }

    /// The rows of every kind asked for, merged by day, position and kind.
    fn candidates<'a>(
        &'a self,
        filter: &FindingFilter,
        wanted: &PageOfFindings,
    ) -> Result<Candidates<'a>, redb::Error> {
        let first = filter.from.map_or(i32::MIN, |day| day.num_days_from_ce());
        let last = filter.to.and_then(|day| day.pred_opt()).map_or(i32::MAX, |day| day.num_days_from_ce());
        let kinds: BTreeSet<FindingKind> = filter.kinds.iter().copied().collect();
        let mut lists = Vec::with_capacity(kinds.len());
        for kind in kinds {
            let (mut low, mut high) = ((first, 0), (last, u64::MAX));
            match (wanted.after, wanted.order) {
                (Some(after), Order::Newest) => high = high.min((after.day, after.position)),
                (Some(after), Order::Oldest) => low = low.max((after.day, after.position)),
                (None, _) => (),
            }
            if high < low {
                continue;
            }
            let name = kind.as_str();
            let rows = self.findings.range((name, low.0, low.1)..=(name, high.0, high.1))?;
            let rows = rows.map(move |row| {
                row.map(|(key, bytes)| {
                    let (_, day, position) = key.value();
                    (FindingCursor { day, position, kind }, bytes.value().to_vec())
                })
            });
            let (after, order) = (wanted.after, wanted.order);
            let is_next = move |row: &Result<Candidate, StorageError>| match (row, after, order) {
                (Ok((at, _)), Some(after), Order::Newest) => *at < after,
                (Ok((at, _)), Some(after), Order::Oldest) => after < *at,
                (Ok(_), None, _) | (Err(_), _, _) => true,
            };
            let rows: Candidates<'a> = match order {
                Order::Newest => Box::new(rows.rev().filter(is_next)),
                Order::Oldest => Box::new(rows.filter(is_next)),
            };
            lists.push(rows.peekable());
        }
        let order = wanted.order;
        Ok(Box::new(std::iter::from_fn(move || {
            // An error comes first, so that it is not lost.
            let rank = |head: &Result<Candidate, StorageError>| head.as_ref().ok().map(|(at, _)| *at);
            let heads = lists.iter_mut().filter_map(|list| Some((rank(list.peek()?), list)));
            let (_, list) = match order {
                Order::Newest => heads.max_by_key(|(at, _)| (at.is_none(), *at))?,
                Order::Oldest => heads.min_by_key(|(at, _)| *at)?,
            };
            list.next()
        })))
    }

    /// Tells whether a row belongs to the slice, and was not taken back in it.
    fn stands(&self, at: FindingCursor, bytes: &[u8]) -> Result<bool, redb::Error> {
        if !self.holds(at.position)? {
            return Ok(false);
        }
        if at.kind != FindingKind::Anomaly(Anomaly::DeemedAcceptance) {
            return Ok(true);
        }
        let entry = serde_json::from_slice::<Row>(bytes).ok().and_then(|row| row.entry);
        let Some(entry) = entry else { return Ok(true) };
        for row in self.taken_back.range((entry, at.position)..=(entry, u64::MAX))? {
            if self.holds(row?.0.value().1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn holds(&self, position: u64) -> Result<bool, StorageError> {
        super::search::holds(&self.late, &self.slice, position)
    }
}

fn found(filter: &FindingFilter, at: FindingCursor, bytes: &[u8]) -> Option<Finding> {
    let row: Row = serde_json::from_slice(bytes).ok()?;
    let wanted = match (&filter.whose, &row.source) {
        (Whose::Anyone, _) | (Whose::Source(_), None) => true,
        (Whose::Source(wanted), Some(source)) => wanted == source,
    };
    let meets = wanted
        && filter.organisations.as_ref().is_none_or(|set| set.contains(&row.organisation))
        && filter.person.as_ref().is_none_or(|person| row.person.as_ref() == Some(person))
        && filter.item.as_ref().is_none_or(|item| row.item.as_ref() == Some(item));
    if !meets {
        return None;
    }
    Some(Finding {
        kind: at.kind,
        on: NaiveDate::from_num_days_from_ce_opt(at.day)?,
        position: at.position,
        about: row.about.parse().ok()?,
        organisation: row.organisation,
        person: row.person,
        item: row.item,
    })
}
