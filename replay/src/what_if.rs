//! What if 推演: the same fold over a history in which rules or events were otherwise.
//!
//! Only the streams that a scenario touches are read, found through the case index, and nothing is ever written: there
//! is no journal here. Both histories are folded by the same projections and asked the same question, so they stand side
//! by side, cell by cell. People are imagined to have done the same at the same moments; what the rules make of it is
//! decided anew by the deciders themselves.

mod edits;
mod imagine;
mod outcome;
mod scenario;
mod worlds;

use crate::as_of::Past;
use crate::case_index::{CaseFilter, IndexError, Order, PageOfCases, Whose};
use crate::diff::{self, End};
use crate::difference::{Cells, Change};
use crate::history::{History, HistoryError};
use crate::moment::Slice;
use crate::question::{Asked, Question, QuestionError, ViewKind};
use crate::view::StateError;
use domain::event::item::RatingStage;
use domain::event::rating::RatingSubject;
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ItemId, OrganisationId, RatingId};
use domain::reference::Reference;
use domain::zone::day_of;
use edits::{Act, acts, added};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use imagine::{Imagination, Seen};
pub use outcome::{Kept, Outcome, Outcomes};
use projections::reference::ReferenceData;
pub use scenario::{SCENARIO_BYTES_MAX, Scenario, ScenarioError};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::task::JoinSet;

/// How many cases go through both histories at once; more follow after them.
const CASES_AT_ONCE: usize = 2_000;
/// How many streams are read at once.
const STREAMS_AT_ONCE: usize = 16;
/// How many cases that would have come out otherwise are told one by one.
const CASES_TOLD_MAX: usize = 1_000;
/// How many acts that are refused, or not decided again, are told one by one.
const ACTS_TOLD_MAX: usize = 200;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// The scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The question.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// The log.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A state that cannot be shown.
    #[error(transparent)]
    State(#[from] StateError),
    /// More cases than may be imagined at once.
    #[error("the scenario touches more than {0} cases; narrow its [scope]")]
    TooManyCases(usize),
    /// No such case.
    #[error("there is no case {0} in the scenario's scope at that moment")]
    NoSuchCase(CaseId),
    /// Somebody called it off.
    #[error("it was called off")]
    Cancelled,
}

/// What is shown of both histories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The answers to a question.
    View(Question),
    /// The file of one case.
    Case(CaseId),
}

/// What is to be imagined.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What is otherwise.
    pub scenario: Scenario,
    /// What is shown of it.
    pub shown: Shown,
    /// Until when, and by which moment it is judged.
    pub end: End,
    /// Only cases of these organisations; all if absent.
    pub within: Option<BTreeSet<OrganisationId>>,
    /// The most cases that may be touched.
    pub cases_max: usize,
}

/// How far it has come, and whether it is to go on: shared with whoever watches.
#[derive(Debug, Default)]
pub struct Progress {
    /// Cases gone through.
    pub done: AtomicU64,
    /// Cases that the scenario touches.
    pub total: AtomicU64,
    /// Nobody wants it any more.
    pub cancelled: AtomicBool,
}

impl Progress {
    fn goes_on(&self) -> Result<(), WhatIfError> {
        if self.cancelled.load(Ordering::Relaxed) { Err(WhatIfError::Cancelled) } else { Ok(()) }
    }
}

/// A case that would have come out otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedCase {
    /// Which.
    pub case: CaseId,
    /// 办件编号.
    pub number: Option<String>,
    /// How it came out.
    pub actual: Outcome,
    /// How it would have.
    pub imagined: Outcome,
}

/// An act that a rule forbids in the imagined history, or that cannot be decided again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Of which stream.
    pub subject: String,
    /// Where it was recorded.
    pub position: u64,
    /// What was recorded.
    pub events: Vec<&'static str>,
    /// The rule.
    pub rule: String,
    /// The rule in words.
    pub detail_zh: String,
    /// The rule in words.
    pub detail_en: String,
}

impl Refused {
    fn of(subject: Subject, act: &Act, rule: String, detail_zh: String, detail_en: String) -> Self {
        let events = act.facts.iter().map(|fact| fact.event.schema().name).collect();
        Self { subject: subject.to_string(), position: act.position(), events, rule, detail_zh, detail_en }
    }
}

/// How the cases came out in both histories.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BothOutcomes {
    /// As it was.
    pub actual: Outcomes,
    /// As it would have been.
    pub imagined: Outcomes,
}

/// What became of the acts and the cases.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Acts on record.
    pub acts: u64,
    /// Of these, decided otherwise.
    pub decided_otherwise: u64,
    /// Left out.
    pub omitted: u64,
    /// Moved.
    pub moved: u64,
    /// Added.
    pub added: u64,
    /// What the rules did that they had not done, by rule.
    pub rules: BTreeMap<String, u64>,
    /// Acts that a rule forbids in the imagined history: they do not happen in it.
    pub refused: u64,
    /// The first of them.
    pub refused_acts: Vec<Refused>,
    /// Acts that cannot be decided again, because the deciders would not have decided them so in the first place: they
    /// stand as recorded.
    pub not_redecided: u64,
    /// The first of them.
    pub not_redecided_acts: Vec<Refused>,
    /// How the cases came out, and how they would have.
    pub outcomes: BothOutcomes,
    /// Cases that would have come out otherwise.
    pub changed: u64,
    /// The first of them.
    pub changed_cases: Vec<ChangedCase>,
}

impl Report {
    fn refuse(&mut self, refused: Refused) {
        self.refused += 1;
        if self.refused_acts.len() < ACTS_TOLD_MAX {
            self.refused_acts.push(refused);
        }
    }

    fn leave(&mut self, act: Refused) {
        self.not_redecided += 1;
        if self.not_redecided_acts.len() < ACTS_TOLD_MAX {
            self.not_redecided_acts.push(act);
        }
    }
}

/// What was, beside what might have been.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The scenario's name.
    pub scenario: String,
    /// What the scenario leaves open.
    pub notes: Vec<String>,
    /// Cells that differ: `before` as it was, `after` as it would have been.
    pub cells: Vec<Change>,
    /// The answer as it was, of the cases that the scenario touches.
    pub actual: Value,
    /// The answer as it would have been.
    pub imagined: Value,
    /// What became of the acts and the cases.
    #[serde(flatten)]
    pub report: Report,
}

/// Folds both histories, and compares them.
///
/// # Errors
/// The scenario or the question makes no sense in this history, log or index cannot be read, or it was called off.
pub async fn what_if(past: &Past, wanted: &Wanted, progress: &Progress) -> Result<Comparison, WhatIfError> {
    let (history, slice) = (past.history(), wanted.end.slice);
    let reference = past.view::<ReferenceData>(&slice).await?;
    let reference = &reference.state.reference;
    let mut notes = worlds::check(&wanted.scenario, reference)?;
    notes.extend(wanted.shown.leaves_out().map(str::to_owned));
    let cases = touched(past, wanted, reference)?;
    progress.total.store(cases.len() as u64, Ordering::Relaxed);
    let reference_facts = reference_facts(history, reference, &slice).await?;
    let mut seen = wanted.shown.nothing();
    let with_ratings = wanted.shown.needs_ratings();
    let mut report = Report::default();
    let mut references = None;
    // While one lot is decided again, the next is read.
    let mut lots = cases.chunks(CASES_AT_ONCE).map(<[CaseId]>::to_vec);
    let mut reading = JoinSet::new();
    let mut read_next = |reading: &mut JoinSet<_>| {
        if let Some(lot) = lots.next() {
            let (history, scenario) = (history.clone(), wanted.scenario.clone());
            reading.spawn(async move {
                let streams = read(&history, &lot, &slice, with_ratings, &scenario).await;
                (lot, streams)
            });
        }
    };
    read_next(&mut reading);
    while let Some(read) = reading.join_next().await {
        progress.goes_on()?;
        let (some, streams) = read.map_err(|_| WhatIfError::Cancelled)?;
        let streams = streams?;
        read_next(&mut reading);
        let mut imagination = Imagination::new(&wanted.scenario, &reference_facts);
        let besides = some.iter().map(|case| {
            let acts = streams.get(&Subject::Case(*case)).map_or(&[][..], Vec::as_slice);
            (*case, added(*case, acts, &wanted.scenario))
        });
        imagination.go_through(&streams, &besides.collect(), wanted.end.at, &mut seen, &mut report);
        let (actual, imagined) = imagination.reference();
        // Each lot takes in the same reference facts.
        references.get_or_insert_with(|| (actual.clone(), imagined.clone()));
        imagination.conclude(day_of(wanted.end.at), &mut report);
        progress.done.fetch_add(some.len() as u64, Ordering::Relaxed);
    }
    let (was, would_be) = references.unwrap_or_else(|| (reference.clone(), reference.clone()));
    let (actual, imagined) = answers(wanted, &seen, &was, &would_be)?;
    let cells = match &seen {
        Seen::View { .. } => Cells::of(&actual).changes_to(&Cells::of(&imagined)),
        Seen::Case { actual, imagined } => diff::cells_of_case(actual)?.changes_to(&diff::cells_of_case(imagined)?),
    };
    Ok(Comparison { scenario: wanted.scenario.name.clone(), notes, cells, actual, imagined, report })
}

impl Shown {
    /// Both histories before anything happened.
    fn nothing(&self) -> Seen {
        match self {
            Self::View(question) => {
                let empty = Asked::new(question.view);
                Seen::View { actual: empty.clone(), imagined: empty }
            }
            Self::Case(_) => Seen::Case { actual: Box::default(), imagined: Box::default() },
        }
    }

    /// What the question is about as well, and no case leads to.
    fn leaves_out(&self) -> Option<&'static str> {
        self.needs_ratings().then_some(
            "对现场服务、事项、人员和大厅的评价不属于任何办件，未重新判定，两边均不计入 / ratings of visits, items, members of staff \
             and halls belong to no case: they are not decided again and stand in neither figure",
        )
    }

    fn needs_ratings(&self) -> bool {
        match self {
            Self::View(question) => matches!(question.view, ViewKind::Satisfaction | ViewKind::Queues),
            Self::Case(_) => false,
        }
    }
}

/// Asks both histories the same question; only an imagined rule of attribution asks the imagined one another.
fn answers(wanted: &Wanted, seen: &Seen, was: &Reference, would_be: &Reference) -> Result<(Value, Value), WhatIfError> {
    let at = wanted.end.at;
    match (seen, &wanted.shown) {
        (Seen::View { actual, imagined }, Shown::View(question)) => {
            let attribution = wanted.scenario.attribution.map_or(question.attribution, |change| change.by);
            let otherwise = Question { attribution, ..question.clone() };
            Ok((actual.answer(question, was, at)?, imagined.answer(&otherwise, would_be, at)?))
        }
        (Seen::Case { actual, imagined }, _) => {
            Ok((diff::cells_of_case(actual)?.to_value(), diff::cells_of_case(imagined)?.to_value()))
        }
        (Seen::View { .. }, Shown::Case(_)) => Ok((Value::Null, Value::Null)),
    }
}

/// The cases that a scenario touches, in the order in which they entered the log.
fn touched(past: &Past, wanted: &Wanted, reference: &Reference) -> Result<Vec<CaseId>, WhatIfError> {
    let scope = wanted.scenario.scope.as_ref().map(|scope| scope.get_ref().clone()).unwrap_or_default();
    let org = scope.org.as_ref().map(|org| org.get_ref());
    let organisations = org.map(|org| {
        let tree = &reference.organisations;
        tree.subtree(org).chain([org]).cloned().collect::<BTreeSet<OrganisationId>>()
    });
    let organisations = match (organisations, &wanted.within) {
        (Some(asked), Some(within)) => Some(asked.intersection(within).cloned().collect()),
        (asked, within) => asked.or_else(|| within.clone()),
    };
    let one = match wanted.shown {
        Shown::Case(case) => Some(std::sync::Arc::new(BTreeSet::from([case]))),
        Shown::View(_) => None,
    };
    let mut found: Vec<CaseId> = Vec::new();
    for item in items(&wanted.scenario, &scope) {
        let filter = CaseFilter {
            whose: projections::scope::OWN.parse().map_or(Whose::Anyone, Whose::Source),
            item,
            organisations: organisations.clone(),
            opened_from: scope.from.map(|day| day.0),
            opened_to: scope.to.map(|day| day.0),
            among: one.clone(),
            ..CaseFilter::default()
        };
        let mut after = None;
        loop {
            let page = PageOfCases { after, limit: CASES_AT_ONCE, order: Order::Oldest };
            let page = past.index().cases(&filter, &wanted.end.slice, &page)?;
            found.extend(page.cases);
            if wanted.cases_max < found.len() {
                return Err(WhatIfError::TooManyCases(wanted.cases_max));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    match wanted.shown {
        Shown::Case(case) if !found.contains(&case) => Err(WhatIfError::NoSuchCase(case)),
        Shown::Case(_) | Shown::View(_) => Ok(found),
    }
}

/// The items whose cases are touched: those of the scope, else those that are changed where nothing else is, else all.
fn items(scenario: &Scenario, scope: &scenario::Scope) -> Vec<Option<ItemId>> {
    let named: BTreeSet<ItemId> = scope.items.iter().map(|item| item.get_ref().clone()).collect();
    if !named.is_empty() {
        return named.into_iter().map(Some).collect();
    }
    let only_items = scenario.policy.is_none()
        && scenario.calendar.is_empty()
        && scenario.attribution.is_none()
        && !scenario.edits_events();
    let changed: BTreeSet<ItemId> = scenario.item.iter().map(|change| change.get_ref().id.get_ref().clone()).collect();
    if only_items && !changed.is_empty() { changed.into_iter().map(Some).collect() } else { vec![None] }
}

/// Everything that decisions relied on, in the order of the log.
async fn reference_facts(history: &History, reference: &Reference, slice: &Slice) -> Result<Vec<Fact>, HistoryError> {
    let items = reference.catalogue.items().map(|(item, _)| Subject::Item(item.clone()));
    let organisations = reference.organisations.iter().map(|known| Subject::Organisation(known.id().clone()));
    let instruments = reference.instruments.iter().map(|(id, _)| Subject::Instrument(id.clone()));
    let subjects = items.chain(organisations).chain(instruments).chain([Subject::Calendar, Subject::Policy]);
    let mut facts = Vec::new();
    for stream in streams(history, subjects.collect(), slice).await? {
        facts.extend(stream);
    }
    facts.sort_by_key(|fact| fact.position);
    Ok(facts)
}

async fn streams(history: &History, subjects: Vec<Subject>, slice: &Slice) -> Result<Vec<Vec<Fact>>, HistoryError> {
    let reading = stream::iter(subjects).map(|subject| async move { history.stream_in(&subject, slice).await });
    reading.buffer_unordered(STREAMS_AT_ONCE).try_collect().await
}

/// The acts of some cases and, where they matter, of their ratings.
async fn read(
    history: &History,
    cases: &[CaseId],
    slice: &Slice,
    with_ratings: bool,
    scenario: &Scenario,
) -> Result<BTreeMap<Subject, Vec<Act>>, HistoryError> {
    let mut subjects: Vec<Subject> = cases.iter().copied().map(Subject::Case).collect();
    if with_ratings {
        let stages = [RatingStage::Accept, RatingStage::Finish];
        let ratings = cases
            .iter()
            .flat_map(|case| stages.into_iter().filter_map(|stage| RatingId::once(&RatingSubject::Case(*case), stage)));
        subjects.extend(ratings.map(Subject::Rating));
    }
    let read = streams(history, subjects, slice).await?;
    let told = read.into_iter().filter_map(|facts| Some((facts.first()?.subject.clone(), acts(facts, scenario))));
    Ok(told.collect())
}
