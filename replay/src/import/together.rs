//! Appends the cases of one frame: all of them at once where the log has none, or of each what is missing.

use super::prepared::{Prepared, PreparedEvent};
use super::{AlreadyThere, Clock, Derived, ImportError, ImportRequest, Rejected, stood_before};
use crate::codec;
use crate::journal::Journal;
use domain::actor::{Actor, Channel, Role};
use domain::fact::Subject;
use domain::ids::{CaseId, EventId, OrganisationId, SourceName};
use eventstore::{
    AppendError, By, EVENT_BYTES_MAX, EVENTS_PER_FRAME_MAX, Expected, Frame, Micros, NewEvent, Position, StreamName,
    StreamVersion, Write,
};
use std::collections::BTreeSet;

/// How often a case is looked at again when somebody else appends to it meanwhile.
const ATTEMPTS_MAX: u32 = 5;

/// Appends foreign cases.
pub(super) struct Taker {
    journal: Journal,
    by: By,
    /// What groups all imports of the source.
    correlation: u128,
    /// Seen by whoever sees all of the organisation that takes it in.
    organisation: String,
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
        Self {
            journal,
            by: codec::by(&actor(&request.organisation)),
            correlation: correlation(&request.source),
            organisation: format!("o:{}", request.organisation),
            clock,
            head,
        }
    }

    /// Appends cases, in one frame if it holds them and the log has none of them.
    pub(super) async fn take(&self, cases: Vec<Prepared>) -> Result<Taken, ImportError> {
        let events: usize = cases.iter().map(|case| case.events.len()).sum();
        let fits = cases.iter().all(|case| case.events.iter().all(fits));
        if events <= EVENTS_PER_FRAME_MAX && fits && cases.iter().all(|case| case.trace == 0) {
            let mut writes = Vec::with_capacity(cases.len());
            for case in &cases {
                writes.push((case, Expected::Empty, case.events.iter().collect()));
            }
            let all = AlreadyThere { cases: cases.len() as u64, events: (events - cases.len()) as u64 };
            match self.append(writes).await {
                Ok(appended) if stood_before(&appended, self.head) => {
                    return Ok(Taken { already_there: all, ..Taken::default() });
                }
                Ok(_) => return Ok(Taken { added: all, ..Taken::default() }),
                // Some of it is there: one case after the other will show which.
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
    async fn take_missing(&self, case: &Prepared, taken: &mut Taken) -> Result<(), ImportError> {
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

    async fn try_take_missing(&self, case: &Prepared, taken: &mut Taken) -> Result<(), ImportError> {
        let recorded = self.journal.history().raw_stream(&Subject::Case(CaseId(case.case))).await?;
        let there: BTreeSet<u128> = recorded.iter().map(|event| event.id.0).collect();
        let mut version = recorded.len() as u64;

        let (found, missing): (Vec<_>, Vec<_>) =
            case.events.iter().partition(|event| there.contains(&u128::from(event.id)));
        let (fitting, too_large): (Vec<_>, Vec<_>) = missing.into_iter().partition(|event| fits(event));
        taken.rejected.extend(too_large.into_iter().map(|event| refused(case, event)));
        let opens = fitting.first().is_some_and(|event| event.opens);
        if version == 0 && !opens {
            // Without its opening, nothing of a case fits.
            return Ok(());
        }

        let activities = |events: &[&PreparedEvent]| events.iter().filter(|event| !event.opens).count() as u64;
        for chunk in fitting.chunks(EVENTS_PER_FRAME_MAX) {
            let expected = Expected::at(StreamVersion(version));
            version += chunk.len() as u64;
            self.append(vec![(case, expected, chunk.to_vec())]).await?;
        }
        taken.added.cases += u64::from(opens);
        taken.added.events += activities(&fitting);
        taken.already_there.cases += u64::from(!opens && case.trace == 0);
        taken.already_there.events += activities(&found);
        Ok(())
    }

    async fn append(
        &self,
        cases: Vec<(&Prepared, Expected, Vec<&PreparedEvent>)>,
    ) -> Result<eventstore::Appended, AppendError> {
        let ids = cases.iter().flat_map(|(_, _, events)| events.iter().map(|event| EventId(event.id)));
        let (command, digest) = Derived::command(ids);
        let now = codec::micros((self.clock)());
        let mut writes = Vec::with_capacity(cases.len());
        for (case, expected, events) in cases {
            let labels = vec![format!("c:{}", case.case), self.organisation.clone()];
            let new = |event: &&PreparedEvent| new_event(event, &labels, now);
            let stream = stream_name(case)?;
            writes.push(Write { stream, expected, events: events.iter().map(new).collect() });
        }
        let frame = Frame {
            command: eventstore::CommandId(command.0.into()),
            digest,
            now,
            by: self.by.clone(),
            correlation: self.correlation,
            causation: None,
            guards: Vec::new(),
            writes,
        };
        self.journal.append_frame(frame).await
    }
}

fn stream_name(case: &Prepared) -> Result<StreamName, AppendError> {
    let name = codec::stream_name(&Subject::Case(CaseId(case.case)));
    name.map_err(|source| AppendError::NotWritten { source: source.into() })
}

fn new_event(event: &PreparedEvent, labels: &[String], now: Micros) -> NewEvent {
    NewEvent {
        id: eventstore::EventId(event.id.into()),
        kind: if event.opens { "legacy-case-opened" } else { "legacy-activity-recorded" }.into(),
        schema: event.schema,
        // The log holds nothing that happened after it was recorded; the body keeps the time as given.
        occurred_at: event.at.min(now),
        labels: labels.to_vec(),
        body: event.body.clone(),
    }
}

fn fits(event: &PreparedEvent) -> bool {
    event.body.len() <= EVENT_BYTES_MAX
}

fn refused(case: &Prepared, event: &PreparedEvent) -> Rejected {
    let reason = format!("attributes of {} bytes, at most {EVENT_BYTES_MAX} allowed", event.body.len());
    Rejected { place: format!("case {}", case.external_id), reason }
}

fn correlation(source: &SourceName) -> u128 {
    Derived::correlation(source).into()
}

#[expect(clippy::expect_used, reason = "the name is written here and is a valid one")]
fn actor(organisation: &OrganisationId) -> Actor {
    Actor {
        id: "import".parse().expect("six letters are an id"),
        role: Role::Import,
        organisation: organisation.clone(),
        window: None,
        acting_for: None,
        channel: Channel::System,
    }
}
