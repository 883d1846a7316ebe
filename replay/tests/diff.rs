//! What differs between two moments, made to the first, gives the second; and every difference names its facts.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod random_history;

use chrono::TimeDelta;
use domain::event::{CaseEvent, Event};
use domain::fact::Subject;
use eventstore::Position;
use projections::reference::ReferenceData;
use proptest::prelude::*;
use random_history::{BEGINNING, Log, Looking, Step, case, fixture, histories, run};
use replay::as_of::as_of;
use replay::diff::{Diff, End, Why, of_case, of_view};
use replay::difference::{Cells, Change};
use replay::moment::{Basis, Moment, Slice};
use replay::question::{Asked, Question, ViewKind};
use replay::view::View;

impl Looking {
    async fn end(&self, minutes: i64, basis: Basis) -> End {
        let at = BEGINNING + TimeDelta::minutes(minutes);
        End { at, slice: self.log.history().slice(Moment::At(at, basis)).await.unwrap() }
    }

    async fn cells(&self, question: &Question, end: &End) -> Cells {
        let reference: View<ReferenceData> =
            as_of(self.log.history(), None, Some(self.past.index()), &end.slice).await.unwrap();
        let asked = Asked::at(question.view, &self.past, &end.slice).await.unwrap();
        Cells::of(&asked.answer(question, &reference.state.reference, end.at).unwrap())
    }
}

fn changes(diff: &Diff) -> Vec<Change> {
    diff.changes.iter().map(|difference| difference.change.clone()).collect()
}

async fn the_difference_makes_the_later_of_the_earlier(steps: &[Step], from: i64, minutes: i64, basis: Basis) {
    let looking = Looking::at(Log::with(steps).await).await;
    let from_end = looking.end(from, Basis::Recorded).await;
    let to_end = looking.end(from + minutes, basis).await;
    for view in ViewKind::ALL {
        let question = Question::of(view);
        let diff = of_view(&looking.past, &question, &from_end, &to_end).await.unwrap();
        let mut cells = looking.cells(&question, &from_end).await;
        cells.apply(&changes(&diff));
        assert_eq!(cells, looking.cells(&question, &to_end).await, "{view:?}");
        let is_told = |position: &u64| diff.causes.iter().any(|cause| cause.position == *position);
        assert!(diff.changes.iter().flat_map(|change| &change.by).all(is_told));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_difference_applied_gives_the_other(
        steps in histories(60),
        from in -100_i64..30_000,
        minutes in 0_i64..30_000,
        effective in any::<bool>(),
    ) {
        let basis = if effective { Basis::Effective } else { Basis::Recorded };
        run(the_difference_makes_the_later_of_the_earlier(&steps, from, minutes, basis));
    }
}

/// A case, day by day: applied for, received, accepted; then a correction keyed in for an earlier day.
async fn story() -> Looking {
    let mut log = Log::empty();
    let day = |days: i64| BEGINNING + TimeDelta::days(days);
    for (days, kind) in [(1, "case-submitted"), (2, "case-received"), (3, "case-accepted"), (20, "record-corrected")] {
        log.set_now(day(days));
        let event = fixture(kind, 0);
        log.append(Subject::Case(case(0)), event, day(days)).await;
    }
    Looking::at(log).await
}

#[test]
fn every_field_of_a_case_names_the_act_that_changed_it() {
    run(async {
        let looking = story().await;
        let end = |days: i64| looking.end(days * 1440 + 1, Basis::Recorded);
        let diff = of_case(&looking.past, case(0), &end(2).await, &end(3).await).await.unwrap();
        let phase = diff.changes.iter().find(|change| change.change.cell == "/case/phase").unwrap();
        assert_eq!((phase.by.as_slice(), phase.by_time_alone), (&[3][..], false));
        assert!(diff.changes.iter().all(|change| change.by == [3]), "{:?}", diff.changes);
        assert_eq!(diff.causes.len(), 1);
        assert_eq!((diff.causes[0].event, diff.causes[0].why), ("case-accepted", Why::Happened));
        let same = of_case(&looking.past, case(0), &end(3).await, &end(4).await).await.unwrap();
        assert_eq!(same.changes, []);
    });
}

#[test]
fn what_was_corrected_later_is_told_as_a_correction() {
    run(async {
        let looking = story().await;
        let Event::Case(CaseEvent::RecordCorrected(corrected)) = fixture("record-corrected", 0) else { panic!() };
        let day = corrected.effective_on;
        let at = domain::zone::start_of(day.succ_opt().unwrap());
        let known = looking.log.history().head().await.unwrap().position;
        let slice = |late: bool| Slice {
            through: Position(3),
            late: late.then_some(replay::moment::Late { until: at.max(BEGINNING), known }),
        };
        let (then, now) = (End { at, slice: slice(false) }, End { at, slice: slice(true) });
        let diff = of_case(&looking.past, case(0), &then, &now).await.unwrap();
        assert_eq!(diff.facts.get(&Why::Correction), Some(&1));
        assert!(diff.changes.iter().all(|change| change.by == [4]));
    });
}
