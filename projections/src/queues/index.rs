//! What waits where, worked out from the files when somebody looks. Nothing in it is history, so none of it is stored.

use super::{LateCorrection, OrderFile, QueueKey, QueueKind, Queues};
use crate::case_file::CaseFile;
use chrono::NaiveDate;
use domain::case::{Due, duties};
use domain::ids::{CaseId, OrganisationId, StaffId};
use domain::rating::OrderStep;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

/// One piece of work.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) kind: QueueKind,
    pub(super) organisation: OrganisationId,
    pub(super) holder: Option<StaffId>,
    pub(super) which: Option<u16>,
    pub(super) since: NaiveDate,
    pub(super) due: Due,
}

/// Where a case is, and its own limits: what its light is made of.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) organisation: OrganisationId,
    pub(crate) due: Due,
}

#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) waiting: BTreeMap<OrganisationId, BTreeMap<QueueKey, Vec<Waiting>>>,
    /// At which organisations something of a key waits.
    places: BTreeMap<QueueKey, BTreeSet<OrganisationId>>,
    pub(super) standings: BTreeMap<CaseId, Standing>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: Entries,
    /// Everything was looked at once; before that, everything is stale.
    filled: bool,
    stale: BTreeSet<QueueKey>,
}

/// The entries, and which of them no longer hold. A bulk fold only marks; the first look pays, once for each key.
#[derive(Debug, Default)]
pub(super) struct Index(RwLock<Kept>);

/// A copy fills itself anew when somebody looks.
impl Clone for Index {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Index {
    pub(super) fn mark(&mut self, key: QueueKey) {
        let kept = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if kept.filled {
            kept.stale.insert(key);
        }
    }

    /// Looks at entries that hold. Nothing can go stale meanwhile, because folding needs the queues for itself.
    pub(super) fn look<T>(&self, queues: &Queues, look: impl FnOnce(&Entries) -> T) -> T {
        let is_fresh = |kept: &Kept| kept.filled && kept.stale.is_empty();
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if is_fresh(&kept) {
            return look(&kept.entries);
        }
        drop(kept);
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !is_fresh(&kept) {
            kept.freshen(queues);
        }
        drop(kept);
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner).entries)
    }
}

impl Kept {
    fn freshen(&mut self, queues: &Queues) {
        if !self.filled {
            self.filled = true;
            self.entries = Entries::default();
            self.stale.extend(queues.cases.iter().map(|(case, _)| QueueKey::Case(case)));
            self.stale.extend(queues.late_corrections.keys().copied().map(QueueKey::Case));
            self.stale.extend(queues.orders.keys().cloned().map(QueueKey::Rating));
        }
        for key in std::mem::take(&mut self.stale) {
            self.entries.forget(&key);
            self.entries.enter(key, queues);
        }
    }
}

impl Entries {
    fn forget(&mut self, key: &QueueKey) {
        if let QueueKey::Case(case) = key {
            self.standings.remove(case);
        }
        for place in self.places.remove(key).unwrap_or_default() {
            if let Some(keys) = self.waiting.get_mut(&place) {
                keys.remove(key);
                if keys.is_empty() {
                    self.waiting.remove(&place);
                }
            }
        }
    }

    /// Returns what waits in a case or order, by organisation.
    pub(super) fn of<'a>(&'a self, key: &'a QueueKey) -> impl Iterator<Item = &'a Waiting> {
        let places = self.places.get(key).into_iter().flatten();
        places.filter_map(|place| self.waiting.get(place)?.get(key)).flatten()
    }

    fn enter(&mut self, key: QueueKey, queues: &Queues) {
        let waiting: Vec<Waiting> = match &key {
            QueueKey::Case(case) => {
                if let Some(standing) = queues.cases.get(*case).and_then(standing) {
                    self.standings.insert(*case, standing);
                }
                let file = queues.cases.get(*case).into_iter().flat_map(waiting_in_case);
                let late = queues.late_corrections.get(case).into_iter().flatten().map(waiting_correction);
                file.chain(late).collect()
            }
            QueueKey::Rating(rating) => Vec::from_iter(queues.orders.get(rating).and_then(waiting_in_order)),
        };
        let mut places = BTreeSet::new();
        for one in waiting {
            let place = one.organisation.clone();
            self.waiting.entry(place.clone()).or_default().entry(key.clone()).or_default().push(one);
            places.insert(place);
        }
        if !places.is_empty() {
            self.places.insert(key, places);
        }
    }
}

fn standing(file: &CaseFile) -> Option<Standing> {
    let case = &file.case;
    let organisation = case.at.clone().filter(|_| case.phase.is_open())?;
    let due = Due::Clocks { clocks: case.running_clocks(), pauses: case.pauses(), step: None };
    Some(Standing { organisation, due })
}

fn waiting_in_case(file: &CaseFile) -> impl Iterator<Item = Waiting> + use<> {
    duties(&file.case).into_iter().map(|duty| Waiting {
        kind: duty.kind.into(),
        organisation: duty.organisation,
        holder: duty.holder,
        which: duty.number,
        since: duty.since,
        due: duty.due,
    })
}

fn waiting_correction((correction, waiting): (&u16, &LateCorrection)) -> Waiting {
    Waiting {
        kind: QueueKind::Approval,
        organisation: waiting.organisation.clone(),
        holder: None,
        which: Some(*correction),
        since: waiting.since,
        due: Due::Never,
    }
}

fn waiting_in_order(file: &OrderFile) -> Option<Waiting> {
    let order = file.rating.order.as_ref()?;
    let kind = match order.step() {
        OrderStep::Assign | OrderStep::Verify | OrderStep::Rectify | OrderStep::Reply | OrderStep::Review => {
            QueueKind::RatingOrder
        }
        OrderStep::CallBack => QueueKind::CallBack,
        OrderStep::Closed => return None,
    };
    let assignment = order.assignment.as_ref();
    let organisation = assignment.map_or(&order.service.organisation, |assignment| &assignment.organisation);
    Some(Waiting {
        kind,
        organisation: organisation.clone(),
        holder: assignment.map(|assignment| assignment.staff.clone()),
        which: None,
        since: file.since,
        due: order.due().map_or(Due::Never, Due::Day),
    })
}
