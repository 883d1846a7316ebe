//! The service described for machines (OpenAPI 3.1), and a page for people that needs no other network.

mod writes;

use crate::problem::Kind;
use crate::routes::{read, write};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi, ToSchema};

/// `as_of`, `basis` and `min_position`, as every read takes them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the description only; crate::views::When parses them")]
pub(crate) struct WhenParameters {
    /// As it stood at this time (RFC 3339); now if absent. A future one is refused.
    #[param(example = "2022-03-01T10:15:00+08:00")]
    as_of: Option<String>,
    /// `recorded` (default): what was known then. `effective`: what had happened by then, as known now.
    basis: Option<String>,
    /// Answer only once the views have reached this position (read your writes); 503 after a few seconds.
    min_position: Option<u64>,
}

/// `cursor` and `limit`, as every list takes them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the description only; crate::cursor::Page parses them")]
pub(crate) struct PageParameters {
    /// Where the last page ended: `next_cursor` of its body, or the whole address from its `Link`.
    cursor: Option<String>,
    /// The most entries to answer.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

/// What is said when the answer is no (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:yichuang:problem:reversed-range", "title": "起止时间颠倒", "status": 400, "instance": "/api/v1/statistics/processing-times",
    "code": "reversed-range", "errors": [{"pointer": "/to", "detail": "to 早于 from"}]
}))]
struct ProblemSchema {
    /// A name for this kind of problem.
    #[schema(example = "urn:yichuang:problem:not-found")]
    r#type: String,
    /// It in words, in the caller's language.
    title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// More words about this one.
    #[schema(required = false)]
    detail: Option<String>,
    /// The path that was asked.
    instance: String,
    /// Permanent, for programs.
    #[schema(example = "not-found")]
    code: String,
    /// What is wrong where.
    #[schema(required = false)]
    errors: Option<Vec<ProblemError>>,
    /// The rule that forbids it.
    #[schema(required = false)]
    rule: Option<String>,
    /// The version that is now current.
    #[schema(required = false)]
    current_version: Option<u64>,
}

/// One thing wrong with a body or a query.
#[derive(Serialize, ToSchema)]
struct ProblemError {
    /// Where, as a JSON pointer; of a query, the parameter's name.
    pointer: String,
    /// What.
    detail: String,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "一窗 Yichuang",
        version = "1",
        description = "一个城市“一窗式”政务服务的全部历史：办件、队列、时限、好差评。\n\nThe one-window service of a city with its whole \
            history. Every read takes `as_of`; every answer says up to which position of the log it goes. Errors are \
            RFC 9457 problems, in Chinese or English by `Accept-Language`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemSchema, ProblemError)),
    modifiers(&Token),
    tags(
        (name = "cases", description = "办件: one application from 申请 to 送达"),
        (name = "certificates", description = "电子证照: certificates, libraries, and what stands for papers"),
        (name = "ratings", description = "好差评: ratings, and the orders that bad ones open"),
        (name = "halls", description = "大厅: tickets 取号叫号, screens, slots and appointments 预约"),
        (name = "queues", description = "待办: who has what to do, and lights"),
        (name = "statistics", description = "统计: times, satisfaction, balance"),
        (name = "replay", description = "回放: history played again, and two moments compared"),
        (name = "supervision", description = "督查: wrong paths, warnings, cards"),
        (name = "halls", description = "大厅: rosters, staffing, coverage, the circle of service"),
        (name = "scores", description = "考评、标杆大厅: checklists, inspections, rankings, campaigns"),
        (name = "reference", description = "目录: items, organisations, regions, calendar, rules"),
        (name = "events", description = "事件: the log itself, paged and live"),
        (name = "operation", description = "运维: health, figures, this description")
    )
)]
struct Base;

struct Token;

impl Modify for Token {
    fn modify(&self, description: &mut Description) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("`yichuang token --role … --org …` prints one"))
            .build();
        description.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Returns the description of what all routes share and of every read.
fn description() -> Description {
    let mut description = Base::openapi();
    description.merge(read::description());
    description
}

/// The description as it goes out, with every problem code that there is.
static WRITTEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    // A description of plain structs is always JSON.
    let mut value = serde_json::to_value(description()).unwrap_or_default();
    let codes: Vec<Value> = Kind::ALL.iter().map(|kind| json!(kind.code())).collect();
    if let Some(code) = value.pointer_mut("/components/schemas/Problem/properties/code") {
        code["enum"] = Value::Array(codes);
    }
    if let Some(paths) = value.get_mut("paths").and_then(Value::as_object_mut) {
        for (path, written) in writes::paths() {
            match (paths.get_mut(&path).and_then(Value::as_object_mut), written) {
                (Some(known), Value::Object(written)) => known.extend(written),
                (_, written) => {
                    paths.insert(path, written);
                }
            }
        }
        for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
            operation["responses"]["default"] = problem_response();
        }
    }
    serde_json::to_vec(&value).unwrap_or_default()
});

/// What every operation may answer instead.
fn problem_response() -> Value {
    json!({
        "description": "The answer is no",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
    })
}

/// The methods of every path, from the description; acts are described one by one, so their common path is added.
static METHODS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let mut methods: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let described: Value = serde_json::from_slice(&WRITTEN).unwrap_or_default();
    for (path, operations) in described["paths"].as_object().into_iter().flatten() {
        let known = operations.as_object().into_iter().flat_map(Map::keys);
        methods.entry(path.clone()).or_default().extend(known.map(|method| method.to_ascii_uppercase()));
    }
    for (method, path) in write::ROUTES {
        methods.entry(format!("/api/v1{path}")).or_default().insert(method.to_owned());
    }
    methods.into_iter().map(|(path, known)| (path, known.into_iter().collect::<Vec<_>>().join(", "))).collect()
});

/// Returns the methods that a path's template knows, as `Allow` has them.
#[must_use]
pub fn methods_of(pattern: &str) -> &'static str {
    METHODS.get(pattern).map_or("", String::as_str)
}

/// Returns the description as JSON.
#[must_use]
pub fn written() -> &'static [u8] {
    &WRITTEN
}

/// The page for people: it reads `/openapi.json` and nothing else.
pub const PAGE: &str = include_str!("../assets/docs.html");

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> Value {
        serde_json::from_slice(written()).unwrap()
    }

    #[test]
    fn it_is_openapi_3_1_with_one_schema_of_problems() {
        let described = described();
        assert!(described["openapi"].as_str().unwrap().starts_with("3.1"));
        assert!(described["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].is_array());
    }

    #[test]
    fn every_route_has_an_example_and_says_what_no_looks_like() {
        for (path, item) in described()["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                let problem = &responses["default"]["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(problem, "#/components/schemas/Problem", "{method} {path}");
                let good = responses.iter().find(|(status, _)| status.starts_with('2')).expect("a good answer").1;
                let content = good["content"].as_object().unwrap_or_else(|| panic!("{method} {path} has no content"));
                let has_example = |media: &Value| !media["example"].is_null() || !media["examples"].is_null();
                assert!(content.values().any(has_example), "{method} {path} has no example");
            }
        }
    }

    #[test]
    fn the_page_needs_no_other_network() {
        assert!(PAGE.contains("/openapi.json"));
        for outside in ["http://", "https://", "//cdn", "@import"] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }
}
