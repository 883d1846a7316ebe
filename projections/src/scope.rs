//! What a question to the statistics is limited to: a period, a source, an organisation and the rule by which a case
//! belongs to it.

use crate::gather::Wanted;
use crate::names::{Code, Names};
use chrono::NaiveDate;
use domain::ids::{OrganisationId, SourceName};
pub use domain::month::{Month, MonthError};
use domain::organisation::Organisations;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Returns an organisation and all those under it; one that the tree does not know stands for itself.
pub(crate) fn within<'a>(
    root: Option<&'a OrganisationId>,
    organisations: &'a Organisations,
) -> Option<BTreeSet<&'a OrganisationId>> {
    root.map(|root| organisations.subtree(root).chain([root]).collect())
}

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

    /// Returns which of these histories count.
    pub(crate) fn among(&self, names: &Names<SourceName>) -> Wanted {
        Wanted::only(names.count(), names.iter().filter(|(_, name)| self.contains(name)).map(|(code, _)| code))
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
    /// Where it was handled: where the work was done, whoever took it in.
    Handling,
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

/// The codes of an organisation and all those under it; everything if no organisation is named.
pub(crate) enum Subtree {
    Everything,
    Only(Wanted),
}

impl Subtree {
    pub(crate) fn of(
        root: Option<&OrganisationId>,
        organisations: &Organisations,
        names: &Names<OrganisationId>,
    ) -> Self {
        let Some(root) = root else { return Self::Everything };
        // An organisation that the tree does not know stands for itself.
        let codes = organisations.subtree(root).chain([root]).filter_map(|id| names.find(id));
        Self::Only(Wanted::only(names.count(), codes))
    }

    pub(crate) fn contains(&self, code: Code) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(wanted) => wanted.contains(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
