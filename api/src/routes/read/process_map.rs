//! The process map: what follows what, where work waits, who skips steps; two periods side by side.

use super::statistics::{Limits, period, scope};
use crate::answer::Stamp;
use crate::auth::Caller;
use crate::maps::{Drawn, MapQuestion};
use crate::node::Node;
use crate::problem::{Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::views::When;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use domain::ids::{CaseId, OrganisationId, SourceName};
use domain::zone::day_of;
use projections::reference::ReferenceData;
use projections::scope::{OWN, Period, Source};
use replay::case_index::{CaseCursor, CaseFilter, CaseIndex, IndexError, Order, PageOfCases, Whose};
use replay::history::HistoryError;
use replay::moment::Slice;
use replay::process_map::{Difference, ProcessMap, ProcessReport, of_cases};
use replay::selection::LogSelection;
use serde::Serialize;
use std::collections::BTreeSet;

/// The most cases of one period: some two seconds of reading.
const CASES_MAX: usize = 20_000;
/// How many cases are asked of the index at once.
const CASES_PER_PAGE: usize = 2_000;
/// How often the index is asked: each time it looks at a bounded number of cases.
const PAGES_MAX: usize = 100;

/// The question behind `GET /process-map`, as far as it is its own.
#[derive(Debug, Clone)]
struct MapFilter {
    limits: Limits,
    version: Option<u32>,
    compare: Option<(NaiveDate, NaiveDate)>,
}

impl FromParameters for MapFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let limits = Limits::take(parameters)?;
        let version = parameters.number("version", 1, u64::from(u32::MAX))?;
        let compare = match (parameters.day("compare_from")?, parameters.day("compare_to")?) {
            (None, None) => None,
            (Some(from), Some(to)) => Some((from, to)),
            (Some(_), None) => return Err(both("compare_to")),
            (None, Some(_)) => return Err(both("compare_from")),
        };
        Ok(Self { limits, version: version.and_then(|version| u32::try_from(version).ok()), compare })
    }
}

fn both(missing: &str) -> Problem {
    invalid(missing, Text::new("compare_from 与 compare_to 须同时给出", "compare_from and compare_to go together"))
}

/// One period's map.
#[derive(Serialize)]
struct OnePeriod {
    from: NaiveDate,
    to: NaiveDate,
    #[serde(flatten)]
    map: ProcessReport,
}

#[derive(Serialize)]
struct Told {
    organisation: OrganisationId,
    source: String,
    #[serde(flatten)]
    first: OnePeriod,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<OnePeriod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Vec<Difference>>,
}

/// The process 流程 as it really runs: the directly-follows graph, waiting, variants, rework, conformance.
#[utoipa::path(
    get, path = "/api/v1/process-map", tag = "statistics", security(("token" = [])),
    params(
        ("item" = Option<String>, Query, description = "Only this item", example = "FZ-001"),
        ("org" = Option<String>, Query, description = "Only cases that concern this organisation or one under it", example = "361023"),
        ("from" = Option<String>, Query, description = "Cases applied for on this day or later; 1 January of the year of `as_of` if absent", example = "2021-08-01"),
        ("to" = Option<String>, Query, description = "Cases applied for before this day; the day after `as_of` if absent", example = "2021-11-01"),
        ("version" = Option<u32>, Query, description = "Only cases judged by this version of their item", example = 1),
        ("compare_from" = Option<String>, Query, description = "A second period beside it, from this day", example = "2021-11-01"),
        ("compare_to" = Option<String>, Query, description = "… to the day before this", example = "2022-05-01"),
        ("source" = Option<String>, Query, description = "`own` (default), a legacy system, or `all`"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "The map of the cases applied for in the period, and beside it that of the second. \
        `bottlenecks` are activities by the working days that cases waited for them, all together; `steps` are 环节 against their budgets. \
        More than 20,000 cases of one period are refused with 400: ask for a shorter one",
        body = Object, example = json!({
        "position": 612345, "as_of": "2022-06-01T09:00:00.000+08:00", "organisation": "361000", "source": "own",
        "from": "2021-08-01", "to": "2021-11-01", "cases": 412, "open": 3, "events": 6180,
        "bottlenecks": [{"activity": "step-finished:means-investigation", "count": 405, "repeated_in_cases": 4,
            "waited_working_days": {"n": 405, "mean": 8.6, "p50": 8, "p90": 12, "max": 21, "sum": 3483},
            "waited_seconds": 298000000.0, "share": 0.41}],
        "steps": [{"item": "FZ-001", "item_version": 1, "step": "means-investigation", "name_zh": "家庭经济状况调查",
            "name_en": "means investigation", "budget_days": 10, "over_budget": 37, "days_over_budget": 96,
            "working_days": {"n": 405, "mean": 8.6, "p50": 8, "p90": 12, "max": 21, "sum": 3483}}],
        "conformance": {"judged": 400, "conforming": 371, "skipped": {"public-notice": 12}, "repeated": {}, "out_of_order": 3, "sent_back": 9},
        "compared": {"from": "2021-11-01", "to": "2022-05-01", "cases": 780},
        "difference": [{"activity": "step-finished:means-investigation", "count": [405, 771], "sum": [3483, 4703],
            "mean": [8.6, 6.1], "per_case": [8.45, 6.03], "change_per_case": -2.42}]
    })))
)]
#[get("/process-map")]
pub(crate) async fn get_process_map(
    node: Data<Node>,
    caller: Caller,
    Query((filter, when)): Query<(MapFilter, When)>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let Limits { from, to, organisation, .. } = &filter.limits;
    let scope = scope(views, &caller, organisation.as_ref())?;
    let today = day_of(node.clock.now());
    let mut periods = vec![period(*from, *to, at.day(), today)?];
    if let Some((from, to)) = filter.compare {
        periods.push(crate::query::checked_period("compare_from", from, "compare_to", to, today)?);
    }
    // The index may be a little behind the views: what it knows is what is asked about.
    let slice = at.slice().unwrap_or_else(|| Slice::through(views.live().index().position()));
    let organisations = scope.within.as_ref().map(|within| {
        views.today(|reference| reference.organisations.subtree(within).cloned().collect::<BTreeSet<OrganisationId>>())
    });
    let names_cases = caller.scope.sees_cases();
    let question = MapQuestion {
        item: filter.limits.item.clone(),
        version: filter.version,
        within: scope.within.is_some(),
        names_cases,
        past: at.slice(),
        ..MapQuestion::new(&periods, &filter.limits.source, scope.organisation.clone())
    };
    let maps = &node.reads.maps;
    let stamp = Stamp::new(&at, slice.through);
    if let Some(drawn) = kept(&node, &question, slice).await? {
        return Ok(stamp.written(&drawn.json));
    }
    let turn = views.turn().await?;
    // Somebody before us may have drawn it meanwhile.
    if let Some(drawn) = kept(&node, &question, slice).await? {
        return Ok(stamp.written(&drawn.json));
    }
    let mut drawing = Vec::with_capacity(periods.len());
    let mut all_cases = BTreeSet::new();
    for (place, period) in periods.iter().enumerate() {
        let found = find(views.live().index(), &filter, organisations.clone(), *period, slice).await?;
        let Some(cases) = found else { return Err(too_many(if place == 0 { "from" } else { "compare_from" })) };
        let mut map = ProcessMap::new(selection(&filter, *period, slice));
        of_cases(views.history(), &cases, &slice, &mut map).await?;
        drawing.push(map);
        all_cases.extend(cases);
    }
    // The catalogue of another moment may need a turn itself.
    drop(turn);
    let reference = views.look(&at, |data: &ReferenceData| data.reference.clone()).await?.value;
    let source = filter.limits.source.to_string();
    let drawing = tokio::task::spawn_blocking(move || {
        let finished = drawing.into_iter().map(|map| map.finish(&reference));
        let mut drawn = finished.zip(periods).map(|(mut map, Period { from, to })| {
            if !names_cases {
                map.conformance.deviations.clear();
            }
            OnePeriod { from, to, map }
        });
        let first = drawn.next()?;
        let compared = drawn.next();
        let difference = compared.as_ref().map(|compared| first.map.to(&compared.map));
        // Plain structs of texts and numbers, which JSON always takes.
        serde_json::to_vec(&Told { organisation: scope.organisation, source, first, compared, difference }).ok()
    });
    let json = drawing.await.ok().flatten().ok_or_else(|| Problem::new(Kind::Internal))?.into();
    let drawn = Drawn { json, cases: all_cases.into_iter().collect(), through: slice.through };
    let answer = stamp.written(&drawn.json);
    maps.keep(question, drawn);
    Ok(answer)
}

async fn kept(node: &Node, question: &MapQuestion, slice: Slice) -> Result<Option<Drawn>, Problem> {
    let kept = node.reads.maps.kept(question, node.reads.views.history(), slice.through).await;
    Ok(kept.map_err(HistoryError::from)?)
}

fn too_many(name: &str) -> Problem {
    let detail = Text::new(
        format!("该范围内办件超过 {CASES_MAX} 件，请缩短时段或限定事项、机构"),
        format!("more than {CASES_MAX} cases; ask for a shorter period, one item or one organisation"),
    );
    invalid(name, detail)
}

/// What the index cannot decide, the cases' own beginnings do.
fn selection(filter: &MapFilter, period: Period, slice: Slice) -> LogSelection {
    LogSelection {
        source: source(&filter.limits.source),
        item: filter.limits.item.clone(),
        item_version: filter.version,
        opened_from: Some(period.from),
        opened_to: Some(period.to),
        ..LogSelection::through(slice.through)
    }
}

fn source(source: &Source) -> Option<SourceName> {
    match source {
        Source::All => None,
        Source::Named(name) => Some(name.clone()),
        Source::Own => OWN.parse().ok(),
    }
}

/// Returns the cases of a period; nothing if there are too many of them.
async fn find(
    index: &CaseIndex,
    filter: &MapFilter,
    organisations: Option<BTreeSet<OrganisationId>>,
    period: Period,
    slice: Slice,
) -> Result<Option<Vec<CaseId>>, Problem> {
    let wanted = CaseFilter {
        whose: source(&filter.limits.source).map_or(Whose::Anyone, Whose::Source),
        item: filter.limits.item.clone(),
        organisations,
        opened_from: Some(period.from),
        opened_to: Some(period.to),
        ..CaseFilter::default()
    };
    let index = index.clone();
    let searching = tokio::task::spawn_blocking(move || -> Result<Option<Vec<CaseId>>, IndexError> {
        let mut found = Vec::new();
        let mut after: Option<CaseCursor> = None;
        for _ in 0..PAGES_MAX {
            let page = PageOfCases { after, limit: CASES_PER_PAGE, order: Order::Oldest };
            let page = index.cases(&wanted, &slice, &page)?;
            found.extend(page.cases);
            if CASES_MAX < found.len() {
                return Ok(None);
            }
            after = page.next;
            if after.is_none() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    });
    Ok(searching.await.map_err(|_| Problem::new(Kind::Internal))??)
}
