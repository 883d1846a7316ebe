//! An event as history holds it.

use crate::actor::Actor;
use crate::document::DocumentKind;
use crate::event::Event;
use crate::hall_day::HallDay;
use crate::ids::{
    CampaignId, CaseId, CertificateId, ChecklistId, CommandId, EventId, IdError, InspectionId, InstrumentId, ItemId,
    OrganisationId, RatingId, SourceName,
};
use crate::month::Month;
use crate::zone::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One thing that happened: what, to whom, by whom, when, and where it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Its place in the log, from 1.
    pub position: u64,
    /// What it is about.
    pub subject: Subject,
    /// Its place in its stream, from 1.
    pub version: u64,
    /// The event's id.
    pub id: EventId,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// When it happened; before `recorded_at` when it was keyed in later.
    pub occurred_at: Instant,
    /// Who did it.
    pub by: Actor,
    /// The command that caused it.
    pub command: CommandId,
    /// What happened.
    pub event: Event,
}

/// What a stream is about; its text is the stream's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A case 办件.
    Case(CaseId),
    /// A rating 评价 and the order that a bad one opens.
    Rating(RatingId),
    /// The tickets and windows of a hall's day 取号叫号.
    Hall(HallDay),
    /// The slots of a hall's day 预约.
    Slots(HallDay),
    /// An electronic certificate 电子证照.
    Certificate(CertificateId),
    /// A certificate library 证照库 of the city: how far it was read.
    Library(SourceName),
    /// A service item 事项.
    Item(ItemId),
    /// A government, hall, station or department.
    Organisation(OrganisationId),
    /// A hall's roster for one month 值班表.
    Roster(OrganisationId, Month),
    /// A centre or station as a place that serves 服务点.
    ServicePoint(OrganisationId),
    /// An instrument of empowerment or entrustment 赋权、委托.
    Instrument(InstrumentId),
    /// Whose relative the applicant of a case is 近亲属备案.
    Kin(CaseId),
    /// What halls are scored by 考评表.
    Checklist(ChecklistId),
    /// One inspection of one hall 考评.
    Inspection(InspectionId),
    /// A campaign in which counties choose halls 标杆大厅.
    Campaign(CampaignId),
    /// The working-day calendar.
    Calendar,
    /// The rules in force.
    Policy,
    /// The template of a kind of document.
    Template(DocumentKind),
    /// Who looked at what: unmasking and exports, by the organisation that looked.
    Access(OrganisationId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case(id) => write!(f, "case-{id}"),
            Self::Rating(id) => write!(f, "rating-{id}"),
            Self::Hall(day) => write!(f, "hall-{day}"),
            Self::Slots(day) => write!(f, "slots-{day}"),
            Self::Certificate(id) => write!(f, "certificate-{id}"),
            Self::Library(name) => write!(f, "library-{name}"),
            Self::Item(id) => write!(f, "item-{id}"),
            Self::Organisation(id) => write!(f, "organisation-{id}"),
            Self::Roster(id, month) => write!(f, "roster-{id}-{month}"),
            Self::ServicePoint(id) => write!(f, "point-{id}"),
            Self::Instrument(id) => write!(f, "instrument-{id}"),
            Self::Kin(id) => write!(f, "kin-{id}"),
            Self::Checklist(id) => write!(f, "checklist-{id}"),
            Self::Inspection(id) => write!(f, "inspection-{id}"),
            Self::Campaign(id) => write!(f, "campaign-{id}"),
            Self::Calendar => f.write_str("calendar"),
            Self::Policy => f.write_str("policy"),
            Self::Template(kind) => write!(f, "template-{kind}"),
            Self::Access(id) => write!(f, "access-{id}"),
        }
    }
}

impl FromStr for Subject {
    type Err = IdError;
    fn from_str(name: &str) -> Result<Self, IdError> {
        let unknown = || IdError { kind: "stream name", text: name.chars().take(64).collect() };
        match name.split_once('-') {
            Some(("case", id)) => Ok(Self::Case(id.parse()?)),
            Some(("rating", id)) => Ok(Self::Rating(id.parse()?)),
            Some(("hall", day)) => Ok(Self::Hall(day.parse()?)),
            Some(("slots", day)) => Ok(Self::Slots(day.parse()?)),
            Some(("certificate", id)) => Ok(Self::Certificate(id.parse()?)),
            Some(("library", name)) => Ok(Self::Library(name.parse()?)),
            Some(("item", id)) => Ok(Self::Item(id.parse()?)),
            Some(("organisation", id)) => Ok(Self::Organisation(id.parse()?)),
            Some(("roster", of)) => {
                // The month is the last seven characters; an organisation's code may hold hyphens.
                let (id, month) = of.len().checked_sub(7).and_then(|at| of.split_at_checked(at)).ok_or_else(unknown)?;
                let id = id.strip_suffix('-').ok_or_else(unknown)?;
                Ok(Self::Roster(id.parse()?, month.parse().map_err(|_| unknown())?))
            }
            Some(("point", id)) => Ok(Self::ServicePoint(id.parse()?)),
            Some(("instrument", id)) => Ok(Self::Instrument(id.parse()?)),
            Some(("kin", id)) => Ok(Self::Kin(id.parse()?)),
            Some(("checklist", id)) => Ok(Self::Checklist(id.parse()?)),
            Some(("inspection", id)) => Ok(Self::Inspection(id.parse()?)),
            Some(("campaign", id)) => Ok(Self::Campaign(id.parse()?)),
            Some(("template", kind)) => Ok(Self::Template(kind.parse()?)),
            Some(("access", id)) => Ok(Self::Access(id.parse()?)),
            None if name == "calendar" => Ok(Self::Calendar),
            None if name == "policy" => Ok(Self::Policy),
            Some(_) | None => Err(unknown()),
        }
    }
}
