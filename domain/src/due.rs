//! What follows from the passing of time alone: due(state, now) gives the commands that the rules ask for.
//!
//! Whoever ticks (the server, the demo, a what-if) sends them through the same door as everybody's. The rule's text
//! names rule, version, subject and threshold, so that a command id made from it and the case happens at most once.

use crate::actor::{Actor, Channel, Role};
use crate::case::{Case, CaseCommand, Phase};
use crate::decider::{Context, Decider};
use crate::event::case::Threshold;
use crate::event::item::RatingStage;
use crate::event::policy::DefaultRating;
use crate::event::rating::{RatedService, RatingSubject};
use crate::ids::{OrganisationId, StaffId};
use crate::rating::{Invitations, RatingCommand, window};
use crate::reference::Reference;
use crate::zone::{Instant, day_of, start_of};
use chrono::NaiveDate;

/// A command that a rule asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct DueCommand {
    /// Which rule, with everything that makes this time different from any other.
    pub rule: String,
    /// What it asks for.
    pub command: CaseCommand,
}

/// Returns the actor of the rules: the system, for the organisation that has the case.
#[must_use]
pub fn system_for(organisation: OrganisationId, id: StaffId) -> Actor {
    Actor { id, role: Role::System, organisation, window: None, acting_for: None, channel: Channel::System }
}

/// Returns what the rules ask of this case at this moment, in the order in which it should happen; none of it is
/// refused. Moved deadlines come alone, for what else is due depends on them: ask again afterwards.
#[must_use]
pub fn due(case: &Case, reference: &Reference, now: Instant) -> Vec<DueCommand> {
    let Some(application) = &case.application else { return Vec::new() };
    let Ok(id) = "system".parse() else { return Vec::new() };
    let actor = system_for(case.at.clone().unwrap_or_else(|| application.intake.clone()), id);
    let context = Context { now, occurred_at: now, actor: &actor, reference };
    let has_effect = |due: &DueCommand| matches!(case.decide(&due.command, &context), Ok(events) if !events.is_empty());
    if let Some(recomputed) = recomputed(case, reference).filter(has_effect) {
        return vec![recomputed];
    }
    warned(case, day_of(now)).into_iter().chain(deemed(case, now)).filter(has_effect).collect()
}

/// Returns the earliest moment at which the passing of time alone may make something due: now, if something is.
///
/// A calendar that is published or amended may make more due; look at every case again then.
#[must_use]
pub fn next_due(case: &Case, reference: &Reference, now: Instant) -> Option<Instant> {
    if !due(case, reference, now).is_empty() {
        return Some(now);
    }
    let today = day_of(now);
    let lapse = lapse(case);
    let next = days(case).filter(|day| today < *day).min();
    // An amended calendar may hold a lapsed window open for some days; look again every day until it closes.
    let held_open = lapse.filter(|day| *day <= today).and_then(|_| today.succ_opt());
    next.into_iter().chain(held_open).min().map(start_of)
}

/// Returns the days on which the passing of time alone makes something due in this case as it stands, past ones
/// included.
pub fn days(case: &Case) -> impl Iterator<Item = NaiveDate> {
    let thresholds = case.watched().into_iter().flat_map(move |watched| {
        let yellow = watched.deadline.yellow_from.map(|day| (day, watched.warning(Threshold::Yellow)));
        let red = watched.deadline.date.succ_opt().map(|day| (day, watched.warning(Threshold::Red)));
        let waiting = [yellow, red].into_iter().flatten().filter(|(_, warning)| !case.warnings.contains(warning));
        waiting.map(|(day, _)| day).collect::<Vec<NaiveDate>>()
    });
    thresholds.chain(lapse(case))
}

/// The first day after the notice window, where the law then takes the case as accepted.
fn lapse(case: &Case) -> Option<NaiveDate> {
    case.notice_due.as_ref().filter(|_| awaits_deeming(case)).and_then(|due| due.date.succ_opt())
}

/// 视为受理 hangs over the case.
fn awaits_deeming(case: &Case) -> bool {
    case.phase == Phase::Received && case.receipt.as_ref().is_some_and(|receipt| receipt.deems)
}

fn deemed(case: &Case, now: Instant) -> Option<DueCommand> {
    let window = case.notice_due.as_ref().filter(|window| awaits_deeming(case) && window.is_over(day_of(now)))?;
    let rule = format!("deemed-acceptance/{}", window.start);
    Some(DueCommand { rule, command: CaseCommand::DeemAccepted })
}

fn recomputed(case: &Case, reference: &Reference) -> Option<DueCommand> {
    let version = reference.calendar.version();
    let running = case.running_clocks();
    let touched = running.promised.iter().chain(&running.legal).any(|deadline| {
        let amended = reference.calendar.amended_since(deadline.calendar);
        amended.is_some_and(|days| *days.start() <= deadline.date && deadline.start <= *days.end())
    });
    let rule = format!("recompute-deadlines/c{version}");
    touched.then_some(DueCommand { rule, command: CaseCommand::RecomputeDeadlines })
}

fn warned(case: &Case, today: NaiveDate) -> Vec<DueCommand> {
    let fresh = case.crossed(today).filter(|crossed| !case.warnings.contains(&crossed.warning));
    let commands = fresh.map(|crossed| {
        let warning = crossed.warning;
        let threshold = match warning.threshold {
            Threshold::Yellow => "yellow",
            Threshold::Red => "red",
        };
        let clock = warning.clock.as_str();
        DueCommand {
            rule: format!("warning/{clock}/{threshold}/{}/p{}", warning.due, warning.policy),
            command: CaseCommand::RaiseWarning { clock: warning.clock, threshold: warning.threshold },
        }
    });
    commands.collect()
}

/// What the rules ask of a service that nobody rated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatingDue {
    /// 邀评, for this time.
    Invite {
        /// Which time, from 1.
        time: u16,
    },
    /// Nobody rated within the window, and the policy then speaks.
    Default,
}

impl RatingDue {
    /// Returns which rule asks, with everything that makes this time different from any other.
    #[must_use]
    pub fn rule(self, stage: RatingStage) -> String {
        let stage = match stage {
            RatingStage::Accept => "accept",
            RatingStage::Finish => "finish",
        };
        match self {
            Self::Invite { time } => format!("invite/{stage}/{time}"),
            Self::Default => format!("default-rating/{stage}"),
        }
    }

    /// Returns what it asks for.
    #[must_use]
    pub fn command(self, about: RatingSubject, stage: RatingStage, service: RatedService) -> RatingCommand {
        match self {
            Self::Invite { time: _ } => RatingCommand::Invite { about, stage, service },
            Self::Default => RatingCommand::RateByDefault { about, stage, service },
        }
    }
}

/// Returns what the rules ask of a service that ended on this day and that nobody rated; nothing before the next
/// invitation's day, and nothing where the policy is silent.
#[must_use]
pub fn rating_due(
    ended_on: NaiveDate,
    invited: Option<Invitations>,
    reference: &Reference,
    today: NaiveDate,
) -> Option<RatingDue> {
    let counting = reference.counting(today, None);
    let rules = &counting.policy.rules;
    let is_over = counting.deadline(ended_on, window(rules), &[]).is_over(today);
    if is_over {
        return (rules.default_rating != DefaultRating::None).then_some(RatingDue::Default);
    }
    let invitations = rules.invitations?;
    let times = invited.map_or(0, |invited| invited.times);
    let since = invited.map(|invited| (today - invited.last_on).num_days());
    let comes = since.is_none_or(|days| i64::from(invitations.again_after_days) <= days);
    (comes && times < invitations.times_max).then(|| RatingDue::Invite { time: times + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::policy::{InvitationRules, PolicyPublished, PolicyRules};
    use crate::event::{Event, PolicyEvent};
    use crate::testing::{REFERENCE, day};

    fn policy(change: impl FnOnce(&mut PolicyRules)) -> Reference {
        let mut reference = REFERENCE.clone();
        let mut rules = reference.policies.latest().rules.clone();
        change(&mut rules);
        let (valid_from, published_on) = (day("2026-01-01"), day("2026-01-01"));
        let published = PolicyPublished { version: 2, valid_from, published_on, rules };
        reference.evolve(&Event::Policy(PolicyEvent::from(published)));
        reference
    }

    fn invited(times: u16, last_on: &str) -> Option<Invitations> {
        Some(Invitations { times, last_on: day(last_on) })
    }

    #[test]
    fn an_invitation_comes_at_once_and_again_after_its_days() {
        let rules = InvitationRules { times_max: 2, again_after_days: 3 };
        let reference = policy(|policy| policy.invitations = Some(rules));
        let due = |invited, today: &str| rating_due(day("2026-06-01"), invited, &reference, day(today));
        assert_eq!(due(None, "2026-06-01"), Some(RatingDue::Invite { time: 1 }));
        assert_eq!(due(invited(1, "2026-06-01"), "2026-06-03"), None);
        assert_eq!(due(invited(1, "2026-06-01"), "2026-06-04"), Some(RatingDue::Invite { time: 2 }));
        assert_eq!(due(invited(2, "2026-06-04"), "2026-06-08"), None);
        // The window is over, and this policy supposes nothing.
        assert_eq!(due(None, "2026-06-09"), None);
    }

    #[test]
    fn a_rating_is_supposed_after_the_window_where_the_policy_says_so() {
        let reference = policy(|policy| {
            policy.invitations = None;
            policy.default_rating = DefaultRating::Fair;
        });
        let due = |today: &str| rating_due(day("2026-06-01"), None, &reference, day(today));
        assert_eq!((due("2026-06-08"), due("2026-06-09")), (None, Some(RatingDue::Default)));
    }
}
