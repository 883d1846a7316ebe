//! 补正: which materials people are asked for again.

use super::statistics::{Asked, Limits, distinct, statistic};
use crate::answers::Question;
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::Problem;
use crate::query::{FromParameters, Parameters, Query};
use crate::views::When;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use domain::reference::Reference;
use projections::supplements::{SupplementDimension, Supplements, SupplementsAnswer, SupplementsQuery};

/// The most rows that may be asked for.
const TOP_MAX: u64 = 500;

/// The question behind `GET /statistics/supplements`, as far as it is its own.
#[derive(Debug, Clone)]
struct SupplementsFilter {
    limits: Limits,
    group_by: Vec<SupplementDimension>,
    top: Option<usize>,
}

impl FromParameters for SupplementsFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let top = parameters.number("top", 1, TOP_MAX)?;
        Ok(Self {
            limits: Limits::take(parameters)?,
            group_by: distinct(parameters.words("group_by")?),
            top: top.and_then(|top| usize::try_from(top).ok()),
        })
    }
}

/// Supplements 补正: what notices ask for, how often, and which of it a certificate could stand for.
#[utoipa::path(
    get, path = "/api/v1/statistics/supplements", tag = "statistics", security(("token" = [])),
    params(
        ("from" = Option<String>, Query, description = "First day; 1 January of the year of `as_of` if absent", example = "2022-01-01"),
        ("to" = Option<String>, Query, description = "First day after; the day after `as_of` if absent", example = "2022-04-01"),
        ("group_by" = Option<String>, Query, description = "Comma-separated: `material, item, org, month`", example = "material"),
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-001"),
        ("org" = Option<String>, Query, description = "Only notices given by this organisation and those under it", example = "361023"),
        ("top" = Option<u64>, Query, description = "Only the first so many rows, 1 to 500; all if absent", example = 10),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Rows by group, those with most cases first. A case counts once for each material, on the day it was first \
        asked for, and once in the total; `times` are notices. `share` is of the notices that name the material; `replaceable_by` are the kinds of \
        certificates that stand for it; `asked_once` 一次性告知率 is of cases that got no second notice, which counts against whoever gave the first; `spared_by_certificate` counts materials asked for, for which a certificate then stood, \
        and `in_library` those asked for though one lay in the library when the notice was given",
        body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "from": "2022-01-01", "to": "2022-04-01",
        "organisation": "361023", "source": "own",
        "rows": [{"key": {"material": "HK"}, "cases": 118, "times": 124, "share": {"numerator": 124, "denominator": 410, "rate": 0.3024},
            "spared_by_certificate": 31, "in_library": 64, "material_zh": "居民户口簿", "replaceable_by": ["HK"]}],
        "total": {"key": {}, "cases": 398, "times": 410,
            "asked_once": {"numerator": 386, "denominator": 398, "rate": 0.9698}, "spared_by_certificate": 57, "in_library": 103}
    })))
)]
#[get("/statistics/supplements")]
pub(crate) async fn get_supplements(
    node: Data<Node>,
    caller: Caller,
    Query((filter, when)): Query<(SupplementsFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let SupplementsFilter { limits, group_by, top } = filter;
    let put = move |asked: Asked| {
        let Asked { period, item, within: organisation, source, .. } = asked;
        SupplementsQuery { period, group_by, item, organisation, source, top }
    };
    statistic(&node, &caller, limits, &when, put).await
}

impl Question for SupplementsQuery {
    type View = Supplements;
    type Answer = SupplementsAnswer;

    fn answer(&self, view: &Supplements, reference: &Reference, _: NaiveDate) -> Result<Self::Answer, Problem> {
        Ok(view.answer(self, reference))
    }
}
