//! What everybody may know besides the catalogue: the tree of organisations, regions, rules, and the calendar's arithmetic.

use crate::answer::Stamp;
use crate::auth::Caller;
use crate::cursor::Page;
use crate::node::Node;
use crate::problem::{Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query, invalid};
use crate::views::{Standing, When};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::{NaiveDate, NaiveTime};
use domain::clock::{Counting, DayUnit, Freeze, Limit};
use domain::fact::Subject;
use domain::ids::{OrganisationId, RegionCode};
use domain::organisation::Organisation;
use domain::policy::PolicyVersion;
use domain::region;
use domain::zone::{fuzhou, instant};
use projections::reference::ReferenceData;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most days that a limit may have: longer than any term of any item.
const LIMIT_DAYS_MAX: u64 = 3_650;

/// Where a list by id goes on, and in which history.
#[derive(Serialize, Deserialize)]
pub(super) struct After<K> {
    pub(super) at: Standing,
    pub(super) key: K,
}

/// An organisation as a list shows it.
#[derive(Serialize)]
struct OrganisationEntry<'a> {
    id: &'a OrganisationId,
    parent: Option<&'a OrganisationId>,
    kind: domain::event::organisation::OrganisationKind,
    name_zh: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name_en: &'a str,
    region: &'a RegionCode,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    synthetic: bool,
    valid_from: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    dissolved_after: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    hours: Option<Hours>,
    windows: Vec<WindowEntry<'a>>,
}

#[derive(Serialize)]
struct Hours {
    opens: NaiveTime,
    closes: NaiveTime,
    every_day: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_hours_until: Option<NaiveTime>,
}

#[derive(Serialize)]
struct WindowEntry<'a> {
    window: &'a domain::ids::WindowId,
    name_zh: &'a str,
    purpose: &'a str,
}

impl<'a> OrganisationEntry<'a> {
    fn of(organisation: &'a Organisation, day: NaiveDate) -> Self {
        let hours = organisation.hours(day).map(|hours| Hours {
            opens: hours.opens,
            closes: hours.closes,
            every_day: hours.every_day,
            after_hours_until: hours.after_hours_until,
        });
        let windows = organisation.windows.iter();
        Self {
            id: organisation.id(),
            parent: organisation.parent(),
            kind: organisation.kind(),
            name_zh: organisation.name_zh(),
            name_en: &organisation.registered.name_en,
            region: organisation.region(),
            synthetic: organisation.registered.synthetic,
            valid_from: organisation.registered.valid_from,
            dissolved_after: organisation.dissolved_after,
            phone: organisation.phone(day),
            hours,
            windows: windows
                .map(|(window, about)| WindowEntry { window, name_zh: &about.name_zh, purpose: &about.purpose })
                .collect(),
        }
    }
}

/// Which organisations are asked for.
#[derive(Debug, Clone)]
struct Under(Option<OrganisationId>);

impl FromParameters for Under {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        parameters.one("org").map(Self)
    }
}

/// The tree of organisations.
#[utoipa::path(
    get, path = "/api/v1/organisations", tag = "reference", security(("token" = [])),
    params(
        ("org" = Option<String>, Query, description = "Only this one and those under it", example = "361023"),
        crate::openapi::PageParameters, crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "Organisations by id; `parent` makes the tree", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
        "organisations": [{"id": "361023100", "parent": "361023", "kind": "township", "name_zh": "琴城镇便民服务中心",
            "region": "361023100", "valid_from": "2019-01-01",
            "hours": {"opens": "08:30:00", "closes": "17:30:00", "every_day": true},
            "windows": [{"window": "C1", "name_zh": "综合窗口1", "purpose": "comprehensive"}]}]
    })))
)]
#[get("/organisations")]
pub(crate) async fn list_organisations(
    node: Data<Node>,
    _caller: Caller,
    Query((Under(root), page, when)): Query<(Under, Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let resumed: Option<After<OrganisationId>> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let after = resumed.map(|resumed| resumed.key);
    let seen = reads.views.look(&at, |data: &ReferenceData| {
        let tree = &data.reference.organisations;
        if root.as_ref().is_some_and(|root| tree.get(root).is_none()) {
            return Err(Problem::not_found());
        }
        let listed = tree.iter().filter(|one| after.as_ref().is_none_or(|after| after < one.id()));
        let listed = listed.filter(|one| root.as_ref().is_none_or(|root| tree.contains(root, one.id())));
        let mut entries: Vec<_> = listed.take(page.limit + 1).map(|one| OrganisationEntry::of(one, at.day())).collect();
        let more = page.limit < entries.len();
        entries.truncate(page.limit);
        let last = entries.last().filter(|_| more).map(|entry| After { at, key: entry.id.clone() });
        Ok((json!({ "organisations": entries }), last))
    });
    let seen = seen.await?;
    let (body, last) = seen.value?;
    let next = last.map(|last| page.next(&reads.cursors, &last));
    Ok(Stamp::new(&at, seen.position).page(&body, next.as_ref()))
}

#[derive(Serialize)]
struct RegionEntry {
    code: &'static RegionCode,
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_en: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    successor: Option<&'static RegionCode>,
}

/// Region codes 行政区划 with their years of use.
#[utoipa::path(
    get, path = "/api/v1/regions", tag = "reference", security(("token" = [])),
    params(crate::openapi::PageParameters, crate::openapi::WhenParameters),
    responses((status = 200, description = "Codes, old ones included", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00",
        "regions": [{"code": "361023", "name": "南丰县"}, {"code": "362524", "name": "南丰县", "to": 2000, "successor": "361023"}]
    })))
)]
#[get("/regions")]
pub(crate) async fn list_regions(
    node: Data<Node>,
    _caller: Caller,
    Query((page, when)): Query<(Page, When)>,
) -> Result<HttpResponse, Problem> {
    let reads = &node.reads;
    let resumed: Option<After<RegionCode>> = page.resume(&reads.cursors)?;
    let at = match &resumed {
        Some(resumed) => resumed.at.again(&node.clock),
        None => reads.views.resolve(&when, &node.clock).await?,
    };
    let after = resumed.map(|resumed| resumed.key);
    let listed = region::all().filter(|region| after.as_ref().is_none_or(|after| *after < region.code));
    let mut entries: Vec<RegionEntry> = listed
        .take(page.limit + 1)
        .map(|region| RegionEntry {
            code: &region.code,
            name: &region.name,
            name_en: region.name_en.as_deref(),
            from: region.from,
            to: region.to,
            successor: region.successor.as_ref(),
        })
        .collect();
    let more = page.limit < entries.len();
    entries.truncate(page.limit);
    let last = entries.last().filter(|_| more).map(|entry| After { at, key: entry.code.clone() });
    let next = last.map(|last| page.next(&reads.cursors, &last));
    // Codes are part of the program; the position is that of the views all the same.
    let seen = reads.views.look(&at, |_: &ReferenceData| ()).await?;
    Ok(Stamp::new(&at, seen.position).page(&json!({ "regions": entries }), next.as_ref()))
}

/// The rules in force 政策参数, with every version.
#[utoipa::path(
    get, path = "/api/v1/policies", tag = "reference", security(("token" = [])),
    params(crate::openapi::WhenParameters),
    responses((status = 200, description = "The version in force on the day, and all versions", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "in_force": 1,
        "policies": [{"version": 1, "valid_from": "2019-01-01", "rules": {"yellow_remaining_days": 1, "notice_days": 5}}]
    })), (status = 304, description = "Unchanged since the given `ETag`"))
)]
#[get("/policies")]
pub(crate) async fn list_policies(
    node: Data<Node>,
    _caller: Caller,
    Query(when): Query<When>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let seen = views.look(&at, |data: &ReferenceData| {
        let policies = &data.reference.policies;
        let in_force = policies.at(at.day()).version;
        let body = json!({ "in_force": in_force, "policies": policies.versions() });
        (format!("{}-{in_force}", data.version(&Subject::Policy)), body)
    });
    let seen = seen.await?;
    let (etag, body) = seen.value;
    Ok(Stamp::new(&at, seen.position).resource(request.headers(), &etag, &body))
}

/// A question to the calendar.
#[derive(Debug, Clone)]
struct DeadlineQuestion {
    from: NaiveDate,
    limit: Limit,
    freezes: Vec<Freeze>,
    published_by: Option<NaiveDate>,
}

impl FromParameters for DeadlineQuestion {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let required = |name| invalid(name, Text::new("必填", "it is required"));
        let from = parameters.day("from")?.ok_or_else(|| required("from"))?;
        let days = parameters.number("working_days", 0, LIMIT_DAYS_MAX)?.ok_or_else(|| required("working_days"))?;
        let unit = parameters.word("unit")?.unwrap_or(DayUnit::Working);
        let freezes = parameters.texts("freeze")?.iter().map(|text| freeze(text)).collect::<Result<_, _>>()?;
        let published_by = parameters.day("published_by")?;
        let limit = Limit { days: u16::try_from(days).unwrap_or(u16::MAX), unit };
        Ok(Self { from, limit, freezes, published_by })
    }
}

fn freeze(text: &str) -> Result<Freeze, Problem> {
    let meaningless = || {
        invalid("freeze", Text::new("应为 2026-02-16..2026-02-20 的形式", "it is written like 2026-02-16..2026-02-20"))
    };
    let (from, to) = text.split_once("..").ok_or_else(meaningless)?;
    let day = |text: &str| {
        let mut alone = Parameters::parse("", &format!("freeze={text}"))?;
        alone.day("freeze")?.ok_or_else(meaningless)
    };
    let freeze = Freeze { from: day(from)?, to: day(to)? };
    if freeze.to < freeze.from {
        return Err(Problem::new(Kind::ReversedRange).detail(Text::new(
            format!("freeze={text} 的止日早于起日"),
            format!("freeze={text} ends before it begins"),
        )));
    }
    Ok(freeze)
}

/// What the calendar answers.
#[derive(Serialize)]
struct DeadlineAnswer {
    deadline: NaiveDate,
    deadline_at: String,
    provisional: bool,
    calendar_version: u32,
    policy_version: u32,
    counted_days: u16,
    frozen_days: u16,
}

impl DeadlineQuestion {
    fn answer(&self, data: &ReferenceData) -> DeadlineAnswer {
        let reference = &data.reference;
        let published = self.published_by.map(|day| reference.calendar.as_published_by(day));
        let calendar = published.as_ref().unwrap_or(&reference.calendar);
        let policy: &PolicyVersion = reference.policies.at(self.from);
        let counting = Counting { calendar, policy, region: None };
        let deadline = counting.deadline(self.from, self.limit, &self.freezes);
        // The last moment of the day: a day is compared as a whole (民法典 Art. 203).
        let midnight = deadline.date.succ_opt().unwrap_or(deadline.date);
        let last_second = instant(midnight, NaiveTime::MIN) - chrono::TimeDelta::seconds(1);
        DeadlineAnswer {
            deadline: deadline.date,
            deadline_at: last_second.with_timezone(&fuzhou()).to_rfc3339(),
            provisional: deadline.provisional,
            calendar_version: deadline.calendar,
            policy_version: deadline.policy,
            counted_days: self.limit.days,
            frozen_days: counting.frozen_days(self.from, deadline.date, &self.freezes),
        }
    }
}

/// By when something begun on a day is due.
#[utoipa::path(
    get, path = "/api/v1/calendar/deadline", tag = "reference", security(("token" = [])),
    params(
        ("from" = String, Query, description = "Day 0; counting begins with the day after", example = "2026-02-13"),
        ("working_days" = u16, Query, description = "How many days of the `unit`; 0 is the same day", example = 18),
        ("freeze" = Option<Vec<String>>, Query, description = "Days not counted, both ends included; may repeat", example = "2026-02-16..2026-02-20"),
        ("unit" = Option<String>, Query, description = "`working` (default) or `natural`"),
        ("published_by" = Option<String>, Query, description = "With the calendar as published by that day", example = "2020-01-20"),
        crate::openapi::WhenParameters,
    ),
    responses((status = 200, description = "The date, and what it was counted with", body = Object, example = json!({
        "position": 612345, "as_of": "2026-02-13T09:00:00.000+08:00", "deadline": "2026-03-17",
        "deadline_at": "2026-03-17T23:59:59+08:00", "provisional": false, "calendar_version": 8, "policy_version": 1,
        "counted_days": 18, "frozen_days": 0
    })))
)]
#[get("/calendar/deadline")]
pub(crate) async fn get_deadline(
    node: Data<Node>,
    _caller: Caller,
    Query((question, when)): Query<(DeadlineQuestion, When)>,
) -> Result<HttpResponse, Problem> {
    let views = &node.reads.views;
    let at = views.resolve(&when, &node.clock).await?;
    let seen = views.look(&at, |data: &ReferenceData| question.answer(data)).await?;
    Ok(Stamp::new(&at, seen.position).json(&seen.value))
}
