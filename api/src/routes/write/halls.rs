//! 取号叫号: taking a ticket, and everything that a hall's windows do with it.

use super::cases::visible as visible_case;
use super::request::{Incoming, Written, flawless, read};
use crate::auth::{Caller, Extent};
use crate::execute::{self, Asked, Begun, Done, Loaded};
use crate::node::Node;
use crate::problem::{Kind, Problem};
use crate::rights;
use crate::seal::{self, Flaws, IdType, PersonBody, PersonKind};
use actix_web::{HttpResponse, web};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::appointment::{AppointmentAct, AppointmentCommand, Booking, DaySlots};
use domain::event::ticket::PriorityGround;
use domain::event::{Event, TicketEvent};
use domain::fact::Subject;
use domain::hall_day::{AppointmentId, HallDay, TicketId};
use domain::ids::{CaseId, CommandId, ItemId, OrganisationId, SubjectId, WindowId};
use domain::ticket::{HallQueue, Issue, TicketAct, TicketCommand};
use domain::zone::day_of;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;

/// The longest name of a window's purpose, in characters.
const PURPOSE_CHARS_MAX: usize = 32;

/// Whose ticket it is: the number is turned into a reference at the door, and kept nowhere.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitorBody {
    /// 证件号码.
    #[schema(example = "11010519491231002X")]
    pub id_number: String,
    /// What the number is; the usual one if absent.
    #[serde(default)]
    #[schema(inline)]
    pub id_type: IdType,
}

impl std::fmt::Debug for VisitorBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VisitorBody(…)")
    }
}

/// 取号.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"hall": "361023100", "item": "FZ-001", "visitor": {"id_number": "11010519491231002X"}}))]
pub struct TakeTicketBody {
    /// At which hall; the caller's organisation if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub hall: Option<OrganisationId>,
    /// Which kind of window, as windows name their purpose; `comprehensive` if absent.
    #[serde(default)]
    pub purpose: Option<String>,
    /// For which item, where that is known.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub item: Option<ItemId>,
    /// Whose; a resident's own if absent, or nobody's.
    #[serde(default)]
    #[schema(inline)]
    pub visitor: Option<VisitorBody>,
    /// Why they go ahead, as seen at the desk: `disabled`, `pregnant`, `veteran` or `elderly`. Age is known by the number.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub priority: Option<PriorityGround>,
    /// 签到: by which appointment; it says hall, kind of window, item and person.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub appointment: Option<AppointmentId>,
}

impl TakeTicketBody {
    fn check(&self, caller: &Caller, flaws: &mut Flaws) {
        if let Some(visitor) = &self.visitor {
            let (number, kind) = (&visitor.id_number, PersonKind::NaturalPerson);
            PersonBody::check_id(kind, visitor.id_type, number, "/visitor/id_number", flaws);
        }
        if let Some(purpose) = &self.purpose {
            check_purpose(purpose, flaws);
        }
        let resident = caller.actor.role == Role::Resident;
        if resident && self.visitor.is_some() {
            flaws.add("/visitor", "本人取号无须证件号码", "a resident takes a ticket for themselves");
        }
        if resident && self.priority.is_some() {
            flaws.add("/priority", "优先情形由窗口核验", "is stated at the hall's desk");
        }
        if resident && self.hall.is_none() && self.appointment.is_none() {
            flaws.add("/hall", "须注明大厅", "is needed");
        }
        let said_by_it = [self.hall.is_some(), self.purpose.is_some(), self.item.is_some(), self.visitor.is_some()];
        if self.appointment.is_some() && said_by_it.contains(&true) {
            let en = "says hall, kind of window, item and person itself";
            flaws.add("/appointment", "预约已载明大厅、窗口、事项和本人", en);
        }
    }
}

pub(super) fn check_purpose(purpose: &str, flaws: &mut Flaws) {
    let fits = (1..=PURPOSE_CHARS_MAX).contains(&purpose.chars().count());
    if !fits || purpose.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let (zh, en) = ("窗口类别无效", format!("must have 1 to {PURPOSE_CHARS_MAX} characters without blanks"));
        flaws.add("/purpose", zh, en);
    }
}

/// `POST /tickets`
///
/// # Errors
/// The hall or appointment is not there for the caller, the body is flawed, a rule forbids it, or the log is in trouble.
pub async fn take(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    if !gives_tickets(caller.actor.role) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let body: TakeTicketBody = incoming.read()?;
    let mut flaws = Flaws::default();
    body.check(&caller, &mut flaws);
    flawless(flaws)?;
    let asked = incoming.asked(&node, &caller.actor, None);
    let under_way = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Fresh(under_way) => under_way,
        Begun::Repeated(done) => return taken(&node, &done),
    };
    let appointment = match &body.appointment {
        Some(id) => Some(visible_booking(&node, &caller, id).await?.1),
        None => None,
    };
    let hall = appointment.as_ref().map(|known| known.booked.appointment.day.hall.clone());
    let hall = hall.or(body.hall.clone()).unwrap_or_else(|| caller.actor.organisation.clone());
    sees_hall(&node, &caller, &hall)?;
    let day = node.reference.now().reference.organisations.hall_day(&hall, node.clock.now());
    let subject = Subject::Hall(day.clone());
    let command = TicketCommand {
        act: TicketAct::Issue(issue(&node, &caller, &body, appointment.as_ref(), &subject, incoming.command)),
        day,
    };
    // The appointment is kept only where a ticket can follow.
    node.executor.would_allow::<HallQueue>(&asked, &subject, &command).await?;
    if let Some(known) = &appointment {
        keep(&node, &asked, &known.booked.appointment).await?;
    }
    taken(&node, &node.executor.execute::<HallQueue>(&under_way, &asked, &subject, &command, &[]).await?)
}

fn gives_tickets(role: Role) -> bool {
    matches!(role, Role::Receptionist | Role::Clerk | Role::DeliveryClerk | Role::VillageAgent | Role::Resident)
}

fn issue(
    node: &Node,
    caller: &Caller,
    body: &TakeTicketBody,
    appointment: Option<&Booking>,
    stream: &Subject,
    command: CommandId,
) -> Issue {
    let code = seal::rating_code(&node.vault, &stream.to_string(), command);
    let digest = seal::rating_code_digest(&node.vault, &stream.to_string(), &code);
    let rating_code_digest = Some(digest);
    if let Some(Booking { booked, .. }) = appointment {
        return Issue {
            purpose: booked.purpose.clone(),
            item: Some(booked.item.clone()),
            visitor: Some(booked.party.subject.clone()),
            age_band: booked.party.age_band,
            priority: body.priority,
            appointment: Some((booked.appointment.clone(), booked.from)),
            rating_code_digest,
        };
    }
    let number = body.visitor.as_ref();
    let today = day_of(node.clock.now());
    let by_number = number.filter(|visitor| visitor.id_type == IdType::Standard);
    let known = by_number.and_then(|visitor| domain::identity::IdNumber::parse(&visitor.id_number).ok());
    Issue {
        purpose: body.purpose.clone().unwrap_or_else(comprehensive),
        item: body.item.clone(),
        visitor: number.map(|visitor| node.vault.subject(&visitor.id_number)).or_else(|| caller.actor.subject()),
        age_band: known.map(|number| number.age_band(today)),
        priority: body.priority,
        appointment: None,
        rating_code_digest,
    }
}

pub(super) fn comprehensive() -> String {
    "comprehensive".to_owned()
}

async fn keep(node: &Node, asked: &Asked, appointment: &AppointmentId) -> Result<(), Problem> {
    let act = AppointmentAct::Keep { appointment: appointment.clone() };
    let command = AppointmentCommand { day: appointment.day.clone(), act };
    let subject = Subject::Slots(appointment.day.clone());
    let asked = derived(asked, "keep");
    match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(_) => Ok(()),
        Begun::Fresh(under_way) => {
            node.executor.execute::<DaySlots>(&under_way, &asked, &subject, &command, &[]).await?;
            Ok(())
        }
    }
}

/// The second act of a command that touches two streams: its id follows from the first's, so that a repeated request
/// finishes what an interrupted one began, and does nothing twice.
pub(super) fn derived(asked: &Asked, what: &str) -> Asked {
    let (command, digest) = execute::derived(&format!("{}/{what}", asked.command), asked.command.0.timestamp_ms());
    Asked { command, digest, if_match: None, ..asked.clone() }
}

/// Tells what was given, and what is printed on the slip; the code follows from the command, so that a repeated request
/// prints the same slip.
fn taken(node: &Node, done: &Done) -> Result<HttpResponse, Problem> {
    let first = done.facts.first().ok_or_else(|| Problem::new(Kind::Internal))?;
    let (Subject::Hall(day), Event::Ticket(TicketEvent::TicketIssued(issued))) = (&first.subject, &first.event) else {
        return Err(Problem::new(Kind::KeyReused));
    };
    let id = TicketId::of(day, issued.ticket);
    let slip = json!({
        "label": issued.label,
        "rating_code": seal::rating_code(&node.vault, &first.subject.to_string(), first.command),
    });
    let written = Written::new(id.to_string(), done)
        .with("label", issued.label.as_str())
        .with("ahead", issued.ahead)
        .with("estimated_minutes", json!(issued.estimated_minutes))
        .with("slip", slip);
    Ok(written.created())
}

/// What a window does. Where no window is named it is the token's, or the one at which the caller sits.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"window": "C1"}))]
pub struct WindowBody {
    /// Which.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub window: Option<WindowId>,
}

/// 转号.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"window": "O1"}))]
pub struct TransferBody {
    /// To which kind of window.
    #[serde(default)]
    pub purpose: Option<String>,
    /// To which window.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub window: Option<WindowId>,
}

/// What the visit was about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"case": "01KH9Z6V0000000000000000AA"}))]
pub struct LinkBody {
    /// Which case.
    #[schema(value_type = String)]
    pub case: CaseId,
}

/// An act without anything to say.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct NothingBody {}

/// `POST /halls/{id}/actions/{action}`
///
/// # Errors
/// The hall is not there for the caller, the body is flawed, a rule forbids it, or the log is in trouble.
pub async fn act_in_hall(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (hall, action) = path.into_inner();
    let hall: OrganisationId = hall.parse().map_err(|_| Problem::not_found())?;
    sees_hall(&node, &caller, &hall)?;
    let day = node.reference.now().reference.organisations.hall_day(&hall, node.clock.now());
    let make: fn(WindowId) -> TicketAct = match action.as_str() {
        "staff-window" => |window| TicketAct::StaffWindow { window },
        "leave-window" => |window| TicketAct::LeaveWindow { window },
        "call-next" => |window| TicketAct::CallNext { window },
        _ => return Err(Problem::not_found()),
    };
    works_at_window(&caller, &hall)?;
    let body: WindowBody = incoming.read()?;
    let subject = Subject::Hall(day.clone());
    let asked = incoming.asked(&node, &caller.actor, None);
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => {
            let window = window_of(&node, &caller, &subject, body.window).await?;
            let command = TicketCommand { day: day.clone(), act: make(window) };
            node.executor.execute::<HallQueue>(&under_way, &asked, &subject, &command, &[]).await?
        }
    };
    Ok(told(&hall.to_string(), &done).respond())
}

/// Names the ticket that was called, where one was.
fn told(id: &str, done: &Done) -> Written {
    let called = done.facts.iter().find_map(|fact| match (&fact.subject, &fact.event) {
        (Subject::Hall(day), Event::Ticket(TicketEvent::TicketCalled(called))) => {
            Some((TicketId::of(day, called.ticket), called))
        }
        _ => None,
    });
    let written = Written::new(id, done);
    match called {
        Some((ticket, called)) => written.with("ticket", ticket.to_string()).with("window", called.window.as_str()),
        None => written,
    }
}

async fn window_of(
    node: &Node,
    caller: &Caller,
    subject: &Subject,
    named: Option<WindowId>,
) -> Result<WindowId, Problem> {
    if let Some(window) = named.or_else(|| caller.actor.window.clone()) {
        return Ok(window);
    }
    let loaded = node.executor.load::<HallQueue>(subject).await?;
    let sits = loaded.state.windows.iter().find(|(_, open)| open.staff == caller.actor.id);
    sits.map(|(window, _)| window.clone()).ok_or_else(|| {
        let mut flaws = Flaws::default();
        flaws.add("/window", "须注明窗口", "is needed, for you sit at none");
        Problem::new(Kind::Invalid).errors(flaws.0)
    })
}

/// An act on a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TicketAction {
    Call,
    Recall,
    Miss,
    Park,
    Requeue,
    Transfer,
    Serve,
    Finish,
    Abandon,
    Link,
}

impl TicketAction {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "call" => Self::Call,
            "recall" => Self::Recall,
            "miss" => Self::Miss,
            "park" => Self::Park,
            "requeue" => Self::Requeue,
            "transfer" => Self::Transfer,
            "serve" => Self::Serve,
            "finish" => Self::Finish,
            "abandon" => Self::Abandon,
            "link" => Self::Link,
            _ => return None,
        })
    }
}

/// `POST /tickets/{id}/actions/{action}`
///
/// # Errors
/// The ticket is not there for the caller, the body is flawed, a rule forbids it, or the log is in trouble.
pub async fn act_on_ticket(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    let action = TicketAction::named(&action).ok_or_else(Problem::not_found)?;
    let (id, _) = visible_ticket(&node, &caller, &id).await?;
    let subject = Subject::Hall(id.day.clone());
    let asked = incoming.asked(&node, &caller.actor, None);
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => {
            let act = ticket_act(&node, &caller, action, &id, &subject, &incoming).await?;
            let command = TicketCommand { day: id.day.clone(), act };
            node.executor.execute::<HallQueue>(&under_way, &asked, &subject, &command, &[]).await?
        }
    };
    Ok(told(&id.to_string(), &done).respond())
}

async fn ticket_act(
    node: &Node,
    caller: &Caller,
    action: TicketAction,
    id: &TicketId,
    subject: &Subject,
    incoming: &Incoming,
) -> Result<TicketAct, Problem> {
    let (hall, ticket) = (&id.day.hall, id.number);
    let at_window = || -> Result<(), Problem> {
        read::<NothingBody>(incoming.object()?.into())?;
        works_at_window(caller, hall)
    };
    Ok(match action {
        TicketAction::Call => {
            works_at_window(caller, hall)?;
            let body: WindowBody = incoming.read()?;
            TicketAct::Call { ticket, window: window_of(node, caller, subject, body.window).await? }
        }
        TicketAction::Recall => at_window().map(|()| TicketAct::Recall { ticket })?,
        TicketAction::Miss => at_window().map(|()| TicketAct::Miss { ticket })?,
        TicketAction::Park => at_window().map(|()| TicketAct::Park { ticket })?,
        TicketAction::Serve => at_window().map(|()| TicketAct::Serve { ticket })?,
        TicketAction::Finish => at_window().map(|()| TicketAct::Finish { ticket })?,
        TicketAction::Requeue => {
            works_in_hall(caller)?;
            let NothingBody {} = incoming.read()?;
            TicketAct::Requeue { ticket }
        }
        TicketAction::Transfer => {
            works_in_hall(caller)?;
            let TransferBody { purpose, window } = incoming.read()?;
            let mut flaws = Flaws::default();
            if let Some(purpose) = &purpose {
                check_purpose(purpose, &mut flaws);
            }
            if purpose.is_none() && window.is_none() {
                flaws.add("/window", "须注明转往的窗口或窗口类别", "or a purpose is needed, to know where to");
            }
            flawless(flaws)?;
            TicketAct::Transfer { ticket, purpose, window }
        }
        TicketAction::Abandon => {
            let NothingBody {} = incoming.read()?;
            let by_visitor = caller.actor.role == Role::Resident;
            if !by_visitor {
                works_in_hall(caller)?;
            }
            TicketAct::Abandon { ticket, by_visitor }
        }
        TicketAction::Link => {
            works_in_hall(caller)?;
            let body: LinkBody = incoming.read()?;
            let (case, _) = visible_case(node, caller, &body.case.to_string()).await?;
            TicketAct::Link { ticket, case }
        }
    })
}

/// Who sits at windows, at this very hall.
fn works_at_window(caller: &Caller, hall: &OrganisationId) -> Result<(), Problem> {
    let sits = matches!(
        caller.actor.role,
        Role::Clerk | Role::DeliveryClerk | Role::CertificateMaker | Role::Handler | Role::VillageAgent
    );
    if sits && caller.actor.organisation == *hall { Ok(()) } else { Err(Problem::new(Kind::Forbidden)) }
}

/// Who may put a ticket elsewhere.
fn works_in_hall(caller: &Caller) -> Result<(), Problem> {
    let works = matches!(
        caller.actor.role,
        Role::Receptionist
            | Role::Clerk
            | Role::DeliveryClerk
            | Role::CertificateMaker
            | Role::Handler
            | Role::Chief
            | Role::VillageAgent
    );
    if works { Ok(()) } else { Err(Problem::new(Kind::Forbidden)) }
}

/// Refuses a hall to which the caller does not go.
pub(super) fn sees_hall(node: &Node, caller: &Caller, hall: &OrganisationId) -> Result<(), Problem> {
    let reference = node.reference.now();
    match rights::goes_to(caller, hall, &reference.reference.organisations) {
        true => Ok(()),
        false => Err(Problem::not_found()),
    }
}

/// Tells whether something of this person's at this hall is the caller's to know of.
fn is_theirs(node: &Node, caller: &Caller, hall: &OrganisationId, whose: Option<&SubjectId>) -> bool {
    match &caller.scope.extent {
        Extent::Person(subject) => whose == Some(subject),
        Extent::Subtree(root) => node.reference.now().reference.organisations.contains(root, hall),
    }
}

/// A ticket that the caller may know of, with its hall's day.
///
/// # Errors
/// There is none, or it is not theirs to see.
pub async fn visible_ticket(
    node: &Node,
    caller: &Caller,
    id: &str,
) -> Result<(TicketId, Arc<Loaded<HallQueue>>), Problem> {
    let id: TicketId = id.parse().map_err(|_| Problem::not_found())?;
    sees_hall(node, caller, &id.day.hall)?;
    let loaded = node.executor.load::<HallQueue>(&Subject::Hall(id.day.clone())).await?;
    let ticket = loaded.state.tickets.get(&id.number).ok_or_else(Problem::not_found)?;
    let theirs = is_theirs(node, caller, &id.day.hall, ticket.issued.visitor.as_ref());
    if theirs { Ok((id, loaded)) } else { Err(Problem::not_found()) }
}

/// An appointment that the caller may know of, with its hall's day's version.
///
/// # Errors
/// There is none, or it is not theirs to see.
pub async fn visible_booking(node: &Node, caller: &Caller, id: &AppointmentId) -> Result<(u64, Booking), Problem> {
    sees_hall(node, caller, &id.day.hall)?;
    let loaded = node.executor.load::<DaySlots>(&Subject::Slots(id.day.clone())).await?;
    let known = loaded.state.bookings.get(id).ok_or_else(Problem::not_found)?;
    let theirs = is_theirs(node, caller, &id.day.hall, Some(&known.booked.party.subject));
    if theirs { Ok((loaded.version, known.clone())) } else { Err(Problem::not_found()) }
}

/// Returns a hall's day by its date.
pub(super) fn hall_day(hall: &OrganisationId, day: NaiveDate) -> HallDay {
    HallDay { day, hall: hall.clone() }
}
