//! Papers: taken in sealed and durable before the event that speaks of them, given back whole or not at all.

use super::cases::visible;
use super::people::{Purpose, record_look};
use super::request::{Head, Written, flawless};
use crate::auth::Caller;
use crate::execute::{Asked, Begun};
use crate::node::Node;
use crate::papers::{Draft, PaperError, Received};
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, Query};
use crate::seal::Flaws;
use actix_multipart::{Multipart, MultipartError};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::actor::Role;
use domain::case::{Case, CaseCommand};
use domain::event::Event;
use domain::event::access::PaperRead;
use domain::event::case::{MaterialAttached, TrustLevel};
use domain::fact::Subject;
use domain::ids::{MaterialCode, PaperId};
use domain::zone::day_of;
use eventstore::CommandDigest;
use futures::TryStreamExt as _;
use serde_json::Value;
use utoipa::ToSchema;

/// The longest field besides the file, in bytes.
const FIELD_BYTES_MAX: usize = 256;

/// A paper, as `multipart/form-data`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the parts, which are read one by one")]
pub struct MaterialForm {
    /// Which of the item's materials it is.
    #[schema(example = "ID")]
    code: String,
    /// How far it can be relied on: `A`, `B`, `C` or `D`; `C` if absent.
    #[schema(example = "C")]
    trust: Option<String>,
    /// SHA-256 of the file, lower-case hex; refused if the bytes have another.
    sha256: Option<String>,
    /// The file: PDF, JPEG, PNG or OFD.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// What came in the parts.
#[derive(Default)]
pub(super) struct Parts {
    code: Option<String>,
    trust: Option<String>,
    sha256: Option<String>,
    file: Option<(String, Received)>,
}

/// `POST /cases/{id}/materials`
///
/// # Errors
/// The case is not there for the caller, the parts are flawed, a rule forbids it, or disk or log are in trouble.
pub async fn attach(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<String>,
    request: HttpRequest,
    parts: Result<Multipart, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let head = Head::of(&request)?;
    let (id, loaded) = visible(&node, &caller, &path).await?;
    let Some(application) = &loaded.state.application else {
        return Err(domain::case::Rejection::LegacyCase.into());
    };
    let parts = parts.map_err(|_| Problem::new(Kind::UnsupportedMedia))?;
    let subject = Subject::Case(id);
    let owner = &application.applicant.subject;
    let keyring = node.vault.keyring([owner.clone()]).await?;
    // The paper's id follows from the command: a repeated request writes the same file, not another.
    let paper = PaperId(head.command.0);
    let mut draft = node.papers.draft(&node.vault, &keyring, owner, &subject.to_string(), paper)?;
    let came = take_in(parts, &mut draft).await?;
    let (attached, declared) = came.checked(paper)?;

    let digest = digest(&node, &caller, &head, &attached, declared.as_deref());
    let asked =
        Asked { command: head.command, digest, actor: caller.actor.clone(), if_match: head.if_match, late: None };
    let under_way = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Fresh(under_way) => under_way,
        Begun::Repeated(done) => {
            return Ok(Written::new(id.to_string(), &done).with("material", paper.to_string()).respond());
        }
    };
    node.executor.would_allow::<Case>(&asked, &subject, &CaseCommand::AttachMaterial(attached.clone())).await?;
    let papers = node.papers.clone();
    let kept = tokio::task::spawn_blocking(move || draft.keep(&papers, paper)).await;
    kept.map_err(|_| Problem::new(Kind::Internal))?.map_err(PaperError::from)?;
    let command = CaseCommand::AttachMaterial(attached);
    let done = node.executor.execute::<Case>(&under_way, &asked, &subject, &command, &[]).await?;
    Ok(Written::new(id.to_string(), &done).with("material", Value::from(paper.to_string())).respond())
}

pub(super) async fn take_in(mut parts: Multipart, draft: &mut Draft) -> Result<Parts, Problem> {
    let mut came = Parts::default();
    while let Some(mut field) = parts.try_next().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            if came.file.is_some() {
                return Err(flaw("/file", "只能有一个文件", "may come once only"));
            }
            let media_type = field.content_type().map(|mime| mime.essence_str().to_owned()).unwrap_or_default();
            while let Some(bytes) = field.try_next().await.map_err(broken)? {
                draft.write(&bytes)?;
            }
            let received = draft.finish(&media_type)?;
            came.file = Some((media_type, received));
            continue;
        }
        let mut text = Vec::new();
        while let Some(bytes) = field.try_next().await.map_err(broken)? {
            text.extend_from_slice(&bytes);
            if FIELD_BYTES_MAX < text.len() {
                return Err(flaw(&format!("/{name}"), "过长", "is too long"));
            }
        }
        let text = String::from_utf8(text).map_err(|_| flaw(&format!("/{name}"), "须为 UTF-8", "must be UTF-8"))?;
        match name.as_str() {
            "code" => came.code = Some(text),
            "trust" => came.trust = Some(text),
            "sha256" => came.sha256 = Some(text),
            _ => return Err(flaw("", "未知的表单项", "a part that nobody knows")),
        }
    }
    Ok(came)
}

fn broken(error: MultipartError) -> Problem {
    match error {
        MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse
        | MultipartError::ContentTypeIncompatible => Problem::new(Kind::UnsupportedMedia),
        _ => Problem::new(Kind::Malformed).detail(Text::new("表单不完整", "the parts did not come whole")),
    }
}

pub(super) fn flaw(pointer: &str, zh: &str, en: &str) -> Problem {
    Problem::new(Kind::Malformed).errors(vec![FieldError::new(pointer, Text::new(zh, en))])
}

impl Parts {
    /// Returns what the event will say, and the hash that was declared.
    pub(super) fn checked(self, paper: PaperId) -> Result<(MaterialAttached, Option<String>), Problem> {
        let mut flaws = Flaws::default();
        flaws.sha256("/sha256", self.sha256.as_deref());
        let code: Option<MaterialCode> = self.code.as_deref().and_then(|code| code.parse().ok());
        if code.is_none() {
            flaws.add("/code", "须为材料编码", "must be the code of a material");
        }
        let trust = match self.trust.as_deref() {
            Some("A") => Some(TrustLevel::A),
            Some("B") => Some(TrustLevel::B),
            None | Some("C") => Some(TrustLevel::C),
            Some("D") => Some(TrustLevel::D),
            Some(_) => None,
        };
        if trust.is_none() {
            flaws.add("/trust", "须为 A、B、C 或 D", "must be A, B, C or D");
        }
        if self.file.is_none() {
            flaws.add("/file", "缺少文件", "is missing");
        }
        flawless(flaws)?;
        let (Some(code), Some(trust), Some((media_type, received))) = (code, trust, self.file) else {
            return Err(Problem::new(Kind::Invalid));
        };
        if self.sha256.as_deref().is_some_and(|declared| declared != received.sha256) {
            let detail = Text::new("与文件内容不符", "is not the hash of the file that came");
            return Err(Problem::new(Kind::HashMismatch).errors(vec![FieldError::new("/sha256", detail)]));
        }
        let sha256 = received.keyed_sha256;
        Ok((MaterialAttached { paper, code, sha256, bytes: received.bytes, media_type, trust }, self.sha256))
    }
}

/// The parts may come in any order and with any boundary; what they say is what makes the request the same.
fn digest(
    node: &Node,
    caller: &Caller,
    head: &Head,
    attached: &MaterialAttached,
    declared: Option<&str>,
) -> CommandDigest {
    let MaterialAttached { code, sha256, media_type, trust, .. } = attached;
    let said = format!("{code}\0{sha256}\0{media_type}\0{trust:?}\0{}", declared.unwrap_or_default());
    super::request::digest(node, &caller.actor, &head.route, said.as_bytes())
}

/// What a paper is looked at for, where that is said.
#[derive(Debug, Clone, Copy)]
pub struct ReadFor(Option<Purpose>);

impl FromParameters for ReadFor {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self(parameters.word("purpose")?))
    }
}

/// `GET /cases/{id}/materials/{material}`: a paper shows people in clear, so looking at it is on the record like
/// unmasking, before its bytes go out.
///
/// # Errors
/// Case or paper are not there for the caller, the file is missing or damaged, or the log is in trouble.
pub async fn give_back(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    Query(ReadFor(purpose)): Query<ReadFor>,
) -> Result<HttpResponse, Problem> {
    let (id, paper) = path.into_inner();
    let (id, loaded) = visible(&node, &caller, &id).await?;
    if !caller.scope.sees_persons() {
        return Err(Problem::new(Kind::Forbidden));
    }
    let paper: PaperId = paper.parse().map_err(|_| Problem::not_found())?;
    let attached = loaded.state.papers.get(&paper).ok_or_else(Problem::not_found)?;
    if caller.actor.role == Role::VillageAgent {
        // A helper sees what helpers of the station handed in, and nothing that others put into the file.
        let own = loaded.state.helpers_papers.get(&paper) == Some(&caller.actor.organisation);
        loaded.state.helper_may_see(day_of(node.clock.now())).ok().filter(|()| own).ok_or_else(Problem::not_found)?;
    }
    let application = loaded.state.application.as_ref().ok_or_else(Problem::not_found)?;
    let media_type = attached.media_type.clone();
    let owner = &application.applicant.subject;
    let looked = PaperRead {
        case: id,
        subject: owner.clone(),
        paper,
        code: attached.code.clone(),
        purpose: purpose.map(|purpose| purpose.as_str().to_owned()),
    };
    let (at, whose) = (node.clone(), owner.clone());
    let context = Subject::Case(id).to_string();
    let read = tokio::task::spawn_blocking(move || at.papers.read(&at.vault, &whose, &context, paper)).await;
    let bytes = read.map_err(|_| Problem::new(Kind::Internal))??;
    let position = record_look(&node, &caller, vec![Event::Access(looked.into())], &[owner]).await?;
    Ok(HttpResponse::Ok()
        .insert_header(("position", position))
        .content_type(media_type)
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((CONTENT_DISPOSITION, format!("inline; filename=\"{paper}\"")))
        .insert_header(("x-content-type-options", "nosniff"))
        .body(bytes))
}
