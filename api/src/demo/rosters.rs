//! Who sits at which window: each township's roster by the month, with people who fall ill and chiefs who forget.

use super::DemoError;
use super::city::{self, CLERKS};
use super::dice::Dice;
use chrono::{NaiveDate, TimeDelta};
use domain::actor::{Actor, Channel, Role};
use domain::event::organisation::OrganisationKind;
use domain::event::roster::{DutyChangeReason, OnDuty};
use domain::ids::{IdError, OrganisationId, StaffId};
use domain::month::Month;
use domain::reference::Reference;
use domain::roster::{Planned, RosterCommand};
use domain::zone::{Instant, start_of};

/// The share of rosters that nobody posted.
const FORGOTTEN: f64 = 0.004;
/// The share of months in which somebody at the window for social assistance was away, and who came instead.
const AWAY: [(f64, Instead); 3] = [(0.05, Instead::Deputy), (0.03, Instead::Colleague), (0.03, Instead::Nobody)];

/// Who comes instead of somebody at the window for social assistance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instead {
    /// Somebody who takes over the Party member's post as well.
    Deputy,
    /// Somebody who does not.
    Colleague,
    /// Nobody.
    Nobody,
}

/// What is due with rosters at some moment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// Every hall posts the roster of this month.
    Post(Month),
    /// One hall changes a day.
    Change(OrganisationId, NaiveDate, u64),
    /// Every hall confirms what took place up to this day.
    Confirm(NaiveDate),
}

/// Returns when what is due in a month: posted on the 25th before it, confirmed after its 15th and its last day.
pub(super) fn dues(month: Month, begin: NaiveDate) -> Vec<(Instant, Due)> {
    let before = month.first_day().pred_opt().map_or(month, Month::of);
    let post = before.day(25).map_or(begin, |day| day.max(begin));
    let at = |day: NaiveDate, minutes: i64| start_of(day) + TimeDelta::minutes(minutes);
    let halves = [month.day(15), month.first_day_after().pred_opt()];
    let confirm =
        halves.into_iter().flatten().filter_map(|day| Some((at(day.succ_opt()?, 9 * 60 + 30), Due::Confirm(day))));
    // On the first day of all before anybody opens.
    std::iter::once((at(post, 7 * 60), Due::Post(month))).chain(confirm).collect()
}

/// Returns the halls that post rosters.
pub(super) fn halls(reference: &Reference) -> Vec<OrganisationId> {
    let townships =
        reference.organisations.iter().filter(|organisation| organisation.kind() == OrganisationKind::Township);
    townships.map(|hall| hall.id().clone()).collect()
}

/// Returns the dice of one hall for one month.
pub(super) fn dice(seed: u64, hall: &OrganisationId, month: Month) -> Dice {
    let text = format!("{hall}-{month}");
    let stream = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Dice::new(seed ^ 0xd07e, stream)
}

/// Returns the roster of a hall; none where it was forgotten.
pub(super) fn post(
    reference: &Reference,
    hall: &OrganisationId,
    month: Month,
    today: NaiveDate,
    dice: &mut Dice,
) -> Result<Option<RosterCommand>, DemoError> {
    if dice.chance(FORGOTTEN) {
        return Ok(None);
    }
    let working = |day: &NaiveDate| reference.calendar.is_working(*day, None);
    let open: Vec<NaiveDate> = open_days(reference, hall, month).filter(|day| today <= *day).collect();
    let (weekdays, restdays): (Vec<NaiveDate>, Vec<NaiveDate>) = open.into_iter().partition(working);
    let mut duties = Vec::new();
    for (crew, days) in [(crew(hall)?, weekdays), (rest_day_crew(hall)?, restdays)] {
        if days.is_empty() {
            continue;
        }
        let numbers: Vec<u8> = days.iter().map(number).collect();
        for (window, on) in crew {
            duties.push(Planned { window: window.parse()?, on, days: numbers.clone() });
        }
    }
    Ok(Some(RosterCommand::Post { organisation: hall.clone(), month, duties }))
}

/// Returns what changes in the month just posted, and when it is written down.
pub(super) fn changes(
    reference: &Reference,
    hall: &OrganisationId,
    month: Month,
    dice: &mut Dice,
) -> Vec<(Instant, Due)> {
    let days: Vec<NaiveDate> =
        open_days(reference, hall, month).filter(|day| reference.calendar.is_working(*day, None)).collect();
    if days.is_empty() {
        return Vec::new();
    }
    let thrown: Vec<u64> = (0..AWAY.len() as u64).filter(|kind| dice.chance(AWAY[*kind as usize].0)).collect();
    let mut changes = Vec::new();
    for kind in thrown {
        let day = *dice.pick(&days);
        // Early in the morning: whoever falls ill says so before the hall opens.
        let at = start_of(day) + TimeDelta::minutes(dice.between(7 * 60 + 40, 8 * 60 + 20));
        changes.push((at, Due::Change(hall.clone(), day, kind)));
    }
    changes
}

/// Returns who is away on a day, and who comes instead.
pub(super) fn change(hall: &OrganisationId, day: NaiveDate, kind: u64) -> Result<RosterCommand, DemoError> {
    let instead = usize::try_from(kind).ok().and_then(|kind| AWAY.get(kind)).map_or(Instead::Nobody, |(_, who)| *who);
    let (off, on, reason) = match instead {
        Instead::Deputy => (assistant(hall, 1)?, Some(member(hall, true)?), DutyChangeReason::Leave),
        Instead::Colleague => (assistant(hall, 1)?, Some(member(hall, false)?), DutyChangeReason::Training),
        Instead::Nobody => (assistant(hall, 2)?, None, DutyChangeReason::NeededElsewhere),
    };
    Ok(RosterCommand::Change { day, window: "S1".parse()?, off: Some(off), on, reason })
}

/// Returns who draws up the roster of a hall, and who confirms it.
pub(super) fn chief(hall: &OrganisationId) -> Result<Actor, DemoError> {
    Ok(Actor {
        id: city::staff(hall, Role::Chief, 1)?,
        role: Role::Chief,
        organisation: hall.clone(),
        window: None,
        acting_for: None,
        channel: Channel::Window,
    })
}

fn open_days(reference: &Reference, hall: &OrganisationId, month: Month) -> impl Iterator<Item = NaiveDate> {
    month.days().filter(|day| reference.organisations.opens_on(hall, *day, &reference.calendar))
}

fn number(day: &NaiveDate) -> u8 {
    use chrono::Datelike as _;
    u8::try_from(day.day()).unwrap_or(31)
}

fn crew(hall: &OrganisationId) -> Result<Vec<(&'static str, OnDuty)>, IdError> {
    let desk =
        |role, ordinal| Ok(OnDuty { staff: city::staff(hall, role, ordinal)?, full_time: true, party_post: false });
    Ok(vec![
        ("C1", desk(Role::Clerk, 1)?),
        ("C2", desk(Role::Clerk, 2)?),
        ("O1", desk(Role::DeliveryClerk, 1)?),
        ("S1", OnDuty { staff: assistant(hall, 1)?, full_time: true, party_post: true }),
        ("S1", desk(Role::Clerk, CLERKS + 2)?),
    ])
}

fn rest_day_crew(hall: &OrganisationId) -> Result<Vec<(&'static str, OnDuty)>, IdError> {
    let desk = |ordinal, party_post| {
        Ok(OnDuty { staff: city::staff(hall, Role::Clerk, ordinal)?, full_time: true, party_post })
    };
    Ok(vec![("C1", desk(3, false)?), ("S1", desk(CLERKS + 3, true)?), ("S1", desk(CLERKS + 4, false)?)])
}

/// Returns one of the clerks who do nothing but social assistance.
fn assistant(hall: &OrganisationId, ordinal: u32) -> Result<StaffId, IdError> {
    city::staff(hall, Role::Clerk, CLERKS + ordinal)
}

/// Returns the clerk who is not on the roster on working days.
fn member(hall: &OrganisationId, party_post: bool) -> Result<OnDuty, IdError> {
    Ok(OnDuty { staff: city::staff(hall, Role::Clerk, CLERKS)?, full_time: true, party_post })
}
