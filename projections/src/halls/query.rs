//! Questions to the figures of halls.

use super::figures::{Count, Figures, Seconds, Sums};
use super::{Cell, Halls, QUARTER_MINUTES, quarter_of, quarters};
use crate::names::Code;
use crate::scope::{Month, Period, Subtree};
use crate::tally::Rate;
use chrono::NaiveDate;
use domain::ids::OrganisationId;
use domain::organisation::Organisations;
use domain::zone::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By what figures of halls are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HallDimension {
    /// The hall.
    Org,
    /// The window; what happened at none stands under none.
    Window,
    /// The quarter of an hour.
    Quarter,
    /// The day.
    Day,
    /// The month.
    Month,
}

/// Which figures are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HallsQuery {
    /// Which days.
    pub period: Period,
    /// By what they are told apart.
    pub group_by: Vec<HallDimension>,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
}

/// What tells a row from the others.
pub type HallKey = BTreeMap<HallDimension, Option<String>>;

/// 等候时长: how long people waited for their first call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitFigures {
    /// How many were called.
    pub n: i64,
    /// On average.
    pub mean_minutes: Option<f64>,
    /// At most.
    pub max_minutes: Option<f64>,
    /// How many waited no longer than so many minutes.
    pub within_minutes: BTreeMap<u32, Rate>,
}

/// How long something took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeFigures {
    /// How many there were.
    pub n: i64,
    /// On average.
    pub mean_minutes: Option<f64>,
}

/// What became of appointments, at their slots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppointmentFigures {
    /// Booked.
    pub booked: i64,
    /// 履约.
    pub kept: i64,
    /// 爽约.
    pub missed: i64,
    /// 取消.
    pub cancelled: i64,
    /// 改约.
    pub moved: i64,
    /// Kept ÷ kept or missed.
    pub kept_rate: Rate,
}

/// One group's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HallsRow {
    /// Which group.
    pub key: HallKey,
    /// Tickets given: arrivals.
    pub issued: i64,
    /// Of these, by appointment.
    pub by_appointment: i64,
    /// Of these, going ahead.
    pub priority: i64,
    /// Visits finished.
    pub finished: i64,
    /// 过号.
    pub missed: i64,
    /// 过号率: missed ÷ issued.
    pub missed_rate: Rate,
    /// 弃号, at the day's end too.
    pub abandoned: i64,
    /// Of these, still open when the day ended.
    pub given_up_at_day_end: i64,
    /// 弃号率: abandoned ÷ issued.
    pub abandoned_rate: Rate,
    /// 挂起.
    pub parked: i64,
    /// 转号.
    pub transferred: i64,
    /// Links from tickets to cases.
    pub linked_cases: i64,
    /// Visits finished after hours 延时.
    pub after_hours: i64,
    /// Visits finished on rest days 365天.
    pub rest_day: i64,
    /// Warnings raised.
    pub warnings: i64,
    /// 等候时长.
    pub wait: WaitFigures,
    /// From the call to the window.
    pub way: TimeFigures,
    /// 办理时长: from the call to the end of the visit.
    pub serve: TimeFigures,
    /// All of it.
    pub serve_seconds: i64,
    /// Windows were open for so long.
    pub open_seconds: i64,
    /// Of this, nobody was served or awaited.
    pub idle_seconds: i64,
    /// 窗口饱和度: serving ÷ open.
    pub saturation: Rate,
    /// 预约.
    pub appointments: AppointmentFigures,
}

/// 高峰: the quarter of an hour in which most people came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// It begins, such as `09:15`.
    pub quarter: String,
    /// How many came in it, over all days asked for.
    pub arrivals: i64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HallsAnswer {
    /// The groups, in the order of their keys.
    pub rows: Vec<HallsRow>,
    /// All of them together.
    pub total: HallsRow,
    /// When most came; nothing where nobody did.
    pub peak: Option<Peak>,
}

impl Halls {
    /// Answers a question. Windows that are open count until `at`.
    #[must_use]
    pub fn answer(&self, query: &HallsQuery, organisations: &Organisations, at: Instant) -> HallsAnswer {
        let within = Subtree::of(query.organisation.as_ref(), organisations, &self.organisations);
        let mut groups = Groups { state: self, query, groups: BTreeMap::new(), arrivals: BTreeMap::new() };
        let to = query.period.to.max(query.period.from);
        for (day, cells) in self.cells.range(query.period.from..to) {
            for (cell, figures) in cells.0.iter().filter(|(cell, _)| within.contains(cell.hall)) {
                groups.add(*day, cell, figures);
            }
        }
        groups.add_running(&within, organisations, at);
        groups.answer()
    }
}

/// Day, month, hall, window and quarter of an hour, as far as they are asked for; a window may be none.
type GroupKey = (Option<NaiveDate>, Option<Month>, Option<Code>, Option<Option<Code>>, Option<u8>);

struct Groups<'a> {
    state: &'a Halls,
    query: &'a HallsQuery,
    groups: BTreeMap<GroupKey, Sums>,
    arrivals: BTreeMap<u8, i64>,
}

impl Groups<'_> {
    fn add(&mut self, day: NaiveDate, cell: &Cell, figures: &Figures) {
        let wants = |dimension| self.query.group_by.contains(&dimension);
        // A window's number means nothing without its hall.
        let by_hall = wants(HallDimension::Org) || wants(HallDimension::Window);
        let key = (
            wants(HallDimension::Day).then_some(day),
            wants(HallDimension::Month).then(|| Month::of(day)),
            by_hall.then_some(cell.hall),
            wants(HallDimension::Window).then_some(cell.window),
            wants(HallDimension::Quarter).then_some(cell.quarter),
        );
        self.groups.entry(key).or_default().add(figures);
        let mut arrived = Sums::default();
        arrived.add(figures);
        *self.arrivals.entry(cell.quarter).or_default() += arrived.of(Count::Issued);
    }

    /// Windows that somebody sits at have been open, and busy, until now.
    fn add_running(&mut self, within: &Subtree, organisations: &Organisations, at: Instant) {
        let state = self.state;
        for (day, queue) in state.days.iter().filter(|(day, _)| self.query.period.contains(day.day)) {
            let Some(hall) = state.organisations.find(&day.hall).filter(|hall| within.contains(*hall)) else {
                continue;
            };
            for (window, open) in &queue.windows {
                let called = open.ticket.and_then(|number| queue.tickets.get(&number)?.called_at);
                let window = state.windows.find(window);
                let spans = [(Seconds::Open, Some(open.since)), (Seconds::Serve, called)];
                for (what, since) in spans.into_iter().filter_map(|(what, since)| Some((what, since?))) {
                    // Whoever forgot to leave is there no longer than the day lasts.
                    let until = at.min(organisations.end_of(day));
                    let length = u32::try_from((until - since).num_seconds()).unwrap_or(0);
                    for (moment, seconds) in quarters(until, length) {
                        let mut figures = Figures::default();
                        figures.sum(what, seconds);
                        self.add(day.day, &Cell { hall, window, quarter: quarter_of(moment) }, &figures);
                    }
                }
            }
        }
    }

    fn answer(self) -> HallsAnswer {
        let mut total = Sums::default();
        self.groups.values().for_each(|sums| total.merge(sums));
        let texts = self.state;
        let rows = self.groups.iter().map(|((day, month, hall, window, quarter), sums)| {
            let mut key = HallKey::new();
            let mut put = |dimension, text: Option<String>| _ = key.insert(dimension, text);
            if let Some(day) = day {
                put(HallDimension::Day, Some(day.to_string()));
            }
            if let Some(month) = month {
                put(HallDimension::Month, Some(month.to_string()));
            }
            if let Some(hall) = hall {
                put(HallDimension::Org, texts.organisations.name(*hall).map(ToString::to_string));
            }
            if let Some(window) = window {
                put(HallDimension::Window, window.and_then(|code| texts.windows.name(code)).map(ToString::to_string));
            }
            if let Some(quarter) = quarter {
                put(HallDimension::Quarter, Some(clock(*quarter)));
            }
            sums.row(key)
        });
        let rows = rows.collect();
        // Of several, the earliest.
        let peak = self.arrivals.iter().max_by_key(|(quarter, arrivals)| (**arrivals, std::cmp::Reverse(**quarter)));
        let peak = peak.filter(|(_, arrivals)| 0 < **arrivals);
        let peak = peak.map(|(quarter, arrivals)| Peak { quarter: clock(*quarter), arrivals: *arrivals });
        HallsAnswer { rows, total: total.row(HallKey::new()), peak }
    }
}

fn clock(quarter: u8) -> String {
    let minutes = u32::from(quarter) * QUARTER_MINUTES;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
