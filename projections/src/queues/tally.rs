//! How much waits and under which lights, counted without showing anything of it: one frame of a history being played.

use super::{QueueKey, QueueKind, Queues};
use chrono::NaiveDate;
use domain::clock::Light;
use domain::ids::{CaseId, ItemId, OrganisationId};
use domain::reference::Reference;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whose work is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TallyQuery {
    /// Only of this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Only on cases for this item.
    pub item: Option<ItemId>,
}

/// What waits, by kind and light, and the open cases by their own light.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Cases under way.
    pub open: u64,
    /// Work that waits, by kind and the light of its own limit.
    pub queues: BTreeMap<QueueKind, BTreeMap<Light, u64>>,
    /// Cases under way, by light.
    pub lights: BTreeMap<Light, u64>,
}

impl Queues {
    /// Counts the work that waits and the open cases, as their lights are on `today`.
    #[must_use]
    pub fn tally(&self, query: &TallyQuery, reference: &Reference, today: NaiveDate) -> Tally {
        let mut tally = Tally::default();
        self.index.look(self, |entries| {
            entries.visit(query.organisation.as_ref(), reference, |key, waiting| {
                if self.is_for(key, query.item.as_ref()) {
                    let lights = tally.queues.entry(waiting.kind).or_default();
                    *lights.entry(waiting.due.light(today)).or_default() += 1;
                }
            });
        });
        let within = crate::scope::within(query.organisation.as_ref(), &reference.organisations);
        self.look_at_standings(|standings| {
            for (case, standing) in standings {
                let is_here = within.as_ref().is_none_or(|within| within.contains(&standing.organisation));
                if is_here && self.is_case_for(*case, query.item.as_ref()) {
                    tally.open += 1;
                    *tally.lights.entry(standing.due.light(today)).or_default() += 1;
                }
            }
        });
        tally
    }

    fn is_for(&self, key: &QueueKey, item: Option<&ItemId>) -> bool {
        let Some(item) = item else { return true };
        match key {
            QueueKey::Case(case) => self.is_case_for(*case, Some(item)),
            QueueKey::Rating(rating) => {
                let order = self.orders.get(rating).and_then(|file| file.rating.order.as_ref());
                order.and_then(|order| order.service.item.as_ref()) == Some(item)
            }
        }
    }

    fn is_case_for(&self, case: CaseId, item: Option<&ItemId>) -> bool {
        item.is_none() || self.cases.get(case).and_then(|file| file.item()) == item
    }
}
