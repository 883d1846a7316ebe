//! Names of things. Our own ids are ULIDs; codes that others issue stay opaque text, copied without an allocation.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use smol_str::SmolStr;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use ulid::Ulid;

/// The text is not a ULID, or not a code of the allowed shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {kind}")]
pub struct IdError {
    /// Which id was meant.
    pub kind: &'static str,
    /// The text, cut to a printable length.
    pub text: String,
}

impl IdError {
    fn new(kind: &'static str, text: &str) -> Self {
        Self { kind, text: text.chars().take(64).collect() }
    }
}

macro_rules! id {
    ($(#[$doc:meta])* ulid $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Ulid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Ulid::from_string(text).map(Self).map_err(|_| IdError::new(stringify!($name), text))
            }
        }
    };
    ($(#[$doc:meta])* text $name:ident, $chars_max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// The longest code, in characters.
            pub const CHARS_MAX: usize = $chars_max;

            /// Returns the code as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                match is_code(text, $chars_max) {
                    true => Ok(Self(text.into())),
                    false => Err(IdError::new(stringify!($name), text)),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(FromText(PhantomData))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Tells whether a text is a code of at most so many characters, none of them white or unprintable.
fn is_code(text: &str, chars_max: usize) -> bool {
    // Nearly every code is short and ASCII, and millions are read at a time.
    if (1..=chars_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return true;
    }
    let fits = (1..=chars_max).contains(&text.chars().count());
    fits && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// Reads a code where it stands, without a copy on the way.
struct FromText<T>(PhantomData<T>);

impl<T: FromStr<Err = IdError>> Visitor<'_> for FromText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

id! {
    /// One application for one item: 办件.
    ulid CaseId
}
id! {
    /// One recorded event.
    ulid EventId
}
id! {
    /// One command; repeating it adds nothing.
    ulid CommandId
}
id! {
    /// One inspection 考评 of one hall.
    ulid InspectionId
}
id! {
    /// A checklist 考评表 by which halls are scored, such as `model-hall`.
    text ChecklistId, 64
}
id! {
    /// A part of a checklist, such as `SIGNS`.
    text PartCode, 32
}
id! {
    /// A campaign 评选, such as `model-halls-2026`.
    text CampaignId, 64
}
id! {
    /// One stored paper (材料 or document), sealed outside the log.
    ulid PaperId
}
id! {
    /// One electronic certificate 电子证照. What a case makes has the id of its case; what comes from elsewhere has one
    /// that follows from where it comes from, its kind and its number, so that it is the same however often it comes.
    ulid CertificateId
}
id! {
    /// What kind of certificate 证照类型: the code of the material it stands for, such as `DIS`, or of the item that makes it.
    text CertificateKind, 64
}
id! {
    /// A service item 事项, such as `FZ-001`.
    text ItemId, 64
}
id! {
    /// An organisation: region codes for governments and halls (`361023100`), `<code>-<letters>` for departments.
    text OrganisationId, 64
}
id! {
    /// An instrument by which an organ lets others decide: 赋权 or 委托.
    text InstrumentId, 64
}
id! {
    /// A window or desk inside a hall, unique within its organisation.
    text WindowId, 32
}
id! {
    /// A member of staff, or the process that acted.
    text StaffId, 64
}
id! {
    /// A person or firm, as the keyed hash of the identity number: the same for the same number, telling nothing of it.
    text SubjectId, 64
}
id! {
    /// An administrative region: 6 digits county, 9 township, 12 village.
    text RegionCode, 12
}
id! {
    /// A number that an office printed on paper: case, receipt, notice, decision … opaque, may be re-issued.
    text ExternalNumber, 64
}
id! {
    /// A rating stream: derived from its subject and stage where each may be rated once.
    text RatingId, 96
}
id! {
    /// A step 环节 of an item's own model.
    text StepCode, 64
}
id! {
    /// A material code of the catalogue, such as `ID` or `HK`.
    text MaterialCode, 32
}
id! {
    /// A situation 办理情形 of an item, such as `PROXY`: some materials are needed only there.
    text SituationCode, 32
}
id! {
    /// Where a history comes from: `own`, or the name of a legacy system.
    text SourceName, 64
}
