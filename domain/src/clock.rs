//! Legal and promised limits: when they run, what stops them, when they are over.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

mod counting;
pub use counting::Counting;

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
    #[serde(with = "crate::zone::day")]
    pub from: NaiveDate,
    /// The last day.
    #[serde(with = "crate::zone::day")]
    pub to: NaiveDate,
}

/// A date by which something is due, with everything needed to compute it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// Day 0.
    #[serde(with = "crate::zone::day")]
    pub start: NaiveDate,
    /// The limit, extensions included.
    pub limit: Limit,
    /// The last day in time.
    #[serde(with = "crate::zone::day")]
    pub date: NaiveDate,
    /// 黄灯 from this day on; never, if absent.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
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

/// Where the count stands: at `day`, or at the day before a pause that still runs.
fn at_pause(day: NaiveDate, paused_since: Option<NaiveDate>) -> NaiveDate {
    match paused_since.and_then(|since| since.pred_opt()) {
        Some(before) => day.min(before),
        None => day,
    }
}

/// Since when each clock stands still, where it does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses {
    /// 承诺时限.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub promised: Option<NaiveDate>,
    /// 法定时限.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub legal: Option<NaiveDate>,
}

impl Deadline {
    /// Returns whether the day is past it.
    #[must_use]
    pub fn is_over(&self, day: NaiveDate) -> bool {
        self.date < day
    }

    /// Returns the light of this one limit on this day: red, yellow or green.
    #[must_use]
    pub fn light(&self, day: NaiveDate) -> Light {
        match self.yellow_from {
            _ if self.is_over(day) => Light::Red,
            Some(from) if from <= day => Light::Yellow,
            Some(_) | None => Light::Green,
        }
    }
}

impl Clocks {
    /// Returns the light on this day.
    ///
    /// A paused clock shows red only if it was red before the pause began, and never yellow; a case is grey when one of
    /// its clocks stands still and no other gives cause.
    #[must_use]
    pub fn light(&self, day: NaiveDate, pauses: &Pauses) -> Light {
        let legal = paused_light(self.legal.as_ref(), day, pauses.legal);
        let promised = paused_light(self.promised.as_ref(), day, pauses.promised);
        match (legal, promised) {
            (Light::Red, _) => Light::RedStatutory,
            (_, Light::Red) => Light::Red,
            (Light::Yellow, _) | (_, Light::Yellow) => Light::Yellow,
            (Light::Paused, _) | (_, Light::Paused) => Light::Paused,
            (Light::Green | Light::RedStatutory, Light::Green | Light::RedStatutory) => Light::Green,
        }
    }

    /// Returns the first day after `day` on which the light may differ by time alone.
    #[must_use]
    pub fn light_changes_after(&self, day: NaiveDate) -> Option<NaiveDate> {
        let deadlines = self.promised.iter().chain(&self.legal);
        let changes = deadlines.flat_map(|deadline| [deadline.yellow_from, deadline.date.succ_opt()]);
        changes.flatten().filter(|change| day < *change).min()
    }
}

fn paused_light(deadline: Option<&Deadline>, day: NaiveDate, paused_since: Option<NaiveDate>) -> Light {
    match (deadline, paused_since) {
        (None, _) => Light::Green,
        (Some(deadline), None) => deadline.light(day),
        (Some(deadline), Some(_)) if deadline.is_over(at_pause(day, paused_since)) => Light::Red,
        (Some(_), Some(since)) if since <= day => Light::Paused,
        (Some(deadline), Some(_)) => deadline.light(day),
    }
}

#[cfg(test)]
mod tests;
