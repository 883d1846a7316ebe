use super::*;
use crate::actor::{Actor, Role};
use crate::testing::{REFERENCE, actor, at, context, day, organisation};
use ulid::Ulid;

fn inspection(number: u128) -> InspectionId {
    InspectionId(Ulid::from_parts(1, number))
}

fn scored(hall: &str, county: &str, number: u128) -> InspectionScored {
    InspectionScored {
        inspection: inspection(number),
        hall: organisation(hall),
        county: Some(organisation(county)),
        checklist: "model-hall".parse().unwrap(),
        checklist_version: 1,
        position: 4711,
        asked_on: day("2026-03-02"),
        parts: vec![],
        criteria: vec![],
        hundredths: 8800,
    }
}

fn choose(scored: &InspectionScored) -> CampaignCommand {
    CampaignCommand::Choose { inspection: scored.inspection, scored: Some(Box::new(scored.clone())) }
}

fn open() -> CampaignCommand {
    CampaignCommand::Open {
        campaign: "2026".parse().unwrap(),
        name_zh: "2026年度标杆大厅".to_owned(),
        checklist: Some("model-hall".parse().unwrap()),
        halls_per_county: 3,
        from: day("2026-03-01"),
        through: day("2026-03-31"),
    }
}

fn of(county: &str) -> Actor {
    Actor { organisation: organisation(county), ..actor("supervisor", Role::Supervisor) }
}

fn decided_on(
    day_text: &str,
    given: &[CampaignEvent],
    who: &Actor,
    when: &CampaignCommand,
) -> Result<Vec<CampaignEvent>, CampaignRejection> {
    let mut campaign = Campaign::default();
    given.iter().for_each(|event| campaign.evolve(event));
    campaign.decide(when, &context(at(day_text, "09:00:00"), who, &REFERENCE))
}

fn decided(
    given: &[CampaignEvent],
    county: &str,
    when: &CampaignCommand,
) -> Result<Vec<CampaignEvent>, CampaignRejection> {
    decided_on("2026-03-02", given, &of(county), when)
}

fn opened() -> Vec<CampaignEvent> {
    decided(&[], "361000", &open()).unwrap()
}

fn after_choosing(halls: &[&str]) -> Vec<CampaignEvent> {
    let mut given = opened();
    for (number, hall) in (1..).zip(halls) {
        given.extend(decided(&given, "361023", &choose(&scored(hall, "361023", number))).unwrap());
    }
    given
}

#[test]
fn a_campaign_names_the_counties_that_take_part() {
    let given = opened();
    let [CampaignEvent::CampaignOpened(campaign)] = &given[..] else { panic!("{given:?}") };
    assert_eq!(campaign.counties.len(), 11);
    assert_eq!(decided(&given, "361000", &open()), Ok(vec![]));
    let CampaignCommand::Open { campaign, name_zh, halls_per_county, from, through, .. } = open() else { return };
    let unknown = CampaignCommand::Open { campaign, name_zh, checklist: None, halls_per_county, from, through };
    assert_eq!(decided(&[], "361000", &unknown), Err(CampaignRejection::ChecklistUnknown));
}

#[test]
fn each_county_chooses_at_most_three_of_its_own_halls_that_are_scored() {
    use CampaignRejection::*;
    let given = after_choosing(&["361023100", "361023101", "361023102"]);
    assert_eq!(given.len(), 4);
    let fourth = choose(&scored("361023103", "361023", 9));
    assert_eq!(decided(&given, "361023", &fourth), Err(CountyHasChosen(3)));
    let same = choose(&scored("361023101", "361023", 2));
    assert_eq!(decided(&given, "361023", &same), Ok(vec![]), "it is so already");
    let better = choose(&scored("361023101", "361023", 7));
    assert_eq!(
        decided(&given, "361023", &better).map(|events| events.len()),
        Ok(1),
        "another inspection, no further place"
    );
    let other = choose(&scored("361003103", "361003", 5));
    assert_eq!(decided(&given, "361023", &other), Err(HallOfOtherCounty(organisation("361003103"))));
    assert_eq!(decided(&given, "361000", &other), Err(CountyNotInCampaign));
    let county = choose(&scored("361023", "361023", 6));
    assert_eq!(decided(&given, "361023", &county), Err(NotATownshipCentre(organisation("361023"))));
    let unscored = CampaignCommand::Choose { inspection: inspection(8), scored: None };
    assert_eq!(decided(&given, "361023", &unscored), Err(NotScored));
    let by_other = InspectionScored { checklist: "other".parse().unwrap(), ..scored("361023103", "361023", 8) };
    assert_eq!(decided(&given, "361023", &choose(&by_other)), Err(ScoredByOther("other".parse().unwrap())));
}

#[test]
fn a_choice_taken_back_makes_room_for_another() {
    use CampaignRejection::*;
    let mut given = after_choosing(&["361023100", "361023101", "361023102"]);
    let withdraw = CampaignCommand::Withdraw { hall: organisation("361023101") };
    assert_eq!(decided(&given, "361003", &withdraw), Err(HallOfOtherCounty(organisation("361023101"))));
    given.extend(decided(&given, "361023", &withdraw).unwrap());
    assert_eq!(decided(&given, "361023", &withdraw), Err(HallNotChosen(organisation("361023101"))));
    assert!(decided(&given, "361023", &choose(&scored("361023103", "361023", 9))).is_ok());
}

#[test]
fn halls_are_chosen_while_the_campaign_lasts() {
    let when = choose(&scored("361023100", "361023", 1));
    let outside = Err(CampaignRejection::OutsideCampaign(day("2026-03-01"), day("2026-03-31")));
    assert_eq!(decided_on("2026-02-28", &opened(), &of("361023"), &when), outside);
    assert_eq!(decided_on("2026-04-01", &opened(), &of("361023"), &when), outside);
    assert_eq!(decided(&[], "361023", &when), Err(CampaignRejection::CampaignNotOpen));
}
