//! A hall's day: the stream to which its tickets belong, and the day for which its slots are booked.
//!
//! Ids of tickets and appointments name the day they belong to, so that no index is needed to find their stream.

use crate::ids::{IdError, OrganisationId};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use ulid::Ulid;

/// One business day of one hall. It need not begin at midnight.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HallDay {
    /// The day on which it begins.
    pub day: NaiveDate,
    /// Which hall.
    pub hall: OrganisationId,
}

impl fmt::Display for HallDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.day.format("%Y-%m-%d"), self.hall)
    }
}

impl FromStr for HallDay {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let malformed = || malformed("HallDay", text);
        let (day, hall) = text.split_at_checked(10).ok_or_else(malformed)?;
        let hall = hall.strip_prefix('-').ok_or_else(malformed)?;
        Ok(Self { day: NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| malformed())?, hall: hall.parse()? })
    }
}

/// A queue ticket 号票: `20260302-0017-361023100`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TicketId {
    /// Of which hall, on which day.
    pub day: HallDay,
    /// The day's how many-th, from 1.
    pub number: u16,
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}-{}", self.day.day.format("%Y%m%d"), self.number, self.day.hall)
    }
}

impl FromStr for TicketId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let (day, number) = of_day("TicketId", text)?;
        let id = Self { day, number: number.parse().map_err(|_| malformed("TicketId", text))? };
        // One ticket has one name.
        if id.to_string() == text { Ok(id) } else { Err(malformed("TicketId", text)) }
    }
}

/// An appointment 预约: `20260302-01KJNX4V8Q0000000000000000-361023100`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppointmentId {
    /// At which hall, on which day.
    pub day: HallDay,
    /// Tells it from all others.
    pub code: Ulid,
}

impl fmt::Display for AppointmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.day.day.format("%Y%m%d"), self.code, self.day.hall)
    }
}

impl FromStr for AppointmentId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let (day, code) = of_day("AppointmentId", text)?;
        let id = Self { day, code: Ulid::from_string(code).map_err(|_| malformed("AppointmentId", text))? };
        if id.to_string() == text { Ok(id) } else { Err(malformed("AppointmentId", text)) }
    }
}

/// Takes `<day>-<middle>-<hall>` apart; a hall's own code may hold hyphens.
fn of_day<'a>(kind: &'static str, text: &'a str) -> Result<(HallDay, &'a str), IdError> {
    let mut parts = text.splitn(3, '-');
    let (Some(day), Some(middle), Some(hall)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed(kind, text));
    };
    let day = NaiveDate::parse_from_str(day, "%Y%m%d").map_err(|_| malformed(kind, text))?;
    Ok((HallDay { day, hall: hall.parse()? }, middle))
}

fn malformed(kind: &'static str, text: &str) -> IdError {
    IdError { kind, text: text.chars().take(64).collect() }
}

macro_rules! as_text {
    ($($name:ident),*) => {
        $(
            impl TryFrom<String> for $name {
                type Error = IdError;
                fn try_from(text: String) -> Result<Self, IdError> {
                    text.parse()
                }
            }

            impl From<$name> for String {
                fn from(id: $name) -> Self {
                    id.to_string()
                }
            }
        )*
    };
}

as_text!(HallDay, TicketId, AppointmentId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_their_day_and_come_back_from_text() {
        for text in ["20260302-0017-361023100", "20260302-9999-361002004-LIMIN"] {
            assert_eq!(text.parse::<TicketId>().unwrap().to_string(), text);
        }
        let appointment = "20260302-01KJNX4V8Q0000000000000000-361002004-LIMIN";
        assert_eq!(appointment.parse::<AppointmentId>().unwrap().to_string(), appointment);
        let day: HallDay = "2026-03-02-361002004-LIMIN".parse().unwrap();
        assert_eq!((day.hall.as_str(), day.to_string().as_str()), ("361002004-LIMIN", "2026-03-02-361002004-LIMIN"));
    }

    #[test]
    fn one_ticket_has_one_name() {
        for text in ["20260302-17-361023100", "20260302-+017-361023100", "2026032-0017-361023100", "20260302-0017", "x"]
        {
            assert!(text.parse::<TicketId>().is_err(), "{text}");
        }
        for text in ["20260302-01kjnx4v8q0000000000000000-361023100", "2026-03-02", "二〇二六年三月-361023100", ""]
        {
            assert!(text.parse::<AppointmentId>().is_err() && text.parse::<TicketId>().is_err(), "{text}");
        }
        assert!("2026-3-02-361023100".parse::<HallDay>().is_err());
    }
}
