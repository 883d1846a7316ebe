//! A scenario 推演方案: which rules or events are imagined otherwise, as a file people write.
//!
//! The file is TOML, described in `docs/scenarios.md`. What cannot be read, is not known or contradicts itself is told
//! with its line.

use chrono::{DateTime, FixedOffset, NaiveDate};
use domain::actor::Role;
use domain::clock::{DayUnit, Limit};
use domain::event::item::{Authority, ClockStop, Level};
use domain::event::policy::{DefaultRating, FreezeConvention};
use domain::ids::{CaseId, ItemId, MaterialCode, OrganisationId, RegionCode, StaffId, StepCode};
use projections::scope::Attribution;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::collections::BTreeMap;
use toml::Spanned;

/// The longest scenario, in bytes.
pub const SCENARIO_BYTES_MAX: usize = 64 * 1024;
/// The most changes of one kind in it.
const CHANGES_MAX: usize = 64;

/// What is wrong with a scenario, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {en}")]
pub struct ScenarioError {
    /// Counts lines, from 1.
    pub line: usize,
    /// What, in Chinese.
    pub zh: String,
    /// What, in English.
    pub en: String,
}

/// A scenario as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called in the answer.
    #[serde(default)]
    pub name: String,
    /// Which cases are imagined.
    #[serde(default)]
    pub scope: Option<Spanned<Scope>>,
    /// Items with other elements.
    #[serde(default)]
    pub item: Vec<Spanned<ItemChange>>,
    /// Other rules.
    #[serde(default)]
    pub policy: Option<Spanned<PolicyChange>>,
    /// Days off and days worked.
    #[serde(default)]
    pub calendar: Vec<Spanned<CalendarChange>>,
    /// Figures counted for other organisations.
    #[serde(default)]
    pub attribution: Option<AttributionChange>,
    /// Events that did not happen.
    #[serde(default)]
    pub omit: Vec<Spanned<Events>>,
    /// Events that happened at another time.
    #[serde(default)]
    pub shift: Vec<Spanned<Shift>>,
    /// Acts that took place besides.
    #[serde(default)]
    pub insert: Vec<Spanned<Insertion>>,
    #[serde(skip)]
    lines: Lines,
}

/// Which cases are imagined: those that meet every condition given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// For these items; for those that the scenario changes if absent, and all where it changes none.
    #[serde(default)]
    pub items: Vec<Spanned<ItemId>>,
    /// Applied for on this day or later.
    #[serde(default)]
    pub from: Option<Day>,
    /// Applied for before this day.
    #[serde(default)]
    pub to: Option<Day>,
    /// Taken in, handled, decided or handed out by this organisation or one under it.
    #[serde(default)]
    pub org: Option<Spanned<OrganisationId>>,
}

/// An item's elements, where they are imagined otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemChange {
    /// Which item.
    pub id: Spanned<ItemId>,
    /// Which of its versions; all if empty.
    #[serde(default)]
    pub versions: Vec<Spanned<u32>>,
    /// For cases applied for on this day or later.
    #[serde(default)]
    pub from: Option<Day>,
    /// For cases applied for before this day.
    #[serde(default)]
    pub to: Option<Day>,
    /// 承诺办结时限.
    #[serde(default)]
    pub promised_limit: Option<Other>,
    /// 法定办结时限.
    #[serde(default)]
    pub legal_limit: Option<Other>,
    /// Budgets of steps, in working days.
    #[serde(default)]
    pub steps: BTreeMap<StepCode, u16>,
    /// What special procedures stop.
    #[serde(default)]
    pub pause: Vec<Spanned<PauseChange>>,
    /// Where it is decided.
    #[serde(default)]
    pub decided_at: Option<Level>,
    /// By what right.
    #[serde(default)]
    pub authority: Option<Authority>,
    /// One may apply in any township.
    #[serde(default)]
    pub cross_township: Option<bool>,
    /// What stops the promised clock.
    #[serde(default)]
    pub clock_stop: Option<ClockStop>,
    /// 视为受理.
    #[serde(default)]
    pub deemed_acceptance: Option<bool>,
    /// 延期, at most so many working days; 0: none.
    #[serde(default)]
    pub extension_days_max: Option<u16>,
    /// 送达 within so many working days; 0: no limit.
    #[serde(default)]
    pub delivery_days: Option<u16>,
    /// A notice during review pauses the promised clock.
    #[serde(default)]
    pub review_notice_pauses: Option<bool>,
}

/// Another limit, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// There is none.
    Nothing,
    /// This one.
    Limit(Limit),
}

/// What a special procedure stops.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PauseChange {
    /// Its name on the item.
    pub kind: String,
    /// It stops the promised clock.
    #[serde(default)]
    pub stops_promised: Option<bool>,
    /// It stops the legal clock.
    #[serde(default)]
    pub stops_legal: Option<bool>,
    /// The legal basis.
    #[serde(default)]
    pub basis: Option<String>,
}

/// Rules imagined otherwise; in every version of the policy that was in force.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// For cases applied for on this day or later.
    pub from: Option<Day>,
    /// For cases applied for before this day.
    pub to: Option<Day>,
    /// 黄灯 when at most so many working days remain.
    pub yellow_remaining_days: Option<u16>,
    /// 黄灯 also when at most this share of the limit remains.
    pub yellow_remaining_percent: Option<u16>,
    /// … for limits of at least so many days.
    pub yellow_percent_from_limit: Option<u16>,
    /// No 黄灯 where the limit is at most so many days.
    pub no_yellow_up_to_limit: Option<u16>,
    /// Days of a pause.
    pub freeze: Option<FreezeConvention>,
    /// The one-time notice is due within so many working days.
    pub notice_days: Option<u16>,
    /// An extension moves the promised limit too.
    pub extension_moves_promise: Option<bool>,
    /// A pause opened with at most so many days left is marked.
    pub late_pause_days: Option<u16>,
    /// A withdrawal with at most so many days left is marked.
    pub late_withdrawal_days: Option<u16>,
    /// Keyed in later than so many days is marked.
    pub late_entry_days: Option<u16>,
    /// A rating may come within so many days.
    pub rating_days: Option<u16>,
    /// Of which kind.
    pub rating_unit: Option<DayUnit>,
    /// What a rating never given counts as.
    pub default_rating: Option<DefaultRating>,
    /// Points from 非常满意 to 非常不满意.
    pub scores: Option<[u16; 5]>,
}

/// Days off and days worked, besides what was published.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarChange {
    /// Days off.
    #[serde(default)]
    pub off: Vec<Day>,
    /// Days worked.
    #[serde(default)]
    pub worked: Vec<Day>,
    /// Only here.
    #[serde(default)]
    pub region: Option<RegionCode>,
    /// Known from this day on; from the publication of the year if absent.
    #[serde(default)]
    pub announced: Option<Day>,
}

/// Figures counted for other organisations.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributionChange {
    /// By which rule.
    pub by: Attribution,
}

/// Which recorded events are meant: those that meet every condition given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Their name in the log.
    pub event: Spanned<String>,
    /// Of this case only.
    #[serde(default)]
    pub case: Option<CaseId>,
    /// Of this step only.
    #[serde(default)]
    pub step: Option<StepCode>,
    /// Of this kind of special procedure only.
    #[serde(default)]
    pub kind: Option<String>,
}

/// Events that happened at another time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Their name in the log.
    pub event: Spanned<String>,
    /// Of this case only.
    #[serde(default)]
    pub case: Option<CaseId>,
    /// Of this step only.
    #[serde(default)]
    pub step: Option<StepCode>,
    /// Of this kind of special procedure only.
    #[serde(default)]
    pub kind: Option<String>,
    /// By how many hours: later, or earlier if negative.
    pub hours: i64,
    /// Everything that happened to the case after it moves along.
    #[serde(default = "yes")]
    pub following: bool,
}

/// An act that took place besides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Insertion {
    /// In this case; in every case of the scope if absent.
    #[serde(default)]
    pub case: Option<CaseId>,
    /// At this moment …
    #[serde(default)]
    pub at: Option<Moment>,
    /// … or after the first event of this name …
    #[serde(default)]
    pub after: Option<Spanned<String>>,
    /// … by so many hours.
    #[serde(default)]
    pub hours: u32,
    /// By whom: a role …
    pub role: Role,
    /// … of this organisation; of the one that has the case if absent …
    #[serde(default)]
    pub org: Option<OrganisationId>,
    /// … and this person.
    #[serde(default)]
    pub staff: Option<StaffId>,
    /// What.
    pub act: InsertedAct,
}

/// Acts that can be inserted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum InsertedAct {
    /// T9 受理.
    Accept {},
    /// T6 一次性告知.
    IssueNotice {
        /// All that is missing.
        missing: Vec<MaterialCode>,
    },
    /// T7 补正.
    Supplement {
        /// What came.
        materials: Vec<MaterialCode>,
    },
    /// T12 分派.
    Route {
        /// To which organisation.
        to: OrganisationId,
    },
    /// T13 环节开始.
    StartStep {
        /// Which.
        step: StepCode,
    },
    /// T13 环节完成.
    FinishStep {
        /// Which.
        step: StepCode,
    },
    /// T20 决定: 准予.
    Grant {},
    /// T22 出件.
    Finish {},
    /// T23 送达.
    Deliver {},
}

fn yes() -> bool {
    true
}

/// A day, as TOML or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub NaiveDate);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = written(deserializer)?;
        text.parse().map(Self).map_err(|_| D::Error::custom("a day is written 2022-03-01"))
    }
}

/// A moment with its offset, as TOML or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub DateTime<FixedOffset>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = written(deserializer)?;
        let moment = DateTime::parse_from_rfc3339(&text);
        moment.map(Self).map_err(|_| D::Error::custom("a moment is written 2022-03-01T10:15:00+08:00"))
    }
}

fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match toml::Value::deserialize(deserializer)? {
        toml::Value::Datetime(moment) => Ok(moment.to_string()),
        toml::Value::String(text) => Ok(text),
        other => Err(D::Error::custom(format!("a date or time is needed, not {}", other.type_str()))),
    }
}

/// `15`, `{ days = 15, unit = "natural" }`, or `"none"`.
impl<'de> Deserialize<'de> for Other {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            days: u16,
            #[serde(default = "working")]
            unit: DayUnit,
        }
        fn working() -> DayUnit {
            DayUnit::Working
        }
        let value = toml::Value::deserialize(deserializer)?;
        match &value {
            toml::Value::String(text) if text == "none" => Ok(Self::Nothing),
            toml::Value::Integer(days) => {
                let days = u16::try_from(*days).map_err(|_| D::Error::custom("a limit has 0 to 65535 days"))?;
                Ok(Self::Limit(Limit { days, unit: DayUnit::Working }))
            }
            toml::Value::Table(_) => {
                let Written { days, unit } = Written::deserialize(value).map_err(D::Error::custom)?;
                Ok(Self::Limit(Limit { days, unit }))
            }
            _ => Err(D::Error::custom("a limit is 15, { days = 15, unit = \"working\" }, or \"none\"")),
        }
    }
}

/// Where the lines of the file begin, in bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1).collect())
    }

    fn at(&self, byte: usize) -> usize {
        self.0.partition_point(|begin| *begin <= byte) + 1
    }
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// It is too long, no TOML, or says something that no scenario can say; the line is named.
    pub fn read(text: &str) -> Result<Self, ScenarioError> {
        let lines = Lines::of(text);
        if SCENARIO_BYTES_MAX < text.len() {
            let en = format!("a scenario has at most {SCENARIO_BYTES_MAX} bytes");
            return Err(ScenarioError { line: 1, zh: format!("方案最多 {SCENARIO_BYTES_MAX} 字节"), en });
        }
        let read: Result<Self, toml::de::Error> = toml::from_str(text);
        let mut scenario = read.map_err(|error| {
            let line = error.span().map_or(1, |span| lines.at(span.start));
            let en = error.message().replace('\n', " ");
            ScenarioError { line, zh: format!("方案无法读取：{en}"), en }
        })?;
        scenario.lines = lines;
        scenario.consistent()?;
        Ok(scenario)
    }

    /// Returns what is wrong with something, with its line.
    pub(super) fn wrong<T>(&self, at: &Spanned<T>, zh: impl Into<String>, en: impl Into<String>) -> ScenarioError {
        ScenarioError { line: self.lines.at(at.span().start), zh: zh.into(), en: en.into() }
    }

    /// Returns whether events are omitted, shifted or inserted.
    #[must_use]
    pub fn edits_events(&self) -> bool {
        !(self.omit.is_empty() && self.shift.is_empty() && self.insert.is_empty())
    }

    /// What can be told without knowing any history.
    fn consistent(&self) -> Result<(), ScenarioError> {
        let many = [self.item.len(), self.calendar.len(), self.omit.len(), self.shift.len(), self.insert.len()];
        if many.into_iter().any(|count| CHANGES_MAX < count) {
            let zh = format!("每类改动最多 {CHANGES_MAX} 项");
            return Err(ScenarioError { line: 1, zh, en: format!("at most {CHANGES_MAX} changes of a kind") });
        }
        let reversed = |from: Option<Day>, to: Option<Day>| matches!((from, to), (Some(from), Some(to)) if to <= from);
        let backwards = "`to` does not lie after `from`";
        if let Some(scope) = self.scope.as_ref().filter(|scope| reversed(scope.get_ref().from, scope.get_ref().to)) {
            return Err(self.wrong(scope, "to 不晚于 from", backwards));
        }
        if let Some(policy) = self.policy.as_ref().filter(|it| reversed(it.get_ref().from, it.get_ref().to)) {
            return Err(self.wrong(policy, "to 不晚于 from", backwards));
        }
        for (place, change) in self.item.iter().enumerate() {
            if reversed(change.get_ref().from, change.get_ref().to) {
                return Err(self.wrong(change, "to 不晚于 from", backwards));
            }
            if let Some(other) = self.item[..place].iter().find(|other| other.get_ref().meets(change.get_ref())) {
                let line = self.lines.at(other.span().start);
                let item = change.get_ref().id.get_ref();
                let zh = format!("与第 {line} 行对事项 {item} 的改动重叠");
                return Err(self.wrong(change, zh, format!("it overlaps with the change of {item} in line {line}")));
            }
        }
        for change in &self.calendar {
            let CalendarChange { off, worked, .. } = change.get_ref();
            if off.is_empty() && worked.is_empty() {
                return Err(self.wrong(change, "没有写明任何日期", "it names no day"));
            }
            if let Some(day) = off.iter().find(|day| worked.contains(day)) {
                let zh = format!("{} 既放假又上班", day.0);
                return Err(self.wrong(change, zh, format!("{} is given both as a day off and as worked", day.0)));
            }
        }
        for shift in &self.shift {
            if let Some(omission) = self.omit.iter().find(|it| it.get_ref().same_as(&shift.get_ref().events())) {
                let line = self.lines.at(omission.span().start);
                let zh = format!("第 {line} 行已删去同一事件");
                return Err(self.wrong(shift, zh, format!("line {line} omits the same events")));
            }
        }
        for insertion in &self.insert {
            let Insertion { at, after, case, .. } = insertion.get_ref();
            match (at, after) {
                (Some(_), Some(_)) | (None, None) => {
                    return Err(self.wrong(insertion, "须写 at 或 after 之一", "either `at` or `after` is needed"));
                }
                (Some(_), None) if case.is_none() => {
                    return Err(self.wrong(insertion, "写了 at 就须指明 case", "`at` needs `case`"));
                }
                (Some(_) | None, None | Some(_)) => (),
            }
        }
        self.known_events()
    }

    fn known_events(&self) -> Result<(), ScenarioError> {
        let omitted = self.omit.iter().map(|it| &it.get_ref().event);
        let shifted = self.shift.iter().map(|it| &it.get_ref().event);
        let awaited = self.insert.iter().filter_map(|it| it.get_ref().after.as_ref());
        for name in omitted.chain(shifted).chain(awaited) {
            if !domain::event::SCHEMAS.iter().any(|schema| schema.name == name.get_ref()) {
                let zh = format!("没有事件 {:?}", name.get_ref());
                return Err(self.wrong(name, zh, format!("there is no event {:?}", name.get_ref())));
            }
        }
        Ok(())
    }
}

impl ItemChange {
    /// Whether both speak of the same version and the same cases.
    fn meets(&self, other: &Self) -> bool {
        let versions = |change: &Self| change.versions.iter().map(|it| *it.get_ref()).collect::<Vec<u32>>();
        let (ours, theirs) = (versions(self), versions(other));
        let version = ours.is_empty() || theirs.is_empty() || ours.iter().any(|version| theirs.contains(version));
        let begins = |from: Option<Day>| from.map_or(NaiveDate::MIN, |day| day.0);
        let ends = |to: Option<Day>| to.map_or(NaiveDate::MAX, |day| day.0);
        let period = begins(self.from) < ends(other.to) && begins(other.from) < ends(self.to);
        self.id.get_ref() == other.id.get_ref() && version && period
    }
}

impl Shift {
    /// Returns which events are shifted.
    #[must_use]
    pub fn events(&self) -> Events {
        let Self { event, case, step, kind, hours: _, following: _ } = self.clone();
        Events { event, case, step, kind }
    }
}

impl Events {
    fn same_as(&self, other: &Self) -> bool {
        self.event.get_ref() == other.event.get_ref()
            && (self.case, &self.step, &self.kind) == (other.case, &other.step, &other.kind)
    }
}
