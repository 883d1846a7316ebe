//! The process as it really runs: what follows what, how long it takes in natural and in working time, where work
//! waits, what is done twice, and whether cases keep to their item's own steps.
//!
//! The figures that process miners know are those of [`LogStats`]; this adds what a working calendar and a catalogue
//! know beside them. One history or a legacy system's, the whole log or a few streams: whoever reads hands the events
//! in, in the order of the log.

mod conformance;
mod figures;
mod of_history;

pub use conformance::{Conformance, Deviation, Model, StepFigures};
pub use figures::Days;
pub use of_history::{of_cases, of_history};

use crate::codec::CodecError;
use crate::log_stats::{Counts, Durations, LogReport, LogStats, Rework, Spread, Variant};
use crate::selection::{LegacyStep, LogSelection, Opening, case_of, decode};
use conformance::Path;
use domain::event::{CaseEvent, Event};
use domain::ids::CaseId;
use domain::reference::Reference;
use eventstore::RecordedEvent;
use figures::{DaysBetween, Waits};
use serde::Serialize;
use std::collections::BTreeMap;

/// Gathers the selected cases out of the events handed in.
pub struct ProcessMap {
    selection: LogSelection,
    stats: LogStats<CaseId>,
    cases: BTreeMap<CaseId, Known>,
}

/// What is known of a case beside what happened.
#[derive(Default)]
struct Known {
    concerned: bool,
    path: Path,
}

/// The map of some cases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProcessReport {
    /// Cases with at least one event.
    pub cases: u64,
    /// Those of the city's own among them that have not ended.
    pub open: u64,
    /// Events.
    pub events: u64,
    /// How often each activity took place, in how many cases, and how long it was waited for. The one that was waited
    /// for longest, all cases together, comes first.
    pub bottlenecks: Vec<Bottleneck>,
    /// Steps 环节 that were finished, the one that took most working days, all cases together, first.
    pub steps: Vec<StepFigures>,
    /// Whether cases keep to their item's own steps.
    pub conformance: Conformance,
    /// The directly-follows graph, the most frequent edge first.
    pub edges: Vec<MapEdge>,
    /// Cases per activity they began with.
    pub start_activities: Counts,
    /// Cases per activity they ended with.
    pub end_activities: Counts,
    /// From the first to the last event of a case.
    pub case_duration_seconds: Durations,
    /// The same in working days.
    pub case_working_days: Days,
    /// Different sequences of activities.
    pub variants_total: u64,
    /// The most frequent of them.
    pub variants: Vec<Variant>,
    /// What was done more than once.
    pub rework: Rework,
}

/// An activity and the waiting before it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bottleneck {
    /// What was done; steps and special procedures by their own names.
    pub activity: String,
    /// How often.
    pub count: u64,
    /// In how many cases more than once.
    pub repeated_in_cases: u64,
    /// Working days since the event before it, where there was one.
    pub waited_working_days: Days,
    /// The same in seconds, all together.
    pub waited_seconds: f64,
    /// Its share of all working days waited.
    pub share: f64,
}

/// One activity directly after another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MapEdge {
    /// The earlier activity.
    pub from: String,
    /// The later one.
    pub to: String,
    /// How often.
    pub count: u64,
    /// The time between, in seconds.
    pub duration_seconds: Spread,
    /// The working days between.
    pub working_days: Days,
}

/// Two maps side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The activity.
    pub activity: String,
    /// How often: first, then.
    pub count: [u64; 2],
    /// Working days waited for it, all together.
    pub sum: [u64; 2],
    /// The same for each time.
    pub mean: [Option<f64>; 2],
    /// The same, spread over all cases: what it costs a case on average.
    pub per_case: [f64; 2],
    /// By how much that has changed.
    pub change_per_case: f64,
}

impl ProcessMap {
    /// Gathers cases of this selection.
    #[must_use]
    pub fn new(selection: LogSelection) -> Self {
        Self { selection, stats: LogStats::default(), cases: BTreeMap::new() }
    }

    /// Takes in an event, if it belongs to a case that is meant. Those of a case come in the order of the log.
    ///
    /// # Errors
    /// It holds something unknown.
    pub fn observe(&mut self, recorded: &RecordedEvent) -> Result<(), CodecError> {
        let Some(case) = case_of(recorded)? else { return Ok(()) };
        if recorded.version.0 == 1 {
            let meant = Opening::of(recorded)?.filter(|opening| self.selection.holds(opening));
            match meant {
                Some(opening) => {
                    let path = Path::new(&opening);
                    self.cases.insert(case, Known { concerned: false, path });
                }
                None => return Ok(()),
            }
        }
        let Some(known) = self.cases.get_mut(&case) else { return Ok(()) };
        known.concerned |= self.selection.concerns(recorded);
        if let Some(step) = LegacyStep::of(recorded)? {
            self.stats.observe(case, &step.activity, step.at());
            return Ok(());
        }
        if !known.path.is_own() {
            return Ok(());
        }
        let Event::Case(event) = decode(recorded)? else { return Ok(()) };
        known.path.take(&event);
        self.stats.observe(case, &activity(&event), recorded.occurred_at);
        Ok(())
    }

    /// Computes the map, with this calendar and catalogue.
    #[must_use]
    pub fn finish(mut self, reference: &Reference) -> ProcessReport {
        if self.selection.organisation.is_some() {
            self.cases.retain(|_, known| known.concerned);
        }
        let cases = self.cases;
        self.stats.retain(|case| cases.contains_key(case));
        let mut waits = Waits::new(DaysBetween::new(&reference.calendar));
        let (report, names) = self.stats.finish_looking(domain::zone::fuzhou(), |steps| waits.add(steps));
        let paths = cases.iter().map(|(case, known)| (*case, &known.path));
        let open = cases.values().filter(|known| known.path.is_open()).count() as u64;
        let (steps, conformance) = conformance::of(paths, &reference.catalogue);
        made(report, waits.finish(&names), open, steps, conformance)
    }
}

/// Returns what an event of the city's own is called on the map: its type, and which step or procedure it is about.
#[must_use]
pub fn activity(event: &CaseEvent) -> String {
    let kind = event.schema().name;
    match about(event) {
        Some(about) => format!("{kind}:{about}"),
        None => kind.to_owned(),
    }
}

fn about(event: &CaseEvent) -> Option<&str> {
    if let CaseEvent::StepStarted(body) = event {
        return Some(body.step.as_str());
    }
    if let CaseEvent::StepFinished(body) = event {
        return Some(body.step.as_str());
    }
    if let CaseEvent::StepSentBack(body) = event {
        return Some(body.to.as_str());
    }
    if let CaseEvent::SpecialProcedureRequested(body) = event {
        return Some(&body.kind);
    }
    if let CaseEvent::SpecialProcedureOpened(body) = event {
        return Some(&body.kind);
    }
    None
}

fn made(
    report: LogReport,
    (mut by_edge, case_working_days): (BTreeMap<(String, String), Vec<u32>>, Days),
    open: u64,
    steps: Vec<StepFigures>,
    conformance: Conformance,
) -> ProcessReport {
    let mut waited: BTreeMap<&str, (Vec<u32>, f64)> = BTreeMap::new();
    let mut edges = Vec::with_capacity(report.dfg.len());
    for edge in &report.dfg {
        // The same walk over the same steps found both.
        let days = by_edge.remove(&(edge.from.clone(), edge.to.clone())).unwrap_or_default();
        let (all, seconds) = waited.entry(edge.to.as_str()).or_default();
        all.extend_from_slice(&days);
        *seconds += edge.duration_seconds.sum;
        edges.push(MapEdge {
            from: edge.from.clone(),
            to: edge.to.clone(),
            count: edge.count,
            duration_seconds: edge.duration_seconds,
            working_days: Days::of(days),
        });
    }
    let repeated: BTreeMap<&str, u64> =
        report.rework.cases_with_activity_repeated.0.iter().map(|(name, cases)| (name.as_str(), *cases)).collect();
    let mut bottlenecks: Vec<Bottleneck> = report
        .activities
        .0
        .iter()
        .map(|(name, count)| {
            let (days, waited_seconds) = waited.remove(name.as_str()).unwrap_or_default();
            Bottleneck {
                activity: name.clone(),
                count: *count,
                repeated_in_cases: repeated.get(name.as_str()).copied().unwrap_or_default(),
                waited_working_days: Days::of(days),
                waited_seconds,
                share: 0.0,
            }
        })
        .collect();
    let all: u64 = bottlenecks.iter().map(|bottleneck| bottleneck.waited_working_days.sum).sum();
    for bottleneck in &mut bottlenecks {
        bottleneck.share = if all == 0 { 0.0 } else { bottleneck.waited_working_days.sum as f64 / all as f64 };
    }
    bottlenecks.sort_by(|one, other| {
        let rank = |bottleneck: &Bottleneck| bottleneck.waited_working_days.sum;
        rank(other).cmp(&rank(one)).then_with(|| one.activity.cmp(&other.activity))
    });
    ProcessReport {
        cases: report.cases,
        open,
        events: report.events,
        bottlenecks,
        steps,
        conformance,
        edges,
        start_activities: report.start_activities,
        end_activities: report.end_activities,
        case_duration_seconds: report.case_duration_seconds,
        case_working_days,
        variants_total: report.variants_total,
        variants: report.variants_top20,
        rework: report.rework,
    }
}

impl ProcessReport {
    /// Returns, activity by activity, what has changed from this map to another: what costs a case most comes first.
    #[must_use]
    pub fn to(&self, other: &Self) -> Vec<Difference> {
        let mut found: BTreeMap<&str, [Option<&Bottleneck>; 2]> = BTreeMap::new();
        for (place, report) in [self, other].into_iter().enumerate() {
            for bottleneck in &report.bottlenecks {
                found.entry(&bottleneck.activity).or_default()[place] = Some(bottleneck);
            }
        }
        let cases = [self.cases, other.cases];
        let mut differences: Vec<Difference> = found
            .into_iter()
            .map(|(activity, sides)| {
                let sum = sides.map(|side| side.map_or(0, |side| side.waited_working_days.sum));
                let per_case = [0, 1].map(|place: usize| match cases[place] {
                    0 => 0.0,
                    cases => sum[place] as f64 / cases as f64,
                });
                Difference {
                    activity: activity.to_owned(),
                    count: sides.map(|side| side.map_or(0, |side| side.count)),
                    sum,
                    mean: sides.map(|side| side.and_then(|side| side.waited_working_days.mean)),
                    per_case,
                    change_per_case: per_case[1] - per_case[0],
                }
            })
            .collect();
        differences.sort_by(|one, other| {
            let most = |difference: &Difference| difference.per_case[0].max(difference.per_case[1]);
            most(other).total_cmp(&most(one)).then_with(|| one.activity.cmp(&other.activity))
        });
        differences
    }
}
