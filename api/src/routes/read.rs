//! Questions: every read of the public contract.

pub(crate) mod cases;
pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod items;
pub(crate) mod operation;
pub(crate) mod queue_stream;
pub(crate) mod queues;
pub(crate) mod reference;
pub(crate) mod staffing;
pub(crate) mod statistics;
pub(crate) mod templates;

use actix_web::web::ServiceConfig;
use utoipa::OpenApi;

/// Registers the reads below `/api/v1`.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(cases::get_case)
        .service(cases::list_cases)
        .service(cases::get_timeline)
        .service(documents::list_documents)
        .service(documents::get_document)
        .service(events::case_events)
        .service(queues::list_queues)
        .service(queue_stream::queue_stream)
        .service(queues::get_queue)
        .service(queues::list_lights)
        .service(statistics::get_processing_times)
        .service(statistics::get_satisfaction)
        .service(statistics::get_balance)
        .service(staffing::get_staffing)
        .service(staffing::get_roster)
        .service(items::list_items)
        .service(items::get_item)
        .service(items::get_guide)
        .service(reference::list_organisations)
        .service(reference::list_regions)
        .service(reference::list_policies)
        .service(templates::list_templates)
        .service(templates::get_template)
        .service(reference::get_deadline)
        .service(events::list_events);
}

/// Registers what stands beside the prefix: health, metrics, the description and its browser.
pub fn configure_outside(config: &mut ServiceConfig) {
    config
        .service(operation::alive)
        .service(operation::ready)
        .service(operation::metrics)
        .service(operation::description)
        .service(operation::docs);
}

#[derive(OpenApi)]
#[openapi(paths(
    cases::list_cases,
    cases::get_case,
    cases::get_timeline,
    documents::list_documents,
    documents::get_document,
    events::case_events,
    queues::list_queues,
    queues::get_queue,
    queue_stream::queue_stream,
    queues::list_lights,
    statistics::get_processing_times,
    statistics::get_satisfaction,
    statistics::get_balance,
    staffing::get_staffing,
    staffing::get_roster,
    items::list_items,
    items::get_item,
    items::get_guide,
    reference::list_organisations,
    reference::list_regions,
    reference::list_policies,
    templates::list_templates,
    templates::get_template,
    reference::get_deadline,
    events::list_events,
    operation::alive,
    operation::ready,
    operation::metrics,
    operation::description,
    operation::docs,
))]
struct Description;

/// Returns the description of these routes.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
