//! `diff`: what changed between two moments, and which facts did it.

use crate::Outcome;
use crate::arguments::{Ask, Diff, ViewName};
use crate::check::unreadable;
use crate::data::{Data, Opened};
use crate::failure::Failure;
use crate::legacy::now;
use chrono::{DateTime, FixedOffset};
use domain::zone;
use projections::processing_times::Cohort;
use projections::scope::{Attribution, Period};
use replay::as_of::Past;
use replay::diff::{self, DiffError, End};
use replay::moment::{Basis, Moment};
use replay::question::{Question, QuestionError, ViewKind};
use serde_json::json;

pub(crate) async fn diff(data: &Data, wanted: Diff) -> Result<Outcome, Failure> {
    let (from, to) = (wanted.from, wanted.to);
    if to < from {
        let what = format!("{} lies before {}", to.to_rfc3339(), from.to_rfc3339());
        return Err(Failure::new(what).advise("give the earlier moment as --from"));
    }
    let question = match &wanted.view {
        ViewName::Case(_) => None,
        ViewName::Projection(name) => Some(wanted.ask.question(name)?),
    };
    let opened = data.open().await?;
    let ends = (end(&opened, from, wanted.from_basis).await?, end(&opened, to, wanted.to_basis).await?);
    let index = data.aligned_index(&opened).await?;
    let past = Past::new(opened.history.clone(), opened.checkpoints.clone(), index.index.clone());
    let found = match (&wanted.view, &question) {
        (ViewName::Case(case), _) => diff::of_case(&past, *case, &ends.0, &ends.1).await,
        (ViewName::Projection(_), Some(question)) => diff::of_view(&past, question, &ends.0, &ends.1).await,
        (ViewName::Projection(name), None) => Err(QuestionError::NoSuchView(name.clone()).into()),
    };
    let found = found.map_err(|why| match why {
        DiffError::History(why) => unreadable(why),
        DiffError::NoSuchCase(_) | DiffError::Question(_) => Failure::new("cannot compare").because(why),
        DiffError::TooFarApart => Failure::new("cannot compare").because(why),
        DiffError::Index(_) | DiffError::State(_) => Failure::new("cannot compare").because(why),
    })?;
    let told = |at: DateTime<FixedOffset>, basis: Basis, end: &End| json!({ "at": at.with_timezone(&zone::fuzhou()).to_rfc3339(), "basis": basis, "position": end.slice.through.0 });
    let answer = json!({
        "view": wanted.view.to_string(),
        "from": told(from, wanted.from_basis, &ends.0),
        "to": told(to, wanted.to_basis, &ends.1),
        "facts": found.facts,
        "changes": found.changes,
        "truncated": found.truncated,
        "causes": found.causes,
    });
    // As with files, whoever scripts it learns from the exit code that there are differences.
    Outcome::new(&answer, found.changes.is_empty())
}

/// One end of the comparison: a moment that has passed, and not before there was anything.
async fn end(opened: &Opened, at: DateTime<FixedOffset>, basis: Basis) -> Result<End, Failure> {
    within_history(opened, at).await?;
    let at = at.to_utc();
    let slice = opened.history.slice(Moment::At(at, basis)).await.map_err(|why| unreadable(why.into()))?;
    Ok(End { at, slice })
}

/// Refuses moments in the future.
pub(crate) fn has_passed(at: DateTime<FixedOffset>) -> Result<(), Failure> {
    if now() < at.to_utc() {
        let what = format!("{} lies in the future", at.to_rfc3339());
        return Err(Failure::new(what).advise("name a moment that has passed"));
    }
    Ok(())
}

/// Refuses moments in the future, and those before the first event.
pub(crate) async fn within_history(opened: &Opened, at: DateTime<FixedOffset>) -> Result<(), Failure> {
    has_passed(at)?;
    let began_at = opened.history.began_at().await.map_err(|why| unreadable(why.into()))?;
    match began_at {
        Some(began_at) if began_at <= at.to_utc() => Ok(()),
        Some(began_at) => {
            let first = began_at.with_timezone(&zone::fuzhou()).to_rfc3339();
            let what = format!("{} lies before the first event", at.to_rfc3339());
            Err(Failure::new(what).advise(format!("name {first} or later")))
        }
        None => Err(Failure::new("the event log is empty").advise("name the data directory of a server with --data")),
    }
}

impl Ask {
    /// Whether anything is asked beyond the view itself.
    pub(crate) fn is_narrower(&self) -> bool {
        !self.group_by.is_empty()
            || self.item.is_some()
            || self.org.is_some()
            || self.days_from.is_some()
            || self.days_to.is_some()
            || self.cohort.0 != Cohort::default()
            || self.attribution.0 != Attribution::default()
    }

    /// The question that the arguments make, to a view of this name.
    pub(crate) fn question(&self, view: &str) -> Result<Question, Failure> {
        let asked = |why: QuestionError| Failure::new("cannot ask this").because(why);
        let view: ViewKind = view.parse().map_err(asked)?;
        let period = match (self.days_from, self.days_to) {
            (None, None) => None,
            (from, to) => {
                let all = Question::of(view).all_days();
                Some(Period { from: from.unwrap_or(all.from), to: to.unwrap_or(all.to) })
            }
        };
        if period.is_some_and(|period| period.to <= period.from) {
            let what = "--days-to does not lie after --days-from";
            return Err(Failure::new(what).advise("--days-to is the first day that does not count"));
        }
        let question = Question {
            view,
            group_by: self.group_by.clone(),
            period,
            item: self.item.clone(),
            organisation: self.org.clone(),
            attribution: self.attribution.0,
            cohort: self.cohort.0,
        };
        question.checked().map_err(asked)
    }
}
