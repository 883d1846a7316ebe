//! 免证办: what stands for a paper.

use crate::seal::{Act, Flaws, Found, Need, Sealer};
use crate::vault::VaultError;
use domain::case::CaseCommand;
use domain::ids::{CertificateId, MaterialCode, SubjectId};
use serde::Deserialize;
use utoipa::ToSchema;

/// A certificate stands for a paper.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "HK", "certificate": "01KH9Z6V0000000000000000AD"}))]
pub struct ReplaceMaterialBody {
    /// Which of the item's materials.
    #[schema(value_type = String)]
    pub code: MaterialCode,
    /// By which certificate; `GET /cases/{id}/certificates` tells which could.
    #[schema(value_type = String)]
    pub certificate: CertificateId,
}

impl Act for ReplaceMaterialBody {
    fn check(&self, _: &mut Flaws) {}

    fn needs(&self) -> Need<'_> {
        Need::Certificate(self.certificate)
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        match sealer.found {
            Found::Certificate(reliance) => {
                Ok(CaseCommand::ReplaceMaterial { code: self.code.clone(), reliance: reliance.clone() })
            }
            Found::Nothing | Found::Library(_) | Found::DataShare(_) => Err(VaultError::Broken),
        }
    }
}

/// The city's data are asked instead of the applicant. Whatever comes of it is on record; `outcome` in the answer tells.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "BANK"}))]
pub struct CheckDataShareBody {
    /// Instead of which of the item's materials.
    #[schema(value_type = String)]
    pub code: MaterialCode,
    /// About whom: a party of the case, by reference; the applicant if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub subject: Option<SubjectId>,
}

impl Act for CheckDataShareBody {
    fn check(&self, _: &mut Flaws) {}

    fn needs(&self) -> Need<'_> {
        Need::DataShare { code: &self.code, about: self.subject.as_ref() }
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        match sealer.found {
            Found::DataShare(asked) => {
                Ok(CaseCommand::CheckDataShare { code: self.code.clone(), asked: asked.clone() })
            }
            Found::Nothing | Found::Certificate(_) | Found::Library(_) => Err(VaultError::Broken),
        }
    }
}
