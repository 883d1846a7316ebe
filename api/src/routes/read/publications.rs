//! What is made public: figures of which no cell tells what a single person said.

use crate::answer::Stamp;
use crate::answers::Question;
use crate::auth::Caller;
use crate::node::Node;
use crate::problem::{Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, checked_period, invalid};
use crate::views::When;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use domain::ids::OrganisationId;
use domain::reference::Reference;
use domain::zone::day_of;
use projections::satisfaction::{NotPublishedYet, Publication, PublicationQuery, PublishedBy, Satisfaction};
use projections::scope::Month;

/// Which publication is asked for.
#[derive(Debug, Clone)]
struct PublicationFilter {
    month: Month,
    by: PublishedBy,
    county: Option<OrganisationId>,
}

impl FromParameters for PublicationFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let required = || invalid("month", Text::new("必填，如 2022-02", "it is required, such as 2022-02"));
        Ok(Self {
            month: parameters.one("month")?.ok_or_else(required)?,
            by: parameters.word("by")?.unwrap_or_default(),
            county: parameters.one("county")?,
        })
    }
}

/// 好差评 of a month, as published: for everybody, with small cells told together and bad cases without identities.
#[utoipa::path(
    get, path = "/api/v1/publications/satisfaction", tag = "ratings", security(("token" = [])),
    params(
        ("month" = String, Query, description = "The month in which the services ended", example = "2022-02"),
        ("by" = Option<String>, Query, description = "`hall` (default) or `item`"),
        ("county" = Option<String>, Query, description = "Only this county; every county if absent", example = "361023"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "By county: cells of enough ratings, the total, bad cases and what became of them", body = Object, example = json!({
        "position": 612345, "as_of": "2022-04-01T09:00:00.000+08:00", "month": "2022-02", "small_cell": 5,
        "counties": [{"county": "361023", "suppressed": false,
            "rows": [{"of": ["361023100"], "services": 312, "ratings": 61, "good_rate": {"numerator": 60, "denominator": 61, "rate": 0.9836}},
                {"of": ["361023101", "361023102"], "services": 40, "ratings": 7, "good_rate": {"numerator": 7, "denominator": 7, "rate": 1.0}}],
            "total": {"services": 352, "ratings": 68},
            "bad_cases": [{"verdict": "true", "rectified_in_time": true, "replied_in_time": true, "call_back": "satisfied", "count": 1}]}]
    })))
)]
#[get("/publications/satisfaction")]
pub(crate) async fn get_publication(
    node: Data<Node>,
    _caller: Caller,
    Query((filter, when)): Query<(PublicationFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let first = filter.month.first_day();
    checked_period("month", first, "month", first, day_of(node.clock.now()))?;
    let is_county = |county: &OrganisationId| {
        use domain::event::organisation::OrganisationKind::{City, County};
        let kind = views.today(|reference| reference.organisations.get(county).map(|known| known.kind()));
        matches!(kind, Some(City | County))
    };
    if !filter.county.as_ref().is_none_or(is_county) {
        return Err(Problem::not_found());
    }
    let query = PublicationQuery { month: filter.month, by: filter.by, county: filter.county };
    let seen = views.answer(&at, query).await?;
    Ok(Stamp::new(&at, seen.position).written(&seen.value))
}

impl Question for PublicationQuery {
    type View = Satisfaction;
    type Answer = Publication;

    fn answer(&self, view: &Satisfaction, reference: &Reference, day: NaiveDate) -> Result<Self::Answer, Problem> {
        view.publication(self, reference, day).map_err(Problem::from)
    }
}

impl From<NotPublishedYet> for Problem {
    fn from(error: NotPublishedYet) -> Self {
        let zh = format!("该月的服务仍可评价，{} 起公布", error.from);
        Self::new(Kind::Rule).detail(Text::new(zh, error.to_string())).rule("not-published-yet")
    }
}
