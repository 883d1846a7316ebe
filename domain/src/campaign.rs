//! 标杆大厅: a campaign in which each county chooses some of its halls, on the strength of scores that anybody can derive
//! again.

use crate::decider::{Context, Decider};
use crate::event::CampaignEvent;
use crate::event::campaign::{CampaignOpened, ChoiceWithdrawn, HallChosen};
use crate::event::inspection::InspectionScored;
use crate::event::organisation::OrganisationKind;
use crate::ids::{CampaignId, ChecklistId, InspectionId, OrganisationId};
use crate::zone::day_of;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A campaign.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    /// As it was opened.
    pub opened: Option<CampaignOpened>,
    /// The halls chosen.
    pub chosen: BTreeMap<OrganisationId, HallChosen>,
}

/// What may be asked of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CampaignCommand {
    /// Open it.
    Open {
        /// Which.
        campaign: CampaignId,
        /// 名称.
        name_zh: String,
        /// By which checklist the halls are scored; absent if nobody knows it.
        checklist: Option<ChecklistId>,
        /// How many halls each county may choose.
        halls_per_county: u16,
        /// The first day.
        from: NaiveDate,
        /// The last day.
        through: NaiveDate,
    },
    /// A county chooses a hall.
    Choose {
        /// On the strength of which inspection.
        inspection: InspectionId,
        /// Its score; absent while there is none.
        scored: Option<Box<InspectionScored>>,
    },
    /// A county takes a choice back.
    Withdraw {
        /// Which hall.
        hall: OrganisationId,
    },
}

/// Why a campaign stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CampaignRejection {
    /// It is open, with other particulars.
    #[error("this campaign is open already")]
    CampaignAlreadyOpen,
    /// Nobody opened it.
    #[error("there is no such campaign")]
    CampaignNotOpen,
    /// It has no name.
    #[error("a campaign needs a name")]
    CampaignNameless,
    /// Halls are scored by something.
    #[error("there is no such checklist")]
    ChecklistUnknown,
    /// Each county may choose something.
    #[error("each county must be able to choose at least one hall")]
    NoHallToChoose,
    /// It ends after it begins.
    #[error("a campaign must not end before it begins")]
    CampaignReversed,
    /// It is over, or did not begin.
    #[error("halls are chosen from {0} through {1}")]
    OutsideCampaign(NaiveDate, NaiveDate),
    /// No score, no choice.
    #[error("this inspection has no score yet")]
    NotScored,
    /// It was scored by something else.
    #[error("this hall was scored by another checklist")]
    ScoredByOther(ChecklistId),
    /// Only centres of townships are chosen.
    #[error("{0} is not the centre of a township")]
    NotATownshipCentre(OrganisationId),
    /// Each county chooses among its own.
    #[error("{0} does not lie in the county that chooses")]
    HallOfOtherCounty(OrganisationId),
    /// The county does not take part.
    #[error("this county does not take part")]
    CountyNotInCampaign,
    /// It chose as many as it may.
    #[error("a county chooses at most {0} halls")]
    CountyHasChosen(u16),
    /// It was not chosen.
    #[error("{0} is not chosen")]
    HallNotChosen(OrganisationId),
}

use CampaignCommand as Command;
use CampaignRejection as Rejection;

impl Campaign {
    /// Whoever chooses acts for a county, or for somebody in it.
    fn county<'a>(opened: &CampaignOpened, context: &'a Context<'_>) -> Result<&'a OrganisationId, Rejection> {
        let county = context.reference.organisations.county_of(&context.actor.organisation);
        county.filter(|county| opened.counties.contains(county)).ok_or(Rejection::CountyNotInCampaign)
    }

    fn choose(
        &self,
        opened: &CampaignOpened,
        inspection: InspectionId,
        scored: Option<&InspectionScored>,
        context: &Context<'_>,
    ) -> Result<Vec<CampaignEvent>, Rejection> {
        let county = Self::county(opened, context)?;
        let scored = scored.ok_or(Rejection::NotScored)?;
        if scored.checklist != opened.checklist {
            return Err(Rejection::ScoredByOther(scored.checklist.clone()));
        }
        let hall = context.reference.organisations.get(&scored.hall);
        if hall.is_none_or(|hall| hall.kind() != OrganisationKind::Township) {
            return Err(Rejection::NotATownshipCentre(scored.hall.clone()));
        }
        if scored.county.as_ref() != Some(county) {
            return Err(Rejection::HallOfOtherCounty(scored.hall.clone()));
        }
        let chosen = HallChosen {
            campaign: opened.campaign.clone(),
            county: county.clone(),
            hall: scored.hall.clone(),
            inspection,
            checklist_version: scored.checklist_version,
            criteria: scored.criteria.clone(),
            hundredths: scored.hundredths,
        };
        match self.chosen.get(&scored.hall) {
            Some(known) if *known == chosen => return Ok(vec![]),
            // The same hall on the strength of another inspection takes no further place.
            Some(_) => (),
            None => {
                let count = self.chosen.values().filter(|other| other.county == *county).count();
                if usize::from(opened.halls_per_county) <= count {
                    return Err(Rejection::CountyHasChosen(opened.halls_per_county));
                }
            }
        }
        Ok(vec![chosen.into()])
    }

    fn withdraw(
        &self,
        opened: &CampaignOpened,
        hall: &OrganisationId,
        context: &Context<'_>,
    ) -> Result<Vec<CampaignEvent>, Rejection> {
        let county = Self::county(opened, context)?;
        let chosen = self.chosen.get(hall).ok_or_else(|| Rejection::HallNotChosen(hall.clone()))?;
        if chosen.county != *county {
            return Err(Rejection::HallOfOtherCounty(hall.clone()));
        }
        let (campaign, hall) = (opened.campaign.clone(), hall.clone());
        Ok(vec![ChoiceWithdrawn { campaign, county: county.clone(), hall }.into()])
    }
}

fn open(command: &Command, context: &Context<'_>) -> Result<CampaignOpened, Rejection> {
    let Command::Open { campaign, name_zh, checklist, halls_per_county, from, through } = command else {
        return Err(Rejection::CampaignNotOpen);
    };
    if name_zh.trim().is_empty() {
        return Err(Rejection::CampaignNameless);
    }
    if *halls_per_county == 0 {
        return Err(Rejection::NoHallToChoose);
    }
    if through < from {
        return Err(Rejection::CampaignReversed);
    }
    let counties = context.reference.organisations.iter();
    let counties = counties.filter(|one| one.kind() == OrganisationKind::County && one.exists_on(*from));
    Ok(CampaignOpened {
        campaign: campaign.clone(),
        name_zh: name_zh.clone(),
        checklist: checklist.clone().ok_or(Rejection::ChecklistUnknown)?,
        halls_per_county: *halls_per_county,
        counties: counties.map(|county| county.id().clone()).collect(),
        from: *from,
        through: *through,
    })
}

impl Decider for Campaign {
    type Command = CampaignCommand;
    type Event = CampaignEvent;
    type Rejection = CampaignRejection;

    fn decide(&self, command: &Command, context: &Context<'_>) -> Result<Vec<CampaignEvent>, Rejection> {
        match (&self.opened, command) {
            (None, _) => Ok(vec![open(command, context)?.into()]),
            (Some(known), Command::Open { .. }) if open(command, context)? == *known => Ok(vec![]),
            (Some(_), Command::Open { .. }) => Err(Rejection::CampaignAlreadyOpen),
            (Some(opened), _) if !(opened.from..=opened.through).contains(&day_of(context.now)) => {
                Err(Rejection::OutsideCampaign(opened.from, opened.through))
            }
            (Some(opened), Command::Choose { inspection, scored }) => {
                self.choose(opened, *inspection, scored.as_deref(), context)
            }
            (Some(opened), Command::Withdraw { hall }) => self.withdraw(opened, hall, context),
        }
    }

    fn evolve(&mut self, event: &CampaignEvent) {
        match event {
            CampaignEvent::CampaignOpened(opened) => self.opened = Some(opened.clone()),
            CampaignEvent::HallChosen(chosen) => {
                self.chosen.insert(chosen.hall.clone(), chosen.clone());
            }
            CampaignEvent::ChoiceWithdrawn(withdrawn) => {
                self.chosen.remove(&withdrawn.hall);
            }
        }
    }
}

#[cfg(test)]
mod tests;
