//! The figures of one group, gathered cell by cell.

use super::query::{Compression, Dimension, ProcessingTimesRow};
use super::{Ended, Kept};
use crate::tally::{DayCounts, Rate, as_real};
use domain::event::case::ClosingKind;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Figures {
    pub(super) n: i64,
    closings: BTreeMap<ClosingKind, i64>,
    promise: Keeping,
    law: Keeping,
    pub(super) working_days: DayCounts,
    gross_days: DayCounts,
    acceptance_lag_days: DayCounts,
    same_day: i64,
    both_limits: i64,
    promised_days: i64,
    legal_days: i64,
    pub(super) open_overdue: i64,
    pub(super) open_overdue_statutory: i64,
    recorded_late: i64,
    pub(super) forwarded_days: DayCounts,
    pub(super) decided_leg_days: DayCounts,
    cross_township: i64,
    pub(super) delegated: i64,
    pub(super) delegated_decided: i64,
    pub(super) steps: i64,
    pub(super) steps_within_budget: i64,
}

#[derive(Default)]
struct Keeping {
    with_limit: i64,
    done: i64,
    recorded: i64,
}

impl Keeping {
    fn count(&mut self, kept: Kept, count: i64) {
        let (with_limit, done, recorded) = match kept {
            Kept::NoLimit => (0, 0, 0),
            Kept::Recorded => (count, count, count),
            Kept::Done => (count, count, 0),
            Kept::No => (count, 0, 0),
        };
        self.merge(&Self { with_limit, done, recorded });
    }

    fn merge(&mut self, other: &Self) {
        self.with_limit += other.with_limit;
        self.done += other.done;
        self.recorded += other.recorded;
    }
}

impl Figures {
    pub(super) fn count_ending(&mut self, ended: &Ended, count: i64) {
        self.n += count;
        *self.closings.entry(ended.kind).or_default() += count;
        self.promise.count(ended.promise, count);
        self.law.count(ended.law, count);
        if let Some(days) = ended.working_days {
            self.working_days.add(days, count);
        }
        self.gross_days.add(ended.gross_days, count);
        if let Some(days) = ended.acceptance_lag_days {
            self.acceptance_lag_days.add(days, count);
        }
        self.same_day += if ended.gross_days == 0 { count } else { 0 };
        if let (Some(promised), Some(legal)) = (ended.promised_days, ended.legal_days) {
            self.both_limits += count;
            self.promised_days += i64::from(promised) * count;
            self.legal_days += i64::from(legal) * count;
        }
        self.recorded_late += if ended.recorded_late { count } else { 0 };
        self.cross_township += if ended.cross_township { count } else { 0 };
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.n += other.n;
        for (kind, count) in &other.closings {
            *self.closings.entry(*kind).or_default() += count;
        }
        self.promise.merge(&other.promise);
        self.law.merge(&other.law);
        self.working_days.merge(&other.working_days);
        self.gross_days.merge(&other.gross_days);
        self.acceptance_lag_days.merge(&other.acceptance_lag_days);
        self.same_day += other.same_day;
        self.both_limits += other.both_limits;
        self.promised_days += other.promised_days;
        self.legal_days += other.legal_days;
        self.open_overdue += other.open_overdue;
        self.open_overdue_statutory += other.open_overdue_statutory;
        self.recorded_late += other.recorded_late;
        self.forwarded_days.merge(&other.forwarded_days);
        self.decided_leg_days.merge(&other.decided_leg_days);
        self.cross_township += other.cross_township;
        self.delegated += other.delegated;
        self.delegated_decided += other.delegated_decided;
        self.steps += other.steps;
        self.steps_within_budget += other.steps_within_budget;
    }

    pub(super) fn row(&self, key: BTreeMap<Dimension, Option<String>>) -> ProcessingTimesRow {
        let ended = self.closings.values().sum();
        ProcessingTimesRow {
            key,
            n: self.n,
            closings: self.closings.clone(),
            on_time_promised: Rate::of(self.promise.done, self.promise.with_limit),
            on_time_statutory: Rate::of(self.law.done, self.law.with_limit),
            on_time_promised_recorded: Rate::of(self.promise.recorded, self.promise.with_limit),
            on_time_statutory_recorded: Rate::of(self.law.recorded, self.law.with_limit),
            working_days: self.working_days.distribution(),
            gross_days: self.gross_days.distribution(),
            acceptance_lag_days: self.acceptance_lag_days.distribution(),
            same_day: Rate::of(self.same_day, ended),
            compression: self.compression(),
            open_overdue: self.open_overdue,
            open_overdue_statutory: self.open_overdue_statutory,
            recorded_late: self.recorded_late,
            forwarded_days: self.forwarded_days.distribution(),
            decided_leg_days: self.decided_leg_days.distribution(),
            cross_township: Rate::of(self.cross_township, ended),
            delegated_decided: Rate::of(self.delegated_decided, self.delegated),
            within_budget: Rate::of(self.steps_within_budget, self.steps),
        }
    }

    fn compression(&self) -> Compression {
        let rate = (0 < self.legal_days).then(|| 1.0 - as_real(self.promised_days) / as_real(self.legal_days));
        Compression { n: self.both_limits, promised_days: self.promised_days, statutory_days: self.legal_days, rate }
    }
}
