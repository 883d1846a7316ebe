//! 收支平衡: what was open, what came, how it ended, and what is open still.
//!
//! Every case is one record of the month it came and the month and way it ended, so it stands in exactly one column and
//! the two sides cannot differ. While a case is open its organisations may change; its record moves with it.

use crate::gather::{Gathered, name_of};
use crate::names::{Code, Names};
use crate::projection::Projection;
use crate::scope::{Attribution, Month, Source, Subtree};
use crate::tally::Tally;
use chrono::NaiveDate;
use domain::event::case::{
    CaseAborted, CaseAccepted, CaseFinished, CaseMerged, CaseReturned, CaseWithdrawn, Closing, ClosingKind,
    IntakeRefused, NotRequiredTold, SupplementLapsed,
};
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, OrganisationId, SourceName};
use domain::organisation::Organisations;
use domain::zone::day_of;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind every balance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    sources: Names<SourceName>,
    organisations: Names<OrganisationId>,
    cases: Tally<Record>,
    open: BTreeMap<CaseId, Record>,
}

/// A case, as far as the balance knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Record {
    source: Code,
    submitted: Month,
    ended: Option<(Month, ClosingKind)>,
    intake: Code,
    handling: Code,
    deciding: Code,
    delivering: Code,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceQuery {
    /// Which month.
    pub month: Month,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Which organisation a case belongs to.
    pub attribution: Attribution,
    /// Whose histories. Imported cases have no ending, so they stay open in their own source.
    pub source: Source,
}

/// One month of one or more organisations: `opening + submitted = Σ closings + open`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceRow {
    /// Whose; absent in the total.
    pub organisation: Option<OrganisationId>,
    /// Open when the month began.
    pub opening: i64,
    /// Applied for in the month.
    pub submitted: i64,
    /// Ended in the month, by how; every kind is there.
    pub closings: BTreeMap<ClosingKind, i64>,
    /// All of these.
    pub closed: i64,
    /// Open when the month ended.
    pub open: i64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceAnswer {
    /// Which month.
    pub month: Month,
    /// Which organisation a case belongs to.
    pub attribution: Attribution,
    /// Every organisation that had a case, by id.
    pub rows: Vec<BalanceRow>,
    /// All of them together.
    pub total: BalanceRow,
}

impl Projection for Balance {
    const NAME: &'static str = "balance";
    const REVISION: u32 = 2;

    fn apply(&mut self, fact: &Fact) {
        match (&fact.event, &fact.subject) {
            (Event::Case(event), Subject::Case(case)) => self.apply_case(*case, event, fact),
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

impl Balance {
    fn apply_case(&mut self, case: CaseId, event: &CaseEvent, fact: &Fact) {
        match event {
            CaseEvent::CaseSubmitted(submitted) => {
                let record = Record {
                    source: self.sources.code(&submitted.source),
                    submitted: Month::of(day_of(fact.occurred_at)),
                    ended: None,
                    intake: self.organisations.code(&submitted.intake),
                    handling: self.organisations.code(&submitted.handling),
                    deciding: self.organisations.code(&submitted.deciding),
                    delivering: self.organisations.code(&submitted.handling),
                };
                self.keep_open(case, record);
            }
            CaseEvent::CaseAccepted(CaseAccepted { dimensions, .. }) => {
                let Some(before) = self.open.get(&case).copied() else { return };
                let record = Record {
                    intake: self.organisations.code(&dimensions.intake),
                    deciding: self.organisations.code(&dimensions.deciding),
                    delivering: self.organisations.code(&dimensions.delivering),
                    ..before
                };
                self.keep_open(case, record);
            }
            CaseEvent::NotRequiredTold(NotRequiredTold { closing, .. })
            | CaseEvent::IntakeRefused(IntakeRefused { closing, .. })
            | CaseEvent::SupplementLapsed(SupplementLapsed { closing, .. })
            | CaseEvent::CaseFinished(CaseFinished { closing, .. })
            | CaseEvent::CaseWithdrawn(CaseWithdrawn { closing, .. })
            | CaseEvent::CaseReturned(CaseReturned { closing, .. })
            | CaseEvent::CaseAborted(CaseAborted { closing, .. })
            | CaseEvent::CaseMerged(CaseMerged { closing, .. }) => {
                if let Some(open) = self.open.remove(&case) {
                    self.cases.take(open);
                }
                let ended = self.ended(closing);
                self.cases.add(ended);
            }
            CaseEvent::RecordCorrected(corrected) => {
                if let Some(change) = &corrected.closing {
                    let (old, new) = (self.ended(&change.old), self.ended(&change.new));
                    self.cases.take(old);
                    self.cases.add(new);
                }
            }
            CaseEvent::LegacyCaseOpened(opened) => {
                let organisation = self.organisations.code(&fact.by.organisation);
                let record = Record {
                    source: self.sources.code(&opened.source),
                    submitted: Month::of(day_of(fact.occurred_at)),
                    ended: None,
                    intake: organisation,
                    handling: organisation,
                    deciding: organisation,
                    delivering: organisation,
                };
                // It will never end here, so nothing has to be remembered of it.
                self.cases.add(record);
            }
            CaseEvent::MaterialAttached(_)
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::MaterialReplacedByCertificate(_)
            | CaseEvent::DataShareChecked(_)
            | CaseEvent::CaseReceived(_)
            | CaseEvent::CorrectedOnTheSpot(_)
            | CaseEvent::OneTimeNoticeIssued(_)
            | CaseEvent::SupplementProvided(_)
            | CaseEvent::DeemedAcceptanceReversed(_)
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
            | CaseEvent::SpecialProcedureOpened(_)
            | CaseEvent::SpecialProcedureRejected(_)
            | CaseEvent::SpecialProcedureClosed(_)
            | CaseEvent::ExtensionRequested(_)
            | CaseEvent::DeadlineExtended(_)
            | CaseEvent::ExtensionRejected(_)
            | CaseEvent::DeadlineRecomputed(_)
            | CaseEvent::CaseDecided(_)
            | CaseEvent::ResultMade(_)
            | CaseEvent::ResultDelivered(_)
            | CaseEvent::AbortRequested(_)
            | CaseEvent::AbortRejected(_)
            | CaseEvent::LegForwarded(_)
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
            | CaseEvent::WarningAnswered(_)
            | CaseEvent::LegacyActivityRecorded(_) => (),
        }
    }

    fn keep_open(&mut self, case: CaseId, record: Record) {
        if let Some(before) = self.open.insert(case, record) {
            self.cases.take(before);
        }
        self.cases.add(record);
    }

    fn ended(&mut self, closing: &Closing) -> Record {
        Record {
            source: self.sources.code(&closing.source),
            submitted: Month::of(closing.submitted_on),
            ended: Some((Month::of(closing.closed_on), closing.kind)),
            intake: self.organisations.code(&closing.intake),
            handling: self.organisations.code(closing.handled_at()),
            deciding: self.organisations.code(&closing.deciding),
            delivering: self.organisations.code(&closing.delivering),
        }
    }

    /// Answers a question.
    #[must_use]
    pub fn answer(&self, query: &BalanceQuery, organisations: &Organisations) -> BalanceAnswer {
        let within = Subtree::of(query.organisation.as_ref(), organisations, &self.organisations);
        let mut groups = Gathered::<1, Sums>::default();
        let sources = self.sources.iter().filter(|(_, name)| query.source.contains(name));
        for (source, _) in sources {
            self.each_of(source, query.month, |record, count| {
                let organisation = record.attributed(query.attribution);
                if within.contains(organisation) {
                    groups.group([organisation.number()]).count(record, query.month, count);
                }
            });
        }
        let mut total = Sums::default();
        let mut rows = Vec::new();
        for ([organisation], sums) in groups.iter() {
            total.merge(sums);
            if sums.opening != 0 || sums.submitted != 0 {
                let organisation = name_of(&self.organisations, *organisation);
                rows.push(sums.row(organisation.cloned()));
            }
        }
        rows.sort_by(|a, b| a.organisation.cmp(&b.organisation));
        BalanceAnswer { month: query.month, attribution: query.attribution, rows, total: total.row(None) }
    }

    /// Tells every record of a source that came by the end of a month and had not ended before it. Records stand in the
    /// order in which they came and ended, so those that ended earlier are passed over unread.
    fn each_of(&self, source: Code, month: Month, mut tell: impl FnMut(&Record, i64)) {
        let ever = Month::of(NaiveDate::MIN);
        let mut came = ever;
        loop {
            let next = self.cases.range(Record::least(source, came, None)..).next();
            let Some((next, _)) = next.filter(|(next, _)| next.source == source && next.submitted <= month) else {
                return;
            };
            came = next.submitted;
            let following = Month::of(came.first_day_after());
            if following <= came {
                return;
            }
            let open = Record::least(source, came, None)..Record::least(source, came, Some(ever));
            let ended = Record::least(source, came, Some(month))..Record::least(source, following, None);
            let both = self.cases.range(open).chain(self.cases.range(ended));
            both.for_each(|(record, count)| tell(record, count));
            came = following;
        }
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cases.cells() + self.open.len()
    }
}

impl Record {
    /// The first of all that came in a month and ended in one, or have not ended.
    fn least(source: Code, submitted: Month, ended: Option<Month>) -> Self {
        Self {
            source,
            submitted,
            ended: ended.map(|month| (month, ClosingKind::Granted)),
            intake: Code::FIRST,
            handling: Code::FIRST,
            deciding: Code::FIRST,
            delivering: Code::FIRST,
        }
    }

    fn attributed(&self, attribution: Attribution) -> Code {
        match attribution {
            Attribution::Intake => self.intake,
            Attribution::Handling => self.handling,
            Attribution::Deciding => self.deciding,
            Attribution::Delivering => self.delivering,
        }
    }
}

/// One row in the making.
#[derive(Default)]
struct Sums {
    opening: i64,
    submitted: i64,
    closings: [i64; ClosingKind::ALL.len()],
    open: i64,
}

impl Sums {
    /// Counts a case that came by the end of the month and had not ended before it.
    fn count(&mut self, record: &Record, month: Month, count: i64) {
        let came = if record.submitted == month { &mut self.submitted } else { &mut self.opening };
        *came += count;
        let went = match record.ended {
            Some((ended, kind)) if ended == month => &mut self.closings[kind as usize],
            Some(_) | None => &mut self.open,
        };
        *went += count;
    }

    fn merge(&mut self, other: &Self) {
        self.opening += other.opening;
        self.submitted += other.submitted;
        self.open += other.open;
        self.closings.iter_mut().zip(other.closings).for_each(|(sum, count)| *sum += count);
    }

    fn row(&self, organisation: Option<OrganisationId>) -> BalanceRow {
        BalanceRow {
            organisation,
            opening: self.opening,
            submitted: self.submitted,
            closings: ClosingKind::ALL.map(|kind| (kind, self.closings[kind as usize])).into(),
            closed: self.closings.iter().sum(),
            open: self.open,
        }
    }
}

#[cfg(test)]
mod tests;
