//! The view is the domain's own fold, and knows how far each stream is in it.

use super::*;
use crate::testing::{Story, day};
use crate::testing::{actor, case_id, history, noon};
use domain::actor::Role;
use domain::builtin;

fn built_in() -> Vec<Fact> {
    let mut story = Story::default();
    let admin = actor("admin", Role::Admin, "361000");
    for event in builtin::events() {
        story.tell(noon(day("2020-01-01")), event.subject, &admin, event.event);
    }
    story.facts()
}

#[test]
fn the_built_in_history_gives_the_built_in_reference() {
    let mut view = ReferenceData::default();
    built_in().iter().for_each(|fact| view.apply(fact));
    assert_eq!(view.reference, builtin::reference());
    let last = built_in().into_iter().rfind(|fact| fact.subject == Subject::Calendar).unwrap();
    assert_eq!(view.version(&Subject::Calendar), last.version);
    let json = serde_json::to_vec(&view).unwrap();
    assert_eq!(serde_json::from_slice::<ReferenceData>(&json).unwrap(), view);
}

#[test]
fn cases_and_ratings_leave_it_alone() {
    let mut view = ReferenceData::default();
    history(1, 5).iter().for_each(|fact| view.apply(fact));
    assert_eq!(view, ReferenceData::default());
    assert_eq!(view.version(&Subject::Case(case_id(1))), 0);
}
