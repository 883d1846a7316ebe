//! Which slots a hall's day has, and how many each holds.

use super::*;
use crate::actor::Role;

/// One slot of a hall's day, for one kind of window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// It begins.
    pub from: Instant,
    /// It ends.
    pub to: Instant,
    /// How many may be booked.
    pub capacity: u16,
    /// Inside or outside of ordinary hours.
    pub service_time: ServiceTime,
}

/// Returns the slots of a hall's day for one kind of window, in order; none where the hall is closed or has no such window.
///
/// `manned` are the windows at which the hall's roster has somebody on duty, where it speaks of such windows.
#[must_use]
pub fn slots(reference: &Reference, day: &HallDay, purpose: &str, manned: Option<u16>) -> Vec<Slot> {
    let organisations = &reference.organisations;
    let hall = organisations.get(&day.hall).filter(|hall| hall.exists_on(day.day));
    let (Some(hall), Some(hours)) = (hall, organisations.hours(&day.hall, day.day)) else { return Vec::new() };
    let working = reference.calendar.is_working(day.day, Some(hall.region()));
    let rules = &reference.policies.at(day.day).rules.hall;
    let capacity = capacity(hall, purpose, manned, rules, day.day);
    if capacity == 0 || !(working || hours.every_day) {
        return Vec::new();
    }
    let length = TimeDelta::minutes(i64::from(rules.slot_minutes.max(1)));
    let opens = instant(day.day, hours.opens);
    let closes = instant(day.day, hours.closes);
    let ends = hours.after_hours_until.map_or(closes, |until| instant(day.day, until));
    let starts = std::iter::successors(Some(opens), |from| Some(*from + length));
    let whole = starts.take_while(|from| *from + length <= ends);
    let slot = |from: Instant| {
        let service_time = match (working, from + length <= closes) {
            (false, _) => ServiceTime::RestDay,
            (true, true) => ServiceTime::Ordinary,
            (true, false) => ServiceTime::AfterHours,
        };
        Slot { from, to: from + length, capacity, service_time }
    };
    whole.map(slot).collect()
}

/// The share of the windows' time that the policy gives to appointments, in visits. No more windows count than the roster
/// has people at; without a roster, than there are clerks appointed, where any are.
fn capacity(hall: &Organisation, purpose: &str, manned: Option<u16>, rules: &HallRules, day: NaiveDate) -> u16 {
    let windows = hall.windows.values().filter(|window| window.purpose == purpose).count();
    if windows == 0 {
        return 0;
    }
    let clerks = hall.staff.values().filter(|post| post.roles.contains(&Role::Clerk));
    let manned = match (manned, clerks.clone().count()) {
        (Some(manned), _) => windows.min(usize::from(manned)),
        (None, 0) => windows,
        (None, _) => windows.min(clerks.filter(|post| post.holds_on(day)).count()),
    };
    let minutes = u64::try_from(manned).unwrap_or(u64::MAX) * u64::from(rules.slot_minutes);
    let visits = minutes * u64::from(rules.slot_share_percent) / 100 / u64::from(rules.expected_service_minutes.max(1));
    // A small hall still gives one, as long as somebody is there and the policy gives any share at all.
    let least = u64::from(0 < manned && 0 < rules.slot_share_percent);
    u16::try_from(visits.max(least)).unwrap_or(u16::MAX)
}
