//! Which cell belongs to which group of an answer.

use super::figures::Figures;
use super::query::{Cohort, Dimension, ProcessingTimesAnswer, ProcessingTimesQuery, RegionAs};
use super::{Delegated, Ended, Line, Open, Pause, Places, ProcessingTimes, Stay};
use crate::gather::{self, Gathered, Wanted, month_slot, month_text, name_slot, name_text};
use crate::names::{Code, Names};
use crate::scope::{Attribution, Subtree};
use chrono::NaiveDate;
use domain::event::item::Authority;
use domain::ids::RegionCode;
use domain::reference::Reference;
use domain::region;
use std::collections::BTreeMap;

/// One place for each dimension; 0 where it was not asked for, or where there is nothing.
type Slots = gather::Slots<{ Dimension::ALL.len() }>;

/// What of a case or a stay can be told apart.
struct Traits {
    line: Code,
    organisation: Code,
    clerk: Option<Code>,
    step: Option<Code>,
    day: NaiveDate,
}

pub(super) struct Groups<'a> {
    state: &'a ProcessingTimes,
    query: &'a ProcessingTimesQuery,
    reference: &'a Reference,
    within: Subtree,
    lines: Wanted,
    asked: [bool; Dimension::ALL.len()],
    regions: Names<RegionCode>,
    known_regions: BTreeMap<(Code, Dimension), u32>,
    groups: Gathered<{ Dimension::ALL.len() }, Figures>,
}

impl<'a> Groups<'a> {
    pub(super) fn new(state: &'a ProcessingTimes, query: &'a ProcessingTimesQuery, reference: &'a Reference) -> Self {
        let mut asked = Dimension::ALL.map(|dimension| query.group_by.contains(&dimension));
        // A version's number means nothing without its item.
        asked[0] |= query.group_by.contains(&Dimension::ItemVersion);
        let wanted = |line: &Line| {
            let item = state.texts.items.name(line.item);
            let source = state.texts.sources.name(line.source);
            query.item.as_ref().is_none_or(|wanted| Some(wanted) == item)
                && source.is_some_and(|source| query.source.contains(source))
        };
        Self {
            within: Subtree::of(query.organisation.as_ref(), &reference.organisations, &state.texts.organisations),
            lines: Wanted::only(
                state.texts.lines.count(),
                state.texts.lines.iter().filter(|(_, line)| wanted(line)).map(|(code, _)| code),
            ),
            asked,
            regions: Names::default(),
            known_regions: BTreeMap::new(),
            groups: Gathered::default(),
            state,
            query,
            reference,
        }
    }

    pub(super) fn count_endings(&mut self) {
        let state = self.state;
        match self.query.cohort {
            Cohort::Finished => {
                for (day, ended, count) in state.ended.within(self.query.period) {
                    self.count_ending(day, ended, count);
                }
            }
            Cohort::Accepted => {
                for (_, ended, count) in state.ended.iter() {
                    let accepted_on = ended.accepted_on.filter(|day| self.query.period.contains(*day));
                    if let Some(day) = accepted_on {
                        self.count_ending(day, ended, count);
                    }
                }
            }
        }
    }

    fn count_ending(&mut self, day: NaiveDate, ended: &Ended, count: i64) {
        if self.query.closing.is_some_and(|kind| kind != ended.kind) {
            return;
        }
        let organisation = self.attributed(&ended.places);
        let traits = Traits { line: ended.line, organisation, clerk: ended.clerk, step: None, day };
        if let Some(figures) = self.figures(&traits) {
            figures.count_ending(ended, count);
        }
    }

    pub(super) fn count_open(&mut self, today: NaiveDate) {
        let state = self.state;
        for open in state.open.values() {
            let overdue = overdue(open, today);
            let period = self.query.period;
            let organisation = self.attributed(&open.places);
            let traits = |day| Traits { line: open.line, organisation, clerk: open.clerk, step: None, day };
            match self.query.cohort {
                Cohort::Accepted if period.contains(open.accepted_on) => {
                    if let Some(figures) = self.figures(&traits(open.accepted_on)) {
                        figures.n += 1;
                        figures.open_overdue += i64::from(overdue.promised.is_some());
                        figures.open_overdue_statutory += i64::from(overdue.legal.is_some());
                    }
                }
                Cohort::Accepted => (),
                Cohort::Finished => {
                    if let Some(day) = overdue.promised.filter(|day| period.contains(*day))
                        && let Some(figures) = self.figures(&traits(day))
                    {
                        figures.open_overdue += 1;
                    }
                    if let Some(day) = overdue.legal.filter(|day| period.contains(*day))
                        && let Some(figures) = self.figures(&traits(day))
                    {
                        figures.open_overdue_statutory += 1;
                    }
                }
            }
        }
    }

    /// A stay belongs to the organisation that spent the days, whatever the attribution of its case.
    pub(super) fn count_steps(&mut self) {
        let state = self.state;
        for (day, stay, count) in state.stays.within(self.query.period) {
            let Stay { line, organisation, step: Some(step), holder, .. } = *stay else { continue };
            let traits = Traits { line, organisation, clerk: holder, step: Some(step), day };
            if let Some(figures) = self.figures(&traits) {
                figures.n += count;
                figures.working_days.add(stay.days, count);
                figures.steps += count;
                figures.steps_within_budget += if stay.days <= stay.budget_days { count } else { 0 };
            }
        }
    }

    pub(super) fn count_legs(&mut self) {
        let state = self.state;
        for (day, stay, count) in state.stays.within(self.query.period) {
            let Stay { line, organisation, step: None, .. } = *stay else { continue };
            let traits = Traits { line, organisation, clerk: None, step: None, day };
            if let Some(figures) = self.figures(&traits) {
                let days = if stay.decided { &mut figures.decided_leg_days } else { &mut figures.forwarded_days };
                days.add(stay.days, count);
            }
        }
    }

    /// What somebody outside decided was not decided here, though the power had been given down.
    pub(super) fn count_delegated(&mut self) {
        let state = self.state;
        for (day, delegated, count) in state.delegated.within(self.query.period) {
            let Delegated { line, clerk, decided_by, under_instrument, .. } = *delegated;
            let here = under_instrument && self.within.contains(decided_by);
            let traits = Traits { line, organisation: self.attributed(&delegated.places), clerk, step: None, day };
            if let Some(figures) = self.figures(&traits) {
                figures.delegated += count;
                figures.delegated_decided += if here { count } else { 0 };
            }
        }
    }

    fn attributed(&self, places: &Places) -> Code {
        match self.query.attribution {
            Attribution::Intake => places.intake,
            Attribution::Handling => places.handling,
            Attribution::Deciding => places.deciding,
            Attribution::Delivering => places.delivering,
        }
    }

    /// Returns the figures of the group to which something belongs, if the question wants it at all.
    fn figures(&mut self, traits: &Traits) -> Option<&mut Figures> {
        if !self.lines.contains(traits.line) || !self.within.contains(traits.organisation) {
            return None;
        }
        let slots = self.slots(traits);
        Some(self.groups.group(slots))
    }

    fn slots(&mut self, traits: &Traits) -> Slots {
        let mut slots = Slots::default();
        for (place, dimension) in Dimension::ALL.into_iter().enumerate() {
            if self.asked[place] {
                slots[place] = self.slot(dimension, traits);
            }
        }
        slots
    }

    fn slot(&mut self, dimension: Dimension, traits: &Traits) -> u32 {
        let line = self.state.texts.lines.name(traits.line);
        match dimension {
            Dimension::Item => line.map_or(0, |line| line.item.number()),
            Dimension::ItemVersion => line.map_or(0, |line| line.item_version),
            Dimension::Authority => line.map_or(0, |line| authority_slot(line.authority)),
            Dimension::Step => name_slot(traits.step),
            Dimension::Clerk => name_slot(traits.clerk),
            Dimension::Township | Dimension::County => self.region_slot(traits.organisation, dimension),
            Dimension::Month => month_slot(traits.day),
        }
    }

    fn region_slot(&mut self, organisation: Code, dimension: Dimension) -> u32 {
        if let Some(slot) = self.known_regions.get(&(organisation, dimension)) {
            return *slot;
        }
        let slot = self.region(organisation, dimension).map_or(0, |region| self.regions.code(&region).number());
        self.known_regions.insert((organisation, dimension), slot);
        slot
    }

    fn region(&self, organisation: Code, dimension: Dimension) -> Option<RegionCode> {
        let organisations = &self.reference.organisations;
        let id = self.state.texts.organisations.name(organisation)?;
        let above = match dimension {
            Dimension::Township => organisations.township_of(id),
            _ => organisations.county_of(id),
        };
        let code = organisations.get(above?)?.region();
        match self.query.region_as {
            RegionAs::Then => Some(code.clone()),
            RegionAs::Now => Some(region::as_now(code)),
        }
    }

    pub(super) fn answer(self) -> ProcessingTimesAnswer {
        let mut total = Figures::default();
        let mut rows = Vec::new();
        for (slots, figures) in self.groups.iter() {
            total.merge(figures);
            rows.push(figures.row(self.key(slots)));
        }
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        let legacy = self.state.legacy.iter().filter(|(source, _)| self.query.source.contains(source));
        ProcessingTimesAnswer {
            rows,
            total: total.row(BTreeMap::new()),
            legacy: legacy.map(|(source, counts)| (source.clone(), *counts)).collect(),
        }
    }

    fn key(&self, slots: &Slots) -> BTreeMap<Dimension, Option<String>> {
        let asked = Dimension::ALL.into_iter().zip(slots).zip(self.asked).filter(|(_, asked)| *asked);
        asked.map(|((dimension, slot), _)| (dimension, self.text(dimension, *slot))).collect()
    }

    fn text(&self, dimension: Dimension, slot: u32) -> Option<String> {
        let texts = &self.state.texts;
        match dimension {
            Dimension::Item => name_text(&texts.items, slot),
            Dimension::ItemVersion => (slot != 0).then(|| slot.to_string()),
            Dimension::Authority => authority_text(slot),
            Dimension::Step => name_text(&texts.steps, slot),
            Dimension::Clerk => name_text(&texts.staff, slot),
            Dimension::Township | Dimension::County => name_text(&self.regions, slot),
            Dimension::Month => month_text(slot),
        }
    }
}

const AUTHORITIES: [(Authority, &str); 5] = [
    (Authority::OwnStatutory, "own_statutory"),
    (Authority::Empowered, "empowered"),
    (Authority::Entrusted, "entrusted"),
    (Authority::Forward, "forward"),
    (Authority::VillageSelf, "village_self"),
];

fn authority_slot(authority: Authority) -> u32 {
    (1..).zip(AUTHORITIES).find(|(_, (known, _))| *known == authority).map_or(0, |(slot, _)| slot)
}

fn authority_text(slot: u32) -> Option<String> {
    (1..).zip(AUTHORITIES).find(|(known, _)| *known == slot).map(|(_, (_, text))| text.to_owned())
}

struct Overdue {
    promised: Option<NaiveDate>,
    legal: Option<NaiveDate>,
}

/// A clock that stood still or stopped is looked at as of that day; later days were not its own.
fn overdue(open: &Open, today: NaiveDate) -> Overdue {
    let paused =
        |stands: fn(&Pause) -> bool| open.pauses.iter().filter(|pause| stands(pause)).map(|pause| pause.from).min();
    let seen = |stop: Option<NaiveDate>, pause: Option<NaiveDate>| {
        [stop, pause].into_iter().flatten().fold(today, NaiveDate::min)
    };
    let promised_seen = seen(open.promise_stopped_on, paused(|pause| pause.promised));
    let legal_seen = seen(open.decided_on, paused(|pause| pause.legal));
    Overdue {
        promised: open.promised_by.filter(|by| *by < promised_seen),
        legal: open.legal_by.filter(|by| *by < legal_seen),
    }
}
