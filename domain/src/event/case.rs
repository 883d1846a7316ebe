//! What is recorded of a case. Whatever a decision computed stands in its event, so that a later fold needs nothing else.

use crate::actor::Channel;
use crate::clock::{Clocks, Deadline, Limit};
use crate::event::instrument::InstrumentRef;
use crate::event::item::{Authority, CaseKind};
use crate::ids::{
    CaseId, EventId, ExternalNumber, ItemId, MaterialCode, OrganisationId, PaperId, RegionCode, SituationCode,
    SourceName, StaffId, StepCode, WindowId,
};
use crate::sealed::{Party, Sealed};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// 办结方式: how a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingKind {
    /// 准予办结.
    Granted,
    /// 不予办结.
    Denied,
    /// 即时告知不受理.
    NotRequired,
    /// 不予受理.
    RefusedIntake,
    /// 撤回.
    Withdrawn,
    /// 退件.
    Returned,
    /// 逾期未补正.
    SupplementLapsed,
    /// 异常终止.
    Aborted,
    /// Duplicate, merged into another.
    Merged,
}

impl ClosingKind {
    /// In the order of the reference.
    pub const ALL: [Self; 9] = [
        Self::Granted,
        Self::Denied,
        Self::NotRequired,
        Self::RefusedIntake,
        Self::Withdrawn,
        Self::Returned,
        Self::SupplementLapsed,
        Self::Aborted,
        Self::Merged,
    ];
}

/// A wrong path: recorded because it happened, marked because somebody must look. Never a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anomaly {
    /// 退件 after 收件: a refusal without its written form.
    HiddenRefusal,
    /// A second notice: the first did not name everything.
    SecondNotice,
    /// A notice after its five days.
    LateNotice,
    /// A notice during review that the item's law does not know.
    ReviewNoticeWithoutBasis,
    /// A special procedure opened on the last days.
    LatePause,
    /// A special procedure that stops the legal clock without a basis in Art. 45, or one the item does not list.
    PauseWithoutBasis,
    /// A special procedure without the written notice to the applicant.
    PauseWithoutNotice,
    /// A special procedure that ran longer than stated.
    PauseOverLimit,
    /// A withdrawal that staff recorded for the applicant.
    StaffWithdrawal,
    /// A withdrawal shortly before the deadline.
    LateWithdrawal,
    /// One person accepted and decided, where the item allows it.
    SamePerson,
    /// 先办后录: keyed in days after it happened.
    LateEntry,
    /// Decided by an organisation that the item version does not name.
    OutsideAuthority,
    /// A refusal without its reason.
    DenialWithoutReason,
    /// A refusal that does not tell of 复议 and 诉讼.
    DenialWithoutRemedy,
    /// 环节超时: a step over its budget.
    StepOverBudget,
    /// 送达 after its limit.
    LateDelivery,
    /// The same person has an open case for the same item elsewhere.
    DuplicateApplication,
    /// An instant case that was not finished on its day.
    InstantOverMidnight,
    /// A result whose case was never decided on the record.
    ResultWithoutDecision,
    /// 视为受理: nobody gave a notice in time, and the law accepted the case.
    DeemedAcceptance,
    /// 收件 only after the days in which a notice would have been due: no clock ran meanwhile.
    LateReceipt,
    /// 受理 only after the days in which a notice was due.
    LateAcceptance,
    /// 超承诺时限: past the promise when its clock stopped.
    OverPromise,
    /// 超法定时限: past the legal limit when its clock stopped.
    OverStatute,
    /// In time under the law only because pauses were not counted.
    InTimeByPauses,
    /// 准予, and a result is to be made, but none was when the case was closed.
    FinishedWithoutResult,
}

impl Anomaly {
    /// Every kind, in the order of a case's life.
    pub const ALL: [Self; 27] = [
        Self::DuplicateApplication,
        Self::LateReceipt,
        Self::SecondNotice,
        Self::LateNotice,
        Self::ReviewNoticeWithoutBasis,
        Self::LateAcceptance,
        Self::DeemedAcceptance,
        Self::StepOverBudget,
        Self::LatePause,
        Self::PauseWithoutBasis,
        Self::PauseWithoutNotice,
        Self::PauseOverLimit,
        Self::SamePerson,
        Self::OutsideAuthority,
        Self::DenialWithoutReason,
        Self::DenialWithoutRemedy,
        Self::OverPromise,
        Self::OverStatute,
        Self::InTimeByPauses,
        Self::ResultWithoutDecision,
        Self::FinishedWithoutResult,
        Self::InstantOverMidnight,
        Self::LateDelivery,
        Self::StaffWithdrawal,
        Self::LateWithdrawal,
        Self::HiddenRefusal,
        Self::LateEntry,
    ];

    /// Returns the name used in the log and in questions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.names()[0]
    }

    /// Returns what it is called in Chinese.
    #[must_use]
    pub fn label_zh(self) -> &'static str {
        self.names()[1]
    }

    /// Returns what it is called in English.
    #[must_use]
    pub fn label_en(self) -> &'static str {
        self.names()[2]
    }

    #[rustfmt::skip]
    fn names(self) -> [&'static str; 3] {
        match self {
            Self::HiddenRefusal => ["hidden-refusal", "收件后退件", "Returned after receipt"],
            Self::SecondNotice => ["second-notice", "二次补正", "A second notice"],
            Self::LateNotice => ["late-notice", "逾期告知", "A notice after its days"],
            Self::ReviewNoticeWithoutBasis => ["review-notice-without-basis", "审查阶段补正无依据", "A notice during review without basis"],
            Self::LatePause => ["late-pause", "临期启动特别程序", "A special procedure opened on the last days"],
            Self::PauseWithoutBasis => ["pause-without-basis", "特别程序无依据", "A special procedure without basis"],
            Self::PauseWithoutNotice => ["pause-without-notice", "特别程序未书面告知", "A special procedure without written notice"],
            Self::PauseOverLimit => ["pause-over-limit", "特别程序超期", "A special procedure over its stated limit"],
            Self::StaffWithdrawal => ["staff-withdrawal", "工作人员代撤件", "A withdrawal recorded by staff without proof"],
            Self::LateWithdrawal => ["late-withdrawal", "临期撤件", "A withdrawal shortly before the deadline"],
            Self::SamePerson => ["same-person", "受审未分离", "One person accepted and decided"],
            Self::LateEntry => ["late-entry", "先办后录", "Keyed in days after it happened"],
            Self::OutsideAuthority => ["outside-authority", "超越权限决定", "Decided outside its authority"],
            Self::DenialWithoutReason => ["denial-without-reason", "不予决定未说明理由", "A refusal without its reason"],
            Self::DenialWithoutRemedy => ["denial-without-remedy", "不予决定未告知救济途径", "A refusal without its remedies"],
            Self::StepOverBudget => ["step-over-budget", "环节超时", "A step over its budget"],
            Self::LateDelivery => ["late-delivery", "逾期送达", "Delivered late"],
            Self::DuplicateApplication => ["duplicate-application", "重复申请", "A duplicate application"],
            Self::InstantOverMidnight => ["instant-over-midnight", "即办件未当日办结", "An instant case not finished on its day"],
            Self::ResultWithoutDecision => ["result-without-decision", "无决定先出证", "A result without a decision"],
            Self::DeemedAcceptance => ["deemed-acceptance", "视为受理", "Accepted by silence"],
            Self::LateReceipt => ["late-receipt", "迟延收件", "Received late"],
            Self::LateAcceptance => ["late-acceptance", "迟延受理", "Accepted late"],
            Self::OverPromise => ["over-promise", "超承诺时限", "Over the promised limit"],
            Self::OverStatute => ["over-statute", "超法定时限", "Over the legal limit"],
            Self::InTimeByPauses => ["in-time-by-pauses", "扣除暂停后方未超法定时限", "In time by its pauses only"],
            Self::FinishedWithoutResult => ["finished-without-result", "办结未制证", "Finished without its result"],
        }
    }
}

/// How a material was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presented {
    /// 原件.
    Original,
    /// 复印件.
    Copy,
    /// An uploaded file.
    Upload,
    /// 电子证照.
    ECert,
    /// 数据共享.
    DataShare,
    /// 告知承诺.
    Commitment,
    /// Built by the system.
    Generated,
}

/// Trust level of an electronic material (国办函〔2016〕108号).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TrustLevel {
    /// Made by the issuer, usable directly.
    A,
    /// Verified at a window against the original, reusable.
    B,
    /// Uploaded by the user; the original must still be checked.
    C,
    /// Made by the user, with a promise.
    D,
}

/// A material as it lay before the clerk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterialPresented {
    /// Which of the item's materials.
    pub code: MaterialCode,
    /// How.
    pub how: Presented,
    /// The stored paper, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<PaperId>,
}

/// A printed document: its number, and the hash of its bytes where they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRef {
    /// 文书编号.
    pub number: ExternalNumber,
    /// SHA-256 of its bytes, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// How a document was printed here: what its bytes follow from, besides the case before the act and the act itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// The version of the template.
    pub template: u32,
    /// The position of the last fact in the reference data that it was written from.
    pub reference: u64,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
}

/// How a case ended, with everything statistics need, so that no fold looks anything up later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// 办结方式.
    pub kind: ClosingKind,
    /// Whose history.
    pub source: SourceName,
    /// 事项.
    pub item: ItemId,
    /// Its version.
    pub item_version: u32,
    /// By what right it was to be decided.
    pub authority: Authority,
    /// 即办件 or 承诺件.
    pub case_kind: CaseKind,
    /// Where it was taken in.
    pub intake: OrganisationId,
    /// Where its materials were registered, if that is another hall than the one that took it in: it serves, and is rated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<OrganisationId>,
    /// Where it was handled, if that is another organisation than the one that took it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<OrganisationId>,
    /// Where it was decided (or would have been).
    pub deciding: OrganisationId,
    /// Where it was handed out (or would have been).
    pub delivering: OrganisationId,
    /// Who took it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clerk: Option<StaffId>,
    /// At which window its materials were registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowId>,
    /// Who decided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<StaffId>,
    /// 申请人行政区划.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionCode>,
    /// The day of application.
    #[serde(with = "crate::zone::day")]
    pub submitted_on: NaiveDate,
    /// 受理之日, where it was accepted.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub accepted_on: Option<NaiveDate>,
    /// 决定之日, where it was decided.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub decided_on: Option<NaiveDate>,
    /// 办结之日.
    #[serde(with = "crate::zone::day")]
    pub closed_on: NaiveDate,
    /// The day on which closing was recorded.
    #[serde(with = "crate::zone::day")]
    pub recorded_on: NaiveDate,
    /// The moment that counts for the promised limit: decision or closing, as the item says.
    #[serde(with = "crate::zone::day")]
    pub promise_stopped_on: NaiveDate,
    /// The last day in time under the promise, where there is one.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub promised_by: Option<NaiveDate>,
    /// The last day in time under the law, where there is one.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub legal_by: Option<NaiveDate>,
    /// The promised limit, in days as published, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_days: Option<u16>,
    /// The legal limit, in days as published, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_days: Option<u16>,
    /// Working days from acceptance to closing net of lawful pauses; absent where it was never accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_days: Option<u16>,
    /// Natural days from application to closing: what the applicant feels.
    pub gross_days: u16,
    /// Working days from receipt to acceptance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance_lag_days: Option<u16>,
    /// Working days that pauses hid.
    #[serde(default)]
    pub paused_days: u16,
    /// Applied for in another township than the one that handled it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cross_township: bool,
    /// No paper certificate was handed in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paperless: bool,
}

impl Closing {
    /// Returns where it was handled. Of a case across townships whose record does not say, the decision's place is the
    /// nearest that is known.
    #[must_use]
    pub fn handled_at(&self) -> &OrganisationId {
        let unsaid = if self.cross_township { &self.deciding } else { &self.intake };
        self.handling.as_ref().unwrap_or(unsaid)
    }
}

/// How consent to being helped was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentGiven {
    /// 书面签字.
    #[default]
    Signed,
    /// 按手印, by somebody who cannot write.
    Fingerprint,
    /// 电子签名.
    Electronic,
    /// 录音录像.
    Recorded,
}

impl ConsentGiven {
    /// The usual way is not said.
    fn is_signed(&self) -> bool {
        *self == Self::Signed
    }
}

/// What a helper may do for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HelpScope {
    /// 代为申请.
    Apply,
    /// 代为补正、提交材料.
    Supplement,
    /// 代为撤回.
    Withdraw,
    /// 代领并转交结果.
    HandOver,
}

/// The applicant's consent to being helped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// 同意书编号.
    pub number: ExternalNumber,
    /// SHA-256 of its bytes, lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// How it was given.
    #[serde(default, skip_serializing_if = "ConsentGiven::is_signed")]
    pub how: ConsentGiven,
    /// When; with the application where nothing is said.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub given_on: Option<NaiveDate>,
    /// To what; to everything a helper may do if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<HelpScope>,
    /// The last day on which it holds, where one is fixed.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
    /// Who may help; where it was taken in if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helper: Option<OrganisationId>,
}

/// Consent was given, or given anew, while the case was under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecorded {
    /// As given.
    pub consent: Consent,
}

/// Consent was taken back: nobody helps from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentWithdrawn {
    /// The consent's number.
    pub number: ExternalNumber,
    /// Why, sealed; nobody has to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sealed>,
}

/// Somebody applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseSubmitted {
    /// 办件编号.
    pub number: ExternalNumber,
    /// Whose history: `own`, unless taken in from elsewhere.
    pub source: SourceName,
    /// 事项.
    pub item: ItemId,
    /// Its version: the case is judged by it for life.
    pub item_version: u32,
    /// 办件类型.
    pub kind: CaseKind,
    /// By what right it will be decided.
    pub authority: Authority,
    /// 申报来源.
    pub channel: Channel,
    /// 申请人.
    pub applicant: Party,
    /// 代理人.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Party>,
    /// Household members and others the case is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beneficiaries: Vec<Party>,
    /// The applicant's consent to being helped (帮办代办), where somebody helped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// The form, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Sealed>,
    /// The version of the item's electronic form that it was checked by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_version: Option<u32>,
    /// 办理情形 that hold.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub situations: BTreeSet<SituationCode>,
    /// Where it was handed in.
    pub intake: OrganisationId,
    /// Where it will be handled: the hall of the applicant's own township, or the intake.
    pub handling: OrganisationId,
    /// Where it will be decided.
    pub deciding: OrganisationId,
    /// 申请人行政区划.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionCode>,
    /// 材料.
    pub materials: Vec<MaterialPresented>,
    /// An open case of the same person for the same item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<CaseId>,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
}

/// A paper came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterialAttached {
    /// Its id in the store of papers.
    pub paper: PaperId,
    /// Which of the item's materials it is.
    pub code: MaterialCode,
    /// SHA-256 of its bytes in clear, keyed like a person reference; lower-case hex.
    pub sha256: String,
    /// How large, in bytes.
    pub bytes: u64,
    /// Its media type.
    pub media_type: String,
    /// How far it can be relied on.
    pub trust: TrustLevel,
}

/// Materials were registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseReceived {
    /// 收件凭证 number.
    pub receipt: ExternalNumber,
    /// Where.
    pub organisation: OrganisationId,
    /// 收到材料之日: day 0 of the notice window.
    #[serde(with = "crate::zone::day")]
    pub materials_received_on: NaiveDate,
    /// What lay there.
    pub materials: Vec<MaterialPresented>,
    /// By when a notice must be given.
    pub notice_due: Deadline,
    /// Without a notice it will count as accepted (行政许可法 Art. 32(4)).
    pub deems: bool,
    /// Keyed digest of the one-time rating code printed on the receipt.
    pub rating_code_digest: String,
    /// Taken in on a rest day (365天服务) or after hours (延时).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside_hours: bool,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
    /// How it was printed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// No application is needed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRequiredTold {
    /// Why, sealed.
    pub reason: Sealed,
    /// The legal reason.
    pub basis: String,
    /// How it ended.
    pub closing: Closing,
}

/// Another organ is competent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeRefused {
    /// Why, sealed.
    pub reason: Sealed,
    /// The organ the applicant was told of.
    pub competent_organ: String,
    /// 不予受理告知书.
    pub notice: DocumentRef,
    /// How it ended.
    pub closing: Closing,
    /// How it was printed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// A slip was put right at the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectedOnTheSpot {
    /// Which field.
    pub field: String,
    /// What it said, sealed.
    pub old: Sealed,
    /// What it says, sealed.
    pub new: Sealed,
}

/// In which stage a notice was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeStage {
    /// Before acceptance.
    Intake,
    /// During review.
    Review,
}

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Which material.
    pub code: MaterialCode,
    /// What is wrong with it, sealed; absent if it is simply not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defect: Option<Sealed>,
}

/// What is missing, all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeNoticeIssued {
    /// 告知书 number.
    pub number: ExternalNumber,
    /// In which stage.
    pub stage: NoticeStage,
    /// Everything that is missing.
    pub missing: Vec<Missing>,
    /// Of that, what a certificate in the library would have stood for: nobody need have been asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_library: Vec<MaterialCode>,
    /// How it was handed over: `hand`, `post`, `sms`, `app`.
    pub method: String,
    /// The case lapses after this day, where the item's rule sets one.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub supplement_by: Option<NaiveDate>,
    /// The promised clock stands still meanwhile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pauses_promised: bool,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
    /// How it was printed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// Materials were handed in after a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplementProvided {
    /// What came.
    pub materials: Vec<MaterialPresented>,
    /// The day on which all of it was there; absent while something is missing.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub completed_on: Option<NaiveDate>,
    /// Where the stage was intake: by when it must be accepted or another notice given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_due: Option<Deadline>,
    /// Deadlines counted anew, where the notice had paused one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks: Option<Clocks>,
}

/// The supplement never came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplementLapsed {
    /// It was due on.
    #[serde(with = "crate::zone::day")]
    pub supplement_by: NaiveDate,
    /// Proofs of reminding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reminders: Vec<String>,
    /// How it ended.
    pub closing: Closing,
}

/// How a case was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptanceKind {
    /// 受理.
    Normal,
    /// 视为受理.
    Deemed,
    /// 容缺受理.
    Tolerant,
    /// 告知承诺.
    Commitment,
}

/// Both clocks started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseAccepted {
    /// 受理文书编号; a deemed acceptance has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<ExternalNumber>,
    /// How.
    pub kind: AcceptanceKind,
    /// 受理之日, day 0 of both clocks: the day all supplements were there, or of a deemed acceptance the day of receipt.
    #[serde(with = "crate::zone::day")]
    pub effective_on: NaiveDate,
    /// Where.
    pub organisation: OrganisationId,
    /// Accepted without these, against a promise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MaterialCode>,
    /// They are promised for.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub promised_materials_by: Option<NaiveDate>,
    /// The signed commitment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<DocumentRef>,
    /// The two limits.
    pub clocks: Clocks,
    /// Working days from receipt to acceptance.
    pub lag_days: u16,
    /// The steps of the item version that lie ahead, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepCode>,
    /// What statistics by acceptance need.
    pub dimensions: Dimensions,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
    /// How it was printed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// The keys under which statistics count a case that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    /// Whose history.
    pub source: SourceName,
    /// 事项.
    pub item: ItemId,
    /// Its version.
    pub item_version: u32,
    /// By what right it is decided.
    pub authority: Authority,
    /// Where it was taken in.
    pub intake: OrganisationId,
    /// Where it is handled, if that is another organisation than the one that took it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<OrganisationId>,
    /// Where it is decided.
    pub deciding: OrganisationId,
    /// Where it is handed out.
    pub delivering: OrganisationId,
    /// Who took it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clerk: Option<StaffId>,
}

/// A deemed acceptance was taken back, because a timely notice (or acceptance, or ending) was keyed in later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeemedAcceptanceReversed {
    /// What happened in time.
    pub evidence: String,
    /// When.
    #[serde(with = "crate::zone::day")]
    pub evidence_on: NaiveDate,
    /// What statistics must take back.
    pub dimensions: Dimensions,
    /// The day the deemed acceptance had counted from.
    #[serde(with = "crate::zone::day")]
    pub effective_on: NaiveDate,
}

/// Handed to a back office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRouted {
    /// To which.
    pub to: OrganisationId,
    /// For which step.
    pub step: StepCode,
    /// 交接单 number.
    pub hand_over: ExternalNumber,
    /// How it was printed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// A handler took the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkClaimed {
    /// Who.
    pub holder: StaffId,
}

/// A handler gave the work back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkReleased {
    /// Who.
    pub holder: StaffId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sealed>,
}

/// The work went to another handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkReassigned {
    /// From whom, where somebody held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<StaffId>,
    /// To whom.
    pub to: StaffId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sealed>,
}

/// A step began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStarted {
    /// Which.
    pub step: StepCode,
    /// At which organisation.
    pub organisation: OrganisationId,
    /// By whom.
    pub holder: StaffId,
    /// The step's own date, from its budget.
    pub due: Deadline,
}

/// 业务动作 (GB/T 39046 Table 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// 通过.
    Passed,
    /// 退回.
    Returned,
    /// 其他.
    Other,
}

/// A step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFinished {
    /// Which.
    pub step: StepCode,
    /// At which organisation.
    pub organisation: OrganisationId,
    /// By whom.
    pub holder: StaffId,
    /// With what outcome.
    pub outcome: StepOutcome,
    /// 意见, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opinion: Option<Sealed>,
    /// The day it began.
    #[serde(with = "crate::zone::day")]
    pub started_on: NaiveDate,
    /// Working days it took.
    pub working_days: u16,
    /// Working days it was to take.
    pub budget_days: u16,
    /// What statistics by step need.
    pub dimensions: Dimensions,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
}

/// Back to an earlier step; no clock stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSentBack {
    /// From which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<StepCode>,
    /// To which.
    pub to: StepCode,
    /// Why, sealed.
    pub reason: Sealed,
    /// How often this case was sent back, this time included.
    pub times: u16,
}

/// Other organisations were asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsultationOpened {
    /// Counts the consultations of the case, from 1.
    pub consultation: u16,
    /// Who is asked.
    pub organisations: Vec<OrganisationId>,
    /// What, sealed.
    pub question: Sealed,
    /// To be answered by.
    #[serde(with = "crate::zone::day")]
    pub due: NaiveDate,
}

/// One of them answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsultationAnswered {
    /// Which consultation.
    pub consultation: u16,
    /// Who.
    pub organisation: OrganisationId,
    /// What, sealed.
    pub answer: Sealed,
}

/// A special procedure as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecialProcedureRequested {
    /// Counts the special procedures of the case, from 1.
    pub procedure: u16,
    /// Its kind, by the name the item version lists, or another.
    pub kind: String,
    /// Why, sealed.
    pub reason: Sealed,
    /// How long it is stated to take.
    pub limit: Limit,
    /// Its first day.
    #[serde(with = "crate::zone::day")]
    pub from: NaiveDate,
    /// 特别程序告知书 to the applicant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<DocumentRef>,
}

/// A special procedure began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecialProcedureOpened {
    /// Which.
    pub procedure: u16,
    /// Its kind.
    pub kind: String,
    /// Its first day.
    #[serde(with = "crate::zone::day")]
    pub from: NaiveDate,
    /// To end by, as stated.
    pub due: Deadline,
    /// The promised clock stands still.
    pub stops_promised: bool,
    /// The legal clock stands still.
    pub stops_legal: bool,
    /// The legal basis, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// 特别程序告知书 to the applicant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<DocumentRef>,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
    /// How it was printed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// A special procedure was not approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecialProcedureRejected {
    /// Which.
    pub procedure: u16,
    /// Why, sealed.
    pub reason: Sealed,
}

/// A special procedure ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecialProcedureClosed {
    /// Which.
    pub procedure: u16,
    /// Its last day.
    #[serde(with = "crate::zone::day")]
    pub to: NaiveDate,
    /// Working days that it hid from the clocks it stopped; absent where it stopped none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_days: Option<u16>,
    /// What came of it, sealed.
    pub result: Sealed,
    /// Deadlines counted anew.
    pub clocks: Clocks,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
}

/// More time was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionRequested {
    /// How many working days.
    pub days: u16,
    /// Why, sealed.
    pub reason: Sealed,
}

/// More time was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlineExtended {
    /// How many working days.
    pub days: u16,
    /// 延期告知书.
    pub notice: DocumentRef,
    /// Deadlines counted anew.
    pub clocks: Clocks,
    /// How it was printed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// More time was not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionRejected {
    /// Why, sealed.
    pub reason: Sealed,
}

/// Running deadlines moved, because the calendar did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlineRecomputed {
    /// As they were.
    pub old: Clocks,
    /// As they are.
    pub new: Clocks,
    /// The calendar's version that moved them.
    pub calendar: u32,
}

/// 准予, 不予 or 部分准予.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionOutcome {
    /// 准予.
    Granted,
    /// 部分准予.
    PartlyGranted,
    /// 不予.
    Denied,
}

/// It was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDecided {
    /// What.
    pub outcome: DecisionOutcome,
    /// 决定书 number.
    pub number: ExternalNumber,
    /// By which organisation.
    pub organisation: OrganisationId,
    /// In whose name: its own where it is empowered, the delegating organ's where it is entrusted.
    pub in_name_of: OrganisationId,
    /// By what right.
    pub authority: Authority,
    /// The instrument that gives the right, where it was given by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<InstrumentRef>,
    /// Why, sealed; a refusal needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Sealed>,
    /// How to challenge it (复议、诉讼); a refusal needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The promised clock stops here, not at closing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stops_promise: bool,
    /// A certificate or document is to be made of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yields_result: bool,
    /// To be delivered by, where the item sets a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_due: Option<Deadline>,
    /// Of a forwarded case, how the leg that ends with the decision kept its own date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<LegDecided>,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
    /// How it was printed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// The leg of a forwarded case that ended with the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegDecided {
    /// Which leg.
    pub leg: u16,
    /// Who had it.
    pub organisation: OrganisationId,
    /// The day it began.
    #[serde(with = "crate::zone::day")]
    pub held_since: NaiveDate,
    /// Working days it stayed there.
    pub held_days: u16,
    /// Its own date, where it had one.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub due: Option<NaiveDate>,
}

/// A certificate or document was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultMade {
    /// 证照 (文书) 名称.
    pub name: String,
    /// Its number.
    pub number: ExternalNumber,
    /// Valid until, where limited.
    #[serde(default, with = "crate::zone::day::option", skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
    /// 发证机关.
    pub issuer: OrganisationId,
    /// SHA-256 of its bytes, lower-case hex, where kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
}

/// The output desk stamped it: closed for the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFinished {
    /// 出件章 number.
    pub stamp: ExternalNumber,
    /// Where.
    pub organisation: OrganisationId,
    /// 收费, in fen; 0 where free.
    #[serde(default)]
    pub fee_fen: u32,
    /// How it ended.
    pub closing: Closing,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
}

/// 送达方式.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryMethod {
    /// 直接送达.
    Direct,
    /// 邮寄送达.
    Post,
    /// 电子送达.
    Electronic,
    /// 留置送达.
    Leaving,
    /// 公告送达.
    PublicNotice,
}

/// The applicant has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultDelivered {
    /// How.
    pub method: DeliveryMethod,
    /// Who took it, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Sealed>,
    /// 送达回证.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<DocumentRef>,
    /// Working days since the decision.
    pub days_after_decision: u16,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
    /// How it was printed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// The applicant took it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseWithdrawn {
    /// Why, sealed.
    pub reason: Sealed,
    /// What shows that it was the applicant's act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<DocumentRef>,
    /// How it ended.
    pub closing: Closing,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
}

/// Sent back without a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseReturned {
    /// Why, sealed.
    pub reason: Sealed,
    /// How it ended.
    pub closing: Closing,
    /// What to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
}

/// Ending was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbortRequested {
    /// Why, sealed.
    pub reason: Sealed,
}

/// Ended: the applicant died, the object is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseAborted {
    /// How it ended.
    pub closing: Closing,
}

/// A duplicate ended; the other case goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseMerged {
    /// The case that goes on.
    pub into: CaseId,
    /// 办件编号 of that case.
    pub into_number: ExternalNumber,
    /// Why, sealed.
    pub reason: Sealed,
    /// How it ended.
    pub closing: Closing,
}

/// A duplicate was merged into this case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateMerged {
    /// The case that ended.
    pub from: CaseId,
    /// 办件编号 of that case.
    pub from_number: ExternalNumber,
}

/// Ending was not approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbortRejected {
    /// Why, sealed.
    pub reason: Sealed,
}

/// One leg closed as forwarded, another opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegForwarded {
    /// Counts the legs of the case; the first forwarding opens leg 2.
    pub leg: u16,
    /// From where.
    pub from: OrganisationId,
    /// To where.
    pub to: OrganisationId,
    /// What went with it: codes of materials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub package: Vec<MaterialCode>,
    /// The day the closing leg had begun.
    #[serde(with = "crate::zone::day")]
    pub held_since: NaiveDate,
    /// Working days it stayed with the closing leg.
    pub held_days: u16,
    /// The opening leg's own date: the budgets of the steps that are still ahead, from this day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Deadline>,
    /// What statistics by leg need.
    pub dimensions: Dimensions,
    /// 交接单 number; absent where none was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_over: Option<ExternalNumber>,
    /// How it was printed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// A supervisor urged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseUrged {
    /// Counts the urgings of the case, from 1.
    pub urging: u16,
    /// Who must answer.
    pub organisation: OrganisationId,
    /// 监察规则编号.
    pub rule: String,
    /// What, sealed.
    pub content: Sealed,
    /// To be answered by.
    #[serde(with = "crate::zone::day")]
    pub due: NaiveDate,
}

/// The urged organisation answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrgingAnswered {
    /// Which.
    pub urging: u16,
    /// What, sealed.
    pub answer: Sealed,
}

/// What may be corrected, and to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "field", rename_all = "kebab-case")]
pub enum Correction {
    /// The day of acceptance.
    AcceptedOn {
        /// As recorded.
        old: NaiveDate,
        /// As it was.
        new: NaiveDate,
    },
    /// The day of closing.
    ClosedOn {
        /// As recorded.
        old: NaiveDate,
        /// As it was.
        new: NaiveDate,
    },
    /// Where the applicant lives.
    Region {
        /// As recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<RegionCode>,
        /// As it was.
        new: RegionCode,
    },
    /// The applicant's own data.
    Applicant {
        /// As recorded.
        old: Party,
        /// As it is.
        new: Party,
    },
    /// Words, with no effect on any figure.
    Text {
        /// Which words, by the name of their field.
        name: String,
        /// As recorded.
        old: Sealed,
        /// As it should read.
        new: Sealed,
    },
}

/// A correction was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionRequested {
    /// Counts the corrections of the case, from 1.
    pub correction: u16,
    /// The event that is wrong.
    pub corrects: EventId,
    /// What and how.
    pub change: Correction,
    /// Why, sealed.
    pub reason: Sealed,
}

/// The record was corrected; the old fact stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCorrected {
    /// Which.
    pub correction: u16,
    /// The event that is wrong.
    pub corrects: EventId,
    /// The day from which the correction counts: that of the corrected fact.
    #[serde(with = "crate::zone::day")]
    pub effective_on: NaiveDate,
    /// What and how.
    pub change: Correction,
    /// Deadlines counted anew, where it moved them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks: Option<Clocks>,
    /// Where the case had ended: what statistics take back, and what they take in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Box<ClosingChange>>,
}

/// What statistics take back, and what they take in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingChange {
    /// As counted until now.
    pub old: Closing,
    /// As counted from now on.
    pub new: Closing,
}

/// A correction was not approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionRejected {
    /// Which.
    pub correction: u16,
    /// Why, sealed.
    pub reason: Sealed,
}

/// 撤销, 变更 or 注销 of a result (行政许可法 Arts. 69, 70).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationKind {
    /// 撤销.
    Revoked,
    /// 变更.
    Changed,
    /// 注销.
    Cancelled,
}

/// A result no longer stands as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRevoked {
    /// How.
    pub kind: RevocationKind,
    /// The legal basis.
    pub basis: String,
    /// Since when.
    #[serde(with = "crate::zone::day")]
    pub on: NaiveDate,
    /// Why, sealed.
    pub reason: Sealed,
}

/// The file went to the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseArchived {
    /// The package's number.
    pub package: ExternalNumber,
    /// SHA-256 of the package, lower-case hex.
    pub sha256: String,
    /// How long it is kept: `10-years`, `30-years`, `permanent`.
    pub retention: String,
}

/// Why the acts recorded together with this were keyed in later than they happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateEntryExplained {
    /// Why, sealed.
    pub reason: Sealed,
    /// The number of the paper that shows when they took place.
    pub paper_reference: ExternalNumber,
}

/// Which clock a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarnedClock {
    /// The notice window.
    Notice,
    /// 承诺时限.
    Promised,
    /// 法定时限.
    Legal,
    /// A step's budget.
    Step,
    /// A special procedure's stated end.
    Procedure,
    /// 送达.
    Delivery,
}

impl WarnedClock {
    /// Returns the name used in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Promised => "promised",
            Self::Legal => "legal",
            Self::Step => "step",
            Self::Procedure => "procedure",
            Self::Delivery => "delivery",
        }
    }
}

/// Which threshold was crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Threshold {
    /// 黄灯.
    Yellow,
    /// 红灯.
    Red,
}

/// A threshold was crossed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningRaised {
    /// Which clock.
    pub clock: WarnedClock,
    /// Which threshold.
    pub threshold: Threshold,
    /// The date it is about.
    #[serde(with = "crate::zone::day")]
    pub due: NaiveDate,
    /// Who has the work.
    pub organisation: OrganisationId,
    /// The person who has taken it, where somebody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<StaffId>,
    /// The policy version whose threshold it is.
    pub policy: u32,
}

/// 已阅: somebody took note of a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningRead {
    /// Of which clock.
    pub clock: WarnedClock,
    /// For which threshold.
    pub threshold: Threshold,
    /// The date it is about.
    pub due: NaiveDate,
    /// The policy version whose threshold it is.
    pub policy: u32,
}

/// 预警答复: somebody said what is done about a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningAnswered {
    /// Of which clock.
    pub clock: WarnedClock,
    /// For which threshold.
    pub threshold: Threshold,
    /// The date it is about.
    pub due: NaiveDate,
    /// The policy version whose threshold it is.
    pub policy: u32,
    /// What, sealed.
    pub answer: Sealed,
}

/// A case of a legacy system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyCaseOpened {
    /// Whose history.
    pub source: SourceName,
    /// Its id there.
    pub external_id: String,
    /// Its attributes, as given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, serde_json::Value>,
}

/// One activity of a legacy system's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyActivityRecorded {
    /// Whose history.
    pub source: SourceName,
    /// What was done.
    pub activity: String,
    /// When, to the microsecond, as given (also where it lies after the moment of recording).
    pub at: crate::zone::Instant,
    /// `lifecycle:transition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
    /// `org:resource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// `org:group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `org:role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Every other attribute, as given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, serde_json::Value>,
}
