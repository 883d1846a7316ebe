//! 帮办代办: consent to being helped, given and taken back.

use crate::seal::{Act, Flaws, Sealer};
use crate::vault::VaultError;
use chrono::NaiveDate;
use domain::case::CaseCommand;
use domain::event::case::{Consent, ConsentGiven, HelpScope};
use domain::ids::{ExternalNumber, OrganisationId};
use serde::Deserialize;
use utoipa::ToSchema;

/// The applicant's consent to being helped.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"how": "fingerprint", "scope": ["supplement", "hand-over"], "until": "2026-12-31"}))]
pub struct ConsentBody {
    /// 同意书编号; made here if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub number: Option<ExternalNumber>,
    /// SHA-256 of its bytes, lower-case hex.
    #[serde(default)]
    pub sha256: Option<String>,
    /// `signed`, `fingerprint`, `electronic` or `recorded`; `signed` if absent.
    #[serde(default)]
    #[schema(value_type = String, example = "signed")]
    pub how: ConsentGiven,
    /// When; with the act if absent.
    #[serde(default)]
    pub given_on: Option<NaiveDate>,
    /// `apply`, `supplement`, `withdraw`, `hand-over`; everything if absent.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub scope: Vec<HelpScope>,
    /// The last day on which it holds, where one is fixed.
    #[serde(default)]
    pub until: Option<NaiveDate>,
    /// Whose helpers may help; where the case was taken in if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub helper: Option<OrganisationId>,
}

impl ConsentBody {
    pub(crate) fn check(&self, at: &str, flaws: &mut Flaws) {
        flaws.sha256(&format!("{at}/sha256"), self.sha256.as_deref());
        flaws.list(&format!("{at}/scope"), &self.scope);
        if self.given_on.zip(self.until).is_some_and(|(given_on, until)| until < given_on) {
            flaws.add(format!("{at}/until"), "不得早于同意之日", "must not lie before the day it was given");
        }
    }

    pub(crate) fn consent(&self, made: impl FnOnce() -> ExternalNumber) -> Consent {
        Consent {
            number: self.number.clone().unwrap_or_else(made),
            sha256: self.sha256.clone(),
            how: self.how,
            given_on: self.given_on,
            scope: self.scope.clone(),
            until: self.until,
            helper: self.helper.clone(),
        }
    }
}

/// 登记帮办代办同意.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"consent": {"how": "signed", "helper": "361023100-QINTAILU"}}))]
pub struct RecordConsentBody {
    /// As given.
    #[schema(inline)]
    pub consent: ConsentBody,
}

impl Act for RecordConsentBody {
    fn check(&self, flaws: &mut Flaws) {
        self.consent.check("/consent", flaws);
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::RecordConsent { consent: self.consent.consent(|| sealer.number("TY")) })
    }
}

/// 撤回帮办代办同意.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "自己去办"}))]
pub struct WithdrawConsentBody {
    /// Why; nobody has to say.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Act for WithdrawConsentBody {
    fn check(&self, flaws: &mut Flaws) {
        flaws.optional("/reason", self.reason.as_deref());
    }

    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError> {
        Ok(CaseCommand::WithdrawConsent { reason: sealer.optional(self.reason.as_deref())? })
    }
}
