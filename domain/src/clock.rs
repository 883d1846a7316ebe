//! Legal and promised limits: when they run, what stops them, when they are over.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How days are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayUnit {
    /// 工作日 (行政许可法 Art. 82).
    Working,
    /// 自然日; a last day that is a rest day moves to the next working day (民法典 Art. 203).
    Natural,
}

/// A number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Limit {
    /// How many; 0 means the same day.
    pub days: u16,
    /// Of which kind.
    pub unit: DayUnit,
}

/// Days that are not counted, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Freeze {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

/// A date by which something is due, with everything needed to compute it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// Day 0.
    pub start: NaiveDate,
    /// The limit, extensions included.
    pub limit: Limit,
    /// The last day in time.
    pub date: NaiveDate,
    /// 黄灯 from this day on; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yellow_from: Option<NaiveDate>,
    /// It reaches into a year whose calendar is not published.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisional: bool,
    /// The calendar's version that it was computed with.
    pub calendar: u32,
    /// The policy's version that it was computed with.
    pub policy: u32,
    /// The days it left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
}

/// The two clocks of a case, running in parallel from acceptance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// 承诺时限.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<Deadline>,
    /// 法定时限.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal: Option<Deadline>,
}

/// A light is a function of the facts and the moment, never a stored state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Light {
    /// 红牌: past the statutory date.
    RedStatutory,
    /// 红灯: past the promised date, or past the queue's own.
    Red,
    /// 黄灯: close to it.
    Yellow,
    /// 正常.
    Green,
    /// 特别程序中: the clock stands still with reason.
    Paused,
}
