//! 考评表: criteria, weights and parts, in versions. What is published adds up, and every computed part has a view that
//! can tell it.

use crate::decider::{Context, Decider};
use crate::event::ChecklistEvent;
use crate::event::checklist::{Card, ChecklistPublished, Criterion, Figure, Part, Source, Weight};
use crate::ids::{ChecklistId, PartCode};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// No card has more parts.
pub const PARTS_MAX: usize = 100;

/// A checklist with its versions, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Checklist {
    versions: Vec<ChecklistPublished>,
}

impl Checklist {
    /// Returns every version, oldest first.
    #[must_use]
    pub fn versions(&self) -> &[ChecklistPublished] {
        &self.versions
    }

    /// Returns the version that is used on this day.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Option<&ChecklistPublished> {
        self.versions.iter().rev().find(|version| version.valid_from <= day)
    }
}

/// How a part is asked to come about; a figure is named before it is known whether a view can tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum AskedSource {
    /// Somebody looks.
    Inspected {
        /// And takes a photo.
        #[serde(default)]
        photo: bool,
    },
    /// A view tells.
    Computed {
        /// What.
        figure: String,
        /// Percent for no points.
        none_at: u16,
        /// Percent for all points.
        full_at: u16,
        /// The points of a hall that had nothing to take a share of.
        without_cases: u16,
    },
}

/// A part as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedPart {
    /// Its code.
    pub part: PartCode,
    /// To which criterion it belongs.
    pub criterion: Criterion,
    /// What is looked at.
    pub name_zh: String,
    /// The most points.
    pub points: u16,
    /// How they come about.
    pub source: AskedSource,
}

/// What may be asked of a checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum ChecklistCommand {
    /// Publish the next version.
    Publish {
        /// Of which checklist.
        checklist: ChecklistId,
        /// 名称.
        name_zh: String,
        /// The first day on which it is used.
        valid_from: NaiveDate,
        /// The most points in all.
        total: u16,
        /// How they are divided.
        weights: Vec<Weight>,
        /// Of which parts.
        parts: Vec<AskedPart>,
    },
}

/// Why a checklist cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChecklistRejection {
    /// It has no name.
    #[error("a checklist and each of its parts need a name")]
    ChecklistNameless,
    /// It has no parts, or too many.
    #[error("a checklist has between 1 and {PARTS_MAX} parts")]
    PartsOutOfRange,
    /// An earlier version is used from a later day.
    #[error("a version must not be used from an earlier day than the one before it")]
    UsedBeforePredecessor,
    /// A criterion weighs once.
    #[error("a criterion is weighed twice")]
    CriterionTwice,
    /// The weights make the total.
    #[error("the criteria weigh {found} points, the total is {total}")]
    WeightsDoNotSumUp {
        /// What they weigh.
        found: u32,
        /// What they should.
        total: u16,
    },
    /// The parts make the weight.
    #[error("the parts of {criterion:?} have {found} points, the criterion weighs {points}")]
    PartsDoNotSumUp {
        /// Which criterion.
        criterion: Criterion,
        /// What they have.
        found: u32,
        /// What they should.
        points: u32,
    },
    /// A code names one part.
    #[error("part {0} stands there twice")]
    PartTwice(PartCode),
    /// A part counts for something.
    #[error("part {0} has no points")]
    PartWithoutPoints(PartCode),
    /// No view can tell it: a score is not faked.
    #[error("there is no source for the figure {0:?}")]
    FigureWithoutSource(String),
    /// Nothing lies below full.
    #[error("part {0} must give all points at a higher share than none, at most 100 percent")]
    ScaleReversed(PartCode),
    /// Without cases there are at most all points.
    #[error("part {0} gives more points without cases than it has")]
    MoreThanAllPoints(PartCode),
}

use ChecklistRejection as Rejection;

fn part(asked: &AskedPart) -> Result<Part, Rejection> {
    let AskedPart { part, criterion, name_zh, points, source } = asked;
    if name_zh.trim().is_empty() {
        return Err(Rejection::ChecklistNameless);
    }
    if *points == 0 {
        return Err(Rejection::PartWithoutPoints(part.clone()));
    }
    let source = match source {
        AskedSource::Inspected { photo } => Source::Inspected { photo: *photo },
        AskedSource::Computed { figure, none_at, full_at, without_cases } => {
            let known = Figure::named(figure);
            let figure = known.ok_or_else(|| Rejection::FigureWithoutSource(figure.chars().take(64).collect()))?;
            if full_at <= none_at || 100 < *full_at {
                return Err(Rejection::ScaleReversed(part.clone()));
            }
            if points < without_cases {
                return Err(Rejection::MoreThanAllPoints(part.clone()));
            }
            Source::Computed { figure, none_at: *none_at, full_at: *full_at, without_cases: *without_cases }
        }
    };
    Ok(Part { part: part.clone(), criterion: *criterion, name_zh: name_zh.clone(), points: *points, source })
}

/// Returns the card, if it adds up.
fn card(total: u16, weights: &[Weight], asked: &[AskedPart]) -> Result<Card, Rejection> {
    if !(1..=PARTS_MAX).contains(&asked.len()) {
        return Err(Rejection::PartsOutOfRange);
    }
    let mut codes = BTreeSet::new();
    if let Some(twice) = asked.iter().find(|asked| !codes.insert(&asked.part)) {
        return Err(Rejection::PartTwice(twice.part.clone()));
    }
    let parts: Vec<Part> = asked.iter().map(part).collect::<Result<_, _>>()?;
    let mut weighed = BTreeSet::new();
    if !weights.iter().all(|weight| weighed.insert(weight.criterion)) {
        return Err(Rejection::CriterionTwice);
    }
    let found: u32 = weights.iter().map(|weight| u32::from(weight.points)).sum();
    if found != u32::from(total) {
        return Err(Rejection::WeightsDoNotSumUp { found, total });
    }
    // A criterion that nobody weighed weighs nothing, and so must its parts.
    let named: BTreeSet<Criterion> = weighed.into_iter().chain(parts.iter().map(|part| part.criterion)).collect();
    for criterion in named {
        let of = |weight: &&Weight| weight.criterion == criterion;
        let points: u32 = weights.iter().filter(of).map(|weight| u32::from(weight.points)).sum();
        let own = parts.iter().filter(|part| part.criterion == criterion);
        let found: u32 = own.map(|part| u32::from(part.points)).sum();
        if found != points {
            return Err(Rejection::PartsDoNotSumUp { criterion, found, points });
        }
    }
    Ok(Card { total, weights: weights.to_vec(), parts })
}

impl Decider for Checklist {
    type Command = ChecklistCommand;
    type Event = ChecklistEvent;
    type Rejection = ChecklistRejection;

    fn decide(&self, command: &ChecklistCommand, _: &Context<'_>) -> Result<Vec<ChecklistEvent>, Rejection> {
        let ChecklistCommand::Publish { checklist, name_zh, valid_from, total, weights, parts } = command;
        if name_zh.trim().is_empty() {
            return Err(Rejection::ChecklistNameless);
        }
        let card = card(*total, weights, parts)?;
        let version = match self.versions.last() {
            None => 1,
            Some(last) if last.valid_from == *valid_from && last.card == card && last.name_zh == *name_zh => {
                return Ok(vec![]);
            }
            Some(last) if *valid_from < last.valid_from => return Err(Rejection::UsedBeforePredecessor),
            Some(last) => last.version + 1,
        };
        let (checklist, name_zh) = (checklist.clone(), name_zh.clone());
        Ok(vec![ChecklistPublished { checklist, version, name_zh, valid_from: *valid_from, card }.into()])
    }

    fn evolve(&mut self, event: &ChecklistEvent) {
        match event {
            ChecklistEvent::ChecklistPublished(published) => self.versions.push(published.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
