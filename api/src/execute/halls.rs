//! A hall's day as a stream that decides.

use super::{Executor, Loaded, Stream};
use crate::bounded::Bounded;
use crate::labels;
use domain::appointment::{AppointmentAct, AppointmentCommand, DaySlots};
use domain::decider::Decider as _;
use domain::event::appointment::AppointmentMoved;
use domain::event::{AppointmentEvent, Event};
use domain::fact::{Fact, Subject};
use domain::reference::Reference;
use domain::ticket::{HallQueue, TicketAct, TicketCommand};
use std::sync::Arc;

impl Stream for HallQueue {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Ticket(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, subject: &Subject, reference: &Reference) -> Vec<String> {
        of_hall(subject, reference)
    }

    fn relies_on(&self, command: &TicketCommand) -> Vec<Subject> {
        let hall = || Subject::Organisation(command.day.hall.clone());
        match &command.act {
            TicketAct::Issue(issue) => {
                let item = issue.item.clone().map(Subject::Item);
                [hall(), Subject::Calendar, Subject::Policy].into_iter().chain(item).collect()
            }
            TicketAct::StaffWindow { .. } | TicketAct::Transfer { .. } => vec![hall()],
            TicketAct::Miss { .. } | TicketAct::RaiseWarning { .. } | TicketAct::EndWarning { .. } => {
                vec![Subject::Policy]
            }
            // They rest on the day itself; no guard keeps sixty windows from calling at once.
            TicketAct::LeaveWindow { .. }
            | TicketAct::CallNext { .. }
            | TicketAct::Call { .. }
            | TicketAct::Recall { .. }
            | TicketAct::Park { .. }
            | TicketAct::Requeue { .. }
            | TicketAct::Serve { .. }
            | TicketAct::Finish { .. }
            | TicketAct::Abandon { .. }
            | TicketAct::Link { .. }
            | TicketAct::CloseDay => Vec::new(),
        }
    }

    fn remembered(executor: &Executor) -> Option<&Bounded<Subject, Arc<Loaded<Self>>>> {
        Some(&executor.halls)
    }
}

impl Stream for DaySlots {
    fn take_in(&mut self, fact: &Fact) {
        if let Event::Appointment(event) = &fact.event {
            self.evolve(event);
        }
    }

    fn labels(&self, subject: &Subject, reference: &Reference) -> Vec<String> {
        of_hall(subject, reference)
    }

    /// What a slot holds follows from all of these, and none may change between counting and booking.
    fn relies_on(&self, command: &AppointmentCommand) -> Vec<Subject> {
        match &command.act {
            AppointmentAct::Book(book) => vec![
                Subject::Organisation(command.day.hall.clone()),
                Subject::Calendar,
                Subject::Policy,
                Subject::Item(book.item.clone()),
            ],
            AppointmentAct::Keep { .. } | AppointmentAct::Miss { .. } => vec![Subject::Policy],
            AppointmentAct::Cancel { .. } | AppointmentAct::Move { .. } => Vec::new(),
        }
    }

    /// Whoever books in place of an appointment on another day gives that one back with the same stroke.
    fn beside(&self, subject: &Subject, events: &[AppointmentEvent]) -> Vec<(Subject, Event)> {
        let moved = events.iter().filter_map(|event| match event {
            AppointmentEvent::AppointmentBooked(booked) => {
                let old = booked.replaces.clone()?;
                let stream = Subject::Slots(old.day.clone());
                let moved = AppointmentMoved { appointment: old, to: booked.appointment.clone() };
                (stream != *subject).then(|| (stream, AppointmentEvent::from(moved).into()))
            }
            AppointmentEvent::AppointmentMoved(_)
            | AppointmentEvent::AppointmentCancelled(_)
            | AppointmentEvent::AppointmentKept(_)
            | AppointmentEvent::AppointmentMissed(_) => None,
        });
        moved.collect()
    }

    fn remembered(executor: &Executor) -> Option<&Bounded<Subject, Arc<Loaded<Self>>>> {
        Some(&executor.slots)
    }
}

fn of_hall(subject: &Subject, reference: &Reference) -> Vec<String> {
    match subject {
        Subject::Hall(day) | Subject::Slots(day) => vec![labels::of_organisation(&day.hall, reference)],
        _ => Vec::new(),
    }
}
