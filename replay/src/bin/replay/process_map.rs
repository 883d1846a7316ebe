//! `process-map`: the process as it really runs.

use crate::Outcome;
use crate::arguments::ProcessMap as Wanted;
use crate::check::unreadable;
use crate::data::Data;
use crate::export::through;
use crate::failure::Failure;
use crate::meter::Meter;
use chrono::NaiveDate;
use projections::reference::ReferenceData;
use replay::as_of::as_of;
use replay::moment::Slice;
use replay::process_map::{Difference, ProcessMap, ProcessReport, of_history};
use replay::selection::LogSelection;
use serde::Serialize;

#[derive(Serialize)]
struct Answer {
    position: u64,
    #[serde(flatten)]
    first: Period,
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Vec<Difference>>,
}

#[derive(Serialize)]
struct Period {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    #[serde(flatten)]
    map: ProcessReport,
}

pub(crate) async fn process_map(data: &Data, wanted: Wanted) -> Result<Outcome, Failure> {
    let periods = [(wanted.from, wanted.to), (wanted.compare_from, wanted.compare_to)];
    for (from, to) in periods {
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            return Err(Failure::new(format!("{to} lies before {from}")).advise("exchange the two"));
        }
    }
    let compares = periods[1] != (None, None);
    let opened = data.open().await?;
    let through = through(&opened.history, wanted.as_of).await?;
    let selection = LogSelection {
        source: wanted.source,
        item: wanted.item,
        item_version: wanted.version,
        organisation: wanted.org,
        ..LogSelection::through(through)
    };
    let mut maps: Vec<ProcessMap> = periods[..1 + usize::from(compares)]
        .iter()
        .map(|(opened_from, opened_to)| {
            let (opened_from, opened_to) = (*opened_from, *opened_to);
            ProcessMap::new(LogSelection { opened_from, opened_to, ..selection.clone() })
        })
        .collect();
    let meter = Meter::new("counting", "events", through.0);
    let gathered = of_history(&opened.history, through, &mut maps, |position| meter.at_position(position));
    gathered.await.map_err(unreadable)?;
    let slice = Slice::through(through);
    let reference = as_of::<ReferenceData>(&opened.history, Some(&opened.checkpoints), None, &slice);
    let reference = reference.await.map_err(unreadable)?.state.reference;

    let mut drawn = maps.into_iter().zip(periods).map(|(map, (from, to))| {
        let map = map.finish(&reference);
        Period { from, to, map }
    });
    let Some(first) = drawn.next() else { return Err(Failure::new("there is no period")) };
    let compared = drawn.next();
    let difference = compared.as_ref().map(|compared| first.map.to(&compared.map));
    Outcome::new(&Answer { position: through.0, first, compared, difference }, true)
}
