//! Halls' days: queues that have become too long, days that are over, appointments that nobody kept.

use super::UNDER_WAY_MAX;
use crate::execute::{Asked, Begun, ExecuteError, Stream, Trouble, derived};
use crate::node::{Node, system_actor};
use chrono::TimeDelta;
use domain::appointment::{AppointmentAct, AppointmentCommand, DaySlots};
use domain::due::system_for;
use domain::fact::Subject;
use domain::hall_day::HallDay;
use domain::ids::CommandId;
use domain::ticket::{HallQueue, TicketCommand, hall_due};
use domain::zone::start_of;
use eventstore::CommandDigest;
use futures::stream::{self, StreamExt as _};
use std::fmt::Debug;

/// What one look found.
enum Found {
    Hall { rule: String, command: TicketCommand },
    Slots { rule: String, command: AppointmentCommand },
}

/// Looks once, does what is due, and returns how often the rules acted.
pub(super) async fn look(node: &Node) -> usize {
    let acts = stream::iter(found(node)).map(|found| async move {
        match found {
            Found::Hall { rule, command } => {
                let day = command.day.clone();
                execute::<HallQueue>(node, Subject::Hall(day.clone()), &day, &rule, &command).await
            }
            Found::Slots { rule, command } => {
                let day = command.day.clone();
                execute::<DaySlots>(node, Subject::Slots(day.clone()), &day, &rule, &command).await
            }
        }
    });
    acts.buffer_unordered(UNDER_WAY_MAX).fold(0, |sum, done| async move { sum + done }).await
}

fn found(node: &Node) -> Vec<Found> {
    let data = node.reference.now();
    let reference = &data.reference;
    let now = node.clock.now();
    node.live.read(|views| {
        let halls = &views.halls.state;
        let mut found = Vec::new();
        for (day, queue) in halls.days() {
            let due = hall_due(day, queue, reference, now).into_iter();
            found.extend(due.map(|due| {
                let command = TicketCommand { day: day.clone(), act: due.act };
                Found::Hall { rule: due.rule, command }
            }));
        }
        for (appointment, booked) in halls.booked() {
            let rules = &reference.policies.at(appointment.day.day).rules.hall;
            if booked.to + TimeDelta::minutes(i64::from(rules.check_in_after_minutes)) < now {
                let act = AppointmentAct::Miss { appointment: appointment.clone() };
                let command = AppointmentCommand { day: appointment.day.clone(), act };
                found.push(Found::Slots { rule: format!("missed/{appointment}"), command });
            }
        }
        found
    })
}

async fn execute<D: Stream<Rejection: Debug>>(
    node: &Node,
    subject: Subject,
    day: &HallDay,
    rule: &str,
    command: &D::Command,
) -> usize {
    let (id, digest) = identity(day, &subject, rule);
    let actor = system_for(day.hall.clone(), system_actor().id);
    let asked = Asked { command: id, digest, actor, if_match: None, late: None };
    let done = match node.executor.begin(id, digest).await {
        Ok(Begun::Fresh(under_way)) => node.executor.execute::<D>(&under_way, &asked, &subject, command, &[]).await,
        Ok(Begun::Repeated(_)) | Err(Trouble::InProgress) => return 0,
        Err(trouble) => Err(trouble.into()),
    };
    match done {
        Ok(done) => usize::from(!done.facts.is_empty()),
        // Whoever acted first may have made it unnecessary; the next look asks again.
        Err(ExecuteError::Rejected(why)) => {
            tracing::debug!("{rule} was refused: {why:?}");
            0
        }
        Err(error) => {
            tracing::warn!(hall.day = %day, "{rule} could not be done: {error}");
            0
        }
    }
}

/// The command's id and digest follow from the day and the rule, so that each happens at most once.
fn identity(day: &HallDay, subject: &Subject, rule: &str) -> (CommandId, CommandDigest) {
    let millis = u64::try_from(start_of(day.day).timestamp_millis()).unwrap_or_default();
    derived(&format!("{subject}/{rule}"), millis)
}
