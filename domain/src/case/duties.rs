//! What is waiting for somebody: the queues of a hall, as a function of one case.

use super::Phase;
use super::state::{Case, Procedure, ProcedureState};
use crate::clock::{Clocks, Deadline, Light, Pauses};
use crate::event::case::{ClosingKind, DecisionOutcome};
use crate::event::item::Authority;
use crate::ids::{OrganisationId, StaffId};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The decision, and the making of its result.
const LAST_STEPS: usize = 2;

/// What kind of work waits; also the name of its queue. `rating-order` and `call-back` come from ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DutyKind {
    /// 待收件.
    Receipt,
    /// 待受理.
    Acceptance,
    /// A notice must be given in time, or the case counts as accepted.
    NoticeDue,
    /// 待补正: a notice, or a tolerant acceptance, waits for the applicant.
    Supplement,
    /// 待审查.
    Review,
    /// 待会签答复.
    Consultation,
    /// 待接转报件.
    IncomingLeg,
    /// A special procedure must be ended.
    SpecialProcedureEnding,
    /// 待批准: a first act waits for its second.
    Approval,
    /// 待决定.
    Decision,
    /// 待制证.
    Result,
    /// 待出件.
    Output,
    /// 待送达.
    Delivery,
    /// 待答复督办.
    Urging,
}

impl DutyKind {
    /// Returns the name of its queue.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Acceptance => "acceptance",
            Self::NoticeDue => "notice-due",
            Self::Supplement => "supplement",
            Self::Review => "review",
            Self::Consultation => "consultation",
            Self::IncomingLeg => "incoming-leg",
            Self::SpecialProcedureEnding => "special-procedure-ending",
            Self::Approval => "approval",
            Self::Decision => "decision",
            Self::Result => "result",
            Self::Output => "output",
            Self::Delivery => "delivery",
            Self::Urging => "urging",
        }
    }
}

/// When a duty is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// No rule sets a date.
    Never,
    /// On this day.
    Day(NaiveDate),
    /// Within a limit of its own.
    Limit(Deadline),
    /// Within the limits of the case, and the budget of the step that is open.
    Clocks {
        /// Those that still run.
        clocks: Clocks,
        /// Since when each stands still.
        pauses: Pauses,
        /// The open step's own date.
        step: Option<Deadline>,
    },
}

impl Due {
    /// Returns the next date, if there is one.
    #[must_use]
    pub fn date(&self) -> Option<NaiveDate> {
        self.deadline().map(|deadline| deadline.date).or(match self {
            Self::Day(day) => Some(*day),
            Self::Never | Self::Limit(_) | Self::Clocks { .. } => None,
        })
    }

    /// Returns the limit that ends first, if there is one.
    #[must_use]
    pub fn deadline(&self) -> Option<&Deadline> {
        match self {
            Self::Never | Self::Day(_) => None,
            Self::Limit(deadline) => Some(deadline),
            Self::Clocks { clocks, step, pauses: _ } => {
                let all = clocks.promised.iter().chain(&clocks.legal).chain(step);
                all.min_by_key(|deadline| deadline.date)
            }
        }
    }

    /// Returns the light on this day.
    #[must_use]
    pub fn light(&self, day: NaiveDate) -> Light {
        match self {
            Self::Never => Light::Green,
            Self::Day(due) if *due < day => Light::Red,
            Self::Day(due) if *due == day => Light::Yellow,
            Self::Day(_) => Light::Green,
            Self::Limit(deadline) => deadline.light(day),
            Self::Clocks { clocks, pauses, step } => {
                let step = step.as_ref().map_or(Light::Green, |deadline| deadline.light(day));
                clocks.light(day, pauses).min(step)
            }
        }
    }

    /// Returns the first day after `day` on which the light may differ by time alone.
    #[must_use]
    pub fn light_changes_after(&self, day: NaiveDate) -> Option<NaiveDate> {
        let of = |deadline: &Deadline| [deadline.yellow_from, deadline.date.succ_opt()];
        let changes: Vec<Option<NaiveDate>> = match self {
            Self::Never => Vec::new(),
            Self::Day(due) => vec![Some(*due), due.succ_opt()],
            Self::Limit(deadline) => of(deadline).to_vec(),
            Self::Clocks { clocks, step, pauses: _ } => {
                clocks.promised.iter().chain(&clocks.legal).chain(step).flat_map(of).collect()
            }
        };
        changes.into_iter().flatten().filter(|change| day < *change).min()
    }
}

/// One thing that waits for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Which kind of work.
    pub kind: DutyKind,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// Who has taken it, if somebody has.
    pub holder: Option<StaffId>,
    /// Which procedure, consultation, urging or correction, where the case has several.
    pub number: Option<u16>,
    /// Since when it waits.
    pub since: NaiveDate,
    /// When it is due.
    pub due: Due,
}

/// Returns everything in this case that waits for somebody.
#[must_use]
pub fn duties(case: &Case) -> Vec<Duty> {
    let mut duties = Vec::new();
    duties.extend(case.phase_duties());
    duties.extend(case.approvals());
    duties.extend(case.consultation_duties());
    duties.extend(case.procedure_duties());
    duties.extend(case.promised_material_duty());
    duties.extend(case.delivery_duty());
    duties.extend(case.urging_duties());
    duties
}

impl Case {
    fn duty(&self, kind: DutyKind, at: Option<&OrganisationId>, since: Option<NaiveDate>, due: Due) -> Option<Duty> {
        let since = since.or(self.at_since).or(self.submitted_on).unwrap_or_default();
        Some(Duty { kind, organisation: at?.clone(), holder: self.holder.clone(), number: None, since, due })
    }

    fn unheld(&self, kind: DutyKind, at: &OrganisationId, since: Option<NaiveDate>, due: Due) -> Duty {
        let since = since.or(self.at_since).unwrap_or_default();
        Duty { kind, organisation: at.clone(), holder: None, number: None, since, due }
    }

    /// The work that the phase itself asks for.
    fn phase_duties(&self) -> Vec<Duty> {
        let at = self.at.as_ref();
        let received_on = self.receipt.as_ref().map(|receipt| receipt.materials_received_on);
        match self.phase {
            Phase::Unopened | Phase::Suspended | Phase::Finished | Phase::Legacy => Vec::new(),
            Phase::Submitted => Vec::from_iter(self.duty(DutyKind::Receipt, at, self.submitted_on, Due::Never)),
            Phase::Received => {
                let due = self.notice_due.clone().map_or(Due::Never, Due::Limit);
                let since = self.notice_due.as_ref().map(|due| due.start).or(received_on);
                let deems = self.receipt.as_ref().is_some_and(|receipt| receipt.deems);
                let notice = self.duty(DutyKind::NoticeDue, at, since, due.clone()).filter(|_| deems);
                self.duty(DutyKind::Acceptance, at, since, due).into_iter().chain(notice).collect()
            }
            Phase::SupplementPending => {
                let notice = self.notices.last();
                let due = notice.and_then(|notice| notice.supplement_by).map_or(Due::Never, Due::Day);
                Vec::from_iter(self.duty(DutyKind::Supplement, at, notice.and_then(|notice| notice.on), due))
            }
            Phase::Accepted | Phase::InReview => Vec::from_iter(self.review_duty()),
            Phase::Decided | Phase::ResultReady => Vec::from_iter(self.output_duty()),
        }
    }

    fn work_due(&self) -> Due {
        let step = self.open_step().map(|step| step.due.clone());
        Due::Clocks { clocks: self.running_clocks(), pauses: self.pauses(), step }
    }

    fn review_duty(&self) -> Option<Duty> {
        let due = self.work_due();
        if let Some(leg) = self.legs.last().filter(|leg| !leg.taken_up) {
            // Nobody there has begun a step; the leg's own date stands in its place.
            let Due::Clocks { clocks, pauses, step } = due else { return None };
            let due = Due::Clocks { clocks, pauses, step: step.or_else(|| leg.due.clone()) };
            return self.duty(DutyKind::IncomingLeg, Some(&leg.to), leg.since, due);
        }
        if self.is_ready_for_decision() {
            let deciding = self.application.as_ref().map(|application| &application.deciding);
            let last_step = self.steps.last().and_then(|step| step.done.as_ref()?.on);
            return self.duty(DutyKind::Decision, deciding.or(self.at.as_ref()), last_step, due);
        }
        self.duty(DutyKind::Review, self.at.as_ref(), self.held_since.or(self.at_since), due)
    }

    /// Only the last two steps are left, or one of them is open: a step model ends with the decision and the making of
    /// the result. A forwarded case is decided where it was forwarded to.
    fn is_ready_for_decision(&self) -> bool {
        let Some(application) = &self.application else { return false };
        if application.authority == Authority::Forward && self.legs.is_empty() {
            return false;
        }
        let planned = self.acceptance.as_ref().map_or(&[][..], |acceptance| &acceptance.steps);
        let (review, last) = planned.split_at(planned.len().saturating_sub(LAST_STEPS));
        let reviewed = review.iter().all(|step| self.passed.contains(step));
        let others_open = self.steps.iter().any(|step| step.done.is_none() && !last.contains(&step.code));
        reviewed && !others_open
    }

    fn output_duty(&self) -> Option<Duty> {
        let decision = self.decision.as_ref()?;
        let granted = decision.outcome != DecisionOutcome::Denied;
        if granted && decision.yields_result && self.result.is_none() {
            return self.duty(DutyKind::Result, Some(&decision.organisation), decision.on, self.work_due());
        }
        self.duty(DutyKind::Output, self.delivering(), decision.on, self.work_due())
    }

    fn approvals(&self) -> Vec<Duty> {
        let Some(at) = &self.at else { return Vec::new() };
        let approval = |on: Option<NaiveDate>, number: Option<u16>| Duty {
            number,
            ..self.unheld(DutyKind::Approval, at, on, self.work_due())
        };
        let requested = self
            .procedures
            .iter()
            .filter(|(_, procedure)| procedure.state == ProcedureState::Requested && self.phase.is_open());
        let procedures = requested.map(|(number, procedure)| approval(procedure.requested_on, Some(*number)));
        let extension = self.extension_request.iter().map(|extension| approval(extension.request.on, None));
        let abort = self.abort_request.iter().map(|request| approval(request.on, None));
        let waiting = self.corrections.iter().filter(|(_, correction)| correction.approved.is_none());
        let corrections = waiting.map(|(number, correction)| {
            approval(correction.request.as_ref().and_then(|request| request.on), Some(*number))
        });
        procedures.chain(extension).chain(abort).chain(corrections).collect()
    }

    fn consultation_duties(&self) -> Vec<Duty> {
        if !self.phase.is_undecided() {
            return Vec::new();
        }
        let mut duties = Vec::new();
        for (number, consultation) in &self.consultations {
            let silent = consultation.organisations.iter().filter(|asked| !consultation.answers.contains_key(*asked));
            duties.extend(silent.map(|asked| Duty {
                number: Some(*number),
                ..self.unheld(DutyKind::Consultation, asked, consultation.on, Due::Day(consultation.due))
            }));
        }
        duties
    }

    fn procedure_duties(&self) -> Vec<Duty> {
        let Some(at) = self.at.as_ref().filter(|_| self.phase.is_undecided()) else { return Vec::new() };
        let due = |procedure: &Procedure| procedure.due.clone().map_or(Due::Never, Due::Limit);
        self.open_procedures()
            .map(|(number, procedure)| Duty {
                number: Some(number),
                holder: self.holder.clone(),
                ..self.unheld(DutyKind::SpecialProcedureEnding, at, procedure.from, due(procedure))
            })
            .collect()
    }

    /// What was tolerated must still come, also after closing.
    fn promised_material_duty(&self) -> Option<Duty> {
        let ended_early = self.closing.is_some() && self.decision.is_none();
        let promised = !self.promised_materials.is_empty() && !ended_early && !self.flags.archived;
        let acceptance = self.acceptance.as_ref().filter(|_| promised)?;
        let due = acceptance.promised_materials_by.map_or(Due::Never, Due::Day);
        Some(self.unheld(DutyKind::Supplement, &acceptance.organisation, Some(acceptance.effective_on), due))
    }

    fn delivery_duty(&self) -> Option<Duty> {
        let closing = self.closing.as_ref().filter(|_| self.delivery.is_none())?;
        let to_deliver = matches!(closing.kind, ClosingKind::Granted | ClosingKind::Denied);
        let due = self.delivery_due.clone().map_or(Due::Never, Due::Limit);
        let duty = self.unheld(DutyKind::Delivery, self.delivering()?, Some(closing.closed_on), due);
        to_deliver.then_some(duty)
    }

    fn urging_duties(&self) -> Vec<Duty> {
        let open = self.urgings.iter().filter(|(_, urging)| urging.answer.is_none());
        open.map(|(number, urging)| Duty {
            number: Some(*number),
            ..self.unheld(DutyKind::Urging, &urging.organisation, urging.on, Due::Day(urging.due))
        })
        .collect()
    }
}
