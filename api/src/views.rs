//! Which history an answer rests on: the live views, or the same views as they stood.
//!
//! A question is resolved once to a [`Standing`]; handlers then look at views without knowing which kind they were
//! given. Rights are not resolved here: they are always today's.

use crate::answers::{Answers, Asked, Question};
use crate::clock::Clock;
use crate::problem::{FieldError, Kind, Problem, Text};
use crate::query::{FromParameters, Parameters, invalid};
use crate::remembered::Remembered;
use bytes::Bytes;
use chrono::NaiveDate;
use domain::fact::{Fact, Subject};
use domain::ids::CaseId;
use domain::reference::Reference;
use domain::zone::{Instant, day_of};
use eventstore::Position;
use projections::Projection;
use projections::balance::Balance;
use projections::case_file::CaseFile;
use projections::certificate_free::CertificateFree;
use projections::coverage::Coverage;
use projections::halls::Halls;
use projections::kin::Kin;
use projections::oversight::Oversight;
use projections::processing_times::ProcessingTimes;
use projections::queues::Queues;
use projections::rating_signs::RatingSigns;
use projections::reference::ReferenceData;
use projections::satisfaction::Satisfaction;
use projections::scores::Scores;
use projections::staffing::Staffing;
use projections::supplements::Supplements;
use replay::as_of::Past;
use replay::history::{History, HistoryError};
use replay::live::{Behind, Live};
use replay::moment::{Basis, Late, Moment, Slice};
use replay::view::View;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a look at the past waits for its turn.
const PAST_PATIENCE: Duration = Duration::from_secs(10);
/// How many looks at the past are worked out at once.
const PAST_LOOKS_MAX: usize = 2;

/// Which history is asked for: `as_of`, `basis` and `min_position` of every read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct When {
    as_of: Option<Instant>,
    basis: Option<Basis>,
    min_position: Option<u64>,
}

impl FromParameters for When {
    fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let as_of = parameters.moment("as_of")?;
        let basis = parameters.one::<Basis>("basis")?;
        let min_position = parameters.number("min_position", 0, u64::MAX)?;
        Ok(Self { as_of, basis, min_position })
    }
}

impl When {
    /// Returns the moment asked for, if it is not now.
    #[must_use]
    pub fn as_of(&self) -> Option<Instant> {
        self.as_of
    }
}

/// The history that an answer rests on, resolved once; cursors keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The moment by which lights are judged and which the answer names.
    pub at: Instant,
    past: Option<PastSlice>,
}

/// A slice of history in a form that a cursor can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct PastSlice {
    through: u64,
    late: Option<(Instant, u64)>,
}

impl Standing {
    /// The present.
    #[must_use]
    pub fn now(at: Instant) -> Self {
        Self { at, past: None }
    }

    /// The history up to a position, judged by a moment.
    #[must_use]
    pub fn through(position: Position, at: Instant) -> Self {
        Self::of(Slice::through(position), at)
    }

    /// Returns what a later page of the same list rests on: the same past, but today's present.
    #[must_use]
    pub fn again(self, clock: &Clock) -> Self {
        match self.past {
            Some(_) => self,
            None => Self::now(clock.now()),
        }
    }

    /// Returns the day in Fuzhou by which lights are judged.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        day_of(self.at)
    }

    /// Returns the slice of history, unless it is the present.
    #[must_use]
    pub fn slice(&self) -> Option<Slice> {
        self.past.map(|past| Slice {
            through: Position(past.through),
            late: past.late.map(|(until, known)| Late { until, known: Position(known) }),
        })
    }

    fn of(slice: Slice, at: Instant) -> Self {
        let late = slice.late.map(|late| (late.until, late.known.0));
        Self { at, past: Some(PastSlice { through: slice.through.0, late }) }
    }
}

/// A projection that is kept live.
pub trait Kept: Projection {
    /// Returns its live view.
    fn of(views: &replay::views::Views) -> &View<Self>;
}

impl Kept for ReferenceData {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.reference
    }
}

impl Kept for Queues {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.queues
    }
}

impl Kept for ProcessingTimes {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.processing_times
    }
}

impl Kept for Satisfaction {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.satisfaction
    }
}

impl Kept for Balance {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.balance
    }
}

impl Kept for Coverage {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.coverage
    }
}

impl Kept for Kin {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.kin
    }
}

impl Kept for Scores {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.scores
    }
}

impl Kept for Staffing {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.staffing
    }
}

impl Kept for Oversight {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.oversight
    }
}

impl Kept for RatingSigns {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.rating_signs
    }
}

impl Kept for Halls {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.halls
    }
}

impl Kept for CertificateFree {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.certificate_free
    }
}

impl Kept for Supplements {
    fn of(views: &replay::views::Views) -> &View<Self> {
        &views.supplements
    }
}

/// Something seen in the views, and up to where they had folded when it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<T> {
    /// What was seen.
    pub value: T,
    /// The last position in it.
    pub position: Position,
}

/// The live views and the past, behind one door.
#[derive(Clone)]
pub struct Views {
    live: Arc<Live>,
    past: Past,
    turns: Arc<Semaphore>,
    remembered: Arc<Remembered>,
    answers: Arc<Answers>,
    /// How long a read waits for the views to reach `min_position`.
    patience: Duration,
}

impl Views {
    /// Puts the door in front of the live views. Whoever asks for a `min_position` waits so long at most.
    #[must_use]
    pub fn new(live: Arc<Live>, patience: Duration) -> Self {
        let past = Past::new(live.history().clone(), live.checkpoints().clone(), live.index().clone());
        let turns = Arc::new(Semaphore::new(PAST_LOOKS_MAX));
        Self { live, past, turns, remembered: Arc::default(), answers: Arc::default(), patience }
    }

    /// Returns the live views.
    #[must_use]
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Returns the log.
    #[must_use]
    pub fn history(&self) -> &History {
        self.live.history()
    }

    /// Returns everything needed to look at the past.
    #[must_use]
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// Resolves a question against the log, once.
    ///
    /// # Errors
    /// `as_of` lies in the future, `basis` stands without it, or the views do not reach `min_position` in time.
    pub async fn resolve(&self, when: &When, clock: &Clock) -> Result<Standing, Problem> {
        let now = clock.now();
        if let Some(wanted) = when.min_position {
            self.live.wait_for(Position(wanted), self.patience).await?;
        }
        let Some(at) = when.as_of else {
            return match when.basis {
                None | Some(Basis::Recorded) => Ok(Standing::now(now)),
                Some(Basis::Effective) => {
                    let detail = Text::new("须与 as_of 同用", "it means nothing without as_of");
                    Err(invalid("basis", detail))
                }
            };
        };
        if now < at {
            let detail = Text::new("该时间尚未到来", "that moment has not come yet");
            return Err(Problem::new(Kind::FutureMoment).errors(vec![FieldError::new("/as_of", detail)]));
        }
        let moment = Moment::At(at, when.basis.unwrap_or(Basis::Recorded));
        let slice = self.history().slice(moment).await.map_err(HistoryError::from)?;
        Ok(Standing::of(slice, at))
    }

    /// Looks at one projection: the live one, or as it stood.
    ///
    /// # Errors
    /// The log cannot be read, or too many look at the past at once.
    pub async fn look<P: Kept, T>(&self, at: &Standing, look: impl FnOnce(&P) -> T) -> Result<Seen<T>, Problem> {
        match at.slice() {
            None => Ok(self.live.read(|views| seen(P::of(views), look))),
            Some(slice) => Ok(seen(&*self.past_view::<P>(slice).await?, look)),
        }
    }

    /// Looks at two projections at the same position, off the threads that answer requests: for questions that read
    /// many cells.
    ///
    /// # Errors
    /// The log cannot be read, or too many look at the past at once.
    pub async fn study<P: Kept, Q: Kept, T: Send + 'static>(
        &self,
        at: &Standing,
        look: impl FnOnce(&P, &Q) -> T + Send + 'static,
    ) -> Result<Seen<T>, Problem> {
        let studied = match at.slice() {
            None => {
                let live = self.live.clone();
                tokio::task::spawn_blocking(move || {
                    live.read(|views| {
                        let (one, other) = (P::of(views), Q::of(views));
                        Seen { value: look(&one.state, &other.state), position: one.position.min(other.position) }
                    })
                })
            }
            Some(slice) => {
                let (one, other) = (self.past_view::<P>(slice).await?, self.past_view::<Q>(slice).await?);
                tokio::task::spawn_blocking(move || Seen {
                    value: look(&one.state, &other.state),
                    position: one.position,
                })
            }
        };
        studied.await.map_err(|_| Problem::new(Kind::Internal))
    }

    /// Answers a question, from what was written for it before if nothing was recorded since.
    ///
    /// # Errors
    /// The question has no answer, the log cannot be read, or too many look at the past at once.
    pub async fn answer<Q: Question>(&self, at: &Standing, question: Q) -> Result<Seen<Bytes>, Problem> {
        let asked = Asked::of(&question, at.day(), at.slice());
        let position = self.live.read(|views| Q::View::of(views).position.min(views.reference.position));
        if let Some(seen) = self.answers.kept(&asked, position) {
            return Ok(seen);
        }
        let seen = self.work_out(at, question).await?;
        self.answers.keep(asked, seen.clone());
        Ok(seen)
    }

    /// Answers a question whose answer will not be asked for again.
    ///
    /// # Errors
    /// The question has no answer, the log cannot be read, or too many look at the past at once.
    pub async fn work_out<Q: Question>(&self, at: &Standing, question: Q) -> Result<Seen<Bytes>, Problem> {
        let day = at.day();
        let work = move |view: &Q::View, data: &ReferenceData| {
            question.answer(view, &data.reference, day).and_then(|answer| question.written(&answer))
        };
        let Seen { value, position } = self.study(at, work).await?;
        Ok(Seen { value: value?.into(), position })
    }

    /// Looks at today's catalogue, organisations, calendar and policies: what rights go by.
    pub fn today<T>(&self, look: impl FnOnce(&Reference) -> T) -> T {
        self.live.read(|views| look(&views.reference.state.reference))
    }

    /// Returns the position that an answer names. Ask for it before the answer's stream: the views go on meanwhile, and
    /// what was named must be in what is shown.
    #[must_use]
    pub fn position(&self, at: &Standing) -> Position {
        at.slice().map_or_else(|| self.live.position(), |slice| slice.through)
    }

    /// Returns the facts of one stream, as it stood.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn stream(&self, at: &Standing, subject: &Subject) -> Result<Vec<Fact>, Problem> {
        Ok(match at.slice() {
            None => self.history().stream(subject).await?,
            Some(slice) => self.history().stream_in(subject, &slice).await?,
        })
    }

    /// Returns the facts of a stream that never grows long, as it stood.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn short_stream(&self, at: &Standing, subject: &Subject) -> Result<Arc<Vec<Fact>>, Problem> {
        let all = self.remembered.stream(self.history(), subject).await?;
        Ok(match at.slice() {
            None => all,
            Some(slice) => Arc::new(all.iter().filter(|fact| slice.holds(fact)).cloned().collect()),
        })
    }

    /// Returns the fact at a position that something stands on.
    ///
    /// # Errors
    /// The log cannot be read, or holds no such fact.
    pub async fn fact(&self, position: u64) -> Result<Arc<Fact>, Problem> {
        let fact = self.remembered.fact(self.history(), position).await?;
        fact.ok_or_else(|| Problem::new(Kind::Internal))
    }

    /// Returns the reference data through a position, as whatever was decided by them saw them.
    ///
    /// # Errors
    /// The log cannot be read, or too many look at the past at once.
    pub async fn reference_through(&self, position: Position) -> Result<Arc<View<ReferenceData>>, Problem> {
        self.past_view(Slice::through(position)).await
    }

    /// Returns the file of a case, open or closed, as it stood; nothing if there was no such case.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn case_file(&self, at: &Standing, case: CaseId) -> Result<Option<Arc<CaseFile>>, Problem> {
        if let Some(slice) = at.slice() {
            return Ok(file_of(&self.history().stream_in(&Subject::Case(case), &slice).await?).map(Arc::new));
        }
        let open =
            self.live.read(|views| views.queues.state.case(case).map(|file| self.remembered.open_file(case, file)));
        match open {
            Some(file) => Ok(Some(file)),
            None => Ok(self.remembered.file(self.history(), case).await?),
        }
    }

    /// Waits for a turn to read much of the log at once; others wait until it is dropped.
    ///
    /// # Errors
    /// Too many do so already.
    pub async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        match tokio::time::timeout(PAST_PATIENCE, self.turns.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Problem::new(Kind::Unavailable).retry_after(5)),
        }
    }

    /// Folds off the threads that answer requests: a look far back may take a second.
    async fn past_view<P: Kept>(&self, slice: Slice) -> Result<Arc<View<P>>, Problem> {
        let turn = self.turn().await?;
        let past = self.past.clone();
        let here = tokio::runtime::Handle::current();
        let folded = tokio::task::spawn_blocking(move || {
            let view = here.block_on(past.view::<P>(&slice));
            drop(turn);
            view
        });
        folded.await.map_err(|_| Problem::new(Kind::Internal))?.map_err(Problem::from)
    }
}

/// Returns the file that the facts of one case make; nothing if there are none.
#[must_use]
pub fn file_of(facts: &[Fact]) -> Option<CaseFile> {
    let mut file = CaseFile::default();
    facts.iter().for_each(|fact| file.apply(fact));
    file.id.is_some().then_some(file)
}

fn seen<P: Projection, T>(view: &View<P>, look: impl FnOnce(&P) -> T) -> Seen<T> {
    Seen { value: look(&view.state), position: view.position }
}

impl From<Behind> for Problem {
    fn from(behind: Behind) -> Self {
        let Behind { reached, wanted } = behind;
        Self::new(Kind::NotCaughtUp).detail(Text::new(
            format!("数据已更新至 {reached}，尚未到 {wanted}"),
            format!("the views stand at {reached}, not yet at {wanted}"),
        ))
    }
}

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Self {
        tracing::error!("the log could not be read for an answer: {error}");
        match error {
            HistoryError::Read(eventstore::ReadError::Unavailable { .. }) => Self::new(Kind::Unavailable),
            HistoryError::Read(eventstore::ReadError::Corrupt { .. }) | HistoryError::Decode { .. } => {
                Self::new(Kind::Internal)
            }
        }
    }
}
