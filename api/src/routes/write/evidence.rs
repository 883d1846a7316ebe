//! What an act on a case needs from elsewhere: the certificate it relies on, or an answer of the city's data. Both are
//! found out before the act is decided, and what was found goes into its event.

use crate::certificates::{held_by, reliance, ulid_of};
use crate::data_share::{Answer, Question};
use crate::execute::Asked;
use crate::node::Node;
use crate::problem::Problem;
use crate::seal::{Found, Need};
use crate::vault::{Keyring, VaultError, hex};
use domain::case::evidence::would_stand_for;
use domain::case::{Case, CaseCommand, DataShareAsked, Rejection, Submit};
use domain::certificate::{Certificate, Reliance};
use domain::event::case::Presented;
use domain::event::evidence::DataShareOutcome;
use domain::fact::Subject;
use domain::ids::{CaseId, CertificateId, CommandId, ItemId, MaterialCode, SubjectId};
use domain::sealed::Party;
use domain::zone::day_of;
use replay::moment::Slice;
use std::collections::BTreeSet;

/// How often an act is made again because a certificate moved on meanwhile.
pub const LOOKS_MAX: u32 = 3;

/// Looks at a certificate that somebody relies on, and tells at which version of which stream it was seen.
///
/// # Errors
/// The log is in trouble.
pub async fn certificate(node: &Node, id: CertificateId) -> Result<(Reliance, (Subject, u64)), Problem> {
    let stream = Subject::Certificate(id);
    let loaded = node.executor.load::<Certificate>(&stream).await?;
    Ok((reliance(&node.vault, id, &loaded), (stream, loaded.version)))
}

/// What one act on one case looks at.
pub struct Look<'a> {
    /// Where.
    pub node: &'a Node,
    /// For which case.
    pub case: CaseId,
    /// The case, as it was seen.
    pub state: &'a Case,
    /// The request.
    pub asked: &'a Asked,
    /// The keys of everybody who has a part in the case.
    pub keyring: &'a Keyring,
}

impl Look<'_> {
    /// Finds out what is needed, and which streams it was read from at which version.
    ///
    /// # Errors
    /// A rule forbids it already, or the log or the vault are in trouble.
    pub async fn find_out(&self, need: Need<'_>) -> Result<(Found, Vec<(Subject, u64)>), Problem> {
        match need {
            Need::Nothing => Ok((Found::Nothing, Vec::new())),
            Need::Certificate(id) => {
                let (reliance, seen) = certificate(self.node, id).await?;
                Ok((Found::Certificate(Box::new(reliance)), vec![seen]))
            }
            Need::Library => Ok((Found::Library(self.in_library().await?), Vec::new())),
            Need::DataShare { code, about } => {
                Ok((Found::DataShare(Box::new(self.ask(code, about).await?)), Vec::new()))
            }
        }
    }

    /// Looks for which of the case's materials a certificate in the library would stand today, as far as it is read.
    async fn in_library(&self) -> Result<BTreeSet<MaterialCode>, Problem> {
        let node = self.node;
        let application = self.state.application.as_ref().ok_or(Rejection::LegacyCase)?;
        let mut held = Vec::new();
        let slice = Slice::through(node.live.position());
        for party in self.state.parties() {
            for id in held_by(node, &party.subject, slice).await? {
                let loaded = node.executor.load::<Certificate>(&Subject::Certificate(id)).await?;
                held.push(Certificate::clone(&loaded.state));
            }
        }
        let reference = node.reference.now();
        let reference = &reference.reference;
        let materials = reference.catalogue.materials(&application.item, application.item_version);
        let day = day_of(node.clock.now());
        Ok(would_stand_for(&held, materials, &reference.policies.at(day).rules, day))
    }

    /// Asks the city's data, if the rules let them be asked.
    async fn ask(&self, code: &MaterialCode, about: Option<&SubjectId>) -> Result<DataShareAsked, Problem> {
        let node = self.node;
        let application = self.state.application.as_ref().ok_or(Rejection::LegacyCase)?;
        let about = about.unwrap_or(&application.applicant.subject);
        let party = self.state.parties().find(|party| party.subject == *about);
        let party = party.ok_or(Rejection::DataShareAboutAnother)?;
        let mut asked = unanswered(node, code, about);
        // Nobody's data leave for a question that the rules would refuse afterwards.
        let probe = CaseCommand::CheckDataShare { code: code.clone(), asked: Box::new(asked.clone()) };
        let stream = Subject::Case(self.case);
        node.executor.would_allow::<Case>(self.asked, &stream, &probe).await?;
        let inquiry = Inquiry { request: self.asked.command, party, item: &application.item, case: self.case };
        inquiry.answered(node, self.keyring, &mut asked).await?;
        Ok(asked)
    }
}

/// A question to the city's data before anybody answered it.
fn unanswered(node: &Node, code: &MaterialCode, about: &SubjectId) -> DataShareAsked {
    DataShareAsked {
        service: node.data_share.name().clone(),
        dataset: node.data_share.dataset(code),
        about: about.clone(),
        asked_at: node.clock.now(),
        answered_at: None,
        outcome: DataShareOutcome::Unreachable,
        receipt: None,
        answer_sha256: None,
        snapshot: None,
    }
}

/// Of whom the city's data are asked, and what for.
struct Inquiry<'a> {
    request: CommandId,
    party: &'a Party,
    item: &'a ItemId,
    case: CaseId,
}

impl Inquiry<'_> {
    /// Asks, and notes what came of it.
    async fn answered(&self, node: &Node, keyring: &Keyring, asked: &mut DataShareAsked) -> Result<(), VaultError> {
        let Self { request, party, item, case } = *self;
        let context = Subject::Case(case).to_string();
        let person = node.vault.person(party, &context)?;
        let dataset = asked.dataset.clone();
        let question = Question { request, dataset: &dataset, about: &party.subject, person: &person, item, case };
        let Answer { outcome, receipt, said } = node.data_share.ask(&question).await;
        asked.outcome = outcome;
        asked.receipt = receipt;
        if let Some(said) = said {
            asked.answered_at = Some(node.clock.now());
            asked.answer_sha256 = Some(hex(&node.vault.digest("data-share-answer", &[said.as_bytes()])));
            asked.snapshot = Some(node.vault.seal(keyring, &party.subject, &context, &said)?);
        }
        Ok(())
    }
}

/// Asks the city's data about the applicant for every material that an application leaves to them, all at once, if the
/// rules let it be handed in so.
///
/// # Errors
/// A rule forbids it already, or the log or the vault are in trouble.
pub async fn ask_for_application(
    node: &Node,
    asked: &Asked,
    case: CaseId,
    keyring: &Keyring,
    submit: &mut Submit,
) -> Result<(), Problem> {
    let left = submit.materials.iter().filter(|material| material.how == Presented::DataShare);
    let unasked =
        left.map(|material| (material.code.clone(), unanswered(node, &material.code, &submit.applicant.subject)));
    submit.data_shares = unasked.collect();
    if submit.data_shares.is_empty() {
        return Ok(());
    }
    // Nobody's data leave for an application that the rules would refuse afterwards.
    let probe = CaseCommand::Submit(submit.clone());
    node.executor.would_allow::<Case>(asked, &Subject::Case(case), &probe).await?;
    let Submit { applicant, item, data_shares, .. } = submit;
    let inquiries = data_shares.iter_mut().map(|(code, share)| {
        // One question for each material; made again after a lost answer, it is the same question.
        let request =
            node.vault.digest("data-share-question", &[&asked.command.0.to_bytes(), code.as_str().as_bytes()]);
        let inquiry = Inquiry { request: CommandId(ulid_of(&request)), party: applicant, item, case };
        async move { inquiry.answered(node, keyring, share).await }
    });
    futures::future::try_join_all(inquiries).await?;
    Ok(())
}
