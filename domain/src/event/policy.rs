//! The rules in force, as one versioned record: whatever no law fixes is data here, never a constant in code.

use crate::clock::DayUnit;
use crate::event::case::Anomaly;
use crate::event::ticket::PriorityGround;
use crate::ids::{CertificateKind, ItemId, MaterialCode};
use crate::sealed::AgeBand;
use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

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
    /// A rating may come within this many days after the service.
    pub rating_days: u16,
    /// Of which kind these days are.
    #[serde(default = "working", skip_serializing_if = "is_working")]
    pub rating_unit: DayUnit,
    /// Whether raters are invited, and how often; nobody is where a policy says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitations: Option<InvitationRules>,
    /// What makes ratings look farmed (刷好评).
    #[serde(default, skip_serializing_if = "SignRules::is_default")]
    pub rating_signs: SignRules,
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
    /// 评价指标: those of that version; where none are listed, none are known to be wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indicators: Vec<IndicatorRule>,
    /// Figures of fewer than this many ratings are not published.
    pub small_cell: u32,
    /// 证照目录: the kinds of certificates, which papers each stands for, and which items make it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateRule>,
    /// What residents can count on at halls; what the city pinned where a version says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standards: Option<Standards>,
    /// Which marks are a card for the person they concern.
    #[serde(default, skip_serializing_if = "CardRules::is_default")]
    pub cards: CardRules,
    /// Queues of halls, and appointments.
    #[serde(default, skip_serializing_if = "HallRules::are_pinned")]
    pub hall: HallRules,
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

/// 黄牌 and 红牌: which marks amount to a card for the person they concern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRules {
    /// 黄牌.
    pub yellow: Vec<Anomaly>,
    /// 红牌.
    pub red: Vec<Anomaly>,
}

impl CardRules {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What holds where a policy says nothing of cards.
impl Default for CardRules {
    fn default() -> Self {
        let yellow = vec![
            Anomaly::LateReceipt,
            Anomaly::LateAcceptance,
            Anomaly::SecondNotice,
            Anomaly::LateNotice,
            Anomaly::StepOverBudget,
            Anomaly::OverPromise,
            Anomaly::DenialWithoutRemedy,
            Anomaly::LateEntry,
        ];
        let red = vec![
            Anomaly::HiddenRefusal,
            Anomaly::DeemedAcceptance,
            Anomaly::OverStatute,
            Anomaly::DenialWithoutReason,
            Anomaly::OutsideAuthority,
            Anomaly::ResultWithoutDecision,
            Anomaly::StaffWithdrawal,
        ];
        Self { yellow, red }
    }
}

/// One indicator 评价指标.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndicatorRule {
    /// Its id, by which ratings answer to it.
    pub indicator: String,
    /// 指标名称.
    pub name_zh: String,
    /// Its English name.
    pub name_en: String,
}

/// One kind of certificate 证照类型.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRule {
    /// Its code.
    pub kind: CertificateKind,
    /// 证照名称.
    pub name_zh: String,
    /// Its English name.
    pub name_en: String,
    /// The materials for which it stands.
    pub stands_for: Vec<MaterialCode>,
    /// The items whose result it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made_by: Vec<ItemId>,
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
    /// To review an appeal.
    #[serde(default = "five", skip_serializing_if = "is_five")]
    pub review: u16,
}

fn five() -> u16 {
    5
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_five(days: &u16) -> bool {
    *days == five()
}

fn working() -> DayUnit {
    DayUnit::Working
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_working(unit: &DayUnit) -> bool {
    *unit == DayUnit::Working
}

/// 邀评: raters are invited when the service ended, and again while they say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationRules {
    /// Invitations for one service, the first included.
    pub times_max: u16,
    /// Natural days from one to the next.
    pub again_after_days: u16,
}

/// Thresholds of the signs of farmed ratings: signs are looked at, never a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignRules {
    /// Ratings of one day from one device, one network or one person.
    pub same_source_per_day: u32,
    /// A rating fewer seconds than this after the end of the service.
    pub too_fast_seconds: u16,
    /// Ratings within this many seconds after the end of the service …
    pub quick_seconds: u16,
    /// … where more than this share of a window's ratings are, in percent.
    pub quick_percent: u16,
    /// Identical texts in one month at one hall.
    pub same_text_per_month: u32,
    /// The last days of a month …
    pub month_end_days: u16,
    /// … where more than this share of a month's ratings came, in percent.
    pub month_end_percent: u16,
    /// 非常满意 rose by more than this share, in percent points, from a week with a bad rating to the next.
    pub jump_percent: u16,
    /// More than this share of ratings came from the hall's own tablets and none by text message, in percent.
    pub tablet_percent: u16,
    /// A share of fewer ratings than this says nothing.
    pub ratings_min: u32,
}

impl SignRules {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What holds where a policy says nothing of signs.
impl Default for SignRules {
    fn default() -> Self {
        Self {
            same_source_per_day: 5,
            too_fast_seconds: 10,
            quick_seconds: 30,
            quick_percent: 95,
            same_text_per_month: 5,
            month_end_days: 3,
            month_end_percent: 50,
            jump_percent: 20,
            tablet_percent: 90,
            ratings_min: 10,
        }
    }
}

/// How halls give and call tickets 取号叫号, and book slots 预约.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HallRules {
    /// Tickets are given from this many minutes before a hall opens.
    pub tickets_before_opening_minutes: u16,
    /// What a visit takes, until the day has shown it.
    pub expected_service_minutes: u16,
    /// Calls before a number counts as missed 过号.
    pub calls_before_missed: u16,
    /// From which age on one goes ahead as elderly.
    pub elderly_from: AgeBand,
    /// By how many minutes of waiting one goes ahead; who is not named here does not.
    pub priority_minutes: BTreeMap<PriorityGround, u16>,
    /// By how many minutes an appointment goes ahead of walk-ins, counted from its slot.
    pub appointment_head_start_minutes: u16,
    /// When a queue has become too long.
    pub warnings: Vec<HallThreshold>,
    /// How long a slot is.
    pub slot_minutes: u16,
    /// Which share of a window's time is given to appointments.
    pub slot_share_percent: u16,
    /// How many days ahead one may book.
    pub book_days_ahead: u16,
    /// Slots that one person may hold in one hall on one day.
    pub bookings_per_person_and_day: u16,
    /// An appointment may check in from this long before its slot …
    pub check_in_before_minutes: u16,
    /// … until this long after it; then it is missed 爽约.
    pub check_in_after_minutes: u16,
}

/// A threshold of a queue: crossed while everything that it states is exceeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HallThreshold {
    /// Its name, under which warnings are raised.
    pub name: String,
    /// More people wait than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_over: Option<u16>,
    /// They have waited longer than this on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_wait_over_minutes: Option<u16>,
    /// One of them has waited longer than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_wait_over_minutes: Option<u16>,
    /// While it is crossed, a window with nobody of its own to call helps the others out.
    #[serde(default)]
    pub cross_window_help: bool,
}

/// What holds where a policy says nothing of halls.
static PINNED: LazyLock<HallRules> = LazyLock::new(pinned);

#[expect(clippy::expect_used, reason = "the text is part of the program; a test reads it")]
fn pinned() -> HallRules {
    serde_json::from_str(include_str!("../../data/hall_rules.json")).expect("data/hall_rules.json holds hall rules")
}

impl Default for HallRules {
    fn default() -> Self {
        PINNED.clone()
    }
}

impl HallRules {
    fn are_pinned(&self) -> bool {
        *self == *PINNED
    }
}
