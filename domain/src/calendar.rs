//! The working-day calendar: published a year at a time, amended afterwards, every version still there.
//!
//! A day is worked if the notices say so, else if it is Monday to Friday. In a year without a notice the weekday rule
//! alone speaks, and whatever was counted with it is provisional.

use crate::ids::RegionCode;
use crate::region;
use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

mod decide;
pub use decide::{CalendarCommand, CalendarRejection};

/// The calendar with its history. Its version counts the notices, publications and amendments alike, from 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Notice>", into = "Vec<Notice>")]
pub struct WorkingCalendar {
    notices: Vec<Notice>,
    /// Years published, with running counts of working days.
    years: BTreeMap<i32, Year>,
    /// The nature of days that a notice names, for everybody.
    named: BTreeMap<NaiveDate, bool>,
    /// The same, for one region only; there it goes before what holds for everybody.
    regional: BTreeMap<RegionCode, BTreeMap<NaiveDate, bool>>,
}

/// A publication or amendment, as taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The version of the calendar that it made.
    pub version: u32,
    /// The year it published; absent for an amendment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<i32>,
    /// Where it holds; everywhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionCode>,
    /// Days off.
    pub holidays: Vec<NaiveDate>,
    /// Days worked.
    pub workdays: Vec<NaiveDate>,
    /// Its number or title.
    pub notice: String,
    /// The day of publication.
    pub published_on: NaiveDate,
}

/// Running counts of one published year: at ordinal day `n`, from 0, the working days from 1 January through that day.
#[derive(Debug, Clone, PartialEq)]
struct Year {
    through: Vec<u16>,
}

impl Year {
    fn through(&self, ordinal0: usize) -> u16 {
        self.through.get(ordinal0).copied().unwrap_or(0)
    }

    fn is_working(&self, ordinal0: usize) -> bool {
        let before = ordinal0.checked_sub(1).map_or(0, |before| self.through(before));
        before < self.through(ordinal0)
    }
}

impl From<Vec<Notice>> for WorkingCalendar {
    fn from(notices: Vec<Notice>) -> Self {
        let mut calendar = Self::default();
        for notice in notices {
            calendar.take_in(notice);
        }
        calendar
    }
}

impl From<WorkingCalendar> for Vec<Notice> {
    fn from(calendar: WorkingCalendar) -> Self {
        calendar.notices
    }
}

impl WorkingCalendar {
    /// Returns the number of the last notice taken in; 0 before the first.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.notices.last().map_or(0, |notice| notice.version)
    }

    /// Returns the notices, in the order in which they were recorded.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Returns whether the day's year was published.
    #[must_use]
    pub fn covers(&self, day: NaiveDate) -> bool {
        self.years.contains_key(&day.year())
    }

    /// Returns whether the year was published.
    #[must_use]
    pub fn covers_year(&self, year: i32) -> bool {
        self.years.contains_key(&year)
    }

    /// Returns whether the day is worked, in this region or, without one, in general.
    #[must_use]
    pub fn is_working(&self, day: NaiveDate, region: Option<&RegionCode>) -> bool {
        self.regional_nature(day, region).unwrap_or_else(|| self.is_working_in_general(day))
    }

    /// Returns how many days after `from` and through `to` are worked; 0 if `to` is not after `from`.
    #[must_use]
    pub fn working_days_between(&self, from: NaiveDate, to: NaiveDate, region: Option<&RegionCode>) -> u32 {
        if to <= from {
            return 0;
        }
        let general = self.through(to) + self.whole_years(from.year(), to.year()) - self.through(from);
        let corrected = i64::from(general) + self.regional_difference(from, to, region);
        u32::try_from(corrected).unwrap_or(0)
    }

    /// Returns the `count`-th working day after `start`; `start` itself for 0.
    #[must_use]
    pub fn nth_working_day_after(&self, start: NaiveDate, count: u32, region: Option<&RegionCode>) -> NaiveDate {
        let mut day = start;
        let mut left = count;
        while 0 < left {
            let Some(next) = day.checked_add_days(Days::new(1)) else { return day };
            // `left` days hold at most `left` working days, so a stride that long never passes the day sought.
            match next.checked_add_days(Days::new(u64::from(left) - 1)) {
                Some(leap) if STRIDE_DAYS_MIN <= left => {
                    left -= self.working_days_between(day, leap, region).min(left);
                    day = leap;
                }
                Some(_) | None => {
                    left -= u32::from(self.is_working(next, region));
                    day = next;
                }
            }
        }
        day
    }

    /// Returns the day itself if it is worked, else the next that is.
    #[must_use]
    pub fn working_day_at_or_after(&self, day: NaiveDate, region: Option<&RegionCode>) -> NaiveDate {
        day.iter_days().find(|day| self.is_working(*day, region)).unwrap_or(day)
    }

    /// Returns the day itself if it is worked, else the last before it that is.
    #[must_use]
    pub fn working_day_at_or_before(&self, day: NaiveDate, region: Option<&RegionCode>) -> NaiveDate {
        let mut candidate = day;
        while !self.is_working(candidate, region) {
            match candidate.pred_opt() {
                Some(before) => candidate = before,
                None => return day,
            }
        }
        candidate
    }

    /// Returns the calendar as anybody could know it on this day: with the notices published by then.
    #[must_use]
    pub fn as_published_by(&self, day: NaiveDate) -> Self {
        self.with_notices(|notice| notice.published_on <= day)
    }

    /// Returns the calendar as it was after the notice with this number.
    #[must_use]
    pub fn at_version(&self, version: u32) -> Self {
        self.with_notices(|notice| notice.version <= version)
    }

    /// Returns the first and last day whose nature notices after this version may have changed; none if there are none.
    #[must_use]
    pub fn amended_since(&self, version: u32) -> Option<RangeInclusive<NaiveDate>> {
        let newer = self.notices.iter().filter(|notice| version < notice.version);
        let days = newer.flat_map(Notice::days_touched);
        days.fold(None, |range, day| match range {
            None => Some(day..=day),
            Some(range) => Some(day.min(*range.start())..=day.max(*range.end())),
        })
    }

    fn with_notices(&self, keep: impl Fn(&Notice) -> bool) -> Self {
        self.notices.iter().filter(|notice| keep(notice)).cloned().collect::<Vec<_>>().into()
    }

    fn is_working_in_general(&self, day: NaiveDate) -> bool {
        if let Some(year) = self.years.get(&day.year()) {
            return year.is_working(day.ordinal0() as usize);
        }
        match self.named.get(&day) {
            Some(worked) => *worked,
            None => is_weekday(day),
        }
    }

    /// What a notice for this region says of the day; the narrowest region that speaks of it goes first.
    fn regional_nature(&self, day: NaiveDate, region: Option<&RegionCode>) -> Option<bool> {
        let here = region?;
        let speaking = self.regional.iter().filter(|(area, _)| region::lies_in(here, area));
        let natures = speaking.filter_map(|(area, days)| Some((region::significant(area).len(), *days.get(&day)?)));
        natures.max_by_key(|(narrowness, _)| *narrowness).map(|(_, worked)| worked)
    }

    fn regional_difference(&self, from: NaiveDate, to: NaiveDate, region: Option<&RegionCode>) -> i64 {
        let Some(here) = region.filter(|_| !self.regional.is_empty()) else { return 0 };
        let speaking = self.regional.iter().filter(|(area, _)| region::lies_in(here, area));
        let after = from.checked_add_days(Days::new(1)).unwrap_or(from);
        let days: BTreeSet<NaiveDate> =
            speaking.flat_map(|(_, days)| days.range(after..=to)).map(|(day, _)| *day).collect();
        days.into_iter()
            .map(|day| i64::from(self.is_working(day, region)) - i64::from(self.is_working_in_general(day)))
            .sum()
    }

    /// Working days from 1 January of the day's year through the day.
    fn through(&self, day: NaiveDate) -> u32 {
        match self.years.get(&day.year()) {
            Some(year) => u32::from(year.through(day.ordinal0() as usize)),
            None => u32::try_from(weekdays_through(day) + self.named_difference_through(day)).unwrap_or(0),
        }
    }

    /// Working days of the years from `first` up to, but without, `last`.
    fn whole_years(&self, first: i32, last: i32) -> u32 {
        (first..last).filter_map(|year| NaiveDate::from_ymd_opt(year, 12, 31)).map(|end| self.through(end)).sum()
    }

    fn named_difference_through(&self, day: NaiveDate) -> i64 {
        let new_year = day.with_ordinal0(0).unwrap_or(day);
        let named = self.named.range(new_year..=day);
        named.map(|(day, worked)| i64::from(*worked) - i64::from(is_weekday(*day))).sum()
    }

    fn take_in(&mut self, notice: Notice) {
        let off = notice.holidays.iter().map(|day| (*day, false));
        let worked = notice.workdays.iter().map(|day| (*day, true));
        let natures = off.chain(worked);
        match &notice.region {
            Some(region) => self.regional.entry(region.clone()).or_default().extend(natures),
            None => self.named.extend(natures),
        }
        let touched: BTreeSet<i32> = notice.holidays.iter().chain(&notice.workdays).map(Datelike::year).collect();
        let published = touched.into_iter().filter(|year| self.years.contains_key(year));
        for year in published.chain(notice.year).collect::<BTreeSet<i32>>() {
            self.years.insert(year, running_counts(year, &self.named));
        }
        self.notices.push(notice);
    }

    fn next_version(&self) -> u32 {
        self.version() + 1
    }
}

/// From this many days on, [`WorkingCalendar::nth_working_day_after`] counts in strides.
const STRIDE_DAYS_MIN: u32 = 3;

fn is_weekday(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Mondays to Fridays from 1 January of the day's year through the day.
fn weekdays_through(day: NaiveDate) -> i64 {
    let whole_weeks = i64::from(day.ordinal() / 7);
    let last_days = std::iter::successors(Some(day), NaiveDate::pred_opt).take(day.ordinal() as usize % 7);
    whole_weeks * 5 + last_days.map(|day| i64::from(is_weekday(day))).sum::<i64>()
}

fn running_counts(year: i32, named: &BTreeMap<NaiveDate, bool>) -> Year {
    let Some(first) = NaiveDate::from_ymd_opt(year, 1, 1) else { return Year { through: Vec::new() } };
    let mut count = 0;
    let days = first.iter_days().take_while(|day| day.year() == year);
    let through = days.map(|day| {
        count += u16::from(named.get(&day).copied().unwrap_or_else(|| is_weekday(day)));
        count
    });
    Year { through: through.collect() }
}

impl Notice {
    fn days_touched(&self) -> Vec<NaiveDate> {
        let whole_year = self
            .year
            .and_then(|year| Some([NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year, 12, 31)?]));
        self.holidays.iter().chain(&self.workdays).copied().chain(whole_year.into_iter().flatten()).collect()
    }
}

#[cfg(test)]
mod tests;
