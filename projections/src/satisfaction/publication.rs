//! 公开: what a month's ratings were, in a form that tells nobody what a single person said.
//!
//! Cells of too few ratings are merged with others of the same county until enough are together; a county with too few
//! as a whole is left out. The cells of a county are merged alike for whoever asks, and the totals of its halls and of
//! its items are the same, so that no publication can be taken from another.

use super::Satisfaction;
use super::figures::Figures;
use super::query::{Groups, SatisfactionDimension, SatisfactionQuery, SatisfactionRow};
use crate::scope::{Month, Period, Source};
use chrono::{Months, NaiveDate};
use domain::event::organisation::OrganisationKind;
use domain::event::rating::{CallBackResult, Verdict};
use domain::ids::OrganisationId;
use domain::organisation::Organisations;
use domain::rating::window;
use domain::reference::Reference;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is told apart within a county.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublishedBy {
    /// The hall that gave the service.
    #[default]
    Hall,
    /// 事项.
    Item,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicationQuery {
    /// Which month; services count by the day they ended.
    pub month: Month,
    /// Halls or items.
    pub by: PublishedBy,
    /// Only this county; every county if absent.
    pub county: Option<OrganisationId>,
}

/// A month cannot be published while its last services may still be rated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this month is published from {from} on, when its services can no longer be rated")]
pub struct NotPublishedYet {
    /// The first day on which it is.
    pub from: NaiveDate,
}

/// One published cell: a hall or item, or several together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedRow {
    /// The halls or items; more than one where they were merged.
    pub of: Vec<String>,
    /// Figures of all of them together.
    #[serde(flatten)]
    pub figures: PublishedFigures,
}

/// The figures that are published: every rate with its counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishedFigures {
    /// Services that ended.
    pub services: i64,
    /// Adopted ratings.
    pub ratings: i64,
    /// 好评率.
    pub good_rate: crate::tally::Rate,
    /// 主动评价率.
    pub active_rate: crate::tally::Rate,
    /// 差评工单, and 整改率 of those found true.
    pub orders: i64,
    /// 整改率.
    pub rectification_rate: crate::tally::Rate,
    /// 按时整改率.
    pub rectification_in_time_rate: crate::tally::Rate,
    /// 回访整改满意率.
    pub call_back_satisfied_rate: crate::tally::Rate,
}

/// A kind of bad case, without hall, item, day or words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadCases {
    /// What verification found.
    pub verdict: Option<Verdict>,
    /// Rectified, and in time or not.
    pub rectified_in_time: Option<bool>,
    /// Answered, and in time or not.
    pub replied_in_time: Option<bool>,
    /// How the rater saw it afterwards.
    pub call_back: Option<CallBackResult>,
    /// How many.
    pub count: i64,
}

/// What is published of one county.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedCounty {
    /// Which; the city's own halls stand under the city.
    pub county: OrganisationId,
    /// Too few ratings as a whole: nothing else is told.
    pub suppressed: bool,
    /// Cells of enough ratings.
    pub rows: Vec<PublishedRow>,
    /// All of them together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<PublishedFigures>,
    /// Bad cases and what became of them.
    pub bad_cases: Vec<BadCases>,
}

/// The publication of a month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    /// Which month.
    pub month: Month,
    /// Fewer ratings than this are not told by themselves.
    pub small_cell: u32,
    /// By county.
    pub counties: Vec<PublishedCounty>,
}

impl PublishedFigures {
    fn of(row: SatisfactionRow) -> Self {
        Self {
            services: row.services.unwrap_or_default(),
            ratings: row.ratings,
            good_rate: row.good_rate,
            active_rate: row.active_rate.unwrap_or_default(),
            orders: row.orders,
            rectification_rate: row.rectification_rate,
            rectification_in_time_rate: row.rectification_in_time_rate,
            call_back_satisfied_rate: row.call_back_satisfied_rate,
        }
    }
}

impl Satisfaction {
    /// Returns what is published of a month, as seen on `today`.
    ///
    /// # Errors
    /// Some of its services may still be rated.
    pub fn publication(
        &self,
        query: &PublicationQuery,
        reference: &Reference,
        today: NaiveDate,
    ) -> Result<Publication, NotPublishedYet> {
        let from = query.month.first_day();
        let to = from.checked_add_months(Months::new(1)).unwrap_or(from);
        let last = to.pred_opt().unwrap_or(from);
        let counting = reference.counting(last, None);
        let ends = counting.deadline(last, window(&counting.policy.rules), &[]).date;
        if today <= ends {
            return Err(NotPublishedYet { from: ends.succ_opt().unwrap_or(ends) });
        }
        let dimension = match query.by {
            PublishedBy::Hall => SatisfactionDimension::Org,
            PublishedBy::Item => SatisfactionDimension::Item,
        };
        let asked = SatisfactionQuery {
            period: Period { from, to },
            // Every cell belongs to a county, so the hall is always told apart first.
            group_by: vec![SatisfactionDimension::Org, dimension],
            item: None,
            organisation: query.county.clone(),
            source: Source::Own,
        };
        let small_cell = counting.policy.rules.small_cell;
        let mut counties: BTreeMap<OrganisationId, BTreeMap<String, Figures>> = BTreeMap::new();
        let groups = Groups::new(self, &asked, reference, today);
        for (key, figures) in groups.gathered() {
            let hall = key.get(&SatisfactionDimension::Org).cloned().flatten().and_then(|hall| hall.parse().ok());
            let Some(hall): Option<OrganisationId> = hall else { continue };
            // A rating of a hall or of staff is about no item.
            let of = key.get(&dimension).cloned().flatten().unwrap_or_else(|| "-".to_owned());
            let county = county_of(&hall, &reference.organisations);
            counties.entry(county).or_default().entry(of).or_default().merge(figures);
        }
        let counties = counties.into_iter().map(|(county, cells)| published(county, cells, small_cell));
        Ok(Publication { month: query.month, small_cell, counties: counties.collect() })
    }
}

/// The county above a hall; of a city's own hall the city.
fn county_of(hall: &OrganisationId, organisations: &Organisations) -> OrganisationId {
    let mut at = hall.clone();
    while let Some(known) = organisations.get(&at) {
        if known.kind() == OrganisationKind::County {
            break;
        }
        let Some(parent) = known.parent() else { break };
        at = parent.clone();
    }
    at
}

fn published(county: OrganisationId, cells: BTreeMap<String, Figures>, small_cell: u32) -> PublishedCounty {
    let min = i64::from(small_cell);
    let mut whole = Figures::default();
    cells.values().for_each(|figures| whole.merge(figures));
    if whole.ratings() < min {
        return PublishedCounty { county, suppressed: true, rows: Vec::new(), total: None, bad_cases: Vec::new() };
    }
    let told = |figures: &Figures| PublishedFigures::of(figures.row(BTreeMap::new(), true, min));
    let mut rows: Vec<PublishedRow> =
        merged(cells, min).into_iter().map(|(of, figures)| PublishedRow { of, figures: told(&figures) }).collect();
    rows.sort_by(|a, b| a.of.cmp(&b.of));
    let total = Some(told(&whole));
    PublishedCounty { county, suppressed: false, rows, total, bad_cases: whole.bad_cases() }
}

/// Puts cells of too few ratings together, and with the smallest of the others until they are enough: one small cell
/// beside many would follow from the total.
fn merged(cells: BTreeMap<String, Figures>, min: i64) -> Vec<(Vec<String>, Figures)> {
    let mut by_size: Vec<(String, Figures)> = cells.into_iter().collect();
    by_size.sort_by_key(|(_, figures)| figures.ratings());
    let mut together: Vec<String> = Vec::new();
    let mut sum = Figures::default();
    let mut told = Vec::new();
    for (name, figures) in by_size {
        // That nobody rated is nobody's secret.
        let is_small = 0 < figures.ratings() && figures.ratings() < min;
        // What is together is either nothing, or enough to be told.
        let owes = !together.is_empty() && sum.ratings() < min;
        if is_small || owes {
            sum.merge(&figures);
            together.push(name);
        } else {
            told.push((vec![name], figures));
        }
    }
    if !together.is_empty() {
        together.sort();
        told.push((together, sum));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::Projection as _;
    use crate::testing::{Story, actor, case_id, day, history, id, noon, rated};
    use domain::actor::Role;
    use domain::builtin;
    use domain::event::RatingEvent;
    use domain::event::rating::{RatedService, RatingOrigin, Satisfaction as Level};
    use domain::fact::Subject;
    use domain::ids::RatingId;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static REFERENCE: LazyLock<Reference> = LazyLock::new(builtin::reference);

    /// So many ratings in March at each of these halls.
    fn halls(ratings: &[(&str, u64)]) -> Satisfaction {
        let mut story = Story::default();
        let mut number = 0;
        for (hall, count) in ratings {
            for _ in 0..*count {
                number += 1;
                let service = RatedService {
                    source: id("own"),
                    item: Some(id("FZ-001")),
                    organisation: id(hall),
                    window: None,
                    staff: None,
                    ended_on: day("2022-03-10"),
                    visit: false,
                };
                let one = rated(case_id(number), Level::Satisfied, RatingOrigin::Active, service);
                let rating: RatingId = format!("r-{number}").parse().unwrap();
                let by = actor("p-1", Role::Resident, "361000");
                story.tell(noon(day("2022-03-11")), Subject::Rating(rating), &by, RatingEvent::Rated(one));
            }
        }
        let mut state = Satisfaction::default();
        story.facts().iter().for_each(|fact| state.apply(fact));
        state
    }

    fn march(state: &Satisfaction, by: PublishedBy, county: Option<&str>) -> Publication {
        let month = "2022-03".parse().unwrap();
        let query = PublicationQuery { month, by, county: county.map(id) };
        state.publication(&query, &REFERENCE, day("2022-05-01")).unwrap()
    }

    #[track_caller]
    fn check(ratings: &[(&str, u64)], expected: &[(&[&str], i64)]) {
        let told = march(&halls(ratings), PublishedBy::Hall, Some("361023"));
        let rows: Vec<(Vec<&str>, i64)> = told.counties[0]
            .rows
            .iter()
            .map(|row| (row.of.iter().map(String::as_str).collect(), row.figures.ratings))
            .collect();
        let expected: Vec<(Vec<&str>, i64)> = expected.iter().map(|(of, n)| (of.to_vec(), *n)).collect();
        assert_eq!(rows, expected);
    }

    const A: &str = "361023100";
    const B: &str = "361023101";
    const C: &str = "361023102";

    #[test]
    fn cells_of_enough_ratings_are_told_as_they_are() {
        check(&[(A, 5), (B, 9)], &[(&[A], 5), (&[B], 9)]);
    }

    #[test]
    fn small_cells_are_told_together() {
        check(&[(A, 3), (B, 2), (C, 9)], &[(&[A, B], 5), (&[C], 9)]);
    }

    #[test]
    fn one_small_cell_takes_the_smallest_of_the_others_with_it() {
        // Otherwise it would be the total without the others.
        check(&[(A, 1), (B, 7), (C, 9)], &[(&[A, B], 8), (&[C], 9)]);
    }

    #[test]
    fn a_county_with_too_few_ratings_tells_nothing() {
        let told = march(&halls(&[(A, 2), (B, 2)]), PublishedBy::Hall, None);
        assert!(told.counties[0].suppressed && told.counties[0].rows.is_empty() && told.counties[0].total.is_none());
    }

    #[test]
    fn a_month_is_published_once_it_can_no_longer_be_rated() {
        let month = "2022-03".parse().unwrap();
        let query = PublicationQuery { month, by: PublishedBy::Hall, county: None };
        let asked = |today: &str| halls(&[(A, 9)]).publication(&query, &REFERENCE, day(today)).map(|_| ());
        // Five working days after Thursday 31 March, with make-up days and 清明 between.
        let Err(NotPublishedYet { from }) = asked("2022-04-01") else { panic!("published too early") };
        assert!(asked(&from.pred_opt().unwrap().to_string()).is_err());
        assert_eq!(asked(&from.to_string()), Ok(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn no_small_cell_is_told_and_none_follows_from_what_is(counts in prop::collection::vec(0_u64..12, 1..8)) {
            let names: Vec<String> = (0..counts.len()).map(|n| format!("3610231{n:02}")).collect();
            let ratings: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(counts.iter().copied()).collect();
            let state = halls(&ratings);
            for by in [PublishedBy::Hall, PublishedBy::Item] {
                let county = march(&state, by, Some("361023"));
                let everywhere = march(&state, by, None);
                // Whoever asks gets the same cells.
                prop_assert_eq!(&county.counties, &everywhere.counties);
                for county in county.counties.iter().filter(|county| !county.suppressed) {
                    prop_assert!(county.rows.iter().all(|row| !(1..5).contains(&row.figures.ratings)));
                    let total = county.total.as_ref().unwrap().ratings;
                    prop_assert_eq!(county.rows.iter().map(|row| row.figures.ratings).sum::<i64>(), total);
                    prop_assert_eq!(total, counts.iter().sum::<u64>() as i64);
                }
            }
        }

        #[test]
        fn halls_and_items_of_a_county_have_the_same_total(seed in 1_u64..) {
            let facts = history(seed, 80);
            let mut state = Satisfaction::default();
            facts.iter().for_each(|fact| state.apply(fact));
            let (halls, items) = (march(&state, PublishedBy::Hall, None), march(&state, PublishedBy::Item, None));
            prop_assert_eq!(halls.counties.len(), items.counties.len());
            for (halls, items) in halls.counties.iter().zip(&items.counties) {
                prop_assert_eq!((&halls.county, &halls.total, &halls.bad_cases), (&items.county, &items.total, &items.bad_cases));
            }
        }
    }

    #[test]
    fn bad_cases_are_told_without_place_day_or_words() {
        let facts = history(3, 200);
        let mut state = Satisfaction::default();
        facts.iter().for_each(|fact| state.apply(fact));
        let told = serde_json::to_string(&march(&state, PublishedBy::Hall, None)).unwrap();
        for hidden in ["p-1", "c-1", "sealed", "2022-03-1"] {
            assert!(!told.contains(hidden), "{hidden} in {told}");
        }
    }
}
