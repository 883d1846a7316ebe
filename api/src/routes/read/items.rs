//! The catalogue: found by name, pinyin or element, whole with all versions, and told as a guide for residents.

use super::reference::After;
use crate::answer::Stamp;
use crate::auth::Caller;
use crate::cursor::Page;
use crate::guide::Guide;
use crate::node::Node;
use crate::pinyin::Sought;
use crate::problem::{Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::views::When;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use domain::catalogue::Item;
use domain::clock::Limit;
use domain::event::item::{Authority, CaseKind, ItemDefinition, Level};
use domain::fact::Subject;
use domain::ids::{ItemId, SituationCode};
use domain::service_point::takes;
use projections::reference::ReferenceData;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;

/// The longest text that is looked for, in characters.
const SOUGHT_CHARS_MAX: usize = 40;

/// Which items are asked for; all elements given must fit.
#[derive(Debug, Clone, Default)]
struct ItemsQuestion {
    sought: Option<Sought>,
    batch: Option<u8>,
    department: Option<String>,
    authority: Option<Authority>,
    kind: Option<CaseKind>,
    intake_level: Option<Level>,
    certificate_free: Option<bool>,
    cross_township: Option<bool>,
    appointment: Option<bool>,
    after_hours: Option<bool>,
}

impl FromParameters for ItemsQuestion {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let sought = parameters.text("q")?;
        if sought.as_ref().is_some_and(|sought| SOUGHT_CHARS_MAX < sought.chars().count()) {
            let (zh, en) = (format!("不得超过{SOUGHT_CHARS_MAX}字"), format!("at most {SOUGHT_CHARS_MAX} characters"));
            return Err(invalid("q", Text::new(zh, en)));
        }
        Ok(Self {
            sought: sought.as_deref().and_then(Sought::new),
            batch: parameters.number("batch", 1, u64::from(u8::MAX))?.and_then(|batch| u8::try_from(batch).ok()),
            department: parameters.text("department")?,
            authority: parameters.word("authority")?,
            kind: parameters.word("kind")?,
            intake_level: parameters.word("intake_level")?,
            certificate_free: parameters.yes_or_no("certificate_free")?,
            cross_township: parameters.yes_or_no("cross_township")?,
            appointment: parameters.yes_or_no("appointment")?,
            after_hours: parameters.yes_or_no("after_hours")?,
        })
    }
}

impl ItemsQuestion {
    fn fits(&self, id: &ItemId, item: &ItemDefinition, day: NaiveDate) -> bool {
        let is = |asked: Option<bool>, so: bool| asked.is_none_or(|asked| asked == so);
        let departments = [&item.department_zh, &item.department_en];
        self.batch.is_none_or(|batch| item.batch == batch)
            && self.department.as_ref().is_none_or(|department| departments.contains(&department))
            && self.authority.is_none_or(|authority| item.authority == authority)
            && self.kind.is_none_or(|kind| item.kind == kind)
            && self.intake_level.is_none_or(|level| takes(level, item))
            && is(self.certificate_free, item.certificate_free)
            && is(self.cross_township, item.cross_township)
            && is(self.appointment, item.takes_appointments(day))
            && is(self.after_hours, item.is_served_after_hours(day))
            && self.sought.as_ref().is_none_or(|sought| is_found(sought, id, item))
    }
}

fn is_found(sought: &Sought, id: &ItemId, item: &ItemDefinition) -> bool {
    let mut chinese = std::iter::once(&item.name_zh).chain(&item.aliases).chain([&item.department_zh]);
    let mut others = [id.as_str(), &item.name_en, &item.department_en].into_iter();
    chinese.any(|name| sought.is_in_chinese(name)) || others.any(|name| sought.is_in(name))
}

/// An item as a list shows it.
#[derive(Serialize)]
struct ItemEntry<'a> {
    id: &'a ItemId,
    version: u32,
    valid_from: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_after: Option<NaiveDate>,
    in_force: bool,
    name_zh: &'a str,
    name_en: &'a str,
    department_zh: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    aliases: &'a [String],
    kind: CaseKind,
    legal_limit: Option<Limit>,
    promised_limit: Option<Limit>,
    batch: u8,
    decided_at: Level,
    authority: Authority,
    cross_township: bool,
    certificate_free: bool,
    appointment: bool,
    after_hours: bool,
    online: bool,
}

impl<'a> ItemEntry<'a> {
    /// Returns the entry of an item that fits the question, by the version in force or else the last one.
    fn of(id: &'a ItemId, item: &'a Item, day: NaiveDate, question: &ItemsQuestion) -> Option<Self> {
        let in_force = item.in_force(day);
        let version = in_force.or(item.latest())?;
        let definition = &version.definition;
        if !question.fits(id, definition, day) {
            return None;
        }
        Some(Self {
            id,
            version: version.version,
            valid_from: version.valid_from,
            withdrawn_after: item.withdrawn_after(),
            in_force: in_force.is_some(),
            name_zh: &definition.name_zh,
            name_en: &definition.name_en,
            department_zh: &definition.department_zh,
            aliases: &definition.aliases,
            kind: definition.kind,
            legal_limit: definition.legal_limit,
            promised_limit: definition.promised_limit,
            batch: definition.batch,
            decided_at: definition.decided_at,
            authority: definition.authority,
            cross_township: definition.cross_township,
            certificate_free: definition.certificate_free,
            appointment: definition.takes_appointments(day),
            after_hours: definition.is_served_after_hours(day),
            online: definition.online,
        })
    }
}

/// The catalogue 事项目录.
#[utoipa::path(
    get, path = "/api/v1/items", tag = "reference", security(("token" = [])),
    params(
        ("q" = Option<String>, Query, description = "In its name, what residents call it, its department or id: characters, pinyin, initials or English", example = "dbbz"),
        ("batch" = Option<u8>, Query, description = "`1` (22 items), `2` (31), `3`: the villages' extension (19)", example = 1),
        ("department" = Option<String>, Query, description = "主管部门, in Chinese or English", example = "民政"),
        ("authority" = Option<String>, Query, description = "`own_statutory, empowered, entrusted, forward, village_self`"),
        ("kind" = Option<String>, Query, description = "`instant, promise, other`"),
        ("intake_level" = Option<String>, Query, description = "Taken in at this level, which it names or where it is decided: `village, township, county, city`"),
        ("certificate_free" = Option<bool>, Query, description = "免证办"),
        ("cross_township" = Option<bool>, Query, description = "跨乡镇办理"),
        ("appointment" = Option<bool>, Query, description = "预约, on the day asked about"),
        ("after_hours" = Option<bool>, Query, description = "延时服务, on the day asked about"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Items with the version in force", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
        "items": [{"id": "FZ-001", "version": 2, "valid_from": "2021-11-01", "in_force": true, "name_zh": "最低生活保障对象认定",
            "name_en": "Minimum living allowance", "department_zh": "民政局", "kind": "promise",
            "legal_limit": {"days": 30, "unit": "working"}, "promised_limit": {"days": 18, "unit": "working"},
            "batch": 1, "decided_at": "township", "authority": "entrusted", "cross_township": false, "certificate_free": false}],
        "next_cursor": "eyJ…"
    })))
)]
#[get("/items")]
pub(crate) async fn list_items(
    node: Data<Node>,
    _caller: Caller,
    Query((question, page, when)): Query<(ItemsQuestion, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let resumed: Option<After<ItemId>> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let after = resumed.map(|resumed| resumed.key);
    let seen = reads.views.look(&at, |data: &ReferenceData| {
        let listed = data.reference.catalogue.items().filter(|(id, _)| after.as_ref().is_none_or(|after| after < *id));
        let fitting = listed.filter_map(|(id, item)| ItemEntry::of(id, item, at.day(), &question));
        let mut entries: Vec<_> = fitting.take(page.limit + 1).collect();
        let more = page.limit < entries.len();
        entries.truncate(page.limit);
        let last = entries.last().filter(|_| more).map(|entry| After { at, key: entry.id.clone() });
        (json!({ "items": entries }), last)
    });
    let seen = seen.await?;
    let (body, last) = seen.value;
    let next = last.map(|last| page.next(&reads.cursors, &last));
    Ok(Stamp::new(&at, seen.position).page(&body, next.as_ref()))
}

/// One item with all its versions.
#[utoipa::path(
    get, path = "/api/v1/items/{id}", tag = "reference", security(("token" = [])),
    params(("id" = String, Path, description = "The item", example = "FZ-001"), crate::openapi::WhenParameters),
    responses((status = 200, description = "Every version, the oldest first", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "id": "FZ-001", "version": 2, "in_force": 2,
        "versions": [{"item": "FZ-001", "version": 1, "valid_from": "2020-06-01", "valid_to": "2021-10-31",
            "definition": {"name_zh": "最低生活保障对象认定", "promised_limit": {"days": 32, "unit": "working"}}}]
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/items/{id}")]
pub(crate) async fn get_item(
    node: Data<Node>,
    _caller: Caller,
    id: Path<String>,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id: ItemId = id.parse().map_err(|_| Problem::not_found())?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let seen = views.look(&at, |data: &ReferenceData| {
        let item = data.reference.catalogue.get(&id)?;
        let version = data.version(&Subject::Item(id.clone()));
        let in_force = item.in_force(at.day()).map(|version| version.version);
        // Which version is in force changes by the day, without an event.
        let etag = format!("{version}-{}", in_force.unwrap_or(0));
        let body = json!({
            "id": id, "version": version, "in_force": in_force,
            "withdrawn_after": item.withdrawn_after(), "versions": item.versions(),
        });
        Some((etag, body))
    });
    let seen = seen.await?;
    let (etag, body) = seen.value.ok_or_else(Problem::not_found)?;
    Ok(Stamp::new(&at, seen.position).resource(request.headers(), &etag, &body))
}

/// Which situations a guide is for, and for which version.
#[derive(Debug, Clone)]
struct GuideQuestion {
    situations: BTreeSet<SituationCode>,
    version: Option<u32>,
}

impl FromParameters for GuideQuestion {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let codes = parameters.texts("situation")?;
        let parsed = codes.iter().map(|code| code.parse::<SituationCode>());
        let situations = parsed.collect::<Result<_, _>>();
        let situations = situations.map_err(|_| invalid("situation", Text::new("无效", "is not a code")))?;
        let version = parameters.number("version", 1, u64::from(u32::MAX))?;
        Ok(Self { situations, version: version.and_then(|version| u32::try_from(version).ok()) })
    }
}

/// The guide 办事指南 to an item: who may apply, what to bring, where, how long it takes, what it costs.
#[utoipa::path(
    get, path = "/api/v1/items/{id}/guide", tag = "reference", security(("token" = [])),
    params(
        ("id" = String, Path, description = "The item", example = "FZ-001"),
        ("situation" = Option<Vec<String>>, Query, description = "For somebody in this situation of the item; may repeat", example = "PROXY"),
        ("version" = Option<u32>, Query, description = "Of this version; of the one in force if absent", example = 1),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "In Chinese, with English names; what must be brought stands apart from what need not", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "id": "FZ-001", "version": 2, "valid_from": "2021-11-01",
        "name_zh": "最低生活保障审核确认", "applicants_zh": ["自然人"], "conditions": [{"zh": "家庭财产状况符合当地规定"}],
        "time": {"promised_zh": "18个工作日", "legal_zh": "30个工作日"}, "fees_zh": "不收费",
        "bring": [{"code": "AUTH", "name_zh": "家庭经济状况核对授权书", "originals": 1, "copies": 0}],
        "need_not_bring": [{"code": "ID", "name_zh": "居民身份证", "instead_zh": "电子证照:居民身份证 / 公安人口库核验"}],
        "only_in_situations": [{"code": "AGID", "name_zh": "代理人身份证及委托书", "situation": {"code": "PROXY", "name_zh": "由他人代办"}}],
        "form": {"version": 1, "schema": {"title": "家庭经济状况申请表"}}
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/items/{id}/guide")]
pub(crate) async fn get_guide(
    node: Data<Node>,
    _caller: Caller,
    id: Path<String>,
    Query((question, when)): Query<(GuideQuestion, When)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id: ItemId = id.parse().map_err(|_| Problem::not_found())?;
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let seen = views.look(&at, |data: &ReferenceData| {
        let item = data.reference.catalogue.get(&id).ok_or_else(Problem::not_found)?;
        let version = match question.version {
            Some(number) => item.version(number),
            None => item.in_force(at.day()).or(item.latest()),
        };
        let version = version.ok_or_else(Problem::not_found)?;
        let listed = |code: &SituationCode| version.definition.situations.iter().any(|known| known.code == *code);
        if !question.situations.iter().all(listed) {
            return Err(invalid("situation", Text::new("该事项没有这种办理情形", "the item has no such situation")));
        }
        let guide = Guide::to(item, version, &question.situations, at.day());
        // What is served by appointment or after hours changes by the day, without an event.
        let etag = format!("{}-{}-{}", data.version(&Subject::Item(id.clone())), version.version, guide.etag());
        Ok::<_, Problem>((etag, json!(guide)))
    });
    let seen = seen.await?;
    let (etag, body) = seen.value?;
    Ok(Stamp::new(&at, seen.position).resource(request.headers(), &etag, &body))
}
