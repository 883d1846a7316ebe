//! Questions to supervision, and their answers.

use super::{ActKind, Mark, Oversight, Warned, Whom};
use crate::gather::{Gathered, Named, Slots, Wanted, month_slot, month_text, name_slot, name_text};
use crate::names::Code;
use crate::scope::{Period, Source, Subtree};
use crate::tally::{DayCounts, Distribution, Rate};
use chrono::NaiveDate;
use domain::event::case::{Anomaly, Threshold, WarnedClock};
use domain::ids::{ItemId, OrganisationId, StaffId};
use domain::organisation::Organisations;
use domain::reference::Reference;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// By what marks can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyDimension {
    /// What is marked.
    Kind,
    /// The organisation it concerns.
    Org,
    /// The person it concerns.
    Clerk,
    /// 事项.
    Item,
    /// The month of the act.
    Month,
    /// The month in which it was recorded: what is keyed in at the end of a month is a peak here.
    RecordedMonth,
}

/// A question about marks. A mark lies in the period by the day of the act it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnomaliesQuery {
    /// Which days.
    pub period: Period,
    /// Told apart by these; all in one row if empty.
    pub group_by: Vec<AnomalyDimension>,
    /// Only these kinds; every kind if empty.
    pub kinds: Vec<Anomaly>,
    /// Only this item.
    pub item: Option<ItemId>,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Only this person.
    pub person: Option<StaffId>,
    /// Whose histories.
    pub source: Source,
}

type Key<D> = BTreeMap<D, Option<String>>;

/// Marks of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnomaliesRow {
    /// What it is the group of, for each dimension asked for; absent where there is no such thing.
    pub key: Key<AnomalyDimension>,
    /// How many marks.
    pub marks: i64,
    /// Marks ÷ acts on which such a mark may stand: pauses opened or ended, notices, decisions, refusals, withdrawals,
    /// returns. Absent for other kinds, and where kinds or months of recording are not told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Rate>,
    /// Of pauses that ended: working days that the marked ones hid from the clocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_working_days: Option<i64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnomaliesAnswer {
    /// The groups, in the order of their keys.
    pub rows: Vec<AnomaliesRow>,
    /// Marks of all of them together.
    pub total: i64,
}

/// A question about the cards (黄牌、红牌) that people's marks amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardsQuery {
    /// Which days.
    pub period: Period,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Only this person.
    pub person: Option<StaffId>,
    /// Whose histories.
    pub source: Source,
}

/// What one person's marks amount to: counts, never a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardsRow {
    /// At which organisation.
    pub organisation: OrganisationId,
    /// Who.
    pub person: StaffId,
    /// 黄牌.
    pub yellow: i64,
    /// 红牌.
    pub red: i64,
    /// The marks they are counted from.
    pub marks: BTreeMap<Anomaly, i64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardsAnswer {
    /// The policy version by whose rule marks are cards.
    pub policy: u32,
    /// Most red ones first, then most yellow ones.
    pub rows: Vec<CardsRow>,
}

/// By what warnings can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningDimension {
    /// Which clock.
    Clock,
    /// Yellow or red.
    Threshold,
    /// Who was warned: the organisation.
    Org,
    /// Who was warned: the person who had the work.
    Clerk,
    /// 事项.
    Item,
    /// The month of the warning.
    Month,
}

/// A question about warnings. A warning lies in the period by the day it was raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarningsQuery {
    /// Which days.
    pub period: Period,
    /// Told apart by these; all in one row if empty.
    pub group_by: Vec<WarningDimension>,
    /// Only of this clock.
    pub clock: Option<WarnedClock>,
    /// Only of this threshold.
    pub threshold: Option<Threshold>,
    /// Only to this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Only to this person.
    pub person: Option<StaffId>,
    /// Whose histories.
    pub source: Source,
}

/// Warnings of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WarningsRow {
    /// What it is the group of, for each dimension asked for; absent where there is no such thing.
    pub key: Key<WarningDimension>,
    /// Raised.
    pub raised: i64,
    /// 已阅: read (an answer is proof of it) ÷ raised.
    pub read: Rate,
    /// 答复: answered ÷ raised.
    pub answered: Rate,
    /// Followed by an act of staff on the case ÷ raised.
    pub acted: Rate,
    /// Natural hours from the warning to that act, each rounded up.
    pub hours_to_action: Distribution,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WarningsAnswer {
    /// The groups, in the order of their keys.
    pub rows: Vec<WarningsRow>,
    /// All of them together.
    pub total: WarningsRow,
}

/// The act on which a mark of this kind may stand, where such acts are counted.
fn marked_act(kind: Anomaly) -> Option<ActKind> {
    match kind {
        Anomaly::SecondNotice | Anomaly::LateNotice | Anomaly::ReviewNoticeWithoutBasis => Some(ActKind::Notice),
        Anomaly::LatePause | Anomaly::PauseWithoutBasis | Anomaly::PauseWithoutNotice => Some(ActKind::PauseOpened),
        Anomaly::PauseOverLimit => Some(ActKind::PauseClosed),
        Anomaly::SamePerson | Anomaly::OutsideAuthority | Anomaly::OverStatute | Anomaly::InTimeByPauses => {
            Some(ActKind::Decision)
        }
        Anomaly::DenialWithoutReason | Anomaly::DenialWithoutRemedy => Some(ActKind::Denial),
        Anomaly::StaffWithdrawal | Anomaly::LateWithdrawal => Some(ActKind::Withdrawal),
        Anomaly::HiddenRefusal => Some(ActKind::Return),
        Anomaly::LateEntry
        | Anomaly::StepOverBudget
        | Anomaly::LateDelivery
        | Anomaly::DuplicateApplication
        | Anomaly::InstantOverMidnight
        | Anomaly::ResultWithoutDecision
        | Anomaly::DeemedAcceptance
        | Anomaly::LateReceipt
        | Anomaly::LateAcceptance
        | Anomaly::OverPromise
        | Anomaly::FinishedWithoutResult => None,
    }
}

fn is_of_pause(kind: Anomaly) -> bool {
    matches!(marked_act(kind), Some(ActKind::PauseOpened | ActKind::PauseClosed))
}

/// What a question is limited to, in the codes of the state.
struct Limits {
    within: Subtree,
    sources: Wanted,
    item: Named,
    person: Named,
}

impl Limits {
    fn wants(&self, whom: &Whom) -> bool {
        // A mark whose case is not known belongs to the own history, like its event.
        whom.source.is_none_or(|source| self.sources.contains(source))
            && self.within.contains(whom.organisation)
            && self.item.wants(whom.item)
            && self.person.wants(whom.person)
    }
}

/// One slot for each [`AnomalyDimension`], in their order.
type MarkSlots = Slots<6>;

#[derive(Default)]
struct MarkSums {
    marks: i64,
    hidden: Option<i64>,
}

impl Oversight {
    fn limits(
        &self,
        organisation: Option<&OrganisationId>,
        organisations: &Organisations,
        source: &Source,
        item: Option<&ItemId>,
        person: Option<&StaffId>,
    ) -> Limits {
        let texts = &self.texts;
        Limits {
            within: Subtree::of(organisation, organisations, &texts.organisations),
            sources: source.among(&texts.sources),
            item: Named::of(item, &texts.items),
            person: Named::of(person, &texts.people),
        }
    }

    /// Answers a question about marks.
    #[must_use]
    pub fn anomalies(&self, query: &AnomaliesQuery, organisations: &Organisations) -> AnomaliesAnswer {
        let AnomaliesQuery { period, group_by, kinds, item, organisation, person, source } = query;
        let limits = self.limits(organisation.as_ref(), organisations, source, item.as_ref(), person.as_ref());
        let asked = flags(|kind| kinds.is_empty() || kinds.contains(&kind));
        let wanted = |mark: &Mark| asked[mark.kind as usize] && limits.wants(&mark.whom);
        let slots = |day: NaiveDate, mark: &Mark| {
            let mut slots = slots_of_whom(group_by, day, &mark.whom);
            for dimension in group_by {
                match dimension {
                    AnomalyDimension::Kind => slots[*dimension as usize] = mark.kind as u32 + 1,
                    AnomalyDimension::RecordedMonth => {
                        slots[*dimension as usize] = month_slot(mark.recorded_in.first_day());
                    }
                    AnomalyDimension::Org
                    | AnomalyDimension::Clerk
                    | AnomalyDimension::Item
                    | AnomalyDimension::Month => (),
                }
            }
            slots
        };
        let mut groups = Gathered::default();
        let mut total = 0;
        for (day, mark, count) in self.marks.within(*period).filter(|(_, mark, _)| wanted(mark)) {
            let sums: &mut MarkSums = groups.group(slots(day, mark));
            sums.marks += count;
            total += count;
        }
        for (day, (mark, hidden), count) in self.hidden.within(*period).filter(|(_, (mark, _), _)| wanted(mark)) {
            *groups.group(slots(day, mark)).hidden.get_or_insert(0) += i64::from(*hidden) * count;
        }
        let acts = self.acts_of(query, &limits, &groups);
        let row = |(slots, sums): &(MarkSlots, MarkSums)| {
            let kind = kind_of(slots);
            let act = kind.or(only(kinds)).and_then(marked_act).filter(|_| has_shares(query));
            AnomaliesRow {
                key: group_by.iter().map(|dimension| (*dimension, self.text(*dimension, slots))).collect(),
                marks: sums.marks,
                share: act.map(|act| Rate::of(sums.marks, acts.get(&of_act(*slots, act)).copied().unwrap_or(0))),
                hidden_working_days: sums.hidden.or(kind.is_some_and(is_of_pause).then_some(0)),
            }
        };
        let mut rows: Vec<AnomaliesRow> = groups.iter().map(row).collect();
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        AnomaliesAnswer { rows, total }
    }

    /// Returns how many acts there were for each row that is told as a share of them.
    fn acts_of(&self, query: &AnomaliesQuery, limits: &Limits, rows: &Gathered<6, MarkSums>) -> Gathered<6, i64> {
        let mut acts = Gathered::default();
        let told = rows.iter().filter_map(|(slots, _)| kind_of(slots).or(only(&query.kinds)).and_then(marked_act));
        let told: BTreeSet<ActKind> = told.filter(|_| has_shares(query)).collect();
        // Nearly every case has acts; without a row that asks for them they need not be read.
        if told.is_empty() {
            return acts;
        }
        for (day, act, count) in self.acts.within(query.period) {
            if told.contains(&act.kind) && limits.wants(&act.whom) {
                *acts.group(of_act(slots_of_whom(&query.group_by, day, &act.whom), act.kind)) += count;
            }
        }
        acts
    }

    fn text(&self, dimension: AnomalyDimension, slots: &MarkSlots) -> Option<String> {
        let slot = slots[dimension as usize];
        match dimension {
            AnomalyDimension::Kind => kind_of(slots).map(|kind| kind.as_str().to_owned()),
            AnomalyDimension::Org => name_text(&self.texts.organisations, slot),
            AnomalyDimension::Clerk => name_text(&self.texts.people, slot),
            AnomalyDimension::Item => name_text(&self.texts.items, slot),
            AnomalyDimension::Month | AnomalyDimension::RecordedMonth => month_text(slot),
        }
    }

    /// Answers a question about cards, by the rule that holds on the last day of the period.
    #[must_use]
    pub fn cards(&self, query: &CardsQuery, reference: &Reference) -> CardsAnswer {
        let last = query.period.to.pred_opt().unwrap_or(query.period.from);
        let policy = reference.policies.at(last);
        let rule = &policy.rules.cards;
        let CardsQuery { period, organisation, person, source } = query;
        let limits = self.limits(organisation.as_ref(), &reference.organisations, source, None, person.as_ref());
        let is_card = flags(|kind| rule.yellow.contains(&kind) || rule.red.contains(&kind));
        let mut people: BTreeMap<(Code, Code), BTreeMap<Anomaly, i64>> = BTreeMap::new();
        for (_, mark, count) in self.marks.within(*period).filter(|(_, mark, _)| is_card[mark.kind as usize]) {
            let Some(person) = mark.whom.person.filter(|_| limits.wants(&mark.whom)) else { continue };
            *people.entry((mark.whom.organisation, person)).or_default().entry(mark.kind).or_default() += count;
        }
        let rows = people.into_iter().filter_map(|((organisation, person), marks)| {
            let of = |kinds: &[Anomaly]| kinds.iter().filter_map(|kind| marks.get(kind)).sum();
            Some(CardsRow {
                organisation: self.texts.organisations.name(organisation)?.clone(),
                person: self.texts.people.name(person)?.clone(),
                yellow: of(&rule.yellow),
                red: of(&rule.red),
                marks,
            })
        });
        let mut rows: Vec<CardsRow> = rows.collect();
        rows.sort_by(|a, b| {
            let key = |row: &CardsRow| (-row.red, -row.yellow);
            key(a).cmp(&key(b)).then_with(|| (&a.organisation, &a.person).cmp(&(&b.organisation, &b.person)))
        });
        CardsAnswer { policy: policy.version, rows }
    }

    /// Answers a question about warnings.
    #[must_use]
    pub fn warnings(&self, query: &WarningsQuery, organisations: &Organisations) -> WarningsAnswer {
        let WarningsQuery { period, group_by, clock, threshold, organisation, person, source } = query;
        let limits = self.limits(organisation.as_ref(), organisations, source, None, person.as_ref());
        let slot = |dimension: WarningDimension, day: NaiveDate, warned: &Warned| match dimension {
            WarningDimension::Clock => warned.clock as u32 + 1,
            WarningDimension::Threshold => warned.threshold as u32 + 1,
            WarningDimension::Org => warned.whom.organisation.number(),
            WarningDimension::Clerk => name_slot(warned.whom.person),
            WarningDimension::Item => name_slot(warned.whom.item),
            WarningDimension::Month => month_slot(day),
        };
        let mut groups = Gathered::<6, (Option<Warned>, Tallied)>::default();
        let mut total = Tallied::default();
        for (day, warned, count) in self.warnings.within(*period) {
            let asked = clock.is_none_or(|clock| clock == warned.clock)
                && threshold.is_none_or(|threshold| threshold == warned.threshold);
            if !asked || !limits.wants(&warned.whom) {
                continue;
            }
            let mut slots = Slots::default();
            for dimension in group_by {
                slots[*dimension as usize] = slot(*dimension, day, warned);
            }
            let (one, tallied) = groups.group(slots);
            one.get_or_insert(*warned);
            tallied.count(warned, count);
        }
        let mut rows = Vec::new();
        for (slots, (one, tallied)) in groups.iter() {
            total.merge(tallied);
            let Some(one) = one else { continue };
            let key = group_by.iter().map(|dimension| (*dimension, self.text_of(*dimension, one, slots)));
            rows.push(tallied.row(key.collect()));
        }
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        WarningsAnswer { rows, total: total.row(Key::new()) }
    }

    /// Returns what all warnings of a group have in common, told by any one of them.
    fn text_of(&self, dimension: WarningDimension, one: &Warned, slots: &Slots<6>) -> Option<String> {
        let slot = slots[dimension as usize];
        match dimension {
            WarningDimension::Clock => Some(one.clock.as_str().to_owned()),
            WarningDimension::Threshold => Some(threshold_text(one.threshold).to_owned()),
            WarningDimension::Org => name_text(&self.texts.organisations, slot),
            WarningDimension::Clerk => name_text(&self.texts.people, slot),
            WarningDimension::Item => name_text(&self.texts.items, slot),
            WarningDimension::Month => month_text(slot),
        }
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        let counted = self.marks.cells() + self.acts.cells() + self.hidden.cells() + self.warnings.cells();
        counted + self.open.len() + self.warned.len()
    }
}

/// Returns for each kind whether something holds of it.
fn flags(holds: impl Fn(Anomaly) -> bool) -> [bool; Anomaly::ALL.len()] {
    let mut flags = [false; Anomaly::ALL.len()];
    for kind in Anomaly::ALL {
        flags[kind as usize] = holds(kind);
    }
    flags
}

/// The slots that a mark shares with the acts beside it: whom it concerns, and when.
fn slots_of_whom(group_by: &[AnomalyDimension], day: NaiveDate, whom: &Whom) -> MarkSlots {
    let mut slots = MarkSlots::default();
    for dimension in group_by {
        slots[*dimension as usize] = match dimension {
            AnomalyDimension::Org => whom.organisation.number(),
            AnomalyDimension::Clerk => name_slot(whom.person),
            AnomalyDimension::Item => name_slot(whom.item),
            AnomalyDimension::Month => month_slot(day),
            AnomalyDimension::Kind | AnomalyDimension::RecordedMonth => 0,
        };
    }
    slots
}

/// The group of the acts of a kind: an act has no kind of mark, so its own kind stands in that place.
fn of_act(mut slots: MarkSlots, act: ActKind) -> MarkSlots {
    slots[AnomalyDimension::Kind as usize] = act as u32 + 1;
    slots
}

fn kind_of(slots: &MarkSlots) -> Option<Anomaly> {
    let kind = slots[AnomalyDimension::Kind as usize].checked_sub(1)?;
    Anomaly::ALL.into_iter().find(|known| *known as u32 == kind)
}

/// The kind that all rows are of, where only one is asked for.
fn only(kinds: &[Anomaly]) -> Option<Anomaly> {
    if let [only] = kinds { Some(*only) } else { None }
}

/// Acts are not told apart by when they were recorded.
fn has_shares(query: &AnomaliesQuery) -> bool {
    !query.group_by.contains(&AnomalyDimension::RecordedMonth)
}

#[derive(Default)]
struct Tallied {
    raised: i64,
    read: i64,
    answered: i64,
    acted: i64,
    hours: DayCounts,
}

impl Tallied {
    fn count(&mut self, warned: &Warned, count: i64) {
        let when = |holds: bool| if holds { count } else { 0 };
        self.raised += count;
        self.read += when(warned.read);
        self.answered += when(warned.answered);
        self.acted += when(warned.acted_after.is_some());
        if let Some(hours) = warned.acted_after {
            self.hours.add(hours, count);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.raised += other.raised;
        self.read += other.read;
        self.answered += other.answered;
        self.acted += other.acted;
        self.hours.merge(&other.hours);
    }

    fn row(&self, key: Key<WarningDimension>) -> WarningsRow {
        WarningsRow {
            key,
            raised: self.raised,
            read: Rate::of(self.read, self.raised),
            answered: Rate::of(self.answered, self.raised),
            acted: Rate::of(self.acted, self.raised),
            hours_to_action: self.hours.distribution(),
        }
    }
}

/// Returns the name of a threshold.
fn threshold_text(threshold: Threshold) -> &'static str {
    match threshold {
        Threshold::Yellow => "yellow",
        Threshold::Red => "red",
    }
}
