//! The file of a case is the same however it is folded, and is kept exactly while somebody has work with it.

use super::*;
use crate::testing::{case_id, history};
use domain::case::Phase;
use proptest::prelude::*;

fn file_of(facts: &[Fact], case: CaseId) -> CaseFile {
    let mut file = CaseFile::default();
    facts.iter().filter(|fact| fact.subject == Subject::Case(case)).for_each(|fact| file.apply(fact));
    file
}

fn open_after(facts: &[Fact]) -> OpenCases {
    let mut open = OpenCases::default();
    for fact in facts {
        if let (Event::Case(event), Subject::Case(case)) = (&fact.event, &fact.subject) {
            open.apply(*case, event, fact);
        }
    }
    open
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_file_among_all_open_ones_is_the_file_of_its_stream(seed in 1_u64..) {
        let facts = history(seed, 40);
        let open = open_after(&facts);
        prop_assert!(!open.is_empty());
        for (case, file) in open.iter() {
            prop_assert_eq!(file, &file_of(&facts, case));
        }
    }

    #[test]
    fn what_is_not_kept_is_done_with_and_what_is_kept_is_not(seed in 1_u64..) {
        let facts = history(seed, 40);
        let open = open_after(&facts);
        for number in 0..40 {
            let file = file_of(&facts, case_id(number));
            if file.case.phase.is_open() {
                prop_assert!(open.get(case_id(number)).is_some(), "{:?}", file.case.phase);
            }
            if open.get(case_id(number)).is_some() {
                prop_assert!(file.is_live());
            }
        }
    }

    #[test]
    fn files_come_back_from_json(seed in 1_u64..) {
        let open = open_after(&history(seed, 15));
        let json = serde_json::to_vec(&open).unwrap();
        prop_assert_eq!(serde_json::from_slice::<OpenCases>(&json).unwrap(), open);
    }
}

#[test]
fn an_imported_case_has_a_file_and_is_never_open() {
    let facts = history(1, 5);
    let file = file_of(&facts, case_id(5));
    assert_eq!(file.case.phase, Phase::Legacy);
    assert_eq!(file.source().map(SourceName::as_str), Some("bpic15"));
    assert!(open_after(&facts).get(case_id(5)).is_none());
}

#[test]
fn a_file_takes_in_no_other_case() {
    let facts = history(1, 5);
    let mut file = file_of(&facts, case_id(0));
    let before = file.clone();
    facts.iter().filter(|fact| fact.subject != Subject::Case(case_id(0))).for_each(|fact| file.apply(fact));
    assert_eq!(file, before);
}
