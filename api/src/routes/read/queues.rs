//! Work that waits, and lights: lists, and the same live.

use crate::answer::Stamp;
use crate::auth::Caller;
use crate::cursor::Page;
use crate::node::Node;
use crate::problem::Problem;
use crate::query::{FromParameters, Parameters, Query};
use crate::reveal::Reveal;
use crate::rights;
use crate::vault::Vault;
use crate::views::{Standing, When};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::case::Phase;
use domain::clock::Light;
use domain::ids::{CaseId, OrganisationId};
use domain::sealed::Party;
use projections::lights::{LightRow, LightsCursor, LightsQuery};
use projections::queues::{QueueCursor, QueueKind, QueueQuery, QueueRow, Queues};
use projections::reference::ReferenceData;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which work is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct QueueFilter {
    kind: Option<QueueKind>,
    mine: bool,
    light: Option<Light>,
}

impl FromParameters for QueueFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            kind: parameters.one("kind")?,
            mine: parameters.yes_or_no("mine")?.unwrap_or(false),
            light: parameters.word("light")?,
        })
    }
}

impl QueueFilter {
    pub(super) fn query(&self, caller: &Caller, organisation: OrganisationId) -> QueueQuery {
        QueueQuery {
            organisation: Some(organisation),
            kind: self.kind,
            mine: self.mine.then(|| caller.actor.id.clone()),
            light: self.light,
            helped_by: None,
        }
    }

    /// A helper's cases wait wherever the township or the county has them.
    fn query_of_helper(&self, caller: &Caller, station: OrganisationId, county: OrganisationId) -> QueueQuery {
        QueueQuery { helped_by: Some(station), ..self.query(caller, county) }
    }
}

/// Where the organisation is asked for.
#[derive(Debug, Clone)]
struct Within(Option<OrganisationId>);

impl FromParameters for Within {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        parameters.one("org").map(Self)
    }
}

/// A row as it goes out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct ShownRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) case: Option<CaseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rating: Option<String>,
    number: Option<String>,
    item: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applicant_masked: Option<String>,
    pub(super) kind: QueueKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) which: Option<u16>,
    phase: Option<Phase>,
    pub(super) organisation: OrganisationId,
    holder: Option<String>,
    since: NaiveDate,
    due: Option<NaiveDate>,
    remaining_working_days: Option<i32>,
    light: Light,
    version: u64,
}

impl ShownRow {
    pub(super) fn of(row: &QueueRow, caller: &Caller, vault: &Vault) -> Self {
        Self {
            case: row.case,
            rating: row.rating.as_ref().map(ToString::to_string),
            number: row.number.as_ref().map(ToString::to_string),
            item: row.item.as_ref().map(ToString::to_string),
            applicant_masked: masked_name(caller, vault, row.case, row.applicant.as_ref()),
            kind: row.kind,
            which: row.which,
            phase: row.phase,
            organisation: row.organisation.clone(),
            holder: row.holder.as_ref().map(ToString::to_string),
            since: row.since,
            due: row.due,
            remaining_working_days: row.remaining_working_days,
            light: row.light,
            version: row.version,
        }
    }
}

fn masked_name(caller: &Caller, vault: &Vault, case: Option<CaseId>, party: Option<&Party>) -> Option<String> {
    Reveal::to(caller, vault, case?).name(party?)
}

/// How much of each kind waits under each light.
pub(super) type Counts = BTreeMap<QueueKind, BTreeMap<Light, u64>>;

#[derive(Serialize)]
struct ShownQueue {
    organisation: OrganisationId,
    /// Absent for who may see counts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<Vec<ShownRow>>,
    counts: Counts,
}

#[derive(Serialize, Deserialize)]
struct After<K> {
    at: Standing,
    key: K,
}

/// Work that waits in the caller's organisation and below, ordered by light, then date.
#[utoipa::path(
    get, path = "/api/v1/queues", tag = "queues", security(("token" = [])),
    params(
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023100"),
        ("kind" = Option<String>, Query, description = "`receipt, acceptance, notice-due, supplement, review, consultation, incoming-leg, special-procedure-ending, approval, decision, result, output, delivery, rating-order, call-back, urging`", example = "review"),
        ("mine" = Option<bool>, Query, description = "Only what the caller has taken; of a village agent, what waits in cases handed in for others"),
        ("light" = Option<String>, Query, description = "`red-statutory, red, yellow, green, paused`: of the queue's own limit"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "A page, and the counts of the whole queue", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "organisation": "361023100",
        "entries": [{"case": "01KH9Z6V0000000000000000AA", "number": "361023100-2026-000123", "item": "FZ-001",
            "applicant_masked": "张*", "kind": "review", "phase": "in-review", "organisation": "361023100", "holder": "z-301",
            "since": "2026-02-04", "due": "2026-02-14", "remaining_working_days": 1, "light": "yellow", "version": 6}],
        "counts": {"review": {"yellow": 1, "green": 17}}
    })))
)]
#[get("/queues")]
pub(crate) async fn list_queues(
    node: Data<Node>,
    caller: Caller,
    Query((Within(organisation), filter, (page, when))): Query<(Within, QueueFilter, (Page, When))>,
) -> Result<HttpResponse, Problem> {
    queue_page(&node, &caller, organisation.as_ref(), &filter, &page, &when).await
}

/// Work that waits in one organisation and below.
#[utoipa::path(
    get, path = "/api/v1/queues/{org}", tag = "queues", security(("token" = [])),
    params(
        ("org" = String, Path, description = "The organisation", example = "361023100"),
        ("kind" = Option<String>, Query, description = "Only this kind", example = "review"),
        ("mine" = Option<bool>, Query, description = "Only what the caller has taken"),
        ("light" = Option<String>, Query, description = "Only under this light"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "As `GET /queues`", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "organisation": "361023100", "entries": [],
        "counts": {"review": {"green": 17}}
    })))
)]
#[get("/queues/{org}")]
pub(crate) async fn get_queue(
    node: Data<Node>,
    caller: Caller,
    organisation: Path<String>,
    Query((filter, page, when)): Query<(QueueFilter, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let organisation: OrganisationId = organisation.parse().map_err(|_| Problem::not_found())?;
    queue_page(&node, &caller, Some(&organisation), &filter, &page, &when).await
}

async fn queue_page(
    node: &Node,
    caller: &Caller,
    organisation: Option<&OrganisationId>,
    filter: &QueueFilter,
    page: &Page,
    when: &When,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let organisation =
        reads.views.today(|reference| rights::asked_organisation(caller, organisation, &reference.organisations))?;
    let resumed: Option<After<QueueCursor>> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(when, &node.clock).await?,
    };
    let county = reads.views.today(|reference| reference.organisations.county_of(&organisation).cloned());
    let query = match county.filter(|_| caller.actor.role == Role::VillageAgent) {
        Some(county) => filter.query_of_helper(caller, organisation.clone(), county),
        None => filter.query(caller, organisation.clone()),
    };
    let (after, limit, day) = (resumed.map(|resumed| resumed.key), page.limit, at.day());
    let ask =
        move |queues: &Queues, data: &ReferenceData| queues.page(&query, after.as_ref(), limit, &data.reference, day);
    let seen = reads.views.study(&at, ask).await?;
    let found = seen.value;
    let sees_rows = caller.scope.sees_cases();
    let entries = sees_rows.then(|| found.rows.iter().map(|row| ShownRow::of(row, caller, &node.vault)).collect());
    let next = found.next.filter(|_| sees_rows).map(|key| page.next(&reads.cursors, &After { at, key }));
    let shown = ShownQueue { organisation, entries, counts: found.counts };
    Ok(Stamp::new(&at, seen.position).page(&shown, next.as_ref()))
}

/// A case under a light, as it goes out.
#[derive(Serialize)]
struct ShownLight {
    case: CaseId,
    number: Option<String>,
    item: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applicant_masked: Option<String>,
    phase: Phase,
    organisation: OrganisationId,
    holder: Option<String>,
    promised_by: Option<NaiveDate>,
    statutory_by: Option<NaiveDate>,
    remaining_working_days: Option<i32>,
    light: Light,
    version: u64,
}

impl ShownLight {
    fn of(row: &LightRow, caller: &Caller, vault: &Vault) -> Self {
        Self {
            case: row.case,
            number: row.number.as_ref().map(ToString::to_string),
            item: row.item.as_ref().map(ToString::to_string),
            applicant_masked: masked_name(caller, vault, Some(row.case), row.applicant.as_ref()),
            phase: row.phase,
            organisation: row.organisation.clone(),
            holder: row.holder.as_ref().map(ToString::to_string),
            promised_by: row.promised_by,
            statutory_by: row.statutory_by,
            remaining_working_days: row.remaining_working_days,
            light: row.light,
            version: row.version,
        }
    }
}

#[derive(Serialize)]
struct ShownLights {
    organisation: OrganisationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<Vec<ShownLight>>,
    counts: BTreeMap<Light, u64>,
}

/// Which light is asked for.
#[derive(Debug, Clone)]
struct LightFilter {
    organisation: Option<OrganisationId>,
    light: Option<Light>,
}

impl FromParameters for LightFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { organisation: parameters.one("org")?, light: parameters.word("light")? })
    }
}

/// Open cases by light 红黄灯 at the moment.
#[utoipa::path(
    get, path = "/api/v1/lights", tag = "queues", security(("token" = [])),
    params(
        ("org" = Option<String>, Query, description = "Only cases that are with this organisation or below", example = "361023"),
        ("light" = Option<String>, Query, description = "`yellow, red, red-statutory, paused`; all but green if absent", example = "red"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Cases by light, then date; counts of every light", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "organisation": "361023",
        "cases": [{"case": "01KH9Z6V0000000000000000AA", "number": "361023100-2026-000123", "item": "FZ-001",
            "applicant_masked": "张*", "phase": "in-review", "organisation": "361023100", "holder": "z-301",
            "promised_by": "2026-02-12", "statutory_by": "2026-03-02", "remaining_working_days": -1, "light": "red", "version": 6}],
        "counts": {"red": 1, "yellow": 4, "green": 181}
    })))
)]
#[get("/lights")]
pub(crate) async fn list_lights(
    node: Data<Node>,
    caller: Caller,
    Query((filter, page, when)): Query<(LightFilter, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let organisation = reads.views.today(|reference| {
        rights::asked_organisation(&caller, filter.organisation.as_ref(), &reference.organisations)
    })?;
    let resumed: Option<After<LightsCursor>> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let query = LightsQuery { organisation: Some(organisation.clone()), light: filter.light };
    let (after, limit, day) = (resumed.map(|resumed| resumed.key), page.limit, at.day());
    let ask =
        move |queues: &Queues, data: &ReferenceData| queues.lights(&query, after.as_ref(), limit, &data.reference, day);
    let seen = reads.views.study(&at, ask).await?;
    let found = seen.value;
    let sees_rows = caller.scope.sees_cases();
    let cases = sees_rows.then(|| found.rows.iter().map(|row| ShownLight::of(row, &caller, &node.vault)).collect());
    let next = found.next.filter(|_| sees_rows).map(|key| page.next(&reads.cursors, &After { at, key }));
    let shown = ShownLights { organisation, cases, counts: found.counts };
    Ok(Stamp::new(&at, seen.position).page(&shown, next.as_ref()))
}
