//! The figures of one group, gathered cell by cell.

use super::publication::BadCases;
use super::query::{Key, LevelCounts, SatisfactionDimension, SatisfactionRow, Score, stage_text};
use super::{Order, Rating};
use crate::tally::{Rate, as_real};
use domain::event::item::RatingStage;
use domain::event::rating::{CallBackResult, RatingOrigin, Satisfaction as Level, Verdict};
use std::collections::BTreeMap;

impl Order {
    pub(super) fn is_true(&self) -> bool {
        self.verdict == Some(Verdict::True)
    }

    /// Bad as far as anybody knows: not verified yet, or verified as true.
    fn stands(&self) -> bool {
        match self.verdict {
            None | Some(Verdict::True) => true,
            Some(Verdict::Mistaken | Verdict::Malicious | Verdict::OutOfScope) => false,
        }
    }
}

/// Services, and how many of them were rated by somebody.
#[derive(Clone, Copy, Default)]
pub(super) struct Coverage {
    pub(super) services: i64,
    pub(super) immature: i64,
    rated: i64,
}

/// What became of an order: the verdict; rectified in time; answered in time; called back.
type Became = (Option<Verdict>, Option<bool>, Option<bool>, Option<CallBackResult>);

#[derive(Default)]
pub(super) struct Figures {
    /// Of cases that ended.
    finish: Coverage,
    /// Of acceptances: never added to the endings, for a case is one service.
    accept: Coverage,
    levels: BTreeMap<Level, LevelCounts>,
    not_adopted: i64,
    score: i64,
    orders: i64,
    true_bad: i64,
    pub(super) true_not_due: i64,
    rectified: i64,
    rectified_in_time: i64,
    replied: i64,
    replied_in_time: i64,
    /// Orders whose answer is not due yet, and not given.
    pub(super) reply_not_due: i64,
    real_name: i64,
    reached: i64,
    satisfied: i64,
    /// Orders by what became of them.
    bad_cases: BTreeMap<Became, i64>,
}

impl Coverage {
    fn merge(&mut self, other: Self) {
        self.services += other.services;
        self.immature += other.immature;
        self.rated += other.rated;
    }
}

impl Figures {
    pub(super) fn count_rating(&mut self, rating: &Rating, count: i64) {
        if !rating.adopted {
            self.not_adopted += count;
            return;
        }
        let level = self.levels.entry(rating.level).or_default();
        match rating.origin {
            RatingOrigin::Active => level.active += count,
            RatingOrigin::Default => level.default += count,
        }
        if rating.of_service && rating.origin == RatingOrigin::Active {
            self.coverage(rating.stage).rated += count;
        }
        self.score += i64::from(rating.score) * count;
    }

    pub(super) fn count_order(&mut self, order: &Order, count: i64) {
        let when = |holds: bool| if holds { count } else { 0 };
        self.orders += count;
        let became = (order.verdict, order.rectified_in_time, order.replied_in_time, order.reached);
        *self.bad_cases.entry(became).or_default() += when(order.stands());
        self.true_bad += when(order.is_true());
        self.rectified += when(order.is_true() && order.rectified_in_time.is_some());
        self.rectified_in_time += when(order.is_true() && order.rectified_in_time == Some(true));
        self.replied += when(order.replied_in_time.is_some());
        self.replied_in_time += when(order.replied_in_time == Some(true));
        let must_be_called = order.real_name && order.stands();
        self.real_name += when(must_be_called);
        self.reached += when(must_be_called && order.reached.is_some());
        let satisfied = matches!(order.reached, Some(CallBackResult::Satisfied | CallBackResult::Fair));
        self.satisfied += when(must_be_called && satisfied);
    }

    pub(super) fn coverage(&mut self, stage: RatingStage) -> &mut Coverage {
        match stage {
            RatingStage::Accept => &mut self.accept,
            RatingStage::Finish => &mut self.finish,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.finish.merge(other.finish);
        self.accept.merge(other.accept);
        for (level, counts) in &other.levels {
            let mine = self.levels.entry(*level).or_default();
            mine.active += counts.active;
            mine.default += counts.default;
        }
        self.not_adopted += other.not_adopted;
        self.score += other.score;
        self.orders += other.orders;
        self.true_bad += other.true_bad;
        self.true_not_due += other.true_not_due;
        self.rectified += other.rectified;
        self.rectified_in_time += other.rectified_in_time;
        self.replied += other.replied;
        self.replied_in_time += other.replied_in_time;
        self.reply_not_due += other.reply_not_due;
        self.real_name += other.real_name;
        self.reached += other.reached;
        self.satisfied += other.satisfied;
        for (became, count) in &other.bad_cases {
            *self.bad_cases.entry(*became).or_default() += count;
        }
    }

    fn count(&self, wanted: impl Fn(Level) -> bool, of: impl Fn(&LevelCounts) -> i64) -> i64 {
        self.levels.iter().filter(|(level, _)| wanted(**level)).map(|(_, counts)| of(counts)).sum()
    }

    /// Adopted ratings.
    pub(super) fn ratings(&self) -> i64 {
        self.count(|_| true, |counts| counts.active + counts.default)
    }

    /// Kinds of bad cases that stand, with what became of them.
    pub(super) fn bad_cases(&self) -> Vec<BadCases> {
        let kinds = self.bad_cases.iter().filter(|(_, count)| **count != 0);
        kinds
            .map(|((verdict, rectified_in_time, replied_in_time, call_back), count)| BadCases {
                verdict: *verdict,
                rectified_in_time: *rectified_in_time,
                replied_in_time: *replied_in_time,
                call_back: *call_back,
                count: *count,
            })
            .collect()
    }

    pub(super) fn row(&self, key: Key, over_services: bool, small_cell: i64) -> SatisfactionRow {
        let all = |counts: &LevelCounts| counts.active + counts.default;
        let active = |counts: &LevelCounts| counts.active;
        let good = |level: Level| !level.is_bad();
        let ratings = self.count(|_| true, all);
        let accept = Some(stage_text(RatingStage::Accept).to_owned());
        let is_of_acceptance = key.get(&SatisfactionDimension::Stage) == Some(&accept);
        let Coverage { services, immature, rated } = if is_of_acceptance { self.accept } else { self.finish };
        SatisfactionRow {
            key,
            services: over_services.then_some(services),
            immature: over_services.then_some(immature),
            ratings,
            not_adopted: self.not_adopted,
            levels: Level::ALL.map(|level| (level, self.levels.get(&level).copied().unwrap_or_default())).into(),
            good_rate: Rate::of(self.count(good, all), ratings),
            bad_rate: Rate::of(self.count(Level::is_bad, all), ratings),
            active_rate: over_services.then(|| Rate::of(rated, services)),
            active_good_rate: Rate::of(self.count(good, active), self.count(|_| true, active)),
            unrated_rate: over_services.then(|| Rate::of((services - rated).max(0), services)),
            score: Score {
                sum: self.score,
                n: ratings,
                mean: (0 < ratings).then(|| as_real(self.score) / as_real(ratings)),
            },
            orders: self.orders,
            rectification_rate: Rate::of(self.rectified, self.true_bad),
            rectification_in_time_rate: Rate::of(self.rectified_in_time, self.true_bad - self.true_not_due),
            reply_rate: Rate::of(self.replied, self.orders - self.reply_not_due),
            reply_in_time_rate: Rate::of(self.replied_in_time, self.orders - self.reply_not_due),
            call_back_rate: Rate::of(self.reached, self.real_name),
            call_back_satisfied_rate: Rate::of(self.satisfied, self.reached),
            small_cell: ratings < small_cell,
        }
    }
}
