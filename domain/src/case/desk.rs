//! A case on the desk: everything a rule looks at, and what every ending computes.

use super::Rejection;
use super::state::Case;
use crate::actor::Actor;
use crate::catalogue::ItemVersion;
use crate::clock::{Clocks, Counting, DayUnit, Deadline, Freeze, Limit};
use crate::decider::Context;
use crate::event::case::{CaseSubmitted, Closing, ClosingKind, Dimensions, Presented};
use crate::event::item::{ClockStop, ItemDefinition};
use crate::ids::{OrganisationId, RegionCode};
use crate::reference::Reference;
use crate::zone::{Instant, day_of};
use chrono::NaiveDate;

/// Everything a rule looks at, for an act that took place on `day` and is recorded on `today`.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) case: &'a Case,
    pub(super) application: &'a CaseSubmitted,
    pub(super) version: &'a ItemVersion,
    pub(super) rules: &'a ItemDefinition,
    pub(super) counting: Counting<'a>,
    pub(super) reference: &'a Reference,
    pub(super) actor: &'a Actor,
    pub(super) occurred_at: Instant,
    pub(super) day: NaiveDate,
    pub(super) today: NaiveDate,
}

impl Case {
    /// Lays the case on the desk.
    ///
    /// # Errors
    /// There is no application, or the catalogue does not know its item version.
    pub(super) fn on_desk<'a>(&'a self, context: &Context<'a>) -> Result<Desk<'a>, Rejection> {
        let Some(application) = &self.application else {
            return Err(if self.legacy.is_some() { Rejection::LegacyCase } else { Rejection::NotSubmitted });
        };
        let catalogue = &context.reference.catalogue;
        let version = catalogue.version(&application.item, application.item_version).ok_or(Rejection::UnknownItem)?;
        let day = day_of(context.occurred_at);
        Ok(Desk {
            case: self,
            application,
            version,
            rules: &version.definition,
            counting: context.reference.counting(day, region_of(context.reference, &application.handling)),
            reference: context.reference,
            actor: context.actor,
            occurred_at: context.occurred_at,
            day,
            today: day_of(context.now),
        })
    }
}

/// Where an organisation lies, for closures that hold there only.
pub(super) fn region_of<'a>(reference: &'a Reference, organisation: &OrganisationId) -> Option<&'a RegionCode> {
    reference.organisations.get(organisation).map(crate::organisation::Organisation::region)
}

impl<'a> Desk<'a> {
    /// Which organisation has the case now.
    pub(super) fn at(&self) -> &'a OrganisationId {
        self.case.at.as_ref().unwrap_or(&self.application.intake)
    }

    /// The date by which something begun today is due.
    pub(super) fn due_in(&self, limit: Limit) -> Deadline {
        self.counting.deadline(self.day, limit, &[])
    }

    pub(super) fn due_in_working_days(&self, days: u16) -> Deadline {
        self.due_in(Limit { days, unit: DayUnit::Working })
    }

    /// Both limits of the item, from this day on.
    pub(super) fn clocks_from(&self, start: NaiveDate) -> Clocks {
        let deadline = |limit: Option<Limit>| limit.map(|limit| self.counting.deadline(start, limit, &[]));
        Clocks { promised: deadline(self.rules.promised_limit), legal: deadline(self.rules.legal_limit) }
    }

    /// Both limits as they would be if every pause that still runs ended on this day.
    pub(super) fn clocks_on(&self, day: NaiveDate) -> Clocks {
        let (promised, legal) = self.case.freezes_on(day);
        let recount = |deadline: &Option<Deadline>, freezes: &[Freeze]| {
            let deadline = deadline.as_ref()?;
            if deadline.freezes.len() == freezes.len() {
                return Some(deadline.clone());
            }
            Some(self.counting.deadline(deadline.start, deadline.limit, freezes))
        };
        let clocks = &self.case.clocks;
        Clocks { promised: recount(&clocks.promised, &promised), legal: recount(&clocks.legal, &legal) }
    }

    /// Whether at most so many working days are left of one of these limits; one that is no longer than that as a whole
    /// is always close to its end, and says nothing.
    pub(super) fn is_close(&self, days_max: u16, of: impl Fn(&Clocks) -> Vec<Deadline>) -> bool {
        let telling = of(&self.clocks_on(self.day)).into_iter().filter(|deadline| days_max < deadline.limit.days);
        let mut remaining = telling.map(|deadline| self.counting.remaining_days(&deadline, self.day, None));
        remaining.any(|days| days <= i32::from(days_max))
    }

    /// The keys under which statistics count the case.
    pub(super) fn dimensions(&self) -> Dimensions {
        Dimensions {
            source: self.application.source.clone(),
            item: self.application.item.clone(),
            item_version: self.application.item_version,
            authority: self.application.authority,
            intake: self.application.intake.clone(),
            handling: self.handled_elsewhere(),
            deciding: self.deciding().clone(),
            delivering: self.case.delivering().unwrap_or(&self.application.intake).clone(),
            clerk: self.case.receipt.as_ref().and_then(|receipt| receipt.by.clone()),
        }
    }

    fn deciding(&self) -> &'a OrganisationId {
        let decision = self.case.decision.as_ref();
        decision.map_or(&self.application.deciding, |decision| &decision.organisation)
    }

    /// Everything statistics need of a case that ends on this day.
    pub(super) fn closing(&self, kind: ClosingKind, delivering: &OrganisationId) -> Closing {
        let case = self.case;
        let application = self.application;
        let submitted_on = case.submitted_on.unwrap_or(self.day);
        let decided_on = case.decided_on();
        let clocks = self.clocks_on(self.day);
        let closing = Closing {
            kind,
            source: application.source.clone(),
            item: application.item.clone(),
            item_version: application.item_version,
            authority: application.authority,
            case_kind: application.kind,
            intake: application.intake.clone(),
            received_at: self.received_elsewhere(),
            handling: self.handled_elsewhere(),
            deciding: self.deciding().clone(),
            delivering: delivering.clone(),
            clerk: case.receipt.as_ref().and_then(|receipt| receipt.by.clone()),
            window: case.receipt.as_ref().and_then(|receipt| receipt.window.clone()),
            decider: case.decision.as_ref().and_then(|decision| decision.by.clone()),
            region: application.region.clone(),
            submitted_on,
            accepted_on: None,
            decided_on,
            closed_on: self.day,
            recorded_on: self.today,
            promise_stopped_on: self.day,
            promised_by: None,
            legal_by: None,
            promised_days: self.rules.promised_limit.map(|limit| limit.days),
            legal_days: self.rules.legal_limit.map(|limit| limit.days),
            working_days: None,
            gross_days: 0,
            acceptance_lag_days: None,
            paused_days: 0,
            cross_township: self.is_cross_township(),
            paperless: self.is_paperless(),
        };
        self.timed(closing, case.accepted_on(), self.day, &clocks)
    }

    fn handled_elsewhere(&self) -> Option<OrganisationId> {
        let handling = &self.application.handling;
        (*handling != self.application.intake).then(|| handling.clone())
    }

    fn received_elsewhere(&self) -> Option<OrganisationId> {
        let receipt = self.case.receipt.as_ref().map(|receipt| &receipt.organisation);
        receipt.filter(|hall| **hall != self.application.intake).cloned()
    }

    /// The closing with everything that follows from its days.
    pub(super) fn timed(
        &self,
        closing: Closing,
        accepted_on: Option<NaiveDate>,
        closed_on: NaiveDate,
        clocks: &Clocks,
    ) -> Closing {
        let received_on = self.case.receipt.as_ref().map(|receipt| receipt.materials_received_on);
        let freezes: Vec<Freeze> =
            clocks.promised.iter().chain(&clocks.legal).flat_map(|d| d.freezes.clone()).collect();
        let used = |from: NaiveDate| self.counting.used_days(from, closed_on, &freezes);
        let hidden = |from: NaiveDate| self.counting.frozen_days(from, closed_on, &freezes);
        let lag = |accepted_on: NaiveDate| Some(self.counting.working_days_between(received_on?, accepted_on));
        let gross_days = (closed_on - closing.submitted_on).num_days();
        let stops_at_decision = self.rules.clock_stop == ClockStop::Decision;
        Closing {
            accepted_on,
            closed_on,
            promise_stopped_on: closing.decided_on.filter(|_| stops_at_decision).unwrap_or(closed_on),
            promised_by: clocks.promised.as_ref().map(|deadline| deadline.date),
            legal_by: clocks.legal.as_ref().map(|deadline| deadline.date),
            working_days: accepted_on.map(used),
            paused_days: accepted_on.map_or(0, hidden),
            acceptance_lag_days: accepted_on.and_then(lag),
            gross_days: u16::try_from(gross_days.max(0)).unwrap_or(u16::MAX),
            ..closing
        }
    }

    fn is_cross_township(&self) -> bool {
        let organisations = &self.reference.organisations;
        let township = |id: &'a OrganisationId| organisations.township_of(id).unwrap_or(id);
        let (intake, handling) = (&self.application.intake, &self.application.handling);
        // The centre of their county is no other township.
        township(intake) != township(handling) && !organisations.contains(intake, handling)
    }

    /// 免证: no paper was handed in for which a certificate, the city's data or a promise could have stood.
    fn is_paperless(&self) -> bool {
        let on_paper = |code| {
            let presented = self.case.materials.get(code);
            presented.is_some_and(|material| matches!(material.how, Presented::Original | Presented::Copy))
        };
        !self
            .rules
            .materials
            .iter()
            .any(|material| super::evidence::is_replaceable(material) && on_paper(&material.code))
    }
}
