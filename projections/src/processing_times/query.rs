//! Questions about processing times, and their answers.

use super::ProcessingTimes;
use super::groups::Groups;
use crate::scope::{Attribution, Period, Source};
use crate::tally::{Distribution, Rate};
use chrono::NaiveDate;
use domain::event::case::ClosingKind;
use domain::ids::{ItemId, OrganisationId, SourceName};
use domain::reference::Reference;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which day puts a case into the period. Always the day on which it happened, never the day of recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cohort {
    /// The day it ended.
    #[default]
    Finished,
    /// 受理之日; cases still open belong too.
    Accepted,
}

/// Under which code a region is shown whose code has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegionAs {
    /// The code under which the organisation was registered.
    Then,
    /// Today's.
    #[default]
    Now,
}

/// By what figures can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// 事项.
    Item,
    /// The item's version; tells the items apart too.
    ItemVersion,
    /// By what right it was decided.
    Authority,
    /// 环节: rows are of steps then, not of cases.
    Step,
    /// Who took the case in; of a step, who did it.
    Clerk,
    /// The township of the organisation to which the case is attributed.
    Township,
    /// Its county.
    County,
    /// The month of the day that put it into the period.
    Month,
}

impl Dimension {
    /// In the order of keys.
    pub const ALL: [Self; 8] = [
        Self::Item,
        Self::ItemVersion,
        Self::Authority,
        Self::Step,
        Self::Clerk,
        Self::Township,
        Self::County,
        Self::Month,
    ];
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessingTimesQuery {
    /// Which days.
    pub period: Period,
    /// Which day of a case.
    pub cohort: Cohort,
    /// Told apart by these; all in one row if empty.
    pub group_by: Vec<Dimension>,
    /// Only this item.
    pub item: Option<ItemId>,
    /// Only this organisation and those under it.
    pub organisation: Option<OrganisationId>,
    /// Only cases that ended so.
    pub closing: Option<ClosingKind>,
    /// Which organisation a case belongs to.
    pub attribution: Attribution,
    /// Under which code regions are shown.
    pub region_as: RegionAs,
    /// Whose histories.
    pub source: Source,
}

/// The question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProcessingTimesError {
    /// Steps have no closing kind: they end while the case goes on.
    #[error("group_by=step counts steps, which have no closing kind")]
    StepsHaveNoClosing,
    /// Steps are counted by the day on which they ended.
    #[error("group_by=step counts steps by the day they ended: use cohort=finished")]
    StepsHaveNoAcceptance,
}

/// 1 − promised ÷ statutory, over the cases that have both limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Compression {
    /// Cases with both.
    pub n: i64,
    /// Days promised, summed.
    pub promised_days: i64,
    /// Days the law allows, summed.
    pub statutory_days: i64,
    /// 时限压缩率; absent where the law sets no days.
    pub rate: Option<f64>,
}

/// What was taken in of a legacy system's history. Its cases have no closing, so they have no times here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyCounts {
    /// Cases.
    pub cases: u64,
    /// Activities.
    pub activities: u64,
}

/// Figures of one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessingTimesRow {
    /// What it is the group of, for each dimension asked for; absent where the case has no such thing.
    pub key: BTreeMap<Dimension, Option<String>>,
    /// Cases in the cohort; of rows by step, steps.
    pub n: i64,
    /// Those that have ended, by how.
    pub closings: BTreeMap<ClosingKind, i64>,
    /// 按时办结率: finished by the promised date ÷ finished with one.
    pub on_time_promised: Rate,
    /// 法定按时率: decided by the statutory date ÷ finished with one.
    pub on_time_statutory: Rate,
    /// The same, by the day of recording.
    pub on_time_promised_recorded: Rate,
    /// The same, by the day of recording.
    pub on_time_statutory_recorded: Rate,
    /// Working days from acceptance to the end, net of lawful pauses; of rows by step, the step's own.
    pub working_days: Distribution,
    /// Natural days from application to the end: what the applicant feels.
    pub gross_days: Distribution,
    /// Working days from receipt to acceptance.
    pub acceptance_lag_days: Distribution,
    /// Ended on the day of application ÷ ended.
    pub same_day: Rate,
    /// 时限压缩率.
    pub compression: Compression,
    /// Open at the moment and past the promised date, which lies in the period (cohort `accepted`: accepted in it).
    pub open_overdue: i64,
    /// The same, past the statutory date.
    pub open_overdue_statutory: i64,
    /// Endings recorded on a later day than they happened.
    pub recorded_late: i64,
    /// 转报停留: working days at organisations that sent the case up, by the day of sending.
    pub forwarded_days: Distribution,
    /// Working days at the organisations that decided what was sent up to them, by the day of deciding.
    pub decided_leg_days: Distribution,
    /// 跨乡镇占比: applied for in another township than the one that handled it ÷ ended.
    pub cross_township: Rate,
    /// 赋权委托事项就地决定率: decided under the instrument, within the organisation asked for ÷ decided; of cases of
    /// empowered and entrusted items, by the day of the decision.
    pub delegated_decided: Rate,
    /// Steps done within their budget ÷ steps; of rows by step only.
    pub within_budget: Rate,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessingTimesAnswer {
    /// The groups, in the order of their keys.
    pub rows: Vec<ProcessingTimesRow>,
    /// All of them together.
    pub total: ProcessingTimesRow,
    /// Imported histories that the source takes in.
    pub legacy: BTreeMap<SourceName, LegacyCounts>,
}

impl ProcessingTimes {
    /// Answers a question, as seen on `today`.
    ///
    /// # Errors
    /// The question asks of steps what only cases have.
    pub fn answer(
        &self,
        query: &ProcessingTimesQuery,
        reference: &Reference,
        today: NaiveDate,
    ) -> Result<ProcessingTimesAnswer, ProcessingTimesError> {
        let mut groups = Groups::new(self, query, reference);
        if query.group_by.contains(&Dimension::Step) {
            if query.closing.is_some() {
                return Err(ProcessingTimesError::StepsHaveNoClosing);
            }
            if query.cohort == Cohort::Accepted {
                return Err(ProcessingTimesError::StepsHaveNoAcceptance);
            }
            groups.count_steps();
        } else {
            groups.count_endings();
            if query.closing.is_none() {
                groups.count_open(today);
                groups.count_legs();
                groups.count_delegated();
            }
        }
        Ok(groups.answer())
    }

    /// Returns how many cells the state holds.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.ended.cells() + self.stays.cells() + self.delegated.cells() + self.open.len()
    }
}
