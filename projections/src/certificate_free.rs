//! 免证率: of the cases of the 免证 items, how many were handled without a single paper that could have been spared; and how
//! papers were spared, by certificates and by the city's data.
//!
//! A case counts on the day it ended, if it was ever accepted: what never was accepted was never asked for papers.

use crate::gather::{Gathered, Named, Slots, month_slot, month_text, name_text};
use crate::names::{Code, Names};
use crate::projection::Projection;
use crate::scope::{Period, Source, Subtree};
use crate::tally::{Daily, Rate};
use chrono::NaiveDate;
use domain::event::case::{
    CaseAborted, CaseFinished, CaseMerged, CaseReturned, CaseWithdrawn, Closing, Dimensions, IntakeRefused,
    NotRequiredTold, SupplementLapsed,
};
use domain::event::evidence::DataShareOutcome;
use domain::event::{CaseEvent, Event};
use domain::fact::Fact;
use domain::ids::{ItemId, OrganisationId, SourceName};
use domain::reference::Reference;
use domain::zone::day_of;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind every certificate-free rate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CertificateFree {
    sources: Names<SourceName>,
    organisations: Names<OrganisationId>,
    items: Names<ItemId>,
    ended: Daily<Ended>,
    spared: Daily<Spared>,
}

/// Where something is counted: at the hall that took the papers in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    source: Code,
    organisation: Code,
    item: Code,
    item_version: u32,
}

/// A case that was accepted and ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Ended {
    place: Place,
    paperless: bool,
}

/// A paper that need not be brought, or for which the city's data were asked in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Spared {
    place: Place,
    by: Means,
}

/// What stood for a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Means {
    Certificate,
    DataShare(DataShareOutcome),
}

/// By what figures can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateFreeDimension {
    /// The hall that took the papers in.
    Org,
    /// 事项.
    Item,
    /// The month in which the case ended, or the paper was spared.
    Month,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFreeQuery {
    /// Which days.
    pub period: Period,
    /// Told apart by these; all in one row if empty.
    pub group_by: Vec<CertificateFreeDimension>,
    /// Only this item.
    pub item: Option<ItemId>,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Whose histories.
    pub source: Source,
}

/// Figures of one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CertificateFreeRow {
    /// What it is the group of, for each dimension asked for.
    pub key: BTreeMap<CertificateFreeDimension, String>,
    /// 免证率: cases without a paper certificate ÷ cases of the 免证 items.
    pub certificate_free_rate: Rate,
    /// The same over every item.
    pub paperless_rate: Rate,
    /// Papers for which a certificate stood.
    pub by_certificate: i64,
    /// Papers for which the city's data were asked, by what came of it; every outcome is there.
    pub by_data_share: BTreeMap<DataShareOutcome, i64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificateFreeAnswer {
    /// The groups, in the order of their keys.
    pub rows: Vec<CertificateFreeRow>,
    /// All of them together.
    pub total: CertificateFreeRow,
}

impl Projection for CertificateFree {
    const NAME: &'static str = "certificate-free";
    const REVISION: u32 = 1;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Case(event) => self.apply_case(event, day_of(fact.occurred_at)),
            Event::Rating(_)
            | Event::Ticket(_)
            | Event::Appointment(_)
            | Event::Certificate(_)
            | Event::Library(_)
            | Event::Item(_)
            | Event::Organisation(_)
            | Event::Roster(_)
            | Event::ServicePoint(_)
            | Event::Kin(_)
            | Event::Checklist(_)
            | Event::Inspection(_)
            | Event::Campaign(_)
            | Event::Instrument(_)
            | Event::Calendar(_)
            | Event::Policy(_)
            | Event::Template(_)
            | Event::Access(_) => (),
        }
    }
}

impl CertificateFree {
    fn apply_case(&mut self, event: &CaseEvent, on: NaiveDate) {
        match event {
            CaseEvent::NotRequiredTold(NotRequiredTold { closing, .. })
            | CaseEvent::IntakeRefused(IntakeRefused { closing, .. })
            | CaseEvent::SupplementLapsed(SupplementLapsed { closing, .. })
            | CaseEvent::CaseFinished(CaseFinished { closing, .. })
            | CaseEvent::CaseWithdrawn(CaseWithdrawn { closing, .. })
            | CaseEvent::CaseReturned(CaseReturned { closing, .. })
            | CaseEvent::CaseAborted(CaseAborted { closing, .. })
            | CaseEvent::CaseMerged(CaseMerged { closing, .. }) => {
                if let Some(ended) = self.ended(closing) {
                    self.ended.add(closing.closed_on, ended);
                }
            }
            CaseEvent::RecordCorrected(corrected) => {
                let Some(change) = &corrected.closing else { return };
                if let Some(old) = self.ended(&change.old) {
                    self.ended.take(change.old.closed_on, old);
                }
                if let Some(new) = self.ended(&change.new) {
                    self.ended.add(change.new.closed_on, new);
                }
            }
            CaseEvent::MaterialReplacedByCertificate(replaced) => {
                self.spared(&replaced.dimensions, on, Means::Certificate);
            }
            CaseEvent::DataShareChecked(checked) => {
                self.spared(&checked.dimensions, on, Means::DataShare(checked.outcome));
            }
            CaseEvent::CaseSubmitted(_)
            | CaseEvent::MaterialAttached(_)
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::CaseReceived(_)
            | CaseEvent::CorrectedOnTheSpot(_)
            | CaseEvent::OneTimeNoticeIssued(_)
            | CaseEvent::SupplementProvided(_)
            | CaseEvent::CaseAccepted(_)
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
            | CaseEvent::LegacyCaseOpened(_)
            | CaseEvent::LegacyActivityRecorded(_) => (),
        }
    }

    fn ended(&mut self, closing: &Closing) -> Option<Ended> {
        closing.accepted_on?;
        let hall = closing.received_at.as_ref().unwrap_or(&closing.intake);
        let place = Place {
            source: self.sources.code(&closing.source),
            organisation: self.organisations.code(hall),
            item: self.items.code(&closing.item),
            item_version: closing.item_version,
        };
        Some(Ended { place, paperless: closing.paperless })
    }

    fn spared(&mut self, dimensions: &Dimensions, on: NaiveDate, by: Means) {
        let place = Place {
            source: self.sources.code(&dimensions.source),
            organisation: self.organisations.code(&dimensions.intake),
            item: self.items.code(&dimensions.item),
            item_version: dimensions.item_version,
        };
        self.spared.add(on, Spared { place, by });
    }

    /// Answers a question; which items are 免证 says the version under which each case was accepted.
    #[must_use]
    pub fn answer(&self, query: &CertificateFreeQuery, reference: &Reference) -> CertificateFreeAnswer {
        let CertificateFreeQuery { period, group_by, item, organisation, source } = query;
        let within = Subtree::of(organisation.as_ref(), &reference.organisations, &self.organisations);
        let (sources, item) = (source.among(&self.sources), Named::of(item.as_ref(), &self.items));
        let wants = |place: &Place| {
            sources.contains(place.source) && within.contains(place.organisation) && item.wants(Some(place.item))
        };
        let slots = |day: NaiveDate, place: &Place| {
            let mut slots = Slots::<3>::default();
            for dimension in group_by {
                slots[*dimension as usize] = match dimension {
                    CertificateFreeDimension::Org => place.organisation.number(),
                    CertificateFreeDimension::Item => place.item.number(),
                    CertificateFreeDimension::Month => month_slot(day),
                };
            }
            slots
        };
        let mut promised = Gathered::<2, Option<bool>>::default();
        let mut groups = Gathered::<3, Figures>::default();
        for (day, Ended { place, paperless }, count) in self.ended.within(*period) {
            if wants(place) {
                let known = promised.group([place.item.number(), place.item_version]);
                let free = *known.get_or_insert_with(|| self.is_certificate_free(place, reference));
                groups.group(slots(day, place)).count(free, *paperless, count);
            }
        }
        for (day, Spared { place, by }, count) in self.spared.within(*period) {
            if wants(place) {
                let figures = groups.group(slots(day, place));
                match by {
                    Means::Certificate => figures.by_certificate += count,
                    Means::DataShare(outcome) => *figures.by_data_share.entry(*outcome).or_default() += count,
                }
            }
        }
        let mut total = Figures::default();
        let mut rows = Vec::new();
        for (slots, figures) in groups.iter() {
            total.merge(figures);
            let text = |dimension: &CertificateFreeDimension| Some((*dimension, self.text(*dimension, slots)?));
            rows.push(figures.row(group_by.iter().filter_map(text).collect()));
        }
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        CertificateFreeAnswer { rows, total: total.row(Key::new()) }
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.ended.cells() + self.spared.cells()
    }

    fn is_certificate_free(&self, place: &Place, reference: &Reference) -> bool {
        let item = self.items.name(place.item);
        let version = item.and_then(|item| reference.catalogue.version(item, place.item_version));
        version.is_some_and(|version| version.definition.certificate_free)
    }

    fn text(&self, dimension: CertificateFreeDimension, slots: &Slots<3>) -> Option<String> {
        let slot = slots[dimension as usize];
        match dimension {
            CertificateFreeDimension::Org => name_text(&self.organisations, slot),
            CertificateFreeDimension::Item => name_text(&self.items, slot),
            CertificateFreeDimension::Month => month_text(slot),
        }
    }
}

type Key = BTreeMap<CertificateFreeDimension, String>;

/// The figures of one group, gathered cell by cell.
#[derive(Default)]
struct Figures {
    free_items: (i64, i64),
    all_items: (i64, i64),
    by_certificate: i64,
    by_data_share: BTreeMap<DataShareOutcome, i64>,
}

impl Figures {
    fn count(&mut self, free: bool, paperless: bool, count: i64) {
        let spared = if paperless { count } else { 0 };
        self.all_items = (self.all_items.0 + spared, self.all_items.1 + count);
        if free {
            self.free_items = (self.free_items.0 + spared, self.free_items.1 + count);
        }
    }

    fn merge(&mut self, other: &Self) {
        let add = |one: (i64, i64), other: (i64, i64)| (one.0 + other.0, one.1 + other.1);
        self.free_items = add(self.free_items, other.free_items);
        self.all_items = add(self.all_items, other.all_items);
        self.by_certificate += other.by_certificate;
        for (outcome, count) in &other.by_data_share {
            *self.by_data_share.entry(*outcome).or_default() += count;
        }
    }

    fn row(&self, key: Key) -> CertificateFreeRow {
        let of = |(spared, cases)| Rate::of(spared, cases);
        let asked = |outcome| (outcome, self.by_data_share.get(&outcome).copied().unwrap_or(0));
        CertificateFreeRow {
            key,
            certificate_free_rate: of(self.free_items),
            paperless_rate: of(self.all_items),
            by_certificate: self.by_certificate,
            by_data_share: DataShareOutcome::ALL.map(asked).into(),
        }
    }
}

#[cfg(test)]
mod tests;
