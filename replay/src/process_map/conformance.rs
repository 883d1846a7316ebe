//! Whether cases keep to their item's own steps, and what the steps took against their budgets.

use super::figures::Days;
use crate::selection::Opening;
use domain::catalogue::Catalogue;
use domain::event::CaseEvent;
use domain::ids::{CaseId, ItemId, StepCode};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How many cases that deviate are listed; all are counted.
const DEVIATIONS_LISTED_MAX: usize = 50;

/// What a case did of its item's steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Path {
    item: Option<(ItemId, u32)>,
    finished: Vec<Done>,
    sent_back: u64,
    decided: bool,
    ended: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Done {
    step: StepCode,
    working_days: u16,
    budget_days: u16,
}

impl Path {
    pub(super) fn new(opening: &Opening) -> Self {
        Self { item: opening.item.clone().zip(opening.item_version), ..Self::default() }
    }

    pub(super) fn take(&mut self, event: &CaseEvent) {
        if let CaseEvent::StepFinished(body) = event {
            self.finished.push(Done {
                step: body.step.clone(),
                working_days: body.working_days,
                budget_days: body.budget_days,
            });
        }
        self.sent_back += u64::from(matches!(event, CaseEvent::StepSentBack(_)));
        self.decided |= matches!(event, CaseEvent::CaseDecided(_));
        self.ended |= matches!(
            event,
            CaseEvent::NotRequiredTold(_)
                | CaseEvent::IntakeRefused(_)
                | CaseEvent::SupplementLapsed(_)
                | CaseEvent::CaseFinished(_)
                | CaseEvent::CaseWithdrawn(_)
                | CaseEvent::CaseReturned(_)
                | CaseEvent::CaseAborted(_)
                | CaseEvent::CaseMerged(_)
        );
    }

    /// Tells whether this is a case of the city's own.
    pub(super) fn is_own(&self) -> bool {
        self.item.is_some()
    }

    /// Tells whether this is a case of the city's own that goes on.
    pub(super) fn is_open(&self) -> bool {
        self.is_own() && !self.ended
    }
}

/// A step of an item, in all cases together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepFigures {
    /// The item whose step it is.
    pub item: ItemId,
    /// Its version.
    pub item_version: u32,
    /// The step.
    pub step: StepCode,
    /// 环节名称.
    pub name_zh: String,
    /// Its English name.
    pub name_en: String,
    /// What it may take, in working days.
    pub budget_days: u16,
    /// What it took from its start to its end.
    pub working_days: Days,
    /// How often it took longer than it may.
    pub over_budget: u64,
    /// By how many working days, all together.
    pub days_over_budget: u64,
}

/// The steps that cases are held against.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Model {
    /// The item.
    pub item: ItemId,
    /// Its version.
    pub item_version: u32,
    /// Its steps, in order.
    pub steps: Vec<StepCode>,
}

/// How a case deviates from its model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// The case.
    pub case: CaseId,
    /// Steps that it did not finish, though it was decided.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<StepCode>,
    /// Steps that it finished more than once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repeated: Vec<StepCode>,
    /// It did not take the steps in their order.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub out_of_order: bool,
}

/// Whether cases keep to their item's own steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Conformance {
    /// The models held against; a legacy system's cases have none.
    pub models: Vec<Model>,
    /// Cases that were decided, and so can be judged.
    pub judged: u64,
    /// Those that took every step once and in order.
    pub conforming: u64,
    /// Cases in which a step was skipped, by step.
    pub skipped: BTreeMap<StepCode, u64>,
    /// Cases in which a step was repeated, by step.
    pub repeated: BTreeMap<StepCode, u64>,
    /// Cases that took steps in another order.
    pub out_of_order: u64,
    /// How often work was sent back to an earlier step, in these and in open cases.
    pub sent_back: u64,
    /// The first cases that deviate.
    pub deviations: Vec<Deviation>,
}

/// Returns what the steps took, and how the cases keep to them.
pub(super) fn of<'a>(
    paths: impl Iterator<Item = (CaseId, &'a Path)>,
    catalogue: &Catalogue,
) -> (Vec<StepFigures>, Conformance) {
    let mut took: BTreeMap<(&ItemId, u32, &StepCode), Vec<&Done>> = BTreeMap::new();
    let mut models: BTreeMap<(&ItemId, u32), Vec<StepCode>> = BTreeMap::new();
    let mut conformance = Conformance::default();
    for (case, path) in paths {
        let Some((item, version)) = &path.item else { continue };
        conformance.sent_back += path.sent_back;
        for done in &path.finished {
            took.entry((item, *version, &done.step)).or_default().push(done);
        }
        let Some(definition) = catalogue.version(item, *version).filter(|_| path.decided) else { continue };
        let model = models
            .entry((item, *version))
            .or_insert_with(|| definition.definition.steps.iter().map(|rule| rule.code.clone()).collect());
        conformance.judge(case, path, model);
    }
    conformance.models = models
        .into_iter()
        .map(|((item, item_version), steps)| Model { item: item.clone(), item_version, steps })
        .collect();
    let mut steps: Vec<StepFigures> = took
        .into_iter()
        .map(|((item, version, code), done)| {
            let rule = catalogue.version(item, version).and_then(|version| version.step(code));
            let over = |done: &&Done| u64::from(done.working_days.saturating_sub(done.budget_days));
            StepFigures {
                item: item.clone(),
                item_version: version,
                step: code.clone(),
                name_zh: rule.map_or_else(|| code.to_string(), |rule| rule.name_zh.clone()),
                name_en: rule.map_or_else(|| code.to_string(), |rule| rule.name_en.clone()),
                budget_days: done.last().map_or(0, |done| done.budget_days),
                over_budget: done.iter().filter(|done| 0 < over(done)).count() as u64,
                days_over_budget: done.iter().map(over).sum(),
                working_days: Days::of(done.iter().map(|done| u32::from(done.working_days)).collect()),
            }
        })
        .collect();
    steps.sort_by(|one, other| {
        let rank = |step: &StepFigures| step.working_days.sum;
        rank(other).cmp(&rank(one)).then_with(|| (&one.item, &one.step).cmp(&(&other.item, &other.step)))
    });
    (steps, conformance)
}

impl Conformance {
    fn judge(&mut self, case: CaseId, path: &Path, model: &[StepCode]) {
        self.judged += 1;
        let mut finished: BTreeMap<&StepCode, u32> = BTreeMap::new();
        path.finished.iter().for_each(|done| *finished.entry(&done.step).or_default() += 1);
        let deviation = Deviation {
            case,
            skipped: model.iter().filter(|step| !finished.contains_key(step)).cloned().collect(),
            repeated: finished.iter().filter(|(_, times)| 1 < **times).map(|(step, _)| (*step).clone()).collect(),
            out_of_order: !is_in_order(path, model),
        };
        for step in &deviation.skipped {
            *self.skipped.entry(step.clone()).or_default() += 1;
        }
        for step in &deviation.repeated {
            *self.repeated.entry(step.clone()).or_default() += 1;
        }
        self.out_of_order += u64::from(deviation.out_of_order);
        if deviation.skipped.is_empty() && deviation.repeated.is_empty() && !deviation.out_of_order {
            self.conforming += 1;
        } else if self.deviations.len() < DEVIATIONS_LISTED_MAX {
            self.deviations.push(deviation);
        }
    }
}

/// Tells whether the steps were finished, each for the first time, in the order of the model.
fn is_in_order(path: &Path, model: &[StepCode]) -> bool {
    let mut seen = BTreeSet::new();
    let first_times = path.finished.iter().filter(|done| seen.insert(&done.step));
    let places = first_times.filter_map(|done| model.iter().position(|step| *step == done.step));
    places.is_sorted()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(code: &str) -> StepCode {
        code.parse().unwrap()
    }

    #[track_caller]
    fn judged(finished: &[&str]) -> Conformance {
        let done = |code: &&str| Done { step: step(code), working_days: 1, budget_days: 1 };
        let path = Path { finished: finished.iter().map(done).collect(), decided: true, ..Path::default() };
        let mut conformance = Conformance::default();
        let case = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        conformance.judge(case, &path, &[step("a"), step("b"), step("c")]);
        conformance
    }

    #[test]
    fn a_case_that_takes_every_step_once_and_in_order_conforms() {
        assert_eq!(judged(&["a", "b", "c"]).conforming, 1);
    }

    #[test]
    fn a_step_that_is_left_out_is_named_and_so_is_one_that_is_repeated() {
        let conformance = judged(&["a", "a", "c"]);
        assert_eq!(conformance.conforming, 0);
        assert_eq!(conformance.deviations[0].skipped, [step("b")]);
        assert_eq!(conformance.deviations[0].repeated, [step("a")]);
        assert_eq!(conformance.out_of_order, 0);
    }

    #[test]
    fn the_order_is_that_of_first_times() {
        assert_eq!(judged(&["a", "c", "b"]).out_of_order, 1);
        assert_eq!(judged(&["a", "b", "a", "c"]).out_of_order, 0);
    }
}
