//! 标杆大厅: each county chooses some of its halls.

use crate::event::inspection::CriterionScore;
use crate::ids::{CampaignId, ChecklistId, InspectionId, OrganisationId};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A campaign was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignOpened {
    /// Which.
    pub campaign: CampaignId,
    /// 名称.
    pub name_zh: String,
    /// By which checklist the halls are scored.
    pub checklist: ChecklistId,
    /// How many halls each county may choose.
    pub halls_per_county: u16,
    /// The counties that take part.
    pub counties: Vec<OrganisationId>,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub through: NaiveDate,
}

/// A county chose a hall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HallChosen {
    /// In which campaign.
    pub campaign: CampaignId,
    /// Which county.
    pub county: OrganisationId,
    /// Which hall.
    pub hall: OrganisationId,
    /// On the strength of which inspection.
    pub inspection: InspectionId,
    /// The version of the checklist by which it was scored.
    pub checklist_version: u32,
    /// The score by criterion.
    pub criteria: Vec<CriterionScore>,
    /// All of it, in hundredths.
    pub hundredths: u32,
}

/// A county took a choice back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceWithdrawn {
    /// In which campaign.
    pub campaign: CampaignId,
    /// Which county.
    pub county: OrganisationId,
    /// Which hall.
    pub hall: OrganisationId,
}
