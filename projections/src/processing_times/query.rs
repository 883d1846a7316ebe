//! Questions about processing times, and their answers.

use super::{Ended, Kept, Line, Open, Places, ProcessingTimes, Stay};
use crate::names::{Code, Names};
use crate::scope::{Attribution, Month, Period, Source, Subtree};
use crate::tally::{DayCounts, Distribution, Rate, as_real};
use chrono::NaiveDate;
use domain::event::case::ClosingKind;
use domain::event::item::Authority;
use domain::ids::{ItemId, OrganisationId, RegionCode, SourceName};
use domain::reference::Reference;
use domain::region;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which day puts a case into the period. Always the day on which it happened, never the day of recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cohort {
    /// The day it ended.
    #[default]
    Finished,
    /// 受理之日; cases still open belong too.
    Accepted,
}

/// Under which code a region is shown whose code has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegionAs {
    /// The code under which the organisation was registered.
    Then,
    /// Today's.
    #[default]
    Now,
}

/// By what figures can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// 事项.
    Item,
    /// The item's version; tells the items apart too.
    ItemVersion,
    /// By what right it was decided.
    Authority,
    /// 环节: rows are of steps then, not of cases.
    Step,
    /// Who took the case in; of a step, who did it.
    Clerk,
    /// The township of the organisation to which the case is attributed.
    Township,
    /// Its county.
    County,
    /// The month of the day that put it into the period.
    Month,
}

impl Dimension {
    /// In the order of keys.
    pub const ALL: [Self; 8] = [
        Self::Item,
        Self::ItemVersion,
        Self::Authority,
        Self::Step,
        Self::Clerk,
        Self::Township,
        Self::County,
        Self::Month,
    ];
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessingTimesQuery {
    /// Which days.
    pub period: Period,
    /// Which day of a case.
    pub cohort: Cohort,
    /// Told apart by these; all in one row if empty.
    pub group_by: Vec<Dimension>,
    /// Only this item.
    pub item: Option<ItemId>,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Only cases that ended so.
    pub closing: Option<ClosingKind>,
    /// Which organisation a case belongs to.
    pub attribution: Attribution,
    /// Under which code regions are shown.
    pub region_as: RegionAs,
    /// Whose histories.
    pub source: Source,
}

/// The question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProcessingTimesError {
    /// Steps have no closing kind: they end while the case goes on.
    #[error("group_by=step counts steps, which have no closing kind")]
    StepsHaveNoClosing,
    /// Steps are counted by the day on which they ended.
    #[error("group_by=step counts steps by the day they ended: use cohort=finished")]
    StepsHaveNoAcceptance,
}

/// 1 − promised ÷ statutory, over the cases that have both limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Compression {
    /// Cases with both.
    pub n: i64,
    /// Days promised, summed.
    pub promised_days: i64,
    /// Days the law allows, summed.
    pub statutory_days: i64,
    /// 时限压缩率; absent where the law sets no days.
    pub rate: Option<f64>,
}

/// What was taken in of a legacy system's history. Its cases have no closing, so they have no times here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyCounts {
    /// Cases.
    pub cases: u64,
    /// Activities.
    pub activities: u64,
}

/// Figures of one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessingTimesRow {
    /// What it is the group of, for each dimension asked for; absent where the case has no such thing.
    pub key: BTreeMap<Dimension, Option<String>>,
    /// Cases in the cohort; of rows by step, steps.
    pub n: i64,
    /// Those that have ended, by how.
    pub closings: BTreeMap<ClosingKind, i64>,
    /// 按时办结率: finished by the promised date ÷ finished with one.
    pub on_time_promised: Rate,
    /// 法定按时率: decided by the statutory date ÷ finished with one.
    pub on_time_statutory: Rate,
    /// The same, by the day of recording.
    pub on_time_promised_recorded: Rate,
    /// The same, by the day of recording.
    pub on_time_statutory_recorded: Rate,
    /// Working days from acceptance to the end, net of lawful pauses; of rows by step, the step's own.
    pub working_days: Distribution,
    /// Natural days from application to the end: what the applicant feels.
    pub gross_days: Distribution,
    /// Working days from receipt to acceptance.
    pub acceptance_lag_days: Distribution,
    /// Ended on the day of application ÷ ended.
    pub same_day: Rate,
    /// 时限压缩率.
    pub compression: Compression,
    /// Open at the moment and past the promised date, which lies in the period (cohort `accepted`: accepted in it).
    pub open_overdue: i64,
    /// The same, past the statutory date.
    pub open_overdue_statutory: i64,
    /// Endings recorded on a later day than they happened.
    pub recorded_late: i64,
    /// 转报停留: working days at organisations that sent the case up, by the day of sending.
    pub forwarded_days: Distribution,
    /// Steps done within their budget ÷ steps; of rows by step only.
    pub within_budget: Rate,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessingTimesAnswer {
    /// The groups, in the order of their keys.
    pub rows: Vec<ProcessingTimesRow>,
    /// All of them together.
    pub total: ProcessingTimesRow,
    /// Imported histories that the source takes in.
    pub legacy: BTreeMap<SourceName, LegacyCounts>,
}

/// One place for each dimension; 0 where it was not asked for, or where there is nothing.
type Slots = [u32; Dimension::ALL.len()];

/// What of a case or a stay can be told apart.
struct Traits {
    line: Code,
    organisation: Code,
    clerk: Option<Code>,
    step: Option<Code>,
    day: NaiveDate,
}

impl ProcessingTimes {
    /// Answers a question, as seen on `today`.
    ///
    /// # Errors
    /// The question asks of steps what only cases have.
    pub fn answer(
        &self,
        query: &ProcessingTimesQuery,
        reference: &Reference,
        today: NaiveDate,
    ) -> Result<ProcessingTimesAnswer, ProcessingTimesError> {
        let mut groups = Groups::new(self, query, reference);
        if query.group_by.contains(&Dimension::Step) {
            if query.closing.is_some() {
                return Err(ProcessingTimesError::StepsHaveNoClosing);
            }
            if query.cohort == Cohort::Accepted {
                return Err(ProcessingTimesError::StepsHaveNoAcceptance);
            }
            groups.count_steps();
        } else {
            groups.count_endings();
            if query.closing.is_none() {
                groups.count_open(today);
                groups.count_legs();
            }
        }
        Ok(groups.answer())
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.ended.cells() + self.stays.cells() + self.open.len()
    }
}

struct Groups<'a> {
    state: &'a ProcessingTimes,
    query: &'a ProcessingTimesQuery,
    reference: &'a Reference,
    within: Subtree,
    lines: BTreeMap<Code, bool>,
    asked: [bool; Dimension::ALL.len()],
    regions: Names<RegionCode>,
    known_regions: BTreeMap<(Code, Dimension), u32>,
    groups: BTreeMap<Slots, Figures>,
}

impl<'a> Groups<'a> {
    fn new(state: &'a ProcessingTimes, query: &'a ProcessingTimesQuery, reference: &'a Reference) -> Self {
        let mut asked = Dimension::ALL.map(|dimension| query.group_by.contains(&dimension));
        // A version's number means nothing without its item.
        asked[0] |= query.group_by.contains(&Dimension::ItemVersion);
        let wanted = |line: &Line| {
            let item = state.texts.items.name(line.item);
            let source = state.texts.sources.name(line.source);
            query.item.as_ref().is_none_or(|wanted| Some(wanted) == item)
                && source.is_some_and(|source| query.source.contains(source))
        };
        Self {
            within: Subtree::of(query.organisation.as_ref(), &reference.organisations, &state.texts.organisations),
            lines: state.texts.lines.iter().map(|(code, line)| (code, wanted(line))).collect(),
            asked,
            regions: Names::default(),
            known_regions: BTreeMap::new(),
            groups: BTreeMap::new(),
            state,
            query,
            reference,
        }
    }

    fn count_endings(&mut self) {
        let state = self.state;
        match self.query.cohort {
            Cohort::Finished => {
                for (day, ended, count) in state.ended.within(self.query.period) {
                    self.count_ending(day, ended, count);
                }
            }
            Cohort::Accepted => {
                for (_, ended, count) in state.ended.iter() {
                    let accepted_on = ended.accepted_on.filter(|day| self.query.period.contains(*day));
                    if let Some(day) = accepted_on {
                        self.count_ending(day, ended, count);
                    }
                }
            }
        }
    }

    fn count_ending(&mut self, day: NaiveDate, ended: &Ended, count: i64) {
        if self.query.closing.is_some_and(|kind| kind != ended.kind) {
            return;
        }
        let organisation = self.attributed(&ended.places);
        let traits = Traits { line: ended.line, organisation, clerk: ended.clerk, step: None, day };
        if let Some(figures) = self.figures(&traits) {
            figures.count_ending(ended, count);
        }
    }

    fn count_open(&mut self, today: NaiveDate) {
        let state = self.state;
        for open in state.open.values() {
            let overdue = overdue(open, today);
            let period = self.query.period;
            let organisation = self.attributed(&open.places);
            let traits = |day| Traits { line: open.line, organisation, clerk: open.clerk, step: None, day };
            match self.query.cohort {
                Cohort::Accepted if period.contains(open.accepted_on) => {
                    if let Some(figures) = self.figures(&traits(open.accepted_on)) {
                        figures.n += 1;
                        figures.open_overdue += i64::from(overdue.promised.is_some());
                        figures.open_overdue_statutory += i64::from(overdue.legal.is_some());
                    }
                }
                Cohort::Accepted => (),
                Cohort::Finished => {
                    if let Some(day) = overdue.promised.filter(|day| period.contains(*day))
                        && let Some(figures) = self.figures(&traits(day))
                    {
                        figures.open_overdue += 1;
                    }
                    if let Some(day) = overdue.legal.filter(|day| period.contains(*day))
                        && let Some(figures) = self.figures(&traits(day))
                    {
                        figures.open_overdue_statutory += 1;
                    }
                }
            }
        }
    }

    /// A stay belongs to the organisation that spent the days, whatever the attribution of its case.
    fn count_steps(&mut self) {
        let state = self.state;
        for (day, stay, count) in state.stays.within(self.query.period) {
            let Stay { line, organisation, step: Some(step), holder, .. } = *stay else { continue };
            let traits = Traits { line, organisation, clerk: holder, step: Some(step), day };
            if let Some(figures) = self.figures(&traits) {
                figures.n += count;
                figures.working_days.add(stay.days, count);
                figures.steps += count;
                figures.steps_within_budget += if stay.days <= stay.budget_days { count } else { 0 };
            }
        }
    }

    fn count_legs(&mut self) {
        let state = self.state;
        for (day, stay, count) in state.stays.within(self.query.period) {
            let Stay { line, organisation, step: None, .. } = *stay else { continue };
            let traits = Traits { line, organisation, clerk: None, step: None, day };
            if let Some(figures) = self.figures(&traits) {
                figures.forwarded_days.add(stay.days, count);
            }
        }
    }

    fn attributed(&self, places: &Places) -> Code {
        match self.query.attribution {
            Attribution::Intake => places.intake,
            Attribution::Deciding => places.deciding,
            Attribution::Delivering => places.delivering,
        }
    }

    /// Returns the figures of the group to which something belongs, if the question wants it at all.
    fn figures(&mut self, traits: &Traits) -> Option<&mut Figures> {
        let wanted =
            self.lines.get(&traits.line).copied().unwrap_or(false) && self.within.contains(traits.organisation);
        if !wanted {
            return None;
        }
        let slots = self.slots(traits);
        Some(self.groups.entry(slots).or_default())
    }

    fn slots(&mut self, traits: &Traits) -> Slots {
        let mut slots = Slots::default();
        for (place, dimension) in Dimension::ALL.into_iter().enumerate() {
            if self.asked[place] {
                slots[place] = self.slot(dimension, traits);
            }
        }
        slots
    }

    fn slot(&mut self, dimension: Dimension, traits: &Traits) -> u32 {
        let line = self.state.texts.lines.name(traits.line);
        match dimension {
            Dimension::Item => line.map_or(0, |line| line.item.number()),
            Dimension::ItemVersion => line.map_or(0, |line| line.item_version),
            Dimension::Authority => line.map_or(0, |line| authority_slot(line.authority)),
            Dimension::Step => traits.step.map_or(0, Code::number),
            Dimension::Clerk => traits.clerk.map_or(0, Code::number),
            Dimension::Township | Dimension::County => self.region_slot(traits.organisation, dimension),
            Dimension::Month => month_slot(traits.day),
        }
    }

    fn region_slot(&mut self, organisation: Code, dimension: Dimension) -> u32 {
        if let Some(slot) = self.known_regions.get(&(organisation, dimension)) {
            return *slot;
        }
        let slot = self.region(organisation, dimension).map_or(0, |region| self.regions.code(&region).number());
        self.known_regions.insert((organisation, dimension), slot);
        slot
    }

    fn region(&self, organisation: Code, dimension: Dimension) -> Option<RegionCode> {
        let organisations = &self.reference.organisations;
        let id = self.state.texts.organisations.name(organisation)?;
        let above = match dimension {
            Dimension::Township => organisations.township_of(id),
            _ => organisations.county_of(id),
        };
        let code = organisations.get(above?)?.region();
        match self.query.region_as {
            RegionAs::Then => Some(code.clone()),
            RegionAs::Now => Some(region::as_now(code)),
        }
    }

    fn answer(self) -> ProcessingTimesAnswer {
        let mut total = Figures::default();
        let mut rows = Vec::with_capacity(self.groups.len());
        for (slots, figures) in &self.groups {
            total.merge(figures);
            rows.push(figures.row(self.key(slots)));
        }
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        let legacy = self.state.legacy.iter().filter(|(source, _)| self.query.source.contains(source));
        ProcessingTimesAnswer {
            rows,
            total: total.row(BTreeMap::new()),
            legacy: legacy.map(|(source, counts)| (source.clone(), *counts)).collect(),
        }
    }

    fn key(&self, slots: &Slots) -> BTreeMap<Dimension, Option<String>> {
        let asked = Dimension::ALL.into_iter().zip(slots).zip(self.asked).filter(|(_, asked)| *asked);
        asked.map(|((dimension, slot), _)| (dimension, self.text(dimension, *slot))).collect()
    }

    fn text(&self, dimension: Dimension, slot: u32) -> Option<String> {
        let texts = &self.state.texts;
        let code = Code::of_number(slot)?;
        match dimension {
            Dimension::Item => texts.items.name(code).map(ToString::to_string),
            Dimension::ItemVersion => Some(slot.to_string()),
            Dimension::Authority => authority_text(slot),
            Dimension::Step => texts.steps.name(code).map(ToString::to_string),
            Dimension::Clerk => texts.staff.name(code).map(ToString::to_string),
            Dimension::Township | Dimension::County => self.regions.name(code).map(ToString::to_string),
            Dimension::Month => Some(format!("{:04}-{:02}", (slot - 1) / 12, (slot - 1) % 12 + 1)),
        }
    }
}

const AUTHORITIES: [(Authority, &str); 5] = [
    (Authority::OwnStatutory, "own_statutory"),
    (Authority::Empowered, "empowered"),
    (Authority::Entrusted, "entrusted"),
    (Authority::Forward, "forward"),
    (Authority::VillageSelf, "village_self"),
];

fn authority_slot(authority: Authority) -> u32 {
    (1..).zip(AUTHORITIES).find(|(_, (known, _))| *known == authority).map_or(0, |(slot, _)| slot)
}

fn authority_text(slot: u32) -> Option<String> {
    (1..).zip(AUTHORITIES).find(|(known, _)| *known == slot).map(|(_, (_, text))| text.to_owned())
}

/// Months since the year 0, from 1; days before it do not occur, and share a slot.
fn month_slot(day: NaiveDate) -> u32 {
    use chrono::Datelike;
    let first = Month::of(day).first_day();
    u32::try_from(first.year()).unwrap_or(0) * 12 + first.month()
}

struct Overdue {
    promised: Option<NaiveDate>,
    legal: Option<NaiveDate>,
}

/// A clock that stood still or stopped is looked at as of that day; later days were not its own.
fn overdue(open: &Open, today: NaiveDate) -> Overdue {
    let paused = |stands: fn(&super::Pause) -> bool| {
        open.pauses.iter().filter(|pause| stands(pause)).map(|pause| pause.from).min()
    };
    let seen = |stop: Option<NaiveDate>, pause: Option<NaiveDate>| {
        [stop, pause].into_iter().flatten().fold(today, NaiveDate::min)
    };
    let promised_seen = seen(open.promise_stopped_on, paused(|pause| pause.promised));
    let legal_seen = seen(open.decided_on, paused(|pause| pause.legal));
    Overdue {
        promised: open.promised_by.filter(|by| *by < promised_seen),
        legal: open.legal_by.filter(|by| *by < legal_seen),
    }
}

#[derive(Default)]
struct Figures {
    n: i64,
    closings: BTreeMap<ClosingKind, i64>,
    promise: Keeping,
    law: Keeping,
    working_days: DayCounts,
    gross_days: DayCounts,
    acceptance_lag_days: DayCounts,
    same_day: i64,
    both_limits: i64,
    promised_days: i64,
    legal_days: i64,
    open_overdue: i64,
    open_overdue_statutory: i64,
    recorded_late: i64,
    forwarded_days: DayCounts,
    steps: i64,
    steps_within_budget: i64,
}

#[derive(Default)]
struct Keeping {
    with_limit: i64,
    done: i64,
    recorded: i64,
}

impl Keeping {
    fn count(&mut self, kept: Kept, count: i64) {
        let (with_limit, done, recorded) = match kept {
            Kept::NoLimit => (0, 0, 0),
            Kept::Recorded => (count, count, count),
            Kept::Done => (count, count, 0),
            Kept::No => (count, 0, 0),
        };
        self.merge(&Self { with_limit, done, recorded });
    }

    fn merge(&mut self, other: &Self) {
        self.with_limit += other.with_limit;
        self.done += other.done;
        self.recorded += other.recorded;
    }
}

impl Figures {
    fn count_ending(&mut self, ended: &Ended, count: i64) {
        self.n += count;
        *self.closings.entry(ended.kind).or_default() += count;
        self.promise.count(ended.promise, count);
        self.law.count(ended.law, count);
        if let Some(days) = ended.working_days {
            self.working_days.add(days, count);
        }
        self.gross_days.add(ended.gross_days, count);
        if let Some(days) = ended.acceptance_lag_days {
            self.acceptance_lag_days.add(days, count);
        }
        self.same_day += if ended.gross_days == 0 { count } else { 0 };
        if let (Some(promised), Some(legal)) = (ended.promised_days, ended.legal_days) {
            self.both_limits += count;
            self.promised_days += i64::from(promised) * count;
            self.legal_days += i64::from(legal) * count;
        }
        self.recorded_late += if ended.recorded_late { count } else { 0 };
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        for (kind, count) in &other.closings {
            *self.closings.entry(*kind).or_default() += count;
        }
        self.promise.merge(&other.promise);
        self.law.merge(&other.law);
        self.working_days.merge(&other.working_days);
        self.gross_days.merge(&other.gross_days);
        self.acceptance_lag_days.merge(&other.acceptance_lag_days);
        self.same_day += other.same_day;
        self.both_limits += other.both_limits;
        self.promised_days += other.promised_days;
        self.legal_days += other.legal_days;
        self.open_overdue += other.open_overdue;
        self.open_overdue_statutory += other.open_overdue_statutory;
        self.recorded_late += other.recorded_late;
        self.forwarded_days.merge(&other.forwarded_days);
        self.steps += other.steps;
        self.steps_within_budget += other.steps_within_budget;
    }

    fn row(&self, key: BTreeMap<Dimension, Option<String>>) -> ProcessingTimesRow {
        let ended = self.closings.values().sum();
        ProcessingTimesRow {
            key,
            n: self.n,
            closings: self.closings.clone(),
            on_time_promised: Rate::of(self.promise.done, self.promise.with_limit),
            on_time_statutory: Rate::of(self.law.done, self.law.with_limit),
            on_time_promised_recorded: Rate::of(self.promise.recorded, self.promise.with_limit),
            on_time_statutory_recorded: Rate::of(self.law.recorded, self.law.with_limit),
            working_days: self.working_days.distribution(),
            gross_days: self.gross_days.distribution(),
            acceptance_lag_days: self.acceptance_lag_days.distribution(),
            same_day: Rate::of(self.same_day, ended),
            compression: self.compression(),
            open_overdue: self.open_overdue,
            open_overdue_statutory: self.open_overdue_statutory,
            recorded_late: self.recorded_late,
            forwarded_days: self.forwarded_days.distribution(),
            within_budget: Rate::of(self.steps_within_budget, self.steps),
        }
    }

    fn compression(&self) -> Compression {
        let rate = (0 < self.legal_days).then(|| 1.0 - as_real(self.promised_days) / as_real(self.legal_days));
        Compression { n: self.both_limits, promised_days: self.promised_days, statutory_days: self.legal_days, rate }
    }
}
