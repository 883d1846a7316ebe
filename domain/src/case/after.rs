//! T28 to T30, T32 and warnings: what is said about a case from outside its own way.

use super::Rejection;
use super::decide::Decided;
use super::desk::Desk;
use super::review::next_number;
use super::state::{Case, CorrectionState, Warning};
use crate::clock::{Clocks, Deadline, Light};
use crate::event::CaseEvent;
use crate::event::case::*;
use crate::ids::{EventId, ExternalNumber, OrganisationId};
use crate::sealed::Sealed;
use chrono::NaiveDate;

impl Desk<'_> {
    /// T28 督办.
    pub(super) fn urge(
        &self,
        organisation: Option<&OrganisationId>,
        rule: &str,
        content: &Sealed,
        due: NaiveDate,
    ) -> Decided {
        let organisation = organisation.unwrap_or(self.at());
        if self.reference.organisations.get(organisation).is_none() {
            return Err(Rejection::UnknownOrganisation);
        }
        self.not_in_the_past(due)?;
        Ok(vec![
            CaseUrged {
                urging: next_number(self.case.urgings.keys()),
                organisation: organisation.clone(),
                rule: rule.to_owned(),
                content: content.clone(),
                due,
            }
            .into(),
        ])
    }

    /// T28 答复督办.
    pub(super) fn answer_urging(&self, number: u16, answer: &Sealed) -> Decided {
        let urging = self.case.urgings.get(&number).ok_or(Rejection::NoSuchUrging)?;
        let organisations = &self.reference.organisations;
        if !super::permits::acts_for(organisations, &self.actor.organisation, &urging.organisation) {
            return Err(Rejection::OrganisationDoesNotHold);
        }
        if urging.answer.is_some() {
            return Err(Rejection::AlreadyAnswered);
        }
        Ok(vec![UrgingAnswered { urging: number, answer: answer.clone() }.into()])
    }

    /// T29, first act.
    pub(super) fn request_correction(&self, corrects: EventId, change: &Correction, reason: &Sealed) -> Decided {
        if !self.case.facts.contains_key(&corrects) {
            return Err(Rejection::UnknownFact);
        }
        self.is_consistent(change)?;
        Ok(vec![
            CorrectionRequested {
                correction: next_number(self.case.corrections.keys()),
                corrects,
                change: change.clone(),
                reason: reason.clone(),
            }
            .into(),
        ])
    }

    /// Whether the record says what is to be corrected, and would still make sense afterwards.
    fn is_consistent(&self, change: &Correction) -> Result<(), Rejection> {
        let case = self.case;
        let as_recorded = |same: bool| if same { Ok(()) } else { Err(Rejection::CorrectionOutdated) };
        match change {
            Correction::AcceptedOn { old, new } => {
                as_recorded(case.accepted_on() == Some(*old))?;
                let received_on = case.receipt.as_ref().map(|receipt| receipt.materials_received_on);
                lies_between(*new, [received_on, None], [case.decided_on(), case.closed_on(), Some(self.today)])
            }
            Correction::ClosedOn { old, new } => {
                as_recorded(case.closed_on() == Some(*old))?;
                let not_before = case.decided_on().or(case.accepted_on());
                lies_between(*new, [case.submitted_on, not_before], [Some(self.today), None, None])
            }
            Correction::Region { old, new: _ } => as_recorded(self.application.region == *old),
            Correction::Applicant { old, new: _ } => as_recorded(self.application.applicant == *old),
            Correction::Text { .. } => Ok(()),
        }
    }

    /// The correction that waits, if this person may answer it.
    fn waiting_correction(&self, number: u16) -> Result<&CorrectionState, Rejection> {
        let waiting = self.case.corrections.get(&number).filter(|correction| correction.approved.is_none());
        let waiting = waiting.ok_or(Rejection::NoSuchCorrection)?;
        self.second_person(waiting.request.as_ref().and_then(|request| request.by.as_ref()))?;
        Ok(waiting)
    }

    /// T29, second act 更正.
    pub(super) fn approve_correction(&self, number: u16) -> Decided {
        let CorrectionState { corrects, change, .. } = self.waiting_correction(number)?;
        self.is_consistent(change)?;
        let effective_on = self.case.facts.get(corrects).copied().ok_or(Rejection::UnknownFact)?;
        let clocks = self.corrected_clocks(change);
        let closing = self.case.closing.as_ref().and_then(|old| {
            let new = self.corrected_closing(old, change)?;
            Some(Box::new(ClosingChange { old: old.clone(), new }))
        });
        Ok(vec![
            RecordCorrected {
                correction: number,
                corrects: *corrects,
                effective_on,
                change: change.clone(),
                clocks,
                closing,
            }
            .into(),
        ])
    }

    /// The deadlines counted from the right day, where it was the day that was wrong.
    fn corrected_clocks(&self, change: &Correction) -> Option<Clocks> {
        let Correction::AcceptedOn { new, .. } = change else { return None };
        let restarted = |deadline: &Deadline| self.counting.deadline(*new, deadline.limit, &deadline.freezes);
        let clocks = self.clocks_on(self.case.closed_on().unwrap_or(self.day));
        let kept = if self.case.closing.is_some() { &clocks } else { &self.case.clocks };
        Some(Clocks { promised: kept.promised.as_ref().map(restarted), legal: kept.legal.as_ref().map(restarted) })
    }

    fn corrected_closing(&self, old: &Closing, change: &Correction) -> Option<Closing> {
        let clocks = || self.clocks_on(old.closed_on);
        match change {
            Correction::AcceptedOn { new, .. } => {
                let clocks = self.corrected_clocks(change).unwrap_or_else(clocks);
                Some(self.timed(old.clone(), Some(*new), old.closed_on, &clocks))
            }
            Correction::ClosedOn { new, .. } => Some(self.timed(old.clone(), old.accepted_on, *new, &clocks())),
            Correction::Region { new, .. } => Some(Closing { region: Some(new.clone()), ..old.clone() }),
            Correction::Applicant { .. } | Correction::Text { .. } => None,
        }
    }

    /// T29, second act: not approved.
    pub(super) fn reject_correction(&self, number: u16, reason: &Sealed) -> Decided {
        self.waiting_correction(number)?;
        Ok(vec![CorrectionRejected { correction: number, reason: reason.clone() }.into()])
    }

    /// T30 撤销、变更、注销.
    pub(super) fn revoke_result(&self, kind: RevocationKind, basis: &str, on: NaiveDate, reason: &Sealed) -> Decided {
        if self.today < on {
            return Err(Rejection::OccurredInFuture);
        }
        if self.case.decided_on().is_some_and(|decided_on| on < decided_on) {
            return Err(Rejection::OccurredBeforePredecessor);
        }
        Ok(vec![ResultRevoked { kind, basis: basis.to_owned(), on, reason: reason.clone() }.into()])
    }

    /// T32 归档.
    pub(super) fn archive(&self, package: &ExternalNumber, sha256: &str) -> Decided {
        let retention = self.rules.retention.clone();
        Ok(vec![CaseArchived { package: package.clone(), sha256: sha256.to_owned(), retention }.into()])
    }

    /// 预警: for the first limit of this clock over its threshold for which none was raised.
    pub(super) fn raise_warning(&self, clock: WarnedClock, threshold: Threshold) -> Decided {
        let mut crossed = self
            .case
            .crossed(self.day)
            .filter(|crossed| crossed.warning.clock == clock && crossed.warning.threshold == threshold);
        let Some(first) = crossed.next() else { return Err(Rejection::ThresholdNotCrossed) };
        let fresh = std::iter::once(first).chain(crossed).find(|c| !self.case.warnings.contains(&c.warning));
        let Some(Crossed { warning: Warning { due, policy, .. }, organisation }) = fresh else { return Ok(Vec::new()) };
        let organisation = organisation.unwrap_or_else(|| self.at().clone());
        let of_step = self.case.open_step().filter(|step| clock == WarnedClock::Step && step.due.date == due);
        let holder = of_step.map(|step| step.holder.clone()).or_else(|| self.case.holder.clone());
        Ok(vec![WarningRaised { clock, threshold, due, organisation, holder, policy }.into()])
    }

    /// 已阅: of every warning that nobody took note of.
    pub(super) fn read_warnings(&self) -> Vec<CaseEvent> {
        let unread = self.case.warnings.difference(&self.case.warnings_read);
        let read = |Warning { clock, threshold, due, policy }: &Warning| {
            WarningRead { clock: *clock, threshold: *threshold, due: *due, policy: *policy }.into()
        };
        unread.map(read).collect()
    }

    /// 预警答复: to every warning that nobody answered.
    pub(super) fn answer_warnings(&self, answer: &Sealed) -> Vec<CaseEvent> {
        let open = self.case.warnings.difference(&self.case.warnings_answered);
        let answered = |Warning { clock, threshold, due, policy }: &Warning| {
            let (clock, threshold, due, policy, answer) = (*clock, *threshold, *due, *policy, answer.clone());
            WarningAnswered { clock, threshold, due, policy, answer }.into()
        };
        open.map(answered).collect()
    }
}

fn lies_between(
    day: NaiveDate,
    after: [Option<NaiveDate>; 2],
    before: [Option<NaiveDate>; 3],
) -> Result<(), Rejection> {
    let too_early = after.into_iter().flatten().any(|first| day < first);
    let too_late = before.into_iter().flatten().any(|last| last < day);
    if too_early || too_late { Err(Rejection::CorrectionContradicts) } else { Ok(()) }
}

/// A limit that somebody watches.
pub(crate) struct Watched<'a> {
    pub(crate) clock: WarnedClock,
    pub(crate) deadline: &'a Deadline,
    organisation: Option<&'a OrganisationId>,
}

impl Watched<'_> {
    /// The warning for this threshold.
    pub(crate) fn warning(&self, threshold: Threshold) -> Warning {
        let Deadline { date, policy, .. } = self.deadline;
        Warning { clock: self.clock, threshold, due: *date, policy: *policy }
    }
}

/// A limit over a threshold.
pub(crate) struct Crossed {
    pub(crate) warning: Warning,
    pub(crate) organisation: Option<OrganisationId>,
}

impl Case {
    /// Every limit that runs now and stands still for no reason.
    pub(crate) fn watched(&self) -> Vec<Watched<'_>> {
        let watch = |clock, deadline, organisation| Watched { clock, deadline, organisation };
        let at = self.at.as_ref();
        let pauses = self.pauses();
        let decided = self.decision.as_ref();
        let runs = self.phase.is_open() && self.acceptance.is_some();
        let promise_runs = runs && pauses.promised.is_none() && !decided.is_some_and(|made| made.stops_promise);
        let legal_runs = runs && pauses.legal.is_none() && decided.is_none();
        let notice = self.notice_due.iter().filter(|_| self.phase == super::Phase::Received);
        let promised = self.clocks.promised.iter().filter(|_| promise_runs);
        let legal = self.clocks.legal.iter().filter(|_| legal_runs);
        let open_steps = self.steps.iter().filter(|step| step.done.is_none() && self.phase.is_open());
        let procedures = self.open_procedures().filter(|_| self.phase.is_undecided());
        let undelivered = self.delivery_due.iter().filter(|_| self.delivery.is_none() && decided.is_some());
        notice
            .map(|due| watch(WarnedClock::Notice, due, at))
            .chain(promised.map(|due| watch(WarnedClock::Promised, due, at)))
            .chain(legal.map(|due| watch(WarnedClock::Legal, due, at)))
            .chain(open_steps.map(|step| watch(WarnedClock::Step, &step.due, Some(&step.organisation))))
            .chain(procedures.filter_map(|(_, open)| Some(watch(WarnedClock::Procedure, open.due.as_ref()?, at))))
            .chain(undelivered.map(|due| watch(WarnedClock::Delivery, due, self.delivering())))
            .collect()
    }

    /// Every limit over a threshold on this day, warned of or not.
    pub(crate) fn crossed(&self, day: NaiveDate) -> impl Iterator<Item = Crossed> {
        self.watched().into_iter().filter_map(move |watched| {
            let threshold = match watched.deadline.light(day) {
                Light::Yellow => Threshold::Yellow,
                Light::Red | Light::RedStatutory => Threshold::Red,
                Light::Green | Light::Paused => return None,
            };
            Some(Crossed { warning: watched.warning(threshold), organisation: watched.organisation.cloned() })
        })
    }
}
