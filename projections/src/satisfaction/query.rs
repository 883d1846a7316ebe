//! Questions about satisfaction, and their answers.

use super::{Order, Place, Rating, Satisfaction, Service};
use crate::names::Code;
use crate::scope::{Month, Period, Source, Subtree};
use crate::tally::{Rate, as_real};
use chrono::NaiveDate;
use domain::event::item::RatingStage;
use domain::event::rating::{CallBackResult, RatingChannel, RatingOrigin, Satisfaction as Level, Verdict};
use domain::ids::{ItemId, OrganisationId};
use domain::reference::Reference;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By what figures can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SatisfactionDimension {
    /// The hall that gave the service.
    Org,
    /// The window.
    Window,
    /// The person.
    Staff,
    /// 事项.
    Item,
    /// 评价渠道; services that were not rated have none, so there are no rates over services then.
    Channel,
    /// 评价环节.
    Stage,
    /// The month in which the service ended.
    Month,
}

/// A question. A service lies in the period by the day it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SatisfactionQuery {
    /// Which days.
    pub period: Period,
    /// Told apart by these; all in one row if empty.
    pub group_by: Vec<SatisfactionDimension>,
    /// Only this item.
    pub item: Option<ItemId>,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Whose histories.
    pub source: Source,
}

/// Ratings of one level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelCounts {
    /// 主动评价: given.
    pub active: i64,
    /// 默认评价: supposed.
    pub default: i64,
}

/// 满意度得分: points by the policy under which each rating was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Points, summed.
    pub sum: i64,
    /// Ratings.
    pub n: i64,
    /// Points a rating.
    pub mean: Option<f64>,
}

/// Figures of one group. Ratings not adopted are in none but their own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SatisfactionRow {
    /// What it is the group of, for each dimension asked for; absent where there is no such thing.
    pub key: BTreeMap<SatisfactionDimension, Option<String>>,
    /// Cases that ended, however they did; of the stage 受理 alone, acceptances of items that ask for a rating there.
    /// Absent by channel.
    pub services: Option<i64>,
    /// Of these, those that may still be rated.
    pub immature: Option<i64>,
    /// Adopted ratings.
    pub ratings: i64,
    /// 不予采纳.
    pub not_adopted: i64,
    /// Adopted ratings by level, best first.
    pub levels: BTreeMap<Level, LevelCounts>,
    /// 好评率: 非常满意, 满意, 基本满意 ÷ adopted.
    pub good_rate: Rate,
    /// 差评率: 不满意, 非常不满意 ÷ adopted.
    pub bad_rate: Rate,
    /// 主动评价率: given ratings of these services ÷ services.
    pub active_rate: Option<Rate>,
    /// 主动好评率: good among the given.
    pub active_good_rate: Rate,
    /// 未评率: services without a given rating ÷ services.
    pub unrated_rate: Option<Rate>,
    /// 满意度得分.
    pub score: Score,
    /// 差评工单 opened.
    pub orders: i64,
    /// 整改率: rectified ÷ verified as true.
    pub rectification_rate: Rate,
    /// 按时整改率: rectified in time ÷ verified as true and due.
    pub rectification_in_time_rate: Rate,
    /// 差评回复率: replied ÷ verified as true.
    pub reply_rate: Rate,
    /// 回访率: real-name raters reached ÷ real-name bad ratings not found mistaken, malicious or out of scope.
    pub call_back_rate: Rate,
    /// 回访整改满意率: 满意 or 基本满意 ÷ reached.
    pub call_back_satisfied_rate: Rate,
    /// Fewer ratings than may be published.
    pub small_cell: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SatisfactionAnswer {
    /// The groups, in the order of their keys.
    pub rows: Vec<SatisfactionRow>,
    /// All of them together.
    pub total: SatisfactionRow,
}

type Key = BTreeMap<SatisfactionDimension, Option<String>>;

impl Satisfaction {
    /// Answers a question, as seen on `today`.
    #[must_use]
    pub fn answer(&self, query: &SatisfactionQuery, reference: &Reference, today: NaiveDate) -> SatisfactionAnswer {
        let mut groups = Groups {
            within: Subtree::of(query.organisation.as_ref(), &reference.organisations, &self.texts.organisations),
            state: self,
            query,
            reference,
            today,
            groups: BTreeMap::new(),
        };
        groups.count_services();
        groups.count_ratings();
        groups.count_orders();
        groups.answer()
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.services.cells() + self.ratings.cells() + self.orders.cells() + self.open.len()
    }
}

struct Groups<'a> {
    within: Subtree,
    state: &'a Satisfaction,
    query: &'a SatisfactionQuery,
    reference: &'a Reference,
    today: NaiveDate,
    groups: BTreeMap<Key, Figures>,
}

impl Groups<'_> {
    fn count_services(&mut self) {
        if self.query.group_by.contains(&SatisfactionDimension::Channel) {
            return;
        }
        let state = self.state;
        let mut open_windows: BTreeMap<NaiveDate, bool> = BTreeMap::new();
        let mut asked: BTreeMap<(Option<Code>, u32), bool> = BTreeMap::new();
        for (day, service, count) in state.services.within(self.query.period) {
            if service.stage == RatingStage::Accept {
                let item = (service.place.item, service.item_version);
                if !*asked.entry(item).or_insert_with(|| self.is_rated_at_acceptance(service)) {
                    continue;
                }
            }
            let immature = *open_windows.entry(day).or_insert_with(|| self.may_still_be_rated(day));
            if let Some(figures) = self.figures(day, &service.place, service.stage, None) {
                let coverage = figures.coverage(service.stage);
                coverage.services += count;
                coverage.immature += if immature { count } else { 0 };
            }
        }
    }

    fn is_rated_at_acceptance(&self, service: &Service) -> bool {
        let item = service.place.item.and_then(|item| self.state.texts.items.name(item));
        let version = item.and_then(|item| self.reference.catalogue.version(item, service.item_version));
        version.is_some_and(|version| version.definition.rating_stages.contains(&RatingStage::Accept))
    }

    fn may_still_be_rated(&self, ended_on: NaiveDate) -> bool {
        let days = self.reference.policies.at(ended_on).rules.rating_days;
        self.today <= self.reference.calendar.nth_working_day_after(ended_on, u32::from(days), None)
    }

    fn count_ratings(&mut self) {
        let state = self.state;
        for (day, rating, count) in state.ratings.within(self.query.period) {
            if let Some(figures) = self.figures(day, &rating.place, rating.stage, Some(rating.channel)) {
                figures.count_rating(rating, count);
            }
        }
    }

    fn count_orders(&mut self) {
        let state = self.state;
        for (day, order, count) in state.orders.within(self.query.period) {
            if let Some(figures) = self.figures(day, &order.place, order.stage, Some(order.channel)) {
                figures.count_order(order, count);
            }
        }
        for open in state.open.values().filter(|open| open.opened && self.query.period.contains(open.ended_on)) {
            let order = &open.order;
            let not_due = open.rectify_due.is_some_and(|due| self.today <= due);
            if !order.is_true() || order.rectified_in_time.is_some() || !not_due {
                continue;
            }
            if let Some(figures) = self.figures(open.ended_on, &order.place, order.stage, Some(order.channel)) {
                figures.true_not_due += 1;
            }
        }
    }

    /// Returns the figures of the group to which something belongs, if the question wants it at all.
    fn figures(
        &mut self,
        day: NaiveDate,
        place: &Place,
        stage: RatingStage,
        channel: Option<RatingChannel>,
    ) -> Option<&mut Figures> {
        let texts = &self.state.texts;
        let item = place.item.and_then(|item| texts.items.name(item));
        let wanted = texts.sources.name(place.source).is_some_and(|source| self.query.source.contains(source))
            && self.within.contains(place.organisation)
            && self.query.item.as_ref().is_none_or(|wanted| Some(wanted) == item);
        if !wanted {
            return None;
        }
        let text = |dimension: SatisfactionDimension| match dimension {
            SatisfactionDimension::Org => texts.organisations.name(place.organisation).map(ToString::to_string),
            SatisfactionDimension::Window => {
                place.window.and_then(|window| texts.windows.name(window)).map(ToString::to_string)
            }
            SatisfactionDimension::Staff => {
                place.staff.and_then(|staff| texts.staff.name(staff)).map(ToString::to_string)
            }
            SatisfactionDimension::Item => item.map(ToString::to_string),
            SatisfactionDimension::Channel => channel.map(|channel| channel_text(channel).to_owned()),
            SatisfactionDimension::Stage => Some(stage_text(stage).to_owned()),
            SatisfactionDimension::Month => Some(Month::of(day).to_string()),
        };
        let mut key: Key = self.query.group_by.iter().map(|dimension| (*dimension, text(*dimension))).collect();
        // A window's number means nothing without its hall.
        if key.contains_key(&SatisfactionDimension::Window) {
            key.insert(SatisfactionDimension::Org, text(SatisfactionDimension::Org));
        }
        Some(self.groups.entry(key).or_default())
    }

    fn answer(self) -> SatisfactionAnswer {
        let over_services = !self.query.group_by.contains(&SatisfactionDimension::Channel);
        let small_cell = i64::from(self.reference.policies.at(self.today).rules.small_cell);
        let mut total = Figures::default();
        for figures in self.groups.values() {
            total.merge(figures);
        }
        let rows = self.groups.iter().map(|(key, figures)| figures.row(key.clone(), over_services, small_cell));
        SatisfactionAnswer { rows: rows.collect(), total: total.row(Key::new(), over_services, small_cell) }
    }
}

fn channel_text(channel: RatingChannel) -> &'static str {
    match channel {
        RatingChannel::Web => "web",
        RatingChannel::Mobile => "mobile",
        RatingChannel::QrCode => "qr-code",
        RatingChannel::Tablet => "tablet",
        RatingChannel::HallTerminal => "hall-terminal",
        RatingChannel::Phone => "phone",
        RatingChannel::Sms => "sms",
        RatingChannel::System => "system",
    }
}

fn stage_text(stage: RatingStage) -> &'static str {
    match stage {
        RatingStage::Accept => "accept",
        RatingStage::Finish => "finish",
    }
}

impl Order {
    fn is_true(&self) -> bool {
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
struct Coverage {
    services: i64,
    immature: i64,
    rated: i64,
}

#[derive(Default)]
struct Figures {
    /// Of cases that ended.
    finish: Coverage,
    /// Of acceptances: never added to the endings, for a case is one service.
    accept: Coverage,
    levels: BTreeMap<Level, LevelCounts>,
    not_adopted: i64,
    score: i64,
    orders: i64,
    true_bad: i64,
    true_not_due: i64,
    rectified: i64,
    rectified_in_time: i64,
    replied: i64,
    real_name: i64,
    reached: i64,
    satisfied: i64,
}

impl Coverage {
    fn merge(&mut self, other: Self) {
        self.services += other.services;
        self.immature += other.immature;
        self.rated += other.rated;
    }
}

impl Figures {
    fn count_rating(&mut self, rating: &Rating, count: i64) {
        if !rating.adopted {
            self.not_adopted += count;
            return;
        }
        let level = self.levels.entry(rating.level).or_default();
        match rating.origin {
            RatingOrigin::Active => level.active += count,
            RatingOrigin::Default => level.default += count,
        }
        if rating.of_case && rating.origin == RatingOrigin::Active {
            self.coverage(rating.stage).rated += count;
        }
        self.score += i64::from(rating.score) * count;
    }

    fn count_order(&mut self, order: &Order, count: i64) {
        let when = |holds: bool| if holds { count } else { 0 };
        self.orders += count;
        self.true_bad += when(order.is_true());
        self.rectified += when(order.is_true() && order.rectified_in_time.is_some());
        self.rectified_in_time += when(order.is_true() && order.rectified_in_time == Some(true));
        self.replied += when(order.is_true() && order.replied_in_time.is_some());
        let must_be_called = order.real_name && order.stands();
        self.real_name += when(must_be_called);
        self.reached += when(must_be_called && order.reached.is_some());
        let satisfied = matches!(order.reached, Some(CallBackResult::Satisfied | CallBackResult::Fair));
        self.satisfied += when(must_be_called && satisfied);
    }

    fn coverage(&mut self, stage: RatingStage) -> &mut Coverage {
        match stage {
            RatingStage::Accept => &mut self.accept,
            RatingStage::Finish => &mut self.finish,
        }
    }

    fn merge(&mut self, other: &Self) {
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
        self.real_name += other.real_name;
        self.reached += other.reached;
        self.satisfied += other.satisfied;
    }

    fn count(&self, wanted: impl Fn(Level) -> bool, of: impl Fn(&LevelCounts) -> i64) -> i64 {
        self.levels.iter().filter(|(level, _)| wanted(**level)).map(|(_, counts)| of(counts)).sum()
    }

    fn row(&self, key: Key, over_services: bool, small_cell: i64) -> SatisfactionRow {
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
            reply_rate: Rate::of(self.replied, self.true_bad),
            call_back_rate: Rate::of(self.reached, self.real_name),
            call_back_satisfied_rate: Rate::of(self.satisfied, self.reached),
            small_cell: ratings < small_cell,
        }
    }
}
