//! 补正: which materials people are asked for again, and which of these a certificate could have spared them. Whether one
//! lay in the library when somebody was asked, the notice itself says.
//!
//! A case counts once for each material, on the day it was first asked for, and once altogether, on the day of its first
//! notice; how often a material was asked for in all stands beside it. What is remembered of single cases is what is still
//! open in them.

use crate::gather::{Gathered, Named, Slots, month_slot, month_text, name_of, name_slot, name_text};
use crate::names::{Code, Names};
use crate::projection::Projection;
use crate::scope::{Period, Source, Subtree};
use crate::tally::{Daily, Rate};
use chrono::NaiveDate;
use domain::case::evidence::is_replaceable;
use domain::event::case::{CaseSubmitted, OneTimeNoticeIssued};
use domain::event::evidence::MaterialReplacedByCertificate;
use domain::event::item::MaterialRequirement;
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, CertificateKind, ItemId, MaterialCode, OrganisationId, SourceName};
use domain::reference::Reference;
use domain::zone::day_of;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind every figure of supplements.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Supplements {
    sources: Names<SourceName>,
    items: Names<ItemId>,
    organisations: Names<OrganisationId>,
    materials: Names<MaterialCode>,
    asked: Daily<Asked>,
    open: BTreeMap<CaseId, OpenCase>,
}

/// Something asked for, by whom, and for which item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Asked {
    source: Option<Code>,
    item: Option<Code>,
    organisation: Code,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum What {
    /// 一次性告知: the notice itself.
    Notice {
        /// The first of its case.
        first: bool,
    },
    /// A material that it names.
    Material {
        /// Which.
        code: Code,
        /// For the first time in its case.
        first: bool,
    },
    /// A material asked for, for the first time in its case, while a certificate for it lay in the library.
    InLibrary {
        /// Which.
        code: Code,
    },
    /// 二次补正: a case got a second notice. Counted where and when it got its first, which had not named everything.
    Again,
    /// A certificate stood for a material that had been asked for.
    Spared {
        /// Which.
        code: Code,
    },
}

/// What is remembered of a case until it ends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct OpenCase {
    source: Option<Code>,
    item: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    noticed: Option<Noticed>,
    /// What was asked for, and whether a certificate then stood for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    asked: BTreeMap<Code, bool>,
}

/// The first notice of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Noticed {
    on: NaiveDate,
    organisation: Code,
    /// Another followed.
    again: bool,
}

/// By what supplements can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupplementDimension {
    /// 材料.
    Material,
    /// 事项.
    Item,
    /// Who gave the notice.
    Org,
    /// The month of the notice.
    Month,
}

/// A question. A notice lies in the period by the day on which it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupplementsQuery {
    /// Which days.
    pub period: Period,
    /// Told apart by these; all in one row if empty.
    pub group_by: Vec<SupplementDimension>,
    /// Only this item.
    pub item: Option<ItemId>,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Whose histories.
    pub source: Source,
    /// No more rows than these.
    pub top: Option<usize>,
}

type Key = BTreeMap<SupplementDimension, Option<String>>;

/// Figures of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupplementsRow {
    /// What it is the group of, for each dimension asked for; absent where there is no such thing.
    pub key: Key,
    /// Cases that were asked for something; by material, for this one. Each counts once.
    pub cases: i64,
    /// How often they were asked: notices; by material, notices that name it.
    pub times: i64,
    /// By material: notices that name it ÷ all notices of the same item, organisation and month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Rate>,
    /// 一次性告知率: cases that got no second notice ÷ cases that got one; not told by material. The second counts against
    /// whoever gave the first, on the day of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_once: Option<Rate>,
    /// Materials asked for, for which a certificate then stood: they need not have been asked for.
    pub spared_by_certificate: i64,
    /// Materials asked for, each once in its case, though a certificate in the library would have stood for them; looked
    /// up when the notice was given, and told of notices since that is done.
    pub in_library: i64,
    /// 材料名称.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub material_zh: Option<String>,
    /// By material: the kinds of certificates that stand for it by the policy in force at the end of the period; none where
    /// the item asks for the paper itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaceable_by: Option<Vec<CertificateKind>>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupplementsAnswer {
    /// The groups, those with most cases first.
    pub rows: Vec<SupplementsRow>,
    /// All of them together, those beyond `top` too; a case counts once, whatever it was asked for.
    pub total: SupplementsRow,
}

impl Projection for Supplements {
    const NAME: &'static str = "supplements";
    const REVISION: u32 = 3;

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

impl Supplements {
    fn apply_case(&mut self, case: CaseId, event: &CaseEvent, fact: &Fact) {
        match event {
            CaseEvent::CaseSubmitted(CaseSubmitted { source, item, .. }) => {
                let (source, item) = (self.sources.code(source), self.items.code(item));
                let open = OpenCase { source: Some(source), item: Some(item), ..OpenCase::default() };
                self.open.insert(case, open);
            }
            CaseEvent::OneTimeNoticeIssued(notice) => self.ask(case, notice, fact),
            CaseEvent::MaterialReplacedByCertificate(replaced) => self.spare(case, replaced, fact),
            CaseEvent::NotRequiredTold(_)
            | CaseEvent::IntakeRefused(_)
            | CaseEvent::SupplementLapsed(_)
            | CaseEvent::CaseFinished(_)
            | CaseEvent::CaseWithdrawn(_)
            | CaseEvent::CaseReturned(_)
            | CaseEvent::CaseAborted(_)
            | CaseEvent::CaseMerged(_) => _ = self.open.remove(&case),
            CaseEvent::MaterialAttached(_)
            | CaseEvent::DuplicateMerged(_)
            | CaseEvent::DataShareChecked(_)
            | CaseEvent::CaseReceived(_)
            | CaseEvent::CorrectedOnTheSpot(_)
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
            | CaseEvent::RecordCorrected(_)
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

    fn ask(&mut self, case: CaseId, notice: &OneTimeNoticeIssued, fact: &Fact) {
        let (on, organisation) = (day_of(fact.occurred_at), self.organisations.code(&fact.by.organisation));
        let open = self.open.entry(case).or_default();
        let (source, item) = (open.source, open.item);
        let first = open.noticed.is_none();
        let before = open.noticed.get_or_insert(Noticed { on, organisation, again: false });
        if !first && !std::mem::replace(&mut before.again, true) {
            self.asked.add(before.on, Asked { source, item, organisation: before.organisation, what: What::Again });
        }
        self.asked.add(on, Asked { source, item, organisation, what: What::Notice { first } });
        for (place, missing) in notice.missing.iter().enumerate() {
            // Two flaws of one material are one request for it.
            if notice.missing[..place].iter().any(|before| before.code == missing.code) {
                continue;
            }
            let code = self.materials.code(&missing.code);
            let first = !open.asked.contains_key(&code);
            open.asked.entry(code).or_default();
            self.asked.add(on, Asked { source, item, organisation, what: What::Material { code, first } });
            if first && notice.in_library.contains(&missing.code) {
                self.asked.add(on, Asked { source, item, organisation, what: What::InLibrary { code } });
            }
        }
    }

    /// Counts with the organisation that takes the certificate.
    fn spare(&mut self, case: CaseId, replaced: &MaterialReplacedByCertificate, fact: &Fact) {
        let Some(code) = self.materials.find(&replaced.code) else { return };
        let Some(open) = self.open.get_mut(&case) else { return };
        let Some(spared) = open.asked.get_mut(&code).filter(|spared| !**spared) else { return };
        *spared = true;
        let (source, item) = (open.source, open.item);
        let organisation = self.organisations.code(&fact.by.organisation);
        self.asked.add(day_of(fact.occurred_at), Asked { source, item, organisation, what: What::Spared { code } });
    }

    /// Answers a question.
    #[must_use]
    pub fn answer(&self, query: &SupplementsQuery, reference: &Reference) -> SupplementsAnswer {
        let SupplementsQuery { period, group_by, item, organisation, source, top } = query;
        let within = Subtree::of(organisation.as_ref(), &reference.organisations, &self.organisations);
        let (sources, item) = (source.among(&self.sources), Named::of(item.as_ref(), &self.items));
        let wants = |asked: &Asked| {
            asked.source.is_none_or(|source| sources.contains(source))
                && within.contains(asked.organisation)
                && item.wants(asked.item)
        };
        let by_material = group_by.contains(&SupplementDimension::Material);
        let mut all = Gathered::<4, Sums>::default();
        let mut materials = Gathered::<4, Sums>::default();
        let mut total = Sums::default();
        for (day, asked, count) in self.asked.within(*period).filter(|(_, asked, _)| wants(asked)) {
            let mut slots = slots(group_by, day, asked);
            let sums = match asked.what {
                What::Notice { first } => {
                    total.count(first, count);
                    all.group(slots).count(first, count);
                    continue;
                }
                What::Again => {
                    total.again += count;
                    all.group(slots).again += count;
                    continue;
                }
                What::Spared { .. } | What::InLibrary { .. } if !by_material => all.group(slots),
                What::Material { .. } if !by_material => continue,
                What::Material { code, .. } | What::InLibrary { code } | What::Spared { code } => {
                    slots[SupplementDimension::Material as usize] = code.number();
                    materials.group(slots)
                }
            };
            match asked.what {
                What::Material { first, .. } => sums.count(first, count),
                What::Spared { .. } => {
                    sums.spared += count;
                    total.spared += count;
                }
                What::InLibrary { .. } => {
                    sums.in_library += count;
                    total.in_library += count;
                }
                What::Notice { .. } | What::Again => (),
            }
        }
        let last = period.to.pred_opt().unwrap_or(period.from);
        let library = Library { state: self, reference, last };
        let mut rows: Vec<SupplementsRow> = Vec::new();
        for (slots, sums) in if by_material { &materials } else { &all }.iter() {
            let key = group_by.iter().map(|dimension| (*dimension, self.text(*dimension, slots)));
            let mut row = sums.row(key.collect());
            if by_material {
                let mut of_all = *slots;
                of_all[SupplementDimension::Material as usize] = 0;
                row.share = Some(Rate::of(sums.times, all.get(&of_all).map_or(0, |all| all.times)));
                row.asked_once = None;
                library.tell(slots, &mut row);
            }
            rows.push(row);
        }
        rows.sort_by(|one, other| (other.cases, other.times, &one.key).cmp(&(one.cases, one.times, &other.key)));
        rows.truncate(top.unwrap_or(usize::MAX));
        SupplementsAnswer { rows, total: total.row(Key::new()) }
    }

    fn text(&self, dimension: SupplementDimension, slots: &Slots<4>) -> Option<String> {
        let slot = slots[dimension as usize];
        match dimension {
            SupplementDimension::Material => name_text(&self.materials, slot),
            SupplementDimension::Item => name_text(&self.items, slot),
            SupplementDimension::Org => name_text(&self.organisations, slot),
            SupplementDimension::Month => month_text(slot),
        }
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.asked.cells() + self.open.len()
    }
}

/// Everything that is asked for but the material.
fn slots(group_by: &[SupplementDimension], day: NaiveDate, asked: &Asked) -> Slots<4> {
    let mut slots = Slots::default();
    for dimension in group_by {
        slots[*dimension as usize] = match dimension {
            SupplementDimension::Material => 0,
            SupplementDimension::Item => name_slot(asked.item),
            SupplementDimension::Org => asked.organisation.number(),
            SupplementDimension::Month => month_slot(day),
        };
    }
    slots
}

/// What catalogue and policy say of a material.
struct Library<'a> {
    state: &'a Supplements,
    reference: &'a Reference,
    last: NaiveDate,
}

impl Library<'_> {
    fn tell(&self, slots: &Slots<4>, row: &mut SupplementsRow) {
        let [material, item, ..] = *slots;
        let Some(code) = name_of(&self.state.materials, material) else { return };
        let item = name_of(&self.state.items, item);
        let required = self.requirement(code, item);
        row.material_zh = required.map(|required| required.name_zh.clone());
        let rules = &self.reference.policies.at(self.last).rules;
        let kinds = rules.certificates.iter().filter(|rule| rule.stands_for.contains(code)).map(|rule| &rule.kind);
        // Whether the paper itself is wanted is the item's own; of several items, that of each is asked for by item.
        let only_paper = item.is_some() && required.is_some_and(|required| !is_replaceable(required));
        row.replaceable_by = Some(if only_paper { Vec::new() } else { kinds.cloned().collect() });
    }

    /// The material as the item knows it; without an item, as the first that lists it.
    fn requirement(&self, code: &MaterialCode, item: Option<&ItemId>) -> Option<&MaterialRequirement> {
        let catalogue = &self.reference.catalogue;
        let all = item.is_none().then(|| catalogue.items().map(|(_, known)| known)).into_iter().flatten();
        let one = item.and_then(|item| catalogue.get(item));
        let mut versions = one.into_iter().chain(all).filter_map(|known| known.latest());
        versions.find_map(|version| version.definition.materials.iter().find(|material| material.code == *code))
    }
}

/// One row in the making.
#[derive(Default)]
struct Sums {
    cases: i64,
    times: i64,
    again: i64,
    spared: i64,
    in_library: i64,
}

impl Sums {
    fn count(&mut self, first: bool, count: i64) {
        self.cases += if first { count } else { 0 };
        self.times += count;
    }

    fn row(&self, key: Key) -> SupplementsRow {
        SupplementsRow {
            key,
            cases: self.cases,
            times: self.times,
            share: None,
            asked_once: Some(Rate::of(self.cases - self.again, self.cases)),
            spared_by_certificate: self.spared,
            in_library: self.in_library,
            material_zh: None,
            replaceable_by: None,
        }
    }
}

#[cfg(test)]
mod tests;
