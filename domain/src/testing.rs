//! What tests begin with: days, people, and the built-in reference data.

use crate::actor::{Actor, Channel, Role};
use crate::builtin;
use crate::decider::Context;
use crate::ids::{OrganisationId, SubjectId};
use crate::reference::Reference;
use crate::sealed::Sealed;
use crate::zone::{Instant, instant};
use chrono::{NaiveDate, NaiveTime};
use std::sync::LazyLock;

/// The built-in reference data, folded once.
pub(crate) static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn at(day_text: &str, time: &str) -> Instant {
    instant(day(day_text), time.parse::<NaiveTime>().unwrap())
}

pub(crate) fn actor(id: &str, role: Role) -> Actor {
    Actor {
        id: id.parse().unwrap(),
        role,
        organisation: "361023100".parse().unwrap(),
        window: None,
        acting_for: None,
        channel: Channel::Window,
    }
}

pub(crate) fn context<'a>(at: Instant, actor: &'a Actor, reference: &'a Reference) -> Context<'a> {
    Context { now: at, occurred_at: at, actor, reference }
}

pub(crate) fn sealed(text: &str) -> Sealed {
    let subject: SubjectId = "p-1".parse().unwrap();
    Sealed { subject, cipher: format!("a1.{text}").into() }
}

pub(crate) fn organisation(id: &str) -> OrganisationId {
    id.parse().unwrap()
}
