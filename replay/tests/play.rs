//! Whoever plays history until a moment sees at every step what stood then, and ends with the view as of the last.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod random_history;

use chrono::TimeDelta;
use domain::zone::day_of;
use projections::queues::{Queues, TallyQuery};
use projections::reference::ReferenceData;
use proptest::prelude::*;
use random_history::{BEGINNING, Log, Looking, Step, histories, run};
use replay::as_of::as_of;
use replay::moment::{Basis, Moment};
use replay::play::{Player, Score};
use replay::view::View;

async fn every_step_is_a_view_as_of_its_moment(steps: &[Step], from: i64, minutes: i64, step: i64) {
    let looking = Looking::at(Log::with(steps).await).await;
    let history = looking.log.history().clone();
    let (from, to) = (BEGINNING + TimeDelta::minutes(from), BEGINNING + TimeDelta::minutes(from + minutes));
    let score = Score { from, to, step: TimeDelta::minutes(step), query: TallyQuery::default() };

    let mut player = Player::begin(&looking.past, score).await.unwrap();
    let mut last = None;
    while let Some(tick) = player.next().await.unwrap() {
        let slice = history.slice(Moment::At(tick.at, Basis::Recorded)).await.unwrap();
        let queues: View<Queues> = as_of(&history, None, None, &slice).await.unwrap();
        let reference: View<ReferenceData> = as_of(&history, None, None, &slice).await.unwrap();
        let expected = queues.state.tally(&TallyQuery::default(), &reference.state.reference, day_of(tick.at));
        assert_eq!((tick.position, &tick.tally), (slice.through.0, &expected));
        assert_eq!(*player.queues(), queues);
        last = Some(tick.at);
    }
    assert_eq!(last, Some(to));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_replay_ends_in_the_same_state_as_a_look_back(
        steps in histories(60),
        from in -100_i64..40_000,
        minutes in 1_i64..60_000,
        step in 3_000_i64..20_000,
    ) {
        run(every_step_is_a_view_as_of_its_moment(&steps, from, minutes, step));
    }
}
