//! Questions to the figures of halls.

use super::figures::{Count, Figures, Seconds, Sums};
use super::{Cell, Halls, QUARTER_MINUTES, quarter_of, quarters};
use crate::gather::{Gathered, Slots, month_slot, month_text, name_slot, name_text};
use crate::scope::{Period, Subtree};
use crate::tally::Rate;
use chrono::{Datelike as _, NaiveDate};
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
        let mut groups = Groups::new(self, query);
        let to = query.period.to.max(query.period.from);
        for (day, cells) in self.cells.range(query.period.from..to) {
            let slots = groups.slots_of(*day);
            for (cell, figures) in cells.0.iter().filter(|(cell, _)| within.contains(cell.hall)) {
                groups.add(slots, cell, figures);
            }
        }
        groups.add_running(&within, organisations, at);
        groups.answer()
    }
}

/// Day, month, hall, window and quarter of an hour, as far as they are asked for.
type HallSlots = Slots<5>;

struct Groups<'a> {
    state: &'a Halls,
    period: Period,
    wants: Asked,
    groups: Gathered<5, Sums>,
    /// By quarter of an hour.
    arrivals: [i64; u8::MAX as usize + 1],
}

/// By what groups are told apart.
#[derive(Clone, Copy)]
struct Asked {
    day: bool,
    month: bool,
    hall: bool,
    window: bool,
    quarter: bool,
}

impl<'a> Groups<'a> {
    fn new(state: &'a Halls, query: &HallsQuery) -> Self {
        let wants = |dimension| query.group_by.contains(&dimension);
        let window = wants(HallDimension::Window);
        let wants = Asked {
            day: wants(HallDimension::Day),
            month: wants(HallDimension::Month),
            // A window's number means nothing without its hall.
            hall: window || wants(HallDimension::Org),
            window,
            quarter: wants(HallDimension::Quarter),
        };
        Self { state, period: query.period, wants, groups: Gathered::default(), arrivals: [0; u8::MAX as usize + 1] }
    }

    /// Returns the slots that everything of a day shares.
    fn slots_of(&self, day: NaiveDate) -> HallSlots {
        let mut slots = HallSlots::default();
        // Days since the beginning of the common era: a history has none before it.
        slots[0] = if self.wants.day { u32::try_from(day.num_days_from_ce()).unwrap_or(0) } else { 0 };
        slots[1] = if self.wants.month { month_slot(day) } else { 0 };
        slots
    }

    fn add(&mut self, mut slots: HallSlots, cell: &Cell, figures: &Figures) {
        slots[2] = if self.wants.hall { cell.hall.number() } else { 0 };
        slots[3] = if self.wants.window { name_slot(cell.window) } else { 0 };
        slots[4] = if self.wants.quarter { u32::from(cell.quarter) } else { 0 };
        self.groups.group(slots).add(figures);
        self.arrivals[usize::from(cell.quarter)] += figures.of(Count::Issued);
    }

    /// Windows that somebody sits at have been open, and busy, until now.
    fn add_running(&mut self, within: &Subtree, organisations: &Organisations, at: Instant) {
        let state = self.state;
        let period = self.period;
        for (day, queue) in state.days.iter().filter(|(day, _)| period.contains(day.day)) {
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
                        self.add(self.slots_of(day.day), &Cell { hall, window, quarter: quarter_of(moment) }, &figures);
                    }
                }
            }
        }
    }

    fn answer(self) -> HallsAnswer {
        let mut total = Sums::default();
        let mut rows = Vec::new();
        for (slots, sums) in self.groups.iter() {
            total.merge(sums);
            rows.push((*slots, sums.row(self.key(slots))));
        }
        // A hall and a window come in the order in which they first appeared.
        rows.sort_by_key(|(slots, _)| *slots);
        // Of several, the earliest.
        let quarters = (0..=u8::MAX).zip(self.arrivals);
        let peak = quarters.max_by_key(|(quarter, arrivals)| (*arrivals, std::cmp::Reverse(*quarter)));
        let peak = peak.filter(|(_, arrivals)| 0 < *arrivals);
        let peak = peak.map(|(quarter, arrivals)| Peak { quarter: clock(quarter), arrivals });
        HallsAnswer { rows: rows.into_iter().map(|(_, row)| row).collect(), total: total.row(HallKey::new()), peak }
    }

    fn key(&self, [day, month, hall, window, quarter]: &HallSlots) -> HallKey {
        let (state, wants) = (self.state, self.wants);
        let mut key = HallKey::new();
        let mut put = |wanted: bool, dimension, text: &dyn Fn() -> Option<String>| {
            if wanted {
                key.insert(dimension, text());
            }
        };
        let day = || i32::try_from(*day).ok().and_then(NaiveDate::from_num_days_from_ce_opt);
        put(wants.day, HallDimension::Day, &|| day().map(|day| day.to_string()));
        put(wants.month, HallDimension::Month, &|| month_text(*month));
        put(wants.hall, HallDimension::Org, &|| name_text(&state.organisations, *hall));
        put(wants.window, HallDimension::Window, &|| name_text(&state.windows, *window));
        put(wants.quarter, HallDimension::Quarter, &|| u8::try_from(*quarter).ok().map(clock));
        key
    }
}

fn clock(quarter: u8) -> String {
    let minutes = u32::from(quarter) * QUARTER_MINUTES;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
