//! 近亲属备案: that an applicant is a close relative of somebody who works here, and that their home was visited for it. These
//! facts have a stream of their own beside the case, so that whoever may see the case does not see them with it.

use crate::ids::{CaseId, ItemId, OrganisationId, StaffId};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Of what kind the relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KinRelation {
    /// 配偶.
    Spouse,
    /// 父母.
    Parent,
    /// 子女.
    Child,
    /// 兄弟姐妹.
    Sibling,
    /// 其他近亲属.
    Other,
}

/// Who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclaredBy {
    /// The applicant.
    Applicant,
    /// The member of staff.
    Staff,
    /// Neither: an inspection found it.
    Inspection,
}

/// What was looked at of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HomeVisit {
    /// 入户核查: everything, by those who handle the case.
    Full,
    /// 抽查: a sample, by the county or the city.
    Spot,
}

/// It was registered apart from the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KinRegistered {
    /// Which case.
    pub case: CaseId,
    /// For which item.
    pub item: ItemId,
    /// Where the case is handled.
    pub handling: OrganisationId,
    /// Whose relative the applicant is.
    pub staff: StaffId,
    /// What they are to them.
    pub relation: KinRelation,
    /// Who said so.
    pub declared_by: DeclaredBy,
    /// When.
    pub registered_on: NaiveDate,
    /// The case was decided by then, on this day: too late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_on: Option<NaiveDate>,
}

/// The home was visited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KinHomeVisited {
    /// For which case.
    pub case: CaseId,
    /// To look at what.
    pub visit: HomeVisit,
    /// When.
    pub visited_on: NaiveDate,
    /// By whom.
    pub visitors: Vec<StaffId>,
}
