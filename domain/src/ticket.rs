//! 取号叫号: one hall's day as one stream, so that no number is given or called twice, whoever asks at once.
//!
//! Walk-ins and appointments stand in one queue. A ticket is called by its rank: the moment from which its holder waits,
//! less the minutes by which the policy lets them go ahead. So nobody who waits is ever overtaken for good.

use crate::decider::{Context, Decider};
use crate::event::TicketEvent;
use crate::event::policy::HallRules;
use crate::event::ticket::*;
use crate::hall_day::{AppointmentId, HallDay, TicketId};
use crate::ids::{CaseId, StaffId, SubjectId, WindowId};
use crate::zone::Instant;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

mod command;
mod decide;
mod due;
pub use command::{Issue, TicketAct, TicketCommand, TicketRejection};
pub use due::{HallDue, hall_due};

/// The most tickets of one hall on one day: four digits are printed.
pub const TICKETS_MAX: u16 = 9_999;
/// The most cases linked to one ticket.
pub const CASES_PER_TICKET_MAX: usize = 50;
/// Visits of a day before their own mean is believed.
const SERVED_MIN: u32 = 3;

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TicketStatus {
    /// 等候.
    Waiting,
    /// 已叫号, and its holder on the way.
    Called,
    /// 办理中.
    Serving,
    /// 已过号.
    Missed,
    /// 已挂起.
    Parked,
    /// 已办结.
    Finished,
    /// 已弃号.
    Abandoned,
}

impl TicketStatus {
    /// Returns whether nothing more can happen to it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Abandoned)
    }
}

/// One ticket 号票.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// As it was given.
    pub issued: TicketIssued,
    /// Where it stands.
    pub status: TicketStatus,
    /// Which kind of window serves it now.
    pub purpose: String,
    /// By this it is called now.
    pub rank_at: Instant,
    /// How often it was called to the window where it is.
    pub calls: u16,
    /// When it was called first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_called_at: Option<Instant>,
    /// When it was called to the window where it is, or was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_at: Option<Instant>,
    /// The window where it is, was last, or must go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowId>,
    /// Who served it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<StaffId>,
    /// When the visit was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Instant>,
    /// It is over, and a service of its own: it led to no case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<Visit>,
    /// The cases it led to, in the order in which they were linked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseId>,
}

impl Ticket {
    fn new(issued: &TicketIssued) -> Self {
        Self {
            issued: issued.clone(),
            status: TicketStatus::Waiting,
            purpose: issued.purpose.clone(),
            rank_at: issued.rank_at,
            calls: 0,
            first_called_at: None,
            called_at: None,
            window: None,
            staff: None,
            finished_at: None,
            visit: None,
            cases: Vec::new(),
        }
    }

    /// Returns what its visit is, ending so: a service of its own, unless it led to a case.
    fn visit_ending(&self, window: &WindowId, staff: &StaffId, at: Instant) -> Option<Visit> {
        self.cases.is_empty().then(|| Visit {
            item: self.issued.item.clone(),
            window: window.clone(),
            staff: staff.clone(),
            ended_on: crate::zone::day_of(at),
        })
    }

    /// Returns whether this window may call it: one of its kind, unless another one is named.
    fn is_for(&self, window: &WindowId, purpose: &str) -> bool {
        match (&self.window, self.status) {
            (Some(named), TicketStatus::Waiting) => named == window,
            _ => self.purpose == purpose,
        }
    }
}

/// A window where somebody sits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWindow {
    /// Who.
    pub staff: StaffId,
    /// What it serves.
    pub purpose: String,
    /// Since when.
    pub since: Instant,
    /// The ticket that was called to it and is not done with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u16>,
}

/// Visits finished, and how long they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// How many.
    pub visits: u32,
    /// Together.
    pub seconds: u64,
}

/// A threshold of the policy, as far as the day has met it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// How often it was crossed.
    pub times: u16,
    /// It is crossed now.
    pub lasts: bool,
    /// Windows help each other while it lasts.
    pub cross_window_help: bool,
}

/// How long people wait at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// How many wait.
    pub waiting: u16,
    /// How long on average, so far.
    pub mean_minutes: u16,
    /// How long the longest, so far.
    pub longest_minutes: u16,
}

/// One hall's day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HallQueue {
    /// Every ticket by its number.
    pub tickets: BTreeMap<u16, Ticket>,
    /// Windows where somebody sits.
    pub windows: BTreeMap<WindowId, OpenWindow>,
    /// Visits finished, by the purpose of their window.
    pub served: BTreeMap<String, Served>,
    /// Thresholds that were crossed.
    pub crossings: BTreeMap<String, Crossing>,
    /// The day is over.
    pub closed: bool,
    /// Those who wait, in the order in which they will be called.
    waiting: BTreeSet<(Instant, u16)>,
    /// The last moment at which something happened.
    last_at: Option<Instant>,
}

impl HallQueue {
    /// Returns those who wait, in the order in which they will be called.
    pub fn waiting(&self) -> impl Iterator<Item = &Ticket> {
        self.waiting.iter().filter_map(|(_, number)| self.tickets.get(number))
    }

    /// Returns the last number given; 0 if none was.
    #[must_use]
    pub fn last_number(&self) -> u16 {
        self.tickets.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// Returns how many of a purpose would be called before a ticket of this rank.
    #[must_use]
    pub fn ahead_of(&self, purpose: &str, rank_at: Instant) -> u16 {
        let before = self.waiting.iter().take_while(|(rank, _)| *rank <= rank_at);
        let same = before.filter(|(_, number)| self.tickets.get(number).is_some_and(|t| t.purpose == purpose)).count();
        u16::try_from(same).unwrap_or(u16::MAX)
    }

    /// Returns how long somebody with so many ahead will wait; nothing where no window of the kind is open.
    #[must_use]
    pub fn estimated_minutes(&self, purpose: &str, ahead: u16, rules: &HallRules) -> Option<u16> {
        let windows = self.windows.values().filter(|window| window.purpose == purpose);
        let (open, busy) =
            windows.fold((0_u64, 0_u64), |(open, busy), window| (open + 1, busy + u64::from(window.ticket.is_some())));
        if open == 0 {
            return None;
        }
        let served = self.served.get(purpose).copied().unwrap_or_default();
        let visit_seconds = match served.visits {
            visits if visits < SERVED_MIN => u64::from(rules.expected_service_minutes) * 60,
            visits => served.seconds / u64::from(visits),
        };
        // Of those being served now, half is over on average.
        let seconds = (2 * u64::from(ahead) + busy) * visit_seconds / (2 * open);
        Some(u16::try_from(seconds.div_ceil(60)).unwrap_or(u16::MAX))
    }

    /// Returns how long those who wait have waited by now; who came before their slot does not wait yet.
    #[must_use]
    pub fn waits(&self, now: Instant) -> Waits {
        let so_far = self.waiting().filter(|ticket| ticket.issued.ready_at <= now);
        let minutes = so_far.map(|ticket| (now - ticket.issued.ready_at).num_minutes());
        let (count, sum, longest) =
            minutes.fold((0, 0, 0), |(count, sum, longest), minutes| (count + 1, sum + minutes, minutes.max(longest)));
        let small = |number: i64| u16::try_from(number).unwrap_or(u16::MAX);
        Waits {
            waiting: small(count),
            mean_minutes: small(if count == 0 { 0 } else { sum / count }),
            longest_minutes: small(longest),
        }
    }

    /// Returns whether windows help each other now.
    #[must_use]
    pub fn is_cross_window_help(&self) -> bool {
        self.crossings.values().any(|crossing| crossing.lasts && crossing.cross_window_help)
    }

    /// Returns whether this appointment has come to a ticket.
    fn has_ticket_of(&self, appointment: &AppointmentId) -> bool {
        self.tickets.values().any(|ticket| ticket.issued.appointment.as_ref() == Some(appointment))
    }

    fn open_ticket_of(&self, visitor: &SubjectId, purpose: &str) -> Option<u16> {
        let open = self.tickets.iter().find(|(_, ticket)| {
            !ticket.status.is_over() && ticket.purpose == purpose && ticket.issued.visitor.as_ref() == Some(visitor)
        });
        open.map(|(number, _)| *number)
    }
}

use TicketRejection as Rejection;

impl Decider for HallQueue {
    type Command = TicketCommand;
    type Event = TicketEvent;
    type Rejection = TicketRejection;

    fn decide(&self, command: &TicketCommand, context: &Context<'_>) -> Result<Vec<TicketEvent>, Rejection> {
        let TicketCommand { day, act } = command;
        if self.closed {
            return match act {
                TicketAct::CloseDay | TicketAct::RaiseWarning { .. } | TicketAct::EndWarning { .. } => Ok(vec![]),
                // What a visit was about may be known later.
                TicketAct::Link { ticket, case } => self.link(*ticket, *case),
                _ => Err(Rejection::DayClosed),
            };
        }
        decide::Now { queue: self, day, context }.decide(act)
    }

    fn evolve(&mut self, event: &TicketEvent) {
        match event {
            TicketEvent::TicketIssued(issued) => {
                self.tickets.insert(issued.ticket, Ticket::new(issued));
                self.waiting.insert((issued.rank_at, issued.ticket));
                self.touch(issued.issued_at);
            }
            TicketEvent::TicketCalled(called) => self.called(called),
            TicketEvent::TicketRecalled(recalled) => {
                self.change(recalled.ticket, |ticket| ticket.calls = recalled.call);
            }
            TicketEvent::TicketMissed(missed) => self.put(missed.ticket, TicketStatus::Missed),
            TicketEvent::TicketParked(parked) => self.put(parked.ticket, TicketStatus::Parked),
            TicketEvent::TicketRequeued(requeued) => {
                self.change(requeued.ticket, |ticket| {
                    ticket.rank_at = requeued.rank_at;
                    ticket.window = None;
                });
                self.put(requeued.ticket, TicketStatus::Waiting);
            }
            TicketEvent::TicketTransferred(transferred) => {
                self.put(transferred.ticket, TicketStatus::Waiting);
                self.change(transferred.ticket, |ticket| {
                    ticket.purpose.clone_from(&transferred.purpose);
                    ticket.window.clone_from(&transferred.to);
                    ticket.calls = 0;
                });
            }
            TicketEvent::ServiceStarted(started) => self.put(started.ticket, TicketStatus::Serving),
            TicketEvent::ServiceFinished(finished) => self.finished(finished),
            TicketEvent::TicketAbandoned(abandoned) => self.put(abandoned.ticket, TicketStatus::Abandoned),
            TicketEvent::TicketLinked(linked) => {
                self.change(linked.ticket, |ticket| {
                    ticket.cases.push(linked.case);
                    ticket.visit = None;
                });
            }
            TicketEvent::WindowStaffed(staffed) => {
                let WindowStaffed { window, staff, purpose, since } = staffed.clone();
                self.windows.insert(window, OpenWindow { staff, purpose, since, ticket: None });
                self.touch(staffed.since);
            }
            TicketEvent::WindowLeft(left) => {
                self.windows.remove(&left.window);
                self.touch(left.left_at);
            }
            TicketEvent::HallWarningRaised(raised) => {
                let crossing =
                    Crossing { times: raised.crossing, lasts: true, cross_window_help: raised.cross_window_help };
                self.crossings.insert(raised.threshold.clone(), crossing);
            }
            TicketEvent::HallWarningEnded(ended) => {
                if let Some(crossing) = self.crossings.get_mut(&ended.threshold) {
                    crossing.lasts = false;
                }
            }
            TicketEvent::HallDayClosed(_) => self.closed = true,
        }
    }
}

impl HallQueue {
    fn called(&mut self, called: &TicketCalled) {
        self.put(called.ticket, TicketStatus::Called);
        self.change(called.ticket, |ticket| {
            ticket.calls = 1;
            ticket.first_called_at = ticket.first_called_at.or(Some(called.called_at));
            ticket.called_at = Some(called.called_at);
            ticket.window = Some(called.window.clone());
            ticket.staff = Some(called.staff.clone());
        });
        if let Some(window) = self.windows.get_mut(&called.window) {
            window.ticket = Some(called.ticket);
        }
        self.touch(called.called_at);
    }

    fn finished(&mut self, finished: &ServiceFinished) {
        self.put(finished.ticket, TicketStatus::Finished);
        self.change(finished.ticket, |ticket| {
            ticket.finished_at = Some(finished.finished_at);
            ticket.window = Some(finished.window.clone());
            ticket.staff = Some(finished.staff.clone());
            ticket.visit.clone_from(&finished.visit);
        });
        if let Some(ticket) = self.tickets.get(&finished.ticket).filter(|_| !finished.forgotten) {
            let served = self.served.entry(ticket.purpose.clone()).or_default();
            served.visits += 1;
            served.seconds += u64::from(finished.serve_seconds);
        }
        self.touch(finished.finished_at);
    }

    /// Gives a ticket a status: out of the line or into it, and off its window unless it is in hand there.
    fn put(&mut self, number: u16, status: TicketStatus) {
        let Some(ticket) = self.tickets.get_mut(&number) else { return };
        self.waiting.remove(&(ticket.rank_at, number));
        ticket.status = status;
        if status == TicketStatus::Waiting {
            self.waiting.insert((ticket.rank_at, number));
        }
        if matches!(status, TicketStatus::Called | TicketStatus::Serving) {
            return;
        }
        for window in self.windows.values_mut().filter(|window| window.ticket == Some(number)) {
            window.ticket = None;
        }
    }

    fn change(&mut self, number: u16, change: impl FnOnce(&mut Ticket)) {
        if let Some(ticket) = self.tickets.get_mut(&number) {
            self.waiting.remove(&(ticket.rank_at, number));
            change(ticket);
            if ticket.status == TicketStatus::Waiting {
                self.waiting.insert((ticket.rank_at, number));
            }
        }
    }

    fn touch(&mut self, at: Instant) {
        self.last_at = self.last_at.max(Some(at));
    }
}

impl TicketId {
    /// Returns the id of a ticket of this day.
    #[must_use]
    pub fn of(day: &HallDay, number: u16) -> Self {
        Self { day: day.clone(), number }
    }
}

impl HallQueue {
    /// Returns the service of a ticket's visit that may be rated: once it is over 一次一评.
    #[must_use]
    pub fn rated_service(&self, id: &TicketId) -> Option<crate::event::rating::RatedService> {
        let ticket = self.tickets.get(&id.number)?;
        let finished_at = ticket.finished_at?;
        Some(crate::event::rating::RatedService {
            source: "own".parse().ok()?,
            item: ticket.issued.item.clone(),
            organisation: id.day.hall.clone(),
            window: ticket.window.clone(),
            staff: ticket.staff.clone(),
            ended_on: crate::zone::day_of(finished_at),
            visit: ticket.visit.is_some(),
        })
    }
}

#[cfg(test)]
mod tests;
