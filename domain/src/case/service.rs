//! A case as a service that can be rated.

use super::Case;
use crate::catalogue::Catalogue;
use crate::event::item::RatingStage;
use crate::event::rating::RatedService;
use crate::ids::SubjectId;

impl Case {
    /// Returns the service that a rating at this stage is about; none while the case has not come that far.
    #[must_use]
    pub fn rated_service(&self, stage: RatingStage) -> Option<RatedService> {
        let application = self.application.as_ref()?;
        let receipt = self.receipt.as_ref();
        let ended_on = match stage {
            RatingStage::Accept => self.acceptance.as_ref()?.effective_on,
            RatingStage::Finish => self.closing.as_ref()?.closed_on,
        };
        Some(RatedService {
            source: application.source.clone(),
            item: Some(application.item.clone()),
            organisation: receipt.map_or(&application.intake, |receipt| &receipt.organisation).clone(),
            window: receipt.and_then(|receipt| receipt.window.clone()),
            staff: receipt.and_then(|receipt| receipt.by.clone()),
            ended_on,
            visit: false,
        })
    }

    /// Returns whether the applicant is asked for a rating at this stage: at the end always, at acceptance where the item
    /// says so.
    #[must_use]
    pub fn is_rated_at(&self, stage: RatingStage, catalogue: &Catalogue) -> bool {
        let Some(application) = &self.application else { return false };
        let version = catalogue.version(&application.item, application.item_version);
        let asked = version.is_some_and(|version| version.definition.rating_stages.contains(&stage));
        stage == RatingStage::Finish || asked
    }

    /// Returns who may rate it: the applicant, and the agent shown on the case.
    #[must_use]
    pub fn entitled_to_rate(&self) -> Vec<SubjectId> {
        let application = self.application.iter();
        application
            .flat_map(|application| std::iter::once(&application.applicant).chain(&application.agent))
            .map(|party| party.subject.clone())
            .collect()
    }
}
