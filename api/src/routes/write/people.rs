//! Seeing somebody in clear, and finding somebody by number: acts of their own, both only for those who may.

use super::cases::{may_see_persons_in_clear, visible};
use super::request::{Incoming, Written, digest, flawless};
use crate::auth::Caller;
use crate::execute::{Asked, Begun, Done, Trouble, UnderWay};
use crate::labels;
use crate::node::Node;
use crate::problem::{Kind, Problem, Text};
use crate::seal::{Flaws, IdType, PersonBody, PersonKind};
use crate::vault::VaultError;
use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::case::Case;
use domain::event::Event;
use domain::event::access::PersonUnmasked;
use domain::fact::Subject;
use domain::ids::{CommandId, SubjectId};
use domain::sealed::Party;
use domain::zone::day_of;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// The most cases that a lookup tells.
const CASES_MAX: usize = 100;

/// A field of a person that may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// 姓名.
    Name,
    /// 证件号码.
    IdNumber,
    /// 电话.
    Phone,
    /// 地址.
    Address,
    /// 银行卡号.
    BankCard,
}

impl Field {
    /// Returns its name in bodies and in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::IdNumber => "id_number",
            Self::Phone => "phone",
            Self::Address => "address",
            Self::BankCard => "bank_card",
        }
    }
}

/// What somebody in clear is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// 办理.
    HandleCase,
    /// 联系申请人.
    ContactApplicant,
    /// 核验身份.
    VerifyIdentity,
    /// 送达.
    Deliver,
    /// 督查.
    Supervision,
    /// 本人查阅 (个人信息保护法 Art. 45).
    OwnData,
}

impl Purpose {
    /// Returns the word that stands in events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HandleCase => "handle-case",
            Self::ContactApplicant => "contact-applicant",
            Self::VerifyIdentity => "verify-identity",
            Self::Deliver => "deliver",
            Self::Supervision => "supervision",
            Self::OwnData => "own-data",
        }
    }
}

/// Which fields, and what for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"fields": ["name", "phone"], "purpose": "contact-applicant"}))]
pub struct UnmaskBody {
    /// Which fields.
    #[schema(inline)]
    pub fields: Vec<Field>,
    /// What for.
    #[schema(inline)]
    pub purpose: Purpose,
}

/// `POST /cases/{id}/unmask`
///
/// # Errors
/// The case is not there for the caller, they may not see people in clear, or vault or log are in trouble.
pub async fn unmask(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<String>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, loaded) = visible(&node, &caller, &path).await?;
    if !may_see_persons_in_clear(caller.actor.role) && caller.actor.role != Role::Resident {
        return Err(Problem::new(Kind::Forbidden));
    }
    let mut body: UnmaskBody = incoming.read()?;
    body.fields.sort_unstable();
    body.fields.dedup();
    let mut flaws = Flaws::default();
    if body.fields.is_empty() {
        flaws.add("/fields", "至少一项", "must name at least one field");
    }
    flawless(flaws)?;
    if caller.actor.role == Role::VillageAgent {
        may_help_with(&body.fields, &loaded.state, day_of(node.clock.now()))?;
    }
    let application = loaded.state.application.as_ref().ok_or_else(Problem::not_found)?;
    let context = Subject::Case(id).to_string();
    let shown = |party: &Party| -> Result<Value, VaultError> {
        let person = node.vault.person(party, &context)?;
        let fields = body.fields.iter().map(|field| {
            let value = person.field(field.as_str()).map_or(Value::Null, Value::from);
            (field.as_str().to_owned(), value)
        });
        Ok(Value::Object(fields.collect::<Map<_, _>>()))
    };
    // A resident sees themselves; whoever works on the case sees everybody in it.
    let own = caller.actor.subject();
    let is_shown = |party: &&Party| own.as_ref().is_none_or(|own| party.subject == *own);
    let parties = std::iter::once(("applicant", &application.applicant))
        .chain(application.agent.iter().map(|agent| ("agent", agent)))
        .chain(application.beneficiaries.iter().map(|party| ("beneficiary", party)))
        .filter(|(_, party)| is_shown(party))
        .collect::<Vec<_>>();
    let persons = parties
        .iter()
        .map(|(part, party)| Ok(json!({"part": part, "subject": party.subject, "fields": shown(party)?})))
        .collect::<Result<Vec<_>, VaultError>>()?;

    let asked = incoming.asked(&node, &caller.actor, None);
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => {
            let event = |party: &Party| {
                let fields = body.fields.iter().map(|field| field.as_str().to_owned()).collect();
                let (subject, purpose) = (party.subject.clone(), body.purpose.as_str().to_owned());
                Event::Access(PersonUnmasked { case: id, subject, fields, purpose }.into())
            };
            let events = parties.iter().map(|(_, party)| event(party)).collect();
            let looked_at: Vec<&SubjectId> = parties.iter().map(|(_, party)| &party.subject).collect();
            record_access(&node, &under_way, &asked, events, &looked_at).await?
        }
    };
    Ok(told(&id.to_string(), &done, persons))
}

/// A helper needs to find and to call the person, and nothing that could be misused: neither number nor account.
fn may_help_with(fields: &[Field], case: &Case, day: NaiveDate) -> Result<(), Problem> {
    if fields.iter().any(|field| matches!(field, Field::IdNumber | Field::BankCard)) {
        let detail =
            Text::new("帮办代办人员不得查看证件号码和银行卡号", "a helper sees neither identity numbers nor accounts");
        return Err(Problem::new(Kind::Forbidden).detail(detail));
    }
    Ok(case.helper_may_see(day)?)
}

fn told(id: &str, done: &Done, persons: Vec<Value>) -> HttpResponse {
    let mut response = Written::new(id, done).with("persons", persons).respond();
    response
        .headers_mut()
        .insert(actix_web::http::header::CACHE_CONTROL, actix_web::http::header::HeaderValue::from_static("no-store"));
    response
}

/// Records that the caller looks at these people's data, before they see them, and returns the position of it. Every look
/// is one of its own, so its command is too.
///
/// # Errors
/// The log is in trouble.
pub async fn record_look(
    node: &Node,
    caller: &Caller,
    events: Vec<Event>,
    looked_at: &[&SubjectId],
) -> Result<u64, Problem> {
    let command = CommandId(node.clock.ulid());
    let digest = digest(node, &caller.actor, "look", command.to_string().as_bytes());
    let asked = Asked { command, digest, actor: caller.actor.clone(), if_match: None, late: None };
    let Begun::Fresh(under_way) = node.executor.begin(command, digest).await? else {
        return Err(Problem::new(Kind::Internal));
    };
    Ok(record_access(node, &under_way, &asked, events, looked_at).await?.position)
}

/// Records that somebody saw data in clear or took data out, with the organisation for which they act.
///
/// # Errors
/// The log is in trouble.
pub async fn record_access(
    node: &Node,
    under_way: &UnderWay<'_>,
    asked: &Asked,
    events: Vec<Event>,
    looked_at: &[&SubjectId],
) -> Result<Done, Trouble> {
    let organisation = &asked.actor.organisation;
    let mut words = vec![labels::of_organisation(organisation, &node.reference.now().reference)];
    // Whoever was looked at may know who looked.
    words.extend(looked_at.iter().map(|subject| labels::of_person(subject)));
    words.dedup();
    let subject = Subject::Access(organisation.clone());
    node.executor.record(under_way, asked, &subject, events, &words).await
}

/// Whose cases are looked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id_number": "362522194803050018"}))]
pub struct LookupBody {
    /// 证件号码; in the body, so that it stands in no log of addresses.
    pub id_number: String,
    /// What the number is; the usual one if absent.
    #[serde(default)]
    #[schema(inline)]
    pub id_type: IdType,
}

/// Who has that number.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookupAnswer {
    /// The person's reference.
    pub subject: String,
    /// Their cases, as far as the caller may know of them, the newest first.
    pub cases: Vec<String>,
}

/// `POST /subjects/lookup`
///
/// # Errors
/// The caller may not look people up, or the number is none.
pub async fn look_up(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    let body: LookupBody = incoming.read()?;
    let kind = match body.id_number.trim().len() {
        15 => PersonKind::NaturalPerson,
        _ if domain::identity::is_credit_code(&body.id_number) => PersonKind::Enterprise,
        _ => PersonKind::NaturalPerson,
    };
    let mut flaws = Flaws::default();
    PersonBody::check_id(kind, body.id_type, &body.id_number, "/id_number", &mut flaws);
    flawless(flaws)?;
    let subject = node.vault.subject(&body.id_number);
    let is_own = caller.actor.subject().is_some_and(|own| own == subject);
    if !is_own && !may_see_persons_in_clear(caller.actor.role) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let mut cases = Vec::new();
    for case in node.cases_of(&subject, CASES_MAX).await? {
        if visible(&node, &caller, &case.to_string()).await.is_ok() {
            cases.push(case.to_string());
        }
    }
    let position = node.live.position();
    let answer = LookupAnswer { subject: subject.to_string(), cases };
    Ok(HttpResponse::Ok().insert_header(("position", position.0)).json(answer))
}
