//! What the body of each action on a case may say, in clear.

mod ending;
mod evidence;
mod helping;
mod intake;
mod oversight;
mod review;

pub use ending::*;
pub use evidence::*;
pub use helping::*;
pub use intake::*;
pub use oversight::*;
pub use review::*;

use crate::seal::{Act, Flaws, Sealer};
use domain::case::Action;
use domain::clock::{DayUnit, Limit};
use domain::event::case::{DocumentRef, MaterialPresented, Presented};
use domain::ids::{ExternalNumber, MaterialCode, PaperId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// Why a body cannot be read: where, and what was expected.
pub type ReadFlaw = serde_path_to_error::Error<serde_json::Error>;

/// One action's body: how it is read, and how it is described.
pub struct Body {
    /// Reads it.
    pub read: fn(Value) -> Result<Box<dyn Act>, ReadFlaw>,
    /// Describes it, as JSON Schema.
    pub schema: fn() -> RefOr<Schema>,
}

fn body<T: Act + DeserializeOwned + ToSchema + 'static>() -> Body {
    Body {
        read: |value| serde_path_to_error::deserialize::<_, T>(value).map(|act| Box::new(act) as Box<dyn Act>),
        schema: T::schema,
    }
}

/// Returns the body of an action that somebody may ask for; what only rules do has none.
#[must_use]
pub fn body_of(action: Action) -> Option<Body> {
    Some(match action {
        Action::Submit
        | Action::AttachMaterial
        | Action::DeemAccepted
        | Action::RecomputeDeadlines
        | Action::RaiseWarning => return None,
        Action::ReplaceMaterial => body::<ReplaceMaterialBody>(),
        Action::CheckDataShare => body::<CheckDataShareBody>(),
        Action::Receive => body::<ReceiveBody>(),
        Action::NotRequired => body::<NotRequiredBody>(),
        Action::RefuseIntake => body::<RefuseIntakeBody>(),
        Action::CorrectOnTheSpot => body::<CorrectOnTheSpotBody>(),
        Action::IssueNotice => body::<IssueNoticeBody>(),
        Action::Supplement => body::<SupplementBody>(),
        Action::Lapse => body::<LapseBody>(),
        Action::Accept => body::<AcceptBody>(),
        Action::Route => body::<RouteBody>(),
        Action::Claim => body::<ClaimBody>(),
        Action::Release => body::<ReleaseBody>(),
        Action::Reassign => body::<ReassignBody>(),
        Action::StartStep => body::<StartStepBody>(),
        Action::FinishStep => body::<FinishStepBody>(),
        Action::SendBack => body::<SendBackBody>(),
        Action::Consult => body::<ConsultBody>(),
        Action::AnswerConsultation => body::<AnswerConsultationBody>(),
        Action::RequestSpecialProcedure => body::<RequestSpecialProcedureBody>(),
        Action::ApproveSpecialProcedure => body::<ApproveSpecialProcedureBody>(),
        Action::RejectSpecialProcedure => body::<RejectSpecialProcedureBody>(),
        Action::CloseSpecialProcedure => body::<CloseSpecialProcedureBody>(),
        Action::RequestExtension => body::<RequestExtensionBody>(),
        Action::ApproveExtension => body::<ApproveExtensionBody>(),
        Action::RejectExtension => body::<RejectExtensionBody>(),
        Action::Decide => body::<DecideBody>(),
        Action::MakeResult => body::<MakeResultBody>(),
        Action::Finish => body::<FinishBody>(),
        Action::HandleAtOnce => body::<HandleAtOnceBody>(),
        Action::Deliver => body::<DeliverBody>(),
        Action::Withdraw => body::<WithdrawBody>(),
        Action::Return => body::<ReturnBody>(),
        Action::RequestAbort => body::<RequestAbortBody>(),
        Action::ApproveAbort => body::<ApproveAbortBody>(),
        Action::RejectAbort => body::<RejectAbortBody>(),
        Action::Merge => body::<MergeBody>(),
        Action::Forward => body::<ForwardBody>(),
        Action::Urge => body::<UrgeBody>(),
        Action::AnswerUrging => body::<AnswerUrgingBody>(),
        Action::ReadWarning => body::<ReadWarningBody>(),
        Action::AnswerWarning => body::<AnswerWarningBody>(),
        Action::RequestCorrection => body::<RequestCorrectionBody>(),
        Action::ApproveCorrection => body::<ApproveCorrectionBody>(),
        Action::RejectCorrection => body::<RejectCorrectionBody>(),
        Action::RevokeResult => body::<RevokeResultBody>(),
        Action::RecordConsent => body::<RecordConsentBody>(),
        Action::WithdrawConsent => body::<WithdrawConsentBody>(),
        Action::Archive => body::<ArchiveBody>(),
    })
}

/// A material as it is presented.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MaterialBody {
    /// Which of the item's materials.
    #[schema(value_type = String, example = "ID")]
    pub code: MaterialCode,
    /// `original`, `copy`, `upload`, `data-share`, `commitment` or `generated`; `original` if absent. A certificate stands
    /// for a paper by `replace-material`, which names it, and the city's data by `check-data-share` having confirmed it.
    #[serde(default = "original")]
    #[schema(value_type = String, example = "original")]
    pub how: Presented,
    /// The stored paper, where there is one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub paper: Option<PaperId>,
}

pub(super) fn original() -> Presented {
    Presented::Original
}

impl MaterialBody {
    /// Returns it as the log keeps it.
    #[must_use]
    pub fn presented(&self) -> MaterialPresented {
        MaterialPresented { code: self.code.clone(), how: self.how, paper: self.paper }
    }
}

fn presented(materials: &[MaterialBody]) -> Vec<MaterialPresented> {
    materials.iter().map(MaterialBody::presented).collect()
}

/// A printed document.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentBody {
    /// 文书编号; made here if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub number: Option<ExternalNumber>,
    /// SHA-256 of its bytes, lower-case hex.
    #[serde(default)]
    pub sha256: Option<String>,
}

impl DocumentBody {
    fn check(&self, at: &str, flaws: &mut Flaws) {
        flaws.sha256(&format!("{at}/sha256"), self.sha256.as_deref());
    }

    fn document(&self, kind: &str, sealer: &Sealer<'_>) -> DocumentRef {
        let number = self.number.clone().unwrap_or_else(|| sealer.number(kind));
        DocumentRef { number, sha256: self.sha256.clone() }
    }
}

pub(crate) fn check_document(at: &str, document: Option<&DocumentBody>, flaws: &mut Flaws) {
    if let Some(document) = document {
        document.check(at, flaws);
    }
}

fn optional_document(document: Option<&DocumentBody>, kind: &str, sealer: &Sealer<'_>) -> Option<DocumentRef> {
    document.map(|document| document.document(kind, sealer))
}

/// Returns the document that was given, or one with a number made here: the paper exists in any case.
fn given_or_made(document: Option<&DocumentBody>, kind: &str, sealer: &Sealer<'_>) -> DocumentRef {
    optional_document(document, kind, sealer)
        .unwrap_or_else(|| DocumentRef { number: sealer.number(kind), sha256: None })
}

/// A number of days.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitBody {
    /// How many.
    #[schema(example = 10)]
    pub days: u16,
    /// `working` or `natural`; `working` if absent.
    #[serde(default = "working")]
    #[schema(value_type = String, example = "working")]
    pub unit: DayUnit,
}

fn working() -> DayUnit {
    DayUnit::Working
}

impl From<LimitBody> for Limit {
    fn from(body: LimitBody) -> Self {
        Self { days: body.days, unit: body.unit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_for_people_has_a_body_that_describes_itself() {
        for action in Action::ALL {
            let Some(body) = body_of(action) else { continue };
            let schema = serde_json::to_string(&(body.schema)()).unwrap();
            assert!(
                !schema.contains("$ref"),
                "{action} refers to something that is not in its own description: {schema}"
            );
        }
    }

    #[test]
    fn an_unknown_field_is_refused_with_its_place() {
        for action in Action::ALL {
            let Some(body) = body_of(action) else { continue };
            let flaw = (body.read)(serde_json::json!({"no_such_field": 1})).err();
            assert!(flaw.is_some_and(|flaw| flaw.inner().to_string().contains("no_such_field")), "{action}");
        }
    }
}
