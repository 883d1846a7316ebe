//! Legal and promised limits: when they run, what stops them, when they are over.

use crate::calendar::WorkingCalendar;
use crate::event::policy::{FreezeConvention, PolicyRules};
use crate::ids::RegionCode;
use crate::policy::PolicyVersion;
use chrono::{Datelike, Days, NaiveDate};
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

/// What days are counted by: a calendar, the rules, and where.
#[derive(Debug, Clone, Copy)]
pub struct Counting<'a> {
    /// Which days are worked.
    pub calendar: &'a WorkingCalendar,
    /// Pauses and thresholds.
    pub policy: &'a PolicyVersion,
    /// Where, for local closures.
    pub region: Option<&'a RegionCode>,
}

impl Counting<'_> {
    /// Returns the date by which something begun on `start` is due.
    ///
    /// `start` is day 0 and counting begins with the day after it; a limit of 0 is the same day. Frozen days are not
    /// counted, overlapping freezes once. Working days are counted from working day to working day; natural days that
    /// end on a rest day move to the next working day.
    #[must_use]
    pub fn deadline(&self, start: NaiveDate, limit: Limit, freezes: &[Freeze]) -> Deadline {
        let frozen = self.frozen(freezes);
        let date = self.nth_day(start, limit, &frozen);
        let mut reached = start.year()..=date.year();
        Deadline {
            start,
            limit,
            date,
            yellow_from: self.yellow_from(start, limit, date, &frozen),
            provisional: reached.any(|year| !self.calendar.covers_year(year)),
            calendar: self.calendar.version(),
            policy: self.policy.version,
            freezes: freezes.to_vec(),
        }
    }

    /// Returns the same deadline counted anew, with this calendar and these rules.
    #[must_use]
    pub fn recount(&self, deadline: &Deadline) -> Deadline {
        self.deadline(deadline.start, deadline.limit, &deadline.freezes)
    }

    /// Returns how many working days after `start` and through `day` count against a limit.
    #[must_use]
    pub fn used_days(&self, start: NaiveDate, day: NaiveDate, freezes: &[Freeze]) -> u16 {
        let counted = self.counted_between(DayUnit::Working, start, day, &self.frozen(freezes));
        u16::try_from(counted).unwrap_or(u16::MAX)
    }

    /// Returns how many working days after `start` and through `day` the freezes hid.
    #[must_use]
    pub fn frozen_days(&self, start: NaiveDate, day: NaiveDate, freezes: &[Freeze]) -> u16 {
        let hidden = self.hidden_between(DayUnit::Working, start, day, &self.frozen(freezes));
        u16::try_from(hidden).unwrap_or(u16::MAX)
    }

    /// Returns how many working days after `from` and through `to` there are; 0 if `to` is not after `from`.
    #[must_use]
    pub fn working_days_between(&self, from: NaiveDate, to: NaiveDate) -> u16 {
        u16::try_from(self.calendar.working_days_between(from, to, self.region)).unwrap_or(u16::MAX)
    }

    /// Returns the working days left after `day`: 0 on the last day, negative when it is over.
    ///
    /// A pause that still runs, since `paused_since`, holds the count as it stood the day before it began.
    #[must_use]
    pub fn remaining_days(&self, deadline: &Deadline, day: NaiveDate, paused_since: Option<NaiveDate>) -> i32 {
        let seen = at_pause(day, paused_since);
        let left = self.counted_between(DayUnit::Working, seen, deadline.date, &self.frozen(&deadline.freezes));
        let over = self.calendar.working_days_between(deadline.date, seen, self.region);
        i32::try_from(i64::from(left) - i64::from(over)).unwrap_or(i32::MIN)
    }

    /// The days that do not count: in order, disjoint, both ends included.
    fn frozen(&self, freezes: &[Freeze]) -> Vec<Freeze> {
        let mut spans: Vec<Freeze> = freezes.iter().filter_map(|freeze| self.by_convention(*freeze)).collect();
        spans.sort_unstable();
        let mut union: Vec<Freeze> = Vec::with_capacity(spans.len());
        for span in spans {
            match union.last_mut() {
                Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
                Some(_) | None => union.push(span),
            }
        }
        union
    }

    fn by_convention(&self, freeze: Freeze) -> Option<Freeze> {
        let to = match self.policy.rules.freeze {
            FreezeConvention::BothEndsInclusive => freeze.to,
            FreezeConvention::HalfOpen => freeze.to.pred_opt()?,
        };
        (freeze.from <= to).then_some(Freeze { from: freeze.from, to })
    }

    fn days_between(&self, unit: DayUnit, from: NaiveDate, to: NaiveDate) -> u32 {
        match unit {
            DayUnit::Working => self.calendar.working_days_between(from, to, self.region),
            DayUnit::Natural => u32::try_from((to - from).num_days()).unwrap_or(0),
        }
    }

    fn hidden_between(&self, unit: DayUnit, from: NaiveDate, to: NaiveDate, frozen: &[Freeze]) -> u32 {
        let hidden = frozen.iter().map(|freeze| {
            let before = freeze.from.pred_opt().unwrap_or(freeze.from).max(from);
            self.days_between(unit, before, freeze.to.min(to))
        });
        hidden.sum()
    }

    fn counted_between(&self, unit: DayUnit, from: NaiveDate, to: NaiveDate, frozen: &[Freeze]) -> u32 {
        self.days_between(unit, from, to) - self.hidden_between(unit, from, to, frozen)
    }

    /// The last day of the limit.
    fn nth_day(&self, start: NaiveDate, limit: Limit, frozen: &[Freeze]) -> NaiveDate {
        if limit.days == 0 {
            return start;
        }
        let days = u32::from(limit.days);
        let nth = |count: u32| match limit.unit {
            DayUnit::Working => self.calendar.nth_working_day_after(start, count, self.region),
            DayUnit::Natural => start.checked_add_days(Days::new(u64::from(count))).unwrap_or(start),
        };
        // Every frozen day before the date moves it on, perhaps over further frozen days, until none is left to add.
        let mut hidden = 0;
        let mut date = nth(days);
        loop {
            let hidden_now = self.hidden_between(limit.unit, start, date, frozen);
            if hidden_now == hidden {
                break;
            }
            hidden = hidden_now;
            date = nth(days.saturating_add(hidden));
        }
        match limit.unit {
            DayUnit::Working => date,
            DayUnit::Natural => self.calendar.working_day_at_or_after(date, self.region),
        }
    }

    fn yellow_from(&self, start: NaiveDate, limit: Limit, date: NaiveDate, frozen: &[Freeze]) -> Option<NaiveDate> {
        let rules = &self.policy.rules;
        if limit.days <= rules.no_yellow_up_to_limit {
            return None;
        }
        let nearly_over =
            |day| self.counted_between(DayUnit::Working, day, date, frozen) <= u32::from(rules.yellow_remaining_days);
        let mut first = date;
        while let Some(before) = first.pred_opt().filter(|before| start <= *before && nearly_over(*before)) {
            first = before;
        }
        let remaining = share_remaining(rules, limit.days);
        if remaining == 0 {
            return Some(first);
        }
        let used = Limit { days: limit.days - remaining, unit: limit.unit };
        Some(first.min(self.nth_day(start, used, frozen)))
    }
}

/// How many days of a limit may remain for its share of it to be reached.
fn share_remaining(rules: &PolicyRules, limit_days: u16) -> u16 {
    if limit_days < rules.yellow_percent_from_limit {
        return 0;
    }
    let remaining = u32::from(limit_days) * u32::from(rules.yellow_remaining_percent) / 100;
    u16::try_from(remaining).unwrap_or(limit_days).min(limit_days)
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<NaiveDate>,
    /// 法定时限.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
