//! Acts: every write of the public contract.

pub mod acts;
pub mod appointments;
pub mod cases;
pub mod certificates;
pub mod checklists;
pub mod evidence;
pub mod exports;
pub mod halls;
pub mod inspections;
pub mod instruments;
pub mod kin;
pub mod libraries;
pub mod materials;
pub mod people;
pub mod plain;
pub mod progress;
pub mod ratings;
pub mod reference;
pub mod request;
pub mod rosters;
pub mod service_points;
pub mod templates;
pub mod what_if;

use crate::auth::Caller;
use crate::node::Node;
use crate::problem::Problem;
use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig, get, post};
use domain::zone::fuzhou;
use request::Incoming;
use serde::Serialize;
use utoipa::ToSchema;

/// Registers the writes below `/api/v1`.
///
/// Resources that are read as well are registered by path and method, so that a wrong method is told as such.
pub fn configure(config: &mut ServiceConfig) {
    config
        .route("/cases", post().to(cases::open))
        .route("/cases/{id}/actions", get().to(cases::actions))
        .route("/cases/{id}/actions/{action}", post().to(cases::act))
        .route("/cases/{id}/unmask", post().to(people::unmask))
        .route("/cases/{id}/materials", post().to(materials::attach))
        .route("/cases/{id}/materials/{material}", get().to(materials::give_back))
        .route("/exports", post().to(exports::export))
        .route("/subjects/lookup", post().to(people::look_up))
        .route("/items", post().to(reference::publish_item))
        .route("/items/{id}/actions/{action}", post().to(reference::act_on_item))
        .route("/organisations", post().to(reference::register))
        .route("/organisations/{id}/actions/{action}", post().to(reference::act_on_organisation))
        .route("/rosters", post().to(rosters::post))
        .route("/rosters/{id}/actions/{action}", post().to(rosters::act))
        .route("/service-points/{id}/actions/{action}", post().to(service_points::act))
        .route("/instruments", post().to(instruments::issue))
        .route("/instruments/{id}/actions/{action}", post().to(instruments::act))
        .route("/kin-registrations", post().to(kin::register))
        .route("/kin-registrations/{id}/actions/{action}", post().to(kin::act))
        .route("/checklists", post().to(checklists::publish))
        .route("/inspections", post().to(inspections::open))
        .route("/inspections/{id}/photos", post().to(inspections::take_photo))
        .route("/inspections/{id}/photos/{photo}", get().to(inspections::show_photo))
        .route("/inspections/{id}/actions/{action}", post().to(inspections::act))
        .route("/campaigns", post().to(checklists::open_campaign))
        .route("/campaigns/{id}/actions/{action}", post().to(checklists::act_on_campaign))
        .route("/calendars", post().to(reference::publish_calendar))
        .route("/calendars/{id}/actions/{action}", post().to(reference::act_on_calendar))
        .route("/policies", post().to(reference::publish_policy))
        .route("/policies/{id}/actions/{action}", post().to(reference::act_on_policy))
        .route("/progress", post().to(progress::ask))
        .route("/templates", post().to(templates::publish))
        .route("/templates/{kind}/actions/{action}", post().to(templates::act))
        .route("/ratings", post().to(ratings::rate))
        .route("/ratings/{id}/actions/{action}", post().to(ratings::act))
        .route("/tickets", post().to(halls::take))
        .route("/tickets/{id}/actions/{action}", post().to(halls::act_on_ticket))
        .route("/halls/{id}/actions/{action}", post().to(halls::act_in_hall))
        .route("/appointments", post().to(appointments::book))
        .route("/appointments/{id}/actions/{action}", post().to(appointments::act))
        .route("/certificates", post().to(certificates::register))
        .route("/certificates/{id}/actions/{action}", post().to(certificates::act))
        .route("/certificates/{id}/unmask", post().to(certificates::unmask))
        .route("/certificate-libraries/{library}/actions/{action}", post().to(libraries::act))
        .route("/replay/what-if", post().to(what_if::submit))
        .route("/replay/what-if/{id}", get().to(what_if::get))
        .route("/replay/what-if/{id}/actions/cancel", post().to(what_if::cancel))
        .route("/stream-tickets", post().to(stream_ticket));
}

/// Every write below `/api/v1` that wants a token: method and path. `POST /progress` wants a receipt instead.
pub const ROUTES: [(&str, &str); 47] = [
    ("POST", "/cases"),
    ("GET", "/cases/{id}/actions"),
    ("POST", "/cases/{id}/actions/{action}"),
    ("POST", "/cases/{id}/unmask"),
    ("POST", "/cases/{id}/materials"),
    ("GET", "/cases/{id}/materials/{material}"),
    ("POST", "/exports"),
    ("POST", "/subjects/lookup"),
    ("POST", "/items"),
    ("POST", "/items/{id}/actions/{action}"),
    ("POST", "/organisations"),
    ("POST", "/organisations/{id}/actions/{action}"),
    ("POST", "/rosters"),
    ("POST", "/rosters/{id}/actions/{action}"),
    ("POST", "/service-points/{id}/actions/{action}"),
    ("POST", "/instruments"),
    ("POST", "/instruments/{id}/actions/{action}"),
    ("POST", "/kin-registrations"),
    ("POST", "/kin-registrations/{id}/actions/{action}"),
    ("POST", "/checklists"),
    ("POST", "/inspections"),
    ("POST", "/inspections/{id}/photos"),
    ("GET", "/inspections/{id}/photos/{photo}"),
    ("POST", "/inspections/{id}/actions/{action}"),
    ("POST", "/campaigns"),
    ("POST", "/campaigns/{id}/actions/{action}"),
    ("POST", "/calendars"),
    ("POST", "/calendars/{id}/actions/{action}"),
    ("POST", "/policies"),
    ("POST", "/policies/{id}/actions/{action}"),
    ("POST", "/templates"),
    ("POST", "/templates/{kind}/actions/{action}"),
    ("POST", "/ratings"),
    ("POST", "/ratings/{id}/actions/{action}"),
    ("POST", "/tickets"),
    ("POST", "/tickets/{id}/actions/{action}"),
    ("POST", "/halls/{id}/actions/{action}"),
    ("POST", "/appointments"),
    ("POST", "/appointments/{id}/actions/{action}"),
    ("POST", "/certificates"),
    ("POST", "/certificates/{id}/actions/{action}"),
    ("POST", "/certificates/{id}/unmask"),
    ("POST", "/certificate-libraries/{library}/actions/{action}"),
    ("POST", "/replay/what-if"),
    ("GET", "/replay/what-if/{id}"),
    ("POST", "/replay/what-if/{id}/actions/cancel"),
    ("POST", "/stream-tickets"),
];

/// A word that opens streams for a browser's `EventSource`.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamTicket {
    /// Give it as `?ticket=`.
    pub ticket: String,
    /// It opens streams until then.
    pub expires_at: String,
}

async fn stream_ticket(node: web::Data<Node>, caller: Caller, _incoming: Incoming) -> Result<HttpResponse, Problem> {
    let (ticket, until) = node.tickets.give(&caller, &node.clock);
    let expires_at = until.with_timezone(&fuzhou()).to_rfc3339();
    Ok(HttpResponse::Created().json(StreamTicket { ticket, expires_at }))
}
