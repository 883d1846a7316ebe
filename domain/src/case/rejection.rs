//! The rules that refuse an act, each by the name of the rule.

use super::Action;
use crate::actor::Role;
use crate::ids::{MaterialCode, SituationCode, StepCode};
use chrono::NaiveDate;
use std::fmt;

/// The rule that refuses an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The role does not do this.
    RoleMayNot(Role, Action),
    /// The organisation has not got the case.
    OrganisationDoesNotHold,
    /// The case is another person's.
    NotOwnCase,
    /// An act that needs a second person cannot be approved by the first.
    SamePersonActs,
    /// 受审分离: who accepted does not review.
    AcceptorReviews,
    /// 受审分离: who accepted does not decide.
    AcceptorDecides,
    /// It says that it happened later than now.
    OccurredInFuture,
    /// It says that it happened before what the case already knows.
    OccurredBeforePredecessor,
    /// There is no case yet.
    NotSubmitted,
    /// The case was applied for.
    AlreadySubmitted,
    /// The materials were not taken in yet.
    NotReceived,
    /// The materials were taken in.
    AlreadyReceived,
    /// The case was not accepted yet.
    NotAccepted,
    /// The case was accepted.
    AlreadyAccepted,
    /// The case was not decided yet.
    NotDecided,
    /// The case was decided.
    AlreadyDecided,
    /// The case was not closed yet.
    NotClosed,
    /// The case was closed.
    AlreadyClosed,
    /// A special procedure runs.
    WhileSuspended,
    /// A supplement is awaited.
    WhileSupplementPending,
    /// The case is part of a history taken in from elsewhere; nothing can be added.
    LegacyCase,
    /// No such item.
    UnknownItem,
    /// The item could not be applied for on that day.
    ItemNotInForce,
    /// The item is for others, such as natural persons only.
    ApplicantKindNotAllowed,
    /// No such organisation on that day.
    UnknownOrganisation,
    /// The item is not taken in at this level.
    IntakeLevelNotAllowed,
    /// 通办范围: the item is taken in in the applicant's own township only.
    OutsideIntakeRange,
    /// Somebody helps, and there is no written consent.
    ConsentMissing,
    /// The consent does not cover this.
    OutsideConsent,
    /// The consent has not begun, or is over.
    ConsentNotInForce,
    /// The consent was taken back.
    ConsentTakenBack,
    /// No such material of this item.
    UnknownMaterial(MaterialCode),
    /// An electronic certificate is said to stand for the material, and none is named.
    CertificateNotNamed(MaterialCode),
    /// The item demands the paper itself, or asks nobody for it.
    MaterialNotReplaceable(MaterialCode),
    /// A certificate of this kind does not stand for the material.
    CertificateOfAnotherKind(MaterialCode),
    /// There is no such certificate.
    CertificateNotOnRecord,
    /// The certificate is nobody's who has a part in the case.
    CertificateOfAnother,
    /// The certificate's day has not come.
    CertificateNotYetValid(NaiveDate),
    /// The certificate's time is over.
    CertificateExpired(NaiveDate),
    /// The certificate was revoked, changed or cancelled.
    CertificateRevoked(NaiveDate),
    /// What was uploaded must be compared with the original first (C).
    CertificateNotCompared,
    /// What its holder only declares stands for nothing (D).
    CertificateOnlyDeclared,
    /// The city's data stand for a paper once they were asked and confirmed it; that they would is no answer.
    DataShareNotAsked(MaterialCode),
    /// The city's data are asked about nobody who has no part in the case.
    DataShareAboutAnother,
    /// No such situation of this item.
    UnknownSituation(SituationCode),
    /// The item version has no form to fill in.
    NoForm,
    /// The form was checked by another version than the one in force, which is this.
    FormOutdated(u32),
    /// Required materials are not there.
    MaterialsIncomplete(Vec<MaterialCode>),
    /// These materials cannot be brought later.
    NotTolerable(Vec<MaterialCode>),
    /// Everything is there: nothing to tolerate or to promise.
    NothingToTolerate,
    /// The item knows no 告知承诺.
    CommitmentNotAllowed,
    /// The signed commitment, or the day for which the materials are promised, is missing.
    CommitmentMissing,
    /// 视为受理 follows from the rule alone.
    DeemedByRuleOnly,
    /// Nothing lets the case count as accepted, or not yet.
    NotDeemable,
    /// A notice that names nothing.
    NothingMissing,
    /// A supplement that brings nothing.
    NothingSupplied,
    /// No notice waits for a supplement.
    NoNoticeOpen,
    /// No rule sets a date for this supplement.
    NeverLapses,
    /// The supplement may still come, through this day.
    NotYetLapsed(NaiveDate),
    /// The organisation has no part in this case.
    RouteNotAllowed,
    /// The item is decided here, there is nobody to forward it to.
    NotToBeForwarded,
    /// It was forwarded.
    AlreadyForwarded,
    /// It must be forwarded before it can be decided.
    AwaitsForwarding,
    /// The organisation holds no 赋权 or 委托 that the item's authority asks for.
    InstrumentMissing,
    /// Its instruments are about other items or other regions.
    OutsideInstrument,
    /// Its instrument for this was not in force on the day of the decision.
    InstrumentNotInForce,
    /// Somebody else has the work.
    HeldByAnother,
    /// Only who has the work can give it back.
    NotTheHolder,
    /// No such step of this item version.
    UnknownStep(StepCode),
    /// The step lies after acceptance.
    StepAfterAcceptance(StepCode),
    /// The step lies before acceptance.
    StepBeforeAcceptance(StepCode),
    /// The step is open.
    StepAlreadyOpen(StepCode),
    /// The step was passed.
    StepAlreadyDone(StepCode),
    /// The step is not open.
    StepNotOpen(StepCode),
    /// No step is open.
    NoStepOpen,
    /// The step was never begun, so nothing can be sent back to it.
    StepNeverBegun(StepCode),
    /// Nobody is asked.
    NobodyAsked,
    /// A date before the day of the act.
    DueInThePast,
    /// No such consultation.
    NoSuchConsultation,
    /// The organisation was not asked.
    NotAsked,
    /// It was answered.
    AlreadyAnswered,
    /// No warning was raised.
    NoWarning,
    /// No such special procedure.
    NoSuchProcedure,
    /// The same procedure was asked for, or runs.
    ProcedureAlreadyRequested,
    /// The procedure waits for no approval.
    ProcedureNotRequested,
    /// No such procedure runs.
    ProcedureNotOpen,
    /// The item does not list it, so its limit must be stated.
    ProcedureLimitMissing,
    /// Longer than the item allows.
    ProcedureLimitTooLong,
    /// The item knows no extension.
    ExtensionNotAllowed,
    /// At most this many working days.
    ExtensionTooLong(u16),
    /// The legal limit is over.
    ExtensionTooLate,
    /// Once only.
    AlreadyExtended,
    /// An extension was asked for.
    ExtensionAlreadyRequested,
    /// No extension was asked for.
    ExtensionNotRequested,
    /// Only instant items are handled at once.
    NotInstant,
    /// Nothing was granted, or the item yields no certificate or document.
    NothingToMake,
    /// It was made.
    ResultAlreadyMade,
    /// Nothing was decided that could be handed over.
    NothingToDeliver,
    /// It was delivered.
    AlreadyDelivered,
    /// Ending was asked for.
    AbortAlreadyRequested,
    /// Ending was not asked for.
    AbortNotRequested,
    /// A case is merged into another one.
    MergesIntoItself,
    /// The other case is another person's, or for another item.
    NotADuplicate,
    /// The case that would go on has ended.
    SurvivorClosed,
    /// No such urging.
    NoSuchUrging,
    /// No such event in this case.
    UnknownFact,
    /// No such correction, or it waits for nothing.
    NoSuchCorrection,
    /// The record does not say what the correction says it says.
    CorrectionOutdated,
    /// The record would contradict itself.
    CorrectionContradicts,
    /// Nothing was granted that could be revoked.
    NothingToRevoke,
    /// The result was not delivered yet.
    NotDelivered,
    /// Promised materials are not there.
    PapersMissing,
    /// The file is in the archive.
    AlreadyArchived,
    /// The threshold is not crossed.
    ThresholdNotCrossed,
}

impl Rejection {
    /// Returns whether the caller may not do this at all, rather than not now.
    #[must_use]
    pub fn is_about_rights(&self) -> bool {
        matches!(self, Self::RoleMayNot(..) | Self::OrganisationDoesNotHold | Self::NotOwnCase)
    }

    /// Returns its permanent name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.texts()[0]
    }

    /// Returns why, in Chinese, for residents and clerks.
    #[must_use]
    pub fn zh(&self) -> String {
        self.with_detail(self.texts()[1], "：", "、")
    }

    /// Returns why, in English.
    #[must_use]
    pub fn en(&self) -> String {
        self.with_detail(self.texts()[2], ": ", ", ")
    }

    fn with_detail(&self, text: &str, colon: &str, comma: &str) -> String {
        let codes = |codes: &[MaterialCode]| codes.iter().map(MaterialCode::as_str).collect::<Vec<_>>().join(comma);
        let detail = match self {
            Self::RoleMayNot(role, _) => role.to_string(),
            Self::UnknownMaterial(code)
            | Self::CertificateNotNamed(code)
            | Self::DataShareNotAsked(code)
            | Self::MaterialNotReplaceable(code)
            | Self::CertificateOfAnotherKind(code) => code.to_string(),
            Self::CertificateNotYetValid(day) | Self::CertificateExpired(day) | Self::CertificateRevoked(day) => {
                day.to_string()
            }
            Self::UnknownSituation(code) => code.to_string(),
            Self::FormOutdated(version) => version.to_string(),
            Self::MaterialsIncomplete(missing) | Self::NotTolerable(missing) => codes(missing),
            Self::NotYetLapsed(day) => day.to_string(),
            Self::UnknownStep(step)
            | Self::StepAfterAcceptance(step)
            | Self::StepBeforeAcceptance(step)
            | Self::StepAlreadyOpen(step)
            | Self::StepAlreadyDone(step)
            | Self::StepNotOpen(step)
            | Self::StepNeverBegun(step) => step.to_string(),
            Self::ExtensionTooLong(days) => days.to_string(),
            _ => return text.to_owned(),
        };
        format!("{text}{colon}{detail}")
    }

    #[rustfmt::skip]
    fn texts(&self) -> [&'static str; 3] {
        match self {
            Self::RoleMayNot(..) => ["role-may-not", "该角色无权办理此操作", "this role does not do this"],
            Self::OrganisationDoesNotHold => ["organisation-does-not-hold", "办件不在本单位", "the case is not with this organisation"],
            Self::NotOwnCase => ["not-own-case", "只能办理本人或受托的办件", "only the applicant or the agent may do this"],
            Self::SamePersonActs => ["same-person-acts", "申请人与批准人不得为同一人", "whoever asked cannot approve or reject"],
            Self::AcceptorReviews => ["acceptor-reviews", "受审分离：受理人不得审查同一办件", "whoever accepted the case cannot review it"],
            Self::AcceptorDecides => ["acceptor-decides", "受审分离：受理人不得决定同一办件", "whoever accepted the case cannot decide it"],
            Self::OccurredInFuture => ["occurred-in-future", "发生时间不得晚于现在", "an act cannot have happened in the future"],
            Self::OccurredBeforePredecessor => ["occurred-before-predecessor", "发生时间不得早于上一记录", "an act cannot have happened before the one recorded last"],
            Self::NotSubmitted => ["not-submitted", "办件尚未申请", "there is no application yet"],
            Self::AlreadySubmitted => ["already-submitted", "办件已申请", "the application was made already"],
            Self::NotReceived => ["not-received", "办件尚未收件", "the materials were not received yet"],
            Self::AlreadyReceived => ["already-received", "办件已收件", "the materials were received already"],
            Self::NotAccepted => ["not-accepted", "办件尚未受理", "the case was not accepted yet"],
            Self::AlreadyAccepted => ["already-accepted", "办件已受理", "the case was accepted already"],
            Self::NotDecided => ["not-decided", "办件尚未决定", "the case was not decided yet"],
            Self::AlreadyDecided => ["already-decided", "办件已决定", "the case was decided already"],
            Self::NotClosed => ["not-closed", "办件尚未办结", "the case is not closed yet"],
            Self::AlreadyClosed => ["already-closed", "办件已办结", "the case is closed"],
            Self::WhileSuspended => ["while-suspended", "特别程序尚未结束", "a special procedure is still open"],
            Self::WhileSupplementPending => ["while-supplement-pending", "正在等待补正材料", "the case waits for a supplement"],
            Self::LegacyCase => ["legacy-case", "历史办件只读", "a case of a legacy system cannot be changed"],
            Self::UnknownItem => ["unknown-item", "没有这个事项", "there is no such item"],
            Self::ItemNotInForce => ["item-not-in-force", "该事项当日不可申请", "the item could not be applied for on that day"],
            Self::ApplicantKindNotAllowed => ["applicant-kind-not-allowed", "该事项不受理此类申请人", "the item is not for applicants of this kind"],
            Self::UnknownOrganisation => ["unknown-organisation", "没有这个单位", "there is no such organisation"],
            Self::IntakeLevelNotAllowed => ["intake-level-not-allowed", "该事项不在本级收件", "the item is not taken in at this level"],
            Self::OutsideIntakeRange => ["outside-intake-range", "该事项只能在申请人所在乡镇（街道）申请", "the item is taken in in the applicant's own township only"],
            Self::ConsentMissing => ["consent-missing", "帮办代办须有申请人同意", "helping needs the applicant's consent"],
            Self::OutsideConsent => ["outside-consent", "申请人同意的范围不含此项", "the applicant's consent does not cover this"],
            Self::ConsentNotInForce => ["consent-not-in-force", "申请人的同意不在有效期内", "the applicant's consent is not in force on that day"],
            Self::ConsentTakenBack => ["consent-taken-back", "申请人已撤回同意", "the applicant took the consent back"],
            Self::UnknownMaterial(_) => ["unknown-material", "该事项没有这种材料", "the item has no such material"],
            Self::CertificateNotNamed(_) => ["certificate-not-named", "以电子证照代替材料须指明是哪一份证照", "a material is replaced by a certificate that is named"],
            Self::MaterialNotReplaceable(_) => ["material-not-replaceable", "该材料不可以电子证照或数据共享代替", "nothing stands for this material"],
            Self::CertificateOfAnotherKind(_) => ["certificate-of-another-kind", "该类证照不能代替此材料", "a certificate of this kind does not stand for the material"],
            Self::CertificateNotOnRecord => ["certificate-not-on-record", "证照库中没有该证照", "there is no such certificate"],
            Self::CertificateOfAnother => ["certificate-of-another", "该证照的持证人与本办件无关", "the certificate's holder has no part in the case"],
            Self::CertificateNotYetValid(_) => ["certificate-not-yet-valid", "证照尚未生效，生效日期", "the certificate is not valid before"],
            Self::CertificateExpired(_) => ["certificate-expired", "证照已过期，有效期至", "the certificate was valid until"],
            Self::CertificateRevoked(_) => ["certificate-revoked", "证照已撤销、变更或注销", "the certificate was revoked, changed or cancelled on"],
            Self::CertificateNotCompared => ["certificate-not-compared", "上传的证照须先核对原件（C级）", "an uploaded certificate must be compared with the original first (C)"],
            Self::CertificateOnlyDeclared => ["certificate-only-declared", "自行填报的证照不能代替材料（D级）", "what its holder only declares stands for nothing (D)"],
            Self::DataShareNotAsked(_) => ["data-share-not-asked", "以数据共享代替材料须先查询并得到确认", "the city's data stand for a material once they were asked and confirmed it"],
            Self::DataShareAboutAnother => ["data-share-about-another", "不得查询与本办件无关人员的数据", "the data of somebody without a part in the case cannot be asked for"],
            Self::UnknownSituation(_) => ["unknown-situation", "该事项没有这种办理情形", "the item has no such situation"],
            Self::NoForm => ["no-form", "该事项没有电子表单", "the item has no electronic form"],
            Self::FormOutdated(_) => ["form-outdated", "电子表单已更新，请按现行版本填写", "the form has changed, fill in version"],
            Self::MaterialsIncomplete(_) => ["materials-incomplete", "材料不齐全", "required materials are missing"],
            Self::NotTolerable(_) => ["not-tolerable", "该材料不可容缺", "these materials cannot be brought later"],
            Self::NothingToTolerate => ["nothing-to-tolerate", "材料齐全，无须容缺或承诺", "nothing is missing, accept normally"],
            Self::CommitmentNotAllowed => ["commitment-not-allowed", "该事项不适用告知承诺", "the item does not allow a commitment"],
            Self::CommitmentMissing => ["commitment-missing", "缺少承诺书或承诺补交日期", "the signed commitment or its date is missing"],
            Self::DeemedByRuleOnly => ["deemed-by-rule-only", "视为受理由系统依法认定", "deemed acceptance follows from the rule alone"],
            Self::NotDeemable => ["not-deemable", "尚不符合视为受理条件", "the case does not count as accepted, or not yet"],
            Self::NothingMissing => ["nothing-missing", "告知书须列明全部所缺内容", "a notice must name what is missing"],
            Self::NothingSupplied => ["nothing-supplied", "未提交任何补正材料", "a supplement must bring something"],
            Self::NoNoticeOpen => ["no-notice-open", "没有待补正的告知", "no notice waits for a supplement"],
            Self::NeverLapses => ["never-lapses", "该告知未设补正期限", "no rule sets a date for this supplement"],
            Self::NotYetLapsed(_) => ["not-yet-lapsed", "补正期限未满", "the supplement may still come until"],
            Self::RouteNotAllowed => ["route-not-allowed", "该单位不参与本办件", "the organisation has no part in this case"],
            Self::NotToBeForwarded => ["not-to-be-forwarded", "该事项不须转报", "the item is not forwarded"],
            Self::AlreadyForwarded => ["already-forwarded", "办件已转报", "the case was forwarded already"],
            Self::AwaitsForwarding => ["awaits-forwarding", "须先转报上级", "the case must be forwarded first"],
            Self::InstrumentMissing => ["instrument-missing", "本单位没有该类事项的赋权或委托文书", "the organisation holds no instrument of empowerment or entrustment for such items"],
            Self::OutsideInstrument => ["outside-instrument", "超出赋权或委托文书的事项或区域范围", "the item or region lies outside the organisation's instruments"],
            Self::InstrumentNotInForce => ["instrument-not-in-force", "赋权或委托文书在决定之日不在有效期内", "the instrument is not in force on the day of the decision"],
            Self::HeldByAnother => ["held-by-another", "已由他人签收", "somebody else has claimed the work"],
            Self::NotTheHolder => ["not-the-holder", "本人未签收该办件", "only who has claimed the work may do this"],
            Self::UnknownStep(_) => ["unknown-step", "该事项没有这个环节", "the item has no such step"],
            Self::StepAfterAcceptance(_) => ["step-after-acceptance", "该环节须在受理之后", "the step comes after acceptance"],
            Self::StepBeforeAcceptance(_) => ["step-before-acceptance", "该环节须在受理之前", "the step comes before acceptance"],
            Self::StepAlreadyOpen(_) => ["step-already-open", "该环节正在办理", "the step is open already"],
            Self::StepAlreadyDone(_) => ["step-already-done", "该环节已完成", "the step is done already"],
            Self::StepNotOpen(_) => ["step-not-open", "该环节未开始", "the step is not open"],
            Self::NoStepOpen => ["no-step-open", "没有正在办理的环节", "no step is open"],
            Self::StepNeverBegun(_) => ["step-never-begun", "不能退回到未办理过的环节", "the step was never begun"],
            Self::NobodyAsked => ["nobody-asked", "未指定会签单位", "no organisation is asked"],
            Self::DueInThePast => ["due-in-the-past", "期限不得早于当日", "the date lies in the past"],
            Self::NoSuchConsultation => ["no-such-consultation", "没有这个会签", "there is no such consultation"],
            Self::NotAsked => ["not-asked", "本单位不是会签单位", "the organisation was not asked"],
            Self::AlreadyAnswered => ["already-answered", "已经答复", "it was answered already"],
            Self::NoWarning => ["no-warning", "没有预警", "no warning was raised"],
            Self::NoSuchProcedure => ["no-such-procedure", "没有这个特别程序", "there is no such special procedure"],
            Self::ProcedureAlreadyRequested => ["procedure-already-requested", "同一特别程序已申请或正在进行", "the same special procedure was asked for already"],
            Self::ProcedureNotRequested => ["procedure-not-requested", "该特别程序不在待批准状态", "the special procedure waits for no approval"],
            Self::ProcedureNotOpen => ["procedure-not-open", "没有进行中的特别程序", "no such special procedure is open"],
            Self::ProcedureLimitMissing => ["procedure-limit-missing", "须写明特别程序所需时间", "the time it takes must be stated"],
            Self::ProcedureLimitTooLong => ["procedure-limit-too-long", "超过该事项规定的特别程序时间", "longer than the item allows"],
            Self::ExtensionNotAllowed => ["extension-not-allowed", "该事项不可延期", "the item knows no extension"],
            Self::ExtensionTooLong(_) => ["extension-too-long", "延期不得超过（工作日）", "an extension is at most, in working days"],
            Self::ExtensionTooLate => ["extension-too-late", "法定时限已过，不可延期", "the legal limit is over"],
            Self::AlreadyExtended => ["already-extended", "只能延期一次", "a case is extended once only"],
            Self::ExtensionAlreadyRequested => ["extension-already-requested", "延期已申请", "an extension was asked for already"],
            Self::ExtensionNotRequested => ["extension-not-requested", "没有待批准的延期", "no extension was asked for"],
            Self::NotInstant => ["not-instant", "只有即办件可即时办结", "only instant items are handled at once"],
            Self::NothingToMake => ["nothing-to-make", "没有需要制作的证照或文书", "there is no result to be made"],
            Self::ResultAlreadyMade => ["result-already-made", "证照或文书已制作", "the result was made already"],
            Self::NothingToDeliver => ["nothing-to-deliver", "没有需要送达的决定", "there is no decision to deliver"],
            Self::AlreadyDelivered => ["already-delivered", "已经送达", "it was delivered already"],
            Self::AbortAlreadyRequested => ["abort-already-requested", "异常终止已申请", "ending was asked for already"],
            Self::AbortNotRequested => ["abort-not-requested", "没有待批准的异常终止", "ending was not asked for"],
            Self::MergesIntoItself => ["merges-into-itself", "办件不能并入自身", "a case cannot be merged into itself"],
            Self::NotADuplicate => ["not-a-duplicate", "只能并入同一申请人同一事项的办件", "only a case of the same person for the same item can go on instead"],
            Self::SurvivorClosed => ["survivor-closed", "拟并入的办件已办结", "the case that would go on is closed"],
            Self::NoSuchUrging => ["no-such-urging", "没有这个督办", "there is no such urging"],
            Self::UnknownFact => ["unknown-fact", "本办件没有这条记录", "the case has no such event"],
            Self::NoSuchCorrection => ["no-such-correction", "没有待批准的更正", "no such correction waits for approval"],
            Self::CorrectionOutdated => ["correction-outdated", "原记录与所填不符", "the record does not say what is to be corrected"],
            Self::CorrectionContradicts => ["correction-contradicts", "更正后记录自相矛盾", "the record would contradict itself"],
            Self::NothingToRevoke => ["nothing-to-revoke", "没有可撤销变更注销的准予结果", "nothing was granted that could be revoked"],
            Self::NotDelivered => ["not-delivered", "结果尚未送达", "the result was not delivered yet"],
            Self::PapersMissing => ["papers-missing", "承诺补交的材料尚未到齐", "promised materials are still missing"],
            Self::AlreadyArchived => ["already-archived", "已经归档", "the file is in the archive"],
            Self::ThresholdNotCrossed => ["threshold-not-crossed", "未达到预警条件", "the threshold is not crossed"],
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en())
    }
}

impl std::error::Error for Rejection {}
