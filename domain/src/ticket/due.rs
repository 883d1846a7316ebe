//! What follows for a hall's day from the passing of time alone.

use super::{HallQueue, TicketAct, Waits};
use crate::event::policy::HallThreshold;
use crate::hall_day::HallDay;
use crate::reference::Reference;
use crate::zone::Instant;

/// What a rule asks of a hall's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HallDue {
    /// Which rule, with everything that makes this time different from any other.
    pub rule: String,
    /// What it asks for.
    pub act: TicketAct,
}

pub(super) fn is_crossed(threshold: &HallThreshold, waits: &Waits) -> bool {
    let HallThreshold { waiting_over, mean_wait_over_minutes, longest_wait_over_minutes, .. } = threshold;
    let exceeds = |limit: &Option<u16>, value: u16| limit.is_none_or(|limit| limit < value);
    exceeds(waiting_over, waits.waiting)
        && exceeds(mean_wait_over_minutes, waits.mean_minutes)
        && exceeds(longest_wait_over_minutes, waits.longest_minutes)
}

/// Returns what the rules ask of this hall's day at this moment; none of it is refused.
#[must_use]
pub fn hall_due(day: &HallDay, queue: &HallQueue, reference: &Reference, now: Instant) -> Vec<HallDue> {
    if queue.closed || queue.last_at.is_none() {
        return Vec::new();
    }
    if day.day < reference.organisations.hall_day(&day.hall, now).day {
        return vec![HallDue { rule: "close-day".to_owned(), act: TicketAct::CloseDay }];
    }
    let policy = reference.policies.at(day.day);
    let thresholds = &policy.rules.hall.warnings;
    let waits = queue.waits(now);
    let mut found = Vec::new();
    for threshold in thresholds.iter().filter(|threshold| is_crossed(threshold, &waits)) {
        let known = queue.crossings.get(&threshold.name).copied().unwrap_or_default();
        if !known.lasts {
            let name = threshold.name.clone();
            let rule = format!("hall-warning/{name}/{}/p{}", known.times + 1, policy.version);
            found.push(HallDue { rule, act: TicketAct::RaiseWarning { threshold: name } });
        }
    }
    let is_crossed_still =
        |name: &String| thresholds.iter().any(|known| known.name == *name && is_crossed(known, &waits));
    for (name, known) in queue.crossings.iter().filter(|(name, known)| known.lasts && !is_crossed_still(name)) {
        let rule = format!("hall-warning-ended/{name}/{}", known.times);
        found.push(HallDue { rule, act: TicketAct::EndWarning { threshold: name.clone() } });
    }
    found
}
