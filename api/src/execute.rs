//! The only write path: has it been answered → load → decide → append, and once more if somebody else was faster.
//!
//! Commands on one stream at the same time share a lane (`lane.rs`): they neither conflict with each other nor wait for
//! each other's disk. Whatever a command makes (ids, sealed texts, numbers) is made once, before; deciding again changes none of it.

use crate::bounded::Bounded;
use crate::clock::Clock;
use crate::documents::{self, PrintError, Printing};
use crate::labels;
use crate::lane::{Effect, Footing, HandedIn, Lane, Lanes, Turn};
use crate::reference::ReferenceNow;
use crate::vault::Vault;
use domain::actor::Actor;
use domain::appointment::DaySlots;
use domain::calendar::WorkingCalendar;
use domain::campaign::Campaign;
use domain::case::Case;
use domain::catalogue::Item;
use domain::certificate::Certificate;
use domain::checklist::Checklist;
use domain::decider::{Context, Decider};
use domain::event::case::{DuplicateMerged, LateEntryExplained};
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, CommandId, EventId, ExternalNumber};
use domain::inspection::{Inspection, InspectionCommand};
use domain::instrument::{Instrument, InstrumentCommand};
use domain::kin::Kin;
use domain::library::Library;
use domain::organisation::OrganisationState;
use domain::policy::Policies;
use domain::rating::Rating;
use domain::reference::Reference;
use domain::roster::{Roster, RosterCommand};
use domain::sealed::Sealed;
use domain::service_point::{ServicePointCommand, ServicePointState};
use domain::template::Template;
use domain::ticket::HallQueue;
use domain::zone::{Instant, day_of};
use eventstore::{AppendError, Appended, CommandDigest, Expected, Position, ReadError, StreamVersion};
use projections::reference::ReferenceData;
use replay::codec;
use replay::history::{History, HistoryError};
use replay::journal::{Append, Journal, NewFact};
use std::collections::HashSet;
use std::mem::discriminant;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use ulid::Ulid;

mod derived;
mod halls;

pub use derived::derived;

/// How often a decision is taken again because others were faster.
const CONFLICT_ATTEMPTS_MAX: u32 = 3;
/// States of cases that are remembered.
const CASES_MAX: usize = 16_384;
/// States of halls' days that are remembered: those of every hall of a province's larger city, and then some.
const HALL_DAYS_MAX: usize = 2_048;
/// How long a decision waits for reference data that others have just changed.
const REFERENCE_PATIENCE: Duration = Duration::from_secs(2);

/// One request to write, made once.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The command's id.
    pub command: CommandId,
    /// Of caller, route and clear body, keyed.
    pub digest: CommandDigest,
    /// Who asks.
    pub actor: Actor,
    /// The version the caller has seen, where it insists on it.
    pub if_match: Option<u64>,
    /// When it happened, where that was earlier.
    pub late: Option<LateEntry>,
}

/// 先办后录: an act keyed in later than it happened.
#[derive(Debug, Clone)]
pub struct LateEntry {
    /// When it happened.
    pub occurred_at: Instant,
    /// Why it was keyed in later.
    pub reason: Sealed,
    /// The number of the paper that shows when it happened.
    pub paper_reference: ExternalNumber,
}

/// What one act writes to another stream, all or nothing with its own.
#[derive(Debug, Clone)]
pub struct Beside {
    /// Which stream.
    pub subject: Subject,
    /// The version of it that was looked at; 0 if it is to be new.
    pub version: u64,
    /// What happens to it.
    pub event: Event,
    /// The words by which feeds filter it.
    pub labels: Vec<String>,
}

/// Tells what follows in other streams from what was decided, and when it happened.
pub type Follows<'a, E> = dyn Fn(&[E], Instant) -> Vec<Beside> + Sync + 'a;

/// What came of it.
#[derive(Debug, Clone)]
pub struct Done {
    /// What happened, in order; empty if everything was so already.
    pub facts: Vec<Fact>,
    /// The version of the stream after it.
    pub version: u64,
    /// The position of the last fact; of the stream's last one if nothing happened.
    pub position: u64,
}

/// Why a command has no effect, or none that is known.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R> {
    /// A rule forbids it.
    #[error("a rule forbids it")]
    Rejected(R),
    /// The caller insists on another version.
    #[error("the stream is at version {current}")]
    Stale {
        /// Where it is.
        current: u64,
    },
    /// Others were faster, again and again.
    #[error("too many others wrote to the stream")]
    Contended,
    /// It went wrong below, whatever the command was.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// What can go wrong with any command.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The same command is being worked on.
    #[error("the command is in progress")]
    InProgress,
    /// The id was used for another request.
    #[error("the command's id was used for another request")]
    KeyReused,
    /// More than the log takes at once.
    #[error("the command's effect is too large")]
    TooLarge,
    /// May have been written.
    #[error("the outcome is not known")]
    Unknown,
    /// Certainly not written.
    #[error("the log could not be written")]
    NotWritten(#[source] eventstore::BoxError),
    /// The log could not be read.
    #[error("the log could not be read")]
    Read(#[from] HistoryError),
    /// A document that the act issues could not be printed, so the act did not happen either.
    #[error("a document could not be printed")]
    Print(#[from] PrintError),
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        Self::Read(error.into())
    }
}

/// A state with its place in history.
#[derive(Debug, Clone, Default)]
pub struct Loaded<D> {
    /// The state, shared by all who have it at this version.
    pub state: Arc<D>,
    /// The version of its stream; 0 if nothing happened yet.
    pub version: u64,
    /// The position of its last fact.
    pub position: u64,
    /// When its last fact was recorded.
    pub recorded_at: Option<Instant>,
}

impl<D: Stream> Loaded<D> {
    fn take_in(&mut self, fact: &Fact) {
        Arc::make_mut(&mut self.state).take_in(fact);
        self.version = fact.version;
        self.position = fact.position;
        self.recorded_at = Some(fact.recorded_at);
    }
}

/// A kind of stream that decides.
pub trait Stream: Decider<Event: Into<Event>> + Clone + Send + Sync + 'static {
    /// Takes in a recorded fact of this stream.
    fn take_in(&mut self, fact: &Fact);

    /// Returns the words by which feeds filter the stream's events, given its state after them.
    fn labels(&self, subject: &Subject, reference: &Reference) -> Vec<String>;

    /// Returns the reference streams that a decision on this state relies on.
    fn relies_on(&self, command: &Self::Command) -> Vec<Subject> {
        let _ = command;
        Vec::new()
    }

    /// Returns what happens in other streams along with these events, which follow from this state. Each of those streams
    /// is named with the version at which it was seen.
    fn beside(&self, subject: &Subject, events: &[Self::Event]) -> Vec<(Subject, Event)> {
        let _ = (subject, events);
        Vec::new()
    }

    /// Returns the streams that these events, as decided, say they rest on.
    fn rests_on(events: &[Self::Event]) -> Vec<Subject> {
        let _ = events;
        Vec::new()
    }

    /// Returns the event that explains why an act was keyed in late, where the stream has one.
    fn explained(late: &LateEntry) -> Option<Self::Event> {
        let _ = late;
        None
    }

    /// Prints the document that an event issues into the event, given the state before it, where it issues one.
    ///
    /// # Errors
    /// It cannot be printed.
    fn print(&self, event: &mut Self::Event, act: &documents::Act<'_>, printing: &Printing) -> Result<(), PrintError> {
        let _ = (event, act, printing);
        Ok(())
    }

    /// Returns where states of this kind are remembered.
    fn remembered(executor: &Executor) -> Option<&Bounded<Subject, Arc<Loaded<Self>>>> {
        let _ = executor;
        None
    }
}

/// Returns the state that these facts of one stream make.
#[must_use]
pub fn folded<'a, D: Stream>(facts: impl IntoIterator<Item = &'a Fact>) -> D {
    let mut state = D::default();
    facts.into_iter().for_each(|fact| state.take_in(fact));
    state
}

/// Decides and appends.
pub struct Executor {
    journal: Journal,
    clock: Arc<Clock>,
    reference: Arc<ReferenceNow>,
    vault: Arc<Vault>,
    printing: Printing,
    cases: Bounded<Subject, Arc<Loaded<Case>>>,
    lanes: Lanes,
    halls: Bounded<Subject, Arc<Loaded<HallQueue>>>,
    slots: Bounded<Subject, Arc<Loaded<DaySlots>>>,
    under_way: Mutex<HashSet<CommandId>>,
}

/// A command that is being worked on; nobody else may work on it meanwhile.
pub struct UnderWay<'a> {
    executor: &'a Executor,
    command: CommandId,
}

/// Whether a command is new.
pub enum Begun<'a> {
    /// It is; go on.
    Fresh(UnderWay<'a>),
    /// It was answered before; this was the answer.
    Repeated(Done),
}

impl Executor {
    /// Decides by these reference data, prints what decisions issue with this vault, and appends here.
    #[must_use]
    pub fn new(journal: Journal, clock: Arc<Clock>, reference: Arc<ReferenceNow>, vault: Arc<Vault>) -> Self {
        let cases = Bounded::new(CASES_MAX);
        let (halls, slots) = (Bounded::new(HALL_DAYS_MAX), Bounded::new(HALL_DAYS_MAX));
        Self {
            journal,
            clock,
            reference,
            vault,
            printing: Printing::default(),
            cases,
            halls,
            slots,
            lanes: Lanes::default(),
            under_way: Mutex::default(),
        }
    }

    /// Returns the log, to be read.
    #[must_use]
    pub fn history(&self) -> &History {
        self.journal.history()
    }

    /// Returns what prints documents.
    #[must_use]
    pub fn printing(&self) -> &Printing {
        &self.printing
    }

    /// Takes a command up, unless it was answered before.
    ///
    /// # Errors
    /// Somebody is working on it, its id was used for another request, or the log cannot be read.
    pub async fn begin(&self, command: CommandId, digest: CommandDigest) -> Result<Begun<'_>, Trouble> {
        let fresh = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(command);
        if !fresh {
            return Err(Trouble::InProgress);
        }
        let under_way = UnderWay { executor: self, command };
        match self.journal.answer(command).await? {
            None => Ok(Begun::Fresh(under_way)),
            Some(answer) if answer.digest != digest => Err(Trouble::KeyReused),
            Some(answer) => Ok(Begun::Repeated(self.told_before(&answer.appended).await?)),
        }
    }

    async fn told_before(&self, appended: &Appended) -> Result<Done, Trouble> {
        let count = usize::try_from(appended.last.0 + 1 - appended.first.0).unwrap_or(usize::MAX);
        let page = self.history().page(Position(appended.first.0.saturating_sub(1)), count).await?;
        let version = appended.versions.first().map_or(0, |(_, version)| version.0);
        let mut facts = page.facts;
        // What happened to others of its kind, as when a duplicate goes into another case, is no part of the answer.
        if let Some(subject) = facts.first().map(|fact| fact.subject.clone()) {
            let kind = discriminant(&subject);
            facts.retain(|fact| fact.subject == subject || discriminant(&fact.subject) != kind);
        }
        Ok(Done { facts, version, position: appended.last.0 })
    }

    /// Returns a stream's state as last recorded.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn load<D: Stream>(&self, subject: &Subject) -> Result<Arc<Loaded<D>>, Trouble> {
        if let Some(known) = D::remembered(self).and_then(|remembered| remembered.get(subject)) {
            return Ok(known);
        }
        let mut loaded = Loaded::<D>::default();
        for fact in self.history().stream(subject).await? {
            loaded.take_in(&fact);
        }
        let loaded = Arc::new(loaded);
        if 0 < loaded.version {
            self.remember(subject, &loaded);
        }
        Ok(loaded)
    }

    fn remember<D: Stream>(&self, subject: &Subject, loaded: &Arc<Loaded<D>>) {
        let Some(remembered) = D::remembered(self) else { return };
        // Of two commands at once the slower one must not bring its older state back.
        if remembered.get(subject).is_none_or(|known| known.version < loaded.version) {
            remembered.put(subject.clone(), Arc::clone(loaded));
        }
    }

    /// Forgets a stream's state, of whichever kind it is.
    fn forget(&self, subject: &Subject) {
        self.cases.remove(subject);
        self.halls.remove(subject);
        self.slots.remove(subject);
    }

    /// Decides a command on its stream's newest state, and records what follows.
    ///
    /// `also` are streams whose state at that version the command was made from.
    ///
    /// # Errors
    /// A rule forbids it, others were faster, or the log is in trouble.
    pub async fn execute<D: Stream>(
        &self,
        under_way: &UnderWay<'_>,
        asked: &Asked,
        subject: &Subject,
        command: &D::Command,
        also: &[(Subject, u64)],
    ) -> Result<Done, ExecuteError<D::Rejection>> {
        self.execute_beside::<D>(under_way, asked, subject, command, also, &|_, _| Vec::new()).await
    }

    /// The same, with what follows from it in other streams, all or nothing.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn execute_beside<D: Stream>(
        &self,
        _under_way: &UnderWay<'_>,
        asked: &Asked,
        subject: &Subject,
        command: &D::Command,
        also: &[(Subject, u64)],
        beside: &Follows<'_, D::Event>,
    ) -> Result<Done, ExecuteError<D::Rejection>> {
        let lane = self.lanes.enter::<D>(subject);
        let mut making = Making { asked, subject, command, also, beside, ids: Vec::new() };
        for _ in 0..=CONFLICT_ATTEMPTS_MAX {
            let recorded = if lane.has_tip() { None } else { Some(self.load::<D>(subject).await?) };
            let answer = match lane.turn(recorded, |loaded| self.decided(&mut making, loaded)) {
                Some(Turn::HandedIn(frame)) => self.settled(frame, &making).await?,
                Some(Turn::Said(said, footing)) => self.said(&lane, said, footing, &making).await?,
                // Whoever was ahead in the lane failed between the two looks at it.
                None => None,
            };
            if let Some(done) = answer {
                return Ok(done);
            }
        }
        Err(ExecuteError::Contended)
    }

    /// Decides on a state, and makes the frame that follows.
    fn decided<D: Stream>(
        &self,
        making: &mut Making<'_, D>,
        loaded: &Loaded<D>,
    ) -> Result<Effect<'_, D>, Said<D::Rejection>> {
        let asked = making.asked;
        if asked.if_match.is_some_and(|seen| seen != loaded.version) {
            return Err(Said::Stale);
        }
        let reference = self.reference.now();
        // Neither a clock set back nor a neighbour's faster one makes an act precede what is recorded already.
        let now = self.clock.now().max(loaded.recorded_at.unwrap_or_default());
        let events = decide(asked, loaded, making.command, &reference.reference, now).map_err(Said::Rejected)?;
        if events.is_empty() {
            return Err(Said::AlreadySo);
        }
        let mut relies_on = loaded.state.relies_on(making.command);
        relies_on.extend(D::rests_on(&events));
        let follows = (making.beside)(&events, occurred_at(asked, now));
        let beside = loaded.state.beside(making.subject, &events);
        let made = events.len() + follows.len() + beside.len();
        making.ids.resize_with(made.max(making.ids.len()), || EventId(self.clock.ulid()));
        let beside = beside.into_iter().map(|(subject, event)| {
            let known = D::remembered(self).and_then(|remembered| remembered.get(&subject));
            let labels = known.map_or_else(Vec::new, |known| known.state.labels(&subject, &reference.reference));
            let seen = making.also.iter().find(|(stream, _)| *stream == subject);
            Beside { version: seen.map_or(0, |(_, version)| *version), subject, event, labels }
        });
        let attempt = Attempt {
            making,
            now,
            loaded,
            reference: &reference,
            vault: &self.vault,
            printing: &self.printing,
            follows,
            beside: beside.collect(),
        };
        let (append, after) = attempt.make(events, &relies_on).map_err(Said::Unprintable)?;
        Ok(Effect { append: Box::pin(self.journal.append(append)), after })
    }

    /// Waits until a frame is durable; nothing if it must be decided again.
    async fn settled<D: Stream>(
        &self,
        frame: HandedIn<'_, D>,
        making: &Making<'_, D>,
    ) -> Result<Option<Done>, ExecuteError<D::Rejection>> {
        let Making { asked, subject, also, .. } = making;
        let (after, appended) = frame.wait().await;
        match appended {
            Ok(appended) => Ok(Some(self.recorded(subject, after, &appended))),
            Err(AppendError::Conflict { stream, actual, .. }) => {
                self.forget(subject);
                let changed = stream.as_str().parse().ok();
                if also.iter().any(|(relied_on, _)| Some(relied_on) == changed.as_ref()) {
                    // The command itself was made from an older state; deciding it again would not help.
                    changed.iter().for_each(|stream| self.forget(stream));
                    return Err(ExecuteError::Contended);
                }
                self.catch_up(changed, actual).await?;
                Ok(None)
            }
            Err(AppendError::CommandReused { .. }) => Err(Trouble::KeyReused.into()),
            Err(AppendError::TooLarge { .. }) => Err(Trouble::TooLarge.into()),
            Err(AppendError::NotWritten { source }) => Err(Trouble::NotWritten(source).into()),
            Err(AppendError::Unknown { .. }) => {
                self.forget(subject);
                Ok(Some(self.ask_again(asked).await?))
            }
        }
    }

    /// Tells what needs nothing to be written, once what it rests on is durable; nothing if it must be decided again.
    async fn said<D: Stream>(
        &self,
        lane: &Lane<'_, D>,
        said: Said<D::Rejection>,
        footing: Footing,
        making: &Making<'_, D>,
    ) -> Result<Option<Done>, ExecuteError<D::Rejection>> {
        let Some(position) = lane.durable(footing).await else { return Ok(None) };
        match said {
            Said::Rejected(rejection) => Err(ExecuteError::Rejected(rejection)),
            Said::Unprintable(error) => Err(Trouble::from(error).into()),
            Said::AlreadySo => Ok(Some(Done { facts: Vec::new(), version: footing.version, position })),
            Said::Stale => {
                // The remembered state may be behind a writer beside us; the log's own word decides.
                let current = self.fresh::<D>(making.subject).await?.version;
                if making.asked.if_match != Some(current) {
                    return Err(ExecuteError::Stale { current });
                }
                lane.forsake(footing);
                Ok(None)
            }
        }
    }

    /// Judges a command on the newest state without recording anything: before what it needs is made at some cost.
    ///
    /// # Errors
    /// A rule forbids it, or the log cannot be read.
    pub async fn would_allow<D: Stream>(
        &self,
        asked: &Asked,
        subject: &Subject,
        command: &D::Command,
    ) -> Result<(), ExecuteError<D::Rejection>> {
        let loaded = self.load::<D>(subject).await?;
        let now = self.clock.now().max(loaded.recorded_at.unwrap_or_default());
        let reference = self.reference.now();
        decide(asked, &loaded, command, &reference.reference, now).map(drop).map_err(ExecuteError::Rejected)
    }

    async fn fresh<D: Stream>(&self, subject: &Subject) -> Result<Arc<Loaded<D>>, Trouble> {
        self.forget(subject);
        self.load::<D>(subject).await
    }

    /// If reference data changed under the decision, waits until they are here too.
    async fn catch_up(&self, changed: Option<Subject>, actual: StreamVersion) -> Result<(), Trouble> {
        let Some(changed) = changed else { return Ok(()) };
        match &changed {
            Subject::Item(_)
            | Subject::Organisation(_)
            | Subject::Instrument(_)
            | Subject::Calendar
            | Subject::Policy
            | Subject::Template(_) => match self.reference.reaches(&changed, actual, REFERENCE_PATIENCE).await {
                true => Ok(()),
                false => Err(Trouble::NotWritten("the reference data have not caught up with the log".into())),
            },
            Subject::Case(_)
            | Subject::Rating(_)
            | Subject::Roster(..)
            | Subject::ServicePoint(_)
            | Subject::Hall(_)
            | Subject::Slots(_)
            | Subject::Certificate(_)
            | Subject::Library(_)
            | Subject::Kin(_)
            | Subject::Checklist(_)
            | Subject::Inspection(_)
            | Subject::Campaign(_)
            | Subject::Access(_) => Ok(()),
        }
    }

    /// The append may or may not have been written; the log knows.
    async fn ask_again(&self, asked: &Asked) -> Result<Done, Trouble> {
        match self.journal.answer(asked.command).await {
            Ok(Some(answer)) => self.told_before(&answer.appended).await,
            Ok(None) | Err(_) => Err(Trouble::Unknown),
        }
    }

    fn recorded<D: Stream>(&self, subject: &Subject, after: After<D>, appended: &Appended) -> Done {
        let After { mut loaded, mut facts, beside } = after;
        let recorded_at = codec::instant(appended.recorded_at).ok();
        for (fact, position) in facts.iter_mut().zip(appended.first.0..) {
            fact.position = position;
            fact.recorded_at = recorded_at.unwrap_or(fact.recorded_at);
        }
        let own = facts.iter().rfind(|fact| fact.subject == *subject);
        loaded.position = own.map_or(appended.last.0, |fact| fact.position);
        loaded.recorded_at = recorded_at.or(loaded.recorded_at);
        let done = Done { facts, version: loaded.version, position: appended.last.0 };
        beside.iter().for_each(|subject| self.forget(subject));
        self.remember(subject, &Arc::new(loaded));
        done
    }

    /// Records events that no state decides on, such as who looked at what.
    ///
    /// # Errors
    /// The log is in trouble.
    pub async fn record(
        &self,
        _under_way: &UnderWay<'_>,
        asked: &Asked,
        subject: &Subject,
        events: Vec<Event>,
        labels: &[String],
    ) -> Result<Done, Trouble> {
        let now = self.clock.now();
        let facts = events.into_iter().map(|event| NewFact {
            id: EventId(self.clock.ulid()),
            occurred_at: now,
            labels: labels.to_vec(),
            event,
        });
        let append = Append {
            command: asked.command,
            digest: asked.digest,
            now,
            by: asked.actor.clone(),
            correlation: asked.command.0,
            causation: None,
            guards: Vec::new(),
            writes: vec![(subject.clone(), Expected::Any, facts.collect())],
        };
        match self.journal.append(append).await {
            Ok(appended) => self.told_before(&appended).await,
            Err(AppendError::CommandReused { .. }) => Err(Trouble::KeyReused),
            Err(AppendError::TooLarge { .. }) => Err(Trouble::TooLarge),
            Err(AppendError::NotWritten { source }) => Err(Trouble::NotWritten(source)),
            Err(error @ AppendError::Conflict { .. }) => Err(Trouble::NotWritten(error.into())),
            Err(AppendError::Unknown { .. }) => self.ask_again(asked).await,
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.executor.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.command);
    }
}

fn decide<D: Stream>(
    asked: &Asked,
    loaded: &Loaded<D>,
    command: &D::Command,
    reference: &Reference,
    now: Instant,
) -> Result<Vec<D::Event>, D::Rejection> {
    let context = Context { now, occurred_at: occurred_at(asked, now), actor: &asked.actor, reference };
    let mut events = loaded.state.decide(command, &context)?;
    if let Some(explained) = asked.late.as_ref().and_then(D::explained)
        && !events.is_empty()
    {
        events.push(explained);
    }
    Ok(events)
}

/// When an act happened: when it is recorded, unless it is keyed in late.
fn occurred_at(asked: &Asked, now: Instant) -> Instant {
    asked.late.as_ref().map_or(now, |late| late.occurred_at)
}

/// A command, and what was made for it once, however often it is decided.
struct Making<'a, D: Stream> {
    asked: &'a Asked,
    subject: &'a Subject,
    command: &'a D::Command,
    also: &'a [(Subject, u64)],
    /// What follows from what was decided, and when it happened, in other streams; it is part of the answer.
    beside: &'a Follows<'a, D::Event>,
    ids: Vec<EventId>,
}

/// What was decided where nothing is to be written.
enum Said<R> {
    Rejected(R),
    Unprintable(PrintError),
    Stale,
    AlreadySo,
}

/// One attempt to append.
struct Attempt<'a, D: Stream> {
    making: &'a Making<'a, D>,
    now: Instant,
    loaded: &'a Loaded<D>,
    reference: &'a ReferenceData,
    vault: &'a Vault,
    printing: &'a Printing,
    /// What follows in other streams as part of the answer.
    follows: Vec<Beside>,
    /// What happens in other streams along with it, as the stream itself tells; it is not part of the answer.
    beside: Vec<Beside>,
}

/// How things stand if the attempt succeeds; only the log knows the positions.
pub(crate) struct After<D> {
    pub(crate) loaded: Loaded<D>,
    facts: Vec<Fact>,
    /// Other streams that were written.
    beside: Vec<Subject>,
}

impl<D: Stream> Attempt<'_, D> {
    fn make(&self, events: Vec<D::Event>, relies_on: &[Subject]) -> Result<(Append, After<D>), PrintError> {
        let Making { asked, subject, also, ids, .. } = self.making;
        let mut loaded = self.loaded.clone();
        let stream = subject.to_string();
        let act = documents::Act {
            context: &stream,
            occurred_at: self.occurred_at(),
            printed_on: day_of(self.now),
            by: &asked.actor,
            reference: &self.reference.reference,
            reference_position: self.reference.position,
            vault: self.vault,
        };
        let mut facts = Vec::with_capacity(events.len());
        let mut ids = ids.iter();
        for (mut event, id) in events.into_iter().zip(ids.by_ref()) {
            loaded.state.print(&mut event, &act, self.printing)?;
            let fact = self.fact(subject, event.into(), *id, loaded.version + 1);
            loaded.take_in(&fact);
            facts.push(fact);
        }
        let labels = loaded.state.labels(subject, &self.reference.reference);
        let new_fact = |fact: &Fact, labels: &[String]| NewFact {
            id: fact.id,
            occurred_at: fact.occurred_at,
            labels: labels.to_vec(),
            event: fact.event.clone(),
        };
        let own = facts.iter().map(|fact| new_fact(fact, &labels)).collect();
        let mut writes = vec![((*subject).clone(), Expected::at(StreamVersion(self.loaded.version)), own)];
        // What is part of the answer lies together in the log.
        for (Beside { subject, version, event, labels }, id) in self.follows.iter().zip(ids.by_ref()) {
            let fact = self.fact(subject, event.clone(), *id, version + 1);
            writes.push((subject.clone(), Expected::at(StreamVersion(*version)), vec![new_fact(&fact, labels)]));
            facts.push(fact);
        }
        for (Beside { subject, version, event, labels }, id) in self.beside.iter().zip(ids) {
            let fact = self.fact(subject, event.clone(), *id, version + 1);
            writes.push((subject.clone(), Expected::at(StreamVersion(*version)), vec![new_fact(&fact, labels)]));
        }
        let beside: Vec<Subject> = writes.iter().skip(1).map(|(stream, ..)| stream.clone()).collect();
        let relied_on = relies_on.iter().map(|stream| (stream.clone(), self.reference.version(stream)));
        let seen = relied_on.chain(also.iter().cloned()).filter(|(stream, _)| !beside.contains(stream));
        let guards = seen.map(|(stream, version)| (stream, Expected::at(StreamVersion(version))));
        let append = Append {
            command: asked.command,
            digest: asked.digest,
            now: self.now,
            by: asked.actor.clone(),
            // Whatever belongs to one case belongs together; any other command is its own correlation.
            correlation: correlation(subject).unwrap_or(asked.command.0),
            causation: None,
            guards: guards.collect(),
            writes,
        };
        Ok((append, After { loaded, facts, beside }))
    }

    fn occurred_at(&self) -> Instant {
        occurred_at(self.making.asked, self.now)
    }

    fn fact(&self, subject: &Subject, event: Event, id: EventId, version: u64) -> Fact {
        Fact {
            position: 0,
            subject: subject.clone(),
            version,
            id,
            recorded_at: self.now,
            occurred_at: self.occurred_at(),
            by: self.making.asked.actor.clone(),
            command: self.making.asked.command,
            event,
        }
    }
}

fn correlation(subject: &Subject) -> Option<Ulid> {
    match subject {
        Subject::Case(CaseId(id)) => Some(*id),
        Subject::Rating(_)
        | Subject::Hall(_)
        | Subject::Slots(_)
        | Subject::Certificate(_)
        | Subject::Library(_)
        | Subject::Item(_)
        | Subject::Organisation(_)
        | Subject::Roster(..)
        | Subject::ServicePoint(_)
        | Subject::Instrument(_)
        | Subject::Kin(_)
        | Subject::Checklist(_)
        | Subject::Inspection(_)
        | Subject::Campaign(_)
        | Subject::Calendar
        | Subject::Policy
        | Subject::Template(_)
        | Subject::Access(_) => None,
    }
}

impl Stream for Case {
    fn take_in(&mut self, fact: &Fact) {
        self.evolve_fact(fact);
    }

    fn labels(&self, subject: &Subject, reference: &Reference) -> Vec<String> {
        match subject {
            Subject::Case(id) => labels::of_case(*id, self, reference),
            _ => Vec::new(),
        }
    }

    fn relies_on(&self, command: &Self::Command) -> Vec<Subject> {
        let item = match command {
            domain::case::CaseCommand::Submit(submit) => Some(submit.item.clone()),
            _ => self.application.as_ref().map(|application| application.item.clone()),
        };
        [Subject::Calendar, Subject::Policy].into_iter().chain(item.map(Subject::Item)).collect()
    }

    fn beside(&self, subject: &Subject, events: &[CaseEvent]) -> Vec<(Subject, Event)> {
        let (Subject::Case(from), Some(application)) = (subject, &self.application) else { return Vec::new() };
        let merged = events.iter().filter_map(|event| match event {
            CaseEvent::CaseMerged(merged) => {
                let duplicate = DuplicateMerged { from: *from, from_number: application.number.clone() };
                Some((Subject::Case(merged.into), CaseEvent::from(duplicate).into()))
            }
            _ => None,
        });
        merged.collect()
    }

    fn rests_on(events: &[CaseEvent]) -> Vec<Subject> {
        let instruments = events.iter().filter_map(|event| match event {
            CaseEvent::CaseDecided(decided) => decided.instrument.as_ref(),
            _ => None,
        });
        instruments.map(|rests_on| Subject::Instrument(rests_on.instrument.clone())).collect()
    }

    fn explained(late: &LateEntry) -> Option<CaseEvent> {
        let LateEntry { reason, paper_reference, .. } = late.clone();
        Some(LateEntryExplained { reason, paper_reference }.into())
    }

    fn print(&self, event: &mut CaseEvent, act: &documents::Act<'_>, printing: &Printing) -> Result<(), PrintError> {
        printing.print(self, event, act)
    }

    fn remembered(executor: &Executor) -> Option<&Bounded<Subject, Arc<Loaded<Self>>>> {
        Some(&executor.cases)
    }
}

impl Stream for Rating {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Rating(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, reference: &Reference) -> Vec<String> {
        let told = self.rated.as_ref().map(|rated| (&rated.service, &rated.about));
        let asked = self.invitation.as_ref().map(|invited| (&invited.service, &invited.about));
        let Some((service, about)) = told.or(asked) else { return Vec::new() };
        let organisation = labels::of_organisation(&service.organisation, reference);
        let item = service.item.as_ref().map(|item| format!("i:{item}"));
        let rater = self.rated.as_ref().and_then(|rated| rated.rater.as_ref()).map(labels::of_person);
        let case = match about {
            domain::event::rating::RatingSubject::Case(case) => Some(format!("c:{case}")),
            _ => None,
        };
        [Some(organisation), item, rater, case].into_iter().flatten().collect()
    }

    fn relies_on(&self, _: &Self::Command) -> Vec<Subject> {
        vec![Subject::Calendar, Subject::Policy]
    }
}

impl Stream for Certificate {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Certificate(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, reference: &Reference) -> Vec<String> {
        self.content.as_ref().map_or_else(Vec::new, |content| {
            labels::of_certificate(&content.holder.subject, &content.organisation, reference)
        })
    }
}

impl Stream for Library {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Library(event) = &fact.event {
            self.evolve(event);
        }
    }

    /// How far a library was read concerns whoever reads it: the city.
    fn labels(&self, _: &Subject, reference: &Reference) -> Vec<String> {
        let city = reference.organisations.iter().find(|organisation| organisation.parent().is_none());
        city.map(|city| labels::of_organisation(city.id(), reference)).into_iter().collect()
    }
}

impl Stream for Item {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Item(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        vec![labels::PUBLIC.to_owned()]
    }
}

impl Stream for OrganisationState {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Organisation(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        vec![labels::PUBLIC.to_owned()]
    }
}

impl Stream for Roster {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Roster(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, reference: &Reference) -> Vec<String> {
        self.posted().map(|(organisation, _)| labels::of_organisation(organisation, reference)).into_iter().collect()
    }

    fn relies_on(&self, command: &RosterCommand) -> Vec<Subject> {
        let posted = self.posted().map(|(organisation, _)| organisation);
        let hall = match command {
            RosterCommand::Post { organisation, .. } => Some(organisation),
            RosterCommand::Change { .. } => posted,
            // What took place is confirmed as it stands, whoever works there now.
            RosterCommand::Confirm { .. } => None,
        };
        hall.cloned().map(Subject::Organisation).into_iter().chain([Subject::Calendar]).collect()
    }
}

impl Stream for ServicePointState {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::ServicePoint(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        vec![labels::PUBLIC.to_owned()]
    }

    fn relies_on(&self, command: &ServicePointCommand) -> Vec<Subject> {
        vec![Subject::Organisation(command.organisation().clone())]
    }
}

impl Stream for Kin {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Kin(event) = &fact.event {
            self.evolve(event);
        }
    }

    /// No feed tells of it: whoever may see the case may not see this.
    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        Vec::new()
    }
}

impl Stream for Checklist {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Checklist(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        vec![labels::PUBLIC.to_owned()]
    }
}

impl Stream for Instrument {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Instrument(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        vec![labels::PUBLIC.to_owned()]
    }

    fn relies_on(&self, command: &Self::Command) -> Vec<Subject> {
        match command {
            InstrumentCommand::Issue(issued) => issued.items.iter().cloned().map(Subject::Item).collect(),
            InstrumentCommand::Revoke(_) => Vec::new(),
        }
    }
}

impl Stream for Inspection {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Inspection(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, reference: &Reference) -> Vec<String> {
        self.opened.iter().map(|opened| labels::of_organisation(&opened.hall, reference)).collect()
    }

    fn relies_on(&self, command: &InspectionCommand) -> Vec<Subject> {
        match command {
            InspectionCommand::Open { hall, .. } => vec![Subject::Organisation(hall.clone())],
            InspectionCommand::TakePhoto(_) | InspectionCommand::Inspect { .. } | InspectionCommand::Score { .. } => {
                Vec::new()
            }
        }
    }
}

impl Stream for Campaign {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Campaign(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        vec![labels::PUBLIC.to_owned()]
    }
}

impl Stream for WorkingCalendar {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Calendar(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        vec![labels::PUBLIC.to_owned()]
    }
}

impl Stream for Policies {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Policy(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        vec![labels::PUBLIC.to_owned()]
    }
}

impl Stream for Template {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Template(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, _: &Subject, _: &Reference) -> Vec<String> {
        vec![labels::PUBLIC.to_owned()]
    }
}
