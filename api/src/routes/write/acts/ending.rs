//! From the decision on, and the other ways a case ends.

use super::{DocumentBody, check_document, given_or_made, optional_document};
use crate::seal::{Act, Flaws, Sealer};
use crate::vault::VaultError;
use chrono::NaiveDate;
use domain::case::CaseCommand;
use domain::event::case::{DecisionOutcome, DeliveryMethod, RevocationKind};
use domain::ids::{CaseId, ExternalNumber};
use serde::Deserialize;
use utoipa::ToSchema;

/// The highest fee, in fen: a million yuan.
const FEE_FEN_MAX: u32 = 100_000_000;

/// T20 决定.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "granted"}))]
pub struct DecideBody {
    /// `granted`, `partly-granted` or `denied`.
    #[schema(value_type = String)]
    pub outcome: DecisionOutcome,
    /// Why; a refusal needs it.
    #[serde(default)]
    pub reason: Option<String>,
    /// How to challenge it: 复议, 诉讼.
    #[serde(default)]
    pub remedy: Option<String>,
}

impl Act for DecideBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.optional("/reason", self.reason.as_deref());
        flaws.optional("/remedy", self.remedy.as_deref());
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::Decide {
            outcome: self.outcome,
            number: sealer.number("JD"),
            reason: sealer.optional(self.reason.as_deref())?,
            remedy: self.remedy.clone(),
        })
    }
}

/// T21 制证.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "最低生活保障证"}))]
pub struct MakeResultBody {
    /// 名称 of the certificate or document, without names of people.
    pub name: String,
    /// Its number; made here if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub number: Option<ExternalNumber>,
    /// Valid until.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
    /// SHA-256 of its bytes, lower-case hex.
    #[serde(default)]
    pub sha256: Option<String>,
}

impl Act for MakeResultBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.name("/name", &self.name);
        flaws.sha256("/sha256", self.sha256.as_deref());
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::MakeResult {
            name: self.name.clone(),
            number: self.number.clone().unwrap_or_else(|| sealer.number("ZZ")),
            valid_until: self.valid_until,
            sha256: self.sha256.clone(),
        })
    }
}

/// T22 出件 and 办结.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"fee_fen": 0}))]
pub struct FinishBody {
    /// 收费, in fen.
    #[serde(default)]
    pub fee_fen: u32,
}

impl Act for FinishBody {
    fn check(&self, flaws: &mut Flaws) {
        if FEE_FEN_MAX < self.fee_fen {
            flaws.add("/fee_fen", "金额过大", "must be at most a million yuan");
        }
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::Finish { stamp: sealer.number("CJ"), fee_fen: self.fee_fen })
    }
}

/// 即时办结: accept, decide and finish in one go, as three events.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "granted"}))]
pub struct HandleAtOnceBody {
    /// `granted`, `partly-granted` or `denied`; `granted` if absent.
    #[serde(default = "granted")]
    #[schema(value_type = String)]
    pub outcome: DecisionOutcome,
    /// Why; a refusal needs it.
    #[serde(default)]
    pub reason: Option<String>,
    /// How to challenge it: 复议, 诉讼.
    #[serde(default)]
    pub remedy: Option<String>,
}

fn granted() -> DecisionOutcome {
    DecisionOutcome::Granted
}

impl Act for HandleAtOnceBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.optional("/reason", self.reason.as_deref());
        flaws.optional("/remedy", self.remedy.as_deref());
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::HandleAtOnce {
            acceptance: sealer.number("SL"),
            decision: sealer.number("JD"),
            outcome: self.outcome,
            reason: sealer.optional(self.reason.as_deref())?,
            remedy: self.remedy.clone(),
            stamp: sealer.number("CJ"),
        })
    }
}

/// T23 送达.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"method": "direct", "recipient": "本人签收"}))]
pub struct DeliverBody {
    /// `direct`, `post`, `electronic`, `leaving` or `public-notice`; `direct` if absent.
    #[serde(default = "direct")]
    #[schema(value_type = String)]
    pub method: DeliveryMethod,
    /// Who took it.
    #[serde(default)]
    pub recipient: Option<String>,
    /// 送达回证; made here if absent.
    #[serde(default)]
    #[schema(inline)]
    pub proof: Option<DocumentBody>,
}

fn direct() -> DeliveryMethod {
    DeliveryMethod::Direct
}

impl Act for DeliverBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.optional("/recipient", self.recipient.as_deref());
        check_document("/proof", self.proof.as_ref(), flaws);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::Deliver {
            method: self.method,
            recipient: sealer.optional(self.recipient.as_deref())?,
            proof: Some(given_or_made(self.proof.as_ref(), "SD", sealer)),
        })
    }
}

/// T24 撤回.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "不再需要"}))]
pub struct WithdrawBody {
    /// Why.
    pub reason: String,
    /// What shows that it is the applicant's act, where staff key it in.
    #[serde(default)]
    #[schema(inline)]
    pub evidence: Option<DocumentBody>,
}

impl Act for WithdrawBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
        check_document("/evidence", self.evidence.as_ref(), flaws);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let evidence = optional_document(self.evidence.as_ref(), "CH", sealer);
        Ok(CaseCommand::Withdraw { reason: sealer.text(&self.reason)?, evidence })
    }
}

/// T25 退件.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "网上提交的照片无法辨认"}))]
pub struct ReturnBody {
    /// Why.
    pub reason: String,
}

impl Act for ReturnBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::Return { reason: sealer.text(&self.reason)? })
    }
}

/// T26 异常终止, first act.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "申请人死亡"}))]
pub struct RequestAbortBody {
    /// Why.
    pub reason: String,
}

impl Act for RequestAbortBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::RequestAbort { reason: sealer.text(&self.reason)? })
    }
}

/// T26, second act, by another person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct ApproveAbortBody {}

impl Act for ApproveAbortBody {
    fn check(&self, _: &mut Flaws) {}

    fn command(&self, _: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::ApproveAbort)
    }
}

/// T26, second act, by another person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "仍可继续办理"}))]
pub struct RejectAbortBody {
    /// Why.
    pub reason: String,
}

impl Act for RejectAbortBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::RejectAbort { reason: sealer.text(&self.reason)? })
    }
}

/// 并件.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"into": "01KH9Z6V0000000000000000AA", "reason": "同一事项在两个乡镇重复申请"}))]
pub struct MergeBody {
    /// The case that goes on.
    #[schema(value_type = String)]
    pub into: CaseId,
    /// Why.
    pub reason: String,
}

impl Act for MergeBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
    }

    fn other_case(&self) -> Option<CaseId> {
        Some(self.into)
    }

    #[expect(clippy::expect_used, reason = "the case that the body names is looked up before it is sealed")]
    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let into = sealer.other.clone().expect("the other case was looked up");
        Ok(CaseCommand::Merge { from: sealer.case, into, reason: sealer.text(&self.reason)? })
    }
}

/// T30 撤销、变更、注销.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "revoked", "basis": "行政许可法第六十九条", "on": "2026-09-01", "reason": "以欺骗手段取得"}))]
pub struct RevokeResultBody {
    /// `revoked`, `changed` or `cancelled`.
    #[schema(value_type = String)]
    pub kind: RevocationKind,
    /// The legal basis.
    pub basis: String,
    /// Since when.
    pub on: NaiveDate,
    /// Why.
    pub reason: String,
}

impl Act for RevokeResultBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.name("/basis", &self.basis);
        flaws.text("/reason", &self.reason);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let reason = sealer.text(&self.reason)?;
        Ok(CaseCommand::RevokeResult { kind: self.kind, basis: self.basis.clone(), on: self.on, reason })
    }
}

/// T32 归档.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}))]
pub struct ArchiveBody {
    /// The package's number; made here if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub package: Option<ExternalNumber>,
    /// SHA-256 of the package, lower-case hex.
    pub sha256: String,
}

impl Act for ArchiveBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.sha256("/sha256", Some(&self.sha256));
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let package = self.package.clone().unwrap_or_else(|| sealer.number("GD"));
        Ok(CaseCommand::Archive { package, sha256: self.sha256.clone() })
    }
}
