//! Who acts, in which role, and what one may see.

use crate::ids::{OrganisationId, StaffId, SubjectId, WindowId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A role, as it stands in a token and in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// 申请人, or the applicant's agent.
    Resident,
    /// 村级代办员: helps residents apply, never decides except what the village handles itself.
    VillageAgent,
    /// 导办员: tickets and guidance, no case content.
    Receptionist,
    /// 综合窗口受理员: receives, notices, accepts.
    Clerk,
    /// 后台审批人员: reviews.
    Handler,
    /// 首席代表 / 分管领导: decides.
    Chief,
    /// 本机关负责人: approves extensions.
    OrganHead,
    /// 制证人员.
    CertificateMaker,
    /// 出件窗口: stamps, hands over.
    DeliveryClerk,
    /// 督查员: reads everything, urges.
    Supervisor,
    /// 分析员: figures, no identities.
    Analyst,
    /// The public screen of a hall.
    Screen,
    /// Publishes catalogue, organisations, calendar and policy.
    Admin,
    /// The system's own clock and rules; in no token.
    System,
    /// A foreign history taken in; in no token.
    Import,
}

impl Role {
    /// Every role, in the order of the table of roles.
    pub const ALL: [Self; 15] = [
        Self::Resident,
        Self::VillageAgent,
        Self::Receptionist,
        Self::Clerk,
        Self::Handler,
        Self::Chief,
        Self::OrganHead,
        Self::CertificateMaker,
        Self::DeliveryClerk,
        Self::Supervisor,
        Self::Analyst,
        Self::Screen,
        Self::Admin,
        Self::System,
        Self::Import,
    ];

    /// Returns the name used in tokens and in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::VillageAgent => "village-agent",
            Self::Receptionist => "receptionist",
            Self::Clerk => "clerk",
            Self::Handler => "handler",
            Self::Chief => "chief",
            Self::OrganHead => "organ-head",
            Self::CertificateMaker => "certificate-maker",
            Self::DeliveryClerk => "delivery-clerk",
            Self::Supervisor => "supervisor",
            Self::Analyst => "analyst",
            Self::Screen => "screen",
            Self::Admin => "admin",
            Self::System => "system",
            Self::Import => "import",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No role has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role {0:?}")]
pub struct RoleError(pub String);

impl FromStr for Role {
    type Err = RoleError;
    fn from_str(name: &str) -> Result<Self, RoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| RoleError(name.chars().take(32).collect()))
    }
}

/// Through which channel an act came (申报来源, GB/T 39046 A.5, and the system's own).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// 窗口.
    Window,
    /// 电脑端.
    Web,
    /// 移动端.
    Mobile,
    /// 快递.
    Courier,
    /// 其他.
    Other,
    /// The system itself.
    System,
}

impl Channel {
    /// Returns the name used in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Web => "web",
            Self::Mobile => "mobile",
            Self::Courier => "courier",
            Self::Other => "other",
            Self::System => "system",
        }
    }
}

impl FromStr for Channel {
    type Err = RoleError;
    fn from_str(name: &str) -> Result<Self, RoleError> {
        [Self::Window, Self::Web, Self::Mobile, Self::Courier, Self::Other, Self::System]
            .into_iter()
            .find(|channel| channel.as_str() == name)
            .ok_or_else(|| RoleError(name.chars().take(32).collect()))
    }
}

/// Who acts: a person in a role for an organisation, at a window, perhaps on somebody's behalf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The person or process. For a resident: their person reference.
    pub id: StaffId,
    /// In which role.
    pub role: Role,
    /// For which organisation.
    pub organisation: OrganisationId,
    /// At which window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowId>,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<SubjectId>,
    /// Through which channel.
    pub channel: Channel,
}

impl Actor {
    /// Returns the person reference of a resident.
    #[must_use]
    pub fn subject(&self) -> Option<SubjectId> {
        match self.role {
            Role::Resident => self.id.as_str().parse().ok(),
            _ => None,
        }
    }
}
