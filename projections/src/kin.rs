//! 近亲属备案: which cases are of close relatives of staff, when that was registered, and whether the homes were visited.
//!
//! There are few of them, and none is ever done with: an inspection asks years later.

use crate::projection::Projection;
use crate::scope::Period;
use crate::tally::Rate;
use chrono::NaiveDate;
use domain::event::kin::{HomeVisit, KinRegistered};
use domain::event::{Event, KinEvent};
use domain::fact::Fact;
use domain::ids::{CaseId, ItemId, OrganisationId};
use domain::organisation::Organisations;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The state behind the list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Kin {
    cases: BTreeMap<CaseId, KinRow>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KinRow {
    /// As it was registered.
    pub registered: KinRegistered,
    /// The days of the visits, by what was looked at.
    pub visits: BTreeMap<HomeVisit, BTreeSet<NaiveDate>>,
}

impl KinRow {
    /// It was registered only after the case was decided.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.registered.decided_on.is_some()
    }

    /// Everything was looked at in the home.
    #[must_use]
    pub fn is_visited(&self) -> bool {
        self.visits.contains_key(&HomeVisit::Full)
    }
}

/// A question. A case lies in the period by the day of its registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KinQuery {
    /// Which days.
    pub period: Period,
    /// Handled under this organisation.
    pub organisation: OrganisationId,
    /// For this item.
    pub item: Option<ItemId>,
    /// Only those registered too late, or only the others.
    pub late: Option<bool>,
    /// Only those whose home was visited, or only the others.
    pub visited: Option<bool>,
}

/// How many, and of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct KinTotals {
    /// Registered.
    pub registered: i64,
    /// Before the case was decided ÷ registered.
    pub in_time: Rate,
    /// 入户核查 ÷ registered.
    pub visited: Rate,
    /// 抽查 by the county or the city ÷ registered.
    pub spot_visited: Rate,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KinAnswer {
    /// The cases, by id.
    pub cases: Vec<KinRow>,
    /// All of them together.
    pub total: KinTotals,
}

impl Projection for Kin {
    const NAME: &'static str = "kin";
    const REVISION: u32 = 1;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Kin(KinEvent::KinRegistered(registered)) => {
                let row = KinRow { registered: registered.clone(), visits: BTreeMap::new() };
                self.cases.insert(registered.case, row);
            }
            Event::Kin(KinEvent::KinHomeVisited(visited)) => {
                if let Some(row) = self.cases.get_mut(&visited.case) {
                    row.visits.entry(visited.visit).or_default().insert(visited.visited_on);
                }
            }
            Event::Case(_)
            | Event::Rating(_)
            | Event::Ticket(_)
            | Event::Appointment(_)
            | Event::Certificate(_)
            | Event::Library(_)
            | Event::Item(_)
            | Event::Organisation(_)
            | Event::Roster(_)
            | Event::ServicePoint(_)
            | Event::Checklist(_)
            | Event::Inspection(_)
            | Event::Campaign(_)
            | Event::Template(_)
            | Event::Instrument(_)
            | Event::Calendar(_)
            | Event::Policy(_)
            | Event::Access(_) => (),
        }
    }
}

impl Kin {
    /// Answers a question.
    #[must_use]
    pub fn answer(&self, query: &KinQuery, organisations: &Organisations) -> KinAnswer {
        let wanted = |row: &&KinRow| {
            let KinRegistered { item, handling, registered_on, .. } = &row.registered;
            query.period.contains(*registered_on)
                && organisations.contains(&query.organisation, handling)
                && query.item.as_ref().is_none_or(|wanted| wanted == item)
                && query.late.is_none_or(|late| late == row.is_late())
                && query.visited.is_none_or(|visited| visited == row.is_visited())
        };
        let cases: Vec<KinRow> = self.cases.values().filter(wanted).cloned().collect();
        let count = |of: &dyn Fn(&KinRow) -> bool| cases.iter().filter(|row| of(row)).map(|_| 1_i64).sum::<i64>();
        let registered = count(&|_| true);
        let share = |of: &dyn Fn(&KinRow) -> bool| Rate::of(count(of), registered);
        let total = KinTotals {
            registered,
            in_time: share(&|row| !row.is_late()),
            visited: share(&KinRow::is_visited),
            spot_visited: share(&|row| row.visits.contains_key(&HomeVisit::Spot)),
        };
        KinAnswer { cases, total }
    }
}

#[cfg(test)]
mod tests;
