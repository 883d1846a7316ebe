//! T12 to T15 and T27: work on an accepted case, from hand to hand.

use super::Rejection;
use super::decide::Decided;
use super::desk::Desk;
use super::permits::is_part_of;
use crate::event::case::*;
use crate::event::item::{Authority, StepRule};
use crate::ids::{ExternalNumber, MaterialCode, OrganisationId, StaffId, StepCode};
use crate::sealed::Sealed;
use chrono::NaiveDate;

impl Desk<'_> {
    /// T12 分派.
    pub(super) fn route(&self, to: &OrganisationId, step: Option<&StepCode>, hand_over: &ExternalNumber) -> Decided {
        self.known(to)?;
        if !self.may_go_to(to) {
            return Err(Rejection::RouteNotAllowed);
        }
        let step = match step {
            Some(step) => self.step_rule(step)?.code.clone(),
            None => self.next_step().ok_or(Rejection::NoStepOpen)?.clone(),
        };
        Ok(vec![CaseRouted { to: to.clone(), step, hand_over: hand_over.clone(), printed: None }.into()])
    }

    /// A back office of where the case is, of who handles it, or of who decides it; but upwards only by forwarding.
    fn may_go_to(&self, to: &OrganisationId) -> bool {
        let awaits_forwarding = self.application.authority == Authority::Forward && self.case.legs.is_empty();
        let deciding = (!awaits_forwarding).then_some(&self.application.deciding);
        let near = [self.at(), &self.application.intake, &self.application.handling].into_iter().chain(deciding);
        near.into_iter().any(|place| is_part_of(&self.reference.organisations, to, place))
    }

    /// The first step after acceptance that is neither passed nor open.
    fn next_step(&self) -> Option<&StepCode> {
        let waits = |step: &&StepRule| {
            let open = self.case.steps.iter().any(|open| open.code == step.code && open.done.is_none());
            !step.before_acceptance && !open && !self.case.passed.contains(&step.code)
        };
        self.rules.steps.iter().find(waits).or(self.rules.steps.last()).map(|step| &step.code)
    }

    /// The budgets of the steps after acceptance that are not passed: what is left for whoever gets the case now.
    fn days_ahead(&self) -> u16 {
        let ahead = self.rules.steps.iter().filter(|step| !step.before_acceptance);
        let ahead = ahead.filter(|step| !self.case.passed.contains(&step.code));
        ahead.map(|step| step.budget_days).fold(0, u16::saturating_add)
    }

    fn known(&self, organisation: &OrganisationId) -> Result<(), Rejection> {
        let known = self.reference.organisations.get(organisation);
        known.filter(|known| known.exists_on(self.day)).map(|_| ()).ok_or(Rejection::UnknownOrganisation)
    }

    /// T12 签收.
    pub(super) fn claim(&self) -> Decided {
        Ok(vec![WorkClaimed { holder: self.actor.id.clone() }.into()])
    }

    /// T12 退回待办.
    pub(super) fn release(&self, reason: Option<&Sealed>) -> Decided {
        let holder = self.case.holder.clone().ok_or(Rejection::NotTheHolder)?;
        Ok(vec![WorkReleased { holder, reason: reason.cloned() }.into()])
    }

    /// T12 改派.
    pub(super) fn reassign(&self, to: &StaffId, reason: Option<&Sealed>) -> Decided {
        let from = self.case.holder.clone();
        Ok(vec![WorkReassigned { from, to: to.clone(), reason: reason.cloned() }.into()])
    }

    fn step_rule(&self, code: &StepCode) -> Result<&StepRule, Rejection> {
        self.version.step(code).ok_or_else(|| Rejection::UnknownStep(code.clone()))
    }

    /// T13 环节开始.
    pub(super) fn start_step(&self, code: &StepCode) -> Decided {
        let rule = self.step_rule(code)?;
        let accepted = self.case.acceptance.is_some();
        if rule.before_acceptance && accepted {
            return Err(Rejection::StepBeforeAcceptance(code.clone()));
        }
        if !rule.before_acceptance && !accepted {
            return Err(Rejection::StepAfterAcceptance(code.clone()));
        }
        if self.case.passed.contains(code) {
            return Err(Rejection::StepAlreadyDone(code.clone()));
        }
        if self.case.steps.iter().any(|step| step.code == *code && step.done.is_none()) {
            return Err(Rejection::StepAlreadyOpen(code.clone()));
        }
        Ok(vec![
            StepStarted {
                step: code.clone(),
                organisation: self.actor.organisation.clone(),
                holder: self.actor.id.clone(),
                due: self.due_in_working_days(rule.budget_days),
            }
            .into(),
        ])
    }

    /// T13 环节完成.
    pub(super) fn finish_step(&self, code: &StepCode, outcome: StepOutcome, opinion: Option<&Sealed>) -> Decided {
        let rule = self.step_rule(code)?;
        let open = self.case.steps.iter().rev().find(|step| step.code == *code && step.done.is_none());
        let open = open.ok_or_else(|| Rejection::StepNotOpen(code.clone()))?;
        self.may_work_on(code)?;
        let working_days = self.counting.working_days_between(open.started_on, self.day);
        let over_budget = rule.budget_days < working_days;
        Ok(vec![
            StepFinished {
                step: code.clone(),
                organisation: open.organisation.clone(),
                holder: self.actor.id.clone(),
                outcome,
                opinion: opinion.cloned(),
                started_on: open.started_on,
                working_days,
                budget_days: rule.budget_days,
                dimensions: self.dimensions(),
                anomalies: Vec::from_iter(over_budget.then_some(Anomaly::StepOverBudget)),
            }
            .into(),
        ])
    }

    /// T14 退回上一环节: never pauses a clock.
    pub(super) fn send_back(&self, to: &StepCode, reason: &Sealed) -> Decided {
        self.step_rule(to)?;
        if !self.case.steps.iter().any(|step| step.code == *to) {
            return Err(Rejection::StepNeverBegun(to.clone()));
        }
        let from = self.case.open_step().map(|step| step.code.clone());
        let times = self.case.sent_back.saturating_add(1);
        Ok(vec![StepSentBack { from, to: to.clone(), reason: reason.clone(), times }.into()])
    }

    /// T15 会签.
    pub(super) fn consult(&self, organisations: &[OrganisationId], question: &Sealed, due: NaiveDate) -> Decided {
        if organisations.is_empty() {
            return Err(Rejection::NobodyAsked);
        }
        for organisation in organisations {
            self.known(organisation)?;
        }
        self.not_in_the_past(due)?;
        let consultation = next_number(self.case.consultations.keys());
        Ok(vec![
            ConsultationOpened { consultation, organisations: organisations.to_vec(), question: question.clone(), due }
                .into(),
        ])
    }

    pub(super) fn not_in_the_past(&self, due: NaiveDate) -> Result<(), Rejection> {
        if due < self.day { Err(Rejection::DueInThePast) } else { Ok(()) }
    }

    /// T15 答复会签.
    pub(super) fn answer_consultation(&self, consultation: u16, answer: &Sealed) -> Decided {
        let asked = self.case.consultations.get(&consultation).ok_or(Rejection::NoSuchConsultation)?;
        let organisations = &self.reference.organisations;
        let own = |asked: &&OrganisationId| super::permits::acts_for(organisations, &self.actor.organisation, asked);
        let mut ours = asked.organisations.iter().filter(own).peekable();
        ours.peek().ok_or(Rejection::NotAsked)?;
        let silent = ours.find(|organisation| !asked.answers.contains_key(*organisation));
        let organisation = silent.ok_or(Rejection::AlreadyAnswered)?.clone();
        Ok(vec![ConsultationAnswered { consultation, organisation, answer: answer.clone() }.into()])
    }

    /// T27 转报: a leg closes, another opens; phase and clocks stay.
    pub(super) fn forward(
        &self,
        to: Option<&OrganisationId>,
        package: &[MaterialCode],
        hand_over: Option<&ExternalNumber>,
    ) -> Decided {
        let deciding = &self.application.deciding;
        let to = to.unwrap_or(deciding);
        self.known(to)?;
        let upwards = self.reference.organisations.contains(to, deciding);
        if !upwards || to == self.at() {
            return Err(Rejection::RouteNotAllowed);
        }
        let held_since = self.case.at_since.unwrap_or(self.day);
        let last_leg = self.case.legs.last().map_or(1, |leg| leg.leg);
        Ok(vec![
            LegForwarded {
                leg: last_leg.saturating_add(1),
                from: self.at().clone(),
                to: to.clone(),
                package: package.to_vec(),
                held_since,
                held_days: self.counting.working_days_between(held_since, self.day),
                due: Some(self.due_in_working_days(self.days_ahead())),
                dimensions: self.dimensions(),
                hand_over: hand_over.cloned(),
                printed: None,
            }
            .into(),
        ])
    }
}

/// The number after the highest given out.
pub(super) fn next_number<'a>(given: impl Iterator<Item = &'a u16>) -> u16 {
    given.max().map_or(1, |last| last.saturating_add(1))
}
