//! A small server in memory, with the built-in city, and a way to ask it.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::test::{self, TestRequest};
use actix_web::{App, middleware, web};
use api::auth::Claims;
use api::clock::Clock;
use api::config::{Config, Secret};
use api::node::{self, Node};
use api::problem;
use api::vault::Vault;
use chrono::{DateTime, TimeDelta, Utc};
use eventstore::InMemory;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// 南丰县琴城镇便民服务中心.
pub const HALL: &str = "361023100";
/// 南丰县.
pub const COUNTY: &str = "361023";
/// 抚州市.
pub const CITY: &str = "361000";
/// 最低生活保障审核确认.
pub const DIBAO: &str = "FZ-001";
/// A made-up number with a right check character.
pub const ID_NUMBER: &str = "11010519491231002X";
pub const NAME: &str = "钱学甲乙";

pub struct City {
    pub node: web::Data<Node>,
    pub folder: tempfile::TempDir,
    keys: AtomicU64,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub bytes: web::Bytes,
}

impl Answer {
    /// What was asked for happened.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.body);
        self.body
    }

    /// The header's text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// It was refused with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        self.body
    }

    /// A rule of this name refused it.
    #[track_caller]
    pub fn against(self, rule: &str) {
        assert_eq!(self.body["rule"], rule, "{}: {}", self.status, self.body);
    }
}

/// A moment at which the hall is open: Monday, 2 March 2026, ten o'clock.
pub fn monday() -> DateTime<Utc> {
    "2026-03-02T10:00:00+08:00".parse().unwrap()
}

impl City {
    pub async fn new() -> Self {
        Self::configured(|_| ()).await
    }

    /// A city with other settings.
    pub async fn configured(set: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { data: folder.path().to_owned(), ..Config::default() };
        config.auth.jwt_secret = Some(Secret::new("a secret for tests, of thirty-two bytes and more"));
        config.http.paper_bytes_max = 10_000;
        config.ticker.seconds = 0;
        set(&mut config);
        let clock = Arc::new(Clock::simulated(monday(), 1));
        let vault = Arc::new(Vault::in_memory(Some([3; 32])).unwrap());
        let node = Node::over(config, clock, Arc::new(InMemory::new()), vault).await.unwrap();
        Self::of(web::Data::new(node), folder)
    }

    /// Over a server that is there already.
    pub fn of(node: web::Data<Node>, folder: tempfile::TempDir) -> Self {
        Self { node, folder, keys: AtomicU64::new(1) }
    }

    /// Lets time pass.
    pub fn pass(&self, time: TimeDelta) {
        self.node.clock.set(self.node.clock.now() + time);
    }

    pub fn token(&self, role: &str, org: &str) -> String {
        self.token_for(role, org, &format!("{role}-{org}"))
    }

    pub fn token_for(&self, role: &str, org: &str, sub: &str) -> String {
        let exp = (monday() + TimeDelta::days(400)).timestamp();
        let claims = Claims { sub: sub.into(), role: role.into(), org: org.into(), exp, window: None };
        self.node.tokens.issue(&claims).unwrap()
    }

    pub fn key(&self) -> String {
        ulid::Ulid::from_parts(1, self.keys.fetch_add(1, Ordering::Relaxed).into()).to_string()
    }

    pub fn resident(&self) -> String {
        self.token_for("resident", CITY, self.node.vault.subject(ID_NUMBER).as_str())
    }

    pub async fn send(&self, request: TestRequest) -> Answer {
        let render = middleware::from_fn(problem::render);
        let app = App::new().wrap(render).configure(|app| node::configure(app, &self.node));
        let app = test::init_service(app).await;
        let response = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = test::read_body(response).await;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body, bytes }
    }

    pub fn post_with_key(&self, token: &str, path: &str, body: &Value, key: &str) -> TestRequest {
        TestRequest::post()
            .uri(&format!("/api/v1{path}"))
            .insert_header(("authorization", format!("Bearer {token}")))
            .insert_header(("idempotency-key", key))
            .set_json(body)
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.pass(TimeDelta::minutes(1));
        self.send(self.post_with_key(token, path, &body, &self.key())).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        let request = TestRequest::get().uri(&format!("/api/v1{path}"));
        self.send(request.insert_header(("authorization", format!("Bearer {token}")))).await
    }

    pub async fn act(&self, role: &str, case: &str, action: &str, body: Value) -> Answer {
        self.post(&self.token(role, HALL), &format!("/cases/{case}/actions/{action}"), body).await
    }

    pub async fn open(&self) -> String {
        let opened = self.post(&self.token("clerk", HALL), "/cases", application()).await.ok();
        opened["id"].as_str().unwrap().to_owned()
    }

    pub async fn received(&self) -> String {
        let case = self.open().await;
        self.act("clerk", &case, "receive", json!({})).await.ok();
        case
    }

    /// A case for an item whose law lets silence count as acceptance.
    pub async fn received_with_deeming(&self) -> String {
        let reference = self.node.reference.now();
        let here = |definition: &domain::event::item::ItemDefinition| {
            definition.deemed_acceptance && definition.intake_levels.contains(&domain::event::item::Level::Township)
        };
        let latest = reference.reference.catalogue.items().filter_map(|(_, item)| item.latest());
        let version = latest.into_iter().find(|version| here(&version.definition)).unwrap();
        let mut body = application();
        body["item"] = version.item.as_str().into();
        body["materials"] = json!([]);
        let opened = self.post(&self.token("clerk", HALL), "/cases", body).await.ok();
        let case = opened["id"].as_str().unwrap().to_owned();
        self.act("clerk", &case, "receive", json!({})).await.ok();
        case
    }

    /// Waits until the views have everything.
    pub async fn caught_up(&self) {
        let head = self.node.store.head().await.unwrap().position;
        self.node.live.wait_for(head, std::time::Duration::from_secs(5)).await.unwrap();
    }

    pub async fn version(&self, case: &str) -> u64 {
        let subject = format!("case-{case}").parse().unwrap();
        self.node.executor.load::<domain::case::Case>(&subject).await.unwrap().version
    }

    pub async fn accepted(&self) -> String {
        let case = self.received().await;
        self.act("clerk", &case, "accept", json!({})).await.ok();
        case
    }

    pub async fn attach(&self, token: &str, case: &str, key: &str, parts: &[(&str, Option<&str>, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (name, media_type, bytes) in parts {
            body.extend_from_slice(b"--frontier\r\n");
            let file = media_type.map_or("", |_| "; filename=\"paper\"");
            body.extend_from_slice(format!("Content-Disposition: form-data; name=\"{name}\"{file}\r\n").as_bytes());
            if let Some(media_type) = media_type {
                body.extend_from_slice(format!("Content-Type: {media_type}\r\n").as_bytes());
            }
            body.extend_from_slice(b"\r\n");
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--frontier--\r\n");
        let request = TestRequest::post()
            .uri(&format!("/api/v1/cases/{case}/materials"))
            .insert_header(("authorization", format!("Bearer {token}")))
            .insert_header(("idempotency-key", key))
            .insert_header(("content-type", "multipart/form-data; boundary=frontier"))
            .set_payload(body);
        self.send(request).await
    }
}

pub fn application() -> Value {
    let materials = ["FORM", "ID", "HK", "AUTH", "INC", "BANK"];
    json!({
        "item": DIBAO,
        "applicant": {
            "name": NAME, "id_number": ID_NUMBER, "phone": "13870401234",
            "address": "江西省抚州市南丰县琴城镇琴台路8号", "bank_card": "6217000000000001234"
        },
        "form": {"reason": "因病致贫的自述"},
        "region": HALL,
        "materials": materials.map(|code| json!({"code": code, "how": "original"})),
    })
}

/// The types of the events that an answer tells of.
pub fn types(written: &Value) -> Vec<&str> {
    written["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}
