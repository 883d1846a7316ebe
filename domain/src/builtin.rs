//! What a new log begins with: the city's organisations, their instruments, calendar, rules and
//! catalogue, as the events they were.
//!
//! The data stand in `domain/data/`. Items and their limits are illustrative where their `rules_source` says so.

use crate::event::calendar::{CalendarAmended, CalendarPublished};
use crate::event::organisation::{ContactSet, OpeningDaysSet, OrganisationKind, OrganisationRegistered, WindowOpened};
use crate::event::{CalendarEvent, Event, OrganisationEvent};
use crate::fact::Subject;
use crate::ids::{OrganisationId, RegionCode, WindowId};
use crate::policy;
use crate::reference::Reference;
use crate::region::{self, Region};
use chrono::{NaiveDate, NaiveTime};
use serde::Deserialize;
use serde::de::DeserializeOwned;

mod instruments;
mod items;
mod templates;

/// One event of the built-in history.
#[derive(Debug, Clone, PartialEq)]
pub struct BuiltIn {
    /// The stream it belongs to.
    pub subject: Subject,
    /// The day it became known.
    pub published_on: NaiveDate,
    /// The event.
    pub event: Event,
}

/// Returns the built-in history in order of publication, every organisation after the one above it.
#[must_use]
pub fn events() -> Vec<BuiltIn> {
    let rules = policy::first_published();
    let mut all = vec![BuiltIn {
        subject: Subject::Policy,
        published_on: rules.published_on,
        event: Event::Policy(rules.into()),
    }];
    all.extend(templates::published());
    let (organisations, items) = (organisations(), items::published());
    let instruments = instruments::issued(&organisations, &items);
    all.extend(organisations);
    all.extend(items);
    all.extend(instruments);
    all.extend(calendar());
    // Stable: what was published on one day stays in the order above.
    all.sort_by_key(|built_in| built_in.published_on);
    all
}

/// Returns the reference data after the whole built-in history.
#[must_use]
pub fn reference() -> Reference {
    let mut reference = Reference::default();
    for built_in in events() {
        reference.evolve(&built_in.event);
    }
    reference
}

#[expect(clippy::expect_used, reason = "the texts are part of the program; a test reads each of them")]
fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("the program's own data have the shape it expects")
}

#[derive(Deserialize)]
struct CalendarData {
    years: Vec<CalendarPublished>,
    amendments: Vec<CalendarAmended>,
}

fn calendar() -> Vec<BuiltIn> {
    let data: CalendarData = read(include_str!("../data/calendar.json"));
    let built_in = |published_on: NaiveDate, event: CalendarEvent| BuiltIn {
        subject: Subject::Calendar,
        published_on,
        event: event.into(),
    };
    let years = data.years.into_iter().map(|year| built_in(year.published_on, year.into()));
    let amendments = data.amendments.into_iter().map(|amendment| built_in(amendment.published_on, amendment.into()));
    years.chain(amendments).collect()
}

#[derive(Deserialize)]
struct OrganisationData {
    city: OrganisationId,
    since: NaiveDate,
    opens: NaiveTime,
    closes: NaiveTime,
    after_hours: AfterHours,
    every_day: EveryDay,
    hotline: Hotline,
    windows: Vec<WindowData>,
    assistance: Assistance,
    villages: Vec<VillageData>,
}

#[derive(Deserialize)]
struct AfterHours {
    since: NaiveDate,
    until: NaiveTime,
}

#[derive(Deserialize)]
struct EveryDay {
    since: NaiveDate,
    county: RegionCode,
}

/// 12345 政务服务便民热线: whom to call where an organisation has no phone of its own.
#[derive(Deserialize)]
struct Hotline {
    since: NaiveDate,
    phone: String,
}

#[derive(Deserialize)]
struct WindowData {
    window: WindowId,
    name_zh: String,
    purpose: String,
}

/// 社会救助窗口 of every township.
#[derive(Deserialize)]
struct Assistance {
    since: NaiveDate,
    window: WindowData,
}

#[derive(Deserialize)]
struct VillageData {
    organisation: OrganisationId,
    parent: OrganisationId,
    name_zh: String,
}

impl WindowData {
    fn opened(&self, organisation: &OrganisationId) -> WindowOpened {
        WindowOpened {
            organisation: organisation.clone(),
            window: self.window.clone(),
            name_zh: self.name_zh.clone(),
            purpose: self.purpose.clone(),
        }
    }
}

/// Organisations in the making: the data, and what has been said so far.
struct Making {
    data: OrganisationData,
    events: Vec<BuiltIn>,
}

fn organisations() -> Vec<BuiltIn> {
    let mut making = Making { data: read(include_str!("../data/organisations.json")), events: Vec::new() };
    let in_use = || region::all().filter(|region| region.to.is_none());
    let with_digits = |digits: usize| in_use().filter(move |region| region.code.as_str().len() == digits);

    for area in with_digits(6) {
        making.government(area);
    }
    for area in with_digits(9) {
        making.township(area);
    }
    making.villages();
    making.events
}

impl Making {
    /// The city and its counties, with the counties' departments.
    fn government(&mut self, area: &Region) {
        let Some(id) = organisation_id(&area.code) else { return };
        let is_city = id == self.data.city;
        let name_zh = format!("{}政务服务中心", area.name);
        let (kind, parent) = match is_city {
            true => (OrganisationKind::City, None),
            false => (OrganisationKind::County, Some(self.data.city.clone())),
        };
        let name_en = area.name_en.as_ref().map_or_else(String::new, |name| format!("{name} service centre"));
        self.register(&id, parent, kind, name_zh, name_en, &area.code);
        self.windows(&id);
        self.hours(&id, self.data.since, false);
        self.hours(&id, self.data.after_hours.since, false);
        if is_city {
            self.hotline(&id);
            return;
        }
        for department in items::departments() {
            let Ok(own_id) = format!("{id}-{}", department.code).parse() else { continue };
            let name_zh = format!("{}{}", area.name, department.office_zh);
            let kind = OrganisationKind::Department;
            self.register(&own_id, Some(id.clone()), kind, name_zh, department.name_en, &area.code);
        }
    }

    fn township(&mut self, area: &Region) {
        let Some(id) = organisation_id(&area.code) else { return };
        let Some(county) = organisation_id(&region::county_of(&area.code)) else { return };
        let kind = match is_township_name(&area.name) {
            true => OrganisationKind::Township,
            false => OrganisationKind::Zone,
        };
        self.register(&id, Some(county), kind, format!("{}便民服务中心", area.name), String::new(), &area.code);
        self.windows(&id);
        if region::lies_in(&area.code, &self.data.every_day.county) {
            self.hours(&id, self.data.every_day.since, true);
        }
        if kind == OrganisationKind::Township {
            self.say(&id, self.data.assistance.since, self.data.assistance.window.opened(&id).into());
        }
    }

    fn villages(&mut self) {
        for VillageData { organisation, parent, name_zh } in std::mem::take(&mut self.data.villages) {
            // A village's own region code is in no source at hand; its station lies in the township.
            let Ok(area) = parent.as_str().parse::<RegionCode>() else { continue };
            let kind = OrganisationKind::Village;
            self.register(&organisation, Some(parent), kind, name_zh, String::new(), &area);
        }
    }

    fn register(
        &mut self,
        id: &OrganisationId,
        parent: Option<OrganisationId>,
        kind: OrganisationKind,
        name_zh: String,
        name_en: String,
        area: &RegionCode,
    ) {
        let valid_from = self.data.since;
        let organisation = id.clone();
        let region = area.clone();
        let registered = OrganisationRegistered {
            organisation,
            parent,
            kind,
            name_zh,
            name_en,
            region,
            credit_code: None,
            synthetic: false,
            valid_from,
        };
        self.say(id, valid_from, registered.into());
    }

    fn windows(&mut self, id: &OrganisationId) {
        let opened = self.data.windows.iter().map(|window| window.opened(id));
        for window in opened.collect::<Vec<_>>() {
            self.say(id, self.data.since, window.into());
        }
    }

    /// Ordinary hours, with after-hours service from the day the city has it.
    fn hours(&mut self, id: &OrganisationId, valid_from: NaiveDate, every_day: bool) {
        let after_hours = &self.data.after_hours;
        let set = OpeningDaysSet {
            organisation: id.clone(),
            every_day,
            opens: self.data.opens,
            closes: self.data.closes,
            after_hours_until: (after_hours.since <= valid_from).then_some(after_hours.until),
            day_begins: None,
            valid_from,
        };
        self.say(id, valid_from, set.into());
    }

    fn hotline(&mut self, id: &OrganisationId) {
        let Hotline { since, phone } = &self.data.hotline;
        let since = *since;
        let set = ContactSet { organisation: id.clone(), phone: phone.clone(), valid_from: since };
        self.say(id, since, set.into());
    }

    fn say(&mut self, id: &OrganisationId, published_on: NaiveDate, event: OrganisationEvent) {
        let subject = Subject::Organisation(id.clone());
        self.events.push(BuiltIn { subject, published_on, event: event.into() });
    }
}

/// Towns, townships, sub-districts, and the state farms that are administered like them; all else is a zone.
fn is_township_name(name: &str) -> bool {
    ["镇", "乡", "街道", "垦殖场", "林场"].iter().any(|ending| name.ends_with(ending))
}

fn organisation_id(code: &RegionCode) -> Option<OrganisationId> {
    code.as_str().parse().ok()
}

#[cfg(test)]
mod tests;
