//! What a question to the statistics is limited to: a period, a source, an organisation and the rule by which a case
//! belongs to it.

use crate::names::{Code, Names};
use chrono::{Datelike, NaiveDate};
use domain::ids::{OrganisationId, SourceName};
use domain::organisation::Organisations;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The name of the city's own history, beside those of legacy systems.
pub const OWN: &str = "own";

/// Whose histories a figure counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// The city's own (`own`).
    #[default]
    Own,
    /// Every history there is (`all`).
    All,
    /// One legacy system's, by its name.
    Named(SourceName),
}

impl Source {
    /// Returns whether a history of this name counts.
    #[must_use]
    pub fn contains(&self, name: &SourceName) -> bool {
        match self {
            Self::Own => name.as_str() == OWN,
            Self::All => true,
            Self::Named(wanted) => wanted == name,
        }
    }
}

impl TryFrom<String> for Source {
    type Error = domain::ids::IdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            OWN => Ok(Self::Own),
            "all" => Ok(Self::All),
            _ => SourceName::try_from(text).map(Self::Named),
        }
    }
}

impl FromStr for Source {
    type Err = domain::ids::IdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str(OWN),
            Self::All => f.write_str("all"),
            Self::Named(name) => name.fmt(f),
        }
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

/// By which of its organisations a case is counted. A county's figure under one rule is never added to one under another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attribution {
    /// Where it was taken in: for the quality of acceptance.
    Intake,
    /// Where it was decided: for time.
    #[default]
    Deciding,
    /// Where it was handed out: for delivery.
    Delivering,
}

/// Days from the first to before the last: half-open, as every `from` and `to` of the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first day.
    pub from: NaiveDate,
    /// The first day after it.
    pub to: NaiveDate,
}

impl Period {
    /// Returns whether the day lies in it.
    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.from <= day && day < self.to
    }
}

/// A calendar month, in Fuzhou.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// The codes of an organisation and all those under it; everything if no organisation is named.
pub(crate) enum Subtree {
    Everything,
    Only(BTreeSet<Code>),
}

impl Subtree {
    pub(crate) fn of(
        root: Option<&OrganisationId>,
        organisations: &Organisations,
        names: &Names<OrganisationId>,
    ) -> Self {
        let Some(root) = root else { return Self::Everything };
        let mut codes: BTreeSet<Code> = organisations.subtree(root).filter_map(|id| names.find(id)).collect();
        // An organisation that the tree does not know stands for itself.
        codes.extend(names.find(root));
        Self::Only(codes)
    }

    pub(crate) fn contains(&self, code: Code) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(codes) => codes.contains(&code),
        }
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
    fn own_figures_leave_imported_histories_out() {
        let legacy: SourceName = "bpic15".parse().unwrap();
        let own: SourceName = OWN.parse().unwrap();
        assert!(Source::Own.contains(&own) && !Source::Own.contains(&legacy));
        assert!(Source::All.contains(&own) && Source::All.contains(&legacy));
        let named: Source = "bpic15".parse().unwrap();
        assert!(named.contains(&legacy) && !named.contains(&own));
    }
}
