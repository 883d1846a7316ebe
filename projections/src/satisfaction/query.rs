//! Questions about satisfaction, and their answers.

use super::figures::Figures;
use super::{Place, Satisfaction, Service};
use crate::gather::{Gathered, Named, Slots, Wanted, month_slot, month_text, name_slot, name_text};
use crate::names::Code;
use crate::scope::{Period, Source, Subtree};
use crate::tally::Rate;
use chrono::NaiveDate;
use domain::event::item::RatingStage;
use domain::event::rating::{RatingChannel, Satisfaction as Level};
use domain::ids::{ItemId, OrganisationId};
use domain::rating::window;
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
    /// Cases that ended, however they did, and visits that led to none; of the stage 受理 alone, acceptances of items that
    /// ask for a rating there. Absent by channel.
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
    /// 差评回复率: answered ÷ orders whose answer is due or given.
    pub reply_rate: Rate,
    /// 按时回复率: answered in time ÷ the same.
    pub reply_in_time_rate: Rate,
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

pub(super) type Key = BTreeMap<SatisfactionDimension, Option<String>>;

impl Satisfaction {
    /// Answers a question, as seen on `today`.
    #[must_use]
    pub fn answer(&self, query: &SatisfactionQuery, reference: &Reference, today: NaiveDate) -> SatisfactionAnswer {
        Groups::new(self, query, reference, today).answer()
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.services.cells() + self.ratings.cells() + self.orders.cells() + self.open.len()
    }
}

pub(super) struct Groups<'a> {
    within: Subtree,
    sources: Wanted,
    /// The item asked for; one that never occurred finds nothing.
    item: Named,
    asked: [bool; DIMENSIONS],
    state: &'a Satisfaction,
    query: &'a SatisfactionQuery,
    reference: &'a Reference,
    today: NaiveDate,
    groups: Gathered<DIMENSIONS, Group>,
}

const DIMENSIONS: usize = SatisfactionDimension::Month as usize + 1;

/// A group in the making.
#[derive(Default)]
struct Group {
    /// What all in it have in common, where it is told apart by it.
    stage: Option<RatingStage>,
    channel: Option<RatingChannel>,
    figures: Figures,
}

impl<'a> Groups<'a> {
    /// Gathers the figures that a question asks for.
    pub(super) fn new(
        state: &'a Satisfaction,
        query: &'a SatisfactionQuery,
        reference: &'a Reference,
        today: NaiveDate,
    ) -> Self {
        let within = Subtree::of(query.organisation.as_ref(), &reference.organisations, &state.texts.organisations);
        let mut asked = [false; DIMENSIONS];
        for dimension in &query.group_by {
            asked[*dimension as usize] = true;
        }
        // A window's number means nothing without its hall.
        asked[SatisfactionDimension::Org as usize] |= asked[SatisfactionDimension::Window as usize];
        let mut groups = Self {
            within,
            sources: query.source.among(&state.texts.sources),
            item: Named::of(query.item.as_ref(), &state.texts.items),
            asked,
            state,
            query,
            reference,
            today,
            groups: Gathered::default(),
        };
        groups.count_services();
        groups.count_ratings();
        groups.count_orders();
        groups
    }

    /// Returns the figures of every group, in the order of their keys.
    pub(super) fn gathered(&self) -> Vec<(Key, &Figures)> {
        let keyed = self.groups.iter().map(|(slots, group)| (self.key(slots, group), &group.figures));
        let mut gathered: Vec<(Key, &Figures)> = keyed.collect();
        gathered.sort_by(|(one, _), (other, _)| one.cmp(other));
        gathered
    }

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
        let counting = self.reference.counting(ended_on, None);
        self.today <= counting.deadline(ended_on, window(&counting.policy.rules), &[]).date
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
            let waits = order.replied_in_time.is_none() && open.reply_due.is_none_or(|due| self.today <= due);
            if waits && let Some(figures) = self.figures(open.ended_on, &order.place, order.stage, Some(order.channel))
            {
                figures.reply_not_due += 1;
            }
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
        let wanted = self.sources.contains(place.source)
            && self.within.contains(place.organisation)
            && self.item.wants(place.item);
        if !wanted {
            return None;
        }
        let mut slots = Slots::default();
        let mut put = |dimension: SatisfactionDimension, slot: u32| {
            if self.asked[dimension as usize] {
                slots[dimension as usize] = slot;
            }
        };
        put(SatisfactionDimension::Org, place.organisation.number());
        put(SatisfactionDimension::Window, name_slot(place.window));
        put(SatisfactionDimension::Staff, name_slot(place.staff));
        put(SatisfactionDimension::Item, name_slot(place.item));
        put(SatisfactionDimension::Channel, channel.map_or(0, |channel| channel as u32 + 1));
        put(SatisfactionDimension::Stage, stage as u32 + 1);
        put(SatisfactionDimension::Month, month_slot(day));
        let group = self.groups.group(slots);
        group.stage = Some(stage);
        group.channel = channel;
        Some(&mut group.figures)
    }

    fn key(&self, slots: &Slots<DIMENSIONS>, group: &Group) -> Key {
        let texts = &self.state.texts;
        let mut key = Key::new();
        let mut put = |dimension: SatisfactionDimension, text: &dyn Fn(u32) -> Option<String>| {
            if self.asked[dimension as usize] {
                key.insert(dimension, text(slots[dimension as usize]));
            }
        };
        put(SatisfactionDimension::Org, &|slot| name_text(&texts.organisations, slot));
        put(SatisfactionDimension::Window, &|slot| name_text(&texts.windows, slot));
        put(SatisfactionDimension::Staff, &|slot| name_text(&texts.staff, slot));
        put(SatisfactionDimension::Item, &|slot| name_text(&texts.items, slot));
        put(SatisfactionDimension::Channel, &|_| group.channel.map(|channel| channel_text(channel).to_owned()));
        put(SatisfactionDimension::Stage, &|_| group.stage.map(|stage| stage_text(stage).to_owned()));
        put(SatisfactionDimension::Month, &month_text);
        key
    }

    fn answer(self) -> SatisfactionAnswer {
        let over_services = !self.query.group_by.contains(&SatisfactionDimension::Channel);
        let small_cell = i64::from(self.reference.policies.at(self.today).rules.small_cell);
        let mut total = Figures::default();
        for (_, group) in self.groups.iter() {
            total.merge(&group.figures);
        }
        let rows = self.gathered().into_iter().map(|(key, figures)| figures.row(key, over_services, small_cell));
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

pub(super) fn stage_text(stage: RatingStage) -> &'static str {
    match stage {
        RatingStage::Accept => "accept",
        RatingStage::Finish => "finish",
    }
}
