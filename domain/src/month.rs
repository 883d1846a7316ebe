//! A calendar month, in Fuzhou.

use chrono::{Datelike, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A calendar month, in Fuzhou.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    /// The first day of it.
    first: NaiveDate,
}

impl Month {
    /// Returns the month in which the day lies.
    #[must_use]
    pub fn of(day: NaiveDate) -> Self {
        Self { first: day.with_day(1).unwrap_or(day) }
    }

    /// Returns its first day.
    #[must_use]
    pub fn first_day(self) -> NaiveDate {
        self.first
    }

    /// Returns the first day after it.
    #[must_use]
    pub fn first_day_after(self) -> NaiveDate {
        self.first.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX)
    }

    /// Returns the day of it with this number, if it has one.
    #[must_use]
    pub fn day(self, number: u8) -> Option<NaiveDate> {
        self.first.with_day(u32::from(number))
    }

    /// Returns its days.
    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        let after = self.first_day_after();
        self.first.iter_days().take_while(move |day| *day < after)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

/// The text is not a month such as `2022-02`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a month is written like 2022-02")]
pub struct MonthError;

impl FromStr for Month {
    type Err = MonthError;
    fn from_str(text: &str) -> Result<Self, MonthError> {
        let whole = text.len() == "2022-02".len();
        let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok().filter(|_| whole);
        first.map(|first| Self { first }).ok_or(MonthError)
    }
}

impl TryFrom<String> for Month {
    type Error = MonthError;
    fn try_from(text: String) -> Result<Self, MonthError> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_read_and_written_the_same() {
        let month: Month = "2022-02".parse().unwrap();
        assert_eq!(month, Month::of(NaiveDate::from_ymd_opt(2022, 2, 28).unwrap()));
        assert_eq!(month.to_string(), "2022-02");
        for wrong in ["2022-13", "2022", "2022-2", "2022-02-01", "二月"] {
            assert_eq!(wrong.parse::<Month>(), Err(MonthError), "{wrong}");
        }
    }

    #[test]
    fn a_month_has_its_own_days_and_no_others() {
        let month: Month = "2022-02".parse().unwrap();
        assert_eq!(month.days().count(), 28);
        assert_eq!(month.day(28), NaiveDate::from_ymd_opt(2022, 2, 28));
        assert_eq!((month.day(0), month.day(29)), (None, None));
    }
}
