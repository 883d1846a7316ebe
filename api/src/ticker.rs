//! The passing of time: what the rules ask for is done through the same door as everybody's acts.
//!
//! A case is looked at when something happened to it, when the moment that the rules named has come, and when the
//! calendar changed; a hall's day at every look, for there are few. The command's id follows from rule, version, case and
//! threshold, so each happens at most once.

mod halls;
mod ratings;

use crate::execute::{Asked, Begun, ExecuteError, Trouble, derived};
use crate::node::Node;
use actix_web::web;
use domain::case::Case;
use domain::due::{DueCommand, due, next_due, system_for};
use domain::fact::Subject;
use domain::ids::{CaseId, CommandId, OrganisationId};
use domain::zone::Instant;
use eventstore::CommandDigest;
use futures::stream::{self, StreamExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Commands of the rules that are under way at once.
const UNDER_WAY_MAX: usize = 64;

/// The ticking task. Stop it before what it writes to is closed.
pub struct Ticker {
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Begins to look, at once and then every so often; not at all if the settings say so.
    #[must_use]
    pub fn start(node: web::Data<Node>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = (0 < node.config.ticker.seconds).then(|| tokio::spawn(tick(node, stopped)));
        Self { stop, task }
    }

    /// Ends after the look that is under way.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!("the ticker ended badly: {error}");
        }
    }
}

/// When each open case wants to be looked at again.
#[derive(Debug, Default)]
struct Agenda {
    moments: BTreeMap<CaseId, Instant>,
    order: BTreeSet<(Instant, CaseId)>,
}

impl Agenda {
    fn put(&mut self, case: CaseId, moment: Option<Instant>) {
        if let Some(earlier) = self.moments.remove(&case) {
            self.order.remove(&(earlier, case));
        }
        if let Some(moment) = moment {
            self.moments.insert(case, moment);
            self.order.insert((moment, case));
        }
    }

    fn come(&self, now: Instant) -> impl Iterator<Item = CaseId> {
        self.order.iter().take_while(move |(moment, _)| *moment <= now).map(|(_, case)| *case)
    }
}

/// What one look found due for a case.
struct Found {
    case: CaseId,
    organisation: Option<OrganisationId>,
    commands: Vec<DueCommand>,
}

/// What is remembered from one look to the next.
pub struct Rounds {
    pages: Receiver<replay::pages::Page>,
    agenda: Agenda,
    calendar: Option<u32>,
}

impl Rounds {
    /// Begins; the first look is at every open case.
    #[must_use]
    pub fn new(node: &Node) -> Self {
        Self { pages: node.live.subscribe(), agenda: Agenda::default(), calendar: None }
    }

    /// Looks once, does what is due, and returns how often the rules acted.
    pub async fn look(&mut self, node: &Node) -> usize {
        let version = Some(node.reference.now().reference.calendar.version());
        let cases = match touched(&mut self.pages) {
            Some(touched) if version == self.calendar => {
                touched.into_iter().chain(self.agenda.come(node.clock.now())).collect()
            }
            Some(_) | None => every_open_case(node),
        };
        self.calendar = version;
        let found = look(node, &mut self.agenda, cases);
        act(node, found).await + ratings::look(node).await + halls::look(node).await
    }
}

async fn tick(node: web::Data<Node>, mut stopped: watch::Receiver<bool>) {
    let mut rounds = Rounds::new(&node);
    let pause = Duration::from_secs(node.config.ticker.seconds);
    loop {
        let done = rounds.look(&node).await;
        if 0 < done {
            tracing::info!("the rules acted {done} times");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => (),
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// Returns the cases that something happened to since the last look; nothing if too much happened to know.
fn touched(pages: &mut Receiver<replay::pages::Page>) -> Option<BTreeSet<CaseId>> {
    let mut cases = BTreeSet::new();
    loop {
        match pages.try_recv() {
            Ok(facts) => cases.extend(facts.iter().filter_map(|fact| match fact.subject {
                Subject::Case(case) => Some(case),
                _ => None,
            })),
            Err(TryRecvError::Empty | TryRecvError::Closed) => return Some(cases),
            Err(TryRecvError::Lagged(_)) => return None,
        }
    }
}

fn every_open_case(node: &Node) -> BTreeSet<CaseId> {
    node.live.read(|views| views.queues.state.cases().iter().map(|(case, _)| case).collect())
}

fn look(node: &Node, agenda: &mut Agenda, cases: BTreeSet<CaseId>) -> Vec<Found> {
    let reference = node.reference.now();
    let now = node.clock.now();
    let mut found = Vec::new();
    for case in cases {
        // One case at a time, so that the views are never held for long.
        let seen = node.live.read(|views| {
            let file = views.queues.state.case(case)?;
            let commands = due(&file.case, &reference.reference, now);
            let next = next_due(&file.case, &reference.reference, now);
            Some((Found { case, organisation: file.case.at.clone(), commands }, next))
        });
        let (due, next) = seen.map_or((None, None), |(found, next)| (Some(found), next));
        agenda.put(case, next);
        found.extend(due.filter(|found| !found.commands.is_empty()));
    }
    found
}

async fn act(node: &Node, found: Vec<Found>) -> usize {
    let cases = stream::iter(found).map(|found| async move {
        let mut done = 0;
        for due in &found.commands {
            match execute(node, &found, due).await {
                Ok(facts) => done += usize::from(0 < facts),
                // Whoever acted first may have made it unnecessary; the next look asks again.
                Err(ExecuteError::Rejected(rule)) => tracing::debug!(rule = rule.code(), "{} was refused", due.rule),
                Err(error) => tracing::warn!(case.id = %found.case, "{} could not be done: {error}", due.rule),
            }
        }
        done
    });
    cases.buffer_unordered(UNDER_WAY_MAX).fold(0, |sum, done| async move { sum + done }).await
}

async fn execute(node: &Node, found: &Found, due: &DueCommand) -> Result<usize, ExecuteError<domain::case::Rejection>> {
    let system = crate::node::system_actor();
    let organisation = found.organisation.clone().unwrap_or(system.organisation);
    let (command, digest) = identity(found.case, &due.rule);
    let actor = system_for(organisation, system.id);
    let asked = Asked { command, digest, actor, if_match: None, late: None };
    let subject = Subject::Case(found.case);
    match node.executor.begin(command, digest).await {
        Ok(Begun::Fresh(under_way)) => {
            let done = node.executor.execute::<Case>(&under_way, &asked, &subject, &due.command, &[]).await?;
            Ok(done.facts.len())
        }
        Ok(Begun::Repeated(_)) | Err(Trouble::InProgress) => Ok(0),
        Err(trouble) => Err(trouble.into()),
    }
}

/// The command's id and digest follow from case and rule; the id's time is the case's own, so that ids sort by case.
fn identity(case: CaseId, rule: &str) -> (CommandId, CommandDigest) {
    derived(&format!("{case}/{rule}"), case.0.timestamp_ms())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use ulid::Ulid;

    fn case(number: u128) -> CaseId {
        CaseId(Ulid::from_parts(1, number))
    }

    fn at(seconds: i64) -> Instant {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_same_rule_on_the_same_case_is_the_same_command() {
        assert_eq!(identity(case(1), "r").0, identity(case(1), "r").0);
        assert_ne!(identity(case(1), "r").0, identity(case(1), "s").0);
        assert_ne!(identity(case(1), "r").0, identity(case(2), "r").0);
    }

    #[test]
    fn a_case_stands_in_the_agenda_once() {
        let mut agenda = Agenda::default();
        agenda.put(case(1), Some(at(5)));
        agenda.put(case(2), Some(at(20)));
        agenda.put(case(1), Some(at(10)));
        assert_eq!(agenda.come(at(5)).count(), 0);
        assert_eq!(agenda.come(at(10)).collect::<Vec<_>>(), [case(1)]);
        agenda.put(case(1), None);
        assert_eq!(agenda.come(at(30)).collect::<Vec<_>>(), [case(2)]);
    }
}
