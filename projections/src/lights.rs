//! 红黄灯: the open cases that somebody must look at, by light at the moment.

use crate::queues::Queues;
use crate::queues::remaining_working_days;
use chrono::NaiveDate;
use domain::case::{Due, Phase};
use domain::clock::Light;
use domain::ids::{CaseId, ExternalNumber, ItemId, OrganisationId, StaffId};
use domain::reference::Reference;
use domain::sealed::Party;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A question. A case belongs to the organisation that has it now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LightsQuery {
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Only this light; every one but green if absent.
    pub light: Option<Light>,
}

/// An open case and its light.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LightRow {
    /// Which.
    pub case: CaseId,
    /// 办件编号.
    pub number: Option<ExternalNumber>,
    /// 事项.
    pub item: Option<ItemId>,
    /// 申请人, whose name is sealed.
    pub applicant: Option<Party>,
    /// 办理状态.
    pub phase: Phase,
    /// Which organisation has it.
    pub organisation: OrganisationId,
    /// Who has taken it.
    pub holder: Option<StaffId>,
    /// The last day under the promise, while that clock runs.
    pub promised_by: Option<NaiveDate>,
    /// The last day under the law, while that clock runs.
    pub statutory_by: Option<NaiveDate>,
    /// Working days left of the limit that ends first; negative when over.
    pub remaining_working_days: Option<i32>,
    /// 灯.
    pub light: Light,
    /// The version of its stream.
    pub version: u64,
}

/// A page of cases by light.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LightsPage {
    /// In the order of light, date and id.
    pub rows: Vec<LightRow>,
    /// Where the next page begins, if there is one.
    pub next: Option<LightsCursor>,
    /// How many cases show each light, whatever light was asked for.
    pub counts: BTreeMap<Light, u64>,
}

/// The place of a row in the order of lights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LightsCursor {
    light: Light,
    /// Cases without a date come last.
    dateless: bool,
    due: Option<NaiveDate>,
    case: CaseId,
}

impl Queues {
    /// Returns a page of the open cases by light, as they are on `today`.
    #[must_use]
    pub fn lights(
        &self,
        query: &LightsQuery,
        after: Option<&LightsCursor>,
        limit: usize,
        reference: &Reference,
        today: NaiveDate,
    ) -> LightsPage {
        let within = crate::scope::within(query.organisation.as_ref(), &reference.organisations);
        self.look_at_standings(|standings| {
            let mut counts: BTreeMap<Light, u64> = BTreeMap::new();
            let mut places: Vec<LightsCursor> = Vec::new();
            for (case, standing) in standings {
                if within.as_ref().is_some_and(|within| !within.contains(&standing.organisation)) {
                    continue;
                }
                let (light, due) = (standing.due.light(today), standing.due.date());
                *counts.entry(light).or_default() += 1;
                let place = LightsCursor { light, dateless: due.is_none(), due, case: *case };
                let is_asked_for = query.light.map_or(light != Light::Green, |wanted| wanted == light);
                if is_asked_for && after.is_none_or(|after| *after < place) {
                    places.push(place);
                }
            }
            places.sort_unstable();
            let has_more = limit < places.len();
            places.truncate(limit);
            let rows = places.iter().filter_map(|place| {
                let standing = standings.get(&place.case)?;
                self.light_row(place, &standing.organisation, &standing.due, reference, today)
            });
            LightsPage { rows: rows.collect(), next: places.last().filter(|_| has_more).copied(), counts }
        })
    }

    /// Returns the open cases that show this light on `today`.
    #[must_use]
    pub fn under_light(&self, light: Light, today: NaiveDate) -> BTreeSet<CaseId> {
        self.look_at_standings(|standings| {
            let shown = standings.iter().filter(|(_, standing)| standing.due.light(today) == light);
            shown.map(|(case, _)| *case).collect()
        })
    }

    fn light_row(
        &self,
        place: &LightsCursor,
        organisation: &OrganisationId,
        due: &Due,
        reference: &Reference,
        today: NaiveDate,
    ) -> Option<LightRow> {
        let file = self.case(place.case)?;
        let clocks = file.case.running_clocks();
        Some(LightRow {
            case: place.case,
            number: file.number().cloned(),
            item: file.item().cloned(),
            applicant: file.applicant().cloned(),
            phase: file.case.phase,
            organisation: organisation.clone(),
            holder: file.case.holder.clone(),
            promised_by: clocks.promised.map(|deadline| deadline.date),
            statutory_by: clocks.legal.map(|deadline| deadline.date),
            remaining_working_days: remaining_working_days(due, organisation, reference, today),
            light: place.light,
            version: file.version,
        })
    }
}
