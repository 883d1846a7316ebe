//! Taking data out: on the record with what for before the first byte, bounded, without any person, and streamed.
//!
//! Cases go out as one row each, made while they are sent. The event log goes out in the forms of `replay export`, by the
//! same writers, through a file that has no name: its memory is bounded whatever the log, and nothing is left of it.

mod events;
mod rows;

use super::people::record_access;
use super::request::{Incoming, flawless};
use crate::auth::Caller;
use crate::execute::{Begun, Done};
use crate::exports::{Turn, pieces_of, sent};
use crate::node::Node;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::query::{FromParameters as _, Parameters};
use crate::routes::read::cases::{CasesQuestion, visible};
use crate::routes::read::replay::within_history;
use crate::seal::Flaws;
use crate::views::Standing;
use actix_web::body::SizedStream;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, FixedOffset};
use domain::actor::Role;
use domain::event::access::ExportMade;
use domain::event::{AccessEvent, Event};
use domain::ids::{CaseId, CommandId};
use domain::zone::{Instant, day_of};
use eventstore::Position;
use futures::future::join_all;
use replay::case_index::{CaseFilter, CaseIndex, IndexError, Order, PageOfCases};
use replay::export::PseudonymKey;
use replay::history::HistoryError;
use replay::moment::Slice;
use rows::Rows;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use utoipa::ToSchema;

/// The most cases that go out at once where they are told one by one; more are taken out by narrower filters, one after
/// the other.
const CASES_MAX: usize = 100_000;
/// How many cases are looked up in the index at once.
const CASES_PER_LOOK: usize = 2_000;
/// How many cases are looked at at once for whether the caller may know of them.
const CASES_AT_ONCE: usize = 16;
/// The longest name of a series, in characters.
const SERIES_CHARS_MAX: usize = 64;

/// What is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// One row per case.
    Cases,
    /// The event log.
    Events,
}

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Comma-separated, with a header.
    Csv,
    /// One JSON object a line; of events, CloudEvents 1.0.
    Jsonl,
    /// IEEE 1849, of events.
    Xes,
    /// OCEL 2.0 as JSON, of events.
    Ocel,
    /// OCEL 2.0 as a database, of events.
    OcelSqlite,
    /// Typed and by column, of events.
    Parquet,
}

/// For whom a table of events is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// With the names that pm4py takes.
    #[default]
    Pm4py,
    /// With those of Disco.
    Disco,
    /// The activity table of Celonis.
    Celonis,
    /// The case table that goes with it; in one series, so that the two can be joined.
    CelonisCases,
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
    /// Which cases: as the parameters of `GET /cases`, but for `light`. Of events `item`, `org`, `source`, `opened_from` and
    /// `opened_to`; without `org` and with `source` `all`, who sees the whole city has what belongs to no case as well.
    #[serde(default)]
    pub filters: BTreeMap<String, String>,
    /// As recorded by this moment; now if absent.
    #[serde(default)]
    pub as_of: Option<DateTime<FixedOffset>>,
    /// For whom a CSV table of events is laid out.
    #[serde(default)]
    #[schema(inline)]
    pub profile: Option<Profile>,
    /// A CSV table of events begins with a byte order mark, for spreadsheets.
    #[serde(default)]
    pub byte_order_mark: bool,
    /// XES, CSV and lines of events are packed (gzip).
    #[serde(default)]
    pub packed: bool,
    /// Exports of events in one series of one organisation name the same alike: letters, digits and `-._`. Without one,
    /// no other export has the same names.
    #[serde(default)]
    pub series: Option<String>,
}

impl What {
    /// Returns the word that stands in events.
    fn as_str(self) -> &'static str {
        match self {
            Self::Cases => "cases",
            Self::Events => "events",
        }
    }
}

impl ExportBody {
    /// # Errors
    /// Options contradict each other, or a filter means nothing.
    fn question(&self) -> Result<CasesQuestion, Problem> {
        let mut flaws = Flaws::default();
        self.check(&mut flaws);
        let mut parameters = Parameters::of(&self.filters);
        let question = CasesQuestion::take(&mut parameters)?;
        for (name, _) in parameters.pairs() {
            flaws.add(format!("/filters/{name}"), "没有这个条件", "is no filter of cases");
        }
        if self.filters.contains_key("light") {
            flaws.add(
                "/filters/light",
                "灯随时间变化，不可作为导出条件",
                "changes by time alone and is no filter here",
            );
        }
        flawless(flaws)?;
        Ok(question)
    }

    fn check(&self, flaws: &mut Flaws) {
        use Format::{Csv, Jsonl, Xes};
        match self.what {
            What::Cases => {
                if !matches!(self.format, Csv | Jsonl) {
                    flaws.add("/format", "办件只能导出为 csv 或 jsonl", "is for events; cases go out as csv or jsonl");
                }
                let given = [
                    ("/profile", self.profile.is_some()),
                    ("/byte_order_mark", self.byte_order_mark),
                    ("/packed", self.packed),
                    ("/series", self.series.is_some()),
                ];
                for (pointer, _) in given.into_iter().filter(|(_, given)| *given) {
                    flaws.add(pointer, "仅用于事件", "is for events only");
                }
            }
            What::Events => {
                let given = [("/profile", self.profile.is_some()), ("/byte_order_mark", self.byte_order_mark)];
                for (pointer, _) in given.into_iter().filter(|(_, given)| *given && self.format != Csv) {
                    flaws.add(pointer, "仅用于 csv", "is for csv only");
                }
                if self.packed && !matches!(self.format, Csv | Jsonl | Xes) {
                    flaws.add("/packed", "仅用于 xes、csv 和 jsonl", "is for xes, csv and jsonl only");
                }
                let by_more = ["phase", "closing", "subject", "q", "sort"].into_iter();
                for name in by_more.filter(|name| self.filters.contains_key(*name)) {
                    flaws.add(format!("/filters/{name}"), "不可作为事件的条件", "is no filter of events");
                }
            }
        }
        let is_name = |series: &String| {
            let mut chars = series.chars();
            (1..=SERIES_CHARS_MAX).contains(&series.chars().count())
                && chars.all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        };
        if !self.series.as_ref().is_none_or(is_name) {
            flaws.add("/series", "应为1至64个字母、数字或-._", "is 1 to 64 letters, digits or -._");
        }
    }

    fn media_type(&self) -> &'static str {
        match self.format {
            _ if self.packed => "application/gzip",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Jsonl => "application/jsonl",
            Format::Xes => "application/xml",
            Format::Ocel => "application/json",
            Format::OcelSqlite => "application/vnd.sqlite3",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Returns the file's name under this command; by its ending its readers know it.
    fn file_name(&self, command: CommandId) -> String {
        let what = self.what.as_str();
        let ending = match self.format {
            Format::Csv if self.profile == Some(Profile::CelonisCases) => "cases.csv",
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
            Format::Xes => "xes",
            Format::Ocel => "json",
            Format::OcelSqlite => "sqlite",
            Format::Parquet => "parquet",
        };
        format!("{what}-{command}.{ending}{}", if self.packed { ".gz" } else { "" })
    }
}

/// How an export can be made again, as its event tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Recipe {
    format: Format,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    byte_order_mark: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    packed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    series: Option<String>,
    filters: BTreeMap<String, String>,
    through: u64,
    at: Instant,
}

/// `POST /exports`
///
/// # Errors
/// The caller takes no data out, the options or filters mean nothing or find too much, too many exports are under way, or
/// log, index or disk are in trouble.
pub async fn export(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    if !matches!(caller.actor.role, Role::Supervisor | Role::Analyst) {
        return Err(Problem::new(Kind::Forbidden));
    }
    let body: ExportBody = incoming.read()?;
    let question = body.question()?;
    let filter = Arc::new(question.filter(&caller, &node, day_of(node.clock.now()))?);
    let asked = incoming.asked(&node, &caller.actor, None);
    let turn = node.exports.turn()?;
    let taking =
        Taking { node: &node, caller: &caller, command: incoming.command, body: &body, question, filter, turn: &turn };
    let (done, taken) = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => {
            let taken = taking.take(&recipe(&done)?).await?;
            (done, taken)
        }
        Begun::Fresh(under_way) => {
            let recipe = taking.recipe().await?;
            let taken = taking.take(&recipe).await?;
            let made = ExportMade {
                what: body.what.as_str().to_owned(),
                filters: serde_json::to_string(&recipe).map_err(|_| Problem::new(Kind::Internal))?,
                purpose: body.purpose.as_str().to_owned(),
                records: taken.records,
            };
            let events = vec![Event::Access(made.into())];
            (record_access(&node, &under_way, &asked, events, &[]).await?, taken)
        }
    };
    Ok(respond(&body, incoming.command, &done, taken, turn))
}

fn recipe(done: &Done) -> Result<Recipe, Problem> {
    let made = done.facts.iter().find_map(|fact| match &fact.event {
        Event::Access(AccessEvent::ExportMade(made)) => serde_json::from_str(&made.filters).ok(),
        _ => None,
    });
    made.ok_or_else(|| Problem::new(Kind::Internal))
}

fn respond(body: &ExportBody, command: CommandId, done: &Done, taken: Taken, turn: Turn) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, body.media_type()))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", body.file_name(command))))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("position", done.position))
        .insert_header(("export-records", taken.records));
    match taken.bytes {
        Bytes::Rows(rows) => response.streaming(sent(rows.pieces(), turn)),
        Bytes::File { file, length } => response.body(SizedStream::new(length, sent(pieces_of(file), turn))),
    }
}

/// What is ready to go out.
struct Taken {
    records: u64,
    bytes: Bytes,
}

enum Bytes {
    Rows(Rows),
    File { file: File, length: u64 },
}

/// An export in the making.
struct Taking<'a> {
    node: &'a web::Data<Node>,
    caller: &'a Caller,
    command: CommandId,
    body: &'a ExportBody,
    question: CasesQuestion,
    filter: Arc<CaseFilter>,
    turn: &'a Turn,
}

impl Taking<'_> {
    /// Says which history goes out: what is known now, or was then.
    async fn recipe(&self) -> Result<Recipe, Problem> {
        let Self { node, body, .. } = self;
        let (now, views) = (node.clock.now(), &node.reads.views);
        let known = node.live.position().min(node.live.index().position());
        let (at, through) = match body.as_of {
            None => (now, known),
            Some(at) => {
                let at = within_history(views, "as_of", at.to_utc(), now).await?;
                (at, views.history().position_at(at).await.map_err(HistoryError::from)?.min(known))
            }
        };
        Ok(Recipe {
            format: body.format,
            profile: body.profile,
            byte_order_mark: body.byte_order_mark,
            packed: body.packed,
            series: body.series.clone(),
            filters: body.filters.clone(),
            through: through.0,
            at,
        })
    }

    async fn take(&self, recipe: &Recipe) -> Result<Taken, Problem> {
        let through = Position(recipe.through);
        match self.body.what {
            What::Cases => {
                let cases = self.cases(through).await?;
                let records = u64::try_from(cases.len()).unwrap_or(u64::MAX);
                let rows = Rows {
                    node: self.node.clone(),
                    at: Standing::through(through, recipe.at),
                    command: self.command,
                    written: if self.body.format == Format::Csv { rows::Written::Csv } else { rows::Written::Lines },
                    cases: cases.into_iter(),
                    begun: false,
                };
                Ok(Taken { records, bytes: Bytes::Rows(rows) })
            }
            What::Events => {
                let among = match self.filter.organisations {
                    None => None,
                    Some(_) => Some(Arc::new(self.cases(through).await?.into_iter().collect())),
                };
                let wanted = events::Wanted {
                    selection: self.question.selection(through)?,
                    among,
                    body: self.body,
                    name: self.body.file_name(self.command),
                    key: self.key(),
                };
                let (file, records) = events::write(self.node, wanted, self.turn).await?;
                let length = file.metadata().map_err(|error| events::of_disk(&error))?.len();
                Ok(Taken { records, bytes: Bytes::File { file, length } })
            }
        }
    }

    /// Finds every case that goes out, in the order in which they entered the log.
    async fn cases(&self, through: Position) -> Result<Vec<CaseId>, Problem> {
        let (index, filter) = (self.node.live.index().clone(), Arc::clone(&self.filter));
        let found = tokio::task::spawn_blocking(move || all(&index, &filter, through)).await;
        let found = found.map_err(|_| Problem::new(Kind::Internal))??;
        if CASES_MAX < found.len() {
            let detail = Text::new(
                format!("一次最多导出{CASES_MAX}件，请缩小范围"),
                format!("at most {CASES_MAX} cases go out at once, narrow the filters"),
            );
            return Err(Problem::new(Kind::Invalid).errors(vec![FieldError::new("/filters", detail)]));
        }
        if self.filter.organisations.is_none() {
            return Ok(found);
        }
        // The index also finds a case where it once was; who may know of it today is told by its file.
        let mut seen = Vec::with_capacity(found.len());
        for some in found.chunks(CASES_AT_ONCE) {
            let looks = join_all(some.iter().map(|case| visible(self.node, self.caller, *case))).await;
            for (case, look) in some.iter().zip(looks) {
                match look {
                    Ok(()) => seen.push(*case),
                    Err(problem) if problem.kind() == Kind::NotFound => (),
                    Err(problem) => return Err(problem),
                }
            }
        }
        Ok(seen)
    }

    /// Nobody outside can compute it: who knows the numbers of staff could otherwise tell who goes by which name.
    fn key(&self) -> PseudonymKey {
        let vault = &self.node.vault;
        let digest = match &self.body.series {
            None => vault.digest("export-events", &[self.command.to_string().as_bytes()]),
            Some(series) => {
                let organisation = self.caller.actor.organisation.as_str();
                vault.digest("export-series", &[organisation.as_bytes(), b"\0", series.as_bytes()])
            }
        };
        PseudonymKey::of_text(&digest)
    }
}

/// One case more than may go out tells that there are too many.
fn all(index: &CaseIndex, filter: &CaseFilter, through: Position) -> Result<Vec<CaseId>, IndexError> {
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
