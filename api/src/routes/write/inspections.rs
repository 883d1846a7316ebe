//! 考评: a hall is inspected part by part, with photos, and scored from the record.

use super::materials::{Parts, flaw, take_in};
use super::plain::{answers_for, carry_out, carry_out_with};
use super::request::{Head, Incoming, Written, flawless};
use crate::auth::Caller;
use crate::execute::{Asked, Begun, Loaded};
use crate::figures::Drawing;
use crate::node::Node;
use crate::papers::PaperError;
use crate::problem::{Kind, Problem};
use crate::seal::Flaws;
use crate::views::Standing;
use actix_multipart::Multipart;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use domain::actor::Role;
use domain::checklist::Checklist;
use domain::event::inspection::InspectionPhotoTaken;
use domain::fact::Subject;
use domain::ids::{ChecklistId, InspectionId, OrganisationId, PaperId, PartCode, SubjectId};
use domain::inspection::{Inspection, InspectionCommand};
use domain::zone::day_of;
use projections::scope::Period;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Who inspects.
const INSPECTORS: [Role; 1] = [Role::Supervisor];
/// No part has more points than a card may have.
const POINTS_MAX: f64 = 10_000.0;

/// 开展考评.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"hall": "361023100", "checklist": "model-hall", "inspected_on": "2026-11-02",
    "from": "2026-10-01", "to": "2026-11-01"}))]
pub struct OpenInspectionBody {
    /// Of which hall.
    #[schema(value_type = String)]
    pub hall: OrganisationId,
    /// By which checklist; the version in use that day.
    #[schema(value_type = String)]
    pub checklist: ChecklistId,
    /// On which day; today if absent.
    #[serde(default)]
    pub inspected_on: Option<NaiveDate>,
    /// Computed parts are taken of the days from this one …
    pub from: NaiveDate,
    /// … to before this one.
    pub to: NaiveDate,
}

/// 逐项检查.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"part": "SIGNS", "points": 3.5, "photos": ["01KH9Z6V0000000000000000AC"], "note": "导引标识齐全"}))]
pub struct InspectPartBody {
    /// Which part of the checklist.
    #[schema(value_type = String)]
    pub part: PartCode,
    /// Its points, in steps of a hundredth.
    pub points: f64,
    /// The photos that show it.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub photos: Vec<PaperId>,
    /// In words, kept sealed.
    #[serde(default)]
    pub note: Option<String>,
}

/// Whose key seals what belongs to an inspection.
#[must_use]
pub fn keeper(node: &Node, inspection: InspectionId) -> SubjectId {
    node.vault.subject(&format!("inspection {inspection}"))
}

/// `POST /inspections`
///
/// # Errors
/// The hall is not the caller's to inspect, the body is flawed, or a rule forbids it.
pub async fn open(node: web::Data<Node>, caller: Caller, incoming: Incoming) -> Result<HttpResponse, Problem> {
    let OpenInspectionBody { hall, checklist, inspected_on, from, to } = incoming.read()?;
    answers_for(&node, &caller, &hall, &INSPECTORS)?;
    let inspected_on = inspected_on.unwrap_or_else(|| day_of(node.clock.now()));
    let relied_on = Subject::Checklist(checklist);
    let loaded = node.executor.load::<Checklist>(&relied_on).await?;
    let checklist = loaded.state.on(inspected_on).cloned().map(Box::new);
    // The id follows from the command, so that a repeated request begins no second inspection.
    let inspection = InspectionId(incoming.command.0);
    let command = InspectionCommand::Open { inspection, hall, checklist, inspected_on, from, to };
    let also = [(relied_on, loaded.version)];
    let (subject, id) = (Subject::Inspection(inspection), inspection.to_string());
    carry_out_with::<Inspection>(&node, &caller, &incoming, &subject, &id, &command, &also).await
}

/// Returns an inspection that is this caller's to go on with.
async fn own(node: &Node, caller: &Caller, id: &str) -> Result<(InspectionId, Arc<Loaded<Inspection>>), Problem> {
    let id: InspectionId = id.parse().map_err(|_| Problem::not_found())?;
    let loaded = node.executor.load::<Inspection>(&Subject::Inspection(id)).await?;
    let opened = loaded.state.opened.as_ref().ok_or_else(Problem::not_found)?;
    answers_for(node, caller, &opened.hall, &INSPECTORS)?;
    Ok((id, loaded))
}

/// `POST /inspections/{id}/actions/{action}`: `inspect-part` or `score`.
///
/// # Errors
/// There is no such inspection or action, the caller may not, the body is flawed, or a rule forbids it.
pub async fn act(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
    incoming: Incoming,
) -> Result<HttpResponse, Problem> {
    let (id, action) = path.into_inner();
    let (inspection, loaded) = own(&node, &caller, &id).await?;
    let command = match action.as_str() {
        "inspect-part" => inspect(&node, &incoming, inspection).await?,
        "score" => score(&node, &incoming, &loaded.state).await?,
        _ => return Err(Problem::not_found()),
    };
    let subject = Subject::Inspection(inspection);
    carry_out::<Inspection>(&node, &caller, &incoming, &subject, &id, &command).await
}

async fn inspect(node: &Node, incoming: &Incoming, inspection: InspectionId) -> Result<InspectionCommand, Problem> {
    let InspectPartBody { part, points, photos, note } = incoming.read()?;
    let mut flaws = Flaws::default();
    if !(0.0..=POINTS_MAX).contains(&points) {
        flaws.add("/points", "须为不小于零的分数", "must be points, not less than none");
    }
    flaws.list("/photos", &photos);
    flaws.optional("/note", note.as_deref());
    flawless(flaws)?;
    let note = match note {
        None => None,
        Some(note) => {
            let keeper = keeper(node, inspection);
            let keyring = node.vault.keyring([keeper.clone()]).await?;
            Some(node.vault.seal(&keyring, &keeper, &Subject::Inspection(inspection).to_string(), &note)?)
        }
    };
    Ok(InspectionCommand::Inspect { part, hundredths: hundredths(points), photos, note })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "points were checked to lie between none and the most a part may have"
)]
fn hundredths(points: f64) -> u32 {
    (points * 100.0).round() as u32
}

/// The figures are drawn from the views at one position of the log, which the score names.
async fn score(node: &Node, incoming: &Incoming, inspection: &Inspection) -> Result<InspectionCommand, Problem> {
    if !incoming.object()?.is_empty() {
        return Err(flaw("", "评分不带内容", "a score is drawn, so the body is empty"));
    }
    let opened = inspection.opened.as_ref().ok_or_else(Problem::not_found)?;
    let now = node.clock.now();
    let views = &node.reads.views;
    let position = views.live().position();
    let period = Period { from: opened.from, to: opened.to };
    let drawing = Drawing { hall: opened.hall.clone(), period, asked_on: day_of(now) };
    let measured = drawing.draw(views, &Standing::through(position, now), &inspection.figures()).await?;
    Ok(InspectionCommand::Score { position: position.0, measured })
}

/// `POST /inspections/{id}/photos`
///
/// # Errors
/// The inspection is not the caller's, the parts are flawed, a rule forbids it, or disk or log are in trouble.
pub async fn take_photo(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<String>,
    request: HttpRequest,
    parts: Result<Multipart, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let head = Head::of(&request)?;
    let (inspection, _) = own(&node, &caller, &path).await?;
    let parts = parts.map_err(|_| Problem::new(Kind::UnsupportedMedia))?;
    let subject = Subject::Inspection(inspection);
    let keeper = keeper(&node, inspection);
    let keyring = node.vault.keyring([keeper.clone()]).await?;
    // The paper's id follows from the command: a repeated request writes the same file, not another.
    let paper = PaperId(head.command.0);
    let mut draft = node.papers.draft(&node.vault, &keyring, &keeper, &subject.to_string(), paper)?;
    let came = take_in(parts, &mut draft).await?;
    let photo = photo(came, paper)?;
    let said = format!("{}\0{}\0{}", photo.part, photo.sha256, photo.media_type);
    let digest = super::request::digest(&node, &caller.actor, &head.route, said.as_bytes());
    let asked =
        Asked { command: head.command, digest, actor: caller.actor.clone(), if_match: head.if_match, late: None };
    let command = InspectionCommand::TakePhoto(photo);
    let done = match node.executor.begin(asked.command, asked.digest).await? {
        Begun::Repeated(done) => done,
        Begun::Fresh(under_way) => {
            node.executor.would_allow::<Inspection>(&asked, &subject, &command).await?;
            let papers = node.papers.clone();
            let kept = tokio::task::spawn_blocking(move || draft.keep(&papers, paper)).await;
            kept.map_err(|_| Problem::new(Kind::Internal))?.map_err(PaperError::from)?;
            node.executor.execute::<Inspection>(&under_way, &asked, &subject, &command, &[]).await?
        }
    };
    Ok(Written::new(inspection.to_string(), &done).with("photo", paper.to_string()).respond())
}

fn photo(came: Parts, paper: PaperId) -> Result<InspectionPhotoTaken, Problem> {
    let (attached, _) = came.checked(paper)?;
    if !attached.media_type.starts_with("image/") {
        return Err(flaw("/file", "须为 JPEG 或 PNG 照片", "must be a photo, JPEG or PNG"));
    }
    let part = attached.code.as_str().parse::<PartCode>();
    let part = part.map_err(|_| flaw("/code", "须为考评项编码", "must be the code of a part"))?;
    Ok(InspectionPhotoTaken {
        paper,
        part,
        sha256: attached.sha256,
        bytes: attached.bytes,
        media_type: attached.media_type,
    })
}

/// `GET /inspections/{id}/photos/{photo}`
///
/// # Errors
/// Inspection or photo are not there for the caller, or the file is missing or damaged.
pub async fn show_photo(
    node: web::Data<Node>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, paper) = path.into_inner();
    let id: InspectionId = id.parse().map_err(|_| Problem::not_found())?;
    let loaded = node.executor.load::<Inspection>(&Subject::Inspection(id)).await?;
    let opened = loaded.state.opened.as_ref().ok_or_else(Problem::not_found)?;
    node.reads
        .views
        .today(|reference| crate::rights::asked_organisation(&caller, Some(&opened.hall), &reference.organisations))?;
    if !caller.scope.sees_persons() {
        // There may be people in the picture.
        return Err(Problem::new(Kind::Forbidden));
    }
    let paper: PaperId = paper.parse().map_err(|_| Problem::not_found())?;
    let photo = loaded.state.photos.get(&paper).ok_or_else(Problem::not_found)?;
    let media_type = photo.media_type.clone();
    let (at, keeper) = (node.clone(), keeper(&node, id));
    let context = Subject::Inspection(id).to_string();
    let read = tokio::task::spawn_blocking(move || at.papers.read(&at.vault, &keeper, &context, paper)).await;
    let bytes = read.map_err(|_| Problem::new(Kind::Internal))??;
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((CONTENT_DISPOSITION, format!("inline; filename=\"{paper}\"")))
        .insert_header(("x-content-type-options", "nosniff"))
        .body(bytes))
}
