//! Catalogue, organisations, calendar and policy as they stand at one position of the log: what decisions rely on.

use crate::calendar::WorkingCalendar;
use crate::catalogue::Catalogue;
use crate::clock::Counting;
use crate::decider::Decider;
use crate::event::Event;
use crate::ids::RegionCode;
use crate::instrument::Instruments;
use crate::organisation::Organisations;
use crate::policy::Policies;
use crate::template::Templates;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The reference data, folded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// 事项目录.
    pub catalogue: Catalogue,
    /// The tree of organisations.
    pub organisations: Organisations,
    /// 赋权、委托.
    pub instruments: Instruments,
    /// Working days.
    pub calendar: WorkingCalendar,
    /// Rules in force.
    pub policies: Policies,
    /// Templates of documents.
    #[serde(default)]
    pub templates: Templates,
}

impl Reference {
    /// Returns what days are counted by, under the rules of this day and in this region.
    #[must_use]
    pub fn counting<'a>(&'a self, day: NaiveDate, region: Option<&'a RegionCode>) -> Counting<'a> {
        Counting { calendar: &self.calendar, policy: self.policies.at(day), region }
    }

    /// Takes in what happened; events of cases, ratings, halls' days, certificates and access do not concern it.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Item(event) => self.catalogue.evolve(event),
            Event::Organisation(event) => self.organisations.evolve(event),
            Event::Instrument(event) => self.instruments.evolve(event),
            Event::Calendar(event) => self.calendar.evolve(event),
            Event::Policy(event) => self.policies.evolve(event),
            Event::Template(event) => self.templates.evolve(event),
            Event::Case(_)
            | Event::Rating(_)
            | Event::Roster(_)
            | Event::ServicePoint(_)
            | Event::Ticket(_)
            | Event::Appointment(_)
            | Event::Certificate(_)
            | Event::Library(_)
            | Event::Kin(_)
            | Event::Checklist(_)
            | Event::Inspection(_)
            | Event::Campaign(_)
            | Event::Access(_) => (),
        }
    }
}
