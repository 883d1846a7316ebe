//! 服务点: where centres and stations stand, since when they are live, what they take, and how far people have to go.

use crate::ids::{ItemId, OrganisationId, RegionCode};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// In town or in the country: each has its own circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// 城区.
    Town,
    /// 农村.
    Country,
}

/// A place on the map, in millionths of a degree (CGCS2000).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapPoint {
    /// East.
    pub longitude: i32,
    /// North.
    pub latitude: i32,
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceSet {
    /// Which centre or station.
    pub organisation: OrganisationId,
    /// In town or in the country.
    pub setting: Setting,
    /// 地址 of the building.
    pub address_zh: String,
    /// On the map, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<MapPoint>,
    /// 示例: made up for demonstration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub synthetic: bool,
}

/// 上线: the one-window service began here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLaunched {
    /// At which centre or station.
    pub organisation: OrganisationId,
    /// The first day.
    pub since: NaiveDate,
    /// What it took from that day on.
    pub items: Vec<ItemId>,
}

/// More can be applied for here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemsEnabled {
    /// At which centre or station.
    pub organisation: OrganisationId,
    /// What.
    pub items: Vec<ItemId>,
    /// The first day.
    pub since: NaiveDate,
}

/// Less can be applied for here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemsDisabled {
    /// At which centre or station.
    pub organisation: OrganisationId,
    /// What.
    pub items: Vec<ItemId>,
    /// The last day.
    pub last_day: NaiveDate,
}

/// How long it takes to a centre or station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// To which.
    pub to: OrganisationId,
    /// Minutes, by the usual means.
    pub minutes: u16,
}

/// A village or residential community, and the ways from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VillageWays {
    /// Its code, of 12 digits.
    pub region: RegionCode,
    /// 名称.
    pub name_zh: String,
    /// In town or in the country.
    pub setting: Setting,
    /// How many live there.
    pub people: u32,
    /// The ways from it.
    pub ways: Vec<Way>,
}

/// The ways from a township's villages were measured; what was measured before no longer counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TravelSurveyed {
    /// Of which township.
    pub organisation: OrganisationId,
    /// Village by village.
    pub villages: Vec<VillageWays>,
    /// Who measured how.
    pub source: String,
    /// 示例: made up for demonstration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub synthetic: bool,
    /// The day it speaks of.
    pub surveyed_on: NaiveDate,
}
