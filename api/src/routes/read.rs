//! Questions: every read of the public contract.

pub(crate) mod accesses;
pub(crate) mod cases;
pub(crate) mod certificates;
pub(crate) mod coverage;
pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod findings;
pub(crate) mod halls;
pub(crate) mod instruments;
pub(crate) mod items;
pub(crate) mod kin;
pub(crate) mod log;
pub(crate) mod operation;
pub(crate) mod oversight;
pub(crate) mod process_map;
pub(crate) mod publications;
pub(crate) mod queue_stream;
pub(crate) mod queues;
pub(crate) mod ratings;
pub(crate) mod reference;
pub(crate) mod replay;
pub(crate) mod reports;
pub(crate) mod scores;
pub(crate) mod screen;
pub(crate) mod screen_stream;
pub(crate) mod staffing;
pub(crate) mod statistics;
pub(crate) mod supplements;
pub(crate) mod templates;

use actix_web::web::ServiceConfig;
use utoipa::OpenApi;

/// Registers the reads below `/api/v1`.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(cases::get_case)
        .service(cases::list_cases)
        .service(cases::get_timeline)
        .service(screen::get_screen)
        .service(documents::list_documents)
        .service(documents::get_document)
        .service(events::case_events)
        .service(accesses::list_accesses)
        .service(certificates::case_certificates)
        .service(certificates::list_certificates)
        .service(certificates::get_certificate)
        .service(certificates::get_library)
        .service(queues::list_queues)
        .service(queue_stream::queue_stream)
        .service(queues::get_queue)
        .service(queues::list_lights)
        .service(replay::stream::replay_stream)
        .service(replay::diff::get_diff)
        .service(statistics::get_processing_times)
        .service(statistics::get_satisfaction)
        .service(statistics::get_balance)
        .service(reports::get_report)
        .service(coverage::get_coverage)
        .service(coverage::get_circle)
        .service(coverage::get_nearest)
        .service(scores::list_checklists)
        .service(scores::list_inspections)
        .service(scores::get_inspection)
        .service(scores::get_ranking)
        .service(scores::list_campaigns)
        .service(scores::get_campaign)
        .service(staffing::get_staffing)
        .service(staffing::get_roster)
        .service(kin::list_kin)
        .service(oversight::get_anomalies)
        .service(oversight::get_cards)
        .service(oversight::get_warnings)
        .service(oversight::get_rating_signs)
        .service(findings::list_anomalies)
        .service(findings::list_warnings)
        .service(ratings::list_ratings)
        .service(publications::get_publication)
        .service(ratings::get_rating)
        .service(statistics::get_halls)
        .service(halls::list_halls)
        .service(halls::get_hall_queue)
        .service(screen_stream::screen_stream)
        .service(halls::get_screen)
        .service(halls::get_slots)
        .service(halls::get_ticket)
        .service(halls::list_appointments)
        .service(halls::get_appointment)
        .service(statistics::get_certificate_free)
        .service(supplements::get_supplements)
        .service(process_map::get_process_map)
        .service(items::list_items)
        .service(items::get_item)
        .service(items::get_guide)
        .service(reference::list_organisations)
        .service(instruments::list_instruments)
        .service(instruments::get_instrument)
        .service(reference::list_regions)
        .service(reference::list_policies)
        .service(templates::list_templates)
        .service(templates::get_template)
        .service(reference::get_deadline)
        .service(log::get_log_head)
        .service(log::list_records)
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
    screen::get_screen,
    documents::list_documents,
    documents::get_document,
    events::case_events,
    accesses::list_accesses,
    certificates::case_certificates,
    certificates::list_certificates,
    certificates::get_certificate,
    certificates::get_library,
    queues::list_queues,
    queues::get_queue,
    queue_stream::queue_stream,
    queues::list_lights,
    replay::stream::replay_stream,
    replay::diff::get_diff,
    statistics::get_processing_times,
    statistics::get_satisfaction,
    statistics::get_balance,
    reports::get_report,
    coverage::get_coverage,
    coverage::get_circle,
    coverage::get_nearest,
    scores::list_checklists,
    scores::list_inspections,
    scores::get_inspection,
    scores::get_ranking,
    scores::list_campaigns,
    scores::get_campaign,
    staffing::get_staffing,
    staffing::get_roster,
    kin::list_kin,
    oversight::get_anomalies,
    oversight::get_cards,
    oversight::get_warnings,
    oversight::get_rating_signs,
    findings::list_anomalies,
    findings::list_warnings,
    ratings::list_ratings,
    publications::get_publication,
    ratings::get_rating,
    statistics::get_halls,
    halls::list_halls,
    halls::get_hall_queue,
    halls::get_screen,
    screen_stream::screen_stream,
    halls::get_slots,
    halls::get_ticket,
    halls::list_appointments,
    halls::get_appointment,
    statistics::get_certificate_free,
    supplements::get_supplements,
    process_map::get_process_map,
    items::list_items,
    items::get_item,
    items::get_guide,
    reference::list_organisations,
    instruments::list_instruments,
    instruments::get_instrument,
    reference::list_regions,
    reference::list_policies,
    templates::list_templates,
    templates::get_template,
    reference::get_deadline,
    log::get_log_head,
    log::list_records,
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
