//! What may be asked of the calendar, and why it is refused.

use super::{Notice, WorkingCalendar, is_weekday};
use crate::decider::{Context, Decider};
use crate::event::CalendarEvent;
use crate::event::calendar::{CalendarAmended, CalendarPublished};
use crate::ids::RegionCode;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// What may be asked of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum CalendarCommand {
    /// Publish a year.
    Publish {
        /// The year the notice is about.
        year: i32,
        /// Every day off in a holiday block, weekend days included.
        holidays: Vec<NaiveDate>,
        /// Weekend days worked (调休).
        workdays: Vec<NaiveDate>,
        /// The notice's number or title.
        notice: String,
        /// The day of publication.
        published_on: NaiveDate,
    },
    /// Change days after publication.
    Amend {
        /// Days that are now off.
        holidays: Vec<NaiveDate>,
        /// Days that are now worked.
        workdays: Vec<NaiveDate>,
        /// Only here; everywhere if absent.
        #[serde(default)]
        region: Option<RegionCode>,
        /// The notice's number or title.
        notice: String,
        /// The day of publication.
        published_on: NaiveDate,
    },
}

/// Why a calendar cannot be published or amended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarRejection {
    /// A published year is amended, not published again.
    #[error("the calendar of {0} is published; amend it")]
    YearAlreadyPublished(i32),
    /// A year outside the range that this system keeps.
    #[error("{0} is not a year of this calendar")]
    YearOutOfRange(i32),
    /// A publication speaks of its own year only.
    #[error("{0} does not lie in the year of the notice")]
    DayOutsideYear(NaiveDate),
    /// A make-up day is a weekend day that is worked.
    #[error("{0} is a weekday; only weekend days are made up on")]
    WorkdayNotOnWeekend(NaiveDate),
    /// A day cannot be both off and worked.
    #[error("{0} is given both as a day off and as worked")]
    HolidayAndWorkday(NaiveDate),
    /// A day is named twice.
    #[error("{0} is given twice")]
    DayTwice(NaiveDate),
    /// An amendment names at least one day.
    #[error("an amendment must name at least one day")]
    NothingAmended,
    /// Only a published year can be amended.
    #[error("the calendar of {0} is not published; publish it first")]
    YearNotPublished(i32),
    /// A notice has a number or title.
    #[error("a notice needs its number or title")]
    NoticeWithoutTitle,
}

/// Years a calendar is kept for: since the Republic keeps identity numbers, and as far ahead as any term runs.
const YEARS: RangeInclusive<i32> = 1949..=2199;

fn check_days(holidays: &[NaiveDate], workdays: &[NaiveDate]) -> Result<(), CalendarRejection> {
    let mut off = BTreeSet::new();
    for day in holidays {
        if !off.insert(day) {
            return Err(CalendarRejection::DayTwice(*day));
        }
    }
    let mut worked = BTreeSet::new();
    for day in workdays {
        if off.contains(day) {
            return Err(CalendarRejection::HolidayAndWorkday(*day));
        }
        if !worked.insert(day) {
            return Err(CalendarRejection::DayTwice(*day));
        }
    }
    Ok(())
}

impl WorkingCalendar {
    fn publish(&self, published: &CalendarPublished) -> Result<Vec<CalendarEvent>, CalendarRejection> {
        let CalendarPublished { year, holidays, workdays, .. } = published;
        if let Some(known) = self.notices.iter().find(|notice| notice.year == Some(*year)) {
            let same = known.holidays == *holidays && known.workdays == *workdays && known.notice == published.notice;
            return if same { Ok(vec![]) } else { Err(CalendarRejection::YearAlreadyPublished(*year)) };
        }
        if !YEARS.contains(year) {
            return Err(CalendarRejection::YearOutOfRange(*year));
        }
        check_days(holidays, workdays)?;
        if let Some(day) = holidays.iter().chain(workdays).find(|day| day.year() != *year) {
            return Err(CalendarRejection::DayOutsideYear(*day));
        }
        if let Some(day) = workdays.iter().find(|day| is_weekday(**day)) {
            return Err(CalendarRejection::WorkdayNotOnWeekend(*day));
        }
        Ok(vec![published.clone().into()])
    }

    fn amend(&self, amended: &CalendarAmended) -> Result<Vec<CalendarEvent>, CalendarRejection> {
        let CalendarAmended { holidays, workdays, region, .. } = amended;
        check_days(holidays, workdays)?;
        let mut days = holidays.iter().chain(workdays).peekable();
        if days.peek().is_none() {
            return Err(CalendarRejection::NothingAmended);
        }
        if let Some(day) = days.find(|day| !self.covers(**day)) {
            return Err(CalendarRejection::YearNotPublished(day.year()));
        }
        let off = holidays.iter().all(|day| !self.is_working(*day, region.as_ref()));
        let worked = workdays.iter().all(|day| self.is_working(*day, region.as_ref()));
        if off && worked {
            return Ok(vec![]);
        }
        Ok(vec![amended.clone().into()])
    }
}

impl Decider for WorkingCalendar {
    type Command = CalendarCommand;
    type Event = CalendarEvent;
    type Rejection = CalendarRejection;

    fn decide(
        &self,
        command: &CalendarCommand,
        _context: &Context<'_>,
    ) -> Result<Vec<CalendarEvent>, CalendarRejection> {
        let (CalendarCommand::Publish { notice, .. } | CalendarCommand::Amend { notice, .. }) = command;
        if notice.trim().is_empty() {
            return Err(CalendarRejection::NoticeWithoutTitle);
        }
        match command.clone() {
            CalendarCommand::Publish { year, holidays, workdays, notice, published_on } => {
                self.publish(&CalendarPublished { year, holidays, workdays, notice, published_on })
            }
            CalendarCommand::Amend { holidays, workdays, region, notice, published_on } => {
                self.amend(&CalendarAmended { holidays, workdays, region, notice, published_on })
            }
        }
    }

    fn evolve(&mut self, event: &CalendarEvent) {
        let version = self.next_version();
        let notice = match event.clone() {
            CalendarEvent::CalendarPublished(CalendarPublished { year, holidays, workdays, notice, published_on }) => {
                Notice { version, year: Some(year), region: None, holidays, workdays, notice, published_on }
            }
            CalendarEvent::CalendarAmended(CalendarAmended { holidays, workdays, region, notice, published_on }) => {
                Notice { version, year: None, region, holidays, workdays, notice, published_on }
            }
        };
        self.take_in(notice);
    }
}
