//! Instruments by which an organ lets others decide: 赋权 gives the power away, 委托 lends it.

use crate::event::item::Authority;
use crate::ids::{ExternalNumber, InstrumentId, ItemId, OrganisationId, RegionCode};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What an instrument does with the power it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstrumentKind {
    /// 赋权: the holder decides in its own name, and answers for it.
    Empowerment,
    /// 委托: the holder decides in the name of the organ that entrusted it, which supervises and answers for it.
    Entrustment,
}

impl InstrumentKind {
    /// Returns the authority that a decision under such an instrument is made with.
    #[must_use]
    pub fn authority(self) -> Authority {
        match self {
            Self::Empowerment => Authority::Empowered,
            Self::Entrustment => Authority::Entrusted,
        }
    }

    /// Returns the kind of instrument without which nobody decides with this authority.
    #[must_use]
    pub fn needed_for(authority: Authority) -> Option<Self> {
        match authority {
            Authority::Empowered => Some(Self::Empowerment),
            Authority::Entrusted => Some(Self::Entrustment),
            Authority::OwnStatutory | Authority::Forward | Authority::VillageSelf => None,
        }
    }

    /// Returns the name of such a paper.
    #[must_use]
    pub fn paper_zh(self) -> &'static str {
        match self {
            Self::Empowerment => "赋权文书",
            Self::Entrustment => "委托书",
        }
    }
}

/// An instrument was issued and published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentIssued {
    /// Which.
    pub instrument: InstrumentId,
    /// What it does.
    pub kind: InstrumentKind,
    /// 文号.
    pub number: ExternalNumber,
    /// 赋权 (委托) 机关: whose power it is.
    pub from: OrganisationId,
    /// 受权 (受托) 组织: who may use it.
    pub to: Vec<OrganisationId>,
    /// For which items.
    pub items: Vec<ItemId>,
    /// For cases handled in these regions; everywhere if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<RegionCode>,
    /// The first day on which one may decide under it.
    pub valid_from: NaiveDate,
    /// The last such day, where one is fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<NaiveDate>,
    /// The day it was made public (行政许可法 Art. 24: organ and content of an entrustment are to be announced).
    pub published_on: NaiveDate,
    /// Where.
    pub published_in: String,
    /// On which legal basis.
    pub basis: String,
}

/// An instrument ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentRevoked {
    /// Which.
    pub instrument: InstrumentId,
    /// The last day on which one may decide under it.
    pub last_day: NaiveDate,
    /// By which paper, or why.
    pub basis: String,
}

/// The instrument that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentRef {
    /// Which.
    pub instrument: InstrumentId,
    /// What it does.
    pub kind: InstrumentKind,
    /// Its 文号.
    pub number: ExternalNumber,
}
