//! Imagined reference data: what the catalogue, the calendar and the rules would have been.
//!
//! A change may hold for cases applied for in some period only. So there is one world for each stretch of days in
//! which the same changes hold, and a case lives in the world of the day it was applied for. All worlds take in the same
//! reference facts, each rewritten by its own changes.

use super::scenario::{Day, ItemChange, Other, PolicyChange, Scenario, ScenarioError};
use chrono::NaiveDate;
use domain::actor::Actor;
use domain::calendar::{CalendarCommand, CalendarRejection};
use domain::catalogue::{Item, ItemCommand, ItemRejection};
use domain::decider::{Context, Decider};
use domain::due::system_for;
use domain::event::calendar::CalendarAmended;
use domain::event::item::{ItemDefinition, ItemPublished};
use domain::event::policy::{PolicyPublished, PolicyRules};
use domain::event::{CalendarEvent, Event, ItemEvent, PolicyEvent};
use domain::fact::Fact;
use domain::policy::{Policies, PolicyCommand};
use domain::reference::Reference;
use domain::zone::{Instant, day_of, start_of};
use std::collections::BTreeSet;

/// The reference data as they were, and as imagined.
#[derive(Debug, Clone, Default)]
pub(super) struct Worlds {
    pub(super) actual: Reference,
    /// The first day of each world, in order, and its reference data.
    imagined: Vec<(NaiveDate, Reference)>,
    /// Which amendments of the calendar are in already.
    amended: BTreeSet<usize>,
}

impl Worlds {
    /// The worlds of a scenario, before anything happened.
    pub(super) fn of(scenario: &Scenario) -> Self {
        let items = scenario.item.iter().map(|change| (change.get_ref().from, change.get_ref().to));
        let policy = scenario.policy.iter().map(|change| (change.get_ref().from, change.get_ref().to));
        let bounds = items.chain(policy).flat_map(|(from, to)| [from, to]).flatten().map(|Day(day)| day);
        let begins: BTreeSet<NaiveDate> = bounds.chain([NaiveDate::MIN]).collect();
        let imagined = begins.into_iter().map(|begin| (begin, Reference::default())).collect();
        Self { actual: Reference::default(), imagined, amended: BTreeSet::new() }
    }

    /// The imagined reference data for a case applied for on this day.
    pub(super) fn on(&self, day: NaiveDate) -> &Reference {
        let after = self.imagined.partition_point(|(begin, _)| *begin <= day);
        &self.imagined[after.saturating_sub(1)].1
    }

    /// The imagined reference data by which the whole is asked: those of the last world.
    pub(super) fn last(&self) -> &Reference {
        self.imagined.last().map_or(&self.actual, |(_, reference)| reference)
    }

    /// Takes in a reference fact, rewritten in each imagined world.
    pub(super) fn take_in(&mut self, fact: &Fact, scenario: &Scenario) {
        self.pass(fact.recorded_at, scenario);
        self.actual.evolve(&fact.event);
        for (begin, reference) in &mut self.imagined {
            match rewritten(&fact.event, *begin, scenario) {
                Some(event) => reference.evolve(&event),
                None => reference.evolve(&fact.event),
            }
        }
        if let Event::Calendar(CalendarEvent::CalendarPublished(_)) = &fact.event {
            self.amend(scenario, |announced| announced.is_none());
        }
    }

    /// Lets the imagined amendments that were announced by a moment come in.
    pub(super) fn pass(&mut self, now: Instant, scenario: &Scenario) {
        let today = day_of(now);
        self.amend(scenario, |announced| announced.is_some_and(|day| day <= today));
    }

    /// An amendment comes in once every year it speaks of is published.
    fn amend(&mut self, scenario: &Scenario, is_due: impl Fn(Option<NaiveDate>) -> bool) {
        for (place, change) in scenario.calendar.iter().enumerate() {
            let change = change.get_ref();
            let days = change.off.iter().chain(&change.worked);
            let known = days.clone().all(|Day(day)| self.actual.calendar.covers(*day));
            if self.amended.contains(&place) || !known || !is_due(change.announced.map(|Day(day)| day)) {
                continue;
            }
            self.amended.insert(place);
            let event: CalendarEvent = CalendarAmended {
                holidays: change.off.iter().map(|Day(day)| *day).collect(),
                workdays: change.worked.iter().map(|Day(day)| *day).collect(),
                region: change.region.clone(),
                notice: scenario.name.clone(),
                published_on: change.announced.map_or_else(
                    || self.actual.calendar.notices().last().map_or(NaiveDate::MIN, |notice| notice.published_on),
                    |Day(day)| day,
                ),
            }
            .into();
            for (_, reference) in &mut self.imagined {
                reference.calendar.evolve(&event);
            }
        }
    }

    /// The moments at which an imagined amendment is announced; running deadlines are counted anew then.
    pub(super) fn announcements(scenario: &Scenario) -> BTreeSet<Instant> {
        scenario.calendar.iter().filter_map(|change| change.get_ref().announced).map(|Day(day)| start_of(day)).collect()
    }
}

/// The reference fact as it is in a world that begins on this day; nothing where it is as it was.
fn rewritten(event: &Event, begin: NaiveDate, scenario: &Scenario) -> Option<Event> {
    match event {
        Event::Item(ItemEvent::ItemPublished(published)) => {
            let change =
                scenario.item.iter().map(toml::Spanned::get_ref).find(|change| change.is_about(published, begin))?;
            let definition = change.applied_to(&published.definition);
            Some(Event::Item(ItemPublished { definition, ..published.clone() }.into()))
        }
        Event::Policy(PolicyEvent::PolicyPublished(published)) => {
            let change = scenario.policy.as_ref()?.get_ref();
            holds(change.from, change.to, begin).then(|| {
                Event::Policy(
                    PolicyPublished { rules: change.applied_to(&published.rules), ..published.clone() }.into(),
                )
            })
        }
        _ => None,
    }
}

/// Whether a change holds in the world that begins on this day: worlds begin wherever a change does.
fn holds(from: Option<Day>, to: Option<Day>, begin: NaiveDate) -> bool {
    from.is_none_or(|Day(from)| from <= begin) && to.is_none_or(|Day(to)| begin < to)
}

impl ItemChange {
    fn is_about(&self, published: &ItemPublished, begin: NaiveDate) -> bool {
        let version = self.versions.is_empty() || self.versions.iter().any(|it| *it.get_ref() == published.version);
        *self.id.get_ref() == published.item && version && holds(self.from, self.to, begin)
    }

    fn applied_to(&self, definition: &ItemDefinition) -> ItemDefinition {
        let mut imagined = definition.clone();
        let limit = |other: Other| match other {
            Other::Nothing => None,
            Other::Limit(limit) => Some(limit),
        };
        let days = |days: u16| (days != 0).then_some(days);
        if let Some(other) = self.promised_limit {
            imagined.promised_limit = limit(other);
        }
        if let Some(other) = self.legal_limit {
            imagined.legal_limit = limit(other);
        }
        for step in &mut imagined.steps {
            step.budget_days = self.steps.get(&step.code).copied().unwrap_or(step.budget_days);
        }
        for pause in self.pause.iter().map(toml::Spanned::get_ref) {
            let rules = imagined.special_procedures.iter_mut();
            for rule in rules.filter(|rule| rule.name_zh == pause.kind || rule.name_en == pause.kind) {
                rule.stops_promised = pause.stops_promised.unwrap_or(rule.stops_promised);
                rule.stops_legal = pause.stops_legal.unwrap_or(rule.stops_legal);
                rule.basis = pause.basis.clone().or(rule.basis.take());
            }
        }
        imagined.decided_at = self.decided_at.unwrap_or(imagined.decided_at);
        imagined.authority = self.authority.unwrap_or(imagined.authority);
        imagined.cross_township = self.cross_township.unwrap_or(imagined.cross_township);
        imagined.clock_stop = self.clock_stop.unwrap_or(imagined.clock_stop);
        imagined.deemed_acceptance = self.deemed_acceptance.unwrap_or(imagined.deemed_acceptance);
        imagined.extension_days_max = self.extension_days_max.map_or(imagined.extension_days_max, days);
        imagined.delivery_days = self.delivery_days.map_or(imagined.delivery_days, days);
        imagined.review_notice_pauses = self.review_notice_pauses.unwrap_or(imagined.review_notice_pauses);
        imagined
    }
}

impl PolicyChange {
    fn applied_to(&self, rules: &PolicyRules) -> PolicyRules {
        let mut imagined = rules.clone();
        let set = |field: &mut u16, other: Option<u16>| *field = other.unwrap_or(*field);
        set(&mut imagined.yellow_remaining_days, self.yellow_remaining_days);
        set(&mut imagined.yellow_remaining_percent, self.yellow_remaining_percent);
        set(&mut imagined.yellow_percent_from_limit, self.yellow_percent_from_limit);
        set(&mut imagined.no_yellow_up_to_limit, self.no_yellow_up_to_limit);
        set(&mut imagined.notice_days, self.notice_days);
        set(&mut imagined.late_pause_days, self.late_pause_days);
        set(&mut imagined.late_withdrawal_days, self.late_withdrawal_days);
        set(&mut imagined.late_entry_days, self.late_entry_days);
        set(&mut imagined.rating_days, self.rating_days);
        imagined.freeze = self.freeze.unwrap_or(imagined.freeze);
        imagined.extension_moves_promise = self.extension_moves_promise.unwrap_or(imagined.extension_moves_promise);
        imagined.rating_unit = self.rating_unit.unwrap_or(imagined.rating_unit);
        imagined.default_rating = self.default_rating.unwrap_or(imagined.default_rating);
        imagined.scores = self.scores.unwrap_or(imagined.scores);
        imagined
    }
}

/// What a scenario leaves open, told with the answer.
pub(super) type Notes = Vec<String>;

/// Judges a scenario by the reference data that it is about.
///
/// The imagined rules are judged by the same deciders as real ones are when they are published.
///
/// # Errors
/// It names what is not there, or imagines what may not be published.
pub(super) fn check(scenario: &Scenario, reference: &Reference) -> Result<Notes, ScenarioError> {
    let mut notes = Notes::new();
    if let Some(scope) = scenario.scope.as_ref().map(toml::Spanned::get_ref) {
        for item in &scope.items {
            known_item(scenario, item, reference)?;
        }
        if let Some(org) = scope.org.as_ref().filter(|org| reference.organisations.get(org.get_ref()).is_none()) {
            let (zh, en) =
                (format!("没有单位 {}", org.get_ref()), format!("there is no organisation {}", org.get_ref()));
            return Err(scenario.wrong(org, zh, en));
        }
    }
    for change in &scenario.item {
        known_item(scenario, &change.get_ref().id, reference)?;
        check_item(scenario, change, reference, &mut notes)?;
    }
    if let Some(change) = &scenario.policy {
        for version in reference.policies.versions() {
            let rules = change.get_ref().applied_to(&version.rules);
            let (valid_from, published_on) = (version.valid_from, version.published_on);
            let command = PolicyCommand::Publish { valid_from, published_on, rules };
            with_context(reference, |context| Policies::default().decide(&command, context))
                .map_err(|flaw| scenario.wrong(change, format!("规则不成立：{flaw}"), flaw.to_string()))?;
        }
    }
    for change in &scenario.calendar {
        let it = change.get_ref();
        let command = CalendarCommand::Amend {
            holidays: it.off.iter().map(|Day(day)| *day).collect(),
            workdays: it.worked.iter().map(|Day(day)| *day).collect(),
            region: it.region.clone(),
            notice: "what-if".to_owned(),
            published_on: NaiveDate::MIN,
        };
        with_context(reference, |context| reference.calendar.decide(&command, context)).map_err(|flaw| {
            let zh = match &flaw {
                CalendarRejection::YearNotPublished(year) => format!("{year} 年的日历尚未公布"),
                CalendarRejection::DayTwice(day) => format!("{day} 写了两次"),
                _ => format!("日历不成立：{flaw}"),
            };
            scenario.wrong(change, zh, flaw.to_string())
        })?;
    }
    Ok(notes)
}

fn known_item(
    scenario: &Scenario,
    item: &toml::Spanned<domain::ids::ItemId>,
    reference: &Reference,
) -> Result<(), ScenarioError> {
    match reference.catalogue.get(item.get_ref()) {
        Some(_) => Ok(()),
        None => {
            let (zh, en) = (format!("没有事项 {}", item.get_ref()), format!("there is no item {}", item.get_ref()));
            Err(scenario.wrong(item, zh, en))
        }
    }
}

fn check_item(
    scenario: &Scenario,
    change: &toml::Spanned<ItemChange>,
    reference: &Reference,
    notes: &mut Notes,
) -> Result<(), ScenarioError> {
    let it = change.get_ref();
    let item = it.id.get_ref();
    let Some(known) = reference.catalogue.get(item) else { return Ok(()) };
    for version in &it.versions {
        if known.version(*version.get_ref()).is_none() {
            let zh = format!("事项 {item} 没有第 {} 版", version.get_ref());
            return Err(scenario.wrong(version, zh, format!("{item} has no version {}", version.get_ref())));
        }
    }
    let wanted = |number: u32| it.versions.is_empty() || it.versions.iter().any(|version| *version.get_ref() == number);
    let versions: Vec<_> = known.versions().iter().filter(|version| wanted(version.version)).collect();
    for code in it.steps.keys() {
        if !versions.iter().any(|version| version.step(code).is_some()) {
            let zh = format!("事项 {item} 没有环节 {code}");
            return Err(scenario.wrong(change, zh, format!("{item} has no step {code}")));
        }
    }
    for pause in &it.pause {
        let kind = &pause.get_ref().kind;
        let mut rules = versions.iter().flat_map(|version| &version.definition.special_procedures);
        if !rules.any(|rule| rule.name_zh == *kind || rule.name_en == *kind) {
            let zh = format!("事项 {item} 没有特别程序 {kind:?}");
            return Err(scenario.wrong(pause, zh, format!("{item} knows no special procedure {kind:?}")));
        }
    }
    for version in versions {
        let definition = it.applied_to(&version.definition);
        match publishable(item, definition.clone(), reference) {
            None => (),
            // People keep to the same steps under a shorter promise: that is what is asked.
            Some(flaw @ ItemRejection::StepsLongerThanPromise { .. }) if it.steps.is_empty() => {
                notes.push(format!("{item} v{}: {flaw}", version.version));
                let without_steps = ItemDefinition { steps: Vec::new(), ..definition };
                if let Some(flaw) = publishable(item, without_steps, reference) {
                    return Err(scenario.wrong(change, format!("事项不成立：{flaw}"), flaw.to_string()));
                }
            }
            Some(flaw) => return Err(scenario.wrong(change, format!("事项不成立：{flaw}"), flaw.to_string())),
        }
    }
    Ok(())
}

/// The rule that forbids publishing an item so.
fn publishable(item: &domain::ids::ItemId, definition: ItemDefinition, reference: &Reference) -> Option<ItemRejection> {
    let valid_from = NaiveDate::MIN;
    let command = ItemCommand::Publish { item: item.clone(), version: None, valid_from, valid_to: None, definition };
    with_context(reference, |context| Item::default().decide(&command, context)).err()
}

/// Rules about rules look at nobody and at no moment.
fn with_context<T>(reference: &Reference, judge: impl FnOnce(&Context<'_>) -> T) -> T {
    let actor = system();
    judge(&Context { now: Instant::UNIX_EPOCH, occurred_at: Instant::UNIX_EPOCH, actor: &actor, reference })
}

#[expect(clippy::expect_used, reason = "both texts are well-formed ids")]
fn system() -> Actor {
    let organisation = "361000".parse().expect("six digits are a well-formed code");
    system_for(organisation, "system".parse().expect("six letters are a well-formed id"))
}
