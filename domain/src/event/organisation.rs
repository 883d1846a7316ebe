//! Organisations: the tree of governments, halls, stations and departments; windows; staff; opening days.

use crate::actor::Role;
use crate::event::item::Level;
use crate::ids::{OrganisationId, RegionCode, StaffId, WindowId};
use crate::sealed::Sealed;
use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

/// What kind of organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrganisationKind {
    /// 市政务服务中心 and the city's government.
    City,
    /// 县 (区) 政务服务中心.
    County,
    /// 乡镇便民服务中心.
    Township,
    /// 村 (社区) 便民服务站.
    Village,
    /// 部门: a bureau of a county or the city.
    Department,
    /// 开发区: an organisation whose territory lies in a district.
    Zone,
}

impl OrganisationKind {
    /// Returns the level on which it takes in and decides.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::City => Level::City,
            Self::County | Self::Department => Level::County,
            Self::Township | Self::Zone => Level::Township,
            Self::Village => Level::Village,
        }
    }
}

/// An organisation exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationRegistered {
    /// Which.
    pub organisation: OrganisationId,
    /// Under whom; absent for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<OrganisationId>,
    /// What kind.
    pub kind: OrganisationKind,
    /// 名称.
    pub name_zh: String,
    /// Its English name, where it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name_en: String,
    /// Where it lies.
    pub region: RegionCode,
    /// 统一社会信用代码 (GB 32100), where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_code: Option<String>,
    /// 示例: made up for demonstration.
    #[serde(default)]
    pub synthetic: bool,
    /// Since when.
    pub valid_from: NaiveDate,
}

/// When an organisation is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningDaysSet {
    /// Which.
    pub organisation: OrganisationId,
    /// 365天服务: open on rest days too.
    pub every_day: bool,
    /// It opens at.
    pub opens: NaiveTime,
    /// It closes at.
    pub closes: NaiveTime,
    /// 延时服务 until, where offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_hours_until: Option<NaiveTime>,
    /// Its day begins at this time, where not at midnight: tickets given earlier belong to the day before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_begins: Option<NaiveTime>,
    /// Since when.
    pub valid_from: NaiveDate,
}

/// How an organisation is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactSet {
    /// Which.
    pub organisation: OrganisationId,
    /// 咨询电话.
    pub phone: String,
    /// Since when.
    pub valid_from: NaiveDate,
}

/// A window is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowOpened {
    /// In which hall.
    pub organisation: OrganisationId,
    /// Which window.
    pub window: WindowId,
    /// 名称, such as 综合窗口1.
    pub name_zh: String,
    /// `comprehensive`, `output`, `social-assistance`, `self-service` …
    pub purpose: String,
}

/// A window is no longer there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowClosed {
    /// In which hall.
    pub organisation: OrganisationId,
    /// Which window.
    pub window: WindowId,
}

/// Somebody works here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffAppointed {
    /// Where.
    pub organisation: OrganisationId,
    /// Who, by number.
    pub staff: StaffId,
    /// In which roles.
    pub roles: Vec<Role>,
    /// Name and phone, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Sealed>,
    /// Since when.
    pub valid_from: NaiveDate,
}

/// Somebody no longer works here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRelieved {
    /// Where.
    pub organisation: OrganisationId,
    /// Who.
    pub staff: StaffId,
    /// The last day.
    pub last_day: NaiveDate,
}

/// It is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationDissolved {
    /// Which.
    pub organisation: OrganisationId,
    /// The last day.
    pub last_day: NaiveDate,
}
