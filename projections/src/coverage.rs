//! 服务点: which centres and stations are live, what they take, and how many people live near one that is (服务圈).
//!
//! Whether something is live on a day is asked when the question is put, so one state answers for any day up to its moment;
//! what was known earlier, an earlier state tells.

use crate::projection::Projection;
use crate::tally::Rate;
use chrono::NaiveDate;
use domain::event::Event;
use domain::event::item::Level;
use domain::event::organisation::OrganisationKind;
use domain::event::service_point::{Setting, VillageWays, Way};
use domain::fact::Fact;
use domain::ids::{ItemId, OrganisationId, RegionCode};
use domain::organisation::Organisation;
use domain::reference::Reference;
use domain::service_point::{ServicePoint, level_of, organisation_of, takes};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind every question about coverage and the circle of service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    points: BTreeMap<OrganisationId, ServicePoint>,
}

impl Projection for Coverage {
    const NAME: &'static str = "coverage";
    const REVISION: u32 = 1;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::ServicePoint(event) => {
                self.points.entry(organisation_of(event).clone()).or_default().evolve(event);
            }
            Event::Case(_)
            | Event::Rating(_)
            | Event::Certificate(_)
            | Event::Library(_)
            | Event::Item(_)
            | Event::Organisation(_)
            | Event::Roster(_)
            | Event::Ticket(_)
            | Event::Appointment(_)
            | Event::Instrument(_)
            | Event::Kin(_)
            | Event::Checklist(_)
            | Event::Inspection(_)
            | Event::Campaign(_)
            | Event::Calendar(_)
            | Event::Policy(_)
            | Event::Template(_)
            | Event::Access(_) => (),
        }
    }
}

/// How many there are, and how many of them are live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Registered and not dissolved.
    pub there: u32,
    /// Live.
    pub live: u32,
}

impl Live {
    fn count(&mut self, live: bool) {
        self.there += 1;
        self.live += u32::from(live);
    }

    fn add(&mut self, other: Self) {
        self.there += other.there;
        self.live += other.live;
    }
}

/// Centres and stations of one county, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageRow {
    /// Which county; the city's own centre stands under the city, and the total under nobody.
    pub organisation: Option<OrganisationId>,
    /// 名称.
    pub name_zh: String,
    /// 政务服务中心 and 便民服务中心, zones included.
    pub centres: Live,
    /// 村（社区）便民服务站.
    pub stations: Live,
}

/// One centre or station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointRow {
    /// Which.
    pub organisation: OrganisationId,
    /// 名称.
    pub name_zh: String,
    /// Centre or station, by its kind.
    pub kind: OrganisationKind,
    /// 示例: made up for demonstration.
    pub synthetic: bool,
    /// Live since; a later day is an announcement.
    pub live_since: Option<NaiveDate>,
    /// Live on the day asked for.
    pub live: bool,
    /// Items that can be applied for here ÷ items in force that are taken in at this level.
    pub items: Rate,
    /// In town or in the country, where known.
    pub setting: Option<Setting>,
    /// 地址, where known.
    pub address_zh: Option<String>,
}

/// Which centres and stations an answer names one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsPage {
    /// Only codes after this one.
    pub after: Option<OrganisationId>,
    /// At most so many.
    pub points_max: usize,
}

impl PointsPage {
    /// All of them.
    pub const ALL: Self = Self { after: None, points_max: usize::MAX };
    /// None of them: counties are asked about.
    pub const NONE: Self = Self { after: None, points_max: 0 };
}

/// The answer about coverage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoverageAnswer {
    /// Counties, by code.
    pub counties: Vec<CoverageRow>,
    /// All of them together.
    pub total: CoverageRow,
    /// The centres and stations asked for, by code.
    pub points: Vec<PointRow>,
}

/// How many people live near a service point that is live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Circle {
    /// Near is within so many minutes.
    pub minutes: u16,
    /// Villages and communities ÷ all that were surveyed.
    pub villages: Rate,
    /// People ÷ all who live in them.
    pub people: Rate,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    villages: (i64, i64),
    people: (i64, i64),
}

impl Counts {
    fn count(&mut self, people: u32, near: bool) {
        let near = i64::from(near);
        self.villages = (self.villages.0 + near, self.villages.1 + 1);
        self.people = (self.people.0 + near * i64::from(people), self.people.1 + i64::from(people));
    }

    fn add(&mut self, other: Self) {
        self.villages = (self.villages.0 + other.villages.0, self.villages.1 + other.villages.1);
        self.people = (self.people.0 + other.people.0, self.people.1 + other.people.1);
    }

    fn circle(self, minutes: u16) -> Circle {
        Circle {
            minutes,
            villages: Rate::of(self.villages.0, self.villages.1),
            people: Rate::of(self.people.0, self.people.1),
        }
    }
}

/// The circles of one township, or of all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CircleRow {
    /// Which township; absent in the total.
    pub organisation: Option<OrganisationId>,
    /// 城区.
    pub town: Circle,
    /// 农村.
    pub country: Circle,
    /// The survey, or one of them, is made up for demonstration (示例).
    pub synthetic: bool,
}

/// A village outside its circle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// Its code.
    pub region: RegionCode,
    /// 名称.
    pub name_zh: String,
    /// In town or in the country.
    pub setting: Setting,
    /// How many live there.
    pub people: u32,
    /// The nearest that is live, where there is any.
    pub nearest: Option<Way>,
}

/// The answer about the circle of service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CircleAnswer {
    /// Townships that were surveyed, by code.
    pub townships: Vec<CircleRow>,
    /// All of them together.
    pub total: CircleRow,
    /// Who lives outside, most people first.
    pub outside: Vec<Outside>,
}

/// A centre or station as seen from a village.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// Which.
    pub organisation: OrganisationId,
    /// 名称.
    pub name_zh: String,
    /// 地址, where known.
    pub address_zh: Option<String>,
    /// How far, in minutes.
    pub minutes: u16,
}

impl Coverage {
    /// Returns what is live on a day, under an organisation: every county, and the centres and stations on the page.
    #[must_use]
    pub fn answer(
        &self,
        root: &OrganisationId,
        reference: &Reference,
        day: NaiveDate,
        page: &PointsPage,
    ) -> CoverageAnswer {
        let organisations = &reference.organisations;
        let mut counties: BTreeMap<OrganisationId, CoverageRow> = BTreeMap::new();
        let mut there = Vec::new();
        for id in organisations.subtree(root) {
            let known = organisations.get(id).filter(|organisation| organisation.exists_on(day));
            let Some((organisation, level)) = known.and_then(|known| Some((known, level_of(known.kind())?))) else {
                continue;
            };
            let county = organisations.county_of(id).unwrap_or(id);
            let row = counties.entry(county.clone()).or_insert_with(|| CoverageRow {
                organisation: Some(county.clone()),
                name_zh: organisations.get(county).map_or_else(String::new, |county| county.name_zh().to_owned()),
                ..CoverageRow::default()
            });
            match organisation.kind() {
                OrganisationKind::Village => row.stations.count(self.is_live(id, day)),
                _ => row.centres.count(self.is_live(id, day)),
            }
            there.push((organisation, level));
        }
        let mut total = CoverageRow::default();
        for row in counties.values() {
            total.centres.add(row.centres);
            total.stations.add(row.stations);
        }
        there.retain(|(organisation, _)| page.after.as_ref().is_none_or(|after| after < organisation.id()));
        there.sort_by(|(a, _), (b, _)| a.id().cmp(b.id()));
        there.truncate(page.points_max);
        let owed = owed(reference, day);
        let point = |(organisation, level): (&Organisation, Level)| {
            self.row(organisation, owed.get(&level).map_or(&[], Vec::as_slice), day)
        };
        CoverageAnswer {
            counties: counties.into_values().collect(),
            total,
            points: there.into_iter().map(point).collect(),
        }
    }

    fn row(&self, organisation: &Organisation, owed: &[&ItemId], day: NaiveDate) -> PointRow {
        let point = self.points.get(organisation.id());
        let takes = |item: &&&ItemId| {
            point.and_then(|point| point.items.get(**item)).is_some_and(|enabled| enabled.holds_on(day))
        };
        let place = point.and_then(|point| point.place.as_ref());
        PointRow {
            organisation: organisation.id().clone(),
            name_zh: organisation.name_zh().to_owned(),
            kind: organisation.kind(),
            synthetic: organisation.registered.synthetic,
            live_since: point.and_then(|point| point.live_since),
            live: self.is_live(organisation.id(), day),
            items: Rate::of(count(owed.iter().filter(takes).count()), count(owed.len())),
            setting: place.map(|place| place.setting),
            address_zh: place.map(|place| place.address_zh.clone()),
        }
    }

    fn is_live(&self, organisation: &OrganisationId, day: NaiveDate) -> bool {
        self.points.get(organisation).and_then(|point| point.live_since).is_some_and(|since| since <= day)
    }

    /// Returns how many people live near a service point that is live on a day, township by township.
    #[must_use]
    pub fn circles(&self, root: &OrganisationId, reference: &Reference, day: NaiveDate) -> CircleAnswer {
        let standards = reference.policies.at(day).rules.standards();
        let (in_town, in_country) = (standards.town_minutes, standards.country_minutes);
        let mut townships = Vec::new();
        let mut all = [Counts::default(); 2];
        let mut outside = Vec::new();
        let mut synthetic = false;
        for id in reference.organisations.subtree(root) {
            let Some(survey) = self.points.get(id).and_then(|point| point.survey.as_ref()) else { continue };
            let mut own = [Counts::default(); 2];
            for village in &survey.villages {
                let nearest = self.nearest_live(village, reference, day);
                let (place, limit) = match village.setting {
                    Setting::Town => (0, in_town),
                    Setting::Country => (1, in_country),
                };
                let near = nearest.is_some_and(|way| way.minutes <= limit);
                own[place].count(village.people, near);
                if !near {
                    outside.push(Outside {
                        region: village.region.clone(),
                        name_zh: village.name_zh.clone(),
                        setting: village.setting,
                        people: village.people,
                        nearest: nearest.cloned(),
                    });
                }
            }
            synthetic |= survey.synthetic;
            all.iter_mut().zip(own).for_each(|(all, own)| all.add(own));
            townships.push(row(Some(id.clone()), own, [in_town, in_country], survey.synthetic));
        }
        townships.sort_by(|a, b| a.organisation.cmp(&b.organisation));
        outside.sort_by(|a, b| b.people.cmp(&a.people).then_with(|| a.region.cmp(&b.region)));
        CircleAnswer { townships, total: row(None, all, [in_town, in_country], synthetic), outside }
    }

    fn nearest_live<'a>(&self, village: &'a VillageWays, reference: &Reference, day: NaiveDate) -> Option<&'a Way> {
        let there = |way: &&Way| {
            let organisation = reference.organisations.get(&way.to);
            organisation.is_some_and(|organisation| organisation.exists_on(day)) && self.is_live(&way.to, day)
        };
        village.ways.iter().filter(there).min_by(|a, b| a.minutes.cmp(&b.minutes).then_with(|| a.to.cmp(&b.to)))
    }

    /// Returns what is live on a day and can be reached from a village, nearest first; of those that take the item, where
    /// one is named. Nothing if the village was never surveyed.
    #[must_use]
    pub fn from_village(
        &self,
        village: &RegionCode,
        item: Option<&ItemId>,
        reference: &Reference,
        day: NaiveDate,
    ) -> Option<Vec<Nearest>> {
        let surveys = self.points.values().filter_map(|point| point.survey.as_ref());
        let village = surveys.flat_map(|survey| &survey.villages).find(|known| known.region == *village)?;
        let takes = |way: &&Way| {
            let Some(item) = item else { return true };
            let enabled = self.points.get(&way.to).and_then(|point| point.items.get(item));
            enabled.is_some_and(|enabled| enabled.holds_on(day))
        };
        let near = village.ways.iter().filter(|way| self.is_live(&way.to, day)).filter(takes);
        let mut near: Vec<Nearest> = near
            .filter_map(|way| {
                let organisation = reference.organisations.get(&way.to).filter(|there| there.exists_on(day))?;
                let place = self.points.get(&way.to).and_then(|point| point.place.as_ref());
                Some(Nearest {
                    organisation: way.to.clone(),
                    name_zh: organisation.name_zh().to_owned(),
                    address_zh: place.map(|place| place.address_zh.clone()),
                    minutes: way.minutes,
                })
            })
            .collect();
        near.sort_by(|a, b| a.minutes.cmp(&b.minutes).then_with(|| a.organisation.cmp(&b.organisation)));
        Some(near)
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        let of =
            |point: &ServicePoint| point.items.len() + point.survey.as_ref().map_or(0, |survey| survey.villages.len());
        self.points.values().map(of).sum()
    }
}

fn row(organisation: Option<OrganisationId>, counts: [Counts; 2], minutes: [u16; 2], synthetic: bool) -> CircleRow {
    let [town, country] = counts;
    CircleRow { organisation, town: town.circle(minutes[0]), country: country.circle(minutes[1]), synthetic }
}

/// What is taken in at each level on a day.
fn owed(reference: &Reference, day: NaiveDate) -> BTreeMap<Level, Vec<&ItemId>> {
    let mut owed: BTreeMap<Level, Vec<&ItemId>> = BTreeMap::new();
    for (id, item) in reference.catalogue.items() {
        let Some(version) = item.in_force(day) else { continue };
        for level in Level::ALL.into_iter().filter(|level| takes(*level, &version.definition)) {
            owed.entry(level).or_default().push(id);
        }
    }
    owed
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
