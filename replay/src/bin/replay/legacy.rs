//! `import` and `log-stats`: histories that began elsewhere, and the figures by which they are known.

use crate::Outcome;
use crate::arguments::{Import, LogStats};
use crate::check::unreadable;
use crate::data::Data;
use crate::failure::Failure;
use crate::meter::Meter;
use domain::event::{CaseEvent, Event};
use domain::fact::{Fact, Subject};
use domain::ids::{CaseId, ItemId, SourceName};
use domain::zone::Instant;
use eventstore::{EventStore, Position};
use replay::import::{ImportError, ImportRequest, Stage, import as take_in};
use replay::journal::Journal;
use replay::log_stats::LogStats as Figures;
use replay::moment::{Basis, Moment};
use replay::pages::Pages;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The tool is where time enters for an import, as the server is for everything else.
#[expect(clippy::disallowed_methods, reason = "an import is recorded at the moment at which it is made")]
pub(crate) fn now() -> Instant {
    SystemTime::now().into()
}

pub(crate) async fn import(data: &Data, import: Import) -> Result<Outcome, Failure> {
    if !import.file.is_file() {
        let what = format!("there is no file {}", import.file.display());
        return Err(Failure::new(what).advise("name a .xes, .xes.gz or .csv file"));
    }
    let source = match import.source {
        Some(source) => source,
        None => source_named_after(&import.file)?,
    };
    let opened = data.open_or_make().await?;
    let journal = Journal::new(opened.store.clone() as Arc<dyn EventStore>);
    let request = ImportRequest { file: import.file, source, organisation: import.org };
    let mut meter = None;
    let mut stage = None;
    let imported = take_in(&journal, request, Arc::new(now), move |progress| {
        if stage != Some(progress.stage) {
            stage = Some(progress.stage);
            let doing = match progress.stage {
                Stage::Checking => "checking",
                Stage::TakingIn => "taking in",
            };
            // The old line goes away before the new one appears.
            meter = None;
            meter = Some(Meter::new(doing, "bytes", progress.bytes_total));
        }
        if let Some(meter) = &meter {
            meter.at(progress.bytes);
        }
    });
    let imported = imported.await.map_err(|why| match why {
        // These say themselves what to do next.
        ImportError::File { .. } | ImportError::Changed { .. } | ImportError::Append { .. } => {
            Failure::new("import failed").because(why)
        }
        ImportError::History { .. } | ImportError::Thread(_) => {
            Failure::new("import failed").because(why).advise("see `replay verify`, then import again")
        }
    })?;
    Outcome::new(&imported, true)
}

fn source_named_after(file: &Path) -> Result<SourceName, Failure> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    stem.parse().map_err(|why| {
        let what = format!("the name of {} cannot name a source", file.display());
        Failure::new(what).because(why).advise("give one with --source")
    })
}

pub(crate) async fn log_stats(data: &Data, wanted: LogStats) -> Result<Outcome, Failure> {
    let opened = data.open().await?;
    let moment = wanted.as_of.map_or(Moment::Now, |at| Moment::At(at.to_utc(), Basis::Recorded));
    let slice = opened.history.slice(moment).await.map_err(|why| unreadable(why.into()))?;
    let meter = Meter::new("counting", "events", slice.through.0);
    let pages = Pages::between(&opened.history, Position::START, slice.through);
    let gathering =
        Gathering { source: wanted.source, item: wanted.item, cases: BTreeSet::new(), figures: Figures::default() };
    let gathered = pages.fold_into(gathering, move |gathering, facts| {
        facts.iter().for_each(|fact| gathering.take_in(fact));
        meter.at(facts.last().map_or(0, |fact| fact.position));
    });
    let gathered = gathered.await.map_err(unreadable)?;
    Outcome::new(&gathered.figures.finish(wanted.zone), true)
}

/// The events of the cases asked for.
struct Gathering {
    source: Option<SourceName>,
    item: Option<ItemId>,
    cases: BTreeSet<CaseId>,
    figures: Figures<CaseId>,
}

impl Gathering {
    fn take_in(&mut self, fact: &Fact) {
        let (Subject::Case(case), Event::Case(event)) = (&fact.subject, &fact.event) else { return };
        if let Some((source, item)) = beginning(event) {
            let source_fits = self.source.as_ref().is_none_or(|wanted| wanted == source);
            let item_fits = self.item.as_ref().is_none_or(|wanted| Some(wanted) == item);
            if source_fits && item_fits {
                self.cases.insert(*case);
            }
        }
        if !self.cases.contains(case) {
            return;
        }
        match event {
            // It says that there is a case, not that anything was done.
            CaseEvent::LegacyCaseOpened(_) => (),
            CaseEvent::LegacyActivityRecorded(legacy) => {
                self.figures.observe(*case, &legacy.activity, legacy.at.timestamp_micros());
            }
            own => self.figures.observe(*case, own.schema().name, fact.occurred_at.timestamp_micros()),
        }
    }
}

fn beginning(event: &CaseEvent) -> Option<(&SourceName, Option<&ItemId>)> {
    match event {
        CaseEvent::CaseSubmitted(body) => Some((&body.source, Some(&body.item))),
        CaseEvent::LegacyCaseOpened(body) => Some((&body.source, None)),
        _ => None,
    }
}
