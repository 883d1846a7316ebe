//! How a case came out: what is told of every case that would have come out otherwise, and how many were late.

use chrono::NaiveDate;
use domain::case::{Case, Phase};
use domain::clock::{Deadline, Light};
use domain::event::case::{AcceptanceKind, Anomaly, ClosingKind};
use domain::ids::OrganisationId;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How a case stands to one of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// There is none.
    NoLimit,
    /// Its clock stopped in time.
    InTime,
    /// Its clock stopped too late.
    Late,
    /// It runs, and there is time left.
    Running,
    /// It runs, and the time is over.
    Overdue,
}

/// How a case came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// 办理状态.
    pub phase: Phase,
    /// How it was accepted.
    pub accepted: Option<AcceptanceKind>,
    /// 受理之日.
    pub accepted_on: Option<NaiveDate>,
    /// Where it is decided.
    pub deciding: Option<OrganisationId>,
    /// The last day under the promise.
    pub promised_by: Option<NaiveDate>,
    /// The last day under the law.
    pub legal_by: Option<NaiveDate>,
    /// How it ended.
    pub closing: Option<ClosingKind>,
    /// When.
    pub closed_on: Option<NaiveDate>,
    /// Working days, pauses left out.
    pub working_days: Option<u16>,
    /// The promise.
    pub promise: Kept,
    /// The law.
    pub law: Kept,
    /// At which step the promise was broken: the one that was open on the first day too late, `waiting:` before the one
    /// waited for, `decided` after the decision.
    pub late_at: Option<String>,
    /// 灯, while it is under way.
    pub light: Option<Light>,
    /// What is marked.
    pub marks: BTreeSet<Anomaly>,
}

impl Outcome {
    pub(super) fn of(case: &Case, today: NaiveDate) -> Self {
        let open = case.phase.is_open();
        let closing = case.closing.as_ref();
        let date = |deadline: &Option<Deadline>| deadline.as_ref().map(|deadline| deadline.date);
        let promised_by = closing.map_or_else(|| date(&case.clocks.promised), |closing| closing.promised_by);
        let legal_by = closing.map_or_else(|| date(&case.clocks.legal), |closing| closing.legal_by);
        let decided_on = case.decided_on();
        let stops_promise = case.decision.as_ref().is_some_and(|decision| decision.stops_promise);
        let promise_stopped = closing.map(|closing| closing.promise_stopped_on);
        let promise_stopped = promise_stopped.or(decided_on.filter(|_| stops_promise));
        let law_stopped = decided_on.or(closing.map(|closing| closing.closed_on));
        let light = open.then(|| case.light(today));
        let running = case.running_clocks();
        let pauses = case.pauses();
        let still = |deadline: Option<&Deadline>, since: Option<NaiveDate>| {
            // A clock that stands still is looked at as of the day before it was stopped.
            deadline.is_some_and(|deadline| deadline.is_over(since.and_then(|day| day.pred_opt()).unwrap_or(today)))
        };
        let promise = kept(promised_by, promise_stopped, still(running.promised.as_ref(), pauses.promised));
        let late_at = promised_by.filter(|_| matches!(promise, Kept::Late | Kept::Overdue)).map(|by| late_at(case, by));
        Self {
            phase: case.phase,
            accepted: case.acceptance.as_ref().map(|acceptance| acceptance.kind),
            accepted_on: case.accepted_on(),
            deciding: case
                .decision
                .as_ref()
                .map(|decision| &decision.organisation)
                .or_else(|| case.application.as_ref().map(|application| &application.deciding))
                .cloned(),
            promised_by,
            legal_by,
            closing: closing.map(|closing| closing.kind),
            closed_on: closing.map(|closing| closing.closed_on),
            working_days: closing.and_then(|closing| closing.working_days),
            promise,
            law: kept(legal_by, law_stopped, still(running.legal.as_ref(), pauses.legal)),
            late_at,
            light,
            marks: case.anomalies.clone(),
        }
    }
}

fn kept(by: Option<NaiveDate>, stopped_on: Option<NaiveDate>, is_over: bool) -> Kept {
    match (by, stopped_on) {
        (None, _) => Kept::NoLimit,
        (Some(by), Some(stopped_on)) if stopped_on <= by => Kept::InTime,
        (Some(_), Some(_)) => Kept::Late,
        (Some(_), None) if is_over => Kept::Overdue,
        (Some(_), None) => Kept::Running,
    }
}

/// What was going on on the first day too late.
fn late_at(case: &Case, by: NaiveDate) -> String {
    let day = by.succ_opt().unwrap_or(by);
    if case.decided_on().is_some_and(|decided_on| decided_on < day) {
        return "decided".to_owned();
    }
    let was_open = |step: &&domain::case::Step| {
        let ended_on = step.done.as_ref().map(|done| done.on.unwrap_or(step.started_on));
        step.started_on <= day && ended_on.is_none_or(|ended_on| day <= ended_on)
    };
    if let Some(step) = case.steps.iter().rev().find(was_open) {
        return step.code.to_string();
    }
    let next = case.steps.iter().find(|step| day < step.started_on).map(|step| &step.code);
    let planned = case.acceptance.as_ref().map_or(&[][..], |acceptance| &acceptance.steps);
    let next = next.or_else(|| planned.iter().find(|step| !case.passed.contains(*step)));
    next.map_or_else(|| "waiting".to_owned(), |step| format!("waiting:{step}"))
}

/// How the cases came out, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Cases.
    pub cases: u64,
    /// Under way.
    pub open: u64,
    /// 视为受理.
    pub deemed: u64,
    /// By how they stand to the promise.
    pub promise: BTreeMap<Kept, u64>,
    /// By how they stand to the law.
    pub law: BTreeMap<Kept, u64>,
    /// Of those that broke the promise, at which step.
    pub late_at: BTreeMap<String, u64>,
}

impl Outcomes {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.cases += 1;
        self.open += u64::from(outcome.phase.is_open());
        self.deemed += u64::from(outcome.accepted == Some(AcceptanceKind::Deemed));
        *self.promise.entry(outcome.promise).or_default() += 1;
        *self.law.entry(outcome.law).or_default() += 1;
        if let Some(step) = &outcome.late_at {
            *self.late_at.entry(step.clone()).or_default() += 1;
        }
    }
}
