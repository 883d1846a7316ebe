//! Between acceptance and decision.

use super::{DocumentBody, LimitBody, check_document, given_or_made, optional_document};
use crate::seal::{Act, Flaws, Sealer};
use crate::vault::VaultError;
use chrono::NaiveDate;
use domain::case::CaseCommand;
use domain::clock::Limit;
use domain::event::case::StepOutcome;
use domain::ids::{MaterialCode, OrganisationId, StaffId, StepCode};
use serde::Deserialize;
use utoipa::ToSchema;

/// The most organisations that one consultation asks.
const CONSULTED_MAX: usize = 20;

/// T12 分派.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "361023100"}))]
pub struct RouteBody {
    /// To which organisation.
    #[schema(value_type = String)]
    pub to: OrganisationId,
    /// For which step; the item's first open one if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub step: Option<StepCode>,
}

impl Act for RouteBody {
    fn check(&self, _: &mut Flaws) {}

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let (to, step) = (self.to.clone(), self.step.clone());
        Ok(CaseCommand::Route { to, step, hand_over: sealer.number("JJ") })
    }
}

/// T12 签收.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct ClaimBody {}

impl Act for ClaimBody {
    fn check(&self, _: &mut Flaws) {}

    fn command(&self, _: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::Claim)
    }
}

/// T12 退回待办.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "休假"}))]
pub struct ReleaseBody {
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Act for ReleaseBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.optional("/reason", self.reason.as_deref());
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::Release { reason: sealer.optional(self.reason.as_deref())? })
    }
}

/// T12 改派.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "handler-02", "reason": "工作调整"}))]
pub struct ReassignBody {
    /// To whom.
    #[schema(value_type = String)]
    pub to: StaffId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Act for ReassignBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.optional("/reason", self.reason.as_deref());
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::Reassign { to: self.to.clone(), reason: sealer.optional(self.reason.as_deref())? })
    }
}

/// T13 环节开始.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"step": "review"}))]
pub struct StartStepBody {
    /// Which step of the item.
    #[schema(value_type = String)]
    pub step: StepCode,
}

impl Act for StartStepBody {
    fn check(&self, _: &mut Flaws) {}

    fn command(&self, _: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::StartStep { step: self.step.clone() })
    }
}

/// T13 环节完成.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"step": "review", "outcome": "passed", "opinion": "材料属实"}))]
pub struct FinishStepBody {
    /// Which step of the item.
    #[schema(value_type = String)]
    pub step: StepCode,
    /// `passed`, `returned` or `other`; `passed` if absent.
    #[serde(default = "passed")]
    #[schema(value_type = String)]
    pub outcome: StepOutcome,
    /// 意见.
    #[serde(default)]
    pub opinion: Option<String>,
}

fn passed() -> StepOutcome {
    StepOutcome::Passed
}

impl Act for FinishStepBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.optional("/opinion", self.opinion.as_deref());
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let opinion = sealer.optional(self.opinion.as_deref())?;
        Ok(CaseCommand::FinishStep { step: self.step.clone(), outcome: self.outcome, opinion })
    }
}

/// T14 退回上一环节.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "home-visit", "reason": "调查记录不完整"}))]
pub struct SendBackBody {
    /// To which step.
    #[schema(value_type = String)]
    pub to: StepCode,
    /// Why.
    pub reason: String,
}

impl Act for SendBackBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::SendBack { to: self.to.clone(), reason: sealer.text(&self.reason)? })
    }
}

/// T15 会签.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"organisations": ["361023000"], "question": "请核实车辆登记情况", "due": "2026-09-30"}))]
pub struct ConsultBody {
    /// Who is asked.
    #[schema(value_type = Vec<String>)]
    pub organisations: Vec<OrganisationId>,
    /// What.
    pub question: String,
    /// To be answered by.
    pub due: NaiveDate,
}

impl Act for ConsultBody {
    fn check(&self, flaws: &mut Flaws) {
        if CONSULTED_MAX < self.organisations.len() {
            flaws.add("/organisations", "会签单位过多", format!("must have at most {CONSULTED_MAX} entries"));
        }
        flaws.text("/question", &self.question);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let question = sealer.text(&self.question)?;
        Ok(CaseCommand::Consult { organisations: self.organisations.clone(), question, due: self.due })
    }
}

/// T15 答复会签.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"consultation": 1, "answer": "名下无车辆"}))]
pub struct AnswerConsultationBody {
    /// Which.
    pub consultation: u16,
    /// What.
    pub answer: String,
}

impl Act for AnswerConsultationBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/answer", &self.answer);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let answer = sealer.text(&self.answer)?;
        Ok(CaseCommand::AnswerConsultation { consultation: self.consultation, answer })
    }
}

/// T17 特别程序, first act.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "专家评审", "reason": "需组织专家评审", "limit": {"days": 10}}))]
pub struct RequestSpecialProcedureBody {
    /// Its kind, by the name the item lists, or another.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// How long; the item's own limit if absent.
    #[serde(default)]
    #[schema(inline)]
    pub limit: Option<LimitBody>,
    /// 特别程序告知书 to the applicant, where it was given.
    #[serde(default)]
    #[schema(inline)]
    pub notice: Option<DocumentBody>,
}

impl Act for RequestSpecialProcedureBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.name("/kind", &self.kind);
        flaws.text("/reason", &self.reason);
        check_document("/notice", self.notice.as_ref(), flaws);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::RequestSpecialProcedure {
            kind: self.kind.trim().to_owned(),
            reason: sealer.text(&self.reason)?,
            limit: self.limit.map(Limit::from),
            notice: optional_document(self.notice.as_ref(), "TB", sealer),
        })
    }
}

/// T17, second act, by another person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"procedure": 1}))]
pub struct ApproveSpecialProcedureBody {
    /// Which.
    pub procedure: u16,
}

impl Act for ApproveSpecialProcedureBody {
    fn check(&self, _: &mut Flaws) {}

    fn command(&self, _: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::ApproveSpecialProcedure { procedure: self.procedure })
    }
}

/// T17, second act, by another person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"procedure": 1, "reason": "不属于法定情形"}))]
pub struct RejectSpecialProcedureBody {
    /// Which.
    pub procedure: u16,
    /// Why.
    pub reason: String,
}

impl Act for RejectSpecialProcedureBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let reason = sealer.text(&self.reason)?;
        Ok(CaseCommand::RejectSpecialProcedure { procedure: self.procedure, reason })
    }
}

/// T18 特别程序结束.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"procedure": 1, "result": "评审通过"}))]
pub struct CloseSpecialProcedureBody {
    /// Which.
    pub procedure: u16,
    /// What came of it.
    pub result: String,
}

impl Act for CloseSpecialProcedureBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/result", &self.result);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let result = sealer.text(&self.result)?;
        Ok(CaseCommand::CloseSpecialProcedure { procedure: self.procedure, result })
    }
}

/// T19 延期, first act.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"days": 10, "reason": "案情复杂"}))]
pub struct RequestExtensionBody {
    /// Working days.
    pub days: u16,
    /// Why.
    pub reason: String,
}

impl Act for RequestExtensionBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
        if self.days == 0 {
            flaws.add("/days", "至少一个工作日", "must be at least one working day");
        }
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::RequestExtension { days: self.days, reason: sealer.text(&self.reason)? })
    }
}

/// T19, second act, by the head of the organ.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct ApproveExtensionBody {
    /// 延期告知书; its number is made here if absent.
    #[serde(default)]
    #[schema(inline)]
    pub notice: Option<DocumentBody>,
}

impl Act for ApproveExtensionBody {
    fn check(&self, flaws: &mut Flaws) {
        check_document("/notice", self.notice.as_ref(), flaws);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::ApproveExtension { notice: given_or_made(self.notice.as_ref(), "YQ", sealer) })
    }
}

/// T19, second act.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "理由不充分"}))]
pub struct RejectExtensionBody {
    /// Why.
    pub reason: String,
}

impl Act for RejectExtensionBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::RejectExtension { reason: sealer.text(&self.reason)? })
    }
}

/// T27 转报.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"package": ["ID", "HK"]}))]
pub struct ForwardBody {
    /// To where; the deciding organisation if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub to: Option<OrganisationId>,
    /// What goes with it, and stands on the hand-over list (交接单); all that the case holds if empty.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub package: Vec<MaterialCode>,
}

impl Act for ForwardBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.list("/package", &self.package);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let (to, package) = (self.to.clone(), self.package.clone());
        Ok(CaseCommand::Forward { to, package, hand_over: Some(sealer.number("JJ")) })
    }
}
