use super::*;

fn code(text: &str) -> RegionCode {
    text.parse().unwrap()
}

#[track_caller]
fn check(given: &str, now: &str, county: &str) {
    assert_eq!(as_now(&code(given)), code(now));
    assert_eq!(county_of(&code(given)), code(county));
}

#[test]
fn old_codes_lead_to_the_county_of_today() {
    check("362524", "361023", "362524");
    check("362501", "361002", "362501");
    check("362531", "361003", "362531");
    check("361029100", "361003100", "361029");
    check("361023100", "361023100", "361023");
    check("361023100001", "361023100001", "361023");
    check("110105", "110105", "110105");
}

#[test]
fn names_are_known_for_counties_and_townships_of_then_and_now() {
    assert_eq!(name(&code("361023")), Some("南丰县"));
    assert_eq!(name(&code("361023100")), Some("琴城镇"));
    assert_eq!(name(&code("362502")), Some("临川市"));
    assert_eq!(name(&code("361002004")), Some("六水桥街道"));
    assert_eq!(name(&code("999999")), None);
}

#[test]
fn the_city_has_eleven_counties_and_181_townships_in_use() {
    let in_use =
        |digits: usize| all().filter(move |region| region.to.is_none() && region.code.as_str().len() == digits);
    assert_eq!(in_use(6).filter(|region| region.code != code("361000")).count(), 11);
    assert_eq!(in_use(9).count(), 181);
}

#[test]
fn every_successor_is_known_or_lies_elsewhere() {
    let lost: Vec<&str> = all()
        .filter_map(|region| region.successor.as_ref())
        .filter(|successor| get(successor).is_none())
        .map(RegionCode::as_str)
        .collect();
    assert_eq!(lost, ["360124"], "进贤 went to 南昌 in 1983");
}

#[test]
fn a_region_lies_in_those_that_its_code_begins_with() {
    assert!(lies_in(&code("361023100"), &code("361023")));
    assert!(lies_in(&code("361023100"), &code("361000")));
    assert!(lies_in(&code("361023100001"), &code("361023100000")));
    assert!(!lies_in(&code("361023100"), &code("361002")));
    assert!(!lies_in(&code("361023"), &code("361023100")));
}

#[test]
fn a_township_is_cut_from_codes_that_are_long_enough() {
    assert_eq!(township_of(&code("361023100001")), Some(code("361023100")));
    assert_eq!(township_of(&code("361023")), None);
    assert_eq!(county_of(&code("36")), code("36"));
}
