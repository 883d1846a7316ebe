//! When a fact took effect, which may be long before it was recorded.

use crate::moment::Slice;
use chrono::{Days, NaiveDate, TimeDelta};
use domain::event::case::AcceptanceKind;
use domain::event::{CaseEvent, CertificateEvent, Event};
use domain::fact::Fact;
use domain::zone::{self, Instant};

/// Returns when a fact took effect.
///
/// That is when it happened; for a correction the day of the corrected fact, and for a deemed acceptance (and for
/// taking it back) the day of receipt. Of such a day it is the last moment, so that no slice holds a correction
/// without what it corrects.
#[must_use]
pub fn effective_at(fact: &Fact) -> Instant {
    match retroactive_on(&fact.event) {
        Some(day) => fact.occurred_at.min(last_moment_of(day)),
        None => fact.occurred_at,
    }
}

/// Tells whether a fact took effect before it was recorded.
#[must_use]
pub fn is_late(fact: &Fact) -> bool {
    effective_at(fact) < fact.recorded_at
}

fn retroactive_on(event: &Event) -> Option<NaiveDate> {
    match event {
        Event::Case(CaseEvent::CaseAccepted(accepted)) if accepted.kind == AcceptanceKind::Deemed => {
            Some(accepted.effective_on)
        }
        Event::Case(CaseEvent::DeemedAcceptanceReversed(reversed)) => Some(reversed.effective_on),
        Event::Case(CaseEvent::RecordCorrected(corrected)) => Some(corrected.effective_on),
        Event::Certificate(CertificateEvent::CertificateRevoked(revoked)) => Some(revoked.on),
        // Every other event counts from when it happened; a new one that reaches back must be named above.
        Event::Case(_)
        | Event::Rating(_)
        | Event::Ticket(_)
        | Event::Appointment(_)
        | Event::Certificate(_)
        | Event::Library(_)
        | Event::Item(_)
        | Event::Organisation(_)
        | Event::Roster(_)
        | Event::ServicePoint(_)
        | Event::Instrument(_)
        | Event::Kin(_)
        | Event::Checklist(_)
        | Event::Inspection(_)
        | Event::Campaign(_)
        | Event::Calendar(_)
        | Event::Policy(_)
        | Event::Template(_)
        | Event::Access(_) => None,
    }
}

fn last_moment_of(day: NaiveDate) -> Instant {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    zone::start_of(next) - TimeDelta::microseconds(1)
}

impl Slice {
    /// Tells whether a fact belongs to this slice.
    #[must_use]
    pub fn holds(&self, fact: &Fact) -> bool {
        if fact.position <= self.through.0 {
            return true;
        }
        self.late.is_some_and(|late| fact.position <= late.known.0 && effective_at(fact) <= late.until)
    }
}
