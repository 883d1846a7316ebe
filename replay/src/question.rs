//! One question to one view, asked alike of two moments, or of what was and what might have been.

use crate::as_of::Past;
use crate::history::HistoryError;
use crate::moment::Slice;
use crate::view::View;
use chrono::NaiveDate;
use domain::fact::Fact;
use domain::ids::{ItemId, OrganisationId};
use domain::reference::Reference;
use domain::zone::{Instant, day_of};
use projections::Projection;
use projections::balance::{Balance, BalanceQuery};
use projections::oversight::{AnomaliesQuery, Oversight};
use projections::processing_times::{Cohort, ProcessingTimes, ProcessingTimesQuery, RegionAs};
use projections::queues::{QueueQuery, Queues};
use projections::satisfaction::{Satisfaction, SatisfactionQuery};
use projections::scope::{Attribution, Month, Period, Source};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::str::FromStr;
use std::sync::Arc;

/// The most work that one answer lists of queues.
const QUEUE_ROWS_MAX: usize = 20_000;

/// Which view is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewKind {
    /// What waits for whom.
    Queues,
    /// How long cases took.
    ProcessingTimes,
    /// 好差评.
    Satisfaction,
    /// What came in and how it ended.
    Balance,
    /// 督查: what is marked.
    Oversight,
}

impl ViewKind {
    /// Every view that can be asked.
    pub const ALL: [Self; 5] =
        [Self::Queues, Self::ProcessingTimes, Self::Satisfaction, Self::Balance, Self::Oversight];

    /// Returns its name, which is that of its projection.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queues => Queues::NAME,
            Self::ProcessingTimes => ProcessingTimes::NAME,
            Self::Satisfaction => Satisfaction::NAME,
            Self::Balance => Balance::NAME,
            Self::Oversight => Oversight::NAME,
        }
    }
}

/// A question that no view can answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// No view has this name.
    #[error("there is no view {0:?} to ask; choose from queues, processing-times, satisfaction, balance, oversight")]
    NoSuchView(String),
    /// The view cannot tell its figures apart so.
    #[error("{view} has no dimension {word:?}: {detail}")]
    NoSuchDimension {
        /// Which view.
        view: &'static str,
        /// What was asked for.
        word: String,
        /// What there is.
        detail: String,
    },
    /// Dimensions that do not go together.
    #[error("{0}")]
    Contradictory(String),
}

impl FromStr for ViewKind {
    type Err = QuestionError;
    fn from_str(name: &str) -> Result<Self, QuestionError> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == name);
        known.ok_or_else(|| QuestionError::NoSuchView(name.chars().take(64).collect()))
    }
}

/// A question to a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Which view.
    pub view: ViewKind,
    /// Figures are told apart by these; by the view's own first dimension if empty.
    pub group_by: Vec<String>,
    /// Which days; all there are if absent. A balance is of the month in which they begin.
    pub period: Option<Period>,
    /// Only this item.
    pub item: Option<ItemId>,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Which organisation a case belongs to.
    pub attribution: Attribution,
    /// Which day puts a case into the period.
    pub cohort: Cohort,
}

impl Question {
    /// Returns the question for everything that a view knows.
    #[must_use]
    pub fn of(view: ViewKind) -> Self {
        let (attribution, cohort) = (Attribution::default(), Cohort::default());
        Self { view, group_by: Vec::new(), period: None, item: None, organisation: None, attribution, cohort }
    }

    /// Returns the same question, if the view can answer it.
    ///
    /// # Errors
    /// It cannot.
    pub fn checked(self) -> Result<Self, QuestionError> {
        Asked::new(self.view).answer(&self, &Reference::default(), Instant::UNIX_EPOCH)?;
        Ok(self)
    }

    fn dimensions<D: DeserializeOwned>(&self, usual: &str) -> Result<Vec<D>, QuestionError> {
        let usual = [usual.to_owned()];
        let words = if self.group_by.is_empty() { usual.as_slice() } else { self.group_by.as_slice() };
        let dimension = |word: &String| {
            serde_json::from_value(Value::from(word.as_str())).map_err(|error| QuestionError::NoSuchDimension {
                view: self.view.as_str(),
                word: word.chars().take(64).collect(),
                detail: error.to_string(),
            })
        };
        words.iter().filter(|word| !word.is_empty()).map(dimension).collect()
    }

    /// Returns all days that a calendar can name.
    #[must_use]
    pub fn all_days(&self) -> Period {
        Period { from: NaiveDate::MIN, to: NaiveDate::MAX }
    }

    fn period(&self) -> Period {
        self.period.unwrap_or(self.all_days())
    }
}

/// A view being asked: one of the projections, empty or as it stood.
#[derive(Debug, Clone)]
pub enum Asked {
    /// What waits for whom.
    Queues(Arc<View<Queues>>),
    /// How long cases took.
    ProcessingTimes(Arc<View<ProcessingTimes>>),
    /// 好差评.
    Satisfaction(Arc<View<Satisfaction>>),
    /// What came in and how it ended.
    Balance(Arc<View<Balance>>),
    /// What is marked.
    Oversight(Arc<View<Oversight>>),
}

impl Asked {
    /// Returns the view of an empty history.
    #[must_use]
    pub fn new(view: ViewKind) -> Self {
        match view {
            ViewKind::Queues => Self::Queues(Arc::default()),
            ViewKind::ProcessingTimes => Self::ProcessingTimes(Arc::default()),
            ViewKind::Satisfaction => Self::Satisfaction(Arc::default()),
            ViewKind::Balance => Self::Balance(Arc::default()),
            ViewKind::Oversight => Self::Oversight(Arc::default()),
        }
    }

    /// Returns the view as it stood at the end of a slice.
    ///
    /// # Errors
    /// The store cannot be read, or holds something unknown.
    pub async fn at(view: ViewKind, past: &Past, slice: &Slice) -> Result<Self, HistoryError> {
        Ok(match view {
            ViewKind::Queues => Self::Queues(past.view(slice).await?),
            ViewKind::ProcessingTimes => Self::ProcessingTimes(past.view(slice).await?),
            ViewKind::Satisfaction => Self::Satisfaction(past.view(slice).await?),
            ViewKind::Balance => Self::Balance(past.view(slice).await?),
            ViewKind::Oversight => Self::Oversight(past.view(slice).await?),
        })
    }

    /// Takes in one fact more.
    pub fn apply(&mut self, fact: &Fact) {
        match self {
            Self::Queues(view) => Arc::make_mut(view).state.apply(fact),
            Self::ProcessingTimes(view) => Arc::make_mut(view).state.apply(fact),
            Self::Satisfaction(view) => Arc::make_mut(view).state.apply(fact),
            Self::Balance(view) => Arc::make_mut(view).state.apply(fact),
            Self::Oversight(view) => Arc::make_mut(view).state.apply(fact),
        }
    }

    /// Answers a question, with the reference data and by the moment that it is about.
    ///
    /// # Errors
    /// The question is none that this view can answer.
    pub fn answer(&self, question: &Question, reference: &Reference, at: Instant) -> Result<Value, QuestionError> {
        let (today, period) = (day_of(at), question.period());
        let (item, organisation) = (question.item.clone(), question.organisation.clone());
        match self {
            Self::Queues(queues) => Ok(queue_rows(&queues.state, question, reference, today)),
            Self::ProcessingTimes(times) => {
                let query = ProcessingTimesQuery {
                    period,
                    cohort: question.cohort,
                    group_by: question.dimensions("item")?,
                    item,
                    organisation,
                    closing: None,
                    attribution: question.attribution,
                    region_as: RegionAs::default(),
                    source: Source::default(),
                };
                let answer = times.state.answer(&query, reference, today);
                Ok(json(&answer.map_err(|why| QuestionError::Contradictory(why.to_string()))?))
            }
            Self::Satisfaction(satisfaction) => {
                let group_by = question.dimensions("org")?;
                let query = SatisfactionQuery { period, group_by, item, organisation, source: Source::default() };
                Ok(json(&satisfaction.state.answer(&query, reference, today)))
            }
            Self::Balance(balance) => {
                let month = Month::of(question.period.map_or(today, |period| period.from));
                let attribution = question.attribution;
                let query = BalanceQuery { month, organisation, attribution, source: Source::default() };
                Ok(json(&balance.state.answer(&query, &reference.organisations)))
            }
            Self::Oversight(oversight) => {
                let query = AnomaliesQuery {
                    period,
                    group_by: question.dimensions("kind")?,
                    kinds: Vec::new(),
                    item,
                    organisation,
                    person: None,
                    source: Source::default(),
                };
                Ok(json(&oversight.state.anomalies(&query, &reference.organisations)))
            }
        }
    }
}

/// What waits, without anybody for whom it is done.
fn queue_rows(queues: &Queues, question: &Question, reference: &Reference, today: NaiveDate) -> Value {
    let query = QueueQuery { organisation: question.organisation.clone(), ..QueueQuery::default() };
    let mut page = queues.page(&query, None, QUEUE_ROWS_MAX, reference, today);
    page.rows.retain(|row| question.item.is_none() || row.item == question.item);
    for row in &mut page.rows {
        row.applicant = None;
    }
    let mut shown = json(&page);
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("next");
        // The counts are of all items.
        if question.item.is_some() {
            shown.remove("counts");
        }
    }
    shown
}

/// Answers are plain structs of text and numbers, which JSON always takes.
fn json(answer: &impl Serialize) -> Value {
    serde_json::to_value(answer).unwrap_or_default()
}
