//! `what-if`: actual beside imagined.

use crate::Outcome;
use crate::arguments::{ViewName, WhatIf};
use crate::check::unreadable;
use crate::data::Data;
use crate::diff::within_history;
use crate::failure::Failure;
use crate::legacy::now;
use crate::meter::Meter;
use domain::zone;
use replay::as_of::Past;
use replay::diff::End;
use replay::moment::{Basis, Moment};
use replay::what_if::{
    Comparison, Progress, SCENARIO_BYTES_MAX, Scenario, Shown, Wanted, WhatIfError, what_if as imagine,
};
use serde::Serialize;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The most cases of one what-if: what is kept of them grows with the cells of the view, not with the cases.
const CASES_MAX: usize = 5_000_000;
/// How often the meter looks.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Serialize)]
struct Answer<'a> {
    as_of: String,
    position: u64,
    view: String,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

pub(crate) async fn what_if(data: &Data, wanted: WhatIf) -> Result<Outcome, Failure> {
    let scenario = read(&wanted.scenario)?;
    let shown = match &wanted.view {
        ViewName::Case(case) => Shown::Case(*case),
        ViewName::Projection(name) => Shown::View(wanted.ask.question(name)?),
    };
    let opened = data.open().await?;
    if let Some(at) = wanted.at {
        within_history(&opened, at).await?;
    }
    let at = wanted.at.map_or_else(now, |at| at.to_utc());
    let slice = opened.history.slice(Moment::At(at, Basis::Recorded)).await.map_err(|why| unreadable(why.into()))?;
    let index = data.whole_index(&opened).await?;
    let past = Past::new(opened.history.clone(), opened.checkpoints.clone(), index.index.clone());
    let end = End { at, slice };
    let imagined = Wanted { scenario, shown, end, within: None, cases_max: CASES_MAX };
    let progress = Arc::new(Progress::default());
    let watching = tokio::spawn(watch(Arc::clone(&progress)));
    let comparison = imagine(&past, &imagined, &progress).await;
    watching.abort();
    let comparison = comparison.map_err(|why| told(&wanted.scenario, why))?;
    let as_of = at.with_timezone(&zone::fuzhou()).to_rfc3339();
    let (position, view) = (slice.through.0, wanted.view.to_string());
    Outcome::new(&Answer { as_of, position, view, comparison: &comparison }, true)
}

fn read(path: &Path) -> Result<Scenario, Failure> {
    let unreadable = || format!("cannot read the scenario {}", path.display());
    let bytes = fs::metadata(path).map_err(|why| Failure::new(unreadable()).because(why))?.len();
    if SCENARIO_BYTES_MAX as u64 <= bytes {
        let what = format!("the scenario {} has more than {SCENARIO_BYTES_MAX} bytes", path.display());
        return Err(Failure::new(what).advise("a scenario is a short file; see docs/scenarios.md"));
    }
    let text = fs::read_to_string(path).map_err(|why| Failure::new(unreadable()).because(why))?;
    Scenario::read(&text).map_err(|why| told(path, why.into()))
}

fn told(path: &Path, why: WhatIfError) -> Failure {
    match why {
        WhatIfError::Scenario(why) => {
            Failure::new(format!("{}:{}: {}", path.display(), why.line, why.en)).advise("see docs/scenarios.md")
        }
        WhatIfError::History(why) => unreadable(why),
        WhatIfError::Question(_)
        | WhatIfError::Index(_)
        | WhatIfError::State(_)
        | WhatIfError::TooManyCases(_)
        | WhatIfError::NoSuchCase(_)
        | WhatIfError::Cancelled => Failure::new("cannot imagine this").because(why),
    }
}

async fn watch(progress: Arc<Progress>) {
    let mut meter = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let total = progress.total.load(Ordering::Relaxed);
        if 0 < total {
            let meter = meter.get_or_insert_with(|| Meter::new("imagining", "cases", total));
            meter.at(progress.done.load(Ordering::Relaxed));
        }
    }
}
