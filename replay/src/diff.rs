//! Two moments compared 对比: what differs between them, and which facts made it so.
//!
//! A case is compared field by field, and every field that differs names the act that changed it. A view is compared
//! cell by cell; since every figure is made of single cases, each case that something happened to in between is asked
//! alone what it contributes, and so every cell names the facts behind its difference.

use crate::as_of::{Past, stretches};
use crate::case_index::IndexError;
use crate::difference::{Cells, Change};
use crate::effective::effective_at;
use crate::history::HistoryError;
use crate::moment::Slice;
use crate::pages::Pages;
use crate::question::{Asked, Question, QuestionError};
use crate::view::{AnyView, StateError, View};
use domain::actor::Role;
use domain::event::case::AcceptanceKind;
use domain::event::{CaseEvent, CertificateEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, OrganisationId};
use domain::reference::Reference;
use domain::zone::Instant;
use eventstore::Position;
use projections::case_file::CaseFile;
use projections::reference::ReferenceData;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The most facts between two moments that are asked for their part in a difference.
pub const FACTS_MAX: usize = 200_000;
/// The most facts that one cell names.
const CAUSES_PER_CELL_MAX: usize = 20;
/// The most cells that are told.
const CELLS_MAX: usize = 20_000;

/// Why two moments cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// The log.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The index of late facts.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A state that cannot be shown.
    #[error(transparent)]
    State(#[from] StateError),
    /// The question.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// There was no such case at either moment.
    #[error("there is no case {0} at either moment")]
    NoSuchCase(CaseId),
    /// So much happened in between that no list would help.
    #[error("more than {FACTS_MAX} events lie between the two moments; compare moments that lie closer together")]
    TooFarApart,
}

/// One end of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The moment by which lights are judged.
    pub at: Instant,
    /// What was known, or what had happened, by then.
    pub slice: Slice,
}

/// Why a fact makes the two moments differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It happened in between.
    Happened,
    /// It had happened before, and was keyed in later (先办后录).
    LateEntry,
    /// It corrects an earlier record (更正).
    Correction,
    /// The law, or evidence, reaches back: 视为受理 and its reversal, or a certificate that no longer stands.
    Retroactive,
    /// The calendar was published or amended.
    CalendarChange,
    /// Items, organisations, instruments or rules were changed.
    ReferenceChange,
}

/// A fact behind a difference. It names no person for whom anything was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Where it stands in the log.
    pub position: u64,
    /// What it is about, by the name of its stream.
    pub subject: String,
    /// What happened.
    pub event: &'static str,
    /// Why it makes a difference.
    pub why: Why,
    /// When it happened.
    pub occurred_at: Instant,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// In which role somebody did it.
    pub role: Role,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// Who, where it was a member of staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
}

/// What a field of a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concern {
    /// What lies in the file.
    Materials,
    /// Limits, and what stops them.
    Deadlines,
    /// Who has it, and who did what.
    People,
    /// Everything else.
    Fields,
}

/// One cell that differs, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Of a case: what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concern: Option<Concern>,
    /// What differs.
    #[serde(flatten)]
    pub change: Change,
    /// The positions of the facts that made it so, the first of them.
    pub by: Vec<u64>,
    /// How many there are.
    pub facts: usize,
    /// No fact made it so: lights and remaining days go with time, and with the reference data.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_time_alone: bool,
}

/// The answer: what differs, and the facts behind it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// Cells that differ, by address.
    pub changes: Vec<Difference>,
    /// There are more.
    pub truncated: bool,
    /// Every fact named by a cell, and every change of calendar and reference data in between.
    pub causes: Vec<Cause>,
    /// How many facts lie between, by why they make a difference.
    pub facts: BTreeMap<Why, usize>,
}

/// Compares one case at two moments.
///
/// # Errors
/// There is no such case, or the log cannot be read.
pub async fn of_case(past: &Past, case: CaseId, from: &End, to: &End) -> Result<Diff, DiffError> {
    let facts = past.history().stream(&Subject::Case(case)).await?;
    let at = |end: &End| facts.iter().filter(|fact| end.slice.holds(fact)).collect::<Vec<&Fact>>();
    let (before, after) = (at(from), at(to));
    if before.is_empty() && after.is_empty() {
        return Err(DiffError::NoSuchCase(case));
    }
    let told = told_apart(&facts, from, to);
    let mut by: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    // The later end holds the facts that the earlier one lacks; where it is the other way round, so is the walk.
    for walked in [&before, &after] {
        let mut file = CaseFile::default();
        let mut cells = Cells::default();
        for fact in walked {
            projections::Projection::apply(&mut file, fact);
            let next = cells_of_case(&file)?;
            if told.contains_key(&fact.position) {
                for change in cells.changes_to(&next) {
                    by.entry(change.cell).or_default().push(fact.position);
                }
            }
            cells = next;
        }
    }
    let cells = |facts: &[&Fact]| cells_of_case(&folded(facts));
    let changes = cells(&before)?.changes_to(&cells(&after)?);
    Ok(told_together(changes, &by, &told, Concern::of))
}

/// Compares the answers to one question at two moments.
///
/// # Errors
/// Too much lies between them, or log or index cannot be read.
pub async fn of_view(past: &Past, question: &Question, from: &End, to: &End) -> Result<Diff, DiffError> {
    let between = between(past, from, to).await?;
    let told = told_apart(&between, from, to);
    let reference = (past.view::<ReferenceData>(&from.slice).await?, past.view::<ReferenceData>(&to.slice).await?);
    let before = Asked::at(question.view, past, &from.slice).await?;
    let after = Asked::at(question.view, past, &to.slice).await?;
    let before = Cells::of(&before.answer(question, &reference.0.state.reference, from.at)?);
    let after = Cells::of(&after.answer(question, &reference.1.state.reference, to.at)?);
    let changes = before.changes_to(&after);
    let mut by: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    if !changes.is_empty() {
        let mut subjects: BTreeMap<&Subject, Vec<u64>> = BTreeMap::new();
        for fact in between.iter().filter(|fact| told.contains_key(&fact.position)) {
            if matches!(fact.subject, Subject::Case(_) | Subject::Rating(_)) {
                subjects.entry(&fact.subject).or_default().push(fact.position);
            }
        }
        for (subject, positions) in subjects {
            let facts = past.history().stream(subject).await?;
            let part = |end: &End, reference: &Reference| -> Result<Cells, DiffError> {
                let mut alone = Asked::new(question.view);
                facts.iter().filter(|fact| end.slice.holds(fact)).for_each(|fact| alone.apply(fact));
                Ok(Cells::of(&alone.answer(question, reference, end.at)?))
            };
            let (before, after) = (part(from, &reference.0.state.reference)?, part(to, &reference.1.state.reference)?);
            for change in before.changes_to(&after) {
                by.entry(change.cell).or_default().extend(&positions);
            }
        }
    }
    Ok(told_together(changes, &by, &told, |_| None))
}

/// Every fact that one of the ends may hold and the other may not.
async fn between(past: &Past, from: &End, to: &End) -> Result<Vec<Fact>, DiffError> {
    let history = past.history();
    let (first, last) = (from.slice.through.min(to.slice.through), from.slice.through.max(to.slice.through));
    let mut facts = page_by_page(history, first, last, |_| true).await?;
    for late in [from.slice, to.slice].into_iter().filter_map(|slice| slice.late) {
        let known = past.index().late_facts(last, &late)?;
        for (after, through) in stretches(Some(known), last, &late) {
            facts.extend(page_by_page(history, after, through, |fact| effective_at(fact) <= late.until).await?);
        }
    }
    facts.sort_by_key(|fact| fact.position);
    facts.dedup_by_key(|fact| fact.position);
    Ok(facts)
}

async fn page_by_page(
    history: &crate::history::History,
    after: Position,
    through: Position,
    wanted: impl Fn(&Fact) -> bool,
) -> Result<Vec<Fact>, DiffError> {
    let mut facts = Vec::new();
    if through <= after {
        return Ok(facts);
    }
    let mut pages = Pages::between(history, after, through);
    while let Some(page) = pages.next().await {
        facts.extend(page?.iter().filter(|fact| wanted(fact)).cloned());
        if FACTS_MAX < facts.len() {
            return Err(DiffError::TooFarApart);
        }
    }
    Ok(facts)
}

/// The facts that only one of the ends holds.
fn told_apart<'a>(facts: &'a [Fact], from: &End, to: &End) -> BTreeMap<u64, (&'a Fact, Why)> {
    let differing = facts.iter().filter(|fact| from.slice.holds(fact) != to.slice.holds(fact));
    differing.map(|fact| (fact.position, (fact, Why::of(fact, from.at.min(to.at))))).collect()
}

fn told_together(
    mut changes: Vec<Change>,
    by: &BTreeMap<String, Vec<u64>>,
    told: &BTreeMap<u64, (&Fact, Why)>,
    concern: impl Fn(&str) -> Option<Concern>,
) -> Diff {
    let truncated = CELLS_MAX < changes.len();
    changes.truncate(CELLS_MAX);
    let mut named = BTreeSet::new();
    let changes: Vec<Difference> = changes
        .into_iter()
        .map(|change| {
            let mut positions = by.get(&change.cell).cloned().unwrap_or_default();
            positions.sort_unstable();
            positions.dedup();
            let facts = positions.len();
            positions.truncate(CAUSES_PER_CELL_MAX);
            named.extend(positions.iter().copied());
            Difference { concern: concern(&change.cell), change, by_time_alone: facts == 0, by: positions, facts }
        })
        .collect();
    let mut facts: BTreeMap<Why, usize> = BTreeMap::new();
    let mut causes = Vec::new();
    for (position, (fact, why)) in told {
        *facts.entry(*why).or_default() += 1;
        if named.contains(position) || matches!(why, Why::CalendarChange | Why::ReferenceChange) {
            causes.push(Cause::of(fact, *why));
        }
    }
    Diff { changes, truncated, causes, facts }
}

impl Why {
    fn of(fact: &Fact, earlier: Instant) -> Self {
        match &fact.event {
            Event::Calendar(_) | Event::Case(CaseEvent::DeadlineRecomputed(_)) => Self::CalendarChange,
            Event::Item(_) | Event::Organisation(_) | Event::Instrument(_) | Event::Policy(_) | Event::Template(_) => {
                Self::ReferenceChange
            }
            Event::Case(CaseEvent::RecordCorrected(_)) => Self::Correction,
            Event::Case(CaseEvent::CaseAccepted(accepted)) if accepted.kind == AcceptanceKind::Deemed => {
                Self::Retroactive
            }
            Event::Case(CaseEvent::DeemedAcceptanceReversed(_))
            | Event::Certificate(CertificateEvent::CertificateRevoked(_)) => Self::Retroactive,
            Event::Case(_)
            | Event::Rating(_)
            | Event::Ticket(_)
            | Event::Appointment(_)
            | Event::Certificate(_)
            | Event::Library(_)
            | Event::Roster(_)
            | Event::ServicePoint(_)
            | Event::Checklist(_)
            | Event::Inspection(_)
            | Event::Campaign(_)
            | Event::Kin(_)
            | Event::Access(_) => {
                let happened_before = fact.occurred_at <= earlier && earlier < fact.recorded_at;
                if happened_before { Self::LateEntry } else { Self::Happened }
            }
        }
    }
}

impl Cause {
    fn of(fact: &Fact, why: Why) -> Self {
        // A resident's id is the reference of a person.
        let is_staff = !matches!(fact.by.role, Role::Resident | Role::System | Role::Import);
        Self {
            position: fact.position,
            subject: fact.subject.to_string(),
            event: fact.event.schema().name,
            why,
            occurred_at: fact.occurred_at,
            recorded_at: fact.recorded_at,
            role: fact.by.role,
            organisation: fact.by.organisation.clone(),
            staff: is_staff.then(|| fact.by.id.to_string()),
        }
    }
}

impl Concern {
    fn of(cell: &str) -> Option<Self> {
        let field = cell.strip_prefix("/case/").unwrap_or(cell).split('/').next().unwrap_or_default();
        Some(match field {
            "materials" | "papers" | "outstanding" | "promised_materials" | "relied_on" | "data_shares" | "notices" => {
                Self::Materials
            }
            "clocks" | "notice_due" | "delivery_due" | "procedures" | "extended_by" | "extension_request"
            | "warnings" => Self::Deadlines,
            "at" | "at_since" | "holder" | "held_since" | "legs" | "hand_over" | "submitted_by" | "steps"
            | "consultations" | "urgings" => Self::People,
            _ => Self::Fields,
        })
    }
}

fn folded(facts: &[&Fact]) -> CaseFile {
    let mut file = CaseFile::default();
    facts.iter().for_each(|fact| projections::Projection::apply(&mut file, fact));
    file
}

/// The fields of a case: not its place in the log, and of what is sealed only that it is another.
pub(crate) fn cells_of_case(file: &CaseFile) -> Result<Cells, StateError> {
    let view = View { state: file.clone(), position: Position::START, recorded_at: Instant::UNIX_EPOCH };
    let mut shown = (&view as &dyn AnyView).show()?;
    hide_sealed(&mut shown);
    let places = ["/version", "/position", "/updated_at", "/case/facts", "/case/rating_code_digest"];
    Ok(places.into_iter().fold(Cells::of(&shown), Cells::without))
}

/// What is sealed stays so: in its place stands a digest, by which one sees that it became another.
fn hide_sealed(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.contains_key("cipher") => {
            let digest = crate::view::Digest::of(value.to_string().as_bytes()).to_string();
            *value = Value::from(format!("sealed:{}", &digest[..16]));
        }
        Value::Object(fields) => fields.values_mut().for_each(hide_sealed),
        Value::Array(values) => values.iter_mut().for_each(hide_sealed),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}
