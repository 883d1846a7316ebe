//! Taking data out: on the record with what for before the first byte, bounded, without any person, and streamed.

use super::people::record_access;
use super::request::{Incoming, flawless};
use crate::answer::shown;
use crate::auth::Caller;
use crate::execute::{Begun, Done};
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::query::{FromParameters as _, Parameters};
use crate::routes::read::cases::CasesQuestion;
use crate::seal::Flaws;
use crate::views::Standing;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use chrono::NaiveDate;
use domain::actor::Role;
use domain::event::access::ExportMade;
use domain::event::case::ClosingKind;
use domain::event::{AccessEvent, Event};
use domain::ids::{CaseId, CommandId, SubjectId};
use domain::sealed::{AgeBand, PartyKind};
use domain::zone::Instant;
use eventstore::Position;
use futures::future::join_all;
use projections::case_file::CaseFile;
use replay::case_index::{CaseFilter, CaseIndex, Order, PageOfCases};
use replay::moment::Slice;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use utoipa::ToSchema;

/// The most cases that go out at once; more are taken out by narrower filters, one after the other.
const CASES_MAX: usize = 100_000;
/// How many cases are looked up in the index at once.
const CASES_PER_LOOK: usize = 2_000;
/// How many cases are read and written before they are sent.
const CASES_PER_CHUNK: usize = 64;

/// What is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// One row per case.
    Cases,
}

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Comma-separated, with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// What data are taken out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExportPurpose {
    /// 督查.
    Supervision,
    /// 统计分析.
    Analysis,
    /// 审计.
    Audit,
    /// 报送.
    Report,
}

impl ExportPurpose {
    /// Returns the word that stands in events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Supervision => "supervision",
            Self::Analysis => "analysis",
            Self::Audit => "audit",
            Self::Report => "report",
        }
    }
}

/// What, in which form, and what for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "what": "cases", "format": "csv", "purpose": "analysis", "filters": {"item": "FZ-001", "opened_from": "2026-01-01"}
}))]
pub struct ExportBody {
    /// What is taken out.
    #[schema(inline)]
    pub what: What,
    /// In which form.
    #[schema(inline)]
    pub format: Format,
    /// What for.
    #[schema(inline)]
    pub purpose: ExportPurpose,
    /// Which cases: as the parameters of `GET /cases`, but for `light`.
    #[serde(default)]
    pub filters: BTreeMap<String, String>,
}

/// How an export can be made again, as its event tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Recipe {
    format: Format,
    filters: BTreeMap<String, String>,
    through: u64,
    at: Instant,
}

/// `POST /exports`
///
/// # Errors
/// The caller takes no data out, the filters mean nothing or find too much, or log or index are in trouble.
pub async fn export(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    if !matches!(caller.actor.role, Role::Supervisor | Role::Analyst) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let body: ExportBody = incoming.read()?;
    let question = question(&body.filters)?;
    let filter = Arc::new(question.filter(&caller, &node, domain::zone::day_of(node.clock.now()))?);
    let asked = incoming.asked(&node, &caller.actor, None);
    let (done, cases) = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => {
            let recipe = recipe(&done)?;
            (done, found(&node, &filter, Position(recipe.through)).await?)
        }
        Begun::Fresh(under_way) => {
            let through = node.live.position().min(node.live.index().position());
            let cases = found(&node, &filter, through).await?;
            let recipe =
                Recipe { format: body.format, filters: body.filters, through: through.0, at: node.clock.now() };
            let made = ExportMade {
                what: "cases".to_owned(),
                filters: serde_json::to_string(&recipe).map_err(|_| Problem::new(Kind::Internal))?,
                purpose: body.purpose.as_str().to_owned(),
                records: u64::try_from(cases.len()).unwrap_or(u64::MAX),
            };
            let events = vec![Event::Access(made.into())];
            (record_access(&node, &under_way, &asked, events, &[]).await?, cases)
        }
    };
    let recipe = recipe(&done)?;
    Ok(respond(node, incoming.command, &recipe, &done, cases))
}

fn question(filters: &BTreeMap<String, String>) -> Result<CasesQuestion, Problem> {
    let mut parameters = Parameters::of(filters);
    let question = CasesQuestion::take(&mut parameters)?;
    let mut flaws = Flaws::default();
    for (name, _) in parameters.pairs() {
        flaws.add(format!("/filters/{name}"), "没有这个条件", "is no filter of cases");
    }
    if filters.contains_key("light") {
        flaws.add("/filters/light", "灯随时间变化，不可作为导出条件", "changes by time alone and is no filter here");
    }
    flawless(flaws)?;
    Ok(question)
}

/// Finds every case that goes out, in the order in which they entered the log.
async fn found(node: &Node, filter: &Arc<CaseFilter>, through: Position) -> Result<Vec<CaseId>, Problem> {
    let (index, filter) = (node.live.index().clone(), Arc::clone(filter));
    let found = tokio::task::spawn_blocking(move || all(&index, &filter, through)).await;
    let found = found.map_err(|_| Problem::new(Kind::Internal))??;
    if CASES_MAX < found.len() {
        let detail = Text::new(
            format!("一次最多导出{CASES_MAX}件，请缩小范围"),
            format!("at most {CASES_MAX} cases go out at once, narrow the filters"),
        );
        return Err(Problem::new(Kind::Invalid).errors(vec![FieldError::new("/filters", detail)]));
    }
    Ok(found)
}

/// One case more than may go out tells that there are too many.
fn all(
    index: &CaseIndex,
    filter: &CaseFilter,
    through: Position,
) -> Result<Vec<CaseId>, replay::case_index::IndexError> {
    let slice = Slice::through(through);
    let (mut found, mut after) = (Vec::new(), None);
    while found.len() <= CASES_MAX {
        let page = index.cases(filter, &slice, &PageOfCases { after, limit: CASES_PER_LOOK, order: Order::Oldest })?;
        found.extend(page.cases);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(found)
}

fn recipe(done: &Done) -> Result<Recipe, Problem> {
    let made = done.facts.iter().find_map(|fact| match &fact.event {
        Event::Access(AccessEvent::ExportMade(made)) => serde_json::from_str(&made.filters).ok(),
        _ => None,
    });
    made.ok_or_else(|| Problem::new(Kind::Internal))
}

fn respond(
    node: web::Data<Node>,
    command: CommandId,
    recipe: &Recipe,
    done: &Done,
    cases: Vec<CaseId>,
) -> HttpResponse {
    let (media_type, ending) = match recipe.format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        Format::Jsonl => ("application/jsonl", "jsonl"),
    };
    let records = cases.len();
    let going = Going {
        at: Standing::through(Position(recipe.through), recipe.at),
        node,
        command,
        format: recipe.format,
        cases: cases.into_iter(),
        begun: false,
    };
    let chunks = futures::stream::unfold(going, |mut going| async move {
        let chunk = going.next().await?;
        Some((chunk, going))
    });
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media_type))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"cases-{command}.{ending}\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("position", done.position))
        .insert_header(("export-records", records))
        .streaming(chunks)
}

/// An export on its way out.
struct Going {
    node: web::Data<Node>,
    at: Standing,
    command: CommandId,
    format: Format,
    cases: std::vec::IntoIter<CaseId>,
    begun: bool,
}

impl Going {
    /// Returns the next rows; a fault breaks the answer off, so that nobody takes a part for the whole.
    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        let some: Vec<CaseId> = self.cases.by_ref().take(CASES_PER_CHUNK).collect();
        if some.is_empty() && self.begun {
            return None;
        }
        let first = !std::mem::replace(&mut self.begun, true);
        let files = join_all(some.iter().map(|case| self.node.reads.views.case_file(&self.at, *case))).await;
        let mut rows = Vec::with_capacity(files.len());
        for (case, file) in some.into_iter().zip(files) {
            match file {
                Ok(Some(file)) => rows.push(self.row(case, &file)),
                Ok(None) => (),
                Err(problem) => return Some(Err(io::Error::other(problem))),
            }
        }
        Some(written(self.format, &rows, first))
    }

    fn row(&self, case: CaseId, file: &CaseFile) -> Row {
        let CaseFile { case: stands, .. } = file;
        let application = stands.application.as_ref();
        let closing = stands.closing.as_ref();
        Row {
            case: case.to_string(),
            source: file.source().map(ToString::to_string),
            item: file.item().map(ToString::to_string),
            item_version: application.map(|application| application.item_version),
            phase: stands.phase.as_str(),
            closing: closing.map(|closing| closing.kind),
            channel: application.map(|application| application.channel),
            intake: application.map(|application| application.intake.to_string()),
            handling: application.map(|application| application.handling.to_string()),
            deciding: application.map(|application| application.deciding.to_string()),
            applicant: application.map(|application| self.pseudonym(&application.applicant.subject)),
            applicant_kind: application.map(|application| application.applicant.kind),
            age_band: application.and_then(|application| application.applicant.age_band),
            opened_at: file.opened_at.map(shown),
            received_on: stands.receipt.as_ref().map(|receipt| receipt.materials_received_on),
            accepted_on: stands.accepted_on(),
            decided_on: stands.decided_on(),
            closed_on: stands.closed_on(),
            promised_by: stands.clocks.promised.as_ref().map(|deadline| deadline.date),
            legal_by: stands.clocks.legal.as_ref().map(|deadline| deadline.date),
            working_days: closing.and_then(|closing| closing.working_days),
            gross_days: closing.map(|closing| closing.gross_days),
            notices: stands.notices.len(),
            deemed_accepted: stands.flags.deemed_accepted,
            extended: stands.flags.extended,
        }
    }

    /// The same person in the same export has the same name, and in every other another one.
    fn pseudonym(&self, subject: &SubjectId) -> String {
        let command = self.command.to_string();
        let digest = self.node.vault.digest("export", &[command.as_bytes(), b"\0", subject.as_str().as_bytes()]);
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A case as it goes out: nothing that names anybody, no number that stands on a paper.
#[derive(Debug, Serialize)]
struct Row {
    case: String,
    source: Option<String>,
    item: Option<String>,
    item_version: Option<u32>,
    phase: &'static str,
    closing: Option<ClosingKind>,
    channel: Option<domain::actor::Channel>,
    intake: Option<String>,
    handling: Option<String>,
    deciding: Option<String>,
    applicant: Option<String>,
    applicant_kind: Option<PartyKind>,
    age_band: Option<AgeBand>,
    opened_at: Option<String>,
    received_on: Option<NaiveDate>,
    accepted_on: Option<NaiveDate>,
    decided_on: Option<NaiveDate>,
    closed_on: Option<NaiveDate>,
    promised_by: Option<NaiveDate>,
    legal_by: Option<NaiveDate>,
    working_days: Option<u16>,
    gross_days: Option<u16>,
    notices: usize,
    deemed_accepted: bool,
    extended: bool,
}

/// The names of a row's fields, in order: an export of nothing still has its header.
const COLUMNS: [&str; 25] = [
    "case",
    "source",
    "item",
    "item_version",
    "phase",
    "closing",
    "channel",
    "intake",
    "handling",
    "deciding",
    "applicant",
    "applicant_kind",
    "age_band",
    "opened_at",
    "received_on",
    "accepted_on",
    "decided_on",
    "closed_on",
    "promised_by",
    "legal_by",
    "working_days",
    "gross_days",
    "notices",
    "deemed_accepted",
    "extended",
];

fn written(format: Format, rows: &[Row], first: bool) -> Result<Bytes, io::Error> {
    match format {
        Format::Csv => {
            let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
            if first {
                csv.write_record(COLUMNS)?;
            }
            for row in rows {
                csv.serialize(row)?;
            }
            csv.into_inner().map(Bytes::from).map_err(|error| io::Error::other(error.to_string()))
        }
        Format::Jsonl => {
            let mut lines = Vec::new();
            for row in rows {
                serde_json::to_writer(&mut lines, row)?;
                lines.push(b'\n');
            }
            Ok(lines.into())
        }
    }
}
