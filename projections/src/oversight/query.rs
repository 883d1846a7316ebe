//! Questions to supervision, and their answers.

use super::{ActKind, Oversight, Warned, Whom};
use crate::names::Code;
use crate::scope::{Month, Period, Source, Subtree};
use crate::tally::{DayCounts, Distribution, Rate};
use chrono::NaiveDate;
use domain::event::case::{Anomaly, Threshold, WarnedClock};
use domain::ids::{ItemId, OrganisationId, StaffId};
use domain::organisation::Organisations;
use domain::reference::Reference;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
struct Wanted<'a> {
    state: &'a Oversight,
    within: Subtree,
    source: &'a Source,
    item: Option<&'a ItemId>,
    person: Option<&'a StaffId>,
}

impl Wanted<'_> {
    fn wants(&self, whom: &Whom) -> bool {
        let texts = &self.state.texts;
        let source = whom.source.and_then(|source| texts.sources.name(source));
        // A mark whose case is not known belongs to the own history, like its event.
        source.is_none_or(|source| self.source.contains(source))
            && self.within.contains(whom.organisation)
            && self.item.is_none_or(|item| whom.item.and_then(|code| texts.items.name(code)) == Some(item))
            && self.person.is_none_or(|person| whom.person.and_then(|code| texts.people.name(code)) == Some(person))
    }
}

impl Oversight {
    fn text_of_item(&self, whom: &Whom) -> Option<String> {
        whom.item.and_then(|item| self.texts.items.name(item)).map(ToString::to_string)
    }

    fn text_of_organisation(&self, whom: &Whom) -> Option<String> {
        self.texts.organisations.name(whom.organisation).map(ToString::to_string)
    }

    fn text_of_person(&self, whom: &Whom) -> Option<String> {
        whom.person.and_then(|person| self.texts.people.name(person)).map(ToString::to_string)
    }

    /// Answers a question about marks.
    #[must_use]
    pub fn anomalies(&self, query: &AnomaliesQuery, organisations: &Organisations) -> AnomaliesAnswer {
        let wanted = Wanted {
            state: self,
            within: Subtree::of(query.organisation.as_ref(), organisations, &self.texts.organisations),
            source: &query.source,
            item: query.item.as_ref(),
            person: query.person.as_ref(),
        };
        let kinds = |kind: Anomaly| query.kinds.is_empty() || query.kinds.contains(&kind);
        let mut rows: BTreeMap<Key<AnomalyDimension>, AnomaliesRow> = BTreeMap::new();
        let mut total = 0;
        for (day, mark, count) in self.marks.within(query.period) {
            if kinds(mark.kind) && wanted.wants(&mark.whom) {
                let key = self.key(query, &mark.whom, day, Some((mark.kind, mark.recorded_in)));
                rows.entry(key).or_insert_with_key(AnomaliesRow::new).marks += count;
                total += count;
            }
        }
        for (day, (mark, hidden), count) in self.hidden.within(query.period) {
            if kinds(mark.kind) && wanted.wants(&mark.whom) {
                let key = self.key(query, &mark.whom, day, Some((mark.kind, mark.recorded_in)));
                let row = rows.entry(key).or_insert_with_key(AnomaliesRow::new);
                *row.hidden_working_days.get_or_insert(0) += i64::from(*hidden) * count;
            }
        }
        self.take_shares(query, &wanted, &mut rows);
        AnomaliesAnswer { rows: rows.into_values().collect(), total }
    }

    /// Puts beside each row of one kind how many acts it is a share of.
    fn take_shares(
        &self,
        query: &AnomaliesQuery,
        wanted: &Wanted<'_>,
        rows: &mut BTreeMap<Key<AnomalyDimension>, AnomaliesRow>,
    ) {
        if query.group_by.contains(&AnomalyDimension::RecordedMonth) {
            return;
        }
        let mut acts: BTreeMap<(ActKind, Key<AnomalyDimension>), i64> = BTreeMap::new();
        for (day, act, count) in self.acts.within(query.period) {
            if wanted.wants(&act.whom) {
                let key = self.key(query, &act.whom, day, None);
                *acts.entry((act.kind, key)).or_default() += count;
            }
        }
        for row in rows.values_mut() {
            let told = row.key.get(&AnomalyDimension::Kind).and_then(Option::as_deref);
            let told = told.and_then(|name| Anomaly::ALL.into_iter().find(|kind| kind.as_str() == name));
            let only = if let [only] = query.kinds.as_slice() { Some(*only) } else { None };
            let Some(act) = told.or(only).and_then(marked_act) else { continue };
            let mut key = row.key.clone();
            key.remove(&AnomalyDimension::Kind);
            let of = acts.get(&(act, key)).copied().unwrap_or(0);
            row.share = Some(Rate::of(row.marks, of));
        }
    }

    fn key(
        &self,
        query: &AnomaliesQuery,
        whom: &Whom,
        day: NaiveDate,
        mark: Option<(Anomaly, Month)>,
    ) -> Key<AnomalyDimension> {
        let text = |dimension: AnomalyDimension| match dimension {
            AnomalyDimension::Kind => mark.map(|(kind, _)| kind.as_str().to_owned()),
            AnomalyDimension::Org => self.text_of_organisation(whom),
            AnomalyDimension::Clerk => self.text_of_person(whom),
            AnomalyDimension::Item => self.text_of_item(whom),
            AnomalyDimension::Month => Some(Month::of(day).to_string()),
            AnomalyDimension::RecordedMonth => mark.map(|(_, month)| month.to_string()),
        };
        let dimensions = query.group_by.iter();
        // An act has no kind of mark; its row is found without.
        let told = dimensions.filter(|dimension| mark.is_some() || **dimension != AnomalyDimension::Kind);
        told.map(|dimension| (*dimension, text(*dimension))).collect()
    }

    /// Answers a question about cards, by the rule that holds on the last day of the period.
    #[must_use]
    pub fn cards(&self, query: &CardsQuery, reference: &Reference) -> CardsAnswer {
        let last = query.period.to.pred_opt().unwrap_or(query.period.from);
        let policy = reference.policies.at(last);
        let rule = &policy.rules.cards;
        let within = Subtree::of(query.organisation.as_ref(), &reference.organisations, &self.texts.organisations);
        let wanted = Wanted { state: self, within, source: &query.source, item: None, person: query.person.as_ref() };
        let mut people: BTreeMap<(Code, Code), BTreeMap<Anomaly, i64>> = BTreeMap::new();
        for (_, mark, count) in self.marks.within(query.period) {
            let Some(person) = mark.whom.person.filter(|_| wanted.wants(&mark.whom)) else { continue };
            if rule.yellow.contains(&mark.kind) || rule.red.contains(&mark.kind) {
                *people.entry((mark.whom.organisation, person)).or_default().entry(mark.kind).or_default() += count;
            }
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
        let wanted = Wanted {
            state: self,
            within: Subtree::of(query.organisation.as_ref(), organisations, &self.texts.organisations),
            source: &query.source,
            item: None,
            person: query.person.as_ref(),
        };
        let mut groups: BTreeMap<Key<WarningDimension>, Tallied> = BTreeMap::new();
        let mut total = Tallied::default();
        for (day, warned, count) in self.warnings.within(query.period) {
            let asked = query.clock.is_none_or(|clock| clock == warned.clock)
                && query.threshold.is_none_or(|threshold| threshold == warned.threshold);
            if !asked || !wanted.wants(&warned.whom) {
                continue;
            }
            let text = |dimension: WarningDimension| match dimension {
                WarningDimension::Clock => Some(warned.clock.as_str().to_owned()),
                WarningDimension::Threshold => Some(threshold_text(warned.threshold).to_owned()),
                WarningDimension::Org => self.text_of_organisation(&warned.whom),
                WarningDimension::Clerk => self.text_of_person(&warned.whom),
                WarningDimension::Item => self.text_of_item(&warned.whom),
                WarningDimension::Month => Some(Month::of(day).to_string()),
            };
            let key = query.group_by.iter().map(|dimension| (*dimension, text(*dimension))).collect();
            groups.entry(key).or_default().count(warned, count);
            total.count(warned, count);
        }
        let rows = groups.into_iter().map(|(key, tallied)| tallied.row(key)).collect();
        WarningsAnswer { rows, total: total.row(Key::new()) }
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        let counted = self.marks.cells() + self.acts.cells() + self.hidden.cells() + self.warnings.cells();
        counted + self.open.len() + self.warned.len()
    }
}

impl AnomaliesRow {
    fn new(key: &Key<AnomalyDimension>) -> Self {
        let kind = key.get(&AnomalyDimension::Kind).and_then(Option::as_deref);
        let of_pause = Anomaly::ALL.into_iter().any(|known| Some(known.as_str()) == kind && is_of_pause(known));
        Self { key: key.clone(), marks: 0, share: None, hidden_working_days: of_pause.then_some(0) }
    }
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
