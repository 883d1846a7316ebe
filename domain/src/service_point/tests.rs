use super::*;
use crate::actor::Role;
use crate::event::service_point::Setting;
use crate::testing::{REFERENCE, actor, at, context, day, organisation};

const HALL: &str = "361023100";
/// 低保, taken in by townships.
const DIBAO: &str = "FZ-001";

fn item(id: &str) -> ItemId {
    id.parse().unwrap()
}

fn launched(since: &str) -> ServiceLaunched {
    ServiceLaunched { organisation: organisation(HALL), since: day(since), items: vec![item(DIBAO)] }
}

fn village(region: &str, ways: &[(&str, u16)]) -> VillageWays {
    let ways = ways.iter().map(|(to, minutes)| Way { to: organisation(to), minutes: *minutes });
    VillageWays {
        region: region.parse().unwrap(),
        name_zh: "示例村".to_owned(),
        setting: Setting::Country,
        people: 1000,
        ways: ways.collect(),
    }
}

fn survey(villages: Vec<VillageWays>) -> TravelSurveyed {
    let source = "步行和公交实测".to_owned();
    TravelSurveyed {
        organisation: organisation(HALL),
        villages,
        source,
        synthetic: true,
        surveyed_on: day("2026-01-05"),
    }
}

#[track_caller]
fn check(given: &[ServicePointEvent], when: Command, then: Result<Vec<ServicePointEvent>, Rejection>) {
    let mut state = ServicePointState::default();
    given.iter().for_each(|event| state.evolve(event));
    let admin = actor("admin", Role::Admin);
    assert_eq!(state.decide(&when, &context(at("2026-03-02", "09:00:00"), &admin, &REFERENCE)), then);
}

#[test]
fn a_point_goes_live_once_with_items_of_its_level() {
    use ServicePointRejection::*;
    let live: ServicePointEvent = launched("2021-01-01").into();
    check(&[], Command::Launch(launched("2021-01-01")), Ok(vec![live.clone()]));
    check(std::slice::from_ref(&live), Command::Launch(launched("2021-01-01")), Ok(vec![]));
    check(&[live], Command::Launch(launched("2021-02-01")), Err(LiveAlready(day("2021-01-01"))));
    check(&[], Command::Launch(launched("2018-12-31")), Err(LiveBeforeRegistration(day("2019-01-01"))));
    let empty = ServiceLaunched { items: vec![], ..launched("2021-01-01") };
    check(&[], Command::Launch(empty), Err(NoItemNamed));
    let unknown = ServiceLaunched { items: vec![item("FZ-999")], ..launched("2021-01-01") };
    check(&[], Command::Launch(unknown), Err(ItemUnknown(item("FZ-999"))));
    let not_for_stations = ServiceLaunched { items: vec![item("FZ-034")], ..launched("2021-01-01") };
    let station = ServiceLaunched { organisation: organisation("361023100-QINTAILU"), ..not_for_stations.clone() };
    check(&[], Command::Launch(station), Err(ItemOfOtherLevel(item("FZ-034"))));
    // The county decides it, so that its centre takes it in too.
    let county = ServiceLaunched { organisation: organisation("361023"), ..not_for_stations };
    check(&[], Command::Launch(county.clone()), Ok(vec![county.clone().into()]));
    let given_down = ServiceLaunched { items: vec![item(DIBAO)], ..county };
    check(&[], Command::Launch(given_down), Err(ItemOfOtherLevel(item(DIBAO))));
    let bureau = ServiceLaunched { organisation: organisation("361023-MZ"), ..launched("2021-01-01") };
    check(&[], Command::Launch(bureau), Err(NotAServicePoint(organisation("361023-MZ"))));
}

#[test]
fn items_come_and_go_while_a_point_is_live() {
    use ServicePointRejection::*;
    let enable = |items: &[&str], since: &str| ItemsEnabled {
        organisation: organisation(HALL),
        items: items.iter().map(|id| item(id)).collect(),
        since: day(since),
    };
    let disable = |last_day: &str| ItemsDisabled {
        organisation: organisation(HALL),
        items: vec![item(DIBAO)],
        last_day: day(last_day),
    };
    let live: ServicePointEvent = launched("2021-01-01").into();
    check(&[], Command::EnableItems(enable(&["FZ-005"], "2021-01-01")), Err(NotLive));
    let early = Err(EnabledBeforeLive(day("2021-01-01")));
    check(std::slice::from_ref(&live), Command::EnableItems(enable(&["FZ-005"], "2020-12-31")), early);
    let only_new = Ok(vec![enable(&["FZ-005"], "2021-03-01").into()]);
    check(std::slice::from_ref(&live), Command::EnableItems(enable(&[DIBAO, "FZ-005"], "2021-03-01")), only_new);
    check(&[], Command::DisableItems(disable("2021-06-30")), Err(ItemNotEnabled(item(DIBAO))));
    let reversed = Err(DisabledBeforeEnabled(item(DIBAO)));
    check(std::slice::from_ref(&live), Command::DisableItems(disable("2020-06-30")), reversed);
    let ended: ServicePointEvent = disable("2021-06-30").into();
    check(std::slice::from_ref(&live), Command::DisableItems(disable("2021-06-30")), Ok(vec![ended.clone()]));
    let again = enable(&[DIBAO], "2021-09-01");
    check(&[live, ended], Command::EnableItems(again.clone()), Ok(vec![again.into()]));
}

#[test]
fn a_place_has_an_address_and_lies_on_the_map() {
    let place = |address: &str, point| PlaceSet {
        organisation: organisation(HALL),
        setting: Setting::Town,
        address_zh: address.to_owned(),
        point,
        synthetic: true,
    };
    let here = Some(crate::event::service_point::MapPoint { longitude: 116_530_000, latitude: 27_210_000 });
    let nowhere = Some(crate::event::service_point::MapPoint { longitude: 116_530_000, latitude: 271_000_000 });
    check(&[], Command::SetPlace(place("琴城镇示例路1号", here)), Ok(vec![place("琴城镇示例路1号", here).into()]));
    check(&[], Command::SetPlace(place(" ", here)), Err(Rejection::AddressMissing));
    check(&[], Command::SetPlace(place("琴城镇示例路1号", nowhere)), Err(Rejection::PointOffTheMap));
}

#[test]
fn a_survey_measures_ways_from_the_townships_own_villages_to_places_that_are_there() {
    use ServicePointRejection::*;
    let of = |villages| Command::SurveyTravel(survey(villages));
    let region = |text: &str| text.parse::<RegionCode>().unwrap();
    let good = || village("361023100901", &[(HALL, 18)]);
    check(&[], of(vec![good()]), Ok(vec![survey(vec![good()]).into()]));
    check(&[survey(vec![good()]).into()], of(vec![good()]), Ok(vec![]));
    check(&[], of(vec![]), Err(VillagesOutOfRange));
    check(&[], of(vec![good(), good()]), Err(VillageTwice(region("361023100901"))));
    check(&[], of(vec![village("361023101901", &[])]), Err(VillageElsewhere(region("361023101901"))));
    check(&[], of(vec![village("361023100", &[])]), Err(VillageElsewhere(region("361023100"))));
    let nowhere = Err(WayToNowhere(organisation("999")));
    check(&[], of(vec![village("361023100901", &[("999", 5)])]), nowhere);
    check(&[], of(vec![village("361023100901", &[(HALL, 5), (HALL, 6)])]), Err(WayTwice(region("361023100901"))));
    check(&[], of(vec![village("361023100901", &[(HALL, 601)])]), Err(WayTooLong));
    let nobody = TravelSurveyed { source: String::new(), ..survey(vec![good()]) };
    check(&[], Command::SurveyTravel(nobody), Err(SurveySourceMissing));
    let county = TravelSurveyed { organisation: organisation("361023"), ..survey(vec![good()]) };
    check(&[], Command::SurveyTravel(county), Err(NotATownship));
}
