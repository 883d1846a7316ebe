//! 考评: what was seen in a hall, what the views told of it, and the score that both make.

use crate::event::checklist::{Card, Criterion, Figure};
use crate::ids::{ChecklistId, InspectionId, OrganisationId, PaperId, PartCode, StaffId};
use crate::sealed::Sealed;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Somebody began to inspect a hall. The card stands in the fact, so that the score is judged by it for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectionOpened {
    /// Which inspection.
    pub inspection: InspectionId,
    /// Of which hall.
    pub hall: OrganisationId,
    /// In which county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub county: Option<OrganisationId>,
    /// By whom.
    pub inspector: StaffId,
    /// On which day.
    pub inspected_on: NaiveDate,
    /// By which checklist.
    pub checklist: ChecklistId,
    /// In which version.
    pub checklist_version: u32,
    /// What a score is made of.
    pub card: Card,
    /// Computed parts are taken of the days from this one …
    pub from: NaiveDate,
    /// … to before this one.
    pub to: NaiveDate,
}

/// A photo was taken; its sealed bytes lie outside the log, durable before this event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectionPhotoTaken {
    /// Which paper.
    pub paper: PaperId,
    /// For which part.
    pub part: PartCode,
    /// Keyed SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Its media type.
    pub media_type: String,
}

/// A part was looked at; looked at again, the later one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartInspected {
    /// Which.
    pub part: PartCode,
    /// Points, in hundredths.
    pub hundredths: u32,
    /// The photos that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<PaperId>,
    /// In words, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed>,
}

/// What a view told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Measured {
    /// What.
    pub figure: Figure,
    /// How many.
    pub numerator: i64,
    /// Out of how many.
    pub denominator: i64,
}

/// The points of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartScore {
    /// Which.
    pub part: PartCode,
    /// Points, in hundredths.
    pub hundredths: u32,
    /// What a view told, where it is computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// The points of a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriterionScore {
    /// Which.
    pub criterion: Criterion,
    /// Points, in hundredths.
    pub hundredths: u32,
}

/// The score was drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectionScored {
    /// Which inspection.
    pub inspection: InspectionId,
    /// Of which hall.
    pub hall: OrganisationId,
    /// In which county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub county: Option<OrganisationId>,
    /// By which checklist.
    pub checklist: ChecklistId,
    /// In which version.
    pub checklist_version: u32,
    /// The views stood at this position of the log when they were asked.
    pub position: u64,
    /// They were asked on this day.
    pub asked_on: NaiveDate,
    /// Part by part, in the order of the card.
    pub parts: Vec<PartScore>,
    /// Criterion by criterion.
    pub criteria: Vec<CriterionScore>,
    /// All of it, in hundredths.
    pub hundredths: u32,
}
