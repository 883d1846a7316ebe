//! The simulated months: turns in the order of simulated time, each decided by the real deciders and appended at once.
//!
//! Nothing waits for the disk but the bound on what may be under way: a frame takes its place in line when it is handed
//! in, so the log's order is the order of turns, and the same seed gives the same log.

mod halls;
mod kin;

use super::DemoError;
use super::acts::{self, Stage};
use super::certificates::Known;
use super::dice::Dice;
use super::orders::OrderUnderWay;
use super::points;
use super::ratings;
use super::rosters;
use super::script::{Act, After, Script};
use super::sealing::Sealing;
use super::{arrivals, city};
use crate::documents::{self, Printing};
use crate::labels;
use crate::node::{built_in_append, system_actor};
use crate::vault::Keyring;
use chrono::{Days, NaiveDate, TimeDelta};
use domain::actor::Actor;
use domain::builtin::BuiltIn;
use domain::case::{Case, CaseCommand};
use domain::catalogue::ItemVersion;
use domain::certificate::{Certificate, CertificateCommand, TakeIn, of_result};
use domain::decider::{Context, Decider as _};
use domain::due;
use domain::event::item::Authority;
use domain::event::rating::Satisfaction;
use domain::event::{CaseEvent, Event};
use domain::fact::Subject;
use domain::ids::{CaseId, CertificateId, CommandId, EventId, OrganisationId, SubjectId};
use domain::month::Month;
use domain::rating::{Rating, RatingCommand};
use domain::reference::Reference;
use domain::roster::{Roster, RosterCommand};
use domain::service_point::{ServicePointCommand, ServicePointState};
use domain::zone::{Instant, day_of, instant, start_of};
use eventstore::{AppendError, Appended, CommandDigest, Expected, StreamVersion};
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use halls::{HallTurn, Halls};
use replay::journal::{Append, Journal, NewFact};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::sync::Arc;
use ulid::Ulid;

/// The share of warnings that are read, and of those the share that is answered.
const WARNINGS_READ: f64 = 0.8;
const WARNINGS_ANSWERED: f64 = 0.4;
/// How many of the last residents are told of.
const RESIDENTS_MAX: usize = 1_000;
/// Frames handed in and not yet durable, at most.
const UNDER_WAY_MAX: usize = 1024;

/// One case under way.
pub(super) struct Agent {
    pub(super) id: CaseId,
    pub(super) case: Case,
    version: u64,
    pub(super) item: Arc<ItemVersion>,
    pub(super) subject: SubjectId,
    keys: Arc<Keyring>,
    script: VecDeque<(After, Act)>,
    dice: Dice,
    /// The next check of the rules already stands in line for this moment.
    checks_at: Option<Instant>,
}

/// What comes next, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// The built-in history goes on.
    Publish(usize),
    /// Something is said of a service point.
    Point(usize),
    /// Rosters are posted, changed or confirmed.
    Duty(rosters::Due),
    /// The rules look at a case.
    Check(u64),
    /// Whoever was warned takes note.
    Heed(u64),
    /// Somebody acts on a case.
    Act(u64),
    /// Somebody applies.
    Arrive(u64),
    /// Somebody answers for a bad rating.
    Answer(u64),
    /// Something happens in a hall besides.
    Hall(HallTurn),
}

/// Somebody who will come.
pub(super) struct Arrival {
    pub(super) at: Instant,
    pub(super) id: CaseId,
    pub(super) subject: SubjectId,
    pub(super) keys: Arc<Keyring>,
    pub(super) submit: domain::case::Submit,
    pub(super) actor: Actor,
    pub(super) item: Arc<ItemVersion>,
    pub(super) script: Script,
    pub(super) dice: Dice,
    /// What the city's library has of them by then.
    pub(super) known: Vec<Known>,
}

/// What came of it.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Cases applied for.
    pub cases: u64,
    /// Events appended.
    pub events: u64,
    /// Acts of the script that a rule refused, by the rule's name; the case goes on without them.
    pub refused: BTreeMap<String, u64>,
    /// The residents who came last.
    pub residents: VecDeque<SubjectId>,
}

/// The simulation.
pub(super) struct Engine<'a> {
    pub(super) journal: &'a Journal,
    pub(super) sealing: &'a Sealing<'a>,
    printing: Printing,
    pub(super) seed: u64,
    pub(super) until: Instant,
    pub(super) reference: Reference,
    /// The position of the last fact in them: the log is this simulation's alone, and begins with it.
    reference_position: u64,
    versions: BTreeMap<Subject, u64>,
    agents: BTreeMap<u64, Agent>,
    arrivals: BTreeMap<u64, Arrival>,
    orders: BTreeMap<u64, OrderUnderWay>,
    points: Vec<ServicePointCommand>,
    rosters: BTreeMap<(Month, OrganisationId), (Roster, u64)>,
    halls: Halls,
    turns: BinaryHeap<Reverse<(Instant, u64, Turn)>>,
    turn_count: u64,
    built_in: Vec<BuiltIn>,
    /// The city's library, as far as anybody relied on it.
    certificates: BTreeMap<CertificateId, Certificate>,
    serial: u64,
    under_way: FuturesUnordered<BoxFuture<'a, Result<Appended, AppendError>>>,
    pub(super) tally: Tally,
    system: Actor,
}

impl<'a> Engine<'a> {
    pub(super) fn new(journal: &'a Journal, sealing: &'a Sealing<'a>, seed: u64, until: Instant) -> Self {
        Self {
            journal,
            sealing,
            printing: Printing::default(),
            seed,
            until,
            reference: Reference::default(),
            reference_position: 0,
            versions: BTreeMap::new(),
            agents: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            orders: BTreeMap::new(),
            points: Vec::new(),
            rosters: BTreeMap::new(),
            halls: Halls::default(),
            turns: BinaryHeap::new(),
            turn_count: 0,
            built_in: domain::builtin::events(),
            certificates: BTreeMap::new(),
            serial: 0,
            under_way: FuturesUnordered::new(),
            tally: Tally::default(),
            system: system_actor(),
        }
    }

    /// Records the built-in history known on `day`, and puts the rest in line for the day it became known.
    pub(super) async fn begin(&mut self, day: NaiveDate) -> Result<(), DemoError> {
        for place in 0..self.built_in.len() {
            let published_on = self.built_in[place].published_on;
            if published_on <= day {
                self.publish(place, start_of(day)).await?;
            } else {
                let opening = TimeDelta::hours(9);
                self.line_up(start_of(published_on) + opening, Turn::Publish(place));
            }
        }
        self.staff(day).await
    }

    /// Registers the made-up stations and appoints everybody.
    async fn staff(&mut self, day: NaiveDate) -> Result<(), DemoError> {
        let at = start_of(day) + TimeDelta::hours(1);
        for (organisation, commands) in city::commands(&self.reference.organisations, day)? {
            let mut state = domain::organisation::OrganisationState::default();
            if let Some(known) = self.reference.organisations.get(&organisation) {
                state.organisation = Some(known.clone());
            }
            let mut events = Vec::new();
            for command in commands {
                let context = Context { now: at, occurred_at: at, actor: &self.system, reference: &self.reference };
                let decided = state.decide(&command, &context).map_err(|rule| DemoError::Rule(rule.to_string()))?;
                for event in decided {
                    state.evolve(&event);
                    let event = Event::Organisation(event);
                    self.reference.evolve(&event);
                    events.push(event);
                }
            }
            let actor = self.system.clone();
            self.append(Subject::Organisation(organisation), events, actor, at, at, Vec::new()).await?;
        }
        Ok(())
    }

    /// Puts in line what is due with the rosters of the months in which these days lie.
    pub(super) fn expect_rosters(&mut self, begin: NaiveDate, days: &[NaiveDate]) {
        let months: BTreeSet<Month> = days.iter().map(|day| Month::of(*day)).collect();
        for (at, due) in months.into_iter().flat_map(|month| rosters::dues(month, begin)) {
            self.line_up(at, Turn::Duty(due));
        }
    }

    /// Puts in line what is said of service points.
    pub(super) fn expect_points(&mut self, begin: NaiveDate) -> Result<(), DemoError> {
        for (at, command) in points::dues(&self.reference, begin, self.seed)? {
            self.line_up(at, Turn::Point(self.points.len()));
            self.points.push(command);
        }
        Ok(())
    }

    async fn point(&mut self, place: usize, at: Instant) -> Result<(), DemoError> {
        let Some(command) = self.points.get(place) else { return Ok(()) };
        let context = Context { now: at, occurred_at: at, actor: &self.system, reference: &self.reference };
        // Each thing is said once of a point, so what was said before does not matter to it.
        let decided = ServicePointState::default().decide(command, &context);
        let events = decided.map_err(|rule| DemoError::Rule(rule.to_string()))?;
        let subject = Subject::ServicePoint(command.organisation().clone());
        let events = events.into_iter().map(Event::ServicePoint).collect();
        let actor = self.system.clone();
        self.append(subject, events, actor, at, at, vec![labels::PUBLIC.to_owned()]).await
    }

    async fn duty(&mut self, due: rosters::Due, at: Instant) -> Result<(), DemoError> {
        match due {
            rosters::Due::Post(month) => {
                for hall in rosters::halls(&self.reference) {
                    let mut dice = rosters::dice(self.seed, &hall, month);
                    let posted = rosters::post(&self.reference, &hall, month, day_of(at), &mut dice)?;
                    let Some(command) = posted else { continue };
                    for (at, change) in rosters::changes(&self.reference, &hall, month, &mut dice) {
                        self.line_up(at, Turn::Duty(change));
                    }
                    self.roster_command(month, hall, &command, at).await?;
                }
            }
            rosters::Due::Change(hall, day, kind) => {
                self.roster_command(Month::of(day), hall.clone(), &rosters::change(&hall, day, kind)?, at).await?;
            }
            rosters::Due::Confirm(through) => {
                let month = Month::of(through);
                let posted: Vec<_> = self.rosters.keys().filter(|(of, _)| *of == month).cloned().collect();
                for (_, hall) in posted {
                    self.roster_command(month, hall, &RosterCommand::Confirm { through }, at).await?;
                }
                // What is confirmed to the end changes no more.
                if through.succ_opt() == Some(month.first_day_after()) {
                    self.rosters.retain(|(of, _), _| *of != month);
                }
            }
        }
        Ok(())
    }

    /// Decides, evolves and appends.
    async fn roster_command(
        &mut self,
        month: Month,
        hall: OrganisationId,
        command: &RosterCommand,
        at: Instant,
    ) -> Result<(), DemoError> {
        let actor = rosters::chief(&hall)?;
        let context = Context { now: at, occurred_at: at, actor: &actor, reference: &self.reference };
        let (roster, version) = self.rosters.entry((month, hall.clone())).or_default();
        let events = match roster.decide(command, &context) {
            Ok(events) => events,
            Err(rule) => {
                *self.tally.refused.entry(format!("roster: {rule:?}")).or_default() += 1;
                return Ok(());
            }
        };
        events.iter().for_each(|event| roster.evolve(event));
        let subject = Subject::Roster(hall.clone(), month);
        self.versions.insert(subject.clone(), *version);
        *version += events.len() as u64;
        let events = events.into_iter().map(Event::Roster).collect();
        let words = vec![labels::of_organisation(&hall, &self.reference)];
        self.append(subject, events, actor, at, at, words).await
    }

    /// Puts somebody in line who will come.
    pub(super) fn expect(&mut self, ordinal: u64, arrival: Arrival) {
        let at = arrival.at;
        self.expect_visit(ordinal, &arrival);
        self.arrivals.insert(ordinal, arrival);
        self.line_up(at, Turn::Arrive(ordinal));
    }

    fn line_up(&mut self, at: Instant, turn: Turn) {
        if at <= self.until {
            self.turn_count += 1;
            self.turns.push(Reverse((at, self.turn_count, turn)));
        }
    }

    /// Takes turns until none is left before the end, or before `pause_at`.
    pub(super) async fn run(&mut self, pause_at: Instant) -> Result<(), DemoError> {
        while let Some(Reverse((at, _, turn))) = self.turns.pop() {
            if at > pause_at {
                self.turn_count += 1;
                self.turns.push(Reverse((at, self.turn_count, turn)));
                return Ok(());
            }
            match turn {
                Turn::Publish(place) => self.publish(place, at).await?,
                Turn::Arrive(ordinal) => self.arrive(ordinal, at).await?,
                Turn::Answer(ordinal) => self.answer(ordinal, at).await?,
                Turn::Point(place) => self.point(place, at).await?,
                Turn::Duty(due) => self.duty(due, at).await?,
                Turn::Act(ordinal) => self.act(ordinal, at).await?,
                Turn::Check(ordinal) => self.check(ordinal, at).await?,
                Turn::Heed(ordinal) => self.heed(ordinal, at).await?,
                Turn::Hall(turn) => self.hall_turn(turn, at).await?,
            }
        }
        Ok(())
    }

    /// Waits until everything handed in is durable.
    pub(super) async fn settle(&mut self) -> Result<(), DemoError> {
        while let Some(outcome) = self.under_way.next().await {
            outcome?;
        }
        Ok(())
    }

    async fn publish(&mut self, place: usize, at: Instant) -> Result<(), DemoError> {
        let built_in = self.built_in[place].clone();
        self.reference.evolve(&built_in.event);
        let expected = self.expected(&built_in.subject, 1);
        self.tally.events += 1;
        self.reference_position = self.tally.events;
        let id = EventId(self.ids(at).ulid());
        // The server's own start records the same commands, and finds them done.
        self.hand_in(built_in_append(&built_in, expected, at, id)).await
    }

    async fn arrive(&mut self, ordinal: u64, at: Instant) -> Result<(), DemoError> {
        let Some(arrival) = self.arrivals.remove(&ordinal) else { return Ok(()) };
        let Arrival { id, subject, keys, submit, actor, item, script, dice, known, .. } = arrival;
        for certificate in known {
            self.take_in(certificate, at).await?;
        }
        let mut agent = Agent {
            id,
            case: Case::default(),
            version: 0,
            item,
            subject,
            keys,
            script: script.into(),
            dice,
            checks_at: None,
        };
        if self.command(&mut agent, CaseCommand::Submit(submit), actor, at, at).await? {
            self.tally.cases += 1;
            self.tally.residents.push_back(agent.subject.clone());
            if RESIDENTS_MAX < self.tally.residents.len() {
                self.tally.residents.pop_front();
            }
            self.go_on(ordinal, &mut agent, at);
            self.agents.insert(ordinal, agent);
        }
        Ok(())
    }

    /// The library tells of a certificate before anybody relies on it.
    async fn take_in(&mut self, known: Known, at: Instant) -> Result<(), DemoError> {
        let Known { id, taken_in } = known;
        if self.certificates.contains_key(&id) {
            return Ok(());
        }
        let mut certificate = Certificate::default();
        let context = Context { now: at, occurred_at: at, actor: &self.system, reference: &self.reference };
        let labels = labels::of_certificate(&taken_in.holder.subject, &taken_in.organisation, &self.reference);
        let coming = TakeIn { certificate: taken_in, revoked: None };
        let decided = certificate.decide(&CertificateCommand::TakeIn(Box::new(coming)), &context);
        let events = decided.map_err(|rule| DemoError::Rule(rule.to_string()))?;
        events.iter().for_each(|event| certificate.evolve(event));
        self.certificates.insert(id, certificate);
        let events = events.into_iter().map(Event::Certificate).collect();
        let actor = self.system.clone();
        self.append(Subject::Certificate(id), events, actor, at, at, labels).await
    }

    async fn act(&mut self, ordinal: u64, at: Instant) -> Result<(), DemoError> {
        let Some(mut agent) = self.agents.remove(&ordinal) else { return Ok(()) };
        let Some((_, act)) = agent.script.pop_front() else { return Ok(()) };
        let happened = match &act {
            Act::KeyedInLater { days, .. } => {
                let last = agent.case.last_occurred_at.unwrap_or(at);
                (at - TimeDelta::days(*days)).max(last + TimeDelta::minutes(1)).min(at)
            }
            _ => at,
        };
        if let Act::Rate { level } = &act {
            self.rate(ordinal, &mut agent, *level, at).await?;
        } else if let Some((actor, command)) = self.prepare(&mut agent, &act, happened)? {
            self.command(&mut agent, command, actor, at, happened).await?;
            self.tell_of_kin(ordinal, &agent, &act, at).await?;
        }
        if let Act::Spare(code) = act
            && !agent.case.materials.contains_key(&code)
        {
            // Nothing stood for it, so it is brought after all.
            agent.script.push_front((After::Minutes(15), Act::Bring(code)));
        }
        self.go_on(ordinal, &mut agent, at);
        if !agent.script.is_empty() || agent.checks_at.is_some() {
            self.agents.insert(ordinal, agent);
        }
        Ok(())
    }

    fn prepare(
        &mut self,
        agent: &mut Agent,
        act: &Act,
        at: Instant,
    ) -> Result<Option<(Actor, CaseCommand)>, DemoError> {
        let mut stage = Stage {
            case: &agent.case,
            item: &agent.item,
            subject: &agent.subject,
            keys: &agent.keys,
            dice: &mut agent.dice,
            sealing: self.sealing,
            serial: &mut self.serial,
            at,
            id: agent.id,
            certificates: &self.certificates,
            policies: &self.reference.policies,
        };
        let Some(command) = acts::command(act, &mut stage)? else { return Ok(None) };
        Ok(Some((acts::actor(act, &mut stage)?, command)))
    }

    async fn check(&mut self, ordinal: u64, at: Instant) -> Result<(), DemoError> {
        let Some(mut agent) = self.agents.remove(&ordinal) else { return Ok(()) };
        agent.checks_at = None;
        for due in due::due(&agent.case, &self.reference, at) {
            let actor = self.system.clone();
            let warns = matches!(due.command, CaseCommand::RaiseWarning { .. });
            if self.command(&mut agent, due.command, actor, at, at).await? && warns {
                self.line_up_heed(ordinal, agent.version, at);
            }
        }
        self.watch(ordinal, &mut agent, at);
        if !agent.script.is_empty() || agent.checks_at.is_some() {
            self.agents.insert(ordinal, agent);
        }
        Ok(())
    }

    /// Most warnings are read, at the desk of the day on which they were raised.
    fn line_up_heed(&mut self, ordinal: u64, version: u64, at: Instant) {
        let mut dice = Dice::new(self.seed ^ 0x3ead, ordinal.wrapping_mul(1_000) + version);
        if dice.chance(WARNINGS_READ) {
            let desk = instant(day_of(at), arrivals::at_the_desk(&mut dice));
            self.line_up(desk.max(at + TimeDelta::minutes(30)), Turn::Heed(ordinal));
        }
    }

    /// Reads the warnings of a case, and now and then answers them.
    async fn heed(&mut self, ordinal: u64, at: Instant) -> Result<(), DemoError> {
        let Some(mut agent) = self.agents.remove(&ordinal) else { return Ok(()) };
        let mut dice = Dice::new(self.seed ^ 0x4ead, ordinal.wrapping_mul(1_000) + agent.version);
        let mut acts = vec![Act::ReadWarning];
        if dice.chance(WARNINGS_ANSWERED) {
            acts.push(Act::AnswerWarning);
        }
        // The village's own items are nobody's at a desk, and what has ended needs no answer.
        let at_a_desk = agent.item.definition.authority != Authority::VillageSelf && agent.case.closing.is_none();
        for act in acts.iter().filter(|_| at_a_desk) {
            if let Some((actor, command)) = self.prepare(&mut agent, act, at)? {
                self.command(&mut agent, command, actor, at, at).await?;
            }
        }
        self.agents.insert(ordinal, agent);
        Ok(())
    }

    /// Decides, evolves and appends; returns whether the rules allowed it.
    async fn command(
        &mut self,
        agent: &mut Agent,
        command: CaseCommand,
        actor: Actor,
        now: Instant,
        occurred_at: Instant,
    ) -> Result<bool, DemoError> {
        let context = Context { now, occurred_at, actor: &actor, reference: &self.reference };
        let mut events = match agent.case.decide(&command, &context) {
            Ok(events) => events,
            Err(rule) => {
                *self.tally.refused.entry(format!("{}: {}", command.action(), rule.code())).or_default() += 1;
                return Ok(false);
            }
        };
        let subject = Subject::Case(agent.id);
        let stream = subject.to_string();
        for event in &mut events {
            let act = documents::Act {
                context: &stream,
                occurred_at,
                printed_on: day_of(now),
                by: &actor,
                reference: &self.reference,
                reference_position: self.reference_position,
                vault: self.sealing.vault(),
            };
            self.printing.print(&agent.case, event, &act)?;
            agent.case.evolve_by(event, occurred_at, &actor);
        }
        let words = labels::of_case(agent.id, &agent.case, &self.reference);
        self.versions.insert(subject.clone(), agent.version);
        agent.version += events.len() as u64;
        let beside = self.certificate_of(agent, &events, occurred_at)?;
        let events = events.into_iter().map(Event::Case).collect();
        self.append_beside(subject, events, actor, now, occurred_at, words, beside).await?;
        Ok(true)
    }

    /// A result is a certificate, in the same frame.
    fn certificate_of(
        &self,
        agent: &Agent,
        events: &[CaseEvent],
        occurred_at: Instant,
    ) -> Result<Option<(Subject, Event, Vec<String>)>, DemoError> {
        let made = events.iter().find_map(|event| match event {
            CaseEvent::ResultMade(made) => Some(made),
            _ => None,
        });
        let (Some(made), Some(application)) = (made, &agent.case.application) else { return Ok(None) };
        let (holder, number) =
            self.sealing.result(&agent.keys, agent.id, &application.applicant, made.number.as_str())?;
        let day = day_of(occurred_at);
        let rules = &self.reference.policies.at(day).rules;
        let issued = of_result(agent.id, &application.item, made, holder, number, day, rules);
        let words = labels::of_certificate(&issued.holder.subject, &issued.issuer, &self.reference);
        let event = Event::Certificate(issued.into());
        Ok(Some((Subject::Certificate(CertificateId(agent.id.0)), event, words)))
    }

    async fn rate(
        &mut self,
        ordinal: u64,
        agent: &mut Agent,
        level: Satisfaction,
        at: Instant,
    ) -> Result<(), DemoError> {
        let rating =
            ratings::rate(agent.id, &agent.case, &agent.subject, level, &mut agent.dice, self.sealing, &agent.keys)?;
        let Some((id, command)) = rating else { return Ok(()) };
        let actor = acts::resident(&agent.subject, &self.system.organisation)?;
        let mut order = OrderUnderWay {
            id,
            rating: Rating::default(),
            version: 0,
            subject: agent.subject.clone(),
            keys: Arc::clone(&agent.keys),
            labels: labels::of_case(agent.id, &agent.case, &self.reference),
            dice: Dice::new(self.seed ^ 0x0dde, ordinal),
        };
        self.rating_command(&mut order, &command, actor, at).await?;
        self.line_up_order(ordinal, order, at);
        Ok(())
    }

    async fn answer(&mut self, ordinal: u64, at: Instant) -> Result<(), DemoError> {
        let Some(mut order) = self.orders.remove(&ordinal) else { return Ok(()) };
        let Some((actor, command)) = order.next(self.sealing)? else { return Ok(()) };
        if self.rating_command(&mut order, &command, actor, at).await? {
            self.line_up_order(ordinal, order, at);
        }
        Ok(())
    }

    fn line_up_order(&mut self, ordinal: u64, mut order: OrderUnderWay, at: Instant) {
        if let Some(after) = order.after() {
            let next = self.moment(after, at, &mut order.dice);
            self.orders.insert(ordinal, order);
            self.line_up(next, Turn::Answer(ordinal));
        }
    }

    /// Decides, evolves and appends; returns whether the rules allowed it.
    async fn rating_command(
        &mut self,
        order: &mut OrderUnderWay,
        command: &RatingCommand,
        actor: Actor,
        at: Instant,
    ) -> Result<bool, DemoError> {
        let context = Context { now: at, occurred_at: at, actor: &actor, reference: &self.reference };
        let events = match order.rating.decide(command, &context) {
            Ok(events) => events,
            Err(rule) => {
                *self.tally.refused.entry(format!("rating: {rule:?}")).or_default() += 1;
                return Ok(false);
            }
        };
        events.iter().for_each(|event| order.rating.evolve(event));
        let subject = Subject::Rating(order.id.clone());
        self.versions.insert(subject.clone(), order.version);
        order.version += events.len() as u64;
        let events = events.into_iter().map(Event::Rating).collect();
        self.append(subject, events, actor, at, at, order.labels.clone()).await?;
        Ok(true)
    }

    /// Lines up the next act of the script and the next look of the rules.
    fn go_on(&mut self, ordinal: u64, agent: &mut Agent, at: Instant) {
        if let Some((after, _)) = agent.script.front() {
            let next = self.moment(*after, at, &mut agent.dice);
            self.line_up(next, Turn::Act(ordinal));
        }
        self.watch(ordinal, agent, at);
    }

    fn watch(&mut self, ordinal: u64, agent: &mut Agent, at: Instant) {
        let Some(next) = due::next_due(&agent.case, &self.reference, at) else { return };
        let next = next.max(at + TimeDelta::minutes(1));
        if agent.checks_at.is_none_or(|planned| next < planned) && next <= self.until {
            agent.checks_at = Some(next);
            self.line_up(next, Turn::Check(ordinal));
        }
    }

    fn moment(&self, after: After, at: Instant, dice: &mut Dice) -> Instant {
        let calendar = &self.reference.calendar;
        match after {
            After::Minutes(minutes) => at + TimeDelta::minutes(minutes) + TimeDelta::seconds(dice.between(0, 59)),
            After::Days(0) => at + TimeDelta::minutes(dice.between(20, 200)),
            After::Days(days) => {
                let day = calendar.nth_working_day_after(day_of(at), days.unsigned_abs() as u32, None);
                instant(day, arrivals::at_the_desk(dice))
            }
            After::NaturalDays(0) => at + TimeDelta::minutes(dice.between(20, 200)),
            After::NaturalDays(days) => {
                let day = day_of(at) + Days::new(days.unsigned_abs());
                instant(day, arrivals::from_home(dice))
            }
        }
    }

    pub(super) async fn append(
        &mut self,
        subject: Subject,
        events: Vec<Event>,
        by: Actor,
        now: Instant,
        occurred_at: Instant,
        labels: Vec<String>,
    ) -> Result<(), DemoError> {
        self.append_beside(subject, events, by, now, occurred_at, labels, None).await
    }

    #[expect(clippy::too_many_arguments, reason = "a frame has as many parts")]
    async fn append_beside(
        &mut self,
        subject: Subject,
        events: Vec<Event>,
        by: Actor,
        now: Instant,
        occurred_at: Instant,
        labels: Vec<String>,
        beside: Option<(Subject, Event, Vec<String>)>,
    ) -> Result<(), DemoError> {
        if events.is_empty() {
            return Ok(());
        }
        self.tally.events += events.len() as u64;
        if matches!(subject, Subject::Organisation(_)) {
            self.reference_position = self.tally.events;
        }
        let expected = self.expected(&subject, events.len() as u64);
        let mut ids = self.ids(now);
        let command = CommandId(ids.ulid());
        let facts = events
            .into_iter()
            .map(|event| NewFact { id: EventId(ids.ulid()), occurred_at, labels: labels.clone(), event })
            .collect();
        let mut writes = vec![(subject, expected, facts)];
        if let Some((subject, event, labels)) = beside {
            self.tally.events += 1;
            let fact = NewFact { id: EventId(ids.ulid()), occurred_at, labels, event };
            writes.push((subject, Expected::Empty, vec![fact]));
        }
        let append = Append {
            command,
            digest: CommandDigest(command.0.to_bytes()),
            now,
            by,
            correlation: command.0,
            causation: None,
            guards: Vec::new(),
            writes,
        };
        self.hand_in(append).await
    }

    /// Returns where the stream stands, and counts it on.
    fn expected(&mut self, subject: &Subject, events: u64) -> Expected {
        let version = self.versions.entry(subject.clone()).or_default();
        let expected = Expected::at(StreamVersion(*version));
        *version += events;
        if matches!(subject, Subject::Case(_) | Subject::Rating(_) | Subject::Roster(..) | Subject::Certificate(_)) {
            // A case carries its own version; keeping all of them would grow with the run.
            self.versions.remove(subject);
        }
        expected
    }

    fn ids(&self, at: Instant) -> Ids {
        Ids { dice: Dice::new(self.seed ^ 0x1e, self.tally.events), millis: millis(at) }
    }

    /// Takes a place in line, and waits only when too much is under way.
    async fn hand_in(&mut self, append: Append) -> Result<(), DemoError> {
        let journal = self.journal;
        let mut appended: BoxFuture<'a, _> = Box::pin(journal.append(append));
        match futures::poll!(&mut appended) {
            std::task::Poll::Ready(outcome) => {
                outcome?;
            }
            std::task::Poll::Pending => self.under_way.push(appended),
        }
        while self.under_way.len() >= UNDER_WAY_MAX {
            if let Some(outcome) = self.under_way.next().await {
                outcome?;
            }
        }
        Ok(())
    }
}

/// Ids of one turn.
struct Ids {
    dice: Dice,
    millis: u64,
}

impl Ids {
    fn ulid(&mut self) -> Ulid {
        // 80 bits belong to chance in a ULID.
        Ulid::from_parts(self.millis, self.dice.bits() >> 48)
    }
}

fn millis(at: Instant) -> u64 {
    u64::try_from(at.timestamp_millis()).unwrap_or_default()
}
