//! Answers already written, each kept until something is recorded.
//!
//! What an answer tells follows from the question, the views, and the day by which lights are judged. Who may put a question
//! is judged before, and what a caller may not see is a limit that stands in the question. So whoever puts the same question
//! while nothing was recorded gets the same bytes, and those who look at one screen all morning cost what one of them does.

use crate::bounded::Bounded;
use crate::problem::{Kind, Problem};
use crate::views::{Kept, Seen};
use bytes::Bytes;
use chrono::NaiveDate;
use domain::reference::Reference;
use eventstore::Position;
use replay::moment::Slice;
use serde::Serialize;
use std::any::TypeId;
use std::fmt::Debug;

/// Answers that are kept.
const ANSWERS_MAX: usize = 256;
/// A longer answer than this is not kept.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// A question about one view. Whatever the answer depends on besides the views and the day is a field of it: what is no
/// field cannot be looked at by [`answer`](Self::answer), so nobody is given what was written for somebody else.
pub trait Question: Debug + Send + 'static {
    /// The view that knows.
    type View: Kept;
    /// What is told.
    type Answer: Serialize;

    /// Works out the answer as seen on a day.
    ///
    /// # Errors
    /// The question has no answer.
    fn answer(&self, view: &Self::View, reference: &Reference, day: NaiveDate) -> Result<Self::Answer, Problem>;

    /// Writes the answer down: as JSON, where nothing else is said.
    ///
    /// # Errors
    /// It cannot be written.
    fn written(&self, answer: &Self::Answer) -> Result<Vec<u8>, Problem> {
        json(answer)
    }
}

/// Writes something down as JSON.
///
/// # Errors
/// It cannot be written.
pub fn json<T: Serialize>(told: &T) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(told).map_err(|_| Problem::new(Kind::Internal))
}

/// What an answer is kept under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    kind: TypeId,
    question: String,
    day: NaiveDate,
    past: Option<Slice>,
}

impl Asked {
    /// A question as put on a day, of the present or of a slice of history.
    #[must_use]
    pub fn of<Q: Question>(question: &Q, day: NaiveDate, past: Option<Slice>) -> Self {
        Self { kind: TypeId::of::<Q>(), question: format!("{question:?}"), day, past }
    }
}

/// Answers already written, a bounded number of them.
pub struct Answers {
    kept: Bounded<Asked, Seen<Bytes>>,
}

impl Default for Answers {
    fn default() -> Self {
        Self { kept: Bounded::new(ANSWERS_MAX) }
    }
}

impl Answers {
    /// Returns what was written for a question, if it is what would be written now that the views stand at this position.
    #[must_use]
    pub fn kept(&self, asked: &Asked, position: Position) -> Option<Seen<Bytes>> {
        // The past stays as it was.
        self.kept.get(asked).filter(|seen| asked.past.is_some() || seen.position == position)
    }

    /// Keeps an answer, unless it is very long.
    pub fn keep(&self, asked: Asked, seen: Seen<Bytes>) {
        if seen.value.len() <= ANSWER_BYTES_MAX {
            self.kept.put(asked, seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use projections::reference::ReferenceData;

    #[derive(Debug)]
    struct Of(u32);

    impl Question for Of {
        type View = ReferenceData;
        type Answer = u32;

        fn answer(&self, _: &ReferenceData, _: &Reference, _: NaiveDate) -> Result<u32, Problem> {
            Ok(self.0)
        }
    }

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2022, 2, day).unwrap()
    }

    fn seen(text: &'static str, position: u64) -> Seen<Bytes> {
        Seen { value: Bytes::from_static(text.as_bytes()), position: Position(position) }
    }

    #[test]
    fn an_answer_holds_for_its_question_its_day_and_until_something_is_recorded() {
        let answers = Answers::default();
        answers.keep(Asked::of(&Of(1), day(14), None), seen("1", 7));
        let kept = |question: u32, on: u32, position: u64| {
            answers.kept(&Asked::of(&Of(question), day(on), None), Position(position)).is_some()
        };
        assert!(kept(1, 14, 7));
        assert!(!kept(2, 14, 7), "another question");
        assert!(!kept(1, 15, 7), "another day");
        assert!(!kept(1, 14, 8), "something was recorded");
    }

    #[test]
    fn an_answer_about_the_past_holds_for_ever_and_for_no_other_past() {
        let answers = Answers::default();
        let past = |through| Some(Slice::through(Position(through)));
        answers.keep(Asked::of(&Of(1), day(14), past(5)), seen("1", 5));
        assert!(answers.kept(&Asked::of(&Of(1), day(14), past(5)), Position(900)).is_some());
        assert!(answers.kept(&Asked::of(&Of(1), day(14), past(6)), Position(900)).is_none());
        assert!(answers.kept(&Asked::of(&Of(1), day(14), None), Position(5)).is_none());
    }

    #[test]
    fn a_very_long_answer_is_not_kept() {
        let answers = Answers::default();
        let long = Bytes::from(vec![b'1'; ANSWER_BYTES_MAX + 1]);
        answers.keep(Asked::of(&Of(1), day(14), None), Seen { value: long, position: Position(7) });
        assert!(answers.kept(&Asked::of(&Of(1), day(14), None), Position(7)).is_none());
    }
}
