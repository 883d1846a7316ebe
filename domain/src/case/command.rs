//! What may be asked of a case. Texts arrive sealed; what only the caller can know comes in, everything else is decided.

use super::evidence::DataShareAsked;
use crate::actor::Channel;
use crate::certificate::Reliance;
use crate::clock::Limit;
use crate::event::case::{
    AcceptanceKind, Consent, Correction, DecisionOutcome, DeliveryMethod, DocumentRef, MaterialAttached,
    MaterialPresented, Missing, RevocationKind, StepOutcome, Threshold, WarnedClock,
};
use crate::ids::{
    CaseId, EventId, ExternalNumber, ItemId, MaterialCode, OrganisationId, RegionCode, SituationCode, SourceName,
    StaffId, StepCode, SubjectId,
};
use crate::sealed::{Party, Sealed};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// T1 申请.
#[derive(Debug, Clone, PartialEq)]
pub struct Submit {
    /// 办件编号, made by the caller.
    pub number: ExternalNumber,
    /// Whose history: `own`.
    pub source: SourceName,
    /// For which item; its version in force on the day of the act applies.
    pub item: ItemId,
    /// 申报来源.
    pub channel: Channel,
    /// 申请人.
    pub applicant: Party,
    /// 代理人.
    pub agent: Option<Party>,
    /// Others the case is for.
    pub beneficiaries: Vec<Party>,
    /// Consent to being helped.
    pub consent: Option<Consent>,
    /// The form, sealed.
    pub form: Option<Sealed>,
    /// The version of the item's electronic form that the caller checked it by.
    pub form_version: Option<u32>,
    /// 办理情形 that hold, besides those that are plain from the application.
    pub situations: BTreeSet<SituationCode>,
    /// Where it is handed in.
    pub intake: OrganisationId,
    /// 电子证照 that stand for materials presented so, as they are now.
    pub certificates: BTreeMap<MaterialCode, Reliance>,
    /// 数据共享: what the city's data were asked instead of materials presented so, and what came of it.
    pub data_shares: BTreeMap<MaterialCode, DataShareAsked>,
    /// 申请人行政区划.
    pub region: Option<RegionCode>,
    /// 材料.
    pub materials: Vec<MaterialPresented>,
    /// An open case of the same person for the same item, if the caller found one.
    pub duplicate_of: Option<CaseId>,
}

/// The case that goes on when a duplicate is merged into it, as the caller found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// Which.
    pub case: CaseId,
    /// 办件编号.
    pub number: ExternalNumber,
    /// Whose.
    pub applicant: SubjectId,
    /// For which item.
    pub item: ItemId,
    /// It is under way.
    pub open: bool,
}

/// What may be asked of a case. The names are those of the actions.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a command lives once, for as long as it is decided")]
pub enum CaseCommand {
    /// T1.
    Submit(Submit),
    /// A paper was stored.
    AttachMaterial(MaterialAttached),
    /// 免证: a certificate stands for a paper.
    ReplaceMaterial {
        /// Which of the item's materials.
        code: MaterialCode,
        /// What is relied on; the append guards its version.
        reliance: Box<Reliance>,
    },
    /// 数据共享: the city's data were asked.
    CheckDataShare {
        /// Instead of which of the item's materials.
        code: MaterialCode,
        /// What was asked, and what came of it.
        asked: Box<DataShareAsked>,
    },
    /// T2.
    Receive {
        /// 收件凭证 number, made by the caller.
        receipt: ExternalNumber,
        /// 收到材料之日; today if absent.
        materials_received_on: Option<NaiveDate>,
        /// What lay there.
        materials: Vec<MaterialPresented>,
        /// Keyed digest of the rating code printed on the receipt.
        rating_code_digest: String,
    },
    /// T3.
    NotRequired {
        /// Why.
        reason: Sealed,
        /// The legal reason.
        basis: String,
    },
    /// T4.
    RefuseIntake {
        /// Why.
        reason: Sealed,
        /// The competent organ.
        competent_organ: String,
        /// 不予受理告知书.
        notice: DocumentRef,
    },
    /// T5.
    CorrectOnTheSpot {
        /// Which field.
        field: String,
        /// What it said.
        old: Sealed,
        /// What it says.
        new: Sealed,
    },
    /// T6 and T16.
    IssueNotice {
        /// 告知书 number, made by the caller.
        number: ExternalNumber,
        /// All that is missing.
        missing: Vec<Missing>,
        /// Materials for which somebody's certificate in the library would stand, as the caller found it.
        in_library: BTreeSet<MaterialCode>,
        /// `hand`, `post`, `sms`, `app`.
        method: String,
    },
    /// T7.
    Supplement {
        /// What came.
        materials: Vec<MaterialPresented>,
    },
    /// T8, confirmed by a clerk.
    Lapse {
        /// Proofs of reminding.
        reminders: Vec<String>,
    },
    /// T9, T11.
    Accept {
        /// 受理文书编号, made by the caller.
        number: ExternalNumber,
        /// Normal, tolerant or commitment; `Deemed` is not for callers.
        kind: AcceptanceKind,
        /// Accepted without these.
        missing: Vec<MaterialCode>,
        /// They are promised for.
        promised_materials_by: Option<NaiveDate>,
        /// The signed commitment.
        commitment: Option<DocumentRef>,
    },
    /// T10, from the rule alone.
    DeemAccepted,
    /// T12.
    Route {
        /// To which organisation.
        to: OrganisationId,
        /// For which step; the item's first open one if absent.
        step: Option<StepCode>,
        /// 交接单 number.
        hand_over: ExternalNumber,
    },
    /// T12.
    Claim,
    /// T12.
    Release {
        /// Why.
        reason: Option<Sealed>,
    },
    /// T12.
    Reassign {
        /// To whom.
        to: StaffId,
        /// Why.
        reason: Option<Sealed>,
    },
    /// T13.
    StartStep {
        /// Which.
        step: StepCode,
    },
    /// T13.
    FinishStep {
        /// Which.
        step: StepCode,
        /// With what outcome.
        outcome: StepOutcome,
        /// 意见.
        opinion: Option<Sealed>,
    },
    /// T14.
    SendBack {
        /// To which step.
        to: StepCode,
        /// Why.
        reason: Sealed,
    },
    /// T15.
    Consult {
        /// Who is asked.
        organisations: Vec<OrganisationId>,
        /// What.
        question: Sealed,
        /// To be answered by.
        due: NaiveDate,
    },
    /// T15.
    AnswerConsultation {
        /// Which.
        consultation: u16,
        /// What.
        answer: Sealed,
    },
    /// T17, first act.
    RequestSpecialProcedure {
        /// Its kind, by the name the item lists, or another.
        kind: String,
        /// Why.
        reason: Sealed,
        /// How long; the item's own limit if absent.
        limit: Option<Limit>,
        /// 特别程序告知书.
        notice: Option<DocumentRef>,
    },
    /// T17, second act, by another person.
    ApproveSpecialProcedure {
        /// Which.
        procedure: u16,
    },
    /// T17, second act, by another person.
    RejectSpecialProcedure {
        /// Which.
        procedure: u16,
        /// Why.
        reason: Sealed,
    },
    /// T18.
    CloseSpecialProcedure {
        /// Which.
        procedure: u16,
        /// What came of it.
        result: Sealed,
    },
    /// T19, first act.
    RequestExtension {
        /// Working days.
        days: u16,
        /// Why.
        reason: Sealed,
    },
    /// T19, second act, by the head of the organ.
    ApproveExtension {
        /// 延期告知书.
        notice: DocumentRef,
    },
    /// T19, second act.
    RejectExtension {
        /// Why.
        reason: Sealed,
    },
    /// A calendar moved running deadlines.
    RecomputeDeadlines,
    /// T20.
    Decide {
        /// What.
        outcome: DecisionOutcome,
        /// 决定书 number, made by the caller.
        number: ExternalNumber,
        /// Why.
        reason: Option<Sealed>,
        /// How to challenge it.
        remedy: Option<String>,
    },
    /// T21.
    MakeResult {
        /// 名称.
        name: String,
        /// Its number.
        number: ExternalNumber,
        /// Valid until.
        valid_until: Option<NaiveDate>,
        /// SHA-256 of its bytes.
        sha256: Option<String>,
    },
    /// T22.
    Finish {
        /// 出件章 number.
        stamp: ExternalNumber,
        /// In fen.
        fee_fen: u32,
    },
    /// Instant items: accept, decide and finish in one go, as three events.
    HandleAtOnce {
        /// 受理文书编号.
        acceptance: ExternalNumber,
        /// 决定书 number.
        decision: ExternalNumber,
        /// What was decided.
        outcome: DecisionOutcome,
        /// Why.
        reason: Option<Sealed>,
        /// How to challenge it.
        remedy: Option<String>,
        /// 出件章 number.
        stamp: ExternalNumber,
    },
    /// T23.
    Deliver {
        /// How.
        method: DeliveryMethod,
        /// Who took it.
        recipient: Option<Sealed>,
        /// 送达回证.
        proof: Option<DocumentRef>,
    },
    /// T24.
    Withdraw {
        /// Why.
        reason: Sealed,
        /// What shows that it is the applicant's act.
        evidence: Option<DocumentRef>,
    },
    /// T25.
    Return {
        /// Why.
        reason: Sealed,
    },
    /// T26, first act.
    RequestAbort {
        /// Why.
        reason: Sealed,
    },
    /// T26, second act, by another person.
    ApproveAbort,
    /// T26, second act, by another person.
    RejectAbort {
        /// Why.
        reason: Sealed,
    },
    /// 并件.
    Merge {
        /// This case, which ends.
        from: CaseId,
        /// The case that goes on.
        into: Survivor,
        /// Why.
        reason: Sealed,
    },
    /// T27.
    Forward {
        /// To where; the deciding organisation if absent.
        to: Option<OrganisationId>,
        /// What goes with it.
        package: Vec<MaterialCode>,
        /// 交接单 number; none is made without.
        hand_over: Option<ExternalNumber>,
    },
    /// T28.
    Urge {
        /// Who must answer; the holder's organisation if absent.
        organisation: Option<OrganisationId>,
        /// 监察规则编号.
        rule: String,
        /// What.
        content: Sealed,
        /// To be answered by.
        due: NaiveDate,
    },
    /// T28.
    AnswerUrging {
        /// Which.
        urging: u16,
        /// What.
        answer: Sealed,
    },
    /// 已阅: every warning not yet read.
    ReadWarning,
    /// 预警答复: to every warning not yet answered.
    AnswerWarning {
        /// What.
        answer: Sealed,
    },
    /// T29, first act.
    RequestCorrection {
        /// The wrong event.
        corrects: EventId,
        /// What and how.
        change: Correction,
        /// Why.
        reason: Sealed,
    },
    /// T29, second act, by another person.
    ApproveCorrection {
        /// Which.
        correction: u16,
    },
    /// T29, second act, by another person.
    RejectCorrection {
        /// Which.
        correction: u16,
        /// Why.
        reason: Sealed,
    },
    /// T30.
    RevokeResult {
        /// How.
        kind: RevocationKind,
        /// The legal basis.
        basis: String,
        /// Since when.
        on: NaiveDate,
        /// Why.
        reason: Sealed,
    },
    /// 帮办代办: the applicant agrees to being helped.
    RecordConsent {
        /// As given.
        consent: Consent,
    },
    /// 帮办代办: the applicant takes the consent back.
    WithdrawConsent {
        /// Why; nobody has to say.
        reason: Option<Sealed>,
    },
    /// T32.
    Archive {
        /// The package's number.
        package: ExternalNumber,
        /// SHA-256 of the package.
        sha256: String,
    },
    /// A threshold was crossed; from the rule alone.
    RaiseWarning {
        /// Which clock.
        clock: WarnedClock,
        /// Which threshold.
        threshold: Threshold,
    },
}
