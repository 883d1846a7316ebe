//! 值班: who is on duty at which window, posted by the month, changed by the day, and confirmed afterwards by somebody
//! who was not on duty.
//!
//! At a township's 社会救助窗口 there are two full-time staff, one of whom holds the post of the Party member: [`judged`].

use crate::calendar::WorkingCalendar;
use crate::decider::{Context, Decider};
use crate::event::RosterEvent;
use crate::event::organisation::OrganisationKind;
use crate::event::roster::{Duty, DutyChangeReason, DutyChanged, OnDuty, RosterConfirmed, RosterPosted};
use crate::ids::{OrganisationId, StaffId, WindowId};
use crate::month::Month;
use crate::organisation::Organisation;
use crate::zone::day_of;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The purpose of a 社会救助窗口.
pub const ASSISTANCE: &str = "social-assistance";
/// No hall has more windows and people than this for a month.
pub const DUTIES_MAX: usize = 512;

/// What a hall's 社会救助窗口 lacks on a day on which the hall is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shortfall {
    /// The hall has no such window.
    NoWindow,
    /// Nobody posted who is there.
    NoRoster,
    /// Fewer full-time staff than there must be.
    TooFew,
    /// None of them holds the post of the Party member.
    NoPartyPost,
}

/// Judges who is at the 社会救助窗口 on one day: so many full-time staff, one of whom holds the Party member's post.
///
/// # Errors
/// What is lacking.
pub fn judged<'a>(at_window: impl Iterator<Item = (&'a StaffId, bool, bool)>, required: u16) -> Result<(), Shortfall> {
    let full_time: BTreeMap<&StaffId, bool> =
        at_window.filter(|(_, full_time, _)| *full_time).map(|(staff, _, party_post)| (staff, party_post)).collect();
    if full_time.len() < usize::from(required) {
        return Err(Shortfall::TooFew);
    }
    match full_time.values().any(|party_post| *party_post) {
        true => Ok(()),
        false => Err(Shortfall::NoPartyPost),
    }
}

/// Somebody at a window on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// At which window.
    pub window: WindowId,
    /// What it is for.
    pub purpose: String,
    /// Who, and as what.
    pub on: OnDuty,
}

/// The roster of one hall for one month.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Roster {
    posted: Option<(OrganisationId, Month)>,
    days: BTreeMap<NaiveDate, Vec<Post>>,
    confirmed_through: Option<NaiveDate>,
}

/// A duty as it is asked for; what the window is for, the hall knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// At which window.
    pub window: WindowId,
    /// Who, and as what.
    pub on: OnDuty,
    /// On which days of the month.
    pub days: Vec<u8>,
}

/// What may be asked of a roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RosterCommand {
    /// Post it.
    Post {
        /// Of which hall.
        organisation: OrganisationId,
        /// For which month.
        month: Month,
        /// Who, where, when.
        duties: Vec<Planned>,
    },
    /// Change one day at one window.
    Change {
        /// The day.
        day: NaiveDate,
        /// The window.
        window: WindowId,
        /// Who does not come.
        off: Option<StaffId>,
        /// Who comes.
        on: Option<OnDuty>,
        /// Why.
        reason: DutyChangeReason,
    },
    /// Say that it took place as it stands.
    Confirm {
        /// Up to this day.
        through: NaiveDate,
    },
}

/// Why a roster stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterRejection {
    /// Only halls have windows.
    #[error("{0} is not a hall")]
    NotAHall(OrganisationId),
    /// It is there.
    #[error("the roster of this month is posted already; change single days")]
    RosterAlreadyPosted,
    /// It is not there.
    #[error("there is no roster for this month")]
    RosterNotPosted,
    /// A roster says somebody's duty.
    #[error("a roster names at least one duty, on at least one day")]
    RosterEmpty,
    /// A roster has an end.
    #[error("a roster has at most {DUTIES_MAX} duties")]
    RosterTooLong,
    /// There is no such window.
    #[error("the hall has no window {0}")]
    RosterWindowUnknown(WindowId),
    /// They do not work here that day.
    #[error("{0} is not appointed at this hall on {1}")]
    NotAppointedThen(StaffId, NaiveDate),
    /// The month has no such day.
    #[error("the month has no day {0}")]
    DayOutsideMonth(u8),
    /// It is another month's.
    #[error("{0} lies in another month")]
    DayOfOtherMonth(NaiveDate),
    /// The hall does not open.
    #[error("the hall is closed on {0}")]
    HallClosedThen(NaiveDate),
    /// What is past is not planned any more.
    #[error("{0} is past; a roster is posted for days to come")]
    DayIsPast(NaiveDate),
    /// Nobody sits at two windows.
    #[error("{0} is on duty twice on {1}")]
    OnDutyTwice(StaffId, NaiveDate),
    /// They were not to come anyway.
    #[error("{0} is not on duty at this window on {1}")]
    NotOnDuty(StaffId, NaiveDate),
    /// A change names somebody.
    #[error("a change says who does not come, who comes, or both")]
    NobodyNamed,
    /// It was confirmed what took place.
    #[error("the roster is confirmed up to {0}")]
    DayConfirmed(NaiveDate),
    /// What is to come cannot be confirmed.
    #[error("{0} is not over yet")]
    NotOverYet(NaiveDate),
    /// Nobody vouches for their own presence.
    #[error("whoever was on duty in these days must not confirm them")]
    ConfirmsOwnDuty,
}

use RosterCommand as Command;
use RosterRejection as Rejection;

impl Roster {
    /// Returns at how many windows of this kind somebody is on duty; nothing where no roster speaks of such windows.
    #[must_use]
    pub fn manned(&self, day: NaiveDate, purpose: &str) -> Option<u16> {
        let of_kind = |posts: &Vec<Post>| posts.iter().any(|post| post.purpose == purpose);
        if !self.days.values().any(of_kind) {
            return None;
        }
        let here = self.days.get(&day).into_iter().flatten().filter(|post| post.purpose == purpose);
        u16::try_from(here.map(|post| &post.window).collect::<BTreeSet<_>>().len()).ok()
    }

    /// Returns the hall and month it is for, once it is posted.
    #[must_use]
    pub fn posted(&self) -> Option<&(OrganisationId, Month)> {
        self.posted.as_ref()
    }

    /// Returns who is where on this day.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> &[Post] {
        self.days.get(&day).map_or(&[], Vec::as_slice)
    }

    /// Returns the last day up to which it was confirmed.
    #[must_use]
    pub fn confirmed_through(&self) -> Option<NaiveDate> {
        self.confirmed_through
    }

    /// Judges the 社会救助窗口 of its hall on this day.
    ///
    /// # Errors
    /// What is lacking.
    pub fn assistance(&self, day: NaiveDate, required: u16) -> Result<(), Shortfall> {
        let at_window = self.on(day).iter().filter(|post| post.purpose == ASSISTANCE);
        judged(at_window.map(|post| (&post.on.staff, post.on.full_time, post.on.party_post)), required)
    }

    fn post(
        &self,
        organisation: &OrganisationId,
        month: Month,
        planned: &[Planned],
        context: &Context<'_>,
    ) -> Result<Vec<RosterEvent>, Rejection> {
        let hall = Hall::of(organisation, context)?;
        if planned.iter().all(|duty| duty.days.is_empty()) {
            return Err(Rejection::RosterEmpty);
        }
        if DUTIES_MAX < planned.len() {
            return Err(Rejection::RosterTooLong);
        }
        let today = day_of(context.now);
        let mut taken: BTreeSet<(&StaffId, NaiveDate)> = BTreeSet::new();
        let mut duties = Vec::with_capacity(planned.len());
        for Planned { window, on, days } in planned {
            let purpose = hall.purpose(window)?;
            for number in days {
                let day = month.day(*number).ok_or(Rejection::DayOutsideMonth(*number))?;
                if day < today {
                    return Err(Rejection::DayIsPast(day));
                }
                hall.check(&on.staff, day)?;
                if !taken.insert((&on.staff, day)) {
                    return Err(Rejection::OnDutyTwice(on.staff.clone(), day));
                }
            }
            let OnDuty { staff, full_time, party_post } = on.clone();
            let mut days = days.clone();
            days.sort_unstable();
            duties.push(Duty { window: window.clone(), purpose, staff, full_time, party_post, days });
        }
        Ok(vec![RosterPosted { organisation: organisation.clone(), month, duties }.into()])
    }

    fn change(&self, change: DutyChanged, month: Month, context: &Context<'_>) -> Result<Vec<RosterEvent>, Rejection> {
        let DutyChanged { day, .. } = change;
        if Month::of(day) != month {
            return Err(Rejection::DayOfOtherMonth(day));
        }
        if let Some(through) = self.confirmed_through.filter(|through| day <= *through) {
            return Err(Rejection::DayConfirmed(through));
        }
        let hall = Hall::of(&change.organisation, context)?;
        let purpose = hall.purpose(&change.window)?;
        let here = |staff: &StaffId| {
            let mut posts = self.on(day).iter();
            posts.any(|post| post.window == change.window && post.on.staff == *staff)
        };
        match (&change.off, &change.on) {
            (None, None) => return Err(Rejection::NobodyNamed),
            (Some(off), _) if !here(off) => return Err(Rejection::NotOnDuty(off.clone(), day)),
            (Some(_) | None, _) => (),
        }
        if let Some(on) = &change.on {
            hall.check(&on.staff, day)?;
            let elsewhere = |post: &Post| {
                post.on.staff == on.staff && !(post.window == change.window && Some(&on.staff) == change.off.as_ref())
            };
            if self.on(day).iter().any(elsewhere) {
                return Err(Rejection::OnDutyTwice(on.staff.clone(), day));
            }
        }
        Ok(vec![DutyChanged { purpose, ..change }.into()])
    }

    fn confirm(
        &self,
        organisation: &OrganisationId,
        month: Month,
        through: NaiveDate,
        context: &Context<'_>,
    ) -> Result<Vec<RosterEvent>, Rejection> {
        if Month::of(through) != month {
            return Err(Rejection::DayOfOtherMonth(through));
        }
        match self.confirmed_through {
            Some(known) if known == through => return Ok(vec![]),
            Some(known) if through < known => return Err(Rejection::DayConfirmed(known)),
            Some(_) | None => (),
        }
        if day_of(context.now) <= through {
            return Err(Rejection::NotOverYet(through));
        }
        let mut spoken_of =
            self.days.range(..=through).filter(|(day, _)| self.confirmed_through.is_none_or(|known| known < **day));
        if spoken_of.any(|(_, posts)| posts.iter().any(|post| post.on.staff == context.actor.id)) {
            return Err(Rejection::ConfirmsOwnDuty);
        }
        Ok(vec![RosterConfirmed { organisation: organisation.clone(), through }.into()])
    }
}

/// The hall, as a roster must know it.
struct Hall<'a> {
    organisation: &'a Organisation,
    context: &'a Context<'a>,
}

impl<'a> Hall<'a> {
    fn of(id: &OrganisationId, context: &'a Context<'a>) -> Result<Self, Rejection> {
        let organisation = context.reference.organisations.get(id);
        let halls = organisation.filter(|organisation| organisation.kind() != OrganisationKind::Department);
        halls.map(|organisation| Self { organisation, context }).ok_or_else(|| Rejection::NotAHall(id.clone()))
    }

    fn purpose(&self, window: &WindowId) -> Result<String, Rejection> {
        let known = self.organisation.windows.get(window);
        known.map(|known| known.purpose.clone()).ok_or_else(|| Rejection::RosterWindowUnknown(window.clone()))
    }

    /// Nobody is on duty on a day on which they do not work here, or nobody does.
    fn check(&self, staff: &StaffId, day: NaiveDate) -> Result<(), Rejection> {
        let appointed = self.organisation.staff.get(staff).is_some_and(|appointment| appointment.holds_on(day));
        if !appointed {
            return Err(Rejection::NotAppointedThen(staff.clone(), day));
        }
        let calendar: &WorkingCalendar = &self.context.reference.calendar;
        match self.context.reference.organisations.opens_on(self.organisation.id(), day, calendar) {
            true => Ok(()),
            false => Err(Rejection::HallClosedThen(day)),
        }
    }
}

impl Decider for Roster {
    type Command = RosterCommand;
    type Event = RosterEvent;
    type Rejection = RosterRejection;

    fn decide(&self, command: &Command, context: &Context<'_>) -> Result<Vec<RosterEvent>, Rejection> {
        match (&self.posted, command) {
            (None, Command::Post { organisation, month, duties }) => self.post(organisation, *month, duties, context),
            (Some(_), Command::Post { .. }) => Err(Rejection::RosterAlreadyPosted),
            (None, Command::Change { .. } | Command::Confirm { .. }) => Err(Rejection::RosterNotPosted),
            (Some((organisation, month)), Command::Change { day, window, off, on, reason }) => {
                let change = DutyChanged {
                    organisation: organisation.clone(),
                    day: *day,
                    window: window.clone(),
                    purpose: String::new(),
                    off: off.clone(),
                    on: on.clone(),
                    reason: *reason,
                };
                self.change(change, *month, context)
            }
            (Some((organisation, month)), Command::Confirm { through }) => {
                self.confirm(organisation, *month, *through, context)
            }
        }
    }

    fn evolve(&mut self, event: &RosterEvent) {
        match event {
            RosterEvent::RosterPosted(RosterPosted { organisation, month, duties }) => {
                self.posted = Some((organisation.clone(), *month));
                for duty in duties {
                    for day in duty.days.iter().filter_map(|number| month.day(*number)) {
                        let on = OnDuty {
                            staff: duty.staff.clone(),
                            full_time: duty.full_time,
                            party_post: duty.party_post,
                        };
                        let post = Post { window: duty.window.clone(), purpose: duty.purpose.clone(), on };
                        self.days.entry(day).or_default().push(post);
                    }
                }
            }
            RosterEvent::DutyChanged(DutyChanged { day, window, purpose, off, on, .. }) => {
                let posts = self.days.entry(*day).or_default();
                posts.retain(|post| post.window != *window || Some(&post.on.staff) != off.as_ref());
                let on = on.clone();
                posts.extend(on.map(|on| Post { window: window.clone(), purpose: purpose.clone(), on }));
            }
            RosterEvent::RosterConfirmed(RosterConfirmed { through, .. }) => self.confirmed_through = Some(*through),
        }
    }
}

#[cfg(test)]
mod tests;
