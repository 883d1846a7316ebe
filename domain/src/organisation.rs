//! Organisations: the tree of governments, halls, stations and departments, with their windows, staff and hours.

use crate::actor::Role;
use crate::calendar::WorkingCalendar;
use crate::catalogue::ItemVersion;
use crate::event::OrganisationEvent;
use crate::event::item::{Authority, Level};
use crate::event::organisation::{
    ContactSet, OpeningDaysSet, OrganisationDissolved, OrganisationKind, OrganisationRegistered, StaffAppointed,
    StaffRelieved, WindowClosed, WindowOpened,
};
use crate::event::ticket::ServiceTime;
use crate::hall_day::HallDay;
use crate::ids::{OrganisationId, RegionCode, StaffId, WindowId};
use crate::region;
use crate::zone::{Instant, day_of, instant, time_of};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

mod decide;
pub use decide::{OrganisationCommand, OrganisationRejection, OrganisationState};

/// A window of a hall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// 名称, such as 综合窗口1.
    pub name_zh: String,
    /// `comprehensive`, `output`, `social-assistance`, `self-service` …
    pub purpose: String,
}

/// A member of staff in an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// In which roles.
    pub roles: Vec<Role>,
    /// Since when.
    pub valid_from: NaiveDate,
    /// The last day, once relieved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<NaiveDate>,
}

impl Appointment {
    /// Returns whether the appointment holds on this day.
    #[must_use]
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.last_day.is_none_or(|last| day <= last)
    }
}

/// An organisation as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Organisation {
    /// As registered.
    pub registered: OrganisationRegistered,
    /// When it is open, in order of validity.
    pub opening: Vec<OpeningDaysSet>,
    /// How it is reached, in order of validity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<ContactSet>,
    /// Its windows.
    pub windows: BTreeMap<WindowId, Window>,
    /// Its staff, past and present.
    pub staff: BTreeMap<StaffId, Appointment>,
    /// The last day, once dissolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dissolved_after: Option<NaiveDate>,
}

impl Organisation {
    fn new(registered: OrganisationRegistered) -> Self {
        Self {
            registered,
            opening: Vec::new(),
            contacts: Vec::new(),
            windows: BTreeMap::new(),
            staff: BTreeMap::new(),
            dissolved_after: None,
        }
    }

    /// Returns its id.
    #[must_use]
    pub fn id(&self) -> &OrganisationId {
        &self.registered.organisation
    }

    /// Returns its kind.
    #[must_use]
    pub fn kind(&self) -> OrganisationKind {
        self.registered.kind
    }

    /// Returns 名称.
    #[must_use]
    pub fn name_zh(&self) -> &str {
        &self.registered.name_zh
    }

    /// Returns where it lies.
    #[must_use]
    pub fn region(&self) -> &RegionCode {
        &self.registered.region
    }

    /// Returns under whom it stands.
    #[must_use]
    pub fn parent(&self) -> Option<&OrganisationId> {
        self.registered.parent.as_ref()
    }

    /// Returns whether it exists on this day.
    #[must_use]
    pub fn exists_on(&self, day: NaiveDate) -> bool {
        self.registered.valid_from <= day && self.dissolved_after.is_none_or(|last| day <= last)
    }

    /// Returns its own hours on this day, where it has any.
    #[must_use]
    pub fn hours(&self, day: NaiveDate) -> Option<&OpeningDaysSet> {
        self.opening.iter().rev().find(|hours| hours.valid_from <= day)
    }

    /// Returns its own phone on this day, where it has one.
    #[must_use]
    pub fn phone(&self, day: NaiveDate) -> Option<&str> {
        let contact = self.contacts.iter().rev().find(|contact| contact.valid_from <= day);
        contact.map(|contact| contact.phone.as_str())
    }

    fn evolve(&mut self, event: &OrganisationEvent) {
        match event {
            // Registered once; a second registration in a foreign history would restate what is known.
            OrganisationEvent::OrganisationRegistered(again) => self.registered = again.clone(),
            OrganisationEvent::OpeningDaysSet(set) => {
                let at = self.opening.partition_point(|known| known.valid_from <= set.valid_from);
                self.opening.insert(at, set.clone());
            }
            OrganisationEvent::ContactSet(set) => {
                let at = self.contacts.partition_point(|known| known.valid_from <= set.valid_from);
                self.contacts.insert(at, set.clone());
            }
            OrganisationEvent::WindowOpened(WindowOpened { window, name_zh, purpose, .. }) => {
                let opened = Window { name_zh: name_zh.clone(), purpose: purpose.clone() };
                self.windows.insert(window.clone(), opened);
            }
            OrganisationEvent::WindowClosed(WindowClosed { window, .. }) => {
                self.windows.remove(window);
            }
            OrganisationEvent::StaffAppointed(StaffAppointed { staff, roles, valid_from, .. }) => {
                let appointment = Appointment { roles: roles.clone(), valid_from: *valid_from, last_day: None };
                self.staff.insert(staff.clone(), appointment);
            }
            OrganisationEvent::StaffRelieved(StaffRelieved { staff, last_day, .. }) => {
                if let Some(appointment) = self.staff.get_mut(staff) {
                    appointment.last_day = Some(*last_day);
                }
            }
            OrganisationEvent::OrganisationDissolved(OrganisationDissolved { last_day, .. }) => {
                self.dissolved_after = Some(*last_day);
            }
        }
    }
}

/// The tree of organisations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Organisations {
    all: BTreeMap<OrganisationId, Organisation>,
    children: BTreeMap<OrganisationId, BTreeSet<OrganisationId>>,
    halls: BTreeMap<RegionCode, OrganisationId>,
}

/// No tree of governments is deeper; a longer chain of parents would be a circle.
const DEPTH_MAX: usize = 16;

impl Organisations {
    /// Returns the organisation.
    #[must_use]
    pub fn get(&self, id: &OrganisationId) -> Option<&Organisation> {
        self.all.get(id)
    }

    /// Returns every organisation, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Organisation> {
        self.all.values()
    }

    /// Returns the city's organisation, which stands under nobody; the first by id, should there be several.
    #[must_use]
    pub fn root(&self) -> Option<&Organisation> {
        self.iter().find(|organisation| organisation.parent().is_none())
    }

    /// Returns under whom it stands.
    #[must_use]
    pub fn parent(&self, id: &OrganisationId) -> Option<&OrganisationId> {
        self.all.get(id)?.parent()
    }

    /// Returns those directly under it.
    pub fn children(&self, id: &OrganisationId) -> impl Iterator<Item = &OrganisationId> {
        self.children.get(id).into_iter().flatten()
    }

    /// Returns those above it, nearest first, without itself.
    pub fn ancestors<'a>(&'a self, id: &'a OrganisationId) -> impl Iterator<Item = &'a OrganisationId> {
        std::iter::successors(self.parent(id), |above| self.parent(above)).take(DEPTH_MAX)
    }

    /// Returns it and all those under it, each before those under it; nothing if it is unknown.
    pub fn subtree<'a>(&'a self, id: &OrganisationId) -> impl Iterator<Item = &'a OrganisationId> {
        let root = self.all.get_key_value(id).map(|(id, _)| id);
        let mut waiting: Vec<&OrganisationId> = root.into_iter().collect();
        std::iter::from_fn(move || {
            let next = waiting.pop()?;
            let below = self.children.get(next);
            waiting.extend(below.into_iter().flat_map(|children| children.iter().rev()));
            Some(next)
        })
    }

    /// Returns whether `inner` is `outer` or stands under it.
    #[must_use]
    pub fn contains(&self, outer: &OrganisationId, inner: &OrganisationId) -> bool {
        inner == outer || self.ancestors(inner).any(|above| above == outer)
    }

    /// Returns the way to it from the root, such as `/361000/361023/361023100`.
    #[must_use]
    pub fn path(&self, id: &OrganisationId) -> String {
        let mut way: Vec<&OrganisationId> = std::iter::once(id).chain(self.ancestors(id)).collect();
        way.reverse();
        way.into_iter().fold(String::new(), |path, id| path + "/" + id.as_str())
    }

    /// Returns the hall for people of this region: the township's for a township or village, else the county's.
    #[must_use]
    pub fn hall_of_region(&self, code: &RegionCode) -> Option<&OrganisationId> {
        let now = region::as_now(code);
        let township = region::township_of(&now).and_then(|township| self.halls.get(&township));
        township.or_else(|| self.halls.get(&region::county_of(&now)))
    }

    /// Returns the county's organisation in which it stands, itself included.
    #[must_use]
    pub fn county_of(&self, id: &OrganisationId) -> Option<&OrganisationId> {
        self.nearest(id, &[OrganisationKind::County])
    }

    /// Returns the township's (or zone's) organisation in which it stands, itself included.
    #[must_use]
    pub fn township_of(&self, id: &OrganisationId) -> Option<&OrganisationId> {
        self.nearest(id, &[OrganisationKind::Township, OrganisationKind::Zone])
    }

    /// Returns the county department that is responsible for the item, seen from an organisation of that county.
    #[must_use]
    pub fn department_for(&self, version: &ItemVersion, seen_from: &OrganisationId) -> Option<&OrganisationId> {
        let county = self.county_of(seen_from)?;
        self.children(county).find(|id| {
            self.get(id).is_some_and(|child| {
                child.kind() == OrganisationKind::Department
                    && child.name_zh().contains(version.definition.department_zh.as_str())
            })
        })
    }

    /// Returns who decides a case of this item version that this organisation handles.
    ///
    /// Village items the station itself, township items the township, county items the county's department; where such
    /// an organisation is missing, the nearest above that is there.
    #[must_use]
    pub fn deciding_for(&self, version: &ItemVersion, handling: &OrganisationId) -> OrganisationId {
        let deciding = match version.definition.decided_at {
            Level::Village => None,
            Level::Township => self.township_of(handling),
            Level::County => self.department_for(version, handling).or_else(|| self.county_of(handling)),
            Level::City => self.nearest(handling, &[OrganisationKind::City]),
        };
        deciding.unwrap_or(handling).clone()
    }

    /// Returns in whose name the deciding organisation decides: its own, or where it is entrusted, the county
    /// department's that entrusted it.
    #[must_use]
    pub fn in_name_of(&self, version: &ItemVersion, deciding: &OrganisationId) -> OrganisationId {
        match version.definition.authority {
            Authority::Entrusted => self.department_for(version, deciding).unwrap_or(deciding).clone(),
            Authority::OwnStatutory | Authority::Empowered | Authority::Forward | Authority::VillageSelf => {
                deciding.clone()
            }
        }
    }

    /// Returns whether this person works here in this role on this day.
    #[must_use]
    pub fn has_role(&self, id: &OrganisationId, staff: &StaffId, role: Role, day: NaiveDate) -> bool {
        let appointment = self.all.get(id).and_then(|organisation| organisation.staff.get(staff));
        appointment.is_some_and(|appointment| appointment.holds_on(day) && appointment.roles.contains(&role))
    }

    /// Returns the hours on this day: its own, or those of the nearest above that has some.
    #[must_use]
    pub fn hours<'a>(&'a self, id: &'a OrganisationId, day: NaiveDate) -> Option<&'a OpeningDaysSet> {
        std::iter::once(id).chain(self.ancestors(id)).find_map(|id| self.all.get(id)?.hours(day))
    }

    /// Returns the phone on this day: its own, or that of the nearest above that has one.
    #[must_use]
    pub fn phone<'a>(&'a self, id: &'a OrganisationId, day: NaiveDate) -> Option<&'a str> {
        std::iter::once(id).chain(self.ancestors(id)).find_map(|id| self.all.get(id)?.phone(day))
    }

    /// Returns whether it is open at this moment, after-hours service included.
    #[must_use]
    pub fn is_open(&self, id: &OrganisationId, at: Instant, calendar: &WorkingCalendar) -> bool {
        let (day, time) = (day_of(at), time_of(at));
        let Some(hours) = self.hours(id, day) else { return false };
        let closes = hours.after_hours_until.unwrap_or(hours.closes);
        self.opens_on(id, day, calendar) && (hours.opens..=closes).contains(&time)
    }

    /// Returns whether it opens on this day: its own hours say so, or those of the nearest above that has some.
    #[must_use]
    pub fn opens_on(&self, id: &OrganisationId, day: NaiveDate, calendar: &WorkingCalendar) -> bool {
        let (Some(organisation), Some(hours)) = (self.all.get(id), self.hours(id, day)) else { return false };
        organisation.exists_on(day) && (hours.every_day || calendar.is_working(day, Some(organisation.region())))
    }

    /// Returns whether this moment lies outside ordinary office hours: on a rest day (365天服务), early or late (延时).
    #[must_use]
    pub fn outside_hours(&self, id: &OrganisationId, at: Instant, calendar: &WorkingCalendar) -> bool {
        let (day, time) = (day_of(at), time_of(at));
        let region = self.all.get(id).map(Organisation::region);
        let within = self.hours(id, day).is_none_or(|hours| (hours.opens..=hours.closes).contains(&time));
        !within || !calendar.is_working(day, region)
    }

    /// Returns whether a moment is one of ordinary service, of 延时服务, or of 365天服务.
    #[must_use]
    pub fn service_time(&self, id: &OrganisationId, at: Instant, calendar: &WorkingCalendar) -> ServiceTime {
        let region = self.all.get(id).map(Organisation::region);
        if !calendar.is_working(day_of(at), region) {
            return ServiceTime::RestDay;
        }
        let hours = self.hours(id, day_of(at));
        let within = hours.is_none_or(|hours| (hours.opens..=hours.closes).contains(&time_of(at)));
        if within { ServiceTime::Ordinary } else { ServiceTime::AfterHours }
    }

    /// Returns the day of this hall to which a moment belongs.
    #[must_use]
    pub fn hall_day(&self, id: &OrganisationId, at: Instant) -> HallDay {
        let day = day_of(at);
        let begins = self.hours(id, day).and_then(|hours| hours.day_begins);
        let still_yesterday = begins.is_some_and(|begins| time_of(at) < begins);
        let day = if still_yesterday { day.pred_opt().unwrap_or(day) } else { day };
        HallDay { day, hall: id.clone() }
    }

    /// Returns the first moment after a hall's day.
    #[must_use]
    pub fn end_of(&self, day: &HallDay) -> Instant {
        let next = day.day.succ_opt().unwrap_or(day.day);
        let begins = self.hours(&day.hall, next).and_then(|hours| hours.day_begins);
        instant(next, begins.unwrap_or_default())
    }

    fn nearest<'a>(&'a self, id: &OrganisationId, kinds: &[OrganisationKind]) -> Option<&'a OrganisationId> {
        let itself = self.all.get(id)?;
        let above = std::iter::successors(Some(itself), |below| self.all.get(below.parent()?)).take(DEPTH_MAX);
        above
            .map(|organisation| (organisation.id(), organisation.kind()))
            .find(|(_, kind)| kinds.contains(kind))
            .map(|(id, _)| id)
    }

    /// Takes in what happened to an organisation.
    pub fn evolve(&mut self, event: &OrganisationEvent) {
        if let OrganisationEvent::OrganisationRegistered(registered) = event {
            self.register(registered);
        } else if let Some(organisation) = self.all.get_mut(organisation_of(event)) {
            organisation.evolve(event);
        }
    }

    fn register(&mut self, registered: &OrganisationRegistered) {
        let id = &registered.organisation;
        if let Some(parent) = &registered.parent {
            self.children.entry(parent.clone()).or_default().insert(id.clone());
        }
        match registered.kind {
            OrganisationKind::City | OrganisationKind::County | OrganisationKind::Township | OrganisationKind::Zone => {
                self.halls.insert(registered.region.clone(), id.clone());
            }
            OrganisationKind::Village | OrganisationKind::Department => (),
        }
        let organisation = self.all.entry(id.clone()).or_insert_with(|| Organisation::new(registered.clone()));
        organisation.registered = registered.clone();
    }
}

/// Returns the organisation that an event is about.
#[must_use]
pub fn organisation_of(event: &OrganisationEvent) -> &OrganisationId {
    match event {
        OrganisationEvent::OrganisationRegistered(body) => &body.organisation,
        OrganisationEvent::OpeningDaysSet(body) => &body.organisation,
        OrganisationEvent::ContactSet(body) => &body.organisation,
        OrganisationEvent::WindowOpened(body) => &body.organisation,
        OrganisationEvent::WindowClosed(body) => &body.organisation,
        OrganisationEvent::StaffAppointed(body) => &body.organisation,
        OrganisationEvent::StaffRelieved(body) => &body.organisation,
        OrganisationEvent::OrganisationDissolved(body) => &body.organisation,
    }
}

#[cfg(test)]
mod tests;
