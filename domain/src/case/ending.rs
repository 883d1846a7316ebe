//! T20 to T26: the decision, and every way in which a case ends.

use super::decide::Decided;
use super::desk::Desk;
use super::permits::is_part_of;
use super::state::Case;
use super::{Rejection, Survivor};
use crate::actor::Role;
use crate::clock::{Clocks, Deadline};
use crate::decider::Context;
use crate::event::CaseEvent;
use crate::event::case::*;
use crate::event::instrument::InstrumentKind;
use crate::event::item::{CaseKind, ClockStop};
use crate::ids::{CaseId, ExternalNumber, OrganisationId};
use crate::instrument::{Exercise, Power, PowerMissing};
use crate::sealed::Sealed;
use chrono::NaiveDate;

impl Desk<'_> {
    /// T20 决定: the legal clock stops.
    pub(super) fn decide(
        &self,
        outcome: DecisionOutcome,
        number: &ExternalNumber,
        reason: Option<&Sealed>,
        remedy: Option<&str>,
    ) -> Decided {
        let remedy = remedy.map(str::trim).filter(|text| !text.is_empty());
        let denied = outcome == DecisionOutcome::Denied;
        let (organisation, outside) = self.deciding_organisation();
        let power = self.power_of(&organisation)?;
        let (instrument, in_name_of) = match power {
            Some(power) => (Some(power.instrument), power.in_name_of),
            None => (None, self.reference.organisations.in_name_of(self.version, &organisation)),
        };
        let anomalies = [
            self.is_acceptor().then_some(Anomaly::SamePerson),
            outside.then_some(Anomaly::OutsideAuthority),
            (denied && reason.is_none()).then_some(Anomaly::DenialWithoutReason),
            (denied && remedy.is_none()).then_some(Anomaly::DenialWithoutRemedy),
            (self.rules.clock_stop == ClockStop::Decision && self.is_over_promise()).then_some(Anomaly::OverPromise),
            self.legal_verdict(),
        ];
        Ok(vec![
            CaseDecided {
                outcome,
                number: number.clone(),
                in_name_of,
                organisation,
                authority: self.application.authority,
                instrument,
                reason: reason.cloned(),
                remedy: remedy.map(str::to_owned),
                delivery_due: self.rules.delivery_days.map(|days| self.due_in_working_days(days)),
                stops_promise: self.rules.clock_stop == ClockStop::Decision,
                yields_result: !denied && !self.rules.result_zh.is_empty(),
                leg: self.leg_decided(),
                anomalies: anomalies.into_iter().flatten().collect(),
                printed: None,
            }
            .into(),
        ])
    }

    /// Past the promised limit, should its clock stop today.
    fn is_over_promise(&self) -> bool {
        self.clocks_on(self.day).promised.is_some_and(|promised| promised.is_over(self.day))
    }

    /// What is to be said of the legal limit, whose clock stops today.
    fn legal_verdict(&self) -> Option<Anomaly> {
        let legal = self.clocks_on(self.day).legal?;
        if legal.is_over(self.day) {
            return Some(Anomaly::OverStatute);
        }
        let unpaused = self.counting.deadline(legal.start, legal.limit, &[]);
        (!legal.freezes.is_empty() && unpaused.is_over(self.day)).then_some(Anomaly::InTimeByPauses)
    }

    /// Who decides, and whether that is outside its authority: the organisation that the item version names, also
    /// through its department or station or the hall that this is a part of; any other decides for itself.
    fn deciding_organisation(&self) -> (OrganisationId, bool) {
        let organisations = &self.reference.organisations;
        let (named, own) = (&self.application.deciding, &self.actor.organisation);
        if is_part_of(organisations, own, named) || is_part_of(organisations, named, own) {
            return (named.clone(), false);
        }
        (own.clone(), true)
    }

    /// How the last leg of a forwarded case kept its own date.
    fn leg_decided(&self) -> Option<LegDecided> {
        let leg = self.case.legs.last()?;
        let held_since = leg.since.unwrap_or(self.day);
        Some(LegDecided {
            leg: leg.leg,
            organisation: leg.to.clone(),
            held_since,
            held_days: self.counting.working_days_between(held_since, self.day),
            due: leg.due.as_ref().map(|due| due.date),
        })
    }

    /// Whether whoever acts here may decide at all: what was given by an instrument is had under that instrument only.
    pub(super) fn may_decide(&self) -> Result<(), Rejection> {
        let (organisation, _) = self.deciding_organisation();
        self.power_of(&organisation).map(drop)
    }

    /// The power under which the organisation decides an empowered or entrusted item; none where it needs none: the item
    /// is its own, or it stands above those to whom the power was given and so has it from the law.
    fn power_of(&self, organisation: &OrganisationId) -> Result<Option<Power>, Rejection> {
        let Some(kind) = InstrumentKind::needed_for(self.application.authority) else { return Ok(None) };
        let organisations = &self.reference.organisations;
        let level = organisations.get(organisation).map(|known| known.kind().level());
        if level.is_some_and(|level| self.rules.decided_at < level) {
            return Ok(None);
        }
        let wanted = Exercise {
            kind,
            item: &self.application.item,
            organ: organisation,
            region: organisations.get(&self.application.handling).map(|handling| handling.region()),
            on: self.day,
        };
        self.reference.instruments.power(&wanted).map(Some).map_err(|missing| match missing {
            PowerMissing::NoInstrument => Rejection::InstrumentMissing,
            PowerMissing::OutsideScope => Rejection::OutsideInstrument,
            PowerMissing::NotInForce => Rejection::InstrumentNotInForce,
        })
    }

    /// T21 制证.
    pub(super) fn make_result(
        &self,
        name: &str,
        number: &ExternalNumber,
        valid_until: Option<NaiveDate>,
        sha256: Option<&str>,
    ) -> Decided {
        let organisations = &self.reference.organisations;
        let decision = self.case.decision.as_ref();
        let issuer = match decision {
            Some(decision) => decision.in_name_of.clone(),
            None => organisations.in_name_of(self.version, &self.application.deciding),
        };
        Ok(vec![
            ResultMade {
                name: name.to_owned(),
                number: number.clone(),
                valid_until,
                issuer,
                sha256: sha256.map(str::to_owned),
                anomalies: Vec::from_iter(decision.is_none().then_some(Anomaly::ResultWithoutDecision)),
            }
            .into(),
        ])
    }

    /// T22 出件 and 办结.
    pub(super) fn finish(&self, stamp: &ExternalNumber, fee_fen: u32) -> Decided {
        let decision = self.case.decision.as_ref().ok_or(Rejection::NotDecided)?;
        let kind = match decision.outcome {
            DecisionOutcome::Granted | DecisionOutcome::PartlyGranted => ClosingKind::Granted,
            DecisionOutcome::Denied => ClosingKind::Denied,
        };
        let organisation = self.actor.organisation.clone();
        let instant = self.application.kind == CaseKind::Instant;
        let over_midnight = instant && self.case.accepted_on().is_some_and(|accepted_on| accepted_on < self.day);
        let resultless = decision.yields_result && self.case.result.is_none() && kind == ClosingKind::Granted;
        let anomalies = [
            over_midnight.then_some(Anomaly::InstantOverMidnight),
            (!decision.stops_promise && self.is_over_promise()).then_some(Anomaly::OverPromise),
            resultless.then_some(Anomaly::FinishedWithoutResult),
        ];
        Ok(vec![
            CaseFinished {
                stamp: stamp.clone(),
                closing: self.closing(kind, &organisation),
                organisation,
                fee_fen,
                anomalies: anomalies.into_iter().flatten().collect(),
            }
            .into(),
        ])
    }

    /// T23 送达.
    pub(super) fn deliver(
        &self,
        method: DeliveryMethod,
        recipient: Option<&Sealed>,
        proof: Option<&DocumentRef>,
    ) -> Decided {
        let decided_on = self.case.decided_on().unwrap_or(self.day);
        let late = self.case.delivery_due.as_ref().is_some_and(|due| due.is_over(self.day));
        Ok(vec![
            ResultDelivered {
                method,
                recipient: recipient.cloned(),
                proof: proof.cloned(),
                days_after_decision: self.counting.working_days_between(decided_on, self.day),
                anomalies: Vec::from_iter(late.then_some(Anomaly::LateDelivery)),
                printed: None,
            }
            .into(),
        ])
    }

    /// T24 撤回: the applicant's act; what staff record without proof of that, and what comes shortly before the
    /// deadline, is marked.
    pub(super) fn withdraw(&self, reason: &Sealed, evidence: Option<&DocumentRef>) -> Decided {
        let by_staff = self.actor.role != Role::Resident;
        let both =
            |clocks: &Clocks| -> Vec<Deadline> { clocks.promised.iter().chain(&clocks.legal).cloned().collect() };
        let days_max = self.counting.policy.rules.late_withdrawal_days;
        let anomalies = [
            (by_staff && evidence.is_none()).then_some(Anomaly::StaffWithdrawal),
            self.is_close(days_max, both).then_some(Anomaly::LateWithdrawal),
        ];
        Ok(vec![
            CaseWithdrawn {
                reason: reason.clone(),
                evidence: evidence.cloned(),
                closing: self.closing(ClosingKind::Withdrawn, &self.application.intake),
                anomalies: anomalies.into_iter().flatten().collect(),
            }
            .into(),
        ])
    }

    /// T25 退件: after receipt a refusal without its written form, recorded all the same.
    pub(super) fn return_case(&self, reason: &Sealed) -> Decided {
        let received = self.case.receipt.is_some();
        Ok(vec![
            CaseReturned {
                reason: reason.clone(),
                closing: self.closing(ClosingKind::Returned, &self.application.intake),
                anomalies: Vec::from_iter(received.then_some(Anomaly::HiddenRefusal)),
            }
            .into(),
        ])
    }

    /// 并件: the same person's case for the same item goes on, this one ends.
    pub(super) fn merge(&self, from: CaseId, into: &Survivor, reason: &Sealed) -> Decided {
        if into.case == from {
            return Err(Rejection::MergesIntoItself);
        }
        if into.applicant != self.application.applicant.subject || into.item != self.application.item {
            return Err(Rejection::NotADuplicate);
        }
        if !into.open {
            return Err(Rejection::SurvivorClosed);
        }
        let closing = self.closing(ClosingKind::Merged, &self.application.intake);
        let (into, into_number) = (into.case, into.number.clone());
        Ok(vec![CaseMerged { into, into_number, reason: reason.clone(), closing }.into()])
    }

    /// T26, first act.
    pub(super) fn request_abort(&self, reason: &Sealed) -> Decided {
        Ok(vec![AbortRequested { reason: reason.clone() }.into()])
    }

    /// T26, second act 异常终止.
    pub(super) fn approve_abort(&self) -> Decided {
        Ok(vec![CaseAborted { closing: self.closing(ClosingKind::Aborted, &self.application.intake) }.into()])
    }

    /// T26, second act: not approved.
    pub(super) fn reject_abort(&self, reason: &Sealed) -> Decided {
        Ok(vec![AbortRejected { reason: reason.clone() }.into()])
    }
}

impl Case {
    /// 即办件: one click, and still acceptance, decision and closing each a fact of its own.
    pub(super) fn handle_at_once(
        &self,
        acceptance: &ExternalNumber,
        decide: impl Fn(&Desk<'_>) -> Decided,
        stamp: &ExternalNumber,
        context: &Context<'_>,
    ) -> Decided {
        let mut after = self.clone();
        let mut all = Vec::new();
        let accept = |desk: &Desk<'_>| desk.accept(acceptance, AcceptanceKind::Normal, &[], None, None);
        let finish = |desk: &Desk<'_>| desk.finish(stamp, 0);
        let acts: [&dyn Fn(&Desk<'_>) -> Decided; 3] = [&accept, &decide, &finish];
        for act in acts {
            let events: Vec<CaseEvent> = act(&after.on_desk(context)?)?;
            for event in &events {
                after.evolve_by(event, context.occurred_at, context.actor);
            }
            all.extend(events);
        }
        Ok(all)
    }
}
