//! The latest score of each hall counts, and counties stand by the mean of theirs.

use super::*;
use crate::testing::{Story, actor, day, id, noon};
use domain::actor::Role;
use domain::builtin;
use domain::event::campaign::{CampaignOpened, ChoiceWithdrawn};
use domain::event::checklist::Card;
use domain::event::inspection::InspectionOpened;
use domain::fact::Subject;
use ulid::Ulid;

fn number(number: u64) -> InspectionId {
    InspectionId(Ulid::from_parts(number, 1))
}

/// An inspection of a hall, and its score where it has one.
fn inspected(ordinal: u64, hall: &str, county: &str, on: &str, hundredths: Option<u32>) -> Vec<(Subject, Event)> {
    let opened = InspectionOpened {
        inspection: number(ordinal),
        hall: id(hall),
        county: Some(id(county)),
        inspector: id("li"),
        inspected_on: day(on),
        checklist: id("model-hall"),
        checklist_version: 1,
        card: Card { total: 100, weights: vec![], parts: vec![] },
        from: day("2026-01-01"),
        to: day("2026-02-01"),
    };
    let scored = hundredths.map(|hundredths| InspectionScored {
        inspection: opened.inspection,
        hall: opened.hall.clone(),
        county: opened.county.clone(),
        checklist: opened.checklist.clone(),
        checklist_version: 1,
        position: 7,
        asked_on: day(on),
        parts: vec![],
        criteria: vec![],
        hundredths,
    });
    let subject = Subject::Inspection(number(ordinal));
    let events = [Some(InspectionEvent::from(opened)), scored.map(InspectionEvent::from)];
    events.into_iter().flatten().map(|event| (subject.clone(), event.into())).collect()
}

fn view(told: Vec<Vec<(Subject, Event)>>) -> Scores {
    let mut story = Story::default();
    let supervisor = actor("li", Role::Supervisor, "361000");
    for (subject, event) in told.into_iter().flatten() {
        story.tell(noon(day("2026-03-02")), subject, &supervisor, event);
    }
    let mut scores = Scores::default();
    story.facts().iter().for_each(|fact| scores.apply(fact));
    scores
}

fn march() -> Scores {
    view(vec![
        inspected(1, "361023100", "361023", "2026-03-02", Some(7000)),
        inspected(2, "361023100", "361023", "2026-03-09", Some(9001)),
        inspected(3, "361023101", "361023", "2026-03-09", Some(8000)),
        inspected(4, "361003103", "361003", "2026-03-09", Some(8500)),
        inspected(5, "361002004", "361002", "2026-03-09", None),
        inspected(6, "361028100", "361028", "2026-03-09", Some(8500)),
        inspected(7, "361023102", "361023", "2026-04-01", Some(100)),
    ])
}

fn ranking(organisation: &str, by: RankBy) -> Vec<(u32, String, u32, u32)> {
    let period = Period { from: day("2026-03-01"), to: day("2026-04-01") };
    let query = RankingQuery { checklist: id("model-hall"), period, organisation: id(organisation), by };
    let ranked = march().ranking(&query, &builtin::reference().organisations);
    ranked.into_iter().map(|row| (row.rank, row.organisation.to_string(), row.halls, row.hundredths)).collect()
}

fn row(rank: u32, organisation: &str, halls: u32, hundredths: u32) -> (u32, String, u32, u32) {
    (rank, organisation.to_owned(), halls, hundredths)
}

#[test]
fn counties_stand_by_the_mean_of_their_halls_latest_scores_and_may_share_a_place() {
    let expected = [row(1, "361003", 1, 8500), row(1, "361023", 2, 8500), row(1, "361028", 1, 8500)];
    assert_eq!(ranking("361000", RankBy::County), expected);
}

#[test]
fn halls_stand_by_their_latest_score_among_those_under_the_organisation() {
    let expected = [
        row(1, "361023100", 1, 9001),
        row(2, "361003103", 1, 8500),
        row(2, "361028100", 1, 8500),
        row(4, "361023101", 1, 8000),
    ];
    assert_eq!(ranking("361000", RankBy::Hall), expected);
    assert_eq!(ranking("361023", RankBy::Hall), [row(1, "361023100", 1, 9001), row(2, "361023101", 1, 8000)]);
}

#[test]
fn candidates_are_those_chosen_and_not_taken_back_best_first() {
    let chosen = |hall: &str, hundredths| -> Event {
        let chosen = HallChosen {
            campaign: id("2026"),
            county: id("361023"),
            hall: id(hall),
            inspection: number(1),
            checklist_version: 1,
            criteria: vec![],
            hundredths,
        };
        CampaignEvent::from(chosen).into()
    };
    let opened = CampaignOpened {
        campaign: id("2026"),
        name_zh: "2026年度标杆大厅".to_owned(),
        checklist: id("model-hall"),
        halls_per_county: 3,
        counties: vec![id("361023")],
        from: day("2026-03-01"),
        through: day("2026-03-31"),
    };
    let withdrawn = ChoiceWithdrawn { campaign: id("2026"), county: id("361023"), hall: id("361023102") };
    let events: Vec<Event> = vec![
        CampaignEvent::from(opened).into(),
        chosen("361023100", 8000),
        chosen("361023101", 9000),
        chosen("361023102", 9900),
        CampaignEvent::from(withdrawn).into(),
    ];
    let subject = Subject::Campaign(id("2026"));
    let scores = view(vec![events.into_iter().map(|event| (subject.clone(), event)).collect()]);
    let halls: Vec<&str> = scores.candidates(&id("2026")).iter().map(|chosen| chosen.hall.as_str()).collect();
    assert_eq!(halls, ["361023101", "361023100"]);
}

#[test]
fn the_view_comes_back_from_its_written_form() {
    let json = serde_json::to_vec(&march()).unwrap();
    assert_eq!(serde_json::from_slice::<Scores>(&json).unwrap(), march());
    assert_eq!(march().cells(), 7);
}
