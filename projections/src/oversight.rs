//! 督查: wrong paths and warnings, counted by whom they concern; and the cards that follow from them.
//!
//! A mark is made by the decision that it stands on and counts on the day of that act; this fold adds nothing to it but
//! whom it concerns. What is kept of single cases is what is still open in them: warnings nobody has acted on, pauses
//! that run, and the item, which most acts do not name. Lists of the cases behind a figure come from the case index.

mod query;
mod responsible;

pub use query::{
    AnomaliesAnswer, AnomaliesQuery, AnomaliesRow, AnomalyDimension, CardsAnswer, CardsQuery, CardsRow,
    WarningDimension, WarningsAnswer, WarningsQuery, WarningsRow,
};
pub use responsible::{Responsible, of_warning, responsible};

use crate::names::{Code, Names};
use crate::projection::Projection;
use crate::scope::Month;
use crate::tally::Daily;
use chrono::NaiveDate;
use domain::actor::Role;
use domain::event::case::{
    Anomaly, CaseSubmitted, DecisionOutcome, SpecialProcedureClosed, SpecialProcedureOpened, Threshold, WarnedClock,
    WarningRaised,
};
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ItemId, OrganisationId, SourceName, StaffId};
use domain::zone::{Instant, day_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind every question about supervision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Oversight {
    texts: Texts,
    /// Marks, by the day of the act they stand on.
    marks: Daily<Mark>,
    /// Acts on which marks may stand, by their day: what shares are taken of.
    acts: Daily<Act>,
    /// Working days that each marked pause hid, by the day it ended.
    hidden: Daily<(Mark, u16)>,
    /// Warnings, by the day they were raised.
    warnings: Daily<Warned>,
    open: BTreeMap<CaseId, OpenCase>,
    /// Warnings of open cases: read, answered and acted on, or not yet.
    warned: BTreeMap<CaseId, Vec<OpenWarning>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Texts {
    sources: Names<SourceName>,
    items: Names<ItemId>,
    organisations: Names<OrganisationId>,
    people: Names<StaffId>,
}

/// Whom something concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Whom {
    source: Option<Code>,
    item: Option<Code>,
    organisation: Code,
    person: Option<Code>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Mark {
    kind: Anomaly,
    whom: Whom,
    recorded_in: Month,
}

/// An act that may be marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum ActKind {
    /// 一次性告知.
    Notice,
    /// A special procedure was opened.
    PauseOpened,
    /// A special procedure ended.
    PauseClosed,
    /// 决定.
    Decision,
    /// 不予.
    Denial,
    /// 撤回.
    Withdrawal,
    /// 退件.
    Return,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Act {
    kind: ActKind,
    whom: Whom,
}

/// A warning and what became of it. Each fact takes the old one back and puts the new one in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Warned {
    clock: WarnedClock,
    threshold: Threshold,
    whom: Whom,
    read: bool,
    answered: bool,
    /// Hours from the warning to the first act of staff on the case, rounded up.
    acted_after: Option<u16>,
}

/// What is remembered of a case until it is done with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct OpenCase {
    source: Option<Code>,
    item: Option<Code>,
    /// Marks of pauses that run, by the number of the pause.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pauses: BTreeMap<u16, Vec<Mark>>,
    /// A deemed acceptance that may yet be taken back, and the day it counts on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deemed: Option<(NaiveDate, Mark)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OpenWarning {
    warned: Warned,
    due: NaiveDate,
    policy: u32,
    raised_at: Instant,
}

impl Projection for Oversight {
    const NAME: &'static str = "oversight";
    const REVISION: u32 = 1;

    fn apply(&mut self, fact: &Fact) {
        match (&fact.event, &fact.subject) {
            (Event::Case(event), Subject::Case(case)) => self.apply_case(*case, event, fact),
            // A case's event in another stream is nobody's case.
            (Event::Case(_), _) => (),
            (
                Event::Rating(_)
                | Event::Certificate(_)
                | Event::Library(_)
                | Event::Item(_)
                | Event::Organisation(_)
                | Event::Calendar(_)
                | Event::Policy(_)
                | Event::Template(_)
                | Event::Roster(_)
                | Event::Ticket(_)
                | Event::Appointment(_)
                | Event::Kin(_)
                | Event::Checklist(_)
                | Event::Inspection(_)
                | Event::Campaign(_)
                | Event::ServicePoint(_)
                | Event::Instrument(_)
                | Event::Access(_),
                _,
            ) => (),
        }
    }
}

impl Oversight {
    fn apply_case(&mut self, case: CaseId, event: &CaseEvent, fact: &Fact) {
        if let CaseEvent::CaseSubmitted(CaseSubmitted { source, item, .. }) = event {
            let (source, item) = (self.texts.sources.code(source), self.texts.items.code(item));
            let open = OpenCase { source: Some(source), item: Some(item), ..OpenCase::default() };
            self.open.insert(case, open);
        }
        self.note_action(case, event, fact);
        for kind in event.anomalies() {
            let (day, mark) = self.mark(case, *kind, event, fact);
            self.marks.add(day, mark);
            if *kind == Anomaly::DeemedAcceptance {
                self.open.entry(case).or_default().deemed = Some((day, mark));
            }
        }
        match event {
            CaseEvent::OneTimeNoticeIssued(_) => self.act(case, ActKind::Notice, event, fact),
            CaseEvent::SpecialProcedureOpened(opened) => {
                self.act(case, ActKind::PauseOpened, event, fact);
                self.pause_opened(case, opened, event, fact);
            }
            CaseEvent::SpecialProcedureClosed(closed) => {
                self.act(case, ActKind::PauseClosed, event, fact);
                self.pause_closed(case, closed, event, fact);
            }
            CaseEvent::CaseDecided(decided) => {
                self.act(case, ActKind::Decision, event, fact);
                if decided.outcome == DecisionOutcome::Denied {
                    self.act(case, ActKind::Denial, event, fact);
                }
            }
            CaseEvent::CaseWithdrawn(_) => {
                self.act(case, ActKind::Withdrawal, event, fact);
                self.done_with(case);
            }
            CaseEvent::CaseReturned(_) => {
                self.act(case, ActKind::Return, event, fact);
                self.done_with(case);
            }
            CaseEvent::DeemedAcceptanceReversed(_) => {
                if let Some((day, mark)) = self.open.get_mut(&case).and_then(|open| open.deemed.take()) {
                    self.marks.take(day, mark);
                }
            }
            CaseEvent::WarningRaised(raised) => self.warn(case, raised, fact),
            CaseEvent::WarningRead(read) => {
                let which = (read.clock, read.threshold, read.due, read.policy);
                self.change_warnings(case, |open| open.is(which), |open| open.warned.read = true);
            }
            CaseEvent::WarningAnswered(answered) => {
                let which = (answered.clock, answered.threshold, answered.due, answered.policy);
                self.change_warnings(
                    case,
                    |open| open.is(which),
                    |open| {
                        open.warned.read = true;
                        open.warned.answered = true;
                    },
                );
            }
            // What was granted or refused is still to be delivered.
            CaseEvent::NotRequiredTold(_)
            | CaseEvent::IntakeRefused(_)
            | CaseEvent::SupplementLapsed(_)
            | CaseEvent::CaseAborted(_)
            | CaseEvent::CaseMerged(_)
            | CaseEvent::ResultDelivered(_)
            | CaseEvent::CaseArchived(_) => self.done_with(case),
            CaseEvent::CaseSubmitted(_)
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::MaterialAttached(_)
            | CaseEvent::MaterialReplacedByCertificate(_)
            | CaseEvent::DataShareChecked(_)
            | CaseEvent::CaseReceived(_)
            | CaseEvent::CorrectedOnTheSpot(_)
            | CaseEvent::SupplementProvided(_)
            | CaseEvent::CaseAccepted(_)
            | CaseEvent::CaseRouted(_)
            | CaseEvent::WorkClaimed(_)
            | CaseEvent::WorkReleased(_)
            | CaseEvent::WorkReassigned(_)
            | CaseEvent::StepStarted(_)
            | CaseEvent::StepFinished(_)
            | CaseEvent::StepSentBack(_)
            | CaseEvent::ConsultationOpened(_)
            | CaseEvent::ConsultationAnswered(_)
            | CaseEvent::SpecialProcedureRequested(_)
            | CaseEvent::SpecialProcedureRejected(_)
            | CaseEvent::ExtensionRequested(_)
            | CaseEvent::DeadlineExtended(_)
            | CaseEvent::ExtensionRejected(_)
            | CaseEvent::DeadlineRecomputed(_)
            | CaseEvent::ResultMade(_)
            | CaseEvent::CaseFinished(_)
            | CaseEvent::AbortRequested(_)
            | CaseEvent::AbortRejected(_)
            | CaseEvent::LegForwarded(_)
            | CaseEvent::CaseUrged(_)
            | CaseEvent::UrgingAnswered(_)
            | CaseEvent::CorrectionRequested(_)
            | CaseEvent::RecordCorrected(_)
            | CaseEvent::CorrectionRejected(_)
            | CaseEvent::ResultRevoked(_)
            | CaseEvent::ConsentRecorded(_)
            | CaseEvent::ConsentWithdrawn(_)
            | CaseEvent::LateEntryExplained(_)
            | CaseEvent::LegacyCaseOpened(_)
            | CaseEvent::LegacyActivityRecorded(_) => (),
        }
    }

    fn whom(&mut self, case: CaseId, responsible: &Responsible<'_>) -> Whom {
        let open = self.open.get(&case);
        Whom {
            source: open.and_then(|open| open.source),
            item: open.and_then(|open| open.item),
            organisation: self.texts.organisations.code(responsible.organisation),
            person: responsible.person.map(|person| self.texts.people.code(person)),
        }
    }

    fn mark(&mut self, case: CaseId, kind: Anomaly, event: &CaseEvent, fact: &Fact) -> (NaiveDate, Mark) {
        let responsible = responsible(kind, event, fact);
        let whom = self.whom(case, &responsible);
        (responsible.on, Mark { kind, whom, recorded_in: Month::of(day_of(fact.recorded_at)) })
    }

    fn act(&mut self, case: CaseId, kind: ActKind, event: &CaseEvent, fact: &Fact) {
        let responsible = Responsible::by_act(event, fact);
        let whom = self.whom(case, &responsible);
        self.acts.add(responsible.on, Act { kind, whom });
    }

    fn pause_opened(&mut self, case: CaseId, opened: &SpecialProcedureOpened, event: &CaseEvent, fact: &Fact) {
        if opened.anomalies.is_empty() {
            return;
        }
        let marks = opened.anomalies.iter().map(|kind| self.mark(case, *kind, event, fact).1).collect();
        self.open.entry(case).or_default().pauses.insert(opened.procedure, marks);
    }

    /// The days a pause hid count for each of its marks, those of its opening and those of its end.
    fn pause_closed(&mut self, case: CaseId, closed: &SpecialProcedureClosed, event: &CaseEvent, fact: &Fact) {
        let opening = self.open.get_mut(&case).and_then(|open| open.pauses.remove(&closed.procedure));
        let mut marks = opening.unwrap_or_default();
        for kind in &closed.anomalies {
            marks.push(self.mark(case, *kind, event, fact).1);
        }
        let Some(days) = closed.hidden_days else { return };
        for mark in marks {
            self.hidden.add(closed.to, (mark, days));
        }
    }

    fn warn(&mut self, case: CaseId, raised: &WarningRaised, fact: &Fact) {
        let responsible = of_warning(raised, fact);
        let warned = Warned {
            clock: raised.clock,
            threshold: raised.threshold,
            whom: self.whom(case, &responsible),
            read: false,
            answered: false,
            acted_after: None,
        };
        self.warnings.add(responsible.on, warned);
        let open = OpenWarning { warned, due: raised.due, policy: raised.policy, raised_at: fact.occurred_at };
        self.warned.entry(case).or_default().push(open);
    }

    /// The first act of staff after a warning is the answer that counts.
    fn note_action(&mut self, case: CaseId, event: &CaseEvent, fact: &Fact) {
        if !self.warned.contains_key(&case) || !is_action(event, fact.by.role) {
            return;
        }
        let at = fact.occurred_at;
        self.change_warnings(
            case,
            |_| true,
            |open| {
                open.warned.acted_after.get_or_insert(hours_between(open.raised_at, at));
            },
        );
    }

    fn change_warnings(
        &mut self,
        case: CaseId,
        which: impl Fn(&OpenWarning) -> bool,
        change: impl Fn(&mut OpenWarning),
    ) {
        let open = self.warned.get_mut(&case).into_iter().flatten();
        for warning in open.filter(|warning| which(warning)) {
            let day = day_of(warning.raised_at);
            self.warnings.take(day, warning.warned);
            change(warning);
            self.warnings.add(day, warning.warned);
        }
    }

    fn done_with(&mut self, case: CaseId) {
        self.open.remove(&case);
        self.warned.remove(&case);
    }
}

impl OpenWarning {
    fn is(&self, which: (WarnedClock, Threshold, NaiveDate, u32)) -> bool {
        which == (self.warned.clock, self.warned.threshold, self.due, self.policy)
    }
}

/// What staff do with the case moves it; what is said about it from outside, or done by the rules, does not.
fn is_action(event: &CaseEvent, by: Role) -> bool {
    let staff = match by {
        Role::VillageAgent
        | Role::Receptionist
        | Role::Clerk
        | Role::Handler
        | Role::Chief
        | Role::OrganHead
        | Role::CertificateMaker
        | Role::DeliveryClerk => true,
        Role::Resident
        | Role::Supervisor
        | Role::Analyst
        | Role::Screen
        | Role::Admin
        | Role::System
        | Role::Import => false,
    };
    staff && !matches!(event, CaseEvent::WarningRead(_) | CaseEvent::WarningAnswered(_))
}

fn hours_between(from: Instant, to: Instant) -> u16 {
    let minutes = (to - from).num_minutes().max(0);
    u16::try_from((minutes + 59) / 60).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
