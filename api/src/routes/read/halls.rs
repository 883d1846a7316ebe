//! Halls: who waits where, the public screen, slots and appointments, and the figures of it all.

use crate::answer::{Stamp, shown};
use crate::auth::{Caller, Extent, Sight};
use crate::cursor::Page;
use crate::execute::folded;
use crate::node::Node;
use crate::problem::{Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::reveal::{Eyes, Reveal};
use crate::rights;
use crate::views::{Standing, Views, When};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use domain::appointment::{Booking, DaySlots, slots};
use domain::event::policy::HallRules;
use domain::event::ticket::ServiceTime;
use domain::fact::Subject;
use domain::hall_day::{AppointmentId, HallDay, TicketId};
use domain::ids::{ItemId, OrganisationId, RegionCode, SubjectId};
use domain::month::Month;
use domain::organisation::Organisation;
use domain::reference::Reference;
use domain::region;
use domain::roster::Roster;
use domain::service_point::takes_in;
use domain::ticket::{HallQueue, Ticket, TicketStatus};
use domain::zone::Instant;
use eventstore::Position;
use projections::halls::Halls;
use projections::reference::ReferenceData;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Which day of a hall; the one that runs if absent.
#[derive(Debug, Clone)]
pub(super) struct OnDay(Option<NaiveDate>);

impl FromParameters for OnDay {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self(parameters.day("day")?))
    }
}

/// Whoever goes to a hall may know what its screen shows.
fn any_hall(views: &Views, caller: &Caller, hall: &str) -> Result<OrganisationId, Problem> {
    let hall: OrganisationId = hall.parse().map_err(|_| Problem::not_found())?;
    match views.today(|reference| rights::goes_to(caller, &hall, &reference.organisations)) {
        true => Ok(hall),
        false => Err(Problem::not_found()),
    }
}

/// Tells whether something of this person's at this hall is the caller's to know of.
fn is_theirs(views: &Views, caller: &Caller, hall: &OrganisationId, whose: Option<&SubjectId>) -> bool {
    match &caller.scope.extent {
        Extent::Person(subject) => whose == Some(subject),
        Extent::Subtree(root) => views.today(|reference| reference.organisations.contains(root, hall)),
    }
}

/// A hall's day as it stood, with the reference data of that moment.
pub(super) struct SeenDay {
    pub(super) day: HallDay,
    pub(super) queue: HallQueue,
    pub(super) position: Position,
}

/// Returns a hall's day: of one that runs, as the views have it; of any other, folded from its stream.
pub(super) async fn queue_of(
    views: &Views,
    at: &Standing,
    hall: &OrganisationId,
    on: Option<NaiveDate>,
) -> Result<SeenDay, Problem> {
    let moment = at.at;
    let day = views.look(at, |data: &ReferenceData| data.reference.organisations.hall_day(hall, moment)).await?.value;
    let day = on.map_or(day, |on| HallDay { day: on, hall: hall.clone() });
    let position = match at.slice() {
        Some(slice) => slice.through,
        None => {
            let seen = views.look(at, |halls: &Halls| halls.day(&day).cloned()).await?;
            match seen.value {
                Some(queue) => return Ok(SeenDay { day, queue, position: seen.position }),
                None => seen.position,
            }
        }
    };
    let facts = views.stream(at, &Subject::Hall(day.clone())).await?;
    Ok(SeenDay { day, queue: folded(&facts), position })
}

async fn slots_of(views: &Views, at: &Standing, day: &HallDay) -> Result<(DaySlots, Position), Problem> {
    let position = views.position(at);
    let facts = views.stream(at, &Subject::Slots(day.clone())).await?;
    Ok((folded(&facts), position))
}

/// What a look at a hall's day needs to know besides.
pub(super) struct Look<'a> {
    pub(super) day: &'a HallDay,
    pub(super) queue: &'a HallQueue,
    pub(super) reference: &'a Reference,
    pub(super) at: Instant,
}

impl Look<'_> {
    fn rules(&self) -> &HallRules {
        &self.reference.policies.at(self.day.day).rules.hall
    }

    fn hall(&self) -> Option<&Organisation> {
        self.reference.organisations.get(&self.day.hall)
    }

    fn is_open(&self) -> bool {
        self.reference.organisations.is_open(&self.day.hall, self.at, &self.reference.calendar)
    }

    fn window_name(&self, window: &domain::ids::WindowId) -> Option<&str> {
        self.hall()?.windows.get(window).map(|known| known.name_zh.as_str())
    }

    fn ticket(&self, ticket: &Ticket, sight: Sight) -> Value {
        let waiting = ticket.status == TicketStatus::Waiting;
        // One's own ticket is among those of its rank.
        let ahead = self.queue.ahead_of(&ticket.purpose, ticket.rank_at).saturating_sub(1);
        let estimate = || self.queue.estimated_minutes(&ticket.purpose, ahead, self.rules());
        let until = ticket.first_called_at.unwrap_or(self.at);
        json!({
            "id": TicketId::of(self.day, ticket.issued.ticket),
            "label": ticket.issued.label,
            "status": ticket.status,
            "purpose": ticket.purpose,
            "item": ticket.issued.item,
            "by_appointment": ticket.issued.appointment.is_some(),
            "priority": ticket.issued.priority,
            "issued_at": shown(ticket.issued.issued_at),
            "ready_at": shown(ticket.issued.ready_at),
            "waited_minutes": (until - ticket.issued.ready_at).num_minutes().max(0),
            "ahead": waiting.then_some(ahead),
            "estimated_minutes": if waiting { estimate() } else { None },
            "window": ticket.window,
            "calls": ticket.calls,
            "called_at": ticket.called_at.map(shown),
            "finished_at": ticket.finished_at.map(shown),
            "staff": ticket.staff.as_ref().filter(|_| Sight::Figures <= sight),
            "service_time": ticket.issued.service_time,
        })
    }

    fn queue(&self, sight: Sight) -> Value {
        let of = |status: TicketStatus| self.queue.tickets.values().filter(move |ticket| ticket.status == status);
        let list = |status| of(status).map(|ticket| self.ticket(ticket, sight)).collect::<Vec<_>>();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let all = [
            ("waiting", TicketStatus::Waiting),
            ("called", TicketStatus::Called),
            ("serving", TicketStatus::Serving),
            ("missed", TicketStatus::Missed),
            ("parked", TicketStatus::Parked),
            ("finished", TicketStatus::Finished),
            ("abandoned", TicketStatus::Abandoned),
        ];
        counts.extend(all.map(|(name, status)| (name, of(status).count())));
        let windows = self.queue.windows.iter().map(|(window, open)| {
            let ticket = open.ticket.and_then(|number| self.queue.tickets.get(&number));
            json!({
                "window": window, "name_zh": self.window_name(window), "purpose": open.purpose,
                "staff": Some(&open.staff).filter(|_| Sight::Figures <= sight), "since": shown(open.since),
                "ticket": ticket.map(|ticket| self.ticket(ticket, sight)),
            })
        });
        let crossings = self.queue.crossings.iter();
        let warnings = crossings
            .map(|(name, crossing)| json!({ "threshold": name, "crossings": crossing.times, "lasts": crossing.lasts }));
        let waits = self.queue.waits(self.at);
        json!({
            "hall": self.day.hall, "day": self.day.day, "open": self.is_open(), "closed": self.queue.closed,
            "issued": self.queue.tickets.len(), "counts": counts,
            "mean_wait_minutes": waits.mean_minutes, "longest_wait_minutes": waits.longest_minutes,
            "waiting": self.queue.waiting().map(|ticket| self.ticket(ticket, sight)).collect::<Vec<_>>(),
            "windows": windows.collect::<Vec<_>>(),
            "missed": list(TicketStatus::Missed), "parked": list(TicketStatus::Parked),
            "warnings": warnings.collect::<Vec<_>>(),
        })
    }

    /// Numbers and counts; nothing of anybody.
    pub(super) fn screen(&self) -> Value {
        let mut called: Vec<&Ticket> = self
            .queue
            .tickets
            .values()
            .filter(|ticket| matches!(ticket.status, TicketStatus::Called | TicketStatus::Serving))
            .collect();
        called.sort_by_key(|ticket| std::cmp::Reverse((ticket.called_at, ticket.calls)));
        let calls = called.into_iter().map(|ticket| {
            let window = ticket.window.as_ref();
            json!({
                "label": ticket.issued.label, "status": ticket.status, "window": window, "calls": ticket.calls,
                "window_name_zh": window.and_then(|window| self.window_name(window)),
                "called_at": ticket.called_at.map(shown),
            })
        });
        let missed = self.queue.tickets.values().filter(|ticket| ticket.status == TicketStatus::Missed);
        json!({
            "hall": self.day.hall, "name_zh": self.hall().map(Organisation::name_zh), "day": self.day.day,
            "open": self.is_open(), "waiting": self.waiting_by_purpose(), "calls": calls.collect::<Vec<_>>(),
            "missed": missed.map(|ticket| ticket.issued.label.as_str()).collect::<Vec<_>>(),
        })
    }

    /// How many wait for each kind of window that the hall has, and how long who comes now would wait.
    fn waiting_by_purpose(&self) -> Vec<Value> {
        let windows = self.hall().into_iter().flat_map(|hall| hall.windows.values());
        let purposes: std::collections::BTreeSet<&str> = windows.map(|window| window.purpose.as_str()).collect();
        let told = purposes.into_iter().map(|purpose| {
            let waiting = self.queue.waiting().filter(|ticket| ticket.purpose == purpose).count();
            let ahead = u16::try_from(waiting).unwrap_or(u16::MAX);
            let open = self.queue.windows.values().filter(|window| window.purpose == purpose).count();
            json!({
                "purpose": purpose, "waiting": waiting, "windows_open": open,
                "estimated_minutes": self.queue.estimated_minutes(purpose, ahead, self.rules()),
            })
        });
        told.collect()
    }
}

/// A hall's day: who waits in which order, what each window does, what was missed or parked.
#[utoipa::path(
    get, path = "/api/v1/halls/{id}/queue", tag = "halls", security(("token" = [])),
    params(
        ("id" = String, Path, description = "The hall", example = "361023100"),
        ("day" = Option<String>, Query, description = "Another day than the one that runs", example = "2026-03-02"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "The day", body = Object, example = json!({
        "position": 612345, "as_of": "2026-03-02T09:00:00.000+08:00", "hall": "361023100", "day": "2026-03-02", "open": true,
        "closed": false, "issued": 17, "counts": {"waiting": 3, "serving": 2, "finished": 12}, "mean_wait_minutes": 6,
        "longest_wait_minutes": 11, "waiting": [{"id": "20260302-0015-361023100", "label": "A015", "status": "waiting",
            "purpose": "comprehensive", "ahead": 0, "estimated_minutes": 8, "priority": "elderly"}],
        "windows": [{"window": "C1", "name_zh": "综合窗口1", "purpose": "comprehensive", "staff": "361023100-clerk-1"}],
        "missed": [], "parked": [], "warnings": []
    })))
)]
#[get("/halls/{id}/queue")]
pub(crate) async fn get_hall_queue(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query((on, when)): Query<(OnDay, When)>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let root = rights::root(&caller)?;
    let hall = any_hall(views, &caller, &id)?;
    if !views.today(|reference| reference.organisations.contains(root, &hall)) {
        return Err(Problem::not_found());
    }
    let SeenDay { day, queue, position } = queue_of(views, &at, &hall, on.0).await?;
    let sight = caller.scope.sight;
    let look =
        |data: &ReferenceData| Look { day: &day, queue: &queue, reference: &data.reference, at: at.at }.queue(sight);
    let body = views.look(&at, look).await?.value;
    Ok(Stamp::new(&at, position).json(&body))
}

/// The public screen of a hall: numbers, windows and counts, and nothing of anybody.
#[utoipa::path(
    get, path = "/api/v1/halls/{id}/screen", tag = "halls", security(("token" = [])),
    params(("id" = String, Path, description = "The hall", example = "361023100"), crate::openapi::WhenParameters),
    responses((status = 200, description = "What the screen shows", body = Object, example = json!({
        "position": 612345, "as_of": "2026-03-02T09:00:00.000+08:00", "hall": "361023100", "name_zh": "琴城镇便民服务中心",
        "day": "2026-03-02", "open": true,
        "waiting": [{"purpose": "comprehensive", "waiting": 3, "windows_open": 2, "estimated_minutes": 23}],
        "calls": [{"label": "A014", "status": "called", "window": "C1", "window_name_zh": "综合窗口1", "calls": 1}], "missed": ["A009"]
    })))
)]
#[get("/halls/{id}/screen")]
pub(crate) async fn get_screen(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let hall = any_hall(views, &caller, &id)?;
    let SeenDay { day, queue, position } = queue_of(views, &at, &hall, None).await?;
    let look = |data: &ReferenceData| Look { day: &day, queue: &queue, reference: &data.reference, at: at.at }.screen();
    let body = views.look(&at, look).await?.value;
    Ok(Stamp::new(&at, position).json(&body))
}

/// One ticket: where it stands, how many are ahead, and how long that will take.
#[utoipa::path(
    get, path = "/api/v1/tickets/{id}", tag = "halls", security(("token" = [])),
    params(("id" = String, Path, description = "The ticket", example = "20260302-0015-361023100"), crate::openapi::WhenParameters),
    responses((status = 200, description = "The ticket, and to staff the cases it led to", body = Object, example = json!({
        "position": 612345, "as_of": "2026-03-02T09:00:00.000+08:00", "id": "20260302-0015-361023100", "label": "A015",
        "status": "waiting", "purpose": "comprehensive", "ahead": 2, "estimated_minutes": 15, "waited_minutes": 4,
        "service_time": "ordinary", "cases": []
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/tickets/{id}")]
pub(crate) async fn get_ticket(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let id: TicketId = id.parse().map_err(|_| Problem::not_found())?;
    let hall = any_hall(views, &caller, id.day.hall.as_str())?;
    let SeenDay { day, queue, position } = queue_of(views, &at, &hall, Some(id.day.day)).await?;
    let ticket = queue.tickets.get(&id.number).ok_or_else(Problem::not_found)?;
    if !is_theirs(views, &caller, &hall, ticket.issued.visitor.as_ref()) {
        return Err(Problem::not_found());
    }
    let sight = caller.scope.sight;
    let look = |data: &ReferenceData| {
        Look { day: &day, queue: &queue, reference: &data.reference, at: at.at }.ticket(ticket, sight)
    };
    let mut body = views.look(&at, look).await?.value;
    if let (Some(fields), true) = (body.as_object_mut(), caller.scope.sees_cases()) {
        fields.insert("cases".to_owned(), json!(ticket.cases));
    }
    let (ahead, waited) = (&body["ahead"], &body["waited_minutes"]);
    let etag = format!("{}-{}-{ahead}-{waited}-{}", body["status"], ticket.calls, ticket.cases.len());
    let etag: String = etag.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    Ok(Stamp::new(&at, position).resource(request.headers(), &etag, &body))
}

/// Which halls are asked for.
#[derive(Debug, Clone)]
pub(super) struct HallsFilter {
    item: Option<ItemId>,
    region: Option<RegionCode>,
    open: Option<bool>,
    purpose: Option<String>,
}

impl FromParameters for HallsFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            item: parameters.one("item")?,
            region: parameters.one("region")?,
            open: parameters.yes_or_no("open")?,
            purpose: parameters.text("purpose")?,
        })
    }
}

/// A hall as a list of choices shows it.
#[derive(Debug, Serialize)]
struct Choice {
    hall: OrganisationId,
    name_zh: String,
    region: RegionCode,
    open: bool,
    service_time: Option<ServiceTime>,
    purpose: String,
    windows_open: usize,
    waiting: usize,
    estimated_minutes: Option<u16>,
    #[serde(skip)]
    distance: u8,
}

/// Where the list of halls goes on.
#[derive(Serialize, Deserialize)]
struct AfterHalls {
    at: Standing,
    count: usize,
}

/// Halls that take an item, the nearest first: in the township, in the county, in the city; of equally near ones the one with
/// the shorter wait.
#[utoipa::path(
    get, path = "/api/v1/halls", tag = "halls", security(("token" = [])),
    params(
        ("item" = Option<String>, Query, description = "Only halls that take it in", example = "FZ-001"),
        ("region" = Option<String>, Query, description = "Where one is", example = "361023100"),
        ("open" = Option<bool>, Query, description = "Only those that are open (or closed) at the moment"),
        ("purpose" = Option<String>, Query, description = "For which kind of window; `comprehensive` if absent"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Halls with what waits there", body = Object, example = json!({
        "position": 612345, "as_of": "2026-03-02T09:00:00.000+08:00",
        "halls": [{"hall": "361023100", "name_zh": "琴城镇便民服务中心", "region": "361023100", "open": true,
            "service_time": "ordinary", "purpose": "comprehensive", "windows_open": 2, "waiting": 3, "estimated_minutes": 23}],
        "next_cursor": "eyJ…"
    })))
)]
#[get("/halls")]
pub(crate) async fn list_halls(
    node: Data<Node>,
    _caller: Caller,
    Query((filter, page, when)): Query<(HallsFilter, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let resumed: Option<AfterHalls> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let skipped = resumed.map_or(0, |resumed| resumed.count);
    let moment = at.at;
    let seen = reads
        .views
        .study(&at, move |halls: &Halls, data: &ReferenceData| choices(&filter, halls, &data.reference, moment));
    let seen = seen.await?;
    let all = seen.value?;
    let more = skipped + page.limit < all.len();
    let shown: Vec<&Choice> = all.iter().skip(skipped).take(page.limit).collect();
    let next = more.then(|| page.next(&reads.cursors, &AfterHalls { at, count: skipped + page.limit }));
    Ok(Stamp::new(&at, seen.position).page(&json!({ "halls": shown }), next.as_ref()))
}

fn choices(filter: &HallsFilter, halls: &Halls, reference: &Reference, at: Instant) -> Result<Vec<Choice>, Problem> {
    let purpose = filter.purpose.clone().unwrap_or_else(|| "comprehensive".to_owned());
    let today = domain::zone::day_of(at);
    let item = match &filter.item {
        None => None,
        Some(item) => Some(
            reference
                .catalogue
                .in_force(item, today)
                .ok_or_else(|| invalid("item", Text::new("当日没有这个事项", "there is no such item on that day")))?,
        ),
    };
    let none = HallQueue::default();
    let mut all: Vec<Choice> = Vec::new();
    for hall in reference.organisations.iter().filter(|hall| hall.exists_on(today)) {
        let takes = item.is_none_or(|version| takes_in(hall.kind(), &version.definition));
        if !takes || !hall.windows.values().any(|window| window.purpose == purpose) {
            continue;
        }
        let day = reference.organisations.hall_day(hall.id(), at);
        let queue = halls.day(&day).unwrap_or(&none);
        let look = Look { day: &day, queue, reference, at };
        let open = look.is_open();
        if filter.open.is_some_and(|wanted| wanted != open) {
            continue;
        }
        let waiting = queue.waiting().filter(|ticket| ticket.purpose == purpose).count();
        let ahead = u16::try_from(waiting).unwrap_or(u16::MAX);
        let service_time = reference.organisations.service_time(hall.id(), at, &reference.calendar);
        all.push(Choice {
            hall: hall.id().clone(),
            name_zh: hall.name_zh().to_owned(),
            region: hall.region().clone(),
            open,
            service_time: open.then_some(service_time),
            purpose: purpose.clone(),
            windows_open: queue.windows.values().filter(|window| window.purpose == purpose).count(),
            waiting,
            estimated_minutes: queue.estimated_minutes(&purpose, ahead, look.rules()),
            distance: filter.region.as_ref().map_or(0, |near| distance(near, hall.region())),
        });
    }
    all.sort_by(|a, b| {
        let by = |choice: &Choice| (choice.distance, choice.estimated_minutes.unwrap_or(u16::MAX), choice.waiting);
        by(a).cmp(&by(b)).then_with(|| a.hall.cmp(&b.hall))
    });
    Ok(all)
}

/// In the same township, in the same county, or elsewhere.
fn distance(near: &RegionCode, hall: &RegionCode) -> u8 {
    let township = region::township_of(near);
    match (&township, region::township_of(hall)) {
        (Some(mine), Some(theirs)) if *mine == theirs => 0,
        _ if region::county_of(near) == region::county_of(hall) => 1,
        _ => 2,
    }
}

/// Which slots are asked for.
#[derive(Debug, Clone)]
pub(super) struct SlotsFilter {
    day: Option<NaiveDate>,
    purpose: Option<String>,
}

impl FromParameters for SlotsFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { day: parameters.day("day")?, purpose: parameters.text("purpose")? })
    }
}

/// The slots of a hall's day, and how many places are free in each.
#[utoipa::path(
    get, path = "/api/v1/halls/{id}/slots", tag = "halls", security(("token" = [])),
    params(
        ("id" = String, Path, description = "The hall", example = "361023100"),
        ("day" = Option<String>, Query, description = "Which day; today if absent", example = "2026-03-03"),
        ("purpose" = Option<String>, Query, description = "For which kind of window; `comprehensive` if absent"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Slots in order; none on a day on which the hall is closed", body = Object, example = json!({
        "position": 612345, "as_of": "2026-03-02T09:00:00.000+08:00", "hall": "361023100", "day": "2026-03-03",
        "purpose": "comprehensive", "bookable_until": "2026-03-16",
        "slots": [{"from": "2026-03-03T08:30:00.000+08:00", "to": "2026-03-03T09:00:00.000+08:00", "capacity": 2, "free": 1,
            "service_time": "ordinary"}]
    })))
)]
#[get("/halls/{id}/slots")]
pub(crate) async fn get_slots(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query((filter, when)): Query<(SlotsFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let hall = any_hall(views, &caller, &id)?;
    let day = HallDay { day: filter.day.unwrap_or(at.day()), hall };
    let purpose = filter.purpose.unwrap_or_else(|| "comprehensive".to_owned());
    let (taken, position) = slots_of(views, &at, &day).await?;
    let posted = views.stream(&at, &Subject::Roster(day.hall.clone(), Month::of(day.day))).await?;
    let roster: Roster = folded(&posted);
    let manned = roster.manned(day.day, &purpose);
    let look = |data: &ReferenceData| {
        let reference = &data.reference;
        let all = slots(reference, &day, &purpose, manned).into_iter().map(|slot| {
            let free = slot.capacity.saturating_sub(taken.taken(&purpose, slot.from));
            // A slot that has begun is not for booking any more.
            let free = if slot.from <= at.at { 0 } else { free };
            json!({ "from": shown(slot.from), "to": shown(slot.to), "capacity": slot.capacity, "free": free,
                "service_time": slot.service_time })
        });
        let ahead = reference.policies.at(day.day).rules.hall.book_days_ahead;
        let until = at.day().checked_add_days(chrono::Days::new(u64::from(ahead)));
        json!({ "hall": day.hall, "day": day.day, "purpose": purpose, "bookable_until": until,
            "slots": all.collect::<Vec<_>>() })
    };
    let body = views.look(&at, look).await?.value;
    Ok(Stamp::new(&at, position).json(&body))
}

fn shown_booking(booking: &Booking, caller: &Caller, node: &Node) -> Value {
    let booked = &booking.booked;
    let mut value = json!({
        "id": booked.appointment, "hall": booked.appointment.day.hall, "day": booked.appointment.day.day,
        "status": booking.status, "from": shown(booked.from), "to": shown(booked.to), "purpose": booked.purpose,
        "item": booked.item, "service_time": booked.service_time, "person": booked.party,
        "replaces": booked.replaces, "moved_to": booking.moved_to,
    });
    let stream = Subject::Slots(booked.appointment.day.clone());
    Reveal::of(&node.vault, &stream, Eyes::of(caller)).reveal(&mut value);
    value
}

/// Whose appointments are asked for.
#[derive(Debug, Clone)]
pub(super) struct AppointmentsFilter {
    hall: Option<OrganisationId>,
    day: Option<NaiveDate>,
}

impl FromParameters for AppointmentsFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { hall: parameters.one("hall")?, day: parameters.day("day")? })
    }
}

/// Where a list of appointments goes on.
#[derive(Serialize, Deserialize)]
struct AfterAppointment {
    at: Standing,
    id: AppointmentId,
}

/// Appointments: of one hall's day all that were ever made; without a hall, those still to be kept that the caller may see.
#[utoipa::path(
    get, path = "/api/v1/appointments", tag = "halls", security(("token" = [])),
    params(
        ("hall" = Option<String>, Query, description = "Of this hall: today's, or those of `day`", example = "361023100"),
        ("day" = Option<String>, Query, description = "Which day", example = "2026-03-03"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Appointments by day and id", body = Object, example = json!({
        "position": 612345, "as_of": "2026-03-02T09:00:00.000+08:00",
        "appointments": [{"id": "20260303-01KJNX4V8Q0000000000000000-361023100", "hall": "361023100", "day": "2026-03-03",
            "status": "booked", "from": "2026-03-03T09:00:00.000+08:00", "to": "2026-03-03T09:30:00.000+08:00",
            "purpose": "comprehensive", "item": "FZ-001", "service_time": "ordinary", "person": {"name": "杨**"}}]
    })))
)]
#[get("/appointments")]
pub(crate) async fn list_appointments(
    node: Data<Node>,
    caller: Caller,
    Query((filter, page, when)): Query<(AppointmentsFilter, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let views = &reads.views;
    let resumed: Option<AfterAppointment> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => views.resolve(&when, &node.clock).await?,
    };
    let after = resumed.map(|resumed| resumed.id);
    let (mut found, position): (Vec<Booking>, Position) = match &filter.hall {
        Some(hall) => {
            let hall = any_hall(views, &caller, hall.as_str())?;
            let day = HallDay { day: filter.day.unwrap_or(at.day()), hall };
            let (slots, position) = slots_of(views, &at, &day).await?;
            (slots.bookings.into_values().collect(), position)
        }
        None => {
            let seen = views.look(&at, |halls: &Halls| open_bookings(halls, filter.day)).await?;
            (seen.value, seen.position)
        }
    };
    found.retain(|booking| {
        let id = &booking.booked.appointment;
        after.as_ref().is_none_or(|after| after < id)
            && is_theirs(views, &caller, &id.day.hall, Some(&booking.booked.party.subject))
    });
    let more = page.limit < found.len();
    found.truncate(page.limit);
    let last = found.last().filter(|_| more).map(|last| last.booked.appointment.clone());
    let next = last.map(|id| page.next(&reads.cursors, &AfterAppointment { at, id }));
    let shown: Vec<Value> = found.iter().map(|booking| shown_booking(booking, &caller, &node)).collect();
    Ok(Stamp::new(&at, position).page(&json!({ "appointments": shown }), next.as_ref()))
}

fn open_bookings(halls: &Halls, day: Option<NaiveDate>) -> Vec<Booking> {
    let wanted = halls.booked().filter(|(id, _)| day.is_none_or(|day| id.day.day == day));
    let status = domain::appointment::AppointmentStatus::Booked;
    wanted.map(|(_, booked)| Booking { booked: booked.clone(), status, moved_to: None }).collect()
}

/// One appointment.
#[utoipa::path(
    get, path = "/api/v1/appointments/{id}", tag = "halls", security(("token" = [])),
    params(
        ("id" = String, Path, description = "The appointment", example = "20260303-01KJNX4V8Q0000000000000000-361023100"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "The appointment", body = Object, example = json!({
        "position": 612345, "as_of": "2026-03-02T09:00:00.000+08:00", "id": "20260303-01KJNX4V8Q0000000000000000-361023100",
        "hall": "361023100", "day": "2026-03-03", "status": "booked", "from": "2026-03-03T09:00:00.000+08:00",
        "to": "2026-03-03T09:30:00.000+08:00", "purpose": "comprehensive", "item": "FZ-001", "service_time": "ordinary"
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/appointments/{id}")]
pub(crate) async fn get_appointment(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let id: AppointmentId = id.parse().map_err(|_| Problem::not_found())?;
    any_hall(views, &caller, id.day.hall.as_str())?;
    let (slots, position) = slots_of(views, &at, &id.day).await?;
    let booking = slots.bookings.get(&id).ok_or_else(Problem::not_found)?;
    if !is_theirs(views, &caller, &id.day.hall, Some(&booking.booked.party.subject)) {
        return Err(Problem::not_found());
    }
    let body = shown_booking(booking, &caller, &node);
    let etag: String = body["status"].to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    Ok(Stamp::new(&at, position).resource(request.headers(), &etag, &body))
}
