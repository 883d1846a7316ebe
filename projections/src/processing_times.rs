//! 办理时效: how long cases take, and how many keep their promise.
//!
//! The state is a multiset of cells, one for each combination of what can be asked for; a correction takes its old
//! closing out and puts its new one in. Percentiles are exact, because days are kept as they are. Of cases that have not
//! ended, only those accepted are kept: their dates say which are over.

mod figures;
mod groups;
mod query;

pub use query::{
    Cohort, Compression, Dimension, LegacyCounts, ProcessingTimesAnswer, ProcessingTimesError, ProcessingTimesQuery,
    ProcessingTimesRow, RegionAs,
};

use crate::names::{Code, Names};
use crate::projection::Projection;
use crate::tally::Daily;
use chrono::NaiveDate;
use domain::clock::Clocks;
use domain::event::case::{
    CaseAborted, CaseAccepted, CaseDecided, CaseFinished, CaseMerged, CaseReturned, CaseWithdrawn, Closing,
    ClosingKind, Correction, DeadlineExtended, DeadlineRecomputed, Dimensions, IntakeRefused, LegForwarded,
    NotRequiredTold, RecordCorrected, SpecialProcedureClosed, SpecialProcedureOpened, StepFinished, SupplementLapsed,
    SupplementProvided,
};
use domain::event::instrument::InstrumentKind;
use domain::event::item::Authority;
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ItemId, OrganisationId, SourceName, StaffId, StepCode};
use domain::zone::day_of;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind every question about processing times.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessingTimes {
    texts: Texts,
    /// Endings, by the day on which the case ended.
    ended: Daily<Ended>,
    /// Steps and forwarded legs, by the day on which they ended.
    stays: Daily<Stay>,
    /// Decisions on items whose power was given down, by their day.
    delegated: Daily<Delegated>,
    /// Accepted and not ended.
    open: BTreeMap<CaseId, Open>,
    legacy: BTreeMap<SourceName, LegacyCounts>,
}

/// Every text once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Texts {
    sources: Names<SourceName>,
    items: Names<ItemId>,
    lines: Names<Line>,
    organisations: Names<OrganisationId>,
    staff: Names<StaffId>,
    steps: Names<StepCode>,
}

/// What is applied for, under which version, and by what right it is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Line {
    source: Code,
    item: Code,
    item_version: u32,
    authority: Authority,
}

/// The four organisations by which a case can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Places {
    intake: Code,
    handling: Code,
    deciding: Code,
    delivering: Code,
}

/// How an ending stands to one of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Kept {
    /// There was none.
    NoLimit,
    /// Done in time, and recorded in time.
    Recorded,
    /// Done in time, recorded after it.
    Done,
    /// Late.
    No,
}

/// One way of ending, as far as anybody can ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Ended {
    line: Code,
    places: Places,
    clerk: Option<Code>,
    kind: ClosingKind,
    accepted_on: Option<NaiveDate>,
    promise: Kept,
    law: Kept,
    promised_days: Option<u16>,
    legal_days: Option<u16>,
    working_days: Option<u16>,
    gross_days: u16,
    acceptance_lag_days: Option<u16>,
    recorded_late: bool,
    cross_township: bool,
}

/// One way of spending days at an organisation: a step, or a leg that was forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Stay {
    line: Code,
    organisation: Code,
    /// Absent for a leg.
    step: Option<Code>,
    /// The leg of a forwarded case ended with the decision, not with sending it up.
    decided: bool,
    holder: Option<Code>,
    days: u16,
    budget_days: u16,
}

/// A decision on an empowered or entrusted item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Delegated {
    line: Code,
    places: Places,
    clerk: Option<Code>,
    /// Who decided: whoever holds the power, or somebody above it.
    decided_by: Code,
    /// Under the instrument that gives the power.
    under_instrument: bool,
}

/// A case that was accepted and has not ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Open {
    line: Code,
    places: Places,
    clerk: Option<Code>,
    accepted_on: NaiveDate,
    promised_by: Option<NaiveDate>,
    legal_by: Option<NaiveDate>,
    /// The day on which the promised clock stopped, where the decision stopped it.
    promise_stopped_on: Option<NaiveDate>,
    decided_on: Option<NaiveDate>,
    pauses: Vec<Pause>,
}

/// Days that do not count, since the first of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pause {
    /// The special procedure's number; 0 is a notice during review.
    procedure: u16,
    from: NaiveDate,
    promised: bool,
    legal: bool,
}

const NOTICE: u16 = 0;

impl Projection for ProcessingTimes {
    const NAME: &'static str = "processing-times";
    const REVISION: u32 = 3;

    fn apply(&mut self, fact: &Fact) {
        match (&fact.event, &fact.subject) {
            (Event::Case(event), Subject::Case(case)) => self.apply_case(*case, event, day_of(fact.occurred_at)),
            // A case's event in another stream is nobody's case.
            (Event::Case(_), _) => (),
            (
                Event::Rating(_)
                | Event::Ticket(_)
                | Event::Appointment(_)
                | Event::Certificate(_)
                | Event::Library(_)
                | Event::Item(_)
                | Event::Organisation(_)
                | Event::Roster(_)
                | Event::ServicePoint(_)
                | Event::Instrument(_)
                | Event::Kin(_)
                | Event::Checklist(_)
                | Event::Inspection(_)
                | Event::Campaign(_)
                | Event::Calendar(_)
                | Event::Policy(_)
                | Event::Template(_)
                | Event::Access(_),
                _,
            ) => (),
        }
    }
}

impl ProcessingTimes {
    fn apply_case(&mut self, case: CaseId, event: &CaseEvent, on: NaiveDate) {
        match event {
            CaseEvent::NotRequiredTold(NotRequiredTold { closing, .. })
            | CaseEvent::IntakeRefused(IntakeRefused { closing, .. })
            | CaseEvent::SupplementLapsed(SupplementLapsed { closing, .. })
            | CaseEvent::CaseFinished(CaseFinished { closing, .. })
            | CaseEvent::CaseWithdrawn(CaseWithdrawn { closing, .. })
            | CaseEvent::CaseReturned(CaseReturned { closing, .. })
            | CaseEvent::CaseAborted(CaseAborted { closing, .. })
            | CaseEvent::CaseMerged(CaseMerged { closing, .. }) => {
                self.open.remove(&case);
                let ended = self.texts.ended(closing);
                self.ended.add(closing.closed_on, ended);
            }
            CaseEvent::CaseAccepted(accepted) => {
                let open = self.texts.open(accepted);
                self.open.insert(case, open);
            }
            CaseEvent::DeemedAcceptanceReversed(_) => {
                self.open.remove(&case);
            }
            CaseEvent::StepFinished(finished) => {
                let stay = self.texts.step(finished);
                self.stays.add(on, stay);
            }
            CaseEvent::LegForwarded(forwarded) => {
                let stay = self.texts.leg(forwarded);
                self.stays.add(on, stay);
            }
            CaseEvent::OneTimeNoticeIssued(notice) if notice.pauses_promised => self.with_open(case, |open| {
                open.pauses.push(Pause { procedure: NOTICE, from: on, promised: true, legal: false });
            }),
            CaseEvent::OneTimeNoticeIssued(_) => (),
            CaseEvent::SupplementProvided(SupplementProvided { completed_on, clocks, .. }) => {
                self.with_open(case, |open| {
                    if completed_on.is_some() {
                        open.end_pause(NOTICE);
                    }
                    open.set_clocks(clocks.as_ref());
                });
            }
            CaseEvent::SpecialProcedureOpened(opened) => self.with_open(case, |open| open.pause(opened)),
            CaseEvent::SpecialProcedureClosed(SpecialProcedureClosed { procedure, clocks, .. }) => {
                self.with_open(case, |open| {
                    open.end_pause(*procedure);
                    open.set_clocks(Some(clocks));
                });
            }
            CaseEvent::DeadlineExtended(DeadlineExtended { clocks, .. })
            | CaseEvent::DeadlineRecomputed(DeadlineRecomputed { new: clocks, .. }) => {
                self.with_open(case, |open| open.set_clocks(Some(clocks)));
            }
            CaseEvent::CaseDecided(decided) => self.decided(case, decided, on),
            CaseEvent::RecordCorrected(corrected) => self.correct(case, corrected),
            CaseEvent::LegacyCaseOpened(opened) => self.legacy.entry(opened.source.clone()).or_default().cases += 1,
            CaseEvent::LegacyActivityRecorded(recorded) => {
                self.legacy.entry(recorded.source.clone()).or_default().activities += 1;
            }
            CaseEvent::CaseSubmitted(_)
            | CaseEvent::MaterialAttached(_)
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::MaterialReplacedByCertificate(_)
            | CaseEvent::DataShareChecked(_)
            | CaseEvent::CaseReceived(_)
            | CaseEvent::CorrectedOnTheSpot(_)
            | CaseEvent::CaseRouted(_)
            | CaseEvent::WorkClaimed(_)
            | CaseEvent::WorkReleased(_)
            | CaseEvent::WorkReassigned(_)
            | CaseEvent::StepStarted(_)
            | CaseEvent::StepSentBack(_)
            | CaseEvent::ConsultationOpened(_)
            | CaseEvent::ConsultationAnswered(_)
            | CaseEvent::SpecialProcedureRequested(_)
            | CaseEvent::SpecialProcedureRejected(_)
            | CaseEvent::ExtensionRequested(_)
            | CaseEvent::ExtensionRejected(_)
            | CaseEvent::ResultMade(_)
            | CaseEvent::ResultDelivered(_)
            | CaseEvent::AbortRequested(_)
            | CaseEvent::AbortRejected(_)
            | CaseEvent::CaseUrged(_)
            | CaseEvent::UrgingAnswered(_)
            | CaseEvent::CorrectionRequested(_)
            | CaseEvent::CorrectionRejected(_)
            | CaseEvent::ResultRevoked(_)
            | CaseEvent::CaseArchived(_)
            | CaseEvent::ConsentRecorded(_)
            | CaseEvent::ConsentWithdrawn(_)
            | CaseEvent::LateEntryExplained(_)
            | CaseEvent::WarningRaised(_)
            | CaseEvent::WarningRead(_)
            | CaseEvent::WarningAnswered(_) => (),
        }
    }

    fn decided(&mut self, case: CaseId, decided: &CaseDecided, on: NaiveDate) {
        let Some(open) = self.open.get_mut(&case) else { return };
        open.decided_on = Some(on);
        open.promise_stopped_on = Some(on).filter(|_| decided.stops_promise);
        if InstrumentKind::needed_for(decided.authority).is_some() {
            let delegated = Delegated {
                line: open.line,
                places: open.places,
                clerk: open.clerk,
                decided_by: self.texts.organisations.code(&decided.organisation),
                under_instrument: decided.instrument.is_some(),
            };
            self.delegated.add(on, delegated);
        }
        if let Some(leg) = &decided.leg {
            let stay = Stay {
                line: open.line,
                organisation: self.texts.organisations.code(&leg.organisation),
                step: None,
                decided: true,
                holder: None,
                days: leg.held_days,
                budget_days: 0,
            };
            self.stays.add(on, stay);
        }
    }

    fn with_open(&mut self, case: CaseId, change: impl FnOnce(&mut Open)) {
        if let Some(open) = self.open.get_mut(&case) {
            change(open);
        }
    }

    fn correct(&mut self, case: CaseId, corrected: &RecordCorrected) {
        if let Some(change) = &corrected.closing {
            let (old, new) = (self.texts.ended(&change.old), self.texts.ended(&change.new));
            self.ended.take(change.old.closed_on, old);
            self.ended.add(change.new.closed_on, new);
        }
        self.with_open(case, |open| {
            open.set_clocks(corrected.clocks.as_ref());
            match &corrected.change {
                Correction::AcceptedOn { new, .. } => open.accepted_on = *new,
                Correction::ClosedOn { .. }
                | Correction::Region { .. }
                | Correction::Applicant { .. }
                | Correction::Text { .. } => (),
            }
        });
    }
}

impl Open {
    fn set_clocks(&mut self, clocks: Option<&Clocks>) {
        if let Some(clocks) = clocks {
            self.promised_by = clocks.promised.as_ref().map(|deadline| deadline.date);
            self.legal_by = clocks.legal.as_ref().map(|deadline| deadline.date);
        }
    }

    fn pause(&mut self, opened: &SpecialProcedureOpened) {
        self.pauses.push(Pause {
            procedure: opened.procedure,
            from: opened.from,
            promised: opened.stops_promised,
            legal: opened.stops_legal,
        });
    }

    fn end_pause(&mut self, procedure: u16) {
        self.pauses.retain(|pause| pause.procedure != procedure);
    }
}

impl Texts {
    fn line(&mut self, source: &SourceName, item: &ItemId, item_version: u32, authority: Authority) -> Code {
        let line = Line { source: self.sources.code(source), item: self.items.code(item), item_version, authority };
        self.lines.code(&line)
    }

    fn places(&mut self, [intake, handling, deciding, delivering]: [&OrganisationId; 4]) -> Places {
        Places {
            intake: self.organisations.code(intake),
            handling: self.organisations.code(handling),
            deciding: self.organisations.code(deciding),
            delivering: self.organisations.code(delivering),
        }
    }

    fn ended(&mut self, closing: &Closing) -> Ended {
        let law_stopped_on = closing.decided_on.unwrap_or(closing.closed_on);
        Ended {
            line: self.line(&closing.source, &closing.item, closing.item_version, closing.authority),
            places: self.places([&closing.intake, closing.handled_at(), &closing.deciding, &closing.delivering]),
            clerk: closing.clerk.as_ref().map(|clerk| self.staff.code(clerk)),
            kind: closing.kind,
            accepted_on: closing.accepted_on,
            promise: kept(closing, closing.promised_by, closing.promise_stopped_on),
            law: kept(closing, closing.legal_by, law_stopped_on),
            promised_days: closing.promised_days,
            legal_days: closing.legal_days,
            working_days: closing.working_days,
            gross_days: closing.gross_days,
            acceptance_lag_days: closing.acceptance_lag_days,
            recorded_late: is_recorded_late(closing),
            cross_township: closing.cross_township,
        }
    }

    fn open(&mut self, accepted: &CaseAccepted) -> Open {
        let Dimensions { source, item, item_version, authority, intake, handling, deciding, delivering, clerk } =
            &accepted.dimensions;
        let handling = handling.as_ref().unwrap_or(intake);
        let mut open = Open {
            line: self.line(source, item, *item_version, *authority),
            places: self.places([intake, handling, deciding, delivering]),
            clerk: clerk.as_ref().map(|clerk| self.staff.code(clerk)),
            accepted_on: accepted.effective_on,
            promised_by: None,
            legal_by: None,
            promise_stopped_on: None,
            decided_on: None,
            pauses: Vec::new(),
        };
        open.set_clocks(Some(&accepted.clocks));
        open
    }

    fn step(&mut self, finished: &StepFinished) -> Stay {
        let Dimensions { source, item, item_version, authority, .. } = &finished.dimensions;
        Stay {
            line: self.line(source, item, *item_version, *authority),
            organisation: self.organisations.code(&finished.organisation),
            step: Some(self.steps.code(&finished.step)),
            decided: false,
            holder: Some(self.staff.code(&finished.holder)),
            days: finished.working_days,
            budget_days: finished.budget_days,
        }
    }

    fn leg(&mut self, forwarded: &LegForwarded) -> Stay {
        let Dimensions { source, item, item_version, authority, .. } = &forwarded.dimensions;
        Stay {
            line: self.line(source, item, *item_version, *authority),
            organisation: self.organisations.code(&forwarded.from),
            step: None,
            decided: false,
            holder: None,
            days: forwarded.held_days,
            budget_days: 0,
        }
    }
}

fn is_recorded_late(closing: &Closing) -> bool {
    closing.closed_on < closing.recorded_on
}

/// A case whose ending was keyed in later counts, by the record, on the day of keying in; else on the day its clock stopped.
fn kept(closing: &Closing, by: Option<NaiveDate>, stopped_on: NaiveDate) -> Kept {
    let Some(by) = by else { return Kept::NoLimit };
    let recorded_on = if is_recorded_late(closing) { closing.recorded_on } else { stopped_on };
    if by < stopped_on {
        Kept::No
    } else if by < recorded_on {
        Kept::Done
    } else {
        Kept::Recorded
    }
}

#[cfg(test)]
mod tests;
