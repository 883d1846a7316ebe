//! 预约: the slots of one hall's day as one stream, so that no slot is ever sold twice.
//!
//! What a slot holds follows from opening hours, the windows, the roster or who is appointed, and the policy; a booking relies on
//! all of these as they stand, and says in its event how many there were.

use crate::decider::{Context, Decider};
use crate::event::AppointmentEvent;
use crate::event::appointment::*;
use crate::event::policy::HallRules;
use crate::event::ticket::ServiceTime;
use crate::hall_day::{AppointmentId, HallDay};
use crate::ids::{ItemId, SubjectId};
use crate::organisation::Organisation;
use crate::reference::Reference;
use crate::service_point::takes_in;
use crate::zone::{Instant, day_of, instant};
use chrono::{Days, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod command;
mod slots;
pub use command::{AppointmentAct, AppointmentCommand, AppointmentRejection, Book};
pub use slots::{Slot, slots};

/// Where an appointment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppointmentStatus {
    /// 已预约.
    Booked,
    /// 已履约.
    Kept,
    /// 爽约.
    Missed,
    /// 已取消.
    Cancelled,
    /// 已改约.
    Moved,
}

/// One appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// As it was booked.
    pub booked: AppointmentBooked,
    /// Where it stands.
    pub status: AppointmentStatus,
    /// The one that stands in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<AppointmentId>,
}

impl Booking {
    /// Returns the last moment at which it may still be kept.
    #[must_use]
    pub fn check_in_ends(&self, rules: &HallRules) -> Instant {
        self.booked.to + TimeDelta::minutes(i64::from(rules.check_in_after_minutes))
    }
}

/// The slots of one hall's day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySlots {
    /// Every appointment ever made for it.
    pub bookings: BTreeMap<AppointmentId, Booking>,
}

impl DaySlots {
    /// Returns how many places of a slot are taken: by who will come, came, or did not.
    #[must_use]
    pub fn taken(&self, purpose: &str, from: Instant) -> u16 {
        let holds = |booking: &&Booking| {
            !matches!(booking.status, AppointmentStatus::Cancelled | AppointmentStatus::Moved)
                && booking.booked.from == from
                && booking.booked.purpose == purpose
        };
        u16::try_from(self.bookings.values().filter(holds).count()).unwrap_or(u16::MAX)
    }

    fn held_by(&self, subject: &SubjectId) -> usize {
        let theirs = |booking: &&Booking| {
            booking.status == AppointmentStatus::Booked && booking.booked.party.subject == *subject
        };
        self.bookings.values().filter(theirs).count()
    }

    /// Returns the appointments that the passing of time has made missed.
    pub fn missed<'a>(&'a self, rules: &'a HallRules, now: Instant) -> impl Iterator<Item = &'a AppointmentId> {
        let over =
            move |booking: &Booking| booking.status == AppointmentStatus::Booked && booking.check_in_ends(rules) < now;
        self.bookings.iter().filter(move |(_, booking)| over(booking)).map(|(id, _)| id)
    }
}

use AppointmentAct as Act;
use AppointmentRejection as Rejection;

impl Decider for DaySlots {
    type Command = AppointmentCommand;
    type Event = AppointmentEvent;
    type Rejection = AppointmentRejection;

    fn decide(&self, command: &AppointmentCommand, context: &Context<'_>) -> Result<Vec<AppointmentEvent>, Rejection> {
        let rules = &context.reference.policies.at(command.day.day).rules.hall;
        match &command.act {
            Act::Book(book) => self.book(&command.day, book, context),
            Act::Cancel { appointment, by_hall } => match self.booked(appointment)?.status {
                AppointmentStatus::Cancelled => Ok(vec![]),
                status => {
                    still_open(status)?;
                    let (appointment, by_hall) = (appointment.clone(), *by_hall);
                    Ok(vec![AppointmentCancelled { appointment, by_hall }.into()])
                }
            },
            Act::Move { appointment, to } => {
                let known = self.booked(appointment)?;
                match known.status {
                    AppointmentStatus::Moved if known.moved_to.as_ref() == Some(to) => Ok(vec![]),
                    status => {
                        still_open(status)?;
                        Ok(vec![AppointmentMoved { appointment: appointment.clone(), to: to.clone() }.into()])
                    }
                }
            }
            Act::Keep { appointment } => self.keep(appointment, rules, context),
            Act::Miss { appointment } => {
                let known = self.booked(appointment)?;
                match known.status {
                    AppointmentStatus::Booked if known.check_in_ends(rules) < context.occurred_at => {
                        Ok(vec![AppointmentMissed { appointment: appointment.clone() }.into()])
                    }
                    AppointmentStatus::Booked => Err(Rejection::MayStillCome),
                    // Whoever came, cancelled or moved it in time did not miss it.
                    AppointmentStatus::Kept
                    | AppointmentStatus::Missed
                    | AppointmentStatus::Cancelled
                    | AppointmentStatus::Moved => Ok(vec![]),
                }
            }
        }
    }

    fn evolve(&mut self, event: &AppointmentEvent) {
        match event {
            AppointmentEvent::AppointmentBooked(booked) => {
                let booking = Booking { booked: booked.clone(), status: AppointmentStatus::Booked, moved_to: None };
                self.bookings.insert(booked.appointment.clone(), booking);
            }
            AppointmentEvent::AppointmentMoved(moved) => {
                self.put(&moved.appointment, AppointmentStatus::Moved);
                if let Some(booking) = self.bookings.get_mut(&moved.appointment) {
                    booking.moved_to = Some(moved.to.clone());
                }
            }
            AppointmentEvent::AppointmentCancelled(cancelled) => {
                self.put(&cancelled.appointment, AppointmentStatus::Cancelled);
            }
            AppointmentEvent::AppointmentKept(kept) => self.put(&kept.appointment, AppointmentStatus::Kept),
            AppointmentEvent::AppointmentMissed(missed) => self.put(&missed.appointment, AppointmentStatus::Missed),
        }
    }
}

impl DaySlots {
    fn put(&mut self, appointment: &AppointmentId, status: AppointmentStatus) {
        if let Some(booking) = self.bookings.get_mut(appointment) {
            booking.status = status;
        }
    }

    fn booked(&self, appointment: &AppointmentId) -> Result<&Booking, Rejection> {
        self.bookings.get(appointment).ok_or(Rejection::UnknownAppointment)
    }

    fn book(&self, day: &HallDay, book: &Book, context: &Context<'_>) -> Result<Vec<AppointmentEvent>, Rejection> {
        let reference = context.reference;
        let policy = reference.policies.at(day.day);
        let rules = &policy.rules.hall;
        let hall = hall_on(reference, day)?;
        let replaced = book.replaces.as_ref().filter(|old| old.day == *day);
        if let Some(old) = replaced {
            still_open(self.booked(old)?.status)?;
        }
        check_day(day, rules, context)?;
        let slot = slots(reference, day, &book.purpose, book.manned).into_iter().find(|slot| slot.from == book.from);
        let slot = slot.ok_or(Rejection::NoSuchSlot)?;
        if slot.from <= context.occurred_at {
            return Err(Rejection::SlotBegun);
        }
        check_item(&book.item, hall, slot.service_time, reference, day.day)?;
        let given_back = usize::from(replaced.is_some());
        if usize::from(rules.bookings_per_person_and_day) + given_back <= self.held_by(&book.party.subject) {
            return Err(Rejection::BookedAlready);
        }
        let old_place = replaced.and_then(|old| self.bookings.get(old));
        let freed = old_place.is_some_and(|old| old.booked.from == slot.from && old.booked.purpose == book.purpose);
        let taken = self.taken(&book.purpose, slot.from) - u16::from(freed);
        if slot.capacity <= taken {
            return Err(Rejection::SlotFull);
        }
        let booked = AppointmentBooked {
            appointment: book.appointment.clone(),
            from: slot.from,
            to: slot.to,
            purpose: book.purpose.clone(),
            item: book.item.clone(),
            party: book.party.clone(),
            service_time: slot.service_time,
            capacity: slot.capacity,
            taken: taken + 1,
            replaces: book.replaces.clone(),
            policy: policy.version,
        };
        // On one day both happen in this stream; of two days the other one's stream gives its place back in the same frame.
        let moved = replaced.map(|old| AppointmentMoved { appointment: old.clone(), to: book.appointment.clone() });
        Ok(moved.map(Into::into).into_iter().chain([booked.into()]).collect())
    }

    fn keep(
        &self,
        appointment: &AppointmentId,
        rules: &HallRules,
        context: &Context<'_>,
    ) -> Result<Vec<AppointmentEvent>, Rejection> {
        let known = self.booked(appointment)?;
        if known.status == AppointmentStatus::Kept {
            return Ok(vec![]);
        }
        still_open(known.status)?;
        let opens = known.booked.from - TimeDelta::minutes(i64::from(rules.check_in_before_minutes));
        if context.occurred_at < opens {
            return Err(Rejection::CheckInTooEarly);
        }
        if known.check_in_ends(rules) < context.occurred_at {
            return Err(Rejection::CheckInTooLate);
        }
        Ok(vec![AppointmentKept { appointment: appointment.clone() }.into()])
    }
}

fn still_open(status: AppointmentStatus) -> Result<(), Rejection> {
    match status {
        AppointmentStatus::Booked => Ok(()),
        AppointmentStatus::Kept => Err(Rejection::AlreadyKept),
        AppointmentStatus::Missed => Err(Rejection::AppointmentWasMissed),
        AppointmentStatus::Cancelled => Err(Rejection::AppointmentCancelled),
        AppointmentStatus::Moved => Err(Rejection::AlreadyMoved),
    }
}

fn hall_on<'a>(reference: &'a Reference, day: &HallDay) -> Result<&'a Organisation, Rejection> {
    let hall = reference.organisations.get(&day.hall);
    hall.filter(|hall| hall.exists_on(day.day)).ok_or(Rejection::UnknownHall)
}

fn check_day(day: &HallDay, rules: &HallRules, context: &Context<'_>) -> Result<(), Rejection> {
    let today = day_of(context.occurred_at);
    let last = today.checked_add_days(Days::new(u64::from(rules.book_days_ahead))).unwrap_or(NaiveDate::MAX);
    if day.day < today {
        return Err(Rejection::SlotBegun);
    }
    if last < day.day {
        return Err(Rejection::TooFarAhead(last));
    }
    Ok(())
}

fn check_item(
    item: &ItemId,
    hall: &Organisation,
    service_time: ServiceTime,
    reference: &Reference,
    day: NaiveDate,
) -> Result<(), Rejection> {
    let version = reference.catalogue.in_force(item, day).ok_or(Rejection::UnknownItem)?;
    let definition = &version.definition;
    if !takes_in(hall.kind(), definition) {
        return Err(Rejection::ItemNotTakenHere);
    }
    if !definition.takes_appointments(day) {
        return Err(Rejection::ItemWithoutAppointment);
    }
    match service_time {
        ServiceTime::AfterHours if !definition.is_served_after_hours(day) => Err(Rejection::ItemWithoutAfterHours),
        ServiceTime::AfterHours | ServiceTime::Ordinary | ServiceTime::RestDay => Ok(()),
    }
}

#[cfg(test)]
mod tests;
