//! Urging, and corrections of the record.

use crate::seal::{Act, Flaws, PersonBody, Sealer};
use crate::vault::VaultError;
use chrono::NaiveDate;
use domain::case::CaseCommand;
use domain::event::case::Correction;
use domain::ids::{EventId, OrganisationId, RegionCode};
use serde::Deserialize;
use utoipa::ToSchema;

/// T28 督办.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rule": "JC-01", "content": "请说明超期原因", "due": "2026-09-30"}))]
pub struct UrgeBody {
    /// Who must answer; the holder's organisation if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub organisation: Option<OrganisationId>,
    /// 监察规则编号.
    pub rule: String,
    /// What.
    pub content: String,
    /// To be answered by.
    pub due: NaiveDate,
}

impl Act for UrgeBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.name("/rule", &self.rule);
        flaws.text("/content", &self.content);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::Urge {
            organisation: self.organisation.clone(),
            rule: self.rule.clone(),
            content: sealer.text(&self.content)?,
            due: self.due,
        })
    }
}

/// T28 答复督办.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"urging": 1, "answer": "已加快办理"}))]
pub struct AnswerUrgingBody {
    /// Which.
    pub urging: u16,
    /// What.
    pub answer: String,
}

impl Act for AnswerUrgingBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/answer", &self.answer);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::AnswerUrging { urging: self.urging, answer: sealer.text(&self.answer)? })
    }
}

/// 已阅: every warning of the case that nobody took note of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct ReadWarningBody {}

impl Act for ReadWarningBody {
    fn check(&self, _: &mut Flaws) {}

    fn command(&self, _: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::ReadWarning)
    }
}

/// 预警答复: to every warning of the case that nobody answered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"answer": "已加派人手，明日办结"}))]
pub struct AnswerWarningBody {
    /// What is done about it.
    pub answer: String,
}

impl Act for AnswerWarningBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/answer", &self.answer);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::AnswerWarning { answer: sealer.text(&self.answer)? })
    }
}

/// What is to be corrected, and to what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "field", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CorrectionBody {
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
        #[serde(default)]
        #[schema(value_type = Option<String>)]
        old: Option<RegionCode>,
        /// As it was.
        #[schema(value_type = String)]
        new: RegionCode,
    },
    /// The applicant's own data.
    Applicant {
        /// As they are, in full.
        #[schema(inline)]
        new: PersonBody,
    },
    /// Words, with no effect on any figure.
    Text {
        /// Which words, by the name of their field.
        name: String,
        /// As recorded.
        old: String,
        /// As it should read.
        new: String,
    },
}

/// T29 更正, first act.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "corrects": "01J8Z3M6Q5Y7V9X1B2C3D4E5F6",
    "change": {"field": "accepted-on", "old": "2026-03-02", "new": "2026-02-27"},
    "reason": "录入日期有误"
}))]
pub struct RequestCorrectionBody {
    /// The wrong event.
    #[schema(value_type = String)]
    pub corrects: EventId,
    /// What and how.
    #[schema(inline)]
    pub change: CorrectionBody,
    /// Why.
    pub reason: String,
}

impl Act for RequestCorrectionBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
        match &self.change {
            CorrectionBody::AcceptedOn { .. } | CorrectionBody::ClosedOn { .. } | CorrectionBody::Region { .. } => (),
            CorrectionBody::Applicant { new } => new.check("/change/new", flaws),
            CorrectionBody::Text { name, old, new } => {
                flaws.name("/change/name", name);
                flaws.text("/change/old", old);
                flaws.text("/change/new", new);
            }
        }
    }

    fn persons(&self) -> Vec<&PersonBody> {
        match &self.change {
            CorrectionBody::Applicant { new } => vec![new],
            CorrectionBody::AcceptedOn { .. }
            | CorrectionBody::ClosedOn { .. }
            | CorrectionBody::Region { .. }
            | CorrectionBody::Text { .. } => Vec::new(),
        }
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let change = match &self.change {
            CorrectionBody::AcceptedOn { old, new } => Correction::AcceptedOn { old: *old, new: *new },
            CorrectionBody::ClosedOn { old, new } => Correction::ClosedOn { old: *old, new: *new },
            CorrectionBody::Region { old, new } => Correction::Region { old: old.clone(), new: new.clone() },
            CorrectionBody::Applicant { new } => {
                Correction::Applicant { old: sealer.applicant.clone(), new: sealer.party(new)? }
            }
            CorrectionBody::Text { name, old, new } => {
                Correction::Text { name: name.clone(), old: sealer.text(old)?, new: sealer.text(new)? }
            }
        };
        Ok(CaseCommand::RequestCorrection { corrects: self.corrects, change, reason: sealer.text(&self.reason)? })
    }
}

/// T29, second act, by another person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"correction": 1}))]
pub struct ApproveCorrectionBody {
    /// Which.
    pub correction: u16,
}

impl Act for ApproveCorrectionBody {
    fn check(&self, _: &mut Flaws) {}

    fn command(&self, _: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::ApproveCorrection { correction: self.correction })
    }
}

/// T29, second act, by another person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"correction": 1, "reason": "原记录无误"}))]
pub struct RejectCorrectionBody {
    /// Which.
    pub correction: u16,
    /// Why.
    pub reason: String,
}

impl Act for RejectCorrectionBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::RejectCorrection { correction: self.correction, reason: sealer.text(&self.reason)? })
    }
}
