//! 考评: a hall is looked at, its figures are drawn from the views at a named position of the log, and both make a score
//! that anybody can derive again.

use crate::decider::{Context, Decider};
use crate::event::InspectionEvent;
use crate::event::checklist::{Card, ChecklistPublished, Criterion, Figure, Part, Source};
use crate::event::inspection::{
    CriterionScore, InspectionOpened, InspectionPhotoTaken, InspectionScored, Measured, PartInspected, PartScore,
};
use crate::event::organisation::OrganisationKind;
use crate::ids::{InspectionId, OrganisationId, PaperId, PartCode};
use crate::sealed::Sealed;
use crate::zone::day_of;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many photos an inspection has at most.
pub const PHOTOS_MAX: usize = 200;
/// A figure is taken of at most so many days.
pub const PERIOD_DAYS_MAX: i64 = 366;

/// An inspection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// As it was opened.
    pub opened: Option<InspectionOpened>,
    /// The photos taken.
    pub photos: BTreeMap<PaperId, InspectionPhotoTaken>,
    /// What was seen, part by part.
    pub inspected: BTreeMap<PartCode, PartInspected>,
    /// The score, once it was drawn.
    pub scored: Option<InspectionScored>,
}

/// What may be asked of an inspection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InspectionCommand {
    /// Begin.
    Open {
        /// Which inspection.
        inspection: InspectionId,
        /// Of which hall.
        hall: OrganisationId,
        /// By the version of the checklist that is used that day; absent if none is.
        checklist: Option<Box<ChecklistPublished>>,
        /// On which day.
        inspected_on: NaiveDate,
        /// Computed parts are taken of the days from this one …
        from: NaiveDate,
        /// … to before this one.
        to: NaiveDate,
    },
    /// Keep a photo.
    TakePhoto(InspectionPhotoTaken),
    /// Look at a part.
    Inspect {
        /// Which.
        part: PartCode,
        /// Points, in hundredths.
        hundredths: u32,
        /// The photos that show it.
        photos: Vec<PaperId>,
        /// In words, sealed.
        note: Option<Sealed>,
    },
    /// Draw the score.
    Score {
        /// Where the views stood when they were asked.
        position: u64,
        /// What they told.
        measured: Vec<Measured>,
    },
}

/// Why an inspection stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectionRejection {
    /// It began before.
    #[error("this inspection is open already")]
    InspectionAlreadyOpen,
    /// It did not begin.
    #[error("there is no such inspection")]
    InspectionNotOpen,
    /// Nothing to score by.
    #[error("no version of this checklist is in use on that day")]
    ChecklistNotInUse,
    /// Only centres are scored.
    #[error("{0} is not a centre")]
    NotACentre(OrganisationId),
    /// Nobody scores their own hall.
    #[error("nobody inspects the hall they work for")]
    InspectsOwnHall,
    /// What was not seen yet cannot be told.
    #[error("an inspection cannot take place in the future")]
    InspectedInTheFuture,
    /// A period has days, not too many, and they are over.
    #[error(
        "the period must end after it begins, by the day of the inspection, and have at most {PERIOD_DAYS_MAX} days"
    )]
    PeriodOutOfRange,
    /// Only who inspects tells what was seen.
    #[error("only the inspector may add to this inspection")]
    NotTheInspector,
    /// The card has no such part.
    #[error("the checklist has no part {0}")]
    PartUnknown(PartCode),
    /// A view tells it.
    #[error("part {0} is computed, not inspected")]
    PartIsComputed(PartCode),
    /// More than there are.
    #[error("part {0} has fewer points")]
    MorePointsThanThePart(PartCode),
    /// Nobody believes it without.
    #[error("part {0} needs a photo")]
    PhotoMissing(PartCode),
    /// It was not taken in this inspection, or for another part.
    #[error("there is no photo {0} of this part")]
    PhotoUnknown(PaperId),
    /// An inspection has an end.
    #[error("an inspection has at most {PHOTOS_MAX} photos")]
    TooManyPhotos,
    /// A score has all its parts.
    #[error("the score sheet lacks the parts {}", .0.iter().map(PartCode::as_str).collect::<Vec<_>>().join(", "))]
    PartsMissing(Vec<PartCode>),
    /// The views were not asked for it.
    #[error("the figure {} was not drawn", .0.as_str())]
    FigureNotDrawn(Figure),
    /// A score that was drawn stands.
    #[error("this inspection is scored already")]
    AlreadyScored,
}

use InspectionCommand as Command;
use InspectionRejection as Rejection;

/// Returns the points, in hundredths, that a measured share gives a computed part; in whole numbers, so that it is the
/// same everywhere.
fn points_of(part: &Part, none_at: u16, full_at: u16, without_cases: u16, measured: Measured) -> u32 {
    let Measured { numerator, denominator, .. } = measured;
    if denominator <= 0 {
        return u32::from(without_cases) * 100;
    }
    let (none, full, points) = (i128::from(none_at), i128::from(full_at), i128::from(part.points));
    let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
    // (share − none) ÷ (full − none) of all points, with the share in percent.
    let above = numerator * 100 - none * denominator;
    let hundredths = above * points * 100 / ((full - none) * denominator);
    u32::try_from(hundredths.clamp(0, points * 100)).unwrap_or(0)
}

/// Returns the score that these answers and figures make.
///
/// # Errors
/// A part was not looked at, or a figure not drawn.
fn score(
    card: &Card,
    inspected: &BTreeMap<PartCode, PartInspected>,
    measured: &[Measured],
) -> Result<Vec<PartScore>, Rejection> {
    let seen = |part: &&Part| matches!(part.source, Source::Inspected { .. }) && !inspected.contains_key(&part.part);
    let missing: Vec<PartCode> = card.parts.iter().filter(seen).map(|part| part.part.clone()).collect();
    if !missing.is_empty() {
        return Err(Rejection::PartsMissing(missing));
    }
    let of = |part: &Part| match &part.source {
        Source::Inspected { .. } => {
            let hundredths = inspected.get(&part.part).map_or(0, |seen| seen.hundredths);
            Ok(PartScore { part: part.part.clone(), hundredths, measured: None })
        }
        Source::Computed { figure, none_at, full_at, without_cases } => {
            let told = measured.iter().find(|measured| measured.figure == *figure);
            let told = *told.ok_or(Rejection::FigureNotDrawn(*figure))?;
            let hundredths = points_of(part, *none_at, *full_at, *without_cases, told);
            Ok(PartScore { part: part.part.clone(), hundredths, measured: Some(told) })
        }
    };
    card.parts.iter().map(of).collect()
}

fn by_criterion(card: &Card, parts: &[PartScore]) -> Vec<CriterionScore> {
    let of = |criterion: Criterion| {
        let own = card.parts.iter().zip(parts).filter(|(part, _)| part.criterion == criterion);
        CriterionScore { criterion, hundredths: own.map(|(_, score)| score.hundredths).sum() }
    };
    card.weights.iter().map(|weight| of(weight.criterion)).collect()
}

impl Inspection {
    /// Returns the figures that its card asks of the views.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let parts = self.opened.iter().flat_map(|opened| &opened.card.parts);
        let mut figures: Vec<Figure> = parts
            .filter_map(|part| match part.source {
                Source::Computed { figure, .. } => Some(figure),
                Source::Inspected { .. } => None,
            })
            .collect();
        figures.sort_unstable();
        figures.dedup();
        figures
    }

    /// Derives the score once more from what was seen and what the views tell now.
    ///
    /// # Errors
    /// It cannot be derived.
    pub fn derived(&self, measured: &[Measured]) -> Result<Vec<PartScore>, Rejection> {
        let opened = self.opened.as_ref().ok_or(Rejection::InspectionNotOpen)?;
        score(&opened.card, &self.inspected, measured)
    }

    fn inspect(&self, opened: &InspectionOpened, inspected: PartInspected) -> Result<Vec<InspectionEvent>, Rejection> {
        let known = opened.card.parts.iter().find(|part| part.part == inspected.part);
        let part = known.ok_or_else(|| Rejection::PartUnknown(inspected.part.clone()))?;
        let Source::Inspected { photo } = part.source else {
            return Err(Rejection::PartIsComputed(part.part.clone()));
        };
        if u32::from(part.points) * 100 < inspected.hundredths {
            return Err(Rejection::MorePointsThanThePart(part.part.clone()));
        }
        let of_part = |paper: &PaperId| self.photos.get(paper).is_some_and(|photo| photo.part == part.part);
        if let Some(unknown) = inspected.photos.iter().find(|paper| !of_part(paper)) {
            return Err(Rejection::PhotoUnknown(*unknown));
        }
        if photo && inspected.photos.is_empty() {
            return Err(Rejection::PhotoMissing(part.part.clone()));
        }
        match self.inspected.get(&part.part) == Some(&inspected) {
            true => Ok(vec![]),
            false => Ok(vec![inspected.into()]),
        }
    }

    fn take_photo(
        &self,
        opened: &InspectionOpened,
        photo: &InspectionPhotoTaken,
    ) -> Result<Vec<InspectionEvent>, Rejection> {
        if self.photos.get(&photo.paper) == Some(photo) {
            return Ok(vec![]);
        }
        let known = opened.card.parts.iter().find(|part| part.part == photo.part);
        let part = known.ok_or_else(|| Rejection::PartUnknown(photo.part.clone()))?;
        if !matches!(part.source, Source::Inspected { .. }) {
            return Err(Rejection::PartIsComputed(part.part.clone()));
        }
        if PHOTOS_MAX <= self.photos.len() {
            return Err(Rejection::TooManyPhotos);
        }
        Ok(vec![photo.clone().into()])
    }

    fn draw(
        &self,
        opened: &InspectionOpened,
        position: u64,
        measured: &[Measured],
        context: &Context<'_>,
    ) -> Result<Vec<InspectionEvent>, Rejection> {
        let parts = score(&opened.card, &self.inspected, measured)?;
        let criteria = by_criterion(&opened.card, &parts);
        let hundredths = parts.iter().map(|part| part.hundredths).sum();
        let scored = InspectionScored {
            inspection: opened.inspection,
            hall: opened.hall.clone(),
            county: opened.county.clone(),
            checklist: opened.checklist.clone(),
            checklist_version: opened.checklist_version,
            position,
            asked_on: day_of(context.now),
            parts,
            criteria,
            hundredths,
        };
        Ok(vec![scored.into()])
    }
}

fn open(command: &Command, context: &Context<'_>) -> Result<Vec<InspectionEvent>, Rejection> {
    let Command::Open { inspection, hall, checklist, inspected_on, from, to } = command else {
        return Err(Rejection::InspectionNotOpen);
    };
    let organisations = &context.reference.organisations;
    let is_centre = |kind| {
        matches!(
            kind,
            OrganisationKind::City | OrganisationKind::County | OrganisationKind::Township | OrganisationKind::Zone
        )
    };
    let centre = organisations.get(hall).filter(|centre| is_centre(centre.kind()));
    let centre = centre.ok_or_else(|| Rejection::NotACentre(hall.clone()))?;
    if context.actor.organisation == *hall {
        return Err(Rejection::InspectsOwnHall);
    }
    if day_of(context.now) < *inspected_on {
        return Err(Rejection::InspectedInTheFuture);
    }
    let days = (*to - *from).num_days();
    let after = inspected_on.succ_opt().unwrap_or(*inspected_on);
    if !(1..=PERIOD_DAYS_MAX).contains(&days) || after < *to {
        return Err(Rejection::PeriodOutOfRange);
    }
    let checklist = checklist.as_ref().ok_or(Rejection::ChecklistNotInUse)?;
    let opened = InspectionOpened {
        inspection: *inspection,
        hall: centre.id().clone(),
        county: organisations.county_of(hall).cloned(),
        inspector: context.actor.id.clone(),
        inspected_on: *inspected_on,
        checklist: checklist.checklist.clone(),
        checklist_version: checklist.version,
        card: checklist.card.clone(),
        from: *from,
        to: *to,
    };
    Ok(vec![opened.into()])
}

impl Decider for Inspection {
    type Command = InspectionCommand;
    type Event = InspectionEvent;
    type Rejection = InspectionRejection;

    fn decide(&self, command: &Command, context: &Context<'_>) -> Result<Vec<InspectionEvent>, Rejection> {
        match (&self.opened, command) {
            (None, _) => open(command, context),
            (Some(_), Command::Open { .. }) => Err(Rejection::InspectionAlreadyOpen),
            (Some(_), _) if self.scored.is_some() => Err(Rejection::AlreadyScored),
            (Some(opened), _) if opened.inspector != context.actor.id => Err(Rejection::NotTheInspector),
            (Some(opened), Command::TakePhoto(photo)) => self.take_photo(opened, photo),
            (Some(opened), Command::Inspect { part, hundredths, photos, note }) => {
                let (part, photos, note) = (part.clone(), photos.clone(), note.clone());
                self.inspect(opened, PartInspected { part, hundredths: *hundredths, photos, note })
            }
            (Some(opened), Command::Score { position, measured }) => self.draw(opened, *position, measured, context),
        }
    }

    fn evolve(&mut self, event: &InspectionEvent) {
        match event {
            InspectionEvent::InspectionOpened(opened) => self.opened = Some(opened.clone()),
            InspectionEvent::InspectionPhotoTaken(photo) => {
                self.photos.insert(photo.paper, photo.clone());
            }
            InspectionEvent::PartInspected(inspected) => {
                self.inspected.insert(inspected.part.clone(), inspected.clone());
            }
            InspectionEvent::InspectionScored(scored) => self.scored = Some(scored.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
