//! Which windows show signs in a period, by the thresholds of the policy, each with its evidence.

use super::{Place, RatingSigns, What};
use crate::scope::{Month, Period, Source, Subtree};
use crate::tally::Rate;
use chrono::{Datelike, Days, NaiveDate, Weekday};
use domain::event::policy::SignRules;
use domain::event::rating::{RaterKind, RatingChannel, Satisfaction as Level};
use domain::ids::{OrganisationId, WindowId};
use domain::reference::Reference;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Repetitions told of one window; the most frequent come first.
const EVIDENCE_MAX: usize = 20;

/// A question. A rating lies in the period by the day it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignsQuery {
    /// Which days.
    pub period: Period,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Whose histories.
    pub source: Source,
}

/// What makes ratings look farmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignKind {
    /// One device gave many on a day; the hall's own devices do not count.
    SameDevice,
    /// One network, likewise.
    SameNetwork,
    /// One person, likewise.
    SamePerson,
    /// The same words many times in a month at one hall.
    SameWords,
    /// Given within seconds of the end of the service.
    TooFast,
    /// Nearly all given within half a minute.
    QuickInARow,
    /// By somebody who works here.
    ByStaff,
    /// By the applicant's agent.
    ByAgent,
    /// Most of a month's came on its last days.
    MonthEnd,
    /// Far more 非常满意 in the week after one with a bad rating.
    JumpAfterBad,
    /// Nearly all by the hall's tablets, none by text message.
    TabletsOnly,
}

/// What a sign rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// On which day, or in the month or week that begins then.
    pub on: NaiveDate,
    /// How often.
    pub times: i64,
    /// The beginning of the keyed digest, where it is a device, a network or words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// The share that it was, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Rate>,
}

/// One sign at one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sign {
    /// Which.
    pub sign: SignKind,
    /// The ratings it is about.
    pub ratings: i64,
    /// The policy's threshold.
    pub threshold: i64,
    /// What it rests on, the strongest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// A window with signs; of words, a hall.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignsRow {
    /// The hall.
    pub organisation: OrganisationId,
    /// The window; absent for the hall as a whole, and for ratings that name none.
    pub window: Option<WindowId>,
    /// Ratings given.
    pub ratings: i64,
    /// What there is to look at.
    pub signs: Vec<Sign>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignsAnswer {
    /// The policy version whose thresholds these are.
    pub policy: u32,
    /// Windows with signs, most signs first.
    pub rows: Vec<SignsRow>,
}

/// What one window's ratings amount to.
#[derive(Default)]
struct Window {
    ratings: i64,
    timed: i64,
    too_fast: i64,
    quick: i64,
    by_staff: i64,
    by_agent: i64,
    tablets: i64,
    sms: i64,
    months: BTreeMap<Month, (i64, i64)>,
    weeks: BTreeMap<NaiveDate, Week>,
}

#[derive(Default, Clone, Copy)]
struct Week {
    ratings: i64,
    best: i64,
    bad: i64,
}

impl Week {
    /// Percent points of 非常满意.
    fn best_percent(self) -> i64 {
        if self.ratings == 0 { 0 } else { 100 * self.best / self.ratings }
    }
}

impl RatingSigns {
    /// Answers a question, by the policy of the last day of the period.
    #[must_use]
    pub fn answer(&self, query: &SignsQuery, reference: &Reference) -> SignsAnswer {
        let last = query.period.to.pred_opt().unwrap_or(query.period.from);
        let policy = reference.policies.at(last);
        let rules = &policy.rules.rating_signs;
        let within = Subtree::of(query.organisation.as_ref(), &reference.organisations, &self.organisations);
        let wants = |place: &Place| {
            within.contains(place.organisation)
                && self.sources.name(place.source).is_some_and(|source| query.source.contains(source))
        };
        let mut windows: BTreeMap<Place, Window> = BTreeMap::new();
        for (day, given, count) in self.given.within(query.period).filter(|(_, given, _)| wants(&given.place)) {
            let window = windows.entry(given.place).or_default();
            let when = |holds: bool| if holds { count } else { 0 };
            let within = |seconds: u16| given.seconds.is_some_and(|known| known < seconds);
            window.ratings += count;
            window.timed += when(given.timed);
            window.too_fast += when(within(rules.too_fast_seconds));
            window.quick += when(within(rules.quick_seconds.saturating_add(1)));
            window.by_staff += when(given.by == Some(RaterKind::Staff));
            window.by_agent += when(given.by == Some(RaterKind::Agent));
            window.tablets += when(given.channel == RatingChannel::Tablet);
            window.sms += when(given.channel == RatingChannel::Sms);
            let month = window.months.entry(Month::of(day)).or_default();
            month.0 += count;
            month.1 += when(is_month_end(day, rules.month_end_days));
            let week = window.weeks.entry(day.week(Weekday::Mon).first_day()).or_default();
            week.ratings += count;
            week.best += when(given.level == Level::VerySatisfied);
            week.bad += when(given.level.is_bad());
        }
        let mut signs: BTreeMap<Place, Vec<Sign>> = BTreeMap::new();
        for (place, sign) in self.repetitions(query, rules).into_iter().filter(|(place, _)| wants(place)) {
            signs.entry(place).or_default().push(sign);
        }
        for (place, window) in &windows {
            signs.entry(*place).or_default().extend(window.signs(rules));
        }
        let rows = signs.into_iter().filter(|(_, signs)| !signs.is_empty()).filter_map(|(place, signs)| {
            Some(SignsRow {
                organisation: self.organisations.name(place.organisation)?.clone(),
                window: place.window.and_then(|window| self.windows.name(window)).cloned(),
                ratings: windows.get(&place).map_or(0, |window| window.ratings),
                signs,
            })
        });
        let mut rows: Vec<SignsRow> = rows.collect();
        rows.sort_by(|a, b| {
            let by_signs = b.signs.len().cmp(&a.signs.len());
            by_signs.then_with(|| (&a.organisation, &a.window).cmp(&(&b.organisation, &b.window)))
        });
        SignsAnswer { policy: policy.version, rows }
    }

    /// What came too often, by place.
    fn repetitions(&self, query: &SignsQuery, rules: &SignRules) -> Vec<(Place, Sign)> {
        let mut found: BTreeMap<(Place, SignKind), Vec<Evidence>> = BTreeMap::new();
        for (on, repeated, count) in self.repeated.within(query.period) {
            let (sign, threshold) = match repeated.what {
                What::Device => (SignKind::SameDevice, rules.same_source_per_day),
                What::Network => (SignKind::SameNetwork, rules.same_source_per_day),
                What::Person => (SignKind::SamePerson, rules.same_source_per_day),
                What::Words => (SignKind::SameWords, rules.same_text_per_month),
            };
            if repeated.times < threshold {
                continue;
            }
            let evidence = found.entry((repeated.place, sign)).or_default();
            for _ in 0..count {
                let (times, mark) = (i64::from(repeated.times), repeated.mark.clone());
                evidence.push(Evidence { on, times, mark, share: None });
            }
        }
        let sign = |(place, sign): (Place, SignKind), mut evidence: Vec<Evidence>| {
            evidence.sort_by(|a, b| b.times.cmp(&a.times).then(a.on.cmp(&b.on)));
            let ratings = evidence.iter().map(|evidence| evidence.times).sum();
            evidence.truncate(EVIDENCE_MAX);
            let threshold =
                if sign == SignKind::SameWords { rules.same_text_per_month } else { rules.same_source_per_day };
            (place, Sign { sign, ratings, threshold: i64::from(threshold), evidence })
        };
        found.into_iter().map(|(key, evidence)| sign(key, evidence)).collect()
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        let trails: usize = self.days.values().chain(self.months.values()).map(BTreeMap::len).sum();
        self.given.cells() + self.repeated.cells() + trails
    }
}

impl Window {
    fn signs(&self, rules: &SignRules) -> Vec<Sign> {
        let plain = |sign: SignKind, ratings: i64, threshold: i64| {
            (0 < ratings).then_some(Sign { sign, ratings, threshold, evidence: Vec::new() })
        };
        let enough = i64::from(rules.ratings_min);
        let over = |part: i64, whole: i64, percent: u16| enough <= whole && i64::from(percent) * whole < 100 * part;
        let mut signs = Vec::new();
        signs.extend(plain(SignKind::TooFast, self.too_fast, i64::from(rules.too_fast_seconds)));
        if over(self.quick, self.timed, rules.quick_percent) {
            signs.extend(plain(SignKind::QuickInARow, self.quick, i64::from(rules.quick_percent)));
        }
        signs.extend(plain(SignKind::ByStaff, self.by_staff, 0));
        signs.extend(plain(SignKind::ByAgent, self.by_agent, 0));
        let crowded = self.months.iter().filter(|(_, (all, late))| over(*late, *all, rules.month_end_percent));
        let crowded = crowded.map(|(month, (all, late))| Evidence {
            on: month.first_day(),
            times: *late,
            mark: None,
            share: Some(Rate::of(*late, *all)),
        });
        signs.extend(evident(SignKind::MonthEnd, rules.month_end_percent, crowded.collect()));
        signs.extend(evident(SignKind::JumpAfterBad, rules.jump_percent, self.jumps(rules)));
        if self.sms == 0 && over(self.tablets, self.ratings, rules.tablet_percent) {
            signs.extend(plain(SignKind::TabletsOnly, self.tablets, i64::from(rules.tablet_percent)));
        }
        signs
    }

    fn jumps(&self, rules: &SignRules) -> Vec<Evidence> {
        let enough = |week: &Week| i64::from(rules.ratings_min) <= week.ratings;
        let mut jumps = Vec::new();
        for (monday, week) in self.weeks.iter().filter(|(_, week)| 0 < week.bad && enough(week)) {
            let Some(next_monday) = monday.checked_add_days(Days::new(7)) else { continue };
            let Some(next) = self.weeks.get(&next_monday).filter(|week| enough(week)) else { continue };
            if i64::from(rules.jump_percent) < next.best_percent() - week.best_percent() {
                let share = Some(Rate::of(next.best, next.ratings));
                jumps.push(Evidence { on: next_monday, times: next.best, mark: None, share });
            }
        }
        jumps
    }
}

fn evident(sign: SignKind, threshold: u16, evidence: Vec<Evidence>) -> Option<Sign> {
    let ratings = evidence.iter().map(|evidence| evidence.times).sum();
    (!evidence.is_empty()).then_some(Sign { sign, ratings, threshold: i64::from(threshold), evidence })
}

/// One of the last days of its month.
fn is_month_end(day: NaiveDate, days: u16) -> bool {
    let later = day.checked_add_days(Days::new(u64::from(days)));
    later.is_some_and(|later| later.month() != day.month())
}
