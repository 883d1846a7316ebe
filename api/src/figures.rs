//! Figures of a hall, as the views tell them: what a score is drawn from, and derived from again.

use crate::problem::Problem;
use crate::views::{Standing, Views};
use chrono::NaiveDate;
use domain::event::checklist::Figure;
use domain::event::inspection::Measured;
use domain::ids::OrganisationId;
use projections::certificate_free::{CertificateFree, CertificateFreeQuery};
use projections::coverage::{Coverage, PointsPage};
use projections::processing_times::{Cohort, ProcessingTimes, ProcessingTimesQuery, RegionAs};
use projections::reference::ReferenceData;
use projections::satisfaction::{Satisfaction, SatisfactionQuery};
use projections::scope::{Attribution, Period, Source};
use projections::staffing::{Staffing, StaffingQuery};
use projections::supplements::{Supplements, SupplementsQuery};
use projections::tally::Rate;

/// Of which hall and days figures are drawn, and on which day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// The hall, with the stations under it.
    pub hall: OrganisationId,
    /// The days.
    pub period: Period,
    /// The day on which the views are asked.
    pub asked_on: NaiveDate,
}

/// Which view tells a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Teller {
    Times,
    Satisfaction,
    Staffing,
    Coverage,
    CertificateFree,
    Supplements,
}

fn teller(figure: Figure) -> Teller {
    match figure {
        Figure::OnTimeRate
        | Figure::StatutoryOnTimeRate
        | Figure::CrossTownshipShare
        | Figure::DelegatedDecidedRate => Teller::Times,
        Figure::ActiveRate | Figure::GoodRate | Figure::RectificationInTimeRate => Teller::Satisfaction,
        Figure::AssistanceStaffedRate => Teller::Staffing,
        Figure::ItemsEnabledShare => Teller::Coverage,
        Figure::CertificateFreeRate => Teller::CertificateFree,
        Figure::OneTimeNoticeRate => Teller::Supplements,
    }
}

/// By which of its organisations a case counts for a figure of processing times.
fn attribution(figure: Figure) -> Attribution {
    match figure {
        Figure::CrossTownshipShare => Attribution::Intake,
        Figure::DelegatedDecidedRate => Attribution::Handling,
        Figure::OnTimeRate
        | Figure::StatutoryOnTimeRate
        | Figure::ActiveRate
        | Figure::GoodRate
        | Figure::RectificationInTimeRate
        | Figure::AssistanceStaffedRate
        | Figure::ItemsEnabledShare
        | Figure::CertificateFreeRate
        | Figure::OneTimeNoticeRate => Attribution::Deciding,
    }
}

fn measured(figure: Figure, rate: Rate) -> Measured {
    Measured { figure, numerator: rate.numerator, denominator: rate.denominator }
}

impl Drawing {
    /// Returns what processing times tell.
    #[must_use]
    pub fn of_times(&self, times: &ProcessingTimes, data: &ReferenceData) -> Vec<Measured> {
        let by = |figure| ProcessingTimesQuery {
            period: self.period,
            cohort: Cohort::Finished,
            group_by: Vec::new(),
            item: None,
            organisation: Some(self.hall.clone()),
            closing: None,
            attribution: attribution(figure),
            region_as: RegionAs::Now,
            source: Source::Own,
        };
        let told = |figure| times.answer(&by(figure), &data.reference, self.asked_on);
        // A question of cases asks nothing of steps, which is all that could be wrong with it.
        let [Ok(decided), Ok(taken_in), Ok(handled)] =
            [Figure::OnTimeRate, Figure::CrossTownshipShare, Figure::DelegatedDecidedRate].map(told)
        else {
            return Vec::new();
        };
        vec![
            measured(Figure::OnTimeRate, decided.total.on_time_promised),
            measured(Figure::StatutoryOnTimeRate, decided.total.on_time_statutory),
            measured(Figure::CrossTownshipShare, taken_in.total.cross_township),
            measured(Figure::DelegatedDecidedRate, handled.total.delegated_decided),
        ]
    }

    /// Returns what satisfaction tells.
    #[must_use]
    pub fn of_satisfaction(&self, satisfaction: &Satisfaction, data: &ReferenceData) -> Vec<Measured> {
        let query = SatisfactionQuery {
            period: self.period,
            group_by: Vec::new(),
            item: None,
            organisation: Some(self.hall.clone()),
            source: Source::Own,
        };
        let total = satisfaction.answer(&query, &data.reference, self.asked_on).total;
        vec![
            measured(Figure::ActiveRate, total.active_rate.unwrap_or_default()),
            measured(Figure::GoodRate, total.good_rate),
            measured(Figure::RectificationInTimeRate, total.rectification_in_time_rate),
        ]
    }

    /// Returns what staffing tells.
    #[must_use]
    pub fn of_staffing(&self, staffing: &Staffing, data: &ReferenceData) -> Vec<Measured> {
        let query = StaffingQuery { period: self.period, organisation: self.hall.clone() };
        let total = staffing.answer(&query, &data.reference).total;
        vec![measured(Figure::AssistanceStaffedRate, Rate::of(total.proven.into(), total.open_days.into()))]
    }

    /// Returns what coverage tells, of the period's last day.
    #[must_use]
    pub fn of_coverage(&self, coverage: &Coverage, data: &ReferenceData) -> Vec<Measured> {
        let last_day = self.period.to.pred_opt().unwrap_or(self.period.from);
        let points = coverage.answer(&self.hall, &data.reference, last_day, &PointsPage::ALL).points;
        let own = points.into_iter().find(|point| point.organisation == self.hall);
        vec![measured(Figure::ItemsEnabledShare, own.map(|point| point.items).unwrap_or_default())]
    }

    /// Returns what is told of cases without paper certificates.
    #[must_use]
    pub fn of_certificates(&self, certificate_free: &CertificateFree, data: &ReferenceData) -> Vec<Measured> {
        let query = CertificateFreeQuery {
            period: self.period,
            group_by: Vec::new(),
            item: None,
            organisation: Some(self.hall.clone()),
            source: Source::Own,
        };
        let total = certificate_free.answer(&query, &data.reference).total;
        vec![measured(Figure::CertificateFreeRate, total.certificate_free_rate)]
    }

    /// Returns what is told of supplements.
    #[must_use]
    pub fn of_supplements(&self, supplements: &Supplements, data: &ReferenceData) -> Vec<Measured> {
        let query = SupplementsQuery {
            period: self.period,
            group_by: Vec::new(),
            item: None,
            organisation: Some(self.hall.clone()),
            source: Source::Own,
            top: None,
        };
        let total = supplements.answer(&query, &data.reference).total;
        vec![measured(Figure::OneTimeNoticeRate, total.asked_once.unwrap_or_default())]
    }

    /// Asks the views for these figures, as they stood.
    ///
    /// # Errors
    /// The log cannot be read, or too many look at the past at once.
    pub async fn draw(&self, views: &Views, at: &Standing, figures: &[Figure]) -> Result<Vec<Measured>, Problem> {
        let mut tellers: Vec<Teller> = figures.iter().map(|figure| teller(*figure)).collect();
        tellers.sort_unstable();
        tellers.dedup();
        let mut drawn = Vec::new();
        for teller in tellers {
            let this = self.clone();
            let told = match teller {
                Teller::Times => {
                    views
                        .study(at, move |view: &ProcessingTimes, data: &ReferenceData| this.of_times(view, data))
                        .await?
                }
                Teller::Satisfaction => {
                    views
                        .study(at, move |view: &Satisfaction, data: &ReferenceData| this.of_satisfaction(view, data))
                        .await?
                }
                Teller::Staffing => {
                    views.study(at, move |view: &Staffing, data: &ReferenceData| this.of_staffing(view, data)).await?
                }
                Teller::CertificateFree => {
                    let tell = move |view: &CertificateFree, data: &ReferenceData| this.of_certificates(view, data);
                    views.study(at, tell).await?
                }
                Teller::Supplements => {
                    let tell = move |view: &Supplements, data: &ReferenceData| this.of_supplements(view, data);
                    views.study(at, tell).await?
                }
                Teller::Coverage => {
                    views.study(at, move |view: &Coverage, data: &ReferenceData| this.of_coverage(view, data)).await?
                }
            };
            drawn.extend(told.value);
        }
        drawn.retain(|measured| figures.contains(&measured.figure));
        Ok(drawn)
    }

    /// Returns the request that tells a figure as it stood at a moment.
    #[must_use]
    pub fn query(&self, figure: Figure, as_of: &str) -> String {
        let Period { from, to } = self.period;
        let as_of = as_of.replace('+', "%2B");
        let path = match teller(figure) {
            Teller::Times => "statistics/processing-times",
            Teller::Satisfaction => "statistics/satisfaction",
            Teller::Staffing => "staffing",
            Teller::CertificateFree => "statistics/certificate-free",
            Teller::Supplements => "statistics/supplements",
            Teller::Coverage => return format!("/api/v1/coverage?org={}&as_of={as_of}", self.hall),
        };
        let attribution = match attribution(figure) {
            Attribution::Intake => "&attribution=intake",
            Attribution::Handling => "&attribution=handling",
            // The usual one is not said.
            Attribution::Deciding => "",
            Attribution::Delivering => "&attribution=delivering",
        };
        format!("/api/v1/{path}?org={}&from={from}&to={to}{attribution}&as_of={as_of}", self.hall)
    }
}
