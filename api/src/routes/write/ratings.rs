//! 好差评: rating a service, by token or by the code on the receipt, and the order that a bad rating opens.

use super::cases::visible;
use super::request::{Incoming, Written, flawless};
use crate::auth::Caller;
use crate::execute::{Asked, Begun, ExecuteError, Loaded};
use crate::node::Node;
use crate::problem::{Kind, Problem};
use crate::seal::{self, Flaws};
use crate::vault::{Keyring, VaultError};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::actor::{Actor, Channel, Role};
use domain::case::Case;
use domain::event::item::RatingStage;
use domain::event::rating::{
    CallBackResult, IndicatorChoice, RatedService, RatingChannel, RatingSubject, Rectification, Satisfaction, Verdict,
};
use domain::fact::Subject;
use domain::hall_day::TicketId;
use domain::ids::{CaseId, ItemId, OrganisationId, RatingId, StaffId, SubjectId};
use domain::rating::{Opinion, OpinionOrigin, Rating, RatingCommand, Standing};
use domain::sealed::Sealed;
use domain::ticket::HallQueue;
use domain::zone::day_of;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::IpAddr;
use std::sync::Arc;
use utoipa::ToSchema;

/// How often a rating is made again because its case moved on meanwhile.
const ATTEMPTS_MAX: u32 = 3;

/// What is rated.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "id", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AboutBody {
    /// 办件.
    #[schema(value_type = String)]
    Case(CaseId),
    /// 号票.
    Ticket(String),
    /// 事项.
    #[schema(value_type = String)]
    Item(ItemId),
    /// A member of staff, by number.
    #[schema(value_type = String)]
    Staff(StaffId),
    /// A hall.
    #[schema(value_type = String)]
    Hall(OrganisationId),
}

/// What somebody says of a service.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IndicatorBody {
    /// Its id in the current version of the indicators.
    pub indicator: String,
    /// The answer, by the five levels.
    #[schema(value_type = String)]
    pub level: Satisfaction,
}

/// T31 评价.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject": {"kind": "case", "id": "01J8Z3M6Q5Y7V9X1B2C3D4E5F6"},
    "stage": "finish", "level": "very-satisfied", "channel": "qr-code", "code": "7K3QF2M9TX"
}))]
pub struct RateBody {
    /// About what.
    #[schema(inline)]
    pub subject: AboutBody,
    /// `accept` or `finish`; `finish` if absent.
    #[serde(default = "finish")]
    #[schema(value_type = String)]
    pub stage: RatingStage,
    /// `very-satisfied`, `satisfied`, `fair`, `dissatisfied` or `very-dissatisfied`.
    #[schema(value_type = String)]
    pub level: Satisfaction,
    /// Answers to the indicators.
    #[serde(default)]
    #[schema(inline)]
    pub indicators: Vec<IndicatorBody>,
    /// 文字评价.
    #[serde(default)]
    pub comment: Option<String>,
    /// `web`, `mobile`, `qr-code`, `tablet`, `hall-terminal`, `phone` or `sms`.
    #[schema(value_type = String)]
    pub channel: RatingChannel,
    /// 实名; with a token if absent, without by code alone.
    #[serde(default)]
    pub real_name: Option<bool>,
    /// The code printed on the receipt, in place of a token.
    #[serde(default)]
    pub code: Option<String>,
    /// What the device calls itself; kept as a keyed digest only, to tell ratings of one device.
    #[serde(default)]
    pub device: Option<String>,
}

fn finish() -> RatingStage {
    RatingStage::Finish
}

fn check_opinion(
    comment: Option<&str>,
    device: Option<&str>,
    indicators: &[IndicatorBody],
    channel: RatingChannel,
    flaws: &mut Flaws,
) {
    flaws.optional("/comment", comment);
    flaws.optional("/device", device);
    flaws.list("/indicators", indicators);
    for (place, indicator) in indicators.iter().enumerate() {
        flaws.name(&format!("/indicators/{place}/indicator"), &indicator.indicator);
    }
    if channel == RatingChannel::System {
        flaws.add("/channel", "不可使用该渠道", "is not a channel for people");
    }
}

/// Words of fewer letters than this are everybody's, and tell nothing.
const TELLING_LETTERS_MIN: usize = 6;

/// Where an opinion came from, as keyed digests.
fn origin(node: &Node, device: Option<&str>, network: Option<IpAddr>, comment: Option<&str>) -> OpinionOrigin {
    let digest = |of: &str, text: &str| seal::origin_digest(&node.vault, of, text);
    let letters = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>();
    let told = comment.map(letters).filter(|letters| TELLING_LETTERS_MIN <= letters.chars().count());
    OpinionOrigin {
        device: device.map(|device| digest("device", device)),
        // Whoever asks from this very machine is a proxy or a test, and stands for nobody's network.
        network: network
            .filter(|network| !network.is_loopback())
            .map(|network| digest("network", &network.to_string())),
        text: told.map(|letters| digest("text", &letters)),
    }
}

fn choices(indicators: &[IndicatorBody]) -> Vec<IndicatorChoice> {
    indicators.iter().map(|body| IndicatorChoice { indicator: body.indicator.clone(), level: body.level }).collect()
}

/// The service behind what is rated, and who may rate it.
struct Rated {
    about: RatingSubject,
    service: RatedService,
    standing: Standing,
    /// With whose key a comment is sealed.
    keeper: SubjectId,
    case: Option<(Subject, u64)>,
}

/// `POST /ratings`
///
/// # Errors
/// There is nothing to rate for the caller, the body is flawed, a rule forbids it, or the log is in trouble.
pub async fn rate(
    node: web::Data<Node>,
    caller: Option<Caller>,
    request: HttpRequest,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let network = request.peer_addr().map(|address| address.ip());
    let body: RateBody = incoming.read()?;
    if caller.is_none() && body.code.is_none() {
        return Err(Problem::new(Kind::Unauthenticated));
    }
    let mut flaws = Flaws::default();
    check_opinion(body.comment.as_deref(), body.device.as_deref(), &body.indicators, body.channel, &mut flaws);
    flawless(flaws)?;
    for _ in 0..ATTEMPTS_MAX {
        match rate_once(&node, caller.as_ref(), network, &incoming, &body).await? {
            Some(response) => return Ok(response),
            // The case moved on between looking and recording: look again.
            None => continue,
        }
    }
    Err(Problem::new(Kind::Contended))
}

async fn rate_once(
    node: &Node,
    caller: Option<&Caller>,
    network: Option<IpAddr>,
    incoming: &Incoming,
    body: &RateBody,
) -> Result<Option<HttpResponse>, Problem> {
    let rated = rated(node, caller, body).await?;
    let actor = rater(caller, &rated, body)?;
    let id = RatingId::once(&rated.about, body.stage).or_else(|| incoming.command.to_string().parse().ok());
    let id = id.ok_or_else(|| Problem::new(Kind::Rule).rule("ticket-malformed"))?;
    let subject = Subject::Rating(id.clone());
    let asked = incoming.asked(node, &actor, None);
    let under_way = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Fresh(under_way) => under_way,
        Begun::Repeated(done) => return Ok(Some(Written::new(id.to_string(), &done).respond())),
    };
    let keyring = node.vault.keyring([rated.keeper.clone()]).await?;
    let comment = body.comment.as_deref();
    let origin = origin(node, body.device.as_deref(), network, comment);
    let comment =
        comment.map(|text| node.vault.seal(&keyring, &rated.keeper, &subject.to_string(), text)).transpose()?;
    let rater = caller.and_then(|caller| caller.actor.subject());
    let command = RatingCommand::Rate {
        about: rated.about,
        stage: body.stage,
        opinion: Opinion {
            level: body.level,
            indicators: choices(&body.indicators),
            comment,
            channel: body.channel,
            origin,
        },
        real_name: body.real_name.unwrap_or(rater.is_some()),
        rater,
        service: rated.service,
        standing: rated.standing,
    };
    let also: Vec<_> = rated.case.into_iter().collect();
    match node.executor.execute::<Rating>(&under_way, &asked, &subject, &command, &also).await {
        Ok(done) => Ok(Some(Written::new(id.to_string(), &done).respond())),
        Err(ExecuteError::Contended) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whoever rates by the code on the receipt acts as its holder, at the hall that printed it.
fn rater(caller: Option<&Caller>, rated: &Rated, body: &RateBody) -> Result<Actor, Problem> {
    if let Some(caller) = caller {
        return Ok(caller.actor.clone());
    }
    if !rated.standing.code_verified {
        return Err(Problem::not_found());
    }
    let channel = match body.channel {
        RatingChannel::Mobile | RatingChannel::QrCode => Channel::Mobile,
        RatingChannel::Web => Channel::Web,
        RatingChannel::Tablet | RatingChannel::HallTerminal => Channel::Window,
        RatingChannel::Phone | RatingChannel::Sms | RatingChannel::System => Channel::Other,
    };
    Ok(holder(rated.service.organisation.clone(), channel))
}

#[expect(clippy::expect_used, reason = "the name is a well-formed code")]
fn holder(organisation: OrganisationId, channel: Channel) -> Actor {
    let id = "receipt-holder".parse().expect("the name is a well-formed code");
    Actor { id, role: Role::Resident, organisation, window: None, acting_for: None, channel }
}

async fn rated(node: &Node, caller: Option<&Caller>, body: &RateBody) -> Result<Rated, Problem> {
    let day = day_of(node.clock.now());
    let reference = node.reference.now();
    let organisations = &reference.reference.organisations;
    let known = |caller: Option<&Caller>| caller.cloned().ok_or_else(|| Problem::new(Kind::Unauthenticated));
    let anybody = |organisation, item, staff| -> Result<_, Problem> {
        let caller = known(caller)?;
        let keeper = caller.actor.subject().ok_or_else(|| Problem::new(Kind::Forbidden))?;
        let source = super::cases::own();
        let service = RatedService { source, item, organisation, window: None, staff, ended_on: day, visit: false };
        let standing =
            Standing { stage_reached: true, entitled: vec![keeper.clone()], code_verified: false, ended_at: None };
        Ok((service, standing, keeper))
    };
    let (about, (service, standing, keeper)) = match &body.subject {
        AboutBody::Case(case) => return rated_case(node, caller, *case, body).await,
        AboutBody::Ticket(ticket) => return rated_ticket(node, caller, ticket, body).await,
        AboutBody::Item(item) => {
            reference.reference.catalogue.get(item).ok_or_else(Problem::not_found)?;
            let organisation = known(caller)?.actor.organisation;
            (RatingSubject::Item(item.clone()), anybody(organisation, Some(item.clone()), None)?)
        }
        AboutBody::Staff(staff) => {
            let works = organisations
                .iter()
                .find(|place| place.staff.get(staff).is_some_and(|post| post.holds_on(day)))
                .ok_or_else(Problem::not_found)?;
            (RatingSubject::Staff(staff.clone()), anybody(works.id().clone(), None, Some(staff.clone()))?)
        }
        AboutBody::Hall(hall) => {
            organisations.get(hall).ok_or_else(Problem::not_found)?;
            (RatingSubject::Hall(hall.clone()), anybody(hall.clone(), None, None)?)
        }
    };
    Ok(Rated { about, service, standing, keeper, case: None })
}

async fn rated_case(node: &Node, caller: Option<&Caller>, id: CaseId, body: &RateBody) -> Result<Rated, Problem> {
    let subject = Subject::Case(id);
    let loaded: Arc<Loaded<Case>> = match caller {
        Some(caller) => visible(node, caller, &id.to_string()).await?.1,
        None => node.executor.load::<Case>(&subject).await?,
    };
    let application = loaded.state.application.as_ref().ok_or_else(Problem::not_found)?;
    let code_verified = body
        .code
        .as_deref()
        .is_some_and(|code| is_code(node, loaded.state.rating_code_digest.as_deref(), &subject, code));
    let service = loaded.state.rated_service(body.stage);
    let standing = Standing {
        stage_reached: service.is_some(),
        entitled: loaded.state.entitled_to_rate(),
        code_verified,
        ended_at: loaded.state.closed_at.filter(|_| body.stage == RatingStage::Finish),
    };
    // Before the stage is reached there is no service yet; the decider then says so.
    let service = service.unwrap_or_else(|| RatedService {
        source: application.source.clone(),
        item: Some(application.item.clone()),
        organisation: application.intake.clone(),
        window: None,
        staff: None,
        ended_on: day_of(node.clock.now()),
        visit: false,
    });
    let keeper = application.applicant.subject.clone();
    Ok(Rated { about: RatingSubject::Case(id), service, standing, keeper, case: Some((subject, loaded.version)) })
}

/// A visit is rated once, when it is over; by its holder, or by the code on its slip.
async fn rated_ticket(node: &Node, caller: Option<&Caller>, id: &str, body: &RateBody) -> Result<Rated, Problem> {
    let id: TicketId = id.parse().map_err(|_| Problem::not_found())?;
    let subject = Subject::Hall(id.day.clone());
    let loaded = node.executor.load::<HallQueue>(&subject).await?;
    let ticket = loaded.state.tickets.get(&id.number).ok_or_else(Problem::not_found)?;
    let issued = &ticket.issued;
    let known = issued.rating_code_digest.as_deref();
    let code_verified = body.code.as_deref().is_some_and(|code| is_code(node, known, &subject, code));
    if !code_verified && let Some(caller) = caller {
        super::halls::visible_ticket(node, caller, &id.to_string()).await?;
    }
    let service = loaded.state.rated_service(&id);
    let is_over = service.is_some() && body.stage == RatingStage::Finish;
    let entitled = issued.visitor.iter().cloned().collect();
    let ended_at = ticket.finished_at;
    let standing = Standing { stage_reached: is_over, entitled, code_verified, ended_at };
    // Before the visit is over there is no service yet; the decider then says so.
    let service = service.unwrap_or_else(|| RatedService {
        source: super::cases::own(),
        item: issued.item.clone(),
        organisation: id.day.hall.clone(),
        window: None,
        staff: None,
        ended_on: day_of(node.clock.now()),
        visit: false,
    });
    let hall = || node.vault.subject(&format!("organisation {}", id.day.hall));
    let keeper = issued.visitor.clone().unwrap_or_else(hall);
    // A visit that is over does not change any more, so nothing need be guarded.
    Ok(Rated { about: RatingSubject::Ticket(id.to_string()), service, standing, keeper, case: None })
}

/// Compares keyed digests of equal length without stopping early, so that time tells nothing of the code.
fn is_code(node: &Node, known: Option<&str>, subject: &Subject, code: &str) -> bool {
    let Some(known) = known else { return false };
    let given = seal::rating_code_digest(&node.vault, &subject.to_string(), code);
    seal::is_same(known, &given)
}

/// An act on a rating or its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrderAction {
    Revise,
    NotAdopt,
    Assign,
    Verify,
    Rectify,
    Reply,
    CallBack,
    Appeal,
    ReviewAppeal,
}

impl OrderAction {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "revise" => Self::Revise,
            "not-adopt" => Self::NotAdopt,
            "assign" => Self::Assign,
            "verify" => Self::Verify,
            "rectify" => Self::Rectify,
            "reply" => Self::Reply,
            "call-back" => Self::CallBack,
            "appeal" => Self::Appeal,
            "review-appeal" => Self::ReviewAppeal,
            _ => return None,
        })
    }

    /// Who may; whether it is this person's to do, the decider knows.
    fn is_for(self, role: Role) -> bool {
        let staff = matches!(
            role,
            Role::Clerk | Role::Handler | Role::Chief | Role::OrganHead | Role::DeliveryClerk | Role::CertificateMaker
        );
        match self {
            Self::Revise => role == Role::Resident,
            Self::NotAdopt | Self::ReviewAppeal => role == Role::Supervisor,
            Self::Assign => matches!(role, Role::Supervisor | Role::Chief | Role::OrganHead),
            Self::Verify | Self::Rectify | Self::Reply | Self::CallBack => staff || role == Role::Supervisor,
            Self::Appeal => staff,
        }
    }
}

/// The same rater thought again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"level": "satisfied", "channel": "mobile"}))]
pub struct ReviseBody {
    /// The level that holds from now on.
    #[schema(value_type = String)]
    pub level: Satisfaction,
    /// Answers to the indicators.
    #[serde(default)]
    #[schema(inline)]
    pub indicators: Vec<IndicatorBody>,
    /// 文字评价.
    #[serde(default)]
    pub comment: Option<String>,
    /// Through which channel.
    #[schema(value_type = String)]
    pub channel: RatingChannel,
    /// The code printed on the receipt, in place of a token.
    #[serde(default)]
    pub code: Option<String>,
    /// What the device calls itself; kept as a keyed digest only, to tell ratings of one device.
    #[serde(default)]
    pub device: Option<String>,
}

/// 不予采纳.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"verdict": "mistaken", "reason": "评价对象有误"}))]
pub struct NotAdoptBody {
    /// `mistaken` or `malicious`.
    #[schema(value_type = String)]
    pub verdict: Verdict,
    /// In words.
    pub reason: String,
}

/// Somebody is to answer for the order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"organisation": "361023100", "staff": "chief-01"}))]
pub struct AssignBody {
    /// Which organisation.
    #[schema(value_type = String)]
    pub organisation: OrganisationId,
    /// Who.
    #[schema(value_type = String)]
    pub staff: StaffId,
}

/// 核实.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"verdict": "true", "finding": "等候时间过长属实"}))]
pub struct VerifyBody {
    /// `true`, `mistaken`, `malicious` or `out-of-scope`.
    #[schema(value_type = String)]
    pub verdict: Verdict,
    /// In words.
    pub finding: String,
}

/// 整改.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"how": "at-once", "measures": "增开窗口"}))]
pub struct RectifyBody {
    /// `at-once`, `by-date` or `explained`.
    #[schema(value_type = String)]
    pub how: Rectification,
    /// In words.
    pub measures: String,
}

/// 回复.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reply": "已整改，感谢您的意见"}))]
pub struct ReplyBody {
    /// What.
    pub reply: String,
}

/// 回访.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"result": "satisfied"}))]
pub struct CallBackBody {
    /// `satisfied`, `fair`, `dissatisfied` or `not-reached`.
    #[schema(value_type = String)]
    pub result: CallBackResult,
    /// In words.
    #[serde(default)]
    pub notes: Option<String>,
}

/// 申诉.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"grounds": "当日系统故障，非本人原因"}))]
pub struct AppealBody {
    /// Why.
    pub grounds: String,
}

/// 复核.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"upheld": true, "verdict": "out-of-scope", "reason": "非工作人员原因"}))]
pub struct ReviewAppealBody {
    /// The appeal was right.
    pub upheld: bool,
    /// The finding that holds now.
    #[schema(value_type = String)]
    pub verdict: Verdict,
    /// In words.
    pub reason: String,
}

/// `POST /ratings/{id}/actions/{action}`
///
/// # Errors
/// The rating is not there for the caller, the body is flawed, a rule forbids it, or the log is in trouble.
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    let id: RatingId = id.parse().map_err(|_| Problem::not_found())?;
    let action = OrderAction::named(&action).ok_or_else(Problem::not_found)?;
    let subject = Subject::Rating(id.clone());
    let loaded = node.executor.load::<Rating>(&subject).await?;
    let seen = is_visible(&node, &caller, &subject, &loaded);
    let rated = loaded.state.rated.as_ref().filter(|_| seen).ok_or_else(Problem::not_found)?;
    if !action.is_for(caller.actor.role) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let keeper = match (&rated.rater, &rated.about) {
        (Some(rater), _) => rater.clone(),
        (None, RatingSubject::Case(case)) => applicant(&node, *case).await?,
        (None, _) => node.vault.subject(&format!("organisation {}", rated.service.organisation)),
    };
    let words = Words {
        node: &node,
        keyring: node.vault.keyring([keeper.clone()]).await?,
        keeper,
        context: subject.to_string(),
    };
    let command = command(action, &incoming, &words, &caller, &rated.about).await?;
    let asked: Asked = incoming.asked(&node, &caller.actor, None);
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => node.executor.execute::<Rating>(&under_way, &asked, &subject, &command, &[]).await?,
    };
    Ok(Written::new(id.to_string(), &done).respond())
}

pub(crate) fn is_visible(node: &Node, caller: &Caller, subject: &Subject, loaded: &Loaded<Rating>) -> bool {
    use crate::execute::Stream as _;
    let reference = node.reference.now();
    let labels = loaded.state.labels(subject, &reference.reference);
    let is_own_work =
        loaded.state.rated.as_ref().is_some_and(|rated| rated.service.staff.as_ref() == Some(&caller.actor.id));
    caller.scope.sees_cases() && (is_own_work || caller.scope.covers(labels.iter().map(String::as_str)))
}

/// Tells whether this is the code on the receipt of the case, or on the slip of the ticket.
async fn opens(node: &Node, about: &RatingSubject, code: &str) -> Result<bool, Problem> {
    let (subject, known) = match about {
        RatingSubject::Case(case) => {
            let subject = Subject::Case(*case);
            let known = node.executor.load::<Case>(&subject).await?.state.rating_code_digest.clone();
            (subject, known)
        }
        RatingSubject::Ticket(ticket) => {
            let id: TicketId = ticket.parse().map_err(|_| Problem::not_found())?;
            let subject = Subject::Hall(id.day.clone());
            let loaded = node.executor.load::<HallQueue>(&subject).await?;
            let ticket = loaded.state.tickets.get(&id.number);
            (subject, ticket.and_then(|ticket| ticket.issued.rating_code_digest.clone()))
        }
        RatingSubject::Item(_) | RatingSubject::Staff(_) | RatingSubject::Hall(_) => return Ok(false),
    };
    Ok(is_code(node, known.as_deref(), &subject, code))
}

async fn applicant(node: &Node, case: CaseId) -> Result<SubjectId, Problem> {
    let loaded = node.executor.load::<Case>(&Subject::Case(case)).await?;
    let application = loaded.state.application.as_ref().ok_or_else(Problem::not_found)?;
    Ok(application.applicant.subject.clone())
}

/// Seals what is said about a rating.
struct Words<'a> {
    node: &'a Node,
    keyring: Keyring,
    keeper: SubjectId,
    context: String,
}

impl Words<'_> {
    fn seal(&self, text: &str) -> Result<Sealed, VaultError> {
        self.node.vault.seal(&self.keyring, &self.keeper, &self.context, text)
    }
}

async fn command(
    action: OrderAction,
    incoming: &Incoming,
    words: &Words<'_>,
    caller: &Caller,
    about: &RatingSubject,
) -> Result<RatingCommand, Problem> {
    Ok(match action {
        OrderAction::Revise => {
            let body: ReviseBody = checked(incoming, |body: &ReviseBody, flaws| {
                check_opinion(body.comment.as_deref(), body.device.as_deref(), &body.indicators, body.channel, flaws);
            })?;
            let comment = body.comment.as_deref().map(|text| words.seal(text)).transpose()?;
            let (level, indicators, channel) = (body.level, choices(&body.indicators), body.channel);
            let code_verified = match &body.code {
                Some(code) => opens(words.node, about, code).await?,
                None => false,
            };
            let origin = origin(words.node, body.device.as_deref(), None, body.comment.as_deref());
            let opinion = Opinion { level, indicators, comment, channel, origin };
            RatingCommand::Revise { opinion, rater: caller.actor.subject(), code_verified }
        }
        OrderAction::NotAdopt => {
            let body = checked(incoming, |body: &NotAdoptBody, flaws| flaws.text("/reason", &body.reason))?;
            RatingCommand::NotAdopt { verdict: body.verdict, reason: words.seal(&body.reason)? }
        }
        OrderAction::Assign => {
            let body = checked(incoming, |_: &AssignBody, _| ())?;
            RatingCommand::AssignOrder { organisation: body.organisation, staff: body.staff }
        }
        OrderAction::Verify => {
            let body = checked(incoming, |body: &VerifyBody, flaws| flaws.text("/finding", &body.finding))?;
            RatingCommand::VerifyOrder { verdict: body.verdict, finding: words.seal(&body.finding)? }
        }
        OrderAction::Rectify => {
            let body = checked(incoming, |body: &RectifyBody, flaws| flaws.text("/measures", &body.measures))?;
            RatingCommand::RectifyOrder { how: body.how, measures: words.seal(&body.measures)? }
        }
        OrderAction::Reply => {
            let body = checked(incoming, |body: &ReplyBody, flaws| flaws.text("/reply", &body.reply))?;
            RatingCommand::ReplyOrder { reply: words.seal(&body.reply)? }
        }
        OrderAction::CallBack => {
            let body = checked(incoming, |body: &CallBackBody, flaws| flaws.optional("/notes", body.notes.as_deref()))?;
            let notes = body.notes.as_deref().map(|text| words.seal(text)).transpose()?;
            RatingCommand::CallBack { result: body.result, notes }
        }
        OrderAction::Appeal => {
            let body = checked(incoming, |body: &AppealBody, flaws| flaws.text("/grounds", &body.grounds))?;
            RatingCommand::Appeal { grounds: words.seal(&body.grounds)? }
        }
        OrderAction::ReviewAppeal => {
            let body = checked(incoming, |body: &ReviewAppealBody, flaws| flaws.text("/reason", &body.reason))?;
            let reason = words.seal(&body.reason)?;
            RatingCommand::ReviewAppeal { upheld: body.upheld, verdict: body.verdict, reason }
        }
    })
}

fn checked<T: DeserializeOwned>(incoming: &Incoming, check: impl FnOnce(&T, &mut Flaws)) -> Result<T, Problem> {
    let body: T = incoming.read()?;
    let mut flaws = Flaws::default();
    check(&body, &mut flaws);
    flawless(flaws)?;
    Ok(body)
}
