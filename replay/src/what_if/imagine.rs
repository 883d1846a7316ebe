//! Two histories side by side: what happened, and what would have.
//!
//! Every recorded act is asked for twice: once of the case as it was, under the rules as they were, and once of the
//! imagined case under the imagined rules. Where both deciders say the same, the record stands. Where they differ, what
//! the imagined one says happens instead: other events, or none. What the rules do by themselves is worked out anew
//! wherever the imagined case has come to differ.

use super::edits::{Act, Added};
use super::outcome::Outcome;
use super::scenario::Scenario;
use super::worlds::Worlds;
use super::{CASES_TOLD_MAX, ChangedCase, Refused, Report};
use crate::question::Asked;
use crate::view::Digest;
use chrono::{NaiveDate, TimeDelta};
use domain::actor::Actor;
use domain::case::{Again, Case, CaseCommand, Rejection};
use domain::decider::{Context, Decider};
use domain::due::{DueCommand, RatingDue, days, due, rating_due, system_for};
use domain::event::item::RatingStage;
use domain::event::rating::RatingSubject;
use domain::event::{CaseEvent, Event, RatingEvent};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, CommandId, EventId, OrganisationId, RatingId};
use domain::rating::{Invitations, Rating, asked_again};
use domain::reference::Reference;
use domain::zone::{Instant, day_of, start_of};
use projections::Projection as _;
use projections::case_file::CaseFile;
use std::collections::BTreeMap;
use ulid::Ulid;

/// What both histories are shown in.
#[derive(Debug, Clone)]
pub(super) enum Seen {
    /// A view.
    View { actual: Asked, imagined: Asked },
    /// One case's file.
    Case { actual: Box<CaseFile>, imagined: Box<CaseFile> },
}

impl Seen {
    fn happened(&mut self, fact: &Fact) {
        match self {
            Self::View { actual, .. } => actual.apply(fact),
            Self::Case { actual, .. } => actual.apply(fact),
        }
    }

    fn would_have(&mut self, fact: &Fact) {
        match self {
            Self::View { imagined, .. } => imagined.apply(fact),
            Self::Case { imagined, .. } => imagined.apply(fact),
        }
    }
}

/// A case, or a rating, in both histories.
struct Hand<D> {
    actual: D,
    /// Once it has come to differ.
    imagined: Option<D>,
    /// The world in which it lives: that of the day it was applied for.
    day: NaiveDate,
    /// Its version in the imagined history.
    version: u64,
    /// The last position of its record.
    position: u64,
    /// The rules were evaluated until this moment …
    looked_at: Instant,
    /// … and something happened at that moment since.
    fresh: bool,
}

impl<D: Default> Hand<D> {
    /// Before anything happened to it.
    fn new(day: NaiveDate, looked_at: Instant) -> Self {
        Self { actual: D::default(), imagined: None, day, version: 0, position: 0, looked_at, fresh: false }
    }
}

impl<D> Hand<D> {
    fn imagined(&self) -> &D {
        self.imagined.as_ref().unwrap_or(&self.actual)
    }
}

/// What deciding an act again came to.
enum Verdict<E> {
    /// As it was.
    Stands,
    /// This instead; perhaps nothing.
    Otherwise(Vec<E>),
    /// A rule forbids it.
    Forbidden { rule: String, zh: String, en: String },
    /// Not even under the rules as they were would it be decided as it was recorded.
    Unexplained { rule: String, zh: String, en: String },
}

/// One step of the way through both histories.
pub(super) enum Turn {
    Reference(usize),
    /// An act, at the moment of its record.
    Act(Subject, usize),
    /// An act that was moved, at the moment to which it was.
    Moved(Subject, usize),
    Added(CaseId, usize),
}

/// Some cases, with their ratings, on the way through both histories.
pub(super) struct Imagination<'a> {
    scenario: &'a Scenario,
    reference_facts: &'a [Fact],
    worlds: Worlds,
    announcements: Vec<Instant>,
    cases: BTreeMap<CaseId, Hand<Case>>,
    ratings: BTreeMap<RatingId, Hand<Rating>>,
}

impl<'a> Imagination<'a> {
    pub(super) fn new(scenario: &'a Scenario, reference_facts: &'a [Fact]) -> Self {
        let announcements = Worlds::announcements(scenario).into_iter().collect();
        let worlds = Worlds::of(scenario);
        let (cases, ratings) = (BTreeMap::new(), BTreeMap::new());
        Self { scenario, reference_facts, worlds, announcements, cases, ratings }
    }

    /// Returns the reference data as they were, and those by which the imagined whole is asked.
    pub(super) fn reference(&self) -> (&Reference, &Reference) {
        (&self.worlds.actual, self.worlds.last())
    }

    /// Goes through the acts of these streams, and tells both histories.
    pub(super) fn go_through(
        &mut self,
        streams: &BTreeMap<Subject, Vec<Act>>,
        added: &BTreeMap<CaseId, Vec<Added>>,
        until: Instant,
        seen: &mut Seen,
        report: &mut Report,
    ) {
        for (_, turn) in turns(streams, added, self.reference_facts) {
            match turn {
                Turn::Reference(place) => self.worlds.take_in(&self.reference_facts[place], self.scenario),
                Turn::Act(Subject::Case(case), place) => {
                    let Some(act) = streams.get(&Subject::Case(case)).and_then(|acts| acts.get(place)) else {
                        continue;
                    };
                    self.case_act(case, act, seen, report);
                }
                Turn::Moved(Subject::Case(case), place) => {
                    let Some(act) = streams.get(&Subject::Case(case)).and_then(|acts| acts.get(place)) else {
                        continue;
                    };
                    self.moved_act(case, act, seen, report);
                }
                Turn::Act(Subject::Rating(rating), place) => {
                    let subject = Subject::Rating(rating.clone());
                    let Some(act) = streams.get(&subject).and_then(|acts| acts.get(place)) else { continue };
                    self.rating_act(&rating, act, seen, report);
                }
                Turn::Added(case, place) => {
                    let Some(added) = added.get(&case).and_then(|added| added.get(place)) else { continue };
                    self.added_act(case, added, seen, report);
                }
                Turn::Act(..) | Turn::Moved(..) => (),
            }
        }
        self.worlds.pass(until, self.scenario);
        for case in self.cases.keys().copied().collect::<Vec<_>>() {
            self.let_rules_act(case, until, seen, report);
            self.rate_by_default(case, until, seen, report);
        }
    }

    /// Tells how the cases came out, and forgets them.
    pub(super) fn conclude(self, today: NaiveDate, report: &mut Report) {
        for (case, hand) in self.cases {
            let actual = Outcome::of(&hand.actual, today);
            let imagined = hand.imagined.as_ref().map_or_else(|| actual.clone(), |case| Outcome::of(case, today));
            report.outcomes.actual.add(&actual);
            report.outcomes.imagined.add(&imagined);
            if actual == imagined {
                continue;
            }
            report.changed += 1;
            if report.changed_cases.len() < CASES_TOLD_MAX {
                let number = hand.actual.application.as_ref().map(|application| application.number.to_string());
                report.changed_cases.push(ChangedCase { case, number, actual, imagined });
            }
        }
    }

    /// Takes a case up with its first act.
    fn open(&mut self, case: CaseId, act: &Act, at: Instant) {
        self.cases.entry(case).or_insert_with(|| Hand::new(day_of(act.facts[0].occurred_at), at));
    }

    fn case_act(&mut self, case: CaseId, act: &Act, seen: &mut Seen, report: &mut Report) {
        let at = act.recorded_at();
        self.open(case, act, at);
        self.let_rules_act(case, at, seen, report);
        let moved = act.moved != TimeDelta::zero();
        let Some(hand) = self.cases.get_mut(&case) else { return };
        let reference = self.worlds.on(hand.day);
        let verdict = if act.omitted || moved {
            Verdict::Otherwise(Vec::new())
        } else {
            judged(hand, act, &self.worlds.actual, reference)
        };
        if act.omitted {
            report.omitted += 1;
        }
        let instead = told(report, Subject::Case(case), act, verdict);
        if instead.is_some() {
            hand.imagined.get_or_insert_with(|| hand.actual.clone());
        }
        for fact in &act.facts {
            hand.actual.evolve_fact(fact);
            seen.happened(fact);
        }
        hand.position = act.facts.last().map_or(hand.position, |fact| fact.position);
        match instead {
            None => {
                for fact in &act.facts {
                    tell(hand, fact.clone(), seen);
                }
            }
            Some(events) => {
                let by = stand_in(&act.facts[0].by, act, hand);
                let facts = facts_of(events.into_iter().map(Event::Case), act, &by, TimeDelta::zero());
                facts.into_iter().for_each(|fact| tell(hand, fact, seen));
            }
        }
        hand.fresh = true;
    }

    /// A moved act is decided anew at the moment to which it was moved.
    fn moved_act(&mut self, case: CaseId, act: &Act, seen: &mut Seen, report: &mut Report) {
        if act.omitted {
            return;
        }
        let at = act.imagined_at();
        self.open(case, act, at);
        self.let_rules_act(case, at, seen, report);
        let Some(hand) = self.cases.get_mut(&case) else { return };
        let by = stand_in(&act.facts[0].by, act, hand);
        let command = match hand.imagined().again(&act.case_events(), &act.facts[0].by) {
            Again::Act(command) => command,
            // What a rule did moves with the case by itself.
            Again::Rule(_) => return,
            Again::Stands => {
                let facts: Vec<Fact> = act.facts.iter().map(|fact| moved(fact, act.moved)).collect();
                report.moved += 1;
                hand.imagined.get_or_insert_with(|| hand.actual.clone());
                facts.into_iter().for_each(|fact| tell(hand, fact, seen));
                return;
            }
        };
        let occurred_at = act.facts[0].occurred_at + act.moved;
        let context = Context { now: at, occurred_at, actor: &by, reference: self.worlds.on(hand.day) };
        let decided = hand.imagined().decide(&command, &context);
        report.moved += 1;
        self.happens(case, decided, act, &by, act.moved, seen, report);
    }

    fn added_act(&mut self, case: CaseId, added: &Added, seen: &mut Seen, report: &mut Report) {
        self.let_rules_act(case, added.at, seen, report);
        let Some(hand) = self.cases.get_mut(&case) else { return };
        let insertion = self.scenario.insert[added.place].get_ref();
        let asked = insertion.actor(hand.imagined()).zip(insertion.command());
        let Some((by, command)) = asked else { return };
        let context = Context { now: added.at, occurred_at: added.at, actor: &by, reference: self.worlds.on(hand.day) };
        let decided = hand.imagined().decide(&command, &context);
        report.added += 1;
        let act = blank(case, hand.position, added.at, &by, &format!("insert/{}", added.place));
        if let Err(rule) = &decided {
            let (code, zh, en) = (rule.code().to_owned(), rule.zh(), rule.en());
            // Nothing of it was ever recorded.
            let refused = Refused { events: Vec::new(), ..Refused::of(Subject::Case(case), &act, code, zh, en) };
            return report.refuse(refused);
        }
        self.happens(case, decided, &act, &by, TimeDelta::zero(), seen, report);
    }

    /// Takes in what an imagined decision came to.
    #[expect(clippy::too_many_arguments, reason = "what, of which act, by whom, and where it is told")]
    fn happens(
        &mut self,
        case: CaseId,
        decided: Result<Vec<CaseEvent>, Rejection>,
        act: &Act,
        by: &Actor,
        moved: TimeDelta,
        seen: &mut Seen,
        report: &mut Report,
    ) {
        let Some(hand) = self.cases.get_mut(&case) else { return };
        match decided {
            Ok(events) => {
                hand.imagined.get_or_insert_with(|| hand.actual.clone());
                let facts = facts_of(events.into_iter().map(Event::Case), act, by, moved);
                facts.into_iter().for_each(|fact| tell(hand, fact, seen));
                hand.fresh = true;
            }
            Err(rule) => {
                let (rule, zh, en) = (rule.code().to_owned(), rule.zh(), rule.en());
                report.refuse(Refused::of(Subject::Case(case), act, rule, zh, en));
            }
        }
    }

    /// Lets the rules do in the imagined history what they would have done by a moment and did not do in the record.
    fn let_rules_act(&mut self, case: CaseId, until: Instant, seen: &mut Seen, report: &mut Report) {
        let may_differ = !self.scenario.calendar.is_empty();
        loop {
            let Some(hand) = self.cases.get_mut(&case) else { return };
            if hand.imagined.is_none() && !may_differ {
                hand.looked_at = hand.looked_at.max(until);
                return;
            }
            let reference = self.worlds.on(hand.day);
            let Some(at) = next_look(hand, &self.announcements, until) else {
                hand.looked_at = hand.looked_at.max(until);
                return;
            };
            hand.looked_at = at;
            hand.fresh = false;
            let Some(asked) = newly_due(hand, &self.worlds.actual, reference, at) else { continue };
            let organisation = hand.imagined().at.clone();
            let Some(by) = system(organisation, hand.imagined()) else { continue };
            let context = Context { now: at, occurred_at: at, actor: &by, reference };
            let Ok(events) = hand.imagined().decide(&asked.command, &context) else { continue };
            let rule = asked.rule.split('/').next().unwrap_or_default().to_owned();
            *report.rules.entry(rule).or_default() += 1;
            hand.imagined.get_or_insert_with(|| hand.actual.clone());
            let act = blank(case, hand.position, at, &by, &asked.rule);
            let facts = facts_of(events.into_iter().map(Event::Case), &act, &by, TimeDelta::zero());
            facts.into_iter().for_each(|fact| tell(hand, fact, seen));
            hand.fresh = true;
        }
    }

    fn rating_act(&mut self, rating: &RatingId, act: &Act, seen: &mut Seen, report: &mut Report) {
        let RatingEvents { day, first } = RatingEvents::of(act);
        let hand = self.ratings.entry(rating.clone()).or_insert_with(|| Hand::new(day, act.recorded_at()));
        let reference = self.worlds.on(hand.day);
        let command = first.and_then(|event| asked_again(event, act.facts[0].occurred_at));
        let verdict = match command {
            _ if act.omitted => Verdict::Otherwise(Vec::new()),
            None => Verdict::Stands,
            Some(command) => {
                let fact = &act.facts[0];
                let context = |reference| Context {
                    now: fact.recorded_at,
                    occurred_at: fact.occurred_at,
                    actor: &fact.by,
                    reference,
                };
                let was = hand.actual.decide(&command, &context(&self.worlds.actual));
                let would_be = hand.imagined().decide(&command, &context(reference));
                match (was, would_be) {
                    (was, would_be) if was == would_be => Verdict::Stands,
                    (Err(why), _) => {
                        let (zh, en) = (why.to_string(), why.to_string());
                        Verdict::Unexplained { rule: "rating".to_owned(), zh, en }
                    }
                    (Ok(_), Ok(events)) => Verdict::Otherwise(events),
                    (Ok(_), Err(why)) => {
                        let (zh, en) = (why.to_string(), why.to_string());
                        Verdict::Forbidden { rule: "rating".to_owned(), zh, en }
                    }
                }
            }
        };
        let instead = told(report, Subject::Rating(rating.clone()), act, verdict);
        if instead.is_some() {
            hand.imagined.get_or_insert_with(|| hand.actual.clone());
        }
        for fact in &act.facts {
            evolve_rating(&mut hand.actual, fact);
            seen.happened(fact);
        }
        hand.position = act.facts.last().map_or(hand.position, |fact| fact.position);
        let facts = match instead {
            None => act.facts.clone(),
            Some(events) => facts_of(events.into_iter().map(Event::Rating), act, &act.facts[0].by, TimeDelta::zero()),
        };
        facts.into_iter().for_each(|fact| tell_rating(hand, fact, seen));
    }

    /// 默认评价: services that nobody rated, where the imagined policy speaks and the real one did not.
    fn rate_by_default(&mut self, case: CaseId, until: Instant, seen: &mut Seen, report: &mut Report) {
        let Some(hand) = self.cases.get(&case) else { return };
        let (was, would_be) = (&self.worlds.actual, self.worlds.on(hand.day));
        let today = day_of(until);
        for stage in [RatingStage::Accept, RatingStage::Finish] {
            let about = RatingSubject::Case(case);
            let Some(id) = RatingId::once(&about, stage) else { continue };
            let rating = self.ratings.get(&id);
            let is_due = |case: &Case, rating: Option<&Rating>, reference: &Reference| {
                let service = case.rated_service(stage).filter(|_| case.is_rated_at(stage, &reference.catalogue))?;
                if rating.is_some_and(|rating| rating.rated.is_some()) {
                    return None;
                }
                let invited = rating.and_then(|rating| rating.invitation.as_ref());
                let invited = invited.map(|invited| Invitations { times: invited.time, last_on: invited.on });
                let due = rating_due(service.ended_on, invited, reference, today)?;
                (due == RatingDue::Default).then_some(service)
            };
            if is_due(&hand.actual, rating.map(|rating| &rating.actual), was).is_some() {
                continue;
            }
            let Some(service) = is_due(hand.imagined(), rating.map(Hand::imagined), would_be) else { continue };
            let Some(by) = system(Some(service.organisation.clone()), hand.imagined()) else { continue };
            let command = RatingDue::Default.command(about, stage, service);
            let context = Context { now: until, occurred_at: until, actor: &by, reference: would_be };
            let state = rating.map_or_else(Rating::default, |rating| rating.imagined().clone());
            let Ok(events) = state.decide(&command, &context) else { continue };
            *report.rules.entry("default-rating".to_owned()).or_default() += 1;
            let mut act = blank(case, hand.position, until, &by, &RatingDue::Default.rule(stage));
            act.facts[0].subject = Subject::Rating(id.clone());
            let facts = facts_of(events.into_iter().map(Event::Rating), &act, &by, TimeDelta::zero());
            let day = hand.day;
            let known = self.ratings.entry(id).or_insert_with(|| Hand::new(day, until));
            known.imagined.get_or_insert_with(|| known.actual.clone());
            facts.into_iter().for_each(|fact| tell_rating(known, fact, seen));
        }
    }
}

/// The turns of these streams, and of the reference data, in the order in which both histories pass.
fn turns(
    streams: &BTreeMap<Subject, Vec<Act>>,
    added: &BTreeMap<CaseId, Vec<Added>>,
    reference_facts: &[Fact],
) -> Vec<((Instant, u64, u8), Turn)> {
    let mut turns = Vec::new();
    for (place, fact) in reference_facts.iter().enumerate() {
        turns.push(((fact.recorded_at, fact.position, 0), Turn::Reference(place)));
    }
    for (subject, acts) in streams {
        for (place, act) in acts.iter().enumerate() {
            turns.push(((act.recorded_at(), act.position(), 1), Turn::Act(subject.clone(), place)));
            if act.moved != TimeDelta::zero() {
                turns.push(((act.imagined_at(), act.position(), 2), Turn::Moved(subject.clone(), place)));
            }
        }
    }
    for (case, added) in added {
        for (place, act) in added.iter().enumerate() {
            turns.push(((act.at, u64::MAX, 3), Turn::Added(*case, place)));
        }
    }
    turns.sort_by_key(|(order, _)| *order);
    turns
}

/// Decides an act again, as it was and as it would have been.
fn judged(hand: &Hand<Case>, act: &Act, was: &Reference, would_be: &Reference) -> Verdict<CaseEvent> {
    let fact = &act.facts[0];
    let (command, by_rule) = match hand.actual.again(&act.case_events(), &fact.by) {
        Again::Stands => return Verdict::Stands,
        Again::Act(command) => (command, false),
        Again::Rule(command) => (command, true),
    };
    let context = |actor, reference| Context { now: fact.recorded_at, occurred_at: fact.occurred_at, actor, reference };
    let recorded = hand.actual.decide(&command, &context(&fact.by, was));
    let by = stand_in(&fact.by, act, hand);
    let imagined = hand.imagined().decide(&redirected(command, hand), &context(&by, would_be));
    match (recorded, imagined) {
        (recorded, imagined) if recorded == imagined && by == fact.by => Verdict::Stands,
        (Err(rule), _) => Verdict::Unexplained { rule: rule.code().to_owned(), zh: rule.zh(), en: rule.en() },
        (Ok(_), Ok(events)) => Verdict::Otherwise(events),
        // A rule that no longer asks for something does not do it, and there is nothing to tell of that.
        (Ok(_), Err(_)) if by_rule => Verdict::Otherwise(Vec::new()),
        (Ok(_), Err(rule)) => Verdict::Forbidden { rule: rule.code().to_owned(), zh: rule.zh(), en: rule.en() },
    }
}

/// Where the imagined case is handled or decided elsewhere, whoever did it there does it here. A hall that both handles
/// and decides does the one as the one and the other as the other.
fn elsewhere(organisation: &OrganisationId, decides: bool, hand: &Hand<Case>) -> OrganisationId {
    let applications = (hand.actual.application.as_ref(), hand.imagined().application.as_ref());
    let (Some(was), Some(would_be)) = applications else { return organisation.clone() };
    if *organisation == was.deciding && (decides || was.deciding != was.handling) {
        return would_be.deciding.clone();
    }
    if *organisation == was.handling { would_be.handling.clone() } else { organisation.clone() }
}

fn stand_in(by: &Actor, act: &Act, hand: &Hand<Case>) -> Actor {
    if hand.imagined.is_none() {
        return by.clone();
    }
    let is_decision = |event: &&CaseEvent| {
        matches!(event, CaseEvent::CaseDecided(_) | CaseEvent::ResultMade(_) | CaseEvent::ResultRevoked(_))
    };
    let decides = act.case_events().iter().any(is_decision);
    Actor { organisation: elsewhere(&by.organisation, decides, hand), ..by.clone() }
}

fn redirected(command: CaseCommand, hand: &Hand<Case>) -> CaseCommand {
    match command {
        CaseCommand::Route { to, step, hand_over } => {
            CaseCommand::Route { to: elsewhere(&to, false, hand), step, hand_over }
        }
        CaseCommand::Forward { to, package, hand_over } => {
            CaseCommand::Forward { to: to.map(|to| elsewhere(&to, true, hand)), package, hand_over }
        }
        other => other,
    }
}

/// Writes a verdict down; returns what happens instead, unless the record stands.
fn told<E>(report: &mut Report, subject: Subject, act: &Act, verdict: Verdict<E>) -> Option<Vec<E>> {
    report.acts += 1;
    match verdict {
        Verdict::Stands => None,
        Verdict::Otherwise(events) => {
            report.decided_otherwise += u64::from(!act.omitted && act.moved == TimeDelta::zero());
            Some(events)
        }
        Verdict::Forbidden { rule, zh, en } => {
            report.refuse(Refused::of(subject, act, rule, zh, en));
            Some(Vec::new())
        }
        Verdict::Unexplained { rule, zh, en } => {
            report.leave(Refused::of(subject, act, rule, zh, en));
            None
        }
    }
}

/// The first moment at which the rules must be looked at, at or before another.
fn next_look(hand: &Hand<Case>, announcements: &[Instant], until: Instant) -> Option<Instant> {
    if hand.fresh && hand.looked_at <= until {
        return Some(hand.looked_at);
    }
    let days = days(hand.imagined()).map(start_of);
    let moments = days.chain(announcements.iter().copied());
    moments.filter(|moment| hand.looked_at < *moment && *moment <= until).min()
}

/// The first thing that the rules ask of the imagined case and did not ask of the real one.
fn newly_due(hand: &Hand<Case>, was: &Reference, would_be: &Reference, at: Instant) -> Option<DueCommand> {
    let asked = due(hand.imagined(), would_be, at);
    if asked.is_empty() {
        return None;
    }
    let known = due(&hand.actual, was, at);
    asked.into_iter().find(|asked| known.iter().all(|known| known.rule != asked.rule))
}

/// What happened to a rating: on which day its service ended, and with what it began.
struct RatingEvents<'a> {
    day: NaiveDate,
    first: Option<&'a RatingEvent>,
}

impl<'a> RatingEvents<'a> {
    fn of(act: &'a Act) -> Self {
        let first = act.facts.iter().find_map(|fact| match &fact.event {
            Event::Rating(event) => Some(event),
            _ => None,
        });
        let service = match first {
            Some(RatingEvent::Rated(body)) => Some(&body.service),
            Some(RatingEvent::RatingInvited(body)) => Some(&body.service),
            Some(_) | None => None,
        };
        let day = service.map_or_else(|| day_of(act.facts[0].occurred_at), |service| service.ended_on);
        Self { day, first }
    }
}

fn evolve_rating(rating: &mut Rating, fact: &Fact) {
    if let Event::Rating(event) = &fact.event {
        rating.evolve(event);
    }
}

/// Takes a fact into the imagined history.
fn tell(hand: &mut Hand<Case>, mut fact: Fact, seen: &mut Seen) {
    hand.version += 1;
    fact.version = hand.version;
    if let Some(imagined) = &mut hand.imagined {
        imagined.evolve_fact(&fact);
    }
    seen.would_have(&fact);
}

fn tell_rating(hand: &mut Hand<Rating>, mut fact: Fact, seen: &mut Seen) {
    hand.version += 1;
    fact.version = hand.version;
    if let Some(imagined) = &mut hand.imagined {
        evolve_rating(imagined, &fact);
    }
    seen.would_have(&fact);
}

fn moved(fact: &Fact, by: TimeDelta) -> Fact {
    Fact { recorded_at: fact.recorded_at + by, occurred_at: fact.occurred_at + by, ..fact.clone() }
}

/// Makes facts of what was decided: under the ids of the recorded ones where such an event was recorded, because later
/// acts may name them, and else under ids that follow from the act.
fn facts_of(events: impl Iterator<Item = Event>, act: &Act, by: &Actor, shift: TimeDelta) -> Vec<Fact> {
    let mut recorded: Vec<Option<&Fact>> = act.facts.iter().map(Some).collect();
    let mut facts: Vec<Fact> = Vec::new();
    for (place, event) in events.enumerate() {
        let name = event.schema().name;
        let same = recorded.iter_mut().find(|fact| fact.is_some_and(|fact| fact.event.schema().name == name));
        let like = same.and_then(Option::take);
        let pattern = moved(like.unwrap_or(&act.facts[0]), shift);
        let id =
            like.map_or_else(|| derived(&format!("{}/{}/{place}", pattern.subject, pattern.command)), |fact| fact.id);
        facts.push(Fact { id, by: by.clone(), event, ..pattern });
    }
    let is_told = |fact: &&Fact| matches!(fact.event, Event::Case(CaseEvent::LateEntryExplained(_)));
    // Why an act was keyed in late is told beside it, if it still takes place.
    let explained = recorded.into_iter().flatten().filter(is_told).map(|fact| moved(fact, shift));
    if !facts.is_empty() {
        facts.extend(explained);
    }
    facts
}

/// An act of which nothing is recorded.
fn blank(case: CaseId, position: u64, at: Instant, by: &Actor, why: &str) -> Act {
    let id = derived(&format!("{case}/{why}/{}", at.timestamp_micros()));
    let nothing = domain::event::case::WorkReleased { holder: by.id.clone(), reason: None };
    let fact = Fact {
        position,
        subject: Subject::Case(case),
        version: 0,
        id,
        recorded_at: at,
        occurred_at: at,
        by: by.clone(),
        command: CommandId(id.0),
        event: Event::Case(nothing.into()),
    };
    Act { facts: vec![fact], omitted: false, moved: TimeDelta::zero() }
}

fn derived(from: &str) -> EventId {
    let Digest(digest) = Digest::of(from.as_bytes());
    let (id, _) = digest.split_at(16);
    EventId(Ulid::from_bytes(<[u8; 16]>::try_from(id).unwrap_or_default()))
}

fn system(organisation: Option<OrganisationId>, case: &Case) -> Option<Actor> {
    let organisation = organisation.or_else(|| Some(case.application.as_ref()?.intake.clone()))?;
    Some(system_for(organisation, "system".parse().ok()?))
}
