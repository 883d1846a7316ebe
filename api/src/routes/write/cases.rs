//! Opening a case, acting on it, and what one may do with it now.

use super::acts;
use super::evidence::{LOOKS_MAX, Look, ask_for_application, certificate};
use super::request::{Envelope, Incoming, Written, flawless, read, unreadable};
use crate::auth::Caller;
use crate::certificates::Consequence;
use crate::execute::{Asked, Begun, Done, ExecuteError, Loaded};
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::rights::Concerned;
use crate::seal::{self, Flaws, Need, PersonBody, Sealer, party};
use crate::vault::{Keyring, Vault, VaultError};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use domain::actor::{Channel, Role};
use domain::case::{Action, Case, CaseCommand, Submit, Survivor};
use domain::decider::Context;
use domain::event::case::{MaterialPresented, Presented};
use domain::event::{CaseEvent, CertificateEvent, Event};
use domain::fact::Subject;
use domain::ids::{
    CaseId, CertificateId, CommandId, ExternalNumber, ItemId, MaterialCode, OrganisationId, PaperId, RegionCode,
    SituationCode, SourceName, SubjectId,
};
use domain::sealed::Sealed;
use domain::zone::day_of;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::{PartialSchema as _, ToSchema};
use zeroize::Zeroizing;

/// The longest form, in bytes of its JSON.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// The most beneficiaries of one case.
const BENEFICIARIES_MAX: usize = 30;

/// T1 申请.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "item": "FZ-001",
    "applicant": {"name": "杨某某", "id_number": "362522194803050018", "phone": "13870401234"},
    "region": "361023100",
    "materials": [{"code": "ID", "how": "original"}]
}))]
pub struct OpenCaseBody {
    /// For which item of the catalogue.
    #[schema(value_type = String)]
    pub item: ItemId,
    /// 申报来源: `window`, `web`, `mobile`, `courier` or `other`; by the caller's role if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub channel: Option<Channel>,
    /// 申请人.
    #[schema(inline)]
    pub applicant: PersonBody,
    /// 代理人.
    #[serde(default)]
    #[schema(inline)]
    pub agent: Option<PersonBody>,
    /// Household members and others the case is for.
    #[serde(default)]
    #[schema(inline)]
    pub beneficiaries: Vec<PersonBody>,
    /// The applicant's consent to being helped; its number is made here if absent.
    #[serde(default)]
    #[schema(inline)]
    pub consent: Option<acts::ConsentBody>,
    /// The form, as the item asks for it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub form: Option<Map<String, Value>>,
    /// 办理情形 that hold, by the codes of the item; applying by an agent is one by itself.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub situations: BTreeSet<SituationCode>,
    /// Where it is handed in; the caller's organisation if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub intake: Option<OrganisationId>,
    /// 申请人行政区划.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub region: Option<RegionCode>,
    /// 材料.
    #[serde(default)]
    #[schema(inline)]
    pub materials: Vec<AppliedMaterialBody>,
}

/// A material of the application.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppliedMaterialBody {
    /// Which of the item's materials.
    #[schema(value_type = String, example = "ID")]
    pub code: MaterialCode,
    /// `original`, `copy`, `upload`, `e-cert`, `data-share`, `commitment` or `generated`; `original` if absent. With
    /// `data-share` the city's data are asked about the applicant before the case is opened, which staff and helpers may;
    /// `data_shares` in the answer tells what came of it, and only what was confirmed stands for the paper.
    #[serde(default = "acts::original")]
    #[schema(value_type = String, example = "original")]
    pub how: Presented,
    /// The stored paper, where there is one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub paper: Option<PaperId>,
    /// 电子证照: the certificate that stands for it, with `e-cert` only; it must be in force.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub certificate: Option<CertificateId>,
}

impl AppliedMaterialBody {
    fn presented(&self) -> MaterialPresented {
        MaterialPresented { code: self.code.clone(), how: self.how, paper: self.paper }
    }
}

impl OpenCaseBody {
    fn check(&self, flaws: &mut Flaws) {
        self.applicant.check("/applicant", flaws);
        if let Some(agent) = &self.agent {
            agent.check("/agent", flaws);
        }
        for (place, person) in self.beneficiaries.iter().enumerate() {
            person.check(&format!("/beneficiaries/{place}"), flaws);
        }
        if BENEFICIARIES_MAX < self.beneficiaries.len() {
            flaws.add("/beneficiaries", "人数过多", format!("must have at most {BENEFICIARIES_MAX} entries"));
        }
        flaws.list("/materials", &self.materials);
        for (place, material) in self.materials.iter().enumerate() {
            if material.certificate.is_some() && material.how != Presented::ECert {
                flaws.add(format!("/materials/{place}/certificate"), "仅用于 e-cert", "goes with `e-cert` only");
            }
        }
        if let Some(consent) = &self.consent {
            consent.check("/consent", flaws);
        }
        let form_bytes = self.form.as_ref().and_then(|form| serde_json::to_vec(form).ok()).map_or(0, |form| form.len());
        if FORM_BYTES_MAX < form_bytes {
            flaws.add("/form", "表单过大", format!("must have at most {FORM_BYTES_MAX} bytes"));
        }
        if seal::LIST_MAX < self.situations.len() {
            flaws.add("/situations", "项数过多", format!("must have at most {} entries", seal::LIST_MAX));
        }
        if self.channel == Some(Channel::System) {
            flaws.add("/channel", "不可使用该渠道", "is not a channel for people");
        }
    }

    fn persons(&self) -> impl Iterator<Item = &PersonBody> {
        std::iter::once(&self.applicant).chain(&self.agent).chain(&self.beneficiaries)
    }
}

/// `POST /cases`
///
/// # Errors
/// The body is flawed, a rule forbids it, or the log is in trouble.
pub async fn open(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    let mut object = incoming.object()?;
    let envelope = Envelope::take(&mut object)?;
    let body: OpenCaseBody = read(Value::Object(object))?;
    let mut flaws = Flaws::default();
    envelope.check(&caller, &node.reference.now().reference.organisations, &mut flaws);
    body.check(&mut flaws);
    let day = day_of(envelope.moment(node.clock.now()));
    if !flaws.0.is_empty() {
        // Whoever mends the one mends the other too.
        check_form(&node, &body, day, &mut flaws);
    }
    flawless(flaws)?;

    let mut actor = envelope.actor(&caller);
    let asked = incoming.asked(&node, &actor, None);
    let under_way = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Fresh(under_way) => under_way,
        Begun::Repeated(done) => return opened(&node, &caller, &done).await,
    };
    // Only now: what was answered once is answered so again, whatever the form asks for meanwhile.
    let mut flaws = Flaws::default();
    let form_version = check_form(&node, &body, day, &mut flaws);
    flawless(flaws)?;
    let applicant = body.applicant.subject(&node.vault);
    actor.acting_for = Some(applicant.clone()).filter(|applicant| applicant.as_str() != actor.id.as_str());
    actor.channel = body.channel.unwrap_or(actor.channel);
    // The case's id follows from the command, so that even an answer that was lost on the way is found again.
    let subject = Subject::Case(CaseId(incoming.command.0));
    let keyring = node.vault.keyring(body.persons().map(|person| person.subject(&node.vault))).await?;
    let duplicate_of = match keyring.is_new(&applicant) {
        true => None,
        false => node.open_case_of(&applicant, &body.item).await?,
    };
    let opening = Opening {
        vault: &node.vault,
        keyring,
        context: subject.to_string(),
        command: incoming.command,
        intake: body.intake.clone().unwrap_or_else(|| actor.organisation.clone()),
        day,
        form_version,
        duplicate_of,
        applicant,
    };
    let mut submit = opening.submit(&body, actor.channel)?;
    let late = envelope.late(|text| opening.words(text))?;
    let asked = Asked { actor, late, ..asked };
    let mut unasked = true;
    for _ in 0..LOOKS_MAX {
        let also = certificates(&node, &body, &mut submit).await?;
        if std::mem::take(&mut unasked) {
            ask_for_application(&node, &asked, CaseId(incoming.command.0), &opening.keyring, &mut submit).await?;
        }
        let command = CaseCommand::Submit(submit.clone());
        match node.executor.execute::<Case>(&under_way, &asked, &subject, &command, &also).await {
            // A certificate relied on has moved on meanwhile: look again.
            Err(ExecuteError::Contended) if !also.is_empty() => continue,
            done => return opened(&node, &caller, &done?).await,
        }
    }
    Err(Problem::new(Kind::Contended))
}

/// Looks at the certificates that stand for papers, and tells at which versions they were seen.
async fn certificates(node: &Node, body: &OpenCaseBody, submit: &mut Submit) -> Result<Vec<(Subject, u64)>, Problem> {
    let mut seen = Vec::new();
    for (code, id) in body.materials.iter().filter_map(|material| Some((&material.code, material.certificate?))) {
        let (reliance, also) = certificate(node, id).await?;
        submit.certificates.insert(code.clone(), reliance);
        seen.push(also);
    }
    Ok(seen)
}

/// Checks the form by the one of the item version in force on the day, and returns that one's version. An item that is
/// not there or not in force is the decider's to refuse.
fn check_form(node: &Node, body: &OpenCaseBody, day: NaiveDate, flaws: &mut Flaws) -> Option<u32> {
    let reference = node.reference.now();
    let answer = body.form.as_ref()?;
    let form = &reference.reference.catalogue.in_force(&body.item, day)?.definition.form;
    match form {
        Some(form) => node.forms.check(&body.item, form, &Value::Object(answer.clone()), flaws),
        None => flaws.add("/form", "该事项没有电子表单", "the item has no electronic form"),
    }
    form.as_ref().map(|form| form.version)
}

/// What is made for an application, once: keys, numbers, sealed texts.
struct Opening<'a> {
    vault: &'a Vault,
    keyring: Keyring,
    context: String,
    command: CommandId,
    intake: OrganisationId,
    day: NaiveDate,
    form_version: Option<u32>,
    duplicate_of: Option<CaseId>,
    applicant: SubjectId,
}

impl Opening<'_> {
    fn submit(&self, body: &OpenCaseBody, channel: Channel) -> Result<Submit, VaultError> {
        let party = |person: &PersonBody| party(self.vault, &self.keyring, &self.context, person, self.day);
        let form = body.form.as_ref().map(|form| Zeroizing::new(Value::Object(form.clone()).to_string()));
        Ok(Submit {
            number: self.number("BJ"),
            source: own(),
            item: body.item.clone(),
            channel,
            applicant: party(&body.applicant)?,
            agent: body.agent.as_ref().map(party).transpose()?,
            beneficiaries: body.beneficiaries.iter().map(party).collect::<Result<_, _>>()?,
            consent: body.consent.as_ref().map(|consent| consent.consent(|| self.number("TY"))),
            form: form.map(|form| self.words(&form)).transpose()?,
            form_version: self.form_version,
            situations: body.situations.clone(),
            intake: self.intake.clone(),
            region: body.region.clone(),
            certificates: BTreeMap::new(),
            data_shares: BTreeMap::new(),
            materials: body.materials.iter().map(AppliedMaterialBody::presented).collect(),
            duplicate_of: self.duplicate_of,
        })
    }

    fn number(&self, kind: &str) -> ExternalNumber {
        seal::number(self.vault, self.command, kind, &self.intake, self.day)
    }

    fn words(&self, text: &str) -> Result<Sealed, VaultError> {
        self.vault.seal(&self.keyring, &self.applicant, &self.context, text)
    }
}

async fn opened(node: &Node, caller: &Caller, done: &Done) -> Result<HttpResponse, Problem> {
    let fact = done.facts.first().ok_or_else(|| Problem::new(Kind::Internal))?;
    let (Subject::Case(id), Event::Case(CaseEvent::CaseSubmitted(submitted))) = (&fact.subject, &fact.event) else {
        return Err(Problem::new(Kind::KeyReused));
    };
    let mut written = Written::new(id.to_string(), done).with("number", submitted.number.as_str());
    let checks = done.facts.iter().filter_map(|fact| match &fact.event {
        Event::Case(CaseEvent::DataShareChecked(checked)) => Some(checked),
        _ => None,
    });
    let checks: Vec<Value> =
        checks.map(|checked| json!({"code": checked.code, "outcome": checked.outcome.as_str()})).collect();
    if !checks.is_empty() {
        written = written.with("data_shares", checks);
    }
    if let Some(other) = submitted.duplicate_of {
        written = written.with("warnings", json!([duplicate(node, caller, other).await]));
    }
    Ok(written.respond())
}

/// Warns that the same person has an open case for the same item; which one, only those learn who may see it.
async fn duplicate(node: &Node, caller: &Caller, other: CaseId) -> Value {
    let mut warning = json!({
        "code": "duplicate-application",
        "detail_zh": "同一申请人对同一事项已有在办件",
        "detail_en": "the same person has an open case for the same item",
    });
    if let Ok((other, loaded)) = visible(node, caller, &other.to_string()).await {
        warning["case"] = json!(other);
        warning["number"] = json!(loaded.state.application.as_ref().map(|application| &application.number));
    }
    warning
}

#[expect(clippy::expect_used, reason = "three letters are a well-formed source")]
pub(crate) fn own() -> SourceName {
    "own".parse().expect("three letters are a well-formed source")
}

/// A case that the caller may know of.
///
/// # Errors
/// There is none, or it is not theirs to see.
pub async fn visible(node: &Node, caller: &Caller, id: &str) -> Result<(CaseId, Arc<Loaded<Case>>), Problem> {
    let id: CaseId = id.parse().map_err(|_| Problem::not_found())?;
    let loaded = node.executor.load::<Case>(&Subject::Case(id)).await?;
    let reference = node.reference.now();
    let seen = Concerned::by(&loaded.state).is_visible_to(caller, &reference.reference.organisations);
    if loaded.version == 0 || !seen { Err(Problem::not_found()) } else { Ok((id, loaded)) }
}

/// `POST /cases/{id}/actions/{action}`
///
/// # Errors
/// The case is not there for the caller, the body is flawed, a rule forbids it, or the log is in trouble.
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    let action: Action = action.parse().map_err(|_| Problem::not_found())?;
    let form = acts::body_of(action).ok_or_else(Problem::not_found)?;
    let (id, loaded) = visible(&node, &caller, &id).await?;

    let mut object = incoming.object()?;
    let envelope = Envelope::take(&mut object)?;
    let body = (form.read)(Value::Object(object)).map_err(|error| unreadable(&error))?;
    let mut flaws = Flaws::default();
    envelope.check(&caller, &node.reference.now().reference.organisations, &mut flaws);
    body.check(&mut flaws);
    flawless(flaws)?;

    let actor = envelope.actor(&caller);
    let asked = incoming.asked(&node, &actor, None);
    let subject = Subject::Case(id);
    let under_way = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Fresh(under_way) => under_way,
        Begun::Repeated(done) => return Ok(acted(&node, id, action, &done).respond()),
    };
    let Some(application) = &loaded.state.application else {
        return Err(domain::case::Rejection::LegacyCase.into());
    };
    let applicant = &application.applicant;
    let others = body.persons().into_iter().map(|person| person.subject(&node.vault));
    let asked_about = match body.needs() {
        Need::DataShare { about, .. } => about.cloned(),
        Need::Nothing | Need::Certificate(_) | Need::Library => None,
    };
    let subjects = std::iter::once(applicant.subject.clone()).chain(asked_about).chain(others);
    let keyring = node.vault.keyring(subjects).await?;
    let context = subject.to_string();
    let look = Look { node: &node, case: id, state: &loaded.state, asked: &asked, keyring: &keyring };
    for _ in 0..LOOKS_MAX {
        let (found, mut also) = look.find_out(body.needs()).await?;
        let other = match body.other_case() {
            Some(other) => {
                let (survivor, version) = survivor(&node, &caller, other).await?;
                also.push((Subject::Case(other), version));
                Some(survivor)
            }
            None => None,
        };
        let sealer = Sealer {
            vault: &node.vault,
            keyring: &keyring,
            context: &context,
            applicant,
            command: incoming.command,
            organisation: &actor.organisation,
            day: day_of(envelope.moment(node.clock.now())),
            case: id,
            other,
            found: &found,
        };
        let command = body.command(&sealer)?;
        let consequence = Consequence::of(&node, id, &loaded.state, &keyring, &command).await?;
        also.extend(consequence.seen());
        let late = envelope.late(|text| sealer.text(text))?;
        let asked = Asked { late, ..asked.clone() };
        let beside = |events: &[CaseEvent], occurred_at| consequence.beside(events, occurred_at);
        match node.executor.execute_beside::<Case>(&under_way, &asked, &subject, &command, &also, &beside).await {
            // The certificate or the case relied on has moved on meanwhile: look again.
            Err(ExecuteError::Contended) if !also.is_empty() => continue,
            done => return Ok(acted(&node, id, action, &done?).respond()),
        }
    }
    Err(Problem::new(Kind::Contended))
}

/// Returns the case that would go on in place of another, and its version.
async fn survivor(node: &Node, caller: &Caller, case: CaseId) -> Result<(Survivor, u64), Problem> {
    let missing = || {
        let detail = Text::new("没有这个办件", "there is no such case");
        Problem::new(Kind::Invalid).errors(vec![FieldError::new("/into", detail)])
    };
    let (case, loaded) = visible(node, caller, &case.to_string()).await.map_err(|_| missing())?;
    let application = loaded.state.application.as_ref().ok_or_else(missing)?;
    let survivor = Survivor {
        case,
        number: application.number.clone(),
        applicant: application.applicant.subject.clone(),
        item: application.item.clone(),
        open: loaded.state.phase.is_open(),
    };
    Ok((survivor, loaded.version))
}

/// Tells what was done, and the numbers and codes that go on paper; they follow from the command, so that a repeated
/// request prints the same receipt.
fn acted(node: &Node, id: CaseId, action: Action, done: &Done) -> Written {
    let mut written = Written::new(id.to_string(), done);
    for fact in &done.facts {
        if let Event::Case(event) = &fact.event
            && let Some((name, number)) = printed(event)
        {
            written = written.with(name, number.as_str());
        }
        match &fact.event {
            Event::Certificate(CertificateEvent::CertificateIssued(_)) => {
                written = written.with("certificate", id.to_string());
            }
            Event::Case(CaseEvent::OneTimeNoticeIssued(notice)) if !notice.in_library.is_empty() => {
                written = written.with("in_library", json!(notice.in_library));
            }
            Event::Case(CaseEvent::DataShareChecked(checked)) => {
                written = written.with("outcome", checked.outcome.as_str());
            }
            _ => (),
        }
        if let (Action::Receive, Event::Case(CaseEvent::CaseReceived(received))) = (action, &fact.event) {
            let case = fact.subject.to_string();
            let receipt = json!({
                "number": received.receipt.as_str(),
                "rating_code": seal::rating_code(&node.vault, &case, fact.command),
                "query_code": seal::query_code(&node.vault, &case),
            });
            written = written.with("receipt", receipt);
        }
    }
    written
}

fn printed(event: &CaseEvent) -> Option<(&'static str, &ExternalNumber)> {
    match event {
        CaseEvent::OneTimeNoticeIssued(body) => Some(("notice_number", &body.number)),
        CaseEvent::IntakeRefused(body) => Some(("notice_number", &body.notice.number)),
        CaseEvent::CaseAccepted(body) => Some(("acceptance_number", body.number.as_ref()?)),
        CaseEvent::CaseRouted(body) => Some(("hand_over_number", &body.hand_over)),
        CaseEvent::LegForwarded(body) => Some(("hand_over_number", body.hand_over.as_ref()?)),
        CaseEvent::CaseDecided(body) => Some(("decision_number", &body.number)),
        CaseEvent::ResultMade(body) => Some(("result_number", &body.number)),
        CaseEvent::CaseFinished(body) => Some(("stamp_number", &body.stamp)),
        CaseEvent::CaseArchived(body) => Some(("package_number", &body.package)),
        CaseEvent::CaseMerged(body) => Some(("into_number", &body.into_number)),
        _ => None,
    }
}

/// One action that a caller may or may not take now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Offer {
    /// Its name in the path.
    #[schema(example = "accept")]
    pub action: &'static str,
    /// 名称.
    #[schema(example = "受理")]
    pub label_zh: &'static str,
    /// Its English name.
    #[schema(example = "Accept")]
    pub label_en: &'static str,
    /// What its body may say, as JSON Schema.
    #[schema(value_type = Object)]
    pub body_schema: Value,
}

/// One action that is refused now, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refusal {
    /// Its name in the path.
    #[schema(example = "decide")]
    pub action: &'static str,
    /// 名称.
    pub label_zh: &'static str,
    /// Its English name.
    pub label_en: &'static str,
    /// The rule that refuses it.
    #[schema(example = "not-accepted")]
    pub rule: String,
    /// The rule in words.
    pub detail_zh: String,
    /// The rule in words.
    pub detail_en: String,
}

/// What one may do with a case now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Offers {
    /// The case.
    pub id: String,
    /// The version it is about.
    pub version: u64,
    /// The position it is about.
    pub position: u64,
    /// What may be done.
    pub actions: Vec<Offer>,
    /// What may not.
    pub refused: Vec<Refusal>,
}

/// `GET /cases/{id}/actions`
///
/// # Errors
/// The case is not there for the caller.
pub async fn actions(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    if !request.query_string().is_empty() {
        let detail = Text::new("此处只看当前", "this is about now, and takes no parameters");
        return Err(Problem::new(Kind::UnknownParameter).detail(detail));
    }
    let (id, loaded) = visible(&node, &caller, &path).await?;
    let reference = node.reference.now();
    let now = node.clock.now().max(loaded.recorded_at.unwrap_or_default());
    let context = Context { now, occurred_at: now, actor: &caller.actor, reference: &reference.reference };
    let (actions, refused) = offers(&loaded.state, &context);
    let offers = Offers { id: id.to_string(), version: loaded.version, position: loaded.position, actions, refused };
    Ok(HttpResponse::Ok().insert_header(("position", offers.position)).json(offers))
}

/// What somebody may do with a case, and what a rule refuses.
#[must_use]
pub fn offers(case: &Case, context: &Context<'_>) -> (Vec<Offer>, Vec<Refusal>) {
    let (mut actions, mut refused) = (Vec::new(), Vec::new());
    for offer in case.actions(context) {
        let [action, label_zh, label_en] = offer.action.names();
        match (offer.allowed, acts::body_of(offer.action)) {
            (Ok(()), Some(body)) => {
                let body_schema = with_envelope(&(body.schema)());
                actions.push(Offer { action, label_zh, label_en, body_schema });
            }
            (Err(rule), Some(_)) => refused.push(Refusal {
                action,
                label_zh,
                label_en,
                rule: rule.code().to_owned(),
                detail_zh: rule.zh(),
                detail_en: rule.en(),
            }),
            // Papers come by their own route.
            (_, None) => (),
        }
    }
    (actions, refused)
}

/// Adds to a body's description what may stand in every body.
fn with_envelope(schema: &impl Serialize) -> Value {
    let mut schema = serde_json::to_value(schema).unwrap_or_default();
    let envelope = serde_json::to_value(Envelope::schema()).unwrap_or_default();
    if let (Some(schema), Some(common)) =
        (schema.as_object_mut(), envelope.get("properties").and_then(Value::as_object))
    {
        let properties = schema.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            properties.extend(common.clone());
        }
    }
    schema
}

/// Tells whether the caller may look a person up by number, or see one in clear.
#[must_use]
pub fn may_see_persons_in_clear(role: Role) -> bool {
    matches!(
        role,
        Role::VillageAgent
            | Role::Clerk
            | Role::Handler
            | Role::Chief
            | Role::OrganHead
            | Role::CertificateMaker
            | Role::DeliveryClerk
            | Role::Supervisor
    )
}
