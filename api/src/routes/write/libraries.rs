//! 证照库: importing what a library gave as a file, and pulling what it gives over the network.

use super::reference::is_city_admin;
use super::request::{Head, Incoming, digest, flawless};
use crate::auth::Caller;
use crate::execute::{Asked, Begun};
use crate::libraries::{Counts, Intake, LibraryClient, PullError, Row, RowFormat, RowsError, Splitter, asked};
use crate::node::Node;
use crate::problem::{Kind, Language, Problem, Text};
use crate::seal::Flaws;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use domain::event::certificate::{LibraryRead, LibraryReading};
use domain::fact::Subject;
use domain::ids::SourceName;
use domain::library::{Library, LibraryCommand};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use utoipa::ToSchema;

/// The largest file, in bytes; a library is given in parts.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How long the next piece of a file may take.
const PIECE_PATIENCE: Duration = Duration::from_secs(30);
/// How many rows are gathered before they are taken in.
const ROWS_PER_TURN: usize = 256;
/// The most pages of one pull; the next one goes on behind them.
const PAGES_MAX: u16 = 100;

/// How much is pulled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"pages": 10}))]
pub struct PullBody {
    /// At most so many pages of 200 certificates; 10 if absent.
    #[serde(default = "ten")]
    pub pages: u16,
}

fn ten() -> u16 {
    10
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Told {
    library: SourceName,
    added: u64,
    changed: u64,
    unchanged: u64,
    rejected: u64,
    /// The rows refused, each with its line or place, the rule, and what is wrong where.
    rejections: Vec<Value>,
    /// Why reading ended before the end, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<Value>,
    /// Where the next pull goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// Whether more is there to be pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<bool>,
    position: u64,
}

/// `POST /certificate-libraries/{library}/actions/{action}`
///
/// # Errors
/// The caller does not keep the city's libraries, the request is flawed, or log or vault are in trouble.
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (library, action) = path.into_inner();
    let library: SourceName = library.parse().map_err(|_| Problem::not_found())?;
    is_city_admin(&node, &caller)?;
    let language = Language::of(request.headers());
    match action.as_str() {
        "import" => import(&node, &caller, &library, &request, payload, language).await,
        "pull" => {
            let incoming = Incoming::from_request(&request, &mut payload.into_inner()).await?;
            pull(&node, &caller, &library, &incoming, language).await
        }
        _ => Err(Problem::not_found()),
    }
}

async fn import(
    node: &Node,
    caller: &Caller,
    library: &SourceName,
    request: &HttpRequest,
    mut payload: web::Payload,
    language: Language,
) -> Result<HttpResponse, Problem> {
    let head = Head::of(request)?;
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = RowFormat::of(media_type).ok_or_else(|| Problem::new(Kind::UnsupportedMedia))?;
    let mut splitter = Splitter::new(format);
    let mut intake = Intake::new(node, &caller.actor, library, language);
    let mut hash = node.vault.hasher("library-file");
    let (mut rows, mut bytes_read, mut stopped) = (Vec::new(), 0_u64, None);
    while stopped.is_none() {
        let piece = tokio::time::timeout(PIECE_PATIENCE, payload.next()).await;
        let Some(piece) = piece.map_err(|_| Problem::new(Kind::TimedOut))? else { break };
        let piece = piece.map_err(|_| Problem::new(Kind::Malformed))?;
        hash.update(&piece);
        bytes_read += piece.len() as u64;
        if FILE_BYTES_MAX < bytes_read {
            stopped = Some(told_why(
                None,
                &Text::new("文件过大，请分批导入", "the file is too large; give it in parts"),
                language,
            ));
        } else if let Err(error) = splitter.push(&piece, &mut rows) {
            stopped = Some(broken(&error, language));
        }
        if ROWS_PER_TURN <= rows.len() && !intake.take(std::mem::take(&mut rows)).await? {
            stopped = Some(too_many(language));
        }
    }
    if stopped.is_none()
        && let Err(error) = splitter.finish(&mut rows)
    {
        stopped = Some(broken(&error, language));
    }
    // What came before the break is whole, and stays.
    if !intake.take(rows).await? && stopped.is_none() {
        stopped = Some(too_many(language));
    }
    let file = hash.finish();
    let asked = Asked {
        command: head.command,
        digest: digest(node, &caller.actor, &head.route, &file),
        actor: caller.actor.clone(),
        if_match: None,
        late: None,
    };
    let read = noted(LibraryReading::Imported, None, intake.counts);
    let position = note(node, library, &asked, read).await?;
    Ok(answer(library, intake.counts, intake.rejections, stopped, None, None, position))
}

async fn pull(
    node: &Node,
    caller: &Caller,
    library: &SourceName,
    incoming: &Incoming,
    language: Language,
) -> Result<HttpResponse, Problem> {
    let body: PullBody = incoming.read()?;
    let mut flaws = Flaws::default();
    if !(1..=PAGES_MAX).contains(&body.pages) {
        flaws.add("/pages", format!("须为1至{PAGES_MAX}"), format!("must be 1 to {PAGES_MAX}"));
    }
    flawless(flaws)?;
    let settings = node.config.libraries.get(library.as_str()).ok_or_else(Problem::not_found)?;
    let stream = Subject::Library(library.clone());
    let mut cursor = node.executor.load::<Library>(&stream).await?.state.cursor.clone();
    let mut intake = Intake::new(node, &caller.actor, library, language);
    let (mut position, mut stopped, mut more) = (node.live.position().0, None, true);
    let client = LibraryClient::new(settings);
    for page in 0..body.pages {
        let asked_for = match &client {
            Ok(client) => client.page(cursor.as_deref()).await,
            Err(error) => Err(*error),
        };
        let found = match asked_for {
            Ok(found) => found,
            Err(error) => {
                stopped = Some(told_why_pulled(error, language));
                break;
            }
        };
        let before = intake.counts;
        let rows = found.certificates.into_iter().zip(1..).map(|(fields, number)| Row { number, fields: Ok(fields) });
        let goes_on = intake.take(rows.collect()).await?;
        more = found.next.is_some() && found.next != cursor;
        cursor = found.next.or(cursor);
        // Noted page by page: whoever is interrupted goes on behind the last whole page.
        let asked = asked(node, &caller.actor, &["page", &incoming.command.to_string(), &page.to_string()]);
        let read = noted(LibraryReading::Pulled, cursor.clone(), intake.counts.since(before));
        position = note(node, library, &asked, read).await?;
        if !goes_on {
            stopped = Some(too_many(language));
        }
        if !more || !goes_on {
            break;
        }
    }
    Ok(answer(library, intake.counts, intake.rejections, stopped, cursor, Some(more), position))
}

fn noted(reading: LibraryReading, cursor: Option<String>, counts: Counts) -> LibraryRead {
    let Counts { added, changed, unchanged, rejected } = counts;
    LibraryRead { reading, cursor, added, changed, unchanged, rejected }
}

/// Notes what was read; what brought nothing new leaves no trace.
async fn note(node: &Node, library: &SourceName, asked: &Asked, read: LibraryRead) -> Result<u64, Problem> {
    let stream = Subject::Library(library.clone());
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => {
            let command = LibraryCommand::Note(read);
            node.executor.execute::<Library>(&under_way, asked, &stream, &command, &[]).await?
        }
    };
    Ok(done.position.max(node.live.position().0))
}

fn answer(
    library: &SourceName,
    counts: Counts,
    rejections: Vec<Value>,
    stopped: Option<Value>,
    cursor: Option<String>,
    more: Option<bool>,
    position: u64,
) -> HttpResponse {
    let Counts { added, changed, unchanged, rejected } = counts;
    let library = library.clone();
    let told = Told { library, added, changed, unchanged, rejected, rejections, stopped, cursor, more, position };
    HttpResponse::Ok().insert_header(("position", position)).json(told)
}

fn told_why(line: Option<u64>, detail: &Text, language: Language) -> Value {
    json!({ "line": line, "detail": detail.in_language(language) })
}

fn broken(error: &RowsError, language: Language) -> Value {
    told_why(Some(error.line), &error.detail, language)
}

fn too_many(language: Language) -> Value {
    let detail = Text::new(
        "错误行过多，已停止；已收录的保留，可改正后重新导入",
        "too many rows were refused; what was taken in stays, mend the rest and import again",
    );
    told_why(None, &detail, language)
}

fn told_why_pulled(error: PullError, language: Language) -> Value {
    let detail = Text::new(error.zh(), error.to_string());
    json!({ "code": error.code(), "detail": detail.in_language(language) })
}
