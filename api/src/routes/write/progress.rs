//! How far a case is, for whoever holds its receipt: no token, a number and a code.
//!
//! A question by `POST`, because both belong into no address: addresses stand in logs, histories and proxies. A wrong
//! number and a wrong code get the same answer, and what is compared is compared to the end.

use super::request::Incoming;
use crate::node::Node;
use crate::problem::Problem;
use crate::progress::Progress;
use crate::seal::{self, Flaws};
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use domain::case::Case;
use domain::fact::Subject;
use domain::ids::CaseId;
use domain::zone::{day_of, fuzhou};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Cases that one number may stand for: numbers come from outside, and may have been given twice.
const CANDIDATES_MAX: usize = 8;

/// What stands on the receipt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"number": "BJ361023100-20260302-7K2M9QXA", "code": "4T8ZQ2MX"}))]
pub struct ProgressBody {
    /// 办件编号 or 收件凭证编号.
    pub number: String,
    /// 查询码.
    pub code: String,
}

/// How far the case is, and when that was true.
#[derive(Serialize)]
pub struct ProgressAnswer {
    /// So it stood then.
    as_of: String,
    #[serde(flatten)]
    progress: Progress,
}

/// `POST /progress`
///
/// # Errors
/// The body is flawed, or there is no case with this number and this code.
pub async fn ask(node: web::Data<Node>, incoming: Incoming) -> Result<HttpResponse, Problem> {
    let body: ProgressBody = incoming.read()?;
    let mut flaws = Flaws::default();
    flaws.name("/number", &body.number);
    flaws.name("/code", &body.code);
    super::request::flawless(flaws)?;
    let case = case_of(&node, &body).await?.ok_or_else(Problem::not_found)?;
    let now = node.clock.now();
    let loaded = node.executor.load::<Case>(&Subject::Case(case)).await?;
    let reference = node.reference.now();
    let progress = Progress::of(&loaded.state, &reference.reference, day_of(now)).ok_or_else(Problem::not_found)?;
    let answer = ProgressAnswer { as_of: now.with_timezone(&fuzhou()).to_rfc3339(), progress };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}

/// Every candidate's code is compared, and where there is none something is compared all the same.
async fn case_of(node: &Node, body: &ProgressBody) -> Result<Option<CaseId>, Problem> {
    let number = body.number.trim();
    let candidates = node.cases_numbered(number, CANDIDATES_MAX).await?;
    if candidates.is_empty() {
        is_code(node, number, &body.code);
    }
    let mut found = None;
    for case in candidates {
        if is_code(node, &Subject::Case(case).to_string(), &body.code) {
            found = Some(case);
        }
    }
    let Some(case) = found else { return Ok(None) };
    // The index finds what begins so; the number must be the whole one.
    let loaded = node.executor.load::<Case>(&Subject::Case(case)).await?;
    let own = loaded.state.application.as_ref().map(|application| &application.number);
    let receipt = loaded.state.receipt.as_ref().map(|receipt| &receipt.number);
    Ok(own.into_iter().chain(receipt).any(|known| known.as_str() == number).then_some(case))
}

/// Blanks and hyphens do not matter, nor does case.
fn is_code(node: &Node, case: &str, code: &str) -> bool {
    let given: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    seal::is_same(&seal::query_code(&node.vault, case), &given.to_uppercase())
}
