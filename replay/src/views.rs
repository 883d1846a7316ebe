//! All projections that are kept live.

use crate::view::{AnyView, View};
use domain::fact::Fact;
use eventstore::Position;
use projections::balance::Balance;
use projections::certificate_free::CertificateFree;
use projections::coverage::Coverage;
use projections::halls::Halls;
use projections::kin::Kin;
use projections::oversight::Oversight;
use projections::processing_times::ProcessingTimes;
use projections::queues::Queues;
use projections::rating_signs::RatingSigns;
use projections::rating_windows::RatingWindows;
use projections::reference::ReferenceData;
use projections::satisfaction::Satisfaction;
use projections::scores::Scores;
use projections::staffing::Staffing;
use projections::supplements::Supplements;
use rayon::prelude::*;

/// Fewer facts than these are folded sooner than other threads are woken for them.
const FACTS_AT_ONCE_MIN: usize = 256;

/// Every live projection. A new one is a field here and a line in each of the two lists below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Views {
    /// Catalogue, organisations, calendar and policies.
    pub reference: View<ReferenceData>,
    /// Who has what to do, and the files of open cases.
    pub queues: View<Queues>,
    /// How long cases took.
    pub processing_times: View<ProcessingTimes>,
    /// 好差评.
    pub satisfaction: View<Satisfaction>,
    /// What came in and how it ended.
    pub balance: View<Balance>,
    /// Who was at the windows for social assistance.
    pub staffing: View<Staffing>,
    /// 督查: wrong paths and warnings.
    pub oversight: View<Oversight>,
    /// 刷好评: signs of farmed ratings.
    pub rating_signs: View<RatingSigns>,
    /// 待评价: services that nobody rated yet.
    pub rating_windows: View<RatingWindows>,
    /// Which centres and stations are live, and who lives near them.
    pub coverage: View<Coverage>,
    /// Queues, windows and appointments of halls.
    pub halls: View<Halls>,
    /// 免证率.
    pub certificate_free: View<CertificateFree>,
    /// 补正: what people are asked for again.
    pub supplements: View<Supplements>,
    /// Scores of halls, and which of them counties chose.
    pub scores: View<Scores>,
    /// Cases of close relatives of staff.
    pub kin: View<Kin>,
}

impl Views {
    /// Returns them all, to be looked at alike.
    #[must_use]
    pub fn all(&self) -> [&dyn AnyView; 15] {
        [
            &self.reference,
            &self.queues,
            &self.processing_times,
            &self.satisfaction,
            &self.balance,
            &self.staffing,
            &self.oversight,
            &self.rating_signs,
            &self.rating_windows,
            &self.coverage,
            &self.halls,
            &self.certificate_free,
            &self.supplements,
            &self.scores,
            &self.kin,
        ]
    }

    /// Returns them all, to be changed alike.
    pub fn all_mut(&mut self) -> [&mut dyn AnyView; 15] {
        [
            &mut self.reference,
            &mut self.queues,
            &mut self.processing_times,
            &mut self.satisfaction,
            &mut self.balance,
            &mut self.staffing,
            &mut self.oversight,
            &mut self.rating_signs,
            &mut self.rating_windows,
            &mut self.coverage,
            &mut self.halls,
            &mut self.certificate_free,
            &mut self.supplements,
            &mut self.scores,
            &mut self.kin,
        ]
    }

    /// Folds the facts that each view does not have yet.
    pub fn fold(&mut self, facts: &[Fact]) {
        fold_each(&mut self.all_mut(), facts);
    }

    /// Returns the position up to which every view has folded.
    #[must_use]
    pub fn position(&self) -> Position {
        self.all().iter().map(|view| view.position()).min().unwrap_or_default()
    }

    /// Returns the view of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&dyn AnyView> {
        self.all().into_iter().find(|view| view.name() == name)
    }

    /// Returns the names of all projections.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.all().iter().map(|view| view.name()).collect()
    }
}

/// Folds the facts that each view does not have yet: many facts into all views at once, on as many threads as there are
/// processors.
pub fn fold_each(views: &mut [&mut dyn AnyView], facts: &[Fact]) {
    if facts.len() < FACTS_AT_ONCE_MIN {
        views.iter_mut().for_each(|view| view.fold(facts));
    } else {
        views.par_iter_mut().with_max_len(1).for_each(|view| view.fold(facts));
    }
}
