//! The calendar's events. A calendar version counts these events, from 1.

use crate::ids::RegionCode;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A year's holidays and make-up days, as the State Council's notice gives them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarPublished {
    /// The year the notice is about.
    pub year: i32,
    /// Every day off in a holiday block, weekend days included.
    pub holidays: Vec<NaiveDate>,
    /// Weekend days worked (调休).
    pub workdays: Vec<NaiveDate>,
    /// The notice's number or title.
    pub notice: String,
    /// The day of publication.
    pub published_on: NaiveDate,
}

/// A change after publication: these days' nature is now as given, all others stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarAmended {
    /// Days that are now off.
    pub holidays: Vec<NaiveDate>,
    /// Days that are now worked.
    pub workdays: Vec<NaiveDate>,
    /// Only here; everywhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionCode>,
    /// The notice's number or title.
    pub notice: String,
    /// The day of publication.
    pub published_on: NaiveDate,
}
