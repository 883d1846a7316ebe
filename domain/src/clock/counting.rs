//! Counting days: from a start and a limit to a date, and back.

use super::{DayUnit, Deadline, Freeze, Limit, at_pause};
use crate::calendar::WorkingCalendar;
use crate::event::policy::{FreezeConvention, PolicyRules};
use crate::ids::RegionCode;
use crate::policy::PolicyVersion;
use chrono::{Datelike, Days, NaiveDate};

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
