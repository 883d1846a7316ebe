//! From the window to acceptance.

use super::{DocumentBody, MaterialBody, check_document, given_or_made, optional_document, presented};
use crate::seal::{self, Act, Flaws, Found, Need, Sealer};
use crate::vault::VaultError;
use chrono::NaiveDate;
use domain::case::CaseCommand;
use domain::event::case::{AcceptanceKind, Missing};
use domain::ids::MaterialCode;
use serde::Deserialize;
use utoipa::ToSchema;

/// T2 收件.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"materials": [{"code": "ID", "how": "original"}]}))]
pub struct ReceiveBody {
    /// 收到材料之日; the day of the act if absent.
    #[serde(default)]
    pub materials_received_on: Option<NaiveDate>,
    /// What lay there.
    #[serde(default)]
    #[schema(inline)]
    pub materials: Vec<MaterialBody>,
}

impl Act for ReceiveBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.list("/materials", &self.materials);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let code = seal::rating_code(sealer.vault, sealer.context, sealer.command);
        Ok(CaseCommand::Receive {
            receipt: sealer.number("SJ"),
            materials_received_on: self.materials_received_on,
            materials: presented(&self.materials),
            rating_code_digest: seal::rating_code_digest(sealer.vault, sealer.context, &code),
        })
    }
}

/// T3 即时告知不受理.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "该事项无需办理许可", "basis": "行政许可法第三十二条第一款第一项"}))]
pub struct NotRequiredBody {
    /// Why.
    pub reason: String,
    /// The legal reason.
    pub basis: String,
}

impl Act for NotRequiredBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
        flaws.name("/basis", &self.basis);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::NotRequired { reason: sealer.text(&self.reason)?, basis: self.basis.clone() })
    }
}

/// T4 不予受理.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "不属于本机关职权范围", "competent_organ": "南丰县民政局"}))]
pub struct RefuseIntakeBody {
    /// Why.
    pub reason: String,
    /// The organ the applicant was told of.
    pub competent_organ: String,
    /// 不予受理告知书; its number is made here if absent.
    #[serde(default)]
    #[schema(inline)]
    pub notice: Option<DocumentBody>,
}

impl Act for RefuseIntakeBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.text("/reason", &self.reason);
        flaws.name("/competent_organ", &self.competent_organ);
        check_document("/notice", self.notice.as_ref(), flaws);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::RefuseIntake {
            reason: sealer.text(&self.reason)?,
            competent_organ: self.competent_organ.clone(),
            notice: given_or_made(self.notice.as_ref(), "BS", sealer),
        })
    }
}

/// T5 当场更正.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"field": "address", "old": "琴城镇", "new": "琴城镇琴台路8号"}))]
pub struct CorrectOnTheSpotBody {
    /// Which field of the form.
    pub field: String,
    /// What it said.
    pub old: String,
    /// What it says.
    pub new: String,
}

impl Act for CorrectOnTheSpotBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.name("/field", &self.field);
        flaws.text("/old", &self.old);
        flaws.text("/new", &self.new);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let (old, new) = (sealer.text(&self.old)?, sealer.text(&self.new)?);
        Ok(CaseCommand::CorrectOnTheSpot { field: self.field.clone(), old, new })
    }
}

/// One thing that is missing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingBody {
    /// Which material.
    #[schema(value_type = String, example = "HK")]
    pub code: MaterialCode,
    /// What is wrong with it; absent if it is simply not there.
    #[serde(default)]
    pub defect: Option<String>,
}

/// T6, T16 一次性告知.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"missing": [{"code": "HK", "defect": "缺户主页"}], "method": "hand"}))]
pub struct IssueNoticeBody {
    /// All that is missing.
    #[schema(inline)]
    pub missing: Vec<MissingBody>,
    /// How it is handed over: `hand`, `post`, `sms` or `app`; `hand` if absent.
    #[serde(default)]
    #[schema(inline)]
    pub method: NoticeMethod,
}

/// How a notice is handed over.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeMethod {
    /// 当面.
    #[default]
    Hand,
    /// 邮寄.
    Post,
    /// 短信.
    Sms,
    /// 应用内.
    App,
}

impl NoticeMethod {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hand => "hand",
            Self::Post => "post",
            Self::Sms => "sms",
            Self::App => "app",
        }
    }
}

impl Act for IssueNoticeBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.list("/missing", &self.missing);
        for (place, missing) in self.missing.iter().enumerate() {
            flaws.optional(&format!("/missing/{place}/defect"), missing.defect.as_deref());
        }
    }

    fn needs(&self) -> Need<'_> {
        Need::Library
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let missing = self.missing.iter().map(|missing| {
            Ok(Missing { code: missing.code.clone(), defect: sealer.optional(missing.defect.as_deref())? })
        });
        let missing = missing.collect::<Result<_, VaultError>>()?;
        let in_library = match sealer.found {
            Found::Library(codes) => codes.clone(),
            Found::Nothing | Found::Certificate(_) | Found::DataShare(_) => return Err(VaultError::Broken),
        };
        let (number, method) = (sealer.number("BZ"), self.method.as_str().into());
        Ok(CaseCommand::IssueNotice { number, missing, in_library, method })
    }
}

/// T7 补正.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"materials": [{"code": "HK", "how": "original"}]}))]
pub struct SupplementBody {
    /// What came.
    #[schema(inline)]
    pub materials: Vec<MaterialBody>,
}

impl Act for SupplementBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.list("/materials", &self.materials);
    }

    fn command(&self, _: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::Supplement { materials: presented(&self.materials) })
    }
}

/// T8 逾期未补正, confirmed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reminders": ["短信回执 2026-03-02"]}))]
pub struct LapseBody {
    /// Proofs of reminding: numbers of papers, not words about people.
    #[serde(default)]
    pub reminders: Vec<String>,
}

impl Act for LapseBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.list("/reminders", &self.reminders);
        for (place, reminder) in self.reminders.iter().enumerate() {
            flaws.name(&format!("/reminders/{place}"), reminder);
        }
    }

    fn command(&self, _: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::Lapse { reminders: self.reminders.clone() })
    }
}

/// How a case is accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptKind {
    /// 受理.
    #[default]
    Normal,
    /// 容缺受理.
    Tolerant,
    /// 告知承诺.
    Commitment,
}

/// T9, T11 受理.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "normal"}))]
pub struct AcceptBody {
    /// How; normally if absent.
    #[serde(default)]
    #[schema(inline)]
    pub kind: AcceptKind,
    /// Accepted without these.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub missing: Vec<MaterialCode>,
    /// They are promised for.
    #[serde(default)]
    pub promised_materials_by: Option<NaiveDate>,
    /// The signed commitment.
    #[serde(default)]
    #[schema(inline)]
    pub commitment: Option<DocumentBody>,
}

impl Act for AcceptBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.list("/missing", &self.missing);
        check_document("/commitment", self.commitment.as_ref(), flaws);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        let kind = match self.kind {
            AcceptKind::Normal => AcceptanceKind::Normal,
            AcceptKind::Tolerant => AcceptanceKind::Tolerant,
            AcceptKind::Commitment => AcceptanceKind::Commitment,
        };
        Ok(CaseCommand::Accept {
            number: sealer.number("SL"),
            kind,
            missing: self.missing.clone(),
            promised_materials_by: self.promised_materials_by,
            commitment: optional_document(self.commitment.as_ref(), "CN", sealer),
        })
    }
}
