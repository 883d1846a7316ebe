//! 考评: checklists, the scores that were drawn, and the halls that counties chose.

use crate::projection::Projection;
use crate::scope::Period;
use chrono::NaiveDate;
use domain::campaign::Campaign;
use domain::checklist::Checklist;
use domain::decider::Decider as _;
use domain::event::campaign::HallChosen;
use domain::event::inspection::{CriterionScore, InspectionScored};
use domain::event::{CampaignEvent, ChecklistEvent, Event, InspectionEvent};
use domain::fact::Fact;
use domain::ids::{CampaignId, ChecklistId, InspectionId, OrganisationId, StaffId};
use domain::organisation::Organisations;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind every question about scores.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    checklists: BTreeMap<ChecklistId, Checklist>,
    inspections: BTreeMap<InspectionId, InspectionRow>,
    campaigns: BTreeMap<CampaignId, Campaign>,
}

/// An inspection as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InspectionRow {
    /// Which.
    pub inspection: InspectionId,
    /// Of which hall.
    pub hall: OrganisationId,
    /// In which county.
    pub county: Option<OrganisationId>,
    /// By whom.
    pub inspector: StaffId,
    /// On which day.
    pub inspected_on: NaiveDate,
    /// By which checklist.
    pub checklist: ChecklistId,
    /// In which version.
    pub checklist_version: u32,
    /// The most points there are, in hundredths.
    pub of_hundredths: u32,
    /// The score, once it was drawn.
    pub score: Option<Score>,
}

/// A score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// All of it, in hundredths.
    pub hundredths: u32,
    /// Criterion by criterion.
    pub criteria: Vec<CriterionScore>,
    /// Where the views stood when they were asked.
    pub position: u64,
}

impl Projection for Scores {
    const NAME: &'static str = "scores";
    const REVISION: u32 = 1;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Checklist(event @ ChecklistEvent::ChecklistPublished(published)) => {
                self.checklists.entry(published.checklist.clone()).or_default().evolve(event);
            }
            Event::Inspection(event) => self.inspect(event),
            Event::Campaign(event) => {
                let campaign = match event {
                    CampaignEvent::CampaignOpened(opened) => &opened.campaign,
                    CampaignEvent::HallChosen(chosen) => &chosen.campaign,
                    CampaignEvent::ChoiceWithdrawn(withdrawn) => &withdrawn.campaign,
                };
                self.campaigns.entry(campaign.clone()).or_default().evolve(event);
            }
            Event::Case(_)
            | Event::Rating(_)
            | Event::Ticket(_)
            | Event::Appointment(_)
            | Event::Certificate(_)
            | Event::Library(_)
            | Event::Item(_)
            | Event::Organisation(_)
            | Event::Instrument(_)
            | Event::Roster(_)
            | Event::ServicePoint(_)
            | Event::Kin(_)
            | Event::Calendar(_)
            | Event::Policy(_)
            | Event::Template(_)
            | Event::Access(_) => (),
        }
    }
}

/// By whom a ranking is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RankBy {
    /// Counties, by the mean of their halls.
    #[default]
    County,
    /// Halls.
    Hall,
}

/// A question for a ranking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankingQuery {
    /// By which checklist.
    pub checklist: ChecklistId,
    /// Inspected on these days.
    pub period: Period,
    /// Under this organisation.
    pub organisation: OrganisationId,
    /// Who is ranked.
    pub by: RankBy,
}

/// A place in a ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// From 1; those with the same score share a place.
    pub rank: u32,
    /// Which county or hall.
    pub organisation: OrganisationId,
    /// 名称.
    pub name_zh: String,
    /// Halls that were scored.
    pub halls: u32,
    /// The score, or the mean of them, in hundredths; rounded down.
    pub hundredths: u32,
    /// The inspections behind it.
    pub inspections: Vec<InspectionId>,
}

impl Scores {
    /// Returns every checklist.
    pub fn checklists(&self) -> impl Iterator<Item = (&ChecklistId, &Checklist)> {
        self.checklists.iter()
    }

    /// Returns a checklist.
    #[must_use]
    pub fn checklist(&self, id: &ChecklistId) -> Option<&Checklist> {
        self.checklists.get(id)
    }

    /// Returns every inspection, the newest first.
    pub fn inspections(&self) -> impl Iterator<Item = &InspectionRow> {
        self.inspections.values().rev()
    }

    /// Returns every campaign.
    pub fn campaigns(&self) -> impl Iterator<Item = (&CampaignId, &Campaign)> {
        self.campaigns.iter()
    }

    /// Returns a campaign.
    #[must_use]
    pub fn campaign(&self, id: &CampaignId) -> Option<&Campaign> {
        self.campaigns.get(id)
    }

    /// Returns a campaign's candidates, best first; those with the same score by their code.
    #[must_use]
    pub fn candidates(&self, id: &CampaignId) -> Vec<&HallChosen> {
        let mut chosen: Vec<&HallChosen> =
            self.campaigns.get(id).into_iter().flat_map(|one| one.chosen.values()).collect();
        chosen.sort_by(|a, b| b.hundredths.cmp(&a.hundredths).then_with(|| a.hall.cmp(&b.hall)));
        chosen
    }

    fn inspect(&mut self, event: &InspectionEvent) {
        match event {
            InspectionEvent::InspectionOpened(opened) => {
                let row = InspectionRow {
                    inspection: opened.inspection,
                    hall: opened.hall.clone(),
                    county: opened.county.clone(),
                    inspector: opened.inspector.clone(),
                    inspected_on: opened.inspected_on,
                    checklist: opened.checklist.clone(),
                    checklist_version: opened.checklist_version,
                    of_hundredths: u32::from(opened.card.total) * 100,
                    score: None,
                };
                self.inspections.insert(opened.inspection, row);
            }
            InspectionEvent::InspectionScored(InspectionScored {
                inspection, position, criteria, hundredths, ..
            }) => {
                if let Some(row) = self.inspections.get_mut(inspection) {
                    let criteria = criteria.clone();
                    row.score = Some(Score { hundredths: *hundredths, criteria, position: *position });
                }
            }
            InspectionEvent::InspectionPhotoTaken(_) | InspectionEvent::PartInspected(_) => (),
        }
    }

    /// Ranks halls by their latest score in the period, or counties by the mean of their halls' latest scores.
    #[must_use]
    pub fn ranking(&self, query: &RankingQuery, organisations: &Organisations) -> Vec<Ranked> {
        let mut latest: BTreeMap<&OrganisationId, (&InspectionRow, u32)> = BTreeMap::new();
        for row in self.inspections.values() {
            let Some(score) = &row.score else { continue };
            let wanted = row.checklist == query.checklist
                && query.period.contains(row.inspected_on)
                && organisations.contains(&query.organisation, &row.hall);
            let is_later = |(known, _): &(&InspectionRow, u32)| {
                (known.inspected_on, known.inspection) < (row.inspected_on, row.inspection)
            };
            if wanted && latest.get(&row.hall).is_none_or(is_later) {
                latest.insert(&row.hall, (row, score.hundredths));
            }
        }
        let mut groups: BTreeMap<&OrganisationId, Vec<(&InspectionRow, u32)>> = BTreeMap::new();
        for (hall, scored) in latest {
            let group = match query.by {
                RankBy::Hall => Some(hall),
                RankBy::County => scored.0.county.as_ref(),
            };
            // The city's own centre lies in no county, and no county's mean counts it.
            if let Some(group) = group {
                groups.entry(group).or_default().push(scored);
            }
        }
        let mut ranked: Vec<Ranked> = groups.into_iter().map(|(id, scored)| mean(id, &scored, organisations)).collect();
        ranked.sort_by(|a, b| b.hundredths.cmp(&a.hundredths).then_with(|| a.organisation.cmp(&b.organisation)));
        let mut before: Option<(u32, u32)> = None;
        for (place, row) in (1..).zip(&mut ranked) {
            row.rank = match before {
                Some((rank, hundredths)) if hundredths == row.hundredths => rank,
                Some(_) | None => place,
            };
            before = Some((row.rank, row.hundredths));
        }
        ranked
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        let chosen: usize = self.campaigns.values().map(|campaign| campaign.chosen.len()).sum();
        self.checklists.len() + self.inspections.len() + chosen
    }
}

fn mean(id: &OrganisationId, scored: &[(&InspectionRow, u32)], organisations: &Organisations) -> Ranked {
    let halls = u32::try_from(scored.len()).unwrap_or(u32::MAX);
    let sum: u64 = scored.iter().map(|(_, hundredths)| u64::from(*hundredths)).sum();
    let mean = sum.checked_div(u64::from(halls)).unwrap_or(0);
    Ranked {
        rank: 0,
        organisation: id.clone(),
        name_zh: organisations.get(id).map_or_else(String::new, |known| known.name_zh().to_owned()),
        halls,
        hundredths: u32::try_from(mean).unwrap_or(u32::MAX),
        inspections: scored.iter().map(|(row, _)| row.inspection).collect(),
    }
}

#[cfg(test)]
mod tests;
