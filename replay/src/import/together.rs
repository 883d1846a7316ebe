//! Appends the cases of one frame: all of them at once where the log has none, or of each what is missing.

use super::{AlreadyThere, Clock, Derived, ImportError, ImportRequest, ReadCase, Rejected, stood_before, to_json};
use crate::journal::{Append, Journal, NewFact};
use domain::actor::{Actor, Channel, Role};
use domain::event::case::{LegacyActivityRecorded, LegacyCaseOpened};
use domain::event::{CaseEvent, Event};
use domain::fact::Subject;
use domain::ids::{CaseId, EventId, OrganisationId, SourceName};
use domain::zone::Instant;
use eventstore::{AppendError, EVENT_BYTES_MAX, EVENTS_PER_FRAME_MAX, Expected, Position, StreamVersion};
use std::collections::{BTreeMap, BTreeSet};

/// How often a case is looked at again when somebody else appends to it meanwhile.
const ATTEMPTS_MAX: u32 = 5;

/// Appends foreign cases.
pub(super) struct Taker {
    journal: Journal,
    source: SourceName,
    organisation: OrganisationId,
    clock: Clock,
    /// The end of the log when the import began.
    head: Position,
}

/// What became of some cases.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) added: AlreadyThere,
    pub(super) already_there: AlreadyThere,
    pub(super) rejected: Vec<Rejected>,
}

impl Taker {
    pub(super) fn new(journal: Journal, request: &ImportRequest, clock: Clock, head: Position) -> Self {
        let ImportRequest { source, organisation, .. } = request.clone();
        Self { journal, source, organisation, clock, head }
    }

    /// Appends cases, in one frame if it holds them and the log has none of them.
    pub(super) async fn take(&self, cases: Vec<ReadCase>) -> Result<Taken, ImportError> {
        let events: usize = cases.iter().map(|case| case.case.events.len() + 1).sum();
        if events <= EVENTS_PER_FRAME_MAX && cases.iter().all(|case| case.trace == 0) {
            let frame = cases.iter().map(|case| (self.subject(case), Expected::Empty, self.facts(case))).collect();
            let all = AlreadyThere { cases: cases.len() as u64, events: (events - cases.len()) as u64 };
            match self.journal.append(self.frame(frame)).await {
                Ok(appended) if stood_before(&appended, self.head) => {
                    return Ok(Taken { already_there: all, ..Taken::default() });
                }
                Ok(_) => return Ok(Taken { added: all, ..Taken::default() }),
                // Some of it is there, or some event is too large: one case after the other will show which.
                Err(AppendError::Conflict { .. } | AppendError::TooLarge { .. }) => (),
                Err(error) => return Err(error.into()),
            }
        }
        let mut taken = Taken::default();
        for case in &cases {
            self.take_missing(case, &mut taken).await?;
        }
        Ok(taken)
    }

    /// Appends what the log lacks of a case.
    async fn take_missing(&self, case: &ReadCase, taken: &mut Taken) -> Result<(), ImportError> {
        let mut attempt = 1;
        loop {
            match self.try_take_missing(case, taken).await {
                Err(ImportError::Append { source: AppendError::Conflict { .. } }) if attempt < ATTEMPTS_MAX => {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    async fn try_take_missing(&self, case: &ReadCase, taken: &mut Taken) -> Result<(), ImportError> {
        let subject = self.subject(case);
        let recorded = self.journal.history().raw_stream(&subject).await?;
        let there: BTreeSet<u128> = recorded.iter().map(|event| event.id.0).collect();
        let mut version = recorded.len() as u64;

        let (missing, found): (Vec<_>, Vec<_>) =
            self.facts(case).into_iter().partition(|fact| !there.contains(&u128::from(fact.id.0)));
        let (fitting, rejected) = fitting(case, missing);
        let opens = fitting.first().is_some_and(|fact| is_opening(&fact.event));
        if version == 0 && !opens {
            taken.rejected.extend(rejected);
            return Ok(());
        }

        let activities = |facts: &[NewFact]| facts.iter().filter(|fact| !is_opening(&fact.event)).count() as u64;
        let events = activities(&fitting);
        let mut rest = fitting.into_iter().peekable();
        while rest.peek().is_some() {
            let chunk: Vec<NewFact> = rest.by_ref().take(EVENTS_PER_FRAME_MAX).collect();
            let expected = if version == 0 { Expected::Empty } else { Expected::Exactly(StreamVersion(version)) };
            version += chunk.len() as u64;
            self.journal.append(self.frame(vec![(subject.clone(), expected, chunk)])).await?;
        }
        taken.added.cases += u64::from(opens);
        taken.added.events += events;
        taken.already_there.cases += u64::from(!opens && case.trace == 0);
        taken.already_there.events += activities(&found);
        taken.rejected.extend(rejected);
        Ok(())
    }

    fn subject(&self, case: &ReadCase) -> Subject {
        Subject::Case(self.case_id(case))
    }

    fn case_id(&self, case: &ReadCase) -> CaseId {
        Derived::case(&self.source, &case.case.id)
    }

    fn frame(&self, writes: Vec<(Subject, Expected, Vec<NewFact>)>) -> Append {
        let ids = writes.iter().flat_map(|(_, _, facts)| facts.iter().map(|fact| fact.id));
        let (command, digest) = Derived::command(ids);
        Append {
            command,
            digest,
            now: (self.clock)(),
            by: self.actor(),
            correlation: Derived::correlation(&self.source),
            causation: None,
            guards: Vec::new(),
            writes,
        }
    }

    /// Returns everything a case says, its opening first.
    fn facts(&self, read: &ReadCase) -> Vec<NewFact> {
        let (case, now) = (self.case_id(read), (self.clock)());
        let mut facts = Vec::with_capacity(read.case.events.len() + 1);
        // Seen by whoever sees all of the organisation that took it in.
        let labels = vec![format!("c:{case}"), format!("o:{}", self.organisation)];
        let fact = |id: EventId, occurred_at: Instant, event: CaseEvent| NewFact {
            id,
            occurred_at,
            labels: labels.clone(),
            event: Event::Case(event),
        };
        let first = read.case.events.first().map_or(now, |event| instant(event.occurred_at));
        let opened = LegacyCaseOpened {
            source: self.source.clone(),
            external_id: read.case.id.clone(),
            attributes: to_json(&read.case.attributes),
        };
        facts.push(fact(Derived::opening(case), first.min(now), opened.into()));

        let mut seen: BTreeMap<EventId, u32> = BTreeMap::new();
        for event in &read.case.events {
            let first_of_its_kind = Derived::event(case, read.trace, event, 0);
            let twins = seen.entry(first_of_its_kind).or_default();
            let id = if *twins == 0 { first_of_its_kind } else { Derived::event(case, read.trace, event, *twins) };
            *twins += 1;
            let at = instant(event.occurred_at);
            let recorded = LegacyActivityRecorded {
                source: self.source.clone(),
                activity: event.activity.clone(),
                at,
                lifecycle: event.lifecycle.clone(),
                resource: event.resource.clone(),
                group: event.group.clone(),
                role: event.role.clone(),
                attributes: to_json(&event.attributes),
            };
            // The log holds nothing that happened after it was recorded; the body keeps the time as given.
            facts.push(fact(id, at.min(now), recorded.into()));
        }
        facts
    }

    #[expect(clippy::expect_used, reason = "the name is written here and is a valid one")]
    fn actor(&self) -> Actor {
        Actor {
            id: "import".parse().expect("six letters are an id"),
            role: Role::Import,
            organisation: self.organisation.clone(),
            window: None,
            acting_for: None,
            channel: Channel::System,
        }
    }
}

fn is_opening(event: &Event) -> bool {
    matches!(event, Event::Case(CaseEvent::LegacyCaseOpened(_)))
}

/// Splits off the events that are larger than the log allows; without its opening, nothing of a case fits.
fn fitting(case: &ReadCase, facts: Vec<NewFact>) -> (Vec<NewFact>, Vec<Rejected>) {
    let mut fitting = Vec::with_capacity(facts.len());
    let mut rejected = Vec::new();
    for fact in facts {
        let bytes = fact.event.encode().map_or(usize::MAX, |body| body.len());
        if bytes <= EVENT_BYTES_MAX {
            fitting.push(fact);
            continue;
        }
        let place = format!("case {}", case.case.id);
        let reason = format!("attributes of {bytes} bytes, at most {EVENT_BYTES_MAX} allowed");
        rejected.push(Rejected { place, reason });
    }
    (fitting, rejected)
}

fn instant(micros: i64) -> Instant {
    // Every date that a reader accepts lies within the years 0 to 9999.
    Instant::from_timestamp_micros(micros).unwrap_or_default()
}
