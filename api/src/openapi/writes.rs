//! The acts described: every write of the contract, each action of a case by its own path, with a body to start from.

use crate::certificates::CertificateBody;
use crate::routes::write::acts::body_of;
use crate::routes::write::appointments::{BookBody, MoveBody};
use crate::routes::write::cases::{Offers, OpenCaseBody};
use crate::routes::write::certificates::{RevokeBody, UnmaskCertificateBody, VerifyCertificateBody};
use crate::routes::write::checklists::{CampaignBody, ChooseBody, WithdrawChoiceBody};
use crate::routes::write::exports::ExportBody;
use crate::routes::write::halls::{LinkBody, NothingBody, TakeTicketBody, TransferBody, WindowBody};
use crate::routes::write::inspections::{InspectPartBody, OpenInspectionBody};
use crate::routes::write::kin::{HomeVisitBody, RegisterKinBody};
use crate::routes::write::libraries::PullBody;
use crate::routes::write::people::{LookupAnswer, LookupBody, Purpose, UnmaskBody};
use crate::routes::write::progress::ProgressBody;
use crate::routes::write::ratings::{
    AppealBody, AssignBody, CallBackBody, NotAdoptBody, RateBody, RectifyBody, ReplyBody, ReviewAppealBody, ReviseBody,
    VerifyBody,
};
use crate::routes::write::rosters::{ChangeDutyBody, ConfirmRosterBody, PostRosterBody};
use crate::routes::write::what_if::WhatIfBody;
use domain::case::Action;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

/// How deep an example is followed into its schema.
const DEPTH_MAX: usize = 6;
const CASE: &str = "01KH9Z6V0000000000000000AA";

/// One write.
struct Write {
    path: String,
    tag: &'static str,
    summary: String,
    body: Option<Value>,
    example: Option<Value>,
    answer: Value,
}

impl Write {
    fn new(path: impl Into<String>, tag: &'static str, summary: impl Into<String>, answer: Value) -> Self {
        Self { path: path.into(), tag, summary: summary.into(), body: None, example: None, answer }
    }

    /// With a body of this type, whose example is the type's own or made of its fields'.
    fn with<T: PartialSchema>(self) -> Self {
        self.with_schema(serde_json::to_value(T::schema()).unwrap_or_default())
    }

    fn with_schema(mut self, schema: Value) -> Self {
        self.example = Some(example_of(&schema, 0));
        self.body = Some(schema);
        self
    }

    fn with_example(mut self, example: Value) -> Self {
        self.body = Some(json!({ "type": "object" }));
        self.example = Some(example);
        self
    }

    fn operation(self) -> Value {
        let mut operation = json!({
            "tags": [self.tag], "summary": self.summary, "security": [{ "token": [] }],
            "parameters": parameters(&self.path),
            "responses": {
                "200": {
                    "description": "Done, or done before under the same key; `ETag` is the version reached. 201 where something new came to be",
                    "content": { "application/json": { "schema": { "type": "object" }, "example": self.answer } }
                },
                "default": super::problem_response()
            }
        });
        if let (Some(schema), Some(example)) = (self.body, self.example) {
            operation["requestBody"] = json!({
                "required": true,
                "content": { "application/json": { "schema": schema, "example": example } }
            });
        }
        operation
    }
}

fn parameters(path: &str) -> Value {
    let named = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = named
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.push(json!({
        "name": "Idempotency-Key", "in": "header", "required": true, "schema": { "type": "string" },
        "description": "A ULID, the command's id: repeating it gives the first answer", "example": "01KH9Z7A000000000000000001"
    }));
    parameters.push(json!({
        "name": "If-Match", "in": "header", "required": false, "schema": { "type": "string" },
        "description": "The version acted on; without it the newest is decided on"
    }));
    Value::Array(parameters)
}

/// What a write answers.
fn written(id: &str, version: u64, kind: &str) -> Value {
    json!({
        "id": id, "version": version, "position": 4711,
        "events": [{ "id": "01KH9Z6V0000000000000000AB", "type": kind, "version": version, "position": 4711,
            "occurred_at": "2026-02-03T09:12:00.000+08:00", "recorded_at": "2026-02-03T09:12:00.000+08:00" }]
    })
}

/// Returns every write by path and method, as OpenAPI has it.
pub(super) fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    let all = cases()
        .into_iter()
        .chain(actions())
        .chain(ratings())
        .chain(rosters())
        .chain(service_points())
        .chain(halls())
        .chain(certificates())
        .chain(kin())
        .chain(scores())
        .chain(reference());
    for write in all {
        let path = format!("/api/v1{}", write.path);
        paths.insert(path, json!({ "post": write.operation() }));
    }
    paths.insert("/api/v1/progress".to_owned(), json!({ "post": progress() }));
    paths.insert("/api/v1/certificate-libraries/{library}/actions/import".to_owned(), json!({ "post": import() }));
    paths.insert("/api/v1/cases/{id}/materials".to_owned(), json!({ "post": attach() }));
    paths.insert("/api/v1/exports".to_owned(), json!({ "post": export() }));
    paths.extend(what_ifs());
    paths.insert("/api/v1/cases/{id}/materials/{material}".to_owned(), json!({ "get": paper() }));
    paths.insert("/api/v1/inspections/{id}/photos".to_owned(), json!({ "post": take_photo() }));
    paths.insert("/api/v1/inspections/{id}/photos/{photo}".to_owned(), json!({ "get": photo() }));
    paths.insert("/api/v1/cases/{id}/actions".to_owned(), json!({ "get": offers() }));
    paths
}

/// A what-if is handed in, asked for and called off; none of it is recorded.
fn what_ifs() -> [(String, Value); 3] {
    let job = |state: &str| {
        json!({
            "id": "01KH9Z7A000000000000000001", "submitted_at": "2026-02-13T09:00:00.000+08:00", "position": 612345,
            "as_of": "2026-02-13T09:00:00.000+08:00", "state": state, "progress": {"cases": 2000, "of": 4120}
        })
    };
    let mut done = job("done");
    done["result"] = json!({
        "scenario": "低保承诺 15 个工作日", "notes": [],
        "cells": [{"cell": "/rows/item=FZ-001/on_time_promised/numerator", "before": 4101, "after": 3871}],
        "outcomes": {
            "actual": {"cases": 4120, "promise": {"in-time": 4101, "late": 19}},
            "imagined": {"cases": 4120, "promise": {"in-time": 3871, "late": 249}, "late_at": {"public-notice": 180}}
        },
        "changed": 230, "changed_cases": [], "refused": 0, "not_redecided": 0
    });
    let submit =
        Write::new("", "replay", "推演 Hand in a scenario; the answer is a job", job("open")).with::<WhatIfBody>();
    let ask = "How far a what-if is, and its result; only whoever handed it in may know of it";
    let cancel = Write::new("/{id}", "replay", "Call a what-if off; one that is done is forgotten", job("cancelled"));
    let mut get = Write::new("/{id}", "replay", ask, done).operation();
    get["parameters"].as_array_mut().into_iter().for_each(|parameters| parameters.truncate(1));
    let path = |rest: &str| format!("/api/v1/replay/what-if{rest}");
    [
        (path(""), json!({ "post": submit.operation() })),
        (path("/{id}"), json!({ "get": get })),
        (path("/{id}/actions/cancel"), json!({ "post": cancel.operation() })),
    ]
}

fn cases() -> Vec<Write> {
    vec![
        Write::new("/cases", "cases", "申请 Open a case", written(CASE, 1, "case-submitted")).with::<OpenCaseBody>(),
        Write::new("/cases/{id}/unmask", "cases", "Show a person in clear; itself an event", {
            let mut answer = written("361023100", 12, "person-unmasked");
            answer["fields"] = json!({ "phone": "13870401234" });
            answer
        })
        .with::<UnmaskBody>(),
        Write::new(
            "/subjects/lookup",
            "cases",
            "A person's reference and their cases; the number is never in a URL",
            example_of(&serde_json::to_value(LookupAnswer::schema()).unwrap_or_default(), 0),
        )
        .with::<LookupBody>(),
        Write::new(
            "/stream-tickets",
            "events",
            "A ticket for a browser's EventSource, which cannot send a token",
            json!({ "ticket": "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "expires_at": "2026-02-13T09:01:00+08:00" }),
        ),
    ]
}

fn actions() -> Vec<Write> {
    let known = Action::ALL.iter().filter_map(|action| Some((*action, body_of(*action)?)));
    known
        .map(|(action, body)| {
            let [name, zh, en] = action.names();
            let path = format!("/cases/{{id}}/actions/{name}");
            let schema = serde_json::to_value((body.schema)()).unwrap_or_default();
            Write::new(path, "cases", format!("{zh} {en}"), written(CASE, 2, "case-received")).with_schema(schema)
        })
        .collect()
}

fn ratings() -> Vec<Write> {
    let act = |name: &str, summary: &str, kind: &str| {
        Write::new(format!("/ratings/{{id}}/actions/{name}"), "ratings", summary, written("case-01KH-finish", 3, kind))
    };
    vec![
        Write::new(
            "/ratings",
            "ratings",
            "评价 Rate, by token or by the code on the receipt",
            written("case-01KH-finish", 1, "rated"),
        )
        .with::<RateBody>(),
        act("revise", "修改评价 Change one's rating within the window", "rating-revised").with::<ReviseBody>(),
        act("not-adopt", "不予采纳 Do not adopt, with the reason", "rating-not-adopted").with::<NotAdoptBody>(),
        act("assign", "分派工单 Assign the order of a bad rating", "order-assigned").with::<AssignBody>(),
        act("verify", "核实 Verify", "order-verified").with::<VerifyBody>(),
        act("rectify", "整改 Rectify", "order-rectified").with::<RectifyBody>(),
        act("reply", "回复 Reply", "order-replied").with::<ReplyBody>(),
        act("call-back", "回访 Call back", "order-called-back").with::<CallBackBody>(),
        act("appeal", "申诉 Appeal", "order-appealed").with::<AppealBody>(),
        act("review-appeal", "复核 Review the appeal", "appeal-reviewed").with::<ReviewAppealBody>(),
    ]
}

fn kin() -> Vec<Write> {
    let kin = |path: &str, summary: &str, version: u64, kind: &str| {
        Write::new(path, "supervision", summary, written(CASE, version, kind))
    };
    vec![
        kin(
            "/kin-registrations",
            "近亲属备案 Say that the applicant is a relative of staff; few can read it",
            1,
            "kin-registered",
        )
        .with::<RegisterKinBody>(),
        kin(
            "/kin-registrations/{id}/actions/visit",
            "入户核查、抽查 Say that the home was visited",
            2,
            "kin-home-visited",
        )
        .with::<HomeVisitBody>(),
    ]
}

const INSPECTION: &str = "01KH9Z6V0000000000000000AA";

fn scores() -> Vec<Write> {
    let checklist = json!({
        "checklist": "model-hall", "name_zh": "标杆大厅考评表", "valid_from": "2026-01-01", "total": 12,
        "weights": [{ "criterion": "sense-comfort", "points": 4 }, { "criterion": "maturity", "points": 8 }],
        "parts": [
            { "part": "SIGNS", "criterion": "sense-comfort", "name_zh": "标识齐全", "points": 4, "source": { "how": "inspected", "photo": true } },
            { "part": "ON-TIME", "criterion": "maturity", "name_zh": "按时办结率", "points": 8, "source": {
                "how": "computed", "figure": "on-time-rate", "none_at": 80, "full_at": 100, "without_cases": 0 } }
        ]
    });
    let inspect = |name: &str, summary: &str, kind: &str| {
        let path = format!("/inspections/{{id}}/actions/{name}");
        Write::new(path, "scores", summary, written(INSPECTION, 2, kind))
    };
    let campaign = |path: &str, summary: &str, kind: &str| {
        Write::new(path, "scores", summary, written("model-halls-2026", 2, kind))
    };
    vec![
        Write::new(
            "/checklists",
            "scores",
            "公布考评表 Publish a checklist that adds up",
            written("model-hall", 1, "checklist-published"),
        )
        .with_example(checklist),
        Write::new(
            "/inspections",
            "scores",
            "开展考评 Begin to inspect a hall",
            written(INSPECTION, 1, "inspection-opened"),
        )
        .with::<OpenInspectionBody>(),
        inspect("inspect-part", "逐项检查 Say what was seen of a part", "part-inspected").with::<InspectPartBody>(),
        inspect("score", "评分 Draw the score from what was seen and from the views", "inspection-scored")
            .with_example(json!({})),
        campaign("/campaigns", "开展标杆大厅评选 Open a campaign", "campaign-opened").with::<CampaignBody>(),
        campaign("/campaigns/{id}/actions/choose", "推荐 Choose one of the county's scored halls", "hall-chosen")
            .with::<ChooseBody>(),
        campaign("/campaigns/{id}/actions/withdraw", "撤回推荐 Take a choice back", "choice-withdrawn")
            .with::<WithdrawChoiceBody>(),
    ]
}

fn service_points() -> Vec<Write> {
    let act = |name: &str, summary: &str, kind: &str, example: Value| {
        let path = format!("/service-points/{{id}}/actions/{name}");
        Write::new(path, "halls", summary, written("361023100", 2, kind)).with_example(example)
    };
    let place = json!({ "setting": "town", "address_zh": "琴城镇示例路1号", "point": { "longitude": 116530000, "latitude": 27210000 } });
    let survey = json!({
        "source": "步行和公交实测", "surveyed_on": "2026-01-05", "villages": [{ "region": "361023100901", "name_zh": "示例村",
            "setting": "country", "people": 1260, "ways": [{ "to": "361023100", "minutes": 18 }] }]
    });
    vec![
        act("set-place", "位置 Say where a centre or station stands", "place-set", place),
        act(
            "launch",
            "上线 Go live with these items",
            "service-launched",
            json!({ "since": "2021-01-01", "items": ["FZ-001", "FZ-005"] }),
        ),
        act(
            "enable-items",
            "事项进驻 Take more items",
            "items-enabled",
            json!({ "items": ["FZ-009"], "since": "2021-03-01" }),
        ),
        act(
            "disable-items",
            "事项退出 Take fewer items",
            "items-disabled",
            json!({ "items": ["FZ-009"], "last_day": "2026-03-31" }),
        ),
        act("survey-travel", "路程数据 Say how far the villages of a township are", "travel-surveyed", survey),
    ]
}

fn rosters() -> Vec<Write> {
    let id = "361023100-2026-03";
    let act = |name: &str, summary: &str, kind: &str| {
        Write::new(format!("/rosters/{{id}}/actions/{name}"), "halls", summary, written(id, 2, kind))
    };
    vec![
        Write::new("/rosters", "halls", "公布值班表 Post a hall's roster for a month", written(id, 1, "roster-posted"))
            .with::<PostRosterBody>(),
        act("change-duty", "调班 Change who is on duty on one day", "duty-changed").with::<ChangeDutyBody>(),
        act("confirm", "确认值班 Confirm that it was so, by somebody who was not on duty", "roster-confirmed")
            .with::<ConfirmRosterBody>(),
    ]
}

fn halls() -> Vec<Write> {
    let ticket = |version: u64, kind: &str| written("20260302-0017-361023100", version, kind);
    let act = |name: &str, summary: &str, kind: &str| {
        Write::new(format!("/tickets/{{id}}/actions/{name}"), "halls", summary, ticket(42, kind))
    };
    let in_hall = |name: &str, summary: &str, kind: &str| {
        let answer = written("361023100", 43, kind);
        Write::new(format!("/halls/{{id}}/actions/{name}"), "halls", summary, answer).with::<WindowBody>()
    };
    let mut taken = ticket(41, "ticket-issued");
    taken["label"] = json!("A017");
    taken["ahead"] = json!(3);
    taken["estimated_minutes"] = json!(23);
    taken["slip"] = json!({ "label": "A017", "rating_code": "7K3QF2M9TX" });
    let mut called = written("361023100", 43, "ticket-called");
    called["ticket"] = json!("20260302-0017-361023100");
    called["window"] = json!("C1");
    let next = Write::new("/halls/{id}/actions/call-next", "halls", "叫下一号 Call the next", called);
    let slots = |version: u64, kind: &str| written("20260303-01KJNX4V8Q0000000000000000-361023100", version, kind);
    let mut booked = slots(7, "appointment-booked");
    booked["from"] = json!("2026-03-03T09:00:00.000+08:00");
    booked["to"] = json!("2026-03-03T09:30:00.000+08:00");
    booked["service_time"] = json!("ordinary");
    vec![
        Write::new("/tickets", "halls", "取号 Take a ticket, or check in for an appointment 签到", taken)
            .with::<TakeTicketBody>(),
        in_hall("staff-window", "上岗 Sit down at a window", "window-staffed"),
        in_hall("leave-window", "离岗 Leave it", "window-left"),
        next.with::<WindowBody>(),
        act("call", "叫号 Call this one", "ticket-called").with::<WindowBody>(),
        act("recall", "重呼 Call again", "ticket-recalled").with::<NothingBody>(),
        act("miss", "过号 Nobody came", "ticket-missed").with::<NothingBody>(),
        act("park", "挂起 Set aside", "ticket-parked").with::<NothingBody>(),
        act("requeue", "重新排队 Wait again", "ticket-requeued").with::<NothingBody>(),
        act("transfer", "转号 To another window", "ticket-transferred").with::<TransferBody>(),
        act("serve", "到窗 Its holder is there", "service-started").with::<NothingBody>(),
        act("finish", "办结离窗 The visit is over", "service-finished").with::<NothingBody>(),
        act("abandon", "弃号 Give up", "ticket-abandoned").with::<NothingBody>(),
        act("link", "关联办件 What the visit was about", "ticket-linked").with::<LinkBody>(),
        Write::new("/appointments", "halls", "预约 Book a slot", booked.clone()).with::<BookBody>(),
        Write::new("/appointments/{id}/actions/reschedule", "halls", "改约 Another slot", booked).with::<MoveBody>(),
        Write::new(
            "/appointments/{id}/actions/cancel",
            "halls",
            "取消预约 Give it back",
            slots(8, "appointment-cancelled"),
        )
        .with::<NothingBody>(),
    ]
}

fn certificates() -> Vec<Write> {
    let act = |name: &str, summary: &str, kind: &str| {
        let path = format!("/certificates/{{id}}/actions/{name}");
        Write::new(path, "certificates", summary, written(CASE, 2, kind))
    };
    let read = json!({
        "library": "city", "added": 2, "changed": 0, "unchanged": 11, "rejected": 1, "position": 4711,
        "rejections": [{ "row": 4, "code": "invalid-content", "rule": null, "detail": "内容有误",
            "errors": [{ "pointer": "/holder/id_number", "detail": "身份证号码有误" }] }]
    });
    vec![
        Write::new(
            "/certificates",
            "certificates",
            "登记证照 Take a certificate in, at a window or from its holder",
            written(CASE, 1, "certificate-taken-in"),
        )
        .with::<CertificateBody>(),
        act("verify", "核对原件 Compare with the original: C becomes B", "certificate-verified")
            .with::<VerifyCertificateBody>(),
        act("revoke", "撤销、变更或注销 Let it no longer stand", "certificate-revoked").with::<RevokeBody>(),
        Write::new("/certificates/{id}/unmask", "certificates", "Show a certificate in clear; itself an event", {
            let mut answer = written("361023100", 12, "certificate-unmasked");
            answer["fields"] = json!({ "number": "36252219480305001843" });
            answer
        })
        .with::<UnmaskCertificateBody>(),
        Write::new(
            "/certificate-libraries/{library}/actions/pull",
            "certificates",
            "拉取证照库 Pull what a library has that is new; goes on where the last pull ended",
            read,
        )
        .with::<PullBody>(),
    ]
}

fn import() -> Value {
    let answer = json!({ "library": "city", "added": 1, "changed": 0, "unchanged": 0, "rejected": 0, "rejections": [], "position": 4711 });
    let mut operation = Write::new(
        "/certificate-libraries/{library}/actions/import",
        "certificates",
        "导入证照库 Import a file of a library, streamed; each bad row is answered, and importing again adds nothing",
        answer,
    )
    .operation();
    let table = "kind,number,holder_name,holder_id_number,issuer,issued_on,valid_until,status,status_on\nDIS,36252219480305001843,杨某某,362522194803050018,南丰县残疾人联合会,2020-05-06,2030-05-05,valid,\n";
    let row = json!({
        "kind": "DIS", "number": "36252219480305001843", "holder_name": "杨某某", "holder_id_number": "362522194803050018",
        "issuer": "南丰县残疾人联合会", "issued_on": "2020-05-06", "valid_until": "2030-05-05"
    });
    operation["requestBody"] = json!({
        "required": true,
        "content": {
            "text/csv": { "schema": { "type": "string" }, "example": table },
            "application/json": { "schema": { "type": "array", "items": { "type": "object" } }, "example": [row] },
            "application/x-ndjson": { "schema": { "type": "string" }, "example": format!("{row}\n") }
        }
    });
    operation
}

fn reference() -> Vec<Write> {
    let definition = json!({
        "name_zh": "示例事项", "name_en": "An example", "department_zh": "民政局", "department_en": "Civil affairs",
        "item_type": "20", "basic_code": "000000000000", "kind": "promise", "promised_limit": { "days": 5, "unit": "working" },
        "batch": 1, "intake_levels": ["township"], "decided_at": "township", "authority": "entrusted",
        "cross_township": false, "certificate_free": false, "materials": [], "special_procedures": [], "steps": [],
        "rating_stages": ["finish"], "result_zh": "批复", "clock_stop": "finish", "deemed_acceptance": false,
        "review_notice_pauses": false, "same_person_allowed": false, "commitment_allowed": false, "appointment": false,
        "after_hours": false, "retention": "10-years", "rules_source": "示例"
    });
    let publish_item = json!({ "item": "FZ-900", "valid_from": "2026-03-01", "definition": definition });
    let mut next_version = publish_item.clone();
    if let Some(fields) = next_version.as_object_mut() {
        fields.remove("item");
    }
    let year = json!({ "year": 2027, "holidays": ["2027-01-01"], "workdays": [], "notice": "关于2027年部分节假日安排的通知", "published_on": "2026-11-05" });
    let amendment = json!({ "holidays": ["2026-02-23"], "workdays": [], "notice": "关于延长假期的通知", "published_on": "2026-02-10" });
    let registered = json!({
        "organisation": "361023100-XINCUN", "parent": "361023100", "kind": "village", "name_zh": "新村便民服务站",
        "region": "361023100", "valid_from": "2026-03-01"
    });
    let instrument = json!({
        "instrument": "WT-2026-1", "kind": "entrustment", "number": "丰民委〔2026〕1号", "from": "361023-MZ", "to": ["361023100"],
        "items": ["FZ-001"], "regions": ["361023"], "valid_from": "2026-03-01", "valid_to": "2027-02-28",
        "published_on": "2026-02-25", "published_in": "县政府门户网站", "basis": "行政许可法第二十四条"
    });
    let rules = json!({
        "valid_from": "2026-04-01", "published_on": "2026-03-01", "rules": {
            "yellow_remaining_days": 1, "yellow_remaining_percent": 20, "yellow_percent_from_limit": 10, "no_yellow_up_to_limit": 1,
            "freeze": "both-ends-inclusive", "notice_days": 5, "extension_moves_promise": false, "late_pause_days": 1,
            "late_withdrawal_days": 2, "late_entry_days": 3, "rating_days": 5, "default_rating": "none",
            "scores": [100, 80, 60, 30, 0], "order_days": { "assign": 1, "verify": 3, "rectify": 15, "call_back": 5 },
            "closing_time": "17:30:00", "indicators_version": 1, "small_cell": 5
        }
    });
    let of_item =
        |path: &str, summary: &str, kind: &str| Write::new(path, "reference", summary, written("FZ-900", 1, kind));
    let of_organisation = |action: &str, summary: &str, kind: &str| {
        let path = format!("/organisations/{{id}}/actions/{action}");
        Write::new(path, "reference", summary, written("361023100", 7, kind))
    };
    let other =
        |path: &str, summary: &str, id: &str, kind: &str| Write::new(path, "reference", summary, written(id, 9, kind));
    let template = json!({
        "kind": "acceptance", "valid_from": "2026-03-01", "published_on": "2026-02-20",
        "source": "<!doctype html><html lang=\"zh-CN\"><title>受理通知书 {{ number }}</title><main>{{ applicant.name }}</main></html>"
    });
    vec![
        of_item("/items", "发布事项 Publish an item or its next version", "item-published").with_example(publish_item),
        of_item("/items/{id}/actions/publish", "发布新版 Publish the next version", "item-published").with_example(next_version),
        of_item("/items/{id}/actions/withdraw", "取消事项 Withdraw an item", "item-withdrawn")
            .with_example(json!({ "last_day": "2026-12-31", "basis": "关于取消部分事项的决定" })),
        other("/organisations", "登记机构 Register an organisation", "361023100-XINCUN", "organisation-registered").with_example(registered),
        of_organisation("appoint-staff", "任用人员 Appoint staff", "staff-appointed")
            .with_example(json!({ "staff": "clerk-01", "roles": ["clerk"], "name": "张三", "valid_from": "2026-01-01" })),
        of_organisation("relieve-staff", "免去人员 Relieve staff", "staff-relieved")
            .with_example(json!({ "staff": "clerk-01", "last_day": "2026-06-30" })),
        of_organisation("open-window", "开设窗口 Open a window", "window-opened")
            .with_example(json!({ "window": "C3", "name_zh": "综合窗口3", "purpose": "comprehensive" })),
        of_organisation("close-window", "撤销窗口 Close a window", "window-closed").with_example(json!({ "window": "C3" })),
        of_organisation("set-opening-days", "开放时间 Set opening days", "opening-days-set").with_example(json!({
            "every_day": true, "opens": "08:30:00", "closes": "17:30:00", "after_hours_until": "18:30:00", "valid_from": "2026-03-01"
        })),
        of_organisation("set-contact", "咨询电话 Say how it is reached", "contact-set")
            .with_example(json!({ "phone": "0794-3222222", "valid_from": "2026-03-01" })),
        of_organisation("dissolve", "撤销机构 Dissolve an organisation", "organisation-dissolved")
            .with_example(json!({ "last_day": "2026-12-31" })),
        other("/instruments", "赋权、委托 Issue an instrument of empowerment or entrustment", "WT-2026-1", "instrument-issued").with_example(instrument),
        other("/instruments/{id}/actions/revoke", "撤销赋权、委托 Revoke an instrument", "WT-2026-1", "instrument-revoked")
            .with_example(json!({ "last_day": "2026-06-30", "basis": "丰民撤委〔2026〕1号" })),
        other("/calendars", "公布日历 Publish a year's calendar", "calendar", "calendar-published").with_example(year.clone()),
        other("/calendars/{id}/actions/publish", "公布日历 Publish a year's calendar", "calendar", "calendar-published").with_example(year),
        other("/calendars/{id}/actions/amend", "修订日历 Amend the calendar", "calendar", "calendar-amended").with_example(amendment),
        other("/policies", "公布政策 Publish the rules", "policy", "policy-published").with_example(rules.clone()),
        other("/policies/{id}/actions/publish", "公布政策 Publish the rules", "policy", "policy-published").with_example(rules),
        other("/templates", "公布文书模板 Publish a document template", "acceptance", "template-published").with_example(template.clone()),
        other("/templates/{kind}/actions/publish", "公布文书模板 Publish a document template", "acceptance", "template-published")
            .with_example(template),
    ]
}

/// Asked by people who have no token, only a receipt.
fn progress() -> Value {
    let summary = "办件进度 How far a case is, by its number and the code on the receipt; plain words and nothing else";
    let answer = json!({
        "as_of": "2026-03-03T09:00:00+08:00", "stage_zh": "已受理，正在办理。",
        "stage_en": "Your application has been accepted and is being handled.", "next_zh": "作出决定", "next_en": "The decision",
        "by": "2026-03-27", "overdue": false, "call": { "organisation_zh": "琴城镇便民服务中心", "phone": "12345" }
    });
    let mut operation = Write::new("/progress", "cases", summary, answer).with::<ProgressBody>().operation();
    operation["security"] = json!([]);
    operation["parameters"] = json!([]);
    operation["responses"]["200"]["description"] = json!("Where it stands, what comes next, by when, and whom to call");
    operation
}

fn take_photo() -> Value {
    let mut answer = written(INSPECTION, 2, "inspection-photo-taken");
    answer["photo"] = json!("01KH9Z6V0000000000000000AC");
    let path = "/inspections/{id}/photos";
    let mut operation =
        Write::new(path, "scores", "上传照片 Take a photo; sealed, and durable before its event", answer).operation();
    operation["requestBody"] = json!({
        "required": true,
        "content": { "multipart/form-data": {
            "schema": { "type": "object", "required": ["code", "file"], "properties": {
                "code": { "type": "string", "description": "For which part of the checklist" },
                "file": { "type": "string", "contentMediaType": "application/octet-stream" },
                "sha256": { "type": "string", "description": "Checked against the bytes, where given" } } },
            "example": { "code": "SIGNS", "file": "(bytes)" } } }
    });
    operation
}

fn photo() -> Value {
    json!({
        "tags": ["scores"], "summary": "取照片 A stored photo", "security": [{ "token": [] }],
        "parameters": [
            { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
            { "name": "photo", "in": "path", "required": true, "schema": { "type": "string" } }
        ],
        "responses": {
            "200": { "description": "Its bytes, in the media type they came in", "content": {
                "application/octet-stream": { "schema": { "type": "string" }, "example": "(bytes)" } } },
            "default": super::problem_response()
        }
    })
}

fn attach() -> Value {
    let mut answer = written(CASE, 2, "material-attached");
    answer["material"] = json!("01KH9Z6V0000000000000000AC");
    let mut operation = Write::new(
        "/cases/{id}/materials",
        "cases",
        "上传材料 Attach a paper; sealed, and durable before its event",
        answer,
    )
    .operation();
    operation["requestBody"] = json!({
        "required": true,
        "content": { "multipart/form-data": {
            "schema": { "type": "object", "required": ["code", "file"], "properties": {
                "code": { "type": "string", "description": "Which of the item's materials" },
                "file": { "type": "string", "contentMediaType": "application/octet-stream" },
                "sha256": { "type": "string", "description": "Checked against the bytes, where given" } } },
            "example": { "code": "ID", "file": "(bytes)" } } }
    });
    operation
}

fn export() -> Value {
    let row =
        "case,source,item,item_version,phase,closing,…\n01KH9Z6V0000000000000000AA,own,FZ-001,2,finished,granted,…\n";
    let line = "{\"case\":\"01KH9Z6V0000000000000000AA\",\"item\":\"FZ-001\",\"phase\":\"finished\"}\n";
    let summary = "导出 Take cases or the event log out: without any person, bounded, and itself an event";
    let mut operation = Write::new("/exports", "cases", summary, json!({})).with::<ExportBody>().operation();
    let body = &mut operation["requestBody"]["content"]["application/json"];
    let of_cases = body["example"].take();
    *body = json!({ "schema": body["schema"], "examples": {
        "cases": { "summary": "办件 One row per case", "value": of_cases },
        "xes": { "summary": "事件日志 The event log for ProM, pm4py or Disco, packed", "value": {
            "what": "events", "format": "xes", "packed": true, "purpose": "analysis",
            "filters": { "item": "FZ-001", "opened_from": "2026-01-01", "opened_to": "2026-04-01" } } },
        "celonis": { "summary": "The activity table of Celonis; `celonis-cases` of the same series has the cases", "value": {
            "what": "events", "format": "csv", "profile": "celonis", "series": "2026-q1", "purpose": "analysis",
            "filters": { "org": "361023" } } },
        "everything": { "summary": "Everything in the order of the log, as recorded by a moment", "value": {
            "what": "events", "format": "jsonl", "purpose": "audit", "as_of": "2026-04-01T09:00:00+08:00",
            "filters": { "source": "all" } } }
    } });
    let bytes = |example: &str| json!({ "schema": { "type": "string" }, "example": example });
    operation["responses"]["200"] = json!({
        "description": "The rows or the file, streamed; `Export-Records` tells how many rows or events. Of cases, the applicant is a name \
            made for this export alone; of events, cases and persons go by pseudonyms of this export, or of its `series`. Two exports \
            go on at once, and more are answered with 429. Under the same key the same comes again",
        "content": {
            "text/csv": bytes(row),
            "application/jsonl": bytes(line),
            "application/xml": bytes("<?xml version=\"1.0\" encoding=\"UTF-8\"?><log xes.version=\"1849-2016\" …"),
            "application/json": json!({ "schema": { "type": "object" }, "example": {
                "objectTypes": [], "eventTypes": [], "objects": [], "events": [] } }),
            "application/vnd.sqlite3": bytes("(bytes)"),
            "application/vnd.apache.parquet": bytes("(bytes)"),
            "application/gzip": bytes("(bytes)")
        }
    });
    operation
}

fn paper() -> Value {
    json!({
        "tags": ["cases"], "summary": "取材料 A stored paper", "security": [{ "token": [] }],
        "parameters": [
            { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
            { "name": "material", "in": "path", "required": true, "schema": { "type": "string" } },
            { "name": "purpose", "in": "query", "required": false, "example": "handle-case",
                "schema": serde_json::to_value(Purpose::schema()).unwrap_or_default(),
                "description": "What it is looked at for: stands in the event `paper-read` that every look is" }
        ],
        "responses": {
            "200": { "description": "Its bytes, in the media type they came in; the look is recorded before", "content": {
                "application/octet-stream": { "schema": { "type": "string" }, "example": "(bytes)" } } },
            "default": super::problem_response()
        }
    })
}

fn offers() -> Value {
    json!({
        "tags": ["cases"], "summary": "可办操作 What the caller may do now, and which rule refuses the rest", "security": [{ "token": [] }],
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
        "responses": {
            "200": { "description": "Actions with labels and body schemas; refused ones with their rule", "content": {
                "application/json": {
                    "schema": { "type": "object" },
                    "example": example_of(&serde_json::to_value(Offers::schema()).unwrap_or_default(), 0) } } },
            "default": super::problem_response()
        }
    })
}

/// Returns the schema's own example, or one made of its fields: those that are required, and those that have one.
fn example_of(schema: &Value, depth: usize) -> Value {
    if let Some(example) = ["example", "default", "const"].iter().find_map(|name| schema.get(*name)) {
        return example.clone();
    }
    let first = |name: &str| schema.get(name).and_then(Value::as_array).and_then(|values| values.first());
    if let Some(example) = first("examples").or(first("enum")) {
        return example.clone();
    }
    if DEPTH_MAX <= depth {
        return Value::Null;
    }
    if let Some(choice) = ["oneOf", "anyOf", "allOf"].iter().find_map(|name| schema.get(*name)?.as_array()) {
        let shaped = choice.iter().find(|one| one.get("type").and_then(Value::as_str) != Some("null"));
        return shaped.map_or(Value::Null, |one| example_of(one, depth + 1));
    }
    match type_of(schema) {
        "object" => object_example(schema, depth),
        "array" => schema.get("items").map_or(json!([]), |items| json!([example_of(items, depth + 1)])),
        "integer" | "number" => json!(1),
        "boolean" => json!(false),
        _ => json!("…"),
    }
}

fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        // Something or nothing: the something.
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or(""),
        _ if schema.get("properties").is_some() => "object",
        _ => "",
    }
}

fn object_example(schema: &Value, depth: usize) -> Value {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    let told = properties
        .into_iter()
        .flatten()
        .filter(|(name, property)| required.contains(&name.as_str()) || property.get("example").is_some());
    Value::Object(told.map(|(name, property)| (name.clone(), example_of(property, depth + 1))).collect())
}
