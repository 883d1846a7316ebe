//! `as-of`: a view as it stood.

use crate::Outcome;
use crate::arguments::{AsOf, ViewName};
use crate::check::unreadable;
use crate::data::{Data, Opened};
use crate::diff::has_passed;
use crate::failure::Failure;
use chrono::NaiveDate;
use domain::fact::Subject;
use domain::ids::CaseId;
use domain::zone::{self, Instant, day_of};
use projections::Projection;
use projections::balance::{Balance, BalanceQuery};
use projections::case_file::CaseFile;
use projections::certificate_free::{CertificateFree, CertificateFreeDimension, CertificateFreeQuery};
use projections::halls::{HallDimension, Halls, HallsQuery};
use projections::oversight::{AnomaliesQuery, AnomalyDimension, Oversight};
use projections::processing_times::{Cohort, Dimension, ProcessingTimes, ProcessingTimesQuery, RegionAs};
use projections::queues::{QueueQuery, Queues};
use projections::rating_signs::{RatingSigns, SignsQuery};
use projections::rating_windows::RatingWindows;
use projections::reference::ReferenceData;
use projections::satisfaction::{Satisfaction, SatisfactionDimension, SatisfactionQuery};
use projections::scope::{Attribution, Month, Period, Source};
use projections::supplements::{SupplementDimension, Supplements, SupplementsQuery};
use replay::as_of::{Past, as_of as fold_as_of};
use replay::moment::{Moment, Slice};
use replay::question::Asked;
use replay::view::{AnyView, View};
use replay::views::Views;
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) async fn as_of(data: &Data, wanted: AsOf) -> Result<Outcome, Failure> {
    has_passed(wanted.at)?;
    let at = wanted.at.to_utc();
    let names = Views::default().names();
    if let ViewName::Projection(name) = &wanted.view
        && !names.contains(&name.as_str())
    {
        let what = format!("there is no view {name:?}");
        return Err(Failure::new(what).advise(format!("choose from {}, case:<id>", names.join(", "))));
    }
    let opened = data.open().await?;
    let moment = Moment::At(at, wanted.basis);
    let slice = opened.history.slice(moment).await.map_err(|why| unreadable(why.into()))?;
    let state = match &wanted.view {
        ViewName::Case(case) => case_as_of(&opened, *case, &slice).await?,
        ViewName::Projection(name) if wanted.ask.is_narrower() => {
            let question = wanted.ask.question(name)?;
            let index = data.empty_index()?;
            let past = Past::new(opened.history.clone(), opened.checkpoints.clone(), index.index.clone());
            let asked = Asked::at(question.view, &past, &slice).await.map_err(unreadable)?;
            let reference = past.view::<ReferenceData>(&slice).await.map_err(unreadable)?;
            let answer = asked.answer(&question, &reference.state.reference, at);
            answer.map_err(|why| Failure::new("cannot answer").because(why))?
        }
        ViewName::Projection(name) => projection_as_of(&opened, name, &slice, at).await?,
    };
    let shown_at = at.with_timezone(&zone::fuzhou()).to_rfc3339();
    let answer = json!({ "as_of": shown_at, "basis": wanted.basis, "position": slice.through.0, "state": state });
    Outcome::new(&answer, true)
}

async fn case_as_of(opened: &Opened, case: CaseId, slice: &Slice) -> Result<Value, Failure> {
    let facts = opened.history.stream_in(&Subject::Case(case), slice).await.map_err(unreadable)?;
    if facts.is_empty() {
        let what = format!("there is no case {case} at that moment");
        return Err(Failure::new(what).advise("see that the id is right and the moment late enough"));
    }
    let mut view = View::<CaseFile>::default();
    view.fold_late(&facts);
    shown(&view)
}

async fn projection_as_of(opened: &Opened, name: &str, slice: &Slice, at: Instant) -> Result<Value, Failure> {
    let reference = past::<ReferenceData>(opened, slice).await?;
    let (reference, today) = (&reference.state.reference, day_of(at));
    match name {
        Queues::NAME => {
            let page = past::<Queues>(opened, slice).await?.state.page(
                &QueueQuery::default(),
                None,
                usize::MAX,
                reference,
                today,
            );
            as_json(&page)
        }
        ProcessingTimes::NAME => {
            let answer =
                past::<ProcessingTimes>(opened, slice).await?.state.answer(&processing_times(), reference, today);
            as_json(&answer.map_err(|why| Failure::new("cannot answer").because(why))?)
        }
        Satisfaction::NAME => {
            as_json(&past::<Satisfaction>(opened, slice).await?.state.answer(&satisfaction(), reference, today))
        }
        Oversight::NAME => {
            as_json(&past::<Oversight>(opened, slice).await?.state.anomalies(&oversight(), &reference.organisations))
        }
        RatingSigns::NAME => {
            as_json(&past::<RatingSigns>(opened, slice).await?.state.answer(&rating_signs(), reference))
        }
        RatingWindows::NAME => shown(&past::<RatingWindows>(opened, slice).await?),
        Balance::NAME => {
            as_json(&past::<Balance>(opened, slice).await?.state.answer(&balance(today), &reference.organisations))
        }
        Halls::NAME => {
            let query = HallsQuery { period: ever(), group_by: vec![HallDimension::Org], organisation: None };
            as_json(&past::<Halls>(opened, slice).await?.state.answer(&query, &reference.organisations, at))
        }
        CertificateFree::NAME => {
            as_json(&past::<CertificateFree>(opened, slice).await?.state.answer(&certificate_free(), reference))
        }
        Supplements::NAME => {
            as_json(&past::<Supplements>(opened, slice).await?.state.answer(&supplements(), reference))
        }
        _ => shown(&past::<ReferenceData>(opened, slice).await?),
    }
}

async fn past<P: Projection>(opened: &Opened, slice: &Slice) -> Result<View<P>, Failure> {
    fold_as_of::<P>(&opened.history, Some(&opened.checkpoints), None, slice).await.map_err(unreadable)
}

/// All days that a calendar can name: everything finished by the moment.
fn ever() -> Period {
    Period { from: NaiveDate::MIN, to: NaiveDate::MAX }
}

fn processing_times() -> ProcessingTimesQuery {
    ProcessingTimesQuery {
        period: ever(),
        cohort: Cohort::Finished,
        group_by: vec![Dimension::Item],
        item: None,
        organisation: None,
        closing: None,
        attribution: Attribution::default(),
        region_as: RegionAs::Then,
        source: Source::default(),
    }
}

fn satisfaction() -> SatisfactionQuery {
    SatisfactionQuery {
        period: ever(),
        group_by: vec![SatisfactionDimension::Org],
        item: None,
        organisation: None,
        source: Source::default(),
    }
}

fn oversight() -> AnomaliesQuery {
    AnomaliesQuery {
        period: ever(),
        group_by: vec![AnomalyDimension::Kind],
        kinds: Vec::new(),
        item: None,
        organisation: None,
        person: None,
        source: Source::default(),
    }
}

fn rating_signs() -> SignsQuery {
    SignsQuery { period: ever(), organisation: None, source: Source::default() }
}

fn balance(today: NaiveDate) -> BalanceQuery {
    BalanceQuery {
        month: Month::of(today),
        organisation: None,
        attribution: Attribution::default(),
        source: Source::default(),
    }
}

fn certificate_free() -> CertificateFreeQuery {
    CertificateFreeQuery {
        period: ever(),
        group_by: vec![CertificateFreeDimension::Item],
        item: None,
        organisation: None,
        source: Source::default(),
    }
}

fn supplements() -> SupplementsQuery {
    SupplementsQuery {
        period: ever(),
        group_by: vec![SupplementDimension::Material],
        item: None,
        organisation: None,
        source: Source::default(),
        top: None,
    }
}

fn as_json(answer: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(answer).map_err(|why| Failure::new("cannot show the answer").because(why))
}

fn shown(view: &dyn AnyView) -> Result<Value, Failure> {
    view.show().map_err(|why| Failure::new(format!("cannot show {}", view.name())).because(why))
}
