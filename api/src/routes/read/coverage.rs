//! 服务点: what is live, what it takes, and who lives near it.

use crate::answer::Stamp;
use crate::auth::Caller;
use crate::cursor::Page;
use crate::node::Node;
use crate::problem::{Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::views::{Standing, Views, When};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use domain::ids::{ItemId, OrganisationId, RegionCode};
use projections::coverage::{Coverage, Nearest, PointsPage};
use projections::reference::ReferenceData;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How many villages outside their circle an answer names.
const OUTSIDE_MAX: usize = 100;
/// How many centres and stations an answer names, nearest first.
const NEAREST_MAX: usize = 10;

/// Under which organisation is asked.
#[derive(Debug, Clone)]
struct Under(Option<OrganisationId>);

impl FromParameters for Under {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        parameters.one("org").map(Self)
    }
}

/// Where everybody may look: all of it, or under one organisation.
pub(super) fn root(views: &Views, asked: Option<OrganisationId>) -> Result<OrganisationId, Problem> {
    views.today(|reference| {
        let organisations = &reference.organisations;
        let root = match &asked {
            Some(asked) => organisations.get(asked),
            None => organisations.root(),
        };
        root.map(|root| root.id().clone()).ok_or_else(Problem::not_found)
    })
}

/// Where the list goes on, and in which history.
#[derive(Serialize, Deserialize)]
struct After {
    at: Standing,
    organisation: OrganisationId,
}

/// 覆盖: centres and stations that are live, since when, and how many of their items can be applied for there.
#[utoipa::path(
    get, path = "/api/v1/coverage", tag = "halls", security(("token" = [])),
    params(
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Counties, their total, and the centres and stations by code", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00",
        "counties": [{"organisation": "361023", "name_zh": "南丰县政务服务中心", "centres": {"there": 15, "live": 15}, "stations": {"there": 185, "live": 185}}],
        "total": {"organisation": null, "name_zh": "", "centres": {"there": 15, "live": 15}, "stations": {"there": 185, "live": 185}},
        "points": [{"organisation": "361023100", "name_zh": "琴城镇便民服务中心", "kind": "township", "synthetic": false,
            "live_since": "2020-06-01", "live": true, "items": {"numerator": 68, "denominator": 68, "rate": 1.0},
            "setting": "town", "address_zh": "琴城镇示例路1号（示例）"}],
        "next_cursor": "eyJ…"
    })))
)]
#[get("/coverage")]
pub(crate) async fn get_coverage(
    node: Data<Node>,
    _caller: Caller,
    Query((Under(asked), page, when)): Query<(Under, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let resumed: Option<After> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let root = root(&reads.views, asked)?;
    let day = at.day();
    let wanted = PointsPage { after: resumed.map(|resumed| resumed.organisation), points_max: page.limit + 1 };
    let ask = move |coverage: &Coverage, data: &ReferenceData| coverage.answer(&root, &data.reference, day, &wanted);
    let seen = reads.views.study(&at, ask).await?;
    let mut points = seen.value.points;
    let more = page.limit < points.len();
    points.truncate(page.limit);
    let last = points.last().filter(|_| more).map(|point| After { at, organisation: point.organisation.clone() });
    let next = last.map(|last| page.next(&reads.cursors, &last));
    let body = json!({ "counties": seen.value.counties, "total": seen.value.total, "points": points });
    Ok(Stamp::new(&at, seen.position).page(&body, next.as_ref()))
}

/// 服务圈: people within 10 minutes of a live centre or station in town, within 30 in the country (by policy), township by
/// township, and the villages outside.
#[utoipa::path(
    get, path = "/api/v1/service-circle", tag = "halls", security(("token" = [])),
    params(
        ("org" = Option<String>, Query, description = "Only this organisation and those under it", example = "361023"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Shares with their counts; `outside` names the 100 largest villages", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00",
        "townships": [{"organisation": "361023100", "synthetic": true,
            "town": {"minutes": 10, "villages": {"numerator": 6, "denominator": 6, "rate": 1.0}, "people": {"numerator": 18200, "denominator": 18200, "rate": 1.0}},
            "country": {"minutes": 30, "villages": {"numerator": 8, "denominator": 9, "rate": 0.8889}, "people": {"numerator": 9100, "denominator": 10400, "rate": 0.875}}}],
        "total": {"organisation": null}, "outside_villages": 1,
        "outside": [{"region": "361023100912", "name_zh": "琴城镇示例十二村(示例)", "setting": "country", "people": 1300, "nearest": {"to": "361023100", "minutes": 42}}]
    })))
)]
#[get("/service-circle")]
pub(crate) async fn get_circle(
    node: Data<Node>,
    _caller: Caller,
    Query((Under(asked), when)): Query<(Under, When)>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let root = root(views, asked)?;
    let day = at.day();
    let ask = move |coverage: &Coverage, data: &ReferenceData| coverage.circles(&root, &data.reference, day);
    let seen = views.study(&at, ask).await?;
    let mut outside = seen.value.outside;
    let outside_villages = outside.len();
    outside.truncate(OUTSIDE_MAX);
    let body = json!({
        "townships": seen.value.townships, "total": seen.value.total, "outside_villages": outside_villages, "outside": outside,
    });
    Ok(Stamp::new(&at, seen.position).json(&body))
}

/// From where, and for what.
#[derive(Debug, Clone)]
struct From {
    village: RegionCode,
    item: Option<ItemId>,
}

impl FromParameters for From {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let required = || {
            invalid("village", Text::new("必填，村（社区）12位代码", "it is required: a village's code of 12 digits"))
        };
        Ok(Self { village: parameters.one("village")?.ok_or_else(required)?, item: parameters.one("item")? })
    }
}

/// A centre or station, and whether it is open at the moment.
#[derive(Serialize)]
struct Near {
    #[serde(flatten)]
    nearest: Nearest,
    open_now: bool,
}

/// 就近办: centres and stations that are live and take the item, nearest first, and whether they are open at the moment.
#[utoipa::path(
    get, path = "/api/v1/service-circle/nearest", tag = "halls", security(("token" = [])),
    params(
        ("village" = String, Query, description = "The village's or community's code", example = "361023100901"),
        ("item" = Option<String>, Query, description = "Only where this item can be applied for", example = "FZ-001"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "At most ten", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "village": "361023100901",
        "nearest": [{"organisation": "361023100901", "name_zh": "琴城镇示例一村便民服务站(示例)", "address_zh": "琴城镇示例一村（示例）", "minutes": 6, "open_now": true}]
    })))
)]
#[get("/service-circle/nearest")]
pub(crate) async fn get_nearest(
    node: Data<Node>,
    _caller: Caller,
    Query((from, when)): Query<(From, When)>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let From { village, item } = from;
    let asked = village.clone();
    let moment = at.at;
    let day = at.day();
    let ask = move |coverage: &Coverage, data: &ReferenceData| {
        let reference = &data.reference;
        let nearest = coverage.from_village(&asked, item.as_ref(), reference, day)?;
        let open = |nearest: Nearest| {
            let open_now = reference.organisations.is_open(&nearest.organisation, moment, &reference.calendar);
            Near { nearest, open_now }
        };
        Some(nearest.into_iter().take(NEAREST_MAX).map(open).collect::<Vec<_>>())
    };
    let seen = views.study(&at, ask).await?;
    let nearest = seen.value.ok_or_else(Problem::not_found)?;
    Ok(Stamp::new(&at, seen.position).json(&json!({ "village": village, "nearest": nearest })))
}
