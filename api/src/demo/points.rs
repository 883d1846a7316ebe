//! Where centres and stations stand, when each went live, and how far people have to go. All of it made up (示例).

use super::DemoError;
use super::dice::Dice;
use chrono::{Days, NaiveDate, TimeDelta};
use domain::event::item::Level;
use domain::event::organisation::OrganisationKind;
use domain::event::service_point::{PlaceSet, ServiceLaunched, Setting, TravelSurveyed, VillageWays, Way};
use domain::ids::{ItemId, RegionCode};
use domain::organisation::Organisation;
use domain::reference::Reference;
use domain::service_point::{ServicePointCommand, level_of, takes};
use domain::zone::{Instant, start_of};

/// The county whose stations are all live in the end.
const WHOLE_COUNTY: &str = "361023";
/// The two townships with which it began, and when.
const PILOTS: [&str; 2] = ["361023100", "361003103"];
const PILOT_DAY: (i32, u32, u32) = (2020, 6, 1);
/// When every centre had followed.
const CENTRES_DAY: (i32, u32, u32) = (2021, 1, 1);
/// How many days after the first day of the simulation the stations of the whole county are live.
const GROWTH_DAYS: i64 = 230;
/// The share of stations elsewhere that go live at all, and within how many days.
const ELSEWHERE: (f64, i64) = (0.62, 270);
/// Villages without a station, in each township of the other counties.
const VILLAGES_WITHOUT: u32 = 3;

/// Returns what is said of service points, and when: centres and surveys at the beginning, stations as they go live.
pub(super) fn dues(
    reference: &Reference,
    begin: NaiveDate,
    seed: u64,
) -> Result<Vec<(Instant, ServicePointCommand)>, DemoError> {
    let mut dues = Vec::new();
    let morning = |day: NaiveDate| start_of(day) + TimeDelta::hours(2);
    for (ordinal, organisation) in (1..).zip(reference.organisations.iter()) {
        let Some(level) = level_of(organisation.kind()) else { continue };
        let mut dice = Dice::new(seed ^ 0x9017, ordinal);
        let at = morning(begin) + TimeDelta::seconds(i64::try_from(ordinal).unwrap_or(0));
        dues.push((at, ServicePointCommand::SetPlace(place(organisation, &mut dice))));
        let items = items(reference, level, begin);
        if let Some(since) = live_since(organisation, begin, &mut dice).filter(|_| !items.is_empty()) {
            let launched = ServiceLaunched { organisation: organisation.id().clone(), since, items };
            dues.push((at.max(morning(since)), ServicePointCommand::Launch(launched)));
        }
        if organisation.kind() == OrganisationKind::Township {
            dues.push((at, ServicePointCommand::SurveyTravel(survey(reference, organisation, begin, &mut dice)?)));
        }
    }
    Ok(dues)
}

fn live_since(organisation: &Organisation, begin: NaiveDate, dice: &mut Dice) -> Option<NaiveDate> {
    let id = organisation.id().as_str();
    if PILOTS.contains(&id) {
        return Some(super::date(PILOT_DAY));
    }
    if organisation.kind() != OrganisationKind::Village {
        return Some(super::date(CENTRES_DAY));
    }
    let within = |days: i64, dice: &mut Dice| begin + Days::new(dice.between(0, days).unsigned_abs());
    match id.starts_with(WHOLE_COUNTY) {
        true => Some(within(GROWTH_DAYS, dice)),
        false => dice.chance(ELSEWHERE.0).then(|| within(ELSEWHERE.1, dice)),
    }
}

fn items(reference: &Reference, level: Level, day: NaiveDate) -> Vec<ItemId> {
    let in_force = reference.catalogue.items().filter_map(|(id, item)| Some((id, item.in_force(day)?)));
    in_force.filter(|(_, version)| takes(level, &version.definition)).map(|(id, _)| id.clone()).collect()
}

fn short_name(organisation: &Organisation) -> &str {
    let name = organisation.name_zh();
    let endings = ["政务服务中心", "便民服务中心", "便民服务站(示例)", "便民服务站"];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

fn place(organisation: &Organisation, dice: &mut Dice) -> PlaceSet {
    let name = short_name(organisation);
    let setting = match organisation.kind() {
        OrganisationKind::Village | OrganisationKind::Township if !in_town(name) => Setting::Country,
        _ => Setting::Town,
    };
    PlaceSet {
        organisation: organisation.id().clone(),
        setting,
        address_zh: format!("{name}示例路{}号（示例）", dice.between(1, 200)),
        point: None,
        synthetic: true,
    }
}

/// Sub-districts, communities, and the towns in which the county governments sit.
fn in_town(name: &str) -> bool {
    const SEATS: [&str; 6] = ["琴城镇", "建昌镇", "鹤城镇", "旴江镇", "巴山镇", "鳌溪镇"];
    name.contains("街道") || name.contains("社区") || SEATS.iter().any(|seat| name.starts_with(seat))
}

fn survey(
    reference: &Reference,
    township: &Organisation,
    begin: NaiveDate,
    dice: &mut Dice,
) -> Result<TravelSurveyed, DemoError> {
    let organisations = &reference.organisations;
    let name = short_name(township);
    let stations: Vec<&Organisation> =
        organisations.children(township.id()).filter_map(|id| organisations.get(id)).collect();
    let stations: Vec<&Organisation> =
        stations.into_iter().filter(|child| child.kind() == OrganisationKind::Village).collect();
    let mut villages = Vec::new();
    for station in stations.iter().filter(|station| station.region().as_str().len() == RegionCode::CHARS_MAX) {
        let own = Way { to: station.id().clone(), minutes: minutes(dice, 3, 14) };
        villages.push(village(station.region().clone(), short_name(station), in_town(name), Some(own), township, dice));
    }
    if !township.id().as_str().starts_with(WHOLE_COUNTY) {
        for ordinal in 1..=VILLAGES_WITHOUT {
            let region: RegionCode = format!("{}95{ordinal}", township.id()).parse()?;
            villages.push(village(region, &format!("{name}示例{ordinal}号村"), in_town(name), None, township, dice));
        }
    }
    Ok(TravelSurveyed {
        organisation: township.id().clone(),
        villages,
        source: "示例数据，非实测".to_owned(),
        synthetic: true,
        surveyed_on: begin,
    })
}

fn village(
    region: RegionCode,
    name: &str,
    town: bool,
    station: Option<Way>,
    township: &Organisation,
    dice: &mut Dice,
) -> VillageWays {
    let setting = if town { Setting::Town } else { Setting::Country };
    let to_centre = if town { minutes(dice, 4, 16) } else { minutes(dice, 8, 55) };
    let centre = Way { to: township.id().clone(), minutes: to_centre };
    VillageWays {
        region,
        name_zh: format!("{name}（示例）"),
        setting,
        people: u32::try_from(dice.leaning(420, if town { 5200 } else { 2600 })).unwrap_or(420),
        ways: station.into_iter().chain([centre]).collect(),
    }
}

fn minutes(dice: &mut Dice, low: i64, high: i64) -> u16 {
    u16::try_from(dice.leaning(low, high)).unwrap_or(1)
}
