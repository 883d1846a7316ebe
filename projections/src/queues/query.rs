//! Questions about queues, and their answers.

use super::Queues;
use super::index::{Entries, Standing, Waiting};
use super::kind::QueueKind;
use chrono::NaiveDate;
use domain::case::{Due, Phase};
use domain::clock::{Deadline, Light};
use domain::event::Event;
use domain::event::rating::RatingSubject;
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ExternalNumber, ItemId, OrganisationId, RatingId, StaffId};
use domain::reference::Reference;
use domain::sealed::Party;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Whose rows: a case's, or a bad rating's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueKey {
    /// A case.
    Case(CaseId),
    /// A rating with an order.
    Rating(RatingId),
}

impl QueueKey {
    /// Returns whose rows a fact may have changed.
    #[must_use]
    pub fn of(fact: &Fact) -> Option<Self> {
        match (&fact.event, &fact.subject) {
            (Event::Case(_), Subject::Case(case)) => Some(Self::Case(*case)),
            (Event::Rating(_), Subject::Rating(rating)) => Some(Self::Rating(rating.clone())),
            (Event::Case(_) | Event::Rating(_), _) => None,
            (
                Event::Ticket(_)
                | Event::Appointment(_)
                | Event::Item(_)
                | Event::Organisation(_)
                | Event::Instrument(_)
                | Event::Roster(_)
                | Event::ServicePoint(_)
                | Event::Certificate(_)
                | Event::Library(_)
                | Event::Kin(_)
                | Event::Checklist(_)
                | Event::Inspection(_)
                | Event::Campaign(_)
                | Event::Calendar(_)
                | Event::Policy(_)
                | Event::Template(_)
                | Event::Access(_),
                _,
            ) => None,
        }
    }
}

/// A question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueQuery {
    /// Only work of this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Only work of this kind.
    pub kind: Option<QueueKind>,
    /// Only work that this person has taken; where somebody helps, only on cases that this person handed in.
    pub mine: Option<StaffId>,
    /// Only work on cases that this station took in for others or helps with, wherever it waits.
    pub helped_by: Option<OrganisationId>,
    /// Only work with this light.
    pub light: Option<Light>,
}

/// One piece of work that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueRow {
    /// In which case, if it is about one.
    pub case: Option<CaseId>,
    /// In which rating's order, if it is about one.
    pub rating: Option<RatingId>,
    /// 办件编号; absent where nothing of the case is kept but this work.
    pub number: Option<ExternalNumber>,
    /// 事项.
    pub item: Option<ItemId>,
    /// 申请人, whose name is sealed.
    pub applicant: Option<Party>,
    /// What kind of work.
    pub kind: QueueKind,
    /// Which procedure, consultation, urging or correction, where a case has several.
    pub which: Option<u16>,
    /// 办理状态.
    pub phase: Option<Phase>,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// Who has taken it.
    pub holder: Option<StaffId>,
    /// Since when it waits.
    pub since: NaiveDate,
    /// The last day in time.
    pub due: Option<NaiveDate>,
    /// Working days left after today; negative when over.
    pub remaining_working_days: Option<i32>,
    /// The light of the queue's own limit.
    pub light: Light,
    /// The version of its stream.
    pub version: u64,
}

/// A page of a queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueuePage {
    /// In the order of light, date and id.
    pub rows: Vec<QueueRow>,
    /// Where the next page begins, if there is one.
    pub next: Option<QueueCursor>,
    /// How much of each kind waits under each light, whatever kind and light were asked for.
    pub counts: BTreeMap<QueueKind, BTreeMap<Light, u64>>,
}

/// The place of a row in the order of queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueCursor {
    light: Light,
    due: Option<NaiveDate>,
    key: QueueKey,
    kind: QueueKind,
    which: Option<u16>,
    organisation: OrganisationId,
}

/// A row's place: light, date (none last), id, and what tells the rows of one id apart.
type Place<'a> = (Light, bool, Option<NaiveDate>, &'a QueueKey, QueueKind, Option<u16>, &'a OrganisationId);

impl QueueCursor {
    fn place(&self) -> Place<'_> {
        (self.light, self.due.is_none(), self.due, &self.key, self.kind, self.which, &self.organisation)
    }
}

struct Candidate<'a> {
    key: &'a QueueKey,
    waiting: &'a Waiting,
    light: Light,
    due: Option<NaiveDate>,
}

impl<'a> Candidate<'a> {
    fn new(key: &'a QueueKey, waiting: &'a Waiting, today: NaiveDate) -> Self {
        Self { key, waiting, light: waiting.due.light(today), due: waiting.due.date() }
    }

    fn place(&self) -> Place<'a> {
        let Waiting { kind, which, organisation, .. } = self.waiting;
        (self.light, self.due.is_none(), self.due, self.key, *kind, *which, organisation)
    }

    fn order(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }

    fn cursor(&self) -> QueueCursor {
        let Waiting { kind, which, organisation, .. } = self.waiting;
        let (kind, which, organisation) = (*kind, *which, organisation.clone());
        QueueCursor { light: self.light, due: self.due, key: self.key.clone(), kind, which, organisation }
    }
}

impl Queues {
    /// Returns a page of the work that waits, as its lights are on `today`.
    #[must_use]
    pub fn page(
        &self,
        query: &QueueQuery,
        after: Option<&QueueCursor>,
        limit: usize,
        reference: &Reference,
        today: NaiveDate,
    ) -> QueuePage {
        self.index.look(self, |entries| {
            let mut counts: BTreeMap<(QueueKind, Light), u64> = BTreeMap::new();
            let mut candidates: Vec<Candidate<'_>> = Vec::new();
            entries.visit(query.organisation.as_ref(), reference, |key, waiting| {
                if !self.is_asked_for(query, key, waiting, reference) {
                    return;
                }
                let candidate = Candidate::new(key, waiting, today);
                *counts.entry((waiting.kind, candidate.light)).or_default() += 1;
                let wanted = query.kind.is_none_or(|kind| kind == waiting.kind)
                    && query.light.is_none_or(|light| light == candidate.light)
                    && after.is_none_or(|after| after.place() < candidate.place());
                if wanted {
                    candidates.push(candidate);
                }
            });
            let has_more = limit < candidates.len();
            if has_more && 0 < limit {
                candidates.select_nth_unstable_by(limit - 1, Candidate::order);
            }
            candidates.truncate(limit);
            candidates.sort_unstable_by(Candidate::order);
            QueuePage {
                rows: candidates.iter().map(|candidate| self.row(candidate, reference, today)).collect(),
                next: candidates.last().filter(|_| has_more).map(Candidate::cursor),
                counts: by_kind(counts),
            }
        })
    }

    fn is_asked_for(&self, query: &QueueQuery, key: &QueueKey, waiting: &Waiting, reference: &Reference) -> bool {
        let Some(station) = &query.helped_by else { return query.mine.is_none() || query.mine == waiting.holder };
        let QueueKey::Case(case) = key else { return false };
        let Some(case) = self.cases.get(*case).map(|file| &file.case) else { return false };
        let intake = case.application.as_ref().map(|application| &application.intake);
        let mut places = intake.into_iter().chain(case.helper());
        places.any(|place| reference.organisations.contains(station, place))
            && (query.mine.is_none() || query.mine == case.submitted_by)
    }

    /// Returns the rows of one case or order, so that a live queue can tell what appeared, changed and vanished.
    #[must_use]
    pub fn rows_of(&self, key: &QueueKey, reference: &Reference, today: NaiveDate) -> Vec<QueueRow> {
        self.index.look(self, |entries| {
            let mut candidates: Vec<_> = entries.of(key).map(|one| Candidate::new(key, one, today)).collect();
            candidates.sort_unstable_by(Candidate::order);
            candidates.iter().map(|candidate| self.row(candidate, reference, today)).collect()
        })
    }

    /// Returns the first day after `today` on which a light may change by time alone.
    #[must_use]
    pub fn lights_change_after(
        &self,
        query: &QueueQuery,
        reference: &Reference,
        today: NaiveDate,
    ) -> Option<NaiveDate> {
        self.index.look(self, |entries| {
            let mut first: Option<NaiveDate> = None;
            entries.visit(query.organisation.as_ref(), reference, |_, waiting| {
                let next = waiting.due.light_changes_after(today);
                first = [first, next].into_iter().flatten().min();
            });
            first
        })
    }

    /// Calls `look` with every open case's place and limits.
    pub(crate) fn look_at_standings<T>(&self, look: impl FnOnce(&BTreeMap<CaseId, Standing>) -> T) -> T {
        self.index.look(self, |entries| look(&entries.standings))
    }

    fn row(&self, candidate: &Candidate<'_>, reference: &Reference, today: NaiveDate) -> QueueRow {
        let Candidate { key, waiting, light, due } = candidate;
        let mut row = QueueRow {
            case: None,
            rating: None,
            number: None,
            item: None,
            applicant: None,
            kind: waiting.kind,
            which: waiting.which,
            phase: None,
            organisation: waiting.organisation.clone(),
            holder: waiting.holder.clone(),
            since: waiting.since,
            due: *due,
            remaining_working_days: remaining_working_days(&waiting.due, &waiting.organisation, reference, today),
            light: *light,
            version: 0,
        };
        match key {
            QueueKey::Case(case) => self.fill_case(&mut row, *case),
            QueueKey::Rating(rating) => self.fill_order(&mut row, rating),
        }
        row
    }

    fn fill_case(&self, row: &mut QueueRow, case: CaseId) {
        row.case = Some(case);
        if let Some(file) = self.cases.get(case) {
            row.number = file.number().cloned();
            row.item = file.item().cloned();
            row.applicant = file.applicant().cloned();
            row.phase = Some(file.case.phase);
            row.version = file.version;
            return;
        }
        let late = self.late_corrections.get(&case).and_then(|waiting| waiting.get(&row.which?));
        row.phase = Some(Phase::Finished);
        row.version = late.map_or(0, |late| late.version);
    }

    fn fill_order(&self, row: &mut QueueRow, rating: &RatingId) {
        row.rating = Some(rating.clone());
        let Some(file) = self.orders.get(rating) else { return };
        row.version = file.version;
        row.item = file.rating.order.as_ref().and_then(|order| order.service.item.clone());
        row.case = file.rating.rated.as_ref().and_then(|rated| match &rated.about {
            RatingSubject::Case(case) => Some(*case),
            RatingSubject::Ticket(_) | RatingSubject::Item(_) | RatingSubject::Staff(_) | RatingSubject::Hall(_) => {
                None
            }
        });
    }
}

fn by_kind(counts: BTreeMap<(QueueKind, Light), u64>) -> BTreeMap<QueueKind, BTreeMap<Light, u64>> {
    let mut kinds: BTreeMap<QueueKind, BTreeMap<Light, u64>> = BTreeMap::new();
    for ((kind, light), count) in counts {
        kinds.entry(kind).or_default().insert(light, count);
    }
    kinds
}

impl Entries {
    /// Visits the work of an organisation and those under it, or all there is.
    pub(super) fn visit<'a>(
        &'a self,
        root: Option<&OrganisationId>,
        reference: &Reference,
        mut visit: impl FnMut(&'a QueueKey, &'a Waiting),
    ) {
        let mut visit_all = |work: &'a BTreeMap<QueueKey, Vec<Waiting>>| {
            for (key, waiting) in work {
                waiting.iter().for_each(|one| visit(key, one));
            }
        };
        let Some(root) = root else { return self.waiting.values().for_each(visit_all) };
        // An organisation that the tree does not know stands for itself.
        let unknown = Some(root).filter(|root| reference.organisations.get(root).is_none());
        let organisations = unknown.into_iter().chain(reference.organisations.subtree(root));
        organisations.filter_map(|organisation| self.waiting.get(organisation)).for_each(&mut visit_all);
    }
}

/// Returns the working days left after `today`, by the calendar of the organisation's region.
pub(crate) fn remaining_working_days(
    due: &Due,
    organisation: &OrganisationId,
    reference: &Reference,
    today: NaiveDate,
) -> Option<i32> {
    let region = reference.organisations.get(organisation).map(|organisation| organisation.region());
    let counting = reference.counting(today, region);
    let left = |deadline: &Deadline, paused: Option<NaiveDate>| counting.remaining_days(deadline, today, paused);
    match due {
        Due::Never => None,
        Due::Day(day) => {
            let left = i32::from(counting.working_days_between(today, *day));
            Some(left - i32::from(counting.working_days_between(*day, today)))
        }
        Due::Limit(deadline) => Some(left(deadline, None)),
        Due::Clocks { clocks, pauses, step } => {
            let promised = clocks.promised.as_ref().map(|deadline| (deadline, pauses.promised));
            let legal = clocks.legal.as_ref().map(|deadline| (deadline, pauses.legal));
            let step = step.as_ref().map(|deadline| (deadline, None));
            let first = [promised, legal, step].into_iter().flatten().min_by_key(|(deadline, _)| deadline.date);
            first.map(|(deadline, paused)| left(deadline, paused))
        }
    }
}
