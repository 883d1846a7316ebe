//! What is live, what it takes and who lives near it are counted against the tree and the catalogue of the day.

use super::*;
use crate::testing::{Story, actor, day, id, noon};
use domain::actor::Role;
use domain::builtin;
use domain::event::ServicePointEvent;
use domain::event::service_point::{ItemsDisabled, PlaceSet, ServiceLaunched, TravelSurveyed};
use domain::fact::Subject;

const HALL: &str = "361023100";
const STATION: &str = "361023100-QINTAILU";

fn launched(organisation: &str, since: &str) -> ServicePointEvent {
    ServiceLaunched { organisation: id(organisation), since: day(since), items: vec![id("FZ-001"), id("FZ-005")] }
        .into()
}

fn village(region: &str, setting: Setting, people: u32, ways: &[(&str, u16)]) -> VillageWays {
    let ways = ways.iter().map(|(to, minutes)| Way { to: id(to), minutes: *minutes }).collect();
    VillageWays { region: id(region), name_zh: format!("示例{region}"), setting, people, ways }
}

fn survey() -> ServicePointEvent {
    let villages = vec![
        village("361023100901", Setting::Town, 3000, &[(HALL, 9), (STATION, 12)]),
        village("361023100902", Setting::Town, 1000, &[(HALL, 11), (STATION, 4)]),
        village("361023100903", Setting::Country, 600, &[(HALL, 30)]),
        village("361023100904", Setting::Country, 400, &[(HALL, 31)]),
    ];
    let source = "示例".to_owned();
    TravelSurveyed { organisation: id(HALL), villages, source, synthetic: true, surveyed_on: day("2026-01-05") }.into()
}

fn view(events: Vec<ServicePointEvent>) -> Coverage {
    let mut story = Story::default();
    let admin = actor("admin", Role::Admin, "361000");
    for event in events {
        let subject = Subject::ServicePoint(organisation_of(&event).clone());
        story.tell(noon(day("2026-01-05")), subject, &admin, event);
    }
    let mut coverage = Coverage::default();
    story.facts().iter().for_each(|fact| coverage.apply(fact));
    coverage
}

#[test]
fn live_are_those_that_went_live_by_the_day_among_those_that_are_there() {
    let view = view(vec![launched(HALL, "2020-06-01"), launched(STATION, "2021-03-01")]);
    let reference = builtin::reference();
    let stations = |text: &str| {
        let row = view.answer(&id("361023"), &reference, day(text), &PointsPage::ALL).total;
        (row.stations.live, row.stations.there, row.centres.live)
    };
    assert_eq!(stations("2020-05-31"), (0, 1, 0));
    assert_eq!(stations("2020-06-01"), (0, 1, 1));
    assert_eq!(stations("2021-03-01"), (1, 1, 1));
    let whole = view.answer(&id("361000"), &reference, day("2026-01-05"), &PointsPage::ALL);
    let centres: u32 = whole.counties.iter().map(|county| county.centres.there).sum();
    assert_eq!((whole.total.centres.there, whole.counties.len()), (centres, 12), "eleven counties and the city's own");
    assert_eq!(u32::try_from(whole.points.len()).unwrap(), centres + whole.total.stations.there);
}

#[test]
fn items_are_counted_against_what_is_in_force_for_the_level() {
    let ended = ItemsDisabled { organisation: id(HALL), items: vec![id("FZ-005")], last_day: day("2025-12-31") };
    let view = view(vec![launched(HALL, "2020-06-01"), ended.into()]);
    let reference = builtin::reference();
    let items = |text: &str| {
        let answer = view.answer(&id(HALL), &reference, day(text), &PointsPage::ALL);
        answer.points.iter().find(|point| point.organisation == id(HALL)).unwrap().items
    };
    let owed = reference.catalogue.items().filter_map(|(_, item)| item.in_force(day("2025-12-31")));
    let owed = owed.filter(|version| version.definition.intake_levels.contains(&Level::Township)).count();
    assert_eq!((items("2025-12-31").numerator, items("2025-12-31").denominator), (2, count(owed)));
    assert_eq!(items("2026-01-01").numerator, 1);
}

#[test]
fn pages_of_centres_and_stations_make_the_whole_list_and_leave_the_counties_as_they_are() {
    let view = view(vec![launched(HALL, "2020-06-01"), launched(STATION, "2021-03-01")]);
    let reference = builtin::reference();
    let asked = |page: &PointsPage| view.answer(&id("361000"), &reference, day("2026-01-05"), page);
    let whole = asked(&PointsPage::ALL);
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map(|point: &PointRow| point.organisation.clone());
        let page = asked(&PointsPage { after, points_max: 7 });
        assert_eq!((&page.counties, &page.total), (&whole.counties, &whole.total));
        if page.points.is_empty() {
            break;
        }
        paged.extend(page.points);
    }
    assert_eq!(paged, whole.points);
    assert!(asked(&PointsPage::NONE).points.is_empty());
}

#[test]
fn a_circle_has_ten_minutes_in_town_and_thirty_in_the_country_to_what_is_live() {
    let reference = builtin::reference();
    let today = day("2026-01-05");
    let circles = |events| view(events).circles(&id("361023"), &reference, today);
    let all = circles(vec![launched(HALL, "2020-06-01"), launched(STATION, "2021-03-01"), survey()]);
    let near = |circle: Circle| (circle.minutes, circle.people.numerator, circle.people.denominator);
    assert_eq!((near(all.total.town), near(all.total.country)), ((10, 4000, 4000), (30, 600, 1000)));
    let outside: Vec<&str> = all.outside.iter().map(|village| village.region.as_str()).collect();
    assert_eq!(outside, ["361023100904"]);
    assert_eq!(all.outside[0].nearest, Some(Way { to: id(HALL), minutes: 31 }));

    let without_station = circles(vec![launched(HALL, "2020-06-01"), survey()]);
    assert_eq!(near(without_station.total.town), (10, 3000, 4000));
    let nothing_live = circles(vec![survey()]);
    assert_eq!((near(nothing_live.total.town).1, nothing_live.outside.len()), (0, 4));
    assert_eq!(nothing_live.outside[0].nearest, None);
    assert!(nothing_live.total.synthetic);
}

#[test]
fn the_nearest_are_live_take_the_item_and_stand_in_order() {
    let place = PlaceSet {
        organisation: id(STATION),
        setting: Setting::Town,
        address_zh: "琴台路1号".to_owned(),
        point: None,
        synthetic: true,
    };
    let view = view(vec![launched(HALL, "2020-06-01"), launched(STATION, "2021-03-01"), place.into(), survey()]);
    let reference = builtin::reference();
    let from = |village: &str, item: Option<&str>| {
        let near = view.from_village(&id(village), item.map(id).as_ref(), &reference, day("2026-01-05"))?;
        Some(near.into_iter().map(|one| (one.organisation.to_string(), one.minutes)).collect::<Vec<_>>())
    };
    let both = vec![(STATION.to_owned(), 4), (HALL.to_owned(), 11)];
    assert_eq!(from("361023100902", Some("FZ-001")), Some(both));
    assert_eq!(from("361023100902", Some("FZ-002")), Some(vec![]));
    assert_eq!(from("361023100999", None), None);
}

#[test]
fn the_view_comes_back_from_its_written_form() {
    let view = view(vec![launched(HALL, "2020-06-01"), survey()]);
    let json = serde_json::to_vec(&view).unwrap();
    assert_eq!(serde_json::from_slice::<Coverage>(&json).unwrap(), view);
    assert_eq!(view.cells(), 2 + 4);
}
