//! The acts a case knows: their names, their labels, and in which phases each is at home.

use super::{CaseCommand, Phase, Rejection};
use std::fmt;
use std::str::FromStr;

/// An act on a case, without what it carries. The names are those of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// T1 申请.
    Submit,
    /// A paper came in.
    AttachMaterial,
    /// 免证: a certificate stands for a paper.
    ReplaceMaterial,
    /// 数据共享: the city's data are asked instead.
    CheckDataShare,
    /// T2 收件.
    Receive,
    /// T3 即时告知不受理.
    NotRequired,
    /// T4 不予受理.
    RefuseIntake,
    /// T5 当场更正.
    CorrectOnTheSpot,
    /// T6, T16 一次性告知.
    IssueNotice,
    /// T7 补正.
    Supplement,
    /// T8 逾期未补正.
    Lapse,
    /// T9, T11 受理.
    Accept,
    /// T10 视为受理.
    DeemAccepted,
    /// T12 分派.
    Route,
    /// T12 签收.
    Claim,
    /// T12 退回待办.
    Release,
    /// T12 改派.
    Reassign,
    /// T13 环节开始.
    StartStep,
    /// T13 环节完成.
    FinishStep,
    /// T14 退回上一环节.
    SendBack,
    /// T15 会签.
    Consult,
    /// T15 答复会签.
    AnswerConsultation,
    /// T17, first act.
    RequestSpecialProcedure,
    /// T17, second act.
    ApproveSpecialProcedure,
    /// T17, second act.
    RejectSpecialProcedure,
    /// T18 特别程序结束.
    CloseSpecialProcedure,
    /// T19, first act.
    RequestExtension,
    /// T19, second act.
    ApproveExtension,
    /// T19, second act.
    RejectExtension,
    /// A calendar moved running deadlines.
    RecomputeDeadlines,
    /// T20 决定.
    Decide,
    /// T21 制证.
    MakeResult,
    /// T22 出件 and 办结.
    Finish,
    /// T9, T20, T22 即时办结.
    HandleAtOnce,
    /// T23 送达.
    Deliver,
    /// T24 撤回.
    Withdraw,
    /// T25 退件.
    Return,
    /// T26, first act.
    RequestAbort,
    /// T26, second act.
    ApproveAbort,
    /// T26, second act.
    RejectAbort,
    /// 并件.
    Merge,
    /// T27 转报.
    Forward,
    /// T28 督办.
    Urge,
    /// T28 答复督办.
    AnswerUrging,
    /// 已阅预警.
    ReadWarning,
    /// 答复预警.
    AnswerWarning,
    /// T29, first act.
    RequestCorrection,
    /// T29, second act.
    ApproveCorrection,
    /// T29, second act.
    RejectCorrection,
    /// T30 撤销、变更、注销.
    RevokeResult,
    /// 帮办代办.
    RecordConsent,
    /// 帮办代办.
    WithdrawConsent,
    /// T32 归档.
    Archive,
    /// 预警.
    RaiseWarning,
}

use Action::*;
use Phase::{
    Accepted, Decided, Finished, InReview, Legacy, Received, ResultReady, Submitted, SupplementPending, Suspended,
    Unopened,
};

/// Every phase in which the case is under way and undecided.
const UNDECIDED: &[Phase] = &[Submitted, Received, SupplementPending, Accepted, InReview, Suspended];
/// Every phase in which the case is under way.
const OPEN: &[Phase] = &[Submitted, Received, SupplementPending, Accepted, InReview, Suspended, Decided, ResultReady];
/// Every phase of a case that exists here.
const EVER: &[Phase] =
    &[Submitted, Received, SupplementPending, Accepted, InReview, Suspended, Decided, ResultReady, Finished];
/// Work on an accepted case goes on, also while a procedure runs.
const UNDER_WAY: &[Phase] = &[Accepted, InReview, Suspended];

impl Action {
    /// Every act, in the order of the transition table.
    pub const ALL: [Self; 54] = [
        Submit,
        AttachMaterial,
        ReplaceMaterial,
        CheckDataShare,
        Receive,
        NotRequired,
        RefuseIntake,
        CorrectOnTheSpot,
        IssueNotice,
        Supplement,
        Lapse,
        Accept,
        DeemAccepted,
        Route,
        Claim,
        Release,
        Reassign,
        StartStep,
        FinishStep,
        SendBack,
        Consult,
        AnswerConsultation,
        RequestSpecialProcedure,
        ApproveSpecialProcedure,
        RejectSpecialProcedure,
        CloseSpecialProcedure,
        RequestExtension,
        ApproveExtension,
        RejectExtension,
        RecomputeDeadlines,
        Decide,
        MakeResult,
        Finish,
        HandleAtOnce,
        Deliver,
        Withdraw,
        Return,
        RequestAbort,
        ApproveAbort,
        RejectAbort,
        Merge,
        Forward,
        Urge,
        AnswerUrging,
        ReadWarning,
        AnswerWarning,
        RequestCorrection,
        ApproveCorrection,
        RejectCorrection,
        RevokeResult,
        RecordConsent,
        WithdrawConsent,
        Archive,
        RaiseWarning,
    ];

    /// Returns the name in paths, the label in Chinese and the label in English.
    #[must_use]
    pub fn names(self) -> [&'static str; 3] {
        match self {
            Submit => ["submit", "申请", "Apply"],
            AttachMaterial => ["attach-material", "上传材料", "Attach a material"],
            ReplaceMaterial => ["replace-material", "电子证照免交", "Let a certificate stand for a paper"],
            CheckDataShare => ["check-data-share", "数据共享核验", "Ask the city's data instead of a paper"],
            Receive => ["receive", "收件", "Receive"],
            NotRequired => ["not-required", "即时告知不受理", "Tell that no application is needed"],
            RefuseIntake => ["refuse-intake", "不予受理", "Refuse intake"],
            CorrectOnTheSpot => ["correct-on-the-spot", "当场更正", "Correct on the spot"],
            IssueNotice => ["issue-notice", "一次性告知", "Issue the one-time notice"],
            Supplement => ["supplement", "补正", "Supplement"],
            Lapse => ["lapse", "逾期未补正", "Confirm that the supplement lapsed"],
            Accept => ["accept", "受理", "Accept"],
            DeemAccepted => ["deem-accepted", "视为受理", "Deem accepted"],
            Route => ["route", "分派", "Route"],
            Claim => ["claim", "签收", "Claim"],
            Release => ["release", "退回待办", "Release"],
            Reassign => ["reassign", "改派", "Reassign"],
            StartStep => ["start-step", "开始环节", "Start a step"],
            FinishStep => ["finish-step", "完成环节", "Finish a step"],
            SendBack => ["send-back", "退回上一环节", "Send back"],
            Consult => ["consult", "发起会签", "Consult"],
            AnswerConsultation => ["answer-consultation", "答复会签", "Answer a consultation"],
            RequestSpecialProcedure => {
                ["request-open-special-procedure", "申请特别程序", "Ask for a special procedure"]
            }
            ApproveSpecialProcedure => {
                ["approve-open-special-procedure", "批准特别程序", "Approve a special procedure"]
            }
            RejectSpecialProcedure => ["reject-open-special-procedure", "不批准特别程序", "Reject a special procedure"],
            CloseSpecialProcedure => ["close-special-procedure", "结束特别程序", "Close a special procedure"],
            RequestExtension => ["request-extend", "申请延期", "Ask for an extension"],
            ApproveExtension => ["approve-extend", "批准延期", "Approve the extension"],
            RejectExtension => ["reject-extend", "不批准延期", "Reject the extension"],
            RecomputeDeadlines => ["recompute-deadlines", "重算时限", "Count deadlines anew"],
            Decide => ["decide", "决定", "Decide"],
            MakeResult => ["make-result", "制证", "Make the result"],
            Finish => ["finish", "出件办结", "Stamp and finish"],
            HandleAtOnce => ["handle-at-once", "即时办结", "Handle at once"],
            Deliver => ["deliver", "送达", "Deliver"],
            Withdraw => ["withdraw", "撤回", "Withdraw"],
            Return => ["return", "退件", "Return"],
            RequestAbort => ["request-abort", "申请异常终止", "Ask to abort"],
            ApproveAbort => ["approve-abort", "批准异常终止", "Approve aborting"],
            RejectAbort => ["reject-abort", "不批准异常终止", "Reject aborting"],
            Merge => ["merge", "并件", "Merge into another case"],
            Forward => ["forward", "转报", "Forward"],
            Urge => ["urge", "督办", "Urge"],
            AnswerUrging => ["answer-urging", "答复督办", "Answer an urging"],
            ReadWarning => ["read-warning", "已阅预警", "Take note of a warning"],
            AnswerWarning => ["answer-warning", "答复预警", "Answer a warning"],
            RequestCorrection => ["request-correct-record", "申请更正记录", "Ask for a correction of the record"],
            ApproveCorrection => ["approve-correct-record", "批准更正记录", "Approve a correction of the record"],
            RejectCorrection => ["reject-correct-record", "不批准更正记录", "Reject a correction of the record"],
            RevokeResult => ["revoke-result", "撤销变更注销", "Revoke, change or cancel the result"],
            RecordConsent => ["record-consent", "登记帮办代办同意", "Record the consent to being helped"],
            WithdrawConsent => ["withdraw-consent", "撤回帮办代办同意", "Take the consent to being helped back"],
            Archive => ["archive", "归档", "Archive"],
            RaiseWarning => ["raise-warning", "预警", "Raise a warning"],
        }
    }

    /// Returns its name in paths.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.names()[0]
    }

    /// Returns the phases in which it may happen, in the order of a life.
    #[must_use]
    pub fn phases(self) -> &'static [Phase] {
        match self {
            Submit => &[Unopened],
            Receive => &[Submitted],
            NotRequired | RefuseIntake => &[Received],
            CorrectOnTheSpot => &[Submitted, Received, SupplementPending],
            IssueNotice => &[Received, SupplementPending, Accepted, InReview],
            Supplement | Lapse => &[SupplementPending],
            Accept | DeemAccepted | HandleAtOnce => &[Received],
            Route | SendBack | Consult | Forward => &[Accepted, InReview],
            // The last steps, such as making the result, come after the decision.
            StartStep => &[Submitted, Received, Accepted, InReview, Suspended, Decided, ResultReady],
            FinishStep => OPEN,
            RequestSpecialProcedure | ApproveSpecialProcedure | RejectSpecialProcedure => UNDER_WAY,
            RequestExtension | ApproveExtension | RejectExtension => UNDER_WAY,
            CloseSpecialProcedure => &[Suspended],
            RecomputeDeadlines => &[SupplementPending, Accepted, InReview, Suspended, Decided, ResultReady],
            Decide => &[Accepted, InReview],
            MakeResult => &[Accepted, InReview, Decided],
            Finish => &[Decided, ResultReady],
            Deliver => &[Decided, ResultReady, Finished],
            Withdraw | Return | Merge | ReplaceMaterial | CheckDataShare => UNDECIDED,
            Claim | Release | Reassign | RequestAbort | ApproveAbort | RejectAbort | Urge => OPEN,
            AttachMaterial | AnswerConsultation | AnswerUrging | RaiseWarning => EVER,
            ReadWarning | AnswerWarning => EVER,
            RequestCorrection | ApproveCorrection | RejectCorrection | RecordConsent | WithdrawConsent => EVER,
            RevokeResult | Archive => &[Finished],
        }
    }

    /// Returns whether only the rules do this, and no person.
    #[must_use]
    pub fn is_automatic(self) -> bool {
        matches!(self, DeemAccepted | RecomputeDeadlines | RaiseWarning)
    }

    /// Returns its label in Chinese.
    #[must_use]
    pub fn label_zh(self) -> &'static str {
        self.names()[1]
    }

    /// Returns its label in English.
    #[must_use]
    pub fn label_en(self) -> &'static str {
        self.names()[2]
    }

    /// Judges whether the act is at home in this phase.
    ///
    /// # Errors
    /// What the case is not yet, or is already.
    pub fn in_phase(self, phase: Phase) -> Result<(), Rejection> {
        let phases = self.phases();
        if phases.contains(&phase) {
            return Ok(());
        }
        let first = phases.first().copied().unwrap_or(Unopened);
        Err(match phase {
            Unopened => Rejection::NotSubmitted,
            Legacy => Rejection::LegacyCase,
            Finished => Rejection::AlreadyClosed,
            // Home again when the procedure ends, or the supplement is there.
            Suspended if phases.contains(&InReview) => Rejection::WhileSuspended,
            SupplementPending if phases.contains(&InReview) || phases.contains(&Received) => {
                Rejection::WhileSupplementPending
            }
            _ if phase < first => not_yet(first),
            _ => already(phase),
        })
    }
}

/// What the case is not yet, for an act at home only from this phase on.
fn not_yet(first: Phase) -> Rejection {
    match first {
        Unopened | Submitted => Rejection::NotSubmitted,
        Received => Rejection::NotReceived,
        SupplementPending => Rejection::NoNoticeOpen,
        Accepted | InReview => Rejection::NotAccepted,
        Suspended => Rejection::ProcedureNotOpen,
        Decided | ResultReady => Rejection::NotDecided,
        Finished | Legacy => Rejection::NotClosed,
    }
}

/// What the case is already, in this phase.
fn already(phase: Phase) -> Rejection {
    match phase {
        Unopened | Submitted => Rejection::AlreadySubmitted,
        Received | SupplementPending => Rejection::AlreadyReceived,
        Accepted | InReview | Suspended => Rejection::AlreadyAccepted,
        Decided | ResultReady => Rejection::AlreadyDecided,
        Finished | Legacy => Rejection::AlreadyClosed,
    }
}

impl CaseCommand {
    /// Returns which act it asks for.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Submit(_) => Submit,
            Self::AttachMaterial(_) => AttachMaterial,
            Self::ReplaceMaterial { .. } => ReplaceMaterial,
            Self::CheckDataShare { .. } => CheckDataShare,
            Self::Receive { .. } => Receive,
            Self::NotRequired { .. } => NotRequired,
            Self::RefuseIntake { .. } => RefuseIntake,
            Self::CorrectOnTheSpot { .. } => CorrectOnTheSpot,
            Self::IssueNotice { .. } => IssueNotice,
            Self::Supplement { .. } => Supplement,
            Self::Lapse { .. } => Lapse,
            Self::Accept { .. } => Accept,
            Self::DeemAccepted => DeemAccepted,
            Self::Route { .. } => Route,
            Self::Claim => Claim,
            Self::Release { .. } => Release,
            Self::Reassign { .. } => Reassign,
            Self::StartStep { .. } => StartStep,
            Self::FinishStep { .. } => FinishStep,
            Self::SendBack { .. } => SendBack,
            Self::Consult { .. } => Consult,
            Self::AnswerConsultation { .. } => AnswerConsultation,
            Self::RequestSpecialProcedure { .. } => RequestSpecialProcedure,
            Self::ApproveSpecialProcedure { .. } => ApproveSpecialProcedure,
            Self::RejectSpecialProcedure { .. } => RejectSpecialProcedure,
            Self::CloseSpecialProcedure { .. } => CloseSpecialProcedure,
            Self::RequestExtension { .. } => RequestExtension,
            Self::ApproveExtension { .. } => ApproveExtension,
            Self::RejectExtension { .. } => RejectExtension,
            Self::RecomputeDeadlines => RecomputeDeadlines,
            Self::Decide { .. } => Decide,
            Self::MakeResult { .. } => MakeResult,
            Self::Finish { .. } => Finish,
            Self::HandleAtOnce { .. } => HandleAtOnce,
            Self::Deliver { .. } => Deliver,
            Self::Withdraw { .. } => Withdraw,
            Self::Return { .. } => Return,
            Self::RequestAbort { .. } => RequestAbort,
            Self::ApproveAbort => ApproveAbort,
            Self::RejectAbort { .. } => RejectAbort,
            Self::Merge { .. } => Merge,
            Self::Forward { .. } => Forward,
            Self::Urge { .. } => Urge,
            Self::AnswerUrging { .. } => AnswerUrging,
            Self::ReadWarning => ReadWarning,
            Self::AnswerWarning { .. } => AnswerWarning,
            Self::RequestCorrection { .. } => RequestCorrection,
            Self::ApproveCorrection { .. } => ApproveCorrection,
            Self::RejectCorrection { .. } => RejectCorrection,
            Self::RevokeResult { .. } => RevokeResult,
            Self::RecordConsent { .. } => RecordConsent,
            Self::WithdrawConsent { .. } => WithdrawConsent,
            Self::Archive { .. } => Archive,
            Self::RaiseWarning { .. } => RaiseWarning,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No act has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no action {0:?} on a case")]
pub struct ActionError(pub String);

impl FromStr for Action {
    type Err = ActionError;
    fn from_str(name: &str) -> Result<Self, ActionError> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == name)
            .ok_or_else(|| ActionError(name.chars().take(48).collect()))
    }
}
