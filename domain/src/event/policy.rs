//! The rules in force, as one versioned record: whatever no law fixes is data here, never a constant in code.

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

/// A version of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPublished {
    /// Counts versions, from 1, without gaps.
    pub version: u32,
    /// The first day on which it holds.
    pub valid_from: NaiveDate,
    /// The day of publication.
    pub published_on: NaiveDate,
    /// The rules.
    pub rules: PolicyRules,
}

/// How the days of a pause are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FreezeConvention {
    /// First and last day of the pause are both not counted.
    BothEndsInclusive,
    /// The last day of the pause counts again.
    HalfOpen,
}

/// What is published for a rating never given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefaultRating {
    /// Nothing.
    None,
    /// 基本满意.
    Fair,
    /// 非常满意.
    VerySatisfied,
}

/// The rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRules {
    /// 黄灯 when at most this many working days remain.
    pub yellow_remaining_days: u16,
    /// 黄灯 also when at most this share of the limit remains, in percent …
    pub yellow_remaining_percent: u16,
    /// … for limits of at least this many days.
    pub yellow_percent_from_limit: u16,
    /// No 黄灯 where the limit itself is at most this many days.
    pub no_yellow_up_to_limit: u16,
    /// Days of a pause.
    pub freeze: FreezeConvention,
    /// The one-time notice is due within this many working days of receipt.
    pub notice_days: u16,
    /// An extension of the legal limit also moves the promised one.
    pub extension_moves_promise: bool,
    /// A pause opened with at most this many working days left is marked.
    pub late_pause_days: u16,
    /// A withdrawal with at most this many working days left is marked.
    pub late_withdrawal_days: u16,
    /// Keyed in later than this many natural days is marked (先办后录).
    pub late_entry_days: u16,
    /// A rating may come within this many working days after the service.
    pub rating_days: u16,
    /// What a rating never given counts as.
    pub default_rating: DefaultRating,
    /// Points for 非常满意、满意、基本满意、不满意、非常不满意.
    pub scores: [u16; 5],
    /// Working days to take a bad-rating order on, to verify, to rectify, to call back.
    pub order_days: OrderDays,
    /// Hall hours end, for the promised limit.
    pub closing_time: NaiveTime,
    /// The current version of the rating indicators.
    pub indicators_version: u16,
    /// Figures of fewer than this many ratings are not published.
    pub small_cell: u32,
    /// What residents can count on at halls; what the city pinned where a version says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standards: Option<Standards>,
}

impl PolicyRules {
    /// Returns what residents can count on at halls.
    #[must_use]
    pub fn standards(&self) -> Standards {
        self.standards.unwrap_or(Standards::PINNED)
    }
}

/// What residents can count on at halls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standards {
    /// Full-time staff at a township's 社会救助窗口, one of whom holds the post of the Party member.
    pub assistance_staff: u16,
    /// 服务圈 in town: a centre or station within so many minutes.
    pub town_minutes: u16,
    /// 服务圈 in the country.
    pub country_minutes: u16,
}

impl Standards {
    /// As the city announced them.
    pub const PINNED: Self = Self { assistance_staff: 2, town_minutes: 10, country_minutes: 30 };
}

/// Limits of a bad-rating order, in working days, each counted from the step before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDays {
    /// To assign.
    pub assign: u16,
    /// To verify.
    pub verify: u16,
    /// To rectify.
    pub rectify: u16,
    /// To call back.
    pub call_back: u16,
}
