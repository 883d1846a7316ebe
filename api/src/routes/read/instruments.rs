//! 赋权、委托: under which papers townships decide, open to everybody as the law wants it.

use crate::answer::Stamp;
use crate::auth::Caller;
use crate::cursor::Page;
use crate::node::Node;
use crate::problem::Problem;
use crate::query::{FromParameters, Parameters, Query};
use crate::views::{Standing, When};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use domain::event::instrument::{InstrumentIssued, InstrumentKind};
use domain::fact::Subject;
use domain::ids::{InstrumentId, ItemId, OrganisationId};
use domain::instrument::Instrument;
use domain::organisation::Organisations;
use projections::reference::ReferenceData;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Which instruments are asked for.
#[derive(Debug, Clone)]
struct InstrumentFilter {
    organisation: Option<OrganisationId>,
    item: Option<ItemId>,
    kind: Option<InstrumentKind>,
    in_force_on: Option<NaiveDate>,
}

impl FromParameters for InstrumentFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            organisation: parameters.one("org")?,
            item: parameters.one("item")?,
            kind: parameters.word("kind")?,
            in_force_on: parameters.day("in_force_on")?,
        })
    }
}

impl InstrumentFilter {
    /// Of an organisation are the instruments that it, or one under it, issued or holds.
    fn wants(&self, instrument: &Instrument, issued: &InstrumentIssued, organisations: &Organisations) -> bool {
        let concerns = |root: &OrganisationId| {
            std::iter::once(&issued.from).chain(&issued.to).any(|party| organisations.contains(root, party))
        };
        self.organisation.as_ref().is_none_or(concerns)
            && self.item.as_ref().is_none_or(|item| issued.items.contains(item))
            && self.kind.is_none_or(|kind| kind == issued.kind)
            && self.in_force_on.is_none_or(|day| instrument.is_in_force(day))
    }
}

/// An instrument as it goes out.
#[derive(Serialize)]
struct ShownInstrument<'a> {
    id: &'a InstrumentId,
    kind_zh: &'static str,
    in_force: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_day: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<&'a str>,
    #[serde(flatten)]
    issued: &'a InstrumentIssued,
}

impl<'a> ShownInstrument<'a> {
    fn of(id: &'a InstrumentId, instrument: &'a Instrument, day: NaiveDate) -> Option<Self> {
        let issued = instrument.issued()?;
        Some(Self {
            id,
            kind_zh: issued.kind.paper_zh(),
            in_force: instrument.is_in_force(day),
            last_day: instrument.last_day(),
            revoked_by: instrument.revoked().map(|revoked| revoked.basis.as_str()),
            issued,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct After {
    at: Standing,
    key: InstrumentId,
}

/// Instruments of empowerment and entrustment 赋权、委托.
#[utoipa::path(
    get, path = "/api/v1/instruments", tag = "reference", security(("token" = [])),
    params(
        ("org" = Option<String>, Query, description = "Issued or held by this organisation or one under it", example = "361023100"),
        ("item" = Option<String>, Query, description = "About this item", example = "FZ-001"),
        ("kind" = Option<String>, Query, description = "`empowerment` or `entrustment`"),
        ("in_force_on" = Option<String>, Query, description = "In force on this day", example = "2022-01-20"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Instruments by id, with their scope and validity", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
        "instruments": [{"id": "361023-MZ-WT-202111", "instrument": "361023-MZ-WT-202111", "kind": "entrustment", "kind_zh": "委托书",
            "number": "示例委托〔2021〕361023-MZ-11号", "in_force": true, "from": "361023-MZ", "to": ["361023100"], "items": ["FZ-001"],
            "regions": ["361023"], "valid_from": "2021-11-01", "published_on": "2021-11-01",
            "published_in": "县级政府门户网站（示例）", "basis": "行政许可法第二十四条及审批权限下沉的有关规定（示例）"}],
        "next_cursor": "eyJ…"
    })))
)]
#[get("/instruments")]
pub(crate) async fn list_instruments(
    node: Data<Node>,
    _caller: Caller,
    Query((filter, page, when)): Query<(InstrumentFilter, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let resumed: Option<After> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let after = resumed.map(|resumed| resumed.key);
    let seen = reads.views.look(&at, |data: &ReferenceData| {
        let organisations = &data.reference.organisations;
        let listed = data.reference.instruments.iter().filter(|(id, _)| after.as_ref().is_none_or(|after| after < *id));
        let wanted = |instrument: &Instrument| {
            instrument.issued().is_some_and(|issued| filter.wants(instrument, issued, organisations))
        };
        let listed = listed.filter(|(_, instrument)| wanted(instrument));
        let mut entries: Vec<_> = listed
            .filter_map(|(id, instrument)| ShownInstrument::of(id, instrument, at.day()))
            .take(page.limit + 1)
            .collect();
        let more = page.limit < entries.len();
        entries.truncate(page.limit);
        let last = entries.last().filter(|_| more).map(|entry| After { at, key: entry.id.clone() });
        (json!({ "instruments": entries }), last)
    });
    let seen = seen.await?;
    let (body, last) = seen.value;
    let next = last.map(|last| page.next(&reads.cursors, &last));
    Ok(Stamp::new(&at, seen.position).page(&body, next.as_ref()))
}

/// One instrument.
#[utoipa::path(
    get, path = "/api/v1/instruments/{id}", tag = "reference", security(("token" = [])),
    params(("id" = String, Path, description = "The instrument", example = "361023-MZ-WT-202111"), crate::openapi::WhenParameters),
    responses((status = 200, description = "Its scope, validity, number and publication", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "id": "361023-MZ-WT-202111",
        "instrument": "361023-MZ-WT-202111", "kind": "entrustment", "kind_zh": "委托书",
        "number": "示例委托〔2021〕361023-MZ-11号", "in_force": true, "from": "361023-MZ", "to": ["361023100"], "items": ["FZ-001"],
        "regions": ["361023"], "valid_from": "2021-11-01", "published_on": "2021-11-01",
        "published_in": "县级政府门户网站（示例）", "basis": "行政许可法第二十四条及审批权限下沉的有关规定（示例）"
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/instruments/{id}")]
pub(crate) async fn get_instrument(
    node: Data<Node>,
    _caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id: InstrumentId = id.parse().map_err(|_| Problem::not_found())?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let seen = views.look(&at, |data: &ReferenceData| {
        let instrument = data.reference.instruments.get(&id)?;
        let shown = ShownInstrument::of(&id, instrument, at.day())?;
        // Whether it is in force changes by the day, without an event.
        let etag = format!("{}-{}", data.version(&Subject::Instrument(id.clone())), shown.in_force);
        Some((etag, json!(shown)))
    });
    let seen = seen.await?;
    let (etag, body) = seen.value.ok_or_else(Problem::not_found)?;
    Ok(Stamp::new(&at, seen.position).resource(request.headers(), &etag, &body))
}
