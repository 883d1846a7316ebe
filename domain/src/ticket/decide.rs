//! The rules of a hall's day, act by act.

use super::command::{Issue, TicketAct, TicketRejection as Rejection};
use super::{CASES_PER_TICKET_MAX, HallQueue, OpenWindow, TICKETS_MAX, Ticket, TicketStatus, due};
use crate::decider::Context;
use crate::event::TicketEvent;
use crate::event::policy::{HallRules, HallThreshold};
use crate::event::ticket::*;
use crate::hall_day::HallDay;
use crate::ids::{CaseId, WindowId};
use crate::organisation::Organisation;
use crate::policy::PolicyVersion;
use crate::sealed::AgeBand;
use crate::service_point::takes_in;
use crate::zone::Instant;
use chrono::TimeDelta;

type Decided = Result<Vec<TicketEvent>, Rejection>;

/// A hall's day, and the moment at which it is asked.
pub(super) struct Now<'a> {
    pub(super) queue: &'a HallQueue,
    pub(super) day: &'a HallDay,
    pub(super) context: &'a Context<'a>,
}

/// A ticket that was called, and where.
struct InHand<'a> {
    ticket: &'a Ticket,
    window: WindowId,
    called_at: Instant,
}

impl Now<'_> {
    pub(super) fn decide(&self, act: &TicketAct) -> Decided {
        match act {
            TicketAct::Issue(issue) => self.issue(issue),
            TicketAct::StaffWindow { window } => self.staff(window),
            TicketAct::LeaveWindow { window } => self.leave(window),
            TicketAct::CallNext { window } => self.call_next(window),
            TicketAct::Call { ticket, window } => self.call(*ticket, window),
            TicketAct::Recall { ticket } => self.recall(*ticket),
            TicketAct::Miss { ticket } => self.miss(*ticket),
            TicketAct::Park { ticket } => self.park(*ticket),
            TicketAct::Requeue { ticket } => self.requeue(*ticket),
            TicketAct::Transfer { ticket, purpose, window } => {
                self.transfer(*ticket, purpose.as_deref(), window.as_ref())
            }
            TicketAct::Serve { ticket } => self.serve(*ticket),
            TicketAct::Finish { ticket } => self.finish(*ticket),
            TicketAct::Abandon { ticket, by_visitor } => self.abandon(*ticket, *by_visitor),
            TicketAct::Link { ticket, case } => self.queue.link(*ticket, *case),
            TicketAct::RaiseWarning { threshold } => self.raise_warning(threshold),
            TicketAct::EndWarning { threshold } => self.end_warning(threshold),
            TicketAct::CloseDay => self.close_day(),
        }
    }

    fn at(&self) -> Instant {
        self.context.occurred_at
    }

    fn policy(&self) -> &PolicyVersion {
        self.context.reference.policies.at(self.day.day)
    }

    fn rules(&self) -> &HallRules {
        &self.policy().rules.hall
    }

    fn hall(&self) -> Result<&Organisation, Rejection> {
        let hall = self.context.reference.organisations.get(&self.day.hall);
        hall.filter(|hall| hall.exists_on(self.day.day)).ok_or(Rejection::UnknownHall)
    }

    fn is_today(&self) -> Result<(), Rejection> {
        let today = self.context.reference.organisations.hall_day(&self.day.hall, self.at());
        if today == *self.day { Ok(()) } else { Err(Rejection::AnotherDay) }
    }

    fn service_time(&self) -> ServiceTime {
        let reference = self.context.reference;
        reference.organisations.service_time(&self.day.hall, self.at(), &reference.calendar)
    }

    fn issue(&self, issue: &Issue) -> Decided {
        let hall = self.hall()?;
        self.is_today()?;
        self.gives_tickets_now()?;
        if !hall.windows.values().any(|window| window.purpose == issue.purpose) {
            return Err(Rejection::PurposeNotServed);
        }
        self.takes_item(hall, issue)?;
        if let Some((appointment, _)) = &issue.appointment
            && self.queue.has_ticket_of(appointment)
        {
            return Err(Rejection::AppointmentHasTicket);
        }
        let queueing = issue.visitor.as_ref().and_then(|visitor| self.queue.open_ticket_of(visitor, &issue.purpose));
        if let Some(number) = queueing {
            return Err(Rejection::AlreadyQueueing(number));
        }
        let ticket = self.queue.last_number() + 1;
        if TICKETS_MAX < ticket {
            return Err(Rejection::NumbersExhausted);
        }
        Ok(vec![self.issued(ticket, issue).into()])
    }

    fn issued(&self, ticket: u16, issue: &Issue) -> TicketIssued {
        let rules = self.rules();
        let priority = self.priority(issue);
        let slot = issue.appointment.as_ref().map(|(_, slot)| *slot);
        let ready_at = slot.map_or(self.at(), |slot| slot.max(self.at()));
        let granted = priority.and_then(|ground| rules.priority_minutes.get(&ground)).copied().unwrap_or(0);
        let by_slot = if slot.is_some() { rules.appointment_head_start_minutes } else { 0 };
        let rank_at = ready_at - TimeDelta::minutes(i64::from(granted.max(by_slot)));
        let ahead = self.queue.ahead_of(&issue.purpose, rank_at);
        TicketIssued {
            ticket,
            label: format!("{}{ticket:03}", letter(&issue.purpose)),
            purpose: issue.purpose.clone(),
            item: issue.item.clone(),
            visitor: issue.visitor.clone(),
            appointment: issue.appointment.as_ref().map(|(appointment, _)| appointment.clone()),
            priority,
            issued_at: self.at(),
            ready_at,
            rank_at,
            ahead,
            estimated_minutes: self.queue.estimated_minutes(&issue.purpose, ahead, rules),
            service_time: self.service_time(),
            rating_code_digest: issue.rating_code_digest.clone(),
            policy: self.policy().version,
        }
    }

    /// Of what somebody says and what their age says, what lets them go further ahead.
    fn priority(&self, issue: &Issue) -> Option<PriorityGround> {
        let rules = self.rules();
        let old = |age: AgeBand| rules.elderly_from <= age;
        let by_age = issue.age_band.filter(|age| old(*age)).map(|_| PriorityGround::Elderly);
        let grounds = by_age.into_iter().chain(issue.priority);
        grounds
            .filter(|ground| rules.priority_minutes.contains_key(ground))
            .max_by_key(|g| rules.priority_minutes.get(g))
    }

    fn gives_tickets_now(&self) -> Result<(), Rejection> {
        let reference = self.context.reference;
        let early = TimeDelta::minutes(i64::from(self.rules().tickets_before_opening_minutes));
        let is_open = |at| reference.organisations.is_open(&self.day.hall, at, &reference.calendar);
        if is_open(self.at()) || is_open(self.at() + early) { Ok(()) } else { Err(Rejection::HallClosed) }
    }

    fn takes_item(&self, hall: &Organisation, issue: &Issue) -> Result<(), Rejection> {
        let Some(item) = &issue.item else { return Ok(()) };
        let version = self.context.reference.catalogue.in_force(item, self.day.day).ok_or(Rejection::UnknownItem)?;
        match takes_in(hall.kind(), &version.definition) {
            true => Ok(()),
            false => Err(Rejection::ItemNotTakenHere),
        }
    }

    fn staff(&self, window: &WindowId) -> Decided {
        self.is_today()?;
        let known = self.hall()?.windows.get(window).ok_or(Rejection::NoSuchWindow)?;
        let me = &self.context.actor.id;
        match self.queue.windows.get(window) {
            Some(open) if open.staff == *me => return Ok(vec![]),
            Some(_) => return Err(Rejection::WindowTaken),
            None => (),
        }
        if let Some((other, _)) = self.queue.windows.iter().find(|(_, open)| open.staff == *me) {
            return Err(Rejection::AtAnotherWindow(other.clone()));
        }
        let (window, purpose) = (window.clone(), known.purpose.clone());
        Ok(vec![WindowStaffed { window, staff: me.clone(), purpose, since: self.at() }.into()])
    }

    fn leave(&self, window: &WindowId) -> Decided {
        let Some(open) = self.queue.windows.get(window) else { return Ok(vec![]) };
        if open.staff != self.context.actor.id {
            return Err(Rejection::NotYourWindow);
        }
        if let Some(ticket) = open.ticket {
            return Err(Rejection::TicketInHand(ticket));
        }
        Ok(vec![left(window, open, self.at()).into()])
    }

    /// The window from which the caller calls, with nothing in hand.
    fn free_window(&self, window: &WindowId) -> Result<&OpenWindow, Rejection> {
        self.is_today()?;
        let open = self.queue.windows.get(window).ok_or(Rejection::WindowNotOpen)?;
        if open.staff != self.context.actor.id {
            return Err(Rejection::NotYourWindow);
        }
        match open.ticket {
            Some(ticket) => Err(Rejection::TicketInHand(ticket)),
            None => Ok(open),
        }
    }

    fn call_next(&self, window: &WindowId) -> Decided {
        let open = self.free_window(window)?;
        let own = self.queue.waiting().find(|ticket| ticket.is_for(window, &open.purpose));
        let helped = || self.queue.waiting().find(|ticket| ticket.window.is_none());
        let next = own.or_else(|| helped().filter(|_| self.queue.is_cross_window_help()));
        let next = next.ok_or(Rejection::NobodyWaiting)?;
        Ok(vec![self.called(next, window).into()])
    }

    fn call(&self, number: u16, window: &WindowId) -> Decided {
        let open = self.free_window(window)?;
        let ticket = self.ticket(number)?;
        match ticket.status {
            TicketStatus::Waiting | TicketStatus::Missed | TicketStatus::Parked => (),
            TicketStatus::Called | TicketStatus::Serving => return Err(Rejection::AlreadyCalled),
            TicketStatus::Finished | TicketStatus::Abandoned => return Err(Rejection::TicketOver),
        }
        if !ticket.is_for(window, &open.purpose) && !self.queue.is_cross_window_help() {
            return Err(Rejection::ForAnotherWindow);
        }
        Ok(vec![self.called(ticket, window).into()])
    }

    fn called(&self, ticket: &Ticket, window: &WindowId) -> TicketCalled {
        let first = ticket.first_called_at.is_none();
        TicketCalled {
            ticket: ticket.issued.ticket,
            window: window.clone(),
            staff: self.context.actor.id.clone(),
            called_at: self.at(),
            // Who was called before their slot did not wait at all.
            waited_seconds: first.then(|| seconds(ticket.issued.ready_at, self.at())),
        }
    }

    fn recall(&self, number: u16) -> Decided {
        let in_hand = self.in_hand(number)?;
        if in_hand.ticket.status == TicketStatus::Serving {
            return Err(Rejection::AlreadyServing);
        }
        let call = in_hand.ticket.calls.saturating_add(1);
        Ok(vec![TicketRecalled { ticket: number, window: in_hand.window, call }.into()])
    }

    fn miss(&self, number: u16) -> Decided {
        if self.ticket(number)?.status == TicketStatus::Missed {
            return Ok(vec![]);
        }
        let InHand { ticket, window, called_at } = self.in_hand(number)?;
        if ticket.status == TicketStatus::Serving {
            return Err(Rejection::AlreadyServing);
        }
        let calls = self.rules().calls_before_missed;
        if ticket.calls < calls {
            return Err(Rejection::CalledTooFewTimes(calls));
        }
        Ok(vec![TicketMissed { ticket: number, window, idle_seconds: seconds(called_at, self.at()) }.into()])
    }

    fn park(&self, number: u16) -> Decided {
        if self.ticket(number)?.status == TicketStatus::Parked {
            return Ok(vec![]);
        }
        let InHand { window, called_at, .. } = self.in_hand(number)?;
        Ok(vec![TicketParked { ticket: number, window, serve_seconds: seconds(called_at, self.at()) }.into()])
    }

    fn requeue(&self, number: u16) -> Decided {
        self.is_today()?;
        let ticket = self.ticket(number)?;
        let rank_at = match ticket.status {
            // Who missed the call begins anew; who was sent for a paper comes back in front.
            TicketStatus::Missed => self.at(),
            TicketStatus::Parked => ticket.rank_at,
            TicketStatus::Waiting => return Err(Rejection::AlreadyWaiting),
            TicketStatus::Called | TicketStatus::Serving => return Err(Rejection::AlreadyCalled),
            TicketStatus::Finished | TicketStatus::Abandoned => return Err(Rejection::TicketOver),
        };
        Ok(vec![TicketRequeued { ticket: number, rank_at }.into()])
    }

    fn transfer(&self, number: u16, purpose: Option<&str>, window: Option<&WindowId>) -> Decided {
        let ticket = self.ticket(number)?;
        let hall = self.hall()?;
        let (from, serve_seconds) = match ticket.status {
            TicketStatus::Called | TicketStatus::Serving => {
                let InHand { window, called_at, .. } = self.in_hand(number)?;
                (Some(window), seconds(called_at, self.at()))
            }
            TicketStatus::Waiting | TicketStatus::Missed | TicketStatus::Parked => (None, 0),
            TicketStatus::Finished | TicketStatus::Abandoned => return Err(Rejection::TicketOver),
        };
        let to = match window {
            Some(named) => Some((named, hall.windows.get(named).ok_or(Rejection::NoSuchWindow)?)),
            None => None,
        };
        let its_own = to.map(|(_, known)| known.purpose.as_str());
        let purpose = purpose.or(its_own).unwrap_or(&ticket.purpose);
        if !hall.windows.values().any(|known| known.purpose == purpose) {
            return Err(Rejection::PurposeNotServed);
        }
        let to = to.map(|(named, _)| named.clone());
        let stays = match (&from, &to) {
            (Some(from), Some(to)) => from == to,
            (Some(_), None) => false,
            (None, to) => ticket.status == TicketStatus::Waiting && *to == ticket.window && purpose == ticket.purpose,
        };
        if stays {
            return Err(Rejection::TransferToSame);
        }
        let purpose = purpose.to_owned();
        Ok(vec![TicketTransferred { ticket: number, from, serve_seconds, purpose, to }.into()])
    }

    fn serve(&self, number: u16) -> Decided {
        let InHand { ticket, window, called_at } = self.in_hand(number)?;
        if ticket.status == TicketStatus::Serving {
            return Ok(vec![]);
        }
        Ok(vec![ServiceStarted { ticket: number, window, way_seconds: seconds(called_at, self.at()) }.into()])
    }

    fn finish(&self, number: u16) -> Decided {
        if self.ticket(number)?.status == TicketStatus::Finished {
            return Ok(vec![]);
        }
        let InHand { ticket, window, called_at } = self.in_hand(number)?;
        let visit = ticket.visit_ending(&window, &self.context.actor.id, self.at());
        let finished = ServiceFinished {
            ticket: number,
            window,
            staff: self.context.actor.id.clone(),
            finished_at: self.at(),
            serve_seconds: seconds(called_at, self.at()),
            service_time: self.service_time(),
            forgotten: false,
            visit,
        };
        Ok(vec![finished.into()])
    }

    fn abandon(&self, number: u16, by_visitor: bool) -> Decided {
        match self.ticket(number)?.status {
            TicketStatus::Abandoned => Ok(vec![]),
            TicketStatus::Finished => Err(Rejection::TicketOver),
            TicketStatus::Serving => Err(Rejection::AlreadyServing),
            TicketStatus::Waiting | TicketStatus::Called | TicketStatus::Missed | TicketStatus::Parked => {
                let by = if by_visitor { AbandonedBy::Visitor } else { AbandonedBy::Hall };
                Ok(vec![TicketAbandoned { ticket: number, by }.into()])
            }
        }
    }

    fn ticket(&self, number: u16) -> Result<&Ticket, Rejection> {
        self.queue.tickets.get(&number).ok_or(Rejection::UnknownTicket)
    }

    /// The ticket that the caller has at their window.
    fn in_hand(&self, number: u16) -> Result<InHand<'_>, Rejection> {
        let ticket = self.ticket(number)?;
        match ticket.status {
            TicketStatus::Called | TicketStatus::Serving => (),
            TicketStatus::Waiting | TicketStatus::Missed | TicketStatus::Parked => return Err(Rejection::NotCalled),
            TicketStatus::Finished | TicketStatus::Abandoned => return Err(Rejection::TicketOver),
        }
        let at_it = self.queue.windows.iter().find(|(_, open)| open.ticket == Some(number));
        match (at_it, ticket.called_at) {
            (Some((window, open)), Some(called_at)) if open.staff == self.context.actor.id => {
                Ok(InHand { ticket, window: window.clone(), called_at })
            }
            _ => Err(Rejection::NotYourWindow),
        }
    }

    fn threshold(&self, name: &str) -> Result<&HallThreshold, Rejection> {
        let known = self.rules().warnings.iter().find(|threshold| threshold.name == name);
        known.ok_or(Rejection::UnknownThreshold)
    }

    fn raise_warning(&self, name: &str) -> Decided {
        let threshold = self.threshold(name)?;
        let known = self.queue.crossings.get(name).copied().unwrap_or_default();
        if known.lasts {
            return Ok(vec![]);
        }
        let waits = self.queue.waits(self.at());
        if !due::is_crossed(threshold, &waits) {
            return Err(Rejection::NotCrossed);
        }
        let raised = HallWarningRaised {
            threshold: name.to_owned(),
            crossing: known.times.saturating_add(1),
            waiting: waits.waiting,
            mean_wait_minutes: waits.mean_minutes,
            longest_wait_minutes: waits.longest_minutes,
            cross_window_help: threshold.cross_window_help,
            policy: self.policy().version,
        };
        Ok(vec![raised.into()])
    }

    fn end_warning(&self, name: &str) -> Decided {
        if !self.queue.crossings.get(name).is_some_and(|crossing| crossing.lasts) {
            return Ok(vec![]);
        }
        let crossed = |threshold: &HallThreshold| due::is_crossed(threshold, &self.queue.waits(self.at()));
        // A threshold that the policy no longer knows is crossed by nothing.
        match self.threshold(name) {
            Ok(threshold) if crossed(threshold) => Err(Rejection::StillCrossed),
            Ok(_) | Err(_) => Ok(vec![HallWarningEnded { threshold: name.to_owned() }.into()]),
        }
    }

    fn close_day(&self) -> Decided {
        let today = self.context.reference.organisations.hall_day(&self.day.hall, self.at());
        if today.day <= self.day.day {
            let next = self.day.day.succ_opt().unwrap_or(self.day.day);
            return Err(Rejection::DayNotOver(next));
        }
        let ended_at = self.queue.last_at.unwrap_or(self.at());
        let mut events: Vec<TicketEvent> = Vec::new();
        for (number, ticket) in self.queue.tickets.iter().filter(|(_, ticket)| !ticket.status.is_over()) {
            events.push(match (ticket.status, &ticket.window, &ticket.staff) {
                (TicketStatus::Serving, Some(window), Some(staff)) => ServiceFinished {
                    ticket: *number,
                    window: window.clone(),
                    staff: staff.clone(),
                    finished_at: ended_at,
                    serve_seconds: 0,
                    service_time: ticket.issued.service_time,
                    forgotten: true,
                    visit: None,
                }
                .into(),
                _ => TicketAbandoned { ticket: *number, by: AbandonedBy::DayEnd }.into(),
            });
        }
        events.extend(self.queue.windows.iter().map(|(window, open)| left(window, open, ended_at).into()));
        let mut after = self.queue.clone();
        events.iter().for_each(|event| crate::decider::Decider::evolve(&mut after, event));
        let count = |status| after.tickets.values().filter(|ticket| ticket.status == status).count();
        let small = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        let closed = HallDayClosed {
            issued: small(after.tickets.len()),
            finished: small(count(TicketStatus::Finished)),
            abandoned: small(count(TicketStatus::Abandoned)),
        };
        events.push(closed.into());
        Ok(events)
    }
}

impl HallQueue {
    pub(super) fn link(&self, number: u16, case: CaseId) -> Decided {
        let ticket = self.tickets.get(&number).ok_or(Rejection::UnknownTicket)?;
        if ticket.cases.contains(&case) {
            return Ok(vec![]);
        }
        if CASES_PER_TICKET_MAX <= ticket.cases.len() {
            return Err(Rejection::TooManyCases);
        }
        Ok(vec![TicketLinked { ticket: number, case, visit: ticket.visit.clone() }.into()])
    }
}

fn left(window: &WindowId, open: &OpenWindow, left_at: Instant) -> WindowLeft {
    let staff = open.staff.clone();
    let left_at = left_at.max(open.since);
    WindowLeft { window: window.clone(), staff, left_at, open_seconds: seconds(open.since, left_at) }
}

fn seconds(from: Instant, to: Instant) -> u32 {
    u32::try_from((to - from).num_seconds().max(0)).unwrap_or(u32::MAX)
}

/// The letter that is printed before a number, so that people know which windows call it.
fn letter(purpose: &str) -> char {
    match purpose {
        "comprehensive" => 'A',
        "social-assistance" => 'B',
        "output" => 'C',
        _ => 'D',
    }
}
