//! 社会救助窗口值班: who was at each township's window for social assistance, and on which days somebody was lacking.
//!
//! A roster says who is to be there, its changes who came instead, and its confirmation by somebody else that it was so:
//! only a confirmed day is proven. Whether a hall opens on a day is asked of calendar and opening days when the question
//! is put, so an amended calendar changes the days that are asked for.

use crate::projection::Projection;
use crate::scope::{Month, Period};
use chrono::{Datelike as _, NaiveDate};
use domain::event::organisation::OrganisationKind;
use domain::event::roster::{DutyChanged, RosterConfirmed, RosterPosted};
use domain::event::{Event, RosterEvent};
use domain::fact::Fact;
use domain::ids::{OrganisationId, StaffId, WindowId};
use domain::organisation::Organisation;
use domain::reference::Reference;
use domain::roster::{ASSISTANCE, Shortfall, judged};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind every question about staffing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Staffing {
    months: BTreeMap<Month, BTreeMap<OrganisationId, HallMonth>>,
}

/// One hall's windows for social assistance in one month.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct HallMonth {
    posts: Vec<Post>,
    /// How many days of the month, from its first, are confirmed.
    confirmed: u32,
}

/// Somebody at a window, on the days whose bits are set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Post {
    window: WindowId,
    staff: StaffId,
    full_time: bool,
    party_post: bool,
    days: u32,
}

fn bit(day: NaiveDate) -> u32 {
    1 << day.day0()
}

impl Projection for Staffing {
    const NAME: &'static str = "staffing";
    const REVISION: u32 = 1;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Roster(RosterEvent::RosterPosted(posted)) => self.post(posted),
            Event::Roster(RosterEvent::DutyChanged(changed)) => self.change(changed),
            Event::Roster(RosterEvent::RosterConfirmed(RosterConfirmed { organisation, through })) => {
                self.hall(Month::of(*through), organisation).confirmed = through.day();
            }
            Event::Case(_)
            | Event::Rating(_)
            | Event::Ticket(_)
            | Event::Appointment(_)
            | Event::Certificate(_)
            | Event::Library(_)
            | Event::Item(_)
            | Event::Organisation(_)
            | Event::ServicePoint(_)
            | Event::Instrument(_)
            | Event::Kin(_)
            | Event::Checklist(_)
            | Event::Inspection(_)
            | Event::Campaign(_)
            | Event::Calendar(_)
            | Event::Policy(_)
            | Event::Template(_)
            | Event::Access(_) => (),
        }
    }
}

impl Staffing {
    fn hall(&mut self, month: Month, organisation: &OrganisationId) -> &mut HallMonth {
        self.months.entry(month).or_default().entry(organisation.clone()).or_default()
    }

    fn post(&mut self, posted: &RosterPosted) {
        let RosterPosted { organisation, month, duties } = posted;
        let at_window = duties.iter().filter(|duty| duty.purpose == ASSISTANCE);
        let posts = at_window.map(|duty| Post {
            window: duty.window.clone(),
            staff: duty.staff.clone(),
            full_time: duty.full_time,
            party_post: duty.party_post,
            days: duty.days.iter().filter_map(|number| month.day(*number)).fold(0, |days, day| days | bit(day)),
        });
        // A roster without the window is one: nobody is there.
        self.hall(*month, organisation).posts = posts.collect();
    }

    fn change(&mut self, changed: &DutyChanged) {
        if changed.purpose != ASSISTANCE {
            return;
        }
        let day = bit(changed.day);
        let hall = self.hall(Month::of(changed.day), &changed.organisation);
        if let Some(off) = &changed.off {
            let gone = hall.posts.iter_mut().filter(|post| post.window == changed.window && post.staff == *off);
            gone.for_each(|post| post.days &= !day);
        }
        if let Some(on) = &changed.on {
            let post = Post {
                window: changed.window.clone(),
                staff: on.staff.clone(),
                full_time: on.full_time,
                party_post: on.party_post,
                days: day,
            };
            let same = |known: &&mut Post| Post { days: 0, ..(**known).clone() } == Post { days: 0, ..post.clone() };
            match hall.posts.iter_mut().find(same) {
                Some(known) => known.days |= day,
                None => hall.posts.push(post),
            }
        }
    }

    /// Answers a question.
    #[must_use]
    pub fn answer(&self, query: &StaffingQuery, reference: &Reference) -> StaffingAnswer {
        let organisations = &reference.organisations;
        let required = |day| reference.policies.at(day).rules.standards().assistance_staff;
        let mut halls = Vec::new();
        let mut total = DayCounts::default();
        for id in organisations.subtree(&query.organisation) {
            let Some(hall) = organisations.get(id).filter(|hall| hall.kind() == OrganisationKind::Township) else {
                continue;
            };
            let mut row = HallRow::of(hall, organisations.county_of(id).cloned());
            let days = query.period.from.iter_days().take_while(|day| *day < query.period.to);
            for day in days.filter(|day| organisations.opens_on(id, *day, &reference.calendar)) {
                row.count(day, self.judge(hall, day, required(day)));
            }
            total.add(&row.days);
            halls.push(row);
        }
        halls.sort_by(|a, b| a.organisation.cmp(&b.organisation));
        StaffingAnswer { halls, total }
    }

    fn judge(&self, hall: &Organisation, day: NaiveDate, required: u16) -> Result<bool, Gap> {
        let nobody = |lacking| Err(Gap { lacking, full_time: 0, required });
        if !hall.windows.values().any(|window| window.purpose == ASSISTANCE) {
            return nobody(Shortfall::NoWindow);
        }
        let Some(known) = self.months.get(&Month::of(day)).and_then(|month| month.get(hall.id())) else {
            return nobody(Shortfall::NoRoster);
        };
        let there = || known.posts.iter().filter(|post| post.days & bit(day) != 0);
        let judged = judged(there().map(|post| (&post.staff, post.full_time, post.party_post)), required);
        let full_time = there().filter(|post| post.full_time).count();
        match judged {
            Ok(()) => Ok(day.day() <= known.confirmed),
            Err(lacking) => Err(Gap { lacking, full_time, required }),
        }
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.months.values().flat_map(BTreeMap::values).map(|hall| hall.posts.len()).sum()
    }
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffingQuery {
    /// Which days.
    pub period: Period,
    /// The townships under this organisation, itself included.
    pub organisation: OrganisationId,
}

/// Days on which a hall was open, each in one column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCounts {
    /// All of them.
    pub open_days: u32,
    /// Enough staff, and confirmed.
    pub proven: u32,
    /// Enough staff by the roster, which nobody confirmed yet.
    pub planned: u32,
    /// Somebody lacking.
    pub gap_days: u32,
}

impl DayCounts {
    fn add(&mut self, other: &Self) {
        self.open_days += other.open_days;
        self.proven += other.proven;
        self.planned += other.planned;
        self.gap_days += other.gap_days;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gap {
    lacking: Shortfall,
    full_time: usize,
    required: u16,
}

/// Days on end on which the same was lacking; days on which the hall is closed lie between them unnamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapRun {
    /// The first.
    pub from: NaiveDate,
    /// The last.
    pub through: NaiveDate,
    /// How many of them the hall was open.
    pub days: u32,
    /// What was lacking.
    pub lacking: Shortfall,
    /// Full-time staff there were.
    pub full_time: usize,
    /// Full-time staff there must be.
    pub required: u16,
}

impl GapRun {
    fn beginning(day: NaiveDate, gap: Gap) -> Self {
        let Gap { lacking, full_time, required } = gap;
        Self { from: day, through: day, days: 1, lacking, full_time, required }
    }

    fn is_of(&self, gap: Gap) -> bool {
        (self.lacking, self.full_time, self.required) == (gap.lacking, gap.full_time, gap.required)
    }
}

/// One township's hall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HallRow {
    /// Which.
    pub organisation: OrganisationId,
    /// 名称.
    pub name_zh: String,
    /// In which county.
    pub county: Option<OrganisationId>,
    /// Its days.
    #[serde(flatten)]
    pub days: DayCounts,
    /// When somebody was lacking, oldest first.
    pub gaps: Vec<GapRun>,
    /// The last open day counted was a gap.
    #[serde(skip)]
    in_a_row: bool,
}

impl HallRow {
    fn of(hall: &Organisation, county: Option<OrganisationId>) -> Self {
        Self {
            organisation: hall.id().clone(),
            name_zh: hall.name_zh().to_owned(),
            county,
            days: DayCounts::default(),
            gaps: Vec::new(),
            in_a_row: false,
        }
    }

    fn count(&mut self, day: NaiveDate, judged: Result<bool, Gap>) {
        self.days.open_days += 1;
        let gap = match judged {
            Ok(confirmed) => {
                let enough = if confirmed { &mut self.days.proven } else { &mut self.days.planned };
                *enough += 1;
                self.in_a_row = false;
                return;
            }
            Err(gap) => gap,
        };
        self.days.gap_days += 1;
        match self.gaps.last_mut().filter(|run| self.in_a_row && run.is_of(gap)) {
            Some(run) => {
                run.through = day;
                run.days += 1;
            }
            None => self.gaps.push(GapRun::beginning(day, gap)),
        }
        self.in_a_row = true;
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffingAnswer {
    /// Each township's hall, by id.
    pub halls: Vec<HallRow>,
    /// All of them together.
    pub total: DayCounts,
}

#[cfg(test)]
mod tests;
