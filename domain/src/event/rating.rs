//! 好差评: what is recorded of a rating and of the order that a bad one opens.

use crate::event::item::RatingStage;
use crate::ids::{CaseId, ItemId, OrganisationId, SourceName, StaffId, SubjectId, WindowId};
use crate::sealed::Sealed;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a rating is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "kebab-case")]
pub enum RatingSubject {
    /// A case 办件.
    Case(CaseId),
    /// A visit, by its queue ticket 号票.
    Ticket(String),
    /// An item 事项.
    Item(ItemId),
    /// A member of staff.
    Staff(StaffId),
    /// A hall.
    Hall(OrganisationId),
}

/// 满意度 (GB/T 39046 A.8), by name, because systems number it in opposite ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Satisfaction {
    /// 非常满意.
    VerySatisfied,
    /// 满意.
    Satisfied,
    /// 基本满意.
    Fair,
    /// 不满意.
    Dissatisfied,
    /// 非常不满意.
    VeryDissatisfied,
}

impl Satisfaction {
    /// Best first.
    pub const ALL: [Self; 5] =
        [Self::VerySatisfied, Self::Satisfied, Self::Fair, Self::Dissatisfied, Self::VeryDissatisfied];

    /// 差评: 不满意 or 非常不满意.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Dissatisfied | Self::VeryDissatisfied)
    }
}

/// How it came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RatingOrigin {
    /// 主动评价.
    Active,
    /// 默认评价: nobody said anything; a policy speaks.
    Default,
}

/// 评价渠道.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RatingChannel {
    /// PC端.
    Web,
    /// 移动服务端.
    Mobile,
    /// 二维码.
    QrCode,
    /// 政务大厅平板电脑.
    Tablet,
    /// 政务大厅其他终端.
    HallTerminal,
    /// 电话.
    Phone,
    /// 短信.
    Sms,
    /// None: a default rating.
    System,
}

/// The service that was rated, as far as statistics need it; taken from the rated stream when the rating was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatedService {
    /// Whose history.
    pub source: SourceName,
    /// For which item, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// At which hall.
    pub organisation: OrganisationId,
    /// At which window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowId>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<StaffId>,
    /// The day the service (or the stage) ended.
    #[serde(with = "crate::zone::day")]
    pub ended_on: NaiveDate,
    /// It is a visit that led to no case: a service of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub visit: bool,
}

/// One indicator's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndicatorChoice {
    /// Its id in the version of the indicators.
    pub indicator: String,
    /// The answer.
    pub level: Satisfaction,
}

/// A rating.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rated {
    /// About what.
    pub about: RatingSubject,
    /// At which stage.
    pub stage: RatingStage,
    /// 满意度.
    pub level: Satisfaction,
    /// Answers to the indicators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indicators: Vec<IndicatorChoice>,
    /// The version of the indicators.
    pub indicators_version: u16,
    /// 文字评价, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Sealed>,
    /// Through which channel.
    pub channel: RatingChannel,
    /// Given or supposed.
    pub origin: RatingOrigin,
    /// 实名.
    pub real_name: bool,
    /// Who, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rater: Option<SubjectId>,
    /// The service that was rated.
    pub service: RatedService,
    /// The last day on which this service could be rated.
    #[serde(with = "crate::zone::day")]
    pub window_ends: NaiveDate,
    /// The points it counts for under the policy then.
    pub score: u16,
    /// The policy version that said so.
    pub policy: u32,
    /// What signs of farmed ratings are looked for in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<RatingTrace>,
}

/// Who rated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RaterKind {
    /// 申请人, or whoever the ticket was given to.
    Applicant,
    /// 代理人.
    Agent,
    /// Whoever held the code of the receipt.
    CodeHolder,
    /// Somebody who works here.
    Staff,
    /// Anybody, of an item, a member of staff or a hall.
    Anybody,
    /// Nobody: a default rating.
    Nobody,
}

/// Where a rating came from, as far as it may be kept: nothing in it names anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingTrace {
    /// Who rated.
    pub by: RaterKind,
    /// Seconds from the end of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_after: Option<u32>,
    /// Keyed digest of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Keyed digest of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Keyed digest of the words, without blanks and punctuation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// 邀评: somebody was invited to rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingInvited {
    /// About what.
    pub about: RatingSubject,
    /// At which stage.
    pub stage: RatingStage,
    /// Which time, from 1.
    pub time: u16,
    /// On which day.
    pub on: NaiveDate,
    /// The service to be rated.
    pub service: RatedService,
    /// The last day on which it can be rated.
    pub window_ends: NaiveDate,
    /// The policy version that asked for it.
    pub policy: u32,
}

/// The same rater thought again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingRevised {
    /// What counted until now, in full, so that its contribution can be taken back.
    pub old: Box<Rated>,
    /// What counts from now on.
    pub new: Box<Rated>,
}

/// What verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// 属实.
    True,
    /// 误评.
    Mistaken,
    /// 恶意.
    Malicious,
    /// 不在职责范围.
    OutOfScope,
}

/// The rating does not count; it stays in the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingNotAdopted {
    /// The rating as it counted until now.
    pub rating: Box<Rated>,
    /// Why.
    pub verdict: Verdict,
    /// In words, sealed.
    pub reason: Sealed,
}

/// A bad rating opened an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRatingOpened {
    /// The rated service: whose order it is.
    pub service: RatedService,
    /// 实名: must be called back.
    pub real_name: bool,
    /// To be assigned by.
    #[serde(with = "crate::zone::day")]
    pub assign_due: NaiveDate,
}

/// Somebody answers for it (谁办理谁负责).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderAssigned {
    /// Which organisation.
    pub organisation: OrganisationId,
    /// Who; never the person complained about.
    pub staff: StaffId,
    /// To be verified by.
    #[serde(with = "crate::zone::day")]
    pub verify_due: NaiveDate,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderVerified {
    /// The finding.
    pub verdict: Verdict,
    /// In words, sealed.
    pub finding: Sealed,
    /// To be rectified by, where it was true.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub rectify_due: Option<NaiveDate>,
    /// To be answered by, where it was not: what is rectified first is answered by the date of the call-back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_due: Option<NaiveDate>,
    /// The service, whose statistics count it.
    pub service: RatedService,
}

/// 立行立改, 限期整改 or 解释说明.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rectification {
    /// 立行立改.
    AtOnce,
    /// 建台账限期整改.
    ByDate,
    /// 解释说明.
    Explained,
}

/// What was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRectified {
    /// How.
    pub how: Rectification,
    /// In words, sealed.
    pub measures: Sealed,
    /// Within its limit.
    pub in_time: bool,
    /// To be called back by.
    #[serde(with = "crate::zone::day")]
    pub call_back_due: NaiveDate,
    /// The service, whose statistics count it.
    pub service: RatedService,
}

/// The rater was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReplied {
    /// What, sealed.
    pub reply: Sealed,
    /// Within the limit.
    pub in_time: bool,
    /// To be called back by, where no rectification set a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_back_due: Option<NaiveDate>,
    /// The service, whose statistics count it.
    pub service: RatedService,
}

/// How a call-back went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallBackResult {
    /// 满意.
    Satisfied,
    /// 基本满意.
    Fair,
    /// 不满意.
    Dissatisfied,
    /// Nobody answered.
    NotReached,
}

/// A call-back, reached or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCalledBack {
    /// How it went.
    pub result: CallBackResult,
    /// Which attempt, from 1.
    pub attempt: u16,
    /// In words, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Sealed>,
    /// The service, whose statistics count it.
    pub service: RatedService,
}

/// The staff concerned disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderAppealed {
    /// Why, sealed.
    pub grounds: Sealed,
    /// To be reviewed by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_due: Option<NaiveDate>,
}

/// Somebody else looked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppealReviewed {
    /// The appeal was right.
    pub upheld: bool,
    /// The finding that now holds.
    pub verdict: Verdict,
    /// To be rectified by, where it is true only now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rectify_due: Option<NaiveDate>,
    /// In words, sealed.
    pub reason: Sealed,
    /// The service, whose statistics count it.
    pub service: RatedService,
}

/// The order is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderClosed {
    /// After a call-back that reached the rater; else after three that did not, or the rater gave no name.
    pub reached: bool,
    /// The service, whose statistics count it.
    pub service: RatedService,
}
