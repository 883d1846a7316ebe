//! 考评 and 标杆大厅: score sheets that derive themselves again, rankings, and the halls that counties chose.

use super::coverage::root;
use super::statistics::period;
use crate::answer::Stamp;
use crate::auth::Caller;
use crate::cursor::Page;
use crate::execute::folded;
use crate::figures::Drawing;
use crate::node::Node;
use crate::problem::{Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::rights;
use crate::views::{Standing, When};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::{NaiveDate, SecondsFormat};
use domain::checklist::Checklist;
use domain::event::checklist::{ChecklistPublished, Criterion, Part};
use domain::event::inspection::{InspectionOpened, InspectionScored, Measured, PartScore};
use domain::fact::Subject;
use domain::ids::{CampaignId, ChecklistId, InspectionId, OrganisationId};
use domain::inspection::Inspection;
use domain::zone::{day_of, fuzhou};
use eventstore::Position;
use projections::reference::ReferenceData;
use projections::scope::Period;
use projections::scores::{InspectionRow, RankBy, RankingQuery, Scores};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Hundredths of a point as points.
fn points(hundredths: u32) -> f64 {
    f64::from(hundredths) / 100.0
}

/// Everybody but residents sees what halls are scored by and how counties stand.
fn is_staff(caller: &Caller) -> Result<(), Problem> {
    rights::root(caller)?;
    Ok(())
}

fn shown(id: &ChecklistId, checklist: &Checklist, day: NaiveDate) -> Value {
    let versions: &[ChecklistPublished] = checklist.versions();
    json!({ "id": id, "in_use": checklist.on(day).map(|version| version.version), "versions": versions })
}

/// 考评表: what halls are scored by, in versions.
#[utoipa::path(
    get, path = "/api/v1/checklists", tag = "scores", security(("token" = [])),
    params(crate::openapi::WhenParameters),
    responses((status = 200, description = "Checklists with all their versions", body = Object, example = json!({
        "position": 612345, "as_of": "2026-11-20T09:00:00.000+08:00",
        "checklists": [{"id": "model-hall", "in_use": 1, "versions": [{"checklist": "model-hall", "version": 1, "name_zh": "标杆大厅考评表", "valid_from": "2026-01-01",
            "card": {"total": 100, "weights": [{"criterion": "sense-comfort", "points": 20}],
                "parts": [{"part": "SIGNS", "criterion": "sense-comfort", "name_zh": "标识齐全", "points": 4, "source": {"how": "inspected", "photo": true}}]}}]}]
    })))
)]
#[get("/checklists")]
pub(crate) async fn list_checklists(
    node: Data<Node>,
    caller: Caller,
    Query(when): Query<When>,
) -> Result<HttpResponse, Problem> {
    is_staff(&caller)?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let seen = views.look(&at, |scores: &Scores| {
        scores.checklists().map(|(id, checklist)| shown(id, checklist, at.day())).collect::<Vec<_>>()
    });
    let seen = seen.await?;
    Ok(Stamp::new(&at, seen.position).json(&json!({ "checklists": seen.value })))
}

/// Which inspections are asked for.
#[derive(Debug, Clone)]
struct InspectionFilter {
    organisation: Option<OrganisationId>,
    checklist: Option<ChecklistId>,
}

impl FromParameters for InspectionFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { organisation: parameters.one("org")?, checklist: parameters.one("checklist")? })
    }
}

/// Where a list of inspections goes on, and in which history.
#[derive(Serialize, Deserialize)]
struct After {
    at: Standing,
    inspection: InspectionId,
}

/// Inspections, the newest first.
#[utoipa::path(
    get, path = "/api/v1/inspections", tag = "scores", security(("token" = [])),
    params(
        ("org" = Option<String>, Query, description = "Only halls under this organisation", example = "361023"),
        ("checklist" = Option<String>, Query, description = "Only by this checklist", example = "model-hall"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "With their scores, where they were drawn", body = Object, example = json!({
        "position": 612345, "as_of": "2026-11-20T09:00:00.000+08:00",
        "inspections": [{"inspection": "01KH9Z6V0000000000000000AA", "hall": "361023100", "county": "361023", "inspector": "361000-supervisor-1",
            "inspected_on": "2026-11-02", "checklist": "model-hall", "checklist_version": 1, "of_hundredths": 10000,
            "score": {"hundredths": 9125, "criteria": [{"criterion": "sense-comfort", "hundredths": 1850}], "position": 611000}}],
        "next_cursor": "eyJ…"
    })))
)]
#[get("/inspections")]
pub(crate) async fn list_inspections(
    node: Data<Node>,
    caller: Caller,
    Query((filter, page, when)): Query<(InspectionFilter, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let resumed: Option<After> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let (root, halls) = reads.views.today(|reference| {
        let organisations = &reference.organisations;
        let root = rights::asked_organisation(&caller, filter.organisation.as_ref(), organisations)?;
        let halls: std::collections::BTreeSet<_> = organisations.subtree(&root).cloned().collect();
        Ok::<_, Problem>((root, halls))
    })?;
    let after = resumed.map(|resumed| resumed.inspection);
    let seen = reads.views.look(&at, |scores: &Scores| {
        let wanted = |row: &&InspectionRow| {
            after.is_none_or(|after| row.inspection < after)
                && filter.checklist.as_ref().is_none_or(|checklist| *checklist == row.checklist)
                && halls.contains(&row.hall)
        };
        scores.inspections().filter(wanted).take(page.limit + 1).cloned().collect::<Vec<_>>()
    });
    let seen = seen.await?;
    let mut rows = seen.value;
    let more = page.limit < rows.len();
    rows.truncate(page.limit);
    let last = rows.last().filter(|_| more).map(|row| After { at, inspection: row.inspection });
    let next = last.map(|last| page.next(&reads.cursors, &last));
    let body = json!({ "organisation": root, "inspections": rows });
    Ok(Stamp::new(&at, seen.position).page(&body, next.as_ref()))
}

/// What came of deriving a score once more.
struct Derived {
    measured: Arc<Vec<Measured>>,
    parts: Vec<PartScore>,
    /// When the last fact before the score was recorded: by this moment the same figures can be asked for.
    as_of: String,
}

async fn derive(
    node: &Node,
    opened: &InspectionOpened,
    inspection: &Inspection,
    scored: &InspectionScored,
) -> Result<Derived, Problem> {
    let views = &node.reads.views;
    let position = Position(scored.position);
    let page = views.history().page(Position(scored.position.saturating_sub(1)), 1).await?;
    let recorded_at = page.facts.first().map_or(node.clock.now(), |fact| fact.recorded_at);
    let key = (scored.inspection, scored.position);
    let measured = match node.reads.derived.get(&key) {
        Some(measured) => measured,
        None => {
            let drawing = drawing(opened, scored.asked_on);
            let at = Standing::through(position, recorded_at);
            let measured = Arc::new(drawing.draw(views, &at, &inspection.figures()).await?);
            node.reads.derived.put(key, Arc::clone(&measured));
            measured
        }
    };
    let parts = inspection.derived(&measured).map_err(|_| Problem::new(Kind::Internal))?;
    let as_of = recorded_at.with_timezone(&fuzhou()).to_rfc3339_opts(SecondsFormat::Micros, false);
    Ok(Derived { measured, parts, as_of })
}

fn drawing(opened: &InspectionOpened, asked_on: NaiveDate) -> Drawing {
    Drawing { hall: opened.hall.clone(), period: Period { from: opened.from, to: opened.to }, asked_on }
}

/// One line of a score sheet.
fn line(
    node: &Node,
    caller: &Caller,
    inspection: &Inspection,
    opened: &InspectionOpened,
    part: &Part,
    derived: Option<&Derived>,
) -> Value {
    let mut line = json!({
        "part": part.part, "criterion": part.criterion, "name_zh": part.name_zh, "of_points": part.points, "source": part.source,
    });
    if let Some(seen) = inspection.inspected.get(&part.part) {
        line["points"] = json!(points(seen.hundredths));
        let photos = seen.photos.iter().filter_map(|paper| inspection.photos.get(paper));
        let photo = |photo: &domain::event::inspection::InspectionPhotoTaken| json!({ "photo": photo.paper, "sha256": photo.sha256, "media_type": photo.media_type });
        line["photos"] = photos.map(photo).collect();
        if let Some(note) = seen.note.as_ref().filter(|_| caller.scope.sees_persons()) {
            let context = Subject::Inspection(opened.inspection).to_string();
            line["note"] = node.vault.open_sealed(note, &context).map_or(Value::Null, |note| json!(note.as_str()));
        }
    }
    let scored = inspection.scored.as_ref();
    let known = scored.and_then(|scored| scored.parts.iter().find(|score| score.part == part.part));
    let (Some(scored), Some(score)) = (scored, known) else { return line };
    line["points"] = json!(points(score.hundredths));
    if let Some(measured) = &score.measured {
        line["measured"] = json!(measured);
        if let Some(derived) = derived {
            let again = derived.measured.iter().find(|again| again.figure == measured.figure);
            line["derived"] = json!(again);
            line["query"] = json!(drawing(opened, scored.asked_on).query(measured.figure, &derived.as_of));
        }
    }
    line
}

/// A score sheet: every part with what was seen or computed, the query behind each figure, and the whole score derived
/// once more from the log up to the named position, `equal` or not.
#[utoipa::path(
    get, path = "/api/v1/inspections/{id}", tag = "scores", security(("token" = [])),
    params(("id" = String, Path, description = "The inspection", example = "01KH9Z6V0000000000000000AA"), crate::openapi::WhenParameters),
    responses((status = 200, description = "The sheet; `rederived` once it is scored", body = Object, example = json!({
        "position": 612345, "as_of": "2026-11-20T09:00:00.000+08:00", "id": "01KH9Z6V0000000000000000AA", "version": 14,
        "hall": "361023100", "county": "361023", "inspector": "361000-supervisor-1", "inspected_on": "2026-11-02",
        "checklist": "model-hall", "checklist_version": 1, "from": "2026-10-01", "to": "2026-11-01",
        "parts": [{"part": "ON-TIME", "criterion": "maturity", "name_zh": "按时办结率", "of_points": 14, "points": 13.65,
            "source": {"how": "computed", "figure": "on-time-rate", "none_at": 80, "full_at": 100, "without_cases": 0},
            "measured": {"figure": "on-time-rate", "numerator": 398, "denominator": 400},
            "derived": {"figure": "on-time-rate", "numerator": 398, "denominator": 400},
            "query": "/api/v1/statistics/processing-times?org=361023100&from=2026-10-01&to=2026-11-01&as_of=2026-11-02T15:00:00.000%2B08:00"}],
        "score": {"points": 91.25, "of_points": 100, "position": 611000, "criteria": [{"criterion": "maturity", "points": 27.65}]},
        "rederived": {"points": 91.25, "position": 611000, "equal": true}
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/inspections/{id}")]
pub(crate) async fn get_inspection(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id: InspectionId = id.parse().map_err(|_| Problem::not_found())?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let facts = views.stream(&at, &Subject::Inspection(id)).await?;
    let inspection: Inspection = folded(&facts);
    let (Some(opened), Some(last)) = (&inspection.opened, facts.last()) else { return Err(Problem::not_found()) };
    views.today(|reference| rights::asked_organisation(&caller, Some(&opened.hall), &reference.organisations))?;
    let derived = match &inspection.scored {
        None => None,
        Some(scored) => Some(derive(&node, opened, &inspection, scored).await?),
    };
    let parts = opened.card.parts.iter();
    let lines: Vec<Value> =
        parts.map(|part| line(&node, &caller, &inspection, opened, part, derived.as_ref())).collect();
    let mut body = json!({
        "id": id, "version": last.version, "hall": opened.hall, "county": opened.county, "inspector": opened.inspector,
        "inspected_on": opened.inspected_on, "checklist": opened.checklist, "checklist_version": opened.checklist_version,
        "from": opened.from, "to": opened.to, "parts": lines,
    });
    if let (Some(scored), Some(derived)) = (&inspection.scored, &derived) {
        let criterion = |one: &domain::event::inspection::CriterionScore| json!({ "criterion": one.criterion, "points": points(one.hundredths) });
        body["score"] = json!({
            "points": points(scored.hundredths), "of_points": opened.card.total, "position": scored.position,
            "criteria": scored.criteria.iter().map(criterion).collect::<Vec<_>>(),
        });
        let again: u32 = derived.parts.iter().map(|part| part.hundredths).sum();
        body["rederived"] = json!({
            "points": points(again), "position": scored.position, "equal": derived.parts == scored.parts,
        });
    }
    let etag = format!("{}-{}", last.version, caller.scope.sees_persons());
    Ok(Stamp::new(&at, Position(last.position)).resource(request.headers(), &etag, &body))
}

/// The question behind `GET /rankings`.
#[derive(Debug, Clone)]
struct RankingFilter {
    checklist: ChecklistId,
    by: RankBy,
    organisation: Option<OrganisationId>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

impl FromParameters for RankingFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let required = || invalid("checklist", Text::new("必填，考评表编码", "it is required: the checklist"));
        Ok(Self {
            checklist: parameters.one("checklist")?.ok_or_else(required)?,
            by: parameters.word("by")?.unwrap_or_default(),
            organisation: parameters.one("org")?,
            from: parameters.day("from")?,
            to: parameters.day("to")?,
        })
    }
}

/// 排名: counties by the mean of their halls' latest scores, or halls by theirs.
#[utoipa::path(
    get, path = "/api/v1/rankings", tag = "scores", security(("token" = [])),
    params(
        ("checklist" = String, Query, description = "By which checklist", example = "model-hall"),
        ("by" = Option<String>, Query, description = "`county` (default) or `hall`"),
        ("org" = Option<String>, Query, description = "Only halls under this organisation; the whole city if absent", example = "361023"),
        ("from" = Option<String>, Query, description = "Inspected from this day on; 1 January of the year of `as_of` if absent"),
        ("to" = Option<String>, Query, description = "Inspected before this day; the day after `as_of` if absent"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Places from 1; equal scores share one", body = Object, example = json!({
        "position": 612345, "as_of": "2026-11-20T09:00:00.000+08:00", "checklist": "model-hall", "by": "county", "from": "2026-01-01", "to": "2026-11-21",
        "ranking": [{"rank": 1, "organisation": "361023", "name_zh": "南丰县政务服务中心", "halls": 4, "hundredths": 9034, "inspections": ["01KH9Z6V0000000000000000AA"]}]
    })))
)]
#[get("/rankings")]
pub(crate) async fn get_ranking(
    node: Data<Node>,
    caller: Caller,
    Query((filter, when)): Query<(RankingFilter, When)>,
) -> Result<HttpResponse, Problem> {
    is_staff(&caller)?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let organisation = root(views, filter.organisation)?;
    let period = period(filter.from, filter.to, at.day(), day_of(node.clock.now()))?;
    let Period { from, to } = period;
    let (checklist, by) = (filter.checklist.clone(), filter.by);
    let query = RankingQuery { checklist: filter.checklist, period, organisation, by };
    let ask = move |scores: &Scores, data: &ReferenceData| scores.ranking(&query, &data.reference.organisations);
    let seen = views.study(&at, ask).await?;
    let body = json!({ "checklist": checklist, "by": by, "from": from, "to": to, "ranking": seen.value });
    Ok(Stamp::new(&at, seen.position).json(&body))
}

/// 标杆大厅评选: the campaigns there were.
#[utoipa::path(
    get, path = "/api/v1/campaigns", tag = "scores", security(("token" = [])),
    params(crate::openapi::WhenParameters),
    responses((status = 200, description = "Campaigns with the number of candidates", body = Object, example = json!({
        "position": 612345, "as_of": "2026-11-20T09:00:00.000+08:00",
        "campaigns": [{"campaign": "model-halls-2026", "name_zh": "2026年度标杆大厅", "checklist": "model-hall", "halls_per_county": 3,
            "from": "2026-11-01", "through": "2026-12-31", "candidates": 33}]
    })))
)]
#[get("/campaigns")]
pub(crate) async fn list_campaigns(
    node: Data<Node>,
    caller: Caller,
    Query(when): Query<When>,
) -> Result<HttpResponse, Problem> {
    is_staff(&caller)?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let seen = views.look(&at, |scores: &Scores| {
        let told = scores.campaigns().filter_map(|(id, campaign)| {
            let opened = campaign.opened.as_ref()?;
            Some(json!({
                "campaign": id, "name_zh": opened.name_zh, "checklist": opened.checklist,
                "halls_per_county": opened.halls_per_county, "from": opened.from, "through": opened.through,
                "candidates": campaign.chosen.len(),
            }))
        });
        told.collect::<Vec<_>>()
    });
    let seen = seen.await?;
    Ok(Stamp::new(&at, seen.position).json(&json!({ "campaigns": seen.value })))
}

/// A campaign: how many halls each county chose, and every candidate with its score by the four criteria.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}", tag = "scores", security(("token" = [])),
    params(("id" = String, Path, description = "The campaign", example = "model-halls-2026"), crate::openapi::WhenParameters),
    responses((status = 200, description = "Candidates, best first; `sheet` is the score sheet behind each", body = Object, example = json!({
        "position": 612345, "as_of": "2026-11-20T09:00:00.000+08:00", "campaign": "model-halls-2026", "name_zh": "2026年度标杆大厅",
        "checklist": "model-hall", "halls_per_county": 3, "from": "2026-11-01", "through": "2026-12-31",
        "counties": [{"county": "361023", "chosen": 3}],
        "candidates": [{"place": 1, "county": "361023", "hall": "361023100", "name_zh": "琴城镇便民服务中心", "points": 91.25,
            "criteria": {"sense-comfort": 18.5, "completeness": 27.1, "maturity": 27.65, "satisfaction": 18.0},
            "inspection": "01KH9Z6V0000000000000000AA", "sheet": "/api/v1/inspections/01KH9Z6V0000000000000000AA"}]
    })))
)]
#[get("/campaigns/{id}")]
pub(crate) async fn get_campaign(
    node: Data<Node>,
    caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
) -> Result<HttpResponse, Problem> {
    is_staff(&caller)?;
    let id: CampaignId = id.parse().map_err(|_| Problem::not_found())?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let ask = move |scores: &Scores, data: &ReferenceData| campaign(scores, data, &id);
    let seen = views.study(&at, ask).await?;
    let body = seen.value.ok_or_else(Problem::not_found)?;
    Ok(Stamp::new(&at, seen.position).json(&body))
}

fn campaign(scores: &Scores, data: &ReferenceData, id: &CampaignId) -> Option<Value> {
    let campaign = scores.campaign(id)?;
    let opened = campaign.opened.as_ref()?;
    let chosen = |county: &OrganisationId| campaign.chosen.values().filter(|one| one.county == *county).count();
    let counties = opened.counties.iter().map(|county| json!({ "county": county, "chosen": chosen(county) }));
    let candidates = (1..).zip(scores.candidates(id)).map(|(place, one): (u32, _)| {
        let criteria: std::collections::BTreeMap<Criterion, f64> =
            one.criteria.iter().map(|score| (score.criterion, points(score.hundredths))).collect();
        let name_zh = data.reference.organisations.get(&one.hall).map(|hall| hall.name_zh().to_owned());
        json!({
            "place": place, "county": one.county, "hall": one.hall, "name_zh": name_zh, "points": points(one.hundredths),
            "criteria": criteria, "inspection": one.inspection, "sheet": format!("/api/v1/inspections/{}", one.inspection),
        })
    });
    Some(json!({
        "campaign": id, "name_zh": opened.name_zh, "checklist": opened.checklist, "halls_per_county": opened.halls_per_county,
        "from": opened.from, "through": opened.through,
        "counties": counties.collect::<Vec<_>>(), "candidates": candidates.collect::<Vec<_>>(),
    }))
}
