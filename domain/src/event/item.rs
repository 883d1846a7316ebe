//! Service items in versions. A case is judged for life by the version it was submitted under.

use crate::clock::Limit;
use crate::ids::{ItemId, MaterialCode, SituationCode, StepCode};
use crate::sealed::PartyKind;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

mod elements;
pub use elements::{ElectronicForm, Fee, Question, Situation, Wording};

/// A version of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemPublished {
    /// The item.
    pub item: ItemId,
    /// Counts versions, from 1, without gaps.
    pub version: u32,
    /// The first day on which one may apply under it.
    pub valid_from: NaiveDate,
    /// The last such day, where one is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<NaiveDate>,
    /// Its elements.
    pub definition: ItemDefinition,
}

/// The item can no longer be applied for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemWithdrawn {
    /// The item.
    pub item: ItemId,
    /// The last day on which one may apply.
    pub last_day: NaiveDate,
    /// The instrument that withdrew it.
    pub basis: String,
}

/// 即办件, 承诺件 or other (GB/T 39046 A.6; stored by name, because systems number them in opposite ways).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseKind {
    /// 即办件: on the spot or the same day.
    Instant,
    /// 承诺件: within a promised limit.
    Promise,
    /// 其他.
    Other,
}

/// By what right an organisation decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// 法定本级行使.
    OwnStatutory,
    /// 赋权: decides in its own name.
    Empowered,
    /// 委托: decides in the delegating organ's name.
    Entrusted,
    /// 受理转报: takes in and sends up.
    Forward,
    /// 村级直接办理.
    VillageSelf,
}

/// Levels of government.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// 村 (社区).
    Village,
    /// 乡镇 (街道).
    Township,
    /// 县 (市、区).
    County,
    /// 市.
    City,
}

impl Level {
    /// From the nearest to the farthest.
    pub const ALL: [Self; 4] = [Self::Village, Self::Township, Self::County, Self::City];
}

/// Which moment stops the promised clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockStop {
    /// 决定.
    Decision,
    /// 办结 (出件章).
    Finish,
}

/// How a paper need not be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// Built by the system from the form.
    Generated,
    /// 电子证照.
    ECert,
    /// 数据共享核验.
    DataShare,
    /// 告知承诺.
    Commitment,
    /// 部门内部核验: must not be asked of the applicant.
    Internal,
    /// Partly; the original may be needed.
    Partial,
    /// Must be submitted.
    None,
}

/// One material of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterialRequirement {
    /// Its code.
    pub code: MaterialCode,
    /// 材料名称.
    pub name_zh: String,
    /// Its English name.
    pub name_en: String,
    /// Needed in every situation.
    pub required: bool,
    /// Needed in this situation of the item only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub situation: Option<SituationCode>,
    /// 可容缺: a case may be accepted without it, against a promise to bring it.
    #[serde(default)]
    pub tolerant: bool,
    /// How it need not be asked for.
    pub replaceable_by: Replacement,
    /// How exactly, for residents.
    #[serde(default)]
    pub replacement_zh: String,
    /// 出具机构: where one gets it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub issuer_zh: String,
    /// 原件份数, to be shown where it is not replaced.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub originals: u8,
    /// 复印件份数, to be left where it is not replaced.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub copies: u8,
    /// 办理说明.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note_zh: String,
}

impl MaterialRequirement {
    /// Returns whether it is needed where these situations hold.
    #[must_use]
    pub fn is_needed_in(&self, situations: &BTreeSet<SituationCode>) -> bool {
        self.required || self.situation.as_ref().is_some_and(|situation| situations.contains(situation))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_zero(count: &u8) -> bool {
    *count == 0
}

/// A special procedure the item allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecialProcedureRule {
    /// 名称; also its name in commands.
    pub name_zh: String,
    /// Its English name.
    pub name_en: String,
    /// How long it usually takes, and may be stated to take.
    pub limit: Limit,
    /// The promised clock stops meanwhile.
    pub stops_promised: bool,
    /// The legal clock stops meanwhile.
    pub stops_legal: bool,
    /// The legal basis of stopping it (行政许可法 Art. 45), where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
}

/// A step 环节 of the item's own model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRule {
    /// Its code, unique in the item version.
    pub code: StepCode,
    /// 环节名称.
    pub name_zh: String,
    /// Its English name.
    pub name_en: String,
    /// Its budget, in working days.
    pub budget_days: u16,
    /// It lies before acceptance, so no clock runs yet.
    pub before_acceptance: bool,
}

/// A stage at which the applicant is asked for a rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RatingStage {
    /// 受理.
    Accept,
    /// 办结.
    Finish,
}

/// The elements of an implementation list 实施清单 that rules or residents need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemDefinition {
    /// 事项名称.
    pub name_zh: String,
    /// Its English name.
    pub name_en: String,
    /// 别名: what residents call it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// 主管部门.
    pub department_zh: String,
    /// Its English name.
    pub department_en: String,
    /// GB/T 39046 A.1: `01` licence, `05` payment, `07` confirmation, `20` public service …
    pub item_type: String,
    /// 基本编码, opaque.
    pub basic_code: String,
    /// 设定依据.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legal_basis: Vec<String>,
    /// 联办部门.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joint_departments: Vec<String>,
    /// Who may apply (GB/T 39046 A.4); nobody named: anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applicant_kinds: Vec<PartyKind>,
    /// 受理条件, all of which must be met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Wording>,
    /// 办件类型.
    pub kind: CaseKind,
    /// 法定办结时限; absent where no law sets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_limit: Option<Limit>,
    /// 承诺办结时限; never longer than the legal one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_limit: Option<Limit>,
    /// Which batch brought it to the townships: 1, 2, or 3 for the village extension.
    pub batch: u8,
    /// Where one may apply.
    pub intake_levels: Vec<Level>,
    /// Where it is decided.
    pub decided_at: Level,
    /// By what right.
    pub authority: Authority,
    /// 跨乡镇: one may apply in any township.
    pub cross_township: bool,
    /// 免证办.
    pub certificate_free: bool,
    /// 办理情形: in which some materials are needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub situations: Vec<Situation>,
    /// 材料.
    pub materials: Vec<MaterialRequirement>,
    /// 电子表单.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<ElectronicForm>,
    /// 特别程序.
    pub special_procedures: Vec<SpecialProcedureRule>,
    /// 环节, in order.
    pub steps: Vec<StepRule>,
    /// 评价点.
    pub rating_stages: Vec<RatingStage>,
    /// 办理结果.
    pub result_zh: String,
    /// What stops the promised clock.
    pub clock_stop: ClockStop,
    /// 视为受理 where no notice was given in time (行政许可法 Art. 32(4)).
    pub deemed_acceptance: bool,
    /// 延期, at most this many working days (Art. 42); absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension_days_max: Option<u16>,
    /// 送达 within this many working days of the decision (Art. 44); absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_days: Option<u16>,
    /// A notice may set a date for supplements this many working days ahead; absent: it never lapses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplement_days: Option<u16>,
    /// The item's law lets a notice during review pause the promised clock.
    pub review_notice_pauses: bool,
    /// Acceptor and decider may be one person.
    pub same_person_allowed: bool,
    /// 告知承诺 is possible.
    pub commitment_allowed: bool,
    /// 预约.
    pub appointment: bool,
    /// The first day of it, where it is later than the version's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment_since: Option<NaiveDate>,
    /// 延时服务.
    pub after_hours: bool,
    /// The first day of it, where it is later than the version's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_hours_since: Option<NaiveDate>,
    /// 网上可办.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub online: bool,
    /// 物流快递: the result may be sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_post: bool,
    /// 到办事现场次数: how often one must come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visits: Option<u8>,
    /// 收费; free where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// 咨询电话.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inquiry_phone: Option<String>,
    /// 监督投诉电话.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complaint_phone: Option<String>,
    /// 常见问题.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// How long the file is kept: `10-years`, `30-years`, `permanent`.
    pub retention: String,
    /// Where these rules come from.
    pub rules_source: String,
}

impl ItemDefinition {
    /// Tells whether somebody of this kind may apply.
    #[must_use]
    pub fn is_for(&self, kind: PartyKind) -> bool {
        self.applicant_kinds.is_empty() || self.applicant_kinds.contains(&kind)
    }

    /// Returns whether one may come by appointment on this day.
    #[must_use]
    pub fn takes_appointments(&self, day: NaiveDate) -> bool {
        self.appointment && self.appointment_since.is_none_or(|since| since <= day)
    }

    /// Returns whether it is served after hours on this day.
    #[must_use]
    pub fn is_served_after_hours(&self, day: NaiveDate) -> bool {
        self.after_hours && self.after_hours_since.is_none_or(|since| since <= day)
    }
}
